"""Writes a trace as one page to play with: no network, no other file, whatever the names in the circuit are.

The page is `page/page.html` with the style, the scripts and the data put in. Data stand in blocks of JSON in which
every ``<`` is escaped, and the scripts put them on the page as text only, so a gate called ``<script>`` stays text. A
content security policy names the one style and the one script by their hashes and forbids everything else, requests
included.
"""

import base64
import hashlib
import html
import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.resources import files
from os import PathLike
from typing import Any

from circuitsim.files import check_path, writing
from circuitsim.trace.kinds import Kind
from circuitsim.trace.trace import Trace
from circuitsim.views.flow import Flow
from circuitsim.views.fold import fold
from circuitsim.views.scene import MOST_MESSAGES, scene, windows
from circuitsim.views.training_data import panels

__all__ = ["block", "embed", "fill", "page", "player"]

MOST_EMBEDDED = 20_000  # records
FRAME_HEIGHT = 820  # pixels

SCRIPTS = ("numbers.js", "story.js", "stage.js", "detail.js", "training.js", "player.js")


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
        What training did, to be shown beside it; `circuitsim.views.training` says what it holds.
    tags : collection of int, optional
        The examples to play; all, if not given.

    Raises
    ------
    SaveError
        If the suffix is another or the file cannot be written.
    InputError
        If the history does not fit together.
    """
    path = check_path(path, (".html",))
    text = page(trace, history, tags=tags)
    with writing(path) as file:
        file.write(text.encode(errors="replace"))  # of half a surrogate pair in a name


def page(
    trace: Trace,
    history: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    tags: Collection[int] | None = None,
) -> str:
    """Return the text of the page; `notes` are sentences that it ends with."""
    flow = Flow.of(trace, tags)
    whole, folding = flow.trace, fold(trace.netlist)
    trace = folding.trace(whole) if folding else whole
    parts = list(windows(trace))
    stage = scene(trace, len(parts), folded=folding is not None)
    stage["batch"], stage["batches"] = flow.batch, flow.batches
    messages = sum(record.kind in (Kind.VALUE, Kind.GRADIENT) for record in whole)
    gates = sum(node.kind == "gate" for node in whole.netlist.nodes)
    start, end = whole.span
    stage["about"] = f"{_count(gates, 'gate')}, {_count(messages, 'message')} in {end - start:g} ticks"
    stage["spans"] = [part["span"] for part in parts]
    stage["notes"] = list(notes)
    if folding:
        stage["notes"].append(
            f"This circuit is big: {folding.about}. What a group does for one example is shown as one firing, "
            "what goes from group to group as one message."
        )
    if len(parts) > 1:
        stage["notes"].append(
            f"This trace is long: the page plays it in {len(parts)} windows of up to {MOST_MESSAGES:,} messages."
        )
    blocks = [block("scene", stage)]
    blocks += [block(f"window-{number}", part) for number, part in enumerate(parts)]
    if history is not None:
        blocks.append(block("history", panels(history, trace)))
    return fill(trace.netlist.name, "\n".join(blocks))


def embed(trace: Trace) -> str | None:
    """Return the page in a frame for notebooks; None for an empty trace, and for one too long to keep in a notebook.

    The frame runs the page's scripts and gives them no access to the notebook.
    """
    if not 0 < len(trace) <= MOST_EMBEDDED or len(trace.expanded) > MOST_EMBEDDED:
        return None
    return (
        f'<iframe srcdoc="{html.escape(page(trace))}" sandbox="allow-scripts" width="100%" height="{FRAME_HEIGHT}" '
        f'style="border: 0; border-radius: 12px" title="{html.escape(trace.netlist.name)}"></iframe>'
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def block(name: str, data: Any) -> str:
    """Return data as a block of JSON that a script finds by its name and that cannot end early."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", r"\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>'


def fill(title: str, data: str, frame_name: str = "page.html", scripts: tuple[str, ...] = SCRIPTS) -> str:
    """Put style, scripts and data into a page's frame; what is put in is not searched for places again."""
    frame, style, script = _frame(frame_name, scripts)
    policy = f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}"
    pieces = {"policy": policy, "title": html.escape(title), "style": style, "data": data, "script": script}
    text = []
    for number, piece in enumerate(frame.split("@")):
        text.append(pieces[piece] if number % 2 else piece)
    return "".join(text)


@cache
def _frame(name: str, names: tuple[str, ...]) -> tuple[str, str, str]:
    folder = files("circuitsim.views") / "page"
    frame, style, *scripts = [folder.joinpath(file).read_text(encoding="utf-8") for file in (name, "page.css", *names)]
    # One scope of its own and strict rules for all of it.
    script = '(() => {\n"use strict";\n' + "\n".join(scripts) + "})();\n"
    return frame, style, script


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
