"""What is decided about a run on devices, as a plain value without a circuit in it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from circuitsim import checks
from circuitsim.circuit.wire import name_of
from circuitsim.errors import InputError, ScheduleError
from circuitsim.habits import told
from circuitsim.plan.placement import Placement
from circuitsim.plan.plain_values import Fixed, Written
from circuitsim.plan.policy import Policy
from circuitsim.plan.schedule import Schedule
from circuitsim.plan.schedules import SCHEDULES
from circuitsim.spelling import nearest

__all__ = ["Order", "Plan"]

#: An order of work: a name, a schedule, a function of the number of devices and of microbatches that returns one, or a
#: policy.
Order: TypeAlias = str | Schedule | Callable[[int, int], Schedule] | type[Policy]


@told
@dataclass(frozen=True, repr=False)
class Plan(Written):
    """Decisions: which gates work together, in what order, on how many examples at a time, and when parameters move.

    Parameters
    ----------
    stages : int, mapping or Placement
        Into how many stages the gates are cut, one a device; or the gates of each device by name or pattern, as in
        ``{"left": ["mul*", "add1"], "right": "tanh?"}``; or what `place` has made. See `place`.
    replicas : int, optional
        How many times the devices are there, each set a worker with examples of its own. The parameters are then kept
        by a server, which is one device more, and sent to the worker whose gradient they answer. If not given, each
        parameter is on the device that uses it first.
    schedule : str, Schedule, callable or subclass of Policy
        The order of work: ``"fifo"``, by which a device does first what was ready first, or the name of another one
        of `schedules.SCHEDULES`, a schedule, a function of the number of devices and of microbatches that returns
        one, or a `Policy` that decides while the stream runs.
    microbatches : int, optional
        How many examples make a batch; as many as the schedule has, if it is one, or else all that are given. A batch
        begins when the one before it is over. Replicas that keep to a schedule take its examples in turn.
    in_flight : int, optional
        How many examples are under way at a time; if not given, one for each slot of each replica where there are
        several, or else all of a batch.
    update : {"sync", "async"}
        Whether parameters move after each batch, by the sum of the gradients in the order of the examples, or with
        the gradient of each example as soon as it is there; a parameter to which no gradient comes then stays as it
        is, springs included.
    versions : int, optional
        How many versions of the parameters are kept, so that an example goes back with those it went forward with; if
        that one is gone, with the oldest kept. 1 goes back with the newest. As many as are needed, if not given.
    local_steps : int
        How many examples a replica learns from by itself before it tells the server how far its parameters have moved.
    overlap : bool
        Whether transfers that a schedule writes out go beside the work, or hold it up.
    checkpoint_every : float, optional
        The ticks from one saved state of a device to its next; what the engine chooses, if not given.
    retry_after : float, optional
        The ticks after which a message that was not acknowledged is sent again; reckoned from the link, if not given.
    tries : int
        How often a message is sent before a link that stays silent is given up.

    Raises
    ------
    InputError
        If one of them makes no sense, or two do not fit together.
    ScheduleError
        If there is no such schedule, or it has other microbatches.

    Examples
    --------
    >>> Plan(stages=4, schedule="1f1b", microbatches=8)
    Plan(stages=4, schedule='1f1b', microbatches=8)
    >>> Plan.from_json(Plan(4, replicas=2).to_json()) == Plan(4, replicas=2)
    True
    """

    stages: int | Mapping[str, str | Iterable[str]] | Placement = 1
    replicas: int | None = None
    schedule: Order = "fifo"
    microbatches: int | None = None
    in_flight: int | None = None
    update: Literal["sync", "async"] = "sync"
    versions: int | None = None
    local_steps: int = 1
    overlap: bool = False
    checkpoint_every: float | None = None
    retry_after: float | None = None
    tries: int = 100

    def __post_init__(self) -> None:
        settle = object.__setattr__
        settle(self, "stages", _stages(self.stages))
        for name in ("replicas", "microbatches", "in_flight", "versions", "local_steps", "tries"):
            if (value := getattr(self, name)) is not None or name in ("local_steps", "tries"):
                settle(self, name, checks.count(value, name))
        for name in ("checkpoint_every", "retry_after"):
            if (value := getattr(self, name)) is not None:
                settle(self, name, checks.ticks(value, name, positive=True))
        settle(self, "update", checks.choice(self.update, "update", ("sync", "async")))
        settle(self, "overlap", checks.flag(self.overlap, "overlap"))
        self._check_schedule()
        if self.local_steps != 1 and (self.replicas is None or self.update != "async"):
            raise InputError(
                "local steps are for workers with a server: give replicas and update='async', or leave local_steps out"
            )

    @property
    def policy(self) -> type[Policy] | None:
        """The class of policy that chooses the order of work during the run; None if a schedule fixes it."""
        if self.schedule == "fifo":
            return Policy
        return self.schedule if isinstance(self.schedule, type) else None

    def _check_schedule(self) -> None:
        schedule = self.schedule
        if isinstance(schedule, str):
            if schedule not in ("fifo", *SCHEDULES):
                hint = nearest(schedule.replace("_", "-"), ["fifo", *SCHEDULES])
                raise ScheduleError(
                    f"there is no schedule {schedule!r}: {hint}use fifo or one of {', '.join(SCHEDULES)}"
                )
        elif isinstance(schedule, type):
            if not issubclass(schedule, Policy):
                raise ScheduleError(f"the schedule is {schedule!r}: give a subclass of Policy, or a function")
        elif not isinstance(schedule, Schedule) and not callable(schedule):
            raise ScheduleError(
                f"the schedule is {schedule!r}: give a name, a Schedule, a function that returns one, or a Policy"
            )
        if self.policy is None and self.in_flight is not None:
            raise InputError("a schedule says itself what is under way where: leave in_flight out")
        if isinstance(schedule, Schedule):
            batch = schedule.microbatches * (self.replicas or 1)
            if self.microbatches not in (None, batch):
                each = "" if self.replicas is None else f" in each of {self.replicas} replicas"
                raise ScheduleError(
                    f"the schedule {schedule.name!r} takes batches of {schedule.microbatches}{each}, but microbatches "
                    f"is {self.microbatches}: leave it out"
                )


def _stages(given: object) -> int | Fixed[str, str | tuple[str, ...]] | Placement:
    if isinstance(given, Placement):
        return given
    if isinstance(given, Mapping):
        patterns: dict[str, str | tuple[str, ...]] = {}
        for device, gates in given.items():
            gates = name_of(gates)
            several = (
                (gates,)
                if isinstance(gates, str)
                else tuple(map(name_of, gates if isinstance(gates, Iterable) else ()))
            )
            if not isinstance(device, str) or not several or not all(isinstance(gate, str) for gate in several):
                raise InputError(f"device {device!r} is given {gates!r}: give names or patterns of gates")
            patterns[device] = gates if isinstance(gates, str) else several
        if not patterns:
            raise InputError("stages has no devices: give each by name the gates that it does, or a number")
        return Fixed(patterns)
    if checks.whole(given) is None:
        raise InputError(f"stages is {given!r}: give a number, a mapping of devices to gates, or a Placement")
    return checks.count(given, "stages")
