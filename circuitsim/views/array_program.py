"""Says what a page needs to compute a circuit of arrays: its tables, and the rules of its gates in JavaScript.

Gates that work element by element are printed from their rules, as `page_program` prints them for numbers. Of the
others those in `BY_HAND` are written out in ``arrays.js``: what networks of matrix products and their losses need.
"""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from circuitsim import gates
from circuitsim.circuit.netlist import Netlist
from circuitsim.gates.gate import Gate
from circuitsim.gates.symbols import SymbolError
from circuitsim.gates.value import Value
from circuitsim.views.javascript import arrow
from circuitsim.views.page_program import Program, readings, rules_script, tabulate

__all__ = ["BY_HAND", "array_program", "packed"]

#: Gates for whole arrays that ``arrays.js`` computes; those with an axis only along the last one.
BY_HAND: tuple[Gate, ...] = (gates.matmul, gates.softmax, gates.log_softmax, gates.cross_entropy)


def array_program(netlist: Netlist, parameters: Mapping[str, Value]) -> Program:
    """Return what computes a circuit of numbers, vectors and matrices in a page, with these parameters.

    Raises
    ------
    SymbolError
        If a gate cannot be computed there, or a value has more than two axes; the sentence names it.

    Examples
    --------
    >>> import circuitsim as cs
    >>> circuit = cs.dense([2, 3, 1])
    >>> array_program(Netlist(circuit), cs.Compiled(circuit).parameters).tables["kinds"]
    ['i', 'p', 'p', 'p', 'p', 'g', 'g', 'g', 'g', 'g', 'o']
    """
    values: list[Any] = []
    for node in netlist.nodes:
        value = parameters[node.name] if node.kind == "parameter" else 0.0 if node.value is None else node.value
        if np.ndim(value) > 2:
            raise SymbolError(f"{node.name!r} is an array of {np.ndim(value)} axes")
        values.append(packed(value) if isinstance(value, np.ndarray) else value)
    tables, texts = tabulate(netlist, values, _rule)
    return Program(tables, rules_script(texts))


def packed(array: np.ndarray) -> dict[str, Any]:
    """Return an array of float64 as a page reads it: its shape, and its bytes row by row, the lowest first."""
    data = np.ascontiguousarray(array, dtype="<f8").tobytes()
    return {"shape": list(array.shape), "data": base64.b64encode(data).decode()}


def _rule(gate: Gate, attributes: dict[str, Any] | None) -> str:
    """Return one element of RULES, as ``arrays.js`` takes it."""
    if any(gate is known for known in BY_HAND):
        if (attributes or {}).get("axis", -1) != -1:
            raise SymbolError("it does not work along the last axis")
        return f'  {{ byHand: "{gate.name}" }}'
    forward, shares = readings(gate, attributes)
    return f"  {{ inputs: {gate.arity},\n    fire: {arrow(forward)},\n    share: {arrow(shares)} }}"
