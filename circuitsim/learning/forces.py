"""Forces: how hard to pull on a circuit's output, given what it said and what it should have said.

Each force comes with the loss that it is the other face of: pulling a loss with -1 pulls on the score like the force.
The loss is made of gates, so it is a number for numbers, and more circuit for wires::

    circuit.output("loss", forces.svm.loss(score, circuit.input("target")))

Labels are +1 and -1, except for `squared_error`, whose targets are any numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuitsim.gates import functions, scalar
from circuitsim.gates.value import Value, as_value

__all__ = ["Force", "by_name", "logistic", "loss", "squared_error", "squared_hinge", "svm"]


@dataclass(frozen=True)
class Force:
    """A way to pull on a score.

    Attributes
    ----------
    name : str
        What people call it.
    pull : callable
        Of score and target, numbers or arrays of one shape: the pull on the score, in that shape.
    loss : callable
        Of score and target, numbers, arrays or wires: how bad the score is.
    right : callable or None
        Of score and target: whether each score means the right label; None where there are no labels.
    margin : float or None
        Beyond which score, on its own side, an example is no longer pulled; None if it always is.
    """

    name: str
    pull: Callable[[Value, Value], Value]
    loss: Callable[[Any, Any], Any]
    right: Callable[[Value, Value], Any] | None = None
    margin: float | None = None

    def __repr__(self) -> str:
        return f"<force {self.name}>"

    def __reduce__(self) -> str:
        return self.name


def _same_side(score: Value, target: Value) -> Any:
    """Tell whether the score has the label's sign; a score of exactly 0 means -1, as in the guide."""
    return np.where(np.greater(score, 0.0), 1.0, -1.0) == target


def _svm_pull(score: Value, target: Value) -> Value:
    return as_value(np.where(np.less(target * score, 1.0), target, 0.0))


def _svm_loss(score: Any, target: Any) -> Any:
    return scalar.relu(1.0 - target * score)


svm = Force("svm", _svm_pull, _svm_loss, _same_side, margin=1.0)
"""The guide's support vector machine: pull with the label's ±1 while the score is on the wrong side of the margin.

Its loss is the hinge, ``max(0, 1 - target * score)``.
"""


def _squared_hinge_pull(score: Value, target: Value) -> Value:
    mistake: Value = scalar.relu(1.0 - target * score)
    return target * mistake


def _squared_hinge_loss(score: Any, target: Any) -> Any:
    return 0.5 * functions.square(scalar.relu(1.0 - target * score))


squared_hinge = Force("squared_hinge", _squared_hinge_pull, _squared_hinge_loss, _same_side, margin=1.0)
"""Pull in proportion to how far the score is from its margin; the loss is ``max(0, 1 - target * score)² / 2``."""


def _logistic_pull(score: Value, target: Value) -> Value:
    doubt: Value = scalar.sigmoid(-(target * score))
    return target * doubt


def _logistic_loss(score: Any, target: Any) -> Any:
    return functions.softplus(-(target * score))


logistic = Force("logistic", _logistic_pull, _logistic_loss, _same_side)
"""Pull with the label times the probability given to the other label, where σ(score) is the probability of +1.

Its loss is the cross-entropy, ``log(1 + exp(-target * score))``.
"""


def _squared_error_pull(score: Value, target: Value) -> Value:
    return target - score


def _squared_error_loss(score: Any, target: Any) -> Any:
    return 0.5 * functions.square(score - target)


squared_error = Force("squared_error", _squared_error_pull, _squared_error_loss, _same_side)
"""Pull with the difference to the target; the loss is ``(score - target)² / 2``. For labels, the sign decides."""


def _loss_pull(score: Value, target: Value) -> Value:
    return as_value(-np.ones_like(score))


def _loss_itself(score: Any, target: Any) -> Any:
    return score


loss = Force("loss", _loss_pull, _loss_itself)
"""For a circuit whose output is a loss already: pull it down with -1."""

by_name = {force.name: force for force in (svm, squared_hinge, logistic, squared_error)}
