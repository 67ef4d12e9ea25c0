"""Faults: whatever gets lost, comes twice or too late, or crashes, the parameters end the same to the last bit."""

import math

import numpy as np
import pytest

import circuitsim as cs
from tests.pipelines import bits, chain, examples, network, stream

CIRCUIT, PLACEMENT = network(3)
CHUNKS = 20


def train(link=None, crashes=None, seed=0, schedule="1f1b", **plan):
    plan = cs.Plan(PLACEMENT, schedule=schedule, microbatches=3, **plan)
    cluster = cs.Cluster(link=link or cs.Link(), **(crashes or {}))
    return stream(CIRCUIT, examples(6), plan, cluster, gradient=-1.0, rule=cs.Momentum(0.1), seed=seed)


SAFE = {name: bits(train(schedule=name).parameters) for name in ("1f1b", "zb-h1", "fifo")}


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_thousand_seeds_of_everything_that_can_go_wrong(chunk):
    for seed in range(chunk, 1000, CHUNKS):
        random = np.random.default_rng(seed)
        link = cs.Link(
            latency=cs.uniform(0.1, 1.5),
            loss=random.uniform(0, 0.3),
            duplicate=random.uniform(0, 0.3),
            reorder=random.uniform(0, 0.5),
            hold_up=6.0,
        )
        crashes = {"crash_every": random.uniform(12, 60), "downtime": random.uniform(0, 6)}
        plan = {"checkpoint_every": random.uniform(2, 9), "retry_after": random.uniform(2, 8)}
        schedule = ("1f1b", "zb-h1", "fifo")[seed % 3]
        run = train(link, crashes, seed, schedule, **plan)
        assert bits(run.parameters) == SAFE[schedule], seed


def test_the_seeds_do_bring_faults():
    link = cs.Link(latency=cs.uniform(0.1, 1.5), loss=0.2, duplicate=0.2, reorder=0.3)
    timeline = train(link, {"crash_every": 25, "downtime": 3}, checkpoint_every=5, retry_after=4).timeline
    fates = [transfer.fate for transfer in timeline.transfers]
    assert {"arrived", "lost", "dropped"} == set(fates)
    assert timeline.outages
    assert [outage.end - outage.start for outage in timeline.outages] == pytest.approx([3.0] * len(timeline.outages))
    work = [(piece.kind, piece.stage, piece.tag) for piece in timeline.work]
    assert len(work) > len(set(work)) == 2 * 3 * 6  # what a crash undid was done again
    for outage in timeline.outages:
        during = [p for p in timeline.work if p.device == outage.device and outage.start < p.end <= outage.end]
        assert not during


@pytest.mark.parametrize("schedule", ["1f1b", "fifo"])
def test_a_trace_of_work_has_the_same_faults_in_it_as_one_of_all(schedule):
    plan = cs.Plan(PLACEMENT, schedule=schedule, microbatches=3, checkpoint_every=5, retry_after=4)
    cluster = cs.Cluster(link=cs.Link(0.5, loss=0.2, duplicate=0.2), crash_every=25, downtime=3)
    whole, work, none = (
        stream(CIRCUIT, examples(6), plan, cluster, gradient=-1.0, rule=cs.Momentum(0.1), trace=trace)
        for trace in ("all", "work", False)
    )
    assert bits(whole.parameters) == bits(work.parameters) == bits(none.parameters) == SAFE[schedule]
    assert work.timeline == whole.timeline
    assert len(work.trace) < len(whole.trace)


def test_links_alone_may_fail_and_then_nothing_is_done_twice():
    run = train(cs.Link(0.5, loss=0.3, duplicate=0.3))
    assert bits(run.parameters) == SAFE["1f1b"]
    work = [(piece.kind, piece.stage, piece.tag) for piece in run.timeline.work]
    assert len(work) == len(set(work))
    assert train(cs.Link(0.5, loss=0.3, duplicate=0.3)).timeline == run.timeline


@pytest.mark.parametrize("update", ["sync", "async"])
def test_parameters_on_other_devices_survive_as_well(update):
    """One weight feeds both devices: its gradients and its new versions travel over links that fail."""
    circuit = cs.Circuit()
    w = circuit.parameter("w", 0.8)
    circuit.output("f", w * cs.tanh(w * circuit.input("x")))

    def run(cluster, seed, **more):
        plan = cs.Plan(2, microbatches=2, update=update, in_flight=1 if update == "async" else None, **more)
        given = [{"x": 0.5 * i} for i in range(6)]
        return stream(circuit, given, plan, cluster, rule=cs.SGD(0.1), seed=seed)

    safe = run(None, 0)
    for seed in range(100):
        # Slow links and few checkpoints: a part of a gradient may come last of all, and be lost again in a crash.
        link = cs.Link(latency=cs.exponential(6.0), loss=0.25, duplicate=0.25, reorder=0.3)
        found = run(cs.Cluster(link=link, crash_every=20, downtime=2), seed, checkpoint_every=9, retry_after=9)
        if update == "sync":
            assert bits(found.parameters) == bits(safe.parameters)
        else:  # a crash may undo an update that was computed from; but each example counts once in what is left
            assert sorted({update.tag for update in found.timeline.updates}) == list(range(6))
            assert found.timeline.updates[-1].made == 6


def test_a_server_and_its_workers_lose_no_gradient():
    link = cs.Link(latency=cs.uniform(0, 1), loss=0.25, duplicate=0.25)
    plan, given = cs.Plan(replicas=3, update="async"), [{"x": float(i)} for i in range(8)]
    for crashes in ({}, {"crash_every": 30.0, "downtime": 2.0}):
        for seed in range(50):
            run = stream(chain(1), given, plan, cs.Cluster(link=link, **crashes), rule=cs.SGD(0.01), seed=seed)
            assert sorted(update.tag for update in run.timeline.updates) == list(range(8))
            assert run.parameters["w0"] == pytest.approx(1.0 + 0.01 * sum(range(8)))


def test_a_link_that_loses_everything_is_told_of():
    with pytest.raises(cs.DeadlockError, match="from device 1 while device 0 sent message 0 again 7 times"):
        train(cs.Link(0.5, loss=1.0), tries=7)
    with pytest.raises(cs.DeadlockError, match=r"at tick .* devices crashed 2,001 times and nothing was finished"):
        train(None, {"crash_every": 0.1})  # no piece of work ever ends


@pytest.mark.parametrize(("make", "words"), [
    (lambda: cs.Link(loss=1.5), "the loss of a link is 1.5: give a number from 0 to 1"),
    (lambda: cs.Link(duplicate=-0.1), "the duplicate of a link is -0.1"),
    (lambda: cs.Link(reorder=math.nan), "the reorder of a link is nan"),
    (lambda: cs.Link(loss="much"), "the loss of a link is 'much'"),
    (lambda: cs.Link(hold_up=-1), "the hold-up on a link is -1"),
    (lambda: cs.Cluster(crash_every=0), "crash_every is 0: give ticks, a number above 0"),
    (lambda: cs.Cluster(crash_every=math.nan), "crash_every is nan"),
    (lambda: cs.Cluster(downtime=-1), "the downtime is -1"),
    (lambda: cs.Plan(checkpoint_every=-1), "checkpoint_every is -1"),
    (lambda: cs.Plan(retry_after=0), "retry_after is 0"),
    (lambda: cs.Plan(tries=0), "tries is 0: give a whole number above 0"),
])  # fmt: skip
def test_faults_that_make_no_sense(make, words):
    with pytest.raises(cs.InputError, match=words):
        make()


def test_transfers_that_are_written_out_cannot_be_lost():
    schedule = cs.Schedule.from_table("0F0 0SEND_F0 0RECV_B0 0B0\n1RECV_F0 1F0 1B0 1SEND_B0")
    plan = cs.Plan(2, schedule=schedule)
    with pytest.raises(cs.InputError, match="cannot be sent again: leave out what goes wrong in the cluster, or the"):
        stream(chain(2), [{"x": 1}], plan, cs.Cluster(link=cs.Link(loss=0.1)))
