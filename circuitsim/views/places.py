"""Places the nodes and wires of a circuit on a page, in pixels: from left to right, and from top to bottom for phones.

A place is ``[x, y, width, height, start, end]``: the centre and size of a node's body, and from where to where its
numbers may stand. The points of a wire, x and y in turn, are few: the page draws a straight line between two that
are level or plumb, and else an S. In dense circuits a parameter or constant that feeds one gate alone is a pill on
top of this gate.

The script ``page/places.js`` does the same to the same bits, and ``page/scene.js`` what `views.scene` does around it.
"""

from dataclasses import dataclass
from unicodedata import east_asian_width

import numpy as np

from circuitsim.circuit.netlist import Netlist, Node, Wiring
from circuitsim.gates.placeholder import placeholder
from circuitsim.views.layout import Floats, lay_out

__all__ = ["DENSE", "Places", "Sketch", "cut", "place_tall", "place_wide"]

DENSE = 24  # nodes, above which everything is drawn smaller
UNIT, SMALL_UNIT = 18.0, 14.0  # pixels to a unit of the layout, and where there are many nodes
LETTER, SMALL_LETTER = 8.0, 6.8  # pixels that a digit takes, on the safe side for the fonts of browsers
MARGIN, ABOVE = 2.4, 1.2  # units at the left of the circuit, and above and below: arrows and numbers stand there
PULL = 124  # pixels at the right of the outputs, for the pull
PILL = 34  # pixels from the centre of a gate up to that of its pill
SHIFT = 10  # pixels from the centre of a gate up to that of gate and pill together


@dataclass(frozen=True)
class Sketch:
    """A circuit to be placed.

    Attributes
    ----------
    netlist : Netlist
        The circuit.
    titles, below : list of str
        For each node what stands in it, and below it.
    letters : list of int
        For each node how many letters the numbers at its wire have at most.
    dense : bool
        Whether everything is drawn smaller.
    """

    netlist: Netlist
    titles: list[str]
    below: list[str]
    letters: list[int]
    dense: bool


@dataclass(frozen=True)
class Places:
    """Where everything stands: the size of it all, a place for each node, points for each wire, and what is a pill."""

    size: list[int]
    places: list[list[float]]
    points: list[list[float]]
    pills: frozenset[int]


def cut(text: str, most: int) -> str:
    """Return a text cut to so many letters, with an ellipsis; letters of double width count twice.

    Examples
    --------
    >>> cut("a long name", 6), cut("short", 6)
    ('a lon…', 'short')
    """
    if _width(text) <= most:
        return text
    while _width(text) >= most:
        text = text[:-1] if len(text) < 2 * most else text[: 2 * most - 1]
    return text + "…"


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def place_wide(sketch: Sketch) -> Places:
    """Place a circuit from left to right."""
    netlist = sketch.netlist
    unit, letter = (SMALL_UNIT, SMALL_LETTER) if sketch.dense else (UNIT, LETTER)
    pills = _pills(netlist) if sketch.dense else {}
    bodies = [(52.0, 18.0) if index in pills else _body(sketch, index) for index in range(len(netlist.nodes))]
    reduced, kept = _without(netlist, set(pills))
    crowned = set(pills.values())

    def body(number: int) -> tuple[float, float]:
        index = kept[number]
        width, height = bodies[index]
        if netlist.nodes[index].gate is None:
            return width / unit, (height + 22) / unit
        below = max(width, _width(sketch.below[index]) * 6.6)
        return below / unit, (height + (48 if index in crowned else 36)) / unit

    def stub(number: int) -> float:
        letters = sketch.letters[kept[number]]
        if netlist.nodes[kept[number]].kind == "output":
            return PULL / unit
        return (max(letters, 6) * letter + 14) / unit if letters else 0.5

    layout = lay_out(reduced, body, stub)
    places: list[list[float]] = [[] for _ in netlist.nodes]
    for index, box in zip(kept, layout.boxes, strict=True):
        width, height = bodies[index]
        x, y = (box.x + MARGIN) * unit, (layout.height - box.y + ABOVE) * unit
        y += SHIFT if index in crowned else 0
        places[index] = _rounded([x, y, width, height, x + width / 2, (box.end + MARGIN) * unit])
    for index, gate in pills.items():
        width, height = bodies[index]
        x, y = places[gate][0], places[gate][1] - PILL
        places[index] = _rounded([x, y, width, height, x + width / 2, x + width / 2 + 50])
    points: list[list[float]] = [[] for _ in netlist.wires]
    carried = [number for number, wire in enumerate(netlist.wires) if wire.source not in pills]
    for number, path in zip(carried, layout.paths, strict=True):
        source, target, _ = netlist.wires[number]
        knots = _knots(path) * unit
        knots[:, 0] += MARGIN * unit
        knots[:, 1] = (layout.height + ABOVE) * unit - knots[:, 1]
        knots[:2, 1] += SHIFT if source in crowned else 0
        knots[-2:, 1] += SHIFT if target in crowned else 0
        knots[0, 0] = places[source][4]  # bodies are narrower than the names below them
        knots[-1, 0] = places[target][0] - places[target][2] / 2
        points[number] = _rounded(knots.ravel().tolist())
    for index, gate in pills.items():
        (number,) = netlist.outgoing[index]
        x, y = places[gate][:2]
        top = y - PILL + bodies[index][1] / 2
        points[number] = _rounded([x, top, x, y - bodies[gate][1] / 2])
    size = [(layout.width + MARGIN + 0.5) * unit, (layout.height + 2 * ABOVE) * unit]
    return Places([round(length) for length in size], places, points, frozenset(pills))


def place_tall(sketch: Sketch) -> Places:
    """Place a small circuit from top to bottom: its values stand at the left of gates, gradients at the right."""
    netlist, unit = sketch.netlist, SMALL_UNIT
    bodies = [_tall_body(sketch, index) for index in range(len(netlist.nodes))]

    def body(index: int) -> tuple[float, float]:
        width, height = bodies[index]
        letters = max(6, sketch.letters[index], _width(sketch.below[index]) * 0.8)
        beside = 2 * (letters * LETTER + 10) if netlist.nodes[index].gate else 0
        if netlist.nodes[index].kind == "output":
            beside = 150
        return (height + 8) / unit, (width + beside) / unit

    layout = lay_out(netlist, body, lambda index: 0.3)
    margin = 0.7 * unit
    places = []
    for (width, height), box in zip(bodies, layout.boxes, strict=True):
        x, y = (layout.height - box.y) * unit + margin, box.x * unit + 2 * unit
        places.append(_rounded([x, y, width, height, x + width / 2, x + width / 2 + 60]))
    points = []
    for (source, target, _), path in zip(netlist.wires, layout.paths, strict=True):
        knots = _knots(path)[:, ::-1] * unit
        knots[:, 0] = layout.height * unit - knots[:, 0] + margin
        knots[:, 1] += 2 * unit
        knots[0, 1] = places[source][1] + places[source][3] / 2
        knots[-1, 1] = places[target][1] - places[target][3] / 2
        points.append(_rounded(knots.ravel().tolist()))
    size = [layout.height * unit + 2 * margin, layout.width * unit + 3 * unit]
    return Places([round(length) for length in size], places, points, frozenset())


def _rounded(numbers: list[float]) -> list[float]:
    return [round(number, 1) for number in numbers]


def _knots(path: Floats) -> Floats:
    """Return the ends of the level pieces of a path: between them it bends."""
    level = np.abs(np.diff(path[:, 1])) < 1e-9
    return path[np.r_[True, level[1:] != level[:-1], True]]


def _pills(netlist: Netlist) -> dict[int, int]:
    """Return the gates that wear a parameter or constant on their top, by its number."""
    found: dict[int, int] = {}
    for index, node in enumerate(netlist.nodes):
        wires = netlist.outgoing[index]
        if node.kind in ("parameter", "constant") and len(wires) == 1 and np.ndim(node.value or 0.0) == 0:
            target = netlist.wires[wires[0]].target
            free = netlist.nodes[target].gate and len(netlist.incoming[target]) > 1
            if free and target not in found.values():
                found[index] = target
    return found


def _without(netlist: Netlist, dropped: set[int]) -> tuple[Netlist, list[int]]:
    """Return a netlist that lacks some nodes, and of what remains the numbers that it had."""
    kept = [index for index in range(len(netlist.nodes)) if index not in dropped]
    if not dropped:
        return netlist, kept
    number = {index: place for place, index in enumerate(kept)}
    nodes: list[Node] = []
    ports: dict[int, int] = {}
    for index in kept:
        node = netlist.nodes[index]
        entering = [wire for wire in netlist.incoming[index] if netlist.wires[wire].source not in dropped]
        ports |= {wire: place for place, wire in enumerate(entering)}
        gate = node.gate and placeholder(node.name, "", [f"in{place}" for place in range(len(entering))])
        nodes.append(Node(node.name, node.kind, gate, None, node.value))
    wires = [
        Wiring(number[source], number[target], ports[wire])
        for wire, (source, target, _) in enumerate(netlist.wires)
        if source not in dropped
    ]
    return Netlist.from_tables(netlist.name, nodes, wires), kept


def _body(sketch: Sketch, index: int) -> tuple[float, float]:
    """Return the width and height of what is drawn for a node, in pixels."""
    node, letters, dense = sketch.netlist.nodes[index], _width(sketch.titles[index]), sketch.dense
    if node.gate is not None:
        least = 26.0 if dense else 40.0
        return max(least, letters * (7.2 if dense else 9.6) + 16 if letters > 1 else least), least
    if node.kind == "output":
        wide = max(letters * (LETTER if dense else 10.0), sketch.letters[index] * LETTER) + 24
        return max(64.0 if dense else 112.0, wide), 44.0 if dense else 64.0
    if node.kind == "constant":
        return (max(64.0, letters * 7 + 12), 28.0) if dense else (max(112.0, letters * LETTER + 20), 40.0)
    if dense:
        return max(88.0, (letters + 8) * SMALL_LETTER + 20), 28.0
    return max(112.0, (letters + 8) * LETTER + 20), 40.0


def _tall_body(sketch: Sketch, index: int) -> tuple[float, float]:
    node, letters = sketch.netlist.nodes[index], _width(sketch.titles[index])
    if node.gate is not None:
        return max(40.0, letters * 9.6 + 16 if letters > 1 else 40.0), 40.0
    if node.kind == "output":
        return max(112.0, letters * 10.0 + 24, sketch.letters[index] * LETTER + 24), 56.0
    return max(70.0, letters * 9.0 + 8), 44.0 if node.kind == "constant" else 72.0
