"""A gate that can be shown but not run: what stands for a gate that is unknown here, or for a group of gates."""

from collections.abc import Iterable
from inspect import Parameter, Signature
from typing import Any

from circuitsim.errors import GateError
from circuitsim.gates.gate import Gate

__all__ = ["placeholder"]


def placeholder(
    name: str, symbol: str, ports: Iterable[str], attributes: Iterable[str] = (), *, about: str = ""
) -> Gate:
    """Return a gate with a name, a symbol and ports, and no arithmetic; it is not registered.

    Calling it raises `GateError`. Its ``__doc__`` is `about`.

    Examples
    --------
    >>> placeholder("mystery", "?", ["a", "b"])
    <gate mystery(a, b)>
    """

    def forward(*inputs: Any, **more: Any) -> Any:
        raise GateError(f"gate {name!r} is not defined here: import what defines it, then load the trace again")

    entered = list(ports)
    parameters = [Parameter(port, Parameter.POSITIONAL_OR_KEYWORD) for port in entered or ["none"]]
    parameters += [Parameter(attribute, Parameter.KEYWORD_ONLY) for attribute in attributes]
    forward.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    forward.__doc__ = about
    gate = Gate(forward, name, symbol)
    if not entered:  # unlike a gate, a group may need nothing from outside
        gate.ports, gate.vjps = (), []
    return gate
