"""Writes a trace for ui.perfetto.dev and chrome://tracing; `chrome_trace` has the format.

Two processes hold the tracks:

- "gates": a track (thread) for each gate with a slice (``X``) for each firing, and for each input, parameter,
  constant and output one with a slice of no length for what it sends or receives;
- "wires": a track for each wire with a slice for each message; messages that overlap on a wire get more tracks, because
  the slices of a track must not.

A flow (``s``, ``t``, ``f``) leads from the firing that sent a message over the message to the firing it led to, and a
counter (``C``) follows the value and the gradient of every wire that carries lone numbers.
"""

import math
from os import PathLike
from typing import TypeGuard

from circuitsim.circuit.netlist import Netlist
from circuitsim.files import check_path
from circuitsim.gates.value import Value, show
from circuitsim.trace.kinds import Kind, Record
from circuitsim.trace.trace import Trace
from circuitsim.trace.words import label
from circuitsim.views.chrome_trace import ChromeTrace

__all__ = ["to_perfetto"]

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
    writer = _Writer(trace.expanded)
    writer.write()
    writer.chrome.save(path, circuit=trace.netlist.name)


class _Writer:
    """Turns a trace into events."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.netlist: Netlist = trace.netlist
        self.names = [label(self.netlist, index) for index in range(len(self.netlist.nodes))]
        self.chrome = ChromeTrace()
        self.lanes: dict[tuple[int, int], int] = {}  # (wire, lane) -> track
        self.free: dict[int, list[float]] = {}  # per wire, when each lane is free again
        # The firing of each (node, tag) in each direction: where the flows of its messages begin and end.
        self.firings: dict[tuple[int, int, Kind], float] = {
            (r.where, r.tag, r.kind): r.start for r in trace if r.kind in (Kind.FORWARD, Kind.BACKWARD)
        }

    def write(self) -> None:
        """Add all events."""
        for flow, record in enumerate(self.trace):
            if record.kind in (Kind.FORWARD, Kind.BACKWARD):
                self._slice(GATES, record.where, _NOUN[record.kind], record)
            else:
                self._message(flow, record)
        for index, node in enumerate(self.netlist.nodes):
            name = node.name if node.kind in ("gate", "constant") else f"{node.kind} {node.name}"
            self.chrome.name_track(GATES, index, name if node.kind != "constant" else f"constant {self.names[index]}")
        for (wire, lane), track in self.lanes.items():
            source, target, port = self.netlist.wires[wire]
            gate = self.netlist.nodes[target].gate
            entered = f"{self.names[target]}.{gate.ports[port]}" if gate else self.names[target]
            self.chrome.name_track(
                WIRES, track, f"{self.names[source]} → {entered}" + (f" ({lane + 1})" if lane else "")
            )
        for process, name in ((GATES, "gates"), (WIRES, "wires")):
            self.chrome.name_process(process, f"{name} of {self.netlist.name}")

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
        last = max(ends[1], record.end)
        self.chrome.flow(
            flow, "message", [(GATES, sender, ends[0]), (WIRES, track, record.start), (GATES, receiver, last)]
        )
        if _is_number(record.value):
            time = record.start if forward else record.end
            name = f"{self.names[source]} {_NOUN[record.kind]}"
            self.chrome.count(GATES, source, name, time, {"is": record.value})

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
        self.chrome.slice(process, track, name, start, end, args)


def _is_number(value: Value) -> TypeGuard[float]:
    return isinstance(value, float) and math.isfinite(value)  # JSON knows no others
