"""A real browser for the tests of the player page, and what they look at in it."""

import shutil

import pytest

import circuitsim as cs
from circuitsim import views
from circuitsim.gates.value import show

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

AT = {"a": 1, "b": 2, "c": -3, "x": -1, "y": 3}


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed: apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser):
    """Open a page and hold it to what every page must be: silent, alone, and free of errors."""
    opened = []

    def open_it(path, place="", width=1200, height=900, dark=False):
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
        told, asked = [], []
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("dialog", lambda dialog: told.append(dialog.message))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{path}{place}")
        opened.append((page, told, asked))
        return page

    yield open_it
    for page, told, asked in opened:
        assert told == []
        assert {url.partition("#")[0] for url in asked if not url.startswith("data:")} == {page.url.partition("#")[0]}
        page.close()


def neuron():
    return cs.Simulation(cs.parse("sigmoid(a*x + b*y + c)")).run(AT).trace


def layered():
    """A circuit with parameters, constants, fan-outs, a skip, an array and a tie, run three times."""
    circuit = cs.Circuit("layered")
    x, y = circuit.inputs("x y")
    a, b = circuit.parameters(a=0.5, b=-1.5)
    hidden = cs.tanh(a * x + b * y + 0.25)
    circuit.output("f", cs.max(hidden * hidden + x, a) / 3)
    circuit.output("g", hidden - y)
    simulation = cs.Simulation(circuit, gate_delay=0.5, wire_latency=lambda s, t: 1.5 if s == "x" else 1.0)
    traces = []
    for number in range(3):
        traces.append(simulation.run({"x": number - 1.0, "y": [1.0, 2.0]}).trace)
        simulation.set_parameters({"a": 0.5 + number})
    return cs.Trace.join(traces)


def write(trace, folder, history=None):
    path = folder / "page.html"
    views.player(trace, path, history)
    return path


def text(value):
    return show(value, 4).replace("-", "−")


def numbers(page):
    """Return the value and the gradient that stand at each node."""
    return page.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('.node')].map(n => [Number(n.dataset.node), "
        "[n.querySelector('.value')?.textContent ?? '', n.querySelector('.gradient')?.textContent ?? '']]))"
    )


def scrub(page, time):
    """Drag the slider to a time and let go of it."""
    page.evaluate(
        "time => { const range = document.getElementById('time'); range.value = time;"
        " for (const name of ['input', 'change']) range.dispatchEvent(new Event(name)); }",
        time,
    )


#: Everything on the stage and in the telling, as a script.
SEEN = (
    "() => document.querySelector('.flight').innerHTML + ['stage', 'sentence', 'clock', 'rule', 'why']"
    ".map(id => document.getElementById(id).innerHTML).join()"
)


def seen(page):
    return page.evaluate(SEEN)


def steps(page):
    """Return how many steps the window in sight is told in."""
    return int(page.get_attribute("#clock", "data-step").rsplit(" ", 1)[1])


def assert_final_numbers(page, trace):
    values, gradients = trace.values(), trace.gradients()
    shown = numbers(page)
    for index, node in enumerate(trace.netlist.nodes):
        value, gradient = shown[str(index)]
        if node.kind == "constant":
            assert gradient == ""
            continue
        assert value == (text(values[index]) if index in values else "")
        if node.kind != "output":
            assert gradient == (text(gradients[index]) if index in gradients else "")


def play_to_the_end(page):
    page.select_option("#speed", "64")
    page.click("#play")
    page.wait_for_function(
        "() => !document.querySelector('#play.playing') && document.getElementById('later').disabled"
        " && document.getElementById('time').value === document.getElementById('time').max",
        timeout=60_000,
    )
