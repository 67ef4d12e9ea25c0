"""Trace files: a trace as data on disk, complete, compressed, and readable without circuitsim.

A trace file is a ZIP archive of ``.npy`` arrays, what NumPy calls an npz, so ``numpy.load(path)`` opens it. It holds:

============  =======  ===============================================================================
array         dtype    what it is
============  =======  ===============================================================================
``header``    uint8    JSON in UTF-8: ``format`` ("circuitsim trace"), ``version`` (3), the circuit's
                       ``name``, its ``nodes``, ``shapes``, the table of shapes that occur, ``layout``,
                       the stages and devices of a stream, else null, and ``counts``, the lengths of
                       the arrays below: of ``records``, ``wires``, ``held`` and ``shape``
``wires``     int64    one row (source, target, port) a wire, grouped by source, in wiring order
``kind``      int8     one a record, as in `Kind`, and 64 more if the value is an array; so are the next seven,
                       and what they say is told at `Record`
``detail``    int16    what became of a message, a replica, a staleness
``where``     int32    the number of the wire, node, stage or device
``tag``       int32    the example
``version``   int32    of a parameter
``start``     float64  in ticks
``end``       float64  in ticks
``value``     float64  the value, or for the first array 0, for the second 1, and so on
``held``      int64    the nodes whose values were known when the trace began
``shape``     int32    for each value that is not in a record its place in ``shapes``: first for the records'
                       arrays, then for the values of ``held``, then for those of parameters and constants
``numbers``   float64  the elements of all these values, one after the other, in C order
============  =======  ===============================================================================

A node has ``name``, ``kind`` and, if it is a gate, ``gate`` (the name in the registry), ``symbol``, ``ports`` and
``attributes``, which are packed as `circuitsim.circuit.plain_data` says. Readers ignore arrays and keys that they do
not know; the version rises when an old reader would misread a new file.

Gates are looked up by name. One that is not defined where the file is opened keeps its name, symbol and ports, so
the trace can be shown, but it computes nothing.

The reader believes nothing. It unpacks the header up to a fixed length, and then of each array as much as the header
makes due; `circuitsim.trace.soundness` says what must hold of what is in them.
"""

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from circuitsim import checks
from circuitsim.circuit.netlist import Netlist, Node, Wiring
from circuitsim.circuit.plain_data import lengths, read_json, unpack
from circuitsim.circuit.structure import pack_attributes
from circuitsim.errors import CircuitError, GateError, LoadError, SaveError
from circuitsim.files import Archive, ArchiveError, check_path, quoted, reading_arrays, write_arrays, writing
from circuitsim.gates import Gate, registry
from circuitsim.gates.attributes import own_attributes
from circuitsim.gates.placeholder import placeholder
from circuitsim.gates.value import Value, own_value, shape_of
from circuitsim.trace.kinds import COLUMNS, Layout
from circuitsim.trace.records import Records
from circuitsim.trace.soundness import check_layout, check_nodes, check_records

__all__ = ["FORMAT", "SUFFIX", "VERSION", "load", "save"]

FORMAT = "circuitsim trace"
VERSION = 3
SUFFIX = ".trace"
MOST_ENTRIES = 100  # in the archive: those above, and some that are not known yet
MOST_HEADER = 2**28  # bytes
LARGE, TIGHT = 2**30, 500  # what is packed tighter than so many bytes into one, and larger, is no trace

_RECORDS = COLUMNS.names or ()
_OWN = ("parameter", "constant")  # the kinds of node that have a value of their own

AnyTrace = TypeVar("AnyTrace", bound=Records)


def save(trace: Records, path: str | PathLike[str]) -> None:
    """Write a trace to a file; the suffix must be ``.trace``.

    Raises
    ------
    SaveError
        If the suffix is another, the file cannot be written, or an attribute of a gate cannot be put in words.
    """
    path = check_path(path, (SUFFIX,))
    netlist, held = trace.netlist, sorted(trace.held)
    own = [node.value for node in netlist.nodes if node.kind in _OWN and node.value is not None]
    values = [*trace.arrays, *(trace.held[node] for node in held), *own]
    shapes: dict[tuple[int, ...], int] = {}
    shape = np.array([shapes.setdefault(shape_of(value), len(shapes)) for value in values], np.int32)
    try:
        nodes = [_pack_node(node) for node in netlist.nodes]
    except CircuitError as error:
        raise SaveError(f"cannot save {quoted(path)}: {error}") from None
    header = {
        "format": FORMAT,
        "version": VERSION,
        "name": netlist.name,
        "nodes": nodes,
        "shapes": [list(shape) for shape in shapes],
        "layout": None if trace.layout is None else _pack_layout(trace.layout),
        "counts": {"records": len(trace), "wires": len(netlist.wires), "held": len(held), "shape": len(shape)},
    }
    arrays: dict[str, Callable[[], Any]] = {
        "header": lambda: np.frombuffer(json.dumps(header, allow_nan=False).encode(), np.uint8),
        "wires": lambda: np.array(netlist.wires, np.int64).reshape(-1, 3),
        **{name: partial(trace.column, name) for name in _RECORDS},
        "held": lambda: np.array(held, np.int64),
        "shape": lambda: shape,
        "numbers": lambda: _join(values),
    }
    with writing(path) as file:
        write_arrays(file, arrays)


def load(path: str | PathLike[str], form: type[AnyTrace]) -> AnyTrace:
    """Read a trace of this class from a file; all is checked before anything is returned.

    Raises
    ------
    LoadError
        If there is no such file, or it is no trace file, is cut off or damaged, or is of another version.
    """
    path = checks.path(path, error=LoadError)
    try:
        with reading_arrays(path, MOST_ENTRIES) as archive:
            header = _read_header(path, archive)
            try:
                return _restore(header, archive, form)
            except (ArithmeticError, LookupError, TypeError, ValueError):
                raise ArchiveError("is damaged: what is in it is not a trace") from None
            except MemoryError:
                raise ArchiveError("needs more memory than there is") from None
    except ArchiveError as error:
        raise LoadError(
            f"cannot load {quoted(path)}: it {error}; give a file that trace.save('NAME{SUFFIX}') wrote"
        ) from None


def _read_header(path: str, archive: Archive) -> dict[str, Any]:
    if "header" not in archive.sizes:
        raise ArchiveError("is no trace file")
    try:
        header = read_json(archive.read_list("header", np.uint8, MOST_HEADER).tobytes())
    except ValueError:
        raise ArchiveError("is damaged: its header is no JSON") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ArchiveError("is no trace file")
    version = header.get("version")
    if type(version) is not int or version != VERSION:
        newer = type(version) is int and version > VERSION
        told = repr(version) if type(version) is int and abs(version) < 10**9 else "unknown"
        raise LoadError(
            f"{quoted(path)} is a trace file of version {told}, this circuitsim reads version {VERSION}: "
            + ("update circuitsim" if newer else "record the trace anew")
        )
    return header


def _restore(header: dict[str, Any], archive: Archive, form: type[AnyTrace]) -> AnyTrace:
    """Build the trace; what does not fit together raises an `ArchiveError`, or one of those that `load` translates."""
    counts = header["counts"]
    if any(type(counts[name]) is not int or counts[name] < 0 for name in ("records", "wires", "held", "shape")):
        raise ValueError
    if not isinstance(header["shapes"], list) or not isinstance(header["name"], str) or not header["name"]:
        raise ValueError
    shapes = [tuple(shape) for shape in header["shapes"] if lengths(shape) is not None and None not in shape]
    if len(shapes) != len(header["shapes"]):
        raise ValueError
    due = sum(archive.sizes.get(name, 0) for name in ("wires", *_RECORDS, "held", "shape", "numbers"))
    if due > max(LARGE, TIGHT * archive.length):
        raise ArchiveError(f"would be {due:,} bytes when unpacked, {due // archive.length} times its own length")
    wires = archive.read("wires", np.int64, (counts["wires"], 3))
    held = archive.read("held", np.int64, (counts["held"],)).tolist()
    shape = archive.read("shape", np.int32, (counts["shape"],)).tolist()
    if held != sorted(set(held)) or min([*held, *shape], default=0) < 0:
        raise ValueError
    found = [shapes[place] for place in shape]
    numbers = archive.read("numbers", np.float64, (sum(map(math.prod, found)),))
    values = _split(numbers, found)
    entries = header["nodes"]
    owners = [number for number, entry in enumerate(entries) if entry["kind"] in _OWN]
    first = len(values) - len(owners) - len(held)  # the arrays of records come before
    own = dict(zip(owners, values[first + len(held) :], strict=True))
    nodes = [_unpack_node(entry, own.get(number)) for number, entry in enumerate(entries)]
    check_nodes(nodes)
    netlist = Netlist.from_tables(header["name"], nodes, [Wiring(*row) for row in wires.tolist()])
    if held and held[-1] >= len(nodes):
        raise ValueError
    layout = None if header["layout"] is None else _unpack_layout(header["layout"])
    check_layout(layout, netlist)
    columns = np.empty(counts["records"] if archive.sizes.get("kind", 0) >= counts["records"] else 0, COLUMNS)
    for name in _RECORDS:
        columns[name] = archive.read(name, COLUMNS[name], (counts["records"],))
    arrays = values[:first]
    check_records(columns, found[:first], netlist, layout)
    return form.of_columns(netlist, dict(zip(held, values[first:], strict=False)), layout, columns, arrays)  # type: ignore[arg-type]


def _join(values: list[Value]) -> NDArray[np.float64]:
    """Return the elements of all values, one after the other."""
    numbers = np.empty(sum(math.prod(shape_of(value)) for value in values))
    at = 0
    for value in values:
        size = math.prod(shape_of(value))
        numbers[at : at + size] = value if isinstance(value, float) else value.reshape(-1)
        at += size
    return numbers


def _split(numbers: NDArray[np.float64], shapes: list[tuple[int, ...]]) -> list[Value]:
    """Undo `_join`; the arrays are parts of the one that is given."""
    values: list[Value] = []
    at = 0
    for shape in shapes:
        size = math.prod(shape)
        values.append(numbers[at : at + size].reshape(shape) if shape else float(numbers[at]))
        at += size
    return values


def _pack_layout(layout: Layout) -> dict[str, Any]:
    return {
        "devices": list(layout.devices),
        "stages": [list(stage) for stage in layout.stages],
        "homes": list(layout.homes),
        "batch": layout.batch,
        "replicas": layout.replicas,
        "sizes": [[wire, size] for wire, size in layout.sizes.items()],
        "local": layout.local,
        "values": layout.values,
    }


def _unpack_layout(entry: Mapping[str, Any]) -> Layout:
    return Layout(
        devices=tuple(entry["devices"]),
        stages=tuple(tuple(stage) for stage in entry["stages"]),
        homes=tuple(entry["homes"]),
        batch=entry["batch"],
        replicas=entry["replicas"],
        sizes=dict(entry["sizes"]),
        local=entry["local"],
        values=entry["values"],
    )


def _pack_node(node: Node) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": node.name, "kind": node.kind}
    if node.gate is not None:
        entry |= {"gate": node.gate.name, "symbol": node.gate.symbol, "ports": list(node.gate.ports)}
        if node.attributes:
            entry["attributes"] = pack_attributes(node.name, node.attributes)
    return entry


def _unpack_node(entry: Mapping[str, Any], value: Value | None) -> Node:
    name, kind = entry["name"], entry["kind"]
    if (kind == "gate") != ("gate" in entry):
        raise ValueError
    if kind != "gate":
        return Node(name, kind, value=None if value is None else own_value(value))
    packed = entry.get("attributes", {})
    if not isinstance(packed, dict):
        raise ValueError
    attributes = {key: unpack(value) for key, value in packed.items()}
    return Node(name, kind, _find_gate(entry, attributes), own_attributes(attributes) or None)


def _find_gate(entry: Mapping[str, Any], attributes: dict[str, Any]) -> Gate:
    """Return the gate that is known under the saved name, or one that only shows itself."""
    name, symbol, ports = entry["gate"], entry["symbol"], entry["ports"]
    if not all(isinstance(text, str) and text for text in (name, symbol, *ports)) or not isinstance(ports, list):
        raise ValueError
    try:
        if name in registry and list((known := registry[name].for_inputs(len(ports))).ports) == ports:
            known.check_arguments(len(ports), attributes)
            return known
    except GateError:  # the one that is known here is another one
        pass
    return placeholder(name, symbol, ports, attributes)
