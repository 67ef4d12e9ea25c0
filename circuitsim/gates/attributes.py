"""The attributes of gates: what is fixed when a gate is wired, made plain and safe from changes."""

import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["key_of", "own_attributes"]


def own_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes that nobody else can change: arrays and what holds them as copies, NumPy's numbers as Python's.

    Examples
    --------
    >>> own_attributes({"axis": np.int64(1), "name": np.str_("x")})
    {'axis': 1, 'name': 'x'}
    """
    return {str(name): _own(attribute) for name, attribute in attributes.items()}


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
