"""Draws how far rules are from the lowest cost, by how often they asked for it."""

from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np

from circuitsim.views.sheets import dress, looks, sheet
from circuitsim.views.style import HAIRLINE, INK, SOFT, plain
from circuitsim.views.weight_paths import spread_out

__all__ = ["draw_gaps"]

LEAST = 1e-14  # what is smaller is rounding


def draw_gaps(
    gaps: Mapping[str, tuple[Sequence[int], Sequence[float]]],
    goal: float,
    path: str | PathLike[str],
    title: str,
    sentence: str,
) -> None:
    """Draw gaps over evaluations, both on logarithmic scales, with the name of each rule where its line ends.

    Parameters
    ----------
    gaps : mapping of str to (evaluations, gaps)
        The lines by rule.
    goal : float
        A gap to mark.
    path : path-like
        Where to.
    title, sentence : str
        The heading.

    Raises
    ------
    SaveError
        If the suffix is not ``.png``, ``.svg`` or ``.pdf``, or the file cannot be written.
    """
    with sheet(path, title, sentence) as made:
        axes = made.axes()
        axes.set_xscale("log")
        axes.set_yscale("log")
        ends = []
        for number, (across, up) in enumerate(gaps.values()):
            last = next((n for n, gap in enumerate(up) if gap <= LEAST), len(up) - 1)
            shown = np.maximum(up[: last + 1], LEAST)
            axes.plot(across[: last + 1], shown, linewidth=2.0, **looks(number))
            ends.append((across[last], float(shown[-1])))
        dress(axes, "", "evaluations of the cost and its gradient", "gap to the lowest cost")
        axes.axhline(goal, color=SOFT, linewidth=1.0, linestyle="dotted", zorder=0)
        axes.grid(visible=True, color=HAIRLINE, linewidth=0.6)
        low, high = np.log10(axes.get_ylim())
        reach = max(across for across, _ in ends)
        far = [number for number, end in enumerate(ends) if end[0] == reach]
        places = dict(zip(far, spread_out([np.log10(ends[n][1]) for n in far], (high - low) / 22), strict=True))
        for number, (name, (x, y)) in enumerate(zip(gaps, ends, strict=True)):
            axes.annotate(
                plain(name), (x, y), xytext=(x * 1.12, 10.0 ** places[number] if number in places else y), va="center",
                color=INK, fontsize=11, parse_math=False, annotation_clip=False,
                arrowprops={"arrowstyle": "-", "color": looks(number)["color"], "lw": 0.9, "shrinkA": 1, "shrinkB": 0},
            )  # fmt: skip
        axes.plot([reach * 3.2], [10**high], alpha=0.0)  # room for the names
