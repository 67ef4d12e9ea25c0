"""Expressions: right ones of all elementwise gates, whose numbers three others know, and damaged ones."""

import math
import warnings

import autograd
import autograd.numpy as anp
import numpy as np

import circuitsim as cs
from circuitsim.errors import CircuitSimError
from circuitsim.gates import registry
from tests.fuzz import fault_of
from tests.fuzz.agreement import run_both


def _switch(compare):
    return lambda a, b: compare(a, b) * 1.0


def _choose(condition, a, b):  # autograd's where does not sum gradients back to the shapes of what met
    return condition * a + (1.0 - condition) * b


def _max(a, b):
    return _choose(1.0 * (a >= b), a, b)


def _min(a, b):
    return _choose(1.0 * (a <= b), a, b)


# What gates compute, in autograd's functions. What is not here is held against differences only.
KNOWN = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "neg": lambda x: -x,
    "max": _max,
    "maximum": _max,
    "min": _min,
    "minimum": _min,
    "sigmoid": lambda x: 0.5 * (1.0 + anp.tanh(0.5 * x)),
    "sig": lambda x: 0.5 * (1.0 + anp.tanh(0.5 * x)),
    "relu": lambda x: x * (x > 0.0),
    "softplus": lambda x: anp.logaddexp(0.0, x),
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1.0 / x,
    "where": lambda condition, a, b: _choose(1.0 * (condition != 0.0), a, b),
    "clip": lambda x, low, high: _min(_max(x, low), high),
    "identity": lambda x: x,
    **{name: _switch(getattr(anp, name)) for name in ("greater", "greater_equal", "less", "less_equal")},
    **{name: _switch(getattr(anp, name)) for name in ("equal", "not_equal")},
    **{name: getattr(anp, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tanh", "abs", "tan")},
    **{name: getattr(anp, name) for name in ("sinh", "cosh", "arcsin", "arccos", "arctan", "log1p", "expm1")},
}
SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e308, -1e308, 5e-324, 1e-310, 1e16, 710.0, -746.0, 3.0, 0.1]
EDGES += [math.inf, -math.inf, math.nan]
NASTY = [
    *"+-*/()=;,.:^%@!~&|<>[]{}'\"\\#$?_ \t\r\n\x0c\0", "**", "//", "***", "1e999", "1_000", "0x1f", "0777", "1j",
    "9" * 30, "9" * 5000, "1e-400", ".5.", "..", "None", "True", "x if y else z", "lambda x: x", "[x for x in y]",
    "x:=1", "b'x'", "__import__('os')", "x.real", "x[0]", "x()", "sin", "sin()", "sin(x,y)", "sin(*x)", "sin(x=1)",
    "max(x)", "max()", "max(x,y,z)", "where(x,y)", "matmul(x,y)", "sum(x)", "reshape(x)", "concat(x,y)", "stack()",
    "one_hot(x)", "softmax(x)", "(" * 300, "-" * 3000, "+x" * 300, "import os", "del x", "pass", "await x", "yield x",
    "f'{x}'", "é", "ſin(x)", "σ(x)", "√(x)", "×", "²", "·", "÷", "−", "٣", "𝐱", "\ud800", "\u202e", "\ufeff", "ﬁ",
    "f = ", "q = ", "f = x", "# x", "x\\\ny", "not x", "x and y", "x in y", "x<y<z", "...", "inf", "nan", "pi", "e",
    "abs", "-0.0", "1e308*10", "2**2**2**9", "(-8)**0.5", "0**-1", "1/0",
]  # fmt: skip


class Tree:
    """A random expression: its text, and the function that it is."""

    def __init__(self, random, names, gates, depth):
        self.gate = None
        choice = random.random()
        if depth == 0 or choice < 0.15:
            if choice < 0.04:
                self.number = random.choice([0, 1, 2, 3, 0.5, 1.5, 10, 0.1, 1e-3, round(random.uniform(-3, 3), 3)])
                self.text = f"({self.number!r})" if self.number < 0 else f"{self.number!r}"
                self.number = float(self.number)
                self.name = None
            else:
                self.name = self.text = random.choice(names)
            return
        self.gate = random.choice(gates)
        count = registry[self.gate].arity
        if self.gate in ("max", "min") and random.random() < 0.2:
            count = random.randint(2, 4)
        self.parts = [Tree(random, names, gates, depth - 1) for _ in range(count)]
        texts = [part.text for part in self.parts]
        if self.gate in SIGNS and random.random() < 0.9:
            self.text = f"({f' {SIGNS[self.gate]} '.join(texts)})"
        elif self.gate == "neg" and random.random() < 0.7:
            self.text = f"(-({texts[0]}))"
        else:
            self.text = f"{self.gate}({', '.join(texts)})"

    def names(self):
        if self.gate is None:
            return {self.name} - {None}
        return set().union(*(part.names() for part in self.parts))

    def gates(self):
        return set() if self.gate is None else {self.gate}.union(*(part.gates() for part in self.parts))

    def value(self, values):
        """Compute with autograd's functions."""
        if self.gate is None:
            return self.number if self.name is None else values[self.name]
        first, *rest = [part.value(values) for part in self.parts]
        if self.gate in ("max", "min"):
            for another in rest:
                first = KNOWN[self.gate](first, another)
            return first
        return KNOWN[self.gate](first, *rest)


def attempt(random, folder):
    calls = []

    @cs.gate(name="counting", elementwise=True)
    def counting(x):
        calls.append(x)
        return 1.5 * x

    counting.vjp(0)(lambda gradient, output, x: 1.5 * gradient)
    try:
        gates = sorted(
            name for name, gate in registry.items() if (gate.elementwise and not gate.required) or name == "pow"
        )
        names = random.sample(["x", "y", "z", "w1", "alpha", "mean", "f", "_", "É"], random.randint(1, 4))
        tree = Tree(random, names, gates, random.randint(1, 5))
        damaged = random.random() < 0.4
        text = _damage(random, tree.text) if damaged else tree.text
        try:
            circuit = cs.parse(text)
        except CircuitSimError as error:
            wrong = fault_of(error) or (None if damaged else f"a right expression is refused: {error}")
            return _told(text, wrong)
        if calls:
            return f"{text!r}: a gate was called while parsing"
        if damaged:
            return _told(text, _damaged_agrees(random, circuit, text))
        return _told(text, _agrees(random, circuit, tree))
    finally:
        del registry["counting"]


def _told(text, wrong):
    return wrong and f"{text!r}: {wrong}"


def _damage(random, text):
    for _ in range(random.choice([1, 1, 1, 2, 3, 8])):
        at, to = sorted(random.randrange(len(text) + 1) for _ in range(2))
        deed = random.randrange(6)
        if deed == 0:
            text = text[:at] + text[at + 1 :]
        elif deed == 1:
            text = text[:at] + random.choice(NASTY) + text[at:]
        elif deed == 2:
            text = text[:at] + random.choice(NASTY) + text[to:]
        elif deed == 3:
            text = text[:to] + text[at:]
        elif deed == 4:
            text = text[:at] + chr(random.choice([random.randrange(128), random.randrange(0x11000)])) + text[at:]
        else:
            text = f"q = {text}; {random.choice(['q', 'f = q * q', 'f = q * ' + text, 'q = q', 'x', ''])}"
    return text


def _values(random, names, shapes, draw):
    return {
        name: np.array([draw() for _ in range(math.prod(shape))]).reshape(shape) if shape else draw()
        for name, shape in zip(names, shapes, strict=True)
    }


def _shapes(random, names):
    family = random.choice([[()], [(), (3,), (1,)], [(), (2, 3), (2, 1), (1, 3), (3,)], [(20,), ()], [(0,), (1,)]])
    return [random.choice(family) for _ in names]


def _agrees(random, circuit, tree):
    names = circuit.names("input")
    if sorted(tree.names()) != sorted(names):
        return f"its inputs are {names}, not {sorted(tree.names())}"
    shapes = _shapes(random, names)
    plain = _values(random, names, shapes, lambda: random.uniform(-2.5, 2.5))
    result, wrong = run_both(circuit, plain, nonfinite=random.choice(["ignore", "ignore", "error"]))
    if wrong:
        return wrong
    if not isinstance(result, Exception) and (wrong := _right(random, circuit, tree, plain, result)):
        return f"{wrong}\ninputs {plain!r}"
    edged = _values(random, names, shapes, lambda: random.choice(EDGES))
    return run_both(circuit, edged, random.choice([1.0, -1.0, 0.0, 1e-3, -1e308]))[1]


def _right(random, circuit, tree, inputs, result):
    """Hold a result against autograd and central differences, where it is moderate."""
    outputs, gradients = result
    (output,) = outputs.values()
    with np.errstate(all="ignore"):
        trace = cs.Simulation(circuit, nonfinite="ignore").run(inputs).trace
    met = np.concatenate([np.ravel(one) for one in (*trace.values().values(), *trace.wire_gradients().values())])
    size = np.max(np.abs(met), initial=1.0)
    if not size < 1e5:  # nan as well
        return None
    if tree.gates() <= KNOWN.keys() and met.size:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):  # of what depends on no input
            value = tree.value(inputs)
            slopes = autograd.grad(lambda given: anp.sum(tree.value(given)))(inputs) if inputs else {}
        if not _near(output, value, size):
            return f"its value is {output!r}, and {value!r} by autograd"
        for name, slope in slopes.items():
            if np.all(np.isfinite(slope)) and not _near(gradients[name], slope, size):
                return f"the gradient of {name} is {gradients[name]!r}, and {slope!r} by autograd"
    return _like_differences(random, circuit, inputs, gradients)


def _near(one, other, size):
    """Tell whether two are the same but for rounding, where the largest number on the way had this size."""
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-9, atol=1e-9 * size)


def _like_differences(random, circuit, inputs, gradients):
    """Hold a gradient against central differences of one element of each input, where two steps agree on them."""
    engine = cs.Compiled(circuit, nonfinite="ignore")
    for name, value in inputs.items():
        if not np.size(value):
            continue
        place = random.randrange(np.size(value))

        def total(change, name=name, value=value, place=place):
            moved = np.array(value)
            moved.flat[place] += change
            (output,) = engine.forward({**inputs, name: moved if moved.ndim else float(moved)}).values()
            return float(np.sum(output))

        rough, fine = ((total(step) - total(-step)) / (2 * step) for step in (2e-5, 1e-5))
        found = float(np.asarray(gradients[name]).flat[place])
        unsure = 1e-4 * (1.0 + abs(fine)) + 20 * abs(rough - fine)
        if abs(rough - fine) < 1e-3 * (1.0 + abs(fine)) and not abs(found - fine) <= unsure:
            return f"the gradient of {name} is {found!r}, and {fine!r} by central differences"
    return None


def _damaged_agrees(random, circuit, text):
    """Run what is still an expression on both engines, and let Python compute it."""
    names = circuit.names("input")
    inputs = _values(random, names, _shapes(random, names), lambda: random.uniform(-2.5, 2.5))
    result, wrong = run_both(circuit, inputs)
    if wrong or isinstance(result, Exception):
        return wrong
    (output,) = result[0].values()
    words = {**{name: _numpy(name) for name in registry}, **{n: np.asarray(v) for n, v in inputs.items()}}
    line = text.strip()
    if not line.isascii() or any(sign in line for sign in ";=\n\r\f") or len(line) > 2000:
        return None
    try:
        with np.errstate(all="ignore"):
            value = eval(line, {"__builtins__": {}}, words)  # it was read as an expression: arithmetic and gates
    except (ArithmeticError, ValueError, SyntaxError, TypeError):  # Python's own numbers go their own ways
        return None
    if isinstance(value, complex) or not np.all(np.isfinite(value)):
        return None
    if not np.allclose(value, output, rtol=1e-9, atol=1e-9):
        return f"its value is {output!r}, and {value!r} in Python\ninputs {inputs!r}"
    return None


def _numpy(name):
    gate = registry[name]

    def call(first, *rest):
        if name in ("max", "min"):
            for another in rest:
                first = KNOWN[name](first, another)
            return first
        return KNOWN[name](first, *rest) if name in KNOWN else gate(first, *rest)

    return call
