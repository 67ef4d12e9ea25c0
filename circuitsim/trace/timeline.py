"""What happened in a stream of examples: work, transfers, updates and outages, each with its time.

Everything that is reported or drawn of a stream is read from its `Timeline`.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from circuitsim.gates.value import Value

__all__ = ["Outage", "Piece", "Timeline", "Transfer", "Update"]


class Piece(NamedTuple):
    """A piece of work, of kind F, I, W or B, that a device did for one example.

    `size` is how many bytes a forward pass (F) leaves for the backward pass; 0 for the others.
    """

    device: int
    kind: str
    stage: int
    tag: int
    start: float
    end: float
    size: int


class Transfer(NamedTuple):
    """A message from one device to another.

    `what` is ``"value"`` (forward along a wire), ``"gradient"`` (back along it) or ``"weights"`` (a new version of a
    parameter); the tag of weights is the version. `sent` is when it was ready to go, `start` when the link took it up;
    `fate` is ``"arrived"``, ``"lost"``, or ``"dropped"`` for what the receiver had already or was not there to take.
    """

    what: str
    wire: int
    tag: int
    source: int
    target: int
    sent: float
    start: float
    end: float
    size: int
    fate: str


class Update(NamedTuple):
    """A parameter's new version: from the gradient of which example, computed from which version, and when."""

    parameter: str
    tag: int
    read: int
    made: int
    time: float
    value: Value

    @property
    def staleness(self) -> int:
        """How many updates the parameter went through while the gradient was under way."""
        return self.made - 1 - self.read


class Outage(NamedTuple):
    """The time for which a device was down after a crash."""

    device: int
    start: float
    end: float


@dataclass
class Timeline:
    """The records of a stream, each list in order of time.

    Attributes
    ----------
    devices : tuple of str
        The names of the devices; records give their numbers.
    batch : int
        The number of microbatches in a batch: example `tag` is microbatch ``tag % batch``.
    """

    devices: tuple[str, ...]
    batch: int
    work: list[Piece] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)

    def to_records(self) -> list[dict[str, Any]]:
        """Return one dictionary a piece of work, as ``pandas.DataFrame`` and ``polars.DataFrame`` take them.

        Examples
        --------
        >>> import circuitsim as cs
        >>> c = cs.parse("tanh(2 * x)")
        >>> cs.Simulation(c).stream([{"x": 1}], devices=cs.place(c, stages=1)).timeline.to_records()[1]
        {'device': 'device 0', 'kind': 'B', 'stage': 0, 'microbatch': 0, 'example': 0, 'start': 1.0, 'end': 3.0}
        """
        return [
            {
                "device": self.devices[device],
                "kind": kind,
                "stage": stage,
                "microbatch": tag % self.batch,
                "example": tag,
                "start": start,
                "end": end,
            }
            for device, kind, stage, tag, start, end, _ in self.work
        ]

    def staleness(self, parameter: str | None = None) -> list[int]:
        """Return the staleness of every update, of one parameter or of all, in order."""
        return [update.staleness for update in self.updates if parameter in (None, update.parameter)]
