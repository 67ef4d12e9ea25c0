"""Command lines of all commands, scenarios and options that there are, with values right, absurd and hostile.

Each runs in a process of its own that may take eight seconds and 4 GB. It must end as `circuitsim.cli.process` says:
with a code that stands there, one sentence on stderr if it is 2 and no traceback, and with ``--json`` one object or
nothing.
"""

import json
import os
import resource
import signal
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import get_args

import typer

from circuitsim import Simulation, parse
from circuitsim.cli import main, scenarios

SECONDS, BYTES = 8, 4 * 10**9
LONGEST = len("error: ") + 400
NUMBERS = ["0", "1", "2", "3", "0.5", "4.0", "1e3"]
HOSTILE = [
    "-1", "-0.0", "nan", "inf", "-inf", "1e308", "1e-320", "1e-9", "1e18", "1000000000", "99999999999999999999",
    "9" * 5000, "", " ", "x", "\udcff", "\n", "a\nb", "[bold]", "{}", "%s", "-", "--", "1,2", "0,0", "1,,2", ",", "²",
    "٣", "0x10", "1_0",
]  # fmt: skip
EXPRESSIONS = [
    "x*y", "-x", "sigmoid(a*x + b*y + c)", "1/x", "q = x + y; f = q*z", "exp(exp(exp(x)))", "x[0]", "concat(x)",
    "matmul(x,y)", "(", "", "f(", "é", "x**y", "max(x,y)", "9**9**9", "x if y else z", "'\\d'", "2is", "lambda: x",
    "x=", "[bold]x",
]  # fmt: skip
FILES = [
    "a.html", "a.gif", "a.png", "a.svg", "a.pdf", "a.vcd", "a.json", "a.trace", "a.doc", "a", "", ".", "/", "..",
    ".svg", "nowhere/a.svg", "x" * 300 + ".svg", "/dev/full", "/proc/a.svg", "a\nb.svg", "[a].svg", "~", "csv.csv",
    "own.py", "good.trace",
]  # fmt: skip
OWN = ["def main(as_json: bool = False): return 1", "main = 3", "def f(", "1/0", "import nothing_of_the_kind", "", "\0"]


LONG = ("survey",)  # takes minutes, while a bar tells how far it is


def attempt(random, folder):
    """Run one command line."""
    _write_files(random, folder)
    words = line(random)
    return judge(words, *run(words, folder))


def line(random):
    """Return the words of a command line."""
    command = random.choice(["flow", "run", "run", "run", "run", "list", "view", "export", random.choice(HOSTILE)])
    words = [command]
    commands = options()
    if command == "flow":
        words.append(random.choice(EXPRESSIONS))
        words += [f"{name}={value(random)}" for name in "xyzabc" if random.random() < 0.5]
    elif command == "run":
        name = random.choice([*scenarios.summaries()] * 3 + ["own.py", *FILES, *HOSTILE])
        words.append(name)
        command = f"run {name}"
    elif command in ("view", "export"):
        words.append(random.choice(["good.trace", *FILES]))
    known = [option for option in commands.get(command, []) if option.name not in LONG]
    for option in random.sample(known, min(len(known), random.choice([0, 1, 1, 2, 3]))):
        words += _given(random, option)
    if random.random() < 0.1:
        words.insert(random.randrange(len(words) + 1), random.choice([*HOSTILE, "--help", "--json", "--nonsense"]))
    return [word for word in words if "\0" not in word]


def value(random):
    """Return a number, or what is none."""
    return random.choice(NUMBERS if random.random() < 0.6 else HOSTILE)


def _given(random, option):
    """Return an option and a value for it."""
    name = random.choice([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return [name]
    kind = option.type_descriptor.annotation
    if kind is Path or name in ("--data", "--table"):
        return [name, random.choice([*FILES, "guide", "circles"])]
    choices = [*get_args(kind)]
    words = [word.strip(",.;:") for word in (option.help or "").split()] if kind is str or choices else []
    return [name, random.choice([*choices, *words]) if words and random.random() < 0.4 else value(random)]


@cache
def options():
    """Return the options of each command and of each scenario."""
    found = {name: command.params for name, command in typer.main.get_command(main.app).commands.items()}
    for name in scenarios.summaries():
        app = scenarios.application(scenarios.load(scenarios.find(name)))
        found[f"run {name}"] = typer.main.get_command(app).params
    return {name: [one for one in all_of_it if one.opts[0].startswith("-")] for name, all_of_it in found.items()}


def _write_files(random, folder):
    (folder / "own.py").write_text(random.choice(OWN), encoding="utf-8")
    (folder / "csv.csv").write_text("x,y,label\n1,2,1\n2,1,-1\n0,3,1\n3,0,-1\n", encoding="utf-8")
    (folder / "good.trace").write_bytes(_trace())


@cache
def _trace():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "good.trace")
        Simulation(parse("x * y")).run(x=1, y=2).save(path)
        return path.read_bytes()


def run(words, folder):
    """Run a command line in a child of this process; return its exit code, its output, its complaint and its seconds.

    They are those of the clock, but for a child that was ended after `SECONDS` and had not computed for half of them:
    it gets the code of Ctrl-C, since it was the machine that was busy.
    """
    begun = time.monotonic()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _become(words, folder)
    while (ended := os.wait4(child, os.WNOHANG))[0] == 0 and time.monotonic() - begun <= SECONDS:
        time.sleep(0.005)
    code, seconds = 130, 0.0
    if ended[0] == 0:
        os.kill(child, signal.SIGKILL)
        ended = os.wait4(child, 0)
    if ended[1] != signal.SIGKILL or ended[2].ru_utime + ended[2].ru_stime > SECONDS / 2:
        code, seconds = os.waitstatus_to_exitcode(ended[1]), time.monotonic() - begun
    told = ((folder / name).read_text(encoding="utf-8", errors="surrogateescape") for name in ("stdout", "stderr"))
    return code, *told, seconds


def _become(words, folder):
    """Be the command line; never return."""
    code = 99
    try:
        os.chdir(folder)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace")  # as Python opens it
        os.environ["BROWSER"] = "true"
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        sys.argv = ["circuitsim", *words]
        main.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def judge(words, code, output, complaint, seconds):
    """Return what is wrong with how a command line ended, or None."""
    wrong = []
    own = "own.py" in words
    if code not in (0, 1, 2, 130) or (code == 1 and not own and "--check" not in words):
        wrong.append(f"exit code {code}")
    if seconds > SECONDS:
        wrong.append(f"{seconds:.0f} s")
    if "Traceback" in complaint and not own:
        wrong.append("a traceback")
    lines = complaint.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    others = [line for line in lines if not line.startswith(("error: ", "note: ", "saved "))]
    if others and not own:
        wrong.append("other lines on stderr")
    if code == 2 and (len(errors) != 1 or len(errors[0]) > LONGEST):
        wrong.append("no one sentence")
    if code == 2 and output:
        wrong.append("output in spite of an error")
    if code == 0 and errors:
        wrong.append("an error, and code 0")
    if code == 0 and "--json" in words and "--help" not in words and not own:
        try:
            if not isinstance(json.loads(output, parse_constant=_refuse), dict):
                wrong.append("JSON that is no object")
        except ValueError:
            wrong.append("no JSON")
    if not wrong:
        return None
    words = [word if len(word) < 1000 else f"{word[:10]}... of {len(word)} letters" for word in words]
    return f"{', '.join(wrong)}: circuitsim {words!r}\n{complaint[-800:]}"


def _refuse(constant):
    raise ValueError(constant)
