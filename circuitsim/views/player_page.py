"""Writes a trace as one page to play with, forward and backward; `html_page` says how pages are made."""

import html
import math
from collections.abc import Collection
from os import PathLike
from typing import Any

from circuitsim.circuit.netlist import Netlist
from circuitsim.files import check_path
from circuitsim.gates.symbols import SymbolError
from circuitsim.trace.kinds import Kind
from circuitsim.trace.trace import Trace
from circuitsim.views.flow import Flow
from circuitsim.views.forms import PAGES
from circuitsim.views.formula import slope_formulas
from circuitsim.views.grouping import group_gates
from circuitsim.views.html_page import block, fill, save_page
from circuitsim.views.opening import Opened, made_of, opened_groups
from circuitsim.views.page_program import program, readings
from circuitsim.views.places import cut
from circuitsim.views.scene import MOST_MESSAGES, scene, windows
from circuitsim.views.still import still_picture
from circuitsim.views.style import plain

__all__ = ["embed", "page", "player", "slopes"]

MOST_EMBEDDED = 20_000  # records
FRAME_HEIGHT = 820  # pixels

SCRIPTS = (
    "numbers.js", "page.js", "engine.js", "story.js", "live.js", "camera.js", "stage.js", "rule.js", "why.js",
    "player.js", "tour.js", "run.js",
)  # fmt: skip


def player(trace: Trace, path: str | PathLike[str], tags: Collection[int] | None = None) -> None:
    """Write a page that plays a trace, forward and backward; the suffix must be ``.html``.

    Parameters
    ----------
    trace : Trace
        A run, or several.
    path : path-like
        Where to.
    tags : collection of int, optional
        The examples to play; all, if not given.

    Raises
    ------
    SaveError
        If the suffix is another or the file cannot be written.
    """
    path = check_path(path, PAGES)
    save_page(page(trace, tags=tags), path)


def page(trace: Trace, tags: Collection[int] | None = None) -> str:
    """Return the text of the page."""
    flow = Flow.of(trace, tags)
    whole, grouping = flow.trace, group_gates(trace.netlist)
    trace = grouping.trace(whole) if grouping else whole
    parts = list(windows(trace))
    stage = scene(trace, len(parts), folded=grouping is not None)
    stage["batch"], stage["batches"] = flow.batch, flow.batches
    stage["spans"] = [part["span"] for part in parts]
    stage["notes"] = []
    stage["heading"] = _heading(trace)
    stage["slopes"] = slopes(trace)
    start, end = whole.span
    messages = sum(record.kind in (Kind.VALUE, Kind.GRADIENT) for record in whole)
    told = f"{_count(_gates(whole), 'gate')}, {_count(messages, 'message')} in {end - start:g} ticks."
    blocks, asks = [], []
    if grouping:
        stage["notes"].append(
            f"This circuit is big: {grouping.about}. What a group does for one example is shown as one firing, "
            "what goes from group to group as one message."
        )
        nodes, wires = made_of(grouping)
        stage["whole"] = {"nodes": nodes, "wires": wires}
        for opened in opened_groups(grouping, whole) if len(parts) == 1 else ():
            stage["nodes"][opened.group]["opens"] = opened.group
            blocks.append(block(f"group-{opened.group}", _inside(opened, whole.span)))
        if blocks:
            asks.append("Click a group to open it.")
    if len(parts) > 1:
        stage["notes"].append(
            f"This trace is long: the page plays it in {len(parts)} windows of up to {MOST_MESSAGES:,} messages."
        )
    script, reason = "", _reason(whole) if len(parts) == 1 else ""
    if len(parts) == 1 and not reason:
        try:
            found = program(whole.netlist)
        except SymbolError as error:
            reason = str(error)
        else:
            script = found.script
            asks.insert(0, "Drag any number, or the pull, and watch what flows back.")
            blocks.append(block("program", found.tables | {"values": _standing(whole), "names": _names(whole.netlist)}))
    if reason:
        stage["notes"].append(f"The numbers are those of the run, and cannot be changed here: {reason}.")
    stage["about"] = " ".join([f"{cut(trace.netlist.name, 60)}: {told}", *asks])
    blocks.insert(0, block("scene", stage))
    blocks += [block(f"window-{number}", part) for number, part in enumerate(parts)]
    picture = still_picture(stage, trace.values(), trace.gradients()) if len(trace) else ""
    return fill(
        trace.netlist.name,
        "\n".join(blocks),
        "run.html",
        ("look.css", "board.css", "desk.css"),
        SCRIPTS,
        script,
        picture,
    )


def _inside(opened: Opened, span: tuple[float, float]) -> dict[str, Any]:
    """Return what shows one group, opened, over the time of the whole run."""
    trace = opened.trace
    (part,) = windows(trace, most=len(trace) + 1)
    part["span"] = span
    stage = scene(trace)
    stage["about"] = f"{_count(_gates(trace), 'gate')}. What comes in are the numbers of the run at large."
    stage |= {"batch": 0, "batches": 0, "spans": [part["span"]], "notes": [], "slopes": slopes(trace)}
    stage["heading"] = [["What is inside ", ""], [cut(trace.netlist.name, 40), "name"], ["?", ""]]
    stage["whole"] = {"nodes": opened.nodes, "wires": opened.wires}
    return {"scene": stage, "part": part}


def _reason(trace: Trace) -> str:
    """Return why a page cannot compute a trace, or nothing: it must be one run of finite numbers."""
    if trace.layout is not None or len({record.tag for record in trace}) != 1:
        return "several examples go through the circuit"
    named = [(trace.netlist.nodes[node].name, value) for node, value in trace.held.items()]
    for record in trace:
        fired = record.kind in (Kind.FORWARD, Kind.BACKWARD)
        where = record.where if fired else trace.netlist.wires[record.where].source
        named.append((trace.netlist.nodes[where].name, record.value))
    for name, value in named:
        if not isinstance(value, float):
            return f"{cut(name, 40)!r} sends an array"
        if not math.isfinite(value):
            return f"{cut(name, 40)!r} sends {value}"
    return ""


def _standing(trace: Trace) -> list[float]:
    """Return for each node the number that stood in the run; 0 where none did."""
    standing = [0.0 if node.value is None else node.value for node in trace.netlist.nodes]
    for node, value in trace.held.items():
        standing[node] = value
    for record in trace:
        if record.kind is Kind.VALUE:
            standing[trace.netlist.wires[record.where].source] = record.value
    return standing  # type: ignore[return-value]


def _names(netlist: Netlist) -> list[str]:
    return [node.name for node in netlist.nodes]


def _gates(trace: Trace) -> int:
    return sum(node.kind == "gate" for node in trace.netlist.nodes)


def _heading(trace: Trace) -> list[list[str]]:
    """Return the question that the page asks."""
    outputs = list(trace.netlist.of_kind("output"))
    what = [cut(outputs[0], 40), "name"] if len(outputs) == 1 else ["the outputs", ""]
    return [["What would make ", ""], what, [" larger?", ""]]


def slopes(trace: Trace) -> dict[str, list[str | None]]:
    """Return how the slopes of gates are written, by the gates' names."""
    found = {}
    for node in trace.netlist.nodes:
        if node.gate is not None and node.gate.name not in found:
            try:
                found[node.gate.name] = slope_formulas(readings(node.gate, node.attributes)[1])
            except SymbolError:
                found[node.gate.name] = []
    return found


def embed(trace: Trace) -> str | None:
    """Return the page in a frame for notebooks; None for an empty trace, and for one too long to keep in a notebook.

    The frame runs the page's scripts and gives them no access to the notebook.
    """
    if not 0 < len(trace) <= MOST_EMBEDDED or len(trace.expanded) > MOST_EMBEDDED:
        return None
    return (
        f'<iframe srcdoc="{html.escape(page(trace))}" sandbox="allow-scripts" width="100%" height="{FRAME_HEIGHT}" '
        f'style="border: 0; border-radius: 12px" title="{html.escape(plain(trace.netlist.name))}"></iframe>'
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
