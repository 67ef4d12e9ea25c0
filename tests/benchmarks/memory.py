"""Whether long runs grow: megabytes that a process gains in so many steps, after a warm-up, with traces off.

Each kind of run is measured in a process of its own, which prints the number:
``python -m tests.benchmarks.memory KIND STEPS``.
"""

import subprocess
import sys
from pathlib import Path

import circuitsim as cs
from tests.benchmarks.pipeline import network
from tests.benchmarks.table import Row

__all__ = ["KINDS", "grown", "rows"]

STEPS, GOAL = 1_000_000, 10.0
BATCH = 8  # examples in a stream
LOSSY = cs.Link(latency=0.5, loss=0.1, duplicate=0.1)
PLANS = {
    "batches": ({"schedule": "1f1b", "microbatches": BATCH}, cs.Cluster()),
    "each example": ({"update": "async", "in_flight": 4}, cs.Cluster()),
    "local steps": ({"update": "async", "in_flight": 4, "replicas": 2, "local_steps": 3}, cs.Cluster()),
    "batches, loss": ({"schedule": "1f1b", "microbatches": BATCH}, cs.Cluster(link=LOSSY)),
    "each example, loss": ({"update": "async", "in_flight": 4}, cs.Cluster(link=LOSSY)),
    "batches, crashes": (
        {"schedule": "1f1b", "microbatches": BATCH, "checkpoint_every": 10.0},
        cs.Cluster(link=LOSSY, crash_every=400.0, downtime=10.0),
    ),
    "each example, crashes": (
        {"update": "async", "in_flight": 4, "checkpoint_every": 10.0},
        cs.Cluster(link=LOSSY, crash_every=400.0, downtime=10.0),
    ),
}


def training(engine):
    """Return a function that trains for so many iterations."""
    trainer = cs.Trainer(engine, cs.forces.squared_error, cs.SGD(1e-6))
    return lambda steps: trainer.fit([[0.0], [1.0]], [1.0, 2.0], iterations=steps, every=1000)


def updates(steps, engine):
    """Run forward, backward, and let parameters move."""
    for _ in range(steps):
        engine.forward({"x": 0.5})
        engine.backward()
        engine.update()


def streams(kind):
    """Return a function that streams until so many pieces of work are done: a forward and a backward one a stage."""
    plan, cluster = PLANS[kind]
    simulation = cs.Simulation(network(2), cs.Plan(2, **plan), cluster=cluster, trace=False)
    simulation.learn(cs.SGD(1e-6))

    def run(steps):
        for _ in range(steps // (4 * BATCH)):
            simulation.stream([{"x": 0.5}] * BATCH)

    return run


def compiled():
    """Return a function that updates a compiled engine so often."""
    engine = cs.Compiled(network(2))
    engine.learn(cs.Adam(1e-6))
    return lambda steps: updates(steps, engine)


def simulated():
    """Return a function that runs a simulation so often."""
    simulation = cs.Simulation(network(2), trace=False)

    def run(steps):
        for _ in range(steps):
            simulation.run(x=0.5)

    return run


KINDS = {
    "iterations of a trainer": lambda: training(cs.Compiled(cs.linear(1))),
    "updates of Compiled": compiled,
    "runs of Simulation": simulated,
    **{f"pieces of work, {kind}": lambda kind=kind: streams(kind) for kind in PLANS},
}


def resident():
    """Return the megabytes of memory that this process has now; Linux tells it."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def grown(kind, steps):
    """Return the megabytes that a process of its own gains in so many steps, after a fifth as many."""
    command = [sys.executable, "-m", "tests.benchmarks.memory", kind, str(steps)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def rows(steps=STEPS):
    """Return what was measured."""
    return [Row(f"MB that {steps:,} {kind} leave", grown(kind, steps), GOAL, True) for kind in KINDS]


def main(kind, steps):
    run = KINDS[kind]()
    run(steps // 5)
    before = resident()
    run(steps)
    print(resident() - before)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
