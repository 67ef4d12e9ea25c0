"""Mistakes on purpose, and the checks that find them: what to do with a network that does not learn.

A network that learns wrongly often still learns something. Three questions tell more than its cost: does it begin with
the cost of guessing, ln 10 = 2.302585 for ten digits? Can it fit twenty examples to below 0.001? And do its gradients
agree with central differences? circuitsim.check_training asks these and more, and names what it finds. The mistakes:

    none        a sound training, in which nothing is found
    sign        the force has the wrong sign: every score is pulled away from its class
    labels      points and labels are in different orders
    scale       inputs are a hundred times as large
    loud        weights begin ten times as large
    zero        all weights begin with 0, so that hidden neurons stay copies of each other
    slope       a gate sends back what is not its derivative
    cut         a comparison stands in the way, which sends nothing back
    long        steps of 20
    short       steps of 0.00001
"""

from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
import typer

import circuitsim as cs
from circuitsim.cli import practice, training
from circuitsim.cli.scenarios import Json, Report, Seed, play
from circuitsim.learning.checkup import CHECKS

EXAMPLES, FEW, BATCH = 300, 20, 32
Bug = Annotated[
    Literal["none", "sign", "labels", "scale", "loud", "zero", "slope", "cut", "long", "short"],
    typer.Option(help="Which mistake to make."),
]


def build(bug: str, seed: int) -> cs.Circuit:
    """Return the network, which computes what dense([64, 32, 10]) does if nothing is wrong with it."""
    drawn = cs.dense([64, 32, 10], init="zero" if bug == "zero" else "he", seed=seed).graph.nodes
    circuit = cs.Circuit("digits")
    size = 10.0 if bug == "loud" else 1.0
    w1, b1, w2, b2 = (circuit.parameter(name, size * drawn[name]["value"]) for name in ("w1", "b1", "w2", "b2"))
    inner = circuit.input("x") @ w1 + b1
    hidden = cs.greater(inner, 0.0) if bug == "cut" else bent(inner) if bug == "slope" else cs.relu(inner)
    circuit.output("scores", hidden @ w2 + b2)
    return circuit


def bent(wire: cs.Wire) -> Any:
    """Return a relu whose rule is not its derivative."""
    gate = cs.gate(name="bent")(lambda x: np.maximum(x, 0.0))
    gate.vjp(0)(lambda gradient, output, x: gradient * (output + 0.5))
    return gate(wire)


def make(bug: str, circuit: cs.Circuit, engine: str) -> cs.Trainer:
    """Return a fresh trainer."""
    right = cs.forces.softmax
    wrong = cs.Force("softmax", lambda scores, target: -right.pull(scores, target), right.loss, "classes")
    step = {"long": 20.0, "short": 1e-5}.get(bug, 0.1)
    return cs.Trainer(training.make_engine(engine, circuit), wrong if bug == "sign" else right, cs.SGD(step))


def main(
    bug: Bug = "sign",
    iterations: practice.Iterations = 200,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: practice.SavePicture = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    data = cs.datasets.digits()
    points, labels = data.points[:EXAMPLES], data.labels[:EXAMPLES]
    given = 100.0 * points if bug == "scale" else points
    paired = np.random.default_rng(seed).permutation(labels) if bug == "labels" else labels
    circuit = build(bug, seed)
    found = cs.check_training(
        partial(make, bug, circuit, engine), given, paired, iterations=max(1, iterations), batch=BATCH, seed=seed,
        tracer=cs.Simulation(circuit, nonfinite="ignore"),
    )  # fmt: skip

    curves = {}
    for name, kind, x, y in (("sound", "none", points, labels), ("with the mistake", bug, given, paired)):
        trainer = make(kind, build(kind, seed), engine)
        with suppress(cs.DivergenceError):  # of which the checks tell
            trainer.fit(x, y, iterations, batch=BATCH, seed=seed, progress=False)
        curves[name] = [(one.iteration, one.cost) for one in trainer.history.evaluations]
    guess = make("none", build("zero", seed), engine).fit(points, labels, 0).cost
    few = cs.Trainer(training.make_engine(engine, build(bug, seed)), cs.forces.softmax, cs.LBFGS())
    fitted = few.fit(given[:FEW], paired[:FEW], 60, batch="all", progress=False).cost

    report = Report("debug", seed, {})
    sentences = {finding.check: finding.sentence for finding in found.findings}
    practice.results(
        report, trainer, cs.Dataset("digits", given, paired, data.features, data.classes), engine, bug=bug,
        findings=sentences, unseen=found.unseen, zero_cost=guess, few_cost=fitted,
    )  # fmt: skip
    report.table(
        f"{EXAMPLES} digits, mistake: {bug}",
        "question | check | answer",
        [(question, name, "no" if name in sentences else "yes") for name, question in CHECKS.items()],
    )
    report.notes += [f"{name}: {sentence.rstrip('?')}." for name, sentence in sentences.items()]
    report.note(
        f"With all parameters at 0 the cost is {guess:.6f}, ln 10; by L-BFGS {FEW} examples are fitted to {fitted:.2g}."
    )
    if save is not None:
        from circuitsim.views.checklist import draw_checklist  # only who saves pays for matplotlib

        told = f"The same network learns {EXAMPLES} digits twice, soundly and with a mistake made on purpose."
        draw_checklist(
            CHECKS, sentences, curves, save, f"Mistake: {bug}. {len(sentences)} of {len(CHECKS)} answers are no", told
        )
    return report


if __name__ == "__main__":
    play(main)
