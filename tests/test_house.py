"""The house itself: arrows point one way, names are exported on purpose, importing stays light."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import networkx as nx
import pytest

import circuitsim as cs
from circuitsim.circuit import structure
from circuitsim.learning import checkpoint
from circuitsim.trace import archive

PACKAGE = Path(cs.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# fmt: off
# What each room may import of the house, besides itself. A lazy import inside a function is where somebody asks for
# a picture; it is listed too.
ROOMS = {
    "errors": set(),
    "spelling": set(),
    "checks": {"errors", "spelling"},
    "files": {"errors", "checks"},
    "progress": set(),
    "display": {"views"},
    "arguments": {"spelling"},
    "habits": {"errors", "spelling", "arguments"},
    "gates": {"errors", "checks", "habits"},
    "circuit": {"errors", "checks", "spelling", "habits", "display", "gates"},
    "rules": {"errors", "spelling", "gates"},
    "plan": {"errors", "habits", "checks", "spelling", "files", "circuit"},
    "trace": {"errors", "spelling", "habits", "checks", "files", "display", "gates", "circuit"},
    "protocol": {"errors"},
    "engine": {"errors", "checks", "spelling", "habits", "gates", "circuit", "trace", "rules"},
    "compiled": {"errors", "spelling", "habits", "gates", "circuit", "rules", "engine"},
    "simulation": {
        "errors", "spelling", "checks", "habits", "display", "gates", "circuit", "rules", "engine", "plan", "trace",
        "protocol",
    },
    "learning": {
        "errors", "checks", "habits", "spelling", "files", "progress", "display", "gates", "circuit", "trace", "rules",
        "engine",
    },
    "testing": {
        "errors", "spelling", "checks", "habits", "gates", "circuit", "rules", "engine", "plan", "learning", "compiled",
        "simulation",
    },
    "views": {"errors", "habits", "checks", "files", "progress", "gates", "circuit", "trace", "learning"},
    "cli": {
        "errors", "spelling", "checks", "files", "progress", "gates", "circuit", "engine", "compiled", "simulation",
        "trace", "learning", "views",
    },
    "extend": {"files", "gates", "circuit", "rules", "engine", "plan", "trace", "learning", "views"},
}
# fmt: on
# What is imported only inside functions.
LAZY = {("display", "views")}


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


def import_graph(trees):
    """Return which module imports which, wherever the import stands; `trees` has the modules by their dotted names."""
    graph = nx.DiGraph()
    graph.add_nodes_from(trees)
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{module} has a relative import: name the module in full"
                whole = [f"{node.module}.{alias.name}" for alias in node.names]
                names = [name if name in trees else node.module for name in whole]
            else:
                continue
            graph.add_edges_from((module, name) for name in names if name in trees)
    return graph


def cycles(graph):
    loops = [[module] for module in nx.nodes_with_selfloops(graph)]
    return loops + [sorted(ring) for ring in nx.strongly_connected_components(graph) if len(ring) > 1]


def test_no_module_imports_itself_by_a_way_round():
    """Lazy imports and those for types included; `display` is the one door to what draws."""
    trees = {dotted(path): ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
    graph = import_graph(trees)
    assert graph.number_of_edges() > 300
    assert cycles(graph) != []  # through the door
    graph.remove_node("circuitsim.display")
    assert cycles(graph) == []


def dotted(path):
    return ".".join(("circuitsim", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


@pytest.mark.parametrize(("text", "found"), [
    ("import b", [["a", "b"]]),
    ("from b import y", [["a", "b"]]),
    ("def f():\n    import b", [["a", "b"]]),
    ("if TYPE_CHECKING:\n    from b import y", [["a", "b"]]),
    ("from p import y", [["a", "b", "p"]]),  # the package takes it from b
    ("from p import c", []),  # a module of the package
    ("import a", [["a"]]),
    ("import c", []),
])  # fmt: skip
def test_a_cycle_is_seen(text, found):
    texts = {"a": text, "b": "import a", "p": "from b import y", "p.c": "", "c": ""}
    assert cycles(import_graph({name: ast.parse(code) for name, code in texts.items()})) == found


def test_no_two_modules_share_a_name():
    """Only the main module of a package may bear the package's name, as in `circuit.circuit`."""
    found = {}
    for path in MODULES:
        name = dotted(path).rpartition(".")[2]
        if path.stem not in ("__init__", "__main__") and name != path.parent.name:
            found.setdefault(name, []).append(dotted(path))
    packages = {path.parent.name for path in MODULES if path.stem == "__init__"}
    assert {name: modules for name, modules in found.items() if len(modules) > 1 or name in packages} == {}


def test_every_arrow_is_used():
    used = {here: set() for here in ROOMS}
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name in (*imports(tree, lazy=False), *imports(tree, lazy=True)):
            if name.startswith("circuitsim.") and room(path) in used:
                used[room(path)].add(name.split(".")[1])
    assert {here: there - {here} for here, there in used.items()} == ROOMS


def drawing():
    """Return the rooms and their arrows as docs/house.md has them, for Markdown."""
    graph = nx.DiGraph((here, there) for here, others in ROOMS.items() for there in others if (here, there) not in LAZY)
    graph.add_nodes_from(ROOMS)
    reduced = nx.transitive_reduction(graph)
    order = list(reversed(ROOMS))
    lines = ["```mermaid", "graph TD"]
    lines += [f"    {here} --> {there}" for here in order for there in order if reduced.has_edge(here, there)]
    lines += [f"    {here} -.-> {there}" for here, there in sorted(LAZY)]
    lines += ["```", "", "| room | what it is for | imports |", "|---|---|---|"]
    for here in order:
        path = PACKAGE / here / "__init__.py" if (PACKAGE / here).is_dir() else PACKAGE / f"{here}.py"
        purpose = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).partition("\n")[0]
        lines.append(f"| `{here}` | {purpose} | {', '.join(there for there in order if there in ROOMS[here])} |")
    return "\n".join(lines)


HOUSE = PACKAGE.parent / "docs" / "house.md"
BEGIN, END = "<!-- drawn from tests/test_house.py -->\n", "\n<!-- end of the drawing -->"


def test_the_drawing_of_the_house_is_true():
    """Draw it anew with ``python -m tests.test_house``."""
    assert BEGIN + drawing() + END in HOUSE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("library", "rooms"), [
    ("simpy", {"simulation"}), ("matplotlib", {"views"}), ("PIL", {"views"}), ("vcd", {"views"}),
    ("typer", {"cli"}), ("networkx", {"circuit"}),
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
    assert shadowed <= {"extend", "gates", "testing"}


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


def test_the_version_stands_in_one_place():
    """And what CONTRIBUTING says of the versions of files is so."""
    root = PACKAGE.parent
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"] == {"path": "circuitsim/__init__.py"}
    assert version("circuitsim-actors") == cs.__version__, "install it anew: pip install -e ."
    assert f"\n## {cs.__version__} (" in (root / "CHANGELOG.md").read_text(encoding="utf-8")
    told = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"`Trace.save` | {archive.VERSION} |" in told
    assert f"`Trainer.save` | {checkpoint.VERSION} |" in told
    assert f"`Circuit.to_json` | {structure.VERSION} |" in told
    for name in re.findall(r"`([\w/]+\.(?:py|md|out))`", told):
        found = (root / name).exists() or list(PACKAGE.rglob(name))
        assert found or name == "tests/scenarios/NAME.out", name


def test_views_take_nothing_of_learning_but_what_they_show():
    taken = set()
    for path in (PACKAGE / "views").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("circuitsim.learning"):
                taken |= {f"{node.module.rpartition('.')[2]}.{alias.name}" for alias in node.names}
    recorded = {"recording.Plane", "recording.RESOLUTION", "recording.Recording", "recording.Shot"}
    printed = {"forces.Force", "optimizers.Optimizer", "penalties.Penalty"}  # as JavaScript, for pages that train
    offered = {"learning.datasets", "learning.forces", "learning.optimizers", "penalties.L2"}  # for a choice in pages
    told = {"datasets.Dataset", "history.Evaluation", "lbfgs.LBFGS"}
    assert taken == recorded | printed | offered | told


# -- one idea, one place -------------------------------------------------------------------------------------

# Compiled code is written out, not called: these two may do by themselves what others must ask for.
GENERATORS = {"compiled/straight_line.py", "compiled/levels.py"}
# Where the gradients of wires are at hand.
WITH_GRADIENTS = {"netlist", "engine", "rules", "compiled", "protocol", "trace", "simulation", "views"}


def words(node):
    """Return the names in a piece of code, and the names after its dots."""
    return {getattr(part, "id", getattr(part, "attr", getattr(part, "name", None))) for part in ast.walk(node)} - {None}


def gradient_sums(tree):
    """Yield what looks like a sum of gradients: ``total = total + x`` in whatever form, or a call that adds them up."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign | ast.AugAssign | ast.Call):
            continue
        gradients = any(stem in word.lower() for word in words(node) for stem in ("gradient", "share", "arriv", "felt"))
        if isinstance(node, ast.Assign):
            ends = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
            targets = {ast.unparse(target) for target in node.targets}
            if any(isinstance(end, ast.BinOp) and ast.unparse(first_term(end)) in targets for end in ends):
                yield node
        elif isinstance(node, ast.AugAssign):
            if isinstance(node.op, ast.Add) and gradients and not isinstance(node.value, ast.List | ast.ListComp):
                yield node
        elif words(node.func) & {"reduce", "accumulate"}:
            if any("add" in words(argument) for argument in node.args):
                yield node
        elif words(node.func) & {"sum", "fsum"} and gradients:
            terms = node.args[0].elt if isinstance(node.args[0], ast.GeneratorExp) else None
            if not isinstance(terms, ast.Compare) and (terms is None or ast.unparse(terms) != "felt[wire]"):
                yield node  # what compares, or asks whether a wire carries a gradient, counts


def first_term(sum_):
    while isinstance(sum_, ast.BinOp) and isinstance(sum_.op, ast.Add):
        sum_ = sum_.left
    return sum_


@pytest.mark.parametrize("text", [
    "total = arrived[0]\nfor gradient in arrived[1:]:\n    total = total + gradient",
    "total = shares[wire] if total is None else total + shares[wire]",
    "total = reduce(add, [met[wire] for wire in sorted(met)])",
    "total = functools.reduce(operator.add, parts)",
    "total = sum(gradients)",
    "total = np.sum([share for share in shares], axis=0)",
    "self.total += gradient",
    "felt[node] += share",
    "self.felt = self.felt + x + y",
])  # fmt: skip
def test_a_second_sum_of_gradients_is_seen(text):
    assert len(list(gradient_sums(ast.parse(text)))) >= 1


def test_gradients_are_summed_in_one_place():
    """In wiring order, so that every engine has the same bits: ask `gates.value.add_up`."""
    found = {}
    for path in MODULES:
        name = path.relative_to(PACKAGE).as_posix()
        if (room(path) in WITH_GRADIENTS or name in ("gates/value.py", "gates/firing.py")) and name not in GENERATORS:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found[name] = [ast.unparse(node) for node in gradient_sums(tree)]
    assert {name: sums for name, sums in found.items() if sums} == {
        "gates/value.py": [
            "total = value if total is None else total + value",
            "np.sum(gradient, axis=stretched, keepdims=True)",  # of one gradient, over its axes
            "np.sum(gradient)",
        ],
        "rules.py": ["gradient = gradient + at_work.pull(memory.value)"],  # what springs pull
    }


def test_what_pictures_share_is_written_once():
    """Colours, what makes files the same each time, and the suffixes of all forms."""
    colours, undated, suffixes = {}, set(), set()
    for path in sorted((PACKAGE / "views").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for text in {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}:
            if re.fullmatch("#[0-9a-f]{6}", str(text)):
                colours.setdefault(text, []).append(path.stem)
            undated |= {path.stem} if text in ("CreationDate", "svg.hashsalt", "font.family") else set()
            suffixes |= {path.stem} if text in (".gif", ".png", ".pdf", ".html") else set()
    assert set(map(tuple, colours.values())) == {("style",)}
    assert undated == {"figures"}
    assert suffixes == {"forms", "video"}  # which chooses between its two


# Where the language asks for a gate: Python's signs, networks that are made of certain gates, the circuits that engines
# are compared on, and batch norms, which take other statistics once they are trained.
ASKED = {
    "circuit/wire.py": {
        "abs", "add", "div", "equal", "greater", "greater_equal", "less", "less_equal", "matmul", "mul", "neg",
        "not_equal", "pow", "slice", "sub", "transpose",
    },
    "circuit/expression.py": {"add", "div", "max", "min", "mul", "neg", "pow", "sub"},
    "circuit/networks.py": {"add", "mul", "sigmoid"},
    "circuit/dense.py": {"add"},
    "circuit/chain.py": {"logsumexp", "one_hot", "reduce_max"},
    "circuit/convnet.py": {"conv2d", "max_pool2d", "reshape"},
    "circuit/recurrent.py": {"add", "embedding", "mul", "sigmoid", "stack", "tanh"},
    "circuit/transformer.py": {"embedding", "reshape", "rms_norm", "softmax", "transpose", "where"},
    "cli/race.py": {"sum"},
    "learning/decay.py": {"cos"},
    "views/array_program.py": {"cross_entropy", "log_softmax", "matmul", "softmax"},  # written by hand in arrays.js
    "learning/statistics.py": {"batch_norm", "batch_norm_inference"},
    "testing/runs.py": {"exp", "matmul", "mean", "sin", "softmax", "stack", "tanh", "where"},
}  # fmt: skip


# Tables of operations by NumPy's names, of which some are gates' names too.
PRINTERS = {"views/formula.py", "views/javascript.py"}


def gates_named(tree):
    """Yield the names of gates that a module asks for: ``gates.add``, an import, ``gate.name == "add"``, a table."""
    known = set(cs.gates.registry)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "gates":
            yield from {node.attr} & known
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("circuitsim.gates"):
            yield from {alias.name for alias in node.names} & known
        elif isinstance(node, ast.Compare) and "name" in words(node):
            yield from strings(node) & known
        elif isinstance(node, ast.Subscript) and "registry" in words(node.value):
            yield from strings(node.slice) & known
        elif isinstance(node, ast.Call) and "registry" in words(node.func):
            yield from {word for argument in node.args for word in strings(argument)} & known
        elif isinstance(node, ast.Dict | ast.Set):
            keys = node.keys if isinstance(node, ast.Dict) else node.elts
            found = {key.value for key in keys if isinstance(key, ast.Constant)} & known
            if len(found) > 2:
                yield from found


def strings(node):
    return {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)}


@pytest.mark.parametrize(("text", "found"), [
    ("TABLE = {gates.add: '+', gates.sub: '-'}", {"add", "sub"}),
    ("INFIX = {'add': '+', 'sub': '−', 'mul': '×'}", {"add", "sub", "mul"}),
    ("if gate.name in ('add', 'sub'): pass", {"add", "sub"}),
    ("if node.gate.name == 'neg': pass", {"neg"}),
    ("from circuitsim.gates import relu", {"relu"}),
    ("from circuitsim.gates.scalar import pow as power", {"pow"}),
    ("gates.registry['tanh'](x)", {"tanh"}),
    ("registry.get('exp')", {"exp"}),
    ("gates.Gate, gates.registry, {'min': 1, 'max': 2}", set()),
])  # fmt: skip
def test_a_module_that_knows_a_gate_is_seen(text, found):
    assert set(gates_named(ast.parse(text))) == found


def test_a_gate_is_known_by_its_facts_alone():
    """A user's gate can be all that a built-in one is: nothing outside `gates` asks which gate it is."""
    found = {}
    for path in MODULES:
        if room(path) not in ("gates", "__init__") and path.relative_to(PACKAGE).as_posix() not in PRINTERS:
            named = set(gates_named(ast.parse(path.read_text(encoding="utf-8"))))
            if named:
                found[path.relative_to(PACKAGE).as_posix()] = named
    assert found == ASKED


# Who may ask whether a thing is a number: who reads files and text, and who is told one axis or several.
READERS = {
    "arguments.py", "checks.py", "gates/value.py", "gates/shapes.py", "gates/tensor.py", "gates/numpy_calls.py",
    "circuit/expression.py", "trace/archive.py", "trace/soundness.py", "plan/plain_values.py",
    "learning/checkpoint.py",
    "learning/csv_file.py", "circuit/plain_data.py", "circuit/structure.py", "cli/main.py", "cli/scenarios.py",
    "cli/given_values.py",
    "views/layout.py",  # whose cells are nodes or places on a long wire
    "circuit/circuit.py",  # the ports in a graph that users may have changed
}  # fmt: skip
NUMBERS = {"int", "Integral", "Real", "Number", "complex", "integer", "floating", "number"}


def number_checks(tree):
    """Yield what asks whether a thing is a number; ``isinstance(value, float)`` only tells a value from an array."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) in ("isinstance", "issubclass"):
            asked = words(node.args[1])
        elif isinstance(node, ast.Compare) and words(node.left) >= {"type"} and isinstance(node.left, ast.Call):
            asked = words(node.comparators[0])
        elif isinstance(node, ast.Try) and any(
            words(h.type or node) & {"TypeError", "ValueError"} for h in node.handlers
        ):
            calls = [part.func for line in node.body for part in ast.walk(line) if isinstance(part, ast.Call)]
            asked = {"int"} if {getattr(call, "id", None) for call in calls} & {"int", "float"} else set()
        else:
            continue
        if asked & NUMBERS:
            yield ast.unparse(node).partition("\n")[0]


@pytest.mark.parametrize("text", [
    "isinstance(step, int | float)", "isinstance(seed, np.integer)", "isinstance(x, (int, str))",
    "isinstance(x, numbers.Real)", "type(x) is int", "type(x) in (int, float)", "type(x) not in {int}",
    "try:\n    y = float(x)\nexcept (TypeError, ValueError):\n    y = -1.0",
])  # fmt: skip
def test_a_check_of_a_number_is_seen(text):
    assert len(list(number_checks(ast.parse(text)))) == 1
    assert not list(number_checks(ast.parse("isinstance(value, float) and isinstance(value, bool)")))


def test_settings_are_checked_in_one_place():
    """NumPy's numbers are numbers, True is none, and the sentence is the same: ask `checks`."""
    found = {}
    for path in MODULES:
        name = path.relative_to(PACKAGE).as_posix()
        if name not in READERS and (asked := list(number_checks(ast.parse(path.read_text(encoding="utf-8"))))):
            found[name] = asked
    assert found == {}
    for path in [*MODULES, *PACKAGE.parent.glob("scenarios/*.py")]:
        text = path.read_text(encoding="utf-8")
        assert ("is unknown: " in text) == (path.name == "checks.py"), f"{path}: ask checks.choice"


def unnamed_encodings(tree):
    """Yield what opens a file as text, or reads or writes one, without naming its encoding."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and not any(word.arg == "encoding" for word in node.keywords):
            called = ast.unparse(node.func)
            modes = [str(part.value) for part in node.args if isinstance(part, ast.Constant)]
            opened = called == "open" and not any("b" in mode for mode in modes)
            if opened or re.search(r"(?<!archive)(?<!files)\.(read_text|write_text)$", called):
                yield ast.unparse(node)


def test_text_is_read_and_written_as_utf8():
    """What a system takes for text when it is not told differs from system to system."""
    assert len(list(unnamed_encodings(ast.parse("open(path)\nPath(a).read_text()\nopen(a, 'w+')\nopen(a, 'rb')")))) == 3
    for path in [*MODULES, *PACKAGE.parent.glob("scenarios/*.py")]:
        assert not list(unnamed_encodings(ast.parse(path.read_text(encoding="utf-8")))), path


def test_gates_are_fired_in_one_place():
    """With every check, and what goes wrong told by name: ask `gates.firing.Firing`."""
    found = {}
    for path in MODULES:
        for word in words(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(word, set()).add(path.relative_to(PACKAGE).as_posix())
    one = {"gates/firing.py"}
    for word in ("explain_failure", "explain_rule", "made_nonfinite", "sent_nonfinite"):
        called = {"gates/gate.py"} if word == "explain_failure" else set()  # with numbers, outside of a circuit
        assert found[word] == one | called | {"gates/failure.py"}, word
    assert found["with_attributes"] == one | {"gates/gate.py", "views/page_program.py"}  # the last one with symbols
    assert {name for name in found["rules"] - GENERATORS if not name.startswith("plan/")} == one
    assert {name for name in found["vjps"] if not name.startswith("gates/")} == {
        "testing/arithmetic.py",
        "trace/explanation.py",
    }


def nested_templates(script):
    """Yield the lines of a script on which a template begins inside of another one."""
    inside, line, at = [], 1, 0
    while at < len(script):
        letter, two = script[at], script[at : at + 2]
        line += letter == "\n"
        if inside and inside[-1] == "`":
            if two == "${":
                inside.append("{")
            elif letter == "`":
                inside.pop()
            at += 1 + (letter == "\\" or two == "${")
            continue
        if two == "//":
            at = script.index("\n", at)
            continue
        if letter in "\"'":
            at = re.compile(rf"(?:\\.|[^\\])*?{letter}").match(script, at + 1).end()
            continue
        if letter == "`":
            if "`" in inside:
                yield line
            inside.append(letter)
        elif inside and letter in "{}":
            inside.append(letter) if letter == "{" else inside.pop()
        at += 1


def test_templates_in_scripts_hold_no_templates():
    """What packs scripts takes the end of the inner one for that of the outer one."""
    assert list(nested_templates("let a = `b`;\nlet c = '`' + `${a ? `d` : {}}`;\n")) == [2]
    found = {path.name: list(nested_templates(path.read_text(encoding="utf-8"))) for path in PACKAGE.rglob("*.js")}
    assert found
    assert {name: lines for name, lines in found.items() if lines} == {}


if __name__ == "__main__":
    before, _, rest = HOUSE.read_text(encoding="utf-8").partition(BEGIN)
    HOUSE.write_text(before + BEGIN + drawing() + END + rest.partition(END)[2], encoding="utf-8")
