"""Examples: points with their labels, checked once, and how they enter a circuit's inputs."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitsim.errors import InputError

__all__ = ["TARGET", "Examples", "Intake"]

#: An input of this name is given the label: for circuits that compute their own loss.
TARGET = "target"


class Examples:
    """Points and labels: as arrays for many, as plain numbers for one at a time.

    Parameters
    ----------
    points : array_like, shape (examples, features)
        One row is an example.
    labels : array_like, shape (examples,) or (examples, ...)
        What a force takes as target.

    Raises
    ------
    InputError
        If they are no finite numbers, or not as many labels as points.
    """

    def __init__(self, points: ArrayLike, labels: ArrayLike) -> None:
        self.points = check_points(points)
        try:
            self.labels = np.asarray(labels, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError("the labels must be numbers") from None
        if self.labels.ndim < 1 or len(self.labels) != len(self.points):
            raise InputError(
                f"there are {len(self.points)} points and {self.labels.size} labels: give one label for each point"
            )
        if not np.isfinite(self.labels).all():
            raise InputError("a label is an infinity or a nan: leave its example out")

    @cached_property
    def _lists(self) -> tuple[list[Any], list[Any]]:
        """Points and labels as plain numbers: made when an example is first shown alone."""
        return self.points.tolist(), self.labels.tolist()

    def take(self, numbers: NDArray[np.int_]) -> "Examples":
        """Return some of them."""
        return Examples(self.points[numbers], self.labels[numbers])

    def some(self, numbers: Sequence[int]) -> tuple[Any, Any]:
        """Return points and targets to show together: plain numbers if it is one example, else arrays."""
        if len(numbers) == 1:
            rows, targets = self._lists
            return rows[numbers[0]], targets[numbers[0]]
        return self.points[numbers], self.labels[numbers]

    def __len__(self) -> int:
        return len(self.points)


class Intake:
    """Tells what each input of a circuit is given for a point.

    Inputs get the columns of the points in their own order. If there is only one input and several columns, it gets
    whole rows. An input called ``target`` gets the label.

    Parameters
    ----------
    circuit : str
        The circuit's name, for messages.
    inputs : sequence of str
        Its inputs.
    """

    def __init__(self, circuit: str, inputs: Sequence[str]) -> None:
        self._circuit = circuit
        self.features = [name for name in inputs if name != TARGET]
        self._takes_target = TARGET in inputs

    def check(self, points: NDArray[np.float64]) -> None:
        """Raise `InputError` if the points have more or fewer columns than the circuit takes."""
        columns = points.shape[1]
        if columns != len(self.features) and not (len(self.features) == 1 and columns > 1):
            raise InputError(
                f"the points have {columns} columns, but circuit {self._circuit!r} has {len(self.features)} inputs: "
                f"{', '.join(self.features) or 'none'}"
            )

    def feed(self, point: Any, target: Any) -> dict[str, Any]:
        """Return the value of each input for one point (a list) or for many (rows of an array)."""
        columns = point if isinstance(point, list) else list(point.T)
        feed = dict(zip(self.features, columns if len(columns) == len(self.features) else [point], strict=True))
        return {**feed, TARGET: target} if self._takes_target else feed


def check_points(points: ArrayLike) -> NDArray[np.float64]:
    """Return points as an array of rows, or raise `InputError`."""
    try:
        rows = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("the points must be rows of numbers, all of one length") from None
    if rows.ndim < 2 or not rows.shape[1]:
        raise InputError(f"the points have shape {rows.shape}: give one row for each example")
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        raise InputError(f"point {bad[0][0]}, counted from 0, has an infinity or a nan in it: leave it out")
    return rows
