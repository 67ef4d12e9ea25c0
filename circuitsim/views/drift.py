"""Shows points that move in the plane, each drawn as its digit: how they ended, with some stages, or as a film."""

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, cast

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray
from PIL import Image

from circuitsim.views.animation import palette
from circuitsim.views.figures import lettering
from circuitsim.views.forms import FILMS, check_film
from circuitsim.views.sheets import Sheet, dress, sheet
from circuitsim.views.style import CLASSES, HAIRLINE, INK, PAPER, SOFT, number
from circuitsim.views.video import write_film

__all__ = ["show_drift"]

#: An iteration, the places at it, and what they cost.
Shot = tuple[int, NDArray[np.float64], float]

STAGES = (0.0, 0.06, 0.5, 0.54)  # of all shots, those that are drawn small
FRAME, HOLD = 120, 2500  # milliseconds


def show_drift(
    shots: Sequence[Shot], labels: NDArray[np.int_], path: str | PathLike[str], title: str, sentence: str
) -> None:
    """Film the points as ``.gif`` or ``.mp4``, or draw where they came to, as ``.png``, ``.svg`` or ``.pdf``.

    Parameters
    ----------
    shots : sequence of (iteration, places, cost)
        What to show; places have shape (points, 2).
    labels : ndarray of int, shape (points,)
        The digit that each point is drawn as.
    path : path-like
        Where to.
    title, sentence : str
        The heading.

    Raises
    ------
    SaveError
        If the suffix is another, or the file cannot be written.
    """
    if Path(path).suffix.lower() in FILMS:
        checked = check_film(path)
        with lettering(11.0):
            write_film(
                checked, _frames(shots, labels, title, sentence), palette(*((colour, PAPER) for colour in CLASSES))
            )
        return
    with sheet(path, title, sentence, widths=(2.3, 1.0, 1.0), heights=(1.0, 1.0, 1.0)) as made:
        _draw_points(made.axes(slice(0, 3), 0), shots[-1], labels, 78)
        chosen = [round(share * (len(shots) - 1)) for share in STAGES]
        for place, stage in enumerate(chosen):
            _draw_points(made.axes(place // 2, 1 + place % 2), shots[stage], labels, 14)
        _draw_costs(made.axes(2, slice(1, 3)), shots)


def _frames(
    shots: Sequence[Shot], labels: NDArray[np.int_], title: str, sentence: str
) -> Iterator[tuple[Image.Image, int]]:
    for count in range(1, len(shots) + 1):
        made = Sheet(title, sentence, widths=(2.3, 1.0), heights=(1.0, 1.0))
        _draw_points(made.axes(slice(0, 2), 0), shots[count - 1], labels, 78)
        _draw_costs(made.axes(0, 1), shots, count)
        canvas = cast(Any, FigureCanvasAgg(made.figure))  # of a library without types
        canvas.draw()
        image = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
        yield image.convert("RGB"), HOLD if count == len(shots) else FRAME


def _draw_points(axes: Any, shot: Shot, labels: NDArray[np.int_], size: float) -> None:
    iteration, places, cost = shot
    for label in np.unique(labels).tolist():
        axes.scatter(*places[labels == label].T, s=size, color=CLASSES[label % len(CLASSES)], marker=f"${label}$",
                     linewidths=0.3)  # fmt: skip
    dress(axes, f"iteration {iteration}, cost {number(cost)}" if size > 20 else f"{iteration}")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(HAIRLINE)
    middle, reach = places.mean(axis=0), 1.12 * np.abs(places - places.mean(axis=0)).max()
    axes.set_xlim(middle[0] - reach, middle[0] + reach)
    axes.set_ylim(middle[1] - reach, middle[1] + reach)


def _draw_costs(axes: Any, shots: Sequence[Shot], count: int | None = None) -> None:
    """Draw the costs, so far in ink and what is to come in grey."""
    across, up = [shot[0] for shot in shots], [shot[2] for shot in shots]
    axes.plot(across, up, color=HAIRLINE, linewidth=2.0)
    axes.plot(across[:count], up[:count], color=INK, linewidth=2.0)
    dress(axes, "cost", "iteration")
    axes.set_ylim(0.0, 1.05 * max(up))
    axes.tick_params(colors=SOFT)
