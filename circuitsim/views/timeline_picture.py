"""Draws what devices did when: a row a device, a bar a piece of work, coloured by kind, with its microbatch's number.

Below the row of each device is its memory over time: how many microbatches it keeps for their backward passes.

Digits of a number stand beside each other, or below each other where a bar is narrow. Where some bar is narrower than
a digit, every second number is written, every fifth, every tenth and so on, which the legend says: those of forward
work in the upper half of a row, those of backward work in the lower half.
"""

import math
from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from circuitsim.files import check_path
from circuitsim.gates.value import show
from circuitsim.trace.report import memory_over_time
from circuitsim.trace.timeline import WORK, Piece, Timeline
from circuitsim.views.figures import lettering, save_figure
from circuitsim.views.forms import PICTURES
from circuitsim.views.style import (
    DEVICES,
    GRADIENT,
    GRADIENT_SOFT,
    HAIRLINE,
    INK,
    PAPER,
    SOFT,
    VALUE,
    VALUE_SOFT,
    WIRE,
    plain,
)

__all__ = ["draw_timelines"]


def _darker(soft: str, full: str) -> str:
    """Return what a later stage of the same device is drawn in."""
    red, green, blue = 0.65 * np.array(to_rgb(soft)) + 0.35 * np.array(to_rgb(full))
    return to_hex((red, green, blue))


COLOURS = {"F": (VALUE_SOFT, _darker(VALUE_SOFT, VALUE))}
COLOURS |= dict.fromkeys("BIW", (GRADIENT_SOFT, _darker(GRADIENT_SOFT, GRADIENT)))
STRIPED = {"W"}

WIDTH = 15.0  # inches
LEFT, RIGHT = 0.085, 0.975  # shares of it, between which time passes
KEPT = 0.07  # the share of it for what is said about memory
ROW, STRIP = 0.3, 0.17  # inches of the bars of a device, and of its memory
FEWER = 16  # devices, above which both are lower
SIZE, TINY = 7.5, 6.5  # of digits, in points
DIGIT = 6.8  # pixels that one of the larger size takes
MANY = 400  # pieces of work in a row, above which no gap is seen between them
GAP = 0.85  # inches between panels: titles and labels of axes
EVERY = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # which numbers are written, where there is little room
DPI = 100


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
    with lettering(9.0), rc_context({"hatch.linewidth": 1.1}):
        save_figure(_figure(timelines), path)


def _figure(timelines: Mapping[str, Timeline]) -> Figure:
    alone = len(timelines) == 1
    low = max((len(_working(timeline)) for timeline in timelines.values()), default=0) > FEWER
    row, strip = (0.7 * ROW, 0.6 * STRIP * alone) if low else (ROW, STRIP * alone)
    heights = [max(2, len(_working(timeline))) * (row + strip) for timeline in timelines.values()]
    total = sum(heights) + GAP * (len(heights) + 1)
    figure = Figure(figsize=(WIDTH, total), dpi=DPI, facecolor=PAPER)
    start = min((piece.start for timeline in timelines.values() for piece in timeline.work), default=0.0)
    end = max((piece.end for timeline in timelines.values() for piece in timeline.work), default=1.0)
    room = 0.01 * (end - start)
    right = RIGHT - KEPT * alone
    told: dict[int, None] = {}
    top = total - GAP
    for height, (title, timeline) in zip(heights, timelines.items(), strict=True):
        panel = figure.add_axes((LEFT, (top - height) / total, right - LEFT, height / total))
        panel.set_facecolor("none")
        panel.set_xlim(start - room, end + room)
        panel.tick_params(colors=SOFT, length=3)
        for side in ("top", "right", "left"):
            panel.spines[side].set_visible(False)
        panel.spines["bottom"].set_color(HAIRLINE)
        panel.set_title(plain(title), loc="left", color=INK, fontsize=10.5, parse_math=False)
        told[_draw_bars(panel, timeline, row, strip)] = None
        if alone:
            _draw_memory(panel, timeline, row, strip)
        top -= height + GAP
    panel.set_xlabel("ticks", color=SOFT)
    _draw_legend(figure, timelines, max(told))
    return figure


def _working(timeline: Timeline) -> list[int]:
    """Return the devices that did anything."""
    return sorted({piece.device for piece in timeline.work})


def _later(timeline: Timeline) -> set[tuple[int, int]]:
    """Return the stages of each device but its first."""
    stages = sorted({(piece.device, piece.stage) for piece in timeline.work})
    return {one for number, one in enumerate(stages) if number and stages[number - 1][0] == one[0]}


def _draw_legend(figure: Figure, timelines: Mapping[str, Timeline], every: int) -> None:
    """Say above all panels what bars and numbers are."""
    kinds = {piece.kind for timeline in timelines.values() for piece in timeline.work}
    keys = [
        Patch(facecolor=COLOURS[kind][0], edgecolor=PAPER, hatch="////" if kind in STRIPED else "",
              linewidth=0.0, label=f"{name} ({kind})")
        for kind, name in WORK.items() if kind in kinds
    ]  # fmt: skip
    if any(_later(timeline) for timeline in timelines.values()):
        keys.append(Patch(facecolor=COLOURS["F"][1], label="darker: a later stage of the device"))
    if any(timeline.outages for timeline in timelines.values()):
        keys.append(Patch(facecolor="none", edgecolor=INK, hatch="xx", linewidth=0.6, label="down"))
    if every:
        which = "all numbers" if every == 1 else f"every {every}{'nd' if every == 2 else 'th'} number"
        keys.append(Patch(facecolor="none", label=f"{which}: forward above, backward below"))
    figure.legend(
        handles=keys, loc="upper right", ncols=len(keys), frameon=False, labelcolor=INK, bbox_to_anchor=(0.985, 1.0)
    )


def _draw_bars(panel: Axes, timeline: Timeline, row: float, strip: float) -> int:
    """Draw the bars of all devices; return which numbers are written if not all of them fit, else 0."""
    devices = _working(timeline)
    height = row / (row + strip)  # of bars, where devices are 1 apart
    centre = {device: place - 0.5 + height / 2 for place, device in enumerate(devices)}
    low, high = 0.42 * height, 0.84 * height
    later = _later(timeline)
    bars: dict[tuple[int, str, bool], list[tuple[float, float]]] = {}
    for device, kind, stage, _, start, end, _ in timeline.work:
        bars.setdefault((device, kind, (device, stage) in later), []).append((start, end - start))
    gap = 0.6 if len(timeline.work) <= MANY * len(devices) else 0.0  # between bars, in points
    for (device, kind, dark), spans in bars.items():
        panel.broken_barh(
            spans, (centre[device] - low, high), facecolor=COLOURS[kind][dark], edgecolor=PAPER, linewidth=gap,
            hatch="////" if kind in STRIPED else None,
        )  # fmt: skip
    for device, start, end in timeline.outages:
        if device in centre:
            panel.broken_barh(
                [(start, end - start)], (centre[device] - low, high), facecolor="none", edgecolor=INK, hatch="xx",
                linewidth=0.6,
            )  # fmt: skip
    for place, device in enumerate(devices):
        bar: Any = Rectangle(
            (-0.006, centre[device] - low), 0.003, high, transform=panel.get_yaxis_transform(), clip_on=False,
            color=DEVICES[place % len(DEVICES)],
        )  # fmt: skip
        panel.add_patch(bar)
    panel.set_ylim(max(2, len(devices)) - 0.5, -0.5)
    names = [plain(timeline.devices[device]) for device in devices]
    panel.set_yticks([centre[device] for device in devices], names, parse_math=False)
    panel.tick_params(axis="y", length=0, labelcolor=INK, pad=10)
    return _draw_numbers(panel, timeline, centre, row, strip)


def _draw_numbers(panel: Axes, timeline: Timeline, centre: Mapping[int, float], row: float, strip: float) -> int:
    """Write the numbers of microbatches on their bars; return which ones if not all of them fit, else 0."""
    ticks = panel.get_xlim()[1] - panel.get_xlim()[0]
    pixels = panel.get_position().width * WIDTH * DPI / ticks  # to a tick
    style: dict[str, Any] = {"color": INK, "ha": "center", "va": "center"}
    shown = [piece for piece in timeline.work if piece.end > piece.start]  # what takes no time has no bar
    deep = row * 0.84 * DPI  # pixels from the top of a bar to its bottom
    if min((piece.end - piece.start for piece in shown), default=1.0) * pixels >= DIGIT + 1:
        for piece in shown:
            words, wide = str(piece.tag % timeline.batch), (piece.end - piece.start) * pixels
            size = SIZE
            if len(words) * DIGIT + 2 > wide:
                size = min(size, deep / len(words) * 72 / DPI / 1.05)
                words = "\n".join(words)
            middle = (piece.start + piece.end) / 2
            panel.text(middle, centre[piece.device], words, fontsize=size, linespacing=0.9, **style)
        return 0
    every = next((one for one in EVERY if _fits(_numbered(timeline, one), pixels)), EVERY[-1])
    for piece, up in _numbered(timeline, every):
        y = centre[piece.device] - up * 0.21 * row / (row + strip)
        panel.text((piece.start + piece.end) / 2, y, str(piece.tag % timeline.batch), fontsize=TINY, **style)
    return every


def _numbered(timeline: Timeline, every: int) -> Iterator[tuple[Piece, int]]:
    """Yield the pieces whose number is written, with 1 if in the upper half and -1 if in the lower half of the row."""
    for piece in timeline.work:
        if piece.tag % timeline.batch % every == 0 and piece.kind != "W":  # a W is of the number of its I
            yield piece, 1 if piece.kind == "F" else -1


def _fits(numbered: Iterator[tuple[Piece, int]], pixels: float) -> bool:
    """Tell whether no number would stand in another."""
    ends: dict[tuple[int, int], float] = {}
    for piece, half in sorted(numbered, key=lambda one: one[0].start + one[0].end):
        middle, wide = (piece.start + piece.end) / 2 * pixels, len(str(piece.tag)) * DIGIT * TINY / SIZE + 3
        if middle - wide / 2 < ends.get((piece.device, half), -math.inf):
            return False
        ends[piece.device, half] = middle + wide / 2
    return True


def _draw_memory(panel: Axes, timeline: Timeline, row: float, strip: float) -> None:
    """Draw below the bars of each device how many microbatches it keeps, all to the same scale."""
    end = max((piece.end for piece in timeline.work), default=0.0)
    start = min((piece.start for piece in timeline.work), default=0.0)
    devices, memory = _working(timeline), memory_over_time(timeline)
    most = max((kept for series in memory for _, kept, _, _ in series), default=0.0) or 1.0
    share = strip / (row + strip)
    for place, device in enumerate(devices):
        times = [start, *(time for time, _, _, _ in memory[device]), end]
        held = np.array([0.0, *(kept for _, kept, _, _ in memory[device])])
        held = np.append(held, held[-1])
        ground = place + 0.5 - 0.1 * share
        heights = ground - held / most * 0.75 * share
        panel.fill_between(times, ground, heights, step="post", facecolor=HAIRLINE, edgecolor="none")
        panel.step(times, heights, where="post", color=WIRE, linewidth=0.7)
        style: dict[str, Any] = {"transform": panel.get_yaxis_transform(), "va": "bottom", "color": INK, "fontsize": 8}
        panel.text(1.005, ground, f"at most {show(float(held.max()), 3)}", **style)
    panel.text(
        1.005, -0.5, "microbatches kept\nfor backward", transform=panel.get_yaxis_transform(), va="bottom", color=SOFT,
        fontsize=8,
    )  # fmt: skip
