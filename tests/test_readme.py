"""What the documents show is what happens: their Python runs and prints what it says, as do the README's commands."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from circuitsim import engine, gates
from circuitsim.views import forms
from tests.test_scenarios import call, plain

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [
    pytest.param(block, id=f"{name}-{number}")
    for name in ("README.md", "docs/extend.md", "docs/learning.md", "docs/pages.md")
    for number, block in enumerate(
        re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    )
]


def literal(comment):
    """Return the value with which a comment begins, or None if it is words."""
    for text in (comment, comment.partition(":")[0]):
        try:
            return ast.literal_eval(text.strip())
        except (SyntaxError, ValueError):
            continue
    return None


@pytest.fixture
def unregistered():
    """Forget the gates, engines and forms that a test has registered."""
    tables = [gates.registry, engine.engines, forms.added]
    before = [table.copy() for table in tables]
    yield
    for table, known in zip(tables, before, strict=True):
        table.clear()
        table.update(known)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.usefixtures("unregistered")
def test_python_blocks_print_what_their_comments_say(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    promised = [literal(comment) for comment in re.findall(r"^ *print\(.*\)  # (.*)$", block, flags=re.MULTILINE)]
    printed = []
    exec(compile(block, "a document", "exec"), {"print": printed.append, "__name__": "a document"})
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
        assert (ROOT / picture).stat().st_size > 10_000
