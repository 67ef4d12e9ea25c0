"""Which versions of the parameters a stream's pieces of work read, found in its trace.

Where parameters move while examples are under way, the trace says it of each piece. Where they move after each batch,
an example reads what the updates before it have made.
"""

from bisect import bisect_left

from circuitsim.errors import TraceError
from circuitsim.gates.value import Value
from circuitsim.spelling import shown
from circuitsim.trace.kinds import Kind, Layout, Record
from circuitsim.trace.records import Records

__all__ = ["Versions"]


class Versions:
    """All versions of all parameters of a stream.

    Parameters
    ----------
    trace : Records
        Of the stream.
    layout : Layout
        Its stages.

    Attributes
    ----------
    moved : bool
        Whether there are more than those that the trace began with.
    """

    def __init__(self, trace: Records, layout: Layout) -> None:
        self.trace = trace
        self.wires = trace.netlist.wires
        self.stage_of = layout.stage_of(trace.netlist)
        self.updates: dict[int, dict[int, Record]] = {}  # by node and version
        for record in trace.find(Kind.UPDATE):
            self.updates.setdefault(record.where, {})[record.version] = record
        self.tags = {node: [record.tag for record in updates.values()] for node, updates in self.updates.items()}
        self.moved = bool(self.updates) or bool(trace.numbers(Kind.READ))
        self._tag = -1
        self._reads: dict[tuple[int, int, int, float], Value] = {}

    def forward(self, wire: int, piece: Record) -> Value:
        """Return what a forward pass found on a wire from a parameter."""
        found = self.read(wire, piece)
        return self._before(self.wires[wire].source, piece.tag) if found is None else found

    def read(self, wire: int, piece: Record) -> Value | None:
        """Return what a piece of work is told to have found on a wire from a parameter; None if it is not told."""
        if piece.tag != self._tag:
            self._tag = piece.tag
            self._reads = {
                (self.wires[where].source, self.stage_of[self.wires[where].target], kind, start): value
                for _, where, _, start, _, value, _, kind in self.trace.find(Kind.READ, piece.tag)
            }
        node = self.wires[wire].source
        return self._reads.get((node, piece.where, piece.kind, piece.start))

    def _before(self, node: int, tag: int) -> Value:
        """Return the value that the updates by earlier examples gave a parameter."""
        version = bisect_left(self.tags.get(node, ()), tag)
        if version:
            return self.updates[node][version].value
        if node not in self.trace.held:
            name = self.trace.netlist.nodes[node].name
            raise TraceError(
                f"the trace does not hold version 0 of parameter {shown(name)}: record it with trace='all'"
            )
        return self.trace.held[node]
