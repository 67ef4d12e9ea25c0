"""The command line as people meet it: in a process of its own."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import circuitsim

NEURON = ["sigmoid(a*x + b*y + c)", "a=1", "b=2", "c=-3", "x=-1", "y=3"]


def call(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "circuitsim", *arguments],
        capture_output=True, text=True, encoding="utf-8", cwd=cwd, timeout=120, check=False,
        env={**os.environ, "COLUMNS": "100", "PYTHONUTF8": "1"},
    )  # fmt: skip


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
    }  # fmt: skip
    assert done.stdout.count("\n") == 1


def test_flow_takes_arrays():
    done = call("flow", "x * y", "x=1,2,3", "y=2", "--json")
    assert json.loads(done.stdout)["gradients"] == {"x": [2.0, 2.0, 2.0], "y": 6.0}


def test_an_expression_may_begin_with_a_minus_sign():
    assert json.loads(call("flow", "-x*y", "x=2", "y=3", "--json").stdout)["outputs"] == {"f": -6.0}


def test_flow_explains():
    done = call("flow", "(x + y) * z", "x=-2", "y=5", "z=-4", "--explain", "x")
    assert "mul1 = add1 × z = 3 × (-4) = -12, gradient 1." in done.stdout


def test_flow_checks_and_fails_at_a_kink():
    assert "The gradients agree." in call("flow", *NEURON, "--check").stdout
    done = call("flow", "relu(x)", "x=0", "--check")
    assert done.returncode == 1
    assert "The gradients differ" in done.stdout


def test_flow_saves_and_says_so(tmp_path):
    done = call("flow", *NEURON, "--save", "neuron.gif", cwd=tmp_path)
    assert done.returncode == 0
    assert "saved neuron.gif" in done.stdout
    assert done.stderr == ""  # no progress bar in a pipe
    assert (tmp_path / "neuron.gif").read_bytes().startswith(b"GIF89a")


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
    (["flow", "tanhh(x)", "x=1"], "unknown gate 'tanhh' in 'tanhh(x)': did you mean 'tanh'? the gates are"),
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
    (["run", "neuron", "--save", "x.doc"], "the suffix must be one of .gif .mp4"),
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
