"""Attributes of gates: what is none of its kind is told when a gate is wired or called, in one sentence."""

import json

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.gates import attributes, registry
from tests.both import again
from tests.test_random_circuits import assert_same_bits

WRONG = {
    "alpha": ["a", None, 1j], "approximate": ["tan", None, 1], "axes": [0, "ab", [0.5]],
    "axis": [0.5, "x", [None], True],
    "causal": [1, "yes", None],
    "classes": [0, -1, 1.5, None], "cols": [[0.5], "a", None, [[0], [0, 1]]], "ddof": [-1, 0.5, None],
    "epsilon": [0.0, -1e-5, "a", np.nan], "groups": [0, -1, 1.5, "a", None],
    "indices": [[1.7], ["a"], None], "keepdims": [1, "yes", None],
    "kernel": [0, (1, 0), (1, 2, 3), 1.5, "ab"], "pad": [-1, (1, -1), (1, 2, 3), ((1, 2), (1,)), 0.5],
    "rate": [1.0, -0.1, "a", np.nan], "rows": [[0.5], "a", None], "seed": [-1, 0.5, "a"],
    "shape": [-2, (1, -2), 1.5, "ab", None], "slices": [1.5, "a", {}], "slope": ["a", None],
    "stride": [0, (1, 0), (1, 2, 3), 1.5], "value": ["a", None, [1.0]], "widths": [-1, (1, 2, 3), [(1,)], 0.5, None],
}  # fmt: skip

PAIRS = [(gate, name) for gate in dict.fromkeys(registry.values()) if gate.built_in for name in gate.attributes]


def test_each_attribute_has_its_kind():
    assert {name for _, name in PAIRS} == set(attributes._KINDS) == set(WRONG)


@pytest.mark.parametrize(("gate", "name"), PAIRS, ids=lambda thing: getattr(thing, "name", thing))
def test_what_is_none_of_its_kind_is_told(gate, name):
    gate = gate.for_inputs(1)
    given = {"rows": [0], "cols": [0], "indices": [0], "shape": (1,), "classes": 2, "slices": 0, "widths": 1}
    for wrong in WRONG[name]:
        chosen = {key: given[key] for key in gate.required} | {name: wrong}
        wires = [cs.Circuit().input("x")] + [1.0] * (gate.arity - 1)
        for inputs in (wires, [1.0] * gate.arity):
            with pytest.raises(cs.GateError, match=rf"^{name} of {gate.name} is .*: give ") as caught:
                gate(*inputs, **chosen)
            assert len(str(caught.value)) < 200


@pytest.mark.parametrize(("call", "words"), [
    (lambda: cs.concat(1), r"^concat cannot take shapes \(\): numbers have no axis to be joined along"),
    (lambda: cs.matmul(1, 2), r"^matmul cannot take shapes \(\) and \(\): both must have an axis at least$"),
    (lambda: cs.add([1, 2], [1, 2, 3]),
     r"^add cannot take shapes \(2,\) and \(3,\): they do not broadcast, make them equal$"),
    (lambda: cs.conv2d(1, 2), "give images of"), (lambda: cs.slice(1.0, slices=0), "too many indices"),
    (lambda: cs.take([1], indices=[7]), "there is no element 7 in 1"), (lambda: cs.sum([1], axis=1), "no axis 1"),
    (lambda: cs.layer_norm(1, 2, 3), "there is no axis -1"), (lambda: cs.embedding(1.0, 0), "a table has rows"),
    (lambda: cs.conv2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)), stride=None), "stride of conv2d is None: give"),
    (lambda: cs.batch_norm(np.ones((0, 3)), 1.0, 0.0), "there are no numbers to take the mean of"),
    (lambda: cs.pad([1.0], widths=[]), r"widths=\[\] are for 0 axes: give a pair for each of 1"),
    (lambda: cs.var([1.0], ddof=1), "1 numbers are too few with ddof=1: give 2 or more"),
    (lambda: cs.dropout([1.0], [0.0, 1.0]), "give one whole number|the draw is one number"),
])  # fmt: skip
def test_a_gate_called_with_numbers_says_what_it_cannot_take(call, words):
    with pytest.raises(cs.CircuitSimError, match=words):
        call()


@pytest.mark.parametrize("draw", [0.5, np.nan, np.inf, [0.0]])
def test_a_draw_is_one_whole_number(engine, draw):
    circuit = cs.Circuit()
    circuit.output("f", cs.dropout(circuit.input("x"), circuit.input("draw")))
    with pytest.raises(cs.InputError, match=r"dropout was given the draw .*: give one whole number"):
        engine(circuit, nonfinite="ignore").forward({"x": [1.0, 2.0], "draw": draw})


@pytest.mark.parametrize(("gate", "inputs", "given"), [
    (cs.conv2d, [(1, 2, 5, 6), (3, 2, 2, 3)], {"stride": (1, 2), "pad": (1, 0)}),
    (cs.conv2d, [(1, 2, 5, 6), (3, 2, 2, 3)], {"pad": ((0, 1), (2, 0))}),
    (cs.max_pool2d, [(1, 2, 6, 6)], {"kernel": (3, 2), "stride": (2, 1)}),
    (cs.avg_pool2d, [(1, 2, 6, 6)], {"kernel": (3, 2), "stride": (2, 1)}),
    (cs.pad, [(2, 3)], {"widths": ((1, 0), (2, 1))}), (cs.broadcast_to, [(1, 3)], {"shape": (2, 2, 3)}),
    (cs.var, [(2, 3)], {"axis": (0, 1), "ddof": 2}),
])  # fmt: skip
def test_lists_stand_for_tuples(engine, gate, inputs, given):
    """JSON has only lists."""
    found = []
    values = {f"x{n}": np.cos(np.arange(np.prod(shape))).reshape(shape) for n, shape in enumerate(inputs)}
    for told in (given, json.loads(json.dumps(given))):
        circuit = cs.Circuit()
        circuit.output("f", gate(*circuit.inputs(list(values)), **told))
        found.append(again(engine(circuit), values))
    for one, other in zip(*found, strict=True):
        assert_same_bits(one, other)
