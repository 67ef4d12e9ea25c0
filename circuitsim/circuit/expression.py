"""Reads text such as ``q = x + y; f = q * z`` as a circuit, through Python's `ast`; no gate is called.

Every name that the text does not define becomes an input, in order of appearance (``pi`` and ``e`` too); every number a
constant; every operator and function a gate. Allowed are ``+ - * / **``, unary minus, parentheses, and the registered
gates by name or alias, unless they need an attribute; ``max`` and ``min`` take two or more inputs. What the program
prints can be read as well: ``× · ÷ − ² ³``, and ``σ(x)`` and ``√(x)`` as gates' symbols.

Statements are parted by ``;`` or new lines. Each names the wire that it makes, and the last one makes the output.
"""

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator
from textwrap import shorten
from typing import Any

import numpy as np

from circuitsim import gates
from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.wire import Wire
from circuitsim.errors import ExpressionError
from circuitsim.gates.gate import Gate
from circuitsim.habits import told
from circuitsim.spelling import nearest, shown

__all__ = ["parse"]

# The gate of an operation, and what an operator computes between numbers.
_Operation = tuple[Gate, Callable[..., Any] | None]
_OPERATORS: dict[type[ast.AST], _Operation] = {
    ast.Add: (gates.add, operator.add),
    ast.Sub: (gates.sub, operator.sub),
    ast.Mult: (gates.mul, operator.mul),
    ast.Div: (gates.div, operator.truediv),
    ast.Pow: (gates.pow, operator.pow),
    ast.USub: (gates.neg, operator.neg),
}
_FOLDED = (gates.max, gates.min)  # of more than two inputs as well, as in Python
_SIGNS = str.maketrans({"×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "²": "**2", "³": "**3"})
_HINTS: dict[type[ast.AST], str] = {
    ast.BitXor: "write ** for a power",
    ast.FloorDiv: "write / to divide",
    ast.Compare: "comparisons have no gradient; max, min and relu choose between values",
    ast.Attribute: "attributes are not part of expressions",
    ast.Subscript: "indexing is not part of expressions",
    ast.Lambda: "functions cannot be defined here; define a gate in Python with @cs.gate",
    ast.NamedExpr: "name a wire in a statement of its own, as in q = x + y; f = q * z",
}


@told
def parse(text: str, name: str | None = None, output: str | None = None) -> Circuit:
    """Read an expression, or several statements, as a circuit.

    Parameters
    ----------
    text : str
        The expression, or statements such as ``q = x + y; f = q * z``: wires bear the names that they are given, and
        the last statement makes the output.
    name : str, optional
        The circuit's name; the text itself, if not given.
    output : str, optional
        What its output is called; if not given, the name that the last statement gives it, or else ``f``, or else
        ``output`` where the text has an ``f`` already.

    Raises
    ------
    ExpressionError
        If the text has anything in it but names, numbers, the operators and the gates' names, nests too
        deeply, raises a constant to a power beyond what a float holds, or names a wire twice, too late or in vain.
    GateError
        If a function is given the wrong number of arguments.

    Examples
    --------
    >>> parse("sigmoid(a*x + b*y + c)").names("input")
    ['a', 'x', 'b', 'y', 'c']
    >>> circuit = parse("q = x + y; f = q * z")
    >>> circuit.names("gate"), circuit.outputs
    (['q', 'mul1'], {'f': 'mul1'})
    """
    if name is None:
        name = "; ".join(filter(None, map(str.strip, text.split("\n"))))
    text = _in_python(text)
    statements = _statements(text)
    orders = [list(_postorder(tree)) for _, tree in statements]
    # Outermost first: it is what people meant.
    operations = [[_operation(node, text) for node in reversed(order)][::-1] for order in orders]
    circuit = Circuit(name)
    wires = {i: circuit.input(i) for i in _inputs([target for target, _ in statements], orders, text)}
    *before, last = zip(statements, orders, operations, strict=True)
    for (target, _), order, found in before:
        assert target is not None
        wires[target] = _wire_up(circuit, wires, order, found, text, target)
    (target, _), order, found = last
    result = _wire_up(circuit, wires, order, found, text)
    circuit.output(output or target or ("output" if "f" in wires else "f"), result)
    return circuit


def _in_python(text: str) -> str:
    """Return a text with Python's signs in place of those that the program prints."""
    text = re.sub(r"√(?=\s*\()", _by_symbol().get("√", "√"), text).translate(_SIGNS)
    return "\n".join(line.strip() for line in text.split("\n"))


def _statements(text: str) -> list[tuple[str | None, ast.expr]]:
    """Return the expressions in a text with what the text calls them; refuse all that is no expression."""
    try:
        with warnings.catch_warnings(action="ignore"):  # what looks odd to Python is refused below, or meant so
            body = ast.parse(text).body
    except (RecursionError, MemoryError):
        raise _too_deep() from None
    except SyntaxError as error:
        if "nested" in str(error.msg):
            raise _too_deep() from None
        column = f" at column {error.offset}" if error.offset and "\n" not in text else ""
        raise ExpressionError(f"the expression cannot be read{column}: {error.msg}; check {_quote(text)}") from None
    except ValueError as error:
        raise ExpressionError(f"the expression cannot be read: {error}") from None
    statements: list[tuple[str | None, ast.expr]] = []
    for statement in body:
        if isinstance(statement, ast.Expr):
            statements.append((None, statement.value))
        elif isinstance(statement, ast.Assign) and [type(target) for target in statement.targets] == [ast.Name]:
            (target,) = statement.targets
            assert isinstance(target, ast.Name)
            statements.append((_free_name(target, text), statement.value))
        else:
            part = ast.get_source_segment(text, statement) or text
            raise ExpressionError(
                f"{_quote(part)} is no expression: write one, or statements such as q = x + y; f = q * z"
            )
    if not statements:
        raise ExpressionError("the expression is empty: write for example 'x * y + 1'")
    for name, tree in statements[:-1]:
        if name is None:
            part = ast.get_source_segment(text, tree) or text
            raise ExpressionError(
                f"{_quote(part)} has no name, and the last statement is the output: name it, as in q = x + y; f = q * z"
            )
        if isinstance(tree, ast.Name):
            raise ExpressionError(f"'{name} = {tree.id}' makes no new wire: write {tree.id} where you need it")
    return statements


def _inputs(targets: list[str | None], orders: list[list[ast.expr]], text: str) -> list[str]:
    """Return the names that are used and not defined; refuse those that are defined twice, too late or in vain."""
    inputs: dict[str, None] = {}
    unused: dict[str, None] = {}
    for number, (target, order) in enumerate(zip(targets, orders, strict=True)):
        for node in order:
            if not isinstance(node, ast.Name):
                continue
            if node.id in targets[number:]:
                raise ExpressionError(
                    f"{shown(node.id)} is used before it is named in {_quote(text)}: name it in an earlier "
                    f"statement, or "
                    "take two names"
                )
            unused.pop(node.id, None)
            if node.id not in targets:
                inputs[_free_name(node, text)] = None
        if target is not None:
            if target in targets[:number]:
                raise ExpressionError(f"{shown(target)} is named twice in {_quote(text)}: take two names")
            unused[target] = None
    if lost := [name for name in unused if name != targets[-1]]:
        raise ExpressionError(
            f"{shown(lost[0])} is named in {_quote(text)} and not used: the last statement is the output, use "
            f"it there or "
            "leave it out"
        )
    return list(inputs)


def _wire_up(
    circuit: Circuit,
    wires: dict[str, Wire],
    order: list[ast.expr],
    operations: list[_Operation | None],
    text: str,
    name: str | None = None,
) -> Wire:
    """Add an expression to a circuit and return its wire, which gets the name if there is one."""
    stack: list[tuple[Wire, np.float64 | None]] = []  # each wire with its value, where operators alone make it
    for node, operation in zip(order, operations, strict=True):
        called = name if node is order[-1] else None
        if operation is None:
            number = _number(node, text)
            wire = wires[node.id] if isinstance(node, ast.Name) else circuit.constant(number, called)
            stack.append((wire, None if number is None else np.float64(number)))
            continue
        gate, compute = operation
        first = len(stack) - len(_children(node))
        operands, numbers = [wire for wire, _ in stack[first:]], [number for _, number in stack[first:]]
        value = None
        if compute is not None and None not in numbers:
            with np.errstate(all="ignore"):
                value = compute(*numbers)
            if isinstance(getattr(node, "op", None), ast.Pow) and not np.isfinite(value):
                raise _refuse(node, text, "this power of constants is too large for a float, or is not a real number")
        while gate in _FOLDED and len(operands) > gate.arity:
            operands[:2] = [circuit.gate(gate, *operands[:2])]
        stack[first:] = [(circuit.gate(gate, *operands, name=called), value)]
    return stack.pop()[0]


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


def _operation(node: ast.expr, text: str) -> _Operation | None:
    """Return an operation's gate, and what an operator computes; None for names and numbers; refuse all else."""
    if isinstance(node, ast.BinOp):
        if type(node.op) not in _OPERATORS:
            raise _refuse(node, text, _HINTS.get(type(node.op), "use + - * / **"))
        return _OPERATORS[type(node.op)]
    if isinstance(node, ast.UnaryOp) and not _signed_number(node):
        if type(node.op) not in _OPERATORS:
            raise _refuse(node, text, "the only sign allowed is -")
        return _OPERATORS[type(node.op)]
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name):
            raise _refuse(node, text, "only gates can be called, by their names")
        name = node.func.id
        gate = gates.registry.get(name) or gates.registry.get(_by_symbol().get(name, ""))
        if gate is not None and (given := [word.arg for word in node.keywords if word.arg in gate.attributes]):
            raise _refuse(node, text, f"only Python can give {name} its {' and '.join(given)}, cs.{name}(...)")
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise _refuse(node, text, "give the arguments one by one, without names or stars")
        if gate is None:
            known = {name: gate for name, gate in gates.registry.items() if name.isidentifier() and not gate.required}
            if question := nearest(name, known).strip():
                raise ExpressionError(f"unknown gate {_quote(name)} in {_quote(text)}: {question}")
            scalars = " ".join(sorted(name for name, gate in known.items() if not gate.for_arrays))
            arrays = " ".join(sorted(name for name, gate in known.items() if gate.for_arrays))
            listed = shorten(f"{scalars}, and for arrays {arrays}", 300, placeholder=" ...")
            raise ExpressionError(f"unknown gate {_quote(name)}: the gates are {listed}")
        if gate.required:
            needed = " and ".join(gate.required)
            raise _refuse(node, text, f"{name} needs its {needed}, which only Python can give, cs.{name}(...)")
        return gate, None
    return None


def _by_symbol() -> dict[str, str]:
    """Return gates' names by the signs that pictures and explanations show for them."""
    return {gate.symbol: name for name, gate in reversed(gates.registry.items())}


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


def _free_name(node: ast.Name, text: str) -> str:
    """Return a name that is an input or a wire; refuse that of a gate."""
    gate = gates.registry.get(node.id)
    if gate is not None and not gate.for_arrays:  # an input may well be called mean or sum
        raise ExpressionError(
            f"{shown(node.id)} is a gate in {_quote(text)}: call it, as in {node.id}(x), or take another name"
        )
    return node.id


def _refuse(node: ast.expr, text: str, hint: str) -> ExpressionError:
    part = ast.get_source_segment(text, node) or text
    return ExpressionError(f"{_quote(part)} is not allowed in an expression: {hint}")


def _too_deep() -> ExpressionError:
    return ExpressionError("the expression nests too deeply to be read: split it, or build the circuit in Python")


def _quote(text: str) -> str:
    return shown(" ".join(text.split()))
