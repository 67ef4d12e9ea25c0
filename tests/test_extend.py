"""The surface for extensions: its names, forms, engines by name, packages, checks of engines and policies."""

import json
import subprocess
import sys

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.engine import engines, register_engine
from circuitsim.testing import check_engine, check_policy
from circuitsim.views import forms
from tests.extensions import plain_engine

# -- names ---------------------------------------------------------------------------------------------------


def test_every_name_is_the_one_that_its_module_has():
    for name in cs.extend.__all__:
        assert getattr(cs.extend, name) is not None
    shared = set(cs.extend.__all__) & set(cs.__all__)
    assert shared >= {"Engine", "Force", "Gate", "Penalty", "Optimizer", "Schedule", "Trace", "gate"}
    for name in shared:
        assert getattr(cs.extend, name) is getattr(cs, name)
    for name in cs.extend.__all__:
        assert f"`{name}`" in cs.extend.__doc__ or name in ("Value", "own_value"), name


# -- forms ---------------------------------------------------------------------------------------------------


@pytest.fixture
def form(monkeypatch):
    monkeypatch.setattr(forms, "added", {})
    monkeypatch.setattr("circuitsim.views.added", forms.added)

    @cs.extend.register_form(".Kinds")
    def write(trace, path):
        path.write_text(" ".join(record.kind.name for record in trace))


def a_run():
    return cs.Simulation(cs.parse("x * y")).run(x=2, y=3)


@pytest.mark.usefixtures("form")
def test_a_form_is_chosen_by_its_suffix(tmp_path):
    run, path = a_run(), tmp_path / "run.KINDS"
    run.save(path)
    assert path.read_text().startswith("VALUE VALUE")
    run.trace.export(tmp_path / "again.kinds")
    assert (tmp_path / "again.kinds").read_text() == path.read_text()
    plan = cs.Plan(stages=1)
    cs.Simulation(cs.parse("x * y"), plan).stream([{"x": 1, "y": 2}]).save(tmp_path / "stream.kinds")
    assert " F " in (tmp_path / "stream.kinds").read_text()


@pytest.mark.usefixtures("form")
def test_messages_list_forms_that_were_added():
    with pytest.raises(cs.SaveError, match=r"must be one of .*\.trace \.kinds$"):
        a_run().save("run.kind")


@pytest.mark.usefixtures("form")
def test_a_form_of_runs_is_none_of_trainings_and_several_streams():
    with pytest.raises(cs.SaveError, match=r"must be one of .*\.pdf$"):
        forms.check_save("svm.kinds", forms.TRAININGS)
    with pytest.raises(cs.SaveError, match="several streams"):
        forms.check_streams("all.kinds", several=True)


@pytest.mark.usefixtures("form")
def test_a_form_that_cannot_write_is_told():
    @cs.extend.register_form(".kinds")
    def write(trace, path):
        raise PermissionError(13, "Permission denied")

    with pytest.raises(cs.SaveError, match=r"cannot write 'run\.kinds': Permission denied"):
        a_run().save("run.kinds")


@pytest.mark.parametrize(("suffix", "words"), [
    ("dot", "one dot and letters"), (".", "one dot and letters"), (".tar.gz", "one dot and letters"),
    ("./dot", "one dot and letters"), ("", "a text"), (7, "a text"), (".HTML", "by circuitsim itself"),
    (".trace", "by circuitsim itself"),
])  # fmt: skip
def test_suffixes_that_are_none_are_refused(suffix, words):
    with pytest.raises(cs.SaveError, match=words):
        cs.extend.register_form(suffix)


# -- engines by name -----------------------------------------------------------------------------------------


def test_engines_are_found_by_name(monkeypatch):
    from circuitsim.cli.training import make_engine

    monkeypatch.setattr("circuitsim.engine.engines", engines.copy())
    monkeypatch.setattr("circuitsim.cli.training.engines", cs.engine.engines)
    register_engine("strict")(lambda circuit: cs.Compiled(circuit, nonfinite="error"))
    circuit = cs.parse("x * y")
    assert isinstance(make_engine("compiled", circuit), cs.Compiled)
    assert isinstance(make_engine("simulation", circuit), cs.Simulation)
    assert make_engine("strict", circuit).nonfinite == "error"
    with pytest.raises(
        cs.InputError, match=r"no engine 'strickt': did you mean 'strict'\? use one of simulation, comp"
    ):
        make_engine("strickt", circuit)
    with pytest.raises(cs.InputError, match="the name of an engine is 3"):
        register_engine(3)


# -- packages ------------------------------------------------------------------------------------------------

MINE = """
import circuitsim as cs
from circuitsim.extend import gate, register_engine, register_form

@gate
def thrice(x):
    return 3.0 * x

@thrice.vjp(0)
def _(gradient, output, x):
    return 3.0 * gradient

register_engine("mine")(cs.Compiled)

@register_form(".kinds")
def write(trace, path):
    path.write_text(" ".join(record.kind.name for record in trace))
"""


def install(folder, name, text):
    """Put a package on a path that announces its module, as an installer would."""
    (folder / f"{name}_module.py").write_text(text)
    facts = folder / f"{name}_package-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-package\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[circuitsim]\n{name} = {name}_module\n")


def call(folder, *arguments, start=("-m", "circuitsim")):
    return subprocess.run(
        [sys.executable, *start, *arguments], capture_output=True, text=True, cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "", "MPLCONFIGDIR": str(folder)},
    )  # fmt: skip


def test_commands_find_what_an_installed_package_announces(tmp_path):
    install(tmp_path, "mine", MINE)
    done = call(tmp_path, "flow", "thrice(x)", "x=2", "--save", "x.kinds")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "x.kinds").read_text().startswith("VALUE")
    done = call(tmp_path, "run", "svm", "--engine", "mine", "--iterations", "5", "--json")
    assert json.loads(done.stdout)["engine"] == "mine"
    script = cs.cli.scenarios.folder() / "svm.py"
    done = call(tmp_path, "--engine", "mine", "--iterations", "5", "--json", start=(script,))
    assert json.loads(done.stdout)["engine"] == "mine"


def test_a_broken_package_is_told_in_a_line_and_left_out(tmp_path):
    install(tmp_path, "broken", "import circuitsim_that_is_not_there")
    install(tmp_path, "mine", MINE)
    done = call(tmp_path, "flow", "thrice(x)", "x=2", "--json")
    assert json.loads(done.stdout)["outputs"] == {"f": 6.0}
    assert done.stderr == (
        "note: the extension 'broken' of package broken-package was not loaded, because broken_module cannot be "
        "imported (ModuleNotFoundError: No module named 'circuitsim_that_is_not_there'): mend or uninstall it\n"
    )


# -- checks of engines ---------------------------------------------------------------------------------------


def test_engines_that_have_the_bits_pass():
    for make in (plain_engine(), cs.Simulation, cs.Compiled, lambda circuit: cs.Compiled(circuit, nonfinite="error")):
        check_engine(make)


WRONG = {
    "sums from the right": (
        {"sum": ("for wire in netlist.outgoing[index]", "for wire in reversed(netlist.outgoing[index])")},
        r"circuit 'fan-out': the gradient of 'x' is .*, Compiled has .*: add up gradients .* in wiring order",
    ),
    "no zeros": ({"zero": ("fit(0.0, self.values[index])", "0.0")}, "circuit .*: the gradient of .* in the shape of"),
    "every wire": ({"carries": ("if carries[wire]:", "if True:")}, None),
    "loses outputs": (
        {"outputs": ("index in self.output_nodes.items()}", "index in [*self.output_nodes.items()][:1]}")},
        "the output f; Compiled has, in this order, f, g",
    ),
    "order of gradients": (
        {"leaves": ("self.input_nodes | self.parameter_nodes", "self.parameter_nodes | self.input_nodes")},
        "the gradient of weights, bias, x; Compiled has, in this order, x, weights, bias",
    ),
    "forward": ({"gates": ("firing.forward(self.entering(index))", "firing.forward(self.entering(index)) * 1.0000001")},
                r"circuit 'two gates': the output 'f' is .*, Compiled has -12\.0"),
    "forgets parameters": ({"memory": ("self.values[index] = self.parameters[name]",
                                       "self.values[index] = self.netlist.nodes[index].value")},
                           "after update 2, the parameter"),
    "hands out what it keeps": (
        {"copy": ("return {name: self.entering(index)[0] for",
                  "import numpy as np; return {name: np.array(self.entering(index)[0]) for")},
        "can be written to: hand out read-only arrays",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), WRONG.values(), ids=WRONG)
def test_engines_that_differ_are_found(changes, words):
    make = plain_engine(**changes)
    if words is None:
        check_engine(make)
    else:
        with pytest.raises(cs.InputError, match=words):
            check_engine(make)


def test_an_engine_that_does_not_respond_is_found():
    class Still(plain_engine()):
        def respond(self, gradients):
            pass

    class Forgetful(plain_engine()):
        def restore(self, memory):
            pass

    with pytest.raises(cs.InputError, match=r"after update 1, the parameter 'weights' is .* respond"):
        check_engine(Still)
    with pytest.raises(cs.InputError, match="after restore, the parameter 'weights' is"):
        check_engine(Forgetful)


def test_what_an_engine_raises_is_passed_on_with_the_circuit():
    class Broken(plain_engine()):
        def compute_gradients(self, output_gradients):
            raise KeyError("there")

    with pytest.raises(KeyError, match="there") as error:
        check_engine(Broken)
    assert error.value.__notes__ == ["check_engine ran circuit 'two gates' on Broken"]
    with pytest.raises(cs.InputError, match="let it make an Engine"):
        check_engine(lambda circuit: circuit)


# -- checks of policies --------------------------------------------------------------------------------------


class LastFirst(cs.extend.Policy):
    def choose(self, ready):
        return ready[-1]


class Counting(cs.extend.Policy):
    """What it chooses depends on what it chose in other runs."""

    turns = 0

    def choose(self, ready):
        type(self).turns += 1
        return ready[(self.turns // 37) % len(ready)]


class Idle(cs.extend.Policy):
    def choose(self, ready):
        return None


class Nonsense(cs.extend.Policy):
    def choose(self, ready):
        return "0F0"


def test_policies_that_only_choose_pass():
    check_policy(cs.extend.Policy)
    check_policy(LastFirst)


@pytest.mark.parametrize(("policy", "error", "words"), [
    (Counting, cs.InputError, "Counting takes .* ticks and then .* for the same work"),
    (Idle, cs.DeadlockError, "Idle waits"),
    (Nonsense, cs.ScheduleError, "Nonsense chose '0F0', which is not ready"),
    (LastFirst(), cs.InputError, "give a subclass of Policy, the class itself"),
    ("fifo", cs.InputError, "is no policy"),
])  # fmt: skip
def test_policies_that_go_wrong_are_found(policy, error, words):
    with pytest.raises(error, match=words):
        check_policy(policy)


def test_the_cases_of_engines_tell_orders_of_sums_apart():
    """The fan-out's gradient has other bits in another order: else `check_engine` would see nothing."""
    circuit = cs.Circuit("fan-out")
    x = circuit.input("x")
    large, less, one = x * 1e16, x * -1e16, x * 1.0
    circuit.output("f", one + less + large)
    engine = cs.Compiled(circuit)
    engine.forward({"x": 1.0})
    assert engine.backward() == {"x": 1.0}
    assert np.float64(1.0) + -1e16 + 1e16 == 0.0
