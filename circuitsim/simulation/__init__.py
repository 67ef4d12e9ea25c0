"""The event-driven engine: one SimPy process a gate, one SimPy event a message and one a firing.

A `Simulation` runs one example at a time, or streams many through the stages of a plan on devices.
"""

from circuitsim.simulation.run import Run, StreamRun
from circuitsim.simulation.simulation import Simulation

__all__ = ["Run", "Simulation", "StreamRun"]
