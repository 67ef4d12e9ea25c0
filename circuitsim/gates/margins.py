"""Hinge losses of several classes: how far each wrong class comes within a margin of 1 of the right one.

With ``excess[j] = 1 + scores[j] - scores[right]`` for the wrong classes, both are 0 when none is above 0. They differ
in what they add up: Weston and Watkins (1999) all that is above 0, Crammer and Singer (2001) the largest alone.
"""

from typing import Any

import numpy as np

from circuitsim.gates.gate import gate
from circuitsim.gates.network import chosen_classes
from circuitsim.gates.shapes import Shape, broadcast


def _excess(scores: Any, target: Any, asked: str) -> tuple[Any, Any]:
    """Return how far each class comes within the margin, 0 for the right one, and which is the right one."""
    right = chosen_classes(target, scores, asked)
    score = np.sum(np.where(right, scores, 0.0), axis=-1, keepdims=True)
    return np.where(right, 0.0, 1.0 + (scores - score)), right


def _slopes(near: Any, right: Any) -> Any:
    """Return the slope of a loss: 1 for each class that comes too near, and minus their number for the right one."""
    return np.where(right, -np.sum(1.0 * near, axis=-1, keepdims=True), near)


@gate(symbol="WW", flat=["target"])
def weston_watkins(scores: Any, target: Any) -> Any:
    """Add up how far wrong classes, along the last axis, come within a margin of 1 of the right one.

    The target is the number of the right class for each row. A class that just keeps the margin is not pushed.
    """
    return np.sum(np.maximum(_excess(scores, target, "weston_watkins")[0], 0.0), axis=-1)


def weston_watkins_slopes(scores: Any, target: Any) -> Any:
    """Return the slope of the loss of each row along each of its scores."""
    excess, right = _excess(scores, target, "weston_watkins")
    return _slopes(excess > 0.0, right)


@weston_watkins.vjp(0)
def _(gradient: Any, output: Any, scores: Any, target: Any) -> Any:
    return np.expand_dims(gradient, -1) * weston_watkins_slopes(scores, target)


@gate(symbol="CS", flat=["target"])
def crammer_singer(scores: Any, target: Any) -> Any:
    """Take how far the highest wrong class, along the last axis, comes within a margin of 1 of the right one.

    The target is the number of the right class for each row. Of several highest classes the first is pushed, and none
    that just keeps the margin.
    """
    return np.max(_excess(scores, target, "crammer_singer")[0], axis=-1)


def crammer_singer_slopes(scores: Any, target: Any) -> Any:
    """Return the slope of the loss of each row along each of its scores."""
    excess, right = _excess(scores, target, "crammer_singer")
    highest = np.expand_dims(np.argmax(excess, axis=-1), -1)
    return _slopes(np.equal(np.arange(np.shape(scores)[-1]), highest) & (excess > 0.0), right)


@crammer_singer.vjp(0)
def _(gradient: Any, output: Any, scores: Any, target: Any) -> Any:
    return np.expand_dims(gradient, -1) * crammer_singer_slopes(scores, target)


def _one_for_each_row(scores: Shape, target: Shape) -> Shape:
    if not scores:
        raise ValueError("the scores need an axis of classes")
    if len(target) != len(scores) - 1:
        raise ValueError("give one class number for each row of scores")
    return broadcast(scores[:-1], target)


weston_watkins.shape(_one_for_each_row)
crammer_singer.shape(_one_for_each_row)
