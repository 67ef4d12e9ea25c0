"""Neighbours: how near points are to each other, as probabilities, and whether a map of them keeps who is near whom."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitsim import checks
from circuitsim.errors import InputError
from circuitsim.habits import told

__all__ = ["affinities", "trustworthiness"]

HALVINGS = 200  # and doublings of a width


@told
def affinities(points: ArrayLike, perplexity: float = 30.0) -> NDArray[np.float64]:
    """Return the probability that two points are taken for neighbours, as t-SNE has it (van der Maaten, Hinton 2008).

    Around each point lies a Gaussian of its own width, so that the entropy of its neighbours is the logarithm of the
    perplexity: about so many neighbours are near. Both directions are averaged.

    Parameters
    ----------
    points : array_like, shape (examples, features)
        The points.
    perplexity : float
        How many neighbours are near, about.

    Returns
    -------
    ndarray, shape (examples, examples)
        Symmetric; the sum is 1, and the diagonal 0.

    Raises
    ------
    InputError
        If there are fewer points than twice the perplexity, or they are no rows of finite numbers.

    Examples
    --------
    >>> affinities([[0.0], [0.1], [5.0], [5.1]], perplexity=1.5).round(3)[0]
    array([0.   , 0.224, 0.013, 0.012])
    """
    rows = np.asarray(points, dtype=np.float64)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise InputError(f"the points have shape {rows.shape}: give a row of finite numbers for each example")
    wanted = checks.number(perplexity, "perplexity", positive=True)
    if len(rows) < 2.0 * wanted or wanted <= 1.0:
        raise InputError(
            f"a perplexity of {wanted:g} of {len(rows)} points cannot be: take one above 1, and at most half as many"
        )
    apart = squares_apart(rows)
    np.fill_diagonal(apart, math.inf)
    apart = apart - apart.min(axis=1, keepdims=True)
    low, high = np.zeros((len(rows), 1)), np.full((len(rows), 1), math.inf)
    sharpness = np.ones_like(low)
    for _ in range(HALVINGS):
        weights = np.exp(-apart * sharpness)
        near = weights / weights.sum(axis=1, keepdims=True)
        entropy = -np.sum(near * np.log(np.where(near > 0.0, near, 1.0)), axis=1, keepdims=True)
        wide = entropy > math.log(wanted)  # too many are near
        low, high = np.where(wide, sharpness, low), np.where(wide, high, sharpness)
        sharpness = np.where(np.isfinite(high), (low + high) / 2.0, 2.0 * low)
    return np.asarray((near + near.T) / (2.0 * len(rows)))


@told
def trustworthiness(points: ArrayLike, places: ArrayLike, neighbours: int = 5) -> float:
    """Return how far the neighbours on a map are neighbours in truth: 1 if all are (Venna and Kaski 2001).

    Parameters
    ----------
    points : array_like, shape (examples, features)
        The points.
    places : array_like, shape (examples, 2)
        Where the map has them.
    neighbours : int
        How many neighbours of each are looked at; below half of the points.

    Examples
    --------
    >>> line = np.arange(9.0)[:, None]
    >>> trustworthiness(line, 2.0 * line, neighbours=2)
    1.0
    """
    truth, map_ = (squares_apart(np.asarray(rows, dtype=np.float64)) for rows in (points, places))
    count = len(truth)
    near = checks.count(neighbours, "neighbours")
    if 2 * near >= count:
        raise InputError(f"{near} neighbours of {count} points are too many: take fewer than half")
    np.fill_diagonal(truth, math.inf)
    np.fill_diagonal(map_, math.inf)
    ranks = np.argsort(np.argsort(truth, axis=1, kind="stable"), axis=1) + 1
    chosen = np.argsort(map_, axis=1, kind="stable")[:, :near]
    beyond = np.maximum(np.take_along_axis(ranks, chosen, axis=1) - near, 0).sum()
    return 1.0 - float(beyond) * 2.0 / (count * near * (2.0 * count - 3.0 * near - 1.0))


def squares_apart(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squares of the distances between rows."""
    squares = np.sum(np.square(rows), axis=1)
    return np.asarray(np.maximum(squares[:, None] + squares - 2.0 * rows @ rows.T, 0.0))
