"""Writes streams as a page to play with: the circuit by its devices, and below it their timeline, on one clock.

What the page's scripts take, for each stream:

    title, question, about            what it is called, what the page asks, and what is to be seen
    devices                           their names
    server                            the number of the one that keeps the parameters, if there is one
    batch, span                       microbatches in a batch; first start and last end
    work                              pieces: ``[device, kind, stage, tag, start, end]``, by start
    gaps                              what idle devices wait for: ``[device, start, end, reason, source]``
    memory                            for each device the steps ``[time, microbatches kept]``
    peaks                             for each device the most that it kept
    outages                           ``[device, start, end]``
    updates                           ``[device, time, [[parameter, value before, value, tag, staleness], …]]``
    transfers                         messages that took time: ``[what, source, target, tag, start, end, fate, stages at
                                      the wire's ends]``
    dense                             whether the circuit is drawn small
    stages                            ``{gates, circuit, in, out, parameters}``, as `_stage` says
    numbers, felt                     texts of what wires carried and of what parameters felt, by example
    figures                           a row of texts for each device
    bottleneck                        a sentence on the device that is busiest
    totals                            texts: ticks in all, the most that a device waited, the most that one kept
"""

from collections.abc import Mapping
from html import escape
from os import PathLike
from typing import Any

from circuitsim.files import check_path
from circuitsim.gates.value import Value, show
from circuitsim.trace.critical_path import idle_spans
from circuitsim.trace.kinds import Kind
from circuitsim.trace.report import StreamReport, memory_over_time, report
from circuitsim.trace.trace import Trace
from circuitsim.views.forms import PAGES
from circuitsim.views.html_page import block, fill, save_page
from circuitsim.views.stage_circuit import MOST_GATES, stage_circuit
from circuitsim.views.style import minus, plain
from circuitsim.views.timeline_svg import timeline_svg

__all__ = ["stream_page", "write_streams"]

MOST_NUMBERS = 40_000  # in one stream, above which the page tells what devices do and not what they compute
FEW_GATES = 20  # in all, above which they are drawn smaller
SHARP = 1e-9  # a transfer that takes a smaller part of the span than this takes no time

SCRIPTS = ("numbers.js", "page.js", "stream_data.js", "stream_devices.js", "stream_chart.js", "stream.js")


def write_streams(traces: Mapping[str, Trace], path: str | PathLike[str]) -> None:
    """Write a page that plays the traces of streams on devices, by their titles; the suffix must be ``.html``.

    Raises
    ------
    SaveError
        If the suffix is another or the file cannot be written.
    TraceError
        If one of them did not run on devices.
    """
    save_page(stream_page(traces), check_path(path, PAGES))


def stream_page(traces: Mapping[str, Trace]) -> str:
    """Return the text of the page."""
    streams = [_stream(title, trace) for title, trace in traces.items()]
    name = next((trace.netlist.name for trace in traces.values()), "") or "Stream"
    pictures = "".join(f"<figure>{_caption(stream)}{timeline_svg(stream)}</figure>" for stream in streams)
    return fill(name, block("streams", streams), "stream.html", ("look.css", "stream.css"), SCRIPTS, picture=pictures)


def _caption(stream: dict[str, Any]) -> str:
    """Return what stands above a still picture."""
    keys = "green is forward, red is backward, white is backward to the weights, grey is what is kept"
    return f"<figcaption>{escape(plain(stream['title']))}: {keys}.</figcaption>"


def _stream(title: str, trace: Trace) -> dict[str, Any]:
    """Return what the page's scripts take of one stream."""
    timeline, found = trace.timeline, report(trace.timeline)
    work = sorted(timeline.work, key=lambda piece: piece.start)
    ends = [*(p.end for p in work), *(u.time for u in timeline.updates), *(outage.end for outage in timeline.outages)]
    span = (work[0].start if work else 0.0, max(ends, default=0.0))
    numbers, felt = _numbers(trace)
    assert trace.layout is not None
    stage_of, wires = trace.layout.stage_of(trace.netlist), trace.netlist.wires
    dense = len(stage_of) > FEW_GATES
    return {
        "title": title or "Stream",
        "question": _question(found),
        "about": _about(trace),
        "devices": timeline.devices,
        "server": trace.layout.server,
        "batch": timeline.batch,
        "span": span,
        "work": [(p.device, p.kind, p.stage, p.tag, p.start, p.end) for p in work],
        "gaps": idle_spans(timeline),
        "memory": [_steps([(time, kept) for time, kept, _, _ in series]) for series in memory_over_time(timeline)],
        "peaks": found.peaks,
        "outages": timeline.outages,
        "updates": _updates(trace),
        "transfers": [
            (t.what, t.source, t.target, t.tag, t.start, t.end, t.fate, *map(stage_of.get, wires[t.wire][:2]))
            for t in timeline.transfers
            if t.end - t.start > SHARP * (span[1] - span[0])
        ],
        "dense": dense,
        "stages": [_stage(trace, stage, dense) for stage in range(len(trace.layout.stages))],
        "numbers": numbers,
        "felt": felt,
        "figures": _figures(found),
        "bottleneck": found.tell_bottleneck(),
        "totals": [_short(found.makespan), _short(_most_waited(found)), _short(max(found.peaks, default=0.0))],
    }


def _question(found: StreamReport) -> str:
    """Return what the page asks: who waits how long, or where nobody does, what there is to see."""
    span = f"{_short(found.makespan)} {'tick' if found.makespan == 1 else 'ticks'}"
    waits, most = _waits(found), _most_waited(found)
    if most <= 1e-9 * found.makespan:
        who = found.devices[next(iter(waits))] if len(waits) == 1 else "each device"
        return f"What does {who} do in {span}?"
    alike = len(waits) > 1 and all(most - wait <= 1e-9 * found.makespan for wait in waits.values())
    who = "each device" if alike else found.devices[max(waits, key=waits.__getitem__)]
    return f"Why does {who} wait {_short(most)} of {span}?"


def _waits(found: StreamReport) -> dict[int, float]:
    """Return how long each device waited that worked at all."""
    return {device: found.makespan - busy for device, busy in enumerate(found.busy) if busy}


def _most_waited(found: StreamReport) -> float:
    return max(_waits(found).values(), default=0.0)


def _about(trace: Trace) -> str:
    """Return a sentence on what is seen and one on what to do."""
    layout = trace.layout
    assert layout is not None
    if layout.replicas is not None:
        copies = "A worker computes" if layout.replicas == 1 else f"{layout.replicas} workers compute"
        what = f"{copies} gradients, and a server keeps the parameters."
    elif len(layout.devices) == 1:
        what = "One device works on one microbatch after another."
    else:
        what = "Each device holds a part of one network: values go forward, gradients come back."
    return f"{what} Click a piece of work, or a gap."


def _short(number: float) -> str:
    return minus(f"{number:.4g}" if abs(number) < 10_000 else f"{number:,.0f}")


def _steps(series: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the steps of a series at which something changes."""
    steps: list[tuple[float, float]] = []
    for time, kept in series:
        if steps and steps[-1][0] == time:
            steps.pop()
        if kept != (steps[-1][1] if steps else 0.0):
            steps.append((time, kept))
    return steps


def _stage(trace: Trace, stage: int, dense: bool) -> dict[str, Any]:
    """Return what a stage is.

    How many gates it has and their picture, where it is small; the wires that values come in and go out on, each
    ``[wire, stage at its other end or None, name of the input or output]``; and the names of its parameters.
    """
    netlist = trace.netlist
    known = netlist.of_kind("gate")
    assert trace.layout is not None
    gates = {known[name] for name in trace.layout.stages[stage]}
    stage_of = trace.layout.stage_of(netlist)
    coming, going = [], []
    parameters: dict[str, None] = {}
    for gate in sorted(gates):
        for wire in netlist.incoming[gate]:
            source = netlist.wires[wire].source
            node = netlist.nodes[source]
            if node.kind == "parameter":
                parameters[node.name] = None
            elif source not in gates and node.kind != "constant":
                coming.append((wire, stage_of.get(source), node.name))
        for wire in netlist.outgoing[gate]:
            target = netlist.wires[wire].target
            if target not in gates:
                going.append((wire, stage_of.get(target), netlist.nodes[target].name))
    return {
        "gates": len(gates),
        "circuit": stage_circuit(netlist, gates, dense) if 0 < len(gates) <= MOST_GATES else None,
        "in": coming,
        "out": going,
        "parameters": list(parameters),
    }


def _numbers(trace: Trace) -> tuple[dict[int, list[dict[int, str]]], dict[str, dict[int, str]]]:
    """Return what each wire carried, the values and the gradients by example, and what each parameter felt.

    Nothing, if the trace has no values or very many.
    """
    netlist, layout = trace.netlist, trace.layout
    assert layout is not None
    if not layout.values or len(trace) > 3 * MOST_NUMBERS:
        return {}, {}
    carried: dict[int, list[dict[int, str]]] = {}
    felt: dict[str, dict[int, str]] = {}
    count = 0
    for record in trace:
        if record.kind in (Kind.VALUE, Kind.GRADIENT):
            if netlist.nodes[netlist.wires[record.where].source].kind in ("parameter", "constant"):
                continue
            both = carried.setdefault(record.where, [{}, {}])
            both[record.kind is Kind.GRADIENT][record.tag] = _text(record.value)
        elif record.kind is Kind.BACKWARD and netlist.nodes[record.where].kind == "parameter":
            felt.setdefault(netlist.nodes[record.where].name, {})[record.tag] = _text(record.value)
        else:
            continue
        count += 1
    return (carried, felt) if count <= MOST_NUMBERS else ({}, {})


def _text(value: Value) -> str:
    return minus(show(value, 3))


def _updates(trace: Trace) -> list[tuple[int, float, list[tuple[str, str, str, int, int]]]]:
    """Return when parameters moved on which devices, those that moved together in one."""
    standing = {trace.netlist.nodes[node].name: _text(value) for node, value in trace.held.items()}
    moves: dict[tuple[float, int], list[tuple[str, str, str, int, int]]] = {}
    for update in trace.timeline.updates:
        name, value = update.parameter, _text(update.value)
        move = (name, standing.get(name, ""), value, update.tag, update.staleness)
        moves.setdefault((update.time, update.device), []).append(move)
        standing[name] = value
    return [(device, time, moved) for (time, device), moved in sorted(moves.items())]


def _figures(found: StreamReport) -> list[tuple[str, ...]]:
    """Return a row for each device: its name, what it was busy, of all, what it kept, and what it waited for."""
    return [
        (
            name,
            _short(found.busy[number]),
            f"{found.utilisation[number]:.1%}",
            _short(found.peaks[number]),
            found.tell_idle(number),
        )
        for number, name in enumerate(found.devices)
    ]
