"""The house itself: arrows point one way, names are exported on purpose, importing stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import circuitsim as cs

PACKAGE = Path(cs.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# fmt: off
# What each room may import of the house, besides itself. A lazy import inside a function is where somebody asks for
# a picture; it is listed too.
ROOMS = {
    "errors": set(),
    "files": {"errors"},
    "spelling": set(),
    "progress": set(),
    "gates": {"errors"},
    "inference": {"errors", "gates"},
    "circuit": {"errors", "gates", "inference", "views"},
    "netlist": {"circuit", "gates"},
    "expression": {"errors", "spelling", "gates", "circuit"},
    "rules": {"gates"},
    "engine": {"errors", "spelling", "gates", "circuit", "netlist", "rules"},
    "compiled": {"gates", "circuit", "netlist", "rules", "engine"},
    "plan": {"errors", "circuit", "netlist"},
    "trace": {"errors", "files", "gates", "netlist", "views"},
    "simulation": {"errors", "files", "gates", "circuit", "netlist", "rules", "engine", "plan", "trace", "views"},
    "learning": {"errors", "files", "progress", "gates", "circuit", "netlist", "rules", "engine"},
    "views": {"errors", "files", "progress", "gates", "circuit", "netlist", "simulation", "trace", "learning"},
    "console": {"errors", "views"},
    "scenario": {"errors", "spelling", "gates", "console"},
    "lesson": {
        "errors", "files", "progress", "gates", "circuit", "engine", "compiled", "simulation", "learning", "scenario",
        "views",
    },
    "cli": {"errors", "gates", "expression", "simulation", "trace", "learning", "console", "scenario", "views"},
}
# fmt: on
LAZY = {("circuit", "views"), ("simulation", "views"), ("trace", "views"), ("console", "views"), ("lesson", "views")}


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree, lazy):
    """Yield the dotted names that a module imports, at its top or (lazily) inside functions."""
    top = set(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and (node in top) != lazy:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif node.module == "circuitsim":
                yield from (f"circuitsim.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_one_way(path):
    here = room(path)
    if here in ("__init__", "__main__"):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for lazy in (False, True):
        for name in imports(tree, lazy):
            if name.startswith("circuitsim."):
                there = name.split(".")[1]
                assert there == here or there in ROOMS[here], f"{here} must not import {there}"
                assert lazy or (here, there) not in LAZY, f"{here} may import {there} only inside a function"


@pytest.mark.parametrize(("library", "rooms"), [
    ("simpy", {"simulation"}), ("matplotlib", {"views"}), ("PIL", {"views"}), ("vcd", {"views"}),
    ("typer", {"cli", "console", "scenario", "lesson"}), ("networkx", {"circuit"}),
])  # fmt: skip
def test_each_library_has_its_room(library, rooms):
    users = set()
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(name.split(".")[0] == library for lazy in (False, True) for name in imports(tree, lazy)):
            users.add(room(path))
    assert users <= rooms


def test_every_module_says_what_it_is_for():
    for path in [*MODULES, *PACKAGE.parent.glob("scenarios/*.py")]:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_all_lists_exactly_the_visible_names():
    visible = {name for name in vars(cs) if not name.startswith("_")}
    submodules = {path.stem for path in PACKAGE.glob("*.py")} | {
        path.name for path in PACKAGE.iterdir() if path.is_dir()
    }
    shadowed = set(cs.__all__) & submodules  # `gate` and the like would hide a module
    assert visible - submodules == set(cs.__all__) - submodules
    assert shadowed <= {"gates"}


def test_errors_derive_from_the_base_and_a_built_in():
    for name in cs.errors.__all__:
        thing = getattr(cs.errors, name)
        if issubclass(thing, cs.CircuitSimError) and thing is not cs.CircuitSimError:
            assert len(thing.__bases__) == 2
            assert thing.__bases__[1].__module__ == "builtins"
            assert name in cs.errors.__doc__


def test_importing_stays_light():
    heavy = ("matplotlib", "PIL", "typer", "rich", "vcd")
    script = f"import sys, circuitsim; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
