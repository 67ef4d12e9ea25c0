"""One class is rare: a circuit that hardly ever names it is right nearly always, until all classes count alike.

Of the tumours, all 357 benign ones and the first 36 malignant ones are learned, by their mean radius and texture, with
logistic regression. As they are, the malignant ones have a twelfth of the weight: 93.6 % of all are right, but only
30.6 % of those. With --weighted each example counts by how rare its class is: 86.3 % are right, and 83.3 % of the rare
ones. The mean of the shares of both classes, the balanced accuracy, tells which is better. The lowest costs are
0.1941675 and 0.3869020.
"""

from typing import Annotated

import numpy as np
import typer

import circuitsim as cs
from circuitsim.cli import practice, training
from circuitsim.cli.scenarios import Json, Report, Seed, play

COLUMNS = 2
Weighted = Annotated[bool, typer.Option("--weighted", help="Let both classes count alike.")]
Rare = Annotated[int, typer.Option(help="How many malignant tumours there are, of 212.", min=1, max=212)]


def read(rare: int) -> cs.Dataset:
    """Return the tumours by their first two columns: all benign ones, and so many malignant ones."""
    data = practice.standardized(cs.datasets.cancer())
    chosen = np.concatenate([np.flatnonzero(data.labels == 1.0), np.flatnonzero(data.labels == -1.0)[:rare]])
    return cs.Dataset(
        "tumours", data.points[chosen, :COLUMNS], data.labels[chosen], data.features[:COLUMNS], data.classes
    )


def main(
    weighted: Weighted = False,
    rare: Rare = 36,
    penalty: practice.Penalty = 0.01,
    iterations: practice.Iterations = 60,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: practice.SavePicture = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    data = read(rare)
    trainers: dict[str, cs.Trainer] = {}
    judged: dict[str, dict[str, float]] = {}
    for name in ("plain", "weighted"):
        runner = training.make_engine(engine, cs.dense([COLUMNS, 1], init="zero"))
        trainer = cs.Trainer(
            runner, cs.forces.logistic, cs.LBFGS(), cs.L2(penalty), weights="balanced" if name == "weighted" else None
        )
        history = trainer.fit(data.points, data.labels, iterations, batch="all", progress=False)
        right = trainer.predict(data.points) == data.labels
        found, usual = (float(np.mean(right[data.labels == side])) for side in (-1.0, 1.0))
        trainers[name] = trainer
        judged[name] = {
            "objective": history.cost or 0.0, "accuracy": float(np.mean(right)),
            "rare_recall": found, "usual_recall": usual, "balanced_accuracy": (found + usual) / 2.0,
        }  # fmt: skip

    report = Report("unbalanced", seed, {})
    chosen = "weighted" if weighted else "plain"
    practice.results(report, trainers[chosen], data, engine, weighted=weighted, penalty=penalty)
    report.results |= judged[chosen] | {"both": judged}
    report.table(
        f"{len(data) - rare} benign and {rare} malignant tumours, by {' and '.join(data.features)}",
        "examples count | cost | right | of the benign | of the malignant | balanced",
        [
            (
                {"plain": "alike", "weighted": "by their class"}[name],
                f"{one['objective']:.7f}",
                *(f"{one[key]:.1%}" for key in ("accuracy", "usual_recall", "rare_recall", "balanced_accuracy")),
            )
            for name, one in judged.items()
        ],
    )
    if save is not None:
        from circuitsim.views.two_lines import draw_two_lines  # only who saves pays for matplotlib

        shares = [(one["rare_recall"], one["usual_recall"]) for one in judged.values()]
        held = [one.engine.parameters for one in trainers.values()]
        lines = [np.concatenate([np.ravel(one[name]) for name in ("w1", "b1")]).tolist() for one in held]
        draw_two_lines(
            (data.points, data.labels),
            ("malignant", "benign"),
            data.features,
            dict(zip(("examples count alike", "classes count alike"), zip(lines, shares, strict=True), strict=True)),
            save,
            f"{shares[0][0]:.0%} of the malignant tumours are found, or {shares[1][0]:.0%}",
            f"Two circuits learned the same {len(data)} tumours, of which {rare} are malignant. Where examples count "
            "alike, the rare class is given up; where classes do, the line moves in among the others.",
        )
    return report


if __name__ == "__main__":
    play(main)
