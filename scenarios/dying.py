"""Relus that die: after one step that is too long, a hidden neuron may be 0 for every example, and learns no more.

A relu that is 0 passes no gradient on. If a step throws its weights to where all examples leave it at 0, nothing pulls
it back. The network of the digits, dense([64, 32, 10]), learns by plain SGD from batches of 32; so many of its 32
hidden neurons are dead after 840 steps, of five seeds:

    step      dead      digits for the test that are read right
    0.1       0-3       95-97 %
    1         7-18      95-98 %
    2         32        9-11 %, as by guessing
"""

from typing import Annotated

import numpy as np
import typer

import circuitsim as cs
from circuitsim.cli import practice, training
from circuitsim.cli.scenarios import Json, Report, Seed, play
from circuitsim.learning.health import look_inside

BATCH, TEST = 32, 449
LOOKS = 60  # at the hidden neurons
Step = Annotated[float, typer.Option(help="How far parameters go for a pull of 1.", min=0.0)]
Units = Annotated[int, typer.Option(help="How many hidden neurons there are.", min=1, max=1000)]


def main(
    step: Step = 2.0,
    units: Units = 32,
    iterations: practice.Iterations = 840,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: practice.SavePicture = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    learned, kept = practice.parts(cs.datasets.digits(), TEST)
    circuit = cs.dense([64, units, 10], seed=seed)
    tracer = cs.Simulation(circuit, nonfinite="ignore")
    trainer = cs.Trainer(training.make_engine(engine, circuit), cs.forces.softmax, cs.SGD(step))
    every = max(1, iterations // LOOKS)
    seen: dict[int, np.ndarray] = {}  # by iteration, for which share of the examples each neuron is not 0

    def look(trainer: cs.Trainer) -> None:
        if trainer.iteration % every == 0:
            hidden = look_inside(trainer, learned.points, learned.labels, tracer)[0]
            seen[trainer.iteration] = np.mean(hidden.values != 0.0, axis=0)

    trainer.fit(learned.points, learned.labels, 0, batch=BATCH, order="shuffled", seed=seed)
    look(trainer)
    history = trainer.fit(
        learned.points, learned.labels, iterations, batch=BATCH, order="shuffled", every=max(1, iterations // 10),
        callbacks=[look],
    )  # fmt: skip
    alive = np.array(list(seen.values()))
    dead = np.sum(alive == 0.0, axis=1)
    right = trainer.evaluate(kept.points, kept.labels)[1] or 0.0

    report = Report("dying", seed, {})
    practice.results(
        report, trainer, learned, engine, step=step, units=units, dead=int(dead[-1]), test_accuracy=right,
        dead_by_iteration=dict(zip(seen, dead.tolist(), strict=True)),
    )  # fmt: skip
    costs = {one.iteration: one.cost for one in history.evaluations}
    shown = [n for n in seen if n in costs]
    report.table(
        f"{circuit.name} learns {len(learned)} digits with steps of {step:g}",
        "batches of 32 | cost | dead neurons",
        [(str(n), f"{costs[n]:.4f}", str(report.results["dead_by_iteration"][n])) for n in shown],
    )
    report.note(
        f"{dead[-1]} of {units} hidden neurons are 0 for all {len(learned)} digits; {right:.1%} of {TEST} others are "
        "read right."
    )
    if save is not None:
        from circuitsim.views.unit_map import draw_units  # only who saves pays for matplotlib

        draw_units(
            list(seen),
            alive,
            save,
            f"{dead[-1]} of {units} relus are dead after {history.iterations} steps of {step:g}",
            "Each row is a hidden neuron: green by the share of the digits that it is not 0 for. Where the row is dark "
            f"it is 0 for all, and feels no gradient. {right:.1%} of {TEST} other digits are read right.",
        )
    return report


if __name__ == "__main__":
    play(main)
