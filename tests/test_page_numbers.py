"""What pages compute, in a real browser, against the library."""

import json
from importlib.resources import files

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.circuit.netlist import Netlist
from circuitsim.gates.gate import registry
from circuitsim.gates.symbols import OPERATIONS, read_symbols
from circuitsim.views.javascript import arrow, helpers
from circuitsim.views.page_program import program, readings
from tests.browser import browser  # noqa: F401
from tests.test_symbols import SCALAR

ODD = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 1.5, 2.5, 1e-200, -1e200, 5e-324, np.inf, -np.inf, np.nan, 710.0, -745.0]
EXACT = {
    "absolute", "add", "ceil", "divide", "equal", "floor", "greater", "greater_equal", "isfinite", "isinf", "isnan",
    "less", "less_equal", "logical_and", "logical_not", "logical_or", "maximum", "minimum", "multiply", "negative",
    "not_equal", "rint", "sign", "sqrt", "subtract", "trunc", "where",
}  # fmt: skip
CONDITIONS = {"where": [0], "logical_and": [0, 1], "logical_or": [0, 1], "logical_not": [0]}
#: Relative, where a rule subtracts numbers that nearly cancel, or one function's last bit grows in the next.
CANCELS = {"tanh": 4e-12, "sigmoid": 4e-14, "pow": 2e-15, "gelu": 1e-12, "erf": 2e-15}


@pytest.fixture(scope="module")
def page(browser):  # noqa: F811
    opened = browser.new_page()
    opened.goto("about:blank")
    yield opened
    opened.close()


def run_script(page, script):
    page.evaluate(
        "text => { const script = document.createElement('script'); script.textContent = text;"
        " document.head.append(script); script.remove(); }",
        f"{{{helpers(script)}{script}}}",
    )


def bits(array):
    return np.ascontiguousarray(array, dtype="<f8").view("<u4").ravel().tolist()


def in_page(page, graph, rows):
    """Return what the printed graph makes of rows of numbers; they travel as bits."""
    run_script(page, f"window.printed = {arrow(graph)};")
    made = page.evaluate(
        "([data, inputs]) => {"
        " const numbers = new Float64Array(new Uint32Array(data).buffer), made = [];"
        " for (let at = 0; at < numbers.length; at += inputs) made.push(printed(...numbers.subarray(at, at + inputs)));"
        " return Array.from(new Uint32Array(Float64Array.from(made.flat(), Number).buffer)); }",
        [bits(rows), rows.shape[1]],
    )
    return np.array(made, dtype="<u4").view("<f8").reshape(len(rows), -1)


def columns(inputs, seed, whole=()):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(1000, inputs)) * 10.0 ** random.uniform(-3, 1.5, (1000, inputs))
    rows[:250] = random.choice(ODD, (250, inputs))
    rows[250:400] = random.choice([-1.0, 0.0, 0.5, 2.0, 3.0], (150, inputs))  # ties
    for place in whole:
        rows[:, place] = random.integers(0, 2, 1000)
    return rows


def assert_near(found, due, reach, what):
    same = (found == due) & (np.signbit(found) == np.signbit(due)) | np.isnan(found) & np.isnan(due)
    with np.errstate(all="ignore"):
        near = np.abs(found - due) <= np.maximum(reach * np.abs(due), 5e-324)
    wrong = ~(same | (near & (reach > 0)))
    assert not wrong.any(), (what, found[wrong][:3], due[wrong][:3])


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation(page, name):
    inputs = 3 if name == "where" else OPERATIONS[name].nin
    conditions = CONDITIONS.get(name, [])

    def function(*given):
        given = [thing > 0.5 if place in conditions else thing for place, thing in enumerate(given)]
        return OPERATIONS[name](*given)

    rows = columns(inputs, seed=len(name), whole=conditions)
    with np.errstate(all="ignore"):
        due = np.array([[float(function(*map(np.float64, row)))] for row in rows.tolist()])
    reach = 0 if name in EXACT else 1e-15
    found = in_page(page, read_symbols(function, [f"x{n}" for n in range(inputs)]), rows)
    if name in ("maximum", "minimum"):  # of 0 and -0, NumPy takes either, as the machine does
        found, due = found + 0.0, due + 0.0
    assert_near(found, due, reach, name)


@pytest.mark.parametrize("name", SCALAR)
def test_every_gate(page, name):
    gate = registry[name]
    forward, shares = readings(gate, None)
    rows = columns(gate.arity, seed=1)
    with np.errstate(all="ignore"):
        outputs = np.array([[float(gate.forward(*row))] for row in rows.tolist()])
    exact = {node[0] for graph in (forward, shares) for node in graph.nodes} <= EXACT | {"input", "constant"}
    reach = 0 if exact else CANCELS.get(name, 1e-15)
    assert_near(in_page(page, forward, rows), outputs, reach, name)
    rows = np.hstack([np.random.default_rng(2).normal(size=(1000, 1)), outputs, rows])
    with np.errstate(all="ignore"):
        due = np.array([[float(vjp(*row)) for vjp in gate.vjps] for row in rows.tolist()])
    assert_near(in_page(page, shares, rows), due, reach, f"rules of {name}")


UNARY = [cs.neg, cs.relu, cs.abs, cs.square]
BINARY = [cs.add, cs.sub, cs.mul, cs.max, cs.min, cs.div]
CURVED = [cs.tanh, cs.sigmoid, cs.sin, cs.exp, cs.softplus, cs.arctan]


def random_circuit(seed, exact):
    """Return a circuit with fan-out, constants, parameters and two outputs, which need not lead to everything."""
    random = np.random.default_rng(seed)
    circuit = cs.Circuit(f"random {seed}")
    wires = [circuit.input(f"x{n}") for n in range(random.integers(1, 4))]
    wires += [circuit.parameter(f"w{n}", float(random.normal())) for n in range(random.integers(1, 4))]
    for _ in range(random.integers(3, 40)):
        one, other = (wires[random.integers(len(wires))] for _ in range(2))
        kind = random.random()
        if kind < 0.15:
            wires.append(one * float(random.normal()))
        elif kind < 0.5:
            gates = UNARY if exact or random.random() < 0.5 else CURVED
            wires.append(gates[random.integers(len(gates))](one))
        else:
            wires.append(BINARY[random.integers(len(BINARY))](one, other))
    circuit.output("f", wires[-1])
    circuit.output("g", wires[random.integers(len(wires))])
    return circuit


def load(page, circuit):
    made = program(Netlist(circuit))
    engine = files("circuitsim.views").joinpath("page", "engine.js").read_text(encoding="utf-8")
    run_script(page, f"{{{made.script}{engine} window.engine = new Engine({json.dumps(made.tables)}); }}")


def drag(page, netlist, inputs, parameters, pulls):
    """Return values and gradients by name; None where there is none."""
    nodes = {name: at for kind in ("input", "parameter") for name, at in netlist.of_kind(kind).items()}
    found = page.evaluate(
        "([given, pulls]) => { for (const [node, value] of given) engine.set(node, value);"
        " engine.pull(new Map(pulls)); engine.forward(); engine.backward();"
        " const read = (numbers) => Array.from(new Uint32Array(Float64Array.from(numbers).buffer));"
        " return [read(engine.kinds.map((_, node) => engine.value(node))),"
        " read(engine.kinds.map((_, node) => engine.gradient(node) ?? 0)), engine.feels]; }",
        [
            [[nodes[name], value] for name, value in {**inputs, **parameters}.items()],
            [[netlist.of_kind("output")[name], pull] for name, pull in pulls.items()],
        ],
    )
    values, gradients = (np.array(part, dtype="<u4").view("<f8") for part in found[:2])
    return values, {name: gradients[at] for name, at in nodes.items() if found[2][at]}


@pytest.mark.filterwarnings("ignore::circuitsim.NonFiniteWarning")
@pytest.mark.parametrize("seed", range(50))
def test_random_circuits(page, seed):
    exact = seed % 2 == 0
    circuit = random_circuit(seed, exact)
    netlist = Netlist(circuit)
    load(page, circuit)
    random = np.random.default_rng(1000 + seed)
    engine = cs.Compiled(circuit)
    for _ in range(20):
        inputs = {name: float(random.normal() * 2) for name in netlist.of_kind("input")}
        parameters = {name: float(random.normal()) for name in netlist.of_kind("parameter")}
        pulls = {"f": float(random.normal()), "g": float(random.normal())}
        if random.random() < 0.3:
            del pulls["g"]
        engine.set_parameters(parameters)
        outputs = engine.forward(inputs)
        due = engine.backward(gradient=pulls)
        values, gradients = drag(page, netlist, inputs, parameters, pulls)
        for name, at in netlist.of_kind("output").items():
            assert_close(values[at], outputs[name], values, exact)
        assert set(gradients) <= set(due)
        for name in due:
            assert_close(gradients.get(name, 0.0), due[name], values, exact)


def assert_close(found, due, values, exact):
    """Two numbers agree to the bit, or, after functions that may differ in the last one, to 1e-12 of the largest."""
    if found == due or (np.isnan(found) and np.isnan(due)):
        return
    assert not exact, (found, due)
    largest = np.max(np.abs(values[np.isfinite(values)]), initial=abs(due))
    assert abs(found - due) <= 1e-12 * largest, (found, due)
