"""One multiply gate: three ways to find out how to raise its output.

Random local search tries moves and keeps the best. The numerical gradient moves one input at a time and sees
what the output does. The analytic gradient comes from pulling on the output: one pass back through the gate,
however many inputs there are.
"""

import circuitsim as cs
from circuitsim.cli.scenarios import Json, Report, Save, Seed, play
from circuitsim.learning import local_search, numerical_gradient

STEP = 0.01


def main(seed: Seed = 0, save: Save = None, as_json: Json = False) -> Report:
    """Run the scenario."""
    circuit = cs.Circuit("one multiply gate")
    x, y = circuit.inputs("x y")
    circuit.output("f", x * y)
    simulation = cs.Simulation(circuit)
    start = {"x": -2.0, "y": 3.0}

    best, highest = local_search(simulation, start, reach=STEP, tries=100, seed=seed)
    numerical = numerical_gradient(simulation, start, step=1e-4, method="forward")
    run = simulation.run(start)
    analytic = run.gradients
    moved = {name: value + STEP * analytic[name] for name, value in start.items()}
    after = simulation.run(moved)

    report = Report(
        "gate",
        seed,
        {
            "iterations": 1,
            "outputs": after.outputs,
            "gradients": analytic,
            "parameters": {},
            "local_search": {"inputs": best, "output": highest},
            "numerical_gradient": numerical,
        },
    )
    report.table(
        "f = x × y at x = -2, y = 3",
        "strategy | x | y | f | the guide's f",
        [
            ("start", start["x"], start["y"], run.outputs["f"], "-6"),
            ("1. random local search", best["x"], best["y"], highest, "-5.9588"),
            ("2. numerical gradient", numerical["x"], numerical["y"], "", "x 3, y -2"),
            ("3. analytic gradient", analytic["x"], analytic["y"], "", "x 3, y -2"),
            (f"   one step of {STEP} along it", moved["x"], moved["y"], after.outputs["f"], "-5.8706"),
        ],
    )
    report.note("Random local search keeps the best of 100 tries: f depends on the draw, here and in the guide.")
    report.note("The rows of strategies 2 and 3 show the gradient: how strongly f answers to x and to y.")
    if save:
        run.save(save)
    return report


if __name__ == "__main__":
    play(main)
