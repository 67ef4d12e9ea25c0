"""Real circuits on devices that crash, over links that lose, repeat and reorder messages.

Where the order of work is fixed, a run ends with the bits of a run without faults. Where it depends on time, it ends
with the bits of a run without faults of the order that was committed, which the trace holds: the updates are reckoned
again here from the trace alone, by another engine.

With the environment variable CIRCUITSIM_SLOW set, 1,000 circuits are tried instead of some dozens. The protocol by
itself is tried on many more seeds in `test_protocol.py`.
"""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitsim as cs
from tests.effort import SLOW
from tests.pipelines import bits, chain, network, stream
from tests.programs import programs

MANY = 1000 if SLOW else 40
RULE = cs.SGD(0.05)


def hostile(seed, losses=True):
    """Return a cluster in which everything goes wrong."""
    random = np.random.default_rng(seed)
    link = cs.Link(cs.uniform(0.1, 1.5))
    if losses:
        link = cs.Link(
            cs.uniform(0.1, 1.5),
            loss=random.uniform(0, 0.3),
            duplicate=random.uniform(0, 0.3),
            reorder=random.uniform(0, 0.5),
            hold_up=cs.exponential(3.0),
        )
    return cs.Cluster(link=link, crash_every=random.uniform(25, 90), downtime=cs.uniform(0, 6))


@settings(max_examples=MANY)
@given(
    programs(most_steps=10), st.sampled_from(["1f1b", "zb-h1", "gpipe", "fifo"]), st.integers(1, 3),
    st.sampled_from([None, 2]), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_random_circuits_end_with_the_bits_of_a_run_without_faults(program, schedule, stages, replicas, seed):
    """Parameters that feed several devices, gates that see parameters alone, outputs that no gate makes."""
    circuit = program.circuit()
    gates = circuit.names("gate")
    if not gates:
        return
    examples = [{name: value * part for name, value in program.inputs.items()} for part in (1.0, 0.5, -0.25, 0.75)]
    plan = cs.Plan(min(stages, len(gates)), replicas=replicas, schedule=schedule, microbatches=2, checkpoint_every=4.0)
    more = {"gradient": program.pulls, "rule": RULE, "nonfinite": "ignore", "seed": seed}
    safe = stream(circuit, examples, plan, **more)
    found = stream(circuit, examples, plan, hostile(seed), **more)
    results = [[run.outputs, run.input_gradients, run.gradients, run.parameters] for run in (safe, found)]
    assert bits(results[0]) == bits(results[1])
    made = Counter(update.parameter for update in found.timeline.updates)
    assert set(made.values()) <= {2}  # an update that a crash undid is not told of
    assert set(found.timeline.staleness()) <= {0}


def check_committed_order(circuit, examples, pull, run, rule=RULE):
    """Reckon every update from the versions that its gradients were computed from; return the last values."""
    netlist = run.trace.netlist
    values = {name: [netlist.nodes[index].value] for name, index in netlist.of_kind("parameter").items()}
    read = {
        (record.tag, netlist.nodes[record.where].name): record.version for record in run.trace.find(cs.Kind.BACKWARD)
    }
    engine = cs.Compiled(circuit)
    for update in run.timeline.updates:
        name, tag = update.parameter, update.tag
        assert update.read == read[tag, name]
        assert update.staleness >= 0
        assert update.made == len(values[name])
        engine.set_parameters({other: values[other][read[tag, other]] for other in values if (tag, other) in read})
        engine.forward(examples[tag])
        gradient = engine.backward(pull)[name]
        value, _ = rule.respond(values[name][-1], gradient, (), update.made - 1)
        assert bits(value) == bits(update.value)
        values[name].append(value)
    tags = Counter((update.parameter, update.tag) for update in run.timeline.updates)
    assert set(tags.values()) <= {1}
    return {name: past[-1] for name, past in values.items()}


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_server_commits_an_order_and_keeps_to_it(workers):
    """Defects of old: one crash of the server left workers on weights that no longer existed."""
    circuit = cs.Circuit()
    circuit.output("loss", 0.5 * cs.square(circuit.parameter("w", 1.0) * circuit.input("one")))
    examples = [{"one": 1.0 + 0.1 * number} for number in range(8)]
    plan = cs.Plan(replicas=workers, update="async", checkpoint_every=5.0)
    alone = stream(circuit, examples, plan, gradient=-1.0, rule=RULE).parameters
    crashes = 0
    for seed in range(max(20, MANY // 5)):
        run = stream(circuit, examples, plan, hostile(seed, losses=seed % 2), gradient=-1.0, rule=RULE, seed=seed)
        assert check_committed_order(circuit, examples, -1.0, run) == run.parameters
        assert sorted(update.tag for update in run.timeline.updates) == list(range(8))
        assert workers > 1 or run.parameters == alone
        crashes += len(run.timeline.outages)
    assert crashes > 20


def test_a_pipeline_that_updates_with_each_example_mixes_no_histories():
    circuit = cs.Circuit()
    x = circuit.input("x")
    for number in range(3):
        x = cs.tanh(circuit.parameter(f"w{number}", 0.7 + number / 8) * x)
    circuit.output("f", x)
    examples = [{"x": 0.3 + 0.1 * number} for number in range(10)]
    one_by_one = cs.Plan(3, update="async", in_flight=1, checkpoint_every=9.0)
    safe = stream(circuit, examples, one_by_one, rule=RULE).parameters
    for seed in range(max(20, MANY // 5)):
        cluster = hostile(seed, losses=False)
        assert stream(circuit, examples, one_by_one, cluster, rule=RULE, seed=seed).parameters == safe
        several = cs.Plan(3, update="async", in_flight=4, checkpoint_every=9.0)
        run = stream(circuit, examples, several, hostile(seed), rule=RULE, seed=seed)
        assert check_committed_order(circuit, examples, 1.0, run) == run.parameters


def test_a_weight_on_two_devices_and_workers_with_local_steps():
    circuit = cs.Circuit()
    w = circuit.parameter("w", 0.8)
    circuit.output("f", w * cs.tanh(w * circuit.input("x")))
    examples = [{"x": 0.3 * number} for number in range(9)]
    plan = cs.Plan(2, replicas=2, local_steps=2, update="async", checkpoint_every=5.0)
    for seed in range(max(20, MANY // 5)):
        run = stream(circuit, examples, plan, hostile(seed), rule=RULE, seed=seed)
        updates = run.timeline.updates
        assert [update.made for update in updates] == list(range(1, len(updates) + 1))
        assert min(update.staleness for update in updates) >= 0
        assert run.parameters["w"] == updates[-1].value


def test_work_is_done_again_and_devices_that_are_down_do_none():
    circuit, placement = network(3)
    examples = [{"x": 0.1 * number, "y": 0.0} for number in range(6)]
    plan = cs.Plan(placement, schedule="1f1b", microbatches=3, checkpoint_every=5.0, retry_after=4.0)
    link = cs.Link(cs.uniform(0.1, 1.5), loss=0.2, duplicate=0.2, reorder=0.3)
    cluster = cs.Cluster(link=link, crash_every=25.0, downtime=3.0)
    timeline = stream(circuit, examples, plan, cluster).timeline
    assert {transfer.fate for transfer in timeline.transfers} == {"arrived", "lost", "dropped"}
    assert timeline.outages
    assert all(outage.end - outage.start == pytest.approx(3.0) for outage in timeline.outages)
    work = Counter((piece.kind, piece.stage, piece.tag) for piece in timeline.work)
    assert len(work) == 2 * 3 * 6
    assert sum(work.values()) > len(work)
    for outage in timeline.outages:
        assert not [p for p in timeline.work if p.device == outage.device and outage.start < p.end <= outage.end]
    assert stream(circuit, examples, plan, cluster).timeline == timeline


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("link", [
    {"bandwidth": 1.0}, {"bandwidth": 1.0, "loss": 1e-9}, {"latency": 500.0, "loss": 0.1},
    {"bandwidth": 20.0, "loss": 0.1},
])  # fmt: skip
def test_a_slow_link_is_not_taken_for_a_dead_one_whatever_a_tick_is(scale, link):
    """Defect A: messages were sent again while the first copy still waited, until nothing got through any more."""
    circuit = chain(4)
    examples = [{"x": np.ones(4)}] * 8
    scaled = {name: part * scale if name == "latency" else part / scale if name == "bandwidth" else part
              for name, part in link.items()}  # fmt: skip
    costs, plan = cs.Costs(scale, scale, scale), cs.Plan(4, schedule="1f1b")
    sent = [
        len(stream(circuit, examples, plan, cs.Cluster(link=cs.Link(**more)), costs).timeline.transfers)
        for more in (scaled, {**scaled, "loss": scaled.get("loss", 0.0) or 1e-12})
    ]
    assert sent[0] >= 48
    assert sent[1] <= (48 if link.get("loss", 0) < 0.1 else 90)


def test_defaults_wait_for_acknowledgements_as_long_as_a_link_takes():
    circuit, placement = network(3)
    examples = [{"x": 0.1, "y": 0.0}] * 3
    for latency in (0.01, 1.0, 1000.0):
        cluster = cs.Cluster(link=cs.Link(latency, loss=1e-12))
        timeline = stream(circuit, examples, cs.Plan(placement, schedule="gpipe"), cluster).timeline
        assert all(transfer.fate == "arrived" for transfer in timeline.transfers)


def test_a_device_that_is_down_for_long_is_not_taken_for_a_dead_link():
    circuit, placement = network(3)
    given = [{"x": 0.1 * number, "y": 0.0} for number in range(6)]
    plan = cs.Plan(placement, schedule="1f1b", microbatches=3, checkpoint_every=5.0, retry_after=0.5, tries=5)
    safe = stream(circuit, given, plan, rule=RULE).parameters
    cluster = cs.Cluster(link=cs.Link(0.1), crash_every=30.0, downtime=20_000.0)
    run = stream(circuit, given, plan, cluster, rule=RULE)
    assert run.timeline.outages
    assert run.parameters == safe


# -- what never ends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cluster", "words"), [
    (cs.Cluster(link=cs.Link(0.5, loss=1.0)),
     "nothing was heard from device [01] while device [01] sent message 0 again 7 times: device [01] or"),
    (cs.Cluster(link={("device 0", "device 1"): cs.Link(0.5, loss=1.0)}), "nothing was heard|nothing was finished"),
    (cs.Cluster(link={("device 1", "device 0"): cs.Link(0.5, loss=1.0)}), "nothing was heard|nothing was finished"),
    (cs.Cluster(crash_every=0.1), "devices crashed 1,501 times and nothing was finished"),
    (cs.Cluster(crash_every=0.03, downtime=0.0), "devices crashed 1,501 times and nothing was finished"),
])  # fmt: skip
def test_what_makes_no_progress_is_given_up_early(cluster, words):
    with pytest.raises(cs.DeadlockError, match=words):
        stream(chain(2), [{"x": 1.0}] * 3, cs.Plan(2, schedule="1f1b", tries=7), cluster)


def test_transfers_that_are_written_out_cannot_be_lost():
    """The one combination that is refused, before the run starts."""
    schedule = cs.Schedule.from_table("0F0 0SEND_F0 0RECV_B0 0B0\n1RECV_F0 1F0 1B0 1SEND_B0")
    with pytest.raises(cs.InputError, match="cannot be sent again: leave out what goes wrong in the cluster, or the"):
        stream(chain(2), [{"x": 1}], cs.Plan(2, schedule=schedule), cs.Cluster(link=cs.Link(loss=0.1)))


@pytest.mark.parametrize(("plan", "cluster", "costs", "least"), [
    ({}, cs.Cluster(link=cs.Link(0.5), crash_every=8.0, downtime=0.0), cs.Costs(30.0, 10.0, 10.0), 90.0),
    ({}, cs.Cluster(link=cs.Link(1e7), crash_every=1e9), None, 4e7),
    ({"checkpoint_every": 1e-18}, cs.Cluster(link=cs.Link(1.0), crash_every=50.0), None, 19.0),
    ({"checkpoint_every": 1e9}, cs.Cluster(link=cs.Link(1.0), crash_every=50.0), None, 19.0),
    ({}, cs.Cluster(link=cs.Link(0.5), crash_every=10.0, downtime=1e6), None, 1e6),
])  # fmt: skip
def test_times_of_all_sizes_come_to_an_end(plan, cluster, costs, least):
    given_ = [{"x": 1.0 + tag} for tag in range(4)]
    run = stream(chain(2), given_, cs.Plan(2, schedule="1f1b", **plan), cluster, costs)
    assert bits(run.gradients) == bits(stream(chain(2), given_).gradients)
    assert run.time >= least
