"""What a page computes when its numbers are dragged, against runs in Python: numbers, sentences, and the reasons."""

import json

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.gates.value import show
from circuitsim.views.style import minus
from tests.browser import browser, numbers, open_page, text, write  # noqa: F401


def pieces():
    """Gates that have kinks, so that drags meet ties; all exact."""
    return cs.parse("max(x*y, z - 2*x) * relu(y + 0.5) - abs(x)")


def curves():
    """Curves, parameters, a constant, a fan-out, and two outputs."""
    circuit = cs.Circuit("curves")
    x, y = circuit.inputs("x y")
    a, b = circuit.parameters(a=0.5, b=-1.5)
    hidden = cs.tanh(a * x + b * y + 0.25)
    circuit.output("f", cs.sigmoid(hidden * hidden + x))
    circuit.output("g", hidden - y * cs.exp(-x))
    return circuit


def words(page):
    """Return what is told of a run: all steps, the last sentence, and why each gradient is what it is."""
    page.keyboard.press("End")
    told = [page.inner_text("#sentence")]
    page.evaluate("() => { document.getElementById('list').open = true; }")
    page.wait_for_selector("#steps li")
    told += page.locator("#steps li").all_inner_texts()
    page.evaluate("() => { document.getElementById('list').open = false; }")
    for tab in page.locator("#why .tabs button").all():
        tab.click()
        told.append(" ".join(page.inner_text("#why").split()))
    return told


@pytest.mark.parametrize(("make", "exact"), [(pieces, True), (curves, False)])
def test_a_dragged_page_is_the_page_of_that_run(make, exact, tmp_path, open_page):  # noqa: F811
    circuit, random, ties = make(), np.random.default_rng(1), 0
    simulation = cs.Simulation(circuit)
    inputs, parameters, outputs = circuit.names("input"), circuit.names("parameter"), list(circuit.outputs)
    page = open_page(write(simulation.run(dict.fromkeys(inputs, 0.5)).trace, tmp_path))
    for drag in range(15):
        # Numbers of few digits, as people drag them: they meet ties.
        values = {name: float(random.integers(-8, 9)) / 4 for name in [*inputs, *parameters]}
        pulls = {name: float(random.choice([-2, -1, -0.25, 0.5, 1, 1.75])) for name in outputs}
        simulation.set_parameters({name: values[name] for name in parameters})
        run = simulation.run({name: values[name] for name in inputs}, gradient=pulls)
        page.evaluate(
            "([values, pulls]) => { for (const [name, value] of Object.entries(values)) circuitsim.set(name, value);"
            " for (const [name, pull] of Object.entries(pulls)) circuitsim.pull(name, pull); }",
            [values, pulls],
        )
        due, felt, nodes = run.trace.values(), run.trace.gradients(), run.trace.netlist.nodes
        largest = max(abs(value) for value in due.values())
        live = page.evaluate("() => [Object.values(circuitsim.values()), Object.values(circuitsim.gradients())]")
        shown = numbers(page)
        for index, node in enumerate(nodes):
            for kind, numbers_due in enumerate((due, felt)):
                if index not in numbers_due or (node.kind == "output" and kind):
                    continue
                found, wanted = live[kind][index], numbers_due[index]
                assert found == wanted or (not exact and abs(found - wanted) <= 1e-12 * largest), (node.name, drag)
                if shown[str(index)][kind] != text(wanted):
                    ties += 1  # the last bit decides which way a number is rounded
                    assert not exact
                    assert len({show(wanted * (1 + shift), 4) for shift in (-1e-12, 0, 1e-12)}) > 1
    assert ties <= 2
    again = write(run.trace, tmp_path)
    assert words(page) == words(open_page(again))
    arrows = page.eval_on_selector_all(".pull .gradient", "all => all.map(text => text.textContent)")
    assert sorted(arrows) == sorted(minus(f"pull {pull:+g}") for pull in pulls.values())


def test_numbers_are_dragged_with_the_pointer(tmp_path, open_page):  # noqa: F811
    circuit = cs.parse("x * 3 + y")
    page = open_page(write(cs.Simulation(circuit).run(x=1, y=2).trace, tmp_path))
    names = {node.name: index for index, node in enumerate(cs.Simulation(circuit).run(x=1, y=2).trace.netlist.nodes)}

    def drag(place, right=0, down=0):
        box = page.locator(place).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + right, y + down, steps=4)
        page.mouse.up()

    for name, by, value in (("x", 40, 2.0), ("const1", -20, 2.5), ("y", -40, 1.0)):
        drag(f'[data-node="{names[name]}"] .body', right=by)
        assert page.evaluate("name => circuitsim.values()[name]", name) == value
    assert page.evaluate("() => circuitsim.values().f") == 2.0 * 2.5 + 1.0
    assert page.text_content(f'[data-node="{names["const1"]}"] .value') == "2.5"
    drag(".pull .head", down=72)
    pull = page.evaluate("() => circuitsim.gradients().f")
    assert pull < 0
    assert page.evaluate("() => circuitsim.gradients().x") == 2.5 * pull
    shared = page.evaluate("() => location.hash")
    assert dict(part.split("=") for part in shared[1:].split("&") if "." in part.split("=")[0]) == {
        "v.x": "2", "v.const1": "2.5", "v.y": "1", "p.f": json.dumps(pull),
    }  # fmt: skip
    assert page.inner_text("#sentence") == "x matters most. Raise it by 0.01, and f rises by about 0.025."
