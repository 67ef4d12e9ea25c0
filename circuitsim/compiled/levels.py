"""Levels: all gates of one kind at one depth as one operation on arrays, with all reading and writing laid out before.

For circuits of gates that work element by element, when many of them are at the same depth or each carries a batch.
In logic simulation this is levelized compiled code, as against event-driven. The nodes are numbered level by level,
so that the gates of a group write side by side; what they read is gathered from where it stands, or seen in place
if it stands in steps. Gradients are written side by side as well, one for each wire, and gathered along the fan-out
of each node in wiring order, so the sums have the simulation's bits.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from circuitsim.circuit.netlist import Netlist, Node
from circuitsim.compiled.form import MOST_PULLS, make_room
from circuitsim.gates.attributes import key_of
from circuitsim.gates.code import Expression
from circuitsim.gates.firing import Firing
from circuitsim.gates.value import Value, own_value, shape_of

__all__ = ["Levels"]

#: One operation: a function, and its arguments, where it writes among them.
Step = tuple[Callable[..., Any], tuple[Any, ...]]

#: Numbers of nodes, of wires, or of the rows where their values and gradients stand.
Indices: TypeAlias = NDArray[np.int_]


class Group(NamedTuple):
    """Gates of one kind and level: one, the nodes of all, the wires to each port, what is read there and written."""

    firing: Firing
    nodes: Indices
    batched: bool
    wires: list[Indices]
    reads: list[Any]
    writes: Any

    def expression(self, port: int | None = None) -> Expression | None:
        """Return the text of the gate's function, or of the rule of a port, if it has one for arrays."""
        code = self.firing.gate.texts.get("arrays")
        return None if code is None else code.forward if port is None else code.shares[port]

    def step(self, function: Callable[..., Any], text: Expression | None, total: Any, target: Any) -> Step:
        """Return the step that computes the gate's function or a rule of it and writes to `target`."""
        values = () if total is None else (total, self.writes)
        if text is not None and text.operation is not None:
            ufunc, names = text.operation
            known = dict(zip(self.firing.gate.ports, self.reads, strict=True)) | {
                "gradient": total,
                "output": self.writes,
            }
            return ufunc, (*(known[name] for name in names), target)
        given = (*values, *self.reads)
        if not self.firing.gate.built_in:
            given = tuple(map(_sealed, given))
        return _writing(function), (*given, target)


class FanOut(NamedTuple):
    """The rows of the wires that carry a gradient, grouped by source; where each node's begin, and how many it has."""

    rows: Indices
    first: Indices
    counts: Indices


class Levels:
    """The operations for one circuit and one set of shapes.

    There are two banks of values: one number for a node that is the same for the whole batch, and one array for a node
    that is not.

    Parameters
    ----------
    netlist : Netlist
        A circuit that `fits`.
    given : sequence of int
        The inputs and parameters, in the order in which their values are handed over.
    values : sequence of float or ndarray
        Values for them, with these shapes.
    """

    def __init__(self, netlist: Netlist, given: Sequence[int], values: Sequence[Value]) -> None:
        self._netlist = netlist
        self._given = given
        self._names = [netlist.nodes[index].name for index in given]
        shapes = {index: shape_of(value) for index, value in zip(given, values, strict=True)}
        shapes |= {index: shape_of(value) for index, value in _constants(netlist).items()}
        self._shape: tuple[int, ...] = next((shape for shape in shapes.values() if shape), ())
        self._batched = [False] * len(netlist.nodes)
        for index, shape in shapes.items():
            self._batched[index] = shape != ()
        if self._shape:
            for source, target, _ in netlist.wires:
                self._batched[target] |= self._batched[source]
        wires = np.fromiter(chain.from_iterable(netlist.wires), int, 3 * len(netlist.wires))
        self._sources, self._targets, self._ports = wires.reshape(-1, 3).T.copy()
        self._kinds = self._group()
        self._steps: list[Step] | None = None  # laid out when they are first wanted
        self._backward: dict[frozenset[int], tuple[list[Step], list[Any], list[Any]]] = {}

    @staticmethod
    def fits(netlist: Netlist, values: Iterable[Value]) -> bool:
        """Tell whether all gates work element by element, and all arrays given to the circuit have one shape."""
        shapes = {shape_of(value) for value in chain(values, _constants(netlist).values())} - {()}
        kinds = {node.gate for node in netlist.nodes} - {None}
        return len(shapes) <= 1 and all(gate.elementwise for gate in kinds if gate is not None)

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self._kinds)

    @property
    def gates(self) -> int:
        """How many gates there are."""
        return sum(len(nodes) for _, nodes in self._kinds)

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
            outputs.insert(place, own_value(self._banks[True][slot]))  # the next run writes there
        return outputs, not watch or all(bool(np.isfinite(bank).all()) for bank in self._banks.values())

    def knows(self, pulled: frozenset[int]) -> bool:
        """Tell whether it can go backward from these outputs: from any, because it knows all shapes."""
        return True

    def learn(self, pulled: frozenset[int], felt: list[bool], shapes: list[Any]) -> None:
        """Do nothing: it knows."""

    def backward(self, pulls: Mapping[int, Any], watch: bool) -> tuple[dict[str, Value], bool]:
        """Return what inputs and parameters feel, and whether all was finite, if to be watched."""
        pulled = frozenset(pulls)
        if pulled not in self._backward:
            make_room(self._backward, MOST_PULLS)
            self._backward[pulled] = self._lay_out_backward(self._netlist.felt(pulled))
        steps, learners, swallowed = self._backward[pulled]
        for index, force in pulls.items():
            shares, row = self._pulled_rows[index]
            shares[row] = force
        for function, arguments in steps:
            function(*arguments)
        learned: list[Any] = learners[False].tolist()
        for (_, number), total in zip(self._arrays, learners[True], strict=True):
            learned.insert(number, own_value(total))
        felt = dict(zip(self._names, learned, strict=True))
        return felt, not watch or all(bool(np.isfinite(totals).all()) for totals in (*learners, *swallowed))

    # -- grouping ------------------------------------------------------------------------------------------

    def _group(self) -> list[tuple[Node, Indices]]:
        """Return one of the gates of each level and kind, and the nodes of all, those with the widest fan-out first."""
        nodes = self._netlist.nodes
        level = [0] * len(nodes)
        for source, target, _ in self._netlist.wires:  # in topological order of their sources
            if level[target] <= level[source]:
                level[target] = level[source] + 1
        of_kind: dict[Any, int] = {None: -1}
        kind = [of_kind.setdefault(node.gate, len(of_kind)) for node in nodes]
        if any(
            gate is not None and gate.attributes for gate in of_kind
        ):  # gates with other attributes are of other kinds
            kind = [
                of_kind.setdefault((node.gate, key_of(node.attributes)), len(of_kind)) if node.attributes else number
                for node, number in zip(nodes, kind, strict=True)
            ]
        found = np.flatnonzero(np.array(kind) >= 0)
        # Which ports take arrays, with a binary digit for each; the first counts most.
        pattern = np.bincount(self._targets, np.array(self._batched)[self._sources] * 0.5**self._ports, len(nodes))
        fanout = np.bincount(self._sources, minlength=len(nodes))
        order = found[np.lexsort((-fanout[found], pattern[found], np.array(kind)[found], np.array(level)[found]))]
        changes = [np.diff(np.array(key)[order]) != 0 for key in (level, kind, pattern)]
        parts = np.split(order, np.flatnonzero(np.any(changes, axis=0)) + 1)
        return [(nodes[part[0]], part) for part in parts if len(part)]

    # -- forward -------------------------------------------------------------------------------------------

    def _lay_out(self) -> list[Step]:
        """Give every node and wire its place and return the steps forward."""
        constants = _constants(self._netlist)
        self._slots, sizes = np.zeros(len(self._netlist.nodes), int), {False: 0, True: 0}
        alone = [np.array([index]) for index in chain(self._given, constants)]
        for nodes in [*alone, *(nodes for _, nodes in self._kinds)]:
            batched = self._batched[nodes[0]]
            self._slots[nodes] = np.arange(sizes[batched], sizes[batched] + len(nodes))
            sizes[batched] += len(nodes)
        self._banks = {batched: np.zeros((size, *self._shape_of(batched))) for batched, size in sizes.items()}
        for index, value in constants.items():
            self._banks[self._batched[index]][self._slots[index]] = value
        self._given_batched = [self._batched[index] for index in self._given]
        self._arrays = [(self._slots[index], n) for n, index in enumerate(self._given) if self._batched[index]]
        shown = self._sources[self._shown_wires()].tolist()
        self._shown_numbers = self._slots[[index for index in shown if not self._batched[index]]]
        self._shown_arrays = [(n, self._slots[index]) for n, index in enumerate(shown) if self._batched[index]]

        # The wires that enter each node, by port, node after node, and where those of a node begin.
        entering = np.lexsort((self._ports, self._targets))
        first = np.searchsorted(self._targets[entering], np.arange(len(self._netlist.nodes)))
        steps: list[Step] = []
        self._groups: list[Group] = []
        for node, nodes in self._kinds:
            assert node.gate is not None
            firing = Firing(node.name, node.gate, node.attributes, _ignore)
            wires = [entering[first[nodes] + port] for port in range(node.gate.arity)]
            group = self._read(firing, nodes, wires, steps)
            self._groups.append(group)
            steps.append(group.step(firing.function, group.expression(), None, group.writes))
        self._place_wires()
        return steps

    def _shown_wires(self) -> list[int]:
        """Return the wires that enter outputs."""
        netlist = self._netlist
        return [netlist.incoming[index][0] for index in netlist.of_kind("output").values()]

    def _read(self, firing: Firing, nodes: Indices, wires: list[Indices], steps: list[Step]) -> Group:
        """Return a group with what it reads, after adding the steps that gather it."""
        batched = self._batched[nodes[0]]
        reads = []
        for entering in wires:
            sources = self._sources[entering]
            from_batch = self._batched[sources[0]]
            read = self._gather(self._banks[from_batch], self._slots[sources], steps)
            reads.append(read.reshape(len(nodes), *(1 for _ in self._shape)) if batched and not from_batch else read)
        begin = self._slots[nodes[0]]
        return Group(firing, nodes, batched, wires, reads, self._banks[batched][begin : begin + len(nodes)])

    def _gather(self, bank: NDArray[np.float64], rows: Indices, steps: list[Step]) -> NDArray[np.float64]:
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
        self._rows, sizes = np.zeros(len(self._sources), int), {False: 0, True: 0}
        shown = self._shown_wires()
        alone = [np.array([wire]) for wire in shown]
        for wires in [*(wires for group in self._groups for wires in group.wires), *alone]:
            batched = self._batched[self._sources[wires[0]]]
            self._rows[wires] = np.arange(sizes[batched], sizes[batched] + len(wires))
            sizes[batched] += len(wires)
        self._shares = {batched: np.zeros((size, *self._shape_of(batched))) for batched, size in sizes.items()}
        self._pulled_rows = {
            int(self._targets[wire]): (self._shares[self._batched[self._sources[wire]]], self._rows[wire])
            for wire in shown
        }

    def _lay_out_backward(self, felt: list[bool]) -> tuple[list[Step], list[Any], list[Any]]:
        """Return the steps backward, and where gradients are then that somebody looks at.

        Those of inputs and parameters, in both banks, and those that need not show in them.
        """
        steps: list[Step] = []
        swallowed = []
        felt_wires = np.flatnonzero(felt)  # grouped by source, in wiring order
        counts = np.bincount(self._sources[felt_wires], minlength=len(self._netlist.nodes))
        fan_out = FanOut(self._rows[felt_wires], np.cumsum(counts) - counts, counts)
        carries = np.array(felt)
        for group in reversed(self._groups):
            ports = [port for port, wires in enumerate(group.wires) if carries[wires].any()]
            if ports:
                total = self._sum(group.nodes, fan_out, steps)
                if not any((text := group.expression(port)) is not None and text.shows("gradient") for port in ports):
                    swallowed.append(total)
                for port in ports:
                    self._send(group, port, total, steps)
        learners = []
        for batched in (False, True):
            nodes = np.array([index for index in self._given if self._batched[index] == batched], int)
            learners.append(self._sum(nodes, fan_out, steps) if len(nodes) else np.zeros((0, *self._shape_of(batched))))
        return steps, learners, swallowed

    def _sum(self, nodes: Indices, fan_out: FanOut, steps: list[Step]) -> NDArray[np.float64]:
        """Return what nodes of one bank feel, summed in wiring order by the steps that it adds."""
        first, counts = fan_out.first[nodes], fan_out.counts[nodes]
        shares = self._shares[self._batched[nodes[0]]]
        if (counts == 1).all():
            return self._gather(shares, fan_out.rows[first], steps)
        total = np.zeros((len(nodes), *shares.shape[1:]))
        if counts.all():
            steps.append(_take(shares, fan_out.rows[first], total))
        for turn in range(1 if counts.all() else 0, counts.max()):
            places = np.flatnonzero(counts > turn)
            source = self._gather(shares, fan_out.rows[first[places] + turn], steps)
            part = _in_steps(total, places)
            if turn == 0 and part is not None:
                steps.append((np.copyto, (part, source)))
            elif part is not None:
                steps.append((np.add, (part, source, part)))
            else:
                steps.append((_put if turn == 0 else _add_at, (places, source, total)))
        return total

    def _send(self, group: Group, port: int, total: NDArray[np.float64], steps: list[Step]) -> None:
        """Add the steps that send a group's gradients back through a port."""
        first = group.wires[port][0]
        row, from_batch = self._rows[first], self._batched[self._sources[first]]
        shares = self._shares[from_batch][row : row + len(group.nodes)]
        summed = group.batched and not from_batch  # over the batch
        target = np.empty_like(group.writes) if summed else shares
        text = group.expression(port)
        if text is not None and text.name == "gradient":
            if summed:
                target = total
            else:
                steps.append((np.copyto, (target, total)))
        else:
            steps.append(group.step(group.firing.rules[port], text, total, target))
        if summed:
            steps.append((np.add.reduce, (target.reshape(len(group.nodes), -1), 1, None, shares)))


def _constants(netlist: Netlist) -> dict[int, Value]:
    """Return the values of the constants, by node."""
    return {index: netlist.nodes[index].value for index in netlist.of_kind("constant").values()}  # type: ignore[misc]


def _in_steps(bank: NDArray[np.float64], rows: Indices) -> NDArray[np.float64] | None:
    """Return rows of a bank as a view if they stand in equal steps, each after the one before; else None."""
    step = rows[1] - rows[0] if len(rows) > 1 else 1
    if step < 1 or (np.diff(rows) != step).any():
        return None
    return bank[rows[0] : rows[-1] + 1 : step]


def _take(bank: NDArray[np.float64], rows: Indices, out: NDArray[np.float64]) -> Step:
    return bank.take, (rows, 0, out, "clip")  # the rows are right; "raise" would copy once more


def _put(places: Any, source: Any, out: Any) -> None:
    out[places] = source


def _add_at(places: Any, source: Any, out: Any) -> None:
    out[places] += source  # each place stands there once


def _sealed(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an array as a gate of the user's may see it: it cannot write there."""
    seen = array.view()
    seen.setflags(write=False)
    return seen


def _ignore(sentence: str) -> None:
    """Take no note of what is not finite: that is looked for in all values at once."""


def _writing(function: Callable[..., Any]) -> Callable[..., None]:
    """Return a function that writes to its last argument what another returns for the rest."""

    def write(*arguments: Any) -> None:
        arguments[-1][...] = function(*arguments[:-1])

    return write
