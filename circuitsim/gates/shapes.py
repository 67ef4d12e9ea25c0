"""Which shape a gate's output has, told from the shapes of its inputs before anything runs.

A shape is a tuple of lengths; a length that is known only when the circuit runs, of a batch for instance, is None.
Each function here returns the output's shape or raises `ValueError` with the reason why there is none.
"""

from collections.abc import Sequence
from itertools import zip_longest
from math import prod
from typing import Any, TypeAlias

Shape: TypeAlias = tuple[int | None, ...]
Axes: TypeAlias = int | Sequence[int] | None


def broadcast(*shapes: Shape) -> Shape:
    """Return the shape that arrays of these shapes have together, by NumPy's rules of broadcasting.

    Examples
    --------
    >>> broadcast((None, 3), (2, 1), ())
    (2, 3)
    """
    lengths = []
    for column in zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1):
        known = {length for length in column if length is not None and length != 1}
        if len(known) > 1:
            raise ValueError("they do not broadcast, make them equal")
        lengths.append(known.pop() if known else None if None in column else 1)
    return tuple(reversed(lengths))


def axes_of(axis: Axes, dimensions: int) -> tuple[int, ...]:
    """Return the axes that are meant, counted from 0; None means all."""
    if axis is None:
        return tuple(range(dimensions))
    chosen = [axis] if isinstance(axis, int) else list(axis)
    for one in chosen:
        if not -dimensions <= one < dimensions:
            raise ValueError(f"there is no axis {one}")
    places = tuple(one % dimensions for one in chosen)
    if len(set(places)) < len(places):
        raise ValueError(f"{tuple(chosen)} names an axis twice")
    return places


def one_axis(axis: Any, dimensions: int) -> int:
    """Return the one axis that is meant, counted from 0."""
    axes = axes_of(axis, dimensions)
    if axis is None or len(axes) != 1:
        raise ValueError(f"it works along one axis, not along axis={axis}")
    return axes[0]


def along(axis: Axes) -> int | tuple[int, ...] | None:
    """Return one axis or several as NumPy takes them."""
    return axis if axis is None or isinstance(axis, int) else tuple(axis)


def reduced(shape: Shape, *, axis: Axes = None, keepdims: bool = False) -> Shape:
    """Return what is left of a shape when axes are summed over."""
    axes = axes_of(axis, len(shape))
    if keepdims:
        return tuple(1 if place in axes else length for place, length in enumerate(shape))
    return tuple(length for place, length in enumerate(shape) if place not in axes)


def multiplied(a: Shape, b: Shape) -> Shape:
    """Return the shape of a matrix product, by the rules of `numpy.matmul`."""
    if not a or not b:
        raise ValueError("both must have an axis at least")
    left, right = (a if len(a) > 1 else (1, *a)), (b if len(b) > 1 else (*b, 1))
    if left[-1] != right[-2] and None not in (left[-1], right[-2]):
        raise ValueError(f"the first has rows of {left[-1]}, the second has columns of {right[-2]}: make them equal")
    rows = left[-2:-1] if len(a) > 1 else ()
    columns = right[-1:] if len(b) > 1 else ()
    return (*broadcast(left[:-2], right[:-2]), *rows, *columns)


def reshaped(shape: Shape, *, shape_to: Sequence[int]) -> Shape:
    """Return the new shape; a length of -1 in it is what is left over."""
    if None in shape:
        return tuple(None if length == -1 else length for length in shape_to)
    size = prod(length for length in shape if length is not None)
    rest = prod(length for length in shape_to if length != -1)
    if list(shape_to).count(-1) > 1 or (size % rest if -1 in shape_to and rest else size != rest):
        raise ValueError(f"{size} numbers do not fill the shape {tuple(shape_to)}")
    return tuple(size // rest if length == -1 else length for length in shape_to)


def joined(*shapes: Shape, axis: int = 0) -> Shape:
    """Return the shape of arrays put one after the other along an axis."""
    first = shapes[0]
    if not first:
        raise ValueError("numbers have no axis to be joined along, put them side by side with stack")
    place = one_axis(axis, len(first))
    lengths: list[int | None] = list(first)
    for shape in shapes[1:]:
        if len(shape) != len(first):
            raise ValueError("they need equally many axes")
        for number, (one, other) in enumerate(zip(lengths, shape, strict=True)):
            if number == place:
                lengths[number] = None if one is None or other is None else one + other
            elif one != other and None not in (one, other):
                raise ValueError(f"they differ along axis {number}")
    return tuple(lengths)


def pair(given: int | Sequence[int]) -> tuple[int, int]:
    """Return what holds for the height and for the width, as one number for both or two."""
    return (given, given) if isinstance(given, int) else (given[0], given[1])


def borders(pad: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return how wide a border is above and below, and left and right.

    Examples
    --------
    >>> borders(1), borders((1, 0)), borders(((0, 1), (2, 2)))
    (((1, 1), (1, 1)), ((1, 1), (0, 0)), ((0, 1), (2, 2)))
    """
    height, width = pair(pad)
    return pair(height), pair(width)


def slid(shape: Shape, kernel: tuple[int, int], stride: Any, pad: Any = 0) -> tuple[int | None, int | None]:
    """Return the height and width that are left when a kernel slides over images of shape (..., height, width)."""
    left = []
    for length, size, step, border in zip(shape[-2:], kernel, pair(stride), borders(pad), strict=True):
        if length is not None and length + sum(border) < size:
            told = f"{length} with a border of {border[0]} and {border[1]}" if any(border) else str(length)
            raise ValueError(f"a kernel of {size} does not fit into {told}")
        left.append(None if length is None else (length + sum(border) - size) // step + 1)
    return left[0], left[1]


def padded(shape: Shape, *, widths: Any, value: float = 0.0) -> Shape:
    """Return the shape of an array with a border."""
    return tuple(
        None if length is None else length + before + after
        for length, (before, after) in zip(shape, border_widths(widths, len(shape)), strict=True)
    )


def border_widths(widths: Any, dimensions: int) -> list[tuple[int, int]]:
    """Return how many elements are put before and after, for each axis: one number, a pair, or a pair for each."""
    if isinstance(widths, int):
        return [(widths, widths)] * dimensions
    if len(widths) == 2 and all(isinstance(width, int) for width in widths):
        return [(widths[0], widths[1])] * dimensions
    if len(widths) != dimensions:
        raise ValueError(f"widths={widths} are for {len(widths)} axes: give a pair for each of {dimensions}")
    return [(before, after) for before, after in widths]


def spread_to(shape: Shape, *, shape_to: Sequence[int]) -> Shape:
    """Return the new shape, if one shape can be spread over it by broadcasting."""
    met = broadcast(shape, tuple(shape_to))
    if met != tuple(shape_to):
        raise ValueError(f"they do not broadcast to {tuple(shape_to)}")
    return met


def show_shape(shape: Shape) -> str:
    """Write a shape as Python does, with a question mark for a length that is not known.

    Examples
    --------
    >>> show_shape((None, 3))
    '(?, 3)'
    """
    return str(shape).replace("None", "?")


def varied(shape: Shape, *, axis: Axes = None, ddof: int = 0, keepdims: bool = False) -> Shape:
    """Return what is left of a shape when the spread along axes is taken, which needs more than `ddof` numbers."""
    lengths = [shape[place] for place in axes_of(axis, len(shape))]
    count = None if None in lengths else prod(length for length in lengths if length is not None)
    if count is not None and count <= ddof:
        raise ValueError(f"{count} numbers are too few with ddof={ddof}: give {ddof + 1} or more")
    return reduced(shape, axis=axis, keepdims=keepdims)


def kept(shape: Shape, *, axis: Axes = -1) -> Shape:
    """Return the shape of a gate that works along axes and keeps all elements."""
    axes_of(axis, len(shape))
    return shape


def elementwise(*shapes: Shape, **_: Any) -> Shape:
    """Return the shape of a gate that works element by element, whatever its attributes."""
    return broadcast(*shapes)
