"""The parameters of the compiled engine: numbers under the same springs are stacked, and respond as one array.

Rules are elementwise (see `circuitsim.rules`), so the bits are those of parameters that respond one by one. Numbers
under a spring that is not are left alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from circuitsim.gates.value import Value, frozen
from circuitsim.rules import Memory, Rule, Spring, begin, respond

__all__ = ["Parameters"]


class Stack(NamedTuple):
    """Parameters that respond together: their places in the order of all, and what they remember."""

    places: list[int]
    memory: Memory
    springs: Sequence[Spring]
    numbers: bool


class Parameters:
    """All parameters of an engine.

    Parameters
    ----------
    values : mapping of str to float or ndarray
        Their first values.

    Attributes
    ----------
    values : list of float or ndarray
        Their present values, in order.
    """

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._names = list(values)
        self._rule: Rule | None = None
        self._springs: Mapping[str, Sequence[Spring]] = dict.fromkeys(values, ())
        self._stack({name: Memory(value) for name, value in values.items()})

    def learn(self, rule: Rule, springs: Mapping[str, Sequence[Spring]]) -> None:
        """Take a rule, with a fresh state for each."""
        self._rule, self._springs = rule, springs
        self._stack({name: begin(rule, old.value) for name, old in self.memory().items()})

    def respond(self, gradients: Sequence[Any]) -> None:
        """Move by the rule, as the gradients and the springs ask."""
        assert self._rule is not None
        for number, (places, memory, springs, numbers) in enumerate(self._stacks):
            total = np.array([gradients[place] for place in places]) if numbers else gradients[places[0]]
            memory = respond(self._rule, springs, memory, total)
            self._stacks[number] = Stack(places, memory, springs, numbers)
            self._show(self._stacks[number])

    def memory(self) -> dict[str, Memory]:
        """Return what each remembers."""
        found: dict[int, Memory] = {}
        for places, (value, state, updates), _, numbers in self._stacks:
            if numbers:
                columns = [part.tolist() for part in (value, *state) if isinstance(part, np.ndarray)]
                rows = zip(*columns, strict=True)
                found.update((place, Memory(row[0], row[1:], updates)) for place, row in zip(places, rows, strict=True))
            else:
                found[places[0]] = Memory(value, state, updates)
        return {name: found[place] for place, name in enumerate(self._names)}

    def restore(self, memory: Mapping[str, Memory]) -> None:
        """Put back what some of them remembered."""
        self._stack({**self.memory(), **memory})

    def _stack(self, memory: Mapping[str, Memory]) -> None:
        alike: dict[Any, list[int]] = {}
        for place, name in enumerate(self._names):
            value, state, updates = memory[name]
            number = all(isinstance(part, float) for part in (value, *state))
            stacks = number and all(getattr(spring, "elementwise", True) for spring in self._springs[name])
            springs = tuple(id(spring) for spring in self._springs[name])
            alike.setdefault((springs, len(state), updates) if stacks else place, []).append(place)
        self.values: list[Any] = [None] * len(self._names)
        self._stacks = [self._together(places, memory) for places in alike.values()]
        for stack in self._stacks:
            self._show(stack)

    def _together(self, places: list[int], memory: Mapping[str, Memory]) -> Stack:
        names = [self._names[place] for place in places]
        first, springs = memory[names[0]], self._springs[names[0]]
        if not all(isinstance(part, float) for part in (first.value, *first.state)):
            return Stack(places, first, springs, False)
        state = zip(*(memory[name].state for name in names), strict=True)
        values = frozen([memory[name].value for name in names])
        return Stack(places, Memory(values, tuple(frozen(list(part)) for part in state), first.updates), springs, True)

    def _show(self, stack: Stack) -> None:
        """Put the values of a stack where all can be read in order."""
        if isinstance(stack.memory.value, np.ndarray) and stack.numbers:
            for place, value in zip(stack.places, stack.memory.value.tolist(), strict=True):
                self.values[place] = value
        else:
            self.values[stack.places[0]] = stack.memory.value
