"""The same circuit written as people first write it with SimPy: a process a gate and a `simpy.Store` for each wire."""

import simpy


class Stores:
    """Runs a circuit of two-input gates, all outputs pulled with 1; it has no tags, no checks and no trace."""

    def __init__(self, engine):
        netlist = engine.netlist
        self.env = env = simpy.Environment()
        self.values = [simpy.Store(env) for _ in netlist.wires]
        self.gradients = [simpy.Store(env) for _ in netlist.wires]
        self.felt = netlist.carries_gradient(engine.output_nodes.values())
        self.netlist = netlist
        for index, node in enumerate(netlist.nodes):
            if node.gate is not None:
                env.process(self.gate(index, node.gate))
            elif node.kind == "output":
                env.process(self.output(netlist.incoming[index][0]))

    def gate(self, index, gate):
        incoming, outgoing = self.netlist.incoming[index], self.netlist.outgoing[index]
        back = [wire for wire in outgoing if self.felt[wire]]
        while True:
            inputs = []
            for wire in incoming:
                inputs.append((yield self.values[wire].get()))
            yield self.env.timeout(1)
            output = gate.forward(*inputs)
            for wire in outgoing:
                self.env.process(self.send(self.values[wire], output))
            if not back:
                continue
            total = 0.0
            for wire in back:
                total += yield self.gradients[wire].get()
            yield self.env.timeout(1)
            for port, wire in enumerate(incoming):
                if self.felt[wire]:
                    self.env.process(self.send(self.gradients[wire], gate.vjps[port](total, output, *inputs)))

    def output(self, wire):
        while True:
            yield self.values[wire].get()
            yield self.env.process(self.send(self.gradients[wire], 1.0))

    def send(self, store, value):
        yield self.env.timeout(1)
        yield store.put(value)

    def run(self, inputs):
        """Run one example forward and back, and return what the inputs feel."""
        netlist = self.netlist
        sources = netlist.of_kind("input")
        for name, index in sources.items():
            for wire in netlist.outgoing[index]:
                self.env.process(self.send(self.values[wire], inputs[name]))
        self.env.run()
        felt = {}
        for name, index in sources.items():
            felt[name] = sum(self.gradients[wire].items.pop() for wire in netlist.outgoing[index] if self.felt[wire])
        return felt
