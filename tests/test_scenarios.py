"""Every scenario: run as a file and by name, its output as committed, its numbers as the guide's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from circuitsim.cli import scenarios

ROOT = Path(__file__).parent.parent
EXPECTED = Path(__file__).parent / "scenarios"
NAMES = list(scenarios.summaries())
#: Those of tests/test_practice.py, which runs them in one process: each would take seconds to import what it learns.
PRACTICE = {
    "debug", "denoise", "depth", "dying", "multiclass", "optimizers", "regression", "sparsity", "tsne", "tune",
    "unbalanced", "word2vec", "words",
}  # fmt: skip
EACH = [pytest.param(name, marks=[pytest.mark.slow] * (name in PRACTICE)) for name in NAMES]


def call(*command, cwd=ROOT):
    done = subprocess.run(
        [sys.executable, "-W", "error", *command],
        capture_output=True, text=True, encoding="utf-8", cwd=cwd, timeout=300, check=False,
        env={**os.environ, "COLUMNS": "100", "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def plain(text):
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


@pytest.mark.parametrize("name", EACH)
def test_prints_what_was_committed(name):
    """To accept a new output, write it to tests/scenarios/NAME.out and read the difference."""
    printed = plain(call(f"scenarios/{name}.py"))
    assert printed == (EXPECTED / f"{name}.out").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in {"digits", "workers"} | PRACTICE)) for name in NAMES],
)
def test_runs_by_name_from_anywhere_with_the_same_numbers(name, tmp_path):
    by_name = call("-m", "circuitsim", "run", name, "--seed", "3", "--json", cwd=tmp_path)
    by_file = call(f"scenarios/{name}.py", "--seed", "3", "--json")
    assert by_name == by_file
    result = json.loads(by_name)
    assert result["scenario"] == name
    assert result["seed"] == 3
    assert {"iterations", "parameters"} <= result.keys()
    assert {"outputs", "objective"} & result.keys() or {"accuracy", "loss"} <= result.keys()


@pytest.mark.parametrize("name", EACH)
def test_has_a_docstring_and_saves(name, tmp_path):
    assert scenarios.summaries()[name]
    call("-m", "circuitsim", "run", name, "--save", "seen.svg", cwd=tmp_path)
    assert (tmp_path / "seen.svg").stat().st_size > 5000


def result(name, *options):
    return json.loads(call("-m", "circuitsim", "run", name, "--json", *options))


def test_gate_gives_the_guides_numbers():
    found = result("gate")
    assert found["gradients"] == {"x": 3.0, "y": -2.0}
    assert found["outputs"]["f"] == pytest.approx(-5.8706, abs=1e-12)
    assert found["numerical_gradient"] == pytest.approx({"x": 3.0, "y": -2.0}, abs=1e-6)
    assert -6 < found["local_search"]["output"] < -5.95
    assert result("gate", "--seed", "1")["local_search"] != found["local_search"]


def test_circuit_gives_the_guides_numbers():
    found = result("circuit")
    assert found["gradients"] == {"x": -4.0, "y": -4.0, "z": 3.0}
    assert found["outputs"]["f"] == pytest.approx(-11.5924, abs=1e-12)


def test_neuron_gives_the_guides_numbers():
    found = result("neuron")
    assert {n: round(g, 3) for n, g in found["gradients"].items()} == {
        "a": -0.105, "b": 0.315, "c": 0.105, "x": 0.105, "y": 0.210,
    }  # fmt: skip
    assert round(found["outputs"]["f"], 5) == 0.88255


def test_ninja_agrees_with_the_hand_and_with_differences():
    assert result("ninja")["worst_error"] < 1e-8


@pytest.mark.slow
def test_digits_are_read_by_any_engine():
    found = result("digits")
    assert found["accuracy"] >= 0.97
    assert sum(map(sum, found["confusion"])) == 449
    small = [result("digits", "--iterations", "20", "--engine", engine) for engine in ("compiled", "simulation")]
    assert small[0].pop("engine") != small[1].pop("engine")
    assert small[0] == small[1]


@pytest.mark.parametrize("name", ["neuron", "svm", "mlp"])
def test_training_ends_with_the_same_bits_on_any_engine(name):
    compiled, simulated = (result(name, "--iterations", "60", "--engine", e) for e in ("compiled", "simulation"))
    assert (compiled.pop("engine"), simulated.pop("engine")) == ("compiled", "simulation")
    assert compiled == simulated
