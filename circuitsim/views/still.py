"""A picture of a scene as text: what a page shows where no script runs."""

import html
from collections.abc import Mapping
from typing import Any

from circuitsim.gates.value import Value
from circuitsim.views.style import number, plain

__all__ = ["still_picture"]


def still_picture(scene: Mapping[str, Any], values: Mapping[int, Value], gradients: Mapping[int, Value]) -> str:
    """Return an SVG of a scene from left to right, with a value and a gradient for each node that has one."""
    width, height = scene["size"]
    wires = "".join(f'<path class="wire" d="{_path(points)}"/>' for *_, points in scene["wires"])
    numbered = enumerate(scene["nodes"])
    nodes = "".join(_node(node, values.get(at), gradients.get(at), scene["dense"]) for at, node in numbered)
    look = "dense" if scene["dense"] else ""
    return f'<svg viewBox="0 0 {width} {height}"><g class="line {look}">{wires}</g><g class="{look}">{nodes}</g></svg>'


def _path(points: list[float]) -> str:
    text = f"M{points[0]:g} {points[1]:g}"
    for at in range(2, len(points), 2):
        x, y, u, v = points[at - 2 : at + 2]
        bend = 0.45 * (u - x)
        straight = abs(u - x) < 0.05 or abs(v - y) < 0.05
        text += f"L{u:g} {v:g}" if straight else f"C{x + bend:.1f} {y:g} {u - bend:.1f} {v:g} {u:g} {v:g}"
    return text


def _node(node: Mapping[str, Any], value: Value | None, gradient: Value | None, dense: bool) -> str:
    x, y, width, height, start, _ = node["place"]
    kind = node["kind"]
    gate, output = kind == "gate", kind == "output"
    round_ = height / 2 if gate or node.get("pill") else 8
    made = f'<g class="node {kind}{"" if gate else " end"}" transform="translate({x:g} {y:g})">'
    made += f'<rect class="body" x="{-width / 2:g}" y="{-height / 2:g}" width="{width:g}" '
    made += f'height="{height:g}" rx="{round_:g}"/>'
    if gate:
        made += _text("title", 0, 0, node["text"])
        made += _text("name halo", 0, height / 2 + (13 if dense else 17), node["below"])
        made += _number("value halo", start - x + 6, -8 if dense else -12, value)
    elif output:
        made += _text("title", 0, -8 if dense else -16, node["text"])
        made += _number("value middle", 0, 12 if dense else 18, value)
    elif kind == "constant" or node.get("pill"):
        made += _number("value middle", 0, 4 if node.get("pill") else 5, value)
    else:
        made += _text("title start", 10 - width / 2, 0, node["text"])
        made += _number("value finish", width / 2 - 10, 5, value)
    if node.get("pill"):
        made += _number("gradient halo", width / 2 + 4, 0, gradient)
    elif output and gradient is not None:
        made += _text("gradient halo", start - x + 22, 5, f"pull {number(gradient)}")
    elif kind != "constant":
        made += _number("gradient halo", start - x + 8, 17 if dense else 24, gradient)
    return made + "</g>"


def _number(look: str, x: float, y: float, value: Value | None) -> str:
    return "" if value is None else _text(look, x, y, number(value))


def _text(look: str, x: float, y: float, text: str) -> str:
    return f'<text class="{look}" x="{x:g}" y="{y:g}">{html.escape(plain(text))}</text>'
