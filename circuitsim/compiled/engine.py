"""The compiled engine: the same interface as the simulation, and the same numbers bit for bit, without a clock."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, cast

from circuitsim.circuit import Circuit
from circuitsim.compiled.levels import Levels
from circuitsim.compiled.lines import Lines, MisfitError
from circuitsim.compiled.parameters import Parameters
from circuitsim.compiled.walk import Walk
from circuitsim.engine import Engine
from circuitsim.gates.value import Value, copies, fit, is_finite, own_value, shape_of
from circuitsim.rules import Memory, Rule, Spring

__all__ = ["Compiled"]

# What a gate costs in microseconds, forward and backward: as a line of code, on numbers or on arrays, and as part of a
# group, which costs as much for one gate as for a hundred. Measured with `python -m tests.benchmarks`.
LINE, ARRAY_LINE, GROUP = 0.06, 2.0, 10.0
MOST_FORMS = 16  # sets of shapes to keep code for; what came first is forgotten


class Form(Protocol):
    """Code for a circuit and one set of shapes; it keeps what it computed forward until it has gone backward."""

    def forward(self, values: Sequence[Any], watch: bool) -> tuple[list[Any], bool]:
        """Return the outputs, from values of inputs and parameters, and whether all was finite, if to be watched."""

    def knows(self, pulled: frozenset[int]) -> bool:
        """Tell whether it can go backward from these outputs."""

    def learn(self, pulled: frozenset[int], felt: list[bool], shapes: list[Any]) -> None:
        """Get ready to go backward from these outputs; see `Walk.backward` for the rest."""

    def backward(self, pulls: Mapping[int, Any], watch: bool) -> tuple[dict[str, Value], bool]:
        """Return what inputs and parameters feel, and whether all was finite, if to be watched.

        Whoever gets the gradients may change them: no array is part of another or used again.
        """


class Compiled(Engine):
    """Runs a circuit as fast as NumPy allows.

    What a circuit is compiled to depends on the shapes of what it is given: straight-line code (`Lines`) or one
    operation for all gates of a kind at one depth (`Levels`), whichever is faster. The first run with new shapes goes
    gate by gate; the second makes the code, and from the third on it is fast.

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

    def __init__(self, circuit: Circuit, *, nonfinite: Literal["warn", "error", "ignore"] = "warn") -> None:
        super().__init__(circuit, nonfinite=nonfinite)
        self._walk = Walk(self.netlist)
        self._given = [*self._inputs.values(), *self._parameters.values()]
        nodes = self.netlist.nodes
        self._held = Parameters({name: cast(Value, nodes[index].value) for name, index in self._parameters.items()})
        self._shown = [self._walk.sources(index)[0] for index in self._outputs.values()]
        self._forms: dict[Any, Form] = {}
        self._felt: dict[frozenset[int], list[bool]] = {}
        self._known_shapes: dict[Any, int] = {}  # a number for each set of shapes that the parameters have had
        self._note_shapes()

    @property
    def parameters(self) -> dict[str, Value]:
        """The parameters' present values by name; a copy."""
        return copies(dict(zip(self._parameters, self._held.values, strict=True)))

    @property
    def memory(self) -> dict[str, Memory]:
        """What every parameter remembers: value, state of its rule, count of its responses; a copy."""
        return self._held.memory()

    def _set_memory(self, memory: Mapping[str, Memory]) -> None:
        self._held.restore(memory)
        self._note_shapes()

    def _learn(self, rule: Rule, springs: Mapping[str, Sequence[Spring]]) -> None:
        self._held.learn(rule, springs)

    def _update(self) -> None:
        self._held.respond(self._learned[len(self._inputs) :])

    def _note_shapes(self) -> None:
        """Give the shapes that the parameters now have a number, by which they are known."""
        shapes = tuple([shape_of(value) for value in self._held.values])
        self._held_arrays = [place for place, shape in enumerate(shapes, len(self._inputs)) if shape]
        self._parameter_shapes = self._known_shapes.setdefault(shapes, len(self._known_shapes))

    # -- running -------------------------------------------------------------------------------------------

    def _forward(self, inputs: dict[str, Value]) -> dict[str, Value]:
        self._culprit: str | None = None
        self._given_values = [inputs[name] for name in self._inputs] + self._held.values
        input_shapes = tuple([shape_of(inputs[name]) for name in self._inputs])
        form = self._forms.get((input_shapes, self._parameter_shapes))
        self._walked: list[Any] | None = None
        if form is None:
            values = self._walk_forward()
            form = self._choose((input_shapes, self._parameter_shapes), values)
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
        return dict(zip(self._outputs, outputs, strict=True))

    def _backward(self, pulls: dict[int, Value]) -> dict[str, Value]:
        form, pulled = self._form, frozenset(pulls)
        if pulled not in self._felt:
            self._felt[pulled] = self.netlist.felt(pulled)
        if form is not None and self._walked is None and form.knows(pulled):
            try:
                felt, finite = form.backward(pulls, self._watching())
            except ValueError:
                self._walk_backward(pulls)  # which raises the same with the gate's name
                raise
            if not finite:
                self._walk_backward(pulls)
        else:
            totals, shapes = self._walk_backward(pulls)
            if form is not None and not form.knows(pulled):
                form.learn(pulled, self._felt[pulled], shapes)
            felt = {
                self.netlist.nodes[index].name: fit(0.0, value) if totals[index] is None else own_value(totals[index])
                for index, value in zip(self._given, self._given_values, strict=True)
            }
        self._learned = list(felt.values())
        if self.springs is not None:  # who is handed the gradients may change them before the parameters respond
            for place in self._held_arrays:
                self._learned[place] = own_value(self._learned[place])
        self._report()
        return felt

    def _choose(self, shapes: Any, values: list[Any]) -> Form:
        """Return the form that is fastest for these shapes."""
        while len(self._forms) >= MOST_FORMS:
            del self._forms[next(iter(self._forms))]
        form = self._forms[shapes] = self._levels(values) or Lines(self._walk, self._given, values)
        return form

    def _levels(self, values: list[Any]) -> Levels | None:
        """Return the circuit in levels, if it can be and that is faster than line by line."""
        if not Levels.fits(self._walk, values):
            return None
        levels = Levels(self._walk, self._given, values)
        line = ARRAY_LINE if any(shape_of(value) for value in self._given_values) else LINE
        return levels if levels.groups * GROUP < len(self._walk.places) * line else None

    def _walk_forward(self) -> list[Any]:
        given = dict(zip(self._given, self._given_values, strict=True))
        for name, value in zip(self._inputs, self._given_values, strict=False):
            if not is_finite(value):
                self._note(f"input {name!r} was given {value}")
        self._walked = self._walk.forward(given, self._note)
        return self._walked

    def _walk_backward(self, pulls: dict[int, Value]) -> tuple[list[Any], list[Any]]:
        values = self._walked if self._walked is not None else self._walk_forward()
        return self._walk.backward(values, pulls, self._felt[frozenset(pulls)], self._note)

    def _watching(self) -> bool:
        """Tell whether anybody wants to hear of what is not finite."""
        return self.nonfinite == "error" or (self.nonfinite == "warn" and not self._reported)

    def _note(self, sentence: str) -> None:
        if self._culprit is None:
            self._culprit = sentence

    def _report(self) -> None:
        if self._culprit is not None:
            culprit, self._culprit = self._culprit, None
            self._report_nonfinite(culprit)
