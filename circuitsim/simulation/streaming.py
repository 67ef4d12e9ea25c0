"""The front of streams: what a user may ask for, checked and put into the terms of `stream.Stream`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from circuitsim.errors import InputError, ScheduleError
from circuitsim.gates.value import Value, is_finite
from circuitsim.plan.placement import Placement
from circuitsim.plan.schedule import Schedule
from circuitsim.plan.schedules import SCHEDULES
from circuitsim.plan.times import Distribution, Ticks, Times
from circuitsim.simulation.faults import Faults
from circuitsim.simulation.keeper import Keeper
from circuitsim.simulation.link import Link
from circuitsim.simulation.stream import Pull, Stream
from circuitsim.trace.report import StreamReport, report
from circuitsim.trace.timeline import Timeline

if TYPE_CHECKING:
    from circuitsim.simulation.simulation import Simulation

__all__ = ["StreamRun", "stream"]


@dataclass(frozen=True)
class StreamRun:
    """What came of a stream.

    Attributes
    ----------
    outputs : list of dict of str to float or ndarray
        Every output, for each example.
    input_gradients : list of dict of str to float or ndarray
        What every input felt, for each example.
    gradients : dict of str to float or ndarray
        What every parameter felt in all examples of the last batch, added up in their order; nothing where
        parameters moved with each example.
    parameters : dict of str to float or ndarray
        The parameters' values at the end.
    timeline : Timeline
        What happened when.
    """

    outputs: list[dict[str, Value]]
    input_gradients: list[dict[str, Value]]
    gradients: dict[str, Value]
    parameters: dict[str, Value]
    timeline: Timeline = field(repr=False)

    @property
    def report(self) -> StreamReport:
        """The figures: makespan, bubble, memory, messages, staleness."""
        return report(self.timeline)

    def save(self, path: str | PathLike[str], title: str = "") -> None:
        """Show what devices did when: .html is a page, .png, .svg and .pdf are pictures, .json is for Perfetto."""
        from circuitsim.views import save_timelines

        save_timelines({title: self.timeline}, path)


def stream(
    simulation: "Simulation",
    examples: Iterable[Mapping[str, Any]],
    *,
    pull: Pull = 1.0,
    devices: Placement | None = None,
    schedule: str | Schedule | Callable[[int, int], Schedule] | None = None,
    window: int | None = None,
    batch: int | None = None,
    times: Times | None = None,
    links: Link | Mapping[tuple[str, str], Link] | None = None,
    update: Literal["batch", "each"] | None = None,
    stash: int | None = None,
    replicas: int | None = None,
    local_steps: int = 1,
    workers: int = 1,
    overlap: bool = False,
    faults: Faults | None = None,
    seed: int = 0,
) -> StreamRun:
    """Send many examples through the circuit, several of them at a time; each is pulled when its outputs are there.

    Parameters
    ----------
    examples : iterable of mapping of str to number or array_like
        For each example a value for every input.
    pull : number, mapping or callable
        The pull on the outputs, as for `Engine.backward`; or a function of the example's number, the output's name and
        its value that returns one.
    devices : Placement, optional
        Which gates work together, and where; `place` makes one. If not given every gate has a device to itself, and the
        simulation's gate delays and wire latencies hold.
    schedule : str, Schedule or callable, optional
        The order of work: the name of one of `schedules.SCHEDULES`, a schedule, or a function of the number of devices
        and of microbatches that returns one. If not given, or ``"fifo"``, a device does first what was ready first.
    window : int, optional
        How many examples are under way at a time; if not given, one for each worker, or all of a batch.
    batch : int, optional
        How many examples make a batch; all, if not given. A batch begins when the one before it is over.
    times : Times, optional
        What each piece of work takes; 1 tick each, if not given.
    links : Link or mapping, optional
        What messages between devices take, for all pairs or by the pair (from, to) of names; no time, if not given.
    update : {"batch", "each"}, optional
        Whether parameters move by the rule that they were given (`learn`) after each batch, by the sum of the gradients
        in the order of the examples, or with the gradient of each example as soon as it is there. If not given they
        stay.
    stash : int, optional
        How many versions of the parameters are kept, so that an example goes back with those it went forward with; if
        that one is gone, with the oldest kept. 1 goes back with the newest. As many as are needed, if not given.
    replicas : int, optional
        How many times the devices are there, each set a worker with examples of its own. The parameters are then kept
        by a server, which is one device more, and sent to the worker whose gradient they answer. If not given, each
        parameter is on the device that uses it first.
    local_steps : int
        How many examples a worker learns from by itself before it tells the server how far its parameters have moved.
    workers : int
        How many pieces of work a device does at a time.
    overlap : bool
        Whether transfers that a schedule writes out go beside the work, or hold it up.
    faults : Faults, optional
        Crashes, and what is done against them and against links that lose or repeat messages.
    seed : int
        Seeds random times and faults.

    Returns
    -------
    StreamRun

    Raises
    ------
    InputError
        If a setting makes no sense or an example does not fit the circuit.
    ScheduleError
        If the schedule does not fit the stages or the batch.
    DeadlockError
        If everybody waits for somebody else.

    Examples
    --------
    >>> import circuitsim as cs
    >>> c = cs.Circuit("line")
    >>> c.output("f", cs.tanh(c.parameter("a", 1.0) * c.input("x")) * c.parameter("b", 2.0))
    >>> run = cs.Simulation(c).stream([{"x": 1}, {"x": 2}], devices=cs.place(c, stages=2), schedule="one_f_one_b")
    >>> [round(outputs["f"], 4) for outputs in run.outputs], run.report.makespan
    ([1.5232, 1.9281], 9.0)
    """
    given = _check_examples(simulation, examples)
    _check_counts(window=window, batch=batch, stash=stash, replicas=replicas, local_steps=local_steps, workers=workers)
    for name, thing, kind in (("devices", devices, Placement), ("times", times, Times), ("faults", faults, Faults)):
        if thing is not None and not isinstance(thing, kind):
            raise InputError(f"{name} is {thing!r}: give a {kind.__name__}")
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"the seed is {seed!r}: give a whole number not below 0")
    if update not in (None, "batch", "each"):
        raise InputError(f"update={update!r} is unknown: use 'batch', 'each' or None")
    if update is not None and simulation.springs is None:
        raise InputError(
            "the parameters have no rule to move by: give them one first, simulation.learn(SGD(step=0.01))"
        )
    if local_steps != 1 and (replicas is None or update != "each" or faults is not None):
        raise InputError("local steps are for workers with a server: give replicas and update='each', and no faults")
    if schedule == "fifo":
        schedule = None
    if schedule is not None and (window is not None or replicas is not None or workers > 1):
        raise InputError("a schedule says itself what is under way where: leave window, replicas and workers out")

    if faults is None and any(link.faulty for link in _check_links(links)):
        faults = Faults()

    placement, times, links_of = _surroundings(simulation, devices, times, links, replicas)
    if isinstance(schedule, Schedule):
        batch = batch or schedule.microbatches
    size = min(batch or len(given), len(given))
    order = None
    if schedule is not None:
        order = _order(schedule, placement)
        if faults is not None and order(size).blocking:
            raise InputError(
                "transfers that a schedule writes out cannot be sent again: leave out faults, or the transfers"
            )
        placement = _on_devices_of(order(size), placement)
    outputs = simulation.netlist.of_kind("output")
    if isinstance(pull, Mapping) and (unknown := [name for name in pull if name not in outputs]):
        raise InputError(
            f"circuit {simulation.netlist.name!r} has no output {unknown[0]!r} to pull: its outputs are "
            f"{', '.join(outputs)}"
        )
    felt = simulation.netlist.felt(outputs[name] for name in (pull if isinstance(pull, Mapping) else outputs))
    keepers = {
        index: Keeper(simulation._learners[name], stash, sum(felt[wire] for wire in simulation.netlist.outgoing[index]))
        for name, index in simulation.netlist.of_kind("parameter").items()
    }
    culprits = [
        f"input {name!r} was given {value}"
        for example in given
        for name, value in example.items()
        if not is_finite(value)
    ]
    flow = Stream(
        simulation.netlist,
        keepers,
        placement,
        schedule=order,
        pull=pull,
        window=window or (size if replicas is None and workers == 1 else (replicas or 1) * workers),
        batch=size,
        times=times,
        links=links_of,
        update=update,
        replicas=replicas,
        local_steps=local_steps,
        workers=workers,
        overlap=overlap,
        faults=faults,
        seed=seed,
        on_nonfinite=culprits.append,
    )
    with np.errstate(all="ignore"):
        flow.run(given)
    if culprits:
        simulation._report_nonfinite(culprits[0])
    simulation._set_memory({keeper.name: keeper.memory for keeper in keepers.values()})
    inputs = simulation.netlist.of_kind("input")
    return StreamRun(
        outputs=[flow.outputs[tag] for tag in range(len(given))],
        input_gradients=[
            {name: flow.gradient_of_input(tag, index, given[tag][name]) for name, index in inputs.items()}
            for tag in range(len(given))
        ],
        gradients={} if update == "each" else {keeper.name: keeper.gradient() for keeper in keepers.values()},
        parameters=simulation.parameters,
        timeline=flow.timeline,
    )


def _check_examples(simulation: "Simulation", examples: Iterable[Mapping[str, Any]]) -> list[dict[str, Value]]:
    """Return the examples as values of the circuit's inputs."""
    if isinstance(examples, Mapping | str) or not isinstance(examples, Iterable):
        raise InputError("the examples are no list: give a list with a mapping of inputs to values for each example")
    given = []
    for number, example in enumerate(examples):
        if not isinstance(example, Mapping):
            raise InputError(f"example {number} is {example!r}: give a mapping of inputs to values, such as {{'x': 1}}")
        given.append(simulation._check_inputs(example))
    if not given:
        raise InputError("there are no examples to stream: give at least one")
    return given


def _check_counts(**counts: int | None) -> None:
    for name, number in counts.items():
        if number is not None and (not isinstance(number, int) or number < 1):
            raise InputError(f"{name} is {number!r}: give a whole number above 0")


def _check_links(links: Link | Mapping[tuple[str, str], Link] | None) -> list[Link]:
    """Return all links that were given."""
    given = list(links.values()) if isinstance(links, Mapping) else [] if links is None else [links]
    for link in given:
        if not isinstance(link, Link):
            raise InputError(f"a link is {link!r}: give a Link")
    if isinstance(links, Mapping) and (odd := [p for p in links if not isinstance(p, tuple) or len(p) != 2]):
        raise InputError(f"links are by pairs of devices, (from, to), not by {odd[0]!r}")
    return given


def _surroundings(
    simulation: "Simulation",
    devices: Placement | None,
    times: Times | None,
    links: Link | Mapping[tuple[str, str], Link] | None,
    replicas: int | None,
) -> tuple[Placement, Times, Callable[[int, str, str], tuple[Any, Link]]]:
    """Return where gates are, what they take, and the link (with a key) of a wire from one device to another."""
    if devices is None:
        gates = simulation.netlist.of_kind("gate")
        devices = Placement(tuple((name,) for name in gates), tuple(range(len(gates))), tuple(gates))
        if times is None:
            delays = [_ticks(simulation._delays[index]) for index in gates.values()]
            times = Times(delays, delays, 0.0)
        if links is None:
            wires = [Link(_ticks(latency)) for latency in simulation._latencies]
            return devices, times, lambda wire, source, target: (wire, wires[wire])
    known, placed = set(simulation.netlist.of_kind("gate")), {name for stage in devices.stages for name in stage}
    if odd := sorted(known ^ placed):
        raise InputError(
            f"gate {odd[0]!r} is {'on no device' if odd[0] in known else 'placed, but there is no such gate'}: "
            f"give the placement of circuit {simulation.netlist.name!r}"
        )
    if isinstance(links, Mapping):
        names = devices.with_replicas(replicas)
        for name in (name for pair in links for name in pair):
            if name not in names:
                raise InputError(f"a link joins {name!r}, but there is no such device: they are {', '.join(names)}")
        by_pair, free = dict(links), Link()
        return devices, times or Times(), lambda wire, source, target: (None, by_pair.get((source, target), free))
    link = links or Link()
    return devices, times or Times(), lambda wire, source, target: (None, link)


def _ticks(delay: float | Callable[[], float]) -> Ticks:
    return Distribution(lambda random: delay(), "a delay of the simulation") if callable(delay) else delay


def _order(
    schedule: str | Schedule | Callable[[int, int], Schedule], placement: Placement
) -> Callable[[int], Schedule]:
    """Return the schedule as a function of the number of microbatches alone."""
    stages, devices = len(placement.stages), len(placement.names)
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
    chunks = 2 if schedule == "zb_v" else max(2, stages // devices) if schedule == "interleaved" else 1
    if stages % chunks:
        raise ScheduleError(f"{schedule} puts {chunks} stages on each device: {stages} is no multiple of {chunks}")
    more = {"chunks": chunks} if schedule == "interleaved" else {}
    return cache(partial(SCHEDULES[schedule], stages // chunks, **more))


def _on_devices_of(schedule: Schedule, placement: Placement) -> Placement:
    """Return the placement with the devices that a schedule has chosen."""
    if schedule.stages != len(placement.stages):
        raise ScheduleError(
            f"the schedule {schedule.name!r} has {schedule.stages} stages, the circuit is cut into "
            f"{len(placement.stages)}: cut it with place(circuit, stages={schedule.stages})"
        )
    if placement.by_hand and placement.homes != schedule.homes:
        stage = next(s for s, (a, b) in enumerate(zip(placement.homes, schedule.homes, strict=True)) if a != b)
        raise ScheduleError(
            f"the schedule {schedule.name!r} has stage {stage} on rank {schedule.homes[stage]}, but it was put on "
            f"{placement.names[placement.homes[stage]]!r}: change one of them"
        )
    names = placement.names[: schedule.devices]
    return replace(placement, homes=schedule.homes, names=names)
