"""What every engine does with a circuit: run it forward and backward, hold its parameters.

What users give is checked here, once for all engines. The life of an engine is::

    engine = Simulation(circuit)                  # the circuit is validated, the parameters are taken over
    outputs = engine.forward({"x": 2.0})          # values flow to the outputs
    gradients = engine.backward(1.0)              # gradients flow back to inputs and parameters
    engine.set_parameters({"a": 1.5})             # and may be moved

or, to let every parameter respond to its gradient by itself::

    engine.learn(SGD(step=0.01))                  # every parameter takes the rule
    engine.forward({"x": 2.0})
    engine.backward(1.0)
    engine.update()                               # and moves

Arrays that an engine hands out are read-only: take ``.copy()`` of what is to be changed. An engine works for one
thread at a time, and a forward pass with its backward pass and update belong to one thread.

An engine of one's own subclasses `Engine` and supplies `compute_outputs` and `compute_gradients`. If it keeps the
parameters elsewhere, it supplies `memory`, `set_memory`, `set_rule` and `respond` as well. What these are given is
checked, and NumPy warns of nothing within them.
"""

import sys
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import numpy as np

from circuitsim import checks
from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.netlist import Netlist
from circuitsim.circuit.wire import Wire, by_name, name_of
from circuitsim.errors import InputError, NonFiniteError, NonFiniteWarning, ShapeError
from circuitsim.gates.shapes import show_shape
from circuitsim.gates.value import Value, own_value, shape_of
from circuitsim.habits import ParameterValues, advises, told
from circuitsim.rules import Memory, Rule, Spring, begin, respond
from circuitsim.spelling import nearest, shown
from circuitsim.trace.trace import Trace

__all__ = ["Engine", "engines", "register_engine"]

Make = TypeVar("Make", bound=Callable[[Circuit], "Engine"])

#: What makes an engine for a circuit, by the names that ``--engine`` takes.
engines: dict[str, Callable[[Circuit], "Engine"]] = {}


@told
def register_engine(name: str) -> Callable[[Make], Make]:
    """Let ``--engine`` find the class below, or a function that makes an engine for a circuit, under this name.

    Parameters
    ----------
    name : str
        What people write. Registering it again replaces what it stood for.

    Raises
    ------
    InputError
        If it is no text.

    Examples
    --------
    >>> import circuitsim as cs
    >>> @register_engine("strict")
    ... def strict(circuit):
    ...     return cs.Compiled(circuit, nonfinite="error")
    >>> engines.pop("strict")(cs.parse("x * y")).forward({"x": 2, "y": 3})
    {'f': 6.0}
    """
    name = checks.name(name, "the name of an engine")

    def register(make: Make) -> Make:
        engines[name] = make
        return make

    return register


@told
@advises("engine")
class Engine(ABC):
    """What runs a circuit: the interface and the checks that all engines share.

    Parameters
    ----------
    circuit : Circuit
        What to run. It is taken as it stands; later changes to it are not seen.
    nonfinite : {"warn", "error", "ignore"}
        What to do when a gate makes an infinity or a nan: warn once with the gate's name, raise
        `NonFiniteError`, or nothing.

    Attributes
    ----------
    netlist : Netlist
        The circuit as tables of numbered nodes and wires.
    input_nodes, parameter_nodes, output_nodes : dict of str to int
        The numbers of the inputs, parameters and outputs in the netlist, by name.
    rule : Rule or None
        By which the parameters respond, once they have one.
    springs : dict of str to list of Spring, or None
        The penalties of each parameter, once there is a rule.

    Raises
    ------
    CircuitError
        If the circuit's wiring is wrong.
    """

    def __init__(self, circuit: Circuit, *, nonfinite: Literal["warn", "error", "ignore"] = "warn") -> None:
        if not isinstance(circuit, Circuit):
            raise InputError(
                f"an engine was given {shown(circuit)} for a circuit: give it one, as cs.parse('x * y') makes it"
            )
        self.netlist = Netlist(circuit)
        self.nonfinite = checks.choice(nonfinite, "nonfinite", ("warn", "error", "ignore"))
        self.input_nodes = self.netlist.of_kind("input")
        self.parameter_nodes = self.netlist.of_kind("parameter")
        self.output_nodes = self.netlist.of_kind("output")
        nodes = circuit.graph.nodes
        self._declared = {
            name: nodes[name]["shape"] for name in self.input_nodes if nodes[name].get("shape") is not None
        }
        self._values: dict[str, Value] | None = None  # outputs that wait for a backward pass
        self._gradients: dict[str, Value] | None = None  # gradients that wait for an update
        self.rule: Rule | None = None
        self.springs: dict[str, list[Spring]] | None = None
        self._memory = {name: Memory(self.netlist.nodes[i].value) for name, i in self.parameter_nodes.items()}  # type: ignore[arg-type]
        self._reported = False
        self._lock = threading.Lock()
        self._runner = 0  # the thread that ran the last forward pass

    @property
    def inputs(self) -> list[str]:
        """The names of the inputs, in the order in which they were added to the circuit."""
        return list(self.input_nodes)

    @property
    def outputs(self) -> list[str]:
        """The names of the outputs."""
        return list(self.output_nodes)

    @property
    def time(self) -> float | None:
        """How much simulated time the last run took, in ticks; None if there is no clock."""
        return None

    @property
    def trace(self) -> Trace | None:
        """What happened in the last run; None if the engine leaves no traces."""
        return None

    def value(self, name: str | Wire) -> Value:
        """Return the value of any wire or output in the last forward pass.

        Raises
        ------
        InputError
            If the engine leaves no traces.
        TraceError
            If there is no such wire.
        """
        if self.trace is None:
            raise InputError(
                f"a {type(self).__name__} leaves no traces to look into: run the circuit with Simulation or Compiled"
            )
        return self.trace.value(name)

    @property
    def parameters(self) -> dict[str, Value]:
        """The parameters' present values by name; arrays are read-only, as all that engines hand out."""
        return ParameterValues((name, entry.value) for name, entry in self.memory.items())

    # -- what an engine supplies ---------------------------------------------------------------------------

    @abstractmethod
    def compute_outputs(self, inputs: dict[str, Value]) -> dict[str, Value]:
        """Run forward: return the value of every output, given that of every input."""

    @abstractmethod
    def compute_gradients(self, output_gradients: dict[int, Value]) -> dict[str, Value]:
        """Run backward from the last forward pass.

        Parameters
        ----------
        output_gradients : dict of int to float or ndarray
            The gradient put on an output, in the shape of its value, by the number of its node; others have none.

        Returns
        -------
        dict of str to float or ndarray
            The gradients of all inputs and then of all parameters, in the order of `input_nodes` and `parameter_nodes`.
            Gradients that meet at a node are added up in wiring order (`add_up`).
        """

    @property
    def memory(self) -> dict[str, Memory]:
        """The state of every parameter: its value, the optimizer's state for it, how often it was updated."""
        return self._memory.copy()

    def set_memory(self, memory: Mapping[str, Memory]) -> None:
        """Replace the state of some parameters."""
        self._memory.update(memory)

    def set_rule(self, rule: Rule, springs: Mapping[str, Sequence[Spring]]) -> None:
        """Let parameters be updated by this optimizer from now on, with a fresh state."""
        self.set_memory({name: begin(rule, entry.value) for name, entry in self.memory.items()})

    def respond(self, gradients: Mapping[str, Value]) -> None:
        """Move every parameter by its optimizer, given its gradient."""
        assert self.rule is not None
        assert self.springs is not None
        memory, springs = self.memory, self.springs
        self.set_memory({name: respond(self.rule, springs[name], memory[name], gradients[name]) for name in memory})

    def report_nonfinite(self, culprit: str) -> None:
        """Warn of the first infinity or nan, or raise it, as `nonfinite` says; `culprit` is the sentence to show."""
        if self.nonfinite == "error":
            raise NonFiniteError(culprit)
        if self.nonfinite == "warn" and not self._reported:
            self._reported = True
            warnings.warn(culprit, NonFiniteWarning, stacklevel=_outside())

    # -- what users ask for --------------------------------------------------------------------------------

    @told
    def forward(self, inputs: Mapping[str, Any]) -> dict[str, Value]:
        """Send values in and return the outputs.

        Parameters
        ----------
        inputs : mapping of str or Wire to number or array_like
            A value for every input of the circuit.

        Raises
        ------
        InputError
            If one is missing, unknown, or no number.
        ShapeError
            If arrays meet in a gate that do not broadcast.
        """
        with self._turn():
            values = self._check_inputs(inputs)
            self._values = None
            with np.errstate(all="ignore"):
                self._values = self.compute_outputs(values)
            self._runner = threading.get_ident()
            return self._values.copy()

    @told
    def backward(self, gradient: Any = 1.0) -> dict[str, Value]:
        """Send gradients back from the outputs of the last forward pass, and return those of inputs and parameters.

        Gradients do not accumulate: each backward pass replaces what the one before it left, and `update` responds to
        the last one alone. To learn from several examples at once, give them as one batch.

        Parameters
        ----------
        gradient : number, array_like, or mapping of str to those
            The gradient put on the outputs: one for all of them, or one for each output named, the others
            having none. A number is put on every element of an output that is an array.

        Returns
        -------
        dict of str to float or ndarray
            The gradient of every input and parameter, in the shape of its value; 0 where no output
            that was given one depends on it.

        Raises
        ------
        InputError
            If nothing was run forward since the last backward pass, another thread ran it, or the gradient fits no
            output.
        """
        with self._turn():
            if self._values is None:
                raise InputError("there is nothing to go back from: run forward before each backward pass")
            self._check_runner("forward")
            output_gradients = self._check_gradient(gradient, self._values)
            self._values = self._gradients = None
            with np.errstate(all="ignore"):
                gradients = self.compute_gradients(output_gradients)
            self._gradients = gradients.copy()
            return gradients

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Give parameters new values.

        A parameter that takes another shape begins anew with the state of its rule, and no backward pass can
        follow what was run before.

        Raises
        ------
        InputError
            If a name is no parameter of the circuit, or a value is no number.
        """
        with self._turn():
            memory, changed = self.memory, dict[str, Memory]()
            for name, thing in by_name(_mapping(values, "parameters"), self.netlist.name).items():
                value = self._named(name, thing, self.parameter_nodes, "parameter")
                if shape_of(value) == shape_of(memory[name].value):
                    changed[name] = memory[name]._replace(value=value)
                else:
                    changed[name] = Memory(value) if self.rule is None else begin(self.rule, value)
            self._remember(memory, changed)

    def learn(self, rule: Rule, springs: Spring | Sequence[Spring] = ()) -> None:
        """Set the optimizer by which `update` moves every parameter, with a fresh state, and penalties.

        Parameters
        ----------
        rule : Rule
            An optimizer.
        springs : Spring or sequence of Spring
            Penalties, which add to the gradients of parameters.

        Raises
        ------
        InputError
            If a spring is attached to what is no parameter of the circuit.
        """
        springs = springs if isinstance(springs, Sequence) else [springs]
        biases = self.netlist.biases()
        held: dict[str, list[Spring]] = {name: [] for name in self.parameter_nodes}
        for spring in springs:
            names = [name for name in held if name not in biases] if spring.on is None else spring.on
            for name in names:
                if name not in held:
                    raise InputError(
                        f"a spring is attached to {shown(name)}, which is no parameter of circuit "
                        f"{shown(self.netlist.name)}: "
                        f"its parameters are {', '.join(held) or 'none'}"
                    )
                held[name].append(spring)
        with self._turn():
            self.set_rule(rule, held)
            self.rule, self.springs = rule, held

    def update(self, gradients: Mapping[str, Value] | None = None) -> None:
        """Move every parameter by its optimizer, from its gradient of the last backward pass alone.

        Parameters
        ----------
        gradients : mapping of str to float or ndarray, optional
            What parameters respond to instead, such as gradients that were clipped: one for every parameter.

        Raises
        ------
        InputError
            If the parameters have no rule, or have had no gradient since they last responded, or in another thread.
        """
        with self._turn():
            if self.springs is None:
                raise InputError("the parameters have no rule: give them one first, engine.learn(SGD(step=0.01))")
            if self._gradients is None:
                raise InputError("there is nothing to respond to: run forward and backward first")
            self._check_runner("backward")
            if gradients is not None:
                self._gradients |= self._check_gradients(gradients)
            found, self._gradients = self._gradients, None
            with np.errstate(all="ignore"):
                self.respond(found)

    def restore(self, memory: Mapping[str, Memory]) -> None:
        """Set parameters and their optimizer's state back to what `memory` returned.

        Raises
        ------
        InputError
            If a name is no parameter of the circuit.
        """
        with self._turn():
            restored = {
                name: entry.copy()._replace(value=self._named(name, entry.value, self.parameter_nodes, "parameter"))
                for name, entry in by_name(_mapping(memory, "memories"), self.netlist.name).items()
            }
            self._remember(self.memory, restored)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy takes over: all but the lock."""
        return {name: thing for name, thing in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def _turn(self) -> threading.Lock:
        """Return the lock to work under; if somebody works, refuse and do not wait."""
        if self._lock.locked():
            frame: Any = sys._getframe(2)
            while frame is not None:
                if frame.f_locals.get("self") is self and frame.f_globals["__name__"].startswith("circuitsim."):
                    raise InputError(
                        f"the engine of circuit {shown(self.netlist.name)} is at work already: no gate, rule or "
                        f"function "
                        "that it calls may call it"
                    )
                frame = frame.f_back
            raise InputError(
                f"the engine of circuit {shown(self.netlist.name)} is at work in another thread: make an engine "
                f"for each "
                "thread"
            )
        return self._lock

    def _check_runner(self, last: str) -> None:
        """Refuse to go on with a pass of another thread, whose numbers the caller does not expect."""
        if self._runner != threading.get_ident():
            raise InputError(
                f"the last {last} pass of circuit {shown(self.netlist.name)} was run in another thread: make an "
                f"engine for "
                "each thread"
            )

    def _remember(self, before: Mapping[str, Memory], now: Mapping[str, Memory]) -> None:
        if any(shape_of(entry.value) != shape_of(before[name].value) for name, entry in now.items()):
            self._values = self._gradients = None  # gradients would be of the old shape
        self.set_memory(now)

    def _check_inputs(self, inputs: Mapping[str, Any]) -> dict[str, Value]:
        inputs = _mapping(inputs, "inputs")
        missing = [name for name in self.input_nodes if name not in inputs]
        if missing and any(isinstance(name, Wire) for name in inputs):  # looked for only here: names are the rule
            inputs = by_name(inputs, self.netlist.name)
            missing = [name for name in self.input_nodes if name not in inputs]
        if missing:
            for name in inputs:  # one that is written wrongly is told first
                self._named(name, 0.0, self.input_nodes, "input")
            raise InputError(
                f"circuit {shown(self.netlist.name)} needs a value for {_list('input', missing)}: "
                f"its inputs are {', '.join(self.input_nodes)}"
            )
        values = {name: self._named(name, inputs[name], self.input_nodes, "input") for name in self.input_nodes}
        for name in inputs if len(inputs) > len(values) else ():
            self._named(name, 0.0, self.input_nodes, "input")  # refuses what is none
        for name, declared in self._declared.items():
            shape = shape_of(values[name])
            if len(shape) != len(declared) or any(d not in (None, s) for d, s in zip(declared, shape, strict=True)):
                raise ShapeError(
                    f"input {shown(name)} of circuit {shown(self.netlist.name)} has shape {shape}, declared was "
                    f"{show_shape(declared)}"
                )
        return values

    def _check_gradient(self, gradient: Any, outputs: Mapping[str, Value]) -> dict[int, Value]:
        if isinstance(gradient, Mapping):
            gradient = {self._output_named(name): part for name, part in gradient.items()}
        else:
            gradient = dict.fromkeys(outputs, gradient)
        found: dict[int, Value] = {}
        for name, part in gradient.items():
            value = self._named(name, part, self.output_nodes, "output")
            if shape_of(value) == shape_of(outputs[name]):
                found[self.output_nodes[name]] = value
                continue
            try:
                found[self.output_nodes[name]] = own_value(np.broadcast_to(value, shape_of(outputs[name])))
            except ValueError:
                raise ShapeError(
                    f"output {shown(name)} has shape {shape_of(outputs[name])} and was given a gradient of shape "
                    f"{shape_of(value)}: give a number or its own shape"
                ) from None
        return found

    def _output_named(self, name: Any) -> Any:
        """Return the name of the first output that shows a wire; whatever is no wire is a name already."""
        if not isinstance(name, Wire):
            return name
        netlist, known = self.netlist, name_of(name, self.netlist.name)
        for output, index in self.output_nodes.items():
            if netlist.nodes[netlist.wires[netlist.incoming[index][0]].source].name == known:
                return output
        return known

    def _check_gradients(self, gradients: Mapping[str, Any]) -> dict[str, Value]:
        """Return gradients that are to be responded to instead of those of the last backward pass."""
        given, parameters = by_name(_mapping(gradients, "gradients"), self.netlist.name), self.parameters
        if missing := [name for name in parameters if name not in given]:
            raise InputError(
                f"the gradients lack parameter {shown(missing[0])} of circuit {shown(self.netlist.name)}: give all"
            )
        values = {name: self._named(name, thing, self.parameter_nodes, "parameter") for name, thing in given.items()}
        for name, value in values.items():
            if shape_of(value) != shape_of(parameters[name]):
                raise ShapeError(
                    f"parameter {shown(name)} has shape {shape_of(parameters[name])}, its gradient {shape_of(value)}: "
                    "give it in the same shape"
                )
        return values

    def _named(self, name: str, thing: Any, known: Mapping[str, int], kind: str) -> Value:
        if name not in known:
            raise InputError(
                f"circuit {shown(self.netlist.name)} has no {kind} {shown(name)}: {nearest(str(name), known)}"
                f"its {kind}s are {', '.join(known) or 'none'}"
            )
        try:
            return own_value(thing)
        except InputError as error:
            raise InputError(f"{kind} {shown(name)} of circuit {shown(self.netlist.name)}: {error}") from None


def _outside() -> int:
    """Return how far up the stack the code is that called this package: Python tells a warning once for each line."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("circuitsim."):
        frame, level = frame.f_back, level + 1
    return level


def _mapping(given: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InputError(f"the {what} were given as {shown(given)}: give a mapping of names to values")
    return given


def _list(kind: str, names: list[str]) -> str:
    return f"{kind if len(names) == 1 else kind + 's'} {', '.join(names)}"
