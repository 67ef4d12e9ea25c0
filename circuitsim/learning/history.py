"""The history of a training: curves over its iterations, and how good the circuit was now and then."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import overload

from circuitsim import display
from circuitsim.gates.value import Value, show
from circuitsim.habits import told

__all__ = ["Curve", "Evaluation", "History"]

MOST_POINTS = 10_000  # of a curve, and evaluations


class Curve(Sequence[float]):
    """A number for each iteration; of a long training for every second one, every fourth and so on.

    Parameters
    ----------
    values : iterable of float
        The numbers to begin with.
    every : int
        How many iterations lie between them.
    total : int, optional
        How many iterations there were; one for each number, if not given.

    Examples
    --------
    >>> curve = Curve([0.5, 0.25])
    >>> curve.append(0.125)
    >>> list(curve), curve.iterations
    ([0.5, 0.25, 0.125], [0, 1, 2])
    """

    def __init__(self, values: Iterable[float] = (), every: int = 1, total: int | None = None) -> None:
        self.values = list(values)
        self.every = every
        self.total = len(self.values) if total is None else total

    def append(self, value: float) -> None:
        """Add the number of the next iteration."""
        if self.total % self.every == 0:
            if len(self.values) == MOST_POINTS:
                self.values = self.values[::2]
                self.every *= 2
            if self.total % self.every == 0:
                self.values.append(value)
        self.total += 1

    @property
    def iterations(self) -> list[int]:
        """The iterations to which the numbers belong, counted from 0."""
        return list(range(0, len(self.values) * self.every, self.every))

    @overload
    def __getitem__(self, place: int) -> float: ...
    @overload
    def __getitem__(self, place: slice) -> list[float]: ...
    def __getitem__(self, place: int | slice) -> float | list[float]:
        return self.values[place]

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Curve):
            return (self.values, self.every, self.total) == (other.values, other.every, other.total)
        return self.values == other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<curve of {len(self)} numbers for {self.total} iterations>"


@dataclass(frozen=True)
class Evaluation:
    """How good the circuit was after some iterations.

    Attributes
    ----------
    iteration : int
        How many updates came before.
    cost : float
        The mean loss over the examples to learn from, with the cost of the penalties.
    accuracy : float or None
        The share of them that is right; None where there are no classes.
    r2 : float or None
        The share of the targets' variance that is explained; None where there are classes.
    validation_cost, validation_accuracy, validation_r2 : float or None
        The same over the examples held back, without the penalties; None if there are none.
    ticks : float or None
        The simulated time that training had taken until then, evaluations left out; None without a clock.
    parameters : dict of str to float or ndarray
        The parameters; left out where the circuit has very many.
    """

    iteration: int
    cost: float
    accuracy: float | None = None
    r2: float | None = None
    validation_cost: float | None = None
    validation_accuracy: float | None = None
    validation_r2: float | None = None
    ticks: float | None = None
    parameters: dict[str, Value] = field(default_factory=dict, repr=False)


@told
@dataclass
class History:
    """What happened in a training.

    Attributes
    ----------
    losses : Curve
        The mean loss of the examples shown, before each update.
    gradient_norms : Curve
        The Euclidean length of the gradient of all parameters, penalties left out.
    ticks : Curve
        The simulated time that forward and backward passes had taken when each update was made, those of evaluations
        left out; empty if the engine has no clock.
    elapsed : float
        The simulated time that all of them took.
    evaluations : list of Evaluation
        The first is from before the first update.
    in_force : int
        Which of them is of the parameters as they are now; the last, unless better ones were put back.
    ended : str
        Why the training ended: ``"done"``, ``"stopped early"``, ``"stopped by a callback"``, ``"interrupted"`` or
        ``"diverged"``.
    """

    losses: Curve = field(default_factory=Curve)
    gradient_norms: Curve = field(default_factory=Curve)
    ticks: Curve = field(default_factory=Curve)
    evaluations: list[Evaluation] = field(default_factory=list)
    elapsed: float = 0.0
    in_force: int = -1
    ended: str = "done"

    @property
    def iterations(self) -> int:
        """How many updates there were."""
        return self.losses.total

    @property
    def now(self) -> Evaluation | None:
        """The evaluation of the parameters as they are; None before the first training."""
        return self.evaluations[self.in_force] if self.evaluations else None

    @property
    def cost(self) -> float | None:
        """The cost with the parameters as they are; None before the first training."""
        return self.now.cost if self.now else None

    @property
    def accuracy(self) -> float | None:
        """The accuracy with the parameters as they are; None where there are no classes."""
        return self.now.accuracy if self.now else None

    @property
    def r2(self) -> float | None:
        """The explained share of the variance with the parameters as they are; None where there are classes."""
        return self.now.r2 if self.now else None

    def add(self, evaluation: Evaluation) -> None:
        """Take in an evaluation of the parameters as they are; it replaces one of the same iteration."""
        if self.evaluations and self.evaluations[-1].iteration == evaluation.iteration:
            del self.evaluations[-1]
        if len(self.evaluations) >= MOST_POINTS:
            del self.evaluations[1::2]
        self.evaluations.append(evaluation)
        self.in_force = len(self.evaluations) - 1

    def put_back(self, iteration: int) -> None:
        """Take note that the parameters are those of an earlier evaluation."""
        found = [number for number, done in enumerate(self.evaluations) if done.iteration == iteration]
        if found:
            self.in_force = found[0]

    def describe(self) -> str:
        """Return cost and accuracy in words."""
        now = self.now
        if now is None:
            return "no training"
        told = "" if now.accuracy is None else f", accuracy {now.accuracy:.1%}"
        told += "" if now.r2 is None else f", R² {show(now.r2, 4)}"
        return f"cost {show(now.cost, 4)}{told}"

    def __repr__(self) -> str:
        if self.now is None:
            return "<history of no training>"
        return f"<history of {self.iterations} iterations, {self.ended}: {self.describe()}>"

    def _repr_svg_(self) -> str | None:
        """Show the curves in a notebook."""
        if self.now is None:
            return None
        share_name = "R²" if self.now.accuracy is None else "accuracy"
        key = "r2" if self.now.accuracy is None else "accuracy"
        cost = {"cost": self._curve("cost"), "cost held back": self._curve("validation_cost")}
        share = {share_name: self._curve(key), f"{share_name} held back": self._curve(f"validation_{key}")}
        return display.curves_svg(
            f"{self.iterations} iterations, {self.ended}: {self.describe()}",
            {name: curve for name, curve in cost.items() if curve[0]},
            {name: curve for name, curve in share.items() if curve[0]},
            share_name,
        )

    def _curve(self, key: str) -> tuple[list[int], list[float]]:
        """Return the iterations at which something was evaluated, and what it was."""
        known = [one for one in self.evaluations if getattr(one, key) is not None]
        return [one.iteration for one in known], [getattr(one, key) for one in known]
