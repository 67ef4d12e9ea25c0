"""Trace files: a trace as data on disk, complete, compressed, and readable without circuitsim.

A trace file is a ZIP archive of ``.npy`` arrays, what NumPy calls an npz, so ``numpy.load(path)`` opens it. It holds:

============  =======  ===============================================================================
array         dtype    what it is
============  =======  ===============================================================================
``header``    uint8    JSON in UTF-8: ``format`` ("circuitsim trace"), ``version`` (1), the circuit's
                       ``name``, its ``nodes``, and ``shapes``, the table of shapes that occur
``wires``     int64    one row (source, target, port) a wire, grouped by source, in wiring order
``kind``      int8     one a record, as in `Kind`; so are the next four
``where``     int64    the number of the wire for messages, of the node for firings
``tag``       int64    the example
``start``     float64  in ticks
``end``       float64  in ticks
``held``      int64    the nodes whose values were known when the trace began
``given``     int64    the parameters and constants, which have a value of their own
``shape``     int32    for each value its place in ``shapes``: first the records' values, then those of
                       ``held``, then those of ``given``
``numbers``   float64  the elements of all these values, one after the other, in C order
============  =======  ===============================================================================

A node has ``name``, ``kind`` and, if it is a gate, ``gate`` (the name in the registry), ``symbol``, ``ports`` and
``attributes``; JSON lists stand for lists, and what JSON lacks is tagged: ``{"tuple": […]}``, ``{"slice": […]}``,
``{"array": […]}``, ``{"dict": [[key, value], …]}``, ``{"float": "nan"}``. Readers ignore arrays and keys that they do
not know; the version rises when an old reader would misread a new file.

Gates are looked up by name. One that is not defined where the file is opened keeps its name, symbol and ports, so
the trace can be shown, but it computes nothing.
"""

import json
import math
import struct
import zipfile
import zlib
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from circuitsim.errors import CircuitSimError, LoadError, SaveError
from circuitsim.files import check_path, writing
from circuitsim.gates import Gate, registry
from circuitsim.gates.placeholder import placeholder
from circuitsim.gates.value import Value, shape_of
from circuitsim.netlist import Netlist, Node, Wiring
from circuitsim.trace.records import Kind, Trace

__all__ = ["FORMAT", "SUFFIX", "VERSION", "load", "save"]

FORMAT = "circuitsim trace"
VERSION = 1
SUFFIX = ".trace"


def save(trace: Trace, path: str | PathLike[str]) -> None:
    """Write a trace to a file; the suffix must be ``.trace``.

    Raises
    ------
    SaveError
        If the suffix is another, the file cannot be written, or an attribute of a gate cannot be put in words.
    """
    path = check_path(path, (SUFFIX,))
    netlist = trace.netlist
    held, given = sorted(trace.held), [i for i, node in enumerate(netlist.nodes) if node.value is not None]
    records = list(trace)
    values = [record.value for record in records] + [trace.held[i] for i in held]
    values += [value for i in given if (value := netlist.nodes[i].value) is not None]
    shapes: dict[tuple[int, ...], int] = {}
    shape = [shapes.setdefault(shape_of(value), len(shapes)) for value in values]
    header = {
        "format": FORMAT,
        "version": VERSION,
        "name": netlist.name,
        "nodes": [_pack_node(node) for node in netlist.nodes],
        "shapes": [list(shape) for shape in shapes],
    }
    arrays = {
        "header": np.frombuffer(json.dumps(header, allow_nan=False).encode(), np.uint8),
        "wires": np.array(netlist.wires, np.int64).reshape(-1, 3),
        "kind": np.array([record.kind for record in records], np.int8),
        "where": np.array([record.where for record in records], np.int64),
        "tag": np.array([record.tag for record in records], np.int64),
        "start": np.array([record.start for record in records], np.float64),
        "end": np.array([record.end for record in records], np.float64),
        "held": np.array(held, np.int64),
        "given": np.array(given, np.int64),
        "shape": np.array(shape, np.int32),
        "numbers": np.concatenate([np.ravel(value) for value in values]) if values else np.zeros(0),
    }
    with writing(path) as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load(path: str | PathLike[str]) -> Trace:
    """Read a trace from a file.

    Raises
    ------
    LoadError
        If there is no such file, or it is no trace file, is cut off or damaged, or is of a newer version.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if (damaged := archive.testzip()) is not None:  # numpy need not read to the end, where the checksum stands
                raise zipfile.BadZipFile(damaged)
        with np.load(path, allow_pickle=False) as arrays:
            header = _read_header(path, arrays)
            return _restore(header, {name: arrays[name] for name in _COLUMNS})
    except CircuitSimError:
        raise
    except OSError as error:
        raise LoadError(f"cannot read {str(path)!r}: {error.strerror or error}") from None
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError):
        raise LoadError(_not_a_trace(path)) from None
    except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError):
        raise LoadError(f"{str(path)!r} is damaged: what is in it is not a trace; save it anew") from None


_COLUMNS = ("wires", "kind", "where", "tag", "start", "end", "held", "given", "shape", "numbers")


def _not_a_trace(path: Path) -> str:
    with path.open("rb") as file:
        begins_well = file.read(2) == b"PK"
    if begins_well:
        return f"{str(path)!r} is cut off or damaged: save the trace again, or copy the file anew"
    return f"{str(path)!r} is no trace file: give one that trace.save('NAME{SUFFIX}') wrote"


def _read_header(path: Path, arrays: Any) -> dict[str, Any]:
    header = json.loads(arrays["header"].tobytes()) if "header" in arrays else None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise LoadError(f"{str(path)!r} is no trace file: give one that trace.save('NAME{SUFFIX}') wrote")
    if header.get("version") != VERSION:
        raise LoadError(
            f"{str(path)!r} is a trace file of version {header.get('version')!r}, this circuitsim reads version "
            f"{VERSION}: update circuitsim"
        )
    return header


def _restore(header: dict[str, Any], arrays: dict[str, Any]) -> Trace:
    """Build the trace; whatever does not fit together raises one of the errors that `load` translates."""
    shapes = [tuple(int(length) for length in shape) for shape in header["shapes"]]
    values = _split(arrays["numbers"], [shapes[i] for i in arrays["shape"].tolist()])
    length = len(arrays["kind"])
    held, given = arrays["held"].tolist(), arrays["given"].tolist()
    own = dict(zip(given, values[length + len(held) :], strict=True))
    nodes = [_unpack_node(entry, own.get(index)) for index, entry in enumerate(header["nodes"])]
    wires = [Wiring(*row) for row in arrays["wires"].tolist()]
    netlist = Netlist.from_tables(header["name"], nodes, wires)
    trace = Trace(netlist, dict(zip(held, values[length : length + len(held)], strict=True)))
    if not set(held) <= set(range(len(nodes))):
        raise ValueError
    columns = [arrays[name].tolist() for name in ("kind", "where", "tag", "start", "end")]
    for kind, where, *rest in zip(*columns, values[:length], strict=True):
        places = len(wires) if Kind(kind) in (Kind.VALUE, Kind.GRADIENT) else len(nodes)
        if not 0 <= where < places:
            raise ValueError
        trace.record(kind, where, *rest)
    return trace


def _split(numbers: Any, shapes: list[tuple[int, ...]]) -> list[Value]:
    sizes = [math.prod(shape) for shape in shapes]
    if sum(sizes) != len(numbers) or numbers.dtype != np.float64:
        raise ValueError
    values: list[Value] = []
    at = 0
    for size, shape in zip(sizes, shapes, strict=True):
        values.append(numbers[at : at + size].reshape(shape) if shape else float(numbers[at]))
        at += size
    return values


def _pack_node(node: Node) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": node.name, "kind": node.kind}
    if node.gate is not None:
        entry |= {"gate": node.gate.name, "symbol": node.gate.symbol, "ports": list(node.gate.ports)}
        if node.attributes:
            entry["attributes"] = {key: _pack(value, key, node.name) for key, value in node.attributes.items()}
    return entry


def _unpack_node(entry: dict[str, Any], value: Value | None) -> Node:
    name, kind = entry["name"], entry["kind"]
    if not isinstance(name, str) or kind not in ("input", "parameter", "constant", "gate", "output"):
        raise ValueError
    if (kind == "gate") != ("gate" in entry) or (kind in ("parameter", "constant")) != (value is not None):
        raise ValueError
    if kind != "gate":
        return Node(name, kind, value=value)
    attributes = {key: _unpack(packed) for key, packed in entry.get("attributes", {}).items()}
    return Node(name, kind, _find_gate(entry, attributes), attributes or None)


def _find_gate(entry: dict[str, Any], attributes: Iterable[str]) -> Gate:
    """Return the gate that is known under the saved name, or one that only shows itself."""
    name, ports = entry["gate"], entry["ports"]
    known = registry.get(name) and registry[name].for_inputs(len(ports))
    if known is not None and list(known.ports) == ports:
        return known
    return placeholder(name, entry["symbol"], ports, attributes)


def _pack(thing: Any, key: str, where: str) -> Any:
    """Return an attribute as JSON can hold it."""
    if isinstance(thing, np.generic):
        thing = thing.item()
    if thing is None or isinstance(thing, bool | int | str):
        return thing
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else {"float": repr(thing)}
    if isinstance(thing, slice):
        return {"slice": [_pack(part, key, where) for part in (thing.start, thing.stop, thing.step)]}
    if isinstance(thing, np.ndarray) and thing.dtype.kind in "bifu":
        return {"array": _pack(thing.tolist(), key, where)}
    if isinstance(thing, list | tuple):
        packed = [_pack(element, key, where) for element in thing]
        return packed if isinstance(thing, list) else {"tuple": packed}
    if isinstance(thing, dict):
        return {"dict": [[_pack(k, key, where), _pack(v, key, where)] for k, v in thing.items()]}
    raise SaveError(
        f"attribute {key!r} of gate {where!r} is a {type(thing).__name__}, which no trace file can hold: "
        "use numbers, texts, lists, tuples, slices or arrays"
    )


def _unpack(packed: Any) -> Any:
    if isinstance(packed, list):
        return [_unpack(element) for element in packed]
    if not isinstance(packed, dict):
        return packed
    ((tag, content),) = packed.items()
    made: dict[str, Any] = {
        "float": float,
        "slice": lambda parts: slice(*_unpack(parts)),
        "array": lambda rows: np.array(_unpack(rows)),
        "tuple": lambda elements: tuple(_unpack(elements)),
        "dict": lambda pairs: {_unpack(key): _unpack(value) for key, value in pairs},
    }
    return made[tag](content)
