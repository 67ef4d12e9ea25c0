"""Each gate against central differences, its edges, and the making of new ones."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.gates import finite_difference, registry
from circuitsim.gates.differences import relative_error
from circuitsim.gates.value import as_value, fit
from circuitsim.testing import check_gate
from tests.test_tensor import CASES

# where each gate is smooth: ranges for its inputs
DOMAINS = {
    "arccos": [(-0.9, 0.9)], "arcsin": [(-0.9, 0.9)], "arctan": [(-3, 3)], "cosh": [(-3, 3)], "expm1": [(-3, 3)],
    "log1p": [(-0.5, 3)], "reciprocal": [(0.5, 3)], "sinh": [(-3, 3)], "softplus": [(-3, 3)], "square": [(-3, 3)],
    "tan": [(-1, 1)], "elu": [(-3, 3)], "erf": [(-3, 3)], "gelu": [(-3, 3)], "identity": [(-3, 3)],
    "leaky_relu": [(0.1, 3)],
    "add": [(-3, 3)] * 2, "sub": [(-3, 3)] * 2, "mul": [(-3, 3)] * 2, "div": [(-3, 3), (0.5, 3)],
    "pow": [(0.2, 3), (-2, 2)], "neg": [(-3, 3)], "exp": [(-3, 3)], "log": [(0.2, 3)], "sqrt": [(0.2, 3)],
    "sin": [(-3, 3)], "cos": [(-3, 3)], "tanh": [(-3, 3)], "sigmoid": [(-3, 3)], "relu": [(0.1, 3)],
    "abs": [(-3, -0.1)], "max": [(-3, 0), (0.1, 3)], "min": [(-3, 0), (0.1, 3)], "greater": [(-3, 0), (0.1, 3)],
    "greater_equal": [(-3, 0), (0.1, 3)], "not_equal": [(-3, 0), (0.1, 3)], "less": [(-3, 0), (0.1, 3)],
    "less_equal": [(-3, 0), (0.1, 3)], "equal": [(-3, 0), (0.1, 3)],
}  # fmt: skip

SHAPES = [((), ()), ((4,), (4,)), ((2, 3), ()), ((), (3,)), ((2, 1), (3,)), ((2, 3), (1, 3))]


def test_every_gate_has_a_domain_here():
    assert set(DOMAINS) | {"maximum", "minimum", "sig"} | set(CASES) == set(registry)


@pytest.mark.parametrize("name", DOMAINS)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_gradient_agrees_with_central_difference(name, shapes):
    random = np.random.default_rng(0)
    inputs = [random.uniform(low, high, shape) for (low, high), shape in zip(DOMAINS[name], shapes, strict=False)]
    assert check_gate(registry[name], *inputs) < 1e-7


@pytest.mark.parametrize("name", DOMAINS)
def test_floats_and_array_elements_have_the_same_bits(name):
    random = np.random.default_rng(1)
    gate = registry[name]
    columns = [random.uniform(low, high, 500) for low, high in DOMAINS[name]]
    whole = gate(*columns)
    alone = [gate(*map(float, row)) for row in zip(*columns, strict=True)]
    if name == "pow":  # NumPy's power takes another path for one element of a long vector
        np.testing.assert_allclose(whole, alone, rtol=1e-15)
    else:
        assert whole.tolist() == alone


@pytest.mark.parametrize("name", DOMAINS)
@pytest.mark.parametrize("shape", [(), (3,)], ids=str)
def test_a_rule_given_wires_builds_the_circuit_that_computes_it(name, shape):
    random, gate = np.random.default_rng(2), registry[name]
    inputs = [as_value(random.uniform(low, high, shape)) for low, high in DOMAINS[name]]
    gradient, output = as_value(random.normal(size=shape)), as_value(gate(*inputs))
    for port, rule in enumerate(gate.vjps):
        circuit = cs.Circuit()
        share = rule(*circuit.inputs(["gradient", "output", *gate.ports]))
        if gate.ports[port] in gate.flat:
            assert isinstance(share, float)
            assert share == 0.0  # no circuit is needed
            continue
        circuit.output("share", share)
        values = dict(zip(circuit.names("input"), [gradient, output, *inputs], strict=True))
        found = cs.Simulation(circuit).forward(values)["share"]
        assert np.array_equal(found, as_value(rule(gradient, output, *inputs))), port


@pytest.mark.parametrize("x", [-745.0, -710.0, 0.0, 710.0, 745.0, 1e308, -1e308])
@pytest.mark.parametrize("gate", [cs.sigmoid, cs.tanh, cs.relu])
def test_squashing_gates_are_stable(gate, x):
    with np.errstate(all="raise", under="ignore"):
        y = gate.forward(x)
        slope = gate.vjps[0](1.0, as_value(y), x)
    assert np.isfinite(y)
    assert np.isfinite(slope)


def test_sigmoid_keeps_its_tail():
    assert cs.sigmoid(-745.0) == 5e-324
    assert cs.sigmoid(-40.0) == pytest.approx(4.248354255291589e-18, rel=1e-15)


@pytest.mark.parametrize(("gate", "to_first"), [(cs.max, 1.0), (cs.min, 1.0)])
def test_a_tie_belongs_to_the_first_input(gate, to_first):
    shares = [gate.vjps[port](1.0, 2.0, 2.0, 2.0) for port in (0, 1)]
    assert shares == [to_first, 0.0]


@pytest.mark.parametrize("gate", [cs.relu, cs.abs])
def test_no_gradient_passes_a_kink_at_zero(gate):
    assert gate.vjps[0](5.0, 0.0, 0.0) == 0.0


@pytest.mark.parametrize("gate", [cs.max, cs.min])
@pytest.mark.parametrize("inputs", [(np.nan, 1.0), (1.0, np.nan), ([np.nan, 1.0], [1.0, np.nan])])
def test_nan_passes_through_max_and_min(gate, inputs):
    assert np.isnan(gate(*inputs)).all()


def test_division_follows_ieee():
    assert cs.div(1, 0) == np.inf
    assert cs.div(-1, 0) == -np.inf
    assert np.isnan(cs.div(0, 0))


@pytest.mark.parametrize(("a", "b", "da", "db"), [
    (0.0, 0.0, 0.0, 0.0), (0.0, 2.0, 0.0, 0.0), (0.0, 1.0, 1.0, 0.0), (2.0, 0.0, 0.0, np.log(2.0)),
    (-2.0, 3.0, 12.0, np.nan),
])  # fmt: skip
def test_power_at_its_edges(a, b, da, db):
    run = cs.Simulation(cs.parse("a ** b"), nonfinite="ignore").run(a=a, b=b)
    assert run.gradients["a"] == pytest.approx(da)
    assert run.gradients["b"] == pytest.approx(db, nan_ok=True)


@given(
    shape=st.lists(st.integers(1, 3), max_size=3).map(tuple), extra=st.lists(st.integers(1, 3), max_size=2).map(tuple)
)
def test_fit_is_the_transpose_of_broadcasting(shape, extra):
    squeezed = tuple(1 if place % 2 else length for place, length in enumerate(shape))
    like = np.zeros(squeezed) if squeezed else 0.0
    gradient = np.arange(float(np.prod(extra + shape, dtype=int))).reshape(extra + shape)
    expected = [
        float(np.sum(gradient * np.broadcast_to(unit.reshape(squeezed), gradient.shape)))
        for unit in np.eye(int(np.prod(squeezed, dtype=int)))
    ]
    fitted = fit(as_value(gradient), like)
    assert np.shape(fitted) == squeezed
    assert np.ravel(fitted).tolist() == expected


def test_a_gate_of_ones_own_learns_and_wires_up():
    @cs.gate(symbol="softplus")
    def softplus(x):
        return np.logaddexp(0.0, x)

    @softplus.vjp(0)
    def _(gradient, output, x):
        return gradient * cs.sigmoid(x)

    assert check_gate(softplus, [-2.0, 0.5]) < 1e-8
    run = cs.Simulation(cs.parse("softplus(x) * 2")).run(x=0.0)
    assert run.outputs["f"] == pytest.approx(2 * np.log(2))
    assert run.gradients["x"] == pytest.approx(1.0)


def test_a_gate_with_attributes():
    @cs.gate
    def scale(x, *, by=1.0):
        return x * by

    @scale.vjp(0)
    def _(gradient, output, x, *, by=1.0):
        return gradient * by

    circuit = cs.Circuit()
    x = circuit.input("x")
    circuit.output("f", scale(x, by=3.0))
    run = cs.Simulation(circuit).run(x=2.0)
    assert (run.outputs["f"], run.gradients["x"]) == (6.0, 3.0)
    assert check_gate(scale, 2.0, by=3.0) < 1e-8
    with pytest.raises(cs.GateError, match=r"scale has no attribute 'to'; its attributes are: by"):
        scale(x, to=2)


def test_a_wrong_rule_is_found():
    @cs.gate
    def cube(x):
        return x**3

    with pytest.raises(cs.GateError, match=r"'cube' has no vjp for port 0 \(x\)"):
        check_gate(cube, 2.0)

    @cube.vjp(0)
    def _(gradient, output, x):
        return gradient * 2 * x

    with pytest.raises(cs.GateError, match="a central difference gives 12"):
        check_gate(cube, 2.0)
    with pytest.raises(cs.GateError, match=r"no port 1: its ports are \(x\)"):
        cube.vjp(1)
    with pytest.raises(cs.GateError, match="has no port an object of Unwritten, which cannot be written"):
        cube.vjp(Unwritten())
    for code in (("x", {}), ({}, None), (b"x", None)):
        with pytest.raises(cs.GateError, match=r"the code of gate 'cube' has .*: give texts or None"):
            cube.code(*code)
    with pytest.raises(cs.InputError, match="of='all' is unknown: use 'values', 'numbers', 'arrays' or 'matrices'"):
        cube.code("x", "x", of="all")


class Unwritten:
    def __repr__(self):
        raise RuntimeError


def test_differences_are_taken_of_whole_numbers_and_of_nothing_else_than_numbers():
    assert np.allclose(finite_difference(lambda v: v[0] * v[1], [2, 3]), [3.0, 2.0])
    for arguments in ((lambda v: v, 3.0), ("f", [3.0]), (abs, ["x"]), (abs, [1.0], 0.0), (abs, [1.0], 1e-5, "both")):
        with pytest.raises(cs.CircuitSimError):
            finite_difference(*arguments)


def test_a_missing_rule_is_named_when_a_circuit_needs_it():
    @cs.gate
    def floor(x):
        return np.floor(x)

    with pytest.raises(cs.GateError, match=r"'floor' has no vjp for port 0"):
        cs.Simulation(cs.parse("floor(x)")).run(x=1.5)


def test_the_last_gate_of_a_name_is_the_one_that_expressions_call():
    before = cs.parse("square(x)")

    @cs.gate
    def square(x):
        return -x * x

    assert cs.Simulation(cs.parse("square(x)")).forward({"x": 3})["f"] == -9.0
    assert cs.Simulation(before).forward({"x": 3})["f"] == 9.0


@pytest.mark.parametrize("function", [lambda *xs: 0.0, lambda: 0.0])
def test_a_gate_needs_named_ports(function):
    with pytest.raises(cs.GateError, match="port"):
        cs.gate(name="odd")(function)


def test_gates_pickle_by_reference():
    assert pickle.loads(pickle.dumps(cs.mul)) is cs.mul


@pytest.mark.parametrize("thing", ["1", None, 1j, [1, [2]], object(), {"a": 1}, "x" * 100])
def test_only_numbers_are_values(thing):
    with pytest.raises(cs.InputError, match="is not a number") as caught:
        as_value(thing)
    assert len(str(caught.value)) < 120


def test_numerical_gradient_of_an_array():
    slopes = finite_difference(lambda v: v[0] ** 2, [np.array([1.0, 2.0])], method="forward", step=1e-6)
    np.testing.assert_allclose(slopes[0], [2.0, 4.0], rtol=1e-5)


@pytest.mark.parametrize(
    ("a", "b", "error"),
    [
        (0.5, 0.25, 0.25),  # of small numbers the difference itself
        (4.0, 5.0, 0.2),
        (-4.0, 4.0, 2.0),
        ([1.0, 10.0], [1.0, 5.0], 0.5),
        (math.nan, math.nan, 0.0),
        (math.inf, math.inf, 0.0),
        (math.inf, 1.0, math.inf),
        (1.0, math.nan, math.inf),
        ([], [], 0.0),
    ],
)
def test_an_error_is_relative_to_the_larger_of_1_and_both(a, b, error):
    assert relative_error(a, b) == relative_error(b, a) == error
