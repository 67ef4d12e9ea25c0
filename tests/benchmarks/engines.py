"""What Compiled costs: against micrograd, NumPy written by hand, PyTorch, gathers alone, and with own gates."""

import sys

import numpy as np

import circuitsim as cs
from circuitsim.compiled import Compiled
from tests.benchmarks.simulation import MANY, stepping
from tests.benchmarks.table import Row, in_turn

SIZES = [2, 16, 16, 1]


def left_out(library):
    """Say that a library is not there, and return no rows."""
    print(f"{library} is not installed: what is held against it is left out", file=sys.stderr)
    return []


def micrograd_rows():
    """Return rows on a network of scalar gates, one example at a time and in batches."""
    try:
        from micrograd.engine import Value
        from micrograd.nn import MLP
    except ImportError:
        return left_out("micrograd")
    network = MLP(SIZES[0], SIZES[1:])

    def theirs():
        network.zero_grad()
        network([Value(0.3), Value(-0.7)]).backward()

    engine = Compiled(cs.mlp(SIZES), nonfinite="ignore")
    many = dict(zip(("x1", "x2"), np.random.default_rng(0).normal(size=(2, 100)), strict=True))
    micrograd, one, batch = in_turn(
        (theirs, 20),
        (stepping(engine, {"x1": 0.3, "x2": -0.7}), 200),
        (stepping(engine, many), 50),
        collecting=True,
    )
    note = f"{micrograd * 1e6:.0f} µs against {one * 1e6:.0f} µs"
    return [
        Row("micrograd ÷ Compiled, mlp 2-16-16-1, one example", micrograd / one, 25, False, note),
        Row("the same for each example of a batch of 100", micrograd / batch * 100, 200, False),
    ]


def own_gate_rows():
    """Return the row on a gate of a user's as the activation, against the built-in one that does the same."""
    own = cs.gate(name="own tanh", elementwise=True)(lambda x: np.tanh(x))
    own.vjp(0)(lambda gradient, output, x: gradient * (1.0 - output * output))
    del cs.gates.registry["own tanh"]
    inputs = dict(zip(("x1", "x2"), np.random.default_rng(0).normal(size=(2, 100)), strict=True))
    engines = [Compiled(cs.mlp(SIZES, activation), nonfinite="ignore") for activation in (own, "tanh")]
    mine, theirs = in_turn(*((stepping(engine, inputs), 50) for engine in engines), rounds=15, collecting=True)
    what = "Compiled: an elementwise gate of one's own ÷ tanh, mlp 2-16-16-1, batch 100"
    return [Row(what, mine / theirs, 1.5, True, f"{mine * 1e6:.0f} µs against {theirs * 1e6:.0f} µs")]


def by_hand(parameters):
    """Return a function that runs a dense network with relu forward and back in plain NumPy, to the same results."""
    weights = [parameters[f"w{i + 1}"] for i in range(len(parameters) // 2)]
    biases = [parameters[f"b{i + 1}"] for i in range(len(parameters) // 2)]

    def run(x, pull):
        signals, sums = [x], []
        for number, (w, b) in enumerate(zip(weights, biases, strict=True)):
            sums.append(signals[-1] @ w + b)
            if number < len(weights) - 1:
                signals.append(np.maximum(sums[-1], 0.0))
        gradients, g = {}, pull
        for number in reversed(range(len(weights))):
            gradients[f"b{number + 1}"] = g.sum(axis=0)
            gradients[f"w{number + 1}"] = signals[number].T @ g
            g = g @ weights[number].T
            if number:
                g = g * (sums[number - 1] > 0.0)
        return sums[-1], {"x": g, **gradients}

    return run


def dense_tasks(sizes):
    """Return an engine and NumPy written by hand on the same network and batch of 100, after comparing results."""
    engine = Compiled(cs.dense(sizes), nonfinite="ignore")
    random = np.random.default_rng(0)
    x, pull = random.normal(size=(100, sizes[0])), random.normal(size=(100, sizes[-1]))
    run = by_hand(engine.parameters)

    def ours():
        return engine.forward({"x": x})["scores"], engine.backward(pull)

    other = run(x, pull)[1]
    for name, gradient in ours()[1].items():
        np.testing.assert_allclose(gradient, other[name], rtol=1e-9, atol=1e-9)
    return ours, lambda: run(x, pull), engine.parameters, x, pull


def dense_rows():
    """Return rows on networks of gates for arrays."""
    ours, theirs, parameters, x, pull = dense_tasks(SIZES)
    large, large_theirs, *_ = dense_tasks([784, 128, 10])
    small = in_turn((ours, 300), (theirs, 300), rounds=15, collecting=True)
    big = in_turn((large, 30), (large_theirs, 30), rounds=15, collecting=True)
    rows = [
        Row("Compiled ÷ NumPy by hand, dense 2-16-16-1, batch 100", small[0] / small[1], 1.5, True,
            f"{small[0] * 1e6:.0f} µs against {small[1] * 1e6:.0f} µs"),
        Row("the same, dense 784-128-10", big[0] / big[1], 1.1, True),
    ]  # fmt: skip
    try:
        import torch
    except ImportError:
        return rows + left_out("torch")
    torch.set_num_threads(1)
    leaves = [torch.tensor(value, requires_grad=True) for value in (x, *parameters.values())]
    force = torch.tensor(pull)

    def eager():
        for leaf in leaves:
            leaf.grad = None
        signal, *rest = leaves
        for number in range(0, len(rest), 2):
            signal = signal @ rest[number] + rest[number + 1]
            if number < len(rest) - 2:
                signal = torch.relu(signal)
        signal.backward(force)

    mine, theirs = in_turn((ours, 300), (eager, 300), rounds=15, collecting=True)
    rows.append(Row("PyTorch, eager on one thread ÷ Compiled, dense 2-16-16-1, batch 100", theirs / mine, 2, False))
    return rows


def gather_rows(gates=MANY):
    """Return the row on a million scalar gates: our levels against nothing but gathers and the arithmetic."""
    circuit = multiplied(gates // 1000, 1000)
    engine = Compiled(circuit, nonfinite="ignore")
    inputs = {name: 1.0 if number % 3 else -1.0 for number, name in enumerate(circuit.names("input"))}
    step = stepping(engine, inputs)
    step()
    raw, levels = in_turn((raw_gathers(gates // 1000, 1000), 3), (step, 3), rounds=15)
    note = f"{levels / gates * 1e9:.0f} ns a gate against {raw / gates * 1e9:.0f} ns"
    what = f"Compiled ÷ NumPy with gathers, {gates:,} scalar gates in layers of 1,000"
    return [Row(what, levels / raw, 1.5, True, note)]


def wiring(width):
    """Return which two gates of the layer before each gate of a layer multiplies: any that are far apart."""
    left = np.random.default_rng(0).permutation(width)
    return left, np.roll(left, 1)


def multiplied(levels, width):
    """Return layers of products; with inputs of 1 and -1 all values are 1 or -1 however deep it is."""
    circuit = cs.Circuit(f"{levels} layers of {width} products")
    left, right = wiring(width)
    first = circuit.inputs([f"x{i}" for i in range(10)])
    layer = [first[i % 10] for i in range(width)]
    for _ in range(levels):
        layer = [layer[a] * layer[b] for a, b in zip(left, right, strict=True)]
    for i, wire in enumerate(layer[:10]):
        circuit.output(f"f{i}", wire)
    return circuit


def raw_gathers(levels, width):
    """Return a task: for each level two gathers and a product forward; two products, two gathers and a sum back."""
    left, right = wiring(width)
    from_left, from_right = np.argsort(left), np.argsort(right)
    values, slopes = np.ones((levels + 1, width)), np.ones((levels + 1, width))

    def task():
        kept = []
        for level in range(levels):
            a, b = values[level][left], values[level][right]
            kept.append((a, b))
            values[level + 1] = a * b
        for level in reversed(range(levels)):
            a, b = kept[level]
            to_left, to_right = slopes[level + 1] * b, slopes[level + 1] * a
            slopes[level] = to_left[from_left] + to_right[from_right]

    return task


def rows(gates=MANY):
    """Return all rows of this file."""
    return [*micrograd_rows(), *own_gate_rows(), *dense_rows(), *gather_rows(gates)]
