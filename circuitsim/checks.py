"""Checks of what people give: numbers, counts, choices, names, paths, and sizes that memory cannot hold.

NumPy's numbers and texts are taken wherever Python's are, and become Python's; True is no number. What a message shows
of what was given comes from `shown` and `listed`, which are short whatever it was.
"""

import math
import os
import sys
from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path

import numpy as np

from circuitsim.errors import CircuitSimError, InputError, TooLargeError
from circuitsim.spelling import listed, nearest, shown

__all__ = [
    "choice",
    "count",
    "fits",
    "flag",
    "listed",
    "name",
    "number",
    "path",
    "probability",
    "real",
    "shown",
    "ticks",
    "whole",
]

#: What is smaller is made without asking how much memory there is, which takes a millisecond.
LARGE = 50_000_000


#: What lies beyond overflows when times are added up and divided by each other.
SHORTEST, LONGEST = 1e-100, 1e100


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
        raise error(f"{what} is {shown(value)}: give a whole number{size}")
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
    timed = unit in ("ticks", "bytes a tick")
    if timed and found and not SHORTEST <= found <= LONGEST and not (found == math.inf and not finite):
        enough = False
    if found is None or not enough or not (found < below or (found == math.inf and not finite)):
        told = f"{'a finite' if finite else 'a'} number {'above' if positive else 'not below'} 0"
        told += f" and below {below:g}" if below < math.inf else ""
        told += f", from {SHORTEST:g} to {LONGEST:g}" if timed and found and 0.0 < found < math.inf else ""
        raise error(f"{what} is {shown(value)}: give {unit}{', ' if unit else ''}{told}{more}")
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
        raise error(f"{what} is {shown(value)}: give a number from 0 to 1")
    return found


def flag(value: object, what: str) -> bool:
    """Return what is either true or false.

    Raises
    ------
    InputError
        If it is neither True nor False.
    """
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{what} is {shown(value)}: give True or False")
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
    *words, last = map(shown, known)
    listed = f"{', '.join(words)}, {last}, {more}" if more else f"{', '.join(words)} or {last}"
    raise InputError(
        f"{what}={shown(value)} is unknown: {nearest(value, known) if isinstance(value, str) else ''}use {listed}"
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
        raise error(f"{what} is {shown(value)}: give a text of one or more letters")
    return str.__str__(value)


def path(value: object, what: str = "the path", *, error: type[CircuitSimError] = InputError) -> str:
    """Return where a file is as a plain text.

    Raises
    ------
    InputError, or another
        If it is neither a text nor a `pathlib.Path`, or no file can be called so.
    """
    try:
        found = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    except Exception:  # whatever a class of somebody's own raises
        found = None
    if not isinstance(found, str) or not found:
        raise error(f"{what} is {shown(value)}: give a text such as 'figures/run.svg', or a pathlib.Path")
    found = str.__str__(found)
    try:
        written = os.fsencode(found)
    except UnicodeEncodeError:
        raise error(f"{what} is {shown(found)}, which has letters that no file's name can have: rename it") from None
    if b"\0" in written:
        raise error(f"{what} is {shown(found)}, which has a NUL in it: no file's name can have one")
    if len(written) >= 4096 or any(len(part) > 255 for part in written.split(os.fsencode(os.sep))):
        raise error(f"{what} is {shown(found)}, which is too long: give a name of at most 255 letters")
    return found


def fits(needed: int, what: str, more: str = "give a smaller number") -> None:
    """Refuse what the memory of this machine cannot hold, before it is begun.

    Parameters
    ----------
    needed : int
        About how many bytes it takes. What is below `LARGE` is not looked at.
    what : str
        What is to be made, for the message.
    more : str
        What to do, for the message.

    Raises
    ------
    TooLargeError
        If there is not so much memory free: in the machine, in its container, or under the limit of the process.

    Examples
    --------
    >>> fits(8 * 10**15, "an array of 10**15 numbers")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    circuitsim.errors.TooLargeError: an array of 10**15 numbers takes about 8,000,000 GB of memory, ...
    """
    if needed < LARGE or needed <= (free := _free_memory()):
        return
    size = f"{needed // 10**9 or 1:,} GB" if needed < 10**18 else "a billion GB and more"
    raise TooLargeError(f"{what} takes about {size} of memory, and {free / 1e9:.1f} GB are free: {more}")


def _free_memory() -> int:
    """Return how many bytes this process may still take."""
    import psutil

    free: list[int] = [psutil.virtual_memory().available]
    for folder, most, used in (  # what a container may have, of either version of Linux's control groups
        ("", "memory.max", "memory.current"),
        ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            room, taken = (Path("/sys/fs/cgroup", folder, name).read_text(encoding="ascii") for name in (most, used))
            free.append(int(room) - int(taken))
        except (OSError, ValueError):  # there is none, or "max"
            continue
    if sys.platform != "win32":
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            free.append(limit - psutil.Process().memory_info().vms)
    return max(0, min(free))
