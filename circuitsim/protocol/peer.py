"""What a node knows of one peer: what it has sent there, what it has taken from there, and when to send again.

All numbers are counts from the first message on, so that ``posted`` is also the number of the next message::

    sending     safe <= seen <= sent <= released <= posted
    receiving   saved <= taken

Only after a restart ``safe`` and ``seen`` may be ahead of ``posted``: the peer holds what is still to be redone here.
"""

from typing import Any, NamedTuple

from circuitsim.protocol.actions import Frame

__all__ = ["Peer", "PeerState"]


class PeerState(NamedTuple):
    """What of a `Peer` is part of a saved state; the messages kept are those from ``safe`` to ``posted``."""

    life: int = 1
    safe: int = 0
    posted: int = 0
    taken: int = 0
    kept: tuple[Any, ...] = ()


class Peer:
    """One peer, seen from a node.

    Attributes
    ----------
    life : int
        The newest life of the peer that a frame has come from.
    posted, released, sent : int
        How many messages the app has posted, how many of them may go out, and how many have gone out once since the
        peer's life began.
    seen, safe : int
        How many of them the peer has delivered in its present life, and how many are in a saved state there.
    kept : dict
        The messages that are not acknowledged, by number.
    taken, saved : int
        How many messages of the peer have been delivered here, and how many of them are in a saved state here.
    early : dict
        Messages that have overtaken others, by number.
    busy, queued : bool, int or None
        Whether a frame is in the driver's queue, and the number of the message in it.
    owes : bool
        Whether the peer is to be told `taken` and `saved`.
    again, probing : bool
        Whether a message is to be sent again, and whether this has been done and brought nothing new yet.
    ticking, clock : bool, int
        Whether a timer runs, and its number.
    factor : int
        By how much the wait is longer than at first.
    silent : int
        The retries since the last frame from the peer.
    """

    def __init__(self, state: PeerState) -> None:
        self.life, self.safe, self.posted, self.taken, kept = state
        self.kept: dict[int, Any] = dict(enumerate(kept, self.safe))
        self.released, self.saved = self.posted, self.taken
        self.sent = self.seen = self.safe
        self.early: dict[int, Any] = {}
        self.busy = self.owes = self.again = self.probing = self.ticking = False
        self.queued: int | None = None
        self.clock = self.silent = 0
        self.factor = 1

    def state(self) -> PeerState:
        """Return what is to be saved; early messages are not: the peer sends them again."""
        return PeerState(self.life, self.safe, self.posted, self.taken, tuple(self.kept.values()))

    def post(self, body: Any) -> None:
        """Give a message its number and keep it, unless it is redone and was acknowledged before the restart."""
        if self.posted >= self.safe:
            self.kept[self.posted] = body
        self.posted += 1

    def hear(self, frame: Frame) -> None:
        """Take the acknowledgements in a frame."""
        self.silent = 0
        if frame.life > self.life:  # it has restarted: what it had not saved is to be sent again, at once
            self.life = frame.life
            self.sent = self.seen = frame.taken
            self.factor = 1
            self.again = self.probing = self.ticking = False
        elif frame.saved > self.safe or frame.taken > self.seen:
            self.factor = max(1, self.factor // 4)
            self.again = self.probing = self.probing and frame.gap and frame.taken > self.seen
            self.ticking = False
        for number in range(self.safe, min(frame.saved, self.posted)):
            del self.kept[number]
        self.safe = max(self.safe, frame.saved)
        self.seen = max(self.seen, frame.taken, self.safe)
        self.sent = max(self.sent, self.seen)

    def has(self, number: int) -> bool:
        """Tell whether a message has arrived."""
        return number < self.taken or number in self.early

    def take(self, number: int, body: Any) -> list[Any]:
        """Take a message, and return those that are next, in order."""
        ready = []
        if self.has(number):
            self.owes = True
        else:
            self.owes |= bool(self.early) or number > self.taken
            self.early[number] = body
            while self.taken in self.early:
                ready.append(self.early.pop(self.taken))
                self.taken += 1
        return ready

    def overdue(self) -> int | None:
        """Return what a retry sends: the oldest message not seen there, else the oldest not saved there, if any."""
        number = self.seen if self.seen < self.sent else self.safe
        return number if number in self.kept and number < self.sent and number != self.queued else None

    def choose(self) -> int | None:
        """Return the number of the message to send now, if there is one."""
        if self.again:
            self.again = False
            number = self.overdue()
            if number is not None:
                self.probing = True
                return number
        if self.sent < self.released:
            self.sent += 1
            return self.sent - 1
        return None
