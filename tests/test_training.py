"""Training: the guide's loops to the bit, micrograd's printed losses, and what cannot be trained."""

import random
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.learning import decay
from tests import guide_loops
from tests.guide_loops import LABELS, POINTS
from tests.learners import NAMES, case, network, random_start, svm, trainer, watching


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


# -- what cannot be trained -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("points", "labels", "options", "sentence"), [
    ([[1.0]], [1], {}, "1 columns, but circuit 'svm' has 2 inputs: x, y"),
    ([[1.0, 2.0]], [1, -1], {}, "1 points and 2 labels"),
    ([1.0, 2.0], [1, -1], {}, "shape"),
    ([[1.0, 2.0], [1.0]], [1, -1], {}, "rows of numbers"),
    ([["a", "b"]], [1], {}, "rows of numbers"),
    ([[1.0, np.nan]], [1], {}, "the points: example 0, counted from 0, has an infinity or a nan"),
    ([[1.0, 2.0]], [np.inf], {}, "the labels: example 0, counted from 0, has an infinity"),
    ([[1.0, 2.0]], ["yes"], {}, "parts two classes, but the labels are of 1"),
    (POINTS, LABELS, {"iterations": -1}, "iterations is -1: give"),
    (POINTS, LABELS, {"batch": 0}, "batch is 0: give"),
    (POINTS, LABELS, {"batch": 1.5}, "batch is 1.5: give"),
    (POINTS, LABELS, {"every": 0}, "every is 0: give"),
    (POINTS, LABELS, {"seed": -1}, "seed is -1: give"),
    (POINTS, LABELS, {"order": "backwards"}, "order='backwards'"),
    (POINTS, LABELS, {"order": [0, 6]}, "example 6: there are 6"),
    (POINTS, LABELS, {"order": [0, 1], "iterations": 3}, "has 2 examples and more were asked for"),
    (POINTS, LABELS, {"validation": 1.0}, "the share to hold back, is 1.0: give"),
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
    for word in ("output", "carry"):
        with pytest.raises(cs.InputError, match=word) as caught:
            trainer(engine, svm(), **{word: np.zeros((30, 30))})
        assert "\n" not in str(caught.value)
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


@pytest.mark.parametrize("order", [(0, 5, 2), range(3), np.array([4, 1, 0])], ids=repr)
def test_an_order_may_be_any_sequence_and_goes_on(order):
    trained = trainer(cs.Compiled, svm())
    shown = []
    for count in (1, 2):
        trained.fit(POINTS, LABELS, count, order=order, callbacks=[watching(shown)])
    assert shown == [[number] for number in order]
    with pytest.raises(cs.InputError, match="the order has 3 examples and more were asked for"):
        trained.fit(POINTS, LABELS, 1, order=order)


@pytest.mark.parametrize(("setting", "message"), [
    ({"order": [0.5, 1]}, r"order=\[0.5, 1\] cannot be"), ({"order": 3}, "order=3 cannot be"),
    ({"order": [0, 6]}, "names example 6"), ({"validation": "half"}, "the share to hold back, is .half.: give"),
    ({"callbacks": print}, "give a list of functions"), ({"callbacks": [3]}, "give a list of functions"),
])  # fmt: skip
def test_settings_that_cannot_be(setting, message):
    with pytest.raises(cs.InputError, match=message):
        trainer(cs.Compiled, svm()).fit(POINTS, LABELS, 2, **setting)


@pytest.mark.parametrize(("parts", "message"), [
    ((svm(), cs.forces.svm, cs.SGD()), "for an engine: give it one, Simulation"),
    ((cs.Compiled(svm()), "svm", cs.SGD()), "for a force: give it one, forces.svm"),
    ((cs.Compiled(svm()), cs.forces.svm, 0.01), "for an optimizer: give it one, SGD"),
    ((cs.Compiled(svm()), cs.forces.svm, cs.SGD(), 0.1), "for a penalty: give it one, L2"),
])  # fmt: skip
def test_what_is_given_in_the_wrong_place(parts, message):
    with pytest.raises(cs.InputError, match=message):
        cs.Trainer(*parts)


@pytest.mark.parametrize("make", [
    lambda: decay.LinearDecay(1.0, 0.0, 0), lambda: decay.CosineDecay(np.nan, 0.0, 5),
    lambda: decay.LinearDecay(1.0, -1.0, 5), lambda: decay.ExponentialDecay(1.0, 0.5, 0),
    lambda: decay.ExponentialDecay(1.0, -0.5), lambda: decay.ExponentialDecay("fast", 0.5),
    lambda: cs.SGD(lambda count: -1.0).size(3), lambda: cs.Adam(lambda count: None).size(0),
    lambda: cs.mlp([2, 3, 1], seed=-1), lambda: cs.datasets.spirals(10, seed=-1),
    lambda: cs.datasets.moons(10, seed=-1), lambda: cs.datasets.circles(10, noise=-1.0),
    lambda: cs.datasets.gaussians(10, noise=np.nan), lambda: cs.datasets.gaussians(10, seed=0.5),
])  # fmt: skip
def test_numbers_that_cannot_be(make):
    with pytest.raises(cs.InputError, match=r"is .*: give a (finite|whole) number"):
        make()


def test_an_order_that_has_too_few_for_a_batch_is_refused_before_any_is_shown():
    trained, shown = trainer(cs.Compiled, svm()), []
    order = [0, 1, 2, 3, 4]
    for batch in (2, 2, 1):
        trained.fit(POINTS, LABELS, 1, order=order, batch=batch, callbacks=[watching(shown)])
        with pytest.raises(cs.InputError, match="the order has 5 examples and more were asked for"):
            trained.fit(POINTS, LABELS, 1, order=order, batch=4)
    assert shown == [[0, 1], [2, 3], [4]]


DECAYS = [
    cs.decay.LinearDecay(1.0, 0.0, 10),
    cs.decay.ExponentialDecay(1.0, 0.5, 10),
    cs.decay.CosineDecay(1.0, 0.0, 10),
]


@pytest.mark.parametrize("schedule", DECAYS, ids=repr)
def test_a_schedule_of_steps_does_not_change(schedule):
    with pytest.raises(FrozenInstanceError):
        schedule.start = 2.0
    assert hash(schedule) == hash(type(schedule)(*(getattr(schedule, field.name) for field in fields(schedule))))
