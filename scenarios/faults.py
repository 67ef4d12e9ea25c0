"""Faults: a pipeline trains over links that lose, repeat and reorder messages, on devices that crash.

Messages are sent until they are acknowledged, what comes twice is dropped, and a device that crashes goes back to its
last saved state and does again what it had done since. It takes longer, and ends with the same parameters to the bit.
"""

from typing import Annotated, Any

import numpy as np
import typer

import circuitsim as cs
from circuitsim.cli.scenarios import Json, Report, SaveTimeline, Seed, check_stream, play, watched
from circuitsim.files import check_path
from circuitsim.plan.schedules import SCHEDULES
from circuitsim.views import save_streams
from circuitsim.views.forms import TIMELINES

STEP = 0.1


def main(
    stages: Annotated[int, typer.Option(help="How many devices the pipeline has.", min=1)] = 4,
    microbatches: Annotated[int, typer.Option(help="How many microbatches in a batch.", min=1)] = 8,
    batches: Annotated[int, typer.Option(help="How many batches.", min=1)] = 3,
    schedule: Annotated[str, typer.Option(help=f"One of {', '.join(SCHEDULES)}.")] = "1f1b",
    latency: Annotated[float, typer.Option(help="Mean ticks from one device to another.")] = 0.5,
    loss: Annotated[float, typer.Option(help="The part of all messages that get lost.")] = 0.2,
    duplicate: Annotated[float, typer.Option(help="The part that come twice.")] = 0.1,
    reorder: Annotated[float, typer.Option(help="The part that are held up and overtaken.")] = 0.2,
    crash_every: Annotated[float, typer.Option(help="Mean ticks from a crash of a device to its next.")] = 100.0,
    downtime: Annotated[float, typer.Option(help="Ticks that a crashed device is down.")] = 8.0,
    checkpoint_every: Annotated[float, typer.Option(help="Ticks from one saved state to the next.")] = 10.0,
    retry_after: Annotated[float, typer.Option(help="Ticks after which a message is sent again.")] = 4.0,
    seed: Seed = 0,
    save: SaveTimeline = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    if save is not None:
        check_path(save, TIMELINES)
    chunks = 2 if schedule in ("interleaved", "zb-v") else 1
    check_stream(stages * chunks, microbatches * batches)
    circuit = network(stages * chunks)
    random = np.random.default_rng(seed)
    examples = [{"x": x, "y": np.sin(2 * x)} for x in random.uniform(-1, 1, (microbatches * batches, 4))]
    wait = cs.exponential(latency)
    failing = cs.Link(wait, loss=loss, duplicate=duplicate, reorder=reorder)
    plan = cs.Plan(
        cs.place(circuit, stages * chunks, cost=lambda gate: float(gate.startswith("tanh"))),
        schedule=schedule,
        microbatches=microbatches,
        checkpoint_every=checkpoint_every,
        retry_after=retry_after,
    )
    cases = {
        "nothing": cs.Cluster(link=cs.Link(wait)),
        "links": cs.Cluster(link=failing),
        "crashes": cs.Cluster(link=cs.Link(wait), crash_every=crash_every, downtime=downtime),
        "both": cs.Cluster(link=failing, crash_every=crash_every, downtime=downtime),
    }
    runs: dict[str, cs.StreamRun] = {}
    for name, cluster in watched("what fails", cases):
        simulation = cs.Simulation(circuit, plan, cluster=cluster, seed=seed)
        simulation.learn(cs.Momentum(STEP))
        runs[name] = simulation.stream(examples, gradient=-1.0 / microbatches)

    expected = runs["nothing"].parameters
    found = {name: figures(run, expected) for name, run in runs.items()}
    report = Report(
        "faults",
        seed,
        {
            "iterations": batches,
            "outputs": {"loss": float(np.mean([out["loss"] for out in runs["both"].outputs[-microbatches:]]))},
            "parameters": runs["both"].parameters,
            "cases": found,
        },
    )
    report.table(
        f"{schedule} on {stages} devices, {batches} batches of {microbatches}",
        "what fails | ticks | messages | lost | dropped | crashes | work | the same",
        [
            (
                name,
                f"{entry['makespan']:.1f}",
                str(entry["messages"]),
                str(entry["lost"]),
                str(entry["dropped"]),
                str(entry["crashes"]),
                str(entry["work"]),
                "to the bit" if entry["same"] else "no",
            )
            for name, entry in found.items()
        ],
    )
    report.note("Dropped is what the receiver had already, or was not there to take; work is done again after a crash.")
    if save is not None:
        shown = {f"what fails: {name}": runs[name].trace for name in ("nothing", "both")}
        save_streams({title: trace for title, trace in shown.items() if trace is not None}, save)
    return report


def network(layers: int) -> cs.Circuit:
    """Return a chain of layers tanh(w x + b) and the squared distance from y."""
    circuit = cs.Circuit("faults")
    x, y = circuit.inputs("x y")
    for layer in range(layers):
        weight, bias = circuit.parameters(**{f"w{layer}": 1.2 + 0.1 * layer, f"b{layer}": 0.1})
        x = cs.tanh(weight * x + bias)
    circuit.output("loss", cs.square(x - y))
    return circuit


def figures(run: cs.StreamRun, expected: dict[str, Any]) -> dict[str, Any]:
    """Return what one case came to."""
    fates = [transfer.fate for transfer in run.timeline.transfers]
    return {
        "makespan": run.report.makespan,
        "messages": len(fates),
        "lost": fates.count("lost"),
        "dropped": fates.count("dropped"),
        "crashes": len(run.timeline.outages),
        "work": len(run.timeline.work),
        "same": all(
            np.asarray(run.parameters[name]).tobytes() == np.asarray(expected[name]).tobytes() for name in expected
        ),
    }


if __name__ == "__main__":
    play(main)
