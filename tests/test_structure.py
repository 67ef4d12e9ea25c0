"""Circuits as JSON and as graphs of plain data, and what tells two circuits apart."""

import copy
import io
import json
import math
import random
import re
import struct

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.circuit import plain_data, structure
from circuitsim.circuit.netlist import Netlist
from tests.forging import forge
from tests.programs import programs

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ANY_FLOAT = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack(">d", struct.pack(">Q", bits))[0])


def rows(circuit):
    return [(name, dict(node)) for name, node in circuit.graph.nodes(data=True)]


def same(one, two):
    """Compare values and attributes to the bit."""
    if type(one) is not type(two):
        return False
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (two.dtype, two.shape, two.tobytes())
    if isinstance(one, float):
        return struct.pack(">d", one) == struct.pack(">d", two)
    if isinstance(one, dict):
        return list(one) == list(two) and all(map(same, one.values(), two.values()))
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two


def mixed():
    """A circuit with every kind of node, attributes of every form, and numbers that JSON lacks."""
    circuit = cs.Circuit("mixed ∑")
    x = circuit.input("x", (None, 3))
    w = circuit.parameter("w/1", np.array([[1.5, -0.0, np.nan], [np.inf, 5e-324, -np.inf]]).T)
    b = circuit.parameter("b", -0.0)
    c = circuit.constant(np.zeros((3, 0)), "empty")
    y = cs.matmul(x, w) + b
    rows = cs.take(y, indices=np.array([0, 1], np.int16), axis=-1)
    circuit.output("f", rows[0:2, ::-1])
    circuit.output("also", rows)
    circuit.output("e", cs.sum(c, axis=(0, 1)))
    circuit.output("s", cs.stack(b, b, float("inf")))
    return circuit


def assert_same_circuit(one, two):
    assert (one.name, one.outputs) == (two.name, two.outputs)
    assert list(one.outputs) == list(two.outputs)
    assert same(rows(one), rows(two))
    assert list(one.graph.edges(keys=True)) == list(two.graph.edges(keys=True))
    assert Netlist(one).wires == Netlist(two).wires
    assert Netlist(one).fingerprint() == Netlist(two).fingerprint()


@given(programs())
def test_a_circuit_comes_back_from_json(program):
    circuit = program.circuit()
    text = circuit.to_json()
    again = cs.Circuit.from_json(text)
    assert_same_circuit(circuit, again)
    assert again.to_json() == text
    assert structure.difference(Netlist(circuit).structure(), Netlist(again).structure()) is None


def test_numbers_attributes_and_names_of_every_form_come_back():
    circuit = mixed()
    again = cs.Circuit.from_json(circuit.to_json())
    assert_same_circuit(circuit, again)
    assert json.loads(circuit.to_json(), parse_constant=pytest.fail)["name"] == "mixed ∑"
    assert again.graph.nodes["stack1"]["gate"] is circuit.graph.nodes["stack1"]["gate"]
    assert not again.graph.nodes["w/1"]["value"].flags.writeable
    values = {"x": np.arange(6.0).reshape(2, 3)}
    outputs = [cs.Compiled(each, nonfinite="ignore").forward(values) for each in (circuit, again)]
    assert same(*outputs)


SCALARS = st.none() | st.booleans() | st.integers() | st.text() | ANY_FLOAT
ARRAYS = st.tuples(
    st.sampled_from(sorted(plain_data.DTYPES)), st.lists(st.integers(0, 3), max_size=3), st.integers(0, 2**32)
).map(lambda drawn: np.frombuffer(_bytes(*drawn), drawn[0]).reshape(drawn[1]).copy())


def _bytes(dtype, shape, seed):
    count = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.random.default_rng(seed).bytes(count)
    return bytes(byte % 2 for byte in raw) if dtype == "bool" else raw


@given(st.recursive(SCALARS | ARRAYS, lambda inner: st.lists(inner, max_size=3) | st.lists(inner).map(tuple)
       | st.dictionaries(st.text() | st.integers(), inner, max_size=3), max_leaves=8))  # fmt: skip
def test_what_is_packed_comes_back_with_its_bits(thing):
    text = json.dumps(plain_data.pack(thing), allow_nan=False)
    again = plain_data.unpack(json.loads(text))
    assert same(_quiet(thing), _quiet(again))


def _quiet(thing):
    """Make nans of short floats quiet, as NumPy does when it reads them."""
    if isinstance(thing, np.ndarray) and thing.dtype.kind == "f" and thing.dtype.itemsize < 8:
        return thing.astype(np.float64).astype(thing.dtype)
    if isinstance(thing, list | tuple):
        return type(thing)(map(_quiet, thing))
    return {key: _quiet(value) for key, value in thing.items()} if isinstance(thing, dict) else thing


def test_attributes_that_no_file_can_hold_are_named():
    apply = cs.gates.Gate(lambda x, *, how: x, "apply")
    circuit = cs.Circuit("c")
    circuit.output("f", circuit.gate(apply, circuit.input("x"), how=[math.sin]))
    words = r"attribute 'how' of gate 'apply1' .* type builtin_function_or_method, which no file can hold: use numbers"
    for write in (circuit.to_json, circuit.to_networkx, Netlist(circuit).structure):
        with pytest.raises(cs.CircuitError, match=words):
            write()


def test_an_unfinished_circuit_is_not_written():
    with pytest.raises(cs.CircuitError, match="is empty"):
        cs.Circuit().to_json()


def test_gates_of_ones_own_are_found_or_told_by_name():
    @cs.gate
    def tripled(x, *, by=3.0):
        return by * x

    circuit = cs.Circuit("own")
    circuit.output("f", circuit.gate(tripled, circuit.input("x"), by=4.0))
    text = circuit.to_json()
    try:
        assert cs.Circuit.from_json(text).graph.nodes["tripled1"]["gate"] is tripled
        cs.gates.registry["tripled"] = cs.add
        with pytest.raises(cs.LoadError, match=r"gate 'tripled1' .* is not the 'tripled' .* has ports a, b, there x"):
            cs.Circuit.from_json(text)
        cs.gates.registry["tripled"] = cs.neg
        with pytest.raises(cs.LoadError, match=r"gate 'tripled1' .* is not the 'tripled' .* no attribute 'by'"):
            cs.Circuit.from_json(text)
    finally:
        del cs.gates.registry["tripled"]
    with pytest.raises(cs.LoadError, match="'tripled', which is not defined here: import the module that defines it"):
        cs.Circuit.from_json(text)


# -- forged texts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "words"), [
    (lambda s: s.update(format="other"), "does not say that its format"),
    (lambda s: s.update(version=2), "version 2, this circuitsim reads version 1"),
    (lambda s: s.update(version=True), "version True"),
    (lambda s: s.pop("wires"), "the circuit has no field 'wires'"),
    (lambda s: s.update(more=1), "the circuit has an unknown field 'more'"),
    (lambda s: s.update(name=""), "its name is ''"),
    (lambda s: s.update(nodes={}), "its nodes are no list"),
    (lambda s: s["nodes"].append(5), r"node \d+ is no input, parameter, constant or gate"),
    (lambda s: s["nodes"][0].update(kind=["input"]), "node 0 is no input"),
    (lambda s: s["nodes"][0].update(name=7), "the name of node 0 is 7"),
    (lambda s: s["nodes"][0].update(value=7), "node 0 has an unknown field 'value'"),
    (lambda s: s["nodes"][0].update(shape=[-1]), r"the shape of 'x' is \[-1\]"),
    (lambda s: s["nodes"][0].update(shape=[10**50]), r"the shape of 'x' is"),
    (lambda s: s["nodes"][1].pop("value"), "parameter 'w/1' has not one value"),
    (lambda s: s["nodes"][1].update(value="1"), "the value of 'w/1' is '1'"),
    (lambda s: s["nodes"][1].update(value=1), "the value of 'w/1' is 1"),
    (lambda s: s["nodes"][1].update(value=10**400), "the value of 'w/1' is 1000"),
    (lambda s: s["nodes"][1]["value"].update(shape=[10**12, 10**12]), "the value of 'w/1' is an array"),
    (lambda s: s["nodes"][1]["value"].update(shape=[0, -1]), "the value of 'w/1' is an array"),
    (lambda s: s["nodes"][1]["value"].update(dtype="object"), "the value of 'w/1' is an array of 'object'"),
    (lambda s: s["nodes"][1]["value"]["array"].__setitem__(0, "1"), "the value of 'w/1' is an array"),
    (lambda s: s["nodes"][1].update(value={"float": "1e400"}), "the value of 'w/1' is 1e400"),
    (lambda s: s["nodes"][1].update(value={"float": "zz" * 8}), "the value of 'w/1' is zz"),
    (lambda s: s["nodes"][-1].update(ports="x"), "the ports of gate 'stack1' are 'x'"),
    (lambda s: s["nodes"][-1].update(ports=[]), "gate 'stack1' .* is not the 'stack' .* was given no inputs"),
    (lambda s: s["nodes"][-1].update(gate="print"), "is 'print', which is not defined here"),
    (lambda s: s["nodes"][-1].update(attributes=[]), r"the attributes of gate 'stack1' are \[\]"),
    (lambda s: s["nodes"][-1].update(attributes={"name": 1}), "'stack' that is defined here: stack has no attribute"),
    (lambda s: s["nodes"][-1].update(attributes={"a": {"eval": []}}), "attribute 'a' of 'stack1' is"),
    (lambda s: s["nodes"][-1].update(attributes={"a": {"dict": [[[], 1]]}}), "attribute 'a' of 'stack1' is"),
    (lambda s: s["nodes"].append(s["nodes"][0]), "two nodes called 'x'"),
    (lambda s: s["wires"].append(["x", "add1"]), r"wire \d+ is \['x', 'add1'\], not two of its nodes and a port"),
    (lambda s: s["wires"].append(["q", "add1", 0]), r"wire \d+ is .* not two of its nodes"),
    (lambda s: s["wires"].append(["x", "add1", True]), r"wire \d+ is .* not two of its nodes"),
    (lambda s: s["wires"].append(["x", "add1", -1]), r"wire \d+ is .* not two of its nodes"),
    (lambda s: s["wires"].append(s["wires"][0]), "the same wire twice"),
    (lambda s: s["outputs"].update(f="q"), "output 'f' shows 'q', which is no node"),
    (lambda s: s["outputs"].update({"": "x"}), "output '' shows 'x'"),
])  # fmt: skip
def test_forged_structures_are_refused_in_a_sentence(change, words):
    forged = json.loads(mixed().to_json())
    change(forged)
    with pytest.raises(cs.LoadError, match=words) as caught:
        cs.Circuit.from_json(json.dumps(forged))
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [
    5, b"{}", "", "{", "[]", "null", "[" * 100_000, '{"a": 1, "a": 2}', '{"x": NaN}', "1" * 5000, "\ud800", '"\\ud800"',
])  # fmt: skip
def test_what_is_no_json_is_refused(text):
    with pytest.raises(cs.LoadError, match="the text is no circuit: "):
        cs.Circuit.from_json(text)


def test_the_wiring_of_a_forged_text_is_checked_as_that_of_any_circuit():
    text = json.loads(mixed().to_json())
    cycle = copy.deepcopy(text)
    cycle["wires"] = [[("add1" if wire[1:] == ["matmul1", 0] else wire[0]), *wire[1:]] for wire in cycle["wires"]]
    with pytest.raises(cs.CircuitError, match="has a cycle, "):
        cs.Circuit.from_json(json.dumps(cycle))
    open_port = text | {"wires": text["wires"][1:]}
    with pytest.raises(cs.CircuitError, match="has unwired ports: "):
        cs.Circuit.from_json(json.dumps(open_port))
    with pytest.raises(cs.CircuitError, match="has no output"):
        cs.Circuit.from_json(json.dumps(text | {"outputs": {}}))


def test_texts_forged_at_random_are_refused_or_read():
    whole = mixed().to_json()
    refused, told = 0, ""
    for seed in range(1500):
        chance = random.Random(seed)
        forged = json.loads(whole)
        for _ in range(chance.choice([1, 1, 2, 5])):
            forge(forged, chance)
        try:
            circuit = cs.Circuit.from_json(json.dumps(forged))
        except (cs.LoadError, cs.CircuitError, cs.ShapeError) as error:
            told = str(error)
            refused += 1
        else:
            again = cs.Circuit.from_json(circuit.to_json())
            assert_same_circuit(circuit, again)
        assert "\n" not in told
    assert 1000 < refused < 1500


# -- graphs of plain data -------------------------------------------------------------------------------------------


def test_networkx_can_write_it():
    circuit = mixed()
    plain = circuit.to_networkx()
    assert json.loads(json.dumps(nx.node_link_data(plain)))["graph"] == {"name": "mixed ∑"}
    file = io.BytesIO()
    nx.write_graphml(plain, file)
    again = nx.parse_graphml(file.getvalue().decode(), force_multigraph=True)
    assert list(again) == list(circuit.graph)
    assert {(*edge[:2], edge[2]["port"]) for edge in again.edges(data=True)} == set(circuit.graph.edges(keys=True))
    assert again.nodes["matmul1"]["gate"] == "matmul"
    assert json.loads(again.nodes["take1"]["attributes"])["indices"] == {
        "array": [0, 1], "shape": [2], "dtype": "int16",
    }  # fmt: skip
    assert again.nodes["x"] == {"kind": "input", "shape": "[null, 3]"}
    assert plain_data.unpack(json.loads(again.nodes["w/1"]["value"])).shape == (3, 2)
    assert again.nodes["take1"]["outputs"] == '["also"]'
    assert same(again.nodes["b"]["value"], -0.0)
    assert nx.read_gml(io.BytesIO("\n".join(nx.generate_gml(plain)).encode())).nodes["sum1"]["gate"] == "sum"
    assert list(plain.edges(keys=True)) == list(circuit.graph.edges(keys=True))


# -- differences ------------------------------------------------------------------------------------------------------


def told(one, two):
    return structure.difference(Netlist(one).structure(), Netlist(two).structure(), "that one")


def circuit_of(build, name="c"):
    circuit = cs.Circuit(name)
    circuit.output("f", build(circuit))
    return circuit


@pytest.mark.parametrize(("one", "two", "words"), [
    (lambda c: cs.tanh(c.input("x")), lambda c: c.input("x") * 1, "that one has no constant 'const1'"),
    (lambda c: cs.tanh(cs.tanh(c.input("x"))), lambda c: cs.tanh(c.input("x")),
     "that one has a gate 'tanh2', this one has none"),
    (lambda c: c.input("x") + c.input("y"), lambda c: c.input("x") + c.parameter("y", 1),
     "'y' is of kind input in that one, of kind parameter in this one"),
    (lambda c: c.parameter("w", np.zeros((2, 50))), lambda c: c.parameter("w", np.zeros((2, 3))),
     "that one has parameter 'w' of shape (2, 50), this one (2, 3)"),
    (lambda c: c.parameter("w", 1) * 2, lambda c: c.parameter("w", 5) * -7,
     "constant 'const1' is 2.0 in that one, -7.0 in this one"),
    (lambda c: c.input("x") * 0.0, lambda c: c.input("x") * -0.0,
     "constant 'const1' is 0.0 in that one, -0.0 in this one"),
    (lambda c: c.constant([1.0, math.nan]), lambda c: c.constant([1.0, 3.0]),
     "constant 'const1' has nan at [1] in that one, 3.0 in this one"),
    (lambda c: c.gate(cs.tanh, c.input("x"), name="g"), lambda c: c.gate(cs.relu, c.input("x"), name="g"),
     "gate 'g' is 'tanh' in that one, 'relu' in this one"),
    (lambda c: cs.stack(c.input("x"), 1), lambda c: c.gate(cs.stack, c.input("x"), c.constant(1), 1),
     "that one has no constant 'const2'"),
    (lambda c: cs.sum(c.input("x"), axis=0), lambda c: cs.sum(c.input("x"), axis=1),
     "attribute 'axis' of gate 'sum1' is 0 in that one, 1 in this one"),
    (lambda c: cs.sum(c.input("x"), axis=0), lambda c: cs.sum(c.input("x")),
     "gate 'sum1' has an attribute 'axis' in that one, not so in this one"),
    (lambda c: cs.take(c.input("x"), indices=np.arange(5000)),
     lambda c: cs.take(c.input("x"), indices=np.where(np.arange(5000) == 2345, 7, np.arange(5000))),
     "attribute 'indices' of gate 'take1' has 2345 at [2345] in that one, 7 in this one"),
    (lambda c: (lambda x, y: x - y)(c.input("x"), c.input("y")),
     lambda c: (lambda x, y: y - x)(c.input("x"), c.input("y")),
     "port 0 of 'sub1' is wired to 'x' in that one, wired to 'y' in this one"),
    (lambda c: c.input("x") + c.input("y"), lambda c: (lambda y, x: x + y)(c.input("y"), c.input("x")),
     "that one has its inputs in another order, 'x' where this one has 'y'"),
])  # fmt: skip
def test_the_first_difference_is_told(one, two, words):
    assert told(circuit_of(one), circuit_of(two)) == words
    assert told(circuit_of(two), circuit_of(one)) is not None
    assert told(circuit_of(one), circuit_of(one, "other")) is None
    assert Netlist(circuit_of(one)).fingerprint() != Netlist(circuit_of(two)).fingerprint()
    assert Netlist(circuit_of(one)).fingerprint() == Netlist(circuit_of(one)).fingerprint()


def test_differences_of_outputs_and_of_wiring_order_are_told():
    def make(first, second, **outputs):
        circuit = cs.Circuit()
        x = circuit.input("x")
        gates = {name: circuit.gate(cs.neg, None, name=name) for name in ("a", "b")}
        for name in (first, second):
            circuit.connect(x, gates[name], 0)
        for output, name in outputs.items():
            circuit.output(output, gates[name])
        return circuit

    one = make("a", "b", f="a", g="b")
    assert told(one, make("b", "a", f="a", g="b")) == (
        "the wires that leave 'x' are in another order, 'a' port 0 in that one where this one has 'b' port 0"
    )
    assert told(one, make("a", "b", f="b", g="b")) == "output 'f' shows 'a' in that one, 'b' in this one"
    assert told(one, make("a", "b", h="a", g="b")) == "that one has no output 'h'"
    assert told(one, make("a", "b", f="a")) == "that one has the outputs f, g, this one f"
    assert told(one, make("a", "b", g="b", f="a")) == "that one has the outputs f, g, this one g, f"


def test_first_values_of_parameters_do_not_count():
    one, two = (circuit_of(lambda c, w=w: c.parameter("w", w) * c.input("x")) for w in (1.0, 2.0))
    assert told(one, two) is None
    assert Netlist(one).fingerprint() == Netlist(two).fingerprint()
    assert Netlist(one).structure() == Netlist(two).structure()


@pytest.mark.parametrize("old", ['"sum"', '["x"]', '"axis"', '"shape"', '"f": "sum1"'])
def test_what_a_forged_circuit_says_is_quoted_in_short(old):
    circuit = cs.Circuit("rows")
    circuit.output("f", cs.sum(circuit.input("x", (2, 3)), axis=1))
    word = re.search(r"\w+(?=\W*$)", old)[0]
    forged = old.replace(word, "9" * 5000)
    text = circuit.to_json()
    assert old in text
    with pytest.raises(cs.CircuitSimError, match="9999") as caught:
        cs.Circuit.from_json(text.replace(old, forged))
    assert len(str(caught.value)) <= 400
