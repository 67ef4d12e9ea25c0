"""Tuning: how good trainers with some settings are on examples that they have not seen, and which settings are best.

A trainer is made anew for each trial, by a function of the settings that are tried::

    def make(strength):
        return Trainer(Compiled(circuit), forces.squared_error, SGD(0.1), L2(strength))

    random_search(make, {"strength": tuning.log_uniform(1e-4, 1)}, points, labels, batch="all")
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from circuitsim import checks
from circuitsim.errors import DivergenceError, InputError, NonFiniteWarning
from circuitsim.gates.value import show
from circuitsim.habits import told
from circuitsim.learning.examples import Points, some_of
from circuitsim.learning.sampling import Order
from circuitsim.learning.trainer import Trainer
from circuitsim.progress import progress_bar
from circuitsim.spelling import shown

__all__ = [
    "CrossValidation", "Draw", "Range", "Search", "cross_validate", "fresh", "log_uniform", "random_search", "uniform",
]  # fmt: skip


@told
@dataclass(frozen=True)
class CrossValidation:
    """How good trainers were on the folds that they did not learn from.

    Attributes
    ----------
    costs : tuple of float
        By fold, the mean loss over its examples, penalties left out; infinite where the training diverged.
    accuracies : tuple of float
        By fold, the share of its examples that are right; nan where the training diverged, empty without classes.
    r2 : tuple of float
        By fold, the share of its targets' variance that is explained; empty where there are classes.
    """

    costs: tuple[float, ...]
    accuracies: tuple[float, ...] = ()
    r2: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """The mean cost of a fold, whatever its size."""
        return math.fsum(self.costs) / len(self.costs)

    @property
    def spread(self) -> float:
        """The standard deviation of the folds' costs, as of a sample: it is divided by one less than their number."""
        return float(np.std(self.costs, ddof=1)) if math.isfinite(self.mean) else math.nan

    def __repr__(self) -> str:
        told = f"cost {show(self.mean, 4)} ± {show(self.spread, 2)}"
        told += f", accuracy {np.mean(self.accuracies):.1%}" if self.accuracies else ""
        told += f", R² {show(float(np.mean(self.r2)), 4)}" if self.r2 else ""
        return f"<cross-validation in {len(self.costs)} folds: {told}; {', '.join(show(c, 4) for c in self.costs)}>"


@told
@dataclass(frozen=True)
class Range:
    """Numbers to draw settings from.

    Attributes
    ----------
    low, high : float
        Its ends.
    logarithmic : bool
        Whether the logarithms of what is drawn are uniform, and not the numbers themselves.
    """

    low: float
    high: float
    logarithmic: bool = False

    def draw(self, random: np.random.Generator) -> float:
        """Return a number of the range."""
        if not self.logarithmic:
            return float(random.uniform(self.low, self.high))
        drawn = math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        return min(max(drawn, self.low), self.high)

    def __repr__(self) -> str:
        return f"{'log_' if self.logarithmic else ''}uniform({self.low:g}, {self.high:g})"


#: What the values of a setting are drawn from: a range, or some values.
Choice: TypeAlias = Range | Sequence[Any]


@told
def uniform(low: float, high: float) -> Range:
    """Return the range of all numbers from `low` to `high`, each as likely as the others.

    Raises
    ------
    InputError
        If they are not finite, or `low` is not below `high`.
    """
    return _range(low, high, logarithmic=False)


@told
def log_uniform(low: float, high: float) -> Range:
    """Return the range from `low` to `high` in which each order of magnitude is as likely as the others.

    Raises
    ------
    InputError
        If they are not finite, `low` is not above 0, or it is not below `high`.

    Examples
    --------
    >>> log_uniform(1e-4, 1)
    log_uniform(0.0001, 1)
    """
    return _range(low, high, logarithmic=True)


def _range(low: float, high: float, logarithmic: bool) -> Range:
    ends = [checks.real(end) for end in (low, high)]
    first, last = (math.nan if end is None else end for end in ends)
    if not -math.inf < first < last < math.inf:
        raise InputError(
            f"the range from {shown(low)} to {shown(high)} cannot be: give two finite numbers, the lower one first"
        )
    if logarithmic and first <= 0.0:
        raise InputError(f"a range of orders of magnitude cannot begin with {shown(low)}: give a number above 0")
    return Range(first, last, logarithmic)


@told
@dataclass(frozen=True)
class Draw:
    """Settings that were tried, and how good they were.

    Attributes
    ----------
    settings : dict of str to anything
        The settings by name.
    result : CrossValidation
        How good trainers with them were.
    """

    settings: dict[str, Any]
    result: CrossValidation

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={_word(value)}" for name, value in self.settings.items())
        return f"<{told}: cost {show(self.result.mean, 4)} ± {show(self.result.spread, 2)}>"


@told
@dataclass(frozen=True)
class Search:
    """What a search tried; printed, it is a table.

    Attributes
    ----------
    draws : tuple of Draw
        All that was tried, the lowest mean cost first.
    """

    draws: tuple[Draw, ...]

    @property
    def best(self) -> Draw:
        """What had the lowest mean cost."""
        return self.draws[0]

    def __str__(self) -> str:
        names = list(self.best.settings)
        rows = [[*names, "cost", "spread"]]
        for draw in self.draws:
            found = show(draw.result.mean, 6), show(draw.result.spread, 2)
            rows.append([*(_word(draw.settings[name]) for name in names), *found])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )

    def __repr__(self) -> str:
        return f"<search of {len(self.draws)} draws, the best {self.best!r}>"


@told
def cross_validate(
    make: Callable[[], Trainer],
    points: Points,
    labels: ArrayLike,
    *,
    folds: int = 5,
    shuffle: int | None = None,
    iterations: int = 400,
    batch: int | Literal["all"] = 1,
    order: Order = "random",
    progress: bool | None = None,
) -> CrossValidation:
    """Train on all folds of the examples but one, and judge by that one; for each fold in turn.

    Parameters
    ----------
    make : callable
        Takes nothing and returns a fresh trainer.
    points, labels : array_like
        The examples, as for `Trainer.fit`.
    folds : int
        How many folds to deal the examples out to: example number i goes to fold ``i % folds``.
    shuffle : int, optional
        Seeds a shuffling of the examples before they are dealt out; if not given, they stay in their order.
    iterations, batch, order
        How to train, as for `Trainer.fit`.
    progress : bool, optional
        Whether to show a progress bar; if not given, only on a terminal.

    Returns
    -------
    CrossValidation
        How good the trainers were, by fold. A training that diverges costs infinitely much.

    Raises
    ------
    InputError
        If there are fewer examples than folds, or anything that `Trainer.fit` refuses.
    KeyboardInterrupt
        If Ctrl-C is pressed.

    Examples
    --------
    >>> import circuitsim as cs
    >>> data = cs.datasets.spirals(60)
    >>> def make():
    ...     return cs.Trainer(cs.Compiled(cs.linear(2)), cs.forces.logistic, cs.SGD(0.1))
    >>> len(cross_validate(make, data.points, data.labels, folds=3, iterations=50).costs)
    3
    """
    checks.count(folds, "folds", least=2)
    targets = np.asarray(labels)
    count = len(targets) if targets.ndim else 1
    if count < folds:
        raise InputError(f"there are {count} labels for {folds} folds: give each fold at least one example")
    numbers = np.arange(count)
    if shuffle is not None:
        numbers = np.random.default_rng(checks.count(shuffle, "shuffle, the seed,", least=0)).permutation(count)
    costs: list[float] = []
    accuracies: list[float] = []
    r2: list[float] = []
    with progress_bar("cross-validation", folds, progress) as advance:
        for fold in range(folds):
            held = np.zeros(count, dtype=bool)
            held[numbers[fold::folds]] = True
            trainer = fresh(make)
            with_classes = trainer.force.targets in ("sides", "classes")
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", NonFiniteWarning)  # an infinite cost says as much
                    history = trainer.fit(
                        some_of(points, ~held),
                        targets[~held],
                        iterations,
                        batch=batch,
                        order=order,
                        every=max(1, iterations),
                        progress=False,
                    )
                if history.ended == "interrupted":
                    raise KeyboardInterrupt
                cost, share = trainer.evaluate(some_of(points, held), targets[held])
                with_classes = history.accuracy is not None
            except DivergenceError:
                cost, share = math.inf, math.nan
            costs.append(cost)
            if share is not None:
                (accuracies if with_classes else r2).append(share)
            advance(fold + 1, f"cost {show(math.fsum(costs) / len(costs), 4)}")
    return CrossValidation(tuple(costs), tuple(accuracies), tuple(r2))


@told
def random_search(
    make: Callable[..., Trainer],
    ranges: Mapping[str, Choice],
    points: Points,
    labels: ArrayLike,
    *,
    draws: int = 20,
    seed: int = 0,
    folds: int = 5,
    shuffle: int | None = None,
    iterations: int = 400,
    batch: int | Literal["all"] = 1,
    order: Order = "random",
    progress: bool | None = None,
) -> Search:
    """Cross-validate trainers with settings that are drawn at random.

    Parameters
    ----------
    make : callable
        Takes the settings by name and returns a fresh trainer.
    ranges : mapping of str to range or sequence
        What each setting is drawn from: `uniform`, `log_uniform`, or some values, each as likely as the others.
    points, labels : array_like
        The examples, as for `Trainer.fit`.
    draws : int
        How many settings to try.
    seed : int
        Seeds the draws. The folds are the same for all of them.
    folds, shuffle, iterations, batch, order
        As for `cross_validate`.
    progress : bool, optional
        Whether to show a progress bar; if not given, only on a terminal.

    Returns
    -------
    Search
        What was tried, the best first.

    Raises
    ------
    InputError
        If there is nothing to draw from, or anything that `cross_validate` refuses.
    KeyboardInterrupt
        If Ctrl-C is pressed.
    """
    random = np.random.default_rng(checks.count(seed, "seed", least=0))
    checks.count(draws, "draws")
    if not ranges:
        raise InputError("there is nothing to draw: give a range for each setting, {'step': log_uniform(1e-3, 1)}")
    for name, choice in ranges.items():
        if not isinstance(choice, Range) and (
            not isinstance(choice, Sequence) or isinstance(choice, str) or not choice
        ):
            raise InputError(
                f"setting {shown(name)} cannot be drawn from {shown(choice)}: give uniform(low, high), "
                f"log_uniform(low, high) "
                "or a list of values"
            )
    tried: list[Draw] = []
    with progress_bar("random search", draws, progress) as advance:
        for number in range(draws):
            settings = {name: _draw(choice, random) for name, choice in ranges.items()}
            result = cross_validate(
                partial(make, **settings),
                points,
                labels,
                folds=folds,
                shuffle=shuffle,
                iterations=iterations,
                batch=batch,
                order=order,
                progress=False,
            )
            tried.append(Draw(settings, result))
            best = min(tried, key=lambda draw: draw.result.mean)
            advance(number + 1, f"best so far {best!r}")
    return Search(tuple(sorted(tried, key=lambda draw: draw.result.mean)))


@told
def fresh(make: Callable[[], Trainer]) -> Trainer:
    """Return the trainer that a function makes, if it is one and has not learned yet.

    Raises
    ------
    InputError
        If it is none, or has.
    """
    trainer = make()
    if not isinstance(trainer, Trainer):
        raise InputError(f"make() returned {shown(trainer)}: let it return a fresh Trainer")
    if trainer.iteration:
        raise InputError("make() returned a trainer that has learned already: let it make a fresh one each time")
    return trainer


def _draw(choice: Choice, random: np.random.Generator) -> Any:
    return choice.draw(random) if isinstance(choice, Range) else choice[int(random.integers(len(choice)))]


def _word(value: Any) -> str:
    return show(float(value), 4) if isinstance(value, float) else str(value)
