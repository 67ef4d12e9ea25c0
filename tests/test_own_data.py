"""Training on one's own points from the command line: units, options, and pictures that say what is true."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from sklearn.datasets import load_iris

import circuitsim as cs
from circuitsim.cli import training
from circuitsim.learning.recording import Recorder
from circuitsim.learning.scaling import Scale
from circuitsim.views import style, training_figure, training_page
from tests.test_scenarios import call, result

PETS = "height m,weight kg,kind\n1.7,65,cat\n1.8,80,cat\n1.6,50,dog\n1.5,45,dog\n1.75,70,cat\n1.55,52,dog\n"


@pytest.fixture
def pets(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text(PETS, encoding="utf-8")
    return path


def irises():
    """Return two species of irises, four columns."""
    found = load_iris()
    two = found.target < 2
    return cs.Dataset(
        "irises", found.data[two], found.target[two] * 2 - 1, found.feature_names, ("setosa", "versicolor")
    )


@pytest.mark.parametrize("options", [["svm"], ["neuron"], ["mlp", "--hidden", "8"]], ids=lambda options: options[0])
def test_points_in_metres_and_kilograms_are_learned(pets, options):
    scaled = result(*options, "--data", str(pets))
    raw = result(*options, "--data", str(pets), "--no-standardize")
    assert scaled["accuracy"] == 1.0
    assert scaled["loss"] < 0.4
    assert raw["loss"] > scaled["loss"]
    data = cs.read_csv(pets)
    assert scaled["scale"] == {
        name: [pytest.approx(column.mean()), pytest.approx(column.std())]
        for name, column in zip(data.features, data.points.T, strict=True)
    }
    assert raw["scale"] == {}


def test_the_scale_is_told_in_words(pets):
    told = call("-m", "circuitsim", "run", "svm", "--data", str(pets))
    mean, spread = re.search(
        r"^height m is taken as \(height m - ([\d.]+)\) / ([\d.]+)\.$", told, re.MULTILINE
    ).groups()
    heights = cs.read_csv(pets).points[:, 0]
    assert (float(mean), float(spread)) == (
        pytest.approx(heights.mean(), rel=1e-3),
        pytest.approx(heights.std(), rel=1e-3),
    )
    assert "Labels cat and dog are taken for -1 and +1." in told
    assert "Scores above 0 mean 'dog', others 'cat'." in told


def test_what_is_printed_gives_the_accuracy_that_is_printed(pets):
    found = result("svm", "--data", str(pets))
    data, p = cs.read_csv(pets), found["parameters"]
    mean, spread = np.array(list(found["scale"].values())).T
    scores = (data.points - mean) / spread @ [p["a"], p["b"]] + p["c"]
    assert np.mean((scores > 0) == (data.labels > 0)) == found["accuracy"]


@given(st.lists(st.tuples(*[st.integers(-1000, 1000)] * 3), min_size=2, max_size=9))
def test_standardized_columns_have_mean_0_and_spread_1(rows):
    points = {name: np.array(column, float) for name, column in zip("abc", zip(*rows, strict=True), strict=True)}
    scale = Scale.of(points)
    scaled = scale.apply(points)
    for name, mean, spread in zip("abc", scale.means, scale.spreads, strict=True):
        assert scaled[name].mean() == pytest.approx(0, abs=1e-9)
        assert scaled[name].std() == pytest.approx(1 if np.ptp(points[name]) else 0)
        np.testing.assert_allclose(scaled[name] * spread + mean, points[name], atol=1e-9)


def test_only_points_in_like_units_are_left_alone():
    assert result("svm", "--data", "spirals", "--iterations", "5")["scale"] == {}
    assert len(result("svm", "--data", "cancer", "--iterations", "5")["scale"]) == 30
    assert len(result("svm", "--data", "spirals", "--iterations", "5", "--standardize")["scale"]) == 2


def test_the_options_of_the_network_do_what_the_library_does():
    found = result(
        "mlp", "--data", "moons", "--points", "60", "--noise", "0.2", "--hidden", "5,4", "--activation", "tanh",
        "--optimizer", "adam", "--step", "0.02", "--penalty", "0.01", "--batch", "8", "--validation", "0.25",
        "--iterations", "50", "--seed", "3",
    )  # fmt: skip
    data = cs.datasets.moons(60, 0.2, 3)
    engine = cs.Simulation(cs.mlp([2, 5, 4, 1], "tanh", seed=3), trace=False)
    trainer = cs.Trainer(engine, cs.forces.svm, cs.Adam(0.02), cs.L2(0.01))
    history = trainer.fit(data.points, data.labels, 50, batch=8, validation=0.25, seed=3)
    assert found["parameters"] == trainer.engine.parameters
    assert found["engine"] == "compiled"
    last = history.evaluations[-1]
    assert (found["loss"], found["accuracy"]) == (last.cost, last.accuracy)
    assert (found["validation_loss"], found["validation_accuracy"]) == (last.validation_cost, last.validation_accuracy)
    shown = call("-m", "circuitsim", "run", "mlp", "--validation", "0.34", "--iterations", "5")
    assert "learns 4 points" in shown
    assert "their accuracy" in shown


@pytest.mark.parametrize("name", list(training.OPTIMIZERS))
def test_every_optimizer_can_be_named(name):
    assert result("mlp", "--optimizer", name, "--iterations", "3")["optimizer"] == name


@pytest.mark.parametrize(("options", "words"), [
    (["--data", "iris"], "iris has 3 classes, and this scenario parts two classes: use one of guide, moons"),
    (["--data", "diabetes"], "diabetes has numbers to predict, and this scenario parts two classes"),
    (["--data", "zen"], "zen has 45 classes"),
    (["--data", "x" * 5000], "there is no dataset 'xxx"),
    (["--data", "moon"], "there is no dataset 'moon': did you mean 'moons'? use one of"),
    (["--points", "20"], "--points and --noise are for points that are made: --data moons, circles, spirals"),
    (["--optimizer", "adamm"], "there is no optimizer 'adamm': did you mean 'adam'? use one of sgd, momentum"),
    (["--activation", "steep"], "activation='steep' is no gate of one input"),
    (["--validation", "1"], "validation"),
    (["--survey", "--save", "x.png"], "--survey draws nothing and holds nothing back"),
    (["--survey", "--validation", "0.5"], "--survey draws nothing and holds nothing back"),
])  # fmt: skip
def test_options_that_cannot_be(options, words, capsys):
    from circuitsim.cli import scenarios

    with pytest.raises(SystemExit) as ended:
        scenarios.play(scenarios.load(scenarios.find("mlp")), options)
    told = capsys.readouterr()
    assert ended.value.code == 2
    assert told.out == ""
    assert words in told.err
    assert told.err.count("\n") == 1


# -- pictures ---------------------------------------------------------------------------------------------------


def recorded(data, iterations=3, force=cs.forces.svm):
    trainer = cs.Trainer(cs.Compiled(cs.linear(len(data.features), init="zero")), force, cs.SGD(0.01), cs.L2(0.1))
    recorder = Recorder(trainer, data, [0, 1])
    trainer.fit(data.points, data.labels, iterations, seed=0, every=3, callbacks=[recorder])
    return recorder.recording()


def markers(figure):
    """Return how many points are filled and hollow, of each colour."""
    found = {}
    for marks in figure.axes[-1 if figure.axes[-1].collections else 1].collections:
        if len(marks.get_offsets()) and len(marks.get_facecolors()) == 1:
            face, edge = to_hex(marks.get_facecolors()[0]), to_hex(marks.get_edgecolors()[0])
            key = (edge, "hollow") if face == "#ffffff" else (face, "filled")
            found[key] = found.get(key, 0) + len(marks.get_offsets())
    return found


def texts(figure):
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    return found + [
        text.get_text() for axes in figure.axes if axes.get_legend() for text in axes.get_legend().get_texts()
    ]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_point_is_filled_if_its_own_score_is_right(place):
    """Of irises, many lie in the other region of the plane, which holds two features at their mean."""
    made = recorded(irises())
    shot, data = made.shots[place], made.dataset
    figure = training_figure.TrainingFigure(made, [shot]).paint(shot)
    right = (shot.scores > 0) == (data.labels > 0)
    wanted = {
        (style.MINUS, "filled"): np.sum(right & (data.labels < 0)),
        (style.PLUS, "filled"): np.sum(right & (data.labels > 0)),
        (style.INK, "hollow"): np.sum(~right & (data.labels < 0)),
        (style.PLUS, "hollow"): np.sum(~right & (data.labels > 0)),
    }
    assert markers(figure) == {key: count for key, count in wanted.items() if count}
    assert f"{np.sum(right)} of 100 right" in " ".join(texts(figure))


def shown(made):
    """The texts of a figure for all shots of a recording, before one is drawn."""
    return texts(training_figure.TrainingFigure(made, made.shots).figure)


def test_a_picture_says_what_it_shows():
    words = shown(recorded(irises()))
    assert {"setosa", "versicolor", "hollow: wrong", "score 0", "score ±1", "pull", "cost", "accuracy"} <= set(words)
    assert any("with the 2 other features at the mean" in text for text in words)
    words = shown(recorded(cs.datasets.guide(), force=cs.forces.logistic))
    assert {"−1", "+1"} <= set(words)
    assert "score ±1" not in words
    assert not any("at the mean" in text for text in words)


def test_the_words_are_about_the_iteration_that_is_shown():
    made = recorded(cs.datasets.guide())
    assert [shot.iteration for shot in made.shots] == [0, 1, 3]
    for shot in made.shots:
        words = texts(training_figure.TrainingFigure(made, [shot]).paint(shot))
        data = made.dataset
        scores = data.points @ [shot.parameters[name] for name in ("w1", "w2")] + shot.parameters["b"]
        losses = np.maximum(0.0, 1.0 - data.labels * scores)
        cost = np.mean(losses) + 0.05 * sum(shot.parameters[name] ** 2 for name in ("w1", "w2"))  # nothing holds b
        assert shot.cost == pytest.approx(cost)
        right = np.sum((scores > 0) == (data.labels > 0))
        assert f"iteration {shot.iteration}  ·  cost {cost:.3g}  ·  {right} of 6 right" in words
        assert {("+" if score > 0 else "") + f"{score:.3g}".replace("-", "−") for score in scores} <= set(words)
        if shot.examples:
            (example,) = shot.examples
            told = f"example {example}, of class {data.labels[example]:+g}, scores {scores[example]:.3g}: pulled "
            told += "up with +1" if data.labels[example] > 0 else "down with -1"
            assert told.replace("-", "−") in words


def test_the_arrow_leads_to_where_the_score_is_pulled():
    made = recorded(cs.datasets.guide())
    _, shot, _ = made.shots  # its scores are not all 0
    figure = training_figure.TrainingFigure(made, made.shots)
    way = figure._arrow(shot) * np.sign(shot.pull)
    inches = np.array([figure.plane.get_position().width, figure.plane.get_position().height])
    rises = np.array([shot.parameters["w1"], shot.parameters["w2"]]) * (made.plane.high - made.plane.low)
    rises /= inches * figure.figure.get_size_inches()
    assert way == pytest.approx(rises / np.hypot(*rises))
    assert figure._arrow(made.shots[0]) is None  # all scores are 0: no way is up


def test_nothing_is_cut_off_at_the_edges():
    long = "a column with a name that does not end soon"
    data = cs.Dataset("d", irises().points, irises().labels, [long, long + "2", "c", "d"], ("x" * 60, "y" * 60))
    recording = recorded(data)
    made = training_figure.TrainingFigure(recording, recording.shots)
    figure = made.paint(recording.shots[1])
    inside = figure.get_tightbbox(made.canvas.get_renderer())
    assert inside.x0 >= 0
    assert inside.y0 >= 0
    assert inside.x1 * 100 <= training_figure.WIDTH
    assert inside.y1 * 100 <= training_figure.HEIGHT


def test_a_picture_of_scaled_points_is_in_the_points_own_units(pets, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(training, "save_training", lambda made, path: seen.append(made))
    data = cs.read_csv(pets)
    setting = training.Setting(40, 0.05, 0.1, "compiled")
    trainer = training.train(
        training.Report("test", 0, {}), cs.linear(2), cs.forces.svm, data, setting, save=tmp_path / "x.png"
    )
    (made,) = seen
    np.testing.assert_array_equal(made.dataset.points, data.points)
    assert (made.plane.low < data.points.min(axis=0)).all()
    assert (made.plane.high > data.points.max(axis=0)).all()
    mean, spread = data.points.mean(axis=0), data.points.std(axis=0)
    p = trainer.engine.parameters
    scores = (made.plane.grid - mean) / spread @ [p["w1"], p["w2"]] + p["b"]
    np.testing.assert_allclose(made.shots[-1].plane_scores.ravel(), scores, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(made.plane.grid[0], made.plane.low)


def test_the_page_names_classes_and_columns(tmp_path):
    training_page.play_training(recorded(irises()), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    lesson = json.loads(re.search(r'id="lesson">(.*?)</script>', page, re.DOTALL)[1])
    assert lesson["classes"] == ["setosa", "versicolor"]
    assert lesson["columns"] == [0, 1]
    assert len(lesson["features"]) == 4
