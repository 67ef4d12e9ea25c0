"""One block of a transformer: places look at one another, then each thinks for itself."""

import numpy as np

from circuitsim import checks, gates
from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.networks import Activation, Init, activation_gate, initialiser
from circuitsim.circuit.wire import Wire
from circuitsim.errors import InputError
from circuitsim.gates.value import Array
from circuitsim.habits import told
from circuitsim.spelling import shown

__all__ = ["attention"]

UNSEEN = -1e9  # the score of what may not be looked at: its weight is 0


@told
def attention(
    tokens: int,
    length: int,
    *,
    width: int = 32,
    heads: int = 4,
    hidden: int = 64,
    positions: bool = True,
    causal: bool = False,
    activation: Activation = "relu",
    init: Init = "xavier",
    seed: int = 0,
) -> Circuit:
    """Return one block of a transformer (Vaswani et al. 2017) that reads tokens and scores tokens at each place.

    Its input ``x`` takes the numbers of tokens, of shape (batch, length), its output ``scores`` has shape
    (batch, length, tokens). It is made of plain gates, so that all can be seen; ``attend.weights``, of shape (batch,
    heads, length, length), is how much each place, a row each, looks at each other. The scopes, one after the other:

    - ``embed``: a vector for each token (``table``), and one for each position (``positions``), added up;
    - ``attend``: `rms_norm`, queries, keys and values of each head (``wq``, ``wk``, ``wv``), the mean of the values by
      the weights, put together (``wo``) and added to what came in;
    - ``feed``: `rms_norm` and a network of two layers for each place (``w1``, ``b1``, ``w2``, ``b2``), added likewise;
    - ``read``: `rms_norm` and the scores (``w``, ``b``).

    Parameters
    ----------
    tokens : int
        How many different tokens there are.
    length : int
        How many places a sequence has.
    width : int
        How many numbers a place has; the heads share them.
    heads : int
        How many ways of looking there are side by side.
    hidden : int
        How many units the network of each place has.
    positions : bool
        Whether places are told apart. Without, a place knows what is there and not where.
    causal : bool
        Whether a place sees itself and what comes before it only.
    activation : Gate or str
        What the hidden units do: a gate of one input, or its name.
    init : {"uniform", "xavier", "he", "zero"}
        How weights begin; see `mlp`. The vectors of tokens and positions are normal with variance 1 / width.
    seed : int
        Seeds them.

    Raises
    ------
    InputError
        If a number cannot be, the heads do not divide the width, or a name is unknown.

    Examples
    --------
    >>> attention(10, 8)
    <circuit 'attention 10 tokens, 8 places': 1 inputs, 15 parameters, 31 gates, outputs scores>
    """
    tokens, length, width, heads, hidden = (
        checks.count(count, what)
        for count, what in (
            (tokens, "tokens"), (length, "length"), (width, "width"), (heads, "heads"), (hidden, "hidden"),
        )
    )  # fmt: skip
    if width % heads:
        raise InputError(f"heads={heads} do not divide width={width}: give a number that does")
    numbers = width * (2 * tokens + length + 4 * width + 2 * hidden) + length * length
    checks.fits(24 * numbers, f"a block of {shown(numbers)} numbers")
    bend, draw = activation_gate(activation), initialiser(init, seed)
    circuit = Circuit(f"attention {tokens} tokens, {length} places")
    x = circuit.input("x", shape=(None, length))
    random = np.random.default_rng([seed, 1])
    with circuit.scope("embed"):
        signal = gates.embedding(circuit.parameter("table", random.normal(0.0, width**-0.5, (tokens, width))), x)
        if checks.flag(positions, "positions"):
            places = circuit.parameter("positions", random.normal(0.0, width**-0.5, (length, width)))
            signal = signal + places

    def normed() -> Wire:
        return gates.rms_norm(signal, circuit.parameter("scale", np.ones(width)))

    def layer(into: Wire, outputs: int, inputs: int, weight: str, bias: str) -> Wire:
        drawn = draw(inputs, outputs)
        return into @ circuit.parameter(weight, drawn[:-1]) + circuit.parameter(bias, drawn[-1])

    def square() -> Array:
        return draw(width, width)[:-1]

    with circuit.scope("attend"):
        seen = normed()
        apart = (-1, length, heads, width // heads)
        queries, keys, values = (
            gates.transpose(gates.reshape(seen @ circuit.parameter(name, square()), shape=apart), axes=(0, 2, 1, 3))
            for name in ("wq", "wk", "wv")
        )
        scores = (queries @ gates.transpose(keys, axes=(0, 1, 3, 2))) * (width // heads) ** -0.5
        if checks.flag(causal, "causal"):
            scores = gates.where(circuit.constant(np.tri(length), name="seen"), scores, UNSEEN)
        weights = circuit.gate(gates.softmax, scores, name="weights")
        found = gates.reshape(gates.transpose(weights @ values, axes=(0, 2, 1, 3)), shape=(-1, length, width))
        signal = signal + found @ circuit.parameter("wo", square())
    with circuit.scope("feed"):
        signal = signal + layer(bend(layer(normed(), hidden, width, "w1", "b1")), width, hidden, "w2", "b2")
    with circuit.scope("read"):
        signal = layer(normed(), tokens, width, "w", "b")
    circuit.output("scores", signal)
    return circuit
