"""How signals fare in a deep network: the sizes of values going up and of gradients going down, layer by layer.

A layer multiplies the mean square of what goes through it by some ratio, and twenty layers do so twenty times. With
relus and n units, He's start has a mean ratio of exactly 1 (over draws of the weights, with a variance of 5/n),
Xavier's of 1/2, and weights from -0.5 to 0.5, as the guide has them, of n/24: after twenty layers of 100 units, squares
are some 10¹² times as large. Sigmoids send back at most a sixteenth of a gradient's square in each layer: nothing
arrives.

Try --init uniform, --init xavier --activation sigmoid, --init xavier --activation tanh, and --iterations 200, after
which the layers are looked at again. --data synthetic is to be given back as it is; digits are to be read.
"""

from typing import Annotated, Literal

import numpy as np
import typer

import circuitsim as cs
from circuitsim.cli import practice, training
from circuitsim.cli.scenarios import Json, Report, Seed, play
from circuitsim.gates.value import show
from circuitsim.learning.health import look_inside

EXAMPLES = 200
Init = Annotated[Literal["he", "xavier", "uniform", "zero"], typer.Option(help="How the weights begin.")]
Activation = Annotated[Literal["relu", "tanh", "sigmoid"], typer.Option(help="What follows each layer.")]
Layers = Annotated[int, typer.Option(help="How many layers there are, before the one that reads them.", min=2, max=200)]
Units = Annotated[int, typer.Option(help="How many units each layer has.", min=1, max=1000)]
Draws = Annotated[int, typer.Option(help="How often to draw the weights of a layer, for the mean ratio.", min=2)]
Name = Annotated[Literal["synthetic", "digits"], typer.Option("--data", help="What goes in.")]


def read(data: str, units: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points and labels."""
    if data == "digits":
        found = cs.datasets.digits()
        return found.points[:EXAMPLES], found.labels[:EXAMPLES]
    points = np.random.default_rng([seed, 1]).normal(size=(EXAMPLES, units))
    return points, points


def ratios(init: Init, activation: str, units: int, draws: int, engine: str) -> np.ndarray:
    """Return by how much a layer multiplies the mean square of an example, for many draws of its weights."""
    circuit = cs.Circuit("a layer")
    x, w = circuit.input("x"), circuit.parameter("w", np.zeros((units, units)))
    circuit.output("y", cs.gates.registry[activation](x @ w))
    runner = training.make_engine(engine, circuit)
    example = np.random.default_rng(1).normal(size=(1, units))
    found = []
    for draw in range(draws):
        runner.set_parameters({"w": cs.dense([units, units], init=init, seed=10_000 + draw).graph.nodes["w1"]["value"]})
        found.append(np.mean(np.square(runner.forward({"x": example})["y"])) / np.mean(np.square(example)))
    return np.array(found)


def main(
    init: Init = "he",
    activation: Activation = "relu",
    layers: Layers = 20,
    units: Units = 100,
    data: Name = "synthetic",
    draws: Draws = 400,
    iterations: practice.Iterations = 0,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: practice.SavePicture = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    points, labels = read(data, units, seed)
    sizes = [points.shape[1], *[units] * layers, 10 if data == "digits" else units]
    circuit = cs.dense(sizes, activation, init=init, seed=seed)
    force = cs.forces.softmax if data == "digits" else cs.forces.squared_error
    trainer = cs.Trainer(training.make_engine(engine, circuit), force, cs.Adam(0.001))
    history = trainer.fit(points, labels, iterations, batch="all", seed=seed)
    signals = look_inside(trainer, points, labels, cs.Simulation(circuit, nonfinite="ignore"))
    *inner, _ = signals  # without the layer that gives the scores
    values, gradients = (
        [float(np.mean(np.square(getattr(layer, what)))) for layer in inner] for what in ("values", "gradients")
    )
    growth = values[-1] / float(np.mean(np.square(points)))
    decay = gradients[0] / gradients[-1] if gradients[-1] else 0.0
    drawn = ratios(init, activation, units, draws, engine)

    report = Report("depth", seed, {})
    report.table(
        f"{layers} layers of {units} units, {init} start, {activation}, after {iterations} iterations",
        "layer | mean value² | mean gradient²",
        [(str(n), show(v, 3), show(g, 3)) for n, (v, g) in enumerate(zip(values, gradients, strict=True), 1)],
    )
    report.note(
        f"The last layer's squares are {show(growth, 3)} times the input's; the gradients' squares of the first layer "
        f"are {show(decay, 3)} times the last's.\n"
        f"{draws} draws of a layer's weights: mean ratio {show(drawn.mean(), 4)}, "
        f"variance {show(drawn.var(ddof=1), 4)}."
    )
    report.results |= {
        "iterations": history.iterations, "engine": engine, "data": data, "objective": history.cost,
        "accuracy": history.accuracy, "r2": history.r2, "init": init, "activation": activation,
        "values": values, "gradients": gradients, "growth": growth, "decay": decay,
        "ratio": float(drawn.mean()), "ratio_variance": float(drawn.var(ddof=1)), "parameters": {},
    }  # fmt: skip
    if save is not None:
        from circuitsim.views.depths import draw_depths  # only who saves pays for matplotlib

        draw_depths(
            [(layer.values, layer.gradients) for layer in inner],
            save,
            f"{activation}, {init} start: the first layer's gradients² are {show(decay, 2)} of the last's",
            f"The sizes of what {layers} layers of {units} units say for {len(points)} examples, and of the gradients "
            "that they feel: dark where many are. The line is the root of the mean square.",
        )
    return report


if __name__ == "__main__":
    play(main)
