"""Streams in time: links that queue, receives that block, weights that are late."""

import math

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.plan.schedules import interleaved
from tests.pipelines import chain, linked, stream


def test_a_link_with_a_bandwidth_queues_and_a_serial_one_holds_up_more():
    circuit = chain(2)
    given = [{"x": np.ones(10)}] * 3  # 80 bytes a message

    def values(*link, **more):
        run = stream(circuit, given, cs.Plan(2, schedule="gpipe"), linked(*link, **more))
        return [(t.start, t.end) for t in run.timeline.transfers if t.what == "value"]

    assert values(5) == [(1, 6), (2, 7), (3, 8)]
    assert values(5, bandwidth=40) == [(1, 8), (3, 10), (5, 12)]
    assert values(5, bandwidth=40, serial=True) == [(1, 8), (8, 15), (15, 22)]
    apart = {("device 0", "device 1"): cs.Link(2), ("device 1", "device 0"): cs.Link(9)}
    run = stream(circuit, given[:1], cs.Plan(2), cs.Cluster(link=apart))
    assert [(t.what, t.end - t.start, t.size) for t in run.timeline.transfers] == [
        ("value", 2, 80),
        ("gradient", 9, 80),
    ]
    assert run.report.bytes == {run.timeline.transfers[0].wire: 160}
    for device in (2, -1, "1", None):
        with pytest.raises(cs.TraceError, match="device"):
            run.report.tell_idle(device)


def test_slots_slow_devices_and_uneven_stages():
    circuit = chain(2)
    given = [{"x": 1.0}] * 4
    assert stream(circuit, given, cs.Plan(2), costs=cs.Costs([1, 2], [1, 2], 0)).report.busy == [8, 16]
    slow = cs.Cluster(slowdown={"device 1": 3})
    assert stream(circuit, given, cs.Plan(2), slow).report.busy == [12, 36]
    assert stream(circuit, given, cs.Plan(in_flight=4), cs.Cluster(slots=2)).report.makespan == 4 / 2 * 3


def test_receives_that_block_leave_a_bubble_at_the_head_of_the_line():
    """As users of PyTorch met it: pytorch/pytorch issues 188833 and 172668."""
    circuit = chain(8)
    schedule = interleaved(4, 8)

    def makespan(schedule, **more):
        plan = cs.Plan(cs.place(circuit, 8), schedule=schedule, **more)
        return stream(circuit, [{"x": 1.0}] * 8, plan, linked(0.25)).report.makespan

    free = makespan(schedule)
    beside = makespan(schedule.with_transfers(early=True), overlap=True)
    on_the_same_stream = makespan(schedule.with_transfers(early=True))
    # A receive that is posted early holds up the sends behind it; if it holds up the work as well, more so.
    assert free < beside < on_the_same_stream


@pytest.mark.parametrize("rows", [
    # pytorch/pytorch issue 172668: both ranks send first, and neither has posted the receive.
    "0F0 0SEND_F0 0F1 0SEND_F1 2RECV_F0 2F0 2SEND_F0 2RECV_F1 2F1 2SEND_F1 2RECV_B0 2B0 2SEND_B0 2RECV_B1 2B1 2SEND_B1 "
    "0RECV_B0 0B0 0RECV_B1 0B1\n"
    "1RECV_F0 1F0 1SEND_F0 1RECV_F1 1F1 1SEND_F1 3RECV_F0 3F0 3B0 3SEND_B0 3RECV_F1 3F1 3B1 3SEND_B1 1RECV_B0 1B0 "
    "1SEND_B0 1RECV_B1 1B1 1SEND_B1",
])  # fmt: skip
def test_two_sends_that_wait_for_each_other_deadlock(rows):
    schedule = cs.Schedule.from_table(rows)
    with pytest.raises(cs.DeadlockError) as told:
        stream(chain(4), [{"x": 1.0}] * 2, cs.Plan(4, schedule=schedule))
    assert "device 0 does 0SEND_F1 and waits for the other side" in str(told.value)
    assert "device 1 does 1SEND_F0 and waits for the other side" in str(told.value)


# -- staleness ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [1, 2, 3, 4, 6, 8])
def test_without_flush_stage_s_of_1f1b_uses_weights_p_minus_1_minus_s_updates_old(p):
    plan = cs.Plan(p, schedule="1f1b", update="async")
    run = stream(chain(p), [{"x": 1.0}] * 5 * p, plan, rule=cs.SGD(1e-3))
    for s in range(p):
        found = run.timeline.staleness(f"w{s}")
        assert len(found) == 5 * p
        assert set(found[p:]) == {p - 1 - s}
        assert found[: p - s] == list(range(p - s))  # warming up, versions have yet to be made


@pytest.mark.parametrize(("versions", "second", "third"), [(1, False, False), (2, True, False), (3, True, True)])
def test_weight_stashing_as_in_pipedream(versions, second, third):
    """Three forwards, then three backwards with an update each; are the later gradients the first?"""
    circuit = cs.Circuit()
    x = circuit.input("x")
    a, b = circuit.parameters(a=0.5, b=-1.5)
    circuit.output("f", b * cs.tanh(a * x))
    plan = cs.Plan(schedule="gpipe", update="async", versions=versions)
    run = stream(circuit, [{"x": 0.7}] * 3, plan, rule=cs.SGD(0.1))
    felt = [run.input_gradients[tag]["x"] for tag in range(3)]
    assert [felt[1] == felt[0], felt[2] == felt[0]] == [second, third]


@pytest.mark.parametrize("delay", range(6))
def test_a_delay_is_stable_up_to_its_bound(delay):
    """A step is stable on a quadratic if it is below 2 sin(π / (2 (2τ + 1))) over the curvature."""
    bound = 2 * math.sin(math.pi / (2 * (2 * delay + 1)))
    assert bound == pytest.approx([2, 1, 0.618, 0.445, 0.347, 0.285][delay], abs=5e-4)
    curvature = 3.0
    for step, stable in ((0.97 * bound, True), (1.03 * bound, False)):
        circuit = cs.Circuit()
        w = circuit.parameter("w", 1.0) * circuit.input("one")
        circuit.output("loss", 0.5 * curvature * w * w)
        plan, cluster = cs.Plan(in_flight=delay + 1, update="async"), cs.Cluster(slots=delay + 1)
        run = stream(circuit, [{"one": 1.0}] * 600, plan, cluster, gradient=-1.0, rule=cs.SGD(step / curvature))
        assert set(run.timeline.staleness()[delay:]) == {delay}
        places = [abs(update.value) for update in run.timeline.updates]
        assert (max(places[-50:]) < max(places[:50])) == stable, step


def test_a_parameter_server_answers_the_worker_whose_gradient_it_took():
    circuit, given, rule = chain(1), [{"x": 1.0}] * 9, cs.SGD(0.01)
    run = stream(circuit, given, cs.Plan(replicas=3, update="async"), linked(0.5), rule=rule)
    assert run.timeline.devices == ("device 0 of 0", "device 0 of 1", "device 0 of 2", "server")
    assert run.timeline.staleness() == [0, 1, 2, 2, 2, 2, 2, 2, 2]
    assert run.report.makespan == 3 * 3 + 2 * (0.5 + 0.5)  # each worker waits for its answer
    assert {t.what for t in run.timeline.transfers} == {"gradient", "weights"}
    together = stream(circuit, given, cs.Plan(replicas=3, microbatches=3), rule=rule)
    assert set(together.timeline.staleness()) == {0}
    alone = stream(circuit, given, cs.Plan(microbatches=3), rule=rule)
    assert together.parameters == alone.parameters


def test_workers_learn_by_themselves_between_messages():
    circuit = cs.Circuit()
    circuit.output("loss", 0.5 * cs.square(circuit.parameter("w", 1.0) * circuit.input("one")))

    def run(steps, workers, count):
        plan = cs.Plan(replicas=workers, local_steps=steps, update="async")
        return stream(circuit, [{"one": 1.0}] * count, plan, linked(0.5), gradient=-1.0, rule=cs.SGD(0.1))

    alone = run(3, 1, 9)
    assert [update.value for update in alone.timeline.updates] == pytest.approx([0.9**3, 0.9**6, 0.9**9])
    assert alone.report.makespan == 9 * 3 + 2 * 1  # it asks the server only after every third example
    assert {t.what for t in alone.timeline.transfers} == {"change", "weights"}
    two = run(2, 2, 16)
    assert two.timeline.staleness()[:4] == [0, 1, 1, 1]
    assert [update.value for update in two.timeline.updates][:2] == pytest.approx([0.81, 0.62])  # both went 0.19
    assert run(1, 2, 8).timeline.staleness() == [0, 1, 1, 1, 1, 1, 1, 1]
    short = run(4, 3, 5)  # what is left at the end is sent as well
    moved = sum(update.made for update in short.timeline.updates[-1:])
    assert moved >= 3
    assert short.parameters["w"] < 1.0
