"""Where parameters live while examples stream by: a keeper holds each one, others hold copies of it.

A keeper collects the gradients of each example from all wires that the parameter feeds, adds them up in wiring order,
and either answers at once (asynchronously) or holds them for the end of the batch.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from circuitsim.gates.value import Value

__all__ = ["Copy", "Keeper"]


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
    name : str
        Its name.
    value : float or ndarray
        Its value.
    stash : int or None
        See `Copy`.
    awaited : int
        How many wires bring a gradient for each example.
    on_total : callable
        Called with the keeper, the example's tag, the whole gradient and the version that it was computed from.
    """

    def __init__(
        self,
        name: str,
        value: Value,
        stash: int | None,
        awaited: int,
        on_total: Callable[["Keeper", int, Value, int], None],
    ) -> None:
        super().__init__(value, stash)
        self.name = name
        self.awaited = awaited
        self.on_total = on_total
        self.state: Any = None  # what the rule of learning keeps
        self.count = 0
        self.parts: dict[int, dict[int, tuple[int, Value]]] = {}
        self.felt: dict[int, Value] = {}  # whole gradients of the present batch by tag

    def feel(self, tag: int, wire: int, version: int, gradient: Value) -> None:
        """Take in the gradient of one example from one wire; with the last one, add them up."""
        parts = self.parts.setdefault(tag, {})
        parts[wire] = version, gradient
        if len(parts) < self.awaited:
            return
        del self.parts[tag]
        total: Any = None
        for wire in sorted(parts):  # wires are numbered in wiring order
            total = parts[wire][1] if total is None else total + parts[wire][1]
        self.on_total(self, tag, total, min(version for version, _ in parts.values()))

    def save(self) -> tuple[Any, ...]:
        """Return a checkpoint."""
        parts = {tag: dict(wires) for tag, wires in self.parts.items()}
        return super().save(), self.state, self.count, parts, dict(self.felt)

    def restore(self, saved: tuple[Any, ...]) -> None:
        """Go back to a checkpoint."""
        own, self.state, self.count, parts, felt = saved
        super().restore(own)
        self.parts = {tag: dict(wires) for tag, wires in parts.items()}
        self.felt = dict(felt)
