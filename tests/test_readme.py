"""What the README shows is what happens: its Python runs and prints what it says, its command prints what it shows."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from tests.test_scenarios import call, plain

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def literal(comment):
    """Return the value with which a comment begins, or None if it is words."""
    for text in (comment, comment.partition(":")[0]):
        try:
            return ast.literal_eval(text.strip())
        except (SyntaxError, ValueError):
            continue
    return None


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_python_blocks_print_what_their_comments_say(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    promised = [literal(comment) for comment in re.findall(r"^print\(.*\)  # (.*)$", block, flags=re.MULTILINE)]
    printed = []
    exec(compile(block, "README.md", "exec"), {"print": printed.append})
    kept = [(told, was) for told, was in zip(promised, printed, strict=True) if told is not None]
    assert kept
    for told, was in kept:
        assert told == was


def test_commands_print_what_is_shown_below_them(tmp_path):
    shown = re.findall(r"```\n\$ circuitsim (.*?)\n(.*?)```", README, flags=re.DOTALL)
    assert shown
    for command, output in shown:
        assert plain(call("-m", "circuitsim", *shlex.split(command), cwd=tmp_path)).split() == output.split()


def test_every_picture_is_there():
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (Path(__file__).parent.parent / picture).stat().st_size > 10_000
