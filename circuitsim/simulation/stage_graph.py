"""A circuit as stages on devices: what runs where there is a plan."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from simpy.core import EmptySchedule

from circuitsim.circuit.netlist import Netlist
from circuitsim.gates.value import Value
from circuitsim.plan.deployment import Deployment
from circuitsim.plan.policy import Policy
from circuitsim.plan.schedule import TRANSFERS, Work
from circuitsim.plan.times import draw
from circuitsim.simulation.actors import Output, Source, ignore
from circuitsim.simulation.device import Agenda, Device, Lane, Piece
from circuitsim.simulation.kernel import Channel, World
from circuitsim.simulation.links import Line
from circuitsim.simulation.machine import Machine
from circuitsim.simulation.parameter import Home, LocalParameter, Parameter, ServerEnd
from circuitsim.simulation.rendezvous import Rendezvous
from circuitsim.simulation.stage import Resident, StageActor
from circuitsim.simulation.stage_plan import StagePlan
from circuitsim.simulation.stream import Stream
from circuitsim.simulation.transport import HOST, Transport
from circuitsim.trace.kinds import ANSWER, Kind

__all__ = ["StageGraph"]

KINDS = {kind.name: kind for kind in (Kind.F, Kind.I, Kind.W, Kind.B)}


class StageGraph:
    """Stages, devices, links and parameters of one run.

    Parameters
    ----------
    netlist : Netlist
        The circuit.
    world : World
        The clock.
    deployment : Deployment
        Which device does what, and what it takes.
    plans : sequence of StagePlan
        What each stage does.
    parameters : mapping of int to Parameter
        The parameters, by node.
    carries : sequence of bool
        Which wires carry a gradient.
    stream : Stream
        The run.
    asynchronous : bool
        Whether parameters move with the gradient of each example.
    batch : int
        How many examples make a batch.
    sizes : mapping of int to float
        The bytes of a message, by wire, where they are declared.
    seed : int
        Seeds random times and faults.
    """

    def __init__(
        self,
        netlist: Netlist,
        world: World,
        deployment: Deployment,
        plans: Sequence[StagePlan],
        parameters: Mapping[int, Parameter],
        carries: Sequence[bool],
        stream: Stream,
        *,
        asynchronous: bool,
        batch: int,
        sizes: Mapping[int, float],
        seed: int,
    ) -> None:
        self.netlist = netlist
        self.world = world
        self.deployment = deployment
        self.plans = plans
        self.parameters = parameters
        self.stream = stream
        self.asynchronous = asynchronous
        self.random = np.random.default_rng(seed)
        self._ticks: dict[str, list[Any]] = {  # added up where they are always the same
            kind: [sum(parts, 0.0) if all(isinstance(part, float) for part in parts) else parts for parts in stages]  # type: ignore
            for kind, stages in deployment.ticks.items()
        }
        self._kept = deployment.kept
        self.version = 0  # of the parameters, where they move after each batch
        self._carries = carries
        self._replicas = range(deployment.plan.replicas or 1)
        self._load = [0 for _ in self._replicas]  # examples under way
        self._replica: dict[int, int] = {}  # of each example
        gates, stages = netlist.of_kind("gate"), deployment.placement.stages
        self._stage_of = {gates[name]: number for number, names in enumerate(stages) for name in names}
        order = deployment.order(deployment.share(batch, 0))
        self._meeting = Rendezvous(world) if order is not None and order.blocking else None

        self.machines = [self._machine(number) for number in range(len(deployment.devices))]
        fixed = order is not None and deployment.cluster.slots == 1 and not asynchronous
        self.transport = Transport(world, deployment, self.machines, sizes, self.random, fixed=fixed, seed=seed)
        self._hosted: dict[tuple[int, int], Resident] = {}  # parameters that outputs show, by replica and node
        self._reading = [[self._entry(node, plan.number) for node in plan.parameters] for plan in plans]
        self._first_user = {node: plan.number for plan in reversed(plans) for node in plan.parameters}
        self._locals: dict[tuple[int, int], LocalParameter] = {}  # by replica and node
        self._settle_parameters()
        self.stages = [[self._stage(plan, replica) for plan in plans] for replica in self._replicas]
        self.inputs = [self._sources("input") for _ in self._replicas]
        self.constants = [self._sources("constant") for _ in self._replicas]
        self.outputs = [
            {node: Output(name, stream.shown) for name, node in netlist.of_kind("output").items()}
            for _ in self._replicas
        ]
        self._shown: list[list[tuple[Channel, Resident]]] = [[] for _ in self._replicas]
        for replica in self._replicas:
            self._join(replica)
        self._starters = [[stage for stage in row if not stage.plan.entering] for row in self.stages]
        self._homes = [machine for machine in self.machines if machine.home is not None]
        self._unsettled = 0
        self._gradients: dict[str, Value] = {}
        self.due = len(plans) + (self._answers() if asynchronous else 0)
        self.transport.start()

    # -- building ------------------------------------------------------------------------------------------

    def _machine(self, number: int) -> Machine:
        """Return a device with its policy: transfers that go beside the work have one of their own."""
        stages: dict[int, StageActor] = {}
        lanes: list[Lane] = [self.deployment.policy()]
        if self.deployment.make is not None:
            lanes = [Agenda(stages, self._meeting) for _ in range(1 + self.deployment.plan.overlap)]
        slots = self.deployment.cluster.slots
        return Machine(Device(self.world, number, lanes, slots, self._begin, self._end), stages)

    def _settle_parameters(self) -> None:
        """Give every parameter a home: the device that uses it first, or the server."""
        placement, plan, server = self.deployment.placement, self.deployment.plan, self.deployment.server
        carries = self._carries
        for node, parameter in self.parameters.items():
            near = placement.homes[self._first_user.get(node, 0)]
            device = near if server is None else server
            machine = self.machines[device]
            if machine.home is None:
                machine.home = Home(
                    self.world,
                    self.asynchronous,
                    self._replica.__getitem__,
                    self.transport.report(device, self.stream.completed),
                    self.transport.report(device, self._settled),
                )
                if self.transport.saves:
                    machine.home.unsaved = []
            machine.home.parameters.append(parameter)
            parameter.join(machine.home.complete, device)
            parameter.awaited = sum(carries[wire] for wire in self.netlist.outgoing[node])
            parameter.sends = [[] for _ in self._replicas]
            if self.asynchronous and plan.local_steps > 1:
                for replica in self._replicas:
                    self._locals[replica, node] = self._local(parameter, replica, machine.home, near)

    def _local(self, parameter: Parameter, replica: int, home: Home, near: int) -> LocalParameter:
        """Return a worker's own copy of a parameter, on the device that uses it first."""
        device = replica * self.deployment.each + near
        steps, complete = self.deployment.plan.local_steps, self.transport.report(device, self.stream.completed)
        local = LocalParameter(parameter, steps, device, self.world, complete, self._nothing_waits)
        self.machines[device].locals.append(local)
        local.awaited = parameter.awaited
        wire = next(iter(self.netlist.outgoing[parameter.node]), 0)
        there = self.transport.road(parameter.device, device, Kind.VALUE, 8 * replica + ANSWER)
        back = self.transport.road(device, parameter.device, Kind.CHANGE, 0)
        local.upstream = Channel(self.world, wire, ServerEnd(home, parameter), 0, local, 0, there, back)
        parameter.sends[replica].append(local.upstream)
        return local

    def _stage(self, plan: StagePlan, replica: int) -> StageActor:
        device = replica * self.deployment.each + self.deployment.placement.homes[plan.number]
        machine = self.machines[device]
        residents = []
        for node in plan.parameters:
            if node not in machine.residents:
                machine.residents[node] = self._resident(node, device)
            residents.append(machine.residents[node])
        done = self.transport.report(device, self.stream.completed)
        stage = machine.stages[plan.number] = StageActor(plan, replica, machine.device, residents, done)
        return stage

    def _resident(self, node: int, device: int) -> Resident:
        """Return a device's copy of a parameter, or the host's."""
        answer = self.transport.report(device, self.stream.completed) if self.asynchronous else ignore
        return Resident(self.parameters[node].memory.value, self.deployment.plan.versions, answer)

    def _entry(self, node: int, stage: int) -> int:
        """Return the first wire that leads from a parameter into a stage."""
        wires = self.netlist.wires
        return next(wire for wire in self.netlist.outgoing[node] if self._stage_of.get(wires[wire].target) == stage)

    def _sources(self, kind: str) -> dict[int, Source]:
        carries = self._carries
        sources = {node: Source(name) for name, node in self.netlist.of_kind(kind).items()}
        for node, source in sources.items():
            source.awaited = sum(carries[wire] for wire in self.netlist.outgoing[node])
        return sources

    def _join(self, replica: int) -> None:
        """Make the channels of one replica."""
        outgoing: dict[int, list[Channel]] = {}
        for wire, (source, target, _) in enumerate(self.netlist.wires):
            kind, sink = self.netlist.nodes[source].kind, self._stage_of.get(target)
            if sink is not None and (kind == "constant" or self._stage_of.get(source) == sink):
                continue  # within a stage
            make = self._channel_of_parameter if kind == "parameter" else self._channel
            channel = make(replica, wire, source, target, sink)
            outgoing.setdefault(source, []).append(channel)
            if sink is None:
                self.outputs[replica][target].incoming = (channel,)
            else:
                self.stages[replica][sink].incoming[wire] = channel
        actors = (
            self.inputs[replica]
            | self.constants[replica]
            | {n: self._parameter_for(replica, n) for n in self.parameters}
        )
        for node, actor in actors.items():
            actor.outgoing = tuple(outgoing.get(node, ()))

    def _parameter_for(self, replica: int, node: int) -> Parameter:
        """Return the parameter that the stages of a replica talk to."""
        return self._locals.get((replica, node), self.parameters[node])

    def _channel(self, replica: int, wire: int, source: int, target: int, sink: int | None) -> Channel:
        """Return the channel of a wire from an input, a constant or a gate."""
        stage = self._stage_of.get(source)
        at, to = self._device_of(replica, stage), self._device_of(replica, sink)
        start: Any = self.inputs[replica].get(source) or self.constants[replica].get(source)
        place = wire - self.netlist.outgoing[source].start
        if stage is not None:
            start = self.stages[replica][stage]
            place = len(start.outlets)
        end, port = self._target(replica, wire, target, sink)
        there, back = self.transport.way(at, to), self.transport.way(to, at)
        if (
            self._meeting is not None
            and isinstance(there, Line)
            and isinstance(back, Line)
            and stage is not None
            and sink is not None
            and abs(stage - sink) == 1  # written-out transfers are between neighbours
        ):
            there, back = self._meeting.road(there, stage), self._meeting.road(back, sink)
        channel = Channel(self.world, wire, start, place, end, port, there, back)
        if stage is not None:
            slot, gradient, to_data = start.plan.leaving[wire]
            start.outlets.append((channel, slot))
            start.back.append((gradient, to_data))
        return channel

    def _target(self, replica: int, wire: int, target: int, sink: int | None) -> tuple[Any, int]:
        """Return where the values of a wire go, and the port."""
        if sink is None:
            return self.outputs[replica][target], 0
        stage = self.stages[replica][sink]
        stage.into.append(stage.plan.entering[wire])
        return stage, len(stage.into) - 1

    def _channel_of_parameter(self, replica: int, wire: int, source: int, target: int, sink: int | None) -> Channel:
        """Return the channel of a wire from a parameter.

        Values go to the copy on the device, once for all wires that lead there; outputs are shown what the host has.
        """
        parameter, to = self._parameter_for(replica, source), self._device_of(replica, sink)
        there = self.transport.road(parameter.device, to, Kind.VALUE, 8 * replica)
        back = self.transport.way(to, parameter.device)
        place = wire - self.netlist.outgoing[source].start
        if sink is not None:
            resident = self.machines[to].residents[source]
        else:
            resident = self._hosted.setdefault((replica, source), self._resident(source, HOST))
        feeding = Channel(self.world, wire, parameter, place, resident, 0, there, back)
        sends = parameter.sends[0 if isinstance(parameter, LocalParameter) else replica]
        if all(channel.target is not resident for channel in sends):
            sends.append(feeding)
        if sink is not None:
            return feeding
        showing = Channel(self.world, wire, parameter, place, self.outputs[replica][target], 0, None, back)
        self._shown[replica].append((showing, resident))
        return showing

    def _device_of(self, replica: int, stage: int | None) -> int:
        """Return the device of a stage; inputs and outputs are with the host."""
        if stage is None:
            return HOST
        return replica * self.deployment.each + self.deployment.placement.homes[stage]

    def _answers(self) -> int:
        """Return how many moves of parameters and answers belong to an example."""
        moved = [node for node, parameter in self.parameters.items() if parameter.awaited]
        first = self.machines[: self.deployment.each]
        copies = sum(node in moved for machine in first for node in machine.residents)
        return len(moved) + copies + sum(node in moved for replica, node in self._hosted if replica == 0)

    # -- the run -------------------------------------------------------------------------------------------

    def start(self, first: int, size: int) -> None:
        """Begin a batch: devices get their rows."""
        deployment, step = self.deployment, len(self._replicas)
        for device, machine in enumerate(self.machines):
            replica, number = divmod(device, deployment.each)
            share = deployment.share(size, replica) if device != deployment.server else 0
            order = deployment.order(share) if share else None
            rows = () if order is None else self._parts(order.rows[number])
            self.transport.tell(device, machine.start, rows, first + replica, step, self.version)

    def _parts(self, row: Sequence[Work]) -> list[Sequence[Work]]:
        """Part a row into what is done one after the other: transfers apart from work if they overlap."""
        if not self.deployment.plan.overlap:
            return [row]
        return [[work for work in row if (work.kind in TRANSFERS) == apart] for apart in (False, True)]

    def admit(self, tag: int, inputs: Mapping[str, Value]) -> None:
        """Let an example in, through the replica that has least to do."""
        replica = self._load.index(min(self._load))
        self._load[replica] += 1
        self._replica[tag] = replica
        for stage in self._starters[replica]:
            self.transport.tell(self._device_of(replica, stage.number), stage.admit, tag)
        for source in self.inputs[replica].values():
            source.send(tag, inputs[source.name])
        for node, source in self.constants[replica].items():
            source.send(tag, self.netlist.nodes[node].value)  # type: ignore[arg-type]
        for channel, resident in self._shown[replica]:
            channel.send(tag, resident.value, resident.version)

    def go(self) -> None:
        """Let every device begin."""
        for device, machine in enumerate(self.machines):
            self.transport.tell(device, machine.device.go)

    def send_back(self, tag: int, gradients: Mapping[int, Value]) -> None:
        """Put gradients on outputs, by node."""
        outputs, carries = self.outputs[self._replica[tag]], self._carries
        for node, gradient in gradients.items():
            if carries[self.netlist.incoming[node][0]]:
                outputs[node].send_back(tag, gradient)

    def done(self, tag: int) -> dict[str, Value | None]:
        """Let an example go, and return what came back to the inputs."""
        replica = self._replica.pop(tag)
        self._load[replica] -= 1
        return {source.name: source.gradient(tag) for source in self.inputs[replica].values()}

    def settle(self, first: int, size: int, learn: bool) -> None:
        """End a batch: once its gradients are complete, parameters move if they are to."""
        if self.asynchronous or not self._homes:
            self.transport.at_rest(partial(self.stream.settled, {}))
        else:
            self.transport.at_rest(partial(self._settle_homes, first, size, learn))

    def _settle_homes(self, first: int, size: int, learn: bool) -> None:
        self._unsettled, self._gradients = len(self._homes), {}
        self.version += learn
        for machine in self._homes:
            assert machine.home is not None
            self.transport.tell(machine.device.number, machine.home.settle, first, size, learn)

    def _settled(self, gradients: dict[str, Value]) -> None:
        """Take note that the parameters of one device have moved."""
        self._gradients |= gradients
        self._unsettled -= 1
        if not self._unsettled:
            names = [parameter.name for parameter in self.parameters.values()]
            self.transport.at_rest(partial(self.stream.settled, {name: self._gradients[name] for name in names}))

    def work(self) -> None:
        """Let time pass until the batch is over."""
        step, stream = self.world.step, self.stream
        try:
            while not stream.over:
                step()
        except EmptySchedule:
            return

    def stuck(self) -> str:
        """Tell who waits for what."""
        told = []
        for machine in self.machines:
            device = machine.device
            name = self.deployment.devices[device.number]
            told += [
                f"{name} does {Work(piece.kind, piece.stage, piece.tag)} and waits for the other side"
                for piece in device.running
                if piece.kind in TRANSFERS
            ]
            for lane in device.lanes:
                if device.running:
                    continue
                if isinstance(lane, Agenda) and lane.awaited is not None:
                    told.append(f"{name} waits to do {lane.awaited}")
                elif isinstance(lane, Policy) and lane.ready:
                    told.append(f"{name} could do {lane.ready[0]}, but its policy {type(lane).__name__} waits")
        return "; ".join(told) or "no device has anything to do"

    def _nothing_waits(self) -> bool:
        """Tell whether there may be no more examples for a worker."""
        return len(self.stream.waiting) < len(self._load)

    # -- work ----------------------------------------------------------------------------------------------

    def _begin(self, piece: Piece) -> float | None:
        """Begin a piece of work and return the ticks it takes; a transfer takes until both sides are there."""
        kind, number, device = piece.kind, piece.stage, piece.device.number
        if kind in TRANSFERS:
            assert self._meeting is not None
            self._meeting.come(piece)
            return None
        read = self.machines[device].stages[number].begin(kind, piece.tag)
        if self.asynchronous and self.world.record is not None:
            now = self.world.now
            for wire, (version, value) in zip(self._reading[number], read, strict=False):
                self.world.record(Kind.READ, wire, piece.tag, now, now, value, version, KINDS[kind])
        ticks = self._ticks[kind][number]
        if ticks.__class__ is not float:
            drawn = 0.0
            for part in ticks:
                drawn += draw(part, self.random, "the time of a piece of work")
            ticks = drawn
        return ticks * self.deployment.slowdown[device]

    def _end(self, piece: Piece) -> None:
        """End a piece of work."""
        kind, number, tag = piece.kind, piece.stage, piece.tag
        if kind in TRANSFERS:
            return
        trace, machine = self.world.trace, self.machines[piece.device.number]
        stage = machine.stages[number]
        if kind == "F":
            stage.forward(tag)
        if trace is not None:  # before what it sends: causes come before effects
            kept = 0.0
            if kind == "F":
                kept = stage.kept(tag) if self._kept is None else self._kept[number]
            trace.record(KINDS[kind], number, tag, piece.start, self.world.now, kept, 0, stage.replica)
        stage.end(kind, tag)
        if self._meeting is not None:
            self._meeting.done(kind, number, tag)
        self.transport.worked(piece.device.number)
