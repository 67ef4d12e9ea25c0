"""Grouping: big circuits as groups, with the same numbers at what the groups send and feel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim import views
from circuitsim.circuit.netlist import Netlist
from circuitsim.trace.kinds import Kind
from circuitsim.views import grouping as module
from circuitsim.views.grouping import group_gates
from circuitsim.views.layout import lay_out
from tests.effort import tried
from tests.programs import Program, programs


def network(sizes, seed=1):
    circuit = cs.mlp(sizes, "tanh", seed=seed)
    return cs.Simulation(circuit).run({f"x{number + 1}": 0.5 - number for number in range(sizes[0])})


def test_a_network_folds_into_its_neurons():
    run = network([2, 16, 16, 1])
    grouping = group_gates(run.trace.netlist)
    assert grouping.about == "640 gates, folded into 33 groups"
    assert [node.name for node in grouping.netlist.nodes if node.gate] == [
        f"n{layer}_{number}" for layer, size in ((1, 16), (2, 16), (3, 1)) for number in range(1, size + 1)
    ]
    trace = grouping.trace(run.trace)
    values, gradients = trace.values(), trace.gradients()
    for node in ("x1", "x2", "n1_1", "n1_16", "n2_7"):
        assert values[trace.node(node)] == run.value(node)
        assert gradients[trace.node(node)] == pytest.approx(run.gradient(node), rel=1e-12)
    assert trace.span == run.trace.span
    assert trace.netlist.nodes[trace.node("n1_3")].gate.__doc__ == "A group of gates: 2 mul, 2 add, 1 tanh."


def test_a_wide_network_folds_into_its_layers():
    run = network([2, 40, 40, 1])
    trace = group_gates(run.trace.netlist).trace(run.trace)
    layer = trace.node("n1")
    neurons = [run.trace.node(f"n1_{number}") for number in range(1, 41)]
    values, gradients = run.trace.values(), run.trace.gradients()
    assert trace.values()[layer].tolist() == [values[neuron] for neuron in neurons]
    np.testing.assert_allclose(trace.gradients()[layer], [gradients[neuron] for neuron in neurons], rtol=1e-12)


@settings(max_examples=tried(30))
@given(program=programs(most_steps=20), most=st.integers(2, 12))
def test_any_circuit_folds_and_keeps_its_ends(program: Program, most):
    run = cs.Simulation(program.circuit(), nonfinite="ignore").run(program.inputs, gradient=program.pulls)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_GATES", 0)
        patch.setattr(module, "MOST_GROUPS", most)
        grouping = group_gates(run.trace.netlist)
    trace = grouping.trace(run.trace)
    values, gradients = trace.values(), trace.gradients()
    names = [node.name for node in trace.netlist.nodes if node.kind != "output"]
    assert len(set(names)) == len(names)
    for output, value in run.outputs.items():
        (index,) = [i for i, node in enumerate(trace.netlist.nodes) if (node.kind, node.name) == ("output", output)]
        np.testing.assert_array_equal(np.ravel(values.get(index, value)), np.ravel(value))
    for name in program.inputs:
        if name in names and trace.netlist.nodes[trace.node(name)].kind == "input":
            found = gradients.get(trace.node(name), np.zeros_like(run.gradients[name]))
            np.testing.assert_allclose(np.ravel(found), np.ravel(run.gradients[name]), rtol=1e-9, atol=1e-12)
    whole, every = run.trace.netlist, run.trace.values()
    for node, value in values.items():  # all that leaves a group stands at it
        inside = {wire.source for wire in whole.wires if grouping.group[wire.source] == node}
        leaving = {w.source for w in whole.wires if w.source in inside and grouping.group[w.target] != node}
        if trace.netlist.nodes[node].kind == "gate" and leaving:
            assert np.size(value) == sum(np.size(every[source]) for source in leaving)
    assert len(trace) <= len(run.trace)
    for record in trace:
        assert record.start <= record.end
    heard = {(r.where, r.tag) for r in trace if r.kind is Kind.FORWARD}
    assert heard == {(grouping.group[r.where], r.tag) for r in run.trace if r.kind is Kind.FORWARD}


def test_a_long_chain_without_names_folds_into_stretches():
    circuit = cs.Circuit("chain")
    wire = circuit.input("x")
    for number in range(2000):
        wire = -wire if number % 3 else cs.sin(wire)
    circuit.output("f", wire)
    run = cs.Simulation(circuit).run(x=1)
    grouping = group_gates(run.trace.netlist)
    assert len(grouping.netlist.nodes) <= module.MOST_GROUPS
    trace = grouping.trace(run.trace)
    assert trace.gradients()[trace.node("x")] == run.gradients["x"]


def test_a_group_that_needs_nothing_from_outside(monkeypatch):
    monkeypatch.setattr(module, "MOST_GATES", 0)
    circuit = cs.Circuit("from within")
    a = circuit.parameter("n.a", 2.0)
    circuit.output("f", circuit.gate(cs.square, a, name="n.square") * 3)
    run = cs.Simulation(circuit).run()
    trace = group_gates(run.trace.netlist).trace(run.trace)
    assert trace.values()[trace.node("n")] == 4.0
    assert "n" in views.svg(run.trace)
    assert views.embed(run.trace)


def test_very_many_inputs_stand_together():
    circuit = cs.Circuit("sum")
    inputs = circuit.inputs([f"x{number}" for number in range(250)])
    total = inputs[0]
    for wire in inputs[1:]:
        total = total + wire
    circuit.output("f", total)
    run = cs.Simulation(circuit).run({wire.name: number * 1.0 for number, wire in enumerate(inputs)})
    trace = group_gates(run.trace.netlist).trace(run.trace)
    values, gradients = trace.values(), trace.gradients()
    together = [index for index, node in enumerate(trace.netlist.nodes) if node.kind == "input"]
    assert 2 <= len(together) <= module.BANDS
    assert sorted(np.concatenate([values[index] for index in together])) == list(range(250))
    assert all((gradients[index] == 1.0).all() for index in together)
    assert "inputs" in views.svg(run.trace)


def steps(count):
    """Return a run of a circuit of so many steps, each in a scope and with an input of its own."""
    circuit = cs.Circuit("steps")
    h, w = circuit.input("h0"), circuit.parameter("w", 0.5)
    for step in range(1, count + 1):
        with circuit.scope(f"t{step}"):
            h = cs.tanh(cs.sin(h * w) + cs.cos(circuit.input("x")) + 0.5) * 0.5
    circuit.output("f", h)
    return cs.Simulation(circuit).run(dict.fromkeys(circuit.names("input"), 0.1))


def test_steps_fold_by_their_scopes_with_their_inputs_beside_them():
    assert group_gates(steps(24).trace.netlist) is None  # 192 gates are drawn one by one
    run = steps(30)
    grouping = group_gates(run.trace.netlist)
    assert [node.name for node in grouping.netlist.nodes if node.gate] == [f"t{step}" for step in range(1, 31)]
    trace = grouping.trace(run.trace)
    assert trace.gradients()[trace.node("t7.x")] == run.gradients["t7.x"]
    layout = lay_out(trace.netlist, lambda index: (2.0, 1.0), lambda index: 1.0)
    for step in range(2, 31):  # each in the layer before its step, in which the step before it stands
        x, before = (layout.boxes[trace.node(name)].x for name in (f"t{step}.x", f"t{step - 1}"))
        assert x == before


def test_inputs_without_a_scope_stay_where_they_were():
    circuit = cs.Circuit("late")
    x, y = circuit.inputs("x y")
    circuit.output("f", cs.sin(cs.cos(cs.tanh(x))) + y)
    netlist = Netlist(circuit)
    layout = lay_out(netlist, lambda index: (2.0, 1.0), lambda index: 1.0)
    places = {node.name: layout.boxes[index].x for index, node in enumerate(netlist.nodes)}
    assert places["x"] == places["y"] < places["tanh1"]


def test_very_many_steps_fold_into_runs_of_them():
    run = steps(150)
    grouping = group_gates(run.trace.netlist)
    names = [node.name for node in grouping.netlist.nodes if node.gate]
    assert len(names) == module.BANDS
    assert (names[0], names[-1]) == ("t1 to t12", "t139 to t150")


def test_scopes_within_scopes_fold_into_the_outer_ones():
    circuit = cs.Circuit("blocks")
    x = circuit.input("x")
    for block in range(1, 4):
        with circuit.scope(f"block{block}"):
            for part in range(40):
                with circuit.scope("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"[part]):
                    x = cs.tanh(x * 0.5)
    circuit.output("f", x)
    grouping = group_gates(Netlist(circuit))
    assert [node.name for node in grouping.netlist.nodes if node.gate] == ["block1", "block2", "block3"]


def test_small_circuits_are_left_alone():
    assert group_gates(Netlist(cs.mlp([2, 8, 4, 1]))) is None


def test_big_circuits_are_drawn_and_played(tmp_path):
    run = network([4, 24, 24, 2])
    run.draw(tmp_path / "big.svg")
    words = (tmp_path / "big.svg").read_text(encoding="utf-8")
    assert "1,488 gates, folded into" in words
    run.player(tmp_path / "big.html")
    assert "This circuit is big: 1,488 gates, folded into" in (tmp_path / "big.html").read_text(encoding="utf-8")
    assert (tmp_path / "big.html").stat().st_size < 1_000_000


# -- pictures of circuits, and notebooks -----------------------------------------------------------------------


def test_a_circuit_draws_itself(tmp_path):
    circuit = cs.parse("sigmoid(a*x + b)")
    for suffix, head in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        for turn in range(2):
            circuit.draw(tmp_path / f"{turn}.{suffix}")
        assert (tmp_path / f"0.{suffix}").read_bytes().startswith(head)
        assert (tmp_path / f"0.{suffix}").read_bytes() == (tmp_path / f"1.{suffix}").read_bytes()
    with pytest.raises(cs.SaveError, match=r"the suffix must be one of \.png \.svg \.pdf"):
        circuit.draw(tmp_path / "circuit.gif")
    with pytest.raises(cs.CircuitError, match="is empty"):
        cs.Circuit().draw(tmp_path / "empty.svg")


def test_notebooks_show_circuits_runs_and_traces():
    circuit = cs.parse("x * y")
    assert circuit._repr_svg_().startswith("<?xml")
    assert "<svg" in circuit._repr_svg_()
    assert cs.Circuit("not finished")._repr_svg_() is None
    run = cs.Simulation(circuit).run(x=2, y=3)
    assert run._repr_html_() == run.trace._repr_html_()
    assert run._repr_html_().startswith('<iframe srcdoc="&lt;!doctype html&gt;')
    assert 'sandbox="allow-scripts"' in run._repr_html_()
    assert cs.Simulation(circuit, trace=False).run(x=2, y=3)._repr_html_() is None
    assert cs.Trace(run.trace.netlist, {})._repr_html_() is None


def test_a_trace_too_long_for_a_notebook_says_its_words(monkeypatch):
    from circuitsim.views import player_page

    run = cs.Simulation(cs.parse("x * y")).run(x=2, y=3)
    monkeypatch.setattr(player_page, "MOST_EMBEDDED", 3)
    assert views.embed(run.trace) is None
