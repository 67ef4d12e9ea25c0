"""Writes a page to draw on: a trained circuit tells what it sees, and which pixels would make it something else.

The circuit takes an image ``x``, one number a pixel, and the number of a class, ``target``; it has the outputs
``scores``, one for each class, and ``loss``, the cross-entropy of the target. The page runs it on every stroke: it
shows the softmax of the scores, pulls the loss down with the gradient -1, and draws what the pixels are sent.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from circuitsim.circuit.netlist import Netlist, Node
from circuitsim.errors import SaveError
from circuitsim.files import check_path, quoted
from circuitsim.gates.symbols import SymbolError
from circuitsim.gates.value import Array, Value
from circuitsim.views.array_program import array_program
from circuitsim.views.forms import PAGES
from circuitsim.views.html_page import block, fill, save_page

__all__ = ["Reader", "write_drawing"]

SCRIPTS = ("numbers.js", "page.js", "arrays.js", "pad.js", "draw.js")
IMAGE = "x"
BODY, STRIP, ROW, TOP = 26.0, 36.0, 62.0, 46.0  # pixels: a node, the wire behind it, a row, and the first one's place


@dataclass(frozen=True)
class Reader:
    """A trained circuit that tells images of some classes apart, and images to try it on.

    Attributes
    ----------
    netlist : Netlist
        The circuit, with the inputs ``x`` and ``target`` and the outputs ``scores`` and ``loss``.
    parameters : mapping of str to Value
        What it has learned.
    shape : tuple of int
        How many rows and columns of pixels an image has.
    levels : int
        How dark a pixel may be; the circuit is given its level divided by this.
    classes : sequence of str
        The names of the classes.
    images : ndarray, shape (images, pixels)
        Images that it has not learned from, from 0 to 1, each a whole number of levels.
    labels : ndarray, shape (images,)
        The number of the class that each is.
    about : str
        What was learned, and how well, in one sentence or two.
    """

    netlist: Netlist
    parameters: Mapping[str, Value]
    shape: tuple[int, int]
    levels: int
    classes: Sequence[str]
    images: Array
    labels: Array
    about: str


def write_drawing(reader: Reader, path: str | PathLike[str]) -> None:
    """Write a page to draw on.

    Raises
    ------
    SaveError
        If the suffix is not ``.html``, the circuit cannot be computed in a page, or the file cannot be written.
    """
    path = check_path(path, PAGES)
    try:
        made = array_program(reader.netlist, reader.parameters)
    except SymbolError as error:
        raise SaveError(f"cannot save {quoted(path)}: {error}; save a picture, .png or .svg, instead") from None
    data = {
        "name": reader.netlist.name,
        "about": reader.about,
        "shape": list(reader.shape),
        "levels": reader.levels,
        "classes": list(reader.classes),
        "images": _bytes(np.rint(reader.images * reader.levels)),
        "labels": _bytes(reader.labels),
        "circuit": _picture(reader.netlist),
    }
    blocks = block("reader", data) + "\n" + block("program", made.tables)
    save_page(fill(reader.netlist.name, blocks, "draw.html", ("look.css", "draw.css"), SCRIPTS, made.script), path)


def _bytes(numbers: Array) -> str:
    """Return whole numbers from 0 to 255 as a page reads them, a byte each."""
    return base64.b64encode(numbers.astype(np.uint8).tobytes()).decode()


def _picture(netlist: Netlist) -> dict[str, Any]:
    """Return where nodes stand: gates in columns behind the image, below each what else it is given."""
    nodes, wires = netlist.nodes, netlist.wires
    column = [0] * len(nodes)
    for source, target, _ in wires:
        column[target] = max(column[target], column[source] + 1)
    aside = [node.gate is None and node.kind != "output" and node.name != IMAGE for node in nodes]
    widths = [_width(node) for node in nodes]
    standing = [index for index, node in enumerate(nodes) if node.kind != "output" and not aside[index]]
    left = {0: 4.0}
    for number in range(1, max(column) + 1):
        before = [widths[index] for index in standing if column[index] == number - 1]
        left[number] = left[number - 1] + max(before, default=0.0) + (STRIP if before else 0.0)
    places: dict[int, list[float]] = {}
    rows: dict[tuple[int, bool], int] = {}

    def put(index: int, at: int) -> None:
        row = rows.setdefault((at, aside[index]), 0)
        rows[at, aside[index]] += 1
        most = max(widths[other] for other in standing if column[other] == at)
        places[index] = [left[at] + most / 2, TOP + ROW * row, widths[index]]

    for index in standing:
        put(index, column[index])
    depth = max(rows.values())
    for index, node in enumerate(nodes):
        if aside[index] and netlist.outgoing[index]:
            put(index, column[wires[netlist.outgoing[index][0]].target])
            places[index][1] += ROW * depth
        elif node.kind == "output":
            source = wires[netlist.incoming[index][0]].source
            places[index] = [places[source][0], places[source][1] - 38, widths[index]]
    return {
        "size": [max(x + width / 2 for x, _, width in places.values()) + 4, max(y for _, y, _ in places.values()) + 30],
        "strip": STRIP,
        "nodes": [
            {
                "name": node.name,
                "kind": node.kind,
                "text": node.name if node.gate is None else node.gate.symbol,
                "aside": aside[index],
                "place": places.get(index),
            }
            for index, node in enumerate(nodes)
        ],
    }


def _width(node: Node) -> float:
    """Return how wide a node is drawn, in pixels."""
    text = node.name if node.gate is None else node.gate.symbol
    return max(BODY, len(text) * 6.5 + 14)
