"""How commands talk: tables for people, one JSON object for programs, one sentence for mistakes."""

import json
import math
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from circuitsim.errors import CircuitSimError, NonFiniteWarning

__all__ = [
    "Json",
    "Save",
    "SavePicture",
    "SaveTimeline",
    "Seed",
    "kindly",
    "print_json",
    "print_table",
    "print_tree",
]

Save: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="Write what happened to this file: .html is a page to play with, .gif and .mp4 film it, .png, .svg and "
        ".pdf draw it, .vcd is for GTKWave and Surfer, .json for ui.perfetto.dev, .trace for 'circuitsim view'."
    ),
]
SavePicture: TypeAlias = Annotated[Path | None, typer.Option(help="Draw it to this file, a .png, .svg or .pdf.")]
SaveTimeline: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="Write who did what when to this file: an .html page, .png, .svg, .pdf, or .json for Perfetto; or keep "
        "one stream as a .trace, for 'circuitsim view'."
    ),
]
Seed: TypeAlias = Annotated[int, typer.Option(help="Seeds whatever is random.", min=0)]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@contextmanager
def kindly() -> Iterator[None]:
    """Turn the user's mistakes into one sentence on stderr and exit code 2, and warnings into notes."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", NonFiniteWarning)
        show_as_ever = warnings.showwarning

        def note(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            if issubclass(category, NonFiniteWarning):
                print(f"note: {message}", file=sys.stderr)
            else:
                show_as_ever(message, category, *rest, **more)

        warnings.showwarning = note
        try:
            yield
        except CircuitSimError as error:
            print(f"error: {error}", file=sys.stderr)
            raise typer.Exit(2) from None


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], note: str = "", numbers: bool = True
) -> None:
    """Print a table for people; all columns but the first are of numbers, which stand to the right."""
    table = Table(box=box.SIMPLE_HEAD, caption=note or None)
    table.caption_justify = "left"
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number and numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:  # a pipe has no edge: nothing need be folded
        console.width = max(console.width, console.measure(table, options=console.options.update(width=1000)).maximum)
    console.print(title, style="bold", soft_wrap=True)  # above the table, not in its width
    console.print(table)


def print_tree(thing: Any) -> None:
    """Print something that knows itself as a tree."""
    Console(highlight=False, markup=False, soft_wrap=True).print(thing)


def print_json(thing: Any) -> None:
    """Print one strict JSON object: arrays as lists, infinities and nan as the texts that float() reads."""
    print(json.dumps(_plain(thing), ensure_ascii=False, allow_nan=False))


def _plain(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {str(key): _plain(value) for key, value in thing.items()}
    if isinstance(thing, np.ndarray | list | tuple):
        return [_plain(element) for element in (thing.tolist() if isinstance(thing, np.ndarray) else thing)]
    if isinstance(thing, float) and not math.isfinite(thing):
        return "NaN" if math.isnan(thing) else "Infinity" if thing > 0 else "-Infinity"
    return thing
