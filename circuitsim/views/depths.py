"""Draws histograms of the values and the gradients of each layer, side by side from the first to the last."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from circuitsim.views.sheets import dress, sheet
from circuitsim.views.style import GRADIENT, INK, PAPER, SOFT, VALUE, minus

__all__ = ["draw_depths"]

BINS = 90
SMALL = 1e-3  # the least share that is seen of the sizes at both ends
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def draw_depths(
    layers: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    path: str | PathLike[str],
    title: str,
    sentence: str,
) -> None:
    """Draw the histograms.

    Parameters
    ----------
    layers : sequence of (values, gradients)
        Each of shape (examples, units), from the first layer on.
    path : path-like
        Where to.
    title, sentence : str
        The heading.

    Raises
    ------
    SaveError
        If the suffix is not ``.png``, ``.svg`` or ``.pdf``, or the file cannot be written.
    """
    with sheet(path, title, sentence, heights=(1.0, 1.0)) as made:
        for row, (what, colour) in enumerate((("values, forward →", VALUE), ("gradients, ← backward", GRADIENT))):
            axes = made.axes(row, 0)
            _draw_sizes(axes, [layer[row] for layer in layers], colour)
            dress(axes, what, "layer" if row else "", "size")
            axes.yaxis.set_major_locator(MaxNLocator(7, integer=True))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda power, _: "10" + f"{power:.0f}".translate(RAISED)))
            axes.set_xticks(range(1, len(layers) + 1, max(1, len(layers) // 20)))


def _draw_sizes(axes: Any, layers: Sequence[NDArray[np.float64]], colour: str) -> None:
    """Draw how many numbers of each layer have which size, by powers of ten; 0 has none and is counted above."""
    sizes = [np.abs(layer[layer != 0.0]) for layer in layers]
    powers = [np.log10(some[np.isfinite(some)]) for some in sizes]
    ends = [np.quantile(some, [SMALL, 1.0 - SMALL]) for some in powers if some.size]
    low, high = (min(end[0] for end in ends), max(end[1] for end in ends)) if ends else (-1.0, 1.0)
    low, high = low - 0.05 * (high - low) - 0.1, high + 0.08 * (high - low) + 0.1
    edges = np.linspace(low, high, BINS + 1)
    counts = np.array([np.histogram(some, edges)[0] / max(1, some.size) for some in powers])
    counts = counts / np.maximum(counts.max(axis=1, keepdims=True), 1e-300)
    axes.imshow(
        counts.T, origin="lower", aspect="auto", extent=(0.5, len(layers) + 0.5, low, high), vmin=0.0, vmax=1.0,
        cmap=LinearSegmentedColormap.from_list("sizes", [PAPER, colour]), interpolation="nearest",
    )  # fmt: skip
    numbers = [number for number, some in enumerate(powers, 1) if some.size]
    roots = [0.5 * np.log10(np.mean(np.square(layers[number - 1]))) for number in numbers]
    axes.plot(numbers, roots, color=INK, linewidth=1.8, marker="o", markersize=4)
    for number in range(1, len(layers)):
        axes.axvline(number + 0.5, color=PAPER, linewidth=1.0)
    zeros = [float(np.mean(layer == 0.0)) for layer in layers]
    every = max(1, len(layers) // 20)
    for number, share in list(enumerate(zeros, 1))[::every]:
        if share > 0.005:
            axes.annotate(
                minus(f"{share:.0%}"), (number, 1.0), xycoords=("data", "axes fraction"), xytext=(0, -3),
                textcoords="offset points", ha="center", va="top", fontsize=8, color=SOFT,
            )  # fmt: skip
    if max(zeros) > 0.005:
        axes.annotate(
            "are 0", (1.0, 1.0), xycoords="axes fraction", xytext=(3, -3), textcoords="offset points", va="top",
            fontsize=8, color=SOFT,
        )  # fmt: skip
