"""What a stream's trace says: a timeline of devices, and, computed again, what every gate did."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import circuitsim as cs
from circuitsim import views
from circuitsim.cli.main import app
from circuitsim.trace.expansion import expand
from circuitsim.trace.explanation import explain
from circuitsim.trace.kinds import ANSWER, Kind, Layout
from circuitsim.trace.paths import find_paths
from circuitsim.trace.provenance import moves_of
from circuitsim.trace.report import report
from circuitsim.trace.timeline import Outage, Piece, Timeline, Transfer, Update
from circuitsim.views import forms
from tests.effort import tried
from tests.pipelines import bits, examples, network
from tests.programs import Program, programs
from tests.stages import Hand, circuit_of_two, two_stages
from tests.witness import Witness


def flow(trace, tag, but=()):
    """Return the bits of all that happened in one example; no order, no times."""
    return {(r.kind, r.where): bits(r.value) for r in trace if r.tag == tag and (r.kind, r.where) not in but}


def resident(netlist):
    """Return the messages by which parameters and constants come to gates, which not every trace has."""
    kinds = [netlist.nodes[source].kind for source, _, _ in netlist.wires]
    return {(Kind.VALUE, wire) for wire, kind in enumerate(kinds) if kind in ("parameter", "constant")}


def once(hand, tag, inputs, kinds="B"):
    """Send one example through all stages and back."""
    hand.admit(tag, inputs)
    stages = range(len(hand.layout.stages))
    for stage in stages:
        hand.forward(stage, tag)
        hand.time += 1
    for stage in reversed(stages):
        hand.backward(stage, tag, kinds)
        hand.time += 1


# -- expansion ---------------------------------------------------------------------------------------------------


@settings(max_examples=tried(60))
@given(program=programs(most_steps=12), count=st.integers(1, 4), kinds=st.sampled_from(["B", "IW"]))
def test_what_went_on_inside_stages_is_computed_again_bit_by_bit(program: Program, count, kinds):
    circuit = program.circuit()
    simulation = cs.Simulation(circuit, nonfinite="ignore")
    if not simulation.netlist.of_kind("gate"):
        return
    plain = simulation.run(program.inputs).trace
    count = min(count, len(simulation.netlist.of_kind("gate")))
    placement = cs.place(circuit, stages=count)
    hand = Hand(circuit, Layout(placement.names, placement.stages, placement.homes))
    with np.errstate(all="ignore"):
        once(
            hand, plain[0].tag, {name: cs.gates.value.as_value(value) for name, value in program.inputs.items()}, kinds
        )
    but = resident(simulation.netlist)
    assert flow(hand.trace.expanded, plain[0].tag, but) == flow(plain, plain[0].tag, but)
    values, gradients = hand.trace.values(), hand.trace.gradients()
    assert {node: bits(value) for node, value in plain.gradients().items()} == {
        node: bits(value) for node, value in gradients.items()
    }
    known = plain.values()
    assert all(bits(values[node]) == bits(known[node]) for node in known if node in values)


def test_the_expanded_trace_is_causal_and_keeps_to_the_time_of_the_pieces():
    hand = two_stages()
    once(hand, 0, {"x": 2.0}, "IW")
    whole = hand.trace.expanded
    assert whole.layout is None
    assert whole.span[0] == hand.trace.span[0]
    netlist, done = hand.netlist, set()
    stage_of = hand.layout.stage_of(netlist)
    pieces = {(r.kind, r.where): r for r in hand.trace if r.kind in (Kind.F, Kind.I, Kind.W)}
    arrived = {}
    for record in whole:
        source, target, _ = netlist.wires[record.where] if record.kind <= Kind.GRADIENT else (record.where,) * 3
        if record.kind is Kind.VALUE:
            assert netlist.nodes[source].kind != "gate" or (Kind.FORWARD, source) in done
            arrived[record.where] = record.end
        elif record.kind is Kind.GRADIENT:
            assert netlist.nodes[target].kind == "output" or (Kind.BACKWARD, target) in done
        else:
            done.add((record.kind, record.where))
            piece = pieces[Kind.F if record.kind is Kind.FORWARD else Kind.I, stage_of[record.where]]
            assert piece.start <= record.start < record.end <= piece.end
            if record.kind is Kind.FORWARD:
                assert all(arrived.get(wire, 0.0) <= record.start for wire in netlist.incoming[record.where])
    assert len(done) == 2 * len(stage_of)


def test_gates_of_parameters_alone_work_in_the_second_part_of_a_backward_pass():
    circuit = cs.Circuit()
    x = circuit.input("x")
    w = circuit.parameter("w", 0.5)
    circuit.output("f", x * cs.exp(cs.tanh(w)))
    names = list(cs.Simulation(circuit).netlist.of_kind("gate"))
    hand = Hand(circuit, Layout(("one",), (tuple(names),), (0,)))
    once(hand, 0, {"x": 3.0})
    (piece,) = hand.trace.find(Kind.B)
    fired = {hand.netlist.nodes[r.where].name: (r.start, r.end) for r in hand.trace.expanded.find(Kind.BACKWARD)}
    assert fired["mul1"][1] < fired["exp1"][0] < fired["exp1"][1] < fired["tanh1"][0]
    assert fired["mul1"][0] == piece.start
    assert fired["tanh1"][1] == piece.end


def test_each_example_is_expanded_with_the_version_that_it_read():
    hand = two_stages()
    once(hand, 0, {"x": 2.0})
    hand.update(0, "w", 0.25)
    once(hand, 1, {"x": 3.0})
    simulation = cs.Simulation(circuit_of_two())
    for tag, (x, w) in enumerate([(2.0, 0.5), (3.0, 0.25)]):
        simulation.set_parameters({"w": w})
        plain = simulation.run(x=x).trace
        assert hand.trace.values(tag) == plain.values()
        assert hand.trace.gradients(tag) == hand.trace.expanded.gradients(tag) == plain.gradients()
        assert expand(hand.trace, [tag]).wire_gradients() == plain.wire_gradients()


def test_a_backward_pass_may_read_another_version_than_its_forward_pass():
    kept = []
    for read in (None, 0.25, 0.125):
        hand = two_stages()
        hand.admit(0, {"x": 2.0})
        hand.forward(0, 0)
        hand.forward(1, 0)
        if read is not None:
            wire = hand.netlist.outgoing[hand.trace.node("w")][1]
            hand.trace.record(Kind.READ, wire, 0, hand.time, hand.time, read, 1, Kind.B)
        hand.backward(1, 0)
        hand.backward(0, 0)
        whole = hand.trace.expanded
        (wire,) = hand.netlist.outgoing[whole.node("tanh1")]
        kept.append(whole.wire_gradients()[wire])
    assert kept == [0.5, 0.25, 0.125]  # tanh(h) * w sends w back


def test_what_was_lost_and_done_again_counts_once():
    hand = two_stages()
    once(hand, 0, {"x": 2.0})
    expected = hand.trace.gradients(), len(hand.trace.expanded)
    trace = cs.Trace(hand.netlist, hand.trace.held, hand.layout)
    for record in hand.trace:
        if record.kind in (Kind.VALUE, Kind.F, Kind.B):
            trace.record(*record[:7], 1 if record.kind is Kind.VALUE else 0)  # lost, and the work with it
        trace.record(*record)
    assert (trace.gradients(), len(trace.expanded)) == expected


def test_a_plain_trace_is_its_own_expansion_and_what_is_no_flow_is_left_out():
    run = cs.Simulation(circuit_of_two()).run(x=2.0)
    assert run.trace.expanded is run.trace
    assert {record.tag for record in expand(run.trace, [7])} == set()
    length, w = len(run.trace), run.trace.node("w")
    expected = list(run.trace)
    run.trace.record(Kind.BACKWARD, w, 0, 9.0, 9.0, 1.5)
    run.trace.record(Kind.UPDATE, w, 0, 9.0, 9.0, 0.25, 1)
    run.trace.record(Kind.VALUE, 0, 0, 9.0, 10.0, 7.0, 0, 1)
    assert len(run.trace) == length + 3
    assert list(run.trace.expanded) == expected
    assert run.value("x") == 2.0


def test_a_stream_is_shown_like_a_run(tmp_path):
    hand = two_stages()
    once(hand, 0, {"x": 2.0})
    hand.update(0, "w", 0.25)
    once(hand, 1, {"x": 3.0})
    for suffix in ("html", "svg", "vcd", "json", "gif"):
        hand.trace.export(tmp_path / f"stream.{suffix}")
        assert (tmp_path / f"stream.{suffix}").stat().st_size
    hand.trace.save(tmp_path / "stream.trace")
    loaded = cs.Trace.load(tmp_path / "stream.trace")
    assert list(loaded) == list(hand.trace)
    assert list(loaded.expanded) == list(hand.trace.expanded)
    assert loaded.timeline == hand.trace.timeline
    rows = loaded.to_records()
    assert len({tuple(row) for row in rows}) == 1
    assert [(r["stage"], r["device"]) for r in rows if r["kind"] == "f"] == [(0, "left"), (1, "right")] * 2


def test_what_cannot_be_computed_again_is_said(tmp_path):
    @cs.gate
    def halve(x):
        return 0.5 * x

    halve.vjp(0)(lambda gradient, output, x: 0.5 * gradient)
    hand = Hand(cs.parse("halve(x)"), Layout(("one",), (("halve1",),), (0,)))
    once(hand, 0, {"x": 2.0})
    hand.trace.save(tmp_path / "h.trace")
    del cs.gates.registry["halve"]
    loaded = cs.Trace.load(tmp_path / "h.trace")
    with pytest.raises(
        cs.TraceError, match=r"inside stage 0 of .* cannot be computed again: gate 'halve' is not defined"
    ):
        loaded.values()
    hand = two_stages()
    trace = cs.Trace(hand.netlist, hand.trace.held, hand.layout)
    trace.record(Kind.F, 0, 3, 0.0, 1.0, 8)
    with pytest.raises(cs.TraceError, match="does not hold the value of 'x' in example 3: record it with trace='all'"):
        trace.values()
    trace = cs.Trace(hand.netlist, {}, hand.layout)
    trace.record(Kind.F, 0, 3, 0.0, 1.0, 8)
    with pytest.raises(cs.TraceError, match="does not hold version 0 of parameter 'w'"):
        trace.values()


# -- timelines ---------------------------------------------------------------------------------------------------


def test_the_timeline_is_derived_from_the_records():
    hand = two_stages()
    once(hand, 0, {"x": 2.0}, "IW")
    hand.update(0, "w", 0.25, staleness=2)
    hand.trace.record(Kind.OUTAGE, 1, 0, 20.0, 22.0, 0.0)
    timeline = hand.trace.timeline
    assert (timeline.devices, timeline.batch) == (("left", "right"), 2)
    assert timeline.work == [
        Piece(0, "F", 0, 0, 0.0, 1.0, 24), Piece(1, "F", 1, 0, 2.0, 3.0, 24),
        Piece(1, "I", 1, 0, 4.0, 5.0, 0), Piece(1, "W", 1, 0, 5.0, 6.0, 0),
        Piece(0, "I", 0, 0, 7.0, 8.0, 0), Piece(0, "W", 0, 0, 8.0, 9.0, 0),
    ]  # fmt: skip
    sent = [(t.what, t.source, t.target, t.start, t.end, t.tag) for t in timeline.transfers]
    assert sent == [
        ("value", 0, 1, 1.0, 2.0, 0), ("value", 0, 1, 1.0, 2.0, 0),
        ("gradient", 1, 0, 5.0, 6.0, 0), ("gradient", 1, 0, 5.0, 6.0, 0), ("gradient", 1, 0, 6.0, 7.0, 0),
        ("weights", 0, 1, 10.0, 10.5, 1),
    ]  # fmt: skip
    assert timeline.updates == [Update("w", 0, -2, 1, 10.0, 0.25, 0)]
    assert timeline.staleness() == [2]
    assert timeline.outages == [Outage(1, 20.0, 22.0)]
    assert timeline is hand.trace.timeline
    figures = report(timeline)
    assert (figures.makespan, figures.busy, sum(figures.messages.values())) == (9.0, [3.0, 3.0], 6)


def test_a_transfer_says_how_long_it_waited_how_big_it_was_and_what_became_of_it():
    hand = two_stages(sizes={6: 100})
    trace = hand.trace
    trace.record(Kind.WAITED, 6, 0, 1.0, 3.0, 0.0)
    trace.record(Kind.VALUE, 6, 0, 3.0, 4.0, 1.0)
    trace.record(Kind.VALUE, 6, 0, 4.0, 5.0, 1.0, 0, 1)
    trace.record(Kind.GRADIENT, 7, 0, 5.0, 6.0, np.zeros((2, 3)), 0, 2)
    assert trace.timeline.transfers == [
        Transfer("value", 6, 0, 0, 1, 1.0, 3.0, 4.0, 100, "arrived"),
        Transfer("value", 6, 0, 0, 1, 4.0, 4.0, 5.0, 100, "lost"),
        Transfer("gradient", 7, 0, 1, 0, 5.0, 5.0, 6.0, 48, "dropped"),
    ]


NAMES = ("left of 0", "right of 0", "left of 1", "right of 1", "server")


@pytest.mark.parametrize("local", [False, True])
def test_replicas_and_their_server(local):
    hand = two_stages(NAMES, replicas=2, local=local)
    trace, (own, other) = hand.trace, hand.netlist.outgoing[hand.netlist.of_kind("parameter")["w"]]
    trace.record(Kind.F, 0, 4, 0.0, 1.0, 8, 0, 1)
    trace.record(Kind.F, 1, 4, 1.0, 2.0, 8, 0, 1)
    trace.record(Kind.VALUE, 6, 4, 1.0, 1.5, 1.0)
    trace.record(Kind.GRADIENT, own, 4, 2.0, 2.5, 1.0)
    trace.record(Kind.GRADIENT, other, 4, 2.0, 3.0, 1.0)
    trace.record(Kind.VALUE, other, 4, 3.0, 3.5, 1.0, 1, 8)
    if local:
        trace.record(Kind.CHANGE, own, 4, 3.0, 4.0, 0.1)
        trace.record(Kind.VALUE, own, 4, 4.0, 5.0, 1.0, 1, 8 | ANSWER)
    assert [piece.device for piece in trace.timeline.work] == [2, 3]
    moved = [(t.what, t.source, t.target) for t in trace.timeline.transfers]
    if local:
        assert moved == [("value", 2, 3), ("gradient", 3, 2), ("weights", 2, 3), ("change", 2, 4), ("weights", 4, 2)]
    else:
        assert moved == [("value", 2, 3), ("gradient", 2, 4), ("gradient", 3, 4), ("weights", 4, 3)]


def test_a_run_without_devices_has_no_timeline():
    with pytest.raises(cs.TraceError, match="ran without devices"):
        Timeline.of(cs.Simulation(cs.parse("x + 1")).run(x=1).trace)


# -- explanations ------------------------------------------------------------------------------------------------


def test_a_parameter_tells_which_gradients_moved_it():
    hand = two_stages()
    for tag, x in enumerate((2.0, 3.0)):
        once(hand, tag, {"x": x})
    first = [hand.feel(tag, "w") for tag in range(2)]
    hand.update(1, "w", 0.25)
    once(hand, 2, {"x": 1.0})
    second = hand.feel(2, "w")
    hand.update(2, "w", 0.125)
    once(hand, 3, {"x": 0.5})
    third = hand.feel(3, "w")
    show = cs.gates.value.show
    assert explain(hand.trace, "w").splitlines() == [
        f"w has not moved since by gradient {show(third)} (example 3, from version 2).",
        f"w = 0.125 after update 2 at tick 24.5: gradient {show(second)} (example 2, from version 1); before, 0.25 "
        "(version 1).",
        f"w = 0.25 after update 1 at tick 16: gradient {show(sum(first))} = {show(first[0])} (example 0, from version "
        f"0) + {show(first[1])} (example 1, from version 0); before, 0.5 (version 0).",
        "w = 0.5 at the beginning (version 0).",
    ]


def test_a_replica_tells_what_its_change_came_of():
    hand = two_stages(NAMES, replicas=2, local=True)
    trace, node = hand.trace, hand.netlist.of_kind("parameter")["w"]
    for tag, replica in enumerate((0, 1, 1)):
        trace.record(Kind.F, 0, tag, 0.0, 1.0, 8, 0, replica)
        trace.record(Kind.BACKWARD, node, tag, 2.0, 2.0, -1.0 - tag)
    trace.record(Kind.CHANGE, hand.netlist.outgoing[node][0], 2, 3.0, 4.0, -0.25)
    trace.record(Kind.UPDATE, node, 2, 4.0, 4.0, 0.25, 1)
    assert explain(trace, "w").splitlines()[1] == (
        "w = 0.25 after update 1 at tick 4: change -0.25 of replica 1, which moved by gradients (-2) (example 1, from "
        "version 0), (-3) (example 2, from version 0); before, 0.5 (version 0)."
    )


def test_of_many_updates_the_last_are_told():
    hand = two_stages()
    for tag in range(30):
        hand.update(tag, "b", -1.0)
    lines = explain(hand.trace, "b").splitlines()
    assert lines[0] == "b = -1 after update 30 at tick 14.5: no gradient came; before, -1 (version 29)."
    assert lines[-2:] == ["10 earlier updates are not told.", "b = -1 at the beginning (version 0)."]
    assert len(lines) == 22


def test_one_example_of_a_stream_is_explained_like_a_run():
    hand = two_stages()
    once(hand, 0, {"x": 2.0})
    hand.feel(0, "w")
    hand.update(0, "w", 0.25)
    once(hand, 1, {"x": 3.0})
    simulation = cs.Simulation(circuit_of_two())
    for tag, (x, w) in enumerate([(2.0, 0.5), (3.0, 0.25)]):
        simulation.set_parameters({"w": w})
        run = simulation.run(x=x)
        for name in ("x", "w", "tanh1"):
            assert explain(hand.trace, name, tag) == run.explain(name) == explain(run.trace, name, 0)
            assert str(find_paths(hand.trace, name, tag=tag)) == str(run.paths(name))
    assert explain(hand.trace, "x") == run.explain("x")


# -- real streams ------------------------------------------------------------------------------------------------


def intricate():
    """Return a circuit in which parameters are shared, and outputs shown from parameters, inputs and constants."""
    circuit = cs.Circuit("intricate")
    x, y = circuit.inputs("x y")
    w, b, alone = circuit.parameters(w=0.7, b=np.array([0.3, -0.2]), alone=1.5)
    hidden = x
    for _ in range(4):
        hidden = cs.tanh(w * hidden + cs.exp(w * 0.1) * b)
    circuit.output("f", hidden * y + alone)
    circuit.output("w", w)
    circuit.output("alone", alone)
    circuit.output("x", x)
    circuit.output("two", circuit.constant(2.0))
    return circuit


def stream(plan, cluster=None, costs=None, count=8, circuit=None, rule=None, **more):
    """Return a stream that was watched, and held against what was seen."""
    simulation = cs.Simulation(circuit or intricate(), plan, cluster=cluster, costs=costs, **more)
    if rule is not None:
        simulation.learn(rule)
    with Witness() as witness:
        run = simulation.stream([{"x": 0.1 * tag, "y": [1.0, -0.5 * tag]} for tag in range(count)], gradient=0.5)
    witness.check(run)
    return run


def parameters_of_batches(run, batch):
    """Return the parameters that each example of a stream went through with."""
    netlist, now = run.trace.netlist, dict(run.trace.held)
    made = [dict(now)]
    for version in range(1, 1 + max((record.version for record in run.trace.find(Kind.UPDATE)), default=0)):
        now |= {record.where: record.value for record in run.trace.find(Kind.UPDATE) if record.version == version}
        made.append(dict(now))
    named = [{netlist.nodes[node].name: value for node, value in one.items()} for one in made]
    assert bits(named[-1]) == bits(run.parameters)
    return lambda tag: named[min(tag // batch, len(named) - 1)]


SLOW = cs.Cluster(link=cs.Link(cs.uniform(0, 2), bandwidth=12.0))
LOSSY = cs.Link(cs.uniform(0.1, 1.5), bandwidth=40.0, loss=0.2, duplicate=0.2, reorder=0.3)
CRASHES = cs.Cluster(link=LOSSY, crash_every=30, downtime=3)
APART = cs.Costs(cs.uniform(0.5, 1.5), input=1.0, weight=0.5)
STREAMS = {
    "fifo": (cs.Plan(3, microbatches=4), SLOW),
    "one in flight": (cs.Plan(3, microbatches=4, in_flight=1), None),
    "slots": (cs.Plan(3, microbatches=4, in_flight=3), cs.Cluster(slots=2, link=cs.Link(0.5, serial=True))),
    "gpipe": (cs.Plan(3, schedule="gpipe", microbatches=4), SLOW),
    "1f1b": (cs.Plan(3, schedule="1f1b", microbatches=4), SLOW),
    "interleaved": (cs.Plan(4, schedule="interleaved", microbatches=4), cs.Cluster(2, link=cs.Link(0.5))),
    "zb-h1": (cs.Plan(3, schedule="zb-h1", microbatches=4), SLOW),
    "zb-h2": (cs.Plan(3, schedule="zb-h2", microbatches=4), None),
    "zb-v": (cs.Plan(4, schedule="zb-v", microbatches=4), cs.Cluster(2, link=cs.Link(0.5))),
    "replicas": (cs.Plan(2, replicas=3, microbatches=4), SLOW),
    "loss": (cs.Plan(3, schedule="zb-h1", microbatches=4), cs.Cluster(link=LOSSY)),
    "crashes": (cs.Plan(3, schedule="1f1b", microbatches=4, checkpoint_every=6), CRASHES),
    "crashes of workers": (cs.Plan(2, replicas=2, microbatches=4, checkpoint_every=6), CRASHES),
}
ASYNCHRONOUS = {
    "pipeline": (cs.Plan(3, schedule="1f1b", microbatches=8, update="async"), SLOW),
    "newest version": (cs.Plan(3, schedule="zb-h1", microbatches=8, update="async", versions=1), SLOW),
    "two versions": (cs.Plan(3, update="async", versions=2, in_flight=4), cs.Cluster(slots=2)),
    "workers": (cs.Plan(2, replicas=3, update="async"), SLOW),
    "local steps": (cs.Plan(2, replicas=3, update="async", local_steps=2), SLOW),
    "loss": (cs.Plan(3, update="async"), cs.Cluster(link=LOSSY)),
    "crashes": (cs.Plan(3, update="async", versions=1, checkpoint_every=6), CRASHES),
    "crashes of workers": (cs.Plan(2, replicas=2, update="async", checkpoint_every=6), CRASHES),
    "crashes between local steps": (
        cs.Plan(2, replicas=2, update="async", local_steps=3, checkpoint_every=6),
        CRASHES,
    ),
}


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("rule", [None, cs.SGD(0.1)], ids=["still", "learning"])
def test_the_trace_of_a_stream_says_what_a_plain_run_of_each_example_does(name, rule):
    plan, cluster = STREAMS[name]
    run = stream(plan, cluster, APART, rule=rule, seed=3)
    went_with = parameters_of_batches(run, plan.microbatches)
    plain = cs.Simulation(intricate())
    for tag in range(8):
        plain.set_parameters(went_with(tag))
        trace = plain.run({"x": 0.1 * tag, "y": [1.0, -0.5 * tag]}, gradient=0.5).trace
        assert bits(run.trace.gradients(tag)) == bits(trace.gradients())
        assert bits(run.trace.wire_gradients(tag)) == bits(trace.wire_gradients())
        assert bits({node: run.trace.values(tag)[node] for node in trace.values()}) == bits(trace.values())
        assert bits(run.trace.expanded.gradients(tag)) == bits(trace.gradients())


@pytest.mark.parametrize("name", ASYNCHRONOUS)
def test_the_trace_of_an_asynchronous_stream_says_which_versions_were_read(name):
    plan, cluster = ASYNCHRONOUS[name]
    for seed in range(4):
        run = stream(plan, cluster, APART, rule=cs.SGD(0.05), seed=seed)
    assert any(record.staleness for record in run.timeline.updates)


@pytest.mark.parametrize("name", ["sync " + name for name in STREAMS] + ["async " + name for name in ASYNCHRONOUS])
def test_the_gradients_that_are_told_of_make_the_parameters(name):
    plan, cluster = STREAMS[name[5:]] if name.startswith("sync ") else ASYNCHRONOUS[name[6:]]
    for seed in range(3):
        run = stream(plan, cluster, APART, rule=cs.SGD(0.05), seed=seed)
        for parameter, node in run.trace.netlist.of_kind("parameter").items():
            value = run.trace.held[node]
            moves, left = moves_of(run.trace, node)
            assert not left
            assert sorted(record.tag for move in moves.values() for record in move.gradients) == list(range(8))
            for version in sorted(moves):
                update, gradients, change = moves[version]
                if change is None:
                    value = value + 0.05 * cs.gates.value.add_up([record.value for record in gradients])
                else:
                    assert np.allclose(change.value, sum(0.05 * record.value for record in gradients))
                    value = value + change.value
                assert bits(value) == bits(update.value)
            assert bits(value) == bits(run.parameters[parameter])


def test_a_worker_with_many_examples_tells_the_server_of_each_once():
    circuit = cs.Circuit()
    circuit.output("f", circuit.parameter("w", 1.0) * circuit.input("x"))
    for in_flight in (1, 4):
        plan = cs.Plan(1, replicas=1, update="async", local_steps=2, in_flight=in_flight)
        simulation = cs.Simulation(circuit, plan, cluster=cs.Cluster(link=cs.Link(3.0)))
        simulation.learn(cs.SGD(0.125))
        assert simulation.stream([{"x": 1.0}] * 6).parameters == {"w": 1.75}


def test_messages_wait_and_are_lost_and_devices_are_down_in_these_streams():
    timeline = stream(*STREAMS["fifo"], APART).timeline
    assert any(transfer.start > transfer.sent for transfer in timeline.transfers)
    found = [stream(*STREAMS["crashes"], APART, seed=seed).timeline for seed in range(4)]
    assert {transfer.fate for timeline in found for transfer in timeline.transfers} == {"arrived", "lost", "dropped"}
    assert any(timeline.outages for timeline in found)
    for timeline in found:
        work = [(piece.kind, piece.stage, piece.tag) for piece in timeline.work]
        assert len(set(work)) == 2 * 3 * 8
    local = stream(*ASYNCHRONOUS["local steps"], APART, rule=cs.SGD(0.05)).timeline
    assert {transfer.what for transfer in local.transfers} == {"value", "gradient", "weights", "change"}


@settings(max_examples=tried(60))
@given(program=programs(most_steps=10), data=st.data())
def test_random_circuits_stream_as_their_traces_say(program: Program, data):
    circuit = program.circuit()
    gates = circuit.names("gate")
    if not gates:
        return
    draw = data.draw
    schedule = draw(st.sampled_from(["fifo", "gpipe", "1f1b", "zb-h1", "zb-h2"]))
    stages = draw(st.integers(1, min(4, len(gates))))
    more = {"in_flight": draw(st.integers(1, 3))} if schedule == "fifo" else {}
    if schedule == "fifo" and draw(st.booleans()):
        placed = [draw(st.integers(0, 2)) for _ in gates]
        stages = {f"d{n}": [g for g, at in zip(gates, placed, strict=True) if at == n] for n in set(placed)}
    plan = cs.Plan(
        stages,
        schedule=schedule,
        microbatches=draw(st.integers(1, 4)),
        update=draw(st.sampled_from(["sync", "async"])),
        versions=draw(st.sampled_from([None, 1, 2])),
        **more,
    )
    link = draw(st.sampled_from([cs.Link(), cs.Link(0.5), cs.Link(cs.uniform(0, 2), bandwidth=8.0), LOSSY]))
    crashes = {"crash_every": 40} if link is LOSSY and draw(st.booleans()) else {}
    simulation = cs.Simulation(circuit, plan, cluster=cs.Cluster(link=link, **crashes), nonfinite="ignore")
    if draw(st.booleans()):
        simulation.learn(cs.SGD(0.1))
    scales = draw(st.lists(st.floats(-1, 1), min_size=1, max_size=5))
    given_ = [{name: value * scale for name, value in program.inputs.items()} for scale in scales]
    names = draw(st.sets(st.sampled_from(sorted(program.pulls)), min_size=1))
    with Witness() as witness:
        run = simulation.stream(given_, gradient={name: program.pulls[name] for name in names})
    witness.check(run)


# -- what people do with a stream --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pipeline():
    return stream(cs.Plan(3, schedule="1f1b", microbatches=4), cs.Cluster(link=cs.Link(0.5)), rule=cs.SGD(0.1))


def test_a_stream_is_asked_like_a_run(pipeline):
    went_with, plain = parameters_of_batches(pipeline, 4), cs.Simulation(intricate())
    for tag in (None, 2, 5):
        number = 7 if tag is None else tag
        plain.set_parameters(went_with(number))
        run = plain.run({"x": 0.1 * number, "y": [1.0, -0.5 * number]}, gradient=0.5)
        for name in ("x", "tanh2", "mul3"):
            assert bits(pipeline.value(name, tag)) == bits(run.value(name))
            assert bits(pipeline.gradient(name, tag)) == bits(run.gradient(name))
            assert pipeline.explain(name, tag) == run.explain(name)
            assert str(pipeline.paths(name, tag)) == str(run.paths(name))
        assert bits(pipeline.value("w", number)) == bits(went_with(number)["w"])
        assert pipeline.explain("w", number) == run.explain("w")
    first, second, begun = pipeline.explain("w").splitlines()
    show = cs.gates.value.show
    assert first.startswith(f"w = {show(pipeline.parameters['w'])} after update 2 at tick ")
    for tag in range(4):
        assert f"{cs.trace.words.bracket(show(pipeline.gradient('w', tag)))} (example {tag}, from version 0)" in second
        assert f"(example {tag + 4}, from version 1)" in first
    assert begun == "w = 0.7 at the beginning (version 0)."


def test_a_stream_is_saved_shown_and_loaded_again(pipeline, tmp_path):
    for suffix in ("trace", "html", "png", "svg", "pdf", "json", "vcd"):
        pipeline.save(tmp_path / f"stream.{suffix}")
        pipeline.trace.export(tmp_path / f"exported.{suffix}")
        if suffix != "pdf":
            saved = (tmp_path / f"stream.{suffix}").read_bytes()
            assert saved == (tmp_path / f"exported.{suffix}").read_bytes(), suffix
    loaded = cs.Trace.load(tmp_path / "stream.trace")
    assert (loaded.timeline.work, loaded.timeline.transfers) == (pipeline.timeline.work, pipeline.timeline.transfers)
    assert bits([update.value for update in loaded.timeline.updates]) == bits(
        [update.value for update in pipeline.timeline.updates]
    )
    assert report(loaded.timeline) == pipeline.report
    assert bits([record.value for record in loaded.expanded]) == bits([r.value for r in pipeline.trace.expanded])
    assert [record[1:5] for record in loaded.expanded] == [record[1:5] for record in pipeline.trace.expanded]
    for name, tag in (("w", None), ("w", 3), ("x", 6)):
        assert explain(loaded, name, tag) == pipeline.explain(name, tag)
    loaded.export(tmp_path / "loaded.html")
    assert (tmp_path / "loaded.html").read_bytes() == (tmp_path / "stream.html").read_bytes()
    assert cs.Costs.from_trace(loaded) == cs.Costs.from_trace(pipeline.trace)


def test_the_flow_of_a_stream_is_played_with_the_numbers_of_microbatches(pipeline, tmp_path):
    pipeline.player(tmp_path / "all.html")
    pipeline.player(tmp_path / "one.html", tags=[5])
    pipeline.animate(tmp_path / "two.gif", tags=[4, 5])
    scenes = [read_scene(tmp_path / name) for name in ("all.html", "one.html")]
    assert [(scene["batch"], scene["batches"]) for scene in scenes] == [(4, 2), (0, 0)]
    plain = cs.Simulation(intricate())
    run = plain.stream([{"x": 0.1, "y": [1.0, 2.0]}], gradient=0.5)
    run.player(tmp_path / "streamed.html")
    plain.run({"x": 0.1, "y": [1.0, 2.0]}, gradient=0.5).player(tmp_path / "run.html")
    assert (tmp_path / "streamed.html").read_bytes() == (tmp_path / "run.html").read_bytes()
    run.save(tmp_path / "saved.html")
    assert (tmp_path / "saved.html").read_bytes() == (tmp_path / "run.html").read_bytes()
    with pytest.raises(cs.TraceError, match="the trace has no example 8: it has 0 to 7"):
        pipeline.player(tmp_path / "none.html", tags=[1, 8])


def read_scene(path):
    found = re.search(r'<script type="application/json" id="scene">(.*?)</script>', path.read_text())
    return json.loads(found[1])


def test_the_command_line_shows_saved_streams(pipeline, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pipeline.save("p.trace")
    pipeline.save("timeline.html")
    pipeline.player("flow.html")

    def call(*arguments):
        done = CliRunner().invoke(app, arguments)
        return done.exit_code, done.stdout, done.stderr

    assert call("view", "p.trace") == (0, "saved p.html\n", "")
    assert Path("p.html").read_bytes() == Path("timeline.html").read_bytes()
    assert call("view", "p.trace", "--flow", "--save", "f.html") == (0, "saved f.html\n", "")
    assert Path("f.html").read_bytes() == Path("flow.html").read_bytes()
    for suffix in ("json", "vcd"):
        assert call("export", "p.trace", "--to", f"e.{suffix}") == (0, f"saved e.{suffix}\n", "")
        pipeline.save(f"s.{suffix}")
        assert Path(f"e.{suffix}").read_bytes() == Path(f"s.{suffix}").read_bytes()


def test_several_streams_go_into_one_file_only_if_it_shows_them_below_each_other(pipeline, tmp_path):
    views.save_streams({"one": pipeline.trace, "two": pipeline.trace}, tmp_path / "two.html")
    text = (tmp_path / "two.html").read_text(encoding="utf-8")
    assert [stream["title"] for stream in json.loads(re.search(r'id="streams">(.*?)</script>', text)[1])] == [
        "one",
        "two",
    ]
    views.save_streams({"one": pipeline.trace}, tmp_path / "one.trace")
    assert len(cs.Trace.load(tmp_path / "one.trace")) == len(pipeline.trace)
    with pytest.raises(cs.SaveError, match=r"cannot save several streams as .*two\.trace': choose one of them"):
        views.save_streams({"one": pipeline.trace, "two": pipeline.trace}, tmp_path / "two.trace")
    forms.check_streams(tmp_path / "x.png", several=True)
    forms.check_streams(tmp_path / "x.trace", several=False)


def test_a_stream_without_its_trace_says_so():
    simulation = cs.Simulation(intricate(), cs.Plan(2), trace=False)
    run = simulation.stream([{"x": 0.1, "y": [1.0, 2.0]}])
    for ask in (lambda: run.timeline, lambda: run.explain("w"), lambda: run.save("no.trace")):
        with pytest.raises(cs.TraceError, match="this stream was not traced: make the simulation with trace=True"):
            ask()
    work = cs.Simulation(intricate(), cs.Plan(2), trace="work").stream([{"x": 0.1, "y": [1.0, 2.0]}])
    assert work.report.makespan
    with pytest.raises(cs.TraceError, match="record it with trace='all'"):
        work.value("x", 0)


def test_traces_in_which_parameters_moved_are_not_joined():
    simulation = cs.Simulation(network(2)[0], cs.Plan(2))
    simulation.learn(cs.SGD(0.1))
    traces = [simulation.stream(examples(2), learn=learn).trace for learn in (True, False)]
    with pytest.raises(cs.TraceError, match="traces in which parameters moved cannot be joined"):
        cs.Trace.join(traces)
    assert len(cs.Trace.join([traces[1], traces[1]])) == 2 * len(traces[1])
