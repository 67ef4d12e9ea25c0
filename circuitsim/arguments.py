"""Which argument of a call does not fit the annotation of its parameter: looked up where a call has failed.

A call that goes well costs nothing here, and what is not annotated is not judged.
"""

import os
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from inspect import Parameter, isclass, signature
from numbers import Integral, Real
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import numpy as np
import numpy.typing as npt

from circuitsim.spelling import shown

__all__ = ["misfit"]

#: How many elements of a list are looked at.
LOOKED_AT = 100

_WORDS: dict[Any, str] = {
    type(None): "None",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    npt.ArrayLike: "an array",
    np.ndarray: "an array of numbers",
    os.PathLike: "a pathlib.Path",
}


def misfit(function: Callable[..., Any], given: tuple[Any, ...], settings: Mapping[str, Any]) -> str | None:
    """Return a sentence about the first argument that does not fit, None if all do or nothing is known.

    Examples
    --------
    >>> def moved(by: float, times: int = 1) -> float: ...
    >>> misfit(moved, (1.5, "2"), {})
    "times of moved is '2': give a whole number"
    """
    parameters = signature(function).parameters
    for name, thing in signature(function).bind(*given, **settings).arguments.items():
        kind, hint = parameters[name].kind, parameters[name].annotation
        several = thing if kind is Parameter.VAR_POSITIONAL else [thing]
        for one in thing.values() if kind is Parameter.VAR_KEYWORD else several:
            if hint is not Parameter.empty and not _fits(one, hint):
                called = function.__qualname__.removesuffix(".__init__").rpartition(".")[2]
                return f"{name} of {called} is {shown(one)}: give {_words(hint)}"
    return None


def _fits(thing: Any, hint: Any) -> bool:
    """Tell whether a thing is what an annotation says, as far as can be seen without changing it."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is npt.ArrayLike or hint is np.ndarray or origin is np.ndarray:
        return _is_array(thing, "biufSU" if hint is npt.ArrayLike else "biuf")
    if hint is Any or hint is object or isinstance(hint, TypeVar):
        return True
    if isinstance(hint, str):  # a class by its name
        return not hint.isidentifier() or any(kind.__name__ == hint for kind in type(thing).__mro__)
    if origin in (Union, types.UnionType):
        return any(_fits(thing, part) for part in inner)
    if origin is Literal:
        return isinstance(thing, str | int) and thing in inner
    if origin is type:
        return isclass(thing) and (not isclass(inner[0]) or issubclass(thing, inner[0]))
    kind = origin or (type(None) if hint is None else hint)
    if kind is Callable or kind is types.FunctionType or getattr(kind, "__name__", "") == "Callable":
        return callable(thing)
    if kind is bool:
        return isinstance(thing, bool | np.bool_)
    if kind in (int, float):
        return isinstance(thing, Integral if kind is int else Real) and not isinstance(thing, bool | np.bool_)
    if not isclass(kind):
        return True
    if getattr(kind, "_is_protocol", False) and not getattr(kind, "_is_runtime_protocol", False):
        asked = [name for name in (*vars(kind), *kind.__annotations__) if not name.startswith("_")]
        return not isclass(thing) and all(hasattr(thing, name) for name in asked)
    if not isinstance(thing, kind) and not (issubclass(list, kind) and isinstance(thing, np.ndarray) and thing.ndim):
        return False
    return _elements_fit(thing, kind, inner)


def _elements_fit(thing: Any, kind: type, inner: tuple[Any, ...]) -> bool:
    if not inner or not isinstance(thing, Collection):
        return True
    if isinstance(thing, Mapping):
        return all(_fits(part, hint) for pair in thing.items() for part, hint in zip(pair, inner, strict=False))
    if issubclass(kind, tuple) and Ellipsis not in inner:
        return len(thing) == len(inner) and all(map(_fits, thing, inner))
    if isinstance(thing, str) and not issubclass(kind, str):
        return _fits("", inner[0])  # a text is a sequence of texts
    return all(_fits(part, inner[0]) for part, _ in zip(thing, range(LOOKED_AT), strict=False))


def _is_array(thing: Any, kinds: str) -> bool:
    try:
        return np.asarray(thing).dtype.kind in kinds
    except Exception:  # ragged, or whatever a class of somebody's own raises
        return False


def _words(hint: Any) -> str:
    """Write for people what an annotation asks for."""
    origin, inner = get_origin(hint), get_args(hint)
    if isinstance(hint, str):
        return f"a {hint}"
    if hint in _WORDS:
        return _WORDS[hint]
    if origin in (Union, types.UnionType):
        parts = list(dict.fromkeys(_words(part) for part in inner))
        return " or ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
    if origin is Literal:
        return " or ".join(map(shown, inner))
    kind = origin or hint
    if kind in _WORDS:
        return _WORDS[kind]
    if kind is type:
        return f"a class, {getattr(inner[0], '__name__', 'any')} or one made from it"
    if not isclass(kind):
        return "something else"
    if kind.__name__ == "Callable":
        return "a function"
    if issubclass(kind, Mapping):
        return "a mapping" + (f", of {_words(inner[0])} to {_words(inner[1])}" if len(inner) == 2 else "")
    if kind.__module__ != "collections.abc" and not issubclass(kind, Iterable):
        return f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__name__}"
    of = [_words(part) for part in inner if part is not Ellipsis]
    return f"a list of {' and '.join(of)}" if of else f"a {kind.__name__}"
