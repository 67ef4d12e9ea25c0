"""Forces: how hard to pull on a circuit's output, given what it said and what it should have said.

Each force comes with the loss that it is the other face of: pulling a loss with -1 pulls on the score like the force.
The loss is made of gates, so it is a number for numbers, and more circuit for wires::

    circuit.output("loss", forces.svm.loss(score, circuit.input("target")))

What a target is, a force says itself: one of two sides, +1 and -1; the number of a class, from 0, where the scores of
all classes lie along the last axis; any number; or nothing at all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from circuitsim.errors import InputError
from circuitsim.gates import functions, margins, network, scalar
from circuitsim.gates.value import Value, as_value, rule_result
from circuitsim.habits import told
from circuitsim.spelling import shown

__all__ = [
    "Force",
    "Targets",
    "by_name",
    "crammer_singer",
    "logistic",
    "loss",
    "softmax",
    "squared_error",
    "squared_hinge",
    "svm",
    "weston_watkins",
]

#: What the targets of a force are; see `Force`.
Targets: TypeAlias = Literal["sides", "classes", "numbers"] | None


@told
@dataclass(frozen=True, repr=False)
class Force:
    """A way to pull on a score.

    A force of your own can be pickled if its functions can: if they stand in a module, and are no lambdas.

    Attributes
    ----------
    name : str
        What people call it.
    pull : callable
        Of score and target: the pull on the score, in its shape. The scores of many examples come as one array.
    loss : callable
        Of score and target, numbers, arrays or wires: how bad the score is, one loss for each example.
    targets : {"sides", "classes", "numbers"} or None
        What a target is: +1 or -1; the number of a class, 0, 1, 2 and so on, where the last axis of the scores goes
        over the classes; any number; or None where the output is a loss already and no target is looked at.
    right : callable or None
        Of scores and targets: whether each score means the right label, where the usual way to judge does not do.
    margin : float or None
        Beyond which score, on its own side, an example is no longer pulled; None if it always is.

    Raises
    ------
    InputError
        If the targets are of an unknown kind.

    Examples
    --------
    >>> svm.accuracy([0.5, -2.0, 0.0], [1.0, 1.0, -1.0])
    0.6666666666666666
    >>> softmax.accuracy([[0.1, 2.0], [0.3, 0.2]], [1, 1])
    0.5
    """

    name: str
    pull: Callable[[Any, Any], Value]
    loss: Callable[[Any, Any], Any]
    targets: Targets = None
    right: Callable[[Any, Any], Any] | None = None
    margin: float | None = None

    def __post_init__(self) -> None:
        if self.targets not in ("sides", "classes", "numbers", None):
            raise InputError(
                f"the targets of force {shown(self.name)} are {shown(self.targets)}: give 'sides', 'classes', "
                f"'numbers' or None"
            )

    def is_right(self, scores: Any, targets: Any) -> NDArray[np.bool_] | None:
        """Tell which scores mean the right label; None where there are no labels.

        Of two sides, the sign of a score tells which it means, and 0 means -1, as in the guide. Of several classes it
        is the one with the highest score, the first of equal ones. Of other targets only `right` can tell.

        Parameters
        ----------
        scores : array_like, shape (...) or (..., classes)
            What the circuit said.
        targets : array_like, shape (...)
            What it should have said.

        Raises
        ------
        InputError
            If there is not one target for each score, or for each row of them.
        """
        scores, targets = as_value(scores), as_value(targets)
        if self.right is not None:
            return np.asarray(self.right(scores, targets), dtype=bool)
        if self.targets == "sides":
            meant = np.where(np.greater(scores, 0.0), 1.0, -1.0)
        elif self.targets == "classes" and np.ndim(scores):
            meant = np.argmax(scores, axis=-1)
        elif self.targets == "classes":
            raise InputError(f"force {shown(self.name)} was given the score {shown(scores)}: give one for each class")
        else:
            return None
        return np.asarray(meant == _like(meant, targets, self.name))

    def accuracy(self, scores: Any, targets: Any) -> float | None:
        """Return the share of scores that mean the right label, see `is_right`; None where there are no labels."""
        right = self.is_right(scores, targets)
        return None if right is None else float(np.mean(right))

    def __repr__(self) -> str:
        return f"<force {self.name}>"


def _like(meant: NDArray[Any], targets: Any, force: str) -> NDArray[Any]:
    """Return targets in the shape of what is compared with them, if there are as many."""
    if np.size(targets) != np.size(meant):
        raise InputError(
            f"force {shown(force)} was given {np.size(meant)} scores and {np.size(targets)} targets to judge: give one "
            "target for each"
        )
    return np.reshape(targets, np.shape(meant))


def _svm_pull(score: Value, target: Value) -> Value:
    return rule_result(np.where(np.less(target * score, 1.0), target, 0.0))


def _svm_loss(score: Any, target: Any) -> Any:
    return scalar.relu(1.0 - target * score)


svm = Force("svm", _svm_pull, _svm_loss, "sides", margin=1.0)
"""The guide's support vector machine: pull with the label's ±1 while the score is on the wrong side of the margin.

Its loss is the hinge, ``max(0, 1 - target * score)``.
"""


def _squared_hinge_pull(score: Value, target: Value) -> Value:
    mistake: Value = scalar.relu(1.0 - target * score)
    return target * mistake


def _squared_hinge_loss(score: Any, target: Any) -> Any:
    return 0.5 * functions.square(scalar.relu(1.0 - target * score))


squared_hinge = Force("squared_hinge", _squared_hinge_pull, _squared_hinge_loss, "sides", margin=1.0)
"""Pull in proportion to how far the score is from its margin; the loss is ``max(0, 1 - target * score)² / 2``."""


def _logistic_pull(score: Value, target: Value) -> Value:
    doubt: Value = scalar.sigmoid(-(target * score))
    return target * doubt


def _logistic_loss(score: Any, target: Any) -> Any:
    return functions.softplus(-(target * score))


logistic = Force("logistic", _logistic_pull, _logistic_loss, "sides")
"""Pull with the label times the probability given to the other label, where σ(score) is the probability of +1.

Its loss is the cross-entropy, ``log(1 + exp(-target * score))``.
"""


def _squared_error_pull(score: Value, target: Value) -> Value:
    return target - score


def _squared_error_loss(score: Any, target: Any) -> Any:
    return 0.5 * functions.square(score - target)


squared_error = Force("squared_error", _squared_error_pull, _squared_error_loss, "numbers")
"""Pull with the difference to the target, any number; the loss is ``(score - target)² / 2``."""


def _softmax_pull(score: Any, target: Any) -> Value:
    scores = as_value(score)
    return as_value(network.chosen_classes(target, scores, "softmax") - network.softmax(scores))


softmax = Force("softmax", _softmax_pull, network.cross_entropy, "classes")
"""Pull each class with 1 if it is the right one, less the probability that the softmax of the scores gives it.

Its loss is `circuitsim.cross_entropy`. A class whose score is -inf is left out.
"""


def _weston_watkins_pull(score: Any, target: Any) -> Value:
    return as_value(-margins.weston_watkins_slopes(as_value(score), target))


weston_watkins = Force("weston_watkins", _weston_watkins_pull, margins.weston_watkins, "classes")
"""The support vector machine of several classes by Weston and Watkins (1999): push each that comes too near.

Its loss is the sum of ``max(0, 1 + scores[j] - scores[right])`` over the wrong classes `j`. Each of them within the
margin is pushed with -1, and the right class is pulled with their number. One that just keeps the margin is not pushed.
"""


def _crammer_singer_pull(score: Any, target: Any) -> Value:
    return as_value(-margins.crammer_singer_slopes(as_value(score), target))


crammer_singer = Force("crammer_singer", _crammer_singer_pull, margins.crammer_singer, "classes")
"""The support vector machine of several classes by Crammer and Singer (2001): push the one that comes nearest.

Its loss is the largest of ``max(0, 1 + scores[j] - scores[right])`` over the wrong classes `j`. That class is pushed
with -1 and the right one pulled with 1. Of several largest the first is pushed; one that just keeps the margin is not.
"""


def _loss_pull(score: Value, target: Value) -> Value:
    return rule_result(-np.ones_like(score))


def _loss_itself(score: Any, target: Any) -> Any:
    return score


loss = Force("loss", _loss_pull, _loss_itself)
"""For a circuit whose output is a loss already: pull each with -1, whatever the target."""

by_name = {
    force.name: force
    for force in (svm, squared_hinge, logistic, squared_error, softmax, weston_watkins, crammer_singer, loss)
}
