"""Gates against PyTorch's: outputs, gradients and running statistics; tests/gates/make.py made the numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.gates import registry
from tests.both import ENGINES
from tests.gates import make
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
