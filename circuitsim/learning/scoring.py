"""Scores of examples, the loss and the pull that a force gives them, and how good they are."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from circuitsim import checks
from circuitsim.engine import Engine
from circuitsim.errors import InputError, ShapeError
from circuitsim.gates.value import Value, as_value, shape_of
from circuitsim.learning.examples import Examples, Intake, Targets
from circuitsim.learning.forces import Force
from circuitsim.spelling import shown

__all__ = ["ClassWeights", "Judgement", "Part", "Scoring"]

#: How much the examples of each class count, by class, or all classes alike.
ClassWeights: TypeAlias = Mapping[Any, float] | Literal["balanced"]


class Judgement(NamedTuple):
    """How good scores are: the mean loss, the accuracy (None without classes), and R² (None with classes)."""

    loss: float
    accuracy: float | None
    r2: float | None


class Part(NamedTuple):
    """Examples that go through the circuit together: what inputs are given, the targets, and how many they are."""

    fed: dict[str, Any]
    target: Any
    many: int


class Scoring:
    """What a trainer asks about scores.

    Parameters
    ----------
    engine : Engine
        What runs the circuit.
    force : Force
        How to pull on the output.
    output : str
        The output that is the score.
    intake : Intake
        What each input is given.
    first : mapping of str to float or ndarray
        What inputs that are carried are given to begin with.
    """

    def __init__(self, engine: Engine, force: Force, output: str, intake: Intake, first: Mapping[str, Value]) -> None:
        self.engine = engine
        self.force = force
        self.output = output
        self.intake = intake
        self.first = first
        self.alone = False  # whether the circuit takes one example at a time
        self.in_batches = False  # whether it takes no example without an axis for examples
        self._keys: NDArray[np.float64] | None = None  # targets that have weights, in order
        self._weights = np.ones(0)

    # -- weights of classes --------------------------------------------------------------------------------

    def weigh(self, weights: ClassWeights, targets: NDArray[np.float64], kinds: Targets) -> None:
        """Settle how much the examples of each class count.

        Raises
        ------
        InputError
            If a class is unknown, or a weight is no number.
        """
        known, counts = np.unique(targets, return_counts=True)
        if weights == "balanced":
            self._keys, self._weights = known, targets.size / (len(known) * counts)
            return
        if not isinstance(weights, Mapping):
            raise InputError(f"weights={shown(weights)} cannot be: give a weight for each class, or 'balanced'")
        numbers = kinds.numbers | {float(number): float(number) for number in known}
        by_number = dict.fromkeys(sorted(numbers.values()), 1.0)
        for label, weight in weights.items():
            if label not in numbers:
                raise InputError(f"there is no class {shown(label)} to weigh: they are {', '.join(map(str, numbers))}")
            by_number[numbers[label]] = checks.number(weight, f"the weight of class {label!r}")
        self._keys, self._weights = np.array(list(by_number)), np.array(list(by_number.values()))

    def _weighed(self, things: Any, targets: Any) -> Any:
        """Return losses or pulls times the weights of their examples."""
        if self._keys is None:
            return things
        weights = self._weights[np.minimum(np.searchsorted(self._keys, targets), len(self._keys) - 1)]
        return things * np.reshape(weights, shape_of(weights) + (1,) * (np.ndim(things) - np.ndim(weights)))

    # -- scores --------------------------------------------------------------------------------------------

    def scores(self, examples: Examples) -> Value:
        """Return the scores of examples, in one forward pass unless the circuit takes one at a time.

        Returns
        -------
        ndarray, shape (examples, ...), or float
            A number if it is a loss that is the mean of all.
        """
        return self._joined(self._outputs(examples), len(examples))

    def parts(self, examples: Examples) -> Iterator[Part]:
        """Yield examples as they are given to the circuit: all together, or one by one if it takes one at a time."""
        if not self.alone:
            inputs = self.intake.feed(examples.inputs, examples.targets, -1)
            yield Part({**inputs, **self.first}, examples.targets, len(examples))
            return
        for inputs, target in map(examples.one, range(len(examples))):
            yield Part({**self.intake.feed(inputs, target, -1), **self.first}, target, 1)

    def _outputs(self, examples: Examples) -> list[Value]:
        """Return the output for each part of some examples."""
        return [self.engine.forward(part.fed)[self.output] for part in self.parts(examples)]

    def _joined(self, outputs: list[Value], count: int) -> Value:
        """Return the scores of so many examples from the outputs for their parts."""
        if self.alone:
            return np.array(outputs)
        [score] = outputs
        # A circuit that looks at no input gives one score for all.
        return np.full(count, score) if self.force.targets is not None and not shape_of(score) else score

    def settle(self, examples: Examples, kinds: Targets, together: bool) -> None:
        """Find out whether the circuit takes one example at a time, and whether its scores fit the targets.

        Parameters
        ----------
        examples : Examples
            Some examples.
        kinds : Targets
            What targets there are.
        together : bool
            Whether several are shown for an update. If not, each by itself must have the score it has among others.

        Raises
        ------
        InputError
            If several are shown and the circuit takes one, or there are classes without a score.
        """
        few = examples if together else examples.take(slice(0, 3))
        self.alone = self.in_batches = False
        try:
            outputs = self._outputs(few)
        except ShapeError:
            if together:
                raise
            self.alone = True
            outputs = self._outputs(few)
        scores = self._joined(outputs, len(few))
        kinds.check_classes(examples.targets, scores)
        if self.force.targets in ("sides", "numbers") and np.size(scores) != np.size(few.targets):
            each = [shape_of(things)[1:] for things in (scores, few.targets)]
            raise InputError(
                f"output {shown(self.output)} of circuit {shown(self.intake.circuit)} gives shape {each[0]} for "
                f"each example, "
                f"and the labels have {each[1]}: force {shown(self.force.name)} takes a score for each label"
            )
        if self.alone or not self.engine.netlist.descend("input")[self.engine.output_nodes[self.output]]:
            return
        shape = shape_of(outputs[0])
        if together:
            if shape[:1] != (len(few),) and self.force.targets is not None:
                raise InputError(
                    f"output {shown(self.output)} of circuit {shown(self.intake.circuit)} has shape {shape} for "
                    f"{len(few)} "
                    "examples: take batch=1, or give its arrays an axis for examples"
                )
            return
        self.alone = True
        try:
            apart = self.scores(few)
        except ShapeError:  # it is made for several
            self.alone, self.in_batches = False, True
            return
        if shape[:1] == (len(few),):
            self.alone = shape_of(apart) != shape_of(scores) or not np.allclose(apart, scores, equal_nan=True)
        else:
            self.alone = not (shape_of(scores) == () and np.allclose(np.mean(apart), scores, equal_nan=True))

    # -- losses and pulls ----------------------------------------------------------------------------------

    def pull(self, score: Value, target: Any, many: int) -> tuple[float, Value]:
        """Return the mean loss of the examples shown, and the pull on the score.

        Parameters
        ----------
        score : float or ndarray
            The score of one example, or those of many along the first axis, or a loss that is the mean of many.
        target : float or ndarray
            Their targets.
        many : int
            How many they are.
        """
        target = _in_shape(target, score)
        loss = self._weighed(self.force.loss(score, target), target)
        pull = self._weighed(self.force.pull(score, target), target)
        if many == 1 or not shape_of(score):
            return float(np.sum(loss)), as_value(pull)
        return float(np.add.reduce(loss, axis=None)) / many, as_value(pull / many)

    def judge(self, examples: Examples) -> Judgement:
        """Return how good the scores of examples are."""
        scores = self.scores(examples)
        with np.errstate(all="ignore"):
            targets = _in_shape(examples.targets, scores)
            losses = self._weighed(self.force.loss(scores, targets), targets)
            loss = float(np.sum(losses)) / (len(examples) if shape_of(scores) else 1)
            accuracy = self.force.accuracy(scores, targets)
            r2 = None
            if self.force.targets == "numbers" and accuracy is None:
                spread = float(np.sum(np.square(targets - np.mean(targets, axis=0))))
                r2 = 1.0 - float(np.sum(np.square(targets - scores))) / spread if spread else None
        return Judgement(loss, accuracy, r2)


def _in_shape(targets: Any, scores: Value) -> Any:
    """Return targets in the shape of the scores where there is one for each: a network's scores may be a column."""
    return np.reshape(targets, shape_of(scores)) if np.size(targets) == np.size(scores) > 1 else targets
