"""Examples: what each input is given for each of them, and their targets, checked once.

An input called ``target`` gets the target, for circuits that compute their own loss. One called ``draw`` gets the
number of the iteration while the circuit is trained and -1 otherwise, which is what `dropout` takes.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitsim.errors import InputError
from circuitsim.gates.value import shape_of
from circuitsim.spelling import nearest, shown

__all__ = ["DRAW", "TARGET", "Examples", "Intake", "Points", "Targets", "some_of"]

TARGET, DRAW = "target", "draw"

#: Examples as rows of an array, or as an array for each input; the first axis counts the examples.
Points: TypeAlias = ArrayLike | Mapping[str, ArrayLike]


def some_of(points: Points, chosen: Any) -> Points:
    """Return some of the points, by number or by a mask."""
    if isinstance(points, Mapping):
        return {name: np.asarray(array)[chosen] for name, array in points.items()}
    some: ArrayLike = np.asarray(points)[chosen]
    return some


class Examples:
    """The inputs of examples with their targets.

    Parameters
    ----------
    inputs : mapping of str to ndarray
        What each input is given; the first axis counts the examples.
    targets : ndarray
        As many targets.
    """

    def __init__(self, inputs: Mapping[str, NDArray[np.float64]], targets: NDArray[np.float64]) -> None:
        self.inputs = inputs
        self.targets = targets

    def take(self, numbers: NDArray[np.int_] | slice) -> "Examples":
        """Return some of them."""
        return Examples({name: array[numbers] for name, array in self.inputs.items()}, self.targets[numbers])

    def one(self, number: int) -> tuple[dict[str, Any], Any]:
        """Return the inputs and the target of one, as plain numbers where they are numbers."""
        columns, targets = self._lists
        return {name: column[number] for name, column in columns.items()}, targets[number]

    @cached_property
    def _lists(self) -> tuple[dict[str, list[Any]], list[Any]]:
        """Inputs and targets as plain numbers, or arrays: made when an example is first shown alone."""
        columns = {name: _alone(array) for name, array in self.inputs.items()}
        return columns, _alone(self.targets)

    def __len__(self) -> int:
        return len(self.targets)


class Intake:
    """Tells what each input of a circuit is given.

    Inputs get the columns of the points in their own order. If there is only one input, it gets whole rows. A mapping
    gives each input an array of its own.

    Parameters
    ----------
    circuit : str
        The circuit's name, for messages.
    inputs : iterable of str
        Its inputs.
    carried : collection of str
        Those that are given what an output was before.
    """

    def __init__(self, circuit: str, inputs: Iterable[str], carried: Sequence[str] = ()) -> None:
        names = list(inputs)
        self.circuit = circuit
        self.features = [name for name in names if name not in (TARGET, DRAW, *carried)]
        self.takes_target, self.takes_draw = TARGET in names, DRAW in names

    def read(self, points: Points) -> dict[str, NDArray[np.float64]]:
        """Return an array for each input but ``target``, ``draw`` and those that are carried.

        Raises
        ------
        InputError
            If they are no finite numbers, or do not fit the circuit.
        """
        if isinstance(points, Mapping):
            return self._read_mapping(points)
        rows = _numbers(points, "the points", "rows of numbers, all of one length")
        if rows.ndim < 2 or not rows.shape[1]:
            raise InputError(f"the points have shape {rows.shape}: give one row for each example")
        if len(self.features) == 1 and (rows.ndim > 2 or rows.shape[1] > 1):
            return {self.features[0]: rows}
        if rows.ndim > 2 or rows.shape[1] != len(self.features):
            has = f"{rows.shape[1]} columns" if rows.ndim == 2 else f"shape {rows.shape}"
            raise InputError(
                f"the points have {has}, but circuit {shown(self.circuit)} has {len(self.features)} inputs: "
                f"{', '.join(self.features) or 'none'}; for inputs that take several columns give a mapping of inputs "
                "to arrays"
            )
        return dict(zip(self.features, rows.T, strict=True))

    def _read_mapping(self, points: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float64]]:
        for name in points:
            if name not in self.features:
                raise InputError(
                    f"circuit {shown(self.circuit)} has no input {shown(name)} for points: "
                    f"{nearest(str(name), self.features)}"
                    f"its inputs are {', '.join(self.features) or 'none'}"
                )
        if missing := [name for name in self.features if name not in points]:
            raise InputError(
                f"the points lack input {shown(missing[0])} of circuit {shown(self.circuit)}: give an array for it"
            )
        read = {name: _numbers(points[name], f"input {name!r}", "arrays of numbers") for name in self.features}
        counts = {name: len(array) if array.ndim else 0 for name, array in read.items()}
        if len(set(counts.values())) > 1 or 0 in counts.values():
            told = ", ".join(f"{name!r} has {count}" for name, count in counts.items())
            raise InputError(f"the inputs have different numbers of examples, or none: {told}")
        return read

    def feed(self, inputs: Mapping[str, Any], target: Any, draw: int) -> dict[str, Any]:
        """Return the inputs, with the target and the draw if the circuit takes them."""
        feed = dict(inputs)
        if self.takes_target:
            feed[TARGET] = target
        if self.takes_draw:
            feed[DRAW] = float(draw)
        return feed


class Targets:
    """What a force takes for targets, read from labels as people write them.

    Parameters
    ----------
    kind : {"sides", "classes", "numbers", None}
        What the force takes: +1 and -1, the numbers of classes from 0, any numbers, or whatever the circuit takes.
    force : str
        The force's name, for messages.

    Attributes
    ----------
    classes : list of str
        The names of the classes in the order of their numbers; -1 comes before +1. Empty if the labels are numbers.
    """

    def __init__(self, kind: str | None, force: str) -> None:
        self.kind = kind
        self.force = force
        self.classes: list[str] = []

    def read(self, labels: ArrayLike, count: int) -> NDArray[np.float64]:
        """Return targets for so many examples.

        Raises
        ------
        InputError
            If the force cannot take them.
        """
        given = labels if isinstance(labels, np.ndarray) else np.asarray(labels)
        if given.dtype.kind in "USO" and given.ndim and all(isinstance(label, str) for label in given.flat):
            targets = self._read_names(given)
        else:
            targets = _numbers(labels, "the labels", "numbers or names of classes")
        if targets.ndim < 1 or len(targets) != count:
            raise InputError(f"there are {count} points and {targets.size} labels: give one label for each point")
        if targets.ndim == 2 and targets.shape[1] == 1:
            targets = targets[:, 0]  # a column
        if not self.classes:
            self._check(targets)
        return targets

    def _read_names(self, labels: NDArray[Any]) -> NDArray[np.float64]:
        if self.kind not in ("sides", "classes"):
            raise InputError(f"force {shown(self.force)} takes numbers for targets, not {shown(str(labels.flat[0]))}")
        found = sorted({str(label) for label in labels.flat})
        if not self.classes:
            self.classes = found
        if odd := [name for name in found if name not in self.classes]:
            raise InputError(f"there is no class {shown(odd[0])}: the first labels were of {', '.join(self.classes)}")
        if self.kind == "sides" and len(self.classes) != 2:
            raise InputError(
                f"force {shown(self.force)} parts two classes, but the labels are of {len(self.classes)}: take "
                "forces.softmax for several"
            )
        numbers = np.searchsorted(self.classes, labels.astype(str)).astype(np.float64)
        return 2.0 * numbers - 1.0 if self.kind == "sides" else numbers

    def _check(self, targets: NDArray[np.float64]) -> None:
        """Raise `InputError` if there are numbers among the targets that mean nothing to the force."""
        if self.kind == "sides":
            odd = targets[np.abs(targets) != 1.0]
            if odd.size and np.isin(targets, (0.0, 1.0)).all():
                raise InputError(
                    f"the labels are 0 and 1, but force {shown(self.force)} takes -1 and +1: give 2*y - 1, or names of "
                    "classes"
                )
            if odd.size:
                raise InputError(f"label {odd.flat[0]:g} is neither -1 nor +1, which force {shown(self.force)} takes")
        elif self.kind == "classes":
            odd = targets[(targets < 0) | (targets != np.floor(targets))]
            if odd.size:
                raise InputError(
                    f"label {odd.flat[0]:g} is no class: force {shown(self.force)} takes their numbers, 0, 1, "
                    f"2, ..., or "
                    "their names"
                )

    @property
    def numbers(self) -> dict[Any, float]:
        """The targets of the classes, by name."""
        places = range(len(self.classes))
        return {self.classes[n]: 2.0 * n - 1.0 if self.kind == "sides" else float(n) for n in places}

    def check_classes(self, targets: Any, scores: Any) -> None:
        """Raise `InputError` if there are classes for which there is no score.

        Parameters
        ----------
        targets : float or ndarray
            Numbers of classes.
        scores : float or ndarray, shape (..., classes)
            Scores.
        """
        if self.kind != "classes":
            return
        shape = shape_of(scores)
        known, largest = (shape[-1] if shape else 1), int(np.max(targets, initial=0))
        if largest >= known or len(self.classes) > known:
            raise InputError(
                f"there are {max(largest + 1, len(self.classes))} classes, but the circuit gives {known} "
                f"score{'s' if known > 1 else ''} for each example: give it one for each class"
            )

    def name(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Return predictions as people wrote the labels: numbers of classes or sides as names, if they had names."""
        if not self.classes:
            return numbers
        places = ((numbers + 1) / 2 if self.kind == "sides" else numbers).astype(int)
        return np.array([self.classes[place] for place in places.flat]).reshape(places.shape)


def _numbers(things: Any, what: str, wanted: str) -> NDArray[np.float64]:
    """Return finite float64 numbers, or raise `InputError`."""
    if isinstance(things, np.ma.MaskedArray):
        raise InputError(f"{what} are masked: fill what is masked, or leave those examples out")
    try:
        given = np.asarray(things)
        found = np.zeros(0) if given.dtype.kind in "cUSMm" else np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{what} must be {wanted}") from None
    if given.dtype.kind == "c":
        raise InputError(f"{what} are complex numbers: give their real and imaginary parts apart")
    if given.dtype.kind in "USMm":
        raise InputError(f"{what} must be {wanted}")
    finite = np.isfinite(found)
    if not finite.all():
        place = np.argwhere(~np.atleast_1d(finite))[0][0]
        raise InputError(f"{what}: example {place}, counted from 0, has an infinity or a nan in it: leave it out")
    return found


def _alone(array: NDArray[np.float64]) -> list[Any]:
    """Return a list with a plain number, or an array, for each example."""
    found: list[Any] = array.tolist() if array.ndim == 1 else list(array)
    return found
