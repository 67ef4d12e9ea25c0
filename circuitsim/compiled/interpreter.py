"""The careful way through a circuit: gate by gate, with every check that the simulation makes.

It is how the compiled engine learns which shapes meet where, before it writes faster code for them, and how it finds
the culprit when that code has failed or made an infinity.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from circuitsim.circuit.netlist import Netlist
from circuitsim.gates.firing import Firing
from circuitsim.gates.gate import Gate
from circuitsim.gates.value import Value, add_up, shape_of

__all__ = ["Place", "Walk"]


class WatchedFiring(Firing):
    """A firing that remembers in which shape its rules give gradients.

    Attributes
    ----------
    shape : tuple of int
        That of the last one, before it was fitted.
    """

    __slots__ = ("shape",)

    shape: tuple[int, ...]

    def fit(self, port: int, share: Any, like: Any) -> Any:
        """Return what a rule gave in the shape of what came in at the port."""
        self.shape = shape_of(share)
        return super().fit(port, share, like)


class Place(NamedTuple):
    """A gate in the circuit: its firing, and the nodes that feed its ports."""

    node: int
    gate: Gate
    firing: WatchedFiring
    sources: tuple[int, ...]


class Walk:
    """Walks a netlist forward and backward.

    Parameters
    ----------
    netlist : Netlist
        The circuit.
    on_nonfinite : callable
        Called with a sentence when a gate makes an infinity or a nan.

    Attributes
    ----------
    places : list of Place
        Its gates in topological order.
    """

    def __init__(self, netlist: Netlist, on_nonfinite: Callable[[str], None]) -> None:
        self.netlist = netlist
        self.places = [
            Place(
                index,
                node.gate,
                WatchedFiring(node.name, node.gate, node.attributes, on_nonfinite),
                self.sources(index),
            )
            for index, node in enumerate(netlist.nodes)
            if node.gate is not None
        ]

    def sources(self, index: int) -> tuple[int, ...]:
        """Return the nodes that feed the ports of a node."""
        return tuple(self.netlist.wires[wire].source for wire in self.netlist.incoming[index])

    def forward(self, given: Mapping[int, Value]) -> list[Any]:
        """Return the value of every node, from those of inputs and parameters."""
        values: list[Any] = [node.value for node in self.netlist.nodes]
        for index, value in given.items():
            values[index] = value
        for index, _, firing, sources in self.places:
            values[index] = firing.forward([values[source] for source in sources])
        return values

    def backward(
        self, values: list[Any], output_gradients: Mapping[int, Value], carries: list[bool]
    ) -> tuple[list[Any], list[Any]]:
        """Return the gradient of each node, None if it has none, and the shape of what a rule gave for each wire.

        `carries` tells which wires carry a gradient.
        """
        netlist = self.netlist
        shares: list[Any] = [None] * len(netlist.wires)
        shapes: list[Any] = [None] * len(netlist.wires)
        totals: list[Any] = [None] * len(netlist.nodes)
        for index, gradient in output_gradients.items():
            shares[netlist.incoming[index][0]] = gradient
        for index, _, firing, sources in reversed(self.places):
            total = totals[index] = self.total(index, shares, carries)
            if total is None:
                continue
            inputs = [values[source] for source in sources]
            for port, wire in enumerate(netlist.incoming[index]):
                if carries[wire]:
                    firing.shape = ()
                    shares[wire] = firing.share(port, total, values[index], inputs)
                    shapes[wire] = firing.shape
        for index, node in enumerate(netlist.nodes):
            if node.kind in ("input", "parameter"):
                totals[index] = self.total(index, shares, carries)
        return totals, shapes

    def total(self, index: int, shares: list[Any], carries: list[bool]) -> Any:
        """Return the sum of the gradients that come back to a node, in wiring order, or None if none comes."""
        return add_up(shares[wire] for wire in self.netlist.outgoing[index] if carries[wire])
