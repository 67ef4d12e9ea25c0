"""Shows that an installation works: ``python -m circuitsim.testing``, in any folder."""

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import circuitsim
from circuitsim.circuit.expression import parse
from circuitsim.compiled import Compiled
from circuitsim.simulation import Simulation

INPUTS = {"a": 1.0, "b": 2.0, "c": -3.0, "x": -1.0, "y": 3.0}
OUTPUT = 1 / (1 + math.exp(-2.0))
SLOPE = OUTPUT * (1 - OUTPUT)
GRADIENTS = {"a": -SLOPE, "b": 3 * SLOPE, "c": SLOPE, "x": SLOPE, "y": 2 * SLOPE}


def main() -> None:
    """Run both engines, draw a picture, write a page, and play a scenario; exit with 1 and a line if one fails."""
    neuron = parse("sigmoid(a*x + b*y + c)")
    simulated, compiled = Simulation(neuron), Compiled(neuron)
    gradients = []
    for engine in (simulated, compiled):
        name = type(engine).__name__
        _expect(math.isclose(engine.forward(INPUTS)["f"], OUTPUT), f"{name} goes forward wrongly")
        gradients.append(found := engine.backward())
        _expect(all(math.isclose(found[wire], due) for wire, due in GRADIENTS.items()), f"{name} goes back wrongly")
    _expect(gradients[0] == gradients[1], "the engines differ")
    with tempfile.TemporaryDirectory() as folder:
        run = simulated.run(INPUTS)
        for file, part in (("neuron.svg", "</svg>"), ("neuron.html", "new Player")):
            run.save(Path(folder, file))
            _expect(part in Path(folder, file).read_text(encoding="utf-8"), f"{file} is not what it should be")
        played = subprocess.run(
            [sys.executable, "-m", "circuitsim", "run", "neuron", "--json"],
            capture_output=True, text=True, encoding="utf-8", cwd=folder, check=False,
        )  # fmt: skip
        _expect(played.returncode == 0, f"the scenario 'neuron' failed: {played.stderr}")
        _expect(round(json.loads(played.stdout)["outputs"]["f"], 5) == 0.88255, "the scenario 'neuron' is wrong")
    print(f"circuitsim {circuitsim.__version__} works: both engines, a picture, a page and a scenario")


def _expect(fine: bool, otherwise: str) -> None:
    if not fine:
        raise SystemExit(f"circuitsim {circuitsim.__version__} does not work: {otherwise}")


if __name__ == "__main__":
    main()
