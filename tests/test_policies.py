"""Policies of one's own: what a device does next is chosen while the stream runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.plan import Policy
from tests.pipelines import bits, chain, examples, linked, numbers, one_by_one, stream
from tests.test_crashes import hostile


class BackwardFirst(Policy):
    def choose(self, ready):
        return min(ready, key=lambda work: (work.kind != "B", work.microbatch))


class LastFirst(Policy):
    def choose(self, ready):
        return ready[-1]


def only_x(count):
    return [{"x": example["x"]} for example in examples(count)]


@pytest.mark.parametrize("policy", [Policy, BackwardFirst, LastFirst])
@pytest.mark.parametrize("slots", [1, 2])
def test_the_order_of_work_changes_no_bit(policy, slots):
    circuit, given_ = chain(3), only_x(6)
    cluster = cs.Cluster(link=cs.Link(0.5), slots=slots)
    run = stream(circuit, given_, cs.Plan(3, schedule=policy), cluster, gradient=-1.0)
    assert numbers(run) == bits(one_by_one(circuit, given_, -1.0))


def test_a_policy_chooses_from_what_is_ready():
    costs = cs.Costs(forward=1, backward=1)
    kinds = {}
    for policy in (Policy, BackwardFirst):
        run = stream(chain(2), only_x(6), cs.Plan(2, schedule=policy), costs=costs)
        kinds[policy] = "".join(
            record.kind.name for record in run.trace if record.kind.name in "FB" and not record.where
        )
    assert kinds == {Policy: "FFFFFFBBBBBB", BackwardFirst: "FFFFBFBFBBBB"}


def test_first_come_first_served_is_what_fifo_means():
    times = [
        stream(chain(4), only_x(9), cs.Plan(4, schedule=schedule), linked(0.25)).report.makespan
        for schedule in ("fifo", Policy)
    ]
    assert times[0] == times[1]


@given(seed=st.integers(0, 2**16))
def test_crashes_undo_what_was_chosen(seed):
    circuit, given_ = chain(3), only_x(5)
    run = stream(circuit, given_, cs.Plan(3, schedule=BackwardFirst), hostile(seed), gradient=-1.0, seed=seed)
    assert numbers(run) == bits(one_by_one(circuit, given_, -1.0))


class Nonsense(Policy):
    def choose(self, ready):
        return "0F7"


class Idle(Policy):
    def choose(self, ready):
        return None


@pytest.mark.parametrize(("policy", "error", "words"), [
    (Nonsense, cs.ScheduleError, "Nonsense chose '0F7', which is not ready: let choose return one of what it is given"),
    (Idle, cs.DeadlockError, "device 0 could do 0F0, but its policy Idle waits"),
])  # fmt: skip
def test_policies_that_go_wrong_are_told(policy, error, words):
    with pytest.raises(error, match=words):
        stream(chain(2), only_x(2), cs.Plan(2, schedule=policy))
