"""Trainings that stop, go on, come back from a file, or run away."""

import os
import signal
from itertools import pairwise

import numpy as np
import pytest

import circuitsim as cs
from tests.guide_loops import LABELS, POINTS
from tests.learners import OPTIMIZERS, svm, trainer, watching


@pytest.mark.parametrize("order", ["random", "shuffled", "in order", [i % 6 for i in range(200)]], ids=str)
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)
def test_resuming_is_the_same_as_never_having_stopped(engine, tmp_path, order, batch, optimizer):
    def fresh():
        return trainer(engine, svm(), cs.forces.logistic, optimizer, cs.L2(0.1))

    options = {"order": order, "batch": batch, "every": 5}
    whole, halves, resumed = fresh(), fresh(), fresh()
    whole.fit(POINTS, LABELS, 50, seed=3, **options)
    halves.fit(POINTS, LABELS, 25, seed=3, **options)
    halves.save(tmp_path / "half.npz")
    halves.fit(POINTS, LABELS, 25, **options)
    resumed.load(tmp_path / "half.npz")
    resumed.fit(POINTS, LABELS, 25, **options)
    assert whole.engine.memory == halves.engine.memory == resumed.engine.memory
    assert whole.history == halves.history == resumed.history


@pytest.mark.parametrize("plan", [None, cs.Plan(2, schedule="1f1b", microbatches=2), cs.Plan(2, update="async")])
def test_a_history_has_the_time_of_each_update(tmp_path, plan):
    def fresh():
        cluster = None if plan is None else cs.Cluster(link=cs.Link(cs.exponential(0.3)))
        return trainer(lambda circuit: cs.Simulation(circuit, plan, cluster=cluster), svm())

    whole, halves, resumed = fresh(), fresh(), fresh()
    whole.fit(POINTS, LABELS, 20, seed=3, batch=4, every=3)
    halves.fit(POINTS, LABELS, 10, seed=3, batch=4, every=3)
    halves.save(tmp_path / "half.npz")
    resumed.load(tmp_path / "half.npz")
    assert resumed.history.ticks == halves.history.ticks
    resumed.fit(POINTS, LABELS, 10, batch=4, every=3)
    ticks = whole.history.ticks
    assert ticks == resumed.history.ticks
    assert len(ticks) == 20
    assert all(before < after for before, after in pairwise(ticks))
    if plan is None:
        assert ticks == [14.0 * number for number in range(1, 21)]  # the time of evaluations left out
        assert whole.engine.ticks > ticks[-1]
    else:
        assert whole.engine.ticks == ticks[-1]  # evaluations take no time
    compiled = trainer(cs.Compiled, svm())
    assert compiled.fit(POINTS, LABELS, 5).ticks == []
    assert compiled.engine.time is None


def test_a_seed_begins_anew_and_repeats(engine):
    runs = []
    for seed in (5, 5, 6):
        trained = trainer(engine, svm())
        runs.append([])
        trained.fit(POINTS, LABELS, 40, seed=seed, callbacks=[watching(runs[-1])])
    assert runs[0] == runs[1] != runs[2]


def test_examples_held_back_are_never_shown(engine):
    trained = trainer(engine, svm())
    chosen = []
    history = trained.fit(POINTS, LABELS, 100, seed=0, validation=1 / 3, callbacks=[watching(chosen)])
    shown = {index for some in chosen for index in some}
    assert len(shown) == 4
    assert history.evaluations[-1].validation_cost is not None


def test_early_stopping_puts_back_the_best(engine):
    points, labels = np.array([[0.0], [1.0], [2.0], [3.0]]), [0.0, 1.0, 2.0, 3.0]
    circuit = cs.Circuit("line")
    (x,) = circuit.inputs("x")
    circuit.output("y", circuit.parameter("slope", 0.9) * x)
    trained = trainer(engine, circuit, cs.forces.squared_error, cs.SGD(0.9))  # far too large: it moves away
    history = trained.fit(points, labels, 500, validation=0.5, patience=3, every=1, seed=1)
    assert history.ended == "stopped early"
    assert history.iterations < 100
    best = min(history.evaluations, key=lambda evaluation: evaluation.validation_cost)
    assert trained.engine.parameters == best.parameters


def test_ctrl_c_stops_after_the_iteration_and_keeps_what_was_learned(engine):
    def press(trained):
        if trained.iteration == 17:
            os.kill(os.getpid(), signal.SIGINT)

    stopped, whole = trainer(engine, svm()), trainer(engine, svm())
    history = stopped.fit(POINTS, LABELS, 400, seed=2, callbacks=[press])
    assert (history.ended, history.iterations) == ("interrupted", 17)
    assert history.evaluations[-1].iteration == 17
    whole.fit(POINTS, LABELS, 17, seed=2)
    assert stopped.engine.parameters == whole.engine.parameters


def test_a_callback_may_stop_it(engine):
    trained = trainer(engine, svm())
    history = trained.fit(POINTS, LABELS, 400, callbacks=[lambda trained: trained.iteration == 7])
    assert (history.ended, history.iterations) == ("stopped by a callback", 7)


@pytest.mark.parametrize("step", [1e200, 1e300])
def test_nothing_but_divergence_itself_tells_of_it(engine, step):
    """Warnings are errors here: NumPy gives them where a spring's energy overflows, before a parameter does."""
    trained = cs.Trainer(engine(svm(), nonfinite="ignore"), cs.forces.svm, cs.SGD(step), cs.L2(1.0), output="score")
    with pytest.raises(cs.DivergenceError):
        trained.fit(POINTS, LABELS, 50, every=1, seed=0)


@pytest.mark.filterwarnings("ignore::circuitsim.NonFiniteWarning")
def test_divergence_is_told_and_the_best_parameters_are_kept(engine):
    trained = trainer(engine, svm(), cs.forces.squared_error, cs.SGD(10.0))
    with pytest.raises(
        cs.DivergenceError, match=r"diverged at iteration \d+, .*'[abc]' .* steps of 10: take a smaller"
    ):
        trained.fit(POINTS, LABELS, 400, seed=0)
    best = min(trained.history.evaluations, key=lambda evaluation: evaluation.cost)
    assert trained.engine.parameters == best.parameters
    assert all(np.isfinite(value) for value in trained.engine.parameters.values())


def test_a_progress_bar_only_where_it_is_wanted(engine, capfd):
    trainer(engine, svm()).fit(POINTS, LABELS, 20)
    assert capfd.readouterr() == ("", "")
    trainer(engine, svm()).fit(POINTS, LABELS, 20, progress=True)
    told = capfd.readouterr()
    assert told.out == ""
    assert "20/20" in told.err
    assert "accuracy" in told.err


def saved_after_a_fit(tmp_path, order, count=6):
    trained = trainer(cs.Compiled, svm())
    trained.fit(POINTS[:count], LABELS[:count], 4, order=order)
    trained.save(tmp_path / "saved.npz")
    fresh = trainer(cs.Compiled, svm())
    fresh.load(tmp_path / "saved.npz")
    return fresh


@pytest.mark.parametrize("saved", ["random", "shuffled", "in order", [0, 1, 2, 3, 4, 5, 0, 1]])
@pytest.mark.parametrize("given", ["random", "shuffled", "in order", [0, 1, 2, 3, 4, 5, 5, 5]])
def test_another_order_or_other_examples_are_refused_on_going_on(tmp_path, saved, given):
    """Unless a seed begins anew; what was refused has changed nothing."""
    fresh = saved_after_a_fit(tmp_path, saved)
    before = fresh.engine.memory
    if given != saved:
        there, here = (repr(order) if isinstance(order, str) else "a list" for order in (saved, given))
        words = f"goes on in order {there} and was given {'another' if here == there else here}: give the same"
        with pytest.raises(cs.InputError, match=words):
            fresh.fit(POINTS, LABELS, 2, order=given)
    with pytest.raises(cs.InputError, match="goes on with 6 examples to learn from and was given 4: give the same"):
        fresh.fit(POINTS[:4], LABELS[:4], 2, order=saved if isinstance(saved, str) else [0])
    assert fresh.engine.memory == before
    assert fresh.history.iterations == 4
    fresh.fit(POINTS, LABELS, 2, order=saved)
    saved_after_a_fit(tmp_path, saved).fit(POINTS[:4], LABELS[:4], 2, order="in order", seed=1)
