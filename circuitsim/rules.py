"""What a parameter does with its gradient: the seam between engines and optimizers.

A rule is elementwise and keeps nothing itself: what a parameter has to remember from one response to the next is
its `Memory`. So a rule may live in an actor, and an engine may as well stack many parameters into one array and
apply it once, with the same bits.

Springs work beside the rule, in two ways. What they pull is added to the gradient before the rule responds. Those that
have a method ``shrink(value, step)`` change the value after it has: a proximal step, which can leave an exact 0.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol

from circuitsim.errors import InputError
from circuitsim.gates.value import Value, frozen, own_value, refused_to_write
from circuitsim.spelling import shown

__all__ = ["Memory", "Rule", "Spring", "begin", "respond"]


class Rule(Protocol):
    """How a parameter responds to its gradient; the optimizers are rules.

    A rule writes to nothing that it is given: ``value = value + change``, never ``value += change``. Springs that
    shrink need its method ``stride(count)``: how far update number `count` takes a parameter long pulled by 1.
    """

    def start(self, value: Value) -> tuple[Value, ...]:
        """Return the state of a parameter that has not responded yet, each part in the shape of its value."""

    def respond(
        self, value: Value, gradient: Value, state: tuple[Value, ...], count: int
    ) -> tuple[Value, tuple[Value, ...]]:
        """Return the new value and the new state; `count` is how often the parameter has responded before."""


class Spring(Protocol):
    """A pull that a parameter feels of itself, whatever the circuit does; the penalties are springs.

    It may have a method ``shrink(value, step)`` as well, which returns the value that is left after a step. One that
    looks at more than one element at a time says so with the attribute ``elementwise = False``: a parameter that is a
    number is then never stacked with others.
    """

    on: Collection[str] | None
    """The parameters it is attached to; None for all but the biases."""

    def pull(self, value: Value) -> Value:
        """Return the pull on a parameter of this value."""

    def cost(self, value: Value) -> float:
        """Return the energy in it."""


class Memory(NamedTuple):
    """What a parameter carries from one response to the next: its value, its rule's state, how often it responded."""

    value: Value
    state: tuple[Value, ...] = ()
    updates: int = 0

    def copy(self) -> "Memory":
        """Return the same with arrays that nobody else can change."""
        return Memory(own_value(self.value), tuple(own_value(part) for part in self.state), self.updates)


def begin(rule: Rule, value: Value) -> Memory:
    """Return what a parameter of this value remembers when it takes a rule."""
    return Memory(value, tuple(frozen(part) for part in rule.start(value)))


def respond(rule: Rule, springs: Sequence[Spring], memory: Memory, gradient: Value) -> Memory:
    """Return what a parameter remembers after it has responded to a gradient and to its springs.

    Raises
    ------
    InputError
        If the rule or a spring writes in place to what it is given, or a spring shrinks and the rule has no stride.
    """
    at_work: Any = rule
    try:
        for at_work in springs:
            gradient = gradient + at_work.pull(memory.value)
        at_work = rule
        value, state = rule.respond(memory.value, gradient, memory.state, memory.updates)
        for at_work in springs:
            if hasattr(at_work, "shrink"):
                value = at_work.shrink(frozen(value), _stride(rule, at_work, memory.updates))
    except ValueError as error:
        if not refused_to_write(error):
            raise
        raise InputError(f"{shown(at_work)} writes in place to what it is given: let it return new arrays") from None
    return Memory(frozen(value), tuple(frozen(part) for part in state), memory.updates + 1)


def _stride(rule: Any, spring: Spring, count: int) -> float:
    """Return the step by which springs shrink."""
    if not hasattr(rule, "stride"):
        raise InputError(
            f"{shown(spring)} shrinks parameters by the step of their rule, which {shown(rule)} does not tell: "
            f"give the rule a "
            "method stride(count)"
        )
    stride: float = rule.stride(count)
    return stride
