"""Draws how a training goes: the plane with points and regions, and the curves of cost and accuracy."""

from os import PathLike
from typing import Any, cast

import numpy as np
from contourpy import contour_generator
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from PIL import Image

from circuitsim.files import check_path
from circuitsim.gates.value import show
from circuitsim.learning.recording import Plane, Recording, Shot
from circuitsim.views.figures import lettering, save_figure
from circuitsim.views.forms import PICTURES
from circuitsim.views.style import EDGE, FAINT, GRADIENT, INK, PAPER, VALUE, minus

__all__ = ["COLOURS", "HEIGHT", "WIDTH", "TrainingFigure", "draw_training"]

WIDTH, HEIGHT = 560, 640  # pixels; it may be higher

LOW, HIGH = "#1d4ed8", "#b45309"  # the classes -1 and +1: also told by the shape of their markers
REGIONS = ("#bfd3fb", "#e3ecfd", "#fdeedd", "#f9d4ab")  # below -1, to 0, to +1, above
COLOURS = (*REGIONS, LOW, HIGH)
RING = "#111111"
DPI = 100


def draw_training(recording: Recording, path: str | PathLike[str]) -> None:
    """Draw how a training ended, as ``.png``, ``.svg`` or ``.pdf``.

    Raises
    ------
    SaveError
        If the suffix is another, or the file cannot be written.
    """
    path = check_path(path, PICTURES)
    with lettering():
        save_figure(TrainingFigure(recording).paint(recording.shots[-1]), path, dpi=150)


class TrainingFigure:
    """A figure on which each shot of a recording can be drawn.

    Parameters
    ----------
    recording : Recording
        The training.
    height : int
        Pixels.
    """

    def __init__(self, recording: Recording, height: int = HEIGHT) -> None:
        self.recording = recording
        self.figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor=PAPER)
        self.canvas = cast(Any, FigureCanvasAgg(self.figure))  # of a library without types
        # In inches, so that letters have their place whatever the height is.
        high = height / DPI
        low_part = 1.55
        self.curves: Any = self.figure.add_axes((0.11, 0.5 / high, 0.78, low_part / high))
        bottom = 0.5 + low_part + 0.75
        self.plane: Any = self.figure.add_axes((0.11, bottom / high, 0.78, (high - bottom - 0.85) / high))
        self._dress_plane()
        self._dress_curves()
        self.canvas.draw()
        self.blank = self.canvas.copy_from_bbox(self.figure.bbox)

    def frame(self, shot: Shot) -> Image.Image:
        """Draw one shot."""
        self.canvas.restore_region(self.blank)
        for axes, artist in self._artists(shot):
            axes.draw_artist(artist)
            artist.remove()
        size = self.canvas.get_width_height()
        return Image.frombuffer("RGBA", size, self.canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")

    def paint(self, shot: Shot) -> Figure:
        """Return the figure with one shot drawn on it for good."""
        for _ in self._artists(shot):
            pass
        return self.figure

    def _dress_plane(self) -> None:
        axes, plane, dataset = self.plane, self.recording.plane, self.recording.dataset
        axes.tick_params(labelsize=8, colors=FAINT)
        for spine in axes.spines.values():
            spine.set_color(EDGE)
        if plane is None:
            column = dataset.points[:, 0]
            room = 0.1 * (np.ptp(column) or 1.0)
            axes.set_xlim(column.min() - room, column.max() + room)
            axes.set_ylim(-1.5, 1.5)
            axes.set_yticks([-1, 1], dataset.classes)
            axes.set_xlabel(dataset.features[0], fontsize=9, color=INK)
            return
        axes.set_xlim(plane.low[0], plane.high[0])
        axes.set_ylim(plane.low[1], plane.high[1])
        axes.set_xlabel(dataset.features[plane.columns[0]], fontsize=9, color=INK, parse_math=False)
        axes.set_ylabel(dataset.features[plane.columns[1]], fontsize=9, color=INK, parse_math=False)

    def _dress_curves(self) -> None:
        history = self.recording.history
        costs = [evaluation.cost for evaluation in history.evaluations]
        self.curves.set_xlim(0, max(1, history.iterations))
        self.curves.set_ylim(0, max(*costs, 1e-9) * 1.08)
        self.curves.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        self.curves.yaxis.set_major_locator(MaxNLocator(4))
        self.curves.tick_params(labelsize=8, colors=FAINT)
        self.curves.tick_params(axis="y", colors=GRADIENT)
        self.curves.set_xlabel("iteration", fontsize=9, color=INK)
        self.curves.set_ylabel("cost", fontsize=9, color=GRADIENT)
        self.right: Any = self.curves.twinx()
        self.right.set_ylim(0, 1.08)
        self.right.yaxis.set_major_formatter(PercentFormatter(1.0))
        self.right.set_yticks([0, 0.5, 1.0])
        self.right.tick_params(labelsize=8, colors=VALUE)
        self.right.set_ylabel("accuracy", fontsize=9, color=VALUE)
        for axes in (self.curves, self.right):
            for side, spine in axes.spines.items():
                spine.set_color(EDGE)
                spine.set_visible(side != "top")

    def _artists(self, shot: Shot) -> Any:
        """Yield what changes from shot to shot, each with the axes it is on, from the back to the front."""
        if self.recording.plane is not None and shot.plane_scores is not None:
            yield from self._regions(self.recording.plane, shot.plane_scores)
        yield from self._points(shot)
        yield from self._lines(shot)
        for row, (words, style) in enumerate(self._words(shot)):
            place = 1.0 - (0.32 + 0.26 * row) * DPI / self.figure.bbox.height
            yield (
                self.plane,
                self.plane.text(
                    0.5,
                    place,
                    words,
                    transform=self.figure.transFigure,
                    ha="center",
                    va="center",
                    parse_math=False,
                    **style,
                ),
            )

    def _regions(self, plane: Plane, scores: Any) -> Any:
        axes = self.plane
        (left, bottom), (right, top) = plane.low, plane.high
        yield (
            axes,
            axes.imshow(
                np.clip(scores, -10, 10), origin="lower", extent=(left, right, bottom, top), aspect="auto",
                cmap=ListedColormap(list(REGIONS)), norm=BoundaryNorm([-10.1, -1, 0, 1, 10.1], 4),
                interpolation="bilinear", interpolation_stage="data", zorder=0,
            ),
        )  # fmt: skip
        places = [np.linspace(plane.low[axis], plane.high[axis], len(scores)) for axis in (0, 1)]
        contours: Any = contour_generator(x=places[0], y=places[1], z=scores)
        margin = self.recording.force.margin
        for level, style in [(0.0, "solid"), *([(-margin, "dashed"), (margin, "dashed")] if margin else [])]:
            lines = LineCollection(
                contours.lines(level), colors=INK, linewidths=1.4 if level == 0 else 0.9, linestyles=style
            )
            yield axes, axes.add_collection(lines, autolim=False)
        frame = Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, edgecolor=EDGE, zorder=2)
        yield axes, axes.add_patch(frame)

    def _points(self, shot: Shot) -> Any:
        axes, dataset, plane = self.plane, self.recording.dataset, self.recording.plane
        columns = dataset.points[:, plane.columns] if plane else np.column_stack([dataset.points[:, 0], dataset.labels])
        size = 42 if len(dataset) <= 150 else 14
        for label, colour, marker in ((-1.0, LOW, "s"), (1.0, HIGH, "o")):
            some = columns[dataset.labels == label]
            yield (
                axes,
                axes.scatter(*some.T, s=size, c=colour, marker=marker, edgecolors="white", linewidths=0.8, zorder=3),
            )
        if len(shot.examples) == 1:
            place = columns[shot.examples[0]]
            yield axes, axes.scatter(*place, s=190, facecolors="none", edgecolors=RING, linewidths=1.8, zorder=4)
            pull = float(np.sum(shot.pull))
            if pull:
                tip = 34 if pull > 0 else -34
                yield (
                    axes,
                    axes.annotate(
                        "", place, xytext=(0, tip), textcoords="offset points", zorder=5,
                        arrowprops={"arrowstyle": "<|-", "color": VALUE if pull > 0 else GRADIENT, "lw": 2.4,
                                    "shrinkB": 9, "shrinkA": 0},
                    ),
                )  # fmt: skip

    def _lines(self, shot: Shot) -> Any:
        done = [
            evaluation for evaluation in self.recording.history.evaluations if evaluation.iteration <= shot.iteration
        ]
        numbers = [evaluation.iteration for evaluation in done]
        dots: dict[str, Any] = {"marker": "o", "ms": 2.5} if len(done) < 3 else {}
        if done and done[0].accuracy is not None:
            accuracies = [evaluation.accuracy for evaluation in done]
            yield self.right, self.right.plot(numbers, accuracies, color=VALUE, lw=1.6, ls="--", zorder=2, **dots)[0]
        costs = [evaluation.cost for evaluation in done]
        yield self.right, self.curves.plot(numbers, costs, color=GRADIENT, lw=1.6, zorder=3, **dots)[0]
        yield self.curves, self.curves.axvline(shot.iteration, color=FAINT, lw=0.8, zorder=1)

    def _words(self, shot: Shot) -> list[tuple[str, dict[str, Any]]]:
        """Return the two lines above the plane."""
        done = [
            evaluation for evaluation in self.recording.history.evaluations if evaluation.iteration <= shot.iteration
        ]
        words = f"iteration {shot.iteration}"
        if done:
            accuracy = done[-1].accuracy
            words += f"  ·  cost {show(done[-1].cost, 3)}"
            words += "" if accuracy is None else f"  ·  accuracy {accuracy:.0%}"
        return [
            (words, {"fontsize": 12, "color": INK, "weight": "bold"}),
            (self._shown(shot), {"fontsize": 9.5, "color": INK}),
        ]

    def _shown(self, shot: Shot) -> str:
        dataset = self.recording.dataset
        if not shot.examples:
            return f"{self.recording.history.ended}: {len(dataset)} points of {dataset.name}"
        if len(shot.examples) > 1:
            return f"{len(shot.examples)} examples are shown together"
        number = shot.examples[0]
        label = dataset.name_of(dataset.labels[number])
        pull = float(np.sum(shot.pull))
        how = "no pull is needed" if pull == 0 else f"pulled {'up' if pull > 0 else 'down'} with {show(pull, 3)}"
        return minus(f"example {number}, of class {label}: {how}")
