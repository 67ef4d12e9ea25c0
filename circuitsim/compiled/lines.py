"""Straight-line code: a circuit written out as two Python functions, one line a gate.

For circuits of scalars that are too small for NumPy to pay, and for gates that work on whole arrays. The functions
do what the gates' own functions do: simple arithmetic is written out, everything else is called. Summing at a
fan-out is written in wiring order.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from circuitsim import gates
from circuitsim.compiled.walk import Place, Walk
from circuitsim.gates.gate import Gate
from circuitsim.gates.value import as_value, fit, is_finite, shape_of

__all__ = ["Lines"]

# What the gates do, as text, for floats and arrays alike: the forward function and one rule a port. `a` and `b` are
# the inputs, `o` the output, `g` the gradient. A test holds every entry against the gate's own functions.
ANY = {
    gates.add: ("{a} + {b}", "{g}", "{g}"),
    gates.sub: ("{a} - {b}", "{g}", "-{g}"),
    gates.mul: ("{a} * {b}", "{g} * {b}", "{g} * {a}"),
    gates.neg: ("-{a}", "-{g}"),
    gates.square: ("{a} * {a}", "{g} * (2.0 * {a})"),
}
FLOATS = ANY | {
    gates.max: (
        "{a} if {a} >= {b} or {a} != {a} else {b}",
        "{g} * (1.0 if {a} >= {b} else 0.0)",
        "{g} * (1.0 if {b} > {a} else 0.0)",
    ),
    gates.min: (
        "{a} if {a} <= {b} or {a} != {a} else {b}",
        "{g} * (1.0 if {b} >= {a} else 0.0)",
        "{g} * (1.0 if {a} > {b} else 0.0)",
    ),
    gates.relu: ("0.0 if {a} <= 0.0 else {a}", "{g} * (1.0 if {a} > 0.0 else 0.0)"),
    gates.tanh: ("float(tanh({a}))", "{g} * (1.0 - {o} * {o})"),
    gates.exp: ("float(exp({a}))", "{g} * {o}"),
    gates.sigmoid: ("float(sigmoid({a}))", "{g} * ({o} * (1.0 - {o}))"),
}
ARRAYS = ANY | {
    gates.relu: ("maximum({a}, 0.0) + 0.0", "{g} * ({a} > 0.0)"),  # + 0.0 turns -0 into 0
    gates.tanh: ("tanh({a})", "{g} * (1.0 - {o} * {o})"),
    gates.exp: ("exp({a})", "{g} * {o}"),
    gates.sigmoid: ("sigmoid({a})", "{g} * ({o} * (1.0 - {o}))"),
}
NAMES: dict[str, Any] = {
    "as_value": as_value,
    "exp": np.exp,
    "fit": fit,
    "matmul": np.matmul,
    "maximum": np.maximum,
    "sigmoid": gates.sigmoid.forward,
    "tanh": np.tanh,
    "total": np.add.reduce,
}


class Lines:
    """The code for one circuit and one set of shapes.

    Parameters
    ----------
    walk : Walk
        The circuit.
    given : sequence of int
        The inputs and parameters, in the order in which their values are handed over.
    values : list
        The values of all nodes in a run with these shapes.
    """

    def __init__(self, walk: Walk, given: Sequence[int], values: list[Any]) -> None:
        self._walk = walk
        self._given = given
        self._shapes = [shape_of(value) if value is not None else () for value in values]
        self._scalar = not any(self._shapes)
        self._names = dict(NAMES)
        self._places = {place.node: place for place in walk.places}
        self._words = [self._word(index) for index in range(len(values))]
        self._kept = self._choose_kept()
        self._forward: Callable[..., Any] | None = None  # written when it is first wanted
        self._backward: dict[frozenset[int], Callable[..., Any]] = {}
        self._plans: dict[frozenset[int], tuple[list[bool], list[Any]]] = {}
        self._tape: tuple[Any, ...] = ()

    def forward(self, values: Sequence[Any], watch: bool) -> tuple[list[Any], bool]:
        """Return the outputs, from values of inputs and parameters, and whether all was finite, if to be watched."""
        if self._forward is None:
            self._forward = self._compile("forward", self._write_forward())
        outputs, self._tape, seen = self._forward(values, watch)
        return outputs, not watch or self._all_finite(seen)

    def knows(self, pulled: frozenset[int]) -> bool:
        """Tell whether it can go backward from these outputs."""
        return pulled in self._plans

    def learn(self, pulled: frozenset[int], felt: list[bool], shapes: list[Any]) -> None:
        """Get ready to go backward from these outputs; see `Walk.backward` for the rest."""
        self._plans[pulled] = felt, shapes

    def backward(self, pulls: Mapping[int, Any], watch: bool) -> tuple[list[Any], bool]:
        """Return what inputs and parameters feel, and whether all was finite, if to be watched."""
        pulled = frozenset(pulls)
        if pulled not in self._backward:
            lines = self._write_backward(sorted(pulled), *self._plans[pulled])
            self._backward[pulled] = self._compile("backward", lines)
        forces = [pulls[index] for index in sorted(pulls)]
        learned, seen = self._backward[pulled](self._tape, forces, watch)
        self._tape = ()
        return learned, not watch or self._all_finite(seen)

    def _all_finite(self, values: Sequence[Any]) -> bool:
        if self._scalar:
            total = sum(values)  # an infinity or nan stays one, whatever is added
            return bool(total - total == 0.0)
        return all(is_finite(value) for value in values)

    # -- writing -------------------------------------------------------------------------------------------

    def _choose_kept(self) -> list[int]:
        """Return the nodes whose values some gate may need on the way back."""
        kept: dict[int, None] = {}
        for place in self._walk.places:
            text = self._text(place)
            rules = "".join(text[1:]) if text is not None else "{a}{b}{o}"
            nodes = [*place.sources, place.node] if text is None else []
            nodes += [node for letter, node in zip("ab", place.sources, strict=False) if f"{{{letter}}}" in rules]
            nodes += [place.node] if "{o}" in rules else []
            nodes += [node for node in place.sources if self._shapes[node] != self._shapes[place.node]]  # for `fit`
            kept.update(dict.fromkeys(nodes))
        if not self._scalar:
            kept.update(dict.fromkeys(self._given))  # to shape the zeros of those that feel nothing
        return [node for node in kept if self._walk.netlist.nodes[node].kind != "constant"]

    def _word(self, index: int) -> str:
        """Return what the code calls the value of a node."""
        node = self._walk.netlist.nodes[index]
        if node.kind != "constant":
            return f"v{index}"
        if isinstance(node.value, float) and math.isfinite(node.value):
            return repr(node.value) if node.value > 0 else f"({node.value!r})"
        self._names[f"v{index}"] = node.value
        return f"v{index}"

    def _compile(self, name: str, lines: list[str]) -> Callable[..., Any]:
        exec(compile("\n".join(lines), f"<{name} of {self._walk.netlist.name!r}>", "exec"), self._names)
        made: Callable[..., Any] = self._names.pop(name)
        return made

    def _write_forward(self) -> list[str]:
        walk = self._walk
        lines = ["def forward(given, watch):", f"    {self._tuple(self._given)} = given"]
        lines += [f"    {self._words[place.node]} = {self._output(place)}" for place in walk.places]
        outputs = [walk.sources(i)[0] for i, node in enumerate(walk.netlist.nodes) if node.kind == "output"]
        made = [place.node for place in walk.places]
        return [
            *lines,
            f"    return list({self._tuple(outputs)}), {self._tuple(self._kept)}, watch and {self._tuple(made)}",
        ]

    def _output(self, place: Place) -> str:
        text = self._text(place)
        if text is not None:
            return text[0].format(**self._letters(place))
        name = f"f{place.node}"
        self._names[name] = place.forward
        call = f"{name}({', '.join(self._words[source] for source in place.sources)})"
        if not _ours(place.gate):
            return f"as_value({call})"
        return call if self._shapes[place.node] else f"float({call})"

    def _write_backward(self, pulled: Sequence[int], felt: list[bool], shapes: list[Any]) -> list[str]:
        netlist = self._walk.netlist
        lines = ["def backward(kept, pulls, watch):", f"    {self._tuple(self._kept)} = kept"]
        pulls = {index: f"pulls[{number}]" for number, index in enumerate(pulled)}
        feels: dict[int, str] = {}  # what the code calls the gradient of a node
        for index in [place.node for place in reversed(self._walk.places)] + list(self._given):
            shares = [self._share(wire, shapes[wire], feels, pulls) for wire in netlist.outgoing[index] if felt[wire]]
            if len(shares) == 1 and shares[0].isidentifier():
                feels[index] = shares[0]  # passed on as it is
            elif shares:
                feels[index] = f"g{index}"
                lines.append(f"    g{index} = {' + '.join(shares)}")
        nothing = {index: "0.0" if self._scalar else f"fit(0.0, {self._words[index]})" for index in self._given}
        learned = [feels.get(index, nothing[index]) for index in self._given]
        seen = ", ".join(dict.fromkeys(feels.values()))
        return [*lines, f"    return [{', '.join(learned)}], watch and [{seen}]"]

    def _share(
        self, wire: int, shape: tuple[int, ...] | None, feels: Mapping[int, str], pulls: Mapping[int, str]
    ) -> str:
        """Return the gradient that comes back through a wire, as text."""
        source, target, port = self._walk.netlist.wires[wire]
        if target in pulls:
            return pulls[target]
        place, like = self._places[target], self._shapes[source]
        text = self._text(place)
        if text is not None:
            share = text[1 + port].format(g=feels[target], o=self._words[target], **self._letters(place))
            share = share if share.isidentifier() else f"({share})"
        else:
            name = f"r{target}_{port}"
            self._names[name] = place.vjps[port]
            inputs = ", ".join(self._words[source] for source in place.sources)
            share = f"{name}({feels[target]}, {self._words[target]}, {inputs})"
            if not _ours(place.gate):
                return f"fit(as_value({share}), {self._words[source]})"
            if shape == () == like:
                return f"float({share})"
        if shape == like:
            return share
        if shape and not like:
            return f"float(total({share}, None))"
        if shape and len(shape) > len(like) and shape[-len(like) :] == like:
            return f"total({share}, {tuple(range(len(shape) - len(like)))})"
        return f"fit({share}, {self._words[source]})"

    def _text(self, place: Place) -> tuple[str, ...] | None:
        """Return a gate's entry in the tables above, if it has one for the shapes that it meets."""
        meets = [self._shapes[place.node], *(self._shapes[source] for source in place.sources)]
        if place.gate is gates.matmul and all(len(shape) == 2 for shape in meets):
            return "matmul({a}, {b})", "matmul({g}, {b}.T)", "matmul({a}.T, {g})"
        return (ARRAYS if any(meets) else FLOATS).get(place.gate)

    def _letters(self, place: Place) -> dict[str, str]:
        return dict(zip("ab", (self._words[source] for source in place.sources), strict=False))

    def _tuple(self, indices: Sequence[int]) -> str:
        return f"({', '.join(self._words[index] for index in indices)},)" if indices else "()"


def _ours(gate: Gate) -> bool:
    """Tell whether a gate is of this package, so that it gives floats and float64 arrays in the shapes it should."""
    return gate.forward.__module__.startswith("circuitsim.gates.")
