"""A circuit as actors, each gate a process of its own: what runs where there are no devices."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from circuitsim.circuit.netlist import Netlist
from circuitsim.gates.firing import Firing
from circuitsim.gates.value import Value
from circuitsim.simulation.actors import GateActor, Output, Source
from circuitsim.simulation.kernel import Channel, Road, World
from circuitsim.simulation.parameter import Parameter
from circuitsim.simulation.stream import Stream
from circuitsim.trace.kinds import GRADIENT, VALUE, Kind

__all__ = ["GateGraph"]


class GateGraph:
    """Gates, sources and outputs, joined by channels.

    Parameters
    ----------
    netlist : Netlist
        The circuit.
    world : World
        The clock.
    delays : sequence of float or callable
        For each node the ticks that a firing takes.
    latencies : sequence of float or callable
        For each wire the ticks that a message is under way.
    parameters : mapping of int to Parameter
        The parameters, by node.
    stream : Stream
        Who is told of outputs and of complete gradients.
    on_nonfinite : callable
        Called with a sentence when a gate makes an infinity or a nan.
    """

    def __init__(
        self,
        netlist: Netlist,
        world: World,
        delays: Sequence[Any],
        latencies: Sequence[Any],
        parameters: Mapping[int, Parameter],
        stream: Stream,
        on_nonfinite: Callable[[str], None],
    ) -> None:
        self.netlist = netlist
        self.world = world
        self.stream = stream
        self.sources: dict[str, Source] = {}
        self.outputs: dict[int, Output] = {}
        self.gates: list[GateActor] = []
        actors: list[Any] = []
        sticky = _sticky_ports(netlist)
        for index, (name, kind, gate, attributes, _) in enumerate(netlist.nodes):
            actor: Any
            if gate is not None:
                firing = Firing(name, gate, attributes, on_nonfinite)
                actor = GateActor(world, index, firing, sticky.get(index, ()), delays[index])
                self.gates.append(actor)
            elif kind == "output":
                actor = self.outputs[index] = Output(name, stream.shown)
            else:
                actor = self.sources[name] = parameters[index] if kind == "parameter" else Source(name, stream.complete)
            actors.append(actor)
        ways = [latency if latency.__class__ is float else _asking(world, latency) for latency in latencies]
        begins = [wires.start for wires in netlist.outgoing]
        channels = [
            Channel(world, number, actors[source], number - begins[source], actors[target], port, way, way)
            for number, ((source, target, port), way) in enumerate(zip(netlist.wires, ways, strict=True))
        ]
        for actor, entering, leaving in zip(actors, netlist.incoming, netlist.outgoing, strict=True):
            if entering:
                actor.incoming = [channels[number] for number in entering]
            if leaving:
                actor.outgoing = channels[leaving.start : leaving.stop]
        self._actors = actors
        self._parameters = list(parameters.values())
        self._inputs = [(name, self.sources[name]) for name in netlist.of_kind("input")]
        self._sticky = [gate for gate in self.gates if gate.sticky]
        # What comes from parameters and constants stays where it is, or goes with each example.
        self._resident: list[tuple[Source, Value | None, list[Channel], list[Channel]]] = []
        for index in netlist.of_kind("parameter", "constant").values():
            held: list[Channel] = []
            fresh: list[Channel] = []
            for channel in actors[index].outgoing:
                (held if channel.port in getattr(channel.target, "sticky", ()) else fresh).append(channel)
            self._resident.append((actors[index], netlist.nodes[index].value, held, fresh))
        self._roots: frozenset[int] | None = None
        self.carries: list[bool] = []
        self.due = 0  # what has to come back for each example

    def prepare(self, roots: frozenset[int]) -> None:
        """Tell every actor how many gradients to await, and where to send them, if these outputs have one."""
        if roots == self._roots:
            return
        self._roots = roots
        self.carries = carries = self.netlist.carries_gradient(roots)
        incoming, outgoing = self.netlist.incoming, self.netlist.outgoing
        for index, actor in enumerate(self._actors):
            if actor.__class__ is not Output:
                wires = outgoing[index]
                actor.awaited = carries[wires.start : wires.stop].count(True)
        for gate in self.gates:
            gate.returning = [port for port, wire in enumerate(incoming[gate.index]) if carries[wire]]
        self.due = sum(source.awaited > 0 for source in self.sources.values())

    def start(self, first: int, size: int) -> None:
        """Begin a batch: parameters and constants are sent to where they stay, and gates wait for them."""
        for gate in self._sticky:
            gate.held.clear()
            gate.unheld = len(gate.sticky)
        for source, value, held, _ in self._resident:
            if isinstance(source, Parameter):
                for channel in held:
                    channel.send(first, source.memory.value, source.version)
            else:
                for channel in held:
                    channel.send(first, value)  # type: ignore[arg-type]

    def admit(self, tag: int, inputs: Mapping[str, Value]) -> None:
        """Send the inputs of an example, and what goes with each."""
        self.world.tokens[tag] = [None] * len(self._actors)
        for name, source in self._inputs:
            source.send(tag, inputs[name])
        for source, value, _, fresh in self._resident:
            if not fresh:
                continue
            version = 0
            if isinstance(source, Parameter):
                value, version = source.memory.value, source.version
            for channel in fresh:
                channel.send(tag, value, version)  # type: ignore[arg-type]

    def send_back(self, tag: int, gradients: Mapping[int, Value]) -> None:
        """Put gradients on outputs, by node."""
        for index, gradient in gradients.items():
            if self.carries[self.netlist.incoming[index][0]]:
                self.outputs[index].send_back(tag, gradient)

    def go(self) -> None:
        """Do nothing: gates work by themselves."""

    def done(self, tag: int) -> dict[str, Value | None]:
        """Return what came back to the inputs."""
        return {name: source.gradient(tag) for name, source in self._inputs}

    def settle(self, first: int, size: int, learn: bool) -> None:
        """Add up what came back to each parameter, and let it move if it is to."""
        gradients = {}
        for parameter in self._parameters:
            parameter.add()
            gradients[parameter.name], _ = parameter.end_batch(size)
            if learn:
                parameter.respond(gradients[parameter.name])
                if self.world.trace is not None:
                    now, version = self.world.now, parameter.version
                    value = parameter.memory.value
                    self.world.trace.record(Kind.UPDATE, parameter.node, first + size - 1, now, now, value, version)
        self.stream.settled(gradients)

    def work(self) -> None:
        """Let time pass until nothing happens any more: gates that lead to no output finish as well."""
        self.world.run()
        self.world.spare.clear()  # they hold on to what they last carried
        if not self.stream.under_way:
            self.world.tokens.clear()

    def stuck(self) -> str:
        """Tell which gates wait, for which tag and on what."""
        told = []
        for tag, tokens in self.world.tokens.items():
            for gate in self.gates:
                token, name, ports = tokens[gate.index], gate.firing.name, gate.firing.gate.ports
                if token is None:
                    continue
                if token.output is None:
                    gaps = [p for p in range(len(ports)) if token.values[p] is None and p not in gate.held]
                    told.append(f"{name!r} for tag {tag} on {', '.join(ports[p] for p in gaps)}")
                elif gate.awaited and (token.gradients is None or token.awaited):
                    told.append(f"{name!r} for tag {tag} on gradients")
        return f"these gates wait: {'; '.join(told) or 'none, a message to an end of the circuit was lost'}"


def _sticky_ports(netlist: Netlist) -> dict[int, tuple[int, ...]]:
    """Return by gate the ports fed by parameters or constants, unless all are: then each example needs fresh tokens."""
    found: dict[int, list[int]] = {}
    for index in netlist.of_kind("parameter", "constant").values():
        for wire in netlist.outgoing[index]:
            _, target, port = netlist.wires[wire]
            found.setdefault(target, []).append(port)
    return {
        target: tuple(sorted(ports)) for target, ports in found.items() if len(ports) < len(netlist.incoming[target])
    }


def _asking(world: World, latency: Callable[[], float]) -> Road:
    """Return the road of a wire whose latency is asked for each message."""

    def road(channel: Channel, forward: bool, tag: int, payload: Value, version: int) -> float:
        now = world.now
        end = now + latency()
        if world.record is not None:
            world.record(VALUE if forward else GRADIENT, channel.index, tag, now, end, payload, version)
        return end

    return road
