"""The schedules of the literature: for each the order of work on every device of a pipeline.

====================  =====================================================================================
``gpipe``             Huang et al. 2019, *GPipe*: all forward passes, then all backward passes
``1f1b``              Narayanan et al. 2021 (PipeDream-Flush): one forward, one backward, as soon as one can
``interleaved``       Narayanan et al. 2021: several chunks of the network on each device, in a loop
``zb-h1`` ``zb-h2``   Qi et al. 2024, *Zero Bubble Pipeline Parallelism*: I and W apart, W fills the gaps
``zb-v``              the same: two chunks on each device, there and back in a V
====================  =====================================================================================

Each is made by a function of the number of devices and of microbatches in a batch; `SCHEDULES` has them by name.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat, zip_longest

from circuitsim import checks
from circuitsim.errors import ScheduleError
from circuitsim.habits import told
from circuitsim.plan.schedule import Schedule, Work

__all__ = ["SCHEDULES", "gpipe", "interleaved", "one_f_one_b", "zb_h1", "zb_h2", "zb_v"]

#: About how many bytes a schedule takes for each microbatch on a device, of up to three pieces of work.
SLOT = 500


@told
def gpipe(devices: int, microbatches: int) -> Schedule:
    """Return the GPipe schedule: every device does all forward passes, then all backward passes."""
    devices, microbatches = sizes(devices, microbatches)
    numbers = list(range(microbatches))
    rows = [_works("F", s, numbers) + _works("B", s, numbers) for s in range(devices)]
    return Schedule("gpipe", _tuples(rows))


@told
def one_f_one_b(devices: int, microbatches: int) -> Schedule:
    """Return the 1F1B schedule: backward as soon as one can, so that stage `s` of `p` holds at most `p - s`.

    Examples
    --------
    >>> print(one_f_one_b(2, 3))
    0F0 0F1 0B0 0F2 0B1 0B2
    1F0 1B0 1F1 1B1 1F2 1B2
    """
    devices, microbatches = sizes(devices, microbatches)
    numbers = list(range(microbatches))
    rows = [_alternate(_works("F", s, numbers), _works("B", s, numbers), devices - s) for s in range(devices)]
    return Schedule("1f1b", _tuples(rows))


@told
def interleaved(devices: int, microbatches: int, chunks: int = 2) -> Schedule:
    """Return the interleaved 1F1B schedule: stage `s` is on device `s % devices`.

    Raises
    ------
    ScheduleError
        If the devices do not divide the microbatches.
    """
    chunks = checks.count(chunks, "the number of chunks on a device", error=ScheduleError)
    devices, microbatches = sizes(devices, microbatches, chunks)
    if microbatches % devices:
        raise ScheduleError(
            f"interleaved takes microbatches in rounds of {devices}, one for each device: "
            f"{microbatches} is no multiple of {devices}"
        )
    # Rounds of as many microbatches as there are devices pass through one chunk after the other.
    turns = [
        (chunk, microbatch)
        for first in range(0, microbatches, devices)
        for chunk in range(chunks)
        for microbatch in range(first, first + devices)
    ]
    rows = []
    for device in range(devices):
        forward = [Work("F", chunk * devices + device, i) for chunk, i in turns]
        backward = [Work("B", (chunks - 1 - chunk) * devices + device, i) for chunk, i in turns]
        warm_up = 2 * (devices - 1 - device) + (chunks - 1) * devices
        rows.append(_alternate(forward, backward, warm_up + 1))
    return Schedule("interleaved", _tuples(rows))


@told
def zb_h1(devices: int, microbatches: int) -> Schedule:
    """Return the ZB-H1 schedule: as 1F1B, but stage `s` does each W only `s` microbatches after its I.

    So every stage holds as much as the first stage of 1F1B, and gradients travel back before any W.
    """
    return _split("zb-h1", devices, microbatches, lambda s: devices - s, lambda s: s, barrier=True)


@told
def zb_h2(devices: int, microbatches: int) -> Schedule:
    """Return the ZB-H2 schedule: about twice the warm-up and twice the delay of W of ZB-H1."""
    return _split("zb-h2", devices, microbatches, lambda s: 2 * (devices - s) - 1, lambda s: 2 * s, barrier=False)


@told
def zb_v(devices: int, microbatches: int) -> Schedule:
    """Return the ZB-V schedule: stages 0 to p - 1 lead down the devices, stages p to 2p - 1 lead back up."""
    devices, microbatches = sizes(devices, microbatches, 2)
    sizes(devices, devices, 4)  # the pattern has twice as many microbatches as there are devices
    numbers = list(range(microbatches))
    enough = max(microbatches, 2 * devices - 1)  # the pattern's own length; what it has too many is left out
    rows = []
    for device in range(devices):
        down, up = device, 2 * devices - 1 - device
        row: list[Work] = []
        taken: Counter[tuple[str, int]] = Counter()

        def take(stage: int, kinds: str, row: list[Work] = row, taken: Counter[tuple[str, int]] = taken) -> None:
            for kind in kinds:
                microbatch = taken[kind, stage]
                taken[kind, stage] += 1
                if microbatch < microbatches:
                    row.append(Work(kind, stage, numbers[microbatch]))

        for _ in range(2 * (devices - device) - 1):
            take(down, "F")
        for _ in range(device):
            take(up, "F")
            take(down, "F")
        for _ in range(devices - device):
            take(up, "FIW")
        while taken["F", up] < enough:
            take(down, "FIW" if taken["F", down] < enough else "IW")
            take(up, "FIW")
        for _ in range(device):
            take(down, "I")
            take(up, "I")
        for _ in range(devices - device):
            take(down, "IW")
        for stage in (up, down):
            while taken["W", stage] < enough:
                take(stage, "W")
        rows.append(row)
    return Schedule("zb-v", _tuples(rows), barrier=False)


def _split(
    name: str,
    devices: int,
    microbatches: int,
    warm_up: Callable[[int], int],
    lag: Callable[[int], int],
    barrier: bool,
) -> Schedule:
    """Return a schedule of F, I and W: so many F first, then I, the W of so many microbatches ago, and F in turn."""
    devices, microbatches = sizes(devices, microbatches)
    numbers = list(range(microbatches))
    rows = []
    for s in range(devices):
        first, late = min(microbatches, warm_up(s)), min(microbatches, lag(s))
        forward, to_input, to_weight = (_works(kind, s, numbers) for kind in "FIW")
        on_time = microbatches - late
        turns = zip_longest(to_input, [*repeat(None, late), *to_weight[:on_time]], forward[first:])
        steady = [work for turn in turns for work in turn if work is not None]
        rows.append(forward[:first] + steady + to_weight[on_time:])
    return Schedule(name, _tuples(rows), barrier)


def _alternate(forward: Sequence[Work], backward: Sequence[Work], lead: int) -> list[Work]:
    """Return so many forward passes, then one backward and one forward in turn until both are used up."""
    rest = forward[lead:]
    return [*forward[:lead], *chain.from_iterable(zip(backward, rest, strict=False)), *backward[len(rest) :]]


def _works(kind: str, stage: int, microbatches: Iterable[int]) -> list[Work]:
    """Return one kind of work of a stage for each microbatch, in less time than one call of `Work` for each."""
    return list(map(tuple.__new__, repeat(Work), zip(repeat(kind), repeat(stage), microbatches)))


def sizes(devices: int, microbatches: int, chunks: int = 1) -> tuple[int, int]:
    """Return the numbers of devices and of microbatches, if there is one of each at least and memory for the order."""
    devices = checks.count(devices, "the number of devices", error=ScheduleError)
    microbatches = checks.count(microbatches, "the number of microbatches", error=ScheduleError)
    checks.fits(
        SLOT * devices * microbatches * chunks,
        f"a schedule of {checks.shown(devices)} devices and {checks.shown(microbatches)} microbatches",
    )
    return devices, microbatches


def _tuples(rows: Sequence[Sequence[Work]]) -> tuple[tuple[Work, ...], ...]:
    return tuple(map(tuple, rows))


#: The schedules that need nothing but numbers, by name.
SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "gpipe": gpipe,
    "1f1b": one_f_one_b,
    "interleaved": interleaved,
    "zb-h1": zb_h1,
    "zb-h2": zb_h2,
    "zb-v": zb_v,
}
