"""Cross-validation and random search, held against the closed form of ridge regression by NumPy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes

import circuitsim as cs
from circuitsim.learning import tuning
from tests.both import ENGINES

# Optima of ridge regression on diabetes, columns and targets standardized, no bias: mean held-out loss of the folds
# i % 5, as a solver in another program has them.
BEST, BEST_COST, LOWEST = 0.01, 0.249205, 0.2491671


@pytest.fixture(scope="module")
def diabetes():
    points, targets = load_diabetes(return_X_y=True)
    return (points - points.mean(axis=0)) / points.std(axis=0), (targets - targets.mean()) / targets.std()


def closed_form(points, targets, strength, folds=5):
    """The mean held-out loss by fold, of weights that solve the normal equations of the others."""
    costs = []
    for fold in range(folds):
        held = np.arange(len(points)) % folds == fold
        x, t = points[~held], targets[~held]
        w = np.linalg.solve(x.T @ x / len(x) + strength * np.eye(x.shape[1]), x.T @ t / len(x))
        costs.append(np.mean((points[held] @ w - targets[held]) ** 2) / 2)
    return costs


def ridge(engine=cs.Compiled):
    """Return what makes trainers of ridge regression, with steps as long as the curvature lets them be."""
    circuit = cs.Circuit("ridge")
    circuit.output("y", circuit.input("x") @ circuit.parameter("w", np.zeros(10)))

    def make(strength):
        optimizer = cs.Nesterov(1 / (4.1 + strength), 0.92)
        return cs.Trainer(engine(circuit), cs.forces.squared_error, optimizer, cs.L2(strength))

    return make


@pytest.mark.parametrize("strength", [1e-4, 1e-3, 1e-2, 1e-1, 1, 10])
def test_the_folds_of_ridge_regression(diabetes, strength):
    make, found = ridge(), closed_form(*diabetes, strength)
    result = tuning.cross_validate(lambda: make(strength), *diabetes, iterations=500, batch="all")
    np.testing.assert_allclose(result.costs, found, atol=1e-8)
    assert result.mean == pytest.approx(np.mean(found), abs=1e-8)
    assert result.spread == pytest.approx(np.std(found, ddof=1), abs=1e-8)
    assert len(result.r2) == 5
    assert result.accuracies == ()


def test_the_best_strength_is_known(diabetes):
    costs = {strength: np.mean(closed_form(*diabetes, strength)) for strength in [1e-4, 1e-3, 1e-2, 1e-1, 1, 10]}
    assert min(costs, key=costs.get) == BEST
    assert costs[BEST] == pytest.approx(BEST_COST, abs=5e-7)


def test_random_search_finds_the_strength(diabetes):
    ranges = {"strength": tuning.log_uniform(1e-4, 1)}
    search = tuning.random_search(ridge(), ranges, *diabetes, iterations=200, batch="all")
    assert len(search.draws) == 20
    assert search.best.result.mean <= 1.001 * LOWEST
    means = [draw.result.mean for draw in search.draws]
    assert means == sorted(means)
    for draw in search.draws:
        assert draw.result.mean == pytest.approx(np.mean(closed_form(*diabetes, **draw.settings)), abs=1e-6)
    assert len(str(search).splitlines()) == 21
    assert repr(search).startswith("<search of 20 draws, the best <strength=")


def test_the_same_seed_gives_the_same_bytes_on_both_engines(diabetes):
    points, targets = diabetes[0][:40], diabetes[1][:40]
    ranges = {"strength": tuning.log_uniform(1e-3, 1)}
    one, two = (
        tuning.random_search(ridge(engine), ranges, points, targets, draws=2, seed=3, iterations=30, batch="all")
        for engine in ENGINES
    )
    other = tuning.random_search(ridge(), ranges, points, targets, draws=2, seed=4, iterations=30, batch="all")
    assert one == two
    assert str(one) == str(two) != str(other)


def classifier(step=0.1):
    return cs.Trainer(cs.Compiled(cs.linear(2)), cs.forces.svm, cs.SGD(step))


def test_each_example_is_held_back_once(monkeypatch):
    held = []
    evaluate = cs.Trainer.evaluate
    monkeypatch.setattr(
        cs.Trainer, "evaluate", lambda self, p, t: held.append(p[:, 0].tolist()) or evaluate(self, p, t)
    )
    points, labels = np.stack([np.arange(11.0), np.ones(11)], axis=1), np.where(np.arange(11) % 2, 1, -1)
    tuning.cross_validate(classifier, points, labels, folds=3, iterations=2)
    assert held == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8]]
    del held[:]
    tuning.cross_validate(classifier, points, labels, folds=3, shuffle=1, iterations=2)
    assert sorted(number for fold in held for number in fold) == list(range(11))
    assert held != [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8]]


def test_classes_have_an_accuracy():
    data = cs.datasets.gaussians(60)
    result = tuning.cross_validate(classifier, data.points, data.labels, iterations=200)
    assert np.mean(result.accuracies) > 0.9
    assert result.r2 == ()
    assert "accuracy" in repr(result)


def test_inputs_by_name():
    circuit = cs.Circuit("by name")
    left, right = circuit.inputs("left right")
    circuit.output("y", circuit.parameter("u", 0.0) * left + circuit.parameter("v", 0.0) * right)
    random = np.random.default_rng(0)
    points = {"left": random.normal(size=30).tolist(), "right": random.normal(size=30)}
    targets = np.asarray(points["left"]) - points["right"]
    result = tuning.cross_validate(
        lambda: cs.Trainer(cs.Compiled(circuit), cs.forces.squared_error, cs.SGD(0.1)), points, targets, iterations=300
    )
    assert result.mean < 1e-6


def test_what_diverges_costs_infinitely_much_and_comes_last():
    data = cs.datasets.spirals(40)

    def make(step):
        return cs.Trainer(cs.Compiled(cs.linear(2)), cs.forces.squared_error, cs.SGD(step))

    search = tuning.random_search(make, {"step": [0.01, 1e6]}, data.points, data.labels, draws=6, iterations=200)
    assert search.best.settings == {"step": 0.01}
    assert search.draws[-1].settings == {"step": 1e6}
    assert search.draws[-1].result.costs == (math.inf,) * 5
    assert "inf" in str(search)


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e6), st.integers(0, 1000))
def test_draws_lie_in_their_range(low, times, seed):
    random = np.random.default_rng(seed)
    for chosen in (tuning.uniform(low, low * times), tuning.log_uniform(low, low * times)):
        assert all(low <= chosen.draw(random) <= low * times for _ in range(20))


def test_orders_of_magnitude_are_equally_likely():
    random = np.random.default_rng(0)
    drawn = np.log10([tuning.log_uniform(1e-4, 1).draw(random) for _ in range(4000)])
    counts = np.histogram(drawn, bins=[-4, -3, -2, -1, 0])[0]
    assert counts.sum() == 4000
    assert np.abs(counts - 1000).max() < 120  # more than four standard deviations


@pytest.mark.parametrize(("ask", "message"), [
    (lambda p, t: tuning.cross_validate(classifier, p, t, folds=1), "folds is 1: give a whole number, 2 or more"),
    (lambda p, t: tuning.cross_validate(classifier, p[:3], t[:3]), "there are 3 labels for 5 folds"),
    (lambda p, t: tuning.cross_validate(lambda: 3, p, t), r"make\(\) returned 3: let it return a fresh Trainer"),
    (lambda p, t: tuning.cross_validate(lambda: TRAINED, p, t), r"has learned already"),
    (lambda p, t: tuning.random_search(classifier, {}, p, t), "there is nothing to draw"),
    (lambda p, t: tuning.random_search(classifier, {"step": "ab"}, p, t), "setting 'step' cannot be drawn from 'ab'"),
    (lambda p, t: tuning.random_search(classifier, {"step": []}, p, t), r"cannot be drawn from \[\]"),
    (lambda p, t: tuning.uniform(1, 1), "the range from 1 to 1 cannot be"),
    (lambda p, t: tuning.uniform("a", 1), "the range from 'a' to 1 cannot be"),
    (lambda p, t: tuning.log_uniform(0, 1), "cannot begin with 0: give a number above 0"),
])  # fmt: skip
def test_what_cannot_be_is_refused(ask, message):
    data = cs.datasets.spirals(20)
    with pytest.raises(cs.InputError, match=message):
        ask(data.points, data.labels)


TRAINED = classifier()
TRAINED.fit([[0.0, 1.0]], [1], 1)
