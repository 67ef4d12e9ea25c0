"""Searches for an order of work under a limit on memory, for times that may be uneven.

The search is a greedy one in the manner of Qi et al. 2024 (section 3): every device, whenever it is free, goes back if
it can, else goes forward if memory allows, and fills what gaps there are with W. It is run for a few settings of how
far each stage may run ahead and how small a gap is filled, and the best order is taken; the orders of the literature
that keep the limit are among those it is chosen from.
"""

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, TypeAlias

import numpy as np

from circuitsim import checks
from circuitsim.errors import ScheduleError
from circuitsim.habits import told
from circuitsim.plan.literature import gpipe, one_f_one_b, sizes, zb_h1, zb_h2
from circuitsim.plan.schedule import Schedule, Work, in_turn

__all__ = ["auto"]

Ticks: TypeAlias = tuple[float, float, float]  # that F, I and W take at a stage

ENOUGH = 0.0025  # a bubble this small, as a part of the ideal, is not worth a larger footprint


@told
def auto(
    devices: int,
    microbatches: int,
    *,
    forward: float | Sequence[float] = 1.0,
    backward: float | Sequence[float] = 1.0,
    weight: float | Sequence[float] = 1.0,
    latency: float = 0.0,
    limit: float | Sequence[float] | None = None,
    kept: float = 0.4,
) -> Schedule:
    """Search for a schedule of F, I and W with as small a bubble of the largest span as can be found.

    Parameters
    ----------
    devices, microbatches : int
        How many there are; each device has one stage.
    forward, backward, weight : float or sequence of float
        The ticks that F, which must be above 0, I and W take: the same at every stage, or for each stage.
    latency : float
        The ticks from one device to its neighbour.
    limit : float or sequence of float, optional
        The most activations that a device may keep, the same for every device or for each; twice the number of devices,
        if not given.
    kept : float
        The part of an activation that W still needs once I is done. A transformer keeps 32 of 34 + 5as/h parts (Qi et
        al. 2024, table 1), some 0.4 for the sizes of that paper. The search keeps whole activations until W as long as
        that leaves next to no bubble.

    Returns
    -------
    Schedule
        No device's span is larger than the largest of GPipe, 1F1B, ZB-H1 and ZB-H2, as far as those keep the limit.

    Raises
    ------
    ScheduleError
        If the limit leaves no room for one activation, or a number makes no sense.

    Examples
    --------
    >>> max(auto(4, 16, limit=4).peaks())
    4
    >>> uneven = auto(4, 16, forward=[1, 1, 2.5, 1], limit=[4, 3, 2, 1])
    >>> uneven.peaks()
    [4, 3, 2, 1]
    """
    devices, microbatches = sizes(devices, microbatches)
    times = {"forward": forward, "backward": backward, "weight": weight}
    each = {name: _each(given, f"the {name} time", devices) for name, given in times.items()}
    for name, row in each.items():
        for given in row:
            checks.number(given, f"the {name} time", "ticks", positive=name == "forward", error=ScheduleError)
    checks.number(latency, "the latency time", "ticks", error=ScheduleError)
    limits = _each(2.0 * devices if limit is None else limit, "the limit", devices)
    for most in limits:
        if not (checks.real(most) or 0.0) >= 1:
            raise ScheduleError(f"a limit of {checks.shown(most)} leaves no room for one activation: give at least 1")
    limits = [min(float(most), float(microbatches)) for most in limits]  # more are never kept; it may be infinite
    checks.probability(kept, "what W keeps of an activation", error=ScheduleError)
    ticks = list(zip(*each.values(), strict=True))
    ideal = microbatches * max(map(sum, ticks))
    span = math.inf
    rows: list[list[Work]] = []
    for part in (1.0, kept):
        best, order = math.inf, rows
        for ahead, patience in _settings(ticks, limits, latency):
            found, row = _greedy(microbatches, ticks, latency, limits, part, ahead, patience)
            if found < best:
                best, order = found, row
            if best <= (1 + 1e-9) * ideal:
                break
        if best < span - ENOUGH * ideal:
            span, rows = best, order
        if span <= (1 + ENOUGH) * ideal:
            break
    chosen = Schedule("auto", tuple(map(tuple, rows)), barrier=False)
    for make in (gpipe, one_f_one_b, zb_h1, zb_h2):
        known = Schedule("auto", tuple(map(_apart, make(devices, microbatches).rows)), barrier=False)
        if all(_held(row, kept) <= most + 1e-9 for row, most in zip(known.rows, limits, strict=True)):
            best = _largest_span(known, ticks, latency)
            if best < (1 - 1e-9) * span:
                span, chosen = best, known
    return chosen


def _apart(row: Iterable[Work]) -> tuple[Work, ...]:
    """Return a row with each B as I and W."""
    return tuple(
        Work(kind, stage, microbatch)
        for together, stage, microbatch in row
        for kind in ("IW" if together == "B" else together)
    )


def _held(row: Iterable[Work], kept: float) -> float:
    """Return the most activations that a device keeps, if this part of each stays from I to W."""
    change = {"F": 1.0, "I": kept - 1.0, "W": -kept}
    return max(accumulate(change[work.kind] for work in row))


def _each(given: Any, what: str, devices: int) -> list[Any]:
    """Return what was given for each device, or for all of them."""
    given = given.tolist() if isinstance(given, np.ndarray) else given
    if isinstance(given, str) or not isinstance(given, Sequence):
        return [given] * devices
    if len(given) not in (1, devices):
        raise ScheduleError(f"{what} is given for {len(given)} devices, there are {devices}: give one for each")
    return list(given) * (devices if len(given) == 1 else 1)


def _largest_span(schedule: Schedule, ticks: Sequence[Ticks], latency: float) -> float:
    """Return the largest span of a device, from its first start to its last end."""
    size, last = schedule.microbatches, schedule.stages - 1
    ends = {kind: [0.0] * (size * schedule.stages) for kind in "FIW"}
    starts, clocks = [math.inf] * schedule.devices, [0.0] * schedule.devices
    for device, (kind, stage, microbatch) in in_turn(schedule):
        cell, start = stage * size + microbatch, clocks[device]
        if kind == "F" and stage:
            start = max(start, ends["F"][cell - size] + latency)
        elif kind == "I" and stage < last:
            start = max(start, ends["I"][cell + size] + latency)
        starts[device] = min(starts[device], start)
        clocks[device] = ends[kind][cell] = start + ticks[stage]["FIW".index(kind)]
    return max(end - start for start, end in zip(starts, clocks, strict=True))


def _settings(ticks: Sequence[Ticks], limits: Sequence[float], latency: float) -> Iterator[tuple[list[int], float]]:
    """Yield how many microbatches each stage may be ahead of its backward passes, and how small a gap W may fill."""
    trips = [forward + backward + 2 * latency for forward, backward, _ in ticks]  # to a stage and back
    away = [math.fsum(trips[s + 1 :]) / forward for s, (forward, _, _) in enumerate(ticks)]  # in forward passes
    for part in (1.0, 0.75, 0.5):
        for slack in (-1, 0, 1, 2, 3, 4):
            ahead = [
                max(1, min(math.floor(min(limit, 2**53)), math.ceil(part * trip) + 1 + slack))
                for trip, limit in zip(away, limits, strict=True)
            ]
            for patience in (0.0, 0.5, 1.0):
                yield ahead, patience


def _greedy(
    microbatches: int,
    ticks: Sequence[Ticks],
    latency: float,
    limits: Sequence[float],
    kept: float,
    ahead: Sequence[int],
    patience: float,
) -> tuple[float, list[list[Work]]]:
    """Let each device choose as it goes; return the largest span and the order that came of it."""
    never, devices = math.inf, len(ticks)
    comes = [[never] * microbatches if s else [0.0] * microbatches for s in range(devices)]  # to go forward
    returns = [[never] * microbatches for _ in range(devices)]  # to go back
    counts = [{"F": 0, "I": 0, "W": 0} for _ in range(devices)]
    rows: list[list[Work]] = [[] for _ in range(devices)]
    starts, ends = [never] * devices, [0.0] * devices
    took_f = [False] * devices
    agenda = [(0.0, s) for s in range(devices)]
    while agenda:
        now, s = heapq.heappop(agenda)
        if now < ends[s]:
            continue
        done = counts[s]
        f, i, w = done["F"], done["I"], done["W"]
        room = f - i + kept * (i - w) + 1 <= limits[s] + 1e-9
        come = comes[s][f] if f < microbatches and f - i < ahead[s] else never
        back = returns[s][i] if i < microbatches else never
        soonest = min(come, back)
        if back <= now and (took_f[s] or come > now or not room):
            kind = "I"
        elif come <= now and room:
            kind = "F"
        elif w < i and (come <= now or soonest - now >= patience * ticks[s][2]):
            kind = "W"
        else:
            if now < soonest < never:
                heapq.heappush(agenda, (soonest, s))
            continue
        end = now + ticks[s]["FIW".index(kind)]
        place = done[kind]
        done[kind] += 1
        rows[s].append(Work(kind, s, place))
        starts[s], ends[s] = min(starts[s], now), end
        if kind != "W":
            took_f[s] = kind == "F"
            arrivals, neighbour = (comes, s + 1) if kind == "F" else (returns, s - 1)
            if 0 <= neighbour < devices:
                arrivals[neighbour][place] = end + latency
                heapq.heappush(agenda, (end + latency, neighbour))
            elif kind == "F":
                returns[s][place] = end
        heapq.heappush(agenda, (end, s))
    if any(done["W"] < microbatches for done in counts):
        return never, rows
    return max(end - start for start, end in zip(starts, ends, strict=True)), rows
