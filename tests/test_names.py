"""Names of any letters can be drawn and saved: signs of control, halves of letters, what means something elsewhere."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import circuitsim as cs
from circuitsim import views
from circuitsim.learning.recording import Recorder

ODD = ["_\x00\x1b[31m", "\ud800\uffffa\nb\r\x85", "$\\bad{<&>\"']]>"]
FORMS = (".svg", ".png", ".pdf", ".html", ".json", ".vcd", ".trace")


def readable(path):
    """Tell whether a file of a form that others read is one."""
    if path.suffix == ".svg":
        return ET.parse(path).getroot().tag.endswith("svg")
    if path.suffix == ".json":
        return bool(json.loads(path.read_text(encoding="utf-8"))["traceEvents"])
    if path.suffix == ".trace":
        return len(cs.Trace.load(path)) > 0
    return path.stat().st_size > 0


def lines(odd):
    """A circuit in which everything is called so."""
    circuit = cs.Circuit(f"{odd}circuit")
    x, y = circuit.input(f"{odd}x"), circuit.input(f"{odd}y")
    product = circuit.gate(cs.mul, circuit.parameter(f"{odd}w", 0.5), x, name=f"{odd}gate")
    circuit.output(f"{odd}f", product + y * circuit.parameter(f"{odd}v", 0.25))
    return circuit


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_runs_and_streams_are_drawn_and_saved(odd, tmp_path):
    circuit = lines(odd)
    inputs = {f"{odd}x": 2.0, f"{odd}y": 3.0}
    run = cs.Simulation(circuit).run(inputs)
    mine, *others = circuit.names("gate")
    placed = cs.place(circuit, {f"{odd}one": [mine], f"{odd}two": others})
    stream = cs.Simulation(circuit, cs.Plan(placed)).stream([inputs] * 2)
    for trace in (run.trace, stream.trace):
        for form in FORMS:
            trace.export(tmp_path / f"a{form}")
            assert readable(tmp_path / f"a{form}"), form
    run.trace.export(tmp_path / "a.gif")
    assert ET.fromstring(views.svg(circuit)).tag.endswith("svg")
    assert views.embed(run.trace).encode()


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_trainings_and_data_are_drawn_and_saved(odd, tmp_path):
    points = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [0.0, 2.0]])
    names = [f"{odd}x", f"{odd}y"], (f"{odd}no", f"{odd}yes")
    data = cs.Dataset(f"{odd}data", points, np.array([1.0, -1.0, 1.0, -1.0]), *names, "")
    circuit = lines(odd)
    trainer = cs.Trainer(cs.Compiled(circuit), cs.forces.svm, cs.SGD(0.1))
    recorder = Recorder(trainer, data, keep=[0, 2], tracer=cs.Simulation(circuit))
    history = trainer.fit(data.points, data.labels, 3, callbacks=[recorder])
    for form in (".svg", ".png", ".pdf", ".html"):
        views.save_training(recorder.recording(), tmp_path / f"a{form}")
        assert readable(tmp_path / f"a{form}"), form
    for drawn in (history._repr_svg_(), data._repr_svg_()):
        assert ET.fromstring(drawn).tag.endswith("svg")
