"""Gates for images of shape (batch, channels, height, width): convolution and pooling."""

from collections.abc import Iterator
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from circuitsim.gates.gate import gate
from circuitsim.gates.shapes import Shape, borders, pair, slid

Pair: TypeAlias = int | tuple[int, int]


def _windows(x: Any, kernel: Pair, stride: Pair, pad: Any = 0) -> Any:
    """Return what a kernel sees: an array of shape (batch, channels, rows, columns, height, width), not copied."""
    (down, right), border = pair(stride), borders(pad)
    if any(map(any, border)):
        x = np.pad(x, ((0, 0), (0, 0), *border))
    return sliding_window_view(x, pair(kernel), axis=(2, 3))[:, :, ::down, ::right]


def _places(kernel: Pair, stride: Pair, output: Any) -> Iterator[tuple[int, int, Any]]:
    """Yield for each element of a kernel where in the image it stands, for all positions of the kernel together."""
    (height, width), (down, right), (rows, columns) = pair(kernel), pair(stride), output.shape[2:]
    for i in range(height):
        for j in range(width):
            yield i, j, np.s_[:, :, i : i + down * rows : down, j : j + right * columns : right]


@gate(symbol="∗")
def conv2d(x: Any, kernels: Any, *, stride: Pair = 1, pad: Any = 0) -> Any:
    """Slide kernels of shape (out, in, height, width) over images, with a border of `pad` zeros; no bias is added.

    As usual in neural networks the kernels are not flipped, which strictly is a cross-correlation. `stride` and `pad`
    are one number, or a pair for the height and the width; `pad` may be ``((above, below), (left, right))`` as well.
    """
    seen = _windows(x, kernels.shape[2:], stride, pad)
    return np.moveaxis(np.tensordot(seen, kernels, axes=((1, 4, 5), (1, 2, 3))), -1, 1)


@conv2d.vjp(0)
def _(gradient: Any, output: Any, x: Any, kernels: Any, *, stride: Pair = 1, pad: Any = 0) -> Any:
    (above, below), (left, right) = borders(pad)
    batch, channels, height, width = x.shape
    share = np.zeros((batch, channels, above + height + below, left + width + right))
    for i, j, place in _places(kernels.shape[2:], stride, output):
        share[place] += np.moveaxis(np.tensordot(gradient, kernels[:, :, i, j], axes=(1, 0)), -1, 1)
    return share[:, :, above : above + height, left : left + width]


@conv2d.vjp(1)
def _(gradient: Any, output: Any, x: Any, kernels: Any, *, stride: Pair = 1, pad: Any = 0) -> Any:
    seen = _windows(x, kernels.shape[2:], stride, pad)
    return np.tensordot(gradient, seen, axes=((0, 2, 3), (0, 2, 3)))


@conv2d.shape
def _(x: Shape, kernels: Shape, *, stride: Pair = 1, pad: Any = 0) -> Shape | None:
    if len(x) != 4 or len(kernels) != 4:
        raise ValueError("give images of (batch, channels, height, width) and kernels of (out, in, height, width)")
    if x[1] != kernels[1] and None not in (x[1], kernels[1]):
        raise ValueError(f"the images have {x[1]} channels, the kernels take {kernels[1]}")
    if kernels[2] is None or kernels[3] is None:
        return None
    return (x[0], kernels[0], *slid(x, (kernels[2], kernels[3]), stride, pad))


@gate
def max_pool2d(x: Any, *, kernel: Pair = 2, stride: Pair | None = None) -> Any:
    """Take the largest element under a window; the gradient goes to it alone, at a tie to the first.

    `kernel` and `stride` are one number, or a pair for the height and the width. The window moves by its own size if no
    stride is given.
    """
    return _windows(x, kernel, stride or kernel).max(axis=(4, 5))


@max_pool2d.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, kernel: Pair = 2, stride: Pair | None = None) -> Any:
    height, width = pair(kernel)
    seen = _windows(x, kernel, stride or kernel)
    chosen = seen.reshape(*seen.shape[:4], height * width).argmax(axis=-1)
    share = np.zeros(x.shape)
    for i, j, place in _places(kernel, stride or kernel, output):
        share[place] += np.where(chosen == i * width + j, gradient, 0.0)
    return share


@gate
def avg_pool2d(x: Any, *, kernel: Pair = 2, stride: Pair | None = None) -> Any:
    """Take the mean of the elements under a window, whose size and stride are told as to `max_pool2d`."""
    return _windows(x, kernel, stride or kernel).mean(axis=(4, 5))


@avg_pool2d.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, kernel: Pair = 2, stride: Pair | None = None) -> Any:
    share = np.zeros(x.shape)
    for _, _, place in _places(kernel, stride or kernel, output):
        share[place] += gradient / prod(pair(kernel))
    return share


def _pooled(x: Shape, *, kernel: Pair = 2, stride: Pair | None = None) -> Shape:
    if len(x) != 4:
        raise ValueError("give images of (batch, channels, height, width)")
    return (x[0], x[1], *slid(x, pair(kernel), stride or kernel))


max_pool2d.shape(_pooled)
avg_pool2d.shape(_pooled)
