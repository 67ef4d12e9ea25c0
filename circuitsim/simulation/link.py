"""Links between devices: what a message takes from one to another, and what waits while a link is busy."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from simpy import Environment, Event
from simpy.events import NORMAL

from circuitsim.errors import InputError
from circuitsim.gates.value import Value, size_of
from circuitsim.plan.times import Ticks, draw
from circuitsim.trace.timeline import Timeline, Transfer

__all__ = ["Line", "Link", "Packet"]


@dataclass(frozen=True)
class Link:
    """What a message between two devices takes, in each direction.

    Parameters
    ----------
    latency : float or Distribution
        The ticks that a message is under way. A random latency lets messages of different examples overtake each
        other.
    bandwidth : float
        How many bytes enter the link in a tick; while a message enters, those behind it wait. Infinite by default.
    serial : bool
        Whether the link carries one message at a time from end to end.
    loss, duplicate : float
        The part of all messages that get lost, and that are sent twice.
    reorder : float
        The part of all messages that are held up on their way, so that others overtake them.
    hold_up : float
        For how many ticks at most.

    Raises
    ------
    InputError
        If a latency is no time, the bandwidth is not above 0, or a part is not between 0 and 1.
    """

    latency: Ticks = 0.0
    bandwidth: float = math.inf
    serial: bool = False
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    hold_up: float = 5.0

    def __post_init__(self) -> None:
        if not isinstance(self.bandwidth, int | float) or not self.bandwidth > 0:
            raise InputError(f"the bandwidth of a link is {self.bandwidth!r}: give bytes a tick, a number above 0")
        draw(self.latency, None, "the latency of a link")
        draw(self.hold_up, None, "the hold-up on a link")
        for name in ("loss", "duplicate", "reorder"):
            part = getattr(self, name)
            if not isinstance(part, int | float) or not 0 <= part <= 1:
                raise InputError(f"the {name} of a link is {part!r}: give a probability, 0 to 1")

    @property
    def faulty(self) -> bool:
        """Whether it loses, repeats or holds up messages."""
        return bool(self.loss or self.duplicate or self.reorder)


class Packet(Event):
    """A message on its way; as an event it happens when it arrives.

    Attributes
    ----------
    transfer : Transfer
        Its record.
    payload : float or ndarray
        What it carries.
    extra : int or None
        For the gradient to a parameter the version that it was computed from; for weights the example that they
        answer, None if they answer a whole batch.
    """

    def __init__(
        self,
        environment: Environment,
        arrive: Callable[[Any], None],
        transfer: Transfer,
        payload: Value,
        extra: int | None,
    ) -> None:
        self.env = environment
        self.callbacks = [arrive]
        self._ok = True
        self._value: Any = None
        self.transfer = transfer
        self.payload = payload
        self.extra = extra


class Line:
    """A link at work, in one direction.

    Parameters
    ----------
    environment : simpy.Environment
        The clock.
    link : Link
        What it is like.
    source, target : int
        The devices that it joins.
    timeline : Timeline
        Where transfers are recorded.
    random : numpy.random.Generator
        What random latencies are drawn from.
    deliver : callable
        Takes a packet at the target.
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
    ) -> None:
        self.env = environment
        self.link = link
        self.source = source
        self.target = target
        self.timeline = timeline
        self.random = random
        self.deliver = deliver
        self.free = 0.0  # when the link can take up the next message

    def send(self, what: str, wire: int, tag: int, payload: Value, extra: int | None = None) -> None:
        """Send a message."""
        self.carry(self.transfer(what, wire, tag, payload), payload, extra)

    def transfer(self, what: str, wire: int, tag: int, payload: Value) -> Transfer:
        """Return the record of a message that is ready to go now."""
        now = self.env.now
        return Transfer(what, wire, tag, self.source, self.target, now, now, now, size_of(payload), "arrived")

    def carry(self, transfer: Transfer, payload: Value, extra: int | None = None) -> float:
        """Take a message up as soon as the link is free, and return when it will arrive."""
        now = self.env.now
        entering = transfer.size / self.link.bandwidth
        latency = draw(self.link.latency, self.random, "the latency of a link")
        if self.link.reorder and self.random.random() < self.link.reorder:
            latency += self.link.hold_up * self.random.random()
        start = max(now, self.free)
        end = start + entering + latency
        self.free = end if self.link.serial else start + entering
        transfer = transfer._replace(start=start, end=end)
        self.env.schedule(Packet(self.env, self.arrive, transfer, payload, extra), NORMAL, end - now)
        return end

    def arrive(self, packet: Packet) -> None:
        """Hand an arriving message over."""
        self.timeline.transfers.append(packet.transfer)
        self.deliver(packet)
