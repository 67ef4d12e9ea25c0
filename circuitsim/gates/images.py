"""Gates for images of shape (batch, channels, height, width): convolution and pooling."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from circuitsim.gates.gate import gate
from circuitsim.gates.shapes import Shape, slid


def _windows(x: Any, height: int, width: int, stride: int, pad: int = 0) -> Any:
    """Return what a kernel sees: an array of shape (batch, channels, rows, columns, height, width), not copied."""
    if pad:
        x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    return sliding_window_view(x, (height, width), axis=(2, 3))[:, :, ::stride, ::stride]


def _places(height: int, width: int, stride: int, rows: int, columns: int) -> Iterator[tuple[int, int, Any]]:
    """Yield for each element of a kernel where in the image it stands, for all positions of the kernel together."""
    for i in range(height):
        for j in range(width):
            yield i, j, np.s_[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride]


@gate(symbol="∗")
def conv2d(x: Any, kernels: Any, *, stride: int = 1, pad: int = 0) -> Any:
    """Slide kernels of shape (out, in, height, width) over images, with a border of `pad` zeros; no bias is added.

    As usual in neural networks the kernels are not flipped, which strictly is a cross-correlation.
    """
    height, width = kernels.shape[2:]
    seen = _windows(x, height, width, stride, pad)
    return np.moveaxis(np.tensordot(seen, kernels, axes=((1, 4, 5), (1, 2, 3))), -1, 1)


@conv2d.vjp(0)
def _(gradient: Any, output: Any, x: Any, kernels: Any, *, stride: int = 1, pad: int = 0) -> Any:
    batch, channels, height, width = x.shape
    padded = np.zeros((batch, channels, height + 2 * pad, width + 2 * pad))
    (tall, wide), (rows, columns) = kernels.shape[2:], output.shape[2:]
    for i, j, place in _places(tall, wide, stride, rows, columns):
        padded[place] += np.moveaxis(np.tensordot(gradient, kernels[:, :, i, j], axes=(1, 0)), -1, 1)
    return padded[:, :, pad : pad + height, pad : pad + width]


@conv2d.vjp(1)
def _(gradient: Any, output: Any, x: Any, kernels: Any, *, stride: int = 1, pad: int = 0) -> Any:
    height, width = kernels.shape[2:]
    seen = _windows(x, height, width, stride, pad)
    return np.tensordot(gradient, seen, axes=((0, 2, 3), (0, 2, 3)))


@conv2d.shape
def _(x: Shape, kernels: Shape, *, stride: int = 1, pad: int = 0) -> Shape | None:
    if len(x) != 4 or len(kernels) != 4:
        raise ValueError("give images of (batch, channels, height, width) and kernels of (out, in, height, width)")
    if x[1] != kernels[1] and None not in (x[1], kernels[1]):
        raise ValueError(f"the images have {x[1]} channels, the kernels take {kernels[1]}")
    if kernels[2] is None or kernels[3] is None:
        return None
    return (x[0], kernels[0], *slid(x, (kernels[2], kernels[3]), stride, pad))


@gate
def max_pool2d(x: Any, *, kernel: int = 2, stride: int | None = None) -> Any:
    """Take the largest element under a square window; the gradient goes to it alone, at a tie to the first.

    The window moves by its own size if no stride is given.
    """
    return _windows(x, kernel, kernel, stride or kernel).max(axis=(4, 5))


@max_pool2d.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, kernel: int = 2, stride: int | None = None) -> Any:
    seen = _windows(x, kernel, kernel, stride or kernel)
    chosen = seen.reshape(*seen.shape[:4], kernel * kernel).argmax(axis=-1)
    share = np.zeros(x.shape)
    rows, columns = output.shape[2:]
    for i, j, place in _places(kernel, kernel, stride or kernel, rows, columns):
        share[place] += np.where(chosen == i * kernel + j, gradient, 0.0)
    return share


@gate
def avg_pool2d(x: Any, *, kernel: int = 2, stride: int | None = None) -> Any:
    """Take the mean of the elements under a square window, which moves by its own size if no stride is given."""
    return _windows(x, kernel, kernel, stride or kernel).mean(axis=(4, 5))


@avg_pool2d.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, kernel: int = 2, stride: int | None = None) -> Any:
    share = np.zeros(x.shape)
    rows, columns = output.shape[2:]
    for _, _, place in _places(kernel, kernel, stride or kernel, rows, columns):
        share[place] += gradient / (kernel * kernel)
    return share


def _pooled(x: Shape, *, kernel: int = 2, stride: int | None = None) -> Shape:
    if len(x) != 4:
        raise ValueError("give images of (batch, channels, height, width)")
    return (x[0], x[1], *slid(x, (kernel, kernel), stride or kernel, 0))


max_pool2d.shape(_pooled)
avg_pool2d.shape(_pooled)
