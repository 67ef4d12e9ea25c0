"""What tests of both engines share."""

import circuitsim as cs

ENGINES = [cs.Simulation, cs.Compiled]


def again(engine, inputs, gradient=1.0, times=3):
    """Run often enough for the compiled engine to write code, and go by it; return what came last."""
    for _ in range(times):
        outputs, gradients = engine.forward(inputs), engine.backward(gradient)
    return outputs, gradients


def own_gate(forward, rule):
    """Return a gate of one port, as a user would make it."""
    made = cs.gate(name="own")(forward)
    made.vjp(0)(rule)
    return made
