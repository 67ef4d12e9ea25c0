"""What goes wrong, and what is done so that it does no harm: lost messages, messages that come twice, and crashes.

Delivery is at least once. The sender keeps each message on its disk, and sends it again and again until the receiver
has acknowledged it; the acknowledgement may be lost as well. The receiver drops what it has taken already. A device
saves its state from time to time and goes back to it when it crashes; it acknowledges a message only when what it has
taken is in a saved state. What it did since then it does again, to the same result.
"""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from simpy import Environment, Event

from circuitsim.errors import DeadlockError, InputError
from circuitsim.gates.value import Value
from circuitsim.plan.times import draw
from circuitsim.simulation.link import Line, Link, Packet
from circuitsim.trace.timeline import Outage, Timeline

if TYPE_CHECKING:
    from circuitsim.simulation.stream import Stream

__all__ = ["Faults", "Recovery", "ReliableLine"]


@dataclass(frozen=True)
class Faults:
    """How often devices crash, and what is done against crashes and against what links do (see `Link`).

    Parameters
    ----------
    crash_every : float
        The mean ticks from one crash of a device to its next; never, if infinite.
    downtime : float
        The ticks that a crashed device is down.
    checkpoint_every : float
        The ticks from one saved state of a device to its next.
    retry_after : float
        The ticks after which a message that was not acknowledged is sent again.
    tries : int
        How often a message is sent before the link is given up.
    timeout : float
        The ticks after which the whole stream is given up.

    Raises
    ------
    InputError
        If one of them makes no sense.
    """

    crash_every: float = math.inf
    downtime: float = 5.0
    checkpoint_every: float = 10.0
    retry_after: float = 10.0
    tries: int = 100
    timeout: float = 1e6

    def __post_init__(self) -> None:
        for name in ("crash_every", "checkpoint_every", "retry_after", "timeout"):
            time = getattr(self, name)
            if not isinstance(time, int | float) or not time > 0:
                raise InputError(f"{name} is {time!r}: give ticks, a number above 0")
        draw(self.downtime, None, "the downtime")
        if not isinstance(self.tries, int) or self.tries < 1:
            raise InputError(f"tries is {self.tries!r}: give a whole number above 0")


class Letter(NamedTuple):
    """A message until it is acknowledged."""

    key: tuple[Any, ...]
    payload: Value
    extra: int | None


class ReliableLine(Line):
    """A link that loses and repeats messages, and yet brings each of them once to whom it is for.

    Parameters
    ----------
    environment, link, source, target, timeline, random, deliver
        As for `Line`.
    recovery : Recovery
        What knows who is down and what has been taken.
    """

    def __init__(
        self,
        environment: Environment,
        link: Link,
        source: int,
        target: int,
        timeline: Timeline,
        random: np.random.Generator,
        deliver: Callable[[Packet], None],
        recovery: "Recovery",
    ) -> None:
        super().__init__(environment, link, source, target, timeline, random, deliver)
        self.recovery = recovery
        self.sent: set[tuple[Any, ...]] = set()
        self.unacknowledged: dict[tuple[Any, ...], Letter] = {}

    def send(self, what: str, wire: int, tag: int, payload: Value, extra: int | None = None) -> None:
        """Send a message until it is acknowledged; one that was sent before a crash is not sent anew."""
        key = (what, wire, tag, extra)
        if key not in self.sent:
            self.sent.add(key)
            self.unacknowledged[key] = Letter(key, payload, extra)
            self.env.process(self._keep_sending(key))

    def _keep_sending(self, key: tuple[Any, ...]) -> Generator[Event, None, None]:
        faults, link = self.recovery.faults, self.link
        for _ in range(faults.tries):
            letter = self.unacknowledged.get(key)
            if letter is None:
                return
            what, wire, tag, extra = key
            for _ in range(1 + (self.random.random() < link.duplicate)):
                transfer = self.transfer(what, wire, tag, letter.payload)
                if self.random.random() < link.loss:
                    self.timeline.transfers.append(transfer._replace(fate="lost"))
                else:
                    self.carry(transfer, letter.payload, extra)
            yield self.env.timeout(faults.retry_after)
        if key in self.unacknowledged:
            names = self.timeline.devices
            raise DeadlockError(
                f"the {key[0]} of example {key[2]} was sent {faults.tries} times from {names[self.source]} to "
                f"{names[self.target]} and never acknowledged: the link is dead, or faults.tries too low"
            )

    def arrive(self, packet: Packet) -> None:
        """Hand an arriving message over, unless it is there already or nobody is there to take it."""
        transfer = packet.transfer
        key = (transfer.what, transfer.wire, transfer.tag, packet.extra)
        if not self.recovery.take(self, key):
            self.timeline.transfers.append(transfer._replace(fate="dropped"))
            return
        self.timeline.transfers.append(transfer)
        self.deliver(packet)

    def acknowledge(self, key: tuple[Any, ...]) -> None:
        """Tell the sender that a message is safe; the link may lose that as well."""
        if self.random.random() < self.link.loss:
            return
        latency = draw(self.link.latency, self.random, "the latency of a link")
        self.env.process(self._forget(key, latency))

    def _forget(self, key: tuple[Any, ...], latency: float) -> Generator[Event, None, None]:
        yield self.env.timeout(latency)
        self.unacknowledged.pop(key, None)


class Recovery:
    """Saved states, crashes and restarts of all devices of a stream.

    Parameters
    ----------
    stream : Stream
        Whose devices they are.
    faults : Faults
        What happens how often.
    """

    def __init__(self, stream: "Stream", faults: Faults) -> None:
        self.stream = stream
        self.faults = faults
        self.crashes = math.isfinite(faults.crash_every)
        devices = range(len(stream.timeline.devices))
        self.taken: list[set[Any]] = [set() for _ in devices]
        self.safe: list[set[Any]] = [set() for _ in devices]  # what of it is in a saved state
        self.saved: list[Any] = [None for _ in devices]
        self.random = np.random.default_rng([stream.seed, 1])
        if self.crashes:
            for device in devices:
                stream.environment.process(self._save_often(device))
                stream.environment.process(self._crash(device))

    def take(self, line: ReliableLine, key: tuple[Any, ...]) -> bool:
        """Tell whether a message is to be taken: its receiver is up and has not taken it before."""
        device = line.target
        if self.crashes and self.stream.devices[device].down:
            return False
        mine = (line, key)
        new = mine not in self.taken[device]
        self.taken[device].add(mine)
        if not self.crashes or mine in self.safe[device]:
            line.acknowledge(key)
        return new

    def save(self, device: int) -> None:
        """Save the state of a device, and acknowledge what is safe by that."""
        if not self.crashes:
            return
        self.saved[device] = self._state(device)
        fresh = self.taken[device] - self.safe[device]
        self.safe[device] = set(self.taken[device])
        if not self.stream.devices[device].down:
            for line, key in sorted(fresh, key=lambda mine: (mine[0].source, str(mine[1]))):
                line.acknowledge(key)

    def _save_often(self, device: int) -> Generator[Event, None, None]:
        while True:
            yield self.stream.environment.timeout(self.faults.checkpoint_every)
            if not self.stream.devices[device].down:
                self.save(device)

    def _crash(self, device: int) -> Generator[Event, None, None]:
        environment = self.stream.environment
        while True:
            yield environment.timeout(float(self.random.exponential(self.faults.crash_every)))
            start = float(environment.now)
            self.stream.devices[device].stop()
            self._restore(device, self.saved[device])
            self.taken[device] = set(self.safe[device])
            yield environment.timeout(self.faults.downtime)
            self.stream.timeline.outages.append(Outage(device, start, float(environment.now)))
            self._restart(device)

    def _state(self, device: int) -> tuple[Any, ...]:
        """Return all that a device would need after a crash."""
        weights = self.stream.weights
        return (
            [stage.save() for stage in self.stream.stages_on(device)],
            {node: keeper.save() for node, keeper in weights.keepers.items() if weights.home[node] == device},
            {place: copy.save() for place, copy in weights.copies.items() if place[0] == device},
            self.stream.devices[device].save(),
        )

    def _restore(self, device: int, saved: tuple[Any, ...]) -> None:
        """Bring a device back to what was saved."""
        stages, keepers, copies, agenda = saved
        for stage, state in zip(self.stream.stages_on(device), stages, strict=True):
            before = stage.finished
            stage.restore(state)
            for tag in before - stage.finished:
                self.stream.unsettle(tag, "stage", stage.number)
        for node, state in keepers.items():
            keeper = self.stream.weights.keepers[node]
            before = keeper.whole
            keeper.restore(state)
            for tag in before - keeper.whole:
                self.stream.unsettle(tag, "whole", node)
        for place, state in copies.items():
            self.stream.weights.copies[place].restore(state)
        self.stream.devices[device].restore(agenda)

    def _restart(self, device: int) -> None:
        """Let a device go on; it is shown again what it has forgotten of the examples under way."""
        self.stream.devices[device].down = False
        for tag in self.stream.under_way():
            self.stream.show_directly(tag)
            if device in self.stream.devices_of(tag):
                for stage in self.stream.stages_on(device):
                    if tag not in stage.held and tag not in stage.finished:
                        stage.admit(tag, self.stream.examples[tag])
        self.stream.devices[device].go()
