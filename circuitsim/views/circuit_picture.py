"""Draws a circuit as the page does: values in green above each wire, gradients in red below it.

Inputs are boxes with their value inside, parameters pills, gates circles; an output has the large number, and the
arrow of its pull beside it. A wire on which a gradient came back lies in a river that is the wider, the larger the
gradient is.

`Sketch` holds the static parts, drawn once; the picture adds what stands at the end of a run, the film adds what
stands at each moment and what moves.
"""

import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.path import Path
from matplotlib.text import Text

from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.netlist import Netlist
from circuitsim.files import check_path
from circuitsim.gates.value import Value
from circuitsim.trace.trace import Trace
from circuitsim.trace.words import label
from circuitsim.views.figures import NAMES, lettering, save_figure, write_figure
from circuitsim.views.forms import PICTURES
from circuitsim.views.grouping import group_gates
from circuitsim.views.layout import Floats, lay_out
from circuitsim.views.style import (
    GRADIENT,
    GRADIENT_SOFT,
    INK,
    PAPER,
    SOFT,
    SURFACE,
    VALUE,
    WIRE,
    brief,
    minus,
    plain,
)
from circuitsim.views.wrapping import Going, wrap

__all__ = ["Place", "Room", "Sketch", "Standing", "draw", "letters_needed", "shorten", "svg", "token_shape"]

INCH = 0.2  # inches to a unit of the layout
POINTS = INCH * 72  # points to a unit
FONT = 10.0
LETTER = 0.47  # width of a letter in units, on the safe side for DejaVu Sans at this size, and for its bold numbers
NUMBER = 9.5  # the size of numbers, which are bold
LARGE = 14.0  # of an output's
SMALL = 0.7  # letters of names below gates, and of names that are said again
LONG = 12  # letters of a name that is said again, at most
MARGIN = 1.2
DENSE = 150  # more wires than this are drawn thin and pale
MANY = 24  # nodes, above which rivers are narrower and gates bear the last part of their names
BODY = 2.0  # height of a node's body
TALL = 3.0  # the same of an output that has a number
ASIDE = 0.55  # from a wire to the numbers above and below it
BESIDE = 0.4  # from a body to these
DPI = 150  # of pictures
PAGE = 86.0  # width of a page in units: 1,720 pixels of a film, 2,580 of a picture
MOST_PIXELS = 8000  # of a side: what is higher has fewer pixels to the inch


@dataclass(frozen=True)
class Standing:
    """What stands in a circuit at one moment.

    Attributes
    ----------
    values, gradients : mapping of int to float or ndarray
        The numbers at nodes.
    carried : frozenset of int
        The wires on which a value has arrived.
    returned : mapping of int to float or ndarray
        The gradients that have come back, by wire.
    """

    values: Mapping[int, Value]
    gradients: Mapping[int, Value]
    carried: frozenset[int]
    returned: Mapping[int, Value]

    @classmethod
    def end(cls, trace: Trace) -> "Standing":
        """Return what stands at the end of a trace, of its last example."""
        values, wires = trace.values(), trace.netlist.wires
        carried = frozenset(number for number, wire in enumerate(wires) if wire.source in values)
        return cls(values, trace.gradients(), carried, trace.wire_gradients())


@dataclass(frozen=True)
class Current:
    """What flows, as it is drawn.

    Attributes
    ----------
    carried : frozenset of int
        The wires on which a value has arrived.
    rivers : dict of int to float
        The gradients that have come back by wire, as shares of the largest.
    arrows : dict of int to float
        The same of those that inputs and parameters feel, by node and with their signs.
    pulls : dict of int to float
        Where outputs are pulled: 1 up, -1 down.
    """

    carried: frozenset[int]
    rivers: dict[int, float]
    arrows: dict[int, float]
    pulls: dict[int, float]


@dataclass(frozen=True)
class Room:
    """How many letters the longest value and the longest gradient of each node need."""

    values: list[int]
    gradients: list[int]


def letters_needed(netlist: Netlist, moments: Iterable[Standing]) -> Room:
    """Return the room that is needed for all numbers of several moments."""
    room = Room([0] * len(netlist.nodes), [0] * len(netlist.nodes))
    for standing in moments:
        for longest, numbers in ((room.values, standing.values), (room.gradients, standing.gradients)):
            for index, value in numbers.items():
                longest[index] = max(longest[index], len(brief(value)))
    return room


class Place(NamedTuple):
    """Where a number stands: a corner or the middle of its words, their size in points, and their colour."""

    x: float
    y: float
    across: str
    up: str
    size: float
    colour: str


class Sketch:
    """A figure with the bodies of a circuit, and empty places for what flows.

    Parameters
    ----------
    netlist : Netlist
        The circuit.
    room : Room
        How many letters its numbers need.
    header, footer : float
        Free space above and below, in units.
    dpi : int
        Pixels to the inch.
    page : float
        How wide a row may be, in units: what is wider is broken into rows.
    """

    def __init__(
        self,
        netlist: Netlist,
        room: Room,
        *,
        header: float = 0.0,
        footer: float = 0.0,
        dpi: int = 100,
        page: float = PAGE,
    ) -> None:
        self.netlist = netlist
        self.room = room
        self.many = len(netlist.nodes) > MANY
        self.bodies = [self._body(index) for index in range(len(netlist.nodes))]
        self.layout = lay_out(netlist, self._extent, self._stub)
        going: list[Going] = []
        if self.layout.width > page:
            longest = max((len(label(netlist, index)) for index in range(len(netlist.nodes))), default=0)
            wrapped = wrap(self.layout, netlist, page, min(longest, LONG) * LETTER * SMALL)
            self.layout, going = wrapped.layout, wrapped.going
        self.paths = [self._path(number) for number in range(len(netlist.wires))]
        told = any(room.values) or any(room.gradients)
        self.width = max(self.layout.width + 2 * MARGIN, 42.0 if header else 24.0 if told else 0.0)
        lines = _legend_lines(self.width - 2 * MARGIN) if told else []
        self.low = -MARGIN - 1.4 * len(lines)  # where the footer begins
        self.height = self.layout.height + MARGIN + header + footer - self.low
        self.figure = Figure(figsize=(self.width * INCH, self.height * INCH), dpi=dpi, facecolor=PAPER)
        self.canvas = FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self.axes.set_axis_off()
        spare = self.width - self.layout.width
        self.axes.set_xlim(-spare / 2, self.layout.width + spare / 2)
        self.axes.set_ylim(self.low - footer, self.layout.height + MARGIN + header)
        for index in range(len(netlist.nodes)):
            self._draw_body(index)
        for node, x, y in ((one.node, one.x, one.y) for one in going):
            self.text(x - 0.2, y, shorten(label(netlist, node), LONG), fontsize=FONT * SMALL, color=SOFT, ha="right")
        for row, keys in enumerate(lines):
            self._draw_legend(MARGIN - spare / 2, -MARGIN - 0.5 - 1.4 * row, keys)

    # -- what stands ---------------------------------------------------------------------------------------

    def add(self, standing: Standing) -> None:
        """Draw what stands for good."""
        self.add_current(self.current(standing))
        for place, words in self.words(standing).items():
            self.write(place, words)

    def current(self, standing: Standing) -> Current:
        """Return what of all that stands `add_current` draws."""
        ends: dict[int, float] = {}
        pulls: dict[int, float] = {}
        for index, gradient in standing.gradients.items():
            kind = self.netlist.nodes[index].kind
            if isinstance(gradient, float) and gradient == gradient and kind != "gate":
                (pulls if kind == "output" else ends)[index] = gradient
        arrows = {index: math.copysign(share, ends[index]) for index, share in _shares(ends).items() if share}
        ways = {index: math.copysign(1.0, pull) for index, pull in pulls.items() if pull}
        rivers = {wire: share for wire, share in sorted(_shares(standing.returned).items()) if share}
        return Current(standing.carried, rivers, arrows, ways)

    def add_current(self, current: Current) -> list[Artist]:
        """Draw wires, rivers and arrows below the bodies, and return what was drawn."""
        thin = len(self.paths) > DENSE
        widest = 12.0 if self.many else 18.0
        on = [wire in current.carried for wire in range(len(self.paths))]
        rivers: Any = [self.paths[wire] for wire in current.rivers]
        wires: Any = self.paths
        arrows: Any = [line for index, share in current.arrows.items() for line in self._arrow(index, share)]
        pulls: Any = [self._pull_arrow(index, way) for index, way in current.pulls.items()]
        drawn: list[Any] = [
            LineCollection(
                rivers, colors=GRADIENT_SOFT, zorder=0.5, capstyle="butt",
                linewidths=[(2.0 + widest * share) * BODY / 40 * POINTS for share in current.rivers.values()],
            ),
            LineCollection(
                wires, colors=[VALUE if lit else WIRE for lit in on], zorder=1, capstyle="butt",
                linewidths=[0.8 if thin else 1.5 if lit else 1.1 for lit in on], alpha=0.4 if thin else 1.0,
            ),
            LineCollection(arrows, colors=GRADIENT, zorder=1, linewidths=1.6, capstyle="round"),
            PolyCollection(pulls, facecolors=GRADIENT, edgecolors="none", zorder=1),
        ]  # fmt: skip
        for artist in drawn:
            self.axes.add_collection(artist, autolim=False)
        return drawn

    def shows(self, index: int) -> bool:
        """Tell whether a node's numbers are written: a constant's is its name; what an output shows is said once."""
        nodes, wires, outgoing = self.netlist.nodes, self.netlist.wires, self.netlist.outgoing[index]
        if nodes[index].kind == "gate" and outgoing:
            return any(nodes[wires[wire].target].kind != "output" for wire in outgoing)
        return nodes[index].kind != "constant"

    def value_place(self, index: int) -> Place:
        """Return where a value stands: in the box of an input, a parameter or an output, above the wire of a gate."""
        box, kind, (width, _) = self.layout.boxes[index], self.netlist.nodes[index].kind, self.bodies[index]
        if kind == "gate":
            return Place(box.x + width / 2 + BESIDE, box.y + ASIDE, "left", "bottom", NUMBER, VALUE)
        if kind == "output":
            return Place(box.x, box.y - 0.5, "center", "center", self._large(index), VALUE)
        return Place(box.x + width / 2 - 0.45, box.y, "right", "center", NUMBER, VALUE)

    def gradient_place(self, index: int) -> Place:
        """Return where a gradient stands: below the wire that a node drives, an output's beside its arrow."""
        box, (width, _) = self.layout.boxes[index], self.bodies[index]
        if self.netlist.nodes[index].kind == "output":
            return Place(box.x + width / 2 + 1.8, box.y, "left", "center", NUMBER, GRADIENT)
        return Place(box.x + width / 2 + BESIDE, box.y - ASIDE, "left", "top", NUMBER, GRADIENT)

    def words(self, standing: Standing) -> dict[Place, str]:
        """Return what is written, and where."""
        written: dict[Place, str] = {}
        for index, node in enumerate(self.netlist.nodes):
            if self.shows(index):
                if index in standing.values:
                    written[self.value_place(index)] = brief(standing.values[index])
                if index in standing.gradients:
                    words = brief(gradient := standing.gradients[index])
                    if node.kind == "output":
                        words = f"pull {'+' if isinstance(gradient, float) and gradient > 0 else ''}{words}"
                    written[self.gradient_place(index)] = words
        return written

    def write(self, place: Place, words: str) -> Text:
        """Write a number at its place."""
        style: dict[str, Any] = {"ha": place.across, "va": place.up, "fontsize": place.size, "color": place.colour}
        return self.text(place.x, place.y, words, weight="bold", zorder=4, **style)

    def outline(self, index: int, more: float = 0.0, **style: Any) -> FancyBboxPatch:
        """Return a patch in the shape of a node's body, so much larger."""
        box, kind = self.layout.boxes[index], self.netlist.nodes[index].kind
        width, height = (length + 2 * more for length in self.bodies[index])
        rounding = height / 2 if kind in ("gate", "parameter") else 0.3 + more
        corner = (box.x - width / 2, box.y - height / 2)
        return FancyBboxPatch(corner, width, height, boxstyle=_rounded(rounding), **style)

    def text(self, x: float, y: float, words: str, **style: Any) -> Text:
        """Write words as they are: a dollar sign is a dollar sign."""
        style = {"fontsize": FONT, "color": INK, "ha": "center", "va": "center", "parse_math": False, **style}
        return self.axes.text(x, y, plain(words), **style)

    # -- places --------------------------------------------------------------------------------------------

    def _body(self, index: int) -> tuple[float, float]:
        """Return the width and height of a node's body."""
        node, value = self.netlist.nodes[index], self.room.values[index]
        letters = len(self._title(index))
        if node.gate:
            return (BODY if letters <= 2 else letters * LETTER * 1.2 + 0.9), BODY
        if node.kind == "output":
            number = value * LETTER * self._large(index) / FONT
            return max(letters * LETTER + 0.9, number + 0.9, 2 * BODY if value else 0.0), TALL if value else BODY
        if node.kind == "constant":
            return letters * LETTER + 0.9, BODY
        least = 2 * BODY if value and not self.many else BODY
        return max(least, letters * LETTER + 1.0 + (value * LETTER + 0.5 if value else 0.0)), BODY

    def _extent(self, index: int) -> tuple[float, float]:
        """Return the width and height that a node takes, with the name below it."""
        width, height = self.bodies[index]
        if not self.netlist.nodes[index].gate:
            return width, height + 0.8
        return max(width, len(self._name(index)) * LETTER * 0.72), height + 1.9

    def _stub(self, index: int) -> float:
        """Return how long the wire runs level to the right of a node, where its numbers stand."""
        if not self.shows(index):
            return 0.4
        gradient, kind = self.room.gradients[index], self.netlist.nodes[index].kind
        if kind == "output":
            return (gradient + 5) * LETTER + 1.8 if gradient else 0.0
        letters = max(gradient, self.room.values[index] if kind == "gate" else 0)
        return letters * LETTER + 0.9 if letters else 0.4

    def _path(self, number: int) -> Floats:
        """Return the way of a wire from body to body, which may be narrower than what stands around them."""
        source, target, _ = self.netlist.wires[number]
        path, boxes = self.layout.paths[number].copy(), self.layout.boxes
        path[0, 0] = boxes[source].x + self.bodies[source][0] / 2
        path[-1, 0] = boxes[target].x - self.bodies[target][0] / 2
        if self.netlist.nodes[target].kind == "gate":
            path[-1, 0] += 0.1  # behind the edge of the circle, which is not straight
        return path

    def _large(self, index: int) -> float:
        return LARGE if self.room.values[index] <= 8 else FONT

    # -- shapes --------------------------------------------------------------------------------------------

    def _draw_body(self, index: int) -> None:
        box, node, (width, height) = self.layout.boxes[index], self.netlist.nodes[index], self.bodies[index]
        dashes = "dashed" if node.kind == "constant" else "solid"
        style: dict[str, Any] = {"facecolor": SURFACE, "edgecolor": INK, "linestyle": dashes, "lw": 1.2, "zorder": 2}
        self.axes.add_patch(self.outline(index, **style))
        if node.gate:
            self.text(box.x, box.y, self._title(index), fontsize=FONT + 2, zorder=3)
            below = box.y - height / 2 - 0.62
            self.text(box.x, below, self._name(index), fontsize=FONT * SMALL, color=SOFT, zorder=3)
        elif node.kind == "constant":
            self.text(box.x, box.y, self._title(index), fontsize=NUMBER, weight="bold", color=VALUE, zorder=3)
        else:
            name: dict[str, Any] = {"family": NAMES, "style": "italic", "fontsize": FONT + 2, "zorder": 3}
            told = bool(self.room.values[index])
            if node.kind == "output":
                self.text(box.x, box.y + (0.75 if told else 0.0), node.name, **name)
            else:
                x, side = (box.x - width / 2 + 0.45, "left") if told else (box.x, "center")
                self.text(x, box.y, node.name, ha=side, **name)

    def _arrow(self, index: int, share: float) -> list[Floats]:
        """Return an arrow at the left of what feels a gradient: up or down, as long as it is large."""
        box, way = self.layout.boxes[index], math.copysign(1.0, share)
        x, half = box.x - self.bodies[index][0] / 2 - 0.55, (0.35 + 0.95 * abs(share)) / 2
        tip = box.y + way * half
        head = [(x - 0.2, tip - way * 0.2), (x, tip), (x + 0.2, tip - way * 0.2)]
        return [np.array([(x, box.y - way * half), (x, tip)]), np.array(head)]

    def _pull_arrow(self, index: int, way: float) -> Floats:
        """Return the arrow of a pull beside an output."""
        box = self.layout.boxes[index]
        x = box.x + self.bodies[index][0] / 2 + 1.0
        shape = [(0.18, -1.0), (0.18, 0.3), (0.55, 0.3), (0.0, 1.0), (-0.55, 0.3), (-0.18, 0.3), (-0.18, -1.0)]
        return np.array([(x + dx, box.y + way * dy) for dx, dy in shape])

    def _draw_legend(self, x: float, y: float, keys: list[str]) -> None:
        style: dict[str, Any] = {"fontsize": FONT * 0.8, "ha": "left"}
        for words in keys:
            if words == RIVER:
                bar: Any = [[(x, y), (x + 2.0, y)]]
                self.axes.add_collection(
                    LineCollection(bar, colors=GRADIENT_SOFT, linewidths=0.5 * POINTS, capstyle="butt"), autolim=False
                )
            else:
                forward = words == FORWARD
                box = {"boxstyle": token_shape(forward), "facecolor": VALUE if forward else GRADIENT, "lw": 0}
                at = x + (0.9 if forward else 1.3)
                self.text(at, y, "2", **style | {"ha": "center", "color": SURFACE, "weight": "bold"}, bbox=box)
            self.text(x + 2.3, y, words, color=SOFT, **style)
            x += _key_width(words)

    def _title(self, index: int) -> str:
        node = self.netlist.nodes[index]
        if node.gate:
            return node.gate.symbol
        return minus(label(self.netlist, index)) if node.kind == "constant" else node.name

    def _name(self, index: int) -> str:
        name = self.netlist.nodes[index].name
        return name.rpartition(".")[2] or name if self.many else name


FORWARD, BACK, RIVER = "a value flows forward", "a gradient flows back", "the wider, the larger the gradient"


def _key_width(words: str) -> float:
    return 2.2 + len(words) * LETTER * 0.76 + 1.0


def _legend_lines(width: float) -> list[list[str]]:
    """Return what the lines of the legend say, in as many lines as that width needs."""
    lines: list[list[str]] = []
    free = 0.0
    for words in (FORWARD, BACK, RIVER):
        if _key_width(words) > free + 1.0:
            lines.append([])
            free = width
        lines[-1].append(words)
        free -= _key_width(words)
    return lines


def _shares(sizes: Mapping[int, Value]) -> dict[int, float]:
    """Return by number how large each is, as a share of the largest; of an array its largest element counts."""
    found = {index: float(np.max(np.abs(value), initial=0.0)) for index, value in sizes.items()}
    largest = max((size for size in found.values() if math.isfinite(size)), default=0.0) or 1.0
    return {index: 0.0 if math.isnan(size) else min(1.0, size / largest) for index, size in found.items()}


def _rounded(radius: float) -> Any:
    """Return the shape of a box with round corners for matplotlib, whose own corners are no circles."""

    def shape(x: float, y: float, width: float, height: float, mutation_size: float) -> Path:
        r = min(radius, width / 2, height / 2)
        near = (1.0 - 0.5523) * r  # Bézier curves with these are circles, but for 0.03 % of the radius
        right, top = x + width, y + height
        points = [(x + r, y)]
        for corner in ((right, y), (right, top), (x, top), (x, y)):
            across, up = (1 if corner[0] == x else -1), (1 if corner[1] == y else -1)
            level, upright = (corner[0] + across * r, corner[1]), (corner[0], corner[1] + up * r)
            toward = (corner[0] + across * near, corner[1]), (corner[0], corner[1] + up * near)
            if across == up:  # the path comes from above or from below
                points += [upright, toward[1], toward[0], level]
            else:
                points += [level, toward[0], toward[1], upright]
        codes = [Path.MOVETO, *([Path.LINETO] + 3 * [Path.CURVE4]) * 4, Path.CLOSEPOLY]
        return Path([*points, points[0]], codes)

    return shape


def token_shape(forward: bool) -> Any:
    """Return the shape of a message's box for matplotlib: a rectangle with a point in the direction of travel."""

    def shape(x: float, y: float, width: float, height: float, mutation_size: float) -> Path:
        side, rise = 0.35 * mutation_size, 0.2 * mutation_size
        left, right, low, high = x - side, x + width + side, y - rise, y + height + rise
        nose = 0.45 * (high - low)
        middle = (low + high) / 2
        points = [(left, low), (right, low), (right + nose, middle), (right, high), (left, high), (left, low)]
        if not forward:
            points = [(left + right - x, y) for x, y in points]
        return Path(points, closed=True)

    return shape


def draw(source: Trace | Netlist | Circuit, path: str | PathLike[str]) -> None:
    """Draw a circuit, with its final values and gradients if a trace is given; big circuits are folded into groups.

    Parameters
    ----------
    source : Trace, Netlist or Circuit
        What to draw.
    path : path-like
        Where to; the suffix, ``.svg``, ``.png`` or ``.pdf``, chooses the format.

    Raises
    ------
    SaveError
        If the suffix is unknown or the file cannot be written.
    CircuitError
        If the circuit's wiring is wrong.
    """
    path = check_path(path, PICTURES)
    with lettering():
        figure = _figure(source)
        save_figure(figure, path, min(DPI, MOST_PIXELS / max(figure.get_size_inches())))


def svg(source: Trace | Netlist | Circuit) -> str:
    """Return the picture that `draw` makes as the text of an SVG."""
    file = io.BytesIO()
    with lettering():
        write_figure(_figure(source), file, "svg", DPI)
    return file.getvalue().decode()


def _figure(source: Trace | Netlist | Circuit) -> Figure:
    if isinstance(source, Circuit):
        source = Netlist(source)
    netlist = source.netlist if isinstance(source, Trace) else source
    grouping = group_gates(netlist)
    if grouping is not None:
        netlist = grouping.netlist
        source = grouping.trace(source) if isinstance(source, Trace) else netlist
    standing = Standing.end(source) if isinstance(source, Trace) else Standing({}, {}, frozenset(), {})
    sketch = Sketch(netlist, letters_needed(netlist, [standing]), footer=1.6 if grouping else 0.0)
    sketch.add(standing)
    if grouping:
        left = sketch.axes.get_xlim()[0]
        sketch.text(left + MARGIN, sketch.low - 0.4, grouping.about, color=SOFT, ha="left", fontsize=FONT * 0.8)
    return sketch.figure


def shorten(text: str, letters: int) -> str:
    """Return the text, cut with an ellipsis if it has more letters than that."""
    return text if len(text) <= letters else text[: max(1, letters - 1)] + "…"
