"""One command line from its start to its exit code: its streams, its mistakes, and what it says at its end.

====  ==================================================================================================
code  what it tells
====  ==================================================================================================
0     It is done.
1     The gradients differ (``flow --check``), whoever reads the output has stopped reading (``| head``),
      or a scenario of one's own raised an exception, whose traceback is shown from its file on.
2     It cannot be done: stderr says why in one sentence that begins with ``error:``. A full disk under
      stdout is such a case, too.
130   Ctrl-C was pressed.
====  ==================================================================================================

Letters that stdout cannot show are written in ASCII, as is JSON; a stream that is closed takes what is written to it,
and shows it nowhere.
"""

import codecs
import errno
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from textwrap import shorten
from typing import Any, NoReturn

import numpy as np
import typer

from circuitsim.cli.console import give_up, tell
from circuitsim.cli.extensions import load_extensions
from circuitsim.errors import CircuitSimError, NonFiniteWarning

__all__ = ["serve"]

_IN_ASCII = {
    "×": "*", "·": ".", "⋅": "*", "∗": "*", "÷": "/", "−": "-", "±": "+-", "√": "sqrt", "²": "^2", "³": "^3", "ᵀ": "^T",
    "σ": "sigma", "Σ": "sum", "π": "pi", "→": "->", "…": "...", "≤": "<=", "≥": ">=", "≠": "!=",
}  # fmt: skip


def serve(app: typer.Typer, arguments: Sequence[str] | None, name: str | None) -> NoReturn:
    """Let an app answer a command line, and exit.

    Parameters
    ----------
    app : typer.Typer
        What knows the commands.
    arguments : sequence of str, optional
        The words after the name of the program; those of this process, if not given.
    name : str, optional
        What usage messages call the program.
    """
    _open_streams()
    try:
        with _notes():
            load_extensions()
            # Out of standalone mode an app returns the exit code of `typer.Exit`, and what its command returned if it
            # came to its end. It has then told of Ctrl-C by code 130, and of a closed pipe by exiting with 1.
            answer = app(args=None if arguments is None else list(arguments), prog_name=name, standalone_mode=False)
            sys.stdout.flush()
        code = answer or 0
    except CircuitSimError as error:
        tell(f"error: {error}")
        code = 2
    except typer.TyperException as error:
        tell(f"error: {shorten(error.format_message(), 400)}")  # it says again whatever was given
        code = 2
    except MemoryError:
        tell("error: this takes more memory than there is: ask for less")
        code = 2
    except KeyboardInterrupt:
        code = 130
    except OSError as error:  # of stdout: whatever else is read and written is told of in errors of our own
        give_up(sys.stdout)
        if error.errno == errno.EPIPE:
            code = 1
        else:
            tell(f"error: cannot write the output: {error.strerror or error}")
            code = 2
    if code == 130:
        tell("interrupted")
    sys.exit(code)


@contextmanager
def _notes() -> Iterator[None]:
    """Show what gates made inf or nan as notes; what NumPy says of the same is for programmers."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("always", NonFiniteWarning)
        show_as_ever = warnings.showwarning
        told: set[str] = set()

        def note(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            if issubclass(category, NonFiniteWarning):
                if str(message) not in told:
                    tell(f"note: {message}")
                told.add(str(message))
            else:
                show_as_ever(message, category, *rest, **more)

        warnings.showwarning = note
        yield


def _open_streams() -> None:
    """Put something in the place of streams that are closed, and let stdout take any letter."""
    for number, (name, mode) in enumerate([("stdin", "r"), ("stdout", "w"), ("stderr", "w")]):
        if getattr(sys, name) is None:
            # It takes the lowest number that is free, which is the one that belongs to it: no file is opened under
            # that number later on, to be written to by accident.
            opened = os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
            setattr(sys, name, open(opened, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    codecs.register_error("circuitsim", _in_ascii)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="circuitsim")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Return what to write for letters that a stream cannot show, as codecs ask for it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(letter, "?") for letter in letters), error.end
