"""Checkpoints: all that a training needs to go on as if it had never stopped, in one file.

The file is a NumPy archive (``.npz``) without pickles. Its entry ``header`` is a JSON text with the format's version,
a fingerprint of the circuit, the optimizer's settings, the history, the state of the random choice, and the names of
all other entries, so that none can get lost. Parameters are numbered in the order in which they were added to the
circuit: ``now/3/value``, ``now/3/updates``, ``now/3/state0`` and so on are what number 3 remembers, ``best/3/...`` the
same for the best evaluation, and ``history/12/3`` is its value at evaluation 12.
"""

import json
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuitsim import checks
from circuitsim.circuit.netlist import Netlist
from circuitsim.errors import LoadError
from circuitsim.files import check_path, writing
from circuitsim.gates.value import Value, as_value
from circuitsim.learning.history import Curve, Evaluation, History
from circuitsim.rules import Memory

__all__ = ["Best", "Checkpoint"]

FORMAT = "circuitsim checkpoint"
VERSION = 2
_JUDGED = (
    "iteration", "cost", "accuracy", "r2", "validation_cost", "validation_accuracy", "validation_r2", "ticks",
)  # fmt: skip


class Best(NamedTuple):
    """The evaluation with the lowest cost: its cost, iteration and number, and what the parameters remembered."""

    cost: float
    iteration: int
    number: int
    memory: dict[str, Memory]


@dataclass
class Checkpoint:
    """A training at rest: what the parameters remember, now and at best, its history, and where its choices stand."""

    memory: dict[str, Memory]
    best: Best | None
    history: History
    sampler: dict[str, Any] | None
    seed: int

    def save(self, path: str | PathLike[str], netlist: Netlist, optimizer: str) -> None:
        """Write it to a ``.npz`` file, which is never left half-written.

        Raises
        ------
        SaveError
            If the suffix is another, or the system will not write it.
        """
        path = check_path(path, (".npz",))
        best = self.best and {"cost": self.best.cost, "iteration": self.best.iteration, "number": self.best.number}
        history = self.history
        header = {
            "format": FORMAT,
            "version": VERSION,
            "circuit": netlist.fingerprint(),
            "optimizer": optimizer,
            "losses": _curve(history.losses),
            "gradient_norms": _curve(history.gradient_norms),
            "ticks": _curve(history.ticks),
            "elapsed": history.elapsed,
            "in_force": history.in_force,
            "ended": history.ended,
            "evaluations": [[getattr(entry, name) for name in _JUDGED] for entry in history.evaluations],
            "sampler": self.sampler,
            "seed": self.seed,
            "best": best,
        }
        arrays = _pack("now", self.memory) | (_pack("best", self.best.memory) if self.best else {})
        for number, entry in enumerate(history.evaluations):
            arrays |= {f"history/{number}/{place}": value for place, value in enumerate(entry.parameters.values())}
        header["arrays"] = sorted(arrays)
        with writing(path) as file:
            np.savez_compressed(file, allow_pickle=False, header=np.array(json.dumps(header)), **arrays)

    @classmethod
    def load(cls, path: str | PathLike[str], netlist: Netlist, optimizer: str) -> "Checkpoint":
        """Read what `save` wrote.

        Raises
        ------
        LoadError
            If there is no such file, it is no checkpoint, it is damaged, or it is of another version, circuit or
            optimizer.
        """
        header, arrays = _read(path)
        wanted = {"circuit": netlist.fingerprint(), "optimizer": optimizer}
        for what, thing in wanted.items():
            if header[what] != thing:
                raise LoadError(
                    f"cannot load {str(path)!r}: its {what} is {header[what]}, that of this training is {thing}; "
                    "make circuit and trainer as they were when it was saved"
                )
        names = list(netlist.of_kind("parameter"))
        evaluations = []
        for number, judged in enumerate(header["evaluations"]):
            values = [arrays.get(f"history/{number}/{place}") for place in range(len(names))]
            parameters = {name: as_value(value) for name, value in zip(names, values, strict=True) if value is not None}
            evaluations.append(Evaluation(**dict(zip(_JUDGED, judged, strict=True)), parameters=parameters))
        history = History(
            losses=Curve(*header["losses"]),
            gradient_norms=Curve(*header["gradient_norms"]),
            ticks=Curve(*header["ticks"]),
            evaluations=evaluations,
            elapsed=header["elapsed"],
            in_force=header["in_force"],
            ended=header["ended"],
        )
        best = header["best"] and Best(**header["best"], memory=_unpack("best", names, arrays))
        return cls(_unpack("now", names, arrays), best, history, header["sampler"], header["seed"])


def _curve(curve: Curve) -> list[Any]:
    return [curve.values, curve.every, curve.total]


def _read(path: str | PathLike[str]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the header and the arrays of a checkpoint, or raise `LoadError`."""
    try:
        with open(checks.path(path, error=LoadError), "rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(str(arrays.pop("header")))
        reason = "it is no checkpoint"
        if header["format"] == FORMAT:
            _check_version(path, header.get("version"))
            if header.get("arrays", sorted(arrays)) == sorted(arrays):
                return header, arrays
            reason = "it is damaged"
    except LoadError:
        raise
    except OSError as error:
        reason = error.strerror or "it is damaged"
    except Exception:  # a damaged archive fails in many ways
        reason = "it is damaged or no checkpoint"
    raise LoadError(f"cannot load {str(path)!r}: {reason}; give a file that Trainer.save wrote")


def _check_version(path: str | PathLike[str], version: Any) -> None:
    if version != VERSION:
        newer = isinstance(version, int) and version > VERSION
        raise LoadError(
            f"{str(path)!r} is a checkpoint of version {version!r}, this circuitsim reads version {VERSION}: "
            + ("update circuitsim" if newer else "train anew")
        )


def _pack(kind: str, memory: dict[str, Memory]) -> dict[str, Any]:
    """Return the arrays that keep what parameters remember."""
    arrays: dict[str, Any] = {}
    for place, entry in enumerate(memory.values()):
        arrays[f"{kind}/{place}/value"] = entry.value
        arrays[f"{kind}/{place}/updates"] = entry.updates
        arrays |= {f"{kind}/{place}/state{number}": part for number, part in enumerate(entry.state)}
    return arrays


def _unpack(kind: str, names: list[str], arrays: dict[str, NDArray[Any]]) -> dict[str, Memory]:
    """Undo `_pack`."""
    memory = {}
    for place, name in enumerate(names):
        state: list[Value] = []
        while (key := f"{kind}/{place}/state{len(state)}") in arrays:
            state.append(as_value(arrays[key]))
        value, updates = arrays[f"{kind}/{place}/value"], arrays[f"{kind}/{place}/updates"]
        memory[name] = Memory(as_value(value), tuple(state), int(updates))
    return memory
