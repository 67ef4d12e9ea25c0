"""Draws what devices did when: a row a device, a bar a piece of work, coloured by kind, with its microbatch's number.

Below the bars is the memory over time: how many microbatches each device keeps for their backward passes.
"""

from collections.abc import Mapping
from os import PathLike

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from circuitsim.files import check_path
from circuitsim.trace.report import memory_over_time
from circuitsim.trace.timeline import WORK, Timeline
from circuitsim.views.figures import add_legend, lettering, save_figure
from circuitsim.views.forms import PICTURES
from circuitsim.views.style import EDGE, FAINT, INK, LINES, PAPER, plain

__all__ = ["draw_timelines"]

# For each kind one colour for even and one for odd microbatches; a second stage on the same device is darker.
COLOURS = {
    "F": ("#9ec5f4", "#b9d6f8"),
    "B": ("#f4b183", "#f8c9a8"),
    "I": ("#f6cf6b", "#f9de98"),
    "W": ("#9bd3a0", "#b6e0ba"),
}
DARKER = {
    "F": ("#5a94d8", "#74a6e0"),
    "B": ("#dd8a4f", "#e59f6d"),
    "I": ("#dba92f", "#e3b84f"),
    "W": ("#5faf67", "#79bf80"),
}
OUTAGE = "#d0342c"

WIDTH = 15.0  # inches
ROW = 0.3
LETTER = 6.3  # points that a digit needs at the size used here
MANY = 400  # pieces of work in a row, above which no gap is seen between them
GAP = 0.85  # inches between panels: titles and labels of axes


def draw_timelines(timelines: Mapping[str, Timeline], path: str | PathLike[str]) -> None:
    """Draw timelines one below the other on the same axis of time; one alone is drawn with its memory over time.

    Parameters
    ----------
    timelines : mapping of str to Timeline
        What to draw, by the title that it gets.
    path : path-like
        Where to; the suffix, ``.svg``, ``.png`` or ``.pdf``, chooses the format.

    Raises
    ------
    SaveError
        If the suffix is unknown or the file cannot be written.
    """
    path = check_path(path, PICTURES)
    alone = len(timelines) == 1
    heights = [max(2, len(_working(timeline))) * ROW for timeline in timelines.values()]
    if alone:
        heights.append(min(4.0, max(1.6, 0.6 * heights[0])))
    total = sum(heights) + GAP * (len(heights) + 1)
    with lettering(9.0):
        figure = Figure(figsize=(WIDTH, total), dpi=100, facecolor=PAPER)
        start = min((piece.start for timeline in timelines.values() for piece in timeline.work), default=0.0)
        end = max((piece.end for timeline in timelines.values() for piece in timeline.work), default=1.0)
        room = 0.01 * (end - start)
        panels = []
        top = total - GAP
        for height in heights:
            panel = figure.add_axes((0.085, (top - height) / total, 0.9, height / total))
            panel.set_xlim(start - room, end + room)
            panel.tick_params(colors=FAINT, length=3)
            for side in ("top", "right", "left"):
                panel.spines[side].set_visible(False)
            panel.spines["bottom"].set_color(EDGE)
            panels.append(panel)
            top -= height + GAP
        for panel, (title, timeline) in zip(panels, timelines.items(), strict=False):
            panel.set_title(plain(title), loc="left", color=INK, fontsize=10.5, parse_math=False)
            _draw_bars(panel, timeline)
        if alone:
            _draw_memory(panels[-1], next(iter(timelines.values())))
        panels[-1].set_xlabel("ticks", color=FAINT)
        kinds = {piece.kind for timeline in timelines.values() for piece in timeline.work}
        keys = [
            Patch(facecolor=COLOURS[kind][0], label=f"{name} ({kind})") for kind, name in WORK.items() if kind in kinds
        ]
        if any(timeline.outages for timeline in timelines.values()):
            keys.append(Patch(facecolor=PAPER, edgecolor=OUTAGE, hatch="////", label="down"))
        figure.legend(handles=keys, loc="upper right", ncols=len(keys), frameon=False, bbox_to_anchor=(0.985, 1.0))
        save_figure(figure, path)


def _working(timeline: Timeline) -> list[int]:
    """Return the devices that did anything."""
    return sorted({piece.device for piece in timeline.work})


def _draw_bars(panel: Axes, timeline: Timeline) -> None:
    devices = _working(timeline)
    row = {device: place for place, device in enumerate(devices)}
    first_stage = {device: min(p.stage for p in timeline.work if p.device == device) for device in devices}
    bars: dict[tuple[int, str], list[tuple[float, float]]] = {}
    gap = 0.4 if len(timeline.work) <= MANY * len(devices) else 0.0  # between bars, in points
    ticks = panel.get_xlim()[1] - panel.get_xlim()[0]
    points = WIDTH * 0.9 * 72 / ticks  # to a tick
    for device, kind, stage, tag, start, end, _ in timeline.work:
        microbatch = tag % timeline.batch
        palette = COLOURS if stage == first_stage[device] else DARKER
        bars.setdefault((row[device], palette[kind][microbatch % 2]), []).append((start, end - start))
        if (end - start) * points >= LETTER * len(str(microbatch)) + 1:
            panel.text(
                (start + end) / 2, row[device], str(microbatch), fontsize=7.5, color=INK, ha="center", va="center"
            )
    for (place, colour), spans in bars.items():
        panel.broken_barh(spans, (place - 0.42, 0.84), facecolor=colour, edgecolor=PAPER, linewidth=gap)
    for device, start, end in timeline.outages:
        if device in row:
            panel.broken_barh(
                [(start, end - start)],
                (row[device] - 0.42, 0.84),
                facecolor="none",
                edgecolor=OUTAGE,
                hatch="////",
                lw=0.6,
            )
    panel.set_ylim(max(2, len(devices)) - 0.5, -0.5)
    panel.set_yticks(range(len(devices)), [plain(timeline.devices[device]) for device in devices], parse_math=False)
    panel.tick_params(axis="y", length=0, labelcolor=INK)


def _draw_memory(panel: Axes, timeline: Timeline) -> None:
    end = max((piece.end for piece in timeline.work), default=0.0)
    devices = _working(timeline)
    memory = memory_over_time(timeline)
    drawn = {}
    for place, device in enumerate(devices):
        series = memory[device]
        times = [0.0, *(time for time, _, _, _ in series), end]
        held = [0.0, *(kept for _, kept, _, _ in series)]
        (drawn[timeline.devices[device]],) = panel.step(
            times,
            [*held, held[-1]],
            where="post",
            color=LINES[place % len(LINES)],
            linewidth=1.4,
            linestyle="-" if place < len(LINES) else "--",
        )
    panel.set_title("microbatches kept for their backward pass", loc="left", color=INK, fontsize=10.5)
    panel.set_ylim(bottom=0)
    panel.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if len(devices) <= 2 * len(LINES):
        add_legend(panel, drawn, loc="upper left", ncols=min(8, len(devices)), fontsize=8, bbox_to_anchor=(0.0, 1.02))
        panel.set_ylim(top=1.25 * panel.get_ylim()[1])
