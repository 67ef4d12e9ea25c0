"""Checkpoints: all that a training needs to go on as if it had never stopped, in one file.

The file is a NumPy archive (``.npz``) without pickles; ``numpy.load(path)["w1"]`` is the parameter w1. Its entries:

==================  =======  ===========================================================================================
entry               dtype    what it is
==================  =======  ===========================================================================================
``header``          text     JSON: ``format``, ``version``, the fields in `HEADER`
``circuit``         text     JSON: the circuit's structure, see `circuitsim.circuit.structure`, without first values
``w1``              float64  the value of parameter w1
``state/0/w1``      float64  what its rule remembers, part 0 and so on, each in its shape
``updates/now``     int64    how often each parameter has responded
``best/w1``         float64  the same three for the best evaluation, if there was one: ``best/state/0/w1``,
                             ``updates/best``
``history/w1``      float64  its values at the evaluations that kept them, along the first axis
``curve/losses``    float64  the curves of the history, see `CURVES`
``extra/scale``     float64  what a trainer keeps besides, under names of its own
``checksum``        uint8    the SHA-256 of all others
==================  =======  ===========================================================================================

An entry bears the name of its parameter, unless that begins with one of these words and a slash, is one of the names
without a slash, ends with ".npy", has a backslash or a letter that cannot be printed, or has more than 200 letters:
then it is called ``parameter/3``, by its number in the order in which parameters were added.

The reader and the writer share one table of all entries with their types and shapes, `_table`. The reader believes
nothing: it reads the header up to a fixed length and checks each field, compares the circuit with its own, and then
unpacks what the table lists and no more.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import pairwise
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuitsim import checks
from circuitsim.circuit import structure
from circuitsim.circuit.netlist import Netlist
from circuitsim.circuit.plain_data import pack, read_json, unpack
from circuitsim.errors import CircuitError, LoadError, SaveError
from circuitsim.files import Archive, ArchiveError, check_path, quoted, reading_arrays, write_arrays, writing
from circuitsim.gates.shapes import Shape
from circuitsim.gates.value import Value, as_value, shape_of
from circuitsim.learning.history import MOST_POINTS, Curve, Evaluation, History
from circuitsim.rules import Memory, Rule

__all__ = ["Best", "Checkpoint"]

FORMAT = "circuitsim checkpoint"
VERSION = 3
MOST_LETTERS = 2**25  # in the header; in the circuit, where it is larger, four times what this circuit has
MOST_BYTES = 2**28  # in history, curves and extras; the rest is as large as the circuit makes it
MOST_EXTRAS = 1000
#: The curves of a history.
CURVES = ("losses", "gradient_norms", "ticks")
_JUDGED = (
    "iteration", "cost", "accuracy", "r2", "validation_cost", "validation_accuracy", "validation_r2", "ticks",
)  # fmt: skip
_WORDS = ("state", "updates", "best", "history", "curve", "extra", "parameter")
_NAMES = ("header", "circuit", "checksum")
_Table = dict[str, tuple[Any, tuple[int, ...]]]


class Best(NamedTuple):
    """The evaluation with the lowest cost: its cost, iteration and number, and what the parameters remembered."""

    cost: float
    iteration: int
    number: int
    memory: dict[str, Memory]


@dataclass
class Checkpoint:
    """A training at rest: what the parameters remember, now and at best, its history, and where its choices stand.

    `extra` holds what a trainer keeps besides, by name: a number, an array, or None for what there is not yet.
    """

    memory: dict[str, Memory]
    best: Best | None
    history: History
    sampler: dict[str, Any] | None
    seed: int
    extra: dict[str, Value | None] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)

    def save(self, path: str | PathLike[str], netlist: Netlist, rule: Rule, optimizer: str) -> None:
        """Write it to a ``.npz`` file, which is never left half-written.

        Parameters
        ----------
        path : path-like
            Where to.
        netlist : Netlist
            The circuit that is trained.
        rule : Rule
            By which its parameters respond.
        optimizer : str
            What to compare with the optimizer of who loads it.

        Raises
        ------
        SaveError
            If the suffix is another, the system will not write it, or it is nothing that `load` would take.
        """
        path = check_path(path, (".npz",))
        curves: dict[str, Curve] = {name: getattr(self.history, name) for name in CURVES}
        evaluations = self.history.evaluations
        kept = [number for number, entry in enumerate(evaluations) if entry.parameters]
        best = self.best and {"cost": self.best.cost, "iteration": self.best.iteration, "number": self.best.number}
        header = {
            "format": FORMAT,
            "version": VERSION,
            "optimizer": optimizer,
            "seed": self.seed,
            "sampler": self.sampler,
            "classes": self.classes,
            "ended": self.history.ended,
            "elapsed": pack(self.history.elapsed),
            "in_force": self.history.in_force,
            "evaluations": [pack([getattr(entry, name) for name in _JUDGED]) for entry in evaluations],
            "kept": kept,
            "curves": {name: [len(curve), curve.every, curve.total] for name, curve in curves.items()},
            "best": best and best | {"cost": pack(best["cost"])},
            "extra": {name: None if value is None else shape_of(value) for name, value in self.extra.items()},
        }
        try:
            texts = {
                "header": json.dumps(header, allow_nan=False),
                "circuit": json.dumps(netlist.structure(), allow_nan=False),
            }
        except CircuitError as error:
            raise SaveError(f"cannot save {quoted(path)}: {error}") from None
        arrays: dict[str, Any] = {name: np.array(text) for name, text in texts.items()}
        for key, name in _keys(netlist).items():
            arrays |= _pack("", key, self.memory[name])
            arrays |= _pack("best/", key, self.best.memory[name]) if self.best else {}
            if kept:
                arrays[f"history/{key}"] = np.array([evaluations[number].parameters[name] for number in kept])
        memories = {"now": self.memory} | ({"best": self.best.memory} if self.best else {})
        for when, memory in memories.items():
            arrays[f"updates/{when}"] = np.array([memory[name].updates for name in _keys(netlist).values()], np.int64)
        arrays |= {f"curve/{name}": np.array(curve.values, np.float64) for name, curve in curves.items()}
        arrays |= {f"extra/{name}": np.asarray(value) for name, value in self.extra.items() if value is not None}
        arrays = {name: np.array(array, order="C") for name, array in arrays.items()}
        try:
            if len(texts["header"]) > MOST_LETTERS:
                raise ArchiveError(f"would have a header of more than {MOST_LETTERS} letters")
            table = _table(header, netlist, rule)
            if odd := sorted(set(table) ^ (set(arrays) - {"header", "circuit"})):
                raise ArchiveError(f"would have or lack an entry {odd[0]!r}")
            for name, (dtype, shape) in table.items():
                if arrays[name].dtype != dtype or arrays[name].shape != shape:
                    raise ArchiveError(
                        f"would have {name!r} in shape {arrays[name].shape}, in the circuit it is {shape}"
                    )
        except ArchiveError as error:
            raise SaveError(f"cannot save {quoted(path)}: it {error}, and could not be loaded") from None
        arrays["checksum"] = _checksum(arrays)
        with writing(path) as file:
            write_arrays(file, {name: partial(arrays.get, name) for name in arrays})

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        netlist: Netlist,
        rule: Rule,
        optimizer: str,
        extra: Mapping[str, Shape] | None = None,
    ) -> "Checkpoint":
        """Read what `save` wrote; all is checked before anything is returned.

        Parameters
        ----------
        path : path-like
            The file.
        netlist : Netlist
            The circuit that is trained.
        rule : Rule
            By which its parameters respond.
        optimizer : str
            What was given to `save`.
        extra : mapping of str to tuple, optional
            The names of the extras that must be there, with their shapes; a length of None may be any. Each may be None
            in the file.

        Raises
        ------
        LoadError
            If there is no such file, it is no checkpoint, it is damaged, or it is of another version, circuit or
            optimizer, or has other extras.
        """
        path = checks.path(path, error=LoadError)
        keys = _keys(netlist)
        parts = max((len(rule.start(value)) for value in _first(netlist).values()), default=0)
        most = len(keys) * (3 + 2 * parts) + len(CURVES) + MOST_EXTRAS + 10
        try:
            with reading_arrays(path, most) as archive:
                header_text, header = _read_header(path, archive)
                circuit_text = _check_circuit(path, archive, netlist)
                _check_optimizer(path, header["optimizer"], optimizer)
                _check_extra(path, header["extra"], extra or {})
                table = _table(header, netlist, rule)
                if odd := sorted(set(archive.sizes) ^ ({*table, *_NAMES})):
                    raise ArchiveError(f"is damaged: it has or lacks an entry {odd[0]!r}")
                arrays = {name: archive.read(name, *due) for name, due in table.items()}
                texts = {"header": np.array(header_text), "circuit": np.array(circuit_text)}
                if archive.read("checksum", np.uint8, (32,)).tobytes() != _checksum(texts | arrays).tobytes():
                    raise ArchiveError("is damaged: its checksum is another")
                if any((arrays[f"updates/{when}"] < 0).any() for when in _whens(header)):
                    raise ArchiveError("is damaged: a parameter has responded less than never")
                history = _history(header, keys, arrays)
        except ArchiveError as error:
            raise LoadError(f"cannot load {quoted(path)}: it {error}; give a file that Trainer.save wrote") from None
        best = header["best"]
        extras = {name: None if lengths is None else as_value(arrays[f"extra/{name}"])
                  for name, lengths in header["extra"].items()}  # fmt: skip
        return cls(
            _unpack("", "now", keys, arrays),
            best and Best(float(unpack(best["cost"])), best["iteration"], best["number"],
                          _unpack("best/", "best", keys, arrays)),
            history,
            header["sampler"],
            header["seed"],
            extras,
            header["classes"],
        )  # fmt: skip


# -- the table ----------------------------------------------------------------------------------------------------


def _table(header: Mapping[str, Any], netlist: Netlist, rule: Rule) -> _Table:
    """Return all entries but the texts and the checksum, with their types and shapes.

    Raises
    ------
    ArchiveError
        If they would take too much memory.
    """
    table: _Table = {}
    limited: _Table = {f"curve/{name}": (np.float64, (length,)) for name, (length, _, _) in header["curves"].items()}
    first, keys = _first(netlist), _keys(netlist)
    for when in _whens(header):
        table[f"updates/{when}"] = (np.int64, (len(keys),))
    for key, name in keys.items():
        shape = shape_of(first[name])
        for when in _whens(header):
            prefix = "" if when == "now" else "best/"
            table[f"{prefix}{key}"] = (np.float64, shape)
            for number in range(len(rule.start(first[name]))):
                table[f"{prefix}state/{number}/{key}"] = (np.float64, shape)
        if header["kept"]:
            limited[f"history/{key}"] = (np.float64, (len(header["kept"]), *shape))
    for name, lengths in header["extra"].items():
        if lengths is not None:
            limited[f"extra/{name}"] = (np.float64, tuple(lengths))
    size = sum(8 * math.prod(shape) for _, shape in limited.values())
    if size > MOST_BYTES or len(header["extra"]) > MOST_EXTRAS:
        raise ArchiveError(f"would take {size} bytes for its history and extras, more than {MOST_BYTES}")
    return table | limited


def _whens(header: Mapping[str, Any]) -> list[str]:
    """Return of which moments parameters are kept with all that they remember."""
    return ["now"] if header["best"] is None else ["now", "best"]


def _first(netlist: Netlist) -> dict[str, Value]:
    """Return the first values of the parameters."""
    values = {name: netlist.nodes[index].value for name, index in netlist.of_kind("parameter").items()}
    return {name: value for name, value in values.items() if value is not None}


def _keys(netlist: Netlist) -> dict[str, str]:
    """Return under which names entries know the parameters."""
    keys = {}
    for number, name in enumerate(netlist.of_kind("parameter")):
        own = name in _NAMES or name.partition("/")[0] in _WORDS
        fits = name.isprintable() and "\\" not in name and len(name) <= 200 and not name.endswith(".npy")
        keys[name if fits and not own else f"parameter/{number}"] = name
    return keys


def _pack(prefix: str, key: str, memory: Memory) -> dict[str, Any]:
    """Return the arrays that keep what a parameter remembers."""
    parts = {f"{prefix}state/{number}/{key}": np.asarray(part) for number, part in enumerate(memory.state)}
    return {f"{prefix}{key}": np.asarray(memory.value)} | parts


def _unpack(prefix: str, when: str, keys: Mapping[str, str], arrays: Mapping[str, NDArray[Any]]) -> dict[str, Memory]:
    """Undo `_pack` for all parameters."""
    memory = {}
    for (key, name), updates in zip(keys.items(), arrays[f"updates/{when}"].tolist(), strict=True):
        state: list[Value] = []
        while (part := f"{prefix}state/{len(state)}/{key}") in arrays:
            state.append(as_value(arrays[part]))
        memory[name] = Memory(as_value(arrays[f"{prefix}{key}"]), tuple(state), updates)
    return memory


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """Return what changes if any name, type, shape or byte of these arrays does."""
    total = sha256()
    for name in sorted(arrays):
        array = arrays[name]
        total.update(repr((name, array.dtype.str, array.shape)).encode())
        total.update(array.tobytes())
    return np.frombuffer(total.digest(), np.uint8)


# -- the history --------------------------------------------------------------------------------------------------


def _history(header: Mapping[str, Any], keys: Mapping[str, str], arrays: Mapping[str, NDArray[Any]]) -> History:
    """Return the history, each evaluation with the parameters that it kept.

    Raises
    ------
    ArchiveError
        If its parts do not fit together.
    """
    curves = {
        name: Curve(arrays[f"curve/{name}"].tolist(), every, total)
        for name, (_, every, total) in header["curves"].items()
    }
    iterations = curves["losses"].total
    if curves["gradient_norms"].total != iterations or curves["ticks"].total not in (0, iterations):
        raise ArchiveError("is damaged: its curves have different lengths")
    if not all(map(math.isfinite, (number for curve in curves.values() for number in curve))):
        raise ArchiveError("is damaged: its curves are not finite")
    evaluations = []
    places = {number: place for place, number in enumerate(header["kept"])}
    for number, judged in enumerate(header["evaluations"]):
        kept = {name: as_value(arrays[f"history/{key}"][places[number]]) for key, name in keys.items()
                if number in places}  # fmt: skip
        row = dict(zip(_JUDGED, unpack(judged), strict=True))
        evaluations.append(Evaluation(**row, parameters=kept))
    done = [entry.iteration for entry in evaluations]
    if any(before >= after for before, after in pairwise(done)) or max(done, default=0) > iterations:
        raise ArchiveError("is damaged: its evaluations are not in order")
    best = header["best"]
    if best is not None and (best["number"] > len(done) or best["iteration"] > iterations):
        raise ArchiveError("is damaged: its best evaluation is none of them")
    if header["in_force"] >= len(done):
        raise ArchiveError("is damaged: the evaluation in force is none of them")
    return History(
        curves["losses"],
        curves["gradient_norms"],
        curves["ticks"],
        evaluations,
        unpack(header["elapsed"]),
        header["in_force"],
        header["ended"],
    )


# -- the header ---------------------------------------------------------------------------------------------------


def _whole(thing: Any, least: int = 0, below: int = 2**63) -> bool:
    return type(thing) is int and least <= thing < below


def _number(thing: Any) -> bool:
    """Tell whether it is a float, or an infinity or a nan as JSON has it here."""
    try:
        return type(unpack(thing)) is float
    except ValueError:
        return False


def _numbers(thing: Any, below: int = 2**63) -> bool:
    return isinstance(thing, list) and all(_whole(number, below=below) for number in thing)


def _fields(thing: Any, checks_of: Mapping[str, Callable[[Any], bool]]) -> bool:
    """Tell whether it has exactly these fields, each as it should be."""
    return (
        isinstance(thing, dict)
        and thing.keys() == checks_of.keys()
        and all(check(thing[name]) for name, check in checks_of.items())
    )


def _is_sampler(thing: Any) -> bool:
    if thing is None:
        return True
    count = thing.get("count") if isinstance(thing, dict) else None
    if type(count) is not int or count < 1:
        return False
    wide = partial(_whole, below=2**128)
    numbers: dict[str, Callable[[Any], bool]] = {"state": wide, "inc": wide}
    random: dict[str, Callable[[Any], bool]] = {
        "bit_generator": lambda name: isinstance(name, str) and name == "PCG64",
        "state": lambda state: _fields(state, numbers),
        "has_uint32": partial(_whole, below=2),
        "uinteger": partial(_whole, below=2**32),
    }
    ways = ("random", "shuffled", "in order")
    fields: dict[str, Callable[[Any], bool]] = {
        "order": lambda order: order in ways if isinstance(order, str) else _numbers(order, count),
        "count": _whole,
        "random": lambda state: _fields(state, random),
        "queue": lambda queue: _numbers(queue, count),
        "taken": _whole,
    }
    return _fields(thing, fields)


def _is_curve(thing: Any) -> bool:
    """Tell whether it is the length of a curve, its stride, and the number of iterations that go with them."""
    if not _numbers(thing, 2**40) or len(thing) != 3 or not thing[1]:
        return False
    length, every, total = thing
    return bool(length == -(-total // every)) and length <= 2 * MOST_POINTS


def _is_best(thing: Any) -> bool:
    return thing is None or _fields(thing, {"cost": _number, "iteration": _whole, "number": partial(_whole, least=1)})


def _is_evaluation(row: Any) -> bool:
    return (
        isinstance(row, list)
        and len(row) == len(_JUDGED)
        and _whole(row[0])
        and _number(row[1])
        and all(number is None or _number(number) for number in row[2:])
    )


def _is_extra(thing: Any) -> bool:
    return isinstance(thing, dict) and all(
        shape is None or (_numbers(shape, 2**40) and len(shape) <= 32) for shape in thing.values()
    )


#: The fields of the header besides format and version, and whether what they hold can be.
HEADER: dict[str, Callable[[Any], bool]] = {
    "optimizer": lambda text: isinstance(text, str),
    "seed": lambda seed: type(seed) is int and seed >= 0,
    "sampler": _is_sampler,
    "classes": lambda names: isinstance(names, list) and all(isinstance(name, str) for name in names),
    "ended": lambda text: isinstance(text, str),
    "elapsed": lambda ticks: _number(ticks) and unpack(ticks) >= 0.0,
    "in_force": lambda number: type(number) is int and number >= -1,
    "evaluations": lambda rows: isinstance(rows, list) and all(map(_is_evaluation, rows)),
    "kept": lambda numbers: _numbers(numbers) and numbers == sorted(set(numbers)),
    "curves": lambda curves: _fields(curves, dict.fromkeys(CURVES, _is_curve)),
    "best": _is_best,
    "extra": _is_extra,
}


def _read_header(path: str, archive: Archive) -> tuple[str, dict[str, Any]]:
    """Return the header as a text and as its checked fields."""
    if "header" not in archive.sizes:
        raise ArchiveError("is no checkpoint")
    text = archive.read_text("header", MOST_LETTERS)
    try:
        header = read_json(text)
    except ValueError:
        raise ArchiveError("is damaged: its header is no JSON") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ArchiveError("is no checkpoint")
    if not _whole(version := header.get("version")) or version != VERSION:
        newer = _whole(version, VERSION)
        raise LoadError(
            f"{quoted(path)} is a checkpoint of version {_few(version)}, this circuitsim reads version {VERSION}: "
            + ("update circuitsim" if newer else "train anew")
        )
    if odd := sorted({*HEADER, "format", "version"} ^ set(header)):
        raise ArchiveError(f"is damaged: its header has or lacks a field {_few(odd[0])}")
    for name, check in HEADER.items():
        if not check(header[name]):
            raise ArchiveError(f"is damaged: {name!r} in its header cannot be {_few(header[name])}")
    if header["kept"] and header["kept"][-1] >= len(header["evaluations"]):
        raise ArchiveError("is damaged: it keeps parameters of evaluations that it has not")
    return text, header


def _check_circuit(path: str, archive: Archive, netlist: Netlist) -> str:
    """Return the text of the circuit if it is this one, else name the first difference."""
    here = netlist.structure()
    mine = json.dumps(here, allow_nan=False)
    text = archive.read_text("circuit", MOST_LETTERS // 2 + 4 * len(mine))
    if text != mine:
        try:
            there = structure.parse(text)
        except LoadError:
            raise ArchiveError("is damaged: its circuit cannot be read") from None
        if told := structure.difference(there, here, "the checkpoint's circuit"):
            raise LoadError(f"cannot load {quoted(path)}: {told}; make the circuit as it was when this was saved")
    return text


def _check_optimizer(path: str, there: str, here: str) -> None:
    if there != here:
        raise LoadError(
            f"cannot load {quoted(path)}: optimizer {_line(there)} there, {_line(here)} here; give the trainer the one "
            "that it was saved with"
        )


def _check_extra(path: str, there: Mapping[str, Any], due: Mapping[str, Shape]) -> None:
    """Refuse extras that are not those that the training has."""
    for name in sorted(there.keys() | due.keys()):
        if name not in due or name not in there:
            one, two = ("has", "has not") if name in there else ("has no", "has")
            raise LoadError(f"cannot load {quoted(path)}: it {one} {_few(name)}, which this training {two}")
        found = there[name]
        if found is None:
            continue
        if len(found) != len(due[name]) or any(
            want not in (None, length) for want, length in zip(due[name], found, strict=True)
        ):
            raise LoadError(f"cannot load {quoted(path)}: {name!r} has shape {tuple(found)} there, {due[name]} here")


def _few(thing: Any) -> str:
    """Write what was read for people, in few letters."""
    return _line(repr(thing) if not isinstance(thing, Iterable) or len(thing) < 20 else f"a {type(thing).__name__}")  # type: ignore[arg-type]


def _line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 100 else text[:97] + "..."
