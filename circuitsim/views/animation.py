"""Films a run, message by message: where each message is, which gate fires, which number comes out.

Frames are drawn from the trace. The figure is drawn once; a number that stays is painted into the background
when it appears, and each frame adds only what moves.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from typing import Any, cast

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from circuitsim.gates.value import Value
from circuitsim.netlist import Netlist
from circuitsim.progress import progress_bar
from circuitsim.simulation.explanation import arithmetic, chain_rule, label
from circuitsim.simulation.trace import Kind, Record, Trace
from circuitsim.views.fold import fold
from circuitsim.views.movie import FRAME, check_film, write_film
from circuitsim.views.picture import (
    EDGES,
    FAINT,
    FILLS,
    FONT,
    GRADIENT,
    INCH,
    INK,
    LETTER,
    PAPER,
    VALUE,
    WIRE,
    Sketch,
    letters_needed,
    number,
    shorten,
)

__all__ = ["Moment", "Stage", "animate", "film", "palette"]

FRAMES_A_TICK = 8
MOST_FRAMES = 480  # longer runs are sampled more coarsely
HOLD_TURN = 1200  # milliseconds to look at the outputs before the pull
HOLD_END = 3000
WIDEST = 2000  # pixels
GLOW = "#ffb300"


@dataclass
class Moment:
    """What can be seen at one point of time: numbers that stand, gates that fire, messages under way."""

    time: float
    duration: int  # milliseconds
    values: dict[int, Value]
    gradients: dict[int, Value]
    firing: list[Record] = field(default_factory=list)
    moving: list[Record] = field(default_factory=list)
    heading: str = ""  # instead of what flows and when


def animate(trace: Trace, path: str | PathLike[str]) -> None:
    """Film a trace; big circuits are folded into groups.

    Parameters
    ----------
    trace : Trace
        A run, or several.
    path : path-like
        Where to; the suffix, ``.gif`` or ``.mp4``, chooses the form.

    Raises
    ------
    SaveError
        If the suffix is unknown, the file cannot be written, or there is no ffmpeg for an MP4.
    """
    path = check_film(path)
    folding = fold(trace.netlist)
    if folding is not None:
        trace = folding.trace(trace)
    with rc_context({"font.family": "DejaVu Sans"}):
        moments = list(film(trace))
        numbers = [by_node for moment in moments for by_node in (moment.values, moment.gradients)]
        stage = Stage(trace.netlist, letters_needed(trace.netlist, numbers))
        stage.begin(trace)
        with progress_bar("filming", len(moments)) as advance:

            def frames() -> Iterator[tuple[Image.Image, int]]:
                for count, moment in enumerate(moments, 1):
                    yield stage.frame(moment), moment.duration
                    advance(count, "")

            write_film(path, frames(), palette())


def film(trace: Trace) -> Iterator[Moment]:
    """Yield the moments to show, evenly spaced in simulated time, with pauses at the turn and at the end."""
    start, end = trace.span
    steps = min(MOST_FRAMES, max(1, round((end - start) * FRAMES_A_TICK)))
    times = [start + (end - start) * step / steps for step in range(steps + 1)]
    pulls = {record.start for record in trace if record.kind is Kind.GRADIENT and _from_output(trace, record)}
    for turn in pulls:  # look at the outputs exactly when they are pulled
        times.append(turn)
    yield from _sweep(trace, sorted(set(times)), pulls)


def _from_output(trace: Trace, record: Record) -> bool:
    return trace.netlist.nodes[trace.netlist.wires[record.where].target].kind == "output"


def _sweep(trace: Trace, times: list[float], turns: set[float]) -> Iterator[Moment]:
    """Walk through the records in order of time and yield what each moment shows."""
    netlist = trace.netlist
    values: dict[int, Value] = dict(trace.held)
    for record in trace:
        source = netlist.wires[record.where].source if record.kind is Kind.VALUE else None
        if source is not None and netlist.nodes[source].kind in ("input", "parameter"):
            values.setdefault(source, record.value)
    felt: dict[int, dict[int, Value]] = {}
    begins = sorted(trace, key=lambda record: record.start)
    ends = sorted(trace, key=lambda record: record.end)
    starts = [record.start for record in begins]
    active: list[Record] = []
    begun = ended = 0
    for time in times:
        while begun < bisect_right(starts, time):
            active.append(begins[begun])
            begun += 1
        while ended < len(ends) and ends[ended].end <= time:
            record = ends[ended]
            ended += 1
            if record.kind is Kind.FORWARD:
                values[record.where] = record.value
            elif record.kind is Kind.GRADIENT:
                wire = netlist.wires[record.where]
                felt.setdefault(wire.source, {})[record.where] = record.value
        active = [record for record in active if record.end > time]
        turn = time in turns
        yield Moment(
            time,
            HOLD_TURN if turn else HOLD_END if time == times[-1] else FRAME,
            dict(values),
            {node: _sum_in_order(by_wire) for node, by_wire in felt.items()},
            [record for record in active if record.kind in (Kind.FORWARD, Kind.BACKWARD)],
            [record for record in active if record.kind in (Kind.VALUE, Kind.GRADIENT)],
        )


def _sum_in_order(by_wire: dict[int, Value]) -> Value:
    arrived = [by_wire[wire] for wire in sorted(by_wire)]
    total = arrived[0]
    for gradient in arrived[1:]:
        total = total + gradient
    return total


class Stage:
    """A circuit on which moments of its runs are drawn.

    Parameters
    ----------
    netlist : Netlist
        The circuit.
    letters : list of int
        How many letters the longest number of each node needs, in all the runs to be shown.
    widest : int
        The most pixels it may be wide.
    """

    def __init__(self, netlist: Netlist, letters: list[int], widest: int = WIDEST) -> None:
        self.sketch = Sketch(netlist, letters, header=3.4, footer=2.6)
        pixels = self.sketch.width * self.sketch.figure.dpi * INCH
        if pixels > widest:
            self.sketch.figure.set_dpi(self.sketch.figure.dpi * widest / pixels)
        left, right = self.sketch.axes.get_xlim()
        bottom, top = self.sketch.axes.get_ylim()
        self.middle, self.top, self.bottom = (left + right) / 2, top - 1.2, bottom + 1.4
        self.room = int((right - left) / LETTER)  # letters that fit in a line
        self.sketch.text(self.middle, self.top, shorten(netlist.name, self.room), fontsize=FONT + 2, weight="bold")
        self.canvas = cast(Any, self.sketch.canvas)  # of a library without types
        self.canvas.draw()
        self.blank = self.canvas.copy_from_bbox(self.sketch.figure.bbox)
        self.texts: dict[tuple[str, int], Text] = {}

    def begin(self, trace: Trace) -> None:
        """Clear the stage for a run."""
        self.trace = trace
        self.values, self.felt, self.on_wire = trace.values(), trace.gradients(), trace.wire_gradients()
        self.background = self.blank
        self.written: dict[tuple[str, int], str] = {}
        for text in self.texts.values():
            text.remove()
        self.texts = {}

    def frame(self, moment: Moment) -> Image.Image:
        """Draw one moment of the run."""
        self._settle(moment)
        canvas, axes = self.canvas, self.sketch.axes
        canvas.restore_region(self.background)
        for artist in self._movers(moment):
            axes.draw_artist(artist)
            artist.remove()
        size = canvas.get_width_height(physical=True)
        return Image.frombuffer("RGBA", size, canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")

    def _settle(self, moment: Moment) -> None:
        """Paint numbers that have appeared into the background; if one has changed, paint all of them anew."""
        wanted: dict[tuple[str, int], Value] = {}
        for index, node in enumerate(self.trace.netlist.nodes):
            if node.kind in ("output", "constant"):
                continue
            if index in moment.values:
                wanted["value", index] = moment.values[index]
            if index in moment.gradients:
                wanted["gradient", index] = moment.gradients[index]
        new = {key: value for key, value in wanted.items() if self.written.get(key) != number(value)}
        if not new:
            return
        again = any(key in self.texts for key in new)
        for (what, index), value in new.items():
            write = self.sketch.write_value if what == "value" else self.sketch.write_gradient
            if (what, index) in self.texts:
                self.texts[what, index].remove()
            self.texts[what, index] = write(index, value)
            self.written[what, index] = number(value)
        self.canvas.restore_region(self.blank if again else self.background)
        for text in self.texts.values() if again else [self.texts[key] for key in new]:
            self.sketch.axes.draw_artist(text)
        self.background = self.canvas.copy_from_bbox(self.sketch.figure.bbox)

    def _movers(self, moment: Moment) -> list[Artist]:
        artists: list[Artist] = []
        for record in moment.firing:
            patch = self.sketch.outline(record.where, facecolor="none", edgecolor=GLOW, lw=4.0, zorder=5)
            self.sketch.axes.add_patch(patch)
            artists.append(patch)
        for record in moment.moving:
            x, y = self._place(record, moment.time)
            colour = VALUE if record.kind is Kind.VALUE else GRADIENT
            badge = {
                "boxstyle": "round,pad=0.25,rounding_size=0.6",
                "facecolor": colour,
                "edgecolor": "white",
                "lw": 1.0,
            }
            artists.append(self.sketch.text(x, y, number(record.value), color="white", fontsize=FONT - 1, bbox=badge))
        phase, colour = self._phase(moment)
        artists.append(self.sketch.text(self.middle, self.top - 1.6, phase, color=colour))
        artists.append(self.sketch.text(self.middle, self.bottom, self._caption(moment), fontsize=FONT + 1))
        return artists

    def _phase(self, moment: Moment) -> tuple[str, str]:
        if moment.heading:
            return moment.heading, INK
        tick = f"tick {moment.time:.1f}"
        kinds = {record.kind for record in (*moment.moving, *moment.firing)}
        if kinds & {Kind.VALUE, Kind.FORWARD}:
            return f"values flow forward · {tick}", VALUE
        if kinds:
            return f"gradients flow back · {tick}", GRADIENT
        return tick, FAINT

    def _place(self, record: Record, time: float) -> tuple[float, float]:
        """Return where a message is: it travels its wire at even speed."""
        path = self.sketch.layout.paths[record.where]
        share = (time - record.start) / (record.end - record.start) if record.end > record.start else 1.0
        if record.kind is Kind.GRADIENT:
            path = path[::-1]
        lengths = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))))
        at = share * lengths[-1]
        return float(np.interp(at, lengths, path[:, 0])), float(np.interp(at, lengths, path[:, 1]))

    def _caption(self, moment: Moment) -> str:
        """Return one plain sentence about what happens."""
        netlist = self.trace.netlist
        sentences = []
        for record in moment.firing:
            name = netlist.nodes[record.where].name
            if record.kind is Kind.FORWARD:
                sentences.append(f"{name}: {arithmetic(netlist, record.where, self.values)}")
            else:
                shares = chain_rule(netlist, record.where, self.values, self.felt, self.on_wire)
                sentences.append(f"{name} feels {number(record.value)}: {', '.join(shares)}")
        if not sentences:
            for record in moment.moving:
                source, target, _ = netlist.wires[record.where]
                if record.kind is Kind.VALUE:
                    sentences.append(f"{label(netlist, source)} sends {number(record.value)}")
                elif netlist.nodes[target].kind == "output":
                    sentences.append(f"{netlist.nodes[target].name} is pulled with {number(record.value)}")
                else:
                    sentences.append(
                        f"{netlist.nodes[target].name} sends {number(record.value)} back to {label(netlist, source)}"
                    )
        return _fit_in(list(dict.fromkeys(sentences)), self.room).replace("-", "−")


def _fit_in(sentences: list[str], letters: int) -> str:
    """Join as many sentences as there is room for and say how many are left out."""
    for count in range(len(sentences), 0, -1):
        rest = len(sentences) - count
        text = "    ".join(sentences[:count]) + (f"    and {rest} more" if rest else "")
        if len(text) <= letters or count == 1:
            return text
    return ""


def palette(*more: str) -> Image.Image:
    """Return the colours of a film: each colour of the sketch and its blends with what lies behind it, and more."""
    inks = [INK, FAINT, WIRE, VALUE, GRADIENT, GLOW, *EDGES.values()]
    grounds = [PAPER, *FILLS.values(), *more]
    colours = [np.array(to_rgb(colour)) for colour in dict.fromkeys(grounds)]
    for ink in dict.fromkeys(inks):
        for step in range(1, 9):
            colours.append(to_rgb(PAPER) + (np.array(to_rgb(ink)) - to_rgb(PAPER)) * step / 8)
    image = Image.new("P", (1, 1))
    image.putpalette([round(255 * part) for colour in colours[:256] for part in colour])
    return image
