"""Penalties: springs that pull parameters towards zero, whatever the circuit does.

By default a spring holds every parameter but the biases, which are those that are only ever added; the guide does
the same. Name the parameters to choose others.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection

import numpy as np

from circuitsim import checks
from circuitsim.errors import InputError
from circuitsim.gates.value import Value, as_value

__all__ = ["L1", "L2", "Penalty"]


class Penalty(ABC):
    """What all penalties share.

    Parameters
    ----------
    strength : float
        The stiffness of the spring.
    on : collection of str, optional
        The names of the parameters that it holds; all but the biases, if not given.

    Raises
    ------
    InputError
        If the strength is no finite number from 0 up, or the names are one text.
    """

    def __init__(self, strength: float, on: Collection[str] | None = None) -> None:
        self.strength = checks.number(strength, "the strength of a penalty")
        if isinstance(on, str):
            raise InputError(f"on={on!r} is one text: give a list of names, on=[{on!r}]")
        self.on: Collection[str] | None = on

    @abstractmethod
    def pull(self, value: Value) -> Value:
        """Return the pull on a parameter of this value."""

    @abstractmethod
    def cost(self, value: Value) -> float:
        """Return the energy in the spring: what a loss would have to contain to pull like this."""

    def __repr__(self) -> str:
        held = "" if self.on is None else f", on={list(self.on)!r}"
        return f"{type(self).__name__}({self.strength!r}{held})"


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
        return -self.strength * value

    def cost(self, value: Value) -> float:
        """Return the energy in the spring."""
        return self.strength / 2 * float(np.sum(np.square(value)))


class L1(Penalty):
    """A pull of the same `strength` everywhere, towards zero; none at zero. Its energy is ``strength * |value|``.

    Examples
    --------
    >>> L1(0.5).pull(-2.0)
    0.5
    """

    def pull(self, value: Value) -> Value:
        """Return the pull on a parameter of this value."""
        return as_value(-self.strength * np.sign(value))

    def cost(self, value: Value) -> float:
        """Return the energy in the spring."""
        return self.strength * float(np.sum(np.abs(value)))
