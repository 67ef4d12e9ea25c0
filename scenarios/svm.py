"""A support vector machine learns to part two classes: score = a·x + b·y + c, pulled until each side is clear.

A point whose score is on the wrong side of its margin pulls on the circuit with +1 or -1, the parameters go where they
are pulled, and springs draw the weights back towards zero.

With the guide's setting (--as-in-the-guide) the springs are so strong that the best line gets only five of its six
points right. This is the share of 200 seeds that get all six right after 400 iterations (--survey, and --survey
--as-in-the-guide for its smaller steps):

    springs               1      0.1     0.01
    steps of 0.01     4.5 %   92.5 %     98 %
    steps of 0.05      66 %    100 %    100 %
"""

import circuitsim as cs
from circuitsim.cli import training
from circuitsim.cli.scenarios import Json, Report, Seed, play


def build(data: cs.Dataset) -> cs.Circuit:
    """Return the circuit, with the guide's names and first parameters if the points lie in a plane."""
    if len(data.features) != 2:
        return cs.linear(len(data.features), init="zero")
    circuit = cs.Circuit("svm")
    x, y = circuit.inputs("x y")
    a, b, c = circuit.parameters(a=1.0, b=-2.0, c=-1.0)
    circuit.output("score", a * x + b * y + c)
    return circuit


def main(
    iterations: training.Iterations = 400,
    step: training.Step = None,
    penalty: training.Penalty = None,
    data: training.Data = "guide",
    axes: training.Axes = None,
    standardize: training.Standardize = None,
    engine: training.EngineName = "compiled",
    as_in_the_guide: training.AsInTheGuide = False,
    survey: training.Survey = False,
    seed: Seed = 0,
    save: training.SaveTraining = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    step, penalty = training.settle(step, penalty, as_in_the_guide)
    points = training.open_data(data, seed)
    report = Report("svm", seed, {})
    setting = training.Setting(iterations, step, penalty, engine, standardize)
    if survey:
        training.survey(report, lambda seed: build(points), cs.forces.svm, points, setting, save)
    else:
        training.train(report, build(points), cs.forces.svm, points, setting, axes=axes, save=save)
    return report


if __name__ == "__main__":
    play(main)
