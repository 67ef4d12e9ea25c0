"""Datasets of two classes: the guide's six points, toy sets in the plane, and points of the user's own from a file.

Labels are +1 and -1. Moons, circles and gaussians come from scikit-learn, which is an extra: install
``circuitsim[data]``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitsim import checks
from circuitsim.errors import InputError

__all__ = ["Dataset", "by_name", "circles", "digits", "gaussians", "guide", "moons", "spirals"]


@dataclass(frozen=True)
class Dataset:
    """Points with labels.

    Attributes
    ----------
    name : str
        What it is called.
    points : ndarray, shape (examples, features)
        One row is an example.
    labels : ndarray, shape (examples,)
        +1 or -1.
    features : list of str
        The names of the columns.
    classes : tuple of str
        What -1 and +1 are called.
    """

    name: str
    points: NDArray[np.float64]
    labels: NDArray[np.float64]
    features: list[str]
    classes: tuple[str, str] = ("-1", "+1")

    def __len__(self) -> int:
        return len(self.points)


def guide() -> Dataset:
    """Return the six points that the guide's SVM learns; a line can part them."""
    points = [[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]]
    return _plane("guide", np.array(points), np.array([1, -1, 1, -1, -1, 1]))


def moons(count: int = 100, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Return two half moons that reach into each other."""
    count, noise, seed = _checked(count, noise, seed)
    points, classes = _sklearn().make_moons(count, noise=noise, random_state=seed)
    return _plane("moons", points, classes * 2 - 1)


def circles(count: int = 100, noise: float = 0.05, seed: int = 0) -> Dataset:
    """Return a small ring inside a larger one."""
    count, noise, seed = _checked(count, noise, seed)
    points, classes = _sklearn().make_circles(count, noise=noise, factor=0.5, random_state=seed)
    return _plane("circles", points, classes * 2 - 1)


def gaussians(count: int = 100, noise: float = 0.5, seed: int = 0) -> Dataset:
    """Return two round clouds, around (-1, -1) and (1, 1), with `noise` as their standard deviation."""
    count, noise, seed = _checked(count, noise, seed)
    centers = np.array([[-1.0, -1.0], [1.0, 1.0]])
    points, classes = _sklearn().make_blobs(count, centers=centers, cluster_std=noise, random_state=seed)
    return _plane("gaussians", points, classes * 2 - 1)


def digits() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 1,797 handwritten digits of 8×8 points between 0 and 1, one a row, and which digit each is.

    They are the test set of the UCI Optical Recognition of Handwritten Digits (Alpaydin and Kaynak 1998), as
    scikit-learn brings it.
    """
    points, labels = _sklearn().load_digits(return_X_y=True)
    return np.asarray(points, dtype=np.float64) / 16.0, np.asarray(labels, dtype=np.float64)


def spirals(count: int = 100, noise: float = 0.05, seed: int = 0) -> Dataset:
    """Return two spirals wound around each other for one and a half turns."""
    count, noise, seed = _checked(count, noise, seed)
    random = np.random.default_rng(seed)
    labels = np.where(np.arange(count) % 2, 1.0, -1.0)
    turn = 3 * np.pi * np.sqrt(random.uniform(0.03, 1.0, count))
    radius = labels * turn / (3 * np.pi)
    points = np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])
    return _plane("spirals", points + random.normal(0, noise, points.shape), labels)


by_name: dict[str, Callable[..., Dataset]] = {
    "guide": guide,
    "moons": moons,
    "circles": circles,
    "spirals": spirals,
    "gaussians": gaussians,
}


def _plane(name: str, points: NDArray[np.float64], labels: NDArray[Any]) -> Dataset:
    return Dataset(name, np.asarray(points, dtype=np.float64), labels.astype(np.float64), ["x", "y"])


def _checked(count: int, noise: float, seed: int) -> tuple[int, float, int]:
    """Return how many points, how much noise and which seed, if they can be."""
    return checks.count(count, "count", least=2), checks.number(noise, "noise"), checks.count(seed, "seed", least=0)


def _sklearn() -> Any:
    try:
        from sklearn import datasets
    except ImportError:
        raise InputError(
            "this dataset comes from scikit-learn, which is not installed: pip install 'circuitsim[data]', "
            "or take guide or spirals"
        ) from None
    return datasets
