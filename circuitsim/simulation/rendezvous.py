"""Transfers that block: a send waits for its receive and a receive for its send, as on a stream of a GPU.

A schedule that writes its transfers out says when each device sends and receives. Either side comes to the transfer in
its own order, and does nothing else in that order until both have come and the message is over.
"""

from typing import Any

from circuitsim.gates.value import Value
from circuitsim.plan.schedule import Work
from circuitsim.simulation.device import Piece
from circuitsim.simulation.kernel import Channel, Road, World
from circuitsim.simulation.links import Line

__all__ = ["Rendezvous"]


class Rendezvous:
    """Where senders and receivers meet.

    Parameters
    ----------
    world : World
        The clock.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.held: dict[Work, list[tuple[Line, Channel, bool, Value, int]]] = {}  # what each send will carry
        self.made: set[Work] = set()  # sends whose work is done, also if they carry nothing
        self.here: dict[Work, Piece] = {}  # who has come to a transfer and waits

    def road(self, line: Line, stage: int) -> Road:
        """Return the way of messages that a stage sends over a link: they wait for their transfer."""

        def hold(channel: Channel, forward: bool, tag: int, payload: Value, version: int) -> None:
            work = Work("SEND_F" if forward else "SEND_B", stage, tag)
            self.held.setdefault(work, []).append((line, channel, forward, payload, version))

        return hold

    def can(self, kind: str, stage: int, tag: int) -> bool:
        """Tell whether a device can come to a transfer: to a receive at any time, to a send when its work is done."""
        return kind[0] == "R" or Work(kind, stage, tag) in self.made

    def done(self, kind: str, stage: int, tag: int) -> None:
        """Take note of a piece of work that is done: what it has made can be sent."""
        if kind != "W":
            self.made.add(Work("SEND_F" if kind == "F" else "SEND_B", stage, tag))

    def come(self, piece: Piece) -> None:
        """Come to a transfer; with the second side, begin it."""
        side, _, way = piece.kind.partition("_")
        step = 1 if way == "F" else -1
        sending = Work(f"SEND_{way}", piece.stage if side == "SEND" else piece.stage - step, piece.tag)
        receiving = Work(f"RECV_{way}", sending.stage + step, piece.tag)
        self.here[Work(piece.kind, piece.stage, piece.tag)] = piece
        if sending not in self.here or receiving not in self.here:
            return
        last = self.world.now
        self.made.remove(sending)
        for line, channel, forward, payload, version in self.held.pop(sending, ()):
            end = line(channel, forward, piece.tag, payload, version)
            channel.arrive_at(end, forward, piece.tag, payload, version)
            last = max(last, end)
        over = _Over((self.here.pop(sending), self.here.pop(receiving)))
        if last != self.world.tick:
            self.world.open(last)
        self.world.bucket.append(over)


class _Over:
    """The end of a transfer, for both sides, as an event."""

    _ok = True

    def __init__(self, pieces: tuple[Piece, Piece]) -> None:
        self.pieces = pieces
        self.callbacks: Any = (_go_on,)


def _go_on(over: _Over) -> None:
    for piece in over.pieces:
        piece.device.end(piece)
