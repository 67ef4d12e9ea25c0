"""Every path by which a gradient came: the chain rule as a sum of products, one product for each path.

The gradient of a wire is the sum over all paths from it to the outputs: the gradient put there times the local
derivatives on the way. Backpropagation finds that sum without looking at any path twice; here the paths are spelled
out. Their number doubles with each diamond in a circuit, so it is counted exactly and only the first few are listed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import mul
from typing import TYPE_CHECKING, Any

from circuitsim.circuit.wire import Wire
from circuitsim.gates.value import Value, show
from circuitsim.habits import told
from circuitsim.trace.explanation import goal_of, local_derivative
from circuitsim.trace.trace import Trace
from circuitsim.trace.words import bracket, label

if TYPE_CHECKING:
    from rich.tree import Tree

__all__ = ["MOST_PATHS", "Path", "Paths", "find_paths"]

MOST_PATHS = 20
MOST_STEPS = 12  # longer paths are written with a gap in the middle


@dataclass(frozen=True)
class Path:
    """One way from a wire to an output with a gradient.

    Attributes
    ----------
    stops : list of str
        What it passes: the wire itself, gates with the port it enters (``mul1.a``), the output.
    factors : list of float or ndarray, or None
        The gradient put on the output, then the local derivatives back to the wire; None if a gate on the way mixes the
        elements of its gradient, so that no factor describes it.
    """

    stops: list[str]
    factors: list[Value] | None

    @property
    def product(self) -> Value | None:
        """What the path adds to the gradient."""
        return None if self.factors is None else reduce(mul, self.factors)


@told
@dataclass(frozen=True)
class Paths:
    """All paths to one wire, of which the first few are listed; print it, or hand it to ``rich.print`` for a tree.

    Attributes
    ----------
    name : str
        The wire.
    gradient : float or ndarray
        Its gradient: the sum of the products of all paths.
    count : int
        How many paths there are.
    listed : list of Path
        The first of them, in wiring order.
    """

    name: str
    gradient: Value
    count: int
    listed: list[Path]

    @property
    def summary(self) -> str:
        """Return the sum of the products, as far as it can be written out."""
        products = [path.product for path in self.listed]
        known = [bracket(show(product)) for product in products if product is not None]
        if self.count > len(self.listed) or len(known) < self.count or self.count < 2:
            return f"sum of all: {show(self.gradient)}"
        return f"sum: {' + '.join(known)} = {show(self.gradient)}"

    def __str__(self) -> str:
        lines = [self._title()]
        for path in self.listed:
            lines += [f"    {_way(path)}", f"        {_product(path)}"]
        return "\n".join([*lines, *(f"    {line}" for line in self._end())])

    def __rich__(self) -> "Tree":
        from rich.text import Text
        from rich.tree import Tree

        tree = Tree(Text(self._title()))
        for path in self.listed:
            tree.add(Text(_way(path))).add(Text(_product(path)))
        for line in self._end():
            tree.add(Text(line))
        return tree

    def _title(self) -> str:
        paths = f"{self.count:,} path{'' if self.count == 1 else 's'}"
        return f"the gradient of {self.name} is {show(self.gradient)}, by {paths}"

    def _end(self) -> list[str]:
        left = self.count - len(self.listed)
        return ([f"and {left:,} more, too many to list"] if left else []) + [self.summary]


def find_paths(trace: Trace, name: str | Wire, most: int = MOST_PATHS, tag: int | None = None) -> Paths:
    """Find the paths by which the wire called `name` came by its gradient in one example; the last, if no tag is given.

    Raises
    ------
    TraceError
        If there is no such wire.
    """
    netlist = trace.netlist
    goal = goal_of(trace, name)
    values, gradients, on_wire = trace.values(tag), trace.gradients(tag), trace.wire_gradients(tag)
    ways = [0] * len(netlist.nodes)
    for index in reversed(range(len(netlist.nodes))):
        if netlist.nodes[index].kind == "output":
            ways[index] = int(index in gradients)
        else:
            ways[index] = sum(ways[netlist.wires[wire].target] for wire in netlist.outgoing[index] if wire in on_wire)
    slopes: dict[int, Value | None] = {}

    def slope(wire: int) -> Value | None:
        """Return the local derivative that a gradient met on its way back along a wire, found once."""
        if wire not in slopes:
            _, target, port = netlist.wires[wire]
            inputs = [values[netlist.wires[other].source] for other in netlist.incoming[target]]
            slopes[wire] = local_derivative(netlist.nodes[target], port, inputs, values[target], gradients[target])
        return slopes[wire]

    def describe(wires: list[int]) -> Path:
        stops = [label(netlist, goal)]
        factors: list[Value | None] = []
        for wire in wires:
            _, target, port = netlist.wires[wire]
            node = netlist.nodes[target]
            stops.append(f"{node.name}.{node.gate.ports[port]}" if node.gate else node.name)
            factors.append(slope(wire) if node.gate else gradients[target])
        known = [factor for factor in reversed(factors) if factor is not None]
        return Path(stops, known if len(known) == len(factors) else None)

    listed: list[Path] = []
    for wires in _walk(trace, goal, on_wire):
        if len(listed) == most:
            break
        listed.append(describe(wires))
    return Paths(label(netlist, goal), gradients.get(goal, 0.0), ways[goal], listed)


def _walk(trace: Trace, goal: int, on_wire: dict[int, Any]) -> Iterator[list[int]]:
    """Yield the wires of each path from a node to an output with a gradient, depth first, without recursion."""
    netlist = trace.netlist
    wires: list[int] = []
    open_wires = [iter([wire for wire in netlist.outgoing[goal] if wire in on_wire])]
    while open_wires:
        wire = next(open_wires[-1], None)
        if wire is None:
            open_wires.pop()
            if wires:
                wires.pop()
            continue
        target = netlist.wires[wire].target
        wires.append(wire)
        if netlist.nodes[target].kind == "output":
            yield list(wires)
            wires.pop()
        else:
            open_wires.append(iter([following for following in netlist.outgoing[target] if following in on_wire]))


def _way(path: Path) -> str:
    return " → ".join(_shortened(path.stops))


def _product(path: Path) -> str:
    if path.factors is None or path.product is None:
        return "a gate on the way mixes the elements of its gradient: no product of factors says what came"
    first, *rest = path.factors
    factors = [show(first), *(bracket(show(factor)) for factor in rest)]
    return f"{' × '.join(_shortened(factors))} = {show(path.product)}"


def _shortened(words: list[str]) -> list[str]:
    half = MOST_STEPS // 2
    return words if len(words) <= MOST_STEPS else [*words[:half], f"({len(words) - 2 * half:,} more)", *words[-half:]]
