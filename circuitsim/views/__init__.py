"""What people look at: drawn from a trace, never from live objects. Only this package imports matplotlib."""

from os import PathLike

from circuitsim.files import check_path
from circuitsim.simulation.trace import Trace
from circuitsim.views.animation import animate
from circuitsim.views.picture import draw

__all__ = ["animate", "check_save", "draw", "save"]

_BY_SUFFIX = {".gif": animate, ".png": draw, ".svg": draw}


def check_save(path: str | PathLike[str]) -> None:
    """Raise `SaveError` if nothing can be saved under this path, before any work is done."""
    check_path(path, tuple(_BY_SUFFIX))


def save(trace: Trace, path: str | PathLike[str]) -> None:
    """Show a trace in the form that the suffix asks for: .gif films it, .png and .svg draw it.

    Raises
    ------
    SaveError
        If the suffix is unknown or the file cannot be written.
    """
    _BY_SUFFIX[check_path(path, tuple(_BY_SUFFIX)).suffix.lower()](trace, path)
