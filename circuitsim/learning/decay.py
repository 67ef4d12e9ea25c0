"""Learning-rate schedules: step sizes that change with the number of the update.

Each is a small object that is called with that number, from 0; any function of one integer does as well. A setting
that cannot be raises `InputError`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuitsim import checks
from circuitsim.gates.scalar import cos
from circuitsim.habits import told

__all__ = ["CosineDecay", "ExponentialDecay", "LinearDecay"]


@told
@dataclass(frozen=True)
class LinearDecay:
    """From `start` in a straight line to `end` at update number `updates`, and on at `end`.

    Examples
    --------
    >>> [LinearDecay(1.0, 0.0, 4)(update) for update in (0, 1, 4, 9)]
    [1.0, 0.75, 0.0, 0.0]
    """

    start: float
    end: float
    updates: int

    def __post_init__(self) -> None:
        checks.number(self.start, "start")
        checks.number(self.end, "end")
        checks.count(self.updates, "updates")

    def __call__(self, update: int) -> float:
        """Return the step size of an update."""
        share: float = _bounded(update, self.updates) / self.updates
        return self.start + (self.end - self.start) * share


@told
@dataclass(frozen=True)
class ExponentialDecay:
    """`start`, multiplied by `factor` after every `every` updates.

    Examples
    --------
    >>> [ExponentialDecay(1.0, 0.5, 10)(update) for update in (0, 9, 10, 20)]
    [1.0, 1.0, 0.5, 0.25]
    """

    start: float
    factor: float
    every: int = 1

    def __post_init__(self) -> None:
        checks.number(self.start, "start")
        checks.number(self.factor, "factor", positive=True)
        checks.count(self.every, "every")

    def __call__(self, update: int) -> float:
        """Return the step size of an update."""
        return self.start * self.factor ** (update // self.every)


@told
@dataclass(frozen=True)
class CosineDecay:
    """From `start` to `end` along half a cosine, over a number of updates (Loshchilov and Hutter 2017).

    Examples
    --------
    >>> [round(CosineDecay(1.0, 0.0, 10)(update), 3) for update in (0, 5, 10, 11)]
    [1.0, 0.5, 0.0, 0.0]
    """

    start: float
    end: float
    updates: int

    def __post_init__(self) -> None:
        checks.number(self.start, "start")
        checks.number(self.end, "end")
        checks.count(self.updates, "updates")

    def __call__(self, update: int) -> float:
        """Return the step size of an update."""
        share: Any = cos(np.pi * (_bounded(update, self.updates) / self.updates))
        step: float = self.end + (self.start - self.end) * (1 + share) / 2
        return step


def _bounded(update: int, last: int) -> int:
    """Return the number of an update, or the nearest from 0 to the last."""
    whole = checks.whole(update)
    if whole is not None:
        return min(max(whole, 0), last)
    bounded: int = np.minimum(np.maximum(update, 0), last)  # as symbols
    return bounded
