"""Fitting anything: inputs of any shape, classes by name, real targets, weights, clipping, scales, carried state."""

import numpy as np
import pytest

import circuitsim as cs
from tests.both import ENGINES

ROWS = np.random.default_rng(0).normal(size=(40, 3))
SIDES = np.where(ROWS @ [1.0, -2.0, 0.5] > 0, 1.0, -1.0)


@pytest.fixture(params=ENGINES, ids=["simulation", "compiled"])
def engine(request):
    return request.param


def rows_to_score():
    """A circuit made for one example: a row goes in, and one number comes out."""
    circuit = cs.Circuit("one row")
    x, w = circuit.input("x"), circuit.parameter("w", [1.0, 0.0])
    circuit.output("score", cs.sum(w * x))
    return circuit


def several(classes=3, features=2, seed=0):
    """A linear classifier of several classes, for one row or many."""
    random = np.random.default_rng(seed)
    circuit = cs.Circuit("several")
    x = circuit.input("x")
    w = circuit.parameter("w", random.normal(size=(features, classes)) * 0.1)
    circuit.output("scores", x @ w + circuit.parameter("b", np.zeros(classes)))
    return circuit


def corners(seed=0):
    """Three clouds of points, with the names of their classes."""
    random = np.random.default_rng(seed)
    centers = np.array([[3.0, 0.0], [-2.0, 2.0], [-2.0, -3.0]])
    number = np.arange(60) % 3
    return centers[number] + random.normal(0, 0.4, (60, 2)), np.array(["cat", "dog", "emu"])[number]


# -- one example at a time, or several ------------------------------------------------------------------------


def test_a_circuit_made_for_one_example_is_evaluated_one_by_one(engine):
    points, labels = [[1.0, 0.0], [-1.0, 0.0], [2.0, 0.0], [-2.0, 0.0]], [1, -1, 1, -1]
    trainer = cs.Trainer(engine(rows_to_score()), cs.forces.svm, cs.SGD(0.1))
    history = trainer.fit(points, labels, 3, seed=0)
    assert trainer.scores(points).tolist() == [1.0, -1.0, 2.0, -2.0]
    assert (history.cost, history.accuracy) == (0.0, 1.0)
    assert trainer.predict(points).tolist() == labels


def test_such_a_circuit_is_not_shown_several(engine):
    trainer = cs.Trainer(engine(rows_to_score()), cs.forces.svm, cs.SGD(0.1))
    with pytest.raises(cs.InputError, match=r"output 'score' .* has shape \(\) for 4 examples: take batch=1"):
        trainer.fit([[1.0, 0.0], [-1.0, 0.0], [2.0, 0.0], [-2.0, 0.0]], [1, -1, 1, -1], 3, batch=2)


@pytest.mark.parametrize("batch", [1, 7, "all"])
def test_classes_by_name(engine, batch):
    points, names = corners()
    trainer = cs.Trainer(engine(several()), cs.forces.softmax, cs.SGD(0.2))
    history = trainer.fit(points, names, 60, batch=batch, seed=0)
    assert trainer.classes == ["cat", "dog", "emu"]
    assert history.accuracy == np.mean(trainer.predict(points) == names) > 0.9
    assert history.r2 is None
    scores = trainer.scores(points)
    expected = -np.log(np.exp(scores)[np.arange(60), np.arange(60) % 3] / np.exp(scores).sum(axis=1)).mean()
    assert history.cost == pytest.approx(expected, rel=1e-9)


def test_the_full_batch_is_plain_gradient_descent(engine):
    points, targets = ROWS, ROWS @ [1.0, 2.0, -1.0] + 0.5
    circuit = cs.Circuit("line")
    circuit.output("y", circuit.input("x") @ circuit.parameter("w", np.zeros(3)) + circuit.parameter("b", 0.0))
    trainer = cs.Trainer(engine(circuit), cs.forces.squared_error, cs.SGD(0.3))
    history = trainer.fit(points, targets, 50, batch="all")
    w, b = np.zeros(3), 0.0
    for _ in range(50):
        rest = targets - (points @ w + b)
        w, b = w + 0.3 * points.T @ rest / 40, b + 0.3 * rest.mean()
    np.testing.assert_allclose(trainer.engine.parameters["w"], w, rtol=1e-9)
    assert trainer.engine.parameters["b"] == pytest.approx(b, rel=1e-9)
    rest = targets - (points @ w + b)
    assert history.r2 == pytest.approx(1 - np.sum(rest**2) / np.sum((targets - targets.mean()) ** 2), rel=1e-9)
    assert history.accuracy is None


# -- inputs --------------------------------------------------------------------------------------------------------


def test_inputs_of_any_shape_by_name(engine):
    random = np.random.default_rng(1)
    left, right = random.normal(size=(30, 2)), random.normal(size=(30, 2, 3))
    targets = left @ [1.0, -1.0] + right.sum(axis=(1, 2))
    circuit = cs.Circuit("two inputs")
    a, b = circuit.inputs("left right")
    u, v = circuit.parameter("u", np.zeros(2)), circuit.parameter("v", np.zeros((2, 3)))
    circuit.output("y", cs.sum(a * u, axis=-1) + cs.sum(b * v, axis=(-2, -1)))
    for batch in (1, 10):
        trainer = cs.Trainer(engine(circuit), cs.forces.squared_error, cs.SGD(0.1))
        history = trainer.fit({"right": right, "left": left}, targets, 400, batch=batch, seed=0)
        assert history.r2 > 0.99
        assert trainer.predict({"left": left[:2], "right": right[:2]}) == pytest.approx(targets[:2], abs=0.5)


def test_dropout_is_drawn_anew_for_each_update_and_left_out_of_evaluations(engine):
    circuit = cs.Circuit("dropped")
    x, draw = circuit.inputs("x draw")
    circuit.output("y", cs.sum(cs.dropout(x * circuit.parameter("w", np.ones(8)), draw, rate=0.5), axis=-1))
    trainer = cs.Trainer(engine(circuit), cs.forces.squared_error, cs.SGD(1e-6))
    fed = []
    trainer.fit(np.ones((5, 8)), np.zeros(5), 4, batch=5, callbacks=[lambda t: fed.append(t.fed["draw"])])
    assert fed == [0.0, 1.0, 2.0, 3.0]
    assert trainer.scores(np.ones((2, 8))) == pytest.approx([8.0, 8.0], abs=1e-3)


def test_state_is_carried_from_one_update_to_the_next(engine):
    circuit = cs.Circuit("sum so far")
    x, before = circuit.inputs("x before")
    after = x + before
    circuit.output("y", after * circuit.parameter("w", 1.0))
    circuit.output("after", after)
    trainer = cs.Trainer(engine(circuit), cs.forces.squared_error, cs.SGD(1e-9), carry={"before": ("after", 10.0)})
    fed = []
    note = [lambda t: fed.append(t.fed["before"])]
    trainer.fit({"x": [1.0, 2.0, 3.0]}, [0.0, 0.0, 0.0], 3, order="in order", callbacks=note)
    assert fed == [10.0, 11.0, 13.0]
    assert trainer.scores({"x": [1.0]}) == pytest.approx([11.0])
    for carry, words in (
        ({"z": ("after", 0.0)}, "carry names 'z'"),
        ({"before": "after"}, "give an output and a first"),
    ):
        with pytest.raises(cs.InputError, match=words):
            cs.Trainer(engine(circuit), cs.forces.squared_error, cs.SGD(0.1), carry=carry)


def test_raw_units_are_standardized_and_undone(engine):
    points = np.array([[1.7, 65], [1.8, 80], [1.6, 50], [1.5, 45], [1.75, 70], [1.55, 52]])
    labels = ["cat", "cat", "dog", "dog", "cat", "dog"]
    trainer = cs.Trainer(engine(cs.linear(2)), cs.forces.svm, cs.SGD(0.05), standardize=True)
    history = trainer.fit(points, labels, 400, seed=0)
    assert history.accuracy == 1.0
    assert trainer.predict(points).tolist() == labels
    assert trainer.scale.describe(["x1", "x2"])[0] == "x1 is taken as (x1 - 1.65) / 0.108"
    by_hand = (points - points.mean(axis=0)) / points.std(axis=0)
    plain = cs.Trainer(engine(cs.linear(2)), cs.forces.svm, cs.SGD(0.05))
    plain.fit(by_hand, labels, 400, seed=0)
    assert plain.engine.parameters == trainer.engine.parameters


# -- weights and clipping --------------------------------------------------------------------------------------------


def test_weights_of_classes_are_as_if_examples_were_repeated(engine):
    points, names = corners()
    number = np.array([{"cat": 0, "dog": 1, "emu": 2}[name] for name in names])
    twice = np.repeat(np.arange(60), np.where(number == 1, 2, 1))
    plain = cs.Trainer(engine(several()), cs.forces.softmax, cs.SGD(0.1))
    plain.fit(points[twice], number[twice], 20, batch="all")
    # a step of 0.1 on a mean over 80 is one of 0.1 * 60 / 80 on a sum that is divided by 60
    weighed = cs.Trainer(engine(several()), cs.forces.softmax, cs.SGD(0.1 * 60 / 80), weights={"dog": 2})
    weighed.fit(points, names, 20, batch="all")
    for name, value in weighed.engine.parameters.items():
        np.testing.assert_allclose(value, plain.engine.parameters[name], rtol=1e-9)


def test_balanced_weights_let_each_class_count_alike(engine):
    points, labels = ROWS, np.where(np.arange(40) < 4, 1.0, -1.0)
    trainer = cs.Trainer(engine(cs.linear(3)), cs.forces.logistic, cs.SGD(0.1), weights="balanced")
    trainer.fit(points, labels, 0)
    scores = trainer.scores(points)
    losses = np.log1p(np.exp(-labels * scores))
    assert trainer.history.cost == pytest.approx((losses[:4].mean() + losses[4:].mean()) / 2, rel=1e-12)
    for weights, force, words in (
        ({"cow": 1.0}, cs.forces.svm, "no class 'cow' to weigh"), ("equal", cs.forces.svm, "or 'balanced'"),
        ({1: -2.0}, cs.forces.svm, "the weight of class 1 is -2.0"),
        ("balanced", cs.forces.squared_error, "leave them out"),
    ):  # fmt: skip
        with pytest.raises(cs.InputError, match=words):
            cs.Trainer(engine(cs.linear(3)), force, cs.SGD(0.1), weights=weights).fit(points, labels, 1)


def test_gradients_are_clipped_by_their_common_length(engine):
    circuit = cs.Circuit("steep")
    circuit.output("y", circuit.parameter("a", 0.0) * 3.0 + circuit.parameter("b", 0.0) * 4.0)
    trainer = cs.Trainer(engine(circuit), cs.forces.squared_error, cs.SGD(1.0), clip=0.5)
    trainer.fit({}, [100.0], 1)
    assert trainer.engine.parameters == pytest.approx({"a": 0.3, "b": 0.4})
    assert trainer.history.gradient_norms == [500.0]


# -- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("force", "labels", "words"), [
    (cs.forces.svm, [0, 1, 1], r"the labels are 0 and 1, but force 'svm' takes -1 and \+1: give 2\*y - 1"),
    (cs.forces.logistic, [1, 3, -1], r"label 3 is neither -1 nor \+1"),
    (cs.forces.logistic, ["a", "b", "c"], "parts two classes, but the labels are of 3"),
    (cs.forces.softmax, [1, 2, 3], "there are 4 classes, but the circuit gives 3 scores for each example"),
    (cs.forces.softmax, [0, -1, 1], "label -1 is no class"), (cs.forces.softmax, [0, 0.5, 1], "label 0.5 is no class"),
    (cs.forces.softmax, ["a", "b", "c", "d"], "3 points and 4 labels"),
    (cs.forces.squared_error, ["a", "b", "c"], "takes numbers for targets, not 'a'"),
    (cs.forces.softmax, [1j, 0, 1], "the labels are complex numbers"),
    (cs.forces.softmax, np.ma.masked_array([0, 1, 2], [0, 1, 0]), "the labels are masked"),
])  # fmt: skip
def test_labels_that_mean_nothing_are_refused(engine, force, labels, words):
    circuit = several() if force is cs.forces.softmax else cs.linear(2)
    with pytest.raises(cs.InputError, match=words):
        cs.Trainer(engine(circuit), force, cs.SGD(0.1)).fit([[1.0, 2.0], [0.0, 1.0], [2.0, 1.0]], labels, 1)


@pytest.mark.parametrize(("points", "words"), [
    ({"x1": [1.0]}, "the points lack input 'x2'"),
    ({"x1": [1.0], "x2": [1.0], "x3": [2.0]}, "no input 'x3' for points"),
    ({"x1": [1.0], "x2": [1.0, 2.0]}, "different numbers of examples, or none: 'x1' has 1, 'x2' has 2"),
    ({"x1": 1.0, "x2": [1.0]}, "'x1' has 0"), ([[1j, 2.0]], "the points are complex numbers"),
    (np.ma.masked_array([[1.0, 2.0]], [[0, 1]]), "the points are masked"), ([["1", "2"]], "must be rows of numbers"),
    (np.zeros((0, 2)), "0 points and 1 labels"), (np.zeros((1, 2, 2)), r"the points have shape \(1, 2, 2\)"),
])  # fmt: skip
def test_points_that_do_not_fit_are_refused(engine, points, words):
    with pytest.raises(cs.InputError, match=words):
        cs.Trainer(engine(cs.linear(2)), cs.forces.svm, cs.SGD(0.1)).fit(points, [1], 1)


@pytest.mark.parametrize(("make", "labels", "options", "words"), [
    (lambda engine: cs.Trainer(engine(several()), cs.forces.svm, cs.SGD(0.1)), [1, -1, 1], {},
     r"gives shape \(3,\) for each example, and the labels have \(\)"),
    (lambda engine: cs.Trainer(engine(several()), cs.forces.squared_error, cs.SGD(0.1)), np.ones((3, 2)), {"batch": 3},
     r"gives shape \(3,\) for each example, and the labels have \(2,\)"),
    (lambda engine: cs.Trainer(engine(cs.linear(2)), cs.forces.svm, cs.SGD(0.1), carry=[1]), [1, -1, 1], {},
     r"carry is \[1\]: give a mapping"),
    (lambda engine: cs.Trainer(engine(cs.linear(2)), cs.forces.svm, cs.LBFGS(), clip=1.0), [1, -1, 1], {},
     "clip is for parameters that move once for each batch"),
])  # fmt: skip
def test_what_does_not_fit_together_is_told(engine, make, labels, options, words):
    with pytest.raises(cs.InputError, match=words):
        make(engine).fit([[1.0, 2.0], [0.0, 1.0], [2.0, 1.0]], labels, 1, **options)


def test_clipping_is_refused_where_parameters_move_with_each_example():
    plan = cs.Plan(2, update="async", microbatches=2)
    with pytest.raises(cs.InputError, match="clip is for parameters that move once"):
        cs.Trainer(cs.Simulation(cs.linear(2), plan), cs.forces.svm, cs.SGD(0.1), clip=1.0)


def test_a_column_of_labels_is_taken(engine):
    for batch in (1, 10):
        trainers = [cs.Trainer(engine(cs.linear(3)), cs.forces.svm, cs.SGD(0.1)) for _ in range(2)]
        trainers[0].fit(ROWS, SIDES, 10, batch=batch, seed=0)
        trainers[1].fit(ROWS, SIDES[:, None], 10, batch=batch, seed=0)
        assert trainers[0].engine.parameters == trainers[1].engine.parameters


def test_no_examples_at_all_are_refused(engine):
    with pytest.raises(cs.InputError, match="there are no examples"):
        cs.Trainer(engine(cs.linear(2)), cs.forces.svm, cs.SGD(0.1)).fit(np.zeros((0, 2)), [], 1)


def test_scores_are_scores_and_no_losses(engine):
    circuit = several()
    scores = cs.Wire(circuit, circuit.outputs["scores"])
    circuit.output("loss", cs.cross_entropy(scores, circuit.input("target")))
    points, _ = corners()
    numbers = np.arange(60) % 3
    trainer = cs.Trainer(engine(circuit), cs.forces.loss, cs.SGD(0.2), output="loss")
    trainer.fit(points, numbers, 5, batch=10, seed=0)
    with pytest.raises(cs.InputError, match="depends on the target"):
        trainer.scores(points)
    with pytest.raises(cs.InputError, match="a loss predicts nothing"):
        trainer.predict(points)
    assert np.shape(trainer.scores(points, numbers)) == (60,)


@pytest.mark.parametrize("batch", [8, "all"])
def test_a_mean_loss_is_pulled_with_minus_one_whatever_the_batch(engine, batch):
    """As one loss for each example is, whose pulls are divided by their number."""
    points, numbers = corners()[0][:8], np.arange(8) % 3
    gradients = []
    for whole in (False, True):
        circuit = several()
        loss = cs.cross_entropy(cs.Wire(circuit, circuit.outputs["scores"]), circuit.input("target"))
        circuit.output("loss", cs.mean(loss) if whole else loss)
        trainer = cs.Trainer(engine(circuit), cs.forces.loss, cs.SGD(0.2), output="loss")
        trainer.fit(points, numbers, 1, batch=batch, order="in order")
        gradients.append((trainer.gradients["w"], trainer.history.losses[0], trainer.history.cost))
    np.testing.assert_allclose(gradients[0][0], gradients[1][0], rtol=1e-12)
    assert gradients[0][1:] == pytest.approx(gradients[1][1:])


# -- histories -----------------------------------------------------------------------------------------------------


def test_patience_judges_each_call_by_its_own_costs(engine):
    trainer = cs.Trainer(engine(cs.linear(3)), cs.forces.logistic, cs.SGD(0.05))
    trainer.fit(ROWS, SIDES, 200, seed=0)
    history = trainer.fit(ROWS, -SIDES, 200, validation=0.3, patience=8, every=1)
    assert history.iterations > 220  # the costs of the first call were far lower


def test_patience_counts_the_evaluations_that_bring_nothing_better(engine):
    trainer = cs.Trainer(engine(cs.linear(1, init="zero")), cs.forces.squared_error, cs.SGD(0.1))
    points, labels = [[1.0], [2.0], [3.0], [4.0]], [0.0] * 4  # fitted from the start: each cost is as good as the first
    history = trainer.fit(points, labels, 50, validation=0.5, patience=3, every=2, seed=0)
    assert history.ended == "stopped early"
    assert [evaluation.iteration for evaluation in history.evaluations] == [0, 2, 4, 6]


def test_what_a_history_says_belongs_to_the_parameters_in_force(engine):
    points, labels = ROWS, SIDES * np.where(np.arange(40) % 5, 1, -1)
    trainer = cs.Trainer(engine(cs.mlp([3, 8, 1], seed=0)), cs.forces.logistic, cs.SGD(0.5))
    history = trainer.fit(points, labels, 2000, validation=0.4, patience=4, every=1, seed=0)
    assert history.ended == "stopped early"
    best = min(history.evaluations, key=lambda evaluation: evaluation.validation_cost)
    assert history.now is best
    assert history.cost == best.cost
    assert {name: float(value) for name, value in trainer.engine.parameters.items()} == best.parameters


def test_a_training_that_diverges_says_so_in_its_history(engine):
    runner = engine(cs.linear(3), nonfinite="ignore")
    trainer = cs.Trainer(runner, cs.forces.squared_error, cs.SGD(100.0))
    with pytest.raises(cs.DivergenceError):
        trainer.fit(ROWS, SIDES, 10_000, seed=0)
    assert trainer.history.ended == "diverged"
    assert trainer.history.now.parameters == trainer.engine.parameters


def test_memory_stays_flat(monkeypatch):
    from circuitsim.learning import history

    monkeypatch.setattr(history, "MOST_POINTS", 16)
    trainer = cs.Trainer(cs.Compiled(cs.linear(3)), cs.forces.svm, cs.SGD(0.01))
    kept = trainer.fit(ROWS, SIDES, 100, every=1, seed=0)
    whole = cs.Trainer(cs.Compiled(cs.linear(3)), cs.forces.svm, cs.SGD(0.01))
    monkeypatch.setattr(history, "MOST_POINTS", 10_000)
    full = whole.fit(ROWS, SIDES, 100, every=1, seed=0)
    assert len(kept.losses) <= 16
    assert len(kept.evaluations) <= 17
    assert kept.iterations == 100
    assert list(kept.losses) == [full.losses[number] for number in kept.losses.iterations]
    assert kept.now == full.now


# -- all parameters together ---------------------------------------------------------------------------------------


def test_lbfgs_finds_the_ridge(engine):
    points, targets = ROWS, ROWS @ [1.0, 2.0, -1.0] + 0.5
    circuit = cs.Circuit("line")
    circuit.output("y", circuit.input("x") @ circuit.parameter("w", np.zeros(3)) + circuit.parameter("b", 0.0))
    trainer = cs.Trainer(engine(circuit), cs.forces.squared_error, cs.LBFGS(), cs.L2(0.1))
    history = trainer.fit(points, targets, 12, batch="all")
    wide = np.column_stack([points, np.ones(40)])
    best = np.linalg.solve(wide.T @ wide / 40 + np.diag([0.1, 0.1, 0.1, 0.0]), wide.T @ targets / 40)
    np.testing.assert_allclose(trainer.engine.parameters["w"], best[:3], rtol=1e-6)
    assert trainer.engine.parameters["b"] == pytest.approx(best[3], rel=1e-6)
    assert [done.cost for done in history.evaluations] == sorted((d.cost for d in history.evaluations), reverse=True)


def test_what_lbfgs_cannot_do_is_told(engine):
    circuit = cs.linear(3)
    with pytest.raises(cs.InputError, match=r"L1\(0.1\) has a kink"):
        cs.Trainer(engine(circuit), cs.forces.logistic, cs.LBFGS(), cs.L1(0.1))
    with pytest.raises(cs.InputError, match="give batch='all'"):
        cs.Trainer(engine(circuit), cs.forces.logistic, cs.LBFGS()).fit(ROWS, SIDES, 3)


# -- checkpoints of all this ---------------------------------------------------------------------------------------


def recurrent():
    circuit = cs.Circuit("recurrent")
    x, before = circuit.inputs("x before")
    after = cs.tanh(circuit.parameter("u", 0.3) * x + circuit.parameter("v", 0.8) * before)
    circuit.output("after", after)
    return circuit


NAMES = np.array(["cat", "dog", "emu"])[np.arange(40) % 3]


@pytest.mark.parametrize(("make", "points", "labels", "options"), [
    (lambda engine: cs.Trainer(engine(several(features=3)), cs.forces.softmax, cs.Adam(0.1), standardize=True),
     5.0 + 3.0 * ROWS, NAMES, {"batch": "all"}),
    (lambda engine: cs.Trainer(engine(several(features=3)), cs.forces.softmax, cs.LBFGS(), cs.L2(0.01)),
     ROWS, NAMES, {"batch": "all"}),
    (lambda engine: cs.Trainer(
        engine(recurrent()), cs.forces.squared_error, cs.SGD(0.1), carry={"before": ("after", 0.5)}, clip=0.1
     ), {"x": ROWS[:, 0]}, ROWS[:, 1], {"order": "in order"}),
], ids=["names and scale", "L-BFGS", "carried"])  # fmt: skip
def test_a_checkpoint_goes_on_as_if_it_had_never_stopped(engine, make, points, labels, options, tmp_path):
    whole, half = make(engine), make(engine)
    whole.fit(points, labels, 12, **options)
    half.fit(points, labels, 6, **options)
    half.save(tmp_path / "half.npz")
    resumed = make(engine)
    resumed.load(tmp_path / "half.npz")
    assert resumed.classes == half.classes
    assert np.asarray(resumed.scores(points)).tobytes() == np.asarray(half.scores(points)).tobytes()
    resumed.fit(points, labels, 6, **options)
    for name, value in whole.engine.parameters.items():
        assert np.asarray(resumed.engine.parameters[name]).tobytes() == np.asarray(value).tobytes()
    assert resumed.history.now.cost == whole.history.now.cost
