"""Runs trials in children, so that none of them can end the run: what hangs is killed, what eats memory fails."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LIMIT = 10.0  # seconds that a trial may take
START = 120.0  # seconds that a child may take to import everything
BATCH = 200  # trials that one child makes


class Trial(NamedTuple):
    """How a trial went: None in `wrong` if all is well; `refused` if circuitsim raised an error of its own."""

    number: int
    refused: bool
    wrong: str | None


def trials(module, seed, first, count, limit=LIMIT):
    """Yield up to `count` trials that one child makes; one that ends the child is the last."""
    with tempfile.TemporaryDirectory(prefix="circuitsim-fuzz-", ignore_cleanup_errors=True) as folder:
        cries = Path(folder, "stderr")
        command = [sys.executable, "-m", "tests.fuzz.child", module, str(seed), str(first), str(count), folder]
        # Sets are in the same order each time, and the end of the child is the end of its children.
        environment = {**os.environ, "PYTHONHASHSEED": "0", "TMPDIR": folder}
        with cries.open("wb") as stderr:
            child = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
            )
        try:
            lines = _Lines(child.stdout)
            said, number = lines.take(START), first
            while said is not None and number < first + count:
                said = lines.take(limit)
                if not said:
                    break
                yield Trial(**json.loads(said))
                number += 1
            if number < first + count:
                yield Trial(number, False, _end(child, said, limit, cries))
        finally:
            _kill(child)


def _end(child, said, limit, cries):
    """Say why there is no line from a child: None stands for none in time, an empty one for the end."""
    if said is None:
        return f"hang: no end after {limit:g} s"
    last = cries.read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
    return "\n".join([f"the process ended with code {child.wait()}", *last])


def _kill(child):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()


class _Lines:
    """The lines of a pipe, each within a time."""

    def __init__(self, pipe):
        self.pipe, self.rest = pipe, b""

    def take(self, seconds):
        """Return the next line, ``b""`` at the end, None if there is none in time."""
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.pipe], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return None
            if not (read := os.read(self.pipe.fileno(), 2**16)):
                return b""
            self.rest += read
        line, _, self.rest = self.rest.partition(b"\n")
        return line


def fuzz(module, seed, seconds, limit=LIMIT):
    """Yield trials of one kind, from number 0 on, until so many seconds after the first one."""
    end, number = None, 0
    while True:
        for trial in trials(module, seed, number, BATCH, limit):
            number = trial.number + 1
            end = end or time.monotonic() + seconds
            yield again(module, seed, trial.number, limit) if (trial.wrong or "").startswith("hang") else trial
            if time.monotonic() >= end:
                return


def again(module, seed, number, limit=LIMIT):
    """Make one trial alone, in a fresh child."""
    (trial,) = trials(module, seed, number, 1, limit)
    return trial
