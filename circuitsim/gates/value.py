"""What flows on a wire: a Python float, or a float64 array that nobody can write to.

Scalars are Python floats because adding two of them costs a tenth of adding two `numpy.float64`; both
follow IEEE 754, so the bits are the same.

Values do not change: an array on a wire, in a trace or handed out is read-only. There are three ways in. `as_value`
looks at what belongs to somebody else, `own_value` copies what the owner may change later, and `frozen` takes over
what was made for the circuit, without a copy. (Two of NumPy's own functions write to read-only arrays all the same: the
method `at` of its ufuncs, and `ndarray.resize`.)
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from circuitsim.checks import fits, shown
from circuitsim.errors import InputError, TooLargeError

Array: TypeAlias = npt.NDArray[np.float64]
Value: TypeAlias = float | Array

FLOAT64 = np.dtype(np.float64)
MANY_BYTES = 2**32  # from here on it is asked whether memory would hold them
_seal: Any = np.ndarray.setflags  # `_seal(array, False)` takes half the time of `array.setflags(write=False)`


class NoValueError(InputError):
    """Raised for what is no value, so that it is not taken for an `InputError` of a gate's own."""


def as_value(thing: object) -> Value:
    """Return `thing` as a float (anything without dimensions) or as a read-only float64 array.

    An array of somebody else's stays writable for its owner; what is returned is a view of it.

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
    value: Any = read(thing)
    if value.__class__ is not float:
        if value.nbytes > MANY_BYTES:  # a view may have any number of elements, and what is computed of it as many
            fits(value.nbytes, f"an array of shape {value.shape}", "give a smaller array")
        if value.flags.writeable:
            value = value.view()
            _seal(value, False)
    return value  # type: ignore[no-any-return]


def rule_result(made: Any) -> Value:
    """Return the array that a rule of learning made as `as_value` does, and a symbol as it is."""
    result: Value = as_value(made) if isinstance(made, np.ndarray | np.generic) else made
    return result


def own_value(thing: object) -> Value:
    """Return `thing` as `as_value` does, but never as an array that somebody else may change.

    The elements of an array stand row by row then, whatever they did before: the bits of a sum depend on it.
    """
    value = read(thing)
    if isinstance(value, np.ndarray):
        fits(value.nbytes, f"a copy of an array of shape {value.shape}", "give a smaller array")
        value = value.copy()
        _seal(value, False)
    return value


def frozen(thing: Any) -> Any:
    """Take over what a gate, a rule or an optimizer has made: a float, or an array made read-only as it is.

    The memory that an array shows is made read-only with it, so that whoever made it cannot change it later; what
    belongs to no array is copied.

    Raises
    ------
    InputError
        If it is not made of real numbers.

    Examples
    --------
    >>> whole = np.zeros((2, 3))
    >>> part = frozen(whole[0])
    >>> whole.flags.writeable
    False
    """
    value: Any = thing
    if thing.__class__ is np.ndarray and thing.dtype is FLOAT64 and thing.ndim:
        base = thing.base
        if base is None:  # the usual case
            _seal(thing, False)
            return thing
    else:
        value = read(thing)
        if value.__class__ is float:
            return value
        base = value.base
    if base is not None and not isinstance(base, np.ndarray) and value.flags.writeable:
        value, base = value.copy(order="K"), None
    _seal(value, False)
    while isinstance(base, np.ndarray):
        _seal(base, False)
        base = base.base
    return value


def read(thing: object) -> Value:
    """Return `thing` as a float or as a float64 array, itself if it is one already."""
    if isinstance(thing, float):
        return float(thing)  # of a float of NumPy's too
    try:
        array = np.asarray(thing)
        if array.dtype.kind not in "bifu":  # bool, int, float, unsigned: no text, no complex, no object
            raise ValueError
        if array.ndim == 0:
            return float(array)
        return array.astype(np.float64, copy=False)
    except MemoryError:
        raise TooLargeError(f"{shown(thing)} has more elements than memory holds: give a smaller array") from None
    except Exception:  # whatever a class of somebody's own raises, too
        raise NoValueError(f"{shown(thing)} is not a number or an array of numbers") from None


def add_up(values: Iterable[Value | None]) -> Any:
    """Return the sum, taken from left to right; None is left out, and is the sum of nothing.

    Gradients that meet are added here and nowhere else, apart from compiled code: the bits depend on the order.

    Examples
    --------
    >>> add_up([1.0, None, 2.5]), add_up([])
    (3.5, None)
    """
    total: Any = None
    for value in values:
        if value is not None:
            total = value if total is None else total + value
    if total.__class__ is np.ndarray:
        _seal(total, False)
    return total


def refused_to_write(error: Exception) -> bool:
    """Tell whether it is NumPy's error for writing in place to a value, or to any other array that is read-only."""
    return isinstance(error, ValueError) and "read-only" in str(error)


def fit(gradient: Value, like: Value) -> Value:
    """Return `gradient` in the shape of `like`: the vjp of broadcasting.

    Where a value was spread over new or longer axes, its gradient is the sum over them; where the
    gradient has fewer elements than the wire, it is the same for each. What is made anew is read-only.

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
    if isinstance(gradient, float):
        full = np.full(like.shape, gradient)
        _seal(full, False)
        return full
    if gradient.shape == like.shape:
        return gradient
    extra = gradient.ndim - like.ndim
    stretched = tuple(range(extra)) + tuple(
        axis + extra
        for axis, length in enumerate(like.shape)
        if axis + extra >= 0 and length == 1 and gradient.shape[axis + extra] != 1
    )
    total = np.sum(gradient, axis=stretched, keepdims=True) if stretched else gradient
    if extra > 0:
        total = total.reshape(total.shape[extra:])
    fitted: Value = frozen(np.array(np.broadcast_to(total, like.shape)) if total.shape != like.shape else total)
    return fitted


def shape_of(value: Value) -> tuple[int, ...]:
    """Return the shape of a value; that of a float is ``()``."""
    return value.shape if isinstance(value, np.ndarray) else ()


def size_of(value: Value) -> int:
    """Return how many bytes a value takes; a float takes 8."""
    return 8 if isinstance(value, float) else value.nbytes


def is_finite(value: Value) -> bool:
    """Tell whether a value has neither an infinity nor a nan in it."""
    if isinstance(value, float):
        return value - value == 0.0
    total = float(np.vdot(value, value))  # in a third of the time, but it may be infinite where no element is
    return total - total == 0.0 or bool(np.isfinite(value).all())


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
