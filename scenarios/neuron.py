"""A neuron with two inputs, f = σ(a·x + b·y + c): pull on it, let its inputs give way, and it fires more strongly.

Then the same neuron learns: a point of class +1 pulls its score up by the probability that the neuron gives to -1, a
point of class -1 pulls it down by the probability of +1, and only the parameters give way. With --iterations 0 it is
pulled just once, as in the guide, and that is what --save shows.
"""

import circuitsim as cs
from circuitsim.cli import training
from circuitsim.cli.scenarios import Json, Report, Seed, play

STEP = 0.01
GUIDE = {"a": "-0.105", "b": "0.315", "c": "0.105", "x": "0.105", "y": "0.210"}


def main(
    iterations: training.Iterations = 400,
    step: training.Step = None,
    penalty: training.Penalty = None,
    data: training.Data = "guide",
    axes: training.Axes = None,
    standardize: training.Standardize = None,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: training.SaveTraining = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    circuit = cs.Circuit("neuron")
    a, b, c, x, y = circuit.inputs("a b c x y")
    circuit.output("f", cs.sigmoid(a * x + b * y + c))
    simulation = cs.Simulation(circuit)

    start = {"a": 1.0, "b": 2.0, "c": -3.0, "x": -1.0, "y": 3.0}
    run = simulation.run(start)
    moved = {name: value + STEP * run.gradients[name] for name, value in start.items()}
    after = simulation.run(moved)

    report = Report("neuron", seed, {"outputs": after.outputs, "gradients": run.gradients})
    report.table(
        "f = σ(a·x + b·y + c)",
        "wire | value | gradient | the guide's gradient | after one step",
        [(name, start[name], run.gradients[name], GUIDE[name], moved[name]) for name in start]
        + [("f", run.outputs["f"], "pulled with 1", "", after.outputs["f"])],
    )
    report.note("The guide has f = 0.8808 before and 0.8825 after the step; to five digits it is 0.88255.")
    if iterations:
        step, penalty = training.settle(step, penalty)
        points = training.open_data(data, seed)
        training.train(
            report, cs.neuron(len(points.features), seed=seed), cs.forces.logistic, points,
            training.Setting(iterations, step, penalty, engine, standardize), axes=axes, save=save,
        )  # fmt: skip
    else:
        report.results |= {"iterations": 0, "parameters": {name: moved[name] for name in ("a", "b", "c")}}
        if save:
            run.save(save)
    return report


if __name__ == "__main__":
    play(main)
