"""The command line as people meet it: in a process of its own."""

import fcntl
import io
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import circuitsim
from circuitsim.cli import console, main, scenarios
from circuitsim.cli.given_values import read_value
from circuitsim.gates.value import show
from circuitsim.views.forms import SUFFIXES
from tests.command_line import call

ROOT = Path(__file__).parent.parent
NEURON = ["sigmoid(a*x + b*y + c)", "a=1", "b=2", "c=-3", "x=-1", "y=3"]


def test_flow_shows_values_and_gradients():
    done = call("flow", *NEURON)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "0.880797" in done.stdout
    assert "-0.104994" in done.stdout
    assert "20 messages in 18 ticks" in done.stdout


def test_flow_json_is_one_object_and_nothing_else():
    done = call("flow", "(x + y) * z", "x=-2", "y=5", "z=-4", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "outputs": {"f": -12.0}, "gradients": {"x": -4.0, "y": -4.0, "z": 3.0}, "time": 10.0, "messages": 10,
        "check": {"worst": pytest.approx(0.0, abs=1e-9), "agree": True},
        "wires": {"add1": {"value": 3.0, "gradient": -4.0}, "mul1": {"value": -12.0, "gradient": 1.0}},
    }  # fmt: skip
    assert done.stdout.count("\n") == 1


def test_flow_takes_arrays():
    done = call("flow", "x * y", "x=1,2,3", "y=2", "--json")
    assert json.loads(done.stdout)["gradients"] == {"x": [2.0, 2.0, 2.0], "y": 6.0}


def rows(done):
    """Return the rows of the table that was printed, by the name of their wire."""
    lines = (line.split() for line in done.stdout.splitlines() if line.startswith("  "))
    return {words[0]: words[1:] for words in lines if words}


def test_flow_shows_two_numbers_for_every_wire():
    shown = rows(call("flow", "q = x + y; f = q × z", "x=-2", "y=5", "z=-4"))
    assert shown["x"] == ["input", "-2", "-4"]
    assert shown["q"] == ["x", "+", "y", "3", "-4"]
    assert shown["mul1"] == ["q", "×", "z", "-12", "1"]
    assert shown["f"] == ["output,", "mul1", "-12", "1"]


def test_flow_tells_the_output_from_an_input_called_f():
    shown = rows(call("flow", "f*x", "f=1", "x=2"))
    assert (shown["f"], shown["output"]) == (["input", "1", "2"], ["output,", "mul1", "2", "1"])


def test_flow_puts_another_gradient_on_the_output():
    done = call("flow", "x * y", "x=-2", "y=3", "--gradient", "-2")
    assert rows(done)["x"] == ["input", "-2", "-6"]
    assert "with the gradient -2 put on the output" in done.stdout
    done = call("flow", "x * y", "x=-2", "y=3", "--gradient", "1/2", "--json")
    assert json.loads(done.stdout)["gradients"] == {"x": 1.5, "y": -1.0}


def test_flow_takes_the_guides_step():
    """Its gate x × y at -2 and 3 goes from -6 to -5.8706, its two gates from -12 to -11.5924."""
    done = call("flow", "x * y", "x=-2", "y=3", "--step", "0.01")
    assert "after a step of 0.01" in done.stdout
    assert rows(done)["f"] == ["output,", "mul1", "-6", "1", "-5.8706"]
    found = json.loads(call("flow", "(x + y) * z", "x=-2", "y=5", "z=-4", "--step", "0.01", "--json").stdout)
    assert found["outputs"] == {"f": -12.0}
    assert found["after_step"]["outputs"] == {"f": pytest.approx(-11.5924)}
    assert found["after_step"]["inputs"] == pytest.approx({"x": -2.04, "y": 4.96, "z": -3.97})


@pytest.mark.parametrize(("text", "value"), [
    ("1/3", 1 / 3), ("1e3", 1000.0), ("-2**2", -4.0), ("pi/2", np.pi / 2), ("pi", np.pi), ("e", np.e), ("−2", -2.0),
    ("1,2", [1.0, 2.0]), ("[1,000]", [1.0, 0.0]), ("[[1,2],[3,4]]", [[1.0, 2.0], [3.0, 4.0]]), ("inf", np.inf),
    ("[100,200]", [100.0, 200.0]), ("1_000", 1000.0),
])  # fmt: skip
def test_values_that_are_read(text, value):
    assert np.array_equal(read_value(text, "x"), value)


@pytest.mark.parametrize(("text", "words"), [
    ("1,000", "may be one number or several: write 1000, or [1,000]"),
    ("-12,345,678.9", "write -12345678.9, or [-12,345,678.9]"),
    ("100,200", "write 100200, or [100,200]"),
    ("1/0", "beyond what a float holds"), ("9**9**9", "beyond what a float holds"), ("1,", "is no number"),
    ("(-8)**0.5", "is no number"), ("[]", "is no number"), ("[[1],[2,3]]", "is no number"), ("x", "is no number"),
    ("[1,2]*2", "is no number"), ("f()", "is no number"), ("True", "is no number"), ("(" * 9999, "is no number"),
])  # fmt: skip
def test_values_that_are_refused(text, words):
    with pytest.raises(circuitsim.InputError, match=re.escape(words)):
        read_value(text, "x")


def test_several_numbers_are_said_to_be_several():
    assert "x=0,5 is read as 2 numbers, [0, 5]." in call("flow", "2*x", "x=0,5").stdout


def test_an_expression_may_begin_with_a_minus_sign():
    assert json.loads(call("flow", "-x*y", "x=2", "y=3", "--json").stdout)["outputs"] == {"f": -6.0}


def test_flow_explains():
    done = call("flow", "(x + y) * z", "x=-2", "y=5", "z=-4", "--explain", "x")
    assert "mul1 = add1 × z = 3 × (-4) = -12, gradient 1." in done.stdout


def test_flow_checks_and_fails_at_a_kink():
    asked = call("flow", *NEURON, "--check").stdout
    assert "numerical" in asked
    assert asked.endswith("The gradients agree with central differences.\n")
    kink = "Central differences give x another gradient, 0.5: is there a kink or a steep bend here?"
    done = call("flow", "relu(x)", "x=0", "--check")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, kink)
    done = call("flow", "relu(x)", "x=0")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, kink)


def test_flow_puts_several_numbers_on_the_output():
    done = call("flow", "x*x", "x=1,2", "--gradient", "1,2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "with the gradient [1, 2] put on the output" in done.stdout


def test_flow_takes_smaller_steps_where_the_slope_changes_fast():
    for expression, x in ("exp(x)", "x=700"), ("sin(x)", "x=5000"):
        done = call("flow", expression, x, "--check")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "The gradients agree with central differences.")


def test_the_columns_of_a_check_are_as_wide_as_what_is_in_them():
    head, row = call("flow", "softmax(x)", "x=1,2,3", "--check").stdout.splitlines()[-3:-1]
    assert (head.index("numerical") + len("numerical"), len(head)) == (row.rindex("]") + 1, len(row))


def test_flow_checks_small_circuits_unasked():
    told = call("flow", *NEURON).stdout
    assert told.endswith("The gradients agree with central differences.\n")
    assert "numerical" not in told
    assert json.loads(call("flow", *NEURON, "--json").stdout)["check"]["agree"] is True
    assert "central" not in call("flow", *NEURON, "--no-check").stdout
    assert "central" not in call("flow", "x/y", "x=1", "y=0").stdout.lower()  # nothing to compare beside an infinity
    long = ",".join(map(str, range(900)))
    assert "central" not in call("flow", "sum(tanh(x))", f"x={long}").stdout


def test_flow_saves_and_says_so(tmp_path):
    done = call("flow", *NEURON, "--save", "neuron.gif", cwd=tmp_path)
    assert done.returncode == 0
    assert "saved neuron.gif" in done.stdout.splitlines()
    assert done.stderr == ""  # no progress bar in a pipe
    assert (tmp_path / "neuron.gif").read_bytes().startswith(b"GIF89a")


@pytest.mark.parametrize("command", [["flow", "x*y", "x=1", "y=2"], ["run", "neuron", "--iterations", "2"]])
def test_every_file_is_told_of(tmp_path, command):
    done = call(*command, "--save", "seen.svg", cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "saved seen.svg"
    done = call(*command, "--save", "seen.svg", "--json", cwd=tmp_path)
    assert done.stderr == "saved seen.svg\n"
    assert json.loads(done.stdout)


@pytest.mark.parametrize("name", list(scenarios.summaries()))
def test_help_names_the_suffixes_that_are_taken_and_no_others(name, capsys):
    def said(*options):
        with pytest.raises(SystemExit):
            scenarios.play(scenarios.load(scenarios.find(name)), list(options))
        return capsys.readouterr()

    told = said("--help").out
    told = "".join(told[told.index("--save") :].partition("--json")[0].split())
    refused = said("--save", "x.doc").err
    known = re.findall(r"\.\w+", refused.partition("one of")[2])
    assert known
    for suffix in SUFFIXES:
        assert (suffix in told) == (suffix in known), suffix


def test_help_keeps_its_brackets(tmp_path):
    """What is written as help is shown, letter by letter: of each command, scenario and option, and of one's own."""
    text = "Take x[index] and extras[data] from [a list].\n\nAgain: [bold]."
    own = tmp_path / "own.py"
    own.write_text(
        f"""{text!r}
from typing import Annotated
import typer
def main(data: Annotated[str, typer.Option(help="As [red]data[0][/red].")] = "[1]", as_json: bool = False): pass
""",
        encoding="utf-8",
    )
    apps = {name: scenarios.application(scenarios.load(scenarios.find(name))) for name in scenarios.summaries()}
    apps |= {"own": scenarios.application(scenarios.load(own)), "circuitsim": main.app}
    for name, app in apps.items():
        command = typer.main.get_command(app)
        for each in [command, *getattr(command, "commands", {}).values()]:
            with each.make_context(name, ["--help"], resilient_parsing=True) as context:
                told = "".join(each.get_help(context).split())
            for part in [each.help, *(option.help for option in each.params)]:
                assert "".join((part or "").replace("\b", "").split()) in told
        if name == "own":
            assert "[red]data[0][/red].[default:[1]]" in told
            assert "x[index]andextras[data]from[alist]." in told


def test_an_expression_in_brackets_is_said_again_as_it_is():
    done = call("flow", "x[0][bold]", "x=1")
    assert done.returncode == 2
    assert "'x[0][bold]'" in done.stderr


def test_nobody_is_sent_to_a_package_of_another():
    """Somebody else's circuitsim is in the index; ours is circuitsim-actors."""
    texts = [path for kind in ("*.py", "*.md", "*.toml", "*.ipynb") for path in ROOT.rglob(kind)]
    texts = [path for path in texts if not {".venv", ".git"} & set(path.parts) and path != Path(__file__)]
    assert len(texts) > 100
    for path in texts:
        told = path.read_text(encoding="utf-8")
        assert not re.search(r"circuitsim\[|install( +-\S+)* +['\"]?circuitsim(?!-actors)", told), path


def test_an_installation_shows_that_it_works(tmp_path):
    def check(*setup):
        program = "import runpy, circuitsim.testing; " + "".join(setup)
        program += "runpy.run_module('circuitsim.testing', run_name='__main__')"
        return subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False
        )

    done = check()
    assert (done.returncode, done.stdout.split()[:3]) == (0, ["circuitsim", circuitsim.__version__, "works:"])
    broken = check("from circuitsim import Compiled; Compiled.backward = lambda self: {n: 1.0 for n in 'abcxy'}; ")
    assert broken.returncode == 1
    assert "does not work: Compiled goes back wrongly" in broken.stderr


NUMBERS = st.floats(allow_nan=False).map(show) | st.sampled_from(["100%", "5.2e-32", "0.445042", "(1, 2)", "x 3, y -2"])


@given(
    data=st.data(),
    width=st.sampled_from([20, 40, 60, 80, 200]),
    columns=st.lists(st.sampled_from(["iteration", "cost", "the guide's gradient", "after one step"]), min_size=1),
)
def test_no_number_is_ever_broken(data, width, columns):
    names = st.text("abc _", min_size=1, max_size=30)
    row = st.tuples(names, *[NUMBERS] * len(columns))
    table = data.draw(st.lists(row, min_size=1, max_size=4))
    printed = shown(lambda: console.print_table("title", ["name", *columns], table), width)
    for cells in table:
        for cell in cells[1:]:
            assert all(word in printed.split() for word in cell.split())
    longest = max(len(word) for cells in table for cell in (*cells, *columns, "name") for word in cell.split())
    if longest * 2 + 7 <= width:
        assert max(map(len, printed.splitlines())) <= width


def shown(show_it, width):
    """Return what is printed on a terminal of so many letters a line."""
    file = io.StringIO()
    made = Console(file=file, width=width, force_terminal=True, color_system=None, highlight=False, markup=False)
    with mock.patch.object(console, "_console", return_value=made):
        show_it()
    return file.getvalue()


def test_a_table_that_is_too_wide_goes_on_below():
    columns = ["after a while", *(f"column{number}" for number in range(9))]
    printed = shown(lambda: console.print_table("t", columns, [["p", *["0.123456"] * 9], ["q", *["1"] * 9]]), 60)
    assert printed.count("while") == 3
    assert printed.count("0.123456") == 9
    wide = shown(lambda: console.print_table("t", columns, [["p", *["0.123456"] * 9], ["q", *["1"] * 9]]), 200)
    assert wide.count("while") == 1


def test_sentences_are_broken_between_words():
    sentence = "    The guide has f = 0.8808 before and 0.8825 after the step; to five digits it is 0.88255."
    printed = shown(lambda: console.say(sentence), 40)
    assert printed.split() == sentence.split()
    assert max(map(len, printed.splitlines())) <= 40
    assert all(line.startswith("    ") for line in printed.splitlines())


def read_all(terminal):
    """Return what is written to a pseudo-terminal until its other end is closed."""
    text = b""
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not read:
            break
        text += read
    os.close(terminal)
    return text.decode()


@pytest.mark.parametrize("columns", [40, 80])
def test_on_a_real_terminal_numbers_stay_whole(columns):
    """In a pseudo-terminal, as people have it."""
    size = struct.pack("HHHH", 24, columns, 0, 0)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    process = subprocess.Popen(
        [sys.executable, "-m", "circuitsim", "run", "circuit"], stdout=theirs, stdin=theirs,
        env={key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")} | {"TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    text = read_all(ours)
    process.wait()
    lines = re.sub(r"\x1b\[[\d;]*m", "", text).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= columns
    assert "-11.5924" in " ".join(lines).split()


def test_what_is_not_finite_is_legal_and_told():
    done = call("flow", "1/x", "x=0", "--json")
    assert done.returncode == 0
    assert done.stderr == "note: gate 'div1' (div) made inf from 1, 0\n"
    result = json.loads(done.stdout, parse_constant=pytest.fail)
    assert result["outputs"] == {"f": "Infinity"}
    assert float(result["gradients"]["x"]) == -np.inf


def test_version_and_list_and_help():
    assert call("--version").stdout == f"circuitsim {circuitsim.__version__}\n"
    listed = call("list").stdout
    for name in ("gate", "circuit", "neuron", "ninja"):
        assert name in listed
    assert "flow" in call("--help").stdout
    assert "--seed" in call("run", "neuron", "--help").stdout


@pytest.mark.parametrize(("arguments", "words"), [
    (["flow", "x + y", "x=1"], "needs a value for input y"),
    (["flow", "x", "x=1", "z=2"], "has no input 'z'"),
    (["flow", "x", "x=one"], "the value of input 'x' is no number: 'one'"),
    (["flow", "x", "x="], "the value of input 'x' is no number: ''"),
    (["flow", "x", "1"], "'1' is no value for an input: write NAME=VALUE"),
    (["flow", "x", "x=1", "x=2"], "input 'x' is given twice"),
    (["flow", "x", "x=1", "--jsn"], "there is no option '--jsn'"),
    (["flow", "x + y", "x=1,2", "y=1,2,3"], "gate 'add1' (add) cannot take shapes (2,) and (3,)"),
    (["flow", "tanhh(x)", "x=1"], "unknown gate 'tanhh' in 'tanhh(x)': did you mean 'tanh'?"),
    (["flow", "sin(x, x)", "x=1"], "sin takes 1 input, (x), but was given 2"),
    (["flow", "", "x=1"], "the expression is empty"),
    (["flow", "x +", "x=1"], "the expression cannot be read"),
    (["flow", "__import__('os').system('true')"], "only gates can be called"),
    (["flow", "().__class__"], "attributes are not part of expressions"),
    (["flow", "9**9**9**9"], "too large for a float"),
    (["flow", "(" * 10_000 + "x" + ")" * 10_000, "x=1"], "nests too deeply"),
    (["flow", "x", "x=1", "--save", "x.doc"], "the suffix must be one of .gif .mp4"),
    (["flow", "x", "x=1", "--save", "nowhere/x.gif"], "there is no folder 'nowhere'"),
    (["flow", "x", "x=1", "--explain", "q"], "has nothing called 'q'"),
    (["run", "nothing"], "there is no scenario 'nothing': use one of"),
    (["run", "piplines"], "there is no scenario 'piplines': did you mean 'pipeline'? use one of"),
    (["run", "missing.py"], "there is no scenario 'missing.py'"),
    (["run", "empty.py"], "'empty.py' is no scenario"),
    (["run", "neuron", "--save", "x.doc"], "the suffix must be one of .html .gif .mp4 .png .svg .pdf\n"),
    (["flow", "x", "x=1,000"], "the value of input 'x', '1,000', may be one number or several: write 1000, or [1,000]"),
    (["flow", "x", "x=1", "--gradient", "up"], "the value of --gradient is no number: 'up'"),
    (["flow", "x", "x=1", "--step", "inf"], "--step is inf: give a finite number"),
])  # fmt: skip
def test_bad_input_gets_one_sentence(tmp_path, arguments, words):
    (tmp_path / "empty.py").write_text("")
    done = call(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.py"]


@pytest.mark.parametrize("arguments", [["fly"], ["flow"], ["run"], ["run", "neuron", "--seed", "x"], ["--nonsense"]])
def test_wrong_usage_exits_with_2_and_no_traceback(arguments):
    done = call(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_closed(tmp_path):
    tmp_path.chmod(0o500)
    done = call("flow", "x", "x=1", "--save", str(tmp_path / "x.gif"))
    assert done.returncode == 2
    assert "permission is denied" in done.stderr


def test_a_file_that_cannot_be_written():
    done = call("flow", "x", "x=1", "--save", "/proc/x.png")
    assert done.returncode == 2
    assert "error: cannot write '/proc/x.png'" in done.stderr
    assert done.stderr.count("\n") == 1


def shell(command, cwd, **environment):
    """Run a command line in a shell, for streams that are closed, full or narrow."""
    python = shlex.quote(sys.executable)
    return subprocess.run(
        ["bash", "-c", f"circuitsim() {{ {python} -W error -m circuitsim \"$@\"; }}; {command}"],
        capture_output=True, cwd=cwd, timeout=120, check=False, env={**os.environ, "COLUMNS": "100", **environment},
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_letters_that_a_stream_cannot_show_are_written_in_ascii(tmp_path, encoding):
    done = shell(
        'circuitsim flow "σ(x) × y" x=1 y=2 --explain x && circuitsim list', tmp_path, PYTHONIOENCODING=encoding
    )
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode(encoding)
    assert "sigma(x)" in shown
    assert ("sigmoid1 * y" if encoding == "ascii" else "sigmoid1 × y") in shown
    assert "x -> sigmoid1.x -> mul1.a -> f" in shown


def test_json_is_json_on_any_stream(tmp_path):
    done = shell('circuitsim flow "é*y" é=1 y=2 --json', tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout.decode("ascii"))["gradients"] == {"é": 2.0, "y": 1.0}


@pytest.mark.parametrize(("command", "code", "complaint"), [
    ("circuitsim list > /dev/full", 2, "error: cannot write the output: No space left on device\n"),
    ("circuitsim flow x*y x=1 y=2 --json > /dev/full", 2, "error: cannot write the output: No space left on device\n"),
    ("circuitsim run --help > /dev/full", 2, "error: cannot write the output: No space left on device\n"),
    ("circuitsim list >&-", 0, ""),
    ("circuitsim flow x*y x=1 y=2 --save a.svg <&-", 0, ""),
    ("circuitsim flow x*y x=1 2>&-", 2, ""),
    ("circuitsim flow x*y x=1 2> /dev/full", 2, ""),
    ("circuitsim list | true; exit ${PIPESTATUS[0]}", 1, ""),
])  # fmt: skip
def test_streams_that_are_full_or_closed(tmp_path, command, code, complaint):
    done = shell(command, tmp_path, PYTHONUNBUFFERED="1" if "true" in command else "")
    assert (done.returncode, done.stderr.decode()) == (code, complaint)


def test_nothing_meant_for_stderr_comes_to_stdout(tmp_path):
    done = shell("circuitsim flow x*y x=1 y=2 --json --save a.svg 2>&-", tmp_path)
    assert json.loads(done.stdout)["outputs"] == {"f": 2.0}


REPORT = "from circuitsim.cli.scenarios import Report\ndef main(as_json: bool = False):\n    "


@pytest.mark.parametrize(("text", "words"), [
    ("def f(", "is no Python: '(' was never closed in line 1"), ("\0", "is no Python: "),
    ("(" * 5000, "is no Python: "), ("main = 3", "is no scenario: define a function main"),
    (f"{REPORT}return 4", "main of 'own.py' returned 4: return a Report"),
])  # fmt: skip
def test_scenarios_of_ones_own_with_mistakes(tmp_path, text, words):
    (tmp_path / "own.py").write_text(text, encoding="utf-8")
    done = call("run", "own.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("text", "last"), [
    ("import nothing_of_the_kind", "ModuleNotFoundError: No module named 'nothing_of_the_kind'"),
    (f"{REPORT}return 1 / 0", "ZeroDivisionError: division by zero"),
    (f"{REPORT}open('missing.csv')", "FileNotFoundError: [Errno 2] No such file or directory: 'missing.csv'"),
])  # fmt: skip
def test_what_a_scenario_raises_is_shown_from_its_file_on(tmp_path, text, last):
    (tmp_path / "own.py").write_text(text, encoding="utf-8")
    done = call("run", "own.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert '"own.py", line ' in lines[1]
    assert lines[-1] == last
    assert "circuitsim" not in done.stderr


@pytest.mark.parametrize("name", ["x" * 300, "a\nb", "./", "own/", "\udcff"])
def test_names_that_no_scenario_has(name):
    done = call("run", name)
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no scenario ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [
    ["staleness", "--step", "1e18", "--updates", "9"], ["staleness", "--curvature", "1e18", "--updates", "9"],
    ["staleness", "--step", "1e308", "--updates", "9"], ["workers", "--seeds", "2", "--updates", "3", "--step", "1e18"],
    ["workers", "--seeds", "2", "--updates", "3", "--step", "1e308"],
])  # fmt: skip
def test_numbers_that_overflow_are_told_as_numbers(arguments):
    done = call("run", *arguments, "--json")
    assert done.returncode == 0
    notes = done.stderr.splitlines()
    assert len(set(notes)) == len(notes)
    assert all(note.startswith("note: gate 'square1'") for note in notes)
    assert json.loads(done.stdout, parse_constant=pytest.fail)


@pytest.mark.parametrize("arguments", [
    *(["faults", option] for option in ("--stages", "--microbatches", "--batches")),
    *(["pipeline", option] for option in ("--stages", "--microbatches", "--chunks")),
    *(["staleness", option] for option in ("--stages", "--updates", "--windows")),
    *(["workers", option] for option in ("--workers", "--updates", "--seeds", "--local-steps")),
    *(["mlp", option] for option in ("--hidden", "--iterations", "--batch")), ["digits", "--iterations"],
])  # fmt: skip
def test_counts_that_memory_cannot_hold_are_refused_at_once(capsys, arguments):
    many = "99999999999999999999" if arguments[-1] in ("--stages", "--hidden", "--seeds") else "1000000000000"
    with pytest.raises(SystemExit) as end:
        scenarios.play(scenarios.load(scenarios.find(arguments[0])), [*arguments[1:], many])
    told = capsys.readouterr()
    assert (end.value.code, told.out) == (2, "")
    assert re.fullmatch(r"error: .* takes about .* of memory, and .* GB are free: .*\n", told.err)


@pytest.mark.parametrize(("arguments", "words"), [
    (["faults", "--checkpoint-every", "1e-320"], "from 1e-100 to 1e+100"),
    (["faults", "--crash-every", "1e-320"], "from 1e-100 to 1e+100"),
    (["faults", "--crash-every", "0.001"], "every 0.001 ticks and a piece of work takes 1: nothing would ever"),
    (["pipeline", "--forward", "1e308"], "from 1e-100 to 1e+100"),
    (["pipeline", "--latency", "1e308"], "from 1e-100 to 1e+100"),
    (["pipeline", "--bandwidth", "1e-320"], "from 1e-100 to 1e+100"),
    (["workers", "--latency", "1e308"], "from 1e-100 to 1e+100"),
    (["workers", "--straggler", "1e308"], "below 1e+100"),
])  # fmt: skip
def test_times_with_which_no_clock_moves_on(capsys, arguments, words):
    with pytest.raises(SystemExit) as end:
        scenarios.play(scenarios.load(scenarios.find(arguments[0])), arguments[1:])
    told = capsys.readouterr()
    assert (end.value.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert words in told.err


@pytest.mark.parametrize("command", [
    ["flow", "sigmoid(a*x + b*y + c)", "a=1", "b=2", "c=3", "x=1", "y=2", "--save", "a.gif"],
    ["run", "staleness", "--updates", "100000"], ["run", "own.py"],
])  # fmt: skip
def test_ctrl_c_ends_with_a_word_and_130(tmp_path, command):
    (tmp_path / "own.py").write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    program = "import os, signal, threading, circuitsim.cli.main as main; "
    program += "threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT)).start(); main.main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["own.py"]


@pytest.mark.parametrize("command", [
    ["run", "staleness", "--updates", "40"], ["run", "faults", "--batches", "1"], ["run", "workers", "--seeds", "5"],
    ["run", "pipeline", "--stages", "2"], ["run", "mlp", "--iterations", "50"], ["run", "gate", "--save", "gate.gif"],
])  # fmt: skip
def test_long_work_shows_a_bar_on_a_terminal(tmp_path, command):
    """And only there: `call` and the tests of scenarios find nothing on stderr."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "circuitsim", *command], stdout=subprocess.DEVNULL, stderr=theirs, cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )  # fmt: skip
    os.close(theirs)
    assert "━" in read_all(ours)
    assert process.wait() == 0
