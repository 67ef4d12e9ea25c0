"""NumPy's functions called with wires: which gate is meant, and with which inputs and attributes.

A gate says in its fact `numpy` which function it stands for. A call that has no gate, or says what its gate has no
attribute for, is refused.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from circuitsim.errors import GateError
from circuitsim.gates.gate import Gate, numpy_gates
from circuitsim.gates.variadic import Many

__all__ = ["gate_call", "ufunc_call"]

#: What to write for functions of NumPy that have no gate of their own.
INSTEAD = {
    "amax": "np.max(x)", "amin": "np.min(x)", "array": "cs.stack(x, y)", "average": "np.mean(x)",
    "cbrt": "x ** (1 / 3)", "column_stack": "cs.stack(x, y, axis=1)", "dot": "x @ y, or x * y for numbers",
    "expand_dims": "np.reshape(x, shape)", "floor_divide": "x / y", "hstack": "cs.concat(x, y, axis=-1)",
    "hypot": "np.sqrt(x * x + y * y)", "inner": "np.sum(x * y)", "logaddexp": "cs.softplus(y - x) + x",
    "ndim": "circuit.shapes()", "shape": "circuit.shapes()", "size": "circuit.shapes()",
    "moveaxis": "np.transpose(x, axes)", "norm": "np.sqrt(np.sum(x * x))", "ravel": "np.reshape(x, -1)",
    "pad": "cs.pad(x, widths=1)", "squeeze": "np.reshape(x, shape)", "swapaxes": "np.transpose(x, axes)",
    "vdot": "np.sum(x * y)", "vstack": "cs.concat(x, y)",
}  # fmt: skip


def ufunc_call(
    ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: Mapping[str, Any]
) -> tuple[Gate, tuple[Any, ...]]:
    """Return the gate that a universal function stands for, and its inputs.

    Raises
    ------
    GateError
        If there is none, or if something else was asked of the function than to be called with the inputs.
    """
    gate = _find(ufunc)
    if method != "__call__":
        raise GateError(f"np.{ufunc.__name__}.{method} takes no wires: write np.sum, np.max or np.min for a reduction")
    if options:
        raise GateError(f"np.{ufunc.__name__} takes no {next(iter(options))}= with wires: leave it out")
    return gate, inputs


def gate_call(
    function: Callable[..., Any], inputs: tuple[Any, ...], options: Mapping[str, Any]
) -> tuple[Gate, tuple[Any, ...], dict[str, Any]]:
    """Return the gate that another function of NumPy stands for, its inputs and its attributes.

    Raises
    ------
    GateError
        If there is none, or it has no attribute for what was said.
    """
    gate, name = _find(function), _name(function)
    parameters = list(inspect.signature(function).parameters.values())
    try:
        given = inspect.signature(function).bind(*inputs, **options).arguments
    except TypeError as error:
        raise GateError(f"{name} was called with wires and wrong arguments: {error}") from None
    ports = [parameter.name for parameter in parameters[: 1 if isinstance(gate, Many) else gate.arity]]
    entering = [given.pop(port, None) for port in ports]
    if isinstance(gate, Many):
        entering = list(*entering)
    elif any(thing is None for thing in entering):
        raise GateError(f"{name} needs {len(ports)} inputs with wires: {', '.join(gate.ports)}")
    attributes = {}
    for parameter in parameters:
        told = parameter.name in given
        if told and parameter.name in gate.attributes:
            attributes[parameter.name] = given[parameter.name]
        elif told and given[parameter.name] is not parameter.default:
            known = f"its attributes are {', '.join(gate.attributes)}" if gate.attributes else "it has no attributes"
            raise GateError(f"{name} takes no {parameter.name}= with wires: the gate is {gate.name}, {known}")
        elif not told and _differs(gate, parameter):
            raise GateError(
                f"{name} of a wire needs {parameter.name}=, because the gate {gate.name} does not flatten as NumPy does"
            )
    return gate, tuple(entering), attributes


def _find(function: Callable[..., Any]) -> Gate:
    gate = numpy_gates.get(function)
    if gate is None:
        instead = INSTEAD.get(function.__name__)
        hint = f"write {instead}" if instead else "write it with gates, or define one with @cs.gate(numpy=...)"
        raise GateError(f"{_name(function)} takes no wires, because there is no gate for it: {hint}")
    return gate


def _name(function: Callable[..., Any]) -> str:
    """Return what people write for a function of NumPy."""
    return (
        f"{'np' if isinstance(function, np.ufunc) else function.__module__.replace('numpy', 'np')}.{function.__name__}"
    )


def _differs(gate: Gate, parameter: inspect.Parameter) -> bool:
    """Tell whether leaving an argument out means something else to NumPy and to a gate."""
    own = inspect.signature(gate.forward).parameters.get(parameter.name)
    return (
        own is not None
        and own.kind is own.KEYWORD_ONLY
        and own.default is not own.empty
        and isinstance(parameter.default, int | None)
        and parameter.default != own.default
    )
