"""Seven rules go down the same hill: logistic regression on 30 columns of 569 tumours, all examples for each update.

What is left to the lowest cost, the gap, is measured each time the cost and its gradient were asked for. Newton's
method, written out below, finds the lowest cost: 0.0598279373 with springs of 0.001. Gradient descent takes steps of
1/L, where L is the largest curvature anywhere; it needs 9,598 of them until the gap is 1e-6, Nesterov's momentum of 0.9
needs 919, and L-BFGS, which remembers its last ten steps, some 30. Try --iterations 10000.
"""

from collections.abc import Callable
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

import circuitsim as cs
from circuitsim.cli import practice, training
from circuitsim.cli.scenarios import Json, Report, Seed, play, watched

ROUNDING = 1e-15  # where there is nothing left to gain
Gap = Annotated[float, typer.Option(help="The gap that is to be reached.", min=0.0)]


def newton(points: NDArray[np.float64], sides: NDArray[np.float64], penalty: float) -> tuple[float, float]:
    """Return the lowest cost, and the largest curvature anywhere."""
    rows = np.column_stack([points, np.ones(len(points))])
    springs = np.diag([penalty] * points.shape[1] + [0.0])
    w = np.zeros(rows.shape[1])
    for _ in range(60):
        doubt = 1.0 / (1.0 + np.exp(sides * (rows @ w)))
        gradient = springs @ w - rows.T @ (sides * doubt) / len(rows)
        curvature = springs + (rows.T * (doubt * (1.0 - doubt))) @ rows / len(rows)
        w = w - np.linalg.lstsq(curvature, gradient)[0]
    cost = np.mean(np.logaddexp(0.0, -sides * (rows @ w))) + w @ springs @ w / 2.0
    return float(cost), float(np.linalg.eigvalsh(rows.T @ rows / len(rows) / 4.0 + springs)[-1])


def main(
    data: training.Data = "cancer",
    penalty: practice.Penalty = 0.001,
    iterations: practice.Iterations = 1000,
    gap: Gap = 1e-6,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: practice.SavePicture = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    learned = practice.standardized(training.open_data(data, seed))
    lowest, steepest = newton(learned.points, learned.labels, penalty)
    step = 1.0 / steepest
    rules: dict[str, Callable[[], cs.Optimizer | cs.LBFGS]] = {
        "gradient descent": lambda: cs.SGD(step),
        "momentum": lambda: cs.Momentum(step),
        "Nesterov": lambda: cs.Nesterov(step),
        "AdaGrad": lambda: cs.AdaGrad(0.1),
        "RMSProp": lambda: cs.RMSProp(0.01),
        "Adam": lambda: cs.Adam(0.03),
        "L-BFGS": cs.LBFGS,
    }
    gaps: dict[str, tuple[list[int], list[float]]] = {}
    found = {}
    for name, rule in watched("going down", rules):
        runner = training.make_engine(engine, cs.dense([len(learned.features), 1], init="zero"))
        trainer = cs.Trainer(runner, cs.forces.logistic, rule(), cs.L2(penalty))
        asked = [1]

        def count(trainer: cs.Trainer, asked: list[int] = asked) -> bool:
            asked.append(trainer.evaluations + 1)
            return trainer.history.evaluations[-1].cost - lowest < ROUNDING

        history = trainer.fit(
            learned.points, learned.labels, iterations, batch="all", every=1, progress=False, callbacks=[count]
        )
        left = [one.cost - lowest for one in history.evaluations]
        gaps[name] = [asked[one.iteration] for one in history.evaluations], left
        there = next((n for n, one in enumerate(left) if one <= gap), None)
        found[name] = {
            "objective": history.cost,
            "accuracy": history.accuracy,
            "iterations": None if there is None else history.evaluations[there].iteration,
            "evaluations": None if there is None else gaps[name][0][there],
        }

    goal = f"{gap:g}".replace("e-0", "e-")
    report = Report("optimizers", seed, {})
    practice.results(report, trainer, learned, engine, penalty=penalty, lowest=lowest, step=step, gap=gap, rules=found)
    report.table(
        f"{iterations} updates from {len(learned)} examples of {learned.name}; the lowest cost is {lowest:.10f}",
        f"rule | cost | iterations to a gap of {goal} | evaluations",
        [
            (name, f"{one['objective']:.10f}", *(str(one[key] or "–") for key in ("iterations", "evaluations")))
            for name, one in found.items()
        ],
    )
    if save is not None:
        from circuitsim.views.gaps import draw_gaps  # only who saves pays for matplotlib

        quickest = min(found, key=lambda name: (found[name]["evaluations"] or np.inf, found[name]["objective"]))
        draw_gaps(
            gaps,
            gap,
            save,
            f"{quickest} needs {found[quickest]['evaluations']} evaluations to a gap of {goal}"
            if found[quickest]["evaluations"]
            else f"No rule comes to a gap of {goal} in {iterations} iterations",
            f"Seven rules go down the cost of {learned.name} from the same place. An evaluation is one pass of all "
            f"{len(learned)} examples there and back; the gap is what is left to the lowest cost, {lowest:.6f}.",
        )
    return report


if __name__ == "__main__":
    play(main)
