"""What flows on a wire: a Python float, or a float64 array.

Scalars are Python floats because adding two of them costs a tenth of adding two `numpy.float64`; both
follow IEEE 754, so the bits are the same. Everything that enters a circuit passes through `as_value`.
"""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from circuitsim.errors import InputError

Array: TypeAlias = npt.NDArray[np.float64]
Value: TypeAlias = float | Array


def as_value(thing: object) -> Value:
    """Return `thing` as a float (anything without dimensions) or as a float64 array.

    Parameters
    ----------
    thing : number or array_like
        A real number, a nested list of them, or a NumPy array of any real dtype.

    Raises
    ------
    InputError
        If it is text, None, complex, ragged, or anything else that is not made of real numbers.

    Examples
    --------
    >>> as_value(3), as_value([1, 2])
    (3.0, array([1., 2.]))
    """
    if isinstance(thing, float):
        return float(thing)  # of a float of NumPy's too
    try:
        array = np.asarray(thing)
        if array.dtype.kind not in "bifu":  # bool, int, float, unsigned: no text, no complex, no object
            raise ValueError
        if array.ndim == 0:
            return float(array)
        return array.astype(np.float64, copy=False)
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"{_shorten(thing)} is not a number or an array of numbers") from None


def own_value(thing: object) -> Value:
    """Return `thing` as `as_value` does, but never as an array that somebody else may change.

    The elements of an array stand row by row then, whatever they did before: the bits of a sum depend on it.
    """
    value = as_value(thing)
    return value.copy() if isinstance(value, np.ndarray) else value


def copies(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the same values by name, each array as a copy, so that whoever gets them may change them."""
    return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in values.items()}


def fit(gradient: Value, like: Value) -> Value:
    """Return `gradient` in the shape of `like`: the vjp of broadcasting.

    Where a value was spread over new or longer axes, its gradient is the sum over them; where the
    gradient has fewer elements than the wire, it is the same for each.

    Examples
    --------
    >>> fit(np.ones((2, 3)), 5.0)
    6.0
    >>> fit(np.ones((2, 3)), np.zeros((2, 1)))
    array([[3.],
           [3.]])
    """
    if isinstance(like, float):
        return gradient if isinstance(gradient, float) else float(np.sum(gradient))
    if isinstance(gradient, float) or gradient.shape == like.shape:
        return np.full(like.shape, gradient) if isinstance(gradient, float) else gradient
    extra = gradient.ndim - like.ndim
    stretched = tuple(range(extra)) + tuple(
        axis + extra
        for axis, length in enumerate(like.shape)
        if axis + extra >= 0 and length == 1 and gradient.shape[axis + extra] != 1
    )
    total = np.sum(gradient, axis=stretched, keepdims=True) if stretched else gradient
    if extra > 0:
        total = total.reshape(total.shape[extra:])
    return np.array(np.broadcast_to(total, like.shape)) if total.shape != like.shape else total


def shape_of(value: Value) -> tuple[int, ...]:
    """Return the shape of a value; that of a float is ``()``."""
    return () if isinstance(value, float) else value.shape


def size_of(value: Value) -> int:
    """Return how many bytes a value takes; a float takes 8."""
    return 8 if isinstance(value, float) else value.nbytes


def is_finite(value: Value) -> bool:
    """Tell whether a value has neither an infinity nor a nan in it."""
    if isinstance(value, float):
        return value - value == 0.0
    return bool(np.isfinite(value).all())


def show(value: Value, digits: int = 6) -> str:
    """Write a value for people: few digits, and large arrays by their shape.

    Examples
    --------
    >>> show(-12.0), show(0.8807970779778823), show(np.array([1.0, 2.5])), show(np.zeros((20, 3)))
    ('-12', '0.880797', '[1, 2.5]', 'array 20×3')
    """
    if isinstance(value, float):
        return f"{value + 0.0:.{digits}g}"  # + 0.0 turns -0 into 0
    if value.size <= 6 and value.ndim == 1:
        return "[" + ", ".join(show(float(element), digits) for element in value) + "]"
    return "array " + "×".join(map(str, value.shape))


def _shorten(thing: object) -> str:
    text = repr(thing)
    return text if len(text) <= 60 else text[:57] + "..."
