"""What the player page is drawn from: windows that hold every message, sums to the bit, factors that multiply."""

from functools import partial
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.trace.kinds import Kind
from circuitsim.views.grouping import group_gates
from circuitsim.views.opening import made_of, opened_groups
from circuitsim.views.scene import json_number, scene, windows
from tests.browser import layered
from tests.programs import Program, programs


def delays(random):
    return {
        "gate_delay": lambda name: float(random.choice([0.0, 0.5, 4.0])),
        "wire_latency": lambda source, target: float(random.choice([0.0, 1.0, 2.5])),
    }


@settings(max_examples=40)
@given(program=programs(most_steps=15), seed=st.integers(0, 1000))
def test_sums_are_the_simulations_to_the_bit(program: Program, seed):
    simulation = cs.Simulation(program.circuit(), nonfinite="ignore", **delays(np.random.default_rng(seed)))
    trace = simulation.run(program.inputs, gradient=program.pulls).trace
    (window,) = windows(trace)
    last = {node: total for node, _, _, total in window["sums"]}  # in order of time
    single = {}
    for wire, gradient in trace.wire_gradients().items():
        single.setdefault(trace.netlist.wires[wire].source, gradient)
    for node, gradient in trace.gradients().items():
        if trace.netlist.nodes[node].kind != "output":
            assert last.get(node, json_number(single[node])) == json_number(gradient)


def test_three_gradients_are_summed_in_wiring_order():
    trace = cs.Simulation(cs.parse("x*0.1 + x*0.2 + x*0.3"), wire_latency={("x", "mul1"): 9}).run(x=1).trace
    (window,) = windows(trace)
    assert window["sums"][-1][-1] == 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1
    assert [total for *_, total in window["sums"]] == [0.2 + 0.3, 0.1 + 0.2 + 0.3]


@settings(max_examples=40)
@given(program=programs(most_steps=12))
def test_factors_times_what_was_felt_are_what_was_sent(program: Program):
    trace = cs.Simulation(program.circuit(), nonfinite="ignore").run(program.inputs, gradient=program.pulls).trace
    (window,) = windows(trace)
    felt, on_wire = trace.gradients(), trace.wire_gradients()
    checked = 0
    for node, _, slopes in window["slopes"]:
        for port, wire in enumerate(trace.netlist.incoming[node]):
            if wire in on_wire and isinstance(slopes[port], float) and isinstance(felt[node], float):
                np.testing.assert_allclose(felt[node] * slopes[port], on_wire[wire], rtol=1e-9, atol=1e-12)
                checked += 1
    backward = [r for r in trace if r.kind is Kind.BACKWARD and isinstance(r.value, float)]
    assert checked or not backward or any(np.shape(value) for value in trace.values().values())


@settings(max_examples=40)
@given(program=programs(most_steps=10), seed=st.integers(0, 1000), most=st.integers(1, 30))
def test_windows_hold_every_message_and_what_stood_before(program: Program, seed, most):
    simulation = cs.Simulation(program.circuit(), nonfinite="ignore", **delays(np.random.default_rng(seed)))
    trace = cs.Trace.join([simulation.run(program.inputs, gradient=program.pulls).trace for _ in range(2)])
    parts = list(windows(trace, most))
    spans = [part["span"] for part in parts]
    assert (spans[0][0], spans[-1][1]) == trace.span
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    begun = 0
    for part, span in zip(parts, spans, strict=True):
        starts = part["records"]["start"]
        begun += sum(span[0] <= start and (start < span[1] or span is spans[-1]) for start in starts)
        ended = {r.where: json_number(r.value) for r in trace if r.kind is Kind.FORWARD and r.end <= span[0]}
        if span is not spans[0]:
            before = {node: value for node, value, _ in part["before"]["values"]}
            assert {node: before[node] for node in ended} == ended
    assert begun == len(trace)


def test_the_stage_is_wide_enough_for_all_of_it():
    trace = layered()
    stage = scene(trace)
    wide, high = stage["size"]
    for node in stage["nodes"]:
        x, y, width, height, start, end = node["place"]
        assert 0 < x - width / 2 < x + width / 2 <= start < end <= wide
        assert 0 < y - height / 2 < y + height / 2 < high
    assert stage["gates"]["tanh"]
    assert len(list(partial(windows, trace)())) == stage["windows"] == 1


def assert_wires_meet_bodies(places, points, wires, tall):
    """Every wire begins at the edge of its source and ends at that of its target, and is level or plumb at both."""
    side, other = (1, 0) if tall else (0, 1)
    half = 3 if tall else 2
    for (source, target, *_), path in zip(wires, points, strict=True):
        ends = np.array([path[:2], path[-2:]])
        if abs(ends[0, 0] - ends[1, 0]) < 0.1 and not tall:  # a pill on its gate
            assert ends[0, 1] < ends[1, 1]
            continue
        for place, end, sign in ((places[source], ends[0], 1), (places[target], ends[1], -1)):
            assert abs(end[side] - (place[side] + sign * place[half] / 2)) < 0.2
            assert abs(end[other] - place[other]) <= place[2 if tall else 3] / 2


def test_wires_meet_what_they_join():
    small, dense = layered(), cs.Simulation(cs.mlp([2, 4, 4, 1])).run(x1=1, x2=2).trace
    for trace in (small, dense):
        stage = scene(trace)
        assert_wires_meet_bodies(
            [node["place"] for node in stage["nodes"]], [wire[3] for wire in stage["wires"]], stage["wires"], tall=False
        )
    tall = scene(small)["tall"]
    assert_wires_meet_bodies(tall["places"], tall["points"], scene(small)["wires"], tall=True)
    pills = [node for node in stage["nodes"] if node.get("pill")]
    assert len(pills) == 8 + 4 + 16 + 4 + 4 + 1  # every weight and threshold of mlp 2-4-4-1
    boxes = [node["place"] for node in stage["nodes"]]
    for number, (x, y, width, height, *_) in enumerate(boxes):
        for u, v, wide, high, *_ in boxes[:number]:
            assert abs(x - u) >= (width + wide) / 2 or abs(y - v) >= (height + high) / 2


def test_opened_groups_hold_what_the_run_did():
    trace = cs.Simulation(cs.mlp([2, 16, 16, 1], "tanh", seed=1)).run(x1=1.5, x2=-2).trace
    grouping = group_gates(trace.netlist)
    values, gradients = trace.values(), trace.gradients()
    seen = set()
    for opened in opened_groups(grouping, trace):
        own_values, own_gradients = opened.trace.values(), opened.trace.gradients()
        assert opened.trace.span[0] >= trace.span[0]
        for index, (whole,) in enumerate(opened.nodes):
            assert own_values[index] == values[whole]
            if grouping.group[whole] == opened.group:
                np.testing.assert_allclose(own_gradients[index], gradients[whole], rtol=1e-12)
                if opened.trace.netlist.nodes[index].kind == "gate":
                    seen.add(whole)
        ends = [index for index, node in enumerate(opened.trace.netlist.nodes) if node.kind == "output"]
        assert ends
        scene(opened.trace)
    assert seen == {index for index, node in enumerate(trace.netlist.nodes) if node.kind == "gate"}
    nodes, wires = made_of(grouping)
    assert sorted(wire for parts in wires for wire in parts) == [
        number
        for number, (source, target, _) in enumerate(trace.netlist.wires)
        if grouping.group[source] != grouping.group[target]
    ]
    assert all(len(parts) == 1 for parts in nodes)
