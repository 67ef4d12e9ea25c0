"""A progress bar for long work: on a terminal, and nowhere else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(label: str, total: int, shown: bool | None = None) -> Iterator[Callable[[int, str], None]]:
    """Show a bar on stderr while work goes on.

    Parameters
    ----------
    label : str
        What is going on.
    total : int
        How many steps it takes.
    shown : bool, optional
        Whether to show it; if not given, only if stderr is a terminal.

    Yields
    ------
    callable
        Takes how many steps are done and a few words on how it goes.
    """
    from rich.console import Console  # only who waits pays for rich
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not (console.is_terminal if shown is None else shown):
        yield lambda done, words: None
        return
    columns = (
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda done, words: bar.update(task, completed=done, description=words)
