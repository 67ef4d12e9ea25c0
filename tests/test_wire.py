"""A wire between Python's signs and NumPy's functions: what becomes a gate, and what is refused in which words."""

import copy
import math
import pickle

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.gates import registry
from circuitsim.gates.gate import numpy_gates

X, Y = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]]), np.array([[0.5, 2.0, -1.0], [1.0, 1.0, 3.0]])

CALLS = {
    "ufunc of one": lambda x, y: np.exp(x), "two wires": lambda x, y: np.maximum(x, y),
    "number": lambda x, y: np.add(x, 1), "number first": lambda x, y: np.subtract(2.0, x),
    "mean": lambda x, y: np.mean(x), "axis": lambda x, y: np.sum(x, axis=0),
    "axis by place": lambda x, y: np.sum(x, 1), "keepdims": lambda x, y: np.mean(x, axis=1, keepdims=True),
    "var": lambda x, y: np.var(x, 0), "max": lambda x, y: np.max(x, axis=-1), "min": lambda x, y: np.min(y),
    "abs": lambda x, y: abs(x), "matmul": lambda x, y: x @ y.T, "np.matmul": lambda x, y: np.matmul(x, np.transpose(y)),
    "slice": lambda x, y: x[0:1], "element": lambda x, y: x[1, 2], "T": lambda x, y: x.T, "plus": lambda x, y: +x,
    "array < wire": lambda x, y: np.array([1.0, 0.0, -1.0]) < x, "array * wire": lambda x, y: np.ones(3) * x,
    "array @ wire": lambda x, y: np.ones((4, 2)) @ x, "float64 * wire": lambda x, y: np.float64(2.0) * x,
    "where": lambda x, y: np.where(x > y, x, y), "clip": lambda x, y: np.clip(x, -0.5, 1.0),
    "reshape": lambda x, y: np.reshape(x, (3, -1)), "ravel": lambda x, y: np.reshape(x, -1),
    "transpose": lambda x, y: np.transpose(x, (1, 0)), "take": lambda x, y: np.take(x, [0, 0, 1], axis=1),
    "stack": lambda x, y: np.stack([x, y], axis=1), "concatenate": lambda x, y: np.concatenate((x, y), axis=-1),
    "mixed": lambda x, y: np.stack([x, np.ones((2, 3))]), "square": lambda x, y: np.square(x) / np.sqrt(np.abs(y)),
    "none told": lambda x, y: np.sum(x, axis=None, out=None),
}  # fmt: skip
COMPARISONS = {
    "==": lambda x, y: x == y, "!=": lambda x, y: x != y, "<": lambda x, y: x < y, "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y, ">=": lambda x, y: x >= y, "== number": lambda x, y: x == 0.5,
    "array ==": lambda x, y: np.ones(3) == x, "np.equal": lambda x, y: np.equal(x, y),
    "np.less": lambda x, y: np.less(1.0, x), "np.not_equal": lambda x, y: np.not_equal(x, y),
}  # fmt: skip


@pytest.mark.parametrize("call", [*CALLS.values(), *COMPARISONS.values()], ids=[*CALLS, *COMPARISONS])
def test_what_python_and_numpy_mean_is_wired_up(engine, call):
    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    circuit.output("f", call(x, y))
    inputs = {"x": X, "y": Y}
    found, expected = engine(circuit).forward(inputs)["f"], np.asarray(call(X, Y), float)
    assert np.shape(found) == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_a_function_of_numpy_adds_the_one_gate_that_says_so():
    for function, gate in numpy_gates.items():
        assert gate.numpy is function
        assert registry[gate.name] is gate
    circuit = cs.Circuit()
    np.mean(np.exp(circuit.input("x")), axis=0)
    assert circuit.names("gate") == ["exp1", "mean1"]
    assert circuit.graph.nodes["mean1"]["attributes"] == {"axis": 0}


def test_a_users_gate_may_stand_for_a_function(engine, monkeypatch):
    monkeypatch.delitem(numpy_gates, np.cbrt, raising=False)

    @cs.gate(numpy=np.cbrt)
    def root(x):
        return np.cbrt(x)

    circuit = cs.Circuit()
    circuit.output("f", np.cbrt(circuit.input("x")))
    assert engine(circuit).forward({"x": 8.0}) == {"f": 2.0}
    assert circuit.names("gate") == ["root1"]
    del numpy_gates[np.cbrt]


REFUSED = {
    "dot": (lambda x, y: np.dot(x, y), "np.dot takes no wires, because there is no gate for it: write x @ y"),
    "average": (lambda x, y: np.average(x), r"np.average takes no wires, .*: write np.mean\(x\)"),
    "inner": (lambda x, y: np.inner(x, y), r"write np.sum\(x \* y\)"),
    "norm": (lambda x, y: np.linalg.norm(x), r"np.linalg.norm takes no wires, .* np.sqrt\(np.sum\(x \* x\)\)"),
    "floor": (lambda x, y: np.floor(x), r"np.floor takes no wires, .* define one with @cs.gate\(numpy=...\)"),
    "take flat": (lambda x, y: np.take(x, 0), "np.take of a wire needs axis="),
    "correction": (lambda x, y: np.var(x, correction=1), "np.var takes no correction= with wires: the gate is var"),
    "out": (lambda x, y: np.exp(x, out=np.zeros(3)), "np.exp takes no out= with wires"),
    "dtype": (lambda x, y: np.add(x, y, dtype=float), "np.add takes no dtype= with wires"),
    "reduce": (lambda x, y: np.add.reduce(x), "np.add.reduce takes no wires: write np.sum"),
    "outer": (lambda x, y: np.multiply.outer(x, y), "np.multiply.outer takes no wires"),
    "where": (lambda x, y: np.where(x), "np.where needs 3 inputs with wires: condition, a, b"),
    "open": (lambda x, y: np.add(x, None), "a function of NumPy was given None beside a wire"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "words"), REFUSED.values(), ids=REFUSED)
def test_what_no_gate_does_is_refused_by_name(call, words):
    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    with pytest.raises(cs.GateError, match=words) as caught:
        call(x, y)
    assert isinstance(caught.value, TypeError)
    assert circuit.names("gate") == []


NO_VALUE = {
    "bool": (lambda x: bool(x), "neither true nor false .* choose between wires with where, max or min"),
    "float": (lambda x: float(x), "is no number .* write np.exp"),
    "int": (lambda x: int(x), "is no number"),
    "math": (lambda x: math.exp(x), r"is no number before a value flows: write np.exp\(x\) or cs.exp\(x\)"),
    "range": (lambda x: range(x), "is no number"),
    "len": (lambda x: len(x), r"of no known length before a value flows: ask circuit.shapes\(\)"),
    "iter": (lambda x: list(x), r"is not iterable before a value flows: take its elements one by one, x\[0\]"),
    "unpack": (lambda x: [a for a, _ in [x]], "is not iterable"), "stack": (lambda x: np.stack(x), "is not iterable"),
    "in": (lambda x: 1.0 in x, "is not iterable"),
    "array": (lambda x: np.array([x, x]), r"is no array before a value flows: put wires side by side with cs.stack"),
    "asarray": (lambda x: np.asarray(x), "is no array"),
    "sum of a list": (lambda x: np.sum([x, x]), "is no array"),
    "None": (lambda x: x == None, "compared with None: write `x is None`"),  # noqa: E711
}  # fmt: skip


@pytest.mark.parametrize(("use", "words"), NO_VALUE.values(), ids=NO_VALUE)
def test_a_wire_is_no_value(use, words):
    circuit = cs.Circuit("c")
    with pytest.raises(cs.WireError, match=words) as caught:
        use(circuit.input("x"))
    assert isinstance(caught.value, TypeError)
    assert circuit.names("gate") == []


def test_wires_are_keys_and_members_by_what_they_are():
    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    assert {x: 1, y: 2}[y] == 2
    assert x in {x, y}
    assert y not in {x}
    assert x in [x, y]  # the first that is looked at
    assert circuit.names("gate") == []
    with pytest.raises(cs.WireError, match="to ask whether two wires are one, write x is y"):
        assert y in [x]


def test_wires_are_copied_and_pickled():
    circuit = cs.Circuit()
    x = circuit.input("x")
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        twin.circuit.output("f", twin * 2.0)
        assert cs.Simulation(twin.circuit).forward({"x": 3.0}) == {"f": 6.0}
    assert list(circuit.graph) == ["x"]


def test_a_rule_of_a_family_is_right_on_wires(engine):
    """Where it asked NumPy to take a part of a wire, it once was handed the wire itself."""
    rule = cs.stack.for_inputs(3).vjps[1]
    circuit = cs.Circuit()
    gradient, output, *parts = circuit.inputs("gradient output a b c")
    circuit.output("share", rule(gradient, output, *parts, axis=1))
    values = {"gradient": np.arange(6.0).reshape(2, 3), "output": 0.0, "a": 0.0, "b": 0.0, "c": 0.0}
    assert engine(circuit).forward(values)["share"].tolist() == [1.0, 4.0]


def named():
    """Return a circuit of two gates and a parameter, and its wires."""
    circuit = cs.Circuit("named")
    x, a = circuit.input("x"), circuit.parameter("a", 3.0)
    q = cs.add(x, a, name="q")
    f = q * x
    circuit.output("f", f)
    return circuit, x, a, q, f


def as_wires(circuit, x, a, q, f):
    """Yield what can be asked with wires, and the same with names."""
    run, compiled = cs.Simulation(circuit).run({x: 2.0}), cs.Compiled(circuit)
    stream = cs.Simulation(circuit, cs.Plan(2)).stream([{x: 2.0}])
    for ask in (run.value, run.gradient, run.explain, lambda w: str(run.paths(w)), run.trace.node, stream.value):
        yield ask(q), ask("q")
    compiled.forward({x: 2.0})
    compiled_gradients = compiled.backward({f: 2.0})
    yield compiled_gradients, cs.Simulation(circuit).run({"x": 2.0}, gradient={"f": 2.0}).gradients
    for ask in (compiled.value, compiled.gradient):
        yield ask(q), ask("q")
    yield run.gradients[x], run.gradients["x"]
    simulation = cs.Simulation(circuit)
    simulation.set_parameters({a: 5.0})
    yield simulation.parameters, {"a": 5.0}
    yield cs.Simulation(circuit).run({"x": 2.0}, gradient={f: 2.0}).gradients, compiled_gradients
    for asked, expected in (
        ({"gate_delay": {q: 3.0}}, {"gate_delay": {"q": 3.0}}),
        ({"wire_latency": {(x, q): 3.0}}, {"wire_latency": {("x", "q"): 3.0}}),
        ({"wire_latency": {x: 3.0}}, {"wire_latency": {"x": 3.0}}),
    ):
        yield cs.Simulation(circuit, **asked).run(x=2.0).time, cs.Simulation(circuit, **expected).run(x=2.0).time
    yield cs.place(circuit, {"one": q, "two": [f]}), cs.place(circuit, {"one": "q", "two": ["mul1"]})
    yield cs.place(circuit, 1, cost={q: 2.0}), cs.place(circuit, 1, cost={"q": 2.0})
    yield cs.Plan({"one": [q], "two": f}), cs.Plan({"one": ["q"], "two": "mul1"})
    yield cs.Costs(bytes={q: 3.0}), cs.Costs(bytes={"q": 3.0})
    yield cs.L2(0.1, on=[a]).on, ["a"]
    learner = cs.Simulation(circuit, cs.Plan(2, update="async"))
    learner.learn(cs.SGD(0.1), cs.L2(0.1, on=[a]))
    timeline = learner.stream([{"x": 1.0}] * 3).timeline
    yield timeline.staleness(a), timeline.staleness("a")


def test_a_wire_is_taken_wherever_a_name_is():
    for number, (found, expected) in enumerate(as_wires(*named())):
        assert found == expected, number


def test_a_wire_of_another_circuit_is_refused():
    circuit, *_ = named()
    other = cs.Circuit("other").input("x")
    engine, run = cs.Compiled(circuit), cs.Simulation(circuit).run(x=1.0)
    engine.forward({"x": 1.0})
    for ask in (run.value, run.explain, engine.value, lambda w: engine.forward({w: 1.0})):
        with pytest.raises(cs.WireError, match="wire 'x' is of circuit 'other': give one of circuit 'named'"):
            ask(other)
