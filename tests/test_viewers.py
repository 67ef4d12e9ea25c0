"""Traces in the viewers that people have, read back by independent parsers: Perfetto and VCD."""

import json
import signal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vcdvcd import VCDVCD

import circuitsim as cs
from circuitsim.trace.kinds import Kind
from circuitsim.views import vcd
from tests.programs import Program, programs

if hasattr(signal, "SIGPIPE"):  # vcdvcd lets broken pipes end the process: all tests of it
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)

AT = {"a": 1, "b": 2, "c": -3, "x": -1, "y": 3}


@pytest.fixture(scope="module")
def trace():
    return cs.Simulation(cs.parse("sigmoid(a*x + b*y + c)")).run(AT).trace


# -- Perfetto --------------------------------------------------------------------------------------------------

# The phases that the Trace Event Format documents, with the fields that each must have.
FIELDS = {
    "M": {"name", "pid", "tid", "args"},
    "X": {"name", "cat", "pid", "tid", "ts", "dur", "args"},
    "s": {"name", "cat", "pid", "tid", "ts", "id", "bp"},
    "t": {"name", "cat", "pid", "tid", "ts", "id", "bp"},
    "f": {"name", "cat", "pid", "tid", "ts", "id", "bp"},
    "C": {"name", "cat", "pid", "tid", "ts", "args"},
}


def perfetto(trace, path):
    trace.to_perfetto(path)
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)


@settings(max_examples=25)
@given(program=programs(most_steps=12), seed=st.integers(0, 100))
def test_perfetto_events_have_the_documented_fields(program: Program, seed, tmp_path_factory):
    random = np.random.default_rng(seed)
    simulation = cs.Simulation(
        program.circuit(), nonfinite="ignore",
        gate_delay=lambda name: float(random.choice([0.0, 0.5, 2.0])),
        wire_latency=lambda source, target: float(random.choice([0.0, 1.0, 3.3])),
    )  # fmt: skip
    trace = simulation.run(program.inputs, gradient=program.pulls).trace
    whole = perfetto(trace, tmp_path_factory.getbasetemp() / "program.json")
    assert whole["displayTimeUnit"] in ("ms", "ns")
    events = whole["traceEvents"]
    tracks, slices, flows = {}, {}, {}
    for event in events:
        assert event.keys() == FIELDS[event["ph"]] | {"ph"}
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        if event["ph"] != "M":
            assert event["ts"] >= 0
        if event["ph"] == "X":
            assert event["dur"] >= 0
            slices.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
        elif event["ph"] == "C":
            assert all(isinstance(value, float) for value in event["args"].values())
        elif event["ph"] == "M":
            if event["name"] == "thread_name":
                tracks[event["pid"], event["tid"]] = event["args"]["name"]
        else:
            flows.setdefault(event["id"], []).append(event)
    assert slices.keys() <= tracks.keys()
    for spans in slices.values():
        spans.sort()
        for (_, end), (start, _) in pairwise(spans):
            assert start >= end - 1e-6  # slices of a track do not overlap
    messages = [record for record in trace if record.kind in (Kind.VALUE, Kind.GRADIENT)]
    assert len(flows) == len(messages)
    for steps in flows.values():
        assert [step["ph"] for step in steps] == ["s", "t", "f"]  # the file is in order of time
        for step in steps:  # each lies in a slice that it can bind to
            spans = slices[step["pid"], step["tid"]]
            assert any(start - 1e-6 <= step["ts"] <= end + 1e-6 for start, end in spans), step


def test_perfetto_shows_what_the_trace_says(trace, tmp_path):
    events = perfetto(trace, tmp_path / "n.json")["traceEvents"]
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert {"mul1", "sigmoid1", "input x", "output f", "x → mul1.b", "add2 → sigmoid1.x"} <= set(names.values())
    firings = [e for e in events if e["ph"] == "X" and names[e["pid"], e["tid"]] == "sigmoid1"]
    assert [(e["name"], e["ts"], e["dur"], e["args"]["value"]) for e in firings] == [
        ("forward", 7000.0, 1000.0, trace.values()[trace.node("sigmoid1")]), ("backward", 10000.0, 1000.0, 1.0),
    ]  # fmt: skip
    counted = {e["name"]: e["args"]["is"] for e in events if e["ph"] == "C"}
    assert counted["sigmoid1 value"] == trace.values()[trace.node("sigmoid1")]
    assert counted["x gradient"] == trace.gradients()[trace.node("x")]


# -- VCD -------------------------------------------------------------------------------------------------------


def heard(trace):
    """Return what arrived on each wire: [(time, value)] by (wire, kind)."""
    found = {}
    for record in trace:
        if record.kind in (Kind.VALUE, Kind.GRADIENT):
            found.setdefault((record.where, record.kind), []).append((record.end, record.value))
    return found


@settings(max_examples=25)
@given(program=programs(most_steps=10))
def test_vcd_reads_back_with_the_same_values(program: Program, tmp_path_factory):
    trace = cs.Simulation(program.circuit(), nonfinite="ignore", wire_latency=0.25).run(program.inputs).trace
    path = tmp_path_factory.getbasetemp() / "program.vcd"
    trace.to_vcd(path)
    dump = VCDVCD(str(path))
    assert float(dump.timescale["timescale"]) == pytest.approx(1e-8)  # hundredths of a tick, which is 1 us
    names = vcd._wire_names(trace)
    assert len(set(names)) == len(names)
    for (wire, kind), events in heard(trace).items():
        noun = "value" if kind is Kind.VALUE else "gradient"
        for time, value in events:
            numbers = np.ravel(value)
            for element, number in enumerate(numbers):
                index = f"[{element}]" if np.shape(value) else ""
                read = dump[f"random.{names[wire]}.{noun}{index}"][round(time * 100)]
                assert float(read) == number or (np.isnan(number) and read == "nan")


def test_vcd_begins_with_nothing_known_and_ends_with_the_run(trace, tmp_path):
    trace.to_vcd(tmp_path / "n.vcd")
    dump = VCDVCD(str(tmp_path / "n.vcd"))
    signal = dump["sigmoid_a_x___b_y___c_.a_to_mul1_a.value"]
    assert signal.tv == [(0, "nan"), (1, "1.0")]
    assert dump.endtime == trace.span[1]


def test_vcd_leaves_large_arrays_out_and_says_so(tmp_path):
    trace = cs.Simulation(cs.parse("x * y + z")).run(x=np.ones(65), y=2, z=1).trace
    trace.to_vcd(tmp_path / "large.vcd")
    text = (tmp_path / "large.vcd").read_text()
    assert "left out, more than 64 elements: x_to_mul1_a, mul1_to_add1_a, add1_to_f" in " ".join(text.split())
    assert set(VCDVCD(str(tmp_path / "large.vcd")).signals) == {
        "x___y___z.y_to_mul1_b.value", "x___y___z.y_to_mul1_b.gradient",
        "x___y___z.z_to_add1_b.value", "x___y___z.z_to_add1_b.gradient",
    }  # fmt: skip


def test_names_that_no_dump_can_hold(tmp_path):
    circuit = cs.Circuit("a b\n$end \ud800")
    x, y = circuit.input("ü $end"), circuit.input("é $end")
    circuit.output("→", circuit.gate(cs.mul, x, y, name="×"))
    trace = cs.Simulation(circuit).run({"ü $end": 2, "é $end": 3}).trace
    trace.to_vcd(tmp_path / "odd.vcd")
    dump = VCDVCD(str(tmp_path / "odd.vcd"))
    assert sorted(float(dump[s].tv[-1][1]) for s in dump.signals if s.endswith("value")) == [2.0, 3.0, 6.0]
    trace.to_perfetto(tmp_path / "odd.json")
    trace.export(tmp_path / "odd.html")
    trace.save(tmp_path / "odd.trace")
    assert cs.Trace.load(tmp_path / "odd.trace").netlist.name == circuit.name
