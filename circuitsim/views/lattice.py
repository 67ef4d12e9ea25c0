"""Draws a chain as a lattice: what was seen, the gradients at each place of two chains, and the transitions."""

from os import PathLike
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import NDArray

from circuitsim.views.sheets import dress, sheet, tint
from circuitsim.views.style import GRADIENT, HAIRLINE, INK, PAPER, VALUE

__all__ = ["draw_lattice"]

TITLES = ("log-sum: the gradient is the marginals", "max-sum: the gradient is the best path")


def draw_lattice(
    images: NDArray[np.float64],
    gradients: tuple[NDArray[np.float64], NDArray[np.float64]],
    right: NDArray[np.int_],
    transitions: NDArray[np.float64],
    path: str | PathLike[str],
    title: str,
    sentence: str,
) -> None:
    """Draw the images above the gradients of both chains, and the transitions beside them.

    Parameters
    ----------
    images : ndarray, shape (places, height, width)
        What was seen.
    gradients : tuple of ndarray, shape (places, labels)
        Those of the log-sum chain and of the max-sum chain.
    right : ndarray of int, shape (places,)
        What was written.
    transitions : ndarray, shape (labels, labels)
        The score of each label, a row, for each next one.
    path : path-like
        Where to.
    title, sentence : str
        The heading.

    Raises
    ------
    SaveError
        If the suffix is not ``.png``, ``.svg`` or ``.pdf``, or the file cannot be written.
    """
    places = len(images)
    with sheet(path, title, sentence, widths=(1.0,) * (3 * places), heights=(1.0, 3.4)) as made:
        for side, (gradient, name) in enumerate(zip(gradients, TITLES, strict=True)):
            for place, image in enumerate(images):
                above = made.axes(0, side * places + place)
                above.imshow(image, cmap="Greys", interpolation="nearest")
                above.set_axis_off()
            _draw_gradients(made.axes(1, slice(side * places, (side + 1) * places)), gradient, right, name)
        beside = made.axes(1, slice(2 * places, 3 * places))
        most = float(np.max(np.abs(transitions))) or 1.0
        low, high = tint(INK, 0.75), tint(VALUE, 1.0)
        beside.imshow(
            transitions, vmin=-most, vmax=most,
            cmap=LinearSegmentedColormap.from_list("scores", [(0.0, low), (0.5, tint(PAPER, 1.0)), (1.0, high)]),
        )  # fmt: skip
        dress(beside, "transitions: green is likely", "next digit", "digit")
        beside.set_xticks(range(len(transitions)))
        beside.set_yticks(range(len(transitions)))


def _draw_gradients(axes: Any, gradient: NDArray[np.float64], right: NDArray[np.int_], name: str) -> None:
    places, labels = gradient.shape
    sure = bool(np.all((gradient == 0.0) | (gradient == 1.0)))  # else the gradients of places do not tell the ways
    for place in range(places - 1):
        flow = sure * np.multiply.outer(gradient[place], gradient[place + 1])
        for (here, there), share in np.ndenumerate(flow):
            axes.plot(
                [place, place + 1], [here, there], linewidth=0.5 + 4.0 * share, zorder=1 + share,
                color=GRADIENT if share else HAIRLINE, solid_capstyle="round",
            )  # fmt: skip
    for (place, label), share in np.ndenumerate(gradient):
        axes.scatter(place, label, s=170, color=[tint(GRADIENT, share)], edgecolors=HAIRLINE, linewidths=0.8, zorder=3)
        axes.annotate(
            str(label), (place, label), ha="center", va="center", fontsize=8.5, zorder=5,
            color=PAPER if share > 0.55 else INK,
        )  # fmt: skip
    axes.scatter(range(places), right, s=250, facecolors="none", edgecolors=INK, linewidths=2.0, zorder=4)
    dress(axes, name, "place")
    axes.set_xticks(range(places))
    axes.set_yticks([])
    axes.set_xlim(-0.5, places - 0.5)
    axes.set_ylim(labels - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
