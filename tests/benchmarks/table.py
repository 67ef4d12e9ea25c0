"""Rows of the table, and the clock: things are run in turn, and the medians of their times are compared."""

import gc
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import NamedTuple

__all__ = ["Row", "in_turn"]


class Row(NamedTuple):
    """A ratio and what it should be."""

    what: str
    ratio: float
    goal: float
    at_most: bool
    note: str = ""

    @property
    def reached(self) -> bool:
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal


def in_turn(*tasks: tuple[Callable[[], object], int], rounds: int = 7, collecting: bool = False) -> list[float]:
    """Return the median seconds of each task, run in turn so many times in each round.

    Garbage is collected between tasks and not within, as `timeit` does, unless `collecting` leaves that to Python, as
    it is where libraries are used.
    """
    times: list[list[float]] = [[] for _ in tasks]
    for task, _ in tasks:
        task()
        task()
    for _ in range(rounds):
        for (task, repeats), taken in zip(tasks, times, strict=True):
            gc.collect()
            if not collecting:
                gc.disable()
            start = perf_counter()
            for _ in range(repeats):
                task()
            taken.append((perf_counter() - start) / repeats)
            gc.enable()
    return [median(taken) for taken in times]
