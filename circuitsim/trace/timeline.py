"""What happened in a stream of examples: work, transfers, updates and outages, each with its time.

Everything that is reported or drawn of a stream's devices is read from its `Timeline`, which is derived from its trace.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from circuitsim.circuit.wire import Wire, name_of
from circuitsim.errors import TraceError
from circuitsim.gates.value import Value, size_of
from circuitsim.habits import told
from circuitsim.spelling import shown
from circuitsim.trace.kinds import ANSWER, MESSAGES, PIECES, Kind, Record
from circuitsim.trace.records import Records

__all__ = ["WORK", "Outage", "Piece", "Timeline", "Transfer", "Update"]

#: The kinds of work, and what they are called.
WORK = {"F": "forward", "B": "backward", "I": "to the data", "W": "to the weights"}


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

    `what` is ``"value"`` (forward along a wire), ``"gradient"`` (back along it), ``"weights"`` (a new version of a
    parameter) or ``"change"`` (how far a replica moved a parameter of its own); the tag of weights is the version.
    `sent` is when it was ready to go, `start` when the link took it up; `fate` is ``"arrived"``, ``"lost"``, or
    ``"dropped"`` for what the receiver had already or was not there to take.
    """

    what: str
    wire: int
    tag: int
    source: int
    target: int
    sent: float
    start: float
    end: float
    size: float
    fate: str


class Update(NamedTuple):
    """A parameter's new version: from the gradient of which example, computed from which version, when, and where."""

    parameter: str
    tag: int
    read: int
    made: int
    time: float
    value: Value
    device: int

    @property
    def staleness(self) -> int:
        """How many updates the parameter went through while the gradient was under way."""
        return self.made - 1 - self.read


class Outage(NamedTuple):
    """The time for which a device was down after a crash."""

    device: int
    start: float
    end: float


@told
@dataclass
class Timeline:
    """What devices, links and parameters did in a stream: lists of events in order of time.

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

    @classmethod
    def of(cls, trace: Records) -> "Timeline":
        """Read the timeline of a trace.

        Raises
        ------
        TraceError
            If the circuit did not run on devices.
        """
        layout = trace.layout
        if layout is None:
            raise TraceError(f"circuit {shown(trace.netlist.name)} ran without devices: there is no timeline of them")
        timeline = cls(layout.devices, layout.batch)
        places = _Places(trace)
        names = [node.name for node in trace.netlist.nodes]
        waited: Record | None = None
        for record in trace:
            kind, where, tag, start, end, value, version, detail = record
            if kind in PIECES:
                device, size = layout.device(where, detail), int(value) if kind is Kind.F else 0
                timeline.work.append(Piece(device, kind.name, where, tag, start, end, size))
            elif kind in MESSAGES and (ends := places.of(record)) is not None:
                what = "weights" if kind is Kind.VALUE and places.is_parameter(record) else kind.name.lower()
                since = waited.start if waited is not None and waited.where == where else start
                timeline.transfers.append(
                    Transfer(
                        what,
                        where,
                        version if what == "weights" else tag,
                        *ends,
                        since,
                        start,
                        end,
                        layout.sizes.get(where, size_of(value)) if layout.values else _whole(value),
                        record.fate,
                    )
                )
            elif kind is Kind.UPDATE:
                home = places.home(where, trace.replicas.get(tag, 0))
                timeline.updates.append(Update(names[where], tag, version - 1 - detail, version, start, value, home))
            elif kind is Kind.OUTAGE:
                timeline.outages.append(Outage(where, start, end))
            waited = record if kind is Kind.WAITED else None
        timeline.transfers.sort(key=lambda transfer: transfer.end)
        return timeline

    def to_records(self) -> list[dict[str, Any]]:
        """Return one dictionary a piece of work, as ``pandas.DataFrame`` and ``polars.DataFrame`` take them.

        Examples
        --------
        >>> import circuitsim as cs
        >>> cs.Simulation(cs.parse("tanh(2 * x)"), cs.Plan(1)).stream([{"x": 1}]).timeline.to_records()[1]
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

    def staleness(self, parameter: str | Wire | None = None) -> list[int]:
        """Return the staleness of every update, of one parameter or of all, in order."""
        wanted = name_of(parameter)
        return [update.staleness for update in self.updates if wanted in (None, update.parameter)]


class _Places:
    """Which devices the ends of messages are on."""

    def __init__(self, trace: Records) -> None:
        assert trace.layout is not None
        self.netlist = trace.netlist
        self.layout = trace.layout
        self.stages = trace.layout.stage_of(trace.netlist)
        self.replicas = trace.replicas
        self.parameters = {i for i, node in enumerate(trace.netlist.nodes) if node.kind == "parameter"}
        self.known: dict[tuple[int, Kind, int, int], tuple[int, int] | None] = {}

    def is_parameter(self, record: Record) -> bool:
        """Tell whether a message travels between a parameter and one of its users."""
        return self.netlist.wires[record.where].source in self.parameters

    def of(self, record: Record) -> tuple[int, int] | None:
        """Return the devices that a message left and was for; None if it was not between two devices."""
        own = record.kind is Kind.VALUE and self.is_parameter(record)
        replica = record.detail >> 3 if own else self.replicas.get(record.tag, 0)
        key = record.where, record.kind, record.detail & ANSWER, replica
        if key not in self.known:
            self.known[key] = self._ends(*key)
        return self.known[key]

    def _ends(self, wire: int, kind: Kind, answer: int, replica: int) -> tuple[int, int] | None:
        source, target, _ = self.netlist.wires[wire]
        forward, weights = kind is Kind.VALUE, source in self.parameters
        if kind is Kind.CHANGE or (weights and forward and answer):
            near: int | None = self.layout.server
            far: int | None = self.home(source, replica)
        else:
            near = self.home(source, replica) if weights else self._gate(source, replica)
            far = self._gate(target, replica)
        if near is None or far is None or near == far:
            return None
        return (near, far) if forward else (far, near)

    def _gate(self, node: int, replica: int) -> int | None:
        """Return the device of a gate; inputs, constants and outputs are on none."""
        return self.layout.device(self.stages[node], replica) if node in self.stages else None

    def home(self, node: int, replica: int) -> int:
        """Return the device of a parameter."""
        if self.layout.server is not None and not self.layout.local:
            return self.layout.server
        users = [self.netlist.wires[wire].target for wire in self.netlist.outgoing[node]]
        stages = [self.stages[user] for user in users if user in self.stages]
        return self.layout.device(min(stages, default=0), replica if self.layout.local else 0)


def _whole(size: Any) -> float:
    """Return a number of bytes as a whole number, if it is one."""
    return int(size) if float(size).is_integer() else float(size)
