"""What people look at, here and in the viewers they have: drawn from a trace, never from live objects.

Only this package imports matplotlib, and only when something is drawn with it.
"""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from circuitsim.circuit import Circuit
from circuitsim.files import check_path
from circuitsim.netlist import Netlist
from circuitsim.trace.records import Trace
from circuitsim.trace.timeline import Timeline

__all__ = ["animate", "check_save", "draw", "embed", "player", "save", "save_timelines", "svg"]

_FILMS = (".gif", ".mp4")
PICTURES = (".png", ".svg", ".pdf")
_PAGES = (".html",)
_DATA = (".vcd", ".json", ".trace")
SUFFIXES = (*_FILMS, *_PAGES, *PICTURES, *_DATA)
TIMELINES = (*_PAGES, *PICTURES, ".json")


def animate(trace: Trace, path: str | PathLike[str]) -> None:
    """Film a trace, message by message; see `views.animation`."""
    from circuitsim.views.animation import animate

    animate(trace, path)


def draw(source: Trace | Netlist | Circuit, path: str | PathLike[str]) -> None:
    """Draw a circuit, with its final values and gradients if a trace is given; see `views.picture`."""
    from circuitsim.views.picture import draw

    draw(source, path)


def player(trace: Trace, path: str | PathLike[str], history: Mapping[str, Any] | None = None) -> None:
    """Write a page that plays a trace, with a training history beside it; see `views.webpage`."""
    from circuitsim.views.webpage import player

    player(trace, path, history)


def svg(source: Trace | Netlist | Circuit) -> str:
    """Return the picture that `draw` makes as the text of an SVG."""
    from circuitsim.views.picture import svg

    return svg(source)


def embed(trace: Trace) -> str | None:
    """Return HTML that plays a trace inside a notebook; None if it is too long for that."""
    from circuitsim.views.webpage import embed

    return embed(trace)


def save_timelines(timelines: Mapping[str, Timeline], path: str | PathLike[str]) -> None:
    """Show what devices did when, in one or several streams by their titles.

    ``.html`` is a page to look around in, ``.png``, ``.svg`` and ``.pdf`` are pictures, ``.json`` is for Perfetto.

    Raises
    ------
    SaveError
        If the suffix is another or the file cannot be written.
    """
    path = check_path(path, TIMELINES)
    if path.suffix.lower() == ".json":
        from circuitsim.views.stream_perfetto import write_perfetto

        write_perfetto(timelines, path)
    elif path.suffix.lower() in _PAGES:
        from circuitsim.views.timeline_page import write_timelines

        write_timelines(timelines, path)
    else:
        from circuitsim.views.timeline import draw_timelines

        draw_timelines(timelines, path)


def check_save(path: str | PathLike[str]) -> Path:
    """Raise `SaveError` if nothing can be saved under this path, before any work is done."""
    checked = check_path(path, SUFFIXES)
    if checked.suffix.lower() in _FILMS:
        from circuitsim.views.movie import check_film

        check_film(checked)
    return checked


def save(trace: Trace, path: str | PathLike[str]) -> None:
    """Show or write a trace in the form that the suffix asks for.

    ``.html`` is a page to play with, ``.gif`` and ``.mp4`` are films, ``.png``, ``.svg`` and ``.pdf`` are pictures,
    ``.vcd`` is for GTKWave and Surfer, ``.json`` for Perfetto, and ``.trace`` keeps the trace for `Trace.load`.

    Raises
    ------
    SaveError
        If the suffix is unknown or the file cannot be written.
    """
    path = check_save(path)
    suffix = path.suffix.lower()
    if suffix in _FILMS:
        animate(trace, path)
    elif suffix in _PAGES:
        player(trace, path)
    elif suffix in PICTURES:
        draw(trace, path)
    elif suffix == ".vcd":
        trace.to_vcd(path)
    elif suffix == ".json":
        trace.to_perfetto(path)
    else:
        trace.save(path)
