"""What a record of a trace can say: its kind, its fields, and the stages and devices that it may tell of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from circuitsim.circuit.netlist import Netlist
from circuitsim.gates.value import Value

__all__ = ["ANSWER", "ARRAY", "COLUMNS", "FATES", "MESSAGES", "PIECES", "Kind", "Layout", "Record"]


class Kind(IntEnum):
    """The kinds of record in a trace."""

    VALUE = 0  #: a value travels forward along a wire
    GRADIENT = 1  #: a gradient travels backward along a wire
    FORWARD = 2  #: a gate computes its output
    BACKWARD = 3  #: a gate has its gradient and computes what to send back; a parameter has an example's gradient
    F = 4  #: a stage goes forward
    I = 5  # noqa: E741  #: a stage computes gradients to the data
    W = 6  #: a stage computes gradients to the parameters
    B = 7  #: a stage does both at once
    UPDATE = 8  #: a parameter takes a new value
    WAITED = 9  #: a message waits for its link; the next record is the message
    OUTAGE = 10  #: a device is down
    CHANGE = 11  #: what a worker changed about a parameter travels to the server
    READ = 12  #: a stage begins a piece of work with a parameter that moves while examples are under way


# What the actors write: the members themselves, because finding one in its enum takes longer than sending a number.
VALUE, GRADIENT, FORWARD, BACKWARD = Kind.VALUE, Kind.GRADIENT, Kind.FORWARD, Kind.BACKWARD

MESSAGES = frozenset((Kind.VALUE, Kind.GRADIENT, Kind.CHANGE))
PIECES = frozenset((Kind.F, Kind.I, Kind.W, Kind.B))

FATES = ("arrived", "lost", "dropped")
ANSWER = 4  #: the flag in the detail of a message by which it is a server's answer to a replica's own parameter
ARRAY = 64  #: the flag in a record's kind by which its value is a place in the list of arrays
COLUMNS = np.dtype(
    [
        ("kind", "i1"), ("detail", "<i2"), ("where", "<i4"), ("tag", "<i4"), ("version", "<i4"),
        ("start", "<f8"), ("end", "<f8"), ("value", "<f8"),
    ]
)  # fmt: skip


class Record(NamedTuple):
    """Something that happened, from `start` to `end`, in ticks.

    Attributes
    ----------
    kind : Kind
        What it is.
    where : int
        The number of a wire for messages, what waited and what was read, of a node for firings and updates, of a stage
        for pieces of work, of a device for outages.
    tag : int
        The example that it belongs to; for an update the last one in it.
    start, end : float
        For messages when the link took it up and when it arrived; for an update when it was made and when it was safe.
    value : float or ndarray
        What travels; for a gate's firing forward its output, backward the gradient that it has received in all; for F
        the bytes that are kept for the backward pass; for an update the parameter's new value; for READ what was read.
    version : int
        Of the parameter: the one that a message carries or that was read, the one that a gradient was computed from
        (for a parameter's BACKWARD the oldest of these), the one that an update made.
    detail : int
        For messages what became of them, a place in `FATES`; for those that carry a parameter to one of several
        replicas ``8 * replica`` more, and `ANSWER` more if they are for the replica's own parameter and not for a
        stage; for pieces the replica; for READ the kind of the piece; for an update its staleness, how many versions
        were made between the one that the gradient was computed from and this one.
    """

    kind: Kind
    where: int
    tag: int
    start: float
    end: float
    value: Value
    version: int = 0
    detail: int = 0

    @property
    def fate(self) -> str:
        """What became of a message."""
        return FATES[self.detail & 3]


@dataclass(frozen=True)
class Layout:
    """Which stages of a circuit were on which devices: what the records of a stream are to be read with.

    Attributes
    ----------
    devices : tuple of str
        The names of all devices; with replicas those of each in turn, then the server.
    stages : tuple of tuple of str
        The names of the gates of each stage.
    homes : tuple of int
        The device of each stage, within a replica.
    batch : int
        The number of microbatches in a batch: example `tag` is microbatch ``tag % batch``.
    replicas : int or None
        How many times the stages are there; None if once and without a server.
    sizes : mapping of int to float
        The bytes of a message, by wire, where they were declared.
    local : bool
        Whether each replica has parameters of its own, which tell the server what they changed.
    values : bool
        Whether records of messages hold what these carry; if not, they hold the bytes of it.
    """

    devices: tuple[str, ...]
    stages: tuple[tuple[str, ...], ...]
    homes: tuple[int, ...]
    batch: int = 1
    replicas: int | None = None
    sizes: Mapping[int, float] = field(default_factory=dict)
    local: bool = False
    values: bool = True

    @property
    def server(self) -> int | None:
        """The device of the server, if there is one."""
        return None if self.replicas is None else len(self.devices) - 1

    def device(self, stage: int, replica: int) -> int:
        """Return the device of a stage."""
        each = len(self.devices) if self.replicas is None else (len(self.devices) - 1) // self.replicas
        return replica * each + self.homes[stage]

    def stage_of(self, netlist: Netlist) -> dict[int, int]:
        """Return the stage of each gate, by node."""
        gates = netlist.of_kind("gate")
        return {gates[name]: stage for stage, names in enumerate(self.stages) for name in names}
