"""Training: the guide's loops to the bit, forces against losses, histories, stops, and checkpoints."""

import json
import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs
from tests import guide_loops
from tests.guide_loops import LABELS, POINTS

CASES = Path(__file__).parent / "cases"
NAMES = [f"{letter}{neuron}" for neuron in (1, 2, 3) for letter in "abc"] + ["a4", "b4", "c4", "d4"]
FORCES = [cs.forces.svm, cs.forces.squared_hinge, cs.forces.logistic, cs.forces.squared_error]
OPTIMIZERS = [cs.SGD(0.05), cs.Momentum(0.01), cs.Nesterov(0.01), cs.AdaGrad(0.1), cs.RMSProp(0.01), cs.Adam(0.02)]


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


def random_start(seed):
    dice = random.Random(seed)
    return {name: dice.random() - 0.5 for name in NAMES}


@pytest.mark.parametrize("iterations", [400, 4000])
@pytest.mark.parametrize("spring", [1.0, 0.1])
def test_the_svm_is_the_guides_to_the_bit(engine, iterations, spring):
    order = random.Random(iterations).choices(range(6), k=iterations)
    trained = trainer(engine, svm(), penalty=cs.L2(spring))
    trained.fit(POINTS, LABELS, iterations, order=order)
    assert tuple(trained.engine.parameters.values()) == guide_loops.svm((1.0, -2.0, -1.0), order, 0.01, spring)


@pytest.mark.parametrize("iterations", [400, 4000])
def test_the_network_is_the_guides_to_the_bit(engine, iterations):
    start = random_start(iterations)
    order = random.Random(iterations).choices(range(6), k=iterations)
    trained = trainer(engine, network(start), penalty=cs.L2(1.0))
    trained.fit(POINTS, LABELS, iterations, order=order, every=iterations)
    assert trained.engine.parameters == guide_loops.network(start, order, 0.01)


def test_the_ready_made_network_is_the_guides(engine):
    """mlp([2, 3, 1]) adds in the guide's order, and its springs leave the biases alone."""
    circuit = cs.mlp([2, 3, 1], seed=4)
    values = {name: circuit.graph.nodes[name]["value"] for name in circuit.names("parameter")}
    start = dict(zip(NAMES, values.values(), strict=True))
    order = random.Random(4).choices(range(6), k=300)
    trained = trainer(engine, circuit, penalty=cs.L2(1.0))
    trained.fit(POINTS, LABELS, 300, order=order, every=300)
    assert list(trained.engine.parameters.values()) == list(guide_loops.network(start, order, 0.01).values())


@pytest.mark.parametrize(("name", "make"), [("guide/svm_sgd_trajectory", svm), ("guide/net2_sgd_trajectory", network)])
def test_trajectories_from_outside(engine, name, make):
    told = case("guide", name)
    circuit = svm(**told["init"]) if make is svm else network(told["init"])
    trained = trainer(engine, circuit, penalty=cs.L2(1.0))
    seen = {}
    trained.fit(
        told["data"],
        told["labels"],
        len(told["index_sequence"]),
        order=told["index_sequence"],
        callbacks=[lambda trained: seen.update({trained.iteration: trained.engine.parameters})],
    )
    columns = told["expected"]["columns"]
    for row in told["expected"]["rows"]:
        entry = dict(zip(columns, row, strict=True))
        for parameter, value in seen[entry["iter"] + 1].items():
            assert value == pytest.approx(entry[parameter], rel=told["tol"]["rtol"], abs=told["tol"]["atol"])


def test_micrograds_moons(engine):
    """Its notebook's 100 printed losses and accuracies, from its data and first weights."""
    told = case("micrograd", "micrograd/moons_training_100_steps")
    circuit = cs.mlp([2, 16, 16, 1])
    trained = trainer(
        engine,
        circuit,
        optimizer=cs.SGD(cs.decay.LinearDecay(1.0, 0.1, 100)),
        penalty=cs.L2(2e-4, on=circuit.names("parameter")),
    )
    start = {}
    for layer in (1, 2, 3):
        weights, biases = np.array(told["init"][f"W{layer - 1}"]), np.array(told["init"][f"b{layer - 1}"])
        for neuron in range(weights.shape[1]):
            start |= {f"n{layer}_{neuron + 1}.w{i + 1}": w for i, w in enumerate(weights[:, neuron])}
            start[f"n{layer}_{neuron + 1}.b"] = biases[neuron]
    trained.engine.set_parameters(start)
    history = trained.fit(told["inputs"]["X"], told["inputs"]["y"], 100, batch=100, order="in order", every=1)
    np.testing.assert_allclose([e.cost for e in history.evaluations[:-1]], told["expected"]["loss"], rtol=1e-9)
    accuracies = [100 * e.accuracy for e in history.evaluations[:-1]]
    np.testing.assert_allclose(accuracies, told["expected"]["accuracy_percent"], rtol=1e-12)


def test_the_guides_two_worked_points(engine):
    """Scores -1.2 and -2.3, pulls +1 and 0, spring pulls -1 on a and +2 on b."""
    runner = engine(svm())
    scores = [runner.forward({"x": x, "y": y})["score"] for x, y in ([1.2, 0.7], [-0.3, 0.5])]
    assert scores == pytest.approx([-1.2, -2.3])
    assert [cs.forces.svm.pull(score, label) for score, label in zip(scores, (1.0, -1.0), strict=True)] == [1.0, 0.0]
    assert (cs.L2(1.0).pull(1.0), cs.L2(1.0).pull(-2.0)) == (-1.0, 2.0)


# -- forces and losses ------------------------------------------------------------------------------------------


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
    with pytest.raises(cs.InputError, match=r"cannot be|is one text"):
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


# -- going on, stopping, coming back ----------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["random", "shuffled", "in order", [i % 6 for i in range(200)]], ids=str)
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)
def test_resuming_is_the_same_as_never_having_stopped(engine, tmp_path, order, batch, optimizer):
    def fresh():
        return trainer(engine, svm(), cs.forces.logistic, optimizer, cs.L2(0.1))

    options = {"order": order, "batch": batch, "every": 5}
    whole, halves, resumed = fresh(), fresh(), fresh()
    whole.fit(POINTS, LABELS, 50, seed=3, **options)
    halves.fit(POINTS, LABELS, 25, seed=3, **options)
    halves.save(tmp_path / "half.npz")
    halves.fit(POINTS, LABELS, 25, **options)
    resumed.load(tmp_path / "half.npz")
    resumed.fit(POINTS, LABELS, 25, **options)
    assert whole.engine.memory == halves.engine.memory == resumed.engine.memory
    assert whole.history == halves.history == resumed.history


def test_a_seed_begins_anew_and_repeats(engine):
    runs = []
    for seed in (5, 5, 6):
        trained = trainer(engine, svm())
        trained.fit(POINTS, LABELS, 40, seed=seed)
        runs.append(trained.history.examples)
    assert runs[0] == runs[1] != runs[2]


def test_examples_held_back_are_never_shown(engine):
    trained = trainer(engine, svm())
    history = trained.fit(POINTS, LABELS, 100, seed=0, validation=1 / 3)
    shown = {index for chosen in history.examples for index in chosen}
    assert len(shown) == 4
    assert history.evaluations[-1].validation_cost is not None


def test_early_stopping_puts_back_the_best(engine):
    points, labels = np.array([[0.0], [1.0], [2.0], [3.0]]), [0.0, 1.0, 2.0, 3.0]
    circuit = cs.Circuit("line")
    (x,) = circuit.inputs("x")
    circuit.output("y", circuit.parameter("slope", 0.9) * x)
    trained = trainer(engine, circuit, cs.forces.squared_error, cs.SGD(0.9))  # far too large: it moves away
    history = trained.fit(points, labels, 500, validation=0.5, patience=3, every=1, seed=1)
    assert history.ended == "stopped early"
    assert history.iterations < 100
    best = min(history.evaluations, key=lambda evaluation: evaluation.validation_cost)
    assert trained.engine.parameters == best.parameters


def test_ctrl_c_stops_after_the_iteration_and_keeps_what_was_learned(engine):
    def press(trained):
        if trained.iteration == 17:
            os.kill(os.getpid(), signal.SIGINT)

    stopped, whole = trainer(engine, svm()), trainer(engine, svm())
    history = stopped.fit(POINTS, LABELS, 400, seed=2, callbacks=[press])
    assert (history.ended, history.iterations) == ("interrupted", 17)
    assert history.evaluations[-1].iteration == 17
    whole.fit(POINTS, LABELS, 17, seed=2)
    assert stopped.engine.parameters == whole.engine.parameters


def test_a_callback_may_stop_it(engine):
    trained = trainer(engine, svm())
    history = trained.fit(POINTS, LABELS, 400, callbacks=[lambda trained: trained.iteration == 7])
    assert (history.ended, history.iterations) == ("stopped by a callback", 7)


@pytest.mark.filterwarnings("ignore::circuitsim.NonFiniteWarning")
def test_divergence_is_told_and_the_best_parameters_are_kept(engine):
    trained = trainer(engine, svm(), cs.forces.squared_error, cs.SGD(10.0))
    with pytest.raises(
        cs.DivergenceError, match=r"diverged at iteration \d+, .*'[abc]' .* steps of 10: take a smaller"
    ):
        trained.fit(POINTS, LABELS, 400, seed=0)
    best = min(trained.history.evaluations, key=lambda evaluation: evaluation.cost)
    assert trained.engine.parameters == best.parameters
    assert all(np.isfinite(value) for value in trained.engine.parameters.values())


def test_a_progress_bar_only_where_it_is_wanted(engine, capfd):
    trainer(engine, svm()).fit(POINTS, LABELS, 20)
    assert capfd.readouterr() == ("", "")
    trainer(engine, svm()).fit(POINTS, LABELS, 20, progress=True)
    told = capfd.readouterr()
    assert told.out == ""
    assert "20/20" in told.err
    assert "accuracy" in told.err


# -- checkpoints that will not do -------------------------------------------------------------------------------


def test_checkpoints_are_refused_by_name(engine, tmp_path):
    path = tmp_path / "saved.npz"
    trained = trainer(engine, svm(), optimizer=cs.Adam(0.01))
    trained.fit(POINTS, LABELS, 20)
    trained.save(path)
    with pytest.raises(cs.LoadError, match=r"saved.npz'.*its circuit is"):
        trainer(engine, cs.linear(2), optimizer=cs.Adam(0.01)).load(path)
    with pytest.raises(cs.LoadError, match=r"saved.npz'.*its optimizer is Adam\(.*SGD\(step=0.5\)"):
        trainer(engine, svm(), optimizer=cs.SGD(0.5)).load(path)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(cs.LoadError, match=r"saved.npz': it is damaged"):
            trainer(engine, svm(), optimizer=cs.Adam(0.01)).load(path)
    for byte in range(0, len(whole), 97):
        path.write_bytes(whole[:byte] + bytes([whole[byte] ^ 0x55]) + whole[byte + 1 :])
        with suppress(cs.LoadError):  # or the damage does not matter
            trainer(engine, svm(), optimizer=cs.Adam(0.01)).load(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(cs.LoadError, match="no checkpoint"):
        trained.load(path)
    with pytest.raises(cs.LoadError, match="No such file"):
        trained.load(tmp_path / "nothing.npz")


def test_saving_leaves_nothing_half_written(engine, tmp_path, monkeypatch):
    path = tmp_path / "saved.npz"
    trained = trainer(engine, svm())
    trained.fit(POINTS, LABELS, 5)
    trained.save(path)
    before = path.read_bytes()
    monkeypatch.setattr(np, "savez_compressed", lambda file, **arrays: (file.write(b"half"), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        trained.save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["saved.npz"]


# -- what cannot be trained -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("points", "labels", "options", "sentence"), [
    ([[1.0]], [1], {}, "1 columns, but circuit 'svm' has 2 inputs: x, y"),
    ([[1.0, 2.0]], [1, -1], {}, "1 points and 2 labels"),
    ([1.0, 2.0], [1, -1], {}, "shape"),
    ([[1.0, 2.0], [1.0]], [1, -1], {}, "rows of numbers"),
    ([["a", "b"]], [1], {}, "rows of numbers"),
    ([[1.0, np.nan]], [1], {}, "point 0, counted from 0, has an infinity or a nan"),
    ([[1.0, 2.0]], [np.inf], {}, "a label is an infinity"),
    ([[1.0, 2.0]], ["yes"], {}, "labels must be numbers"),
    (POINTS, LABELS, {"iterations": -1}, "iterations=-1"),
    (POINTS, LABELS, {"batch": 0}, "batch=0"),
    (POINTS, LABELS, {"batch": 1.5}, "batch=1.5"),
    (POINTS, LABELS, {"every": 0}, "every=0"),
    (POINTS, LABELS, {"seed": -1}, "seed=-1"),
    (POINTS, LABELS, {"order": "backwards"}, "order='backwards'"),
    (POINTS, LABELS, {"order": [0, 6]}, "example 6: there are 6"),
    (POINTS, LABELS, {"order": [0, 1], "iterations": 3}, "has 2 examples and more were asked for"),
    (POINTS, LABELS, {"validation": 1.0}, "validation=1.0"),
    (POINTS, LABELS, {"validation": 0.99}, "leaves none to learn from"),
    (POINTS, LABELS, {"patience": 3}, "patience needs examples"),
])  # fmt: skip
def test_what_cannot_be_trained(engine, points, labels, options, sentence):
    with pytest.raises(cs.InputError, match=sentence):
        trainer(engine, svm()).fit(points, labels, **{"iterations": 5, **options})


def test_circuits_that_cannot_be_trained(engine):
    with pytest.raises(cs.InputError, match="has no parameters to train"):
        trainer(engine, cs.parse("x * y"))
    with pytest.raises(cs.InputError, match="no output 'f' to train: its outputs are score"):
        trainer(engine, svm(), output="f")
    with pytest.raises(cs.InputError, match="no rule"):
        engine(svm()).update()
    runner = engine(svm())
    runner.learn(cs.SGD(0.1))
    with pytest.raises(cs.InputError, match="nothing to respond to"):
        runner.update()


def test_moons_are_separated_fully(engine):
    """An mlp of scalar gates, 100 moons."""
    moons = cs.datasets.moons(100, seed=1)
    trained = trainer(engine, cs.mlp([2, 16, 16, 1], init="he"), cs.forces.svm, cs.Adam(0.05), cs.L2(1e-4))
    history = trained.fit(moons.points, moons.labels, 100, batch=100, order="in order", every=100)
    assert history.accuracy == 1.0
