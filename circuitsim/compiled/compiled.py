"""The compiled engine: the same interface as the simulation, and the same numbers bit for bit, without a clock."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np

from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.wire import Wire, name_of
from circuitsim.compiled.form import MOST_FORMS, Form, make_room
from circuitsim.compiled.interpreter import Walk
from circuitsim.compiled.levels import Levels
from circuitsim.compiled.parameters import Parameters
from circuitsim.compiled.straight_line import Lines, MisfitError
from circuitsim.engine import Engine
from circuitsim.errors import InputError
from circuitsim.gates.value import Value, fit, is_finite, shape_of
from circuitsim.habits import ParameterValues, told
from circuitsim.rules import Memory, Rule, Spring
from circuitsim.spelling import nearest

__all__ = ["Compiled"]

# What a gate costs in microseconds, forward and backward: as a line of code, on numbers or on arrays, and as part of a
# group, which costs as much for one gate as for a hundred. Measured with `python -m tests.benchmarks`.
LINE, ARRAY_LINE, GROUP = 0.06, 2.0, 10.0


@told
class Compiled(Engine):
    """Runs a circuit as fast as NumPy allows.

    What a circuit is compiled to depends on the shapes of what it is given: straight-line code (`Lines`) or one
    operation for all gates of a kind at one depth (`Levels`), whichever is faster. Levels are laid out in the first run
    with new shapes. For lines the first run goes gate by gate; the second writes the code, and from the third on it is
    fast.

    Parameters
    ----------
    circuit : Circuit
        What to run.
    nonfinite : {"warn", "error", "ignore"}
        What to do when a gate makes an infinity or a nan. Looking for them takes time until the first is told;
        ``"ignore"`` does not look. Where several gates make one in the same run, the simulation names the one that
        fires first, this engine the first in topological order; so it is with gates that fail.

    Examples
    --------
    >>> import circuitsim as cs
    >>> engine = cs.Compiled(cs.parse("(x + y) * z"))
    >>> engine.forward({"x": -2, "y": 5, "z": -4})
    {'f': -12.0}
    >>> engine.backward()
    {'x': -4.0, 'y': -4.0, 'z': 3.0}
    """

    @told
    def __init__(self, circuit: Circuit, *, nonfinite: Literal["warn", "error", "ignore"] = "warn") -> None:
        super().__init__(circuit, nonfinite=nonfinite)
        self._given = [*self.input_nodes.values(), *self.parameter_nodes.values()]
        nodes = self.netlist.nodes
        self._held = Parameters({name: cast(Value, nodes[index].value) for name, index in self.parameter_nodes.items()})
        netlist = self.netlist
        self._shown = [netlist.wires[netlist.incoming[index][0]].source for index in self.output_nodes.values()]
        self._forms: dict[Any, Form] = {}
        self._known_shapes: dict[Any, int] = {}  # a number for each set of shapes that the parameters have had
        self._note_shapes()
        self._culprit: str | None = None
        self._given_values: list[Value] = []  # what the last forward pass began with
        self._walked: list[Any] | None = None  # and the values of all nodes, if it went gate by gate
        self._ran = False  # whether there was one
        self._pulled: dict[int, Value] | None = None  # and the last backward pass
        self._found: list[Any] | None = None  # the values of all nodes, once somebody has asked for one
        self._totals: list[Any] | None = None  # likewise their gradients

    @property
    def parameters(self) -> dict[str, Value]:
        """The parameters' present values by name."""
        return ParameterValues(zip(self.parameter_nodes, self._held.values, strict=True))

    @property
    def memory(self) -> dict[str, Memory]:
        """The state of every parameter: its value, the optimizer's state for it, how often it was updated."""
        return self._held.memory()

    def set_memory(self, memory: Mapping[str, Memory]) -> None:
        """Replace the state of some parameters."""
        self._held.restore(memory)
        self._note_shapes()

    def set_rule(self, rule: Rule, springs: Mapping[str, Sequence[Spring]]) -> None:
        """Let parameters be updated by this optimizer from now on, with a fresh state."""
        self._held.learn(rule, springs)

    def respond(self, gradients: Mapping[str, Value]) -> None:
        """Move every parameter by its optimizer, given its gradient."""
        self._held.respond(list(gradients.values())[len(self.input_nodes) :])

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy takes over: not the code, whose arrays show parts of one another and are not copied so."""
        return super().__getstate__() | {"_forms": {}, "_form": None}

    def _note_shapes(self) -> None:
        """Give the shapes that the parameters now have a number, by which they are known."""
        shapes = tuple([shape_of(value) for value in self._held.values])
        self._parameter_shapes = self._known_shapes.setdefault(shapes, len(self._known_shapes))

    @cached_property
    def _walk(self) -> Walk:
        """The careful way, which many circuits never take: made when it is first wanted."""
        return Walk(self.netlist, self._note)

    def value(self, name: str | Wire) -> Value:
        """Return the value of any wire or output in the last forward pass.

        Passes keep none but those of outputs: with the first wire that is asked for, the circuit is gone through once
        more, gate by gate.

        Raises
        ------
        InputError
            If there is no such wire, or nothing was run forward.

        Examples
        --------
        >>> import circuitsim as cs
        >>> engine = cs.Compiled(cs.parse("q = x + y; f = q * z"))
        >>> engine.forward({"x": -2, "y": 5, "z": -4})
        {'f': -12.0}
        >>> engine.value("q"), engine.backward()["x"], engine.gradient("q")
        (3.0, -4.0, -4.0)
        """
        with self._turn():
            number = self._number(name)
            if self._found is None:
                self._found = self._look(self._walk_forward)
            return cast(Value, self._found[number])

    def gradient(self, name: str | Wire) -> Value:
        """Return the gradient of any wire in the last backward pass, 0 if none came; see `value`.

        Raises
        ------
        InputError
            If there is no such wire, or nothing was run backward since the last forward pass.
        """
        with self._turn():
            number, pulled = self._number(name), self._pulled
            if pulled is None:
                raise InputError(f"circuit {self.netlist.name!r} has no gradients yet: run forward and backward first")
            if self._totals is None:
                self._totals = self._look(lambda: self._walk_backward(pulled)[0])
            total = self._totals[number]
            return 0.0 if total is None else cast(Value, total)

    def _number(self, name: str | Wire) -> int:
        """Return the number of the node that drives a wire; an output shows what its wire says."""
        if not self._ran:
            raise InputError(f"circuit {self.netlist.name!r} has no values yet: run forward first")
        known: str = name_of(name, self.netlist.name)
        if known not in self._numbers:
            raise InputError(
                f"circuit {self.netlist.name!r} has no wire {known!r}: {nearest(str(known), self._numbers)}"
                "give the name of a wire or of an output"
            )
        return self._numbers[known]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The numbers of nodes by the names of wires, and of outputs where no wire has the name."""
        outputs = dict(zip(self.output_nodes, self._shown, strict=True))
        return outputs | {node.name: index for index, node in enumerate(self.netlist.nodes) if node.kind != "output"}

    def _look(self, walk: Callable[[], list[Any]]) -> list[Any]:
        """Walk through the last pass once more; it has told itself of what is not finite, and how to go on."""
        walked = self._walked
        try:
            with np.errstate(all="ignore"):
                return walk()
        finally:
            self._walked, self._culprit = walked, None

    # -- running -------------------------------------------------------------------------------------------

    def compute_outputs(self, inputs: dict[str, Value]) -> dict[str, Value]:
        """Run forward."""
        self._culprit, self._found, self._totals, self._pulled = None, None, None, None
        self._given_values = [inputs[name] for name in self.input_nodes] + self._held.values
        input_shapes = tuple([shape_of(inputs[name]) for name in self.input_nodes])
        shapes = input_shapes, self._parameter_shapes
        form = self._forms.get(shapes)
        if form is None and (levels := self._levels()) is not None:
            form = self._keep(shapes, levels)
        self._walked, self._ran = None, True
        if form is None:
            values = self._walk_forward()
            form = self._keep(shapes, Lines(self._walk, self._given, values))
            outputs = [values[source] for source in self._shown]
        else:
            try:
                outputs, finite = form.forward(self._given_values, self._watching())
            except MisfitError:
                values = self._walk_forward()
                form, outputs = None, [values[source] for source in self._shown]
            except Exception:
                self._walk_forward()  # which raises the same with the gate's name
                raise
            else:
                if not finite:
                    self._walk_forward()
        self._form = form
        self._report()
        return dict(zip(self.output_nodes, outputs, strict=True))

    def compute_gradients(self, output_gradients: dict[int, Value]) -> dict[str, Value]:
        """Run backward from the last forward pass."""
        form, roots = self._form, frozenset(output_gradients)
        self._pulled, self._totals = output_gradients, None
        if form is not None and self._walked is None and form.knows(roots):
            try:
                gradients, finite = form.backward(output_gradients, self._watching())
            except ValueError:
                self._walk_backward(output_gradients)  # which raises the same with the gate's name
                raise
            if not finite:
                self._walk_backward(output_gradients)
        else:
            totals, carries, shapes = self._walk_backward(output_gradients)
            if form is not None and not form.knows(roots):
                form.learn(roots, carries, shapes)
            gradients = {
                self.netlist.nodes[index].name: fit(0.0, value) if totals[index] is None else totals[index]
                for index, value in zip(self._given, self._given_values, strict=True)
            }
        self._report()
        return gradients

    def _levels(self) -> Levels | None:
        """Return the circuit in levels for the shapes given, if it can be and that is faster than line by line."""
        line = ARRAY_LINE if any(shape_of(value) for value in self._given_values) else LINE
        if len(self.netlist.nodes) * line < GROUP or not Levels.fits(self.netlist, self._given_values):
            return None
        levels = Levels(self.netlist, self._given, self._given_values)
        return levels if levels.groups * GROUP < levels.gates * line else None

    def _keep(self, shapes: Any, form: Form) -> Form:
        """Keep the code for these shapes."""
        make_room(self._forms, MOST_FORMS)
        self._forms[shapes] = form
        return form

    def _walk_forward(self) -> list[Any]:
        given = dict(zip(self._given, self._given_values, strict=True))
        for name, value in zip(self.input_nodes, self._given_values, strict=False):
            if not is_finite(value):
                self._note(f"input {name!r} was given {value}")
        self._walked = self._walk.forward(given)
        return self._walked

    def _walk_backward(self, output_gradients: dict[int, Value]) -> tuple[list[Any], list[bool], list[Any]]:
        """Return the gradient of each node, which wires carry a gradient, and in which shapes they come."""
        values = self._walked if self._walked is not None else self._walk_forward()
        carries = self.netlist.carries_gradient(output_gradients)
        totals, shapes = self._walk.backward(values, output_gradients, carries)
        return totals, carries, shapes

    def _watching(self) -> bool:
        """Tell whether anybody wants to hear of what is not finite."""
        return self.nonfinite == "error" or (self.nonfinite == "warn" and not self._reported)

    def _note(self, sentence: str) -> None:
        if self._culprit is None:
            self._culprit = sentence

    def _report(self) -> None:
        if self._culprit is not None:
            culprit, self._culprit = self._culprit, None
            self.report_nonfinite(culprit)
