"""The event-driven engine: a circuit as SimPy processes that exchange messages over wires that take time."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

from circuitsim.circuit import Circuit
from circuitsim.engine import Engine
from circuitsim.errors import DeadlockError, InputError
from circuitsim.gates.value import Value, copies, is_finite
from circuitsim.netlist import Netlist
from circuitsim.rules import Memory, Rule, Spring
from circuitsim.simulation.actors import GateActor, Output, Source
from circuitsim.simulation.channel import Channel, World
from circuitsim.simulation.parameter import Parameter
from circuitsim.simulation.run import Run
from circuitsim.simulation.streaming import stream
from circuitsim.trace.records import Trace

__all__ = ["Simulation"]

#: A time in ticks: the same everywhere, or by name, or whatever a function of the name returns each time.
Delay: TypeAlias = float | Mapping[Any, float] | Callable[..., float]


class Simulation(Engine):
    """Runs a circuit as actors in simulated time; the numbers are real.

    Values and gradients do not depend on delays and latencies, only the time that everything takes does.

    Parameters
    ----------
    circuit : Circuit
        What to run.
    gate_delay : float, mapping or callable
        The ticks that a gate takes to fire, forward and again backward: for all gates, by gate name (1 for
        those not named), or a function of the gate's name that is called for each firing.
    wire_latency : float, mapping or callable
        The ticks that a message is under way, in either direction: for all wires, by the name of the wire or
        a pair (source, target), or a function of source and target that is called for each message.
    trace : bool
        Whether to record what happens, from each forward pass to the next. Without a trace nothing can be
        explained or drawn.
    nonfinite : {"warn", "error", "ignore"}
        What to do when a gate makes an infinity or a nan.

    Examples
    --------
    >>> import circuitsim as cs
    >>> simulation = cs.Simulation(cs.parse("(x + y) * z"))
    >>> simulation.run(x=-2, y=5, z=-4).gradients
    {'x': -4.0, 'y': -4.0, 'z': 3.0}
    """

    def __init__(
        self,
        circuit: Circuit,
        *,
        gate_delay: Delay = 1.0,
        wire_latency: Delay = 1.0,
        trace: bool = True,
        nonfinite: Literal["warn", "error", "ignore"] = "warn",
    ) -> None:
        super().__init__(circuit, nonfinite=nonfinite)
        self._delays = _gate_delays(self.netlist, gate_delay)
        self._latencies = _wire_latencies(self.netlist, wire_latency)
        self._tracing = trace
        self._learners: dict[str, Parameter] = {}
        for name, index in self._parameters.items():
            value = self.netlist.nodes[index].value
            assert value is not None  # every parameter has one
            self._learners[name] = Parameter(name, value)
        self._tag = -1
        self._build()

    def run(self, values: Mapping[str, Any] | None = None, /, *, pull: Any = 1.0, **inputs: Any) -> Run:
        """Send values forward, pull on the outputs, and return everything that came of it.

        Parameters
        ----------
        values : mapping, optional
            Values for inputs whose names are no Python names; the others may be given by keyword.
        pull : number, array_like or mapping
            As for `backward`.
        **inputs : number or array_like
            A value for every input.

        Returns
        -------
        Run
        """
        start, sent = self.environment.now, self.messages
        outputs = self.forward({**(values or {}), **inputs})
        gradients = self.backward(pull)
        return Run(
            name=self.netlist.name,
            outputs=outputs,
            gradients=gradients,
            time=float(self.environment.now - start),
            messages=self.messages - sent,
            trace=self.trace,
        )

    stream = stream

    @property
    def parameters(self) -> dict[str, Value]:
        """The parameters' present values by name; a copy."""
        return copies({name: actor.memory.value for name, actor in self._learners.items()})

    @property
    def memory(self) -> dict[str, Memory]:
        """What every parameter remembers: value, state of its rule, count of its responses; a copy."""
        return {name: actor.memory.copy() for name, actor in self._learners.items()}

    @property
    def trace(self) -> Trace | None:
        """The records since the last forward pass began, if they are kept."""
        return self.environment.trace

    @property
    def messages(self) -> int:
        """How many messages were sent since the simulation was made, or since it last failed."""
        return self.environment.sent

    # -- building ------------------------------------------------------------------------------------------

    def _build(self) -> None:
        """Make the actors and join them by channels."""
        netlist = self.netlist
        self.environment = World(Trace(netlist, {}) if self._tracing else None)
        self._culprit: str | None = None
        self._actors: list[GateActor | Source | Output] = [self._actor(index) for index in range(len(netlist.nodes))]
        self._gates = [actor for actor in self._actors if isinstance(actor, GateActor)]
        self._join()
        self._resident = self._split_resident()
        self._plan(self._pulled)
        self._unsent = {index for index, _ in self._resident_values()}  # what the sticky ports have yet to hear

    def _join(self) -> None:
        """Make the channels and give every actor its own."""
        netlist, actors = self.netlist, self._actors
        self._channels = [
            Channel(
                self.environment,
                number,
                actors[source],
                number - netlist.outgoing[source].start,
                actors[target],
                port,
                self._latencies[number],
            )
            for number, (source, target, port) in enumerate(netlist.wires)
        ]
        for index, actor in enumerate(actors):
            if not isinstance(actor, Source):
                actor.incoming = tuple(self._channels[number] for number in netlist.incoming[index])
            if not isinstance(actor, Output):
                wires = netlist.outgoing[index]
                actor.outgoing = tuple(self._channels[wires.start : wires.stop])

    def _actor(self, index: int) -> GateActor | Source | Output:
        node = self.netlist.nodes[index]
        if node.kind == "output":
            return Output(node.name)
        if node.kind == "parameter":
            return self._learners[node.name]
        if node.gate is None:
            return Source(node.name)
        return GateActor(
            self.environment,
            index,
            node.name,
            node.gate,
            node.attributes,
            self._sticky_ports(index),
            self._delays[index],
            self._note_culprit,
        )

    def _sticky_ports(self, index: int) -> tuple[int, ...]:
        """Return the ports fed by parameters or constants, unless all are: then each example needs fresh tokens."""
        wires, nodes = self.netlist.wires, self.netlist.nodes
        sources = [nodes[wires[wire].source].kind for wire in self.netlist.incoming[index]]
        sticky = tuple(port for port, kind in enumerate(sources) if kind in ("parameter", "constant"))
        return () if len(sticky) == len(sources) else sticky

    def _split_resident(self) -> dict[int, tuple[list[Channel], list[Channel]]]:
        """Return for each parameter and constant the channels to sticky ports and those to other ports."""
        split = {}
        for index in self.netlist.of_kind("parameter", "constant").values():
            sticky: list[Channel] = []
            fresh: list[Channel] = []
            for channel in self._actors[index].outgoing:  # type: ignore[union-attr]
                target = self._actors[self.netlist.wires[channel.index].target]
                held = isinstance(target, GateActor) and channel.port in target.sticky
                (sticky if held else fresh).append(channel)
            split[index] = (sticky, fresh)
        return split

    def _resident_values(self) -> list[tuple[int, Value]]:
        """Return the present values of parameters and constants by node."""
        pairs = [(index, self._learners[name].memory.value) for name, index in self._parameters.items()]
        constants = self.netlist.of_kind("constant").values()
        return pairs + [(index, value) for index in constants if (value := self.netlist.nodes[index].value) is not None]

    def _plan(self, pulled: frozenset[int]) -> None:
        """Tell every actor how many gradients to await and where to send them when these outputs are pulled."""
        self._pulled = pulled
        self._felt = felt = self.netlist.felt(pulled)
        for index, actor in enumerate(self._actors):
            if isinstance(actor, Output):
                continue
            actor.awaited = sum(felt[wire] for wire in self.netlist.outgoing[index])
            if isinstance(actor, GateActor):
                wires = self.netlist.incoming[index]
                actor.returning = tuple(port for port, wire in enumerate(wires) if felt[wire])

    def _new_trace(self) -> None:
        """Begin a trace of its own for each example, so that a long training does not fill the memory."""
        if self._tracing:
            held = {index: value for index, value in self._resident_values() if index not in self._unsent}
            self.environment.trace = Trace(self.netlist, held)

    # -- running -------------------------------------------------------------------------------------------

    def _forward(self, inputs: dict[str, Value]) -> dict[str, Value]:
        self._tag += 1
        self._new_trace()
        tokens = self.environment.tokens
        tokens.clear()  # an example that was never pulled is forgotten
        tokens[self._tag] = [None] * len(self._actors)
        for name, value in inputs.items():
            if not is_finite(value):
                self._note_culprit(f"input {name!r} was given {value}")
        for name, index in self._inputs.items():
            self._source(index).send(self._tag, inputs[name])
        for index, value in self._resident_values():
            sticky, fresh = self._resident[index]
            self._source(index).send(self._tag, value, sticky + fresh if index in self._unsent else fresh)
        self._unsent.clear()
        self._input_values = inputs
        self._advance()
        outputs = {}
        for name, index in self._outputs.items():
            actor = self._actors[index]
            assert isinstance(actor, Output)
            if self._tag not in actor.values:
                raise self._deadlock("forward")
            outputs[name] = actor.values.pop(self._tag)
        return outputs

    def _backward(self, pulls: dict[int, Value]) -> dict[str, Value]:
        if pulls.keys() != self._pulled:
            self._plan(frozenset(pulls))
        learners = {**self._inputs, **self._parameters}
        for index in learners.values():
            self._source(index).await_gradients()
        for index, force in pulls.items():
            actor = self._actors[index]
            assert isinstance(actor, Output)
            if self._felt[self.netlist.incoming[index][0]]:
                actor.pull(self._tag, force)
        self._advance()
        if any(self._source(index).pending for index in learners.values()):
            raise self._deadlock("backward")
        self.environment.tokens.clear()
        values = {**self._input_values, **self.parameters}
        return copies({name: self._source(index).gradient(values[name]) for name, index in learners.items()})

    def _set_memory(self, memory: Mapping[str, Memory]) -> None:
        for name, entry in memory.items():
            self._learners[name].memory = entry
            self._unsent.add(self._parameters[name])

    def _learn(self, rule: Rule, springs: Mapping[str, Sequence[Spring]]) -> None:
        for name, actor in self._learners.items():
            actor.learn(rule, springs[name])

    def _update(self) -> None:
        for actor in self._learners.values():
            actor.respond()
        self._unsent.update(self._parameters.values())

    def _advance(self) -> None:
        """Let the simulation run dry; after a failure start afresh, so that the next run finds living actors."""
        try:
            self.environment.run()
            self.environment.spare.clear()  # they hold on to what they last carried
            if self._culprit is not None:
                culprit, self._culprit = self._culprit, None
                self._report_nonfinite(culprit)
        except BaseException as error:
            failure = self.environment.failure or error
            self._build()
        else:
            return
        raise failure  # out of the handling of the copy that SimPy made, which would be told as well

    def _note_culprit(self, sentence: str) -> None:
        if self._culprit is None:
            self._culprit = sentence

    def _source(self, index: int) -> Source:
        actor = self._actors[index]
        assert isinstance(actor, Source)
        return actor

    def _deadlock(self, direction: str) -> DeadlockError:
        """Return the error that names who waits, for which tag, on which ports; then start afresh."""
        waiting = []
        for tag, tokens in self.environment.tokens.items():
            for gate in self._gates:
                token, ports = tokens[gate.index], gate.gate.ports
                if token is None:
                    continue
                if direction == "forward" and (token.missing or gate.unheld):
                    open_ports = [p for p in range(len(ports)) if token.values[p] is None and p not in gate.held]
                    waiting.append(f"{gate.name!r} for tag {tag} on {', '.join(ports[p] for p in open_ports)}")
                elif direction == "backward" and gate.awaited and (token.awaited or token.gradients is None):
                    waiting.append(f"{gate.name!r} for tag {tag} on gradients")
        self._build()
        return DeadlockError(
            f"circuit {self.netlist.name!r} ran dry on its way {direction} at tick {self.environment.now:g}; "
            f"these gates wait: {'; '.join(waiting) or 'none, a message to an end of the circuit was lost'}"
        )


def _gate_delays(netlist: Netlist, delay: Delay) -> list[Any]:
    """Return for each node a number, or a function without arguments that returns one."""
    names = netlist.of_kind("gate")
    if isinstance(delay, Mapping):
        if unknown := [name for name in delay if name not in names]:
            raise InputError(f"gate_delay names {unknown[0]!r}, but circuit {netlist.name!r} has no such gate")
        return [_ticks(delay.get(node.name, 1.0), f"gate {node.name!r}") for node in netlist.nodes]
    if callable(delay):
        return [partial(_called, delay, (node.name,), f"gate {node.name!r}") for node in netlist.nodes]
    return [_ticks(delay, "gate_delay")] * len(netlist.nodes)


def _wire_latencies(netlist: Netlist, latency: Delay) -> list[Any]:
    """Return for each wire a number, or a function without arguments that returns one."""
    nodes = netlist.nodes
    ends = [(nodes[wire.source].name, nodes[wire.target].name) for wire in netlist.wires]
    if isinstance(latency, Mapping):
        known = {source for source, _ in ends} | set(ends)
        if unknown := [key for key in latency if key not in known]:
            raise InputError(
                f"wire_latency names {unknown[0]!r}, but circuit {netlist.name!r} has no such wire: "
                "use the name of a wire or a pair (source, target)"
            )
        return [_ticks(latency.get(pair, latency.get(pair[0], 1.0)), f"wire {pair[0]!r}") for pair in ends]
    if callable(latency):
        return [partial(_called, latency, pair, f"the wire from {pair[0]!r} to {pair[1]!r}") for pair in ends]
    return [_ticks(latency, "wire_latency")] * len(ends)


def _called(function: Callable[..., float], arguments: tuple[Any, ...], where: str) -> float:
    return _ticks(function(*arguments), where)


def _ticks(time: Any, where: str) -> float:
    try:
        ticks = float(time)
    except (TypeError, ValueError):
        ticks = -1.0
    if not 0.0 <= ticks < float("inf"):
        raise InputError(f"the time of {where} is {time!r}: give ticks, a finite number not below 0")
    return ticks
