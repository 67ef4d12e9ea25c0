"""What forces and penalties lead to, against optima computed by other means, and the same bits on both engines.

Losses are means over the examples, plus half the strength times the squares of the weights; biases are free. Data are
standardized, pictures are divided by 16.
"""

import numpy as np
import pytest

import circuitsim as cs

data = pytest.importorskip("sklearn.datasets")


def standard(table):
    return (table - table.mean(0)) / table.std(0)


def iris():
    points, labels = data.load_iris(return_X_y=True)
    return standard(points), labels


def diabetes():
    points, targets = data.load_diabetes(return_X_y=True)
    return standard(points), standard(targets)


def digits():
    points, labels = data.load_digits(return_X_y=True)
    return points / 16.0, labels


def linear(points, labels=None):
    """Scores of classes, or one score."""
    circuit, features = cs.Circuit("linear"), points.shape[1]
    x = circuit.input("x")
    if labels is None:
        circuit.output("score", x @ circuit.parameter("w", np.zeros(features)))
    else:
        classes = len(np.unique(labels))
        w, b = circuit.parameter("w", np.zeros((features, classes))), circuit.parameter("b", np.zeros(classes))
        circuit.output("score", x @ w + b)
    return circuit


def grouped(points, groups):
    """One score from groups of features, each with weights of its own."""
    circuit = cs.Circuit("grouped")
    x = circuit.input("x")
    parts = [
        cs.take(x, indices=group, axis=1) @ circuit.parameter(f"g{number}", np.zeros(len(group)))
        for number, group in enumerate(groups)
    ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    circuit.output("score", total)
    return circuit


def descend(engine, force, optimizer, penalty, points, targets, updates):
    """Learn from all examples at once; return the cost."""
    engine.learn(optimizer, penalty)
    for _ in range(updates):
        score = engine.forward({"x": points})["score"]
        engine.backward(force.pull(score, targets) / len(points))
        engine.update()
    cost = float(np.mean(force.loss(engine.forward({"x": points})["score"], targets)))
    held = engine.springs.items()
    return cost + sum(spring.cost(engine.parameters[name]) for name, springs in held for spring in springs)


def bits(engine):
    return {name: np.asarray(value).tobytes() for name, value in engine.parameters.items()}


GROUPS = [[0, 1], [2, 3], [4, 5, 6], [7, 8, 9]]
TASKS = {
    "softmax": (
        iris, linear, cs.forces.softmax, lambda: cs.Nesterov(0.3), cs.L2(0.01), 0.2436772266, 1500,
    ),
    "lasso": (
        diabetes, lambda x, _: linear(x), cs.forces.squared_error, lambda: cs.Nesterov(0.05), cs.L1(0.05),
        0.2970382835, 2000,
    ),
    "groups": (
        diabetes, lambda x, _: grouped(x, GROUPS), cs.forces.squared_error, lambda: cs.Nesterov(0.05),
        cs.GroupL2(0.1), 0.3502548519, 2000,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TASKS)
def test_optima(name):
    load, build, force, optimizer, penalty, optimum, updates = TASKS[name]
    points, targets = load()
    runner = cs.Compiled(build(points, targets))
    assert descend(runner, force, optimizer(), penalty, points, targets, updates) == pytest.approx(optimum, rel=1e-9)
    if name == "softmax":
        score = runner.forward({"x": points})["score"]
        assert force.accuracy(score, targets) > 0.95
    elif name == "lasso":
        assert np.flatnonzero(runner.parameters["w"] == 0.0).tolist() == [0, 4, 5, 7]
    else:
        assert [name for name, value in runner.parameters.items() if not np.any(value)] == ["g0", "g2"]
        assert all(np.all(value) for name, value in runner.parameters.items() if name in ("g1", "g3"))


@pytest.mark.parametrize("name", TASKS)
def test_the_same_bits_on_the_way(name):
    load, build, force, optimizer, penalty, _, _ = TASKS[name]
    points, targets = load()
    engines = [cs.Simulation(build(points, targets), trace=False), cs.Compiled(build(points, targets))]
    costs = [descend(engine, force, optimizer(), penalty, points, targets, 40) for engine in engines]
    assert costs[0] == costs[1]
    assert bits(engines[0]) == bits(engines[1])


def test_groups_along_an_axis():
    """The features of iris leave one after the other, each with its weights of all classes."""
    points, labels = iris()
    left = []
    for strength in (0.01, 0.1, 0.3, 0.6):
        runner = cs.Compiled(linear(points, labels))
        penalty = cs.GroupL2(strength, on=["w"], axis=0)
        descend(runner, cs.forces.softmax, cs.SGD(0.2), penalty, points, labels, 500)
        rows = np.any(runner.parameters["w"] != 0.0, axis=1)
        assert np.all(runner.parameters["w"][rows])
        left.append(int(rows.sum()))
    assert left == sorted(left, reverse=True)
    assert left[0] > left[2] > left[-1] == 0


@pytest.mark.slow
@pytest.mark.parametrize(("force", "optimum"), [
    (cs.forces.weston_watkins, 0.347119297), (cs.forces.crammer_singer, 0.251455021),
], ids=lambda thing: getattr(thing, "name", ""))  # fmt: skip
def test_support_vector_machines_of_digits(force, optimum):
    points, labels = digits()
    updates = 4000
    step = cs.SGD(cs.decay.LinearDecay(0.5, 0.0, updates))
    cost = descend(cs.Compiled(linear(points, labels)), force, step, cs.L2(0.01), points, labels, updates)
    assert optimum * (1.0 - 1e-8) < cost < optimum * (1.0 + 1e-3)


@pytest.mark.parametrize("force", [cs.forces.weston_watkins, cs.forces.crammer_singer], ids=lambda force: force.name)
def test_the_same_bits_on_digits(force):
    points, labels = digits()
    engines = [make(linear(points, labels)) for make in (cs.Simulation, cs.Compiled)]
    costs = [descend(engine, force, cs.SGD(0.1), cs.L2(0.01), points, labels, 10) for engine in engines]
    assert costs[0] == costs[1]
    assert bits(engines[0]) == bits(engines[1])


# -- by the trainer ----------------------------------------------------------------------------------------------------


def fitted(points, targets, force, penalty, iterations=60, **options):
    """Train a linear circuit on all examples at once, by L-BFGS, on both engines; return the trainer."""
    trainers = []
    for make in (cs.Simulation, cs.Compiled):
        circuit, features = cs.Circuit("linear"), points.shape[1]
        product = circuit.input("x") @ circuit.parameter("w", np.zeros(features))
        circuit.output("score", product + circuit.parameter("b", 0.0))
        trainers.append(cs.Trainer(make(circuit), force, cs.LBFGS(), penalty, **options))
        trainers[-1].fit(points, targets, iterations, batch="all", every=iterations)
    assert bits(trainers[0].engine) == bits(trainers[1].engine)
    assert trainers[0].history.cost == trainers[1].history.cost
    return trainers[1]


def test_ridge_is_the_closed_form():
    points, targets = diabetes()
    trainer = fitted(points, targets, cs.forces.squared_error, cs.L2(0.1))
    best = np.linalg.solve(points.T @ points / len(points) + 0.1 * np.eye(10), points.T @ targets / len(points))
    np.testing.assert_allclose(trainer.engine.parameters["w"], best, atol=1e-8)
    assert trainer.history.cost == pytest.approx(0.2559139397, abs=1e-10)
    assert trainer.history.accuracy is None


def test_breast_cancer_by_all_parameters_together():
    points, labels = data.load_breast_cancer(return_X_y=True)
    trainer = fitted(points, 2.0 * labels - 1.0, cs.forces.logistic, cs.L2(1e-3), 40, standardize=True)
    assert trainer.history.cost == pytest.approx(0.0598279373, abs=1e-6)


@pytest.mark.parametrize(("weights", "cost", "accuracy", "recall"), [
    (None, 0.1941675, 0.936, 0.306), ("balanced", 0.3869020, 0.863, 0.833),
])  # fmt: skip
def test_a_rare_class_is_found_if_it_counts_as_much(weights, cost, accuracy, recall):
    """All 357 benign tumours and the first 36 malignant ones, by their mean radius and texture."""
    points, benign = data.load_breast_cancer(return_X_y=True)
    points = standard(points)[:, :2]
    chosen = np.concatenate([np.flatnonzero(benign), np.flatnonzero(benign == 0)[:36]])
    labels = np.where(benign[chosen], "benign", "malignant")
    trainer = fitted(points[chosen], labels, cs.forces.logistic, cs.L2(0.01), weights=weights)
    assert trainer.history.cost == pytest.approx(cost, abs=1e-7)
    assert trainer.history.accuracy == pytest.approx(accuracy, abs=5e-4)
    found = trainer.predict(points[chosen]) == labels
    assert found[labels == "malignant"].mean() == pytest.approx(recall, abs=5e-4)
