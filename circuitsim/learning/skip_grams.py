"""Pairs of words to learn vectors from: those that meet in a sentence, and others that are drawn."""

from collections.abc import Sequence

import numpy as np

from circuitsim import checks
from circuitsim.errors import InputError
from circuitsim.habits import told
from circuitsim.learning.datasets import Dataset

__all__ = ["lowest_cost", "skip_grams"]

POWER = 0.75  # rare words are drawn a little more often than they stand in the text


@told
def skip_grams(
    sentences: Sequence[Sequence[str]], *, drawn: int = 5, window: int | None = None, seed: int = 0
) -> tuple[Dataset, list[str]]:
    """Return pairs of a word and its context, as negative sampling takes them (Mikolov et al. 2013), and the words.

    Parameters
    ----------
    sentences : sequence of sequences of str
        The text, as words.
    drawn : int
        How many contexts to draw for each pair that met, in proportion to the frequency of a word to the power of 3/4.
    window : int, optional
        How far apart words may stand to meet; anywhere in the sentence, if not given.
    seed : int
        Seeds what is drawn.

    Returns
    -------
    Dataset
        A row for each pair, the numbers of word and context; +1 for those that met, -1 for those that were drawn.
    list of str
        The words, by number.

    Raises
    ------
    InputError
        If no two words meet.

    Examples
    --------
    >>> pairs, words = skip_grams([["the", "cat", "sat"]], drawn=1)
    >>> words, len(pairs)
    (['cat', 'sat', 'the'], 12)
    """
    checks.count(drawn, "drawn")
    reach = max((len(sentence) for sentence in sentences), default=0) if window is None else window
    checks.count(reach, "window", least=0 if window is None else 1)
    names = sorted({word for sentence in sentences for word in sentence})
    numbers = {name: number for number, name in enumerate(names)}
    met = [
        (numbers[word], numbers[other])
        for sentence in sentences
        for place, word in enumerate(sentence)
        for far, other in enumerate(sentence)
        if 0 < abs(place - far) <= reach
    ]
    if not met:
        raise InputError("the text has no two words that meet: give sentences of two words or more")
    share = np.bincount([other for _, other in met], minlength=len(names)) ** POWER
    random = np.random.default_rng(checks.count(seed, "seed", least=0))
    contexts = random.choice(len(names), len(met) * drawn, p=share / share.sum())
    others = np.column_stack([np.repeat([word for word, _ in met], drawn), contexts])
    sides = np.repeat([1.0, -1.0], [len(met), len(others)])
    points = np.concatenate([np.array(met), others]).astype(np.float64)
    return Dataset("pairs of words", points, sides, ["word", "context"], ("drawn", "met")), names


@told
def lowest_cost(pairs: Dataset) -> float:
    """Return the mean logistic loss of the best scores there can be: log(met / drawn) for each word and context.

    Vectors of as many numbers as there are words can have these scores, and no score is better (Levy and Goldberg
    2014).

    Examples
    --------
    >>> round(lowest_cost(skip_grams([["a", "b"]], drawn=1)[0]), 6)  # nothing tells what met from what was drawn
    0.693147
    """
    words = int(pairs.points.max()) + 1
    table = np.zeros((2, words, words))
    np.add.at(table, ((pairs.labels < 0.0).astype(int), *pairs.points.astype(int).T), 1.0)
    share = np.divide(table, table.sum(axis=0), out=np.ones_like(table), where=table > 0.0)
    return abs(float(np.sum(table * np.log(share)))) / len(pairs)
