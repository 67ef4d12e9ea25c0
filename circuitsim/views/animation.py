"""Films a run, message by message: where each message is, which gate fires, which number comes out.

Frames are drawn from the trace. The bodies of the circuit are drawn once, and so is each word, token and outline: their
pixels are kept as sprites. A number that stays is stamped on the background when it appears, wires and rivers are drawn
below the bodies when something arrives, and each frame adds what moves.
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
    FONT,
    INCH,
    LETTER,
    POINTS,
    Current,
    Place,
    Room,
    Sketch,
    Standing,
    letters_needed,
    shorten,
    token_shape,
)
from circuitsim.views.figures import lettering
from circuitsim.views.flow import Flow
from circuitsim.views.forms import check_film
from circuitsim.views.grouping import group_gates
from circuitsim.views.layout import Floats
from circuitsim.views.style import (
    GRADIENT,
    GRADIENT_SOFT,
    INK,
    PAPER,
    SOFT,
    SURFACE,
    VALUE,
    VALUE_SOFT,
    WIRE,
    brief,
    minus,
    number,
)
from circuitsim.views.video import FRAME, write_film

__all__ = ["CircuitFrames", "Moment", "animate", "moments_of", "palette"]

FRAMES_A_TICK = 8
MOST_FRAMES = 480  # longer runs are sampled more coarsely
HOLD_TURN = 1200  # milliseconds to look at the outputs before the pull
HOLD_END = 3000
MOST_PIXELS = 2000  # of a side
HALO = 0.32  # units that shine around a gate which fires
ASIDE = 0.55  # units by which messages that meet on a wire keep clear of each other
DIGIT = 0.636 * FONT / 72 / INCH  # the width of a digit of DejaVu Sans, in units
# The widths of signs of DejaVu Sans in bold, of which numbers are put together, as shares of their size.
ADVANCES = dict.fromkeys("0123456789", 0.696) | {".": 0.38, "−": 0.838, "+": 0.838, "e": 0.678}
MOST_SPRITES = 2000  # kept from one run to the next
BLENDS = 8  # steps from a colour to the paper, in a film of few colours
NEAR = 10  # the least by which colours of a film differ, of 255

Sprite: TypeAlias = tuple[Image.Image, int, int]  # pixels, and how far from the left and the top they were drawn


@dataclass
class Moment:
    """What can be seen at one point of time: what stands, gates that fire, messages under way."""

    time: float
    duration: int  # milliseconds
    standing: Standing
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
        drawn = CircuitFrames(trace.netlist, letters_needed(trace.netlist, (moment.standing for moment in moments)))
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
    sent = set()
    for record in trace:
        if record.kind is Kind.VALUE:
            sent.add(record.where)
        if (source := _given(trace, record)) is not None:
            values.setdefault(source, record.value)
    # A parameter that stays at its gate from one run to the next sends nothing.
    carried = {n for n, wire in enumerate(netlist.wires) if wire.source in trace.held and n not in sent}
    felt: dict[tuple[int, int], dict[int, Value]] = {}  # by node and example
    gradients: dict[int, Value] = {}
    returned: dict[int, Value] = {}
    begins = sorted(trace, key=lambda record: record.start)
    ends = sorted(trace, key=lambda record: record.end)
    starts = [record.start for record in begins]
    active: list[Record] = []
    begun = ended = 0
    standing = Standing(dict(values), {}, frozenset(carried), {})
    for time in times:
        before = begun, ended
        while begun < bisect_right(starts, time):
            record = begins[begun]
            active.append(record)
            begun += 1
            if (source := _given(trace, record)) is not None:
                values[source] = record.value
            if record.kind is Kind.GRADIENT and _from_output(trace, record):
                gradients[netlist.wires[record.where].target] = record.value
        while ended < len(ends) and ends[ended].end <= time:
            record = ends[ended]
            ended += 1
            if record.kind is Kind.FORWARD:
                values[record.where] = record.value
            elif record.kind is Kind.VALUE:
                carried.add(record.where)
                if netlist.nodes[target := netlist.wires[record.where].target].kind == "output":
                    values[target] = record.value
            elif record.kind is Kind.GRADIENT:
                source = netlist.wires[record.where].source
                met = felt.setdefault((source, record.tag), {})
                met[record.where] = returned[record.where] = record.value
                gradients[source] = add_up(met[wire] for wire in sorted(met))
        active = [record for record in active if record.end > time]
        if (begun, ended) != before:
            standing = Standing(dict(values), dict(gradients), frozenset(carried), dict(returned))
        turn = time in turns
        yield Moment(
            time,
            HOLD_TURN if turn else HOLD_END if time == times[-1] else FRAME,
            standing,
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
    room : Room
        How many letters the numbers of each node need, in all the runs to be shown.
    most : int
        The most pixels that a side may have.
    """

    def __init__(self, netlist: Netlist, room: Room, most: int = MOST_PIXELS) -> None:
        self.sketch = Sketch(netlist, room, header=3.2, footer=1.5)
        figure = self.sketch.figure
        figure.set_dpi(min(figure.dpi, most / max(figure.get_size_inches())))
        left, right = self.sketch.axes.get_xlim()
        bottom, top = self.sketch.axes.get_ylim()
        self.middle, self.top, self.bottom = (left + right) / 2, top - 1.2, bottom + 1.0
        self.room = int((right - left) / LETTER)  # letters that fit in a line
        self.sketch.text(self.middle, self.top, shorten(netlist.name, self.room), fontsize=FONT + 2, weight="bold")
        self.canvas = cast(Any, self.sketch.canvas)  # of a library without types
        figure.patch.set_alpha(0.0)
        self.canvas.draw()
        self.bodies = Image.fromarray(np.array(self.canvas.buffer_rgba()))
        self.paper = Image.new("RGB", self.bodies.size, PAPER)
        self.ways = [_way(path) for path in self.sketch.paths]
        self.sprites: dict[Hashable, Sprite] = {}

    def begin(self, trace: Trace, batch: int = 0) -> None:
        """Begin a run; messages are numbered by their place in a batch of so many, if it is not 0."""
        self.trace = trace
        self.batch = batch
        self.known: dict[int, tuple[dict[int, Value], dict[int, Value], dict[int, Value]]] = {}
        self.standing: Standing | None = None
        self.current: Current | None = None
        self.written: dict[Place, str] = {}
        if len(self.sprites) > MOST_SPRITES:
            self.sprites.clear()

    def frame(self, moment: Moment) -> Image.Image:
        """Draw one moment of the run."""
        if moment.standing is not self.standing:
            self._settle(moment.standing)
        picture = self.background.copy()
        for sprite, x, y in self._movers(moment):
            self._stamp(picture, sprite, x, y)
        return picture

    def _settle(self, standing: Standing) -> None:
        """Stamp numbers that have appeared onto the background; if a flow or a number has changed, make it anew."""
        self.standing = standing
        words = self.sketch.words(standing)
        new = {place: told for place, told in words.items() if self.written.get(place) != told}
        current = self.sketch.current(standing)
        if current != self.current or any(place in self.written for place in new):
            self.current, self.background = current, self._ground(current)
            new = self.written | new
        self.written |= new
        for place, told in new.items():
            self._write(place, told)

    def _write(self, place: Place, words: str) -> None:
        """Stamp a number onto the background, put together from its signs: there are few of these."""
        if not set(words) <= ADVANCES.keys():
            self._stamp(
                self.background, self._sprite((place, words), partial(self.sketch.write, place, words)), 0.0, 0.0
            )
            return
        wide = [ADVANCES[sign] * place.size / POINTS for sign in words]
        x = place.x - self.middle - {"left": 0.0, "center": 0.5, "right": 1.0}[place.across] * sum(wide)
        corner = place._replace(x=self.middle, y=self.bottom, across="left")
        for sign, width in zip(words, wide, strict=True):
            sprite = self._sprite((corner, sign), partial(self.sketch.write, corner, sign))
            self._stamp(self.background, sprite, x, place.y - self.bottom)
            x += width

    def _ground(self, current: Current) -> Image.Image:
        """Return the paper with what flows, and the bodies above it."""
        renderer = self.canvas.get_renderer()
        renderer.clear()
        for artist in self.sketch.add_current(current):
            self.sketch.axes.draw_artist(artist)
            artist.remove()
        flow = Image.fromarray(np.asarray(self.canvas.buffer_rgba()))
        ground = self.paper.copy()
        ground.paste(flow, (0, 0), flow)
        ground.paste(self.bodies, (0, 0), self.bodies)
        return ground

    def _movers(self, moment: Moment) -> Iterator[tuple[Sprite, float, float]]:
        """Yield what is to be seen at one moment only, and how far it is moved from where it was drawn."""
        for record in moment.firing:
            forward = record.kind is Kind.FORWARD
            halo = VALUE_SOFT if forward else GRADIENT_SOFT
            yield self._sprite((halo, record.where), partial(self._halo, record.where, halo)), 0.0, 0.0
            if self.batch:
                colour = VALUE if forward else GRADIENT
                box = self.sketch.layout.boxes[record.where]
                yield self._numbered(record, colour, box.x, box.y + BODY / 2 + 0.4)
        ways = {(record.where, record.kind) for record in moment.moving}
        for record in moment.moving:
            forward = record.kind is Kind.VALUE
            words, colour = brief(record.value), VALUE if forward else GRADIENT
            half = len(words) * LETTER / 2 + 0.5
            x, y = self._place(record, moment.time, half)
            if (record.where, Kind.GRADIENT if forward else Kind.VALUE) in ways:  # they pass each other
                y += ASIDE if forward else -ASIDE
            yield self._sprite((words, forward), partial(self._token, words, forward)), x - self.middle, y - self.bottom
            if self.batch:
                yield self._numbered(record, colour, x - half if forward else x + half, y)
        text, high = self.sketch.text, self.top - 1.5
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

    def _halo(self, index: int, colour: str) -> Artist:
        patch = self.sketch.outline(index, HALO / 2, facecolor="none", edgecolor=colour, lw=HALO * INCH * 72, zorder=5)
        self.sketch.axes.add_patch(patch)
        return patch

    def _token(self, words: str, forward: bool) -> Artist:
        box = {"boxstyle": token_shape(forward), "facecolor": VALUE if forward else GRADIENT, "lw": 0.0}
        style: dict[str, Any] = {"color": SURFACE, "fontsize": FONT - 1.5, "weight": "bold", "bbox": box}
        return self.sketch.text(self.middle, self.bottom, words, **style)

    def _numbered(self, record: Record, colour: str, x: float, y: float) -> tuple[Sprite, float, float]:
        """Return the number of an example, to be put at a place."""
        words = str(record.tag % self.batch)
        return (
            self._sprite(("number", words, colour), partial(self._number, words, colour)),
            x - self.middle,
            y - self.bottom,
        )

    def _number(self, words: str, colour: str) -> Artist:
        box = {"boxstyle": "round,pad=0.2,rounding_size=0.3", "facecolor": SURFACE, "edgecolor": colour, "lw": 1.2}
        return self.sketch.text(self.middle, self.bottom, words, color=colour, fontsize=FONT - 1, bbox=box)

    def _sprite(self, key: Hashable, make: Callable[[], Artist]) -> Sprite:
        """Return the pixels of an artist and where they are; each is drawn once, for text is slow to draw."""
        if key not in self.sprites:
            artist = make()
            renderer = self.canvas.get_renderer()
            renderer.clear()
            self.sketch.axes.draw_artist(artist)
            artist.remove()
            pixels = Image.fromarray(np.asarray(self.canvas.buffer_rgba()))
            box = pixels.getchannel("A").getbbox() or (0, 0, 1, 1)
            self.sprites[key] = (pixels.crop(box), *box[:2])
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
        return ("gradients flow back", GRADIENT) if kinds else ("", SOFT)

    def _place(self, record: Record, time: float, away: float) -> tuple[float, float]:
        """Return where a message is: it travels its wire at even speed, and keeps away from both ends."""
        path, lengths = self.ways[record.where]
        share = (time - record.start) / (record.end - record.start) if record.end > record.start else 1.0
        if record.kind is Kind.GRADIENT:
            share = 1.0 - share
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


def _way(path: Floats) -> tuple[Floats, Floats]:
    """Return the points of a path and how far each is along it; it takes no way from one row to the next."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    kept = ~np.isnan(path[:, 0])
    return path[kept], np.concatenate(([0.0], np.cumsum(np.nan_to_num(steps))))[kept]


def palette(*more: tuple[str, str]) -> Image.Image:
    """Return the colours of a film: each colour of the sketch, and pairs that lie beside each other with their blends.

    Parameters
    ----------
    *more : (str, str)
        More pairs than the sketch has.
    """
    inks = (INK, SOFT, WIRE, VALUE, GRADIENT, VALUE_SOFT, GRADIENT_SOFT)
    pairs = [
        *((ink, PAPER) for ink in inks),
        *((ink, SURFACE) for ink in (INK, VALUE, GRADIENT)),
        *((ink, GRADIENT_SOFT) for ink in (INK, VALUE, SURFACE)),
        (INK, VALUE_SOFT),
        *more,
    ]
    pure = dict.fromkeys(colour for pair in pairs for colour in pair)
    colours = [np.array(to_rgb(colour)) * 255 for colour in pure]
    for ink, ground in pairs:
        one, other = (np.array(to_rgb(colour)) * 255 for colour in (ink, ground))
        for step in range(1, BLENDS):
            blend = other + (one - other) * step / BLENDS
            # Pillow looks colours up in boxes of 4, and would take a near one for another.
            if min(np.abs(blend - known).max() for known in colours) > NEAR:
                colours.append(blend)
    assert len(colours) <= 256
    image = Image.new("P", (1, 1))
    image.putpalette([round(part) for colour in colours for part in colour.tolist()])
    return image
