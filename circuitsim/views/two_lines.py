"""Draws two classes in the plane with a line for each circuit, and the share of each class that is right."""

from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from circuitsim.views.sheets import MARKS, dress, key, mark, sheet, tint
from circuitsim.views.style import CLASSES, INK, PAPER, plain

__all__ = ["draw_two_lines"]

LINES: tuple[str, ...] = ("dashed", "solid")
ORDER = (1, 0)  # the colours and marks of -1 and +1


def draw_two_lines(
    data: tuple[NDArray[np.float64], NDArray[np.float64]],
    classes: tuple[str, str],
    features: Sequence[str],
    circuits: Mapping[str, tuple[Sequence[float], tuple[float, float]]],
    path: str | PathLike[str],
    title: str,
    sentence: str,
) -> None:
    """Draw the plane, and bars of how many of each class are right.

    Parameters
    ----------
    data : (points, labels)
        Points in the plane, and -1 or +1 for each.
    classes, features : sequence of str
        What -1 and +1 are called, and what the axes are.
    circuits : mapping of str to (line, shares)
        By name, the numbers a, b and c of the line a·x + b·y + c = 0, and the shares of -1 and +1 that are right.
    path : path-like
        Where to.
    title, sentence : str
        The heading.

    Raises
    ------
    SaveError
        If the suffix is not ``.png``, ``.svg`` or ``.pdf``, or the file cannot be written.
    """
    points, labels = data
    low, high = points.min(axis=0), points.max(axis=0)
    low, high = low - 0.06 * (high - low), high + 0.06 * (high - low)
    with sheet(path, title, sentence, widths=(1.8, 1.0)) as made:
        axes = made.axes(0, 0)
        for side, look in zip((1.0, -1.0), reversed(ORDER), strict=True):  # the rare ones lie on top
            some = points[labels == side]
            axes.scatter(
                *some.T, s=40, color=CLASSES[look], marker=MARKS[look], edgecolors=PAPER if side > 0 else INK,
                linewidths=0.6,
            )  # fmt: skip
        for (a, b, c), style in zip((line for line, _ in circuits.values()), LINES, strict=False):
            # Where it enters and leaves the plane: along the axis that it is steeper to.
            if abs(a) > abs(b):
                up = np.array([low[1], high[1]])
                axes.plot(-(b * up + c) / a, up, color=INK, linewidth=2.2, linestyle=style)
            else:
                across = np.array([low[0], high[0]])
                axes.plot(across, -(a * across + c) / (b or 1e-300), color=INK, linewidth=2.2, linestyle=style)
        dress(axes, "", *(f"{feature}, standardized" for feature in features))
        axes.set_xlim(low[0], high[0])
        axes.set_ylim(low[1], high[1])
        handles = [mark(look) for look in ORDER] + [Line2D([], [], color=INK, lw=2.2, ls=style) for style in LINES]
        key(
            axes, handles, [*classes, *circuits], ncols=4, loc="lower left", bbox_to_anchor=(0.0, 1.0), fontsize=10,
            borderaxespad=0.2, columnspacing=1.2,
        )  # fmt: skip

        right = made.axes(0, 1)
        rows: list[str] = []
        for name, (_, shares) in circuits.items():
            for share, word, look in zip(
                (*shares, float(np.mean(shares))), (*classes, "mean of both"), (*ORDER, 6), strict=True
            ):
                right.barh(len(rows), 1.0, 0.62, color=tint(INK, 0.06))
                right.barh(len(rows), share, 0.62, color=CLASSES[look])
                right.annotate(
                    f"{share:.1%}", (1.0, len(rows)), xytext=(6, 0), textcoords="offset points", va="center", color=INK
                )
                rows.append(word)
            right.annotate(
                plain(name), (0.0, len(rows) - 3.42), va="bottom", color=INK, fontsize=11, weight="bold",
                parse_math=False,
            )  # fmt: skip
            rows.append("")
        dress(right, "right, of each class")
        right.set_yticks([n for n, row in enumerate(rows) if row], [row for row in rows if row])
        right.set_xlim(0.0, 1.22)
        right.set_ylim(len(rows) - 1.0, -1.2)
        right.set_xticks([])
        right.spines["bottom"].set_visible(False)
