"""The compiled engine: the simulation's numbers bit for bit, whatever form it compiles a circuit to."""

from hypothesis import given, settings
from hypothesis import strategies as st

import circuitsim as cs
from tests.programs import Program, programs
from tests.test_random_circuits import assert_same_bits

OPTIMIZERS = [cs.SGD(0.01), cs.Momentum(0.01), cs.Nesterov(0.01), cs.AdaGrad(0.01), cs.RMSProp(0.01), cs.Adam(0.01)]


def both(circuit):
    return cs.Simulation(circuit, trace=False, nonfinite="ignore"), cs.Compiled(circuit, nonfinite="ignore")


@settings(max_examples=500)
@given(programs(), st.sampled_from(OPTIMIZERS))
def test_ten_training_steps_with_the_simulations_bits(program: Program, optimizer):
    engines = both(program.circuit())
    for engine in engines:
        engine.learn(optimizer, cs.L2(0.1))
    for _ in range(10):
        outputs = [engine.forward(program.inputs) for engine in engines]
        gradients = [engine.backward(program.pulls) for engine in engines]
        for engine in engines:
            engine.update()
        assert_same_bits(*outputs)
        assert_same_bits(*gradients)
        assert_same_bits(*(engine.parameters for engine in engines))
