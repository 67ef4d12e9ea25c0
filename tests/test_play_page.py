"""The playground: a page that reads, lays out, times and computes expressions as the library does, without it."""

import json
import random
from importlib.resources import files

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.circuit.netlist import Netlist
from circuitsim.errors import CircuitSimError
from circuitsim.gates import registry
from circuitsim.trace.kinds import Kind
from circuitsim.views.play_page import EXAMPLES, gate_table, page, play
from circuitsim.views.scene import scene, windows
from tests.browser import browser, open_page  # noqa: F401
from tests.command_line import call
from tests.fuzz.expressions import Tree, _damage
from tests.test_page_numbers import random_circuit, run_script

LIBRARY = ("numbers.js", "engine.js", "circuit.js", "parser.js", "layout.js", "places.js", "scene.js", "messages.js")
EXACT = {"add", "sub", "mul", "div", "neg", "relu", "abs", "max", "min", "square", "identity", "sqrt"}
ASKED = """
  const gates = new Gates(table);
  window.read = (texts) => texts.map((text) => {
    try {
      const {nodes, wires} = readExpression(text, gates).netlist();
      const told = nodes.map(({name, kind, gate, value}) => [name, kind, gate ? gate.name : null, String(value)]);
      return {nodes: told, wires};
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      return {refused: refusal.message, from: refusal.from, till: refusal.till};
    }
  });
  window.draw = (circuits) => circuits.map(({name, nodes, wires, pulls}) => {
    const netlist = new Netlist(nodes.map(([name, kind, gate, value]) =>
      ({name, kind, gate: gate === null ? null : gates.get(gate), value})), wires);
    const engine = new Engine(netlist.program());
    engine.pull(new Map(pulls));
    engine.forward();
    engine.backward();
    const carries = wires.map((_, wire) => engine.share(wire) !== undefined);
    const window = timeMessages(netlist, pulls.map(([output]) => output), carries), {records} = window;
    records.value = records.kind.map((kind, at) => {
      const where = records.where[at];
      const value = kind === VALUE ? engine.value(wires[where][0]) : kind === GRADIENT ? engine.share(where)
        : kind === FORWARD ? engine.value(where) : engine.gradient(where);
      return Number.isFinite(value) ? value : show(value).replace("−", "-");
    });
    return {scene: drawScene(name, netlist, engine), window};
  });
  window.rounded = (lengths) => [lengths.map(toTenths), lengths.map(toWhole)];
"""


@pytest.fixture(scope="module")
def library(browser):  # noqa: F811
    """Return a blank page that holds the scripts and answers ``read(texts)`` and ``draw(circuits)``."""
    folder, found = files("circuitsim.views") / "page", gate_table()
    scripts = "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in LIBRARY)
    kinds = "const VALUE = 0, GRADIENT = 1, FORWARD = 2, BACKWARD = 3;"
    opened = browser.new_page()
    opened.goto("about:blank")
    run_script(opened, f"{{{kinds} const table = {json.dumps(found.table)};\n{found.script}\n{scripts}\n{ASKED}}}")
    yield opened
    opened.close()


def read(library, *texts):
    return library.evaluate("texts => read(texts)", list(texts))


def tables(netlist):
    """Return a netlist as the page tells of it."""
    nodes = [
        [node.name, node.kind, node.gate and node.gate.name, float(node.value) if node.kind == "constant" else 0.0]
        for node in netlist.nodes
    ]
    return nodes, [list(wire) for wire in netlist.wires]


def parsed(text):
    """Return the netlist of a text; None if it is refused."""
    try:
        return Netlist(cs.parse(text))
    except CircuitSimError:
        return None


def assert_same_circuit(found, netlist, text):
    nodes, wires = tables(netlist)
    assert [[*rest, float(value)] for *rest, value in found["nodes"]] == nodes, text
    assert found["wires"] == wires, text


# -- what is read ------------------------------------------------------------------------------------------------------


def test_random_expressions_are_read_alike(library):
    chance = random.Random(16)
    gates = sorted(name for name, gate in registry.items() if gate.built_in and not gate.for_arrays)
    texts = []
    for number in range(600):
        names = chance.sample(["x", "y", "z", "w1", "alpha", "mean", "f", "_", "É"], chance.randint(1, 4))
        text = Tree(chance, names, gates, chance.randint(1, 5)).text
        texts.append(_damage(chance, text) if number % 3 else text)
    refused = 0
    for text, found in zip(texts, read(library, *texts), strict=True):
        netlist = parsed(text)
        if netlist is None:
            assert "refused" in found, text
            refused += 1
            continue
        alone = any(node.gate is not None and node.gate.for_arrays for node in netlist.nodes)
        if alone or len(netlist.nodes) > 250:
            assert "refused" in found, text
        else:
            assert "refused" not in found, (text, found)
            assert_same_circuit(found, netlist, text)
    assert 150 < refused < 450


@pytest.mark.parametrize("text", [
    "x", "2", "-3", "--3", "-(3)", "-x ** 2", "2 ** -x", "x - -3", "x * (y + 1) * (x - y)", "((x))", "(sin)(x)",
    "max(a, b, c, d) + min(a, b, c)", "q = x + y; f = q * z", "q = x + y\n\n  f = q * z\n", "(q) = x + y; q * 2",
    "a = 2; b = -3; c = -x; d = max(c, a, b); e = sin(d); g = d ** e; f = g", "f * 2", "f = x + y; f * z", "g = x * y",
    "σ(a·x + b·y) × z²", "√ (x) ÷ y − x³", "0x1F + 0b11 + 0o17 + 1_000.5e-3 + .5 + 5. + 007.5", "x # not y",
    "x + \\\n y", "mul1 * mul2 * x", "match * type + print * pi + e", "ﬁ + ſ + 𝐱", "sin(x,)", "elu(x) + clip(x, 0, 1)",
    "1e308 * 10 * x", "where(greater(x, 0), x, 0.1 * x)", "2 * mean + sum", "a=x*2;\n\na",
])  # fmt: skip
def test_what_is_written_in_many_ways_is_read_alike(library, text):
    (found,) = read(library, text)
    assert "refused" not in found, found
    assert_same_circuit(found, Netlist(cs.parse(text)), text)


@pytest.mark.parametrize(("text", "part"), [
    ("x < y", "<"), ("x ^ 2", "^"), ("x // 2", "//"), ("x @ y", "@"), ("x.real", "."), ("x[0]", "["), ("+x", "+"),
    ("x + not y", "not"), ("x if y else z", "if"), ("x and y", "and"), ("1 + 'text'", "'"), ("x + True", "True"),
    ("1j * x", "1j"), ("(x, y)", ","), ("(q := x + y) * z", ":="), ("1 + lambda x: x", "lambda"), ("sin(*x)", "*"),
    ("sin(x=1)", "x="), ("elu(x, alpha=2)", "alpha="), ("(x + y)(z)", "("), ("sin(1)(x)", "("), ("exp + 1", "exp"),
    ("q = x; q * y", "q = x"), ("x + y; f = x", "x + y"), ("f = f * x", "f"),
    ("q = x + y; q = x * y; q * 2", "q = x * y"), ("q = x + y; f = x * y", "q = x + y"), ("q += x", "q += x"),
    ("q: x", "q: x"), ("import os", "import os"),
    ("a = b = x + 1", "a = b = x + 1"), ("1e999 * x", "1e999"), ("x + (-8)**0.5", "(-8)**0.5"), ("9**9**9", "9**9**9"),
    ("sin(x, y)", "sin(x, y)"), ("x * sgmoid(x)", "sgmoid(x)"), ("x +", ""), ("x * * y", "*"), ("(x + y", ""),
    ("x + y)", ")"), ("2x", "2x"), ("x y", "x y"), ("x $ y", "$"), ("012 + x", "012"), ("x\u202ey", "x\u202ey"),
    ("a = x*y*z; mul1 = a + 1; mul1 * mul1", "a + 1"), ("matmul(x, y)", "matmul(x, y)"), ("reshape(x)", "reshape(x)"),
    ("x; ; y", ";"), ("𝐱 + )", ")"),
])  # fmt: skip
def test_a_fault_is_told_in_one_sentence_with_its_place(library, text, part):
    (found,) = read(library, text)
    assert text[slice(*_code_points(text, found))] == part
    assert len(found["refused"]) < 500
    assert "\n" not in found["refused"]
    assert found["refused"].isprintable()
    try:
        cs.parse(text)
    except CircuitSimError as error:
        own = str(error).partition("is not allowed in an expression: ")[2]
        assert own in found["refused"]
    else:
        assert "is for arrays, and this page computes numbers" in found["refused"]


def _code_points(text, found):
    """Return the place of a fault in Python's letters; JavaScript counts some twice."""
    units = text.encode("utf-16-le")
    return [len(units[: 2 * at].decode("utf-16-le")) for at in (found["from"], found["till"])]


@pytest.mark.parametrize(
    "text", ["", " \n ", "# nothing", "-" * 3000 + "x", "(" * 400 + "x" + ")" * 400, "x" + "+x" * 1000]
)
def test_what_is_empty_or_too_large_is_refused(library, text):
    (found,) = read(library, text)
    assert found["from"] is None
    assert any(words in found["refused"] for words in ("is empty", "too deeply", "too many for this page"))


# -- what is drawn -----------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::circuitsim.NonFiniteWarning")
def test_layouts_and_messages_are_those_of_the_library(library):
    due, asked = [], []
    for seed in range(50):
        circuit = random_circuit(seed, exact=seed % 2 == 0)
        netlist = Netlist(circuit)
        chance = np.random.default_rng(seed)
        inputs = {name: float(chance.normal() * 2) for name in netlist.of_kind("input")}
        pulls = {"f": float(chance.normal()), "g": float(chance.normal())}
        if seed % 3 == 0:
            del pulls["g"]
        trace = cs.Simulation(circuit).run(inputs, gradient=pulls).trace
        (window,) = windows(trace)
        due.append((scene(trace), window, netlist))
        nodes = [
            [node.name, node.kind, node.gate and node.gate.name, inputs.get(node.name, node.value) or 0.0]
            for node in netlist.nodes
        ]
        outputs = netlist.of_kind("output")
        asked.append({
            "name": netlist.name, "nodes": nodes, "wires": [list(wire) for wire in netlist.wires],
            "pulls": [[outputs[name], pull] for name, pull in pulls.items()],
        })  # fmt: skip
    for (stage, window, netlist), found in zip(due, library.evaluate("circuits => draw(circuits)", asked), strict=True):
        assert _numbers(found["scene"]) == _numbers(stage)
        assert _words(found["scene"]) == json.loads(json.dumps(_words(stage)))
        exact = all(node.gate is None or node.gate.name in EXACT for node in netlist.nodes)
        records, wanted = found["window"]["records"], window["records"]
        for column in ("kind", "where", "tag", "start", "end"):
            assert records[column] == wanted[column], column
        for value, other in zip(records["value"], wanted["value"], strict=True):
            assert value == other or (not exact and value == pytest.approx(other, rel=1e-9, abs=1e-9))
        assert [found["window"]["span"], found["window"]["before"]] == [window["span"], window["before"]]
        assert [node for node, *_ in found["window"]["slopes"]] == [node for node, *_ in window["slopes"]]


def test_lengths_are_rounded_as_python_rounds(library):
    chance = np.random.default_rng(0)
    lengths = [*(np.arange(400) / 8.0), *(np.arange(400) / 20.0), *chance.uniform(0, 2000, 400)]
    tenths, whole = library.evaluate("lengths => rounded(lengths)", list(map(float, lengths)))
    assert tenths == [round(float(length), 1) for length in lengths]
    assert whole == [round(float(length)) for length in lengths]


def _numbers(stage):
    places = [node["place"] for node in stage["nodes"]]
    return [stage["size"], places, [points for *_, points in stage["wires"]], stage.get("tall")]


def _words(stage):
    nodes = [{key: thing for key, thing in node.items() if key != "place"} for node in stage["nodes"]]
    wires = [wire[:3] for wire in stage["wires"]]
    return [stage["title"], stage["dense"], stage["gates"], stage["windows"], nodes, wires]


# -- the page ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("play") / "play.html"
    play(path)
    return path


def test_the_page_is_small_and_asks_for_nothing(path):
    assert path.stat().st_size < 400_000
    assert "unsafe" not in page()
    assert "eval(" not in page()
    assert "Function(" not in page()


def numbers(opened):
    return opened.evaluate("[circuitsim.values(), circuitsim.gradients()]")


def test_examples_have_the_numbers_of_the_library(open_page, path):  # noqa: F811
    opened = open_page(path)
    for example in EXAMPLES:
        opened.locator("#examples").get_by_role("button", name=example.name, exact=True).click()
        run = cs.Simulation(cs.parse(example.expression)).run(example.values)
        values, gradients = numbers(opened)
        (output,) = run.outputs
        assert opened.input_value("#expression") == example.expression
        assert values[output] == pytest.approx(run.outputs[output], rel=1e-15)
        assert {name: gradients[name] for name in run.gradients} == pytest.approx(run.gradients, rel=1e-14)
        assert opened.locator("#examples [aria-pressed=true]").inner_text() == example.name
    guide = {"Single gate": -6.0, "Two gates": -12.0, "Neuron": 0.8808, "SVM score": 0.56, "SVM cost": 0.44}
    found = {name: float(f"{_result(example):.4g}") for name, example in _named().items() if name in guide}
    assert found == guide


def _named():
    return {example.name: example for example in EXAMPLES}


def _result(example):
    (result,) = cs.Compiled(cs.parse(example.expression)).forward(example.values).values()
    return result


def test_a_formula_is_typed_kept_while_it_is_wrong_and_shared(open_page, path):  # noqa: F811
    opened = open_page(path)
    field = opened.locator("#expression")
    field.fill("")
    opened.keyboard.type("x * w + q", delay=1)  # every beginning of it is a formula or a fault
    assert opened.evaluate("Object.keys(circuitsim.values())") == ["x", "w", "q", "mul1", "add1", "f"]
    opened.evaluate("circuitsim.set('w', 2.5); circuitsim.set('q', -4); circuitsim.pull('f', 0.5)")
    field.fill("x * w + q * <b>")
    opened.locator("#fault button").wait_for()
    told = opened.locator("#fault").inner_text()
    assert told.startswith("⚠ Letter 13: the expression cannot be read: a name, a number or a ( is missing before '<'.")
    assert told.endswith("The circuit is still that of x * w + q.")
    assert field.get_attribute("aria-invalid") == "true"
    assert opened.locator("#stage .node.gate").count() == 2
    opened.locator("#fault button").click()
    assert opened.evaluate("[expression.selectionStart, expression.selectionEnd]") == [12, 13]
    field.fill("sin(x * w) + q")
    assert opened.locator("#fault").inner_text() == ""
    values, gradients = numbers(opened)
    run = cs.Simulation(cs.parse("sin(x * w) + q")).run(x=-2, w=2.5, q=-4)
    assert values["f"] == pytest.approx(run.outputs["f"], rel=1e-15)
    assert {name: gradients[name] for name in run.gradients} == pytest.approx(run.gradients, rel=1e-15)
    other = open_page(path, opened.evaluate("location.hash"))
    assert other.input_value("#expression") == "sin(x * w) + q"
    assert numbers(other) == [values, gradients]


def test_a_link_with_a_fault_shows_it_and_hostile_ones_execute_nothing(open_page, path):  # noqa: F811
    opened = open_page(path, "#f=alert(1)%2B<img src=x onerror=alert(2)>&v.x=1e999&v.__proto__=7&p.f=alert(3)")
    opened.locator("#fault button").wait_for()
    assert "unknown gate 'alert'" in opened.locator("#fault").inner_text()
    assert opened.locator("#stage .node.gate").count() == 2
    for text in (
        "__proto__ * constructor + toString", "hasOwnProperty(x)", "constructor(x)", "__proto__(x)", "${x}", "`x`",
        "x;alert(1)", "</script><script>alert(1)</script>", "q = x + y; __proto__ = q * 2; __proto__ * valueOf",
        "import('x')", "(() => alert(1))()", "x\u2028alert(1)", "\ud800", "//alert(1)", "/*", "sigmoid`x`",
    ):  # fmt: skip
        opened.locator("#expression").fill(text)
    opened.evaluate("circuitsim.expression('__proto__ * constructor + toString')")
    assert opened.evaluate("circuitsim.values().f") == 8
    assert opened.locator("script:not([type])").count() == 1
    with pytest.raises(Exception, match="use names, numbers"):
        opened.evaluate("circuitsim.expression('[x]')")


def test_the_program_in_python_prints_the_numbers_of_the_page(open_page, path, capsys):  # noqa: F811
    opened = open_page(path, "#f=self / gradient %2B É**2&v.gradient=-0.25&p.f=-1.5")
    opened.locator("#as-python").click()
    opened.evaluate("circuitsim.set('self', 1e-7)")
    for text, names in (
        ("self / gradient + É**2", ["self", "gradient", "É"]),
        ("x*x - self", ["x", "self"]),
        ("2*3", []),
    ):
        opened.evaluate("text => circuitsim.expression(text)", text)
        program = opened.locator("#program").inner_text()
        assert ("{" in program) == ("gradient" in names)
        exec(program, {})
        values, gradients = numbers(opened)
        wanted = {name: float(gradients[name]) for name in names}
        assert capsys.readouterr().out.strip() == f"{ {'f': float(values['f'])} } {wanted}"
    opened.locator("#program").focus()
    opened.keyboard.press("Escape")
    assert opened.locator("#python").is_hidden()


def test_a_number_in_the_formula_is_moved_in_its_text(open_page, path):  # noqa: F811
    opened = open_page(path, "#f=(2)**x - 0.5*x - -1&v.x=3")
    assert opened.evaluate("circuitsim.values().f") == 7.5
    opened.evaluate("circuitsim.set('const1', -3); circuitsim.set('const2', 1e-7); circuitsim.set('const3', 4)")
    assert opened.input_value("#expression") == "(-3)**x - 1e-7*x - 4"
    due = cs.Compiled(cs.parse("(-3)**x - 1e-7*x - 4")).forward({"x": 3.0})["f"]
    assert opened.evaluate("circuitsim.values().f") == due
    opened.locator("#stage .node.input").focus()
    opened.keyboard.press("ArrowUp")
    values, place = opened.evaluate("[circuitsim.values(), location.hash]")
    assert "const" not in place
    other = open_page(path, place)
    assert other.evaluate("circuitsim.values()") == values
    assert values["x"] == 3.1
    opened.locator("#reset").click()
    assert opened.input_value("#expression") == "(2)**x - 0.5*x - -1"


def test_the_tour_ends_where_another_formula_begins(open_page, path):  # noqa: F811
    opened = open_page(path, "#f=x * x %2B y&v.x=3&v.y=0.5")
    before = opened.evaluate("[circuitsim.values(), circuitsim.gradients()]")
    opened.locator("#tour").click()
    opened.keyboard.press("ArrowRight")
    assert "multiplies it by its slope" in opened.locator("#sentence").inner_text()
    opened.locator("#expression").click()
    assert opened.locator("#guide").is_hidden()
    assert opened.evaluate("document.activeElement.id") == "expression"
    assert numbers(opened) == before
    opened.keyboard.type(" * 2")
    assert opened.evaluate("circuitsim.values().f") == 10.0


def test_messages_are_told_as_the_library_tells_them(open_page, path):  # noqa: F811
    opened = open_page(path, "#f=(x %2B y) * z&v.x=-2&v.y=5&v.z=-4&step=3")
    assert opened.locator("#sentence").inner_text() == ("× (mul1) has add1 = 3 and z = −4, so it sends 3 × (−4) = −12.")
    trace = cs.Simulation(cs.parse("(x + y) * z")).run(x=-2, y=5, z=-4).trace
    assert opened.locator("#clock").inner_text().endswith(f"of {trace.span[1]:g}")
    assert len([record for record in trace if record.kind is Kind.VALUE]) == opened.locator("#stage .edge").count()


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_writes_the_page_and_opens_it(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("webbrowser.open", seen.append)
    done = call("play", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "saved play.html\n", "")
    assert (tmp_path / "play.html").read_text(encoding="utf-8") == page()
    assert seen == [(tmp_path / "play.html").as_uri()]
    done = call("play", "--no-open", "--save", "other.html", cwd=tmp_path)
    assert (done.returncode, len(seen)) == (0, 1)
    assert (tmp_path / "other.html").exists()


def test_the_command_refuses_what_is_no_page(tmp_path):
    done = call("play", "--no-open", "--save", "play.png", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: cannot save as 'play.png': the suffix must be one of .html\n"
