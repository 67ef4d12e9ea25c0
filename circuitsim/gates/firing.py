"""The firing of a gate: its arithmetic in a circuit, with what goes wrong told by the name that it has there.

Every engine fires gates here, apart from the generators of compiled code, which come back here when their code fails.
"""

from collections.abc import Callable, Sequence
from typing import Any

from circuitsim.gates.failure import explain_failure, explain_rule, made_nonfinite, sent_nonfinite
from circuitsim.gates.gate import Gate
from circuitsim.gates.value import fit, frozen, is_finite

__all__ = ["Firing"]


class Firing:
    """A gate of a circuit, ready to fire.

    Parameters
    ----------
    name : str
        Its name in the circuit.
    gate : Gate
        The arithmetic.
    attributes : dict or None
        What the arithmetic takes besides inputs.
    on_nonfinite : callable
        Called with a sentence when the gate makes an infinity or a nan.

    Attributes
    ----------
    function : callable
        The gate's `forward` with the attributes bound: ``function(*values)``. For generators of code.
    rules : list of callable
        Its vjps likewise: ``rules[port](gradient, output, *values)``.
    """

    __slots__ = ("attributes", "function", "gate", "name", "on_nonfinite", "rules")

    def __init__(
        self, name: str, gate: Gate, attributes: dict[str, Any] | None, on_nonfinite: Callable[[str], None]
    ) -> None:
        self.name = name
        self.gate = gate
        self.attributes = attributes
        self.on_nonfinite = on_nonfinite
        self.function, self.rules = gate.with_attributes(attributes)

    def forward(self, values: Sequence[Any]) -> Any:
        """Return the output, read-only."""
        try:
            output = self.function(*values)
            if output.__class__ is not float:
                output = frozen(output)
        except Exception as error:
            explain_failure(self.name, self.gate, self.attributes, values, error)
        if not (output - output == 0.0 if output.__class__ is float else is_finite(output)):
            self.on_nonfinite(made_nonfinite(self.name, self.gate, values, output))
        return output

    def share(self, port: int, gradient: Any, output: Any, values: Sequence[Any]) -> Any:
        """Return the gradient that goes back through one port, in the shape of what came in there, read-only."""
        try:
            share = self.rules[port](gradient, output, *values)
            if share.__class__ is not float or values[port].__class__ is not float:
                share = self.fit(port, frozen(share), values[port])
        except ValueError as error:
            explain_rule(self.name, self.gate, values, port, error)
        if not (share - share == 0.0 if share.__class__ is float else is_finite(share)):
            self.on_nonfinite(sent_nonfinite(self.name, self.gate, values, port, share))
        return share

    def fit(self, port: int, share: Any, like: Any) -> Any:
        """Return what the rule of a port gave in the shape of what came in there; not asked if both are numbers."""
        return fit(share, like)
