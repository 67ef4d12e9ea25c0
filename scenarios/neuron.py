"""A neuron with two inputs, f = σ(a·x + b·y + c): pull on it, let its inputs give way, and it fires more strongly."""

import circuitsim as cs
from circuitsim.scenario import Json, Report, Save, Seed, play

STEP = 0.01
GUIDE = {"a": "-0.105", "b": "0.315", "c": "0.105", "x": "0.105", "y": "0.210"}


def main(seed: Seed = 0, save: Save = None, as_json: Json = False) -> Report:
    """Run the scenario."""
    circuit = cs.Circuit("neuron")
    a, b, c, x, y = circuit.inputs("a b c x y")
    circuit.output("f", cs.sigmoid(a * x + b * y + c))
    simulation = cs.Simulation(circuit)

    start = {"a": 1.0, "b": 2.0, "c": -3.0, "x": -1.0, "y": 3.0}
    run = simulation.run(start)
    moved = {name: value + STEP * run.gradients[name] for name, value in start.items()}
    after = simulation.run(moved)

    weights = {name: moved[name] for name in ("a", "b", "c")}
    report = Report(
        "neuron",
        seed,
        {"iterations": 1, "outputs": after.outputs, "gradients": run.gradients, "parameters": weights},
    )
    report.table(
        "f = σ(a·x + b·y + c)",
        "wire | value | gradient | the guide's gradient | after one step",
        [(name, start[name], run.gradients[name], GUIDE[name], moved[name]) for name in start]
        + [("f", run.outputs["f"], "pulled with 1", "", after.outputs["f"])],
    )
    report.note("The guide has f = 0.8808 before and 0.8825 after the step; to five digits it is 0.88255.")
    if save:
        run.save(save)
    return report


if __name__ == "__main__":
    play(main)
