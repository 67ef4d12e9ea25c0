"""A pipeline: one network on several devices, its microbatches in the orders of the literature or one of your own.

Real numbers flow: every schedule ends with the same parameters, to the last bit, as a plain simulation without devices.
A table of your own (--table) has a row for each rank and cells such as 0F3, 2I1, 2W1 or 1B4, as PyTorch writes them.
"""

from collections.abc import Iterator
from functools import partial
from math import lcm
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

import circuitsim as cs
from circuitsim.cli.scenarios import Json, Report, SaveTimeline, Seed, check_stream, play
from circuitsim.plan import auto
from circuitsim.plan.schedules import SCHEDULES
from circuitsim.progress import progress_bar
from circuitsim.trace.report import StreamReport
from circuitsim.views import save_streams
from circuitsim.views.forms import check_streams

STEP = 0.1
EXAMPLES = 4  # in each microbatch

Ticks = Annotated[float, typer.Option(help="Ticks that it takes for a microbatch on a device.")]


def main(
    stages: Annotated[
        int | None, typer.Option(help="How many devices, each with a part of the network.", min=1)
    ] = None,
    microbatches: Annotated[int | None, typer.Option(help="How many microbatches in a batch.", min=1)] = None,
    forward: Ticks = 1.0,
    backward: Annotated[float, typer.Option(help="The same for I, the gradient to the data.")] = 1.0,
    weight: Annotated[float, typer.Option(help="The same for W, the gradient to the parameters.")] = 1.0,
    latency: Annotated[float, typer.Option(help="Ticks from one device to another.")] = 0.0,
    bandwidth: Annotated[float, typer.Option(help="Bytes that enter a link in a tick.")] = float("inf"),
    schedule: Annotated[str, typer.Option(help=f"One of fifo, {', '.join(SCHEDULES)}, auto; or all.")] = "all",
    table: Annotated[Path | None, typer.Option(help="A file with a schedule of your own, a row for each rank.")] = None,
    chunks: Annotated[int, typer.Option(help="Stages on each device, for interleaved.", min=1)] = 2,
    memory: Annotated[
        float | None, typer.Option(help="Most activations on a device, for auto; twice the stages.")
    ] = None,
    kept: Annotated[float, typer.Option(help="Part of an activation that W still needs after I, for auto.")] = 0.4,
    serial: Annotated[bool, typer.Option("--serial", help="Links carry one transfer at a time.")] = False,
    receives: Annotated[
        Literal["free", "early", "late"],
        typer.Option(
            help="Whether receives block: posted as soon as the other side sends, or just before they are needed."
        ),
    ] = "free",
    overlap: Annotated[bool, typer.Option("--overlap", help="Blocking transfers go beside the work.")] = False,
    seed: Seed = 0,
    save: SaveTimeline = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    if save is not None:
        check_streams(save, several=schedule == "all" and table is None)
    own = None if table is None else cs.Schedule.from_table(table, stages=None, microbatches=microbatches)
    p = stages or (own.devices if own else 4)
    m = microbatches or (own.microbatches if own else 8)
    if own is not None and own.devices != p:
        raise cs.ScheduleError(f"the table {str(table)!r} has {own.devices} ranks, not {p}: leave --stages out")

    check_stream(p * chunks, m)
    search = partial(auto, forward=forward, backward=backward, weight=weight, latency=latency, limit=memory, kept=kept)
    makers = {name: make for name, make in SCHEDULES.items() if name != "interleaved" or m % p == 0}
    makers |= {"interleaved": partial(SCHEDULES["interleaved"], chunks=chunks)} if "interleaved" in makers else {}
    makers["auto"] = search
    if own is not None:
        chosen: dict[str, cs.Schedule | None] = {own.name: own}
    elif schedule == "all":
        chosen = {"fifo": None} | {name: make(p, m) for name, make in makers.items()}
    elif schedule == "fifo":
        chosen = {"fifo": None}
    elif schedule in SCHEDULES or schedule == "auto":
        make = partial(SCHEDULES[schedule], chunks=chunks) if schedule == "interleaved" else makers[schedule]
        chosen = {schedule: make(p, m)}
    else:
        raise cs.ScheduleError(f"there is no schedule {schedule!r}: use fifo, {', '.join(SCHEDULES)}, auto; or all")
    if receives != "free":
        early = receives == "early"
        chosen = {name: one.with_transfers(early=early) for name, one in chosen.items() if one is not None}

    layers = lcm(p, *(one.stages for one in chosen.values() if one is not None))
    circuit = network(layers)
    examples = data(m, seed)
    link = cs.Link(latency, bandwidth, serial)
    figures: dict[str, Any] = {}
    traces, parameters, gradients = {}, {}, {}
    for name, one in show_progress(chosen):
        stages_of_it, barrier = (p, True) if one is None else (one.stages, one.barrier)
        each = stages_of_it / p
        placement = cs.place(circuit, stages_of_it, cost=lambda gate: float(gate.startswith("tanh")))
        simulation = cs.Simulation(
            circuit,
            cs.Plan(placement, schedule=one or "fifo", overlap=overlap),
            cluster=cs.Cluster(link=link),
            costs=cs.Costs(forward / each, backward / each, weight / each),
        )
        simulation.learn(cs.SGD(STEP))
        run = simulation.stream(examples, gradient=-1.0 / m)
        assert run.trace is not None
        traces[name], parameters[name], gradients[name] = run.trace, run.parameters, run.gradients
        figures[name] = {
            **figures_of(run.report, barrier),
            "loss": float(np.mean([o["loss"] for o in run.outputs])),
        }

    first = next(iter(figures.values()))
    expected = without_devices(circuit, examples, -1.0 / m)
    same = all(same_bits(found, expected) for found in gradients.values()) and all(
        same_bits(found, next(iter(parameters.values()))) for found in parameters.values()
    )
    results = {
        "iterations": 1,
        "stages": p,
        "microbatches": m,
        "outputs": {"loss": first["loss"]},
        "parameters": next(iter(parameters.values())),
        "schedules": figures,
        "same_as_without_devices": same,
    }
    report = Report("pipeline", seed, results | (first if len(figures) == 1 else {}))
    report.table(
        f"{p} devices, {m} microbatches, F = {forward:g}, I = {backward:g}, W = {weight:g}, latency {latency:g}",
        "schedule | ticks | span | bubble | ratio | peak W | peak I | bytes",
        [
            (
                name,
                found["makespan"],
                found["largest_span"],
                found["bubble"],
                f"{found['bubble_ratio']:.4f}",
                found["peak"],
                found["data_peak"],
                str(max(found["peak_bytes"])),
            )
            for name, found in figures.items()
        ],
    )
    report.note(
        "The span is a device's largest. Bubbles are of all ticks; for zb-h2, zb-v and auto, which\n"
        "need no barrier, of the span. Peaks are of microbatches that went forward and whose W, or\n"
        "whose I, is not done."
    )
    report.note(
        "All gradients and parameters are the same, to the last bit, as without devices."
        if same
        else "Some gradients or parameters differ from those without devices."
    )
    limit = 2.0 * p if memory is None else memory
    if "auto" in figures and figures["auto"]["peak"] > limit:
        report.note(
            f"auto keeps {limit:g} activations at most, of which a microbatch counts as {kept:g} from its I to its W; "
            "--kept 1 counts it whole."
        )
    if "interleaved" not in chosen and schedule == "all" and own is None:
        report.note(f"interleaved is left out: {m} microbatches are no multiple of {p} devices.")
    if save is not None:
        save_streams({f"{name}: {figures[name]['makespan']:g} ticks": t for name, t in traces.items()}, save)
    return report


def show_progress(chosen: dict[str, cs.Schedule | None]) -> Iterator[tuple[str, cs.Schedule | None]]:
    """Yield the schedules one after the other; a bar shows which one runs."""
    with progress_bar("schedules", len(chosen)) as done:
        for number, (name, one) in enumerate(chosen.items()):
            done(number, name)
            yield name, one


def network(layers: int) -> cs.Circuit:
    """Return a chain of layers tanh(w x + b) and the squared distance from y."""
    circuit = cs.Circuit("pipeline")
    x, y = circuit.inputs("x y")
    for layer in range(layers):
        weight, bias = circuit.parameters(**{f"w{layer}": 1.0 + 0.5 * (layer % 3), f"b{layer}": 0.1 * (layer % 4)})
        x = cs.tanh(weight * x + bias)
    distance = x - y
    circuit.output("loss", distance * distance)
    return circuit


def data(microbatches: int, seed: int) -> list[dict[str, Any]]:
    """Return so many microbatches of a few examples."""
    random = np.random.default_rng(seed)
    return [{"x": random.uniform(-1, 1, EXAMPLES), "y": random.uniform(-1, 1, EXAMPLES)} for _ in range(microbatches)]


def without_devices(circuit: cs.Circuit, examples: list[dict[str, Any]], gradient: float) -> dict[str, Any]:
    """Return the gradients of the parameters summed over all examples, one after the other in a plain simulation."""
    simulation = cs.Simulation(circuit, trace=False)
    total: dict[str, Any] = {}
    for example in examples:
        simulation.forward(example)
        gradients = simulation.backward(gradient)
        total = {name: total[name] + gradients[name] if total else gradients[name] for name in simulation.parameters}
    return total


def same_bits(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Tell whether all numbers are the same to the last bit."""
    return all(np.asarray(first[name]).tobytes() == np.asarray(second[name]).tobytes() for name in second)


def figures_of(found: StreamReport, barrier: bool) -> dict[str, Any]:
    """Return the figures of one schedule for programs."""
    return {
        "makespan": found.makespan,
        "largest_span": found.largest_span,
        "bubble": found.bubble if barrier else found.span_bubble,
        "bubble_ratio": found.bubble_ratio if barrier else found.span_bubble_ratio,
        "makespan_bubble_ratio": found.bubble_ratio,
        "span_bubble_ratio": found.span_bubble_ratio,
        "utilisation": float(np.mean(found.utilisation)),
        "peak": max(found.peaks),
        "data_peak": max(found.data_peaks),
        "peaks": found.peaks,
        "data_peaks": found.data_peaks,
        "peak_bytes": found.peak_bytes,
        "messages": sum(found.messages.values()),
        "bytes": sum(found.bytes.values()),
    }


if __name__ == "__main__":
    play(main)
