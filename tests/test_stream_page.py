"""The page of streams, in a real browser: what it shows, and what it does when it is touched."""

import json
import re
from collections import Counter
from importlib.resources import files

import numpy as np
import pytest

import circuitsim as cs
from circuitsim import views
from circuitsim.circuit.netlist import Netlist
from circuitsim.gates.value import show
from circuitsim.trace.critical_path import idle_spans
from circuitsim.trace.report import report
from circuitsim.views.stage_circuit import stage_circuit
from tests.browser import browser, open_page  # noqa: F401

WIDE = {"width": 1280, "height": 720}
NAMES = {"F": "forward", "B": "backward", "I": "backward to the data", "W": "backward to the weights"}
# Notes what is written on the timeline, and where.
LISTEN = """
const written = window.written = [], fill = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  if (this.canvas.id === "chart") written.push([text, x, y]);
  fill.call(this, text, x, y);
};
const clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...box) {
  if (this.canvas.id === "chart") written.length = 0;
  clear.call(this, ...box);
};
"""


def chain(layers):
    """Return a chain of layers tanh(w x + b) and the squared distance from y."""
    circuit = cs.Circuit("pipeline")
    x, y = circuit.inputs("x y")
    for layer in range(layers):
        w, b = circuit.parameters(**{f"w{layer}": 1.0 + 0.25 * layer, f"b{layer}": 0.125 * layer})
        x = cs.tanh(w * x + b)
    distance = x - y
    circuit.output("loss", distance * distance)
    return circuit


def stream(microbatches, plan, layers=4, **settings):
    simulation = cs.Simulation(chain(layers), plan, **settings)
    simulation.learn(cs.SGD(0.1))
    examples = [{"x": 0.5 - 0.125 * number, "y": 0.25 * (number % 3)} for number in range(microbatches)]
    return simulation.stream(examples, gradient=-1.0 / microbatches)


@pytest.fixture(scope="module")
def runs():
    return {
        "eight": stream(8, cs.Plan(4, schedule="1f1b")),
        "many": stream(32, cs.Plan(4, schedule="1f1b")),
        "split": stream(6, cs.Plan(4, schedule="zb-v"), layers=8, cluster=cs.Cluster(link=cs.Link(0.5))),
        "late": stream(6, cs.Plan(4, in_flight=3, update="async")),
        "failing": stream(
            4,
            cs.Plan(2, checkpoint_every=6.0),
            cluster=cs.Cluster(link=cs.Link(0.25, loss=0.1), crash_every=12.0, downtime=3.0),
            seed=1,
        ),
    }


@pytest.fixture(scope="module")
def path(runs, tmp_path_factory):
    path = tmp_path_factory.mktemp("streams") / "streams.html"
    views.save_streams({name: run.trace for name, run in runs.items()}, path)
    return path


@pytest.fixture
def at(path, open_page):  # noqa: F811
    def open_at(place="", dark=False, **size):
        return open_page(path, place, **(WIDE | size), dark=dark)

    return open_at


def choose(page, name):
    page.select_option("#stream", label=name)


def place(page, timeline, device, time):
    """Return where a time on a device lies on the page, in the middle of its piece of work."""
    roll = page.locator("#roll").bounding_box()
    room = page.locator("#room").bounding_box()
    start, end = min(p.start for p in timeline.work), max(p.end for p in timeline.work)
    row = (room["height"] - 18) / len(timeline.devices)
    x = room["x"] + (time - start) / (end - start) * room["width"]
    return x, roll["y"] + (device + 0.25) * row


def click(page, timeline, device, time):
    page.mouse.click(*place(page, timeline, device, time))


def said(page):
    return page.inner_text("#sentence")


def settle(page):
    """Wait until what was asked for is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))")


def address(page, part):
    """Wait until the address says something, and return what it says by name: it is written a moment later."""
    page.wait_for_function("part => location.hash.includes(part)", arg=part)
    return dict(one.split("=") for one in page.evaluate("location.hash.slice(1)").split("&"))


def test_the_page_holds_the_timeline_and_its_figures(runs, at):
    page = at()
    streams = page.evaluate("() => JSON.parse(document.getElementById('streams').textContent)")
    assert [found["title"] for found in streams] == list(runs)
    for found, run in zip(streams, runs.values(), strict=True):
        timeline, figures = run.timeline, run.report
        work = [(p.device, p.kind, p.stage, p.tag, p.start, p.end) for p in timeline.work]
        assert sorted(map(tuple, found["work"])) == sorted(work)
        assert [tuple(outage) for outage in found["outages"]] == timeline.outages
        assert found["peaks"] == figures.peaks
        assert [max((kept for _, kept in steps), default=0) for steps in found["memory"]] == figures.peaks
        assert sum(len(moves) for _, _, moves in found["updates"]) == len(timeline.updates)
        ages = Counter(move[4] for _, _, moves in found["updates"] for move in moves)
        assert dict(ages) == figures.staleness
        for device, busy in enumerate(figures.busy):
            idle = sum(end - start for where, start, end, _, _ in found["gaps"] if where == device)
            assert idle == pytest.approx(figures.makespan - busy)
    for name, run in runs.items():
        choose(page, name)
        waits = [run.report.makespan - busy for busy in run.report.busy]
        who = "each device" if max(waits) - min(waits) < 1e-9 else f"device {int(np.argmax(waits))}"
        assert page.inner_text("#title") == f"Why does {who} wait {max(waits):.4g} of {run.report.makespan:.4g} ticks?"
        page.locator("#figures").evaluate("element => { element.open = true }")
        rows = page.locator("#figures tbody tr").all_inner_texts()
        assert [row.split("\t")[:2] for row in rows] == [
            [device, f"{busy:.4g}"] for device, busy in zip(run.timeline.devices, run.report.busy, strict=True)
        ]


@pytest.mark.parametrize(("name", "width"), [("eight", 1280), ("many", 1280), ("many", 390), ("split", 844)])
def test_every_piece_bears_its_number_at_every_width(runs, path, browser, name, width):  # noqa: F811
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.add_init_script(LISTEN)
    page.goto(f"file://{path}#stream={list(runs).index(name) + 1}&t=0")
    timeline = runs[name].timeline
    box, roll, room = (page.locator(part).bounding_box() for part in ("#timeline", "#roll", "#room"))
    left, right, top = roll["x"] - box["x"], roll["x"] + roll["width"] - box["x"], roll["y"] - box["y"]
    span, row = max(p.end for p in timeline.work), (room["height"] - 18) / len(timeline.devices)
    bare = set(timeline.work)
    for _ in range(12):
        scrolled, written = page.evaluate("() => [document.getElementById('roll').scrollLeft, written]")
        for p in list(bare):
            start, end = (left - scrolled + time / span * room["width"] for time in (p.start, p.end))
            if left <= start and end <= right:
                y = top + p.device * row
                inside = sorted((b, a, text) for text, a, b in written if start < a < end and y < b < y + 0.75 * row)
                assert "".join(text for _, _, text in inside) == str(p.tag)
                assert all(line < y + 0.75 * row - 6 for line, _, _ in inside)
                bare.remove(p)
        page.evaluate("() => { const {style} = roll; roll.scrollLeft += 0.7 * roll.clientWidth; }")
        settle(page)
        if not bare:
            break
    assert not bare
    page.close()


def test_a_piece_that_is_clicked_lights_up_in_both_places(runs, at):
    page, run = at("#stream=1"), runs["eight"]
    [piece] = [p for p in run.timeline.work if (p.device, p.kind, p.tag) == (2, "B", 3)]
    click(page, run.timeline, 2, piece.start + 0.3)
    assert said(page).startswith(
        f"Device 2, backward, microbatch 3. From tick {piece.start:g} to {piece.end:g} it takes a gradient from "
        "device 3 and sends a gradient to device 1; "
    )
    names = {"w2", "b2", "w3"}  # of the gates of stage 2
    for name, felt in zip(sorted(names), (run.gradient(name, 3) for name in sorted(names)), strict=True):
        assert f"{name} {'feels ' * (name == 'w2')}{text(felt)}" in said(page)
    trace, netlist = run.trace, run.trace.netlist
    wires = {netlist.nodes[netlist.wires[wire].source].name: value for wire, value in trace.wire_gradients(3).items()}
    [entering] = [n for n in ("tanh2", "mul3") if n not in trace.layout.stages[2] and n in wires][:1]
    assert said(page).endswith(f"→ {text(trace.gradient(entering, 3))}")
    assert page.locator(".band.chosen .title").all_text_contents() == ["device 2"]
    assert page.locator(".kept.same").count() == sum(
        any(p.end <= piece.start + 1 for p in run.timeline.work if p[:2] == (d, "F") and p.tag == 3)
        and not any(p.end <= piece.start + 1 for p in run.timeline.work if p[:2] == (d, "B") and p.tag == 3)
        for d in range(4)
    )
    assert page.inner_text("#clock") == f"tick {(piece.start + piece.end) / 2:g} of 33"
    assert address(page, "piece=2B3") == {"stream": "1", "t": f"{(piece.start + piece.end) / 2:g}", "piece": "2B3"}
    page.click("[data-device='0']")  # what another device does at this time
    assert re.match(r"Device 0(, | waits)", said(page))
    page.locator("[data-device='1'] .kept").first.click()
    assert page.locator(".band.chosen").count() == 0
    assert page.locator(".kept.same").count() > 0


def text(value):
    return show(value, 3).replace("-", "−")


def test_a_gap_tells_what_it_waits_for(runs, at):
    page, run = at("#stream=1"), runs["eight"]
    gap = max(
        (g for g in idle_spans(run.timeline) if g.device == 1 and g.reason == "gradient"), key=lambda g: g.end - g.start
    )
    click(page, run.timeline, 1, (gap.start + gap.end) / 2)
    first = min((p for p in run.timeline.work if p.device == 1 and p.start >= gap.end), key=lambda p: p.start)
    assert said(page).startswith(
        f"Device 1 waits from tick {gap.start:g} to {gap.end:g}. It needs the gradient of microbatch {first.tag} from "
        f"device {gap.source}, which sends it at tick {gap.end:g}."
    )
    assert address(page, "gap=")["gap"] == f"1@{gap.start:g}"
    page.keyboard.press("Escape")
    assert said(page).startswith(f"Tick {(gap.start + gap.end) / 2:g}. ")
    page.wait_for_function("() => !location.hash.includes('gap')")
    choose(page, "late")
    update = next(u for u in runs["late"].timeline.updates if u.staleness == 2)
    x, y = place(page, runs["late"].timeline, update.device, update.time)
    row = (page.locator("#room").bounding_box()["height"] - 18) / 4
    page.mouse.click(x, y - 0.25 * row + row - 6)
    assert said(page).startswith(f"Device {update.device}, tick {update.time:g}.")
    assert "2 versions old" in said(page)


def test_all_can_be_done_by_keyboard(runs, at):
    page, work = at("#stream=1&t=7.5"), runs["eight"].timeline.work
    page.locator("#roll").focus()
    page.keyboard.press("Enter")
    assert said(page).startswith("Device 2, backward, microbatch 0")  # devices 0 and 1 wait
    own = sorted((p for p in work if p.device == 2), key=lambda p: p.start)
    piece = next(p for p in own if p.kind == "B")
    for key, where in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)):
        page.keyboard.press(key)
        then = own[own.index(piece) + where]
        assert said(page).startswith(f"Device 2, {NAMES[then.kind]}, microbatch {then.tag}.")
    page.keyboard.press("ArrowDown")
    assert said(page).startswith(f"Device 3, {NAMES[then.kind]}, microbatch {then.tag}.")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert said(page).startswith(f"Device 1, {NAMES[then.kind]}, microbatch {then.tag}.")
    page.keyboard.press("Escape")
    page.locator("#time").focus()
    page.keyboard.press("End")
    assert said(page).startswith("Done after 33 ticks. All gradients have arrived, and 8 parameters move, ")
    page.keyboard.press("Home")
    assert said(page).startswith("Tick 0. Device 0 works forward on microbatch 0; ")
    page.keyboard.press("ArrowRight")
    assert page.locator("#time").get_attribute("aria-valuetext") == "tick 1.5 of 33"
    page.keyboard.press("Space")
    assert page.locator("#play").get_attribute("aria-label") == "Pause"
    page.keyboard.press("Space")
    assert page.locator("#play").get_attribute("aria-label") == "Play"
    page.locator("#list summary").click()
    rows = page.locator("#list tbody tr")
    rows.first.wait_for()
    assert rows.count() == sum(p.device == 0 for p in work)
    rows.nth(1).locator("button").press("Enter")
    assert said(page).startswith("Device 0, forward, microbatch 1.")


def test_the_address_holds_the_state_and_bad_ones_do_no_harm(runs, at):
    page = at("#stream=2&t=46&piece=2B13")
    assert page.inner_text("#title") == "Why does each device wait 9 of 105 ticks?"
    assert said(page).startswith("Device 2, backward, microbatch 13.")
    for bad in ("#stream=99&t=x&piece=7Q1", "#gap=9@1&t=-5", "#t=1e999", "#piece=__proto__&follow=constructor", "#%"):
        page.evaluate("bad => { location.hash = bad }", bad)
        settle(page)
        assert said(page)
    page.evaluate("location.hash = '#stream=1&follow=2&t=9'")
    settle(page)
    [now] = [p for p in runs["eight"].timeline.work if p.tag == 2 and p.start <= 9 < p.end] or [None]
    assert said(page).startswith("Tick 9." if now is None else f"Device {now.device}, {NAMES[now.kind]}, microbatch 2.")


def test_zooming_keeps_what_is_under_the_pointer_and_what_is_chosen(runs, at):
    page = at("#stream=2&t=0")
    run = runs["many"].timeline
    x, y = place(page, run, 1, 70.0)
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    for _ in range(3):
        page.mouse.wheel(0, -80)
    page.keyboard.up("Control")
    settle(page)
    assert page.locator("#room").bounding_box()["width"] > 2.5 * page.locator("#roll").bounding_box()["width"]
    assert place(page, run, 1, 70.0)[0] == pytest.approx(x, abs=1.5)
    piece = next(p for p in run.work if p.device == 1 and p.start <= 70.5 < p.end)
    click(page, run, 1, (piece.start + piece.end) / 2)
    for _ in range(4):
        page.keyboard.press("+")
    left = page.locator("#roll").bounding_box()["x"]
    assert (
        left
        < place(page, run, 1, (piece.start + piece.end) / 2)[0]
        < left + page.locator("#roll").bounding_box()["width"]
    )
    page.keyboard.press("0")
    assert page.locator("#room").bounding_box()["width"] == page.locator("#roll").bounding_box()["width"]


def test_it_plays_to_the_end_and_tells_of_outages(runs, at):
    page = at("#stream=5&t=0")
    timeline = runs["failing"].timeline
    outage = timeline.outages[0]
    gap = next(g for g in idle_spans(timeline) if g.reason == "crash")
    assert (gap.device, gap.start) == (outage.device, outage.start)
    click(page, timeline, gap.device, (gap.start + gap.end) / 2)
    assert said(page).endswith("It crashed, and is down.")
    page.select_option("#speed", "64")
    page.click("#play")
    page.wait_for_function("() => !document.querySelector('#play.playing')")
    assert said(page).startswith("Done after ")
    assert page.locator("#time").get_attribute("aria-valuenow") == page.locator("#time").get_attribute("aria-valuemax")


def test_without_scripts_and_on_paper_the_whole_timeline_is_seen(runs, path, browser, at):  # noqa: F811
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{path}")
    assert page.locator("#timeline").is_hidden()
    assert page.locator("svg.still").count() == len(runs)
    numbers = page.locator("svg.still").first.locator(".number").all_text_contents()
    assert Counter(numbers) == Counter(str(p.tag) for p in runs["eight"].timeline.work)
    assert "needs JavaScript" in page.locator("noscript").inner_text()
    context.close()
    page = at("#stream=2", dark=True)
    page.emulate_media(media="print")
    assert page.locator("svg.still:visible").count() == 1
    assert page.locator("#timeline").is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(251, 250, 247)"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("sizes", [
    [(1280, 720), (390, 844)], pytest.param([(1440, 900), (844, 390)], marks=pytest.mark.slow),
])  # fmt: skip
def test_axe_finds_nothing(at, sizes):
    page = at("#stream=5&t=5")
    page.emulate_media(reduced_motion="reduce")  # colours change at once
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true })")
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        for rules in ({}, {"runOnly": ["color-contrast"]}):  # light, then dark
            found = page.evaluate("rules => axe.run(rules).then(({violations}) => violations)", rules)
            assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
            page.click("#theme")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "a\u202eb\x07",
    "__proto__",
    "x" * 300,
    "\ud800",
]


def test_hostile_names_stay_text(tmp_path, open_page):  # noqa: F811
    circuit = cs.Circuit(HOSTILE[0])
    x = circuit.input(HOSTILE[1])
    for name in HOSTILE[:5]:
        x = cs.tanh(circuit.parameter(name + ".w", 0.5) * x)
    circuit.output(HOSTILE[3] + "!", x)
    gates = circuit.names("gate")
    plan = cs.Plan({name: gates[2 * at : 2 * at + 2] for at, name in enumerate(HOSTILE[:5])})
    run = cs.Simulation(circuit, plan).stream([{HOSTILE[1]: 1.0}] * 3)
    views.save_streams(dict.fromkeys(HOSTILE, run.trace), tmp_path / "hostile.html")
    page = open_page(tmp_path / "hostile.html", **WIDE)
    for number in range(len(HOSTILE)):
        page.select_option("#stream", str(number))
    page.locator("#list").evaluate("element => { element.open = true }")
    page.locator("#list tbody tr").first.wait_for()
    for key in ("Enter", "ArrowRight", "ArrowDown", "ArrowUp"):
        page.locator("#roll").press(key)
        assert said(page)
    assert page.locator("script").count() == 2
    assert page.locator("img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# -- what the page is made from ----------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [1, 3])
def test_a_stage_is_drawn_with_all_it_holds_and_nothing_overlaps(layers):
    netlist = Netlist(cs.mlp([2, 3, 1]) if layers == 3 else chain(4))
    gates = sorted(netlist.of_kind("gate").values())
    for part in (gates[:6], gates[6:12], gates[12:]):
        drawn = stage_circuit(netlist, part)
        names = {netlist.nodes[gate].name for gate in part}
        assert {node[6] for node in drawn["nodes"] if node[4] == "gate"} == names
        sources = {netlist.wires[wire].source for gate in part for wire in netlist.incoming[gate]}
        own = {netlist.nodes[source].name for source in sources if netlist.nodes[source].kind != "gate"}
        assert own == {node[6] for node in drawn["nodes"] if node[4] not in ("gate", "output")} | {
            chip[7] for chip in drawn["hung"]
        }
        assert (drawn["entry"] is None) == (not any(netlist.nodes[s].kind == "gate" for s in sources - set(part)))
        across, down = drawn["least"]
        boxes = [(x * across, y * down, width, height) for x, y, width, height, *_ in drawn["nodes"]]
        boxes += [
            (boxes[gate][0] + right, boxes[gate][1] + low, width, height)
            for gate, right, low, width, height, *_ in drawn["hung"]
        ]
        for at, (x, y, width, height) in enumerate(boxes):
            for a, b, wide, high in boxes[:at]:
                assert abs(x - a) >= (width + wide) / 2 or abs(y - b) >= (height + high) / 2
        levels = {node[6]: node[7] for node in drawn["nodes"] if node[4] == "gate"}
        for gate in part:
            for wire in netlist.incoming[gate]:
                source = netlist.nodes[netlist.wires[wire].source].name
                assert levels[netlist.nodes[gate].name] > levels.get(source, -1)


def test_what_a_page_cannot_tell_is_left_out(tmp_path):
    bare = cs.Simulation(chain(4), cs.Plan(4), trace="work").stream([{"x": 1.0, "y": 0.5}] * 4)
    views.save_streams({"bare": bare.trace}, tmp_path / "bare.html")
    page = (tmp_path / "bare.html").read_text(encoding="utf-8")
    [found] = json.loads(re.search(r'id="streams">(.*?)</script>', page)[1])
    assert (found["numbers"], found["felt"]) == ({}, {})
    assert len(found["work"]) == len(bare.timeline.work)
    assert found["question"] == f"Why does each device wait {report(bare.timeline).makespan - 12:g} of 21 ticks?"
    alone = cs.Simulation(chain(1), cs.Plan(1)).stream([{"x": 1.0, "y": 0.5}])
    alone.save(tmp_path / "alone.html")
    assert "What does device 0 do in 3 ticks?" in (tmp_path / "alone.html").read_text(encoding="utf-8")
