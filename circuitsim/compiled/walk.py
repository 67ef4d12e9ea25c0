"""The careful way through a circuit: gate by gate, with every check that the simulation makes.

It is how the compiled engine learns which shapes meet where, before it writes faster code for them, and how it finds
the culprit when that code has failed or made an infinity.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from circuitsim.gates.failure import explain_failure, explain_rule, made_nonfinite, sent_nonfinite
from circuitsim.gates.gate import Gate
from circuitsim.gates.value import Value, as_value, fit, is_finite, shape_of
from circuitsim.netlist import Netlist

__all__ = ["Place", "Walk"]


class Place(NamedTuple):
    """A gate in the circuit: its functions with attributes bound, and the nodes that feed its ports."""

    node: int
    gate: Gate
    forward: Callable[..., Any]
    vjps: list[Callable[..., Any]]
    sources: tuple[int, ...]


class Walk:
    """Walks a netlist forward and backward.

    Parameters
    ----------
    netlist : Netlist
        The circuit.

    Attributes
    ----------
    places : list of Place
        Its gates in topological order.
    """

    def __init__(self, netlist: Netlist) -> None:
        self.netlist = netlist
        self.places = [
            Place(index, node.gate, *node.gate.bind(node.attributes), self.sources(index))
            for index, node in enumerate(netlist.nodes)
            if node.gate is not None
        ]

    def sources(self, index: int) -> tuple[int, ...]:
        """Return the nodes that feed the ports of a node."""
        return tuple(self.netlist.wires[wire].source for wire in self.netlist.incoming[index])

    def forward(self, given: Mapping[int, Value], tell: Callable[[str], None]) -> list[Any]:
        """Return the value of every node, from those of inputs and parameters; `tell` hears of what is not finite."""
        nodes = self.netlist.nodes
        values: list[Any] = [node.value for node in nodes]
        for index, value in given.items():
            values[index] = value
        for index, gate, forward, _, sources in self.places:
            inputs = [values[source] for source in sources]
            try:
                output = as_value(forward(*inputs))
            except Exception as error:
                explain_failure(nodes[index].name, gate, nodes[index].attributes, inputs, error)
            if not is_finite(output):
                tell(made_nonfinite(nodes[index].name, gate, inputs, output))
            values[index] = output
        return values

    def backward(
        self, values: list[Any], pulls: Mapping[int, Value], felt: list[bool], tell: Callable[[str], None]
    ) -> tuple[list[Any], list[Any]]:
        """Return what each node feels, None if nothing, and the shape of what each gate's rule gave for each wire.

        `felt` tells which wires carry a gradient, `tell` hears of what is not finite.
        """
        netlist = self.netlist
        shares: list[Any] = [None] * len(netlist.wires)
        shapes: list[Any] = [None] * len(netlist.wires)
        totals: list[Any] = [None] * len(netlist.nodes)
        for index, force in pulls.items():
            shares[netlist.incoming[index][0]] = force
        for index, gate, _, vjps, sources in reversed(self.places):
            total = totals[index] = self.total(index, shares, felt)
            if total is None:
                continue
            inputs = [values[source] for source in sources]
            for port, wire in enumerate(netlist.incoming[index]):
                if not felt[wire]:
                    continue
                try:
                    share = as_value(vjps[port](total, values[index], *inputs))
                    shapes[wire] = shape_of(share)
                    share = shares[wire] = fit(share, inputs[port])
                except ValueError as error:
                    explain_rule(netlist.nodes[index].name, gate, inputs, port, error)
                if not is_finite(share):
                    tell(sent_nonfinite(netlist.nodes[index].name, gate, inputs, port, share))
        for index, node in enumerate(netlist.nodes):
            if node.kind in ("input", "parameter"):
                totals[index] = self.total(index, shares, felt)
        return totals, shapes

    def total(self, index: int, shares: list[Any], felt: list[bool]) -> Any:
        """Return the sum of the gradients that come back to a node, in wiring order, or None if none comes."""
        total = None
        for wire in self.netlist.outgoing[index]:
            if felt[wire]:
                total = shares[wire] if total is None else total + shares[wire]
        return total
