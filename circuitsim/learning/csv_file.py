"""Reads the user's own points from a CSV file: any number of columns of numbers, and one of labels.

The first line may name the columns. The label is the column called ``label``, or else ``class``, or else ``target``, or
else ``y`` if there is no ``x`` beside it, or else the last one. Commas, semicolons or tabs part the columns.

Labels that are words or whole numbers are classes. Of two classes the smaller becomes -1 and the larger +1 (as numbers
if they are numbers, else as words); more are numbered from 0 in this order. Labels with a fraction among them, or more
than 20 different whole numbers, are numbers to predict.
"""

import csv
import math
import re
from io import StringIO
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np

from circuitsim import checks, files
from circuitsim.errors import InputError
from circuitsim.habits import told
from circuitsim.learning.datasets import Dataset
from circuitsim.spelling import listed, shown

__all__ = ["read_csv"]

_LABELS = ("label", "class", "target", "y")
MOST_NUMBERED = 20  # more different whole numbers than these are numbers to predict, not classes


@told
def read_csv(path: str | PathLike[str], targets: Literal["classes", "numbers"] | None = None) -> Dataset:
    """Read points with labels from a CSV file.

    Parameters
    ----------
    path : path-like
        The file.
    targets : {"classes", "numbers"}, optional
        What the labels are: names of classes, or numbers to predict. If not given, they tell by themselves.

    Returns
    -------
    Dataset
        Its ``targets`` tell how the labels were read, and its ``note`` says so in a sentence.

    Raises
    ------
    InputError
        If there is no such file, a row has a column too few or too many, a feature is no finite number, all labels are
        of one class, a label is no number where they are to be numbers, or there is no row; the message names file,
        line and column.
    """
    path = checks.path(path)
    if targets not in (None, "classes", "numbers"):
        raise InputError(f"targets={shown(targets)} cannot be: give 'classes', 'numbers' or None")
    name = listed([Path(path).name])
    text = files.read_text(path, "a CSV file")
    first = re.sub(r'"[^"]*"', "", text.lstrip().partition("\n")[0])  # a comma within quotes parts nothing
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
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
            missing = f"; {shown(columns[len(row)])} is missing" if len(row) < len(columns) else ""
            raise InputError(f"{name}, line {line}: there are {len(row)} columns where {len(columns)} are due{missing}")
        points.append([_number(cell, name, line, column) for column, cell in _without(label, columns, row)])
        labels.append(row[label])
    features = [column for column, _ in _without(label, columns, columns)]
    lines = [line for line, _ in rows]
    for line, text in zip(lines, labels, strict=True):
        if not text or text.lower() == "nan":
            raise InputError(f"{name}, line {line}, column {shown(columns[label])}: the label is missing")
    if targets == "numbers" or (targets is None and _are_numbers(labels)):
        numbers = [_number(text, name, line, columns[label]) for line, text in zip(lines, labels, strict=True)]
        note = f"The labels, {shown(columns[label])}, are taken for numbers to predict."
        return Dataset(Path(path).name, np.array(points), np.array(numbers), features, None, note)
    coded, classes, note = _classes(labels, name, columns[label])
    return Dataset(Path(path).name, np.array(points), np.array(coded), features, classes, note)


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
    where = f"{name}, line {line}, column {shown(column)}"
    if not cell:
        raise InputError(f"{where}: the number is missing")
    if not _is_number(cell):
        comma = "; write it with a point" if _is_number(cell.replace(",", ".")) else ""
        raise InputError(f"{where}: {shown(cell)} is no number{comma}")
    if not math.isfinite(float(cell)):
        raise InputError(f"{where}: {shown(cell)} is no finite number; leave the row out")
    return float(cell)


def _are_numbers(labels: list[str]) -> bool:
    """Tell whether labels are numbers to predict rather than names of classes."""
    if not all(map(_is_number, labels)):
        return False
    found = set(map(float, labels))
    return len(found) > MOST_NUMBERED or not all(number.is_integer() for number in found)


def _classes(labels: list[str], name: str, column: str) -> tuple[list[float], tuple[str, ...], str]:
    """Return the labels as numbers, the names of their classes, and what was done in a sentence."""
    numbers = all(map(_is_number, labels))
    keys: list[float | str] = [float(text) if numbers else text for text in labels]
    found: dict[float | str, str] = {}
    for key, text in zip(keys, labels, strict=True):
        found.setdefault(key, text)
    if len(found) < 2:
        raise InputError(
            f"{name}, column {shown(column)}: all labels are {shown(labels[0])}; give points of two classes or more"
        )
    order = sorted(found)  # all are floats, or all are texts
    classes = tuple(found[key] for key in order)
    if len(order) > 2:
        coded = {key: float(number) for number, key in enumerate(order)}
        note = f"Labels {listed(classes)} are numbered 0 to {len(order) - 1}."
    else:
        coded = {order[0]: -1.0, order[1]: 1.0}
        note = "" if order == [-1.0, 1.0] else f"Labels {classes[0]} and {classes[1]} are taken for -1 and +1."
    return [coded[key] for key in keys], classes, note
