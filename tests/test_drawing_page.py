"""The page to draw on, in a real browser, against the compiled engine."""

import importlib.util
import json
import re
from importlib.resources import files

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.circuit.netlist import Netlist
from circuitsim.errors import SaveError
from circuitsim.gates.symbols import SymbolError
from circuitsim.views.array_program import array_program, packed
from circuitsim.views.drawing_page import Reader, write_drawing
from tests.browser import browser, open_page  # noqa: F401
from tests.test_page_numbers import page, run_script  # noqa: F401

NEAR = 1e-12  # of the largest number in the array; 2e-15 was found


def assert_near(found, due, what):
    found, due = np.ravel(np.array(found, dtype=float)), np.ravel(due)
    assert found.shape == due.shape, what
    assert np.max(np.abs(found - due)) <= NEAR * np.max(np.abs(due)), what


# -- arrays ------------------------------------------------------------------------------------------------------


def arrays(page, circuit):  # noqa: F811
    """Put a circuit on a page, as `engine`."""
    made = array_program(Netlist(circuit), cs.Compiled(circuit).parameters)
    script = files("circuitsim.views").joinpath("page", "arrays.js").read_text(encoding="utf-8")
    run_script(
        page,
        f"{{{made.script}{script} window.unpacked = (given) => typeof given === 'number' ? arrayOf([], [given])"
        f" : unpack(given); window.engine = new ArrayEngine({json.dumps(made.tables)}); }}",
    )


def computed(page, netlist, inputs, pulls):  # noqa: F811
    """Return values and gradients of all nodes that a page computes, by name, with their shapes."""

    def sent(kind, given):
        nodes = netlist.of_kind(kind)
        return [[nodes[name], packed(v) if isinstance(v, np.ndarray) else v] for name, v in given.items()]

    found = page.evaluate(
        "([given, pulls]) => { for (const [node, value] of given) engine.set(node, unpacked(value));"
        " engine.pull(new Map(pulls.map(([node, pull]) => [node, unpacked(pull)]))); engine.forward();"
        " engine.backward(); const read = (array) => array && [array.shape, Array.from(array.data)];"
        " return engine.kinds.map((_, node) => [read(engine.value(node)), read(engine.gradient(node)) ?? null]); }",
        [sent("input", inputs), sent("output", pulls)],
    )
    return {node.name: pair for node, pair in zip(netlist.nodes, found, strict=True)}


def soft(circuit, x, w):
    circuit.output("p", cs.softmax(x @ w))


def log_soft(circuit, x, w):
    circuit.output("p", cs.log_softmax(x @ w) * 0.5)


def entropy(circuit, x, w):
    circuit.output("p", cs.cross_entropy(cs.tanh(x @ w) - 1.0, circuit.input("target")))


@pytest.mark.parametrize("build", [soft, log_soft, entropy])
@pytest.mark.parametrize("rows", [None, 1, 5])
def test_gates_written_by_hand(page, build, rows):  # noqa: F811
    """For vectors and matrices, with what meets at a fan-out, constants, and biases spread over rows."""
    random = np.random.default_rng(rows or 0)
    circuit = cs.Circuit("by hand")
    x = circuit.input("x")
    w = circuit.parameter("w", random.normal(size=(4, 3)))
    build(circuit, x * x + circuit.parameter("b", random.normal(size=4)), w)
    circuit.output("sums", x @ circuit.parameter("v", random.normal(size=4)))
    shape = (4,) if rows is None else (rows, 4)
    inputs = {"x": random.normal(size=shape)}
    if build is entropy:
        targets = [random.integers(0, 3, shape[:-1]).astype(float), random.random((*shape[:-1], 3))]
    else:
        targets = [None]
    arrays(page, circuit)
    for target in targets:
        given = inputs if target is None else inputs | {"target": target if target.ndim else float(target)}
        engine = cs.Compiled(circuit)
        outputs = engine.forward(given)
        pulls = {name: random.normal(size=np.shape(value)) for name, value in outputs.items()}
        pulls = {name: pull if pull.shape else float(pull) for name, pull in pulls.items()}
        gradients = engine.backward(gradient=pulls)
        found = computed(page, engine.netlist, given, pulls)
        for name, value in outputs.items():
            assert tuple(found[name][0][0]) == np.shape(value)
            assert_near(found[name][0][1], value, name)
        for name, gradient in gradients.items():
            assert tuple(found[name][1][0]) == np.shape(gradient)
            assert_near(found[name][1][1] if np.any(gradient) else [0.0], gradient if np.any(gradient) else 0.0, name)


def test_what_cannot_be_computed_in_a_page_is_named(tmp_path):
    circuit = cs.Circuit("sums")
    circuit.output("f", cs.sum(circuit.input("x")))
    with pytest.raises(SymbolError, match=r"gate 'sum' of 'sum1' cannot be computed here: it is for arrays"):
        array_program(Netlist(circuit), {})
    circuit = cs.Circuit("across")
    circuit.output("f", cs.softmax(circuit.input("x"), axis=0))
    with pytest.raises(SymbolError, match=r"'softmax' of 'softmax1' .*: it does not work along the last axis"):
        array_program(Netlist(circuit), {})
    circuit = cs.Circuit("stack")
    circuit.output("f", circuit.input("x") @ circuit.parameter("w", np.ones((2, 3, 4))))
    with pytest.raises(SymbolError, match="'w' is an array of 3 axes"):
        array_program(Netlist(circuit), cs.Compiled(circuit).parameters)
    reader = Reader(Netlist(circuit), {"w": np.ones((2, 3, 4))}, (1, 3), 16, "01", np.ones((1, 3)), np.ones(1), "")
    with pytest.raises(SaveError, match=r"cannot save .*digits.html': 'w' is an array of 3 axes; save a picture"):
        write_drawing(reader, tmp_path / "digits.html")


# -- the page ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Run the scenario for a moment, and return its page, its circuit with what it has learned, and its test."""
    pytest.importorskip("sklearn")
    from circuitsim.cli import scenarios

    found = scenarios.find("digits")
    spec = importlib.util.spec_from_file_location("digits_scenario", found)
    scenario = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scenario)
    path = tmp_path_factory.mktemp("digits") / "digits.html"
    report = scenario.main(iterations=150, save=path)
    engine = cs.Compiled(scenario.build(0))
    engine.set_parameters(report.results["parameters"])
    data = cs.datasets.digits()
    test = np.random.default_rng(0).permutation(len(data.points))[: scenario.TEST]
    return path, engine, data.points[test], data.labels[test].astype(int), report.results["accuracy"]


def test_it_reads_as_python_does(open_page, digits):  # noqa: F811
    """Values and gradients of 200 drawings, and what each of the test is taken for."""
    path, engine, points, labels, accuracy = digits
    opened = open_page(path)
    scores = engine.forward({"x": points, "target": np.zeros(len(points))})["scores"]
    assert opened.evaluate("circuitsim.reads()") == np.argmax(scores, axis=-1).tolist()
    assert opened.evaluate("circuitsim.accuracy()") == pytest.approx(accuracy, abs=1e-12)
    assert f"{100 * accuracy:.1f} % of {len(labels)} others" in opened.inner_text("#about")
    wrong = int(np.sum(np.argmax(scores, axis=-1) != labels))
    assert opened.inner_text("#wrong") == f"Read wrongly: {wrong}"

    random = np.random.default_rng(1)
    drawings = random.random((200, 64)) * (random.random((200, 64)) < random.random((200, 1)))
    targets = random.integers(0, 10, 200).tolist()
    found = opened.evaluate(
        "(drawn) => drawn.map(([x, target], at) => { circuitsim.set('x', x); circuitsim.set('target', target);"
        " const {scores, loss, relu1} = circuitsim.values(), gradients = circuitsim.gradients();"
        " return [{scores, loss, relu1}, at % 10 ? {x: gradients.x, b1: gradients.b1} : gradients]; })",
        [[drawing.tolist(), target] for drawing, target in zip(drawings, targets, strict=True)],
    )
    for drawing, target, (values, gradients) in zip(drawings, targets, found, strict=True):
        due = engine.forward({"x": drawing, "target": float(target)})
        felt = engine.backward(gradient={"loss": -1.0})
        for name in ("scores", "loss"):
            assert_near(values[name], due[name], name)
        assert_near(values["relu1"], engine.value("relu1"), "relu1")
        for name in {"x", "w1", "b1", "w2", "b2"} & set(gradients):  # of every tenth drawing all
            assert_near(gradients[name], felt[name], name)
    before = opened.evaluate("circuitsim.gradients().x")
    opened.evaluate("circuitsim.pull('loss', -2)")
    assert_near(opened.evaluate("circuitsim.gradients().x"), 2 * np.array(before), "twice the pull")


def levels(opened):
    return np.array(opened.evaluate("circuitsim.values().x")) * 16


def share(opened):
    """Return the probability of the class that is wanted."""
    loss = opened.evaluate("circuitsim.values().loss")
    return float(np.exp(-loss))


def test_a_drawing_answers(open_page, digits):  # noqa: F811
    """Brush, keys, examples, what it is to be more of, responses and the address."""
    path, _, points, labels, _ = digits
    opened = open_page(path, "#example=3&more=5")
    np.testing.assert_array_equal(levels(opened), points[3] * 16)
    assert opened.inner_text("#title") == "What would make this more of a 5?"
    assert f"This is a{'n' if labels[3] == 8 else ''} {labels[3]}. The network sees a" in opened.inner_text("#sentence")

    told = opened.inner_text("#sentence")
    felt = np.array(opened.evaluate("circuitsim.gradients().x"))
    row, column, way, name, per_cent = re.search(
        r"row (\d), column (\d): one level (more|less) ink makes an? (\d) about ([\d.e−]+)", told
    ).groups()
    best = (int(row) - 1) * 8 + int(column) - 1
    able = np.where(felt > 0, points[3] < 1, points[3] > 0)
    assert name == "5"
    assert best == np.argmax(np.abs(felt) * able)
    assert (way == "more") == (felt[best] > 0)
    assert float(per_cent) == pytest.approx(100 * abs(felt[best]) / 16, rel=0.05)

    before = share(opened)
    opened.click("#respond")
    risen = share(opened)
    assert risen > before
    moved = levels(opened) - points[3] * 16
    assert np.max(np.abs(moved)) <= 2 + 1 / 128
    assert np.all(np.sign(moved[np.abs(moved) > 0.01]) == np.sign(felt[np.abs(moved) > 0.01]))
    assert "went from" in opened.inner_text("#sentence")
    drawn, address = levels(opened), opened.evaluate("location.hash")
    opened.evaluate("circuitsim.set('x', Array(64).fill(0))")
    assert "Nothing is drawn" in opened.inner_text("#sentence")
    opened.click("#clear")
    opened.evaluate("address => { location.hash = address; }", address)
    opened.wait_for_function("() => circuitsim.values().x.some(Boolean)")
    np.testing.assert_array_equal(levels(opened), drawn)

    opened.click("#clear")
    box = opened.locator("#pad").bounding_box()
    cell = box["width"] / 8
    opened.mouse.move(box["x"] + 4.5 * cell, box["y"] + 0.5 * cell)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 4.5 * cell, box["y"] + 7.5 * cell, steps=8)
    opened.mouse.up()
    line = levels(opened).reshape(8, 8)
    assert np.all(line == np.round(line))
    assert line[3, 4] == 16 > line[3, 3] == line[3, 5] > 0
    assert not line[:, :3].any()
    assert opened.get_attribute("#bars button:nth-child(2)", "class") == "seen", "a line is read as a 1"
    opened.click("#erase")
    opened.mouse.click(box["x"] + 4.5 * cell, box["y"] + 3.5 * cell)
    assert levels(opened).reshape(8, 8)[3, 4] < 1

    opened.focus("#pad")
    for key in ("Home", "ArrowDown", " ", "ArrowRight", "+", "+", "PageDown"):
        opened.keyboard.press(key)
    np.testing.assert_array_equal(levels(opened).reshape(8, 8)[1, :2] - line[1, :2], [16, 7])
    assert opened.inner_text("#sentence").startswith("Row 2, column 2 is 7 of 16 dark: one level ")
    opened.focus("#bars [aria-checked=true]")
    opened.keyboard.press("ArrowDown")
    assert opened.inner_text("#title").endswith("a 6?")
    opened.click("#all")
    assert opened.locator("#examples button").count() == len(labels)
    opened.click("#examples button:nth-child(3)")
    np.testing.assert_array_equal(levels(opened), points[2] * 16)


def test_odd_addresses_do_no_harm(open_page, digits):  # noqa: F811
    path, *_ = digits
    opened = open_page(path, "#x=%3Cscript%3E&more=99&example=-1")
    for address in ("#x=" + "_" * 128, "#x=" + "🦊" * 64, "#example=1e3&more=NaN", "#more=__proto__", "#%%%"):
        opened.evaluate("address => { location.hash = address; }", address)
    assert np.all((levels(opened) >= 0) & (levels(opened) <= 16))


def test_the_page_is_small_and_quick(open_page, digits):  # noqa: F811
    path, *_ = digits
    assert path.stat().st_size < 150_000
    opened = open_page(path)
    spent = opened.evaluate(
        "() => { const x = circuitsim.values().x, spent = []; for (let n = 0; n < 60; n++) {"
        " const began = performance.now(); x[n] = 0.5; circuitsim.set('x', x); spent.push(performance.now() - began); }"
        " return spent.sort((a, b) => a - b)[30]; }"
    )
    assert spent < 16


def test_nothing_a_reader_is_called_runs(open_page, tmp_path):  # noqa: F811
    circuit = cs.dense([4, 2])
    scores = cs.Wire(circuit, circuit.outputs["scores"])
    circuit.output("loss", cs.cross_entropy(scores, circuit.input("target")))
    hostile = "</script><script>alert(1)</script>"
    images, labels = np.array([[0.0, 1.0, 0.5, 0.25]]), np.array([1.0])
    parameters = cs.Compiled(circuit).parameters
    reader = Reader(Netlist(circuit), parameters, (2, 2), 16, [hostile, "<b>"], images, labels, hostile)
    write_drawing(reader, tmp_path / "page.html")
    opened = open_page(tmp_path / "page.html")
    assert opened.inner_text("#about") == hostile
    assert opened.locator("#neurons button").count() == 2, "without hidden layers the classes are the neurons"
    assert levels(opened).tolist() == [0, 16, 8, 4]
