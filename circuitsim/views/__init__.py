"""What people look at, here and in the viewers they have: drawn from traces and recordings, never by running anything.

Only this package imports matplotlib, and only when something is drawn with it.
"""

from collections.abc import Collection, Mapping
from os import PathLike
from typing import Any

from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.netlist import Netlist
from circuitsim.errors import SaveError
from circuitsim.files import check_path, quoted
from circuitsim.learning.recording import Recording
from circuitsim.trace.trace import Trace
from circuitsim.views.forms import FILMS, PAGES, PICTURES, TIMELINES, TRAININGS, added, check_save, check_streams

__all__ = [
    "animate",
    "draw",
    "embed",
    "play",
    "player",
    "save",
    "save_streams",
    "save_training",
    "svg",
    "view",
]


def animate(trace: Trace, path: str | PathLike[str], tags: Collection[int] | None = None) -> None:
    """Film a trace, or some examples of it, message by message; see `views.animation`."""
    from circuitsim.views.animation import animate

    animate(trace, path, tags)


def draw(source: Trace | Netlist | Circuit, path: str | PathLike[str]) -> None:
    """Draw a circuit, with its final values and gradients if a trace is given; see `views.circuit_picture`."""
    from circuitsim.views.circuit_picture import draw

    draw(source, path)


def play(path: str | PathLike[str]) -> None:
    """Write a page to type expressions in, which needs no Python; see `views.play_page`."""
    from circuitsim.views.play_page import play

    play(path)


def player(
    trace: Trace,
    path: str | PathLike[str],
    history: Mapping[str, Any] | None = None,
    tags: Collection[int] | None = None,
) -> None:
    """Write a page that plays a trace, or some examples of it, with a training history; see `views.player_page`."""
    from circuitsim.views.player_page import player

    player(trace, path, history, tags)


def view(trace: Trace, path: str | PathLike[str], flow: bool = False) -> None:
    """Write a page from a trace: the timeline of a stream on devices, unless its `flow` is asked for, or a player.

    A stream runs on devices to see who waits for whom, which a timeline shows of thousands of pieces of work at once.

    Raises
    ------
    SaveError
        If the suffix is not ``.html`` or the file cannot be written.
    """
    path = check_path(path, PAGES)
    if flow or trace.layout is None:
        player(trace, path)
    else:
        save(trace, path)


def svg(source: Trace | Netlist | Circuit) -> str:
    """Return the picture that `draw` makes as the text of an SVG."""
    from circuitsim.views.circuit_picture import svg

    return svg(source)


def embed(trace: Trace) -> str | None:
    """Return HTML that plays a trace inside a notebook; None if it is too long for that."""
    from circuitsim.views.player_page import embed

    return embed(trace)


def save_streams(traces: Mapping[str, Trace], path: str | PathLike[str]) -> None:
    """Show what devices did when, in one or several streams by their titles.

    ``.html`` is a page to play with, ``.png``, ``.svg`` and ``.pdf`` are pictures, ``.json`` is for Perfetto; one
    stream alone can be saved in all other forms that `save` knows, such as ``.trace``.

    Raises
    ------
    SaveError
        If the suffix is another, if it holds only one stream and there are several, or if the file cannot be written.
    """
    path = check_streams(path, len(traces) > 1)
    suffix = path.suffix.lower()
    if suffix in PAGES:
        from circuitsim.views.stream_page import write_streams

        write_streams(traces, path)
    elif suffix in TIMELINES:
        timelines = {title: trace.timeline for title, trace in traces.items()}
        if suffix == ".json":
            from circuitsim.views.timeline_perfetto import write_perfetto

            write_perfetto(timelines, path)
        else:
            from circuitsim.views.timeline_picture import draw_timelines

            draw_timelines(timelines, path)
    else:
        for trace in traces.values():
            save(trace, path)


def save_training(recording: Recording, path: str | PathLike[str]) -> None:
    """Show a training in the form that the suffix asks for.

    ``.html`` is a page to play with, ``.gif`` and ``.mp4`` are films, ``.png``, ``.svg`` and ``.pdf`` draw its end.

    Raises
    ------
    SaveError
        If the suffix is another, or the file cannot be written.
    """
    path = check_save(path, TRAININGS)
    suffix = path.suffix.lower()
    if suffix in PAGES:
        from circuitsim.views.training_page import play_training

        play_training(recording, path)
    elif suffix in FILMS:
        from circuitsim.views.training_film import film_training

        film_training(recording, path)
    else:
        from circuitsim.views.training_figure import draw_training

        draw_training(recording, path)


def save(trace: Trace, path: str | PathLike[str]) -> None:
    """Show or write a trace in the form that the suffix asks for.

    ``.html`` is a page to play with, ``.gif`` and ``.mp4`` are films, ``.png``, ``.svg`` and ``.pdf`` are pictures,
    ``.vcd`` is for GTKWave and Surfer, ``.json`` for Perfetto, and ``.trace`` keeps the trace for `Trace.load`. Other
    suffixes can be added with `circuitsim.extend.register_form`.

    Of a stream on devices, pages, pictures and what is for Perfetto show what the devices did when; `player`,
    `animate` and `draw` show the flow in the circuit.

    Raises
    ------
    SaveError
        If the suffix is unknown or the file cannot be written.
    """
    path = check_save(path)
    suffix = path.suffix.lower()
    if suffix in added:
        try:
            added[suffix](trace, path)
        except OSError as error:
            raise SaveError(f"cannot write {quoted(path)}: {error.strerror or error}") from None
    elif trace.layout is not None and suffix in TIMELINES:
        save_streams({trace.netlist.name: trace}, path)
    elif suffix in FILMS:
        animate(trace, path)
    elif suffix in PAGES:
        player(trace, path)
    elif suffix in PICTURES:
        draw(trace, path)
    elif suffix == ".vcd":
        trace.to_vcd(path)
    elif suffix == ".json":
        trace.to_perfetto(path)
    else:
        trace.save(path)
