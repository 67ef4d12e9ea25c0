"""The training history that the player page can show beside a run: plain data, checked and made small here.

A history is a dictionary. Its lists have one entry for each iteration that was kept; all but the first two keys
may be missing:

==============  =====================================================================================================
``iterations``  the numbers of the iterations that were kept, ascending: ``[0, 10, 20]``
``parameters``  by name, the values of each parameter, numbers or arrays: ``{"a": [1.0, 1.2, 1.3]}``
``cost``        what is pulled down; None where it was not looked at
``accuracy``    the share of points that are on their right side, between 0 and 1, or None
``points``      the data, in two columns; this and what follows make the picture of the plane
``labels``      one number a point, above 0 for one class, 0 or below for the other; needed with ``points``
``scores``      for each kept iteration the score of every point: above 0 it is taken for the first class
``shown``       for each kept iteration the number of the point that was shown, or None
``axes``        the names of the two columns, ``("x", "y")`` if missing
``classes``     what points with labels of 0 or below, and above 0, are called, ``("−1", "+1")`` if missing
``held``        how many other columns the grid holds at their mean, 0 if missing
``bounds``      ``(x_low, x_high, y_low, y_high)``, what of the plane is shown; found from the points if missing
``grid``        for each kept iteration a matrix of scores over the bounds, from low to high, a row for each y
``tags``        for each kept iteration the tag under which the trace has it, or None: links the slider to the player
==============  =====================================================================================================
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from circuitsim.errors import InputError
from circuitsim.gates.value import Array
from circuitsim.trace.trace import Trace
from circuitsim.views.scene import json_number

__all__ = ["panels"]

MOST_CURVES = 12  # of parameters: more could not be told apart
DIGITS = 4  # of scores: more than a picture can show
_KNOWN = (
    "iterations", "parameters", "cost", "accuracy", "points", "labels", "scores", "shown", "axes", "classes", "held",
    "bounds", "grid", "tags",
)  # fmt: skip


def panels(history: Mapping[str, Any], trace: Trace | None = None) -> dict[str, Any]:
    """Check a training history and return it as the page takes it.

    Raises
    ------
    InputError
        If a key is unknown or missing, or lengths do not fit together.
    """
    if unknown := [key for key in history if key not in _KNOWN]:
        raise InputError(f"a training history has no {unknown[0]!r}: its keys are {', '.join(_KNOWN)}")
    if missing := [key for key in ("iterations", "parameters") if key not in history]:
        raise InputError(f"the training history lacks {missing[0]!r}: give it, for each iteration that was kept")
    kept = [int(iteration) for iteration in history["iterations"]]
    if not kept or kept != sorted(set(kept)):
        raise InputError("the training history's 'iterations' must be one or more ascending numbers")
    made: dict[str, Any] = {"iterations": kept, "parameters": {}, "parameter_count": 0}
    for name, values in history["parameters"].items():
        stacked = _numbers(values, f"parameter {name!r}", (len(kept), ...)).reshape(len(kept), -1)
        for element in range(stacked.shape[1]):
            own = name if stacked.shape[1] == 1 else f"{name}[{element}]"
            if len(made["parameters"]) < MOST_CURVES:
                made["parameters"][own] = [json_number(float(value)) for value in stacked[:, element]]
        made["parameter_count"] += stacked.shape[1]
    for key in ("cost", "accuracy"):
        if key in history:
            entries = list(history[key])
            known = _numbers([0.0 if entry is None else entry for entry in entries], repr(key), (len(kept),))
            made[key] = [
                None if entry is None else json_number(float(value))
                for entry, value in zip(entries, known, strict=True)
            ]
    if "points" in history:
        made |= _plane(history, len(kept))
    if "tags" in history and trace is not None:
        starts: dict[int, float] = {}
        for record in trace:
            starts[record.tag] = min(record.start, starts.get(record.tag, math.inf))
        tags = _each(history["tags"], "'tags'", len(kept))
        made["tags"] = tags
        made["times"] = [None if tag is None else starts.get(tag) for tag in tags]
    return made


def _plane(history: Mapping[str, Any], kept: int) -> dict[str, Any]:
    points = _numbers(history["points"], "'points'", (..., 2))
    if "labels" not in history:
        raise InputError("the training history has 'points' but no 'labels': give one number a point")
    labels = _numbers(history["labels"], "'labels'", (len(points),))
    made: dict[str, Any] = {
        "points": _short(points), "labels": np.where(labels > 0, 1, -1).tolist(),
        "axes": [str(name) for name in history.get("axes", ("x", "y"))], "bounds": _bounds(history, points),
        "classes": [str(name) for name in history.get("classes", ("−1", "+1"))], "held": int(history.get("held", 0)),
    }  # fmt: skip
    if len(made["classes"]) != 2:
        raise InputError("the training history's 'classes' must be two names, of labels up to 0 and above")
    if "scores" in history:
        made["scores"] = _short(_numbers(history["scores"], "'scores'", (kept, len(points))))
    if "shown" in history:
        made["shown"] = _each(history["shown"], "'shown'", kept)
    if "grid" in history:
        grid = np.nan_to_num(_numbers(history["grid"], "'grid'", (kept, ..., ...)), posinf=1e300, neginf=-1e300)
        rows, columns = grid.shape[1:]
        if min(rows, columns) < 2:
            raise InputError("the training history's 'grid' must have at least two rows and two columns")
        made["grid"] = {"rows": rows, "columns": columns, "scores": _short(grid.reshape(kept, -1), 3)}
    return made


def _bounds(history: Mapping[str, Any], points: Array) -> list[float]:
    if "bounds" in history:
        bounds = [float(edge) for edge in _numbers(history["bounds"], "'bounds'", (4,))]
        if not (bounds[0] < bounds[1] and bounds[2] < bounds[3]):
            raise InputError("the training history's 'bounds' must be (x_low, x_high, y_low, y_high)")
        return bounds
    low, high = points.min(axis=0), points.max(axis=0)
    free = 0.15 * np.maximum(high - low, 1e-9)
    return [float(edge) for axis in (0, 1) for edge in (low[axis] - free[axis], high[axis] + free[axis])]


def _numbers(thing: Any, what: str, shape: tuple[Any, ...]) -> Array:
    """Return an array; `shape` has an ellipsis where any length will do, and one at the end for any further axes."""
    try:
        array = np.array(thing, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"the training history's {what} is not made of numbers") from None
    wanted = shape if shape[-1] is not ... or len(shape) == 3 else shape[:-1]
    found = array.shape if wanted == shape else array.shape[: len(wanted)]
    fits = len(found) == len(wanted) and all(w is ... or w == f for w, f in zip(wanted, found, strict=True))
    if not fits or 0 in array.shape:
        words = " × ".join("any" if length is ... else str(length) for length in shape)
        raise InputError(f"the training history's {what} has shape {array.shape}, but {words} is needed")
    return array


def _each(thing: Sequence[Any], what: str, kept: int) -> list[int | None]:
    if len(thing) != kept:
        raise InputError(f"the training history's {what} has {len(thing)} entries for {kept} iterations")
    return [None if entry is None else int(entry) for entry in thing]


def _short(array: Array, digits: int = DIGITS) -> Any:
    """Return nested lists of numbers with few digits."""
    if array.ndim > 1:
        return [_short(row, digits) for row in array]
    return [float(f"{value:.{digits}g}") if math.isfinite(value) else 0.0 for value in array.tolist()]
