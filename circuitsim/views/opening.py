"""Shows what is in one group of a folded circuit: its gates as a circuit of their own, at the times of the run.

What enters a group is an input there, and what leaves it an output, pulled with what comes back. `Opened` says of which
nodes and wires of the whole circuit each of its own is made, so that a page can compute them anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from circuitsim.circuit.netlist import Netlist, Node, Wiring
from circuitsim.gates.value import Value
from circuitsim.trace.kinds import Kind
from circuitsim.trace.trace import Trace
from circuitsim.views.grouping import MOST_GATES, Grouping

__all__ = ["Opened", "made_of", "opened_groups"]

MOST_RECORDS = 20_000  # of a trace whose groups can be opened


@dataclass(frozen=True)
class Opened:
    """One group, opened.

    Attributes
    ----------
    group : int
        Its number in the folded netlist.
    trace : Trace
        The part of the run that goes on in it.
    nodes, wires : list of list of int
        For each node and wire of this trace the numbers of those of the whole circuit.
    """

    group: int
    trace: Trace
    nodes: list[list[int]]
    wires: list[list[int]]


def made_of(grouping: Grouping) -> tuple[list[list[int]], list[list[int]]]:
    """Return for each folded node the nodes that are heard outside of it, and for each folded wire its wires."""
    whole, group = grouping.whole, grouping.group
    nodes: list[list[int]] = [[] for _ in grouping.netlist.nodes]
    between = {(source, target): number for number, (source, target, _) in enumerate(grouping.netlist.wires)}
    wires: list[list[int]] = [[] for _ in between]
    for number, (source, target, _) in enumerate(whole.wires):
        if group[source] != group[target]:
            if source not in nodes[group[source]]:
                nodes[group[source]].append(source)
            wires[between[group[source], group[target]]].append(number)
    for index, node in enumerate(whole.nodes):
        if node.kind == "output":
            nodes[group[index]].append(index)
    return nodes, wires


def opened_groups(grouping: Grouping, trace: Trace) -> Iterator[Opened]:
    """Yield every group of more than one gate that is small enough to be drawn, with its part of a trace."""
    if len(trace.expanded) > MOST_RECORDS:
        return
    whole, members = grouping.whole, [[] for _ in grouping.netlist.nodes]  # type: tuple[Netlist, list[list[int]]]
    for index, number in enumerate(grouping.group):
        members[number].append(index)
    for number, inside in enumerate(members):
        gates = sum(whole.nodes[index].kind == "gate" for index in inside)
        if 1 < gates <= MOST_GATES:
            yield _Opener(grouping, number, inside).open(trace.expanded)


class _Opener:
    def __init__(self, grouping: Grouping, number: int, inside: list[int]) -> None:
        self.grouping, self.number = grouping, number
        whole = self.whole = grouping.whole
        within = set(inside)
        entering = {
            whole.wires[wire].source
            for index in inside
            for wire in whole.incoming[index]
            if whole.wires[wire].source not in within
        }
        self.nodes = sorted(entering | within)  # in topological order, as they are numbered
        self.place = {index: place for place, index in enumerate(self.nodes)}
        nodes = [self._node(index) for index in self.nodes]
        wires: list[tuple[Wiring, list[int]]] = []
        self.ends: dict[int, int] = {}  # what leaves the group -> the output that stands for all that hear it
        for index in self.nodes:
            out = [wire for wire in whole.outgoing[index] if whole.wires[wire].target not in within]
            if index in within and out:
                self.ends[index] = len(nodes)
                nodes.append(Node(self._called(out), "output"))
                wires.append((Wiring(self.place[index], self.ends[index], 0), out))
            for wire in whole.outgoing[index]:
                target, port = whole.wires[wire].target, whole.wires[wire].port
                if target in within:
                    wires.append((Wiring(self.place[index], self.place[target], port), [wire]))
        self.parts = [parts for _, parts in wires]
        self.wire = {part: wire for wire, parts in enumerate(self.parts) for part in parts}
        name = grouping.netlist.nodes[number].name
        self.netlist = Netlist.from_tables(name, nodes, [wiring for wiring, _ in wires])

    def _node(self, index: int) -> Node:
        node = self.whole.nodes[index]
        outside = self.grouping.group[index] != self.number
        return Node(node.name, "input") if outside and node.kind == "gate" else node

    def _called(self, wires: list[int]) -> str:
        """Return what an output is called that stands for what wires lead to."""
        targets = sorted({self.grouping.group[self.whole.wires[wire].target] for wire in wires})
        names = [self.grouping.netlist.nodes[target].name for target in targets]
        return f"what goes to {names[0]}" if len(names) == 1 else f"what goes to {len(names)} groups"

    def open(self, trace: Trace) -> Opened:
        """Return the group with its part of a trace of the whole circuit."""
        opened = Trace(self.netlist, {self.place[i]: value for i, value in trace.held.items() if i in self.place})
        leaving: dict[tuple[Kind, int, int], tuple[float, float, Value]] = {}
        own = {index for index in self.nodes if self.grouping.group[index] == self.number}
        rows: list[tuple[float, Kind, int, int, float, Value]] = []
        for kind, where, tag, start, end, value, *_ in trace:
            if kind in (Kind.FORWARD, Kind.BACKWARD):
                if where in own:
                    rows.append((end, kind, self.place[where], tag, start, value))
            elif where in self.wire:
                wire = self.wire[where]
                if len(self.parts[wire]) == 1:
                    rows.append((end, kind, wire, tag, start, value))
                    continue
                begun, ended, met = leaving.get((kind, wire, tag), (start, end, None))
                total = value if met is None or kind is Kind.VALUE else met + value
                leaving[kind, wire, tag] = min(begun, start), max(ended, end), total
        rows += [(end, kind, wire, tag, start, value) for (kind, wire, tag), (start, end, value) in leaving.items()]
        for end, kind, where, tag, start, value in sorted(rows, key=lambda row: row[0]):
            opened.record(kind, where, tag, start, end, value)
        nodes = [[index] for index in self.nodes]
        for index in self.ends:
            (first, *_) = self.parts[self.netlist.outgoing[self.place[index]][0]]
            target = self.whole.wires[first].target
            nodes.append([target] if self.whole.nodes[target].kind == "output" else [index])
        return Opened(self.number, opened, nodes, self.parts)
