"""How much the tests notice: faults are put into the package one at a time, and the tests are asked.

``python -m tests.mutants COUNT SEED [--folder FOLDER]`` draws COUNT places, as many in each of four parts of the
package, every place of a part as likely as any other, and at each place one of the faults that `faults` knows. For
each it runs the tests that reach the line, those that reach little else first, until one fails that passes without the
fault. Faults that no test notices are told as SURVIVED. One that keeps a test busy too long has been noticed.

The tests are imported once; each fault is put into the functions of a forked process. Those that change what runs on
import need a process of their own and a copy of the package, in FOLDER. Which tests reach which line is learned from
one run of the tests, but for a few slow files, and kept in FOLDER for the next time.
"""

import argparse
import gc
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from coverage import CoverageData

from tests.mutants.faults import compiles, faults_of
from tests.mutants.swap import functions_of, swap

ROOT = Path(__file__).resolve().parents[2]
PARTS = {
    "gates": ["gates/*.py"],
    "kernel": ["simulation/*.py", "compiled/*.py", "engine.py", "circuit/netlist.py"],
    "delivery": ["protocol/*.py"],
    "learning": ["learning/*.py"],
}
LEFT_OUT = [
    f"--ignore={ROOT}/tests/test_{name}.py"
    for name in ("player", "player_training", "house", "benchmarks", "notebooks")
]
BUSY = 60  # seconds of the processor that one test may take
WAITING = 600  # seconds in all that it may take
MEMORY = 8 << 30  # bytes


def draw(count, seed, root):
    """Yield COUNT files with a fault for each."""
    chance = random.Random(seed)
    for number, part in enumerate(PARTS.values()):
        paths = sorted(path for pattern in part for path in (root / "circuitsim").glob(pattern))
        places = [(path, faults) for path in paths for faults in faults_of(path.read_text(encoding="utf-8"))]
        chance.shuffle(places)
        drawn = ((path.relative_to(root), chance.choice(faults)) for path, faults in places)
        readable = ((path, fault) for path, fault in drawn if compiles(fault.text))
        share = count // len(PARTS) + (number < count % len(PARTS))
        yield from (drawn for drawn, _ in zip(readable, range(share)))  # noqa: B905


class Reach:
    """Which tests reach which lines."""

    def __init__(self, folder):
        data, settings = folder / "reach", folder / "coverage.ini"
        if not data.exists():
            settings.write_text(f"[run]\ndata_file = {data}\nsource = circuitsim\n", encoding="utf-8")
            report = ["--cov", "--cov-context=test", f"--cov-config={settings}", "--cov-report="]
            subprocess.run(
                [sys.executable, "-m", "pytest", "-q", *LEFT_OUT, "-n", "auto", *report], cwd=ROOT, check=True
            )
        self.data = CoverageData(data)
        self.data.read()
        self.breadth = Counter()
        for path in self.data.measured_files():
            for tests in self.data.contexts_by_lineno(path).values():
                self.breadth.update(test.rpartition("|")[0] for test in tests)

    def tests(self, path, first, last):
        """Return the tests that reach lines of a file; those that reach the file, where these run as it is imported."""
        lines = self.data.contexts_by_lineno(str(ROOT / path))
        reached = {test for line in range(first, last + 1) for test in lines.get(line, ())} - {""}
        if not reached:
            reached = set().union(*lines.values()) - {""}
        return sorted({test.rpartition("|")[0] for test in reached}, key=lambda test: (self.breadth[test], test))


class Asking:
    """A plugin of pytest that asks the tests of one fault after the other, in place of running them all."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.sound = {}  # of tests that failed: whether they pass without a fault

    def pytest_runtestloop(self, session):
        reach, items = Reach(self.chosen.folder), {item.nodeid: item for item in session.items}
        gc.collect()
        functions, survived = functions_of(ROOT / "circuitsim"), 0
        for path, fault in draw(self.chosen.count, self.chosen.seed, ROOT):
            whole = (ROOT / path).read_text(encoding="utf-8")
            tests = [items[test] for test in reach.tests(path, fault.first, fault.last) if test in items]
            while True:
                if swap([], ROOT / path, whole, fault.text):
                    killer = first_failure(tests, lambda: swap(functions, ROOT / path, whole, fault.text))  # noqa: B023
                else:
                    killer = self.first_failure_anew(tests, path, fault.text)
                if killer is None or self.is_sound(items[killer]):
                    break
                tests.remove(items[killer])
            survived += killer is None
            told = f"{path}:{fault.line}: {fault.was!r} -> {fault.becomes!r}"
            print(f"{told}: {killer or 'SURVIVED'}", flush=True)
        print(f"{self.chosen.count - survived} of {self.chosen.count} noticed")
        return True

    def is_sound(self, item):
        if item.nodeid not in self.sound:
            self.sound[item.nodeid] = first_failure([item], lambda: None) is None
        return self.sound[item.nodeid]

    def first_failure_anew(self, tests, path, text):
        """Ask in a process of its own, which imports a copy of the package."""
        tree, names = self.chosen.folder / "tree", self.chosen.folder / "tests.txt"
        shutil.rmtree(tree, ignore_errors=True)
        subprocess.run(["git", "clone", "--quiet", ROOT, tree], check=True)
        (tree / path).write_text(text, encoding="utf-8")
        names.write_text("\n".join(item.nodeid for item in tests), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=no", "-p", "no:cacheprovider", f"@{names}"]
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
        failed = [item for item in tests if f"FAILED {item.nodeid}" in done.stdout]
        return None if done.returncode == 0 else (failed or tests)[0].nodeid


def first_failure(tests, change):
    """Return the name of the first test that fails in a forked process once something was changed there, or None."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        for number in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        change()
        for test, following in zip(tests, [*tests[1:], None], strict=True):
            os.write(writer, f"\n{test.nodeid}".encode())
            signal.setitimer(signal.ITIMER_PROF, BUSY)
            signal.alarm(WAITING)
            test._initrequest() if hasattr(test, "_initrequest") else None
            if any(report.failed for report in runtestprotocol(test, nextitem=following, log=False)):
                os._exit(1)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as told:
        names = told.read().split("\n")
    _, status = os.waitpid(child, 0)
    return names[-1] if status else None


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "circuitsim-mutants")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    plugins = ["-p", "no:cacheprovider", "-p", "no:faulthandler", "-p", "no:terminal"]
    sys.exit(pytest.main([*plugins, *LEFT_OUT], plugins=[Asking(chosen)]))


if __name__ == "__main__":
    main()
