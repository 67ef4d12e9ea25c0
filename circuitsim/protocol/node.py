r"""One side of reliable delivery: a state machine without clock, channel, disk or chance.

A `Node` numbers the messages that its app posts to each peer, sends them until they are acknowledged, and delivers
those that it receives once and in order. It does nothing itself: each method returns a list of actions, which its
driver carries out in order, in simulated time or in real time.

The life of a message::

    post      it gets its number; with ``hold`` it then waits until the state that holds it is saved
    Send      it is in the driver's queue; at most one frame to a peer is there at any time
    left      it has left the queue: only now the retry timer starts
    Timer     too late: it is sent again, and the next wait is twice as long, up to a cap, and a
              quarter of that after progress
    receive   the peer keeps it until all before it are there
    Deliver   the peer's app has it
    save      it is in the peer's next snapshot, with what it caused
    saved     the snapshot is safe: the peer acknowledges it, and it is forgotten here

The acknowledgements ride in every frame. A frame of their own is sent for them when a snapshot is saved, when a
message came twice, and when one is missing. A peer that is never saved (``saves=False``) cannot crash, and
acknowledges at once.

After a crash a new Node begins with the newest snapshot and a higher life. Its first frame (`start`) tells all peers
to send again at once what it has lost; frames of its older lives are dropped from then on. Without ``hold`` an app
must redo, to each peer, the same messages in the same order: they get the same numbers, and the peers drop those that
they have. An app whose order of work depends on time needs ``hold``.

A driver is a loop::

    def carry_out(self, actions):
        todo = deque(actions)
        while todo:
            match todo.popleft():
                case Send(peer, frame):
                    self.line[peer].put(frame)              # calls self.carry_out(node.left(peer)) once it has left
                case Timer(key, delay):
                    self.call_later(delay, key)             # calls self.carry_out(node.timer(key))
                case Deliver(peer, body):
                    self.app.take(peer, body)               # may call self.carry_out(node.post(peer, body))
                case Fail(peer, sentence):
                    raise DeadlockError(sentence)

    def save(self):                                         # never while actions wait to be carried out
        snapshot = self.node.save(self.app.state())
        self.store.write(self.node.life, snapshot.number, snapshot)
        self.carry_out(self.node.saved(snapshot.number))    # at once, or when the disk says so

    def begin(self):                                        # also after a crash
        life, snapshot = self.store.begin()
        self.app = App(snapshot and snapshot.app)
        self.node = Node(name, peers, retry, life=life, snapshot=snapshot, saves=True)
        self.carry_out(self.node.start())
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from circuitsim.errors import InputError
from circuitsim.protocol.actions import Action, Deliver, Fail, Frame, Key, Send, Timer
from circuitsim.protocol.peer import Peer, PeerState

__all__ = ["Node", "Snapshot"]


class Snapshot(NamedTuple):
    """A state of a device: that of its app and that of its node, taken at the same instant."""

    number: int
    app: Any
    peers: dict[Key, PeerState]


class Node:
    """Delivery and recovery of one device in one of its lives.

    Parameters
    ----------
    name : str
        What it is called in sentences.
    peers : mapping
        Whom it talks to: what the driver calls them, and what they are called in sentences.
    retry : callable
        Takes a peer and a message; returns the first wait for an acknowledgement, above 0, in ticks from when the
        message has left the queue. Twice the latency, the time that the message takes on the link, and the time
        until the peer has saved its state make a good wait.
    life : int
        Its number, from `Store.begin`.
    snapshot : Snapshot or None
        What it begins with, from `Store.begin`.
    saves : bool
        Whether its state is saved, so that it may crash. If not, it acknowledges at once.
    hold : bool
        Whether a message goes out only when the state that holds it is saved. Needs ``saves``.
    tries : int
        After how many retries without any frame from the peer it gives up.
    cap : int
        By how much the wait may grow.

    Attributes
    ----------
    unsaved : bool
        Whether a message was posted or delivered since the last snapshot.

    Raises
    ------
    InputError
        If a setting makes no sense.
    """

    def __init__(
        self,
        name: str,
        peers: Mapping[Key, str],
        retry: Callable[[Key, Any], float],
        *,
        life: int = 1,
        snapshot: Snapshot | None = None,
        saves: bool = False,
        hold: bool = False,
        tries: int = 20,
        cap: int = 64,
    ) -> None:
        if hold and not saves:
            raise InputError(f"{name} is to hold messages until its state is saved, but is never saved: set saves")
        if tries < 1 or cap < 1:
            raise InputError(f"tries is {tries!r} and cap is {cap!r}: give whole numbers above 0")
        self.name = name
        self.names = dict(peers)
        self.retry = retry
        self.life = life
        self.saves = saves
        self.hold = hold
        self.tries = tries
        self.cap = cap
        self.unsaved = False
        self.number = snapshot.number if snapshot else 0
        states = snapshot.peers if snapshot else {}
        self.peers = {key: Peer(states.get(key, PeerState())) for key in peers}
        self.pending: dict[int, dict[Key, PeerState]] = {}  # snapshots under way

    @property
    def unacknowledged(self) -> int:
        """How many messages are kept because a peer has not acknowledged them."""
        return sum(len(peer.kept) for peer in self.peers.values())

    def start(self) -> list[Action]:
        """Begin; after a restart tell all peers, and send again what was not acknowledged."""
        actions: list[Action] = []
        for key, peer in self.peers.items():
            peer.owes = self.life > 1
            self._go(key, actions)
        return actions

    def post(self, peer: Key, body: Any) -> list[Action]:
        """Send a message to a peer, as soon as it may go out."""
        there = self.peers[peer]
        there.post(body)
        self.unsaved = True
        if not self.hold:
            there.released = there.posted
        return self._go(peer, [])

    def receive(self, peer: Key, frame: Frame) -> list[Action]:
        """Take a frame from a peer."""
        there, actions = self.peers[peer], list[Action]()
        if frame.life < there.life:
            return actions
        there.hear(frame)
        if frame.number is not None:
            for body in there.take(frame.number, frame.body):
                actions.append(Deliver(peer, body))
                self.unsaved = True
            there.owes |= not self.saves
        return self._go(peer, actions)

    def drops(self, peer: Key, frame: Frame) -> bool:
        """Tell whether the message in a frame would be dropped: it has arrived, or it is from an older life."""
        there = self.peers[peer]
        return frame.number is not None and (frame.life < there.life or there.has(frame.number))

    def left(self, peer: Key) -> list[Action]:
        """Note that the frame in the queue to a peer has left it."""
        there = self.peers[peer]
        there.busy, there.queued = False, None
        return self._go(peer, [])

    def timer(self, key: tuple[Key, int]) -> list[Action]:
        """Note that a timer has run out; one that is no longer needed does nothing."""
        peer, clock = key
        there = self.peers[peer]
        if not there.ticking or clock != there.clock:
            return []
        if there.silent >= self.tries:
            name = self.names[peer]
            return [Fail(peer, (
                f"nothing was heard from {name} while {self.name} sent message {there.overdue()} again "
                f"{self.tries} times: {name} or the link to it is dead, or tries is too low"
            ))]  # fmt: skip
        there.silent += 1
        there.factor = min(2 * there.factor, self.cap)
        there.ticking, there.again = False, True
        return self._go(peer, [])

    def save(self, app: Any) -> Snapshot:
        """Return the state to be saved, given that of the app; call it when all actions have been carried out."""
        self.number += 1
        self.unsaved = False
        snapshot = Snapshot(self.number, app, {key: peer.state() for key, peer in self.peers.items()})
        self.pending[self.number] = snapshot.peers
        return snapshot

    def saved(self, number: int) -> list[Action]:
        """Note that a snapshot is saved: acknowledge what it holds, and release what was held back for it."""
        actions: list[Action] = []
        states = self.pending.get(number, {})
        self.pending = {later: states for later, states in self.pending.items() if later > number}
        for key, state in states.items():
            peer = self.peers[key]
            peer.released = max(peer.released, state.posted)
            peer.owes |= state.taken > peer.saved
            peer.saved = state.taken
            self._go(key, actions)
        return actions

    def _safe(self, peer: Peer) -> int:
        """Return how many messages of a peer may be acknowledged."""
        return peer.saved if self.saves else peer.taken

    def _go(self, key: Key, actions: list[Action]) -> list[Action]:
        """Add what is to be sent to a peer now, and the timer if one is needed."""
        peer = self.peers[key]
        if not peer.busy:
            number = peer.choose()
            if number is not None or peer.owes:
                peer.busy, peer.queued, peer.owes = True, number, False
                body = None if number is None else peer.kept[number]
                frame = Frame(self.life, number, body, self._safe(peer), peer.taken, bool(peer.early))
                actions.append(Send(key, frame))
        overdue = peer.overdue()
        if overdue is not None and not peer.ticking and not peer.again:
            peer.ticking = True
            peer.clock += 1
            actions.append(Timer((key, peer.clock), self.retry(key, peer.kept[overdue]) * peer.factor))
        return actions
