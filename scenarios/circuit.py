"""Two gates, f = (x + y) × z: the chain rule as messages between actors."""

import circuitsim as cs
from circuitsim.cli.scenarios import Json, Report, Save, Seed, play

STEP = 0.01


def main(seed: Seed = 0, save: Save = None, as_json: Json = False) -> Report:
    """Run the scenario."""
    circuit = cs.Circuit("two gates")
    x, y, z = circuit.inputs("x y z")
    circuit.output("f", (x + y) * z)
    simulation = cs.Simulation(circuit)

    start = {"x": -2.0, "y": 5.0, "z": -4.0}
    run = simulation.run(start)
    moved = {name: value + STEP * run.gradients[name] for name, value in start.items()}
    after = simulation.run(moved)

    report = Report(
        "circuit",
        seed,
        {"iterations": 1, "outputs": after.outputs, "gradients": run.gradients, "parameters": {}},
    )
    report.table(
        "f = (x + y) × z",
        "wire | value | gradient | the guide's gradient | after one step",
        [
            ("x", start["x"], run.gradients["x"], "-4", moved["x"]),
            ("y", start["y"], run.gradients["y"], "-4", moved["y"]),
            ("z", start["z"], run.gradients["z"], "3", moved["z"]),
            ("f", run.outputs["f"], "pulled with 1", "", after.outputs["f"]),
        ],
    )
    report.note("The guide has f = -12 before and -11.5924 after the step.")
    report.note("\nHow x came by its gradient:\n" + run.explain("x"))
    if save:
        run.save(save)
    return report


if __name__ == "__main__":
    play(main)
