"""Trace files: saved and loaded without a loss, refused when foreign, joined, and read as tables."""

import json
import math
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import circuitsim as cs
from circuitsim.cli.main import app
from circuitsim.gates import Gate
from circuitsim.trace import archive
from circuitsim.trace.kinds import Layout
from tests.programs import Program, programs

AT = {"a": 1, "b": 2, "c": -3, "x": -1, "y": 3}


@pytest.fixture(scope="module")
def trace():
    return cs.Simulation(cs.parse("sigmoid(a*x + b*y + c)")).run(AT).trace


def call(*arguments):
    return CliRunner().invoke(app, arguments)


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


@settings(max_examples=30)
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
PLACES = {cs.Kind.F: 2, cs.Kind.I: 2, cs.Kind.W: 2, cs.Kind.B: 2, cs.Kind.OUTAGE: 3}
RECORDS = st.sampled_from(cs.Kind).flatmap(lambda kind: st.tuples(
    st.just(kind), st.integers(0, PLACES.get(kind, 8) - 1), st.integers(-(2**31), 2**31 - 1),
    st.floats(allow_nan=False), st.floats(allow_nan=False), NUMBERS | ARRAYS, st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 0 if kind in PLACES else 2**15 - 1),
))  # fmt: skip


@settings(max_examples=100)
@given(records=st.lists(RECORDS, max_size=12), held=NUMBERS | ARRAYS, staged=st.booleans())
def test_any_record_is_kept_bit_by_bit(records, held, staged, tmp_path_factory):
    netlist = cs.Simulation(cs.parse("sigmoid(a*x + b*y + c)")).netlist
    layout = Layout(("a", "b", "c"), (("mul1", "mul2"), ("add1", "add2", "sigmoid1")), (0, 2), 3, None, {1: 99, 2: 0.5})
    trace = cs.Trace(netlist, {netlist.of_kind("input")["x"]: held}, layout if staged else None)
    for record in records:
        if staged or record[0] not in PLACES:
            trace.record(*record)
    expected = [record for record in records if staged or record[0] not in PLACES]
    for record, (*rest, value, version, detail) in zip(trace, expected, strict=True):
        assert [*record[:5], *record[6:]] == [*rest, version, detail]
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
    with pytest.raises(cs.SaveError, match="attribute 'how' of gate 'odd1' is a object, which no trace file can hold"):
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
    assert done.stdout.split() == ["circuitsim", "trace", "2", str(len(trace)), "sigmoid", "1.0"]


@settings(max_examples=150)
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
    header = json.loads(arrays["header"].tobytes()) | changes.pop("header", {})
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with path.open("wb") as out:
        np.savez(out, **(arrays | changes))


LAYOUT = {
    "devices": ["one"], "stages": [["mul1", "mul2", "add1", "add2", "sigmoid1"]], "homes": [0], "batch": 1,
    "replicas": None, "sizes": [], "local": False,
}  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), [
    ({"header": {"format": "other"}}, "is no trace file"),
    ({"header": {"version": 3}}, "is a trace file of version 3, this circuitsim reads version 2: update circuitsim"),
    ({"header": {"version": 1}}, "is a trace file of version 1, .* reads version 2: record the trace anew"),
    ({"header": {"name": 1}}, "is damaged"),
    ({"held": np.array([1.0])}, "is damaged"),
    ({"header": {"nodes": []}}, "is damaged"),
    ({"header": {"nodes": [{"name": 1, "kind": "input"}]}}, "is damaged"),
    ({"header": {"shapes": [[-1]]}}, "is damaged"),
    ({"wires": np.zeros((9, 3), int)}, "is damaged"),
    ({"header": {"shapes": [[2**40, 2**40]]}, "shape": np.zeros(1, np.int32)}, "is damaged"),
    ({"header": {"layout": {}}}, "is damaged"),
    ({"header": {"layout": LAYOUT | {"homes": [1]}}}, "is damaged"),
    ({"header": {"layout": LAYOUT | {"stages": [["mul1"]]}}}, "is damaged"),
    ({"header": {"layout": LAYOUT | {"replicas": 2}}}, "is damaged"),
    ({"header": {"layout": LAYOUT | {"sizes": [[99, 8]]}}}, "is damaged"),
    ({"header": {"layout": LAYOUT | {"sizes": [[0, -1]]}}}, "is damaged"),
    ({"header": {"layout": LAYOUT | {"sizes": [[0, "8"]]}}}, "is damaged"),
    ({"header": {"layout": LAYOUT | {"sizes": [[0, True]]}}}, "is damaged"),
    ({"kind": np.full(30, 4, np.int8)}, "is damaged"),
    ({"kind": np.full(30, 13, np.int8)}, "is damaged"),
    ({"kind": np.full(30, 64, np.int8)}, "is damaged"),
    ({"kind": np.full(30, -1, np.int8)}, "is damaged"),
    ({"kind": np.zeros(30, int)}, "is damaged"),
    ({"detail": np.full(30, -1, np.int16)}, "is damaged"),
    ({"where": np.full(30, -1, np.int32)}, "is damaged"),
    ({"where": np.full(30, 10**6, np.int32)}, "is damaged"),
    ({"numbers": np.zeros(3)}, "is damaged"),
    ({"shape": np.full(3, -1, np.int32)}, "is damaged"),
    ({"tag": np.zeros(3, np.int32)}, "is damaged"),
    ({"tag": np.zeros((30, 1), np.int32)}, "is damaged"),
    ({"given": np.array([-1, -2, -3])}, "is damaged"),
    ({"held": np.array([99])}, "is damaged"),
])  # fmt: skip
def test_files_that_make_no_sense(trace, tmp_path, changes, words):
    path = tmp_path / "forged.trace"
    trace.save(path)
    rewrite(path, **changes)
    with pytest.raises(cs.LoadError, match=words) as caught:
        cs.Trace.load(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, OSError)


def test_foreign_files_are_refused_by_name(trace, tmp_path):
    trace.save(tmp_path / "n.trace")
    whole = (tmp_path / "n.trace").read_bytes()
    np.savez(tmp_path / "other.npz", a=1)
    (tmp_path / "notes.txt").write_text("a trace of doubt")
    (tmp_path / "empty.trace").touch()
    (tmp_path / "half.trace").write_bytes(whole[: len(whole) // 2])
    for name, words in [
        ("other.npz", "is no trace file"), ("notes.txt", "is no trace file"), ("empty.trace", "is no trace file"),
        ("half.trace", "is cut off or damaged"), ("missing.trace", "cannot read .* No such file"),
        (".", "cannot read .*Is a directory"),
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
    assert (done.exit_code, done.stderr) == (0, "")
    for name, head in [("n.json", b'{"traceEvents":['), ("n.vcd", b"$timescale"), ("n.png", b"\x89PNG")]:
        done = call("export", "n.trace", "--to", name)
        assert (done.exit_code, done.stdout, done.stderr) == (0, f"saved {name}\n", "")
        assert Path(name).read_bytes().startswith(head)


@pytest.mark.parametrize(("arguments", "words"), [
    (["missing.trace", "--to", "x.vcd"], "cannot read 'missing.trace': No such file or directory"),
    (["notes.txt", "--to", "x.vcd"], "'notes.txt' is no trace file: give one that trace.save('NAME.trace') wrote"),
    (["notes.txt", "--to", "x.doc"], "the suffix must be one of"),
])  # fmt: skip
def test_export_refuses_in_one_sentence(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("no trace")
    done = call("export", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_version_is_the_documented_one():
    assert f"``version`` ({archive.VERSION})" in archive.__doc__
    assert f'("{archive.FORMAT}")' in archive.__doc__
