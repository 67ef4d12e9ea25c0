"""Limited-memory BFGS: steps from the curvature that the last steps have met (Nocedal and Wright 2006, chapter 7).

Other rules see one parameter at a time; this one needs all of them as one vector, and the cost of the same examples
again and again. So it lives in the trainer, not in parameters. By itself it is plain arithmetic on vectors::

    rule = LBFGS()
    state = rule.start(x, *evaluate(x))
    for _ in range(100):
        state = rule.step(evaluate, state)

It minimizes: `evaluate` returns the cost and its gradient, which points uphill.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from circuitsim import checks
from circuitsim.gates.value import Array
from circuitsim.habits import told

__all__ = ["AXES", "LBFGS", "Evaluate", "State", "direction"]

#: Returns the cost at a place and its gradient there.
Evaluate: TypeAlias = Callable[[Array], tuple[float, Array]]

# The strong conditions of Wolfe: the cost falls by a part of what the slope promises, and the slope gets flatter.
FALL, FLATTER = 1e-4, 0.9
ROUNDING = 4.0 * float(np.finfo(float).eps)  # costs that differ by less, relatively, are taken for equal
MOST_TRIES = 25  # places that one line search may look at


class State(NamedTuple):
    """Where the search is, and what it remembers of its way; arrays and numbers, so that it can be saved.

    Attributes
    ----------
    x : ndarray, shape (n,)
        The place.
    cost : float
        The cost there.
    gradient : ndarray, shape (n,)
        Its gradient there.
    steps : ndarray, shape (k, n)
        The last steps, the oldest first.
    changes : ndarray, shape (k, n)
        How the gradient changed along each.
    evaluations : int
        How often the cost was asked for, the first time included.
    """

    x: Array
    cost: float
    gradient: Array
    steps: Array
    changes: Array
    evaluations: int


class _Try(NamedTuple):
    """A place on the line: how far along the direction, the cost, the slope, and the gradient there."""

    size: float
    cost: float
    slope: float
    x: Array
    gradient: Array


#: How many axes each part of a state has.
AXES = {"x": 1, "cost": 0, "gradient": 1, "steps": 2, "changes": 2, "evaluations": 0}


@told
@dataclass(frozen=True)
class LBFGS:
    """The settings of limited-memory BFGS with a line search by the strong conditions of Wolfe.

    Parameters
    ----------
    memory : int
        How many steps it remembers.
    tolerance : float
        It has arrived where no element of the gradient is larger.

    Raises
    ------
    InputError
        If the memory is no whole number above 0, or the tolerance no finite number from 0 up.

    Examples
    --------
    >>> def evaluate(x):
    ...     return float(np.sum((x - 1.0) ** 4 + x * x)), 4.0 * (x - 1.0) ** 3 + 2.0 * x
    >>> rule = LBFGS(tolerance=1e-9)
    >>> x = np.array([5.0, -3.0])
    >>> state = rule.start(x, *evaluate(x))
    >>> for _ in range(20):
    ...     state = rule.step(evaluate, state)
    >>> state.x.round(6)
    array([0.410245, 0.410245])
    >>> rule.arrived(state)
    True
    """

    memory: int = 10
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        checks.count(self.memory, "memory")
        checks.number(self.tolerance, "tolerance")

    def start(self, x: Array, cost: float, gradient: Array) -> State:
        """Return the state at a first place, where the cost and its gradient are these."""
        none = np.zeros((0, len(x)))
        return State(x, cost, gradient, none, none, 1)

    def arrived(self, state: State) -> bool:
        """Tell whether no element of the gradient is larger than the tolerance."""
        return bool(np.max(np.abs(state.gradient), initial=0.0) <= self.tolerance)

    def step(self, evaluate: Evaluate, state: State) -> State:
        """Return the state after one line search.

        Where it has arrived, or finds no place on the line that is better by more than rounding, it stays: the state
        that is returned has the same `x`.

        Parameters
        ----------
        evaluate : callable
            Returns the cost at a place and its gradient there. It may return what is infinite or nan; a shorter step is
            tried then.
        state : State
            Where to go from.
        """
        if self.arrived(state):
            return state
        found, evaluations = _search(evaluate, state)
        if found is None and len(state.steps):  # forget the way, and go straight down
            state = state._replace(steps=state.steps[:0], changes=state.changes[:0], evaluations=evaluations)
            found, evaluations = _search(evaluate, state)
        if found is None:
            return state._replace(evaluations=evaluations)
        step, change = found.x - state.x, found.gradient - state.gradient
        steps, changes = state.steps, state.changes
        if np.vdot(step, change) > np.finfo(float).eps * np.vdot(change, change):  # else the cost is not convex there
            steps = np.concatenate([steps, [step]])[-self.memory :]
            changes = np.concatenate([changes, [change]])[-self.memory :]
        return State(found.x, found.cost, found.gradient, steps, changes, evaluations)


def direction(gradient: Array, steps: Array, changes: Array) -> Any:
    """Return the way to go: minus the gradient times the inverse of the curvature met on the last steps.

    Parameters
    ----------
    gradient : ndarray, shape (n,)
        The gradient at the place.
    steps, changes : ndarray, shape (k, n)
        The last steps, the oldest first, and how the gradient changed along each; minus the gradient if there are none.
    """
    way = -gradient
    if not len(steps):
        return way
    shares = []
    for step, change in zip(steps[::-1], changes[::-1], strict=True):
        share = np.vdot(step, way) / np.vdot(step, change)
        way = way - share * change
        shares.append(share)
    way = way * (np.vdot(steps[-1], changes[-1]) / np.vdot(changes[-1], changes[-1]))
    for step, change, share in zip(steps, changes, reversed(shares), strict=True):
        way = way + (share - np.vdot(change, way) / np.vdot(step, change)) * step
    return way


def _search(evaluate: Evaluate, state: State) -> tuple[_Try | None, int]:
    """Look along the direction for a place with the conditions of Wolfe; the algorithms 3.5 and 3.6 of the book.

    Returns
    -------
    _Try or None
        The place, or, if the tries run out, the lowest that falls enough; None if there is none.
    int
        The number of evaluations so far.
    """
    way = direction(state.gradient, state.steps, state.changes)
    first = _Try(0.0, state.cost, float(np.vdot(state.gradient, way)), state.x, state.gradient)
    if not first.slope < 0.0:
        return None, state.evaluations
    size = 1.0 if len(state.steps) else min(1.0, 1.0 / float(np.sum(np.abs(state.gradient))))
    slack = ROUNDING * abs(first.cost)
    low, high = first, None  # the best place so far, and, once there is one, the other end of where to look
    for number in range(1, MOST_TRIES + 1):
        x = state.x + size * way
        cost, gradient = evaluate(x)
        here = _Try(size, float(cost), float(np.vdot(gradient, way)), x, gradient)
        most = min(first.cost + FALL * size * first.slope, low.cost) + slack
        if not _finite(here) or here.cost > most:
            high = here
        elif abs(here.slope) <= -FLATTER * first.slope:
            return here, state.evaluations + number
        else:
            if here.slope * ((high.size if high else math.inf) - low.size) >= 0.0:
                high = low
            low = here
        size = 2.0 * low.size if high is None else _between(low, high)
    return (low if low.size > 0.0 else None), state.evaluations + number


def _finite(here: _Try) -> bool:
    return math.isfinite(here.cost) and math.isfinite(here.slope)


def _between(low: _Try, high: _Try) -> float:
    """Return where the cubic through both ends is lowest, but not too near to either of them."""
    width = high.size - low.size
    if not _finite(high):
        return low.size + 0.1 * width
    bend = low.slope + high.slope - 3.0 * (high.cost - low.cost) / width
    root = bend * bend - low.slope * high.slope
    share = 0.5
    if root >= 0.0:
        root = math.copysign(math.sqrt(root), width)
        if (below := high.slope - low.slope + 2.0 * root) != 0.0:
            share = 1.0 - (high.slope + root - bend) / below
    return low.size + min(max(share, 0.1), 0.9) * width
