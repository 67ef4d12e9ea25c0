"""How a circuit is to be run on devices, as plain values without a circuit in them: decisions, facts, costs."""

from circuitsim.plan import schedules
from circuitsim.plan.cluster import Cluster, Link
from circuitsim.plan.costs import Costs
from circuitsim.plan.deployment import Deployment, deploy
from circuitsim.plan.placement import Placement, place
from circuitsim.plan.plan import Plan
from circuitsim.plan.policy import Policy
from circuitsim.plan.schedule import Schedule, Work
from circuitsim.plan.search import auto
from circuitsim.plan.times import Distribution, exponential, lognormal, uniform

__all__ = [
    "Cluster",
    "Costs",
    "Deployment",
    "Distribution",
    "Link",
    "Placement",
    "Plan",
    "Policy",
    "Schedule",
    "Work",
    "auto",
    "deploy",
    "exponential",
    "lognormal",
    "place",
    "schedules",
    "uniform",
]
