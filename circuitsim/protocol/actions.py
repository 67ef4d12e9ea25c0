"""What a node asks its driver to do, and the frames that travel between nodes."""

from typing import Any, NamedTuple, TypeAlias

__all__ = ["Action", "Deliver", "Fail", "Frame", "Key", "Send", "Timer"]

Key: TypeAlias = int | str  # what the driver calls a peer


class Frame(NamedTuple):
    """What travels from a node to a peer: at most one message, and always the acknowledgements for the way back.

    Parameters
    ----------
    life : int
        The life of the node that sent it.
    number : int or None
        The number of the message that it carries; None if it carries none.
    body : object
        The message.
    saved : int
        How many messages of the peer are in a saved state of the sender: the peer may forget them.
    taken : int
        How many messages of the peer the sender has delivered in this life: no need to send them again as long as it
        lives.
    gap : bool
        Whether later messages of the peer have arrived and wait for number `taken`.
    """

    life: int
    number: int | None
    body: Any
    saved: int
    taken: int
    gap: bool


class Send(NamedTuple):
    """Put a frame into the queue to a peer, and call `Node.left` when it has left it."""

    peer: Key
    frame: Frame


class Timer(NamedTuple):
    """Call `Node.timer` with this key after a delay."""

    key: tuple[Key, int]
    delay: float


class Deliver(NamedTuple):
    """Hand a message to the app."""

    peer: Key
    body: Any


class Fail(NamedTuple):
    """Give up: nothing is heard from a peer."""

    peer: Key
    sentence: str


Action: TypeAlias = Send | Timer | Deliver | Fail
