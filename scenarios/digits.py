"""A network of gates for arrays reads handwritten digits: 1,797 of them, real ones, of 8×8 points.

The network is dense([64, 32, 10]): two matrix products with a relu between. Its ten scores, one for each digit, go
into a softmax cross-entropy, and that loss is pulled down. Three quarters of the digits are learned from, the rest is
for the test. It needs scikit-learn, which brings the digits: pip install scikit-learn.

The compiled engine runs it; --engine simulation gives the same numbers, to the bit.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import circuitsim as cs
from circuitsim.cli import practice, training
from circuitsim.cli.scenarios import Json, Report, Seed, play
from circuitsim.views.forms import PAGES, PICTURES

BATCH, TEST = 32, 449
Iterations = Annotated[int, typer.Option(help="How many batches of 32 digits to learn from.", min=0)]
Save = Annotated[
    Path | None,
    (*PAGES, *PICTURES),
    typer.Option(
        help="Show what was learned in this file: .html is a page to draw digits on, .png, .svg and .pdf draw the "
        "weights and the confusion table."
    ),
]


def build(seed: int) -> cs.Circuit:
    """Return the network with its loss."""
    circuit = cs.dense([64, 32, 10], seed=seed)
    scores = cs.Wire(circuit, circuit.outputs["scores"])
    circuit.output("loss", cs.cross_entropy(scores, circuit.input("target")))
    return circuit


def main(
    iterations: Iterations = 1500,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: Save = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    learned, kept = practice.parts(cs.datasets.digits(), TEST)
    runner = training.make_engine(engine, build(seed))
    trainer = cs.Trainer(runner, cs.forces.loss, cs.Adam(step=0.003), output="loss")
    history = trainer.fit(
        learned.points,
        learned.labels,
        iterations,
        batch=BATCH,
        order="shuffled",
        seed=seed,
        every=max(1, iterations // 10),
    )
    taken_for = read(runner, kept.points)
    accuracy = float(np.mean(taken_for == kept.labels))
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (kept.labels.astype(int), taken_for), 1)

    report = Report("digits", seed, {})
    report.table(
        f"{runner.netlist.name} learns {len(learned)} digits",
        "batches of 32 | loss",
        [(str(done.iteration), f"{done.cost:.4f}") for done in history.evaluations],
    )
    report.table(
        f"{TEST} other digits: what each was taken for",
        "is | " + " | ".join(map(str, range(10))),
        [(str(digit), *(str(count or "·") for count in row)) for digit, row in enumerate(confusion)],
    )
    report.note(f"{accuracy:.1%} of the digits that it has not learned from are read right.")
    report.results |= {
        "iterations": history.iterations,
        "engine": engine,
        "accuracy": accuracy,
        "accuracy_learned": float(np.mean(read(runner, learned.points) == learned.labels)),
        "loss": history.cost,
        "confusion": confusion,
        "parameters": {name: np.asarray(value) for name, value in runner.parameters.items()},
    }
    if save is not None and save.suffix.lower() in PAGES:
        from circuitsim.views.drawing_page import Reader, write_drawing

        about = (
            f"The network {runner.netlist.name} learned {len(learned):,} digits in {history.iterations:,} batches of "
            f"{BATCH}, and reads {100 * accuracy:.1f} % of {TEST} others right. Draw, or choose what it is to be "
            "more of."
        )
        names = kept.classes or ()
        reader = Reader(runner.netlist, runner.parameters, (8, 8), 16, names, kept.points, kept.labels, about)
        write_drawing(reader, save)
    elif save is not None:
        from circuitsim.views.weight_images import draw_weights  # only who saves pays for matplotlib

        draw_weights(np.asarray(runner.parameters["w1"]), confusion, (8, 8), save)
    return report


def read(runner: cs.Engine, points: np.ndarray) -> np.ndarray:
    """Return which digit the network takes each image for."""
    scores = runner.forward({"x": points, "target": np.zeros(len(points))})["scores"]
    return np.asarray(np.argmax(scores, axis=-1))


if __name__ == "__main__":
    play(main)
