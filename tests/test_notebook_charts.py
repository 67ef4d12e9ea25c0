"""Histories, trainers and datasets draw themselves in notebooks: with plain words, and the same bytes each time."""

import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.views import style

SVG = "{http://www.w3.org/2000/svg}"


def trained(force=cs.forces.svm, labels=None, **options):
    data = cs.datasets.spirals(60)
    trainer = cs.Trainer(cs.Compiled(cs.linear(2)), force, cs.SGD(0.05))
    trainer.fit(data.points, data.labels if labels is None else labels, 50, seed=0, **options)
    return trainer


def comments(svg):
    """The texts of a picture: matplotlib draws letters as shapes and leaves their words in comments."""
    assert ET.fromstring(svg).tag == f"{SVG}svg"
    return re.findall(r"<!-- (.*?) -->", svg)


def test_a_history_shows_cost_and_accuracy():
    trainer = trained(validation=0.2)
    svg = trainer.history._repr_svg_()
    words = comments(svg)
    assert {"iteration", "cost", "cost held back", "accuracy", "accuracy held back"} <= set(words)
    assert f"50 iterations, done: {trainer.history.describe()}" in words
    assert trainer._repr_svg_() == svg == trained(validation=0.2)._repr_svg_()


def test_of_numbers_it_shows_the_explained_variance():
    words = comments(trained(cs.forces.squared_error, np.linspace(0, 1, 60))._repr_svg_())
    assert "R²" in words
    assert "accuracy" not in words
    assert "cost held back" not in words


def test_of_a_loss_it_shows_the_cost_alone():
    circuit = cs.Circuit("loss")
    x, target = circuit.inputs("x target")
    circuit.output("loss", cs.square(circuit.parameter("a", 1.0) * x - target))
    trainer = cs.Trainer(cs.Compiled(circuit), cs.forces.loss, cs.SGD(0.05))
    trainer.fit([[1.0], [2.0]], [3.0, 5.0], 10)
    words = comments(trainer._repr_svg_())
    assert "cost" in words
    assert not {"accuracy", "R²"} & set(words)


def test_every_evaluation_is_a_place_of_the_curve():
    history = trained(every=5).history
    svg = ET.fromstring(history._repr_svg_())
    paths = [path.get("d") for path in svg.iter(f"{SVG}path") if f"stroke: {style.INK}" in path.get("style", "")]
    places = next(len(re.findall("[ML]", path)) for path in paths if path.count("L") > 1)
    assert places == len(history.evaluations) == 11


def test_before_training_the_words_are_shown():
    assert cs.History()._repr_svg_() is None
    assert cs.Trainer(cs.Compiled(cs.linear(2)), cs.forces.svm, cs.SGD(0.05))._repr_svg_() is None


@pytest.mark.filterwarnings("ignore::circuitsim.NonFiniteWarning")
def test_what_diverged_can_be_shown():
    data = cs.datasets.spirals(60)
    trainer = cs.Trainer(cs.Compiled(cs.linear(2)), cs.forces.squared_error, cs.SGD(1e6))
    with pytest.raises(cs.DivergenceError):
        trainer.fit(data.points, data.labels, 100, every=1)
    assert not math.isfinite(max(one.cost for one in trainer.history.evaluations))
    assert any("diverged" in word for word in comments(trainer._repr_svg_()))


def test_a_dataset_shows_its_classes():
    data = cs.datasets.spirals(60)
    words = comments(data._repr_svg_())
    assert {"spirals: 60 points", "x", "y", *data.classes} <= set(words) | {word.replace("−", "-") for word in words}
    assert data._repr_svg_() == cs.datasets.spirals(60)._repr_svg_()


def test_several_classes_by_any_name():
    points = np.random.default_rng(0).normal(size=(30, 2))
    data = cs.Dataset("$odd_", points, np.arange(30) % 3, ["$a_b$", "c^d"], ("x$y", "_z", "$w$"))
    words = comments(data._repr_svg_())
    assert {"$odd_: 30 points", "$a_b$", "c^d", "x$y", "_z", "$w$"} <= set(words)
    styles = [use.get("style", "") for use in ET.fromstring(data._repr_svg_()).iter(f"{SVG}use")]
    first = sum(f"fill: {style.MINUS}" in one and f"stroke: {style.INK}" in one for one in styles)
    others = sum(f"stroke: {style.SURFACE}" in one for one in styles)
    assert (first, others) == (10 + 1, 20 + 2)  # and the legend's


def test_numbers_over_one_feature_and_nothing_where_there_is_no_plane():
    line = cs.Dataset("line", np.arange(5.0)[:, None], np.arange(5.0), ["x"], None)
    assert {"line: 5 points", "x", "target"} <= set(comments(line._repr_svg_()))
    assert cs.Dataset("deep", np.zeros((4, 3)), np.array([1, -1, 1, -1]), ["a", "b", "c"])._repr_svg_() is None
    assert cs.Dataset("plane", np.zeros((4, 2)), np.arange(4.0), ["a", "b"], None)._repr_svg_() is None


def test_a_monitor_shows_its_layers_and_updates():
    def monitored():
        data, circuit = cs.datasets.spirals(60), cs.dense([2, 8, 1], seed=0)
        trainer = cs.Trainer(cs.Compiled(circuit), cs.forces.logistic, cs.SGD(0.1))
        monitor = cs.health.Monitor(data.points, data.labels, every=10, tracer=cs.Simulation(circuit))
        assert monitor._repr_svg_() is None
        trainer.fit(data.points, data.labels, 50, seed=0, callbacks=[monitor])
        return monitor

    svg = monitored()._repr_svg_()
    words = set(comments(svg))
    assert {"health: mean value²", "mean gradient²", "dead units", "update / weight", "iteration"} <= words
    assert {"relu1", "w1", "b1", "w2", "b2"} <= words
    assert svg == monitored()._repr_svg_()
