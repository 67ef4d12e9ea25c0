"""Properties of random circuits: an independent library agrees, and time changes nothing but time."""

import random

import autograd
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import circuitsim as cs
from tests.effort import tried
from tests.programs import Program, programs

EXAMPLES = settings(max_examples=tried(500), suppress_health_check=[HealthCheck.function_scoped_fixture])


@EXAMPLES
@given(programs())
def test_gradients_agree_with_autograd(engine, program: Program):
    runner = engine(program.circuit())
    outputs = runner.forward(program.inputs)
    gradients = runner.backward(program.pulls)
    total = sum(pull * np.sum(outputs[name]) for name, pull in program.pulls.items())
    np.testing.assert_allclose(total, program.pulled_sum(program.places), rtol=1e-9, atol=1e-9)
    expected = autograd.grad(program.pulled_sum)(program.places)
    for name, slope in zip(program.names, expected, strict=True):
        assert np.shape(gradients[name]) == np.shape(slope)
        np.testing.assert_allclose(gradients[name], slope, rtol=1e-9, atol=1e-10)


@settings(max_examples=tried(150))
@given(programs())
def test_delays_and_latencies_change_no_bit(program: Program):
    circuit = program.circuit()
    chance = random.Random(7)
    still = cs.Simulation(circuit, gate_delay=0, wire_latency=0)
    noisy = cs.Simulation(
        circuit,
        gate_delay=lambda name: chance.choice([0.0, 0.1, 1.0, chance.expovariate(0.3)]),
        wire_latency=lambda source, target: chance.choice([0.0, 0.1, 1.0, chance.expovariate(0.3)]),
    )
    for _ in range(2):
        one, two = (simulation.run(program.inputs, gradient=program.pulls) for simulation in (still, noisy))
        assert_same_bits(one.outputs, two.outputs)
        assert_same_bits(one.gradients, two.gradients)
        assert one.messages == two.messages


@settings(max_examples=tried(100))
@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=12), st.integers(0, 2**32))
def test_what_meets_at_a_fan_out_is_summed_in_wiring_order(factors, seed):
    """Three floats already sum to other bits in another order, and latencies shuffle the order of arrival."""
    chance = random.Random(seed)
    circuit = cs.Circuit()
    x = circuit.input("x")
    for wire, stem in ((x, "input"), (cs.neg(x), "gate")):  # the order at an input, and at a gate
        for number, factor in enumerate(factors):
            circuit.output(f"{stem}{number}", wire * factor)
    simulation = cs.Simulation(circuit, wire_latency=lambda source, target: chance.random())
    for stem in ("gate", "input"):
        names = [f"{stem}{number}" for number in range(len(factors))]
        in_order = factors[0]
        for factor in factors[1:]:
            in_order = in_order + factor
        gradient = simulation.run(x=1.0, gradient=dict.fromkeys(names, 1.0)).gradients["x"]
        assert gradient == (in_order if stem == "input" else -in_order)


@settings(max_examples=tried(50))
@given(programs())
def test_the_trace_knows_what_the_run_returns(program: Program):
    run = cs.Simulation(program.circuit()).run(program.inputs, gradient=program.pulls)
    for name, value in run.outputs.items():
        assert_same_bits({name: value}, {name: run.value(name)})
    felt = run.trace.gradients()
    for name, gradient in run.gradients.items():
        if run.trace.node(name) in felt:
            assert_same_bits({name: gradient}, {name: run.gradient(name)})
        else:
            assert not np.any(gradient)


def assert_same_bits(one, two):
    assert one.keys() == two.keys()
    for name in one:
        assert np.asarray(one[name]).tobytes() == np.asarray(two[name]).tobytes(), name
