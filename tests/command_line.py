"""The command line in this process: quicker than one of its own, and the same to the last letter."""

import io
from contextlib import chdir, redirect_stderr, redirect_stdout
from types import SimpleNamespace

import pytest

from circuitsim.cli.main import app
from circuitsim.cli.process import serve


def call(*arguments, cwd="."):
    """Return the exit code and what was written."""
    out, err = io.StringIO(), io.StringIO()
    with chdir(cwd), redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        serve(app, list(map(str, arguments)), "circuitsim")
    return SimpleNamespace(returncode=end.value.code, stdout=out.getvalue(), stderr=err.getvalue())
