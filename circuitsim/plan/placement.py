"""Which gates work together as a stage, and which device each stage is on."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import accumulate, pairwise

from circuitsim import checks
from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.netlist import Netlist
from circuitsim.circuit.wire import Wire, by_name, name_of
from circuitsim.errors import InputError
from circuitsim.habits import told
from circuitsim.plan.plain_values import Written

__all__ = ["Placement", "place"]


#: About how many bytes a device takes in a run, at the least.
DEVICE = 2_000


@told
@dataclass(frozen=True, repr=False)
class Placement(Written):
    """The stages of a circuit and their devices.

    Attributes
    ----------
    stages : tuple of tuple of str
        The names of the gates of each stage, in an order in which they can be computed. What enters a stage comes
        from stages before it.
    homes : tuple of int
        The number of the device of each stage.
    names : tuple of str
        The names of the devices.
    by_hand : bool
        Whether the devices were chosen by hand; a schedule may choose them otherwise.

    Raises
    ------
    InputError
        If there is no device for each stage.
    """

    stages: tuple[tuple[str, ...], ...]
    homes: tuple[int, ...]
    names: tuple[str, ...]
    by_hand: bool = False

    def __post_init__(self) -> None:
        settle = object.__setattr__
        for name in ("stages", "homes", "names"):
            if isinstance(given := getattr(self, name), str) or not isinstance(given, Iterable):
                raise InputError(f"the {name} of a placement are {given!r}: give several, or let place make it")
        settle(self, "stages", tuple(tuple(stage) if isinstance(stage, Iterable) else () for stage in self.stages))
        settle(self, "homes", tuple(checks.count(home, "the device of a stage", least=0) for home in self.homes))
        settle(self, "names", tuple(map(str, self.names)))
        if len(self.homes) != len(self.stages) or max(self.homes, default=0) >= len(self.names):
            raise InputError(
                f"a placement has {len(self.stages)} stages, on devices {self.homes} of {len(self.names)}: give one of "
                "them for each stage"
            )

    def with_replicas(self, replicas: int | None) -> tuple[str, ...]:
        """Return the names of all devices: these once for each replica, and a server; these alone, if None."""
        if replicas is None:
            return self.names
        checks.fits(DEVICE * replicas * len(self.names), f"a run on {checks.shown(replicas)} replicas", "give fewer")
        return (*(f"{name} of {number}" for number in range(replicas) for name in self.names), "server")


@told
def place(
    circuit: Circuit | Netlist,
    stages: int | Mapping[str, str | Iterable[str]] | None = None,
    *,
    devices: int | None = None,
    cost: Mapping[str, float] | Callable[[str], float] | None = None,
) -> Placement:
    """Put the gates of a circuit on devices.

    Parameters
    ----------
    circuit : Circuit or Netlist
        What to place.
    stages : int or mapping, optional
        A number cuts the topological order of the gates into so many stages, one a device, so that the costliest is as
        cheap as it can be. A mapping gives each device by name the gates that it does, wires, names or patterns, as in
        ``{"left": ["mul*", "add1"], "right": "tanh?"}``. If not given, every gate has a device to itself.
    devices : int, optional
        How many devices take the stages in turn; as many as there are stages, if not given.
    cost : mapping or callable, optional
        What a gate costs, by its name: 1 for each, if not given.

    Returns
    -------
    Placement

    Raises
    ------
    InputError
        If there are more stages than gates, a gate is on no device or on two, or a cost is no positive number.

    Examples
    --------
    >>> import circuitsim as cs
    >>> place(cs.parse("tanh(tanh(tanh(x) * 2) + 1)"), stages=2).stages
    (('tanh1', 'mul1'), ('tanh2', 'add1', 'tanh3'))
    """
    netlist = circuit if isinstance(circuit, Netlist) else Netlist(circuit)
    gates = list(netlist.of_kind("gate"))
    if not gates:
        raise InputError(f"circuit {netlist.name!r} has no gates: there is nothing to put on a device")
    if isinstance(stages, Mapping):
        return _by_pattern(netlist, gates, stages)
    several = len(gates) if stages is None else checks.whole(stages)
    if several is None:
        raise InputError(f"stages is {stages!r}: give a number, or a mapping of devices to gates")
    if not 1 <= several <= len(gates):
        raise InputError(
            f"circuit {netlist.name!r} cannot be cut into {several} stages: it has {len(gates)} gates, one at least "
            "for each stage"
        )
    cost = by_name(cost, netlist.name) if isinstance(cost, Mapping) else cost
    parts = _balance([_cost(cost, name) for name in gates], several)
    cut = tuple(tuple(gates[start:end]) for start, end in parts)
    there = several if devices is None else checks.whole(devices)
    if there is None or not 1 <= there <= several:
        raise InputError(f"{several} stages cannot be spread over {devices} devices: give at most one for each stage")
    return Placement(
        cut, tuple(stage % there for stage in range(several)), tuple(f"device {device}" for device in range(there))
    )


def _cost(cost: Mapping[str, float] | Callable[[str], float] | None, name: str) -> float:
    value = 1.0 if cost is None else cost(name) if callable(cost) else cost.get(name, 1.0)
    return checks.number(value, f"the cost of gate {name!r}")


def _balance(costs: list[float], count: int) -> list[tuple[int, int]]:
    """Cut a row of costs into so many parts that the largest sum is least; return where each begins and ends."""
    total = [0.0, *accumulate(costs)]
    size = len(costs)
    # least[i]: the least largest sum of the first i costs in the parts so far; cuts remembers where the last begins.
    least = total[:]
    cuts: list[list[int]] = []
    for part in range(2, count + 1):
        previous, least, begins = least, [float("inf")] * (size + 1), [0] * (size + 1)
        begin = part - 1
        for end in range(part, size + 1):
            begin = max(begin, part - 1)
            # Both sides are monotonic in where the last part begins, so the best beginning only moves right.
            while begin + 1 < end and previous[begin + 1] <= total[end] - total[begin + 1]:
                begin += 1
            for start in (begin, begin + 1):
                if start < end and (worst := max(previous[start], total[end] - total[start])) < least[end]:
                    least[end], begins[end] = worst, start
        cuts.append(begins)
    ends = [size]
    for begins in reversed(cuts):
        ends.append(begins[ends[-1]])
    edges = [0, *reversed(ends)]
    return list(pairwise(edges))


def _by_pattern(netlist: Netlist, gates: list[str], devices: Mapping[str, str | Iterable[str]]) -> Placement:
    names = tuple(devices)
    home: dict[str, int] = {}
    for device, (name, patterns) in enumerate(devices.items()):
        for pattern in map(name_of, [patterns] if isinstance(patterns, str | Wire) else patterns):
            matched = [gate for gate in gates if fnmatchcase(gate, pattern)]
            if not matched:
                raise InputError(f"device {name!r} is given {pattern!r}, but no gate has such a name: {_some(gates)}")
            for gate in matched:
                if home.setdefault(gate, device) != device:
                    raise InputError(f"gate {gate!r} is on two devices, {names[home[gate]]!r} and {name!r}: choose one")
    if not names:
        raise InputError("there are no devices: give each by name the gates that it does")
    if lost := [gate for gate in gates if gate not in home]:
        raise InputError(f"gate {lost[0]!r} is on no device: give it to one of {', '.join(map(repr, names))}")

    # A device may be passed more than once; each time is a stage of its own, so that no stage waits for itself.
    numbers = netlist.of_kind("gate")
    visit: dict[str, int] = {}
    for name in gates:
        before = [netlist.nodes[netlist.wires[wire].source].name for wire in netlist.incoming[numbers[name]]]
        visit[name] = max((visit[s] + (home[s] != home[name]) for s in before if s in visit), default=0)
    groups: dict[tuple[int, int], list[str]] = {}
    for name in gates:
        groups.setdefault((visit[name], home[name]), []).append(name)
    ordered = sorted(groups)
    return Placement(
        tuple(tuple(groups[key]) for key in ordered), tuple(device for _, device in ordered), names, by_hand=True
    )


def _some(names: list[str]) -> str:
    return f"they are {', '.join(names[:8])}{' …' if len(names) > 8 else ''}"
