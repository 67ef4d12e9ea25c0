"""Paths: the chain rule spelled out as a sum of products, against the gradients that backpropagation found."""

from functools import reduce
from io import StringIO
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from rich.console import Console

import circuitsim as cs
from circuitsim.circuit.netlist import Node
from circuitsim.trace.explanation import local_derivative
from circuitsim.trace.paths import find_paths
from tests.both import own_gate
from tests.effort import tried
from tests.programs import Program, programs
from tests.test_cli import call


@settings(max_examples=tried(60))
@given(program=programs(most_steps=8))
def test_products_add_up_to_the_gradient(program: Program):
    run = cs.Simulation(program.circuit(), nonfinite="ignore").run(program.inputs, gradient=program.pulls)
    for name, gradient in run.gradients.items():
        paths = find_paths(run.trace, name, most=5000)
        assert len(paths.listed) == min(paths.count, 5000)
        assert np.array_equal(paths.gradient, gradient) or paths.count == 0
        products = [path.product for path in paths.listed]
        if 0 < paths.count <= 5000 and all(product is not None for product in products):
            np.testing.assert_allclose(reduce(add, products), gradient, rtol=1e-9, atol=1e-12)


def test_paths_of_a_wire_in_the_middle_and_of_several_outputs():
    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    q = circuit.gate(cs.mul, x, y, name="q")
    circuit.output("f", q * 2)
    circuit.output("g", q + x)
    run = cs.Simulation(circuit).run(x=3, y=5, gradient={"f": 1.0, "g": -1.0})
    assert [path.stops for path in run.paths("q").listed] == [["q", "mul1.a", "f"], ["q", "add1.a", "g"]]
    assert [path.product for path in run.paths("x").listed] == [10.0, -5.0, -1.0]
    assert str(run.paths("x")).endswith("sum: 10 + (-5) + (-1) = 4")


def test_a_ladder_of_diamonds_has_too_many_paths_and_says_so():
    circuit = cs.Circuit("ladder")
    wire = circuit.input("x")
    for _ in range(50):
        wire = wire + wire
    circuit.output("f", wire)
    paths = cs.Simulation(circuit).run(x=1).paths("x")
    assert paths.count == 2**50
    assert len(paths.listed) == 20
    assert "the gradient of x is 1.1259e+15, by 1,125,899,906,842,624 paths" in str(paths)
    assert "and 1,125,899,906,842,604 more, too many to list" in str(paths)
    assert str(paths).endswith("sum of all: 1.1259e+15")
    assert "x → add1.a → add2.a → add3.a → add4.a → add5.a → (40 more) → add46.a" in str(paths)


def test_a_chain_of_thousands_is_walked_without_recursion():
    circuit = cs.Circuit("chain")
    wire = circuit.input("x")
    for _ in range(3000):
        wire = -wire
    circuit.output("f", wire)
    paths = cs.Simulation(circuit).run(x=1).paths("x")
    assert (paths.count, paths.listed[0].product, len(paths.listed[0].stops)) == (1, 1.0, 3002)
    assert max(map(len, str(paths).splitlines())) < 300


def test_a_gate_that_mixes_elements_has_no_factor():
    run = cs.Simulation(cs.parse("x * y")).run(x=2, y=[1, 2])
    assert run.paths("x").listed[0].product is None  # the gradient is summed over the elements of y
    assert "no product of factors says what came" in str(run.paths("x"))
    assert run.paths("y").listed[0].product.tolist() == [2.0, 2.0]


def test_what_has_no_gradient_has_no_paths():
    circuit = cs.Circuit()
    circuit.output("f", circuit.input("x") * 2)
    circuit.input("idle")
    run = cs.Simulation(circuit).run(x=1, idle=2)
    assert str(run.paths("idle")).splitlines() == ["the gradient of idle is 0, by 0 paths", "    sum of all: 0"]
    for name, words in [("q", "has nothing called 'q'"), ("f", "'f' is an output")]:
        with pytest.raises(cs.TraceError, match=words):
            run.paths(name)


def test_the_tree_in_a_terminal():
    circuit = cs.Circuit()
    x = circuit.input("[bold]x[/bold]")
    circuit.output("f", x * x)
    run = cs.Simulation(circuit).run({"[bold]x[/bold]": 3})
    console = Console(width=100, record=True, force_terminal=True, file=StringIO())
    console.print(run.paths("[bold]x[/bold]"))
    assert console.export_text().splitlines() == [
        "the gradient of [bold]x[/bold] is 6, by 2 paths",
        "├── [bold]x[/bold] → mul1.a → f",
        "│   └── 1 × 3 = 3",
        "├── [bold]x[/bold] → mul1.b → f",
        "│   └── 1 × 3 = 3",
        "└── sum: 3 + 3 = 6",
    ]


def test_the_command_line_shows_the_tree():
    done = call("flow", "x*x", "x=3", "--explain", "x")
    assert "├── x → mul1.b → f\n│   └── 1 × 3 = 3\n└── sum: 3 + 3 = 6\n" in done.stdout


@pytest.mark.parametrize(("mixing", "slope"), [(0.0, [3.0, 3.0]), (1e-4, None)])
def test_a_gate_that_mixes_a_gradient_has_no_slope_of_its_own(mixing, slope):
    gate = own_gate(lambda x: 3.0 * x, lambda gradient, output, x: 3.0 * gradient + mixing * np.sum(gradient))
    node = Node("own1", "gate", gate)
    x, gradient = np.array([1.0, 2.0]), np.array([1.0, 0.9])
    found = local_derivative(node, 0, [x], 3.0 * x, gradient)
    assert found is None if slope is None else found.tolist() == slope
