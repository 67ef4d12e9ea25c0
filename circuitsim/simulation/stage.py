"""A stage: a group of gates that works as one actor on a device.

It may go forward (F) for an example when a value has come on every wire that enters it, and backward when a gradient
has come back on every wire that leaves it towards a pulled output. The backward step is made of the gates' rules, one a
port, and so comes in two pieces: the gradients to the data (I), for which the stages before it wait, and those to the
parameters (W), for which nobody waits. `Held` is what a stage keeps of an example until then: the activation memory.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from circuitsim.gates.firing import Firing
from circuitsim.gates.value import Value, size_of
from circuitsim.netlist import Netlist
from circuitsim.simulation.keeper import Copy, add_up

__all__ = ["Held", "Stage", "StagePlan", "Surroundings", "plan_stages"]

OWN, INPUT, PARAMETER = -1, -2, -3  # where a gradient goes that does not go to another stage


class GatePlan(NamedTuple):
    """One gate of a stage, where its values come from and where its gradients go."""

    node: int
    firing: Firing
    sources: tuple[int, ...]  # the nodes that feed its ports
    returned: tuple[int, ...]  # the wires on which gradients come back to it, in wiring order
    data: tuple[tuple[int, int, int], ...]  # ports that lead back to an input: port, wire, where the gradient goes
    weights: tuple[tuple[int, int, int], ...]  # ports that lead back to parameters alone, likewise


class StagePlan(NamedTuple):
    """The part of a circuit that a stage does; its replicas share it."""

    number: int
    gates: tuple[GatePlan, ...]
    data_gates: tuple[GatePlan, ...]  # gates that depend on an input, in backward order
    weight_gates: tuple[GatePlan, ...]  # gates that depend on parameters alone, in backward order
    constants: dict[int, Value]
    inputs: tuple[tuple[str, int], ...]
    parameters: tuple[int, ...]
    sends: tuple[tuple[int, int, int], ...]  # wires to other stages: wire, node, stage
    outputs: tuple[tuple[str, int, int, bool], ...]  # name, wire, node, whether it is pulled
    missing: int  # values that come from other stages for each example
    data_due: int  # gradients that come from other stages before I
    weights_due: int  # and before W


class Surroundings(Protocol):
    """What a stage needs of the stream around it."""

    def ready(self, stage: "Stage", kind: str, tag: int) -> None:
        """Take note that a piece of work can be done."""

    def show(self, name: str, tag: int, value: Value) -> Value:
        """Take an output and return the pull on it."""

    def send(self, stage: "Stage", what: str, wire: int, tag: int, payload: Value, target: int) -> None:
        """Bring a value or gradient to another stage."""

    def feel_input(self, tag: int, wire: int, gradient: Value) -> None:
        """Take the gradient to an input."""

    def feel_parameter(self, stage: "Stage", tag: int, wire: int, version: int, gradient: Value) -> None:
        """Take the gradient to a parameter."""

    def done(self, stage: "Stage", tag: int) -> None:
        """Take note that nothing is left to do for an example."""


class Held:
    """What a stage keeps of one example: values, then gradients, and how many of each are still to come."""

    __slots__ = ("data_due", "gradients", "missing", "step", "totals", "values", "versions", "weights_due")

    def __init__(self, plan: StagePlan) -> None:
        self.values: dict[int, Any] = dict(plan.constants)
        self.versions: dict[int, int] = {}  # of the parameters that the forward pass used
        self.gradients: dict[int, Value] = {}
        self.totals: dict[int, Value] = {}  # whole gradients, kept from I to W
        self.missing = plan.missing
        self.data_due = plan.data_due
        self.weights_due = plan.weights_due
        self.step = ""  # the last piece of work done: F, then I

    def copy(self) -> "Held":
        """Return a copy for a checkpoint; the values in it are never changed in place."""
        twin = object.__new__(Held)
        for name in Held.__slots__:
            thing = getattr(self, name)
            setattr(twin, name, dict(thing) if isinstance(thing, dict) else thing)
        return twin


class Stage:
    """A stage at work.

    Parameters
    ----------
    plan : StagePlan
        What it does.
    device : int
        The device that it is on.
    copies : dict of int to Copy
        The parameters that it reads, by node.
    around : Surroundings
        The stream that it belongs to.
    """

    def __init__(self, plan: StagePlan, device: int, copies: dict[int, Copy], around: Surroundings) -> None:
        self.plan = plan
        self.number = plan.number
        self.device = device
        self.copies = copies
        self.around = around
        self.held: dict[int, Held] = {}
        self.finished: set[int] = set()

    def admit(self, tag: int, inputs: Mapping[str, Value]) -> None:
        """Begin an example."""
        held = self.held[tag] = Held(self.plan)
        for name, node in self.plan.inputs:
            held.values[node] = inputs[name]
        if not held.missing:
            self.around.ready(self, "F", tag)

    def on_value(self, tag: int, node: int, value: Value) -> None:
        """Take in a value from another stage."""
        held = self.held[tag]
        held.values[node] = value
        held.missing -= 1
        if not held.missing:
            self.around.ready(self, "F", tag)

    def on_gradient(self, tag: int, wire: int, gradient: Value, to_data: bool) -> None:
        """Take in a gradient from another stage."""
        held = self.held[tag]
        held.gradients[wire] = gradient
        if to_data:
            held.data_due -= 1
        else:
            held.weights_due -= 1
        self._announce(tag, held)

    def begin(self, kind: str, tag: int) -> None:
        """Start a piece of work: it reads the parameters now."""
        held = self.held[tag]
        for node, copy in self.copies.items():
            if kind == "F":
                held.values[node] = copy.value
                held.versions[node] = copy.version
            elif copy.stash is not None:
                held.values[node] = copy.recall(held.versions[node], held.values[node])

    def finish(self, kind: str, tag: int) -> None:
        """End a piece of work: its results are computed and sent."""
        held = self.held[tag]
        if kind == "F":
            self._forward(tag, held)
            return
        if kind != "W":
            self._to_data(tag, held)
        if kind == "I":
            held.step = "I"
            self._announce(tag, held)
            return
        self._to_weights(tag, held)
        del self.held[tag]
        self.finished.add(tag)
        self.around.done(self, tag)

    def _forward(self, tag: int, held: Held) -> None:
        values = held.values
        for gate in self.plan.gates:
            values[gate.node] = gate.firing.forward([values[source] for source in gate.sources])
        for name, wire, node, pulled in self.plan.outputs:
            pull = self.around.show(name, tag, values[node])
            if pulled:
                held.gradients[wire] = pull
        held.step = "F"
        for wire, node, target in self.plan.sends:
            self.around.send(self, "value", wire, tag, values[node], target)
        self._announce(tag, held)

    def _announce(self, tag: int, held: Held) -> None:
        """Tell what can be done next: B, which may also be done as I and then W; I alone; or W."""
        if held.step == "F" and not held.data_due:
            self.around.ready(self, "I" if held.weights_due else "B", tag)
        elif held.step == "I" and not held.weights_due:
            self.around.ready(self, "W", tag)

    def _to_data(self, tag: int, held: Held) -> None:
        for gate in self.plan.data_gates:
            total = held.totals[gate.node] = add_up([held.gradients[wire] for wire in gate.returned])
            if gate.data:
                self._send_back(tag, held, gate, gate.data, total)

    def _to_weights(self, tag: int, held: Held) -> None:
        for gate in self.plan.data_gates:
            if gate.weights:
                self._send_back(tag, held, gate, gate.weights, held.totals[gate.node])
        for gate in self.plan.weight_gates:
            self._send_back(tag, held, gate, gate.weights, add_up([held.gradients[wire] for wire in gate.returned]))

    def _send_back(
        self,
        tag: int,
        held: Held,
        gate: GatePlan,
        ports: Sequence[tuple[int, int, int]],
        total: Value,
    ) -> None:
        values = held.values
        inputs = [values[source] for source in gate.sources]
        for port, wire, target in ports:
            share = gate.firing.share(port, total, values[gate.node], inputs)
            if target == OWN:
                held.gradients[wire] = share
            elif target == INPUT:
                self.around.feel_input(tag, wire, share)
            elif target == PARAMETER:
                self.around.feel_parameter(self, tag, wire, held.versions[gate.sources[port]], share)
            else:
                self.around.send(self, "gradient", wire, tag, share, target)

    def weight(self, tag: int) -> int:
        """Return how many bytes are kept of an example that has gone forward, parameters and constants aside."""
        held = self.held[tag]
        return sum(
            size_of(value)
            for node, value in held.values.items()
            if node not in self.copies and node not in self.plan.constants
        )

    def save(self) -> tuple[dict[int, Held], set[int]]:
        """Return a checkpoint."""
        return {tag: held.copy() for tag, held in self.held.items()}, set(self.finished)

    def restore(self, saved: tuple[dict[int, Held], set[int]]) -> None:
        """Go back to a checkpoint."""
        self.held = {tag: held.copy() for tag, held in saved[0].items()}
        self.finished = set(saved[1])


def plan_stages(
    netlist: Netlist,
    stages: Sequence[Sequence[str]],
    pulled: frozenset[int],
    on_nonfinite: Callable[[str], None],
) -> list[StagePlan]:
    """Cut a netlist into stages.

    Parameters
    ----------
    netlist : Netlist
        The circuit.
    stages : sequence of sequence of str
        The gates of each stage.
    pulled : frozenset of int
        The output nodes that are pulled.
    on_nonfinite : callable
        Called with a sentence when a gate makes an infinity or a nan.
    """
    gates = netlist.of_kind("gate")
    stage_of = {gates[name]: number for number, names in enumerate(stages) for name in names}
    felt = netlist.felt(pulled)
    from_input = netlist.descend("input")

    def destination(wire: int, stage: int) -> int:
        source = netlist.wires[wire].source
        kind = netlist.nodes[source].kind
        if kind != "gate":
            return INPUT if kind == "input" else PARAMETER
        return OWN if stage_of[source] == stage else stage_of[source]

    def plan_gate(node: int, stage: int) -> GatePlan:
        ports = [
            (port, wire, destination(wire, stage)) for port, wire in enumerate(netlist.incoming[node]) if felt[wire]
        ]
        to_data = [from_input[netlist.wires[wire].source] for _, wire, _ in ports]
        return GatePlan(
            node,
            Firing(netlist.nodes[node].name, netlist.nodes[node].gate, netlist.nodes[node].attributes, on_nonfinite),  # type: ignore[arg-type]
            tuple(netlist.wires[wire].source for wire in netlist.incoming[node]),
            tuple(wire for wire in netlist.outgoing[node] if felt[wire]),
            tuple(port for port, data in zip(ports, to_data, strict=True) if data),
            tuple(port for port, data in zip(ports, to_data, strict=True) if not data),
        )

    plans = []
    for number, names in enumerate(stages):
        nodes = sorted(gates[name] for name in names)  # numbers run in topological order
        plan = tuple(plan_gate(node, number) for node in nodes)
        back = [gate for gate in reversed(plan) if gate.returned]
        sources = sorted({source for gate in plan for source in gate.sources})
        leaving = [wire for node in nodes for wire in netlist.outgoing[node]]
        outputs = [wire for wire in leaving if netlist.nodes[netlist.wires[wire].target].kind == "output"]
        crossing = [wire for wire in leaving if stage_of.get(netlist.wires[wire].target, number) != number]
        due = [from_input[netlist.wires[wire].source] for wire in crossing if felt[wire]]
        constants = {source: netlist.nodes[source].value for source in sources}
        plans.append(
            StagePlan(
                number,
                plan,
                tuple(gate for gate in back if from_input[gate.node]),
                tuple(gate for gate in back if not from_input[gate.node]),
                {node: value for node, value in constants.items() if netlist.nodes[node].kind == "constant"},  # type: ignore[misc]
                tuple((netlist.nodes[s].name, s) for s in sources if netlist.nodes[s].kind == "input"),
                tuple(source for source in sources if netlist.nodes[source].kind == "parameter"),
                tuple((wire, netlist.wires[wire].source, stage_of[netlist.wires[wire].target]) for wire in crossing),
                tuple(
                    (netlist.nodes[target].name, wire, source, target in pulled and felt[wire])
                    for wire, (source, target, _) in ((wire, netlist.wires[wire]) for wire in outputs)
                ),
                sum(
                    stage_of.get(netlist.wires[wire].source, number) != number
                    for node in nodes
                    for wire in netlist.incoming[node]
                ),
                sum(due),
                len(due) - sum(due),
            )
        )
    return plans
