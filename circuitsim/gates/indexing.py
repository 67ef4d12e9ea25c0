"""Gates that choose elements by where they stand: indices, rows of a table, classes by number.

An element may be chosen more than once: its gradient is the sum over all places where it was used, taken in the order
in which these stand in the output, row by row.
"""

import builtins
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from circuitsim.errors import InputError
from circuitsim.gates.gate import gate
from circuitsim.gates.shapes import Shape, broadcast, one_axis
from circuitsim.gates.value import Array, show

AT_ONCE = 8192  # elements whose places are worked out together: they stay in the cache


def _add_at(shape: tuple[int, ...], places: Any, gradient: Any) -> Array:
    """Return zeros of a shape with the gradient added up at its places, the elements being counted row by row."""
    share = np.zeros(prod(shape))
    np.add.at(share, places.ravel(), np.broadcast_to(gradient, places.shape).ravel())  # flat: a tenth of the time
    return share.reshape(shape)


def _add_along(shape: tuple[int, ...], axis: int, numbers: Any, gradient: Any) -> Array:
    """Return zeros of a shape with the slices of a gradient added up at these numbers along an axis."""
    before, length, after = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
    rows = numbers.ravel() % length
    if before > 1:
        rows = np.add.outer(np.arange(before) * length, rows)
    starts, along = rows.reshape(-1, 1) * after, np.arange(after)
    share, slices = np.zeros(prod(shape)), np.reshape(gradient, (len(starts), after))
    some = max(1, AT_ONCE // max(1, after))
    for first in range(0, len(starts), some):
        places = starts[first : first + some] + along
        np.add.at(share, places.ravel(), slices[first : first + some].ravel())
    return share.reshape(shape)


# -- by index ------------------------------------------------------------------------------------------------


def index(slices: Any) -> Any:
    """Return what NumPy takes as an index: a list ``[0, [1, 3], None]`` stands for ``[0, 1:3, :]``.

    Examples
    --------
    >>> index([0, [1, 3], None])
    (0, slice(1, 3, None), slice(None, None, None))
    """
    if not isinstance(slices, list):
        return slices
    return tuple(
        builtins.slice(*part) if isinstance(part, list | tuple) else builtins.slice(None) if part is None else part
        for part in slices
    )


@gate(symbol="[ ]")
def slice(x: Any, *, slices: Any) -> Any:
    """Choose elements as NumPy does, ``x[slices]``: by numbers, slices, lists or arrays of numbers, and masks.

    The index may be any that NumPy takes, ``(0, slice(1, 3))`` for ``x[0, 1:3]`` and ``([0, 1],)`` for the rows
    ``x[[0, 1]]``. A list holds one thing for each axis: a number, a pair ``[start, stop]`` or None for all, as in
    ``[0, [1, 3], None]``. It is fixed when the gate is wired; to look up rows by a wire, see `embedding`.
    """
    return np.asarray(x)[index(slices)]


@slice.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, slices: Any) -> Any:
    chosen, shape = index(slices), np.shape(x)
    parts = chosen if isinstance(chosen, tuple) else (chosen,)
    if any(isinstance(part, list | np.ndarray | tuple) for part in parts):  # only these can choose an element twice
        return _add_at(shape, np.arange(prod(shape)).reshape(shape)[chosen], gradient)
    share = np.zeros(shape)
    share[chosen] = gradient
    return share


@slice.shape
def _(x: Any, *, slices: Any) -> Any:
    if None in x:
        return None
    try:
        return np.broadcast_to(0.0, x)[index(slices)].shape  # takes no memory
    except (IndexError, OverflowError, TypeError) as error:
        raise ValueError(str(error)) from None


@gate(numpy=np.take)
def take(x: Any, *, indices: Any, axis: int = 0) -> Any:
    """Choose slices along an axis by their indices, which may repeat; negative ones count from the end."""
    return np.take(x, np.asarray(indices, dtype=int), axis=axis)


@take.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, indices: Any, axis: int = 0) -> Any:
    return _add_along(np.shape(x), one_axis(axis, np.ndim(x)), np.asarray(indices, dtype=int), gradient)


@take.shape
def _(x: Shape, *, indices: Any, axis: int = 0) -> Shape:
    place = one_axis(axis, len(x))
    _check_reach(indices, x[place])
    return (*x[:place], *np.shape(indices), *x[place + 1 :])


@gate
def take_pairs(x: Any, *, rows: Sequence[int], cols: Sequence[int]) -> Any:
    """Choose single elements by row and column: ``x[rows, cols]``."""
    return x[np.asarray(rows, dtype=int), np.asarray(cols, dtype=int)]


@take_pairs.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, rows: Sequence[int], cols: Sequence[int]) -> Any:
    places = np.arange(x.size).reshape(x.shape)
    return _add_at(x.shape, places[np.asarray(rows, dtype=int), np.asarray(cols, dtype=int)], gradient)


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


# -- by a value ----------------------------------------------------------------------------------------------


@gate(flat=["indices"])
def embedding(table: Any, indices: Any) -> Any:
    """Look up rows of a table by index, from 0; a row's gradient is the sum over all places where it was used."""
    check_numbers(indices, np.shape(table)[0], "embedding", "rows")
    return np.take(table, np.asarray(indices, dtype=int), axis=0)


@embedding.vjp(0)
def _(gradient: Any, output: Any, table: Any, indices: Any) -> Any:
    return _add_along(table.shape, 0, np.asarray(indices, dtype=int), gradient)


@embedding.shape
def _(table: Shape, indices: Shape) -> Shape:
    if not table:
        raise ValueError("a table has rows")
    return (*indices, *table[1:])


@gate(symbol="1ₖ", flat=["labels"])
def one_hot(labels: Any, *, classes: int) -> Any:
    """Turn class numbers 0, 1, 2 … into rows that are 1 at that place and 0 elsewhere. No gradient passes."""
    check_numbers(labels, classes, "one_hot", "classes")
    return np.asarray(np.equal(np.expand_dims(labels, -1), np.arange(classes)), dtype=np.float64)


@one_hot.shape
def _(labels: Shape, *, classes: int) -> Shape:
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
