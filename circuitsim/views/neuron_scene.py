"""Arranges the scene of a network: a box for each neuron, and its parameters as pills on the gates that they feed.

Neurons stand in columns, each after the latest that it hears. Inside, gates stand in columns too, and each at the mean
height of what it hears there. All lengths are pixels.
"""

from collections.abc import Sequence
from typing import Any

from circuitsim.circuit.netlist import Netlist
from circuitsim.views.grouping import Grouping
from circuitsim.views.opening import made_of

__all__ = ["arrange", "line_up", "sends_numbers"]

PITCH, ROW = 72.0, 66.0  # from gate to gate across, and from first gate to first gate down
GATE, WIDEST = 26.0, 38.0
PILL = (58.0, 18.0)
RISE = 28.0  # from the middle of a gate to that of its pill
PAD, LOW = 20.0, 20.0  # inside a box, and below its last gate more, for the name
ABOVE = 44.0  # from the top of a box to the middle of its first gate
NUMBER = 46.0  # what a number takes at the right of a gate
GAP, BETWEEN = 8.0, 30.0  # between boxes in a column, and between columns
INPUT = (84.0, 30.0)
OUTPUT = (72.0, 44.0)
LEFT, MARGIN = 28.0, 10.0
PULL = 96.0
CLOSE, WIDE = 36.0, 56.0  # from neuron to neuron down, where only neurons are drawn: many or few in a column
FEW = 8
APART, ROOM = 104.0, 5.0  # from neuron to neuron across, and more for each in a column: wires cross there


def arrange(stage: dict[str, Any], folding: Grouping) -> bool:
    """Give the nodes and wires of a scene their places; tell whether the circuit is such a network.

    Parameters
    ----------
    stage : dict
        The scene of the whole circuit, as `circuitsim.views.scene` has it; it is changed.
    folding : Grouping
        The circuit with a group for each neuron.
    """
    netlist, groups = folding.whole, folding.netlist
    hosts = _hosts(netlist)
    kinds = {node.kind for node in groups.nodes}
    if hosts is None or not sends_numbers(folding) or not kinds <= {"input", "gate", "output"}:
        return False
    members: list[list[int]] = [[] for _ in groups.nodes]
    for index, group in enumerate(folding.group):
        if index not in hosts:
            members[group].append(index)

    column = [0] * len(groups.nodes)
    for group, node in enumerate(groups.nodes):
        column[group] = max((column[groups.wires[w].source] + 1 for w in groups.incoming[group]), default=0)
        if node.kind == "output":
            column[group] += 1
    last = max(column)
    column = [last if groups.nodes[group].kind == "output" else at for group, at in enumerate(column)]

    inside = {group: _inside(netlist, members[group]) for group, node in enumerate(groups.nodes) if node.gate}
    sizes = {group: _size(places) for group, places in inside.items()}
    for group, node in enumerate(groups.nodes):
        if node.gate is None:
            sizes[group] = INPUT if node.kind == "input" else OUTPUT

    # Boxes: columns from left to right, each centred.
    columns = [[group for group in range(len(groups.nodes)) if column[group] == at] for at in range(last + 1)]
    columns = [groups_there for groups_there in columns if groups_there]
    heights = [sum(sizes[g][1] for g in there) + _gap(groups, there) * (len(there) - 1) for there in columns]
    height = max(heights)
    at: dict[int, tuple[float, float]] = {}
    x = LEFT
    boxes = []
    for there, high in zip(columns, heights, strict=True):
        y = MARGIN + (height - high) / 2
        for group in there:
            wide, tall = sizes[group]
            at[group] = (x, y)
            if groups.nodes[group].gate is not None:
                boxes.append({"name": groups.nodes[group].name, "place": [x, y, wide, tall]})
            y += tall + _gap(groups, there)
        numbered = 0 if groups.nodes[there[0]].gate else 24  # the gradients of inputs stand there
        x += max(sizes[group][0] for group in there) + BETWEEN + numbered

    places: dict[int, list[float]] = {}
    for group, node in enumerate(groups.nodes):
        left, top = at[group]
        wide, tall = sizes[group]
        if node.gate is None:
            [index] = members[group]
            places[index] = [left + wide / 2, top + tall / 2, wide, tall]
            continue
        for index, (px, py) in inside[group].items():
            size = max(GATE, min(WIDEST, 7.0 * len(stage["nodes"][index]["text"]) + 10))
            places[index] = [left + px, top + py, size, GATE]
    for index, host in hosts.items():
        places[index] = [places[host][0], places[host][1] - RISE, *PILL]
        stage["nodes"][index]["pill"] = True
    for index, (cx, cy, wide, tall) in places.items():
        right = cx + wide / 2
        end = right + (NUMBER if netlist.nodes[index].gate else 0.0)
        stage["nodes"][index]["place"] = [round(length, 1) for length in (cx, cy, wide, tall, right, end)]
    for number, (source, target, port) in enumerate(netlist.wires):
        ports = [w for w in netlist.incoming[target] if netlist.wires[w].source not in hosts]
        path = _path(places[source], places[target], ports.index(number) if number in ports else -1, len(ports))
        stage["wires"][number] = [source, target, port, [round(length, 1) for length in path]]
    for node in stage["nodes"]:
        node["below"] = ""
    stage |= {
        "dense": True, "boxes": boxes,
        "size": [round(x - BETWEEN - 24 + PULL), round(height + 2 * MARGIN)],
    }  # fmt: skip
    return True


def sends_numbers(folding: Grouping) -> bool:
    """Tell whether each group sends one number, as a neuron does."""
    return all(len(heard) == 1 for heard in made_of(folding)[0])


def line_up(stage: dict[str, Any]) -> None:
    """Give the nodes and wires of a scene of neurons, which is changed, their places: in columns, close together."""
    column: dict[int, int] = {}
    for source, target, _, _ in stage["wires"]:  # grouped by source, in topological order
        column[target] = max(column.get(target, 0), column.get(source, 0) + 1)
    there: list[list[int]] = [[] for _ in range(1 + max(column.values(), default=0))]
    for index in range(len(stage["nodes"])):
        there[column.get(index, 0)].append(index)
    most = max(len(some) for some in there)
    close, apart = WIDE if most <= FEW else CLOSE, APART + ROOM * most
    height = close * most + 2 * MARGIN
    x = LEFT + INPUT[0] / 2
    for some in there:
        for row, index in enumerate(some):
            node = stage["nodes"][index]
            wide, tall = {"input": INPUT, "output": OUTPUT}.get(node["kind"], (44.0, 20.0))
            y = height / 2 + (row - (len(some) - 1) / 2) * (close if len(some) > 2 else 72.0)
            node |= {"below": "", "place": [x, round(y, 1), wide, tall, x + wide / 2, x + wide / 2 + NUMBER]}
        x += apart
    for wire in stage["wires"]:
        source, target = wire[:2]
        wire[3] = _path(stage["nodes"][source]["place"], stage["nodes"][target]["place"], 0, 1, apart)
    stage |= {"dense": True, "size": [round(x - apart + OUTPUT[0] / 2 + PULL), round(height)]}


def _hosts(netlist: Netlist) -> dict[int, int] | None:
    """Return the gate on which each parameter stands; None if one feeds several, or two the same."""
    hosts: dict[int, int] = {}
    for index in netlist.of_kind("parameter").values():
        targets = [netlist.wires[wire].target for wire in netlist.outgoing[index]]
        if len(targets) != 1 or targets[0] in hosts.values() or len(netlist.incoming[targets[0]]) < 2:
            return None
        hosts[index] = targets[0]
    return hosts


def _inside(netlist: Netlist, gates: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Return the places of a neuron's gates in its box."""
    own = set(gates)
    level: dict[int, int] = {}
    row: dict[int, float] = {}
    first = 0
    for index in gates:  # topological order
        heard = [netlist.wires[w].source for w in netlist.incoming[index] if netlist.wires[w].source in own]
        level[index] = max((level[source] + 1 for source in heard), default=0)
        if heard:
            row[index] = sum(row[source] for source in heard) / len(heard)
        else:
            row[index] = first
            first += 1
    return {index: (PAD + GATE / 2 + PITCH * level[index], ABOVE + ROW * row[index]) for index in gates}


def _size(places: dict[int, tuple[float, float]]) -> tuple[float, float]:
    wide = max(x for x, _ in places.values()) + GATE / 2 + NUMBER + 4
    return wide, max(y for _, y in places.values()) + GATE / 2 + LOW


def _gap(groups: Netlist, there: Sequence[int]) -> float:
    return GAP if groups.nodes[there[0]].gate else 40.0


def _path(source: Sequence[float], target: Sequence[float], port: int, ports: int, reach: float = 64.0) -> list[float]:
    """Return the points of a wire, from the right of one body to the left of another; from a pill straight down."""
    if port < 0:
        return [source[0], source[1] + source[3] / 2, target[0], target[1] - target[3] / 2]
    spread = 0.0 if ports < 2 else (port / (ports - 1) - 0.5) * 10
    x0, y0 = source[0] + source[2] / 2, source[1]
    x1, y1 = target[0] - target[2] / 2, target[1] + spread
    bend = max(10.0, min(reach, (x1 - x0) * 0.7))  # just before its end
    return [x0, y0, x1 - bend, y0, x1 - 4, y1, x1, y1]
