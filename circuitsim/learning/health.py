"""The health of a training: how large values and gradients are in each layer, dead units, and how far updates go.

What is inside a circuit is read from traces. An engine that leaves none is helped by a second engine, the tracer, which
runs the same examples with the same parameters: engines agree to the last bit.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitsim import checks, display
from circuitsim.circuit.netlist import Netlist
from circuitsim.engine import Engine
from circuitsim.errors import InputError
from circuitsim.gates.value import Value, show
from circuitsim.habits import told
from circuitsim.learning.examples import Points
from circuitsim.learning.trainer import Trainer
from circuitsim.spelling import shown

__all__ = ["Health", "Layer", "Monitor", "Signals", "layers_of", "look_inside", "measure"]

MOST_LINES = 8  # in a picture


@told
def layers_of(netlist: Netlist) -> list[list[int]]:
    """Return the nodes that give each layer's values to the next one, by layer; the inputs are not among them.

    A layer begins where a gate multiplies signals by parameters, or does anything else with both but add them up. Its
    number is how many such gates lie on the longest way to it.

    Examples
    --------
    >>> import circuitsim as cs
    >>> netlist = Netlist(cs.mlp([2, 3, 1]))
    >>> [[netlist.nodes[node].name for node in layer] for layer in layers_of(netlist)]
    [['n1_1', 'n1_2', 'n1_3'], ['n2_1.add3']]
    """
    signal = netlist.descend("input")
    learned = [by and not of for by, of in zip(netlist.descend("parameter"), signal, strict=True)]
    depth = [0] * len(netlist.nodes)
    for number, node in enumerate(netlist.nodes):
        if node.gate is None and node.kind != "output":
            continue
        sources = [netlist.wires[wire].source for wire in netlist.incoming[number]]
        depth[number] = max((depth[source] for source in sources if signal[source]), default=0)
        if node.gate is not None and signal[number] and not node.gate.additive and any(learned[s] for s in sources):
            depth[number] += 1
    found: dict[int, list[int]] = {}
    for number, node in enumerate(netlist.nodes):
        if node.gate is None or not signal[number] or not depth[number]:
            continue
        targets = [netlist.wires[wire].target for wire in netlist.outgoing[number]]
        if any(netlist.nodes[target].kind == "output" or depth[target] > depth[number] for target in targets):
            found.setdefault(depth[number], []).append(number)
    return [found[layer] for layer in sorted(found)]


@told
@dataclass(frozen=True)
class Signals:
    """What the units of a layer said for some examples, and how they were pulled.

    Attributes
    ----------
    name : str
        The names of its nodes, the first and the last.
    values, gradients : ndarray, shape (examples, units)
        The gradients are those of each example's own loss, by which it pulls.
    """

    name: str
    values: NDArray[np.float64]
    gradients: NDArray[np.float64]

    @property
    def dead(self) -> NDArray[np.bool_]:
        """Which units are 0 for all examples."""
        found: NDArray[np.bool_] = ~np.any(self.values, axis=0)
        return found


@told
def look_inside(trainer: Trainer, points: Points, labels: ArrayLike, tracer: Engine | None = None) -> list[Signals]:
    """Return what the layers of a trainer's circuit say and feel for some examples, with the parameters as they are.

    Parameters
    ----------
    trainer : Trainer
        It must have been asked to `fit` before, for no iterations perhaps.
    points, labels : array_like
        The examples.
    tracer : Engine, optional
        An engine of the same circuit that leaves traces; needed if the trainer's own does not.

    Raises
    ------
    InputError
        If no engine leaves a trace, or the tracer is of another circuit.
    """
    netlist = trainer.engine.netlist
    if tracer is not None:
        if tracer.netlist.fingerprint() != netlist.fingerprint():
            raise InputError(
                f"the tracer's circuit is not {shown(netlist.name)}, which is trained: give an engine of that"
            )
        tracer.set_parameters(trainer.engine.parameters)
    engine = trainer.engine if tracer is None else tracer
    layers = layers_of(netlist)
    values: list[list[list[NDArray[np.float64]]]] = [[[] for _ in layer] for layer in layers]
    gradients: list[list[list[NDArray[np.float64]]]] = [[[] for _ in layer] for layer in layers]
    for probe in trainer.probe(points, labels, engine):
        if engine.trace is None:
            raise InputError(
                f"a {type(engine).__name__} leaves no traces to look into: give tracer=Simulation(circuit)"
            )
        trace = engine.trace.expanded
        forward, backward = trace.values(), trace.gradients()
        for number, layer in enumerate(layers):
            for place, node in enumerate(layer):
                values[number][place].append(_by_example(forward[node], probe.many))
                pull = np.multiply(backward.get(node, 0.0), float(probe.many))
                gradients[number][place].append(_by_example(pull + np.zeros_like(forward[node]), probe.many))
    return [
        Signals(_names(netlist, layer), _units(values[number]), _units(gradients[number]))
        for number, layer in enumerate(layers)
    ]


def _by_example(value: Value, count: int) -> NDArray[np.float64]:
    """Return values with a row for each example; those that do not tell examples apart are the same for each."""
    array = np.asarray(value)
    if count > 1 and (not array.ndim or len(array) != count):
        array = np.broadcast_to(array, (count, *array.shape))
    return array.reshape(count, -1)


def _units(nodes: list[list[NDArray[np.float64]]]) -> NDArray[np.float64]:
    return np.concatenate([np.concatenate(passes) for passes in nodes], axis=1)


def _names(netlist: Netlist, layer: list[int]) -> str:
    first, last = netlist.nodes[layer[0]].name, netlist.nodes[layer[-1]].name
    return first if len(layer) == 1 else f"{first} to {last}"


@told
@dataclass(frozen=True)
class Layer:
    """How large the values and gradients of a layer are.

    Attributes
    ----------
    name : str
        The names of its nodes.
    units : int
        How many numbers it gives to the next layer for each example.
    values, gradients : float
        The mean squares over examples and units; the gradients are those of each example's own loss.
    dead : int
        How many units are 0 for all examples.
    """

    name: str
    units: int
    values: float
    gradients: float
    dead: int


@told
@dataclass(frozen=True)
class Health:
    """What was measured after an update; printed, it is a table.

    Attributes
    ----------
    iteration : int
        How many updates came before.
    layers : tuple of Layer
        From the first to the one that gives the outputs.
    ratios : dict of str to float
        By parameter, how far its last update went relative to its size before: the quotient of two Euclidean lengths;
        infinite for one that left 0. Empty if no update was seen.
    """

    iteration: int
    layers: tuple[Layer, ...]
    ratios: dict[str, float]

    def __str__(self) -> str:
        lines = [f"{'layer':<20} {'units':>6} {'values²':>10} {'gradients²':>10} {'dead':>6}"]
        for layer in self.layers:
            sizes = f"{show(layer.values, 3):>10} {show(layer.gradients, 3):>10}"
            lines.append(f"{layer.name:<20} {layer.units:>6} {sizes} {layer.dead:>6}")
        if self.ratios:
            lines.append(f"{'parameter':<20} {'update / weight':>15}")
            lines += [f"{name:<20} {show(ratio, 3):>15}" for name, ratio in self.ratios.items()]
        return "\n".join(lines)


@told
def measure(
    trainer: Trainer,
    points: Points,
    labels: ArrayLike,
    *,
    before: Mapping[str, Value] | None = None,
    tracer: Engine | None = None,
) -> Health:
    """Measure the layers of a trainer's circuit, and its last update.

    Parameters
    ----------
    trainer, points, labels, tracer
        As for `look_inside`.
    before : mapping of str to float or ndarray, optional
        The parameters before the update.

    Examples
    --------
    >>> import circuitsim as cs
    >>> data = cs.datasets.guide()
    >>> trainer = cs.Trainer(cs.Simulation(cs.mlp([2, 3, 1])), cs.forces.svm, cs.SGD(0.1))
    >>> history = trainer.fit(data.points, data.labels, 100, seed=0)
    >>> [layer.units for layer in measure(trainer, data.points, data.labels).layers]
    [3, 1]
    """
    found = []
    for signals in look_inside(trainer, points, labels, tracer):
        values, gradients = (float(np.mean(np.square(array))) for array in (signals.values, signals.gradients))
        found.append(Layer(signals.name, signals.values.shape[1], values, gradients, int(np.sum(signals.dead))))
    ratios = {}
    for name, value in ({} if before is None else trainer.engine.parameters).items():
        assert before is not None
        moved, size = (float(np.linalg.norm(np.ravel(part))) for part in (value - before[name], before[name]))
        ratios[name] = moved / size if size else math.inf if moved else 0.0
    return Health(trainer.iteration, tuple(found), ratios)


@told
class Monitor:
    """Measures the health of a training: give it to `Trainer.fit` as a callback.

    Parameters
    ----------
    points, labels : array_like
        The examples to measure with; all to learn from, or some.
    every : int
        How many updates lie between measurements.
    tracer : Engine, optional
        An engine of the same circuit that leaves traces; needed if the trainer's own does not.

    Attributes
    ----------
    records : list of Health
        What was measured.

    Examples
    --------
    >>> import circuitsim as cs
    >>> circuit, data = cs.mlp([2, 3, 1]), cs.datasets.guide()
    >>> trainer = cs.Trainer(cs.Compiled(circuit), cs.forces.svm, cs.SGD(0.1))
    >>> monitor = Monitor(data.points, data.labels, every=50, tracer=cs.Simulation(circuit))
    >>> history = trainer.fit(data.points, data.labels, 100, seed=0, callbacks=[monitor])
    >>> [(health.iteration, health.layers[0].dead) for health in monitor.records]
    [(50, 0), (100, 0)]
    """

    def __init__(self, points: Points, labels: ArrayLike, *, every: int = 1, tracer: Engine | None = None) -> None:
        self.points, self.labels, self.tracer = points, labels, tracer
        self.every = checks.count(every, "every")
        self.records: list[Health] = []
        self._before: dict[str, Value] | None = None

    def __call__(self, trainer: Trainer) -> None:
        """Measure, if it is time to."""
        if trainer.iteration % self.every == 0:
            health = measure(trainer, self.points, self.labels, before=self._before, tracer=self.tracer)
            self.records.append(health)
        ahead = (trainer.iteration + 1) % self.every == 0
        self._before = trainer.engine.parameters if ahead else None

    def _repr_svg_(self) -> str | None:
        """Show in a notebook how large values, gradients and updates were, a line for each layer or parameter."""
        if not self.records:
            return None
        at = [health.iteration for health in self.records]
        panels: dict[str, dict[str, tuple[list[int], list[float]]]] = {}
        for what, key in (("mean value²", "values"), ("mean gradient²", "gradients"), ("dead units", "dead")):
            panels[what] = {
                layer.name: (at, [float(getattr(health.layers[place], key)) for health in self.records])
                for place, layer in enumerate(self.records[0].layers)
            }
        names = self.records[0].ratios
        if 0 < len(names) <= MOST_LINES:
            panels["update / weight"] = {name: (at, [health.ratios[name] for health in self.records]) for name in names}
        return display.panels_svg("health", panels)
