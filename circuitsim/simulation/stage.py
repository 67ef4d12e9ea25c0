"""A stage: a group of gates that works as one actor on a device.

It may go forward (F) for an example when a value has come on every wire that enters it, and backward when a gradient
has come back on every wire on which one is to come. The backward step is made of the gates' rules, one a
port, and so comes in two pieces: the gradients to the data (I), for which the stages before it wait, and those to the
parameters (W), for which nobody waits. `Held` is what a stage keeps of an example until then: the activation memory.

What it does is worked out once, see `stage_plan`.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from circuitsim.gates.value import Value, add_up
from circuitsim.simulation.kernel import Channel
from circuitsim.simulation.stage_plan import GatePlan, Share, StagePlan, compute

__all__ = ["Held", "Resident", "StageActor"]


class Worker(Protocol):
    """What a stage runs on: it is told of work that could be done, and says when."""

    def ready(self, stage: "StageActor", kind: str, tag: int) -> None:
        """Take note of a piece of work that may begin."""


class Held:
    """What a stage keeps of one example: values, then gradients, and how many of each are still to come."""

    __slots__ = ("data_due", "gradients", "missing", "step", "values", "versions", "weights_due")

    def __init__(self, plan: StagePlan) -> None:
        self.values = plan.template.copy()
        self.versions: Sequence[int] = ()  # of the parameters that the forward pass used
        self.gradients: list[Any] | None = None  # made when the first one comes: most of the time a stage waits for it
        self.missing = len(plan.entering)
        self.data_due = plan.data_due
        self.weights_due = plan.weights_due
        self.step = ""  # the last piece of work done: F, then I

    def copy(self) -> "Held":
        """Return a copy for a checkpoint; the values in it never change."""
        twin = object.__new__(Held)
        for name in Held.__slots__:
            thing = getattr(self, name)
            setattr(twin, name, thing.copy() if isinstance(thing, list) else thing)
        return twin


class Resident:
    """A parameter as the stages on a device read it: the newest version that has arrived, and the last few before it.

    Parameters
    ----------
    value : float or ndarray
        Version 0.
    versions : int or None
        How many versions are kept for backward passes; None if each pass keeps its own.
    on_answer : callable
        Called with the example that a new version answers.
    """

    __slots__ = ("expected", "kept", "on_answer", "readers", "value", "version")

    def __init__(self, value: Value, versions: int | None, on_answer: Callable[[int], None]) -> None:
        self.value = value
        self.version = 0
        self.expected = 0  # the version that forward passes wait for
        self.on_answer = on_answer
        self.readers: list[StageActor] = []
        self.kept: deque[tuple[int, Value]] | None = None
        if versions is not None:
            self.kept = deque([(0, value)], maxlen=versions)

    def on_value(self, port: int, tag: int, value: Value, version: int) -> None:
        """Hold a newer version, or the same moved by a worker's own step; an older one, overtaken, is left."""
        late = self.version < self.expected
        if version > self.version and self.kept is not None:
            self.kept.append((version, value))
        if version >= self.version:
            self.version, self.value = version, value
            for stage in self.readers:
                stage.newest = None
        if late and self.version >= self.expected:
            for stage in self.readers:
                stage.catch_up()
        self.on_answer(tag)

    def expect(self, version: int) -> None:
        """Let forward passes wait until it is of this version."""
        self.expected = version
        if self.version < version:
            for stage in self.readers:
                stage.late = True

    def recall(self, version: int) -> tuple[int, Value]:
        """Return what a backward pass uses whose forward pass had this version: the same, or the oldest kept."""
        assert self.kept is not None
        for kept in self.kept:
            if kept[0] == version:
                return kept
        return self.kept[0]

    def save(self) -> Any:
        """Return a checkpoint."""
        return self.value, self.version, self.expected, None if self.kept is None else tuple(self.kept)

    def restore(self, saved: Any) -> None:
        """Go back to a checkpoint."""
        self.value, self.version, self.expected, kept = saved
        if self.kept is not None:
            self.kept = deque(kept, maxlen=self.kept.maxlen)


class StageActor:
    """A stage at work.

    Parameters
    ----------
    plan : StagePlan
        What it does.
    replica : int
        Which of several copies of it this is.
    device : Worker
        What decides when it works.
    residents : sequence of Resident
        Its parameters, in the order of `StagePlan.parameters`.
    on_done : callable
        Called with an example for which nothing is left to do.
    """

    __slots__ = (
        "back", "device", "held", "incoming", "into", "late", "newest", "number", "on_done", "outlets", "plan",
        "recalls", "replica", "residents", "versions", "waiting",
    )  # fmt: skip

    def __init__(
        self,
        plan: StagePlan,
        replica: int,
        device: Worker,
        residents: Sequence[Resident],
        on_done: Callable[[int], None],
    ) -> None:
        self.plan = plan
        self.number = plan.number
        self.replica = replica
        self.device = device
        self.on_done = on_done
        self.residents = list(zip(plan.parameters.values(), residents, strict=True))  # with the slots of their values
        for resident in residents:
            resident.readers.append(self)
        self.recalls = any(resident.kept is not None for resident in residents)
        self.into: list[int] = []  # by port: the slot of the value
        self.outlets: list[tuple[Channel, int]] = []  # what leaves: the channel and the slot of the value
        self.back: list[tuple[int, bool]] = []  # by place: the slot of the gradient, and whether it leads to data
        self.incoming: dict[int, Channel] = {}  # by wire, where gradients go
        self.held: dict[int, Held] = {}
        self.newest: Sequence[tuple[int, Value]] | None = None  # the parameters with their versions, once looked up
        self.versions: Sequence[int] = ()
        self.late = False  # whether it waits for a parameter that has moved
        self.waiting: list[int] = []  # examples that could go forward but for that

    # -- what comes ----------------------------------------------------------------------------------------

    def admit(self, tag: int) -> None:
        """Begin an example, if nothing has to come in for it."""
        if not self.plan.entering:
            self._hold(tag)
            self._can_go_forward(tag)

    def on_value(self, port: int, tag: int, value: Value, version: int) -> None:
        """Take in a value from an input or another stage."""
        held = self._hold(tag)
        held.values[self.into[port]] = value
        held.missing -= 1
        if not held.missing:
            self._can_go_forward(tag)

    def on_gradient(self, place: int, tag: int, gradient: Value, version: int) -> None:
        """Take in a gradient from an output or another stage."""
        slot, to_data = self.back[place]
        held = self._hold(tag)  # after a crash it may come before the forward pass has been done again
        if held.gradients is None:
            held.gradients = [None] * self.plan.gradients
        held.gradients[slot] = gradient
        if to_data:
            held.data_due -= 1
        else:
            held.weights_due -= 1
        self._announce(tag, held)

    def _hold(self, tag: int) -> Held:
        """Return what is kept of an example."""
        held = self.held.get(tag)
        if held is None:
            held = self.held[tag] = Held(self.plan)
        return held

    def catch_up(self) -> None:
        """Go on with what has waited for parameters, if all have come."""
        self.late = any(resident.version < resident.expected for _, resident in self.residents)
        if not self.late:
            waiting, self.waiting = self.waiting, []
            for tag in waiting:
                self.device.ready(self, "F", tag)

    def _can_go_forward(self, tag: int) -> None:
        if self.late:
            self.waiting.append(tag)
        else:
            self.device.ready(self, "F", tag)

    def _announce(self, tag: int, held: Held) -> None:
        """Tell what can be done next: B, which may also be done as I and then W; I alone; or W."""
        if held.step == "F" and not held.data_due:
            self.device.ready(self, "I" if held.weights_due else "B", tag)
        elif held.step == "I" and not held.weights_due:
            self.device.ready(self, "W", tag)

    # -- work ----------------------------------------------------------------------------------------------

    def can(self, kind: str, tag: int) -> bool:
        """Tell whether a piece of work can be done now."""
        held = self.held.get(tag)
        if held is None:
            return False
        if kind == "F":
            return held.step == "" and not held.missing and not self.late
        if kind == "W":
            return held.step == "I" and not held.weights_due
        return held.step == "F" and not held.data_due and not (kind == "B" and held.weights_due)

    def begin(self, kind: str, tag: int) -> Sequence[tuple[int, Value]]:
        """Start a piece of work, and return the versions of parameters that it reads now, with their values."""
        held = self.held[tag]
        if kind == "F":
            if self.newest is None:
                self.newest = [(resident.version, resident.value) for _, resident in self.residents]
                self.versions = tuple(version for version, _ in self.newest)
            read, held.versions = self.newest, self.versions
        elif self.recalls:
            read = [
                resident.recall(version) for (_, resident), version in zip(self.residents, held.versions, strict=True)
            ]
        else:
            return ()
        for (slot, _), (_, value) in zip(self.residents, read, strict=True):
            held.values[slot] = value
        return read

    def forward(self, tag: int) -> None:
        """Compute a forward pass; `end` sends what it made."""
        compute(self.plan, self.held[tag].values)

    def kept(self, tag: int) -> float:
        """Return the bytes that an example keeps for the way back, parameters and constants aside."""
        values, size = self.held[tag].values, 0
        for slot in self.plan.kept:
            value = values[slot]
            size += 8 if value.__class__ is float else value.nbytes
        return float(size)

    def end(self, kind: str, tag: int) -> None:
        """End a piece of work: its results are sent."""
        held = self.held[tag]
        if kind == "F":
            for channel, slot in self.outlets:
                channel.send(tag, held.values[slot])
            held.step = "F"  # only now: an answer may have come within the sending
            self._announce(tag, held)
            return
        if kind != "W":
            self._to_data(tag, held)
        if kind == "I":
            held.step = "I"
            self._announce(tag, held)
            return
        self._to_weights(tag, held)
        del self.held[tag]
        self.on_done(tag)

    def _to_data(self, tag: int, held: Held) -> None:
        gradients = held.gradients
        if gradients is None:
            return  # no output with a gradient depends on it
        for gate in self.plan.data_gates:
            total = gradients[gate.total] = add_up([gradients[slot] for slot in gate.returned])
            if gate.data:
                self._send_back(tag, held, gate, gate.data, total)

    def _to_weights(self, tag: int, held: Held) -> None:
        gradients = held.gradients
        if gradients is None:
            return
        for gate in self.plan.data_gates:
            if gate.weights:
                self._send_back(tag, held, gate, gate.weights, gradients[gate.total])
        for gate in self.plan.weight_gates:
            total = add_up([gradients[slot] for slot in gate.returned])
            self._send_back(tag, held, gate, gate.weights, total)

    def _send_back(self, tag: int, held: Held, gate: GatePlan, shares: Sequence[Share], total: Any) -> None:
        values = held.values
        firing, output, sources = gate.firing, values[gate.value], gate.sources
        inputs = [values[source] for source in sources]
        for port, slot, wire, parameter in shares:
            share = firing.share(port, total, output, inputs)
            if slot >= 0:
                held.gradients[slot] = share  # type: ignore[index]
            else:
                self.incoming[wire].send_back(tag, share, held.versions[parameter] if parameter >= 0 else 0)

    # -- checkpoints ---------------------------------------------------------------------------------------

    def save(self) -> Any:
        """Return a checkpoint: no more than the examples that are under way."""
        return {tag: held.copy() for tag, held in self.held.items()}, self.waiting.copy()

    def restore(self, saved: Any) -> None:
        """Go back to a checkpoint, after its parameters."""
        held, waiting = saved
        self.newest = None
        self.late = any(resident.version < resident.expected for _, resident in self.residents)
        self.held = {tag: one.copy() for tag, one in held.items()}
        self.waiting = waiting.copy()
