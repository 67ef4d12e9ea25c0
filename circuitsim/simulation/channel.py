"""A channel is one wire between two actors: values travel it forward, gradients backward.

The delivery of a message is itself the SimPy event: it is scheduled with the wire's latency, and its
callback is the receiver's. A `simpy.Store` for each wire would cost four events where this costs one.
"""

from collections.abc import Callable
from typing import Any

from simpy import Environment, Event
from simpy.events import NORMAL

from circuitsim.gates.value import Value
from circuitsim.simulation.trace import Kind, Trace

__all__ = ["Channel", "Message"]


class Message(Event):
    """A value or gradient on its way; as an event it happens when it arrives.

    Attributes
    ----------
    port : int
        Where the receiver takes it in: an input port on the way forward, a place in the sender's fan-out
        on the way back.
    tag : int
        The example it belongs to.
    payload : float or ndarray
        What it carries.
    """

    def __init__(
        self, environment: Environment, callbacks: list[Callable[[Any], None]], port: int, tag: int, payload: Value
    ) -> None:
        # Set by hand, as SimPy's own Timeout does: an event that is bound to happen needs nothing more.
        self.env = environment
        self.callbacks = callbacks  # shared by all messages of a channel; SimPy only reads it
        self._ok = True
        self._value = None
        self.port = port
        self.tag = tag
        self.payload = payload


class Channel:
    """One wire: its two ends, its latency, and how many messages it has carried.

    Parameters
    ----------
    environment : simpy.Environment
        The clock.
    index : int
        The number of the wire in the netlist.
    port, place : int
        The port it enters at its target, and its place among the wires that leave its source.
    latency : callable
        Returns the time that the next message takes, in ticks.
    trace : Trace or None
        Where messages are recorded.
    """

    __slots__ = ("_backward", "_env", "_forward", "index", "latency", "place", "port", "sent", "trace")

    def __init__(
        self,
        environment: Environment,
        index: int,
        port: int,
        place: int,
        latency: Callable[[], float] | float,
        trace: Trace | None,
    ) -> None:
        self._env = environment
        self.index = index
        self.port = port
        self.place = place
        self.latency = latency
        self.trace = trace
        self.sent = 0
        self._forward: list[Callable[[Message], None]] = []
        self._backward: list[Callable[[Message], None]] = []

    def join(self, on_value: Callable[[Message], None], on_gradient: Callable[[Message], None]) -> None:
        """Say who takes values at the target and who takes gradients at the source."""
        self._forward = [on_value]
        self._backward = [on_gradient]

    def send_value(self, tag: int, value: Value) -> None:
        """Send a value to the target."""
        self._send(Message(self._env, self._forward, self.port, tag, value), Kind.VALUE)

    def send_gradient(self, tag: int, gradient: Value) -> None:
        """Send a gradient back to the source."""
        self._send(Message(self._env, self._backward, self.place, tag, gradient), Kind.GRADIENT)

    def _send(self, message: Message, kind: Kind) -> None:
        latency = self.latency if isinstance(self.latency, float) else self.latency()
        self.sent += 1
        self._env.schedule(message, NORMAL, latency)
        if self.trace is not None:
            now = self._env.now
            self.trace.record(kind, self.index, message.tag, now, now + latency, message.payload)
