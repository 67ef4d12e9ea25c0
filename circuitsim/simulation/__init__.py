"""The event-driven engine: one SimPy process a gate, one SimPy event a message and one a firing.

A `Simulation` runs one example at a time; its `stream` sends many through devices that do one thing at a time.
"""

from circuitsim.simulation.faults import Faults
from circuitsim.simulation.link import Link
from circuitsim.simulation.run import Run
from circuitsim.simulation.simulation import Simulation
from circuitsim.simulation.streaming import StreamRun

__all__ = ["Faults", "Link", "Run", "Simulation", "StreamRun"]
