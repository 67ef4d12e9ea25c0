"""What a long run keeps does not grow with its length: states of actors, devices, links and protocols."""

import gc
import types
from collections import Counter

import pytest

import circuitsim as cs
from tests.pipelines import network

FEW, MANY = 200, 2_000

STEADY, LOSSY = cs.Link(latency=0.5), cs.Link(latency=0.5, loss=0.1, duplicate=0.1, reorder=0.1, hold_up=3.0)
CRASHES = {"crash_every": 400.0, "downtime": 10.0}
SYNC = {"schedule": "1f1b", "microbatches": 20}
ASYNC = {"update": "async", "in_flight": 4}
RUNS = {
    "batches": (SYNC, cs.Cluster()),
    "first come, first served": ({"microbatches": 20}, cs.Cluster()),
    "each example": (ASYNC, cs.Cluster()),
    "stashed versions": ({**ASYNC, "versions": 3}, cs.Cluster()),
    "replicas": ({**SYNC, "replicas": 2}, cs.Cluster()),
    "server": ({**ASYNC, "replicas": 2}, cs.Cluster()),
    "local steps": ({**ASYNC, "replicas": 2, "local_steps": 3}, cs.Cluster()),
    "batches, loss": (SYNC, cs.Cluster(link=LOSSY)),
    "each example, loss": (ASYNC, cs.Cluster(link=LOSSY)),
    "batches, crashes": ({**SYNC, "checkpoint_every": 10.0}, cs.Cluster(link=LOSSY, **CRASHES)),
    "each example, crashes": ({**ASYNC, "checkpoint_every": 10.0}, cs.Cluster(link=LOSSY, **CRASHES)),
    "local steps, crashes": (
        {**ASYNC, "replicas": 2, "local_steps": 3, "checkpoint_every": 10.0},
        cs.Cluster(link=STEADY, **CRASHES),
    ),
}


def kept(simulation):
    """Count the objects that a finished run holds, by type; what it hands out, and what it was given, aside."""
    stream = simulation._stream
    todo, seen = [stream.graph], {id(thing) for thing in (stream.outputs, stream.input_gradients, stream._examples)}
    found = Counter()
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, type | types.ModuleType | types.FunctionType):
            continue
        seen.add(id(thing))
        found[type(thing).__name__] += 1
        todo += gc.get_referents(thing)
    return found


@pytest.mark.parametrize("name", RUNS)
def test_what_a_stream_keeps_does_not_grow_with_its_examples(name):
    plan, cluster = RUNS[name]
    circuit, _ = network(2)
    sizes = []
    for count in (FEW, MANY):
        simulation = cs.Simulation(circuit, cs.Plan(2, **plan), cluster=cluster, trace=False)
        simulation.learn(cs.SGD(0.001))
        simulation.stream([{"x": 0.5, "y": 0.25}] * count, gradient=-1.0)
        sizes.append(kept(simulation))
    few, many = sizes
    assert few.total() > 300  # the actors were found
    grown = {kind: (few[kind], number) for kind, number in many.items() if number > few[kind] + 200}
    assert not grown
