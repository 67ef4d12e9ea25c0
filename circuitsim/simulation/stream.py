"""A stream: many examples under way at the same time, through stages on devices that exchange messages.

The life of a stream: examples are admitted, a batch at a time and within a batch as many as the window or the schedule
allows; every stage does its pieces of work on its device; an example is done when all its gradients are where they
belong. Parameters move at the end of each batch, which waits for all of it, or with each example's gradient as it
comes.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from simpy import Environment
from simpy.core import EmptySchedule

from circuitsim.errors import DeadlockError, InputError, ShapeError
from circuitsim.gates.value import Value, as_value, fit, shape_of
from circuitsim.netlist import Netlist
from circuitsim.plan.placement import Placement
from circuitsim.plan.schedule import TRANSFERS, Schedule, Work
from circuitsim.plan.times import Times, draw
from circuitsim.simulation.device import Agenda, Device, Fifo, Policy
from circuitsim.simulation.faults import Faults, Recovery, ReliableLine
from circuitsim.simulation.keeper import Keeper, add_up
from circuitsim.simulation.link import Line, Link, Packet
from circuitsim.simulation.rendezvous import Rendezvous
from circuitsim.simulation.stage import Stage, plan_stages
from circuitsim.simulation.weights import Weights
from circuitsim.trace.timeline import Piece, Timeline

__all__ = ["Pull", "Stream"]

#: The pull on the outputs: one for all, one for some by name, or a function of tag, name and value.
Pull: TypeAlias = float | Mapping[str, Any] | Callable[[int, str, Value], Any]


class Stream:
    """Stages, devices and links, joined and at work; `Simulation.stream` makes one and tells what its settings mean."""

    def __init__(
        self,
        netlist: Netlist,
        keepers: Mapping[int, Keeper],
        placement: Placement,
        *,
        schedule: Callable[[int], Schedule] | None,
        pull: Pull,
        window: int,
        batch: int,
        times: Times,
        links: Callable[[int, str, str], tuple[Any, Link]],
        update: Literal["batch", "each"] | None,
        replicas: int | None,
        local_steps: int,
        workers: int,
        overlap: bool,
        faults: Faults | None,
        seed: int,
        on_nonfinite: Callable[[str], None],
    ) -> None:
        self.netlist = netlist
        self.placement = placement
        self.pull = pull
        self.window = window
        self.batch = batch
        self.update = update
        self.schedule = schedule
        self.seed = seed
        self.random = np.random.default_rng(seed)
        self.environment = Environment()

        outputs = netlist.of_kind("output")
        self.pulled = frozenset(outputs[name] for name in (pull if isinstance(pull, Mapping) else outputs))
        plans = plan_stages(netlist, placement.stages, self.pulled, on_nonfinite)
        each = len(placement.names)  # devices of one replica
        devices = placement.with_replicas(replicas)
        self._server = len(devices) - 1 if replicas else None
        self.timeline = Timeline(devices, batch)
        slow = [1.0] * len(self.timeline.devices)
        for device, factor in times.slowdown.items():
            number = devices.index(device) if device in devices else device
            if not isinstance(number, int) or not 0 <= number < len(devices):
                raise InputError(f"there is no device {device!r} to slow down: they are {', '.join(devices)}")
            slow[number] = factor
        self._slow = slow
        self._times = times.of_stages(len(plans))

        self._felt = netlist.felt(self.pulled)
        self._direct = [
            (netlist.nodes[target].name, wire)
            for wire, (source, target, _) in enumerate(netlist.wires)
            if netlist.nodes[target].kind == "output" and netlist.nodes[source].gate is None
        ]
        self._stage_of_gate = {gate.node: plan.number for plan in plans for gate in plan.gates}
        self._from_input = netlist.descend("input")
        first_user = {node: plan.number for plan in reversed(plans) for node in plan.parameters}
        self.weights = Weights(
            netlist,
            keepers,
            lambda node: self._server if self._server is not None else placement.homes[first_user.get(node, 0)],
            update,
            local_steps,
            self,
        )
        self.stages = [
            [
                Stage(plan, device, {node: self.weights.on(device, node) for node in plan.parameters}, self)
                for plan in plans
                for device in [r * each + placement.homes[plan.number]]
            ]
            for r in range(replicas or 1)
        ]
        self._stages_on = {stage.device: self.stages[stage.device // each] for row in self.stages for stage in row}
        self._each = each

        self._overlap = overlap
        first = schedule(batch) if schedule else None
        self._lanes: list[list[Policy]] = [
            [Fifo()] if first is None else [Agenda() for _ in self._parts(())] for _ in devices
        ]
        self.devices = [
            Device(self.environment, number, lanes, workers, self._start, self._end)
            for number, lanes in enumerate(self._lanes)
        ]
        self._links = links
        self._lines: dict[Any, Line] = {}
        self._meeting = Rendezvous(self.environment, self.line) if first and first.blocking else None

        self.outputs: dict[int, dict[str, Value]] = {}
        self.input_gradients: dict[int, dict[int, Value]] = {}
        self._replica: dict[int, int] = {}
        self._pending: dict[int, set[tuple[Any, ...]]] = {}  # what has yet to happen until an example is done
        self._waiting: deque[int] = deque()
        self._under_way = [0] * (replicas or 1)
        self._unfinished: set[int] = set()
        self._recovery = Recovery(self, faults) if faults is not None else None

    # -- running -------------------------------------------------------------------------------------------

    def run(self, examples: Sequence[Mapping[str, Value]]) -> None:
        """Send all examples through, batch by batch."""
        self.examples = examples
        for first in range(0, len(examples), self.batch):
            tags = range(first, min(first + self.batch, len(examples)))
            self._begin_batch(tags)
            self._work_until(lambda: not self._unfinished)
            if self.update == "batch":
                self.weights.update_all(tags[-1])
                self._save_all()
                self._work_until(self.weights.all_are_new)

    def _begin_batch(self, tags: range) -> None:
        self._unfinished = set(tags)
        self.weights.begin_batch()
        if self.schedule is not None:
            rows = self.schedule(len(tags)).rows
            for row, lanes in zip(rows, self._lanes, strict=True):
                for lane, part in zip(lanes, self._parts(row), strict=True):
                    assert isinstance(lane, Agenda)
                    lane.start(part, tags.start)
        self._waiting.extend(tags)
        self._save_all()
        self._admit_waiting()
        for device in self.devices:
            device.go()

    def _save_all(self) -> None:
        """Save all states between batches, so that no crash leads back over one."""
        if self._recovery is not None:
            for device in range(len(self.devices)):
                self._recovery.save(device)

    def _admit_waiting(self) -> None:
        while self._waiting and sum(self._under_way) < self.window:
            self._admit(self._waiting.popleft())

    def _admit(self, tag: int) -> None:
        """Let an example in, through the replica that has least to do."""
        replica = self._under_way.index(min(self._under_way))
        self._replica[tag] = replica
        self._under_way[replica] += 1
        self.outputs[tag] = {}
        self.input_gradients[tag] = {}
        stages = self.stages[replica]
        self._pending[tag] = {("stage", stage.number) for stage in stages} | self.weights.due(tag)
        self.show_directly(tag)
        for stage in stages:
            stage.admit(tag, self.examples[tag])

    def show_directly(self, tag: int) -> None:
        """Show the outputs that no gate makes, and let what they show feel the pull on them."""
        for name, wire in self._direct:
            source = self.netlist.wires[wire].source
            node = self.netlist.nodes[source]
            keeper = self.weights.keepers.get(source)
            value = keeper.value if keeper else self.examples[tag][node.name] if node.kind == "input" else node.value
            assert value is not None
            pull = self.show(name, tag, value)
            if keeper and self._felt[wire]:
                self.weights.feel(tag, wire, keeper.version, pull)
            elif self._felt[wire]:
                self.feel_input(tag, wire, pull)

    def _parts(self, row: Sequence[Work]) -> list[list[Work]]:
        """Part a row into what is done one after the other: transfers apart from work if they overlap."""
        if not self._overlap:
            return [list(row)]
        return [[work for work in row if (work.kind in TRANSFERS) == apart] for apart in (False, True)]

    def _start(self, device: Device, work: Work) -> float | None:
        """Begin a piece of work and return the time it takes; a transfer takes until both sides are there."""
        kind, number, tag = work
        if kind in TRANSFERS:
            assert self._meeting is not None
            self._meeting.come(device, work)
            return None
        self._stages_on[device.number][number].begin(kind, tag)
        ticks = 0.0
        for part in "IW" if kind == "B" else kind:
            ticks += draw(self._times[part][number], self.random, f"the time of {part} at stage {number}")
        return ticks * self._slow[device.number]

    def _end(self, device: Device, work: Work, start: float) -> None:
        """End a piece of work."""
        kind, number, tag = work
        if kind in TRANSFERS:
            return
        stage = self._stages_on[device.number][number]
        stage.finish(kind, tag)
        size = stage.weight(tag) if kind == "F" else 0
        self.timeline.work.append(Piece(device.number, kind, number, tag, float(start), self.now, size))
        if self._meeting is not None:
            self._meeting.announce(device, work)

    def _work_until(self, over: Callable[[], bool]) -> None:
        step = self.environment.step
        limit = self._recovery.faults.timeout if self._recovery is not None else math.inf
        try:
            while not over():
                step()
                if self.environment.now > limit:
                    raise self._stuck(f"is not over after {limit:g} ticks")
        except EmptySchedule:
            raise self._stuck("ran dry") from None

    def _stuck(self, how: str) -> DeadlockError:
        """Return the error that names who waits for what."""
        told = []
        for device, lanes in zip(self.devices, self._lanes, strict=True):
            name = self.timeline.devices[device.number]
            told += [f"{name} does {work} and waits for the other side" for work in device.running]
            for lane in lanes:
                if isinstance(lane, Agenda) and lane.awaited is not None and not device.running:
                    told.append(f"{name} waits to do {lane.awaited}")
        left = ", ".join(map(str, sorted(self._unfinished)[:8])) or "none"
        return DeadlockError(
            f"the stream of {self.netlist.name!r} {how}, at tick {self.environment.now:g} with examples {left} "
            f"under way: {'; '.join(told) or 'no device has anything to do'}"
        )

    def settle(self, tag: int, *thing: Any) -> None:
        """Take note that one of the things has happened for which an example is under way."""
        pending = self._pending[tag]
        pending.discard(thing)
        if not pending and tag in self._unfinished:
            self._unfinished.remove(tag)
            self._under_way[self._replica[tag]] -= 1
            self._admit_waiting()

    def unsettle(self, tag: int, *thing: Any) -> None:
        """Take note that something that had happened was lost in a crash."""
        self._pending[tag].add(thing)
        if tag not in self._unfinished:
            self._unfinished.add(tag)
            self._under_way[self._replica[tag]] += 1

    @property
    def now(self) -> float:
        """The time."""
        return float(self.environment.now)

    @property
    def nothing_waits(self) -> bool:
        """Whether there may be no more examples for a worker."""
        return len(self._waiting) < len(self._under_way)

    def devices_of(self, tag: int) -> range:
        """Return the devices that an example goes through."""
        first = self._replica[tag] * self._each
        return range(first, first + self._each)

    def under_way(self) -> list[int]:
        """Return the examples that were admitted and are not done."""
        return sorted(self._unfinished.difference(self._waiting))

    def stages_on(self, device: int) -> list[Stage]:
        """Return the stages of a device."""
        return [stage for stage in self._stages_on.get(device, ()) if stage.device == device]

    def gradient_of_input(self, tag: int, node: int, value: Value) -> Value:
        """Return what an input felt in one example, added up in wiring order."""
        felt = self.input_gradients[tag]
        total = add_up([felt[wire] for wire in self.netlist.outgoing[node] if wire in felt])
        return fit(0.0, value) if total is None else total

    # -- what stages ask for -------------------------------------------------------------------------------

    def ready(self, stage: Stage, kind: str, tag: int) -> None:
        """Tell the device of a stage that it can do a piece of work."""
        self.devices[stage.device].ready(Work(kind, stage.number, tag))

    def show(self, name: str, tag: int, value: Value) -> Value:
        """Take an output and return the pull on it."""
        self.outputs[tag][name] = value
        pull = self.pull
        force = pull(tag, name, value) if callable(pull) else pull.get(name, 0.0) if isinstance(pull, Mapping) else pull
        try:
            return as_value(np.broadcast_to(as_value(force), shape_of(value)))
        except ValueError as error:
            if isinstance(error, InputError):
                raise InputError(f"the pull on output {name!r} is no number: {force!r}") from None
            raise ShapeError(
                f"output {name!r} has shape {shape_of(value)} and was pulled with shape {np.shape(force)}: "
                "pull it with a number or with its own shape"
            ) from None

    def send(self, stage: Stage, what: str, wire: int, tag: int, payload: Value, target: int) -> None:
        """Bring a value or gradient to another stage, over a link if it is on another device."""
        there = self._stages_on[stage.device][target]
        if there.device == stage.device:
            self._hand_over(there, what, wire, tag, payload)
        elif self._meeting is not None and abs(target - stage.number) == 1:
            self._meeting.hold(stage, what, wire, tag, payload, there)
        else:
            self.post(what, wire, tag, payload, stage.device, there.device)

    def feel_input(self, tag: int, wire: int, gradient: Value) -> None:
        """Keep the gradient to an input."""
        self.input_gradients[tag][wire] = gradient

    def feel_parameter(self, stage: Stage, tag: int, wire: int, version: int, gradient: Value) -> None:
        """Bring the gradient to a parameter to where it is kept."""
        self.weights.feel_at(stage.device, tag, wire, version, gradient)

    def done(self, stage: Stage, tag: int) -> None:
        """Take note that a stage has nothing left to do for an example."""
        self.settle(tag, "stage", stage.number)

    # -- messages ------------------------------------------------------------------------------------------

    def post(
        self, what: str, wire: int, tag: int, payload: Value, source: int, target: int, extra: int | None = None
    ) -> None:
        """Send a message from one device to another."""
        self.line(source, target, wire).send(what, wire, tag, payload, extra)

    def line(self, source: int, target: int, wire: int) -> Line:
        """Return the link between two devices that a message of this wire takes."""
        names = self.timeline.devices
        key, link = self._links(wire, names[source], names[target])
        line = self._lines.get((source, target, key))
        if line is None:
            ends = (self.environment, link, source, target, self.timeline, self.random, self._deliver)
            line = Line(*ends) if self._recovery is None else ReliableLine(*ends, self._recovery)
            self._lines[source, target, key] = line
        return line

    def _deliver(self, packet: Packet) -> None:
        """Hand what has arrived to whom it is for."""
        (what, wire, tag, _, device, *_), payload, extra = packet.transfer, packet.payload, packet.extra
        source, target, _ = self.netlist.wires[wire]
        if what == "weights":
            self.weights.take(device, wire, tag, payload, extra)
        elif source in self.weights.keepers:
            assert extra is not None
            bring = self.weights.shift if what == "change" else self.weights.feel
            bring(tag, wire, extra, payload)
        else:
            number = self._stage_of_gate[target if what == "value" else source]
            self._hand_over(self._stages_on[device][number], what, wire, tag, payload)

    def _hand_over(self, stage: Stage, what: str, wire: int, tag: int, payload: Value) -> None:
        source = self.netlist.wires[wire].source
        if what == "value":
            stage.on_value(tag, source, payload)
        else:
            stage.on_gradient(tag, wire, payload, self._from_input[source])
