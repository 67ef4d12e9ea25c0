"""Writes a recorded training as a page to play with: the messages of its iterations, the plane, and the curves."""

from os import PathLike
from typing import Any

import numpy as np

from circuitsim.files import check_path, writing
from circuitsim.learning.examples import Intake
from circuitsim.learning.recording import RESOLUTION, Plane, Recording
from circuitsim.simulation.simulation import Simulation
from circuitsim.trace.trace import Trace
from circuitsim.views.fold import fold
from circuitsim.views.webpage import page

__all__ = ["play_training"]

MOST_PLAYED = 20_000  # records of all iterations together
SAMPLED = 36  # scores kept along each edge of the plane


def play_training(recording: Recording, path: str | PathLike[str]) -> None:
    """Write a page on which a training can be played, iteration by iteration and message by message.

    Raises
    ------
    SaveError
        If the suffix is not ``.html`` or the file cannot be written.
    """
    path = check_path(path, (".html",))
    traces = _traces(recording)
    history = _history(recording)
    tags = {place: tag for tag, place in enumerate(traces)}  # as joined traces have them
    history["tags"] = [tags.get(place) for place in range(len(recording.shots))]
    notes = [
        f"Of {recording.history.iterations:,} iterations, {len(recording.shots) - 1:,} were kept, and {len(traces):,} "
        "of these can be played message by message."
    ]
    joined = Trace.join(list(traces.values())) if traces else Simulation(recording.circuit).trace
    assert joined is not None
    text = page(joined, history, notes)
    with writing(path) as file:
        file.write(text.encode(errors="replace"))


def _traces(recording: Recording) -> dict[int, Trace]:
    """Return the traces of as many shots as a page should play, by place, the first one among them."""
    shown = [place for place, shot in enumerate(recording.shots) if shot.examples]
    if not shown:
        return {}
    simulation = Simulation(recording.circuit, nonfinite="ignore")

    def retrace(place: int) -> Trace:
        """Run a shot again: the same numbers give the same messages, whatever engine trained."""
        shot = recording.shots[place]
        simulation.set_parameters(shot.parameters)
        simulation.forward(recording.feed(shot))
        simulation.backward({recording.output: shot.pull})
        assert simulation.trace is not None
        return simulation.trace

    folding = fold(simulation.netlist)
    first = retrace(shown[0])
    size = len(folding.trace(first) if folding else first)
    allowed = min(len(shown), max(1, MOST_PLAYED // size))
    chosen = sorted({shown[round(at)] for at in np.linspace(0, len(shown) - 1, allowed)})
    return {place: retrace(place) for place in chosen}


def _history(recording: Recording) -> dict[str, Any]:
    """Return what the page shows beside the circuit, as `circuitsim.views.training` has it."""
    shots, data = recording.shots, recording.dataset
    judged = {evaluation.iteration: evaluation for evaluation in recording.history.evaluations}
    met = [judged.get(shot.iteration) for shot in shots]
    history: dict[str, Any] = {
        "iterations": [shot.iteration for shot in shots],
        "parameters": {name: [shot.parameters[name] for shot in shots] for name in shots[0].parameters},
        "cost": [evaluation and evaluation.cost for evaluation in met],
    }
    if any(evaluation is not None and evaluation.accuracy is not None for evaluation in met):
        history["accuracy"] = [evaluation and evaluation.accuracy for evaluation in met]
    if recording.plane is not None:
        history |= _plane(recording, recording.plane)
        history["labels"] = data.labels
        history["scores"] = _scores(recording)
        history["shown"] = [shot.examples[0] if len(shot.examples) == 1 else None for shot in shots]
    return history


def _plane(recording: Recording, plane: Plane) -> dict[str, Any]:
    columns = list(plane.columns)
    step = -(-RESOLUTION // SAMPLED)
    reach = (RESOLUTION - 1) // step * step / (RESOLUTION - 1)  # how much of the plane the kept scores cover
    high = plane.low + reach * (plane.high - plane.low)
    scores = [np.zeros((2, 2)) if shot.scores is None else shot.scores[::step, ::step] for shot in recording.shots]
    return {
        "points": recording.dataset.points[:, columns],
        "axes": [recording.dataset.features[column] for column in columns],
        "bounds": (plane.low[0], high[0], plane.low[1], high[1]),
        "grid": scores,
    }


def _scores(recording: Recording) -> list[Any]:
    """Return the score of every point at every shot."""
    simulation = Simulation(recording.circuit, trace=False, nonfinite="ignore")
    intake = Intake(recording.circuit.name, recording.circuit.names("input"))
    feed = intake.feed(recording.dataset.points, recording.dataset.labels)
    scores = []
    for shot in recording.shots:
        simulation.set_parameters(shot.parameters)
        found = simulation.forward(feed)[recording.output]
        scores.append(np.broadcast_to(np.ravel(found), (len(recording.dataset),)))
    return scores
