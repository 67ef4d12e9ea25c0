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
from circuitsim.cli.scenarios import Json, Report, SaveTimeline, Seed, check_stream, play, watched
from circuitsim.plan import auto
from circuitsim.plan.schedules import SCHEDULES
from circuitsim.trace.report import StreamReport
from circuitsim.views import save_streams
from circuitsim.views.forms import check_streams

STEP = 0.1
EXAMPLES = 4  # in each microbatch


def main(
    stages: Annotated[
        int | None, typer.Option(help="How many devices, each with a part of the network.", min=1)
    ] = None,
    microbatches: Annotated[int | None, typer.Option(help="How many microbatches in a batch.", min=1)] = None,
    forward: Annotated[
        str, typer.Option(help="Ticks of F for a microbatch on a device: for all, or for each, 1,1,2.5,1.")
    ] = "1",
    backward: Annotated[str, typer.Option(help="The same for I, the gradient to the data.")] = "1",
    weight: Annotated[str, typer.Option(help="The same for W, the gradient to the parameters.")] = "1",
    latency: Annotated[float, typer.Option(help="Ticks from one device to another.")] = 0.0,
    message_bytes: Annotated[
        str | None, typer.Option(help="Bytes of a message: of all, or of those that each device sends on.")
    ] = None,
    activation_bytes: Annotated[
        str | None, typer.Option(help="Bytes that F leaves on a device for a microbatch: on all, or on each.")
    ] = None,
    memory_bytes: Annotated[
        float | None, typer.Option(help="Bytes that a device has for activations: auto keeps to it.")
    ] = None,
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
    times = [
        numbers(text, f"{kind} times", p)
        for kind, text in (("forward", forward), ("backward", backward), ("weight", weight))
    ]
    activations = None if activation_bytes is None else numbers(activation_bytes, "activation bytes", p)
    messages = None if message_bytes is None else numbers(message_bytes, "message bytes", p)
    kept = kept if memory_bytes is None else 1.0  # bytes are counted whole until W
    limits = room(memory, memory_bytes, activations, p)
    search = partial(
        auto, forward=times[0], backward=times[1], weight=times[2], latency=latency, limit=limits, kept=kept
    )
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
    reports: dict[str, StreamReport] = {}
    traces, parameters, gradients = {}, {}, {}
    for name, one in watched("schedules", chosen):
        stages_of_it, barrier = (p, True) if one is None else (one.stages, one.barrier)
        each = stages_of_it / p
        device = [stage * p // stages_of_it for stage in range(stages_of_it)]  # whose part of the network it is

        def cut(row: list[float], device: list[int] = device, each: float = each) -> list[float]:
            return [row[part] / each for part in device]

        placement = cs.place(circuit, stages_of_it, cost=lambda gate: float(gate.startswith("tanh")))
        simulation = cs.Simulation(
            circuit,
            cs.Plan(placement, schedule=one or "fifo", overlap=overlap),
            cluster=cs.Cluster(link=link),
            costs=cs.Costs(
                cut(times[0]),
                cut(times[1]),
                cut(times[2]),
                bytes=None if messages is None else sizes_of(placement, [messages[part] for part in device]),
                activations=None if activations is None else cut(activations),
            ),
        )
        simulation.learn(cs.SGD(STEP))
        run = simulation.stream(examples, gradient=-1.0 / m)
        assert run.trace is not None
        traces[name], parameters[name], gradients[name] = run.trace, run.parameters, run.gradients
        reports[name], path = run.report, run.critical_path
        figures[name] = {
            **figures_of(reports[name], barrier),
            "critical_path": {"work": path.work, "transfers": path.transfers},
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
        "best": best(figures),
        "best_in_memory": best(figures, memory_bytes),
        "outputs": {"loss": first["loss"]},
        "parameters": next(iter(parameters.values())),
        "schedules": figures,
        "same_as_without_devices": same,
    }
    report = Report("pipeline", seed, results | (first if len(figures) == 1 else {}))
    report.table(
        f"{p} devices, {m} microbatches, F = {told(times[0])}, I = {told(times[1])}, "
        f"W = {told(times[2])}, latency {latency:g}",
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
            for name, found in sorted(figures.items(), key=lambda item: item[1]["makespan"])
        ],
    )
    if len(figures) == 1:
        [(name, told_of)] = reports.items()
        report.table(
            f"The devices in {name}",
            "device | busy | of all | idle for",
            [
                (device, told_of.busy[number], f"{told_of.utilisation[number]:.1%}", told_of.tell_idle(number))
                for number, device in enumerate(told_of.devices)
            ],
        )
    for sentence in verdict(figures, memory_bytes):
        report.note(sentence)
    report.note(bottleneck(reports))
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
    if "auto" in figures:
        if any(peak > limit for peak, limit in zip(figures["auto"]["peaks"], limits, strict=True)):
            report.note(
                f"auto keeps {told(limits)} activations at most, of which a microbatch counts as {kept:g} from its I "
                "to its W; --kept 1 counts it whole."
            )
        report.note("auto puts one stage on each device; interleaved and zb-v put two there, which fills more gaps.")
    if "interleaved" not in chosen and schedule == "all" and own is None:
        report.note(f"interleaved is left out: {m} microbatches are no multiple of {p} devices.")
    if save is not None:
        save_streams({f"{name}: {figures[name]['makespan']:g} ticks": t for name, t in traces.items()}, save)
    return report


def numbers(text: str, what: str, devices: int) -> list[float]:
    """Return numbers for all devices, from one number or from as many with commas between them."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) not in (1, devices) or any(not 0 <= number < float("inf") for number in found):
        raise cs.InputError(
            f"the {what} are {text[:40]!r}: give a number from 0 up for all {devices} devices, or {devices} with commas"
        )
    return found * (devices if len(found) == 1 else 1)


def room(memory: float | None, budget: float | None, activations: list[float] | None, devices: int) -> list[float]:
    """Return how many activations each device may keep."""
    limits = [2.0 * devices if memory is None else memory] * devices
    if budget is None:
        return limits
    if activations is None:
        raise cs.InputError("--memory-bytes needs to know what an activation takes: give --activation-bytes too")
    for device, size in enumerate(activations):
        if not budget >= size:
            raise cs.InputError(
                f"--memory-bytes {budget:g} leaves no room for one activation of {size:g} bytes on device {device}"
            )
    most = [budget // size if size else float("inf") for size in activations]
    return most if memory is None else [min(one) for one in zip(most, limits, strict=True)]


def sizes_of(placement: cs.Placement, sizes: list[float]) -> dict[str, float]:
    """Return the bytes of messages, by the gate that makes them."""
    return {gate: size for stage, size in zip(placement.stages, sizes, strict=True) for gate in stage}


def told(row: list[float]) -> str:
    """Return a number, or several where devices differ."""
    return f"{row[0]:g}" if len(set(row)) == 1 else ",".join(f"{number:g}" for number in row)


def best(figures: dict[str, Any], budget: float | None = None) -> str | None:
    """Return the schedule that ends first, of those that keep to the memory; of several, the one that keeps least."""
    fitting = [
        (found["makespan"], max(found["peak_bytes"]), name)
        for name, found in figures.items()
        if budget is None or max(found["peak_bytes"]) <= budget
    ]
    return min(fitting)[2] if fitting else None


def verdict(figures: dict[str, Any], budget: float | None) -> Iterator[str]:
    """Yield which schedule to take."""
    if len(figures) > 1:
        fewest = best(figures)
        assert fewest is not None
        order = sorted(figures, key=lambda name: (max(figures[name]["peak_bytes"]), figures[name]["makespan"]))
        least = order[0]
        sentence = f"Best in ticks: {shown(fewest, figures)}."
        if max(figures[least]["peak_bytes"]) < max(figures[fewest]["peak_bytes"]):
            sentence += f" Least memory: {shown(least, figures)}."
        yield sentence
        if budget is not None:
            fits = best(figures, budget)
            yield (
                f"No schedule keeps to {budget:,.0f} bytes on each device."
                if fits is None
                else f"Best within {budget:,.0f} bytes on each device: {shown(fits, figures)}."
            )
    elif budget is not None:
        [found] = figures.values()
        fits = max(found["peak_bytes"]) <= budget
        yield f"It {'keeps' if fits else 'does not keep'} to {budget:,.0f} bytes on each device."


def bottleneck(reports: dict[str, StreamReport]) -> str:
    """Return a sentence on the device that holds the others up, in one schedule or in all."""
    if len(reports) == 1:
        [sentence] = [found.tell_bottleneck() for found in reports.values()]
        return f"{sentence[0].upper()}{sentence[1:]}."
    devices = {None if found.bottleneck is None else found.devices[found.bottleneck] for found in reports.values()}
    if len(devices) == 1 and None not in devices:
        return f"The bottleneck of all schedules is {devices.pop()}."
    return "No device is the bottleneck of all schedules."


def shown(name: str, figures: dict[str, Any]) -> str:
    """Return a schedule with its ticks and what it keeps."""
    return f"{name}, {figures[name]['makespan']:g} ticks with {max(figures[name]['peak_bytes']):,.0f} bytes kept"


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
        "devices": list(found.devices),
        "busy": found.busy,
        "utilisations": found.utilisation,
        "idle": found.idle,
        "bottleneck": None if found.bottleneck is None else found.devices[found.bottleneck],
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
