"""A schedule: the order in which each device of a pipeline does its pieces of work.

Work comes in the kinds that schedulers name. The names and the text form are those of PyTorch's pipelines
(`torch.distributed.pipelining`): ``0F3`` is the forward pass of microbatch 3 through stage 0. ``I`` is the gradient
to what came in, ``W`` the gradient to the parameters, and ``B`` is both, one right after the other.

A schedule may also say when each device sends and receives (``0SEND_F3``, ``1RECV_F3``); if it does not, messages
travel by themselves as soon as they can.
"""

import re
from bisect import insort
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from circuitsim.errors import InputError, ScheduleError
from circuitsim.files import read_text
from circuitsim.habits import told
from circuitsim.plan.plain_values import Written

__all__ = ["Schedule", "Work"]

COMPUTE = ("F", "I", "W", "B")
TRANSFERS = ("SEND_F", "RECV_F", "SEND_B", "RECV_B")
IGNORED = ("UNSHARD", "RESHARD", "REDUCE_GRAD")  # sharded parameters: nothing moves here for them

# What is done of one microbatch at one stage, as bits of one number.
_BITS = {kind: 1 << place for place, kind in enumerate((*COMPUTE, *TRANSFERS))}
_COMPLETE = (_BITS["F"] | _BITS["I"] | _BITS["W"], _BITS["F"] | _BITS["B"])
_COMPUTED = bytes(have & 15 for have in range(256))

_CELL = re.compile(r"([0-9]{1,9})(F|I|W|B|SEND_F|RECV_F|SEND_B|RECV_B)([0-9]{1,9})")
_IGNORED = re.compile(rf"[0-9]+({'|'.join(IGNORED)})[0-9]*")


class Work(NamedTuple):
    """One piece of work: what is done, at which stage, for which microbatch."""

    kind: str
    stage: int
    microbatch: int

    def __str__(self) -> str:
        return f"{self.stage}{self.kind}{self.microbatch}"


@told
@dataclass(frozen=True, repr=False)
class Schedule(Written):
    r"""The order of work on every device; it is checked when it is made.

    Parameters
    ----------
    name : str
        What tables and pictures call it.
    rows : sequence of sequence of Work
        For each device what it does, in order.
    barrier : bool
        Whether all devices wait for one another between batches. Zero-bubble schedules need no such barrier:
        what counts for them is the longest span of a device, not the time from the first start to the last end.

    Attributes
    ----------
    homes : tuple of int
        The device of each stage.
    microbatches : int
        The number of microbatches in a batch.
    blocking : bool
        Whether the rows say when to send and receive.

    Raises
    ------
    ScheduleError
        If work is omitted or done twice, a stage is on two devices, or the devices would wait for each other
        forever.

    Examples
    --------
    >>> schedule = Schedule.from_table("0F0 0F1 0B0 0B1\n1F0 1B0 1F1 1B1")
    >>> schedule.devices, schedule.stages, schedule.microbatches
    (2, 2, 2)
    >>> print(schedule)
    0F0 0F1 0B0 0B1
    1F0 1B0 1F1 1B1
    """

    name: str
    rows: tuple[tuple[Work, ...], ...]
    barrier: bool = True

    homes: tuple[int, ...] = field(init=False, compare=False)
    microbatches: int = field(init=False, compare=False)
    blocking: bool = field(init=False, compare=False)

    def __post_init__(self) -> None:
        settle = object.__setattr__
        settle(self, "rows", tuple(tuple(row) for row in self.rows))
        homes, microbatches, blocking = _measure(self.name, self.rows)
        settle(self, "homes", homes)
        settle(self, "microbatches", microbatches)
        settle(self, "blocking", blocking)
        deque(in_turn(self), maxlen=0)  # raises if it gets stuck

    @property
    def devices(self) -> int:
        """The number of devices."""
        return len(self.rows)

    @property
    def stages(self) -> int:
        """The number of stages."""
        return len(self.homes)

    @classmethod
    def from_table(
        cls,
        table: str | PathLike[str],
        *,
        stages: int | None = None,
        microbatches: int | None = None,
        name: str | None = None,
        barrier: bool = True,
    ) -> "Schedule":
        """Read a schedule from text or from a CSV file.

        Parameters
        ----------
        table : str or path-like
            Text with a row for each device and cells such as ``0F3``, parted by commas or, where a row has no comma,
            by spaces; an empty cell is an idle step. Or the path of such a file (a path-like object, or a text
            that ends in ``.csv``).
        stages, microbatches : int, optional
            How many there should be; as many as the table names, if not given.
        name : str, optional
            The name of the schedule; the file's, if not given.
        barrier : bool
            See `Schedule`.

        Raises
        ------
        ScheduleError
            If it cannot be read, or is no schedule that can be run.
        """
        if not isinstance(table, str | PathLike):
            raise ScheduleError(f"a table is text or the path of a file, not {table!r}")
        if isinstance(table, PathLike) or table.endswith(".csv"):
            name = name or Path(table).stem
            table = read_text(table, "the table of a schedule", ScheduleError)
        rows = _read_rows(table)
        for rank, row in enumerate(rows):
            for work in row:
                if stages is not None and work.stage >= stages:
                    raise ScheduleError(f"rank {rank} has {work}, but there is no stage {work.stage}: {_upto(stages)}")
                if microbatches is not None and work.microbatch >= microbatches:
                    raise ScheduleError(
                        f"rank {rank} has {work}, but there is no microbatch {work.microbatch}: {_upto(microbatches)}"
                    )
        schedule = cls(name or "table", rows, barrier)
        if stages is not None and schedule.stages < stages:
            raise ScheduleError(f"the schedule has no work for stage {schedule.stages}: {_upto(stages)}")
        if microbatches is not None and schedule.microbatches < microbatches:
            raise ScheduleError(
                f"the schedule has no work for microbatch {schedule.microbatches}: {_upto(microbatches)}"
            )
        return schedule

    def with_transfers(self, *, early: bool = True) -> "Schedule":
        """Return the schedule with sends and receives written out, for links on which they block.

        Parameters
        ----------
        early : bool
            Whether each device posts a receive as soon as its counterpart sends, as PyTorch does unless told
            otherwise, or only before the work that needs it.
        """
        rows: list[list[Work]] = [[] for _ in self.rows]
        for device, work in in_turn(self):
            if work.kind in TRANSFERS:
                continue
            if not early and (source := self.sender(work)) is not None:
                rows[device].append(Work(f"RECV_{source.kind}", work.stage, work.microbatch))
            rows[device].append(work)
            if (target := self.receiver(work)) is not None:
                rows[device].append(Work(f"SEND_{target.kind}", work.stage, work.microbatch))
                if early:
                    rows[self.homes[target.stage]].append(Work(f"RECV_{target.kind}", target.stage, work.microbatch))
        return Schedule(f"{self.name}, receives {'early' if early else 'late'}", _frozen(rows), self.barrier)

    def receiver(self, work: Work) -> Work | None:
        """Return the work (of kind F or B) on another device that waits for what this one makes, if any."""
        stage = work.stage + (1 if work.kind == "F" else -1)
        if work.kind == "W" or not 0 <= stage < self.stages or self.homes[stage] == self.homes[work.stage]:
            return None
        return Work("F" if work.kind == "F" else "B", stage, work.microbatch)

    def sender(self, work: Work) -> Work | None:
        """Return the work (of kind F or B) on another device that this one waits for, if any."""
        stage = work.stage - (1 if work.kind == "F" else -1)
        if work.kind == "W" or not 0 <= stage < self.stages or self.homes[stage] == self.homes[work.stage]:
            return None
        return Work("F" if work.kind == "F" else "B", stage, work.microbatch)

    def peaks(self, until: str = "W") -> list[int]:
        """Return for each device the most forward passes that it holds at a time.

        Parameters
        ----------
        until : {"W", "I"}
            Whether a forward pass is held until its parameters' gradient is done, or until its input's is.
        """
        peaks = []
        for row in self.rows:
            held = peak = 0
            for work in row:
                held += (work.kind == "F") - (work.kind in (until, "B"))
                peak = max(peak, held)
            peaks.append(peak)
        return peaks

    def content(self) -> dict[str, Any]:
        """Return the fields that `to_json` writes."""
        return {"name": self.name, "table": str(self), "barrier": self.barrier}

    @classmethod
    def of_content(cls, content: Any) -> "Schedule":
        """Build the schedule from what `content` returned."""
        wanted = {"name": str, "table": str, "barrier": bool}
        if not isinstance(content, dict) or {name: type(part) for name, part in content.items()} != wanted:
            raise InputError("this JSON of a Schedule is not as to_json writes it: give a name, a table and a barrier")
        return cls(content["name"], _read_rows(content["table"]), content["barrier"])

    def __repr__(self) -> str:
        barrier = "" if self.barrier else ", barrier=False"
        return f"Schedule.from_table({str(self)!r}, name={self.name!r}{barrier})"

    def __str__(self) -> str:
        return "\n".join(" ".join(map(str, row)) for row in self.rows)


def in_turn(schedule: Schedule) -> Iterator[tuple[int, Work]]:
    """Yield all work, with its device, in an order in which it can be done: one piece for each device in turn.

    Raises
    ------
    ScheduleError
        If every device that has work left waits for another.
    """
    rows, size = schedule.rows, schedule.microbatches
    # A cell for each microbatch at each stage: 1 once it has gone forward, 6 more once it has gone back. Before the
    # first stage and behind the last there is nothing to wait for, but nothing to receive behind the last either.
    done = bytearray(b"\3" * size + bytes(schedule.stages * size) + b"\3" * size)
    # For each kind of work what two cells (so far from its own) must have, and what its own has then.
    rules: dict[str, tuple[int, int, int, int, int | None]] = {
        "F": (-size, 1, -size, 1, 1),
        "B": (0, 1, size, 2, 6),
        "I": (0, 1, size, 2, 6),
        "W": (0, 2, 0, 2, 0),
        "SEND_F": (0, 1, 0, 1, None),
        "RECV_F": (-size, 1, -size, 1, None),
        "SEND_B": (0, 2, 0, 2, None),
        "RECV_B": (size, 4, size, 4, None),
    }
    waiting: dict[int, list[int]] = {}  # the devices that wait for a cell
    places = [0] * len(rows)
    now, later = list(range(len(rows))), list[int]()
    while now:
        for device in now:  # in the order of their numbers; who waited for one before it has its turn in the same round
            row, place = rows[device], places[device]
            while place < len(row):
                kind, stage, microbatch = work = row[place]
                cell = (stage + 1) * size + microbatch
                near, level, far, more, mark = rules[kind]
                if not done[cell + near] & level:
                    waiting.setdefault(cell + near, []).append(device)
                    break
                if not done[cell + far] & more:
                    waiting.setdefault(cell + far, []).append(device)
                    break
                place += 1
                yield device, work
                if mark is None:  # a transfer: the turn goes on
                    continue
                if mark:
                    done[cell] |= mark
                    for other in waiting.pop(cell, ()):
                        if other > device:
                            insort(now, other)
                        else:
                            later.append(other)
                later.append(device)
                break
            places[device] = place
        later.sort()
        now, later = later, []
    stuck = [(device, row[place]) for device, (row, place) in enumerate(zip(rows, places, strict=True)) if row[place:]]
    if stuck:
        finished = {work for row, place in zip(rows, places, strict=True) for work in row[:place]}
        told = "; ".join(
            f"{work} of rank {device} waits for {', '.join(map(str, _missing(work, schedule.stages - 1, finished)))}"
            for device, work in stuck
        )
        raise ScheduleError(f"the schedule {schedule.name!r} deadlocks: {told}")


def _missing(work: Work, last: int, done: set[Work]) -> Iterator[Work]:
    """Yield what has to be done before this work and is not; a chain of stages is meant."""
    kind, stage, microbatch = work
    if kind in ("F", "SEND_F", "SEND_B", "RECV_F", "RECV_B"):
        needed = {
            "F": Work("F", stage - 1, microbatch),
            "SEND_F": Work("F", stage, microbatch),
            "RECV_F": Work("F", stage - 1, microbatch),
        }.get(kind)
        if needed is not None and needed.stage >= 0 and needed not in done:
            yield needed
        if kind in ("SEND_B", "RECV_B"):
            yield from _missing_gradient(stage + (kind == "RECV_B"), microbatch, done)
    elif kind == "W":
        if (needed := Work("I", stage, microbatch)) not in done:
            yield needed
    else:
        if (needed := Work("F", stage, microbatch)) not in done:
            yield needed
        if stage < last:
            yield from _missing_gradient(stage + 1, microbatch, done)


def _missing_gradient(stage: int, microbatch: int, done: set[Work]) -> Iterator[Work]:
    """Yield the backward work of a stage unless it is done, in one piece or in two."""
    if Work("B", stage, microbatch) not in done and Work("I", stage, microbatch) not in done:
        yield Work("B", stage, microbatch)


def _measure(name: str, rows: Sequence[Sequence[Work]]) -> tuple[tuple[int, ...], int, bool]:
    """Return homes, microbatches and whether there are transfers, if every stage treats every microbatch once.

    Raises
    ------
    ScheduleError
        If not, or if a stage is on two devices.
    """
    stages = microbatches = 0
    for rank, row in enumerate(rows):
        if not row:
            raise ScheduleError(f"rank {rank} of the schedule {name!r} has no work: leave the row out")
        for work in row if set(map(type, row)) != {Work} else ():
            if not isinstance(work, Work):
                raise ScheduleError(f"rank {rank} has {work!r}: give Work, or read a table with Schedule.from_table")
        stages = max(stages, 1 + max(map(itemgetter(1), row)))
        microbatches = max(microbatches, 1 + max(map(itemgetter(2), row)))
    if not rows:
        raise ScheduleError(f"the schedule {name!r} is empty: give a row of work for each rank")
    cells = stages * microbatches
    # Where there are more cells than work to fill them some are empty, and it takes less to keep those that are not.
    have: Any = bytearray(cells) if cells <= sum(map(len, rows)) else defaultdict(int)
    homes: dict[int, int] = {}
    for rank, row in enumerate(rows):
        for stage in set(map(itemgetter(1), row)):
            homes.setdefault(stage, rank)
        for work in row:
            kind, stage, microbatch = work
            bit = _BITS.get(kind, 0)
            if not bit or stage < 0 or microbatch < 0:
                raise ScheduleError(f"rank {rank} has {work}: write a stage, a kind ({' '.join(COMPUTE)}) and a number")
            cell = stage * microbatches + microbatch
            if have[cell] & bit:
                raise ScheduleError(f"{work} is there twice, on rank {homes[stage]} and rank {rank}: do it once")
            if homes[stage] != rank:
                raise ScheduleError(
                    f"rank {rank} has {work}, but stage {stage} is on rank {homes[stage]}: keep it on one"
                )
            have[cell] |= bit
    if isinstance(have, dict) or not set(have.translate(_COMPUTED)) <= set(_COMPLETE):
        for cell in range(cells):
            if have[cell] & 15 not in _COMPLETE:
                _tell_lack(name, have[cell], *divmod(cell, microbatches))
    return tuple(homes[stage] for stage in range(stages)), microbatches, bool(max(have) >= _BITS["SEND_F"])


def _tell_lack(name: str, bits: int, stage: int, microbatch: int) -> NoReturn:
    """Raise the error that says what is not right about one microbatch at one stage."""
    have = "".join(kind for kind in COMPUTE if bits & _BITS[kind])
    if "B" in have and have not in ("FB", "B"):
        other = Work(have.replace("F", "")[0], stage, microbatch)
        raise ScheduleError(f"{Work('B', stage, microbatch)} repeats {other}: B is I and W together")
    lacks = "F" if "F" not in have else "B" if have == "F" else "W" if "I" in have else "I"
    raise ScheduleError(f"the schedule {name!r} omits {Work(lacks, stage, microbatch)}")


def _lines(table: str) -> list[str]:
    lines = table.strip("\r\n").splitlines()
    if not any(line.strip() for line in lines):
        raise ScheduleError("the schedule is empty: give a row of work for each rank, for example 0F0,0F1,0B0,0B1")
    return lines


def _read_rows(table: str) -> tuple[tuple[Work, ...], ...]:
    return tuple(tuple(_read_row(line, rank)) for rank, line in enumerate(_lines(table)))


def _read_row(line: str, rank: int) -> Iterator[Work]:
    for place, cell in enumerate(line.split(",") if "," in line else line.split(), 1):
        text = cell.strip(' \t"')
        if not text or _IGNORED.fullmatch(text):
            continue
        match = _CELL.fullmatch(text)
        if match is None:
            shown = repr(text[:40]) + "…" * (len(text) > 40)
            raise ScheduleError(
                f"cell {place} of rank {rank} is {shown}: write stage, kind ({' '.join(COMPUTE)}) and microbatch, "
                "for example 0F3"
            )
        yield Work(match[2], int(match[1]), int(match[3]))


def _frozen(rows: list[list[Work]]) -> tuple[tuple[Work, ...], ...]:
    return tuple(map(tuple, rows))


def _upto(count: int) -> str:
    return f"they run from 0 to {count - 1}"
