"""Running statistics: what a circuit with batch norms needs to take single examples once it is trained.

A batch norm takes mean and variance from the batch at hand, and rules are pure: a gate remembers nothing. So somebody
stands by and watches the batches, and writes a circuit in the end in which the statistics are constants.
"""

import numpy as np

from circuitsim import checks
from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.netlist import Netlist
from circuitsim.engine import Engine
from circuitsim.errors import InputError
from circuitsim.gates.network import batch_norm, batch_norm_inference
from circuitsim.gates.shapes import along
from circuitsim.gates.tensor import count_along
from circuitsim.gates.value import Array
from circuitsim.habits import told
from circuitsim.learning.trainer import Trainer
from circuitsim.spelling import shown

__all__ = ["RunningStatistics"]


@told
class RunningStatistics:
    """Keeps a running mean and variance of what enters each `batch_norm` of a circuit.

    Give it to a training as a callback, or call `update` after each forward pass.

    Parameters
    ----------
    momentum : float or None
        How far the statistics go towards those of each batch, above 0 and up to 1. With None they are the plain mean
        over all batches. As in PyTorch, they begin at mean 0 and variance 1, and a batch's variance is a sample's.

    Attributes
    ----------
    means, variances : dict of str to ndarray
        By the names of the gates.

    Examples
    --------
    >>> import numpy as np
    >>> import circuitsim as cs
    >>> c = cs.Circuit("normed")
    >>> c.output("y", cs.batch_norm(c.input("x"), *c.parameters(scale=1.0, shift=0.0)) * c.parameter("w", 1.0))
    >>> statistics = cs.RunningStatistics(momentum=None)
    >>> trainer = cs.Trainer(cs.Compiled(c), cs.forces.squared_error, cs.SGD(0.1))
    >>> history = trainer.fit([[1.0], [2.0], [6.0]], [0.0, 1.0, 5.0], 9, batch="all", callbacks=[statistics])
    >>> statistics.means["batch_norm1"].round(6), statistics.variances["batch_norm1"].round(6)
    (array([3.]), array([7.]))
    >>> single = cs.Compiled(statistics.inference(trainer.engine))
    >>> single.forward({"x": 3.0})["y"].shape
    (1,)
    """

    @told
    def __init__(self, momentum: float | None = 0.1) -> None:
        self.momentum = None if momentum is None else checks.number(momentum, "momentum", positive=True)
        if self.momentum is not None and self.momentum > 1.0:
            raise InputError(f"momentum is {shown(momentum)}: give a number above 0 and up to 1, or None")
        self.means: dict[str, Array] = {}
        self.variances: dict[str, Array] = {}
        self._batches = 0

    def __call__(self, trainer: Trainer) -> None:
        """Take the batch that was shown last."""
        self.update(trainer.engine)

    @told
    def update(self, engine: Engine) -> None:
        """Take the batch of the engine's last forward pass.

        Raises
        ------
        InputError
            If the circuit has no `batch_norm`, nothing was run forward, or a batch has one number for a mean.
        """
        part = 1.0 / (self._batches + 1) if self.momentum is None else self.momentum
        for index in _norms(engine.netlist):
            node = engine.netlist.nodes[index]
            x = engine.value(engine.netlist.nodes[engine.netlist.wires[engine.netlist.incoming[index][0]].source].name)
            axis = along((node.attributes or {}).get("axis", 0))
            if count_along(x, axis) < 2:
                raise InputError(
                    f"gate {shown(node.name)} had one number to take the variance of: show more examples at a time"
                )
            for kept, now, first in (
                (self.means, np.mean(x, axis=axis, keepdims=True), 0.0),
                (self.variances, np.var(x, axis=axis, ddof=1, keepdims=True), 1.0),
            ):
                before = kept.get(node.name, np.full(now.shape, first))
                kept[node.name] = (1.0 - part) * before + part * now
        self._batches += 1

    @told
    def inference(self, engine: Engine) -> Circuit:
        """Return the engine's circuit with its parameters as they are and each `batch_norm` with these statistics.

        Raises
        ------
        InputError
            If no batch was seen, or other gates were.
        """
        netlist = engine.netlist
        if {netlist.nodes[index].name for index in _norms(netlist)} != set(self.means):
            raise InputError(
                f"there are no statistics of the batch norms of circuit {shown(netlist.name)} yet: run batches forward "
                "and update"
            )
        circuit, wires = Circuit(netlist.name), {}
        for index, (name, kind, gate, attributes, value) in enumerate(netlist.nodes):
            if kind == "input":
                wires[index] = circuit.input(name)
            elif kind == "parameter":
                wires[index] = circuit.parameter(name, engine.parameters[name])
            elif kind == "constant":
                wires[index] = circuit.constant(value, name=name)
            elif gate is batch_norm:
                told = {"epsilon": attributes["epsilon"]} if attributes and "epsilon" in attributes else {}
                fixed = [_without_batch(kept[name]) for kept in (self.means, self.variances)]
                wires[index] = circuit.gate(batch_norm_inference, None, None, None, *fixed, name=name, **told)
            elif gate is not None:
                wires[index] = circuit.gate(gate, *[None] * gate.arity, name=name, **attributes or {})
        for source, target, port in netlist.wires:  # wiring order decides how gradients are summed
            if target in wires:
                circuit.connect(wires[source], wires[target], port)
            else:
                circuit.output(netlist.nodes[target].name, wires[source])
        return circuit


def _norms(netlist: Netlist) -> list[int]:
    """Return the batch norms among the nodes of a circuit."""
    found = [index for index, node in enumerate(netlist.nodes) if node.gate is batch_norm]
    if not found:
        raise InputError(f"circuit {shown(netlist.name)} has no batch_norm to keep statistics of")
    return found


def _without_batch(array: Array) -> Array:
    """Return statistics without the axes of length 1 that they begin with, so that one example needs no more axes."""
    return array.reshape(array.shape[next((place for place, length in enumerate(array.shape) if length > 1), -1) :])
