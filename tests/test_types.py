"""What a type checker, and so an editor, makes of a user's code: a gate called with a wire gives a wire."""

import re
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parent.parent

CODE = """
import numpy as np
import circuitsim as cs

@cs.gate(elementwise=True)
def bend(x: float) -> float:
    return x * x

@cs.gate
def plain(a: float, b: float) -> float:
    return a * b

x = cs.Circuit().input("x")
array = np.ones(3)
"""
WIRE, VALUE = "circuitsim.circuit.wire.Wire", "float | numpy.ndarray[...]"
EXPRESSIONS = {
    "cs.relu(x)": WIRE, "cs.add(x, 1.0)": WIRE, "cs.add(1.0, x)": WIRE, "cs.where(1.0, array, x)": WIRE,
    "cs.stack(x, x, x, x, axis=1)": WIRE, "bend(x)": WIRE, "plain(2.0, x)": WIRE, "x * 2.0 > x": WIRE, "x == 1.0": WIRE,
    "x.T @ x[0]": WIRE, "abs(-x)": WIRE, "cs.Circuit().gate(bend, x)": WIRE,
    "cs.relu(2.0)": VALUE, "bend(array)": VALUE, "cs.add(array, [1.0])": VALUE, "bend": "circuitsim.gates.gate.Gate",
}  # fmt: skip


@pytest.fixture(scope="module")
def revealed(tmp_path_factory):
    """What mypy says of each expression; it takes some seconds to read the package."""
    folder = tmp_path_factory.mktemp("types")
    file = folder / "user.py"
    file.write_text(CODE + "".join(f"reveal_type({expression})\n" for expression in EXPRESSIONS))
    told, errors, status = api.run(
        ["--strict", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(folder / "cache"), str(file)]
    )
    assert status == 0, told + errors
    found = re.findall(r'Revealed type is "(.*)"', told)
    return dict(zip(EXPRESSIONS, (re.sub(r"ndarray\[.*\]", "ndarray[...]", text) for text in found), strict=True))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_gate_called_with_a_wire_is_a_wire(revealed, expression):
    assert revealed[expression] == EXPRESSIONS[expression]
