"""What came of one run: numbers, and the trace from which it can be explained and shown."""

from dataclasses import dataclass
from os import PathLike

from circuitsim.errors import TraceError
from circuitsim.gates.value import Value, show
from circuitsim.trace.explanation import explain
from circuitsim.trace.paths import Paths, find_paths
from circuitsim.trace.records import Trace

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """One example that went forward and back.

    Attributes
    ----------
    name : str
        The circuit's name.
    outputs : dict of str to float or ndarray
        The value of every output.
    gradients : dict of str to float or ndarray
        What every input and parameter felt when the outputs were pulled.
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

    def value(self, name: str) -> Value:
        """Return the value of any wire or output, by name.

        Raises
        ------
        TraceError
            If there is no such wire, no value came to it, or the run was not traced.
        """
        trace = self._traced()
        values, node = trace.values(), trace.node(name)
        if node not in values:
            raise TraceError(f"no value left {name!r}: nothing in {self.name!r} uses it")
        return values[node]

    def gradient(self, name: str) -> Value:
        """Return the gradient that any wire felt, by name; 0 if none came.

        Raises
        ------
        TraceError
            If there is no such wire, or the run was not traced.
        """
        trace = self._traced()
        return trace.gradients().get(trace.node(name), 0.0)

    def explain(self, name: str) -> str:
        """Tell how a wire came by its gradient: the messages that made it, with the arithmetic written out.

        Parameters
        ----------
        name : str
            An input, a parameter, or any other wire.

        Raises
        ------
        TraceError
            If there is no such wire, or the run was not traced.
        """
        return explain(self._traced(), name)

    def paths(self, name: str) -> Paths:
        """Find every path by which a wire came by its gradient, with the product along it; print what it returns.

        Parameters
        ----------
        name : str
            An input, a parameter, or any other wire.

        Raises
        ------
        TraceError
            If there is no such wire, or the run was not traced.

        Examples
        --------
        >>> import circuitsim as cs
        >>> print(cs.Simulation(cs.parse("x*x + 3*x")).run(x=4).paths("x"))
        x feels 11 by 3 paths
            x → mul1.a → add1.a → f
                1 × 1 × 4 = 4
            x → mul1.b → add1.a → f
                1 × 1 × 4 = 4
            x → mul2.b → add1.b → f
                1 × 1 × 3 = 3
            sum: 4 + 4 + 3 = 11
        """
        return find_paths(self._traced(), name)

    def draw(self, path: str | PathLike[str]) -> None:
        """Draw the circuit with its values and gradients; the suffix chooses the format, .svg, .png or .pdf."""
        from circuitsim.views import draw  # only who draws pays for matplotlib

        draw(self._traced(), path)

    def animate(self, path: str | PathLike[str]) -> None:
        """Film the flow, message by message, as .gif or .mp4 (which needs the extra ``circuitsim[video]``)."""
        from circuitsim.views import animate

        animate(self._traced(), path)

    def player(self, path: str | PathLike[str]) -> None:
        """Write one .html page that plays the run, forward and backward; it needs no network and no other file."""
        from circuitsim.views import player

        player(self._traced(), path)

    def save(self, path: str | PathLike[str]) -> None:
        """Show or write the run in the form that the suffix asks for; `circuitsim.views.save` lists them."""
        from circuitsim.views import save

        save(self._traced(), path)

    def _repr_html_(self) -> str | None:
        """Play the run in a notebook."""
        from circuitsim.views import embed

        return embed(self.trace) if self.trace is not None else None

    def _traced(self) -> Trace:
        if self.trace is None:
            raise TraceError("this run was not traced: make the simulation with trace=True")
        return self.trace

    def __repr__(self) -> str:
        outputs = ", ".join(f"{name} = {show(value)}" for name, value in self.outputs.items())
        gradients = ", ".join(f"{name} {show(value)}" for name, value in self.gradients.items())
        return (
            f"<run of {self.name!r}: {outputs}; gradients {gradients or 'none'}; "
            f"{self.messages} messages in {self.time:g} ticks>"
        )
