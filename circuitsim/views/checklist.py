"""Draws a checklist of a training: what was asked, what was found, and the costs of a sound training beside it."""

from collections.abc import Mapping, Sequence
from os import PathLike
from textwrap import wrap

import numpy as np

from circuitsim.views.sheets import DASHES, dress, key, sheet
from circuitsim.views.style import HAIRLINE, INK, SOFT, minus, plain

__all__ = ["draw_checklist"]

LETTERS = 66  # of a finding in a line


def draw_checklist(
    checks: Mapping[str, str],
    findings: Mapping[str, str],
    costs: Mapping[str, Sequence[tuple[int, float]]],
    path: str | PathLike[str],
    title: str,
    sentence: str,
) -> None:
    """Draw the list at the left, and costs by iteration at the right.

    Parameters
    ----------
    checks : mapping of str to str
        By name, what each check asks.
    findings : mapping of str to str
        By check, what was found.
    costs : mapping of str to sequence of (iteration, cost)
        Curves by name.
    path : path-like
        Where to.
    title, sentence : str
        The heading.

    Raises
    ------
    SaveError
        If the suffix is not ``.png``, ``.svg`` or ``.pdf``, or the file cannot be written.
    """
    with sheet(path, title, sentence, widths=(1.5, 1.0)) as made:
        axes = made.axes(0, 0)
        place = 0.0
        for name, question in checks.items():
            wrong = name in findings
            axes.text(0.0, place, "✗" if wrong else "✓", va="center", fontsize=15, color=INK, weight="bold")
            axes.text(
                0.045, place, question, va="center", fontsize=11, color=INK if wrong else SOFT,
                weight="bold" if wrong else "normal", parse_math=False,
            )  # fmt: skip
            axes.text(1.0, place, name, va="center", ha="right", fontsize=10, color=SOFT, parse_math=False)
            lines = wrap(minus(plain(findings[name])), LETTERS) if wrong else []
            for number, line in enumerate(lines, 1):
                axes.text(
                    0.045, place + 0.1 + 0.62 * number, line, va="center", fontsize=10, color=INK, parse_math=False
                )
            place += 1.0 + 0.64 * len(lines) + 0.15 * bool(lines)
            axes.axhline(place - 0.5, color=HAIRLINE, linewidth=0.7)
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(max(place, 13.0) - 0.4, -0.7)
        axes.set_axis_off()

        right = made.axes(0, 1)
        handles = []
        known = [cost for curve in costs.values() for _, cost in curve if np.isfinite(cost) and cost > 0.0]
        if max(known, default=1.0) > 100.0 * min(known, default=1.0):
            right.set_yscale("log")
        for number, curve in enumerate(costs.values()):
            handles += right.plot(*np.transpose(curve), color=INK, linewidth=2.2, linestyle=DASHES[1 - number % 2])
        dress(right, "cost", "iteration")
        if right.get_yscale() == "linear":
            right.set_ylim(bottom=0.0)
        key(right, handles, list(costs), loc="best", fontsize=11)
