"""Writes the page on which anybody types an expression and sees it laid out, computed and pulled, without Python.

The page reads expressions as `circuitsim.parse` does, lays them out as `views.layout` does, and computes with the rules
of the scalar gates, printed once for all of them; ``page/play.js`` and the scripts beside it do this.
"""

from os import PathLike
from typing import Any, NamedTuple

from circuitsim.files import check_path
from circuitsim.gates.gate import Gate, registry
from circuitsim.gates.symbols import SymbolError
from circuitsim.views.forms import PAGES
from circuitsim.views.formula import slope_formulas
from circuitsim.views.html_page import block, fill, save_page
from circuitsim.views.page_program import readings, rule_text, rules_script
from circuitsim.views.scene import first_sentence

__all__ = ["EXAMPLES", "Example", "GateTable", "gate_table", "play"]

SCRIPTS = (
    "numbers.js", "page.js", "engine.js", "circuit.js", "parser.js", "layout.js", "places.js", "scene.js", "story.js",
    "messages.js", "live.js", "camera.js", "stage.js", "rule.js", "why.js", "player.js", "tour.js", "play.js",
)  # fmt: skip


class Example(NamedTuple):
    """An expression that the page offers, and the numbers that its inputs begin with."""

    name: str
    expression: str
    values: dict[str, float]


#: Circuits of the "Hacker's guide to Neural Networks", with its numbers where it gives some.
EXAMPLES = (
    Example("Single gate", "x * y", {"x": -2.0, "y": 3.0}),
    Example("Two gates", "(x + y) * z", {"x": -2.0, "y": 5.0, "z": -4.0}),
    Example("Neuron", "sigmoid(a*x + b*y + c)", {"a": 1.0, "b": 2.0, "c": -3.0, "x": -1.0, "y": 3.0}),
    Example("SVM score", "a*x + b*y + c", {"a": 0.1, "b": 0.2, "c": 0.3, "x": 1.2, "y": 0.7}),
    Example("SVM cost", "cost = max(0, 1 - label * score)", {"label": 1.0, "score": 0.56}),
    Example("Maximum", "max(a, b)", {"a": 1.5, "b": -2.0}),
    Example("1/x", "1 / x", {"x": -4.0}),
    Example("Square", "x * x", {"x": 1.5}),
    Example("Fraction", "(a + b) / (c + d)", {"a": 1.5, "b": -2.0, "c": 4.0, "d": 0.5}),
    Example(
        "Two layers", "h = relu(w1*x + b1); w2*h + b2", {"w1": 2.0, "x": 1.5, "b1": -1.0, "w2": -1.5, "b2": 0.5},
    ),
)  # fmt: skip


class GateTable(NamedTuple):
    """The gates that expressions may use on the page: what it knows of them, and the script of their rules."""

    table: dict[str, Any]
    script: str


def play(path: str | PathLike[str]) -> None:
    """Write the playground, one page to type expressions in; the suffix must be ``.html``.

    It needs no Python, no network and no other file.

    Parameters
    ----------
    path : path-like
        Where to.

    Raises
    ------
    SaveError
        If the suffix is another or the file cannot be written.
    """
    path = check_path(path, PAGES)
    save_page(page(), path)


def page() -> str:
    """Return the text of the page."""
    found = gate_table()
    data = {"gates": found.table, "examples": [example._asdict() for example in EXAMPLES]}
    return fill(
        "A playground of circuits", block("playground", data), "run.html", ("look.css", "board.css", "desk.css", "play.css"), SCRIPTS,
        found.script, above=("play.html",),
    )  # fmt: skip


def gate_table() -> GateTable:
    """Return what the page's parser takes for gates: all that expressions may call and that can be printed.

    The table has ``kinds``, the places in it of all ``names``, names by the ``symbols`` that stand for them, why
    ``others`` cannot be called there, and the names that are ``reserved`` for gates.
    """
    kinds: list[dict[str, Any]] = []
    names: dict[str, int] = {}
    others: dict[str, str] = {}
    texts: list[str] = []
    places: dict[Gate, int] = {}
    for name, gate in registry.items():
        if gate in places:
            names[name] = places[gate]
            continue
        if gate.required:
            others[name] = f"needs its {' and '.join(gate.required)}, which only Python can give, cs.{name}(...)"
            continue
        if gate.for_arrays:
            others[name] = "is for arrays, and this page computes numbers: run it with circuitsim flow"
            continue
        try:
            slopes = slope_formulas(readings(gate, None)[1])
            texts.append(rule_text(gate))
        except SymbolError as error:
            others[name] = f"cannot be computed in this page, because {error}: run it with circuitsim flow"
            continue
        places[gate] = names[name] = len(kinds)
        kinds.append({
            "name": gate.name, "rule": len(kinds), "text": gate.symbol, "operator": gate.infix or gate.name,
            "infix": gate.infix is not None, "ports": gate.ports, "attributes": list(gate.attributes),
            "about": first_sentence(gate), "slopes": slopes,
        })  # fmt: skip
    symbols = {gate.symbol: name for name, gate in reversed(registry.items())}
    reserved = [name for name, gate in registry.items() if not gate.for_arrays]
    table = {"kinds": kinds, "names": names, "symbols": symbols, "others": others, "reserved": reserved}
    return GateTable(table, rules_script(texts))
