"""The actor of a parameter: it sends its value, feels the pull that comes back, and responds by its own rule."""

from collections.abc import Sequence

from circuitsim.gates.value import Value
from circuitsim.rules import Memory, Rule, Spring, respond
from circuitsim.simulation.actors import Source

__all__ = ["Parameter"]


class Parameter(Source):
    """A source whose value may move.

    Attributes
    ----------
    memory : Memory
        Its value, the state of its rule, and how often it has responded.
    rule : Rule or None
        How it responds, once it learns.
    springs : sequence of Spring
        What else pulls on it.
    """

    def __init__(self, name: str, value: Value) -> None:
        super().__init__(name)
        self.memory = Memory(value)
        self.rule: Rule | None = None
        self.springs: Sequence[Spring] = ()

    def learn(self, rule: Rule, springs: Sequence[Spring]) -> None:
        """Take a rule, with a fresh state."""
        self.rule, self.springs = rule, springs
        self.memory = Memory(self.memory.value, rule.start(self.memory.value))

    def respond(self) -> None:
        """Move by the rule, as the gradient that was felt and the springs ask."""
        assert self.rule is not None
        self.memory = respond(self.rule, self.springs, self.memory, self.gradient(self.memory.value))
