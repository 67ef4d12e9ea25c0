"""Explains a gradient in words: the messages that made it, from the output to the wire, arithmetic written out."""

from collections.abc import Collection
from functools import partial

import numpy as np

from circuitsim.circuit.netlist import Netlist, Node
from circuitsim.circuit.wire import Wire
from circuitsim.errors import TraceError
from circuitsim.gates.value import Value, as_value, fit, shape_of, show
from circuitsim.spelling import shown
from circuitsim.trace.provenance import has_story, tell
from circuitsim.trace.trace import Trace
from circuitsim.trace.words import bracket, label, total

__all__ = ["arithmetic", "chain_rule", "explain", "formula", "goal_of", "local_derivative", "operator"]


def explain(trace: Trace, name: str | Wire, tag: int | None = None) -> str:
    """Return the explanation of the gradient of the wire called `name` in one example; the last, if no tag is given.

    Each gate between the output and the wire gets one paragraph: what it computed, its gradient, and
    what it sent on. Gates that do not lead to the wire are left out. Of a parameter that moved while examples streamed
    by, and no tag given, it is told which gradients moved it.
    """
    netlist = trace.netlist
    goal = goal_of(trace, name)
    if tag is None and has_story(trace, goal):
        return tell(trace, goal)
    values, gradients, on_wire = trace.values(tag), trace.gradients(tag), trace.wire_gradients(tag)
    if goal not in gradients:
        return f"{label(netlist, goal)} has no gradient: no output that was given one depends on it."

    involved = {goal}
    for index in range(goal, len(netlist.nodes)):  # topological order
        if any(netlist.wires[wire].source in involved for wire in netlist.incoming[index]):
            involved.add(index)
    told = [index for index in sorted(involved) if index in gradients]
    sources = [netlist.wires[wire].source for index in told for wire in netlist.incoming[index]]
    for index in [*told, *sources]:
        if index not in values:
            raise TraceError(f"the trace does not hold the value of {label(netlist, index)!r}: record the run anew")
    lines = []
    for index in sorted(involved - {goal}, reverse=True):
        node = netlist.nodes[index]
        if index not in gradients:
            continue
        if node.kind == "output":
            lines.append(f"{node.name} = {show(values[index])} is given the gradient {show(gradients[index])}.")
            continue
        lines.append(
            f"{node.name} = {arithmetic(netlist, index, values)}, {_gradient(netlist, index, gradients, on_wire)}."
        )
        shares = chain_rule(netlist, index, values, gradients, on_wire, towards=involved)
        lines += [f"    to {share}" for share in shares]
    lines.append(f"{label(netlist, goal)} = {show(values[goal])}, {_gradient(netlist, goal, gradients, on_wire)}.")
    return "\n".join(lines)


def goal_of(trace: Trace, name: str | Wire) -> int:
    """Return the number of a wire whose gradient can be explained.

    Raises
    ------
    TraceError
        If nothing has the name, or only a constant or an output.
    """
    goal = trace.node(name)
    node = trace.netlist.nodes[goal]
    kind = node.kind
    if kind in ("constant", "output"):
        raise TraceError(
            f"{shown(node.name)} is {'a' if kind == 'constant' else 'an'} {kind}: ask for an input, a parameter or a "
            "gate"
        )
    return goal


def arithmetic(netlist: Netlist, index: int, values: dict[int, Value]) -> str:
    """Write out what a gate computed, as in ``q × z = 3 × -4 = -12``."""
    node = netlist.nodes[index]
    assert node.gate is not None
    sources = [netlist.wires[wire].source for wire in netlist.incoming[index]]
    names = formula(netlist, index)
    numbers = _formula(node, [bracket(show(values[source])) for source in sources])
    result = show(values[index])
    return f"{names} = {result}" if names == numbers else f"{names} = {numbers} = {result}"


def formula(netlist: Netlist, index: int) -> str:
    """Write what a gate computes from what, as in ``q × z``."""
    sources = [netlist.wires[wire].source for wire in netlist.incoming[index]]
    return _formula(netlist.nodes[index], [label(netlist, source) for source in sources])


def chain_rule(
    netlist: Netlist,
    index: int,
    values: dict[int, Value],
    gradients: dict[int, Value],
    on_wire: dict[int, Value],
    towards: Collection[int] | None = None,
) -> list[str]:
    """Write out what a gate sends back to each of its sources, as in ``q: 1 × (-4) = -4``.

    Sources that are sent nothing are left out, and so are those not in `towards`, if that is given.
    """
    node = netlist.nodes[index]
    sources = [netlist.wires[wire].source for wire in netlist.incoming[index]]
    shares = []
    for port, (wire, source) in enumerate(zip(netlist.incoming[index], sources, strict=True)):
        if wire in on_wire and (towards is None or source in towards):
            slope = local_derivative(node, port, [values[other] for other in sources], values[index], gradients[index])
            share = show(on_wire[wire])
            made = share if slope is None else f"{show(gradients[index])} × {bracket(show(slope))} = {share}"
            shares.append(f"{label(netlist, source)}: {made}")
    return shares


def local_derivative(node: Node, port: int, inputs: list[Value], output: Value, gradient: Value) -> Value | None:
    """Return the factor between the gradient of a gate and what it sent to one port: its vjp of 1.

    None if there is no such factor: a gate like matmul mixes the elements of a gradient, and a gate of a loaded
    trace may be unknown here, or be another one that cannot take what the trace says.
    """
    assert node.gate is not None
    vjp = node.gate.vjps[port]
    if vjp is None:
        return None
    rule, like = partial(vjp, **(node.attributes or {})), inputs[port]
    try:
        with np.errstate(all="ignore"):
            if isinstance(output, float):
                return fit(as_value(rule(1.0, output, *inputs)), like)
            slope = fit(as_value(rule(np.ones_like(output), output, *inputs)), like)
            share = fit(as_value(rule(gradient, output, *inputs)), like)
            scales = shape_of(slope) == shape_of(gradient)
            return slope if scales and np.allclose(slope * gradient, share, rtol=1e-9, equal_nan=True) else None
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None


def operator(node: Node) -> str:
    """Return what stands between or before a gate's operands: ``×``, ``sigmoid``."""
    assert node.gate is not None
    return node.gate.infix or node.gate.name


def _formula(node: Node, operands: list[str]) -> str:
    assert node.gate is not None
    if node.gate.infix is None:
        return f"{node.gate.name}({', '.join(operands)})"
    return f" {node.gate.infix} ".join(operands) if len(operands) > 1 else f"{node.gate.infix}{operands[0]}"


def _gradient(netlist: Netlist, index: int, gradients: dict[int, Value], on_wire: dict[int, Value]) -> str:
    arrived = [show(on_wire[wire]) for wire in netlist.outgoing[index] if wire in on_wire]
    return f"gradient {total([bracket(part) for part in arrived], gradients[index])}"
