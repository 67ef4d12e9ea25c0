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
    targets: list[int]
    ports: list[int]
    ends: list[int]
    incoming: list[list[int]]


def tabulate(graph: Any, outputs: Mapping[str, str]) -> Table | None:
    """Return the table of a circuit's graph and outputs; None if it has a fault, whichever.

    A node comes as soon as all wires that enter it have been seen.
    """
    nodes, leaving = graph._node, graph._succ
    arities: dict[Any, int] = {}
    for name, node in nodes.items():
        if "kind" not in node:
            return None
        gate = node.get("gate")
        arities[name] = 0 if gate is None else len(gate.ports)
    shown: dict[str, list[int]] = {}  # the outputs that show each node
    for number, source in enumerate(outputs.values(), len(nodes)):
        shown.setdefault(source, []).append(number)

    order = [name for name, arity in arities.items() if not arity]
    unseen = arities.copy()
    led_to: list[Any] = []  # for each wire the name of a node or the number of an output
    ports: list[int] = []
    ends: list[int] = []
    for name in order:  # it grows on the way
        if name in shown:
            led_to += shown[name]
            ports += [0] * len(shown[name])
        for target, keys in leaving[name].items():
            left = unseen[target] = unseen[target] - len(keys)
            if not left:
                order.append(target)
            for port in keys:
                led_to.append(target)
                ports.append(port)
        ends.append(len(ports))
    if len(order) < len(nodes) or set(map(type, ports)) - {int} or min(ports) < 0:
        return None

    numbers: dict[Any, int] = dict(zip(order, range(len(order)), strict=True))
    numbers |= {number: number for number in range(len(order), len(order) + len(outputs))}
    targets = list(map(numbers.__getitem__, led_to))
    incoming = [[-1] * arities[name] for name in order] + [[-1] for _ in outputs]
    try:
        for wire, (target, port) in enumerate(zip(targets, ports, strict=True)):
            incoming[target][port] = wire
    except IndexError:
        return None  # a wire enters no port
    if len(ports) > sum(map(len, incoming)) or -1 in chain.from_iterable(incoming):
        return None  # some port has two wires, or none
    return Table(order, targets, ports, ends, incoming)
