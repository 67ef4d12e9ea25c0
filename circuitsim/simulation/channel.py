"""A channel is one wire between two actors: values travel it forward, gradients backward.

The delivery of a message is itself the SimPy event: it is scheduled with the wire's latency, and its
callback hands it to the receiver. A `simpy.Store` for each wire would cost four events where this costs one.
"""

from collections.abc import Callable
from heapq import heappush
from typing import Any, Protocol

from simpy import Environment
from simpy.events import NORMAL

from circuitsim.gates.value import Value
from circuitsim.trace.records import VALUE, Kind, Trace

__all__ = ["Channel", "Message", "World"]


class World(Environment):
    """What the actors of one simulation share.

    Attributes
    ----------
    now : float
        The clock, in ticks; like the queue of events, SimPy's own.
    trace : Trace or None
        Where the actors write down what they do.
    sent : int
        How many messages they have sent.
    agenda, ids : list and iterator
        SimPy's own queue of events and their numbers: actors put messages and firings there themselves, in the form
        that `schedule` gives them, because a call for each costs as much as the putting.
    tick : float
        When the event that was put there last is to happen: events of one tick share this very object, because the
        queue compares times, and finds the same object equal sooner than an equal one.
    spare : list of Message
        Messages that have arrived, to be sent again: making one anew takes longer than all else in sending it.
    failure : Exception or None
        What a gate's own arithmetic raised.
    tokens : dict of int to list
        For each tag in flight what each gate holds of it, by the number of its node: the activation memory.
    """

    def __init__(self, trace: Trace | None) -> None:
        super().__init__()
        self.trace = trace
        self.sent = 0
        self.tokens: dict[int, list[Any]] = {}
        self.agenda: list[Any] = self._queue
        self.ids = self._eid
        self.tick = 0.0
        self.spare: list[Message] = []
        self.failure: Exception | None = None


class Receiver(Protocol):
    """An actor at an end of a channel; each end takes only what can arrive there."""

    def on_value(self, port: int, tag: int, value: Value) -> None:
        """Take in a value on a port."""

    def on_gradient(self, place: int, tag: int, gradient: Value) -> None:
        """Take in the gradient that comes back along one wire of the fan-out."""


class Message:
    """A value or gradient on its way; as an event it happens when it arrives.

    It does not derive from SimPy's `Event`, which would give each message a dict of its own: SimPy asks no more of an
    event than `callbacks` and `_ok`.

    Attributes
    ----------
    channel : Channel
        The wire it travels.
    tag : int
        The example it belongs to.
    payload : float or ndarray
        What it carries.
    """

    __slots__ = ("callbacks", "channel", "payload", "tag")
    _ok = True

    callbacks: tuple[Callable[["Message"], None]]
    channel: "Channel"
    tag: int
    payload: Value


def _deliver_value(message: Message) -> None:
    channel = message.channel
    channel.world.spare.append(message)
    channel.target.on_value(channel.port, message.tag, message.payload)


def _deliver_gradient(message: Message) -> None:
    channel = message.channel
    channel.world.spare.append(message)
    channel.source.on_gradient(channel.place, message.tag, message.payload)


# The callbacks of all messages; SimPy only reads them.
DELIVER_VALUE = (_deliver_value,)
DELIVER_GRADIENT = (_deliver_gradient,)


class Channel:
    """One wire: its two ends and its latency.

    Parameters
    ----------
    world : World
        The clock and the trace.
    index : int
        The number of the wire in the netlist.
    source, target : Receiver
        The actors at its ends.
    place, port : int
        Its place among the wires that leave its source, and the port it enters at its target.
    latency : float or callable
        The ticks a message is under way; a function is called for each message.
    """

    __slots__ = ("index", "latency", "place", "port", "source", "target", "world")

    def __init__(
        self,
        world: World,
        index: int,
        source: Any,
        place: int,
        target: Any,
        port: int,
        latency: Any,
    ) -> None:
        self.world = world
        self.index = index
        self.source = source
        self.place = place
        self.target = target
        self.port = port
        self.latency = latency

    def send(self, kind: Kind, tag: int, payload: Value) -> None:
        """Send a value to the target, or a gradient back to the source."""
        world, latency = self.world, self.latency
        now = world._now
        end = now + (latency if latency.__class__ is float else latency())
        if end == world.tick:
            end = world.tick
        else:
            world.tick = end
        message = world.spare.pop() if world.spare else Message()
        message.callbacks = DELIVER_VALUE if kind is VALUE else DELIVER_GRADIENT
        message.channel = self
        message.tag = tag
        message.payload = payload
        heappush(world.agenda, (end, NORMAL, next(world.ids), message))
        world.sent += 1
        if world.trace is not None:
            world.trace.record(kind, self.index, tag, now, end, payload)
