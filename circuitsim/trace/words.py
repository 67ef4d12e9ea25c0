"""The words that explanations share: what people call a node, and how numbers stand beside operators."""

from circuitsim.circuit.netlist import Netlist
from circuitsim.gates.value import Value, show

__all__ = ["bracket", "label", "total"]


def label(netlist: Netlist, index: int) -> str:
    """Return what people call a node: its name, or the number that a constant is."""
    node = netlist.nodes[index]
    return show(node.value) if node.kind == "constant" and node.value is not None else node.name


def bracket(text: str) -> str:
    """Put a negative number in brackets, as it stands after an operator."""
    return f"({text})" if text.startswith("-") else text


def total(parts: list[str], value: Value) -> str:
    """Write out a sum, as in ``1 + (-3) = -2``; nothing but the value, if it has one part."""
    return show(value) if len(parts) == 1 else f"{' + '.join(parts)} = {show(value)}"
