"""Checks of what people give: numbers, counts, choices, names and paths.

NumPy's numbers and texts are taken wherever Python's are, and become Python's; True is no number.
"""

import math
import os
from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np

from circuitsim.errors import CircuitSimError, InputError
from circuitsim.spelling import nearest

__all__ = ["choice", "count", "flag", "name", "number", "path", "probability", "real", "ticks", "whole"]


def whole(value: object) -> int | None:
    """Return a whole number as an int, and None for what is none.

    Examples
    --------
    >>> import numpy as np
    >>> whole(np.int64(3)), whole(True), whole(3.0)
    (3, None, None)
    """
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None


def real(value: object) -> float | None:
    """Return a real number as a float, and None for what is none."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number with more than 308 digits
        return -math.inf if value < 0 else math.inf


def count(value: object, what: str, *, least: int = 1, error: type[CircuitSimError] = InputError) -> int:
    """Return a whole number that is at least so large.

    Raises
    ------
    InputError, or another
        If it is none; the sentence begins with what it is.

    Examples
    --------
    >>> count(0, "the seed", least=0)
    0
    """
    found = whole(value)
    if found is None or found < least:
        size = {0: " not below 0", 1: " above 0"}.get(least, f", {least} or more")
        raise error(f"{what} is {value!r}: give a whole number{size}")
    return found


def number(
    value: object,
    what: str,
    unit: str = "",
    *,
    positive: bool = False,
    below: float = math.inf,
    finite: bool = True,
    more: str = "",
    error: type[CircuitSimError] = InputError,
) -> float:
    """Return a number as a float; it may not be below 0.

    Parameters
    ----------
    value : object
        The number.
    what : str
        What it is, for the message.
    unit : str
        What it counts, for the message.
    positive : bool
        Whether it may not be 0 either.
    below : float
        What it must be below.
    finite : bool
        Whether it may not be infinite.
    more : str
        What else could be given, for the message.
    error : type
        What to raise.

    Raises
    ------
    InputError, or another
        If it is no such number.
    """
    found = real(value)
    enough = found is not None and (found > 0.0 if positive else found >= 0.0)
    if found is None or not enough or not (found < below or (found == math.inf and not finite)):
        told = f"{'a finite' if finite else 'a'} number {'above' if positive else 'not below'} 0"
        told += f" and below {below:g}" if below < math.inf else ""
        raise error(f"{what} is {value!r}: give {unit}{', ' if unit else ''}{told}{more}")
    return found


def ticks(value: object, what: str, *, positive: bool = False, finite: bool = True) -> float:
    """Return a time that is the same each time."""
    return number(value, what, "ticks", positive=positive, finite=finite)


def probability(value: object, what: str, *, error: type[CircuitSimError] = InputError) -> float:
    """Return a number from 0 to 1.

    Raises
    ------
    InputError, or another
        If it is none.
    """
    found = real(value)
    if found is None or not 0.0 <= found <= 1.0:
        raise error(f"{what} is {value!r}: give a number from 0 to 1")
    return found


def flag(value: object, what: str) -> bool:
    """Return what is either true or false.

    Raises
    ------
    InputError
        If it is neither True nor False.
    """
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{what} is {value!r}: give True or False")
    return bool(value)


def choice(value: object, what: str, known: Sequence[str], *, more: str = "") -> str:
    """Return one of a few texts.

    Parameters
    ----------
    value : object
        The text.
    what : str
        The setting that it is for.
    known : sequence of str
        The texts that there are.
    more : str
        What else could be given, for the message.

    Raises
    ------
    InputError
        If it is none of them.

    Examples
    --------
    >>> choice("sync", "update", ["sync", "async"])
    'sync'
    """
    if isinstance(value, str) and value in known:
        return str.__str__(value)
    *words, last = map(repr, known)
    listed = f"{', '.join(words)}, {last}, {more}" if more else f"{', '.join(words)} or {last}"
    raise InputError(
        f"{what}={value!r} is unknown: {nearest(value, known) if isinstance(value, str) else ''}use {listed}"
    )


def name(value: object, what: str, *, error: type[CircuitSimError] = InputError) -> str:
    """Return a name as a plain text, of NumPy's texts too.

    Raises
    ------
    InputError, or another
        If it is no text, or an empty one.

    Examples
    --------
    >>> name(np.str_("x"), "the name")
    'x'
    """
    if not isinstance(value, str) or not value:
        raise error(f"{what} is {value!r}: give a text of one or more letters")
    return str.__str__(value)


def path(value: object, what: str = "the path", *, error: type[CircuitSimError] = InputError) -> str:
    """Return where a file is as a plain text.

    Raises
    ------
    InputError, or another
        If it is neither a text nor a `pathlib.Path`.
    """
    found = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(found, str) or not found:
        raise error(f"{what} is {value!r}: give a text such as 'figures/run.svg', or a pathlib.Path")
    return str.__str__(found)
