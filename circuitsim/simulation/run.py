"""What came of one run or of a stream: numbers, and the trace from which they can be explained and shown."""

from collections.abc import Collection
from dataclasses import dataclass, field
from os import PathLike
from typing import ClassVar

from circuitsim import display
from circuitsim.circuit.wire import Wire
from circuitsim.errors import TraceError
from circuitsim.gates.value import Value, show
from circuitsim.habits import advises, told
from circuitsim.trace.critical_path import CriticalPath, critical_path
from circuitsim.trace.explanation import explain
from circuitsim.trace.paths import Paths, find_paths
from circuitsim.trace.report import StreamReport, report
from circuitsim.trace.timeline import Timeline
from circuitsim.trace.trace import Trace

__all__ = ["Run", "StreamRun", "Traced"]


@told
@advises("run")
class Traced:
    """What can be asked of a run and shown of it, because its simulation kept a trace.

    Wherever one example is asked for and its tag is not given, it is the last one. All methods raise `TraceError` if
    there is no such wire or no such example, or if the run was not traced.
    """

    trace: Trace | None
    _noun: ClassVar[str] = "run"

    def value(self, name: str | Wire, tag: int | None = None) -> Value:
        """Return the value of any wire or output in one example."""
        return self._traced().value(name, tag)

    def gradient(self, name: str | Wire, tag: int | None = None) -> Value:
        """Return the gradient of any wire in one example; 0 if none came."""
        return self._traced().gradient(name, tag)

    def explain(self, name: str | Wire, tag: int | None = None) -> str:
        """Tell how a wire came by its gradient: the messages that made it, with the arithmetic written out.

        Of a parameter that examples streamed through, and without a tag, it is told which of their gradients, of which
        versions, moved it to its value.

        Parameters
        ----------
        name : str or Wire
            An input, a parameter, or any other wire.
        tag : int, optional
            The example.
        """
        return explain(self._traced(), name, tag)

    def paths(self, name: str | Wire, tag: int | None = None) -> Paths:
        """Find every path by which a wire came by its gradient, with the product along it; print what it returns.

        Parameters
        ----------
        name : str or Wire
            An input, a parameter, or any other wire.
        tag : int, optional
            The example.

        Examples
        --------
        >>> import circuitsim as cs
        >>> print(cs.Simulation(cs.parse("x*x + 3*x")).run(x=4).paths("x"))
        the gradient of x is 11, by 3 paths
            x → mul1.a → add1.a → f
                1 × 1 × 4 = 4
            x → mul1.b → add1.a → f
                1 × 1 × 4 = 4
            x → mul2.b → add1.b → f
                1 × 1 × 3 = 3
            sum: 4 + 4 + 3 = 11
        """
        return find_paths(self._traced(), name, tag=tag)

    def draw(self, path: str | PathLike[str]) -> None:
        """Draw the circuit with its values and gradients; the suffix chooses the format, .svg, .png or .pdf."""
        display.draw(self._traced(), path)

    def animate(self, path: str | PathLike[str], tags: Collection[int] | None = None) -> None:
        """Film the flow, message by message, as .gif or .mp4 (which needs imageio-ffmpeg).

        Where several examples are under way at a time, each message bears the number of its microbatch.

        Parameters
        ----------
        path : path-like
            Where to.
        tags : collection of int, optional
            The examples to show; all, if not given.
        """
        display.animate(self._traced(), path, tags)

    def player(self, path: str | PathLike[str], tags: Collection[int] | None = None) -> None:
        """Write one .html page that plays the flow, forward and backward; it needs no network and no other file.

        Where several examples are under way at a time, each message bears the number of its microbatch.

        Parameters
        ----------
        path : path-like
            Where to.
        tags : collection of int, optional
            The examples to show; all, if not given.
        """
        display.player(self._traced(), path, tags=tags)

    def save(self, path: str | PathLike[str]) -> None:
        """Save the run as a page, film, picture or data, by the suffix; `circuitsim.views.save` lists them."""
        display.save(self._traced(), path)

    def _repr_html_(self) -> str | None:
        """Play the run in a notebook."""
        return display.embed(self.trace) if self.trace is not None else None

    def _traced(self) -> Trace:
        if self.trace is None:
            raise TraceError(f"this {self._noun} was not traced: make the simulation with trace=True")
        return self.trace


@told
@dataclass(frozen=True)
class Run(Traced):
    """The result of running one example forward and backward.

    Attributes
    ----------
    name : str
        The circuit's name.
    outputs : dict of str to float or ndarray
        The value of every output.
    gradients : dict of str to float or ndarray
        The gradient of every input and parameter.
    time : float
        The simulated time it took, in ticks.
    messages : int
        How many messages were sent: values and gradients, from and to inputs, parameters and outputs too.
    trace : Trace or None
        The record of it, if the simulation kept one.
    """

    name: str
    outputs: dict[str, Value]
    gradients: dict[str, Value]
    time: float
    messages: int
    trace: Trace | None

    def __repr__(self) -> str:
        outputs = ", ".join(f"{name} = {show(value)}" for name, value in self.outputs.items())
        gradients = ", ".join(f"{name} {show(value)}" for name, value in self.gradients.items())
        return (
            f"<run of {self.name!r}: {outputs}; gradients {gradients or 'none'}; "
            f"{self.messages} messages in {self.time:g} ticks>"
        )


@told
@dataclass(frozen=True)
class StreamRun(Traced):
    """The result of streaming many examples through a circuit.

    Attributes
    ----------
    name : str
        The circuit's name.
    outputs : list of dict of str to float or ndarray
        Every output, for each microbatch.
    input_gradients : list of dict of str to float or ndarray
        The gradient of every input, for each microbatch.
    gradients : dict of str to float or ndarray
        The gradient of every parameter in the last batch, added up in the order of its microbatches; nothing where
        parameters moved with each of them.
    parameters : dict of str to float or ndarray
        The parameters' values at the end.
    time : float
        The simulated time it took, in ticks.
    messages : int
        How many messages were sent, within devices too.
    trace : Trace or None
        The record of it, if the simulation kept one.
    """

    name: str
    outputs: list[dict[str, Value]]
    input_gradients: list[dict[str, Value]]
    gradients: dict[str, Value]
    parameters: dict[str, Value]
    time: float
    messages: int
    trace: Trace | None = field(compare=False)
    _noun: ClassVar[str] = "stream"

    @property
    def timeline(self) -> Timeline:
        """What devices did when: work, transfers, updates, outages."""
        return self._traced().timeline

    @property
    def report(self) -> StreamReport:
        """The figures: makespan, bubble, memory, messages, staleness, and why devices were idle."""
        return report(self.timeline)

    @property
    def critical_path(self) -> CriticalPath:
        """Why it took so long: the chain of work and messages that ended last; print it.

        Examples
        --------
        >>> import circuitsim as cs
        >>> circuit = cs.parse("tanh(2 * tanh(x))")
        >>> print(cs.Simulation(circuit, cs.Plan(3, schedule="1f1b")).stream([{"x": 1}, {"x": 2}]).critical_path)
        12 ticks: work on device 0 3, device 1 3, device 2 6; messages 0
                 0 to 1          device 0: 0F0
                 1 to 2          device 1: 1F0
                 2 to 8          device 2: 2F0 … 2B1, 4 pieces
                 8 to 10         device 1: 1B1
                10 to 12         device 0: 0B1
        """
        return critical_path(self.timeline)

    def __repr__(self) -> str:
        count = len(self.outputs)
        examples = "1 example" if count == 1 else f"{count:,} examples"
        return f"<stream of {self.name!r}: {examples}, {self.messages:,} messages in {self.time:g} ticks>"
