"""The checks that people run on gates, optimizers and penalties of their own: what they find and what passes."""

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.testing import check_gate, check_rule


def own(forward, *rules, **facts):
    made = cs.gate(name="own", **facts)(forward)
    for port, rule in enumerate(rules):
        made.vjp(port)(rule)
    return made


TABLE = np.linspace(-1.0, 1.0, 12).reshape(4, 3)


@pytest.mark.parametrize(("gate", "inputs", "attributes"), [
    (cs.stack, [1.0, 2.0, 3.0], {}),
    (cs.stack, [TABLE, 2.0 * TABLE], {"axis": 1}),
    (cs.concat, [[1.0], [2.0, 3.0]], {"axis": np.int64(0)}),
    (cs.reshape, [TABLE], {"shape": (np.int64(2), -1)}),
    (cs.take, [TABLE], {"indices": [0, 0, 2], "axis": 0}),
    (cs.embedding, [TABLE, [3.0, 0.0, 3.0]], {}),
    (cs.dropout, [TABLE, 4.0], {"rate": 0.3}),
    (cs.where, [[1.0, 0.0, 1.0], TABLE, 0.5], {}),
    (cs.one_hot, [[0.0, 2.0]], {"classes": 3}),
    (cs.matmul, [TABLE, TABLE.T], {}),
    (cs.matmul, [TABLE, [1.0, 2.0, 3.0]], {}),
    (cs.max, [1.0, [2.0, 0.5]], {}),
    (cs.equal, [1.0, [2.0, 1.0]], {}),
])  # fmt: skip
def test_families_attributes_and_inputs_that_choose(gate, inputs, attributes):
    assert check_gate(gate, *inputs, **attributes) < 1e-7


def test_ports_that_choose_with_these_inputs_are_left_out():
    def pick(table, row):
        return table * (np.arange(4.0)[:, None] >= row)

    gate = own(pick, lambda gradient, output, table, row: pick(gradient, row), lambda *_: 0.0)
    assert check_gate(gate, TABLE, 2.0, ports=[0]) < 1e-7
    with pytest.raises(cs.GateError, match="vjp of port 1"):
        check_gate(gate, TABLE, 2.0)
    with pytest.raises(cs.GateError, match="has no port 2"):
        check_gate(gate, TABLE, 2.0, ports=[np.int64(2)])


def test_a_family_with_a_wrong_rule_is_found(monkeypatch):
    family = cs.stack.for_inputs(2)
    monkeypatch.setattr(family, "vjps", list(reversed(family.vjps)))
    with pytest.raises(cs.GateError, match=r"the vjp of port 0 \(x1\) of gate 'stack' gives"):
        check_gate(cs.stack, 1.0, 2.0)


def right(gradient, output, x):
    return gradient * 2.0


def doubled(**facts):
    return own(lambda x: 2.0 * x, right, **facts)


def with_code(*texts, **more):
    gate = doubled(elementwise=True)
    gate.code(*texts, **more)
    return gate


def shaped(rule):
    gate = doubled()
    gate.shape(rule)
    return gate


counted = []
WRONG = {
    "flat": (lambda: own(lambda x, y: x * y, lambda g, o, x, y: g * y, lambda g, o, x, y: g * x, flat=["y"]),
             "vjp of port 1"),
    "elementwise": (lambda: own(lambda x: x**3, lambda g, o, x: g * 3 * x * x, elementwise=True), r"write x\*x\*x"),
    "shape": (lambda: shaped(lambda x: (7,)), r"shape rule of gate 'own' says \(7,\), its function gives \(2,\)"),
    "code": (lambda: with_code("x + x + 1.0", "gradient * 2.0"), "code of gate 'own' for .* gives .*, its function"),
    "code of a rule": (lambda: with_code("x + x", "gradient * 3.0"), "its vjp of port 0 gives"),
    "code at odd numbers": (lambda: with_code("2.0 * x if x == x else 0.0", "gradient * 2.0", of="numbers"), "x = nan"),
    "impure": (lambda: own(lambda x: x + float(len(counted)) + (counted.append(0) or 0.0), right), "let it be pure"),
    "in place": (lambda: own(lambda x: 2.0 * x, lambda g, o, x: np.multiply(g, 2.0, out=g)), "writes in place"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "words"), WRONG.values(), ids=WRONG)
def test_facts_that_are_not_so_are_found(make, words):
    gate = make()
    inputs = [[0.5, -1.5], [2.0, 3.0]][: gate.arity]
    with pytest.raises(cs.GateError, match=words):
        check_gate(gate, *inputs)


def test_facts_that_are_so_pass():
    gate = with_code("x + x", "gradient * 2.0")
    gate.code("multiply(2.0, x)", None, of="arrays")
    assert check_gate(gate, 0.5) < 1e-8
    assert check_gate(gate, [0.5, -1.0]) < 1e-8


@pytest.mark.parametrize("rule", [
    cs.SGD(0.1), cs.SGD(lambda count: 0.1 / (1 + count)), cs.Momentum(0.1), cs.Nesterov(0.1), cs.AdaGrad(0.1),
    cs.RMSProp(0.1), cs.Adam(0.1), cs.AdamW(0.1), cs.AMSGrad(0.1), cs.L1(0.5), cs.L2(0.5), cs.GroupL2(0.5),
    cs.GroupL2(0.5, axis=-1),
])  # fmt: skip
def test_the_rules_of_this_package_pass(rule):
    check_rule(rule)


class Own(cs.SGD):
    def __init__(self, move):
        super().__init__(0.1)
        self.move = move

    def respond(self, value, gradient, state, count):
        return self.move(self, value, gradient), state


class Counting:
    """State outside the parameter's memory."""

    def __init__(self):
        self.turn = 0.0

    def __call__(self, rule, value, gradient):
        self.turn += 1.0
        return value + self.turn * gradient


class Spring(cs.L2):
    def pull(self, value):
        return -(value**3)


class Shrinking(cs.L1):
    def __init__(self, shrink):
        super().__init__(0.5)
        self.how = shrink

    def shrink(self, value, step):
        return self.how(None, value, step)


def add_in_place(rule, value, gradient):
    value += gradient
    return value


@pytest.mark.parametrize(("rule", "words"), [
    (Own(lambda rule, value, gradient: value + gradient if gradient < 1.0 else value), "fails on an array .* np.where"),
    (Own(lambda rule, value, gradient: value + gradient**3), r"a number and to an element of an array: .* x\*x\*x"),
    (Own(lambda rule, value, gradient: value + gradient / (1.0 + np.sum(np.abs(gradient)))), "to an element of an"),
    (Own(lambda rule, value, gradient: value + gradient * (1.0 + (np.size(value) == 5))), "in Simulation and in Comp"),
    (Own(lambda rule, value, gradient: np.sum(value)), r"gives shape \(\) to a parameter of shape"),
    (Own(Counting()), "different bits the first time and when it is asked again"),
    (Own(add_in_place), "writes in place"),
    (Spring(1.0), "a number and to an element"),
    (Shrinking(lambda spring, value, step: value / (1.0 + np.sqrt(np.sum(value * value)))), "to an element of an"),
    (Shrinking(add_in_place), "writes in place"),
    (Shrinking(lambda spring, value, step: np.sum(value)), r"gives shape \(\) to a parameter of shape"),
    (cs.SGD, "is no rule: give an optimizer with start and respond"),
    ("sgd", "'sgd' is no rule"),
])  # fmt: skip
def test_rules_that_engines_cannot_rely_on_are_found(rule, words):
    with pytest.raises(cs.InputError, match=words):
        check_rule(rule)
