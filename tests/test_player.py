"""The player page in a real browser: what it shows is what the trace says, and it asks nothing of the world."""

import io
import json
import re
from functools import partial

import numpy as np
import pytest
from PIL import Image

import circuitsim as cs
from circuitsim.cli import scenarios
from circuitsim.trace.kinds import Kind
from circuitsim.views import player_page
from circuitsim.views.scene import windows
from tests.browser import assert_final_numbers, layered, neuron, numbers, play_to_the_end, scrub, seen, text, write


@pytest.mark.parametrize("name", ["gate", "neuron", "svm", "mlp"])
def test_pages_of_scenarios_play_to_the_end(name, tmp_path, open_page):
    options = {} if name == "gate" else {"iterations": 30}
    scenarios.load(scenarios.find(name))(save=tmp_path / "page.html", **options)
    page = open_page(tmp_path / "page.html")
    start = page.screenshot()
    page.keyboard.press("End")  # a training is long: play only its last steps
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    play_to_the_end(page)
    assert page.screenshot() != start
    assert re.fullmatch(r"tick (.+) of \1 · step (\d+) of \2", page.inner_text("#clock"))


@pytest.mark.parametrize("make", [neuron, layered])
def test_the_numbers_are_the_traces(make, tmp_path, open_page):
    trace = make()
    page = open_page(write(trace, tmp_path), "#step=0")
    assert all(gradient == "" for _, gradient in numbers(page).values())
    play_to_the_end(page)
    assert_final_numbers(page, trace)


def test_the_numbers_are_the_traces_at_any_time(tmp_path, open_page):
    trace = layered()
    page = open_page(write(trace, tmp_path))
    for time in (0.75, 3.0, 9.25, trace.span[1] / 2):
        scrub(page, time)
        shown = numbers(page)
        for index, node in enumerate(trace.netlist.nodes):
            if node.kind == "gate":
                ended = [r.value for r in trace if r.kind is Kind.FORWARD and r.where == index and r.end <= time]
                assert shown[str(index)][0] == (text(ended[-1]) if ended else "")
        tokens = page.eval_on_selector_all(".token text", "all => all.map(token => token.textContent)")
        flying = [r for r in trace if r.kind in (Kind.VALUE, Kind.GRADIENT) and r.start <= time < r.end]
        assert sorted(tokens) == sorted(text(r.value) for r in flying)
        firing = page.eval_on_selector_all(".node.firing", "all => all.map(node => Number(node.dataset.node))")
        assert set(firing) == {r.where for r in trace if r.kind >= Kind.FORWARD and r.start <= time < r.end}


@pytest.mark.parametrize("make", [neuron, layered])
def test_stepping_back_restores_the_earlier_state_exactly(make, tmp_path, open_page):
    page = open_page(write(make(), tmp_path))
    page.keyboard.press("Home")
    page.click('[data-node="1"]')
    page.mouse.move(0, 0)
    count = int(page.inner_text("#clock").rsplit(" ", 1)[1])
    states = []
    for _ in range(count):
        page.keyboard.press("ArrowRight")
        states.append(seen(page))
    assert len(set(states)) == count
    for state in reversed(states[:-1]):
        page.keyboard.press("ArrowLeft")
        assert seen(page) == state


def test_steps_never_go_back_in_time_and_messages_go_their_way(tmp_path, open_page):
    simulation = cs.Simulation(
        cs.parse("sigmoid(a*x + b*y) * sin(a) + x"),
        gate_delay={"mul1": 9, "sin1": 5, "sigmoid1": 2}, wire_latency={"x": 3, "b": 6},
    )  # fmt: skip
    trace = simulation.run(a=1, b=2, x=3, y=4).trace
    page = open_page(write(trace, tmp_path), "#step=0")
    times = []
    for _ in range(int(page.inner_text("#clock").rsplit(" ", 1)[1])):
        page.keyboard.press("ArrowRight")
        times.append(float(page.input_value("#time")))
    assert times == sorted(times)
    output = trace.node("mul3") if trace.netlist.nodes[-1].name != "f" else len(trace.netlist.nodes) - 1
    place = "node => new DOMMatrix(getComputedStyle(node).transform).e"
    pulled = next(record for record in trace if record.kind is Kind.GRADIENT)
    assert trace.netlist.wires[pulled.where].target == output
    xs = []
    for share in (0.1, 0.5, 0.9):
        scrub(page, pulled.start + share * (pulled.end - pulled.start))
        xs.append(page.eval_on_selector(".token.gradient", place))
    assert xs == sorted(xs, reverse=True)  # from the output back
    xs = []
    for time in (0.1, 0.5, 0.9):
        scrub(page, time)
        xs.append(page.eval_on_selector(".token.value", place))
    assert xs == sorted(xs)


def test_the_keyboard_is_enough(tmp_path, open_page):
    trace = neuron()
    page = open_page(write(trace, tmp_path))
    page.keyboard.press("End")
    assert_final_numbers(page, trace)
    page.keyboard.press("Home")
    assert "step 0 of" in page.inner_text("#clock")
    page.keyboard.press("Space")
    assert page.get_by_role("button", name="Pause").is_visible()
    page.keyboard.press("Space")
    assert page.get_by_role("button", name="Play").is_visible()
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the link that skips the circuit keeps the place
    assert page.evaluate("() => document.activeElement.id") == "play"
    assert_final_numbers(page, trace)
    page.evaluate("() => document.activeElement.blur()")
    page.locator("#title").click()
    for _ in range(3):  # theme, then the circuit's nodes and wires
        page.keyboard.press("Tab")
    focused = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert re.match(r"(input|gate|wire) ", focused) or re.match(r"input .*, value", focused)
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.getAttribute('aria-pressed')") == "true"
    held = page.inner_text("#detail")
    page.keyboard.press("Tab")
    assert page.inner_text("#detail") == held
    page.keyboard.press("Escape")
    assert "Point at a gate or a wire" in page.inner_text("#detail")


def test_everything_that_can_be_pressed_has_a_role_and_a_name(tmp_path, open_page):
    trace = neuron()
    page = open_page(write(trace, tmp_path), "#step=9")
    unnamed = page.eval_on_selector_all(
        "button, [role=button], input, select",
        "all => all.filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.closest('label')))"
        ".map(e => e.outerHTML)",
    )
    assert unnamed == []
    for name in ("Play", "One step back", "One step forward", "To the beginning", "To the end"):
        assert page.get_by_role("button", name=name, exact=True).count() == 1
    assert (
        page.get_by_role("slider", name="Simulated time")
        .get_attribute("aria-valuetext")
        .startswith("tick 12.5 of 18: ")
    )
    assert page.get_by_role("button", name="gate sigmoid1, sigmoid, value 0.8808, gradient 1", exact=True).count() == 1
    assert page.get_by_role("button", name=re.compile("^wire from x to mul1, value −1")).count() == 1
    assert page.locator("[aria-live=polite]").first.is_visible()


def test_steps_are_told_with_their_arithmetic(tmp_path, open_page):
    trace = cs.Simulation(cs.parse("(x + y) * z")).run(x=-2, y=5, z=-4).trace
    page = open_page(write(trace, tmp_path))
    page.click("#list summary")
    assert page.locator("#steps li").all_inner_texts() == [
        "x = −2, y = 5 and z = −4 are sent into the circuit.",
        "+ (add1) has x = −2 and y = 5, so it sends (−2) + 5 = 3.",
        "× (mul1) has add1 = 3 and z = −4, so it sends 3 × (−4) = −12.",
        "f is −12 and is pulled with 1.",
        "× (mul1) feels 1, so it passes 1 × (−4) = −4 back to add1 and 1 × 3 = 3 back to z.",
        "z feels 3.",
        "+ (add1) feels −4, so it passes −4 × 1 = −4 back to x and −4 × 1 = −4 back to y.",
        "x feels −4 and y feels −4.",
    ]
    page.click('#steps [data-step="6"]')
    assert page.inner_text("#sentence").startswith("+ (add1) feels −4")
    assert page.locator("#steps [aria-current]").get_attribute("data-step") == "6"


def test_a_gate_is_told_in_full(tmp_path, open_page):
    trace = cs.Simulation(cs.parse("(x + y) * z")).run(x=-2, y=5, z=-4).trace
    page = open_page(write(trace, tmp_path), "#step=8")
    page.hover('[data-node="4"]')
    told = " ".join(page.inner_text("#detail").split())
    assert "× mul1" in told
    assert "add1 × z = 3 × (−4) = −12" in told
    assert "to add1 ∂mul1/∂a = −4 1 × (−4) = −4" in told
    assert "to z ∂mul1/∂b = 3 1 × 3 = 3" in told
    x, y = page.eval_on_selector(
        '[data-wire="0"] .wire',
        "wire => { const at = wire.getPointAtLength(40), m = wire.getScreenCTM();"
        " return [at.x * m.a + m.e, at.y * m.d + m.f]; }",
    )
    page.mouse.move(x, y)
    told = " ".join(page.inner_text("#detail").split())
    assert "wire x → add1.a value −2, gradient −4" in told
    assert "arrived tick 1 example 0 value −2" in told
    assert "arrived tick 10 example 0 gradient −4" in told


def test_a_gradient_shows_the_messages_that_made_it(tmp_path, open_page):
    circuit = cs.parse("x*x + 3*x*y")
    trace = cs.Simulation(circuit).run(x=4, y=-2).trace
    page = open_page(write(trace, tmp_path), "#step=99")
    page.click('[data-node="0"] .gradient')
    nodes, wires = trace.netlist.nodes, trace.netlist.wires
    made = set(page.eval_on_selector_all(".edge.made", "all => all.map(edge => Number(edge.dataset.wire))"))
    assert {(nodes[wires[wire].source].name, nodes[wires[wire].target].name) for wire in made} == {
        ("x", "mul1"), ("x", "mul2"), ("mul1", "add1"), ("mul2", "mul3"), ("mul3", "add1"), ("add1", "f"),
    }  # fmt: skip
    assert "4 + 4 + (−6) = 2" in page.inner_text("#detail")
    page.click('[data-node="0"] .gradient')
    assert page.locator(".made").count() == 0
    page.click('[data-node="0"]')
    page.click("#why")
    assert page.locator(".edge.made").count() == len(made)


def test_a_place_can_be_shared(tmp_path, open_page):
    path = write(neuron(), tmp_path)
    page = open_page(path)
    for _ in range(5):
        page.click("#forward")
    place = page.evaluate("() => location.hash")
    assert place == "#step=5"
    other = open_page(path, place)
    assert seen(other) == seen(page)
    scrub(page, 7.25)
    assert page.evaluate("() => location.hash") == "#tick=7.25"
    other.evaluate("() => { location.hash = '#tick=7.25'; }")
    other.wait_for_function("() => document.getElementById('clock').textContent.startsWith('tick 7.25')")
    assert seen(other) == seen(page)
    for odd in ("#step=1e9", "#step=-4", "#tick=zzz", "#window=7&step=3", "#%00", "#step=99999"):
        assert "of" in open_page(path, odd).inner_text("#clock")


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def test_hostile_names_stay_text(tmp_path, open_page):
    @cs.gate(symbol="</script><svg/onload=alert(3)>", name="</title><b>")
    def bad(x):
        """Be <b>bold</b> & "quoted" </script>."""
        return x

    bad.vjp(0)(lambda gradient, output, x: gradient)
    circuit = cs.Circuit(f"</title>{HOSTILE}@data@@script@")
    x = circuit.input(HOSTILE)
    wire = circuit.gate(bad, x, name="<!--")
    circuit.output("]]>&amp;", circuit.gate(cs.mul, wire, circuit.parameter("__proto__", 2.0), name="constructor"))
    trace = cs.Simulation(circuit).run({HOSTILE: 2}).trace
    page = open_page(write(trace, tmp_path))
    for step in range(7):
        page.keyboard.press("ArrowRight")
        page.click(f'[data-node="{step % 5}"]')
    assert page.inner_text("#title") == circuit.name
    assert page.title() == circuit.name
    assert page.locator('[data-node="0"] .title').text_content() == HOSTILE
    assert page.locator("img, b").count() == 0
    page.click("#list summary")
    assert HOSTILE in page.inner_text("#steps")


def test_the_middle_of_a_run_is_not_blank(tmp_path, open_page):
    page = open_page(write(neuron(), tmp_path), "#tick=2.5")
    picture = Image.open(io.BytesIO(page.locator("#stage").screenshot())).convert("RGB")
    pixels = np.asarray(picture).reshape(-1, 3)
    ink = np.any(np.abs(pixels.astype(int) - pixels[0]) > 30, axis=1).mean()
    assert 0.02 < ink < 0.5
    assert (pixels == (0x17, 0x70, 0x3A)).all(axis=1).sum() > 500  # tokens with values


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_is_wide_enough(tmp_path, open_page, dark):
    page = open_page(write(neuron(), tmp_path), "#step=9", width=360, height=700, dark=dark)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    sizes = page.evaluate(
        "() => [...document.querySelectorAll('.node text, .token text')].filter(t => t.textContent)"
        ".map(t => parseFloat(getComputedStyle(t).fontSize) * t.getCTM().a)"
    )
    assert min(sizes) > 9  # pixels
    told = page.eval_on_selector(
        ".node.told", "node => { const r = node.getBoundingClientRect(); return [r.left, r.right, innerWidth]; }"
    )
    assert told[0] < told[2]
    assert told[1] > 0  # what is told is in sight
    buttons = page.evaluate(
        "() => [...document.querySelectorAll('#buttons button')].map(b => b.getBoundingClientRect().height)"
    )
    assert min(buttons) >= 44
    colour = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", colour)[:3])) < 200) == dark


@pytest.mark.parametrize("expression", ["x * y", "max(x*y, tanh(z) - 3*x) / (1 + abs(y))"])
def test_on_a_projector_the_controls_are_in_sight(tmp_path, open_page, expression):
    circuit = cs.parse(expression)
    trace = cs.Simulation(circuit).run(dict.fromkeys(circuit.names("input"), 0.5)).trace
    page = open_page(write(trace, tmp_path), width=1280, height=720)
    for part in ("#sentence", "#play", "#time"):
        box = page.locator(part).bounding_box()
        assert 0 < box["y"] < box["y"] + box["height"] <= 720, part


def test_a_long_trace_comes_in_windows_and_says_so(tmp_path, open_page, monkeypatch):
    monkeypatch.setattr(player_page, "windows", partial(windows, most=12))
    monkeypatch.setattr(player_page, "MOST_MESSAGES", 12)
    trace = layered()
    path = write(trace, tmp_path)
    page = open_page(path)
    parts = len(list(windows(trace, most=12)))
    assert parts > 4
    assert f"in {parts} windows of up to 12 messages" in page.inner_text("#notes")
    assert page.inner_text("#window").startswith(f"Window 1 of {parts}, ticks 0 to ")
    # Whatever window a time is looked at in, the numbers are those of the whole.
    monkeypatch.undo()
    whole = open_page(write(trace, tmp_path / ".."))
    for part, (start, end) in enumerate(
        json.loads(
            page.evaluate("() => JSON.stringify(JSON.parse(document.getElementById('scene').textContent).spans)")
        )
    ):
        time = (start + end) / 2
        for one, place in ((page, f"#tick={time}&window={part + 1}"), (whole, f"#tick={time}")):
            one.evaluate("place => { location.hash = place; }", place)
            one.wait_for_function(
                "time => Math.abs(Number(document.getElementById('time').value) - time) < 1e-3", arg=time
            )
        assert numbers(page) == numbers(whole)
    page.keyboard.press("Home")
    play_to_the_end(page)
    assert_final_numbers(page, trace)
    page.click("#earlier")
    assert f"Window {parts - 1} of {parts}" in page.inner_text("#window")
    page.keyboard.press("ArrowLeft")
    assert f"Window {parts - 2} of {parts}" in page.inner_text("#window")


def test_numbers_are_written_as_python_writes_them(tmp_path, open_page):
    awkward = [
        0.0, -0.0, 1.0, -12.0, 0.5, 0.12345, 2.03125, 1.0625, -1.0635, 9999.5, 99995.0, 12345.678, 1e5, 1e-4, 1e-5,
        -3.2e-9, 1.5e300, 123456789.0, 0.00099995, 1.00005, 5e-324, 1.7976931348623157e308, 1 / 3, 2.5, 3.5, 10000.5,
    ]  # fmt: skip
    random = np.random.default_rng(0)
    awkward += (random.choice([-1, 1], 100) * 10 ** random.uniform(-12, 12, 100)).tolist()
    awkward += (random.integers(-99999, 99999, 100) / 64).tolist()  # many ties
    circuit = cs.Circuit("awkward numbers")
    for number in range(len(awkward)):
        circuit.output(f"f{number}", circuit.input(f"x{number}"))
    run = cs.Simulation(circuit).run({f"x{number}": value for number, value in enumerate(awkward)})
    shown = numbers(open_page(write(run.trace, tmp_path)))
    assert [shown[str(number)][0] for number in range(len(awkward))] == [text(value) for value in awkward]


def test_what_is_no_plain_number_is_shown_as_people_read_it(tmp_path, open_page):
    trace = cs.Simulation(cs.parse("x / y"), nonfinite="ignore").run(x=[1.0, -2.0], y=0.0).trace
    page = open_page(write(trace, tmp_path), "#step=99")
    assert numbers(page)["0"] == ["[1, −2]", "[inf, inf]"]
    assert numbers(page)["2"][0] == "[inf, −inf]"


def test_a_run_that_takes_no_time_can_be_seen(tmp_path, open_page):
    trace = cs.Simulation(cs.parse("x * 3"), gate_delay=0, wire_latency=0).run(x=1).trace
    page = open_page(write(trace, tmp_path))
    page.keyboard.press("End")
    assert_final_numbers(page, trace)
    empty = cs.Trace(trace.netlist, {})
    assert "step 0 of 0" in open_page(write(empty, tmp_path)).inner_text("#clock")


def test_the_page_plays_inside_a_notebook(tmp_path, open_page):
    run = cs.Simulation(cs.parse("x * y")).run(x=2, y=3)
    (tmp_path / "notebook.html").write_text(
        f"<!doctype html><meta charset=utf-8><link rel=icon href='data:,'>{run._repr_html_()}", encoding="utf-8"
    )
    page = open_page(tmp_path / "notebook.html")
    frame = page.frame_locator("iframe")
    for _ in range(3):
        frame.locator("#forward").click()
    assert frame.locator("#sentence").inner_text() == "f is 6 and is pulled with 1."


def test_groups_of_a_big_circuit_are_told(tmp_path, open_page):
    trace = cs.Simulation(cs.mlp([2, 16, 16, 1], "tanh")).run(x1=1, x2=2).trace
    page = open_page(write(trace, tmp_path))
    page.click("#list summary")
    told = page.inner_text("#steps")
    assert re.search(r"33 gates \(n2_1\) works from tick [\d.]+ to [\d.]+ and sends", told)
    page.click('[data-node="20"]')
    assert "A group of gates: 16 mul, 16 add, 1 tanh." in page.inner_text("#detail")
    page.keyboard.press("End")
    shown = numbers(page)
    names = page.eval_on_selector_all(
        ".node", "all => all.map(node => (node.querySelector('.name') ?? node.querySelector('.title')).textContent)"
    )
    values, gradients = trace.values(), trace.gradients()
    for index, name in enumerate(names):
        if name != "score" and not name.startswith("n3"):
            node = trace.node(name)
            assert shown[str(index)] == [text(values[node]), text(gradients[node])]


def test_the_messages_of_a_stream_bear_the_numbers_of_their_microbatches(tmp_path, open_page):
    circuit = cs.parse("tanh(tanh(tanh(x) * 2) * x)")
    plan = cs.Plan(3, schedule="1f1b", microbatches=3)
    run = cs.Simulation(circuit, plan, cluster=cs.Cluster(link=cs.Link(0.5))).stream(
        [{"x": 0.25 * tag} for tag in range(6)]
    )
    run.player(tmp_path / "stream.html")
    page, trace = open_page(tmp_path / "stream.html"), run.trace.expanded
    start, end = trace.span
    for time in np.linspace(start, end, 60):
        scrub(page, float(time))
        tokens = page.eval_on_selector_all(
            ".token", "all => all.map(t => [...t.querySelectorAll('text')].map(x => x.textContent))"
        )
        now = float(page.input_value("#time"))
        alive = [record for record in trace if record.start <= now < record.end]
        flying = [[text(r.value), str(r.tag % 3)] for r in alive if r.kind in (Kind.VALUE, Kind.GRADIENT)]
        assert sorted(tokens) == sorted(flying + [[str(r.tag % 3)] for r in alive if r.kind >= Kind.FORWARD])
        boxes = page.eval_on_selector_all(
            ".token.value path, .token.gradient path",
            "all => all.map(t => { const b = t.getBoundingClientRect(); return [b.left, b.right, b.top, b.bottom]; })",
        )
        for place, (left, right, top, bottom) in enumerate(boxes):
            for other in boxes[:place]:
                apart = right <= other[0] or other[1] <= left or bottom <= other[2] or other[3] <= top
                assert apart, now
    scrub(page, end / 2)
    assert re.match(r"Microbatch [012] of batch [01]: ", page.inner_text("#sentence"))
    play_to_the_end(page)
    assert_final_numbers(page, run.trace)
