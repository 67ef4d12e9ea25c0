"""Places the nodes of a netlist in layers and routes its wires, so that nothing overlaps.

The method is that of Sugiyama, Tagawa and Toda (1981): each node stands in the layer after its latest source;
wires that skip layers pass through waypoints; the order inside layers is improved by barycenters and swaps of
neighbours until crossings stop falling; then each node moves as near to the mean of its neighbours as the
order and the spacing allow, which is an isotonic regression.

Lengths are in units of one text line; x grows to the right, y upward.

The script ``page/layout.js`` does the same to the same bits, so numbers are added from left to right here and not by
`sum`, whose result is not the same in all versions of Python.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from circuitsim.circuit.netlist import Node, Wiring
from circuitsim.gates.value import add_up

__all__ = ["Box", "Graph", "Layout", "lay_out"]

Point: TypeAlias = tuple[float, float]
Floats: TypeAlias = npt.NDArray[np.float64]

LINE = 1.0  # height of a line of text
GAP = 0.55  # free space between neighbours in a layer
CHANNEL = 2.6  # free space between layers, where wires bend
SWEEPS = 12
FAR = 6  # what stands so many layers away from its first user goes there


class Graph(Protocol):
    """What can be laid out: a `Netlist`, or a part of one; nodes in topological order, and wires by their numbers."""

    @property
    def nodes(self) -> Sequence[Node]:
        """The nodes, of which only the kind counts here."""

    @property
    def wires(self) -> Sequence[Wiring]:
        """The wires."""

    @property
    def incoming(self) -> Sequence[Sequence[int]]:
        """The wires that enter each node, by port."""

    @property
    def outgoing(self) -> Sequence[Sequence[int]]:
        """The wires that leave each node."""


@dataclass(frozen=True)
class Box:
    """Where a node stands: the centre of its body, the body's size, and from where to where its numbers go.

    The numbers of all nodes in a layer start and end at the same x, above and below a straight piece of wire.
    """

    x: float
    y: float
    width: float
    height: float
    start: float
    end: float


@dataclass(frozen=True)
class Layout:
    """The places of all nodes (by number) and the paths of all wires (by number), and the size of it all.

    `columns` has where each layer begins and ends; to the right of its end all wires run level for a moment.
    """

    boxes: list[Box]
    paths: list[Floats]
    width: float
    height: float
    columns: list[tuple[float, float]]


def lay_out(
    netlist: Graph,
    body: Callable[[int], tuple[float, float]],
    stub: Callable[[int], float],
) -> Layout:
    """Lay out a netlist.

    Parameters
    ----------
    netlist : Graph
        What to place.
    body : callable
        Returns the width and height of a node's body.
    stub : callable
        Returns the length of the straight stub to the right of the body, above and below which the value and
        the gradient stand.

    Returns
    -------
    Layout
    """
    layers, chains = _layers(netlist)
    links = _links(netlist, layers, chains)
    _order(layers, links)
    heights = {cell: _height(netlist, cell, body) for layer in layers for cell in layer}
    ys = _heights_to_places(layers, links, heights)
    return _route(netlist, layers, chains, ys, body, stub)


# A cell is what stands in a layer: a node's number, or (node, layer) for a waypoint of its wires.
Cell: TypeAlias = int | tuple[int, int]


def _layers(netlist: Graph) -> tuple[list[list[Cell]], list[dict[int, Cell]]]:
    """Return the cells of each layer, and for each node the cell that stands for it in each layer."""
    level = [0] * len(netlist.nodes)
    for index in range(len(netlist.nodes)):  # topological order
        level[index] = max((level[netlist.wires[wire].source] + 1 for wire in netlist.incoming[index]), default=0)
    for index in reversed(range(len(netlist.nodes))):
        targets = [level[netlist.wires[wire].target] for wire in netlist.outgoing[index]]
        name, kind = netlist.nodes[index][:2]
        scoped = kind == "input" and "." in name  # an input of a step stands beside the step
        if targets and (kind in ("constant", "parameter") or scoped or _moves(netlist, index, level, targets)):
            level[index] = min(targets) - 1  # beside its first user, not at the far left
    layers: list[list[Cell]] = [[] for _ in range(max(level, default=0) + 1)]
    chains: list[dict[int, Cell]] = []
    for index in range(len(netlist.nodes)):
        chain: dict[int, Cell] = {level[index]: index}
        last = max((level[netlist.wires[wire].target] for wire in netlist.outgoing[index]), default=0)
        for skipped in range(level[index] + 1, last):
            chain[skipped] = (index, skipped)  # one trunk for all wires of a node: they carry the same value
        for layer, cell in chain.items():
            layers[layer].append(cell)
        chains.append(chain)
    return layers, chains


def _moves(netlist: Graph, index: int, level: list[int], targets: list[int]) -> bool:
    """Tell whether a node goes to its first user, because that is far away and no more wires then lead there."""
    feeding = {netlist.wires[wire].source for wire in netlist.incoming[index]}
    return min(targets) - level[index] > FAR and sum(netlist.nodes[source].kind == "gate" for source in feeding) <= 1


def _links(
    netlist: Graph, layers: list[list[Cell]], chains: list[dict[int, Cell]]
) -> list[list[tuple[Cell, Cell, float]]]:
    """Return for each gap between layers its links: left cell, right cell, and the height of the port."""
    level = {cell: number for number, layer in enumerate(layers) for cell in layer}
    links: list[dict[tuple[Cell, Cell, float], None]] = [{} for _ in layers]
    for source, target, port in netlist.wires:
        entered = level[target]
        offset = _port_offset(port, len(netlist.incoming[target]))
        links[entered - 1][chains[source][entered - 1], target, offset] = None
        for layer in range(level[source], entered - 1):
            links[layer][chains[source][layer], chains[source][layer + 1], 0.0] = None
    return [list(gap) for gap in links[:-1]]


def _port_offset(port: int, ports: int) -> float:
    return 0.0 if ports == 1 else (0.5 - port / (ports - 1)) * 0.7 * LINE


def _order(layers: list[list[Cell]], links: list[list[tuple[Cell, Cell, float]]]) -> None:
    """Reorder each layer in place, top to bottom, so that few links cross."""
    best, fewest = [list(layer) for layer in layers], _all_crossings(layers, links)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        forward = sweep % 2 == 0
        for number in range(1, len(layers)) if forward else range(len(layers) - 2, -1, -1):
            gap = links[number - 1] if forward else links[number]
            fixed = layers[number - 1] if forward else layers[number + 1]
            _sort_by_barycenter(layers[number], fixed, gap, forward)
        _swap_neighbours(layers, links)
        crossings = _all_crossings(layers, links)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    for layer, order in zip(layers, best, strict=True):
        layer[:] = order


def _sort_by_barycenter(
    layer: list[Cell], fixed: list[Cell], gap: list[tuple[Cell, Cell, float]], forward: bool
) -> None:
    place = {cell: float(number) for number, cell in enumerate(fixed)}
    found: dict[Cell, list[float]] = {cell: [] for cell in layer}
    for left, right, offset in gap:
        if forward:
            found[right].append(place[left])
        else:
            found[left].append(place[right] - offset)  # an upper port draws upward
    own = {cell: float(number) for number, cell in enumerate(layer)}
    layer.sort(key=lambda cell: add_up(found[cell]) / len(found[cell]) if found[cell] else own[cell])


def _swap_neighbours(layers: list[list[Cell]], links: list[list[tuple[Cell, Cell, float]]]) -> None:
    """Swap neighbours in a layer as long as that removes crossings."""
    for number, layer in enumerate(layers):
        around: dict[Cell, tuple[list[float], list[float]]] = {cell: ([], []) for cell in layer}
        if number:
            place = {cell: float(n) for n, cell in enumerate(layers[number - 1])}
            for left, right, offset in links[number - 1]:
                around[right][0].append(place[left] - offset * 0.01)
        if number < len(layers) - 1:
            place = {cell: float(n) for n, cell in enumerate(layers[number + 1])}
            for left, right, offset in links[number]:
                around[left][1].append(place[right] - offset)
        for _ in range(len(layer)):
            swapped = False
            for first in range(len(layer) - 1):
                a, b = around[layer[first]], around[layer[first + 1]]
                now = sum(p > q for side in (0, 1) for p in a[side] for q in b[side])
                then = sum(p < q for side in (0, 1) for p in a[side] for q in b[side])
                if then < now:
                    layer[first], layer[first + 1] = layer[first + 1], layer[first]
                    swapped = True
            if not swapped:
                break


def _all_crossings(layers: list[list[Cell]], links: list[list[tuple[Cell, Cell, float]]]) -> int:
    total = 0
    for number, gap in enumerate(links):
        left = {cell: n for n, cell in enumerate(layers[number])}
        right = {cell: float(n) for n, cell in enumerate(layers[number + 1])}
        ends = np.array([right[b] - offset for _, b, offset in sorted(gap, key=lambda link: left[link[0]])])
        starts = np.array(sorted(left[a] for a, _, _ in gap))
        total += int(np.sum((starts[:, None] < starts[None, :]) & (ends[:, None] > ends[None, :])))
    return total


def _height(netlist: Graph, cell: Cell, body: Callable[[int], tuple[float, float]]) -> float:
    # A node needs room for its value above and its gradient and name below; a waypoint for a bare wire.
    return max(body(cell)[1], 2.4 * LINE) if isinstance(cell, int) else 0.8 * LINE


def _heights_to_places(
    layers: list[list[Cell]], links: list[list[tuple[Cell, Cell, float]]], heights: dict[Cell, float]
) -> dict[Cell, float]:
    """Return the y of every cell: in order, far enough apart, and as near to its neighbours as that allows."""
    ys: dict[Cell, float] = {}
    for layer in layers:
        down = 0.0
        for cell in layer:
            ys[cell] = -(down + heights[cell] / 2)
            down += heights[cell] + GAP
        middle = (ys[layer[0]] + ys[layer[-1]]) / 2
        for cell in layer:
            ys[cell] -= middle
    before: list[dict[Cell, list[tuple[Cell, float]]]] = [{} for _ in layers]
    after: list[dict[Cell, list[tuple[Cell, float]]]] = [{} for _ in layers]
    for number, gap in enumerate(links):
        for left, right, offset in gap:
            after[number].setdefault(left, []).append((right, offset))
            before[number + 1].setdefault(right, []).append((left, -offset))
    for sweep in range(2 * SWEEPS):
        forward = sweep % 2 == 0
        for number in range(len(layers)) if forward else range(len(layers) - 1, -1, -1):
            layer = layers[number]
            wish, weight = [], []
            for cell in layer:
                near = before[number].get(cell, []) + after[number].get(cell, [])
                wish.append(add_up(ys[other] + offset for other, offset in near) / len(near) if near else ys[cell])
                weight.append(1.0 if isinstance(cell, int) else 3.0)  # long wires like to be straight
            depth = np.zeros(len(layer))
            for place in range(1, len(layer)):
                half = (heights[layer[place - 1]] + heights[layer[place]]) / 2
                depth[place] = depth[place - 1] + half + GAP
            fitted = _isotonic(-np.array(wish) - depth, np.array(weight)) + depth
            for cell, down in zip(layer, fitted, strict=True):
                ys[cell] = -float(down)
    return ys


def _isotonic(wish: Floats, weight: Floats) -> Floats:
    """Return the non-decreasing sequence nearest to `wish` by weighted least squares (pool adjacent violators)."""
    means: list[float] = []
    weights: list[float] = []
    sizes: list[int] = []
    for value, w in zip(wish.tolist(), weight.tolist(), strict=True):
        means.append(value)
        weights.append(w)
        sizes.append(1)
        while len(means) > 1 and means[-2] > means[-1]:
            total = weights[-2] + weights[-1]
            means[-2:] = [(means[-2] * weights[-2] + means[-1] * weights[-1]) / total]
            weights[-2:] = [total]
            sizes[-2:] = [sizes[-2] + sizes[-1]]
    return np.repeat(means, sizes)


def _route(
    netlist: Graph,
    layers: list[list[Cell]],
    chains: list[dict[int, Cell]],
    ys: dict[Cell, float],
    body: Callable[[int], tuple[float, float]],
    stub: Callable[[int], float],
) -> Layout:
    level = {cell: number for number, layer in enumerate(layers) for cell in layer}
    low = min(ys[cell] - _height(netlist, cell, body) / 2 for cell in ys)
    high = max(ys[cell] + _height(netlist, cell, body) / 2 for cell in ys)
    left: list[float] = []
    right: list[float] = []
    x = 0.0
    boxes: dict[int, Box] = {}
    climbs = [0.0] * len(layers)  # wires that climb far need a wider channel to stay gentle
    for source, target, _ in netlist.wires:
        gap = level[target] - 1
        climbs[gap] = max(climbs[gap], abs(ys[chains[source][gap]] - ys[target]))
    for number, layer in enumerate(layers):
        nodes = [cell for cell in layer if isinstance(cell, int)]
        widest = max((body(node)[0] for node in nodes), default=0.0)
        end = x + widest + max((stub(node) for node in nodes), default=0.0)
        for node in nodes:
            boxes[node] = Box(x + widest / 2, ys[node] - low, *body(node), x + widest, end)
        left.append(x)
        right.append(end)
        x = end
        x += CHANNEL + 0.12 * climbs[number]
    paths = []
    for source, target, port in netlist.wires:
        box, goal = boxes[source], boxes[target]
        points: list[Point] = [(box.x + box.width / 2, box.y), (right[level[source]], box.y)]
        for passed in range(level[source] + 1, level[target]):
            y = ys[chains[source][passed]] - low
            points += _bend(points[-1], (left[passed], y))
            points.append((right[passed], y))
        port_y = goal.y + _port_offset(port, len(netlist.incoming[target]))
        points += _bend(points[-1], (left[level[target]], port_y))
        points.append((goal.x - goal.width / 2, port_y))
        paths.append(np.array(points))
    columns = list(zip(left, right, strict=True))
    return Layout([boxes[index] for index in range(len(boxes))], paths, max(right), high - low, columns)


def _bend(start: Point, end: Point, steps: int = 14) -> list[Point]:
    """Return points on a smooth S from `start` to `end`, level at both ends; `start` itself is left out."""
    t = np.linspace(0.0, 1.0, steps + 1)[1:]
    rise = t * t * (3.0 - 2.0 * t)
    return [
        (start[0] + float(s) * (end[0] - start[0]), start[1] + float(r) * (end[1] - start[1]))
        for s, r in zip(t, rise, strict=True)
    ]
