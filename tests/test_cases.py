"""Cases from outside, run on every engine: see cases/README.md for the schema and the sources."""

import json
from pathlib import Path

import numpy as np
import pytest

import circuitsim as cs

FOLDER = Path(__file__).parent / "cases"


def load():
    for path in sorted(FOLDER.glob("*.json")):
        for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
            if case["kind"] == "graph" and not case.get("policy_dependent"):
                yield pytest.param(case, id=case["id"])


def build(case):
    """Return the case's circuit, with every wire that can be differentiated under its own name."""
    circuit = cs.Circuit(case["id"])
    wires = {name: circuit.input(name) for name in case["inputs"]}
    for out, operation, arguments, *rest in case["program"]:
        inputs = [wires[a] if isinstance(a, str) else a for a in arguments]
        attributes = rest[0] if rest else {}
        wires[out] = circuit.gate(cs.gates.registry[operation], *inputs, name=out, **attributes)
    circuit.output("out", wires[case["output"]])
    return circuit


def close(actual, expected, case):
    np.testing.assert_allclose(actual, expected, rtol=case["tol"]["rtol"], atol=case["tol"]["atol"])


@pytest.mark.parametrize("case", list(load()))
def test_case(engine, case):
    runner = engine(build(case), nonfinite="ignore")
    outputs = runner.forward(case["inputs"])
    gradients = runner.backward(case["seed_grad"] if case.get("seed_grad") is not None else 1.0)
    if case["output"] in case["expected"]["values"]:
        close(outputs["out"], case["expected"]["values"][case["output"]], case)
    for name, expected in case["expected"]["grads"].items():
        close(gradients[name], expected, case)


@pytest.mark.parametrize("case", list(load()))
def test_wires_between(case):
    """The trace of a run has the value and gradient of every wire in the middle."""
    pull = case["seed_grad"] if case.get("seed_grad") is not None else 1.0
    run = cs.Simulation(build(case), nonfinite="ignore").run(case["inputs"], gradient=pull)
    for name, expected in case["expected"]["values"].items():
        close(run.value(name), expected, case)
    for name, expected in case["expected"].get("wire_grads", {}).items():
        close(run.gradient(name), expected, case)
