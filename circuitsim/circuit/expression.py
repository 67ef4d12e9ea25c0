"""Reads text such as ``sigmoid(a*x + b*y + c)`` as a circuit, through Python's `ast`; no gate is called.

Every name becomes an input, in order of appearance; every number a constant; every operator and function a
gate. Allowed are ``+ - * / **``, unary minus, parentheses, and the registered gates by name or alias,
unless they need an attribute.
"""

import ast
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from circuitsim import gates
from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.wire import Wire
from circuitsim.errors import ExpressionError
from circuitsim.spelling import nearest

__all__ = ["parse"]

# Between wires an operator wires up a gate, between numbers it computes.
_OPERATORS: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_HINTS = {
    ast.BitXor: "write ** for a power",
    ast.FloorDiv: "write / to divide",
    ast.Compare: "comparisons have no gradient; max, min and relu choose between values",
    ast.Attribute: "attributes are not part of expressions",
    ast.Subscript: "indexing is not part of expressions",
    ast.Lambda: "functions cannot be defined here; define a gate in Python with @cs.gate",
}


def parse(text: str, name: str | None = None, output: str = "f") -> Circuit:
    """Read an expression as a circuit.

    Parameters
    ----------
    text : str
        The expression.
    name : str, optional
        The circuit's name; the text itself, if not given.
    output : str
        What its output is called.

    Raises
    ------
    ExpressionError
        If the text has anything in it but names, numbers, the operators and the gates' names, nests too
        deeply, or raises a constant to a power beyond what a float holds.
    GateError
        If a function is given the wrong number of arguments.

    Examples
    --------
    >>> parse("sigmoid(a*x + b*y + c)").names("input")
    ['a', 'x', 'b', 'y', 'c']
    """
    text = text.strip()
    if not text:
        raise ExpressionError("the expression is empty: write for example 'x * y + 1'")
    try:
        tree = ast.parse(text, mode="eval").body
    except (RecursionError, MemoryError):
        raise _too_deep() from None
    except SyntaxError as error:
        if "nested" in str(error.msg):
            raise _too_deep() from None
        column = f" at column {error.offset}" if error.offset else ""
        raise ExpressionError(f"the expression cannot be read{column}: {error.msg}; check {_quote(text)}") from None
    except ValueError as error:
        raise ExpressionError(f"the expression cannot be read: {error}") from None

    circuit = Circuit(name if name is not None else text)
    order = list(_postorder(tree))
    operations = [_operation(node, text) for node in reversed(order)][::-1]  # outermost first: it is what people meant
    inputs = (node for node in order if isinstance(node, ast.Name))
    wires = {i: circuit.input(i) for i in dict.fromkeys(_input_name(node, text) for node in inputs)}
    stack: list[tuple[Wire, np.float64 | None]] = []  # each wire with its value, where operators alone make it
    for node, operation in zip(order, operations, strict=True):
        if operation is None:
            number = _number(node, text)
            wire = wires[node.id] if isinstance(node, ast.Name) else circuit.constant(number)
            stack.append((wire, None if number is None else np.float64(number)))
            continue
        first = len(stack) - len(_children(node))
        operands, numbers = [wire for wire, _ in stack[first:]], [number for _, number in stack[first:]]
        value = None
        if not isinstance(node, ast.Call) and None not in numbers:
            with np.errstate(all="ignore"):
                value = operation(*numbers)
            if operation is operator.pow and not np.isfinite(value):
                raise _refuse(node, text, "this power of constants is too large for a float, or is not a real number")
        stack[first:] = [(operation(*operands), value)]
    circuit.output(output, stack.pop()[0])
    return circuit


def _postorder(tree: ast.expr) -> Iterator[ast.expr]:
    """Yield arguments before the operation that takes them, left to right, without recursion."""
    stack = [(tree, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        else:
            stack.append((node, True))
            stack += [(child, False) for child in reversed(_children(node))]


def _children(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp):
        # A signed number is one constant, not a gate.
        return [] if _signed_number(node) else [node.operand]
    if isinstance(node, ast.Call):
        return node.args
    return []


def _signed_number(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
        and type(node.operand.value) in (int, float)
    )


def _operation(node: ast.expr, text: str) -> Callable[..., Any] | None:
    """Return what wires an operation up, None for names and numbers; refuse all else."""
    if isinstance(node, ast.BinOp):
        operation = _OPERATORS.get(type(node.op))
        if operation is None:
            raise _refuse(node, text, _HINTS.get(type(node.op), "use + - * / **"))
        return operation
    if isinstance(node, ast.UnaryOp) and not _signed_number(node):
        if isinstance(node.op, ast.USub):
            return operator.neg
        raise _refuse(node, text, "the only sign allowed is -")
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name):
            raise _refuse(node, text, "only gates can be called, by their names")
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise _refuse(node, text, "give the arguments one by one, without names or stars")
        name = node.func.id
        if name not in gates.registry:
            known = sorted(name for name, gate in gates.registry.items() if not gate.for_arrays)
            raise ExpressionError(
                f"unknown gate {name!r} in {_quote(text)}: {nearest(name, known)}the gates are {' '.join(known)}"
            )
        gate = gates.registry[name]
        if gate.required:
            needed = " and ".join(gate.required)
            raise _refuse(node, text, f"{name} needs its {needed}, which only Python can give, cs.{name}(...)")
        return gate
    return None


def _number(node: ast.expr, text: str) -> float | None:
    """Return the number that a leaf stands for, None for a name; refuse all else."""
    if isinstance(node, ast.Name):
        return None
    sign = 1.0
    if isinstance(node, ast.UnaryOp):
        node, sign = node.operand, -1.0
    if not isinstance(node, ast.Constant) or type(node.value) not in (int, float):
        raise _refuse(node, text, _HINTS.get(type(node), "use names, numbers, + - * / ** and gates"))
    try:
        number = sign * float(node.value)  # type: ignore[arg-type]
    except OverflowError:
        number = np.inf
    if not np.isfinite(number):
        raise ExpressionError(f"a number in {_quote(text)} is too large for a float: the largest is about 1.8e308")
    return number


def _input_name(node: ast.Name, text: str) -> str:
    gate = gates.registry.get(node.id)
    if gate is not None and not gate.for_arrays:  # an input may well be called mean or sum
        raise ExpressionError(
            f"{node.id!r} is a gate in {_quote(text)}: call it, as in {node.id}(x), or rename the input"
        )
    return node.id


def _refuse(node: ast.expr, text: str, hint: str) -> ExpressionError:
    part = ast.get_source_segment(text, node) or text
    return ExpressionError(f"{_quote(part)} is not allowed in an expression: {hint}")


def _too_deep() -> ExpressionError:
    return ExpressionError("the expression nests too deeply to be read: split it, or build the circuit in Python")


def _quote(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else text[:57] + "...")
