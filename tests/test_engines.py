"""What every engine owes its user, whatever happened before: the same errors, the same bits."""

import math
import traceback
import warnings

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.compiled import compiled
from tests.both import ENGINES, again, own_gate
from tests.test_random_circuits import assert_same_bits


def one_gate(gate):
    circuit = cs.Circuit()
    circuit.output("f", gate(circuit.input("x")) * 2.0)
    return circuit


# -- after failures ------------------------------------------------------------------------------------------


def test_after_a_forward_pass_that_failed_there_is_nothing_to_pull(engine):
    runner = engine(cs.parse("x * y"))
    runner.forward({"x": 1.0, "y": 2.0})
    with pytest.raises(cs.ShapeError):
        runner.forward({"x": [1.0, 2.0], "y": [1.0, 2.0, 3.0]})
    with pytest.raises(cs.InputError, match="nothing to go back from"):
        runner.backward()


def test_after_a_backward_pass_that_failed_there_is_nothing_to_respond_to(engine):
    circuit = cs.Circuit()
    circuit.output("f", circuit.parameter("w", 1e200) * circuit.input("x"))
    runner = engine(circuit, nonfinite="error")
    runner.learn(cs.SGD(0.1))
    again(runner, {"x": 1.0})
    runner.forward({"x": 1.0})
    with pytest.raises(cs.NonFiniteError):
        runner.backward(1e200)
    with pytest.raises(cs.InputError, match="nothing to respond to"):
        runner.update()


def fails(x):
    return math.log(x) if x < 10 else 1 / 0 if x < 20 else [][3]


@pytest.mark.parametrize(("x", "kind"), [(-1.0, ValueError), (10.0, ZeroDivisionError), (20.0, IndexError)])
@pytest.mark.parametrize("first", [1.0, None])
def test_what_a_users_gate_raises_is_its_own(engine, x, kind, first):
    """Its type, its words and its traceback are the user's; a note names the gate."""
    runner = engine(one_gate(own_gate(lambda x: fails(x), lambda gradient, output, x: gradient * fails(output + x))))
    if first is not None:
        again(runner, {"x": first})  # the compiled engine has written code by then
    with pytest.raises(kind) as caught:
        runner.forward({"x": x})
    assert not isinstance(caught.value, cs.CircuitSimError)
    told = "".join(traceback.format_exception(caught.value))
    assert "return math.log(x) if x < 10" in told
    assert "raised by gate 'own1' (own), given shapes ()" in told


def test_what_a_users_rule_raises_is_its_own(engine):
    runner = engine(one_gate(own_gate(lambda x: x, lambda gradient, output, x: gradient * fails(x))))
    again(runner, {"x": 2.0})
    runner.forward({"x": -1.0})
    with pytest.raises(ValueError, match="math domain") as caught:
        runner.backward()
    assert not isinstance(caught.value, cs.CircuitSimError)
    told = "".join(traceback.format_exception(caught.value))
    assert "return math.log(x) if x < 10" in told
    assert "raised where gate 'own1' (own) was to send a gradient back through port 0 (x)" in told


@pytest.mark.parametrize(
    ("share", "error", "message"),
    [
        (None, cs.GateError, r"port 0 \(x\): None is not a number"),
        (np.ones(7), cs.ShapeError, r"port 0 \(x\) of shape \(2,\): its rule gives one of another shape"),
    ],
)
def test_a_rule_that_gives_no_gradient_is_told_with_its_gate(engine, share, error, message):
    rules = iter([lambda gradient: gradient] * 3 + [lambda gradient: share])
    runner = engine(one_gate(own_gate(lambda x: x, lambda gradient, output, x: next(rules, last)(gradient))))
    last = lambda gradient: share  # noqa: E731
    again(runner, {"x": [1.0, 2.0]})
    runner.forward({"x": [1.0, 2.0]})
    with pytest.raises(error, match=r"gate 'own1' \(own\) cannot send a gradient back through " + message):
        runner.backward()


class TwoWordsError(Exception):
    """Cannot be made again from its own `args`."""

    def __init__(self, one, other):
        super().__init__(f"{one} {other}")


def test_what_a_gate_of_the_users_raises_comes_out_as_it_is(engine):
    def fail(x):
        raise TwoWordsError("out of", "range") from OSError("no such page")

    runner = engine(one_gate(own_gate(fail, None)))
    for _ in range(2):
        with pytest.raises(TwoWordsError, match=r"^out of range\b") as caught:
            runner.forward({"x": 1.0})
        assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("wrong", [3, None, ["x"]])
def test_what_is_no_mapping_is_refused(engine, wrong):
    runner = engine(cs.parse("x * 2"))
    with pytest.raises(cs.InputError, match=r"the inputs were given as .*: give a mapping of names to values"):
        runner.forward(wrong)
    with pytest.raises(cs.InputError, match=r"the parameters were given as .*: give a mapping"):
        runner.set_parameters(wrong)


@pytest.mark.parametrize(
    ("wire_up", "x", "message"),
    [
        (lambda x: x[0], 1.0, r"gate 'slice1' \(slice\) cannot take shapes \(\): too many indices"),
        (lambda x: x[5], [1.0, 2.0], r"cannot take shapes \(2,\): index 5 is out of bounds"),
        (lambda x: cs.take(x, indices=[0, 5]), [1.0, 2.0], r"cannot take shapes \(2,\): there is no element 5 in 2"),
        (lambda x: cs.take_pairs(x, rows=[0], cols=[3]), [[1.0, 2.0]], r"\(1, 2\): there is no element 3 in 2"),
        (lambda x: cs.take_pairs(x, rows=[0], cols=[3]), 1.0, r"shapes \(\): there are no rows and columns"),
        (lambda x: cs.matmul(x, 2.0), [1.0], r"shapes \(1,\) and \(\): both must have an axis at least"),
        (lambda x: cs.conv2d(x, x), 1.0, r"shapes \(\) and \(\): give images of"),
        (lambda x: cs.softmax(x, axis=1), [1.0], r"shapes \(1,\): there is no axis 1"),
        (lambda x: cs.embedding(x, 0.0), 1.0, r"shapes \(\) and \(\): a table has rows"),
    ],
)
def test_shapes_that_a_gate_cannot_take_are_told_in_its_own_words(engine, wire_up, x, message):
    circuit = cs.Circuit()
    circuit.output("f", wire_up(circuit.input("x")))
    with pytest.raises(cs.ShapeError, match=message):
        engine(circuit).forward({"x": x})


@pytest.mark.parametrize(
    ("wire_up", "message"),
    [
        (
            lambda x: cs.conv2d(x, np.ones((1, 1, 7, 7)), pad=1),
            "a kernel of 7 does not fit into 4 with a border of 1 and",
        ),
        (lambda x: cs.max_pool2d(x, kernel=(1, 5)), "a kernel of 5 does not fit into 4"),
        (lambda x: cs.softmax(x, axis=4), "there is no axis 4"),
        (lambda x: cs.sum(x, axis=(0, -4)), r"\(0, -4\) names an axis twice"),
        (lambda x: cs.concat(x, x, axis=None), "it works along one axis, not along axis=None"),
        (lambda x: cs.var(x, axis=0, ddof=1), "1 numbers are too few with ddof=1: give 2 or more"),
        (lambda x: cs.std(x, axis=0, ddof=1), "1 numbers are too few with ddof=1: give 2 or more"),
        (lambda x: cs.pad(x, widths=((1, 1), (2, 2))), "are for 2 axes: give a pair for each of 4"),
        (lambda x: cs.broadcast_to(x, shape=(4,)), r"they do not broadcast to \(4,\)"),
    ],
)
def test_attributes_that_fit_no_shape_are_told_before_anything_runs(wire_up, message):
    circuit = cs.Circuit()
    circuit.output("f", wire_up(circuit.input("x", shape=(1, 1, 4, 4))))
    with pytest.raises(cs.ShapeError, match=message):
        circuit.validate()


# -- what is told --------------------------------------------------------------------------------------------


def test_the_first_input_of_the_circuit_is_told_first(engine):
    with pytest.raises(cs.NonFiniteError, match=r"^input 'x' was given nan$"):
        engine(cs.parse("x * y"), nonfinite="error").forward({"y": np.inf, "x": np.nan})


def test_a_warning_points_at_the_users_line(engine):
    """So that Python, which tells a warning once for each line, does not take two engines for one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        engine(cs.parse("log(x)")).forward({"x": 0.0})
        engine(cs.parse("log(x)")).forward({"x": 0.0})
    assert [warning.filename for warning in caught] == [__file__, __file__]


# -- arrays --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
def test_the_order_of_elements_in_memory_does_not_touch_the_bits(group, monkeypatch):
    monkeypatch.setattr(compiled, "GROUP", group)
    random = np.random.default_rng(0)
    circuit = cs.Circuit()
    w = circuit.parameter("w", np.asfortranarray(random.normal(size=(30, 50))))
    circuit.output("f", circuit.input("x") * w * np.asfortranarray(random.normal(size=(30, 50))))
    found = [again(engine(circuit), {"x": 0.1}, random.normal(size=50) * 0.0 + 0.1)[1] for engine in ENGINES]
    assert_same_bits(*found)


# -- shapes that change --------------------------------------------------------------------------------------


def test_a_parameter_that_takes_another_shape_begins_anew(engine):
    circuit = cs.Circuit()
    a, b, x = circuit.parameter("a", 1.0), circuit.parameter("b", 2.0), circuit.input("x")
    circuit.output("f", a * b * x)
    runner = engine(circuit)
    runner.learn(cs.Momentum(0.5))
    again(runner, {"x": 1.0})
    runner.set_parameters({"a": [1.0, 2.0]})
    with pytest.raises(cs.InputError, match="nothing to respond to"):
        runner.update()
    runner.forward({"x": 1.0})
    runner.set_parameters({"a": 3.0})
    with pytest.raises(cs.InputError, match="nothing to go back from"):
        runner.backward()
    for _ in range(3):
        runner.forward({"x": 1.0})
        runner.backward()
        runner.update()
    runner.set_parameters({"a": [1.0, 2.0]})
    assert runner.memory["a"].updates == 0
    assert runner.memory["a"].state[0].tolist() == [0.0, 0.0]
    assert runner.memory["b"].updates == 3


def test_a_memory_may_be_put_back_before_there_is_a_rule(engine):
    circuit = cs.Circuit()
    circuit.output("f", circuit.parameter("a", 1.0) * circuit.parameter("b", 2.0))
    trained = engine(circuit)
    trained.learn(cs.Momentum(0.5))
    runner = engine(circuit)
    runner.restore({"b": trained.memory["b"]})
    assert runner.memory == {"a": ((1.0), (), 0), "b": ((2.0), (0.0,), 0)}


def test_a_gate_of_the_users_may_make_other_shapes_from_the_same():
    def rule(gradient, output, x):
        share = np.zeros(x.shape)
        share[x > 0.0] = gradient
        return share

    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    circuit.output("f", own_gate(lambda x: x[x > 0.0], rule)(x) * y)
    engines = [engine(circuit) for engine in ENGINES]
    for x in ([1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [-1.0, 7.0], [1.0, 2.0]):
        for pulls in (1.0, {}):
            outputs = [runner.forward({"x": x, "y": [0.5, 0.25]}) for runner in engines]
            assert_same_bits(*outputs)
            assert_same_bits(*(runner.backward(pulls) for runner in engines))


# -- pulls ---------------------------------------------------------------------------------------------------


def three_outputs():
    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    circuit.output("f", cs.sin(x))
    circuit.output("g", cs.log(y) * x)
    circuit.output("h", cs.sum(x) + y)
    return circuit


def test_the_order_in_which_pulls_are_named_does_not_matter(engine):
    runner = engine(three_outputs())
    pulls = {"f": 1.0, "g": 2.0, "h": 4.0}
    given = [again(runner, {"x": 0.5, "y": 0.25}, dict(order)) for order in (pulls.items(), reversed(pulls.items()))]
    assert given[0] == given[1]
    assert {type(value) for values in given[0] for value in values.values()} == {float}


def test_whatever_was_pulled_before_the_next_infinity_is_told(engine):
    runner = engine(three_outputs(), nonfinite="error")
    for name in "fgh":
        runner.forward({"x": 0.5, "y": 0.25})
        runner.backward({name: 1.0})
    for name in "fgh":
        runner.forward({"x": 0.5, "y": 0.25})
        runner.backward({name: 1.0})
        with pytest.raises(cs.NonFiniteError, match=r"gate 'log1' \(log\) made -inf from 0"):
            runner.forward({"x": 0.5, "y": 0.0})
