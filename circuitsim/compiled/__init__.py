"""The compiled engine: the same circuit and the same bits as the simulation, at NumPy's speed, without a clock."""

from circuitsim.compiled.compiled import Compiled

__all__ = ["Compiled"]
