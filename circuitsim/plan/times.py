"""Times that things take: a number of ticks, or a distribution from which every time is drawn anew."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from circuitsim.errors import InputError

__all__ = ["Distribution", "Ticks", "Times", "draw", "exponential", "lognormal", "uniform"]


@dataclass(frozen=True)
class Distribution:
    """A random time.

    Attributes
    ----------
    sample : callable
        Returns a time, given a `numpy.random.Generator`.
    text : str
        What it is called.
    """

    sample: Callable[[np.random.Generator], float]
    text: str

    def seeded(self, seed: int) -> Callable[..., float]:
        """Return a function that returns a new time at each call: for `gate_delay` and `wire_latency`.

        Examples
        --------
        >>> import circuitsim as cs
        >>> latency = cs.exponential(2.0).seeded(0)
        >>> cs.Simulation(cs.parse("x * y"), wire_latency=latency).run(x=2, y=3).gradients
        {'x': 3.0, 'y': 2.0}
        """
        random = np.random.default_rng(seed)
        return lambda *names: self.sample(random)

    def __repr__(self) -> str:
        return self.text


#: A time in ticks, the same each time or drawn each time.
Ticks: TypeAlias = float | Distribution


def exponential(mean: float) -> Distribution:
    """Return a memoryless time: how long it will still take does not depend on how long it took already."""
    _check(mean, "mean of an exponential time")
    return Distribution(lambda random: float(random.exponential(mean)), f"exponential({mean:g})")


def uniform(low: float, high: float) -> Distribution:
    """Return a time that is anywhere between two bounds."""
    _check(low, "lower bound of a uniform time")
    _check(high, "upper bound of a uniform time")
    if high < low:
        raise InputError(f"a uniform time from {low:g} to {high:g} runs backward: give the lower bound first")
    return Distribution(lambda random: float(random.uniform(low, high)), f"uniform({low:g}, {high:g})")


def lognormal(median: float, spread: float) -> Distribution:
    """Return a time with a long tail: its logarithm is normal, with standard deviation `spread`."""
    _check(median, "median of a lognormal time")
    _check(spread, "spread of a lognormal time")
    return Distribution(
        lambda random: median * math.exp(spread * float(random.standard_normal())), f"lognormal({median:g}, {spread:g})"
    )


def draw(ticks: Ticks, random: np.random.Generator | None, where: str) -> float:
    """Return a time; without a generator only check it.

    Raises
    ------
    InputError
        If it is no finite number, or below 0; the sentence names `where`.
    """
    if ticks.__class__ is float and 0.0 <= ticks < math.inf:
        return ticks
    if isinstance(ticks, Distribution):
        if random is None:
            return 0.0
        ticks = ticks.sample(random)
    try:
        time = float(ticks)
    except (TypeError, ValueError):
        time = -1.0
    if not 0.0 <= time < math.inf:
        raise InputError(f"{where} is {ticks!r}: give ticks, a finite number not below 0, or a distribution")
    return time


def _check(number: float, what: str) -> None:
    if not isinstance(number, int | float) or not 0.0 <= number < math.inf:
        raise InputError(f"the {what} is {number!r}: give a finite number not below 0")


@dataclass(frozen=True)
class Times:
    """The ticks that pieces of work take.

    Parameters
    ----------
    forward, backward, weight : float, Distribution or sequence of those
        What F, I and W take: the same at every stage, or for each stage. B takes I and W.
    slowdown : mapping of int or str to float
        By which factor a device, by its number or name, is slower than the others.

    Raises
    ------
    InputError
        If one is no time.
    """

    forward: Ticks | Sequence[Ticks] = 1.0
    backward: Ticks | Sequence[Ticks] = 1.0
    weight: Ticks | Sequence[Ticks] = 1.0
    slowdown: Mapping[int | str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in "FIW":
            for stage, ticks in enumerate(self._of(kind)):
                draw(ticks, None, f"the time of {kind} at stage {stage}")
        for device, factor in self.slowdown.items():
            draw(factor, None, f"the slowdown of device {device!r}")

    def of_stages(self, stages: int) -> dict[str, list[Ticks]]:
        """Return the times of F, I and W for each of so many stages."""
        times = {}
        for kind in "FIW":
            given = self._of(kind)
            if len(given) not in (1, stages):
                raise InputError(f"there are {len(given)} times of {kind} for {stages} stages: give one for each")
            times[kind] = list(given) * (stages if len(given) == 1 else 1)
        return times

    def _of(self, kind: str) -> Sequence[Ticks]:
        given = {"F": self.forward, "I": self.backward, "W": self.weight}[kind]
        return given if isinstance(given, list | tuple) else [given]  # type: ignore[list-item]
