"""The page of a training, in a real browser: it learns what Python learned, and more."""

import json
import re

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.learning.recording import Recorder
from circuitsim.views.training_page import play_training
from tests.browser import browser, open_page, text  # noqa: F401


def record(circuit, data, force, optimizer, penalty=(), iterations=400, batch=1, trace=True, **more):
    """Train and return the trainer and the recording; few iterations are kept."""
    trainer = cs.Trainer(cs.Compiled(circuit), force, optimizer, penalty, **more)
    recorder = Recorder(trainer, data, [0, iterations // 2], tracer=cs.Simulation(circuit) if trace else None)
    trainer.fit(data.points, data.labels, iterations, seed=0, batch=batch, callbacks=[recorder])
    return trainer, recorder.recording()


def shown(page):
    return page.evaluate("() => circuitsim.parameters()")


#: A circuit, a force, an optimizer, penalties, and whether all their operations have the same bits in JavaScript.
TRAININGS = {
    "svm": (lambda: cs.linear(2), cs.forces.svm, cs.SGD(0.05), cs.L2(0.1), True),
    "mlp": (lambda: cs.mlp([2, 3, 1], seed=0), cs.forces.svm, cs.SGD(0.05), cs.L2(0.1), True),
    "sparse": (lambda: cs.mlp([2, 4, 1], seed=1), cs.forces.squared_hinge, cs.Momentum(0.02), cs.L1(0.01), True),
    "squares": (lambda: cs.mlp([2, 4, 1], seed=2), cs.forces.squared_error, cs.RMSProp(0.01), (), True),
    "neuron": (lambda: cs.neuron(2, seed=0), cs.forces.logistic, cs.Adam(0.05), cs.L2(0.1), False),
    "tanh": (lambda: cs.mlp([2, 3, 1], "tanh", seed=0), cs.forces.logistic, cs.AMSGrad(0.02), cs.L2(0.01), False),
    "decay": (
        lambda: cs.mlp([2, 3, 1], seed=0), cs.forces.svm, cs.SGD(cs.learning.decay.LinearDecay(0.2, 0.01, 300)), (), True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAININGS)
def test_the_page_learns_what_python_learned(name, tmp_path, open_page):
    build, force, optimizer, penalty, exact = TRAININGS[name]
    trainer, made = record(build(), cs.datasets.guide(), force, optimizer, penalty)
    play_training(made, tmp_path / "page.html")
    page = open_page(tmp_path / "page.html", "#i=400")
    found, due = shown(page), trainer.engine.parameters
    assert found.keys() == due.keys()
    reach = 0.0 if exact else 1e-9
    assert all(abs(found[key] - due[key]) <= reach * max(1.0, abs(due[key])) for key in due), (found, due)
    for evaluation in made.history.evaluations[::25]:
        page.evaluate("i => player.go(i)", evaluation.iteration)
        assert page.evaluate("() => circuitsim.cost()") == pytest.approx(evaluation.cost, rel=1e-9, abs=1e-300)
