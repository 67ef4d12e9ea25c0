"""What went on inside stages, computed again.

A stream's trace says what entered and left each stage and when it worked, not what its gates did meanwhile: that would
be many times as much, and it can be had again, bit by bit, from the values and gradients that entered and from the
versions of the parameters that were read.
"""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from circuitsim.errors import TraceError
from circuitsim.gates.firing import Firing
from circuitsim.gates.value import Value, add_up
from circuitsim.spelling import shown
from circuitsim.trace.kinds import ANSWER, ARRAY, PIECES, Kind, Layout, Record
from circuitsim.trace.records import Records
from circuitsim.trace.versions import Versions

__all__ = ["expand"]

AnyTrace = TypeVar("AnyTrace", bound=Records)


def expand(trace: AnyTrace, tags: Collection[int] | None = None) -> AnyTrace:
    """Return all gates' firings and all messages that arrived, as a run without stages would have left them.

    The firings in a stage and the messages between its gates are spread over the time of their piece of work, level by
    level. Where parameters moved, each example gets messages that bring it the versions that it read.

    Parameters
    ----------
    trace : Trace
        Of a run or of a stream.
    tags : collection of int, optional
        The examples; all, if not given.

    Returns
    -------
    Trace
        Without a layout; the same trace if there is nothing to add and nothing to leave out.

    Raises
    ------
    TraceError
        If a gate's rule is not known here, or the trace lacks what entered a stage.
    """
    if trace.layout is None:
        return _leave_out(trace, tags)
    if not trace.layout.values:
        raise TraceError("the trace tells what devices did, not what messages carried: record it with trace='all'")
    stages = _Stages(trace, trace.layout)
    happened: list[tuple[float, int, Record]] = []
    with np.errstate(all="ignore"):
        for tag in sorted(set(trace.column("tag").tolist() if tags is None else tags)):
            for number, record in stages.example(tag):
                happened.append((record.end if record.kind in _FIRINGS else record.start, number, record))
    happened.sort(key=lambda entry: entry[:2])
    expanded = type(trace)(trace.netlist, trace.held)
    for _, _, record in happened:
        expanded.record(*record)
    return expanded


_FIRINGS = (Kind.FORWARD, Kind.BACKWARD)


def _leave_out(trace: AnyTrace, tags: Collection[int] | None) -> AnyTrace:
    """Return a trace without stages with nothing but gates' firings and messages that arrived."""
    columns = trace.columns
    kinds, where = columns["kind"] & ~ARRAY, columns["where"]
    gates = np.array([node.kind == "gate" for node in trace.netlist.nodes], bool)
    messages = (kinds <= Kind.GRADIENT) & (columns["detail"] & 3 == 0)
    firings = (kinds == Kind.FORWARD) | (kinds == Kind.BACKWARD)
    firings[firings] = gates[where[firings]]
    kept = (messages | firings) & (np.isin(columns["tag"], list(tags)) if tags is not None else True)
    if kept.all():
        return trace
    flow = type(trace)(trace.netlist, trace.held)
    for number in np.flatnonzero(kept):
        flow.record(*trace[int(number)])
    return flow


class _Gate(NamedTuple):
    """A gate of a stage; gates of a level fire at the same time."""

    node: int
    firing: Firing
    incoming: list[int]  # wires, by port
    level: int  # on the way forward
    returned: list[int]  # wires on which gradients come back, in wiring order
    back: int  # its level on the way back, in the same piece of work
    to_data: list[tuple[int, int]]  # ports and wires to gates of this stage that depend on inputs
    to_weights: list[tuple[int, int]]  # and to those that depend on parameters alone


class _Stage(NamedTuple):
    """The gates of a stage."""

    gates: list[_Gate]  # in forward order
    data: list[_Gate]  # those that depend on inputs, in backward order
    weights: list[_Gate]  # those that depend on parameters alone, likewise
    inside: dict[int, list[int]]  # by gate, the wires to gates of the same stage
    parameters: list[int]  # the wires that bring parameters


class _Example:
    """What is known of one example; of what was lost in a crash and done again, the last counts."""

    def __init__(self, trace: Records, tag: int) -> None:
        self.tag = tag
        self.pieces = {
            (record.kind, record.where): (number, record)
            for kind in sorted(PIECES)
            for number, record in _numbered(trace, kind, tag)
        }
        self.messages = {
            (record.kind, record.where): (number, record)
            for kind in (Kind.VALUE, Kind.GRADIENT)
            for number, record in _numbered(trace, kind, tag)
            if record.fate == "arrived" and not record.detail & ANSWER
        }
        self.values: dict[int, Value] = {}  # by node
        self.gradients: dict[int, Value] = {}  # by wire
        self.totals: dict[int, Value] = {}  # whole gradients of gates
        self.read: dict[int, Value] = {}  # by wire, the parameters that F read


class _Stages:
    """The stages of a stream."""

    def __init__(self, trace: Records, layout: Layout) -> None:
        self.trace = trace
        self.netlist = netlist = trace.netlist
        self.versions = Versions(trace, layout)
        nodes = netlist.nodes
        roots = {netlist.wires[wire].target for wire in {record.where for record in trace.find(Kind.GRADIENT)}}
        self.carries = netlist.carries_gradient(node for node in roots if nodes[node].kind == "output")
        self.constants = {i: node.value for i, node in enumerate(nodes) if node.kind == "constant"}
        of_parameters = [nodes[source].kind == "parameter" for source, _, _ in netlist.wires]
        self.of_parameters = {wire for wire, is_one in enumerate(of_parameters) if is_one}
        stage_of = layout.stage_of(netlist)
        self.entered = netlist.entered(stage_of)
        self.stages = [
            self._stage({node for node, stage in stage_of.items() if stage == number})
            for number in range(len(layout.stages))
        ]

    def _stage(self, own: set[int]) -> _Stage:
        netlist, wires = self.netlist, self.netlist.wires
        inside = {node: [wire for wire in netlist.outgoing[node] if wires[wire].target in own] for node in own}
        level: dict[int, int] = {}
        back: dict[int, int] = {}
        for node in sorted(own):
            sources = [wires[wire].source for wire in netlist.incoming[node]]
            level[node] = max((level[source] + 1 for source in sources if source in own), default=0)
        for node in sorted(own, reverse=True):
            targets = [wires[wire].target for wire in inside[node] if self.carries[wire]]
            alike = [target for target in targets if self.entered[target] == self.entered[node]]
            back[node] = max((back[target] + 1 for target in alike), default=0)
        gates = []
        for node in sorted(own):
            name, _, gate, attributes, _ = netlist.nodes[node]
            assert gate is not None
            ports = [
                (port, wire)
                for port, wire in enumerate(netlist.incoming[node])
                if self.carries[wire] and wires[wire].source in own
            ]
            gates.append(
                _Gate(
                    node=node,
                    firing=Firing(name, gate, attributes, _ignore),
                    incoming=netlist.incoming[node],
                    level=level[node],
                    returned=[wire for wire in netlist.outgoing[node] if self.carries[wire]],
                    back=back[node],
                    to_data=[(port, wire) for port, wire in ports if self.entered[wires[wire].source]],
                    to_weights=[(port, wire) for port, wire in ports if not self.entered[wires[wire].source]],
                )
            )
        backward = [gate for gate in reversed(gates) if gate.returned]
        return _Stage(
            gates,
            [gate for gate in backward if self.entered[gate.node]],
            [gate for gate in backward if not self.entered[gate.node]],
            inside,
            [wire for gate in gates for wire in gate.incoming if wire in self.of_parameters],
        )

    def example(self, tag: int) -> Iterator[tuple[int, Record]]:
        """Yield what happened in one example, each with the number of the record that it belongs to."""
        example = _Example(self.trace, tag)
        example.values.update((node, value) for node, value in self.constants.items() if value is not None)
        nodes, wires = self.netlist.nodes, self.netlist.wires
        for (kind, wire), (number, message) in example.messages.items():
            if kind is Kind.GRADIENT:
                example.gradients[wire] = message.value
            elif wire not in self.of_parameters:
                example.values[wires[wire].source] = message.value
            elif nodes[wires[wire].target].kind != "output":
                continue  # what a stage found there is told at its pieces of work
            yield number, message._replace(version=0, detail=0)
        for number, piece in sorted(example.pieces.values(), key=lambda entry: entry[0]):
            work = self._forward if piece.kind is Kind.F else self._backward
            try:
                for record in work(example, piece):
                    yield number, record
            except TraceError:
                raise
            except Exception as error:  # a trace from a file may hold what its gates cannot take
                inside = f"what went on inside stage {piece.where} of {self.netlist.name!r}"
                raise TraceError(f"{inside} cannot be computed again: {str(error)[:200]}") from None

    def _forward(self, example: _Example, piece: Record) -> Iterator[Record]:
        stage, tag = self.stages[piece.where], example.tag
        when = partial(_moment, piece, 2 * max(gate.level for gate in stage.gates) + 1)
        for wire in stage.parameters:
            value = example.read[wire] = self.versions.forward(wire, piece)
            if self.versions.moved:
                yield Record(Kind.VALUE, wire, tag, piece.start, piece.start, value)
        for gate in stage.gates:
            slot = 2 * gate.level
            output = gate.firing.forward([self._entered(example, wire, piece) for wire in gate.incoming])
            example.values[gate.node] = output
            yield Record(Kind.FORWARD, gate.node, tag, when(slot), when(slot + 1), output)
            for wire in stage.inside[gate.node]:
                yield Record(Kind.VALUE, wire, tag, when(slot + 1), when(slot + 2), output)

    def _backward(self, example: _Example, piece: Record) -> Iterator[Record]:
        """Compute gradients to data (I), to parameters (W), or both, one after the other (B)."""
        stage = self.stages[piece.where]
        to_data = [gate.back for gate in stage.data if piece.kind is not Kind.W]
        to_weights = [gate.back for gate in stage.weights if piece.kind is not Kind.I]
        turn = 2 * max(to_data) + 1 if to_data else 0
        when = partial(_moment, piece, turn + (2 * max(to_weights) + 2 if to_weights else 0))
        if piece.kind is not Kind.W:
            for gate in stage.data:
                yield self._sum(example, gate, 2 * gate.back, when)
                yield from self._share(example, piece, gate, gate.to_data, 2 * gate.back + 1, when)
        if piece.kind is not Kind.I:
            for gate in stage.data:
                yield from self._share(example, piece, gate, gate.to_weights, turn, when)
            for gate in stage.weights:
                yield self._sum(example, gate, turn + 2 * gate.back + 1, when)
                yield from self._share(example, piece, gate, gate.to_weights, turn + 2 * gate.back + 2, when)

    def _sum(self, example: _Example, gate: _Gate, slot: int, when: Callable[[int], float]) -> Record:
        """Add up what came back to a gate."""
        if lacking := [wire for wire in gate.returned if wire not in example.gradients]:
            raise self._lacking(example, f"the gradient of {shown(self._source(lacking[0]))}")
        total = example.totals[gate.node] = add_up(example.gradients[wire] for wire in gate.returned)
        return Record(Kind.BACKWARD, gate.node, example.tag, when(slot), when(slot + 1), total)

    def _share(
        self,
        example: _Example,
        piece: Record,
        gate: _Gate,
        ports: list[tuple[int, int]],
        slot: int,
        when: Callable[[int], float],
    ) -> Iterator[Record]:
        """Send a gate's gradient on to others of its stage."""
        if not ports:
            return
        if gate.node not in example.values or gate.node not in example.totals:
            raise self._lacking(example, f"what {shown(gate.firing.name)} computed before")
        values = [self._entered(example, wire, piece) for wire in gate.incoming]
        for port, wire in ports:
            share = gate.firing.share(port, example.totals[gate.node], example.values[gate.node], values)
            example.gradients[wire] = share
            yield Record(Kind.GRADIENT, wire, example.tag, when(slot), when(slot + 1), share)

    def _entered(self, example: _Example, wire: int, piece: Record) -> Value:
        """Return what a piece of work found on a wire."""
        if wire in self.of_parameters:
            again = None if piece.kind is Kind.F else self.versions.read(wire, piece)
            if again is not None:
                return again
            if wire not in example.read:
                raise self._lacking(example, f"what parameter {shown(self._source(wire))} was")
            return example.read[wire]
        source = self.netlist.wires[wire].source
        if source not in example.values:
            raise self._lacking(example, f"the value of {shown(self._source(wire))}")
        return example.values[source]

    def _source(self, wire: int) -> str:
        return self.netlist.nodes[self.netlist.wires[wire].source].name

    def _lacking(self, example: _Example, what: str) -> TraceError:
        return TraceError(f"the trace does not hold {what} in example {example.tag}: record it with trace='all'")


def _numbered(trace: Records, kind: Kind, tag: int) -> Iterator[tuple[int, Record]]:
    return ((number, trace[number]) for number in trace.numbers(kind, tag))


def _moment(piece: Record, slots: int, slot: int) -> float:
    """Return when one of the equal slots of a piece of work begins."""
    return piece.end if slot >= slots else piece.start + (piece.end - piece.start) * slot / slots


def _ignore(sentence: str) -> None:
    """Do not tell again of what is not finite; the stream did."""
