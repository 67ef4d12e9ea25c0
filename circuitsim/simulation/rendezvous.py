"""Transfers that block: a send waits for its receive and a receive for its send, as on a stream of a GPU.

A schedule that writes its transfers out says when each device sends and receives. Either side comes to the transfer in
its own order, and does nothing else in that order until both have come and the message is over.
"""

from collections.abc import Callable

from simpy import Environment, Event
from simpy.events import NORMAL

from circuitsim.gates.value import Value
from circuitsim.plan.schedule import Work
from circuitsim.simulation.device import Device
from circuitsim.simulation.link import Line
from circuitsim.simulation.stage import Stage

__all__ = ["Rendezvous"]


class Rendezvous:
    """Where senders and receivers meet.

    Parameters
    ----------
    environment : simpy.Environment
        The clock.
    line : callable
        Returns the link that a message takes, given the two devices and the wire.
    """

    def __init__(self, environment: Environment, line: Callable[[int, int, int], Line]) -> None:
        self.env = environment
        self.line = line
        self.held: dict[Work, list[tuple[str, int, Value, int]]] = {}  # what each send will carry, and where to
        self.here: dict[Work, Device] = {}  # who has come to a transfer and waits

    def hold(self, stage: Stage, what: str, wire: int, tag: int, payload: Value, target: Stage) -> None:
        """Keep a message until its transfer."""
        work = Work("SEND_F" if what == "value" else "SEND_B", stage.number, tag)
        self.held.setdefault(work, []).append((what, wire, payload, target.device))

    def announce(self, device: Device, done: Work) -> None:
        """Tell a device that it can send what a piece of work has made."""
        work = Work("SEND_F" if done.kind == "F" else "SEND_B", done.stage, done.microbatch)
        if work in self.held:
            device.ready(work)

    def come(self, device: Device, work: Work) -> None:
        """Come to a transfer; with the second side, begin it."""
        side, _, way = work.kind.partition("_")
        step = 1 if way == "F" else -1
        sending = work if side == "SEND" else Work(f"SEND_{way}", work.stage - step, work.microbatch)
        receiving = Work(f"RECV_{way}", sending.stage + step, work.microbatch)
        self.here[work] = device
        if sending not in self.here or receiving not in self.here:
            return
        end = self.env.now
        sender = self.here[sending].number
        for what, wire, payload, target in self.held.pop(sending):
            line = self.line(sender, target, wire)
            end = max(end, line.carry(line.transfer(what, wire, work.microbatch, payload), payload))
        event = Event(self.env)
        event.callbacks = [self._over]
        event._ok, event._value = True, (sending, receiving)
        self.env.schedule(event, NORMAL, end - self.env.now)

    def _over(self, event: Event) -> None:
        for work in event._value:
            self.here.pop(work).end(work)
