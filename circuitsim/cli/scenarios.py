"""What all scenarios share: their report, their options, and where their files are.

A scenario is a file with a docstring, a function ``main`` that takes options and returns a `Report`, and as its
last line ``play(main)`` under ``if __name__ == "__main__"``. It runs by itself and through ``circuitsim run``.
"""

import ast
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, get_type_hints

import typer

from circuitsim import checks
from circuitsim.cli.console import (
    Json,
    Save,
    SavePicture,
    SaveTimeline,
    Seed,
    print_json,
    print_table,
    say,
    told_saved,
)
from circuitsim.cli.process import serve
from circuitsim.errors import CircuitSimError, InputError
from circuitsim.gates.value import Value, show
from circuitsim.progress import progress_bar
from circuitsim.spelling import nearest
from circuitsim.views.forms import SUFFIXES, check_save

__all__ = [
    "Json",
    "Report",
    "Save",
    "SavePicture",
    "SaveTimeline",
    "Seed",
    "application",
    "check_stream",
    "counts",
    "find",
    "load",
    "play",
    "suffixes",
    "summaries",
    "watched",
]


Key = TypeVar("Key")
Thing = TypeVar("Thing")

PIECE = 2000  # about how many bytes an example takes at a stage, while it is there and in the trace


@dataclass
class Report:
    """What a scenario found out: tables for people, results for programs.

    Attributes
    ----------
    scenario : str
        Its name.
    seed : int
        The seed it ran with.
    results : dict
        The rest of what ``--json`` prints: iterations, outputs, parameters and so on.
    """

    scenario: str
    seed: int
    results: dict[str, Any]
    tables: list[tuple[str, list[str], list[list[str]]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def table(self, title: str, columns: str, rows: list[tuple[Value | str, ...]]) -> None:
        """Add a table; `columns` are parted by ``|``, numbers are written for people."""
        cells = [[cell if isinstance(cell, str) else show(cell) for cell in row] for row in rows]
        self.tables.append((title, [column.strip() for column in columns.split("|")], cells))

    def note(self, sentence: str) -> None:
        """Add a sentence below the tables."""
        self.notes.append(sentence)

    def print(self, as_json: bool) -> None:
        """Print the report to stdout."""
        if as_json:
            print_json({"scenario": self.scenario, "seed": self.seed, **self.results})
            return
        for title, columns, rows in self.tables:
            print_table(title, columns, rows)
        for sentence in self.notes:
            say(sentence)


def counts(text: str, what: str) -> list[int]:
    """Return the whole numbers above 0 in a text with commas between them.

    Raises
    ------
    InputError
        If the text, which is `what`, has anything else in it.
    """
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = [0]
    if min(numbers) < 1:
        raise InputError(f"the {what} are {text!r}: give whole numbers above 0 with commas, such as 1,2,4,8")
    return numbers


def check_stream(stages: int, examples: int) -> None:
    """Refuse a stream that memory cannot hold, before anything is built for it.

    Raises
    ------
    TooLargeError
        If it cannot.
    """
    told = f"a stream of {checks.shown(examples)} examples through {checks.shown(stages)} stages"
    checks.fits(PIECE * (stages + 1) * (examples + 1), told)


def watched(label: str, things: Mapping[Key, Thing]) -> Iterator[tuple[Key, Thing]]:
    """Yield keys and what they stand for one after the other; on a terminal, a bar shows which one is at work."""
    with progress_bar(label, len(things)) as advance:
        for number, (key, thing) in enumerate(things.items()):
            advance(number, str(key))
            yield key, thing


def play(main: Callable[..., Report], arguments: list[str] | None = None, name: str | None = None) -> None:
    """Run a scenario's main with options from the command line, print its report, and exit.

    Parameters
    ----------
    main : callable
        Its parameters are the options; one of them is ``as_json``.
    arguments : list of str, optional
        The options; those of this process, if not given.
    name : str, optional
        What usage messages call the command.
    """
    serve(application(main), arguments, name)


def application(main: Callable[..., Report]) -> typer.Typer:
    """Return the app whose one command is a scenario's main."""
    taken = suffixes(main)
    file = main.__code__.co_filename

    @wraps(main)
    def command(**options: Any) -> None:
        save, as_json = options.get("save"), options.get("as_json", False)
        if save is not None:
            check_save(save, taken)
        with _shown_from(file):
            report = main(**options)
        if not isinstance(report, Report):
            raise InputError(f"main of {file!r} returned {checks.shown(report)}: return a Report")
        report.print(as_json)
        if save is not None:
            told_saved(save, as_json)

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    paragraphs = (sys.modules[main.__module__].__doc__ or "").split("\n\n")
    app.command(help="\n\n".join(_flow(paragraph) for paragraph in paragraphs))(command)
    return app


def suffixes(main: Callable[..., Any]) -> tuple[str, ...]:
    """Return what a scenario can be saved as: the suffixes that the annotation of its option bears, or else all."""
    annotation = get_type_hints(main, include_extras=True).get("save")
    return next((extra for extra in getattr(annotation, "__metadata__", ()) if isinstance(extra, tuple)), SUFFIXES)


def _flow(paragraph: str) -> str:
    """Return a paragraph as one line, to be broken where the terminal ends; a table, which is indented, stays."""
    return f"\b\n{paragraph}" if paragraph.startswith("    ") else " ".join(paragraph.split())


def folder() -> Path:
    """Return where the scenarios are: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "scenarios"
    return installed if installed.is_dir() else package.parent / "scenarios"


def summaries() -> dict[str, str]:
    """Return the first line of every scenario's docstring by the scenario's name."""
    found = {}
    for path in sorted(folder().glob("*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found[path.stem] = docstring.partition("\n")[0]
    return found


def find(name: str) -> Path:
    """Return the file of a scenario, given its name or its path.

    Raises
    ------
    InputError
        If there is none.
    """
    path = Path(name) if name.endswith(".py") else folder() / f"{name}.py"
    if not os.path.isfile(path):  # which says so of a name that is too long, too
        raise InputError(
            f"there is no scenario {checks.shown(name)}: {nearest(name, summaries())}use one of "
            f"{', '.join(summaries())}, or the path of a .py file"
        )
    return path


def load(path: Path) -> Callable[..., Report]:
    """Return the main function of a scenario's file.

    Raises
    ------
    InputError
        If the file cannot be read, is no Python, or has no such function.
    typer.Exit
        If what stands in it raised an exception, whose traceback was shown.
    """
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
    except SyntaxError as error:
        raise InputError(f"{str(path)!r} is no Python: {error.msg} in line {error.lineno or 1}") from None
    except (ValueError, RecursionError, MemoryError):
        raise InputError(f"{str(path)!r} is no Python: it has null bytes or nests too deeply") from None
    spec = spec_from_file_location(f"circuitsim_scenario_{path.stem}", path)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    with _shown_from(str(path)):
        exec(code, module.__dict__)
    main = getattr(module, "main", None)
    if not isinstance(main, FunctionType):
        raise InputError(
            f"{str(path)!r} is no scenario: define a function main(seed, save, as_json) that returns a Report"
        )
    return main


@contextmanager
def _shown_from(file: str) -> Iterator[None]:
    """Show the traceback of an exception that a scenario raised, from the line in its file on, and exit with 1."""
    try:
        yield
    except (CircuitSimError, typer.TyperException, typer.Exit, typer.Abort, MemoryError):
        raise
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != file:
            trace = trace.tb_next
        traceback.print_exception(type(error), error, trace)
        raise typer.Exit(1) from None
