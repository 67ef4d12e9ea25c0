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


def test_an_input_may_have_the_name_of_the_output():
    run = cs.Simulation(cs.parse("f * 2")).run(f=3)
    assert (run.outputs, run.gradients) == ({"f": 6.0}, {"f": 2.0})


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
    ("x\ny", "cannot be read"),
])  # fmt: skip
def test_refusals(text, words):
    with pytest.raises(cs.ExpressionError, match=words) as caught:
        cs.parse(text)
    assert len(str(caught.value)) < 400
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
    with pytest.raises(
        cs.ExpressionError, match=r"give the arguments one by one|needs its \w+, which only Python can give"
    ):
        cs.parse(text)
