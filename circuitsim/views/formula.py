"""Writes the slope by which a gate multiplies a gradient as people write it, from the rule read as symbols.

A formula is a text with places: ``#0`` is the first input, ``#o`` the output. A page puts names or numbers there.
"""

from collections.abc import Callable

from circuitsim.gates.symbols import Graph
from circuitsim.gates.value import show

__all__ = ["slope_formulas"]

SUM, PRODUCT, SIGN, ATOM = range(4)  # how tightly the parts of a text hold together

_INFIX = {
    "add": (SUM, " + "), "subtract": (SUM, " − "), "multiply": (PRODUCT, " × "), "divide": (PRODUCT, " ÷ "),
    "less": (SUM, " < "), "less_equal": (SUM, " ≤ "), "greater": (SUM, " > "), "greater_equal": (SUM, " ≥ "),
    "equal": (SUM, " = "), "not_equal": (SUM, " ≠ "), "logical_and": (SUM, " and "), "logical_or": (SUM, " or "),
}  # fmt: skip
_NAMES = {"absolute": "abs", "logical_not": "not", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}
MOST = 60  # letters of a formula that is still read

Text = tuple[str, int]


def slope_formulas(shares: Graph) -> list[str | None]:
    """Return the slope of each port, given a gate's rules as a graph; None where there is no short one.

    Parameters
    ----------
    shares : Graph
        What each port is sent, of gradient, output and inputs.

    Examples
    --------
    >>> from circuitsim.gates import mul, sigmoid
    >>> from circuitsim.views.page_program import readings
    >>> slope_formulas(readings(mul, None)[1]), slope_formulas(readings(sigmoid, None)[1])
    (['#1', '#0'], ['#o × (1 − #o)'])
    """
    writer = _Writer(shares)
    found: list[str | None] = []
    for place in shares.outputs:
        slope = writer.slope(place)
        found.append(slope[0] if slope is not None and len(slope[0]) <= MOST else None)
    return found


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.leads: set[int] = set()
        for place, (kind, *rest) in enumerate(graph.nodes):
            if place == 0 or (kind not in ("input", "constant") and not self.leads.isdisjoint(rest)):
                self.leads.add(place)  # to the gradient, which is the first input

    def slope(self, place: int) -> Text | None:
        """Return what the gradient is multiplied with; None if the rule is of another form."""
        kind, *rest = self.graph.nodes[place]
        if place == 0:
            return "1", ATOM
        if place not in self.leads:
            return self.write(place) if self.constant(place) == 0.0 else None
        within = [at for at in rest if at in self.leads]
        if kind == "negative":
            return self.negated(self.slope(rest[0]))
        if kind == "multiply" and len(within) == 1:
            return self.times(self.slope(within[0]), self.write(rest[1] if within[0] == rest[0] else rest[0]))
        if kind == "divide" and within == rest[:1]:
            return self.joined("divide", self.slope(rest[0]), self.write(rest[1]))
        if kind == "where" and rest[0] not in self.leads:
            chosen, other = self.slope(rest[1]), self.slope(rest[2])
            if chosen is not None and other is not None:
                return f"{chosen[0]} if {self.write(rest[0])[0]}, else {other[0]}", SUM
        return None

    def constant(self, place: int) -> float | None:
        kind, *rest = self.graph.nodes[place]
        return rest[0] if kind == "constant" else None

    def write(self, place: int) -> Text:
        kind, *rest = self.graph.nodes[place]
        if kind == "input":
            return ("#o" if place == 1 else f"#{place - 2}"), ATOM
        if kind == "constant":
            text = show(rest[0]).replace("-", "−")
            return text, SIGN if text.startswith("−") else ATOM
        if kind == "where":
            condition, chosen, other = (self.write(at)[0] for at in rest)
            return f"{chosen} if {condition}, else {other}", SUM
        if kind == "negative":
            return f"−{_held(self.write(rest[0]), PRODUCT)}", SIGN
        if kind == "power":
            return f"{_held(self.write(rest[0]), ATOM)}^{_held(self.write(rest[1]), ATOM)}", ATOM
        if kind == "sqrt":
            return f"√{_held(self.write(rest[0]), ATOM)}", ATOM
        if kind in _INFIX:
            made = self.joined(kind, self.write(rest[0]), self.write(rest[1]))
            assert made is not None
            return made
        return f"{_NAMES.get(kind, kind)}({', '.join(self.write(at)[0] for at in rest)})", ATOM

    def times(self, one: Text | None, other: Text) -> Text | None:
        if one is None:
            return None
        if one[0] == "1":
            return other
        if one[0] == "−1":
            return self.negated(other)
        return self.joined("multiply", one, other)

    def negated(self, text: Text | None) -> Text | None:
        return None if text is None else (f"−{_held(text, PRODUCT)}", SIGN)

    def joined(self, kind: str, one: Text | None, other: Text) -> Text | None:
        if one is None:
            return None
        binding, sign = _INFIX[kind]
        tight: Callable[[Text], str] = lambda text: _held(text, binding + (kind in ("subtract", "divide")))  # noqa: E731
        return f"{_held(one, binding)}{sign}{tight(other)}", binding


def _held(text: Text, binding: int) -> str:
    """Return a text in brackets, if it would fall apart where so much binding is due."""
    return text[0] if text[1] >= binding else f"({text[0]})"
