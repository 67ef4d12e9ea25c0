"""Where parameters live while examples stream by: a keeper holds each one, others hold copies of it.

A keeper collects the gradients of each example from all wires that the parameter feeds and adds them up in wiring
order. What becomes of the sum, an update at once or one at the end of the batch, is for the stream to say.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any

from circuitsim.gates.value import Value, fit
from circuitsim.rules import respond
from circuitsim.simulation.parameter import Parameter

__all__ = ["Copy", "Keeper", "Worker", "add_up"]


class Copy:
    """A version of a parameter, and the last few before it.

    Parameters
    ----------
    value : float or ndarray
        The first version.
    stash : int or None
        How many versions are kept for backward passes; None for as many as they need.
    """

    def __init__(self, value: Value, stash: int | None) -> None:
        self.version = 0
        self.value = value
        self.stash = stash
        self.kept: deque[tuple[int, Value]] = deque([(0, value)], maxlen=stash)

    def take(self, version: int, value: Value) -> None:
        """Hold a newer version; an older one, overtaken on its way, is left."""
        if version > self.version:
            self.version = version
            self.value = value
            if self.stash is not None:
                self.kept.append((version, value))

    def recall(self, version: int, value: Value) -> Value:
        """Return what a backward pass uses whose forward pass had this version: the same, or the oldest kept."""
        if self.stash is None:
            return value
        for kept, old in self.kept:
            if kept == version:
                return old
        return self.kept[0][1]

    def save(self) -> tuple[Any, ...]:
        """Return a checkpoint."""
        return self.version, self.value, tuple(self.kept)

    def restore(self, saved: tuple[Any, ...]) -> None:
        """Go back to a checkpoint."""
        self.version, self.value, kept = saved
        self.kept = deque(kept, maxlen=self.stash)


class Keeper(Copy):
    """The parameter itself.

    Parameters
    ----------
    actor : Parameter
        The parameter in the simulation, which gives its value and its rule.
    stash : int or None
        See `Copy`.
    awaited : int
        How many wires bring a gradient for each example.
    """

    def __init__(self, actor: Parameter, stash: int | None, awaited: int) -> None:
        super().__init__(actor.memory.value, stash)
        self.actor = actor
        self.name = actor.name
        self.memory = actor.memory
        self.rule = actor.rule
        self.springs = actor.springs
        self.awaited = awaited
        self.parts: dict[int, dict[int, tuple[int, Value]]] = {}  # by tag and wire: version read and gradient
        self.felt: dict[int, Value] = {}  # whole gradients of the present batch, by tag
        self.whole: set[int] = set()  # the examples of which it has felt all

    def feel(self, tag: int, wire: int, version: int, gradient: Value) -> tuple[int, Value] | None:
        """Take in the gradient of an example from one wire.

        Returns
        -------
        version : int
            With the last wire: the version from which the gradient was computed, the oldest if there are several.
        gradient : float or ndarray
            And the sum from all wires.
        """
        if tag in self.whole:
            return None
        parts = self.parts.setdefault(tag, {})
        parts[wire] = version, gradient
        if len(parts) < self.awaited:
            return None
        del self.parts[tag]
        self.whole.add(tag)
        return min(version for version, _ in parts.values()), add_up([parts[wire][1] for wire in sorted(parts)])

    def gradient(self) -> Value:
        """Return what was felt in the present batch, in order of the examples."""
        total = add_up([self.felt[tag] for tag in sorted(self.felt)])
        return fit(0.0, self.value) if total is None else total

    def shift(self, change: Value) -> None:
        """Move as far as a worker has moved, which makes a new version."""
        self.memory = self.memory._replace(value=self.value + change)
        self.take(self.version + 1, self.memory.value)

    def respond(self, gradient: Value) -> None:
        """Move by the rule, which makes a new version."""
        assert self.rule is not None
        self.memory = respond(self.rule, self.springs, self.memory, gradient)
        self.take(self.version + 1, self.memory.value)

    def save(self) -> tuple[Any, ...]:
        """Return a checkpoint."""
        parts = {tag: dict(wires) for tag, wires in self.parts.items()}
        return super().save(), self.memory, parts, dict(self.felt), set(self.whole)

    def restore(self, saved: tuple[Any, ...]) -> None:
        """Go back to a checkpoint."""
        own, self.memory, parts, felt, whole = saved
        super().restore(own)
        self.parts = {tag: dict(wires) for tag, wires in parts.items()}
        self.felt = dict(felt)
        self.whole = set(whole)


class Worker(Keeper):
    """A worker's own copy, which moves by itself for some steps before the server hears of it.

    Parameters
    ----------
    keeper : Keeper
        The server's.
    steps : int
        How many examples it learns from between two messages to the server.
    """

    def __init__(self, keeper: Keeper, steps: int) -> None:
        super().__init__(keeper.actor, keeper.stash, keeper.awaited)
        self.steps = steps
        self.taken = 0  # since the server's last answer
        self.base = (self.version, self.value)  # what the server had then

    def step(self, gradient: Value) -> None:
        """Move by the gradient of one example; this makes no version that others know of."""
        assert self.rule is not None
        self.memory = respond(self.rule, self.springs, self.memory, gradient)
        self.value = self.memory.value
        self.taken += 1

    @property
    def change(self) -> Value:
        """How far it has moved from what the server had."""
        return self.value - self.base[1]

    def take(self, version: int, value: Value) -> None:
        """Begin anew from the server's answer."""
        super().take(version, value)
        self.memory = self.memory._replace(value=value)
        self.base = version, value
        self.taken = 0


def add_up(gradients: Iterable[Value]) -> Any:
    """Return the sum, taken from left to right; None of nothing."""
    total: Any = None
    for gradient in gradients:
        total = gradient if total is None else total + gradient
    return total
