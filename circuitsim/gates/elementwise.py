"""The check of gates that are declared elementwise: a number and an element of an array must give the same bits.

Engines then may compute many such gates as one operation on arrays, where others compute each by itself.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np

from circuitsim.errors import GateError
from circuitsim.gates.value import Array, NoValueError, Value, as_value, read

__all__ = ["check_elementwise"]

COUNT = 4000  # numbers to try: `x**2` differs in one of a thousand
FEW = 300  # where one input is the same number for all
INSTEAD = "write x*x*x for x**3, np.divide(a, b) for a / b, np.where for a choice, and NumPy's functions for math's"
ODD = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 1e-200, -1e200, np.inf, -np.inf, np.nan)


class Arithmetic(Protocol):
    """What is checked of a gate."""

    name: str
    ports: tuple[str, ...]
    forward: Callable[..., Any]
    vjps: list[Callable[..., Any] | None]


def check_elementwise(gate: Arithmetic, attributes: dict[str, Any]) -> None:
    """Raise `GateError` unless a gate's function and rules give numbers and elements of arrays the same bits."""
    random = np.random.default_rng(0)
    inputs = [_numbers(random) for _ in gate.ports]
    forward = partial(gate.forward, **attributes)
    where = f"gate {gate.name!r} is declared elementwise, but"
    output = _compare(forward, inputs, f"{where} its function", list(gate.ports))
    for port, vjp in enumerate(gate.vjps):
        if vjp is not None:
            names = ["gradient", "output", *gate.ports]
            rule = partial(vjp, **attributes)
            _compare(rule, [_numbers(random), output, *inputs], f"{where} its vjp of port {port}", names)


def _numbers(random: np.random.Generator) -> Array:
    """Return numbers of all sizes, and the odd ones in any order, so that any two of them meet."""
    usual = random.normal(size=COUNT) * 10.0 ** random.uniform(-3, 3, COUNT)
    return np.concatenate([usual, *(random.permutation(ODD) for _ in range(30))])


def _compare(function: Callable[..., Any], columns: list[Array], where: str, names: list[str]) -> Array:
    """Return what a function makes of numbers one by one, after comparing with what it makes of arrays."""
    usual, odd = [column[:COUNT] for column in columns], [column[COUNT:] for column in columns]
    return np.concatenate([_compare_all(function, part, where, names) for part in (usual, odd)])


def _compare_all(function: Callable[..., Any], columns: list[Array], where: str, names: list[str]) -> Array:
    alone = _one_by_one(function, columns, where, names)
    _same(function, columns, columns, alone, where, names)
    spaced = [np.repeat(column, 2)[::2] for column in columns]  # not side by side in memory
    _same(function, spaced, columns, alone, where, names)
    ports = range(2 if names[0] == "gradient" else 0, len(columns))  # a gradient has the shape of the output
    for place in ports if len(ports) > 1 else ():
        for number in (0.5, 2.0, -1.0, float(columns[place][0])):
            some = [column[:FEW] for column in columns]
            some[place] = np.full(len(some[place]), number)
            part = _one_by_one(function, some, where, names)
            given: list[Value] = [*some[:place], number, *some[place + 1 :]]
            _same(function, given, some, part, where, names)
            given[place] = np.full(1, number)
            _same(function, given, some, part, where, names)
    return alone


def _one_by_one(function: Callable[..., Any], columns: list[Array], where: str, names: list[str]) -> Array:
    made = []
    with np.errstate(all="ignore"):
        for row in zip(*(column.tolist() for column in columns), strict=True):
            try:
                value = read(function(*row))
            except (ArithmeticError, ValueError, TypeError) as error:
                given = ", ".join(f"{name} = {number!r}" for name, number in zip(names, row, strict=True))
                why = "it makes a complex number" if isinstance(error, NoValueError) else str(error)
                raise GateError(
                    f"{where} fails on a number where an array gives inf or nan ({given}: {why}): {INSTEAD}"
                ) from None
            if not isinstance(value, float):
                raise GateError(f"{where} makes an array of shape {value.shape} from numbers: let it make a number")
            made.append(value)
    return np.array(made)


def _same(
    function: Callable[..., Any],
    given: list[Any],
    columns: list[Array],
    alone: Array,
    where: str,
    names: list[str],
) -> None:
    try:
        with np.errstate(all="ignore"):
            whole = np.asarray(read(function(*map(as_value, given))))
    except (ArithmeticError, ValueError, TypeError) as error:
        raise GateError(f"{where} fails on an array ({error}): {INSTEAD}") from None
    if whole.shape not in ((), alone.shape):
        raise GateError(f"{where} makes shape {whole.shape} of arrays of shape {alone.shape}: keep the shape")
    whole = np.broadcast_to(whole, alone.shape)
    same = (whole == alone) & (np.signbit(whole) == np.signbit(alone)) | (np.isnan(whole) & np.isnan(alone))
    if not same.all():
        place = int(np.argmin(same))
        at = ", ".join(f"{name} = {float(column[place])!r}" for name, column in zip(names, columns, strict=True))
        raise GateError(
            f"{where} gives a number and an element of an array different bits, {float(alone[place])!r} and "
            f"{float(whole[place])!r} for {at}: {INSTEAD}"
        )
