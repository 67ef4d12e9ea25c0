"""Gates against PyTorch's: outputs, gradients and running statistics; tests/gates/make_gates.py made the numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.gates import registry
from tests.both import ENGINES
from tests.gates import make_gates as make
from tests.test_random_circuits import assert_same_bits

FOUND = json.loads((Path(make.__file__).with_name("numbers.json")).read_text(encoding="utf-8"))
CASES = [
    (gate, name, *case)
    for gate, cases in (
        ("conv2d", make.CONVOLUTIONS), ("scaled_dot_product_attention", make.ATTENTIONS), ("rms_norm", make.NORMS),
    )
    for name, case in cases.items()
]  # fmt: skip


@pytest.mark.parametrize(("gate", "name", "shapes", "attributes"), CASES)
def test_a_gate_has_the_numbers_of_pytorch(gate, name, shapes, attributes):
    given = [np.array(make.numbers(shape, seed)) for seed, shape in enumerate(shapes)]
    if gate == "scaled_dot_product_attention":
        given[3] = np.array(make.mask(shapes[3]))
    circuit = cs.Circuit()
    wires = [circuit.input(f"x{port}") for port in range(len(given))]
    circuit.output("f", circuit.gate(registry[gate], *wires, **attributes))
    inputs = {wire.name: value for wire, value in zip(wires, given, strict=True)}
    expected, found = FOUND[gate][name], []
    for engine in ENGINES:
        runner = engine(circuit)
        for _ in range(2):  # the second time from compiled code
            output = runner.forward(inputs)["f"]
            gradients = runner.backward(np.array(make.numbers(output.shape, 9)))
            found.append({"f": output, **gradients})
        np.testing.assert_allclose(output, expected["output"], rtol=1e-12, atol=1e-12)
        for port, slopes in enumerate(expected["gradients"]):
            np.testing.assert_allclose(gradients[f"x{port}"], slopes, rtol=1e-12, atol=1e-12)
    for other in found[1:]:
        assert_same_bits(found[0], other)


def images(seed, shape=(4, 3, 2, 2)):
    return np.array(make.numbers(shape, seed))


def normed():
    circuit = cs.Circuit("normed")
    x = circuit.input("x")
    with circuit.scope("norm"):
        scale, shift = circuit.parameters(scale=images(1, (3, 1, 1)), shift=images(2, (3, 1, 1)))
        circuit.gate(cs.batch_norm, x, scale, shift, name="normal", axis=(0, 2, 3))
    circuit.output("y", cs.Wire(circuit, "norm.normal"))
    return circuit


@pytest.mark.parametrize("engine", ENGINES)
def test_running_statistics_are_those_of_pytorch(engine):
    runner, statistics, found = engine(normed()), cs.RunningStatistics(make.MOMENTUM), FOUND["batch_norm"]
    for seed in range(make.BATCHES):
        runner.forward({"x": images(seed)})
        statistics.update(runner)
        for kept, expected in ((statistics.means, found["means"]), (statistics.variances, found["variances"])):
            np.testing.assert_allclose(np.ravel(kept["norm.normal"]), expected[seed], rtol=1e-13, atol=1e-13)
    single = engine(statistics.inference(runner))
    for image in (images(7, (1, 3, 2, 2)), images(7, (3, 2, 2))):
        output = single.forward({"x": image})["y"]
        assert output.shape == image.shape
        np.testing.assert_allclose(output, np.reshape(found["image"], output.shape), rtol=1e-12, atol=1e-12)


def test_without_momentum_they_are_those_of_all_batches():
    runner, statistics = cs.Compiled(normed()), cs.RunningStatistics(None)
    batches = np.stack([images(seed) for seed in range(5)])
    for batch in batches:
        runner.forward({"x": batch})
        statistics.update(runner)
    np.testing.assert_allclose(np.ravel(statistics.means["norm.normal"]), batches.mean(axis=(0, 1, 3, 4)), rtol=1e-12)


def test_a_circuit_for_single_examples_keeps_its_wiring():
    circuit = normed()
    y = cs.Wire(circuit, "norm.normal")
    w = circuit.parameter("w", 1.0)
    for _ in range(3):
        y = w * y + y * 0.1
    circuit.output("z", y)
    runner, statistics = cs.Compiled(circuit), cs.RunningStatistics()
    runner.set_parameters({"w": 0.3})
    runner.forward({"x": images(0)})
    statistics.update(runner)
    made = statistics.inference(runner)
    assert list(made.outputs) == ["y", "z"]
    assert cs.Compiled(made).parameters["w"] == 0.3
    for node in circuit.graph:
        assert list(made.graph.out_edges(node, keys=True)) == list(circuit.graph.out_edges(node, keys=True))


@pytest.mark.parametrize(("run", "words"), [
    (lambda s, e: s.inference(e), "there are no statistics of the batch norms of circuit 'normed' yet"),
    (lambda s, e: s.update(e), "has no values yet: run forward first"),
    (lambda s, e: (e.forward({"x": images(0, (1, 3, 1, 1))}), s.update(e)),
     "gate 'norm.normal' had one number to take"),
    (lambda s, e: s.update(cs.Compiled(cs.parse("x * y"))), "has no batch_norm to keep statistics of"),
    (lambda s, e: (blind := cs.Simulation(normed(), trace=False), blind.forward({"x": images(0)}), s.update(blind)),
     "a Simulation leaves no traces to look into: run the circuit with"),
    (lambda s, e: cs.RunningStatistics(0.0), "momentum is 0"), (lambda s, e: cs.RunningStatistics(2), "momentum is 2"),
])  # fmt: skip
def test_statistics_that_cannot_be(run, words):
    with pytest.raises(cs.InputError, match=words):
        run(cs.RunningStatistics(), cs.Compiled(normed()))
