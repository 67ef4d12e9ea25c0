"""For long work: a progress bar on a terminal, and nowhere else; and a clean end when Ctrl-C is pressed."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["interruptible", "progress_bar"]


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

    console = Console(stderr=True, force_terminal=shown)
    if not console.is_terminal:
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


@contextmanager
def interruptible() -> Iterator[list[bool]]:
    """Let Ctrl-C end work at a point of its own choosing; pressed again, it interrupts at once.

    Yields
    ------
    list of bool
        Empty until Ctrl-C is pressed.
    """
    pressed: list[bool] = []
    if threading.current_thread() is not threading.main_thread():  # signals go to the main thread only
        yield pressed
        return

    def note(number: int, frame: FrameType | None) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(True)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
