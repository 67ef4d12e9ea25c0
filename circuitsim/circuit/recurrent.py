"""Recurrent networks, unrolled in time: each step is a scope of its own, and all steps share their parameters."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from circuitsim import checks, gates
from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.networks import Init, initialiser
from circuitsim.circuit.wire import Wire
from circuitsim.errors import InputError
from circuitsim.habits import told
from circuitsim.spelling import shown

__all__ = ["bidirectional", "lstm", "rnn"]

#: What is handed on from step to step: the hidden values, and those of memory cells if there are any.
State: TypeAlias = tuple[Wire, ...]
#: Makes of what comes in at a step, and the state before it, the state after it.
Step: TypeAlias = Callable[[Wire, State], State]

STEP_BYTES = 40_000  # about what a step takes in a circuit


@told
def rnn(
    sizes: Sequence[int],
    steps: int,
    *,
    tokens: bool = False,
    carried: bool = False,
    init: Init = "xavier",
    seed: int = 0,
) -> Circuit:
    """Return a recurrent network (Elman 1990): ``h = tanh(x @ wx + h @ wh + b)`` and scores ``h @ wy + by`` each step.

    Its input ``x`` takes a batch of sequences, of shape (batch, steps, inputs), its output ``scores`` has shape
    (batch, steps, outputs). The parameters ``wx``, ``wh``, ``b``, ``wy`` and ``by`` feed all steps. The gates of the
    third step stand in the scope ``t3``: its hidden values are the wire ``t3.h``, its scores ``t3.y``.

    Parameters
    ----------
    sizes : sequence of int
        The number of inputs, of hidden values and of outputs.
    steps : int
        How long sequences are.
    tokens : bool
        Whether ``x`` has the numbers of letters or words, from 0, and shape (batch, steps): each stands for a row of
        ``wx``.
    carried : bool
        Whether the state comes in, by an input ``h0`` of shape (batch, hidden), and goes out, by the output ``h25`` if
        there are 25 steps, so that sequences can go on; see `carry` of `Trainer`. If not, it begins with zeros.
    init : {"uniform", "xavier", "he", "zero"}
        How the parameters begin; see `mlp`.
    seed : int
        Seeds them.

    Raises
    ------
    InputError
        If the sizes or steps cannot be, or a name is unknown.

    Examples
    --------
    >>> rnn([45, 64, 45], 25, tokens=True, carried=True)
    <circuit 'rnn 45-64-45, 25 steps': 2 inputs, 5 parameters, 201 gates, outputs scores, h25>
    """
    return _unrolled("rnn", sizes, steps, tokens, carried, init, seed)


@told
def lstm(
    sizes: Sequence[int],
    steps: int,
    *,
    tokens: bool = False,
    carried: bool = False,
    init: Init = "xavier",
    seed: int = 0,
) -> Circuit:
    """Return a recurrent network of memory cells: a long short-term memory (Hochreiter and Schmidhuber 1997).

    It differs from `rnn` in what a step does. Of ``x @ wx + h @ wh + b``, which is four times as long as ``h``, the
    first quarter opens the cells to what comes in, the second to what they held, the third is what comes in, and the
    fourth opens them to the outside (``i``, ``f``, ``g``, ``o``, in PyTorch's order)::

        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)

    With `carried` there are inputs ``h0`` and ``c0``, and outputs ``h25`` and ``c25`` after 25 steps.

    Parameters
    ----------
    sizes, steps, tokens, carried, init, seed
        See `rnn`.

    Examples
    --------
    >>> lstm([45, 64, 45], 25, tokens=True)
    <circuit 'lstm 45-64-45, 25 steps': 1 inputs, 5 parameters, 501 gates, outputs scores>
    """
    return _unrolled("lstm", sizes, steps, tokens, carried, init, seed)


@told
def bidirectional(
    sizes: Sequence[int],
    steps: int,
    cell: Literal["rnn", "lstm"] = "rnn",
    *,
    tokens: bool = False,
    init: Init = "xavier",
    seed: int = 0,
) -> Circuit:
    """Return two recurrent networks, one that reads forward and one that reads backward, and scores from both.

    The step that reads the third place forward stands in the scope ``f3``, the one that reads it backward in ``b3``,
    and ``y3`` adds up what both say: ``f3.h @ wf + b3.h @ wb + by``. The networks have parameters of their own,
    ``f.wx``, ``b.wx`` and so on. See `rnn` for what goes in and comes out.

    Parameters
    ----------
    sizes, steps, tokens, init, seed
        See `rnn`.
    cell : {"rnn", "lstm"}
        What a step does.

    Examples
    --------
    >>> bidirectional([1, 16, 3], 12)
    <circuit 'bidirectional 1-16-3, 12 steps': 1 inputs, 9 parameters, 193 gates, outputs scores>
    """
    kind = checks.choice(cell, "cell", ("rnn", "lstm"))
    inputs, hidden, outputs = _sizes(sizes, "bidirectional([1, 16, 3], 12)")
    circuit, x, draw = _begin("bidirectional", (inputs, hidden, outputs), steps, tokens, init, seed)
    found: dict[str, list[Wire]] = {}
    for way, order in (("f", range(1, steps + 1)), ("b", range(steps, 0, -1))):
        with circuit.scope(way):
            state, step = _CELLS[kind](circuit, inputs, hidden, tokens, draw)
        found[way] = [state[0]] * steps
        for place in order:
            with circuit.scope(f"{way}{place}"):
                state = step(x[:, place - 1], state)
            found[way][place - 1] = state[0]
    drawn = draw(2 * hidden, outputs)
    parts = (("wf", drawn[:hidden]), ("wb", drawn[hidden:-1]), ("by", drawn[-1]))
    forward, backward, bias = (circuit.parameter(name, value) for name, value in parts)
    scores = []
    for place, (before, after) in enumerate(zip(found["f"], found["b"], strict=True), 1):
        with circuit.scope(f"y{place}"):
            scores.append(before @ forward + after @ backward + bias)
    circuit.output("scores", gates.stack(*scores, axis=1))
    return circuit


def _unrolled(
    kind: str, sizes: Sequence[int], steps: int, tokens: bool, carried: bool, init: Init, seed: int
) -> Circuit:
    """Return a network that reads forward."""
    inputs, hidden, outputs = _sizes(sizes, f"{kind}([45, 64, 45], 25)")
    circuit, x, draw = _begin(kind, (inputs, hidden, outputs), steps, tokens, init, seed)
    state, step = _CELLS[kind](circuit, inputs, hidden, tokens, draw, checks.flag(carried, "carried"))
    drawn = draw(hidden, outputs)
    weights, bias = circuit.parameter("wy", drawn[:-1]), circuit.parameter("by", drawn[-1])
    scores = []
    for place in range(1, steps + 1):
        with circuit.scope(f"t{place}"):
            state = step(x[:, place - 1], state)
            scores.append(circuit.gate(gates.add, state[0] @ weights, bias, name="y"))
    circuit.output("scores", gates.stack(*scores, axis=1))
    if carried:
        for name, wire in zip("hc", state, strict=False):
            circuit.output(f"{name}{steps}", wire)
    return circuit


def _sizes(sizes: Sequence[int], example: str) -> tuple[int, int, int]:
    """Return the number of inputs, of hidden values and of outputs."""
    if not isinstance(sizes, Sequence | np.ndarray) or isinstance(sizes, str) or len(sizes) != 3:
        raise InputError(f"sizes={shown(sizes)} make no recurrent network: give inputs, hidden and outputs, {example}")
    inputs, hidden, outputs = (checks.count(size, "size") for size in sizes)
    return inputs, hidden, outputs


def _begin(
    kind: str, sizes: tuple[int, int, int], steps: int, tokens: bool, init: Init, seed: int
) -> tuple[Circuit, Wire, Callable[[int, int], Any]]:
    """Return the circuit with its input, and what draws parameters."""
    steps, (inputs, hidden, outputs) = checks.count(steps, "steps"), sizes
    checks.fits(STEP_BYTES * steps, f"a network of {shown(steps)} steps")
    checks.fits(200 * hidden * (inputs + hidden + outputs), f"a network of sizes {shown(list(sizes))}")
    circuit = Circuit(f"{kind} {'-'.join(map(str, sizes))}, {steps} steps")
    shape = (None, steps) if checks.flag(tokens, "tokens") else (None, steps, inputs)
    return circuit, circuit.input("x", shape=shape), initialiser(init, seed)


def _first(circuit: Circuit, name: str, hidden: int, carried: bool) -> Wire:
    """Return the state that a network begins with."""
    if carried:
        return circuit.input(name, shape=(None, hidden))
    return circuit.constant(np.zeros((1, hidden)), name=name)


def _sums(circuit: Circuit, inputs: int, outputs: int, hidden: int, tokens: bool, draw: Any) -> Any:
    """Return a function of what comes in and the hidden values before: the weighted sum of both, and a bias."""
    drawn = draw(inputs + hidden, outputs)
    parts = (("wx", drawn[:inputs]), ("wh", drawn[inputs:-1]), ("b", drawn[-1]))
    wx, wh, b = (circuit.parameter(name, value) for name, value in parts)
    return lambda x, h: (gates.embedding(wx, x) if tokens else x @ wx) + h @ wh + b


def _elman(
    circuit: Circuit, inputs: int, hidden: int, tokens: bool, draw: Any, carried: bool = False
) -> tuple[State, Step]:
    """Return the first state and the step of an `rnn`."""
    add_up = _sums(circuit, inputs, hidden, hidden, tokens, draw)

    def step(x: Wire, state: State) -> State:
        return (circuit.gate(gates.tanh, add_up(x, state[0]), name="h"),)

    return (_first(circuit, "h0", hidden, carried),), step


def _memory(
    circuit: Circuit, inputs: int, hidden: int, tokens: bool, draw: Any, carried: bool = False
) -> tuple[State, Step]:
    """Return the first state and the step of an `lstm`."""
    add_up = _sums(circuit, inputs, 4 * hidden, hidden, tokens, draw)

    def step(x: Wire, state: State) -> State:
        total, c = add_up(x, state[0]), state[1]
        i, f, g, o = (total[:, quarter * hidden : (quarter + 1) * hidden] for quarter in range(4))
        kept = gates.sigmoid(f) * c
        cell = circuit.gate(gates.add, kept, gates.sigmoid(i) * gates.tanh(g), name="c")
        return circuit.gate(gates.mul, gates.sigmoid(o), gates.tanh(cell), name="h"), cell

    return (_first(circuit, "h0", hidden, carried), _first(circuit, "c0", hidden, carried)), step


_CELLS: dict[str, Callable[..., tuple[State, Step]]] = {"rnn": _elman, "lstm": _memory}
