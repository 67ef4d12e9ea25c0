"""Draws words in the plane by their vectors, with an arrow from one word of a pair to the other."""

from collections.abc import Sequence
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from circuitsim.views.sheets import MARKS, dress, sheet
from circuitsim.views.style import CLASSES, HAIRLINE, INK, PAPER, SOFT, number, plain
from circuitsim.views.weight_paths import spread_out

__all__ = ["draw_words"]


def draw_words(
    vectors: NDArray[np.float64],
    names: Sequence[str],
    arrows: Sequence[tuple[int, int]],
    costs: tuple[Sequence[tuple[int, float]], float],
    path: str | PathLike[str],
    title: str,
    sentence: str,
) -> None:
    """Draw the plane and the cost.

    Parameters
    ----------
    vectors : ndarray, shape (words, numbers)
        The vectors.
    names : sequence of str
        The words.
    arrows : sequence of (int, int)
        Pairs of words by number: the plane lies along their mean difference; along the widest spread if there are none.
    costs : (curve, lowest)
        Pairs of iteration and cost, and the lowest cost there can be.
    path : path-like
        Where to.
    title, sentence : str
        The heading.

    Raises
    ------
    SaveError
        If the suffix is not ``.png``, ``.svg`` or ``.pdf``, or the file cannot be written.
    """
    places = _plane(vectors, arrows)
    curve, lowest = costs
    with sheet(path, title, sentence, widths=(2.1, 1.0)) as made:
        axes = made.axes(0, 0)
        wide, high = np.ptp(places, axis=0)
        for tail, head in arrows:
            axes.annotate(
                "", places[head], places[tail], arrowprops={"arrowstyle": "-|>", "color": SOFT, "lw": 1.4,
                "shrinkA": 6, "shrinkB": 6},
            )  # fmt: skip
        for side, words in enumerate(zip(*arrows, strict=True) if arrows else [range(len(names))]):
            some = places[list(words)]
            axes.scatter(*some.T, s=52, color=CLASSES[side], marker=MARKS[side], edgecolors=PAPER, zorder=3)
            right = bool(side) or not arrows
            edge = places[:, 0].max() + 0.05 * wide if right else places[:, 0].min() - 0.05 * wide
            for word, up in zip(words, spread_out(some[:, 1], high / 24), strict=True):
                axes.annotate(
                    plain(names[word]), places[word], (edge if arrows else places[word, 0] + 0.015 * wide, up),
                    ha="left" if right else "right", va="center", fontsize=11, color=INK, parse_math=False,
                    annotation_clip=False,
                    arrowprops={"arrowstyle": "-", "color": HAIRLINE, "lw": 0.9, "shrinkA": 1, "shrinkB": 4},
                )  # fmt: skip
        dress(axes, "")
        axes.margins(x=0.2, y=0.06)
        axes.axhline(0.0, color=HAIRLINE, linewidth=0.8, zorder=0)
        axes.axvline(0.0, color=HAIRLINE, linewidth=0.8, zorder=0)

        right_axes = made.axes(0, 1)
        right_axes.plot(*np.transpose(curve), color=INK, linewidth=2.0)
        right_axes.axhline(lowest, color=INK, linewidth=1.2, linestyle="dotted")
        right_axes.annotate(
            f"lowest {number(lowest)}", (1.0, lowest), xycoords=("axes fraction", "data"), xytext=(0, -5),
            textcoords="offset points", ha="right", va="top", color=SOFT,
        )  # fmt: skip
        dress(right_axes, "cost of a pair", "iteration")
        right_axes.set_ylim(bottom=lowest - 0.12 * (curve[0][1] - lowest))


def _plane(vectors: NDArray[np.float64], arrows: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """Return places in the plane."""
    centred = vectors - vectors.mean(axis=0)
    if not arrows:
        ways = np.linalg.svd(centred, full_matrices=False)[2][:2]
        return np.asarray(centred @ np.resize(ways, (2, vectors.shape[1])).T)
    tails, heads = (list(ends) for ends in zip(*arrows, strict=True))
    across = (vectors[heads] - vectors[tails]).mean(axis=0)
    across = across / (np.linalg.norm(across) or 1.0)
    means = (centred[heads] + centred[tails]) / 2.0
    means = means - np.outer(means @ across, across)
    up = np.linalg.svd(means, full_matrices=False)[2][0]
    return np.column_stack([centred @ across, centred @ up])
