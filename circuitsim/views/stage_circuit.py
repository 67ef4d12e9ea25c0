"""Places the gates of one stage, as they are drawn inside a device.

What comes from other stages enters at one place at the left, what goes to others leaves at one place at the right. A
parameter, a constant or an input that feeds one gate alone hangs above that gate; one that feeds several is a node.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from circuitsim.circuit.netlist import Netlist, Node, Wiring
from circuitsim.views.layout import lay_out
from circuitsim.views.style import number

__all__ = ["MOST_GATES", "stage_circuit"]

MOST_GATES = 24  # in a stage, above which it is a box with a name

UNIT = 10.0  # pixels to a unit of the layout
GATE, DENSE = 30.0, 26.0  # pixels: the height of a gate, and where there are many
CHIP = 22.0  # pixels: the height of what hangs above a gate
ABOVE = 10.0  # pixels from there to the gate
LETTER, DENSE_LETTER = 8.0, 6.8  # pixels, on the safe side for the fonts of browsers
MOST_LETTERS = 9
MARGIN = 4.0  # pixels
GAP = 5.0  # pixels, the least between columns


@dataclass
class _Part:
    """A part of a netlist with places where wires come in and go out, for `lay_out`."""

    nodes: list[Node] = field(default_factory=list)
    wires: list[Wiring] = field(default_factory=list)
    incoming: list[list[int]] = field(default_factory=list)
    outgoing: list[list[int]] = field(default_factory=list)

    def add(self, node: Node) -> int:
        self.nodes.append(node)
        self.incoming.append([])
        self.outgoing.append([])
        return len(self.nodes) - 1

    def connect(self, source: int, target: int) -> None:
        self.wires.append(Wiring(source, target, len(self.incoming[target])))
        self.incoming[target].append(len(self.wires) - 1)
        self.outgoing[source].append(len(self.wires) - 1)


def stage_circuit(netlist: Netlist, gates: Collection[int], dense: bool = False) -> dict[str, Any]:
    """Return the picture of a stage, in pixels, y downward.

    Parameters
    ----------
    netlist : Netlist
        The circuit.
    gates : collection of int
        The gates of the stage, by node number.
    dense : bool
        Whether everything is drawn smaller, because the circuit has many gates.

    Returns
    -------
    dict
        ``size``; ``least``, the parts of its width and its height to which the picture can shrink while bodies keep
        their size; ``nodes``, each ``[x, y, width, height, kind, text, name, level]``; ``hung``, each ``[place of its
        gate in nodes, x and y from there, width, height, kind, text, name]``; ``wires``, each ``[place of its source
        in nodes, place of its target, coordinates]``, None for entry and exit; ``entry`` and ``exit``, where wires to
        other stages begin, or None; ``levels``, in how many steps the gates fire: those of a level together.
    """
    inside = set(gates)
    levels = _levels(netlist, inside)
    part = _Part()
    places: dict[int, int] = {}  # the part's node for one of the netlist
    hung: dict[int, list[int]] = {gate: [] for gate in inside}
    links: list[tuple[int | None, int]] = []
    for gate in sorted(inside):
        for wire in netlist.incoming[gate]:
            source = netlist.wires[wire].source
            links.append((None if netlist.nodes[source].kind == "gate" and source not in inside else source, gate))
    feeds = [source for source, _ in links]
    entry = part.add(Node("", "entry")) if None in feeds else None
    laid = []
    for feeder, gate in links:
        alone = feeds.count(feeder) == 1 and feeder not in inside
        if feeder is not None and alone and _hangs(netlist, feeder, gate, links):
            hung[gate].append(feeder)
        else:
            laid.append((feeder, gate))
    for index in sorted({source for source, _ in laid if source is not None} | inside):
        places[index] = part.add(netlist.nodes[index])
    for feeder, gate in laid:
        place = entry if feeder is None else places[feeder]
        assert place is not None
        part.connect(place, places[gate])
    leaving = []
    for gate in sorted(inside):
        targets = [netlist.wires[wire].target for wire in netlist.outgoing[gate]]
        for target in targets:
            if netlist.nodes[target].kind == "output":
                places[target] = part.add(netlist.nodes[target])
                part.connect(places[gate], places[target])
        if any(netlist.nodes[target].kind == "gate" and target not in inside for target in targets):
            leaving.append(gate)
    leave = part.add(Node("", "exit")) if leaving else None
    for gate in leaving:
        assert leave is not None
        part.connect(places[gate], leave)
    return _draw(netlist, part, places, hung, levels, entry, leave, DENSE if dense else GATE)


def _levels(netlist: Netlist, inside: set[int]) -> dict[int, int]:
    """Return in which step each gate of a stage fires."""
    levels: dict[int, int] = {}
    for gate in sorted(inside):
        sources = (netlist.wires[wire].source for wire in netlist.incoming[gate])
        levels[gate] = 1 + max((levels[source] for source in sources if source in inside), default=-1)
    return levels


def _hangs(netlist: Netlist, source: int, gate: int, links: list[tuple[int | None, int]]) -> bool:
    """Tell whether what feeds one gate hangs above it: not the input by which a stage begins."""
    others = [other for other, target in links if target == gate and other != source]
    if netlist.nodes[source].kind == "input":
        return any(other is None or netlist.nodes[other].kind == "gate" for other in others)
    return True


def _draw(
    netlist: Netlist,
    part: _Part,
    places: dict[int, int],
    hung: dict[int, list[int]],
    levels: dict[int, int],
    entry: int | None,
    leave: int | None,
    gate_height: float,
) -> dict[str, Any]:
    """Lay out a part and return what is drawn."""
    numbers = {place: index for index, place in places.items()}
    letter = LETTER if gate_height == GATE else DENSE_LETTER
    rise = gate_height / 2 + ABOVE + CHIP / 2  # from a gate's centre to that of what hangs above it
    sizes = [_size(node, gate_height, letter) for node in part.nodes]

    def above(place: int) -> list[tuple[Node, float]]:
        found = [netlist.nodes[source] for source in hung.get(numbers.get(place, -1), ())]
        return [(node, _chip(node, letter)) for node in found]

    def body(place: int) -> tuple[float, float]:
        width, height = sizes[place]
        if chips := above(place):  # above the gate, and as much below, for wires enter in the middle
            width = max(width, sum(wide for _, wide in chips) + 4.0 * (len(chips) - 1))
            height = 2 * rise + CHIP
        return width / UNIT, height / UNIT

    layout = lay_out(part, body, lambda place: 0.0)

    def x(units: float) -> float:
        return round(units * UNIT + MARGIN, 1)

    def y(units: float) -> float:
        return round((layout.height - units) * UNIT + MARGIN, 1)

    centres = [(x(box.x), y(box.y)) for box in layout.boxes]
    nodes: list[list[Any]] = []
    chips: list[list[Any]] = []
    drawn: dict[int, int] = {}  # a place in nodes for one in the layout
    for place, node in enumerate(part.nodes):
        if place in (entry, leave):
            continue
        index = numbers[place]
        drawn[place] = len(nodes)
        nodes.append([*centres[place], *sizes[place], node.kind, _text(node), node.name, levels.get(index, -1)])
        hanging = above(place)
        at = centres[place][0] - (sum(wide for _, wide in hanging) + 4.0 * (len(hanging) - 1)) / 2
        for chip, width in hanging:
            offset = round(at + width / 2 - centres[place][0], 1)
            chips.append([len(nodes) - 1, offset, -rise, width, CHIP, chip.kind, _text(chip), chip.name])
            at += width + 4.0
    wires = []
    for (source, target, _), path in zip(part.wires, layout.paths, strict=True):
        points = [place for px, py in path.tolist() for place in (x(px), y(py))]
        wires.append([drawn.get(source), drawn.get(target), points])
    return {
        "size": [round(layout.width * UNIT + 2 * MARGIN, 1), round(layout.height * UNIT + 2 * MARGIN, 1)],
        "least": [
            _narrowest([(x(box.x), UNIT * box.width) for box in layout.boxes]),
            _lowest(
                [
                    (*centre, size[1] / 2, rise + CHIP / 2 if above(place) else size[1] / 2)
                    for place, (centre, size) in enumerate(zip(centres, sizes, strict=True))
                ]
            ),
        ],
        "nodes": nodes,
        "hung": chips,
        "wires": wires,
        "entry": None if entry is None else centres[entry],
        "exit": None if leave is None else centres[leave],
        "levels": max(levels.values(), default=0) + 1,
    }


def _narrowest(columns: list[tuple[float, float]]) -> float:
    """Return how narrow the columns may come to stand, as a part of how they stand; each is (centre, width)."""
    widest: dict[float, float] = {}
    for centre, width in columns:
        widest[centre] = max(width, widest.get(centre, 0.0))
    shares = [((one[1] + other[1]) / 2 + GAP) / (other[0] - one[0]) for one, other in pairwise(sorted(widest.items()))]
    return round(max(shares, default=0.5), 3)


def _lowest(places: list[tuple[float, float, float, float]]) -> float:
    """Return how near rows may come, as a part of how they stand; a place is its x, y, and what is below and above."""
    shares = [
        (one[2] + other[3] + GAP) / (other[1] - one[1])
        for one, other in pairwise(sorted(places))
        if one[0] == other[0] and other[1] > one[1]
    ]
    return min(1.0, round(max(shares, default=0.5), 3))


def _text(node: Node) -> str:
    """Return what stands in a node: a gate's sign, a constant's number, or a name."""
    text = node.name
    if node.gate is not None:
        text = node.gate.symbol
    elif node.kind == "constant" and node.value is not None:
        text = number(node.value)
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def _size(node: Node, high: float, letter: float) -> tuple[float, float]:
    """Return the width and the height of a node's body."""
    if node.kind in ("entry", "exit"):
        return 0.0, 0.0
    if node.kind == "gate":
        return max(high, len(_text(node)) * letter + 10.0), high
    if node.kind in ("input", "output"):
        return max(high, len(_text(node)) * letter + 14.0), high
    return _chip(node, letter), CHIP


def _chip(node: Node, letter: float) -> float:
    return max(26.0, len(_text(node)) * letter + 12.0)
