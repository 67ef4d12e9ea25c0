"""Recording a training: enough of some of its iterations to show them, message by message if need be.

What is kept of an iteration is not its trace but what made it: the parameters, the examples, and the pull. A
simulation of the same circuit with the same numbers gives the same trace again, to the last bit, whatever engine the
training ran on.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitsim.circuit.circuit import Circuit
from circuitsim.errors import InputError
from circuitsim.gates.value import Value
from circuitsim.learning.datasets import Dataset
from circuitsim.learning.examples import Intake
from circuitsim.learning.forces import Force
from circuitsim.learning.history import History
from circuitsim.learning.trainer import Trainer

__all__ = ["Plane", "Recorder", "Recording", "Shot"]

RESOLUTION = 72  # places along each edge of the plane at which scores are kept


@dataclass(frozen=True)
class Plane:
    """The part of the plane of two features that is looked at; other features are held at their mean.

    Attributes
    ----------
    columns : tuple of int
        Which two of the dataset's columns span it.
    low, high : ndarray, shape (2,)
        Its corners.
    grid : ndarray, shape (RESOLUTION * RESOLUTION, features)
        Points all over it, row by row from low to high.
    """

    columns: tuple[int, int]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    grid: NDArray[np.float64]

    @classmethod
    def of(cls, dataset: Dataset, columns: tuple[int, int] = (0, 1)) -> "Plane":
        """Return the plane in which all points of a dataset lie, with some room around them."""
        points = dataset.points[:, columns]
        low, high = points.min(axis=0), points.max(axis=0)
        room = 0.15 * np.where(high > low, high - low, 1.0)
        low, high = low - room, high + room
        across, up = (np.linspace(low[axis], high[axis], RESOLUTION) for axis in (0, 1))
        grid = np.tile(dataset.points.mean(axis=0), (RESOLUTION * RESOLUTION, 1))
        grid[:, columns[0]] = np.tile(across, RESOLUTION)
        grid[:, columns[1]] = np.repeat(up, RESOLUTION)
        return cls(columns, low, high, grid)


@dataclass(frozen=True)
class Shot:
    """One iteration, before its update.

    Attributes
    ----------
    iteration : int
        How many updates came before.
    parameters : dict of str to float or ndarray
        The parameters as they were.
    examples : list of int
        The numbers of the examples that were shown; empty at the end of the training.
    pull : float or ndarray
        How the output was pulled.
    scores : ndarray, shape (RESOLUTION, RESOLUTION), or None
        The score all over the plane, from low to high, a row for each place up.
    """

    iteration: int
    parameters: dict[str, Value]
    examples: list[int] = field(default_factory=list)
    pull: Value = 0.0
    scores: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Recording:
    """A training that can be shown.

    Attributes
    ----------
    circuit : Circuit
        What was trained.
    output : str
        The output that was pulled.
    force : Force
        How it was pulled.
    dataset : Dataset
        What it was trained on.
    plane : Plane or None
        The plane that is looked at; None if the points have only one feature.
    shots : list of Shot
        The iterations that were kept; the last one is the end.
    history : History
        The whole training.
    """

    circuit: Circuit
    output: str
    force: Force
    dataset: Dataset
    plane: Plane | None
    shots: list[Shot]
    history: History

    def feed(self, shot: Shot) -> dict[str, Any]:
        """Return what each input was given in a shot."""
        intake = Intake(self.circuit.name, self.circuit.names("input"))
        some = shot.examples if len(shot.examples) != 1 else shot.examples[0]
        points, labels = self.dataset.points[some], self.dataset.labels[some]
        return intake.feed(points if len(shot.examples) != 1 else points.tolist(), labels)


class Recorder:
    """Records a training: give it to `Trainer.fit` as a callback.

    Parameters
    ----------
    trainer : Trainer
        Whose training is recorded, from here on.
    circuit : Circuit
        What it trains.
    dataset : Dataset
        What it trains on.
    keep : collection of int
        The iterations to keep: those before which so many updates were made.
    columns : tuple of int
        Which two of the dataset's columns to look at.

    Examples
    --------
    >>> import circuitsim as cs
    >>> circuit, data = cs.linear(2), cs.datasets.guide()
    >>> trainer = cs.Trainer(cs.Simulation(circuit), cs.forces.svm, cs.SGD(0.05))
    >>> recorder = Recorder(trainer, circuit, data, keep=[0, 10, 50])
    >>> history = trainer.fit(data.points, data.labels, 100, seed=0, callbacks=[recorder])
    >>> [shot.iteration for shot in recorder.recording().shots]
    [0, 10, 50, 100]
    """

    def __init__(
        self,
        trainer: Trainer,
        circuit: Circuit,
        dataset: Dataset,
        keep: Collection[int],
        columns: tuple[int, int] = (0, 1),
    ) -> None:
        if len(dataset.features) > 1 and not all(0 <= column < len(dataset.features) for column in columns):
            numbered = ", ".join(f"{number} {name}" for number, name in enumerate(dataset.features))
            raise InputError(f"{dataset.name} has no columns {columns[0]} and {columns[1]}: it has {numbered}")
        self._trainer, self._circuit, self._dataset, self._keep = trainer, circuit, dataset, set(keep)
        self._plane = Plane.of(dataset, columns) if len(dataset.features) > 1 else None
        self._shots: list[Shot] = []
        self._next = self._look()

    def __call__(self, trainer: Trainer) -> None:
        """Keep the iteration that has just been, if it is one to keep, and look at how the next one begins."""
        if self._next is not None:
            before = self._next
            self._shots.append(Shot(before.iteration, before.parameters, trainer.shown, trainer.pull, before.scores))
        self._next = self._look()

    def recording(self) -> Recording:
        """Return what was recorded, with the state of things now as the last shot."""
        self._keep.add(self._trainer.iteration)
        end = self._look()
        assert end is not None
        trainer = self._trainer
        return Recording(
            self._circuit,
            trainer.output,
            trainer.force,
            self._dataset,
            self._plane,
            [*self._shots, end],
            trainer.history,
        )

    def _look(self) -> Shot | None:
        trainer = self._trainer
        if trainer.iteration not in self._keep:
            return None
        scores = None
        if self._plane is not None:
            scores = np.reshape(trainer.scores(self._plane.grid), (RESOLUTION, RESOLUTION))
        return Shot(trainer.iteration, trainer.engine.parameters, scores=scores)
