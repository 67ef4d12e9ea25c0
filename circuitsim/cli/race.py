"""A race of plans: the same network learns the same points through one plan after the other, and the clock runs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from circuitsim import gates
from circuitsim.circuit import Circuit, Wire
from circuitsim.circuit.dense import dense
from circuitsim.cli.scenarios import Report
from circuitsim.cli.training import TWO_SIDED
from circuitsim.learning import SGD, Dataset, Trainer
from circuitsim.learning.forces import logistic, loss
from circuitsim.simulation import Simulation

__all__ = ["BATCH", "DataToo", "race"]

BATCH = 64  # examples that go through a plan before the trainer chooses others

DataToo: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="FILE.csv",
        help=f"Teach a network these points: a label in the last column, or one of {', '.join(TWO_SIDED)}.",
    ),
]


def network(features: int, seed: int) -> Circuit:
    """Return a network of three layers with its loss."""
    circuit = dense([features, 16, 16, 1], "tanh", init="xavier", seed=seed)
    score = gates.sum(Wire(circuit, circuit.outputs["scores"]), axis=-1)
    circuit.output("score", score)
    circuit.output("loss", logistic.loss(score, circuit.input("target")))
    return circuit


def race(
    report: Report,
    data: Dataset,
    engines: Mapping[str, Callable[[Circuit], Simulation]],
    *,
    updates: int,
    step: float,
    save: Path | None = None,
) -> None:
    """Train a network through one plan after the other, each example an update, and report how far each came and when.

    Parameters
    ----------
    report : Report
        What is added to.
    data : Dataset
        What the network learns.
    engines : mapping of str to callable
        By what to call it, a function that returns a simulation of the network with a plan for batches of `BATCH`.
    updates : int
        How many updates to make, rounded up to whole batches.
    step : float
        How far parameters go for the gradient of one example.
    save : path, optional
        Where to draw the loss.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, make in engines.items():
        engine = make(network(len(data.features), report.seed))
        trainer = Trainer(engine, loss, SGD(step * BATCH), output="loss")  # it pulls with the mean of a batch
        history = trainer.fit(
            data.points, data.labels, -(-updates // BATCH), batch=BATCH, order="shuffled", seed=report.seed
        )
        scores = engine.forward({"x": data.points, "target": data.labels})["score"]
        found[name] = {
            "updates": history.iterations * BATCH,
            "ticks": history.elapsed,
            "loss": history.cost,
            "accuracy": logistic.accuracy(scores, data.labels),
            "history": [{"ticks": done.ticks, "loss": done.cost} for done in history.evaluations],
            "parameters": engine.parameters,
        }
    report.table(
        f"a network learns {len(data)} points of {data.name}, step {step:g}",
        f"{report.scenario} | updates | ticks | loss | accuracy",
        [
            (name, str(entry["updates"]), f"{entry['ticks']:.1f}", f"{entry['loss']:.4f}", f"{entry['accuracy']:.1%}")
            for name, entry in found.items()
        ],
    )
    last = list(found.values())[-1]
    report.results |= {"data": data.name, "step": step, "iterations": last["updates"], "found": found}
    report.results |= {name: last[name] for name in ("accuracy", "loss", "parameters")}
    if save is not None:
        from circuitsim.views.line_charts import Panel, draw_lines  # only who saves pays for matplotlib

        curves = {
            name: ([shot["ticks"] for shot in entry["history"]], [shot["loss"] for shot in entry["history"]])
            for name, entry in found.items()
        }
        draw_lines([Panel("the loss after so many ticks", "ticks", "loss", curves)], save)
