"""Training: show examples, pull on the output with a force, let the parameters respond; again and again.

This is the guide's loop for any circuit, any force and any engine::

    trainer = Trainer(Simulation(circuit), forces.svm, SGD(step=0.01), L2(0.1))
    history = trainer.fit(points, labels, iterations=400, seed=0)
"""

import math
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitsim import checks
from circuitsim.engine import Engine
from circuitsim.errors import DivergenceError, InputError
from circuitsim.gates.value import Value, as_value, is_finite, shape_of, show
from circuitsim.learning.checkpoint import Best, Checkpoint
from circuitsim.learning.examples import Examples, Intake, check_points
from circuitsim.learning.forces import Force
from circuitsim.learning.history import Evaluation, History
from circuitsim.learning.optimizers import Optimizer
from circuitsim.learning.penalties import Penalty
from circuitsim.learning.sampling import Order, Sampler
from circuitsim.progress import interruptible, progress_bar

__all__ = ["Trainer"]

#: Histories keep the parameters of each evaluation if a circuit has no more numbers than this.
MOST_KEPT = 10_000


class Trainer:
    """Trains the parameters of a circuit on examples.

    The circuit's inputs get the columns of the points in the order in which they were added to the circuit. If there
    is only one input and several columns, it gets whole rows. An input called ``target`` gets the label.

    Parameters
    ----------
    engine : Engine
        What runs the circuit. Its parameters take the optimizer's rule, with a fresh state.
    force : Force
        How to pull on the output; see `circuitsim.forces`.
    optimizer : Optimizer
        How parameters respond.
    penalty : Penalty or sequence of Penalty
        Springs on the parameters.
    output : str, optional
        The output that is the score and is pulled; the circuit's first one, if not given.

    Attributes
    ----------
    history : History
        All that happened since the trainer was made, or loaded.
    shown : list of int
        The numbers of the examples shown last, among all that `fit` was given.
    pull : float or ndarray
        The pull put on the output last.
    gradients : dict of str to float or ndarray
        What inputs and parameters felt last, springs left out.

    Examples
    --------
    >>> import circuitsim as cs
    >>> c = cs.Circuit("line")
    >>> x, = c.inputs("x")
    >>> slope, offset = c.parameters(slope=0.0, offset=0.0)
    >>> c.output("y", slope * x + offset)
    >>> trainer = cs.Trainer(cs.Simulation(c), cs.forces.squared_error, cs.SGD(step=0.1))
    >>> history = trainer.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], iterations=500, seed=0)
    >>> {name: round(value, 3) for name, value in trainer.engine.parameters.items()}
    {'slope': 2.0, 'offset': 1.0}
    """

    def __init__(
        self,
        engine: Engine,
        force: Force,
        optimizer: Optimizer,
        penalty: Penalty | Sequence[Penalty] = (),
        *,
        output: str | None = None,
    ) -> None:
        _check_parts(engine, force, optimizer, penalty)
        circuit = engine.netlist.name
        if output is not None and output not in engine.outputs:
            known = ", ".join(engine.outputs)
            raise InputError(f"circuit {circuit!r} has no output {output!r} to train: its outputs are {known}")
        if not engine.parameters:
            raise InputError(f"circuit {circuit!r} has no parameters to train: add one, circuit.parameter('a', 1.0)")
        self.engine = engine
        self.force = force
        self.optimizer = optimizer
        self.penalties = [penalty] if isinstance(penalty, Penalty) else list(penalty)
        self.output = output or engine.outputs[0]
        self.history = History()
        self.shown: list[int] = []
        self.pull: Value = 0.0
        self.gradients: dict[str, Value] = {}
        self._intake = Intake(circuit, engine.inputs)
        self._sampler: Sampler | None = None
        self._sampler_state: dict[str, Any] | None = None  # from a checkpoint, until the first fit
        self._seed = 0
        self._best: Best | None = None
        engine.learn(optimizer, self.penalties)

    @property
    def iteration(self) -> int:
        """How many updates there were."""
        return self.history.iterations

    def fit(
        self,
        points: ArrayLike,
        labels: ArrayLike,
        iterations: int = 400,
        *,
        batch: int = 1,
        order: Order = "random",
        seed: int | None = None,
        validation: float = 0.0,
        patience: int | None = None,
        every: int | None = None,
        callbacks: Sequence[Callable[["Trainer"], Any]] = (),
        progress: bool | None = None,
    ) -> History:
        """Show examples and let the parameters respond.

        A second call goes on where the first one stopped: twice 200 iterations are the same as 400. Ctrl-C ends the
        training after the iteration that runs, and what was learned is kept.

        Parameters
        ----------
        points : array_like, shape (examples, features)
            What goes into the circuit. One row is an example.
        labels : array_like, shape (examples,) or (examples, ...)
            What the force takes as target: +1 and -1, or whatever numbers it wants.
        iterations : int
            How many updates to make.
        batch : int
            How many examples to show for an update. The pull is the mean over them.
        order : {"random", "shuffled", "in order"} or sequence of int
            How examples are chosen; see `circuitsim.learning.sampling`.
        seed : int, optional
            Seeds the choice of examples and of those held back, and begins it anew. If not given, the choice goes on
            where it was; it begins with seed 0.
        validation : float
            The share of the examples to hold back and never to learn from, 0 to below 1.
        patience : int, optional
            Stop when the cost of the examples held back has not become lower for so many evaluations, and put back
            the parameters of the best one.
        every : int, optional
            How many iterations lie between evaluations; if not given, a hundredth of all, at least 1. Cost and
            accuracy are evaluated before the first iteration and after the last in any case.
        callbacks : sequence of callable
            Called with the trainer after each update; training stops when one returns something true.
        progress : bool, optional
            Whether to show a progress bar; if not given, only on a terminal.

        Returns
        -------
        History
            The trainer's whole history, earlier calls included.

        Raises
        ------
        InputError
            If points and labels do not fit the circuit or each other, or a setting cannot be.
        DivergenceError
            If a score, loss or gradient is infinite or nan. The parameters are put back to those of the best
            evaluation.
        """
        examples = self._check(points, labels)
        checks.count(iterations, "iterations", least=0)
        checks.count(batch, "batch")
        every = max(1, iterations // 100) if every is None else checks.count(every, "every")
        learned, held_back = self._split(len(examples), seed, validation)
        if patience is not None and not len(held_back) * checks.count(patience, "patience"):
            raise InputError("patience needs examples to judge by: hold some back, validation=0.2")
        if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
            raise InputError(f"callbacks={callbacks!r} cannot be: give a list of functions that take the trainer")
        sampler = self._choose_by(order, len(learned), anew=seed is not None)
        shown, held = examples.take(learned), examples.take(held_back)

        self.history.ended = "done"
        best = self._evaluate(shown, held)
        first, end = self.iteration, self.iteration + iterations
        with progress_bar("training", iterations, progress) as advance, interruptible() as interrupted:
            while self.iteration < end:
                chosen = sampler.take(batch)
                self.shown = [int(learned[number]) for number in chosen]
                self._iterate(*shown.some(chosen))
                stop = sum(bool(callback(self)) for callback in callbacks)  # all of them are called
                if self.iteration % every == 0 or self.iteration == end or stop or interrupted:
                    best = self._evaluate(shown, held)
                    advance(self.iteration - first, _words(self.history))
                if stop or interrupted:
                    self.history.ended = "interrupted" if interrupted else "stopped by a callback"
                    break
                if patience is not None and len(self.history.evaluations) - best.number >= patience:
                    self.history.ended = "stopped early"
                    self.engine.restore(best.memory)
                    break
        return self.history

    def scores(self, points: ArrayLike, labels: ArrayLike | None = None) -> Value:
        """Return the circuit's score for each point, all of them in one forward pass.

        Parameters
        ----------
        points : array_like, shape (examples, features)
            Any points.
        labels : array_like, shape (examples,) or (examples, ...), optional
            What an input called ``target`` gets; 0, if not given.

        Raises
        ------
        InputError
            If points and labels do not fit the circuit or each other.
        """
        rows = check_points(points)
        examples = Examples(rows, np.zeros(len(rows)) if labels is None else labels)
        return self._scores(examples.points, examples.labels)

    def evaluate(self, points: ArrayLike, labels: ArrayLike) -> tuple[float, float | None]:
        """Return the mean loss over examples, springs left out, and the share of them that is right."""
        return self._judge(self._check(points, labels))

    def save(self, path: str | PathLike[str]) -> None:
        """Save parameters, the optimizer's state, the history and the place in the order of examples.

        Parameters
        ----------
        path : path-like
            Where to; the suffix must be ``.npz``. The file takes its place only when all of it is written.

        Raises
        ------
        SaveError
            If it cannot be written.
        """
        sampler = self._sampler.state if self._sampler else self._sampler_state
        Checkpoint(self.engine.memory, self._best, self.history, sampler, self._seed).save(
            path, self.engine.netlist, self.optimizer
        )

    def load(self, path: str | PathLike[str]) -> None:
        """Go back to where `save` was called: training goes on with the same numbers as if it had never stopped.

        Raises
        ------
        LoadError
            If there is no such file, it is no checkpoint, it is damaged, or it is of another circuit or optimizer.
        """
        saved = Checkpoint.load(path, self.engine.netlist, self.optimizer)
        self.engine.restore(saved.memory)
        self.history, self._best, self._seed = saved.history, saved.best, saved.seed
        self._sampler, self._sampler_state = None, saved.sampler

    @np.errstate(all="ignore")  # what diverges is told in words of its own
    def _iterate(self, point: Any, target: Any) -> None:
        """Show examples and let the parameters respond, unless something has become infinite or nan."""
        score = self.engine.forward(self._intake.feed(point, target))[self.output]
        target = _in_shape(target, score)
        loss = float(np.mean(self.force.loss(score, target)))
        pull = as_value(self.force.pull(score, target))
        self.pull = pull if len(self.shown) == 1 else pull / len(self.shown)
        self.gradients = self.engine.backward({self.output: self.pull})
        norm = math.sqrt(sum(_squares(self.gradients[name]) for name in self.engine.parameters))
        if not (is_finite(score) and math.isfinite(loss) and math.isfinite(norm)):
            raise self._diverged()
        self.engine.update()
        self.history.examples.append(self.shown)
        self.history.losses.append(loss)
        self.history.gradient_norms.append(norm)
        if (time := self.engine.time) is not None:
            self.history.ticks.append(time + (self.history.ticks[-1] if self.history.ticks else 0.0))

    def _diverged(self) -> DivergenceError:
        """Put back the best parameters and return the error that says where they went."""
        best = self._best
        assert best is not None  # a fit begins with an evaluation
        sizes = {name: float(np.max(np.abs(value), initial=0.0)) for name, value in self.engine.parameters.items()}
        largest = max(sizes, key=lambda name: sizes[name])
        self.engine.restore(best.memory)
        return DivergenceError(
            f"training diverged at iteration {self.iteration + 1}, where parameter {largest!r} had reached "
            f"{show(sizes[largest])} with steps of {self.optimizer.size(self.iteration):g}: take a smaller step; "
            f"the parameters are put back to the best so far, after {best.iteration} iterations"
        )

    @np.errstate(all="ignore")
    def _evaluate(self, shown: Examples, held: Examples) -> Best:
        """Add an evaluation to the history, unless it is there, and return the best so far."""
        done = self.history.evaluations
        if not done or done[-1].iteration != self.iteration:
            parameters = self.engine.parameters
            cost, accuracy = self._judge(shown)
            for name, springs in (self.engine.springs or {}).items():
                cost += sum(spring.cost(parameters[name]) for spring in springs)
            held_cost, held_accuracy = self._judge(held) if len(held) else (None, None)
            few = sum(np.size(value) for value in parameters.values()) <= MOST_KEPT
            kept = parameters if few else {}
            done.append(Evaluation(self.iteration, cost, accuracy, held_cost, held_accuracy, kept))
        last = done[-1]
        judged_by = last.cost if last.validation_cost is None else last.validation_cost
        if self._best is None or judged_by < self._best.cost:
            self._best = Best(judged_by, self.iteration, len(done), self.engine.memory)
        return self._best

    def _judge(self, examples: Examples) -> tuple[float, float | None]:
        scores = self._scores(examples.points, examples.labels)
        targets = _in_shape(examples.labels, scores)
        loss = float(np.mean(self.force.loss(scores, targets)))
        if self.force.right is None:
            return loss, None
        return loss, float(np.mean(self.force.right(scores, targets)))

    def _scores(self, points: NDArray[np.float64], targets: NDArray[np.float64]) -> Value:
        self._intake.check(points)
        scores = self.engine.forward(self._intake.feed(points, targets))[self.output]
        # A circuit that looks at no input gives one score for all.
        return scores if shape_of(scores) else np.full(len(points), scores)

    def _check(self, points: ArrayLike, labels: ArrayLike) -> Examples:
        examples = Examples(points, labels)
        self._intake.check(examples.points)
        return examples

    def _split(self, count: int, seed: int | None, validation: float) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        """Return the numbers of the examples to learn from, and of those to hold back."""
        checks.number(validation, "validation, the share to hold back,", below=1.0)
        if seed is not None:
            self._seed, self._best = checks.count(seed, "seed", least=0), None
        mixed = np.random.default_rng([self._seed, 1]).permutation(count)
        held = round(validation * count)
        if held >= count:
            raise InputError(f"holding back {held} of {count} examples leaves none to learn from: hold back fewer")
        return np.sort(mixed[held:]), np.sort(mixed[:held])

    def _choose_by(self, order: Order, count: int, anew: bool) -> Sampler:
        """Return who chooses the examples: the one of the last fit if it fits, or one put back to a checkpoint."""
        sampler = Sampler(order, count, self._seed)
        if self._sampler is not None and not anew and self._sampler.like(sampler):
            return self._sampler
        if self._sampler_state is not None and not anew:
            sampler.state = self._sampler_state
        self._sampler, self._sampler_state = sampler, None
        return sampler


def _check_parts(engine: Any, force: Any, optimizer: Any, penalty: Any) -> None:
    """Tell what a trainer was given in the wrong place."""
    if not isinstance(engine, Engine):
        raise InputError(f"a trainer was given {engine!r} for an engine: give it one, Simulation(circuit)")
    if not isinstance(force, Force):
        raise InputError(f"a trainer was given {force!r} for a force: give it one, forces.svm")
    if not isinstance(optimizer, Optimizer):
        raise InputError(f"a trainer was given {optimizer!r} for an optimizer: give it one, SGD(step=0.01)")
    springs = penalty if isinstance(penalty, Sequence) else [penalty]
    if odd := [spring for spring in springs if not hasattr(spring, "pull")]:
        raise InputError(f"a trainer was given {odd[0]!r} for a penalty: give it one, L2(0.1)")


def _in_shape(targets: Any, scores: Value) -> Any:
    """Return targets in the shape of the scores where there is one for each: a network's scores may be a column."""
    return np.reshape(targets, shape_of(scores)) if np.size(targets) == np.size(scores) > 1 else targets


def _squares(value: Value) -> float:
    return value * value if isinstance(value, float) else float(np.vdot(value, value))


def _words(history: History) -> str:
    accuracy = "" if history.accuracy is None else f", accuracy {history.accuracy:.0%}"
    return f"cost {show(history.cost, 4)}{accuracy}"
