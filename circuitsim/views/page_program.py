"""Says what a page needs to compute a circuit in the browser: its tables, and the rules of its gates in JavaScript.

A gate can be computed there if its function and its rules can be read as symbols; see `circuitsim.gates.symbols`.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from circuitsim.circuit.netlist import Netlist
from circuitsim.gates.attributes import key_of
from circuitsim.gates.gate import Gate
from circuitsim.gates.symbols import Graph, SymbolError, check_reading, read_symbols
from circuitsim.views.javascript import HELPERS, statements

__all__ = ["Program", "program", "rules_script"]


class Program(NamedTuple):
    """A circuit as the script ``engine.js`` takes it, and the script of its rules."""

    tables: dict[str, Any]
    script: str


def program(netlist: Netlist) -> Program:
    """Return what computes a circuit in a page.

    Raises
    ------
    SymbolError
        If a gate cannot be computed there, or a value is an array; the sentence names it.
    """
    kinds: dict[Any, int] = {}
    texts: list[str] = []
    chosen, values = [], []
    for node in netlist.nodes:
        value = 0.0 if node.value is None else node.value
        if not isinstance(value, float):
            raise SymbolError(f"{node.name!r} is an array")
        values.append(value)
        if node.gate is None:
            chosen.append(-1)
            continue
        key = (node.gate, key_of(node.attributes))
        if key not in kinds:
            kinds[key] = len(texts)
            try:
                texts.append(_rule(node.gate, node.attributes))
            except SymbolError as error:
                raise SymbolError(
                    f"gate {node.gate.name!r} of {node.name!r} cannot be computed here: {error}"
                ) from None
        chosen.append(kinds[key])
    tables = {
        "kinds": [node.kind[0] for node in netlist.nodes],
        "rules": chosen,
        "wires": [list(wire) for wire in netlist.wires],
        "values": values,
    }
    return Program(tables, rules_script(texts))


def rules_script(texts: list[str]) -> str:
    """Return the script that defines RULES, from what `_rule` returns for each kind of gate."""
    return HELPERS + "const RULES = [\n" + ",\n".join(texts) + "\n];\n"


def _rule(gate: Gate, attributes: dict[str, Any] | None) -> str:
    """Return one element of RULES: how gates of a kind fire, and how they share the gradient out."""
    forward, shares = readings(gate, attributes)
    inputs = [f"values[source[s + {port}]]" if port else "values[source[s]]" for port in range(gate.arity)]
    loop = f"for (; k < end; k++, s += {gate.arity}) {{{{ const {{given}}; {{body}} }}}}"
    _, lines, (output,) = statements(forward, _named(inputs))
    fire = loop.format(given=_given(inputs), body=" ".join([*lines, f"values[k] = {output};"]))
    _, lines, sent = statements(shares, ["g", "o", *_named(inputs)])
    sends = [f"gradients[sent[s + {port}]] = {text};" for port, text in enumerate(sent)]
    given = f"g = gradients[k], o = values[k], {_given(inputs)}"
    share = loop.format(given=given, body=" ".join([*lines, *sends]))
    return (
        f"  {{ inputs: {gate.arity}, // {_told(gate)}\n    fire: (k, end, s, values, source) => {{ {fire} }},\n"
        f"    share: (k, end, s, values, source, gradients, sent) => {{ {share} }} }}"
    )


def _named(inputs: list[str]) -> list[str]:
    return [f"a{port}" for port in range(len(inputs))]


def _given(inputs: list[str]) -> str:
    return ", ".join(f"{name} = {text}" for name, text in zip(_named(inputs), inputs, strict=True))


def _told(gate: Gate) -> str:
    """Return the name of a gate as a comment can hold it."""
    return gate.name if gate.name.isidentifier() and gate.name.isascii() else "a gate of its own"


def readings(gate: Gate, attributes: dict[str, Any] | None) -> tuple[Graph, Graph]:
    """Return a gate's function and its rules as graphs, each held against calls with numbers.

    Raises
    ------
    SymbolError
        If one of them cannot be read.
    """
    if gate.for_arrays:
        raise SymbolError("it is for arrays")
    function, vjp_rules = gate.with_attributes(attributes)
    read = _read if attributes else _read_once
    return read(function, tuple(vjp_rules), gate.ports)


def _read(
    function: Callable[..., Any], vjp_rules: tuple[Callable[..., Any], ...], ports: tuple[str, ...]
) -> tuple[Graph, Graph]:
    def share(gradient: Any, output: Any, *inputs: Any) -> tuple[Any, ...]:
        return tuple(rule(gradient, output, *inputs) for rule in vjp_rules)

    forward = read_symbols(function, list(ports))
    check_reading(function, forward)
    backward = read_symbols(share, ["gradient", "output", *ports])
    check_reading(share, backward)
    return forward, backward


_read_once = lru_cache(maxsize=256)(_read)  # functions of gates with attributes are made anew each time
