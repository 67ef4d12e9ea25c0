"""Films a training: the circuit with live numbers on the left, the plane and the curves on the right.

The first iterations are shown message by message, then it speeds up, so that both the mechanism and the result are
seen in under a minute.
"""

from collections.abc import Iterator
from dataclasses import replace
from os import PathLike

import numpy as np
from PIL import Image

from circuitsim.gates.value import Value, shape_of
from circuitsim.learning.recording import Recording, Shot
from circuitsim.progress import progress_bar
from circuitsim.trace.trace import Trace
from circuitsim.views.animation import HOLD_END, CircuitFrames, Moment, moments_of, palette
from circuitsim.views.circuit_picture import Standing, letters_needed
from circuitsim.views.figures import lettering
from circuitsim.views.forms import check_film
from circuitsim.views.style import PAPER, number
from circuitsim.views.training_figure import COLOURS, HEIGHT, WIDTH, TrainingFigure
from circuitsim.views.video import FRAME, write_film

__all__ = ["film_training", "shots_to_keep"]

FIRST = 12  # iterations shown long enough to be read
SLOW = 2  # of those, so many with a pull are shown message by message
SHOWN = 170  # iterations shown at all
NOTHING = Standing({}, {}, frozenset(), {})  # of a circuit that is left out
SLOW_SECONDS = 10.0  # for one iteration, about
HOLD_STEP, HOLD_FAST, HOLD_RESPONSE = 450, 100, 1500  # milliseconds
MOST_GATES = 60  # larger circuits are left out: their numbers could not be read
MOST_PIXELS = 1400  # of a side of the circuit


def shots_to_keep(iterations: int) -> list[int]:
    """Return which iterations of a training a film shows: the first ones, then some spread over the rest."""
    if iterations <= SHOWN:
        return list(range(iterations))
    rest = SHOWN - FIRST
    return [*range(FIRST), *(FIRST + (iterations - FIRST) * step // rest for step in range(rest))]


def film_training(recording: Recording, path: str | PathLike[str]) -> None:
    """Film a training as ``.gif`` or ``.mp4``.

    Raises
    ------
    SaveError
        If the suffix is another, the file cannot be written, or there is no ffmpeg for an MP4.
    """
    path = check_film(path)
    with lettering():
        drawn = _Frames(recording)
        with progress_bar("filming", len(recording.shots)) as advance:

            def frames() -> Iterator[tuple[Image.Image, int]]:
                for count, (shot_number, moment) in enumerate(drawn.moments()):
                    yield drawn.frame(recording.shots[shot_number], moment), moment.duration
                    if count % 10 == 0:
                        advance(shot_number, "")

            write_film(path, frames(), palette(*COLOURS))


class _Frames:
    """Draws the circuit and the training's figure side by side."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.netlist = recording.netlist
        traces = [shot.trace for shot in recording.shots if shot.trace is not None]
        self.circuit: CircuitFrames | None = None
        # Every shot but the end has a trace, or the circuit is left out.
        if traces and len(traces) == len(recording.shots) - 1 and len(self.netlist.of_kind("gate")) <= MOST_GATES:
            room = letters_needed(self.netlist, map(Standing.end, traces))
            self.circuit = CircuitFrames(traces[0].netlist, room, MOST_PIXELS)
        width, height = self.circuit.canvas.get_width_height() if self.circuit else (0, 0)
        self.width, self.height = width + WIDTH, max(height, HEIGHT)
        self.figure = TrainingFigure(recording, recording.shots)
        self.drawn: tuple[Shot, Image.Image] | None = None

    def moments(self) -> Iterator[tuple[int, Moment]]:
        """Yield the number of a shot and a moment of it, for every frame."""
        shots = self.recording.shots
        pulled = [place for place, shot in enumerate(shots[:FIRST]) if np.any(shot.pull)]
        slow = pulled[:SLOW]
        for place, shot in enumerate(shots):
            hold = HOLD_STEP if place < FIRST else HOLD_FAST
            trace = shot.trace
            if self.circuit is None:
                yield place, Moment(0.0, HOLD_END if shot is shots[-1] else hold, NOTHING)
                continue
            if trace is None:  # the end
                yield place, self._respond(shots[place - 1], shot, HOLD_END)
                continue
            self.circuit.begin(trace)
            if place in slow:
                yield from ((place, moment) for moment in self._slowly(trace))
                yield place, self._respond(shot, shots[place + 1], HOLD_RESPONSE)
            else:
                heading = f"iteration {shot.iteration}"
                yield place, Moment(trace.span[1], hold, Standing.end(trace), heading=heading)

    def _slowly(self, trace: Trace) -> Iterator[Moment]:
        moments = list(moments_of(trace))
        moments[-1].duration = FRAME
        seconds = sum(moment.duration for moment in moments) / 1000
        skip = max(1, round(seconds / SLOW_SECONDS))
        for count, moment in enumerate(moments):
            if count % skip == 0 or moment.duration > FRAME:
                yield moment

    def _respond(self, shot: Shot, after: Shot, hold: int) -> Moment:
        """Return the moment in which the parameters have moved."""
        trace, nodes = shot.trace, self.netlist.of_kind("parameter")
        assert trace is not None
        ended = Standing.end(trace)
        values = {**ended.values} | {
            nodes[name]: value for name, value in after.parameters.items() if nodes[name] in ended.values
        }
        moved = [
            _step(name, shot.parameters[name], value)
            for name, value in after.parameters.items()
            if not np.array_equal(value, shot.parameters[name])
        ]
        heading = "the parameters respond" + (f": {', '.join(moved[:3])}" if moved else " to nothing")
        heading += f" and {len(moved) - 3} more" if len(moved) > 3 else ""
        return Moment(trace.span[1], hold, replace(ended, values=values), heading=heading)

    def frame(self, shot: Shot, moment: Moment) -> Image.Image:
        """Draw a frame."""
        if self.drawn is None or self.drawn[0] is not shot:
            shots = self.recording.shots
            self.drawn = (shot, self.figure.frame(shot, any(shot is read for read in (*shots[:FIRST], shots[-1]))))
        whole = Image.new("RGB", (self.width, self.height), PAPER)
        if self.circuit:
            circuit = self.circuit.frame(moment)
            whole.paste(circuit, (0, (self.height - circuit.height) // 2))
        whole.paste(self.drawn[1], (self.width - WIDTH, (self.height - HEIGHT) // 2))
        return whole


def _step(name: str, before: Value, after: Value) -> str:
    """Tell how a parameter moved; of an array that is shown by its shape, only that it did."""
    told = number(before), number(after)
    return name if shape_of(after) and told[0] == told[1] else f"{name} {told[0]} → {told[1]}"
