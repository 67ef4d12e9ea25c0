"""Trace files: saved and loaded without a loss, refused when foreign, joined, and read as tables."""

import json
import math
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.gates import Gate
from circuitsim.trace import archive
from circuitsim.trace.explanation import explain
from circuitsim.trace.kinds import Layout
from tests.command_line import call
from tests.effort import tried
from tests.forging import entries_of, npy, unpack
from tests.programs import Program, programs

AT = {"a": 1, "b": 2, "c": -3, "x": -1, "y": 3}


@pytest.fixture(scope="module")
def trace():
    return cs.Simulation(cs.parse("sigmoid(a*x + b*y + c)")).run(AT).trace


def same(one, two):
    """Tell whether two values are the same, bit for bit."""
    return (
        type(one) is type(two)
        and np.shape(one) == np.shape(two)
        and np.asarray(one).tobytes() == np.asarray(two).tobytes()
    )


def assert_equal(one, two):
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        assert a._replace(value=0.0) == b._replace(value=0.0)
        assert same(a.value, b.value)
    assert one.layout == two.layout
    assert one.held.keys() == two.held.keys()
    assert all(same(one.held[node], two.held[node]) for node in one.held)
    assert (one.netlist.name, one.netlist.wires) == (two.netlist.name, two.netlist.wires)
    assert (one.netlist.incoming, one.netlist.outgoing) == (two.netlist.incoming, two.netlist.outgoing)
    for a, b in zip(one.netlist.nodes, two.netlist.nodes, strict=True):
        assert a[:-1] == b[:-1]
        assert same(a.value, b.value)


@settings(max_examples=tried(30))
@given(program=programs(most_steps=10))
def test_what_is_loaded_is_what_was_saved(program: Program, tmp_path_factory):
    simulation = cs.Simulation(program.circuit(), nonfinite="ignore")
    simulation.run(program.inputs)
    trace = simulation.run(program.inputs, gradient=program.pulls).trace  # the second run holds the parameters
    path = tmp_path_factory.mktemp("traces") / "program.trace"
    trace.save(path)
    assert_equal(cs.Trace.load(path), trace)


NUMBERS = st.floats(allow_nan=False) | st.integers(0, 2**52 - 1).map(
    lambda payload: struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000000 | payload))[0]  # infinity and all nans
)
SHAPES = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple)
ARRAYS = SHAPES.flatmap(lambda shape: st.lists(NUMBERS, min_size=math.prod(shape), max_size=math.prod(shape)).map(
    lambda numbers: np.array(numbers, float).reshape(shape)
))  # fmt: skip
SIZES = st.floats(0, 1e300)
TIMES = st.tuples(st.floats(0, 1e300), st.floats(0, 1e300)).map(sorted)
K = cs.Kind
WIRES = dict.fromkeys((K.VALUE, K.GRADIENT), range(9))
OF_PARAMETERS = dict.fromkeys((K.CHANGE, K.READ), (0, 2, 4))  # wires
GATES = dict.fromkeys((K.FORWARD, K.BACKWARD), (5, 6, 7, 8, 9))
STAGES = dict.fromkeys((K.F, K.I, K.W, K.B), (0, 1))
PLACES = WIRES | OF_PARAMETERS | GATES | STAGES | {K.UPDATE: (0, 2, 4), K.OUTAGE: (0, 1, 2)}
STAGED = {*OF_PARAMETERS, *STAGES, K.OUTAGE}
RECORDS = st.sampled_from(sorted(PLACES)).flatmap(lambda kind: st.tuples(
    st.just(kind), st.sampled_from(PLACES[kind]), st.integers(0, 2**31 - 1), TIMES,
    SIZES if kind in STAGES or kind is K.OUTAGE else NUMBERS if kind is K.GRADIENT else NUMBERS | ARRAYS,
    st.integers(0, 2**31 - 1),
    st.sampled_from(sorted(STAGES)) if kind is K.READ else st.integers(0, 2) if kind in {*WIRES, *OF_PARAMETERS}
    else st.just(0) if kind in STAGES else st.integers(0, 2**15 - 1),
))  # fmt: skip


@settings(max_examples=tried(100))
@given(records=st.lists(RECORDS, max_size=12), held=NUMBERS | ARRAYS, staged=st.booleans())
def test_any_record_is_kept_bit_by_bit(records, held, staged, tmp_path_factory):
    circuit = cs.Circuit("neuron")
    inputs = {name: circuit.parameter(name, 1.0) if name in "abc" else circuit.input(name) for name in "axbyc"}
    circuit.output("f", cs.sigmoid(inputs["a"] * inputs["x"] + inputs["b"] * inputs["y"] + inputs["c"]))
    netlist = cs.Simulation(circuit).netlist
    layout = Layout(("a", "b", "c"), (("mul1", "mul2"), ("add1", "add2", "sigmoid1")), (0, 2), 3, None, {1: 99, 2: 0.5})
    trace = cs.Trace(netlist, {netlist.of_kind("parameter")["a"]: held}, layout if staged else None)
    expected = [record for record in records if staged or record[0] not in STAGED]
    for kind, where, tag, (start, end), value, version, detail in expected:
        if kind in WIRES and staged and tag % 2:
            trace.record(K.WAITED, where, tag, start, start, 0.0)
        trace.record(kind, where, tag, start, end, value, version, detail)
    told = (record for record in trace if record.kind is not K.WAITED)
    for record, (kind, where, tag, times, value, version, detail) in zip(told, expected, strict=True):
        assert record._replace(value=0.0) == (kind, where, tag, *times, 0.0, version, detail)
        assert same(record.value, value)
    path = tmp_path_factory.getbasetemp() / "any.trace"
    trace.save(path)
    assert_equal(cs.Trace.load(path), trace)


def test_attributes_of_gates_are_kept(tmp_path):
    @cs.gate
    def odd(x, *, axes=(), index=None, weights=None, scale=1.0, names=None):
        return x

    odd.vjp(0)(lambda gradient, output, x, **attributes: gradient)
    given = {
        "axes": (0, (1, [2, None])), "index": slice(None, 3, True), "weights": np.array([[1.0, math.inf]]),
        "scale": -math.inf, "names": {"a": 1, 2: "two"},
    }  # fmt: skip
    circuit = cs.Circuit("odd")
    circuit.output("f", circuit.gate(odd, circuit.input("x"), **given))
    trace = cs.Simulation(circuit).run(x=1.0).trace
    trace.save(tmp_path / "odd.trace")
    found = cs.Trace.load(tmp_path / "odd.trace").netlist.nodes[1].attributes
    assert found.pop("weights").tolist() == given.pop("weights").tolist()
    assert found == given
    assert isinstance(found["axes"], tuple)


def test_an_attribute_that_no_file_can_hold_is_named(tmp_path):
    @cs.gate
    def odd(x, *, how):
        return x

    odd.vjp(0)(lambda gradient, output, x, how: gradient)
    circuit = cs.Circuit()
    circuit.output("f", circuit.gate(odd, circuit.input("x"), how=object()))
    trace = cs.Simulation(circuit).run(x=1.0).trace
    with pytest.raises(
        cs.SaveError, match="attribute 'how' of gate 'odd1' is or holds a thing of type object, which no file"
    ):
        trace.save(tmp_path / "odd.trace")
    assert not list(tmp_path.iterdir())


def test_a_gate_that_is_not_defined_here_is_shown_but_computes_nothing(tmp_path):
    @cs.gate(symbol="2·")
    def double(x):
        return 2 * x

    double.vjp(0)(lambda gradient, output, x: 2 * gradient)
    trace = cs.Simulation(cs.parse("double(x) * y")).run(x=3, y=5).trace
    trace.save(tmp_path / "double.trace")
    del cs.gates.registry["double"]
    loaded = cs.Trace.load(tmp_path / "double.trace")
    gate = loaded.netlist.nodes[loaded.node("double1")].gate
    assert isinstance(gate, Gate)
    assert (gate.name, gate.symbol, gate.ports) == ("double", "2·", ("x",))
    assert list(loaded) == list(trace)
    loaded.export(tmp_path / "double.svg")
    with pytest.raises(cs.GateError, match="gate 'double' is not defined here: import what defines it"):
        gate(1.0)


def test_the_file_is_small_and_the_same_twice(trace, tmp_path):
    trace.save(tmp_path / "one.trace")
    trace.save(tmp_path / "two.trace")
    assert (tmp_path / "one.trace").read_bytes() == (tmp_path / "two.trace").read_bytes()
    simulation = cs.Simulation(cs.parse("sigmoid(a*x + b*y + c)"))
    big = cs.Trace(simulation.netlist, {})
    for _ in range(500):
        for record in trace:
            big.record(*record)
    big.save(tmp_path / "big.trace")
    assert (tmp_path / "big.trace").stat().st_size < 4 * len(big)  # a record in memory is some forty bytes


def test_the_file_opens_without_circuitsim(trace, tmp_path):
    """As the documentation of the format says, NumPy and JSON are enough."""
    trace.save(tmp_path / "n.trace")
    script = (
        "import json, sys, numpy as np; file = np.load(sys.argv[1]); header = json.loads(file['header'].tobytes());"
        "assert 'circuitsim' not in sys.modules; print(header['format'], header['version'], len(file['kind']),"
        "header['nodes'][-2]['gate'], file['value'][0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "n.trace")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["circuitsim", "trace", "3", str(len(trace)), "sigmoid", "1.0"]


@settings(max_examples=tried(150))
@given(data=st.data())
def test_a_damaged_file_is_refused_or_does_no_harm(trace, data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "damaged.trace"
    trace.save(path)
    whole = path.read_bytes()
    broken = bytearray(whole)
    if data.draw(st.booleans(), label="cut off"):
        del broken[data.draw(st.integers(0, len(whole) - 1), label="at") :]
    else:
        broken[data.draw(st.integers(0, len(whole) - 1), label="at")] ^= data.draw(st.integers(1, 255), label="flip")
    path.write_bytes(broken)
    try:
        loaded = cs.Trace.load(path)
    except cs.LoadError as error:
        loaded, words = None, str(error)
    if loaded is None:
        assert str(path) in words
    else:  # some bytes say nothing, the time stamps of a ZIP for one
        assert_equal(loaded, trace)


def rewrite(path, **changes):
    """Change arrays of a trace file, as somebody might who means no good."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(arrays["header"].tobytes())
    for key, change in changes.pop("header", {}).items():
        header[key] = change(header[key]) if callable(change) else change
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    for name, change in changes.items():
        arrays[name] = change(arrays[name]) if callable(change) else change
    with path.open("wb") as out:
        np.savez(out, **{name: array for name, array in arrays.items() if array is not None})


def put(value, place=0, key=None):
    """Return a change that puts something in one place."""

    def change(thing):
        made = thing.copy()
        made[place] = value if key is None else made[place] | {key: value}
        return made

    return change


def counts(**given):
    return {"header": {"counts": lambda counts: counts | given}}


LAYOUT = {
    "devices": ["one"], "stages": [["mul1", "mul2", "add1", "add2", "sigmoid1"]], "homes": [0], "batch": 1,
    "replicas": None, "sizes": [], "local": False, "values": True,
}  # fmt: skip


def laid(**given):
    return {"header": {"layout": LAYOUT | given}}


@pytest.mark.parametrize(("changes", "words"), [
    ({"header": {"format": "other"}}, "it is no trace file"),
    ({"header": {"version": 4}}, "is a trace file of version 4, this circuitsim reads version 3: update circuitsim"),
    ({"header": {"version": 2}}, "is a trace file of version 2, .* reads version 3: record the trace anew"),
    ({"header": {"version": True}}, "is a trace file of version unknown, .* reads version 3: record the trace anew"),
    ({"header": {"version": [3] * 999}}, "is a trace file of version unknown"),
    ({"header": {"name": 1}}, "what is in it is not a trace"),
    ({"held": np.array([1.0])}, "entry 'held' is float64 of shape"),
    ({"header": {"nodes": []}}, "is damaged"),
    ({"header": {"nodes": None}}, "is damaged"),
    ({"header": {"nodes": put(1, key="name")}}, "node 0 has no name"),
    ({"header": {"nodes": put("", key="name")}}, "node 0 has no name"),
    ({"header": {"nodes": put("x", key="name")}}, "node 1 has the name of another"),
    ({"header": {"nodes": put("other", key="kind")}}, "node 0 is of no kind that there is"),
    ({"header": {"nodes": put("parameter", key="kind")}}, "is damaged"),
    ({"header": {"nodes": put({"x": {"float": 1}}, -2, "attributes")}}, "what is in it is not a trace"),
    ({"header": {"nodes": put([1], -2, "ports")}}, "what is in it is not a trace"),
    ({"header": {"nodes": put(["no name"], -2, "ports")}}, "what is in it is not a trace"),
    ({"header": {"nodes": put(None, -2, "symbol")}}, "what is in it is not a trace"),
    ({"header": {"shapes": [[-1]]}}, "what is in it is not a trace"),
    ({"header": {"shapes": [[2**40, 2**40]]}, "shape": np.zeros(1, np.int32)} | {}, "is damaged"),
    (counts(records=10**12), "entry 'kind' is int8 of shape"),
    (counts(records=-1), "what is in it is not a trace"),
    (counts(wires=8), "entry 'wires'"),
    ({"wires": np.zeros((10, 3), int)}, "what is in it is not a trace"),
    ({"wires": put([10, 10, 0], -1)}, "what is in it is not a trace"),
    ({"header": {"layout": {}}}, "what is in it is not a trace"),
    (laid(homes=[1]), "a stage is on no device"),
    (laid(homes=[0, 0]), "a stage is on no device"),
    (laid(stages=[["mul1"]]), "its stages are not the gates"),
    (laid(stages=[LAYOUT["stages"][0], []]), "its stages are not the gates"),
    (laid(replicas=2), "its replicas have not the same devices"),
    (laid(replicas=0), "are no count"),
    (laid(batch=1.5), "are no count"),
    (laid(devices=[1]), "a device has no name"),
    (laid(local=0), "says neither yes nor no"),
    (laid(sizes=[[99, 8]]), "the size of messages on no wire"),
    (laid(sizes=[[0, -1]]), "messages on wire 0 have no size"),
    (laid(sizes=[[0, "8"]]), "messages on wire 0 have no size"),
    (laid(sizes=[[0, True]]), "messages on wire 0 have no size"),
    ({"kind": put(4)}, "a record of kind F has no place in such a run"),
    ({"kind": put(8)}, "a record of kind UPDATE has no place in such a run"),
    ({"kind": put(9)}, "a record of kind WAITED has no place in such a run"),
    (laid() | {"kind": put(9, -1)}, "what waited is no message"),
    (laid() | {"kind": put(10), "value": put(math.nan)}, "a record says no number of bytes"),
    ({"kind": put(13)}, "a record is of no kind"),
    ({"kind": put(64)}, "a record has not its own array"),
    ({"kind": put(-1)}, "a record is of no kind"),
    ({"kind": np.zeros(30, int)}, "entry 'kind' is int64"),
    ({"kind": None}, "it has no entry 'kind'"),
    ({"detail": put(-1)}, "a detail is below 0"),
    ({"detail": put(3)}, "a message met with no fate"),
    ({"detail": put(8)}, "a message met with no fate"),
    ({"tag": put(-1)}, "an example, a version or a detail is below 0"),
    ({"where": put(-1)}, "a record of kind VALUE happened nowhere"),
    ({"where": put(10**6)}, "a record of kind VALUE happened nowhere"),
    ({"start": put(math.nan)}, "a record begins before tick 0, ends before it begins, or never"),
    ({"end": put(math.inf)}, "a record begins before tick 0, ends before it begins, or never"),
    ({"end": put(-5.0)}, "a record begins before tick 0, ends before it begins, or never"),
    ({"numbers": np.zeros(3)}, "entry 'numbers'"),
    ({"shape": np.full(3, -1, np.int32)}, "entry 'shape'"),
    ({"tag": np.zeros(3, np.int32)}, "entry 'tag'"),
    ({"tag": np.zeros((30, 1), np.int32)}, "entry 'tag'"),
    (counts(held=1) | {"held": np.array([-1])}, "what is in it is not a trace"),
    (counts(held=1) | {"held": np.array([99])}, "what is in it is not a trace"),
])  # fmt: skip
def test_files_that_make_no_sense(trace, tmp_path, changes, words):
    path = tmp_path / "forged.trace"
    trace.save(path)
    rewrite(path, **changes)
    with pytest.raises(cs.LoadError, match=words) as caught:
        cs.Trace.load(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 400
    assert isinstance(caught.value, OSError)


def test_gradients_that_meet_have_one_shape(tmp_path):
    circuit = cs.parse("x * y + x")
    trace = cs.Simulation(circuit).run(x=[1.0, 2.0, 3.0, 4.0], y=2.0).trace
    path = tmp_path / "forged.trace"
    trace.save(path)
    cs.Trace.load(path)
    places = [place for place, record in enumerate(r for r in trace if np.ndim(r.value))
              if record.kind is cs.Kind.GRADIENT and record.where == trace.netlist.outgoing[0][0]]  # fmt: skip
    rewrite(path, header={"shapes": lambda shapes: [*shapes, [2, 2]]}, shape=put(1, places[0]))
    with pytest.raises(cs.LoadError, match="gradients that meet have different shapes"):
        cs.Trace.load(path)


def test_what_a_trace_lacks_or_its_gates_cannot_take_is_told(trace, tmp_path):
    """A value that never came, and an attribute that the gate does not understand."""
    path = tmp_path / "forged.trace"
    trace.save(path)
    first = trace.numbers(cs.Kind.FORWARD)[0]
    rewrite(path, kind=put(int(cs.Kind.BACKWARD), first))
    name = trace.netlist.nodes[trace[first].where].name
    with pytest.raises(cs.TraceError, match=f"the trace does not hold the value of '{name}'"):
        explain(cs.Trace.load(path), name)
    circuit = cs.Circuit("sums")
    circuit.output("f", cs.sum(cs.tanh(circuit.input("x")), axis=0))
    for simulation, words in [
        (cs.Simulation(circuit), None),
        (cs.Simulation(circuit, cs.Plan(1), trace="all"), "cannot be computed"),
    ]:
        run = simulation.stream([{"x": [1.0, 2.0]}]) if words else simulation.run(x=[1.0, 2.0])
        run.trace.save(path)
        place = next(number for number, node in enumerate(run.trace.netlist.nodes) if node.name == "sum1")
        rewrite(path, header={"nodes": put({"axis": "x"}, place, "attributes")})
        loaded = cs.Trace.load(path)
        if words is None:
            loaded.export(tmp_path / "a.html")
        else:
            with pytest.raises(cs.TraceError, match=words):
                loaded.expanded.export(tmp_path / "a.html")


@pytest.mark.parametrize(("suffix", "words"), [(".json", "is too large for it"), (".vcd", "too many picoseconds")])
def test_times_that_a_form_cannot_tell_are_refused(trace, tmp_path, suffix, words):
    late = cs.Trace(trace.netlist, {})
    for number, record in enumerate(trace):
        late.record(*record._replace(start=0.0, end=1e306 if number else 1 / 3))
    with pytest.raises(cs.SaveError, match=words):
        late.export(tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


def test_no_more_is_unpacked_than_is_due(trace, tmp_path):
    """A gigabyte of zeros, packed into a megabyte: where 30 numbers are due, and where the header says they are."""
    path = tmp_path / "bomb.trace"
    trace.save(path)
    entries = entries_of(path)
    header = json.loads(unpack(entries["header.npy"]).tobytes())
    header["counts"]["records"] = 2**30
    big = entries | {"header.npy": npy(np.frombuffer(json.dumps(header).encode(), np.uint8))}
    zeros = npy(np.zeros(0, np.int8)).replace(b"(0,)", b"(%d,)" % 2**30).replace(b"    \n", b"\n", 1)
    for whole, size, words in [
        (entries, 2**24, "where 30 are due"), (big, 2**30, "would be 1,.* bytes when unpacked, .* its own length"),
    ]:  # fmt: skip
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in whole.items():
                if name == "kind.npy":
                    with archive.open(name, "w", force_zip64=True) as member:
                        member.write(zeros)
                        for _ in range(size // 2**20):
                            member.write(bytes(2**20))
                else:
                    archive.writestr(name, content)
        tracemalloc.start()
        with pytest.raises(cs.LoadError, match=words):
            cs.Trace.load(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**20


def test_foreign_files_are_refused_by_name(trace, tmp_path):
    trace.save(tmp_path / "n.trace")
    whole = (tmp_path / "n.trace").read_bytes()
    np.savez(tmp_path / "other.npz", a=1)
    (tmp_path / "notes.txt").write_text("a trace of doubt")
    (tmp_path / "empty.trace").touch()
    (tmp_path / "half.trace").write_bytes(whole[: len(whole) // 2])
    for name, words in [
        ("other.npz", "it is no trace file; give a file that"), ("notes.txt", "is no archive of arrays"),
        ("empty.trace", "is no archive of arrays"), ("half.trace", "is cut off or damaged"),
        ("missing.trace", "it cannot be read: No such file"), (".", "it is no file"),
    ]:  # fmt: skip
        with pytest.raises(cs.LoadError, match=words) as caught:
            cs.Trace.load(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
    with pytest.raises(cs.SaveError, match=r"the suffix must be one of \.trace"):
        trace.save(tmp_path / "n.npz")


def test_traces_are_joined_end_to_end(tmp_path):
    simulation = cs.Simulation(cs.parse("x * y"))
    one, two = (simulation.run(x=number, y=3).trace for number in range(2))
    joined = cs.Trace.join([one, two])
    assert joined.span == (0.0, (one.span[1] - one.span[0]) + (two.span[1] - two.span[0]))
    assert [r.value for r in joined] == [r.value for r in (*one, *two)]
    assert [r.end - r.start for r in joined] == [r.end - r.start for r in (*one, *two)]
    assert joined.gradients(0) == one.gradients()
    assert joined.values() == two.values()
    joined.save(tmp_path / "joined.trace")
    assert_equal(cs.Trace.load(tmp_path / "joined.trace"), joined)
    for wrong in ([], [one, cs.Simulation(cs.parse("x * y")).run(x=1, y=2).trace]):
        with pytest.raises(cs.TraceError, match="traces of the same simulation can be joined"):
            cs.Trace.join(wrong)


def test_records_make_a_table(trace):
    rows = trace.to_records()
    assert len(rows) == len(trace)
    assert len({tuple(row) for row in rows}) == 1  # every row has the same keys in the same order
    felt = {row["source"]: row["value"] for row in rows if row["kind"] == "gradient"}
    assert felt["x"] == pytest.approx(0.104994, abs=1e-6)
    fired = [row["gate"] for row in rows if row["kind"] == "forward"]
    assert sorted(fired) == ["add1", "add2", "mul1", "mul2", "sigmoid1"]
    assert {row["port"] for row in rows if row["target"] == "mul1"} == {0, 1}


# -- the command line ------------------------------------------------------------------------------------------


def test_a_trace_goes_from_the_command_line_to_other_viewers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("flow", "x * y", "x=2", "y=3", "--save", "n.trace")
    assert (done.returncode, done.stderr) == (0, "")
    for name, head in [("n.json", b'{"traceEvents":['), ("n.vcd", b"$timescale"), ("n.png", b"\x89PNG")]:
        done = call("export", "n.trace", "--to", name)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"saved {name}\n", "")
        assert Path(name).read_bytes().startswith(head)


@pytest.mark.parametrize(("arguments", "words"), [
    (["missing.trace", "--to", "x.vcd"], "cannot load 'missing.trace': it cannot be read: No such file or directory"),
    (["notes.txt", "--to", "x.vcd"], "it is no archive of arrays; give a file that trace.save('NAME.trace') wrote"),
    (["notes.txt", "--to", "x.doc"], "the suffix must be one of"),
])  # fmt: skip
def test_export_refuses_in_one_sentence(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("no trace")
    done = call("export", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_version_is_the_documented_one():
    assert f"``version`` ({archive.VERSION})" in archive.__doc__
    assert f'("{archive.FORMAT}")' in archive.__doc__
