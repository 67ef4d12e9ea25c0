"""The structure of a circuit as plain data, which JSON can hold, and the first difference between two structures.

A structure is a dict with ``format`` ("circuitsim circuit"), ``version`` (1), the circuit's ``name``, and:

- ``nodes``: dicts with ``name``, ``kind`` and what belongs to the kind: an input may have a ``shape``, a parameter and
  a constant have a ``value``, a gate has ``gate`` (its name in the registry), ``ports`` and, if any, ``attributes``.
  Where first values do not count, as in a checkpoint, a parameter has its ``shape`` in place of its value;
- ``wires``: lists ``[source, target, port]``; those of one source stand in wiring order;
- ``outputs``: the node that each output shows.

Values and attributes are packed as `circuitsim.circuit.plain_data` says.

What is read is checked first: who forged it gets a sentence, and no object is made of it but numbers, texts and gates
that are in the registry.
"""

import json
from collections.abc import Iterable, Mapping
from itertools import starmap
from typing import Any, NamedTuple

import numpy as np

from circuitsim.circuit.plain_data import lengths, pack, read_json, unpack
from circuitsim.errors import CircuitError, GateError, LoadError
from circuitsim.gates.attributes import own_attributes
from circuitsim.gates.gate import Gate, registry
from circuitsim.gates.value import own_value
from circuitsim.spelling import listed, shown

__all__ = ["Parts", "build", "describe", "difference", "pack_attributes", "parse", "plain"]

FORMAT = "circuitsim circuit"
VERSION = 1
_FIELDS = {  # by kind: what a node must have, and what it may have
    "input": (set(), {"shape"}),
    "parameter": (set(), {"value", "shape"}),  # one of them
    "constant": ({"value"}, set()),
    "gate": ({"gate", "ports"}, {"attributes"}),
}  # fmt: skip


class Parts(NamedTuple):
    """What a circuit is made of: its name, its nodes as in its graph, its wires and its outputs."""

    name: str
    nodes: list[tuple[str, dict[str, Any]]]
    wires: list[tuple[str, str, int]]
    outputs: dict[str, str]


def describe(
    name: str,
    nodes: Iterable[tuple[str, Mapping[str, Any]]],
    wires: Iterable[tuple[str, str, int]],
    outputs: Mapping[str, str],
) -> dict[str, Any]:
    """Return the structure of a circuit; the nodes are as in its graph.

    Raises
    ------
    CircuitError
        If an attribute of a gate is nothing that JSON can hold.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": name,
        "nodes": list(starmap(_describe_node, nodes)),
        "wires": [list(wire) for wire in wires],
        "outputs": dict(outputs),
    }


def _describe_node(name: str, node: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "kind": node["kind"]}
    if (gate := node.get("gate")) is not None:
        entry |= {"gate": gate.name, "ports": list(gate.ports)}
        if attributes := node.get("attributes"):
            entry["attributes"] = pack_attributes(name, attributes)
    elif "value" in node:
        entry["value"] = pack(node["value"])
    elif "shape" in node:
        entry["shape"] = list(node["shape"])
    return entry


def plain(name: str, node: Mapping[str, Any]) -> dict[str, float | str]:
    """Return what a graph says of a node as numbers and texts.

    Raises
    ------
    CircuitError
        If an attribute of a gate is nothing that JSON can hold.
    """
    data: dict[str, float | str] = {"kind": node["kind"]}
    if (gate := node.get("gate")) is not None:
        data |= {"gate": gate.name, "symbol": gate.symbol}
    if node.get("attributes"):
        data["attributes"] = json.dumps(pack_attributes(name, node["attributes"]))
    if "value" in node:
        value = node["value"]
        data["value"] = value if isinstance(value, float) else json.dumps(pack(value))
    if "shape" in node:
        data["shape"] = json.dumps(node["shape"])
    return data


def pack_attributes(name: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of the gate of this name as plain data.

    Raises
    ------
    CircuitError
        If one is nothing that JSON can hold.
    """
    packed = {}
    for key, attribute in attributes.items():
        try:
            packed[key] = pack(attribute)
        except TypeError as error:
            raise CircuitError(
                f"attribute {shown(key)} of gate {shown(name)} is or holds a thing of type {error}, which no file can "
                "hold: use numbers, texts, lists, tuples, slices, dicts or arrays"
            ) from None
    return packed


def parse(text: str) -> dict[str, Any]:
    """Read the text of a structure and check its form; names of gates and values are taken as they stand.

    Raises
    ------
    LoadError
        If it is no such text.
    """
    if not isinstance(text, str):
        raise _no_circuit(f"it is of type {type(text).__name__}, not a text")
    try:
        read = read_json(text)
    except ValueError as error:
        raise _no_circuit(f"it is no JSON, {error}") from None
    if not isinstance(read, dict) or read.get("format") != FORMAT:
        raise _no_circuit(f"it does not say that its format is {FORMAT!r}")
    if type(version := read.get("version")) is not int or version != VERSION:
        raise LoadError(
            f"the circuit is written in version {_show(version)}, this circuitsim reads version {VERSION}: "
            + ("update circuitsim" if type(version) is int and version > VERSION else "wire it anew")
        )
    _check_fields("the circuit", read, {"format", "version", "name", "nodes", "wires", "outputs"})
    _check_text(read["name"], "its name")
    for what, form in (("nodes", list), ("wires", list), ("outputs", dict)):
        if not isinstance(read[what], form):
            raise _no_circuit(f"its {what} are no {form.__name__}")
    names: set[str] = set()
    for number, entry in enumerate(read["nodes"]):
        _check_node(number, entry)
        if entry["name"] in names:
            raise _no_circuit(f"it has two nodes called {shown(entry['name'])}")
        names.add(entry["name"])
    for number, wire in enumerate(read["wires"]):
        if (
            not isinstance(wire, list)
            or list(map(type, wire)) != [str, str, int]
            or not {wire[0], wire[1]} <= names
            or wire[2] < 0
        ):
            raise _no_circuit(f"wire {number} is {_show(wire)}, not two of its nodes and a port")
    if len({tuple(wire) for wire in read["wires"]}) < len(read["wires"]):
        raise _no_circuit("it has the same wire twice")
    for output, source in read["outputs"].items():
        if not output or not isinstance(source, str) or source not in names:
            raise _no_circuit(f"output {shown(output)} shows {_show(source)}, which is no node")
    return read


def _check_node(number: int, entry: Any) -> None:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise _no_circuit(f"node {number} is no input, parameter, constant or gate")
    needed, more = _FIELDS[kind]
    _check_fields(f"node {number}", entry, {"name", "kind", *needed}, more)
    name = _check_text(entry["name"], f"the name of node {number}")
    if kind == "parameter" and ("value" in entry) == ("shape" in entry):
        raise _no_circuit(f"parameter {shown(name)} has not one value")
    if "shape" in entry and lengths(entry["shape"]) is None:
        raise _no_circuit(f"the shape of {shown(name)} is {_show(entry['shape'])}")
    if kind == "gate":
        _check_text(entry["gate"], f"the gate of {shown(name)}")
        ports = entry["ports"]
        if not isinstance(ports, list) or not all(isinstance(port, str) for port in ports):
            raise _no_circuit(f"the ports of gate {shown(name)} are {_show(ports)}")
        if not isinstance(entry.get("attributes", {}), dict):
            raise _no_circuit(f"the attributes of gate {shown(name)} are {_show(entry['attributes'])}")


def build(structure: Mapping[str, Any]) -> Parts:
    """Return the parts of a circuit from a structure whose form was checked.

    Raises
    ------
    LoadError
        If a value or an attribute cannot be, or a gate is not defined here, or is another one here.
    """
    nodes = [(entry["name"], _build_node(entry)) for entry in structure["nodes"]]
    wires = [(source, target, port) for source, target, port in structure["wires"]]
    return Parts(structure["name"], nodes, wires, dict(structure["outputs"]))


def _build_node(entry: Mapping[str, Any]) -> dict[str, Any]:
    name, kind = entry["name"], entry["kind"]
    node: dict[str, Any] = {"kind": kind}
    if kind == "gate":
        attributes = {
            key: _read(part, f"attribute {shown(key)} of {shown(name)}") for key, part in _attributes(entry).items()
        }
        node["gate"] = _find_gate(entry, attributes)
        if attributes:
            node["attributes"] = own_attributes(attributes)
    elif kind == "input":
        if "shape" in entry:
            node["shape"] = tuple(entry["shape"])
    elif "value" not in entry:
        raise _no_circuit(f"parameter {shown(name)} has no value")
    else:
        value = _read(entry["value"], f"the value of {shown(name)}")
        if type(value) is not float and not (type(value) is np.ndarray and value.dtype == np.float64 and value.ndim):
            raise _no_circuit(f"the value of {shown(name)} is {_show(entry['value'])}")
        node["value"] = own_value(value)
    return node


def _find_gate(entry: Mapping[str, Any], attributes: dict[str, Any]) -> Gate:
    """Return the gate that is known under the saved name, if it has the ports and attributes of the saved one."""
    name, ports = entry["gate"], entry["ports"]
    where = f"gate {shown(entry['name'])} of the circuit"
    if name not in registry:
        raise LoadError(f"{where} is {shown(name)}, which is not defined here: import the module that defines it first")
    try:
        gate = registry[name].for_inputs(len(ports))
        if list(gate.ports) == ports:
            gate.check_arguments(len(ports), attributes)
            return gate
        reason = f"here {shown(name)} has ports {listed(gate.ports)}, there {listed(ports)}"
    except GateError as error:
        reason = str(error)
    raise LoadError(f"{where} is not the {shown(name)} that is defined here: {reason}")


def difference(there: Mapping[str, Any], here: Mapping[str, Any], other: str = "the other circuit") -> str | None:
    """Return the first difference between two structures in words, None if there is none.

    Names of circuits and shapes of inputs do not count.

    Parameters
    ----------
    there, here : dict
        Structures whose form was checked.
    other : str
        What to call the first of them.
    """
    nodes = {entry["name"]: entry for entry in there["nodes"]}
    mine = {entry["name"]: entry for entry in here["nodes"]}
    for name, entry in mine.items():
        if name not in nodes:
            return f"{other} has no {entry['kind']} {shown(name)}"
    for name, entry in nodes.items():
        if name not in mine:
            return f"{other} has a {entry['kind']} {shown(name)}, this one has none".replace("a input", "an input")
    for name, entry in mine.items():
        if told := _node_difference(nodes[name], entry, other):
            return told
    if told := _wires_difference(there, here, other) or _outputs_difference(there["outputs"], here["outputs"], other):
        return told
    for kind in ("input", "parameter", "constant", "gate"):
        orders = [[n for n, entry in found.items() if entry["kind"] == kind] for found in (nodes, mine)]
        for one, two in zip(*orders, strict=True):
            if one != two:
                return f"{other} has its {kind}s in another order, {shown(one)} where this one has {shown(two)}"
    return None


def _node_difference(there: Mapping[str, Any], here: Mapping[str, Any], other: str) -> str | None:
    kind, name = here["kind"], here["name"]
    what = f"{kind} {shown(name)}"
    if there["kind"] != kind:
        return f"{shown(name)} is of kind {there['kind']} in {other}, of kind {kind} in this one"
    if kind == "parameter" and there.get("shape") != here.get("shape"):
        shapes = [tuple(entry["shape"]) if "shape" in entry else None for entry in (there, here)]
        return f"{other} has {what} of shape {shapes[0]}, this one {shapes[1]}"
    if kind == "gate":
        if there["gate"] != here["gate"]:
            return f"{what} is {shown(there['gate'])} in {other}, {shown(here['gate'])} in this one"
        if there["ports"] != here["ports"]:
            ports = [", ".join(entry["ports"]) or "none" for entry in (there, here)]
            return f"{what} has ports {ports[0]} in {other}, {ports[1]} in this one"
        one, two = _attributes(there), _attributes(here)
        for key in [*two, *(key for key in one if key not in two)]:
            if (key in one) != (key in two):
                has = f"has {'an' if key in one else 'no'} attribute {shown(key)}"
                return f"{what} {has} in {other}, not so in this one"
            if told := _value_difference(one[key], two[key], other):
                return f"attribute {shown(key)} of {what} {told}"
        return None
    if kind == "input" or not (told := _value_difference(there.get("value"), here.get("value"), other)):
        return None
    return f"{what} {told}"


def _value_difference(there: Any, here: Any, other: str) -> str | None:
    """Compare plain data by their texts, in which 1, 1.0 and true differ, and 0.0 and -0.0."""
    if json.dumps(there) == json.dumps(here):
        return None
    forms = [
        (thing["dtype"], thing["shape"]) if isinstance(thing, dict) and "array" in thing else None
        for thing in (there, here)
    ]
    if forms[0] is not None and forms[0] == forms[1] and len(there["array"]) == len(here["array"]):
        pairs = enumerate(zip(there["array"], here["array"], strict=True))
        number, (one, two) = next((n, pair) for n, pair in pairs if json.dumps(pair[0]) != json.dumps(pair[1]))
        place = [int(index) for index in np.unravel_index(number, here["shape"])]
        return f"has {_show(one)} at {place} in {other}, {_show(two)} in this one"
    return f"is {_show(there)} in {other}, {_show(here)} in this one"


def _wires_difference(there: Mapping[str, Any], here: Mapping[str, Any], other: str) -> str | None:
    one = {(target, port): source for source, target, port in there["wires"]}
    two = {(target, port): source for source, target, port in here["wires"]}
    places = {entry["name"]: place for place, entry in enumerate(here["nodes"])}
    for target, port in sorted(one.keys() | two.keys(), key=lambda key: (places[key[0]], key[1])):
        sources = one.get((target, port)), two.get((target, port))
        if sources[0] != sources[1]:
            told = [f"wired to {shown(source)}" if source is not None else "open" for source in sources]
            return f"port {port} of {shown(target)} is {told[0]} in {other}, {told[1]} in this one"
    orders = []
    for wires in (there["wires"], here["wires"]):
        leaving: dict[str, list[tuple[str, int]]] = {}
        for source, target, port in wires:
            leaving.setdefault(source, []).append((target, port))
        orders.append(leaving)
    for source, wires in orders[1].items():
        if orders[0][source] != wires:
            first = next(pair for pair in zip(orders[0][source], wires, strict=True) if pair[0] != pair[1])
            return (
                f"the wires that leave {shown(source)} are in another order, {shown(first[0][0])} port {first[0][1]} "
                f"in {other} where this one has {shown(first[1][0])} port {first[1][1]}"
            )
    return None


def _outputs_difference(there: Mapping[str, str], here: Mapping[str, str], other: str) -> str | None:
    for output, source in here.items():
        if output not in there:
            return f"{other} has no output {shown(output)}"
        if there[output] != source:
            return f"output {shown(output)} shows {shown(there[output])} in {other}, {shown(source)} in this one"
    if list(there) != list(here):
        return f"{other} has the outputs {listed(there)}, this one {listed(here)}"
    return None


def _attributes(entry: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = entry.get("attributes", {})
    return found


def _read(packed: Any, what: str) -> Any:
    try:
        return unpack(packed)
    except ValueError:
        raise _no_circuit(f"{what} is {_show(packed)}") from None


def _check_fields(what: str, entry: Mapping[str, Any], needed: set[str], more: Iterable[str] = ()) -> None:
    if missing := sorted(needed - set(entry)):
        raise _no_circuit(f"{what} has no field {shown(missing[0])}")
    if unknown := sorted(set(entry) - needed - set(more)):
        raise _no_circuit(f"{what} has an unknown field {_show(unknown[0])}")


def _check_text(thing: Any, what: str) -> str:
    if not isinstance(thing, str) or not thing:
        raise _no_circuit(f"{what} is {_show(thing)}")
    return thing


def _no_circuit(reason: str) -> LoadError:
    return LoadError(f"the text is no circuit: {reason}; give what circuit.to_json() wrote")


def _show(packed: Any) -> str:
    """Write plain data for people, in few letters."""
    if isinstance(packed, dict) and isinstance(packed.get("shape"), list) and len(packed["shape"]) <= 32:
        return f"an array of {shown(packed.get('dtype'))} of shape {shown(tuple(packed['shape']))}"
    if isinstance(packed, dict) and len(packed) == 1 and "float" in packed:
        return shown(packed["float"]).strip("'")
    return shown(packed)
