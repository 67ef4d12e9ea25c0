"""What commands print: tables and sentences for people, one JSON object for programs."""

import json
import math
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import wrap
from typing import IO, Annotated, Any, TypeAlias

import numpy as np
import typer
from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table

from circuitsim.views.forms import PICTURES, SUFFIXES, TIMELINES

__all__ = [
    "Json",
    "Save",
    "SavePicture",
    "SaveTimeline",
    "Seed",
    "give_up",
    "print_json",
    "print_table",
    "print_tree",
    "say",
    "tell",
    "told_saved",
]

# Each way to save bears the suffixes that it takes, for `scenarios.play` to check before any work is done.
Save: TypeAlias = Annotated[
    Path | None,
    SUFFIXES,
    typer.Option(
        help="Write what happened to this file: .html is a page to play with, .gif and .mp4 film it, .png, .svg and "
        ".pdf draw it, .vcd is for GTKWave and Surfer, .json for ui.perfetto.dev, .trace for 'circuitsim view'."
    ),
]
SavePicture: TypeAlias = Annotated[
    Path | None, PICTURES, typer.Option(help="Draw it to this file, a .png, .svg or .pdf.")
]
SaveTimeline: TypeAlias = Annotated[
    Path | None,
    (*TIMELINES, ".trace"),
    typer.Option(
        help="Write who did what when to this file: an .html page, .png, .svg, .pdf, or .json for Perfetto; or keep "
        "one stream as a .trace, for 'circuitsim view'."
    ),
]
Seed: TypeAlias = Annotated[int, typer.Option(help="Seeds whatever is random.", min=0)]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], note: str = "", words: int = 1
) -> None:
    """Print a table for people; all columns but the first, or so many, are of numbers, which stand to the right.

    On a terminal too narrow for it, cells are broken between words, never within one, so that a number is always
    whole; if that is not enough, the last columns follow in tables of their own.
    """
    cells = [list(row) for row in rows]
    console = _console()
    say(title, style="bold")
    edge = console.width if console.is_terminal else None  # a pipe has no edge: nothing need be broken
    needed = [[_longest(text) for text in column] for column in zip(columns, *cells, strict=True)]
    least = [max(lengths) for lengths in needed]
    shown = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for chosen in _blocks(least, edge):
        widths = _fit({number: shown[number] for number in chosen}, least, edge)
        table = Table(box=box.SIMPLE_HEAD)
        for number, width in widths.items():
            side: JustifyMethod = "left" if number < words else "right"
            table.add_column(columns[number], justify=side, width=width)
        for row in cells:
            table.add_row(*(row[number] for number in widths))
        console.width = max(console.width, _width(widths.values()))  # what cannot be narrower is left to the terminal
        console.print(table)
    if note:
        say(note)


def say(text: str, style: str = "") -> None:
    """Print a sentence, or lines of them; on a terminal they are broken between words."""
    console = _console()
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip()))
        broken = [line]
        if console.is_terminal:
            broken = wrap(line, console.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        for part in broken or [""]:
            console.print(part, style=style or None, soft_wrap=True)


def tell(line: str) -> None:
    """Say a line on stderr, if somebody listens there."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        give_up(sys.stderr)


def give_up(stream: IO[str]) -> None:
    """Let what is left of what was written to a stream go nowhere, or the exit of the process writes it once more."""
    with suppress(OSError, ValueError):  # it is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def told_saved(path: Path, as_json: bool) -> None:
    """Say that a file was written: on stderr if stdout is for one JSON object."""
    if as_json:
        tell(f"saved {path}")
    else:
        print(f"saved {path}")


def _console() -> Console:
    return Console(highlight=False, markup=False)


def _longest(text: str) -> int:
    """Return the length of the longest word, below which a cell cannot be broken."""
    return max(map(len, text.split()), default=0)


def _width(widths: Collection[int]) -> int:
    """Return how wide a table is whose columns have these widths: each has a space on both sides and a line after."""
    return sum(width + 3 for width in widths) + 1


def _blocks(least: Sequence[int], edge: int | None) -> Iterator[list[int]]:
    """Yield which columns go side by side; the first one stands in each table, for it says what the rows are."""
    block = [0]
    for number in range(1, len(least)):
        if edge is not None and len(block) > 1 and _width([least[other] for other in [*block, number]]) > edge:
            yield block
            block = [0]
        block.append(number)
    yield block


def _fit(widths: dict[int, int], least: Sequence[int], edge: int | None) -> dict[int, int]:
    """Return widths that fit, by narrowing the widest column that can be narrower again and again."""
    while edge is not None and _width(widths.values()) > edge:
        able = [number for number in widths if widths[number] > least[number]]
        if not able:
            break
        widths[max(able, key=lambda number: widths[number])] -= 1
    return widths


def print_tree(thing: Any) -> None:
    """Print something that knows itself as a tree."""
    console = _console()
    console.print(thing, soft_wrap=not console.is_terminal)


def print_json(thing: Any) -> None:
    """Print one strict JSON object: arrays as lists, infinities and nan as the texts that float() reads."""
    text = json.dumps(_plain(thing), ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(_plain(thing), allow_nan=False)
    print(text)


def _plain(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {str(key): _plain(value) for key, value in thing.items()}
    if isinstance(thing, np.ndarray | list | tuple):
        return [_plain(element) for element in (thing.tolist() if isinstance(thing, np.ndarray) else thing)]
    if isinstance(thing, float) and not math.isfinite(thing):
        return "NaN" if math.isnan(thing) else "Infinity" if thing > 0 else "-Infinity"
    return thing
