"""Central differences, the one oracle that every gradient can be held against, and how far two gradients are apart."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from circuitsim import checks
from circuitsim.gates.value import Value, as_value, shape_of
from circuitsim.habits import told

__all__ = ["finite_difference", "relative_error"]


@told
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
    checks.number(step, "step", positive=True)
    checks.choice(method, "method", ("central", "forward"))
    checks.fits(32 * len(inputs), f"a list of {len(inputs)} inputs")
    inputs = [as_value(value) for value in inputs]
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
