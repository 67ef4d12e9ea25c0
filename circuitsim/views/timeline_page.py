"""Writes timelines of streams as one page to look around in: zoom, point at a piece of work, follow a microbatch."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

from circuitsim.files import check_path
from circuitsim.trace.report import memory_over_time, report
from circuitsim.trace.timeline import Timeline
from circuitsim.views.forms import PAGES
from circuitsim.views.html_page import block, fill, save_page

__all__ = ["write_timelines"]

SCRIPTS = ("numbers.js", "timeline.js")


def write_timelines(timelines: Mapping[str, Timeline], path: str | PathLike[str]) -> None:
    """Write a page that shows timelines, by the title that each gets; the suffix must be ``.html``.

    Raises
    ------
    SaveError
        If the suffix is another or the file cannot be written.
    """
    path = check_path(path, PAGES)
    data = [_chart(title, timeline) for title, timeline in timelines.items()]
    title = next(iter(timelines), "") if len(timelines) == 1 else "Timelines"
    save_page(fill(title or "Timeline", block("timelines", data), "timeline.html", ("timeline.css",), SCRIPTS), path)


def _chart(title: str, timeline: Timeline) -> dict[str, Any]:
    """Return what the page's script draws; a piece of work is device, kind, stage, microbatch, start and end."""
    found = report(timeline)
    facts = [
        ("ticks", f"{found.makespan:g}"),
        ("bubble", f"{found.bubble:g} ({found.bubble_ratio:.1%})"),
        ("bubble of the largest span", f"{found.span_bubble:g} ({found.span_bubble_ratio:.1%})"),
        ("at most kept", f"{max(found.peaks, default=0.0):g} microbatches"),
        ("bottleneck", "none" if found.bottleneck is None else found.devices[found.bottleneck]),
        ("messages", f"{sum(found.messages.values()):,}"),
    ]
    if max(found.staleness, default=0):
        facts.append(("updates old at most", f"{max(found.staleness)}"))
    work = timeline.work
    return {
        "title": title or "Timeline",
        "facts": facts,
        "devices": timeline.devices,
        "start": min((piece.start for piece in work), default=0.0),
        "end": max((piece.end for piece in work), default=1.0),
        "work": [(p.device, p.kind, p.stage, p.tag % timeline.batch, p.start, p.end) for p in work],
        "outages": timeline.outages,
        "memory": [[(time, kept) for time, kept, _, _ in series] for series in memory_over_time(timeline)],
    }
