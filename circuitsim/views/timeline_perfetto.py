"""Writes timelines of streams for ui.perfetto.dev and chrome://tracing; `chrome_trace` has the format.

Each timeline is a process, each of its devices a track with a slice for each piece of work. A message between devices
is an asynchronous slice on a track for its link, and an update of a parameter an instant. A counter follows how many
microbatches each device keeps.
"""

from collections.abc import Mapping
from os import PathLike

from circuitsim.files import check_path
from circuitsim.trace.report import memory_over_time
from circuitsim.trace.timeline import WORK, Timeline
from circuitsim.views.chrome_trace import ChromeTrace

__all__ = ["write_perfetto"]


def write_perfetto(timelines: Mapping[str, Timeline], path: str | PathLike[str]) -> None:
    """Write timelines, by the title that each gets; the suffix must be ``.json``.

    Raises
    ------
    SaveError
        If the suffix is another or the file cannot be written.
    """
    path = check_path(path, (".json",))
    chrome = ChromeTrace()
    for process, (title, timeline) in enumerate(timelines.items(), 1):
        chrome.name_process(process, title)
        _add(chrome, process, timeline)
    chrome.save(path)


def _add(chrome: ChromeTrace, process: int, timeline: Timeline) -> None:
    """Add the events of a timeline."""
    tracks: dict[str, int] = {name: number for number, name in enumerate(timeline.devices)}
    for device, kind, stage, tag, start, end, _ in timeline.work:
        microbatch = tag % timeline.batch
        args = {"stage": stage, "microbatch": microbatch, "example": tag, "work": WORK[kind]}
        chrome.slice(process, device, f"{kind}{microbatch}", start, end, args)
    for device, start, end in timeline.outages:
        chrome.slice(process, device, "down", start, end, {})
    for what, wire, tag, source, target, sent, start, end, size, fate in timeline.transfers:
        link = f"{timeline.devices[source]} → {timeline.devices[target]}"
        track = tracks.setdefault(link, len(tracks))
        args = {"bytes": size, "waited": start - sent, "fate": fate}
        chrome.overlapping(process, track, f"{what} {tag}", start, end, f"{what} {wire} {tag} {sent}", args)
    for update in timeline.updates:
        args = {"read": update.read, "staleness": update.staleness}
        chrome.instant(process, 0, f"{update.parameter} v{update.made}", update.time, args)
    for device, series in enumerate(memory_over_time(timeline)):
        for time, kept, _, size in series:
            name = f"kept on {timeline.devices[device]}"
            chrome.count(process, device, name, time, {"microbatches": kept, "bytes": size})
    for name, track in tracks.items():
        chrome.name_track(process, track, name)
