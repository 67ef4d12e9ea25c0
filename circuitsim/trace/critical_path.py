"""Why a stream took as long as it did: the chain of work and messages that ends last, and what idle devices wait for.

All causes are found by time: whatever lets a piece of work begin, or a message leave, ends at the same tick. A piece
waits for its device, for a message of its own example, for a parameter, or, through the host, for what ended elsewhere:
a batch, or an example that made room for another. Of several that end at the same tick, any could be called the cause,
and the first of this list is.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple, TypeAlias

from circuitsim.trace.timeline import Outage, Piece, Timeline, Transfer

__all__ = ["CriticalPath", "Idle", "Step", "critical_path", "idle_spans"]

#: What may take up time.
Event: TypeAlias = Piece | Transfer | Outage

CLOSE = 1e-9  # two ticks nearer than this, as a part of them, are one: sums of times are rounded
GRADIENTS = ("I", "W", "B")


class Step(NamedTuple):
    """A part of the critical path; `event` is None where everybody waited, such as for a message to be sent again."""

    start: float
    end: float
    event: Event | None


class Idle(NamedTuple):
    """A span in which a device did nothing.

    `reason` is ``"value"``, ``"gradient"`` or ``"weights"`` for what was yet to be made elsewhere, ``"transfer"`` while
    it was on its way, ``"crash"``, ``"admission"`` of an example (after a batch, or when there is room), ``"done"``
    after the device's last piece, or ``"policy"`` where nothing was missing. `source` is the device that it was to come
    from.
    """

    device: int
    start: float
    end: float
    reason: str
    source: int | None


@dataclass(frozen=True)
class CriticalPath:
    """The chain of events that ends last: its steps follow one another without a gap, from the first start on.

    Attributes
    ----------
    devices : tuple of str
        Their names.
    steps : list of Step
        In order of time.
    """

    devices: tuple[str, ...]
    steps: list[Step]

    @property
    def length(self) -> float:
        """The ticks from its start to its end: the makespan."""
        return self.steps[-1].end - self.steps[0].start if self.steps else 0.0

    @property
    def work(self) -> list[float]:
        """For each device the ticks that it worked on the path."""
        found = [0.0] * len(self.devices)
        for start, end, event in self.steps:
            if isinstance(event, Piece):
                found[event.device] += end - start
        return found

    @property
    def transfers(self) -> float:
        """The ticks that messages on the path were on their way, with the time that they waited for a busy link."""
        return sum((end - start for start, end, event in self.steps if isinstance(event, Transfer)), 0.0)

    def __str__(self) -> str:
        told = ", ".join(f"{name} {ticks:g}" for name, ticks in zip(self.devices, self.work, strict=True) if ticks)
        lines = [f"{self.length:g} ticks: work on {told or 'no device'}; messages {self.transfers:g}"]
        seen = [step for step in self.steps if step.end > step.start or isinstance(step.event, Piece)]
        for where, group in groupby(seen, self._where):
            steps = list(group)
            works = [f"{e.stage}{e.kind}{e.tag}" for _, _, e in steps if isinstance(e, Piece)]
            told = f": {works[0]} … {works[-1]}, {len(works)} pieces" if len(works) > 3 else ": " + " ".join(works)
            lines.append(f"{steps[0].start:>10.6g} to {steps[-1].end:<10.6g} {where}{told if works else ''}")
        return "\n".join(lines)

    def _where(self, step: Step) -> str:
        event = step.event
        if isinstance(event, Piece):
            return self.devices[event.device]
        if isinstance(event, Transfer):
            return f"{self.devices[event.source]} to {self.devices[event.target]}: {event.what} of {event.tag}"
        return f"{self.devices[event.device]} is down" if event else "nothing ends"


def critical_path(timeline: Timeline) -> CriticalPath:
    """Follow the piece of work that ended last back to the first start, from cause to cause."""
    steps: list[Step] = []
    if timeline.work:
        causes = _Causes(timeline)
        begin = min(piece.start for piece in timeline.work)
        event: Event | None = max(timeline.work, key=lambda piece: piece.end)
        while event is not None:
            start = _start(event)
            steps.append(Step(start, event.end, event))
            if start <= begin or _same(start, begin):
                break
            event = causes.of(event)
            if event is None:
                event = causes.last_before(start)
                steps.append(Step(begin if event is None else event.end, start, None))
    return CriticalPath(timeline.devices, steps[::-1])


def idle_spans(timeline: Timeline) -> list[Idle]:
    """Return why devices did nothing, from the first start of all to the last end of all, by device and time."""
    if not timeline.work:
        return []
    causes = _Causes(timeline)
    begin, over = min(piece.start for piece in timeline.work), max(piece.end for piece in timeline.work)
    found: list[Idle] = []
    for device in range(len(timeline.devices)):
        free = begin
        for piece in sorted(causes.pieces[device], key=lambda piece: piece.start):
            if piece.start > free and not _same(piece.start, free):
                found += _reasons(causes, piece, free)
            free = max(free, piece.end)
        if over > free and not _same(over, free):
            found += _outages(causes, Idle(device, free, over, "done", None))
    return found


def _reasons(causes: "_Causes", piece: Piece, free: float) -> Iterator[Idle]:
    """Yield why a device was idle until it began a piece of work."""
    device, end = piece.device, piece.start
    cause = causes.message(piece)
    if cause is None:
        there = causes.of(piece) is not None
        yield from _outages(causes, Idle(device, free, end, "admission" if there else "policy", None))
        return
    if cause.sent > free:
        source = cause.source if cause.target == device else None
        yield from _outages(causes, Idle(device, free, cause.sent, cause.what, source))
    if end > max(free, cause.sent):
        yield from _outages(causes, Idle(device, max(free, cause.sent), end, "transfer", cause.source))


def _outages(causes: "_Causes", idle: Idle) -> Iterator[Idle]:
    """Yield an idle span with what of it the device was down for told apart."""
    now = idle.start
    for outage in causes.outages[idle.device]:
        start, end = max(now, outage.start), min(idle.end, outage.end)
        if start < end:
            if now < start:
                yield idle._replace(start=now, end=start)
            yield Idle(idle.device, start, end, "crash", None)
            now = end
    if now < idle.end:
        yield idle._replace(start=now)


def _start(event: Event) -> float:
    return event.sent if isinstance(event, Transfer) else event.start


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= CLOSE * max(1.0, abs(one))


class _Causes:
    """All that happened, by when it ended; what was once the cause of something is not one again."""

    def __init__(self, timeline: Timeline) -> None:
        self.pieces: defaultdict[int, list[Piece]] = defaultdict(list)  # by device, and so the others
        self.outages: defaultdict[int, list[Outage]] = defaultdict(list)
        for piece in timeline.work:
            self.pieces[piece.device].append(piece)
        for outage in timeline.outages:
            self.outages[outage.device].append(outage)
        arrived = [transfer for transfer in timeline.transfers if transfer.fate == "arrived"]
        around: defaultdict[int, list[Event]] = defaultdict(list)
        for transfer in arrived:
            for device in {transfer.source, transfer.target}:
                around[device].append(transfer)
        self.near = {
            device: _Ended([*self.pieces[device], *self.outages[device], *around[device]])
            for device in range(len(timeline.devices))
        }
        self.all = _Ended([*timeline.work, *arrived, *timeline.outages])
        self.seen: set[Event] = set()

    def of(self, event: Event) -> Event | None:
        """Return what let this happen when it did; None if nothing ended then."""
        self.seen.add(event)
        device = event.source if isinstance(event, Transfer) else event.device
        found = [one for one in self.near[device].at(_start(event)) if one not in self.seen]
        here = [one for one in found if not isinstance(one, Transfer)]
        if isinstance(event, Transfer):
            here.sort(key=lambda one: not isinstance(one, Piece) or one.tag != event.tag)
        if here:
            return here[0]
        if isinstance(event, Piece) and (message := self.message(event)) is not None and message not in self.seen:
            return message
        for one in found or self.all.at(_start(event)):
            if one not in self.seen:
                return one
        return None

    def message(self, piece: Piece) -> Transfer | None:
        """Return the message that came, or had left its device, when a piece of work began: first one of its own."""
        found = [one for one in self.near[piece.device].at(piece.start) if isinstance(one, Transfer)]
        awaited = "value" if piece.kind == "F" else "gradient"

        def rank(transfer: Transfer) -> int:
            if transfer.target != piece.device:
                return 3
            if transfer.what == awaited:
                return 0 if transfer.tag == piece.tag else 2
            return 1 if transfer.what == "weights" else 2

        return min(found, key=rank, default=None)

    def last_before(self, time: float) -> Event | None:
        """Return what ended last before this."""
        return self.all.before(time)


class _Ended:
    """Events in the order of their ends."""

    def __init__(self, events: list[Event]) -> None:
        self.events = sorted(events, key=lambda event: event.end)
        self.ends = [event.end for event in self.events]

    def at(self, time: float) -> Iterator[Event]:
        """Yield what ended at this time."""
        close = CLOSE * max(1.0, abs(time))
        yield from self.events[bisect_left(self.ends, time - close) : bisect_right(self.ends, time + close)]

    def before(self, time: float) -> Event | None:
        """Return what ended last before this time."""
        place = bisect_left(self.ends, time - CLOSE * max(1.0, abs(time)))
        return self.events[place - 1] if place else None
