"""Writes a trace as Chrome trace JSON, which ui.perfetto.dev and chrome://tracing open.

The format is the JSON object form of the `Trace Event Format
<https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>`_. Two processes hold the tracks:

- "gates": a track (thread) for each gate with a slice (``X``) for each firing, and for each input, parameter,
  constant and output one with a slice of no length for what it sends or receives;
- "wires": a track for each wire with a slice for each message; messages that overlap on a wire get more tracks, because
  the slices of a track must not.

A flow (``s``, ``t``, ``f``) leads from the firing that sent a message over the message to the firing it led to, and a
counter (``C``) follows the value and the gradient of every wire that carries lone numbers. One tick is shown as one
millisecond.
"""

import json
import math
from os import PathLike
from typing import Any

from circuitsim.circuit.netlist import Netlist
from circuitsim.files import check_path, writing
from circuitsim.gates.value import Value, show
from circuitsim.trace.kinds import Kind, Record
from circuitsim.trace.trace import Trace
from circuitsim.trace.words import label

__all__ = ["to_perfetto"]

TICK = 1000.0  # microseconds
GATES, WIRES = 1, 2  # the process numbers
_NOUN = {Kind.VALUE: "value", Kind.GRADIENT: "gradient", Kind.FORWARD: "forward", Kind.BACKWARD: "backward"}


def to_perfetto(trace: Trace, path: str | PathLike[str]) -> None:
    """Write a trace as Chrome trace JSON; the suffix must be ``.json``.

    Raises
    ------
    SaveError
        If the suffix is another or the file cannot be written.
    """
    path = check_path(path, (".json",))
    events = _Events(trace.expanded)
    whole = {
        "traceEvents": events.all(),
        "displayTimeUnit": "ms",
        "otherData": {"circuit": trace.netlist.name, "tick": f"{TICK:g} us"},
    }
    with writing(path) as file:
        file.write(json.dumps(whole, allow_nan=False, separators=(",", ":")).encode())


class _Events:
    """The events of a trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.netlist: Netlist = trace.netlist
        self.names = [label(self.netlist, index) for index in range(len(self.netlist.nodes))]
        self.events: list[dict[str, Any]] = []
        self.lanes: dict[tuple[int, int], int] = {}  # (wire, lane) -> track
        self.free: dict[int, list[float]] = {}  # per wire, when each lane is free again
        # The firing of each (node, tag) in each direction: where the flows of its messages begin and end.
        self.firings: dict[tuple[int, int, Kind], float] = {
            (r.where, r.tag, r.kind): r.start for r in trace if r.kind in (Kind.FORWARD, Kind.BACKWARD)
        }

    def all(self) -> list[dict[str, Any]]:
        """Return all events, the names of the tracks first."""
        for flow, record in enumerate(self.trace):
            if record.kind in (Kind.FORWARD, Kind.BACKWARD):
                self._slice(GATES, record.where, _NOUN[record.kind], record)
            else:
                self._message(flow, record)
        for index, node in enumerate(self.netlist.nodes):
            name = node.name if node.kind in ("gate", "constant") else f"{node.kind} {node.name}"
            self._track(GATES, index, name if node.kind != "constant" else f"constant {self.names[index]}")
        for (wire, lane), track in self.lanes.items():
            source, target, port = self.netlist.wires[wire]
            gate = self.netlist.nodes[target].gate
            entered = f"{self.names[target]}.{gate.ports[port]}" if gate else self.names[target]
            self._track(WIRES, track, f"{self.names[source]} → {entered}" + (f" ({lane + 1})" if lane else ""))
        for process, name in ((GATES, "gates"), (WIRES, "wires")):
            self._metadata(process, 0, "process_name", {"name": f"{name} of {self.netlist.name}"})
            self._metadata(process, 0, "process_sort_index", {"sort_index": process})
        # Viewers read events in any order; by time, the file is one that people can read too.
        return sorted(self.events, key=lambda event: event.get("ts", -1.0))

    def _message(self, flow: int, record: Record) -> None:
        source, target, _ = self.netlist.wires[record.where]
        forward = record.kind is Kind.VALUE
        sender, receiver = (source, target) if forward else (target, source)
        track = self._lane(record)
        self._slice(WIRES, track, f"{_NOUN[record.kind]} {show(record.value, 4)}", record)
        firing = Kind.FORWARD if forward else Kind.BACKWARD
        ends = []
        for node, time in ((sender, record.start), (receiver, record.end)):
            fired = self.firings.get((node, record.tag, firing))
            if fired is None:  # an end of the circuit: it fires nothing, so it gets a slice of no length
                self._slice(GATES, node, f"{'send' if node == sender else 'get'} {show(record.value, 4)}", record, time)
            ends.append(time if fired is None else fired)
        self._flow("s", flow, GATES, sender, ends[0])
        self._flow("t", flow, WIRES, track, record.start)
        self._flow("f", flow, GATES, receiver, max(ends[1], record.end))
        if _is_number(record.value):
            time = record.start if forward else record.end
            self._add("C", GATES, source, f"{self.names[source]} {_NOUN[record.kind]}", time, args={"is": record.value})

    def _lane(self, record: Record) -> int:
        free = self.free.setdefault(record.where, [])
        for lane, until in enumerate(free):
            if until <= record.start:
                free[lane] = record.end
                break
        else:
            lane = len(free)
            free.append(record.end)
        return self.lanes.setdefault((record.where, lane), len(self.lanes) + 1)

    def _slice(self, process: int, track: int, name: str, record: Record, moment: float | None = None) -> None:
        start, end = (record.start, record.end) if moment is None else (moment, moment)
        args = {"value": record.value if _is_number(record.value) else show(record.value), "tag": record.tag}
        self._add("X", process, track, name, start, dur=(end - start) * TICK, args=args)

    def _flow(self, phase: str, flow: int, process: int, track: int, time: float) -> None:
        self._add(phase, process, track, "message", time, id=flow, bp="e")  # e: bound to the slice around it

    def _track(self, process: int, track: int, name: str) -> None:
        self._metadata(process, track, "thread_name", {"name": name})
        self._metadata(process, track, "thread_sort_index", {"sort_index": track})

    def _metadata(self, process: int, track: int, name: str, args: dict[str, Any]) -> None:
        self.events.append({"ph": "M", "pid": process, "tid": track, "name": name, "args": args})

    def _add(self, phase: str, process: int, track: int, name: str, time: float, **more: Any) -> None:
        event = {"ph": phase, "pid": process, "tid": track, "ts": time * TICK, "name": name, "cat": "circuitsim"}
        self.events.append(event | more)


def _is_number(value: Value) -> bool:
    return isinstance(value, float) and math.isfinite(value)  # JSON knows no others
