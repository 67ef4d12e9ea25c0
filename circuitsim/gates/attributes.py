"""The attributes of gates: what is fixed when a gate is wired, made plain and safe from changes."""

import pickle
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from circuitsim.checks import real, shown, whole
from circuitsim.errors import GateError

__all__ = ["check_attributes", "key_of", "own_attributes"]


def own_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes that nobody else can change: arrays and what holds them as copies, NumPy's numbers as Python's.

    Examples
    --------
    >>> own_attributes({"axis": np.int64(1), "name": np.str_("x")})
    {'axis': 1, 'name': 'x'}
    """
    return {str(name): _own(attribute) for name, attribute in attributes.items()}


def check_attributes(gate: str, attributes: Mapping[str, Any]) -> None:
    """Raise `GateError` if an attribute of one of this package's gates is not of the kind that its name asks for.

    Examples
    --------
    >>> check_attributes("sum", {"axis": "rows"})
    Traceback (most recent call last):
        ...
    circuitsim.errors.GateError: axis of sum is 'rows': give a whole number, several, or None for all
    """
    for name, attribute in attributes.items():
        fits, asked = _KINDS[name]
        if not fits(attribute):
            raise GateError(f"{name} of {gate} is {shown(attribute)}: give {asked}")


def _numbers(least: int | None = None) -> Callable[[Any], bool]:
    """Return the test for whole numbers from `least` on, one or an array of them."""

    def fits(thing: Any) -> bool:
        try:
            array = np.asarray(thing)
        except ValueError:  # ragged
            return False
        kind = array.dtype.kind in "iu" or not array.size
        return kind and (least is None or bool((array >= least).all()))

    return fits


def _one(least: int | None = None) -> Callable[[Any], bool]:
    def fits(thing: Any) -> bool:
        number = whole(thing)
        return number is not None and (least is None or number >= least)

    return fits


def _row(thing: Any, fits: Callable[[Any], bool], length: int | None = None) -> bool:
    return (
        isinstance(thing, Sequence | np.ndarray)
        and not isinstance(thing, str)
        and (length is None or len(thing) == length)
        and all(map(fits, thing))
    )


def _pair(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda thing: fits(thing) or _row(thing, fits, 2)


def _is_number(thing: Any) -> bool:
    return real(thing) is not None


def _is_flag(thing: Any) -> bool:
    return isinstance(thing, bool | np.bool)


def _is_index(thing: Any) -> bool:
    """Tell whether a thing can be an index, or be part of one."""
    if isinstance(thing, slice):
        return all(part is None or whole(part) is not None for part in (thing.start, thing.stop, thing.step))
    if isinstance(thing, list | tuple):
        return all(map(_is_index, thing))
    if isinstance(thing, np.ndarray):
        return thing.dtype.kind in "biu"
    return thing is None or thing is Ellipsis or isinstance(thing, bool | np.bool) or whole(thing) is not None


_AXES = "a whole number, several, or None for all"
_WIDTHS = "whole numbers not below 0: one, a pair for the height and the width, or a pair of pairs"

#: What an attribute must be by its name, which means the same to all gates: a test, and what to give.
_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "alpha": (_is_number, "a number"),
    "approximate": (lambda thing: thing in ("none", "tanh"), "'none' or 'tanh'"),
    "axes": (lambda thing: _row(thing, _one()), "the axes in their new order, or None"),
    "axis": (lambda thing: thing is None or _one()(thing) or _row(thing, _one()), _AXES),
    "causal": (_is_flag, "True or False"),
    "classes": (_one(1), "a whole number above 0"),
    "cols": (_numbers(), "whole numbers"),
    "ddof": (_one(0), "a whole number not below 0"),
    "epsilon": (lambda thing: (real(thing) or 0.0) > 0.0, "a number above 0"),
    "groups": (_one(1), "a whole number above 0"),
    "indices": (_numbers(), "whole numbers"),
    "keepdims": (_is_flag, "True or False"),
    "kernel": (_pair(_one(1)), "a whole number above 0, or two for the height and the width"),
    "pad": (_pair(_pair(_one(0))), _WIDTHS),
    "rate": (lambda thing: _is_number(thing) and 0.0 <= thing < 1.0, "a number from 0 to below 1"),
    "rows": (_numbers(), "whole numbers"),
    "seed": (_one(0), "a whole number not below 0"),
    "shape": (lambda thing: _one(-1)(thing) or _row(thing, _one(-1)), "whole numbers"),
    "slices": (_is_index, "numbers, slices, lists of whole numbers or masks, which are known when the gate is wired"),
    "slope": (_is_number, "a number"),
    "stride": (_pair(_one(1)), "a whole number above 0, or two for the height and the width"),
    "value": (_is_number, "a number"),
    "widths": (
        lambda thing: _pair(_one(0))(thing) or _row(thing, lambda width: _row(width, _one(0), 2)),
        "whole numbers not below 0: one, a pair, or a pair for each axis",
    ),
}


def key_of(attributes: Mapping[str, Any] | None) -> bytes:
    """Return a key that two sets of attributes share only if they are the same."""
    if not attributes:
        return b""
    try:
        return pickle.dumps(sorted(attributes.items(), key=lambda item: item[0]))
    except Exception:  # what cannot be pickled, a lambda for instance, is known by its identity
        return repr([(name, id(attribute)) for name, attribute in sorted(attributes.items())]).encode()


def _own(attribute: Any) -> Any:
    if isinstance(attribute, np.generic):
        return attribute.item()
    if isinstance(attribute, np.ndarray):
        copy = attribute.copy()
        copy.setflags(write=False)
        return copy
    if isinstance(attribute, dict):
        return {key: _own(value) for key, value in attribute.items()}
    if type(attribute) in (list, tuple):
        return type(attribute)(_own(thing) for thing in attribute)
    return set(attribute) if isinstance(attribute, set) else attribute
