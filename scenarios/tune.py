"""Which strength should the springs have? Cross-validation asks examples that were not learned from; a search draws.

The examples are dealt out to five folds. For each strength a circuit learns from four of them and is judged by the
fifth, in turn: the mean of the five losses tells how good the strength is. Six strengths are tried first, then twenty
that are drawn so that each order of magnitude is as likely as the others.

Of the 442 patients with diabetes the best of the six is 0.01, with a loss of 0.249205; no strength at all comes below
0.2491671.
"""

from functools import partial
from typing import Annotated

import numpy as np
import typer

import circuitsim as cs
from circuitsim.cli import practice, training
from circuitsim.cli.scenarios import Json, Report, Seed, play, watched
from circuitsim.learning import tuning

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
RANGE = (1e-4, 1.0)  # to draw from
Folds = Annotated[int, typer.Option(help="How many folds to deal the examples out to.", min=2)]
Draws = Annotated[int, typer.Option(help="How many strengths to draw.", min=1)]


def main(
    data: practice.Data = "diabetes",
    folds: Folds = 5,
    draws: Draws = 20,
    iterations: practice.Iterations = 40,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: practice.SavePicture = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    learned = practice.standardized(practice.read_numbers(data, ["diabetes"]))
    circuit = cs.Circuit("a line")
    circuit.output("y", circuit.input("x") @ circuit.parameter("w", np.zeros(len(learned.features))))

    def make(strength: float) -> cs.Trainer:
        """Return a fresh trainer."""
        runner = training.make_engine(engine, circuit)
        return cs.Trainer(runner, cs.forces.squared_error, cs.LBFGS(), cs.L2(strength))

    table = {}
    for strength, _ in watched("cross-validation", dict.fromkeys(STRENGTHS)):
        table[strength] = cs.cross_validate(
            partial(make, strength), learned.points, learned.labels, folds=folds, iterations=iterations, batch="all",
            progress=False,
        )  # fmt: skip
    search = cs.random_search(
        make, {"strength": tuning.log_uniform(*RANGE)}, learned.points, learned.labels, draws=draws, seed=seed,
        folds=folds, iterations=iterations, batch="all",
    )  # fmt: skip
    best, found = min(table, key=lambda strength: table[strength].mean), search.best
    chosen = make(found.settings["strength"])
    chosen.fit(learned.points, learned.labels, iterations, batch="all", progress=False)

    report = Report("tune", seed, {})
    practice.results(
        report, chosen, learned, engine, best=best, best_cost=table[best].mean,
        folds={f"{strength:g}": one.costs for strength, one in table.items()},
        drawn=[{"strength": one.settings["strength"], "cost": one.result.mean} for one in search.draws],
    )  # fmt: skip
    report.table(
        f"{folds} folds of {len(learned)} examples of {learned.name}: the loss of each, learned from the others",
        "springs | " + " | ".join(f"fold {fold}" for fold in range(folds)) + " | mean",
        [(f"{n:g}", *(f"{cost:.6f}" for cost in one.costs), f"{one.mean:.6f}") for n, one in table.items()],
    )
    report.table(
        f"the best of {draws} drawn strengths",
        "springs | mean",
        [(f"{one.settings['strength']:.5g}", f"{one.result.mean:.6f}") for one in search.draws[:5]],
    )
    if save is not None:
        from circuitsim.views.tuning_chart import draw_tuning  # only who saves pays for matplotlib

        draw_tuning(
            {strength: one.costs for strength, one in table.items()},
            [(one.settings["strength"], one.result.mean) for one in search.draws],
            save,
            f"Springs of {found.settings['strength']:.2g} foretell best: a loss of {found.result.mean:.4f}",
            f"What each of {folds} folds of {learned.name} costs when the others were learned from. Too weak a spring "
            "learns what only its own examples say, too strong a one learns nothing.",
        )
    return report


if __name__ == "__main__":
    play(main)
