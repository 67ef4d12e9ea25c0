"""Both engines and both compiled forms: sizes, odd arrays, and infinities that must not be lost on the way."""

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.compiled import compiled
from tests.both import ENGINES, again, own_gate
from tests.test_random_circuits import assert_same_bits


def test_a_parameter_may_feed_thousands_of_gates_in_a_chain():
    circuit = cs.Circuit()
    wire, w = circuit.input("x"), circuit.parameter("w", 0.9999)
    for _ in range(5000):
        wire = wire * w
    circuit.output("f", wire)
    assert_same_bits(*(again(engine(circuit), {"x": 1.0})[1] for engine in ENGINES))


def test_a_parameter_may_feed_thousands_of_gates_of_a_tree():
    circuit = cs.Circuit()
    w = circuit.parameter("w", 0.9999)
    layer = [w * (1.0 + 0.001 * number) for number in range(5000)]
    while len(layer) > 1:
        layer = [a + b for a, b in zip(layer[::2], layer[1::2], strict=False)] + layer[len(layer) // 2 * 2 :]
    circuit.output("f", layer[0])
    (one, mine), (other, theirs) = (again(engine(circuit), {}, times=2) for engine in ENGINES)
    assert_same_bits(one, other)
    assert_same_bits(mine, theirs)
    assert mine["w"] == pytest.approx(5000 + 0.001 * 4999 * 2500, rel=1e-12)


@pytest.mark.parametrize("join", [cs.stack, cs.concat], ids=lambda gate: gate.name)
def test_a_gate_may_have_a_thousand_inputs(join):
    circuit = cs.Circuit()
    w = circuit.parameter("w", np.ones(2))
    parts = [w * float(number) for number in range(1000)]
    circuit.output("f", cs.sum(join(*parts) * 0.5))
    (one, mine), (other, theirs) = (again(engine(circuit), {}, times=2) for engine in ENGINES)
    assert_same_bits(one, other)
    assert_same_bits(mine, theirs)
    assert mine["w"].tolist() == [0.5 * 999 * 500] * 2


def test_a_gate_is_asked_once_in_each_direction(engine):
    asked = []

    def forward(x):
        asked.append("forward")
        return x + 1.0

    def rule(gradient, output, x):
        asked.append("backward")
        return gradient

    own, circuit = own_gate(forward, rule), cs.Circuit()
    circuit.output("f", cs.square(own(circuit.input("x"))))
    runner = engine(circuit)
    assert again(runner, {"x": 2.0}) == ({"f": 9.0}, {"x": 6.0})
    again(runner, {"x": [2.0, 3.0]})
    assert asked == ["forward", "backward"] * 6
    runner = engine(circuit)
    for _ in range(3):
        runner.forward({"x": 2.0})
    assert asked[12:] == ["forward"] * 3


def test_gates_that_work_along_an_axis_are_no_elements_of_levels():
    circuit = cs.Circuit()
    for number in range(8):
        x = circuit.input(f"x{number}")
        circuit.output(f"f{number}", cs.softmax(x, axis=0) + cs.log_softmax(x, axis=0))
    inputs = {f"x{n}": np.sin(np.arange(6.0) + n).reshape(3, 2) for n in range(8)}
    (one, other), (mine, own) = (again(engine(circuit), inputs) for engine in ENGINES)
    assert_same_bits(one, mine)
    assert_same_bits(other, own)


@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
@pytest.mark.parametrize(
    "choose",
    [
        lambda c, x: cs.where(c.constant(1.0), c.constant(0.5), x),
        lambda c, x: cs.clip(x, 0.1, 0.2),
        lambda c, x: cs.greater(x, c.input("y")),
    ],
)
def test_an_infinite_gradient_that_a_choice_swallows_is_told(engine, group, choose, monkeypatch):
    monkeypatch.setattr(compiled, "GROUP", group)
    circuit = cs.Circuit()
    circuit.output("f", choose(circuit, circuit.input("x")) * circuit.constant(1e200))
    runner = engine(circuit, nonfinite="error")
    inputs = dict.fromkeys(runner.inputs, 3.0)
    again(runner, inputs)
    runner.forward(inputs)
    with pytest.raises(cs.NonFiniteError, match="sent the gradient inf back"):
        runner.backward(1e200)


@pytest.mark.parametrize("nonfinite", ["warn", "ignore"])
def test_a_chain_that_is_never_pulled_is_not_nested_too_deeply_for_python(nonfinite):
    circuit = cs.Circuit()
    wire = circuit.input("x")
    for _ in range(300):
        wire = cs.tanh(wire)
    circuit.output("f", wire)
    runner = cs.Compiled(circuit, nonfinite=nonfinite)
    assert len({runner.forward({"x": 0.5})["f"] for _ in range(3)}) == 1


@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
def test_what_meets_an_empty_array_is_watched_by_itself(engine, group, monkeypatch):
    monkeypatch.setattr(compiled, "GROUP", group)
    circuit = cs.Circuit()
    circuit.output("f", cs.log(circuit.input("x")) * circuit.input("nobody"))
    runner = engine(circuit, nonfinite="error")
    again(runner, {"x": 1.0, "nobody": np.zeros(0)})
    with pytest.raises(cs.NonFiniteError, match=r"gate 'log1' \(log\) made -inf from 0"):
        runner.forward({"x": 0.0, "nobody": np.zeros(0)})


def test_an_infinite_gradient_that_an_empty_product_swallows_is_told(engine):
    circuit = cs.Circuit()
    a, b, x = circuit.inputs("a b x")
    circuit.output("f", cs.matmul(a, b) * x)
    runner = engine(circuit, nonfinite="error")
    inputs = {"a": np.zeros((2, 0)), "b": np.zeros((0, 3)), "x": 1e200}
    again(runner, inputs)
    runner.forward(inputs)
    with pytest.raises(cs.NonFiniteError, match=r"gate 'mul1' \(mul\) sent the gradient array 2×3 back through port 0"):
        runner.backward(1e200)


@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
@pytest.mark.parametrize("shapes", [[(3,), (2, 3)], [(1,), (2, 3)], [(2, 1), (3,)], [(4, 1, 3), (2, 3)]])
def test_arrays_of_several_shapes_meet(group, shapes, monkeypatch):
    monkeypatch.setattr(compiled, "GROUP", group)
    random = np.random.default_rng(0)
    x, w = (random.normal(size=shape) for shape in shapes)
    circuit = cs.Circuit()
    circuit.output("f", cs.tanh(circuit.input("x") * circuit.parameter("w", w)) - circuit.parameter("b", x))
    (one, other), (mine, own) = (again(engine(circuit), {"x": x}) for engine in ENGINES)
    assert_same_bits(one, mine)
    assert_same_bits(other, own)


def test_parameters_that_responded_more_or_less_often_keep_count():
    circuit = cs.Circuit()
    circuit.output("f", circuit.parameter("a", 1.0) * circuit.parameter("b", 2.0) * circuit.input("x"))
    engines = [engine(circuit) for engine in ENGINES]
    for runner in engines:
        runner.learn(cs.Adam(0.1))
        first = runner.memory["a"]
        for turn in range(4):
            again(runner, {"x": 1.0 + turn}, times=1)
            runner.update()
            if turn == 1:
                runner.restore({"a": first})
        assert [memory.updates for memory in runner.memory.values()] == [2, 4]
    assert_same_bits(*(runner.parameters for runner in engines))
