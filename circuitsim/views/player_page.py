"""Writes a trace as one page to play with, forward and backward; `html_page` says how pages are made."""

import html
import math
from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from typing import Any

from circuitsim.files import check_path
from circuitsim.gates.symbols import SymbolError
from circuitsim.trace.kinds import Kind
from circuitsim.trace.trace import Trace
from circuitsim.views.flow import Flow
from circuitsim.views.forms import PAGES
from circuitsim.views.formula import slope_formulas
from circuitsim.views.grouping import group_gates
from circuitsim.views.html_page import block, fill, save_page
from circuitsim.views.page_program import program, readings
from circuitsim.views.scene import MOST_MESSAGES, scene, windows
from circuitsim.views.style import plain
from circuitsim.views.training_panels import panels

__all__ = ["embed", "page", "player"]

MOST_EMBEDDED = 20_000  # records
FRAME_HEIGHT = 820  # pixels

SCRIPTS = (
    "numbers.js", "page.js", "engine.js", "story.js", "live.js", "camera.js", "stage.js", "rule.js", "why.js",
    "player.js", "training.js", "run.js",
)  # fmt: skip


def player(
    trace: Trace,
    path: str | PathLike[str],
    history: Mapping[str, Any] | None = None,
    tags: Collection[int] | None = None,
) -> None:
    """Write a page that plays a trace, forward and backward; the suffix must be ``.html``.

    Parameters
    ----------
    trace : Trace
        A run, or several.
    path : path-like
        Where to.
    history : mapping, optional
        What training did, to be shown beside it; `circuitsim.views.training_panels` says what it holds.
    tags : collection of int, optional
        The examples to play; all, if not given.

    Raises
    ------
    SaveError
        If the suffix is another or the file cannot be written.
    InputError
        If the history does not fit together.
    """
    path = check_path(path, PAGES)
    save_page(page(trace, history, tags=tags), path)


def page(
    trace: Trace,
    history: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    tags: Collection[int] | None = None,
) -> str:
    """Return the text of the page; `notes` are sentences that it ends with."""
    flow = Flow.of(trace, tags)
    whole, grouping = flow.trace, group_gates(trace.netlist)
    trace = grouping.trace(whole) if grouping else whole
    parts = list(windows(trace))
    stage = scene(trace, len(parts), folded=grouping is not None)
    stage["batch"], stage["batches"] = flow.batch, flow.batches
    messages = sum(record.kind in (Kind.VALUE, Kind.GRADIENT) for record in whole)
    gates = sum(node.kind == "gate" for node in whole.netlist.nodes)
    start, end = whole.span
    stage["about"] = f"{_count(gates, 'gate')}, {_count(messages, 'message')} in {end - start:g} ticks"
    stage["spans"] = [part["span"] for part in parts]
    stage["notes"] = list(notes)
    if grouping:
        stage["notes"].append(
            f"This circuit is big: {grouping.about}. What a group does for one example is shown as one firing, "
            "what goes from group to group as one message."
        )
    if len(parts) > 1:
        stage["notes"].append(
            f"This trace is long: the page plays it in {len(parts)} windows of up to {MOST_MESSAGES:,} messages."
        )
    stage["heading"] = _heading(trace)
    stage["slopes"] = _slopes(trace)
    script = ""
    if history is None and grouping is None and len(parts) == 1 and _can_live(trace):
        try:
            found = program(trace.netlist)
        except SymbolError as error:
            stage["notes"].append(f"The numbers are those of the run, and cannot be changed here: {error}.")
        else:
            script = found.script
            stage["about"] = f"Drag any number, or the pull, and watch what flows back. {stage['about'].capitalize()}."
    blocks = [block("scene", stage)]
    if script:
        blocks.append(block("program", found.tables))
    blocks += [block(f"window-{number}", part) for number, part in enumerate(parts)]
    if history is not None:
        blocks.append(block("history", panels(history, trace)))
    return fill(
        trace.netlist.name, "\n".join(blocks), "run.html", ("look.css", "run.css", "training.css"), SCRIPTS, script
    )


def _can_live(trace: Trace) -> bool:
    """Tell whether a trace is of one example of finite numbers, forward at least."""
    return (
        trace.layout is None
        and len({record.tag for record in trace}) == 1
        and all(isinstance(record.value, float) and math.isfinite(record.value) for record in trace)
        and all(isinstance(value, float) for value in trace.held.values())
    )


def _heading(trace: Trace) -> list[list[str]]:
    """Return the question that the page asks."""
    outputs = list(trace.netlist.of_kind("output"))
    what = [outputs[0], "name"] if len(outputs) == 1 else ["the outputs", ""]
    return [["What would make ", ""], what, [" larger?", ""]]


def _slopes(trace: Trace) -> dict[str, list[str | None]]:
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
