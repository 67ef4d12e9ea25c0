"""The network of `mlp` made of gates for arrays: one matrix product and one addition for each layer."""

from collections.abc import Sequence
from itertools import pairwise

from circuitsim import gates
from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.networks import Activation, Init, begin_network
from circuitsim.habits import told

__all__ = ["dense"]


@told
def dense(sizes: Sequence[int], activation: Activation = "relu", *, init: Init = "he", seed: int = 0) -> Circuit:
    """Return a network of layers whose wires carry arrays: fewer gates than `mlp`, each with more to do.

    Its input ``x`` takes one example, an array of ``sizes[0]`` numbers, or a batch, one example a row. Its output
    ``scores`` has as many for each as the last layer has neurons. The parameters are ``w1``, ``b1``, ``w2`` and so on.

    Parameters
    ----------
    sizes : sequence of int
        The number of inputs, then of neurons in each layer.
    activation : Gate or str
        What follows each layer but the last: a gate of one input, or its name.
    init : {"uniform", "xavier", "he", "zero"}
        How the parameters begin; see `mlp`, which draws the same ones from the same seed.
    seed : int
        Seeds them.

    Raises
    ------
    InputError
        If the sizes make no network, or a name is unknown.

    Examples
    --------
    >>> dense([784, 128, 10])
    <circuit 'dense 784-128-10': 1 inputs, 4 parameters, 5 gates, outputs scores>
    """
    # A layer is drawn, stacked upon its biases and copied into the circuit.
    circuit, sizes, bend, draw = begin_network("dense", "dense([784, 128, 10])", sizes, activation, init, seed, 24)
    signal = circuit.input("x")
    for layer, (inputs, neurons) in enumerate(pairwise(sizes), 1):
        parameters = draw(inputs, neurons)
        weights = circuit.parameter(f"w{layer}", parameters[:-1])
        bias = circuit.parameter(f"b{layer}", parameters[-1])
        signal = circuit.gate(gates.add, signal @ weights, bias, name=f"layer{layer}")
        if layer < len(sizes) - 1:
            signal = circuit.gate(bend, signal)
    circuit.output("scores", signal)
    return circuit
