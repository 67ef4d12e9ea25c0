"""The event-driven engine: a circuit as SimPy processes that exchange messages over wires that take time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from threading import get_ident
from typing import Any, Literal, NoReturn, TypeAlias

import numpy as np

from circuitsim import checks
from circuitsim.circuit.circuit import Circuit
from circuitsim.engine import Engine
from circuitsim.errors import CallError, InputError
from circuitsim.gates.value import Value, fit, is_finite
from circuitsim.habits import Named, ParameterValues, told
from circuitsim.plan.cluster import Cluster
from circuitsim.plan.costs import Costs
from circuitsim.plan.deployment import deploy
from circuitsim.plan.plan import Plan
from circuitsim.rules import Memory, Rule, Spring
from circuitsim.simulation.delays import Delay, gate_delays, wire_latencies
from circuitsim.simulation.deployed import Deployed
from circuitsim.simulation.gate_graph import GateGraph
from circuitsim.simulation.kernel import World
from circuitsim.simulation.microbatches import cut, join, sections
from circuitsim.simulation.parameter import Parameter
from circuitsim.simulation.run import Run, StreamRun
from circuitsim.simulation.stream import OutputGradients, Stream
from circuitsim.spelling import shown
from circuitsim.trace.trace import Trace

__all__ = ["Simulation"]

#: The gradient put on the outputs: one for all, one for some by name, or a function of tag, name and value.
OutputGradient: TypeAlias = float | Mapping[str, Any] | Callable[[int, str, Value], Any]


@told
class Simulation(Engine):
    """Runs a circuit as actors in simulated time; the numbers are real.

    Without a plan every gate is an actor of its own. With one, the stages of the plan are, and devices say when they
    work. Values and gradients do not depend on delays and latencies, only the time that everything takes does. Every
    run begins at tick 0.

    Parameters
    ----------
    circuit : Circuit
        What to run.
    plan : Plan, optional
        Decisions: which gates work together, in what order, when parameters move.
    cluster : Cluster, optional
        Facts: devices, links, and what goes wrong with them. Needs a plan.
    costs : Costs, optional
        What pieces of work take, and how large messages are. Needs a plan.
    seed : int
        Seeds random times and faults; the same for every stream.
    gate_delay : float, mapping or callable
        The ticks that a gate takes to fire, forward and again backward: for all gates, by gate name (1 for
        those not named), or a function of the gate's name that is called for each firing. Not with a plan.
    wire_latency : float, mapping or callable
        The ticks that a message is under way, in either direction: for all wires, by the name of the wire or
        a pair (source, target), or a function of source and target that is called for each message. Not with a plan.
    trace : bool, "all" or "work"
        What to record of each run: all (or True), which can be explained and played; with ``"work"`` what devices do
        and which messages pass between them, but not what these carry; or nothing.
    nonfinite : {"warn", "error", "ignore"}
        What to do when a gate makes an infinity or a nan.

    Examples
    --------
    >>> import circuitsim as cs
    >>> simulation = cs.Simulation(cs.parse("(x + y) * z"))
    >>> simulation.run(x=-2, y=5, z=-4).gradients
    {'x': -4.0, 'y': -4.0, 'z': 3.0}
    """

    @told
    def __init__(
        self,
        circuit: Circuit,
        plan: Plan | None = None,
        *,
        cluster: Cluster | None = None,
        costs: Costs | None = None,
        seed: int = 0,
        gate_delay: Delay = 1.0,
        wire_latency: Delay = 1.0,
        trace: bool | Literal["all", "work"] = True,
        nonfinite: Literal["warn", "error", "ignore"] = "warn",
    ) -> None:
        super().__init__(circuit, nonfinite=nonfinite)
        if not isinstance(trace, bool | np.bool_):
            trace = checks.choice(trace, "trace", ("all", "work"), more="True or False")  # type: ignore[assignment]
        self.plan, self.cluster, self.costs = plan, cluster, costs
        self.seed = checks.count(seed, "the seed", least=0)
        self._delays = gate_delays(self.netlist, gate_delay)
        self._latencies = wire_latencies(self.netlist, wire_latency)
        self._depth = trace if isinstance(trace, str) else "all" if trace else ""
        self._deployed = self._deploy(gate_delay, wire_latency)
        self._culprit: str | None = None
        self._sent, self._ticks = 0, 0.0
        self._stream: Stream = None  # type: ignore[assignment]
        self._began_with: dict[str, Memory] = {}  # what parameters remembered in the last forward pass
        self._learners = {
            name: Parameter(name, index, Memory(self.netlist.nodes[index].value))  # type: ignore[arg-type]
            for name, index in self.parameter_nodes.items()
        }
        self._build()

    def _deploy(self, gate_delay: Delay, wire_latency: Delay) -> Deployed | None:
        """Return the plan as it comes out for this circuit and cluster."""
        if self.plan is None:
            if self._depth == "work":
                raise InputError("trace='work' tells what devices do: give a plan that has some, Plan(stages=2)")
            for name, thing in (("cluster", self.cluster), ("costs", self.costs)):
                if thing is not None:
                    raise InputError(f"{name} needs a plan that puts gates on devices: give one, Plan(stages=2)")
            return None
        if gate_delay != 1.0 or wire_latency != 1.0:
            raise InputError("gate_delay and wire_latency are for gates without a plan: give costs and cluster instead")
        deployment = deploy(self.plan, self.netlist, self.cluster, self.costs)
        return Deployed(self.netlist, deployment, self.costs, self._note_culprit)

    # -- running -------------------------------------------------------------------------------------------

    @told
    def run(self, values: Mapping[str, Any] | None = None, /, *, gradient: Any = 1.0, **inputs: Any) -> Run:
        """Send values forward and, when all outputs are there, gradients back; return everything that came of it.

        Parameters
        ----------
        values : mapping, optional
            Values for inputs whose names are no Python names; the others may be given by keyword.
        gradient : number, array_like or mapping
            As for `backward`.
        **inputs : number or array_like
            A value for every input.

        Returns
        -------
        Run
        """
        if self.plan is not None:
            raise InputError("a plan is for streams: use stream, or forward and backward")
        with self._turn():
            given = self._check_inputs({**(values or {}), **inputs} if inputs else values or {})
            roots, before = self._roots_of(gradient), self.messages
            self._values = self._gradients = None
            with np.errstate(all="ignore"):
                self._pass([given], lambda tag, outputs: self._check_gradient(gradient, outputs), roots, learn=False)
            self._gradients, self._runner = self._stream.gradients, get_ident()
            return Run(
                name=self.netlist.name,
                outputs=Named(self._stream.outputs[0]),
                gradients=Named(self._stream.input_gradients[0] | self._gradients),
                time=self.time,
                messages=self.messages - before,
                trace=self.trace,
            )

    def stream(
        self,
        examples: Mapping[str, Any] | Iterable[Mapping[str, Any]],
        *,
        gradient: OutputGradient = 1.0,
        learn: bool | None = None,
    ) -> StreamRun:
        """Send many examples through the circuit, several at a time, and each back when its outputs are there.

        Parameters
        ----------
        examples : mapping of str to array_like, or iterable of mapping of str to number or array_like
            A batch, by input, which is cut along its first axis into as many microbatches as the plan says; or a value
            for every input for each microbatch, of which as many as the plan says make a batch.
        gradient : number, mapping or callable
            The gradient put on the outputs, as for `backward`; or a function of the microbatch's number, the output's
            name and its value that returns one.
        learn : bool, optional
            Whether parameters move, each by its rule; if not given, they do if they have one (`Engine.learn`).

        Returns
        -------
        StreamRun

        Raises
        ------
        InputError
            If an example does not fit the circuit.
        ScheduleError
            If the schedule does not fit the batch.
        DeadlockError
            If everybody waits for somebody else.

        Examples
        --------
        >>> import circuitsim as cs
        >>> c = cs.Circuit("line")
        >>> c.output("f", cs.tanh(c.parameter("a", 1.0) * c.input("x")) * c.parameter("b", 2.0))
        >>> run = cs.Simulation(c, cs.Plan(stages=2, schedule="1f1b")).stream([{"x": 1}, {"x": 2}])
        >>> [round(outputs["f"], 4) for outputs in run.outputs], run.report.makespan
        ([1.5232, 1.9281], 9.0)
        """
        with self._turn():
            given = self._check_examples(examples)
            if learn is None:
                learn = self.springs is not None
            elif learn and self.springs is None:
                raise InputError(
                    "the parameters have no rule to move by: give them one first, simulation.learn(SGD(step=0.01))"
                )
            if not isinstance(gradient, Mapping) and not callable(gradient):
                gradient = dict.fromkeys(self.output_nodes, gradient)
            roots = self._roots_of(gradient)
            before = self.messages
            self._values = self._gradients = None
            with np.errstate(all="ignore"):
                self._pass(given, partial(self._gradients_of, gradient), roots, learn=learn)
            stream, tags = self._stream, range(len(given))
            return StreamRun(
                name=self.netlist.name,
                outputs=[stream.outputs[tag] for tag in tags],
                input_gradients=[stream.input_gradients[tag] for tag in tags],
                gradients=stream.gradients,
                parameters=self.parameters,
                time=self.time,
                messages=self.messages - before,
                trace=self.trace,
            )

    def _roots_of(self, gradient: Any) -> frozenset[int]:
        """Return the outputs at which the backward pass begins."""
        given = gradient if isinstance(gradient, Mapping) else self.output_nodes
        names = [self._output_named(name) for name in given]
        for name in names:
            self._named(name, 0.0, self.output_nodes, "output")
        return frozenset(self.output_nodes[name] for name in names)

    def _gradients_of(self, gradient: Any, tag: int, outputs: dict[str, Value]) -> dict[int, Value]:
        """Return the gradients that are put on the outputs of an example."""
        if callable(gradient):
            gradient = {name: gradient(tag, name, value) for name, value in outputs.items()}
        return self._check_gradient(gradient, outputs)

    def _check_examples(self, examples: Any) -> list[dict[str, Value]]:
        """Return the examples as values of the circuit's inputs."""
        if isinstance(examples, Mapping):
            whole = self._check_inputs(examples)
            parts = None if self._deployed is None else self._deployed.deployment.microbatches
            return cut(whole, sections(whole, parts or 1))
        if isinstance(examples, str) or not isinstance(examples, Iterable):
            raise InputError(
                "the examples are no list: give a list with a mapping of inputs to values for each example"
            )
        given = []
        for number, example in enumerate(examples):
            if not isinstance(example, Mapping):
                raise InputError(
                    f"example {number} is {shown(example)}: give a mapping of inputs to values, such as {{'x': 1}}"
                )
            given.append(self._check_inputs(example))
        if not given:
            raise InputError("there are no examples to stream: give at least one")
        return given

    @property
    def parameters(self) -> dict[str, Value]:
        """The parameters' present values by name."""
        return ParameterValues((name, actor.memory.value) for name, actor in self._learners.items())

    @property
    def memory(self) -> dict[str, Memory]:
        """The state of every parameter: its value, the optimizer's state for it, how often it was updated."""
        return {name: actor.memory for name, actor in self._learners.items()}

    @property
    def environment(self) -> World:
        """The SimPy environment of the present run, in which processes of your own may take part."""
        return self._stream.world

    @property
    def trace(self) -> Trace | None:
        """The records of the last run, if they are kept."""
        return self._stream.world.trace

    @property
    def messages(self) -> int:
        """How many messages were sent since the simulation was made."""
        return self._sent + self._stream.world.sent

    @property
    def time(self) -> float:
        """How much simulated time the last run took, in ticks."""
        return float(self._stream.world.now)

    @property
    def ticks(self) -> float:
        """How much simulated time has passed in all runs."""
        return self._ticks + self.time

    # -- what engines do -----------------------------------------------------------------------------------

    def __getstate__(self) -> NoReturn:
        raise CallError(
            "a simulation has running processes and cannot be copied or pickled: make another, cs.Simulation(circuit), "
            "and give it simulation.memory with restore; runs and traces can be pickled"
        )

    def _build(self) -> None:
        """Make the actors anew."""
        world = World()
        self._use(Stream(self.netlist, world))
        if self._deployed is None:
            parameters = {index: self._learners[name] for name, index in self.parameter_nodes.items()}
            for parameter in parameters.values():
                parameter.join(self._stream.complete)
            self._graph = self._stream.graph = GateGraph(
                self.netlist, world, self._delays, self._latencies, parameters, self._stream, self._note_culprit
            )

    def _use(self, stream: Stream) -> None:
        """Go on with the actors of another run."""
        if self._stream is not None:
            self._sent, self._ticks = self.messages, self.ticks
        self._stream = stream

    def _begin(self, roots: frozenset[int], examples: int, learn: bool) -> tuple[int, int]:
        """Begin a run at tick 0; return how many examples make a batch and how many may be under way at a time."""
        if self._deployed is not None:
            parameters = {index: self._learners[name] for name, index in self.parameter_nodes.items()}
            self._use(self._deployed.start(parameters, roots, self._depth, examples, learn, self.seed))
            batch = self._deployed.deployment.batch(examples)
            return batch, self._deployed.deployment.in_flight(batch)
        world = self._stream.world
        self._ticks += self.time
        world.begin(Trace(self.netlist, {}) if self._depth else None, self._depth == "all")
        self._graph.prepare(roots)
        for parameter in self._learners.values():
            parameter.begin()
        return examples, examples

    def _pass(
        self,
        examples: Sequence[dict[str, Value]],
        output_gradients: OutputGradients | None,
        roots: frozenset[int],
        *,
        learn: bool,
    ) -> None:
        """Send examples through."""
        for example in examples:
            for name, value in example.items():
                if not is_finite(value):
                    self._note_culprit(f"input {name!r} was given {value}")
        try:
            batch, in_flight = self._begin(roots, len(examples), learn)
            self._stream.run(examples, output_gradients, batch=batch, in_flight=in_flight, learn=learn)
        except BaseException:
            self._build()  # so that the next run finds living actors
            raise
        self._tell()

    def compute_outputs(self, inputs: dict[str, Value]) -> dict[str, Value]:
        """Run forward."""
        if self._deployed is None:
            self._pass([inputs], None, frozenset(self.output_nodes.values()), learn=False)
            return self._stream.outputs[0]
        self._cuts, self._began_with = sections(inputs, self._deployed.deployment.microbatches or 1), self.memory
        self._microbatches = cut(inputs, self._cuts)
        parameters: dict[int, Value] = {
            i: self._learners[name].memory.value for name, i in self.parameter_nodes.items()
        }
        outputs = [
            self._deployed.compute(parameters | {i: part[name] for name, i in self.input_nodes.items()})
            for part in self._microbatches
        ]
        self._tell()
        return join(outputs, self._cuts, "output")

    def compute_gradients(self, output_gradients: dict[int, Value]) -> dict[str, Value]:
        """Run backward from the last forward pass."""
        if self._deployed is None:
            try:
                self._graph.prepare(frozenset(output_gradients))
                self._stream.backward(0, output_gradients)
            except BaseException:
                self._build()
                raise
            self._tell()
            return {**self._stream.input_gradients[0], **self._stream.gradients}
        assert self.plan is not None
        names = {index: name for name, index in self.output_nodes.items()}
        parts = cut({names[index]: gradient for index, gradient in output_gradients.items()}, self._cuts)
        given = [{self.output_nodes[name]: gradient for name, gradient in part.items()} for part in parts]
        count, learn = len(self._microbatches), self.plan.update == "async" and self.springs is not None
        now = self.memory
        if not learn:  # they may have been set since the forward pass, which is run once more
            self.set_memory(self._began_with)
        try:
            self._pass(self._microbatches, lambda tag, _: given[tag], frozenset(output_gradients), learn=learn)
        finally:
            if not learn:
                self.set_memory(now)
        inputs = join([self._stream.input_gradients[tag] for tag in range(count)], self._cuts, "the gradient of input")
        found = self._stream.gradients  # of nothing where they moved with each example
        return {
            **inputs,
            **{name: found.get(name, fit(0.0, one.memory.value)) for name, one in self._learners.items()},
        }

    def set_memory(self, memory: Mapping[str, Memory]) -> None:
        """Replace the state of some parameters."""
        for name, entry in memory.items():
            self._learners[name].memory = entry

    def set_rule(self, rule: Rule, springs: Mapping[str, Sequence[Spring]]) -> None:
        """Let parameters be updated by this optimizer from now on, with a fresh state."""
        for name, actor in self._learners.items():
            actor.learn(rule, springs[name])

    def respond(self, gradients: Mapping[str, Value]) -> None:
        """Move every parameter by its optimizer, unless they have moved with each example."""
        if self.plan is not None and self.plan.update == "async":
            return
        for name, actor in self._learners.items():
            actor.respond(gradients[name])

    def _tell(self) -> None:
        """Report the first infinity or nan."""
        if self._culprit is not None:
            culprit, self._culprit = self._culprit, None
            self.report_nonfinite(culprit)

    def _note_culprit(self, sentence: str) -> None:
        if self._culprit is None:
            self._culprit = sentence
