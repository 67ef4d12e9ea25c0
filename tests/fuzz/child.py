"""Makes trials in a process of its own, and says after each how it went: a line of JSON on stdout."""

import importlib
import json
import os
import random
import resource
import sys
import traceback
import warnings
from pathlib import Path

from circuitsim.errors import CircuitSimError

MEMORY = 4 * 2**30


def main(module, seed, first, count, folder):
    """Make `count` trials, from number `first` on."""
    told = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)  # what trials print is not for the reader of this
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    attempt = importlib.import_module(module).attempt
    refusals, unseen = [], []
    _note_refusals(refusals)
    sys.unraisablehook = lambda told: unseen.append(f"{told.err_msg or 'in the background'}: {told.exc_value!r}")
    warnings.simplefilter("error")
    print(json.dumps("ready"), file=told)
    for number in range(first, first + count):
        refusals.clear()
        here = Path(folder, str(number))
        here.mkdir()
        os.chdir(here)
        try:
            wrong = attempt(random.Random(f"{seed} {module} {number}"), here)
        except BaseException:  # a trial that raises SystemExit is at fault, too
            wrong = traceback.format_exc(limit=-10)
        if unseen and wrong is None:
            wrong = unseen[0]
        unseen.clear()
        print(json.dumps({"number": number, "refused": bool(refusals), "wrong": wrong}), file=told)


def _note_refusals(refusals):
    """Let every error that circuitsim makes be noted."""

    def init(error, *arguments):
        refusals.append(type(error))
        super(CircuitSimError, error).__init__(*arguments)

    CircuitSimError.__init__ = init


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
