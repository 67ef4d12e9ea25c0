"""Limited-memory BFGS: the direction against a dense formula, and what it finds against known optima."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.learning.lbfgs import LBFGS, direction


def dense(gradient, steps, changes):
    """Return minus the inverse Hessian of BFGS, built as a matrix, times the gradient."""
    identity = np.eye(len(gradient))
    inverse = identity * (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1]) if len(steps) else identity
    for step, change in zip(steps, changes, strict=True):
        left = identity - np.outer(step, change) / (step @ change)
        inverse = left @ inverse @ left.T + np.outer(step, step) / (step @ change)
    return -inverse @ gradient


@given(size=st.integers(1, 12), memory=st.integers(0, 10), seed=st.integers(0, 1000))
def test_the_direction_is_that_of_the_dense_formula(size, memory, seed):
    random = np.random.default_rng(seed)
    root = random.normal(size=(size, size))
    steps = random.normal(size=(memory, size))
    changes = steps @ (root @ root.T + np.eye(size))
    gradient = random.normal(size=size)
    np.testing.assert_allclose(
        direction(gradient, steps, changes), dense(gradient, steps, changes), rtol=1e-9, atol=1e-9
    )


def rosenbrock(x):
    a, b = 1.0 - x[:-1], x[1:] - x[:-1] ** 2
    slope = np.zeros_like(x)
    slope[:-1] -= 2.0 * a + 400.0 * b * x[:-1]
    slope[1:] += 200.0 * b
    return float(np.sum(a * a + 100.0 * b * b)), slope


def run(evaluate, x, rule=None, most=200):
    rule = rule or LBFGS()
    states = [rule.start(x, *evaluate(x))]
    while len(states) <= most:
        states.append(rule.step(evaluate, states[-1]))
        if np.array_equal(states[-1].x, states[-2].x):
            break
    return states


@pytest.mark.parametrize("size", [2, 10])
def test_rosenbrock(size):
    start = np.tile([-1.2, 1.0], size // 2)
    asked = []

    def evaluate(x):
        asked.append(x)
        return rosenbrock(x)

    states = run(evaluate, start)
    np.testing.assert_allclose(states[-1].x, 1.0, rtol=1e-7)
    assert states[-1].evaluations == len(asked) < 150
    costs = [state.cost for state in states]
    assert costs == sorted(costs, reverse=True)
    for before, after in itertools.pairwise(states[:-1]):  # both conditions hold for each step
        way = after.x - before.x
        assert after.cost <= before.cost + 1e-4 * (before.gradient @ way) + 1e-15 * before.cost
        assert abs(after.gradient @ way) <= 0.9 * abs(before.gradient @ way)
    assert max(len(state.steps) for state in states) == 10


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_makes_the_step_shorter(bad):
    """A wall at x = 2, and the first steps go beyond it."""

    def evaluate(x):
        if x[0] >= 2.0:
            return bad, np.full(1, np.nan)
        return float(-np.log(2.0 - x[0]) - 20.0 * x[0]), np.array([1.0 / (2.0 - x[0]) - 20.0])

    states = run(evaluate, np.array([-300.0]))
    assert states[-1].x[0] == pytest.approx(1.95, rel=1e-8)
    assert all(np.isfinite(state.cost) and np.isfinite(state.gradient).all() for state in states)


def test_it_ends():
    """At a gradient within the tolerance nothing is asked; where rounding hides all that is better, it stays."""
    rule = LBFGS(tolerance=1e-3)
    state = rule.start(np.zeros(2), 0.0, np.array([1e-3, -1e-4]))
    assert rule.arrived(state)
    assert rule.step(None, state) is state
    flat = LBFGS().start(np.zeros(2), 1.0, np.ones(2))
    after = LBFGS().step(lambda x: (1.0 + 1e-3, np.ones(2)), flat)
    assert after.x is flat.x
    assert 1 < after.evaluations <= 30
    assert len(run(rosenbrock, np.array([-1.2, 1.0]))) < 60


def test_a_state_can_be_saved():
    states = run(rosenbrock, np.array([-1.2, 1.0]), LBFGS(memory=3))
    kept = pickle.loads(pickle.dumps(states[12]))
    assert LBFGS(memory=3).step(rosenbrock, kept).x.tolist() == states[13].x.tolist()
    assert states[12].steps.shape == states[12].changes.shape == (3, 2)
    assert repr(LBFGS(memory=3)) == "LBFGS(memory=3, tolerance=0.0)"


@pytest.mark.parametrize("make", [lambda: LBFGS(0), lambda: LBFGS(2.5), lambda: LBFGS(tolerance=-1.0)])
def test_settings(make):
    with pytest.raises(cs.InputError, match=r"^(memory|tolerance) is .*: give a"):
        make()


# -- on a circuit -----------------------------------------------------------------------------------------------


def cancer():
    data = pytest.importorskip("sklearn.datasets").load_breast_cancer()
    points = (data.data - data.data.mean(0)) / data.data.std(0)
    return points, np.where(data.target > 0, 1.0, -1.0)


def cost_of(engine, points, labels, penalty):
    """Return the start and `evaluate` for all parameters of a circuit as one vector."""
    shapes = {name: np.shape(value) for name, value in engine.parameters.items()}
    force, held = cs.forces.logistic, engine.netlist.biases()

    def evaluate(x):
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
        parts = np.split(x, ends[:-1])
        values = {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
        engine.set_parameters(values)
        scores = engine.forward({"x": points})["score"]
        gradients = engine.backward(force.pull(scores, labels) / len(labels))
        cost = float(np.mean(force.loss(scores, labels)))
        uphill = []
        for name, value in engine.parameters.items():
            spring = 0.0 if name in held else penalty.pull(value)
            cost += 0.0 if name in held else penalty.cost(value)
            uphill.append(np.ravel(-(gradients[name] + spring)))
        return cost, np.concatenate(uphill)

    return np.concatenate([np.ravel(value) for value in engine.parameters.values()]), evaluate


def logistic_regression():
    circuit = cs.Circuit("logistic")
    circuit.output("score", circuit.input("x") @ circuit.parameter("w", np.zeros(30)) + circuit.parameter("b", 0.0))
    return circuit


def test_breast_cancer(engine):
    """To 1e-6 within 40 steps and 60 evaluations, and SciPy finds no lower cost; the same bits on both engines."""
    points, labels = cancer()
    x, evaluate = cost_of(engine(logistic_regression()), points, labels, cs.L2(1e-3))
    states = run(evaluate, x, most=80)
    assert states[-1].cost == pytest.approx(0.0598279373, abs=1e-10)
    arrived = next(number for number, state in enumerate(states) if state.cost <= 0.0598279373 + 1e-6)
    assert arrived <= 40
    assert states[arrived].evaluations <= 60
    optimize = pytest.importorskip("scipy.optimize")
    theirs = optimize.minimize(evaluate, x, jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 0.0})
    assert states[-1].cost <= theirs.fun + 1e-12
    other = cs.Compiled if engine is cs.Simulation else cs.Simulation
    again = run(cost_of(other(logistic_regression()), points, labels, cs.L2(1e-3))[1], x, most=20)
    assert [state.cost for state in again] == [state.cost for state in states[: len(again)]]
