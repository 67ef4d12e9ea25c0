"""Records of what happened in a simulation, packed, and questions about which there are.

There is one record for each message, each firing, each piece of work and whatever else `Kind` lists, in causal order: a
firing comes before the messages that carry its result. A record is packed into 39 bytes, which hold the value too if it
is a number; arrays lie in a list beside. Questions are answered from columns of these and from an index by kind and tag
that is made when it is first needed.
"""

from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from circuitsim import checks
from circuitsim.circuit.netlist import Netlist
from circuitsim.errors import TraceError
from circuitsim.gates.value import Array, Value
from circuitsim.trace.chunks import CHUNK, Chunks, cut, room
from circuitsim.trace.index import Index
from circuitsim.trace.kinds import ARRAY, COLUMNS, PIECES, Kind, Layout, Record

__all__ = ["Records"]


_RECORD = Struct("<bhiiiddd")
_pack, _unpack, _unpack_all, _SIZE = _RECORD.pack, _RECORD.unpack_from, _RECORD.iter_unpack, _RECORD.size
_KINDS = tuple(Kind)

Thing = TypeVar("Thing")


class NoRecordError(TraceError, IndexError):
    """Raised for a number that no record has."""


class Records:
    """The records of a run, and the netlist that gives their numbers a meaning; see `Trace`."""

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
    ) -> Self:
        """Return the trace that has these `columns` and `arrays`."""
        trace = cls(netlist, held, layout)
        trace.arrays = arrays
        trace._chunks += cut(columns.astype(COLUMNS, copy=False))
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
        place = checks.whole(index)
        if place is not None and place < 0:
            place += len(self)
        if place is None or not 0 <= place < len(self):
            raise NoRecordError(f"a trace of {len(self)} records has no record {checks.shown(index)}: give its number")
        number, place = divmod(place, CHUNK)
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
