"""Optimizers: the rules by which a parameter responds to the pull that it feels.

Gradients are forces here: a parameter goes where it is pulled, and a loss is pulled with -1. So every rule adds
where a text on minimization subtracts.

An optimizer keeps nothing itself. Its state belongs to each parameter (`circuitsim.rules.Memory`), and its
arithmetic is elementwise, so that it does the same to a number and to an array of numbers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from circuitsim import checks
from circuitsim.gates.value import Value, shape_of
from circuitsim.habits import told

__all__ = [
    "SGD",
    "AMSGrad",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "State",
    "Step",
]

#: A step size, or a function that returns it for update number 0, 1, 2 and so on.
Step: TypeAlias = float | Callable[[int], float]
State: TypeAlias = tuple[Value, ...]


@told
class Optimizer(ABC):
    """What all optimizers share: a step size, fixed or from a schedule.

    Parameters
    ----------
    step : float or callable
        How far to go for a pull of 1, or a schedule: a function of the number of the update, from 0. Those in
        `circuitsim.learning.decay` can be saved with the rest.

    Raises
    ------
    InputError
        If the step is no finite number above 0.
    """

    def __init__(self, step: Step) -> None:
        if not callable(step):
            checks.number(step, "step", positive=True)
        self.step = step

    def __init_subclass__(cls) -> None:
        if "__init__" in vars(cls):
            cls.__init__ = told(cls.__init__)  # type: ignore[method-assign]

    def size(self, count: int) -> float:
        """Return the step size of update number `count`.

        Raises
        ------
        InputError
            If a schedule gives no finite number from 0 up.
        """
        return checks.number(self.step(count), f"step({count})") if callable(self.step) else self.step

    def stride(self, count: int) -> float:
        """Return about how far update number `count` takes a parameter that has long been pulled by 1.

        Penalties that shrink parameters after a step go by it.
        """
        return self.size(count)

    @abstractmethod
    def start(self, value: Value) -> State:
        """Return the state of a parameter that has not responded yet."""

    @abstractmethod
    def respond(self, value: Value, gradient: Value, state: State, count: int) -> tuple[Value, State]:
        """Return the new value and the new state of a parameter that feels a gradient."""

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={setting!r}" for name, setting in vars(self).items())
        return f"{type(self).__name__}({settings})"


@told
class SGD(Optimizer):
    """Go where you are pulled, by ``step`` times the pull: the guide's parameter update.

    Examples
    --------
    >>> SGD(step=0.5).respond(1.0, 2.0, (), 0)
    (2.0, ())
    """

    def __init__(self, step: Step = 0.01) -> None:
        super().__init__(step)

    def start(self, value: Value) -> State:
        """Return no state: it remembers nothing."""
        return ()

    def respond(self, value: Value, gradient: Value, state: State, count: int) -> tuple[Value, State]:
        """Return ``value + step * gradient``."""
        return value + self.size(count) * gradient, state


@told
class Momentum(Optimizer):
    """A heavy ball: the pull changes a velocity, which friction wears down (Polyak 1964).

    ``velocity = momentum * velocity + step * gradient; value = value + velocity``
    """

    def __init__(self, step: Step = 0.01, momentum: float = 0.9) -> None:
        super().__init__(step)
        self.momentum = checks.number(momentum, "momentum", below=1.0)

    def stride(self, count: int) -> float:
        """Return what the velocity comes to, ``step / (1 - momentum)``."""
        return self.size(count) / (1 - self.momentum)

    def start(self, value: Value) -> State:
        """Return a velocity of zero."""
        return (_zeros(value),)

    def respond(self, value: Value, gradient: Value, state: State, count: int) -> tuple[Value, State]:
        """Change the velocity, then go with it."""
        velocity = self.momentum * state[0] + self.size(count) * gradient
        return value + velocity, (velocity,)


@told
class Nesterov(Momentum):
    """Momentum that looks ahead: the value kept is the place to which the velocity is about to carry it.

    ``velocity' = momentum * velocity + step * gradient;
    value = value + (1 + momentum) * velocity' - momentum * velocity``
    (Sutskever et al. 2013, in the form of Bengio et al. 2012 that needs the gradient at the present value only).
    """

    def respond(self, value: Value, gradient: Value, state: State, count: int) -> tuple[Value, State]:
        """Change the velocity, then go with it from where it would have carried the value."""
        velocity = self.momentum * state[0] + self.size(count) * gradient
        return value + (1 + self.momentum) * velocity - self.momentum * state[0], (velocity,)


@told
class AdaGrad(Optimizer):
    """Smaller steps where the pulls have been large so far (Duchi et al. 2011).

    ``total = total + gradient²; value = value + step * gradient / (sqrt(total) + epsilon)``
    """

    def __init__(self, step: Step = 0.01, epsilon: float = 1e-8) -> None:
        super().__init__(step)
        self.epsilon = checks.number(epsilon, "epsilon", positive=True)

    def start(self, value: Value) -> State:
        """Return a sum of zero."""
        return (_zeros(value),)

    def respond(self, value: Value, gradient: Value, state: State, count: int) -> tuple[Value, State]:
        """Add to the sum of squares, then go."""
        total = state[0] + gradient * gradient
        return value + self.size(count) * gradient / (np.sqrt(total) + self.epsilon), (total,)


@told
class RMSProp(Optimizer):
    """Steps measured in the recent size of the pulls (Tieleman and Hinton 2012).

    ``mean = decay * mean + (1 - decay) * gradient²; value = value + step * gradient / (sqrt(mean) + epsilon)``
    """

    def __init__(self, step: Step = 0.01, decay: float = 0.99, epsilon: float = 1e-8) -> None:
        super().__init__(step)
        self.decay = checks.number(decay, "decay", below=1.0)
        self.epsilon = checks.number(epsilon, "epsilon", positive=True)

    def start(self, value: Value) -> State:
        """Return a mean of zero."""
        return (_zeros(value),)

    def respond(self, value: Value, gradient: Value, state: State, count: int) -> tuple[Value, State]:
        """Update the mean of squares, then go."""
        mean = self.decay * state[0] + (1 - self.decay) * (gradient * gradient)
        return value + self.size(count) * gradient / (np.sqrt(mean) + self.epsilon), (mean,)


@told
class Adam(Optimizer):
    """Momentum in units of the recent size of the pulls, both corrected for starting at zero (Kingma and Ba 2015)."""

    def __init__(self, step: Step = 0.001, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        super().__init__(step)
        self.beta1 = checks.number(beta1, "beta1", below=1.0)
        self.beta2 = checks.number(beta2, "beta2", below=1.0)
        self.epsilon = checks.number(epsilon, "epsilon", positive=True)

    def start(self, value: Value) -> State:
        """Return a mean and a mean square of zero."""
        return (_zeros(value), _zeros(value))

    def respond(self, value: Value, gradient: Value, state: State, count: int) -> tuple[Value, State]:
        """Update both means, then go."""
        unbiased, spread, state = self._means(gradient, state, count)
        return value + self.size(count) * unbiased / (spread + self.epsilon), state

    def _means(self, gradient: Value, state: State, count: int) -> tuple[Value, Value, State]:
        """Return the mean of the pulls and the root of their mean square, corrected, and the new state."""
        mean = self.beta1 * state[0] + (1 - self.beta1) * gradient
        square = self.beta2 * state[1] + (1 - self.beta2) * (gradient * gradient)
        unbiased = mean / (1 - self.beta1 ** (count + 1))
        spread = np.sqrt(square / (1 - self.beta2 ** (count + 1)))
        return unbiased, spread, (mean, square)


@told
class AdamW(Adam):
    """Adam, and with every update all parameters lose the share ``step * decay`` (Loshchilov and Hutter 2019).

    Unlike `L2` under `Adam`, this draws all of them to zero at the same pace, however large their gradients are. It
    leaves out no biases.
    """

    def __init__(
        self,
        step: Step = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        decay: float = 0.01,
    ) -> None:
        super().__init__(step, beta1, beta2, epsilon)
        self.decay = checks.number(decay, "decay")

    def respond(self, value: Value, gradient: Value, state: State, count: int) -> tuple[Value, State]:
        """Let the value decay, update both means, then go."""
        unbiased, spread, state = self._means(gradient, state, count)
        size = self.size(count)
        return value * (1 - size * self.decay) + size * unbiased / (spread + self.epsilon), state


@told
class AMSGrad(Adam):
    """Adam whose steps, but for the correction, never grow: by the largest mean square so far (Reddi et al. 2018)."""

    def start(self, value: Value) -> State:
        """Return a mean, a mean square and a largest mean square of zero."""
        return (_zeros(value), _zeros(value), _zeros(value))

    def respond(self, value: Value, gradient: Value, state: State, count: int) -> tuple[Value, State]:
        """Update both means and the largest of the second, then go."""
        unbiased, _, (mean, square) = self._means(gradient, state, count)
        largest = np.maximum(state[2], square)
        spread = np.sqrt(largest / (1 - self.beta2 ** (count + 1)))
        return value + self.size(count) * unbiased / (spread + self.epsilon), (mean, square, largest)


def _zeros(value: Value) -> Value:
    return np.zeros(shape_of(value)) if shape_of(value) else 0.0
