"""Streams: the same bits as without devices, and settings that make no sense."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.plan.schedules import SCHEDULES, gpipe, one_f_one_b, zb_v
from tests.pipelines import bits, chain, examples, network, one_by_one
from tests.programs import programs


@pytest.mark.parametrize("shape", [(), (3,)])
@pytest.mark.parametrize("name", [*SCHEDULES, None])
def test_synchronous_schedules_give_the_same_bits_as_no_devices(name, shape):
    circuit, _ = network(8)
    given = examples(8, shape=shape)
    placement = cs.place(circuit, stages=8, devices=4 if name == "interleaved" else None)
    run = cs.Simulation(circuit).stream(given, pull=-0.5, devices=placement, schedule=name, links=cs.Link(0.3))
    assert bits([run.outputs, run.input_gradients, run.gradients]) == bits(list(one_by_one(circuit, given, -0.5)))


def test_training_in_batches_gives_the_same_parameters_for_all_schedules():
    circuit, placement = network(4)
    found = set()
    for schedule in ("gpipe", "one_f_one_b", "zb_h1", "zb_h2", None):
        simulation = cs.Simulation(circuit)
        simulation.learn(cs.Adam(0.05), cs.L2(0.01))
        run = simulation.stream(examples(19), pull=-1.0, devices=placement, schedule=schedule, batch=6, update="batch")
        found.add(str(bits(run.parameters)))
        assert run.parameters == simulation.parameters
        assert simulation.memory["w0"].updates == 4  # the last batch is a short one
    reference = cs.Simulation(circuit)
    reference.learn(cs.Adam(0.05), cs.L2(0.01))
    for first in range(0, 19, 6):
        total = one_by_one_with(reference, examples(19)[first : first + 6])
        reference._set_memory(
            {n: cs.rules.respond(a.rule, a.springs, a.memory, total[n]) for n, a in reference._learners.items()}
        )
    assert found == {str(bits(reference.parameters))}


def one_by_one_with(simulation, given):
    total = {}
    for example in given:
        simulation.forward(example)
        felt = simulation.backward(-1.0)
        total = {name: total[name] + felt[name] if total else felt[name] for name in simulation.parameters}
    return total


@given(programs(most_steps=12), st.integers(1, 4), st.booleans(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_random_circuits_on_random_devices_give_the_same_bits(program, devices, split, seed, random):
    """Parameters that feed several devices, gates that see parameters alone, wires that skip stages, odd shapes."""
    circuit = program.circuit()
    gates = circuit.names("gate")
    given_ = [program.inputs, {name: value * 0.5 for name, value in program.inputs.items()}]
    if not gates:
        return
    placed = {f"d{n}": [] for n in range(devices)}
    for gate in gates:
        placed[f"d{random.randrange(devices)}"].append(gate)
    placement = cs.place(circuit, {name: gates for name, gates in placed.items() if gates})
    latency = cs.uniform(0, 3)
    expected = one_by_one(circuit, given_, program.pulls)
    fifo = cs.Simulation(circuit, nonfinite="ignore").stream(
        given_, pull=program.pulls, devices=placement, links=cs.Link(latency), seed=seed
    )
    assert bits([fifo.outputs, fifo.input_gradients, fifo.gradients]) == bits(list(expected))
    alone = cs.Simulation(circuit, nonfinite="ignore").stream(given_, pull=program.pulls, window=1 + seed % 2)
    assert bits([alone.outputs, alone.input_gradients, alone.gradients]) == bits(list(expected))
    stages = min(devices, len(gates))
    name = "zb_h1" if split else "one_f_one_b"
    cut = cs.Simulation(circuit, nonfinite="ignore").stream(
        given_, pull=program.pulls, devices=cs.place(circuit, stages), schedule=name, links=cs.Link(latency), seed=seed
    )
    assert bits([cut.outputs, cut.input_gradients, cut.gradients]) == bits(list(expected))


def test_without_devices_every_gate_has_one_and_the_simulations_delays_hold():
    circuit = cs.parse("tanh(tanh(tanh(x)))")
    simulation = cs.Simulation(circuit, gate_delay={"tanh2": 3}, wire_latency=2)
    run = simulation.stream([{"x": 1}, {"x": 2}, {"x": 3}])
    # The slow gate goes forward three times; only then comes the first gradient back to it, and it does each in turn.
    assert run.timeline.devices == ("tanh1", "tanh2", "tanh3")
    slow = [piece for piece in run.timeline.work if piece.device == 1]
    assert [(piece.kind, piece.tag, piece.start, piece.end) for piece in slow] == [
        ("F", 0, 3, 6), ("F", 1, 6, 9), ("F", 2, 9, 12), ("B", 0, 12, 15), ("B", 1, 15, 18), ("B", 2, 18, 21),
    ]  # fmt: skip
    assert run.outputs[0]["f"] == np.tanh(np.tanh(np.tanh(1.0)))


def fan_out():
    """A gate, an input and a parameter that feed five gates each: the order in which their gradients add up shows."""
    circuit = cs.Circuit("fan-out")
    x, a = circuit.input("x"), circuit.parameter("a", 0.3)
    middle = cs.tanh(x * a)
    for number in range(5):
        circuit.output(
            f"f{number}", (-3.7) ** number * cs.sin(middle * (1.1 + number)) + cs.cos(x * number) * a**number
        )
    return circuit


@pytest.mark.parametrize("stages", [1, 2, 3, 7, 20])
def test_gradients_that_meet_add_up_in_wiring_order(stages):
    circuit = fan_out()
    given = [{"x": 0.1 * i} for i in range(1, 20)]
    expected = bits(list(one_by_one(circuit, given, -0.1)))
    for latency in (0.0, cs.exponential(2.0)):
        run = cs.Simulation(circuit).stream(
            given, pull=-0.1, devices=cs.place(circuit, stages), links=cs.Link(latency), window=3
        )
        assert bits([run.outputs, run.input_gradients, run.gradients]) == expected


def test_the_next_batch_waits_until_new_weights_are_everywhere():
    circuit = cs.Circuit()
    w = circuit.parameter("w", 0.8)
    circuit.output("f", w * cs.tanh(w * circuit.input("x")))
    reference = cs.Simulation(circuit)
    reference.learn(cs.SGD(0.1))
    given = [{"x": 0.5 * i} for i in range(1, 9)]
    for example in given:
        reference.forward(example)
        reference.backward(1.0)
        reference.update()
    simulation = cs.Simulation(circuit)
    simulation.learn(cs.SGD(0.1))
    slow = cs.Link(cs.exponential(20.0))  # a value may be there before the weights that were sent before it
    run = simulation.stream(given, devices=cs.place(circuit, 2), links=slow, batch=1, update="batch")
    assert bits(run.parameters) == bits(reference.parameters)


def test_outputs_that_no_gate_makes_are_shown_and_pulled():
    circuit = cs.Circuit()
    x, a = circuit.input("x"), circuit.parameter("a", 2.0)
    circuit.output("f", cs.tanh(a * x))
    for name, wire in {"x too": x, "a too": a, "two": circuit.constant(2)}.items():
        circuit.output(name, wire)
    given = [{"x": 0.5}, {"x": -1.0}]
    for options in ({}, {"devices": cs.place(circuit, 2), "faults": cs.Faults(crash_every=6, checkpoint_every=2)}):
        run = cs.Simulation(circuit).stream(given, pull=-1.0, **options)
        assert bits([run.outputs, run.input_gradients, run.gradients]) == bits(list(one_by_one(circuit, given, -1.0)))


def test_what_is_not_finite_is_told_of():
    with pytest.warns(cs.NonFiniteWarning, match=r"gate 'div1' \(div\) made inf from 1, 0"):
        cs.Simulation(cs.parse("1 / x")).stream([{"x": 1.0}, {"x": 0.0}])
    with pytest.raises(cs.NonFiniteError, match="input 'x' was given nan"):
        cs.Simulation(cs.parse("x * 2"), nonfinite="error").stream([{"x": math.nan}])


def test_a_run_can_be_pickled():
    run = cs.Simulation(chain(2)).stream([{"x": 1.0}])
    assert pickle.loads(pickle.dumps(run)) == run


def test_a_report_reads_well():
    circuit, placement = network(2)
    simulation = cs.Simulation(circuit)
    simulation.learn(cs.SGD(0.1))
    run = simulation.stream(examples(3), devices=placement, schedule="one_f_one_b", update="each")
    assert str(run.report).splitlines() == [
        "12 ticks, bubble 3 (25.0%), 6 messages of 48 bytes",
        "device        busy  of all   kept      bytes",
        "device 0         9   75.0%      2         64",
        "device 1         9   75.0%      1         56",
        "updates by age: 0: 8, 1: 4",
    ]


def test_the_same_seed_gives_the_same_timeline_and_another_the_same_numbers():
    circuit, placement = network(3)
    runs = [
        cs.Simulation(circuit).stream(
            examples(6),
            devices=placement,
            times=cs.Times(cs.exponential(1.0)),
            links=cs.Link(cs.lognormal(1, 1)),
            seed=s,
        )
        for s in (1, 1, 2)
    ]
    assert runs[0].timeline == runs[1].timeline
    assert runs[0].timeline != runs[2].timeline
    assert bits(runs[0].gradients) == bits(runs[2].gradients)
    arrived = [
        t.tag for t in runs[0].timeline.transfers if t.what == "value" and t.wire == runs[0].timeline.transfers[0].wire
    ]
    assert arrived != sorted(arrived)  # jitter lets messages overtake each other


# -- bad input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "error", "words"), [
    ({"window": 0}, cs.InputError, "window is 0: give a whole number above 0"),
    ({"batch": -1}, cs.InputError, "batch is -1"),
    ({"stash": 0}, cs.InputError, "stash is 0"),
    ({"workers": 1.5}, cs.InputError, "workers is 1.5"),
    ({"update": "now"}, cs.InputError, "update='now' is unknown"),
    ({"update": "each"}, cs.InputError, "the parameters have no rule to move by"),
    ({"local_steps": 2}, cs.InputError, "local steps are for workers with a server"),
    ({"local_steps": 0}, cs.InputError, "local_steps is 0"),
    ({"schedule": "gpipe", "replicas": 2}, cs.InputError, "leave window, replicas and workers out"),
    ({"schedule": "gpipe", "window": 2}, cs.InputError, "leave window, replicas and workers out"),
    ({"schedule": "best"}, cs.ScheduleError, "there is no schedule 'best': use fifo or one of gpipe"),
    ({"schedule": gpipe(3, 4)}, cs.ScheduleError, "has 3 stages, the circuit is cut into 2: .*stages=3"),
    ({"schedule": gpipe(2, 3)}, cs.ScheduleError, "takes batches of 3, but there is one of 1"),
    ({"schedule": "interleaved"}, cs.ScheduleError, "4 is no multiple of|interleaved"),
    ({"times": 3}, cs.InputError, "times is 3: give a Times"),
    ({"links": 3}, cs.InputError, "a link is 3: give a Link"),
    ({"links": {"device 0": cs.Link()}}, cs.InputError, "not by 'device 0'"),
    ({"faults": 3}, cs.InputError, "faults is 3: give a Faults"),
    ({"devices": 3}, cs.InputError, "devices is 3: give a Placement"),
    ({"devices": cs.place(chain(1), 1)}, cs.InputError, "gate 'mul2' is on no device: give the placement of"),
    ({"devices": cs.place(chain(3), 1)}, cs.InputError, "gate 'mul3' is placed, but there is no such gate"),
    ({"schedule": lambda p, m: None}, cs.ScheduleError, "returned None: let it return a Schedule"),
    ({"seed": -1}, cs.InputError, "the seed is -1"),
    ({"pull": {"g": 1}}, cs.InputError, "circuit 'chain' has no output 'g' to pull: its outputs are f"),
    ({"pull": "hard"}, cs.InputError, "the pull on output 'f' is no number: 'hard'"),
    ({"pull": [1, 2, 3]}, cs.ShapeError, r"output 'f' has shape \(\) and was pulled with shape \(3,\)"),
    ({"links": {("device 0", "moon"): cs.Link()}}, cs.InputError, "a link joins 'moon', but there is no such device"),
])  # fmt: skip
def test_settings_that_make_no_sense(settings, error, words):
    circuit = chain(2)
    options = {"devices": cs.place(circuit, 2), **settings}
    if words.startswith("4 is"):
        options["devices"] = cs.place(chain(3), 3)
        circuit = chain(3)
    with pytest.raises(error, match=words):
        cs.Simulation(circuit).stream([{"x": 1.0}] * 4, **options)


@pytest.mark.parametrize(("make", "words"), [
    (lambda: cs.Link(-1), "the latency of a link is -1: give ticks"),
    (lambda: cs.Link(math.nan), "the latency of a link is nan"),
    (lambda: cs.Link(math.inf), "the latency of a link is inf"),
    (lambda: cs.Link(bandwidth=0), "the bandwidth of a link is 0: give bytes a tick, a number above 0"),
    (lambda: cs.Link(bandwidth=math.nan), "the bandwidth of a link is nan"),
    (lambda: cs.Times(-1), "the time of F at stage 0 is -1"),
    (lambda: cs.Times(1, [1, math.inf]), "the time of I at stage 1 is inf"),
    (lambda: cs.Times(weight="long"), "the time of W at stage 0 is 'long'"),
    (lambda: cs.Times(slowdown={"device 0": -2}), "the slowdown of device 'device 0' is -2"),
    (lambda: cs.exponential(-1), "the mean of an exponential time is -1"),
    (lambda: cs.uniform(2, 1), "a uniform time from 2 to 1 runs backward"),
    (lambda: cs.lognormal(1, math.nan), "the spread of a lognormal time is nan"),
    (lambda: cs.place(chain(2), 3), "cannot be cut into 3 stages: it has 2 gates"),
    (lambda: cs.place(chain(2), {"a": "mul1"}), "gate 'mul2' is on no device: give it to one of 'a'"),
    (lambda: cs.place(chain(2), {"a": "mul*", "b": "mul2"}), "gate 'mul2' is on two devices, 'a' and 'b'"),
    (lambda: cs.place(chain(2), {"a": "add*"}), r"device 'a' is given 'add\*', but no gate has such a name"),
    (lambda: cs.place(chain(2), 2, cost={"mul1": math.nan}), "the cost of gate 'mul1' is nan"),
    (lambda: cs.place(chain(2), "2"), "stages is '2': give a number, or a mapping"),
    (lambda: cs.place(chain(2), {}), "there are no devices"),
    (lambda: cs.place(chain(2), 2, devices=3), "2 stages cannot be spread over 3 devices"),
])  # fmt: skip
def test_parts_that_make_no_sense(make, words):
    with pytest.raises(cs.InputError, match=words):
        make()


def test_more_that_does_not_fit():
    circuit = chain(2)
    simulation = cs.Simulation(circuit)
    with pytest.raises(cs.InputError, match="there are no examples"):
        simulation.stream([])
    for wrong, words in ((None, "are no list"), ({"x": 1}, "are no list"), ([1], "example 0 is 1: give a mapping")):
        with pytest.raises(cs.InputError, match=words):
            simulation.stream(wrong)
    with pytest.raises(cs.InputError, match="needs a value for input x"):
        simulation.stream([{}])
    with pytest.raises(cs.InputError, match="there are 3 times of F for 2 stages"):
        simulation.stream([{"x": 1}], times=cs.Times([1, 2, 3]))
    with pytest.raises(cs.InputError, match="there is no device 'moon' to slow down: they are device 0, device 1"):
        simulation.stream([{"x": 1}], devices=cs.place(circuit, 2), times=cs.Times(slowdown={"moon": 2}))
    by_hand = cs.place(circuit, {"b": "mul2", "a": "mul1"})
    with pytest.raises(cs.ScheduleError, match="has stage 0 on rank 0, but it was put on 'a'"):
        simulation.stream([{"x": 1}], devices=by_hand, schedule=one_f_one_b(2, 1))
    with pytest.raises(cs.ScheduleError, match="zb_v puts 2 stages on each device: 3 is no multiple of 2"):
        cs.Simulation(chain(3)).stream([{"x": 1}], devices=cs.place(chain(3), 3), schedule="zb_v")
    assert simulation.stream([{"x": 1}], devices=cs.place(circuit, 2), schedule=zb_v(1, 1)).report.makespan == 6
