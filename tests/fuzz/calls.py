"""Public callables with nonsense for arguments: each answers rightly, or refuses in one sentence.

What can be called is found by looking: the names in `circuitsim.__all__` and in the `__all__` of its modules, and the
public methods and properties of the things in `SAMPLES`. So a new public name is tried at once. A call begins with
arguments that fit, as far as `FITTING` knows one for the parameter's name; then one to all of them are replaced. What
comes of a call is used (`use`), so that what was taken too easily is found as well.

Python's own TypeError for a wrong number of arguments or an unknown keyword may stay: it says all that is to be said.
It is known by having no frame of the callee. What a caller's own function raises is passed on as it is.
"""

import collections
import contextlib
import enum
import inspect
import io
import traceback
import types
from typing import get_origin

import numpy as np

import circuitsim as cs
from circuitsim import engine, extend
from circuitsim.gates import registry
from circuitsim.plan import plain_values, search
from circuitsim.views import forms

MOST = 400


class OwnError(Exception):
    """What functions of the caller's own raise."""


class Refuses:
    """What cannot be written."""

    def __repr__(self):
        raise RuntimeError("no repr")


class Long:
    """What is long to write."""

    def __repr__(self):
        return "long\n" * 2_000_000


class Twisted(str):
    """A text whose repr is another."""

    def __repr__(self):
        return "twisted\n\n"


class Side(enum.StrEnum):
    """A name that is a member of an enumeration."""

    A = "a"


def refuse(*_, **__):
    """Raise an error of the caller's own."""
    raise OwnError


def other_wire():
    """Return a wire of another circuit."""
    return cs.Circuit("other").input("x")


#: What nobody means, by how reports call it. Each is made anew for its call.
NONSENSE = {
    "None": lambda: None,
    "True": lambda: True,
    "np.True_": lambda: np.True_,
    "Ellipsis": lambda: ...,
    "0": lambda: 0,
    "-1": lambda: -1,
    "-3.5": lambda: -3.5,
    "2.5": lambda: 2.5,
    "1e308": lambda: 1e308,
    "1e-320": lambda: 1e-320,
    "np.float32(3)": lambda: np.float32(3),
    "np.int8(3)": lambda: np.int8(3),
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "1j": lambda: 1j,
    "10**9": lambda: 10**9,
    "10**19": lambda: 10**19,
    "10**400": lambda: 10**400,
    "-10**5000": lambda: -(10**5000),
    "''": lambda: "",
    "' '": lambda: " ",
    "'x'": lambda: "x",
    "'nonsense'": lambda: "nonsense",
    "'a\\0b'": lambda: "a\0b",
    "'\\ud800'": lambda: "\ud800",
    "'a\\nb'": lambda: "a\nb",
    "'x' * 10**6": lambda: "x" * 10**6,
    "'{0} %s {x}'": lambda: "{0} %s {x}",
    "np.str_('x')": lambda: np.str_("x"),
    "Twisted('x')": lambda: Twisted("x"),
    "Side.A": lambda: Side.A,
    "b'x'": lambda: b"x",
    "bytearray": lambda: bytearray(b"xyz"),
    "[]": list,
    "()": tuple,
    "{}": dict,
    "set()": set,
    "[None]": lambda: [None],
    "[1, 2, 3]": lambda: [1, 2, 3],
    "['x', 'y']": lambda: ["x", "y"],
    "[[1, 2], [3]]": lambda: [[1, 2], [3]],
    "[[[]]]": lambda: [[[]]],
    "[-1, nan]": lambda: [-1, float("nan")],
    "[1, 'x']": lambda: [1, "x"],
    "[Refuses()]": lambda: [Refuses()],
    "list within itself": lambda: _within_itself(),
    "{'x': 1}": lambda: {"x": 1},
    "{'x': None, 1: 2}": lambda: {"x": None, 1: 2},
    "{'nonsense': 1}": lambda: {"nonsense": 1},
    "{None: []}": lambda: {None: []},
    "{1, 2}": lambda: {1, 2},
    "generator": lambda: (i for i in range(3)),
    "endless": lambda: iter(int, 1),
    "range(3)": lambda: range(3),
    "range(10**12)": lambda: range(10**12),
    "slice(1)": lambda: slice(1),
    "object()": object,
    "Refuses()": Refuses,
    "Long()": Long,
    "OwnError()": OwnError,
    "int": lambda: int,
    "Refuses": lambda: Refuses,
    "cs.SGD": lambda: cs.SGD,
    "cs.Circuit": lambda: cs.Circuit,
    "cs.L2": lambda: cs.L2,
    "np": lambda: np,
    "print": lambda: print,
    "lambda: 0": lambda: lambda: 0,
    "lambda *a, **k: None": lambda: lambda *_, **__: None,
    "lambda *a, **k: 'x'": lambda: lambda *_, **__: "x",
    "lambda *a, **k: nan": lambda: lambda *_, **__: float("nan"),
    "refuse": lambda: refuse,
    "empty array": lambda: np.zeros(0),
    "array of no rows": lambda: np.zeros((0, 2)),
    "array (2, 2, 2)": lambda: np.ones((2, 2, 2)),
    "array of objects": lambda: np.array([None, "x", Refuses()], dtype=object),
    "array of texts": lambda: np.array(["a", "b"]),
    "complex array": lambda: np.array([1 + 2j, 3]),
    "masked array": lambda: np.ma.masked_array([1.0, 2.0], [False, True]),
    "float32 array": lambda: np.ones((3, 2), np.float32),
    "array of nan": lambda: np.full((3, 2), np.nan),
    "array of dates": lambda: np.array(["2020-01-01"], dtype="datetime64[D]"),
    "array of records": lambda: np.zeros(3, dtype=[("a", int), ("b", float)]),
    "wide array": lambda: np.broadcast_to(1.0, (10**9, 10**6)),
    "wire": lambda: cs.parse("x * y").input("w"),
    "other wire": other_wire,
    "open circuit": lambda: cs.Circuit("empty"),
    "gate": lambda: cs.add,
    "simulation": lambda: cs.Simulation(cs.parse("x * y")),
    "decay": lambda: cs.decay.CosineDecay(0.1, 0.01, 10),
    "memory": lambda: cs.Memory(1.0),
    "io.StringIO": lambda: io.StringIO("x"),
    "namedtuple": lambda: collections.namedtuple("Pair", "a b")(1, 2),
}


def _within_itself():
    made = []
    made.append(made)
    return made


def line():
    """Return a circuit with two inputs, a parameter and an output."""
    circuit = cs.Circuit("line")
    x, y = circuit.inputs("x y")
    circuit.output("f", circuit.parameter("w", 0.5) * x + y)
    return circuit


def layers():
    """Return a circuit whose wires carry arrays."""
    return cs.dense([2, 3, 2])


def trainer():
    """Return a trainer that has trained."""
    made = cs.Trainer(cs.Compiled(line()), cs.forces.svm, cs.SGD(0.1))
    made.fit([[1.0, 2.0], [3.0, -4.0]], [1, -1], iterations=2, progress=False)
    return made


def stream():
    """Return what came of a stream on two devices."""
    simulation = cs.Simulation(line(), cs.Plan(2, microbatches=2))
    return simulation.stream([{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": 4.0}], learn=False)


def ran(engine):
    """Return an engine that has a rule and has run."""
    engine.learn(cs.SGD(0.1))
    engine.forward({"x": 1.0, "y": 2.0})
    return engine


#: Things whose methods and properties are called.
SAMPLES = {
    "circuit": line,
    "layers": layers,
    "wire": lambda: cs.Circuit("one").input("x"),
    "simulation": lambda: ran(cs.Simulation(line())),
    "compiled": lambda: ran(cs.Compiled(line())),
    "on_devices": lambda: cs.Simulation(line(), cs.Plan(2, microbatches=2)),
    "run": lambda: cs.Simulation(line()).run(x=1.0, y=2.0),
    "outputs": lambda: cs.Simulation(line()).run(x=1.0, y=2.0).outputs,
    "trace": lambda: cs.Simulation(line()).run(x=1.0, y=2.0).trace,
    "stream": stream,
    "stream_trace": lambda: stream().trace,
    "timeline": lambda: stream().timeline,
    "report": lambda: stream().report,
    "paths": lambda: cs.Simulation(line()).run(x=1.0, y=2.0).paths("x"),
    "trainer": trainer,
    "history": lambda: trainer().history,
    "schedule": lambda: cs.schedules.one_f_one_b(2, 3),
    "plan": lambda: cs.Plan(2),
    "cluster": lambda: cs.Cluster(2),
    "link": lambda: cs.Link(1.0),
    "costs": lambda: cs.Costs(2.0),
    "placement": lambda: cs.place(line(), 2),
    "distribution": lambda: cs.uniform(1.0, 2.0),
    "dataset": cs.datasets.guide,
    "gate": lambda: cs.gate(lambda x: x * 2.0, name="own"),
    "family": lambda: extend.many()(added),
    "force": lambda: cs.forces.svm,
    "optimizer": lambda: cs.Adam(0.1),
    "lbfgs": cs.LBFGS,
    "penalty": lambda: cs.L2(0.1),
    "decay": lambda: cs.decay.CosineDecay(0.1, 0.01, 10),
    "memory": lambda: cs.Memory(1.0),
    "check": lambda: cs.check_gradients(cs.Compiled(line()), {"x": 1.0, "y": 2.0}),
}

POINTS, LABELS = [[1.0, 2.0], [3.0, -4.0], [0.5, 1.0], [-1.0, 2.0]], [1, -1, 1, -1]

#: What fits a parameter of this name, most often.
FITTING = {
    "circuit": line,
    "engine": lambda: cs.Compiled(line()),
    "make": lambda: cs.Compiled,
    "evaluate": lambda: lambda x: float(x),
    "trainer": trainer,
    "force": lambda: cs.forces.svm,
    "optimizer": lambda: cs.SGD(0.1),
    "rule": lambda: cs.SGD(0.1),
    "penalty": lambda: cs.L2(0.1),
    "springs": lambda: (),
    "points": lambda: POINTS,
    "labels": lambda: LABELS,
    "iterations": lambda: 2,
    "seed": lambda: 0,
    "name": lambda: "x",
    "names": lambda: "u v",
    "kind": lambda: "input",
    "wire": lambda: line().input("v"),
    "inputs": lambda: {"x": 1.0, "y": 2.0},
    "examples": lambda: [{"x": 1.0, "y": 2.0}],
    "values": lambda: {"w": 1.0},
    "gradients": lambda: {"w": 1.0},
    "gradient": lambda: 1.0,
    "value": lambda: 1.5,
    "state": lambda: (),
    "memory": lambda: {"w": cs.Memory(1.0)},
    "gate": lambda: cs.mul,
    "step": lambda: 0.1,
    "strength": lambda: 0.1,
    "devices": lambda: 2,
    "microbatches": lambda: 4,
    "stages": lambda: 2,
    "features": lambda: 2,
    "sizes": lambda: [2, 3, 1],
    "count": lambda: 10,
    "tag": lambda: 0,
    "text": lambda: "x * y",
    "path": lambda: "out.html",
    "plan": lambda: cs.Plan(2),
    "cluster": lambda: cs.Cluster(2),
    "costs": lambda: cs.Costs(2.0),
    "schedule": lambda: "fifo",
    "policy": lambda: extend.Policy,
    "low": lambda: 1.0,
    "high": lambda: 2.0,
    "mean": lambda: 1.0,
    "median": lambda: 1.0,
    "spread": lambda: 0.5,
    "shape": lambda: (2, 3),
    "port": lambda: 0,
    "scores": lambda: 0.5,
    "targets": lambda: 1.0,
    "score": lambda: 0.5,
    "target": lambda: 1.0,
    "settings": lambda: {"step": (0.1, 1.0)},
    "ranges": lambda: {"step": (0.1, 1.0)},
    "start": lambda: 0.1,
    "rows": lambda: [[extend.Work("F", 0, 0), extend.Work("B", 0, 0)]],
    "suffix": lambda: ".nonsense",
    "module": lambda: "x",
}

#: What nobody calls but circuitsim itself, and why.
INNER = {
    # Protocols and enumerations, for which Python answers.
    "Rule", "Spring", "Kind", "Step", "Value", "State",
    # Made by engines from a circuit that was checked.
    "Firing", "Netlist", "Node", "Wiring", "Record",
    # The hooks of `Engine` that its own forward, backward, update and learn call with what they checked.
    "compute_outputs", "compute_gradients", "report_nonfinite", "set_memory", "set_rule",
    # Called as often as gates fire, parameters move or events come, so that a check would cost all users time.
    "respond", "add_up", "fit", "shape_of", "record", "check_arguments", "check_elementwise", "with_attributes",
    # What rules of shapes are made of; their ValueError is what circuits make their sentence from.
    "broadcast", "same_shape", "reduced_shape",
    # The halves of functions that are tried whole: operators, `many`, `to_json`, `from_json`, `load` and `columns`.
    "wire_up", "for_inputs", "differing", "content", "of_content", "of_columns", "column", "numbers",
}  # fmt: skip
#: What has an inner method's name and is called by people all the same.
CALLED = {"trainer.fit"}
#: The methods behind operators, of which people make use.
DUNDERS = (
    "__call__",
    "__getitem__",
    "__contains__",
    "__len__",
    "__iter__",
    "__eq__",
    "__repr__",
    "__str__",
    "__format__",
)
TABLES = (registry, engine.engines, forms.added, plain_values.Written.kinds)


def added(*numbers):
    """Add up, as a gate of somebody's own that says in its own way what it cannot add."""
    try:
        return sum(numbers)
    except ValueError as error:
        raise OwnError from error


def callables():
    """Return what can be called, by name: a function that makes the callable."""
    found = {}
    modules = [cs] + [part for name in cs.__all__ if isinstance(part := getattr(cs, name), types.ModuleType)]
    for module in [*modules, search]:
        for name in module.__all__:
            thing = getattr(module, name)
            if callable(thing) and name not in INNER and not _is_error(thing) and get_origin(thing) is None:
                found[f"{module.__name__}.{name}"] = lambda thing=thing: thing
    for sample, make in SAMPLES.items():
        kind = type(make())
        for name in dir(kind):
            if name.startswith("_") and name not in DUNDERS:
                continue
            if name in INNER and f"{sample}.{name}" not in CALLED:
                continue
            method = inspect.getattr_static(kind, name)
            if isinstance(method, classmethod | staticmethod):
                method = method.__func__
            if isinstance(method, types.FunctionType) and method.__module__.startswith("circuitsim"):
                found[f"{sample}.{name}"] = lambda make=make, name=name: getattr(make(), name)
            elif isinstance(method, property):
                found[f"{sample}.{name}"] = lambda make=make, name=name: lambda: getattr(make(), name)
    return found


def _is_error(thing):
    return isinstance(thing, type) and issubclass(thing, BaseException | Warning)


@contextlib.contextmanager
def restored():
    """Take out of the tables afterwards what was registered meanwhile."""
    kept = [dict(table) for table in TABLES]
    try:
        yield
    finally:
        for table, before in zip(TABLES, kept, strict=True):
            table.clear()
            table.update(before)


with restored():  # the samples have gates of their own
    CALLABLES = callables()


def attempt(random, folder):
    """Call something with nonsense; return what went wrong, or None."""
    name = random.choice(list(CALLABLES))
    told = []
    with restored(), contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        call = CALLABLES[name]()
        given, named = _arguments(call, random, told)
        return _judge(lambda: use(call(*given, **named), random, told), f"{name}({', '.join(told)})")


def _arguments(call, random, told):
    """Return arguments by place and by name, one of them nonsense at least; `told` is given their names."""
    try:
        parameters = list(inspect.signature(call).parameters.values())
    except ValueError:
        parameters = []
    slots = []
    for one in parameters:
        if one.kind is one.VAR_POSITIONAL:
            slots += [(one, True)] * random.choice([0, 1, 1, 2, 2, 3])
        elif one.kind is not one.VAR_KEYWORD and (one.default is one.empty or random.random() < 0.3):
            slots.append((one, False))
    wrong = set(random.sample(range(len(slots)), random.choice([1, 1, 1, 2, len(slots)]))) if len(slots) > 1 else {0}
    given, named = [], {}
    wire = None
    for place, (one, several) in enumerate(slots):
        if place in wrong or (not several and one.name not in FITTING and one.default is one.empty):
            word = random.choice(list(NONSENSE))
            thing = NONSENSE[word]()
        elif several:
            wire = cs.Circuit("of wires").input("x") if wire is None else wire
            word, thing = random.choice([("wire", wire), ("1.5", 1.5), ("[1, 2]", [1.0, 2.0])])
        elif one.name in FITTING:
            word, thing = "fitting", FITTING[one.name]()
        else:
            continue
        told.append(f"{one.name}={word}")
        if one.kind is one.KEYWORD_ONLY or (one.default is not one.empty and not several):
            named[one.name] = thing
        else:
            given.append(thing)
    return given, named


def use(thing, random, told):
    """Use what came of a call, as people would."""
    told.append("; then used")
    if isinstance(thing, cs.Wire):
        circuit = thing.circuit
        circuit.output("shown", thing)
        inputs = dict.fromkeys(circuit.names("input"), 2.0)
        cs.Simulation(circuit).run(inputs)
        cs.Compiled(circuit).forward(inputs)
    elif isinstance(thing, cs.Circuit):
        cs.Compiled(thing).forward(dict.fromkeys(thing.names("input"), 2.0))
    elif isinstance(thing, cs.Gate):
        use(thing(*[cs.Circuit("used").input("x")] * (thing.arity or 1)), random, told)
    elif isinstance(thing, cs.Engine):
        thing.forward(dict.fromkeys(thing.inputs, 2.0))
        thing.backward()
    elif isinstance(thing, cs.Plan):
        repr(thing)
        simulation = cs.Simulation(line(), thing)
        simulation.stream([{"x": 1.0, "y": 2.0}] * 2, learn=False)
    elif isinstance(thing, cs.Cluster):
        cs.Simulation(line(), cs.Plan(2), cluster=thing).stream([{"x": 1.0, "y": 2.0}] * 2, learn=False)
    elif isinstance(thing, cs.Link):
        use(cs.Cluster(2, link=thing), random, told)
    elif isinstance(thing, cs.Costs):
        cs.Simulation(line(), cs.Plan(2), costs=thing).stream([{"x": 1.0, "y": 2.0}] * 2, learn=False)
    elif isinstance(thing, cs.Optimizer | cs.LBFGS):
        cs.Trainer(cs.Compiled(line()), cs.forces.svm, thing).fit(POINTS, LABELS, iterations=2, progress=False)
    elif isinstance(thing, cs.Penalty):
        made = cs.Trainer(cs.Compiled(line()), cs.forces.svm, cs.SGD(0.1), thing)
        made.fit(POINTS, LABELS, iterations=2, progress=False)
    elif isinstance(thing, cs.Force):
        labels = [0, 1, 0, 1] if thing.targets == "classes" else LABELS
        made = cs.Trainer(cs.Compiled(line()), thing, cs.SGD(0.1))
        made.fit(POINTS, labels, iterations=2, progress=False)
    elif isinstance(thing, cs.Trainer):
        thing.fit(POINTS, LABELS, iterations=2, progress=False)
    elif isinstance(thing, cs.Dataset):
        repr(thing)
        thing.targets  # noqa: B018
    elif isinstance(thing, cs.Schedule):
        str(thing)
    elif isinstance(thing, cs.Distribution):
        cs.Simulation(line(), gate_delay=thing).run(x=1.0, y=2.0)


def _judge(call, what):
    """Make a call; return what is wrong with how it ended, or None."""
    try:
        call()
    except (OwnError, cs.DivergenceError, cs.NonFiniteWarning):
        return None
    except cs.CircuitSimError as error:
        said = str(error)
        if len(said) > MOST or not said.isprintable():
            fault = f"a message of {len(said)} letters and {len(said.splitlines())} lines: {said[:300]!r}"
        else:
            return None
        place = error.__traceback__
    except BaseException as error:
        place = error.__traceback__
        if isinstance(error, TypeError) and _frames(place) == 2:  # Python's own, of the call itself
            return None
        fault = "".join(traceback.format_exception_only(error))[:500].strip()
    else:
        return None
    frames = [frame for frame in traceback.extract_tb(place) if "circuitsim" in frame.filename]
    return f"{what}\n  {fault}\n  {' '.join(f'{frame.filename}:{frame.lineno}' for frame in frames[-3:])}"


def _frames(place):
    number = 0
    while place is not None:
        place, number = place.tb_next, number + 1
    return number
