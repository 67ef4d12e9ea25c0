"""The scenarios of practice: what they print, what they draw, and their numbers against other solvers'.

They run in this process, for what they learn takes seconds to import. The numbers of the tables come from scikit-learn,
SciPy, NumPy's linear algebra and a cutting-plane solver; losses are means, plus half the strength times the squares.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.optimize import brentq, minimize
from scipy.special import logsumexp
from sklearn.datasets import load_diabetes, load_digits

import circuitsim as cs
from circuitsim.cli import practice, scenarios
from circuitsim.learning import ising
from circuitsim.learning.checkup import CHECKS, check_training
from circuitsim.learning.neighbours import affinities, trustworthiness
from circuitsim.learning.noisy_words import noisy_words
from circuitsim.learning.skip_grams import lowest_cost, skip_grams
from tests.command_line import call
from tests.test_scenarios import EXPECTED, PRACTICE, plain

slow = pytest.mark.slow
LONG = PRACTICE - {"depth", "multiclass", "unbalanced"}  # what takes seconds with its usual settings


def run(name, *options):
    """Return what a scenario prints as JSON."""
    done = call("run", name, "--json", *options)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def refused(*command, cwd="."):
    """Return the one sentence with which a command is refused."""
    done = call("run", *command, cwd=cwd)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    return done.stderr


@pytest.mark.parametrize("name", [pytest.param(name, marks=[slow] * (name in LONG)) for name in sorted(PRACTICE)])
def test_prints_what_was_committed_and_draws(name, tmp_path):
    """And no letter of it changes if it is drawn."""
    done = call("run", name, "--save", "seen.svg", cwd=tmp_path)
    assert done.stderr == ""
    expected = (EXPECTED / f"{name}.out").read_text(encoding="utf-8")
    assert plain(done.stdout) == expected + "saved seen.svg\n"
    assert len((tmp_path / "seen.svg").read_bytes()) > 5000


# -- multiclass --------------------------------------------------------------------------------------------------------


def test_softmax_parts_the_irises_at_the_lowest_cost():
    found = run("multiclass", "--force", "softmax", "--data", "iris", "--penalty", "0.01")
    assert found["objective"] == pytest.approx(0.2436772266, abs=1e-9)
    assert found["accuracy"] == pytest.approx(0.96)
    assert np.shape(found["parameters"]["w1"]) == (4, 3)


@pytest.mark.parametrize(("options", "lowest", "reach", "right"), [
    pytest.param(["softmax", "0.01"], 0.7385140819, 1e-8, None, marks=slow),
    pytest.param(["softmax", "0.001", "--test", "449"], 0.2570714609, 1e-8, 0.955, marks=slow),
    pytest.param(["ww", "0.01"], 0.347119297, 1e-3, None, marks=slow),
    pytest.param(["cs", "0.01"], 0.251455021, 1e-3, None, marks=slow),
    pytest.param(["ww", "0.001", "--test", "449"], 0.090390147, 1e-3, 0.957, marks=slow),
    pytest.param(["cs", "0.001", "--test", "449"], 0.075493271, 1e-3, 0.971, marks=slow),
])  # fmt: skip
def test_digits_are_parted_at_the_lowest_cost(options, lowest, reach, right):
    force, penalty, *rest = options
    found = run("multiclass", "--force", force, "--data", "digits", "--penalty", penalty, *rest)
    assert lowest * (1.0 - 1e-7) < found["objective"] < lowest * (1.0 + reach)
    if right is not None:
        assert found["test_accuracy"] == pytest.approx(right, abs=1e-3)


@pytest.mark.parametrize(("force", "lowest"), [("ww", 0.3427481), ("cs", 0.3418672)])
def test_the_two_machines_differ(force, lowest):
    """On irises with stronger springs."""
    found = run("multiclass", "--force", force, "--penalty", "0.1", "--iterations", "800")
    assert lowest * (1.0 - 1e-6) < found["objective"] < lowest * (1.0 + 1e-3)


def test_the_bits_of_both_engines():
    one, other = (
        run("multiclass", "--force", "cs", "--iterations", "20", "--engine", engine)
        for engine in ("compiled", "simulation")
    )
    assert one.pop("engine") != other.pop("engine")
    assert one == other


def test_what_no_classes_can_be_learned_from_is_told(tmp_path):
    Path(tmp_path / "one.csv").write_text("x,label\n1,cat\n2,cat\n", encoding="utf-8")
    Path(tmp_path / "nan.csv").write_text("x,label\nnan,cat\n2,dog\n", encoding="utf-8")
    assert "all labels are 'cat'; give points of two classes" in refused(
        "multiclass", "--data", "one.csv", cwd=tmp_path
    )
    assert "nan.csv, line 2, column 'x': 'nan' is no finite number" in refused(
        "multiclass", "--data", "nan.csv", cwd=tmp_path
    )
    assert "diabetes has numbers to predict" in refused("multiclass", "--data", "diabetes")
    assert "did you mean 'iris'" in refused("multiclass", "--data", "irsi")
    assert "names no two columns of iris" in refused("multiclass", "--save", tmp_path / "a.png", "--axes", "x,y")
    assert "leaves nothing to learn from: iris has 150" in refused("multiclass", "--test", "150")


# -- regression --------------------------------------------------------------------------------------------------------


def test_ridge_regression_ends_at_the_closed_form():
    from sklearn.linear_model import Ridge

    found = run("regression", "--penalty", "0.1")
    assert found["objective"] == pytest.approx(0.2559139397, abs=1e-10)
    points, targets = load_diabetes(return_X_y=True)
    points, targets = ((part - part.mean(0)) / part.std(0) for part in (points, targets))
    best = Ridge(0.1 * len(points), fit_intercept=False).fit(points, targets)
    np.testing.assert_allclose(np.ravel(found["parameters"]["w1"]), best.coef_, atol=1e-8)
    assert found["r2"] == pytest.approx(best.score(points, targets), abs=1e-9)
    assert found["away"] < 1e-10
    assert found["largest_step"] == pytest.approx(0.48494, abs=5e-6)


def test_a_step_beyond_the_largest_leads_away():
    inside, outside = (
        run("regression", "--step", step, "--iterations", "600")["objective"] for step in ("0.48", "0.49")
    )
    assert inside == pytest.approx(0.2559139397, abs=1e-6)
    assert outside > 1.0


def test_what_no_regression_can_learn_is_told(tmp_path):
    Path(tmp_path / "same.csv").write_text("x,label\n1,2.5\n2,2.5\n", encoding="utf-8")
    Path(tmp_path / "words.csv").write_text("x,label\n1,2.5\n2,cat\n", encoding="utf-8")
    assert "all labels of same.csv are 2.5: there is nothing to predict" in refused(
        "regression", "--data", "same.csv", cwd=tmp_path
    )
    assert "words.csv, line 3, column 'label': 'cat' is no number" in refused(
        "regression", "--data", "words.csv", cwd=tmp_path
    )
    assert "iris has classes, and this scenario needs numbers" in refused("regression", "--data", "iris")
    assert "take a smaller step" in refused("regression", "--step", "5")


# -- optimizers --------------------------------------------------------------------------------------------------------


def test_lbfgs_is_there_in_few_evaluations():
    found = run("optimizers", "--iterations", "40")
    assert found["lowest"] == pytest.approx(0.0598279373, abs=1e-10)  # by SciPy
    assert found["objective"] == pytest.approx(0.0598279373, abs=1e-9)
    assert found["rules"]["L-BFGS"]["iterations"] <= 40
    assert found["rules"]["L-BFGS"]["evaluations"] <= 60
    assert all(one["iterations"] is None for name, one in found["rules"].items() if name != "L-BFGS")


@slow
def test_how_many_iterations_other_rules_need():
    rules = run("optimizers", "--iterations", "10000")["rules"]
    assert rules["gradient descent"]["iterations"] == pytest.approx(9598, abs=2)
    assert rules["Nesterov"]["iterations"] == pytest.approx(919, abs=2)


def test_an_optimizer_needs_two_classes():
    assert "iris has 3 classes, and this scenario parts two" in refused("optimizers", "--data", "iris")


# -- depth -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "growth", "decay"), [
    (["--init", "he"], (0.2, 5.0), (0.2, 100.0)),
    (["--init", "xavier", "--activation", "sigmoid"], (0.2, 0.3), (3e-25, 5e-24)),  # 1.2e-24
    (["--init", "xavier", "--activation", "tanh"], (0.015, 0.04), (0.02, 0.08)),  # 0.039
    (["--init", "uniform"], (2.5e11, 2.5e13), (1e12, 1e15)),  # (100 / 24) ** 20 is 2.5e12
])  # fmt: skip
def test_how_signals_fare_in_twenty_layers(options, growth, decay):
    found = run("depth", "--draws", "2", *options)
    assert len(found["values"]) == len(found["gradients"]) == 20
    assert growth[0] < found["growth"] < growth[1]
    assert decay[0] < found["decay"] < decay[1]


@pytest.mark.parametrize(("init", "ratio", "spread"), [("he", 1.0, 5.0), ("xavier", 0.5, 1.3), ("uniform", 4.17, 87.0)])
def test_the_ratio_of_a_layer(init, ratio, spread):
    """Its mean, and its variance times the units: 5 squared ratios, a little more where weights are no Gaussians."""
    found = run("depth", "--init", init, "--layers", "2", "--draws", "1000")
    assert found["ratio"] == pytest.approx(ratio, abs=4 * (spread / 100 / 1000) ** 0.5)
    assert 100 * found["ratio_variance"] == pytest.approx(spread, rel=0.25)


@slow
def test_the_ratio_of_hes_start_in_4000_draws():
    found = run("depth", "--layers", "2", "--draws", "4000")
    assert found["ratio"] == pytest.approx(1.0, abs=3 * (5 / 100 / 4000) ** 0.5)
    assert 100 * found["ratio_variance"] == pytest.approx(5.0, rel=0.08)


# -- sparsity ----------------------------------------------------------------------------------------------------------


def test_the_lasso_leaves_out_weights():
    from sklearn.linear_model import Lasso

    found = run("sparsity", "--penalty", "l1", "--strength", "0.05", "--iterations", "1200")
    assert found["objective"] == pytest.approx(0.2970382835, abs=1e-9)
    assert found["zeros"] == [0, 4, 5, 7]
    assert found["largest"] == pytest.approx(0.586450, abs=5e-7)
    points, targets = load_diabetes(return_X_y=True)
    points, targets = ((part - part.mean(0)) / part.std(0) for part in (points, targets))
    best = Lasso(0.05, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(points, targets)
    weights = np.concatenate([found["parameters"][f"w{number}"] for number in range(4)])
    np.testing.assert_allclose(weights, best.coef_, atol=1e-8)


def test_groups_leave_together():
    found = run("sparsity", "--penalty", "group", "--strength", "0.1", "--iterations", "1200")
    assert found["objective"] == pytest.approx(0.3502548519, abs=1e-9)
    assert found["groups_gone"] == [0, 2]
    assert found["largest"] == pytest.approx(0.519052, abs=5e-7)


@pytest.mark.parametrize(("kind", "largest"), [("l1", 0.586450), ("group", 0.519052)])
def test_from_where_on_nothing_is_left(kind, largest):
    below, above = (
        run("sparsity", "--penalty", kind, "--strength", str(share * largest), "--iterations", "200")["zeros"]
        for share in (0.98, 1.00001)
    )
    assert len(below) < 10
    assert len(above) == 10


def test_groups_that_do_not_fit_are_told():
    assert "--groups 2,2 has 4 columns in all, and diabetes has 10" in refused("sparsity", "--groups", "2,2")
    assert "the sizes of groups are '2,x'" in refused("sparsity", "--groups", "2,x")


# -- tune --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draws", [1, pytest.param(20, marks=slow)])
def test_the_best_strength_is_found(draws):
    found = run("tune", "--draws", str(draws))
    points, targets = load_diabetes(return_X_y=True)
    points, targets = ((part - part.mean(0)) / part.std(0) for part in (points, targets))
    assert found["folds"].keys() == {"0.0001", "0.001", "0.01", "0.1", "1", "10"}
    for strength, costs in found["folds"].items():
        for fold, cost in enumerate(costs):
            held = np.arange(len(points)) % 5 == fold
            x, t = points[~held], targets[~held]
            w = np.linalg.solve(x.T @ x / len(x) + float(strength) * np.eye(10), x.T @ t / len(x))
            assert cost == pytest.approx(np.mean((points[held] @ w - targets[held]) ** 2) / 2, abs=1e-8)
    assert found["best"] == 0.01
    assert found["best_cost"] == pytest.approx(0.249205, abs=5e-7)
    assert len(found["drawn"]) == draws
    assert 0.2491671 * (1 - 1e-6) < found["drawn"][0]["cost"] < 0.2491671 * (1.001 if draws == 20 else 2.0)


def test_more_folds_than_examples_are_refused():
    assert "there are 442 labels for 443 folds" in refused("tune", "--folds", "443")


# -- unbalanced --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "cost", "accuracy", "recall"), [
    ([], 0.1941675, 0.936, 0.306), (["--weighted"], 0.3869020, 0.863, 0.833),
])  # fmt: skip
def test_a_rare_class_is_found_if_it_counts_as_much(options, cost, accuracy, recall):
    found = run("unbalanced", *options)
    assert found["objective"] == pytest.approx(cost, abs=1e-7)
    assert found["accuracy"] == pytest.approx(accuracy, abs=5e-4)
    assert found["rare_recall"] == pytest.approx(recall, abs=5e-4)
    if options:
        assert found["balanced_accuracy"] == pytest.approx(0.849, abs=5e-4)


# -- dying -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=slow) for seed in range(1, 5))])
@pytest.mark.parametrize(("step", "least", "most", "right"), [
    pytest.param("0.1", 0, 3, (0.93, 1.0), marks=slow),
    pytest.param("1", 6, 19, (0.93, 1.0), marks=slow),
    ("2", 32, 32, (0.0, 0.114)),
    pytest.param("5", 32, 32, (0.0, 0.116), marks=slow),  # the most frequent digit is 11.58 % of the test
])  # fmt: skip
def test_relus_die_of_long_steps(step, least, most, right, seed):
    found = run("dying", "--step", step, "--seed", str(seed))
    assert least <= found["dead"] <= most
    assert right[0] <= found["test_accuracy"] <= right[1]


# -- debug -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bug", "check"), [
    ("sign", "pull"),
    pytest.param("labels", "labels", marks=slow),
    pytest.param("scale", "inputs", marks=slow),
    pytest.param("loud", "start", marks=slow),
    pytest.param("zero", "symmetry", marks=slow),
    pytest.param("slope", "gradient", marks=slow),
    pytest.param("cut", "no gradient", marks=slow),
    pytest.param("long", "large step", marks=slow),
    pytest.param("short", "small step", marks=slow),
])  # fmt: skip
def test_each_mistake_is_found(bug, check):
    assert check in run("debug", "--bug", bug, "--iterations", "100")["findings"]


def test_a_sound_training_passes():
    found = run("debug", "--bug", "none")
    assert (found["findings"], found["unseen"]) == ({}, [])
    assert found["zero_cost"] == pytest.approx(2.302585, abs=5e-7)
    assert found["few_cost"] < 1e-3


def test_the_questions_are_those_of_the_checks():
    assert set(CHECKS) == set(re.findall(r"^ +``([a-z ]+)``", check_training.__doc__, re.MULTILINE))


# -- word2vec ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=slow) for seed in range(1, 5))])
def test_analogies_add_up(seed):
    found = run("word2vec", "--seed", str(seed), "--iterations", "1000")
    assert found["words"] == 43
    assert found["analogies"] == 56
    assert found["lowest"] < found["objective"] < 1.06 * found["lowest"]


def test_vectors_as_long_as_the_vocabulary_reach_the_lowest_cost():
    """All examples at once, by L-BFGS; a word and a context that never met, or were never drawn, pull without end."""
    sentences = [list(row) for row in ("abc", "abd", "bcd", "abcd", "cd", "ad") for _ in range(6)]
    pairs, words = skip_grams(sentences, drawn=3, seed=1)
    circuit, random = cs.Circuit("whole"), np.random.default_rng(0)
    word, context = circuit.inputs("word context")
    one, other = (circuit.parameter(name, random.normal(size=(4, 4))) for name in ("one", "other"))
    circuit.output("score", cs.sum(cs.embedding(one, word) * cs.embedding(other, context), axis=-1))
    trainer = cs.Trainer(cs.Compiled(circuit), cs.forces.logistic, cs.LBFGS())
    history = trainer.fit(pairs.points, pairs.labels, 200, batch="all", every=200)
    assert lowest_cost(pairs) <= history.cost < lowest_cost(pairs) + 1e-3
    assert words == list("abcd")


def test_a_text_of_ones_own(tmp_path):
    Path(tmp_path / "own.txt").write_text("a cat sat\na dog sat\n", encoding="utf-8")
    Path(tmp_path / "none.txt").write_text("cat\n\n", encoding="utf-8")
    done = call("run", "word2vec", "--data", "own.txt", "--iterations", "20", "--save", "seen.svg", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "for 4 words, from 2 sentences" in done.stdout
    assert "the text has no two words that meet" in refused("word2vec", "--data", "none.txt", cwd=tmp_path)
    assert "cannot read 'lost.txt'" in refused("word2vec", "--data", "lost.txt", cwd=tmp_path)


def test_how_far_words_may_stand_apart():
    near, _ = skip_grams([["a", "b", "c"]], window=1, drawn=1)
    assert sorted(map(tuple, near.points[near.labels > 0].tolist())) == [(0, 1), (1, 0), (1, 2), (2, 1)]


# -- tsne --------------------------------------------------------------------------------------------------------------


def test_affinities_have_the_perplexity():
    """Widths by a root finder, from one point at a time."""
    points = load_digits().data[:300] / 16.0

    def row(number):
        apart = np.sum((points - points[number]) ** 2, axis=1)
        apart = np.delete(apart, number)

        def near(sharpness):
            weights = np.exp(-(apart - apart.min()) * sharpness)
            return weights / weights.sum()

        def excess(sharpness):
            share = near(sharpness)
            return -np.sum(share * np.log(share, out=np.zeros_like(share), where=share > 0)) - np.log(20.0)

        return np.insert(near(brentq(excess, 1e-3, 100.0, xtol=1e-15, rtol=1e-14)), number, 0.0)

    whole = np.array([row(number) for number in range(300)])
    np.testing.assert_allclose(affinities(points, 20.0), (whole + whole.T) / 600.0, atol=1e-12)


def test_trust_is_that_of_another_program():
    from sklearn.manifold import trustworthiness as theirs

    random = np.random.default_rng(0)
    points = random.normal(size=(80, 5))
    for places in (points[:, :2], random.normal(size=(80, 2)), points[:, :2] + 0.1):
        assert trustworthiness(points, places) == pytest.approx(theirs(points, places, n_neighbors=5), abs=1e-12)


def test_the_gradient_of_tsne_is_the_formula():
    """4 (p - q) (y - y') / (1 + distance²), summed over the others (van der Maaten and Hinton 2008)."""
    random = np.random.default_rng(3)
    near, y = affinities(random.normal(size=(30, 4)), 5.0), random.normal(size=(30, 2))
    main = scenarios.load(scenarios.find("tsne"))
    engine = cs.Compiled(main.__globals__["build"](y))
    engine.forward({"near": near, "others": 1.0 - np.eye(30)})
    found = engine.backward({"cost": 1.0})["y"]
    ways = y[:, None] - y[None]
    close = (1.0 - np.eye(30)) / (1.0 + np.sum(ways**2, axis=-1))
    share = close / close.sum()
    np.testing.assert_allclose(found, 4.0 * np.sum(((near - share) * close)[..., None] * ways, axis=1), atol=1e-14)


@slow
def test_digits_drift_apart():
    found = run("tsne")
    assert 0.27 < found["objective"] < 0.30  # scikit-learn comes to 0.281 to 0.289
    assert found["trust"] >= 0.985
    assert found["trust_pca"] == pytest.approx(0.872, abs=0.005)


@slow
def test_digits_are_filmed_as_they_drift(tmp_path):
    done = call(
        "run", "tsne", "--count", "20", "--perplexity", "5", "--iterations", "3", "--save", "a.gif", cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 4


def test_a_perplexity_that_cannot_be_is_told():
    assert "a perplexity of 20 of 30 points cannot be" in refused("tsne", "--count", "30")
    with pytest.raises(cs.InputError, match="5 neighbours of 8 points are too many"):
        trustworthiness(np.eye(8), np.eye(8))


# -- denoise -----------------------------------------------------------------------------------------------------------


def test_pictures_become_clear():
    found = run("denoise")
    energies = {name: np.array(one) for name, one in found["energies"].items()}
    assert all(np.all(energies["lowest energy"] <= one + 1e-9) for one in energies.values())
    assert np.all(energies["iterated modes"] < energies["noisy"])
    assert found["wrong"]["noisy"] > 5 * found["wrong"]["mean field"]
    assert found["accuracy"] == pytest.approx(1.0 - found["wrong"]["mean field"] / 10240)
    # The sweeps in plain NumPy.
    y = np.array(found["noisy"])
    m = y
    for _ in range(12):
        field = y + 0.9 * ising.around(m)
        m = 0.5 * (m + np.tanh(field))
    assert found["wrong"]["mean field"] == np.sum(np.where(field > 0.0, 1.0, -1.0) != ising.digits())
    assert found["loss"] == pytest.approx(np.sum(np.log1p(np.exp(-2.0 * field * ising.digits()))) / 10)


def test_the_lowest_energy_is_the_lowest_of_all():
    lowest = scenarios.load(scenarios.find("denoise")).__globals__["lowest"]
    random = np.random.default_rng(0)
    every = np.array(list(np.ndindex((2,) * 12))).reshape(-1, 3, 4) * 2.0 - 1.0
    for _ in range(5):
        y, (h, j) = np.where(random.random((3, 4)) < 0.5, 1.0, -1.0), random.uniform(0.2, 1.5, 2)
        best = ising.energy(every, np.broadcast_to(y, every.shape), h, j).min()
        found = lowest(y, h, j)[None]
        assert ising.energy(found, y[None], h, j)[0] == pytest.approx(best, abs=1e-12)
        assert ising.energy(ising.iterated_modes(y[None], h, j), y[None], h, j)[0] >= best - 1e-12


@slow
def test_the_mean_field_can_learn():
    before, after = run("denoise"), run("denoise", "--iterations", "60")
    assert after["loss"] < before["loss"]
    assert after["wrong"]["mean field"] < before["wrong"]["mean field"]


# -- words -------------------------------------------------------------------------------------------------------------


def test_the_gradients_of_both_chains():
    """Against all 4 ** 6 ways through a lattice: the marginals, and the best path."""
    words = scenarios.load(scenarios.find("words")).__globals__
    random = np.random.default_rng(0)
    scores, transitions = random.normal(size=(6, 4)), random.normal(size=(4, 4))
    ways = np.array(list(np.ndindex((4,) * 6)))
    energies = scores[np.arange(6), ways].sum(axis=1) + transitions[ways[:, :-1], ways[:, 1:]].sum(axis=1)
    weights = np.exp(energies - energies.max())
    marginals = np.array([[weights[ways[:, n] == k].sum() for k in range(4)] for n in range(6)]) / weights.sum()
    words["DIGITS"] = 4
    for fold, expected in ((cs.logsumexp, marginals), (cs.reduce_max, np.eye(4)[ways[np.argmax(energies)]])):
        found = words["gradient"](scores[None], transitions, fold, "compiled")[0]
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=slow) for seed in range(1, 5))])
def test_what_stands_beside_a_letter_helps(seed):
    both, alone = (run("words", "--seed", str(seed), "--iterations", "60", way) for way in ("--chain", "--no-chain"))
    assert 0.80 < both["accuracy"] < 0.86
    assert 0.61 < alone["accuracy"] < 0.73
    assert both["words_right"] > 2 * alone["words_right"]


@slow
def test_words_are_learned_to_the_lowest_cost():
    """By SciPy's L-BFGS-B, with gradients by the forward and backward sums written out."""
    pool = practice.parts(cs.datasets.digits(), 449)[0]
    x, letters = noisy_words(pool, 200, language=0, seed=0)
    hot = np.eye(10)[letters]

    def cost(vector):
        w, b, t = np.split(vector, [640, 650])
        w, t = w.reshape(64, 10), t.reshape(10, 10)
        scores = x @ w + b
        there, back = [scores[:, 0]], [np.zeros((200, 10))]
        for n in range(1, 6):
            there.append(logsumexp(there[-1][:, :, None] + t, axis=1) + scores[:, n])
            back.insert(0, logsumexp(t + (back[0] + scores[:, 6 - n])[:, None, :], axis=2))
        total = logsumexp(there[-1], axis=1)
        slope = np.exp(np.stack(there, 1) + np.stack(back, 1) - total[:, None, None]) - hot
        pairs = sum(
            np.exp(there[n][:, :, None] + t + (back[n + 1] + scores[:, n + 1])[:, None] - total[:, None, None])
            - hot[:, n, :, None] * hot[:, n + 1, None]
            for n in range(5)
        )
        path = np.sum(scores * hot) + np.sum((hot[:, :-1] @ t) * hot[:, 1:])
        springs = 0.05 / 2 * (np.sum(w * w) + np.sum(t * t))
        uphill = [np.einsum("nlp,nld->pd", x, slope) / 200 + 0.05 * w, slope.sum((0, 1)) / 200]
        uphill.append(pairs.sum(0) / 200 + 0.05 * t)
        return (total.sum() - path) / 200 + springs, np.concatenate([np.ravel(part) for part in uphill])

    best = minimize(cost, np.zeros(750), jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-14})
    assert run("words")["objective"] == pytest.approx(best.fun, abs=1e-6)
