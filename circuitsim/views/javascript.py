"""Prints what a function does with numbers as JavaScript, from the graph that `circuitsim.gates.symbols` reads.

JavaScript's numbers are the float64 of NumPy. ``+ - * /``, comparisons, choices, the absolute value and the square root
have the same bits there; other functions may differ in the last one.
"""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from circuitsim.gates.symbols import Graph

__all__ = ["arrow", "helpers", "statements"]

#: How each operation is written; ``{0}`` is its first operand.
TEXTS = {
    "absolute": "Math.abs({0})",
    "add": "({0} + {1})",
    "arccos": "Math.acos({0})",
    "arccosh": "Math.acosh({0})",
    "arcsin": "Math.asin({0})",
    "arcsinh": "Math.asinh({0})",
    "arctan": "Math.atan({0})",
    "arctan2": "Math.atan2({0}, {1})",
    "arctanh": "Math.atanh({0})",
    "cbrt": "Math.cbrt({0})",
    "ceil": "Math.ceil({0})",
    "copysign": "copysign({0}, {1})",
    "cos": "Math.cos({0})",
    "cosh": "Math.cosh({0})",
    "divide": "({0} / {1})",
    "equal": "({0} === {1})",
    "exp": "Math.exp({0})",
    "exp2": "power(2, {0})",
    "expm1": "Math.expm1({0})",
    "floor": "Math.floor({0})",
    "greater": "({0} > {1})",
    "greater_equal": "({0} >= {1})",
    "hypot": "Math.hypot({0}, {1})",
    "isfinite": "Number.isFinite({0})",
    "isinf": "(Math.abs({0}) === Infinity)",
    "isnan": "Number.isNaN({0})",
    "less": "({0} < {1})",
    "less_equal": "({0} <= {1})",
    "log": "Math.log({0})",
    "log10": "Math.log10({0})",
    "log1p": "Math.log1p({0})",
    "log2": "Math.log2({0})",
    "logaddexp": "logaddexp({0}, {1})",
    "logical_and": "({0} && {1})",
    "logical_not": "(!{0})",
    "logical_or": "({0} || {1})",
    "maximum": "maximum({0}, {1})",
    "minimum": "minimum({0}, {1})",
    "multiply": "({0} * {1})",
    "negative": "(-{0})",
    "not_equal": "({0} !== {1})",
    "power": "power({0}, {1})",
    "rint": "rint({0})",
    "sign": "sign({0})",
    "sin": "Math.sin({0})",
    "sinh": "Math.sinh({0})",
    "sqrt": "Math.sqrt({0})",
    "subtract": "({0} - {1})",
    "tan": "Math.tan({0})",
    "tanh": "Math.tanh({0})",
    "trunc": "Math.trunc({0})",
    "where": "({0} ? {1} : {2})",
}

# The functions that JavaScript does not have, or has with other edge cases, by name.
_HELPERS = {
    "maximum": """\
const maximum = (a, b) => a >= b || a !== a ? a : b;
""",
    "minimum": """\
const minimum = (a, b) => a <= b || a !== a ? a : b;
""",
    "copysign": """\
const copysign = (a, b) => b < 0 || Object.is(b, -0) ? -Math.abs(a) : Math.abs(a);
""",
    "sign": """\
const sign = (x) => x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : x;
""",
    "rint": """\
const rint = (x) => {
  const down = Math.floor(x), rest = x - down;
  const near = rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : rest !== rest ? x : down + 1;
  return near === 0 && (x < 0 || Object.is(x, -0)) ? -0 : near;
};
""",
    "logaddexp": """\
const logaddexp = (a, b) => {
  if (a === b) return a + Math.LN2;
  const far = a - b;
  return far > 0 ? a + Math.log1p(Math.exp(-far)) : far <= 0 ? b + Math.log1p(Math.exp(far)) : far;
};
""",
    "power": """\
const power = (a, b) =>
  b === 2 ? a * a : b === 0.5 ? Math.sqrt(a) : b === -1 ? 1 / a
  : a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b;
""",
}


def helpers(script: str) -> str:
    """Return the functions that a printed script calls and that JavaScript does not have.

    Examples
    --------
    >>> print(helpers("maximum(a, 0)"), end="")
    const maximum = (a, b) => a >= b || a !== a ? a : b;
    """
    return "".join(text for name, text in _HELPERS.items() if f"{name}(" in script)


def statements(
    graph: Graph, names: Sequence[str], fixed: Collection[str] = ()
) -> tuple[list[str], list[str], list[str]]:
    """Return what has to be computed first, a line for each shared result, and an expression for each output.

    Parameters
    ----------
    graph : Graph
        What is done.
    names : sequence of str
        How the inputs are written; results that are shared are called t0, t1 and so on.
    fixed : collection of str
        The names of inputs that stay the same in a loop.

    Returns
    -------
    before : list of str
        What depends on fixed inputs alone, a line for each result, to be computed before a loop.
    lines : list of str
        The rest, a line for each result that is used more than once.
    outputs : list of str
        The outputs.
    """
    used = graph.used
    operations = [place for place in used if graph.nodes[place][0] not in ("input", "constant")]
    counts = Counter(graph.outputs)
    varies = {place for place, name in enumerate(names) if name not in fixed}
    hoisted: set[int] = set()
    for place in operations:
        worked_on = graph.nodes[place][1:]
        counts.update(worked_on)
        if not varies.isdisjoint(worked_on):
            varies.add(place)
            hoisted.update(at for at in worked_on if at not in varies)
    texts: dict[int, str] = {}
    before: list[str] = []
    lines: list[str] = []
    for place in used:
        kind, *rest = graph.nodes[place]
        if kind == "input":
            texts[place] = names[place]
        elif kind == "constant":
            texts[place] = number(rest[0])
        else:
            texts[place] = TEXTS[kind].format(*(texts[at] for at in rest))
            if counts[place] > 1 or place in hoisted:
                called = f"t{len(before) + len(lines)}"
                (lines if place in varies else before).append(f"const {called} = {texts[place]};")
                texts[place] = called
    return before, lines, [texts[place] for place in graph.outputs]


def arrow(graph: Graph) -> str:
    """Return a graph as an arrow function of its inputs; several outputs make an array.

    Examples
    --------
    >>> from circuitsim.gates.symbols import read_symbols
    >>> arrow(read_symbols(lambda x: x * x - 1.0, ["x"]))
    '(a) => ((a * a) - 1)'
    """
    names = [f"a{at}" if len(graph.inputs) > 26 else chr(ord("a") + at) for at in range(len(graph.inputs))]
    _, lines, outputs = statements(graph, names)
    result = outputs[0] if len(outputs) == 1 else f"[{', '.join(outputs)}]"
    body = f"{{ {' '.join(lines)} return {result}; }}" if lines else result
    return f"({', '.join(names)}) => {body}"


def number(value: float) -> str:
    """Return a number as JavaScript reads it, to the bit.

    Examples
    --------
    >>> number(0.1), number(-0.0), number(3.0), number(-2.5)
    ('0.1', '(-0)', '3', '(-2.5)')
    """
    if value != value:
        return "NaN"
    text = "Infinity" if abs(value) == np.inf else repr(abs(value)).removesuffix(".0")
    return f"(-{text})" if np.signbit(value) else text
