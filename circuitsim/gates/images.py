"""Gates for images of shape (batch, channels, height, width): convolution and pooling."""

from collections.abc import Iterator
from math import prod
from typing import Any, TypeAlias

import numpy as np

from circuitsim.gates.gate import gate
from circuitsim.gates.shapes import Shape, borders, pair, slid

Pair: TypeAlias = int | tuple[int, int]


def _places(size: Pair, stride: Pair, rows: int, columns: int) -> Iterator[tuple[int, int, Any, Any]]:
    """Yield for each element of a window, by row and column, where in the height and the width of an image it stands.

    That is for all positions of the window together.
    """
    (height, width), (down, right) = pair(size), pair(stride)
    for i in range(height):
        for j in range(width):
            yield i, j, np.s_[i : i + down * rows : down], np.s_[j : j + right * columns : right]


# -- convolution -------------------------------------------------------------------------------------------------

# All three products are of matrices: of the kernels, a row each; of what they see, a column for each position in each
# image; and of what comes out. In memory channels stand first and images last: no product has to be turned round, the
# channels of a group are a matrix of their own, and what is moved lies side by side.


def _whole(x: Any, pad: Any) -> tuple[Any, Any]:
    """Return room for images with their border, (channels, height, width, batch), and the part where they stand."""
    batch, channels, height, width = x.shape
    (above, below), (left, right) = borders(pad)
    whole = np.zeros((channels, above + height + below, left + width + right, batch))
    return whole, whole[:, above : above + height, left : left + width]


def _columns(x: Any, kernels: Any, stride: Pair, pad: Any, groups: int) -> Any:
    """Return what kernels see: for each group a matrix with a column for each position in each image."""
    (batch, channels), size = x.shape[:2], kernels.shape[2:]
    rows, columns = slid(x.shape, size, stride, pad)
    assert rows is not None  # values have lengths
    assert columns is not None
    whole, inside = _whole(x, pad)
    inside[...] = x.transpose(1, 2, 3, 0)
    seen = np.empty((channels, *size, rows, columns, batch))
    for i, j, down, right in _places(size, stride, rows, columns):
        seen[:, i, j] = whole[:, down, right]
    return seen.reshape(groups, channels // groups * prod(size), rows * columns * batch)


def _rows(kernels: Any, groups: int) -> Any:
    """Return kernels as rows, those of each group in a matrix."""
    return kernels.reshape(groups, len(kernels) // groups, prod(kernels.shape[1:]))


def _made(gradient: Any, groups: int) -> Any:
    """Return the gradient of what came out as rows, a channel each, those of each group in a matrix."""
    batch, channels, rows, columns = gradient.shape
    return gradient.transpose(1, 2, 3, 0).reshape(groups, channels // groups, rows * columns * batch)


@gate(symbol="∗")
def conv2d(x: Any, kernels: Any, *, stride: Pair = 1, pad: Any = 0, groups: int = 1) -> Any:
    """Slide kernels of shape (out, in, height, width) over images, with a border of `pad` zeros; no bias is added.

    As usual in neural networks the kernels are not flipped, which strictly is a cross-correlation. `stride` and `pad`
    are one number, or a pair for the height and the width; `pad` may be ``((above, below), (left, right))`` as well.
    With `groups` the channels are cut into so many equal parts, and so are the kernels: those of each part see the
    channels of that part alone, which are the kernels' `in`.
    """
    rows, columns = slid(x.shape, kernels.shape[2:], stride, pad)
    made = np.matmul(_rows(kernels, groups), _columns(x, kernels, stride, pad, groups))
    return made.reshape(len(kernels), rows, columns, len(x)).transpose(3, 0, 1, 2)


@conv2d.vjp(0)
def _(gradient: Any, output: Any, x: Any, kernels: Any, *, stride: Pair = 1, pad: Any = 0, groups: int = 1) -> Any:
    (batch, channels), (rows, columns), size = x.shape[:2], output.shape[2:], kernels.shape[2:]
    seen = np.matmul(_rows(kernels, groups).swapaxes(1, 2), _made(gradient, groups))
    seen = seen.reshape(channels, *size, rows, columns, batch)
    whole, inside = _whole(x, pad)
    for i, j, down, right in _places(size, stride, rows, columns):
        whole[:, down, right] += seen[:, i, j]
    return inside.transpose(3, 0, 1, 2)


@conv2d.vjp(1)
def _(gradient: Any, output: Any, x: Any, kernels: Any, *, stride: Pair = 1, pad: Any = 0, groups: int = 1) -> Any:
    seen = _columns(x, kernels, stride, pad, groups)
    return np.matmul(_made(gradient, groups), seen.swapaxes(1, 2)).reshape(kernels.shape)


@conv2d.shape
def _(x: Shape, kernels: Shape, *, stride: Pair = 1, pad: Any = 0, groups: int = 1) -> Shape | None:
    if len(x) != 4 or len(kernels) != 4:
        raise ValueError("give images of (batch, channels, height, width) and kernels of (out, in, height, width)")
    for count, what in ((x[1], "channels of the images"), (kernels[0], "kernels")):
        if count is not None and count % groups:
            raise ValueError(f"groups={groups} does not divide the {count} {what}: give a number that does")
    if x[1] is not None and kernels[1] is not None and x[1] != kernels[1] * groups:
        apart = f" for each of {groups} groups" if groups > 1 else ""
        raise ValueError(f"the images have {x[1]} channels, the kernels take {kernels[1]}{apart}")
    if kernels[2] is None or kernels[3] is None:
        return None
    return (x[0], kernels[0], *slid(x, (kernels[2], kernels[3]), stride, pad))


# -- pooling -----------------------------------------------------------------------------------------------------


def _windows(x: Any, kernel: Pair, stride: Pair | None) -> Iterator[Any]:
    """Yield for each element of a window where in images it stands, for all positions of the window together."""
    rows, columns = _pooled(x.shape, kernel=kernel, stride=stride)[2:]
    assert rows is not None  # values have lengths
    assert columns is not None
    for _, _, down, right in _places(kernel, stride or kernel, rows, columns):
        yield np.s_[:, :, down, right]


@gate
def max_pool2d(x: Any, *, kernel: Pair = 2, stride: Pair | None = None) -> Any:
    """Take the largest element under a window; the gradient goes to it alone, at a tie to the first.

    `kernel` and `stride` are one number, or a pair for the height and the width. The window moves by its own size if no
    stride is given.
    """
    places = _windows(x, kernel, stride)
    top = x[next(places)].copy(order="K")
    for place in places:
        np.maximum(top, x[place], out=top)
    return top


@max_pool2d.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, kernel: Pair = 2, stride: Pair | None = None) -> Any:
    share, waits = np.zeros_like(x), np.ones_like(output, dtype=bool)
    for place in _windows(x, kernel, stride):
        found = waits & ~np.less(x[place], output)
        waits ^= found
        share[place] += np.where(found, gradient, 0.0)
    return share


@gate
def avg_pool2d(x: Any, *, kernel: Pair = 2, stride: Pair | None = None) -> Any:
    """Take the mean of the elements under a window, whose size and stride are told as to `max_pool2d`."""
    places = _windows(x, kernel, stride)
    total = x[next(places)].copy(order="K")
    for place in places:
        total += x[place]
    return total / prod(pair(kernel))


@avg_pool2d.vjp(0)
def _(gradient: Any, output: Any, x: Any, *, kernel: Pair = 2, stride: Pair | None = None) -> Any:
    share, part = np.zeros_like(x), gradient / prod(pair(kernel))
    for place in _windows(x, kernel, stride):
        share[place] += part
    return share


def _pooled(x: Shape, *, kernel: Pair = 2, stride: Pair | None = None) -> Shape:
    if len(x) != 4:
        raise ValueError("give images of (batch, channels, height, width)")
    return (x[0], x[1], *slid(x, pair(kernel), stride or kernel))


max_pool2d.shape(_pooled)
avg_pool2d.shape(_pooled)
