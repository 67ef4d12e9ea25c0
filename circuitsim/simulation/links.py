"""Links at work: when a message between two devices arrives, and what waits while a link is busy."""

from collections.abc import Callable

import numpy as np

from circuitsim.gates.value import Value
from circuitsim.plan.cluster import Link
from circuitsim.plan.times import draw
from circuitsim.simulation.kernel import Channel, World
from circuitsim.trace.kinds import Kind

__all__ = ["Line"]


class Line:
    """A link in one direction; a channel asks it when a message will arrive.

    Parameters
    ----------
    world : World
        The clock and the trace.
    link : Link
        What it is like.
    random : numpy.random.Generator
        What random latencies are drawn from.
    size : callable
        Returns the bytes of a message, given its wire and what it carries.
    """

    __slots__ = ("free", "link", "random", "size", "world")

    def __init__(
        self, world: World, link: Link, random: np.random.Generator, size: Callable[[int, Value], float]
    ) -> None:
        self.world = world
        self.link = link
        self.random = random
        self.size = size
        self.free = 0.0  # when the link can take up the next message

    def __call__(self, channel: Channel, forward: bool, tag: int, payload: Value, version: int) -> float:
        """Take a message up as soon as the link is free, and return when it arrives."""
        return self.take(Kind.VALUE if forward else Kind.GRADIENT, channel.index, tag, payload, version)

    def take(self, kind: Kind, wire: int, tag: int, payload: Value, version: int, detail: int = 0) -> float:
        """Take a message up, record it, and return when it arrives."""
        size, world = self.size(wire, payload), self.world
        start, end = self.carry(size)
        if world.trace is not None:
            if start > world.now:
                world.trace.record(Kind.WAITED, wire, tag, world.now, start, 0.0, version)
            value = float(size) if world.record is None else payload
            world.trace.record(kind, wire, tag, start, end, value, version, detail)
        return end

    def carry(self, size: float) -> tuple[float, float]:
        """Return when so many bytes begin to enter the link, and when they have arrived."""
        link, now = self.link, self.world.now
        latency = link.latency
        if latency.__class__ is not float:
            latency = draw(latency, self.random, "the latency of a link")
        if link.reorder and self.random.random() < link.reorder:
            latency += draw(link.hold_up, self.random, "the hold-up on a link") * self.random.random()
        start = self.free if self.free > now else now
        entered = start + size / link.bandwidth
        end: float = entered + latency
        self.free = end if link.serial else entered
        return start, end
