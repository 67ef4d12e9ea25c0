"""Watches a stream from inside: what every gate of every stage did, what every device worked and every link carried.

It writes down what passes through the functions that do it, and holds the trace against that, to the last bit.
"""

from collections import Counter
from contextlib import ExitStack
from unittest.mock import patch

import pytest

from circuitsim.gates.firing import Firing
from circuitsim.simulation.links import Line
from circuitsim.simulation.sites import Sites
from circuitsim.simulation.stage import StageActor
from circuitsim.simulation.stage_graph import StageGraph
from circuitsim.simulation.stream import Stream
from circuitsim.simulation.transport import Transport
from circuitsim.trace.kinds import Kind
from circuitsim.trace.timeline import Piece
from tests.pipelines import bits


class Witness:
    """Use it as a context in which streams run; it knows the last one.

    Attributes
    ----------
    inputs : dict of (tag, str) to list
        What each gate found on its ports when it last fired.
    values : dict of (tag, str) to float or ndarray
        What it made.
    shares : dict of (tag, str, int) to float or ndarray
        What it last sent back through each port.
    work : list of Piece
        What devices did, without sizes.
    carried : list of (int, int, float, float, float)
        What links between devices carried: source, target, start, end, bytes.
    end : float
        When the stream was over.
    """

    def __enter__(self):
        self.inputs, self.values, self.shares, self.work, self.carried = {}, {}, {}, [], []
        self.tag, self.end, self.ends = None, 0.0, {}
        with ExitStack() as self.stack:
            self._wrap(StageActor, "forward", self._within)
            self._wrap(StageActor, "end", lambda whole, actor, kind, tag: self._within(whole, actor, tag, kind))
            self._wrap(Firing, "forward", self._forward)
            self._wrap(Firing, "share", self._share)
            self._wrap(StageGraph, "_end", self._end)
            self._wrap(Transport, "_line", self._line)
            self._wrap(Sites, "line", self._line)
            self._wrap(Stream, "run", self._run)
            self._wrap(Line, "carry", self._carry)
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *error):
        self.stack.close()

    def _wrap(self, owner, name, watch):
        whole = getattr(owner, name)
        self.stack.enter_context(patch.object(owner, name, lambda *given, **more: watch(whole, *given, **more)))

    def _within(self, whole, actor, tag, *kind):
        before, self.tag = self.tag, tag
        whole(actor, *kind, tag)
        self.tag = before

    def _forward(self, whole, firing, values):
        output = whole(firing, values)
        self.inputs[self.tag, firing.name] = list(values)
        self.values[self.tag, firing.name] = output
        return output

    def _share(self, whole, firing, port, gradient, output, values):
        share = whole(firing, port, gradient, output, values)
        self.shares[self.tag, firing.name, port] = share
        return share

    def _end(self, whole, graph, piece):
        if piece.kind in "FIWB":
            device, end = piece.device.number, graph.world.now
            self.work.append(Piece(device, piece.kind, piece.stage, piece.tag, piece.start, end, 0))
        whole(graph, piece)

    def _run(self, whole, stream, *given, **more):
        whole(stream, *given, **more)
        self.end = stream.world.now

    def _line(self, whole, owner, source, target):
        line = whole(owner, source, target)
        self.ends[id(line)] = source, target
        return line

    def _carry(self, whole, line, size):
        start, end = whole(line, size)
        self.carried.append((*self.ends[id(line)], start, end, size))
        return start, end

    def check(self, run):
        """Assert that the trace of the run says what was seen."""
        for tag in range(len(run.outputs)):
            self._check_example(run.trace, tag)
        timeline = run.timeline
        assert sorted(piece[:6] for piece in timeline.work) == sorted(piece[:6] for piece in self.work)
        told = Counter((t.source, t.target, t.start, t.end, t.size) for t in timeline.transfers)
        seen = Counter(carried for carried in self.carried if carried[-1])  # acknowledgements have no size
        assert not told - seen
        assert all(end >= self.end for *_, end, _ in seen - told)  # under way at the end
        assert sum(run.report.messages.values()) == told.total()
        assert sum(run.report.bytes.values()) == sum(size * count for (*_, size), count in told.items())
        for device, busy in enumerate(run.report.busy):
            assert busy == pytest.approx(sum(piece.end - piece.start for piece in self.work if piece.device == device))

    def _check_example(self, trace, tag):
        netlist, whole = trace.netlist, trace.example(tag)
        gates = netlist.of_kind("gate")
        fired = {netlist.nodes[r.where].name: r.value for r in whole.find(Kind.FORWARD)}
        assert bits(fired) == bits({name: value for (of, name), value in self.values.items() if of == tag})
        messages = {r.where: r.value for r in whole.find(Kind.VALUE)}
        known = trace.values(tag)
        for (of, name), inputs in self.inputs.items():
            if of == tag:
                wires = netlist.incoming[gates[name]]
                told = [messages.get(wire, known.get(netlist.wires[wire].source)) for wire in wires]
                assert bits(told) == bits(inputs)
        sent = {netlist.incoming[gates[g]][port]: share for (of, g, port), share in self.shares.items() if of == tag}
        outputs = set(netlist.of_kind("output").values())
        gradients = trace.wire_gradients(tag)
        inside = {wire: gradient for wire, gradient in gradients.items() if netlist.wires[wire].target not in outputs}
        assert bits(inside) == bits(sent)
