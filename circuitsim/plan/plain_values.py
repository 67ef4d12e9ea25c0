"""Values that can be written down: as Python that makes them again, and as JSON there and back.

Both show only what differs from the defaults. In JSON a value is an object with one key, the name of what it is:
``{"Plan": {"stages": 4, "schedule": "1f1b"}}``.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, ClassVar, TypeVar

from circuitsim.errors import CircuitSimError, InputError
from circuitsim.habits import ReadOnly
from circuitsim.spelling import nearest

__all__ = ["Fixed", "Written"]

Key = TypeVar("Key")
Item = TypeVar("Item")
Self = TypeVar("Self", bound="Written")


class Fixed(ReadOnly[Key, Item]):
    """A mapping that does not change and so can be hashed; for the rest a dict.

    Examples
    --------
    >>> Fixed({"a": 1}) == {"a": 1}, hash(Fixed({"a": 1})) == hash(Fixed({"a": 1}))
    (True, True)
    """

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


class Written:
    """The base of dataclasses that can be written down."""

    kinds: ClassVar[dict[str, type["Written"]]] = {}

    def __init_subclass__(cls) -> None:
        Written.kinds[cls.__name__] = cls

    def differing(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults."""
        return {
            field.name: value
            for field in fields(self)  # type: ignore[arg-type]
            if (value := getattr(self, field.name)) != _default(field)
        }

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.differing().items())
        return f"{type(self).__name__}({told})"

    def content(self) -> Any:
        """Return the fields that `to_json` writes, before they are encoded."""
        return self.differing()

    @classmethod
    def of_content(cls: type[Self], content: Any) -> Self:
        """Build the value from what `content` returned."""
        if not isinstance(content, Mapping):
            raise InputError(f"this JSON says {content!r} of a {cls.__name__}: give an object with its fields")
        known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        for name in content:
            if name not in known:
                raise InputError(
                    f"a {cls.__name__} has no field {name!r}: {nearest(name, known)}its fields are {', '.join(known)}"
                )
        for field in fields(cls):  # type: ignore[arg-type]
            if field.name not in content and _default(field) is MISSING:
                raise InputError(f"this JSON of a {cls.__name__} lacks {field.name!r}: add it")
        return cls(**content)

    def to_json(self) -> str:
        """Return the value as a JSON text, which `from_json` reads.

        Raises
        ------
        InputError
            If something in it, such as a function, has no name that could be written.
        """
        return json.dumps(_encode(self, f"the {type(self).__name__}"), allow_nan=False)

    @classmethod
    def from_json(cls: type[Self], text: str | bytes) -> Self:
        """Build the value from a JSON text that `to_json` wrote.

        Raises
        ------
        InputError
            If it is no JSON, or that of something else.
        """
        try:
            thing = json.loads(text)
            if isinstance(thing, dict) and list(thing) == [cls.__name__]:
                return _decode(thing)  # type: ignore[no-any-return]
        except CircuitSimError:
            raise
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"this is no JSON of a {cls.__name__}: {error}") from None
        raise InputError(
            f"this is no JSON of a {cls.__name__}: give an object with the one key {cls.__name__!r}, as to_json "
            "writes it"
        )


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _encode(value: Any, where: str) -> Any:
    """Return a value as objects, lists, texts and numbers."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, Written):
        content = value.content()
        name = type(value).__name__
        if isinstance(content, dict):
            return {name: {key: _encode(part, f"the {key} of {where}") for key, part in content.items()}}
        return {name: _encode(content, where)}
    if isinstance(value, Mapping):
        return {"Mapping": [[_encode(key, where), _encode(part, where)] for key, part in value.items()]}
    if isinstance(value, Iterable):
        return [_encode(part, where) for part in value]
    raise InputError(f"{where} is {value!r}, which cannot be written as JSON: give a name or a value instead")


def _decode(thing: Any) -> Any:
    """Return the value that `_encode` has made this of."""
    if isinstance(thing, list):
        return tuple(map(_decode, thing))
    if not isinstance(thing, dict):
        return thing
    if len(thing) == 1:
        [(name, content)] = thing.items()
        if name in Written.kinds:
            plain = {key: _decode(part) for key, part in content.items()} if isinstance(content, dict) else content
            return Written.kinds[name].of_content(_decode(content) if isinstance(content, list) else plain)
        if name == "float" and content in ("inf", "-inf", "nan"):
            return float(content)
        if name == "Mapping" and isinstance(content, list) and all(_is_pair(pair) for pair in content):
            return {_decode(key): _decode(part) for key, part in content}
    raise InputError(f"this JSON has an object with {', '.join(map(repr, thing)) or 'nothing'}: it means nothing here")


def _is_pair(thing: Any) -> bool:
    """Tell whether it is a key, which is a name, a number or several, and something."""
    if not isinstance(thing, list) or len(thing) != 2:
        return False
    return all(isinstance(part, int | str) for part in (thing[0] if isinstance(thing[0], list) else thing[:1]))
