"""Differentiable circuits as actors: values flow forward, gradients flow back, each gate a SimPy process.

Build a circuit (`Circuit`, or `parse` for text), run it (`Simulation`), read what came of it (`Run`)::

    import circuitsim as cs

    c = cs.Circuit("two gates")
    x, y, z = c.inputs("x y z")
    c.output("f", (x + y) * z)
    run = cs.Simulation(c).run(x=-2, y=5, z=-4)
    run.outputs, run.gradients
"""

from circuitsim import gates
from circuitsim.circuit import Circuit, Wire
from circuitsim.engine import Engine
from circuitsim.errors import (
    CircuitError,
    CircuitSimError,
    DeadlockError,
    ExpressionError,
    GateError,
    InputError,
    LoadError,
    NonFiniteError,
    NonFiniteWarning,
    SaveError,
    ShapeError,
    TraceError,
)
from circuitsim.expression import parse
from circuitsim.gates import (
    Gate,
    abs,
    add,
    arccos,
    arcsin,
    arctan,
    check_gate,
    cos,
    cosh,
    div,
    exp,
    expm1,
    gate,
    greater,
    greater_equal,
    log,
    log1p,
    max,
    min,
    mul,
    neg,
    not_equal,
    pow,
    reciprocal,
    relu,
    sigmoid,
    sin,
    sinh,
    softplus,
    sqrt,
    square,
    sub,
    tan,
    tanh,
)
from circuitsim.simulation import Kind, Run, Simulation, Trace

__version__ = "0.1.0"

__all__ = [
    "Circuit",
    "CircuitError",
    "CircuitSimError",
    "DeadlockError",
    "Engine",
    "ExpressionError",
    "Gate",
    "GateError",
    "InputError",
    "Kind",
    "LoadError",
    "NonFiniteError",
    "NonFiniteWarning",
    "Run",
    "SaveError",
    "ShapeError",
    "Simulation",
    "Trace",
    "TraceError",
    "Wire",
    "abs",
    "add",
    "arccos",
    "arcsin",
    "arctan",
    "check_gate",
    "cos",
    "cosh",
    "div",
    "exp",
    "expm1",
    "gate",
    "gates",
    "greater",
    "greater_equal",
    "log",
    "log1p",
    "max",
    "min",
    "mul",
    "neg",
    "not_equal",
    "parse",
    "pow",
    "reciprocal",
    "relu",
    "sigmoid",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "square",
    "sub",
    "tan",
    "tanh",
]
