"""What devices there are, and what lies between them: facts, as plain values."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from circuitsim import checks
from circuitsim.errors import InputError
from circuitsim.habits import told
from circuitsim.plan.plain_values import Fixed, Written
from circuitsim.plan.times import Distribution, Ticks, as_ticks

__all__ = ["Cluster", "Link"]


@told
@dataclass(frozen=True, repr=False)
class Link(Written):
    """A link between two devices: its latency, bandwidth and faults, for each direction.

    Parameters
    ----------
    latency : float or Distribution
        The ticks that a message is under way. A random latency lets messages of different examples overtake each
        other.
    bandwidth : float
        How many bytes enter the link in a tick; while a message enters, those behind it wait. Infinite by default.
    serial : bool
        Whether the link carries one message at a time from end to end.
    loss, duplicate : float
        The part of all messages that get lost, and that are sent twice.
    reorder : float
        The part of all messages that are held up on their way, so that others overtake them.
    hold_up : float or Distribution
        For how many ticks at most.

    Raises
    ------
    InputError
        If a latency is no time, the bandwidth is not above 0, or a part is not between 0 and 1.
    """

    latency: Ticks = 0.0
    bandwidth: float = math.inf
    serial: bool = False
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    hold_up: Ticks = 5.0

    def __post_init__(self) -> None:
        settle = object.__setattr__
        bandwidth = checks.number(
            self.bandwidth, "the bandwidth of a link", "bytes a tick", positive=True, finite=False
        )
        settle(self, "bandwidth", bandwidth)
        settle(self, "latency", as_ticks(self.latency, "the latency of a link"))
        settle(self, "hold_up", as_ticks(self.hold_up, "the hold-up on a link"))
        settle(self, "serial", checks.flag(self.serial, "serial"))
        for name in ("loss", "duplicate", "reorder"):
            settle(self, name, checks.probability(getattr(self, name), f"the {name} of a link"))

    @property
    def faulty(self) -> bool:
        """Whether it loses, repeats or holds up messages."""
        return bool(self.loss or self.duplicate or self.reorder)


@told
@dataclass(frozen=True, repr=False)
class Cluster(Written):
    """The devices that a plan runs on, the links between them, and their faults.

    Parameters
    ----------
    devices : int or iterable of str, optional
        How many devices there are, or their names; as many as a plan needs, if not given. A server that keeps the
        parameters of replicas is there besides.
    link : Link or mapping
        What lies between devices, for all pairs or by the pair (from, to) of names; pairs that are not named take no
        time.
    slots : int
        How many pieces of work a device does at a time.
    slowdown : mapping of int or str to float
        By which factor a device, by its number or name, is slower than the others.
    crash_every : float
        The mean ticks from one crash of a device to its next; never, if infinite.
    downtime : float or Distribution
        The ticks that a crashed device is down.

    Raises
    ------
    InputError
        If one of them makes no sense.

    Examples
    --------
    >>> Cluster(4, link=Link(latency=0.5), slowdown={0: 2})
    Cluster(devices=4, link=Link(latency=0.5), slowdown={0: 2.0})
    """

    devices: int | tuple[str, ...] | None = None
    link: Link | Mapping[tuple[str, str], Link] = Link()
    slots: int = 1
    slowdown: Mapping[int | str, float] = field(default_factory=Fixed)
    crash_every: float = math.inf
    downtime: Ticks = 5.0

    def __post_init__(self) -> None:
        settle = object.__setattr__
        if self.devices is not None:
            settle(self, "devices", _devices(self.devices))
        settle(self, "link", _links(self.link))
        settle(self, "slots", checks.count(self.slots, "slots"))
        settle(self, "slowdown", _slowdown(self.slowdown))
        settle(self, "crash_every", checks.ticks(self.crash_every, "crash_every", positive=True, finite=False))
        settle(self, "downtime", as_ticks(self.downtime, "the downtime"))

    @property
    def links(self) -> tuple[Link, ...]:
        """All links that were given."""
        return tuple(self.link.values()) if isinstance(self.link, Mapping) else (self.link,)

    @property
    def crashes(self) -> bool:
        """Whether devices crash."""
        return math.isfinite(self.crash_every)

    @property
    def faulty(self) -> bool:
        """Whether anything goes wrong, so that messages have to be sent again."""
        return self.crashes or any(link.faulty for link in self.links)


def _devices(given: object) -> int | tuple[str, ...]:
    if isinstance(given, Iterable) and not isinstance(given, str | bytes):
        names = tuple(given)
        if not names:
            raise InputError("a cluster has no devices: give a number above 0, or names")
        for place, name in enumerate(names):
            if not isinstance(name, str):
                raise InputError(f"a device is called {name!r}: give texts as names, or a number of devices")
            if name in names[:place]:
                raise InputError(f"two devices are called {name!r}: give each a name of its own")
        return names
    return checks.count(given, "the number of devices")


def _links(given: object) -> Link | Fixed[tuple[str, str], Link]:
    if isinstance(given, Link):
        return given
    if not isinstance(given, Mapping):
        raise InputError(f"a link is {given!r}: give a Link, or a mapping of pairs of devices to links")
    for pair, link in given.items():
        if not isinstance(pair, tuple) or len(pair) != 2 or not all(isinstance(name, str) for name in pair):
            raise InputError(f"links are by pairs of names of devices, (from, to), not by {pair!r}")
        if not isinstance(link, Link):
            raise InputError(f"a link is {link!r}: give a Link")
    return Fixed(given)


def _slowdown(given: object) -> Fixed[int | str, float]:
    if not isinstance(given, Mapping):
        raise InputError(f"slowdown is {given!r}: give a mapping of devices, by number or name, to factors")
    factors: dict[int | str, float] = {}
    for device, factor in given.items():
        if isinstance(factor, Distribution):
            raise InputError(
                f"the slowdown of device {device!r} is {factor!r}: give a number, and let Costs be random instead"
            )
        key = device if isinstance(device, str) else checks.count(device, "the device that slowdown names", least=0)
        factors[key] = checks.number(factor, f"the slowdown of device {device!r}", below=checks.LONGEST)
    return Fixed(factors)
