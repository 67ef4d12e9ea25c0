"""Training: show examples, pull on the output with a force, let the parameters respond; again and again.

This is the guide's loop for any circuit, any force and any engine::

    trainer = Trainer(Simulation(circuit), forces.svm, SGD(step=0.01), L2(0.1))
    history = trainer.fit(points, labels, iterations=400, seed=0)
    trainer.predict(points)
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitsim import checks
from circuitsim.engine import Engine
from circuitsim.errors import DivergenceError, InputError
from circuitsim.gates.value import Value, as_value, is_finite, own_value, shape_of, show
from circuitsim.habits import told
from circuitsim.learning.checkpoint import Best, Checkpoint
from circuitsim.learning.descent import Descent
from circuitsim.learning.examples import TARGET, Examples, Intake, Points, Targets
from circuitsim.learning.forces import Force
from circuitsim.learning.history import Evaluation, History
from circuitsim.learning.lbfgs import AXES, LBFGS, State
from circuitsim.learning.optimizers import SGD, Optimizer
from circuitsim.learning.penalties import Penalty
from circuitsim.learning.sampling import Order, Sampler
from circuitsim.learning.scaling import Scale
from circuitsim.learning.scoring import ClassWeights, Scoring
from circuitsim.progress import interruptible, progress_bar
from circuitsim.spelling import nearest

__all__ = ["Probe", "Trainer"]

#: Histories keep the parameters of each evaluation if a circuit has no more numbers than this.
ITERATION = 180  # bytes that a history keeps of one, and 8 for each example of its batch
MOST_KEPT = 10_000


class Probe(NamedTuple):
    """A forward and backward pass without an update.

    Attributes
    ----------
    fed : dict of str to float or ndarray
        What the inputs were given.
    many : int
        How many examples that is.
    loss : float
        Their mean loss.
    gradients : dict of str to float or ndarray
        How it pulls on the inputs and parameters.
    """

    fed: dict[str, Any]
    many: int
    loss: float
    gradients: dict[str, Value]


@told
class Trainer:
    """Trains the parameters of a circuit on examples.

    The circuit's inputs get the columns of the points in the order in which they were added to the circuit. If there
    is only one input and several columns, it gets whole rows; a mapping gives each input an array of its own. An input
    called ``target`` gets the target, one called ``draw`` the number of the iteration (see `dropout`).

    Parameters
    ----------
    engine : Engine
        What runs the circuit. Its parameters take the optimizer's rule, with a fresh state.
    force : Force
        How to pull on the output; see `circuitsim.forces`.
    optimizer : Optimizer or LBFGS
        How parameters respond. `LBFGS` moves all of them together, and takes all examples at a time.
    penalty : Penalty or sequence of Penalty
        Springs on the parameters.
    output : str, optional
        The output that is the score and is pulled; the circuit's first one, if not given.
    weights : mapping or "balanced", optional
        How much the examples of each class count, by class; ``"balanced"`` lets all classes count alike.
    clip : float, optional
        The largest length of the gradient of all parameters together; a longer one is shortened.
    standardize : bool
        Whether each column of the points is brought to mean 0 and standard deviation 1, as it has them among the
        examples to learn from in the first `fit`. It is done to whatever the trainer is given afterwards as well.
    carry : mapping of str to (str, array_like), optional
        Inputs that get what an output was in the iteration before, with their first value: the state of a recurrent
        network, ``{"h0": ("h25", np.zeros((1, 64)))}``. Evaluations begin with the first value.

    Attributes
    ----------
    history : History
        All that happened since the trainer was made, or loaded.
    shown : list of int
        The numbers of the examples shown last, among all that `fit` was given.
    learned : list of int
        The numbers of those that the last `fit` learns from: all that are not held back.
    fed : dict of str to float or ndarray
        What the inputs were given last.
    pull : float or ndarray
        The pull put on the output last.
    gradients : dict of str to float or ndarray
        The gradients of inputs and parameters last, penalties left out.
    classes : list of str
        The names of the classes, if labels are names.
    scale : Scale or None
        The means and spreads of the inputs, once they are known.

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
    >>> trainer.predict([[3.0]]).round(3), round(history.r2, 3)
    (array([7.]), 1.0)
    """

    @told
    def __init__(
        self,
        engine: Engine,
        force: Force,
        optimizer: Optimizer | LBFGS,
        penalty: Penalty | Sequence[Penalty] = (),
        *,
        output: str | None = None,
        weights: ClassWeights | None = None,
        clip: float | None = None,
        standardize: bool = False,
        carry: Mapping[str, tuple[str, ArrayLike]] | None = None,
    ) -> None:
        _check_parts(engine, force, optimizer, penalty)
        circuit = engine.netlist.name
        if output is not None and not (isinstance(output, str) and output in engine.outputs):
            raise InputError(
                f"circuit {checks.shown(circuit)} has no output {checks.shown(output)} to train: "
                f"{nearest(str(output), engine.outputs)}its outputs are {checks.listed(engine.outputs)}"
            )
        if not engine.parameters:
            raise InputError(
                f"circuit {checks.shown(circuit)} has no parameters to train: add one, circuit.parameter('a', 1.0)"
            )
        if weights is not None and force.targets not in ("sides", "classes"):
            raise InputError(
                f"weights are for classes, which force {checks.shown(force.name)} does not know: leave them out"
            )
        self.engine = engine
        self.force = force
        self.optimizer = optimizer
        self.penalties = [penalty] if isinstance(penalty, Penalty) else list(penalty)
        self.output = output or engine.outputs[0]
        self.weights = weights
        self.clip = None if clip is None else checks.number(clip, "clip", positive=True)
        if self.clip is not None and (isinstance(optimizer, LBFGS) or _moves_by_itself(engine)):
            raise InputError("clip is for parameters that move once for each batch: leave it out")
        self.standardize = checks.flag(standardize, "standardize")
        self.carry = _check_carry({} if carry is None else carry, engine)
        self.history = History()
        self.fed: dict[str, Any] = {}
        self.pull: Value = 0.0
        self.gradients: dict[str, Value] = {}
        self.scale: Scale | None = None
        self._shown: Any = []
        self._learned: Any = []
        self._state = {name: value for name, (_, value) in self.carry.items()}  # what is carried
        self._intake = Intake(circuit, engine.inputs, tuple(self.carry))
        self._targets = Targets(force.targets, force.name)
        self._scoring = Scoring(engine, force, self.output, self._intake, self._state.copy())
        self._sampler: Sampler | None = None
        self._sampler_state: dict[str, Any] | None = None  # from a checkpoint, until the first fit
        self._seed = 0
        self._best: Best | None = None
        self._descent = Descent(engine, optimizer, self.penalties) if isinstance(optimizer, LBFGS) else None
        # A descent moves the parameters itself: the rule only attaches the penalties.
        self._rule = SGD() if isinstance(optimizer, LBFGS) else optimizer
        engine.learn(self._rule, self.penalties)

    @property
    def iteration(self) -> int:
        """How many updates there were."""
        return self.history.iterations

    @property
    def evaluations(self) -> int:
        """How often the optimizer asked for the cost and its gradient: once an update, and `LBFGS` as it needs."""
        if self._descent is None or self._descent.state is None:
            return self.iteration
        return self._descent.state.evaluations

    @property
    def shown(self) -> list[int]:
        """The numbers of the examples shown last, among all that `fit` was given."""
        return [int(number) for number in self._shown]

    @property
    def learned(self) -> list[int]:
        """The numbers of the examples that the last `fit` learns from, among all that it was given."""
        return [int(number) for number in self._learned]

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of their numbers; empty if the labels were numbers."""
        return self._targets.classes

    @told
    def fit(
        self,
        points: Points,
        labels: ArrayLike,
        iterations: int = 400,
        *,
        batch: int | Literal["all"] = 1,
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
        points : array_like, shape (examples, ...), or mapping of str to array_like
            What goes into the circuit: one row an example, or for each input an array whose first axis counts the
            examples.
        labels : array_like, shape (examples,) or (examples, ...)
            What the force takes: +1 and -1, the numbers of classes from 0, the names of classes, or any numbers.
        iterations : int
            How many updates to make.
        batch : int or "all"
            How many examples to show for an update. The pull is the mean over them.
        order : {"random", "shuffled", "in order"} or sequence of int
            How examples are chosen; see `circuitsim.learning.sampling`.
        seed : int, optional
            Seeds the choice of examples and of those held back, and begins it anew. If not given, the choice goes on
            where it was; it begins with seed 0.
        validation : float
            The share of the examples to hold back and never to learn from, 0 to below 1.
        patience : int, optional
            Stop when the cost of the examples held back has not become lower for so many evaluations of this call, and
            put back the parameters of the best one.
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
            If points and labels do not fit the circuit, the force or each other, or a setting cannot be.
        DivergenceError
            If a score, loss or gradient is infinite or nan. The parameters are put back to those of the best
            evaluation.
        """
        checks.count(iterations, "iterations", least=0)
        many = None if batch == "all" else checks.count(batch, "batch")
        told = f"a training of {checks.shown(iterations)} iterations, each of {checks.shown(many or 'all')} examples,"
        checks.fits(iterations * (ITERATION + 8 * (many or 0)), told)
        if many is not None and self._descent is not None:
            raise InputError("LBFGS takes all examples at a time: give batch='all'")
        every = max(1, iterations // 100) if every is None else checks.count(every, "every")
        if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
            raise InputError(
                f"callbacks={checks.shown(callbacks)} cannot be: give a list of functions that take the trainer"
            )
        inputs = self._intake.read(points)
        count = _count(inputs, labels)
        targets = self._targets.read(labels, count)
        learned, held_back = self._split(count, seed, validation)
        self._learned = learned
        if patience is not None and not len(held_back) * checks.count(patience, "patience"):
            raise InputError("patience needs examples to judge by: hold some back, validation=0.2")
        if self.standardize and self.scale is None:
            self.scale = Scale.of({name: array[learned] for name, array in inputs.items()})
        examples = Examples(self._scaled(inputs), targets)
        shown, held = examples.take(learned), examples.take(held_back)
        sampler = self._choose_by("in order" if many is None else order, len(learned), anew=seed is not None)
        if self.weights is not None:
            self._scoring.weigh(self.weights, shown.targets, self._targets)
        self._scoring.settle(shown, self._targets, together=many != 1)

        self.history.ended, self._best = "done", None
        self._evaluate(shown, held)  # also if it was evaluated before: with other examples, perhaps
        waited = 0
        first, end = self.iteration, self.iteration + iterations
        with progress_bar("training", iterations, progress) as advance, interruptible() as interrupted:
            while self.iteration < end:
                if many == 1 and not self._scoring.in_batches:
                    [number] = sampler.take(1)
                    self._shown = [learned[number]]
                    self._iterate(*shown.one(number))
                elif many is None:
                    self._shown = learned
                    self._iterate(shown.inputs, shown.targets)
                else:
                    chosen = sampler.take(many)
                    self._shown = learned[chosen]
                    some = shown.take(np.asarray(chosen))
                    self._iterate(some.inputs, some.targets)
                stop = sum(bool(callback(self)) for callback in callbacks)  # all of them are called
                if self.iteration % every == 0 or self.iteration == end or stop or interrupted:
                    waited = 0 if self._evaluate(shown, held) else waited + 1
                    advance(self.iteration - first, self.history.describe())
                if stop or interrupted:
                    self.history.ended = "interrupted" if interrupted else "stopped by a callback"
                    break
                if patience is not None and waited >= patience:
                    self.history.ended = "stopped early"
                    self._put_back()
                    break
        return self.history

    def scores(self, points: Points, labels: ArrayLike | None = None) -> Value:
        """Return the circuit's score for each point.

        Parameters
        ----------
        points : array_like or mapping of str to array_like
            Any points, as for `fit`.
        labels : array_like, optional
            Their targets, for circuits with an input called ``target``.

        Returns
        -------
        ndarray, shape (examples, ...)
            The scores.

        Raises
        ------
        InputError
            If the points do not fit, or the score depends on targets that are not given.
        """
        inputs = self._intake.read(points)
        count = len(next(iter(inputs.values()))) if inputs else 0
        if labels is None and self._intake.takes_target and self._depends_on_target():
            raise InputError(
                f"output {checks.shown(self.output)} of circuit {checks.shown(self._intake.circuit)} depends on "
                f"the target: train with the "
                "output of its scores, Trainer(..., output=...), or give labels as well"
            )
        targets = np.zeros(count) if labels is None else self._targets.read(labels, count)
        return self._scoring.scores(Examples(self._scaled(inputs), targets))

    def predict(self, points: Points) -> NDArray[Any]:
        """Return what the circuit takes each point for.

        Parameters
        ----------
        points : array_like or mapping of str to array_like
            Any points, as for `fit`.

        Returns
        -------
        ndarray, shape (examples,) or (examples, ...)
            Sides, +1 or -1, or the numbers of classes, by name if the labels were names; or numbers.

        Raises
        ------
        InputError
            If the force is `forces.loss`, whose output is no prediction, or the points do not fit.
        """
        if self.force.targets is None:
            raise InputError("a loss predicts nothing: ask the engine for another output, engine.forward(...)")
        scores = np.asarray(self.scores(points))
        if self.force.targets == "numbers":
            return scores
        if self.force.targets == "classes":
            return self._targets.name(np.argmax(scores, axis=-1))
        return self._targets.name(np.where(scores.reshape(len(scores), -1)[:, 0] > 0.0, 1.0, -1.0))

    def evaluate(self, points: Points, labels: ArrayLike) -> tuple[float, float | None]:
        """Return the mean loss over examples, penalties left out, and their accuracy, or R² where there are no classes.

        Parameters
        ----------
        points, labels : array_like
            Any examples, as for `fit`.
        """
        loss, accuracy, r2 = self._scoring.judge(self._read(points, labels))
        return loss, r2 if accuracy is None else accuracy

    def cost(self, points: Points, labels: ArrayLike) -> float:
        """Return the mean loss over examples, with the cost of the penalties.

        Parameters
        ----------
        points, labels : array_like
            Any examples, as for `fit`.
        """
        return self._with_springs(self._scoring.judge(self._read(points, labels)).loss)

    def probe(self, points: Points, labels: ArrayLike, engine: Engine | None = None) -> Iterator[Probe]:
        """Run examples forward and back without an update: all together, or one by one if the circuit takes one.

        How they are given, scaled and weighed was settled in the last `fit`, of no iterations perhaps.

        Parameters
        ----------
        points, labels : array_like
            Any examples, as for `fit`.
        engine : Engine, optional
            What runs them with its own parameters; the trainer's engine, if not given.

        Yields
        ------
        Probe
            What came of it, while the engine still has the trace of it, if it leaves one.
        """
        runner = self.engine if engine is None else engine
        for part in self._scoring.parts(self._read(points, labels)):
            loss, pull = self._scoring.pull(runner.forward(part.fed)[self.output], part.target, part.many)
            yield Probe(part.fed, part.many, loss, runner.backward({self.output: pull}))

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
        Checkpoint(
            self.engine.memory,
            self._best,
            self.history,
            sampler,
            self._seed,
            {name: value for name, (_, value) in self._kept.items()},
            self.classes,
        ).save(path, self.engine.netlist, self._rule, repr(self.optimizer))

    def load(self, path: str | PathLike[str]) -> None:
        """Go back to where `save` was called: training goes on with the same numbers as if it had never stopped.

        Raises
        ------
        LoadError
            If there is no such file, it is no checkpoint, it is damaged, or it is of another circuit or optimizer.
        """
        shapes = {name: shape for name, (shape, _) in self._kept.items()}
        saved = Checkpoint.load(path, self.engine.netlist, self._rule, repr(self.optimizer), shapes)
        self.engine.restore(saved.memory)
        self.history, self._best, self._seed = saved.history, saved.best, saved.seed
        self._sampler, self._sampler_state = None, saved.sampler
        self._targets.classes = saved.classes
        self._take(saved.extra)

    @property
    def _kept(self) -> dict[str, tuple[tuple[int | None, ...], Value | None]]:
        """What a checkpoint keeps besides, by name: its shape, where a length of None may be any, and its value."""
        state = self._descent.state if self._descent else None
        kept: dict[str, tuple[tuple[int | None, ...], Value | None]] = {
            "means": ((None,), self.scale.means if self.scale else None),
            "spreads": ((None,), self.scale.spreads if self.scale else None),
        }
        for name, value in self._state.items():
            kept[f"carried {name}"] = shape_of(value), value
        for name, axes in AXES.items() if self._descent else ():
            kept[f"descent {name}"] = (None,) * axes, None if state is None else as_value(getattr(state, name))
        return kept

    def _take(self, kept: Mapping[str, Any]) -> None:
        """Put back what a checkpoint keeps besides."""
        means, spreads = kept["means"], kept["spreads"]
        self.scale = None if means is None or spreads is None else Scale(means, spreads)
        self._state = {name: kept[f"carried {name}"] for name in self._state}
        if self._descent is not None:
            parts = {name: kept[f"descent {name}"] for name in AXES}
            begun = all(part is not None for part in parts.values())
            self._descent.state = State(**parts | {"evaluations": int(parts["evaluations"])}) if begun else None

    def _repr_svg_(self) -> str | None:
        """Show the history in a notebook."""
        return self.history._repr_svg_()

    # -- an iteration --------------------------------------------------------------------------------------

    def _iterate(self, inputs: Mapping[str, Any], target: Any) -> None:
        """Show examples and let the parameters respond."""
        loss, norm, outputs = self._look(inputs, target)
        if not (math.isfinite(loss) and math.isfinite(norm) and is_finite(outputs[self.output])):
            raise self._diverged()
        if self._descent is not None:
            self._descent.step(lambda: (self._look(inputs, target)[0], self.gradients))
        elif self.clip is not None and norm > self.clip:
            share = self.clip / norm
            self.engine.update({name: self.gradients[name] * share for name in self.engine.parameter_nodes})
        else:
            self.engine.update()
        for name, (output, _) in self.carry.items():
            self._state[name] = outputs[output]
        self.history.losses.append(loss)
        self.history.gradient_norms.append(norm)
        if (time := self.engine.time) is not None:
            self.history.elapsed += time
            self.history.ticks.append(self.history.elapsed)

    def _look(self, inputs: Mapping[str, Any], target: Any) -> tuple[float, float, dict[str, Value]]:
        """Run examples forward and back; return the loss, the length of the gradient, and the outputs."""
        self.fed = {**self._intake.feed(inputs, target, self.iteration), **self._state}
        outputs = self.engine.forward(self.fed)
        score = outputs[self.output]
        with np.errstate(all="ignore"):  # what diverges is told in words of its own
            loss, self.pull = self._scoring.pull(score, target, len(self._shown))
        self.gradients = self.engine.backward({self.output: self.pull})
        norm = math.sqrt(sum(_squares(self.gradients[name]) for name in self.engine.parameter_nodes))
        return loss, norm, outputs

    def _diverged(self) -> DivergenceError:
        """Put back the best parameters and return the error that says where they went."""
        sizes = {name: float(np.max(np.abs(value), initial=0.0)) for name, value in self.engine.parameters.items()}
        largest = max(sizes, key=lambda name: sizes[name])
        self.history.ended = "diverged"
        best = self._put_back()
        return DivergenceError(
            f"training diverged at iteration {self.iteration + 1}, where parameter {largest!r} had reached "
            f"{show(sizes[largest])}{self._step_told()}; "
            f"the parameters are put back to the best so far, after {best.iteration} iterations"
        )

    def _step_told(self) -> str:
        if isinstance(self.optimizer, LBFGS):
            return ""
        return f" with steps of {self.optimizer.size(self.iteration):g}: take a smaller step"

    # -- how good it is ------------------------------------------------------------------------------------

    def _evaluate(self, shown: Examples, held: Examples) -> bool:
        """Add an evaluation to the history; tell whether it is the best of this call so far."""
        parameters = self.engine.parameters
        loss, accuracy, r2 = self._scoring.judge(shown)
        cost = self._with_springs(loss)
        apart = self._scoring.judge(held) if len(held) else None
        few = sum(np.size(value) for value in parameters.values()) <= MOST_KEPT
        self.history.add(
            Evaluation(
                iteration=self.iteration,
                cost=cost,
                accuracy=accuracy,
                r2=r2,
                validation_cost=apart.loss if apart else None,
                validation_accuracy=apart.accuracy if apart else None,
                validation_r2=apart.r2 if apart else None,
                ticks=None if self.engine.time is None else self.history.elapsed,
                parameters=parameters if few else {},
            )
        )
        judged_by = apart.loss if apart else cost
        if self._best is None or judged_by < self._best.cost:
            self._best = Best(judged_by, self.iteration, len(self.history.evaluations), self.engine.memory)
            return True
        return False

    def _with_springs(self, cost: float) -> float:
        """Return a cost with that of the penalties, with the parameters as they are."""
        parameters = self.engine.parameters
        with np.errstate(all="ignore"):
            for name, springs in (self.engine.springs or {}).items():
                cost += sum(spring.cost(parameters[name]) for spring in springs)
        return cost

    def _put_back(self) -> Best:
        """Go back to the best parameters of this call."""
        best = self._best
        assert best is not None  # a fit begins with an evaluation
        self.engine.restore(best.memory)
        self.history.put_back(best.iteration)
        return best

    # -- settings ------------------------------------------------------------------------------------------

    def _read(self, points: Points, labels: ArrayLike) -> Examples:
        """Return examples in the trainer's scale."""
        inputs = self._intake.read(points)
        targets = self._targets.read(labels, _count(inputs, labels))
        return Examples(self._scaled(inputs), targets)

    def _scaled(self, inputs: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        return inputs if self.scale is None else self.scale.apply(inputs)

    def _depends_on_target(self) -> bool:
        engine = self.engine
        return engine.netlist.reached([engine.input_nodes[TARGET]])[engine.output_nodes[self.output]]

    def _split(self, count: int, seed: int | None, validation: float) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        """Return the numbers of the examples to learn from, and of those to hold back."""
        checks.number(validation, "validation, the share to hold back,", below=1.0)
        if seed is not None:
            self._seed = checks.count(seed, "seed", least=0)
        mixed = np.random.default_rng([self._seed, 1]).permutation(count)
        held = round(validation * count)
        if not count:
            raise InputError("there are no examples: give at least one")
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
        raise InputError(f"a trainer was given {checks.shown(engine)} for an engine: give it one, Simulation(circuit)")
    if not isinstance(force, Force):
        raise InputError(f"a trainer was given {checks.shown(force)} for a force: give it one, forces.svm")
    if not isinstance(optimizer, Optimizer | LBFGS):
        raise InputError(f"a trainer was given {checks.shown(optimizer)} for an optimizer: give it one, SGD(step=0.01)")
    springs = penalty if isinstance(penalty, Sequence) else [penalty]
    if odd := [spring for spring in springs if not hasattr(spring, "pull")]:
        raise InputError(f"a trainer was given {checks.shown(odd[0])} for a penalty: give it one, L2(0.1)")


def _check_carry(carry: Any, engine: Engine) -> dict[str, tuple[str, Value]]:
    """Return what is carried: for each input the output, and the first value."""
    checked = {}
    if not isinstance(carry, Mapping):
        raise InputError(
            f"carry is {checks.shown(carry)}: give a mapping of inputs to pairs of an output and a first value"
        )
    for name, pair in carry.items():
        try:
            output, value = pair
        except (TypeError, ValueError):
            raise InputError(
                f"carry gives input {checks.shown(name)} {checks.shown(pair)}: give an output and a first value"
            ) from None
        for what, known in ((name, engine.inputs), (output, engine.outputs)):
            if what not in known:
                raise InputError(
                    f"carry names {checks.shown(what)}, which circuit {checks.shown(engine.netlist.name)} lacks: "
                    f"{nearest(str(what), known)}there are {checks.listed(known)}"
                )
        checked[name] = output, own_value(value)
    return checked


def _moves_by_itself(engine: Engine) -> bool:
    """Tell whether the engine moves parameters with the gradient of each example."""
    return getattr(getattr(engine, "plan", None), "update", None) == "async"


def _count(inputs: Mapping[str, NDArray[np.float64]], labels: Any) -> int:
    """Return how many examples there are; as many as labels, if the circuit takes no points."""
    return len(next(iter(inputs.values()))) if inputs else len(np.atleast_1d(np.asarray(labels)))


def _squares(value: Value) -> float:
    return value * value if isinstance(value, float) else float(np.vdot(value, value))
