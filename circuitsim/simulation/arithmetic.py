"""A gate of a stage: its arithmetic, and its mistakes told with the name that it has in the circuit."""

from collections.abc import Callable
from typing import Any

from circuitsim.gates.failure import explain_failure, explain_rule, made_nonfinite, sent_nonfinite
from circuitsim.gates.value import as_value, fit, is_finite
from circuitsim.netlist import Node

__all__ = ["Arithmetic"]


class Arithmetic:
    """What one gate of a circuit computes.

    Parameters
    ----------
    node : Node
        The gate's row in the netlist.
    on_nonfinite : callable
        Called with a sentence when the gate makes an infinity or a nan.
    """

    def __init__(self, node: Node, on_nonfinite: Callable[[str], None]) -> None:
        assert node.gate is not None
        self.name = node.name
        self.gate = node.gate
        self.on_nonfinite = on_nonfinite
        self._attributes = node.attributes
        self._forward, self._vjps = node.gate.bind(node.attributes)

    def forward(self, values: list[Any]) -> Any:
        """Return the output."""
        try:
            output = self._forward(*values)
            if output.__class__ is not float:
                output = as_value(output)
        except Exception as error:
            explain_failure(self.name, self.gate, self._attributes, values, error)
        if not (output - output == 0.0 if output.__class__ is float else is_finite(output)):
            self.on_nonfinite(made_nonfinite(self.name, self.gate, values, output))
        return output

    def share(self, port: int, gradient: Any, output: Any, values: list[Any]) -> Any:
        """Return the gradient that goes back through one port, in the shape of what came in there."""
        try:
            share = self._vjps[port](gradient, output, *values)
            if share.__class__ is not float or values[port].__class__ is not float:
                share = fit(as_value(share), values[port])
        except ValueError as error:
            explain_rule(self.name, self.gate, values, port, error)
        if not (share - share == 0.0 if share.__class__ is float else is_finite(share)):
            self.on_nonfinite(sent_nonfinite(self.name, self.gate, values, port, share))
        return share
