"""Levels: all gates of one kind at one depth as one operation on arrays, with all reading and writing laid out before.

For circuits of gates that work element by element, when many of them are at the same depth or each carries a batch.
In logic simulation this is levelized compiled code, as against event-driven. The nodes are numbered level by level,
so that the gates of a group write side by side; what they read is gathered from where it stands, or seen in place
if it stands in steps. Gradients are written side by side as well, one for each wire, and gathered along the fan-out
of each node in wiring order, so the sums have the simulation's bits.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuitsim import gates
from circuitsim.compiled.walk import Place, Walk
from circuitsim.gates.gate import Gate
from circuitsim.gates.value import Value, shape_of

__all__ = ["Levels"]

# Gates that give an element of an array the bits that they give a number; `pow` does not.
ELEMENTWISE = frozenset(gate for name, gate in gates.registry.items() if not gate.for_arrays and gate is not gates.pow)
UFUNCS: dict[Gate, Any] = {
    gates.add: np.add,
    gates.sub: np.subtract,
    gates.mul: np.multiply,
    gates.neg: np.negative,
    gates.tanh: np.tanh,
    gates.exp: np.exp,
}
# Gates that may pass nothing on of an infinite gradient, where the others multiply by it.
SWALLOWING = {gates.where, gates.clip, gates.greater, gates.greater_equal, gates.not_equal}

#: One operation: a function, and its arguments, where it writes among them.
Step = tuple[Callable[..., Any], tuple[Any, ...]]


class Group(NamedTuple):
    """Gates of one kind and level: their nodes, what they read by port, and where they write."""

    gate: Gate
    places: list[Place]
    batched: bool
    reads: list[Any]
    writes: Any


class Levels:
    """The operations for one circuit and one set of shapes.

    There are two banks of values: one number for a node that is the same for the whole batch, and one array for a node
    that is not. See `Lines` for the parameters.
    """

    def __init__(self, walk: Walk, given: Sequence[int], values: list[Any]) -> None:
        self._walk = walk
        self._given = given
        self._names = [walk.netlist.nodes[index].name for index in given]
        self._batched = [shape_of(value) != () if value is not None else False for value in values]
        self._shape: tuple[int, ...] = next((shape_of(v) for v in values if v is not None and shape_of(v)), ())
        self._kinds = self._group()
        self._steps: list[Step] | None = None  # laid out when they are first wanted
        self._plans: dict[frozenset[int], list[bool]] = {}
        self._backward: dict[frozenset[int], tuple[list[Step], list[Any], list[Any]]] = {}

    @staticmethod
    def fits(walk: Walk, values: list[Any]) -> bool:
        """Tell whether all gates work element by element and all arrays have one shape."""
        shapes = {shape_of(value) for value in values if value is not None} - {()}
        return len(shapes) <= 1 and all(place.gate in ELEMENTWISE for place in walk.places)

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self._kinds)

    def forward(self, values: Sequence[Any], watch: bool) -> tuple[list[Any], bool]:
        """Return the outputs, from values of inputs and parameters, and whether all was finite, if to be watched."""
        if self._steps is None:
            self._steps = self._lay_out()
        numbers = [value for value, batched in zip(values, self._given_batched, strict=True) if not batched]
        self._banks[False][: len(numbers)] = numbers
        for place, number in self._arrays:
            self._banks[True][place] = values[number]
        for function, arguments in self._steps:
            function(*arguments)
        outputs: list[Any] = self._banks[False][self._shown_numbers].tolist()
        for place, slot in self._shown_arrays:
            outputs.insert(place, self._banks[True][slot])
        return outputs, not watch or all(bool(np.isfinite(bank).all()) for bank in self._banks.values())

    def knows(self, pulled: frozenset[int]) -> bool:
        """Tell whether it can go backward from these outputs."""
        return pulled in self._plans

    def learn(self, pulled: frozenset[int], felt: list[bool], shapes: list[Any]) -> None:
        """Get ready to go backward from these outputs; see `Walk.backward` for the rest."""
        self._plans[pulled] = felt

    def backward(self, pulls: Mapping[int, Any], watch: bool) -> tuple[dict[str, Value], bool]:
        """Return what inputs and parameters feel, and whether all was finite, if to be watched."""
        pulled = frozenset(pulls)
        if pulled not in self._backward:
            self._backward[pulled] = self._lay_out_backward(self._plans[pulled])
        steps, learners, swallowed = self._backward[pulled]
        for index, force in pulls.items():
            shares, row = self._pulled_rows[index]
            shares[row] = force
        for function, arguments in steps:
            function(*arguments)
        learned: list[Any] = learners[False].tolist()
        for (_, number), total in zip(self._arrays, learners[True], strict=True):
            learned.insert(number, total.copy())
        felt = dict(zip(self._names, learned, strict=True))
        return felt, not watch or all(bool(np.isfinite(totals).all()) for totals in (*learners, *swallowed))

    # -- grouping ------------------------------------------------------------------------------------------

    def _group(self) -> list[tuple[Gate, list[Place]]]:
        """Return the gates by level and kind, within a group those with the widest fan-out first."""
        level = [0] * len(self._batched)
        found: dict[Any, list[Place]] = {}
        for place in self._walk.places:
            level[place.node] = 1 + max(level[source] for source in place.sources)
            pattern = tuple(self._batched[source] for source in place.sources)
            found.setdefault((level[place.node], place.gate.name, pattern), []).append(place)
        outgoing = self._walk.netlist.outgoing
        return [
            (found[key][0].gate, sorted(found[key], key=lambda place: -len(outgoing[place.node])))
            for key in sorted(found)
        ]

    # -- forward -------------------------------------------------------------------------------------------

    def _lay_out(self) -> list[Step]:
        """Give every node and wire its place and return the steps forward."""
        nodes, sizes = self._walk.netlist.nodes, {False: 0, True: 0}
        self._slots = [0] * len(nodes)
        constants = [index for index, node in enumerate(nodes) if node.kind == "constant"]
        for index in [*self._given, *constants, *(place.node for _, places in self._kinds for place in places)]:
            self._slots[index] = sizes[self._batched[index]]
            sizes[self._batched[index]] += 1
        self._banks = {batched: np.zeros((size, *self._shape_of(batched))) for batched, size in sizes.items()}
        for index in constants:
            self._banks[self._batched[index]][self._slots[index]] = nodes[index].value
        self._given_batched = [self._batched[index] for index in self._given]
        self._arrays = [(self._slots[index], n) for n, index in enumerate(self._given) if self._batched[index]]
        shown = [self._walk.sources(index)[0] for index, node in enumerate(nodes) if node.kind == "output"]
        self._shown_numbers = np.array([self._slots[index] for index in shown if not self._batched[index]], dtype=int)
        self._shown_arrays = [(n, self._slots[index]) for n, index in enumerate(shown) if self._batched[index]]

        steps: list[Step] = []
        self._groups: list[Group] = []
        for gate, places in self._kinds:
            group = self._read(gate, places, steps)
            self._groups.append(group)
            function = UFUNCS.get(gate)
            steps.append((function or _writing(gate.forward), (*group.reads, group.writes)))
        self._place_wires()
        return steps

    def _read(self, gate: Gate, places: list[Place], steps: list[Step]) -> Group:
        """Return a group with what it reads, after adding the steps that gather it."""
        batched = self._batched[places[0].node]
        reads = []
        for sources in zip(*(place.sources for place in places), strict=True):
            from_batch = self._batched[sources[0]]
            read = self._gather(self._banks[from_batch], [self._slots[source] for source in sources], steps)
            reads.append(read.reshape(len(places), *(1 for _ in self._shape)) if batched and not from_batch else read)
        first = self._slots[places[0].node]
        return Group(gate, places, batched, reads, self._banks[batched][first : first + len(places)])

    def _gather(self, bank: NDArray[np.float64], rows: list[int], steps: list[Step]) -> NDArray[np.float64]:
        """Return rows of a bank: seen in place if they stand in steps, else gathered by a step."""
        seen = _in_steps(bank, rows)
        if seen is not None:
            return seen
        gathered = np.empty((len(rows), *bank.shape[1:]))
        steps.append(_take(bank, rows, gathered))
        return gathered

    def _shape_of(self, batched: bool) -> tuple[int, ...]:
        return self._shape if batched else ()

    # -- backward ------------------------------------------------------------------------------------------

    def _place_wires(self) -> None:
        """Give every wire a row for its gradient, those of one group and port side by side."""
        netlist, sizes = self._walk.netlist, {False: 0, True: 0}
        self._rows = [0] * len(netlist.wires)
        ports = [
            netlist.incoming[place.node][port]
            for group in self._groups
            for port in range(len(group.reads))
            for place in group.places
        ]
        shown = [netlist.incoming[index][0] for index, node in enumerate(netlist.nodes) if node.kind == "output"]
        for wire in [*ports, *shown]:
            batched = self._batched[netlist.wires[wire].source]
            self._rows[wire] = sizes[batched]
            sizes[batched] += 1
        self._shares = {batched: np.zeros((size, *self._shape_of(batched))) for batched, size in sizes.items()}
        self._pulled_rows = {
            netlist.wires[wire].target: (self._shares[self._batched[netlist.wires[wire].source]], self._rows[wire])
            for wire in shown
        }

    def _lay_out_backward(self, felt: list[bool]) -> tuple[list[Step], list[Any], list[Any]]:
        """Return the steps backward, and where gradients are then that somebody looks at.

        Those of inputs and parameters, in both banks, and those that need not show in them.
        """
        steps: list[Step] = []
        swallowed = []
        incoming = self._walk.netlist.incoming
        for group in reversed(self._groups):
            nodes = [place.node for place in group.places]
            ports = [any(felt[incoming[node][port]] for node in nodes) for port in range(len(group.reads))]
            if any(ports):
                total = self._sum(nodes, felt, steps)
                if group.gate in SWALLOWING:
                    swallowed.append(total)
                for port in range(len(ports)):
                    if ports[port]:
                        self._send(group, port, total, steps)
        learners = []
        for batched in (False, True):
            nodes = [index for index in self._given if self._batched[index] == batched]
            learners.append(self._sum(nodes, felt, steps) if nodes else np.zeros((0, *self._shape_of(batched))))
        return steps, learners, swallowed

    def _sum(self, nodes: list[int], felt: list[bool], steps: list[Step]) -> NDArray[np.float64]:
        """Return what nodes of one bank feel, summed in wiring order by the steps that it adds."""
        rows = [[self._rows[wire] for wire in self._walk.netlist.outgoing[node] if felt[wire]] for node in nodes]
        shares = self._shares[self._batched[nodes[0]]]
        if all(len(own) == 1 for own in rows):
            return self._gather(shares, [own[0] for own in rows], steps)
        total = np.zeros((len(nodes), *shares.shape[1:]))
        if all(rows):
            steps.append(_take(shares, [own[0] for own in rows], total))
        for turn in range(1 if all(rows) else 0, max(map(len, rows))):
            places = [place for place, own in enumerate(rows) if len(own) > turn]
            source = self._gather(shares, [rows[place][turn] for place in places], steps)
            part = _in_steps(total, places)
            if turn == 0 and part is not None:
                steps.append((np.copyto, (part, source)))
            elif part is not None:
                steps.append((np.add, (part, source, part)))
            else:
                steps.append((_put if turn == 0 else _add_at, (np.array(places), source, total)))
        return total

    def _send(self, group: Group, port: int, total: NDArray[np.float64], steps: list[Step]) -> None:
        """Add the steps that send a group's gradients back through a port."""
        first, source = group.places[0], group.places[0].sources[port]
        row = self._rows[self._walk.netlist.incoming[first.node][port]]
        shares = self._shares[self._batched[source]][row : row + len(group.places)]
        summed = group.batched and not self._batched[source]  # over the batch
        target = np.empty_like(group.writes) if summed else shares
        if group.gate is gates.mul:
            steps.append((np.multiply, (total, group.reads[1 - port], target)))
        elif group.gate is gates.add or (group.gate is gates.sub and port == 0):
            if summed:
                target = total
            else:
                steps.append((np.copyto, (target, total)))
        elif group.gate is gates.neg or group.gate is gates.sub:
            steps.append((np.negative, (total, target)))
        else:
            rule = first.vjps[port]
            steps.append((_writing(rule), (total, group.writes, *group.reads, target)))
        if summed:
            steps.append((np.add.reduce, (target.reshape(len(group.places), -1), 1, None, shares)))


def _in_steps(bank: NDArray[np.float64], rows: list[int]) -> NDArray[np.float64] | None:
    """Return rows of a bank as a view if they stand in equal steps, each after the one before; else None."""
    step = rows[1] - rows[0] if len(rows) > 1 else 1
    if step < 1 or any(after - before != step for before, after in pairwise(rows)):
        return None
    return bank[rows[0] : rows[-1] + 1 : step]


def _take(bank: NDArray[np.float64], rows: list[int], out: NDArray[np.float64]) -> Step:
    return bank.take, (np.array(rows), 0, out, "clip")  # the rows are right; "raise" would copy once more


def _put(places: Any, source: Any, out: Any) -> None:
    out[places] = source


def _add_at(places: Any, source: Any, out: Any) -> None:
    out[places] += source  # each place stands there once


def _writing(function: Callable[..., Any]) -> Callable[..., None]:
    """Return a function that writes to its last argument what another returns for the rest."""

    def write(*arguments: Any) -> None:
        arguments[-1][...] = function(*arguments[:-1])

    return write
