"""A convolutional network for images: layers of kernels that each see a little, and one layer that sees all."""

from collections.abc import Sequence
from math import prod

from circuitsim import checks, gates
from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.networks import Activation, Init, activation_gate, initialiser
from circuitsim.errors import InputError
from circuitsim.habits import told
from circuitsim.spelling import shown

__all__ = ["convnet"]


@told
def convnet(
    image: Sequence[int],
    channels: Sequence[int],
    classes: int,
    activation: Activation = "relu",
    *,
    kernel: int = 3,
    pool: int = 2,
    init: Init = "he",
    seed: int = 0,
) -> Circuit:
    """Return a network that convolves images, pools them, again and again, and then scores what is left.

    Its input ``x`` takes images of shape (batch, channels, height, width), its output ``scores`` has a row for each.
    Each layer is a convolution that keeps the height and the width, its bias, the activation and a `max_pool2d`. The
    parameters are ``conv1.w`` of shape (out, in, height, width), ``conv1.b`` of shape (out, 1, 1), ``conv2.w`` and so
    on, and ``dense.w`` and ``dense.b`` of the last layer.

    Parameters
    ----------
    image : sequence of int
        The channels, the height and the width of an image.
    channels : sequence of int
        The number of kernels in each layer, which is the number of channels that come out.
    classes : int
        The number of scores.
    activation : Gate or str
        What follows each convolution: a gate of one input, or its name.
    kernel : int
        The height and the width of kernels.
    pool : int
        The height and the width of the windows of which the largest element is taken; 1 for none.
    init : {"uniform", "xavier", "he", "zero"}
        How the parameters begin; see `mlp`. The inputs of a kernel are the elements that it sees.
    seed : int
        Seeds them.

    Raises
    ------
    InputError
        If a size cannot be, a name is unknown, or a kernel or a window is larger than the images that reach it.

    Examples
    --------
    >>> convnet([1, 8, 8], [8, 16], 10)
    <circuit 'convnet 1x8x8-8-16-10': 1 inputs, 6 parameters, 11 gates, outputs scores>
    """
    for sizes, what, length in ((image, "image", 3), (channels, "channels", None)):
        if not isinstance(sizes, Sequence) or isinstance(sizes, str) or len(sizes) not in (length or len(sizes), None):
            raise InputError(f"{what}={shown(sizes)} cannot be: give numbers, as in convnet([1, 8, 8], [8, 16], 10)")
    depth, height, width = (checks.count(size, "a size of the image") for size in image)
    layers = [checks.count(count, "a number of channels") for count in channels]
    classes, kernel, pool = (
        checks.count(classes, "classes"), checks.count(kernel, "kernel"), checks.count(pool, "pool"),
    )  # fmt: skip
    bend, draw = activation_gate(activation), initialiser(init, seed)
    weights = sum(before * after * kernel * kernel for before, after in zip([depth, *layers], layers, strict=False))
    checks.fits(24 * (weights + classes * depth * height * width), f"a network of {shown(weights)} weights in kernels")
    circuit = Circuit(f"convnet {depth}x{height}x{width}-{'-'.join(map(str, [*layers, classes]))}")
    signal = circuit.input("x", shape=(None, depth, height, width))
    for layer, count in enumerate(layers, 1):
        for size, what in ((kernel, "kernel"), (pool, "pool")):
            if size > min(height, width):
                raise InputError(
                    f"{what}={size} is larger than the images of {height} by {width} that reach layer {layer}: give a "
                    "smaller one, or fewer layers"
                )
        with circuit.scope(f"conv{layer}"):
            drawn = draw(depth * kernel * kernel, count)
            kernels = circuit.parameter("w", drawn[:-1].T.reshape(count, depth, kernel, kernel))
            bias = circuit.parameter("b", drawn[-1].reshape(count, 1, 1))
            border = ((kernel - 1) // 2, kernel // 2)
            signal = bend(gates.conv2d(signal, kernels, pad=(border, border)) + bias)
            signal = gates.max_pool2d(signal, kernel=pool) if pool > 1 else signal
        depth, height, width = count, height // pool, width // pool
    with circuit.scope("dense"):
        drawn = draw(prod((depth, height, width)), classes)
        flat = gates.reshape(signal, shape=(-1, len(drawn) - 1))
        signal = flat @ circuit.parameter("w", drawn[:-1]) + circuit.parameter("b", drawn[-1])
    circuit.output("scores", signal)
    return circuit
