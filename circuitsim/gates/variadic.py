"""Gates that take as many inputs as they are given: one definition stands for a gate of each number of ports."""

from collections.abc import Callable
from functools import partial
from typing import Any

from circuitsim.errors import GateError
from circuitsim.gates.gate import Gate, Rule, register
from circuitsim.habits import told


class Many(Gate):
    """A family of gates, one for each number of inputs, that share a function and a rule.

    Examples
    --------
    >>> from circuitsim.gates import stack
    >>> stack.for_inputs(3)
    <gate stack(x1, x2, x3)>
    >>> stack(1, 2, 3)
    array([1., 2., 3.])
    """

    @told
    def __init__(self, forward: Callable[..., Any], numpy: Callable[..., Any] | None = None) -> None:
        super().__init__(forward, forward.__name__, ports=("x1",), numpy=numpy)
        self.rule: Callable[..., Any] | None = None
        self._members: dict[int, Gate] = {}

    def every_vjp(self, rule: Rule) -> Rule:
        """Register the function below as the rule of every port: ``rule(port, gradient, output, *inputs)``."""
        self.rule = rule
        return rule

    def for_inputs(self, count: int) -> Gate:
        """Return the gate of this family that takes so many inputs."""
        if count < 1:
            raise GateError(f"{self.name} was given no inputs: give it one or more")
        if count not in self._members:
            self._members[count] = Member(self, count)
        return self._members[count]

    def check_arguments(self, count: int, attributes: dict[str, Any]) -> None:
        """Raise `GateError` unless the gate takes these attributes."""
        self.for_inputs(count).check_arguments(count, attributes)


class Member(Gate):
    """The gate of a family that has a certain number of ports."""

    def __init__(self, family: Many, count: int) -> None:
        ports = tuple(f"x{number}" for number in range(1, count + 1))
        super().__init__(family.forward, family.name, family.symbol, ports)
        self.family = family
        self.shape_rule = family.shape_rule
        if family.rule is not None:
            self.vjps = [partial(family.rule, port) for port in range(count)]

    def __reduce__(self) -> Any:
        return _member, (self.family, self.arity)


def _member(family: Many, count: int) -> Gate:
    return family.for_inputs(count)


@told
def many(*, numpy: Callable[..., Any] | None = None) -> Callable[[Callable[..., Any]], Many]:
    """Turn a function of any number of inputs into a family of gates, and register it under its name.

    `numpy` is the function of NumPy that wires it up when it is called with a list of wires.
    """

    def define(function: Callable[..., Any]) -> Many:
        made = Many(function, numpy)
        register(made)
        return made

    return define
