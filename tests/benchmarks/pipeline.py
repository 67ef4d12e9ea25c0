"""What a pipeline costs to simulate: a piece of work of three gates, as a multiple of a timeout in SimPy.

All is run in turn in one process, and medians are compared. The order of work is made and checked within the time.
"""

import gc
import time
import tracemalloc

import circuitsim as cs
from tests.benchmarks.simulation import GATES, waiting
from tests.benchmarks.table import Row, in_turn

DEVICES, MOST = (64, 512), 1024


def network(stages):
    """Return a chain of layers tanh(w x + b), one a stage."""
    circuit = cs.Circuit("pipeline")
    x = circuit.input("x")
    for s in range(stages):
        weight, bias = circuit.parameters(**{f"w{s}": 0.5, f"b{s}": 0.1})
        x = cs.tanh(weight * x + bias)
    circuit.output("f", x)
    return circuit


def streaming(stages, microbatches, trace):
    """Return a task that simulates one batch of 1F1B with real numbers, and how many pieces of work it has."""
    plan, cluster = cs.Plan(stages, schedule="1f1b"), cs.Cluster(link=cs.Link(latency=0.125))
    circuit = network(stages)
    simulation = cs.Simulation(circuit, plan, cluster=cluster, trace=trace)

    def task():
        simulation._deployed.deployment.make.cache_clear()  # the order is made anew each time
        simulation.stream([{"x": 0.1}] * microbatches)

    return task, 2 * stages * microbatches


def rows(most=MOST):
    """Return what was measured; `most` is the number of microbatches in the largest run."""
    heard, events = waiting(GATES)
    tasks = {(p, trace): streaming(p, 64, trace) for p in DEVICES for trace in (False, True)}
    times = in_turn((heard, 1), *((task, 1) for task, _ in tasks.values()))
    timeout = times[0] / events
    pieces = {key: time / count for (key, (_, count)), time in zip(tasks.items(), times[1:], strict=True)}
    found = [
        Row(
            f"a piece of work of three gates on {p} devices{', all traced' * trace} ÷ a timeout in SimPy",
            pieces[p, trace] / timeout,
            14 if trace else 12,
            True,
            f"{pieces[p, trace] * 1e6:.1f} µs",
        )
        for p in DEVICES
        for trace in (False, True)
    ]
    task, count = streaming(DEVICES[-1], most, True)
    gc.collect()
    gc.disable()
    start = time.perf_counter()
    task()
    large = (time.perf_counter() - start) / count
    gc.enable()
    small = pieces[DEVICES[-1], True]
    what = f"a piece on {DEVICES[-1]} devices with {most:,} microbatches, order and trace included ÷ one with 64"
    found.append(Row(what, large / small, 1.3, True, f"{large * count:.1f} s in all"))
    task, count = streaming(DEVICES[0], 512, True)
    tracemalloc.start()
    task()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    found.append(Row("bytes that a piece leaves, order and trace included", kept / count, 300, True))
    return found
