"""Trace files: a trace as data on disk, complete, compressed, and readable without circuitsim.

A trace file is a ZIP archive of ``.npy`` arrays, what NumPy calls an npz, so ``numpy.load(path)`` opens it. It holds:

============  =======  ===============================================================================
array         dtype    what it is
============  =======  ===============================================================================
``header``    uint8    JSON in UTF-8: ``format`` ("circuitsim trace"), ``version`` (2), the circuit's
                       ``name``, its ``nodes``, ``shapes``, the table of shapes that occur, and
                       ``layout``, the stages and devices of a stream, else null
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
``given``     int64    the parameters and constants, which have a value of their own
``shape``     int32    for each value that is not in a record its place in ``shapes``: first for the records'
                       arrays, then for the values of ``held``, then for those of ``given``
``numbers``   float64  the elements of all these values, one after the other, in C order
============  =======  ===============================================================================

A node has ``name``, ``kind`` and, if it is a gate, ``gate`` (the name in the registry), ``symbol``, ``ports`` and
``attributes``; JSON lists stand for lists, and what JSON lacks is tagged: ``{"tuple": […]}``, ``{"slice": […]}``,
``{"array": […]}``, ``{"dict": [[key, value], …]}``, ``{"float": "nan"}``, ``{"ellipsis": []}``. Readers ignore arrays
and keys that they do not know; the version rises when an old reader would misread a new file.

Gates are looked up by name. One that is not defined where the file is opened keeps its name, symbol and ports, so
the trace can be shown, but it computes nothing.
"""

import json
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from circuitsim import checks
from circuitsim.circuit.netlist import Netlist, Node, Wiring
from circuitsim.errors import CircuitSimError, LoadError, SaveError
from circuitsim.files import check_path, write_arrays, writing
from circuitsim.gates import Gate, registry
from circuitsim.gates.placeholder import placeholder
from circuitsim.gates.value import Value, shape_of
from circuitsim.trace.kinds import ARRAY, COLUMNS, MESSAGES, PIECES, Kind, Layout
from circuitsim.trace.records import Records

__all__ = ["FORMAT", "SUFFIX", "VERSION", "load", "save"]

FORMAT = "circuitsim trace"
VERSION = 2
SUFFIX = ".trace"

AnyTrace = TypeVar("AnyTrace", bound=Records)


def save(trace: Records, path: str | PathLike[str]) -> None:
    """Write a trace to a file; the suffix must be ``.trace``.

    Raises
    ------
    SaveError
        If the suffix is another, the file cannot be written, or an attribute of a gate cannot be put in words.
    """
    path = check_path(path, (SUFFIX,))
    netlist = trace.netlist
    held, given = sorted(trace.held), [i for i, node in enumerate(netlist.nodes) if node.value is not None]
    values = [*trace.arrays, *(trace.held[i] for i in held)]
    values += [value for i in given if (value := netlist.nodes[i].value) is not None]
    shapes: dict[tuple[int, ...], int] = {}
    shape = [shapes.setdefault(shape_of(value), len(shapes)) for value in values]
    header = {
        "format": FORMAT,
        "version": VERSION,
        "name": netlist.name,
        "nodes": [_pack_node(node) for node in netlist.nodes],
        "shapes": [list(shape) for shape in shapes],
        "layout": None if trace.layout is None else _pack_layout(trace.layout),
    }
    arrays: dict[str, Callable[[], Any]] = {
        "header": lambda: np.frombuffer(json.dumps(header, allow_nan=False).encode(), np.uint8),
        "wires": lambda: np.array(netlist.wires, np.int64).reshape(-1, 3),
        **{name: partial(trace.column, name) for name in _RECORDS},
        "held": lambda: np.array(held, np.int64),
        "given": lambda: np.array(given, np.int64),
        "shape": lambda: np.array(shape, np.int32),
        "numbers": lambda: np.concatenate([np.ravel(value) for value in values]) if values else np.zeros(0),
    }
    with writing(path) as file:
        write_arrays(file, arrays)


def load(path: str | PathLike[str], form: type[AnyTrace]) -> AnyTrace:
    """Read a trace of this class from a file.

    Raises
    ------
    LoadError
        If there is no such file, or it is no trace file, is cut off or damaged, or is of another version.
    """
    path = Path(checks.path(path, error=LoadError))
    try:
        with zipfile.ZipFile(path) as archive:
            if (damaged := archive.testzip()) is not None:  # numpy need not read to the end, where the checksum stands
                raise zipfile.BadZipFile(damaged)
        with np.load(path, allow_pickle=False) as arrays:
            header = _read_header(path, arrays)
            return _restore(header, {name: arrays[name] for name in _COLUMNS}, form)
    except CircuitSimError:
        raise
    except OSError as error:
        raise LoadError(f"cannot read {str(path)!r}: {error.strerror or error}") from None
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError):
        raise LoadError(_not_a_trace(path)) from None
    except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError, RuntimeError):
        raise LoadError(f"{str(path)!r} is damaged: what is in it is not a trace; save it anew") from None


_RECORDS = COLUMNS.names or ()
_COLUMNS = ("wires", *_RECORDS, "held", "given", "shape", "numbers")


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
        version = header.get("version")
        newer = isinstance(version, int) and version > VERSION
        raise LoadError(
            f"{str(path)!r} is a trace file of version {version!r}, this circuitsim reads version {VERSION}: "
            + ("update circuitsim" if newer else "record the trace anew")
        )
    return header


def _restore(header: dict[str, Any], arrays: dict[str, Any], form: type[AnyTrace]) -> AnyTrace:
    """Build the trace; whatever does not fit together raises one of the errors that `load` translates."""
    columns = np.empty(len(arrays["kind"]), COLUMNS)
    for name in _RECORDS:
        if arrays[name].shape != columns.shape or arrays[name].dtype != COLUMNS[name]:
            raise ValueError
        columns[name] = arrays[name]
    numbered = [arrays[name] for name in ("wires", "held", "given", "shape")]
    if not isinstance(header["name"], str) or any(array.dtype.kind != "i" for array in numbered):
        raise ValueError
    shapes = [tuple(int(length) for length in shape) for shape in header["shapes"]]
    if any(length < 0 for shape in shapes for length in shape) or arrays["shape"].min(initial=0) < 0:
        raise ValueError
    values = _split(arrays["numbers"], [shapes[i] for i in arrays["shape"].tolist()])
    held, given = arrays["held"].tolist(), arrays["given"].tolist()
    count = len(values) - len(held) - len(given)
    own = dict(zip(given, values[count + len(held) :], strict=True))
    nodes = [_unpack_node(entry, own.get(index)) for index, entry in enumerate(header["nodes"])]
    wires = [Wiring(*row) for row in arrays["wires"].tolist()]
    netlist = Netlist.from_tables(header["name"], nodes, wires)
    layout = None if header["layout"] is None else _unpack_layout(header["layout"], netlist)
    if not set(held) | set(given) <= set(range(len(nodes))):
        raise ValueError
    _check(columns, values[:count], netlist, layout)
    return form.of_columns(netlist, dict(zip(held, values[count:], strict=False)), layout, columns, values[:count])  # type: ignore[arg-type]


def _check(columns: Any, arrays: list[Value], netlist: Netlist, layout: Layout | None) -> None:
    """Raise `ValueError` unless every record is of a known kind, happened somewhere, and has its value."""
    has_array = columns["kind"] & ARRAY != 0
    kinds = columns["kind"] & ~ARRAY
    places = np.zeros(len(Kind), np.int64)  # by kind, how many there are of what `where` counts
    places[:] = len(netlist.nodes)
    places[[*MESSAGES, Kind.WAITED, Kind.READ]] = len(netlist.wires)
    places[[*PIECES]] = 0 if layout is None else len(layout.stages)
    places[Kind.OUTAGE] = 0 if layout is None else len(layout.devices)
    if kinds.min(initial=0) < 0 or kinds.max(initial=0) >= len(Kind):
        raise ValueError
    if (columns["where"] < 0).any() or (columns["where"] >= places[kinds]).any():
        raise ValueError
    working = np.isin(kinds, [*PIECES])
    replicas = 1 if layout is None or layout.replicas is None else layout.replicas
    if (columns["detail"] < 0).any() or (columns["detail"][working] >= replicas).any():
        raise ValueError
    if not np.array_equal(columns["value"][has_array], np.arange(len(arrays))):
        raise ValueError
    if not all(isinstance(array, np.ndarray) for array in arrays):
        raise ValueError


def _split(numbers: Any, shapes: list[tuple[int, ...]]) -> list[Value]:
    sizes = [math.prod(shape) for shape in shapes]
    if numbers.shape != (sum(sizes),) or numbers.dtype != np.float64:
        raise ValueError
    values: list[Value] = []
    at = 0
    for size, shape in zip(sizes, shapes, strict=True):
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


def _unpack_layout(entry: dict[str, Any], netlist: Netlist) -> Layout:
    """Return the layout, if it is one of this netlist."""
    layout = Layout(
        devices=tuple(entry["devices"]),
        stages=tuple(tuple(stage) for stage in entry["stages"]),
        homes=tuple(entry["homes"]),
        batch=entry["batch"],
        replicas=entry["replicas"],
        sizes=dict(entry["sizes"]),
        local=entry["local"],
        values=entry["values"],
    )
    gates = [gate for stage in layout.stages for gate in stage]
    counts = [layout.batch, 1 if layout.replicas is None else layout.replicas]
    if not all(type(count) is int and count >= 1 for count in counts):
        raise ValueError
    if not all(type(place) is int and place >= 0 for place in (*layout.homes, *layout.sizes)):
        raise ValueError
    if not all(type(size) in (int, float) and size >= 0 for size in layout.sizes.values()):
        raise ValueError
    if len(layout.homes) != len(layout.stages):
        raise ValueError
    if not isinstance(layout.local, bool) or not isinstance(layout.values, bool):
        raise ValueError
    if not all(isinstance(name, str) for name in layout.devices):
        raise ValueError
    if sorted(gates) != sorted(netlist.of_kind("gate")):
        raise ValueError
    last = layout.device(layout.homes.index(max(layout.homes)), (layout.replicas or 1) - 1) if layout.homes else 0
    if last >= len(layout.devices) - (layout.replicas is not None) or any(
        wire >= len(netlist.wires) for wire in layout.sizes
    ):
        raise ValueError
    return layout


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
    if thing is Ellipsis:
        return {"ellipsis": []}
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
        "ellipsis": lambda _: Ellipsis,
        "slice": lambda parts: slice(*_unpack(parts)),
        "array": lambda rows: np.array(_unpack(rows)),
        "tuple": lambda elements: tuple(_unpack(elements)),
        "dict": lambda pairs: {_unpack(key): _unpack(value) for key, value in pairs},
    }
    return made[tag](content)
