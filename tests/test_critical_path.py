"""Why a stream took so long: the chain that ends last, and what idle devices waited for."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.plan.schedules import SCHEDULES, gpipe, one_f_one_b
from circuitsim.trace.critical_path import Idle, critical_path, idle_spans
from circuitsim.trace.timeline import Piece, Timeline, Transfer
from tests.effort import tried
from tests.pipelines import chain, linked, stream

TIMES = st.sampled_from([0.25, 0.5, 1.0, 1.5, 3.0])  # sums of these are exact


def pipeline(schedule, forward=1.0, backward=2.0, cluster=None):
    plan, costs = cs.Plan(schedule.stages, schedule=schedule), cs.Costs(forward, backward=backward)
    return stream(chain(schedule.stages), [{"x": 1.0}] * schedule.microbatches, plan, cluster, costs)


def parts(path):
    """Return the steps as text: work, and messages by what they carry."""
    return [
        f"{event.stage}{event.kind}{event.tag}" if isinstance(event, Piece) else f"{event.what} {event.tag}"
        for _, _, event in path.steps
    ]


def test_a_critical_path_computed_by_hand():
    """Two devices, two microbatches, F = 1, B = 2 on device 0, F = 3, B = 1 on device 1, a link of 0.5.

    0F0 0-1, 0F1 1-2; 1F0 1.5-4.5, 1B0 4.5-5.5, 1F1 5.5-8.5, 1B1 8.5-9.5; 0B0 6-8, 0B1 10-12.
    """
    run = pipeline(one_f_one_b(2, 2), [1, 3], [2, 1], linked(0.5))
    path = run.critical_path
    assert parts(path) == ["0F0", "value 0", "1F0", "1B0", "1F1", "1B1", "gradient 1", "0B1"]
    assert [(step.start, step.end) for step in path.steps] == [
        (0, 1), (1, 1.5), (1.5, 4.5), (4.5, 5.5), (5.5, 8.5), (8.5, 9.5), (9.5, 10), (10, 12)
    ]  # fmt: skip
    assert (path.length, path.work, path.transfers) == (12, [3, 8], 1)
    assert idle_spans(run.timeline) == [
        Idle(0, 2, 5.5, "gradient", 1), Idle(0, 5.5, 6, "transfer", 1),
        Idle(0, 8, 9.5, "gradient", 1), Idle(0, 9.5, 10, "transfer", 1),
        Idle(1, 0, 1, "value", 0), Idle(1, 1, 1.5, "transfer", 0), Idle(1, 9.5, 12, "done", None),
    ]  # fmt: skip
    assert run.report.idle == [{"gradient": 5.0, "transfer": 1.0}, {"value": 1.0, "transfer": 0.5, "done": 2.5}]
    assert run.report.bottleneck == 1
    assert str(run.report).endswith("the bottleneck is device 1: busy 66.7% of the time")
    assert str(path).splitlines()[0] == "12 ticks: work on device 0 3, device 1 8; messages 1"
    assert "       1.5 to 9.5        device 1: 1F0 … 1B1, 4 pieces" in str(path).splitlines()


@pytest.mark.parametrize("p", [2, 4, 8])
def test_every_device_of_gpipe_is_idle_for_the_bubble_of_the_paper(p):
    report = pipeline(gpipe(p, 2 * p)).report
    assert [sum(idle.values()) for idle in report.idle] == [(p - 1) * 3.0] * p  # Huang et al. 2019
    assert report.bottleneck is None
    assert f"no device is the bottleneck: the busiest are busy {2 * p / (3 * p - 1):.1%}" in str(report)


@st.composite
def orders(draw):
    """Return a schedule and the times of its stages."""
    p, rounds = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    schedule = SCHEDULES[draw(st.sampled_from(sorted(SCHEDULES)))](p, p * rounds)
    times = st.lists(TIMES, min_size=schedule.stages, max_size=schedule.stages)
    return schedule, draw(times), draw(times), draw(st.sampled_from([0.0, 0.25, 2.0]))


@settings(max_examples=tried(150))
@given(orders())
def test_the_path_is_as_long_as_the_run_and_idle_and_busy_spans_fill_it(order):
    schedule, forward, backward, latency = order
    run = pipeline(schedule, forward, backward, linked(latency))
    path, report = run.critical_path, run.report
    assert path.length == report.makespan
    assert all(before.end == after.start for before, after in pairwise(path.steps))
    assert sum(path.work) + path.transfers == path.length
    for idle, busy in zip(report.idle, report.busy, strict=True):
        assert sum(idle.values()) + busy == report.makespan
    spans = {device: [s for s in idle_spans(run.timeline) if s.device == device] for device in range(schedule.devices)}
    for device, found in spans.items():
        work = [(piece.start, piece.end) for piece in run.timeline.work if piece.device == device]
        everything = sorted([*work, *((span.start, span.end) for span in found)])
        assert all(before[1] == after[0] for before, after in pairwise(everything))
    for before, after in pairwise(path.steps):  # each step waits for the one before it
        one, two = before.event, after.event
        if isinstance(one, Piece) and isinstance(two, Piece):
            assert one.device == two.device
        elif isinstance(one, Transfer):
            assert two.device == one.target
            assert two.tag == one.tag
        else:
            assert two.source == one.device


@settings(max_examples=tried(100))
@given(orders())
def test_what_is_not_on_the_path_may_be_faster_and_what_is_on_it_holds_up(order):
    schedule, forward, backward, latency = order
    run = pipeline(schedule, forward, backward, linked(latency))
    on = {
        event.stage for event in (step.event for step in run.critical_path.steps) if getattr(event, "kind", "") == "F"
    }
    makespan = run.report.makespan
    faster = [time if stage in on else time / 2 for stage, time in enumerate(forward)]
    assert pipeline(schedule, faster, backward, linked(latency)).report.makespan == makespan
    slower = [time + (stage in on) / 8 for stage, time in enumerate(forward)]
    assert pipeline(schedule, slower, backward, linked(latency)).report.makespan > makespan


def test_devices_wait_for_examples_and_for_parameters():
    one = stream(chain(2), [{"x": 1.0}] * 6, cs.Plan(2, in_flight=1)).report
    assert one.idle == [{"gradient": 6 * 3.0}, {"value": 1.0 + 5 * (1.0 + 2.0), "done": 2.0}]
    plan, slow = cs.Plan(1, replicas=2, microbatches=2), cs.Cluster(slowdown={0: 3.0})
    for rule, reason in ((None, "admission"), (cs.SGD(0.1), "weights")):
        report = stream(chain(1), [{"x": 1.0}] * 4, plan, slow, rule=rule).report
        assert report.idle == [{}, {reason: 6.0, "done": 6.0}, {"done": 18.0}]


@pytest.mark.parametrize("plan", [
    {"schedule": "1f1b", "microbatches": 4}, {"update": "async", "in_flight": 3}, {"replicas": 2, "microbatches": 4},
    {"update": "async", "in_flight": 4, "replicas": 2, "local_steps": 2},
])  # fmt: skip
@pytest.mark.parametrize("cluster", [
    linked(0.5, bandwidth=16.0), linked(0.3, loss=0.2, duplicate=0.1),
    cs.Cluster(link=cs.Link(0.3), crash_every=60.0, downtime=5.0), cs.Cluster(slots=2),
], ids=["steady", "loss", "crashes", "slots"])  # fmt: skip
def test_whatever_happens_the_path_has_no_gap(plan, cluster):
    if cluster.slots > 1 and "schedule" in plan:
        pytest.skip("a schedule says itself what is under way")
    run = stream(chain(3), [{"x": 0.1}] * 16, cs.Plan(3, **plan), cluster, rule=cs.SGD(0.01), gradient=-1.0)
    path, report = critical_path(run.timeline), run.report
    assert path.length == pytest.approx(report.makespan, rel=1e-12)
    for before, after in pairwise(path.steps):
        assert after.start == pytest.approx(before.end, abs=1e-9)
    begin = min(piece.start for piece in run.timeline.work)
    for device, idle in enumerate(report.idle):
        busy, free = 0.0, begin
        for piece in sorted((p for p in run.timeline.work if p.device == device), key=lambda piece: piece.start):
            busy += max(0.0, piece.end - max(free, piece.start))
            free = max(free, piece.end)
        assert sum(idle.values()) + busy == pytest.approx(report.makespan, rel=1e-9)
    if cluster.crashes:
        assert sum(idle.get("crash", 0.0) for idle in report.idle) > 0


def test_without_work_there_is_no_path():
    run = stream(chain(2), [{"x": 1.0}], cs.Plan(2))
    run.timeline.work.clear()
    assert critical_path(run.timeline).length == 0.0
    assert idle_spans(run.timeline) == []
    assert str(critical_path(run.timeline)) == "0 ticks: work on no device; messages 0"


def test_a_crash_of_the_first_piece_belongs_to_the_path():
    """Nothing has ended before the piece that is begun again: the path begins with the first start all the same."""
    timeline = Timeline(("one", "two"), 1, [Piece(0, "F", 0, 0, 1.0, 2.0, 0), Piece(1, "F", 1, 0, 1.5, 4.0, 0)])
    path = critical_path(timeline)
    assert [(step.start, step.end) for step in path.steps] == [(1.0, 1.5), (1.5, 4.0)]
    assert path.steps[0].event is None
    assert path.length == 3.0
    assert "nothing ends" in str(path)


def test_a_message_counts_from_when_it_was_ready_and_only_if_it_arrived():
    work = [Piece(0, "F", 0, 0, 0.0, 1.0, 0), Piece(1, "F", 1, 0, 3.0, 4.0, 0), Piece(2, "F", 0, 1, 0.0, 1.0, 0)]
    sent = [
        Transfer("value", 0, 1, 2, 1, 1.0, 1.0, 3.0, 8, "arrived"),  # of another example, at the same tick
        Transfer("value", 0, 0, 0, 1, 1.0, 1.0, 3.0, 8, "lost"),
        Transfer("value", 0, 0, 0, 1, 1.0, 2.0, 3.0, 8, "arrived"),  # it has waited for the link
    ]
    timeline = Timeline(("one", "two", "three"), 2, work, sent)
    assert [step.event for step in critical_path(timeline).steps] == [work[0], sent[2], work[1]]
    assert critical_path(timeline).transfers == 2.0
    assert [idle for idle in idle_spans(timeline) if idle.device == 1] == [
        Idle(1, 0.0, 1.0, "value", 0),
        Idle(1, 1.0, 3.0, "transfer", 0),
    ]
