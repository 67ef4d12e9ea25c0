"""The training scenarios: what they print is what plain loops find, their films show what was learned."""

import json
import re

import numpy as np
import pytest
from PIL import Image

import circuitsim as cs
from circuitsim.cli import scenarios
from circuitsim.learning import recording as recording_module
from circuitsim.learning.recording import RESOLUTION, Plane, Recorder
from circuitsim.learning.sampling import Sampler
from circuitsim.trace import Kind
from circuitsim.views import save_training, style, training_film
from tests import guide_loops
from tests.learners import NAMES, svm
from tests.test_scenarios import call, result

SEEDS = range(200)


def parted(score):
    """Tell whether a score has the right sign at all of the guide's points."""
    return all(
        (score(*point) > 0) == (label > 0) for point, label in zip(guide_loops.POINTS, guide_loops.LABELS, strict=True)
    )


def svm_parts_all(order, step, spring, seed):
    a, b, c = guide_loops.svm((1.0, -2.0, -1.0), order, step, spring)
    return parted(lambda x, y: a * x + b * y + c)


def network_parts_all(order, step, spring, seed):
    circuit = cs.mlp([2, 3, 1], seed=seed)
    start = [circuit.graph.nodes[name]["value"] for name in circuit.names("parameter")]
    p = guide_loops.network(dict(zip(NAMES, start, strict=True)), order, step, spring)

    def score(x, y):
        hidden = [max(0, p[f"a{k}"] * x + p[f"b{k}"] * y + p[f"c{k}"]) for k in (1, 2, 3)]
        return p["a4"] * hidden[0] + p["b4"] * hidden[1] + p["c4"] * hidden[2] + p["d4"]

    return parted(score)


@pytest.mark.parametrize(("name", "parts_all"), [
    ("svm", svm_parts_all), pytest.param("mlp", network_parts_all, marks=pytest.mark.slow),
])  # fmt: skip
@pytest.mark.parametrize("step", [0.01, 0.05])
def test_the_shares_in_the_docs_are_what_plain_loops_find(name, parts_all, step):
    """The survey's numbers, from the guide's loops on the same starts and the same examples."""
    text = scenarios.find(name).read_text(encoding="utf-8")
    told = [float(share) for share in re.findall(r"([\d.]+) %", re.search(rf"steps of {step} (.*)", text)[1])]
    found = []
    for spring in (1.0, 0.1, 0.01):
        orders = {seed: Sampler("random", 6, seed) for seed in SEEDS}
        right = [parts_all([orders[seed].take(1)[0] for _ in range(400)], step, spring, seed) for seed in SEEDS]
        found.append(100 * np.mean(right))
    assert told == found


def test_the_survey_prints_those_shares(monkeypatch):
    """With fewer seeds, to be quick: the first twenty."""
    from circuitsim.cli import training

    monkeypatch.setattr(training, "SEEDS", 20)
    main = scenarios.load(scenarios.find("svm"))
    report = main(survey=True, as_in_the_guide=True)
    orders = [Sampler("random", 6, seed) for seed in range(20)]
    right = [svm_parts_all([order.take(1)[0] for _ in range(400)], 0.01, 0.1, 0) for order in orders]
    assert report.results["shares"]["0.1"] == np.mean(right)


@pytest.mark.parametrize("name", ["neuron", "svm", "mlp"])
def test_a_newcomer_sees_it_learn(name):
    found = result(name)
    assert found["accuracy"] == 1.0
    assert found["loss"] < found["history"][0]["loss"] / 2
    assert found["iterations"] == 400


@pytest.mark.parametrize("name", ["svm", "mlp"])
def test_as_in_the_guide(name):
    found = result(name, "--as-in-the-guide")
    assert (found["step"], found["penalty"], found["iterations"]) == (0.01, 1.0, 400)
    assert result(name, "--as-in-the-guide", "--step", "0.02")["step"] == 0.02


def test_the_svm_of_the_command_line_is_the_guides_loop():
    found = result("svm", "--as-in-the-guide", "--seed", "7")
    order = Sampler("random", 6, 7)
    a, b, c = guide_loops.svm((1.0, -2.0, -1.0), [order.take(1)[0] for _ in range(400)], 0.01)
    assert found["parameters"] == {"a": a, "b": b, "c": c}


def test_the_loss_is_the_guides():
    found = result("loss")
    assert [round(cost, 3) for cost in found["costs"]] == [0.440, 1.370, 0.000]
    assert round(found["springs"], 3) == 0.005
    assert round(found["loss"], 3) == 1.815
    assert found["outputs"]["total"] < found["loss"]


def test_points_of_ones_own(tmp_path):
    path = tmp_path / "mine.csv"
    rows = ["width,height,depth,kind"]
    dice = np.random.default_rng(0)
    for _ in range(30):
        for kind, middle in (("cat", -1.0), ("dog", 1.0)):
            rows.append(",".join(f"{value:.3f}" for value in dice.normal(middle, 0.3, 3)) + f",{kind}")
    path.write_text("\n".join(rows), encoding="utf-8")
    printed = call(
        "scenarios/svm.py", "--data", str(path), "--axes", "depth,width", "--save", str(tmp_path / "mine.png")
    )
    assert "Scores above 0 mean 'dog', others 'cat'." in printed
    assert "60 points of mine.csv" in printed
    assert (tmp_path / "mine.png").stat().st_size > 10_000
    assert result("mlp", "--data", str(path))["accuracy"] == 1.0


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["svm", "--data", "nothing"], "there is no dataset 'nothing'"),
    (["svm", "--data", "nothing.csv"], "cannot read 'nothing.csv'"),
    (["svm", "--engine", "steam"], "there is no engine 'steam'"),
    (["svm", "--axes", "x,z"], "--axes 'x,z' names no two columns of guide: it has x, y"),
    (["svm", "--step", "0"], "step is 0.0: give"),
    (["svm", "--penalty", "-1"], "the strength of a penalty is -1.0: give"),
    (["svm", "--save", "a.vcd"], "the suffix must be one of .html .gif"),
    (["mlp", "--hidden", "three"], "--hidden 'three' is no list of sizes"),
    (["mlp", "--hidden", "0"], "size is 0: give"),
    (["svm", "--step", "1e200"], "training diverged at iteration"),
    (["svm", "--step", "1e300"], "training diverged at iteration"),
])  # fmt: skip
def test_mistakes_get_one_sentence(arguments, sentence):
    from typer.testing import CliRunner

    from circuitsim.cli.main import app

    done = CliRunner().invoke(app, ["run", *arguments])
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


# -- recordings and films ---------------------------------------------------------------------------------------


def recorded(
    iterations=30, circuit=None, data=None, batch=1, force=cs.forces.svm, keep=None, engine=cs.Simulation,
    tracer=cs.Simulation,
):  # fmt: skip
    data = data or cs.datasets.guide()
    circuit = circuit or svm()
    trainer = cs.Trainer(engine(circuit), force, cs.SGD(0.05), cs.L2(0.1))
    keep = training_film.shots_to_keep(iterations) if keep is None else keep
    recorder = Recorder(trainer, data, keep, tracer=tracer and tracer(circuit))
    traces = []
    trainer.fit(
        data.points, data.labels, iterations, seed=0, batch=batch,
        callbacks=[lambda trainer: traces.append(trainer.engine.trace), recorder],
    )  # fmt: skip
    return recorder.recording(), traces


@pytest.mark.parametrize("engine", [cs.Simulation, cs.Compiled, lambda c: cs.Simulation(c, cs.Plan(2))])
def test_a_recording_has_the_messages_of_the_training_whatever_engine_trains(engine):
    _, traces = recorded()
    recording, _ = recorded(engine=engine)
    assert recording.shots[-1].trace is None
    assert len(recording.shots) - 1 == len(traces) == 30
    for shot, trace in zip(recording.shots, traces, strict=False):
        assert shot.trace.values() == trace.values()
        assert shot.trace.gradients() == trace.gradients()


def test_a_recording_may_do_without_messages(tmp_path):
    recording, _ = recorded(20, tracer=None)
    assert all(shot.trace is None for shot in recording.shots)
    for suffix in ("gif", "html", "pdf"):
        save_training(recording, tmp_path / f"bare.{suffix}")
        assert (tmp_path / f"bare.{suffix}").stat().st_size > 5000
    assert "its messages were not recorded" in (tmp_path / "bare.html").read_text(encoding="utf-8")


def test_a_long_recording_has_the_messages_of_some_iterations(monkeypatch, tmp_path):
    monkeypatch.setattr(recording_module, "MOST_RECORDS", 200)
    recording, traces = recorded(30)
    size = len(traces[0])
    kept = [shot.iteration for shot in recording.shots if shot.trace is not None]
    assert kept == list(range(0, 30, -(-30 * size // 200)))
    assert len(kept) * size < 200 + size
    save_training(recording, tmp_path / "some.gif")
    save_training(recording, tmp_path / "some.html")


def test_messages_may_be_traced_by_a_simulation_on_devices(tmp_path):
    plain, _ = recorded(3)
    staged, _ = recorded(3, tracer=lambda circuit: cs.Simulation(circuit, cs.Plan(2)))
    for one, other in zip(plain.shots[:-1], staged.shots[:-1], strict=True):
        assert one.trace.values() == other.trace.values()
        assert one.trace.gradients() == other.trace.gradients()
    save_training(staged, tmp_path / "staged.gif")
    save_training(staged, tmp_path / "staged.html")


@pytest.mark.parametrize(("tracer", "words"), [
    (lambda circuit: cs.Compiled(circuit), "a Compiled that leaves no traces cannot trace"),
    (lambda circuit: cs.Simulation(circuit, trace=False), "a Simulation that leaves no traces cannot trace"),
    (lambda circuit: cs.Simulation(cs.linear(2)), "the tracer's circuit is not 'svm', which is trained"),
])  # fmt: skip
def test_tracers_that_cannot_be(tracer, words):
    with pytest.raises(cs.InputError, match=words):
        recorded(1, tracer=tracer)


def test_scores_all_over_the_plane_are_the_circuits():
    recording, _ = recorded(5)
    shot, plane = recording.shots[-1], recording.plane
    p = shot.parameters
    expected = p["a"] * plane.grid[:, 0] + p["b"] * plane.grid[:, 1] + p["c"]
    np.testing.assert_allclose(shot.plane_scores, expected.reshape(RESOLUTION, RESOLUTION), rtol=1e-12)
    assert plane.grid[0].tolist() == plane.low.tolist()
    assert plane.grid[-1].tolist() == plane.high.tolist()


def test_other_columns_are_held_at_their_mean():
    points = np.arange(12.0).reshape(4, 3)
    data = cs.Dataset("three", points, np.array([1.0, -1.0, 1.0, -1.0]), ["p", "q", "r"])
    plane = Plane.of(data, (2, 0))
    assert set(plane.grid[:, 1]) == {points[:, 1].mean()}
    assert plane.low.tolist() < [2.0, 0.0]


@pytest.mark.parametrize("iterations", [0, 1, 11, 12, 170, 171, 400, 100_000])
def test_the_shots_of_a_film(iterations):
    shots = training_film.shots_to_keep(iterations)
    assert shots == sorted(set(shots))
    assert len(shots) == min(iterations, training_film.SHOWN)
    assert all(0 <= shot < iterations for shot in shots)
    assert shots[: training_film.FIRST] == list(range(min(iterations, training_film.FIRST)))


@pytest.mark.slow
def test_a_film_of_400_iterations_takes_less_than_a_minute_and_shows_messages_first():
    for circuit in (svm(), cs.mlp([2, 3, 1], seed=1)):
        recording, _ = recorded(400, circuit)
        moments = [moment for _, moment in training_film._Frames(recording).moments()]
        assert sum(moment.duration for moment in moments) < 60_000
        moving = {record.kind for moment in moments for record in moment.moving}
        assert moving == {Kind.VALUE, Kind.GRADIENT}
        assert not any(moment.moving for moment in moments[len(moments) // 2 + 150 :])
        assert any("the parameters respond: " in moment.heading for moment in moments)


@pytest.mark.parametrize(
    "circuit",
    [pytest.param(svm(), marks=pytest.mark.slow), cs.mlp([2, 16, 16, 1], seed=0)],
    ids=["small", "too large to be drawn"],
)
def test_a_film_moves_and_is_the_same_twice(tmp_path, circuit):
    recording, _ = recorded(3, circuit)
    training_film.film_training(recording, tmp_path / "one.gif")
    training_film.film_training(recording, tmp_path / "two.gif")
    assert (tmp_path / "one.gif").read_bytes() == (tmp_path / "two.gif").read_bytes()
    with Image.open(tmp_path / "one.gif") as film:
        first = np.asarray(film.convert("RGB"))
        film.seek(film.n_frames - 1)
        last = np.asarray(film.convert("RGB"))
        assert film.info["duration"] == 3000
    assert first[0, 0].tolist() == list(bytes.fromhex(style.PAPER[1:]))
    assert (first != last).any()


@pytest.mark.slow
@pytest.mark.parametrize("make", [
    lambda: recorded(2, cs.linear(1), cs.Dataset("one", np.array([[0.0], [1.0]]), np.array([-1.0, 1.0]), ["x"]))[0],
    lambda: recorded(2, batch=3)[0],
    lambda: recorded(0)[0],
    lambda: recorded(2, force=cs.forces.logistic)[0],
    lambda: recorded(2, data=cs.Dataset("$odd$", np.ones((2, 2)), np.array([-1.0, 1.0]), ["$x$", "<b>"]))[0],
], ids=["one column", "batches", "no iteration", "logistic", "one place"])  # fmt: skip
def test_odd_recordings_can_be_shown(tmp_path, make):
    save_training(make(), tmp_path / "odd.gif")
    save_training(make(), tmp_path / "odd.svg")
    assert "<svg" in (tmp_path / "odd.svg").read_text(encoding="utf-8")


def of_arrays():
    return cs.dense([2, 3, 1], seed=0)


def with_a_parameter_that_nothing_uses():
    circuit = cs.Circuit("spare")
    x, y = circuit.inputs("x y")
    a, _ = circuit.parameters(a=1.0, spare=2.0)
    circuit.output("score", a * x - y)
    return circuit


@pytest.mark.slow
@pytest.mark.parametrize("make", [of_arrays, with_a_parameter_that_nothing_uses])
def test_films_of_other_parameters_than_numbers(tmp_path, make):
    recording, _ = recorded(3, make())
    headings = [moment.heading for _, moment in training_film._Frames(recording).moments()]
    responses = [heading for heading in headings if heading.startswith("the parameters respond")]
    assert responses
    assert not any("spare" in heading for heading in responses)
    save_training(recording, tmp_path / "film.gif")


def test_json_is_one_object():
    assert json.loads(call("scenarios/svm.py", "--json", "--iterations", "10"))["data"] == "guide"
