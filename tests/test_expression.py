"""Text to circuit: what it means, and what is refused."""

import ast
import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs

NAMES = {"sigmoid": lambda x: 1 / (1 + math.exp(-x)), "exp": math.exp, "sin": math.sin, "cos": math.cos,
         "tanh": math.tanh, "relu": lambda x: max(x, 0.0), "abs": abs, "max": max, "min": min, "pow": pow}  # fmt: skip


@pytest.mark.parametrize("text", [
    "x", "x + y", "x - y - 1", "x * y / 2", "-x", "--x", "x ** 2", "2 ** x", "-x ** 2", "x - -3", "x*(y+1)*(x-y)",
    "sig(x)", "max(x, y) + min(x, 2)", "pow(x, 3)", "exp(sin(x) + cos(y))", "tanh(x) * relu(y) - abs(x)", " x ",
    "1e-3 * x",
])  # fmt: skip
def test_means_what_python_means(engine, text):
    values = {"x": 0.7, "y": 1.3}
    circuit = cs.parse(text)
    inputs = {name: values[name] for name in circuit.names("input")}
    expected = eval(text.strip(), {**NAMES, "sig": NAMES["sigmoid"]}, values)
    assert engine(circuit).forward(inputs)["f"] == pytest.approx(expected, rel=1e-14)


def test_inputs_come_in_order_of_appearance():
    assert cs.parse("b*y + a*x + b").names("input") == ["b", "y", "a", "x"]


def test_the_output_is_told_from_an_input_called_f():
    run = cs.Simulation(cs.parse("f * 2")).run(f=3)
    assert (run.outputs, run.gradients) == ({"output": 6.0}, {"f": 2.0})
    assert cs.Simulation(cs.parse("f * 2", output="f")).run(f=3).outputs == {"f": 6.0}
    assert list(cs.parse("f = x + y; f * z").outputs) == ["output"]
    assert list(cs.parse("g = x * y").outputs) == ["g"]


@pytest.mark.parametrize(
    "text", ["q = x + y; f = q * z", "q = x + y\n\n  f = q * z\n", "q=x+y;f=q*z;", "q = (x +\ny); q * z"]
)
def test_statements_name_wires(engine, text):
    circuit = cs.parse(text)
    assert circuit.names("input") == ["x", "y", "z"]
    assert circuit.names("gate") == ["q", "mul1"]
    assert engine(circuit).forward({"x": -2, "y": 5, "z": -4}) == {"f": -12.0}
    assert circuit.name.count("\n") == 0


def test_every_kind_of_wire_can_be_named():
    circuit = cs.parse("a = 2; b = -3; c = -x; d = max(c, a, b); e = sin(d); g = d ** e; f = g")
    assert circuit.names("constant") == ["a", "b"]
    assert circuit.names("gate") == ["c", "max1", "d", "e", "g"]
    assert circuit.outputs == {"f": "g"}
    run = cs.Simulation(circuit).run(x=-4)
    assert run.value("d") == 4.0
    assert run.outputs["f"] == pytest.approx(4 ** math.sin(4))


@pytest.mark.parametrize(("printed", "typed"), [
    ("x × y", "x * y"), ("x·y", "x * y"), ("x⋅y", "x * y"), ("x ÷ y", "x / y"), ("x − y", "x - y"), ("−x", "-x"),
    ("x² + y³", "x**2 + y**3"), ("σ(x)", "sigmoid(x)"), ("√(x)", "sqrt(x)"), ("Σ(x)", "sum(x)"),
    ("σ(a·x + b·y)", "sigmoid(a*x + b*y)"), ("(x + y)²", "(x + y)**2"),
])  # fmt: skip
def test_what_the_program_prints_can_be_read(printed, typed):
    seen, wanted = cs.parse(printed), cs.parse(typed)
    assert list(seen.graph.edges(keys=True)) == list(wanted.graph.edges(keys=True))
    assert list(seen.graph.nodes(data="value")) == list(wanted.graph.nodes(data="value"))
    assert seen.name == printed


def test_names_that_are_no_gates_are_inputs():
    assert cs.parse("σ * pi + e").names("input") == ["σ", "pi", "e"]


@pytest.mark.parametrize("name", ["max", "min"])
def test_max_and_min_of_many(engine, name):
    values = {"a": 2.0, "b": 5.0, "c": 5.0, "d": -1.0}
    running = engine(cs.parse(f"{name}(a, b, c, d)"))
    assert running.forward(values) == {"f": NAMES[name](values.values())}
    gradients = running.backward(1.0)
    assert gradients == {key: float(key == {"max": "b", "min": "d"}[name]) for key in values}


@pytest.mark.parametrize(("text", "words"), [
    ("q = x + y; f = q2 * z", "'q' is named .* and not used"),
    ("x + y; f = x", r"'x \+ y' has no name"),
    ("x\ny", "'x' has no name"),
    ("q = x; f = q * y", "'q = x' makes no new wire"),
    ("f = f * x", "'f' is used before it is named"),
    ("f = q * z; q = x + y", "'q' is used before it is named"),
    ("q = x + y; q = x * y; f = q", "'q' is named twice"),
    ("q = x + y; q = x * y", "'q' is named twice"),
    ("max = x + y; f = max * 2", "'max' is a gate"),
    ("q = p = x", "is no expression: write one, or statements"),
    ("q += x", "is no expression"),
    ("q: x = 3", "is no expression"),
    ("x, y = z", "is no expression"),
    ("import os", "is no expression"),
    ("def q(): x", "cannot be read|is no expression"),
    ("f(x) = x * 2", "cannot be read"),
    ("(q := x + y) * z", "statement of its own"),
    ("# nothing", "is empty"),
    (" ; ", "cannot be read"),
    ("√x", "cannot be read"),
])  # fmt: skip
def test_statements_that_are_refused(text, words):
    with pytest.raises(cs.ExpressionError, match=words) as caught:
        cs.parse(text)
    assert "\n" not in str(caught.value)


def test_an_unknown_gate_is_told_what_there_is():
    with pytest.raises(
        cs.ExpressionError, match=r"unknown gate 'softmx' in '1 \+ softmx\(x\)': did you mean 'softmax'\?$"
    ):
        cs.parse("1 + softmx(x)")
    with pytest.raises(cs.ExpressionError, match="unknown gate 'qqq'") as caught:
        cs.parse("qqq(x)")
    told = str(caught.value).partition("the gates are ")[2].replace(",", "").split()
    assert len(str(caught.value)) <= 400
    for name in set(told) - {"and", "for", "arrays", "..."}:
        ports = cs.gates.registry[name].arity
        cs.parse(f"{name}({', '.join('xyzuv'[:ports])})").validate()
    assert {"add", "relu", "max", "where"} <= set(told)


def test_what_is_no_text_is_refused():
    with pytest.raises(cs.CallError, match="text of parse is None: give a text"):
        cs.parse(None)


def test_gates_of_ones_own_can_be_called():
    @cs.gate
    def half(x):
        return x / 2

    @half.vjp(0)
    def _(gradient, output, x):
        return gradient / 2

    assert cs.Simulation(cs.parse("half(x)")).run(x=4).gradients["x"] == 0.5


def test_constants_fold_into_no_python():
    assert cs.Simulation(cs.parse("2 * 3 + 1")).run().outputs["f"] == 7.0


@pytest.mark.parametrize(("text", "words"), [
    ("", "is empty"),
    ("x +", "cannot be read"),
    ("x y", "cannot be read"),
    ("foo(x)", "unknown gate 'foo'"),
    ("__import__('os')", "unknown gate '__import__'"),
    ("x.real", "attributes are not part"),
    ("x.__class__()", "only gates can be called"),
    ("(lambda: 1)()", "only gates can be called"),
    ("lambda x: x", "functions cannot be defined"),
    ("x[0]", "indexing is not part"),
    ("[x for x in y]", "use names, numbers"),
    ("x if y else z", "use names, numbers"),
    ("x < y", "comparisons have no gradient"),
    ("x and y", "use names, numbers"),
    ("not x", "only sign allowed"),
    ("+x", "only sign allowed"),
    ("x ^ 2", r"write \*\* for a power"),
    ("x // 2", "write / to divide"),
    ("x @ y", r"use \+ - \* /"),
    ("'text'", "use names, numbers"),
    ("True", "use names, numbers"),
    ("None", "use names, numbers"),
    ("1j", "use names, numbers"),
    ("(x, y)", "use names, numbers"),
    ("x := 3", "cannot be read"),
    ("exp", "'exp' is a gate"),
    ("sig + 1", "'sig' is a gate"),
    ("max(*x)", "without names or stars"),
    ("pow(x, b=2)", "without names or stars"),
    ("std(x, ddof=1, axis=0)", "only Python can give std its ddof and axis, cs.std(...)"),
    ("9**9**9**9", "too large"),
    ("x + 10**400", "too large"),
    ("1e999", "too large"),
    ("9" * 400, "too large"),
    ("9" * 9999, "cannot be read|too large"),
    ("(-8)**0.5", "not a real number"),
    ("(" * 10_000 + "x" + ")" * 10_000, "too deeply"),
    ("-" * 10_000 + "x", "too deeply"),
    ("x" + "+x" * 20_000, "too deeply"),
    ("x\0", "cannot be read"),
])  # fmt: skip
def test_refusals(text, words):
    with pytest.raises(cs.ExpressionError, match=words) as caught:
        cs.parse(text)
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["conv2d(1, 2)", "matmul(1, 2) + x", "sum(stack(1, 2) * x)", "embedding(1, 2)"])
def test_no_gate_is_called_while_a_text_is_read(text):
    circuit = cs.parse(text)
    try:
        cs.Simulation(circuit).forward(dict.fromkeys(circuit.names("input"), 1.0))
    except cs.CircuitSimError as error:
        assert "gate '" in str(error)  # noqa: PT017


def test_a_gate_of_ones_own_is_not_called_while_a_text_is_read():
    asked = []

    @cs.gate
    def noted(x):
        asked.append(x)
        return x

    cs.parse("noted(2) ** noted(3)")
    assert asked == []


def test_a_wrong_number_of_arguments():
    with pytest.raises(cs.GateError, match="sin takes 1 input"):
        cs.parse("sin(x, y)")


LEAVES = st.sampled_from(["x", "y", "2", "0.5"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"-({t})"),
        inner.map(lambda t: f"sin({t})"),
    ),
    max_leaves=25,
)


@given(TREES)
def test_any_tree_means_what_python_means(text):
    tree = ast.parse(text, mode="eval")
    expected = _evaluate(tree.body, {"x": 0.7, "y": -1.3})
    circuit = cs.parse(text)
    f = cs.Simulation(circuit, trace=False).forward(
        {name: {"x": 0.7, "y": -1.3}[name] for name in circuit.names("input")}
    )["f"]
    assert f == pytest.approx(expected, rel=1e-12, abs=1e-12)


def _evaluate(node, values):
    if isinstance(node, ast.BinOp):
        operation = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}[type(node.op)]
        return operation(_evaluate(node.left, values), _evaluate(node.right, values))
    if isinstance(node, ast.UnaryOp):
        return -_evaluate(node.operand, values)
    if isinstance(node, ast.Call):
        return math.sin(_evaluate(node.args[0], values))
    return values[node.id] if isinstance(node, ast.Name) else float(node.value)


def test_an_input_may_be_called_like_a_gate_for_arrays():
    assert cs.Simulation(cs.parse("2 * mean + sum")).run(mean=3, sum=1).outputs == {"f": 7.0}


@pytest.mark.parametrize("text", ["reshape(x)", "1 + one_hot(x, classes=3)", "slice(x)"])
def test_a_gate_that_needs_an_attribute_cannot_be_written(text):
    with pytest.raises(cs.ExpressionError, match=r"only Python can give"):
        cs.parse(text)


def test_no_gate_runs_while_a_text_is_read(engine):
    calls = []

    @cs.gate(name="counts_calls")
    def counts(x):
        calls.append(x)
        return x + 1.0

    counts.vjp(0)(lambda gradient, output, x: gradient)
    try:
        circuit = cs.parse("counts_calls(2) * x + counts_calls(counts_calls(1)) ** 2")
        assert calls == []
        assert engine(circuit).forward({"x": 2.0}) == {"f": 15.0}
    finally:
        del cs.gates.registry["counts_calls"]
