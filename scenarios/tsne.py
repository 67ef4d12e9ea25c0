"""Digits drift apart: t-SNE moves points in the plane until neighbours there are neighbours among the images.

How near two of 300 handwritten digits are is told as a probability, from Gaussians as wide as it takes to have some
twenty neighbours (the perplexity). The same is told of two points in the plane, by 1 / (1 + distance²). The circuit
computes how far the second are from the first, the divergence of Kullback and Leibler, and pulls it down; its only
parameter is all places. At first the images' probabilities are taken four times as large, so that groups form early.

scikit-learn, with steps of its own for each number, comes to 0.281 to 0.289, and this to 0.29 after 500 iterations. Of
five neighbours on the map, nearly all are near among the images: 99.4 % trustworthy, where the two widest directions of
the images themselves, from which it begins, have 87.2 %. --save drift.gif films it.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

import circuitsim as cs
from circuitsim.cli import practice, training
from circuitsim.cli.scenarios import Json, Report, Seed, play
from circuitsim.learning.neighbours import affinities, trustworthiness
from circuitsim.progress import progress_bar
from circuitsim.views.forms import FILMS, PICTURES

EARLY, LARGER = 250, 4.0  # iterations with larger probabilities, and how many times as large
STEP, SHOTS = 200.0, 50
Perplexity = Annotated[float, typer.Option(help="How many neighbours are near, about.")]
Count = Annotated[int, typer.Option(help="How many digits to take.", min=10, max=1797)]
Save = Annotated[
    Path | None, (*FILMS, *PICTURES), typer.Option(help="Film it as .gif or .mp4, or draw it as .png, .svg or .pdf.")
]


def build(places: NDArray[np.float64]) -> cs.Circuit:
    """Return the circuit of the cost, less what does not depend on the places."""
    circuit = cs.Circuit("t-SNE")
    near, others = circuit.inputs("near others")
    y = circuit.parameter("y", places)
    squares = cs.sum(y * y, axis=-1, keepdims=True)
    far = 1.0 + (squares + squares.T - 2.0 * (y @ y.T))
    circuit.output("cost", cs.sum(near * cs.log(far)) + cs.log(cs.sum(others / far)))
    return circuit


def main(
    perplexity: Perplexity = 20.0,
    count: Count = 300,
    iterations: practice.Iterations = 500,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: Save = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    data = cs.datasets.digits()
    points, labels = data.points[:count], data.labels[:count].astype(int)
    near, others = affinities(points, perplexity), 1.0 - np.eye(count)
    entropy = float(np.sum(near * np.log(np.where(near > 0.0, near, 1.0))))
    ways, sizes, _ = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    widest = ways[:, :2] * sizes[:2]
    # A little noise, by the seed: other ways to drift apart.
    noise = np.random.default_rng(seed).normal(0.0, 1e-6, widest.shape)
    runner = training.make_engine(engine, build(1e-4 * widest / widest[:, 0].std() + noise))

    def cost() -> float:
        return float(runner.forward({"near": near, "others": others})["cost"]) + entropy

    shots = [(0, np.asarray(runner.parameters["y"]), cost())]
    with progress_bar("drifting apart", iterations) as advance:
        for iteration in range(iterations):
            if iteration in (0, EARLY):  # a new rule begins without velocity
                runner.learn(cs.Momentum(STEP, 0.5 if iteration < EARLY else 0.9))
            runner.forward({"near": near * (LARGER if iteration < EARLY else 1.0), "others": others})
            runner.backward({"cost": -1.0})
            runner.update()
            if (iteration + 1) % max(1, iterations // SHOTS) == 0 or iteration + 1 == iterations:
                shots.append((iteration + 1, np.asarray(runner.parameters["y"]), cost()))
                advance(iteration + 1, f"cost {shots[-1][2]:.4f}")
    trust = trustworthiness(points, shots[-1][1])
    before = trustworthiness(points, widest)

    report = Report("tsne", seed, {})
    report.table(
        f"{count} digits, perplexity {perplexity:g}",
        "iteration | divergence",
        [(str(number), f"{divergence:.4f}") for number, _, divergence in shots[:: max(1, len(shots) // 10)]],
    )
    report.note(f"The map is {trust:.1%} trustworthy, the two widest directions of the images are {before:.1%}.")
    report.results |= {
        "iterations": iterations, "engine": engine, "data": "digits", "objective": shots[-1][2], "trust": trust,
        "trust_pca": before, "parameters": runner.parameters,
    }  # fmt: skip
    if save is not None:
        from circuitsim.views.drift import show_drift  # only who saves pays for matplotlib

        told = f"{trust:.1%} trustworthy: neighbours on the map are neighbours among the {count} images of digits."
        show_drift(shots, labels, save, "Digits drift apart", told)
    return report


if __name__ == "__main__":
    play(main)
