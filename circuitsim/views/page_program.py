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
from circuitsim.views.javascript import statements

__all__ = ["Program", "program", "readings", "rule_text", "rules_script", "tabulate"]


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
    values = []
    for node in netlist.nodes:
        value = 0.0 if node.value is None else node.value
        if not isinstance(value, float):
            raise SymbolError(f"{node.name!r} is an array")
        values.append(value)
    tables, texts = tabulate(netlist, values, rule_text)
    return Program(tables, rules_script(texts))


def tabulate(
    netlist: Netlist, values: list[Any], write: Callable[[Gate, dict[str, Any] | None], str]
) -> tuple[dict[str, Any], list[str]]:
    """Return the tables of a circuit, and the text of the rule of each kind of gate, as `write` returns it.

    Raises
    ------
    SymbolError
        If there is no text for a gate; the sentence names it.
    """
    kinds: dict[Any, int] = {}
    texts: list[str] = []
    chosen = []
    for node in netlist.nodes:
        if node.gate is None:
            chosen.append(-1)
            continue
        key = (node.gate, key_of(node.attributes))
        if key not in kinds:
            kinds[key] = len(texts)
            try:
                texts.append(write(node.gate, node.attributes))
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
    return tables, texts


def rules_script(texts: list[str]) -> str:
    """Return the script that defines RULES, from what `rule_text` returns for each kind of gate."""
    return "const RULES = [\n" + ",\n".join(texts) + "\n];\n"


def rule_text(gate: Gate, attributes: dict[str, Any] | None = None) -> str:
    """Return one element of RULES: how gates of a kind fire, and how they share the gradient out.

    Raises
    ------
    SymbolError
        If the gate cannot be computed in a page.
    """
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


def readings(gate: Gate, attributes: dict[str, Any] | None, held: bool | None = None) -> tuple[Graph, Graph]:
    """Return a gate's function and its rules as graphs, each held against calls with numbers if that is wanted.

    It is for gates that are not of this package, if not given: the tests hold those that are.

    Raises
    ------
    SymbolError
        If one of them cannot be read.
    """
    if gate.for_arrays:
        raise SymbolError("it is for arrays")
    function, vjp_rules = gate.with_attributes(attributes)
    read = _read if attributes else _read_once
    return read(function, tuple(vjp_rules), gate.ports, not gate.built_in if held is None else held)


def _read(
    function: Callable[..., Any], vjp_rules: tuple[Callable[..., Any], ...], ports: tuple[str, ...], held: bool
) -> tuple[Graph, Graph]:
    def share(gradient: Any, output: Any, *inputs: Any) -> tuple[Any, ...]:
        return tuple(rule(gradient, output, *inputs) for rule in vjp_rules)

    forward = read_symbols(function, list(ports))
    backward = read_symbols(share, ["gradient", "output", *ports])
    if held:
        check_reading(function, forward)
        check_reading(share, backward)
    return forward, backward


_read_once = lru_cache(maxsize=256)(_read)  # functions of gates with attributes are made anew each time
