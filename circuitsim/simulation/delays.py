"""Times that gates and wires take without a plan: read from what a user gave, checked, and by number."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from circuitsim import checks
from circuitsim.circuit.netlist import Netlist
from circuitsim.circuit.wire import by_name
from circuitsim.errors import InputError
from circuitsim.spelling import shown

__all__ = ["Delay", "gate_delays", "wire_latencies"]

#: A time in ticks: the same everywhere, or by name, or whatever a function of the name returns each time.
Delay: TypeAlias = float | Mapping[Any, float] | Callable[..., float]


def gate_delays(netlist: Netlist, delay: Delay) -> list[Any]:
    """Return for each node a number, or a function without arguments that returns one."""
    if isinstance(delay, Mapping):
        delay = by_name(delay, netlist.name)
        names = netlist.of_kind("gate")
        if unknown := [name for name in delay if name not in names]:
            raise InputError(
                f"gate_delay names {shown(unknown[0])}, but circuit {shown(netlist.name)} has no such gate"
            )
        return [_ticks(delay.get(node.name, 1.0), f"gate {node.name!r}") for node in netlist.nodes]
    if callable(delay):
        return [partial(_called, delay, (node.name,), f"gate {node.name!r}") for node in netlist.nodes]
    return [_ticks(delay, "gate_delay")] * len(netlist.nodes)


def wire_latencies(netlist: Netlist, latency: Delay) -> list[Any]:
    """Return for each wire a number, or a function without arguments that returns one."""
    if not isinstance(latency, Mapping) and not callable(latency):
        return [_ticks(latency, "wire_latency")] * len(netlist.wires)
    nodes = netlist.nodes
    ends = [(nodes[wire.source].name, nodes[wire.target].name) for wire in netlist.wires]
    if isinstance(latency, Mapping):
        latency = by_name(latency, netlist.name)
        known = {source for source, _ in ends} | set(ends)
        if unknown := [key for key in latency if key not in known]:
            raise InputError(
                f"wire_latency names {shown(unknown[0])}, but circuit {shown(netlist.name)} has no such wire: "
                "use the name of a wire or a pair (source, target)"
            )
        return [_ticks(latency.get(pair, latency.get(pair[0], 1.0)), f"wire {pair[0]!r}") for pair in ends]
    return [partial(_called, latency, pair, f"the wire from {pair[0]!r} to {pair[1]!r}") for pair in ends]


def _called(function: Callable[..., float], arguments: tuple[Any, ...], where: str) -> float:
    return _ticks(function(*arguments), where)


def _ticks(time: Any, where: str) -> float:
    return checks.ticks(time, f"the time of {where}")
