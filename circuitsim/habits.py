"""What people write from habit of PyTorch, JAX, SimPy or NumPy, and what they write here instead.

A wrong name or a wrong call raises a sentence that says what to write. Nothing here is called where all goes well, but
for `told`, which passes a call on.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping
from functools import wraps
from inspect import signature
from types import FunctionType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from circuitsim.arguments import misfit
from circuitsim.errors import CallError, CircuitSimError, NonFiniteWarning, TooLargeError, TraceError, UnknownNameError
from circuitsim.spelling import listed, nearest, shown

__all__ = ["Named", "ParameterValues", "ReadOnly", "advises", "told", "unknown"]

Class = TypeVar("Class", bound=type)
Key = TypeVar("Key")
Item = TypeVar("Item")
Told = TypeVar("Told", bound=Callable[..., Any])

_VALUES = "a run has values, cs.Simulation(circuit).run(x=1).outputs['f'], and run.value('x') for any wire"
_GRADIENTS = (
    "a run has gradients, cs.Simulation(circuit).run(x=1).gradients['x'], and run.gradient('mul1') for any wire"
)
_ENGINE = "an engine runs it, as in cs.Simulation(circuit).run(x=1), or cs.Compiled(circuit)"
_ARRAY = "inputs take numbers and arrays as they are, as in cs.Simulation(circuit).run(x=[1.0, 2.0])"
_NETWORK = "cs.mlp([2, 3, 1]) makes a network of numbers, cs.dense([2, 3, 1]) one of arrays"
_DEEP = "cs.convnet, cs.rnn, cs.lstm, cs.bidirectional and cs.attention make networks, as in cs.rnn([45, 64, 45], 25)"
_TRAIN = "a trainer moves parameters, cs.Trainer(engine, cs.forces.svm, cs.SGD(step=0.01)).fit(points, labels)"
_FORCES = "forces are losses, such as cs.forces.svm, cs.forces.softmax, cs.forces.squared_error"
_GRAD = "wire up a circuit and run it, as in cs.Simulation(cs.parse('x*x')).run(x=3).gradients"
_CLOCK = "a simulation has its own clock and processes, as in cs.Simulation(circuit, gate_delay=2).run(x=1).time"
_SIMPY = "gates are its processes; simulation.environment is SimPy's environment of the run, gate_delay sets their time"
_WHOLE = "a run goes on until all messages have arrived, and run.trace tells what happened when"
_AXES = "shapes are known when values flow, as run.outputs['f'].shape; circuit.shapes() tells what is known before"
_FRESH = "gradients do not accumulate, each backward pass replaces those of the one before"
_ENGINES = "cs.Compiled(circuit) is compiled code, with the same bits as cs.Simulation(circuit)"
_NUMPY = "write import numpy as np, whose functions take wires, np.exp(x)"
_SEED = "give a seed where something is random, cs.mlp([2, 3, 1], seed=0), trainer.fit(..., seed=0)"
_OWN = "define it with @cs.gate, and its derivative with @{name}.vjp(0)"

#: By what they are asked of, the names that people write and what to write instead.
HABITS: dict[str, dict[str, str]] = {
    "circuitsim": {
        **dict.fromkeys(("tensor", "Tensor", "array", "Variable", "Value", "zeros", "ones", "from_numpy"), _ARRAY),
        **dict.fromkeys(("nn", "Module", "Linear", "Sequential", "Dense", "layers", "keras", "linen"), _NETWORK),
        **dict.fromkeys(("Conv2d", "RNN", "LSTM", "GRU", "Transformer", "MultiheadAttention"), _DEEP),
        **dict.fromkeys(("functional", "F", "lax"), "gates are functions of circuitsim itself, cs.relu(x)"),
        **dict.fromkeys(("optim", "optimizers"), "optimizers are cs.SGD(step=0.01), cs.Adam(step=0.001) and so on"),
        **dict.fromkeys(("MSELoss", "CrossEntropyLoss", "BCELoss", "losses", "loss"), _FORCES),
        **dict.fromkeys(("grad", "value_and_grad", "vjp", "jacobian", "autograd", "backward", "GradientTape"), _GRAD),
        **dict.fromkeys(("jit", "compile"), _ENGINES),
        **dict.fromkeys(("vmap", "pmap"), "give arrays to the inputs: a gate works on a whole batch as on a number"),
        **dict.fromkeys(("numpy", "np", "jnp"), _NUMPY),
        **dict.fromkeys(("random", "manual_seed", "PRNGKey"), _SEED),
        **dict.fromkeys(("float32", "float64", "float16", "int64", "device", "cuda"), "all values are float64"),
        **dict.fromkeys(("no_grad", "inference_mode", "stop_gradient"), "engine.forward(inputs) computes no gradients"),
        **dict.fromkeys(("Environment", "Process", "Timeout", "Event", "Store", "Resource", "Container"), _CLOCK),
        **dict.fromkeys(("simulate", "run"), "write cs.Simulation(circuit).run(x=1)"),
        **dict.fromkeys(("save", "load"), "write run.save('run.trace'), cs.Trace.load('run.trace'), or trainer.save"),
        **dict.fromkeys(("silu", "mish", "log2", "log10"), _OWN),
        **dict.fromkeys(("cat", "concatenate", "hstack", "vstack"), "write cs.concat(x, y, axis=0)"),
        **dict.fromkeys(("dot", "mm", "bmm", "einsum"), "write x @ y, or cs.matmul(x, y)"),
        "check_gate": "write cs.testing.check_gate(gate, 1.0)",
        "custom_vjp": "define a gate with @cs.gate, and its rules with @my_gate.vjp(0)",
        "Parameter": "write circuit.parameter('w', 0.5)",
    },
    "wire": {
        **dict.fromkeys(("value", "data", "item", "numpy", "tolist", "eval", "primal"), _VALUES),
        **dict.fromkeys(("grad", "gradient", "backward"), _GRADIENTS),
        **dict.fromkeys(("shape", "size", "ndim", "dtype", "device"), _AXES),
        **dict.fromkeys(("detach", "requires_grad", "stop_gradient"), "a circuit.constant(2.0) is sent no gradient"),
        **dict.fromkeys(("view", "flatten", "ravel"), "write cs.reshape(x, shape=(2, 3))"),
        **dict.fromkeys(("t", "permute", "swapaxes"), "write x.T, or cs.transpose(x, axes=(1, 0))"),
        **dict.fromkeys(("to", "cuda", "cpu", "float", "double"), "all values are float64 on the one processor"),
        **dict.fromkeys(("dot", "mm"), "write x @ y"),
        "at": "write cs.where(condition, x, y)",
        "zero_grad": _FRESH,
    },
    "circuit": {
        **dict.fromkeys(("()", "run", "forward", "backward", "simulate", "apply", "eval", "train"), _ENGINE),
        **dict.fromkeys(("fit", "compile", "learn"), _TRAIN),
        **dict.fromkeys(("add", "add_gate", "add_node"), "write circuit.gate(cs.add, x, y), or x + y"),
        **dict.fromkeys(("variable", "placeholder", "add_input"), "write circuit.input('x')"),
        **dict.fromkeys(("state_dict", "weights", "named_parameters"), "write cs.Compiled(circuit).parameters"),
        **dict.fromkeys(("name_scope", "namespace", "prefix"), "write with circuit.scope('t1'):"),
        **dict.fromkeys(("nodes", "edges"), "write circuit.graph, a networkx graph"),
        "[]": "keep the wires that circuit.inputs and gates return, or write cs.Wire(circuit, 'x')",
        "save": "write circuit.to_json(), or circuit.draw('circuit.svg') for a picture",
    },
    "engine": {
        "()": "write engine.forward({'x': 1.0}), and engine.backward() for gradients",
        "run": "write cs.Simulation(circuit).run(x=1), or engine.forward({'x': 1.0}) and engine.backward()",
        **dict.fromkeys(("zero_grad",), _FRESH),
        **dict.fromkeys(("train", "fit", "optimize"), _TRAIN),
        **dict.fromkeys(("eval", "to", "cuda", "cpu", "compile", "jit"), "it has no modes and no device to move to"),
        **dict.fromkeys(("state_dict", "load_state_dict"), "write engine.parameters, engine.set_parameters({'w': 1})"),
        **dict.fromkeys(("grad", "gradients", "value_and_grad"), "engine.backward() returns the gradients by name"),
        **dict.fromkeys(("env", "process", "timeout", "event", "any_of", "all_of", "schedule"), _SIMPY),
        **dict.fromkeys(("step", "peek", "active_process"), _WHOLE),
        "now": "write run.time, or simulation.time after a run",
    },
    "run": {
        "[]": "write run.outputs['f'], run.gradients['x'], or run.value('mul1') for any wire",
        **dict.fromkeys(("grad", "grads"), "write run.gradients['x'], or run.gradient('mul1') for any wire"),
        **dict.fromkeys(("output", "result", "values", "loss", "item"), "write run.outputs['f'], or run.value('mul1')"),
        **dict.fromkeys(("backward",), "the run went back already, and has run.gradients"),
        **dict.fromkeys(("now", "env"), "write run.time"),
        **dict.fromkeys(("plot", "show", "render"), "write run.save('run.html'), a page, or run.draw('run.svg')"),
    },
}  # fmt: skip

#: Settings that have another name here; the first of those that a function takes is named.
SETTINGS = {
    **dict.fromkeys(("lr", "learning_rate", "rate", "eta", "alpha"), "step"),
    **dict.fromkeys(("epochs", "steps", "n_iter", "max_iter", "num_epochs"), "iterations"),
    **dict.fromkeys(("batch_size", "batchsize"), "batch"),
    **dict.fromkeys(("loss", "criterion", "loss_fn", "objective"), "force"),
    **dict.fromkeys(("optim", "opt"), "optimizer"),
    **dict.fromkeys(("weight_decay", "regularizer", "l2"), "penalty"),
    **dict.fromkeys(("model", "net", "network", "simulation"), "engine"),
    **dict.fromkeys(("pull", "grad", "grad_output", "grad_outputs", "cotangent"), "gradient"),
    **dict.fromkeys(("random_state", "rng", "key"), "seed"),
    **dict.fromkeys(("delay", "timeout"), "gate_delay"),
    **dict.fromkeys(("latency",), "wire_latency"),
    **dict.fromkeys(("validation_split", "val_split"), "validation"),
    **dict.fromkeys(("hidden", "layers", "units"), "sizes"),
    "eps": "epsilon",
}


def unknown(kind: str, what: str, name: str, known: Iterable[str], functions: Container[str] = ()) -> UnknownNameError:
    """Return the error that says what to write instead of a name.

    Parameters
    ----------
    kind : str
        Whose habits to look up.
    what : str
        What was asked for the name, for the message.
    name : str
        The name.
    known : iterable of str
        The names that there are.
    functions : container of str
        The names that are functions of circuitsim, and are called with the thing.

    Examples
    --------
    >>> print(unknown("circuitsim", "circuitsim", "jit", []))
    circuitsim has no 'jit': cs.Compiled(circuit) is compiled code, with the same bits as cs.Simulation(circuit)
    """
    advice = HABITS[kind].get(name)
    if advice is None and name in functions:
        advice = f"gates are functions, write cs.{name}(x)"
    elif advice is None:
        known = [word for word in known if not word.startswith("_")]
        advice = nearest(name, known) + f"it has {', '.join(known) if len(known) < 40 else 'what dir() lists'}"
    return UnknownNameError(f"{what} has no {name!r}: {advice.format(name=name) if '{name}' in advice else advice}")


def advises(kind: str, functions: Container[str] = ()) -> Callable[[Class], Class]:
    """Let a class say what to write where it is asked for what it has not: an attribute, a call, an index.

    Type checkers see none of it, so they go on to find wrong names.
    """

    def decorate(cls: Class) -> Class:
        def __getattr__(self: Any, name: str) -> Any:  # noqa: N807
            if name.startswith("_") or hasattr(type(self), name):  # a property of its own has failed: show how
                return object.__getattribute__(self, name)
            raise unknown(kind, _a(kind), name, dir(type(self)), functions)

        refused: Mapping[str, tuple[str, str]] = {
            "()": ("__call__", "cannot be called"),
            "[]": ("__getitem__", "cannot be indexed"),
        }
        setattr(cls, "__getattr__", __getattr__)  # noqa: B010
        for sign, (method, words) in refused.items():
            if sign in HABITS[kind]:
                setattr(cls, method, _refusal(f"{_a(kind)} {words}: {HABITS[kind][sign]}"))
        return cls

    return decorate


def _refusal(sentence: str) -> Callable[..., NoReturn]:
    def refuse(self: Any, *_: Any, **__: Any) -> NoReturn:
        raise CallError(sentence)

    return refuse


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


class ReadOnly(dict[Key, Item]):
    """A mapping that does not change, and says what to do instead; for the rest a dict."""

    instead = "make a dict of it first"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise CallError(f"this mapping does not change: {self.instead}")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


class ParameterValues(ReadOnly[str, Any]):
    """The values of parameters by name, as an engine hands them out."""

    instead = "to move parameters, write engine.set_parameters({'w': 0.5})"


class Named(ReadOnly[str, Any]):
    """What came of a run by name, which says what to write where a name is not among them."""

    instead = "it is what came of a run; make a dict of it first, as in dict(run.outputs)"

    def __missing__(self, name: object) -> Any:
        known: Any = getattr(name, "name", None)  # a wire of the circuit
        if known in self:
            return self[known]
        raise TraceError(
            f"there is no {shown(name)} here: it has {listed(self) if self else 'nothing'}; "
            "ask run.value(name) or run.gradient(name) for any wire"
        )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in self:
                raise UnknownNameError(f"values are asked for by name: write [{name!r}] instead of .{name}")
            raise AttributeError(f"'dict' object has no attribute {name!r}")


def told(callable_: Told) -> Told:
    """Let a function, or each public method of a class, say what is wrong with how it is called.

    It says how it is called, and by which name it knows a setting, where it is called otherwise. Where it fails with
    an error that is none of circuitsim's, and an argument does not fit the annotation of its parameter, it says which.
    """
    if not isinstance(callable_, type):
        return _told(callable_)  # type: ignore[return-value]
    for name, thing in list(vars(callable_).items()):
        if name.startswith("_") and name not in ("__init__", "__call__"):
            continue
        if isinstance(thing, FunctionType):
            setattr(callable_, name, _told(thing))
        elif isinstance(thing, classmethod | staticmethod):
            setattr(callable_, name, type(thing)(_told(thing.__func__)))
    return callable_


def _told(function: Callable[..., Any]) -> Callable[..., Any]:
    if hasattr(function, "__wrapped__"):  # it is told already
        return function

    @wraps(function)
    def call(*given: Any, **settings: Any) -> Any:
        try:
            return function(*given, **settings)
        except (CircuitSimError, NonFiniteWarning):
            raise
        except Exception as error:
            here = error.__traceback__
            if isinstance(error, TypeError) and (here is None or here.tb_next is None):  # it was not even called
                raise CallError(_correction(function, str(error))) from None
            if (sentence := misfit(function, given, settings)) is None:
                if isinstance(error, MemoryError):
                    raise TooLargeError(
                        f"{function.__qualname__} needs more memory than is free: give it less"
                    ) from error
                raise
            raise CallError(sentence) from error

    return call


def _correction(function: Callable[..., Any], said: str) -> str:
    parameters = dict(signature(function).parameters)
    parameters.pop("self", None)
    name = function.__qualname__.split(".")[-2] if function.__name__ == "__init__" else function.__name__
    known = [word for word, one in parameters.items() if one.kind is not one.VAR_KEYWORD]
    shown = ", ".join(word if one.default is one.empty else f"{word}=..." for word, one in parameters.items())
    found = re.search(r"unexpected keyword argument '(\w+)'", said)
    if found is None:
        return f"{said.replace('.__init__()', '()')}: write {name}({shown})"
    meant = SETTINGS.get(found[1])
    hint = f"write {meant}=... " if meant in known else nearest(found[1], known)
    return f"{name} has no setting {found[1]!r}: {hint}{'in' if meant in known else 'write'} {name}({shown})"
