"""A short run of every kind of random trial, and faults planted for the harness to find."""

import pytest

import circuitsim as cs
from tests.fuzz import LONGEST, __main__, fault_of, harness, kinds

KINDS = kinds()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_short_run_finds_nothing(kind):
    found = list(harness.fuzz(KINDS[kind], seed=0, seconds=0.5))
    assert not [(trial.number, trial.wrong) for trial in found if trial.wrong]


PLANTED = """
import os, warnings
import circuitsim as cs

def refused():
    try:
        cs.parse("(")
    except cs.ExpressionError:
        pass

def forever():
    while True:
        pass

DEEDS = [
    lambda random: f"{random.random()} {os.listdir()}",
    lambda random: None,
    lambda random: [][1],
    lambda random: exit(0),
    lambda random: warnings.warn("old"),
    lambda random: bytearray(2**33),
    lambda random: open("file", "w") and None,
    lambda random: refused(),
    lambda random: os.abort(),
    lambda random: forever(),
]

def attempt(random, folder):
    return DEEDS[int(folder.name) % len(DEEDS)](random)
"""
FOUND = ["0.", None, "IndexError", "SystemExit", "UserWarning: old", "MemoryError", "ResourceWarning", None]
FOUND += ["ended with code -6", "hang: no end after 1 s"]


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """The name of a module of planted faults, which children can import."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "planted.py").write_text(PLANTED, encoding="utf-8")
    return "planted"


def test_planted_faults_are_found_and_the_run_goes_on(planted):
    run = harness.fuzz(planted, seed=0, seconds=600, limit=1.0)
    found = [next(run) for _ in range(len(FOUND) + 1)]
    run.close()
    assert [trial.number for trial in found] == list(range(len(found)))
    for trial, word in zip(found, [*FOUND, FOUND[0]], strict=True):
        assert trial.wrong is None if word is None else word in trial.wrong, trial
    assert [trial.number for trial in found if trial.refused] == [7]


def test_a_trial_alone_is_the_trial_in_the_run(planted):
    number = 2 * len(FOUND)
    in_the_run, _ = harness.trials(planted, 0, number, 2)
    assert harness.again(planted, 0, number) == in_the_run
    assert harness.again(planted, 1, number) != in_the_run


def test_the_command_ends_with_1_after_faults_and_tells_how_to_repeat_them(planted, capsys):
    assert __main__.run({"planted": planted}, 0.0, 4) == 1
    said = capsys.readouterr().out
    assert "python -m tests.fuzz --again planted 4 0\n0." in said


def test_errors_are_sentences_of_ours():
    assert fault_of(cs.InputError("x is missing: give it")) is None
    assert "ValueError is raised" in fault_of(ValueError("no"))
    assert "not one sentence" in fault_of(cs.InputError(""))
    for said in ("one\ntwo", "x" * (LONGEST + 1)):  # errors see to that themselves
        assert fault_of(cs.InputError(said)) is None


def test_the_command_counts_and_makes_a_trial_again(capsys):
    kind = next(iter(KINDS))
    assert __main__.main(["0", "7", kind]) == 0
    said = capsys.readouterr().out
    assert kind in said
    assert "seed 7" in said
    assert __main__.main(["--again", kind, "7", "0"]) == 0
    assert "all is well" in capsys.readouterr().out


@pytest.mark.parametrize("given", [[], ["1"], ["1", "2", "nonsense"], ["--again", "nonsense", "1", "2"]])
def test_the_command_refuses_what_it_does_not_know(given, capsys):
    with pytest.raises(SystemExit, match="2"):
        __main__.main(given)
    said = capsys.readouterr().err
    assert "there is no kind 'nonsense'" in said if "nonsense" in given else "give the seconds and a seed" in said
