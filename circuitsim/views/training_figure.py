"""Draws how a training goes: the plane with points and regions, and the curves of cost and accuracy.

A point has the shape and the colour of its class; it is filled if its own score is on the right side, and hollow if
not. Regions are scores too, but where points have more than two features, these are scores of other points: of those
with all other features at their mean, which the figure says.
"""

from os import PathLike
from typing import Any, cast

import numpy as np
from contourpy import contour_generator
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from PIL import Image

from circuitsim.files import check_path
from circuitsim.gates.value import show
from circuitsim.learning.recording import Plane, Recording, Shot
from circuitsim.views.figures import lettering, save_figure
from circuitsim.views.forms import PICTURES
from circuitsim.views.style import EDGE, FAINT, GRADIENT, INK, PAPER, VALUE, minus, plain

__all__ = ["COLOURS", "HEIGHT", "WIDTH", "TrainingFigure", "draw_training"]

WIDTH, HEIGHT = 560, 690  # pixels; it may be higher
LONGEST = 26  # letters of a column's name: more have no room
LONGEST_CLASS = 15  # letters of the name of a class

LOW, HIGH = "#1d4ed8", "#b45309"  # the classes -1 and +1: also told by the shape of their markers
REGIONS = ("#bfd3fb", "#e3ecfd", "#fdeedd", "#f9d4ab")  # below -1, to 0, to +1, above
COLOURS = (*REGIONS, LOW, HIGH)
RING = "#111111"
HOLLOW = 1.5  # points wide, the edge of a hollow marker
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
        self.curves: Any = self.figure.add_axes((0.12, 0.5 / high, 0.75, low_part / high))
        bottom = 0.5 + low_part + 0.75
        self.held = (
            len(recording.dataset.features) - 2 if recording.plane else 0
        )  # features that the plane does not show
        top = 1.15 + 0.22 * bool(self.held)
        self.plane: Any = self.figure.add_axes((0.12, bottom / high, 0.75, (high - bottom - top) / high))
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
            if dataset.targets == "sides":
                names = [_short(name, LONGEST_CLASS) for name in dataset.classes or ()]
                axes.set_yticks([-1, 1], names, rotation=90, va="center", parse_math=False)
            axes.set_xlabel(_short(dataset.features[0]), fontsize=9, color=INK, parse_math=False)
            self._dress_legend()
            return
        axes.set_xlim(plane.low[0], plane.high[0])
        axes.set_ylim(plane.low[1], plane.high[1])
        axes.set_xlabel(_short(dataset.features[plane.columns[0]]), fontsize=9, color=INK, parse_math=False)
        axes.set_ylabel(_short(dataset.features[plane.columns[1]]), fontsize=9, color=INK, parse_math=False)
        self._dress_legend()

    def _dress_legend(self) -> None:
        """Say above the plane what its markers and lines are."""
        axes, dataset = self.plane, self.recording.dataset
        bare: dict[str, Any] = {"color": "none", "markersize": 6.5, "markeredgecolor": "white"}
        keys = []
        if dataset.classes is not None and dataset.targets == "sides":
            for name, colour, marker in zip(dataset.classes, (LOW, HIGH), "so", strict=True):
                keys.append(
                    Line2D([], [], marker=marker, markerfacecolor=colour, label=_short(name, LONGEST_CLASS), **bare)
                )
            if self._right(self.recording.shots[-1]) is not None:
                wrong = bare | {"markeredgecolor": INK, "markeredgewidth": HOLLOW}
                keys.append(Line2D([], [], marker="D", markerfacecolor="white", label="hollow: wrong", **wrong))
        if self.recording.plane is not None:
            keys.append(Line2D([], [], color=INK, lw=1.4, label="score 0"))
            if self.recording.force.margin:
                keys.append(Line2D([], [], color=INK, lw=0.9, ls="--", label=f"score ±{self.recording.force.margin:g}"))
        high = self.figure.bbox.height
        legend = axes.legend(
            handles=keys, loc="center", ncols=max(1, len(keys)), frameon=False, fontsize=8, labelcolor=INK,
            handlelength=1.6, handletextpad=0.4, columnspacing=1.2, borderpad=0.0, borderaxespad=0.0,
            bbox_to_anchor=(0.5, 1.0 - 0.88 * DPI / high), bbox_transform=self.figure.transFigure,
        )  # fmt: skip
        for text in legend.get_texts():
            text.set_parse_math(False)
        if self.held:
            others = "the other feature" if self.held == 1 else f"the {self.held} other features"
            words = f"Filled or hollow: by a point's own score. Regions: with {others} at the mean."
            axes.text(
                0.5, 1.0 - 1.12 * DPI / high, words, transform=self.figure.transFigure, ha="center", va="center",
                fontsize=8, color=INK,
            )  # fmt: skip

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
                    plain(words),
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
                interpolation="bilinear", interpolation_stage="data", zorder=0, alpha=0.5 if self.held else 1.0,
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
        judged = self._right(shot)
        right = np.full(len(dataset), True) if judged is None else judged
        for label, colour, marker in ((-1.0, LOW, "s"), (1.0, HIGH, "o"))[: 2 if dataset.targets == "sides" else 1]:
            ours = dataset.labels == label if dataset.targets == "sides" else np.full(len(dataset), True)
            for some, face, edge, width in (
                (columns[ours & right], colour, "white", 0.8), (columns[ours & ~right], "white", colour, HOLLOW),
            ):  # fmt: skip
                if len(some):
                    yield (
                        axes,
                        axes.scatter(
                            *some.T, s=size, c=face, marker=marker, edgecolors=edge, linewidths=width, zorder=3
                        ),
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

    def _right(self, shot: Shot) -> Any:
        """Return of each point whether its own score is on the right side; None where there are no sides."""
        labels = self.recording.dataset.labels
        if self.recording.dataset.targets != "sides" or np.shape(shot.scores) != labels.shape:
            return None
        return self.recording.force.is_right(shot.scores, labels)

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
            late = "" if done[-1].iteration == shot.iteration else f" (at {done[-1].iteration})"
            words += f"  ·  cost {show(done[-1].cost, 3)}{late}"
        right = self._right(shot)
        if right is not None:
            words += f"  ·  {np.count_nonzero(right)} of {len(right)} right"  # those that are filled
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


def _short(name: str, most: int = LONGEST) -> str:
    return plain(name if len(name) <= most else name[: most - 1] + "…")
