"""What the scenarios of practice share: their options, their data and their results."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import numpy as np
import typer

from circuitsim import checks
from circuitsim.cli.scenarios import Report
from circuitsim.errors import InputError
from circuitsim.gates.value import show
from circuitsim.learning import Dataset, Trainer, datasets, read_csv
from circuitsim.spelling import nearest, shown
from circuitsim.views.forms import PICTURES

__all__ = [
    "Axes", "Data", "Iterations", "Penalty", "SavePicture", "Test", "parts", "read_classes", "read_numbers",
    "results",     "standardized", "tell",
]  # fmt: skip

Data: TypeAlias = Annotated[
    str, typer.Option(metavar="FILE.csv", help="What to learn: a dataset by its name, or a file with a label a row.")
]
Iterations: TypeAlias = Annotated[int, typer.Option(help="How many updates to make.", min=0)]
Penalty: TypeAlias = Annotated[float, typer.Option(help="The strength of the springs on the weights.", min=0.0)]
Test: TypeAlias = Annotated[
    int, typer.Option(help="How many examples to keep for a test, the same ones whatever the seed.", min=0)
]
Axes: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME,NAME", help="Which two columns the plane shows; if not given, its principal axes."),
]
SavePicture: TypeAlias = Annotated[
    Path | None, PICTURES, typer.Option("--save", help="Draw it to this file, a .png, .svg or .pdf.")
]

ROWS = 11  # of the table of iterations, at most
UNSCALED = ("digits", "guide", *datasets.made)  # made with columns of like size


def read_classes(data: str, names: Sequence[str]) -> Dataset:
    """Return a dataset of classes, numbered from 0, by one of these names or from a CSV file.

    Raises
    ------
    InputError
        If there is neither, or its labels are numbers to predict.
    """
    found = _read(data, names, "classes")
    if found.targets == "sides":
        found = replace(found, labels=(found.labels + 1.0) / 2.0)
    return found


def read_numbers(data: str, names: Sequence[str]) -> Dataset:
    """Return a dataset of numbers to predict, by one of these names or from a CSV file.

    Raises
    ------
    InputError
        If there is neither, or its labels are no numbers.
    """
    return _read(data, names, "numbers")


def _read(data: str, names: Sequence[str], targets: str) -> Dataset:
    if data in datasets.by_name:
        found = datasets.by_name[data]()
    elif Path(data).suffix or Path(data).exists():
        found = read_csv(data, "numbers" if targets == "numbers" else None)
    else:
        raise InputError(
            f"there is no dataset {shown(data)}: {nearest(data, names)}use one of {', '.join(names)}, or a CSV file"
        )
    if (found.targets == "numbers") != (targets == "numbers"):
        has, wanted = ("numbers to predict", "classes") if targets == "classes" else ("classes", "numbers to predict")
        raise InputError(f"{found.name} has {has}, and this scenario needs {wanted}: use {' or '.join(names)}")
    return found


def standardized(data: Dataset) -> Dataset:
    """Return a dataset with columns, and numbers to predict, of mean 0 and standard deviation 1.

    Raises
    ------
    InputError
        If the numbers to predict are all the same.
    """
    spreads = data.points.std(axis=0)
    points = (data.points - data.points.mean(axis=0)) / np.where(spreads > 0.0, spreads, 1.0)
    if data.targets != "numbers":
        return replace(data, points=points)
    if not data.labels.std() > 0.0:
        raise InputError(f"all labels of {data.name} are {data.labels[0]:g}: there is nothing to predict")
    return replace(data, points=points, labels=(data.labels - data.labels.mean()) / data.labels.std())


def parts(data: Dataset, test: int) -> tuple[Dataset, Dataset]:
    """Return the examples to learn from, and so many for a test, which are the same whatever the seed.

    Raises
    ------
    InputError
        If nothing would be left to learn from.
    """
    if test >= len(data):
        raise InputError(f"--test {checks.shown(test)} leaves nothing to learn from: {data.name} has {len(data)} rows")
    mixed = np.random.default_rng(0).permutation(len(data)) if test else np.arange(len(data))
    learn, rest = mixed[test:], mixed[:test]
    return (
        replace(data, points=data.points[learn], labels=data.labels[learn]),
        replace(data, points=data.points[rest], labels=data.labels[rest]),
    )


def tell(report: Report, trainer: Trainer, data: Dataset, engine: str, **more: Any) -> None:
    """Add to a report how a training went: a table of iterations, and the results of `results`."""
    history = trainer.history
    done = history.evaluations
    chosen = [done[n] for n in sorted({round(at) for at in np.linspace(0, len(done) - 1, min(ROWS, len(done)))})]
    name = "accuracy" if history.accuracy is not None else "R²"
    report.table(
        f"{trainer.engine.netlist.name} learns {len(data)} examples of {data.name}",
        f"iteration | cost | {name}",
        [
            (
                str(one.iteration),
                f"{one.cost:.6f}",
                f"{one.accuracy:.1%}" if one.accuracy is not None else show(one.r2 or 0.0, 4),
            )
            for one in chosen
        ],
    )
    results(report, trainer, data, engine, **more)


def results(report: Report, trainer: Trainer, data: Dataset, engine: str, **more: Any) -> None:
    """Add to a report the results that all scenarios have, and others by name."""
    if data.note:
        report.note(data.note)
    history = trainer.history
    share = ("r2", history.r2) if history.accuracy is None else ("accuracy", history.accuracy)
    report.results |= {
        "iterations": history.iterations,
        "engine": engine,
        "data": data.name,
        "objective": history.cost,
        "loss": trainer.evaluate(data.points, data.labels)[0],
        share[0]: share[1],
        **more,
        "parameters": trainer.engine.parameters,
    }
