"""What the training scenarios share: their options, the training itself, its report and its film."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
import typer

from circuitsim.circuit.circuit import Circuit
from circuitsim.cli.scenarios import Report
from circuitsim.compiled import Compiled
from circuitsim.engine import Engine, engines, register_engine
from circuitsim.errors import InputError
from circuitsim.gates.value import show
from circuitsim.learning import (
    L2,
    SGD,
    AdaGrad,
    Adam,
    Dataset,
    Force,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
    Trainer,
    datasets,
    read_csv,
)
from circuitsim.learning.recording import Recorder
from circuitsim.progress import progress_bar
from circuitsim.simulation import Simulation
from circuitsim.spelling import nearest, shown
from circuitsim.views import save_training
from circuitsim.views.forms import PICTURES, TRAININGS

__all__ = [
    "TWO_SIDED",
    "AsInTheGuide",
    "Axes",
    "Data",
    "EngineName",
    "Iterations",
    "Penalty",
    "SaveTraining",
    "Step",
    "Survey",
    "make_engine",
    "open_data",
    "settle",
    "survey",
    "train",
]  # fmt: skip

#: Datasets of two classes.
TWO_SIDED = ("guide", *datasets.made, "cancer")

Iterations: TypeAlias = Annotated[
    int, typer.Option(help="How many updates to make, each from --batch examples or from one.", min=0)
]
Step: TypeAlias = Annotated[float | None, typer.Option(help="How far parameters go for a pull of 1.")]
Penalty: TypeAlias = Annotated[float | None, typer.Option(help="The strength of the springs on the weights.")]
Data: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="FILE.csv",
        help="Points with a label in the last column (or one called label), or one of " + ", ".join(TWO_SIDED) + ".",
    ),
]
EngineName: TypeAlias = Annotated[str, typer.Option("--engine", help="What runs the circuit.")]
Axes: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,NAME", help="Which two columns of the data the plane shows; others are held at their mean."
    ),
]
Standardize: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--standardize/--no-standardize",
        help="Take each column as its distance from its mean, in units of its spread; if not given, only columns of a "
        "CSV file and of cancer.",
    ),
]
OptimizerName: TypeAlias = Annotated[
    str,
    typer.Option("--optimizer", help="How parameters respond: sgd, momentum, nesterov, adagrad, rmsprop or adam."),
]
Batch: TypeAlias = Annotated[int, typer.Option(help="How many examples to learn from at a time.", min=1)]
Validation: TypeAlias = Annotated[
    float, typer.Option(help="The share of the points to hold back and never to learn from, such as 0.25.")
]
Points: TypeAlias = Annotated[
    int | None, typer.Option(help="How many points to make: for moons, circles, spirals and gaussians.")
]
Noise: TypeAlias = Annotated[float | None, typer.Option(help="How far to scatter the points that are made.")]
AsInTheGuide: TypeAlias = Annotated[
    bool, typer.Option("--as-in-the-guide", help="Take the guide's setting: steps of 0.01, springs of strength 1.")
]
SaveTraining: TypeAlias = Annotated[
    Path | None,
    TRAININGS,
    typer.Option(
        "--save",
        help="Show the training in this file: .html is a page to play with, .gif and .mp4 film it, .png, .svg and .pdf "
        "draw how it ended.",
    ),
]
Survey: TypeAlias = Annotated[
    bool, typer.Option("--survey", help="Learn from 200 seeds with springs of three strengths, and count successes.")
]

register_engine("simulation")(partial(Simulation, trace=False))  # another one traces what is shown of a training
register_engine("compiled")(Compiled)

STEP, PENALTY = 0.05, 0.1  # with these, nearly every seed learns the guide's points
GUIDE_STEP, GUIDE_PENALTY = 0.01, 1.0
SEEDS = 200
STRENGTHS = (1.0, 0.1, 0.01)
ROWS = 21  # of the table of iterations, at most
MOST_TOLD = 10  # columns whose scale is told

OPTIMIZERS: dict[str, Callable[[float], Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
}
#: Datasets that are made with columns of like size.
UNSCALED = ("guide", *datasets.made)


def settle(step: float | None, penalty: float | None, as_in_the_guide: bool = False) -> tuple[float, float]:
    """Return step and penalty as given, or the guide's, or those with which a newcomer sees it learn."""
    usual = (GUIDE_STEP, GUIDE_PENALTY) if as_in_the_guide else (STEP, PENALTY)
    return usual[0] if step is None else step, usual[1] if penalty is None else penalty


def open_data(data: str, seed: int, count: int | None = None, noise: float | None = None) -> Dataset:
    """Return a dataset of two classes by its name, or the points in a CSV file.

    Parameters
    ----------
    data : str
        A name, or the path of a file.
    seed : int
        Seeds points that are made.
    count, noise : number, optional
        How many points to make, and how far to scatter them.

    Raises
    ------
    InputError
        If there is neither, the file cannot be read as points, its labels are not of two classes, or there is nothing
        to make.
    """
    asked = {name: value for name, value in (("count", count), ("noise", noise)) if value is not None}
    if asked and data not in datasets.made:
        raise InputError(f"--points and --noise are for points that are made: --data {', '.join(datasets.made)}")
    if data in datasets.made:
        return datasets.made[data](seed=seed, **asked)
    if data not in datasets.by_name and not Path(data).suffix and not os.path.exists(data):
        raise InputError(
            f"there is no dataset {shown(data)}: {nearest(data, TWO_SIDED)}use one of {', '.join(TWO_SIDED)}, or a CSV "
            "file"
        )
    found = datasets.by_name[data]() if data in datasets.by_name else read_csv(data)
    if found.targets != "sides":
        what = "numbers to predict" if found.classes is None else f"{len(found.classes)} classes"
        raise InputError(
            f"{found.name} has {what}, and this scenario parts two classes: use one of {', '.join(TWO_SIDED)}, a CSV "
            "file of two classes, or train a circuit of your own in Python"
        )
    return found


@dataclass(frozen=True)
class Setting:
    """How to train.

    Attributes
    ----------
    iterations : int
        How many updates to make.
    step : float
        How far parameters go for a pull of 1.
    penalty : float
        The strength of the springs on the weights.
    engine : str
        What runs the circuit.
    standardize : bool or None
        Whether to shift and scale each column to mean 0 and spread 1; if None, only data that are the user's own.
    optimizer : str
        Which rule moves the parameters.
    batch : int
        How many examples to learn from at a time.
    validation : float
        The share of examples to hold back.
    """

    iterations: int
    step: float
    penalty: float
    engine: str
    standardize: bool | None = None
    optimizer: str = "sgd"
    batch: int = 1
    validation: float = 0.0

    def trainer(self, circuit: Circuit, force: Force, data: Dataset, penalty: float | None = None) -> Trainer:
        """Return a trainer for a circuit and data, with springs of another strength if it is given."""
        if self.optimizer not in OPTIMIZERS:
            raise InputError(
                f"there is no optimizer {self.optimizer!r}: {nearest(self.optimizer, OPTIMIZERS)}use one of "
                f"{', '.join(OPTIMIZERS)}"
            )
        springs = L2(self.penalty if penalty is None else penalty)
        standardize = data.name not in UNSCALED if self.standardize is None else self.standardize
        rule = OPTIMIZERS[self.optimizer](self.step)
        return Trainer(make_engine(self.engine, circuit), force, rule, springs, standardize=standardize)


def train(
    report: Report,
    circuit: Circuit,
    force: Force,
    data: Dataset,
    setting: Setting,
    *,
    axes: str | None = None,
    save: Path | None = None,
) -> Trainer:
    """Train a circuit, add what came of it to a report, and show the training in a file if that was asked for."""
    columns = _columns(axes, data)
    trainer = setting.trainer(circuit, force, data)
    recorder = None
    if save is not None:
        from circuitsim.views.training_film import shots_to_keep  # only who saves pays for matplotlib

        tracer = None if save.suffix.lower() in PICTURES else Simulation(circuit, nonfinite="ignore")
        recorder = Recorder(trainer, data, shots_to_keep(setting.iterations), columns, tracer)
    history = trainer.fit(
        data.points,
        data.labels,
        setting.iterations,
        batch=setting.batch,
        validation=setting.validation,
        seed=report.seed,
        callbacks=[recorder] if recorder else [],
    )

    done = history.evaluations
    chosen = [done[n] for n in sorted({round(at) for at in np.linspace(0, len(done) - 1, min(ROWS, len(done)))})]
    held = done[-1].validation_accuracy is not None
    report.table(
        f"{circuit.name} learns {len(data) - round(setting.validation * len(data))} points of {data.name}",
        "iteration | cost | accuracy" + (" | cost of those held back | their accuracy" if held else ""),
        [
            (str(e.iteration), show(e.cost, 4), f"{e.accuracy:.0%}")
            + ((show(e.validation_cost or 0.0, 4), f"{e.validation_accuracy:.0%}") if held else ())
            for e in chosen
        ],
    )
    parameters = trainer.engine.parameters
    if len(parameters) <= ROWS:
        report.table("what it has learned", "parameter | value", list(parameters.items()))
    scale = trainer.scale
    if scale is not None:
        for told in scale.describe(data.features)[:MOST_TOLD]:
            report.note(f"{told}.")
        if len(data.features) > MOST_TOLD:
            report.note(f"So are {len(data.features) - MOST_TOLD} more columns, each by its mean and spread.")
    if data.note:
        report.note(data.note)
    if data.classes is not None and data.classes != ("-1", "+1"):
        report.note(f"Scores above 0 mean {data.classes[1]!r}, others {data.classes[0]!r}.")
    if history.ended != "done":
        report.note(f"The training was {history.ended} after {history.iterations} iterations.")
    report.results |= {
        "iterations": history.iterations,
        "step": setting.step,
        "penalty": setting.penalty,
        "optimizer": setting.optimizer,
        "batch": setting.batch,
        "engine": setting.engine,
        "data": data.name,
        "scale": _by_column(trainer, data),
        "accuracy": history.accuracy,
        "loss": history.cost,
        "parameters": parameters,
        "history": [{"iteration": e.iteration, "loss": e.cost, "accuracy": e.accuracy} for e in done],
    }
    if held:
        report.results |= {
            "validation_accuracy": done[-1].validation_accuracy,
            "validation_loss": done[-1].validation_cost,
        }
    if save is not None and recorder is not None:
        save_training(recorder.recording(), save)
    return trainer


def _by_column(trainer: Trainer, data: Dataset) -> dict[str, tuple[float, float]]:
    """Return by column the mean that is taken off and the spread that it is divided by; empty if none is."""
    if trainer.scale is None:
        return {}
    pairs = zip(trainer.scale.means.tolist(), trainer.scale.spreads.tolist(), strict=True)
    return dict(zip(data.features, pairs, strict=True))


def survey(
    report: Report, build: Callable[[int], Circuit], force: Force, data: Dataset, setting: Setting, save: Path | None
) -> None:
    """Train with many seeds and springs of several strengths, and add to a report how many got all points right.

    Raises
    ------
    InputError
        If it is to be saved, or examples are to be held back.
    """
    if save is not None or setting.validation:
        raise InputError("--survey draws nothing and holds nothing back: leave out --save and --validation")
    shares: dict[str, float] = {}
    with progress_bar("learning", len(STRENGTHS) * SEEDS) as advance:
        for strength in STRENGTHS:
            right = 0
            for seed in range(SEEDS):
                history = setting.trainer(build(seed), force, data, strength).fit(
                    data.points, data.labels, setting.iterations, batch=setting.batch, seed=seed,
                    every=max(1, setting.iterations), progress=False,
                )  # fmt: skip
                right += history.accuracy == 1.0
                advance(STRENGTHS.index(strength) * SEEDS + seed + 1, f"springs of {strength:g}")
            shares[f"{strength:g}"] = right / SEEDS
    report.table(
        f"seeds of {SEEDS} that get all {len(data)} points right after {setting.iterations} iterations with steps of "
        f"{setting.step:g}",
        "springs | share",
        [(strength, f"{share:.1%}") for strength, share in shares.items()],
    )
    report.results |= {
        "iterations": setting.iterations, "step": setting.step, "shares": shares, "parameters": {}, "outputs": {},
    }  # fmt: skip


def make_engine(name: str, circuit: Circuit) -> Engine:
    """Return an engine of this name for a circuit.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in engines:
        raise InputError(f"there is no engine {name!r}: {nearest(name, engines)}use one of {', '.join(engines)}")
    return engines[name](circuit)


def _columns(axes: str | None, data: Dataset) -> tuple[int, int]:
    if axes is None:
        return 0, 1
    names = [name.strip() for name in axes.split(",")]
    if len(names) != 2 or not set(names) <= set(data.features):
        raise InputError(f"--axes {axes!r} names no two columns of {data.name}: it has {', '.join(data.features)}")
    return data.features.index(names[0]), data.features.index(names[1])
