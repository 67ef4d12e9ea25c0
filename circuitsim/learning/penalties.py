"""Penalties: springs that pull parameters towards zero, whatever the circuit does.

By default a spring holds every parameter but the biases, which are those that are only ever added; the guide does
the same. Name the parameters to choose others.

`L2` pulls more gently the nearer a parameter is to zero, so that none gets there. `L1` and `GroupL2` do not: their
energy has a kink at zero, where a pull would only throw the parameter to and fro. They shrink it after each step
instead (a proximal step), and it reaches zero and stays. The step is the optimizer's `stride`. With `SGD`, `Momentum`
and `Nesterov` that leads to the lowest sum of loss and energy; the rules that give each element a step of its own
(`AdaGrad`, `RMSProp`, `Adam` and its like) shrink all elements by the same, which is another goal: a strength then
counts in units of such steps.

Where both hold a parameter, give `L1` before `GroupL2`: they shrink one after the other, exact in this order.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any

import numpy as np

from circuitsim import checks
from circuitsim.circuit.wire import Wire, name_of
from circuitsim.errors import InputError
from circuitsim.gates.symbols import Symbol
from circuitsim.gates.value import Value, as_value, rule_result, shape_of
from circuitsim.habits import told
from circuitsim.spelling import shown

__all__ = ["L1", "L2", "GroupL2", "Penalty"]


@told
class Penalty(ABC):
    """What all penalties share.

    A penalty may have a method ``shrink(value, step)`` besides; see `circuitsim.rules`.

    Parameters
    ----------
    strength : float
        The stiffness of the spring.
    on : collection of str or Wire, optional
        The names of the parameters that it holds; all but the biases, if not given.

    Raises
    ------
    InputError
        If the strength is no finite number from 0 up, or the names are one text.
    """

    elementwise = True  # whether each element of an array is held as if it were alone

    def __init__(self, strength: float, on: Collection[str | Wire] | None = None) -> None:
        self.strength = checks.number(strength, "the strength of a penalty")
        if isinstance(on, str):
            raise InputError(f"on={shown(on)} is one text: give a list of names, on=[{shown(on)}]")
        if on is not None and not (isinstance(on, Collection) and all(isinstance(name, str | Wire) for name in on)):
            raise InputError(f"on={shown(on)} has no names: give a list of names of parameters, on=['w']")
        self.on: Collection[str] | None = None if on is None else [name_of(name) for name in on]

    @abstractmethod
    def pull(self, value: Value) -> Value:
        """Return the pull on a parameter of this value."""

    @abstractmethod
    def cost(self, value: Value) -> float:
        """Return the energy in the spring: what a loss would have to contain to pull like this."""

    def __repr__(self) -> str:
        held = "" if self.on is None else f", on={list(self.on)!r}"
        return f"{type(self).__name__}({self.strength!r}{held})"


@told
class L2(Penalty):
    """A spring by Hooke's law: it pulls with ``-strength * value``, and its energy is ``strength / 2 * value²``.

    A loss that contains ``alpha * value²`` pulls with twice alpha: it is `L2` of strength ``2 * alpha``.

    Examples
    --------
    >>> L2(1.0).pull(-2.0)
    2.0
    """

    def pull(self, value: Value) -> Value:
        """Return the pull on a parameter of this value."""
        return -self.strength * _number(value)

    def cost(self, value: Value) -> float:
        """Return the energy in the spring."""
        with np.errstate(over="ignore"):
            return _energy(self.strength / 2 * np.sum(np.square(_number(value))))


@told
class L1(Penalty):
    """A spring that pulls with the same `strength` everywhere, towards zero. Its energy is ``strength * |value|``.

    After each step it moves a value by ``step * strength`` towards zero, and leaves it there if that is enough.

    Examples
    --------
    >>> L1(0.5).shrink(-2.0, step=0.1), L1(0.5).shrink(-0.04, step=0.1)
    (-1.95, 0.0)
    """

    def pull(self, value: Value) -> Value:
        """Return no pull: this spring works after the step."""
        return 0.0

    def shrink(self, value: Value, step: float) -> Value:
        """Return the value that is left after a step."""
        reach = step * self.strength
        return rule_result(np.where(np.abs(value) <= reach, 0.0, value - np.sign(value) * reach))

    def cost(self, value: Value) -> float:
        """Return the energy in the spring."""
        with np.errstate(over="ignore"):
            return _energy(self.strength * np.sum(np.abs(_number(value))))


@told
class GroupL2(Penalty):
    """A spring on groups of numbers, which it brings to zero together: the group lasso (Yuan and Lin 2006).

    A group of `n` numbers is pulled with a force of ``strength * sqrt(n)`` towards zero, as long as it is not there.
    The energy is ``strength * sqrt(n) * |group|``, with the Euclidean length of the group; a single number is held as
    by `L1`.

    Parameters
    ----------
    strength : float
        The stiffness of the spring.
    on : collection of str or Wire, optional
        The names of the parameters that it holds; all but the biases, if not given.
    axis : int, optional
        What a group is: if not given, a whole parameter; else each slice along this axis. Where rows of features are
        multiplied by a matrix, ``x @ w``, the slices along axis 0 of `w` belong to a feature each.

    Examples
    --------
    >>> GroupL2(0.5, axis=0).shrink(np.array([[3.0, 4.0], [0.03, 0.04]]), step=0.1)
    array([[2.95757359, 3.94343146],
           [0.        , 0.        ]])
    """

    elementwise = False

    def __init__(self, strength: float, on: Collection[str | Wire] | None = None, axis: int | None = None) -> None:
        super().__init__(strength, on)
        self.axis = axis
        if axis is not None:
            self.axis = checks.whole(axis)
            if self.axis is None:
                raise InputError(f"the axis of a penalty is {shown(axis)}: give a whole number, or None for one group")

    def pull(self, value: Value) -> Value:
        """Return no pull: this spring works after the step."""
        return 0.0

    def shrink(self, value: Value, step: float) -> Value:
        """Return the value that is left after a step.

        Raises
        ------
        InputError
            If an array has no such axis.
        """
        lengths, force = self._groups(as_value(value))
        left = np.maximum(lengths - step * force, 0.0) / np.where(lengths > 0.0, lengths, 1.0)
        return as_value(value * left + 0.0)  # + 0.0 turns -0 into 0

    def cost(self, value: Value) -> float:
        """Return the energy in the spring.

        Raises
        ------
        InputError
            If an array has no such axis.
        """
        with np.errstate(over="ignore"):
            lengths, force = self._groups(as_value(value))
            return force * float(np.sum(lengths))

    def _groups(self, value: Value) -> tuple[Value, float]:
        """Return the length of each group, ready to broadcast against the value, and the force on each."""
        if isinstance(value, float):
            return abs(value), self.strength
        rest = tuple(range(value.ndim))
        if self.axis is not None:
            if not -value.ndim <= self.axis < value.ndim:
                raise InputError(f"{shown(self)} holds a parameter of shape {shape_of(value)}, which has no such axis")
            rest = tuple(place for place in rest if place != self.axis % value.ndim)
        squares = np.square(np.ascontiguousarray(value))  # the bits of a sum depend on where the elements lie
        lengths = np.sqrt(np.sum(squares, axis=rest, keepdims=True))
        return lengths, self.strength * float(np.sqrt(value.size / max(1, lengths.size)))

    def __repr__(self) -> str:
        along = "" if self.axis is None else f", axis={self.axis}"
        return f"{super().__repr__()[:-1]}{along})"


def _number(value: Value | Symbol) -> Value:
    """Return a value as a number or an array; a symbol, by which a penalty is read, stays one."""
    return value if isinstance(value, Symbol) else as_value(value)  # type: ignore[return-value]


def _energy(total: Any) -> float:
    """Return an energy as a float; a symbol stays one."""
    return total if isinstance(total, Symbol) else float(total)  # type: ignore[return-value]
