"""The compiled engine: the simulation's numbers bit for bit, whatever form it compiles a circuit to."""

import gc
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.compiled import compiled
from circuitsim.compiled.form import MOST_ROOTS
from circuitsim.compiled.levels import Levels
from circuitsim.gates.value import as_value
from tests.effort import tried
from tests.programs import Program, programs
from tests.test_random_circuits import assert_same_bits

OPTIMIZERS = [cs.SGD(0.01), cs.Momentum(0.01), cs.Nesterov(0.01), cs.AdaGrad(0.01), cs.RMSProp(0.01), cs.Adam(0.01)]


def both(circuit):
    return cs.Simulation(circuit, trace=False, nonfinite="ignore"), cs.Compiled(circuit, nonfinite="ignore")


@settings(max_examples=tried(500))
@given(programs(), st.sampled_from(OPTIMIZERS))
def test_ten_training_steps_with_the_simulations_bits(program: Program, optimizer):
    engines = both(program.circuit())
    for engine in engines:
        engine.learn(optimizer, cs.L2(0.1))
    for _ in range(10):
        outputs = [engine.forward(program.inputs) for engine in engines]
        gradients = [engine.backward(program.pulls) for engine in engines]
        for engine in engines:
            engine.update()
        assert_same_bits(*outputs)
        assert_same_bits(*gradients)
        assert_same_bits(*(engine.parameters for engine in engines))


@settings(max_examples=tried(300))
@given(
    st.one_of(
        programs(40, shapes=[()], without=["pow", "square"]),
        programs(40, shapes=[(), (7,)], without=["pow", "square"]),
        programs(40, shapes=[(), (300,)], without=["pow", "square"]),
        programs(40, shapes=[(), (3, 5)], without=["pow", "square"]),
    ),
    st.integers(0, 3),
)
def test_levels_have_the_simulations_bits(program: Program, alone):
    """Whatever is pulled: all outputs, or one alone, and then all again."""
    engines = both(program.circuit())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "GROUP", 0.0)
        for turn in range(4):
            pulls = program.pulls if turn % 2 else {f"out{alone % len(program.pulls)}": 1.5}
            outputs = [engine.forward(program.inputs) for engine in engines]
            gradients = [engine.backward(pulls) for engine in engines]
            assert_same_bits(*outputs)
            assert_same_bits(*gradients)
            for engine in engines:
                engine.set_parameters({name: np.cos(value) for name, value in engine.parameters.items()})
        assert {type(form) for form in engines[1]._forms.values()} == {Levels}


# What keeps arrays of four by four: any of them may follow any other.
STEPS = {
    "matmul": lambda a, b: cs.matmul(a, b), "transpose": lambda a, b: cs.transpose(a),
    "softmax": lambda a, b: cs.softmax(a), "log_softmax": lambda a, b: cs.log_softmax(a, axis=0),
    "layer_norm": lambda a, b: cs.layer_norm(a, b, 0.5), "batch_norm": lambda a, b: cs.batch_norm(a, 1.5, b),
    "rms_norm": lambda a, b: cs.rms_norm(a, b), "fixed": lambda a, b: cs.batch_norm_inference(a, b, 0.5, b, b * b),
    "attention": lambda a, b: cs.scaled_dot_product_attention(a, b, a, 1.0, causal=True),
    "sum": lambda a, b: a * cs.sum(b, axis=0), "mean": lambda a, b: a - cs.mean(b), "var": lambda a, b: a + cs.var(b),
    "reshape": lambda a, b: cs.reshape(cs.reshape(a, shape=(2, -1)), shape=(4, 4)),
    "concat": lambda a, b: cs.concat(a[0:2], b[1:3]),
    "stack": lambda a, b: cs.sum(cs.stack(a, b, a, axis=1), axis=1),
    "take": lambda a, b: cs.take(a, indices=[3, 0, 0, 1]),
    "where": lambda a, b: cs.where(cs.greater(a, b), cs.sin(a), b), "clip": lambda a, b: cs.clip(a, -1.0, 1.0),
    "logsumexp": lambda a, b: a + cs.logsumexp(b, axis=1, keepdims=True), "dropout": lambda a, b: cs.dropout(a, 3.0),
    "embedding": lambda a, b: a + cs.embedding(b, [1.0, 1.0, 3.0, 0.0]),
    "reduce_max": lambda a, b: a - cs.reduce_max(b),
    "cross_entropy": lambda a, b: a + cs.cross_entropy(b, [0.0, 1.0, 2.0, 3.0]),
    "conv2d": lambda a, b: a + cs.conv2d(cs.reshape(a, shape=(1, 1, 4, 4)), cs.reshape(b, shape=(1, 1, 4, 4)))[0, 0],
    "max_pool2d": lambda a, b: a * cs.reshape(cs.max_pool2d(cs.reshape(b, shape=(1, 1, 4, 4))), shape=(4,)),
    "tanh": lambda a, b: cs.tanh(a), "mul": lambda a, b: a * b, "sub": lambda a, b: a - b,
}  # fmt: skip


@settings(max_examples=tried(500))
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8
    ),
    optimizer=st.sampled_from(OPTIMIZERS),
    seed=st.integers(0, 1000),
)
def test_circuits_of_tensor_gates_have_the_simulations_bits(steps, optimizer, seed):
    random = np.random.default_rng(seed)
    circuit = cs.Circuit()
    wires = [circuit.input("x", shape=(4, 4)), circuit.parameter("w", random.normal(size=(4, 4)))]
    for name, one, other in steps:
        wires.append(cs.tanh(STEPS[name](wires[-1 - one % len(wires)], wires[-1 - other % len(wires)])))
    circuit.output("f", wires[-1])
    engines = both(circuit)
    for engine in engines:
        engine.learn(optimizer)
    for _ in range(10):
        x, pull = random.normal(size=(2, 4, 4))
        outputs = [engine.forward({"x": x}) for engine in engines]
        gradients = [engine.backward(pull) for engine in engines]
        for engine in engines:
            engine.update()
        assert_same_bits(*outputs)
        assert_same_bits(*gradients)
        assert_same_bits(*(engine.parameters for engine in engines))


@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
def test_everything_holds_in_both_forms(monkeypatch, group):
    monkeypatch.setattr(compiled, "GROUP", group)
    circuit = cs.mlp([2, 3, 1])
    simulation, engine = both(circuit)
    for x in (0.5, [0.5, -1.0, 2.0], 0.5, [0.1, 0.2, 0.3], [1.0, 2.0], 0.5, [1.0, 2.0]):
        for runner in (simulation, engine):
            runner.forward({"x1": 3.0, "x2": 3.0})  # never pulled
        assert_same_bits(*(runner.forward({"x1": x, "x2": 0.25}) for runner in (simulation, engine)))
        assert_same_bits(*(runner.backward(-1.0) for runner in (simulation, engine)))


@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
@pytest.mark.parametrize("x", [0.0, [0.0, 1.0]])
def test_infinities_are_found_in_both_forms(monkeypatch, group, x):
    monkeypatch.setattr(compiled, "GROUP", group)
    engine = cs.Compiled(cs.parse("1 / (1 / x)"))
    for _ in range(3):
        engine.forward({"x": 2.0 if x == 0.0 else [2.0, 3.0]})
        engine.backward()
    with pytest.warns(cs.NonFiniteWarning, match=r"gate 'div1' \(div\) made"):
        engine.forward({"x": x})
    root = cs.Compiled(cs.parse("sqrt(x)"), nonfinite="error")
    for _ in range(2):
        root.forward({"x": 1.0 if x == 0.0 else [1.0, 1.0]})
        root.backward()
    root.forward({"x": x})
    with pytest.raises(cs.NonFiniteError, match=r"gate 'sqrt1' \(sqrt\) sent the gradient"):
        root.backward()


ODD = [np.inf, -np.inf, np.nan, 1e200, -1e308, 0.0]


def complains(engine, inputs, pulls):
    """Tell in which direction an engine complains of what is not finite, if it does."""
    direction = "forward"
    try:
        engine.forward(inputs)
        direction = "backward"
        engine.backward(pulls)
    except cs.NonFiniteError:
        return direction
    return None


@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
def test_whatever_is_not_finite_is_found_in_both_forms(group):
    found = set()

    @settings(max_examples=200)
    @given(programs(10, shapes=[(), (3,)]), st.data())
    def check(program, data):
        simulation, engine = (made(program.circuit(), nonfinite="error") for made in (cs.Simulation, cs.Compiled))
        for _ in range(2):
            assert complains(engine, program.inputs, program.pulls) is None
        inputs = {
            name: value * 0.0 + data.draw(st.sampled_from(ODD)) if data.draw(st.booleans()) else value
            for name, value in program.inputs.items()
        }
        pulls = {name: data.draw(st.sampled_from([pull, 1e308])) for name, pull in program.pulls.items()}
        direction = complains(simulation, inputs, pulls)
        assert complains(engine, inputs, pulls) == direction
        found.add(direction)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "GROUP", group)
        check()
    assert found == {"forward", "backward", None}


def test_a_gradient_that_a_gate_swallows_is_watched_too():
    @cs.gate
    def barrier(x):
        return x

    @barrier.vjp(0)
    def _(gradient, output, x):
        return 0.0

    circuit = cs.Circuit()
    x, weight = circuit.inputs("x weight")
    circuit.output("f", barrier(x) * weight)
    engine = cs.Compiled(circuit, nonfinite="error")
    for _ in range(3):
        assert complains(engine, {"x": 0.0, "weight": 2.0}, 1.0) is None
    assert complains(engine, {"x": 0.0, "weight": 1e200}, 1e200) == "backward"


@pytest.mark.parametrize("group", [0.0, 1e9], ids=["levels", "lines"])
def test_code_is_kept_for_so_many_pulls_and_no_more(monkeypatch, group):
    monkeypatch.setattr(compiled, "GROUP", group)
    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    for number in range(MOST_ROOTS + 4):
        circuit.output(f"f{number}", x * y + number)
    simulation, engine = both(circuit)
    for number in [*range(MOST_ROOTS + 4), *range(MOST_ROOTS + 4), 0, 0, 0]:
        for runner in (simulation, engine):
            runner.forward({"x": 2.0, "y": 3.0})
        assert_same_bits(*(runner.backward({f"f{number}": 1.5}) for runner in (simulation, engine)))
    (form,) = engine._forms.values()
    kept = [form._backward] if isinstance(form, Levels) else [form._plans, form._codes]
    assert all(len(one) <= MOST_ROOTS for one in kept)


def test_what_was_returned_does_not_change():
    engine = cs.Compiled(cs.mlp([2, 8, 8, 1]), nonfinite="ignore")
    kept = []
    for turn in range(4):
        outputs, gradients = engine.forward({"x1": np.full(50, turn), "x2": np.ones(50)}), engine.backward()
        kept.append((outputs, gradients, {n: np.copy(v) for n, v in (outputs | gradients).items()}))
    assert {type(form) for form in engine._forms.values()} == {Levels}
    for outputs, gradients, copies in kept:
        assert_same_bits(outputs | gradients, copies)


def test_every_line_written_out_is_the_gates_own():
    """The gates' code against their functions, at ties, zeros and infinities too."""
    odd = [0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan]
    gates = {gate for gate in cs.gates.registry.values() if gate.texts and gate.elementwise}
    assert {cs.add, cs.max, cs.relu, cs.tanh} < gates
    makes = {"numbers": float, "arrays": lambda x: np.array([x, 1.0])}
    for gate, kind in itertools.product(gates, makes):
        for numbers in itertools.product(odd, repeat=gate.arity) if kind in gate.texts else ():
            code, make = gate.texts[kind], makes[kind]
            inputs = [make(number) for number in numbers]
            with np.errstate(all="ignore"):
                output = as_value(gate.forward(*inputs))
                names = dict(zip(gate.ports, inputs, strict=True)) | {"gradient": make(0.75), "output": output}
                texts = [
                    text and text.template.format(**{name: name for name in names})
                    for text in (code.forward, *code.shares)
                ]
                found = [text and eval(text, vars(np) | names) for text in texts]
                expected = [output, *(vjp(make(0.75), output, *inputs) for vjp in gate.vjps)]
            for mine, own in zip(found, expected, strict=True):
                assert mine is None or np.asarray(mine, float).tobytes() == np.asarray(own, float).tobytes(), (
                    gate,
                    numbers,
                )


@pytest.fixture
def no_collecting():
    """Millions of new objects would make Python look through them again and again."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.slow
@pytest.mark.usefixtures("no_collecting")
def test_a_chain_of_a_hundred_thousand_gates_runs_in_both_engines():
    circuit = cs.Circuit()
    wire = circuit.input("x")
    for _ in range(100_000):
        wire = circuit.gate(cs.neg, wire)
    circuit.output("f", wire)
    simulation, engine = both(circuit)
    for runner in (simulation, engine, engine):  # the second time as straight-line code
        assert runner.forward({"x": 2.0}) == {"f": 2.0}
        assert runner.backward(3.0) == {"x": 3.0}


@settings(max_examples=tried(100))
@given(programs())
def test_every_wire_can_be_read_after_a_pass_and_has_the_simulations_bits(program: Program):
    circuit = program.circuit()
    engine, simulation = cs.Compiled(circuit, nonfinite="ignore"), cs.Simulation(circuit, nonfinite="ignore")
    inputs = program.inputs
    run = simulation.run(inputs)
    for asked in (False, True, False, True):  # gate by gate, then as code; what is read changes nothing
        engine.forward(inputs)
        if asked:
            engine.value(circuit.names("gate")[0])
        engine.backward()
        names = [*circuit.names("gate"), *circuit.names("input"), *circuit.names("parameter")]
        known = [name for name in names if run.trace.node(name) in run.trace.values()]
        assert_same_bits({name: engine.value(name) for name in known}, {name: run.value(name) for name in known})
        assert_same_bits({name: engine.gradient(name) for name in names}, {name: run.gradient(name) for name in names})


def test_wires_are_not_asked_for_before_a_pass_nor_by_a_wrong_name():
    engine = cs.Compiled(cs.parse("q = x + y; f = q * x"))
    with pytest.raises(cs.InputError, match="has no values yet: run forward first"):
        engine.value("q")
    engine.forward({"x": 1.0, "y": 2.0})
    with pytest.raises(cs.InputError, match="has no gradients yet: run forward and backward first"):
        engine.gradient("q")
    engine.backward()
    assert (engine.value("q"), engine.value("f"), engine.gradient("q"), engine.gradient("f")) == (3.0, 3.0, 1.0, 1.0)
    with pytest.raises(cs.InputError, match="has no wire 'qq': did you mean 'q'"):
        engine.value("qq")


def test_a_value_that_is_never_asked_for_costs_nothing(monkeypatch):
    engine = cs.Compiled(cs.mlp([2, 3, 1], seed=0))
    for _ in range(3):
        engine.forward({"x1": 1.0, "x2": 2.0})
        engine.backward()
    walks = []
    walk = engine._walk.forward
    monkeypatch.setattr(engine._walk, "forward", lambda given: walks.append(1) or walk(given))
    engine.forward({"x1": 1.0, "x2": 2.0})
    assert not walks
    for name in engine.netlist.of_kind("gate"):
        engine.value(name)
    assert len(walks) == 1
