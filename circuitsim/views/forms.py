"""The forms in which things can be shown, by the suffixes of files, and whether a file of a form can be written."""

from importlib.util import find_spec
from os import PathLike
from pathlib import Path

from circuitsim.errors import SaveError
from circuitsim.files import check_path

__all__ = [
    "DATA",
    "FILMS",
    "PAGES",
    "PICTURES",
    "SUFFIXES",
    "TIMELINES",
    "TRAININGS",
    "check_film",
    "check_save",
    "check_streams",
]

FILMS = (".gif", ".mp4")
PAGES = (".html",)
PICTURES = (".png", ".svg", ".pdf")
DATA = (".vcd", ".json", ".trace")
#: What a run can be saved as, what timelines of devices can, and what a training can.
SUFFIXES = (*FILMS, *PAGES, *PICTURES, *DATA)
TIMELINES = (*PAGES, *PICTURES, ".json")
TRAININGS = (*PAGES, *FILMS, *PICTURES)


def check_save(path: str | PathLike[str], suffixes: tuple[str, ...] = SUFFIXES) -> Path:
    """Raise `SaveError` if nothing can be saved under this path, before any work is done."""
    checked = check_path(path, suffixes)
    return check_film(checked) if checked.suffix.lower() in FILMS else checked


def check_streams(path: str | PathLike[str], several: bool) -> Path:
    """Raise `SaveError` if one stream, or several in one file, cannot be saved under this path, before they run."""
    checked = check_save(path)
    if several and checked.suffix.lower() not in TIMELINES:
        raise SaveError(
            f"cannot save several streams as {str(path)!r}: choose one of them, or take {' '.join(TIMELINES)}, which "
            "show them below each other"
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
            f"cannot film {str(path)!r}: .mp4 needs imageio-ffmpeg; install it with pip install imageio-ffmpeg, or "
            "take .gif"
        )
    return path
