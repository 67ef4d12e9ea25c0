"""Breaks the drawing of a long circuit into rows, as text is broken into lines, so that it fits on a page.

A row ends between two layers. A wire that goes on ends there, and begins again at the left of the next row, beside the
name of what it carries.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from circuitsim.circuit.netlist import Netlist
from circuitsim.views.layout import Box, Floats, Layout

__all__ = ["Going", "Wrapped", "wrap"]

ROW_GAP = 1.6  # free space between rows
STUB = 1.0  # how far a wire reaches over the ends of rows


@dataclass(frozen=True)
class Going:
    """A wire that goes on in a new row: the node that drives it, and where it begins again."""

    node: int
    x: float
    y: float


@dataclass(frozen=True)
class Wrapped:
    """A layout in rows: where a path changes rows it has a point of nan, and `going` has what begins again."""

    layout: Layout
    going: list[Going]


def wrap(layout: Layout, netlist: Netlist, most: float, indent: float) -> Wrapped:
    """Break a layout into rows.

    Parameters
    ----------
    layout : Layout
        Of any width.
    netlist : Netlist
        What was laid out.
    most : float
        How wide a row may be, unless a single layer is wider.
    indent : float
        Free space at the left of all rows but the first, for names.
    """
    ends = _ends(layout.columns, most, indent)
    starts = [0.0, *ends]  # a row begins where the one above it ended, as wires bend before its first layer
    rows = [int(np.searchsorted(ends, box.x)) for box in layout.boxes]
    pieces = [_pieces(path, ends) for path in layout.paths]
    low, high = _extents(layout, rows, pieces, len(starts))
    lifts, top = [0.0] * len(starts), 0.0
    for row in reversed(range(len(starts))):
        lifts[row] = top - low[row]
        top += high[row] - low[row] + ROW_GAP
    shifts = [(indent + STUB if row else 0.0) - start for row, start in enumerate(starts)]
    boxes = [_moved(box, shifts[row], lifts[row]) for box, row in zip(layout.boxes, rows, strict=True)]
    paths: list[Floats] = []
    going: dict[tuple[int, int], Going] = {}
    gap, stub = np.full((1, 2), np.nan), np.array([[STUB, 0.0]])
    for (source, _, _), found in zip(netlist.wires, pieces, strict=True):
        parts: list[Floats] = []
        for place, (row, points) in enumerate(found):
            moved = points + np.array([shifts[row], lifts[row]])
            if place:
                start = moved[:1] - stub
                going[source, row] = Going(source, float(start[0, 0]), float(start[0, 1]))
                parts += [gap, start]
            parts.append(moved)
            if place < len(found) - 1:
                parts.append(moved[-1:] + stub)
        paths.append(np.concatenate(parts))
    width = max(max(np.nanmax(path[:, 0]) for path in paths), max(box.end for box in boxes))
    return Wrapped(replace(layout, boxes=boxes, paths=paths, width=width, height=top - ROW_GAP), list(going.values()))


def _ends(columns: list[tuple[float, float]], most: float, indent: float) -> list[float]:
    """Return where rows end, but for the last."""
    ends: list[float] = []
    begin, room = 0.0, most - STUB
    for (_, before), (_, right) in pairwise(columns):
        if right - begin > room and before > begin:
            ends.append(before)
            begin, room = before, most - indent - 2 * STUB
    return ends


def _pieces(path: Floats, ends: list[float]) -> list[tuple[int, Floats]]:
    """Return the parts of a path with their rows; it runs level where rows end."""
    found: list[tuple[int, Floats]] = []
    rows = np.searchsorted(ends, path[:, 0])
    for row in range(int(rows[0]), int(rows[-1]) + 1):
        points = path[rows == row]
        if row > rows[0]:
            points = np.concatenate([[(ends[row - 1], _level(path, ends[row - 1]))], points])
        if row < rows[-1]:
            points = np.concatenate([points, [(ends[row], _level(path, ends[row]))]])
        found.append((row, points))
    return found


def _level(path: Floats, x: float) -> float:
    return float(np.interp(x, path[:, 0], path[:, 1]))


def _extents(
    layout: Layout, rows: list[int], pieces: list[list[tuple[int, Floats]]], count: int
) -> tuple[list[float], list[float]]:
    """Return the lowest and highest y of each row."""
    low, high = [np.inf] * count, [-np.inf] * count
    spans = [(row, box.y - box.height / 2, box.y + box.height / 2) for row, box in zip(rows, layout.boxes, strict=True)]
    spans += [(row, points[:, 1].min() - 0.5, points[:, 1].max() + 0.5) for found in pieces for row, points in found]
    for row, bottom, top in spans:
        low[row], high[row] = min(low[row], float(bottom)), max(high[row], float(top))
    return low, high


def _moved(box: Box, x: float, y: float) -> Box:
    return replace(box, x=box.x + x, y=box.y + y, start=box.start + x, end=box.end + x)
