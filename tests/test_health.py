"""What is measured inside a training, held against NumPy, and mistakes put in on purpose, which the checklist names."""

import math

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits, load_iris

import circuitsim as cs
from circuitsim.learning import health
from circuitsim.learning.checkup import check_training
from circuitsim.learning.lbfgs import LBFGS
from tests.both import ENGINES

RANDOM = np.random.default_rng(0)
ROWS, TARGETS = RANDOM.normal(size=(50, 6)), RANDOM.normal(size=(50, 1))


def by_hand(parameters, rows, targets):
    """The activations of a dense network of relus, and the pulls on them by each example's own squared error."""
    depth = len(parameters) // 2
    values = [rows]
    for layer in range(1, depth + 1):
        total = values[-1] @ parameters[f"w{layer}"] + parameters[f"b{layer}"]
        values.append(np.maximum(total, 0.0) if layer < depth else total)
    pulls = [targets - values[-1]]
    for layer in range(depth, 1, -1):
        felt = pulls[0] if layer == depth else pulls[0] * (values[layer] > 0)
        pulls.insert(0, felt @ parameters[f"w{layer}"].T)
    return values[1:], pulls


# -- measuring ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_mean_squares_of_layers_are_those_of_numpy(engine):
    circuit = cs.dense([6, 8, 5, 1])
    trainer = cs.Trainer(engine(circuit), cs.forces.squared_error, cs.SGD(0.05))
    monitor = health.Monitor(ROWS, TARGETS, every=5, tracer=cs.Simulation(circuit))
    kept = {}
    note = lambda trainer: kept.update({trainer.iteration: trainer.engine.parameters})  # noqa: E731
    trainer.fit(ROWS, TARGETS, 10, batch=10, seed=0, callbacks=[note, monitor])
    assert [record.iteration for record in monitor.records] == [5, 10]
    for record in monitor.records:
        values, pulls = by_hand(kept[record.iteration], ROWS, TARGETS)
        assert [layer.units for layer in record.layers] == [8, 5, 1]
        for layer, value, pull in zip(record.layers, values, pulls, strict=True):
            assert layer.values == pytest.approx(np.mean(value**2), rel=1e-12)
            assert layer.gradients == pytest.approx(np.mean(pull**2), rel=1e-12)
            assert layer.dead == np.sum(np.all(value == 0, axis=0))
        for name, ratio in record.ratios.items():
            before, after = (kept[record.iteration - back][name] for back in (1, 0))
            assert ratio == pytest.approx(np.linalg.norm(after - before) / np.linalg.norm(before), rel=1e-12)
        assert set(record.ratios) == {"w1", "b1", "w2", "b2", "w3", "b3"}
        assert "update / weight" in str(record)


def test_both_engines_measure_the_same_and_training_goes_on_as_without():
    circuit = cs.dense([6, 8, 5, 1])
    seen, ends = [], []
    for engine, watched in ((cs.Simulation, True), (cs.Compiled, True), (cs.Compiled, False)):
        trainer = cs.Trainer(engine(circuit), cs.forces.squared_error, cs.SGD(0.05))
        monitor = health.Monitor(
            ROWS, TARGETS, every=3, tracer=None if engine is cs.Simulation else cs.Simulation(circuit)
        )
        trainer.fit(ROWS, TARGETS, 9, seed=0, callbacks=[monitor] if watched else [])
        seen.append(monitor.records)
        ends.append({name: value.tobytes() for name, value in trainer.engine.parameters.items()})
    assert seen[0] == seen[1] != []
    assert ends[0] == ends[1] == ends[2]


def test_scalar_gates_have_the_layers_of_arrays():
    """And a circuit that takes one example at a time gives what it gives for all."""
    scalar, array = cs.mlp([6, 4, 3, 1], seed=3, init="he"), cs.dense([6, 4, 3, 1], seed=3, init="he")
    found = []
    for circuit in (scalar, array):
        trainer = cs.Trainer(cs.Simulation(circuit), cs.forces.squared_error, cs.SGD(0.05))
        trainer.fit(ROWS[:9], TARGETS[:9], 0)
        found.append(health.measure(trainer, ROWS[:9], TARGETS[:9]).layers)
    for one, other in zip(*found, strict=True):
        assert (one.units, one.dead) == (other.units, other.dead)
        assert one.values == pytest.approx(other.values)
        assert one.gradients == pytest.approx(other.gradients)


def test_one_example_at_a_time():
    circuit = cs.Circuit("one row")
    hidden = cs.relu(circuit.parameter("v", np.eye(6)[:4]) @ circuit.input("x"))
    circuit.output("score", cs.sum(circuit.parameter("w", np.ones(4)) * hidden))
    trainer = cs.Trainer(cs.Simulation(circuit), cs.forces.squared_error, cs.SGD(0.05))
    trainer.fit(ROWS, TARGETS[:, 0], 0)
    inner, outer = health.look_inside(trainer, ROWS, TARGETS[:, 0])
    values = np.maximum(ROWS[:, :4], 0.0)
    np.testing.assert_allclose(inner.values, values)
    scores = values.sum(axis=1)
    np.testing.assert_allclose(outer.values[:, 0], scores)
    np.testing.assert_allclose(inner.gradients, np.repeat((TARGETS[:, 0] - scores)[:, None], 4, axis=1))


def test_he_keeps_the_size_of_values_and_xavier_halves_it():
    """The mean ratio of one layer's mean square to the next is 1 for He's start and relus, 1/2 for Xavier's."""
    rows = np.random.default_rng(1).normal(size=(20, 40))
    ratios = {"he": [], "xavier": []}
    for init, found in ratios.items():
        for seed in range(60):
            trainer = cs.Trainer(
                cs.Simulation(cs.dense([40, 40, 40, 40], init=init, seed=seed)), cs.forces.squared_error, cs.SGD(0.05)
            )
            trainer.fit(rows, np.zeros((20, 40)), 0, batch="all")
            first, second, _ = health.measure(trainer, rows, np.zeros((20, 40))).layers
            found.append(second.values / first.values)
    assert np.mean(ratios["he"]) == pytest.approx(1.0, abs=4 * math.sqrt(5 / 40 / 60))
    assert np.mean(ratios["xavier"]) == pytest.approx(0.5, abs=2 * math.sqrt(5 / 40 / 60))


@pytest.mark.parametrize(("step", "least", "most"), [(0.1, 0, 3), (5.0, 32, 32)])
def test_relus_die_of_large_steps(step, least, most):
    points, digits = load_digits(return_X_y=True)
    circuit = cs.dense([64, 32, 10])
    trainer = cs.Trainer(cs.Compiled(circuit, nonfinite="ignore"), cs.forces.softmax, cs.SGD(step))
    trainer.fit(points[:1348] / 16, digits[:1348], 400, batch=32, seed=0, every=400)
    first = health.measure(trainer, points / 16, digits, tracer=cs.Simulation(circuit)).layers[0]
    assert least <= first.dead <= most


def test_what_cannot_be_looked_into_is_told():
    trainer = cs.Trainer(cs.Compiled(cs.linear(6)), cs.forces.squared_error, cs.SGD(0.05))
    trainer.fit(ROWS, TARGETS[:, 0], 0)
    with pytest.raises(cs.InputError, match=r"a Compiled leaves no traces to look into: give tracer=Simulation"):
        health.measure(trainer, ROWS, TARGETS[:, 0])
    with pytest.raises(cs.InputError, match="the tracer's circuit is not 'linear 6'"):
        health.measure(trainer, ROWS, TARGETS[:, 0], tracer=cs.Simulation(cs.linear(5)))


# -- the checklist -------------------------------------------------------------------------------------------------


def standardized(load):
    points, labels = load(return_X_y=True)
    return (points - points.mean(axis=0)) / points.std(axis=0), labels


def softmax(init="he", features=4, classes=3):
    return cs.dense([features, classes], init=init)


MOONS, GUIDE, GAUSSIANS = cs.datasets.moons(), cs.datasets.guide(), cs.datasets.gaussians()
IRIS = standardized(load_iris)
DIABETES, PROGRESSION = standardized(load_diabetes)
PROGRESSION = (PROGRESSION - PROGRESSION.mean()) / PROGRESSION.std()

RIDGE = DIABETES, PROGRESSION


def build(circuit, force, optimizer, penalty=(), engine=cs.Simulation, **options):
    return lambda: cs.Trainer(engine(circuit), force, optimizer, penalty, **options)


def net():
    return cs.dense([2, 8, 8, 1], seed=1)


NAMES = ["guide", "svm", "logistic", "mlp-svm", "mlp-logistic", "mlp-adam", "iris", "iris-cs", "ridge", "lbfgs"]


@pytest.mark.parametrize(("make", "points", "labels", "batch"), [
    (build(cs.linear(2), cs.forces.svm, cs.SGD(0.05), cs.L2(0.01)), GUIDE.points, GUIDE.labels, 1),
    (build(cs.linear(2), cs.forces.svm, cs.SGD(0.05), cs.L2(0.01)), GAUSSIANS.points, GAUSSIANS.labels, 1),
    (build(cs.linear(2, init="zero"), cs.forces.logistic, cs.Adam(0.05)), GAUSSIANS.points, GAUSSIANS.labels, "all"),
    (build(net(), cs.forces.svm, cs.SGD(0.05)), MOONS.points, MOONS.labels, 10),
    (build(net(), cs.forces.logistic, cs.Momentum(0.05)), MOONS.points, MOONS.labels, "all"),
    (build(net(), cs.forces.logistic, cs.Adam(0.01)), MOONS.points, MOONS.labels, 10),
    (build(softmax("zero"), cs.forces.softmax, cs.SGD(0.5), cs.L2(0.01)), *IRIS, "all"),
    (build(softmax(), cs.forces.crammer_singer, cs.SGD(0.1)), *IRIS, 5),
    (build(cs.dense([10, 1], init="zero"), cs.forces.squared_error, cs.SGD(0.1), cs.L2(0.1)), *RIDGE, "all"),
    (build(cs.dense([10, 1]), cs.forces.squared_error, LBFGS()), *RIDGE, "all"),
], ids=NAMES)  # fmt: skip
def test_sound_trainings_pass_without_a_word(make, points, labels, batch):
    found = check_training(make, points, labels, batch=batch, iterations=200)
    assert str(found) == "nothing found"
    assert found.checks == []


def test_a_compiled_engine_needs_a_tracer():
    make = build(net(), cs.forces.logistic, cs.Adam(0.01), engine=cs.Compiled)
    alone = check_training(make, MOONS.points, MOONS.labels, batch="all", iterations=50)
    helped = check_training(make, MOONS.points, MOONS.labels, batch="all", iterations=50, tracer=cs.Simulation(net()))
    assert (alone.checks, helped.checks, helped.unseen) == ([], [], ())
    assert "not checked: symmetry and dead units, for a Compiled leaves no traces" in str(alone)


def test_the_loss_of_no_knowledge_is_the_logarithm_of_the_classes():
    points, digits = load_digits(return_X_y=True)
    make = build(softmax("zero", 64, 10), cs.forces.softmax, cs.SGD(0.1), engine=cs.Compiled)
    assert make().fit(points / 16, digits, 0).cost == pytest.approx(2.302585, abs=5e-7)
    loud = cs.dense([64, 10])
    loud = build(with_parameters(loud, 10.0), cs.forces.softmax, cs.SGD(0.1), engine=cs.Compiled)
    found = check_training(loud, points[:300] / 16, digits[:300], batch=32, iterations=50)
    assert "but 2.303 with all parameters at 0: begin with smaller weights" in str(found)


def test_twenty_examples_can_be_fitted():
    points, digits = load_digits(return_X_y=True)
    trainer = build(cs.dense([64, 32, 10]), cs.forces.softmax, cs.SGD(0.5), engine=cs.Compiled)()
    assert trainer.fit(points[:20] / 16, digits[:20], 400, batch="all").cost < 1e-2
    assert trainer.fit(points[:20] / 16, digits[:20], 4000, batch="all").cost < 1e-3


def with_parameters(circuit, times):
    """A network whose weights begin so many times as large."""
    made = cs.Circuit("loud")
    weights = cs.Simulation(circuit).parameters
    x = made.input("x")
    made.output("scores", x @ made.parameter("w1", times * weights["w1"]) + made.parameter("b1", weights["b1"]))
    return made


class Backwards(cs.SGD):
    """Goes the wrong way."""

    def respond(self, value, gradient, state, count):
        return value - self.size(count) * gradient, state


def wrong_sign():
    right = cs.forces.logistic
    return cs.Force("wrong", lambda s, t: -right.pull(s, t), right.loss, "sides")


@cs.gate(name="bent")
def bent(x):
    return np.maximum(x, 0.0) if isinstance(x, np.ndarray) else max(x, 0.0)


@bent.vjp(0)
def _(gradient, output, x):
    return gradient * (output + 0.5)  # not the derivative


del cs.gates.registry["bent"]  # it is not for the tests of all gates


def two_weights(second):
    """A classifier of two inputs, of which one weight goes a way of its own."""
    circuit = cs.Circuit("two weights")
    x1, x2 = circuit.inputs("x1 x2")
    circuit.output("score", circuit.parameter("w1", 0.1) * x1 + second(circuit.parameter("w2", 0.1)) * x2)
    return circuit


SHUFFLED = np.random.default_rng(5).permutation(MOONS.labels)
MIXED = np.random.default_rng(5).permutation(PROGRESSION)
LOGISTIC = cs.forces.logistic


@pytest.mark.parametrize(("check", "words", "make", "points", "labels", "batch"), [
    ("pull", "pulls towards a higher loss", build(net(), wrong_sign(), cs.SGD(0.05)), MOONS.points, MOONS.labels, 10),
    ("direction", "move against their pull", build(net(), LOGISTIC, Backwards(0.01)), MOONS.points, MOONS.labels, 10),
    ("direction", "move against their pull", build(cs.linear(2), cs.forces.svm, Backwards(0.01), cs.L2(0.1)),
     GAUSSIANS.points, GAUSSIANS.labels, 1),
    ("gradient", "by central differences", build(cs.mlp([2, 8, 1], bent, init="he", seed=1), LOGISTIC, cs.SGD(0.05)),
     MOONS.points, MOONS.labels, 10),
    ("labels", "no better than shuffled ones", build(net(), LOGISTIC, cs.SGD(0.05)), MOONS.points, SHUFFLED, 10),
    ("labels", "no better than shuffled ones", build(cs.dense([10, 1]), cs.forces.squared_error, cs.SGD(0.05)),
     DIABETES, MIXED, "all"),
    ("large step", "", build(net(), LOGISTIC, cs.SGD(1e3)), MOONS.points, MOONS.labels, 10),
    ("large step", "", build(cs.dense([10, 1]), cs.forces.squared_error, cs.SGD(0.9)), DIABETES, PROGRESSION,
     "all"),
    ("small step", "take a larger step", build(net(), LOGISTIC, cs.SGD(1e-5)), MOONS.points, MOONS.labels, "all"),
    ("small step", "take a larger step", build(cs.dense([10, 1], init="zero"), cs.forces.squared_error, cs.SGD(1e-5)),
     DIABETES, PROGRESSION, "all"),
    ("inputs", "input 'x2' has numbers of a size of 70", build(cs.linear(2), LOGISTIC, cs.SGD(1e-3)),
     GAUSSIANS.points * [0.1, 0.1] + [1.7, 70.0], GAUSSIANS.labels, 10),
    ("inputs", "input 'x1' has numbers of a size of 0.00", build(cs.linear(2), LOGISTIC, cs.SGD(0.1)),
     GAUSSIANS.points * [0.001, 1.0], GAUSSIANS.labels, 10),
    ("dead units", "units of layer relu", build(net(), cs.forces.svm, cs.SGD(3.0)), MOONS.points,
     MOONS.labels, 10),
    ("no gradient", "parameter 'w2' gets no gradient", build(two_weights(lambda w: cs.greater(w, 0.0)), LOGISTIC,
     cs.SGD(0.1)), GAUSSIANS.points, GAUSSIANS.labels, 10),
    ("symmetry", "8 units of layer n1_1 to n1_8 begin alike, all of them are 0", build(cs.mlp([2, 8, 1], init="zero"),
     LOGISTIC, cs.SGD(0.1)), MOONS.points, MOONS.labels, 10),
    ("few", "not even 2 examples alone can be fitted", build(two_weights(lambda w: w * 0.0), LOGISTIC,
     cs.SGD(1e-6)), GAUSSIANS.points, GAUSSIANS.labels, 10),
])  # fmt: skip
def test_each_mistake_is_named(check, words, make, points, labels, batch):
    found = check_training(make, points, labels, batch=batch, iterations=200)
    assert check in found.checks, found
    assert any(words in finding.sentence for finding in found.findings if finding.check == check), found


def test_copies_of_a_unit_are_seen():
    circuit = cs.Circuit("copies")
    weights = np.random.default_rng(0).normal(size=(2, 5))
    weights[:, 3] = weights[:, 1]
    hidden = cs.tanh(circuit.input("x") @ circuit.parameter("v", weights))
    circuit.output("score", hidden @ circuit.parameter("w", np.ones(5)))
    found = check_training(build(circuit, LOGISTIC, cs.SGD(0.1)), MOONS.points, MOONS.labels, batch=10, iterations=50)
    assert found.checks == ["symmetry"]
    assert "2 of them are the same" in str(found)


def test_what_is_standardized_by_the_trainer_is_not_told():
    make = build(cs.linear(2), LOGISTIC, cs.SGD(0.1), standardize=True)
    points = GAUSSIANS.points * [0.1, 20.0] + [1.7, 70.0]
    assert check_training(make, points, GAUSSIANS.labels, batch=10, iterations=200).checks == []


def test_circuits_of_all_kinds_pass():
    """One example at a time, with dropout, a loss of its own, carried state, weights of classes, pictures as noise."""
    random = np.random.default_rng(0)
    points = random.normal(size=(60, 3))
    sides = np.sign(points @ [1, -2, 0.5])
    one = cs.Circuit("one row")
    hidden = cs.relu(one.parameter("v", random.normal(size=(4, 3))) @ one.input("x") + one.parameter("b", np.zeros(4)))
    one.output("score", cs.sum(one.parameter("w", random.normal(size=4)) * hidden))
    dropped = cs.Circuit("dropped")
    x, draw = dropped.inputs("x draw")
    dropped.output("y", cs.sum(cs.dropout(x * dropped.parameter("w", np.full(3, 0.1)), draw, rate=0.3), axis=-1))
    own = cs.Circuit("own loss")
    x, target = own.inputs("x target")
    scores = x @ own.parameter("w", np.zeros((3, 2))) + own.parameter("b", np.zeros(2))
    own.output("loss", cs.cross_entropy(scores, target))
    carried = cs.Circuit("carried")
    x, h = carried.inputs("x h")
    u, v = carried.parameter("u", random.normal(size=(3, 4))), carried.parameter("v", random.normal(size=(4, 4)))
    state = cs.tanh(x @ u + h @ v)
    carried.output("y", state @ carried.parameter("o", random.normal(size=4)))
    carried.output("state", state)
    images = cs.Circuit("images")
    kernels = images.parameter("k", random.normal(size=(3, 1, 3, 3)) * 0.3)
    maps = cs.reshape(cs.relu(cs.conv2d(images.input("x"), kernels)), shape=(-1, 108))
    images.output("scores", maps @ images.parameter("w", random.normal(size=(108, 2)) * 0.1))
    noise = random.normal(size=(200, 1, 8, 8))
    middle = (noise[:, 0, 2:5, 2:5].mean(axis=(1, 2)) > 0) * 1.0
    for make, given, labels, batch in (
        (build(one, LOGISTIC, cs.SGD(0.1)), points, sides, 1),
        (build(dropped, LOGISTIC, cs.SGD(0.1)), points, sides, 10),
        (build(own, cs.forces.loss, cs.SGD(0.3)), points, (sides > 0) * 1.0, "all"),
        (build(carried, LOGISTIC, cs.SGD(0.1), carry={"h": ("state", np.zeros(4))}), points, sides, 1),
        (build(cs.linear(3), cs.forces.svm, cs.SGD(0.05), weights="balanced"), points, sides, 1),
        (build(cs.dense([3, 1]), LOGISTIC, cs.SGD(0.3), cs.L1(0.01)), points, sides, "all"),
        (build(images, cs.forces.softmax, cs.SGD(0.1)), noise, middle, 10),
    ):
        found = check_training(make, given, labels, batch=batch, iterations=200)
        assert found.findings == (), make().engine.netlist.name


def test_inputs_by_name_and_names_of_classes():
    make = build(softmax(), cs.forces.softmax, cs.SGD(0.5))
    names = np.array(["setosa", "versicolor", "virginica"])[IRIS[1]]
    assert check_training(make, {"x": IRIS[0]}, names, batch="all", iterations=200).checks == []


@pytest.mark.parametrize(("make", "message"), [
    (lambda: 3, r"make\(\) returned 3: let it return a fresh Trainer"),
    (lambda: TRAINED, "has learned already"),
])  # fmt: skip
def test_what_makes_no_fresh_trainer_is_refused(make, message):
    with pytest.raises(cs.InputError, match=message):
        check_training(make, GUIDE.points, GUIDE.labels)


TRAINED = build(cs.linear(2), cs.forces.svm, cs.SGD(0.1))()
TRAINED.fit(GUIDE.points, GUIDE.labels, 1)


def test_a_column_of_which_half_is_zero_is_not_told_to_be_small():
    """Small are columns of which more than half is not 0; a sparse one is as it should be."""
    points = np.column_stack([np.tile([0.0, 1e-3], 100), np.linspace(-1.0, 1.0, 200)])
    labels = np.where(points[:, 1] > 0.0, 1.0, -1.0)
    make = build(cs.linear(2), LOGISTIC, cs.SGD(0.1))

    def told(points):
        return check_training(make, points, labels, batch=10, iterations=20).checks

    assert "inputs" not in told(points)
    points[0, 0] = 1e-3  # one more than half
    assert "inputs" in told(points)
