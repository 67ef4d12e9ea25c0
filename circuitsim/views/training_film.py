"""Films a training: the circuit with live numbers on the left, the plane and the curves on the right.

The first iterations are shown message by message, then it speeds up, so that both the mechanism and the result are
seen in under a minute.
"""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from PIL import Image

from circuitsim.files import check_path, writing
from circuitsim.learning.recording import Recording, Shot
from circuitsim.progress import progress_bar
from circuitsim.simulation.simulation import Simulation
from circuitsim.trace.trace import Trace
from circuitsim.views.animation import HOLD_END, Moment, Stage, film, palette
from circuitsim.views.board import HIGH, LOW, REGIONS, Board
from circuitsim.views.movie import FILMS, FRAME, check_film, write_film
from circuitsim.views.picture import PAPER, letters_needed, number
from circuitsim.views.training_page import play_training

__all__ = ["draw_training", "film_training", "save_training", "shots_to_keep"]

SUFFIXES = (".html", *FILMS, ".png", ".svg")
FIRST = 12  # iterations shown long enough to be read
SLOW = 2  # of those, so many with a pull are shown message by message
SHOWN = 170  # iterations shown at all
SLOW_SECONDS = 10.0  # for one iteration, about
HOLD_STEP, HOLD_FAST, HOLD_RESPONSE = 450, 100, 1500  # milliseconds
MOST_GATES = 60  # larger circuits are left out: their numbers could not be read
BOARD = 560  # pixels wide
LOWEST = 640  # pixels high
WIDEST = 1400  # pixels for the circuit


def shots_to_keep(iterations: int) -> list[int]:
    """Return which iterations of a training a film shows: the first ones, then some spread over the rest."""
    if iterations <= SHOWN:
        return list(range(iterations))
    rest = SHOWN - FIRST
    return [*range(FIRST), *(FIRST + (iterations - FIRST) * step // rest for step in range(rest))]


def save_training(recording: Recording, path: str | PathLike[str]) -> None:
    """Show a training in the form that the suffix asks for.

    ``.html`` is a page to play with, ``.gif`` and ``.mp4`` are films, ``.png`` and ``.svg`` draw its end.

    Raises
    ------
    SaveError
        If the suffix is another, or the file cannot be written.
    """
    suffix = Path(path).suffix.lower()
    show = play_training if suffix == ".html" else film_training if suffix in FILMS else draw_training
    show(recording, path)


def film_training(recording: Recording, path: str | PathLike[str]) -> None:
    """Film a training as ``.gif`` or ``.mp4``.

    Raises
    ------
    SaveError
        If the suffix is another, the file cannot be written, or there is no ffmpeg for an MP4.
    """
    path = check_film(path)
    with rc_context({"font.family": "DejaVu Sans"}):
        scenery = _Set(recording)
        with progress_bar("filming", len(recording.shots)) as advance:

            def frames() -> Iterator[tuple[Image.Image, int]]:
                for count, (shot_number, moment) in enumerate(scenery.moments()):
                    yield scenery.frame(recording.shots[shot_number], moment), moment.duration
                    if count % 10 == 0:
                        advance(shot_number, "")

            write_film(path, frames(), palette(*REGIONS, LOW, HIGH))


def draw_training(recording: Recording, path: str | PathLike[str]) -> None:
    """Draw how a training ended: the plane and the curves, as ``.png`` or ``.svg``.

    Raises
    ------
    SaveError
        If the suffix is another, or the file cannot be written.
    """
    path = check_path(path, SUFFIXES[1:])
    with rc_context({"svg.hashsalt": "circuitsim", "font.family": "DejaVu Sans"}):
        figure = Board(recording, BOARD, LOWEST).paint(recording.shots[-1])
        with writing(path) as file:
            metadata = {"Date": None} if path.suffix.lower() == ".svg" else None
            figure.savefig(file, format=path.suffix[1:].lower(), metadata=metadata, dpi=150)


class _Set:
    """The circuit's stage and the board, side by side."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.simulation = Simulation(recording.circuit, nonfinite="ignore")
        self.traces = {n: self._trace(shot) for n, shot in enumerate(recording.shots) if shot.examples}
        self.stage: Stage | None = None
        netlist = self.simulation.netlist
        if self.traces and len(netlist.of_kind("gate")) <= MOST_GATES:
            numbers = [by_node for trace in self.traces.values() for by_node in (trace.values(), trace.gradients())]
            self.stage = Stage(netlist, letters_needed(netlist, numbers), WIDEST)
        width, height = self.stage.canvas.get_width_height() if self.stage else (0, 0)
        self.width, self.height = width + BOARD, max(height, LOWEST)
        self.board = Board(recording, BOARD, self.height)
        self.drawn: tuple[Shot, Image.Image] | None = None

    def _trace(self, shot: Shot) -> Trace:
        """Return the trace of a shot: the same numbers give the same trace, whatever engine trained."""
        self.simulation.set_parameters(shot.parameters)
        self.simulation.forward(self.recording.feed(shot))
        self.simulation.backward({self.recording.output: shot.pull})
        assert self.simulation.trace is not None
        return self.simulation.trace

    def moments(self) -> Iterator[tuple[int, Moment]]:
        """Yield the number of a shot and a moment of it, for every frame."""
        shots = self.recording.shots
        pulled = [place for place, shot in enumerate(shots[:FIRST]) if np.any(shot.pull)]
        slow = pulled[:SLOW] if self.stage else []
        for place, shot in enumerate(shots):
            trace = self.traces.get(place)
            if trace is None:  # the end
                last = self.traces.get(place - 1)
                yield place, self._respond(last, shot, HOLD_END) if last else Moment(0.0, HOLD_END, {}, {})
                continue
            if self.stage:
                self.stage.begin(trace)
            if place in slow:
                yield from ((place, moment) for moment in self._slowly(trace))
                yield place, self._respond(trace, shots[place + 1], HOLD_RESPONSE)
            else:
                hold = HOLD_STEP if place < FIRST else HOLD_FAST
                heading = f"iteration {shot.iteration}"
                yield place, Moment(trace.span[1], hold, trace.values(), trace.gradients(), heading=heading)

    def _slowly(self, trace: Trace) -> Iterator[Moment]:
        moments = list(film(trace))
        moments[-1].duration = FRAME
        seconds = sum(moment.duration for moment in moments) / 1000
        skip = max(1, round(seconds / SLOW_SECONDS))
        for count, moment in enumerate(moments):
            if count % skip == 0 or moment.duration > FRAME:
                yield moment

    def _respond(self, trace: Trace, after: Shot, hold: int) -> Moment:
        """Return the moment in which the parameters have moved."""
        netlist = self.simulation.netlist
        moved = {netlist.of_kind("parameter")[name]: value for name, value in after.parameters.items()}
        before = trace.values()
        some = [
            f"{netlist.nodes[n].name} {number(before[n])} → {number(v)}" for n, v in moved.items() if v != before.get(n)
        ]
        heading = "the parameters respond" + (f": {', '.join(some[:3])}" if some else " to nothing")
        heading += f" and {len(some) - 3} more" if len(some) > 3 else ""
        return Moment(trace.span[1], hold, before | moved, trace.gradients(), heading=heading)

    def frame(self, shot: Shot, moment: Moment) -> Image.Image:
        """Draw a frame."""
        if self.drawn is None or self.drawn[0] is not shot:
            self.drawn = (shot, self.board.frame(shot))
        whole = Image.new("RGB", (self.width, self.height), PAPER)
        if self.stage:
            circuit = self.stage.frame(moment)
            whole.paste(circuit, (0, (self.height - circuit.height) // 2))
        whole.paste(self.drawn[1], (self.width - BOARD, 0))
        return whole
