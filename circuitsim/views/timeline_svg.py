"""Draws a stream's timeline as a still picture for a page: what is seen without scripts, and what is printed.

The page's style gives the colours, so the picture has classes and no colours of its own.
"""

from html import escape
from typing import Any

from circuitsim.views.style import plain

__all__ = ["timeline_svg"]

WIDTH, NAMES, KEPT = 1000.0, 96.0, 96.0  # of all, left of the pieces, and right of them
PIECE, MEMORY, ROW = 26.0, 14.0, 48.0
AXIS, MARGIN = 20.0, 4.0
LETTER = 6.8  # that a digit takes
MOST_WRITTEN = 3000  # pieces, above which none gets its number
MOST_LETTERS = 12  # of a device's name


def timeline_svg(stream: dict[str, Any]) -> str:
    """Return the text of an SVG; `stream` is what `circuitsim.views.stream_page` makes for the page's scripts."""
    start, end = stream["span"]
    scale = (WIDTH - NAMES - KEPT) / (end - start or 1.0)
    rows = shown_devices(stream)
    height = len(rows) * ROW + AXIS + MARGIN

    def x(time: float) -> str:
        return f"{NAMES + (time - start) * scale:.2f}".rstrip("0").rstrip(".")

    title = escape(plain(stream["title"]))
    parts = [f'<svg class="still" viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{title}">']
    bottom = height - AXIS
    for tick in _ticks(start, end):
        parts.append(f'<path class="grid" d="M{x(tick)} 0V{bottom:g}"/>')
        parts.append(f'<text class="tick" x="{x(tick)}" y="{height - 5:g}">{tick:g}</text>')
    parts.append(f'<text class="axis" x="0" y="{height - 5:g}">tick</text>')
    bars: dict[tuple[int, str], list[str]] = {}
    written = []
    for device, kind, _, tag, began, ended in stream["work"]:
        y, width = rows.index(device) * ROW + MARGIN, (ended - began) * scale
        bars.setdefault((device, kind), []).append(f"M{x(began)} {y:g}H{x(ended)}v{PIECE:g}H{x(began)}z")
        text = str(tag % stream["batch"])
        if len(stream["work"]) <= MOST_WRITTEN and width >= LETTER:
            written += _written(text, NAMES + ((began + ended) / 2 - start) * scale, y, width)
    for (_, kind), paths in bars.items():
        parts.append(f'<path class="piece {kind}" d="{"".join(paths)}"/>')
    parts += written
    for row, device in enumerate(rows):
        y = row * ROW + MARGIN
        name = stream["devices"][device]
        name = name if len(name) <= MOST_LETTERS else name[: MOST_LETTERS - 1] + "…"
        parts.append(f'<text class="device" x="0" y="{y + PIECE / 2 + 4:g}">{escape(plain(name))}</text>')
        peak, base = stream["peaks"][device], y + PIECE + MEMORY
        steps = [f"M{x(start)} {base:g}"]
        for time, kept in stream["memory"][device]:
            steps.append(f"H{x(time)}V{base - (MEMORY - 3) * kept / (peak or 1):.1f}")
        parts.append(f'<path class="memory" d="{"".join(steps)}H{x(end)}V{base:g}z"/>')
        parts.append(f'<text class="kept" x="{WIDTH:g}" y="{y + PIECE / 2 + 4:g}">keeps up to {peak:g}</text>')
    for device, began, ended in stream["outages"]:
        if device in rows:
            y = rows.index(device) * ROW + MARGIN
            parts.append(f'<path class="outage" d="M{x(began)} {y:g}H{x(ended)}v{PIECE:g}H{x(began)}z"/>')
    return "".join([*parts, "</svg>"])


def shown_devices(stream: dict[str, Any]) -> list[int]:
    """Return the devices that did anything."""
    busy = {piece[0] for piece in stream["work"]} | {update[0] for update in stream["updates"]}
    return sorted(busy) or list(range(len(stream["devices"])))


def _written(text: str, middle: float, y: float, width: float) -> list[str]:
    """Return a number in its piece, digit below digit where there is no room for them side by side."""
    lines = [text] if len(text) * LETTER + 2 <= width else list(text)
    first = y + PIECE / 2 + 4 - (len(lines) - 1) * 5
    return [
        f'<text class="number" x="{middle:.1f}" y="{first + place * 10:.1f}">{line}</text>'
        for place, line in enumerate(lines)
    ]


def _ticks(start: float, end: float) -> list[float]:
    """Return round times, ten at most."""
    span = end - start
    if not span > 0:
        return [start]
    step = 10.0 ** _power(span)
    step = next(step * factor for factor in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0) if span / (step * factor) <= 10)
    first = -(-start // step)
    return [(first + count) * step for count in range(int(span // step) + 1) if (first + count) * step <= end]


def _power(span: float) -> int:
    return int(f"{span:e}".partition("e")[2])
