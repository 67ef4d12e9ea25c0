"""Forces against their losses, optimizers against printed steps, penalties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs
from tests.guide_loops import LABELS, POINTS
from tests.learners import FORCES, OPTIMIZERS, case, svm, trainer


@pytest.mark.parametrize("force", FORCES, ids=lambda force: force.name)
@pytest.mark.parametrize("batch", [1, 3])
def test_a_force_is_its_loss_pulled_down(engine, force, batch):
    """To the bit for the hinges, closely for the others."""
    pulled = trainer(engine, svm(), force, penalty=cs.L2(0.1))
    circuit = svm()
    score = cs.Wire(circuit, circuit.outputs.pop("score"))
    circuit.output("loss", force.loss(score, circuit.input("target")))
    lowered = trainer(engine, circuit, cs.forces.loss, penalty=cs.L2(0.1))
    for trained in (pulled, lowered):
        trained.fit(POINTS, LABELS, 200, seed=1, batch=batch)
    exact = force is cs.forces.svm or (force is cs.forces.squared_hinge and batch == 1)
    for name, value in pulled.engine.parameters.items():
        other = lowered.engine.parameters[name]
        assert value == other if exact else value == pytest.approx(other, rel=1e-12)
    assert pulled.history.losses == pytest.approx(lowered.history.losses, rel=1e-12)


@given(score=st.floats(-30, 30), target=st.sampled_from([-1.0, 1.0]), which=st.sampled_from(FORCES))
def test_a_force_is_the_downhill_slope_of_its_loss(score, target, which):
    if abs(target * score - 1) < 1e-4:
        return  # a kink of the hinges
    width = 1e-5
    slope = (which.loss(score + width, target) - which.loss(score - width, target)) / (2 * width)
    assert which.pull(score, target) == pytest.approx(-slope, abs=1e-6, rel=1e-5)


@pytest.mark.parametrize("score", [-745.0, 745.0, 1e6])
def test_logistic_is_stable(score):
    for target in (-1.0, 1.0):
        assert cs.forces.logistic.loss(score, target) == pytest.approx(max(0.0, -target * score), abs=1e-12)
        assert abs(cs.forces.logistic.pull(score, target)) <= 1.0


# -- optimizers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "make", "state"), [
    ("sgd_momentum", lambda h: cs.Momentum(h["lr"], h["momentum"]), ["velocity"]),
    ("rmsprop", lambda h: cs.RMSProp(h["lr"], h["decay"], h["eps"]), ["cache"]),
    ("adam", lambda h: cs.Adam(h["lr"], h["beta1"], h["beta2"], h["eps"]), ["m", "v"]),
])  # fmt: skip
def test_optimizer_steps_from_outside(name, make, state):
    told = case("cs231n_assignments", f"cs231n/{name}_step")
    signs = [-1 if part == "m" else 1 for part in state]  # our mean is of pulls, which are minus the gradients
    before = tuple(sign * np.array(told["state_before"][part]) for sign, part in zip(signs, state, strict=True))
    pull = -np.array(told["grad"])
    value, after = make(told["hyper"]).respond(np.array(told["w"]), pull, before, told["hyper"].get("t_before", 0))
    np.testing.assert_allclose(value, told["expected"]["w"], rtol=1e-10)
    for sign, part, numbers in zip(signs, state, after, strict=True):
        np.testing.assert_allclose(sign * numbers, told["expected"][part], rtol=1e-10)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)
def test_numbers_and_arrays_respond_alike(optimizer):
    """An engine may stack parameters: every element moves as it would alone, to the bit."""
    draw = np.random.default_rng(0)
    stack, alone = draw.normal(size=5), None
    alone = [float(value) for value in stack]
    state, states = optimizer.start(stack), [optimizer.start(value) for value in alone]
    for count in range(20):
        pulls = draw.normal(size=5)
        stack, state = optimizer.respond(stack, pulls, state, count)
        for i in range(5):
            alone[i], states[i] = optimizer.respond(alone[i], float(pulls[i]), states[i], count)
    assert stack.tolist() == [float(value) for value in alone]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)
@pytest.mark.parametrize("force", FORCES, ids=lambda force: force.name)
@pytest.mark.parametrize("name", list(cs.datasets.by_name))
def test_every_dataset_force_and_optimizer_learns(name, force, optimizer):
    data = cs.datasets.by_name[name]()
    trained = trainer(cs.Simulation, cs.mlp([2, 3, 1], "tanh", init="xavier"), force, optimizer, cs.L2(1e-4))
    trained.engine._tracing = False
    history = trained.fit(data.points, data.labels, 60, batch=min(20, len(data)), order="shuffled", seed=0, every=60)
    assert history.cost < history.evaluations[0].cost


def test_nesterov_looks_ahead():
    """The value kept is the look-ahead point of the textbook form, and its gradient is taken there."""
    optimizer, step, momentum = cs.Nesterov(0.1, 0.9), 0.1, 0.9
    place, velocity = 1.0, 0.0  # the textbook form on -x²/2
    ahead, state = 1.0, (0.0,)
    for count in range(10):
        velocity = momentum * velocity - step * (place + momentum * velocity)
        place += velocity
        ahead, state = optimizer.respond(ahead, -ahead, state, count)
        assert ahead == pytest.approx(place + momentum * velocity)


@pytest.mark.parametrize("make", [
    lambda: cs.SGD(0.0), lambda: cs.SGD(float("nan")), lambda: cs.SGD("fast"), lambda: cs.Momentum(0.1, 1.0),
    lambda: cs.Adam(0.1, beta1=-0.1), lambda: cs.L2(-1.0), lambda: cs.L2(float("nan")),
    lambda: cs.L1(1.0, on="weights"),
])  # fmt: skip
def test_settings_that_cannot_be(make):
    with pytest.raises(cs.InputError, match=r"cannot be|is one text|: give a finite number"):
        make()


# -- penalties --------------------------------------------------------------------------------------------------


def test_springs_hold_all_but_the_biases(engine):
    runner = engine(cs.mlp([2, 3, 1]))
    runner.learn(cs.SGD(0.1), cs.L2(1.0))
    held = {name for name, springs in runner.springs.items() if springs}
    assert held == {name for name in runner.parameters if not name.endswith(".b")}


def test_l1_pulls_evenly_and_both_costs_are_counted(engine):
    trained = trainer(engine, svm(), penalty=[cs.L1(0.5, on=["c"]), cs.L2(1.0)])
    cost = trained.fit(POINTS, LABELS, 0).cost
    assert cost == pytest.approx(trained.evaluate(POINTS, LABELS)[0] + 0.5 * 1.0 + 0.5 * (1.0 + 4.0))
    assert cs.L1(0.5).pull(np.array([-2.0, 0.0, 3.0])).tolist() == [0.5, 0.0, -0.5]


def test_a_spring_on_nothing(engine):
    with pytest.raises(cs.InputError, match="'z', which is no parameter of circuit 'svm': its parameters are a, b, c"):
        trainer(engine, svm(), penalty=cs.L2(1.0, on=["z"]))
