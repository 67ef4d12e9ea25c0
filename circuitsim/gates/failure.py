"""What to tell people when a gate fails at its work: the same sentences from every engine."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

from circuitsim.errors import CircuitSimError, GateError, ShapeError
from circuitsim.gates.value import NoValueError, Value, refused_to_write, shape_of, show


class Failed(Protocol):
    """What is asked of the gate that failed."""

    name: str
    ports: tuple[str, ...]
    forward: Callable[..., Any]
    shape_rule: Callable[..., Any] | None
    built_in: bool


def explain_failure(
    name: str | None, gate: Failed, attributes: Mapping[str, Any] | None, values: Sequence[Any], error: Exception
) -> NoReturn:
    """Raise an error in place of the one that a gate raised when it was given `values`.

    `name` is the gate's in its circuit, None if it was called with numbers. Where the gate's own shape rule refuses the
    shapes, it says why better than NumPy. What a gate of a user's own raises comes out as it is, with a note that names
    the gate, unless shapes are at fault.
    """
    whose = gate.name if name is None else f"gate {name!r} ({gate.name})"
    if isinstance(error, NoValueError):
        raise GateError(f"{whose} computed what no wire can carry: {error}") from None
    if isinstance(error, CircuitSimError):
        raise error
    if refused_to_write(error):
        port = _written_port(gate, attributes, values)
        where = "an array that it gave away or never owned" if port is None else f"its input {gate.ports[port]}"
        raise GateError(f"{whose} writes to {where} in place: return a new array") from None
    met = [shape_of(value) for value in values]
    shapes = " and ".join(map(str, met))
    refused = None
    if gate.shape_rule is not None:
        try:
            gate.shape_rule(*met, **(attributes or {}))
        except ValueError as told:
            refused = told
    at_odds = isinstance(error, ValueError) and "broadcast together" in str(error)
    if not gate.built_in and refused is None and not at_odds:
        error.add_note(f"raised by {whose}, given shapes {shapes}")
        raise error
    error = refused or error
    fault = "they do not broadcast, make them equal" if "broadcast together" in str(error) else str(error)
    raise ShapeError(f"{whose} cannot take shapes {shapes}: {fault}") from None


def explain_rule(name: str, gate: Failed, values: Sequence[Any], port: int, error: ValueError) -> NoReturn:
    """Raise an error in place of the one that came of a gate's rule for a port."""
    where = f"gate {name!r} ({gate.name}) cannot send a gradient back through port {port} ({gate.ports[port]})"
    if isinstance(error, NoValueError):
        raise GateError(f"{where}: {error}") from None
    if isinstance(error, CircuitSimError):
        raise error
    if refused_to_write(error):
        raise GateError(f"{where}: its rule writes in place to what it is given, return a new array") from None
    if not gate.built_in and "broadcast" not in str(error):
        error.add_note(f"raised where {where.replace(' cannot send', ' was to send')}")
        raise error
    fault = "its rule gives one of another shape" if "broadcast" in str(error) else str(error)
    raise ShapeError(f"{where} of shape {shape_of(values[port])}: {fault}") from None


def made_nonfinite(name: str, gate: Failed, values: Sequence[Any], output: Value) -> str:
    """Tell that a gate made an infinity or a nan, and from what."""
    return f"gate {name!r} ({gate.name}) made {show(output)} from {', '.join(show(value) for value in values)}"


def sent_nonfinite(name: str, gate: Failed, values: Sequence[Any], port: int, share: Value) -> str:
    """Tell that a gate sent an infinity or a nan back, and through which port."""
    return (
        f"gate {name!r} ({gate.name}) sent the gradient {show(share)} back through port {port} "
        f"({gate.ports[port]} = {show(values[port])})"
    )


def _written_port(gate: Failed, attributes: Mapping[str, Any] | None, values: Sequence[Any]) -> int | None:
    """Return the first port whose input a gate writes to, None if it writes elsewhere.

    It is found by giving the gate writable copies of all inputs, and then of all but one.
    """

    def is_refused(kept: int | None) -> bool:
        given = [v if port == kept or isinstance(v, float) else v.copy() for port, v in enumerate(values)]
        try:
            gate.forward(*given, **(attributes or {}))
        except Exception as error:
            return refused_to_write(error)
        return False

    if is_refused(None):
        return None
    return next((port for port in range(len(values)) if is_refused(port)), None)
