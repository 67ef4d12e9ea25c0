"""The actors of a circuit: every gate a SimPy process, and the sources and outputs at its ends.

A gate waits for one value on each port that belong to the same tag, takes its delay to compute, and sends
the result on. When a gradient has come back from each wire that is to bring one, it takes its delay again and
sends each port its share. It does one thing at a time; what is ready meanwhile waits its turn.

What an actor keeps of an example is its `Token`: the activation memory.

Most of the time that a simulation takes is spent here and in `kernel`, so what can be decided once for a
circuit or a backward pass is not decided again for each message.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Any

from circuitsim.gates.firing import Firing
from circuitsim.gates.value import Value, add_up
from circuitsim.simulation.kernel import ActorProcess, Channel, World
from circuitsim.trace.kinds import BACKWARD, FORWARD

__all__ = ["GateActor", "Output", "Source", "Token", "ignore"]

NOTHING: dict[int, Value] = {}  # what gates without sticky ports hold


class Token:
    """What an actor holds of one tag: a gate its inputs so far, then its output, then the gradients so far."""

    __slots__ = ("awaited", "gradients", "missing", "output", "start", "tag", "values", "version")

    def __init__(self, tag: int, ports: int, missing: int) -> None:
        self.tag = tag
        self.values: list[Any] = [None] * ports
        self.missing = missing  # values that have yet to come
        self.output: Any = None
        self.gradients: Any = None
        self.awaited = 0  # gradients that have yet to come
        self.version = 0  # of a parameter: the oldest that its gradients were computed from
        self.start: float  # when it began to fire

    def copy(self) -> "Token":
        """Return a copy for a checkpoint; the values in it never change."""
        twin = Token(self.tag, 0, self.missing)
        twin.values, twin.output, twin.awaited, twin.version = self.values, self.output, self.awaited, self.version
        twin.gradients = None if self.gradients is None else self.gradients.copy()
        return twin


class GateActor:
    """A gate at work.

    It is itself the event that its process waits for, as a `Message` is one: it happens when the gate's delay has
    passed, and brings the process the token to work on.

    Parameters
    ----------
    world : World
        The clock and the trace.
    index : int
        The number of the node in the netlist.
    firing : Firing
        The arithmetic.
    sticky : tuple of int
        The ports that keep the last value that arrived, because parameters or constants feed them.
    delay : float or callable
        The ticks each firing takes; a function is called for each firing.
    """

    __slots__ = (
        "_value", "awaited", "busy", "callbacks", "delay", "firing", "held", "incoming", "index", "outgoing", "ready",
        "returning", "sticky", "unheld", "world",
    )  # fmt: skip

    _ok = True

    def __init__(
        self, world: World, index: int, firing: Firing, sticky: tuple[int, ...], delay: Callable[[], float] | float
    ) -> None:
        self.world = world
        self.index = index
        self.firing = firing
        self.sticky = sticky
        self.delay = delay
        self.incoming: Sequence[Channel] = ()
        self.outgoing: Sequence[Channel] = ()
        self.returning: Sequence[int]  # ports to which gradients go, in the present backward pass
        self.awaited: int  # gradients that come back for each tag, in the present backward pass
        self.held: dict[int, Value] = {} if sticky else NOTHING  # what is on the sticky ports
        self.unheld = len(sticky)  # how many of them wait for a value
        self.ready: deque[Token] | None = None  # what waits its turn; most gates never need it
        self.busy = False
        self.callbacks: list[Any] = []
        self._value: Token  # what it brings the process
        ActorProcess(world, self.live())

    def live(self) -> Generator[Any, Token, None]:
        """Be the gate's process: wait for work, do it, wait again."""
        while True:
            token = yield self
            self.callbacks = []  # armed again, before anything can schedule it
            if token.output is None:
                self._fire_forward(token)
            else:
                self._fire_backward(token)
            self.busy = False
            if self.ready:
                self._begin(self.ready.popleft())

    def on_value(self, port: int, tag: int, value: Value, version: int) -> None:
        """Take in a value; with the last one of its tag, begin to fire."""
        if self.sticky and port in self.sticky:
            self._hold(port, value)
            return
        tokens = self.world.tokens[tag]
        token = tokens[self.index]
        if token is None:
            ports = len(self.incoming)
            token = tokens[self.index] = Token(tag, ports, ports - len(self.sticky))
        token.values[port] = value
        token.missing -= 1
        if not token.missing and not self.unheld:
            self._begin(token)

    def on_gradient(self, place: int, tag: int, gradient: Value, version: int) -> None:
        """Take in a gradient; with the last one of its tag, begin to fire."""
        token = self.world.tokens[tag][self.index]
        gradients = token.gradients
        if gradients is None:
            gradients = token.gradients = [None] * len(self.outgoing)
            token.awaited = self.awaited
        gradients[place] = gradient
        token.awaited -= 1
        if not token.awaited:
            self._begin(token)

    def expect(self, port: int) -> None:
        """Wait on a sticky port for a parameter that has moved: what it holds is of an older version."""
        if port in self.held:
            del self.held[port]
            self.unheld += 1

    def _hold(self, port: int, value: Value) -> None:
        """Put a value on a sticky port; with the last port filled, begin what has waited for it."""
        first = port not in self.held
        self.held[port] = value
        self.unheld -= first
        if first and not self.unheld:
            for tokens in self.world.tokens.values():
                token = tokens[self.index]
                if token is not None and not token.missing and token.output is None:
                    self._begin(token)

    def _begin(self, token: Token) -> None:
        """Start a firing, or queue it behind the one that runs."""
        if self.busy:
            if self.ready is None:
                self.ready = deque()
            self.ready.append(token)
            return
        self.busy = True
        world, delay = self.world, self.delay
        token.start = now = world.now
        end = now + (delay if delay.__class__ is float else delay())  # type: ignore
        if end != world.tick:
            world.open(end)
        self._value = token
        world.bucket.append(self)

    def _fire_forward(self, token: Token) -> None:
        tag, values, world = token.tag, token.values, self.world
        for port in self.sticky:
            values[port] = self.held[port]
        token.output = output = self.firing.forward(values)
        if world.record is not None:
            world.record(FORWARD, self.index, tag, token.start, world.now, output)
        for channel in self.outgoing:
            channel.send(tag, output)

    def _fire_backward(self, token: Token) -> None:
        tag, values, world, firing = token.tag, token.values, self.world, self.firing
        total = add_up(token.gradients)  # in wiring order, not in order of arrival: the bits must not depend on time
        if world.record is not None:
            world.record(BACKWARD, self.index, tag, token.start, world.now, total)
        world.tokens[tag][self.index] = None
        for port in self.returning:
            self.incoming[port].send_back(tag, firing.share(port, total, token.output, values))


def ignore(*_: Any) -> None:
    """Take no note."""


class Source:
    """An input, a parameter or a constant: where values come from and gradients arrive.

    It is no process: it has nothing to wait for and nothing to compute.

    Parameters
    ----------
    name : str
        What it is called.
    on_complete : callable
        Called with the source and an example of which it has all gradients.
    """

    __slots__ = ("awaited", "name", "on_complete", "outgoing", "reads", "tokens", "totals")

    def __init__(self, name: str, on_complete: Callable[[Any, int], None] = ignore) -> None:
        self.name = name
        self.on_complete = on_complete
        self.outgoing: Sequence[Channel] = ()
        self.awaited = 0  # gradients that come back for each tag, in the present backward pass
        self.tokens: dict[int, Token] = {}
        self.totals: dict[int, Value] = {}  # complete gradients, by tag
        self.reads: dict[int, int] = {}  # of a parameter: the oldest version that a total was computed from

    def send(self, tag: int, value: Value) -> None:
        """Send a value along all wires."""
        for channel in self.outgoing:
            channel.send(tag, value)

    def on_gradient(self, place: int, tag: int, gradient: Value, version: int) -> None:
        """Take in a gradient; with the last one of its tag, add them up in wiring order."""
        if self.awaited > 1:
            token = self.tokens.get(tag)
            if token is None:
                token = self.tokens[tag] = Token(tag, 0, 0)
                token.gradients = [None] * len(self.outgoing)
                token.awaited = self.awaited
                token.version = version
            token.gradients[place] = gradient
            token.awaited -= 1
            if version < token.version:
                token.version = version
            if token.awaited:
                return
            del self.tokens[tag]
            gradient, version = add_up(token.gradients), token.version
        self.totals[tag] = gradient
        self.reads[tag] = version
        self.on_complete(self, tag)

    def gradient(self, tag: int) -> Value | None:
        """Return the complete gradient of an example, and let it go; None if none came."""
        self.reads.pop(tag, None)
        return self.totals.pop(tag, None)

    def clear(self) -> None:
        """Let go of all examples."""
        self.tokens.clear()
        self.totals.clear()
        self.reads.clear()


class Output:
    """An output: where a value can be read, and a gradient is put in.

    Parameters
    ----------
    name : str
        What it is called.
    on_shown : callable
        Called with the name, an example, and the output's value.
    """

    def __init__(self, name: str, on_shown: Callable[[str, int, Value], None]) -> None:
        self.name = name
        self.on_shown = on_shown
        self.incoming: Sequence[Channel] = ()
        self.versions: dict[int, int] = {}  # of the parameter that it shows, if it shows one

    def on_value(self, port: int, tag: int, value: Value, version: int) -> None:
        """Take in the output's value."""
        if version:
            self.versions[tag] = version
        self.on_shown(self.name, tag, value)

    def send_back(self, tag: int, gradient: Value) -> None:
        """Send a gradient back into the circuit."""
        self.incoming[0].send_back(tag, gradient, self.versions.pop(tag, 0) if self.versions else 0)
