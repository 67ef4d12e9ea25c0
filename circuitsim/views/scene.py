"""Turns a trace into the plain data that the player page draws: places, records, local derivatives, windows.

The page gets nothing else, and computes nothing that a trace does not say: it only looks up, formats and moves.
`scene` returns a dictionary that JSON can hold::

    title, size                      the circuit's name; width and height of the stage, in pixels
    notes                            sentences that the page shows about itself
    nodes                            name, kind, text in the body and below it, gate, operator, ports, place
    wires                            source, target, port, and the points of the path, as `views.places` has them
    tall                             the same circuit from top to bottom: its size, places and points, if it is small
    gates                            what each gate's documentation says in one sentence
    windows                          how many there are; `windows(trace)` yields them
    batch, batches                   of how many microbatches which batches are, as `views.flow.Flow` has it

A window is a stretch of time with at most `MOST_MESSAGES` messages, complete in itself: ``span``, what was on each
node and wire ``before`` it, the columns of its ``records``, the local derivatives (``slopes``) that each firing
backward multiplied with, and the running ``sums`` of gradients that meet at a fan-out.

A number is a JSON number if it is finite and lone; whatever else is the text that people read.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any

from circuitsim.circuit.netlist import Node
from circuitsim.gates.gate import Gate
from circuitsim.gates.value import Value, add_up, show
from circuitsim.trace.explanation import local_derivative, operator
from circuitsim.trace.kinds import Kind, Record
from circuitsim.trace.trace import Trace
from circuitsim.views.places import DENSE, Sketch, cut, place_tall, place_wide
from circuitsim.views.style import number

__all__ = ["MOST_MESSAGES", "first_sentence", "json_number", "scene", "windows"]

MOST_MESSAGES = 5000  # in one window


def json_number(value: Value) -> float | str:
    """Return a value as the page takes it."""
    if isinstance(value, float) and math.isfinite(value):
        return value + 0.0
    return show(value, 4)


def scene(trace: Trace, parts: int = 1, folded: bool = False, dense: bool = False) -> dict[str, Any]:
    """Return what stays the same while a trace is played.

    Parameters
    ----------
    trace : Trace
        What is played.
    parts : int
        The number of windows.
    folded : bool
        Whether its nodes are groups, which are no gates.
    dense : bool
        Whether a small circuit, too, is drawn small.
    """
    netlist = trace.netlist
    dense = dense or len(netlist.nodes) > DENSE
    sketch = Sketch(
        netlist,
        titles=[cut(_title(trace, index), 20) for index in range(len(netlist.nodes))],
        below=[cut(_below(node, dense), 20) for node in netlist.nodes],
        letters=_letters(trace, 3 if dense else 4),
        dense=dense,
    )
    wide = place_wide(sketch)
    nodes = []
    for index, node in enumerate(netlist.nodes):
        entry: dict[str, Any] = {"name": node.name, "kind": node.kind, "text": sketch.titles[index]}
        if node.gate is not None:
            entry |= {"gate": node.gate.name, "operator": None if folded else operator(node), "ports": node.gate.ports}
            entry |= {"infix": node.gate.infix is not None, "below": sketch.below[index]}
        if index in wide.pills:
            entry["pill"] = True
        nodes.append(entry | {"place": wide.places[index]})
    made = {
        "title": netlist.name,
        "dense": dense,
        "size": wide.size,
        "nodes": nodes,
        "wires": [[*wire, points] for wire, points in zip(netlist.wires, wide.points, strict=True)],
        "gates": {node.gate.name: first_sentence(node.gate) for node in netlist.nodes if node.gate},
        "windows": parts,
    }
    if not dense:
        tall = place_tall(sketch)
        made["tall"] = {"size": tall.size, "places": tall.places, "points": tall.points}
    return made


def windows(trace: Trace, most: int = MOST_MESSAGES) -> Iterator[dict[str, Any]]:
    """Yield the windows of a trace: all of it, in stretches of at most `most` messages where times allow."""
    teller = _Teller(trace)
    records = sorted(trace, key=lambda record: record.start)
    ended = sorted(teller.events, key=lambda event: event[0])
    edges = _edges(records, trace.span, most)
    at = first = 0
    for part, (start, end) in enumerate(edges):
        if part:
            while at < len(ended) and ended[at][0] <= start:
                teller.happen(ended[at])
                at += 1
            while first < len(records) and records[first].end <= start and records[first].start < start:
                first += 1
        inside = []
        for record in islice(records, first, None):
            if record.start >= end and part < len(edges) - 1:
                break
            if record.end > start or record.start >= start:
                inside.append(record)
        yield teller.window(inside, start, end)


def _edges(records: list[Record], span: tuple[float, float], most: int) -> list[tuple[float, float]]:
    """Return from when to when each window goes."""
    cuts = [span[0]]
    count = 0
    for record in records:
        if record.kind in (Kind.VALUE, Kind.GRADIENT):
            count += 1
            if count > most and record.start > cuts[-1]:
                cuts.append(record.start)
                count = 1
    cuts.append(span[1])
    return [(a, b) for a, b in pairwise(cuts) if a < b] or [span]


class _Teller:
    """Knows of every firing what it multiplied with, and at every moment what stands on nodes and wires."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.netlist = trace.netlist
        self.values: dict[int, tuple[Value, int]] = {node: (value, -1) for node, value in trace.held.items()}
        self.felt: dict[int, tuple[Value, int]] = {}  # by node
        self.wires: dict[int, tuple[Value, int]] = {}  # the last gradient by wire
        self.slopes: dict[tuple[int, int], list[Any]] = {}  # by (node, tag)
        self.sums: list[tuple[int, float, int, Value]] = []
        self.events: list[tuple[float, str, int, int, Value]] = []
        self._read()

    def _read(self) -> None:
        """Walk through the trace once, in its own causal order."""
        netlist = self.netlist
        arrived: dict[int, tuple[Value, int]] = {}  # the last value on each wire
        by_tag: dict[tuple[int, int], Value] = {}
        fired: dict[tuple[int, int], tuple[list[Any], Value]] = {}
        for record in self.trace:
            where, tag, value = record.where, record.tag, record.value
            if record.kind is Kind.VALUE:
                source, target, _ = netlist.wires[where]
                arrived[where] = (value, tag)
                by_tag[where, tag] = value
                if netlist.nodes[source].gate is None:
                    self.events.append((record.start, "value", source, tag, value))
                if netlist.nodes[target].kind == "output":
                    self.events.append((record.end, "value", target, tag, value))
            elif record.kind is Kind.FORWARD:
                inputs = [self._on_wire(wire, tag, arrived, by_tag) for wire in netlist.incoming[where]]
                if all(value is not None for value in inputs):
                    fired[where, tag] = (inputs, value)
                self.events.append((record.end, "value", where, tag, value))
            elif record.kind is Kind.BACKWARD:
                if (where, tag) in fired:
                    self.slopes[where, tag] = self._slopes(where, *fired.pop((where, tag)), value)
            else:
                source, target, _ = netlist.wires[where]
                self.events.append((record.end, "wire", where, tag, value))
                if netlist.nodes[target].kind == "output":
                    self.events.append((record.start, "felt", target, tag, value))
        self._sum()

    def _sum(self) -> None:
        """Add up the gradients that meet at each node, in the order in which they arrive."""
        parts: dict[tuple[int, int], dict[int, Value]] = {}
        gradients = [record for record in self.trace if record.kind is Kind.GRADIENT]
        for record in sorted(gradients, key=lambda record: record.end):
            source, tag = self.netlist.wires[record.where].source, record.tag
            met = parts.setdefault((source, tag), {})
            met[record.where] = record.value
            total = add_up(met[wire] for wire in sorted(met))
            self.events.append((record.end, "felt", source, tag, total))
            if len(met) > 1:
                self.sums.append((source, record.end, tag, total))

    def _on_wire(
        self, wire: int, tag: int, arrived: dict[int, tuple[Value, int]], by_tag: dict[tuple[int, int], Value]
    ) -> Value | None:
        """Return what a gate found on a wire when it fired for a tag; None if the trace does not say."""
        source = self.netlist.wires[wire].source
        node = self.netlist.nodes[source]
        if (wire, tag) in by_tag:
            return by_tag[wire, tag]
        if wire in arrived:
            return arrived[wire][0]
        return node.value if node.kind == "constant" else self.trace.held.get(source)

    def _slopes(self, index: int, inputs: list[Value], output: Value, felt: Value) -> list[Any]:
        node = self.netlist.nodes[index]
        slopes = []
        for port in range(len(inputs)):
            slope = local_derivative(node, port, inputs, output, felt)
            slopes.append(None if slope is None else json_number(slope))
        return slopes

    def happen(self, event: tuple[float, str, int, int, Value]) -> None:
        """Take in what an event puts on a node or a wire."""
        _, what, where, tag, value = event
        {"value": self.values, "felt": self.felt, "wire": self.wires}[what][where] = (value, tag)

    def window(self, records: list[Record], start: float, end: float) -> dict[str, Any]:
        """Return one window, given the records that lie in it."""
        backward = {(record.where, record.tag) for record in records if record.kind is Kind.BACKWARD}
        columns = list(zip(*records, strict=True)) if records else [()] * len(Record._fields)
        kinds, wheres, tags, starts, ends, values, *_ = columns
        return {
            "span": [start, end],
            "before": {
                "values": _snapshot(self.values), "felt": _snapshot(self.felt), "wires": _snapshot(self.wires),
            },
            "records": {
                "kind": [int(kind) for kind in kinds], "where": list(wheres), "tag": list(tags),
                "start": list(starts), "end": list(ends), "value": [json_number(value) for value in values],
            },
            "slopes": [[node, tag, self.slopes[node, tag]] for node, tag in sorted(backward & self.slopes.keys())],
            "sums": [
                [node, time, tag, json_number(total)]
                for node, time, tag, total in self.sums[
                    bisect_left(self.sums, start, key=_time) : bisect_right(self.sums, end, key=_time)
                ]
            ],
        }  # fmt: skip


def _time(met: tuple[int, float, int, Value]) -> float:
    return met[1]


def _snapshot(standing: dict[int, tuple[Value, int]]) -> list[list[Any]]:
    return [[where, json_number(value), tag] for where, (value, tag) in sorted(standing.items())]


def _letters(trace: Trace, digits: int) -> list[int]:
    """Return for each node the length of the longest number that will stand at its wire."""
    netlist = trace.netlist
    longest = [0] * len(netlist.nodes)

    def note(index: int, value: Value) -> None:
        longest[index] = max(longest[index], len(show(value, digits)))

    for index, value in trace.held.items():
        note(index, value)
    for record in trace:
        if record.kind in (Kind.FORWARD, Kind.BACKWARD):
            note(record.where, record.value)
        else:
            source, target, _ = netlist.wires[record.where]
            note(source, record.value)
            if netlist.nodes[target].kind == "output":
                note(target, record.value)
    for index, node in enumerate(netlist.nodes):
        if node.kind == "constant":
            longest[index] = 0
        elif node.gate is None and longest[index] and len(netlist.outgoing[index]) > 1:
            longest[index] = max(longest[index], 8)  # a sum may be longer than its parts
    return longest


def _title(trace: Trace, index: int) -> str:
    node = trace.netlist.nodes[index]
    if node.gate is not None:
        return node.name if _is_group(node) else node.gate.symbol
    if node.kind == "constant" and node.value is not None:
        return number(node.value)
    return node.name.removeprefix("what goes ") if node.kind == "output" else node.name


def _below(node: Node, dense: bool) -> str:
    """Return what stands below a gate: what is in a group, or else the name."""
    if _is_group(node):
        return node.gate.symbol if node.gate else ""
    return node.name.rpartition(".")[2] if dense else node.name


def _is_group(node: Node) -> bool:
    return node.gate is not None and node.gate.symbol.endswith(" gates")


def first_sentence(gate: Gate) -> str:
    """Return what a gate's documentation says of it first."""
    paragraph = (gate.__doc__ or "").strip().partition("\n\n")[0]
    return " ".join(paragraph.replace("`", "").split())
