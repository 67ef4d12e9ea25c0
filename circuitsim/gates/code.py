"""What a gate does as text: expressions that compiled code has in its lines where it would otherwise call functions.

An expression may use the names of the gate's ports, ``gradient`` and ``output`` as its rules get them, numbers, and
functions of NumPy. Where `None` stands in place of one, the function is called.
"""

import ast
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from circuitsim.errors import GateError

__all__ = ["Code", "Expression"]

_UFUNCS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.USub: np.negative,
}


class Expression:
    """One expression of a gate's code.

    Parameters
    ----------
    text : str
        The expression in Python.
    names : collection of str
        The names that it may use besides functions of NumPy.

    Attributes
    ----------
    template : str
        The text with the names in braces, for `str.format`.
    functions : dict of str to callable
        The functions of NumPy that it calls.
    name : str or None
        The name that is all of it, if it is one.
    operation : tuple or None
        The one NumPy function that computes all of it, and the names of its arguments, if there is one.

    Examples
    --------
    >>> square = Expression("x * x", ["x"])
    >>> square.template.format(x="v7"), square.operation
    ('v7 * v7', (<ufunc 'multiply'>, ('x', 'x')))
    """

    def __init__(self, text: str, names: Collection[str]) -> None:
        try:
            self._tree = ast.parse(text, mode="eval").body
        except SyntaxError as error:
            raise GateError(f"the code {text!r} cannot be read: {error.msg}") from None
        self.functions: dict[str, Callable[..., Any]] = {}
        self.name = self._tree.id if isinstance(self._tree, ast.Name) else None
        self.operation = _operation(self._tree)
        filled = ast.parse(text, mode="eval")
        for node in ast.walk(filled):
            if isinstance(node, ast.Name) and node.id in names:
                node.id = f"{{{node.id}}}"
            elif isinstance(node, ast.Name):
                if not callable(getattr(np, node.id, None)):
                    known = ", ".join(names)
                    raise GateError(f"the code {text!r} uses {node.id!r}: use {known} and the functions of NumPy")
                self.functions[node.id] = getattr(np, node.id)
        self.template = ast.unparse(filled)

    def shows(self, name: str) -> bool:
        """Tell whether the result cannot be finite where what is called `name` is not."""
        return _shows(self._tree, name)


def _operation(tree: ast.AST) -> tuple[Callable[..., Any], tuple[str, ...]] | None:
    if isinstance(tree, ast.BinOp):
        function, operands = _UFUNCS.get(type(tree.op)), [tree.left, tree.right]
    elif isinstance(tree, ast.UnaryOp):
        function, operands = _UFUNCS.get(type(tree.op)), [tree.operand]
    elif isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
        function, operands = getattr(np, tree.func.id, None), tree.args
        function = function if isinstance(function, np.ufunc) else None
    else:
        return None
    names = tuple(operand.id for operand in operands if isinstance(operand, ast.Name))
    return (function, names) if function is not None and len(names) == len(operands) else None


def _shows(tree: ast.AST, name: str) -> bool:
    """Tell of part of an expression: sums and products have an infinity or a nan if any of their parts is one."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub | ast.Mult):
        return _shows(tree.left, name) or _shows(tree.right, name)
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return _shows(tree.operand, name)
    return isinstance(tree, ast.Name) and tree.id == name


class Code:
    """The code of a gate: its function and the rule of each port.

    Attributes
    ----------
    forward : Expression or None
        Over the ports.
    shares : tuple of (Expression or None)
        What each port is sent, over ``gradient``, ``output`` and the ports.
    """

    __slots__ = ("forward", "shares")

    def __init__(self, ports: tuple[str, ...], forward: str | None, shares: tuple[str | None, ...]) -> None:
        self.forward = None if forward is None else Expression(forward, ports)
        names = ("gradient", "output", *ports)
        self.shares = tuple(None if share is None else Expression(share, names) for share in shares)
