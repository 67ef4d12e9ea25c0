"""Writes a recorded training as a page: the circuit, the plane and the cost curve, which learn in the browser.

Message times do not depend on values. So the page gets the messages of one example as a schedule, and whatever it takes
to train: the circuit's rules, the force, the optimizer, the springs and the step schedule as JavaScript, the first
parameters, the points, and the order in which they were shown. It does the training again, and any iteration can be
shown message by message.

What cannot be done in a page, such as a training on batches, is shown as it was recorded: some of its iterations, each
with its own messages.
"""

import json
from collections.abc import Mapping
from functools import cache
from os import PathLike
from typing import Any

import numpy as np

from circuitsim.errors import InputError
from circuitsim.files import check_path
from circuitsim.gates.symbols import SymbolError
from circuitsim.gates.value import shape_of
from circuitsim.learning import datasets, forces, optimizers
from circuitsim.learning.datasets import Dataset
from circuitsim.learning.history import Evaluation
from circuitsim.learning.lbfgs import LBFGS
from circuitsim.learning.penalties import L2
from circuitsim.learning.recording import RESOLUTION, Plane, Recording
from circuitsim.trace.trace import Trace
from circuitsim.views.forms import PAGES
from circuitsim.views.grouping import MOST_GATES, Grouping, group_gates
from circuitsim.views.html_page import block, fill, save_page
from circuitsim.views.neuron_scene import arrange, line_up, sends_numbers
from circuitsim.views.opening import made_of
from circuitsim.views.page_program import program
from circuitsim.views.page_rules import force_script, optimizer_script, penalty_script, schedule_script
from circuitsim.views.places import cut
from circuitsim.views.player_page import slopes
from circuitsim.views.scene import scene, windows

__all__ = ["play_training"]

MOST_PLAYED = 20_000  # records of all recorded iterations together
SAMPLED = 24  # recorded scores kept along each edge of the plane
MOST_EVALUATIONS = 21  # that are kept of what Python recorded
BUNDLED = 36  # points of each set that a page brings
MOST_DRAWN = 60  # gates that are drawn one by one at first

DRAWN = (
    "numbers.js", "page.js", "story.js", "live.js", "camera.js", "stage.js", "rule.js", "player.js", "plane.js",
    "curve.js",
)  # fmt: skip
LEARNING = (*DRAWN, "engine.js", "learning.js", "course.js", "train.js")
RECORDED = (*DRAWN, "recorded.js", "train.js")
STYLES = ("look.css", "board.css", "train.css")
BROUGHT = ("guide", "moons", "circles", "spirals")
OFFERED = (
    optimizers.SGD, optimizers.Momentum, optimizers.Nesterov, optimizers.AdaGrad, optimizers.RMSProp, optimizers.Adam,
)  # fmt: skip
COUNTED = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def play_training(recording: Recording, path: str | PathLike[str]) -> None:
    """Write a page on which a training can be played, changed, and gone on with.

    Raises
    ------
    SaveError
        If the suffix is not ``.html`` or the file cannot be written.
    """
    save_page(page(recording), check_path(path, PAGES))


def page(recording: Recording) -> str:
    """Return the text of the page."""
    lesson = _lesson(recording)
    trace = next((shot.trace for shot in recording.shots if shot.trace is not None), None)
    script, why = "", _obstacle(recording, trace)
    if not why:
        try:
            script, more = _scripts(recording)
        except SymbolError as error:
            why = str(error)
        else:
            lesson |= more
    if why:
        lesson |= _recorded(recording) | {"why": why}
    else:
        assert trace is not None
        lesson["circuits"] = _circuits(trace)
        lesson["sets"] = _sets(recording.dataset.name)
    scripts = RECORDED if why else LEARNING
    return fill(recording.netlist.name, block("lesson", lesson), "train.html", STYLES, scripts, script)


# -- what is learned -----------------------------------------------------------------------------------------------


def _lesson(recording: Recording) -> dict[str, Any]:
    """Return what every page of a training tells."""
    data, course, force = recording.dataset, recording.course, recording.force
    sides = data.targets == "sides"
    lesson: dict[str, Any] = {
        "title": recording.netlist.name,
        "heading": _heading(recording),
        "data": data.name,
        "features": data.features,
        "classes": data.classes if sides else ("−1", "+1"),
        "points": data.points.tolist(),
        "labels": data.labels.tolist(),
        "apart": sorted(set(range(len(data))) - set(course.learned)),
        "force": force.name,
        "iterations": recording.history.iterations,
        "evaluations": [
            [
                evaluation.iteration,
                _lone(float(f"{evaluation.cost:.12g}")),
                _right(evaluation.accuracy, len(course.learned)),
            ]
            for evaluation in _some(recording.history.evaluations)
        ],
    }
    if recording.plane is not None:
        low, high = recording.plane.low, recording.plane.high
        lesson |= {"columns": recording.plane.columns, "bounds": [low[0], high[0], low[1], high[1]]}
    return lesson


def _some(evaluations: list[Evaluation]) -> list[Evaluation]:
    """Return evaluations spread over all, the first and the last among them."""
    count = min(len(evaluations), MOST_EVALUATIONS)
    return [evaluations[place] for place in sorted({round(at) for at in np.linspace(0, len(evaluations) - 1, count)})]


def _right(accuracy: float | None, count: int) -> int | None:
    """Return how many examples are right."""
    return None if accuracy is None else round(accuracy * count)


def _heading(recording: Recording) -> str:
    netlist, data = recording.netlist, recording.dataset
    grouping = group_gates(netlist, most=0)
    neurons = len(grouping.netlist.of_kind("gate")) if grouping and _is_network(grouping) else 1
    name = netlist.name.partition(" ")[0]
    if name == "mlp" and neurons < 100:
        who = f"{_counted(neurons)} neuron" + "s" * (neurons > 1)
    elif name in ("neuron", "linear"):
        who = "one neuron"
    else:
        who = f"the circuit {cut(netlist.name, 40)}"
    points = f"{_counted(len(data))} point" + "s" * (len(data) != 1)
    verb = "do" if who.endswith("neurons") else "does"
    return (
        f"How {verb} {who} learn to part {points}?" if data.targets == "sides" else f"How {verb} {who} learn {points}?"
    )


def _counted(number: int) -> str:
    return COUNTED[number] if number < len(COUNTED) else f"{number:,}"


# -- what a page can do itself -------------------------------------------------------------------------------------


def _obstacle(recording: Recording, trace: Trace | None) -> str:
    """Return why a training cannot be done again in a page, as far as that is seen without reading rules."""
    course, data, netlist = recording.course, recording.dataset, recording.netlist
    inputs = netlist.of_kind("input")
    if course.besides:
        return course.besides
    if not course.shown:
        return "it has no iterations"
    if isinstance(course.optimizer, LBFGS):
        return "LBFGS takes all examples at a time"
    if recording.plane is None:
        return "its points have one feature"
    if data.targets != "sides" or recording.force.targets not in ("sides", "numbers"):
        return "its labels are no two sides"
    if len(inputs) != len(data.features) or {"target", "draw"} & inputs.keys():
        return "its inputs do not get a column of the points each"
    if any(shape_of(value) for value in course.start.values()):
        return "its parameters are arrays"
    return "its messages were not recorded" if trace is None else ""


def _scripts(recording: Recording) -> tuple[str, dict[str, Any]]:
    """Return the script of all rules, and what the page has to know of them and of how the training began.

    Raises
    ------
    SymbolError
        If one of those that the training uses cannot be read.
    """
    course, netlist = recording.course, recording.netlist
    made = program(netlist)
    nodes = netlist.of_kind("parameter")
    for name, value in course.start.items():
        made.tables["values"][nodes[name]] = value
    names = {index: name for name, index in nodes.items()}
    ordered = [names[index] for index in sorted(names)]
    optimizer, own = course.optimizer, type(course.optimizer).__name__
    assert not isinstance(optimizer, LBFGS)
    step = getattr(optimizer, "step", None)

    springs = []
    held: dict[int, tuple[Any, list[int]]] = {}
    for place, name in enumerate(ordered):
        for spring in course.springs[name]:
            held.setdefault(id(spring), (spring, [0] * len(ordered)))[1][place] = 1
    holding = {"L2": _readable(L2(1.0), penalty_script)}
    for spring, on in held.values():
        kind = type(spring).__name__
        holding[kind] = _named(kind, penalty_script, spring)
        springs.append({"rule": kind, "strength": getattr(spring, "strength", 0.0), "held": on})
    biases = netlist.biases()

    pulling = {force.name: _readable(force, force_script) for force in forces.by_name.values() if _sided(force)}
    pulling[recording.force.name] = _named(f"force {recording.force.name}", force_script, recording.force)
    moving = _optimizers() | {own: _named(own, optimizer_script, optimizer)}
    schedule = _named("its step schedule", schedule_script, step) if callable(step) else "null"
    scripts = [
        made.script,
        _table("FORCES", pulling), _table("OPTIMIZERS", moving), _table("SPRINGS", holding),
        f"const SCHEDULE = {schedule};\n",
    ]  # fmt: skip
    scale = course.scale
    return "".join(scripts), {
        "program": made.tables | {"names": [node.name for node in netlist.nodes]},
        "inputs": list(netlist.of_kind("input").values()),
        "score": netlist.of_kind("output")[course.output],
        "output": course.output,
        "parameters": sorted(names),
        "names": ordered,
        "weights": [int(name not in biases) for name in ordered],
        "order": list(course.shown),
        "optimizer": own,
        "step": None if callable(step) else step,
        "schedule": repr(step) if callable(step) else None,
        "springs": springs,
        "means": None if scale is None else scale.means.tolist(),
        "spreads": None if scale is None else scale.spreads.tolist(),
    }


def _sided(force: forces.Force) -> bool:
    return force.targets == "sides" or force is forces.squared_error


@cache
def _optimizers() -> dict[str, str]:
    """Return the optimizers that every page offers, as they are by default."""
    return {kind.__name__: optimizer_script(kind()) for kind in OFFERED}


@cache
def _readable(thing: Any, script: Any) -> str:
    text: str = script(thing)
    return text


def _named(name: str, script: Any, thing: Any) -> str:
    """Return what a rule of this training is in JavaScript, or say whose rule cannot be read."""
    try:
        text: str = script(thing)
    except SymbolError as error:
        raise SymbolError(f"{name} cannot be computed here: {error}") from None
    return text


def _table(name: str, texts: Mapping[str, str]) -> str:
    """Return a script that names rules; a name is data, so it cannot end the script."""
    keys = {key: json.dumps(key).replace("<", r"\u003c") for key in texts}
    entries = ",\n".join(f"  {keys[key]}: {text}" for key, text in texts.items())
    return f"const {name} = {{ __proto__: null,\n{entries}\n}};\n"


def _sets(own: str) -> dict[str, Any]:
    """Return the sets that a page can learn besides its own."""
    sets = {}
    for name in BROUGHT:
        try:
            data = _bundled(name)
        except InputError:  # scikit-learn is not there
            continue
        if name != own:
            points = [[float(f"{number:.3g}") for number in point] for point in data.points.tolist()]
            sets[name] = {"points": points, "labels": [int(label) for label in data.labels.tolist()]}
    return sets


@cache
def _bundled(name: str) -> Dataset:
    return datasets.made[name](count=BUNDLED) if name in datasets.made else datasets.by_name[name]()


def _circuits(trace: Trace) -> list[dict[str, Any]]:
    """Return the pictures of the circuit that the page can show, each with its schedule: gates, and neurons."""
    netlist = trace.netlist
    pictures = []
    gates = len(netlist.of_kind("gate"))
    folding = group_gates(netlist, most=0)
    neurons = folding is not None and _is_network(folding)
    if gates <= MOST_GATES or not neurons:
        pictures.append({"name": "gates"} | _picture(trace))
        if neurons:
            assert folding is not None
            arrange(pictures[0]["scene"], folding)
    if neurons:
        pictures.append({"name": "neurons"} | _picture(trace, folding))
    if gates > MOST_DRAWN:
        pictures.reverse()
    return pictures


def _is_network(folding: Grouping) -> bool:
    """Tell whether groups are neurons: of several gates, which send one number."""
    gates, groups = (len(netlist.of_kind("gate")) for netlist in (folding.whole, folding.netlist))
    return sends_numbers(folding) and 2 * groups <= gates


def _picture(trace: Trace, folding: Grouping | None = None) -> dict[str, Any]:
    drawn = folding.trace(trace) if folding else trace
    stage = _stage(drawn, folded=folding is not None)
    if folding is not None:
        nodes, wires = made_of(folding)
        stage["whole"] = {"nodes": nodes, "wires": wires}
        for node, heard in zip(stage["nodes"], nodes, strict=True):
            gate = trace.netlist.nodes[heard[0]].gate
            if node["kind"] == "gate" and gate is not None:
                node["text"] = gate.symbol
        line_up(stage)
    [part] = windows(drawn, most=len(drawn) + 1)
    return {"scene": stage, "part": part}


def _stage(trace: Trace, folded: bool) -> dict[str, Any]:
    return scene(trace, folded=folded, dense=True) | {"batch": 0, "batches": 0, "slopes": slopes(trace)}


# -- what was recorded ---------------------------------------------------------------------------------------------


def _recorded(recording: Recording) -> dict[str, Any]:
    """Return iterations as they were recorded: those whose messages are there, and the end."""
    shots = recording.shots
    traced = [place for place, shot in enumerate(shots) if shot.trace is not None]
    if traced:
        first = shots[traced[0]].trace
        assert first is not None
        folding = group_gates(recording.netlist)
        size = max(1, len(folding.trace(first) if folding else first))
        allowed = min(len(traced), max(1, MOST_PLAYED // size))
        traced = sorted({traced[round(at)] for at in np.linspace(0, len(traced) - 1, allowed)})
    kept = [shots[place] for place in [*traced, len(shots) - 1]]
    folding = group_gates(recording.netlist)
    nodes = recording.netlist.of_kind("parameter")
    traces = []
    for shot in kept:
        # Nothing happens at the end: the circuit is there with what it has learned.
        trace = shot.trace or Trace(recording.netlist, {nodes[name]: value for name, value in shot.parameters.items()})
        traces.append(folding.trace(trace) if folding else trace)
    stage = _stage(max(traces, key=len), folded=folding is not None)
    neurons = group_gates(recording.netlist, most=0)
    if folding is None and neurons is not None and _is_network(neurons):
        arrange(stage, neurons)
    drawn: dict[str, Any] = {
        "circuits": [{"name": "gates", "scene": stage}],
        "parts": [next(windows(trace, most=len(trace) + 1)) for trace in traces],
        "places": [shot.iteration for shot in kept],
        "pulls": [_lone(shot.pull) if shot.examples else None for shot in kept],
        "shown": [shot.examples for shot in kept],
        "margin": recording.force.margin,
    }
    if recording.plane is not None:
        drawn |= _sampled(recording.plane)
        step = drawn["grid"]["step"]
        none = np.zeros((RESOLUTION, RESOLUTION))
        drawn["heights"] = [
            _short((none if shot.plane_scores is None else shot.plane_scores)[::step, ::step].ravel()) for shot in kept
        ]
        drawn["scores"] = [_short(shot.scores) for shot in kept]
    return drawn


def _sampled(plane: Plane) -> dict[str, Any]:
    step = -(-RESOLUTION // SAMPLED)
    count = (RESOLUTION - 1) // step + 1
    reach = (count - 1) * step / (RESOLUTION - 1)  # how much of the plane the kept scores cover
    high = plane.low + reach * (plane.high - plane.low)
    return {
        "grid": {"columns": count, "rows": count, "step": step},
        "bounds": [plane.low[0], high[0], plane.low[1], high[1]],
    }


def _lone(value: Any) -> float | None:
    return float(value) if isinstance(value, float) and np.isfinite(value) else None


def _short(array: Any, digits: int = 3) -> list[float]:
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else 0.0 for value in np.ravel(array).tolist()]
