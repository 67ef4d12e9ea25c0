"""How much random tests try: all of it with the environment variable CIRCUITSIM_SLOW, as `.ci/run` does, else less."""

import os

SLOW = "CIRCUITSIM_SLOW" in os.environ


def tried(most):
    """Return how many examples to try: a quarter of them, but no fewer than 25, if no time is given."""
    return most if SLOW else min(most, max(25, most // 4))
