"""A circuit as flat tables of numbered nodes and wires: what engines are built from and traces begin with.

Numbering is where "the same bits in every engine" begins: the wires that leave a node are listed in wiring
order, outputs first, and every engine sums the gradients that meet at the node in the order of that list.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import sha256
from itertools import chain, repeat
from typing import Any, NamedTuple

import numpy as np

from circuitsim.circuit import structure
from circuitsim.circuit.circuit import Circuit
from circuitsim.gates.attributes import key_of
from circuitsim.gates.gate import Gate
from circuitsim.gates.value import Value, shape_of

__all__ = ["Netlist", "Node", "Wiring"]

_new: Any = tuple.__new__  # `_new(Node, row)` takes half the time of `Node(*row)`; there may be millions of them


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
        order, rows, targets, ports, ends, self.incoming = circuit._table()
        self.name = circuit.name
        self.nodes = list(map(_node_of, order, rows))
        self.nodes += [Node(output, "output") for output in circuit.outputs]
        ends += [len(targets)] * len(circuit.outputs)
        self.outgoing = list(map(range, [0, *ends], ends))
        sources = chain.from_iterable(map(repeat, range(len(ends)), map(len, self.outgoing)))
        self.wires: list[Wiring] = list(map(_new, repeat(Wiring), zip(sources, targets, ports, strict=True)))

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
            if (
                not 0 <= source < target < len(nodes)
                or nodes[source].kind == "output"
                or not 0 <= port < len(self.incoming[target])
            ):
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
        found = [index for kind in kinds for index in self._by_kind.get(kind, ())]
        return {self.nodes[index].name: index for index in (found if len(kinds) == 1 else sorted(found))}

    @cached_property
    def _by_kind(self) -> dict[str, list[int]]:
        """The numbers of the nodes of each kind."""
        found: dict[str, list[int]] = {}
        for index, node in enumerate(self.nodes):
            found.setdefault(node.kind, []).append(index)
        return found

    def biases(self) -> set[str]:
        """Return the names of the parameters that are only ever added or subtracted: the springs leave them alone."""
        return {
            name
            for name, index in self.of_kind("parameter").items()
            if all(
                (gate := self.nodes[self.wires[wire].target].gate) is not None and gate.additive
                for wire in self.outgoing[index]
            )
        }

    def structure(self) -> dict[str, Any]:
        """Return the circuit's structure, with the shapes of parameters in place of their first values.

        Raises
        ------
        CircuitError
            If an attribute of a gate is nothing that a file can hold.
        """
        inner = [node for node in self.nodes if node.kind != "output"]
        names = [node.name for node in self.nodes]
        wires = [(names[source], names[target], port) for source, target, port in self.wires if target < len(inner)]
        outputs = {
            node.name: names[self.wires[self.incoming[index][0]].source]
            for index, node in enumerate(self.nodes)
            if node.kind == "output"
        }
        return structure.describe(self.name, ((node.name, _row_of(node)) for node in inner), wires, outputs)

    def fingerprint(self) -> str:
        """Return a short text that two netlists of one process share only if their structures are the same.

        First values of parameters do not count, their shapes do. Attributes that no file can hold are known by their
        identity; what is to be kept in a file is `structure`.
        """
        nodes = [
            (
                node.name, node.kind, node.gate and (node.gate.name, node.gate.ports), key_of(node.attributes),
                None if node.value is None else shape_of(node.value),
                np.asarray(node.value).tobytes() if node.kind == "constant" else b"",
            )
            for node in self.nodes
        ]  # fmt: skip
        return sha256(repr((nodes, [tuple(wire) for wire in self.wires])).encode()).hexdigest()[:16]

    def carries_gradient(self, roots: Iterable[int]) -> list[bool]:
        """Tell for each wire whether it carries a gradient when the backward pass begins at these outputs.

        It does if its target leads to one of them and its source is, or descends from, an input or a
        parameter.
        """
        leads = [False] * len(self.nodes)
        for index in roots:
            leads[index] = True
        for source, target, _ in reversed(self.wires):  # they are grouped by source, in topological order
            if leads[target]:
                leads[source] = True
        learns = self.descend("input", "parameter")
        return [learns[source] and leads[target] for source, target, _ in self.wires]

    def descend(self, *kinds: str) -> list[bool]:
        """Tell for each node whether it is of one of these kinds, or what it gets comes from such a node."""
        return self.reached(self.of_kind(*kinds).values())

    def reached(self, starts: Iterable[int]) -> list[bool]:
        """Tell for each node whether it is one of these, or what it gets comes from such a node."""
        found = [False] * len(self.nodes)
        for index in starts:
            found[index] = True
        for source, target, _ in self.wires:
            if found[source]:
                found[target] = True
        return found

    def entered(self, stage_of: Mapping[int, int]) -> list[bool]:
        """Tell for each gate whether it depends on what enters its stage from an input or another stage.

        Parameters
        ----------
        stage_of : mapping of int to int
            The stage of each gate, by node.
        """
        found = [False] * len(self.nodes)
        for source, target, _ in self.wires:
            if target in stage_of:
                within = stage_of.get(source) == stage_of[target]
                comes_in = self.nodes[source].kind == "input" or (source in stage_of and not within)
                found[target] |= comes_in or (within and found[source])
        return found


def _node_of(name: str, node: dict[str, Any]) -> Node:
    """Return the row for a node of a circuit's graph."""
    gate, attributes = node.get("gate"), node.get("attributes")
    if gate is not None and attributes is None:
        row: Node = _new(Node, (name, node["kind"], gate, None, None))  # the usual case
        return row
    return Node(name, node["kind"], gate, None if attributes is None else attributes.copy(), node.get("value"))


def _row_of(node: Node) -> dict[str, Any]:
    """Return what a circuit's graph says of a node, but the shape of a parameter and not its first value."""
    if node.kind == "gate":
        return {"kind": node.kind, "gate": node.gate, "attributes": node.attributes}
    if node.value is None:
        return {"kind": node.kind}
    if node.kind == "parameter":
        return {"kind": node.kind, "shape": shape_of(node.value)}
    return {"kind": node.kind, "value": node.value}


def _no_wires(nodes: list[Node]) -> list[list[int]]:
    """Return for each node a list with a place for the wire that enters each port."""
    return [[0] * (len(gate.ports) if gate is not None else kind == "output") for _, kind, gate, _, _ in nodes]
