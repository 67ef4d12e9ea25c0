"""What charts share that stand alone on a sheet: a title, a sentence below it, and axes side by side.

Ink is for costs and for everything that is neither a value nor a gradient. What belongs to a class has a colour and a
mark of its own, and lines have dashes or marks besides their colours, so that colours alone tell nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from circuitsim.files import check_path
from circuitsim.views.figures import lettering, save_figure
from circuitsim.views.forms import PICTURES
from circuitsim.views.style import CLASSES, HAIRLINE, INK, PAPER, SOFT, minus, plain

__all__ = ["DASHES", "MARKS", "Sheet", "dress", "key", "looks", "mark", "sheet", "tint"]

MARKS = "oD^svPX*ph"  # of classes, in turn
DASHES: tuple[Any, ...] = ("solid", (0, (6, 2)), (0, (1.5, 1.5)), (0, (7, 2, 1.5, 2)), (0, (3, 1, 1, 1, 1, 1)))
LETTERS = 104  # of the sentence in a line
WIDTH, HEIGHT, DPI = 12.0, 7.2, 110


class Sheet:
    """A figure with a heading.

    Parameters
    ----------
    title : str
        What it shows, with a number where there is one.
    sentence : str
        What to look at; it is broken into lines.
    widths, heights : sequence of float
        How wide the columns of axes are, and how high the rows, relatively.
    """

    def __init__(
        self, title: str, sentence: str, widths: Sequence[float] = (1.0,), heights: Sequence[float] = (1.0,)
    ) -> None:
        self.figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor=PAPER)
        lines = wrap(plain(sentence), LETTERS)
        room = 1.0 - (0.72 + 0.26 * len(lines)) / HEIGHT
        self.figure.set_layout_engine("constrained", rect=(0.015, 0.02, 0.97, room - 0.02), w_pad=0.12, h_pad=0.1)
        self.figure.text(
            0.025, 1.0 - 0.26 / HEIGHT, plain(title), fontsize=19, color=INK, weight="bold", va="top", parse_math=False
        )
        self.figure.text(
            0.025, 1.0 - 0.68 / HEIGHT, "\n".join(lines), fontsize=12, color=SOFT, va="top", linespacing=1.35,
            parse_math=False,
        )  # fmt: skip
        self.grid: Any = self.figure.add_gridspec(len(heights), len(widths), width_ratios=widths, height_ratios=heights)

    def axes(self, row: int | slice = 0, column: int | slice = 0) -> Any:
        """Return axes that cover rows and columns of the grid."""
        return self.figure.add_subplot(self.grid[row, column])


@contextmanager
def sheet(
    path: str | PathLike[str],
    title: str,
    sentence: str,
    widths: Sequence[float] = (1.0,),
    heights: Sequence[float] = (1.0,),
) -> Iterator[Sheet]:
    """Yield a sheet to draw on, and save it at the end; see `Sheet`.

    Raises
    ------
    SaveError
        If the suffix is not ``.png``, ``.svg`` or ``.pdf``, or the file cannot be written.
    """
    checked: Path = check_path(path, PICTURES)
    with lettering(11.0):
        made = Sheet(title, sentence, widths, heights)
        yield made
        save_figure(made.figure, checked)


def dress(axes: Any, title: str, across: str = "", up: str = "") -> None:
    """Give axes their title, their labels, and a hairline for a frame."""
    axes.set_title(plain(title), loc="left", color=INK, fontsize=12, parse_math=False)
    axes.set_xlabel(plain(across), color=SOFT, parse_math=False)
    axes.set_ylabel(plain(up), color=SOFT, parse_math=False)
    axes.tick_params(colors=SOFT, labelsize=10)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_color(HAIRLINE)
        spine.set_visible(side in ("left", "bottom"))
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "linear":
            axis.set_major_formatter(FuncFormatter(lambda number, _: minus(f"{number:g}")))


def looks(number: int) -> dict[str, Any]:
    """Return the colour and the dashes of a line by its number."""
    return {"color": CLASSES[number % len(CLASSES)], "linestyle": DASHES[number % len(DASHES)]}


def key(axes: Any, handles: Sequence[Any], names: Sequence[str], **where: Any) -> None:
    """Add a legend, with names as they are."""
    legend = axes.legend(handles, [""] * len(names), frameon=False, labelcolor=INK, **where)
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_text(plain(name))


def mark(number: int, hollow: bool = False) -> Line2D:
    """Return the mark of a class for a legend."""
    colour = CLASSES[number % len(CLASSES)]
    return Line2D(
        [], [], linestyle="", marker=MARKS[number % len(MARKS)], markersize=8, markeredgecolor=INK,
        markerfacecolor=PAPER if hollow else colour, markeredgewidth=0.8,
    )  # fmt: skip


def tint(colour: str, share: float) -> tuple[float, float, float]:
    """Return so much of a colour on paper."""
    mixed = share * np.array(to_rgb(colour)) + (1.0 - share) * np.array(to_rgb(PAPER))
    return float(mixed[0]), float(mixed[1]), float(mixed[2])
