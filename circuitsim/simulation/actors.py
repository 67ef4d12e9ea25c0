"""The actors: every gate a SimPy process, and the sources and outputs at the ends of the circuit.

A gate waits for one value on each port that belong to the same tag, takes its delay to compute, and sends
the result on. When a gradient has come back from each wire that is to bring one, it takes its delay again and
sends each port its share. It does one thing at a time; what is ready meanwhile waits its turn.

What a gate keeps of an example between its two firings is a `Token`: the activation memory.
"""

from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from simpy import Environment, Event
from simpy.events import NORMAL

from circuitsim.errors import CircuitSimError, GateError, InputError, ShapeError
from circuitsim.gates.check import missing_vjp
from circuitsim.gates.gate import Gate
from circuitsim.gates.value import Value, as_value, fit, is_finite, shape_of, show
from circuitsim.simulation.channel import Channel, Message
from circuitsim.simulation.trace import Kind, Trace

__all__ = ["GateActor", "Output", "Source", "Token"]


class Token:
    """What a gate holds of one tag: its inputs so far, then its output, then the gradients so far."""

    __slots__ = ("awaited", "gradients", "missing", "output", "start", "tag", "values")

    def __init__(self, tag: int, ports: int, missing: int) -> None:
        self.tag = tag
        self.values: list[Any] = [None] * ports
        self.missing = missing  # values that have yet to come
        self.output: Any = None
        self.gradients: list[Any] = []
        self.awaited = 0  # gradients that have yet to come
        self.start = 0.0


class Firing(Event):
    """What a gate's process waits for: it happens when the gate's delay has passed. Armed again and again."""

    def __init__(self, environment: Environment) -> None:
        self.env = environment
        self.callbacks = []
        self._ok = True
        self._value: Any = None


class GateActor:
    """A gate at work.

    Parameters
    ----------
    environment : simpy.Environment
        The clock.
    index : int
        The number of the node in the netlist.
    name : str
        Its name, for messages to people.
    gate : Gate
        The arithmetic.
    forward, vjps : callables
        The gate's functions with the node's attributes bound.
    sticky : frozenset of int
        The ports that keep the last value that arrived, because parameters or constants feed them.
    delay : callable or float
        The time each firing takes, in ticks.
    trace : Trace or None
        Where firings are recorded.
    on_nonfinite : callable
        Called with a sentence when the gate makes an infinity or a nan.
    """

    def __init__(
        self,
        environment: Environment,
        index: int,
        name: str,
        gate: Gate,
        forward: Callable[..., Any],
        vjps: list[Callable[..., Any] | None],
        sticky: frozenset[int],
        delay: Callable[[], float] | float,
        trace: Trace | None,
        on_nonfinite: Callable[[str], None],
    ) -> None:
        self.env = environment
        self.index = index
        self.name = name
        self.gate = gate
        self.forward = forward
        self.vjps = vjps
        self.sticky = sticky
        self.delay = delay
        self.trace = trace
        self.on_nonfinite = on_nonfinite
        self.incoming: list[Channel] = []
        self.outgoing: list[Channel] = []
        self.returning: list[tuple[int, Channel]] = []  # ports to which gradients go, under the present pull
        self.awaited = 0  # gradients that come back for each tag, under the present pull
        self.tokens: dict[int, Token] = {}
        self.held: dict[int, Value] = {}  # what is on the sticky ports
        self.ready: deque[Token] = deque()
        self.busy = False
        self.firing = Firing(environment)
        self.process = environment.process(self.live())

    def live(self) -> Generator[Event, Token, None]:
        """Be the gate's process: wait for work, do it, wait again."""
        firing = self.firing
        while True:
            token = yield firing
            firing.callbacks = []  # armed again, before anything can schedule it
            if token.output is None:
                self._fire_forward(token)
            else:
                self._fire_backward(token)
            self.busy = False
            if self.ready:
                self._begin(self.ready.popleft())

    def on_value(self, message: Message) -> None:
        """Take in a value; with the last one of its tag, begin to fire."""
        tag = message.tag
        if message.port in self.sticky:
            self._hold(message)
            return
        token = self.tokens.get(tag)
        if token is None:
            token = self.tokens[tag] = Token(tag, len(self.incoming), len(self.incoming) - len(self.sticky))
        token.values[message.port] = message.payload
        token.missing -= 1
        if not token.missing and len(self.held) == len(self.sticky):
            self._begin(token)

    def on_gradient(self, message: Message) -> None:
        """Take in a gradient; with the last one of its tag, begin to fire."""
        token = self.tokens[message.tag]
        if not token.gradients:
            token.gradients = [None] * len(self.outgoing)
            token.awaited = self.awaited
        token.gradients[message.port] = message.payload
        token.awaited -= 1
        if not token.awaited:
            self._begin(token)

    def _hold(self, message: Message) -> None:
        """Put a value on a sticky port; with the last port filled, begin what has waited for it."""
        first = message.port not in self.held
        self.held[message.port] = message.payload
        if first and len(self.held) == len(self.sticky):
            for token in self.tokens.values():
                if not token.missing:
                    self._begin(token)

    def _begin(self, token: Token) -> None:
        """Start a firing, or queue it behind the one that runs."""
        if self.busy:
            self.ready.append(token)
            return
        self.busy = True
        token.start = self.env.now
        self.firing._value = token
        self.env.schedule(self.firing, NORMAL, self.delay if isinstance(self.delay, float) else self.delay())

    def _fire_forward(self, token: Token) -> None:
        values = token.values
        for port in self.sticky:
            values[port] = self.held[port]
        output = self._compute(values)
        token.output = output
        if not (output - output == 0.0 if output.__class__ is float else is_finite(output)):
            shown = ", ".join(show(value) for value in values)
            self.on_nonfinite(f"gate {self.name!r} ({self.gate.name}) made {show(output)} from {shown}")
        if self.trace is not None:
            self.trace.record(Kind.FORWARD, self.index, token.tag, token.start, self.env.now, output)
        for channel in self.outgoing:
            channel.send_value(token.tag, output)

    def _fire_backward(self, token: Token) -> None:
        arrived = [gradient for gradient in token.gradients if gradient is not None]
        total = arrived[0]
        for gradient in arrived[1:]:  # in wiring order, not in order of arrival: the bits must not depend on time
            total = total + gradient
        if self.trace is not None:
            self.trace.record(Kind.BACKWARD, self.index, token.tag, token.start, self.env.now, total)
        del self.tokens[token.tag]
        for port, channel in self.returning:
            channel.send_gradient(token.tag, self._share(port, total, token))

    def _compute(self, values: list[Any]) -> Any:
        try:
            output = self.forward(*values)
            return output if output.__class__ is float else as_value(output)
        except InputError as error:
            raise GateError(f"gate {self.name!r} ({self.gate.name}) computed what no wire can carry: {error}") from None
        except CircuitSimError:
            raise
        except ValueError as error:
            shapes = " and ".join(str(shape_of(value)) for value in values)
            fault = "they do not broadcast, make them equal" if "broadcast" in str(error) else str(error)
            raise ShapeError(f"gate {self.name!r} ({self.gate.name}) cannot take shapes {shapes}: {fault}") from None

    def _share(self, port: int, gradient: Any, token: Token) -> Any:
        """Return the gradient that goes back through one port."""
        vjp = self.vjps[port]
        if vjp is None:
            raise missing_vjp(self.gate, port)
        share = vjp(gradient, token.output, *token.values)
        like = token.values[port]
        if share.__class__ is not float or like.__class__ is not float:
            share = fit(as_value(share), like)
        if not (share - share == 0.0 if share.__class__ is float else is_finite(share)):
            self.on_nonfinite(
                f"gate {self.name!r} ({self.gate.name}) sent the gradient {show(share)} back through port {port} "
                f"({self.gate.ports[port]} = {show(like)})"
            )
        return share


class Source:
    """An input, parameter or constant: where values come from and gradients arrive.

    It is no process: it has nothing to wait for and nothing to compute.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.outgoing: list[Channel] = []
        self.awaited = 0
        self.pending = 0
        self.gradients: list[Any] = []

    def send(self, tag: int, value: Value, channels: list[Channel] | None = None) -> None:
        """Send a value along some channels, all of them if not said otherwise."""
        for channel in self.outgoing if channels is None else channels:
            channel.send_value(tag, value)

    def await_gradients(self) -> None:
        """Get ready for the gradients of one tag."""
        self.pending = self.awaited
        self.gradients = [None] * len(self.outgoing)

    def on_gradient(self, message: Message) -> None:
        """Take in a gradient."""
        self.gradients[message.port] = message.payload
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
        self.incoming: list[Channel] = []
        self.values: dict[int, Value] = {}

    def on_value(self, message: Message) -> None:
        """Take in the output's value."""
        self.values[message.tag] = message.payload

    def pull(self, tag: int, force: Value) -> None:
        """Send a gradient back into the circuit."""
        self.incoming[0].send_gradient(tag, force)
