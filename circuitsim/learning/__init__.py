"""Learning: finding which way to move inputs and parameters, and moving them."""

from circuitsim.learning.gradients import GradientCheck, check_gradients, local_search, numerical_gradient

__all__ = ["GradientCheck", "check_gradients", "local_search", "numerical_gradient"]
