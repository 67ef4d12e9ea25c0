"""The kernel: a clock with one list of events a tick, messages that are events, and channels that they travel.

A channel is one wire between two actors: values travel it forward, gradients backward. The delivery of a message is
itself the SimPy event: it is put into the list of the tick at which it arrives, and its callback hands it to the
receiver. A `simpy.Store` for each wire would cost four events where this costs one.

`World` extends SimPy's `Environment` as its documentation provides for, by its own `schedule`, `step` and `peek`. SimPy
keeps one heap of all events; here a heap orders the distinct ticks only, because most events share their tick with
thousands of others.

What circuitsim relies on besides SimPy's documented interface stands here, and `tests/test_simpy_contract.py` holds it:

- nothing of SimPy's reads the clock but through `Environment.now`, which may be an attribute as well as a property;
- an event needs no more than ``callbacks``, a list or tuple that `step` takes and replaces by None, ``_ok``, and
  ``_value``, which a process that waits for the event is sent; it may happen again and again if ``callbacks`` is
  filled anew each time;
- a `Process` needs no more than ``env``, ``callbacks`` and ``_generator`` before its ``_resume`` is called with an
  event, whose value is sent to the generator;
- `Environment.run` calls `step` until it raises `EmptySchedule`.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from heapq import heappop, heappush
from operator import length_hint
from typing import Any, Protocol, TypeAlias

from simpy import Environment, Event
from simpy.core import EmptySchedule, Infinity, StopSimulation
from simpy.events import NORMAL, URGENT, Process

from circuitsim.errors import InputError
from circuitsim.gates.value import Value
from circuitsim.trace.kinds import GRADIENT, VALUE
from circuitsim.trace.trace import Trace

__all__ = ["ActorProcess", "Channel", "Message", "Receiver", "Road", "World"]


class World(Environment):
    """What the actors of one simulation share.

    Attributes
    ----------
    now : float
        The clock, in ticks.
    trace : Trace or None
        Where devices and parameters write down what they do.
    record : callable or None
        The trace's `record`, if messages and firings are recorded as well.
    sent : int
        How many messages were sent.
    tokens : dict of int to list
        For each tag in flight what each actor holds of it, by the number of its node: the activation memory.
    tick, bucket : float and list
        The tick for which an event was scheduled last, and the list of its events: most events are put there by
        appending to it, because a call for each would cost as much as the appending.
    spare : list of Message
        Messages that have arrived, to be sent again: making one anew takes longer than all else in sending it.
    """

    now: float = 0.0  # read for every message: a property would cost a call

    def __init__(self) -> None:
        super().__init__()
        self.trace: Trace | None = None
        self.record: Callable[..., None] | None = None
        self.sent = 0
        self.tokens: dict[int, list[Any]] = {}
        self.spare: list[Message] = []
        self.tick = -1.0
        self.bucket: list[Any] = []
        self._buckets: dict[float, list[Any]] = {}
        self._ticks: list[float] = []  # a heap of the keys of _buckets, but for the present tick
        self._events: Iterator[Any] = iter(())  # what is left of the present tick's list
        self._within = False  # whether the present tick's list is still among the buckets
        self._urgent: dict[float, deque[Any]] = {}  # what comes first in its tick: the starts of processes

    def begin(self, trace: Trace | None, messages: bool = True) -> None:
        """Set the clock back to 0, for a run of its own; nothing may be left to happen.

        Parameters
        ----------
        trace : Trace or None
            Where the run is recorded.
        messages : bool
            Whether messages and firings are recorded as well.
        """
        self.now = 0.0
        self.trace = trace
        self.record = trace.record if trace is not None and messages else None
        self.tokens.clear()

    def open(self, tick: float) -> None:
        """Make `bucket` the list of the events of this tick."""
        bucket = self._buckets.get(tick)
        if bucket is None:
            if not tick < Infinity:
                raise InputError(f"something would take place at tick {tick:g}: give shorter times")
            bucket = self._buckets[tick] = []
            heappush(self._ticks, tick)
        self.tick, self.bucket = tick, bucket

    def schedule(self, event: Event, priority: Any = NORMAL, delay: float = 0) -> None:
        """Schedule an event."""
        tick = self.now + delay
        if priority == NORMAL:
            if tick != self.tick:
                self.open(tick)
            self.bucket.append(event)
            return
        first = self._urgent.get(tick)
        if first is None:
            self.open(tick)  # so that the clock stops there
            first = self._urgent[tick] = deque()
        first.append(event)

    def peek(self) -> float:
        """Return the tick of the next event, infinity if there is none."""
        if length_hint(self._events) or self.now in self._urgent:
            return self.now
        return self._ticks[0] if self._ticks else Infinity

    def step(self) -> None:
        """Let the next event happen.

        Raises
        ------
        EmptySchedule
            If there is none.
        """
        while True:
            if self._urgent and (first := self._urgent.get(self.now)) is not None:
                event = first.popleft()
                if not first:
                    del self._urgent[self.now]
                break
            event = next(self._events, None)
            if event is not None:
                break
            self._advance()
        callbacks, event.callbacks = event.callbacks, None
        try:
            for callback in callbacks:
                callback(event)
        except StopSimulation:  # of `run(until=...)`: what the event was to do besides is done when the run goes on
            event.callbacks = callbacks[callbacks.index(callback) + 1 :]
            self.schedule(event, URGENT)
            raise
        if not event._ok and not hasattr(event, "_defused"):
            raise event._value

    def _advance(self) -> None:
        """Go on to the next tick that has events."""
        if self._within:
            del self._buckets[self.now]
            self._within = False
        self.tick = -1.0  # the list that `bucket` is may be over
        if not self._ticks:
            raise EmptySchedule
        self.now = heappop(self._ticks)
        self._events = iter(self._buckets[self.now])
        self._within = True


class _Start:
    """The event that starts a process."""

    _ok = True
    _value = None


class ActorProcess(Process):
    """The process of an actor; it starts when it is made.

    SimPy's own processes are started by an event each: for a million of them that takes as long as half a forward pass.
    """

    def __init__(self, world: World, generator: Generator[Any, Any, None]) -> None:
        self.env = world
        self.callbacks = []
        self._generator = generator
        self._resume(_Start)  # type: ignore[arg-type]


class Receiver(Protocol):
    """An actor at an end of a channel; each end takes only what can arrive there."""

    def on_value(self, port: int, tag: int, value: Value, version: int) -> None:
        """Take in a value on a port; `version` is that of a parameter."""

    def on_gradient(self, place: int, tag: int, gradient: Value, version: int) -> None:
        """Take in the gradient that comes back along one wire of the fan-out; `version` is that of a parameter."""


class Message:
    """A value or gradient on its way; as an event it happens when it arrives.

    It does not derive from SimPy's `Event`, which would give each message a dict of its own.

    Attributes
    ----------
    channel : Channel
        The wire it travels.
    tag : int
        The example or microbatch it belongs to.
    payload : float or ndarray
        What it carries.
    version : int
        Which version of a parameter it is, or was computed from.
    """

    __slots__ = ("callbacks", "channel", "payload", "tag", "version")
    _ok = True

    callbacks: tuple[Callable[["Message"], None]]
    channel: "Channel"
    tag: int
    payload: Value
    version: int


def _deliver_value(message: Message) -> None:
    channel = message.channel
    channel.world.spare.append(message)
    channel.target.on_value(channel.port, message.tag, message.payload, message.version)


def _deliver_gradient(message: Message) -> None:
    channel = message.channel
    channel.world.spare.append(message)
    channel.source.on_gradient(channel.place, message.tag, message.payload, message.version)


# The callbacks of all messages; `step` only reads them.
DELIVER_VALUE = (_deliver_value,)
DELIVER_GRADIENT = (_deliver_gradient,)


class Road(Protocol):
    """What a channel asks when a message will arrive, unless that is always so many ticks later."""

    def __call__(self, channel: "Channel", forward: bool, tag: int, payload: Value, version: int) -> float | None:
        """Return the tick of arrival after recording the message, or None if the road brings it itself."""


#: Ticks, a road, or None where a message is handed over by a call, at once and without an event.
Way: TypeAlias = float | Road | None


class Channel:
    """One wire: its two ends, and what a message takes in either direction.

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
    there, back : float, Road or None
        What a value takes there and a gradient back.
    """

    __slots__ = ("back", "index", "place", "port", "source", "target", "there", "world")

    def __init__(
        self, world: World, index: int, source: Any, place: int, target: Any, port: int, there: Way, back: Way
    ) -> None:
        self.world = world
        self.index = index
        self.source = source
        self.place = place
        self.target = target
        self.port = port
        self.there = there
        self.back = back

    def send(self, tag: int, payload: Value, version: int = 0) -> None:
        """Send a value to the target."""
        world, way = self.world, self.there
        if way.__class__ is not float:
            self._send_by(way, True, tag, payload, version)
            return
        now = world.now
        end = now + way
        if end != world.tick:
            world.open(end)
        message = world.spare.pop() if world.spare else Message()
        message.callbacks = DELIVER_VALUE
        message.channel = self
        message.tag = tag
        message.payload = payload
        message.version = version
        world.bucket.append(message)
        world.sent += 1
        if world.record is not None:
            world.record(VALUE, self.index, tag, now, end, payload, version)

    def send_back(self, tag: int, payload: Value, version: int = 0) -> None:
        """Send a gradient back to the source."""
        world, way = self.world, self.back
        if way.__class__ is not float:
            self._send_by(way, False, tag, payload, version)
            return
        now = world.now
        end = now + way
        if end != world.tick:
            world.open(end)
        message = world.spare.pop() if world.spare else Message()
        message.callbacks = DELIVER_GRADIENT
        message.channel = self
        message.tag = tag
        message.payload = payload
        message.version = version
        world.bucket.append(message)
        world.sent += 1
        if world.record is not None:
            world.record(GRADIENT, self.index, tag, now, end, payload, version)

    def _send_by(self, way: Any, forward: bool, tag: int, payload: Value, version: int) -> None:
        world = self.world
        world.sent += 1
        if way is not None:
            end = way(self, forward, tag, payload, version)
            if end is not None:
                self.arrive_at(end, forward, tag, payload, version)
            return
        if world.record is not None:
            now = world.now
            world.record(VALUE if forward else GRADIENT, self.index, tag, now, now, payload, version)
        if forward:
            self.target.on_value(self.port, tag, payload, version)
        else:
            self.source.on_gradient(self.place, tag, payload, version)

    def arrive_at(self, tick: float, forward: bool, tag: int, payload: Value, version: int) -> None:
        """Let a message arrive at a tick."""
        world = self.world
        message = world.spare.pop() if world.spare else Message()
        message.callbacks = DELIVER_VALUE if forward else DELIVER_GRADIENT
        message.channel = self
        message.tag = tag
        message.payload = payload
        message.version = version
        if tick != world.tick:
            world.open(tick)
        world.bucket.append(message)

    def deliver(self, forward: bool, tag: int, payload: Value, version: int) -> None:
        """Hand a message over now."""
        if forward:
            self.target.on_value(self.port, tag, payload, version)
        else:
            self.source.on_gradient(self.place, tag, payload, version)
