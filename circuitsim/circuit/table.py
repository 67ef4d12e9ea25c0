"""The nodes of a circuit in topological order and its wires by number: what validation finds and netlists hold.

A circuit may have a million gates, so this goes once through the plain dicts in which networkx keeps a graph: its views
of them take five times as long, and its `topological_sort`, whose order this is, as well.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any, NamedTuple

__all__ = ["Table", "tabulate"]


class Table(NamedTuple):
    """The numbers of nodes and wires.

    Attributes
    ----------
    order : list of str
        The nodes in topological order; outputs have the numbers after them.
    rows : list of dict
        What the graph says of each of them.
    targets : list of int
        For each wire the node or output that it leads to. Wires are grouped by source, each group in wiring order
        with the outputs first.
    ports : list of int
        For each wire the port that it enters there.
    ends : list of int
        For each node, how many wires there are up to its last.
    incoming : list of list of int
        The wires that enter each node or output, by port.
    """

    order: list[str]
    rows: list[dict[str, Any]]
    targets: list[int]
    ports: list[int]
    ends: list[int]
    incoming: list[list[int]]


def tabulate(graph: Any, outputs: Mapping[str, str]) -> Table | None:
    """Return the table of a circuit's graph and outputs; None if it has a fault, whichever.

    A node comes as soon as all wires that enter it have been seen.
    """
    names, rows = list(graph._node), list(graph._node.values())
    arities: list[int] = []
    for node in rows:
        if "kind" not in node:
            return None
        gate = node.get("gate")
        arities.append(0 if gate is None else len(gate.ports))

    # First with the numbers that nodes have in the graph: it takes far longer to look up a name than a number.
    led_to: list[Any] = []
    entered: list[Any] = []
    ends = [0]
    for leaving in graph._succ.values():
        for name, keys in leaving.items():
            for port in keys:
                led_to.append(name)
                entered.append(port)
        ends.append(len(led_to))
    numbers = dict(zip(names, range(len(names)), strict=True))
    led_to = list(map(numbers.__getitem__, led_to))
    order = [number for number, arity in enumerate(arities) if not arity]
    unseen = arities.copy()
    for number in order:  # it grows on the way
        for target in led_to[ends[number] : ends[number + 1]]:
            unseen[target] -= 1
            if not unseen[target]:
                order.append(target)
    if len(order) < len(names) or set(map(type, entered)) - {int} or min(entered, default=0) < 0:
        return None

    # Then with the numbers that they have in this order, and with the outputs.
    shown: dict[int, list[int]] = {}  # the outputs that show each node
    for output, source in enumerate(outputs.values(), len(names)):
        shown.setdefault(numbers[source], []).append(output)
    place = [0] * len(names)
    for new, number in enumerate(order):
        place[number] = new
    led_to = list(map(place.__getitem__, led_to))
    targets: list[int] = []
    ports: list[int] = []
    stops: list[int] = []
    for number in order:
        if number in shown:
            targets += shown[number]
            ports += [0] * len(shown[number])
        targets += led_to[ends[number] : ends[number + 1]]
        ports += entered[ends[number] : ends[number + 1]]
        stops.append(len(ports))
    incoming = [[-1] * arities[number] for number in order] + [[-1] for _ in outputs]
    try:
        for wire, (target, port) in enumerate(zip(targets, ports, strict=True)):
            incoming[target][port] = wire
    except IndexError:
        return None  # a wire enters no port
    if len(ports) > sum(map(len, incoming)) or -1 in chain.from_iterable(incoming):
        return None  # some port has two wires, or none
    return Table(
        [names[number] for number in order], [rows[number] for number in order], targets, ports, stops, incoming
    )
