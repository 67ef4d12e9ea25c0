"""What a trainer adds to its engine: a full-batch step on 442 examples of ten features, evaluations apart."""

import numpy as np

import circuitsim as cs
from tests.benchmarks.table import Row, in_turn

EXAMPLES, FEATURES, STEPS, CALLS = 442, 10, 200, 2000
# The microseconds that a step may take besides the engine's, on a machine where a NumPy call takes half of one.
GOALS = {"squared_error": 40, "svm": 40, "logistic": 60}


def line():
    """Return a linear circuit for rows."""
    circuit = cs.Circuit("line")
    product = circuit.input("x") @ circuit.parameter("w", np.zeros(FEATURES))
    circuit.output("y", product + circuit.parameter("b", 0.0))
    return circuit


def rows():
    """Return what was measured."""
    random = np.random.default_rng(0)
    points = random.normal(size=(EXAMPLES, FEATURES))
    targets = points @ random.normal(size=FEATURES)
    zeros = np.zeros(EXAMPLES)

    def adding():
        for _ in range(CALLS):
            np.add(zeros, zeros)

    found = []
    for name, goal in GOALS.items():
        force = cs.forces.by_name[name]
        labels = targets if force.targets == "numbers" else np.where(targets > 0, 1.0, -1.0)
        trainer = cs.Trainer(cs.Compiled(line()), force, cs.SGD(0.01), cs.L2(0.1))
        engine = trainer.engine

        def training(trainer=trainer, labels=labels):
            trainer.fit(points, labels, STEPS, batch="all", every=STEPS, progress=False)

        def evaluating(trainer=trainer, labels=labels):
            trainer.fit(points, labels, 0, batch="all", progress=False)

        def stepping(engine=engine):
            for _ in range(STEPS):
                engine.forward({"x": points})
                engine.backward({"y": zeros})
                engine.update()

        whole, fixed, alone, call = in_turn((training, 1), (evaluating, 1), (stepping, 1), (adding, 1))
        own = (whole - fixed - alone) / STEPS
        found.append(
            Row(
                f"a trainer's own cost of a full-batch step on {EXAMPLES} examples, {name} ÷ a NumPy call on them",
                own / (call / CALLS),
                2 * goal,
                True,
                f"{own * 1e6:.0f} µs; the engine takes {alone / STEPS * 1e6:.0f} µs",
            )
        )
    return found
