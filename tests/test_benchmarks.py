"""What the benchmarks compare does the same work: they would otherwise prove nothing. No time is asserted."""

import subprocess
import sys

import numpy as np
import pytest

import circuitsim as cs
from tests.benchmarks import memory, networks
from tests.benchmarks.engines import by_hand, multiplied
from tests.benchmarks.simulation import inputs_of, layered
from tests.benchmarks.stores import Stores
from tests.benchmarks.table import Row, in_turn


def test_a_store_for_each_wire_gives_the_same_gradients():
    circuit = layered(60, 10)
    inputs = inputs_of(circuit)
    simulation = cs.Simulation(circuit, trace=False)
    stores = Stores(simulation)
    for _ in range(2):
        simulation.forward(inputs)
        assert stores.run(inputs) == pytest.approx(simulation.backward())


def test_numpy_by_hand_gives_the_same_gradients():
    engine = cs.Compiled(cs.dense([3, 5, 4, 2]))
    x, pull = np.random.default_rng(0).normal(size=(7, 3)), np.ones((7, 2))
    scores, gradients = by_hand(engine.parameters)(x, pull)
    np.testing.assert_allclose(engine.forward({"x": x})["scores"], scores)
    for name, gradient in engine.backward(pull).items():
        np.testing.assert_allclose(gradient, gradients[name])


def test_a_convnet_by_hand_takes_the_same_steps():
    x, classes = np.random.default_rng(0).random((4, 1, 8, 8)), np.arange(4)
    circuit = networks.with_loss(cs.convnet([1, 8, 8], [8, 16], 10))
    step, start = networks.stepping(circuit, {"x": x, "target": classes})
    networks.compare(step, networks.convnet_by_hand(start, x, classes))


def test_products_of_ones_stay_ones():
    circuit = multiplied(5, 20)
    outputs = cs.Compiled(circuit).forward(dict.fromkeys(circuit.names("input"), -1.0))
    assert set(map(abs, outputs.values())) == {1.0}


def test_rows_know_whether_they_reach_their_goals():
    assert Row("fast", 2.0, 2.5, True).reached
    assert not Row("fast", 2.0, 2.5, False).reached
    counted = []
    assert len(in_turn((lambda: counted.append(1), 3), rounds=2)) == 1
    assert len(counted) == 2 + 2 * 3


def test_an_unknown_part_is_refused():
    done = subprocess.run([sys.executable, "-m", "tests.benchmarks", "x"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no part 'x': the parts are simulation, million" in done.stderr


@pytest.mark.parametrize("kind", memory.KINDS)
def test_every_kind_of_run_whose_memory_is_measured_runs(kind):
    memory.KINDS[kind]()(64)


def test_memory_that_grows_is_seen():
    leak = []
    before = memory.resident()
    leak.append(bytearray(b"x") * (32 * 2**20))
    assert 30 < memory.resident() - before < 40
    assert memory.grown("runs of Simulation", 500) < memory.GOAL
