"""The trace: everything that happened in a simulation, in columns; whatever is shown is drawn from it.

There is one record for each message and one for each firing, in causal order: a firing comes before the
messages that carry its result. The columns are flat arrays, so a record costs some forty bytes and ten
million of them still fit in memory.
"""

from array import array
from collections.abc import Iterator, Sequence
from enum import IntEnum
from os import PathLike
from typing import Any, NamedTuple

from circuitsim.errors import TraceError
from circuitsim.gates.value import Value
from circuitsim.netlist import Netlist

__all__ = ["Kind", "Record", "Trace"]


class Kind(IntEnum):
    """What a record tells of."""

    VALUE = 0  #: a value travels forward along a wire
    GRADIENT = 1  #: a gradient travels backward along a wire
    FORWARD = 2  #: a gate computes its output
    BACKWARD = 3  #: a gate has its gradient and computes what to send back


# What the actors write: the members themselves, because finding one in its enum takes longer than sending a number.
VALUE, GRADIENT, FORWARD, BACKWARD = Kind


class Record(NamedTuple):
    """One message or firing.

    `where` is the number of a wire for messages, of a node for firings, in the trace's netlist; `tag` is the
    example it belongs to; it lasts from `start` to `end`, in ticks. The value is what travels; for a firing
    forward the gate's output, for a firing backward the gradient that the gate has received in all.
    """

    kind: Kind
    where: int
    tag: int
    start: float
    end: float
    value: Value


class Trace:
    """The records of a run, and the netlist that gives their numbers a meaning.

    Parameters
    ----------
    netlist : Netlist
        The circuit that ran.
    held : dict of int to float or ndarray
        The parameters' values, by node, when the trace began.

    Examples
    --------
    >>> import circuitsim as cs
    >>> trace = cs.Simulation(cs.parse("x * y")).run(x=2, y=3).trace
    >>> len(trace), trace[0].kind.name, trace[0].value
    (8, 'VALUE', 2.0)
    """

    def __init__(self, netlist: Netlist, held: dict[int, Value]) -> None:
        self.netlist = netlist
        self.held = held
        self._kind = array("b")
        self._where = array("l")
        self._tag = array("q")
        self._start = array("d")
        self._end = array("d")
        self._value: list[Value] = []

    def record(self, kind: int, where: int, tag: int, start: float, end: float, value: Value) -> None:
        """Append one record; see `Record` for the columns."""
        self._kind.append(kind)
        self._where.append(where)
        self._tag.append(tag)
        self._start.append(start)
        self._end.append(end)
        self._value.append(value)

    def __len__(self) -> int:
        return len(self._kind)

    def __getitem__(self, index: int) -> Record:
        return Record(
            Kind(self._kind[index]),
            self._where[index],
            self._tag[index],
            self._start[index],
            self._end[index],
            self._value[index],
        )

    def __iter__(self) -> Iterator[Record]:
        columns = (self._kind, self._where, self._tag, self._start, self._end, self._value)
        for kind, *rest in zip(*columns, strict=True):
            yield Record(Kind(kind), *rest)

    @property
    def span(self) -> tuple[float, float]:
        """When the first record starts and the last one ends, in ticks."""
        return (min(self._start, default=0.0), max(self._end, default=0.0))

    def values(self, tag: int | None = None) -> dict[int, Value]:
        """Return the value of every node that took part forward in one example, by node number.

        Parameters
        ----------
        tag : int, optional
            The example; the last one, if not given.
        """
        tag = self._choose(tag)
        nodes = {i: n.value for i, n in enumerate(self.netlist.nodes) if n.kind == "constant" and n.value is not None}
        nodes.update(self.held)
        for record in self:
            if record.kind is Kind.FORWARD and record.tag == tag:
                nodes[record.where] = record.value
            elif record.kind is Kind.VALUE and record.tag <= tag:
                source, target, _ = self.netlist.wires[record.where]
                kind = self.netlist.nodes[source].kind
                if record.tag == tag or kind == "parameter":
                    if kind != "gate":  # what a gate made is what it fired; a message may carry a part of it
                        nodes[source] = record.value
                    if self.netlist.nodes[target].kind == "output":
                        nodes[target] = record.value
        return nodes

    def wire_gradients(self, tag: int | None = None) -> dict[int, Value]:
        """Return the gradient that travelled on each wire in one example, by wire number."""
        tag = self._choose(tag)
        return {r.where: r.value for r in self if r.kind is Kind.GRADIENT and r.tag == tag}

    def gradients(self, tag: int | None = None) -> dict[int, Value]:
        """Return the gradient that every node felt in one example, by node number.

        Gradients that meet at a fan-out are summed in wiring order, as the simulation does.
        """
        on_wire = self.wire_gradients(tag)
        nodes: dict[int, Value] = {}
        for index, node in enumerate(self.netlist.nodes):
            wires = self.netlist.incoming[index] if node.kind == "output" else self.netlist.outgoing[index]
            arrived = [on_wire[wire] for wire in wires if wire in on_wire]
            if arrived:
                total = arrived[0]
                for gradient in arrived[1:]:
                    total = total + gradient
                nodes[index] = total
        return nodes

    def node(self, name: str) -> int:
        """Return the number of the node with this name, an output only if nothing else has the name.

        Raises
        ------
        TraceError
            If no node has it.
        """
        for index, node in enumerate(self.netlist.nodes):  # outputs come last
            if node.name == name:
                return index
        known = ", ".join(node.name for node in self.netlist.nodes if node.kind != "constant")
        raise TraceError(f"circuit {self.netlist.name!r} has nothing called {name!r}: it has {known}")

    @staticmethod
    def join(traces: Sequence["Trace"]) -> "Trace":
        """Return several traces of one circuit as one, each moved in time to begin where the one before it ends.

        Tags stay as they are; so do all durations.

        Raises
        ------
        TraceError
            If there are none, or they are not of the same circuit.
        """
        if not traces or any(trace.netlist is not traces[0].netlist for trace in traces):
            raise TraceError("only one or more traces of the same simulation can be joined")
        joined = Trace(traces[0].netlist, traces[0].held)
        now = 0.0
        for trace in traces:
            start, end = trace.span
            for kind, where, tag, begun, ended, value in trace:
                joined.record(kind, where, tag, begun - start + now, ended - start + now, value)
            now += end - start
        return joined

    def to_records(self) -> list[dict[str, Any]]:
        """Return one dictionary a record, as ``pandas.DataFrame`` and ``polars.DataFrame`` take them.

        The keys are ``kind`` (``"value"``, ``"gradient"``, ``"forward"``, ``"backward"``); for messages ``source``,
        ``target`` and ``port``, the ends of the wire in the direction of its values; for firings ``gate``; then
        ``tag``, ``start`` and ``end`` in ticks, and ``value``. What does not apply is None.

        Examples
        --------
        >>> import circuitsim as cs
        >>> records = cs.Simulation(cs.parse("x * y")).run(x=2, y=3).trace.to_records()
        >>> [r["value"] for r in records if r["kind"] == "gradient" and r["source"] == "x"]
        [3.0]
        """
        names = [node.name for node in self.netlist.nodes]
        rows = []
        for record in self:
            row: dict[str, Any] = {"kind": record.kind.name.lower()}
            if record.kind in (Kind.VALUE, Kind.GRADIENT):
                source, target, port = self.netlist.wires[record.where]
                row |= {"gate": None, "source": names[source], "target": names[target], "port": port}
            else:
                row |= {"gate": names[record.where], "source": None, "target": None, "port": None}
            rows.append(row | {"tag": record.tag, "start": record.start, "end": record.end, "value": record.value})
        return rows

    def save(self, path: str | PathLike[str]) -> None:
        """Write the trace to a ``.trace`` file, whose format `circuitsim.trace.archive` documents.

        Raises
        ------
        SaveError
            If the suffix is another or the file cannot be written.
        """
        from circuitsim.trace.archive import save

        save(self, path)

    @staticmethod
    def load(path: str | PathLike[str]) -> "Trace":
        """Read a trace that `save` wrote; it can be shown, explained and exported like a new one.

        Raises
        ------
        LoadError
            If there is no such file, or it is no trace file, is cut off or damaged, or is of a newer version.
        """
        from circuitsim.trace.archive import load

        return load(path)

    def to_perfetto(self, path: str | PathLike[str]) -> None:
        """Write the trace as a Chrome trace in ``.json``, which ui.perfetto.dev opens; see `views.perfetto`."""
        from circuitsim.views.perfetto import to_perfetto

        to_perfetto(self, path)

    def to_vcd(self, path: str | PathLike[str]) -> None:
        """Write each wire's value and gradient as signals in a ``.vcd`` file for GTKWave or Surfer; see `views.vcd`."""
        from circuitsim.views.vcd import to_vcd

        to_vcd(self, path)

    def export(self, path: str | PathLike[str]) -> None:
        """Show or write the trace in the form that the suffix asks for; `views.save` lists them.

        Raises
        ------
        SaveError
            If the suffix is unknown or the file cannot be written.
        """
        from circuitsim.views import save

        save(self, path)

    def _repr_html_(self) -> str | None:
        """Play the trace in a notebook."""
        from circuitsim.views import embed

        return embed(self)

    def _choose(self, tag: int | None) -> int:
        if not self._tag:
            raise TraceError("the trace is empty: run the simulation with trace=True first")
        return max(self._tag) if tag is None else tag

    def __repr__(self) -> str:
        start, end = self.span
        return f"<trace of {self.netlist.name!r}: {len(self)} records, {start:g} to {end:g} ticks>"
