"""The event-driven engine: the guide's numbers, its cost in events, time, traces, and failures."""

import copy
import math
import pickle

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.learning import check_gradients
from circuitsim.simulation.kernel import Channel, World

NEURON = "sigmoid(a*x + b*y + c)"
AT = {"a": 1, "b": 2, "c": -3, "x": -1, "y": 3}


def step(engine, inputs, size=0.01):
    """Return output, gradients, and the output after all inputs gave way a little."""
    before = engine.forward(inputs)["f"]
    gradients = engine.backward()
    after = engine.forward({name: value + size * gradients[name] for name, value in inputs.items()})["f"]
    return before, gradients, after


def test_the_guides_multiply_gate(engine):
    before, gradients, after = step(engine(cs.parse("x * y")), {"x": -2, "y": 3})
    assert (before, gradients) == (-6.0, {"x": 3.0, "y": -2.0})
    assert after == pytest.approx(-5.8706, abs=1e-12)


def test_the_guides_two_gates(engine):
    before, gradients, after = step(engine(cs.parse("(x + y) * z")), {"x": -2, "y": 5, "z": -4})
    assert (before, gradients) == (-12.0, {"x": -4.0, "y": -4.0, "z": 3.0})
    assert after == pytest.approx(-11.5924, abs=1e-12)


def test_the_guides_neuron(engine):
    before, gradients, after = step(engine(cs.parse(NEURON)), AT)
    assert before == pytest.approx(1 / (1 + math.exp(-2)), rel=1e-15)
    assert round(before, 4) == 0.8808
    assert {name: round(g, 3) for name, g in gradients.items()} == {
        "a": -0.105, "x": 0.105, "b": 0.315, "y": 0.210, "c": 0.105,
    }  # fmt: skip
    assert round(after, 5) == 0.88255


@pytest.mark.parametrize("text", [
    "a * b", "a + b", "a + b + c", "a * b + c", NEURON, "a * a", "a*a + b*b + c*c", "pow((a * b + c) * d, 2)",
    "1 / a", "(a + b) / (c + d)", "max(a, b)", "max(a, 0)", "relu(a)",
])  # fmt: skip
def test_central_differences_agree_with_the_guides_expressions(engine, text):
    circuit = cs.parse(text)
    places = {"a": 1.5, "b": -2.0, "c": 4.0, "d": 0.5, "x": -1.0, "y": 3.0}
    assert check_gradients(engine(circuit), {n: places[n] for n in circuit.names("input")}).worst < 1e-8


def test_a_wire_may_feed_both_ports(engine):
    runner = engine(cs.parse("x * x"))
    runner.forward({"x": 3})
    assert runner.backward() == {"x": 6.0}


def test_outputs_are_pulled_alone_or_together(engine):
    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    product = x * y
    circuit.output("p", product)
    circuit.output("s", product + x)
    runner = engine(circuit)
    for pull, expected in [
        (1.0, {"x": 7.0, "y": 4.0}),
        ({"p": 1.0}, {"x": 3.0, "y": 2.0}),
        ({"s": 2.0}, {"x": 8.0, "y": 4.0}),
        ({"p": 1.0, "s": -1.0}, {"x": -1.0, "y": 0.0}),
        ({}, {"x": 0.0, "y": 0.0}),
    ]:
        runner.forward({"x": 2, "y": 3})
        assert runner.backward(pull) == expected


def test_what_no_pull_reaches_feels_zeros_of_its_shape(engine):
    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    circuit.output("f", x * 2)
    circuit.output("g", y * 2)
    runner = engine(circuit)
    runner.forward({"x": 1, "y": [1, 2]})
    gradients = runner.backward({"f": 1})
    assert gradients["y"].tolist() == [0.0, 0.0]


def test_an_output_may_show_an_input_or_a_constant_alone(engine):
    circuit = cs.Circuit()
    circuit.output("x", circuit.input("x"))
    circuit.output("two", circuit.constant(2))
    circuit.output("a", circuit.parameter("a", 5.0))
    runner = engine(circuit)
    assert runner.forward({"x": 7}) == {"x": 7.0, "two": 2.0, "a": 5.0}
    assert runner.backward(3.0) == {"x": 3.0, "a": 3.0}


def test_parameters_stay_until_they_are_set(engine):
    circuit = cs.Circuit()
    x = circuit.input("x")
    a, b = circuit.parameters(a=2.0, b=3.0)
    circuit.output("f", a * x + a * b)
    runner = engine(circuit)
    assert runner.forward({"x": 1})["f"] == 8.0
    assert runner.backward() == {"x": 2.0, "a": 4.0, "b": 2.0}
    runner.set_parameters({"a": 10.0})
    assert runner.parameters == {"a": 10.0, "b": 3.0}
    assert runner.forward({"x": 1})["f"] == 40.0


def test_parameters_are_sent_in_every_run_once_for_all_its_examples():
    circuit = cs.Circuit()
    x = circuit.input("x")
    circuit.output("f", circuit.parameter("a", 2.0) * x)
    simulation = cs.Simulation(circuit)
    assert [simulation.run(x=1).messages for _ in range(3)] == [6, 6, 6]
    before = simulation.messages
    simulation.stream([{"x": 1}] * 4)
    assert simulation.messages - before == 1 + 4 * 5
    simulation.set_parameters({"a": 3.0})
    run = simulation.run(x=1)
    assert run.outputs["f"] == 3.0
    assert run.value("a") == 3.0


@pytest.mark.parametrize("wire_latency", [1.0, {"a": 9.0}, {"a": 90.0, "x": 0.0}])
def test_a_forward_pass_waits_for_the_parameters_that_have_moved(wire_latency):
    circuit = cs.Circuit()
    circuit.output("f", circuit.parameter("a", 2.0) * circuit.input("x"))
    simulation = cs.Simulation(circuit, wire_latency=wire_latency)
    simulation.learn(cs.SGD(0.5))
    for expected in (2.0, 2.5, 3.0):
        assert simulation.run(x=1).outputs["f"] == expected
        simulation.update()


def test_the_same_run_leaves_the_same_trace_on_the_same_engine():
    circuit = cs.Circuit()
    circuit.output("f", cs.tanh(circuit.parameter("a", 2.0) * circuit.input("x") + 1))
    simulation = cs.Simulation(circuit)
    traces = [list(simulation.run(x=1).trace) for _ in range(3)]
    assert traces[0] == traces[1] == traces[2]
    simulation.stream([{"x": 1}])
    assert list(simulation.trace) == traces[0]


def test_the_callers_arrays_are_left_alone(engine):
    x = np.array([1.0, 2.0])
    runner = engine(cs.parse("x * x"))
    runner.forward({"x": x})
    x[:] = 100.0
    assert runner.backward()["x"].tolist() == [2.0, 4.0]


def count_events(monkeypatch):
    counted = []
    genuine = World.step
    monkeypatch.setattr(World, "step", lambda self: (genuine(self), counted.append(1)))
    return counted


@pytest.mark.parametrize("text", ["x * y", NEURON, "(x + y) * (x + y) + sin(x) * 2", "max(x, y) - x * x * x"])
def test_one_event_a_message_and_one_a_firing(monkeypatch, text):
    circuit = cs.parse(text)
    simulation = cs.Simulation(circuit)
    inputs = {name: 1.0 + index for index, name in enumerate(circuit.names("input"))}
    events = count_events(monkeypatch)
    for _ in range(3):
        events.clear()
        run = simulation.run(inputs)
        firings = sum(record.kind in (cs.Kind.FORWARD, cs.Kind.BACKWARD) for record in run.trace)
        messages = sum(record.kind in (cs.Kind.VALUE, cs.Kind.GRADIENT) for record in run.trace)
        assert len(events) == messages + firings


def test_only_what_leads_to_a_pull_takes_part_backward():
    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    circuit.output("f", x * 2)
    circuit.output("g", cs.sin(y) * 3)
    run = cs.Simulation(circuit).run(x=1, y=1, gradient={"f": 1})
    backward = [record for record in run.trace if record.kind in (cs.Kind.GRADIENT, cs.Kind.BACKWARD)]
    names = [run.trace.netlist.nodes[r.where].name for r in backward if r.kind is cs.Kind.BACKWARD]
    assert names == ["mul1"]
    assert sum(r.kind is cs.Kind.GRADIENT for r in backward) == 2  # to the gate and to x, none to the constant


def test_time_is_the_longest_path():
    run = cs.Simulation(cs.parse("(x + y) * z"), gate_delay={"add1": 5}, wire_latency={"z": 100}).run(x=1, y=2, z=3)
    # forward: z's wire, mul, the output's wire; backward: the output's wire, mul, z's wire
    assert run.time == 100 + 1 + 1 + 1 + 1 + 100
    run = cs.Simulation(cs.parse("x * y"), wire_latency={("mul1", "f"): 10}, gate_delay=0).run(x=1, y=2)
    assert run.time == 1 + 10 + 10 + 1


def test_delays_may_be_functions():
    called = []
    cs.Simulation(cs.parse("x * y"), gate_delay=lambda name: called.append(name) or 2).run(x=1, y=2)
    assert called == ["mul1", "mul1"]


@pytest.mark.parametrize(("options", "words"), [
    ({"gate_delay": -1}, "the time of gate_delay is -1"),
    ({"gate_delay": math.inf}, "the time of gate_delay is inf"),
    ({"gate_delay": "slow"}, "the time of gate_delay is 'slow'"),
    ({"gate_delay": {"mul7": 1}}, "gate_delay names 'mul7'"),
    ({"gate_delay": {"mul1": math.nan}}, "the time of gate 'mul1' is nan"),
    ({"wire_latency": {"q": 1}}, "wire_latency names 'q'"),
    ({"wire_latency": {("x", "f"): 1}}, r"wire_latency names \('x', 'f'\)"),
    ({"nonfinite": "panic"}, "nonfinite='panic' is unknown"),
])  # fmt: skip
def test_settings_that_make_no_sense(options, words):
    with pytest.raises(cs.InputError, match=words):
        cs.Simulation(cs.parse("x * y"), **options)


def test_a_function_that_returns_no_time():
    with pytest.raises(cs.InputError, match="the time of the wire from 'x' to 'mul1' is None"):
        cs.Simulation(cs.parse("x * y"), wire_latency=lambda source, target: None).run(x=1, y=2)


def test_the_same_run_leaves_the_same_trace():
    traces = [list(cs.Simulation(cs.parse(NEURON)).run(AT).trace) for _ in range(2)]
    assert traces[0] == traces[1]


def test_causes_come_before_effects():
    run = cs.Simulation(cs.parse(NEURON), gate_delay=0, wire_latency=0).run(AT)
    arrived = {}
    for record in run.trace:
        if record.kind is cs.Kind.VALUE:
            arrived.setdefault(run.trace.netlist.wires[record.where].target, []).append(record.value)
        elif record.kind is cs.Kind.FORWARD:
            assert len(arrived[record.where]) == len(run.trace.netlist.incoming[record.where])


def test_without_a_trace_the_numbers_are_there_and_the_story_is_not():
    run = cs.Simulation(cs.parse("x * y"), trace=False).run(x=2, y=3)
    assert run.gradients == {"x": 3.0, "y": 2.0}
    assert run.messages == 6 or run.messages == 8
    with pytest.raises(cs.TraceError, match="was not traced"):
        run.explain("x")


def test_a_run_can_be_pickled():
    run = pickle.loads(pickle.dumps(cs.Simulation(cs.parse("x * y")).run(x=2, y=3)))
    assert run.explain("x")


def test_a_lost_message_is_a_deadlock_that_names_who_waits(monkeypatch):
    simulation = cs.Simulation(cs.parse("(x + y) * z"))
    genuine = Channel.send
    monkeypatch.setattr(Channel, "send", lambda self, tag, value: None if value == 5.0 else genuine(self, tag, value))
    with pytest.raises(cs.DeadlockError, match=r"on its way forward .* 'add1' for tag 0 on b; 'mul1' for tag 0 on a"):
        simulation.run(x=-2, y=5, z=-4)
    monkeypatch.undo()
    assert simulation.run(x=-2, y=5, z=-4).outputs["f"] == -12.0
    monkeypatch.setattr(Channel, "send_back", lambda self, *what: None)
    with pytest.raises(cs.DeadlockError, match=r"on its way backward .* 'mul1' for tag 0 on gradients"):
        simulation.run(x=-2, y=5, z=-4)


@pytest.mark.parametrize(("inputs", "words"), [
    ({"x": 1}, "needs a value for input y: its inputs are x, y"),
    ({}, "needs a value for inputs x, y"),
    ({"x": 1, "y": 2, "q": 3}, "has no input 'q': its inputs are x, y"),
    ({"x": 1, "y": "two"}, "input 'y' of circuit 'x / y': 'two' is not a number"),
    ({"x": 1, "y": None}, "None is not a number"),
    ({"x": 1, "y": [1, "a"]}, "is not a number or an array"),
])  # fmt: skip
def test_wrong_inputs(engine, inputs, words):
    with pytest.raises(cs.InputError, match=words):
        engine(cs.parse("x / y")).forward(inputs)


@pytest.mark.parametrize(("pull", "error", "words"), [
    ({"g": 1}, cs.InputError, "has no output 'g': its outputs are f"),
    ("hard", cs.InputError, "output 'f' of circuit 'x / y': 'hard' is not a number"),
    ([1, 2, 3], cs.ShapeError, r"output 'f' has shape \(2,\) and was given a gradient of shape \(3,\)"),
])  # fmt: skip
def test_wrong_pulls(engine, pull, error, words):
    runner = engine(cs.parse("x / y"))
    runner.forward({"x": [1, 2], "y": 2})
    with pytest.raises(error, match=words):
        runner.backward(pull)
    assert runner.backward()["x"].tolist() == [0.5, 0.5]  # a refused pull uses nothing up


def test_each_pull_uses_up_a_forward_pass(engine):
    runner = engine(cs.parse("x * y"))
    with pytest.raises(cs.InputError, match="nothing to go back from"):
        runner.backward()
    runner.forward({"x": 1, "y": 2})
    runner.backward()
    with pytest.raises(cs.InputError, match="nothing to go back from"):
        runner.backward()


def test_shapes_that_do_not_broadcast_are_named_and_the_engine_lives_on(engine):
    runner = engine(cs.parse("x + y"))
    with pytest.raises(
        cs.ShapeError, match=r"gate 'add1' \(add\) cannot take shapes \(2,\) and \(3,\): they do not broad"
    ):
        runner.forward({"x": [1, 2], "y": [1, 2, 3]})
    assert runner.forward({"x": 1, "y": 2}) == {"f": 3.0}


def test_a_gate_that_computes_no_number_is_named(engine):
    @cs.gate
    def silent(x):
        return None

    with pytest.raises(cs.GateError, match=r"gate 'silent1' \(silent\) computed what no wire can carry: None"):
        engine(cs.parse("silent(x)")).forward({"x": 1})


@pytest.mark.parametrize(("text", "x", "words"), [
    ("1 / x", 0.0, r"gate 'div1' \(div\) made inf from 1, 0"),
    ("1 / (1 / x)", 0.0, r"gate 'div1' \(div\) made inf"),
    ("exp(x) + 1", 1000.0, r"gate 'exp1' \(exp\) made inf from 1000"),
    ("log(x)", [-1.0, 1.0], r"gate 'log1' \(log\) made \[nan, 0\]"),
    ("sqrt(x)", 0.0, r"gate 'sqrt1' \(sqrt\) sent the gradient inf back through port 0 \(x = 0\)"),
    ("x + 1", math.inf, "input 'x' was given inf"),
])  # fmt: skip
def test_what_is_not_finite_is_told_once_with_the_gates_name(engine, text, x, words):
    runner = engine(cs.parse(text))
    with pytest.warns(cs.NonFiniteWarning, match=words) as told:
        for _ in range(3):
            runner.forward({"x": x})
            runner.backward()
    assert len(told) == 1
    strict = engine(cs.parse(text), nonfinite="error")
    with pytest.raises(ArithmeticError, match=words):
        for _ in range(1):
            strict.forward({"x": x})
            strict.backward()
    quiet = engine(cs.parse(text), nonfinite="ignore")
    quiet.forward({"x": x})


def test_explanations_write_the_arithmetic_out():
    run = cs.Simulation(cs.parse("(x + y) * z")).run(x=-2, y=5, z=-4)
    assert run.explain("x").splitlines() == [
        "f = -12 is given the gradient 1.",
        "mul1 = add1 × z = 3 × (-4) = -12, gradient 1.",
        "    to add1: 1 × (-4) = -4",
        "add1 = x + y = (-2) + 5 = 3, gradient -4.",
        "    to x: -4 × 1 = -4",
        "x = -2, gradient -4.",
    ]


def test_explanations_add_up_what_meets_at_a_fan_out():
    run = cs.Simulation(cs.parse("x*x + 3*x")).run(x=4)
    assert run.explain("x").endswith("x = 4, gradient 4 + 4 + 3 = 11.")


def test_explanations_of_what_cannot_be_explained():
    run = cs.Simulation(cs.parse("x * 2")).run(x=1)
    with pytest.raises(cs.TraceError, match="has nothing called 'q': it has x, mul1, f"):
        run.explain("q")
    with pytest.raises(cs.TraceError, match="'f' is an output"):
        run.explain("f")
    circuit = cs.Circuit()
    circuit.output("f", circuit.input("x") * 2)
    circuit.input("idle")
    run = cs.Simulation(circuit).run(x=1, idle=2)
    assert run.explain("idle") == "idle has no gradient: no output that was given one depends on it."
    with pytest.raises(cs.TraceError, match="no value left 'idle'"):
        run.value("idle")


def test_a_run_reads_well():
    run = cs.Simulation(cs.parse("(x + y) * z")).run(x=-2, y=5, z=-4)
    assert repr(run) == "<run of '(x + y) * z': f = -12; gradients x -4, y -4, z 3; 10 messages in 10 ticks>"
    assert repr(run.trace) == "<trace of '(x + y) * z': 14 records, 0 to 10 ticks>"


def test_inputs_with_any_name_are_given_in_a_mapping():
    circuit = cs.Circuit()
    gradient, odd = circuit.input("gradient"), circuit.input("no name in Python")
    circuit.output("f", gradient * odd)
    run = cs.Simulation(circuit).run({"gradient": 2, "no name in Python": 3}, gradient=10)
    assert run.gradients == {"gradient": 30.0, "no name in Python": 20.0}


def test_a_parameter_that_arrives_between_two_values_starts_nothing():
    circuit = cs.Circuit()
    x, low = circuit.inputs("x low")
    circuit.output("f", cs.clip(x, low, circuit.parameter("high", 2.0)))
    simulation = cs.Simulation(circuit, wire_latency={"x": 1, "high": 2, "low": 3})
    run = simulation.run(x=5.0, low=-1.0)
    assert run.outputs == {"f": 2.0}
    assert run.gradients == {"x": 0.0, "low": 0.0, "high": 1.0}
    assert [(r.start, r.end) for r in run.trace if r.kind.name == "FORWARD"] == [(3.0, 4.0)]


def test_a_gate_takes_examples_in_flight_one_after_the_other():
    simulation = cs.Simulation(cs.parse("x * y"), gate_delay=5.0)
    run = simulation.stream([{"x": 2.0 + tag, "y": 10.0} for tag in range(3)])
    assert [outputs["f"] for outputs in run.outputs] == [20.0, 30.0, 40.0]
    fired = [(r.tag, r.start, r.end) for r in run.trace if r.kind.name == "FORWARD"]
    assert fired == [(0, 1.0, 6.0), (1, 6.0, 11.0), (2, 11.0, 16.0)]
    backward = [(r.tag, r.start, r.end) for r in run.trace if r.kind.name == "BACKWARD"]
    assert backward == [(0, 16.0, 21.0), (1, 21.0, 26.0), (2, 26.0, 31.0)]


def test_what_is_done_is_let_go():
    """Messages hold on to what they last carried, and examples that were never pulled to all that they came by."""
    simulation = cs.Simulation(cs.parse("x * y"), trace=False)
    for _ in range(3):
        simulation.forward({"x": [1.0, 2.0], "y": 3.0})
        assert not simulation.environment.spare
        assert len(simulation.environment.tokens) == 1
    simulation.backward()
    assert not simulation.environment.spare
    assert not simulation.environment.tokens


def test_a_wire_that_no_gradient_came_to_has_the_gradient_0():
    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    circuit.output("f", 2.0 * x)
    circuit.output("g", cs.tanh(y))
    run = cs.Simulation(circuit).run(x=1.0, y=0.5, gradient={"f": 3.0})
    assert [run.gradient(name) for name in ("x", "y", "tanh1")] == [6.0, 0.0, 0.0]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_simulation_is_not_copied_and_another_goes_on_where_it_was(duplicate):
    for plan in (None, cs.Plan(2)):
        simulation = cs.Simulation(cs.linear(2, init="zero"), plan)
        simulation.learn(cs.SGD(0.1))
        simulation.forward({"x1": 1.0, "x2": 2.0})
        simulation.backward()
        simulation.update()
        with pytest.raises(cs.CallError, match=r"make another, .*restore"):
            duplicate(simulation)
        another = cs.Simulation(cs.linear(2, init="zero"), plan)
        another.learn(cs.SGD(0.1))
        another.restore(simulation.memory)
        assert another.parameters == simulation.parameters == {"w1": 0.1, "w2": 0.2, "b": 0.1}
