"""Reads the user's own points from a CSV file: any number of columns of numbers, and one of labels.

The first line may name the columns. The label is the column called ``label``, or else ``class``, or else ``target``, or
else ``y`` if there is no ``x`` beside it, or else the last one; it has two values, of which the smaller is taken for -1
and the larger for +1 (as numbers if they are numbers, else as words). Commas, semicolons or tabs part the columns.
"""

import csv
import math
import re
from os import PathLike
from pathlib import Path

import numpy as np

from circuitsim import checks
from circuitsim.errors import InputError
from circuitsim.learning.datasets import Dataset

__all__ = ["read_csv"]

_LABELS = ("label", "class", "target", "y")


def read_csv(path: str | PathLike[str]) -> Dataset:
    """Read points with labels from a CSV file.

    Parameters
    ----------
    path : path-like
        The file.

    Raises
    ------
    InputError
        If there is no such file, a row has a column too few or too many, a feature is no finite number, the labels are
        not of two classes, or there is no row; the message names file, line and column.
    """
    path = checks.path(path)
    name = Path(path).name
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}; give a CSV file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"cannot read {str(path)!r}: byte {error.start} is no UTF-8; save it as UTF-8") from None
    first = re.sub(r'"[^"]*"', "", text.lstrip().partition("\n")[0])  # a comma within quotes parts nothing
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        stripped = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise InputError(f"{name}, line {reader.line_num}: {error}; check the quotation marks") from None
    rows = [(line, row) for line, row in stripped if any(row)]
    if not rows:
        raise InputError(f"{name} has no rows: give it one line for each point, with a label in the last column")
    columns, label = _columns(rows[0][1])
    if columns is None:
        columns = [f"x{number}" for number in range(1, len(rows[0][1]))] + ["label"]
    else:
        del rows[0]
    if not rows:
        raise InputError(f"{name} has no rows below its heading: give it one line for each point")
    if len(columns) < 2:
        raise InputError(
            f"{name}, line {rows[0][0]}: there is only one column; give at least one feature and a label, "
            "parted by commas, semicolons or tabs"
        )
    points, labels = [], []
    for line, row in rows:
        if len(row) != len(columns):
            missing = f"; {columns[len(row)]!r} is missing" if len(row) < len(columns) else ""
            raise InputError(f"{name}, line {line}: there are {len(row)} columns where {len(columns)} are due{missing}")
        points.append([_number(cell, name, line, column) for column, cell in _without(label, columns, row)])
        labels.append(row[label])
    signs, classes = _classes(labels, [line for line, _ in rows], name, columns[label])
    features = [column for column, _ in _without(label, columns, columns)]
    return Dataset(name, np.array(points), np.array(signs), features, classes)


def _columns(row: list[str]) -> tuple[list[str] | None, int]:
    """Return the names in a heading, or None if the row is none, and the number of the label's column."""
    if any(_is_number(cell) for cell in row):
        return None, len(row) - 1
    names = [cell.lower() for cell in row]
    for label in _LABELS:
        if label in names and not (label == "y" and "x" in names):  # x and y are a place in the plane
            return row, names.index(label)
    return row, len(row) - 1


def _without(label: int, columns: list[str], row: list[str]) -> list[tuple[str, str]]:
    return [pair for number, pair in enumerate(zip(columns, row, strict=True)) if number != label]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(cell: str, name: str, line: int, column: str) -> float:
    where = f"{name}, line {line}, column {column!r}"
    if not cell:
        raise InputError(f"{where}: the number is missing")
    if not _is_number(cell):
        comma = "; write it with a point" if _is_number(cell.replace(",", ".")) else ""
        raise InputError(f"{where}: {cell!r} is no number{comma}")
    if not math.isfinite(float(cell)):
        raise InputError(f"{where}: {cell!r} is no finite number; leave the row out")
    return float(cell)


def _classes(labels: list[str], lines: list[int], name: str, column: str) -> tuple[list[float], tuple[str, str]]:
    """Return the labels as -1 and +1, and what the two classes are called."""
    numbers = all(_is_number(text) for text in labels)
    found: dict[float | str, str] = {}
    keys: list[float | str] = [float(text) if numbers else text for text in labels]
    for key, text, line in zip(keys, labels, lines, strict=True):
        if not text or key != key:
            raise InputError(f"{name}, line {line}, column {column!r}: the label is missing")
        found.setdefault(key, text)
        if len(found) > 2:
            raise InputError(f"{name}, line {line}, column {column!r}: {text!r} is a third class; give two")
    if len(found) < 2:
        raise InputError(f"{name}, column {column!r}: all labels are {labels[0]!r}; give points of two classes")
    low, high = sorted(found)
    return [1.0 if key == high else -1.0 for key in keys], (found[low], found[high])
