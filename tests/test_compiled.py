"""The compiled engine: the simulation's numbers bit for bit, whatever form it compiles a circuit to."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitsim as cs
from tests.programs import Program, programs
from tests.test_random_circuits import assert_same_bits

OPTIMIZERS = [cs.SGD(0.01), cs.Momentum(0.01), cs.Nesterov(0.01), cs.AdaGrad(0.01), cs.RMSProp(0.01), cs.Adam(0.01)]


def both(circuit):
    return cs.Simulation(circuit, trace=False, nonfinite="ignore"), cs.Compiled(circuit, nonfinite="ignore")


@settings(max_examples=500)
@given(programs(), st.sampled_from(OPTIMIZERS))
def test_ten_training_steps_with_the_simulations_bits(program: Program, optimizer):
    engines = both(program.circuit())
    for engine in engines:
        engine.learn(optimizer, cs.L2(0.1))
    for _ in range(10):
        outputs = [engine.forward(program.inputs) for engine in engines]
        gradients = [engine.backward(program.pulls) for engine in engines]
        for engine in engines:
            engine.update()
        assert_same_bits(*outputs)
        assert_same_bits(*gradients)
        assert_same_bits(*(engine.parameters for engine in engines))


# What keeps arrays of four by four: any of them may follow any other.
STEPS = {
    "matmul": lambda a, b: cs.matmul(a, b), "transpose": lambda a, b: cs.transpose(a),
    "softmax": lambda a, b: cs.softmax(a), "log_softmax": lambda a, b: cs.log_softmax(a, axis=0),
    "layer_norm": lambda a, b: cs.layer_norm(a, b, 0.5), "batch_norm": lambda a, b: cs.batch_norm(a, 1.5, b),
    "sum": lambda a, b: a * cs.sum(b, axis=0), "mean": lambda a, b: a - cs.mean(b), "var": lambda a, b: a + cs.var(b),
    "reshape": lambda a, b: cs.reshape(cs.reshape(a, shape=(2, -1)), shape=(4, 4)),
    "concat": lambda a, b: cs.concat(a[0:2], b[1:3]),
    "stack": lambda a, b: cs.sum(cs.stack(a, b, a, axis=1), axis=1),
    "take": lambda a, b: cs.take(a, indices=[3, 0, 0, 1]),
    "where": lambda a, b: cs.where(cs.greater(a, b), cs.sin(a), b), "clip": lambda a, b: cs.clip(a, -1.0, 1.0),
    "logsumexp": lambda a, b: a + cs.logsumexp(b, axis=1, keepdims=True), "dropout": lambda a, b: cs.dropout(a, 3.0),
    "embedding": lambda a, b: a + cs.embedding(b, [1.0, 1.0, 3.0, 0.0]),
    "reduce_max": lambda a, b: a - cs.reduce_max(b),
    "cross_entropy": lambda a, b: a + cs.cross_entropy(b, [0.0, 1.0, 2.0, 3.0]),
    "conv2d": lambda a, b: a + cs.conv2d(cs.reshape(a, shape=(1, 1, 4, 4)), cs.reshape(b, shape=(1, 1, 4, 4)))[0, 0],
    "max_pool2d": lambda a, b: a * cs.reshape(cs.max_pool2d(cs.reshape(b, shape=(1, 1, 4, 4))), shape=(4,)),
    "tanh": lambda a, b: cs.tanh(a), "mul": lambda a, b: a * b, "sub": lambda a, b: a - b,
}  # fmt: skip


@settings(max_examples=500)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8
    ),
    optimizer=st.sampled_from(OPTIMIZERS),
    seed=st.integers(0, 1000),
)
def test_circuits_of_tensor_gates_have_the_simulations_bits(steps, optimizer, seed):
    random = np.random.default_rng(seed)
    circuit = cs.Circuit()
    wires = [circuit.input("x", shape=(4, 4)), circuit.parameter("w", random.normal(size=(4, 4)))]
    for name, one, other in steps:
        wires.append(cs.tanh(STEPS[name](wires[-1 - one % len(wires)], wires[-1 - other % len(wires)])))
    circuit.output("f", wires[-1])
    engines = both(circuit)
    for engine in engines:
        engine.learn(optimizer)
    for _ in range(10):
        x, pull = random.normal(size=(2, 4, 4))
        outputs = [engine.forward({"x": x}) for engine in engines]
        gradients = [engine.backward(pull) for engine in engines]
        for engine in engines:
            engine.update()
        assert_same_bits(*outputs)
        assert_same_bits(*gradients)
        assert_same_bits(*(engine.parameters for engine in engines))
