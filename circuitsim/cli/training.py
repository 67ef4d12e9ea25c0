"""What the training scenarios share: their options, the training itself, its report and its film."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
import typer

from circuitsim.circuit.circuit import Circuit
from circuitsim.cli.scenarios import Report
from circuitsim.compiled import Compiled
from circuitsim.engine import Engine
from circuitsim.errors import InputError
from circuitsim.gates.value import show
from circuitsim.learning import L2, SGD, Dataset, Force, Trainer, datasets, read_csv
from circuitsim.learning.recording import Recorder
from circuitsim.progress import progress_bar
from circuitsim.simulation import Simulation
from circuitsim.spelling import nearest
from circuitsim.views import save_training
from circuitsim.views.forms import PICTURES, TRAININGS

__all__ = [
    "ENGINES",
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

Iterations: TypeAlias = Annotated[int, typer.Option(help="How many examples to learn from, one at a time.", min=0)]
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
    str | None, typer.Option(metavar="NAME,NAME", help="Which two columns of the data the plane shows.")
]
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

ENGINES: dict[str, type[Engine]] = {"simulation": Simulation, "compiled": Compiled}
STEP, PENALTY = 0.05, 0.1  # with these, nearly every seed learns the guide's points
GUIDE_STEP, GUIDE_PENALTY = 0.01, 1.0
SEEDS = 200
STRENGTHS = (1.0, 0.1, 0.01)
ROWS = 21  # of the table of iterations, at most


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
    if data not in datasets.by_name and not Path(data).suffix and not Path(data).exists():
        raise InputError(
            f"there is no dataset {data!r}: {nearest(data, TWO_SIDED)}use one of {', '.join(TWO_SIDED)}, or a CSV file"
        )
    found = datasets.by_name[data]() if data in datasets.by_name else read_csv(data)
    if found.targets != "sides":
        what = "numbers to predict" if found.classes is None else f"{len(found.classes)} classes"
        raise InputError(
            f"{found.name} has {what}, and this scenario parts two classes: use one of {', '.join(TWO_SIDED)}, a CSV "
            "file of two classes, or train a circuit of your own in Python"
        )
    return found


def train(
    report: Report,
    circuit: Circuit,
    force: Force,
    data: Dataset,
    *,
    iterations: int,
    step: float,
    penalty: float,
    engine: str,
    axes: str | None = None,
    save: Path | None = None,
) -> Trainer:
    """Train a circuit one example at a time, add what came of it to a report, and film it if that was asked for."""
    columns = _columns(axes, data)
    trainer = Trainer(_engine(engine)(circuit), force, SGD(step), L2(penalty))
    recorder = None
    if save is not None:
        from circuitsim.views.training_film import shots_to_keep  # only who saves pays for matplotlib

        tracer = None if save.suffix.lower() in PICTURES else Simulation(circuit, nonfinite="ignore")
        recorder = Recorder(trainer, data, shots_to_keep(iterations), columns, tracer)
    history = trainer.fit(
        data.points, data.labels, iterations, seed=report.seed, callbacks=[recorder] if recorder else []
    )

    done = history.evaluations
    chosen = sorted({round(place) for place in np.linspace(0, len(done) - 1, min(ROWS, len(done)))})
    report.table(
        f"{circuit.name} learns {len(data)} points of {data.name}",
        "iteration | cost | accuracy",
        [(str(done[n].iteration), show(done[n].cost, 4), f"{done[n].accuracy:.0%}") for n in chosen],
    )
    parameters = trainer.engine.parameters
    if len(parameters) <= ROWS:
        report.table("what it has learned", "parameter | value", list(parameters.items()))
    if data.note:
        report.note(data.note)
    if data.classes is not None and data.classes != ("-1", "+1"):
        report.note(f"Scores above 0 mean {data.classes[1]!r}, others {data.classes[0]!r}.")
    if history.ended != "done":
        report.note(f"The training was {history.ended} after {history.iterations} iterations.")
    report.results |= {
        "iterations": history.iterations,
        "step": step,
        "penalty": penalty,
        "engine": engine,
        "data": data.name,
        "accuracy": history.accuracy,
        "loss": history.cost,
        "parameters": parameters,
        "history": [{"iteration": e.iteration, "loss": e.cost, "accuracy": e.accuracy} for e in done],
    }
    if save is not None and recorder is not None:
        save_training(recorder.recording(), save)
    return trainer


def survey(
    report: Report,
    build: Callable[[int], Circuit],
    force: Force,
    data: Dataset,
    *,
    iterations: int,
    step: float,
    engine: str,
) -> None:
    """Train with many seeds and springs of several strengths, and add to a report how many got all points right."""
    shares: dict[str, float] = {}
    with progress_bar("learning", len(STRENGTHS) * SEEDS) as advance:
        for strength in STRENGTHS:
            right = 0
            for seed in range(SEEDS):
                trainer = Trainer(_engine(engine)(build(seed)), force, SGD(step), L2(strength))
                history = trainer.fit(
                    data.points, data.labels, iterations, seed=seed, every=max(1, iterations), progress=False
                )
                right += history.accuracy == 1.0
                advance(STRENGTHS.index(strength) * SEEDS + seed + 1, f"springs of {strength:g}")
            shares[f"{strength:g}"] = right / SEEDS
    report.table(
        f"seeds of {SEEDS} that get all {len(data)} points right after {iterations} iterations with steps of {step:g}",
        "springs | share",
        [(strength, f"{share:.1%}") for strength, share in shares.items()],
    )
    report.results |= {"iterations": iterations, "step": step, "shares": shares, "parameters": {}, "outputs": {}}


def make_engine(name: str, circuit: Circuit) -> Engine:
    """Return an engine of this name for a circuit.

    Raises
    ------
    InputError
        If there is none.
    """
    return _engine(name)(circuit)


def _engine(name: str) -> Callable[[Circuit], Engine]:
    if name not in ENGINES:
        raise InputError(f"there is no engine {name!r}: use one of {', '.join(ENGINES)}")
    if name == "simulation":
        return lambda circuit: Simulation(circuit, trace=False)  # what is shown of a training is traced by another one
    return ENGINES[name]


def _columns(axes: str | None, data: Dataset) -> tuple[int, int]:
    if axes is None:
        return 0, 1
    names = [name.strip() for name in axes.split(",")]
    if len(names) != 2 or not set(names) <= set(data.features):
        raise InputError(f"--axes {axes!r} names no two columns of {data.name}: it has {', '.join(data.features)}")
    return data.features.index(names[0]), data.features.index(names[1])
