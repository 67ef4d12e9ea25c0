"""Straight-line code: a circuit written out as a Python generator, a line for each gate forward and each sum backward.

For circuits of scalars that are too small for NumPy to pay, and for gates that work on whole arrays. The generator
yields the outputs, waits to be sent the pulls, and yields the gradients: what the way back needs stays in its local
variables meanwhile. Where a gate says what it does as text (`circuitsim.gates.code`) its lines have that, and
call the gate's function otherwise. Summing at a fan-out is written in wiring order.
"""

import math
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from circuitsim.compiled.form import MOST_PULLS, make_room
from circuitsim.compiled.interpreter import Place, Walk
from circuitsim.gates.code import Code, Expression
from circuitsim.gates.value import Value, fit, frozen, is_finite, shape_of

__all__ = ["Lines", "MisfitError"]

DEEPEST = 20  # gates within gates, each with up to three brackets: Python reads 200 within one another
LONGEST = 100  # terms of one sum: Python reads a sum with recursion, and some thousand at most
FEW = 4  # ports of a gate whose inputs are written out in each call: with more they have a tuple, or it were quadratic


class MisfitError(Exception):
    """A gate of the user's made another shape than in the run for which the code was written."""


def _shaped(thing: Any, shape: tuple[int, ...]) -> Value:
    """Return what a gate of the user's made as a value, if it has the shape that the code was written for."""
    value: Value = frozen(thing)
    if shape_of(value) != shape:
        raise MisfitError
    return value


NAMES: dict[str, Any] = {"fit": fit, "frozen": frozen, "shaped": _shaped, "total": np.add.reduce}


class Plan(NamedTuple):
    """A way back: the outputs that are pulled, which wires carry a gradient then, and in which shape before it fits."""

    pulled: frozenset[int]
    felt: list[bool]
    shapes: list[Any]


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
        nodes = walk.netlist.nodes
        self._names = NAMES | {"nothing": dict.fromkeys([nodes[index].name for index in given], 0.0)}
        self._gates = [place.node for place in walk.places]
        self._places = {place.node: place for place in walk.places}
        self._words = [self._word(index) for index in range(len(values))]
        self._codes: dict[tuple[frozenset[int], bool], Callable[..., Any]] = {}  # by what is pulled and who watches
        nothing = Plan(frozenset(), [False] * len(walk.netlist.wires), [])
        self._plans = {nothing.pulled: nothing}
        self._pulled = nothing.pulled  # in the last run: the next is taken to be pulled alike
        self._run: Generator[Any, Any, None] | None = None

    def forward(self, values: Sequence[Any], watch: bool) -> tuple[list[Any], bool]:
        """Return the outputs, from values of inputs and parameters, and whether all was finite, if to be watched."""
        self._values = values
        self._run = self._code(watch)(values)
        outputs, seen = next(self._run)
        next(self._run)  # it lets go of what it needs no more
        return outputs, not watch or self._all_finite(seen)

    def knows(self, pulled: frozenset[int]) -> bool:
        """Tell whether it can go backward from these outputs."""
        return pulled in self._plans

    def learn(self, pulled: frozenset[int], felt: list[bool], shapes: list[Any]) -> None:
        """Get ready to go backward from these outputs; see `Walk.backward` for the rest."""
        make_room(self._plans, MOST_PULLS)
        self._plans[pulled] = Plan(pulled, felt, shapes)
        self._pulled = pulled

    def backward(self, pulls: Mapping[int, Any], watch: bool) -> tuple[dict[str, Value], bool]:
        """Return what inputs and parameters feel, and whether all was finite, if to be watched."""
        if pulls.keys() != self._pulled:  # the code that runs leads elsewhere: forward again with the right one
            self._pulled = frozenset(pulls)
            self.forward(self._values, watch=False)
        assert self._run is not None  # it goes backward only after it went forward
        felt, seen = self._run.send(([pulls[index] for index in sorted(pulls)], watch))
        self._run = None
        return felt, not watch or self._all_finite(seen)

    def _all_finite(self, values: Sequence[Any]) -> bool:
        if self._scalar:
            total = sum(values)  # an infinity or nan stays one, whatever is added
            return bool(total - total == 0.0)
        return all(is_finite(value) for value in values)

    # -- writing -------------------------------------------------------------------------------------------

    def _word(self, index: int) -> str:
        """Return what the code calls the value of a node."""
        node = self._walk.netlist.nodes[index]
        if node.kind != "constant":
            return f"v{index}"
        if isinstance(node.value, float) and math.isfinite(node.value):
            return repr(node.value)
        self._names[f"v{index}"] = node.value
        return f"v{index}"

    def _code(self, watch: bool) -> Callable[..., Any]:
        """Return the code that can go backward as in the last run; it is written when it is first wanted."""
        key = self._pulled, watch
        if key not in self._codes:
            make_room(self._codes, MOST_PULLS)
            back = self._write_backward(self._plans[self._pulled])
            lines = ["def run(given):", *self._write_forward(set(re.findall(r"\w+", " ".join(back))), watch), *back]
            exec(compile("\n".join(lines), f"<{self._walk.netlist.name!r}>", "exec"), self._names)
            self._codes[key] = self._names.pop("run")
        return self._codes[key]

    def _write_forward(self, needed: set[str], watch: bool) -> list[str]:
        """Return the lines forward: what is needed on the way back, watched or used twice has a line of its own.

        Values go from text to text otherwise, which saves the storing. What is not needed is let go at the end.
        """
        netlist, words, depth = self._walk.netlist, self._words.copy(), [0] * len(self._words)
        given = [node for node in self._given if netlist.nodes[node].kind == "input"]
        # A dict for its order, and because a circuit may have a hundred thousand gates.
        seen = dict.fromkeys(node for node in (*given, *self._gates) if watch and not self._shows_later(node))
        lines = [f"    {self._tuple(self._given)} = given"]
        for place in self._walk.places:
            node, made = place.node, self._output(place, words)
            if self._shapes[node] and self._is_shown(node):
                made = f"frozen({made})"
            if self._has_tuple(place):
                lines.append(f"    i{node} = ({', '.join(words[source] for source in place.sources)},)")
            depth[node] = 1 + max(depth[source] for source in place.sources)
            own = words[node] in needed or node in seen
            if own or depth[node] == DEEPEST or not self._is_used_once(node):
                lines.append(f"    {words[node]} = {made}")
                depth[node] = 0
            else:
                words[node] = f"({made})"
        outputs = [self._walk.sources(i)[0] for i, node in enumerate(netlist.nodes) if node.kind == "output"]
        named = [words[node] for node in (*self._given, *self._gates) if words[node] == self._words[node]]
        named += [f"i{place.node}" for place in self._walk.places if self._has_tuple(place)]
        return [
            *lines,
            f"    yield list({self._tuple(outputs)}), {self._tuple(list(seen))}",
            *(f"    del {word}" for word in named if word not in needed),
            "    pulls, watch = yield",
        ]

    def _shows_later(self, node: int) -> bool:
        """Tell whether some other value cannot be finite if this one is not."""
        netlist = self._walk.netlist
        for wire in netlist.outgoing[node]:
            _, target, port = netlist.wires[wire]
            place = self._places.get(target)
            if place is None or 0 in self._shapes[target]:
                continue
            text = self._forward_text(place)
            if text is not None and text.shows(place.gate.ports[port]):
                return True
        return False

    def _is_shown(self, node: int) -> bool:
        """Tell whether a gate's value is handed out or meets a gate of the user's: nobody may write to it then."""
        place = self._places[node]
        if not place.gate.built_in and self._forward_text(place) is None:
            return False  # `_shaped` has seen to it
        netlist = self._walk.netlist
        targets = [self._places.get(netlist.wires[wire].target) for wire in netlist.outgoing[node]]
        return any(place is None or not place.gate.built_in for place in targets)

    def _is_used_once(self, node: int) -> bool:
        """Tell whether the value of a node stands in the text of one other, and there once."""
        wires = self._walk.netlist.outgoing[node]
        if len(wires) != 1:
            return False
        _, target, port = self._walk.netlist.wires[wires[0]]
        if target not in self._places:
            return False  # an output
        place = self._places[target]
        text = self._forward_text(place)
        return text is None or text.template.count(f"{{{place.gate.ports[port]}}}") == 1

    def _output(self, place: Place, words: Sequence[str]) -> str:
        """Return the text that computes a gate's value."""
        text = self._forward_text(place)
        if text is not None:
            return self._written(
                text, place, dict(zip(place.gate.ports, (words[s] for s in place.sources), strict=True))
            )
        name = f"f{place.node}"
        self._names[name] = place.firing.function
        call = f"{name}({self._inputs(place, words)})"
        if not place.gate.built_in:
            return f"shaped({call}, {self._shapes[place.node]})"
        return call if self._shapes[place.node] else f"float({call})"

    def _inputs(self, place: Place, words: Sequence[str]) -> str:
        """Return the arguments of a call of a gate's function, or the last ones of a call of its rules."""
        return f"*i{place.node}" if self._has_tuple(place) else ", ".join(words[source] for source in place.sources)

    def _has_tuple(self, place: Place) -> bool:
        return len(place.sources) > FEW

    def _written(self, text: Expression, place: Place, words: Mapping[str, str]) -> str:
        """Return an expression of a gate's code in the words given."""
        self._names |= text.functions
        made = text.template.format(**words)
        return f"float({made})" if text.functions and not self._shapes[place.node] else made

    def _write_backward(self, plan: Plan) -> list[str]:
        nodes, outgoing = self._walk.netlist.nodes, self._walk.netlist.outgoing
        lines = ["    felt = nothing.copy()"]  # of its full size at once: growing takes a fifth of the time
        pulls = {index: f"pulls[{number}]" for number, index in enumerate(sorted(plan.pulled))}
        feels: dict[int, str] = {}  # what the code calls the gradient of a node
        for index in [place.node for place in reversed(self._walk.places)] + list(self._given):
            wires = [wire for wire in outgoing[index] if plan.felt[wire]]
            shares = [self._share(wire, plan.shapes[wire], feels, pulls) for wire in wires]
            if nodes[index].gate is None:
                if not shares and not self._scalar:
                    shares = [f"fit(0.0, {self._words[index]})"]
                word = f"felt[{nodes[index].name!r}]"
                if shares:
                    lines += _summed(word, shares)
                    if self._shapes[index]:
                        lines.append(f"    frozen({word})")
            elif shares:
                passed_on = len(shares) == 1 and shares[0].isidentifier()
                feels[index] = shares[0] if passed_on else f"g{index}"
                if not passed_on:
                    lines += _summed(f"g{index}", shares)
                if self._shapes[index] and not self._places[index].gate.built_in:
                    lines.append(f"    frozen({feels[index]})")  # so that the user's rule cannot write there
        seen = dict.fromkeys(word for index, word in feels.items() if not self._is_sent_on(index, plan))
        return [*lines, f"    yield felt, watch and [{', '.join(('*felt.values()', *seen))}]"]

    def _is_sent_on(self, node: int, plan: Plan) -> bool:
        """Tell whether some other gradient cannot be finite if that of this gate is not: simple rules are products."""
        place = self._places[node]
        code = self._code_of(place)
        if code is None:
            return False
        rules = zip(code.shares, self._walk.netlist.incoming[node], strict=True)
        return any(rule is not None and rule.shows("gradient") and plan.felt[wire] for rule, wire in rules)

    def _share(
        self, wire: int, shape: tuple[int, ...] | None, feels: Mapping[int, str], pulls: Mapping[int, str]
    ) -> str:
        """Return the gradient that comes back through a wire, as text."""
        source, target, port = self._walk.netlist.wires[wire]
        if target in pulls:
            return pulls[target]
        place, like = self._places[target], self._shapes[source]
        code = self._code_of(place)
        rule = None if code is None else code.shares[port]
        if rule is not None:
            words = {name: self._words[source] for name, source in zip(place.gate.ports, place.sources, strict=True)}
            words |= {"gradient": feels[target], "output": self._words[target]}
            share = self._written(rule, place, words)
            share = share if share.isidentifier() else f"({share})"
        else:
            name = f"r{target}_{port}"
            self._names[name] = place.firing.rules[port]
            share = f"{name}({feels[target]}, {self._words[target]}, {self._inputs(place, self._words)})"
            if not place.gate.built_in:
                return f"fit(frozen({share}), {self._words[source]})"
            if shape == () == like:
                return f"float({share})"
        if shape == like:
            return share
        if shape and not like:
            return f"float(total({share}, None))"
        if shape and len(shape) > len(like) and shape[-len(like) :] == like:
            return f"total({share}, {tuple(range(len(shape) - len(like)))})"
        return f"fit({share}, {self._words[source]})"

    def _code_of(self, place: Place) -> Code | None:
        """Return a gate's code for the shapes that it meets, if it has one."""
        texts = place.gate.texts
        if not texts:
            return None
        meets = [self._shapes[place.node], *(self._shapes[source] for source in place.sources)]
        if "matrices" in texts and all(len(shape) == 2 for shape in meets):
            return texts["matrices"]
        return texts.get("arrays" if any(meets) else "numbers")

    def _forward_text(self, place: Place) -> Expression | None:
        code = self._code_of(place)
        return None if code is None else code.forward

    def _tuple(self, indices: Sequence[int]) -> str:
        return f"({', '.join(self._words[index] for index in indices)},)" if indices else "()"


def _summed(word: str, shares: list[str]) -> list[str]:
    """Return the lines that call the sum of shares by a word, in pieces that Python can read."""
    pieces = [shares[first : first + LONGEST] for first in range(0, len(shares), LONGEST)]
    return [f"    {word} = {' + '.join([word, *piece] if number else piece)}" for number, piece in enumerate(pieces)]
