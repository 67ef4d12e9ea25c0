"""The history of a training: what was shown and felt at each iteration, and how good the circuit was now and then."""

from dataclasses import dataclass, field

from circuitsim.gates.value import Value, show

__all__ = ["Evaluation", "History"]


@dataclass(frozen=True)
class Evaluation:
    """How good the circuit was after some iterations.

    Attributes
    ----------
    iteration : int
        How many updates came before.
    cost : float
        The mean loss over all examples, and the energy in the springs.
    accuracy : float or None
        The share of examples on the right side; None if the force knows no sides.
    validation_cost, validation_accuracy : float or None
        The same over the examples held back, without the springs; None if there are none.
    parameters : dict of str to float or ndarray
        The parameters; left out where the circuit has very many.
    """

    iteration: int
    cost: float
    accuracy: float | None
    validation_cost: float | None = None
    validation_accuracy: float | None = None
    parameters: dict[str, Value] = field(default_factory=dict, repr=False)


@dataclass
class History:
    """What happened in a training.

    Attributes
    ----------
    examples : list of list of int
        The numbers of the examples shown at each iteration.
    losses : list of float
        The mean loss of those examples before the update.
    gradient_norms : list of float
        The Euclidean length of the gradient on all parameters, springs left out.
    ticks : list of float
        The simulated time that forward and backward passes had taken when each update was made, those of evaluations
        left out; empty if the engine has no clock.
    evaluations : list of Evaluation
        The first is from before the first update.
    ended : str
        Why the training ended: ``"done"``, ``"stopped early"``, ``"stopped by a callback"`` or ``"interrupted"``.
    """

    examples: list[list[int]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    gradient_norms: list[float] = field(default_factory=list)
    ticks: list[float] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    ended: str = "done"

    @property
    def iterations(self) -> int:
        """How many updates there were."""
        return len(self.losses)

    @property
    def cost(self) -> float:
        """The cost at the last evaluation."""
        return self.evaluations[-1].cost

    @property
    def accuracy(self) -> float | None:
        """The accuracy at the last evaluation."""
        return self.evaluations[-1].accuracy

    def __repr__(self) -> str:
        if not self.evaluations:
            return "<history of no training>"
        accuracy = "" if self.accuracy is None else f", accuracy {self.accuracy:.1%}"
        return f"<history of {self.iterations} iterations, {self.ended}: cost {show(self.cost, 4)}{accuracy}>"
