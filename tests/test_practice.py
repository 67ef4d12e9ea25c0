"""The scenarios of practice: what they print, what they draw, and their numbers against other solvers'.

They run in this process, for what they learn takes seconds to import. The numbers of the tables come from scikit-learn,
SciPy, NumPy's linear algebra and a cutting-plane solver; losses are means, plus half the strength times the squares.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from tests.command_line import call
from tests.test_scenarios import EXPECTED, PRACTICE, plain

slow = pytest.mark.slow
LONG = {"optimizers"}  # what takes seconds with its usual settings


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
