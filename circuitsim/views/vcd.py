"""Writes a trace as a value change dump (IEEE 1364, section 18), which GTKWave and Surfer show as waves.

Below a scope with the circuit's name there is a scope for each wire, called ``SOURCE_to_TARGET_PORT``, with two real
signals: ``value``, what the target has received, and ``gradient``, what the source has received back. A signal is
nan until something arrives. A wire of arrays has a signal for each element (``value[0]`` …, in C order), up to 64;
larger arrays are left out, and a comment in the file names their wires.

Dumps count time in whole steps: one tick is one microsecond, and the step is the coarsest power of ten, down to a
picosecond, in which all times are whole; if there is none, times are rounded to picoseconds.
"""

import io
import math
import re
from os import PathLike

import numpy as np
from vcd import VCDWriter
from vcd.writer import RealVariable

from circuitsim.errors import SaveError
from circuitsim.files import check_path, writing
from circuitsim.gates.value import shape_of
from circuitsim.trace.kinds import Kind
from circuitsim.trace.trace import Trace
from circuitsim.trace.words import label

__all__ = ["to_vcd"]

MOST_ELEMENTS = 64
_STEPS = {1: "1 us", 10: "100 ns", 100: "10 ns", 1000: "1 ns", 10**4: "100 ps", 10**5: "10 ps", 10**6: "1 ps"}


class _Exact(float):
    """A number that writes itself with all its digits: 17 may be needed, pyvcd asks for 16."""

    def __format__(self, _: str) -> str:
        return repr(float(self))


def to_vcd(trace: Trace, path: str | PathLike[str]) -> None:
    """Write a trace as a value change dump; the suffix must be ``.vcd``.

    Raises
    ------
    SaveError
        If the suffix is another, the file cannot be written, or a time is too large in picoseconds.
    """
    path = check_path(path, (".vcd",))
    with writing(path) as file:
        file.write(_dump(trace.expanded).encode("ascii"))


def _dump(trace: Trace) -> str:
    text = io.StringIO()
    steps = _steps_a_tick([record.end for record in trace])
    if trace.span[1] * steps == math.inf:
        raise SaveError(f"cannot write a dump of {trace.span[1]:g} ticks: they are too many picoseconds")
    messages = [record for record in trace if record.kind in (Kind.VALUE, Kind.GRADIENT)]
    sizes: dict[int, tuple[int, bool]] = {}  # per wire, the number of elements, and whether they are an array's
    for record in messages:
        size, is_array = sizes.get(record.where, (0, False))
        shape = shape_of(record.value)
        sizes[record.where] = (max(size, math.prod(shape)), is_array or shape != ())
    names = _wire_names(trace)
    large = [names[wire] for wire, (size, _) in sorted(sizes.items()) if size > MOST_ELEMENTS]
    left_out = f"left out, more than {MOST_ELEMENTS} elements: {', '.join(large)}" if large else ""
    with VCDWriter(text, timescale=_STEPS[steps], date="", comment=left_out, version="circuitsim") as writer:
        signals: dict[tuple[int, Kind], list[RealVariable]] = {}
        for wire, (size, is_array) in sorted(sizes.items()):
            if size > MOST_ELEMENTS:
                continue
            scope = (_word(trace.netlist.name), names[wire])
            for kind, noun in ((Kind.VALUE, "value"), (Kind.GRADIENT, "gradient")):
                signals[wire, kind] = [
                    writer.register_var(scope, noun, "real", init=math.nan, bit_index=element if is_array else None)  # type: ignore[misc]
                    for element in range(size)
                ]
        for record in sorted(messages, key=lambda record: record.end):
            for signal, number in zip(
                signals.get((record.where, record.kind), ()), np.ravel(record.value), strict=False
            ):
                writer.change(signal, round(record.end * steps), _Exact(number))
        writer.close(round(trace.span[1] * steps))
    return text.getvalue()


def _steps_a_tick(times: list[float]) -> int:
    for steps in _STEPS:
        if all((time * steps).is_integer() for time in times):
            return steps
    return max(_STEPS)


def _wire_names(trace: Trace) -> list[str]:
    """Return a name for each wire, one word of ASCII as dumps need it, no two alike."""
    netlist = trace.netlist
    names: dict[str, None] = {}
    for source, target, port in netlist.wires:
        gate = netlist.nodes[target].gate
        entered = f"_{gate.ports[port]}" if gate else ""
        stem = _word(f"{label(netlist, source)}_to_{netlist.nodes[target].name}{entered}")
        name, number = stem, 2
        while name in names:
            name, number = f"{stem}_{number}", number + 1
        names[name] = None
    return list(names)


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", text) or "_"
