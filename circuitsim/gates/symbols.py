"""Rules read as symbols: a function called with symbols leaves a graph of its operations instead of a number.

A rule is written once, in Python. Called with numbers it computes, with wires it wires up, and with symbols it tells
which operations it is made of, so that the same arithmetic can be printed in another language. What is shared stays
shared: the graph has a node for each operation, however often its result is used.

The operations are those of `OPERATIONS`, a closed table. A function can be read if it is pure and made of operators,
of NumPy's elementwise functions in the table, of `numpy.where` and `numpy.clip`, and of gates. A comparison gives a
condition, which may be combined with ``&``, ``|`` and ``~``, given to `numpy.where`, or multiplied with a number; it
counts as 1 or 0 then. What branches on a value, or looks at a shape, cannot be read: `SymbolError` says so.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from circuitsim.checks import real
from circuitsim.gates.elementwise import ODD
from circuitsim.gates.gate import Gate
from circuitsim.gates.value import Array

__all__ = ["CONDITIONS", "OPERATIONS", "Graph", "Symbol", "SymbolError", "check_reading", "read_symbols"]

_COMPARISONS = ("equal", "greater", "greater_equal", "less", "less_equal", "not_equal")
_TESTS = ("isfinite", "isinf", "isnan")

#: The operations of which rules are made, by the names of NumPy's functions.
OPERATIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in (
        *("absolute", "add", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cbrt", "ceil"),
        *("copysign", "cos", "cosh", "divide", "exp", "exp2", "expm1", "floor", "hypot", "log", "log10", "log1p"),
        *("log2", "logaddexp", "maximum", "minimum", "multiply", "negative", "power", "rint", "sign", "sin", "sinh"),
        *("sqrt", "subtract", "tan", "tanh", "trunc", "where", "logical_and", "logical_not", "logical_or"),
        *_COMPARISONS,
        *_TESTS,
    )
}
#: Those that give a condition, not a number.
CONDITIONS = frozenset(("logical_and", "logical_not", "logical_or", *_COMPARISONS, *_TESTS))
_LOGICAL = {"bitwise_and": "logical_and", "bitwise_or": "logical_or", "invert": "logical_not"}

TRIED = 1000  # calls that a graph is held against


class SymbolError(Exception):
    """Says why a function cannot be read as symbols, in words that follow the function's name."""


class Graph:
    """Operations on inputs and constants; every node is there once.

    Attributes
    ----------
    inputs : tuple of str
        The names of the inputs; their nodes come first, in this order.
    nodes : list of tuple
        ``("input", name)``, ``("constant", number)``, or the name of an operation and the places of what it works on.
    outputs : tuple of int
        The places of the results.
    """

    def __init__(self, inputs: Sequence[str]) -> None:
        self.inputs = tuple(inputs)
        self.nodes: list[tuple[Any, ...]] = []
        self.outputs: tuple[int, ...] = ()
        self._places: dict[tuple[Any, ...], int] = {}
        for name in inputs:
            self.place("input", name)

    def place(self, kind: str, *rest: Any) -> int:
        """Return the place of a node, a new one if there is none like it."""
        key = (kind, rest[0].hex()) if kind == "constant" else (kind, *rest)  # 0 and -0 are two constants
        if key not in self._places:
            self._places[key] = len(self.nodes)
            self.nodes.append((kind, *rest))
        return self._places[key]

    @property
    def used(self) -> list[int]:
        """The places that the outputs need, inputs and constants too, in an order in which they can be computed."""
        found = set(self.outputs)
        for place in range(len(self.nodes) - 1, -1, -1):
            if place in found and self.nodes[place][0] not in ("input", "constant"):
                found.update(self.nodes[place][1:])
        return sorted(found)

    def compute(self, *inputs: Any) -> tuple[Any, ...]:
        """Return the outputs for numbers, or for arrays element by element, with NumPy's functions."""
        values: dict[int, Any] = {}
        with np.errstate(all="ignore"):
            for place in self.used:
                kind, *rest = self.nodes[place]
                if kind == "input":
                    values[place] = inputs[place]
                elif kind == "constant":
                    values[place] = rest[0]
                else:
                    values[place] = OPERATIONS[kind](*(values[at] for at in rest))
        return tuple(values[place] for place in self.outputs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self._told == other._told

    __hash__ = None  # type: ignore[assignment]

    @property
    def _told(self) -> tuple[Any, ...]:
        return self.inputs, self.outputs, list(self._places)


class Symbol:
    """Stands for a number in a function that is read, or, if it came of a comparison, for a condition."""

    __slots__ = ("condition", "graph", "place")

    def __init__(self, graph: Graph, place: int) -> None:
        self.graph = graph
        self.place = place
        self.condition = graph.nodes[place][0] in CONDITIONS

    def wire_up(self, gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        """Go through the function of a gate that a rule calls."""
        gate.check_arguments(len(inputs), attributes)
        if gate.for_arrays:
            raise SymbolError(f"it calls {gate.name}, which is for arrays")
        return gate.forward(*inputs, **attributes)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **more: Any) -> "Symbol":
        name = ufunc.__name__
        if method != "__call__" or more:
            raise SymbolError(f"it calls numpy.{name} with {', '.join(more) or method}")
        if name == "square":
            return _make(self.graph, "multiply", inputs[0], inputs[0])
        if name == "reciprocal":
            return _make(self.graph, "divide", 1.0, inputs[0])
        if name == "positive":
            return _make(self.graph, "add", inputs[0], -0.0)
        return _make(self.graph, _LOGICAL.get(name, name), *inputs)

    def __array_function__(self, function: Any, types: Any, inputs: tuple[Any, ...], more: dict[str, Any]) -> "Symbol":
        if function is np.where and len(inputs) == 3 and not more:
            return _make(self.graph, "where", *inputs)
        if function is np.clip and len(inputs) == 3 and not more:
            return _make(self.graph, "minimum", _make(self.graph, "maximum", *inputs[:2]), inputs[2])
        if function in (np.ones_like, np.zeros_like) and not more:
            return Symbol(self.graph, self.graph.place("constant", float(function is np.ones_like)))
        if function is np.sum and not more:
            return self  # of one number
        raise SymbolError(f"it calls numpy.{function.__name__}")

    def __getitem__(self, index: Any) -> "Symbol":
        if index != ():
            raise SymbolError("it takes an element")
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise SymbolError(f"it looks at .{name}")

    def _refuse(self, *_: Any) -> Any:
        raise SymbolError("it branches on a value or makes another kind of number of it")

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __array__ = __len__ = __iter__ = _refuse
    __round__ = __trunc__ = __mod__ = __rmod__ = __divmod__ = __matmul__ = _refuse

    def __repr__(self) -> str:
        return f"<symbol {self.place}: {' '.join(map(str, self.graph.nodes[self.place]))}>"

    def __floordiv__(self, other: Any) -> "Symbol":
        return _make(self.graph, "floor", _make(self.graph, "divide", self, other))

    def __hash__(self) -> int:
        return id(self)


def _operator(name: str, *, swapped: bool = False) -> Any:
    def method(self: Symbol, *other: Any) -> Symbol:
        return _make(self.graph, name, *((*other, self) if swapped else (self, *other)))

    return method


for _sign, _name in {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "pow": "power",
    "and": "logical_and",
    "or": "logical_or",
}.items():
    setattr(Symbol, f"__{_sign}__", _operator(_name))
    setattr(Symbol, f"__r{_sign}__", _operator(_name, swapped=True))
for _sign, _name in {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
    "neg": "negative",
    "abs": "absolute",
    "invert": "logical_not",
}.items():
    setattr(Symbol, f"__{_sign}__", _operator(_name))


def _make(graph: Graph, name: str, *inputs: Any) -> Symbol:
    """Return the symbol of one operation; conditions count as 1 or 0 where numbers are due."""
    if name not in OPERATIONS:
        raise SymbolError(f"it calls numpy.{name}")
    given = [_symbol(graph, thing) for thing in inputs]
    logical = [name.startswith("logical")] * len(given) if name != "where" else [True, False, False]
    if name not in ("where",) and not name.startswith("logical") and len(given) > 1 and all(s.condition for s in given):
        raise SymbolError("it calculates with two conditions: combine them with &, | and ~")
    for number, (symbol, due) in enumerate(zip(given, logical, strict=True)):
        if due and not symbol.condition:
            raise SymbolError(f"it gives {name.replace('logical_', '')!r} a number where a comparison is due")
        if symbol.condition and not due:
            one, zero = graph.place("constant", 1.0), graph.place("constant", 0.0)
            given[number] = Symbol(graph, graph.place("where", symbol.place, one, zero))
    return Symbol(graph, graph.place(name, *(symbol.place for symbol in given)))


def _symbol(graph: Graph, thing: Any) -> Symbol:
    if isinstance(thing, Symbol):
        if thing.graph is not graph:
            raise SymbolError("it keeps what it was given in an earlier call")
        return thing
    if isinstance(thing, bool | np.bool_):
        raise SymbolError("it calculates with True or False")
    number = real(thing)
    if number is None:
        raise SymbolError(f"it calculates with a {type(thing).__name__}")
    return Symbol(graph, graph.place("constant", number))


def read_symbols(function: Callable[..., Any], inputs: Sequence[str]) -> Graph:
    """Return the graph of what a function does with numbers.

    Parameters
    ----------
    function : callable
        Takes that many numbers, and returns a number or a tuple of them.
    inputs : sequence of str
        A name for each.

    Raises
    ------
    SymbolError
        If it cannot be read, or does something else when it is called again.

    Examples
    --------
    >>> graph = read_symbols(lambda x, y: np.where(x > y, x * x, -y), ["x", "y"])
    >>> graph.nodes[-1][0], float(graph.compute(3.0, 2.0)[0])
    ('where', 9.0)
    """
    graph, again = _read(function, inputs), _read(function, inputs)
    if graph != again:
        raise SymbolError("it does something else each time it is called")
    return graph


def _read(function: Callable[..., Any], inputs: Sequence[str]) -> Graph:
    graph = Graph(inputs)
    try:
        with np.errstate(all="ignore"):
            made = function(*(Symbol(graph, place) for place in range(len(inputs))))
    except SymbolError:
        raise
    except Exception as error:
        raise SymbolError(f"it fails on symbols, {type(error).__name__}: {error}") from error
    outputs = []
    for part in made if isinstance(made, tuple) else (made,):
        symbol = _symbol(graph, part)
        outputs.append(_make(graph, "where", symbol, 1.0, 0.0) if symbol.condition else symbol)
    graph.outputs = tuple(symbol.place for symbol in outputs)
    return graph


def check_reading(function: Callable[..., Any], graph: Graph, rows: Array | None = None) -> None:
    """Hold a function against its graph: with numbers, both must compute the same, to the bit.

    Parameters
    ----------
    function : callable
        The function that was read.
    graph : Graph
        What was read.
    rows : array, shape (calls, inputs), optional
        What to call it with; 1,000 rows of random and odd numbers, if not given.

    Raises
    ------
    SymbolError
        If they do not.
    """
    with np.errstate(all="ignore"):
        for row in (_rows(len(graph.inputs)) if rows is None else rows).tolist():
            made = function(*row)
            found = np.array(made if isinstance(made, tuple) else (made,), dtype=np.float64)
            due = np.array(graph.compute(*row), dtype=np.float64)
            same = (found == due) & (np.signbit(found) == np.signbit(due)) | np.isnan(found) & np.isnan(due)
            if not same.all():
                given = ", ".join(f"{name} = {number!r}" for name, number in zip(graph.inputs, row, strict=True))
                raise SymbolError(f"it does something else with numbers than with symbols, for {given}")


def _rows(inputs: int) -> Array:
    """Return numbers to try: a quarter of them odd ones."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(TRIED, inputs)) * 10.0 ** random.uniform(-2, 2, (TRIED, inputs))
    rows[: TRIED // 4] = random.choice(ODD, (TRIED // 4, inputs))
    return rows
