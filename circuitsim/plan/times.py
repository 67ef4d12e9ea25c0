"""Times that things take: a number of ticks, or a distribution from which every time is drawn anew."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from circuitsim import checks
from circuitsim.errors import InputError
from circuitsim.habits import told
from circuitsim.plan.plain_values import Written

__all__ = ["Distribution", "Ticks", "as_ticks", "draw", "exponential", "lognormal", "uniform"]


#: How a time is drawn, by the name and with the parameters of its distribution.
KINDS: dict[str, Callable[..., float]] = {
    "exponential": lambda random, mean: float(random.exponential(mean)),
    "uniform": lambda random, low, high: float(random.uniform(low, high)),
    "lognormal": lambda random, median, spread: median * math.exp(spread * float(random.standard_normal())),
}


@dataclass(frozen=True)
class Known:
    """Draws from a distribution that has a name."""

    kind: str
    parameters: tuple[float, ...]

    def __call__(self, random: np.random.Generator) -> float:
        """Return a time."""
        return KINDS[self.kind](random, *self.parameters)


@dataclass(frozen=True)
class Scaled:
    """Draws from any distribution and takes a part of it."""

    sample: Callable[[np.random.Generator], float]
    factor: float

    def __call__(self, random: np.random.Generator) -> float:
        """Return a time."""
        return self.factor * self.sample(random)


@told
@dataclass(frozen=True, repr=False)
class Distribution(Written):
    """A random time; `exponential`, `uniform` and `lognormal` make them, or a function of your own.

    Attributes
    ----------
    sample : callable
        Returns a time, given a `numpy.random.Generator`.
    text : str
        What it is called.

    Examples
    --------
    >>> exponential(2) == exponential(2.0), exponential(2)
    (True, exponential(2.0))
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
        random = np.random.default_rng(checks.count(seed, "seed", least=0))
        return lambda *names: self.sample(random)

    def scaled(self, factor: float) -> "Distribution":
        """Return the distribution of these times multiplied by a factor.

        Examples
        --------
        >>> uniform(1, 3).scaled(0.5), lognormal(4, 1).scaled(0.5)
        (uniform(0.5, 1.5), lognormal(2.0, 1.0))
        """
        factor = checks.number(factor, "the factor")
        if not isinstance(self.sample, Known):
            return Distribution(Scaled(self.sample, factor), f"{factor!r} * {self.text}")
        size, *spread = self.sample.parameters
        if self.sample.kind == "uniform":
            return uniform(factor * size, factor * spread[0])
        return _known(self.sample.kind, factor * size, *spread)

    def content(self) -> list[Any]:
        """Return the fields that `to_json` writes.

        Raises
        ------
        InputError
            If it is one of your own.
        """
        if not isinstance(self.sample, Known):
            raise InputError(
                f"the distribution {self.text!r} is a function, which cannot be written as JSON: use "
                f"{', '.join(KINDS)} or a number"
            )
        return [self.sample.kind, *self.sample.parameters]

    @classmethod
    def of_content(cls, content: Any) -> "Distribution":
        """Build the distribution from what `content` returned."""
        makers: dict[str, tuple[Callable[..., Distribution], int]] = {
            "exponential": (exponential, 1),
            "uniform": (uniform, 2),
            "lognormal": (lognormal, 2),
        }
        if isinstance(content, tuple) and content and content[0] in makers:
            maker, parameters = makers[content[0]]
            if len(content) == 1 + parameters:
                return maker(*content[1:])
        raise InputError(
            f"this JSON says {content!r} of a Distribution: give its name, one of {', '.join(makers)}, and its numbers"
        )

    def __repr__(self) -> str:
        return self.text


#: A time in ticks, the same each time or drawn each time.
Ticks: TypeAlias = float | Distribution


@told
def exponential(mean: float) -> Distribution:
    """Return an exponentially distributed time: how long it still takes does not depend on how long it took."""
    return _known("exponential", checks.number(mean, "the mean of an exponential time", "ticks"))


@told
def uniform(low: float, high: float) -> Distribution:
    """Return a time that is uniformly distributed between two bounds."""
    low = checks.number(low, "the lower bound of a uniform time", "ticks")
    high = checks.number(high, "the upper bound of a uniform time", "ticks")
    if high < low:
        raise InputError(f"a uniform time from {low:g} to {high:g} runs backward: give the lower bound first")
    return _known("uniform", low, high)


@told
def lognormal(median: float, spread: float) -> Distribution:
    """Return a time with a long tail: its logarithm is normal, with standard deviation `spread`."""
    return _known(
        "lognormal",
        checks.number(median, "the median of a lognormal time", "ticks"),
        checks.number(spread, "the spread of a lognormal time"),
    )


def _known(kind: str, *parameters: float) -> Distribution:
    return Distribution(Known(kind, parameters), f"{kind}({', '.join(map(repr, parameters))})")


def as_ticks(value: object, what: str) -> Ticks:
    """Return a time as a float or a distribution.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(value, Distribution):
        return value
    return checks.number(value, what, "ticks", more=", or a distribution")


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
    return checks.number(ticks, where, "ticks", more=", or a distribution")
