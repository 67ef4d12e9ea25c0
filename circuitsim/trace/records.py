"""The trace: everything that happened in a simulation, packed; whatever is shown is drawn from it.

There is one record for each message, each firing, each piece of work and whatever else `Kind` lists, in causal order: a
firing comes before the messages that carry its result. A record is packed into 39 bytes, which hold the value too if it
is a number; arrays lie in a list beside. Questions are answered from columns of these and from an index by kind and tag
that is made when it is first needed.
"""

from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from struct import Struct
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from circuitsim import display
from circuitsim.circuit.netlist import Netlist
from circuitsim.errors import TraceError
from circuitsim.gates.value import Array, Value, add_up
from circuitsim.trace.chunks import CHUNK, Chunks, cut, room
from circuitsim.trace.index import Index
from circuitsim.trace.kinds import ARRAY, COLUMNS, MESSAGES, PIECES, Kind, Layout, Record

if TYPE_CHECKING:
    from circuitsim.trace.timeline import Timeline

__all__ = ["Kind", "Layout", "Record", "Trace"]


_RECORD = Struct("<bhiiiddd")
_pack, _unpack, _unpack_all, _SIZE = _RECORD.pack, _RECORD.unpack_from, _RECORD.iter_unpack, _RECORD.size
_KINDS = tuple(Kind)

Thing = TypeVar("Thing")


class Trace:
    """The records of a run, and the netlist that gives their numbers a meaning.

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

    def __init__(self, netlist: Netlist, held: dict[int, Value], layout: Layout | None = None) -> None:
        self.netlist = netlist
        self.held = held
        self.layout = layout
        self.arrays: list[Array] = []
        self._chunks: Chunks = []
        self._room = room(self._chunks, _SIZE)
        self._found: dict[str, Any] = {}  # what was derived from the records
        self._found_of = -1  # and from how many of them

    def record(
        self,
        kind: int,
        where: int,
        tag: int,
        start: float,
        end: float,
        value: Value,
        version: int = 0,
        detail: int = 0,
    ) -> None:
        """Append one record; see `Record` for what it says."""
        if value.__class__ is not float:
            if isinstance(value, np.ndarray):
                kind |= ARRAY
                self.arrays.append(value)
                value = len(self.arrays) - 1
            else:
                value = float(value)
        for chunk in self._room:
            chunk += _pack(kind, detail, where, tag, version, start, end, value)
            break

    @classmethod
    def of_columns(
        cls,
        netlist: Netlist,
        held: dict[int, Value],
        layout: Layout | None,
        columns: npt.NDArray[np.void],
        arrays: list[Array],
    ) -> "Trace":
        """Return the trace that has these `columns` and `arrays`."""
        trace = cls(netlist, held, layout)
        trace.arrays = arrays
        trace._chunks += cut(columns.astype(COLUMNS, copy=False).tobytes(), _SIZE)
        return trace

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_room": None, "_found": {}, "_found_of": -1}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._room = room(self._chunks, _SIZE)

    def __len__(self) -> int:
        chunks = self._chunks
        return (len(chunks) - 1) * CHUNK + len(chunks[-1]) // _SIZE if chunks else 0

    def __getitem__(self, index: int) -> Record:
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(f"a trace of {len(self)} records has no record {index}")
        number, place = divmod(index, CHUNK)
        return self._read(_unpack(self._chunks[number], place * _SIZE))

    def __iter__(self) -> Iterator[Record]:
        for chunk in self._chunks.copy():
            for packed in _unpack_all(bytes(chunk)):  # a copy, for a buffer that is looked at cannot grow
                yield self._read(packed)

    def _read(self, packed: tuple[Any, ...]) -> Record:
        kind, detail, where, tag, version, start, end, value = packed
        if kind & ARRAY:
            kind, value = kind ^ ARRAY, self.arrays[int(value)]
        return Record(_KINDS[kind], where, tag, start, end, value, version, detail)

    @property
    def columns(self) -> npt.NDArray[np.void]:
        """All records as a structured array with the columns of `COLUMNS`; a copy.

        The value of an array is its place in `arrays`, and its kind has the flag `ARRAY`.
        """
        return np.frombuffer(b"".join(self._chunks), COLUMNS)

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return one column of all records; a copy, which takes less memory than that of all `columns`."""
        parts = [np.frombuffer(chunk, COLUMNS)[name] for chunk in self._chunks]
        return np.concatenate(parts) if parts else np.empty(0, COLUMNS[name])

    def find(self, kind: Kind, tag: int | None = None) -> Iterator[Record]:
        """Yield the records of a kind, of one example if its tag is given, in their order."""
        for number in self.numbers(kind, tag):
            yield self[number]

    def numbers(self, kind: Kind, tag: int | None = None) -> list[int]:
        """Return the numbers of the records of a kind, of one example if its tag is given, in their order."""
        found: list[int] = self._index.find(kind, tag).tolist()
        return found

    @property
    def _index(self) -> Index:
        return self._derive("index", lambda: Index(self.column("kind") & ~ARRAY, self.column("tag")))

    def _derive(self, name: str, make: Callable[[], Thing]) -> Thing:
        """Return what was made of the records before, or make it if there are more of them now."""
        if self._found_of != len(self):
            self._found.clear()
            self._found_of = len(self)
        if name not in self._found:
            self._found[name] = make()
        found: Thing = self._found[name]
        return found

    @property
    def span(self) -> tuple[float, float]:
        """When the first record starts and the last one ends, in ticks."""
        return self._derive("span", self._measure)

    def _measure(self) -> tuple[float, float]:
        if not len(self):
            return (0.0, 0.0)
        return (float(self.column("start").min()), float(self.column("end").max()))

    @property
    def replicas(self) -> dict[int, int]:
        """The replica whose stages worked on each example, by its tag."""

        def look() -> dict[int, int]:
            columns = self.columns
            pieces = columns[np.isin(columns["kind"], [*PIECES])]
            return dict(zip(pieces["tag"].tolist(), pieces["detail"].tolist(), strict=True))

        return self._derive("replicas", look)

    @property
    def timeline(self) -> "Timeline":
        """What devices, links and parameters did, if the circuit ran on devices."""
        from circuitsim.trace.timeline import Timeline

        return self._derive("timeline", lambda: Timeline.of(self))

    @property
    def expanded(self) -> "Trace":
        """The flow from gate to gate, with what went on inside stages; the trace itself, if it is no more than that."""
        from circuitsim.trace.expansion import expand

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

    def example(self, tag: int | None = None) -> "Trace":
        """Return a trace of one example, with what went on inside stages; of all, if it was no stream of stages.

        Parameters
        ----------
        tag : int, optional
            The example; the last one, if not given.
        """
        if self.layout is None:
            return self.expanded
        from circuitsim.trace.expansion import expand

        tag = self._choose(tag)
        known, found = self._derive("example", lambda: (-1, self))
        if known != tag:
            found = expand(self, [tag])
            self._found["example"] = (tag, found)
        return found

    def _of_example(
        self, what: str, read: Callable[["Trace", int], dict[int, Value]], tag: int | None
    ) -> dict[int, Value]:
        """Return what was read of an example; what was read last is kept."""
        tag = self._choose(tag)
        known, found = self._derive(what, lambda: (None, {}))
        if known != tag:
            found = read(self.example(tag), tag)
            self._found[what] = (tag, found)
        return found

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

    def node(self, name: str) -> int:
        """Return the number of the node with this name, an output only if nothing else has the name.

        Raises
        ------
        TraceError
            If no node has it.
        """

        def number() -> dict[str, int]:
            return {node.name: index for index, node in reversed(list(enumerate(self.netlist.nodes)))}  # outputs first

        numbers = self._derive("names", number)
        if isinstance(name, str) and name in numbers:
            return numbers[name]
        known = ", ".join(node.name for node in self.netlist.nodes if node.kind != "constant")
        raise TraceError(f"circuit {self.netlist.name!r} has nothing called {name!r}: it has {known}")

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
        first = traces[0] if traces else None
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
        from circuitsim.trace.archive import save

        save(self, path)

    @staticmethod
    def load(path: str | PathLike[str]) -> "Trace":
        """Read a trace that `save` wrote; it can be shown, explained and exported like a new one.

        Raises
        ------
        LoadError
            If there is no such file, or it is no trace file, is cut off or damaged, or is of another version.
        """
        from circuitsim.trace.archive import load

        return load(path)

    def to_perfetto(self, path: str | PathLike[str]) -> None:
        """Write the trace as a Chrome trace in ``.json``, which ui.perfetto.dev opens; see `views.perfetto`."""
        display.to_perfetto(self, path)

    def to_vcd(self, path: str | PathLike[str]) -> None:
        """Write each wire's value and gradient as signals in a ``.vcd`` file for GTKWave or Surfer; see `views.vcd`."""
        display.to_vcd(self, path)

    def export(self, path: str | PathLike[str]) -> None:
        """Show or write the trace in the form that the suffix asks for; `views.save` lists them.

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
        if tag is not None and not (isinstance(tag, int | np.integer) and 0 <= tag <= last):
            raise TraceError(f"there is no example {tag!r}: they are numbered from 0 to {last}")
        return last if tag is None else int(tag)

    def __repr__(self) -> str:
        start, end = self.span
        return f"<trace of {self.netlist.name!r}: {len(self)} records, {start:g} to {end:g} ticks>"
