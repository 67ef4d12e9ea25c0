"""Rules read as symbols: what can be read computes the same, what cannot is refused by its reason."""

import math

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.gates.gate import registry
from circuitsim.gates.symbols import OPERATIONS, SymbolError, check_reading, read_symbols
from circuitsim.views.javascript import TEXTS
from circuitsim.views.page_program import readings

SCALAR = sorted(
    name
    for name, gate in registry.items()
    if gate.built_in and name == gate.name and not gate.for_arrays and gate.shape_rule is not None
)


@pytest.mark.parametrize("name", SCALAR)
def test_every_scalar_gate_can_be_read(name):
    readings(registry[name], None, held=True)  # against 1,000 calls


def test_the_table_is_closed_and_printed_whole():
    assert set(OPERATIONS) == set(TEXTS)


def test_what_is_shared_is_there_once():
    def rule(x):
        t = np.tanh(x)
        return t * t + np.tanh(x)

    assert [node[0] for node in read_symbols(rule, ["x"]).nodes] == ["input", "tanh", "multiply", "add"]


def test_zero_keeps_its_sign():
    graph = read_symbols(lambda x: (x + 0.0, x + -0.0), ["x"])
    assert [math.copysign(1, value) for value in graph.compute(-0.0)] == [1, -1]


def test_rules_may_call_gates_and_attributes_are_constants():
    graph = read_symbols(lambda x: cs.sigmoid(x) * cs.clip(x, -1.0, 1.0), ["x"])
    assert graph.compute(3.0) == (cs.sigmoid(3.0),)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x if x > 0 else 0.0, "branches on a value"),
        (lambda x: math.sin(x), "branches on a value or makes another kind of number"),
        (lambda x: float(x), "makes another kind of number"),
        (lambda x: np.mean(x), "calls numpy.mean"),
        (lambda x: np.gcd(x, 2), "calls numpy.gcd"),
        (lambda x: np.add(x, 1, dtype=np.float64), "calls numpy.add with dtype"),
        (lambda x: np.add.reduce(x), "calls numpy.add with reduce"),
        (lambda x: (x > 0) + (x > 1), "calculates with two conditions"),
        (lambda x: np.where(x, 1.0, 2.0), "a number where a comparison is due"),
        (lambda x: x & 1.0, "a number where a comparison is due"),
        (lambda x: x.shape, r"looks at \.shape"),
        (lambda x: x[0], "takes an element"),
        (lambda x: x + "a", "calculates with a str"),
        (lambda x: x * True, "calculates with True or False"),
        (lambda x: cs.sum(x), "calls sum, which is for arrays"),
        (lambda x: {}["x"], "fails on symbols, KeyError"),
        (lambda x: x * np.random.default_rng().random(), "something else each time"),
        (lambda x: None, "calculates with a NoneType"),
    ],
)
def test_what_cannot_be_read(function, words):
    with pytest.raises(SymbolError, match=words):
        read_symbols(function, ["x"])


def test_what_remembers_its_calls():
    kept = []

    def remembers(x):
        kept.append(x)
        return kept[0] * 1.0

    with pytest.raises(SymbolError, match="earlier call"):
        read_symbols(remembers, ["x"])


def test_what_does_something_else_with_numbers():
    def cheats(x):
        return x * 2.0 if isinstance(x, float) else x * 3.0

    graph = read_symbols(cheats, ["x"])
    with pytest.raises(SymbolError, match="something else with numbers"):
        check_reading(cheats, graph)


def test_a_gate_of_ones_own_is_read_or_told():
    @cs.gate
    def swish_(x):
        return x * cs.sigmoid(x)

    @swish_.vjp(0)
    def _(gradient, output, x):
        s = cs.sigmoid(x)
        return gradient * (s + output * (1.0 - s))

    try:
        forward, shares = readings(swish_, None)
        assert forward.compute(2.0) == (swish_(2.0),)
        assert len(shares.outputs) == 1
        swish_.vjps[0] = lambda gradient, output, x: gradient if x > 0 else 0.0
        with pytest.raises(SymbolError, match="branches"):
            readings(swish_, None)
    finally:
        del registry["swish_"]
