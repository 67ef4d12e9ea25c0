"""What messages show of what people gave, and what memory cannot hold."""

import pathlib

import numpy as np
import pytest

import circuitsim as cs
from circuitsim import checks


class Refuses:
    def __repr__(self):
        raise RuntimeError("no")


class Long:
    def __repr__(self):
        return "long\n" * 2_000_000


@pytest.mark.parametrize("thing", [
    Refuses(), [Refuses()], {"a": Refuses()}, Long(), 10**5000, [10**5000], "x" * 10**7, "a\n\0\ud800", b"x" * 1000,
    [[1] * 1000] * 1000,
], ids=type)  # fmt: skip
def test_what_is_shown_is_one_short_line(thing):
    text = checks.shown(thing)
    assert len(text) <= 60
    assert text.isprintable()


@pytest.mark.parametrize("name", [
    "a\0b", "x" * 300, "y/" * 3000, "\ud800.html", "", 1, 3.5, None, b"a.html", True, ["a"], pathlib.Path("a\0b"),
], ids=type)  # fmt: skip
def test_paths_that_no_file_can_have(name):
    with pytest.raises(cs.InputError, match=r"^the path is "):
        checks.path(name)


MANY = 10**9


@pytest.mark.parametrize("make", [
    lambda: cs.neuron(MANY),
    lambda: cs.linear(10**400),
    lambda: cs.mlp([MANY, 1]),
    lambda: cs.mlp([2] * 10**6 + [MANY]),
    lambda: cs.dense([10**6, 10**7]),
    lambda: cs.datasets.moons(10**12),
    lambda: cs.datasets.spirals(10**12),
    lambda: cs.schedules.gpipe(MANY, 1),
    lambda: cs.schedules.interleaved(1, 1, chunks=MANY),
    lambda: cs.schedules.zb_h1(1, MANY),
    lambda: cs.schedules.zb_v(10**6, 1),
    lambda: cs.Simulation(cs.parse("x + y"), cs.Plan(1, replicas=MANY)),
])  # fmt: skip
def test_what_memory_cannot_hold_is_not_begun(make):
    with pytest.raises(cs.TooLargeError, match=r"of memory, and .* free: give ") as caught:
        make()
    assert isinstance(caught.value, MemoryError)


def test_an_array_that_is_not_there_in_full_is_not_copied():
    wide = np.broadcast_to(1.0, (10**9, 10**6))
    for use in (
        lambda: cs.Circuit().parameter("w", wide),
        lambda: cs.Compiled(cs.parse("x + y")).forward({"x": 1, "y": wide}),
    ):
        with pytest.raises(cs.CircuitSimError, match="give a smaller array"):
            use()


@pytest.mark.parametrize("where", ["the machine", "the container", "the process"])
def test_the_least_of_all_limits_counts(where, monkeypatch):
    resource = pytest.importorskip("resource")
    psutil = pytest.importorskip("psutil")
    free = dict.fromkeys(["the machine", "the container", "the process"], 10**15) | {where: 10**9}
    memory = type("Memory", (), {"available": free["the machine"], "vms": 0})()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(psutil.Process, "memory_info", lambda self: memory)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (free["the process"], free["the process"]))
    files = {"memory.max": free["the container"] + 7, "memory.current": 7}
    monkeypatch.setattr(pathlib.Path, "read_text", lambda self, encoding: str(files.get(self.name, "max")))
    checks.fits(10**9, "what just fits")
    with pytest.raises(cs.TooLargeError, match=r"^it takes about 1 GB of memory, and 1\.0 GB are free"):
        checks.fits(10**9 + 1, "it")


def test_devices_that_are_not_used_cost_nothing():
    simulation = cs.Simulation(cs.parse("x * y"), cs.Plan(1), cluster=cs.Cluster(MANY))
    assert simulation.stream([{"x": 2.0, "y": 3.0}], learn=False).outputs[0]["f"] == 6.0
