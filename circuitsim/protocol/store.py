"""Where the states of a device are saved: a store that only the newest life of the device may write to."""

from typing import Any, Protocol

from circuitsim.errors import FencedError

__all__ = ["MemoryStore", "Store"]


class Store(Protocol):
    """The saved state of one device; it outlives the device's crashes."""

    def begin(self) -> tuple[int, Any]:
        """Begin a life: refuse all writes of older ones from now on.

        Returns
        -------
        tuple of int and object
            The number of the life, 1 for the first, and the newest state saved, None if there is none.
        """
        ...

    def write(self, life: int, number: int, state: Any) -> None:
        """Save a state; one with a lower number than the newest is left out.

        Raises
        ------
        FencedError
            If a newer life has begun.
        """
        ...


class MemoryStore:
    """A store in memory, for simulated devices and for tests."""

    def __init__(self) -> None:
        self.life = 0
        self.number = 0
        self.state: Any = None

    def begin(self) -> tuple[int, Any]:
        """Begin a life, see `Store.begin`."""
        self.life += 1
        return self.life, self.state

    def write(self, life: int, number: int, state: Any) -> None:
        """Save a state, see `Store.write`."""
        if life < self.life:
            raise FencedError(f"life {life} of a device wrote state {number} after life {self.life} had begun")
        if number > self.number:
            self.number, self.state = number, state
