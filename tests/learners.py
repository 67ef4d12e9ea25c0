"""What the tests of learning share: the guide's circuits under the guide's names, and trainers for them."""

import json
import random
from pathlib import Path

import circuitsim as cs

CASES = Path(__file__).parent / "cases"
NAMES = [f"{letter}{neuron}" for neuron in (1, 2, 3) for letter in "abc"] + ["a4", "b4", "c4", "d4"]
FORCES = [cs.forces.svm, cs.forces.squared_hinge, cs.forces.logistic, cs.forces.squared_error]
OPTIMIZERS = [cs.SGD(0.05), cs.Momentum(0.01), cs.Nesterov(0.01), cs.AdaGrad(0.1), cs.RMSProp(0.01), cs.Adam(0.02)]
OPTIMIZERS += [cs.AdamW(0.02), cs.AMSGrad(0.02)]


def case(family, name):
    cases = json.loads((CASES / f"{family}.json").read_text(encoding="utf-8"))["cases"]
    return next(case for case in cases if case["id"] == name)


def svm(a=1.0, b=-2.0, c=-1.0):
    circuit = cs.Circuit("svm")
    x, y = circuit.inputs("x y")
    a, b, c = circuit.parameters(a=a, b=b, c=c)
    circuit.output("score", a * x + b * y + c)
    return circuit


def network(start):
    """The guide's network under the guide's names."""
    circuit = cs.Circuit("network")
    x, y = circuit.inputs("x y")
    p = {name: circuit.parameter(name, start[name]) for name in NAMES}
    n1, n2, n3 = (cs.relu(p[f"a{k}"] * x + p[f"b{k}"] * y + p[f"c{k}"]) for k in (1, 2, 3))
    circuit.output("score", p["a4"] * n1 + p["b4"] * n2 + p["c4"] * n3 + p["d4"])
    return circuit


def trainer(engine, circuit, force=cs.forces.svm, optimizer=None, penalty=(), **options):
    return cs.Trainer(engine(circuit), force, optimizer or cs.SGD(0.01), penalty, **options)


def watching(shown):
    """Return a callback that notes which examples are shown."""
    return lambda trainer: shown.append(trainer.shown)


def random_start(seed):
    dice = random.Random(seed)
    return {name: dice.random() - 0.5 for name in NAMES}
