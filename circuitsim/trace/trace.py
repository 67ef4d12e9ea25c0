"""The trace of a run: everything that happened, and what each example's values and gradients were.

Whatever is shown, explained or saved of a run is read from its trace.
"""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from circuitsim import checks, display
from circuitsim.circuit.wire import Wire, name_of
from circuitsim.errors import TraceError
from circuitsim.gates.value import Array, Value, add_up
from circuitsim.habits import told
from circuitsim.spelling import shown
from circuitsim.trace import archive
from circuitsim.trace.expansion import expand
from circuitsim.trace.kinds import ARRAY, MESSAGES, PIECES, Kind
from circuitsim.trace.records import Records
from circuitsim.trace.timeline import Timeline

__all__ = ["Trace"]

MOST_EXAMPLES = 64  # whose values and gradients are kept once they were read


@told
class Trace(Records):
    """The records of a run, and what can be read from them.

    Parameters
    ----------
    netlist : Netlist
        The circuit that ran.
    held : dict of int to float or ndarray
        The parameters' values, by node, when the trace began: their version 0.
    layout : Layout, optional
        The stages and devices, if the circuit ran on such. What went on inside stages is then not in the records;
        `expanded` has it.

    Examples
    --------
    >>> import circuitsim as cs
    >>> trace = cs.Simulation(cs.parse("x * y")).run(x=2, y=3).trace
    >>> len(trace), trace[0].kind.name, trace[0].value
    (8, 'VALUE', 2.0)
    """

    @property
    def timeline(self) -> Timeline:
        """What devices, links and parameters did, if the circuit ran on devices."""
        return self._derive("timeline", lambda: Timeline.of(self))

    @property
    def expanded(self) -> "Trace":
        """The flow from gate to gate, with what went on inside stages; the trace itself, if it is no more than that."""
        return self._derive("expanded", lambda: expand(self))

    def values(self, tag: int | None = None) -> dict[int, Value]:
        """Return the value of every node that took part forward in one example, by node number.

        Parameters
        ----------
        tag : int, optional
            The example; the last one, if not given.
        """
        return dict(self._of_example("values", self._values, tag))

    def wire_gradients(self, tag: int | None = None) -> dict[int, Value]:
        """Return the gradient that travelled on each wire in one example, by wire number."""
        return dict(self._of_example("wire gradients", self._wire_gradients, tag))

    def gradients(self, tag: int | None = None) -> dict[int, Value]:
        """Return the gradient of every node in one example, by node number.

        Gradients that meet at a fan-out are summed in wiring order, as the simulation does.
        """
        return dict(self._of_example("gradients", self._gradients, tag))

    def value(self, name: str | Wire, tag: int | None = None) -> Value:
        """Return the value of a wire or an output in one example; the last one, if its tag is not given.

        Raises
        ------
        TraceError
            If there is no such wire, or nothing uses it.
        """
        node = self.node(name)
        values = self._of_example("values", self._values, tag)
        if node not in values:
            raise TraceError(
                f"no value left {self.netlist.nodes[node].name!r}: nothing in {self.netlist.name!r} uses it"
            )
        return values[node]

    def gradient(self, name: str | Wire, tag: int | None = None) -> Value:
        """Return the gradient of a wire in one example, the last one if its tag is not given; 0 if none came."""
        return self._of_example("gradients", self._gradients, tag).get(self.node(name), 0.0)

    def example(self, tag: int | None = None) -> "Trace":
        """Return a trace of one example, with what went on inside stages; of all, if it was no stream of stages.

        Parameters
        ----------
        tag : int, optional
            The example; the last one, if not given.
        """
        if self.layout is None:
            return self.expanded
        tag = self._choose(tag)
        known, found = self._derive("example", lambda: (-1, self))
        if known != tag:
            found = expand(self, [tag])
            self._found["example"] = (tag, found)
        return found

    def _of_example(
        self, what: str, read: Callable[["Trace", int], dict[int, Value]], tag: int | None
    ) -> dict[int, Value]:
        """Return what was read of an example; of the examples read last it is kept."""
        tag = self._choose(tag)
        known: dict[int, dict[int, Value]] = self._derive(what, dict)
        if tag not in known:
            if len(known) == MOST_EXAMPLES:
                del known[next(iter(known))]
            known[tag] = read(self.example(tag), tag)
        return known[tag]

    @staticmethod
    def _values(trace: "Trace", tag: int) -> dict[int, Value]:
        netlist = trace.netlist
        nodes = {i: n.value for i, n in enumerate(netlist.nodes) if n.kind == "constant" and n.value is not None}
        nodes.update(trace.held)
        index = trace._index
        own = np.sort(np.concatenate([index.find(Kind.FORWARD, tag), index.find(Kind.VALUE, tag)]))
        for number in (*trace._moves(tag), *own):
            record = trace[int(number)]
            if record.kind is Kind.FORWARD:
                nodes[record.where] = record.value
                continue
            source, target, _ = netlist.wires[record.where]
            if netlist.nodes[source].kind != "gate":  # what a gate made is what it fired; a message may carry a part
                nodes[source] = record.value
            if netlist.nodes[target].kind == "output":
                nodes[target] = record.value
        return nodes

    def _moves(self, tag: int) -> npt.NDArray[np.int64]:
        """Return the numbers of the messages that brought parameters for earlier examples, by example."""

        def look() -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
            sent = [self.netlist.nodes[source].kind == "parameter" for source, _, _ in self.netlist.wires]
            messages = self._index.find(Kind.VALUE)
            messages = messages[np.array(sent, bool)[self.column("where")[messages]]]
            tags = self.column("tag")[messages]
            order = np.argsort(tags, kind="stable")
            return messages[order], tags[order]

        messages, tags = self._derive("moves", look)
        return messages[: np.searchsorted(tags, tag)]

    @staticmethod
    def _wire_gradients(trace: "Trace", tag: int) -> dict[int, Value]:
        return {record.where: record.value for record in trace.find(Kind.GRADIENT, tag)}

    @staticmethod
    def _gradients(trace: "Trace", tag: int) -> dict[int, Value]:
        on_wire = trace.wire_gradients(tag)
        nodes: dict[int, Value] = {}
        for index, node in enumerate(trace.netlist.nodes):
            wires = trace.netlist.incoming[index] if node.kind == "output" else trace.netlist.outgoing[index]
            arrived = [on_wire[wire] for wire in wires if wire in on_wire]
            if arrived:
                nodes[index] = add_up(arrived)
        return nodes

    def node(self, name: str | Wire) -> int:
        """Return the number of a wire, or of the node with this name: an output only if nothing else has the name.

        Raises
        ------
        TraceError
            If no node has it.
        """

        def number() -> dict[str, int]:
            return {node.name: index for index, node in reversed(list(enumerate(self.netlist.nodes)))}  # outputs first

        name, numbers = name_of(name, self.netlist.name), self._derive("names", number)
        if isinstance(name, str) and name in numbers:
            return numbers[name]
        known = ", ".join(node.name for node in self.netlist.nodes if node.kind != "constant")
        raise TraceError(f"circuit {shown(self.netlist.name)} has nothing called {shown(name)}: it has {known}")

    @staticmethod
    def join(traces: Sequence["Trace"]) -> "Trace":
        """Return several traces of one circuit as one, each moved in time to begin where the one before it ends.

        The tags of each go on where those of the one before it end: one example a trace has the number of its trace.
        All durations stay as they are.

        Raises
        ------
        TraceError
            If there are none, they are not of the same circuit, or parameters moved in them.
        """
        first = traces[0] if len(traces) else None
        if first is None or any(t.netlist is not first.netlist or t.layout != first.layout for t in traces):
            raise TraceError("only one or more traces of the same simulation can be joined")
        if len(traces) > 1 and any(len(trace.numbers(Kind.UPDATE)) for trace in traces):
            raise TraceError("traces in which parameters moved cannot be joined: each begins with version 0 of its own")
        parts: list[npt.NDArray[np.void]] = []
        arrays: list[Array] = []
        now, tags = 0.0, 0
        for trace in traces:
            start, end = trace.span
            columns = trace.columns.copy()
            for name in ("start", "end"):
                columns[name] = columns[name] - start + now
            columns["tag"] += tags
            tags = int(columns["tag"].max(initial=tags - 1)) + 1
            columns["value"][columns["kind"] & ARRAY != 0] += len(arrays)
            arrays += trace.arrays
            parts.append(columns)
            now += end - start
        return Trace.of_columns(first.netlist, first.held, first.layout, np.concatenate(parts), arrays)

    def to_records(self) -> list[dict[str, Any]]:
        """Return one dictionary a record, as ``pandas.DataFrame`` and ``polars.DataFrame`` take them.

        The keys are ``kind``, in small letters; for messages, what waited and what was read ``source``, ``target`` and
        ``port``, the ends of the wire in the direction of its values; for firings and updates ``gate``; for pieces of
        work ``stage``; for pieces and outages ``device``; then ``tag``, ``start`` and ``end`` in ticks, ``value``,
        ``version`` and ``detail``. What does not apply is None.

        Examples
        --------
        >>> import circuitsim as cs
        >>> records = cs.Simulation(cs.parse("x * y")).run(x=2, y=3).trace.to_records()
        >>> [r["value"] for r in records if r["kind"] == "gradient" and r["source"] == "x"]
        [3.0]
        """
        names = [node.name for node in self.netlist.nodes]
        empty = dict.fromkeys(("kind", "gate", "source", "target", "port", "stage", "device"))
        rows = []
        for kind, where, *rest, detail in self:
            row: dict[str, Any] = empty | {"kind": kind.name.lower()}
            if kind in MESSAGES or kind in (Kind.WAITED, Kind.READ):
                source, target, port = self.netlist.wires[where]
                row |= {"source": names[source], "target": names[target], "port": port}
            elif kind in PIECES or kind is Kind.OUTAGE:
                assert self.layout is not None
                device = where if kind is Kind.OUTAGE else self.layout.device(where, detail)
                row |= {"stage": where if kind in PIECES else None, "device": self.layout.devices[device]}
            else:
                row["gate"] = names[where]
            rows.append(row | dict(zip(("tag", "start", "end", "value", "version"), rest, strict=True)))
            rows[-1]["detail"] = detail
        return rows

    def save(self, path: str | PathLike[str]) -> None:
        """Write the trace to a ``.trace`` file, whose format `circuitsim.trace.archive` documents.

        Raises
        ------
        SaveError
            If the suffix is another or the file cannot be written.
        """
        archive.save(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Trace":
        """Read a trace that `save` wrote; it can be shown, explained and exported like a new one.

        Raises
        ------
        LoadError
            If there is no such file, or it is no trace file, is cut off or damaged, or is of another version.
        """
        return archive.load(path, cls)

    def to_perfetto(self, path: str | PathLike[str]) -> None:
        """Write the trace as a Chrome trace in ``.json``, which ui.perfetto.dev opens; see `views.perfetto`."""
        display.to_perfetto(self, path)

    def to_vcd(self, path: str | PathLike[str]) -> None:
        """Write each wire's value and gradient as signals in a ``.vcd`` file for GTKWave or Surfer; see `views.vcd`."""
        display.to_vcd(self, path)

    def export(self, path: str | PathLike[str]) -> None:
        """Save the trace as a page, film, picture or data, by the suffix; `circuitsim.views.save` lists them.

        Raises
        ------
        SaveError
            If the suffix is unknown or the file cannot be written.
        """
        display.save(self, path)

    def _repr_html_(self) -> str | None:
        """Play the trace in a notebook."""
        return display.embed(self)

    def _choose(self, tag: int | None) -> int:
        if not len(self):
            raise TraceError("the trace is empty: run the simulation with trace=True first")
        last = self._index.last
        found = last if tag is None else checks.whole(tag)
        if found is None or not 0 <= found <= last:
            raise TraceError(f"there is no example {shown(tag)}: they are numbered from 0 to {last}")
        return found

    def __repr__(self) -> str:
        start, end = self.span
        return f"<trace of {self.netlist.name!r}: {len(self)} records, {start:g} to {end:g} ticks>"
