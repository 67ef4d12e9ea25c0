"""Wiring: what can be built, and what is refused and how."""

import itertools
import json
import pickle
import random

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.circuit.netlist import Netlist
from tests.programs import programs


def two_gates():
    circuit = cs.Circuit("two gates")
    x, y, z = circuit.inputs("x y z")
    circuit.output("f", (x + y) * z)
    return circuit


def test_the_graph_is_a_multidigraph_with_ports_as_keys():
    circuit = cs.Circuit()
    x = circuit.input("x")
    circuit.output("f", x * x)
    assert isinstance(circuit.graph, nx.MultiDiGraph)
    assert list(circuit.graph.edges(keys=True)) == [("x", "mul1", 0), ("x", "mul1", 1)]


def test_operators_wire_up_gates_and_numbers_become_constants(engine):
    circuit = cs.Circuit()
    x, y = circuit.inputs("x, y")
    circuit.output("f", abs(-(2 * x - 1) / (y**2 + 3.0)) + 2**x + (1 - y) + 6 / y)
    f = engine(circuit).forward({"x": 1.5, "y": 2.0})["f"]
    assert f == pytest.approx(abs(-(2 * 1.5 - 1) / (2.0**2 + 3.0)) + 2**1.5 + (1 - 2.0) + 6 / 2.0)


def test_comparisons_wire_up_gates(engine):
    circuit = cs.Circuit()
    a, b = circuit.inputs("a b")
    for name, wire in {"gt": a > b, "ge": a >= b, "lt": a < b, "le": a <= b, "number": a > 1.0}.items():
        circuit.output(name, wire)
    for x, y in itertools.product([-1.0, 1.0, 2.0], repeat=2):
        found = engine(circuit).forward({"a": x, "b": y})
        expected = {"gt": x > y, "ge": x >= y, "lt": x < y, "le": x <= y, "number": x > 1.0}
        assert found == {name: float(truth) for name, truth in expected.items()}


def test_a_wire_is_neither_true_nor_false():
    a, b = cs.Circuit("c").inputs("a b")
    with pytest.raises(cs.WireError, match="neither true nor false"):
        max(a, b)


def test_an_array_beside_a_wire_becomes_a_constant(engine):
    circuit = cs.Circuit()
    x = circuit.input("x")
    circuit.output("f", np.array([1.0, 2.0]) * x)
    assert engine(circuit).forward({"x": 3.0})["f"].tolist() == [3.0, 6.0]


def test_automatic_names_step_around_taken_ones():
    circuit = cs.Circuit()
    circuit.inputs("mul1 x")
    wire = circuit.gate(cs.mul, 2.0, 3.0)
    assert wire.name == "mul2"


def test_names_in_order():
    circuit = two_gates()
    assert circuit.names("input") == ["x", "y", "z"]
    assert circuit.names("gate") == ["add1", "mul1"]
    assert circuit.validate() == ["x", "y", "z", "add1", "mul1"] or circuit.validate()[-1] == "mul1"


def test_ports_may_be_connected_later(engine):
    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    difference = circuit.gate(cs.sub, None, x)
    circuit.connect(y, difference, port=0)
    circuit.output("f", difference)
    assert engine(circuit).forward({"x": 1.0, "y": 5.0})["f"] == 4.0


def test_a_circuit_can_be_pickled():
    copy = pickle.loads(pickle.dumps(two_gates()))
    assert cs.Simulation(copy).run(x=-2, y=5, z=-4).outputs == {"f": -12.0}


def refuse(error, words, build):
    with pytest.raises(error, match=words) as caught:
        build()
    assert isinstance(caught.value, cs.CircuitSimError)


def test_a_cycle_is_named_gate_by_gate(engine):
    circuit = cs.Circuit("loop")
    x = circuit.input("x")
    a = circuit.gate(cs.add, x, None, name="a")
    b = circuit.gate(cs.mul, a, 2.0, name="b")
    circuit.connect(b, a, port=1)
    circuit.output("f", b)
    refuse(ValueError, r"circuit 'loop' has a cycle, a → b → a", lambda: engine(circuit))


@given(programs(), st.integers(0, 2**32))
def test_the_order_is_that_of_networkx_whatever_the_order_of_adding(program, seed):
    """Nodes are added in any order and edges as well; only then do the numbers of the graph differ from the table's."""
    structure, chance = json.loads(program.circuit().to_json()), random.Random(seed)
    chance.shuffle(structure["nodes"])
    chance.shuffle(structure["wires"])
    circuit = cs.Circuit.from_json(json.dumps(structure))
    assert circuit.validate() == list(nx.topological_sort(circuit.graph))
    netlist = Netlist(circuit)
    names = [node.name for node in netlist.nodes]
    shown = len(names) - len(circuit.outputs)
    for node, wires in enumerate(netlist.outgoing):
        inside = [netlist.wires[wire] for wire in wires if netlist.wires[wire].target < shown]
        assert all(netlist.wires[wire].target >= shown for wire in wires[: len(wires) - len(inside)])
        found = [(names[source], names[target], port) for source, target, port in inside]
        assert found == (list(circuit.graph.out_edges(names[node], keys=True)) if node < shown else [])
    for node, wires in enumerate(netlist.incoming):
        assert [netlist.wires[wire][1:] for wire in wires] == [(node, port) for port in range(len(wires))]
    assert {names[netlist.wires[netlist.incoming[i][0]].source] for i in netlist.of_kind("output").values()} == set(
        circuit.outputs.values()
    )


@pytest.mark.parametrize(("source", "target", "port", "words"), [
    ("z", "add1", 0, r"node 'add1' of circuit 'two gates' has wires on ports \[0, 1, 0\], but a gate has 2 ports"),
    ("x", "add1", 2, r"node 'add1' of circuit 'two gates' has wires on ports \[0, 2, 1\], but a gate has 2 ports"),
    ("x", "z", 0, r"node 'z' of circuit 'two gates' has wires on ports \[0\], but an input has 0 ports"),
])  # fmt: skip
def test_wires_that_lead_to_no_free_port_are_refused(source, target, port, words):
    structure = json.loads(two_gates().to_json())
    structure["wires"].append([source, target, port])
    refuse(cs.CircuitError, words, lambda: cs.Circuit.from_json(json.dumps(structure)))


def test_unwired_ports_are_all_named(engine):
    circuit = cs.Circuit("open")
    circuit.output("f", circuit.gate(cs.add, None, circuit.gate(cs.neg, None)))
    refuse(
        cs.CircuitError,
        r"unwired ports: port 0 \(x\) of gate 'neg1', port 0 \(a\) of gate 'add1'",
        lambda: engine(circuit),
    )


def test_a_duplicate_name():
    circuit = two_gates()
    refuse(cs.CircuitError, r"circuit 'two gates' has an input called 'x' already", lambda: circuit.parameter("x", 1))
    refuse(cs.CircuitError, r"has an output 'f' already", lambda: circuit.output("f", circuit.input("w")))


@pytest.mark.parametrize("name", ["", 3, None])
def test_a_name_must_be_text(name):
    refuse(
        cs.CircuitError,
        "the name of an input of circuit 'circuit' is .*: give a text",
        lambda: cs.Circuit().input(name),
    )


def test_wires_of_two_circuits():
    one, two = cs.Circuit("one"), cs.Circuit("two")
    x, y = one.input("x"), two.input("y")
    refuse(cs.CircuitError, r"gate 'add1' of circuit 'one' was given wire 'y' of another circuit, 'two'", lambda: x + y)
    refuse(cs.CircuitError, r"output 'f' of circuit 'one' was given wire 'y'", lambda: one.output("f", y))


def test_a_failed_gate_leaves_no_trace():
    one, two = cs.Circuit("one"), cs.Circuit("two")
    x, y = one.input("x"), two.input("y")
    with pytest.raises(cs.CircuitError):
        x + y
    assert list(one.graph) == ["x"]


def test_no_output_and_an_empty_circuit(engine):
    refuse(cs.CircuitError, r"circuit 'void' is empty", lambda: engine(cs.Circuit("void")))
    circuit = cs.Circuit("mute")
    circuit.input("x")
    refuse(cs.CircuitError, r"circuit 'mute' has no output", lambda: engine(circuit))


def test_wrong_numbers_of_inputs():
    x = cs.Circuit().input("x")
    refuse(TypeError, r"mul takes 2 inputs, \(a, b\), but was given 1", lambda: cs.mul(x))
    refuse(TypeError, r"sigmoid takes 1 input, \(x\), but was given 2", lambda: cs.sigmoid(x, x))


def test_what_is_no_wire_and_no_number():
    circuit = cs.Circuit("c")
    x = circuit.input("x")
    refuse(cs.InputError, r"gate 'add1' \(add\) of circuit 'c' was given 'three'", lambda: x + "three")
    refuse(cs.InputError, r"parameter 'a' of circuit 'c': 'one' is not a number", lambda: circuit.parameter("a", "one"))
    refuse(cs.CircuitError, r"output 'f' was given 3: give it a wire", lambda: circuit.output("f", 3))


def test_connections_that_cannot_be():
    circuit = cs.Circuit("c")
    x = circuit.input("x")
    g = circuit.gate(cs.add, x, None)
    refuse(cs.CircuitError, r"port 0 of gate 'add1' is wired already, to 'x'", lambda: circuit.connect(x, g, port=0))
    refuse(cs.CircuitError, r"gate 'add1' has no port 2", lambda: circuit.connect(x, g, port=2))
    refuse(cs.CircuitError, r"'x' is an input: only gates have ports", lambda: circuit.connect(g, x, port=0))


def test_the_graph_is_for_reading():
    """It follows the circuit, and what would change it is refused; a copy is an ordinary graph."""
    circuit = two_gates()
    graph = circuit.graph
    before = circuit.to_json()
    changes = [
        lambda: graph.remove_node("x"),
        lambda: graph.remove_nodes_from(["x"]),
        lambda: graph.add_node("stray"),
        lambda: graph.add_nodes_from(["stray"]),
        lambda: graph.add_edge("x", "mul1", 5),
        lambda: graph.add_edges_from([("x", "mul1", 5)]),
        lambda: graph.add_weighted_edges_from([("x", "mul1", 5)]),
        lambda: graph.remove_edge("x", "add1"),
        lambda: graph.remove_edges_from([("x", "add1")]),
        lambda: graph.update(nodes=["stray"]),
        lambda: nx.add_path(graph, ["x", "stray"]),
        lambda: nx.relabel_nodes(graph, {"x": "w"}, copy=False),
        graph.clear,
        graph.clear_edges,
    ]
    for change in changes:
        refuse(cs.CircuitError, r"a circuit's graph is for reading: .* circuit.graph.copy\(\)", change)
    assert circuit.to_json() == before
    copy = graph.copy()
    copy.remove_node("x")
    assert "x" in graph
    circuit.output("g", circuit.input("late") + 1.0)
    assert "late" in graph
    assert nx.ancestors(graph, "add2") == {"late", "const1"}
    again = pickle.loads(pickle.dumps(circuit))
    again.input("later")
    assert "later" in again.graph
    assert "later" not in graph


def test_what_was_changed_past_the_circuits_methods_is_named(engine):
    circuit = two_gates()
    del circuit.graph.nodes["x"]["kind"]
    refuse(cs.CircuitError, r"node 'x' .* is no input, parameter, constant or gate", lambda: engine(circuit))
    circuit = two_gates()
    circuit.outputs["g"] = "nothing"
    refuse(cs.CircuitError, r"output 'g' of circuit 'two gates' shows 'nothing', which is no node", circuit.validate)


def test_reprs_can_be_read():
    circuit = two_gates()
    assert repr(circuit) == "<circuit 'two gates': 3 inputs, 0 parameters, 2 gates, outputs f>"
    assert repr(circuit.input("w")) == "<wire 'w' of 'two gates'>"


@pytest.mark.parametrize("shape", [3, "ab", (-1,), (1.5, 2)])
def test_a_shape_that_cannot_be_is_refused(shape):
    with pytest.raises(cs.InputError, match=r"input 'x' cannot have shape .*: give a length or None for each axis"):
        cs.Circuit().input("x", shape=shape)


@pytest.mark.parametrize("name", ["", 5, None])
def test_an_output_needs_a_name(name):
    circuit = cs.Circuit()
    with pytest.raises(cs.CircuitError, match="the name of an output of circuit 'circuit' is"):
        circuit.output(name, circuit.input("x"))


def test_what_is_no_gate_is_refused():
    circuit = cs.Circuit()
    with pytest.raises(cs.GateError, match=r"circuit 'circuit' was given 'add' for a gate: give it one, as in cs\.add"):
        circuit.gate("add", circuit.input("x"), 1.0)


def test_numpys_lengths_make_a_shape():
    assert cs.Circuit().input("x", shape=np.zeros((2, 3)).shape).name == "x"
    assert cs.Circuit().input("x", shape=[np.int64(3), None]).name == "x"


# -- scopes ----------------------------------------------------------------------------------------------------


def test_a_scope_prefixes_all_names_that_are_given_inside():
    circuit = cs.Circuit("scopes")
    x = circuit.input("x")
    with circuit.scope("a"):
        y = circuit.input("x") * x + 2.0
        w = circuit.parameter("w", 1.0)
        (v,) = circuit.parameters(v=1.0)
        with circuit.scope("b"):
            z = np.tanh(circuit.gate(cs.mul, y, w, name="product")) + v
            circuit.output("f", z)
        y = y + circuit.constant(1.0) + circuit.constant(2.0, name="two")
    circuit.output("f", y + 1.0)
    assert list(circuit.graph) == [
        "x", "a.x", "a.mul1", "a.const1", "a.add1", "a.w", "a.v", "a.b.product", "a.b.tanh1", "a.b.add1",
        "a.const2", "a.add2", "a.two", "a.add3", "const1", "add1",
    ]  # fmt: skip
    assert circuit.outputs == {"a.b.f": "a.b.add1", "f": "add1"}


def test_a_scope_can_be_opened_again_and_ends_with_an_error():
    circuit = cs.Circuit("again")
    x = circuit.input("x")
    with circuit.scope("t1"):
        x = -x
    with pytest.raises(ZeroDivisionError), circuit.scope("t2"):
        raise ZeroDivisionError
    with circuit.scope("t1"):
        x = -x
        refuse(cs.CircuitError, "has a gate called 't1.neg2' already", lambda: circuit.parameter("neg2", 1.0))
    assert (-x).name == "neg1"
    assert circuit.names("gate") == ["t1.neg1", "t1.neg2", "neg1"]


@pytest.mark.parametrize("name", [None, "", 3])
def test_the_name_of_a_scope_must_be_text(name):
    match = r"the name of a scope of circuit 'c' is .*: give a text"
    with pytest.raises(cs.CircuitError, match=match), cs.Circuit("c").scope(name):
        pass
