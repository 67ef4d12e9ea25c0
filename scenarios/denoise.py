"""Noisy pictures become clear: an energy model, its mean field unrolled into gates, and the exact answer beside it.

A black or white pixel x, ±1, should be like what was seen, y, and like its four neighbours: a picture has the energy
-h·Σ x·y - J·Σ x·x', and the best one has the lowest. The mean field lets each pixel be in doubt, and moves all of them
half way to m = tanh(h·y + J·Σ m'), sweep after sweep, which here is a circuit with as many layers. Such a network can
learn: --iterations 100 pulls h and J so that the log-odds of the last sweep tell the true pixels.

The lowest energy of all is known from a minimum cut (Greig, Porteous and Seheult 1989). Iterated conditional modes,
which turns single pixels as long as that helps, stops well above it; the mean field comes nearer.
"""

from typing import Annotated

import networkx as nx
import numpy as np
import typer
from numpy.typing import NDArray

import circuitsim as cs
from circuitsim.cli import practice, training
from circuitsim.cli.scenarios import Json, Report, Seed, play
from circuitsim.learning import ising

Noise = Annotated[float, typer.Option(help="The share of pixels that are turned.", min=0.0, max=0.5)]
Sweeps = Annotated[int, typer.Option(help="How many sweeps to unroll.", min=1, max=100)]
Field = Annotated[float, typer.Option("--h", help="How much a pixel is like what was seen.", min=0.0)]
Bond = Annotated[float, typer.Option("--j", help="How much neighbours are alike.", min=0.0)]


def build(h: float, j: float, sweeps: int) -> cs.Circuit:
    """Return the mean field, a layer for each sweep."""
    circuit = cs.Circuit("mean field")
    y, seen, bond = circuit.input("y"), circuit.parameter("h", h), circuit.parameter("j", j)
    cross = np.array([[[[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]]])
    m = y
    for sweep in range(1, sweeps + 1):
        field = seen * y + bond * cs.conv2d(m, cross, pad=1)
        m = 0.5 * (m + cs.tanh(field))
        circuit.output(f"sweep{sweep}", m)
    circuit.output("field", 2.0 * field)  # the log-odds of a pixel
    return circuit


def lowest(y: NDArray[np.float64], h: float, j: float) -> NDArray[np.float64]:
    """Return the picture of the lowest energy, by a minimum cut."""
    graph, places = nx.grid_2d_graph(*y.shape).to_directed(), list(np.ndindex(y.shape))
    nx.set_edge_attributes(graph, 2.0 * j, "capacity")
    for place in places:
        graph.add_edge(*(("black", place) if y[place] > 0.0 else (place, "white")), capacity=2.0 * h)
    black = nx.minimum_cut(graph, "black", "white", flow_func=nx.algorithms.flow.boykov_kolmogorov)[1][0]
    return np.array([1.0 if place in black else -1.0 for place in places]).reshape(y.shape)


def main(
    noise: Noise = 0.15,
    h: Field = 1.0,
    j: Bond = 0.9,
    sweeps: Sweeps = 12,
    iterations: practice.Iterations = 0,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: practice.SavePicture = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    true = ising.digits()
    y = np.where(np.random.default_rng(seed).random(true.shape) < noise, -true, true)
    trainer = cs.Trainer(
        training.make_engine(engine, build(h, j, sweeps)), cs.forces.logistic, cs.Adam(0.02), output="field"
    )
    history = trainer.fit({"y": y[:, None]}, true[:, None], iterations, batch="all", seed=seed)
    h, j = (float(trainer.engine.parameters[name]) for name in "hj")
    seen = trainer.engine.forward({"y": y[:, None]})
    ways = {
        "noisy": y,
        "iterated modes": ising.iterated_modes(y, h, j),
        "mean field": np.where(np.asarray(seen["field"])[:, 0] > 0.0, 1.0, -1.0),
        "lowest energy": np.array([lowest(one, h, j) for one in y]),
    }
    energies = {name: ising.energy(x, y, h, j) for name, x in ways.items()}
    wrong = {name: int(np.sum(x != true)) for name, x in ways.items()}

    report = Report("denoise", seed, {})
    report.table(
        f"{len(y)} pictures of {true[0].size} pixels, h = {h:.4g}, j = {j:.4g}",
        "picture | wrong pixels | energy of digit 0 | mean energy",
        [(name, str(wrong[name]), energies[name][0], float(energies[name].mean())) for name in ways],
    )
    report.results |= {
        "iterations": history.iterations, "engine": engine, "objective": float(energies["mean field"].mean()),
        "loss": history.cost, "accuracy": history.accuracy, "wrong": wrong, "energies": energies, "noisy": y,
        "parameters": trainer.engine.parameters,
    }  # fmt: skip
    if save is not None:
        from circuitsim.views.sweeps import draw_sweeps  # only who saves pays for matplotlib

        stages = {f"sweep {n}": np.asarray(seen[f"sweep{n}"])[:, 0] for n in sorted({1, 2, 4, sweeps}) if n <= sweeps}
        draw_sweeps(
            {"noisy": y} | stages | {name: ways[name] for name in ("iterated modes", "lowest energy")} | {"true": true},
            [0, 3, 8],
            save,
            f"{wrong['noisy']} wrong pixels become {wrong['mean field']}",
            f"The mean field doubts less with each sweep: grey is 0. Orange marks what is wrong in the end. Iterated "
            f"modes leave {wrong['iterated modes']} wrong, the lowest energy {wrong['lowest energy']} of {true.size}.",
        )
    return report


if __name__ == "__main__":
    play(main)
