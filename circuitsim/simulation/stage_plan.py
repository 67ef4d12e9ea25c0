"""What a stage does, worked out once: values and gradients have numbered slots, so that nothing is looked up later."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from circuitsim.circuit.netlist import Netlist
from circuitsim.gates.firing import Firing

__all__ = ["GatePlan", "Share", "StagePlan", "compute", "plan_stages"]


class Share(NamedTuple):
    """A gradient that a gate sends back through a port: to a gate of its stage, or out on a wire."""

    port: int
    slot: int  # of the gradients of this stage, -1 if it leaves
    wire: int
    parameter: int  # the place of the parameter among those of the stage, -1 if it is none


class GatePlan(NamedTuple):
    """One gate of a stage; numbers are slots."""

    firing: Firing
    value: int
    sources: tuple[int, ...]  # values on its ports
    returned: tuple[int, ...]  # gradients that come back to it, in wiring order
    total: int  # where their sum is kept from I to W
    data: tuple[Share, ...]  # ports that lead back to what enters the stage
    weights: tuple[Share, ...]  # ports that lead back to parameters of the stage alone


class StagePlan(NamedTuple):
    """The part of a circuit that a stage does; its replicas share it."""

    number: int
    gates: tuple[GatePlan, ...]
    data_gates: tuple[GatePlan, ...]  # gates that depend on what enters and go backward, in backward order
    weight_gates: tuple[GatePlan, ...]  # gates that depend on parameters of the stage alone, likewise
    nodes: tuple[int, ...]  # what makes the value in each slot
    template: list[Any]  # one place for each value, constants filled in
    gradients: int  # how many gradients there are to keep
    entering: dict[int, int]  # for each wire that enters from an input or another stage, the slot of its value
    parameters: dict[int, int]  # for each parameter by node, the slot of its value
    leaving: dict[int, tuple[int, int, bool]]  # wires that leave: slot of the value, of the gradient (-1), is it data
    kept: tuple[int, ...]  # the values that are kept for the backward step
    data_due: int  # gradients that come from outside before I
    weights_due: int  # and before W


def compute(plan: StagePlan, values: list[Any]) -> None:
    """Compute the gates of a stage; `values` has a place for each slot and gets what they make."""
    for firing, slot, sources, *_ in plan.gates:
        values[slot] = firing.forward([values[source] for source in sources])


def plan_stages(
    netlist: Netlist,
    stages: Sequence[Sequence[str]],
    roots: frozenset[int],
    on_nonfinite: Callable[[str], None],
) -> list[StagePlan]:
    """Cut a netlist into stages.

    Parameters
    ----------
    netlist : Netlist
        The circuit.
    stages : sequence of sequence of str
        The gates of each stage.
    roots : frozenset of int
        The output nodes at which the backward pass begins.
    on_nonfinite : callable
        Called with a sentence when a gate makes an infinity or a nan.
    """
    gates = netlist.of_kind("gate")
    stage_of = {gates[name]: number for number, names in enumerate(stages) for name in names}
    carries, entered = netlist.carries_gradient(roots), netlist.entered(stage_of)
    return [
        _plan_stage(netlist, number, sorted(gates[name] for name in names), stage_of, carries, entered, on_nonfinite)
        for number, names in enumerate(stages)
    ]


def _plan_stage(
    netlist: Netlist,
    number: int,
    nodes: Sequence[int],  # in topological order
    stage_of: dict[int, int],
    carries: list[bool],
    entered: list[bool],
    on_nonfinite: Callable[[str], None],
) -> StagePlan:
    wires, rows = netlist.wires, netlist.nodes
    incoming = [wire for node in nodes for wire in netlist.incoming[node]]
    outgoing = [wire for node in nodes for wire in netlist.outgoing[node]]
    # Slots of values: what comes from outside in the order of its nodes, then the gates.
    outside = sorted({wires[wire].source for wire in incoming if stage_of.get(wires[wire].source) != number})
    value = {node: slot for slot, node in enumerate([*outside, *nodes])}
    template: list[Any] = [rows[node].value if rows[node].kind == "constant" else None for node in value]
    parameters = {node: value[node] for node in outside if rows[node].kind == "parameter"}
    # Slots of gradients: those on wires out of the stage's gates, then the sums for each gate.
    gradient = {wire: slot for slot, wire in enumerate(wire for wire in outgoing if carries[wire])}
    place = {node: index for index, node in enumerate(parameters)}

    def leads_out(source: int) -> bool:
        """Tell whether a gradient to this node goes on to an input or another stage, which waits for it."""
        if source in stage_of:
            return stage_of[source] != number or entered[source]
        return rows[source].kind == "input"

    def share(port: int, wire: int) -> Share:
        return Share(port, gradient.get(wire, -1), wire, place.get(wires[wire].source, -1))

    plans: dict[int, GatePlan] = {}
    for node in nodes:
        gate = rows[node].gate
        assert gate is not None
        shares = [
            (share(port, wire), leads_out(wires[wire].source))
            for port, wire in enumerate(netlist.incoming[node])
            if carries[wire]
        ]
        plans[node] = GatePlan(
            Firing(rows[node].name, gate, rows[node].attributes, on_nonfinite),
            value[node],
            tuple(value[wires[wire].source] for wire in netlist.incoming[node]),
            tuple(gradient[wire] for wire in netlist.outgoing[node] if carries[wire]),
            len(gradient) + len(plans),
            tuple(one for one, data in shares if data),
            tuple(one for one, data in shares if not data),
        )
    back = [node for node in reversed(nodes) if plans[node].returned]
    leaving = {
        wire: (value[wires[wire].source], gradient.get(wire, -1), entered[wires[wire].source])
        for wire in outgoing
        if stage_of.get(wires[wire].target) != number
    }
    due = [data for _, slot, data in leaving.values() if slot >= 0]
    return StagePlan(
        number,
        tuple(plans.values()),
        tuple(plans[node] for node in back if entered[node]),
        tuple(plans[node] for node in back if not entered[node]),
        tuple(value),
        template,
        len(gradient) + len(plans),
        {
            wire: value[wires[wire].source]
            for wire in incoming
            if rows[wires[wire].source].kind == "input" or stage_of.get(wires[wire].source, number) != number
        },
        parameters,
        leaving,
        tuple(slot for node, slot in value.items() if rows[node].kind not in ("parameter", "constant")),
        sum(due),
        len(due) - sum(due),
    )
