"""Words of noisy digits in a made language: what follows a digit is one of only two others."""

import numpy as np
from numpy.typing import NDArray

from circuitsim import checks
from circuitsim.habits import told
from circuitsim.learning.datasets import Dataset

__all__ = ["noisy_words"]

LETTERS, DIGITS, NEXT = 6, 10, 2


@told
def noisy_words(
    data: Dataset, count: int, *, noise: float = 0.6, language: int = 0, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """Return the images of words of six digits, and the digits.

    Parameters
    ----------
    data : Dataset
        Images of digits, of all ten kinds, to write with.
    count : int
        How many words to write.
    noise : float
        The standard deviation of what is added to each point.
    language : int
        Seeds which two digits may follow each.
    seed : int
        Seeds the words and the noise.

    Returns
    -------
    images : ndarray, shape (count, 6, points)
        A row for each letter.
    letters : ndarray of int, shape (count, 6)
        What was written.
    """
    checks.count(count, "count")
    checks.number(noise, "noise")
    grammar = np.random.default_rng(checks.count(language, "language", least=0))
    follow = np.array([grammar.choice(DIGITS, NEXT, replace=False) for _ in range(DIGITS)])
    random = np.random.default_rng([language, checks.count(seed, "seed", least=0)])
    letters = np.zeros((count, LETTERS), dtype=int)
    letters[:, 0] = random.integers(DIGITS, size=count)
    for place in range(1, LETTERS):
        letters[:, place] = follow[letters[:, place - 1], random.integers(NEXT, size=count)]
    kinds = [np.flatnonzero(data.labels == digit) for digit in range(DIGITS)]
    chosen = [int(random.choice(kinds[digit])) for digit in letters.flat]
    images = data.points[chosen].reshape(count, LETTERS, -1)
    return images + random.normal(0.0, noise, images.shape), letters
