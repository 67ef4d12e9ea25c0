"""Numbers, texts, arrays and what holds them as plain data, which JSON can hold, and back.

JSON lists stand for lists. What JSON lacks is tagged: ``{"float": "nan"}``, ``{"tuple": […]}``, ``{"slice": […]}``,
``{"dict": [[key, value], …]}``, ``{"ellipsis": []}`` for ``...``, and ``{"array": […], "shape": […],
"dtype": "float64"}`` with the elements row by row.
Numbers keep all their bits; a nan with other bits than ``float("nan")`` stands as ``{"float": "fff8000000000000"}``.

All files that circuitsim reads hold their JSON so. What is read is checked: nothing is made of it but numbers, texts
and arrays.
"""

import json
import math
import struct
from typing import Any

import numpy as np

__all__ = ["lengths", "pack", "read_json", "unpack"]

DTYPES = {np.dtype(code).name for code in "?bhilqBHILQefd"}
LONGEST = 2**40  # no axis of an array is longer


def pack(thing: Any) -> Any:
    """Return a value or an attribute as plain data.

    Raises
    ------
    TypeError
        With the name of a type that JSON cannot hold.

    Examples
    --------
    >>> pack((1, float("inf")))
    {'tuple': [1, {'float': 'inf'}]}
    >>> pack(np.array([[1, 2]], np.int64))
    {'array': [1, 2], 'shape': [1, 2], 'dtype': 'int64'}
    """
    if isinstance(thing, np.generic):
        thing = thing.item()
    if thing is None or type(thing) in (bool, int, str):
        return thing
    if thing is Ellipsis:
        return {"ellipsis": []}
    if type(thing) is float:
        return thing if math.isfinite(thing) else {"float": _odd(thing)}
    if type(thing) is list:
        return list(map(pack, thing))
    if type(thing) is tuple:
        return {"tuple": list(map(pack, thing))}
    if type(thing) is slice:
        return {"slice": [pack(thing.start), pack(thing.stop), pack(thing.step)]}
    if type(thing) is dict:
        return {"dict": [[pack(key), pack(value)] for key, value in thing.items()]}
    if type(thing) is np.ndarray and thing.dtype.name in DTYPES:
        elements = thing.ravel().tolist()
        if thing.dtype.kind == "f" and not np.isfinite(thing).all():
            elements = list(map(pack, elements))
        return {"array": elements, "shape": list(thing.shape), "dtype": thing.dtype.name}
    raise TypeError(type(thing).__name__)


def unpack(packed: Any) -> Any:
    """Undo `pack`.

    Raises
    ------
    ValueError
        If it is nothing that `pack` made.
    """
    try:
        return _unpack(packed)
    except (TypeError, KeyError, OverflowError, RecursionError, struct.error):
        raise ValueError("it is no plain data") from None


def _unpack(packed: Any) -> Any:
    if isinstance(packed, list):
        return list(map(_unpack, packed))
    if not isinstance(packed, dict):
        return packed
    if packed.keys() == {"array", "shape", "dtype"}:
        return _unpack_array(**packed)
    if len(packed) != 1:
        raise ValueError
    ((tag, content),) = packed.items()
    if tag == "float":
        return _even(content)
    if not isinstance(content, list):
        raise ValueError
    if tag == "ellipsis" and not content:
        return Ellipsis
    if tag == "tuple":
        return tuple(map(_unpack, content))
    if tag == "slice" and len(content) == 3:
        return slice(*map(_unpack, content))
    if tag == "dict" and all(isinstance(pair, list) and len(pair) == 2 for pair in content):
        return {_unpack(key): _unpack(value) for key, value in content}
    raise ValueError


def _odd(number: float) -> str:
    """Name an infinity or a nan."""
    bits = struct.pack(">d", number).hex()
    return bits if number != number and bits != struct.pack(">d", math.nan).hex() else repr(number)


def _even(name: Any) -> float:
    """Undo `_odd`."""
    if not isinstance(name, str):
        raise ValueError
    number: float
    if name in ("inf", "-inf", "nan"):
        number = float(name)
    else:
        (number,) = struct.unpack(">d", bytes.fromhex(name) if len(name) == 16 else b"")
    if _odd(number) != name:
        raise ValueError
    return number


def _unpack_array(array: Any, shape: Any, dtype: Any) -> Any:
    if not isinstance(array, list) or not isinstance(dtype, str) or dtype not in DTYPES or lengths(shape) is None:
        raise ValueError
    if None in shape or len(shape) > 32 or math.prod(shape) != len(array):
        raise ValueError
    kind = np.dtype(dtype).kind
    if kind == "f":
        array = [_even(one["float"]) if isinstance(one, dict) and one.keys() == {"float"} else one for one in array]
    wanted = {"b": bool, "f": float}.get(kind, int)
    if any(type(one) is not wanted for one in array):
        raise ValueError
    return np.array(array, dtype).reshape(shape)


def read_json(text: str | bytes) -> Any:
    """Return what a JSON text says, if it is strict: no key twice, and no number that JSON has not.

    Raises
    ------
    ValueError
        If it is not.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError(str(error)) from None


def lengths(shape: Any) -> list[int | None] | None:
    """Return a shape if it is one, in which None stands for a length that is not known."""
    if not isinstance(shape, list) or any(
        length is not None and (type(length) is not int or not 0 <= length < LONGEST) for length in shape
    ):
        return None
    return shape


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("an object has a key twice")
    return made


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
