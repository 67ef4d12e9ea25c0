"""The player page in a real browser: what it shows is what the trace says, and it asks nothing of the world."""

import json
import re
from functools import partial
from importlib.resources import files

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.gates.value import show
from circuitsim.trace.kinds import Kind
from circuitsim.views import player_page
from circuitsim.views.scene import windows
from circuitsim.views.style import minus
from tests.browser import (
    SEEN,
    assert_final_numbers,
    layered,
    neuron,
    numbers,
    play_to_the_end,
    scrub,
    seen,
    steps,
    text,
    write,
)  # fmt: skip


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
    page.locator('[data-node="4"]').focus()
    page.keyboard.press("Enter")
    page.evaluate("() => document.activeElement.blur()")
    states = page.evaluate(
        "count => { const press = (key) => document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));"
        f" const go = (key) => Array.from({{length: count}}, () => {{ press(key); return ({SEEN})(); }});"
        " return [...go('ArrowRight'), ...go('ArrowLeft')]; }",
        steps(page),
    )
    there, back = states[: len(states) // 2], states[len(states) // 2 :]
    assert len(set(there)) == len(there)
    assert back[:-1] == there[-2::-1]


def test_steps_never_go_back_in_time_and_messages_go_their_way(tmp_path, open_page):
    simulation = cs.Simulation(
        cs.parse("sigmoid(a*x + b*y) * sin(a) + x"),
        gate_delay={"mul1": 9, "sin1": 5, "sigmoid1": 2}, wire_latency={"x": 3, "b": 6},
    )  # fmt: skip
    trace = simulation.run(a=1, b=2, x=3, y=4).trace
    page = open_page(write(trace, tmp_path), "#step=0")
    times = []
    for _ in range(steps(page)):
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


def test_numbers_are_written_as_python_writes_them(browser):
    awkward = [
        0.0, -0.0, 1.0, -12.0, 0.5, 0.12345, 2.03125, 1.0625, -1.0635, 9999.5, 99995.0, 12345.678, 1e5, 1e-4, 1e-5,
        -3.2e-9, 1.5e300, 123456789.0, 0.00099995, 1.00005, 5e-324, 1.7976931348623157e308, 1 / 3, 2.5, 3.5, 10000.5,
    ]  # fmt: skip
    random = np.random.default_rng(0)
    awkward += (random.choice([-1, 1], 100) * 10 ** random.uniform(-12, 12, 100)).tolist()
    awkward += (random.integers(-99999, 99999, 100) / 64).tolist()  # many ties
    page = browser.new_page()
    script = files("circuitsim.views").joinpath("page", "numbers.js").read_text(encoding="utf-8")
    shown = page.evaluate(f"numbers => {{ {script} return numbers.map(n => [show(n), show(n, 3)]); }}", awkward)
    page.close()
    assert shown == [[minus(show(value, 4)), minus(show(value, 3))] for value in awkward]


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
    assert steps(open_page(write(empty, tmp_path))) == 0


def test_the_page_plays_inside_a_notebook(tmp_path, open_page):
    run = cs.Simulation(cs.parse("x * y")).run(x=2, y=3)
    (tmp_path / "notebook.html").write_text(
        f"<!doctype html><meta charset=utf-8><link rel=icon href='data:,'>{run._repr_html_()}", encoding="utf-8"
    )
    page = open_page(tmp_path / "notebook.html")
    frame = page.frame_locator("iframe")
    assert frame.locator("#sentence").inner_text().startswith("x matters most. Raise it by 0.01")
    frame.locator("#back").click()
    assert frame.locator("#sentence").inner_text().startswith("× (mul1) feels 1")


def test_the_messages_of_a_stream_bear_the_numbers_of_their_microbatches(tmp_path, open_page):
    circuit = cs.parse("tanh(tanh(tanh(x) * 2) * x)")
    plan = cs.Plan(3, schedule="1f1b", microbatches=3)
    run = cs.Simulation(circuit, plan, cluster=cs.Cluster(link=cs.Link(0.5))).stream(
        [{"x": 0.25 * tag} for tag in range(6)]
    )
    run.player(tmp_path / "stream.html")
    page, trace = open_page(tmp_path / "stream.html"), run.trace.expanded
    start, end = trace.span
    pictures = page.evaluate(
        "times => times.map(time => { const range = document.getElementById('time'); range.value = time;"
        " range.dispatchEvent(new Event('input')); const all = [...document.querySelectorAll('.token')];"
        " const boxes = [...document.querySelectorAll('.token.value path, .token.gradient path')]"
        ".map(t => t.getBoundingClientRect()).map(b => [b.left, b.right, b.top, b.bottom]);"
        " const words = all.map(t => [...t.querySelectorAll('text')].map(x => x.textContent));"
        " return [Number(range.value), words, boxes]; })",
        np.linspace(start, end, 60).tolist(),
    )
    for now, tokens, boxes in pictures:
        alive = [record for record in trace if record.start <= now < record.end]
        flying = [[minus(show(r.value, 3)), str(r.tag % 3)] for r in alive if r.kind in (Kind.VALUE, Kind.GRADIENT)]
        assert sorted(tokens) == sorted(flying + [[str(r.tag % 3)] for r in alive if r.kind >= Kind.FORWARD])
        for place, (left, right, top, bottom) in enumerate(boxes):
            for other in boxes[:place]:
                apart = right <= other[0] or other[1] <= left or bottom <= other[2] or other[3] <= top
                assert apart, now
    scrub(page, end / 2)
    assert re.match(r"Microbatch [012] of batch [01]: ", page.inner_text("#sentence"))
    play_to_the_end(page)
    assert_final_numbers(page, run.trace)


def test_a_gate_is_told_in_full(tmp_path, open_page):
    trace = cs.Simulation(cs.parse("(x + y) * z")).run(x=-2, y=5, z=-4).trace
    page = open_page(write(trace, tmp_path))
    page.click('[data-node="4"] .title')
    assert page.locator("#rule p").all_inner_texts() == [
        "mul1 = add1 × z = 3 × (−4) = −12", "to add1: 1 × z = 1 × (−4) = −4", "to z: 1 × add1 = 1 × 3 = 3",
    ]  # fmt: skip
    assert "Why does mul1 feel 1?" in page.inner_text("#why")
    page.keyboard.press("Escape")
    assert page.locator("#rule").is_hidden()
    x, y = page.eval_on_selector(
        '[data-wire="0"] .grip',
        "wire => { const at = wire.getPointAtLength(30), m = wire.getScreenCTM();"
        " return [at.x * m.a + m.e, at.y * m.d + m.f]; }",
    )
    page.mouse.click(x, y)
    assert page.locator("#rule p").all_inner_texts() == ["The wire from x to add1", "value −2, gradient −4"]


def test_a_gradient_shows_the_messages_that_made_it_and_why(tmp_path, open_page):
    trace = cs.Simulation(cs.parse("x*x + 3*x*y")).run(x=4, y=-2).trace
    page = open_page(write(trace, tmp_path))
    page.click('[data-node="0"] .gradient')
    nodes, wires = trace.netlist.nodes, trace.netlist.wires
    made = set(page.eval_on_selector_all(".edge.made", "all => all.map(edge => Number(edge.dataset.wire))"))
    assert {(nodes[wires[wire].source].name, nodes[wires[wire].target].name) for wire in made} == {
        ("x", "mul1"), ("x", "mul2"), ("mul1", "add1"), ("mul2", "mul3"), ("mul3", "add1"), ("add1", "f"),
    }  # fmt: skip
    ways = [" ".join(way.split()) for way in page.locator("#why .path").all_inner_texts()]
    assert "3 ways lead back; they add up." in page.inner_text("#why")
    assert ways[0] == "1 pull × 1 add1 × (−2) mul3 × 3 mul2 = −6"
    assert sum(float(way.split("= ")[1].replace("−", "-")) for way in ways) == trace.gradients()[0] == 2
    page.click('[data-node="0"] .gradient')
    assert page.locator(".made").count() == 0


def test_a_place_can_be_shared(tmp_path, open_page):
    path = write(neuron(), tmp_path)
    page = open_page(path, "#step=0")
    for _ in range(5):
        page.click("#forward")
    place = page.evaluate("() => location.hash")
    assert place == "#step=5"
    other = open_page(path, place)
    assert seen(other) == seen(page)
    scrub(page, 7.25)
    page.click('[data-node="6"] .title')
    page.evaluate("() => circuitsim.set('a', -0.25)")
    page.evaluate("() => circuitsim.pull('f', -1)")
    page.keyboard.press("ArrowLeft")
    place = page.evaluate("() => location.hash")
    assert place == "#step=5&gate=mul2&v.a=-0.25&p.f=-1"
    other.evaluate("place => { location.hash = place; }", place)
    other.wait_for_function("() => circuitsim.values().a === -0.25")
    for one in (page, other):  # names follow a little later
        one.wait_for_function("() => document.querySelector('[aria-label^=\"input a, value −0.25\"]')")
    assert seen(other) == seen(page)
    for odd in ("#step=1e9", "#step=-4", "#tick=zzz", "#window=7&step=3", "#%00", "#v.a=x&p.f=&v.q=1&in=7&why=zz"):
        other.evaluate("place => { location.hash = place; return new Promise((go) => setTimeout(go, 20)); }", odd)
        assert "of" in other.inner_text("#clock")


def test_hostile_and_long_names_stay_text(tmp_path, open_page):
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"

    @cs.gate(symbol="</script><svg/onload=alert(3)>", name="</title><b>")
    def bad(x):
        """Be <b>bold</b> & "quoted" </script>."""
        return x

    bad.vjp(0)(lambda gradient, output, x: gradient)
    circuit = cs.Circuit(f"</title>{hostile}@data@@script@")
    x = circuit.input(hostile)
    wire = circuit.gate(bad, x, name="<!--")
    named = circuit.parameter("n" * 300, 2.0)
    wire = circuit.gate(cs.mul, wire, named, name="constructor")
    circuit.output("o" * 300, wire + circuit.parameter("__proto__", 1.0))
    trace = cs.Simulation(circuit).run({hostile: 2}).trace
    page = open_page(write(trace, tmp_path))
    assert page.title() == circuit.name
    assert page.inner_text("#title").startswith("What would make oooo")
    for node in range(7):
        page.locator(f'[data-node="{node}"]').focus()
        page.keyboard.press("Enter")
        page.click("#back")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), node
    assert page.locator('[data-node="0"] .title').text_content() == hostile[:19] + "…"
    assert page.locator("img, b").count() == 0
    page.click("#list summary")
    page.wait_for_selector("#steps li")
    assert hostile[:39] in page.inner_text("#steps")
    page.evaluate("name => circuitsim.set(name, 3)", hostile)
    assert page.evaluate("() => circuitsim.values()['o'.repeat(300)]") == 7


def test_the_keyboard_is_enough(tmp_path, open_page):
    trace = neuron()
    page = open_page(write(trace, tmp_path))
    assert_final_numbers(page, trace)
    page.keyboard.press("Home")
    assert page.get_attribute("#clock", "data-step").startswith("0 of")
    assert page.locator(".token").count() == 0  # nothing moves before it began
    page.keyboard.press("Space")
    assert page.get_by_role("button", name="Pause").is_visible()
    assert page.get_attribute("#sentence", "aria-live") == "off"
    page.keyboard.press("Space")
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the link that skips the circuit keeps the place
    assert page.evaluate("() => document.activeElement.id") == "play"
    assert_final_numbers(page, trace)
    page.locator("#theme").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.ariaLabel") == "input a, value 1, gradient −0.105"
    for key, value in (("ArrowRight", 1.1), ("PageDown", 0.1), ("ArrowDown", 0)):
        page.keyboard.press(key)
        moved = page.evaluate("() => [circuitsim.values().a, document.activeElement.ariaValueNow]")
        assert moved == [value, str(value)]
    page.keyboard.type("1,5")
    page.keyboard.press("Enter")
    page.keyboard.type("zzz")
    assert page.evaluate("() => [circuitsim.values().a, document.activeElement.dataset.node]") == [1.5, "0"]
    page.keyboard.type("-")
    page.keyboard.press("Enter")
    assert page.inner_text(".toast") == "- is no number: the value of a stays 1.5"
    page.keyboard.press("Enter")
    felt = page.text_content('[data-node="0"] .gradient')
    assert page.locator("#rule p").all_inner_texts() == ["a is an input.", "value 1.5", f"gradient {felt}"]
    page.keyboard.press("Escape")
    page.locator(".pull").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("() => [circuitsim.gradients().f, location.hash]") == [0.9, "#tick=18&v.a=1.5&p.f=0.9"]
    page.keyboard.type("-2.5")
    page.keyboard.press("Enter")
    assert page.text_content(".pull .gradient") == "pull −2.5"
    page.locator("#reset").focus()
    page.keyboard.press("Enter")
    assert_final_numbers(page, trace)


def test_everything_is_named_and_one_region_tells(tmp_path, open_page):
    page = open_page(write(neuron(), tmp_path), "#step=9")
    unnamed = page.eval_on_selector_all(
        "button, [role=button], [role=slider], input, select",
        "all => all.filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.closest('label')))"
        ".map(e => e.outerHTML)",
    )
    assert unnamed == []
    told = page.get_by_role("slider", name="Simulated time").get_attribute("aria-valuetext")
    assert told.startswith("tick 12.5 of 18: ")
    assert page.get_by_role("button", name="gate sigmoid1, sigmoid, value 0.8808, gradient 1", exact=True).count() == 1
    assert page.get_by_role("button", name=re.compile("^wire from x to mul1, value −1")).count() == 1
    assert page.locator("[aria-live=polite]").count() == 1


@pytest.mark.slow
def test_a_drag_is_fast(tmp_path, open_page):
    page = open_page(write(cs.Simulation(cs.mlp([2, 4, 4, 1], seed=0)).run(x1=1, x2=-1).trace, tmp_path))
    drag, loop = page.evaluate(
        "() => { const middle = (all) => all.sort((a, b) => a - b)[all.length >> 1], drags = [], loops = [];"
        " const timed = (act) => { const start = performance.now(); act(); return performance.now() - start; };"
        " let sum = 0;"
        " for (let i = 0; i < 100; i++) {"
        "   drags.push(timed(() => circuitsim.set('x1', i / 50)));"
        "   loops.push(timed(() => { for (let k = 0; k < 1e6; k++) sum += k % 7; })); }"
        " return [middle(drags), middle(loops)]; }"
    )
    assert drag < 3 * loop  # a million turns take about two milliseconds


@pytest.mark.slow
def test_axe_finds_nothing(tmp_path, open_page):
    from axe_playwright_python.sync_playwright import Axe

    trace = cs.Simulation(cs.mlp([2, 16, 16, 1])).run(x1=1, x2=2).trace
    for made, place in ((neuron(), "#gate=sigmoid1"), (trace, "#in=20"), (layered(), "#gate=mul1")):
        path = write(made, tmp_path)
        for dark in (False, True):
            for width, height in ((1440, 900), (1280, 720), (844, 390), (390, 844)):
                page = open_page(path, place, width, height, dark)
                found = Axe().run(page).response["violations"]
                assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == []


SIZES = [(1440, 900), (1280, 720), (844, 390), (390, 844)]
OVERLAPS = """() => {
  const all = [...document.querySelectorAll('#stage text')].filter(t => t.textContent && t.checkVisibility())
    .map(t => [t.textContent, t.getBoundingClientRect()]);
  const wide = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const high = (a, b) => Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return all.flatMap(([one, a], i) => all.slice(0, i).filter(([, b]) => wide(a, b) > 1 && high(a, b) > 3)
    .map(([other]) => one + ' over ' + other)); }"""


def test_all_is_in_sight_at_every_size(tmp_path, open_page):
    dense = cs.Simulation(cs.mlp([2, 3, 1], seed=0)).run(x1=1.2, x2=-0.7).trace
    for trace in (neuron(), dense):
        page = open_page(write(trace, tmp_path))
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            if page.locator("#fit").is_visible():
                page.click("#fit")
            page.wait_for_function("() => document.querySelector('#board.fitted')")
            for part in ("#sentence", "#play", "#time", "#respond", *(["#why .path"] if width > 1000 else [])):
                box = page.locator(part).bounding_box()
                assert 0 <= box["y"] < box["y"] + box["height"] <= height, (part, width)
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), width
            board, boxes = page.evaluate(
                "() => [document.getElementById('board'), ...document.querySelectorAll('.node .body, .pull')]"
                ".map(e => e.getBoundingClientRect()).map(b => [b.left, b.top, b.right, b.bottom])"
                ".reduce(([board, all], box, at) => at ? [board, [...all, box]] : [box, all], [null, []])"
            )
            for left, top, right, bottom in boxes:
                assert board[0] <= left < right <= board[2], width
                assert board[1] <= top < bottom <= board[3], width
            assert page.evaluate(OVERLAPS) == [], width
            if width < 900:
                small = page.evaluate(
                    "() => [...document.querySelectorAll('header button, .desk button, .desk select')]"
                    ".filter(e => e.checkVisibility()).map(e => [e.id, e.getBoundingClientRect().height])"
                    ".filter(([, high]) => high < 44)"
                )
                assert small == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(".node.gate").first.focus()
    page.keyboard.press("Enter")
    title, rule = (page.locator(part).bounding_box() for part in ("#title", "#rule"))
    assert rule["y"] <= title["y"]
    assert rule["y"] + rule["height"] < page.locator("#sentence").bounding_box()["y"]


def test_groups_open_and_compute(tmp_path, open_page):
    circuit = cs.mlp([2, 16, 16, 1], "tanh")
    trace = cs.Simulation(circuit).run(x1=1, x2=2).trace
    page = open_page(write(trace, tmp_path))
    names = page.eval_on_selector_all(".node", "all => all.map(node => node.querySelector('.title').textContent)")
    values, gradients = trace.values(), trace.gradients()

    def assert_shown(names, values, gradients):
        shown = numbers(page)
        for index, name in enumerate(names):
            if name.startswith(("n1", "n2")):
                node = trace.node(name)
                assert shown[str(index)] == [minus(show(values[node], 3)), minus(show(gradients[node], 3))], name

    assert_shown(names, values, gradients)
    # What a group multiplies by, worked out from the gates in it: the largest of all ways back to x1.
    found = {node.name: values[index] for index, node in enumerate(trace.netlist.nodes)}
    first = np.array([(1 - found[f"n1_{i}"] ** 2) * found[f"n1_{i}.w1"] for i in range(1, 17)])
    second = np.array(
        [[(1 - found[f"n2_{j}"] ** 2) * found[f"n2_{j}.w{i}"] for i in range(1, 17)] for j in range(1, 17)]
    )
    last = np.array([found[f"n3_1.w{j}"] for j in range(1, 17)])
    ways = (last[:, None] * second * first).ravel()
    assert ways.sum() == pytest.approx(gradients[trace.node("x1")])
    page.locator("#why .tabs button").first.click()
    shown = page.locator("#why .path .g").all_inner_texts()[1::2]
    assert shown == [text(float(way)) for way in sorted(ways, key=abs)[:-4:-1]]
    page.click("#list summary")
    page.wait_for_selector("#steps li")
    assert re.search(r"^n2_1 works from tick [\d.]+ to [\d.]+ and sends ", page.inner_text("#steps"), re.M)
    group = names.index("n2_3")
    page.locator(f'[data-node="{group}"]').focus()
    page.keyboard.press("Enter")
    assert page.inner_text("#title") == "What is inside n2_3?"
    assert page.locator(".node.gate").count() == 33
    page.evaluate("() => { circuitsim.set('x1', -0.5); circuitsim.set('n2_3.w5', 0.75); }")
    run = cs.Simulation(circuit)
    run.set_parameters({"n2_3.w5": 0.75})
    due = run.run(x1=-0.5, x2=2).trace
    inside = page.eval_on_selector_all(".node", "all => all.map(node => node.getAttribute('aria-label'))")
    shown = numbers(page)
    for index, label in enumerate(inside):
        kind, name = re.match(r"(\w+) ([^,]*)", label).groups()
        if kind == "output":
            assert shown[str(index)][0] == minus(show(due.values()[due.node("n2_3")], 3))
            continue
        assert shown[str(index)][0] == minus(show(due.values()[due.node(name)], 3)), label
        if name.startswith("n2_3"):
            assert shown[str(index)][1] == minus(show(due.gradients()[due.node(name)], 3)), label
    page.keyboard.press("Escape")
    assert page.evaluate("() => document.activeElement.dataset.node") == str(group)
    assert_shown(names, due.values(), due.gradients())
    assert page.evaluate("() => location.hash").endswith("v.x1=-0.5&v.n2_3.w5=0.75")


def test_the_tour_leaves_the_page_as_it_was(tmp_path, open_page):
    trace = cs.Simulation(cs.parse("x*x + 3*x*y")).run(x=4, y=-2).trace
    page = open_page(write(trace, tmp_path), "#tick=6.5&gate=mul2&v.x=3")
    page.emulate_media(reduced_motion="reduce")
    before, place = seen(page), page.evaluate("() => location.hash")
    page.click("#tour")
    told = []
    for _ in range(5):
        told.append(page.inner_text("#sentence"))
        page.keyboard.press("ArrowRight")
    assert told == [
        "mul3 knows only its own rule: of mul2 = 9 and y = −2 it makes −18, and of the other gates it knows nothing.",
        "mul3 feels 1, multiplies it by its slope −2, and passes −2 back to mul2: along a way, slopes multiply.",
        "x goes three ways, so three gradients come back, and they add up: 3 + 3 + (−6) = 0.",
        "Pull f with −1 instead of 1, and what it sends back changes its sign.",
        "To learn is to go that way: each number moves 0.1 × its gradient, and f goes from −9 to −0.9.",
    ]
    assert seen(page) == before
    assert page.evaluate("() => [location.hash, document.activeElement.id]") == [place, "tour"]


def test_responding_raises_the_output(tmp_path, open_page):
    page = open_page(write(neuron(), tmp_path))
    page.evaluate(
        "() => { window.seen = []; new MutationObserver(() => window.seen.push(circuitsim.values().f))"
        ".observe(document.querySelector('.output .value'), {childList: true, characterData: true, subtree: true}); }"
    )
    page.click("#respond")
    page.wait_for_function("() => document.getElementById('sentence').textContent.includes('went')")
    rising = page.evaluate("() => window.seen")
    assert rising == sorted(rising)
    parameters = neuron().gradients()
    due = cs.Compiled(cs.parse("sigmoid(a*x + b*y + c)")).forward(
        {n: v + 0.1 * parameters[i] for i, (n, v) in enumerate([("a", 1), ("x", -1), ("b", 2), ("y", 3), ("c", -3)])}
    )
    assert page.evaluate("() => circuitsim.values().f") == pytest.approx(due["f"], rel=1e-14)
    told = page.inner_text("#sentence")
    assert told == f"Each number moved 0.1 × its gradient: f went from 0.8808 to {text(due['f'])}."


def test_the_theme_is_remembered_and_motion_reduced(tmp_path, open_page):
    page = open_page(write(neuron(), tmp_path), "#tick=0.2")
    theme = "() => document.documentElement.dataset.theme"
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => ({theme})() === 'dark'")  # follows the system
    page.click("#theme")
    page.reload()
    assert page.evaluate(theme) == "light"  # until one is chosen
    page.emulate_media(reduced_motion="reduce")
    places = []
    for time in (0.2, 0.8):
        scrub(page, time)
        places.append(page.eval_on_selector_all(".token", "all => all.map(t => t.getAttribute('transform'))"))
    assert places[0] == places[1] != []


def test_paper_and_pages_without_scripts_show_all(tmp_path, open_page, browser):
    trace = neuron()
    path = write(trace, tmp_path)
    page = open_page(path, width=1280, height=720, dark=True)
    assert page.pdf().count(b"/Type /Page\n") == 1
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(251, 250, 247)"
    assert page.evaluate(
        "() => [...document.querySelectorAll('.node, .pull')].map(e => e.getBoundingClientRect())"
        ".every(b => b.left >= 0 && b.right <= innerWidth && b.top >= 0)"
    )
    still = browser.new_page(java_script_enabled=False)
    still.goto(f"file://{path}")
    told = still.locator("#stage text").all_text_contents()
    assert [told.count(name) for name in ("a", "sigmoid1", "0.8808", "−0.105", "pull 1")] == [1, 1, 2, 1, 1]
    assert still.locator("noscript p").is_visible()
    assert not any(button.is_visible() for button in still.locator("button").all())
    still.close()


@pytest.mark.parametrize(("make", "reason"), [
    (lambda: cs.Simulation(cs.parse("x * y")).run(x=[1.0, 2.0], y=2.0), "'x' sends an array"),
    (lambda: cs.Simulation(cs.parse("x / y"), nonfinite="ignore").run(x=1.0, y=0.0), "'div1' sends inf"),
    (layered, "several examples"),
])  # fmt: skip
def test_what_cannot_be_computed_says_why(make, reason):
    made = make()
    words = player_page.page(getattr(made, "trace", made))
    assert f"cannot be changed here: {reason}" in words
    assert 'id="program"' not in words


def test_the_picture_is_zoomed_and_moved(tmp_path, open_page):
    page = open_page(write(cs.Simulation(cs.mlp([2, 4, 4, 1], seed=0)).run(x1=1, x2=-1).trace, tmp_path))
    middle = (
        "() => { const b = document.querySelector('[data-node=\"5\"] .body').getBoundingClientRect();"
        " return [b.x + b.width / 2, b.y + b.height / 2, b.width]; }"
    )
    page.click("#fit")
    assert page.locator("#overview").is_hidden()
    x, y, small = page.evaluate(middle)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    page.wait_for_function("() => !document.querySelector('#board.fitted')")
    u, v, large = page.evaluate(middle)
    assert large > 2 * small
    assert abs(u - x) < 2 > abs(v - y)  # the place under the pointer stays there
    board = page.locator("#board").bounding_box()
    page.mouse.move(board["x"] + 600, board["y"] + board["height"] - 60)
    page.mouse.down()
    page.mouse.move(board["x"] + 500, board["y"] + board["height"] - 100, steps=3)
    page.mouse.up()
    moved = page.evaluate(middle)
    assert [round(moved[0] - u), round(moved[1] - v)] == [-100, -40]
    overview = page.locator("#overview").bounding_box()
    page.mouse.click(overview["x"] + 170, overview["y"] + 48)
    assert page.evaluate(middle)[0] < moved[0]
    page.keyboard.press("0")
    assert abs(page.evaluate(middle)[2] - small) < 0.1
