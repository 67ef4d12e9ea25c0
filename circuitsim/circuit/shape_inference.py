"""Finds the shapes on the wires of a circuit before it runs, and shapes that cannot meet."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import numpy as np

from circuitsim.errors import ShapeError
from circuitsim.gates.gate import Gate
from circuitsim.gates.shapes import Shape, show_shape
from circuitsim.gates.value import shape_of
from circuitsim.spelling import shown

__all__ = ["infer"]


def infer(circuit: str, graph: Any, order: Sequence[str]) -> dict[str, Shape]:
    """Return the shape of what each node sends out, as far as it is known.

    Parameters
    ----------
    circuit : str
        The circuit's name, for messages to people.
    graph : networkx.MultiDiGraph
        Its wiring; see `Circuit`.
    order : sequence of str
        The nodes in topological order.

    Raises
    ------
    ShapeError
        If shapes meet in a gate that cannot take them.
    """
    known: dict[str, Shape] = {}
    nodes, entering = graph._node, graph._pred  # plain dicts: views of them take far longer
    sources = [nodes[name] for name in takewhile(lambda name: not entering[name], order)]  # they come first
    if not any(node.get("shape") or isinstance(node.get("value"), np.ndarray) for node in sources):
        return known  # all that is known are numbers, which meet anywhere
    for name in order:
        node = nodes[name]
        if "value" in node:
            known[name] = shape_of(node["value"])
        elif "shape" in node:
            known[name] = node["shape"]
        elif (gate := node.get("gate")) is not None and gate.shape_rule is not None:
            ports = {port: source for source, keys in entering[name].items() for port in keys}
            shapes = [known.get(ports[port]) for port in range(len(ports))]
            if None not in shapes:
                shape = _apply(circuit, name, gate, shapes, node.get("attributes", {}))
                if shape is not None:
                    known[name] = shape
    return known


def _apply(circuit: str, name: str, gate: Gate, shapes: list[Any], attributes: dict[str, Any]) -> Shape | None:
    assert gate.shape_rule is not None
    try:
        shape: Shape | None = gate.shape_rule(*shapes, **attributes)
    except ValueError as error:
        met = " and ".join(map(show_shape, shapes))
        raise ShapeError(
            f"gate {shown(name)} ({gate.name}) of circuit {shown(circuit)} cannot take shapes {met}: {error}"
        ) from None
    except Exception as error:  # a rule may fail in any way at attributes that were not meant
        told = ", ".join(f"{key}={shown(attribute)}" for key, attribute in attributes.items()) or "no attributes"
        raise ShapeError(
            f"gate {shown(name)} ({gate.name}) of circuit {shown(circuit)} has no shape with {told}: its shape "
            f"rule fails with "
            f"{type(error).__name__}: {error}"
        ) from error
    return shape
