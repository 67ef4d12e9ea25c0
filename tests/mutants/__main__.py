"""How much the tests notice: faults are put into the package one at a time, and the tests are asked.

``python -m tests.mutants COUNT SEED [--folder FOLDER]`` draws COUNT places, as many in each of four parts of the
package, every place of a part as likely as any other, and at each place one of the faults that `faults` knows. For
each it runs the tests that reach the line, the quickest first, until one fails. A fault that no test notices is told as
SURVIVED. One that keeps a test busy for minutes has been noticed.

It works in copies of the last commit in FOLDER. Which tests reach which line it learns from one run of all tests, but
for those in a browser; that takes some minutes, and is kept there for the next time. It needs pytest-cov.
"""

import argparse
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from coverage import CoverageData

from tests.mutants.faults import compiles, faults_of

ROOT = Path(__file__).resolve().parents[2]
PARTS = {
    "gates": ["gates/*.py"],
    "kernel": ["simulation/*.py", "compiled/*.py", "engine.py", "circuit/netlist.py"],
    "delivery": ["protocol/*.py"],
    "learning": ["learning/*.py"],
}
LEFT_OUT = ["--ignore=tests/test_player.py", "--ignore=tests/test_player_training.py", "--ignore=tests/test_house.py"]
BUSY = 120  # seconds that one test may take
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
    """Which tests reach which lines, and how long they take."""

    def __init__(self, folder, tree):
        data, times = folder / "reach", folder / "times.xml"
        if not data.exists():
            settings = folder / "coverage.ini"
            settings.write_text(f"[run]\ndata_file = {data}\nsource = circuitsim\n", encoding="utf-8")
            report = ["--cov", "--cov-context=test", f"--cov-config={settings}", "--cov-report=", f"--junitxml={times}"]
            run(tree, [*LEFT_OUT, "-n", "auto", *report])
        self.data = CoverageData(data)
        self.data.read()
        self.files = {path.rpartition("/circuitsim/")[2]: path for path in self.data.measured_files()}
        self.seconds = Counter()
        for case in ElementTree.parse(times).iter("testcase"):
            name = f"{case.get('classname').replace('.', '/')}.py::{case.get('name')}"
            self.seconds[name] += float(case.get("time"))

    def tests(self, path, first, last):
        """Return the tests that reach lines of a file; those that reach the file, where these run as it is imported."""
        lines = self.data.contexts_by_lineno(self.files[path.relative_to("circuitsim").as_posix()])
        reached = {name for line in range(first, last + 1) for name in lines.get(line, ())} - {""}
        if not reached and any("" in lines.get(line, ()) for line in range(first, last + 1)):
            reached = set().union(*lines.values()) - {""}
        return sorted({name.rpartition("|")[0] for name in reached}, key=lambda name: (self.seconds[name], name))


def ask(tree, tests):
    """Return the first of the tests that fails, or how else they noticed something, or None."""
    if not tests:
        return None
    names = tree.parent / f"{tree.name}.tests"
    names.write_text("\n".join(tests), encoding="utf-8")
    limits = ["-o", f"faulthandler_timeout={BUSY}", "-o", "faulthandler_exit_on_timeout=true"]
    done = run(tree, ["-x", *limits, f"@{names}"])
    if done.returncode == 0:
        return None
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    return failed[1] if failed else "a test that takes too long" if "Timeout" in done.stderr else "the end of Python"


def run(tree, arguments):
    """Run pytest in a copy of the package."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "circuitsim-mutants")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    trees = SimpleQueue()
    for number in range(2):
        tree = chosen.folder / f"tree{number}"
        subprocess.run(["rm", "-rf", tree], check=True)
        subprocess.run(["git", "clone", "--quiet", ROOT, tree], check=True)
        by_hash = ["--invalidation-mode", "checked-hash"]  # files change within the same second, and keep their length
        subprocess.run([sys.executable, "-m", "compileall", "-q", *by_hash, tree / "circuitsim"], check=True)
        trees.put(tree)
    reach = Reach(chosen.folder, tree)

    def noticed(drawn):
        path, fault = drawn
        tree = trees.get()
        whole = (tree / path).read_bytes()
        try:
            (tree / path).write_text(fault.text, encoding="utf-8")
            return ask(tree, reach.tests(path, fault.first, fault.last))
        finally:
            (tree / path).write_bytes(whole)
            trees.put(tree)

    drawn, killers, survived = list(draw(chosen.count, chosen.seed, tree)), set(), 0
    with ThreadPoolExecutor(2) as pool:
        for (path, fault), killer in zip(drawn, pool.map(noticed, drawn), strict=True):
            print(f"{path}:{fault.line}: {fault.was!r} -> {fault.becomes!r}: {killer or 'SURVIVED'}", flush=True)
            survived += killer is None
            killers |= {killer} if killer and "::" in killer else set()
    print(f"{chosen.count - survived} of {chosen.count} noticed")
    if broken := ask(tree, sorted(killers)):
        print(f"but this fails without a fault too: {broken}")


if __name__ == "__main__":
    main()
