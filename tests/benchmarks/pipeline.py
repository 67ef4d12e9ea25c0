"""What a pipeline costs to simulate: a piece of work costs the same on 4 devices and on 64.

Both are run in turn in one process, and the medians of a few rounds are compared.
"""

import statistics
import time

import circuitsim as cs

MICROBATCHES = 1024
ROUNDS = 3


def network(stages):
    """Return a chain of layers tanh(w x + b), one a stage."""
    circuit = cs.Circuit("pipeline")
    x = circuit.input("x")
    for s in range(stages):
        weight, bias = circuit.parameters(**{f"w{s}": 0.5, f"b{s}": 0.1})
        x = cs.tanh(weight * x + bias)
    circuit.output("f", x)
    return circuit


def seconds(stages):
    """Return how long one batch of 1F1B with real numbers takes to simulate."""
    circuit = network(stages)
    simulation = cs.Simulation(circuit, trace=False)
    placement = cs.place(circuit, stages)
    start = time.perf_counter()
    simulation.stream(
        [{"x": 0.1}] * MICROBATCHES, devices=placement, schedule="one_f_one_b", links=cs.Link(latency=0.125)
    )
    return time.perf_counter() - start


def rows():
    """Return what was measured: (what, ratio, goal)."""
    few, many = [], []
    for _ in range(ROUNDS):
        few += [seconds(4) for _ in range(4)]  # each is over soon
        many.append(seconds(64))
    small, large = statistics.median(few), statistics.median(many)
    return [
        ("a piece of work on 64 devices, against one on 4", (large / 64) / (small / 4), 1.5),
        ("seconds for 64 devices and 1,024 microbatches, of 30", large / 30, 1.0),
    ]


if __name__ == "__main__":
    for what, ratio, goal in rows():
        print(f"{what}: {ratio:.2f} (goal: at most {goal:g})")
