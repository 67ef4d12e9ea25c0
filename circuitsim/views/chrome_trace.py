"""Events in the format that ui.perfetto.dev and chrome://tracing open.

It is the JSON object form of the `Trace Event Format
<https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>`_: tracks, which it calls threads, in
processes, with what happened on them. One tick is shown as one millisecond.
"""

import json
from os import PathLike
from typing import Any

from circuitsim.errors import SaveError
from circuitsim.files import check_path, quoted, writing

__all__ = ["ChromeTrace"]

TICK = 1000.0  # microseconds


class ChromeTrace:
    """A list of events, to which each method adds one; processes and tracks are numbers."""

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []

    def name_process(self, process: int, name: str) -> None:
        """Name a process; viewers show them in the order of their numbers."""
        self._name("process", process, 0, name, process)

    def name_track(self, process: int, track: int, name: str) -> None:
        """Name a track; viewers show those of a process in the order of their numbers."""
        self._name("thread", process, track, name, track)

    def slice(self, process: int, track: int, name: str, start: float, end: float, args: dict[str, Any]) -> None:
        """Add something that took time; slices of a track must not overlap, but may lie in each other."""
        self._add("X", process, track, name, start, dur=(end - start) * TICK, args=args)

    def overlapping(
        self, process: int, track: int, name: str, start: float, end: float, key: str, args: dict[str, Any]
    ) -> None:
        """Add something that took time while others of its process did; `key` tells it from them."""
        key = f"{process} {key}"  # viewers look for it in all processes
        self._add("b", process, track, name, start, id=key, args=args)
        self._add("e", process, track, name, end, id=key)

    def instant(self, process: int, track: int, name: str, time: float, args: dict[str, Any]) -> None:
        """Add something that took no time, and is shown across its process."""
        self._add("i", process, track, name, time, s="p", args=args)

    def count(self, process: int, track: int, name: str, time: float, args: dict[str, float]) -> None:
        """Give a counter new numbers."""
        self._add("C", process, track, name, time, args=args)

    def flow(self, key: int, name: str, steps: list[tuple[int, int, float]]) -> None:
        """Add an arrow through the slices that are on these tracks, by process and track, at these times."""
        phases = ["s", *("t" for _ in steps[1:-1]), "f"]
        for phase, (process, track, time) in zip(phases, steps, strict=True):
            self._add(phase, process, track, name, time, id=key, bp="e")  # e: bound to the slice around it

    def save(self, path: str | PathLike[str], **facts: str) -> None:
        """Write the events, in order of time, and facts about all of them.

        Raises
        ------
        SaveError
            If the suffix is not ``.json``, the file cannot be written, or a number is too large in microseconds.
        """
        path = check_path(path, (".json",))
        # Viewers read events in any order; by time, the file is one that people can read too.
        events = sorted(self._events, key=lambda event: event.get("ts", -1.0))
        whole = {"traceEvents": events, "displayTimeUnit": "ms", "otherData": facts | {"tick": f"{TICK:g} us"}}
        try:
            text = json.dumps(whole, allow_nan=False, separators=(",", ":"))
        except ValueError:
            raise SaveError(f"cannot write {quoted(path)}: a time or a size is too large for it") from None
        with writing(path) as file:
            file.write(text.encode())

    def _name(self, what: str, process: int, track: int, name: str, place: int) -> None:
        for key, args in ((f"{what}_name", {"name": name}), (f"{what}_sort_index", {"sort_index": place})):
            self._events.append({"ph": "M", "pid": process, "tid": track, "name": key, "args": args})

    def _add(self, phase: str, process: int, track: int, name: str, time: float, **more: Any) -> None:
        event = {"ph": phase, "pid": process, "tid": track, "ts": time * TICK, "name": name, "cat": "circuitsim"}
        self._events.append(event | more)
