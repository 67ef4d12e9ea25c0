"""Draws a training's curves and a dataset's points as SVG, for notebooks."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from circuitsim.gates.value import Array
from circuitsim.views.figures import add_legend, lettering, write_figure
from circuitsim.views.style import (
    DASHES,
    DEVICES,
    HAIRLINE,
    INK,
    MINUS,
    PAPER,
    PLUS,
    SOFT,
    SURFACE,
    plain,
)

__all__ = ["curves_svg", "panels_svg", "points_svg"]

#: The iterations of a curve, and its numbers.
Curve: TypeAlias = tuple[Sequence[float], Sequence[float]]

DPI = 100
MARKERS = "Dos^vP*X"  # of classes, in turn, so that colours alone need not tell them apart
# Of classes, in turn, the colour and the edge: the first two as -1 and +1.
CLASSES = ((MINUS, INK), (PLUS, SURFACE), *((colour, SURFACE) for colour in DEVICES[::-1]))
MANY = 150  # points, of which each is drawn smaller


def curves_svg(title: str, cost: Mapping[str, Curve], share: Mapping[str, Curve], share_name: str) -> str:
    """Return the curves of a training.

    Parameters
    ----------
    title : str
        What it shows.
    cost : mapping of str to (xs, ys)
        Curves of the cost, by what they are of: in ink, the first solid, the others dotted.
    share : mapping of str to (xs, ys)
        Curves of what is 1 at best; none, if there is no such thing. They are paler, and dashed.
    share_name : str
        What that is.
    """
    with lettering(9.0):
        figure = Figure(figsize=(6.4, 3.0), dpi=DPI, facecolor=PAPER, layout="constrained")
        axes = figure.subplots()
        _dress(axes, title, "iteration", "cost", INK)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        _draw_curves(axes, cost, INK, ("solid", "dotted"))
        if min((y for _, ys in cost.values() for y in ys), default=-1.0) >= 0.0:
            axes.set_ylim(bottom=0.0)
        handles = axes.get_lines()
        if share:
            right: Any = axes.twinx()
            _dress(right, "", "", share_name, SOFT)
            _draw_curves(right, share, SOFT, ("dashed", "dashdot"))
            lowest = min((y for _, ys in share.values() for y in ys if y > -math.inf), default=0.0)
            right.set_ylim(max(-1.0, min(0.0, lowest)), 1.04)
            handles = [*handles, *right.get_lines()]
        if len(handles) > 1:
            figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
        return _svg(figure)


def panels_svg(title: str, panels: Mapping[str, Mapping[str, Curve]]) -> str:
    """Return curves side by side in panels of logarithmic height, or plain height for what has zeros.

    Parameters
    ----------
    title : str
        What it shows.
    panels : mapping of str to mapping of str to (xs, ys)
        For each panel the curves by name; a name looks the same in all of them.
    """
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    looks = {
        name: {"color": DEVICES[number % len(DEVICES)], "linestyle": DASHES[number // len(DEVICES) % len(DASHES)]}
        for number, name in enumerate(names)
    }
    with lettering(9.0):
        figure = Figure(figsize=(2.9 * len(panels), 3.0), dpi=DPI, facecolor=PAPER, layout="constrained")
        drawn: dict[str, Any] = {}
        for number, (axes, (what, curves)) in enumerate(
            zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True)
        ):
            _dress(axes, what if number else f"{title}: {what}", "iteration", "", SOFT)
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            for name, (xs, ys) in curves.items():
                drawn.setdefault(name, axes.plot(xs, ys, linewidth=1.5, **looks[name], **_dots(xs))[0])
            known = [y for _, ys in curves.values() for y in ys if y < math.inf]
            if known and min(known) > 0.0:
                axes.set_yscale("log")
            else:
                axes.set_ylim(bottom=0.0)
                axes.yaxis.set_major_locator(MaxNLocator(4, integer=all(y == int(y) for y in known)))
        add_legend(figure, drawn, loc="outside lower center", ncols=min(4, len(drawn)))
        return _svg(figure)


def points_svg(title: str, groups: Mapping[str, tuple[Array, Array]], across: str, up: str) -> str:
    """Return points in a plane.

    Parameters
    ----------
    title : str
        What it shows.
    groups : mapping of str to (xs, ys)
        The points by the class that they are of; a single class has no legend.
    across, up : str
        What the axes are of.
    """
    with lettering(9.0):
        figure = Figure(figsize=(5.2, 4.0), dpi=DPI, facecolor=PAPER, layout="constrained")
        axes = figure.subplots()
        _dress(axes, title, across, up, SOFT)
        size = 12 if sum(len(xs) for xs, _ in groups.values()) > MANY else 34
        drawn = []
        for number, (xs, ys) in enumerate(groups.values()):
            (colour, edge), marker = CLASSES[number % len(CLASSES)], MARKERS[number % len(MARKERS)]
            drawn.append(axes.scatter(xs, ys, s=size, c=colour, marker=marker, edgecolors=edge, linewidths=0.6))
        if len(groups) > 1:
            add_legend(figure, dict(zip(groups, drawn, strict=True)), loc="outside right upper")
        return _svg(figure)


def _dress(axes: Any, title: str, across: str, up: str, colour: str) -> None:
    axes.set_title(plain(title), loc="left", color=INK, fontsize=10, parse_math=False)
    axes.set_xlabel(plain(across), color=SOFT, parse_math=False)
    axes.set_ylabel(plain(up), color=colour, parse_math=False)
    axes.tick_params(colors=SOFT, labelsize=8)
    axes.set_facecolor("none")
    for side, spine in axes.spines.items():
        spine.set_color(HAIRLINE)
        spine.set_visible(side != "top")


def _dots(xs: Sequence[float]) -> dict[str, Any]:
    """Return the marks without which a curve of so few numbers would not be seen."""
    return {"marker": "o", "markersize": 3} if len(xs) < 3 else {}


def _draw_curves(axes: Any, curves: Mapping[str, Curve], colour: str, styles: tuple[str, str]) -> None:
    for number, (name, (xs, ys)) in enumerate(curves.items()):
        style = styles[min(number, 1)]
        axes.plot(xs, ys, color=colour, linewidth=1.5, linestyle=style, label=name, **_dots(xs))


def _svg(figure: Figure) -> str:
    file = io.BytesIO()
    write_figure(figure, file, "svg", DPI)
    return file.getvalue().decode()
