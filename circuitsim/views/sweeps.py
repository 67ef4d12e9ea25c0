"""Draws pictures of pixels side by side, from what was seen to what is true, a row for each."""

from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from circuitsim.views.sheets import sheet, tint
from circuitsim.views.style import HAIRLINE, INK, MINUS, PAPER, plain

__all__ = ["draw_sweeps"]

MARKED = 2  # columns before the last one, in which mistakes are marked, and the last sweep's


def draw_sweeps(
    stages: Mapping[str, NDArray[np.float64]],
    rows: Sequence[int],
    path: str | PathLike[str],
    title: str,
    sentence: str,
) -> None:
    """Draw pictures, -1 as paper and 1 as ink, with what is wrong in the last stages marked.

    Parameters
    ----------
    stages : mapping of str to ndarray of shape (pictures, height, width)
        By name, from left to right; the last one is what is true.
    rows : sequence of int
        Which pictures to show.
    path : path-like
        Where to.
    title, sentence : str
        The heading.

    Raises
    ------
    SaveError
        If the suffix is not ``.png``, ``.svg`` or ``.pdf``, or the file cannot be written.
    """
    *_, true = stages.values()
    with sheet(path, title, sentence, widths=(1.0,) * len(stages), heights=(1.0,) * len(rows)) as made:
        ink, paper = np.array(tint(INK, 1.0)), np.array(tint(PAPER, 1.0))
        for column, (name, pictures) in enumerate(stages.items()):
            marked = len(stages) - 2 - MARKED <= column < len(stages) - 1
            for row, number in enumerate(rows):
                axes = made.axes(row, column)
                share = (np.clip(pictures[number], -1.0, 1.0)[..., None] + 1.0) / 2.0
                image = paper + share * (ink - paper)
                if marked:
                    image[np.sign(pictures[number]) != true[number]] = tint(MINUS, 1.0)
                axes.imshow(image, interpolation="nearest")
                axes.set_xticks([])
                axes.set_yticks([])
                for spine in axes.spines.values():
                    spine.set_color(HAIRLINE)
                if not row:
                    axes.set_title(plain(name), loc="left", fontsize=10, color=INK, parse_math=False)
