"""Checks a gradient against a central difference: the one oracle that every gate can be held against."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from circuitsim.errors import GateError
from circuitsim.gates.gate import Gate, missing_vjp
from circuitsim.gates.value import Value, as_value, fit, shape_of


def finite_difference(
    function: Callable[[list[Value]], Value],
    inputs: Sequence[Value],
    step: float = 1e-5,
    method: Literal["central", "forward"] = "central",
) -> list[Value]:
    """Estimate the gradient of the sum of `function`'s output with respect to every input.

    Parameters
    ----------
    function : callable
        Takes the list of inputs, returns a float or an array.
    inputs : sequence of float or ndarray
        Where to take the gradient.
    step : float
        How far each element is moved, times the larger of 1 and the element's magnitude.
    method : {"central", "forward"}
        Whether to move to both sides, with an error of the order of step², or to one, with one of step.

    Returns
    -------
    list of float or ndarray
        One gradient per input, of its shape.

    Examples
    --------
    >>> [round(g, 6) for g in finite_difference(lambda v: v[0] * v[1], [-2.0, 3.0])]
    [3.0, -2.0]
    """
    gradients: list[Value] = []
    for port, value in enumerate(inputs):
        flat = np.array(value, dtype=np.float64).reshape(-1)
        slopes = np.empty_like(flat)
        for element, centre in enumerate(flat):
            reach = step * np.maximum(1.0, np.abs(centre))
            high, low = centre + reach, centre - reach if method == "central" else centre
            ends = []
            for moved in (high, low):
                shifted = flat.copy()
                shifted[element] = moved
                changed = list(inputs)
                changed[port] = as_value(shifted.reshape(shape_of(value)))
                ends.append(np.sum(function(changed)))
            slopes[element] = (ends[0] - ends[1]) / (high - low)
        gradients.append(as_value(slopes.reshape(shape_of(value))))
    return gradients


def relative_error(a: Value, b: Value) -> float:
    """Return the largest ``|a - b| / max(1, |a|, |b|)`` over all elements; inf where only one is finite."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(a - b) / np.maximum(1.0, np.maximum(np.abs(a), np.abs(b)))
    error = np.where(same, 0.0, np.where(np.isfinite(error), error, np.inf))
    return float(np.max(error, initial=0.0))


def check_gate(gate: Gate, *inputs: Any, tolerance: float = 1e-6, **attributes: Any) -> float:
    """Hold each vjp of a gate against a central difference.

    Parameters
    ----------
    gate : Gate
        The gate to check, your own for instance.
    *inputs : number or array_like
        Where to check it; keep away from kinks, where no derivative exists.
    tolerance : float
        The largest relative error allowed.

    Returns
    -------
    float
        The largest relative error that was found.

    Raises
    ------
    GateError
        If a vjp is missing, or differs from the numerical gradient by more than `tolerance`.

    Examples
    --------
    >>> import circuitsim as cs
    >>> cs.check_gate(cs.mul, -2.0, [3.0, 4.0]) < 1e-8
    True
    """
    gate.check_arguments(len(inputs), attributes)
    values = [as_value(value) for value in inputs]
    output = gate(*values, **attributes)
    # A gradient that differs from element to element shows a vjp that mixes them up.
    given = as_value(1.0 + 0.5 * np.sin(np.arange(np.size(output))).reshape(np.shape(output)))
    numerical = finite_difference(lambda v: as_value(np.multiply(given, gate(*v, **attributes))), values)
    worst = 0.0
    for port, vjp in enumerate(gate.vjps):
        if vjp is None:
            raise missing_vjp(gate, port)
        analytic = fit(as_value(vjp(given, output, *values, **attributes)), values[port])
        error = relative_error(analytic, numerical[port])
        if error > tolerance:
            raise GateError(
                f"the vjp of port {port} ({gate.ports[port]}) of gate {gate.name!r} gives {analytic}, "
                f"a central difference gives {numerical[port]}: correct the rule under @{gate.name}.vjp({port})"
            )
        worst = np.maximum(worst, error)
    return float(worst)
