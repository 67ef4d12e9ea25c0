"""The faults that may be put into a module: each is one place in its text, and what to write there instead.

Left alone are docstrings, the texts of errors, all other strings, ``__repr__``, annotations and what else only the type
checker reads, what only asserts (``assert`` and ``strict=``), ``__all__`` and ``__slots__``.
"""

import ast
import copy
import warnings
from typing import NamedTuple

SWAPPED = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.And: (ast.Or,), ast.Or: (ast.And,),
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,), ast.Mod: (ast.FloorDiv,), ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,), ast.Break: (ast.Continue,), ast.Continue: (ast.Break,),
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum"}
ANY_ORDER = {*NAMES, "isinstance"}
NO_BRACKETS = ast.Name, ast.Attribute, ast.Call, ast.Constant, ast.Subscript


class Fault(NamedTuple):
    """One place in a module, and what to write there instead."""

    first: int  # the lines of its statement (of the head, where the statement has a body): those that tests reach
    last: int
    line: int
    was: str
    becomes: str
    text: str  # the module with the fault in it


def faults_of(source):
    """Return the faults of a module, those of one place together."""
    lines = [line.encode() for line in source.splitlines(keepends=True)]  # ast counts bytes
    starts = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
    whole, found = source.encode(), []

    def visit(node, span, inside_class):
        if left_alone(node):
            return
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            span = node.lineno, max(node.lineno, body[0].lineno - 1) if body else node.end_lineno
        here = []
        for new in instead(node, inside_class):
            begin, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
            becomes = ast.unparse(new)
            if isinstance(new, ast.expr) and not isinstance(new, NO_BRACKETS):
                becomes = f"({becomes})"
            text = (whole[:begin] + becomes.encode() + whole[end:]).decode()
            here.append(Fault(*span, node.lineno, whole[begin:end].decode(), becomes, text))
        if here:
            found.append(here)
        for child in read_by_python(node):
            visit(child, span, isinstance(node, ast.ClassDef))

    visit(ast.parse(source), (1, 1), False)
    return found


def left_alone(node):
    match node:
        case ast.JoinedStr() | ast.Assert() | ast.Import() | ast.ImportFrom() | ast.FunctionDef(name="__repr__"):
            return True
        case ast.Expr(value=ast.Constant()) | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]):
            return True
        case ast.Call(func=ast.Name(id="cast" | "TypeVar")) | ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
            return True
        case ast.keyword(arg="strict"):
            return True
    return False


def read_by_python(node):
    """Yield the parts of a piece of code that do something when it runs."""
    for name, field in ast.iter_fields(node):
        if name in ("annotation", "returns") or (isinstance(node, ast.Raise) and name in ("exc", "cause")):
            continue
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST):
                yield child


def instead(node, inside_class):
    """Yield what may stand where a piece of code stands."""
    match node:
        case ast.Compare(ops=[op]):
            yield from (changed(node, ops=[other()]) for other in SWAPPED[type(op)])
        case ast.BinOp(op=op) | ast.BoolOp(op=op) | ast.AugAssign(op=op) if type(op) in SWAPPED:
            yield from (changed(node, op=other()) for other in SWAPPED[type(op)])
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1)
            yield ast.Constant(abs(value - 1))
        case ast.Call(func=ast.Name(id=name)) if name in NAMES:
            yield changed(node, func=ast.Name(NAMES[name]))
        case ast.Call(func=ast.Attribute(attr=name)) if name in NAMES:
            yield changed(node, func=changed(node.func, attr=NAMES[name]))
        case ast.Slice(lower=lower, upper=upper):
            for name, bound in (("lower", lower), ("upper", upper)):
                if bound is not None and not isinstance(bound, ast.Constant):
                    yield changed(node, **{name: ast.BinOp(bound, ast.Add(), ast.Constant(1))})
        case ast.Break() | ast.Continue():
            yield SWAPPED[type(node)][0]()
        case ast.Return(value=ast.AST() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
    match node:
        case ast.Call(args=[first, second, *others]) if not isinstance(first, ast.Starred):
            if not isinstance(second, ast.Starred) and ast.unparse(node.func).rpartition(".")[2] not in ANY_ORDER:
                yield changed(node, args=[second, first, *others])
        case ast.Expr(value=ast.Call()) | ast.Raise():
            yield ast.Pass()
        case ast.Assign() | ast.AugAssign() | ast.AnnAssign(value=ast.AST()) if not inside_class:
            yield ast.Pass()


def changed(node, **fields):
    """Return a copy of a piece of code with some of its fields changed."""
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def compiles(text):
    """Tell whether Python reads a text without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            compile(text, "mutant", "exec")
        except (SyntaxError, SyntaxWarning):
            return False
    return True
