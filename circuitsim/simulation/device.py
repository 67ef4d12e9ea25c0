"""A device: it decides when the stages on it work, one piece at a time, or as many as it has slots.

A stage that could work asks its device. What comes next, a `Policy` chooses from what is ready, or an `Agenda` says: it
keeps to a row of a schedule and waits for what comes next in it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from circuitsim.plan.schedule import COMPUTE, Work
from circuitsim.simulation.kernel import World
from circuitsim.simulation.stage import StageActor

__all__ = ["Agenda", "Device", "Lane", "Piece"]


class Lane(Protocol):
    """What a device asks for its next piece of work: a `Policy`, or an `Agenda`."""

    def add(self, kind: str, stage: int, tag: int) -> None:
        """Take note of work that is ready."""

    def take(self) -> Work | None:
        """Return what to do next, None to wait; its microbatch is the number of the example."""

    def undo(self, works: Sequence[Work]) -> None:
        """Put back what was taken last and not finished."""

    def save(self) -> Any:
        """Return a checkpoint."""

    def restore(self, saved: Any) -> None:
        """Go back to a checkpoint."""


class Meeting(Protocol):
    """What knows whether a device can come to a transfer."""

    def can(self, kind: str, stage: int, tag: int) -> bool:
        """Tell whether it can."""


class Agenda:
    """A row of a schedule, done in its order.

    It keeps no list of what is ready: it asks the stage whose turn it is.

    Parameters
    ----------
    stages : mapping of int to StageActor
        The stages on its device, by number.
    meeting : Meeting or None
        What knows of transfers, if the row writes them out.
    """

    __slots__ = ("first", "meeting", "place", "row", "stages", "step")

    def __init__(self, stages: Mapping[int, StageActor], meeting: Meeting | None) -> None:
        self.stages = stages
        self.meeting = meeting
        self.row: Sequence[Work] = ()
        self.place = 0
        self.first = 0
        self.step = 1

    def start(self, row: Sequence[Work], first: int, step: int) -> None:
        """Begin a row: its microbatch 0 has the tag `first`, and the tags of the others follow in equal steps."""
        self.row = row
        self.place = 0
        self.first = first
        self.step = step

    def add(self, kind: str, stage: int, tag: int) -> None:
        """Take note of work that is ready: nothing needs to be kept."""

    def take(self) -> Work | None:
        """Return what to do next, None to wait."""
        if self.place == len(self.row):
            return None
        kind, stage, microbatch = self.row[self.place]
        tag = self.first + microbatch * self.step
        if kind in COMPUTE:
            if not self.stages[stage].can(kind, tag):
                return None
        elif self.meeting is None or not self.meeting.can(kind, stage, tag):
            return None
        self.place += 1
        return Work(kind, stage, tag)

    @property
    def awaited(self) -> Work | None:
        """The next piece in the row."""
        return self.row[self.place] if self.place < len(self.row) else None

    def undo(self, works: Sequence[Work]) -> None:
        """Put back what was taken last and not finished."""
        self.place -= len(works)

    def save(self) -> tuple[Sequence[Work], int, int, int]:
        """Return a checkpoint."""
        return self.row, self.place, self.first, self.step

    def restore(self, saved: tuple[Sequence[Work], int, int, int]) -> None:
        """Go back to a checkpoint."""
        self.row, self.place, self.first, self.step = saved


class Piece:
    """A piece of work that is being done; as an event it happens when it is over."""

    __slots__ = ("callbacks", "device", "kind", "lane", "lost", "stage", "start", "tag")
    _ok = True

    def __init__(self, device: "Device", lane: int, kind: str, stage: int, tag: int) -> None:
        self.device = device
        self.lane = lane
        self.kind = kind
        self.stage = stage
        self.tag = tag
        self.start = device.world.now
        self.lost = False  # whether a crash has ended it
        self.callbacks = OVER


def _over(piece: Piece) -> None:
    if not piece.lost:
        piece.device.end(piece)


OVER = (_over,)


class Device:
    """A device at work.

    Parameters
    ----------
    world : World
        The clock.
    number : int
        Its number.
    lanes : sequence of Lane
        What decides on its work; with several, each has slots of its own.
    slots : int
        How many pieces of work it does at a time in each lane.
    on_start : callable
        Called with the piece that begins; it returns the ticks that the piece takes, or None if somebody else will
        call `end` for it.
    on_end : callable
        Called with the piece that is over.
    """

    __slots__ = ("down", "free", "idle", "lanes", "number", "on_end", "on_idle", "on_start", "running", "world")

    def __init__(
        self,
        world: World,
        number: int,
        lanes: Sequence[Lane],
        slots: int,
        on_start: Callable[[Piece], float | None],
        on_end: Callable[[Piece], None],
    ) -> None:
        self.world = world
        self.number = number
        self.lanes = lanes
        self.idle = [slots] * len(lanes)
        self.on_start = on_start
        self.on_end = on_end
        self.free = sum(self.idle)
        self.running: dict[Piece, None] = {}
        self.down = False
        self.on_idle: Callable[[], None] = _nothing  # called when nothing is being done any more

    def ready(self, stage: StageActor, kind: str, tag: int) -> None:
        """Take note of work that can be done, and do it if a slot is free."""
        for lane in self.lanes:
            lane.add(kind, stage.number, tag)
        if self.free:
            self.go()

    def go(self) -> None:
        """Give work to the slots that are free."""
        if self.down:
            return
        idle, world = self.idle, self.world
        for number, lane in enumerate(self.lanes):
            while idle[number] and (work := lane.take()) is not None:
                idle[number] -= 1
                self.free -= 1
                piece = Piece(self, number, *work)
                self.running[piece] = None
                ticks = self.on_start(piece)
                if ticks is None:
                    continue
                end = world.now + ticks
                if end != world.tick:
                    world.open(end)
                world.bucket.append(piece)

    def end(self, piece: Piece) -> None:
        """Finish a piece of work and go on to the next."""
        self.on_end(piece)  # it still takes its slot: what it leads to on this device waits its turn
        del self.running[piece]
        self.idle[piece.lane] += 1
        self.free += 1
        self.go()
        if not self.running:
            self.on_idle()

    def stop(self) -> None:
        """Crash: whatever is being done is lost."""
        self.down = True
        for piece in self.running:
            piece.lost = True
            self.idle[piece.lane] += 1
            self.free += 1
        self.running.clear()

    def save(self) -> list[Any]:
        """Return a checkpoint; what is being done counts as yet to be done."""
        saved = []
        for number, lane in enumerate(self.lanes):
            before = lane.save()
            lane.undo([Work(p.kind, p.stage, p.tag) for p in self.running if p.lane == number])
            saved.append(lane.save())
            lane.restore(before)
        return saved

    def restore(self, saved: list[Any]) -> None:
        """Go back to a checkpoint."""
        for lane, state in zip(self.lanes, saved, strict=True):
            lane.restore(state)


def _nothing() -> None:
    """Do nothing."""
