"""Writes a recorded training as a page to play with: the messages of its iterations, the plane, and the curves."""

from os import PathLike
from typing import Any

import numpy as np

from circuitsim.files import check_path
from circuitsim.learning.recording import RESOLUTION, Plane, Recording
from circuitsim.trace.trace import Trace
from circuitsim.views.forms import PAGES
from circuitsim.views.grouping import group_gates
from circuitsim.views.html_page import save_page
from circuitsim.views.player_page import page

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
    path = check_path(path, PAGES)
    traces = _traces(recording)
    history = _history(recording)
    tags = {place: tag for tag, place in enumerate(traces)}  # as joined traces have them
    history["tags"] = [tags.get(place) for place in range(len(recording.shots))]
    notes = [
        f"Of {recording.history.iterations:,} iterations, {len(recording.shots) - 1:,} were kept, and {len(traces):,} "
        "of these can be played message by message."
    ]
    save_page(page(Trace.join(list(traces.values())) if traces else _at_rest(recording), history, notes), path)


def _traces(recording: Recording) -> dict[int, Trace]:
    """Return as many of the recorded traces as a page should play, by place, the first one among them."""
    traces = {place: shot.trace for place, shot in enumerate(recording.shots) if shot.trace is not None}
    if not traces:
        return {}
    shown = list(traces)
    first = traces[shown[0]]
    grouping = group_gates(first.netlist)
    size = len(grouping.trace(first) if grouping else first)
    allowed = min(len(shown), max(1, MOST_PLAYED // size))
    return {
        place: traces[place] for place in sorted({shown[round(at)] for at in np.linspace(0, len(shown) - 1, allowed)})
    }


def _at_rest(recording: Recording) -> Trace:
    """Return a trace in which nothing happens: the circuit as it is at the end of the training."""
    nodes = recording.netlist.of_kind("parameter")
    return Trace(recording.netlist, {nodes[name]: value for name, value in recording.shots[-1].parameters.items()})


def _history(recording: Recording) -> dict[str, Any]:
    """Return what the page shows beside the circuit, as `circuitsim.views.training_panels` has it."""
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
        history["scores"] = [shot.scores for shot in shots]
        history["shown"] = [shot.examples[0] if len(shot.examples) == 1 else None for shot in shots]
    return history


def _plane(recording: Recording, plane: Plane) -> dict[str, Any]:
    columns = list(plane.columns)
    step = -(-RESOLUTION // SAMPLED)
    reach = (RESOLUTION - 1) // step * step / (RESOLUTION - 1)  # how much of the plane the kept scores cover
    high = plane.low + reach * (plane.high - plane.low)
    scores = [
        np.zeros((2, 2)) if shot.plane_scores is None else shot.plane_scores[::step, ::step] for shot in recording.shots
    ]
    return {
        "points": recording.dataset.points[:, columns],
        "axes": [recording.dataset.features[column] for column in columns],
        "classes": recording.dataset.classes if recording.dataset.targets == "sides" else ("−1", "+1"),
        "held": len(recording.dataset.features) - 2,
        "bounds": (plane.low[0], high[0], plane.low[1], high[1]),
        "grid": scores,
    }
