"""What a gate says of itself: whether it is elementwise, how it is written, called and compiled, where it is flat."""

import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.compiled import compiled
from circuitsim.compiled.levels import Levels
from circuitsim.gates import functions, registry, scalar
from circuitsim.gates.code import Expression
from tests import programs as library
from tests.both import ENGINES, again
from tests.effort import tried
from tests.programs import Program, programs
from tests.test_random_circuits import assert_same_bits


def own(forward, *rules, name="own", **facts):
    """Return a gate as a user would make it."""
    made = cs.gate(name=name, **facts)(forward)
    for port, rule in enumerate(rules):
        if rule is not None:
            made.vjp(port)(rule)
    return made


def form_of(engine):
    return {type(form) for form in engine._forms.values()}


def copies():
    """Return gates of a user's that do what built-in ones do, by the names that programs give those."""
    stretch = own(
        lambda x, *, by=1.0: by * np.sin(x),
        lambda gradient, output, x, *, by=1.0: gradient * (by * np.cos(x)),
        name="stretch",
        elementwise=True,
    )
    return {
        "sin": (lambda x: stretch(x, by=1.0), None),
        "cos": (own(lambda x: np.cos(x),
                    lambda gradient, output, x: -gradient * np.sin(x), elementwise=True), None),
        "tanh": (own(lambda x: np.tanh(x),
                     lambda gradient, output, x: gradient * (1.0 - output * output), elementwise=True), None),
        "sigmoid": (own(lambda x: cs.sigmoid(x),
                        lambda gradient, output, x: gradient * (output * (1.0 - output)), elementwise=True), None),
        "relu": (own(lambda x: np.where(x <= 0.0, 0.0, x),
                     lambda gradient, output, x: gradient * (x > 0.0), elementwise=True), None),
    }  # fmt: skip


@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
def test_a_users_elementwise_gates_have_the_bits_of_built_in_ones(group):
    mine = copies()

    @settings(max_examples=tried(150))
    @given(
        st.one_of(
            programs(20, shapes=[()], without=["pow", "square"]),
            programs(20, shapes=[(), (9,)], without=["pow", "square"]),
        )
    )
    def check(program: Program):
        plain = cs.Simulation(program.circuit(), trace=False, nonfinite="ignore")
        with mock.patch.dict(library.UNARY, mine):
            engines = [plain, *(made(program.circuit(), nonfinite="ignore") for made in ENGINES)]
        found = [again(engine, program.inputs, program.pulls) for engine in engines]
        for outputs, gradients in found[1:]:
            assert_same_bits(found[0][0], outputs)
            assert_same_bits(found[0][1], gradients)
        assert (form_of(engines[2]) == {Levels}) == (group == 0.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "GROUP", group)
        check()


def test_a_users_activation_goes_into_levels():
    bend = own(lambda x: np.tanh(x), lambda gradient, output, x: gradient * (1.0 - output * output), elementwise=True)
    inputs = {"x1": np.linspace(-1, 1, 100), "x2": np.linspace(2, -2, 100)}
    engines = [cs.Compiled(cs.mlp([2, 16, 16, 1], activation)) for activation in (bend, "tanh", "own")]
    found = [again(engine, inputs) for engine in engines]
    assert [form_of(engine) for engine in engines] == [{Levels}] * 3
    for outputs, gradients in found[1:]:
        assert_same_bits(found[0][0], outputs)
        assert_same_bits(found[0][1], gradients)
    assert cs.dense([2, 3, 1], bend).graph.nodes["own1"]["gate"] is bend


def test_gates_with_other_attributes_are_computed_apart(monkeypatch):
    monkeypatch.setattr(compiled, "GROUP", 0.0)
    leaky = own(
        lambda x, *, slope=0.1: np.where(x > 0.0, x, slope * x),
        lambda gradient, output, x, *, slope=0.1: np.where(x > 0.0, gradient, slope * gradient),
        elementwise=True,
    )
    circuit = cs.Circuit()
    x = circuit.input("x")
    for number, slope in enumerate([0.1, 0.5, 0.1, 1, 1.0, np.float64(0.5)]):
        circuit.output(f"f{number}", leaky(x, slope=slope))
    circuit.output("last", leaky(x))
    engine = cs.Compiled(circuit)
    outputs, gradients = again(engine, {"x": -2.0})
    assert outputs == {"f0": -0.2, "f1": -1.0, "f2": -0.2, "f3": -2.0, "f4": -2.0, "f5": -1.0, "last": -0.2}
    assert_same_bits(gradients, again(cs.Simulation(circuit), {"x": -2.0})[1])
    assert form_of(engine) == {Levels}


@pytest.mark.parametrize(("forward", "words"), [
    (lambda x: x**3, r"different bits, .* for x = .*: write x\*x\*x for x\*\*3"),
    (lambda x: x**2, "different bits"),
    (lambda x: x**0.5, "it makes a complex number"),
    (lambda x: 1.0 / x, r"fails on a number where an array gives inf or nan .*: write .*np\.divide"),
    (lambda x: x if x > 0.0 else -x, r"fails on an array .*np\.where for a choice"),
    (lambda x: math.tanh(x), "fails on an array .*NumPy's functions for math's"),
    (lambda x: x / (1.0 + np.sum(np.abs(x))), "different bits"),
    (lambda x: x - np.mean(x), "different bits"),
    (lambda x: np.cumsum(x), "different bits|makes an array"),
    (lambda x: np.sort(x) if np.ndim(x) else x, "different bits"),
])  # fmt: skip
def test_what_is_declared_elementwise_and_is_not_is_refused(engine, forward, words):
    circuit = cs.Circuit()
    circuit.output("f", own(forward, lambda gradient, output, x: gradient, elementwise=True)(circuit.input("x")))
    with pytest.raises(cs.GateError, match=f"gate 'own' is declared elementwise, but its function .*{words}"):
        again(engine(circuit), {"x": 0.5})


def test_rules_are_held_to_it_too():
    gate = own(lambda x: x * x * x, lambda gradient, output, x: gradient * 3.0 * x**2, elementwise=True)
    with pytest.raises(cs.GateError, match="but its vjp of port 0 gives a number and an element"):
        gate.check_elementwise()
    gate.vjp(0)(lambda gradient, output, x: gradient * (3.0 * x * x))
    gate.check_elementwise()


def test_a_second_input_that_is_a_number_is_checked():
    """NumPy has short ways for some numbers as exponents, which a check of two arrays would not meet."""
    with pytest.raises(cs.GateError, match="different bits"):
        own(lambda a, b: np.power(a, b), elementwise=True).check_elementwise()
    with pytest.raises(cs.GateError, match="different bits"):
        own(lambda a, b: a * b + (np.ndim(a) != np.ndim(b)), elementwise=True).check_elementwise()
    rule = lambda gradient, output, a, b: gradient * b * (1.0 + (np.ndim(a) != np.ndim(b)))  # noqa: E731
    with pytest.raises(cs.GateError, match=r"vjp of port 0 .* different bits"):
        own(lambda a, b: a * b, rule, elementwise=True).check_elementwise()


def test_all_built_in_elementwise_gates_pass_the_check_that_users_gates_must():
    for gate in {gate for gate in registry.values() if gate.elementwise}:
        gate.check_elementwise()
    assert not cs.pow.elementwise


def test_gates_for_numbers_are_elementwise_but_for_pow():
    numbers = {gate for gate in registry.values() if gate.forward.__module__ in (scalar.__name__, functions.__name__)}
    assert len(numbers) > 30
    assert {gate.name for gate in numbers if not gate.elementwise} == {"pow"}
    assert {gate.name for gate in registry.values() if gate.elementwise} - {gate.name for gate in numbers} == {
        "where", "clip", "elu", "erf", "gelu", "leaky_relu", "batch_norm_inference",
    }  # fmt: skip


def test_built_in_gates_say_where_they_are_flat():
    chosen = {"where": ("condition",), "one_hot": ("labels",), "dropout": ("draw",), "embedding": ("indices",)}
    chosen["scaled_dot_product_attention"] = ("mask",)
    chosen |= dict.fromkeys(["weston_watkins", "crammer_singer"], ("target",))
    chosen |= dict.fromkeys(["greater", "greater_equal", "less", "less_equal", "equal", "not_equal"], ("a", "b"))
    assert {name: registry[name].flat for name in chosen} == chosen


def test_the_check_is_made_once():
    asked = []

    def forward(x):
        asked.append(x)
        return x + 1.0

    gate = own(forward, lambda gradient, output, x: gradient, elementwise=True)
    circuit = cs.Circuit()
    circuit.output("f", gate(gate(circuit.input("x"))))
    cs.Simulation(circuit)
    first = len(asked)
    assert first > 1000
    cs.Simulation(circuit)
    cs.Compiled(circuit).forward({"x": 1.0})
    assert len(asked) == first + 2


def test_a_gate_in_levels_cannot_write_to_what_it_is_given(engine, monkeypatch):
    """Not even one that did no harm when it was checked."""
    monkeypatch.setattr(compiled, "GROUP", 0.0)
    bad = []

    def forward(x):
        if bad and np.ndim(x):
            x += 1.0
        return x * 1.0

    gate = own(forward, lambda gradient, output, x: gradient, elementwise=True)
    circuit = cs.Circuit()
    circuit.output("f", gate(circuit.input("x")))
    runner = engine(circuit)
    again(runner, {"x": [1.0, 2.0]})
    bad.append(True)
    with pytest.raises(cs.GateError, match=r"gate 'own1' \(own\) writes to its input x in place"):
        runner.forward({"x": [1.0, 2.0]})


def test_a_flat_port_needs_no_rule_and_sends_nothing(engine):
    gate = own(lambda x, mask: x * mask, lambda gradient, output, x, mask: gradient * mask, flat=["mask"])
    circuit = cs.Circuit()
    circuit.output("f", gate(circuit.input("x"), circuit.input("mask")))
    assert again(engine(circuit), {"x": [1.0, 2.0], "mask": [0.0, 1.0]})[1]["mask"].tolist() == [0.0, 0.0]
    with pytest.raises(cs.GateError, match=r"gate 'own' has no port 'y' to be flat: its ports are \(x, mask\)"):
        own(lambda x, mask: x, flat=["y"])
    with pytest.raises(cs.GateError, match=r"flat of gate 'own' is one text: give a list of names, flat=\['mask'\]"):
        own(lambda x, mask: x, flat="mask")


def test_a_sign_is_written_between_operands():
    gate = own(lambda a, b: a + b, *[lambda gradient, output, a, b: gradient] * 2, infix="⊕")
    circuit = cs.Circuit()
    a, b = circuit.inputs("a b")
    circuit.output("f", gate(-a, b))
    run = cs.Simulation(circuit).run(a=1.0, b=2.0)
    assert gate.symbol == "⊕"
    told = run.explain("a")
    assert "own1 = neg1 ⊕ b = (-1) ⊕ 2 = 1" in told
    assert "neg1 = −a = −1 = -1" in told


def test_an_alias_is_another_name():
    gate = own(lambda x: x + 1.0, lambda gradient, output, x: gradient, aliases=["successor", np.str_("next")])
    assert registry["successor"] is registry["next"] is gate
    assert cs.Simulation(cs.parse("successor(x) + next(x) + own(x) + sig(0 * x)")).forward({"x": 1})["f"] == 6.5


def test_a_parameter_that_is_only_added_is_a_bias():
    shift = own(lambda x, by: x + by, *[lambda gradient, output, x, by: gradient] * 2, additive=True)
    circuit = cs.Circuit()
    x, (a, b, c) = circuit.input("x"), circuit.parameters(a=1.0, b=1.0, c=1.0)
    circuit.output("f", shift(shift(x * a, b), -c))
    engine = cs.Simulation(circuit)
    engine.learn(cs.SGD(0.1), cs.L2(1.0))
    assert [name for name, springs in engine.springs.items() if springs] == ["a", "c"]


def test_what_is_only_added_or_subtracted_is_a_bias_and_nothing_else():
    circuit = cs.Circuit()
    a, b, c, d, e, _ = circuit.parameters(a=1.0, b=1.0, c=1.0, d=1.0, e=1.0, unused=1.0)
    circuit.output("f", (circuit.input("x") * a + b - c) + d * (d + 1.0))
    circuit.output("e", e)  # moves by itself
    assert cs.Compiled(circuit).netlist.biases() == {"b", "c", "unused"}


@pytest.mark.parametrize("x", [0.5, [0.5, -1.0]])
def test_compiled_code_has_a_users_text_in_its_lines(x):
    calls = []

    def forward(x):
        calls.append(x)
        return x * x * x

    gate = own(forward, lambda gradient, output, x: gradient * (3.0 * x * x))
    gate.code("x * x * x", "gradient * (3.0 * x * x)")
    circuit = cs.Circuit()
    shown = gate(circuit.input("x"))
    circuit.output("f", cs.tanh(shown) + gate(circuit.input("y")))
    circuit.output("shown", shown)
    engine = cs.Compiled(circuit)
    found = again(engine, {"x": x, "y": 2.0})
    assert len(calls) == 2  # in the first run
    simulated = again(cs.Simulation(circuit), {"x": x, "y": 2.0})
    assert_same_bits(found[0], simulated[0])
    assert_same_bits(found[1], simulated[1])
    if np.ndim(x):
        assert not found[0]["shown"].flags.writeable


@pytest.mark.parametrize(("text", "shown"), [
    ("gradient", {"gradient"}), ("-gradient", {"gradient"}), ("gradient * x - 2.0", {"gradient", "x"}),
    ("gradient / x", set()), ("tanh(x)", set()), ("gradient if x > 0.0 else 0.0", set()),
    ("gradient * exp(x)", {"gradient"}),
])  # fmt: skip
def test_what_an_infinity_is_sure_to_show_in(text, shown):
    expression = Expression(text, ["gradient", "x"])
    assert {name for name in ("gradient", "x") if expression.shows(name)} == shown


@pytest.mark.parametrize(("texts", "words"), [
    (["x + 1.0"], "give a text or None for each of its 1 ports"),
    (["x + ", "gradient"], "the code 'x \\+ ' cannot be read"),
    (["y + 1.0", "gradient"], "uses 'y': use x and the functions of NumPy"),
    (["x + 1.0", "grad"], "uses 'grad': use gradient, output, x and the functions of NumPy"),
])  # fmt: skip
def test_code_that_cannot_be_is_refused(texts, words):
    with pytest.raises(cs.GateError, match=words):
        own(lambda x: x + 1.0).code(*texts)


def test_a_family_of_a_thousand_inputs_is_compiled_to_code_of_its_own_size():
    """Each of the thousand rules was once called with all inputs written out: a million words."""
    sizes = []
    real = compile

    def measure(text, *rest):
        sizes.append(len(text))
        return real(text, *rest)

    for count in (500, 1000):
        circuit = cs.Circuit()
        wires = circuit.inputs([f"x{number}" for number in range(count)])
        circuit.output("f", cs.stack(*wires) * np.arange(float(count)))
        engine, inputs = cs.Compiled(circuit), {f"x{number}": 1.0 for number in range(count)}
        with mock.patch("circuitsim.compiled.straight_line.compile", measure, create=True):
            _, gradients = again(engine, inputs)
        assert gradients == {f"x{number}": float(number) for number in range(count)}
    assert sizes[1] < 2.2 * sizes[0]


def test_numpys_numbers_are_attributes_lengths_and_ports(engine):
    circuit = cs.Circuit()
    x = circuit.input("x", shape=(np.int64(2), np.int32(3)))
    product = circuit.gate(cs.mul, None, np.float32(2.0))
    circuit.connect(cs.sum(x, axis=np.int64(1), keepdims=np.bool_(False)), product, np.int64(0))
    circuit.output("f", product)
    assert engine(circuit).forward({"x": np.ones((2, 3))})["f"].tolist() == [6.0, 6.0]
    assert circuit.graph.nodes["sum1"]["attributes"] == {"axis": 1, "keepdims": False}
    assert type(circuit.graph.nodes["sum1"]["attributes"]["axis"]) is int
    assert cs.sum(np.ones((2, 3)), axis=np.int64(1)).tolist() == [3.0, 3.0]


def test_numpys_texts_are_plain_names(engine):
    class Shouting(str):
        def __repr__(self):
            return "print('no code of a name is run')"

        __str__ = __repr__

    names = [*np.array(["a", "b"]), Shouting("c")]
    circuit = cs.Circuit(np.str_("named"))
    a, b, c = circuit.inputs(names)
    circuit.output(np.str_("f"), circuit.gate(cs.add, a, b, name=np.str_("q")) * c)
    assert {type(name) for name in [*circuit.graph, *circuit.outputs, circuit.name]} == {str}
    assert again(engine(circuit), {"a": 1.0, "b": 2.0, "c": 3.0})[1] == {"a": 3.0, "b": 3.0, "c": 3.0}
