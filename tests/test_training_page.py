"""The page of a training, in a real browser: it learns what Python learned, and goes on."""

import os
import re

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.learning.decay import LinearDecay
from circuitsim.learning.recording import Recorder
from circuitsim.views.training_page import play_training
from tests.browser import browser, open_page  # noqa: F401

SIZES = [(1440, 900), (1280, 720), (844, 390), (390, 844)]


def record(circuit, data, force, optimizer, penalty=(), iterations=400, batch=1, trace=True, keep=(0,), **more):
    """Train, and return the trainer and the recording."""
    trainer = cs.Trainer(cs.Compiled(circuit), force, optimizer, penalty, **more)
    recorder = Recorder(trainer, data, keep, tracer=cs.Simulation(circuit) if trace else None)
    trainer.fit(data.points, data.labels, iterations, seed=0, batch=batch, callbacks=[recorder])
    return trainer, recorder.recording()


def guide(**more):
    return record(cs.mlp([2, 3, 1], seed=0), cs.datasets.guide(), cs.forces.svm, cs.SGD(0.05), cs.L2(0.1), **more)


@pytest.fixture
def opened(tmp_path, open_page):  # noqa: F811
    """Open the page of a recording."""

    def open_it(recording, *args, **more):
        play_training(recording, tmp_path / "page.html")
        return open_page(tmp_path / "page.html", *args, **more)

    return open_it


def parameters(page):
    return page.evaluate("() => circuitsim.parameters()")


def iteration(page):
    return int(page.get_attribute("#curve", "aria-valuenow"))


def go(page, to):
    page.evaluate("to => circuitsim.go(to)", to)


def assert_same(found, due, reach=0.0):
    assert found.keys() == due.keys()
    wrong = {key: (found[key], due[key]) for key in due if abs(found[key] - due[key]) > reach * max(1.0, abs(due[key]))}
    assert not wrong


#: A circuit, a force, an optimizer, penalties, and whether all their operations have the same bits in JavaScript.
TRAININGS = {
    "svm": (lambda: cs.linear(2), cs.forces.svm, cs.SGD(0.05), cs.L2(0.1), True),
    "mlp": (lambda: cs.mlp([2, 3, 1], seed=0), cs.forces.svm, cs.SGD(LinearDecay(0.1, 0.01, 300)), cs.L2(0.1), True),
    "sparse": (lambda: cs.mlp([2, 4, 1], seed=1), cs.forces.squared_hinge, cs.Momentum(0.02), cs.L1(0.01), True),
    "squares": (lambda: cs.mlp([2, 4, 1], seed=2), cs.forces.squared_error, cs.RMSProp(0.01), (), True),
    "neuron": (lambda: cs.neuron(2, seed=0), cs.forces.logistic, cs.Adam(0.05), cs.L2(0.1), False),
    "tanh": (lambda: cs.mlp([2, 3, 1], "tanh", seed=0), cs.forces.logistic, cs.AMSGrad(0.02), cs.L2(0.01), False),
}


@pytest.mark.parametrize("name", TRAININGS)
def test_the_page_learns_what_python_learned(name, opened, tmp_path):
    build, force, optimizer, penalty, exact = TRAININGS[name]
    trainer, made = record(build(), cs.datasets.guide(), force, optimizer, penalty)
    page = opened(made, "#i=400")
    assert name != "neuron" or (tmp_path / "page.html").stat().st_size < 150_000
    assert_same(parameters(page), trainer.engine.parameters, 0.0 if exact else 1e-9)
    for evaluation in made.history.evaluations[::20]:
        go(page, evaluation.iteration)
        assert page.evaluate("() => circuitsim.cost()") == pytest.approx(evaluation.cost, rel=1e-9, abs=1e-300)
        assert_same(parameters(page), evaluation.parameters, 0.0 if exact else 1e-9)
    assert "recomputed in your browser, as Python recorded it" in page.inner_text("#curve")


def test_many_columns_are_scaled_and_examples_held_back(opened):
    random = np.random.default_rng(0)
    points = random.normal(size=(40, 4)) * [1, 10, 0.1, 5] + 3
    data = cs.Dataset("four", points, np.where(points[:, 1] + points[:, 3] > 6, 1.0, -1.0), list("pqrs"), ("no", "yes"))
    trainer = cs.Trainer(cs.Compiled(cs.linear(4)), cs.forces.svm, cs.SGD(0.05), cs.L2(0.01), standardize=True)
    recorder = Recorder(trainer, data, [0], (1, 3), tracer=cs.Simulation(cs.linear(4)))
    history = trainer.fit(data.points, data.labels, 200, seed=0, validation=0.25, callbacks=[recorder])
    page = opened(recorder.recording(), "#i=200")
    assert_same(parameters(page), trainer.engine.parameters)
    assert page.evaluate("() => circuitsim.cost()") == pytest.approx(history.cost, rel=1e-12)
    assert page.locator("#plane .apart").count() == 10
    assert page.locator("#plane .axis").all_text_contents() == ["q", "s"]
    assert page.inner_text("#classes").split() == ["yes", "no"]
    assert "the other 2 features are held at their mean" in page.inner_text("#notes")


def test_every_place_of_the_slider_shows_its_own_circuit(opened):
    _, made = guide()
    page = opened(made, "#i=0")
    slider = page.get_by_role("slider", name="Iteration", exact=True)
    for to, key in ((1, "ArrowRight"), (11, "PageUp"), (400, "End"), (399, "ArrowLeft"), (0, "Home")):
        slider.focus()
        page.keyboard.press(key)
        assert iteration(page) == to
        own = parameters(page)
        values = page.evaluate("() => circuitsim.values()")
        assert {name: values[name] for name in own} == own  # what stands in the circuit
        assert page.inner_text("#sentence").startswith(f"Iteration {to}. ")
        gate = page.evaluate("() => document.querySelector('#stage .gate').getAttribute('aria-label')")
        page.mouse.move(*middle(page, "#stage .gate .body >> nth=3"))  # which once threw the slider back
        assert iteration(page) == to
        assert "value" in gate
    scores = dict(zip("123456", made.shots[0].scores, strict=True))
    for number, score in scores.items():
        label = page.get_attribute(f"#plane [data-point='{int(number) - 1}']", "aria-label")
        assert float(label.split("score ")[1].split(",")[0].replace("−", "-")) == pytest.approx(score, abs=5e-3)
    page.mouse.move(*middle(page, "#curve", 0.5))
    page.mouse.down()
    page.mouse.up()
    assert 190 <= iteration(page) <= 210


def middle(page, selector, share=0.5, down=0.5):
    box = page.locator(selector).bounding_box()
    return box["x"] + share * box["width"], box["y"] + down * box["height"]


def test_messages_lead_from_one_iteration_to_the_next(opened):
    _, made = guide()
    page = opened(made, "#i=5&t=0")
    assert iteration(page) == 5
    assert re.match(r"Iteration 5: .* are sent into the circuit", page.inner_text("#sentence"))
    steps = page.locator("#steps li")
    page.evaluate("() => { document.getElementById('list').open = true; }")
    page.wait_for_function("() => document.querySelectorAll('#steps li').length > 10")
    told = steps.all_inner_texts()
    assert all(line.startswith("Iteration 5: ") for line in told)
    for _ in range(len(told) + 1):
        page.click("#forward")
    assert page.inner_text("#sentence").startswith(("Iteration 5. ", "Iteration 6: "))
    page.click("#forward")
    page.click("#forward")
    assert iteration(page) == 6
    page.select_option("#speed", "40")
    page.click("#forward")
    assert iteration(page) == 7
    page.click("#play")
    page.wait_for_function("() => Number(document.getElementById('curve').getAttribute('aria-valuenow')) > 20")
    page.click("#play")
    held = iteration(page)
    values, own = page.evaluate("() => [circuitsim.values(), circuitsim.parameters()]")
    assert {name: values[name] for name in own} == own
    assert f"i={held}" in page.evaluate("() => location.hash")


def test_points_are_added_moved_and_removed(opened):
    data = cs.datasets.guide()
    _, made = guide()
    page = opened(made, "#i=400")
    points = page.locator("#plane .point")
    page.mouse.click(*middle(page, "#plane > svg", 0.4, 0.8))
    assert points.count() == 7
    assert "Point 7, +1" in page.inner_text("#sentence")
    x, y = middle(page, "#plane [data-point='6'] .shape")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y - 30, steps=5)
    page.mouse.up()
    assert iteration(page) == 400
    found = re.search(r"added=([^&]*)", page.evaluate("() => location.hash"))
    px, py, label = (float(part) for part in found.group(1).split(","))
    assert label == 1
    # What was learned is what Python learns of these points, shown in the page's own order.
    order = page.evaluate("() => circuitsim.order(400)")
    assert set(order) == set(range(7))
    circuit = cs.mlp([2, 3, 1], seed=0)
    trainer = cs.Trainer(cs.Compiled(circuit), cs.forces.svm, cs.SGD(0.05), cs.L2(0.1))
    trainer.fit([*data.points, [px, py]], [*data.labels, 1.0], 400, order=order)
    assert_same(parameters(page), trainer.engine.parameters)

    page.keyboard.press("Delete")
    assert points.count() == 6
    page.click("#classes [data-label='-1']")
    page.click("#add")
    assert page.get_attribute("#plane [data-point='6']", "aria-label").startswith("Point 7, -1")
    before = page.get_attribute("#plane [data-point='6']", "aria-label")
    page.keyboard.press("ArrowUp")
    assert page.get_attribute("#plane [data-point='6']", "aria-label") != before
    page.keyboard.press("PageDown")
    assert page.evaluate("() => document.activeElement.dataset.point") == "0"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Backspace")
    place, learned = page.evaluate("() => location.hash"), parameters(page)
    assert "dropped=1" in place
    assert points.count() == 6
    page.evaluate("() => { location.hash = '#i=3'; }")
    page.wait_for_function("() => document.getElementById('curve').getAttribute('aria-valuenow') === '3'")
    assert points.count() == 6
    assert "moved" not in page.evaluate("() => location.hash")
    page.evaluate("place => { location.hash = place; }", place)
    page.wait_for_function("() => document.getElementById('curve').getAttribute('aria-valuenow') === '400'")
    assert parameters(page) == learned
    for _ in range(9):
        page.keyboard.press("Tab")
    page.evaluate("() => document.querySelector('#plane [tabindex=\"0\"]').focus()")
    for _ in range(9):
        page.keyboard.press("Delete")
    assert points.count() == 1


def test_settings_are_changed(opened):
    _, made = guide()
    page = opened(made, "#i=400")
    for name, value in (("force", "logistic"), ("optimizer", "Adam"), ("step", "0.01"), ("springs", "0.001")):
        page.select_option(f"#{name}", value)
    trainer = cs.Trainer(cs.Compiled(cs.mlp([2, 3, 1], seed=0)), cs.forces.logistic, cs.Adam(0.01), cs.L2(0.001))
    data = cs.datasets.guide()
    trainer.fit(data.points, data.labels, 400, seed=0)  # in the order that was recorded
    assert_same(parameters(page), trainer.engine.parameters, 1e-9)
    assert page.evaluate("() => location.hash") == "#i=400&force=logistic&optimizer=Adam&step=0.01&springs=0.001"
    page.select_option("#data", "spirals")
    assert page.locator("#plane .point").count() == 36
    assert "with your changes" in page.inner_text("#curve")
    assert page.evaluate("() => circuitsim.train(600)") == 1000
    assert page.evaluate("() => circuitsim.train(50)") == 1050
    late = parameters(page)
    go(page, 1000)
    go(page, 1050)
    assert parameters(page) == late
    page.click("#reset")
    assert iteration(page) == 0
    assert page.locator("#plane .point").count() == 6
    assert page.evaluate("() => location.hash") == "#i=0"


def test_a_training_that_diverges_says_so(opened):
    _, made = guide()
    page = opened(made, "#i=10&force=squared_error&step=1")
    page.evaluate("() => circuitsim.train(400)")
    assert "diverged" in page.get_attribute("#curve", "aria-valuetext")
    assert iteration(page) < 410


def test_what_a_page_cannot_do_is_shown_as_it_was_recorded(opened):
    _, made = guide(iterations=40, batch=3, keep=range(0, 40, 4))
    page = opened(made, width=1280, height=720)
    assert "several examples are shown together, so it cannot go on in this page" in page.inner_text("#about")
    assert not page.is_visible("#settings")
    slider = page.get_by_role("slider", name="Iteration", exact=True)
    slider.focus()
    page.keyboard.press("Home")
    places = [iteration(page)]
    for _ in range(11):
        page.keyboard.press("ArrowRight")
        places.append(iteration(page))
    assert places == [*range(0, 41, 4), 40]
    assert page.inner_text("#sentence") == "Iteration 40. This is what was learned."
    judged = made.history.evaluations[-1]
    assert page.get_attribute("#curve", "aria-valuetext").startswith("iteration 40, cost ")
    assert f"{round(6 * judged.accuracy)} of 6 right" in page.get_attribute("#curve", "aria-valuetext")
    label = page.get_attribute("#plane [data-point='0']", "aria-label")
    assert float(label.split("score ")[1].split(",")[0].replace("−", "-")) == pytest.approx(
        made.shots[-1].scores[0], abs=5e-3
    )
    page.mouse.click(*middle(page, "#plane > svg", 0.4, 0.8))
    assert page.locator("#plane .point").count() == 6


@pytest.mark.parametrize(("more", "words"), [
    ({"clip": 1.0}, "gradients are clipped"),
    ({"weights": "balanced"}, "classes are weighed"),
    ({"trace": False}, "its messages were not recorded"),
    ({"force": lambda score, target: target if score < target else 0.0}, "force odd cannot be computed"),
])  # fmt: skip
def test_why_a_page_cannot_learn(more, words, tmp_path):
    more = dict(more)
    pull = more.pop("force", None)
    force = cs.forces.Force("odd", pull, cs.forces.svm.loss, "sides") if pull else cs.forces.svm
    _, made = record(cs.linear(2), cs.datasets.guide(), force, cs.SGD(0.1), iterations=4, **more)
    play_training(made, tmp_path / "page.html")
    assert words in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_names_that_are_markup(opened):
    evil = "</script><script>alert(1)</script>"
    circuit = cs.Circuit(evil)
    x, y = circuit.inputs([f"x{evil}", "__proto__"])
    w, b = (circuit.parameter(name, 0.5) for name in (evil, "constructor"))
    circuit.output("score", cs.gates.functions.square(x) * w + y * 0.5 + b)
    data = cs.Dataset(evil, [[0.0, 1.0], [1.0, 0.0]], [-1, 1], [evil, "@script@"], (evil, "__proto__"))
    force = cs.forces.Force(evil, cs.forces.svm.pull, cs.forces.svm.loss, "sides", margin=1.0)
    _, made = record(circuit, data, force, cs.SGD(0.1), iterations=20)
    page = opened(made, "#i=7&data=__proto__&force=constructor&added=1,2,3;a;&moved=9:1,1;x&point=99")
    assert page.locator("script").count() == 2
    assert iteration(page) == 7
    assert page.locator("#plane .point").count() == 3
    assert evil.replace("-", "−") in page.inner_text("#classes")


AXE = "() => axe.run().then(found => found.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 120))]))"


@pytest.mark.slow
def test_nothing_stands_in_anybodys_way(opened, open_page, tmp_path):  # noqa: F811
    axe = pytest.importorskip("axe_playwright_python")
    script = os.path.join(os.path.dirname(axe.__file__), "axe.min.js")
    _, made = guide()
    page = opened(made, "#i=11")
    page.emulate_media(reduced_motion="reduce")
    with open(script, encoding="utf-8") as file:
        page.evaluate(file.read() + "; undefined")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
            assert page.evaluate(AXE) == [], (width, theme)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.locator("[aria-live=polite]").count() == 1


@pytest.mark.slow
def test_sizes_and_speed(tmp_path, open_page):  # noqa: F811
    _, made = record(cs.neuron(2, seed=0), cs.datasets.guide(), cs.forces.logistic, cs.SGD(0.05), cs.L2(0.1))
    play_training(made, tmp_path / "neuron.html")
    assert (tmp_path / "neuron.html").stat().st_size < 150_000
    spirals = cs.datasets.spirals(100)
    _, made = record(cs.mlp([2, 16, 16, 1], seed=0), spirals, cs.forces.svm, cs.SGD(0.05), cs.L2(0.001))
    play_training(made, tmp_path / "spirals.html")
    assert (tmp_path / "spirals.html").stat().st_size < 400_000
    page = open_page(tmp_path / "spirals.html", "#i=100", width=1280, height=720)
    assert page.locator("#stage .gate").count() == 33
    page.wait_for_timeout(500)
    page.evaluate(
        "() => { window.long = []; const note = list => long.push(...list.getEntries().map(e => e.duration));"
        " new PerformanceObserver(note).observe({entryTypes: ['longtask']}); }"
    )
    page.select_option("#speed", "Infinity")
    page.click("#play")
    page.wait_for_timeout(1000)
    page.click("#play")
    assert iteration(page) > 3_000  # a hundred thousand on a machine with nothing else to do
    own, values = page.evaluate("() => [circuitsim.parameters(), circuitsim.values()]")
    assert {name: values[name] for name in own} == own
    if os.getloadavg()[0] < 1.5:
        assert page.evaluate("() => Math.max(0, ...long)") <= 50
