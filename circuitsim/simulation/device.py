"""A device: it does the work of the stages that are on it, one piece at a time, or as many as it has workers.

What it does next its policy decides: `Fifo` takes what has been ready for longest, `Agenda` keeps to a row of a
schedule and waits for what comes next in it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from simpy import Environment, Event
from simpy.events import NORMAL

from circuitsim.plan.schedule import Work

__all__ = ["Agenda", "Device", "Fifo", "Policy"]


class Policy(Protocol):
    """What decides on the next piece of work."""

    def add(self, work: Work) -> None:
        """Take note of work that is ready."""

    def take(self) -> Work | None:
        """Return what to do next, None to wait."""

    def undo(self, works: Sequence[Work]) -> None:
        """Put back what was taken last and not finished."""

    def save(self) -> Any:
        """Return a checkpoint."""

    def restore(self, saved: Any) -> None:
        """Go back to a checkpoint."""


class Fifo:
    """First come, first served; backward passes are done in one piece."""

    def __init__(self) -> None:
        self.queue: deque[Work] = deque()

    def add(self, work: Work) -> None:
        """Take note of work that is ready."""
        if work.kind in "FB":
            self.queue.append(work)

    def take(self) -> Work | None:
        """Return what to do next, None to wait."""
        return self.queue.popleft() if self.queue else None

    def undo(self, works: Sequence[Work]) -> None:
        """Put back what was taken last and not finished."""
        self.queue.extendleft(reversed(works))

    def save(self) -> tuple[Work, ...]:
        """Return a checkpoint."""
        return tuple(self.queue)

    def restore(self, saved: tuple[Work, ...]) -> None:
        """Go back to a checkpoint."""
        self.queue = deque(saved)


class Agenda:
    """A row of a schedule, done in its order; microbatches count from the first tag of the present batch."""

    def __init__(self) -> None:
        self.row: Sequence[Work] = ()
        self.place = 0
        self.first = 0
        self.open: set[Work] = set()

    def start(self, row: Sequence[Work], first: int) -> None:
        """Begin a row, for the batch that starts with this tag."""
        self.row = row
        self.place = 0
        self.first = first
        self.open.clear()

    def add(self, work: Work) -> None:
        """Take note of work that is ready."""
        kind, stage, tag = work
        self.open.add(Work(kind, stage, tag - self.first))
        if kind == "B":
            self.open.add(Work("I", stage, tag - self.first))

    def take(self) -> Work | None:
        """Return what to do next, None to wait."""
        work = self.awaited
        if work is None or (work.kind[0] != "R" and work not in self.open):  # a receive is posted at any time
            return None
        self.place += 1
        return Work(work.kind, work.stage, work.microbatch + self.first)

    @property
    def awaited(self) -> Work | None:
        """The next piece in the row."""
        return self.row[self.place] if self.place < len(self.row) else None

    def undo(self, works: Sequence[Work]) -> None:
        """Put back what was taken last and not finished."""
        self.place -= len(works)

    def save(self) -> tuple[int, int, set[Work]]:
        """Return a checkpoint."""
        return self.place, self.first, set(self.open)

    def restore(self, saved: tuple[int, int, set[Work]]) -> None:
        """Go back to a checkpoint."""
        self.place, self.first, opened = saved
        self.open = set(opened)


class Device:
    """A device at work.

    Parameters
    ----------
    environment : simpy.Environment
        The clock.
    number : int
        Its number.
    lanes : sequence of Policy
        What decides on its work; with several, each has workers of its own.
    workers : int
        How many pieces of work it does at a time in each lane.
    on_start : callable
        Called with the device and the work that begins; it returns the time that the work takes, in ticks, or
        None if somebody else will call `end` for it.
    on_end : callable
        Called with the device, the work and the time when it began, now that it is done.
    """

    def __init__(
        self,
        environment: Environment,
        number: int,
        lanes: Sequence[Policy],
        workers: int,
        on_start: Callable[["Device", Work], float | None],
        on_end: Callable[["Device", Work, float], None],
    ) -> None:
        self.env = environment
        self.number = number
        self.lanes = lanes
        self.idle = [workers] * len(lanes)
        self.on_start = on_start
        self.on_end = on_end
        self.running: dict[Work, tuple[int, float]] = {}  # the lane and the time when it began
        self.life = 0  # counts crashes: what was begun in an earlier life is not finished in this one
        self.down = False

    def ready(self, work: Work) -> None:
        """Take note of work that can be done, and do it if somebody is idle."""
        for lane in self.lanes:
            lane.add(work)
        self.go()

    def go(self) -> None:
        """Give work to whoever is idle."""
        if self.down:
            return
        for number, lane in enumerate(self.lanes):
            while self.idle[number] and (work := lane.take()) is not None:
                self.idle[number] -= 1
                self.running[work] = number, self.env.now
                time = self.on_start(self, work)
                if time is not None:
                    event = Event(self.env)
                    event.callbacks = [self._ended]
                    event._ok, event._value = True, (work, self.life)
                    self.env.schedule(event, NORMAL, time)

    def end(self, work: Work) -> None:
        """Finish a piece of work and go on to the next."""
        lane, start = self.running.pop(work)
        self.on_end(self, work, start)
        self.idle[lane] += 1
        self.go()

    def _ended(self, event: Event) -> None:
        work, life = event._value
        if life == self.life:
            self.end(work)

    def stop(self) -> None:
        """Crash: whatever is being done is lost."""
        self.life += 1
        self.down = True
        for lane, _ in self.running.values():
            self.idle[lane] += 1
        self.running.clear()

    def save(self) -> list[Any]:
        """Return a checkpoint; what is being done counts as yet to be done."""
        saved = []
        for number, lane in enumerate(self.lanes):
            before = lane.save()
            lane.undo([work for work, (where, _) in self.running.items() if where == number])
            saved.append(lane.save())
            lane.restore(before)
        return saved

    def restore(self, saved: list[Any]) -> None:
        """Go back to a checkpoint."""
        for lane, state in zip(self.lanes, saved, strict=True):
            lane.restore(state)
