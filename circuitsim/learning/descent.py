"""L-BFGS at work on an engine: all parameters as one vector, moved together.

The other rules live in the parameters and see one at a time. This one needs the cost of the same examples at several
places, so it works from outside: it sets the parameters, and asks for outputs and gradients.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from circuitsim.engine import Engine
from circuitsim.errors import InputError
from circuitsim.gates.value import Array, Value, as_value, shape_of
from circuitsim.learning.lbfgs import LBFGS, State
from circuitsim.learning.penalties import Penalty
from circuitsim.spelling import shown

__all__ = ["Descent"]


class Descent:
    """The parameters of an engine on their way down.

    Parameters
    ----------
    engine : Engine
        What runs the circuit.
    rule : LBFGS
        How to move.
    penalties : sequence of Penalty
        What else pulls on parameters.

    Attributes
    ----------
    state : State or None
        Where it is; None before the first step.

    Raises
    ------
    InputError
        If a penalty has a kink, such as L1: the gradient does not tell the way there.
    """

    def __init__(self, engine: Engine, rule: LBFGS, penalties: Sequence[Penalty]) -> None:
        if odd := [penalty for penalty in penalties if hasattr(penalty, "shrink")]:
            raise InputError(f"{shown(odd[0])} has a kink, which LBFGS cannot pass: take another optimizer, or L2")
        self.engine = engine
        self.rule = rule
        self.state: State | None = None

    def step(self, look: Callable[[], tuple[float, Mapping[str, Value]]]) -> None:
        """Move the parameters to a place with a lower cost, if there is one in sight.

        Parameters
        ----------
        look : callable
            Returns the mean loss with the present parameters, and their gradients, which point downhill; penalties
            left out.
        """
        springs = self.engine.springs or {}

        def evaluate(x: Array) -> tuple[float, Array]:
            self.engine.set_parameters(self.parameters(x))
            cost, gradients = look()
            parameters = self.engine.parameters
            uphill = []
            with np.errstate(all="ignore"):
                for name, value in parameters.items():
                    pull = gradients[name]
                    for spring in springs.get(name, ()):
                        pull = pull + spring.pull(value)
                        cost += float(spring.cost(value))
                    uphill.append(-np.ravel(pull))
            return cost, np.concatenate(uphill)

        here = self.vector()
        if self.state is None or not np.array_equal(self.state.x, here):  # it begins, or somebody else moved them
            self.state = self.rule.start(here, *evaluate(here))
        self.state = self.rule.step(evaluate, self.state)
        self.engine.set_parameters(self.parameters(self.state.x))

    def vector(self) -> Array:
        """Return all parameters as one vector."""
        return np.concatenate([np.ravel(value) for value in self.engine.parameters.values()])

    def parameters(self, x: Array) -> dict[str, Value]:
        """Return the parameters that a vector stands for."""
        found, first = {}, 0
        for name, value in self.engine.parameters.items():
            size = int(np.size(value))
            found[name] = as_value(np.reshape(x[first : first + size], shape_of(value)))
            first += size
        return found
