"""Faults: whatever gets lost, comes twice or too late, or crashes, the parameters end the same to the last bit."""

import math

import numpy as np
import pytest

import circuitsim as cs
from tests.pipelines import bits, chain, examples, network

CIRCUIT, PLACEMENT = network(3)
CHUNKS = 20


def train(links=None, faults=None, seed=0, schedule="one_f_one_b"):
    simulation = cs.Simulation(CIRCUIT)
    simulation.learn(cs.Momentum(0.1))
    return simulation.stream(
        examples(6), pull=-1.0, devices=PLACEMENT, schedule=schedule, batch=3, update="batch",
        links=links, faults=faults, seed=seed,
    )  # fmt: skip


SAFE = {name: bits(train(schedule=name).parameters) for name in ("one_f_one_b", "zb_h1", None)}


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
        faults = cs.Faults(
            crash_every=random.uniform(12, 60), downtime=random.uniform(0, 6), checkpoint_every=random.uniform(2, 9),
            retry_after=random.uniform(2, 8),
        )  # fmt: skip
        schedule = ("one_f_one_b", "zb_h1", None)[seed % 3]
        run = train(link, faults, seed, schedule)
        assert bits(run.parameters) == SAFE[schedule], seed


def test_the_seeds_do_bring_faults():
    link = cs.Link(latency=cs.uniform(0.1, 1.5), loss=0.2, duplicate=0.2, reorder=0.3)
    timeline = train(link, cs.Faults(crash_every=25, downtime=3, checkpoint_every=5, retry_after=4)).timeline
    fates = [transfer.fate for transfer in timeline.transfers]
    assert {"arrived", "lost", "dropped"} == set(fates)
    assert timeline.outages
    assert all(outage.end - outage.start == 3 for outage in timeline.outages)
    work = [(piece.kind, piece.stage, piece.tag) for piece in timeline.work]
    assert len(work) > len(set(work)) == 2 * 3 * 6  # what a crash undid was done again
    for outage in timeline.outages:
        during = [p for p in timeline.work if p.device == outage.device and outage.start < p.end <= outage.end]
        assert not during


def test_links_alone_may_fail_and_then_nothing_is_done_twice():
    run = train(cs.Link(0.5, loss=0.3, duplicate=0.3))
    assert bits(run.parameters) == SAFE["one_f_one_b"]
    work = [(piece.kind, piece.stage, piece.tag) for piece in run.timeline.work]
    assert len(work) == len(set(work))
    assert train(cs.Link(0.5, loss=0.3, duplicate=0.3)).timeline == run.timeline


@pytest.mark.parametrize("update", ["batch", "each"])
def test_parameters_on_other_devices_survive_as_well(update):
    """One weight feeds both devices: its gradients and its new versions travel over links that fail."""
    circuit = cs.Circuit()
    w = circuit.parameter("w", 0.8)
    circuit.output("f", w * cs.tanh(w * circuit.input("x")))
    placement = cs.place(circuit, 2)

    def run(links, faults, seed):
        simulation = cs.Simulation(circuit)
        simulation.learn(cs.SGD(0.1))
        return simulation.stream(
            [{"x": 0.5 * i} for i in range(6)], devices=placement, links=links, faults=faults, seed=seed,
            batch=2, update=update, window=1 if update == "each" else None,
        )  # fmt: skip

    safe = run(None, None, 0)
    for seed in range(100):
        # Slow links and few checkpoints: a part of a gradient may come last of all, and be lost again in a crash.
        link = cs.Link(latency=cs.exponential(6.0), loss=0.25, duplicate=0.25, reorder=0.3)
        found = run(link, cs.Faults(crash_every=20, downtime=2, checkpoint_every=9, retry_after=9), seed)
        if update == "batch":
            assert bits(found.parameters) == bits(safe.parameters)
        else:  # a crash may undo an update that was computed from; but each example counts once in what is left
            assert sorted({update.tag for update in found.timeline.updates}) == list(range(6))
            assert found.timeline.updates[-1].made == 6


def test_a_server_and_its_workers_lose_no_gradient():
    circuit = chain(1)
    for seed in range(50):
        simulation = cs.Simulation(circuit)
        simulation.learn(cs.SGD(0.01))
        link = cs.Link(latency=cs.uniform(0, 1), loss=0.25, duplicate=0.25)
        run = simulation.stream(
            [{"x": float(i)} for i in range(8)],
            devices=cs.place(circuit, 1),
            replicas=3,
            update="each",
            links=link,
            seed=seed,
        )
        assert sorted(update.tag for update in run.timeline.updates) == list(range(8))
        assert run.parameters["w0"] == pytest.approx(1.0 + 0.01 * sum(range(8)))


def test_a_link_that_loses_everything_is_told_of():
    words = "the value of example 0 was sent 7 times from device 0 to device 1 and never acknowledged"
    with pytest.raises(cs.DeadlockError, match=words):
        train(cs.Link(0.5, loss=1.0), cs.Faults(tries=7))
    with pytest.raises(
        cs.DeadlockError, match=r"is not over after 50 ticks, at tick .* with examples 0, 1, 2 under way"
    ):
        train(cs.Link(0.5, loss=1.0), cs.Faults(timeout=50))
    with pytest.raises(cs.DeadlockError, match="is not over after 3000 ticks"):
        train(None, cs.Faults(crash_every=0.1, timeout=3000))  # no piece of work ever ends


@pytest.mark.parametrize(("make", "words"), [
    (lambda: cs.Link(loss=1.5), "the loss of a link is 1.5: give a probability, 0 to 1"),
    (lambda: cs.Link(duplicate=-0.1), "the duplicate of a link is -0.1"),
    (lambda: cs.Link(reorder=math.nan), "the reorder of a link is nan"),
    (lambda: cs.Link(loss="much"), "the loss of a link is 'much'"),
    (lambda: cs.Link(hold_up=-1), "the hold-up on a link is -1"),
    (lambda: cs.Faults(crash_every=0), "crash_every is 0: give ticks, a number above 0"),
    (lambda: cs.Faults(crash_every=math.nan), "crash_every is nan"),
    (lambda: cs.Faults(downtime=-1), "the downtime is -1"),
    (lambda: cs.Faults(checkpoint_every=-1), "checkpoint_every is -1"),
    (lambda: cs.Faults(retry_after=0), "retry_after is 0"),
    (lambda: cs.Faults(tries=0), "tries is 0: give a whole number above 0"),
])  # fmt: skip
def test_faults_that_make_no_sense(make, words):
    with pytest.raises(cs.InputError, match=words):
        make()


def test_transfers_that_are_written_out_cannot_be_lost():
    schedule = cs.Schedule.from_table("0F0 0SEND_F0 0RECV_B0 0B0\n1RECV_F0 1F0 1B0 1SEND_B0")
    with pytest.raises(cs.InputError, match="cannot be sent again: leave out faults, or the transfers"):
        cs.Simulation(chain(2)).stream(
            [{"x": 1}], devices=cs.place(chain(2), 2), schedule=schedule, links=cs.Link(loss=0.1)
        )
