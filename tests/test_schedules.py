"""Schedules: PyTorch's orders, the formulas of the literature, tables, and what is wrong with some of them."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.plan.schedules import SCHEDULES, gpipe, interleaved, one_f_one_b, zb_h1, zb_h2, zb_v
from tests.fuzz import plans, schedules
from tests.pipelines import earliest, run

PYTORCH = json.loads((Path(__file__).parent / "schedules" / "pytorch.json").read_text(encoding="utf-8"))["tables"]
TIMES = [(1, 1, 1), (12, 9, 6), (5, 4, 1)]  # even, and W < I < F
MEASURED = (18.522, 18.086, 9.337)
SIZES = [(p, m) for p in range(2, 9) for m in (p, 2 * p, 4 * p)]
SMALL = 1 / 8  # a transfer time that slack in the schedules can hide where it is to be hidden


@pytest.mark.parametrize("key", PYTORCH)
def test_orders_are_pytorchs(key):
    name, p, m, *more = key.split()
    schedule = SCHEDULES[name](int(p), int(m), **({"chunks": int(more[0])} if name == "interleaved" else {}))
    if "transfers" in more:
        schedule = schedule.with_transfers()
    assert str(schedule).splitlines() == PYTORCH[key]


def bubble(schedule, times, latency=0.0, chunks=1):
    found = run(schedule, *times, latency, chunks)
    above = found.bubble if schedule.barrier else found.span_bubble
    assert found.ideal == pytest.approx(schedule.microbatches * sum(times))
    return above


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize(("p", "m"), SIZES)
def test_formulas(p, m, times):
    """Huang et al. 2019, Narayanan et al. 2021, Qi et al. 2024; exact, as all times are dyadic."""
    F, I, W = times  # noqa: N806, E741
    expected = {
        gpipe: ((p - 1) * (F + I + W), 2 * (p - 1)),
        one_f_one_b: ((p - 1) * (F + I + W), 2 * ((p - 1) * m / p + p - 2)),
        # With one round of microbatches no forward pass is left to wait for: two transfers less than 4(p - 1).
        zb_h1: ((p - 1) * (F + I - W), 4 * (p - 1) - (2 if m == p else 0)),
        zb_h2: ((p - 1) * (F + I - 2 * W), 2 * (p - 1)),
    }
    if m < 2 * p:
        del expected[zb_h2]  # too few microbatches to warm up with
    for make, (alone, transfers) in expected.items():
        assert bubble(make(p, m), times) == alone, make
        assert bubble(make(p, m), times, SMALL) == alone + transfers * SMALL, make


@pytest.mark.parametrize(("p", "m"), SIZES)
def test_formulas_for_measured_times(p, m):
    F, I, W = MEASURED  # noqa: N806, E741
    assert run(one_f_one_b(p, m), *MEASURED).bubble_ratio == pytest.approx((p - 1) / (m + p - 1))
    assert run(gpipe(p, m), *MEASURED).bubble_ratio == pytest.approx((p - 1) / (m + p - 1))
    assert bubble(zb_h1(p, m), MEASURED) == pytest.approx((p - 1) * (F + I - W))
    if m >= 2 * p:
        assert bubble(zb_h2(p, m), MEASURED) == pytest.approx((p - 1) * (F + I - 2 * W))


@pytest.mark.parametrize(("p", "m"), SIZES)
def test_peaks(p, m):
    assert run(gpipe(p, m)).peaks == [m] * p
    assert run(one_f_one_b(p, m)).peaks == [min(m, p - s) for s in range(p)]
    assert max(run(zb_h1(p, m)).peaks) == p
    assert run(zb_h1(p, m)).data_peaks == [min(m, p - s) for s in range(p)]
    if m >= 2 * p:
        assert max(run(zb_h2(p, m)).peaks) == 2 * p - 1
        assert max(run(zb_v(p, m)).peaks) <= p


@pytest.mark.parametrize("v", [2, 3])
@pytest.mark.parametrize(("p", "m"), SIZES)
def test_interleaved(p, m, v):
    times = (12, 12, 12)
    assert bubble(interleaved(p, m, v), times, chunks=v) == (p - 1) * 36 / v
    assert max(run(interleaved(p, m, v)).peaks) == pytest.approx(min(m, p * (1 + (p - 1) / (p * v))))
    latency = 0.25  # also round the loop from the last device to the first, and chunks on the path of each other
    schedule = interleaved(p, m, v)
    assert run(schedule, 12, 9, 6, latency).makespan == earliest(schedule, 12, 9, 6, latency)


@pytest.mark.parametrize("p", range(2, 9))
@pytest.mark.parametrize("rounds", [2, 4])
def test_zb_v_has_no_bubble(p, rounds):
    assert bubble(zb_v(p, rounds * p), (2, 2, 2), chunks=2) == 0
    assert run(zb_v(p, rounds * p), 2, 2, 2, SMALL).makespan == earliest(zb_v(p, rounds * p), 2, 2, 2, SMALL)


@given(
    st.sampled_from(sorted(SCHEDULES)),
    st.integers(1, 5),
    st.integers(1, 4),
    st.tuples(*[st.floats(0.01, 10)] * 3),
    st.just(0.0) | st.floats(1e-9, 3),
)
def test_the_simulation_takes_the_longest_path(name, p, rounds, times, latency):
    schedule = SCHEDULES[name](p, rounds * p)
    assert run(schedule, *times, latency).makespan == pytest.approx(earliest(schedule, *times, latency))


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 6), st.integers(1, 3))
def test_tables_are_read_as_they_are_written(name, p, rounds):
    schedule = SCHEDULES[name](p, rounds * p)
    assert cs.Schedule.from_table(str(schedule)).rows == schedule.rows
    if schedule.barrier:
        assert cs.Schedule.from_table(str(schedule.with_transfers())).rows == schedule.with_transfers().rows


def test_a_table_may_be_a_file_with_idle_cells(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("0F0,0F1,,0I0,0W0,0B1\n,1F0,1B0,1F1,1B1,1REDUCE_GRAD\n", encoding="utf-8")
    schedule = cs.Schedule.from_table(path)
    assert schedule.name == "mine"
    assert str(schedule) == "0F0 0F1 0I0 0W0 0B1\n1F0 1B0 1F1 1B1"
    assert cs.Schedule.from_table(str(path)).rows == schedule.rows
    assert run(schedule).makespan == earliest(schedule, 1, 1, 1, 0)


@pytest.mark.parametrize(("table", "words"), [
    ("0F0 0B0\n1B0 1F0", "0B0 of rank 0 waits for 1B0; 1B0 of rank 1 waits for 1F0"),
    ("0F0 0F1 0B1 0B0\n1F1 1B1 1F0 1B0\n2F0 2B0 2F1 2B1",
     "0B1 of rank 0 waits for 1B1; 1B1 of rank 1 waits for 2B1; 2F0 of rank 2 waits for 1F0"),
    ("0F0 0W0 0I0", "0W0 of rank 0 waits for 0I0"),
    ("0F0 0B0\n1F0", "omits 1B0"),
    ("0F0 0B0\n1F0 1I0", "omits 1W0"),
    ("0F0 0B0\n1F0 1W0", "omits 1I0"),
    ("0B0", "omits 0F0"),
    ("0F0 0B0\n2F0 2B0", "omits 1F0"),
    ("0F0 0B0 0F1 0B1\n1F0 1B0", "omits 1F1"),
    ("0F0 0B0 0F0", "0F0 is there twice, on rank 0 and rank 0"),
    ("0F0 0B0\n0F1 0B1", "rank 1 has 0F1, but stage 0 is on rank 0"),
    ("0F0 0B0 0W0", "0B0 repeats 0W0"),
    ("0F0 0I0 0W0 0B0", "0B0 repeats 0I0"),
    ("0F0 0X0", "cell 2 of rank 0 is '0X0': write stage, kind"),
    ("0F0,,F1", "cell 3 of rank 0 is 'F1'"),
    ("(0F0;0B1)OVERLAP_F_B", "cell 1 of rank 0 is"),
    ("0F0 0B0\n\n1F0 1B0", "rank 1 of the schedule 'table' has no work"),
    ("  \n ", "the schedule is empty"),
    ("missing.csv", "cannot read 'missing.csv': No such file"),
])  # fmt: skip
def test_tables_that_are_no_schedule(table, words):
    with pytest.raises(cs.ScheduleError, match=words.replace("(", r"\(")):
        cs.Schedule.from_table(table)


@pytest.mark.parametrize(("options", "words"), [
    ({"stages": 1}, "rank 1 has 1F0, but there is no stage 1: they run from 0 to 0"),
    ({"microbatches": 1}, "rank 0 has 0F1, but there is no microbatch 1"),
    ({"stages": 3}, "no work for stage 2"),
    ({"microbatches": 3}, "no work for microbatch 2"),
])  # fmt: skip
def test_tables_that_do_not_fit(options, words):
    table = "0F0 0F1 0B0 0B1\n1F0 1B0 1F1 1B1"
    assert cs.Schedule.from_table(table, stages=2, microbatches=2)
    with pytest.raises(cs.ScheduleError, match=words):
        cs.Schedule.from_table(table, **options)


@pytest.mark.parametrize(("make", "words"), [
    (lambda: gpipe(0, 4), "the number of devices is 0: give"),
    (lambda: one_f_one_b(4, 0), "the number of microbatches is 0: give"),
    (lambda: interleaved(4, 6), "6 is no multiple of 4"),
    (lambda: interleaved(4, 8, 0), "the number of chunks on a device is 0: give"),
])  # fmt: skip
def test_schedules_of_nothing(make, words):
    with pytest.raises(cs.ScheduleError, match=words):
        make()


@pytest.mark.parametrize("cell", ["F" * 200_000, "1" * 5000 + "F0", "0F" + "0" * 5000, "٣F0", "0F²"])
def test_a_cell_that_cannot_be_read_is_refused_in_a_short_sentence(cell):
    for comma in (",", " "):
        with pytest.raises(cs.ScheduleError, match=r"cell 2 of rank 0 is '.*: write stage, kind") as refused:
            cs.Schedule.from_table(f"0F0{comma}{cell}{comma}0B0")
        assert len(str(refused.value)) < 200
    assert cs.Schedule.from_table('"0F0","0B0"') == cs.Schedule.from_table("0F0 0B0")


@pytest.mark.parametrize("kind", [schedules, plans])
def test_a_hundred_attempts_of_the_fuzz_are_all_well(kind, tmp_path):
    assert [told for seed in range(100) if (told := kind.attempt(random.Random(seed), tmp_path))] == []
