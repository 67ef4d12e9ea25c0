"""The scenarios of streams: what people ask of them, and what they are told when they ask wrongly."""

import json
from itertools import pairwise

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.cli import scenarios
from circuitsim.plan.schedules import SCHEDULES
from circuitsim.plan.search import auto
from tests.pipelines import chain, earliest, run, spans, stream


@pytest.fixture
def ask(capsys):
    """Return a function that runs a scenario in this process and returns its exit code, output and complaint."""

    def answer(name, *options):
        with pytest.raises(SystemExit) as end:
            scenarios.play(scenarios.load(scenarios.find(name)), [str(option) for option in options], name)
        told = capsys.readouterr()
        return end.value.code, told.out, told.err

    return answer


@pytest.fixture
def find(ask):
    """Return a function that runs a scenario and returns its JSON."""

    def found(name, *options):
        code, out, err = ask(name, *options, "--json")
        saved = "".join(f"saved {options[at + 1]}\n" for at, option in enumerate(options) if option == "--save")
        assert (code, err) == (0, saved)
        return json.loads(out)

    return found


def test_the_question_of_the_readme(find):
    result = find("pipeline", "--stages", 8, "--microbatches", 32, "--latency", 0.1, "--schedule", "zb-h1")
    assert result["bubble"] == pytest.approx(7 * 1 + 4 * 7 * 0.1)
    assert result["bubble_ratio"] == pytest.approx(9.8 / (9.8 + 32 * 3))
    assert result["peak"] == 8
    assert result["same_as_without_devices"] is True


@pytest.mark.parametrize(("schedule", "bubble"), [
    ("gpipe", lambda p, m, f, i, w, c: (p - 1) * (f + i + w) + 2 * (p - 1) * c),
    ("1f1b", lambda p, m, f, i, w, c: (p - 1) * (f + i + w) + 2 * c * ((p - 1) * m / p + p - 2)),
    ("zb-h1", lambda p, m, f, i, w, c: (p - 1) * (f + i - w) + 4 * (p - 1) * c),
    ("zb-h2", lambda p, m, f, i, w, c: (p - 1) * (f + i - 2 * w) + 2 * (p - 1) * c),
])  # fmt: skip
@pytest.mark.parametrize("setting", [(8, 24, 18.5, 18.1, 9.3, 0.6), (4, 12, 0.031, 0.029, 0.02, 0.001)])
def test_measured_times(find, schedule, bubble, setting):
    p, m, F, I, W, c = setting  # noqa: N806, E741
    result = find(
        "pipeline", "--stages", p, "--microbatches", m, "--forward", F, "--backward", I, "--weight", W, "--latency", c,
        "--schedule", schedule,
    )  # fmt: skip
    above = bubble(p, m, F, I, W, c)
    assert result["bubble_ratio"] == pytest.approx(above / (above + m * (F + I + W)), abs=5e-5)


def test_all_schedules_end_with_the_same_parameters(find):
    result = find("pipeline", "--stages", 3, "--microbatches", 6, "--latency", 0.3, "--seed", 7)
    assert list(result["schedules"]) == [
        "fifo",
        "gpipe",
        "1f1b",
        "interleaved",
        "zb-h1",
        "zb-h2",
        "zb-v",
        "auto",
    ]
    assert result["same_as_without_devices"] is True
    gpipe, one_f_one_b = result["schedules"]["gpipe"], result["schedules"]["1f1b"]
    assert gpipe["makespan"] < one_f_one_b["makespan"]  # with latency GPipe is the faster
    left_out = find("pipeline", "--stages", 3, "--microbatches", 5)
    assert "interleaved" not in left_out["schedules"]


def test_uneven_stages_and_bytes_of_ones_own_model(find, ask):
    """What each device does and keeps is what the options say, whatever the size of the arrays that flow."""
    options = ["--forward", "1,1,2.5,1", "--backward", 2, "--microbatches", 8, "--activation-bytes", "10,20,10,10"]
    found = find("pipeline", *options, "--message-bytes", "64,32,16,8", "--memory-bytes", 40)["schedules"]
    for name, one in found.items():
        assert sum(one["busy"]) == pytest.approx(8 * (5.5 + 4 * 3)), name
        if name not in ("interleaved", "zb-v"):
            assert one["busy"] == [8 * 4.0, 8 * 4.0, 8 * 5.5, 8 * 4.0]
            assert one["bottleneck"] == "device 2"
            assert one["bytes"] == 8 * 2 * (64 + 32 + 16)  # a gradient is as large as the value
            assert one["peak_bytes"] == [size * peak for size, peak in zip([10, 20, 10, 10], one["peaks"], strict=True)]
        path = one["critical_path"]
        assert sum(path["work"]) + path["transfers"] == pytest.approx(one["makespan"])
        for idle, busy in zip(one["idle"], one["busy"], strict=True):
            assert sum(idle.values()) + busy == pytest.approx(one["makespan"])
    assert found["auto"]["peaks"][1] <= 2
    result = find("pipeline", *options, "--memory-bytes", 40)
    fits = {name: one["makespan"] for name, one in found.items() if max(one["peak_bytes"]) <= 40}
    assert "auto" in fits
    assert result["best_in_memory"] == min(fits, key=fits.get)
    assert result["best"] == min(found, key=lambda name: found[name]["makespan"])
    _, out, _ = ask("pipeline", *options, "--memory-bytes", 40)
    assert f"Best in ticks: {result['best']}, " in out
    assert f"Best within 40 bytes on each device: {result['best_in_memory']}, " in out
    assert "auto puts one stage on each device" in out
    _, out, _ = ask("pipeline", *options, "--schedule", "1f1b", "--memory-bytes", 1e9)
    assert "The bottleneck is device 2: busy" in out
    assert "It keeps to 1,000,000,000 bytes on each device." in out


def test_auto_takes_uneven_stages_and_room():
    """No shorter span than the costliest device's work, none longer than those of the known orders."""
    forward = [2.5] + [1.0] * 7
    schedule = auto(8, 32, forward=forward)
    costs = cs.Costs(forward, 1.0, 1.0)

    def span(one):
        return stream(chain(8), [{"x": 1.0}] * 32, cs.Plan(8, schedule=one), costs=costs).report.largest_span

    assert 32 * 4.5 <= span(schedule) <= min(map(span, ("gpipe", "1f1b", "zb-h1", "zb-h2")))
    assert span(schedule) <= 32 * 4.5 * 1.01  # the slow stage is first: it need not wait
    assert auto(8, 32, forward=[1.0] * 8, limit=[9.0] * 8) == auto(8, 32, limit=9.0)
    for peak, most in zip(auto(4, 16, limit=[1, 2, 3, 4], kept=1.0).peaks(), [1, 2, 3, 4], strict=True):
        assert peak <= most
    for setting in ({"forward": [1, 2]}, {"limit": [1] * 3}, {"weight": [[1]] * 4}, {"backward": [1, 1, 1, -1]}):
        with pytest.raises(cs.ScheduleError, match="give"):
            auto(4, 8, **setting)


def test_a_table_of_ones_own(find, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("0F0,0F1,0I0,0W0,0B1\n1F0,1B0,1F1,1B1,\n", encoding="utf-8")
    result = find("pipeline", "--table", path, "--forward", 2, "--latency", 0.5)
    assert (result["stages"], result["microbatches"], list(result["schedules"])) == (2, 2, ["mine"])
    assert result["same_as_without_devices"] is True


def test_receives_that_block(find, ask):
    options = ["--stages", 4, "--microbatches", 8, "--latency", 0.25, "--schedule", "interleaved"]
    free = find("pipeline", *options)["makespan"]
    beside = find("pipeline", *options, "--receives", "early", "--overlap")["makespan"]
    blocking = find("pipeline", *options, "--receives", "early")["makespan"]
    assert free < beside < blocking
    code, _, err = ask("pipeline", *options, "--receives", "late")
    assert code == 2
    assert "SEND_F" in err
    assert "waits for the other side" in err


@pytest.mark.parametrize(("setting", "limit"), [
    ((8, 64, 1.1, 1.0, 0.9, 0.05), 16), ((4, 16, 1.3, 1.0, 0.7, 0.0), 8), ((8, 32, 18.5, 18.1, 9.3, 0.6), 16),
    ((4, 32, 5, 4, 4.5, 0.1), 8), ((6, 48, 3, 2, 2, 0.0), 12), ((8, 64, 29.7, 29.4, 19.9, 0.53), 16),
])  # fmt: skip
def test_auto_comes_within_half_a_percent_of_no_bubble(setting, limit):
    p, m, F, I, W, c = setting  # noqa: N806, E741
    schedule = auto(p, m, forward=F, backward=I, weight=W, latency=c, limit=limit)
    found = run(schedule, F, I, W, c)
    assert found.span_bubble_ratio < 0.005
    assert found.makespan == pytest.approx(earliest(schedule, F, I, W, c))
    assert max(found.data_peaks) <= limit
    held = [0.0] * p
    for piece in schedule.rows:
        kept = 0.0
        for work in piece:
            kept += {"F": 1.0, "I": -0.6, "W": -0.4}[work.kind]
            held[work.stage] = max(held[work.stage], kept)
    assert max(held) <= limit + 1e-6 or max(found.peaks) <= limit


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 8])
def test_auto_keeps_to_a_limit_on_whole_activations(limit):
    schedule = auto(4, 12, forward=1.2, limit=limit, kept=1.0)
    assert max(schedule.peaks()) <= limit
    assert run(schedule, 1.2).makespan == pytest.approx(earliest(schedule, 1.2, 1, 1, 0))


def test_auto_is_never_worse_than_a_schedule_that_keeps_the_limit():
    random = np.random.default_rng(0)
    for setting in range(60):
        p, m = int(random.integers(1, 7)), int(random.integers(1, 25))
        times = [float(random.choice([0.1, 0.3, 1, 1.4, 2, 5])), *(float(random.choice([0, 0.3, 1, 5])) for _ in "IW")]
        latency, kept = float(random.choice([0, 0.1, 1])), float(random.choice([0.4, 1.0]))
        limit = float(random.integers(1, 2 * p + 2))
        names = dict(zip(("forward", "backward", "weight"), times, strict=True))
        found = auto(p, m, latency=latency, limit=limit, kept=kept, **names)
        assert held(found, kept) <= limit + 1e-9 or held(found, 1.0) <= limit
        span = largest_span(found, *times, latency)
        for name in ("gpipe", "1f1b", "zb-h1", "zb-h2"):
            other = SCHEDULES[name](p, m)
            if held(other, kept) <= limit:
                assert span <= largest_span(other, *times, latency) * (1 + 1e-9), (setting, name)


def largest_span(schedule, *setting):
    return max(end - start for start, end in spans(schedule, *setting))


def held(schedule, kept):
    """Return the most activations on a device, of which this part is still there from I to W."""
    most = 0.0
    for row in schedule.rows:
        now = 0.0
        for work in row:
            now += {"F": 1.0, "I": kept - 1.0, "W": -kept, "B": -1.0}[work.kind]
            most = max(most, now)
    return most


def test_staleness_finds_the_boundary(find):
    windows = find("staleness", "--windows", "1,2,3,4,5,6")["windows"]
    bounds = [round(entry["largest_stable_step"], 3) for entry in windows.values()]
    assert bounds == [2.0, 1.0, 0.618, 0.445, 0.347, 0.285]
    for delay, entry in enumerate(windows.values()):
        assert entry["staleness"] == delay
        assert (entry["just_below"], entry["just_above"]) == (True, False)
    assert windows["6"]["diverges"] is True  # at the step of 0.3


@pytest.mark.slow
def test_workers_follow_the_theory(find):
    found = find("workers", "--seeds", 300)["workers"]
    for entry in found.values():
        assert entry["largest_deviation"] < 4.5  # standard errors, of 4 × 29 steps
        off = np.abs(np.array(entry["mean"]) - entry["theory"])
        assert np.all(off <= 5 * np.array(entry["sampling_error"]) + 1e-12)
    assert [entry["momentum"] for entry in found.values()] == [0, 0.5, 0.75, 0.875]


def test_workers_that_are_not_alike(find):
    slow = find("workers", "--seeds", 4, "--straggler", 5, "--latency", 0.5)["workers"]
    fast = find("workers", "--seeds", 4, "--latency", 0.5)["workers"]
    assert slow["2"]["ticks"] > fast["2"]["ticks"]
    local = find("workers", "--seeds", 4, "--local-steps", 3, "--workers", "1")["workers"]["1"]
    # One worker that moves by itself for three steps and then says how far: as three steps of its own.
    assert local["mean"][1] == pytest.approx((1 - 0.2) ** 3)
    assert local["largest_deviation"] is None


@pytest.mark.parametrize(("name", "option", "names"), [
    ("staleness", "--windows", ["1 under way", "3 under way"]), ("workers", "--workers", ["1 worker", "3 workers"]),
])  # fmt: skip
def test_a_network_learns_points_through_asynchronous_plans(find, ask, name, option, names, tmp_path):
    result = find(name, "--data", "guide", option, "1,3", "--updates", 100, "--step", 0.3, "--save", tmp_path / "x.svg")
    assert (result["data"], result["iterations"], list(result["found"])) == ("guide", 128, names)
    one, three = result["found"].values()
    assert one["accuracy"] == three["accuracy"] == 1.0
    assert one["loss"] < 0.1
    assert one["ticks"] > 2 * three["ticks"]
    assert [shot["ticks"] for shot in one["history"]] == sorted(shot["ticks"] for shot in one["history"])
    assert (tmp_path / "x.svg").stat().st_size > 5000
    again = find(name, "--data", "guide", option, "1,3", "--updates", 100, "--step", 0.3)
    assert again == result
    assert "there is no dataset 'moon'" in ask(name, "--data", "moon")[2]


def test_points_of_ones_own_are_learned_through_a_plan(find, tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("a,b,c,label\n" + "".join(f"{x},{-x},1,{x > 0}\n" for x in (-2, -1, 1, 2)), encoding="utf-8")
    found = find("workers", "--data", path, "--workers", 2, "--updates", 640, "--local-steps", 3)
    assert (found["data"], found["accuracy"]) == ("points.csv", 1.0)


def test_faults_do_no_harm(find):
    cases = find("faults", "--seed", 5)["cases"]
    assert [entry["same"] for entry in cases.values()] == [True] * 4
    assert cases["nothing"]["lost"] == cases["nothing"]["dropped"] == cases["nothing"]["crashes"] == 0
    assert cases["links"]["lost"] > 0
    assert cases["links"]["dropped"] > 0
    assert cases["crashes"]["crashes"] > 0
    assert cases["both"]["makespan"] > cases["nothing"]["makespan"]


@pytest.mark.parametrize(("name", "options", "words"), [
    ("pipeline", ["--schedule", "best"], "there is no schedule 'best': use fifo, gpipe"),
    ("pipeline", ["--forward", -1], "the forward times are '-1': give a number from 0 up for all 4 devices, or 4 with"),
    ("pipeline", ["--weight", "nan", "--schedule", "gpipe"], "the weight times are 'nan': give"),
    ("pipeline", ["--backward", "1,2"], "the backward times are '1,2': give a number from 0 up for all 4 devices"),
    ("pipeline", ["--memory-bytes", 9], "--memory-bytes needs to know what an activation takes: give"),
    ("pipeline", ["--memory-bytes", 9, "--activation-bytes", 10], "9 leaves no room for one activation of 10 bytes on"),
    ("pipeline", ["--memory-bytes", "nan", "--activation-bytes", 1], "nan leaves no room for one activation"),
    ("pipeline", ["--message-bytes", "1,2,x,4"], "the message bytes are '1,2,x,4': give"),
    ("pipeline", ["--latency", "inf", "--schedule", "gpipe"], "the latency of a link is inf"),
    ("pipeline", ["--bandwidth", 0], "the bandwidth of a link is 0.0: give bytes a tick"),
    ("pipeline", ["--schedule", "interleaved", "--microbatches", 6], "6 is no multiple of 4"),
    ("pipeline", ["--table", "none.csv"], "cannot read 'none.csv': No such file"),
    ("pipeline", ["--schedule", "auto", "--memory", 0.5], "a limit of 0.5 leaves no room for one activation"),
    ("pipeline", ["--schedule", "auto", "--kept", 2], "what W keeps of an activation is 2.0: give a number"),
    ("pipeline", ["--save", "seen.gif"], "cannot save as 'seen.gif': the suffix must be one of .html .png"),
    ("staleness", ["--windows", "1,zero"], "the windows are '1,zero': give whole numbers"),
    ("staleness", ["--step", "nan"], "step"),
    ("staleness", ["--curvature", 0], "the curvature is 0.0"),
    ("workers", ["--workers", "0"], "the workers are '0'"),
    ("faults", ["--loss", 1.2], "the loss of a link is 1.2: give a number from 0 to 1"),
    ("faults", ["--loss", 1.0], "nothing was heard from device 1 while device 0 sent"),
    ("faults", ["--crash-every", -3], "crash_every is -3.0: give ticks"),
    ("faults", ["--schedule", "best"], "there is no schedule 'best'"),
])  # fmt: skip
def test_mistakes_are_told_in_one_sentence(ask, name, options, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = ask(name, *options)
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1


def test_a_table_that_deadlocks_is_told_of(ask, tmp_path):
    path = tmp_path / "stuck.csv"
    path.write_text("0F0,0B0\n1B0,1F0\n", encoding="utf-8")
    code, _, err = ask("pipeline", "--table", path)
    assert code == 2
    assert "the schedule 'stuck' deadlocks: 0B0 of rank 0 waits for 1B0; 1B0 of rank 1 waits for 1F0" in err
    path.write_text("0F0,0B0\n1F0,1B0\n", encoding="utf-8")
    code, _, err = ask("pipeline", "--table", path, "--stages", 3)
    assert "has 2 ranks, not 3" in err


def test_all_schedules_are_played_on_one_page(find, tmp_path, open_page):
    found = find("pipeline", "--stages", 2, "--microbatches", 4, "--save", tmp_path / "seen.html")["schedules"]
    page = open_page(tmp_path / "seen.html")
    assert page.title() == "pipeline"
    titles = page.locator("#stream option").all_inner_texts()
    assert titles == [f"{name}: {figures['makespan']:g} ticks" for name, figures in found.items()]
    page.select_option("#stream", label="1f1b: 15 ticks")
    assert page.inner_text("#title") == "Why does each device wait 3 of 15 ticks?"


def test_timelines_are_drawn_in_every_form_and_the_same_each_time(find, tmp_path):
    for suffix in (".png", ".svg", ".pdf", ".html", ".json"):
        files = [tmp_path / f"{name}{suffix}" for name in "ab"]
        for file in files:
            find("faults", "--stages", 2, "--microbatches", 3, "--save", file)
        assert files[0].read_bytes() == files[1].read_bytes()
        assert files[0].stat().st_size > 5000
    run = stream(chain(1), [{"x": 1.0}], cs.Plan())
    run.save(tmp_path / "one.png")
    with pytest.raises(cs.SaveError, match="the suffix must be one of"):
        run.save(tmp_path / "one.doc")


def test_timelines_open_in_perfetto(find, tmp_path):
    find("pipeline", "--stages", 2, "--microbatches", 4, "--schedule", "zb-h1", "--save", tmp_path / "seen.json")
    events = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))["traceEvents"]
    tracks = {event["args"]["name"]: event["tid"] for event in events if event["name"] == "thread_name"}
    assert {"device 0", "device 1", "device 0 → device 1", "device 1 → device 0"} == set(tracks)
    work = [event for event in events if event["ph"] == "X"]
    assert sorted(e["name"] for e in work if e["tid"] == 0) == sorted(f"{k}{i}" for k in "FIW" for i in range(4))
    for track in (0, 1):  # a device does one thing at a time
        spans = sorted((e["ts"], e["ts"] + e["dur"]) for e in work if e["tid"] == track)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert len([e for e in events if e["ph"] == "b"]) == len([e for e in events if e["ph"] == "e"]) == 8


def test_messages_of_several_timelines_are_told_apart_in_perfetto(find, tmp_path):
    find("pipeline", "--stages", 2, "--microbatches", 4, "--save", tmp_path / "seen.json")
    events = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))["traceEvents"]
    begun = [(event["cat"], event["id"]) for event in events if event["ph"] == "b"]
    assert len(begun) == len(set(begun)) > 8 * len({event["pid"] for event in events}) - 1
    assert set(begun) == {(event["cat"], event["id"]) for event in events if event["ph"] == "e"}
