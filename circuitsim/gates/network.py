"""Gates that networks are made of: matrix products, softmax and its relatives, normalisation and dropout."""

from typing import Any

import numpy as np

from circuitsim.errors import InputError, ShapeError
from circuitsim.gates.gate import gate
from circuitsim.gates.indexing import check_numbers
from circuitsim.gates.shapes import Axes, Shape, along, broadcast, kept, multiplied, reduced
from circuitsim.gates.tensor import count_along, spread
from circuitsim.gates.value import fit, show


@gate(infix="@", numpy=np.matmul)
def matmul(a: Any, b: Any) -> Any:
    """Multiply matrices, or stacks of them, by the rules of `numpy.matmul`."""
    return np.matmul(a, b)


@matmul.vjp(0)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    if gradient.__class__ is not float and a.ndim == b.ndim == 2:
        return np.matmul(gradient, b.T)
    if b.ndim == 1:
        return fit(np.multiply.outer(gradient, b), a)
    rows = gradient[..., None, :] if a.ndim == 1 else gradient
    share = np.matmul(rows, np.swapaxes(b, -1, -2))
    return fit(share[..., 0, :] if a.ndim == 1 else share, a)


@matmul.vjp(1)
def _(gradient: Any, output: Any, a: Any, b: Any) -> Any:
    if gradient.__class__ is not float and a.ndim == b.ndim == 2:
        return np.matmul(a.T, gradient)
    if a.ndim == 1:
        return fit(a[:, None] * np.expand_dims(gradient, -2) if b.ndim > 1 else gradient * a, b)
    columns = gradient[..., None] if b.ndim == 1 else gradient
    share = np.matmul(np.swapaxes(a, -1, -2), columns)
    return fit(share[..., 0] if b.ndim == 1 else share, b)


matmul.shape(multiplied)
matmul.code("matmul(a, b)", "matmul(gradient, b.T)", "matmul(a.T, gradient)", of="matrices")


def _top(x: Any, axis: Axes) -> Any:
    """Return the largest score along axes, and 0 where all are -inf, for -inf less -inf is nan."""
    top = np.max(x, axis=along(axis), keepdims=True)
    return np.where(np.equal(top, -np.inf), 0.0, top)


@gate
def softmax(x: Any, *, axis: int = -1) -> Any:
    """Turn scores into probabilities along an axis: ``exp(x)`` divided by its sum, without overflow.

    A score of -inf is masked: its probability is 0. Where all are, all probabilities are 0 and no gradient passes, as
    in PyTorch's `scaled_dot_product_attention` and ONNX's Attention; PyTorch's plain `softmax` gives nan there.
    """
    powers = np.exp(x - _top(x, axis))
    total = np.sum(powers, axis=axis, keepdims=True)
    return powers / np.where(np.equal(total, 0.0), 1.0, total)


@softmax.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, axis: int = -1) -> Any:
    return output * (gradient - np.sum(gradient * output, axis=axis, keepdims=True))


@gate
def log_softmax(x: Any, *, axis: int = -1) -> Any:
    """Take the logarithm of `softmax`, without losing small probabilities; -inf where a score is masked with -inf."""
    shifted = x - _top(x, axis)
    total = np.sum(np.exp(shifted), axis=axis, keepdims=True)
    return shifted - np.log(np.where(np.equal(total, 0.0), 1.0, total))


@log_softmax.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, axis: int = -1) -> Any:
    return gradient - np.exp(output) * np.sum(gradient, axis=axis, keepdims=True)


softmax.shape(kept)
log_softmax.shape(kept)


@gate
def logsumexp(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Take the logarithm of the sum of exponentials, a smooth maximum, without overflow.

    Where all are -inf, so is the result, and no gradient passes.
    """
    top = np.max(x, axis=along(axis), keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    total = np.log(np.sum(np.exp(x - top), axis=along(axis), keepdims=True)) + top
    return total if keepdims else np.reshape(total, np.max(x, axis=along(axis)).shape)


@logsumexp.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    total = spread(output, x, axis, keepdims)
    return spread(gradient, x, axis, keepdims) * np.exp(x - np.where(np.equal(total, -np.inf), 0.0, total))


logsumexp.shape(reduced)


@gate(symbol="CE")
def cross_entropy(scores: Any, target: Any) -> Any:
    """Measure how far the softmax of scores, along the last axis, is from a target: one loss for each row.

    The target is the number of the right class for each row, or one-hot rows, or any probabilities. A class whose score
    is -inf is left out: its probability is 0, and it costs nothing unless the target wants it.
    """
    wanted = _probabilities(target, scores)
    logs = log_softmax.forward(scores)
    return 0.0 - np.sum(np.where(np.not_equal(wanted, 0.0), wanted * logs, 0.0), axis=-1)  # 0 - makes no -0


@cross_entropy.vjp(0)
def _(gradient: Any, output: Any, scores: Any, target: Any) -> Any:
    wanted = _probabilities(target, scores)
    given = np.exp(log_softmax.forward(scores)) * np.sum(wanted, axis=-1, keepdims=True)
    return np.expand_dims(gradient, -1) * (given - wanted)


@cross_entropy.vjp(1)
def _(gradient: Any, output: Any, scores: Any, target: Any) -> Any:
    if np.ndim(target) < np.ndim(scores):
        return 0.0  # class numbers are flat
    return -np.expand_dims(gradient, -1) * log_softmax.forward(scores)


@cross_entropy.shape
def _(scores: Shape, target: Shape) -> Shape:
    if not scores:
        raise ValueError("the scores need an axis of classes")
    if len(target) < len(scores):
        return broadcast(scores[:-1], target)
    if len(target) > len(scores) or (scores[-1] != target[-1] and None not in (scores[-1], target[-1])):
        raise ValueError("give one class number for each row of scores, or as many probabilities as scores")
    return broadcast(scores, target)[:-1]


def _probabilities(target: Any, scores: Any) -> Any:
    """Return a target as probabilities in the shape of the scores."""
    if np.ndim(target) == np.ndim(scores) > 0 and np.shape(target)[-1:] == np.shape(scores)[-1:]:
        return target
    return 1.0 * chosen_classes(target, scores, "cross_entropy")


def chosen_classes(target: Any, scores: Any, asked: str) -> Any:
    """Return in the shape of the scores where the right class of each row is, told its number; `asked` is the gate."""
    if not np.ndim(scores) or np.shape(target) != np.shape(scores)[:-1]:
        raise ShapeError(
            f"{asked} was given scores of shape {np.shape(scores)} and a target of shape {np.shape(target)}: give one "
            "class number for each row of scores"
        )
    chosen = np.equal(np.expand_dims(target, -1), np.arange(np.shape(scores)[-1]))
    if not chosen.any(axis=-1).all():
        check_numbers(target, np.shape(scores)[-1], asked, "classes")
    return chosen


@gate(flat=["draw"])
def dropout(x: Any, draw: Any, *, rate: float = 0.5, seed: int = 0) -> Any:
    """Turn a random share `rate` of the elements to 0 and divide the rest by ``1 - rate``.

    `draw` is a whole number that chooses the elements: the same number and seed choose the same ones, in every
    engine, so give another one at each step. With a negative number everything passes as it is, as one wants
    when the network is not being trained.
    """
    return x * _kept(np.shape(x), draw, rate, seed)


@dropout.vjp(0)
def _(gradient: Any, output: Any, x: Any, draw: Any, *, rate: float = 0.5, seed: int = 0) -> Any:
    return gradient * _kept(np.shape(x), draw, rate, seed)


@dropout.shape
def _(x: Shape, draw: Shape, *, rate: float = 0.5, seed: int = 0) -> Shape:
    if draw:
        raise ValueError("the draw is one number")
    return x


def _kept(shape: tuple[int, ...], draw: Any, rate: float, seed: int) -> Any:
    if np.ndim(draw) or draw != np.floor(draw) or np.isinf(draw):
        raise InputError(f"dropout was given the draw {show(draw)}: give one whole number")
    if draw < 0:
        return 1.0
    return (np.random.default_rng([seed, int(draw)]).random(shape) >= rate) / (1.0 - rate)


def _normal(x: Any, axes: Any, epsilon: float) -> tuple[Any, Any]:
    """Return `x` with mean 0 and variance 1 along axes, and what it was divided by."""
    if count_along(x, axes) == 0:
        raise ValueError("there are no numbers to take the mean of")
    width = np.sqrt(np.var(x, axis=axes, keepdims=True) + epsilon)
    return (x - np.mean(x, axis=axes, keepdims=True)) / width, width


def _through_normal(gradient: Any, x: Any, axes: Any, epsilon: float) -> Any:
    normal, width = _normal(x, axes, epsilon)
    slope = gradient - np.mean(gradient, axis=axes, keepdims=True)
    return (slope - normal * np.mean(gradient * normal, axis=axes, keepdims=True)) / width


@gate
def batch_norm(x: Any, scale: Any, shift: Any, *, axis: Axes = 0, epsilon: float = 1e-5) -> Any:
    """Bring each feature to mean 0 and variance 1 over the batch, then scale and shift it (Ioffe and Szegedy 2015).

    `axis` names the axes of the batch: 0 for rows of features, (0, 2, 3) for images, whose `scale` and `shift` then
    have shape (channels, 1, 1). The statistics are those of the batch at hand; for one example, which has none of its
    own, see `batch_norm_inference`.
    """
    return scale * _normal(x, along(axis), epsilon)[0] + shift


@gate
def layer_norm(x: Any, scale: Any, shift: Any, *, axis: Axes = -1, epsilon: float = 1e-5) -> Any:
    """Bring each example to mean 0 and variance 1 over its features, then scale and shift them (Ba et al. 2016)."""
    return scale * _normal(x, along(axis), epsilon)[0] + shift


for _norm, _usual in ((batch_norm, 0), (layer_norm, -1)):

    @_norm.vjp(0)
    def _(
        gradient: Any, output: Any, x: Any, scale: Any, shift: Any, *, axis: Axes = _usual, epsilon: float = 1e-5
    ) -> Any:
        return _through_normal(fit(gradient * scale, x), x, along(axis), epsilon)

    @_norm.vjp(1)
    def _(
        gradient: Any, output: Any, x: Any, scale: Any, shift: Any, *, axis: Axes = _usual, epsilon: float = 1e-5
    ) -> Any:
        return fit(gradient * _normal(x, along(axis), epsilon)[0], scale)

    @_norm.vjp(2)
    def _(
        gradient: Any, output: Any, x: Any, scale: Any, shift: Any, *, axis: Axes = _usual, epsilon: float = 1e-5
    ) -> Any:
        return fit(gradient, shift)

    @_norm.shape
    def _(x: Shape, scale: Shape, shift: Shape, *, axis: Axes = _usual, epsilon: float = 1e-5) -> Shape:
        kept(x, axis=axis)
        shape = broadcast(x, scale, shift)
        if len(shape) != len(x):
            raise ValueError("scale and shift have more axes than what they scale")
        return shape


@gate(elementwise=True)
def batch_norm_inference(x: Any, scale: Any, shift: Any, mean: Any, variance: Any, *, epsilon: float = 1e-5) -> Any:
    """Do what `batch_norm` does, with a mean and a variance that are given: ``scale * (x - mean) / width + shift``.

    The width is ``sqrt(variance + epsilon)``. `RunningStatistics` puts this gate in the place of each `batch_norm` of a
    trained circuit, so that it takes single examples.
    """
    return scale * ((x - mean) / np.sqrt(variance + epsilon)) + shift


@batch_norm_inference.vjp(0)
def _(
    gradient: Any, output: Any, x: Any, scale: Any, shift: Any, mean: Any, variance: Any, *, epsilon: float = 1e-5
) -> Any:
    return gradient * (scale / np.sqrt(variance + epsilon))


@batch_norm_inference.vjp(1)
def _(
    gradient: Any, output: Any, x: Any, scale: Any, shift: Any, mean: Any, variance: Any, *, epsilon: float = 1e-5
) -> Any:
    return gradient * ((x - mean) / np.sqrt(variance + epsilon))


@batch_norm_inference.vjp(2)
def _(
    gradient: Any, output: Any, x: Any, scale: Any, shift: Any, mean: Any, variance: Any, *, epsilon: float = 1e-5
) -> Any:
    return gradient


@batch_norm_inference.vjp(3)
def _(
    gradient: Any, output: Any, x: Any, scale: Any, shift: Any, mean: Any, variance: Any, *, epsilon: float = 1e-5
) -> Any:
    return -gradient * (scale / np.sqrt(variance + epsilon))


@batch_norm_inference.vjp(4)
def _(
    gradient: Any, output: Any, x: Any, scale: Any, shift: Any, mean: Any, variance: Any, *, epsilon: float = 1e-5
) -> Any:
    squared = variance + epsilon
    return -0.5 * gradient * scale * ((x - mean) / (squared * np.sqrt(squared)))


def _root_mean_square(x: Any, axes: Any, epsilon: float) -> Any:
    if count_along(x, axes) == 0:
        raise ValueError("there are no numbers to take the mean of")
    return np.sqrt(np.mean(x * x, axis=axes, keepdims=True) + epsilon)


@gate
def rms_norm(x: Any, scale: Any, *, axis: Axes = -1, epsilon: float = 1e-5) -> Any:
    """Divide each example by the root of the mean of its squared features, then scale it (Zhang and Sennrich 2019)."""
    return scale * (x / _root_mean_square(x, along(axis), epsilon))


@rms_norm.vjp(0)
def _(gradient: Any, output: Any, x: Any, scale: Any, *, axis: Axes = -1, epsilon: float = 1e-5) -> Any:
    width = _root_mean_square(x, along(axis), epsilon)
    slope, normal = fit(gradient * scale, x), x / width
    return (slope - normal * np.mean(slope * normal, axis=along(axis), keepdims=True)) / width


@rms_norm.vjp(1)
def _(gradient: Any, output: Any, x: Any, scale: Any, *, axis: Axes = -1, epsilon: float = 1e-5) -> Any:
    return gradient * (x / _root_mean_square(x, along(axis), epsilon))


@rms_norm.shape
def _(x: Shape, scale: Shape, *, axis: Axes = -1, epsilon: float = 1e-5) -> Shape:
    kept(x, axis=axis)
    shape = broadcast(x, scale)
    if len(shape) != len(x):
        raise ValueError("the scale has more axes than what it scales")
    return shape
