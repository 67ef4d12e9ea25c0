"""The scale of inputs: their means and spreads, by which raw units become numbers around 0."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuitsim.gates.value import show

__all__ = ["Scale"]


@dataclass(frozen=True)
class Scale:
    """Means and spreads of inputs, element by element of an example.

    Attributes
    ----------
    means, spreads : dict of str to ndarray
        By input, in the shape of one example's value. A spread is a standard deviation; 1 where all are the same.

    Examples
    --------
    >>> scale = Scale.of({"height": np.array([1.5, 1.7]), "one": np.array([1.0, 1.0])})
    >>> scale.apply({"height": np.array([1.6, 1.8]), "one": np.array([1.0, 2.0])})
    {'height': array([0., 2.]), 'one': array([0., 1.])}
    >>> scale.describe()
    ['height is taken as (height - 1.6) / 0.1', 'one is taken as (one - 1) / 1']
    """

    means: dict[str, NDArray[np.float64]]
    spreads: dict[str, NDArray[np.float64]]

    @classmethod
    def of(cls, inputs: Mapping[str, NDArray[np.float64]]) -> "Scale":
        """Return the scale of examples, which the first axis of each array counts."""
        means = {name: array.mean(axis=0) for name, array in inputs.items()}
        spreads = {}
        for name, array in inputs.items():
            spread = array.std(axis=0)
            steady = spread <= 1e-12 * np.abs(means[name])  # the same but for rounding
            spreads[name] = np.where(steady, 1.0, spread)
        return cls(means, spreads)

    def apply(self, inputs: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        """Return inputs in this scale."""
        return {
            name: (array - self.means[name]) / self.spreads[name] if name in self.means else array
            for name, array in inputs.items()
        }

    def describe(self) -> list[str]:
        """Return for each number that an input takes what is made of it, in words."""
        told = []
        for name, mean in self.means.items():
            for place in np.ndindex(np.shape(mean)):
                what = name + (f"[{', '.join(map(str, place))}]" if place else "")
                middle, spread = (show(float(np.asarray(part)[place]), 4) for part in (mean, self.spreads[name]))
                told.append(f"{what} is taken as ({what} - {middle}) / {spread}")
        return told
