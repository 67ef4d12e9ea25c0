"""Plans, clusters and costs: values that are written down and read again, and what in them does not fit together."""

import pickle
import tracemalloc
from functools import partial
from itertools import pairwise
from time import process_time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim import checks
from circuitsim.circuit.netlist import Netlist
from circuitsim.plan import Policy, deploy
from circuitsim.plan.schedules import SCHEDULES, gpipe, interleaved, one_f_one_b, zb_v
from tests.effort import tried
from tests.pipelines import chain, network

COUNTS = st.integers(1, 99)
NUMBERS = st.just(0.0) | st.floats(1e-9, 1e9)
ABOVE = st.floats(1e-9, 1e9)
NAMES = st.text(min_size=1, max_size=4)
TICKS = st.one_of(
    NUMBERS,
    NUMBERS.map(cs.exponential),
    st.tuples(NUMBERS, NUMBERS).map(sorted).map(lambda bounds: cs.uniform(*bounds)),
    st.tuples(NUMBERS, NUMBERS).map(lambda both: cs.lognormal(*both)),
)
LINKS = st.builds(
    cs.Link,
    latency=TICKS,
    bandwidth=st.one_of(ABOVE, st.just(float("inf"))),
    serial=st.booleans(),
    loss=st.floats(0, 1),
    duplicate=st.floats(0, 1),
    reorder=st.floats(0, 1),
    hold_up=TICKS,
)
STAGES = st.one_of(
    COUNTS,
    st.dictionaries(NAMES, st.one_of(NAMES, st.lists(NAMES, min_size=1, max_size=3)), min_size=1, max_size=3),
    st.sampled_from([cs.place(chain(3), 2), network(2)[1]]),
)
SOME = {name: st.none() | COUNTS for name in ("microbatches", "versions")}
REST = {
    "stages": STAGES,
    "update": st.sampled_from(["sync", "async"]),
    "overlap": st.booleans(),
    "checkpoint_every": st.none() | ABOVE,
    "retry_after": st.none() | ABOVE,
    "tries": COUNTS,
}
PLANS = st.one_of(
    st.builds(cs.Plan, replicas=st.none() | COUNTS, in_flight=st.none() | COUNTS, **SOME, **REST),
    st.builds(cs.Plan, schedule=st.sampled_from(["fifo", *SCHEDULES]), **SOME, **REST),
    st.builds(cs.Plan, schedule=st.sampled_from([gpipe(2, 3), zb_v(2, 4), one_f_one_b(2, 2).with_transfers()]), **REST),
    st.builds(cs.Plan, replicas=COUNTS, local_steps=COUNTS, update=st.just("async")),
)
CLUSTERS = st.builds(
    cs.Cluster,
    devices=st.one_of(st.none(), COUNTS, st.lists(NAMES, min_size=1, max_size=4, unique=True)),
    link=st.one_of(LINKS, st.dictionaries(st.tuples(NAMES, NAMES), LINKS, max_size=2)),
    slots=COUNTS,
    slowdown=st.dictionaries(st.one_of(st.integers(0, 9), NAMES), NUMBERS, max_size=3),
    crash_every=st.one_of(ABOVE, st.just(float("inf"))),
    downtime=TICKS,
)
TIMES = st.one_of(TICKS, st.lists(TICKS, min_size=1, max_size=3))
COSTS = st.builds(
    cs.Costs,
    forward=TIMES,
    input=st.none() | TIMES,
    weight=st.none() | TIMES,
    backward=st.none() | TIMES,
    bytes=st.one_of(st.none(), NUMBERS, st.integers(0, 2**40), st.dictionaries(NAMES, NUMBERS, max_size=2)),
)


@given(st.one_of(PLANS, CLUSTERS, COSTS, LINKS, st.builds(lambda m: gpipe(2, m), st.integers(1, 4))))
@settings(max_examples=tried(300))
def test_a_value_is_written_down_and_read_again(value):
    kind = type(value)
    again = kind.from_json(value.to_json())
    assert again == value
    assert again.to_json() == value.to_json()
    assert hash(again) == hash(value)
    for other in (eval(repr(value), vars(cs) | {"inf": float("inf")}), pickle.loads(pickle.dumps(value))):
        assert other == value
        assert repr(other) == repr(value)
        assert hash(other) == hash(value)


def test_only_what_differs_is_shown():
    assert repr(cs.Plan()) == "Plan()"
    assert repr(cs.Plan(4, schedule="1f1b", microbatches=8)) == "Plan(stages=4, schedule='1f1b', microbatches=8)"
    assert cs.Plan(4, schedule="1f1b").to_json() == '{"Plan": {"stages": 4, "schedule": "1f1b"}}'
    assert repr(cs.Plan({"a": "mul*"})) == "Plan(stages={'a': 'mul*'})"
    assert repr(cs.Cluster(8, link=cs.Link(25e-6, 50e9))) == (
        "Cluster(devices=8, link=Link(latency=2.5e-05, bandwidth=50000000000.0))"
    )
    assert repr(cs.Costs(backward=cs.exponential(2), bytes=64 * 2**20)) == (
        "Costs(backward=exponential(2.0), bytes=67108864)"
    )
    assert repr(gpipe(1, 2)) == "Schedule.from_table('0F0 0F1 0B0 0B1', name='gpipe')"


def test_numpys_numbers_are_numbers():
    three, half = np.int64(3), np.float32(0.5)
    assert cs.Plan(three, microbatches=np.uint8(4), retry_after=half).to_json() == (
        '{"Plan": {"stages": 3, "microbatches": 4, "retry_after": 0.5}}'
    )
    assert cs.Cluster(three, slowdown={np.int32(1): half}) == cs.Cluster(3, slowdown={1: 0.5})
    assert cs.Link(serial=np.True_).serial is True
    assert cs.Link(half, np.int64(8), loss=half) == cs.Link(0.5, 8.0, loss=0.5)
    assert cs.Costs(np.array([1, 2]), bytes=three) == cs.Costs([1.0, 2.0], bytes=3)
    assert cs.exponential(three) == cs.exponential(3)
    assert gpipe(three, np.int8(2)) == gpipe(3, 2)
    assert cs.place(chain(3), three) == cs.place(chain(3), 3)


def test_values_do_not_change():
    slow = {0: 2.0}
    cluster = cs.Cluster(slowdown=slow)
    slow[0] = 3.0
    assert cluster.slowdown == {0: 2.0}
    for change in (
        lambda: cluster.slowdown.update({1: 1.0}),
        lambda: cluster.slowdown.pop(0),
        lambda: cluster.slowdown.__setitem__(0, 1.0),
        lambda: setattr(cluster, "slots", 2),
    ):
        with pytest.raises((TypeError, AttributeError)):
            change()
    assert {cs.Plan(2): "a"}[cs.Plan(2)] == "a"


class Own:
    def __call__(self, random):
        return 1.0


def test_what_has_no_name_is_not_written():
    own = cs.Distribution(Own(), "my own")
    assert pickle.loads(pickle.dumps(own)).text == "my own"
    with pytest.raises(cs.InputError, match="the distribution 'my own' is a function, which cannot be written as JSON"):
        cs.Costs([1.0, own]).to_json()
    with pytest.raises(cs.InputError, match=r"the schedule of the Plan is <function gpipe.* cannot be written as JSON"):
        cs.Plan(schedule=gpipe).to_json()


# -- what does not fit -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "words"), [
    (lambda: cs.Plan(0), "stages is 0: give a whole number above 0"),
    (lambda: cs.Plan(True), "stages is True: give a number, a mapping of devices to gates, or a Placement"),
    (lambda: cs.Plan("4"), "stages is '4'"),
    (lambda: cs.Plan(2.0), "stages is 2.0"),
    (lambda: cs.Plan({}), "stages has no devices"),
    (lambda: cs.Plan({"a": []}), r"device 'a' is given \[\]: give names or patterns"),
    (lambda: cs.Plan({"a": 3}), "device 'a' is given 3"),
    (lambda: cs.Plan(replicas=0), "replicas is 0: give a whole number above 0"),
    (lambda: cs.Plan(replicas=True), "replicas is True"),
    (lambda: cs.Plan(microbatches=-1), "microbatches is -1"),
    (lambda: cs.Plan(in_flight=1.5), "in_flight is 1.5"),
    (lambda: cs.Plan(versions=0), "versions is 0"),
    (lambda: cs.Plan(local_steps=None), "local_steps is None"),
    (lambda: cs.Plan(tries=0), "tries is 0"),
    (lambda: cs.Plan(checkpoint_every=0), "checkpoint_every is 0: give ticks, a finite number above 0"),
    (lambda: cs.Plan(retry_after=float("nan")), "retry_after is nan"),
    (lambda: cs.Plan(update="asinc"), "update='asinc' is unknown: did you mean 'async'. use 'sync' or 'async'"),
    (lambda: cs.Plan(update=[1]), r"update=\[1\] is unknown: use 'sync' or 'async'"),
    (lambda: cs.Plan(schedule="gipe"), "no schedule 'gipe': did you mean 'gpipe'. use fifo or one of gpipe, 1f1b"),
    (lambda: cs.Plan(schedule="zb_h1"), "no schedule 'zb_h1': did you mean 'zb-h1'."),
    (lambda: cs.Plan(schedule=3), "the schedule is 3: give a name, a Schedule, a function that returns one"),
    (lambda: cs.Plan(schedule="gpipe", in_flight=2), "leave in_flight out"),
    (lambda: cs.Plan(schedule=gpipe(2, 4), microbatches=8), "takes batches of 4, but microbatches is 8: leave it out"),
    (lambda: cs.Plan(local_steps=2, update="async"), "local steps are for workers with a server"),
    (lambda: cs.Plan(local_steps=2, replicas=2), "local steps are for workers with a server"),
    (lambda: cs.Cluster(0), "the number of devices is 0"),
    (lambda: cs.Cluster("two"), "the number of devices is 'two'"),
    (lambda: cs.Cluster([]), "a cluster has no devices"),
    (lambda: cs.Cluster(["a", "a"]), "two devices are called 'a'"),
    (lambda: cs.Cluster([1]), "a device is called 1"),
    (lambda: cs.Cluster(link=3), "a link is 3: give a Link"),
    (lambda: cs.Cluster(link={"a": cs.Link()}), "links are by pairs of names of devices"),
    (lambda: cs.Cluster(link={("a", "b"): 3}), "a link is 3"),
    (lambda: cs.Cluster(slots=0), "slots is 0"),
    (lambda: cs.Cluster(slowdown=2), "slowdown is 2: give a mapping"),
    (lambda: cs.Cluster(slowdown={0: -1}), "the slowdown of device 0 is -1"),
    (lambda: cs.Cluster(slowdown={True: 1}), "the device that slowdown names is True"),
    (lambda: cs.Cluster(slowdown={0: cs.uniform(1, 2)}), r"slowdown of device 0 is uniform\(1.0, 2.0\): give a number"),
    (lambda: cs.Cluster(crash_every=0), "crash_every is 0: give ticks, a number above 0"),
    (lambda: cs.Cluster(crash_every=cs.exponential(1)), "crash_every is exponential"),
    (lambda: cs.Cluster(downtime=-1), "the downtime is -1: give ticks, a finite number not below 0, or a distribution"),
    (lambda: cs.Link(loss=True), "the loss of a link is True: give a number from 0 to 1"),
    (lambda: cs.Link(hold_up="long"), "the hold-up on a link is 'long'"),
    (lambda: cs.Costs(-1), "the time of F is -1"),
    (lambda: cs.Costs(None), "the time of F is None"),
    (lambda: cs.Costs(1, [1, float("inf")]), "the time of I at stage 1 is inf"),
    (lambda: cs.Costs(weight="long"), "the time of W is 'long'"),
    (lambda: cs.Costs(backward=[]), "there are no times of B"),
    (lambda: cs.Costs(bytes=-1), "the size of a message is -1: give bytes"),
    (lambda: cs.Costs(bytes={"w": "big"}), "the size of a message of 'w' is 'big'"),
    (lambda: cs.Costs([1, 2]).of_stages(3), "there are 2 times of F for 3 stages"),
    (lambda: cs.exponential(True), "the mean of an exponential time is True"),
    (lambda: cs.Plan(schedule=int), "the schedule is <class 'int'>: give a subclass of Policy"),
    (lambda: cs.Plan(schedule=Policy).to_json(), "which cannot be written as JSON"),
    (lambda: checks.count(1, "it", least=2), "it is 1: give a whole number, 2 or more"),
])  # fmt: skip
def test_what_makes_no_sense_is_told(make, words):
    with pytest.raises((cs.InputError, cs.ScheduleError), match=words):
        make()


@pytest.mark.parametrize(("text", "words"), [
    ("", "this is no JSON of a Plan: Expecting value"),
    (None, "this is no JSON of a Plan"),
    ("[1]", "give an object with the one key 'Plan'"),
    ('{"Cluster": {}}', "give an object with the one key 'Plan'"),
    ('{"Plan": 3}', "this JSON says 3 of a Plan"),
    ('{"Plan": {"stage": 3}}', "a Plan has no field 'stage': did you mean 'stages'."),
    ('{"Plan": {"stages": 0}}', "stages is 0"),
    ('{"Plan": {"stages": {"a": "mul1"}}}', "this JSON has an object with 'a': it means nothing here"),
    ('{"Plan": {"stages": {"Placement": {"stages": [["a"]]}}}}', "this JSON of a Placement lacks 'homes'"),
    ('{"Plan": {"stages": {"Mapping": [3]}}}', "it means nothing here"),
    ('{"Plan": {"stages": {"Mapping": [[["a", ["b"]], 1]]}}}', "it means nothing here"),
    ('{"Plan": {"stages": {"Mapping": [[["a", "b"], 1]]}}}', r"device \('a', 'b'\) is given 1"),
    ('{"Plan": {"stages": {"Placement": {"stages": 3, "homes": 3, "names": 3}}}}', "the stages of a placement are 3"),
    ('{"Plan": {"stages": {"Placement": {"stages": [[]], "homes": [1], "names": ["a"]}}}}', "a placement has 1 stages"),
    ('{"Plan": {"overlap": "no"}}', "overlap is 'no': give True or False"),
    ('{"Plan": {"retry_after": 1' + "0" * 400 + "}}", "retry_after is 1000"),
    ('{"Plan": {"schedule": {"Schedule": {"name": "mine"}}}}', "this JSON of a Schedule is not as to_json writes it"),
    ('{"Plan": {"stages": {}}}', "this JSON has an object with nothing"),
    ('{"Plan": {"tries": {"Distribution": ["normal", 1]}}}', "of a Distribution: give its name, one of exponential"),
    ('{"Plan": {"tries": {"Distribution": ["uniform", 1]}}}', "of a Distribution"),
    ('{"Plan": {"tries": {"Distribution": [["uniform"], 1]}}}', "of a Distribution"),
    ('{"Plan": ' + "[" * 900 + "]" * 900 + "}", "of a Plan"),
    ("[" * 100_000, "this is no JSON of a Plan"),
])  # fmt: skip
def test_bad_json_is_told_in_a_sentence(text, words):
    with pytest.raises(cs.InputError, match=words) as told:
        cs.Plan.from_json(text)
    assert "\n" not in str(told.value)


# -- costs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "times"), [
    ({}, {"F": (1.0,), "I": (1.0,), "W": (1.0,), "B": (1.0, 1.0)}),
    ({"forward": 3, "backward": 5}, {"F": (3.0,), "I": (2.5,), "W": (2.5,), "B": (5.0,)}),
    ({"input": 3, "weight": 5}, {"F": (1.0,), "I": (3.0,), "W": (5.0,), "B": (3.0, 5.0)}),
    ({"input": 3, "backward": 5}, {"F": (1.0,), "I": (3.0,), "W": (2.5,), "B": (5.0,)}),
    ({"backward": cs.exponential(4)},
     {"F": (1.0,), "I": (cs.exponential(2),), "W": (cs.exponential(2),), "B": (cs.exponential(4),)}),
    ({"backward": cs.uniform(2, 4)},
     {"F": (1.0,), "I": (cs.uniform(1, 2),), "W": (cs.uniform(1, 2),), "B": (cs.uniform(2, 4),)}),
])  # fmt: skip
def test_what_work_takes(given, times):
    assert cs.Costs(**given).of_stages(2) == {kind: [parts] * 2 for kind, parts in times.items()}


def test_half_of_a_distribution_of_your_own():
    half = cs.Costs(backward=cs.Distribution(Own(), "one")).of_stages(1)["I"][0][0]
    assert half.sample(np.random.default_rng(0)) == 0.5
    assert repr(half) == "0.5 * one"


def test_bytes_of_messages():
    assert cs.Costs().size("w") is None
    assert cs.Costs(bytes=10).size("w") == 10
    assert cs.Costs(bytes={"w": 4}).size("w") == 4
    assert cs.Costs(bytes={"w": 4}).size("x") is None


def traced(**ticks):
    """Return a trace with pieces of work such as F0=[1, 2]: of stage 0, one that took 1 tick and one that took 2."""
    work = [
        SimpleNamespace(kind=name[0], stage=int(name[1:]), start=np.float64(5), end=5 + time)
        for name, times in ticks.items()
        for time in times
    ]
    return SimpleNamespace(timeline=SimpleNamespace(work=work))


def test_costs_are_measured():
    assert cs.Costs.from_trace(traced(F0=[1, 9, 2], F1=[4], B0=[3, 5], B1=[6])) == cs.Costs([2, 4], backward=[4, 6])
    assert cs.Costs.from_trace(traced(F0=[1], I0=[3], W0=[5])) == cs.Costs([1], [3], [5])
    mixed = cs.Costs.from_trace(traced(F0=[1], F1=[1], I0=[3], W0=[5], B1=[4]))
    assert mixed == cs.Costs([1, 1], [3, 2], [5, 2], [8, 4])
    assert cs.Costs.from_trace(traced(F0=[1])) == cs.Costs([1])
    for trace, words in (
        (traced(), "the trace has no pieces of work"),
        (traced(F1=[1]), "lacks work of stage 0"),
        (traced(F0=[1], F1=[1], B0=[1]), "lacks work of stage 1"),
        (traced(F0=[1], I0=[1]), "lacks work of stage 0"),
    ):
        with pytest.raises(cs.TraceError, match=words):
            cs.Costs.from_trace(trace)
    costs = cs.Costs([1, 2, 3], [4] * 3, [5] * 3)
    run = cs.Simulation(chain(3), cs.Plan(3, schedule="zb-h1"), costs=costs).stream([{"x": 1}] * 4)
    assert cs.Costs.from_trace(run.trace) == costs


# -- deployment --------------------------------------------------------------------------------------------


def put(plan, stages=4, **more):
    return deploy(plan, Netlist(chain(stages)), **more)


def test_stages_are_put_on_the_devices_of_a_cluster():
    plain = put(cs.Plan(4))
    assert plain.placement == cs.place(chain(4), 4)
    assert (plain.devices, plain.each, plain.server) == (plain.placement.names, 4, None)
    assert plain.order(3) is None
    assert plain.scheduled(3) is plain
    few = put(cs.Plan(4), cluster=cs.Cluster(["a", "b"]))
    assert (few.placement.homes, few.devices) == ((0, 1, 0, 1), ("a", "b"))
    many = put(cs.Plan(2), cluster=cs.Cluster(3, slowdown={2: 3, "device 1": 2}))
    assert (many.devices, many.slowdown) == (("device 0", "device 1"), (1.0, 2.0))
    by_hand = put(cs.Plan({"left": ["mul1", "mul3"], "right": "mul[24]"}), cluster=cs.Cluster(["right", "left"]))
    assert by_hand.placement.homes == (0, 1, 0, 1)
    assert by_hand.devices == ("left", "right")
    assert put(cs.Plan(cs.place(chain(4), 2)), cluster=cs.Cluster(["a", "b", "c"])).devices == ("a", "b")


def test_replicas_are_put_on_a_cluster():
    two = put(cs.Plan(2, replicas=2))
    assert two.devices == ("device 0 of 0", "device 1 of 0", "device 0 of 1", "device 1 of 1", "server")
    assert (two.each, two.server, two.slowdown) == (2, 4, (1.0,) * 5)
    named = put(cs.Plan(2, replicas=2), cluster=cs.Cluster(list("abcde"), slowdown={"server": 2}))
    assert named.devices == ("a", "b", "c", "d", "server")
    assert named.slowdown == (1, 1, 1, 1, 2)
    assert put(cs.Plan(4, replicas=2), cluster=cs.Cluster(4)).placement.homes == (0, 1, 0, 1)


def test_links_by_names():
    slow = cs.Link(3.0)
    pair = put(cs.Plan(2), cluster=cs.Cluster(["a", "b", "c"], link={("a", "b"): slow, ("b", "c"): slow}))
    assert (pair.link(0, 1), pair.link(1, 0)) == (slow, cs.Link())
    assert put(cs.Plan(2), cluster=cs.Cluster(link=slow)).link(1, 0) == slow


def test_schedules_choose_devices():
    vee = put(cs.Plan(4, schedule="zb-v", microbatches=6))
    assert vee.batch(20) == 6
    assert vee.batch(3) == 3
    fixed = vee.scheduled(6)
    assert fixed.placement.homes == (0, 1, 1, 0)
    assert fixed.devices == ("device 0", "device 1")
    assert fixed.order(6) == zb_v(2, 6)
    assert fixed.order(6) is fixed.order(6)
    assert put(cs.Plan(6, schedule="interleaved"), 6, cluster=cs.Cluster(2)).scheduled(4).order(4) == interleaved(
        2, 4, 3
    )
    own = put(cs.Plan(4, schedule=gpipe(4, 3)))
    assert (own.batch(9), own.batch(2), own.scheduled(3).order(3)) == (3, 2, gpipe(4, 3))


def test_how_many_are_in_flight():
    assert put(cs.Plan()).in_flight(7) == 7
    assert put(cs.Plan(in_flight=2)).in_flight(7) == 2
    assert put(cs.Plan(replicas=3), cluster=cs.Cluster(slots=2)).in_flight(7) == 6
    assert put(cs.Plan(), cluster=cs.Cluster(slots=2)).in_flight(7) == 2


def change_homes(devices, microbatches):
    schedule = gpipe(devices, microbatches)
    return schedule if microbatches % 2 else cs.Schedule("turned", schedule.rows[::-1])


@pytest.mark.parametrize(("ask", "words"), [
    (lambda: put(3), "plan is 3: give a Plan"),
    (lambda: put(cs.Plan(), cluster=3), "cluster is 3: give a Cluster"),
    (lambda: put(cs.Plan(), costs=3), "costs is 3: give a Costs"),
    (lambda: put(cs.Plan(5)), "cannot be cut into 5 stages: it has 4 gates"),
    (lambda: put(cs.Plan({"a": "add*"})), r"device 'a' is given 'add\*', but no gate has such a name"),
    (lambda: put(cs.Plan(cs.place(chain(3), 1))), "gate 'mul4' is on no device: give the placement of"),
    (lambda: put(cs.Plan(schedule="1f1b"), cluster=cs.Cluster(slots=2)), "leave slots of the cluster out"),
    (lambda: put(cs.Plan(replicas=3), cluster=cs.Cluster(2)), "3 replicas need as many devices at least: .* has 2"),
    (lambda: put(cs.Plan(cs.place(chain(4))), cluster=cs.Cluster(2)), "the plan needs 4 devices: the cluster has 2"),
    (lambda: put(cs.Plan(cs.place(chain(4)), replicas=2), cluster=cs.Cluster(4)),
     "needs 4 devices in each of 2 replicas: the cluster has 4"),
    (lambda: put(cs.Plan({"left": "*"}), cluster=cs.Cluster(["lift", "up"])),
     "gates on 'left', but there is no such device: did you mean 'lift'. they are lift, up"),
    (lambda: put(cs.Plan(2), cluster=cs.Cluster(link={("device 0", "moon"): cs.Link()})),
     "a link joins 'moon', but there is no such device: they are device 0, device 1"),
    (lambda: put(cs.Plan(2), cluster=cs.Cluster(slowdown={"moon": 2})), "no device 'moon' to slow down: they are"),
    (lambda: put(cs.Plan(2), cluster=cs.Cluster(slowdown={2: 2})), "there is no device 2 to slow down"),
    (lambda: put(cs.Plan(2), cluster=cs.Cluster(slowdown={0: 2, "device 0": 3})), "'device 0' is slowed down twice"),
    (lambda: put(cs.Plan(2), costs=cs.Costs([1, 2, 3])), "there are 3 times of F for 2 stages"),
    (lambda: put(cs.Plan(2), costs=cs.Costs(bytes={"mull1": 1})), "no 'mull1' whose messages have bytes: did you"),
    (lambda: put(cs.Plan(3, schedule="zb-v")), "zb-v puts 2 stages on each device: 3 is no multiple of 2"),
    (lambda: put(cs.Plan(2, schedule=gpipe(3, 4))).scheduled(4), "has 3 stages, the circuit is cut into 2: .*stages=3"),
    (lambda: put(cs.Plan(2, schedule=gpipe(2, 3))).scheduled(1), "takes batches of 3, but there is one of 1"),
    (lambda: put(cs.Plan(4, schedule="1f1b"), cluster=cs.Cluster(2)).scheduled(2),
     "the schedule '1f1b' is for 4 devices, there are 2"),
    (lambda: put(cs.Plan(4, schedule="interleaved"), cluster=cs.Cluster(2)).scheduled(3), "3 is no multiple of 2"),
    (lambda: put(cs.Plan(schedule=lambda p, m: None)).scheduled(1), "returned None: let it return a Schedule"),
    (lambda: put(cs.Plan({"a": "mul[34]", "b": "mul[12]"}, schedule="1f1b")).scheduled(2),
     "has stage 0 on rank 0, but it was put on 'b'"),
    (lambda: put(cs.Plan(2, schedule=change_homes)).scheduled(3).order(2), "'turned' has stage 0 on rank 1"),
    (lambda: put(cs.Plan(2, schedule=gpipe(2, 3).with_transfers()), cluster=cs.Cluster(crash_every=9)).scheduled(3),
     "transfers that a schedule writes out cannot be sent again"),
])  # fmt: skip
def test_plans_that_do_not_fit(ask, words):
    with pytest.raises((cs.InputError, cs.ScheduleError), match=words):
        ask()


@pytest.mark.parametrize("ask", [
    lambda: cs.Costs(weight=range(10**12)),
    lambda: cs.Costs(activations=range(10**12)),
    lambda: cs.Costs().of_stages(10**12),
    lambda: cs.Costs(activations=1).kept_by(10**12),
])  # fmt: skip
def test_costs_of_more_stages_than_memory_holds_are_refused_at_once(ask):
    with pytest.raises(cs.TooLargeError, match=r"1000000000000 stages .*: give fewer"):
        ask()


# -- the cost of schedules ---------------------------------------------------------------------------------


def test_a_schedule_costs_the_same_for_each_piece_however_many_there_are():
    figures = []
    for devices, microbatches in ((16, 64), (32, 128), (64, 256)):
        make = partial(one_f_one_b, devices, microbatches)
        pieces = 2 * devices * microbatches
        times = []
        for _ in range(3):
            start = process_time()
            make()
            times.append((process_time() - start) / pieces)
        tracemalloc.start()
        kept = make()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert kept.microbatches == microbatches
        assert held / pieces < 100
        figures.append(min(times))
    assert all(more < 3 * less for less, more in pairwise(figures))
