"""Traces of streams made by hand, as the simulation is to leave them: what crosses stages, and pieces of work."""

from functools import reduce
from operator import add

import numpy as np

import circuitsim as cs
from circuitsim.circuit.netlist import Netlist
from circuitsim.gates.firing import Firing
from circuitsim.trace.kinds import Kind, Layout
from circuitsim.trace.trace import Trace


class Hand:
    """Does by hand what a stream of stages does, one example after the other, and writes it down."""

    def __init__(self, circuit, layout, held=None):
        self.netlist = Netlist(circuit)
        self.layout = layout
        nodes = self.netlist.nodes
        self.values = {i: node.value for i, node in enumerate(nodes) if node.kind == "parameter"} | (held or {})
        self.versions = dict.fromkeys(self.values, 0)
        self.trace = Trace(self.netlist, dict(self.values), layout)
        self.stage_of = layout.stage_of(self.netlist)
        self.felt = self.netlist.carries_gradient(self.netlist.of_kind("output").values())
        self.from_input = self.netlist.descend("input")
        self.time = 0.0
        self.on_wire = {}  # gradients, by tag and wire
        self.known = {}  # values, by tag and node
        self.read = {}  # versions, by tag and node

    def firing(self, node):
        gate = self.netlist.nodes[node]
        return Firing(gate.name, gate.gate, gate.attributes, lambda sentence: None)

    def gates(self, stage):
        return [node for node in sorted(self.stage_of) if self.stage_of[node] == stage]

    def crosses(self, wire):
        source, target, _ = self.netlist.wires[wire]
        return self.stage_of.get(source) != self.stage_of.get(target)

    def message(self, kind, wire, tag, value, version=0, replica=0, travels=1.0, waits=0.0):
        if waits:
            self.trace.record(Kind.WAITED, wire, tag, self.time, self.time + waits, 0.0)
        start = self.time + waits
        self.trace.record(kind, wire, tag, start, start + travels, value, version, replica << 3)

    def admit(self, tag, inputs):
        nodes = self.netlist.nodes
        known = self.known[tag] = {i: node.value for i, node in enumerate(nodes) if node.kind == "constant"}
        self.read[tag], self.on_wire[tag] = {}, {}
        for name, node in self.netlist.of_kind("input").items():
            known[node] = inputs[name]
            for wire in self.netlist.outgoing[node]:
                self.message(Kind.VALUE, wire, tag, inputs[name], travels=0.0)
        for wire, (source, target, _) in enumerate(self.netlist.wires):
            if nodes[target].kind == "output" and nodes[source].kind in ("input", "parameter"):
                self.message(Kind.GRADIENT, wire, tag, fill(known.get(source, self.values.get(source))), travels=0.0)
                self.on_wire[tag][wire] = fill(known.get(source, self.values.get(source)))

    def forward(self, stage, tag, replica=0, ticks=1.0):
        known = self.known[tag]
        for node in self.gates(stage):
            sources = [self.netlist.wires[wire].source for wire in self.netlist.incoming[node]]
            for source in sources:
                if source in self.values:
                    known[source], self.read[tag][source] = self.values[source], self.versions[source]
            known[node] = self.firing(node).forward([known[source] for source in sources])
        self.trace.record(Kind.F, stage, tag, self.time, self.time + ticks, 24, 0, replica)
        self.time += ticks
        for node in self.gates(stage):
            for wire in self.netlist.outgoing[node]:
                if self.netlist.nodes[self.netlist.wires[wire].target].kind == "output":
                    self.message(Kind.VALUE, wire, tag, known[node], travels=0.0)
                    if self.felt[wire]:
                        self.message(Kind.GRADIENT, wire, tag, fill(known[node]), travels=0.0)
                        self.on_wire[tag][wire] = fill(known[node])
                elif self.crosses(wire):
                    self.message(Kind.VALUE, wire, tag, known[node])

    def backward(self, stage, tag, kinds="B", replica=0, ticks=1.0):
        known, on_wire = self.known[tag], self.on_wire[tag]
        back = {}
        for node in reversed(self.gates(stage)):
            wires = [wire for wire in self.netlist.outgoing[node] if self.felt[wire]]
            if not wires:
                continue
            total = reduce(add, [on_wire[wire] for wire in wires])
            inputs = [known[self.netlist.wires[wire].source] for wire in self.netlist.incoming[node]]
            for port, wire in enumerate(self.netlist.incoming[node]):
                if self.felt[wire]:
                    on_wire[wire] = self.firing(node).share(port, total, known[node], inputs)
                    if self.crosses(wire):
                        back[wire] = on_wire[wire]
        for kind in kinds:
            self.trace.record(Kind[kind], stage, tag, self.time, self.time + ticks, 0.0, 0, replica)
            self.time += ticks
            for wire, gradient in back.items():
                source = self.netlist.wires[wire].source
                if kind == "B" or (kind == "I") == self.from_input[source]:
                    self.message(Kind.GRADIENT, wire, tag, gradient, self.read[tag].get(source, 0))

    def feel(self, tag, name):
        """Give a parameter the whole gradient of an example."""
        node = self.netlist.of_kind("parameter")[name]
        total = reduce(add, [self.on_wire[tag][wire] for wire in self.netlist.outgoing[node] if self.felt[wire]])
        self.trace.record(Kind.BACKWARD, node, tag, self.time, self.time, total, self.read[tag][node])
        return total

    def update(self, tag, name, value, staleness=0, replica=0):
        node = self.netlist.of_kind("parameter")[name]
        self.values[node] = value
        self.versions[node] += 1
        self.trace.record(Kind.UPDATE, node, tag, self.time, self.time, value, self.versions[node], staleness)
        for wire in self.netlist.outgoing[node]:
            self.message(Kind.VALUE, wire, tag, value, self.versions[node], replica, travels=0.5)
        self.time += 0.5


def fill(value):
    return 1.0 if isinstance(value, float) else np.ones_like(value)


def circuit_of_two(w=0.5):
    """Return a circuit for two stages with two parameters, one of which both use."""
    circuit = cs.Circuit("two stages")
    x = circuit.input("x")
    w, b = circuit.parameters(w=w, b=-1.0)
    h = x * w + b
    circuit.output("f", cs.tanh(h) * w + cs.exp(h * 0.25))
    return circuit


def two_stages(devices=("left", "right"), **more):
    """Return a hand at work on two stages."""
    circuit = circuit_of_two()
    gates = tuple(Netlist(circuit).of_kind("gate"))
    return Hand(circuit, Layout(devices, (gates[:2], gates[2:]), (0, 1), 2, **more))
