"""Pages that need no network and no other file, whatever the names in a circuit are.

A page is ``page.html`` from the folder `page`, with a frame from there, a style, the scripts and the data put in. Data
stand in blocks of JSON in which every ``<`` is escaped, and the scripts put them on the page as text only, so a gate
called ``<script>`` stays text. A content security policy names the one style and the one script by their hashes and
forbids everything else, requests included. Comments and needless space are left out of both.
"""

import base64
import hashlib
import html
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from rcssmin import cssmin
from rjsmin import jsmin

from circuitsim.files import writing
from circuitsim.views.javascript import helpers

__all__ = ["block", "fill", "save_page"]


def block(name: str, data: Any) -> str:
    """Return data as a block of JSON that a script finds by its name and that cannot end early."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", r"\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>'


def fill(
    title: str,
    data: str,
    frame_name: str,
    styles: tuple[str, ...],
    scripts: tuple[str, ...],
    more: str = "",
    picture: str = "",
    above: tuple[str, ...] = (),
) -> str:
    """Put styles, scripts and data into a page's frame; what is put in is not searched for places again.

    `more` is a script of this page alone, which comes before the others; `picture` is what stands on the page until a
    script runs, as an SVG; `above` are parts of pages that stand above the circuit. Half of a surrogate pair in a name
    becomes a question mark, for no file can hold it.
    """
    frame, style, script, parts = _frame(frame_name, styles, scripts, above)
    # One scope of its own and strict rules for all of it.
    script = '(() => {\n"use strict";\n' + jsmin(helpers(more + script) + more) + "\n" + script + "})();\n"
    policy = f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}"
    pieces = {
        "policy": policy,
        "title": html.escape(title),
        "style": style,
        "data": data,
        "script": script,
        "picture": picture,
        "above": parts,
    }
    text = []
    for number, piece in enumerate(frame.split("@")):
        text.append(pieces[piece] if number % 2 else piece)
    return "".join(text).encode(errors="replace").decode()


def save_page(text: str, path: Path) -> None:
    """Write the text of a page."""
    with writing(path) as file:
        file.write(text.encode())


@cache
def _frame(
    name: str, styles: tuple[str, ...], scripts: tuple[str, ...], above: tuple[str, ...]
) -> tuple[str, str, str, str]:
    folder = files("circuitsim.views") / "page"

    def read(*names: str) -> str:
        return "\n".join(folder.joinpath(file).read_text(encoding="utf-8") for file in names)

    frame = read("page.html").replace("@body@", read(name))
    lines = [line.strip() for line in frame.splitlines()]
    return "\n".join(filter(None, lines)), cssmin(read(*styles)), jsmin(read(*scripts)), read(*above)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
