"""The cost of a support vector machine as one circuit: what each example costs, and what pulling it down does.

The guide's cost function adds up a hinge for each of three examples and the squares of the weights. Here each of them
is a wire of one circuit, which is pulled with -1.
"""

import circuitsim as cs
from circuitsim.cli.scenarios import Json, Report, Save, Seed, play

POINTS = [(1.2, 0.7, 1.0), (-0.3, 0.5, -1.0), (3.0, 2.5, 1.0)]  # x, y, label
ALPHA = 0.1
STEP = 0.01
GUIDE = ["0.440", "1.370", "0.000"]


def build() -> cs.Circuit:
    """Return the circuit of the cost."""
    circuit = cs.Circuit("cost")
    w0, w1, w2 = circuit.parameters(w0=0.1, w1=0.2, w2=0.3)
    costs = []
    for number, (x, y, label) in enumerate(POINTS):
        score = circuit.gate(cs.gates.add, w0 * x + w1 * y, w2, name=f"score{number}")
        costs.append(circuit.gate(cs.gates.relu, 1.0 - label * score, name=f"cost{number}"))
    springs = circuit.gate(cs.gates.mul, ALPHA, cs.square(w0) + cs.square(w1), name="springs")
    circuit.output("total", costs[0] + costs[1] + costs[2] + springs)
    return circuit


def main(seed: Seed = 0, save: Save = None, as_json: Json = False) -> Report:
    """Run the scenario."""
    simulation = cs.Simulation(build())
    run = simulation.run(gradient=-1.0)
    start = simulation.parameters
    simulation.set_parameters({name: value + STEP * run.gradients[name] for name, value in start.items()})
    after = simulation.run(gradient=-1.0)

    costs = [run.value(f"cost{number}") for number in range(len(POINTS))]
    report = Report(
        "loss",
        seed,
        {
            "iterations": 1,
            "outputs": after.outputs,
            "loss": run.outputs["total"],
            "costs": costs,
            "springs": run.value("springs"),
            "gradients": run.gradients,
            "parameters": simulation.parameters,
        },
    )
    report.table(
        "L = Σ max(0, 1 - label · score) + 0.1 · (w0² + w1²)",
        "example | label | score | cost | the guide's cost",
        [
            (f"({x:g}, {y:g})", label, run.value(f"score{number}"), costs[number], GUIDE[number])
            for number, (x, y, label) in enumerate(POINTS)
        ]
        + [("springs", "", "", run.value("springs"), "0.005"), ("total", "", "", run.outputs["total"], "1.815")],
    )
    report.table(
        "pulled with -1",
        "parameter | value | pull that it feels | after one step",
        [(name, value, run.gradients[name], simulation.parameters[name]) for name, value in start.items()]
        + [("total", run.outputs["total"], "", after.outputs["total"])],
    )
    report.note("The first example is on the right side already, and still costs 0.44: its score is within the margin.")
    if save:
        run.save(save)
    return report


if __name__ == "__main__":
    play(main)
