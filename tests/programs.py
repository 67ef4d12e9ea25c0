"""Random circuits for Hypothesis, each built both as a Circuit and as a function for HIPS autograd."""

import autograd.numpy as anp
import numpy as np
from hypothesis import strategies as st

import circuitsim as cs

# Each operation is defined everywhere and grows slowly; (gates, autograd) side by side.
UNARY = {
    "neg": (cs.neg, lambda x: -x),
    "sin": (cs.sin, anp.sin),
    "cos": (cs.cos, anp.cos),
    "tanh": (cs.tanh, anp.tanh),
    "sigmoid": (cs.sigmoid, lambda x: 0.5 * (1 + anp.tanh(0.5 * x))),
    "relu": (cs.relu, lambda x: anp.where(x > 0, x, 0.0)),
    "abs": (cs.abs, anp.abs),
    "exp": (lambda x: cs.exp(cs.sin(x)), lambda x: anp.exp(anp.sin(x))),
    "log": (lambda x: cs.log(x * x + 1.5), lambda x: anp.log(x * x + 1.5)),
    "sqrt": (lambda x: cs.sqrt(cs.abs(x) + 0.7), lambda x: anp.sqrt(anp.abs(x) + 0.7)),
    "square": (lambda x: cs.tanh(x) ** 2, lambda x: anp.tanh(x) ** 2),
    "softplus": (cs.softplus, lambda x: anp.logaddexp(0.0, x)),
    "arctan": (cs.arctan, anp.arctan),
}
BINARY = {
    "add": (cs.add, lambda a, b: a + b),
    "sub": (cs.sub, lambda a, b: a - b),
    "mul": (lambda a, b: a * cs.tanh(b), lambda a, b: a * anp.tanh(b)),
    "div": (lambda a, b: a / (b * b + 1.3), lambda a, b: a / (b * b + 1.3)),
    "max": (cs.max, anp.maximum),
    "min": (cs.min, anp.minimum),
    "pow": (
        lambda a, b: (cs.abs(a) + 0.6) ** cs.tanh(b),
        lambda a, b: (anp.abs(a) + 0.6) ** anp.tanh(b),
    ),
    "scaled": (lambda a, b: a * 0.3 + 1.7 * b, lambda a, b: a * 0.3 + 1.7 * b),
}
SHAPES = [(), (3,), (2, 3), (2, 1), (1, 3)]


class Program:
    """A list of steps over a growing list of wires; a step names an operation and the wires it takes."""

    def __init__(self, shapes, parameters, steps, outputs, seed):
        random = np.random.default_rng(seed)
        self.names = [f"x{i}" for i in range(len(shapes))]
        self.places = [random.uniform(-2, 2, shape) if shape else float(random.uniform(-2, 2)) for shape in shapes]
        self.parameters = set(self.names[:parameters])
        self.steps = steps
        self.pulls = {f"out{i}": float(random.uniform(-2, 2)) for i in range(len(outputs))}
        self.outputs = outputs

    @property
    def inputs(self):
        return {n: v for n, v in zip(self.names, self.places, strict=True) if n not in self.parameters}

    def circuit(self):
        circuit = cs.Circuit("random")
        wires = [
            circuit.parameter(name, value) if name in self.parameters else circuit.input(name)
            for name, value in zip(self.names, self.places, strict=True)
        ]
        for operation, operands in self.steps:
            gate = (UNARY.get(operation) or BINARY[operation])[0]
            wires.append(gate(*(wires[i % len(wires)] for i in operands)))
        for name, index in zip(self.pulls, self.outputs, strict=True):
            circuit.output(name, wires[index % len(wires)])
        return circuit

    def pulled_sum(self, places):
        """Return the sum of all outputs, each times its pull, with autograd's functions."""
        wires = list(places)
        for operation, operands in self.steps:
            function = (UNARY.get(operation) or BINARY[operation])[1]
            wires.append(function(*(wires[i % len(wires)] for i in operands)))
        return sum(
            pull * anp.sum(wires[index % len(wires)])
            for pull, index in zip(self.pulls.values(), self.outputs, strict=True)
        )


def programs(most_steps=20, shapes=SHAPES, without=()):
    """Return a strategy for programs; a step makes up to four gates."""
    wire = st.integers(0, 1000)
    unary, binary = sorted(set(UNARY) - set(without)), sorted(set(BINARY) - set(without))
    step = st.one_of(
        st.tuples(st.sampled_from(unary), st.tuples(wire)),
        st.tuples(st.sampled_from(binary), st.tuples(wire, wire)),
        # the newest wires, so that circuits grow deep as well as wide
        st.tuples(st.sampled_from(binary), st.tuples(st.just(-1), wire)),
        st.tuples(st.sampled_from(unary), st.tuples(st.just(-1))),
    )
    return st.builds(
        Program,
        shapes=st.lists(st.sampled_from(shapes), min_size=1, max_size=4),
        parameters=st.integers(0, 2),
        steps=st.lists(step, min_size=1, max_size=most_steps),
        outputs=st.lists(st.one_of(st.just(-1), wire), min_size=1, max_size=3),
        seed=st.integers(0, 2**32 - 1),
    )
