"""The actors: every gate a SimPy process, and the sources and outputs at the ends of the circuit.

A gate waits for one value on each port that belong to the same tag, takes its delay to compute, and sends
the result on. When a gradient has come back from each wire that is to bring one, it takes its delay again and
sends each port its share. It does one thing at a time; what is ready meanwhile waits its turn.

What a gate keeps of an example between its two firings is a `Token`: the activation memory.

Most of the time that a simulation takes is spent here and in `channel`, so what can be decided once for a
circuit or a pull is not decided again for each message.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from heapq import heappush
from typing import Any

from simpy.events import NORMAL

from circuitsim.gates.failure import explain_failure, explain_rule, made_nonfinite, sent_nonfinite
from circuitsim.gates.gate import Gate
from circuitsim.gates.value import Value, as_value, fit, is_finite
from circuitsim.simulation.channel import Channel, World
from circuitsim.trace.records import BACKWARD, FORWARD, GRADIENT, VALUE

__all__ = ["GateActor", "Output", "Source", "Token"]


class Token:
    """What a gate holds of one tag: its inputs so far, then its output, then the gradients so far."""

    __slots__ = ("awaited", "gradients", "missing", "output", "start", "tag", "values")

    def __init__(self, tag: int, ports: int, missing: int) -> None:
        self.tag = tag
        self.values: list[Any] = [None] * ports
        self.missing = missing  # values that have yet to come
        self.output: Any = None
        self.gradients: Any = None
        self.awaited = 0  # gradients that have yet to come
        self.start: float  # when it began to fire


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
    name : str
        Its name, for messages to people.
    gate : Gate
        The arithmetic.
    attributes : dict or None
        What the arithmetic takes besides inputs.
    sticky : tuple of int
        The ports that keep the last value that arrived, because parameters or constants feed them.
    delay : float or callable
        The ticks each firing takes; a function is called for each firing.
    on_nonfinite : callable
        Called with a sentence when the gate makes an infinity or a nan.
    """

    __slots__ = (
        "_value", "attributes", "awaited", "busy", "callbacks", "delay", "forward", "gate", "held", "incoming", "index",
        "name", "on_nonfinite", "outgoing", "ready", "returning", "sticky", "unheld", "vjps", "world",
    )  # fmt: skip

    _ok = True

    def __init__(
        self,
        world: World,
        index: int,
        name: str,
        gate: Gate,
        attributes: dict[str, Any] | None,
        sticky: tuple[int, ...],
        delay: Callable[[], float] | float,
        on_nonfinite: Callable[[str], None],
    ) -> None:
        self.world = world
        self.index = index
        self.name = name
        self.gate = gate
        self.forward, self.vjps = gate.bind(attributes)
        self.attributes = attributes
        self.sticky = sticky
        self.delay = delay
        self.on_nonfinite = on_nonfinite
        self.incoming: Sequence[Channel] = ()
        self.outgoing: Sequence[Channel] = ()
        self.returning: Sequence[int] = ()  # ports to which gradients go, under the present pull
        self.awaited = 0  # gradients that come back for each tag, under the present pull
        self.held: dict[int, Value] = {}  # what is on the sticky ports
        self.unheld = len(sticky)  # how many of them have yet to get their first value
        self.ready: deque[Token] | None = None  # what waits its turn; most gates never need it
        self.busy = False
        self.callbacks: list[Any] = []
        self._value: Token | None = None
        world.process(self.live())

    def live(self) -> Generator[Any, Token, None]:
        """Be the gate's process: wait for work, do it, wait again."""
        while True:
            token = yield self
            self.callbacks = []  # armed again, before anything can schedule it
            try:
                if token.output is None:
                    self._fire_forward(token)
                else:
                    self._fire_backward(token)
            except Exception as error:
                self.world.failure = error  # SimPy raises a copy, which not every error can make
                raise
            self.busy = False
            if self.ready:
                self._begin(self.ready.popleft())

    def on_value(self, port: int, tag: int, value: Value) -> None:
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

    def on_gradient(self, place: int, tag: int, gradient: Value) -> None:
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

    def _hold(self, port: int, value: Value) -> None:
        """Put a value on a sticky port; with the last port filled, begin what has waited for it."""
        first = port not in self.held
        self.held[port] = value
        self.unheld -= first
        if first and not self.unheld:
            for tokens in self.world.tokens.values():
                token = tokens[self.index]
                if token is not None and not token.missing:
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
        token.start = now = world._now
        end = now + (delay if delay.__class__ is float else delay())  # type: ignore
        if end == world.tick:
            end = world.tick
        else:
            world.tick = end
        self._value = token
        heappush(world.agenda, (end, NORMAL, next(world.ids), self))

    def _fire_forward(self, token: Token) -> None:
        tag, values = token.tag, token.values
        for port in self.sticky:
            values[port] = self.held[port]
        try:
            output = self.forward(*values)
            if output.__class__ is not float:
                output = as_value(output)
        except Exception as error:
            explain_failure(self.name, self.gate, self.attributes, values, error)
        token.output = output
        if not (output - output == 0.0 if output.__class__ is float else is_finite(output)):
            self.on_nonfinite(made_nonfinite(self.name, self.gate, values, output))
        if self.world.trace is not None:
            self.world.trace.record(FORWARD, self.index, tag, token.start, self.world._now, output)
        for channel in self.outgoing:
            channel.send(VALUE, tag, output)

    def _fire_backward(self, token: Token) -> None:
        tag, values = token.tag, token.values
        total: Any = None
        for gradient in token.gradients:  # in wiring order, not in order of arrival: the bits must not depend on time
            if gradient is not None:
                total = gradient if total is None else total + gradient
        if self.world.trace is not None:
            self.world.trace.record(BACKWARD, self.index, tag, token.start, self.world._now, total)
        self.world.tokens[tag][self.index] = None
        known = (total, token.output, *values)
        for port in self.returning:
            try:
                share = self.vjps[port](*known)
                if share.__class__ is not float or values[port].__class__ is not float:
                    share = fit(as_value(share), values[port])
            except ValueError as error:
                explain_rule(self.name, self.gate, values, port, error)
            if not (share - share == 0.0 if share.__class__ is float else is_finite(share)):
                self.on_nonfinite(sent_nonfinite(self.name, self.gate, values, port, share))
            self.incoming[port].send(GRADIENT, tag, share)


class Source:
    """An input, parameter or constant: where values come from and gradients arrive.

    It is no process: it has nothing to wait for and nothing to compute.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.outgoing: Sequence[Channel] = ()
        self.awaited = 0
        self.pending = 0
        self.gradients: list[Any] = []

    def send(self, tag: int, value: Value, channels: Sequence[Channel] | None = None) -> None:
        """Send a value along some channels, all of them if not said otherwise."""
        for channel in self.outgoing if channels is None else channels:
            channel.send(VALUE, tag, value)

    def await_gradients(self) -> None:
        """Get ready for the gradients of one tag."""
        self.pending = self.awaited
        self.gradients = [None] * len(self.outgoing)

    def on_gradient(self, place: int, tag: int, gradient: Value) -> None:
        """Take in a gradient."""
        self.gradients[place] = gradient
        self.pending -= 1

    def gradient(self, like: Value) -> Value:
        """Return the sum of what arrived, in wiring order; zeros in the shape of `like` if nothing was due."""
        arrived = [gradient for gradient in self.gradients if gradient is not None]
        if not arrived:
            return fit(0.0, like)
        total: Value = arrived[0]
        for gradient in arrived[1:]:
            total = total + gradient
        return total


class Output:
    """An output: where a value can be read and a pull is put on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.incoming: Sequence[Channel] = ()
        self.values: dict[int, Value] = {}

    def on_value(self, port: int, tag: int, value: Value) -> None:
        """Take in the output's value."""
        self.values[tag] = value

    def pull(self, tag: int, force: Value) -> None:
        """Send a gradient back into the circuit."""
        self.incoming[0].send(GRADIENT, tag, force)
