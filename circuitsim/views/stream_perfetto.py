"""Writes timelines of streams as Chrome trace JSON, which ui.perfetto.dev opens; see `perfetto` for the format.

Each timeline is a process, each of its devices a thread with a slice for each piece of work. A message between devices
is an asynchronous slice on a track for its link, and an update of a parameter an
instant. A counter follows how many microbatches each device keeps. One tick is shown as one millisecond.
"""

import json
from collections.abc import Mapping
from os import PathLike
from typing import Any

from circuitsim.files import check_path, writing
from circuitsim.trace.report import memory_over_time
from circuitsim.trace.timeline import Timeline
from circuitsim.views.perfetto import TICK

__all__ = ["write_perfetto"]

NAMES = {"F": "forward", "B": "backward", "I": "to the data", "W": "to the weights"}


def write_perfetto(timelines: Mapping[str, Timeline], path: str | PathLike[str]) -> None:
    """Write timelines, by the title that each gets, as Chrome trace JSON.

    Raises
    ------
    SaveError
        If the suffix is not ``.json`` or the file cannot be written.
    """
    path = check_path(path, (".json",))
    events: list[dict[str, Any]] = []
    for process, (title, timeline) in enumerate(timelines.items(), 1):
        events.append({"ph": "M", "name": "process_name", "pid": process, "args": {"name": title}})
        events += _events(timeline, process)
    whole = {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"tick": f"{TICK:g} us"}}
    with writing(path) as file:
        file.write(json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())


def _events(timeline: Timeline, process: int) -> list[dict[str, Any]]:
    tracks: dict[str, int] = {name: number for number, name in enumerate(timeline.devices)}
    events: list[dict[str, Any]] = []
    for device, kind, stage, tag, start, end, _ in timeline.work:
        microbatch = tag % timeline.batch
        args = {"stage": stage, "microbatch": microbatch, "example": tag, "work": NAMES[kind]}
        events.append(_slice(process, device, f"{kind}{microbatch}", start, end, args))
    for device, start, end in timeline.outages:
        events.append(_slice(process, device, "down", start, end, {}))
    for what, wire, tag, source, target, sent, start, end, size, fate in timeline.transfers:
        link = f"{timeline.devices[source]} → {timeline.devices[target]}"
        track = tracks.setdefault(link, len(tracks))
        common = {"cat": "message", "id": f"{what} {wire} {tag} {sent}", "pid": process, "tid": track}
        args = {"bytes": size, "waited": start - sent, "fate": fate}
        # Messages on a link may overlap, which slices of a track must not: these are asynchronous slices.
        events.append({"ph": "b", "name": f"{what} {tag}", "ts": start * TICK, "args": args, **common})
        events.append({"ph": "e", "name": f"{what} {tag}", "ts": end * TICK, **common})
    for update in timeline.updates:
        events.append(
            {
                "ph": "i", "s": "p", "name": f"{update.parameter} v{update.made}", "ts": update.time * TICK,
                "pid": process, "tid": 0, "args": {"read": update.read, "staleness": update.staleness},
            }
        )  # fmt: skip
    for device, series in enumerate(memory_over_time(timeline)):
        for time, kept, _, size in series:
            counter = {"microbatches": kept, "bytes": size}
            name = f"kept on {timeline.devices[device]}"
            events.append({"ph": "C", "name": name, "ts": time * TICK, "pid": process, "args": counter})
    for name, track in tracks.items():
        events.append({"ph": "M", "name": "thread_name", "pid": process, "tid": track, "args": {"name": name}})
        events.append(
            {"ph": "M", "name": "thread_sort_index", "pid": process, "tid": track, "args": {"sort_index": track}}
        )
    return events


def _slice(process: int, track: int, name: str, start: float, end: float, args: dict[str, Any]) -> dict[str, Any]:
    return {
        "ph": "X", "name": name, "ts": start * TICK, "dur": (end - start) * TICK,
        "pid": process, "tid": track, "args": args,
    }  # fmt: skip
