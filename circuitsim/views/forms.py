"""The forms in which things can be shown, by the suffixes of files, and whether a file of a form can be written."""

from collections.abc import Callable
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TypeAlias, TypeVar

from circuitsim import checks
from circuitsim.errors import SaveError
from circuitsim.files import check_path, quoted
from circuitsim.habits import told
from circuitsim.trace.trace import Trace

__all__ = [
    "DATA",
    "FILMS",
    "PAGES",
    "PICTURES",
    "SUFFIXES",
    "TIMELINES",
    "TRAININGS",
    "Writer",
    "added",
    "check_film",
    "check_save",
    "check_streams",
    "register_form",
]

#: A function that writes a trace to a file.
Writer: TypeAlias = Callable[[Trace, Path], object]
W = TypeVar("W", bound=Writer)

FILMS = (".gif", ".mp4")
PAGES = (".html",)
PICTURES = (".png", ".svg", ".pdf")
DATA = (".vcd", ".json", ".trace")
#: What a run can be saved as, what timelines of devices can, and what a training can.
SUFFIXES = (*FILMS, *PAGES, *PICTURES, *DATA)
TIMELINES = (*PAGES, *PICTURES, ".json")
TRAININGS = (*PAGES, *FILMS, *PICTURES)
#: What writes a trace in the forms that were added to these, by suffix.
added: dict[str, Writer] = {}


@told
def register_form(suffix: str) -> Callable[[W], W]:
    """Let the function below write runs to files with this suffix, for ``run.save`` and ``--save``.

    Parameters
    ----------
    suffix : str
        Such as ``".dot"``. Registering it again replaces the function.

    Raises
    ------
    SaveError
        If it is not a dot and letters, or is one of circuitsim's own.

    Examples
    --------
    >>> @register_form(".txt")
    ... def write_text(trace, path):
    ...     path.write_text(" ".join(record.kind.name for record in trace))
    >>> added.pop(".txt") is write_text
    True
    """
    suffix = checks.name(suffix, "the suffix of a form", error=SaveError).lower()
    if Path(f"file{suffix}").suffix != suffix or len(suffix) < 2:
        raise SaveError(f"the suffix of a form is {suffix!r}: give one dot and letters, such as '.dot'")
    if suffix in SUFFIXES:
        raise SaveError(f"files with the suffix {suffix!r} are written by circuitsim itself: choose another suffix")

    def register(write: W) -> W:
        added[suffix] = write
        return write

    return register


def check_save(path: str | PathLike[str], suffixes: tuple[str, ...] | None = None) -> Path:
    """Raise `SaveError` if nothing can be saved under this path, before any work is done.

    Parameters
    ----------
    path : path-like
        Where to.
    suffixes : tuple of str, optional
        The suffixes it may have; all that a run can be saved as, if not given.
    """
    checked = check_path(path, (*SUFFIXES, *added) if suffixes is None else suffixes)
    return check_film(checked) if checked.suffix.lower() in FILMS else checked


def check_streams(path: str | PathLike[str], several: bool) -> Path:
    """Raise `SaveError` if one stream, or several in one file, cannot be saved under this path, before they run."""
    checked = check_save(path)
    if several and checked.suffix.lower() not in TIMELINES:
        raise SaveError(
            f"cannot save several streams as {quoted(path)}: choose one of them, or take {' '.join(TIMELINES)}, "
            "which show them below each other"
        )
    return checked


def check_film(path: str | PathLike[str]) -> Path:
    """Return the path if a film can be written there.

    Raises
    ------
    SaveError
        If the suffix is unknown, the folder cannot be written to, or there is no ffmpeg for an MP4.
    """
    path = check_path(path, FILMS)
    if path.suffix.lower() == ".mp4" and find_spec("imageio_ffmpeg") is None:
        raise SaveError(
            f"cannot film {quoted(path)}: .mp4 needs imageio-ffmpeg; install it with pip install imageio-ffmpeg, "
            "or take .gif"
        )
    return path
