"""Draws how a training goes: the plane with points and regions, and the curves of cost and accuracy.

A point has the shape and the colour of its class; it is filled if its own score is on the right side, and hollow if
not. Regions are scores too, but where points have more than two features, these are scores of other points: of those
with all other features at their mean, which the figure says. The words above are about the iteration that is shown.
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
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator, PercentFormatter
from PIL import Image

from circuitsim.files import check_path
from circuitsim.gates.value import show
from circuitsim.learning.recording import Plane, Recording, Shot
from circuitsim.views.figures import NAMES, lettering, save_figure
from circuitsim.views.forms import PICTURES
from circuitsim.views.style import (
    GRADIENT,
    HAIRLINE,
    INK,
    MINUS,
    MINUS_SOFT,
    PAPER,
    PLUS,
    PLUS_SOFT,
    SOFT,
    SURFACE,
    VALUE,
    WIRE,
    minus,
    plain,
)

__all__ = ["COLOURS", "HEIGHT", "WIDTH", "TrainingFigure", "draw_training"]

WIDTH, HEIGHT = 560, 690  # pixels
LONGEST = 26  # letters of a column's name: more have no room
LONGEST_CLASS = 12  # letters of the name of a class

# Of each side: its label, colour, marker, the edge of a filled marker and that of a hollow one.
SIDES = ((-1.0, MINUS, "D", INK, INK), (1.0, PLUS, "o", SURFACE, PLUS))
COLOURS = (
    *((ink, region) for region in (PLUS_SOFT, MINUS_SOFT) for ink in (INK, GRADIENT, VALUE, PAPER, SURFACE)),
    (PLUS, PLUS_SOFT), (PLUS, MINUS_SOFT), (INK, MINUS), (SURFACE, PLUS),
)  # fmt: skip
DOTS = (0, (1.0, 2.2))  # where the margin ends
FEW = 12  # points, up to which each has its score beside it
HOLLOW = 1.5  # points wide, the edge of a hollow marker
DPI = 100
NAME: dict[str, Any] = {"fontsize": 11, "color": INK, "family": NAMES, "style": "italic", "parse_math": False}


def draw_training(recording: Recording, path: str | PathLike[str]) -> None:
    """Draw how a training ended, as ``.png``, ``.svg`` or ``.pdf``.

    Raises
    ------
    SaveError
        If the suffix is another, or the file cannot be written.
    """
    path = check_path(path, PICTURES)
    with lettering():
        last = recording.shots[-1]
        save_figure(TrainingFigure(recording, [last]).paint(last), path, dpi=150)


class TrainingFigure:
    """A figure on which each shot of a recording can be drawn.

    Parameters
    ----------
    recording : Recording
        The training.
    shots : list of Shot
        Those that will be drawn: the legend says what they have.
    """

    def __init__(self, recording: Recording, shots: list[Shot]) -> None:
        self.recording = recording
        self.shots = shots
        self.figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=PAPER)
        self.canvas = cast(Any, FigureCanvasAgg(self.figure))  # of a library without types
        high = HEIGHT / DPI  # in inches
        low_part = 1.55
        self.curves: Any = self.figure.add_axes((0.12, 0.5 / high, 0.78, low_part / high))
        bottom = 0.5 + low_part + 0.75
        self.held = (
            len(recording.dataset.features) - 2 if recording.plane else 0
        )  # features that the plane does not show
        top = 1.15 + 0.22 * bool(self.held)
        self.plane: Any = self.figure.add_axes((0.12, bottom / high, 0.78, (high - bottom - top) / high))
        self._dress_plane()
        self._dress_curves()
        self.canvas.draw()
        self.blank = self.canvas.copy_from_bbox(self.figure.bbox)

    def frame(self, shot: Shot, scored: bool) -> Image.Image:
        """Draw one shot, with the scores of a few points beside them if there is time to read these."""
        self.canvas.restore_region(self.blank)
        for axes, artist in self._artists(shot, scored):
            axes.draw_artist(artist)
            artist.remove()
        size = self.canvas.get_width_height()
        return Image.frombuffer("RGBA", size, self.canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")

    def paint(self, shot: Shot) -> Figure:
        """Return the figure with one shot drawn on it for good."""
        for _ in self._artists(shot, True):
            pass
        return self.figure

    def _dress_plane(self) -> None:
        axes, plane, dataset = self.plane, self.recording.plane, self.recording.dataset
        axes.tick_params(labelsize=8, colors=SOFT)
        for spine in axes.spines.values():
            spine.set_color(HAIRLINE)
        if plane is None:
            column = dataset.points[:, 0]
            room = 0.1 * (np.ptp(column) or 1.0)
            axes.set_xlim(column.min() - room, column.max() + room)
            axes.set_ylim(-1.5, 1.5)
            if dataset.targets == "sides":
                names = [_class(name) for name in dataset.classes or ()]
                axes.set_yticks([-1, 1], names, rotation=90, va="center", parse_math=False)
            axes.set_xlabel(_short(dataset.features[0]), **NAME)
            self._dress_legend()
            return
        axes.set_xlim(plane.low[0], plane.high[0])
        axes.set_ylim(plane.low[1], plane.high[1])
        axes.set_xlabel(_short(dataset.features[plane.columns[0]]), **NAME)
        axes.set_ylabel(_short(dataset.features[plane.columns[1]]), **NAME)
        self._dress_legend()

    def _dress_legend(self) -> None:
        """Say above the plane what its markers and lines are."""
        axes, dataset = self.plane, self.recording.dataset
        bare: dict[str, Any] = {"color": "none", "markersize": 6.5}
        keys = []
        if dataset.classes is not None and dataset.targets == "sides":
            for name, (_, colour, marker, edge, _) in zip(dataset.classes, SIDES, strict=True):
                side = bare | {"marker": marker, "markerfacecolor": colour, "markeredgecolor": edge}
                keys.append(Line2D([], [], label=_class(name), **side))
            if self._right(self.shots[-1]) is not None:
                wrong = bare | {"markeredgecolor": INK, "markeredgewidth": HOLLOW, "markerfacecolor": SURFACE}
                keys.append(Line2D([], [], marker="o", label="hollow: wrong", **wrong))
        if self.recording.plane is not None:
            keys.append(Line2D([], [], color=INK, lw=1.4, label="score 0"))
            if self.recording.force.margin:
                margin = f"score ±{self.recording.force.margin:g}"
                keys.append(Line2D([], [], color=INK, lw=1.2, ls=DOTS, label=margin))
        if any(self._arrow(shot) is not None for shot in self.shots):
            pull: dict[str, Any] = {"markersize": 10, "markeredgewidth": 0.0, "markerfacecolor": GRADIENT}
            keys.append(Line2D([], [], marker="$\u2192$", label="pull", color="none", **pull))
        high = self.figure.bbox.height
        legend = axes.legend(
            handles=keys, loc="center", ncols=max(1, len(keys)), frameon=False, fontsize=8, labelcolor=INK,
            handlelength=1.5, handletextpad=0.4, columnspacing=1.0, borderpad=0.0, borderaxespad=0.0,
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
        """Draw the whole curves pale; what lies behind the shown iteration is drawn over them in ink."""
        history = self.recording.history
        costs = [evaluation.cost for evaluation in history.evaluations]
        self.curves.set_xlim(0, max(1, history.iterations))
        self.curves.set_ylim(0, max(*costs, 1e-9) * 1.08)
        self.curves.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        self.curves.yaxis.set_major_locator(MaxNLocator(4))
        self.curves.set_xlabel("iteration", fontsize=9, color=INK)
        self.right: Any = self.curves.twinx()
        self.right.set_ylim(0, 1.08)
        self.right.yaxis.set_major_formatter(PercentFormatter(1.0))
        self.right.set_yticks([0, 0.5, 1.0])
        for axes in (self.curves, self.right):
            axes.set_facecolor("none")
            axes.tick_params(labelsize=8, colors=SOFT)
            for side, spine in axes.spines.items():
                spine.set_color(HAIRLINE)
                spine.set_visible(side != "top")
        for axes, place, lines in ((self.curves, 0.0, self._costs()), (self.right, 1.0, self._accuracies())):
            if lines is None:
                axes.set_axis_off()
                continue
            axes.plot(*lines[0], **lines[1] | {"color": HAIRLINE}, zorder=1)
            axes.legend(
                handles=[Line2D([], [], label=lines[2], **lines[1])], loc=f"lower {'right' if place else 'left'}",
                bbox_to_anchor=(place, 1.0), frameon=False, fontsize=8, labelcolor=INK, borderpad=0.2,
                borderaxespad=0.2, handlelength=2.4,
            )  # fmt: skip

    def _costs(self, until: float = np.inf) -> Any:
        """Return the curve of the cost, its style and its name."""
        done = [one for one in self.recording.history.evaluations if one.iteration <= until]
        style = {"color": INK, "lw": 1.4} | ({"marker": "o", "ms": 2.5} if len(done) < 3 else {})
        return ([one.iteration for one in done], [one.cost for one in done]), style, "cost"

    def _accuracies(self, until: float = np.inf) -> Any:
        """Return the same of the accuracy; None if there is none."""
        (at, _), style, _ = self._costs(until)
        shares = [one.accuracy for one in self.recording.history.evaluations[: len(at)]]
        return None if shares[0] is None else ((at, shares), style | {"color": SOFT, "ls": (0, (3.5, 1.8))}, "accuracy")

    def _artists(self, shot: Shot, scored: bool) -> Any:
        """Yield what changes from shot to shot, each with the axes it is on, from the back to the front."""
        if self.recording.plane is not None and shot.plane_scores is not None:
            yield from self._regions(self.recording.plane, shot.plane_scores)
        yield from self._points(shot)
        if scored and len(self.recording.dataset) <= FEW:
            yield from self._scores(shot)
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
                cmap=ListedColormap([MINUS_SOFT, PLUS_SOFT]), norm=BoundaryNorm([-10.1, 0, 10.1], 2),
                interpolation="bilinear", interpolation_stage="data", zorder=0, alpha=0.5 if self.held else 1.0,
            ),
        )  # fmt: skip
        places = [np.linspace(plane.low[axis], plane.high[axis], len(scores)) for axis in (0, 1)]
        contours: Any = contour_generator(x=places[0], y=places[1], z=scores)
        margin = self.recording.force.margin
        for level, style in [(0.0, "solid"), *([(-margin, DOTS), (margin, DOTS)] if margin else [])]:
            lines = LineCollection(
                contours.lines(level), colors=INK, linewidths=1.6 if level == 0 else 1.2, linestyles=style
            )
            yield axes, axes.add_collection(lines, autolim=False)
        frame = Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, edgecolor=HAIRLINE, zorder=2)
        yield axes, axes.add_patch(frame)

    def _points(self, shot: Shot) -> Any:
        axes, dataset, columns = self.plane, self.recording.dataset, self._places()
        size = 42 if len(dataset) <= 150 else 14
        judged = self._right(shot)
        right = np.full(len(dataset), True) if judged is None else judged
        one_kind = ((None, SOFT, "o", SURFACE, SOFT),)
        for label, colour, marker, edge, hollow in SIDES if dataset.targets == "sides" else one_kind:
            ours = np.full(len(dataset), True) if label is None else dataset.labels == label
            large = size * (0.8 if marker == "D" else 1.0)  # a diamond of the same area looks larger
            for some, style in (
                (columns[ours & right], {"c": colour, "edgecolors": edge, "linewidths": 0.8}),
                (columns[ours & ~right], {"c": SURFACE, "edgecolors": hollow, "linewidths": HOLLOW}),
            ):
                if len(some):
                    yield axes, axes.scatter(*some.T, s=large, marker=marker, zorder=3, **style)
        if len(shot.examples) == 1:
            place = columns[shot.examples[0]]
            yield axes, axes.scatter(*place, s=190, facecolors="none", edgecolors=INK, linewidths=1.8, zorder=4)
            way = self._arrow(shot)
            if way is not None:
                style = {"arrowstyle": "-|>", "color": GRADIENT, "lw": 2.4, "shrinkA": 8, "shrinkB": 0}
                tip = axes.transData.inverted().transform(axes.transData.transform(place) + 36 * way / 72 * DPI)
                yield axes, axes.annotate("", tip, xytext=place, arrowprops=style, zorder=5, annotation_clip=False)

    def _scores(self, shot: Shot) -> Any:
        axes, labels = self.plane, self.recording.dataset.labels
        if np.shape(shot.scores) != labels.shape:
            return
        left, width = axes.get_xlim()[0], np.ptp(axes.get_xlim())
        # Lines end before letters; in a film, where this would take long, they do not.
        outlined = [withStroke(linewidth=2, foreground=PAPER)] if len(self.shots) == 1 else None
        for place, score in zip(self._places(), shot.scores.tolist(), strict=True):
            side = -1 if place[0] > left + 0.85 * width else 1
            yield (
                axes,
                axes.annotate(
                    ("+" if score > 0 else "") + minus(show(score, 3)), place, xytext=(9 * side, 0),
                    textcoords="offset points", ha="left" if side > 0 else "right", va="center", fontsize=8,
                    weight="bold", color=VALUE, zorder=3, parse_math=False, path_effects=outlined,
                ),
            )  # fmt: skip

    def _places(self) -> Any:
        """Return where the points of the dataset are drawn."""
        plane, dataset = self.recording.plane, self.recording.dataset
        return dataset.points[:, plane.columns] if plane else np.column_stack([dataset.points[:, 0], dataset.labels])

    def _arrow(self, shot: Shot) -> Any:
        """Return the way on which the pull would move the point that is shown, of length 1 on the figure, or None.

        It is the way on which the scores of the plane rise fastest, or fall if the pull is down.
        """
        plane, pull = self.recording.plane, float(np.sum(shot.pull))
        if len(shot.examples) != 1 or plane is None or shot.plane_scores is None or not pull:
            return None
        place = self.recording.dataset.points[shot.examples[0], plane.columns]
        steps = len(shot.plane_scores) - 1
        column, row = np.clip(np.floor((place - plane.low) / (plane.high - plane.low) * steps), 0, steps - 1).astype(
            int
        )
        cell = np.asarray(shot.plane_scores)[row : row + 2, column : column + 2]
        box = self.plane.get_position()
        size = np.array([box.width, box.height]) * self.figure.get_size_inches()
        slope = np.array([np.mean(cell[:, 1] - cell[:, 0]), np.mean(cell[1] - cell[0])]) / size
        length = float(np.hypot(*slope))
        return np.sign(pull) * slope / length if length > 0.0 and np.isfinite(length) else None

    def _right(self, shot: Shot) -> Any:
        """Return of each point whether its own score is on the right side; None where there are no sides."""
        labels = self.recording.dataset.labels
        if self.recording.dataset.targets != "sides" or np.shape(shot.scores) != labels.shape:
            return None
        return self.recording.force.is_right(shot.scores, labels)

    def _lines(self, shot: Shot) -> Any:
        for axes, lines in ((self.right, self._accuracies(shot.iteration)), (self.curves, self._costs(shot.iteration))):
            if lines is not None:
                yield axes, axes.plot(*lines[0], **lines[1], zorder=3)[0]
        yield self.curves, self.curves.axvline(shot.iteration, color=WIRE, lw=0.8, zorder=1)

    def _words(self, shot: Shot) -> list[tuple[str, dict[str, Any]]]:
        """Return the two lines above the plane."""
        words = f"iteration {shot.iteration}  ·  cost {minus(show(shot.cost, 3))}"
        right = self._right(shot)
        if right is not None:
            words += f"  ·  {np.count_nonzero(right)} of {len(right)} right"  # those that are filled
        return [
            (words, {"fontsize": 12, "color": INK, "weight": "bold"}),
            (self._shown(shot), {"fontsize": 9, "color": INK}),
        ]

    def _shown(self, shot: Shot) -> str:
        dataset = self.recording.dataset
        if not shot.examples:
            return f"{self.recording.history.ended}: {len(dataset)} points of {dataset.name}"
        if len(shot.examples) > 1:
            return f"{len(shot.examples)} examples are shown together"
        example = shot.examples[0]
        told = f"example {example}, of class {_class(dataset.name_of(dataset.labels[example]))}"
        if np.shape(shot.scores) == dataset.labels.shape:
            told += f", scores {minus(show(float(shot.scores[example]), 3))}"
        pull = float(np.sum(shot.pull))
        way = "up with +" if pull > 0 else "down with "
        return f"{told}: pulled {way}{minus(show(pull, 3))}" if pull else f"{told}: no pull is needed"


def _class(name: str) -> str:
    """Return the name of a class, which may be a number."""
    return _short(minus(name) if name.startswith("-") else name, LONGEST_CLASS)


def _short(name: str, most: int = LONGEST) -> str:
    return plain(name if len(name) <= most else name[: most - 1] + "…")
