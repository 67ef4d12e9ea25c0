"""Folds big circuits into groups, so that they can be drawn and read.

A circuit of more than `MOST_GATES` gates is folded by the names of its gates: what shares the part before the last dot,
a scope, is one group (``n1_2.mul1`` and ``n1_2.w1`` belong to ``n1_2``). If that leaves too many, scopes within scopes
are taken together, then what also shares the part before an underscore and a number (``n1_2`` belongs to layer ``n1``),
then scopes whose numbers follow one another (``t1`` to ``t17``). Where names do not help, gates of one kind in one
stretch of the circuit make a group. No group waits for itself: a grouping that would make a cycle is passed over.

In a folded trace everything that a group does for one example is one firing, and everything that goes from one group
to another is one message, from the first start to the last end. Several numbers together are an array: for values
those that leave the group, for gradients one number for each of these.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import partial
from graphlib import CycleError, TopologicalSorter
from itertools import takewhile
from typing import TypeAlias

import numpy as np

from circuitsim.circuit.netlist import Netlist, Node, Wiring
from circuitsim.gates.placeholder import placeholder
from circuitsim.gates.value import Value
from circuitsim.trace.kinds import Kind
from circuitsim.trace.trace import Trace

__all__ = ["MOST_GATES", "Grouping", "group_gates"]

MOST_GATES = 200  # drawn one by one
MOST_GROUPS = 100
MOST_WIRES = 400
BANDS = 12  # stretches of a circuit whose names do not help

Key: TypeAlias = Callable[[int], Hashable]


@dataclass(frozen=True)
class Grouping:
    """A folded circuit.

    Attributes
    ----------
    netlist : Netlist
        The groups as nodes.
    group : list of int
        For each node of the whole circuit its group.
    about : str
        One sentence on what was folded.
    """

    whole: Netlist
    netlist: Netlist
    group: list[int]
    about: str

    def trace(self, trace: Trace) -> Trace:
        """Return a trace of the whole circuit as one of the groups."""
        return _Folder(self, trace).fold()


def group_gates(netlist: Netlist, most: int | None = None) -> Grouping | None:
    """Fold a circuit if it has more than `most` gates, or, if that is not given, is too big to be drawn; else None."""
    gates = sum(node.kind == "gate" for node in netlist.nodes)
    if gates <= (MOST_GATES if most is None else most):
        return None
    levels = _levels(netlist)
    deepest = max(levels) + 1

    highest = max([int(found[2]) for node in netlist.nodes if (found := _numbered(_scope(node)))], default=0)

    def by_name(index: int, depth: int = -1) -> Hashable:
        scope = _scope(netlist.nodes[index]).split(".")
        return ".".join(scope if depth < 0 else scope[:depth])

    def by_layer(index: int) -> Hashable:
        return re.sub(r"_\d+$", "", str(by_name(index)))

    def by_run(index: int) -> Hashable:
        found = _numbered(scope := _scope(netlist.nodes[index]))
        return (found[1], int(found[2]) * BANDS // (highest + 1)) if found else scope

    def by_place(index: int) -> Hashable:
        node = netlist.nodes[index]
        band = levels[index] * min(BANDS, deepest) // deepest
        return (band, node.gate.name if node.gate else node.kind)

    def by_band(index: int) -> Hashable:
        return levels[index] * min(BANDS, deepest) // deepest

    deepest_scope = max(_scope(node).count(".") for node in netlist.nodes) + 1
    outer: list[Key] = [partial(by_name, depth=depth) for depth in range(deepest_scope - 1, 0, -1)]
    keys: list[Key] = [by_name, *outer, by_layer, by_run, by_place]
    for key in keys:
        order = _order(netlist, _groups(netlist, key))
        if order is not None and len(order) <= MOST_GROUPS and len(_ends(netlist, order)) <= MOST_WIRES:
            return _build(netlist, order, gates)
    order = _order(netlist, _groups(netlist, by_band))
    assert order is not None  # a wire never leads from a later stretch to an earlier one
    return _build(netlist, order, gates)


def _scope(node: Node) -> str:
    """Return the part of a name before its last dot, all of it if there is none."""
    return node.name.rpartition(".")[0] or node.name


def _numbered(scope: str) -> re.Match[str] | None:
    """Tell what stands before the number that a scope ends with, and the number."""
    return re.fullmatch(r"(.*?)(\d{1,9})", scope)


def _levels(netlist: Netlist) -> list[int]:
    """Return for each node the length of the longest way to it, and for constants and parameters where they go."""
    levels = [0] * len(netlist.nodes)
    for index in range(len(netlist.nodes)):  # topological order
        levels[index] = max((levels[netlist.wires[wire].source] + 1 for wire in netlist.incoming[index]), default=0)
    for index, node in enumerate(netlist.nodes):
        if node.kind in ("parameter", "constant") and netlist.outgoing[index]:
            levels[index] = min(levels[netlist.wires[wire].target] for wire in netlist.outgoing[index])
    return levels


def _groups(netlist: Netlist, key: Key) -> dict[Hashable, list[int]]:
    """Return the nodes of each group.

    Inputs and outputs stand alone; very many inputs, and parameters that several groups use, stand together with those
    that go to the same groups, so that each message of theirs carries all of them.
    """
    many = len(netlist.of_kind("input")) > MOST_GROUPS // 4
    groups: dict[Hashable, list[int]] = {}
    for index, node in enumerate(netlist.nodes):
        targets = [netlist.wires[wire].target for wire in netlist.outgoing[index]]
        used_by = frozenset((key(target), netlist.nodes[target].kind == "output") for target in targets)
        own: Hashable = ("group", key(index))
        if node.kind == "output" or (node.kind == "input" and not many):
            own = (node.kind, index)
        elif node.kind == "input" or (node.gate is None and used_by != {(key(index), False)}):
            own = (node.kind == "input", used_by)
        groups.setdefault(own, []).append(index)
    return groups


def _order(netlist: Netlist, groups: dict[Hashable, list[int]]) -> list[list[int]] | None:
    """Return the groups in topological order, None if some group would wait for itself."""
    numbered = list(groups.values())
    group = _membership(len(netlist.nodes), numbered)
    sorter: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(range(len(numbered)), ()))
    for source, target, _ in netlist.wires:
        if group[source] != group[target]:
            sorter.add(group[target], group[source])
    try:
        order = [numbered[number] for number in sorter.static_order()]
    except CycleError:
        return None
    return sorted(order, key=lambda members: netlist.nodes[members[0]].kind == "output")  # outputs come last


def _membership(count: int, groups: Iterable[list[int]]) -> list[int]:
    group = [0] * count
    for number, members in enumerate(groups):
        for index in members:
            group[index] = number
    return group


def _ends(netlist: Netlist, order: list[list[int]]) -> list[tuple[int, int]]:
    """Return the pairs of groups that are wired together."""
    group = _membership(len(netlist.nodes), order)
    pairs = {(group[source], group[target]) for source, target, _ in netlist.wires}
    return sorted((source, target) for source, target in pairs if source != target)


def _build(netlist: Netlist, order: list[list[int]], gates: int) -> Grouping:
    """Make the folded netlist."""
    group = _membership(len(netlist.nodes), order)
    ends = _ends(netlist, order)
    entering: list[list[int]] = [[] for _ in order]
    for source, target in ends:
        entering[target].append(source)
    names: dict[str, None] = {}
    nodes = []
    for number, members in enumerate(order):
        node = _group_node(netlist, members, len(entering[number]), names)
        names[node.name] = None
        nodes.append(node)
    wires = [Wiring(source, target, entering[target].index(source)) for source, target in ends]
    folded = Netlist.from_tables(netlist.name, nodes, wires)
    groups = sum(node.kind == "gate" for node in nodes)
    return Grouping(netlist, folded, group, f"{gates:,} gates, folded into {groups:,} groups")


def _group_node(netlist: Netlist, members: list[int], ports: int, taken: Iterable[str]) -> Node:
    nodes = [netlist.nodes[index] for index in members]
    first = nodes[0]
    if len(nodes) == 1 and first.kind != "gate":
        return first
    kinds = {node.kind for node in nodes}
    if kinds <= {"input"} or kinds <= {"parameter", "constant"}:
        kind = "input" if kinds == {"input"} else "parameter" if "parameter" in kinds else "constant"
        stacked = np.concatenate([np.ravel(node.value) for node in nodes if node.value is not None] or [np.zeros(0)])
        return Node(_fresh(f"{len(nodes)} {kind}s", taken), kind, value=stacked if kind != "input" else None)
    counted = Counter(node.gate.name for node in nodes if node.gate)
    parts = ", ".join(f"{count} {name}" for name, count in counted.most_common())
    total = sum(counted.values())
    name = _common_name(nodes) or (
        parts if len(counted) == 1 else f"part {1 + sum(n.startswith('part ') for n in taken)}"
    )
    symbol = f"{total} gates" if total > 1 else next(node.gate.symbol for node in nodes if node.gate)
    entered = [f"in{port + 1}" for port in range(ports)]
    return Node(_fresh(name, taken), "gate", placeholder(name, symbol, entered, about=f"A group of gates: {parts}."))


def _common_name(nodes: list[Node]) -> str:
    names = {_scope(node) for node in nodes}
    stems = {re.sub(r"_\d+$", "", name) for name in names}
    if len(names) == 1 or len(stems) == 1:
        return names.pop() if len(names) == 1 else stems.pop()
    outer = zip(*(name.split(".") for name in names), strict=False)
    shared = [parts[0] for parts in takewhile(lambda parts: len(set(parts)) == 1, outer)]
    runs = [found for name in names if (found := _numbered(name))]
    if shared or len(runs) < len(names) or len({found[1] for found in runs}) > 1:
        return ".".join(shared)
    first, last = (find(runs, key=lambda found: int(found[2]))[0] for find in (min, max))
    return f"{first} to {last}"


def _fresh(name: str, taken: Iterable[str]) -> str:
    number, made = 2, name
    while made in taken:
        number, made = number + 1, f"{name} ({number})"
    return made


class _Folder:
    """Folds one trace."""

    def __init__(self, grouping: Grouping, trace: Trace) -> None:
        self.grouping = grouping
        self.old = trace.expanded
        whole, netlist = grouping.whole, grouping.netlist
        self.wire = {(source, target): number for number, (source, target, _) in enumerate(netlist.wires)}
        # For each group, which of its nodes are heard outside, and where each stands in the group's array.
        self.exits: list[dict[int, int]] = [{} for _ in netlist.nodes]
        for source, target, _ in whole.wires:
            own = grouping.group[source]
            if own != grouping.group[target]:
                self.exits[own].setdefault(source, len(self.exits[own]))
        self.sizes = {index: int(np.size(value)) for index, value in trace.values().items()} if len(trace) else {}
        # By kind, wire or node, and tag: start, end, and the parts by node.
        self.bundles: dict[tuple[Kind, int, int], tuple[float, float, dict[int, Value]]] = {}

    def fold(self) -> Trace:
        """Return the folded trace."""
        group, whole = self.grouping.group, self.grouping.whole
        for kind, where, tag, start, end, value, *_ in self.old:
            if kind in (Kind.FORWARD, Kind.BACKWARD):
                heard = where in self.exits[group[where]]
                self._bundle(kind, group[where], tag, start, end, {where: value} if heard else {})
                continue
            source, target, _ = whole.wires[where]
            if group[source] != group[target]:
                number = self.wire[group[source], group[target]]
                before = self.bundles.get((kind, number, tag), (start, end, {}))[2].get(source)
                met = value if before is None or kind is Kind.VALUE else before + value
                self._bundle(kind, number, tag, start, end, {source: met})
        trace = Trace(self.grouping.netlist, self._held())
        for (kind, where, tag), (start, end, parts) in sorted(self.bundles.items(), key=lambda item: item[1][1]):
            own = where if kind in (Kind.FORWARD, Kind.BACKWARD) else self.grouping.netlist.wires[where].source
            trace.record(kind, where, tag, start, end, self._together(kind, own, parts))
        return trace

    def _bundle(self, kind: Kind, where: int, tag: int, start: float, end: float, parts: dict[int, Value]) -> None:
        begun, ended, known = self.bundles.get((kind, where, tag), (start, end, {}))
        self.bundles[kind, where, tag] = (min(begun, start), max(ended, end), known | parts)

    def _together(self, kind: Kind, group: int, parts: dict[int, Value]) -> Value:
        """Return one number, or an array of several; gradients have a place for each exit of the group."""
        exits = self.exits[group]
        if len(exits) == 1 and len(parts) == 1:
            return next(iter(parts.values()))
        if kind in (Kind.VALUE, Kind.FORWARD):
            ordered = [parts[index] for index in sorted(parts, key=lambda index: exits.get(index, 0))]
            return np.concatenate([np.ravel(part) for part in ordered]) if ordered else 0.0
        pieces = [np.ravel(parts.get(index, np.zeros(self.sizes.get(index, 1)))) for index in exits]
        return np.concatenate(pieces) if pieces else 0.0

    def _held(self) -> dict[int, Value]:
        held: dict[int, list[Value]] = {}
        for index, value in sorted(self.old.held.items()):
            group = self.grouping.group[index]
            if self.grouping.netlist.nodes[group].kind in ("parameter", "constant", "input"):
                held.setdefault(group, []).append(value)
        return {
            group: values[0] if len(values) == 1 else np.concatenate([np.ravel(value) for value in values])
            for group, values in held.items()
        }
