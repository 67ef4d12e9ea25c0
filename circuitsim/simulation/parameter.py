"""Parameters: sources whose values move. Where examples stream through stages, each parameter has a home device.

A parameter collects the gradients of each example from all wires that it feeds and adds them up in wiring order. What
becomes of the sums, one update for a batch or one for each example, its `Home` decides.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from circuitsim.gates.value import Value, add_up, fit, frozen
from circuitsim.rules import Memory, Rule, Spring, begin, respond
from circuitsim.simulation.actors import Source, ignore
from circuitsim.simulation.kernel import Channel, World
from circuitsim.trace.kinds import BACKWARD, Kind

__all__ = ["Home", "LocalParameter", "Parameter", "ServerEnd"]


MOST_STALE = 2**15 - 1  # what a record can say of it


class Entry(NamedTuple):
    """A record to be written."""

    kind: Kind
    node: int
    tag: int
    start: float
    value: Value
    version: int
    detail: int


class Parameter(Source):
    """A source whose value may move.

    Attributes
    ----------
    memory : Memory
        Its value, the state of its rule, and how often it has responded.
    rule : Rule or None
        How it responds, once it learns.
    springs : sequence of Spring
        Penalties, which add to its gradient.
    version : int
        How often it has moved in the present run.
    sends : list of list of Channel
        For each replica, where new versions go.
    """

    __slots__ = ("device", "first", "memory", "next", "node", "oldest", "rule", "sends", "springs", "sum", "version")

    def __init__(self, name: str, node: int, memory: Memory) -> None:
        super().__init__(name)
        self.node = node
        self.memory = memory
        self.rule: Rule | None = None
        self.springs: Sequence[Spring] = ()
        self.sum: Value | None = None  # of the complete gradients of the present batch
        self.oldest = 0  # the oldest version that they were computed from
        self.join(ignore)

    def join(self, on_complete: Callable[[Any, int], None], device: int = 0) -> None:
        """Take a place among new actors: whom it tells is new, and so are its device and its channels."""
        self.on_complete = on_complete
        self.device = device
        self.outgoing = ()
        self.sends: list[list[Channel]] = []
        self.begin()

    def begin(self) -> None:
        """Begin a run."""
        self.clear()
        self.version = 0
        self._begin_batch(0)

    def learn(self, rule: Rule, springs: Sequence[Spring]) -> None:
        """Take a rule, with a fresh state."""
        self.rule, self.springs = rule, springs
        self.memory = begin(rule, self.memory.value)

    def respond(self, gradient: Value) -> None:
        """Move by the rule, as the gradient and the springs ask; this makes a new version."""
        assert self.rule is not None
        self.memory = respond(self.rule, self.springs, self.memory, gradient)
        self.version += 1

    def add(self) -> None:
        """Add what is complete to the gradient of the batch, in the order of the examples."""
        while self.next in self.totals:
            read = self.reads[self.next]
            self.oldest = read if self.sum is None else min(read, self.oldest)
            self.sum = add_up((self.sum, self.gradient(self.next)))
            self.next += 1

    def end_batch(self, size: int) -> tuple[Value, int]:
        """Return the gradient of the batch and the oldest version that it was computed from, and begin the next.

        Parameters
        ----------
        size : int
            How many examples it had.
        """
        total = self.sum
        self._begin_batch(self.first + size)
        return (fit(0.0, self.memory.value), self.version) if total is None else (total, self.oldest)

    def _begin_batch(self, first: int) -> None:
        self.first = self.next = first
        self.sum = None

    def announce(self, tag: int, replica: int | None = None) -> None:
        """Send the newest version to one replica, or to all."""
        for channels in self.sends if replica is None else [self.sends[replica]]:
            for channel in channels:
                channel.send(tag, self.memory.value, self.version)

    def save(self) -> tuple[object, ...]:
        """Return a checkpoint."""
        tokens = {tag: token.copy() for tag, token in self.tokens.items()}
        batch = self.first, self.next, self.sum, self.oldest
        return self.memory, self.version, batch, tokens, self.totals.copy(), self.reads.copy()

    def restore(self, saved: Any) -> None:
        """Go back to a checkpoint."""
        self.memory, self.version, batch, tokens, totals, reads = saved
        self.first, self.next, self.sum, self.oldest = batch
        self.tokens = {tag: token.copy() for tag, token in tokens.items()}
        self.totals, self.reads = totals.copy(), reads.copy()


class LocalParameter(Parameter):
    """A worker's own copy of a parameter, which moves by itself for some steps before the server hears of it.

    Then it waits for the server's answer before it learns from more examples.

    Parameters
    ----------
    server : Parameter
        The server's.
    steps : int
        How many examples it learns from between two messages to the server.
    device : int
        The worker's device that it is on.
    world : World
        The clock and the trace.
    on_learned : callable
        Called with an example of which it has all gradients.
    nothing_waits : callable
        Tells whether there may be no more examples for the worker.

    Attributes
    ----------
    taken : int
        How many it has learned from since the server's last answer.
    base : float or ndarray
        What the server had then.
    asked : bool
        Whether it waits for an answer.
    waiting : deque of (int, float or ndarray, int, float)
        The gradients that have come meanwhile: of which example, computed from which version, and when they came.
    upstream : Channel
        The way to the server.
    """

    __slots__ = ("asked", "base", "nothing_waits", "on_learned", "steps", "taken", "upstream", "waiting", "world")

    upstream: Channel

    def __init__(
        self,
        server: Parameter,
        steps: int,
        device: int,
        world: World,
        on_learned: Callable[[int], None],
        nothing_waits: Callable[[], bool],
    ) -> None:
        super().__init__(server.name, server.node, server.memory)
        self.join(self._take, device)
        self.sends = [[]]
        self.rule, self.springs = server.rule, server.springs
        self.steps = steps
        self.world = world
        self.on_learned = on_learned
        self.nothing_waits = nothing_waits
        self.taken = 0
        self.base = self.memory.value
        self.asked = False
        self.waiting: deque[tuple[int, Value, int, float]] = deque()

    def _take(self, _: Any, tag: int) -> None:
        """Learn from an example, now or when the server has answered."""
        self.on_learned(tag)
        read, gradient = self.reads[tag], self.gradient(tag)
        assert gradient is not None
        self.waiting.append((tag, gradient, read, self.world.now))
        self._go_on()

    def _go_on(self) -> None:
        """Learn from what has come, up to the next question to the server."""
        while self.waiting and not self.asked:
            self._step(*self.waiting.popleft())

    def _step(self, tag: int, gradient: Value, read: int, came: float) -> None:
        """Move by the gradient of one example; after enough of them, or the last, tell the server how far."""
        assert self.rule is not None
        world = self.world
        if world.record is not None:
            world.record(BACKWARD, self.node, tag, came, world.now, gradient, read)
        self.memory = respond(self.rule, self.springs, self.memory, gradient)
        self.taken += 1
        if self.nothing_waits() or self.taken >= self.steps:
            self.asked = True
            self.upstream.send_back(tag, frozen(self.memory.value - self.base), self.version)
        else:
            self.announce(tag)

    def save(self) -> Any:
        """Return a checkpoint."""
        return super().save(), self.taken, self.base, self.asked, self.waiting.copy()

    def restore(self, saved: Any) -> None:
        """Go back to a checkpoint."""
        own, self.taken, self.base, self.asked, waiting = saved
        self.waiting = waiting.copy()
        super().restore(own)

    def on_value(self, port: int, tag: int, value: Value, version: int) -> None:
        """Begin anew from the server's answer, and hand it on."""
        self.memory = self.memory._replace(value=value)
        self.version, self.base, self.taken, self.asked = version, value, 0, False
        self.announce(tag)
        self._go_on()


class Home:
    """The parameters of one device, or of the server: it decides when they move.

    Parameters
    ----------
    world : World
        The clock and the trace.
    asynchronous : bool
        Whether they move by the gradient of each example as soon as it is complete.
    replica_of : callable
        Returns the replica that an example goes through.
    on_learned : callable
        Called with an example of which a parameter has learned.
    on_settled : callable
        Called with the gradients of the batch, by name, once all of them are complete.
    """

    __slots__ = ("asynchronous", "batch", "on_learned", "on_settled", "parameters", "replica_of", "unsaved", "world")

    def __init__(
        self,
        world: World,
        asynchronous: bool,
        replica_of: Callable[[int], int],
        on_learned: Callable[[int], None],
        on_settled: Callable[[dict[str, Value]], None],
    ) -> None:
        self.world = world
        self.asynchronous = asynchronous
        self.replica_of = replica_of
        self.on_learned = on_learned
        self.on_settled = on_settled
        self.parameters: list[Parameter] = []
        self.batch: tuple[int, int, bool] | None = None  # the batch to settle: first tag, size, whether to learn
        self.unsaved: list[Entry] | None = None  # records of what is in no saved state yet, if states are saved

    def complete(self, parameter: Parameter, tag: int) -> None:
        """Take note that a parameter has all its gradients of an example."""
        self._record(BACKWARD, parameter, tag, parameter.totals[tag], parameter.reads[tag], 0)
        if self.asynchronous:
            self._respond(parameter, tag)
            return
        parameter.add()
        if self.batch is not None:
            self._settle()

    def _respond(self, parameter: Parameter, tag: int) -> None:
        """Let a parameter move by the gradient of one example, and answer those who read it."""
        read, total = parameter.reads[tag], parameter.gradient(tag)
        assert total is not None
        parameter.respond(total)
        self._record_update(parameter, tag, read)
        self.on_learned(tag)
        parameter.announce(tag, self.replica_of(tag) if len(parameter.sends) > 1 else None)

    def change(self, parameter: Parameter, tag: int, change: Value, read: int) -> None:
        """Move a parameter as far as a worker has moved from some version, and answer it."""
        parameter.memory = parameter.memory._replace(value=frozen(parameter.memory.value + change))
        parameter.version += 1
        self._record_update(parameter, tag, read)
        parameter.announce(tag, self.replica_of(tag))

    def settle(self, first: int, size: int, learn: bool) -> None:
        """End a batch: once all gradients are complete, let all parameters move."""
        self.batch = first, size, learn
        self._settle()

    def _settle(self) -> None:
        assert self.batch is not None
        first, size, learn = self.batch
        if any(parameter.awaited and parameter.next < first + size for parameter in self.parameters):
            return
        self.batch = None
        gradients = {}
        for parameter in self.parameters:
            gradients[parameter.name], read = parameter.end_batch(size)
            if learn:
                parameter.respond(gradients[parameter.name])
                self._record_update(parameter, first + size - 1, read)
                parameter.announce(first + size - 1)
        self.on_settled(gradients)

    def _record_update(self, parameter: Parameter, tag: int, read: int) -> None:
        version = parameter.version
        self._record(Kind.UPDATE, parameter, tag, parameter.memory.value, version, min(version - 1 - read, MOST_STALE))

    def _record(self, kind: Kind, parameter: Parameter, tag: int, value: Value, version: int, detail: int) -> None:
        """Record what has come to a parameter; where states are saved, only once it is in a saved state."""
        if self.world.trace is None:
            return
        if self.world.record is None and kind is not Kind.UPDATE:
            value = 0.0
        entry = Entry(kind, parameter.node, tag, self.world.now, value, version, detail)
        if self.unsaved is None:
            self._write(entry)
        else:
            self.unsaved.append(entry)

    def _write(self, entry: Entry) -> None:
        kind, node, tag, start, value, version, detail = entry
        assert self.world.trace is not None
        self.world.trace.record(kind, node, tag, start, self.world.now, value, version, detail)

    def saved(self) -> None:
        """Record what is in a saved state now."""
        for entry in self.unsaved or ():
            self._write(entry)
        self.unsaved = []

    def save(self) -> tuple[object, ...]:
        """Return a checkpoint."""
        return [parameter.save() for parameter in self.parameters], self.batch

    def restore(self, saved: tuple[object, ...]) -> None:
        """Go back to a checkpoint."""
        states, self.batch = saved  # type: ignore[assignment]
        for parameter, state in zip(self.parameters, states, strict=True):  # type: ignore[call-overload]
            parameter.restore(state)
        if self.unsaved is not None:
            self.unsaved = []


class ServerEnd:
    """The server's end of the way from a worker's own copy of a parameter."""

    def __init__(self, home: Home, parameter: Parameter) -> None:
        self.home = home
        self.parameter = parameter

    def on_gradient(self, place: int, tag: int, change: Value, version: int) -> None:
        """Take in how far the worker has moved from a version."""
        self.home.change(self.parameter, tag, change, version)
