"""Training on the player page: the slider, the plane, the curves, and the history they are drawn from."""

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.learning.recording import Recorder
from circuitsim.views import training_page
from circuitsim.views.training_page import play_training
from circuitsim.views.training_panels import panels
from tests.browser import layered, neuron, text, write


def training(kept=5):
    """A made-up history: a line that turns."""
    points = [[1.0, 2.0], [-1.0, 0.5], [0.5, -2.0]]
    grids = [[[(x - 4.5) + iteration * (y - 4.5) for x in range(10)] for y in range(10)] for iteration in range(kept)]
    turns = range(kept)
    return {
        "iterations": [10 * number for number in turns],
        "parameters": {"a": [0.1 * number for number in turns], "w": [[number, -number] for number in turns]},
        "cost": [5.0 - number for number in range(kept)], "accuracy": [number / kept for number in range(kept)],
        "points": points, "labels": [1, -1, -1], "scores": [[number - 2.0, -1.0, -1.0] for number in range(kept)],
        "shown": [number % 3 for number in range(kept)], "grid": grids, "tags": [0, 1, 2, None, None],
    }  # fmt: skip


def test_training_is_shown_beside_the_run(tmp_path, open_page):
    trace = layered()
    page = open_page(write(trace, tmp_path, training()))
    slider = page.get_by_role("slider", name="Iteration")
    assert slider.get_attribute("aria-valuetext") == "Iteration 0 of 40, cost 5, accuracy 0 %"  # as the player's place
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#iteration-told") == "Iteration 10 of 40, cost 4, accuracy 20 %"
    starts = min(r.start for r in trace if r.tag == 1)
    assert page.inner_text("#clock").startswith(f"tick {starts:g} of")
    assert "1 on the wrong side" in page.locator("#training figure svg").first.get_attribute("aria-label")
    assert page.locator("#training .plus").count() == 1
    assert page.locator("#training .minus").count() == 2
    assert page.locator("#training .wrong").count() == 1
    assert len(page.locator("#training .zero").get_attribute("d")) > 50
    told = " ".join(page.inner_text("#curves").split())
    assert told == "a 0.1 w[0] 1 w[1] −1"
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.inner_text("#iteration-told").startswith("Iteration 40 of 40, cost 1")
    assert page.locator("#training .wrong").count() == 0
    page.keyboard.press("ArrowLeft")
    page.click("#theme")
    assert page.locator("#training figure").count() == 4


def recording(circuit, iterations=40):
    data = cs.datasets.guide()
    trainer = cs.Trainer(cs.Simulation(circuit, trace=False), cs.forces.svm, cs.SGD(0.05), cs.L2(0.1))
    recorder = Recorder(trainer, data, range(0, iterations, 4), tracer=cs.Simulation(circuit))
    trainer.fit(data.points, data.labels, iterations, seed=0, every=8, callbacks=[recorder])
    return recorder.recording()


def test_a_recorded_training_can_be_played(tmp_path, open_page):
    made = recording(cs.linear(2))
    play_training(made, tmp_path / "training.html")
    page = open_page(tmp_path / "training.html")
    assert (
        page.inner_text("#notes") == "Of 40 iterations, 10 were kept, and 10 of these can be played message by message."
    )
    slider = page.get_by_role("slider", name="Iteration")
    slider.focus()
    evaluations = {e.iteration: e for e in made.history.evaluations}
    for shot in made.shots:
        told = page.inner_text("#iteration-told")
        judged = evaluations[shot.iteration // 8 * 8]
        late = f" (at {judged.iteration})" if judged.iteration < shot.iteration else ""
        assert told == (
            f"Iteration {shot.iteration} of 40, cost {text(judged.cost)}{late}, "
            f"accuracy {text(100 * judged.accuracy)} %{late}"
        )
        table = page.locator("#curves tr").all_inner_texts()
        assert [row.split()[-1] for row in table] == [text(float(np.ravel(v)[0])) for v in shot.parameters.values()]
        if shot.examples:
            page.keyboard.press("ArrowRight")
    page.evaluate("() => { location.hash = '#step=3'; }")
    page.wait_for_function("() => document.getElementById('clock').textContent.includes('step 3 of')")
    assert page.inner_text("#sentence").startswith("Iteration 0: ")
    assert page.inner_text("#iteration-told").startswith("Iteration 0 of 40")


def test_a_long_training_is_played_in_part(tmp_path, monkeypatch):
    monkeypatch.setattr(training_page, "MOST_PLAYED", 100)
    play_training(recording(cs.linear(2)), tmp_path / "training.html")
    words = (tmp_path / "training.html").read_text(encoding="utf-8")
    assert "Of 40 iterations, 10 were kept, and 3 of these can be played message by message." in words


def test_a_training_history_may_be_bare(tmp_path, open_page):
    page = open_page(write(neuron(), tmp_path, {"iterations": [0, 1], "parameters": {"a": [1.0, float("nan")]}}))
    assert page.locator("#training figure").count() == 1
    assert "a nan" in " ".join(page.inner_text("#curves").split())


@pytest.mark.parametrize(("change", "words"), [
    ({"colour": "red"}, "a training history has no 'colour': its keys are iterations, parameters, cost"),
    ({"iterations": None}, "lacks 'iterations'"),
    ({"iterations": [3, 2, 1, 0, 4]}, "'iterations' must be one or more ascending numbers"),
    ({"cost": [1.0]}, r"'cost' has shape \(1,\), but 5 is needed"),
    ({"cost": "high"}, "'cost' is not made of numbers"),
    ({"parameters": {"a": [1, 2]}}, r"parameter 'a' has shape \(2,\), but 5 × any is needed"),
    ({"points": [[1, 2, 3]]}, r"'points' has shape \(1, 3\), but any × 2 is needed"),
    ({"labels": None}, "has 'points' but no 'labels'"),
    ({"scores": [[1, 2, 3]]}, r"'scores' has shape \(1, 3\), but 5 × 3 is needed"),
    ({"grid": [[[1.0]]] * 5}, "'grid' must have at least two rows and two columns"),
    ({"shown": [1]}, "'shown' has 1 entries for 5 iterations"),
    ({"classes": ["one"]}, "'classes' must be two names"),
    ({"tags": [1]}, "'tags' has 1 entries for 5 iterations"),
    ({"bounds": (1, 0, 0, 1)}, r"'bounds' must be \(x_low, x_high, y_low, y_high\)"),
])  # fmt: skip
def test_training_histories_that_make_no_sense(change, words):
    history = {key: value for key, value in (training() | change).items() if value is not None}
    with pytest.raises(cs.InputError, match=words):
        panels(history, neuron())
