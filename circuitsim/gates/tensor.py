"""Gates for arrays: sums and other reductions, and those that move, choose and join elements.

They work on float64 arrays of any shape, and as far as it makes sense on numbers. Each gate has beside its
function and its rules a shape rule, by which circuits are checked before they run.
"""

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from circuitsim.errors import InputError
from circuitsim.gates.gate import gate
from circuitsim.gates.shapes import Axes, Shape, along, axes_of, broadcast, joined, reduced, reshaped
from circuitsim.gates.value import show
from circuitsim.gates.variadic import many

# -- reductions ----------------------------------------------------------------------------------------------


def spread(gradient: Any, x: Any, axis: Axes, keepdims: bool) -> Any:
    """Return the gradient of a reduction along the axes that were reduced, ready to broadcast against `x`."""
    if keepdims or np.ndim(gradient) == np.ndim(x):
        return gradient
    return np.expand_dims(gradient, axes_of(axis, np.ndim(x)))


def _count(x: Any, axis: Axes) -> int:
    return int(np.prod([np.shape(x)[place] for place in axes_of(axis, np.ndim(x))], dtype=int))


@gate(symbol="Σ", numpy=np.sum)
def sum(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Add up all elements, or those along one axis or several."""
    return np.sum(x, axis=along(axis), keepdims=keepdims)


@sum.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    return np.broadcast_to(spread(gradient, x, axis, keepdims), np.shape(x)).copy()


@gate(numpy=np.mean)
def mean(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Take the mean of all elements, or of those along one axis or several."""
    return np.mean(x, axis=along(axis), keepdims=keepdims)


@mean.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    return np.broadcast_to(spread(gradient, x, axis, keepdims) / _count(x, axis), np.shape(x)).copy()


@gate(numpy=np.var)
def var(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Take the mean squared deviation from the mean: the variance of a population."""
    return np.var(x, axis=along(axis), keepdims=keepdims)


@var.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    deviation = x - np.mean(x, axis=along(axis), keepdims=True)
    return spread(gradient, x, axis, keepdims) * (2.0 * deviation / _count(x, axis))


@gate(numpy=np.max)
def reduce_max(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Take the largest of all elements, or along axes; the gradient goes to it alone, at a tie to the first."""
    return np.max(x, axis=along(axis), keepdims=keepdims)


@gate(numpy=np.min)
def reduce_min(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Take the smallest of all elements, or along axes; the gradient goes to it alone, at a tie to the first."""
    return np.min(x, axis=along(axis), keepdims=keepdims)


def _to_extreme(find: Any) -> Any:
    """Return the rule of a gate that passes one element on: put the gradient where `find` finds it."""

    def rule(gradient: Any, output: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
        axes = axes_of(axis, np.ndim(x))
        rest = tuple(place for place in range(np.ndim(x)) if place not in axes)
        rows = np.transpose(x, rest + axes)
        kept = rows.shape[: len(rest)]
        count = _count(x, axis)  # not -1, which an empty batch does not determine
        chosen = find(rows.reshape((*kept, count)), axis=-1)[..., None]
        share = np.zeros((*kept, count))
        np.put_along_axis(share, chosen, np.reshape(gradient, (*kept, 1)), axis=-1)
        return np.transpose(share.reshape(rows.shape), np.argsort(rest + axes))

    return rule


reduce_max.vjp(0)(_to_extreme(np.argmax))
reduce_min.vjp(0)(_to_extreme(np.argmin))
for _reduction in (sum, mean, var, reduce_max, reduce_min):
    _reduction.shape(reduced)

# -- moving elements -----------------------------------------------------------------------------------------


@gate(numpy=np.reshape)
def reshape(x: Any, *, shape: int | Sequence[int]) -> Any:
    """Put the same elements, row by row, in another shape; a length of -1 in it is what is left over."""
    return np.reshape(x, shape if isinstance(shape, int) else tuple(shape))


@reshape.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, shape: int | Sequence[int]) -> Any:
    return np.reshape(gradient, np.shape(x))


@reshape.shape
def _(x: Shape, *, shape: int | Sequence[int]) -> Shape:
    return reshaped(x, shape_to=[shape] if isinstance(shape, int) else shape)


@gate(symbol="ᵀ", numpy=np.transpose)
def transpose(x: Any, *, axes: Sequence[int] | None = None) -> Any:
    """Permute the axes; reverse them, if no order is given."""
    return np.transpose(x, axes)


@transpose.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, axes: Sequence[int] | None = None) -> Any:
    return np.transpose(gradient, None if axes is None else np.argsort(axes_of(axes, np.ndim(x))))


@transpose.shape
def _(x: Shape, *, axes: Sequence[int] | None = None) -> Shape:
    order = range(len(x))[::-1] if axes is None else axes_of(axes, len(x))
    if sorted(order) != list(range(len(x))):
        raise ValueError(f"axes={axes} do not name each axis once")
    return tuple(x[place] for place in order)


def index(slices: Any) -> Any:
    """Return what NumPy takes as an index: ``[0, [1, 3], None]`` stands for ``[0, 1:3, :]``.

    Examples
    --------
    >>> index([0, [1, 3], None])
    (0, slice(1, 3, None), slice(None, None, None))
    """
    if not isinstance(slices, list | tuple):
        slices = [slices]
    return tuple(
        builtins.slice(*part) if isinstance(part, list | tuple) else builtins.slice(None) if part is None else part
        for part in slices
    )


@gate(symbol="[ ]")
def slice(x: Any, *, slices: Any) -> Any:
    """Cut out a part, ``x[0, 1:3]``: numbers choose, pairs ``[start, stop]`` or Python's slices cut."""
    return x[index(slices)]


@slice.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, slices: Any) -> Any:
    share = np.zeros(np.shape(x))
    share[index(slices)] = gradient
    return share


@slice.shape
def _(x: Any, *, slices: Any) -> Any:
    if None in x:
        return None
    try:
        return np.broadcast_to(0.0, x)[index(slices)].shape  # takes no memory
    except IndexError as error:
        raise ValueError(str(error)) from None


@gate(numpy=np.take)
def take(x: Any, *, indices: Any, axis: int = 0) -> Any:
    """Choose slices along an axis by their indices, which may repeat."""
    return np.take(x, np.asarray(indices, dtype=int), axis=axis)


@take.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, indices: Any, axis: int = 0) -> Any:
    share = np.zeros(np.shape(x))
    (place,) = axes_of(axis, np.ndim(x))
    chosen: Any = (builtins.slice(None),) * place + (np.asarray(indices, dtype=int),)
    np.add.at(share, chosen, gradient)
    return share


@take.shape
def _(x: Shape, *, indices: Any, axis: int = 0) -> Shape:
    (place,) = axes_of(axis, len(x))
    _check_reach(indices, x[place])
    return (*x[:place], *np.shape(indices), *x[place + 1 :])


@gate
def take_pairs(x: Any, *, rows: Sequence[int], cols: Sequence[int]) -> Any:
    """Choose single elements by row and column: ``x[rows, cols]``."""
    return x[np.asarray(rows), np.asarray(cols)]


@take_pairs.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, rows: Sequence[int], cols: Sequence[int]) -> Any:
    share = np.zeros(np.shape(x))
    np.add.at(share, (np.asarray(rows), np.asarray(cols)), gradient)
    return share


@take_pairs.shape
def _(x: Shape, *, rows: Sequence[int], cols: Sequence[int]) -> Shape:
    if len(x) < 2:
        raise ValueError("there are no rows and columns")
    _check_reach(rows, x[0])
    _check_reach(cols, x[1])
    return (*broadcast(np.shape(rows), np.shape(cols)), *x[2:])


def _check_reach(indices: Any, length: int | None) -> None:
    """Refuse indices that lie outside an axis of this length."""
    for number in np.ravel(indices):
        if length is not None and not -length <= number < length:
            raise ValueError(f"there is no element {number} in {length}")


# -- joining -------------------------------------------------------------------------------------------------


@many(numpy=np.concatenate)
def concat(*parts: Any, axis: int = 0) -> Any:
    """Put arrays one after the other along an axis."""
    return np.concatenate(parts, axis=axis)


@concat.every_vjp
def _(port: int, gradient: Any, output: Any, *parts: Any, axis: int = 0) -> Any:
    (place,) = axes_of(axis, np.ndim(output))
    start = builtins.sum(part.shape[place] for part in parts[:port])
    cut = builtins.slice(start, start + parts[port].shape[place])
    return gradient[(builtins.slice(None),) * place + (cut,)]


concat.shape(joined)


@many(numpy=np.stack)
def stack(*parts: Any, axis: int = 0) -> Any:
    """Put arrays of one shape, or numbers, side by side along a new axis."""
    return np.stack(parts, axis=axis)


@stack.every_vjp
def _(port: int, gradient: Any, output: Any, *parts: Any, axis: int = 0) -> Any:
    return np.take(gradient, port, axis=axis)


@stack.shape
def _(*parts: Shape, axis: int = 0) -> Shape:
    known = [part for part in parts if None not in part]
    if builtins.any(len(part) != len(parts[0]) for part in parts) or len(set(known)) > 1:
        raise ValueError("they differ, make them equal")
    place = axis % (len(parts[0]) + 1)
    shape = known[0] if known else parts[0]
    return (*shape[:place], len(parts), *shape[place:])


# -- choosing ------------------------------------------------------------------------------------------------


@gate(elementwise=True, numpy=np.where, flat=["condition"])
def where(condition: Any, a: Any, b: Any) -> Any:
    """Pass `a` on where the condition is not 0, `b` elsewhere; the condition gets no gradient."""
    return np.where(np.not_equal(condition, 0.0), a, b)


@where.vjp(1)
def _(gradient: Any, output: Any, condition: Any, a: Any, b: Any) -> Any:
    return np.where(np.not_equal(condition, 0.0), gradient, 0.0)


@where.vjp(2)
def _(gradient: Any, output: Any, condition: Any, a: Any, b: Any) -> Any:
    return np.where(np.not_equal(condition, 0.0), 0.0, gradient)


@gate(elementwise=True, numpy=np.clip)
def clip(x: Any, low: Any, high: Any) -> Any:
    """Pass `x` on between two bounds, and the bound beyond it; at a bound the gradient goes to `x`."""
    return np.where(np.less(x, low), low, np.where(np.greater(x, high), high, x))


@clip.vjp(0)
def _(gradient: Any, output: Any, x: Any, low: Any, high: Any) -> Any:
    return np.where(np.less(x, low) | np.greater(x, high), 0.0, gradient)


@clip.vjp(1)
def _(gradient: Any, output: Any, x: Any, low: Any, high: Any) -> Any:
    return np.where(np.less(x, low), gradient, 0.0)


@clip.vjp(2)
def _(gradient: Any, output: Any, x: Any, low: Any, high: Any) -> Any:
    return np.where(np.greater(x, high) & ~np.less(x, low), gradient, 0.0)


@gate(symbol="1ₖ", flat=["labels"])
def one_hot(labels: Any, *, classes: int) -> Any:
    """Turn class numbers 0, 1, 2 … into rows that are 1 at that place and 0 elsewhere. No gradient passes."""
    check_numbers(labels, classes, "one_hot", "classes")
    return np.asarray(np.equal(np.expand_dims(labels, -1), np.arange(classes)), dtype=np.float64)


@one_hot.shape
def _(labels: Shape, *, classes: int) -> Shape:
    if classes < 1:
        raise ValueError(f"there cannot be {classes} classes")
    return (*labels, classes)


def check_numbers(given: Any, count: int, asked: str, kind: str) -> None:
    """Raise `InputError` unless all that a gate was given are numbers of classes or rows, from 0 to below a count.

    Examples
    --------
    >>> check_numbers([0.0, 5.0], 2, "one_hot", "classes")
    Traceback (most recent call last):
        ...
    circuitsim.errors.InputError: one_hot was given 5 for one of 2 classes: give whole numbers from 0 to 1
    """
    numbers = np.asarray(given, dtype=np.float64)
    known = (numbers >= 0.0) & (numbers < count) & (numbers == np.floor(numbers))
    if not known.all():
        odd = show(float(numbers[~known].flat[0]))
        raise InputError(f"{asked} was given {odd} for one of {count} {kind}: give whole numbers from 0 to {count - 1}")
