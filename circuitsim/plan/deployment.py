"""A plan put on a cluster for one circuit: which device is called what and does what, and in what order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

from circuitsim.circuit.netlist import Netlist
from circuitsim.errors import InputError, ScheduleError
from circuitsim.plan.cluster import Cluster, Link
from circuitsim.plan.costs import Costs, Parts
from circuitsim.plan.placement import Placement, place
from circuitsim.plan.plan import Plan
from circuitsim.plan.policy import Policy
from circuitsim.plan.schedule import Schedule
from circuitsim.plan.schedules import SCHEDULES
from circuitsim.spelling import nearest

__all__ = ["Deployment", "check_placed", "deploy", "on_devices_of", "orders"]

FREE = Link()


@dataclass(frozen=True)
class Deployment:
    """What a plan comes to; `deploy` makes it.

    Attributes
    ----------
    plan : Plan
        What was decided.
    cluster : Cluster
        What there is.
    placement : Placement
        The stages, the number of the device of each, and the names of the devices of one replica.
    devices : tuple of str
        The names of all devices: those of one replica after the other, and the server, if there are replicas.
    ticks : mapping of str to list of tuple
        For F, I, W and B what each stage takes: times that are added up.
    kept : list of float or None
        The bytes that F leaves at each stage; None if they are those of the arrays.
    slowdown : tuple of float
        By which factor each device is slower.
    make : callable, optional
        Returns the schedule for so many microbatches; None if a policy decides.
    policy : type of Policy
        What decides without a schedule.
    """

    plan: Plan
    cluster: Cluster
    placement: Placement
    devices: tuple[str, ...]
    ticks: Mapping[str, list[Parts]]
    kept: list[float] | None
    slowdown: tuple[float, ...]
    make: Callable[[int], Schedule] | None = None
    policy: type[Policy] = Policy

    @property
    def each(self) -> int:
        """The number of devices of one replica: device `d` of replica `r` is number ``r * each + d``."""
        return len(self.placement.names)

    @property
    def server(self) -> int | None:
        """The number of the device that keeps the parameters; None if there are no replicas."""
        return len(self.devices) - 1 if self.plan.replicas is not None else None

    @property
    def microbatches(self) -> int | None:
        """How many examples make a batch; None if as many as there are."""
        size = self.plan.microbatches
        if size is None and isinstance(self.plan.schedule, Schedule):
            size = self.plan.schedule.microbatches * (self.plan.replicas or 1)
        return size

    def batch(self, examples: int) -> int:
        """Return how many of so many examples make a batch."""
        return min(self.microbatches or examples, examples)

    def in_flight(self, batch: int) -> int:
        """Return how many examples are under way at a time, with so many in a batch."""
        if self.plan.in_flight is not None:
            return self.plan.in_flight
        slots, one = self.cluster.slots, self.plan.replicas is None
        return batch if self.make is not None or (one and slots == 1) else (self.plan.replicas or 1) * slots

    def link(self, source: int, target: int) -> Link:
        """Return the link from one device to another, by their numbers."""
        link = self.cluster.link
        return link if isinstance(link, Link) else link.get((self.devices[source], self.devices[target]), FREE)

    def share(self, batch: int, replica: int) -> int:
        """Return how many examples of a batch go through a replica that keeps to a schedule: they go in turn."""
        replicas = self.plan.replicas or 1
        return batch // replicas + (replica < batch % replicas)

    def order(self, microbatches: int) -> Schedule | None:
        """Return the order of work for so many microbatches in one replica; None if there is no schedule.

        Raises
        ------
        ScheduleError
            If there is none for so many, or it puts stages on other devices than the placement does.
        """
        if self.make is None:
            return None
        order = self.make(microbatches)
        on_devices_of(order, self.placement)
        return order

    def scheduled(self, batch: int) -> "Deployment":
        """Return the deployment with the devices that the schedule for batches of this size has chosen.

        Raises
        ------
        ScheduleError
            If the schedule does not fit the stages, the devices or the batch.
        InputError
            If it writes out transfers, which cannot be sent again, and something goes wrong in the cluster.
        """
        if self.make is None:
            return self
        order = self.make(self.share(batch, 0))
        if self.cluster.faulty and order.blocking:
            raise InputError(
                "transfers that a schedule writes out cannot be sent again: leave out what goes wrong in the cluster, "
                "or the transfers"
            )
        placement = on_devices_of(order, self.placement)
        used = [r * self.each + d for r in range(self.plan.replicas or 1) for d in range(len(placement.names))]
        if self.server is not None:
            used.append(self.server)
        return replace(
            self,
            placement=replace(placement, by_hand=True),
            devices=tuple(self.devices[device] for device in used),
            slowdown=tuple(self.slowdown[device] for device in used),
        )


def deploy(plan: Plan, netlist: Netlist, cluster: Cluster | None = None, costs: Costs | None = None) -> Deployment:
    """Put a plan on a cluster.

    Parameters
    ----------
    plan : Plan
        What is decided.
    netlist : Netlist
        The circuit.
    cluster : Cluster, optional
        What there is; as many devices as are needed, with nothing between them, if not given.
    costs : Costs, optional
        What work takes; 1 tick for F, I and W each, if not given.

    Raises
    ------
    InputError
        If they do not fit together, or not to the circuit.
    ScheduleError
        If the schedule does not fit the stages.

    Examples
    --------
    >>> import circuitsim as cs
    >>> netlist = Netlist(cs.parse("tanh(tanh(x) * 2) + 1"))
    >>> deployment = deploy(Plan(2, schedule="1f1b"), netlist, Cluster(["left", "right"])).scheduled(batch=3)
    >>> deployment.placement.stages, deployment.devices
    ((('tanh1', 'mul1'), ('tanh2', 'add1')), ('left', 'right'))
    >>> print(deployment.order(3))
    0F0 0F1 0B0 0F2 0B1 0B2
    1F0 1B0 1F1 1B1 1F2 1B2
    """
    cluster = Cluster() if cluster is None else cluster
    costs = Costs() if costs is None else costs
    for name, thing, kind in (("plan", plan, Plan), ("cluster", cluster, Cluster), ("costs", costs, Costs)):
        if not isinstance(thing, kind):
            raise InputError(f"{name} is {thing!r}: give a {kind.__name__}")
    policy = plan.policy
    if policy is None and cluster.slots > 1:
        raise InputError("a schedule says itself what is under way where: leave slots of the cluster out")
    placement, devices = _placed(plan, netlist, cluster)
    if isinstance(cluster.link, Mapping):
        names = (*devices, *_unused(cluster, devices))
        for name in (name for pair in cluster.link for name in pair):
            if name not in names:
                raise InputError(
                    f"a link joins {name!r}, but there is no such device: {nearest(name, names)}they are "
                    f"{', '.join(names)}"
                )
    _check_messages(costs, netlist)
    stages = len(placement.stages)
    made = plan.schedule
    make = None if isinstance(made, type) or policy is not None else orders(made, stages, len(placement.names))
    slowdown = _slowdown(cluster, devices)
    ticks, kept = costs.of_stages(stages), costs.kept_by(stages)
    return Deployment(plan, cluster, placement, devices, ticks, kept, slowdown, make, policy or Policy)


def orders(
    schedule: str | Schedule | Callable[[int, int], Schedule], stages: int, devices: int
) -> Callable[[int], Schedule]:
    """Return a schedule as a function of the number of microbatches alone.

    Raises
    ------
    ScheduleError
        If there is none of this name, or it takes another number of stages; the function raises it if the schedule
        takes other batches.
    """
    if isinstance(schedule, Schedule):

        def given(microbatches: int) -> Schedule:
            if microbatches != schedule.microbatches:
                raise ScheduleError(
                    f"the schedule {schedule.name!r} takes batches of {schedule.microbatches}, but there is one of "
                    f"{microbatches}: give a multiple of it as examples"
                )
            return schedule

        return given
    if callable(schedule):

        def made(microbatches: int) -> Schedule:
            order = schedule(devices, microbatches)
            if not isinstance(order, Schedule):
                raise ScheduleError(f"the schedule's function returned {order!r}: let it return a Schedule")
            return order

        return cache(made)
    if schedule not in SCHEDULES:
        raise ScheduleError(f"there is no schedule {schedule!r}: use fifo or one of {', '.join(SCHEDULES)}")
    chunks = 2 if schedule == "zb-v" else max(2, stages // devices) if schedule == "interleaved" else 1
    if stages % chunks:
        raise ScheduleError(f"{schedule} puts {chunks} stages on each device: {stages} is no multiple of {chunks}")
    more = {"chunks": chunks} if schedule == "interleaved" else {}
    return cache(partial(SCHEDULES[schedule], stages // chunks, **more))


def on_devices_of(schedule: Schedule, placement: Placement) -> Placement:
    """Return the placement with the devices that a schedule has chosen.

    Raises
    ------
    ScheduleError
        If it has other stages, more devices, or puts a stage elsewhere than was chosen by hand.
    """
    if schedule.stages != len(placement.stages):
        raise ScheduleError(
            f"the schedule {schedule.name!r} has {schedule.stages} stages, the circuit is cut into "
            f"{len(placement.stages)}: cut it with stages={schedule.stages}"
        )
    if placement.by_hand and placement.homes != schedule.homes:
        stage = next(s for s, (a, b) in enumerate(zip(placement.homes, schedule.homes, strict=True)) if a != b)
        raise ScheduleError(
            f"the schedule {schedule.name!r} has stage {stage} on rank {schedule.homes[stage]}, but it was put on "
            f"{placement.names[placement.homes[stage]]!r}: change one of them"
        )
    if schedule.devices > len(placement.names):
        raise ScheduleError(
            f"the schedule {schedule.name!r} is for {schedule.devices} devices, there are {len(placement.names)}: "
            "give as many, or another schedule"
        )
    return replace(placement, homes=schedule.homes, names=placement.names[: schedule.devices])


def check_placed(placement: Placement, netlist: Netlist) -> None:
    """Raise `InputError` if a placement is that of another circuit."""
    known, placed = set(netlist.of_kind("gate")), {name for stage in placement.stages for name in stage}
    if odd := sorted(known ^ placed):
        raise InputError(
            f"gate {odd[0]!r} is {'on no device' if odd[0] in known else 'placed, but there is no such gate'}: "
            f"give the placement of circuit {netlist.name!r}"
        )


def _placed(plan: Plan, netlist: Netlist, cluster: Cluster) -> tuple[Placement, tuple[str, ...]]:
    """Return where gates are in one replica, and the names of all devices."""
    replicas, given = plan.replicas or 1, cluster.devices
    named = given if isinstance(given, tuple) else None
    there = len(given) if isinstance(given, tuple) else given  # None: as many as are needed
    if there is not None and there < replicas:
        raise InputError(f"{replicas} replicas need as many devices at least: the cluster has {there}")
    room = None if there is None else there // replicas  # devices of one replica
    if isinstance(plan.stages, Placement):
        placement = plan.stages
        check_placed(placement, netlist)
    elif isinstance(plan.stages, Mapping):
        placement = place(netlist, plan.stages)
    else:
        placement = place(netlist, plan.stages, devices=None if room is None else min(room, plan.stages))
    each = len(placement.names)
    if room is not None and each > room:
        of = "" if plan.replicas is None else f" in each of {replicas} replicas"
        raise InputError(f"the plan needs {each} devices{of}: the cluster has {there}")
    if named is None:
        return placement, placement.with_replicas(plan.replicas)
    if plan.replicas is not None:
        return placement, (*named[: replicas * each], "server")
    if not placement.by_hand:
        placement = replace(placement, names=named[:each])
    elif odd := [name for name in placement.names if name not in named]:
        raise InputError(
            f"the plan puts gates on {odd[0]!r}, but there is no such device: {nearest(odd[0], named)}they are "
            f"{', '.join(named)}"
        )
    return placement, placement.names


def _unused(cluster: Cluster, devices: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the devices of a cluster that a plan leaves out."""
    there = cluster.devices
    names = there if isinstance(there, tuple) else tuple(f"device {number}" for number in range(there or 0))
    return tuple(name for name in names[len(devices) :] if name not in devices)


def _slowdown(cluster: Cluster, devices: tuple[str, ...]) -> tuple[float, ...]:
    """Return the factor of each device."""
    if not cluster.slowdown:  # no name is needed, and there may be very many
        return (1.0,) * len(devices)
    names = (*devices, *_unused(cluster, devices))
    factors: dict[int, float] = {}
    for device, factor in cluster.slowdown.items():
        found = names.index(device) if device in names else None
        number = found if isinstance(device, str) else device
        if number is None or number >= len(names):
            raise InputError(f"there is no device {device!r} to slow down: they are {', '.join(names)}")
        if number in factors:
            raise InputError(f"{names[number]!r} is slowed down twice, by its name and by its number: choose one")
        factors[number] = factor
    return tuple(factors.get(number, 1.0) for number in range(len(devices)))


def _check_messages(costs: Costs, netlist: Netlist) -> None:
    """Raise `InputError` if the bytes of a message are told of what is not there."""
    if isinstance(costs.bytes, Mapping):
        known = [node.name for node in netlist.nodes if node.kind != "output"]
        for name in costs.bytes:
            if name not in known:
                raise InputError(
                    f"circuit {netlist.name!r} has no {name!r} whose messages have bytes: {nearest(str(name), known)}"
                    "give names of gates and parameters"
                )
