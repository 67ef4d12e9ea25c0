"""Gates for arrays: sums and other reductions, and those that move, join and choose elements.

They work on float64 arrays of any shape, and as far as it makes sense on numbers. Each gate has beside its
function and its rules a shape rule, by which circuits are checked before they run.
"""

import builtins
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from circuitsim.gates.gate import gate
from circuitsim.gates.scalar import max, min
from circuitsim.gates.shapes import (
    Axes,
    Shape,
    along,
    axes_of,
    border_widths,
    joined,
    one_axis,
    padded,
    reduced,
    reshaped,
    spread_to,
    varied,
)
from circuitsim.gates.variadic import many

# -- reductions ----------------------------------------------------------------------------------------------


def spread(gradient: Any, x: Any, axis: Axes, keepdims: bool) -> Any:
    """Return the gradient of a reduction along the axes that were reduced, ready to broadcast against `x`."""
    if keepdims or np.ndim(gradient) == np.ndim(x):
        return gradient
    return np.reshape(gradient, reduced(np.shape(x), axis=axis, keepdims=True))


def count_along(x: Any, axis: Axes) -> int:
    """Return how many numbers meet in each result of a reduction."""
    shape = np.shape(x)
    return prod([shape[place] for place in axes_of(axis, len(shape))])


@gate(symbol="Σ", numpy=np.sum)
def sum(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Add up all elements, or those along one axis or several."""
    return np.sum(x, axis=along(axis), keepdims=keepdims)


@sum.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    return np.broadcast_to(spread(gradient, x, axis, keepdims), np.shape(x))


@gate(numpy=np.mean)
def mean(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Take the mean of all elements, or of those along one axis or several; nan if there are none."""
    return np.divide(
        np.sum(x, axis=along(axis), keepdims=keepdims), count_along(x, axis)
    )  # np.mean warns of no numbers


@mean.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    return np.broadcast_to(spread(gradient, x, axis, keepdims) / count_along(x, axis), np.shape(x))


def _deviation(x: Any, axis: Axes, ddof: int) -> Any:
    """Return how far all are from their mean, divided by the number that a variance is divided by."""
    return (x - np.mean(x, axis=along(axis), keepdims=True)) / (count_along(x, axis) - ddof)


@gate(numpy=np.var)
def var(x: Any, *, axis: Axes = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """Take the mean squared deviation from the mean: the variance of a population, with ``ddof=1`` of a sample.

    It is the sum of squared deviations divided by the count less `ddof`, which must be above 0.
    """
    _check_enough(x, axis, ddof)
    return np.var(x, axis=along(axis), ddof=ddof, keepdims=keepdims)


@var.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, axis: Axes = None, ddof: int = 0, keepdims: bool = False) -> Any:
    return spread(gradient, x, axis, keepdims) * (2.0 * _deviation(x, axis, ddof))


@gate(numpy=np.std)
def std(x: Any, *, axis: Axes = None, ddof: int = 0, keepdims: bool = False) -> Any:
    """Take the standard deviation, the root of `var`; where it is 0 no gradient passes."""
    _check_enough(x, axis, ddof)
    return np.std(x, axis=along(axis), ddof=ddof, keepdims=keepdims)


@std.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, axis: Axes = None, ddof: int = 0, keepdims: bool = False) -> Any:
    width = spread(output, x, axis, keepdims)
    still = np.equal(width, 0.0)
    slope = np.where(still, 0.0, _deviation(x, axis, ddof) / np.where(still, 1.0, width))
    return spread(gradient, x, axis, keepdims) * slope


def _check_enough(x: Any, axis: Axes, ddof: int) -> None:
    """Refuse what NumPy warns of; the shape rule says why."""
    if count_along(x, axis) <= ddof:
        raise ValueError("there are too few numbers")


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
        count = count_along(x, axis)  # not -1, which an empty batch does not determine
        chosen = find(rows.reshape((*kept, count)), axis=-1)[..., None]
        share = np.zeros((*kept, count))
        np.put_along_axis(share, chosen, np.reshape(gradient, (*kept, 1)), axis=-1)
        return np.transpose(share.reshape(rows.shape), np.argsort(rest + axes))

    return rule


reduce_max.vjp(0)(_to_extreme(np.argmax))
reduce_min.vjp(0)(_to_extreme(np.argmin))
for _reduction in (sum, mean, reduce_max, reduce_min):
    _reduction.shape(reduced)
for _reduction in (var, std):
    _reduction.shape(varied)

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


@gate(numpy=np.broadcast_to)
def broadcast_to(x: Any, *, shape: int | Sequence[int]) -> Any:
    """Spread over a shape by NumPy's rules of broadcasting; the gradient is summed back."""
    return np.broadcast_to(x, shape if isinstance(shape, int) else tuple(shape)).copy()


@broadcast_to.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, shape: int | Sequence[int]) -> Any:
    return gradient  # whoever fires the gate fits it to the shape of x


@broadcast_to.shape
def _(x: Shape, *, shape: int | Sequence[int]) -> Shape:
    return spread_to(x, shape_to=[shape] if isinstance(shape, int) else shape)


@gate
def pad(x: Any, *, widths: Any, value: float = 0.0) -> Any:
    """Put a border of one value round an array; the gradient of the border is dropped.

    `widths` says how wide it is: one number for all sides, ``(before, after)`` for all axes, or such a pair for each.
    """
    return np.pad(x, border_widths(widths, np.ndim(x)), constant_values=value)


@pad.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, widths: Any, value: float = 0.0) -> Any:
    inside = zip(border_widths(widths, np.ndim(x)), np.shape(x), strict=True)
    return gradient[tuple(builtins.slice(before, before + length) for (before, _), length in inside)]


pad.shape(padded)


# -- joining -------------------------------------------------------------------------------------------------


@many(numpy=np.concatenate)
def concat(*parts: Any, axis: int = 0) -> Any:
    """Put arrays one after the other along an axis."""
    return np.concatenate(parts, axis=axis)


@concat.every_vjp
def _(port: int, gradient: Any, output: Any, *parts: Any, axis: int = 0) -> Any:
    place = one_axis(axis, np.ndim(output))
    before = parts[:port]  # there may be thousands, and this is asked for each of them
    start = builtins.sum(map(len, before)) if place == 0 else builtins.sum([part.shape[place] for part in before])
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
    place = one_axis(axis, len(parts[0]) + 1)
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
    """Pass `x` on between two bounds, and the bound beyond it; where `low` is above `high`, `high` (as `numpy.clip`).

    The gradient goes to what is passed on; at a bound to `x`.
    """
    return min.forward(max.forward(x, low), high)


@clip.vjp(0)
def _(gradient: Any, output: Any, x: Any, low: Any, high: Any) -> Any:
    return np.where(np.less(x, low), 0.0, np.where(np.greater(x, high), 0.0, gradient))


@clip.vjp(1)
def _(gradient: Any, output: Any, x: Any, low: Any, high: Any) -> Any:
    return np.where(np.less(x, low), np.where(np.greater(low, high), 0.0, gradient), 0.0)


@clip.vjp(2)
def _(gradient: Any, output: Any, x: Any, low: Any, high: Any) -> Any:
    return np.where(np.greater(x, high), gradient, np.where(np.greater(low, high), gradient, 0.0))
