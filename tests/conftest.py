"""What all tests share: the engines, and circuits made at random."""

import os

import hypothesis
import pytest

import circuitsim as cs
from tests.browser import browser, open_page  # noqa: F401  (fixtures)
from tests.effort import SLOW, tried

hypothesis.settings.register_profile(
    "circuitsim", max_examples=tried(100), deadline=None, derandomize=True, print_blob=True
)
hypothesis.settings.load_profile("circuitsim")

# Rich draws tables as wide as the terminal; the tests compare them, so it has one width everywhere.
os.environ["COLUMNS"] = "100"

ENGINES = {"simulation": cs.Simulation, "compiled": cs.Compiled}


def pytest_collection_modifyitems(items):
    """Leave out what takes long, unless it was asked for."""
    if not SLOW:
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="set CIRCUITSIM_SLOW to run what takes long"))


@pytest.fixture(params=list(ENGINES))
def engine(request):
    """A class of engine: what holds for one must hold for all."""
    return ENGINES[request.param]


@pytest.fixture(autouse=True)
def clean_registry():
    """Forget the gates that a test defines."""
    before = dict(cs.gates.registry)
    yield
    cs.gates.registry.clear()
    cs.gates.registry.update(before)
