"""Runs a notebook, cell by cell, and tells what came of each: ``python -m circuitsim.cli.notebook FILE FOLDER``.

One JSON array goes to stdout: of each cell its ``kind``, its ``source``, and what it ``made``, pairs of a form and a
text. The forms are ``"text"``, what was printed or the representation of the cell's last expression; ``"svg"``, a
picture; and ``"page"``, the name of a page in the folder on which a run can be played, with a ``"svg"`` of it after it.
"""

import ast
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

from circuitsim import views
from circuitsim.trace import Trace
from circuitsim.views.plots import take_plots

__all__ = ["play_cells", "read_cells"]


def read_cells(path: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook, nothing made yet."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [{"kind": cell["cell_type"], "source": "".join(cell["source"]), "made": []} for cell in cells]


def play_cells(cells: list[dict[str, Any]], folder: Path, stem: str) -> None:
    """Run the cells of code one after the other, and note what each makes; pages are called after `stem`."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        if cell["kind"] != "code":
            continue
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            result = _run(cell["source"], names)
        if shown.getvalue():
            cell["made"].append(("text", shown.getvalue()))
        cell["made"] += [("svg", svg) for svg in take_plots()]
        trace = getattr(result, "trace", result)
        if isinstance(trace, Trace):
            page = f"{stem}-{number}.html"
            views.player(trace, folder / page)
            cell["made"] += [("page", page), ("svg", views.svg(trace))]
        elif hasattr(result, "_repr_svg_") and (svg := result._repr_svg_()):
            cell["made"].append(("svg", svg))
        elif result is not None:
            cell["made"].append(("text", repr(result)))


def _run(source: str, names: dict[str, Any]) -> Any:
    """Run a cell, and return what its last line comes to if that is an expression."""
    body = ast.parse(source).body
    last = body[-1] if body else None
    if not isinstance(last, ast.Expr):
        return exec(compile(source, "<cell>", "exec"), names)
    exec(compile(ast.Module(body[:-1], []), "<cell>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)


if __name__ == "__main__":
    file, to = map(Path, sys.argv[1:])
    played = read_cells(file)
    play_cells(played, to, file.stem)
    json.dump(played, sys.stdout)
