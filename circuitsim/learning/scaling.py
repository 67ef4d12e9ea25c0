"""The scale of inputs: their means and spreads, by which raw units become numbers around 0."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from circuitsim.errors import ShapeError
from circuitsim.gates.value import Array, show

__all__ = ["Scale"]


class Scale(NamedTuple):
    """Means and spreads of all numbers that an example consists of, input by input.

    Attributes
    ----------
    means, spreads : ndarray, shape (numbers,)
        A spread is a standard deviation; 1 where all are the same.

    Examples
    --------
    >>> scale = Scale.of({"height": np.array([1.5, 1.7]), "one": np.array([1.0, 1.0])})
    >>> scale.apply({"height": np.array([1.6, 1.8]), "one": np.array([1.0, 2.0])})
    {'height': array([0., 2.]), 'one': array([0., 1.])}
    >>> scale.describe(["height", "one"])
    ['height is taken as (height - 1.6) / 0.1', 'one is taken as (one - 1) / 1']
    """

    means: Array
    spreads: Array

    @classmethod
    def of(cls, inputs: Mapping[str, Array]) -> "Scale":
        """Return the scale of examples, which the first axis of each array counts."""
        rows = [array.reshape(len(array), -1) for array in inputs.values()]
        means = np.concatenate([row.mean(axis=0) for row in rows] or [np.zeros(0)])
        spreads = np.concatenate([row.std(axis=0) for row in rows] or [np.zeros(0)])
        return cls(means, np.where(spreads <= 1e-12 * np.abs(means), 1.0, spreads))  # the same but for rounding

    def apply(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return inputs in this scale.

        Raises
        ------
        ShapeError
            If an example consists of more or fewer numbers.
        """
        scaled, first = {}, 0
        sizes = {name: int(np.prod(array.shape[1:])) for name, array in inputs.items()}
        if sum(sizes.values()) != len(self.means):
            raise ShapeError(f"an example has {sum(sizes.values())} numbers, the scale is of {len(self.means)}")
        for name, array in inputs.items():
            part = slice(first, first + sizes[name])
            mean, spread = (column[part].reshape(array.shape[1:]) for column in self)
            scaled[name] = (array - mean) / spread
            first += sizes[name]
        return scaled

    def describe(self, names: Sequence[str]) -> list[str]:
        """Return what is made of each number of an example, in words."""
        told = []
        for name, mean, spread in zip(names, self.means.tolist(), self.spreads.tolist(), strict=True):
            sign, size = ("+", -mean) if mean < 0 else ("-", mean)
            told.append(f"{name} is taken as ({name} {sign} {show(size, 4)}) / {show(spread, 4)}")
        return told
