"""How a circuit with a score for each class sees a plane through its points: what `views.class_plane` draws."""

import numpy as np
from numpy.typing import NDArray

from circuitsim import checks
from circuitsim.errors import InputError
from circuitsim.learning import Dataset, Trainer
from circuitsim.views.class_plane import Axis, ClassPlane

__all__ = ["look_at"]

RESOLUTION = 160  # places along each edge of the plane


def look_at(trainer: Trainer, data: Dataset, axes: str | None, margin: float | None = None) -> ClassPlane:
    """Return what the plane of some classes looks like to a trainer with a score for each class.

    The plane goes through the mean of the points, along two columns or along the two directions in which the points
    are spread most. The example that is shown is the one that costs most. A margin is drawn if it is given.
    """
    scale = trainer.scale
    means = data.points.mean(axis=0) if scale is None else scale.means
    spreads = np.ones(len(means)) if scale is None else scale.spreads
    points = (data.points - means) / spreads
    ways, dressed = _axes(axes, data, points, means, spreads)
    places = points @ ways
    low, high = places.min(axis=0), places.max(axis=0)
    room = 0.08 * (high - low)
    low, high = low - room, high + room
    across, up = (np.linspace(low[axis], high[axis], RESOLUTION) for axis in (0, 1))
    grid = np.column_stack([np.tile(across, RESOLUTION), np.repeat(up, RESOLUTION)]) @ ways.T
    scores = np.asarray(trainer.scores(data.points))
    losses = np.asarray(trainer.force.loss(scores, data.labels))
    shown_one = int(np.argmax(losses))
    pulls = np.asarray(trainer.force.pull(scores[shown_one], data.labels[shown_one]))
    [fed] = (probe.fed for probe in trainer.probe(data.points[[shown_one]], data.labels[[shown_one]]))
    pushes = []
    for number, pull in enumerate(pulls):
        alone = np.zeros((1, len(pulls)))
        alone[0, number] = pull
        trainer.engine.forward(fed)
        pushes.append(np.ravel(trainer.engine.backward({trainer.output: alone})["x"]) @ ways)
    return ClassPlane(
        axes=dressed,
        names=data.classes or (),
        points=places,
        labels=data.labels.astype(int),
        right=np.argmax(scores, axis=1) == data.labels,
        low=low,
        high=high,
        scores=np.asarray(trainer.scores(grid * spreads + means)).reshape(RESOLUTION, RESOLUTION, -1),
        margin=margin,
        shown=shown_one,
        said=scores[shown_one],
        pulls=pulls,
        pushes=np.array(pushes),
    )


def _axes(
    axes: str | None,
    data: Dataset,
    points: NDArray[np.float64],
    means: NDArray[np.float64],
    spreads: NDArray[np.float64],
) -> tuple[NDArray[np.float64], tuple[Axis, Axis]]:
    """Return two directions, as columns, and what their axes are called."""
    if axes is not None:
        names = [name.strip() for name in axes.split(",")]
        if len(set(names)) != 2 or not set(names) <= set(data.features):
            raise InputError(
                f"--axes {axes!r} names no two columns of {data.name}: it has {checks.listed(data.features)}"
            )
        columns = [data.features.index(name) for name in names]
        first, second = (Axis(data.features[n], float(means[n]), float(spreads[n])) for n in columns)
        return np.eye(len(means))[:, columns], (first, second)
    if len(means) < 2:
        raise InputError(f"{data.name} has one column, and a plane needs two: leave out --save")
    if len(means) == 2:
        first, second = (Axis(data.features[n], float(means[n]), float(spreads[n])) for n in (0, 1))
        return np.eye(2), (first, second)
    _, sizes, ways = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    turned = ways[:2] * np.sign(ways[:2][[0, 1], np.argmax(np.abs(ways[:2]), axis=1)])[:, None]
    shares = sizes**2 / np.sum(sizes**2)
    first, second = (Axis(f"principal axis {n + 1}, {shares[n]:.0%} of the variance") for n in (0, 1))
    return turned.T, (first, second)
