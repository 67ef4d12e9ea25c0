"""The event-driven engine: one SimPy process a gate, one SimPy event a message and one a firing."""

from circuitsim.simulation.run import Run
from circuitsim.simulation.simulation import Simulation
from circuitsim.simulation.trace import Kind, Record, Trace

__all__ = ["Kind", "Record", "Run", "Simulation", "Trace"]
