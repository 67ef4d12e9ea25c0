"""Attention: what is asked for is compared with what there is, and the mean of what is found there is taken."""

from typing import Any

import numpy as np

from circuitsim.gates.gate import gate
from circuitsim.gates.network import softmax
from circuitsim.gates.shapes import Shape, broadcast, multiplied, show_shape
from circuitsim.gates.value import fit


def _turned(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _weights(queries: Any, keys: Any, mask: Any, causal: bool) -> Any:
    """Return how much each query, a row each, looks at each key."""
    scores = np.matmul(queries, _turned(keys)) / np.sqrt(queries.shape[-1])
    seen = np.not_equal(mask, 0.0)
    if causal:
        seen = seen & np.equal(np.tri(*scores.shape[-2:]), 1.0)
    if np.broadcast_shapes(np.shape(seen), scores.shape) != scores.shape:
        raise ValueError("the mask has more places than there are queries and keys")
    return softmax.forward(np.where(seen, scores, -np.inf))


def _score_slopes(gradient: Any, values: Any, weights: Any, width: int) -> Any:
    """Return the gradient of the products of queries and keys."""
    return softmax.vjps[0](np.matmul(gradient, _turned(values)), weights, None) / np.sqrt(width)  # type: ignore[misc]


@gate(symbol="attend", flat=["mask"])
def scaled_dot_product_attention(queries: Any, keys: Any, values: Any, mask: Any, *, causal: bool = False) -> Any:
    """Take for each query the mean of the values, weighed by how well its key fits the query (Vaswani et al. 2017).

    The weights are the softmax over the keys of ``queries @ keys.T / sqrt(features)``. Queries have shape
    (..., queries, features), keys (..., keys, features) and values (..., keys, any). Where the mask is 0 a query does
    not look at a key; it broadcasts to (..., queries, keys), and 1 lets all look at all. With `causal` the first query
    looks at the first key alone, the second at the first two, and so on. A query that may look at nothing gets zeros
    and sends no gradient.
    """
    return np.matmul(_weights(queries, keys, mask, causal), values)


@scaled_dot_product_attention.vjp(0)
def _(gradient: Any, output: Any, queries: Any, keys: Any, values: Any, mask: Any, *, causal: bool = False) -> Any:
    weights = _weights(queries, keys, mask, causal)
    return fit(np.matmul(_score_slopes(gradient, values, weights, queries.shape[-1]), keys), queries)


@scaled_dot_product_attention.vjp(1)
def _(gradient: Any, output: Any, queries: Any, keys: Any, values: Any, mask: Any, *, causal: bool = False) -> Any:
    weights = _weights(queries, keys, mask, causal)
    return fit(np.matmul(_turned(_score_slopes(gradient, values, weights, queries.shape[-1])), queries), keys)


@scaled_dot_product_attention.vjp(2)
def _(gradient: Any, output: Any, queries: Any, keys: Any, values: Any, mask: Any, *, causal: bool = False) -> Any:
    return fit(np.matmul(_turned(_weights(queries, keys, mask, causal)), gradient), values)


@scaled_dot_product_attention.shape
def _(queries: Shape, keys: Shape, values: Shape, mask: Shape, *, causal: bool = False) -> Shape:
    if min(len(queries), len(keys), len(values)) < 2:
        raise ValueError("give queries and keys of (..., count, features), and values of (..., count of keys, any)")
    if queries[-1] != keys[-1] and None not in (queries[-1], keys[-1]):
        raise ValueError(f"queries have {queries[-1]} features and keys {keys[-1]}: make them equal")
    if keys[-2] != values[-2] and None not in (keys[-2], values[-2]):
        raise ValueError(f"there are {keys[-2]} keys and {values[-2]} values: give one value for each key")
    weights = multiplied(queries, (*keys[:-2], keys[-1], keys[-2]))
    try:
        met = broadcast(mask, weights)
    except ValueError:
        met = ()
    if len(met) != len(weights) or any(
        length != own for length, own in zip(met, weights, strict=True) if None not in (length, own)
    ):
        raise ValueError(
            f"the mask of shape {show_shape(mask)} does not broadcast to queries and keys, {show_shape(weights)}: give "
            "one number for each pair, or one for all"
        )
    return multiplied(weights, values)
