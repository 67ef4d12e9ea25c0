"""One score for each class: softmax and two support vector machines part several classes, each to its known optimum.

Each score is a line of its own, scores = x·W + b. The force pulls the right class up and the others down: softmax by
the probabilities that it gives them; ww (Weston and Watkins) pushes each class that comes nearer than the margin; cs
(Crammer and Singer) pushes only the one that comes nearest.

The costs are convex, so there is one lowest value, which solvers of other kinds find, too. The columns of the table:
data and springs, what a solver found, and how near --force comes in its usual number of iterations:

    iris            0.01    softmax   0.2436772266    1e-10
    digits          0.01    softmax   0.7385140819    1e-10
    digits          0.01    ww        0.347119297     3e-5
    digits          0.01    cs        0.251455021     2e-5
    1,348 digits    0.001   softmax   0.2570714609    1e-10
    1,348 digits    0.001   ww        0.090390147     8e-4
    1,348 digits    0.001   cs        0.075493271     8e-4

--test 449 keeps the others of the 1,797 digits for a test, of which some 95 to 97 % are read right.
"""

from typing import Annotated, Literal

import typer

import circuitsim as cs
from circuitsim.cli import practice, training
from circuitsim.cli.scenarios import Json, Report, Seed, play

FORCES = {"softmax": cs.forces.softmax, "ww": cs.forces.weston_watkins, "cs": cs.forces.crammer_singer}
TITLES = {"softmax": "Softmax", "ww": "Weston and Watkins' machine", "cs": "Crammer and Singer's machine"}
USUAL = {"softmax": 200, "ww": 4000, "cs": 4000}
Iterations = Annotated[
    int | None, typer.Option(help="How many updates to make; 200 if not given, or 4000 for ww and cs.", min=0)
]
Name = Annotated[Literal["softmax", "ww", "cs"], typer.Option("--force", help="What pulls on the scores.")]


def main(
    force: Name = "softmax",
    data: practice.Data = "iris",
    penalty: practice.Penalty = 0.01,
    test: practice.Test = 0,
    axes: practice.Axes = None,
    iterations: Iterations = None,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: practice.SavePicture = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    learned, kept = practice.parts(practice.read_classes(data, ["iris", "digits", "cancer"]), test)
    classes = learned.classes or ()
    iterations = USUAL[force] if iterations is None else iterations
    # A hinge has kinks, where no curvature tells the way: there the steps must become shorter by themselves.
    gliding = cs.Nesterov(cs.decay.LinearDecay(0.5, 0.0, max(1, iterations)))
    trainer = cs.Trainer(
        training.make_engine(engine, cs.dense([len(learned.features), len(classes)], init="zero")),
        FORCES[force],
        cs.LBFGS() if force == "softmax" else gliding,
        cs.L2(penalty),
        standardize=learned.name not in practice.UNSCALED,
    )
    history = trainer.fit(learned.points, learned.labels, iterations, batch="all", seed=seed)

    report = Report("multiclass", seed, {})
    practice.tell(report, trainer, learned, engine, force=force, penalty=penalty, classes=classes)
    told = f"{history.accuracy:.1%} of the examples are right"
    if test:
        report.results["test_accuracy"] = trainer.evaluate(kept.points, kept.labels)[1]
        told += f", and {report.results['test_accuracy']:.1%} of {test} others"
    report.note(told + ".")
    if save is not None:
        from circuitsim.cli.class_planes import look_at  # only who saves pays for matplotlib
        from circuitsim.views.class_plane import draw_classes

        draw_classes(
            look_at(trainer, learned, axes, margin=None if force == "softmax" else 1.0),
            ([one.iteration for one in history.evaluations], [one.cost for one in history.evaluations]),
            save,
            f"{TITLES[force]} parts {len(classes)} classes of {learned.name}",
            f"{told}. The ringed example costs most: red arrows show how the pull on each score, whose mark stands at "
            "the tip, would move it.",
        )
    return report


if __name__ == "__main__":
    play(main)
