"""Draws what held-out examples cost by the strength of a penalty: each fold, their mean, and strengths drawn."""

from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np
from matplotlib.ticker import LogFormatterSciNotation

from circuitsim.views.sheets import MARKS, dress, key, sheet, tint
from circuitsim.views.style import INK, MINUS, PAPER, PLUS, SOFT, number

__all__ = ["draw_tuning"]


def draw_tuning(
    folds: Mapping[float, Sequence[float]],
    drawn: Sequence[tuple[float, float]],
    path: str | PathLike[str],
    title: str,
    sentence: str,
) -> None:
    """Draw costs over strengths: all of them, and those near the lowest.

    Parameters
    ----------
    folds : mapping of float to sequence of float
        By strength, what each fold costs.
    drawn : sequence of (strength, cost)
        Strengths that were drawn, and their mean costs; the best one first.
    path : path-like
        Where to.
    title, sentence : str
        The heading.

    Raises
    ------
    SaveError
        If the suffix is not ``.png``, ``.svg`` or ``.pdf``, or the file cannot be written.
    """
    strengths = list(folds)
    costs = np.array(list(folds.values()))
    means = costs.mean(axis=1)
    with sheet(path, title, sentence, widths=(1.25, 1.0)) as made:
        left, right = made.axes(0, 0), made.axes(0, 1)
        handles = []
        for fold, line in enumerate(costs.T):
            handles += left.plot(
                strengths, line, color=tint(SOFT, 0.65), linewidth=1.0, marker=MARKS[fold % len(MARKS)], markersize=6,
                markerfacecolor=PAPER,
            )  # fmt: skip
        curve = sorted([*zip(strengths, means.tolist(), strict=True), *drawn])
        for axes in (left, right):
            mean = axes.plot(*np.transpose(curve), color=INK, linewidth=2.2)
            some = axes.scatter(*np.transpose(drawn), s=34, color=PLUS, edgecolors=PAPER, linewidths=0.6, zorder=4)
            best = axes.scatter(*drawn[0], s=190, color=MINUS, marker="*", edgecolors=INK, linewidths=1.0, zorder=5)
        names = [*(f"fold {fold}" for fold in range(costs.shape[1])), "mean", "drawn", "the best drawn"]
        dress(left, "loss of the examples held out", "strength of the springs")
        dress(right, "near the lowest mean", "strength of the springs")
        near = np.array([cost for _, cost in drawn])
        lowest = float(min(near.min(), means.min()))
        room = max(float(np.quantile(near, 0.75)) - lowest, 1e-6)
        right.set_ylim(lowest - 0.15 * room, lowest + 1.6 * room)
        inside = [at for at, cost in drawn if cost < lowest + 1.6 * room]
        right.set_xlim(min(inside) / 1.5, max(inside) * 1.5)
        for axes in (left, right):
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(LogFormatterSciNotation())
        right.annotate(
            number(drawn[0][1]), drawn[0], xytext=(0, -16), textcoords="offset points", ha="center", va="top", color=INK
        )
        right.set_ylim(lowest - 0.35 * room, lowest + 1.6 * room)
        key(left, [*handles, *mean, some, best], names, loc="upper left", fontsize=10)
