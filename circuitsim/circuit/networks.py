"""Ready-made circuits of scalar gates: a line, a neuron, and a network of layers.

Every multiplication and addition is a gate of its own. A neuron adds up weight times input in the order of its
inputs, then its bias, as the guide writes it. Names tell the place: ``n1_2`` is the second neuron of the first layer,
``n1_2.w3`` its weight on its third input, ``n1_2.b`` its bias.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np

from circuitsim import checks, gates
from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.wire import Wire
from circuitsim.errors import InputError
from circuitsim.gates.gate import Gate
from circuitsim.habits import told
from circuitsim.spelling import nearest, shown

__all__ = ["Activation", "Init", "begin_network", "linear", "mlp", "neuron"]

#: About how many bytes a weight takes in a circuit of scalar gates: its node, a multiplication and an addition.
WEIGHT = 3_800

#: How parameters begin: see `mlp`.
Init: TypeAlias = Literal["uniform", "xavier", "he", "zero"]
#: A gate of one input, or its name.
Activation: TypeAlias = Gate | str


@told
def linear(features: int, *, init: Init = "uniform", seed: int = 0) -> Circuit:
    """Return a circuit that computes ``score = w1 * x1 + w2 * x2 + ... + b``.

    Parameters
    ----------
    features : int
        How many inputs it has: ``x1``, ``x2`` and so on.
    init : {"uniform", "xavier", "he", "zero"}
        How the parameters begin; see `mlp`.
    seed : int
        Seeds them.

    Examples
    --------
    >>> linear(2)
    <circuit 'linear 2': 2 inputs, 3 parameters, 4 gates, outputs score>
    """
    features = checks.count(features, "size")
    checks.fits(WEIGHT * features, f"a circuit of {shown(features)} weights")
    circuit = Circuit(f"linear {features}")
    draw = initialiser(init, seed)
    circuit.output("score", _weigh(circuit, _inputs(circuit, features), "", draw(features, 1)[:, 0]))
    return circuit


@told
def neuron(features: int, *, init: Init = "uniform", seed: int = 0) -> Circuit:
    """Return a neuron that computes ``f = sigmoid(score)`` with the score of `linear`, and shows both.

    The force `logistic` pulls on the score as the cross-entropy would pull on ``f``.

    Examples
    --------
    >>> neuron(2)
    <circuit 'neuron 2': 2 inputs, 3 parameters, 5 gates, outputs score, f>
    """
    circuit = linear(features, init=init, seed=seed)
    circuit.name = f"neuron {features}"
    circuit.output("f", circuit.gate(gates.sigmoid, Wire(circuit, circuit.outputs["score"]), name="f"))
    return circuit


@told
def mlp(sizes: Sequence[int], activation: Activation = "relu", *, init: Init = "uniform", seed: int = 0) -> Circuit:
    """Return a network of layers: a multilayer perceptron.

    Parameters
    ----------
    sizes : sequence of int
        The number of inputs, then of neurons in each layer. ``mlp([2, 3, 1])`` is the guide's two-layer network.
    activation : Gate or str
        What follows each neuron but those of the last layer, which give the scores: a gate of one input, or its name,
        such as ``"relu"``, ``"tanh"`` or ``"sigmoid"``.
    init : {"uniform", "xavier", "he", "zero"}
        How the parameters begin. ``"uniform"`` draws all of them between -0.5 and 0.5, as the guide does. The others
        begin with biases of 0: ``"xavier"`` draws weights between ±sqrt(6 / (inputs + outputs)) (Glorot and Bengio
        2010), ``"he"`` from a normal distribution of variance 2 / inputs (He et al. 2015), ``"zero"`` makes all 0.
    seed : int
        Seeds them.

    Examples
    --------
    >>> mlp([2, 3, 1])
    <circuit 'mlp 2-3-1': 2 inputs, 13 parameters, 21 gates, outputs score>
    """
    circuit, sizes, bend, draw = begin_network("mlp", "mlp([2, 3, 1])", sizes, activation, init, seed, WEIGHT)
    signals = _inputs(circuit, sizes[0])
    for layer, size in enumerate(sizes[1:], 1):
        last = layer == len(sizes) - 1
        parameters = draw(len(signals), size)
        neurons = []
        for number, row in enumerate(parameters.T, 1):
            name = f"n{layer}_{number}"
            total = _weigh(circuit, signals, f"{name}.", row)
            neurons.append(total if last else circuit.gate(bend, total, name=name))
        signals = neurons
    for number, score in enumerate(signals, 1):
        circuit.output("score" if len(signals) == 1 else f"score{number}", score)
    return circuit


def begin_network(
    kind: str, example: str, sizes: Sequence[int], activation: Activation, init: Init, seed: int, weight: int
) -> tuple[Circuit, list[int], Gate, Callable[[int, int], np.ndarray]]:
    """Return the empty circuit of a network, its sizes, the gate of its activation, and what draws a layer.

    Raises
    ------
    InputError
        If the sizes make no network, the message shows the example; or if a name is unknown.
    TooLargeError
        If memory cannot hold the weights, of so many bytes each.
    """
    if not isinstance(sizes, Sequence | np.ndarray) or isinstance(sizes, str | bytes) or len(sizes) < 2:
        raise InputError(f"sizes={shown(sizes)} make no network: give the inputs and at least one layer, {example}")
    checks.fits(weight * len(sizes), f"a network of {len(sizes):,} layers")
    counts = [checks.count(size, "size") for size in sizes]
    bend = activation_gate(activation)
    weights = sum((before + 1) * after for before, after in pairwise(counts))
    checks.fits(weight * weights, f"a network of {shown(weights)} weights")
    return Circuit(f"{kind} " + "-".join(map(str, counts))), counts, bend, initialiser(init, seed)


def _weigh(circuit: Circuit, signals: Sequence[Wire], prefix: str, parameters: np.ndarray) -> Wire:
    """Add a neuron without activation; the last of its parameters is the bias."""
    total: Wire | None = None
    for number, (signal, weight) in enumerate(zip(signals, parameters, strict=False), 1):
        product = circuit.gate(
            gates.mul, circuit.parameter(f"{prefix}w{number}", weight), signal, name=f"{prefix}mul{number}"
        )
        total = product if total is None else circuit.gate(gates.add, total, product, name=f"{prefix}add{number - 1}")
    bias = circuit.parameter(f"{prefix}b", parameters[-1])
    return circuit.gate(gates.add, total, bias, name=f"{prefix}add{len(signals)}")


def _inputs(circuit: Circuit, count: int) -> list[Wire]:
    return [circuit.input(f"x{number}") for number in range(1, count + 1)]


def activation_gate(activation: Activation) -> Gate:
    """Return the gate that an activation stands for.

    Raises
    ------
    InputError
        If no gate of one input has the name.
    """
    gate = gates.registry.get(activation) if isinstance(activation, str) else activation
    if not isinstance(gate, Gate) or gate.arity != 1 or gate.for_arrays:
        known = sorted(name for name, one in gates.registry.items() if one.arity == 1 and not one.for_arrays)
        raise InputError(
            f"activation={shown(activation)} is no gate of one input: "
            f"{nearest(activation, known) if isinstance(activation, str) else ''}give one, or its "
            f"name, {', '.join(known)}"
        )
    return gate


def initialiser(init: Init, seed: int) -> Callable[[int, int], np.ndarray]:
    """Return a function that draws a layer: one column a neuron, its bias in the last row."""
    random = np.random.default_rng(checks.count(seed, "seed", least=0))
    kind = checks.choice(init, "init", ("uniform", "xavier", "he", "zero"))

    def draw(inputs: int, outputs: int) -> np.ndarray:
        if kind == "uniform":
            return random.uniform(-0.5, 0.5, (inputs + 1, outputs))
        if kind == "xavier":
            weights = random.uniform(-1, 1, (inputs, outputs)) * np.sqrt(6 / (inputs + outputs))
        elif kind == "he":
            weights = random.normal(0, np.sqrt(2 / inputs), (inputs, outputs))
        else:
            weights = np.zeros((inputs, outputs))
        return np.vstack([weights, np.zeros(outputs)])

    return draw
