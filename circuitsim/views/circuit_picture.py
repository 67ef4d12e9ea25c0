"""Draws a circuit in layers: values in green above each wire, gradients in red below it, as the guide has it.

`Sketch` holds the static parts, drawn once; the picture adds the final numbers to it, the animation adds what
moves.
"""

import io
from os import PathLike
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text

from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.netlist import Netlist
from circuitsim.files import check_path
from circuitsim.gates.value import Value
from circuitsim.trace.trace import Trace
from circuitsim.trace.words import label
from circuitsim.views.figures import lettering, save_figure, write_figure
from circuitsim.views.forms import PICTURES
from circuitsim.views.grouping import group_gates
from circuitsim.views.layout import lay_out
from circuitsim.views.style import FAINT, GRADIENT, INK, PAPER, VALUE, minus, number, plain
from circuitsim.views.wrapping import Going, wrap

__all__ = ["Sketch", "draw", "letters_needed", "shorten", "svg"]

WIRE = "#8b949e"
FILLS = {"gate": "#eef4ff", "input": "#f6f8fa", "parameter": "#fff4d6", "output": "#f6f8fa"}
EDGES = {"gate": "#3b6cb7", "input": "#57606a", "parameter": "#9a6700", "output": "#57606a"}

INCH = 0.2  # inches to a unit of the layout
FONT = 10.0
LETTER = 0.47  # width of a letter in units, on the safe side for DejaVu Sans at this size
MARGIN = 1.2
DENSE = 150  # more wires than this are drawn thin and pale
BODY = 1.8  # height of a node's body
DPI = 150  # of pictures
PAGE = 130.0  # width of a page in units: 3,900 pixels
MOST_PIXELS = 8000  # of a side: what is higher has fewer pixels to the inch
SMALL = 0.7  # letters of names that are said again
LONG = 12  # letters of such a name, at most


class Sketch:
    """A figure with the wires and bodies of a circuit, and empty places for its numbers.

    Parameters
    ----------
    netlist : Netlist
        The circuit.
    letters : list of int
        How many letters the longest number of each node needs.
    header, footer : float
        Free space above and below, in units.
    dpi : int
        Pixels to the inch.
    page : bool
        Whether to break what is wider than a page into rows.
    """

    def __init__(
        self,
        netlist: Netlist,
        letters: list[int],
        *,
        header: float = 0.0,
        footer: float = 0.0,
        dpi: int = 100,
        page: bool = False,
    ) -> None:
        self.netlist = netlist
        self.layout = lay_out(
            netlist,
            lambda index: (self._body_width(index), BODY + (1.8 if netlist.nodes[index].kind == "gate" else 0.8)),
            lambda index: letters[index] * LETTER + 0.9 if letters[index] else 0.4,
        )
        going: list[Going] = []
        if page and self.layout.width > PAGE:
            longest = max((len(label(netlist, index)) for index in range(len(netlist.nodes))), default=0)
            wrapped = wrap(self.layout, netlist, PAGE, min(longest, LONG) * LETTER * SMALL)
            self.layout, going = wrapped.layout, wrapped.going
        self.width = max(self.layout.width + 2 * MARGIN, 42.0 if header else 0.0)
        self.height = self.layout.height + 2 * MARGIN + header + footer
        self.figure = Figure(figsize=(self.width * INCH, self.height * INCH), dpi=dpi, facecolor=PAPER)
        self.canvas = FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self.axes.set_axis_off()
        spare = self.width - self.layout.width
        self.axes.set_xlim(-spare / 2, self.layout.width + spare / 2)
        self.axes.set_ylim(-MARGIN - footer, self.layout.height + MARGIN + header)
        self._draw_wires()
        for index in range(len(netlist.nodes)):
            self._draw_body(index)
        for node, x, y in ((one.node, one.x, one.y) for one in going):
            self.text(x - 0.2, y, shorten(label(netlist, node), LONG), fontsize=FONT * SMALL, color=FAINT, ha="right")

    def write_value(self, index: int, value: Value) -> Text:
        """Write a node's value above the wire it drives; there is room for a badge that travels between the numbers."""
        return self._write(index, value, VALUE, 0.48, "bottom")

    def write_gradient(self, index: int, gradient: Value) -> Text:
        """Write a node's gradient below the wire it drives."""
        return self._write(index, gradient, GRADIENT, -0.5, "top")

    def outline(self, index: int, **style: Any) -> FancyBboxPatch:
        """Return a patch in the shape of a node's body."""
        box = self.layout.boxes[index]
        kind = self.netlist.nodes[index].kind
        rounding = BODY / 2 if kind == "gate" else 0.3
        width = box.width - 0.2
        return FancyBboxPatch(
            (box.x - width / 2, box.y - BODY / 2),
            width,
            BODY,
            boxstyle=f"round,pad=0,rounding_size={min(rounding, width / 2)}",
            **style,
        )

    def text(self, x: float, y: float, words: str, **style: Any) -> Text:
        """Write words as they are: a dollar sign is a dollar sign."""
        style = {"fontsize": FONT, "color": INK, "ha": "center", "va": "center", "parse_math": False, **style}
        return self.axes.text(x, y, plain(words), **style)

    def _write(self, index: int, value: Value, colour: str, offset: float, anchor: str) -> Text:
        box = self.layout.boxes[index]
        return self.text((box.start + box.end) / 2, box.y + offset, number(value), color=colour, va=anchor, zorder=4)

    def _draw_wires(self) -> None:
        dense = len(self.layout.paths) > DENSE
        style: dict[str, Any] = {"color": WIRE, "zorder": 1, "alpha": 0.4 if dense else 1.0}
        for path in self.layout.paths:
            self.axes.plot(path[:, 0], path[:, 1], lw=0.8 if dense else 1.3, solid_capstyle="round", **style)
            self.axes.plot(path[-1, 0] - 0.12, path[-1, 1], ">", ms=4.5, mew=0, **style)

    def _draw_body(self, index: int) -> None:
        box, node = self.layout.boxes[index], self.netlist.nodes[index]
        if node.kind != "constant":
            self.axes.add_patch(
                self.outline(index, facecolor=FILLS[node.kind], edgecolor=EDGES[node.kind], lw=1.4, zorder=2)
            )
        self.text(box.x, box.y, self._title(index), fontsize=FONT + 2 if node.gate else FONT, zorder=3)
        if node.gate:
            self.text(box.x, box.y - BODY / 2 - 0.42, node.name, fontsize=FONT - 3, color=FAINT, zorder=3)

    def _title(self, index: int) -> str:
        node = self.netlist.nodes[index]
        if node.gate:
            return node.gate.symbol
        return minus(label(self.netlist, index)) if node.kind == "constant" else node.name

    def _body_width(self, index: int) -> float:
        node = self.netlist.nodes[index]
        own = len(self._title(index)) * LETTER * (1.2 if node.gate else 1.0) + 0.9
        # The name below a gate is smaller, and may reach a little to both sides.
        return max(own, BODY + 0.2, len(node.name) * LETTER * 0.72 if node.gate else 0.0)


def draw(source: Trace | Netlist | Circuit, path: str | PathLike[str]) -> None:
    """Draw a circuit, with its final values and gradients if a trace is given; big circuits are folded into groups.

    Parameters
    ----------
    source : Trace, Netlist or Circuit
        What to draw.
    path : path-like
        Where to; the suffix, ``.svg``, ``.png`` or ``.pdf``, chooses the format.

    Raises
    ------
    SaveError
        If the suffix is unknown or the file cannot be written.
    CircuitError
        If the circuit's wiring is wrong.
    """
    path = check_path(path, PICTURES)
    with lettering():
        figure = _figure(source)
        save_figure(figure, path, min(DPI, MOST_PIXELS / max(figure.get_size_inches())))


def svg(source: Trace | Netlist | Circuit) -> str:
    """Return the picture that `draw` makes as the text of an SVG."""
    file = io.BytesIO()
    with lettering():
        write_figure(_figure(source), file, "svg", DPI)
    return file.getvalue().decode()


def _figure(source: Trace | Netlist | Circuit) -> Figure:
    if isinstance(source, Circuit):
        source = Netlist(source)
    netlist = source.netlist if isinstance(source, Trace) else source
    grouping = group_gates(netlist)
    if grouping is not None:
        netlist = grouping.netlist
        source = grouping.trace(source) if isinstance(source, Trace) else netlist
    values = source.values() if isinstance(source, Trace) else {}
    gradients = source.gradients() if isinstance(source, Trace) else {}
    sketch = Sketch(netlist, letters_needed(netlist, [values, gradients]), footer=1.6 if grouping else 0.0, page=True)
    for index, node in enumerate(netlist.nodes):
        if node.kind in ("output", "constant"):
            continue  # an output shows what its wire says, a constant shows its number itself
        if index in values:
            sketch.write_value(index, values[index])
        if index in gradients:
            sketch.write_gradient(index, gradients[index])
    if grouping:
        sketch.text(sketch.layout.width / 2, -MARGIN - 0.6, grouping.about, color=FAINT)
    return sketch.figure


def letters_needed(netlist: Netlist, numbers: list[dict[int, Value]]) -> list[int]:
    """Return for each node the length of the longest number that will stand at its wire."""
    longest = [0] * len(netlist.nodes)
    for by_node in numbers:
        for index, value in by_node.items():
            if netlist.nodes[index].kind not in ("output", "constant"):
                longest[index] = max(longest[index], len(number(value)))
    return longest


def shorten(text: str, letters: int) -> str:
    """Return the text, cut with an ellipsis if it has more letters than that."""
    return text if len(text) <= letters else text[: max(1, letters - 1)] + "…"
