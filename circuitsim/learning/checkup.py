"""A checklist for trainings that do not go as they should: each common mistake has a check that names it.

The trainings are short and begin anew, so what is checked is left as it was. A sound training passes without a word::

    print(check_training(make, points, labels, batch=10))
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitsim import checks
from circuitsim.engine import Engine
from circuitsim.errors import DivergenceError, NonFiniteWarning
from circuitsim.gates.value import Value, shape_of, show
from circuitsim.habits import told
from circuitsim.learning.examples import DRAW, TARGET, Points, some_of
from circuitsim.learning.health import look_inside
from circuitsim.learning.history import History
from circuitsim.learning.lbfgs import LBFGS
from circuitsim.learning.trainer import Trainer
from circuitsim.learning.tuning import fresh

__all__ = ["CHECKS", "Checkup", "Finding", "check_training"]

#: The checks in their order, and in a few words what each asks.
CHECKS = {
    "start": "Does it begin with about the loss of guessing?",
    "inputs": "Are the numbers that go in of a size of about 1?",
    "labels": "Do points tell more of their labels than of shuffled ones?",
    "pull": "Does the force pull towards a lower loss?",
    "gradient": "Do gradients agree with central differences?",
    "no gradient": "Does every parameter get a gradient?",
    "symmetry": "Do the units of a layer begin unlike each other?",
    "direction": "Do parameters move where they are pulled?",
    "large step": "Does training lower the loss at all?",
    "small step": "Does it lower the loss by much?",
    "few": "Can a few examples be fitted?",
    "dead units": "Are most units of a layer alive?",
}
FEW = 20  # examples that are run by themselves, and parameters whose gradients are checked
ENOUGH = 30  # examples from which one can tell whether labels belong to points
NEAR = 5  # neighbours whose labels are compared
SHUFFLES = 9  # of labels, to be learned
LARGEST, SMALLEST = 10.0, 0.01  # the size that numbers in an input may have
PLACES = 20  # where to look for gradients that never come


@dataclass(frozen=True)
class Finding:
    """What is wrong.

    Attributes
    ----------
    check : str
        Which check found it; see `check_training`.
    sentence : str
        What was seen, and what to do.
    """

    check: str
    sentence: str


@dataclass(frozen=True)
class Checkup:
    """What the checks of a training found; printed, it is a list of sentences.

    Attributes
    ----------
    findings : tuple of Finding
        What is wrong; empty if nothing was found.
    unseen : tuple of str
        Checks that could not be made, and why.
    """

    findings: tuple[Finding, ...]
    unseen: tuple[str, ...] = ()

    @property
    def checks(self) -> list[str]:
        """The checks that found something."""
        return [finding.check for finding in self.findings]

    def __str__(self) -> str:
        lines = [f"{finding.check}: {finding.sentence}" for finding in self.findings] or ["nothing found"]
        return "\n".join([*lines, *(f"not checked: {what}" for what in self.unseen)])


@told
def check_training(
    make: Callable[[], Trainer],
    points: Points,
    labels: ArrayLike,
    *,
    iterations: int = 400,
    batch: int | Literal["all"] = 1,
    seed: int = 0,
    tracer: Engine | None = None,
) -> Checkup:
    """Look for common mistakes in a training.

    =============== ================================================================================================
    ``start``       the loss at the start is much higher than with all parameters at 0, ln K for K classes
    ``inputs``      an input's numbers are far from 1 in size
    ``labels``      points tell no more of their labels than of shuffled ones: are these in another order?
    ``pull``        the force pulls towards a higher loss
    ``gradient``    a gradient does not agree with central differences of the loss
    ``no gradient`` a parameter gets no gradient, wherever the parameters are
    ``symmetry``    units of a layer begin as copies of each other, or all at 0, and would stay so
    ``direction``   parameters move against their pull
    ``large step``  training raises the loss or diverges, but a smaller step lowers it
    ``small step``  training hardly lowers the loss, but going a hundred times as far, or more, would
    ``few``         not even a few examples can be fitted
    ``dead units``  after training more than a quarter of a layer's units are 0 for all examples
    =============== ================================================================================================

    Parameters
    ----------
    make : callable
        Takes nothing and returns a fresh trainer.
    points, labels : array_like
        The examples, as for `Trainer.fit`.
    iterations, batch, seed
        How to train, as for `Trainer.fit`.
    tracer : Engine, optional
        An engine of the same circuit that leaves traces, if the trainer's own does not: symmetry and dead units are
        seen in traces.

    Returns
    -------
    Checkup
        What was found.

    Raises
    ------
    InputError
        If `make` does not return a fresh trainer, or anything that `Trainer.fit` refuses.
    KeyboardInterrupt
        If Ctrl-C is pressed.

    Examples
    --------
    >>> import circuitsim as cs
    >>> data = cs.datasets.spirals(40)
    >>> def make():
    ...     return cs.Trainer(cs.Simulation(cs.linear(2, init="zero")), cs.forces.logistic, cs.SGD(0.1))
    >>> print(check_training(make, 1000 * data.points, data.labels, batch="all").findings[0].sentence)
    input 'x1' has numbers of a size of 536: bring inputs to about 1, Trainer(..., standardize=True)
    """
    made = _Examination(make, points, labels, checks.count(iterations, "iterations"), batch, seed, tracer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonFiniteWarning)  # what diverges is told in words of its own
        return Checkup(tuple(made.findings()), made.unseen)


class _Examination:
    """The checks, and what they share."""

    def __init__(
        self,
        make: Callable[[], Trainer],
        points: Points,
        labels: ArrayLike,
        iterations: int,
        batch: int | Literal["all"],
        seed: int,
        tracer: Engine | None,
    ) -> None:
        self.make, self.points, self.labels = make, points, np.asarray(labels)
        self.iterations, self.batch, self.seed, self.tracer = iterations, batch, seed, tracer
        trainer = fresh(self.make)
        trainer.fit(points, labels, 0, batch=batch, seed=seed)
        self.count = len(self.labels)
        self.random = np.random.default_rng(checks.count(seed, "seed", least=0))
        self.few = self.part(np.unique(np.linspace(0, self.count - 1, min(FEW, self.count)).astype(int)))
        self.unseen: tuple[str, ...] = ()
        if trainer.engine.trace is None and tracer is None:
            name = type(trainer.engine).__name__
            self.unseen = (f"symmetry and dead units, for a {name} leaves no traces: give tracer=Simulation(circuit)",)

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong, one check after another."""
        yield from self.start()
        yield from self.inputs()
        yield from self.order_of_labels()
        yield from self.gradients()
        yield from self.symmetry()
        yield from self.first_step()
        yield from self.training()
        yield from self.few_examples()

    # -- what is there before training -----------------------------------------------------------------------

    def start(self) -> Iterator[Finding]:
        trainer = self.settled()
        begins = trainer.evaluate(self.points, self.labels)[0]
        names = trainer.engine.parameters
        trainer.engine.set_parameters({name: np.zeros(shape_of(value)) for name, value in names.items()})
        zero = trainer.evaluate(self.points, self.labels)[0]
        if begins > 3.0 * zero > 0.0:
            yield Finding(
                "start",
                f"the loss at the start is {show(begins, 4)}, but {show(zero, 4)} with all parameters at 0: begin with "
                "smaller weights",
            )

    def inputs(self) -> Iterator[Finding]:
        for name, rows in self.fed().items():
            columns = rows.reshape(len(rows), -1)
            sizes = np.sqrt(np.mean(np.square(columns), axis=0))
            small = (sizes < SMALLEST) & (np.mean(columns != 0.0, axis=0) > 0.5)  # others are mostly 0
            odd = np.flatnonzero((sizes > LARGEST) | small)
            if odd.size:
                place = "" if columns.shape[1] == 1 else f"[{odd[0]}]"
                more = f", as {odd.size - 1} more" if odd.size > 1 else ""
                yield Finding(
                    "inputs",
                    f"input '{name}{place}' has numbers of a size of {show(float(sizes[odd[0]]), 3)}{more}: bring "
                    "inputs to about 1, Trainer(..., standardize=True)",
                )

    def order_of_labels(self) -> Iterator[Finding]:
        trainer = self.settled()
        kind = trainer.force.targets
        if self.count < ENOUGH or (kind is None and TARGET not in trainer.engine.inputs):
            return
        some = np.sort(self.random.permutation(self.count)[:1000])
        rows = np.concatenate([part.reshape(len(part), -1) for part in self.fed().values()], axis=1)[some]
        rows = (rows - rows.mean(axis=0)) / np.where(rows.std(axis=0) > 0.0, rows.std(axis=0), 1.0)
        squares = np.sum(rows**2, axis=1)
        apart = squares[:, None] + squares - 2.0 * rows @ rows.T
        np.fill_diagonal(apart, math.inf)
        near = np.argsort(apart, axis=1, kind="stable")[:, :NEAR]
        labels = self.labels[some].reshape(len(some), -1)
        if kind in ("sides", "classes"):
            labels = np.unique(labels, return_inverse=True)[1].reshape(len(some), -1)

        def disagreement(order: Any) -> float:
            mine, theirs = labels[order][:, None], labels[order][near]
            if kind in ("sides", "classes"):
                return float(np.mean(mine != theirs))
            return float(np.mean(np.square(np.subtract(mine, theirs, dtype=np.float64))))

        seen = disagreement(np.arange(len(some)))
        by_chance = [disagreement(self.random.permutation(len(some))) for _ in range(200)]
        if len(np.unique(labels)) < 2 or np.mean(np.less_equal(by_chance, seen)) <= 0.01:
            return
        # Distances need not mean anything to the circuit: ask what it learns, too.
        try:
            told = self.foretold(self.labels)
            mixed = [self.foretold(self.random.permutation(self.labels)) for _ in range(SHUFFLES)]
        except DivergenceError:
            return  # which the training tells
        if told > np.mean(mixed) - 2.5 * np.std(mixed, ddof=1):
            yield Finding(
                "labels",
                "labels of points that are near each other agree no more than by chance, and from half of the examples "
                f"the others are foretold no better than shuffled ones, with a loss of {show(told, 3)} for "
                f"{show(float(np.mean(mixed)), 3)}: are points and labels in the same order?",
            )

    def foretold(self, labels: NDArray[Any]) -> float:
        """Return the loss on one half of the examples after training with these labels on the other."""
        trainer = self.settled()  # which knows all classes
        halves = np.random.default_rng(self.seed).permutation(self.count)
        one, other = np.sort(halves[::2]), np.sort(halves[1::2])
        self.train(trainer, self.part(one)[0], labels[one], self.iterations)
        return trainer.evaluate(self.part(other)[0], labels[other])[0]

    # -- gradients ---------------------------------------------------------------------------------------------

    def gradients(self) -> Iterator[Finding]:
        """Hold them against central differences at a place near the start, and look for those that never come."""
        trainer = self.settled()
        engine, begins = trainer.engine, trainer.engine.parameters
        never = set(begins)
        for number in range(PLACES):
            if not never:
                break
            # What begins with dead units has them everywhere near: look elsewhere as well.
            place = {name: self.moved(value, around=number == 0) for name, value in begins.items()}
            engine.set_parameters(place)
            found = self.mean_gradients(trainer)
            never -= {name for name in never if np.any(found[name])}
            if number == 0:
                yield from self.compare(trainer, place, found)
        if never and not trainer.carry:  # the first value of what is carried may be 0
            yield Finding(
                "no gradient",
                f"parameter {_listed(sorted(never))} gets no gradient, wherever the parameters are: does it lead to "
                f"output {trainer.output!r} by gates that pass gradients?",
            )

    def compare(self, trainer: Trainer, place: Mapping[str, Value], found: Mapping[str, Value]) -> Iterator[Finding]:
        names = list(place)
        if len(names) > FEW:
            names = [names[number] for number in np.sort(self.random.permutation(len(names))[:FEW])]
        wrong, opposite, compared = [], 0, 0
        for name in names:
            way = self.random.normal(size=shape_of(place[name]))
            way /= np.linalg.norm(way)
            reach = 1e-5 * max(1.0, float(np.max(np.abs(place[name]), initial=0.0)))
            losses = []
            for end in (reach, -reach):
                trainer.engine.set_parameters({name: place[name] + end * way})
                losses.append(trainer.evaluate(*self.few)[0])
            trainer.engine.set_parameters({name: place[name]})
            slope = (losses[1] - losses[0]) / (2.0 * reach)  # downwards, as it is pulled
            told = float(np.sum(found[name] * way))
            least = 1e-6 * max(1.0, abs(losses[0]))
            if max(abs(slope), abs(told)) > least:
                compared += 1
            if abs(told - slope) > least + 0.01 * max(abs(told), abs(slope)):
                wrong.append(f"{name!r}, {show(told, 4)} for {show(slope, 4)}")
                opposite += abs(told + slope) <= least + 0.01 * abs(slope)
        if compared and opposite == compared:
            yield Finding(
                "pull",
                "the force pulls towards a higher loss: turn the sign of its pull, minus the slope of the loss",
            )
        elif wrong:
            yield Finding(
                "gradient",
                f"the pull on {_listed(wrong, quoted=False)} by central differences, is not what the loss asks for: "
                "check the rules of the gates with testing.check_gate, and the force's pull against its loss",
            )

    def mean_gradients(self, trainer: Trainer) -> dict[str, Value]:
        """Return the gradients of the mean loss of the few examples."""
        total: dict[str, Value] = dict.fromkeys(trainer.engine.parameters, 0.0)
        probes = list(trainer.probe(*self.few))
        for probe in probes:
            total = {name: total[name] + probe.gradients[name] / len(probes) for name in total}
        return total

    def moved(self, value: Value, around: bool) -> Value:
        """Return a parameter's value at random, around the one it has or around 0, spread as far as it is large."""
        reach = 0.1 + float(np.sqrt(np.mean(np.square(value))))
        place: Value = reach * self.random.normal(size=shape_of(value))
        return value + place if around else place

    # -- inside the circuit --------------------------------------------------------------------------------------

    def symmetry(self) -> Iterator[Finding]:
        if self.unseen:
            return
        for signals in look_inside(self.settled(), *self.few, self.tracer)[:-1]:
            units = np.concatenate([signals.values, signals.gradients]).T[~signals.dead]
            same = len(units) - len(np.unique(units, axis=0))
            if same or not len(units):
                how = f"{same + 1} of them are the same" if same else "all of them are 0"
                yield Finding(
                    "symmetry",
                    f"the {len(signals.dead)} units of layer {signals.name} begin alike, {how}, and would stay so: "
                    "draw the weights at random",
                )

    def dead_units(self, trainer: Trainer) -> Iterator[Finding]:
        if self.unseen:
            return
        for signals in look_inside(trainer, self.points, self.labels, self.tracer)[:-1]:
            dead, units = int(np.sum(signals.dead)), len(signals.dead)
            if dead > units / 4:
                yield Finding(
                    "dead units",
                    f"after training {dead} of {units} units of layer {signals.name} are 0 for all examples: take a "
                    "smaller step, or begin with other weights",
                )

    # -- training ------------------------------------------------------------------------------------------------

    def first_step(self) -> Iterator[Finding]:
        trainer = self.settled()
        before = trainer.engine.parameters
        springs = trainer.engine.springs or {}
        shrinks = any(hasattr(spring, "shrink") for those in springs.values() for spring in those)
        if isinstance(trainer.optimizer, LBFGS) or shrinks:  # which go further than pulls tell
            return
        try:
            self.train(trainer, self.points, self.labels, 1)
        except DivergenceError:
            return  # which the training tells
        after = trainer.engine.parameters
        pulls = trainer.gradients
        circuit = sum(float(np.sum((after[name] - before[name]) * pulls[name])) for name in before)
        held = sum(
            float(np.sum((after[name] - before[name]) * spring.pull(before[name])))
            for name, those in springs.items()
            for spring in those
        )
        if circuit < 0.0 and circuit + held < 0.0:
            yield Finding("direction", "the parameters move against their pull: turn the sign of the optimizer's step")

    def training(self) -> Iterator[Finding]:
        """Train as asked, and look at what came of it."""
        trainer = self.settled()
        begins, first = trainer.engine.parameters, self.loss(trainer)
        cost = trainer.history.cost
        try:
            history = self.train(trainer, self.points, self.labels, self.iterations)
        except DivergenceError as error:
            yield Finding("large step", str(error))
            return
        ends, last = trainer.engine.parameters, self.loss(trainer)
        assert cost is not None
        assert history.cost is not None
        if history.cost > cost:
            yield Finding(
                "large step",
                f"the cost rose from {show(cost, 4)} to {show(history.cost, 4)} in {self.iterations} iterations: take "
                "a smaller step",
            )
        yield from self.dead_units(trainer)
        for times in (100, 1000, 10_000):
            if last <= 0.9 * first:
                break
            way = {name: ends[name] - begins[name] for name in begins}
            trainer.engine.set_parameters({name: begins[name] + times * way[name] for name in begins})
            far = self.loss(trainer)
            if far < 0.9 * last:
                yield Finding(
                    "small step",
                    f"the loss went from {show(first, 4)} to {show(last, 4)} only in {self.iterations} iterations; "
                    f"{times} times as far it is {show(far, 4)}: take a larger step, or more iterations",
                )
                break

    def few_examples(self) -> Iterator[Finding]:
        trainer = self.settled()
        numbers = sum(int(np.size(value)) for value in trainer.engine.parameters.values())
        scores = np.asarray(trainer.scores(*self.few))
        each = scores.size // len(self.few[1])
        many = min(FEW, self.count, max(2, numbers // (2 * each)))  # as many as the parameters can surely fit
        some = self.part(np.unique(np.linspace(0, self.count - 1, many).astype(int)))
        before = trainer.evaluate(*some)[0]
        try:
            self.train(trainer, *some, self.iterations, batch=1 if self.batch == 1 else "all", order="in order")
        except DivergenceError:
            return  # which the training tells
        after = trainer.evaluate(*some)[0]
        if after > 0.5 * before:
            yield Finding(
                "few",
                f"not even {many} examples alone can be fitted: their loss went from {show(before, 4)} to "
                f"{show(after, 4)} in {self.iterations} iterations",
            )

    # -- what the checks share -------------------------------------------------------------------------------

    def settled(self) -> Trainer:
        """Return a fresh trainer that knows the examples."""
        trainer = fresh(self.make)
        trainer.fit(self.points, self.labels, 0, batch=self.batch, seed=self.seed)
        return trainer

    def train(self, trainer: Trainer, points: Points, labels: ArrayLike, iterations: int, **how: Any) -> History:
        history = trainer.fit(points, labels, iterations, **{"batch": self.batch, "seed": self.seed, **how})
        if history.ended == "interrupted":
            raise KeyboardInterrupt
        return history

    def loss(self, trainer: Trainer) -> float:
        return trainer.evaluate(self.points, self.labels)[0]

    def part(self, numbers: NDArray[np.int_]) -> tuple[Points, NDArray[Any]]:
        return some_of(self.points, numbers), self.labels[numbers]

    def fed(self) -> dict[str, NDArray[np.float64]]:
        """Return what each input is given for all examples, in the trainer's scale."""
        trainer = self.settled()
        names = [name for name in trainer.engine.inputs if name not in (TARGET, DRAW, *trainer.carry)]
        probes = list(trainer.probe(self.points, self.labels))
        if len(probes) == 1:
            return {name: np.asarray(probes[0].fed[name]).reshape(self.count, -1) for name in names}
        return {name: np.stack([np.asarray(probe.fed[name]) for probe in probes]) for name in names}


def _listed(things: list[str], quoted: bool = True) -> str:
    """Return the first of some things, and how many more there are."""
    first = repr(things[0]) if quoted else things[0]
    return first if len(things) == 1 else f"{first} and {len(things) - 1} more"
