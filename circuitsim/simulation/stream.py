"""A run: examples are admitted and go backward when their outputs are there; parameters move at the end of a batch.

One example that goes forward and back is a run of one batch of one example; a stream has many under way at a time. It
is the same run for gates that are actors (`GateGraph`) and for stages on devices (`StageGraph`).

The life of an example: it is admitted, as soon as there is room for it; it flows to the outputs; when all of them are
there it goes backward; and it is done when nothing is left to do for it. The life of a batch: all its examples are
done, the gradients of parameters are added up in the order of the examples, and the parameters move, if they are to.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from circuitsim.circuit.netlist import Netlist
from circuitsim.errors import DeadlockError
from circuitsim.gates.value import Value, fit
from circuitsim.simulation.actors import Source
from circuitsim.simulation.kernel import World
from circuitsim.spelling import shown

__all__ = ["Graph", "OutputGradients", "Stream"]

#: Returns the gradients to put on output nodes, given the example and its outputs.
OutputGradients = Callable[[int, dict[str, Value]], Mapping[int, Value]]


class Graph(Protocol):
    """The actors of a run."""

    due: int
    """How many things have to be completed until an example is done."""

    def start(self, first: int, size: int) -> None:
        """Begin a batch of so many examples, of which the first has this tag."""

    def admit(self, tag: int, inputs: Mapping[str, Value]) -> None:
        """Let an example in."""

    def go(self) -> None:
        """Let everybody work on what has been admitted."""

    def send_back(self, tag: int, gradients: Mapping[int, Value]) -> None:
        """Put gradients on outputs, by node."""

    def done(self, tag: int) -> dict[str, Value | None]:
        """Let an example go, and return what came back to the inputs; None where nothing did."""

    def settle(self, first: int, size: int, learn: bool) -> None:
        """End a batch: parameters move, if they are to, and `Stream.settled` is called with their gradients."""

    def work(self) -> None:
        """Let time pass until the run's present batch is over; return earlier if nothing happens any more."""

    def stuck(self) -> str:
        """Tell who waits for what."""


class Stream:
    """One run.

    Parameters
    ----------
    netlist : Netlist
        The circuit.
    world : World
        The clock.

    Attributes
    ----------
    outputs : dict of int to dict
        The outputs of each example, by name.
    gradients : dict of str to float or ndarray
        What came back to each parameter in the last batch.
    over : bool
        Whether the present batch is over.
    """

    graph: Graph

    over: bool  # whether the batch is, or the pass

    def __init__(self, netlist: Netlist, world: World) -> None:
        self.netlist = netlist
        self.world = world
        self.names = [node.name for node in netlist.nodes if node.kind == "output"]
        self.outputs: dict[int, dict[str, Value]] = {}
        self.input_gradients: dict[int, dict[str, Value]] = {}
        self.gradients: dict[str, Value] = {}
        self._examples: Sequence[Mapping[str, Value]] = ()
        self._output_gradients: OutputGradients | None = None
        self._due: dict[int, int] = {}
        self.waiting: deque[int] = deque()  # examples that have not been admitted
        self._batch = range(0)
        self._in_flight = 1
        self._learn = False
        self._left = 0
        self._admitting = False

    def run(
        self,
        examples: Sequence[Mapping[str, Value]],
        output_gradients: OutputGradients | None,
        *,
        batch: int,
        in_flight: int,
        learn: bool,
    ) -> None:
        """Send all examples through, batch by batch.

        Parameters
        ----------
        examples : sequence of mapping of str to float or ndarray
            The inputs of each.
        output_gradients : callable or None
            What gradients to put on the outputs; None to stop when all outputs are there (`backward` goes on).
        batch, in_flight : int
            How many examples make a batch, and how many of it are under way at a time.
        learn : bool
            Whether the parameters move after each batch.

        Raises
        ------
        DeadlockError
            If everybody waits for somebody else.
        """
        self.outputs, self.input_gradients, self.gradients = {}, {}, {}
        self._due.clear()
        self.waiting.clear()
        self._examples, self._output_gradients = examples, output_gradients
        self._in_flight, self._learn = in_flight, learn
        for first in range(0, len(examples), batch):
            self._batch = range(first, min(first + batch, len(examples)))
            self._left = len(self._batch)
            self.waiting.extend(self._batch)
            self.over = False
            self.graph.start(first, len(self._batch))
            self._admit_waiting()
            self.graph.go()
            self.graph.work()
            self._check()

    def backward(self, tag: int, gradients: Mapping[int, Value]) -> None:
        """Go backward with the example of a run that has stopped when its outputs were there."""
        self._output_gradients = lambda tag, outputs: gradients
        self._due[tag] = self.graph.due + 1  # the start of its backward pass as well
        self.over = False
        self._go_back(tag)
        self.graph.work()
        self._check()

    def _check(self) -> None:
        if not self.over:
            forward = any(len(self.outputs[tag]) < len(self.names) for tag in self._due)
            raise DeadlockError(
                f"circuit {shown(self.netlist.name)} ran dry on its way {'forward' if forward else 'backward'} at tick "
                f"{self.world.now:g}; {self.graph.stuck()}"
            )

    @property
    def under_way(self) -> bool:
        """Whether an example is under way."""
        return bool(self._due)

    # -- what actors tell ----------------------------------------------------------------------------------

    def shown(self, name: str, tag: int, value: Value) -> None:
        """Take note of the value of an output; with the last one of its example, go backward."""
        outputs = self.outputs[tag]
        outputs[name] = value
        if len(outputs) == len(self.names):
            self.outputs[tag] = {name: outputs[name] for name in self.names}
            if self._output_gradients is None:
                self.over = True
            else:
                self._go_back(tag)

    def complete(self, source: Source, tag: int) -> None:
        """Take note that a source has all its gradients of an example."""
        self.completed(tag)

    def completed(self, tag: int) -> None:
        """Take note that one of the things has happened for which an example is under way."""
        self._due[tag] -= 1
        if not self._due[tag]:
            self._done(tag)

    def settled(self, gradients: dict[str, Value]) -> None:
        """Take note that a batch has ended, with the gradients of the parameters."""
        self.gradients = gradients
        self.over = True

    # -- the life of an example ----------------------------------------------------------------------------

    def _admit_waiting(self) -> None:
        if self._admitting:  # an example may be done within its own admission
            return
        self._admitting = True
        while self.waiting and len(self._due) < self._in_flight:
            tag = self.waiting.popleft()
            self.outputs[tag] = {}
            self._due[tag] = self.graph.due + 2  # its admission and the start of its backward pass as well
            self.graph.admit(tag, self._examples[tag])
            self.completed(tag)
        self._admitting = False

    def _go_back(self, tag: int) -> None:
        assert self._output_gradients is not None
        self.graph.send_back(tag, self._output_gradients(tag, self.outputs[tag]))
        self.completed(tag)

    def _done(self, tag: int) -> None:
        del self._due[tag]
        inputs = self._examples[tag]
        self.input_gradients[tag] = {
            name: fit(0.0, inputs[name]) if gradient is None else gradient
            for name, gradient in self.graph.done(tag).items()
        }
        self._left -= 1
        if self._left:
            self._admit_waiting()
        else:
            self.graph.settle(self._batch.start, len(self._batch), self._learn)
