"""How a circuit is to be run on devices, as plain values without a circuit in them: stages, schedules, times."""

from circuitsim.plan import schedules
from circuitsim.plan.placement import Placement, place
from circuitsim.plan.schedule import Schedule, Work
from circuitsim.plan.times import Distribution, Times, exponential, lognormal, uniform

__all__ = [
    "Distribution",
    "Placement",
    "Schedule",
    "Times",
    "Work",
    "exponential",
    "lognormal",
    "place",
    "schedules",
    "uniform",
]
