"""Draws which units of a layer are alive as a training goes on: a row for each unit, a column for each look at them."""

from collections.abc import Sequence
from os import PathLike

import numpy as np
from matplotlib.patches import Patch
from numpy.typing import NDArray

from circuitsim.views.sheets import dress, key, sheet, tint
from circuitsim.views.style import INK, PAPER, VALUE

__all__ = ["draw_units"]


def draw_units(
    iterations: Sequence[int], alive: NDArray[np.float64], path: str | PathLike[str], title: str, sentence: str
) -> None:
    """Draw units over iterations, those that die first at the bottom, and how many are dead.

    Parameters
    ----------
    iterations : sequence of int
        When the units were looked at.
    alive : ndarray, shape (looks, units)
        For which share of the examples each was not 0.
    path : path-like
        Where to.
    title, sentence : str
        The heading.

    Raises
    ------
    SaveError
        If the suffix is not ``.png``, ``.svg`` or ``.pdf``, or the file cannot be written.
    """
    dead = alive == 0.0
    order = np.lexsort([alive[-1], -dead.sum(axis=0)])
    step = (iterations[-1] - iterations[0]) / max(1, len(iterations) - 1) or 1.0
    extent = (iterations[0] - step / 2, iterations[-1] + step / 2, 0.0, float(alive.shape[1]))
    pale, full = np.array(tint(VALUE, 0.12)), np.array(tint(VALUE, 1.0))
    image = pale + alive[:, order].T[..., None] * (full - pale)
    image[dead[:, order].T] = tint(INK, 0.88)
    with sheet(path, title, sentence, heights=(2.6, 1.0)) as made:
        axes = made.axes(0, 0)
        axes.imshow(image, origin="lower", aspect="auto", extent=extent, interpolation="nearest")
        for row in range(1, alive.shape[1]):
            axes.axhline(row, color=PAPER, linewidth=0.8)
        dress(axes, "", "", "hidden neurons")
        axes.set_yticks([])
        patches = [Patch(color=tint(VALUE, 0.2)), Patch(color=VALUE), Patch(color=tint(INK, 0.88))]
        key(
            axes, patches, ["not 0 for few digits", "for all", "0 for all: dead"], ncols=3, loc="lower left",
            bbox_to_anchor=(0.0, 1.0), fontsize=10, borderaxespad=0.2,
        )  # fmt: skip
        below = made.axes(1, 0)
        below.step(iterations, dead.sum(axis=1), where="mid", color=INK, linewidth=2.0)
        below.set_xlim(extent[0], extent[1])
        below.set_ylim(0, alive.shape[1] * 1.05)
        dress(below, "dead neurons", "iteration")
        axes.set_xticklabels([])
