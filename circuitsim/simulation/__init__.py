"""The event-driven engine: one SimPy process a gate, one SimPy event a message and one a firing.

A `Simulation` runs one example at a time; its `stream` sends many through devices that do one thing at a time.
"""

from circuitsim.simulation import schedules
from circuitsim.simulation.delays import Distribution, Times, exponential, lognormal, uniform
from circuitsim.simulation.faults import Faults
from circuitsim.simulation.link import Link
from circuitsim.simulation.placement import Placement, place
from circuitsim.simulation.run import Run
from circuitsim.simulation.schedule import Schedule, Work
from circuitsim.simulation.simulation import Simulation
from circuitsim.simulation.streaming import StreamRun
from circuitsim.simulation.timeline import Timeline
from circuitsim.simulation.trace import Kind, Record, Trace

__all__ = [
    "Distribution",
    "Faults",
    "Kind",
    "Link",
    "Placement",
    "Record",
    "Run",
    "Schedule",
    "Simulation",
    "StreamRun",
    "Timeline",
    "Times",
    "Trace",
    "Work",
    "exponential",
    "lognormal",
    "place",
    "schedules",
    "uniform",
]
