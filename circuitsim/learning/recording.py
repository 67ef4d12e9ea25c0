"""Recording a training: what some of its iterations looked like, so that they can be shown without running anything.

The scores come from the engine that trains. The messages come from a second engine that leaves traces, which runs each
iteration that is kept once more, with the same numbers: engines agree to the last bit, so these are the values and
gradients of the training, whatever engine it runs on.
"""

from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from circuitsim.circuit.netlist import Netlist
from circuitsim.engine import Engine
from circuitsim.errors import InputError
from circuitsim.gates.value import Value
from circuitsim.learning.datasets import Dataset
from circuitsim.learning.forces import Force
from circuitsim.learning.history import History
from circuitsim.learning.lbfgs import LBFGS
from circuitsim.learning.optimizers import Optimizer
from circuitsim.learning.scaling import Scale
from circuitsim.learning.trainer import Trainer
from circuitsim.rules import Spring
from circuitsim.spelling import shown
from circuitsim.trace.trace import Trace

__all__ = ["Course", "Plane", "Recorder", "Recording", "Shot"]

RESOLUTION = 72  # places along each edge of the plane at which scores are kept
MOST_RECORDS = 2_000_000  # in all traces of a recording, about 80 MB


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
    scores : ndarray, shape (examples,)
        The score of each example of the dataset.
    cost : float
        The mean loss over these, with the cost of the penalties.
    plane_scores : ndarray, shape (RESOLUTION, RESOLUTION), or None
        The score all over the plane, from low to high, a row for each place up; None if there is no plane.
    trace : Trace or None
        The messages of the iteration; None if they were not recorded, and at the end.
    """

    iteration: int
    parameters: dict[str, Value]
    scores: NDArray[np.float64]
    cost: float
    plane_scores: NDArray[np.float64] | None = None
    examples: list[int] = field(default_factory=list)
    pull: Value = 0.0
    trace: Trace | None = None


@dataclass(frozen=True)
class Course:
    """How a training began and what it was shown: all that it takes to do it again.

    Attributes
    ----------
    start : dict of str to float or ndarray
        The parameters before the first iteration.
    shown : sequence of int
        The number of the example that each iteration showed; if it showed several, of the first.
    learned : list of int
        The numbers of the examples to learn from.
    output : str
        The score.
    optimizer : Optimizer or LBFGS
        How parameters responded.
    springs : mapping of str to sequence of Spring
        The penalties, by parameter.
    scale : Scale or None
        How columns were scaled.
    besides : str
        What else was done, in words, "" if nothing was: whoever does the training again must do that, too.
    """

    start: dict[str, Value]
    shown: Sequence[int]
    learned: list[int]
    output: str
    optimizer: Optimizer | LBFGS
    springs: Mapping[str, Sequence[Spring]]
    scale: Scale | None
    besides: str = ""


@dataclass(frozen=True)
class Recording:
    """A training that can be shown.

    Attributes
    ----------
    netlist : Netlist
        The circuit that was trained.
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
    course : Course
        How it began and what it was shown.
    """

    netlist: Netlist
    force: Force
    dataset: Dataset
    plane: Plane | None
    shots: list[Shot]
    history: History
    course: Course


class Recorder:
    """Records a training: give it to `Trainer.fit` as a callback.

    Parameters
    ----------
    trainer : Trainer
        Whose training is recorded, from here on.
    dataset : Dataset
        What it trains on.
    keep : collection of int
        The iterations to keep: those before which so many updates were made.
    columns : tuple of int
        Which two of the dataset's columns to look at.
    tracer : Engine, optional
        Another engine of the same circuit, which leaves traces: it runs the iterations to keep once more, so that they
        can be shown message by message. Of a training of very many messages, only every second iteration, every third
        and so on has a trace.

    Raises
    ------
    InputError
        If the dataset has no such columns, or the tracer is of another circuit, or, when it is first asked for one,
        leaves no traces.

    Examples
    --------
    >>> import circuitsim as cs
    >>> circuit, data = cs.linear(2), cs.datasets.guide()
    >>> trainer = cs.Trainer(cs.Simulation(circuit), cs.forces.svm, cs.SGD(0.05))
    >>> recorder = Recorder(trainer, data, keep=[0, 10, 50], tracer=cs.Simulation(circuit))
    >>> history = trainer.fit(data.points, data.labels, 100, seed=0, callbacks=[recorder])
    >>> [shot.iteration for shot in recorder.recording().shots]
    [0, 10, 50, 100]
    >>> recorder.recording().shots[1].trace
    <trace of 'linear 2': 26 records, 0 to 14 ticks>
    """

    def __init__(
        self,
        trainer: Trainer,
        dataset: Dataset,
        keep: Collection[int],
        columns: tuple[int, int] = (0, 1),
        tracer: Engine | None = None,
    ) -> None:
        if len(dataset.features) > 1 and not all(0 <= column < len(dataset.features) for column in columns):
            numbered = ", ".join(f"{number} {name}" for number, name in enumerate(dataset.features))
            raise InputError(f"{dataset.name} has no columns {columns[0]} and {columns[1]}: it has {numbered}")
        netlist = trainer.engine.netlist
        if tracer is not None and tracer.netlist.fingerprint() != netlist.fingerprint():
            raise InputError(
                f"the tracer's circuit is not {shown(netlist.name)}, which is trained: give an engine of that"
            )
        self._trainer, self._dataset, self._keep, self._tracer = trainer, dataset, set(keep), tracer
        self._plane = Plane.of(dataset, columns) if len(dataset.features) > 1 else None
        self._shots: list[Shot] = []
        self._start, self._begun = trainer.engine.parameters, trainer.iteration
        self._order = array("q")
        self._several = False  # whether an iteration showed more than one example
        self._every = 1  # which of the shots get a trace
        self._next = self._look()

    def __call__(self, trainer: Trainer) -> None:
        """Keep the iteration that has just been, if it is one to keep, and look at how the next one begins."""
        self._order.append(trainer.shown[0])
        self._several |= len(trainer.shown) > 1
        if self._next is not None:
            shot = replace(self._next, examples=trainer.shown, pull=trainer.pull)
            if self._tracer is not None and len(self._shots) % self._every == 0:
                shot = replace(shot, trace=self._run_again(self._tracer, shot))
            self._shots.append(shot)
        self._next = self._look()

    def recording(self) -> Recording:
        """Return what was recorded, with the state of things now as the last shot."""
        self._keep.add(self._trainer.iteration)
        end = self._look()
        assert end is not None
        trainer = self._trainer
        return Recording(
            trainer.engine.netlist, trainer.force, self._dataset, self._plane, [*self._shots, end], trainer.history,
            self._course(),
        )  # fmt: skip

    def _course(self) -> Course:
        trainer = self._trainer
        plan = getattr(trainer.engine, "plan", None)
        besides = [
            words
            for words, is_so in (
                ("it went on from an earlier training", self._begun > 0),
                ("several examples are shown together", self._several),
                ("gradients are clipped", trainer.clip is not None),
                ("classes are weighed", trainer.weights is not None),
                ("a state is carried from one iteration to the next", bool(trainer.carry)),
                ("parameters move while examples are under way", getattr(plan, "update", None) == "async"),
            )
            if is_so
        ]
        return Course(
            self._start, self._order[:], trainer.learned, trainer.output, trainer.optimizer,
            trainer.engine.springs or {}, trainer.scale, ", and ".join(besides),
        )  # fmt: skip

    def _look(self) -> Shot | None:
        """Return how an iteration begins; None if it is not to be kept."""
        trainer, data = self._trainer, self._dataset
        if trainer.iteration not in self._keep:
            return None
        scores = np.ravel(trainer.scores(data.points, data.labels))
        plane_scores = None
        if self._plane is not None:
            plane_scores = np.reshape(trainer.scores(self._plane.grid), (RESOLUTION, RESOLUTION))
        cost = trainer.cost(data.points, data.labels)
        return Shot(trainer.iteration, trainer.engine.parameters, scores, cost, plane_scores)

    def _run_again(self, tracer: Engine, shot: Shot) -> Trace:
        """Return the trace of an iteration."""
        tracer.set_parameters(shot.parameters)
        tracer.forward(self._trainer.fed)
        tracer.backward({self._trainer.output: shot.pull})
        if tracer.trace is None:
            raise InputError(
                f"a {type(tracer).__name__} that leaves no traces cannot trace: give a Simulation(circuit)"
            )
        trace = tracer.trace.expanded
        self._every = max(1, -(-len(trace) * len(self._keep) // MOST_RECORDS))
        return trace
