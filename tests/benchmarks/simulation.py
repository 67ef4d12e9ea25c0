"""What the simulation costs: against SimPy alone, against a Store for each wire, and at a million gates."""

import gc
import json
import random
import subprocess
import sys
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import networkx as nx
import simpy

import circuitsim as cs
from tests.benchmarks.stores import Stores
from tests.benchmarks.table import Row, in_turn

GATES, MANY = 10_000, 1_000_000
FIRST = {"compiled": cs.Compiled, "simulation": partial(cs.Simulation, trace=False)}


def layered(gates, width, kinds=(cs.add, cs.mul, cs.sub, cs.max)):
    """Return layers of two-input gates, each fed by two neighbours in the layer before; products take an input."""
    circuit = cs.Circuit(f"{gates} gates in layers of {width}")
    first = layer = circuit.inputs([f"x{i}" for i in range(width)])
    for _ in range(gates // width):
        layer = [
            kinds[i % len(kinds)](wire, (first if kinds[i % len(kinds)] is cs.mul else layer)[(i + 1) % width])
            for i, wire in enumerate(layer)
        ]
    for i, wire in enumerate(layer):
        circuit.output(f"f{i}", wire)
    return circuit


def inputs_of(circuit):
    chance = random.Random(0)
    return {name: chance.uniform(-1, 1) for name in circuit.names("input")}


def waiting(count):
    """Return a task that runs SimPy alone: so many processes, each waiting for one timeout after another."""
    env = simpy.Environment()

    def process():
        while True:
            yield env.timeout(1)

    for _ in range(count):
        env.process(process())

    def task():
        env.run(until=env.now + 10)

    return task, 10 * count


def unheard(count):
    """Return a task that runs SimPy alone: so many timeouts at a time, that nobody waits for."""
    env = simpy.Environment()

    def task():
        for _ in range(count):
            env.timeout(1)
        env.run()

    return task, count


def stepping(engine, inputs):
    """Return a task that runs an engine forward and back."""

    def task():
        engine.forward(inputs)
        engine.backward()

    return task


def messages_of(simulation, inputs):
    """Return how many messages a pass takes, once the parameters and constants are where they stay."""
    step = stepping(simulation, inputs)
    step()
    before = simulation.messages
    step()
    return simulation.messages - before


def rows():
    """Return what was measured at ten thousand gates."""
    circuit = layered(GATES, 100)
    inputs = inputs_of(circuit)
    quiet, traced = (cs.Simulation(circuit, trace=trace) for trace in (False, True))
    stores = Stores(quiet)
    few = layered(100, 10)
    cached = cs.Simulation(few, trace=False)
    heard, events = waiting(GATES)
    alone, count = unheard(GATES)
    messages = messages_of(quiet, inputs)
    assert stores.run(inputs).keys() == inputs.keys()
    times = in_turn(
        (heard, 1),
        (alone, 5),
        (stepping(quiet, inputs), 1),
        (stepping(traced, inputs), 1),
        (lambda: stores.run(inputs), 1),
        (stepping(cached, inputs_of(few)), 50),
    )
    bare, unheeded, off, on = times[0] / events, times[1] / count, times[2] / messages, times[3] / messages
    hot = times[5] / messages_of(cached, inputs_of(few))
    note = (
        f"{off * 1e6:.1f} µs a message, {hot * 1e6:.1f} µs at 100 gates, which stay in the cache; "
        f"against timeouts that nobody waits for: {off / unheeded:.2f}"
    )
    return [
        Row("a message, trace off ÷ a timeout in SimPy alone, 10,000 of each at work", off / bare, 1.7, True, note),
        Row("the same, trace on", on / bare, 2.3, True, f"against timeouts nobody waits for: {on / unheeded:.2f}"),
        Row(
            "a simpy.Store for each wire ÷ the simulation",
            times[4] / times[2],
            4,
            False,
            "the stores have no tags, no checks and no trace",
        ),
    ]


def resident():
    """Return the bytes that this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def million(gates=MANY):
    """Return what was measured at a million gates."""
    found = apart(gates)
    compiled, simulation = (apart(gates, name) for name in FIRST)
    return [
        Row(f"a message at {gates:,} gates ÷ at 10,000", found["growth"], 1.3, True),
        Row(f"KiB a gate at {gates:,} gates, circuit and simulation", found["kib"], 4, True, "resident memory"),
        Row(f"building and validating {gates:,} gates ÷ the bare graph", found["building"], 3, True),
        Row(
            "from the first gate to the first gradient, compiled ÷ the bare graph",
            compiled["whole"],
            2.5,
            True,
            compiled["parts"],
        ),
        Row("the same, simulation", simulation["whole"], 3.5, True, simulation["parts"]),
    ]


def apart(*arguments):
    """Return what is measured in a process of its own: what it costs depends on what is in memory already."""
    command = [sys.executable, "-m", "tests.benchmarks.simulation", *map(str, arguments)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def bare(circuit):
    """Return the seconds that it takes networkx to hold a circuit's wiring and nothing else."""
    nodes = list(circuit.graph)
    start = perf_counter()
    graph = nx.MultiDiGraph()
    for name in nodes:
        graph.add_node(name)
    for source, target, port in circuit.graph.edges(keys=True):
        graph.add_edge(source, target, key=port)
    return perf_counter() - start


def _first_gradient(gates, name):
    """Measure what passes from the first gate to the first gradient, garbage uncollected as in the other rows."""
    gc.disable()
    inputs = inputs_of(other := layered(gates, 1000))
    graph = bare(other)  # both it and the circuit below come to memory that is new
    times = [perf_counter()]
    circuit = layered(gates, 1000)
    times.append(perf_counter())
    engine = FIRST[name](circuit)
    times.append(perf_counter())
    engine.forward(inputs)
    times.append(perf_counter())
    engine.backward()
    times.append(perf_counter())
    parts = [f"{(after - before) / graph:.2f}" for before, after in pairwise(times)]
    parts = "circuit {}, engine {}, forward {}, backward {}".format(*parts)
    print(json.dumps({"whole": (times[-1] - times[0]) / graph, "parts": parts}))


def _measure(gates):
    before = resident()
    gc.disable()  # as in the other rows: what it costs depends on all else that is in memory
    start = perf_counter()
    circuit = layered(gates, 1000)
    circuit.validate()
    building = perf_counter() - start
    gc.enable()
    inputs = inputs_of(circuit)
    large = cs.Simulation(circuit, trace=False)
    stepping(large, inputs)()
    kib = (resident() - before) / gates / 1024

    gc.disable()
    building /= bare(circuit)
    gc.enable()

    few = layered(GATES, 1000)
    small = cs.Simulation(few, trace=False)
    gc.freeze()  # collecting would look through the million again and again
    many, one = messages_of(large, inputs), messages_of(small, inputs_of(few))
    times = in_turn((stepping(large, inputs), 1), (stepping(small, inputs_of(few)), 20), rounds=3)
    growth = (times[0] / many) / (times[1] / one)
    print(json.dumps({"growth": growth, "kib": kib, "building": building}))


if __name__ == "__main__":
    (_first_gradient if sys.argv[2:] else _measure)(int(sys.argv[1]), *sys.argv[2:])
