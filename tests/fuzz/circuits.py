"""Random circuits: both engines, the simulation whatever its times, and autograd; JSON, and learning by a rule."""

import math

import autograd
import autograd.numpy as anp
import numpy as np

import circuitsim as cs
from tests.fuzz.agreement import ENGINES, bits, run_both
from tests.fuzz.rules import random_penalties, random_rule
from tests.programs import BINARY, UNARY

SHAPES = [(), (), (3,), (2, 3), (2, 1), (1, 3), (1,), (3, 2), (2, 2, 3)]


class Wiring:
    """A random circuit, made step by step, and what autograd makes of the same steps.

    Attributes
    ----------
    circuit : Circuit
    places : list
        The values of inputs and parameters.
    names : list of str
        Their names.
    outputs : dict of str to int
        The number of the step that each output shows.
    """

    def __init__(self, random):
        self.random = random
        self.circuit = cs.Circuit(random.choice(["c", "a circuit", "ü\n", "{0}%s"]))
        self.wires, self.steps, self.found = [], [], []
        self.places, self.names, self.parameters = [], [], []
        for number in range(random.randint(1, 5)):
            self._leaf(f"x{number}")
        if random.random() < 0.3:
            self._constant()
        for _ in range(random.choice([1, 3, 8, 20, 60])):
            self._step()
        count = random.choice([1, 1, 2, 4])
        self.outputs = {f"out{n}": random.choice([-1, random.randrange(len(self.wires))]) for n in range(count)}
        for name, number in self.outputs.items():
            self.circuit.output(name, self.wires[number])

    def _leaf(self, name):
        shape = self.random.choice(SHAPES)
        value = np.array([self.random.uniform(-2, 2) for _ in range(math.prod(shape))]).reshape(shape)
        value = value if shape else float(value)
        if self.random.random() < 0.4:
            wire = self.circuit.parameter(name, value)
            self.parameters.append(name)
        else:
            declared = self.random.choice([None, shape, tuple(self.random.choice([None, n]) for n in shape)])
            wire = self.circuit.input(name, declared)
        number = len(self.places)
        self._add(wire, lambda places, found: places[number], value)
        self.places.append(value)
        self.names.append(name)

    def _constant(self):
        value = self.random.choice([0.0, 1.0, -2.5, np.array([1.0, 0.0, -0.5])])
        self._add(self.circuit.constant(value), lambda places, found: value, value)

    def _add(self, wire, step, value):
        self.wires.append(wire)
        self.steps.append(step)
        self.found.append(value)

    def _step(self):
        """Add a random operation, if it fits what it meets."""
        random = self.random
        one, other = (random.choice([-1, random.randrange(len(self.wires))]) % len(self.wires) for _ in range(2))
        a, b = self.found[one], self.found[other]
        kind = random.random()
        if kind < 0.3:
            build, compute = random.choice(list(UNARY.values()))
            self._unary(one, build, compute)
        elif kind < 0.65 and _broadcast(np.shape(a), np.shape(b)):
            build, compute = random.choice(list(BINARY.values()))
            self._binary(one, other, build, compute)
        elif kind < 0.75 and _multiplies(a, b):
            self._binary(one, other, lambda x, y: cs.tanh(x) @ y, lambda x, y: anp.matmul(anp.tanh(x), y))
        elif kind < 0.8 and np.shape(a) == np.shape(b):
            axis = random.randint(0, np.ndim(a))
            self._binary(one, other, lambda x, y: cs.stack(x, y, axis=axis), lambda x, y: anp.stack([x, y], axis=axis))
        elif kind < 0.85 and np.ndim(a) and np.shape(a) == np.shape(b):
            axis = random.randrange(-np.ndim(a), np.ndim(a))
            self._binary(
                one, other, lambda x, y: cs.concat(x, y, axis=axis), lambda x, y: anp.concatenate([x, y], axis=axis)
            )
        elif np.ndim(a):
            self._reshaping(one, a)

    def _reshaping(self, one, a):
        random = self.random
        axis = random.choice([None, random.randrange(-np.ndim(a), np.ndim(a))])
        along = random.randrange(np.ndim(a))
        keep = random.random() < 0.5
        place = (slice(None),) * along + (random.choice([0, -1, slice(0, 1), slice(None, None, -1)]),)
        build, compute = random.choice(
            [
                (lambda x: cs.sum(x, axis=axis, keepdims=keep), lambda x: anp.sum(x, axis=axis, keepdims=keep)),
                (lambda x: cs.mean(x, axis=axis, keepdims=keep), lambda x: anp.mean(x, axis=axis, keepdims=keep)),
                (lambda x: cs.reshape(x, shape=(-1,)), lambda x: anp.reshape(x, (-1,))),
                (lambda x: cs.transpose(x), anp.transpose),
                (lambda x: cs.softmax(x, axis=along), lambda x: _softmax(x, along)),
                (lambda x: cs.logsumexp(x, axis=along), lambda x: anp.log(anp.sum(anp.exp(x), axis=along))),
                (lambda x: x[place], lambda x: x[place]),
            ]
        )
        self._unary(one, build, compute)

    def _unary(self, one, build, compute):
        self._keep(lambda: build(self.wires[one]), lambda places, found: compute(found[one]))

    def _binary(self, one, other, build, compute):
        self._keep(
            lambda: build(self.wires[one], self.wires[other]), lambda places, found: compute(found[one], found[other])
        )

    def _keep(self, build, compute):
        """Add a step whose numbers are moderate."""
        with np.errstate(all="ignore"):
            value = compute(self.places, self.found)
        if np.size(value) <= 300 and np.all(np.abs(value) < 50):
            self._add(build(), compute, value)

    @property
    def inputs(self):
        values = dict(zip(self.names, self.places, strict=True))
        return {name: values[name] for name in self.names if name not in self.parameters}

    def pulled_sum(self, pulls):
        """Return the function of places that is the sum of all outputs, times what pulls on them."""

        def compute(places):
            found = []
            for step in self.steps:
                found.append(step(places, found))
            return sum(anp.sum(pull * found[self.outputs[name]]) for name, pull in pulls.items())

        return compute


def attempt(random, folder):
    made = Wiring(random)
    shown = {name: made.found[number] for name, number in made.outputs.items()}
    pulled = random.sample(sorted(shown), random.randint(1, len(shown)))
    pulls = {name: _pull(random, shown[name]) for name in pulled}
    settings = {
        "gate_delay": random.choice([1.0, 0, lambda name: random.choice([0, 0.1, random.expovariate(0.5)])]),
        "wire_latency": random.choice([1.0, 0, 0.1, lambda source, target: random.choice([0, random.random()])]),
        "trace": random.choice([True, False]),
    }
    result, wrong = run_both(made.circuit, made.inputs, pulls, **settings)
    if wrong or isinstance(result, Exception):
        return _told(made, pulls, wrong or f"a right circuit is refused: {result}")
    outputs, gradients = result
    for name, value in shown.items():
        if not _near(outputs[name], value):
            return _told(made, pulls, f"output {name} is {outputs[name]!r}, and {value!r} by NumPy")
    with np.errstate(all="ignore"):
        slopes = autograd.grad(made.pulled_sum(pulls))(made.places) if _depends(made, pulls) else None
    for name, slope in zip(made.names, slopes or map(np.zeros_like, made.places), strict=True):
        if not _near(gradients[name], slope):
            return _told(made, pulls, f"the gradient of {name} is {gradients[name]!r}, and {slope!r} by autograd")
    again = cs.Circuit.from_json(made.circuit.to_json())
    if again.to_json() != made.circuit.to_json():
        return _told(made, pulls, "its JSON is another one after a round trip")
    other, wrong = run_both(again, made.inputs, pulls)
    if wrong or isinstance(other, Exception) or bits(other) != bits(result):
        return _told(made, pulls, f"{wrong or other!r} after a round trip through JSON")
    return _told(made, pulls, _learns_alike(random, made, pulls))


def _told(made, pulls, wrong):
    return wrong and f"{wrong}\ninputs {made.inputs!r}, pulls {pulls!r}\n{made.circuit.to_json()}"


def _pull(random, value):
    kind = random.choice(["one", "number", "like"])
    if kind == "one":
        return 1.0
    if kind == "number" or not np.shape(value):
        return random.uniform(-2, 2)
    return np.array([random.uniform(-2, 2) for _ in range(np.size(value))]).reshape(np.shape(value))


def _depends(made, pulls):
    """Tell whether what is pulled depends on any input: if not, autograd warns."""
    sources = {made.circuit.outputs[name] for name in pulls}
    leaves = set(made.names)
    graph = made.circuit.graph
    seen = set()
    while sources:
        seen |= sources
        sources = {before for node in sources for before in graph.predecessors(node)} - seen
    return bool(seen & leaves)


def _near(one, other):
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-9, atol=1e-9)


def _broadcast(a, b):
    """Tell whether two shapes can meet."""
    return all(n == m or 1 in (n, m) for n, m in zip(a[::-1], b[::-1], strict=False))


def _multiplies(a, b):
    """Tell whether matmul takes two."""
    if not np.ndim(a) or not np.ndim(b) or np.shape(a)[-1] != np.shape(b)[-2 if np.ndim(b) > 1 else -1]:
        return False
    return _broadcast(np.shape(a)[:-2], np.shape(b)[:-2])


def _softmax(x, axis):
    powers = anp.exp(x)
    return powers / anp.sum(powers, axis=axis, keepdims=True)


def _learns_alike(random, made, pulls):
    """Let both engines update by a rule, and hold what parameters remember against each other."""
    if not made.parameters:
        return None
    rule, penalties = random_rule(random), random_penalties(random, made.parameters)
    engines = [engine(made.circuit, nonfinite="ignore") for engine in ENGINES]
    for number in range(4):
        for engine in engines:
            if number == 0:
                engine.learn(rule, penalties)
            engine.forward(made.inputs)
            engine.backward(pulls)
            engine.update()
        one, other = ([list(entry) for entry in engine.memory.values()] for engine in engines)
        if bits(one) != bits(other):
            return f"after update {number + 1} of {rule!r}, {penalties!r}: {one!r} and {other!r}"
    return None
