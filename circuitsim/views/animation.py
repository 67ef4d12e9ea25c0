"""Films a run, message by message: where each message is, which gate fires, which number comes out.

Frames are drawn from the trace. The figure is drawn once, and so is each word, badge and outline: their pixels are
kept as sprites. A number that stays is stamped on the background when it appears, and each frame adds what moves.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from typing import Any, TypeAlias, cast

import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from circuitsim.circuit.netlist import Netlist
from circuitsim.gates.value import Value, add_up
from circuitsim.progress import progress_bar
from circuitsim.trace.explanation import arithmetic, chain_rule
from circuitsim.trace.kinds import Kind, Record
from circuitsim.trace.trace import Trace
from circuitsim.trace.words import label
from circuitsim.views.circuit_picture import (
    BODY,
    EDGES,
    FILLS,
    FONT,
    INCH,
    LETTER,
    WIRE,
    Sketch,
    letters_needed,
    shorten,
)
from circuitsim.views.figures import lettering
from circuitsim.views.flow import Flow
from circuitsim.views.forms import check_film
from circuitsim.views.grouping import group_gates
from circuitsim.views.style import FAINT, GRADIENT, INK, PAPER, VALUE, minus, number
from circuitsim.views.video import FRAME, write_film

__all__ = ["CircuitFrames", "Moment", "animate", "moments_of", "palette"]

FRAMES_A_TICK = 8
MOST_FRAMES = 480  # longer runs are sampled more coarsely
HOLD_TURN = 1200  # milliseconds to look at the outputs before the pull
HOLD_END = 3000
WIDEST = 2000  # pixels
GLOW = "#ffb300"
ASIDE = 0.55  # units by which messages that meet on a wire keep clear of each other
DIGIT = 0.636 * FONT / 72 / INCH  # the width of a digit of DejaVu Sans, in units
MOST_SPRITES = 2000  # kept from one run to the next

Sprite: TypeAlias = tuple[Image.Image, int, int]  # pixels, and how far from the left and the top they were drawn


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


def animate(trace: Trace, path: str | PathLike[str], tags: Collection[int] | None = None) -> None:
    """Film a trace; big circuits are folded into groups.

    Parameters
    ----------
    trace : Trace
        A run, or several.
    path : path-like
        Where to; the suffix, ``.gif`` or ``.mp4``, chooses the form.
    tags : collection of int, optional
        The examples to show; all, if not given.

    Raises
    ------
    SaveError
        If the suffix is unknown, the file cannot be written, or there is no ffmpeg for an MP4.
    """
    path = check_film(path)
    flow = Flow.of(trace, tags)
    trace = flow.trace
    grouping = group_gates(trace.netlist)
    if grouping is not None:
        trace = grouping.trace(trace)
    with lettering():
        moments = list(moments_of(trace))
        numbers = [by_node for moment in moments for by_node in (moment.values, moment.gradients)]
        drawn = CircuitFrames(trace.netlist, letters_needed(trace.netlist, numbers))
        drawn.begin(trace, flow.batch)
        with progress_bar("filming", len(moments)) as advance:

            def frames() -> Iterator[tuple[Image.Image, int]]:
                for count, moment in enumerate(moments, 1):
                    yield drawn.frame(moment), moment.duration
                    advance(count, "")

            write_film(path, frames(), palette())


def moments_of(trace: Trace) -> Iterator[Moment]:
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
        if (source := _given(trace, record)) is not None:
            values.setdefault(source, record.value)
    felt: dict[tuple[int, int], dict[int, Value]] = {}  # by node and example
    gradients: dict[int, Value] = {}
    begins = sorted(trace, key=lambda record: record.start)
    ends = sorted(trace, key=lambda record: record.end)
    starts = [record.start for record in begins]
    active: list[Record] = []
    begun = ended = 0
    for time in times:
        while begun < bisect_right(starts, time):
            record = begins[begun]
            active.append(record)
            begun += 1
            if (source := _given(trace, record)) is not None:
                values[source] = record.value
        while ended < len(ends) and ends[ended].end <= time:
            record = ends[ended]
            ended += 1
            if record.kind is Kind.FORWARD:
                values[record.where] = record.value
            elif record.kind is Kind.GRADIENT:
                source = netlist.wires[record.where].source
                met = felt.setdefault((source, record.tag), {})
                met[record.where] = record.value
                gradients[source] = add_up(met[wire] for wire in sorted(met))
        active = [record for record in active if record.end > time]
        turn = time in turns
        yield Moment(
            time,
            HOLD_TURN if turn else HOLD_END if time == times[-1] else FRAME,
            dict(values),
            dict(gradients),
            [record for record in active if record.kind in (Kind.FORWARD, Kind.BACKWARD)],
            [record for record in active if record.kind in (Kind.VALUE, Kind.GRADIENT)],
        )


def _given(trace: Trace, record: Record) -> int | None:
    """Return the input or parameter whose value a record tells, if it tells one."""
    if record.kind is not Kind.VALUE:
        return None
    source = trace.netlist.wires[record.where].source
    return source if trace.netlist.nodes[source].kind in ("input", "parameter") else None


class CircuitFrames:
    """Draws moments of a circuit's runs as the frames of a film.

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
        self.blank = Image.fromarray(np.asarray(self.canvas.buffer_rgba())).convert("RGB")
        self.sprites: dict[Hashable, Sprite] = {}

    def begin(self, trace: Trace, batch: int = 0) -> None:
        """Begin a run; messages are numbered by their place in a batch of so many, if it is not 0."""
        self.trace = trace
        self.batch = batch
        self.known: dict[int, tuple[dict[int, Value], dict[int, Value], dict[int, Value]]] = {}
        self.background = self.blank.copy()
        self.written: dict[tuple[str, int], str] = {}
        if len(self.sprites) > MOST_SPRITES:
            self.sprites.clear()

    def frame(self, moment: Moment) -> Image.Image:
        """Draw one moment of the run."""
        self._settle(moment)
        picture = self.background.copy()
        for sprite, x, y in self._movers(moment):
            self._stamp(picture, sprite, x, y)
        return picture

    def _settle(self, moment: Moment) -> None:
        """Stamp numbers that have appeared onto the background; if one has changed, stamp all of them anew."""
        wanted: dict[tuple[str, int], str] = {}
        for index, node in enumerate(self.trace.netlist.nodes):
            if node.kind not in ("output", "constant"):
                for what, numbers in (("value", moment.values), ("gradient", moment.gradients)):
                    if index in numbers:
                        wanted[what, index] = number(numbers[index])
        new = {key: words for key, words in wanted.items() if self.written.get(key) != words}
        if not new:
            return
        if any(key in self.written for key in new):
            self.background = self.blank.copy()
            new = {**self.written, **new}
        self.written |= new
        for (what, index), words in new.items():
            values = moment.values if what == "value" else moment.gradients
            write = self.sketch.write_value if what == "value" else self.sketch.write_gradient
            sprite = self._sprite((what, index, words), partial(write, index, values[index]))
            self._stamp(self.background, sprite, 0.0, 0.0)

    def _movers(self, moment: Moment) -> Iterator[tuple[Sprite, float, float]]:
        """Yield what is to be seen at one moment only, and how far it is moved from where it was drawn."""
        for record in moment.firing:
            yield self._sprite(("firing", record.where), partial(self._outline, record.where)), 0.0, 0.0
            if self.batch:
                colour = VALUE if record.kind is Kind.FORWARD else GRADIENT
                box = self.sketch.layout.boxes[record.where]
                yield self._numbered(record, colour, box.x, box.y + BODY / 2 + 0.4)
        ways = {(record.where, record.kind) for record in moment.moving}
        for record in moment.moving:
            forward = record.kind is Kind.VALUE
            words, colour = number(record.value), VALUE if forward else GRADIENT
            half = len(words) * LETTER / 2 + 0.5
            x, y = self._place(record, moment.time, half)
            if (record.where, Kind.GRADIENT if forward else Kind.VALUE) in ways:  # they pass each other
                y += ASIDE if forward else -ASIDE
            yield self._sprite((words, colour), partial(self._badge, words, colour)), x - self.middle, y - self.bottom
            if self.batch:
                yield self._numbered(record, colour, x - half if forward else x + half, y)
        text, high = self.sketch.text, self.top - 1.6
        phase, colour = self._phase(moment)
        if moment.heading:
            yield self._sprite((phase,), partial(text, self.middle, high, phase, color=colour)), 0.0, 0.0
        else:  # the time is put together from digits: it is another one in each frame
            words, digits = f"{phase} · tick" if phase else "tick", f"{moment.time:.1f}"
            sprite = self._sprite((words,), partial(text, self.middle, high, words, color=colour, ha="right"))
            wide = DIGIT * (len(digits) - 0.5)
            x = (sprite[0].width / (self.sketch.figure.dpi * INCH) - wide) / 2
            yield sprite, x, 0.0
            for digit in digits:
                draw = partial(text, self.middle, high, digit, color=colour, ha="left")
                yield self._sprite(("digit", digit, colour), draw), x + DIGIT / 2, 0.0
                x += DIGIT / 2 if digit == "." else DIGIT
        caption = self._caption(moment)
        if caption:
            draw = partial(text, self.middle, self.bottom, caption, fontsize=FONT + 1)
            yield self._sprite(("caption", caption), draw), 0.0, 0.0

    def _outline(self, index: int) -> Artist:
        patch = self.sketch.outline(index, facecolor="none", edgecolor=GLOW, lw=4.0, zorder=5)
        self.sketch.axes.add_patch(patch)
        return patch

    def _badge(self, words: str, colour: str) -> Artist:
        box = {"boxstyle": "round,pad=0.25,rounding_size=0.6", "facecolor": colour, "edgecolor": "white", "lw": 1.0}
        return self.sketch.text(self.middle, self.bottom, words, color="white", fontsize=FONT - 1, bbox=box)

    def _numbered(self, record: Record, colour: str, x: float, y: float) -> tuple[Sprite, float, float]:
        """Return the number of an example, to be put at a place."""
        words = str(record.tag % self.batch)
        return (
            self._sprite(("number", words, colour), partial(self._number, words, colour)),
            x - self.middle,
            y - self.bottom,
        )

    def _number(self, words: str, colour: str) -> Artist:
        box = {"boxstyle": "round,pad=0.2,rounding_size=0.3", "facecolor": PAPER, "edgecolor": colour, "lw": 1.2}
        return self.sketch.text(self.middle, self.bottom, words, color=colour, fontsize=FONT - 1, bbox=box)

    def _sprite(self, key: Hashable, make: Callable[[], Artist]) -> Sprite:
        """Return the pixels of an artist and where they are; each is drawn once, for text is slow to draw."""
        if key not in self.sprites:
            artist = make()
            renderer = self.canvas.get_renderer()
            renderer.clear()
            self.sketch.axes.draw_artist(artist)
            box = artist.get_bbox_patch() if isinstance(artist, Text) else None
            extent = (box or artist).get_window_extent(renderer).padded(4)
            artist.remove()
            pixels = np.asarray(self.canvas.buffer_rgba())
            height, width = pixels.shape[:2]
            left, right = (int(np.clip(x, 0, width)) for x in (extent.x0, extent.x1 + 1))
            top, low = (int(np.clip(height - y, 0, height)) for y in (extent.y1 + 1, extent.y0))
            self.sprites[key] = (Image.fromarray(pixels[top:low, left:right].copy()), left, top)
        return self.sprites[key]

    def _stamp(self, picture: Image.Image, sprite: Sprite, x: float, y: float) -> None:
        """Put a sprite on a picture, moved by so many units of the sketch."""
        pixels, left, top = sprite
        unit = self.sketch.figure.dpi * INCH
        picture.paste(pixels, (left + round(x * unit), top - round(y * unit)), pixels)

    def _phase(self, moment: Moment) -> tuple[str, str]:
        if moment.heading:
            return moment.heading, INK
        kinds = {record.kind for record in (*moment.moving, *moment.firing)}
        if kinds & {Kind.VALUE, Kind.FORWARD}:
            if self.batch and kinds & {Kind.GRADIENT, Kind.BACKWARD}:
                return "values flow forward, gradients back", INK
            return "values flow forward", VALUE
        return ("gradients flow back", GRADIENT) if kinds else ("", FAINT)

    def _place(self, record: Record, time: float, away: float) -> tuple[float, float]:
        """Return where a message is: it travels its wire at even speed, and keeps away from both ends."""
        path = self.sketch.layout.paths[record.where]
        share = (time - record.start) / (record.end - record.start) if record.end > record.start else 1.0
        if record.kind is Kind.GRADIENT:
            path = path[::-1]
        lengths = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))))
        free = min(away, lengths[-1] / 2)
        at = free + share * (lengths[-1] - 2 * free)
        return float(np.interp(at, lengths, path[:, 0])), float(np.interp(at, lengths, path[:, 1]))

    def _caption(self, moment: Moment) -> str:
        """Return one plain sentence about what happens."""
        netlist = self.trace.netlist
        sentences = []
        for record in moment.firing:
            name, (values, felt, on_wire) = netlist.nodes[record.where].name, self._example(record.tag)
            if record.kind is Kind.FORWARD:
                sentences.append(f"{self._of(record)}{name}: {arithmetic(netlist, record.where, values)}")
            else:
                shares = chain_rule(netlist, record.where, values, felt, on_wire)
                sentences.append(f"{self._of(record)}{name} feels {number(record.value)}: {', '.join(shares)}")
        if not sentences:
            for record in moment.moving:
                source, target, _ = netlist.wires[record.where]
                if record.kind is Kind.VALUE:
                    told = f"{label(netlist, source)} sends {number(record.value)}"
                elif netlist.nodes[target].kind == "output":
                    told = f"{netlist.nodes[target].name} is pulled with {number(record.value)}"
                else:
                    told = f"{netlist.nodes[target].name} sends {number(record.value)} back to {label(netlist, source)}"
                sentences.append(self._of(record) + told)
        return minus(_fit_in(list(dict.fromkeys(sentences)), self.room))

    def _of(self, record: Record) -> str:
        """Return what stands before a sentence about one of several examples that are under way."""
        return f"{record.tag % self.batch} · " if self.batch else ""

    def _example(self, tag: int) -> tuple[dict[int, Value], dict[int, Value], dict[int, Value]]:
        """Return the values, the gradients, and the gradients by wire of an example."""
        if tag not in self.known:
            trace = self.trace
            self.known[tag] = trace.values(tag), trace.gradients(tag), trace.wire_gradients(tag)
        return self.known[tag]


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
