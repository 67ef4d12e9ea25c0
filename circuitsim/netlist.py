"""A circuit as flat tables of numbered nodes and wires: what engines are built from and traces begin with.

Numbering is where "the same bits in every engine" begins: the wires that leave a node are listed in wiring
order, outputs first, and every engine sums the gradients that meet at the node in the order of that list.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple

from circuitsim.circuit import Circuit
from circuitsim.gates.gate import Gate
from circuitsim.gates.value import Value

__all__ = ["Netlist", "Node", "Wiring"]


class Node(NamedTuple):
    """One row of the table of nodes.

    The kind is ``"input"``, ``"parameter"``, ``"constant"``, ``"gate"`` or ``"output"``. `gate` and
    `attributes` belong to gates, `value` to parameters (their first one) and constants.
    """

    name: str
    kind: str
    gate: Gate | None = None
    attributes: dict[str, Any] | None = None
    value: Value | None = None


class Wiring(NamedTuple):
    """One row of the table of wires: from the node `source` to port `port` of the node `target`."""

    source: int
    target: int
    port: int


class Netlist:
    """The numbered form of a valid circuit; it does not change when the circuit does.

    Parameters
    ----------
    circuit : Circuit
        It is validated first.

    Attributes
    ----------
    nodes : list of Node
        The circuit's nodes in topological order, then its outputs.
    wires : list of Wiring
        All wires, grouped by source, each group in wiring order with the outputs first.
    incoming : list of list of int
        The wires that enter each node, by port.
    outgoing : list of range
        The wires that leave each node.
    """

    def __init__(self, circuit: Circuit) -> None:
        order = circuit.validate()
        self.name = circuit.name
        graph = circuit.graph
        number = {name: index for index, name in enumerate(order)}
        self.nodes = [
            Node(name, node["kind"], node.get("gate"), node.get("attributes"), node.get("value"))
            for name, node in ((name, graph.nodes[name]) for name in order)
        ]
        shown_by: dict[str, list[int]] = {}
        for output, source in circuit.outputs.items():
            shown_by.setdefault(source, []).append(len(self.nodes))
            self.nodes.append(Node(output, "output"))

        self.wires: list[Wiring] = []
        self.outgoing: list[range] = []
        self.incoming = _no_wires(self.nodes)
        successors = graph.succ
        for index, name in enumerate(order):
            first = len(self.wires)
            ends = [(output, 0) for output in shown_by.get(name, ())]
            ends += [(number[target], port) for target, ports in successors[name].items() for port in ports]
            for target, port in ends:
                self.incoming[target][port] = len(self.wires)
                self.wires.append(Wiring(index, target, port))
            self.outgoing.append(range(first, len(self.wires)))
        self.outgoing += [range(len(self.wires), len(self.wires))] * len(circuit.outputs)

    @classmethod
    def from_tables(cls, name: str, nodes: list[Node], wires: list[Wiring]) -> "Netlist":
        """Return the netlist that has these tables, as a trace file keeps them.

        Raises
        ------
        ValueError
            If the tables are no netlist: a wire runs backward, wires are not grouped by source, or a port has no
            wire or two.
        """
        self = cls.__new__(cls)
        self.name, self.nodes, self.wires = name, nodes, wires
        self.incoming = _no_wires(nodes)
        taken = set()
        for number, (source, target, port) in enumerate(wires):
            if not 0 <= source < target < len(nodes) or not 0 <= port < len(self.incoming[target]):
                raise ValueError(f"wire {number} leads from node {source} to port {port} of node {target}")
            self.incoming[target][port] = number
            taken.add((target, port))
        sources = [wire.source for wire in wires]
        if sources != sorted(sources) or not len(taken) == len(wires) == sum(map(len, self.incoming)):
            raise ValueError("the wires are not grouped by source with one to each port")
        self.outgoing = [
            range(bisect_left(sources, index), bisect_right(sources, index)) for index in range(len(nodes))
        ]
        return self

    def of_kind(self, *kinds: str) -> dict[str, int]:
        """Return the numbers of all nodes of these kinds by their names."""
        return {node.name: index for index, node in enumerate(self.nodes) if node.kind in kinds}

    def biases(self) -> set[str]:
        """Return the names of the parameters that are only ever added: the springs leave them alone."""
        return {
            name
            for name, index in self.of_kind("parameter").items()
            if all(
                (gate := self.nodes[self.wires[wire].target].gate) is not None and gate.name in ("add", "sub")
                for wire in self.outgoing[index]
            )
        }

    def fingerprint(self) -> str:
        """Return a short text that two netlists share only if they have the same wiring, gates and names."""
        nodes = [
            (n.name, n.kind, n.gate.name if n.gate else "", sorted((n.attributes or {}).items())) for n in self.nodes
        ]
        return sha256(repr((nodes, [tuple(wire) for wire in self.wires])).encode()).hexdigest()[:16]

    def felt(self, pulled: Iterable[int]) -> list[bool]:
        """Tell for each wire whether a gradient travels on it when these output nodes are pulled.

        It does if its target leads to a pulled output and its source is, or descends from, an input or a
        parameter.
        """
        leads = [False] * len(self.nodes)
        for index in pulled:
            leads[index] = True
        for index in reversed(range(len(self.nodes))):
            if leads[index]:
                for wire in self.incoming[index]:
                    leads[self.wires[wire].source] = True
        learns = self.descend("input", "parameter")
        return [leads[target] and learns[source] for source, target, _ in self.wires]

    def descend(self, *kinds: str) -> list[bool]:
        """Tell for each node whether it is of one of these kinds, or what it gets comes from such a node."""
        found = [node.kind in kinds for node in self.nodes]
        for source, target, _ in self.wires:
            if found[source]:
                found[target] = True
        return found


def _no_wires(nodes: list[Node]) -> list[list[int]]:
    """Return for each node a list with a place for the wire that enters each port."""
    return [[0] * (node.gate.arity if node.gate else node.kind == "output") for node in nodes]
