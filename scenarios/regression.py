"""Ridge regression: the same loop predicts numbers, with another force, and ends where a formula says it must.

The force is the difference between target and score, so the loss is half its square; springs on the weights pull them
towards 0. All examples are shown for each update. Columns and targets have mean 0 and standard deviation 1.

For this one circuit there is a closed form, the weights that solve (XᵀX/n + penalty) w = Xᵀt/n, and a largest step: 2
over the largest curvature. Of the 442 patients with diabetes, with springs of 0.1, the cost is 0.2559139397 at the
lowest, and steps up to 0.48494 lead there; try --step 0.49.
"""

from typing import Annotated

import numpy as np
import typer

import circuitsim as cs
from circuitsim.cli import practice, training
from circuitsim.cli.scenarios import Json, Report, Seed, play

STRENGTHS = np.logspace(-4, 2, 25)
Step = Annotated[float, typer.Option(help="How far parameters go for a pull of 1.", min=0.0)]


def train(
    engine: cs.Engine, data: cs.Dataset, rule: cs.Optimizer | cs.LBFGS, penalty: float, iterations: int
) -> cs.Trainer:
    """Return a trainer that has learned."""
    trainer = cs.Trainer(engine, cs.forces.squared_error, rule, cs.L2(penalty))
    trainer.fit(data.points, data.labels, iterations, batch="all", progress=False)
    return trainer


def main(
    data: practice.Data = "diabetes",
    penalty: practice.Penalty = 0.1,
    step: Step = 0.4,
    iterations: practice.Iterations = 1000,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: practice.SavePicture = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    learned = practice.standardized(practice.read_numbers(data, ["diabetes"]))
    count, width = learned.points.shape
    circuit = cs.dense([width, 1], init="zero")
    runner = training.make_engine(engine, circuit)
    trainer = train(runner, learned, cs.SGD(step), penalty, iterations)
    found = np.ravel(runner.parameters["w1"])

    curvature = learned.points.T @ learned.points / count + penalty * np.eye(width)
    solved = np.linalg.lstsq(curvature, learned.points.T @ learned.labels / count)[0]
    largest_step = 2.0 / float(np.linalg.eigvalsh(curvature)[-1])

    report = Report("regression", seed, {})
    away = float(np.max(np.abs(found - solved)))
    practice.tell(
        report, trainer, learned, engine, penalty=penalty, step=step, largest_step=largest_step, away=away,
        closed_form=solved,
    )  # fmt: skip
    report.table(
        f"weights with springs of {penalty:g}",
        "weight of | circuit | closed form",
        [(name, f"{w:.8f}", f"{s:.8f}") for name, w, s in zip(learned.features, found, solved, strict=True)],
    )
    report.note(f"Steps of up to {largest_step:.5f} lead to the lowest cost; these are {step:g}.")
    if save is not None:
        from circuitsim.views.weight_paths import draw_fit  # only who saves pays for matplotlib

        paths = []
        walker = cs.Compiled(circuit)
        for strength in STRENGTHS:  # each begins where the one before has ended
            train(walker, learned, cs.LBFGS(), float(strength), 40)
            paths.append(np.ravel(walker.parameters["w1"]))
        draw_fit(
            learned.labels,
            np.ravel(trainer.scores(learned.points)),
            (STRENGTHS.tolist(), np.array(paths)),
            learned.features,
            penalty,
            save,
            f"{width} columns explain {trainer.history.r2:.0%} of the variance of {learned.name}",
            "Springs draw the weights towards 0, the stronger the nearer: at the left they hardly hold, at the right "
            f"nothing else counts. With springs of {penalty:g} the cost is {trainer.history.cost:.4f}.",
        )
    return report


if __name__ == "__main__":
    play(main)
