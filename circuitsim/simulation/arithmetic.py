"""A gate with its attributes bound, and its mistakes told with the name that it has in the circuit."""

from collections.abc import Callable
from functools import partial
from typing import Any

from circuitsim.errors import CircuitSimError, GateError, InputError, ShapeError
from circuitsim.gates.check import missing_vjp
from circuitsim.gates.value import as_value, fit, is_finite, shape_of, show
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
        attributes = node.attributes or {}
        self._forward = partial(self.gate.forward, **attributes) if attributes else self.gate.forward
        self._vjps = [vjp and partial(vjp, **attributes) for vjp in self.gate.vjps] if attributes else self.gate.vjps

    def forward(self, values: list[Any]) -> Any:
        """Return the output."""
        try:
            output = self._forward(*values)
            if output.__class__ is not float:
                output = as_value(output)
        except InputError as error:
            raise GateError(f"gate {self.name!r} ({self.gate.name}) computed what no wire can carry: {error}") from None
        except CircuitSimError:
            raise
        except ValueError as error:
            shapes = " and ".join(str(shape_of(value)) for value in values)
            fault = "they do not broadcast, make them equal" if "broadcast" in str(error) else str(error)
            raise ShapeError(f"gate {self.name!r} ({self.gate.name}) cannot take shapes {shapes}: {fault}") from None
        if not (output - output == 0.0 if output.__class__ is float else is_finite(output)):
            shown = ", ".join(show(value) for value in values)
            self.on_nonfinite(f"gate {self.name!r} ({self.gate.name}) made {show(output)} from {shown}")
        return output

    def share(self, port: int, gradient: Any, output: Any, values: list[Any]) -> Any:
        """Return the gradient that goes back through one port, in the shape of what came in there."""
        vjp = self._vjps[port]
        if vjp is None:
            raise missing_vjp(self.gate, port)
        share = vjp(gradient, output, *values)
        like = values[port]
        if share.__class__ is not float or like.__class__ is not float:
            share = fit(as_value(share), like)
        if not (share - share == 0.0 if share.__class__ is float else is_finite(share)):
            self.on_nonfinite(
                f"gate {self.name!r} ({self.gate.name}) sent the gradient {show(share)} back through port {port} "
                f"({self.gate.ports[port]} = {show(like)})"
            )
        return share
