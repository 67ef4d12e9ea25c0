"""What is wired to what: circuits, networks and text as circuits, and the flat tables that engines read."""

from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.wire import Wire

__all__ = ["Circuit", "Wire"]
