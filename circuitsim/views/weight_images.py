"""Draws what a network of images has learned: the weights of each neuron as an image, and what it takes for what."""

from os import PathLike

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from circuitsim.files import check_path
from circuitsim.views.figures import lettering, save_figure
from circuitsim.views.forms import PICTURES
from circuitsim.views.style import DEVICES, HAIRLINE, INK, MINUS, PAPER, PLUS, SOFT

__all__ = ["draw_weights"]

COLUMNS = 6
# Weights below 0 are amber, those above 0 blue, as the classes -1 and +1 are.
WEIGHTS = LinearSegmentedColormap.from_list("weights", [MINUS, PAPER, PLUS])
SHARES = LinearSegmentedColormap.from_list("shares", [PAPER, DEVICES[3]])


def draw_weights(
    weights: NDArray[np.float64], confusion: NDArray[np.int_], shape: tuple[int, int], path: str | PathLike[str]
) -> None:
    """Draw weights and a confusion table side by side.

    Parameters
    ----------
    weights : ndarray, shape (points, neurons)
        What each neuron of the first layer weighs the points of an image with.
    confusion : ndarray, shape (classes, classes)
        How many images of the class of the row were taken for that of the column.
    shape : tuple of int
        Height and width of the images.
    path : path-like
        Where to; the suffix chooses the format, .png, .svg or .pdf.

    Raises
    ------
    SaveError
        If it cannot be written.
    """
    path = check_path(path, PICTURES)
    rows = -(-weights.shape[1] // COLUMNS)
    with lettering(9.0):
        figure = Figure(figsize=(12, 5.6), dpi=120, facecolor=PAPER, layout="constrained")
        left, right = figure.subfigures(1, 2, wspace=0.04, squeeze=False)[0]
        left.suptitle("weights of each hidden neuron: blue pulls up, amber pulls down", color=INK)
        limit = float(np.max(np.abs(weights)))
        panels = left.subplots(rows, COLUMNS, squeeze=False).ravel()
        for panel in panels:
            panel.set_axis_off()
        for number, panel in enumerate(panels[: weights.shape[1]]):
            image = panel.imshow(weights[:, number].reshape(shape), cmap=WEIGHTS, vmin=-limit, vmax=limit)
        bar = left.colorbar(image, ax=panels.tolist(), location="bottom", shrink=0.6, aspect=40)
        bar.ax.tick_params(colors=SOFT)
        bar.outline.set_edgecolor(HAIRLINE)
        _draw_confusion(right.subplots(), confusion)
        right.suptitle("digits of the test set: what each was taken for", color=INK)
        save_figure(figure, path)


def _draw_confusion(panel: Axes, confusion: NDArray[np.int_]) -> None:
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    panel.imshow(shares, cmap=SHARES, vmin=0.0, vmax=1.6)
    for (row, column), number in np.ndenumerate(confusion):
        if number:
            weight = "normal" if row == column else "bold"  # mistakes
            panel.text(column, row, str(number), ha="center", va="center", color=INK, weight=weight)
    places = range(len(confusion))
    panel.set(xticks=places, yticks=places)
    panel.set_xlabel("taken for", color=INK)
    panel.set_ylabel("is", color=INK)
    panel.tick_params(colors=SOFT)
    for spine in panel.spines.values():
        spine.set_color(HAIRLINE)
