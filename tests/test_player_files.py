"""The player page as a file: small, alone, the same twice, and made from runs, traces and the command line."""

import re
from pathlib import Path

import pytest

import circuitsim as cs
from tests.browser import neuron, write
from tests.command_line import call


def test_the_page_is_one_small_file_and_the_same_twice(tmp_path):
    one, two = (write(neuron(), Path(tmp_path)).read_bytes() for _ in range(2))
    assert one == two
    assert len(one) < 150_000
    assert not re.search(rb"(src|href)=[\"'](?!data:|#)", one)
    assert b"https://" not in one.replace(b"http://www.w3.org/2000/svg", b"")


def test_pages_come_from_runs_traces_and_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = cs.Simulation(cs.parse("x * y")).run(x=2, y=3)
    run.player("run.html")
    run.save("saved.html")
    run.trace.save("run.trace")
    cs.Trace.load("run.trace").export("loaded.html")
    done = call("view", "run.trace", "--save", "viewed.html")
    assert (done.returncode, done.stdout, done.stderr) == (0, "saved viewed.html\n", "")
    done = call("flow", "x * y", "x=2", "y=3", "--save", "flow.html")
    assert (done.returncode, done.stderr) == (0, "")
    pages = [Path(f"{name}.html").read_bytes() for name in ("run", "saved", "loaded", "viewed", "flow")]
    assert len(set(pages)) == 1
    Path("run.html").unlink()
    assert call("view", "run.trace").stdout == "saved run.html\n"
    assert Path("run.html").read_bytes() == pages[0]


def test_mistakes_get_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = cs.Simulation(cs.parse("x * y")).run(x=2, y=3)
    with pytest.raises(cs.SaveError, match=r"the suffix must be one of \.html"):
        run.player("run.htm")
    run.trace.save("run.trace")
    for arguments, words in [
        (
            ["missing.trace"],
            "error: cannot load 'missing.trace': it cannot be read: No such file or directory; give a file that "
            "trace.save('NAME.trace') wrote\n",
        ),
        (["run.trace", "--save", "run.gif"], "error: cannot save as 'run.gif': the suffix must be one of .html\n"),
    ]:
        done = call("view", *arguments)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", words)
