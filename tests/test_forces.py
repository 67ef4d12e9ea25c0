"""Forces against their losses, optimizers against printed steps, penalties."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.testing import check_gate
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


CLASSES = [cs.forces.softmax, cs.forces.weston_watkins, cs.forces.crammer_singer]


def several(classes=3):
    circuit = cs.Circuit("several")
    x = circuit.input("x")
    w = circuit.parameter("w", np.linspace(-1.0, 1.0, 2 * classes).reshape(2, classes))
    circuit.output("scores", x @ w + circuit.parameter("b", np.zeros(classes)))
    return circuit


@given(
    scores=st.lists(st.floats(-4, 4), min_size=2, max_size=6), label=st.integers(0, 5), force=st.sampled_from(CLASSES)
)
def test_losses_of_classes_written_out(scores, label, force):
    """Against the formulas in plain Python, and the pull against differences of them where there is no kink."""
    label %= len(scores)

    def plain(scores):
        wrong = [1.0 + score - scores[label] for j, score in enumerate(scores) if j != label]
        return {
            "softmax": np.log(np.sum(np.exp(scores))) - scores[label],
            "weston_watkins": sum(max(0.0, excess) for excess in wrong),
            "crammer_singer": max(0.0, *wrong),
        }[force.name]

    assert force.loss(scores, label) == pytest.approx(plain(scores), abs=1e-12)
    pull = force.pull(scores, label)
    assert pull.sum() == pytest.approx(0.0, abs=1e-12)
    width, slopes = 1e-6, []
    for place in range(len(scores)):
        up, down = scores.copy(), scores.copy()
        up[place], down[place] = up[place] + width, down[place] - width
        slopes.append(((plain(scores) - plain(down)) / width, (plain(up) - plain(scores)) / width))
    if all(abs(left - right) < 1e-4 for left, right in slopes):
        np.testing.assert_allclose(pull, [-left for left, _ in slopes], atol=1e-4)


@pytest.mark.parametrize("force", CLASSES, ids=lambda force: force.name)
def test_rows_of_scores_are_pulled_as_each_alone(force):
    random = np.random.default_rng(1)
    scores, labels = random.normal(size=(7, 4)), random.integers(0, 4, 7)
    pulls, losses = force.pull(scores, labels), force.loss(scores, labels)
    assert pulls.shape == (7, 4)
    assert losses.shape == (7,)
    for row, label, pull, loss in zip(scores, labels, pulls, losses, strict=True):
        assert force.pull(row, float(label)).tolist() == pull.tolist()
        assert force.loss(row, float(label)) == loss
    assert force.accuracy(scores, labels) == np.mean(scores.argmax(1) == labels)


@pytest.mark.parametrize("force", CLASSES, ids=lambda force: force.name)
def test_a_loss_of_classes_as_a_circuit_learns_the_same(engine, force):
    """Pulled by the batch: its pull here, its loss circuit with -1 there, and both engines."""
    random = np.random.default_rng(2)
    points, labels = random.normal(size=(12, 2)), random.integers(0, 3, 12)
    pulled, circuit = engine(several()), several()
    scores = cs.Wire(circuit, circuit.outputs.pop("scores"))
    circuit.output("loss", force.loss(scores, circuit.input("target")))
    lowered = engine(circuit)
    for runner in (pulled, lowered):
        runner.learn(cs.SGD(0.1))
    for _ in range(20):
        pulled.backward(force.pull(pulled.forward({"x": points})["scores"], labels) / 12)
        losses = lowered.forward({"x": points, "target": labels})["loss"]
        lowered.backward(cs.forces.loss.pull(losses, labels) / 12)
        pulled.update()
        lowered.update()
    for name, value in pulled.parameters.items():
        np.testing.assert_allclose(value, lowered.parameters[name], rtol=1e-12)
    assert np.mean(losses) < np.mean(force.loss(points @ several().graph.nodes["w"]["value"], labels))


def test_which_classes_are_pushed_at_ties():
    """One that just keeps the margin is not; of several nearest, Crammer and Singer push the first."""
    ww, crammer = cs.forces.weston_watkins, cs.forces.crammer_singer
    assert ww.pull([2.0, 1.0, 1.5], 0).tolist() == [1.0, 0.0, -1.0]
    assert ww.pull([2.0, 1.0, 1.0], 0).tolist() == crammer.pull([2.0, 1.0, 1.0], 0).tolist() == [0.0, 0.0, 0.0]
    assert crammer.pull([1.0, 0.5, 0.5, 0.25], 0).tolist() == [1.0, -1.0, 0.0, 0.0]
    assert crammer.pull([0.0, 0.0, 0.0], 2).tolist() == [-1.0, 0.0, 1.0]
    assert ww.pull([0.0, 0.0, 0.0], 2).tolist() == [-1.0, -1.0, 2.0]


def test_classes_left_out():
    """A class whose score is -inf costs nothing and is not pulled, whichever way the target is given."""
    masked = [0.5, -np.inf, 0.0]
    for target in (0, [1.0, 0.0, 0.0], [0.25, 0.0, 0.75]):
        assert cs.cross_entropy(masked, target) == pytest.approx(
            cs.cross_entropy([0.5, 0.0], target if target == 0 else target[::2]), rel=1e-15
        )
    assert cs.cross_entropy([0.0, -np.inf], 0) == 0.0
    assert not np.signbit(cs.cross_entropy([0.0, -np.inf], 0))
    assert cs.cross_entropy([0.0, -np.inf], 1) == np.inf
    for force in CLASSES:
        pull = force.pull(masked, 0)
        assert pull[1] == 0.0
        np.testing.assert_array_equal(pull[::2], force.pull([0.5, 0.0], 0))
        assert force.loss(masked, 0) == force.loss([0.5, 0.0], 0)


@pytest.mark.parametrize(("make", "words"), [
    (lambda: cs.cross_entropy([0.0, 1.0], 5), "cross_entropy was given 5 for one of 2 classes: .* 0 to 1"),
    (lambda: cs.cross_entropy([[0.0, 1.0]] * 2, [0, 0.5]), "cross_entropy was given 0.5 for one of 2 classes"),
    (lambda: cs.forces.softmax.pull([0.0, 1.0], -1), "softmax was given -1 for one of 2"),
    (lambda: cs.forces.weston_watkins.loss([0.0, 1.0], np.nan), "weston_watkins was given nan for one of 2"),
    (lambda: cs.forces.crammer_singer.pull([0.0, 1.0], 2), "crammer_singer was given 2 for one of 2"),
    (lambda: cs.one_hot([0, 3], classes=3), "one_hot was given 3 for one of 3 classes: .* 0 to 2"),
    (lambda: cs.embedding([[1.0], [2.0]], [1.7]), "embedding was given 1.7 for one of 2 rows"),
    (lambda: cs.embedding([[1.0], [2.0]], [0, -1]), "embedding was given -1 for one of 2 rows"),
    (lambda: cs.forces.svm.accuracy(np.zeros((3, 2)), np.zeros(3)), "force 'svm' was given 6 scores and 3 targets"),
    (lambda: cs.forces.softmax.accuracy(0.5, 1), "the score 0.5: give one for each class"),
    (lambda: cs.Force("mine", None, None, "labels"), "targets of force 'mine' are 'labels': give 'sides'"),
])  # fmt: skip
def test_what_is_no_class_is_refused(make, words):
    with pytest.raises(cs.InputError, match=words):
        make()


@pytest.mark.parametrize("force", CLASSES, ids=lambda force: force.name)
@pytest.mark.parametrize(("scores", "target"), [((2, 3), (3,)), ((2, 3), (2, 1)), ((3,), (1,)), ((), ())])
def test_a_target_for_each_row_of_scores(force, scores, target):
    for work in (force.pull, force.loss):
        with pytest.raises(cs.ShapeError, match="give one class number for each row of scores"):
            work(np.zeros(scores), np.zeros(target))


@pytest.mark.parametrize("loss", [cs.cross_entropy, cs.weston_watkins, cs.crammer_singer])
def test_class_numbers_are_not_moved_by_gradient_checks(engine, loss):
    """They choose: their gradient is 0, and so says the numerical one."""
    circuit = several()
    circuit.output("loss", loss(cs.Wire(circuit, circuit.outputs.pop("scores")), circuit.input("target")))
    check = cs.check_gradients(engine(circuit), {"x": [[0.5, -1.0], [2.0, 0.25]], "target": [0, 2]})
    assert check.worst < 1e-8
    assert {name: np.any(slope) for name, slope, *_ in check.rows}["target"] == np.False_
    assert check_gate(loss, [[0.5, -1.0, 0.3], [2.0, 0.25, 1.9]], [0, 2], ports=[0]) < 1e-8
    with pytest.raises(cs.InputError, match="for one of 3 classes"):
        cs.check_gradients(engine(circuit), {"x": [[0.5, -1.0]], "target": [3]})


@pytest.mark.parametrize("force", CLASSES, ids=lambda force: force.name)
def test_labels_that_are_no_class_are_refused_in_circuits(engine, force):
    circuit = cs.Circuit("loss")
    circuit.output("loss", force.loss(circuit.input("scores"), circuit.input("target")))
    runner = engine(circuit)
    for _ in range(3):
        assert runner.forward({"scores": [0.0, 1.0], "target": 1})["loss"] >= 0.0
    with pytest.raises(cs.InputError, match="was given 2 for one of 2 classes"):
        runner.forward({"scores": [0.0, 1.0], "target": 2})


def test_rows_that_are_not_there_are_refused_in_circuits(engine):
    circuit = cs.Circuit("rows")
    circuit.output("f", cs.embedding(circuit.input("table"), circuit.input("row")))
    runner = engine(circuit)
    for _ in range(3):
        assert runner.forward({"table": [[1.0], [2.0]], "row": 1})["f"] == [2.0]
    with pytest.raises(cs.InputError, match="embedding was given 4 for one of 2 rows"):
        runner.forward({"table": [[1.0], [2.0]], "row": 4})


def test_accuracies():
    """By the sign, by the highest score, by a user's own rule; none of numbers and of losses."""
    assert cs.forces.svm.accuracy([1.0, 0.0, -1.0, 2.0], [1.0, 1.0, -1.0, -1.0]) == 0.5
    assert cs.forces.logistic.accuracy([[1.0], [-2.0]], [1.0, -1.0]) == 1.0  # a column of scores
    assert cs.forces.squared_hinge.accuracy(0.5, [1.0]) == 1.0
    assert cs.forces.softmax.accuracy([1.0, 1.0, 0.0], 0) == 1.0  # the first of equal ones
    assert cs.forces.softmax.accuracy([1.0, 1.0, 0.0], 1) == 0.0
    assert cs.forces.squared_error.accuracy([1.0], [1.0]) is None
    assert cs.forces.loss.accuracy([1.0], [1.0]) is None
    near = cs.Force("near", cs.forces.squared_error.pull, cs.forces.squared_error.loss, "numbers", right=np.isclose)
    assert near.accuracy([1.0, 2.0], [1.0, 2.5]) == 0.5


def test_a_loss_is_pulled_down_whatever_its_shape_and_target():
    assert cs.forces.loss.pull(3.0, None) == -1.0
    assert cs.forces.loss.pull(np.ones(4), np.arange(4)).tolist() == [-1.0] * 4


def _twice(score, target):
    return 2.0 * cs.forces.softmax.pull(score, target)


@pytest.mark.parametrize("force", [
    *cs.forces.by_name.values(), cs.Force("twice", _twice, cs.forces.softmax.loss, "classes"),
], ids=lambda force: force.name)  # fmt: skip
def test_forces_can_be_pickled_if_their_functions_can(force):
    again = pickle.loads(pickle.dumps(force))
    assert again == force == copy.deepcopy(force)
    assert again.pull([1.0, 2.0] if force.targets == "classes" else 0.5, 1) is not None
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(cs.Force("mine", lambda score, target: 0.0, force.loss))


def test_all_forces_have_a_name():
    made = {name for name, thing in vars(cs.forces).items() if isinstance(thing, cs.Force)}
    assert set(cs.forces.by_name) == made
    assert made <= set(cs.forces.__all__)


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


TRACES = json.loads((Path(__file__).parent / "optimizers" / "traces.json").read_text(encoding="utf-8"))
MAKE = {
    "sgd": lambda lr: cs.SGD(lr),
    "momentum": lambda lr, momentum: cs.Momentum(lr, momentum),
    "nesterov": lambda lr, momentum, nesterov: cs.Nesterov(lr, momentum),
    "adagrad": lambda lr, eps: cs.AdaGrad(lr, eps),
    "rmsprop": lambda lr, alpha, eps: cs.RMSProp(lr, alpha, eps),
    "adam": lambda lr, betas, eps: cs.Adam(lr, *betas, eps),
    "adamw": lambda lr, betas, eps, weight_decay: cs.AdamW(lr, *betas, eps, weight_decay),
    "amsgrad": lambda lr, betas, eps, amsgrad: cs.AMSGrad(lr, *betas, eps),
}


@pytest.mark.parametrize("name", MAKE)
def test_fifty_steps_of_pytorch(engine, name):
    """`tests/optimizers/make_optimizers.py` wrote them: an array, and the same as numbers."""
    told = TRACES["rules"][name]
    circuit = cs.Circuit("values")
    weight, goal, start = (np.array(TRACES[key]) for key in ("weight", "goal", "start"))
    w = circuit.parameter("w", start)
    total = cs.sum(0.5 * weight * cs.square(w - goal)) + 0.1 * cs.sum(cs.cos(3.0 * w))
    for i in range(4):
        v = circuit.parameter(f"v{i}", float(start[i]))
        total = total + 0.5 * float(weight[i]) * cs.square(v - float(goal[i])) + 0.1 * cs.cos(3.0 * v)
    circuit.output("loss", total)
    runner = engine(circuit)
    runner.learn(MAKE[name](**told["settings"]))
    for values in told["values"]:
        runner.forward({})
        runner.backward(-1.0)
        runner.update()
        numbers = [runner.parameters[f"v{i}"] for i in range(4)]
        np.testing.assert_allclose(runner.parameters["w"], values, rtol=1e-11)
        np.testing.assert_allclose(numbers, values, rtol=1e-11)
    assert set(MAKE) == set(TRACES["rules"])


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
@pytest.mark.parametrize("name", ["guide", *cs.datasets.made])
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
    lambda: cs.L1(1.0, on="weights"), lambda: cs.AdamW(decay=-1.0), lambda: cs.GroupL2(np.inf),
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


def test_the_costs_of_all_springs_are_counted(engine):
    trained = trainer(engine, svm(), penalty=[cs.L1(0.5, on=["c"]), cs.L2(1.0)])
    cost = trained.fit(POINTS, LABELS, 0).cost
    assert cost == pytest.approx(trained.evaluate(POINTS, LABELS)[0] + 0.5 * 1.0 + 0.5 * (1.0 + 4.0))


def test_l1_shrinks_after_the_step_and_leaves_exact_zeros(engine):
    """By the step of this update; the step itself goes by the gradient alone."""
    circuit = cs.Circuit("shrunk")
    a, b, c = circuit.parameters(a=1.0, b=-0.02, c=0.5)
    circuit.output("f", circuit.input("x") * (a + b) + c * circuit.parameter("w", [0.01, -3.0]))
    runner = engine(circuit)
    runner.learn(cs.SGD(cs.decay.ExponentialDecay(0.1, 0.5)), cs.L1(0.5, on=["a", "b", "w"]))
    sizes = []
    for _ in range(2):
        runner.forward({"x": 0.0})
        runner.backward(0.0)
        runner.update()
        sizes.append([runner.parameters["a"], runner.parameters["b"], *runner.parameters["w"], runner.parameters["c"]])
    assert sizes[0] == pytest.approx([0.95, 0.0, 0.0, -2.95, 0.5], rel=1e-15)
    assert sizes[1] == pytest.approx([0.925, 0.0, 0.0, -2.925, 0.5], rel=1e-15)
    assert sizes[0][1:3] == [0.0, 0.0]
    assert not np.signbit(sizes[0][1:3]).any()


@given(
    value=st.floats(-3, 3).filter(lambda v: not 0 < abs(v) < 1e-100), strength=st.floats(0, 2), step=st.floats(1e-3, 1)
)
def test_shrinking_is_the_proximal_step_of_the_energy(value, strength, step):
    """What is left has the lowest energy, plus its squared distance over twice the step, of all places tried."""
    tried = np.linspace(-3, 3, 601)
    for penalty in (cs.L1(strength), cs.GroupL2(strength), cs.GroupL2(strength, axis=0)):
        left = penalty.shrink(value, step)
        assert isinstance(left, float)

        def price(place, penalty=penalty):
            return penalty.cost(place) + (place - value) ** 2 / (2 * step)

        assert price(left) <= min(price(float(place)) for place in tried) + 1e-12
        elements = penalty.shrink(np.array([[value]]), step)
        assert elements.tolist() == [[left]]


@pytest.mark.parametrize(("axis", "groups"), [(None, 1), (0, 3), (1, 2), (-1, 2)])
def test_groups_go_together(axis, groups):
    value = np.array([[3.0, -4.0], [0.3, 0.4], [1.0, 2.0]])
    penalty = cs.GroupL2(0.5, axis=axis)
    rows = {1: [value], 3: list(value), 2: list(value.T)}[groups]
    force = 0.5 * np.sqrt(6 / groups)
    assert penalty.cost(value) == pytest.approx(force * sum(np.sqrt(np.sum(row**2)) for row in rows), rel=1e-15)
    left = penalty.shrink(value, 1.0)
    expected = [row * max(0.0, 1.0 - force / np.sqrt(np.sum(row**2))) for row in rows]
    np.testing.assert_allclose({1: [left], 3: list(left), 2: list(left.T)}[groups], expected, rtol=1e-14)
    assert penalty.shrink(np.asfortranarray(value), 1.0).tolist() == left.tolist()
    assert penalty.shrink(np.zeros((2, 2)), 1.0).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_numbers_are_groups_of_one_in_every_engine():
    """The compiled engine stacks numbers, and must not take the stack for a group."""
    found = []
    for engine in (cs.Simulation, cs.Compiled):
        runner = engine(svm(a=0.5, b=-0.001))
        runner.learn(cs.SGD(0.1), [cs.L1(0.01), cs.GroupL2(0.4, on=["a", "b"])])
        for x in (1.0, -0.5, 0.25):
            runner.forward({"x": x, "y": 0.0})
            runner.backward(0.3)
            runner.update()
        found.append(runner.parameters)
    assert found[0] == found[1]
    assert found[0]["b"] == 0.0 != found[0]["a"]


def test_what_cannot_shrink(engine):
    class Bare:
        def start(self, value):
            return ()

        def respond(self, value, gradient, state, count):
            return value + 0.1 * gradient, state

    runner = engine(svm())
    runner.learn(Bare(), cs.L1(0.5))
    runner.forward({"x": 1.0, "y": 1.0})
    runner.backward()
    with pytest.raises(
        cs.InputError, match=r"L1\(0.5\) shrinks .* which .*Bare.* give the rule a method stride\(count\)"
    ):
        runner.update()
    with pytest.raises(cs.InputError, match=r"GroupL2\(0.5, axis=2\) holds a parameter of shape \(3,\), which has no"):
        cs.GroupL2(0.5, axis=2).shrink(np.ones(3), 0.1)
    with pytest.raises(cs.InputError, match="the axis of a penalty is 'rows': give a whole number"):
        cs.GroupL2(0.5, axis="rows")
    assert repr(cs.GroupL2(0.5, on=["w"], axis=np.int64(1))) == "GroupL2(0.5, on=['w'], axis=1)"


@pytest.mark.parametrize("optimizer", [cs.SGD(0.05), cs.Momentum(0.01), cs.Nesterov(0.01)], ids=repr)
def test_where_shrinking_ends_does_not_depend_on_the_momentum(engine, optimizer):
    """At the lowest of ``(w - goal)² / 2 + strength * |w|``, for numbers and arrays: the goal, nearer to zero."""
    circuit = cs.Circuit("goals")
    w, v = circuit.parameter("w", [1.0, 1.0, -1.0]), circuit.parameter("v", 3.0)
    circuit.output("f", 0.5 * cs.sum(cs.square(w - [2.0, 0.25, -0.4])) + 0.5 * cs.square(v - circuit.input("x")))
    runner = engine(circuit)
    runner.learn(optimizer, cs.L1(0.5, on=["w", "v"]))
    for _ in range(600):
        runner.forward({"x": 1.0})
        runner.backward(-1.0)
        runner.update()
    np.testing.assert_allclose(runner.parameters["w"], [1.5, 0.0, 0.0], rtol=1e-5)
    assert runner.parameters["w"].tolist()[1:] == [0.0, 0.0]
    assert runner.parameters["v"] == pytest.approx(0.5, rel=1e-5)


def test_a_spring_on_nothing(engine):
    with pytest.raises(cs.InputError, match="'z', which is no parameter of circuit 'svm': its parameters are a, b, c"):
        trainer(engine, svm(), penalty=cs.L2(1.0, on=["z"]))
