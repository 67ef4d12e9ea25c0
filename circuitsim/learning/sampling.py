"""Which example is shown next: at random, shuffled, in order, or in an order of the user's own."""

from collections.abc import Sequence
from operator import index
from typing import Any, Literal, TypeAlias

import numpy as np

from circuitsim import checks
from circuitsim.errors import InputError
from circuitsim.spelling import shown

__all__ = ["Order", "Sampler"]

#: How examples are chosen: see `Sampler`.
Order: TypeAlias = Literal["random", "shuffled", "in order"] | Sequence[int]


class Sampler:
    """Chooses examples, and can be put back to where it was.

    Parameters
    ----------
    order : {"random", "shuffled", "in order"} or sequence of int
        ``"random"`` draws every example anew, as the guide does; ``"shuffled"`` shows all of them in a random
        order, then all in another; ``"in order"`` shows them as they come, over and over. Numbers are shown as
        they stand, each once.
    count : int
        How many examples there are.
    seed : int
        Seeds the choice.
    """

    def __init__(self, order: Order, count: int, seed: int) -> None:
        if isinstance(order, str):
            checks.choice(order, "order", ("random", "shuffled", "in order"), more="a list of numbers")
        else:
            order = _numbers(order)
            if wrong := [number for number in order if not 0 <= number < count]:
                raise InputError(f"the order names example {wrong[0]}: there are {count}, numbered from 0")
        self.order = order
        self.count = count
        self._random = np.random.default_rng(seed)
        self._queue: list[int] = []
        self._place = 0  # in the queue
        self._taken = 0

    def like(self, other: "Sampler") -> bool:
        """Tell whether another one chooses in the same way among as many examples."""
        return self.order == other.order and self.count == other.count

    def take(self, number: int) -> list[int]:
        """Return the numbers of the next few examples.

        Raises
        ------
        InputError
            If an order of the user's own has no more.
        """
        if self.order == "random":
            if number == 1:
                return [int(self._random.integers(self.count))]
            return [int(index) for index in self._random.integers(self.count, size=number)]
        if isinstance(self.order, list) and self._taken + number > len(self.order):
            raise InputError(f"the order has {len(self.order)} examples and more were asked for: give it more")
        chosen: list[int] = []
        while len(chosen) < number:
            if self._place == len(self._queue):
                self._queue, self._place = self._refill(), 0
            some = self._queue[self._place : self._place + number - len(chosen)]
            chosen += some
            self._place += len(some)
        self._taken += number
        return chosen

    def _refill(self) -> list[int]:
        if self.order == "shuffled":
            return [int(index) for index in self._random.permutation(self.count)]
        if self.order == "in order":
            return list(range(self.count))
        assert isinstance(self.order, list)
        return self.order[self._taken :]

    @property
    def state(self) -> dict[str, Any]:
        """Where it is; plain data, to be put back later."""
        return {
            "order": self.order,
            "count": self.count,
            "random": self._random.bit_generator.state,
            "queue": self._queue[self._place :],
            "taken": self._taken,
        }

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        """Go on from there.

        Raises
        ------
        InputError
            If the order or the number of examples was another.
        """
        if state["count"] != self.count:
            raise InputError(
                f"the checkpoint goes on with {state['count']} examples to learn from and was given {self.count}: give "
                "the same ones, or a seed to begin anew"
            )
        if state["order"] != self.order:
            there, here = (
                repr(order) if isinstance(order, str) else "a list" for order in (state["order"], self.order)
            )
            raise InputError(
                f"the checkpoint goes on in order {there} and was given {here if here != there else 'another'}: "
                "give the same order, or a seed to begin anew"
            )
        self._random.bit_generator.state = state["random"]
        self._queue, self._place = list(state["queue"]), 0
        self._taken = state["taken"]


def _numbers(order: Any) -> list[int]:
    """Return an order of the user's own as a list, whatever sequence it came as."""
    try:
        return [index(number) for number in order]
    except TypeError:
        raise InputError(f"order={shown(order)} cannot be: give a list of the numbers of examples, from 0") from None
