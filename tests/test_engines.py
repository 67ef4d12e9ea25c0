"""What every engine owes its user, whatever happened before: the same errors, and arrays that are his alone."""

import warnings

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.compiled import engine as compiled
from circuitsim.gates.gate import registry
from tests.test_random_circuits import assert_same_bits

ENGINES = [cs.Simulation, cs.Compiled]
each_engine = pytest.mark.parametrize("make", ENGINES, ids=["simulation", "compiled"])


def again(engine, inputs, pull=1.0, times=3):
    """Run often enough for the compiled engine to write code, and go by it; return what came last."""
    for _ in range(times):
        outputs, gradients = engine.forward(inputs), engine.backward(pull)
    return outputs, gradients


@pytest.fixture
def own_gate():
    """Return a function that makes a gate of one port, which is forgotten afterwards."""
    before = dict(registry)

    def make(forward, rule):
        made = cs.gate(name="own")(forward)
        made.vjp(0)(rule)
        return made

    yield make
    registry.clear()
    registry.update(before)


def one_gate(gate):
    circuit = cs.Circuit()
    circuit.output("f", gate(circuit.input("x")) * 2.0)
    return circuit


# -- after failures ------------------------------------------------------------------------------------------


@each_engine
def test_after_a_forward_pass_that_failed_there_is_nothing_to_pull(make):
    engine = make(cs.parse("x * y"))
    engine.forward({"x": 1.0, "y": 2.0})
    with pytest.raises(cs.ShapeError):
        engine.forward({"x": [1.0, 2.0], "y": [1.0, 2.0, 3.0]})
    with pytest.raises(cs.InputError, match="nothing to pull"):
        engine.backward()


@each_engine
def test_after_a_backward_pass_that_failed_there_is_nothing_to_respond_to(make):
    circuit = cs.Circuit()
    circuit.output("f", circuit.parameter("w", 1e200) * circuit.input("x"))
    engine = make(circuit, nonfinite="error")
    engine.learn(cs.SGD(0.1))
    again(engine, {"x": 1.0})
    engine.forward({"x": 1.0})
    with pytest.raises(cs.NonFiniteError):
        engine.backward(1e200)
    with pytest.raises(cs.InputError, match="nothing to respond to"):
        engine.update()


@each_engine
@pytest.mark.parametrize(
    ("share", "error", "message"),
    [
        (None, cs.GateError, r"port 0 \(x\): None is not a number"),
        (np.ones(7), cs.ShapeError, r"port 0 \(x\) of shape \(2,\): its rule gives one of another shape"),
    ],
)
def test_a_rule_that_gives_no_gradient_is_told_with_its_gate(make, own_gate, share, error, message):
    rules = iter([lambda gradient: gradient] * 3 + [lambda gradient: share])
    engine = make(one_gate(own_gate(lambda x: x, lambda gradient, output, x: next(rules, last)(gradient))))
    last = lambda gradient: share  # noqa: E731
    again(engine, {"x": [1.0, 2.0]})
    engine.forward({"x": [1.0, 2.0]})
    with pytest.raises(error, match=r"gate 'own1' \(own\) cannot send a gradient back through " + message):
        engine.backward()


class TwoWordsError(Exception):
    """Cannot be made again from its own `args`."""

    def __init__(self, one, other):
        super().__init__(f"{one} {other}")


@each_engine
def test_what_a_gate_of_the_users_raises_comes_out_as_it_is(make, own_gate):
    def fail(x):
        raise TwoWordsError("out of", "range") from OSError("no such page")

    engine = make(one_gate(own_gate(fail, None)))
    for _ in range(2):
        with pytest.raises(TwoWordsError, match=r"^out of range$") as caught:
            engine.forward({"x": 1.0})
        assert isinstance(caught.value.__cause__, OSError)


@each_engine
@pytest.mark.parametrize("wrong", [3, None, ["x"]])
def test_what_is_no_mapping_is_refused(make, wrong):
    engine = make(cs.parse("x * 2"))
    with pytest.raises(cs.InputError, match=r"the inputs were given as .*: give a mapping of names to values"):
        engine.forward(wrong)
    with pytest.raises(cs.InputError, match=r"the parameters were given as .*: give a mapping"):
        engine.set_parameters(wrong)


@each_engine
@pytest.mark.parametrize(
    ("wire_up", "x", "message"),
    [
        (lambda x: x[0], 1.0, r"gate 'slice1' \(slice\) cannot take shapes \(\): too many indices"),
        (lambda x: x[5], [1.0, 2.0], r"cannot take shapes \(2,\): index 5 is out of bounds"),
        (lambda x: cs.take(x, indices=[0, 5]), [1.0, 2.0], r"cannot take shapes \(2,\): there is no element 5 in 2"),
        (lambda x: cs.take_pairs(x, rows=[0], cols=[3]), [[1.0, 2.0]], r"\(1, 2\): there is no element 3 in 2"),
        (lambda x: cs.take_pairs(x, rows=[0], cols=[3]), 1.0, r"shapes \(\): there are no rows and columns"),
        (lambda x: cs.matmul(x, 2.0), [1.0], r"shapes \(1,\) and \(\): both must have an axis at least"),
        (lambda x: cs.embedding(x, [4.0]), [[1.0, 2.0]], r"shapes \(1, 2\) and \(1,\): index 4 is out of bounds"),
        (lambda x: cs.conv2d(x, x), 1.0, r"shapes \(\) and \(\): give images of"),
        (lambda x: cs.softmax(x, axis=1), [1.0], r"shapes \(1,\): there is no axis 1"),
    ],
)
def test_shapes_that_a_gate_cannot_take_are_told_in_its_own_words(make, wire_up, x, message):
    circuit = cs.Circuit()
    circuit.output("f", wire_up(circuit.input("x")))
    with pytest.raises(cs.ShapeError, match=message):
        make(circuit).forward({"x": x})


@pytest.mark.parametrize(
    ("wire_up", "message"),
    [
        (lambda x: cs.conv2d(x, x, stride=0), "a kernel of 4×4 cannot move by 0 within a border of 0"),
        (lambda x: cs.max_pool2d(x, kernel=0, stride=1), "a kernel of 0×0 cannot move by 1"),
        (lambda x: cs.softmax(x, axis=4), "there is no axis 4"),
        (lambda x: cs.one_hot(x, classes=-1), "there cannot be -1 classes"),
    ],
)
def test_attributes_that_fit_no_shape_are_told_before_anything_runs(wire_up, message):
    circuit = cs.Circuit()
    circuit.output("f", wire_up(circuit.input("x", shape=(1, 1, 4, 4))))
    with pytest.raises(cs.ShapeError, match=message):
        circuit.validate()


# -- what is told --------------------------------------------------------------------------------------------


@each_engine
def test_the_first_input_of_the_circuit_is_told_first(make):
    with pytest.raises(cs.NonFiniteError, match=r"^input 'x' was given nan$"):
        make(cs.parse("x * y"), nonfinite="error").forward({"y": np.inf, "x": np.nan})


@each_engine
def test_a_warning_points_at_the_users_line(make):
    """So that Python, which tells a warning once for each line, does not take two engines for one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        make(cs.parse("log(x)")).forward({"x": 0.0})
        make(cs.parse("log(x)")).forward({"x": 0.0})
    assert [warning.filename for warning in caught] == [__file__, __file__]


# -- arrays --------------------------------------------------------------------------------------------------


@each_engine
@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
def test_arrays_that_were_handed_over_or_back_may_be_changed(make, group, monkeypatch):
    monkeypatch.setattr(compiled, "GROUP", group)
    given, first = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    circuit = cs.Circuit()
    x, y, z, w = *circuit.inputs("x y z"), circuit.parameter("w", first)
    bent = cs.tanh(x)
    circuit.output("f", bent + y + z)
    circuit.output("bent", bent)
    circuit.output("g", w * circuit.constant(given))
    engine = make(circuit)
    engine.learn(cs.SGD(1.0))
    given[:], first[:] = 9.0, 9.0
    x, pull = np.array([0.5, 0.25]), np.array([1.0, -1.0])
    for turn in range(4):
        outputs = engine.forward({"x": x, "y": 0.25 * x, "z": x})
        assert outputs["g"].tolist() == [(3.0 + turn), (4.0 + 2.0 * turn) * 2.0]
        for value in (*outputs.values(), *engine.parameters.values()):
            value[:] = 7.0
        gradients = engine.backward({"f": pull, "g": 1.0})
        assert gradients["x"].tobytes() == (pull * (1.0 - np.tanh(x) * np.tanh(x))).tobytes()
        gradients["y"][:] = gradients["w"][:] = 7.0
        assert gradients["z"].tolist() == pull.tolist()
        engine.update()
        assert engine.parameters["w"].tolist() == [4.0 + turn, 6.0 + 2.0 * turn]


@each_engine
def test_a_memory_is_a_copy(make):
    circuit = cs.Circuit()
    circuit.output("f", circuit.parameter("w", [1.0, 2.0]) * circuit.input("x"))
    engine = make(circuit)
    engine.learn(cs.Momentum(0.5))
    taken = engine.memory["w"]
    engine.restore({"w": taken})
    for value in (taken.value, *taken.state, engine.memory["w"].value, *engine.memory["w"].state):
        value[:] = 7.0
    assert engine.memory["w"].value.tolist() == engine.parameters["w"].tolist() == [1.0, 2.0]
    assert engine.memory["w"].state[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
def test_the_order_of_elements_in_memory_does_not_touch_the_bits(group, monkeypatch):
    monkeypatch.setattr(compiled, "GROUP", group)
    random = np.random.default_rng(0)
    circuit = cs.Circuit()
    w = circuit.parameter("w", np.asfortranarray(random.normal(size=(30, 50))))
    circuit.output("f", circuit.input("x") * w * np.asfortranarray(random.normal(size=(30, 50))))
    found = [again(make(circuit), {"x": 0.1}, random.normal(size=50) * 0.0 + 0.1)[1] for make in ENGINES]
    assert_same_bits(*found)


def test_a_pull_that_is_spread_out_can_be_written_to():
    engine = cs.Simulation(cs.parse("x + y"))
    engine.forward({"x": [[1.0, 2.0], [3.0, 4.0]], "y": 1.0})
    gradients = engine.backward([1.0, 2.0])
    gradients["x"] += 1.0
    assert gradients["x"].tolist() == [[2.0, 3.0], [2.0, 3.0]]


# -- shapes that change --------------------------------------------------------------------------------------


@each_engine
def test_a_parameter_that_takes_another_shape_begins_anew(make):
    circuit = cs.Circuit()
    a, b, x = circuit.parameter("a", 1.0), circuit.parameter("b", 2.0), circuit.input("x")
    circuit.output("f", a * b * x)
    engine = make(circuit)
    engine.learn(cs.Momentum(0.5))
    again(engine, {"x": 1.0})
    engine.set_parameters({"a": [1.0, 2.0]})
    with pytest.raises(cs.InputError, match="nothing to respond to"):
        engine.update()
    engine.forward({"x": 1.0})
    engine.set_parameters({"a": 3.0})
    with pytest.raises(cs.InputError, match="nothing to pull"):
        engine.backward()
    for _ in range(3):
        engine.forward({"x": 1.0})
        engine.backward()
        engine.update()
    engine.set_parameters({"a": [1.0, 2.0]})
    assert engine.memory["a"].updates == 0
    assert engine.memory["a"].state[0].tolist() == [0.0, 0.0]
    assert engine.memory["b"].updates == 3


@each_engine
def test_a_memory_may_be_put_back_before_there_is_a_rule(make):
    circuit = cs.Circuit()
    circuit.output("f", circuit.parameter("a", 1.0) * circuit.parameter("b", 2.0))
    trained = make(circuit)
    trained.learn(cs.Momentum(0.5))
    engine = make(circuit)
    engine.restore({"b": trained.memory["b"]})
    assert engine.memory == {"a": ((1.0), (), 0), "b": ((2.0), (0.0,), 0)}


def test_a_gate_of_the_users_may_make_other_shapes_from_the_same(own_gate):
    def rule(gradient, output, x):
        share = np.zeros(x.shape)
        share[x > 0.0] = gradient
        return share

    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    circuit.output("f", own_gate(lambda x: x[x > 0.0], rule)(x) * y)
    engines = [make(circuit) for make in ENGINES]
    for x in ([1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [-1.0, 7.0], [1.0, 2.0]):
        for pulls in (1.0, {}):
            outputs = [engine.forward({"x": x, "y": [0.5, 0.25]}) for engine in engines]
            assert_same_bits(*outputs)
            assert_same_bits(*(engine.backward(pulls) for engine in engines))


# -- pulls ---------------------------------------------------------------------------------------------------


def three_outputs():
    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    circuit.output("f", cs.sin(x))
    circuit.output("g", cs.log(y) * x)
    circuit.output("h", cs.sum(x) + y)
    return circuit


@each_engine
def test_the_order_in_which_pulls_are_named_does_not_matter(make):
    engine = make(three_outputs())
    pulls = {"f": 1.0, "g": 2.0, "h": 4.0}
    given = [again(engine, {"x": 0.5, "y": 0.25}, dict(order)) for order in (pulls.items(), reversed(pulls.items()))]
    assert given[0] == given[1]
    assert {type(value) for values in given[0] for value in values.values()} == {float}


@each_engine
def test_whatever_was_pulled_before_the_next_infinity_is_told(make):
    engine = make(three_outputs(), nonfinite="error")
    for name in "fgh":
        engine.forward({"x": 0.5, "y": 0.25})
        engine.backward({name: 1.0})
    for name in "fgh":
        engine.forward({"x": 0.5, "y": 0.25})
        engine.backward({name: 1.0})
        with pytest.raises(cs.NonFiniteError, match=r"gate 'log1' \(log\) made -inf from 0"):
            engine.forward({"x": 0.5, "y": 0.0})


# -- size ----------------------------------------------------------------------------------------------------


def test_a_parameter_may_feed_thousands_of_gates_in_a_chain():
    circuit = cs.Circuit()
    wire, w = circuit.input("x"), circuit.parameter("w", 0.9999)
    for _ in range(5000):
        wire = wire * w
    circuit.output("f", wire)
    assert_same_bits(*(again(make(circuit), {"x": 1.0})[1] for make in ENGINES))


@each_engine
def test_a_gate_is_asked_once_in_each_direction(make, own_gate):
    asked = []

    def forward(x):
        asked.append("forward")
        return x + 1.0

    def rule(gradient, output, x):
        asked.append("backward")
        return gradient

    own, circuit = own_gate(forward, rule), cs.Circuit()
    circuit.output("f", cs.square(own(circuit.input("x"))))
    engine = make(circuit)
    assert again(engine, {"x": 2.0}) == ({"f": 9.0}, {"x": 6.0})
    again(engine, {"x": [2.0, 3.0]})
    assert asked == ["forward", "backward"] * 6
    engine = make(circuit)
    for _ in range(3):
        engine.forward({"x": 2.0})
    assert asked[12:] == ["forward"] * 3


# -- levels --------------------------------------------------------------------------------------------------


def test_gates_that_work_along_an_axis_are_no_elements_of_levels():
    circuit = cs.Circuit()
    for number in range(8):
        x = circuit.input(f"x{number}")
        circuit.output(f"f{number}", cs.softmax(x, axis=0) + cs.log_softmax(x, axis=0))
    inputs = {f"x{n}": np.sin(np.arange(6.0) + n).reshape(3, 2) for n in range(8)}
    (one, other), (mine, own) = (again(make(circuit), inputs) for make in ENGINES)
    assert_same_bits(one, mine)
    assert_same_bits(other, own)


@each_engine
@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
@pytest.mark.parametrize(
    "choose",
    [
        lambda c, x: cs.where(c.constant(1.0), c.constant(0.5), x),
        lambda c, x: cs.clip(x, 0.1, 0.2),
        lambda c, x: cs.greater(x, c.input("y")),
    ],
)
def test_an_infinite_gradient_that_a_choice_swallows_is_told(make, group, choose, monkeypatch):
    monkeypatch.setattr(compiled, "GROUP", group)
    circuit = cs.Circuit()
    circuit.output("f", choose(circuit, circuit.input("x")) * circuit.constant(1e200))
    engine = make(circuit, nonfinite="error")
    inputs = dict.fromkeys(engine.inputs, 3.0)
    again(engine, inputs)
    engine.forward(inputs)
    with pytest.raises(cs.NonFiniteError, match="sent the gradient inf back"):
        engine.backward(1e200)


@pytest.mark.parametrize("nonfinite", ["warn", "ignore"])
def test_a_chain_that_is_never_pulled_is_not_nested_too_deeply_for_python(nonfinite):
    circuit = cs.Circuit()
    wire = circuit.input("x")
    for _ in range(300):
        wire = cs.tanh(wire)
    circuit.output("f", wire)
    engine = cs.Compiled(circuit, nonfinite=nonfinite)
    assert len({engine.forward({"x": 0.5})["f"] for _ in range(3)}) == 1


@each_engine
@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
def test_what_meets_an_empty_array_is_watched_by_itself(make, group, monkeypatch):
    monkeypatch.setattr(compiled, "GROUP", group)
    circuit = cs.Circuit()
    circuit.output("f", cs.log(circuit.input("x")) * circuit.input("nobody"))
    engine = make(circuit, nonfinite="error")
    again(engine, {"x": 1.0, "nobody": np.zeros(0)})
    with pytest.raises(cs.NonFiniteError, match=r"gate 'log1' \(log\) made -inf from 0"):
        engine.forward({"x": 0.0, "nobody": np.zeros(0)})


@each_engine
def test_an_infinite_gradient_that_an_empty_product_swallows_is_told(make):
    circuit = cs.Circuit()
    a, b, x = circuit.inputs("a b x")
    circuit.output("f", cs.matmul(a, b) * x)
    engine = make(circuit, nonfinite="error")
    inputs = {"a": np.zeros((2, 0)), "b": np.zeros((0, 3)), "x": 1e200}
    again(engine, inputs)
    engine.forward(inputs)
    with pytest.raises(cs.NonFiniteError, match=r"gate 'mul1' \(mul\) sent the gradient array 2×3 back through port 0"):
        engine.backward(1e200)


@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
@pytest.mark.parametrize("shapes", [[(3,), (2, 3)], [(1,), (2, 3)], [(2, 1), (3,)], [(4, 1, 3), (2, 3)]])
def test_arrays_of_several_shapes_meet(group, shapes, monkeypatch):
    monkeypatch.setattr(compiled, "GROUP", group)
    random = np.random.default_rng(0)
    x, w = (random.normal(size=shape) for shape in shapes)
    circuit = cs.Circuit()
    circuit.output("f", cs.tanh(circuit.input("x") * circuit.parameter("w", w)) - circuit.parameter("b", x))
    (one, other), (mine, own) = (again(make(circuit), {"x": x}) for make in ENGINES)
    assert_same_bits(one, mine)
    assert_same_bits(other, own)


def test_parameters_that_responded_more_or_less_often_keep_count():
    circuit = cs.Circuit()
    circuit.output("f", circuit.parameter("a", 1.0) * circuit.parameter("b", 2.0) * circuit.input("x"))
    engines = [make(circuit) for make in ENGINES]
    for engine in engines:
        engine.learn(cs.Adam(0.1))
        first = engine.memory["a"]
        for turn in range(4):
            again(engine, {"x": 1.0 + turn}, times=1)
            engine.update()
            if turn == 1:
                engine.restore({"a": first})
        assert [memory.updates for memory in engine.memory.values()] == [2, 4]
    assert_same_bits(*(engine.parameters for engine in engines))
