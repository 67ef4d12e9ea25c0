"""Pictures of black and white pixels, ±1, and the energy of Ising: like what was seen, and like their neighbours."""

import numpy as np
from numpy.typing import NDArray

from circuitsim.habits import told
from circuitsim.learning import datasets

__all__ = ["around", "digits", "energy", "iterated_modes"]

SIZE = 32  # pixels along each edge


@told
def digits() -> NDArray[np.float64]:
    """Return a picture of each digit, the first of its kind among the handwritten ones, four times as large.

    Returns
    -------
    ndarray, shape (10, 32, 32)
        Of -1 and 1.
    """
    data = datasets.digits()
    first = data.points[[np.flatnonzero(data.labels == digit)[0] for digit in range(10)]].reshape(-1, 8, 8)
    at = np.clip(np.linspace(-0.375, 7.375, SIZE), 0.0, 7.0)  # between the pixels that there are
    share = np.maximum(1.0 - np.abs(at[:, None] - np.arange(8)), 0.0)
    return np.where(share @ first @ share.T > 0.5, 1.0, -1.0)


@told
def around(pictures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each pixel the sum of its four neighbours; beyond the edges there are none.

    Examples
    --------
    >>> around(np.ones((1, 2, 3)))
    array([[[2., 3., 2.],
            [2., 3., 2.]]])
    """
    wide = np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
    total: NDArray[np.float64] = wide[:, :-2, 1:-1] + wide[:, 2:, 1:-1] + wide[:, 1:-1, :-2] + wide[:, 1:-1, 2:]
    return total


@told
def energy(x: NDArray[np.float64], seen: NDArray[np.float64], h: float, j: float) -> NDArray[np.float64]:
    """Return the energy of each picture: minus `h` for each pixel like the one seen, minus `j` for like neighbours.

    Examples
    --------
    >>> float(energy(np.ones((1, 2, 2)), np.ones((1, 2, 2)), h=1.0, j=0.5)[0])
    -6.0
    """
    return np.asarray(-h * np.sum(x * seen, axis=(1, 2)) - j * np.sum(x * around(x), axis=(1, 2)) / 2.0)


@told
def iterated_modes(seen: NDArray[np.float64], h: float, j: float) -> NDArray[np.float64]:
    """Return what comes of turning single pixels as long as that lowers the energy (Besag 1986).

    It begins with what was seen, and goes over the pixels like those of one colour of a chessboard, then the other.
    """
    x, before = seen, np.zeros_like(seen)
    board = np.add.outer(np.arange(seen.shape[1]), np.arange(seen.shape[2])) % 2
    while not np.array_equal(x, before):
        before = x
        for colour in (0, 1):
            field = h * seen + j * around(x)
            x = np.where((board == colour) & (field != 0.0), np.sign(field), x)
    return x
