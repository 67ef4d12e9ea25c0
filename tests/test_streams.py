"""Streams: the same bits as without devices, and settings that make no sense."""

import math
import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example as always
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.plan.schedules import SCHEDULES, gpipe, one_f_one_b, zb_v
from tests.learners import watching
from tests.pipelines import bits, chain, examples, linked, network, numbers, one_by_one, stream
from tests.programs import Program, programs


@pytest.mark.parametrize("shape", [(), (3,)])
@pytest.mark.parametrize("name", ["fifo", *SCHEDULES])
def test_synchronous_schedules_give_the_same_bits_as_no_devices(name, shape):
    circuit, _ = network(8)
    given = examples(8, shape=shape)
    cluster = cs.Cluster(4 if name == "interleaved" else None, link=cs.Link(0.3))
    run = stream(circuit, given, cs.Plan(8, schedule=name), cluster, gradient=-0.5)
    assert numbers(run) == bits(one_by_one(circuit, given, -0.5))


def weight_path(length):
    """Return a circuit in which a parameter takes as long a way to the output as the input does."""
    circuit = cs.Circuit("paths")
    w, x = circuit.parameter("w", 0.5), circuit.input("x")
    for _ in range(length):
        w = cs.tanh(w)
    for _ in range(length):
        x = cs.tanh(x)
    circuit.output("f", x * w)
    return circuit


@pytest.mark.parametrize("name", SCHEDULES)
def test_gradients_to_another_stage_do_not_wait_for_the_weights(name):
    circuit, given_ = weight_path(8), [{"x": 1.0 + tag} for tag in range(8)]
    plan = cs.Plan(4, schedule=name, microbatches=8)
    assert numbers(stream(circuit, given_, plan)) == numbers(stream(circuit, given_))


def test_stages_of_one_device_whose_weights_are_done_last():
    circuit = weight_path(1)
    placement = cs.Placement((("tanh1", "tanh2"), ("mul1",)), (0, 0), ("one",))
    plan = cs.Plan(placement, schedule=cs.Schedule.from_table("0F0 1F0 1I0 0B0 1W0"))
    given_ = [{"x": 1.0}]
    assert numbers(stream(circuit, given_, plan)) == numbers(stream(circuit, given_))


@pytest.mark.parametrize("pull", [1.0, {"g": 1.0}])
@pytest.mark.parametrize("first", [["mul1"], ["tanh1"]])
def test_transfers_that_carry_nothing_are_over_at_once(pull, first):
    circuit = cs.Circuit("two")
    w = cs.tanh(circuit.parameter("w", 0.5))
    x = circuit.input("x")
    circuit.output("g", x * 3.0)
    circuit.output("f", cs.exp(x) * w)
    gates = list(cs.Compiled(circuit).netlist.of_kind("gate"))
    rest = [name for name in gates if name not in first]
    placement = cs.Placement((tuple(first), tuple(rest)), (0, 1), ("a", "b"))
    plan = cs.Plan(placement, schedule=one_f_one_b(2, 2).with_transfers())
    given_ = [{"x": 1.0}, {"x": 2.0}]
    assert numbers(stream(circuit, given_, plan, gradient=pull)) == numbers(stream(circuit, given_, gradient=pull))


def test_training_in_batches_gives_the_same_parameters_for_all_schedules():
    circuit, placement = network(4)
    found = set()
    for schedule in ("fifo", "gpipe", "1f1b", "zb-h1", "zb-h2"):
        simulation = cs.Simulation(circuit, cs.Plan(placement, schedule=schedule, microbatches=6))
        simulation.learn(cs.Adam(0.05), cs.L2(0.01))
        run = simulation.stream(examples(19), gradient=-1.0)
        found.add(str(bits(run.parameters)))
        assert run.parameters == simulation.parameters
        assert simulation.memory["w0"].updates == 4  # the last batch is a short one
    reference = cs.Simulation(circuit)
    reference.learn(cs.Adam(0.05), cs.L2(0.01))
    for first in range(0, 19, 6):
        total = one_by_one_with(reference, examples(19)[first : first + 6])
        reference.set_memory(
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
    by_hand = cs.Plan({name: gates for name, gates in placed.items() if gates}, in_flight=1 + seed % 2)
    cut = cs.Plan(min(devices, len(gates)), schedule="zb-h1" if split else "1f1b")
    expected = bits(one_by_one(circuit, given_, program.pulls))
    more = {"gradient": program.pulls, "nonfinite": "ignore", "seed": seed}
    late = linked(cs.uniform(0, 3))
    faulty = cs.Cluster(link=cs.Link(cs.uniform(0, 3), loss=0.2, duplicate=0.2), crash_every=30.0, downtime=2.0)
    plain = stream(circuit, given_, **more)
    assert numbers(plain) == expected
    twice = cs.Plan(cut.stages, replicas=2)
    fails = (by_hand, cut, twice)[seed % 3]
    assert numbers(stream(circuit, given_, fails, faulty, trace=False, **more)) == expected
    for plan in (by_hand, cs.Plan(cs.place(circuit)), cut, twice, replace(cut, replicas=2)):
        run = stream(circuit, given_, plan, late, **more)
        assert numbers(run) == expected
        for tag in range(len(given_)):  # what went on inside stages is what goes on without them
            assert bits(run.trace.gradients(tag)) == bits(plain.trace.gradients(tag))
            inside, known = bits(run.trace.values(tag)), bits(plain.trace.values(tag))
            assert {node: inside[node] for node in known} == known


def test_without_a_plan_every_gate_works_by_itself_and_the_simulations_delays_hold():
    circuit = cs.parse("tanh(tanh(tanh(x)))")
    simulation = cs.Simulation(circuit, gate_delay={"tanh2": 3}, wire_latency=2)
    run = simulation.stream([{"x": 1}, {"x": 2}, {"x": 3}])
    # The slow gate goes forward three times; only then comes the first gradient back to it, and it does each in turn.
    node, kinds = run.trace.node("tanh2"), (cs.Kind.FORWARD, cs.Kind.BACKWARD)
    slow = [record for record in run.trace if record.kind in kinds and record.where == node]
    assert [(record.kind.name, record.tag, record.start, record.end) for record in slow] == [
        ("FORWARD", 0, 5, 8), ("FORWARD", 1, 8, 11), ("FORWARD", 2, 11, 14),
        ("BACKWARD", 0, 18, 21), ("BACKWARD", 1, 21, 24), ("BACKWARD", 2, 24, 27),
    ]  # fmt: skip
    assert run.outputs[0]["f"] == np.tanh(np.tanh(np.tanh(1.0)))
    with pytest.raises(cs.TraceError, match="ran without devices: there is no timeline of them"):
        run.report  # noqa: B018


def test_one_example_without_a_plan_leaves_the_trace_of_a_run():
    simulation = cs.Simulation(cs.parse("(x + y) * tanh(x)"))
    run = simulation.run(x=0.5, y=3)
    records = list(run.trace)
    streamed = simulation.stream([{"x": 0.5, "y": 3}])
    assert list(streamed.trace) == records
    assert streamed.outputs == [run.outputs]
    assert streamed.input_gradients == [run.gradients]


@pytest.mark.parametrize("plan", [None, cs.Plan(2, schedule="1f1b", microbatches=2)])
def test_two_streams_on_one_engine_leave_equal_traces(plan):
    cluster = None if plan is None else linked(cs.exponential(1.0))
    simulation = cs.Simulation(network(2)[0], plan, cluster=cluster, seed=3)
    first = simulation.stream(examples(5))
    second = simulation.stream(examples(5))
    assert [record[1:] for record in first.trace] == [record[1:] for record in second.trace]
    assert list(first.trace) == list(second.trace)
    assert {record.tag for record in second.trace} == set(range(5))
    assert min(record.start for record in second.trace) == 0
    assert simulation.ticks == first.trace.span[1] + second.trace.span[1]


@pytest.mark.parametrize("plan", [None, cs.Plan(2), cs.Plan(2, update="async")])
def test_parameters_stay_if_they_are_not_to_learn(plan):
    circuit = network(2)[0]
    simulation = cs.Simulation(circuit, plan)
    simulation.learn(cs.SGD(0.1))
    before = simulation.parameters
    run = simulation.stream(examples(3), learn=False)
    assert numbers(run) == bits(one_by_one(circuit, examples(3), 1.0))
    assert bits(run.parameters) == bits(simulation.parameters) == bits(before)
    assert not list(run.trace.find(cs.Kind.UPDATE))
    assert bits(simulation.stream(examples(3)).parameters) != bits(before)


@always(Program([()], 1, [("abs", (-1,))], [0], 0), 1, None, 2, 1)  # an output that shows a parameter
@given(programs(most_steps=8), st.integers(1, 3), st.sampled_from([None, 1, 2]), st.integers(1, 3), st.integers(0, 9))
def test_what_moved_parameters_can_be_computed_again_from_the_trace(program, stages, versions, replicas, seed):
    circuit = program.circuit()
    if len(circuit.names("gate")) < stages:
        return
    plan = cs.Plan(
        stages, update="async", versions=versions, replicas=replicas if replicas > 1 else None, in_flight=3,
        local_steps=1 + seed % 2 if replicas > 1 else 1,
    )  # fmt: skip
    given_ = [{name: value * scale for name, value in program.inputs.items()} for scale in (1.0, 0.5, -0.3, 0.1, 2.0)]
    run = stream(
        circuit, given_, plan, linked(cs.uniform(0, 2)), gradient=program.pulls, rule=cs.SGD(0.01), nonfinite="ignore",
        seed=seed,
    )  # fmt: skip
    felt = {(r.tag, r.where): bits(r.value) for r in run.trace.find(cs.Kind.BACKWARD)}
    again = {tag: run.trace.gradients(tag) for tag in range(len(given_))}
    assert all(bits(again[tag][node]) == value for (tag, node), value in felt.items())
    for tag, outputs in enumerate(run.outputs):
        values = run.trace.values(tag)
        assert {name: bits(values[run.trace.node(name)]) for name in outputs} == bits(outputs)


@pytest.mark.parametrize("update", ["sync", "async"])
def test_a_trace_of_work_has_the_times_of_all_and_no_trace_the_same_numbers(update):
    circuit = network(3)[0]
    plan = cs.Plan(3, schedule="1f1b", microbatches=4, update=update)
    cluster = linked(cs.uniform(0, 2), bandwidth=16)
    whole, work, none = (
        stream(circuit, examples(8, shape=(3,)), plan, cluster, rule=cs.SGD(0.1), trace=trace)
        for trace in ("all", "work", False)
    )
    assert numbers(whole) == numbers(work) == numbers(none)
    assert bits(whole.parameters) == bits(work.parameters) == bits(none.parameters)
    assert len(work.trace) < len(whole.trace)
    with pytest.raises(cs.TraceError, match="record it with trace='all'"):
        work.trace.values()
    for kind in ("work", "updates", "outages"):
        assert getattr(work.timeline, kind) == getattr(whole.timeline, kind)
    assert work.timeline.transfers == whole.timeline.transfers
    assert none.trace is None
    with pytest.raises(cs.TraceError, match="was not traced"):
        none.report  # noqa: B018


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
    expected = bits(one_by_one(circuit, given, -0.1))
    for latency in (0.0, cs.exponential(2.0)):
        run = stream(circuit, given, cs.Plan(stages, in_flight=3), linked(latency), gradient=-0.1)
        assert numbers(run) == expected


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
    slow = linked(cs.exponential(20.0))  # a value may be there before the weights that were sent before it
    run = stream(circuit, given, cs.Plan(2, microbatches=1), slow, rule=cs.SGD(0.1))
    assert bits(run.parameters) == bits(reference.parameters)


def test_outputs_that_no_gate_makes_are_shown_and_pulled():
    circuit = cs.Circuit()
    x, a = circuit.input("x"), circuit.parameter("a", 2.0)
    circuit.output("f", cs.tanh(a * x))
    for name, wire in {"x too": x, "a too": a, "two": circuit.constant(2)}.items():
        circuit.output(name, wire)
    given = [{"x": 0.5}, {"x": -1.0}]
    faulty = cs.Plan(2, checkpoint_every=2), cs.Cluster(crash_every=6)
    for plan, cluster in ((None, None), (cs.Plan(cs.place(circuit)), None), faulty):
        assert numbers(stream(circuit, given, plan, cluster, gradient=-1.0)) == bits(one_by_one(circuit, given, -1.0))


def test_what_is_not_finite_is_told_of():
    with pytest.warns(cs.NonFiniteWarning, match=r"gate 'div1' \(div\) made inf from 1, 0"):
        cs.Simulation(cs.parse("1 / x")).stream([{"x": 1.0}, {"x": 0.0}])
    with pytest.raises(cs.NonFiniteError, match="input 'x' was given nan"):
        cs.Simulation(cs.parse("x * 2"), nonfinite="error").stream([{"x": math.nan}])


@pytest.mark.parametrize("plan", [None, cs.Plan(2)])
def test_a_run_can_be_pickled(plan):
    run = stream(chain(2), [{"x": 1.0}], plan)
    again = pickle.loads(pickle.dumps(run))
    assert again == run
    assert list(again.trace) == list(run.trace)


def test_a_report_reads_well():
    circuit, placement = network(2)
    run = stream(circuit, examples(3), cs.Plan(placement, schedule="1f1b", update="async"), rule=cs.SGD(0.1))
    assert str(run.report).splitlines() == [
        "12 ticks, bubble 3 (25.0%), 6 messages of 48 bytes",
        "device        busy  of all   kept      bytes  idle for",
        "device 0         9   75.0%      2         64  gradient 3",
        "device 1         9   75.0%      1         56  done 2, value 1",
        "no device is the bottleneck: the busiest are busy 75.0% of the time",
        "updates by age: 0: 8, 1: 4",
    ]


def test_the_same_seed_gives_the_same_timeline_and_another_the_same_numbers():
    circuit, placement = network(3)
    costs, late = cs.Costs(cs.exponential(1.0)), linked(cs.lognormal(1, 1))
    runs = [stream(circuit, examples(6), cs.Plan(placement), late, costs, seed=seed) for seed in (1, 1, 2)]
    assert runs[0].timeline == runs[1].timeline
    assert runs[0].timeline != runs[2].timeline
    assert bits(runs[0].gradients) == bits(runs[2].gradients)
    transfers = runs[0].timeline.transfers
    arrived = [t.tag for t in transfers if t.what == "value" and t.wire == transfers[0].wire]
    assert arrived != sorted(arrived)  # jitter lets messages overtake each other


# -- batches -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("examples_", "microbatches", "sizes"), [
    (8, 4, [2, 2, 2, 2]), (7, 4, [2, 2, 2, 1]), (5, 3, [2, 2, 1]), (3, 4, [1, 1, 1]), (6, 1, [6]), (6, None, [6]),
])  # fmt: skip
@pytest.mark.parametrize("schedule", ["fifo", "1f1b"])
def test_a_batch_is_cut_into_microbatches(schedule, examples_, microbatches, sizes):
    circuit = network(2)[0]
    batch = examples(1, shape=(examples_,))[0]
    bounds = [0, *np.cumsum(sizes)]
    parts = [{name: value[start:end] for name, value in batch.items()} for start, end in pairwise(bounds)]
    plan = cs.Plan(2, schedule=schedule, microbatches=microbatches)
    for rule in (None, cs.Momentum(0.1)):
        whole, listed = stream(circuit, batch, plan, rule=rule), stream(circuit, parts, plan, rule=rule)
        assert numbers(whole) == numbers(listed)
        assert bits(whole.parameters) == bits(listed.parameters)
        assert list(map(str, whole.trace)) == list(map(str, listed.trace))
    assert numbers(whole) == bits(one_by_one(circuit, parts, 1.0))


@pytest.mark.parametrize("replicas", [None, 2])
def test_a_schedule_tells_into_how_many_microbatches_a_batch_is_cut(replicas):
    circuit, batch = network(2)[0], examples(1, shape=(8,))[0]
    plan = cs.Plan(2, replicas=replicas, schedule=one_f_one_b(2, 2))
    named = cs.Plan(2, replicas=replicas, schedule="1f1b", microbatches=2 * (replicas or 1))
    assert numbers(stream(circuit, batch, plan)) == numbers(stream(circuit, batch, named))
    with pytest.raises(cs.ScheduleError, match="takes batches of 2, but there is one of 1"):
        stream(circuit, examples(1, shape=(1,))[0], plan)


@pytest.mark.parametrize("plan", [
    cs.Plan(3, microbatches=4), cs.Plan(3, schedule="gpipe", microbatches=4),
    cs.Plan(3, schedule="zb-h1", microbatches=3), cs.Plan(4, schedule="zb-v", microbatches=4),
    cs.Plan(2, replicas=2, microbatches=5), cs.Plan(2, microbatches=1), cs.Plan(2),
    cs.Plan(2, schedule=gpipe(2, 2)), cs.Plan(4, replicas=2, schedule="1f1b", microbatches=2),
])  # fmt: skip
def test_forward_and_backward_go_through_a_plan(plan):
    circuit = network(4)[0]
    simulation, plain = cs.Simulation(circuit, plan, cluster=linked(0.5)), cs.Simulation(circuit)
    for engine in (simulation, plain):
        engine.learn(cs.Momentum(0.1))
    for seed, length in enumerate((10, 7, 2)):
        batch = examples(1, seed, (length,))[0]
        pull = np.linspace(-1, 1, length)
        count = 2 if isinstance(plan.schedule, cs.Schedule) else plan.microbatches or 1
        parts = np.array_split(np.arange(length), min(count, length))
        given_ = [{name: value[part] for name, value in batch.items()} for part in parts]
        outputs, inputs, totals = [], [], {}
        for part, pulled in zip(given_, parts, strict=True):
            outputs.append(plain.forward(part)["loss"])
            felt = plain.backward(pull[pulled])
            inputs.append(felt)
            totals = {name: totals[name] + felt[name] if totals else felt[name] for name in plain.parameters}
        before = simulation.ticks
        assert bits(simulation.forward(batch)) == bits({"loss": np.concatenate(outputs)})
        assert simulation.ticks == before  # forward takes no time
        found = simulation.backward(pull)
        assert simulation.ticks > before
        expected = {name: np.concatenate([felt[name] for felt in inputs]) for name in batch}
        assert bits(found) == bits(expected | totals)
        simulation.update()
        plain.set_memory(
            {n: cs.rules.respond(a.rule, a.springs, a.memory, totals[n]) for n, a in plain._learners.items()}
        )
        assert bits(simulation.parameters) == bits(plain.parameters)


@pytest.mark.parametrize("plan", [None, cs.Plan(2, schedule="1f1b")])
def test_what_is_done_between_passes_leaves_their_gradients(plan):
    circuit, (one, other) = network(2)[0], examples(2)
    engines = [cs.Simulation(circuit, plan), cs.Compiled(circuit)]
    for engine in engines:
        engine.learn(cs.SGD(0.1))
    found = []
    for engine in engines:
        engine.forward(one)
        engine.set_parameters({"w0": 0.25})  # the gradients are those of the forward pass
        felt = engine.backward()
        engine.forward(other)
        engine.update()  # by the last backward pass
        found.append((bits(felt), bits(engine.parameters)))
    assert found[0] == found[1]


def test_an_asynchronous_plan_moves_parameters_within_backward():
    circuit = network(2)[0]
    batch = examples(1, shape=(6,))[0]
    engine = cs.Simulation(circuit, cs.Plan(2, microbatches=3, update="async", in_flight=1))
    engine.learn(cs.SGD(0.1))
    reference = cs.Simulation(circuit)
    reference.learn(cs.SGD(0.1))
    engine.forward(batch)
    before = engine.parameters
    felt = engine.backward(-1.0)
    assert all(not felt[name] for name in before)  # there is no gradient of the batch: parameters have moved with each
    moved = engine.parameters
    assert all(moved[name] != before[name] for name in before)
    engine.update()
    assert bits(engine.parameters) == bits(moved)
    assert [memory.updates for memory in engine.memory.values()] == [3] * 4
    for first in (0, 2, 4):
        reference.forward({name: value[first : first + 2] for name, value in batch.items()})
        reference.backward(-1.0)
        reference.update()
    assert bits(moved) == bits(reference.parameters)


def trained(engine, **more):
    """Return a trainer that has taught an engine some points, and the points."""
    data = cs.datasets.guide()
    trainer = cs.Trainer(engine, cs.forces.svm, cs.Momentum(0.1), cs.L2(0.01))
    shown = []
    trainer.fit(data.points, data.labels, 12, seed=1, progress=False, callbacks=[watching(shown)], **more)
    return trainer, data, shown


@pytest.mark.parametrize("plan", [
    cs.Plan(4, microbatches=4), cs.Plan(4, schedule="1f1b", microbatches=4), cs.Plan(2, replicas=2, microbatches=3),
    cs.Plan(4, schedule="zb-h2", microbatches=8), cs.Plan(6, schedule="interleaved", microbatches=9),
])  # fmt: skip
def test_a_trainer_trains_through_any_plan_as_a_compiled_engine_on_the_same_microbatches(plan):
    circuit = cs.mlp([2, 4, 1], seed=0)
    cluster = cs.Cluster(3 if plan.schedule == "interleaved" else None, link=cs.Link(cs.exponential(1.0)))
    trainer, data, chosen = trained(cs.Simulation(circuit, plan, cluster=cluster), batch=10)
    compiled = cs.Compiled(circuit)
    compiled.learn(cs.Momentum(0.1), cs.L2(0.01))
    for shown in chosen:
        total = {}
        for part in np.array_split(np.array(shown), plan.microbatches):
            score = compiled.forward({"x1": data.points[part, 0], "x2": data.points[part, 1]})["score"]
            felt = compiled.backward(cs.forces.svm.pull(score, data.labels[part]) / len(shown))
            total = {name: total[name] + felt[name] if total else felt[name] for name in compiled.parameters}
        memory, rule, springs = compiled.memory, cs.Momentum(0.1), compiled.springs
        compiled.restore({n: cs.rules.respond(rule, springs[n], memory[n], total[n]) for n in memory})
    assert bits(trainer.engine.parameters) == bits(compiled.parameters)


def test_a_trainer_trains_through_an_asynchronous_plan():
    circuit = cs.mlp([2, 4, 1], seed=0)
    plan = cs.Plan(3, microbatches=5, in_flight=3, update="async", versions=2)
    trainer, _, _ = trained(cs.Simulation(circuit, plan, cluster=linked(0.5)), batch=10)
    assert {memory.updates for memory in trainer.engine.memory.values()} == {12 * 5}
    again, _, _ = trained(cs.Simulation(circuit, plan, cluster=linked(0.5)), batch=10)
    assert bits(again.engine.parameters) == bits(trainer.engine.parameters)
    assert trainer.history.cost < trainer.history.evaluations[0].cost


def test_batches_that_cannot_be_cut():
    simulation = cs.Simulation(network(2)[0], cs.Plan(2, microbatches=2))
    with pytest.raises(cs.InputError, match="input 'x' has 4 examples, 'y' has 3"):
        simulation.stream({"x": np.ones(4), "y": np.ones(3)})
    with pytest.raises(cs.InputError, match="input 'x' has 4 examples, 'y' has 3"):
        simulation.forward({"x": np.ones(4), "y": np.ones(3)})
    assert len(simulation.stream({"x": np.ones(4), "y": 0.5}).outputs) == 2
    assert len(simulation.stream({"x": 1.0, "y": 0.5}).outputs) == 1
    circuit = cs.Circuit()
    circuit.output("f", cs.sum(circuit.input("x") * circuit.parameter("w", 2.0)))
    with pytest.raises(cs.InputError, match=r"output 'f' has shape .* let it have a row for each example, or use"):
        cs.Simulation(circuit, cs.Plan(2, microbatches=2)).forward({"x": np.ones(4)})
    circuit = cs.Circuit()
    x = circuit.input("x")
    circuit.output("f", x @ cs.transpose(x))
    with pytest.raises(cs.InputError, match=r"output 'f' has rows of different shapes in the microbatches"):
        cs.Simulation(circuit, cs.Plan(2, microbatches=2)).forward({"x": np.ones((3, 2))})


# -- bad input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("settings", "error", "words"), [
    ({"plan": 3}, cs.InputError, "plan is 3: give a Plan"),
    ({"plan": "gpipe"}, cs.InputError, "plan is 'gpipe': give a Plan"),
    ({"plan": None, "cluster": cs.Cluster(2)}, cs.InputError, "cluster needs a plan that puts gates on devices"),
    ({"plan": None, "costs": cs.Costs()}, cs.InputError, "costs needs a plan that puts gates on devices"),
    ({"gate_delay": 2.0}, cs.InputError, "gate_delay and wire_latency are for gates without a plan"),
    ({"wire_latency": {"x": 1}}, cs.InputError, "gate_delay and wire_latency are for gates without a plan"),
    ({"cluster": 3}, cs.InputError, "cluster is 3: give a Cluster"),
    ({"costs": 3}, cs.InputError, "costs is 3: give a Costs"),
    ({"costs": cs.Costs([1, 2, 3])}, cs.InputError, "there are 3 times of F for 2 stages"),
    ({"cluster": cs.Cluster(slowdown={"moon": 2})}, cs.InputError, "no device 'moon' to slow down: they are device 0,"),
    ({"cluster": linked(), "plan": cs.Plan(3)}, cs.InputError, "cannot be cut into 3 stages: it has 2 gates"),
    ({"cluster": cs.Cluster(link={("device 0", "moon"): cs.Link()})}, cs.InputError, "a link joins 'moon', but there"),
    ({"plan": cs.Plan(cs.place(chain(1), 1))}, cs.InputError, "gate 'mul2' is on no device: give the placement of"),
    ({"plan": cs.Plan(cs.place(chain(3), 1))}, cs.InputError, "gate 'mul3' is placed, but there is no such gate"),
    ({"plan": cs.Plan(2, schedule=gpipe(3, 4))}, cs.ScheduleError, "has 3 stages, the circuit is cut into 2: .*=3"),
    ({"plan": cs.Plan(2, schedule=gpipe(2, 3))}, cs.ScheduleError, "takes batches of 3, but there is one of 1"),
    ({"plan": cs.Plan(2, schedule=lambda p, m: None)}, cs.ScheduleError, "returned None: let it return a Schedule"),
    ({"plan": cs.Plan({"b": "mul2", "a": "mul1"}, schedule="1f1b")}, cs.ScheduleError, "stage 0 on rank 0, but .* 'a'"),
    ({"seed": -1}, cs.InputError, "the seed is -1"),
    ({"trace": "some"}, cs.InputError, "trace='some' is unknown: use 'all', 'work', True or False"),
    ({"gradient": {"g": 1}}, cs.InputError, "circuit 'chain' has no output 'g': its outputs are f"),
    ({"gradient": "hard"}, cs.InputError, "output 'f' of circuit 'chain': 'hard' is not a number"),
    ({"gradient": [1, 2, 3]}, cs.ShapeError, r"output 'f' has shape \(\) and was given a gradient of shape \(3,\)"),
    ({"gradient": lambda tag, name, value: None}, cs.InputError, "output 'f' of circuit 'chain': None is not a number"),
    ({"learn": True}, cs.InputError, "the parameters have no rule to move by"),
])  # fmt: skip
def test_settings_that_make_no_sense(settings, error, words):
    with pytest.raises(error, match=words):
        stream(chain(2), [{"x": 1.0}] * 4, **{"plan": cs.Plan(2), **settings})


@pytest.mark.parametrize(("make", "words"), [
    (lambda: cs.Link(-1), "the latency of a link is -1: give ticks"),
    (lambda: cs.Link(math.nan), "the latency of a link is nan"),
    (lambda: cs.Link(math.inf), "the latency of a link is inf"),
    (lambda: cs.Link(bandwidth=0), "the bandwidth of a link is 0: give bytes a tick, a number above 0"),
    (lambda: cs.Link(bandwidth=math.nan), "the bandwidth of a link is nan"),
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


def test_examples_that_make_no_sense():
    for simulation in (cs.Simulation(chain(2)), cs.Simulation(chain(2), cs.Plan(2))):
        with pytest.raises(cs.InputError, match="there are no examples"):
            simulation.stream([])
        for wrong, words in ((None, "are no list"), ("x", "are no list"), ([1], "example 0 is 1: give a mapping")):
            with pytest.raises(cs.InputError, match=words):
                simulation.stream(wrong)
        for wrong in ({}, [{}]):
            with pytest.raises(cs.InputError, match="needs a value for input x"):
                simulation.stream(wrong)
    with pytest.raises(cs.InputError, match="a plan is for streams: use stream, or forward and backward"):
        simulation.run(x=1.0)


def test_schedules_choose_the_devices_of_a_plan():
    assert stream(chain(2), [{"x": 1}], cs.Plan(2, schedule=zb_v(1, 1))).report.makespan == 6
    assert stream(chain(2), [{"x": 1}], cs.Plan(2, schedule=one_f_one_b)).timeline.devices == ("device 0", "device 1")
    with pytest.raises(cs.ScheduleError, match="zb-v puts 2 stages on each device: 3 is no multiple of 2"):
        stream(chain(3), [{"x": 1}], cs.Plan(3, schedule="zb-v"))


def test_downtimes_and_hold_ups_may_be_random():
    circuit, placement = network(2)
    given = examples(6)
    plan = cs.Plan(placement, retry_after=20.0)
    cluster = cs.Cluster(
        link=cs.Link(1.0, reorder=1.0, hold_up=cs.exponential(2.0)), crash_every=15.0, downtime=cs.exponential(2.0)
    )
    run = stream(circuit, given, plan, cluster, gradient=-1.0)
    assert len({outage.end - outage.start for outage in run.timeline.outages}) == len(run.timeline.outages) > 1
    assert numbers(run) == bits(one_by_one(circuit, given, -1.0))
