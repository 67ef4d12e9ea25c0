"""The error function and the activations, against references that share no code with them."""

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.testing import check_gate
from circuitsim.testing.arithmetic import same_bits
from tests.both import ENGINES, again

ROOT_PI = Decimal("1.7724538509055160272981674833411451827975494561223871282138077898529113")


def exact_erf(x):
    """Return the error function as an exact series of integers gives it, for moderate `x`."""
    getcontext().prec = 60
    one = 1 << 300
    above, below = x.as_integer_ratio()
    term = total = one * above // below
    for n in range(1, 400):
        term = -term * above * above // (below * below * n)
        total += term // (2 * n + 1)
    return Decimal(total) / Decimal(one) * 2 / ROOT_PI


@given(st.floats(-6.0, 6.0).filter(lambda x: abs(x) > 1e-30))
def test_erf_is_within_two_units_in_the_last_place(x):
    exact = exact_erf(x)
    assert abs(Decimal(cs.erf(x)) - exact) <= 2 * Decimal(math.ulp(float(exact)))


@pytest.mark.parametrize("low", [1e-300, 1e-8, 0.1, 0.84, 0.85, 1.24, 1.26, 2.85, 2.86, 5.9, 6.1])
def test_erf_agrees_with_the_c_library(low):
    """Which has an error of its own below one unit."""
    for x in np.random.default_rng(0).uniform(low, 1.01 * low, 500).tolist():
        assert abs(cs.erf(x) - math.erf(x)) <= 2 * math.ulp(math.erf(x))
        assert cs.erf(-x) == -cs.erf(x)


def test_erf_at_its_edges():
    odd = [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 1e-310, 7.0, -1e308]
    expected = [0.0, -0.0, 1.0, -1.0, np.nan, 5e-324, -5e-324, math.erf(1e-310), 1.0, -1.0]
    assert same_bits(cs.erf(odd), expected)
    assert same_bits([cs.erf(x) for x in odd], expected)


ALL = [(cs.erf, {}), (cs.gelu, {}), (cs.gelu, {"approximate": "tanh"}), (cs.elu, {}), (cs.elu, {"alpha": 0.3}),
       (cs.leaky_relu, {}), (cs.leaky_relu, {"slope": 0.2}), (cs.identity, {})]  # fmt: skip


@pytest.mark.parametrize(("gate", "attributes"), ALL)
def test_rules_agree_with_central_differences(gate, attributes):
    """And numbers and elements of arrays, side by side or not, have the same bits."""
    assert check_gate(gate, [-7.0, -2.5, -1.0, -0.3, 0.4, 0.9, 1.3, 3.0, 7.0], **attributes) < 1e-8


@pytest.mark.parametrize(("gate", "attributes"), ALL)
@pytest.mark.parametrize("count", [1, 6])
def test_engines_give_the_same_bits(gate, attributes, count):
    """Six of a kind are computed as one by the compiled engine."""
    circuit = cs.Circuit()
    for number in range(count):
        circuit.output(f"f{number}", gate(circuit.input(f"x{number}"), **attributes))
    for xs in (np.linspace(-2, 2, count), np.linspace(-2, 2, 3 * count).reshape(count, 3)):
        inputs = {f"x{number}": x for number, x in enumerate(xs)}
        (one, other), (mine, own) = (again(engine(circuit), inputs) for engine in ENGINES)
        assert all(same_bits(one[name], mine[name]) for name in one)
        assert all(same_bits(other[name], own[name]) for name in other)


def test_two_of_a_kind_with_other_attributes_are_two_kinds(engine):
    circuit = cs.Circuit()
    for number in range(8):
        circuit.output(f"f{number}", cs.leaky_relu(circuit.input(f"x{number}"), slope=0.125 * number))
    outputs, gradients = again(engine(circuit), {f"x{number}": -1.0 for number in range(8)})
    assert list(outputs.values()) == [-0.125 * number for number in range(8)]
    assert list(gradients.values()) == [0.125 * number for number in range(8)]


def test_activations_have_the_values_of_their_formulas():
    x = np.array([-3.0, -1.0, 0.5, 2.0])
    normal = np.array([0.5 * (1.0 + math.erf(v / math.sqrt(2.0))) for v in x])
    np.testing.assert_allclose(cs.gelu(x), x * normal, rtol=1e-12)
    inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)
    np.testing.assert_allclose(cs.gelu(x, approximate="tanh"), 0.5 * x * (1.0 + np.tanh(inner)), rtol=1e-12)
    np.testing.assert_allclose(cs.elu(x, alpha=0.5), [0.5 * np.expm1(-3), 0.5 * np.expm1(-1), 0.5, 2.0], rtol=1e-15)
    assert cs.leaky_relu(x).tolist() == [-0.03, -0.01, 0.5, 2.0]
    assert cs.elu([-np.inf, 1e308]).tolist() == [-1.0, 1e308]


@pytest.mark.parametrize(("gate", "slope"), [(cs.elu, 1.0), (cs.leaky_relu, 0.01)])
def test_at_zero_the_gradient_is_that_of_what_is_below(gate, slope):
    assert gate.vjps[0](1.0, 0.0, 0.0) == slope
