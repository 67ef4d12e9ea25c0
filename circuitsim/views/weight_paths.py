"""Draws how well numbers are predicted, and what the weights are for each strength of a penalty."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from matplotlib.ticker import LogFormatterSciNotation
from numpy.typing import NDArray

from circuitsim.views.sheets import dress, looks, sheet
from circuitsim.views.style import HAIRLINE, INK, PLUS, SOFT, minus, plain

__all__ = ["draw_fit", "draw_leaving", "draw_paths", "spread_out"]


def draw_fit(
    targets: NDArray[np.float64],
    predicted: NDArray[np.float64],
    paths: tuple[Sequence[float], NDArray[np.float64]],
    names: Sequence[str],
    at: float,
    path: str | PathLike[str],
    title: str,
    sentence: str,
) -> None:
    """Draw predictions over targets, what is left between them, and the weights over the strength of the penalty.

    Parameters
    ----------
    targets, predicted : ndarray, shape (examples,)
        The numbers, and what the circuit says.
    paths : (strengths, weights)
        The weights, a row for each strength.
    names : sequence of str
        What each weight belongs to.
    at : float
        The strength with which the circuit was trained.
    path : path-like
        Where to.
    title, sentence : str
        The heading.

    Raises
    ------
    SaveError
        If the suffix is not ``.png``, ``.svg`` or ``.pdf``, or the file cannot be written.
    """
    with sheet(path, title, sentence, widths=(1.0, 1.25), heights=(1.7, 1.0)) as made:
        axes = made.axes(0, 0)
        ends = [float(f(np.concatenate([targets, predicted]))) for f in (np.min, np.max)]
        axes.plot(ends, ends, color=INK, linewidth=1.2)
        axes.vlines(targets, targets, predicted, color=HAIRLINE, linewidth=0.7, zorder=1)
        axes.scatter(targets, predicted, s=14, color=PLUS, linewidths=0, zorder=3)
        dress(axes, "fit: on the line the prediction is right", "target", "prediction")
        below = made.axes(1, 0)
        below.hist(predicted - targets, bins=30, color=PLUS, edgecolor="white", linewidth=0.5)
        below.axvline(0.0, color=INK, linewidth=1.2)
        dress(below, "residuals: prediction less target", "", "examples")
        draw_paths(made.axes(slice(0, 2), 1), *paths, names, at)


def draw_leaving(
    paths: tuple[Sequence[float], NDArray[np.float64]],
    names: Sequence[str],
    kinds: Sequence[int],
    at: float,
    path: str | PathLike[str],
    title: str,
    sentence: str,
) -> None:
    """Draw the weights over the strength of a penalty that brings them to 0, and until when each kind of them stays.

    Parameters
    ----------
    paths : (strengths, weights)
        The weights, a row for each strength.
    names : sequence of str
        What each weight belongs to.
    kinds : sequence of int
        The group that each is in, counted from 0.
    at : float
        The strength with which the circuit was trained.
    path : path-like
        Where to.
    title, sentence : str
        The heading.

    Raises
    ------
    SaveError
        If the suffix is not ``.png``, ``.svg`` or ``.pdf``, or the file cannot be written.
    """
    strengths, weights = paths
    with sheet(path, title, sentence, heights=(2.2, 1.0)) as made:
        above = made.axes(0, 0)
        draw_paths(above, strengths, weights, names, at, kinds)
        below = made.axes(1, 0)
        rows = sorted(set(kinds))
        for row, kind in enumerate(rows):
            inside = np.any(weights[:, np.asarray(kinds) == kind] != 0.0, axis=1)
            below.fill_between(strengths, row - 0.3, row + 0.3, where=inside, color=looks(kind)["color"], linewidth=0)
        dress(below, "not 0", "strength of the springs")
        below.set_xscale("log")
        below.set_xlim(above.get_xlim())
        words = [", ".join(name for name, kind in zip(names, kinds, strict=True) if kind == row) for row in rows]
        below.set_yticks(range(len(rows)), [plain(word) for word in words], parse_math=False)
        below.set_ylim(len(rows) - 0.5, -0.5)
        below.axvline(at, color=INK, linewidth=1.2, linestyle="dotted")
        above.set_xlabel("")


def draw_paths(
    axes: Any,
    strengths: Sequence[float],
    weights: NDArray[np.float64],
    names: Sequence[str],
    at: float,
    kinds: Sequence[int] | None = None,
) -> None:
    """Draw a line for each weight over the strength of a penalty, with its name at the left end.

    Weights of the same kind look alike; if none are given, each looks otherwise.
    """
    look = [looks(number) for number in (range(len(names)) if kinds is None else kinds)]
    for line, style in zip(weights.T, look, strict=True):
        axes.plot(strengths, line, linewidth=1.8, **style)
    axes.set_xscale("log")
    dress(axes, "weights by the strength of the springs", "strength of the springs")
    axes.xaxis.set_major_formatter(LogFormatterSciNotation())
    axes.axhline(0.0, color=HAIRLINE, linewidth=1.0, zorder=0)
    low, high = axes.get_ylim()
    left = strengths[0] * (strengths[0] / strengths[-1]) ** 0.045
    for number, place in enumerate(spread_out(weights[0], (high - low) / (24 if kinds is None else 17))):
        axes.annotate(
            plain(names[number]), (strengths[0], weights[0, number]), xytext=(left, place),
            ha="right", va="center", fontsize=10, color=INK, parse_math=False, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": look[number]["color"], "lw": 0.9, "shrinkA": 1, "shrinkB": 0},
        )  # fmt: skip
    axes.yaxis.tick_right()
    axes.spines["right"].set_visible(True)
    axes.spines["left"].set_visible(False)
    axes.axvline(at, color=INK, linewidth=1.2, linestyle="dotted")
    axes.annotate(
        minus(f"{at:g}"), (at, 1.0), xycoords=("data", "axes fraction"), xytext=(4, -4), va="top",
        textcoords="offset points", color=SOFT, fontsize=10,
    )  # fmt: skip


def spread_out(places: Sequence[float] | NDArray[np.float64], room: float) -> list[float]:
    """Return places in the same order, moved until they are so far apart.

    Examples
    --------
    >>> spread_out([0.0, 0.2, 5.0], 1.0)
    [-0.4, 0.6, 5.0]
    """
    order = np.argsort(places, kind="stable")
    groups: list[list[float]] = []  # the sum of the places in it, and how many they are
    for place in np.asarray(places)[order]:
        groups.append([float(place), 1.0])
        while len(groups) > 1:
            (one, few), (other, many) = groups[-2:]
            if other / many - one / few >= room * (few + many) / 2:
                break
            groups[-2:] = [[one + other, few + many]]
    found = [0.0] * len(order)
    numbers = iter(order)
    for total, count in groups:
        for step in range(int(count)):
            found[next(numbers)] = round(total / count + (step - (count - 1) / 2) * room, 12)
    return found
