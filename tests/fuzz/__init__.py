"""Random trials of all that people can give: texts, files, settings, whole circuits.

A kind of trial is a module here with a function ``attempt(random, folder)``. It makes one trial, with all chance from
``random`` and files in ``folder`` only, and returns None, or what went wrong in a text from which it can be understood.
What may rightly be raised it catches, and asks `fault_of` whether it is one clear sentence. What it does not catch, a
warning, ten seconds and four gigabytes are faults as well.
"""

import importlib
import pkgutil

from circuitsim.errors import CircuitSimError

__all__ = ["LONGEST", "fault_of", "kinds"]

#: No message has more letters.
LONGEST = 400


def kinds():
    """Return the names of the modules here that have an `attempt`, by kind."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__, f"{__name__}."))
    return {
        name.rpartition(".")[2]: name
        for name in names
        if not name.endswith("__main__") and hasattr(importlib.import_module(name), "attempt")
    }


def fault_of(error):
    """Return what is wrong with an error that a user would see, or None if it is one of ours in one sentence."""
    said = str(error)
    if not isinstance(error, CircuitSimError):
        return f"{type(error).__name__} is raised, no CircuitSimError: {said[:LONGEST]}"
    if not said or "\n" in said or len(said) > LONGEST:
        return f"{type(error).__name__} has {len(said)} letters, not one sentence of {LONGEST}: {said[:LONGEST]!r}"
    return None
