"""Every expression of the guide's "Becoming a Backprop Ninja", each as a circuit beside its long-hand gradients.

The long-hand column is the guide's own derivation, computed in plain Python. Where the guide slips it is put
right: for x = 1/a it leaves out the incoming gradient, and its max would send the gradient to both inputs at a tie.
"""

import math

import circuitsim as cs
from circuitsim.cli.scenarios import Json, Report, Save, Seed, play
from circuitsim.gates.differences import relative_error
from circuitsim.gates.value import Value
from circuitsim.learning import check_gradients

a, b, c, d, x, y = 1.5, -2.0, 4.0, 0.5, -1.0, 3.0
VALUES = {"a": a, "b": b, "c": c, "d": d, "x": x, "y": y}

SIGMOID = 1 / (1 + math.exp(-(a * x + b * y + c)))
SLOPE = SIGMOID * (1 - SIGMOID)
SQUARED = (a * b + c) * d

# expression: the gradients as the guide derives them, for a pull of 1
LONGHAND = {
    "a * b": {"a": b, "b": a},
    "a + b": {"a": 1.0, "b": 1.0},
    "a + b + c": {"a": 1.0, "b": 1.0, "c": 1.0},
    "a * b + c": {"a": b, "b": a, "c": 1.0},
    "sig(a*x + b*y + c)": {"a": x * SLOPE, "x": a * SLOPE, "b": y * SLOPE, "y": b * SLOPE, "c": SLOPE},
    "a * a": {"a": 2 * a},
    "a*a + b*b + c*c": {"a": 2 * a, "b": 2 * b, "c": 2 * c},
    "pow((a * b + c) * d, 2)": {
        "a": b * d * 2 * SQUARED,
        "b": a * d * 2 * SQUARED,
        "c": d * 2 * SQUARED,
        "d": (a * b + c) * 2 * SQUARED,
    },
    "1 / a": {"a": -1 / (a * a)},
    "(a + b) / (c + d)": {
        "a": 1 / (c + d),
        "b": 1 / (c + d),
        "c": -(a + b) / (c + d) ** 2,
        "d": -(a + b) / (c + d) ** 2,
    },
    "max(a, b)": {"a": 1.0 if a >= b else 0.0, "b": 1.0 if b > a else 0.0},
    "relu(a)": {"a": 1.0 if a > 0 else 0.0},
}


def main(seed: Seed = 0, save: Save = None, as_json: Json = False) -> Report:
    """Run the scenario."""
    rows: list[tuple[Value | str, ...]] = []
    outputs, gradients, worst = {}, {}, 0.0
    for text, longhand in LONGHAND.items():
        circuit = cs.parse(text)
        inputs = {name: VALUES[name] for name in circuit.names("input")}
        simulation = cs.Simulation(circuit)
        run = simulation.run(inputs)
        outputs[text], gradients[text] = run.outputs["f"], run.gradients
        numerical = check_gradients(simulation, inputs)
        worst = max(worst, numerical.worst, *(relative_error(run.gradients[name], longhand[name]) for name in inputs))
        for name, slope in run.gradients.items():
            first = name == next(iter(inputs))
            rows.append((text if first else "", outputs[text] if first else "", f"d{name}", slope, longhand[name]))
        if save and text.startswith("pow"):
            run.save(save)

    report = Report(
        "ninja",
        seed,
        {"iterations": 0, "outputs": outputs, "gradients": gradients, "parameters": {}, "worst_error": worst},
    )
    report.table(
        "a = 1.5, b = -2, c = 4, d = 0.5, x = -1, y = 3", "expression | value | wire | circuit | by hand", rows
    )
    report.note(f"Largest difference between the circuits, the hand and central differences: {worst:.0e}")
    return report


if __name__ == "__main__":
    play(main)
