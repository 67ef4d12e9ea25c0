"""All kinds of random trials, each for its share of the time.

``python -m tests.fuzz SECONDS SEED [KIND ...]`` tries, and ``python -m tests.fuzz --again KIND SEED NUMBER`` makes one
trial again.
"""

import argparse
import signal
import sys
import time

from rich.console import Console
from rich.table import Table

from circuitsim.progress import progress_bar
from tests.fuzz import kinds
from tests.fuzz.harness import again, fuzz

SHOWN = 5  # faults of a kind


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--again", nargs=3, metavar=("KIND", "SEED", "NUMBER"), help="make this trial alone")
    parser.add_argument("seconds", nargs="?", type=float, help="for how long to try")
    parser.add_argument("seed", nargs="?", type=int, help="what the trials are made from")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="which kinds to try; all, if none is named")
    given = parser.parse_args(arguments)
    known = kinds()
    asked = [given.again[0]] if given.again else given.kinds
    if unknown := [kind for kind in asked if kind not in known]:
        parser.error(f"there is no kind {unknown[0]!r}: the kinds are {', '.join(known)}")
    if given.again:
        kind, seed, number = given.again
        trial = again(known[kind], seed, int(number))
        print(trial.wrong or "all is well" + " (refused in a sentence)" * trial.refused)
        return 1 if trial.wrong else 0
    if given.seed is None:
        parser.error("give the seconds and a seed")
    return run({kind: known[kind] for kind in asked or known}, given.seconds, given.seed)


def run(modules, seconds, seed):
    """Try kinds in turn, tell what came of it, and return how the program ends."""
    table = Table("kind", "tried", "accepted", "refused", "faults", title=f"seed {seed}")
    found = []
    began = time.monotonic()
    with progress_bar("fuzz", round(seconds)) as advance:
        for kind, module in modules.items():
            tried = refused = 0
            faults = []
            for trial in fuzz(module, seed, seconds / len(modules)):
                tried += 1
                faults += [trial] if trial.wrong else []
                refused += trial.refused and not trial.wrong
                advance(round(time.monotonic() - began), f"{kind}: {tried} tried, {len(faults)} faults")
            table.add_row(kind, *map(str, (tried, tried - refused - len(faults), refused, len(faults))))
            found += [(kind, faults)] if faults else []
    for kind, faults in found:
        for trial in faults[:SHOWN]:
            print(f"\npython -m tests.fuzz --again {kind} {seed} {trial.number}\n{trial.wrong.rstrip()}")
        if more := faults[SHOWN:]:
            print(f"\n{len(more)} more of {kind}: {' '.join(str(trial.number) for trial in more[:50])}")
    Console(highlight=False).print(table)
    return 1 if found else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the child is killed first
    sys.exit(main())
