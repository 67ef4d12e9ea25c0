"""A policy: what decides, while a stream runs, which piece of work a device does next.

A schedule says so before the run; a policy looks at what is ready.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from circuitsim.errors import ScheduleError
from circuitsim.plan.schedule import Work

__all__ = ["Policy"]


class Policy:
    """First come, first served, which is ``schedule="fifo"``; subclass it and choose otherwise.

    A plan takes the class, and every device of a run gets a policy of its own. Work is forward passes (F) and backward
    passes (B, done in one piece). A policy that keeps more than `ready` says what of it a checkpoint holds in `save`
    and `restore`.

    Attributes
    ----------
    ready : deque of Work
        What the device could do now, in the order in which it became ready. The microbatch of a `Work` is here the
        number of the example in the stream.

    Examples
    --------
    >>> import circuitsim as cs
    >>> class BackwardFirst(Policy):
    ...     def choose(self, ready):
    ...         return min(ready, key=lambda work: (work.kind != "B", work.microbatch))
    >>> simulation = cs.Simulation(cs.parse("tanh(tanh(x))"), cs.Plan(stages=2, schedule=BackwardFirst))
    >>> simulation.stream([{"x": 0.1 * i} for i in range(4)]).report.makespan
    15.0
    """

    def __init__(self) -> None:
        self.ready: deque[Work] = deque()

    def choose(self, ready: Sequence[Work]) -> Work | None:
        """Return one of what is ready, or None to wait until more is; there is always at least one."""
        return ready[0]

    def add(self, kind: str, stage: int, tag: int) -> None:
        """Take note of work that is ready."""
        if kind in "FB":
            self.ready.append(Work(kind, stage, tag))

    def take(self) -> Work | None:
        """Return what to do next, None to wait.

        Raises
        ------
        ScheduleError
            If what is chosen is not ready.
        """
        if not self.ready:
            return None
        work = self.choose(self.ready)
        if work is not None:
            try:
                self.ready.remove(work)
            except ValueError:
                raise ScheduleError(
                    f"{type(self).__name__} chose {work!r}, which is not ready: let choose return one of what it is "
                    "given, or None"
                ) from None
        return work

    def undo(self, works: Sequence[Work]) -> None:
        """Put back what was taken last and not finished."""
        self.ready.extendleft(reversed(works))

    def save(self) -> Any:
        """Return a checkpoint."""
        return tuple(self.ready)

    def restore(self, saved: Any) -> None:
        """Go back to a checkpoint."""
        self.ready = deque(saved)
