"""Draws several classes in the plane: regions and points in their colours and marks, and how one point is pulled.

A point is filled if its own score is the highest at the right class, and hollow if not. Regions are scores of other
points: of those on the plane through the mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from circuitsim.views.sheets import MARKS, Sheet, dress, key, mark, sheet, tint
from circuitsim.views.style import CLASSES, GRADIENT, HAIRLINE, INK, PAPER, SOFT, VALUE, minus, number

__all__ = ["Axis", "ClassPlane", "draw_classes", "draw_regions"]

FAR = 0.22  # how long the longest arrow is, as a share of the plane
LONGEST = 15  # letters of the name of a class


@dataclass(frozen=True)
class Axis:
    """An axis of the plane: its name, and the numbers that its units mean."""

    name: str
    offset: float = 0.0
    unit: float = 1.0


@dataclass(frozen=True)
class ClassPlane:
    """What a circuit with a score for each class makes of a plane.

    Attributes
    ----------
    axes : tuple of Axis
        Across and up.
    names : sequence of str
        The classes.
    points : ndarray, shape (examples, 2)
        Where the examples lie.
    labels : ndarray of int, shape (examples,)
        Their classes.
    right : ndarray of bool, shape (examples,)
        Whether their own scores say so.
    low, high : ndarray, shape (2,)
        The corners of the plane.
    scores : ndarray, shape (places, places, classes)
        The scores all over it, a row for each place up.
    margin : float or None
        How far the highest score must be from the next, for a force that has a margin.
    shown : int
        The example that is looked at.
    said, pulls : ndarray, shape (classes,)
        Its scores, and how each is pulled.
    pushes : ndarray, shape (classes, 2)
        How each of these pulls would move it in the plane.
    """

    axes: tuple[Axis, Axis]
    names: Sequence[str]
    points: NDArray[np.float64]
    labels: NDArray[np.int_]
    right: NDArray[np.bool_]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    scores: NDArray[np.float64]
    margin: float | None
    shown: int
    said: NDArray[np.float64]
    pulls: NDArray[np.float64]
    pushes: NDArray[np.float64]


def draw_classes(
    plane: ClassPlane,
    costs: tuple[Sequence[int], Sequence[float]],
    path: str | PathLike[str],
    title: str,
    sentence: str,
) -> None:
    """Draw the plane, the pulls on the scores of one point, and the cost by iteration.

    Raises
    ------
    SaveError
        If the suffix is not ``.png``, ``.svg`` or ``.pdf``, or the file cannot be written.
    """
    with sheet(path, title, sentence, widths=(1.75, 1.0), heights=(1.5 if len(plane.names) <= 5 else 2.4, 1.0)) as made:
        axes = made.axes(slice(0, 2), 0)
        draw_regions(axes, plane)
        _draw_arrows(axes, plane)
        _draw_pulls(made, plane)
        below = made.axes(1, 1)
        below.plot(*costs, color=INK, linewidth=1.8)
        dress(below, f"cost {number(costs[1][-1])} after {costs[0][-1]} iterations", "iteration")
        below.set_ylim(bottom=0.0)


def draw_regions(axes: Any, plane: ClassPlane) -> None:
    """Draw regions and points."""
    (left, bottom), (right, top) = plane.low, plane.high
    best = np.argmax(plane.scores, axis=2)
    image = np.array([tint(CLASSES[n % len(CLASSES)], 0.17) for n in range(plane.scores.shape[2])])[best]
    axes.imshow(image, origin="lower", extent=(left, right, bottom, top), aspect="auto", interpolation="nearest")
    across, up = (np.linspace(plane.low[n], plane.high[n], len(plane.scores)) for n in (0, 1))
    sorted_scores = np.sort(plane.scores, axis=2)
    for number_ in np.unique(best):
        others = np.delete(plane.scores, number_, axis=2).max(axis=2)
        lead = plane.scores[..., number_] - others
        axes.contour(across, up, lead, [0.0], colors=[INK], linewidths=1.3)
    if plane.margin is not None:
        lead = sorted_scores[..., -1] - sorted_scores[..., -2]
        axes.contour(across, up, lead, [plane.margin], colors=[SOFT], linewidths=0.9, linestyles="dashed")
    many = len(plane.points) > 400
    for label in range(len(plane.names)):
        ours = plane.labels == label
        colour = CLASSES[label % len(CLASSES)]
        for some, face, edge in ((ours & plane.right, colour, PAPER), (ours & ~plane.right, PAPER, colour)):
            axes.scatter(
                *plane.points[some].T, s=16 if many else 44, c=[face], marker=MARKS[label % len(MARKS)],
                edgecolors=edge, linewidths=0.5 if face == colour else 1.4, zorder=3,
            )  # fmt: skip
    dress(axes, "", *(axis.name for axis in plane.axes))
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    for ticks, axis in zip((axes.xaxis, axes.yaxis), plane.axes, strict=True):
        _tick(ticks, axis)
    axes.grid(visible=False)
    handles = [mark(label) for label in range(len(plane.names))]
    names = list(plane.names)
    if not plane.right.all():
        handles.append(mark(0, hollow=True))
        names.append("hollow: taken for another")
    key(
        axes, handles, names, ncols=min(len(names), 6), loc="lower left", bbox_to_anchor=(0.0, 1.0), fontsize=10,
        handletextpad=0.2, columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip


def _tick(ticks: Any, axis: Axis) -> None:
    """Write the numbers that units of the plane stand for, at round ones."""
    low, high = (axis.offset + axis.unit * end for end in ticks.get_view_interval())
    steps = np.array([1, 2, 2.5, 5, 10]) * 10.0 ** np.floor(np.log10((high - low) / 5))
    step = steps[np.argmin(np.abs((high - low) / steps - 6))]
    round_ones = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    ticks.set_ticks((round_ones - axis.offset) / axis.unit)
    words = [minus(f"{one:g}") for one in np.round(round_ones, 10) + 0.0]
    ticks.set_major_formatter(FuncFormatter(lambda _, place: words[place] if place is not None else ""))


def _draw_arrows(axes: Any, plane: ClassPlane) -> None:
    """Draw how the pulls on the scores of one point would move it."""
    place = plane.points[plane.shown]
    axes.scatter(*place, s=260, facecolors="none", edgecolors=INK, linewidths=2.0, zorder=5)
    longest = float(np.max(np.linalg.norm(plane.pushes / (plane.high - plane.low), axis=1)))
    if not longest:
        return
    for label, push in enumerate(plane.pushes * FAR / longest):
        if np.linalg.norm(push / (plane.high - plane.low)) < 0.02:
            continue
        axes.annotate(
            "", place + push, place, zorder=6,
            arrowprops={"arrowstyle": "-|>", "color": GRADIENT, "lw": 2.2, "shrinkA": 9, "shrinkB": 0},
        )  # fmt: skip
        tip = place + 1.12 * push
        axes.scatter(*tip, s=70, c=[CLASSES[label % len(CLASSES)]], marker=MARKS[label % len(MARKS)],
                     edgecolors=INK, linewidths=1.0, zorder=7, clip_on=False)  # fmt: skip


def _draw_pulls(made: Sheet, plane: ClassPlane) -> None:
    """Draw the scores of one point and the pulls on them as bars: values above, gradients below."""
    axes = made.axes(0, 1)
    places = np.arange(len(plane.names))
    reach = 1.05 * max(1.0, float(np.max(np.abs([plane.said, plane.pulls]))))
    few = len(places) <= 5
    for row, (bars, colour) in enumerate(((plane.said, VALUE), (plane.pulls, GRADIENT))):
        at = places + (0.19 if row else -0.19)
        axes.barh(at, bars, 0.34, color=colour)
        for y, size in zip(at, bars, strict=True):
            word = minus(f"{size:+.2f}" if row else f"{size:.2f}") if abs(size) >= 0.005 else "0"
            if not few and word == "0":
                continue
            axes.annotate(
                word, (size, y), xytext=(4 if size >= 0 else -4, 0), textcoords="offset points", va="center",
                ha="left" if size >= 0 else "right", color=colour, fontsize=10 if few else 8,
            )  # fmt: skip
    right = plane.names[plane.labels[plane.shown]]
    dress(axes, f"the ringed {right[:LONGEST]}: its scores, and pulls (red)")
    axes.set_yticks(places, list(plane.names), parse_math=False, color=INK)
    axes.invert_yaxis()
    axes.set_xlim(-1.35 * reach, 1.35 * reach)
    axes.axvline(0.0, color=HAIRLINE, linewidth=1.0, zorder=0)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
