"""The packed records of a trace: small, quick to ask, and never in the way of more records."""

import tracemalloc

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.trace.kinds import ARRAY, COLUMNS, Kind

MANY = 200_000


@pytest.fixture
def trace():
    return cs.Simulation(cs.parse("sigmoid(a*x + b)")).run(a=1, b=2, x=3).trace


@pytest.mark.parametrize("tag", [2, -1, 0.5, "0", [0]])
def test_an_example_that_there_is_not_is_refused(tag):
    run = cs.Simulation(cs.parse("2 * x")).stream([{"x": 1.0}, {"x": 2.0}])
    assert run.value("x", np.int64(0)) == 1.0
    for ask in (run.value, run.gradient, run.explain, run.paths):
        with pytest.raises(cs.TraceError, match=r"there is no example .*: they are numbered from 0 to 1"):
            ask("x", tag)
    with pytest.raises(cs.TraceError, match=r"has nothing called"):
        run.value(["x"])


def test_a_record_takes_little_memory_and_so_does_saving(trace, tmp_path):
    random = np.random.default_rng(0).uniform(size=(MANY, 2))
    tracemalloc.start()
    try:
        many = cs.Trace(trace.netlist, {})
        for number, (time, value) in enumerate(random):
            many.record(number & 3, 0, number // 8, number + time, number + 2.0, float(value))
        assert tracemalloc.get_traced_memory()[1] < 40 * MANY  # at no time more, while it grew
        assert many.span[1] == MANY + 1.0
        del time, value, number
        kept = tracemalloc.get_traced_memory()[0]
        assert kept < 40 * MANY
        tracemalloc.reset_peak()
        many.save(tmp_path / "many.trace")
        assert tracemalloc.get_traced_memory()[1] < 100 * MANY
    finally:
        tracemalloc.stop()
    assert (tmp_path / "many.trace").stat().st_size < 40 * MANY


def test_looking_at_a_trace_does_not_keep_it_from_growing(trace):
    looking = iter(trace)
    first, columns, kinds = next(looking), trace.columns, trace.column("kind")
    length, before = len(trace), trace.values()
    trace.record(Kind.FORWARD, trace.node("mul1"), 1, 50.0, 51.0, np.array([1.0, 2.0]), 3, 4)
    assert len(trace) == length + 1
    assert (len(columns), len(kinds), first) == (length, length, trace[0])
    assert columns.dtype == COLUMNS
    assert COLUMNS.itemsize == 39
    assert trace[-1]._replace(value=0.0) == (Kind.FORWARD, trace.node("mul1"), 1, 50.0, 51.0, 0.0, 3, 4)
    assert trace.column("kind")[-1] == Kind.FORWARD | ARRAY
    assert trace.values()[trace.node("mul1")].tolist() == [1.0, 2.0]  # asked anew, of the example that is now the last
    assert trace.values(0) == before
    assert trace.span[1] == 51.0
    with pytest.raises(IndexError, match=f"a trace of {length + 1} records has no record {length + 1}"):
        trace[length + 1]


def test_what_is_handed_out_is_a_copy(trace):
    trace.values().clear()
    trace.gradients().clear()
    assert trace.values()
    assert trace.gradients()


def test_records_are_found_by_kind_and_example(trace):
    for tag in (2, -1, 2):
        trace.record(Kind.UPDATE, 0, tag, float(tag), 0.0, 1.0)
    assert [record.tag for record in trace.find(Kind.UPDATE)] == [2, -1, 2]
    assert trace.numbers(Kind.UPDATE, 2) == [len(trace) - 3, len(trace) - 1]
    assert trace.numbers(Kind.OUTAGE) == trace.numbers(Kind.VALUE, 9) == []
    assert len(list(trace.find(Kind.FORWARD, 0))) == 3


def test_whole_numbers_and_numpys_are_numbers(trace):
    trace.record(Kind.FORWARD, 0, 0, 1, 2, np.float64(3.0))
    trace.record(Kind.FORWARD, 0, 0, 1, 2, 4)
    assert [type(record.value) for record in (trace[-2], trace[-1])] == [float, float]
    assert trace.arrays == []


@pytest.mark.parametrize("streamed", [False, True])
def test_reading_every_wire_looks_at_each_record_a_few_times(monkeypatch, streamed):
    circuit = cs.Circuit("chain")
    wire = circuit.input("x")
    for _ in range(300):
        wire = cs.tanh(wire)
    circuit.output("f", wire)
    if streamed:
        run = cs.Simulation(circuit, cs.Plan(3)).stream([{"x": 0.5}, {"x": 0.25}])
    else:
        run = cs.Simulation(circuit).run(x=0.5)
    looked, read = [0], type(run.trace)._read
    monkeypatch.setattr(
        type(run.trace), "_read", lambda self, packed: looked.__setitem__(0, looked[0] + 1) or read(self, packed)
    )
    tags = (0, 1) if streamed else (0,)
    for name in ["x", *circuit.names("gate")]:
        for tag in tags:  # in turn, so that none may be forgotten for the other
            run.value(name, tag)
            run.gradient(name, tag)
    assert looked[0] < 10 * len(tags) * 2 * len(circuit.graph)
