"""Draws lines over axes, side by side: losses against time, means against what theory says."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike

from matplotlib.figure import Figure

from circuitsim.files import check_path
from circuitsim.views.figures import lettering, save_figure
from circuitsim.views.forms import PICTURES
from circuitsim.views.style import DASHES, DEVICES, HAIRLINE, INK, PAPER, SOFT

__all__ = ["Panel", "draw_lines"]


@dataclass
class Panel:
    """One pair of axes.

    Attributes
    ----------
    title, across, up : str
        What it shows, and what its axes are of.
    lines : mapping of str to (xs, ys)
        The lines by their labels.
    dots : mapping of str to (xs, ys)
        Dots in the colour of the line with the same label.
    logarithmic : bool
        Whether the upward axis is.
    bottom, top : float, optional
        Where the upward axis begins and ends, at the least and at the most.
    """

    title: str
    across: str
    up: str
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    dots: Mapping[str, tuple[Sequence[float], Sequence[float]]] = field(default_factory=dict)
    logarithmic: bool = False
    bottom: float = -math.inf
    top: float = math.inf


def draw_lines(panels: Sequence[Panel], path: str | PathLike[str]) -> None:
    """Draw panels side by side; the suffix, ``.svg``, ``.png`` or ``.pdf``, chooses the format.

    Raises
    ------
    SaveError
        If the suffix is unknown or the file cannot be written.
    """
    path = check_path(path, PICTURES)
    with lettering(10.0):
        figure = Figure(figsize=(6.4 * len(panels), 4.6), dpi=100, facecolor=PAPER, layout="constrained")
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            for number, (label, (xs, ys)) in enumerate(panel.lines.items()):
                colour, dashes = DEVICES[number % len(DEVICES)], DASHES[number // len(DEVICES) % len(DASHES)]
                axes.plot(xs, ys, color=colour, linewidth=1.6, linestyle=dashes, label=label)
                if label in panel.dots:
                    axes.plot(*panel.dots[label], "o", color=colour, markersize=4)
            if panel.logarithmic:
                axes.set_yscale("log")
            low, high = axes.get_ylim()
            axes.set_ylim(max(low, panel.bottom), min(high, panel.top))
            axes.set_title(panel.title, loc="left", color=INK, fontsize=11)
            axes.set_xlabel(panel.across, color=SOFT)
            axes.set_ylabel(panel.up, color=SOFT)
            axes.tick_params(colors=SOFT)
            axes.set_facecolor("none")
            axes.grid(color=HAIRLINE, linewidth=0.6)
            axes.set_axisbelow(True)
            for side, spine in axes.spines.items():
                spine.set_color(HAIRLINE)
                spine.set_visible(side not in ("top", "right"))
            axes.legend(frameon=False, labelcolor=INK)
        save_figure(figure, path)
