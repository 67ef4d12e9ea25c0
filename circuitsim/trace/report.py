"""What a stream cost: time, idleness, memory and messages, reckoned from its timeline."""

from collections import Counter
from dataclasses import dataclass
from html import escape

from circuitsim import checks
from circuitsim.errors import TraceError
from circuitsim.habits import told
from circuitsim.trace.critical_path import idle_spans
from circuitsim.trace.timeline import Timeline

__all__ = ["StreamReport", "memory_over_time", "report"]


@told
@dataclass(frozen=True)
class StreamReport:
    """The figures of a stream.

    A device's span runs from the start of its own first piece of work to the end of its own last; the makespan from the
    first start of all to the last end of all. The ideal is the busy time of the busiest device. The bubble is what is
    above the ideal: of the makespan, or, for schedules that need no barrier between batches, of the largest span. Its
    ratio is taken of the makespan or of that span (Qi et al. 2024 call it the bubble rate).

    Attributes
    ----------
    devices : tuple of str
        Their names.
    makespan, largest_span, ideal : float
        In ticks.
    spans, busy : list of float
        For each device, in ticks.
    peaks, data_peaks : list of float
        For each device, the most microbatches that had gone forward and whose W, or whose I, was yet to be done. A
        stage that shares its device with others counts as its part of one.
    peak_bytes : list of int
        For each device, the most bytes that it kept for backward passes.
    messages, bytes : dict of int to int, and of int to float
        For each wire, between devices only.
    staleness : dict of int to int
        How many updates were so many versions old.
    idle : list of dict of str to float
        For each device the ticks that it did nothing, by reason: see `circuitsim.trace.critical_path.Idle`.
    """

    devices: tuple[str, ...]
    makespan: float
    largest_span: float
    ideal: float
    spans: list[float]
    busy: list[float]
    peaks: list[float]
    data_peaks: list[float]
    peak_bytes: list[int]
    messages: dict[int, int]
    bytes: dict[int, float]
    staleness: dict[int, int]
    idle: list[dict[str, float]]

    @property
    def bubble(self) -> float:
        """The ticks of the makespan above the ideal."""
        return self.makespan - self.ideal

    @property
    def bubble_ratio(self) -> float:
        """The bubble as a part of the makespan."""
        return self.bubble / self.makespan if self.makespan else 0.0

    @property
    def span_bubble(self) -> float:
        """The ticks of the largest span above the ideal."""
        return self.largest_span - self.ideal

    @property
    def span_bubble_ratio(self) -> float:
        """The bubble of the largest span as a part of it."""
        return self.span_bubble / self.largest_span if self.largest_span else 0.0

    @property
    def utilisation(self) -> list[float]:
        """For each device the part of the makespan for which it worked."""
        return [busy / self.makespan if self.makespan else 0.0 for busy in self.busy]

    @property
    def bottleneck(self) -> int | None:
        """The number of the device that worked most; None if several did, or all did nothing."""
        busiest = [device for device, busy in enumerate(self.busy) if busy > (1 - 1e-9) * self.ideal]
        return busiest[0] if len(busiest) == 1 else None

    def tell_bottleneck(self) -> str:
        """Say in a sentence which device is the bottleneck."""
        if self.bottleneck is None:
            most = max(self.utilisation, default=0.0)
            return f"no device is the bottleneck: the busiest are busy {most:.1%} of the time"
        name, part = self.devices[self.bottleneck], self.utilisation[self.bottleneck]
        return f"the bottleneck is {name}: busy {part:.1%} of the time"

    def tell_idle(self, device: int) -> str:
        """Say what a device waited for, and how many ticks, the longest first.

        Raises
        ------
        TraceError
            If there is no device of this number.
        """
        if checks.count(device, "the device", least=0, error=TraceError) >= len(self.devices):
            raise TraceError(f"there is no device {checks.shown(device)}: give 0 to {len(self.devices) - 1}")
        reasons = sorted(self.idle[device].items(), key=lambda reason: -reason[1])
        return ", ".join(f"{reason} {ticks:g}" for reason, ticks in reasons)

    def __str__(self) -> str:
        lines = [
            f"{self.makespan:g} ticks, bubble {self.bubble:g} ({self.bubble_ratio:.1%}), {sum(self.messages.values())} "
            f"messages of {sum(self.bytes.values())} bytes"
        ]
        wide = max(6, *map(len, self.devices)) if self.devices else 6
        lines.append(f"{'device':<{wide}} {'busy':>9} {'of all':>7} {'kept':>6} {'bytes':>10}  idle for")
        idle = map(self.tell_idle, range(len(self.devices)))
        rows = zip(self.devices, self.busy, self.utilisation, self.peaks, self.peak_bytes, idle, strict=True)
        lines += [
            f"{name:<{wide}} {busy:>9.6g} {part:>7.1%} {peak:>6g} {size:>10}  {why}".rstrip()
            for name, busy, part, peak, size, why in rows
        ]
        lines.append(self.tell_bottleneck())
        if self.staleness:
            lines.append("updates by age: " + ", ".join(f"{age}: {count}" for age, count in self.staleness.items()))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Show the figures in a notebook."""
        return f"<pre>{escape(str(self))}</pre>"


def report(timeline: Timeline) -> StreamReport:
    """Reckon the figures of a stream."""
    devices = range(len(timeline.devices))
    starts = [float("inf")] * len(devices)
    ends = [float("-inf")] * len(devices)
    busy = [0.0] * len(devices)
    for device, _, _, _, start, end, _ in timeline.work:
        starts[device] = min(starts[device], start)
        ends[device] = max(ends[device], end)
        busy[device] += end - start
    spans = [max(0.0, end - start) for start, end in zip(starts, ends, strict=True)]
    memory = memory_over_time(timeline)
    idle: list[dict[str, float]] = [{} for _ in devices]
    for device, start, end, reason, _ in idle_spans(timeline):
        idle[device][reason] = idle[device].get(reason, 0.0) + end - start
    messages: Counter[int] = Counter()
    sizes: dict[int, float] = {}
    for transfer in timeline.transfers:
        messages[transfer.wire] += 1
        sizes[transfer.wire] = sizes.get(transfer.wire, 0) + transfer.size
    return StreamReport(
        devices=timeline.devices,
        makespan=max(ends) - min(starts) if timeline.work else 0.0,
        largest_span=max(spans, default=0.0),
        ideal=max(busy, default=0.0),
        spans=spans,
        busy=busy,
        peaks=[max((held for _, held, _, _ in memory[device]), default=0.0) for device in devices],
        data_peaks=[max((held for _, _, held, _ in memory[device]), default=0.0) for device in devices],
        peak_bytes=[max((size for _, _, _, size in memory[device]), default=0) for device in devices],
        messages=dict(messages),
        bytes=sizes,
        staleness=dict(sorted(Counter(timeline.staleness()).items())),
        idle=idle,
    )


def memory_over_time(timeline: Timeline) -> list[list[tuple[float, float, float, int]]]:
    """Return for each device what it kept, and from when.

    Returns
    -------
    list of list of (time, activations, activations whose I is not done, bytes)
        One entry at the end of each piece of work that changes it.
    """
    kept: list[dict[tuple[int, int], int]] = [{} for _ in timeline.devices]
    data: list[set[tuple[int, int]]] = [set() for _ in timeline.devices]
    sizes = [0] * len(timeline.devices)
    series: list[list[tuple[float, float, float, int]]] = [[] for _ in timeline.devices]
    stages: list[set[int]] = [set() for _ in timeline.devices]
    for piece in timeline.work:
        stages[piece.device].add(piece.stage)
    for device, kind, stage, tag, _, end, size in timeline.work:
        key, share = (stage, tag), len(stages[device])
        if kind == "F":
            sizes[device] += size - kept[device].get(key, 0)
            kept[device][key] = size
            data[device].add(key)
        else:
            if kind != "W":
                data[device].discard(key)
            if kind != "I":
                sizes[device] -= kept[device].pop(key, 0)
        series[device].append((end, len(kept[device]) / share, len(data[device]) / share, sizes[device]))
    return series
