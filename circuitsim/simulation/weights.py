"""All parameters of a stream: where each is kept, who holds copies of it, and how gradients move it.

A parameter is kept on the device that uses it first, or by a server if there are workers. Other devices that use it
hold copies, to which new versions are sent.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

from circuitsim.gates.value import Value
from circuitsim.netlist import Netlist
from circuitsim.simulation.keeper import Copy, Keeper, Worker
from circuitsim.trace.timeline import Timeline, Update

__all__ = ["Weights"]


class Around(Protocol):
    """What the parameters need of the stream around them."""

    timeline: Timeline

    @property
    def now(self) -> float:
        """The time."""

    def post(self, what: str, wire: int, tag: int, payload: Value, source: int, target: int, extra: int | None) -> None:
        """Send a message from one device to another."""

    def settle(self, tag: int, *thing: Any) -> None:
        """Take note that something has happened for which an example is under way."""

    def devices_of(self, tag: int) -> range:
        """Return the devices that an example goes through."""

    @property
    def nothing_waits(self) -> bool:
        """Whether there may be no more examples for a worker."""


class Weights:
    """The parameters.

    Parameters
    ----------
    netlist : Netlist
        The circuit.
    keepers : mapping of int to Keeper
        The parameters, by node.
    home : callable
        Returns the device that keeps a parameter, given its node.
    update : {"batch", "each"} or None
        When they move.
    local_steps : int
        How many examples a worker learns from by itself.
    around : Around
        The stream.
    """

    def __init__(
        self,
        netlist: Netlist,
        keepers: Mapping[int, Keeper],
        home: Callable[[int], int],
        update: Literal["batch", "each"] | None,
        local_steps: int,
        around: Around,
    ) -> None:
        self.netlist = netlist
        self.keepers = keepers
        self.home = {node: home(node) for node in keepers}
        self.update = update
        self.local_steps = local_steps
        self.around = around
        self.copies: dict[tuple[int, int], Copy] = {}  # by device and node

    def on(self, device: int, node: int) -> Copy:
        """Return what a device reads a parameter from: the keeper at home, a copy elsewhere."""
        keeper = self.keepers[node]
        if self.home[node] == device:
            return keeper
        if (device, node) not in self.copies:
            alone = self.local_steps == 1
            self.copies[device, node] = Copy(keeper.value, keeper.stash) if alone else Worker(keeper, self.local_steps)
        return self.copies[device, node]

    def begin_batch(self) -> None:
        """Forget what was felt in the batch before."""
        for keeper in self.keepers.values():
            keeper.felt.clear()

    def due(self, tag: int) -> set[tuple[Any, ...]]:
        """Return what has to happen here until an example is done: gradients felt, and new versions taken."""
        felt = {node for node, keeper in self.keepers.items() if keeper.awaited}
        due: set[tuple[Any, ...]] = {("whole", node) for node in felt}
        if self.update == "each":
            devices = self.around.devices_of(tag)
            due |= {("answer", *copy) for copy in self.copies if copy[0] in devices and copy[1] in felt}
        return due

    def feel_at(self, device: int, tag: int, wire: int, version: int, gradient: Value) -> None:
        """Bring the gradient of an example from the device where it was made to where the parameter is kept."""
        node = self.netlist.wires[wire].source
        if self.home[node] == device:
            self.feel(tag, wire, version, gradient)
            return
        copy = self.copies[device, node]
        if isinstance(copy, Worker):
            self._step(copy, node, device, tag, wire, version, gradient)
        else:
            self.around.post("gradient", wire, tag, gradient, device, self.home[node], version)

    def feel(self, tag: int, wire: int, version: int, gradient: Value) -> None:
        """Take in the gradient of an example at home; with the last wire's, move or remember it."""
        node = self.netlist.wires[wire].source
        keeper = self.keepers[node]
        whole = keeper.feel(tag, wire, version, gradient)
        if whole is None:
            return
        read, total = whole
        if self.update == "each":
            keeper.respond(total)
            self._answer(node, tag, read)
        else:
            keeper.felt[tag] = total
        self.around.settle(tag, "whole", node)

    def shift(self, tag: int, wire: int, version: int, change: Value) -> None:
        """Move as far as a worker has moved from some version."""
        node = self.netlist.wires[wire].source
        self.keepers[node].shift(change)
        self._answer(node, tag, version)

    def take(self, device: int, wire: int, version: int, value: Value, answered: int | None) -> None:
        """Take a new version on a device that holds a copy."""
        node = self.netlist.wires[wire].source
        self.copies[device, node].take(version, value)
        if answered is not None:
            self.around.settle(answered, "answer", device, node)

    def update_all(self, tag: int) -> None:
        """Let all parameters move by the sum of what they felt in the batch that ended with this example."""
        for node, keeper in self.keepers.items():
            keeper.respond(keeper.gradient())
            self._record(keeper, tag, keeper.version - 1)
            for device, copied in self.copies:
                if copied == node:
                    self._send(node, device, None)

    def all_are_new(self) -> bool:
        """Tell whether every copy is of the newest version."""
        return all(copy.version == self.keepers[node].version for (_, node), copy in self.copies.items())

    def _step(self, worker: Worker, node: int, device: int, tag: int, wire: int, version: int, gradient: Value) -> None:
        """Let a worker move by itself; after enough steps, or the last, it tells the server how far."""
        whole = worker.feel(tag, wire, version, gradient)
        if whole is None:
            return
        worker.step(whole[1])
        self.around.settle(tag, "whole", node)
        if worker.taken >= worker.steps or self.around.nothing_waits:
            self.around.post("change", wire, tag, worker.change, device, self.home[node], worker.base[0])
        else:
            self.around.settle(tag, "answer", device, node)

    def _answer(self, node: int, tag: int, read: int) -> None:
        """Send a new version to where the example came from."""
        self._record(self.keepers[node], tag, read)
        devices = self.around.devices_of(tag)
        for device, copied in self.copies:
            if copied == node and device in devices:
                self._send(node, device, tag)

    def _send(self, node: int, device: int, tag: int | None) -> None:
        keeper, wire = self.keepers[node], self.netlist.outgoing[node][0]
        self.around.post("weights", wire, keeper.version, keeper.value, self.home[node], device, tag)

    def _record(self, keeper: Keeper, tag: int, read: int) -> None:
        made = Update(keeper.name, tag, read, keeper.version, self.around.now, keeper.value)
        self.around.timeline.updates.append(made)
