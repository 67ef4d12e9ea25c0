"""Reads a value as it is given on the command line: ``2``, ``-1e3``, ``1/3``, ``pi/2``, ``1,2,3`` or ``[[1],[2]]``."""

import ast
import math
import operator
import re
import warnings
from typing import Any

import numpy as np

from circuitsim.checks import shown
from circuitsim.errors import InputError
from circuitsim.gates.value import Value, as_value

__all__ = ["read_value"]

_OPERATORS: dict[type[ast.AST], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_NAMES = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3}){1,6}(\.\d{0,9})?")


def read_value(text: str, what: str) -> Value:
    """Return the number or the array that a text gives.

    Parameters
    ----------
    text : str
        A number, arithmetic of numbers with ``+ - * / **``, ``pi`` and ``e``, or several with commas between them, in
        square brackets if you like.
    what : str
        What it is the value of, for the message.

    Raises
    ------
    InputError
        If it is none of these, or may be read as thousands, such as ``1,000``.

    Examples
    --------
    >>> read_value("1/4", "x"), read_value("-1e3", "x")
    (0.25, -1000.0)
    >>> read_value("1,2.5", "x")
    array([1. , 2.5])
    """
    plain = text.strip()
    try:
        return float(plain)
    except ValueError:
        pass
    if _THOUSANDS.fullmatch(plain):
        raise InputError(
            f"the value of {what}, {shown(text)}, may be one number or several: write {plain.replace(',', '')}, or "
            f"[{plain}]"
        )
    wrong = InputError(
        f"the value of {what} is no number: {shown(text)}; write for example 2, 1e3, 1/3, pi/2, or 1,2,3 for an array"
    )
    if plain.endswith(","):
        raise wrong
    try:
        with warnings.catch_warnings(action="ignore"):  # what looks odd to Python is refused
            tree = ast.parse(plain.replace("−", "-"), mode="eval")
        found = as_value(np.asarray(_compute(tree.body), dtype=np.float64))
    except ArithmeticError:
        raise InputError(f"the value of {what}, {shown(text)}, is beyond what a float holds") from None
    except (SyntaxError, ValueError, TypeError, KeyError, RecursionError, MemoryError):
        raise wrong from None
    if not np.size(found):
        raise wrong
    return found


def _compute(node: ast.expr) -> Any:
    """Return what arithmetic gives; a `KeyError` or `TypeError` if it is anything else."""
    if isinstance(node, ast.List | ast.Tuple):
        return [_compute(element) for element in node.elts]
    if isinstance(node, ast.Name):
        return _NAMES[node.id]
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_number(node.operand))
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_number(node.left), _number(node.right))
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)  # type: ignore[arg-type]
    raise TypeError


def _number(node: ast.expr) -> float:
    found = _compute(node)
    if not isinstance(found, float):  # a list, or the complex root of a number below 0
        raise TypeError
    return found
