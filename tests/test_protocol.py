"""Delivery and recovery: examples by hand, two nodes over any channel, and whole runs of apps under hostile seeds.

By default some hundred seeds run. With the environment variable CIRCUITSIM_SLOW set, 10,000 seeds of each app do.
"""

from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from circuitsim.errors import CircuitSimError, FencedError, InputError
from circuitsim.protocol import Deliver, Fail, Frame, MemoryStore, Node, Send, Timer
from tests import protocol_sim as sim
from tests.effort import tried


def node(name="device 0", peer=1, **options):
    return Node(name, {peer: f"device {peer}"}, lambda peer, body: 10.0, **options)


def data(number, body="x", life=1, saved=0, taken=0, gap=False):
    return Frame(life, number, body, saved, taken, gap)


def news(life=1, saved=0, taken=0, gap=False):
    return Frame(life, None, None, saved, taken, gap)


def numbers(actions):
    return [action.frame.number for action in actions if isinstance(action, Send)]


def delivered(actions):
    return [action.body for action in actions if isinstance(action, Deliver)]


def test_the_timer_starts_when_the_copy_has_left():
    a = node()
    assert a.post(1, "x") == [Send(1, data(0))]
    assert a.post(1, "y") == []  # it waits for its turn in the node, not in the driver's queue
    actions = a.left(1)
    assert numbers(actions) == [1]
    assert actions[1:] == [Timer((1, 1), 10.0)]


def test_retries_wait_twice_as_long_up_to_a_cap_and_less_after_progress():
    a = node(cap=4)
    a.post(1, "x")
    (timer,) = a.left(1)
    waits = []
    for _ in range(4):
        waits.append(timer.delay)
        assert numbers(a.timer(timer.key)) == [0]
        (timer,) = a.left(1)
    assert waits == [10, 20, 40, 40]
    a.post(1, "y")
    a.left(1)
    (timer,) = a.receive(1, news(taken=1, saved=1))
    assert timer.delay == 10


def test_the_wait_is_short_again_for_a_new_life():
    a = node()
    a.post(1, "x")
    for _ in range(5):
        (timer,) = a.left(1)
        a.timer(timer.key)
    a.left(1)
    assert numbers(a.receive(1, news(life=2))) == [0]
    assert a.left(1)[0].delay == 10


def test_late_news_of_the_same_life_takes_nothing_back():
    a = node()
    for body in "xyz":
        a.post(1, body)
    for _ in "xyz":
        a.left(1)
    (timer,) = a.receive(1, news(taken=3))
    assert a.receive(1, news(taken=1)) == []
    assert numbers(a.timer(timer.key)) == [0]  # all have arrived: it asks after the oldest that is not saved


def test_a_retry_is_not_sent_while_a_frame_is_in_the_queue_nor_when_progress_has_come():
    a = node()
    a.post(1, "x")
    a.post(1, "y")
    _, timer = a.left(1)  # y is in the queue now
    assert a.timer(timer.key) == []
    a.receive(1, news(taken=1, saved=1))
    assert numbers(a.left(1)) == []
    assert a.timer(timer.key) == []


def test_what_is_seen_is_kept_until_it_is_saved_and_sent_again_at_once_to_a_new_life():
    a = node()
    for body in "xyz":
        a.post(1, body)
        a.left(1)
    (timer,) = a.receive(1, news(taken=2))
    assert a.unacknowledged == 3
    assert numbers(a.timer(timer.key)) == [2]  # the first two have arrived
    a.left(1)
    sent = a.receive(1, news(life=2, taken=1, saved=1)) + a.left(1)
    assert numbers(sent) == [1, 2]
    assert a.receive(1, news(life=1, taken=3, saved=1)) == []  # an older life says so
    a.left(1)
    assert a.unacknowledged == 2
    a.receive(1, news(life=2, taken=3, saved=3))
    assert a.unacknowledged == 0


def test_gaps_that_a_retry_shows_are_filled_at_once():
    a = node()
    for body in "uvwxyz":
        a.post(1, body)
    timers = [action for _ in range(6) for action in a.left(1) if isinstance(action, Timer)]
    assert numbers(a.timer(timers[-1].key)) == [0]
    a.left(1)
    assert numbers(a.receive(1, news(taken=3, gap=True))) == [3]


def test_messages_are_delivered_once_and_in_order():
    b = node("device 1", 0)
    assert delivered(b.receive(0, data(1, "y"))) == []
    assert delivered(b.receive(0, data(0, "x"))) == ["x", "y"]
    assert b.left(0) == [Send(0, news(saved=2, taken=2))]
    b.left(0)
    assert b.receive(0, data(0, "x")) == [Send(0, news(saved=2, taken=2))]


def test_a_driver_can_ask_what_will_be_dropped():
    b = node("device 1", 0)
    b.receive(0, data(1, life=2))
    assert [b.drops(0, data(number, life=2)) for number in (0, 1)] == [False, True]
    assert b.drops(0, data(0, life=1))
    assert not b.drops(0, news(life=1))


def test_a_node_that_is_saved_acknowledges_what_is_saved():
    b = node("device 1", 0, saves=True)
    assert b.receive(0, data(0)) == [Deliver(0, "x")]
    snapshot = b.save("app")
    assert delivered(b.receive(0, data(1))) == ["x"]
    assert b.saved(snapshot.number) == [Send(0, news(saved=1, taken=2))]
    assert b.saved(snapshot.number) == []
    b.left(0)
    older = b.save("app")
    b.receive(0, data(2))
    newer = b.save("app")
    assert b.saved(newer.number) == [Send(0, news(saved=3, taken=3))]
    b.left(0)
    assert b.saved(older.number) == []
    assert b.receive(0, data(0)) == [Send(0, news(saved=3, taken=3))]


def test_a_node_that_is_saved_answers_what_came_twice_or_leaves_a_gap():
    b = node("device 1", 0, saves=True)
    assert b.receive(0, data(0)) == [Deliver(0, "x")]
    assert b.receive(0, data(0)) == [Send(0, news(taken=1))]
    b.left(0)
    assert b.receive(0, data(2)) == [Send(0, news(taken=1, gap=True))]
    b.left(0)
    assert b.receive(0, data(1))[2:] == [Send(0, news(taken=3))]
    b.left(0)
    assert b.receive(0, news(life=2)) == []


def test_held_messages_go_out_when_the_state_that_holds_them_is_saved():
    a = node(saves=True, hold=True)
    assert a.post(1, "x") == []
    first = a.save("app")
    assert a.post(1, "y") == []
    assert numbers(a.saved(first.number)) == [0]
    assert numbers(a.left(1)) == []
    assert numbers(a.saved(a.save("app").number)) == [1]


def test_an_app_that_redoes_its_work_sends_the_same_numbers_and_only_what_is_needed():
    a = node(saves=True)
    for body in "wxyz":
        a.post(1, body)
        a.left(1)
    again = node(life=2, saves=True)  # nothing was saved
    assert again.start() == [Send(1, news(life=2))]
    assert numbers(again.left(1)) == []
    again.receive(1, news(saved=2, taken=3))
    assert numbers(again.post(1, "w") + again.post(1, "x")) == []  # acknowledged
    assert again.unacknowledged == 0
    (timer,) = again.post(1, "y")  # there, but not saved
    assert numbers(again.post(1, "z")) == [3]
    assert again.save("app").peers[1].kept == ("y", "z")
    again.left(1)
    assert numbers(again.timer(timer.key)) == [3]


def test_a_restarted_node_sends_what_was_kept_and_tells_its_peers():
    a = node(saves=True, hold=True)
    a.post(1, "x")
    a.receive(1, data(0, "in"))
    snapshot = a.save("app")
    again = node(life=2, snapshot=snapshot, saves=True, hold=True)
    assert again.start() == [Send(1, data(0, "x", life=2, saved=1, taken=1))]


def test_a_dead_link_is_told_of_and_a_slow_one_is_not():
    a = node(tries=3)
    a.post(1, "x")
    actions = a.left(1)
    for _ in range(3):
        a.timer(actions[-1].key)
        actions = a.left(1)
    (fail,) = a.timer(actions[-1].key)
    assert isinstance(fail, Fail)
    assert fail.sentence == (
        "nothing was heard from device 1 while device 0 sent message 0 again 3 times: device 1 or the link to it is "
        "dead, or tries is too low"
    )
    a = node(tries=3)
    a.post(1, "x")
    actions = a.left(1)
    for _ in range(20):
        assert numbers(a.timer(actions[-1].key)) == [0]
        assert a.receive(1, news()) == []  # no progress, but it lives
        actions = a.left(1)


@pytest.mark.parametrize(("options", "factors"), [
    ({}, [1, 2, 4, 8, 16, 32] + [64] * 15),
    ({"tries": 1}, [1, 2]),
    ({"tries": 3, "cap": 1}, [1, 1, 1, 1]),
])  # fmt: skip
def test_how_long_a_node_waits_for_one_that_never_answers(options, factors):
    a, waits = node(**options), []
    a.post(1, "x")
    (timer,) = a.left(1)
    while isinstance(timer, Timer):
        waits.append(timer.delay)
        actions = a.timer(timer.key)
        (timer,) = actions if isinstance(actions[0], Fail) else a.left(1)
    assert waits == [10.0 * factor for factor in factors]


def test_who_was_heard_of_has_all_tries_again():
    a, retries = node(tries=3), 0
    a.post(1, "x")
    (timer,) = a.left(1)
    while isinstance(timer, Timer):
        actions = a.timer(timer.key)
        retries += len(numbers(actions))
        if retries == 2:
            a.receive(1, news())
        (timer,) = actions if isinstance(actions[0], Fail) else a.left(1)
    assert retries == 5


def test_a_store_refuses_older_lives_and_keeps_the_newest_state():
    store = MemoryStore()
    assert store.begin() == (1, None)
    store.write(1, 2, "second")
    store.write(1, 1, "first")
    assert store.begin() == (2, "second")
    with pytest.raises(FencedError, match="life 1 of a device wrote state 3 after life 2 had begun"):
        store.write(1, 3, "third")
    assert issubclass(FencedError, CircuitSimError)


def test_a_node_knows_whether_there_is_something_to_save():
    a = node(saves=True)
    told = [a.unsaved]
    a.post(1, "x")
    told.append(a.unsaved)
    assert a.save("app").number == 1
    told.append(a.unsaved)
    a.receive(1, news(saved=1, taken=1))
    told.append(a.unsaved)
    a.receive(1, data(0))
    told.append(a.unsaved)
    assert told == [False, True, False, False, True]
    again = node(life=2, snapshot=a.save("app"), saves=True)
    assert (again.unsaved, again.save("app").number) == (False, 3)


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="set saves"):
        node(hold=True)
    with pytest.raises(InputError, match="tries is 0"):
        node(tries=0)
    with pytest.raises(InputError, match="cap is 0"):
        node(cap=0)


def test_a_saved_state_holds_nothing_but_what_is_not_acknowledged():
    nodes = {0: node("device 0", 1, saves=True), 1: node("device 1", 0, saves=True)}

    def carry_out(side, actions):
        todo = deque((side, action) for action in actions)
        while todo:
            side, action = todo.popleft()
            if isinstance(action, Send):
                todo.extend((side, more) for more in nodes[side].left(action.peer))
                todo.extend((action.peer, more) for more in nodes[action.peer].receive(side, action.frame))

    for turn in range(1000):
        for side in (0, 1):
            carry_out(side, nodes[side].post(1 - side, turn))
            snapshot = nodes[side].save(None)
            assert len(snapshot.peers[1 - side].kept) <= 2
            carry_out(side, nodes[side].saved(snapshot.number))
        assert all(not peer.early for side in nodes.values() for peer in side.peers.values())
        assert all(len(side.pending) == 0 for side in nodes.values())


class TwoNodes(RuleBasedStateMachine):
    """Two nodes, and a channel that loses, repeats and reorders as Hypothesis likes; both may crash at any time."""

    sides = st.sampled_from((0, 1))
    index = st.integers(0, 5)

    @initialize(hold=st.booleans())
    def begin(self, hold):
        self.hold = hold
        self.stores = MemoryStore(), MemoryStore()
        self.nodes, self.posted, self.received = [None, None], [[], []], [[], []]
        self.queues, self.channel = [[], []], [[], []]  # by sender
        self.timers, self.writes, self.written = [[], []], [[], []], [[], []]
        self.stamp, self.most = 0, [0, 0]
        for side in (0, 1):
            self.restart(side)

    def restart(self, side):
        life, snapshot = self.stores[side].begin()
        posted, received = snapshot.app if snapshot else ((), ())
        self.posted[side], self.received[side] = list(posted), list(received)
        self.queues[side], self.timers[side], self.written[side] = [], [], []
        name = f"device {side}"
        options = {"life": life, "snapshot": snapshot, "saves": True, "hold": self.hold, "tries": 10**6}
        self.nodes[side] = node(name, 1 - side, **options)
        self.do(side, self.nodes[side].start())

    def do(self, side, actions):
        for action in actions:
            match action:
                case Send(_, frame):
                    assert not self.queues[side], "two frames in the queue"
                    self.queues[side].append(frame)
                case Timer(key, _):
                    self.timers[side].append(key)
                case Deliver(_, body):
                    self.received[side].append(body)
                case _:
                    raise AssertionError(action)

    @rule(side=sides)
    def post(self, side):
        self.stamp += 1
        # what is held back may be something else after a crash; what is not is the same
        body = len(self.posted[side]), self.stamp if self.hold else 0
        self.posted[side].append(body)
        self.most[side] = max(self.most[side], len(self.posted[side]))
        self.do(side, self.nodes[side].post(1 - side, body))

    @precondition(lambda self: any(self.queues))
    @rule(side=sides)
    def leave(self, side):
        if self.queues[side]:
            self.channel[side].append(self.queues[side].pop())
            self.do(side, self.nodes[side].left(1 - side))

    @precondition(lambda self: any(self.channel))
    @rule(side=sides, index=index, keep=st.booleans(), lose=st.booleans())
    def arrive(self, side, index, keep, lose):
        if self.channel[side]:
            index %= len(self.channel[side])
            frame = self.channel[side][index] if keep else self.channel[side].pop(index)
            if keep or not lose:
                self.do(1 - side, self.nodes[1 - side].receive(side, frame))

    @precondition(lambda self: any(self.timers))
    @rule(side=sides, index=index)
    def fire(self, side, index):
        if self.timers[side]:
            key = self.timers[side].pop(index % len(self.timers[side]))
            self.do(side, self.nodes[side].timer(key))

    @rule(side=sides)
    def save(self, side):
        app = tuple(self.posted[side]), tuple(self.received[side])
        self.writes[side].append((self.nodes[side].life, self.nodes[side].save(app)))

    @precondition(lambda self: any(self.writes))
    @rule(side=sides, index=index)
    def write(self, side, index):
        if self.writes[side]:
            life, snapshot = self.writes[side].pop(index % len(self.writes[side]))
            try:
                self.stores[side].write(life, snapshot.number, snapshot)
            except FencedError:
                assert life < self.nodes[side].life
            else:
                self.written[side].append(snapshot.number)

    @precondition(lambda self: any(self.written))
    @rule(side=sides, index=index)
    def saved(self, side, index):
        if self.written[side]:
            number = self.written[side].pop(index % len(self.written[side]))
            self.do(side, self.nodes[side].saved(number))

    @rule(side=sides)
    def crash(self, side):
        self.restart(side)

    @invariant()
    def once_and_in_order(self):
        for side in (0, 1) if hasattr(self, "nodes") else ():
            here, there = self.received[side], self.posted[1 - side]
            assert [number for number, _ in here] == list(range(len(here)))
            if self.hold:
                assert here == there[: len(here)]

    def teardown(self):
        if not hasattr(self, "nodes"):
            return
        for side in (0, 1):
            while not self.hold and len(self.posted[side]) < self.most[side]:  # a deterministic app redoes all
                self.post(side)
        for _ in range(100):
            for side in (0, 1):
                while self.queues[side]:
                    self.leave(side)
                while self.channel[side]:
                    self.arrive(side, 0, keep=False, lose=False)
                for _ in range(len(self.timers[side])):
                    self.fire(side, 0)
                self.save(side)
                while self.writes[side]:
                    self.write(side, 0)
                while self.written[side]:
                    self.saved(side, 0)
            if not any(self.queues + self.channel) and not any(node.unacknowledged for node in self.nodes):
                break
        assert not any(node.unacknowledged for node in self.nodes)
        assert self.received == [self.posted[1], self.posted[0]]


TestTwoNodes = TwoNodes.TestCase
TestTwoNodes.settings = settings(max_examples=tried(150), stateful_step_count=60, deadline=None)


def complaints(app, seeds, **options):
    """Return what went wrong, by seed."""
    outcomes = ((seed, sim.run(app, seed, **options).state) for seed in seeds)
    return {seed: state for seed, state in outcomes if state != "over"}


@pytest.mark.parametrize("app", sim.APPS)
def test_a_run_without_faults_needs_one_frame_a_message(app):
    outcome = sim.run(app, 1, sim.Settings(retry=8.0))
    assert outcome.state == "over"
    assert outcome.messages <= outcome.posted


@pytest.mark.parametrize("app", sim.APPS)
def test_hostile_links_and_crashes_change_no_bit(app):
    assert complaints(app, range(200)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("app", sim.APPS)
def test_hostile_links_and_crashes_change_no_bit_in_many_seeds(app):
    assert complaints(app, range(200, 10_000)) == {}


@pytest.mark.parametrize(("bug", "app"), [
    (sim.AcknowledgesEarly, "batch"), (sim.AcknowledgesEarly, "fifo"), (sim.AcknowledgesEarly, "server"),
    (sim.KeepsDuplicates, "batch"), (sim.KeepsDuplicates, "fifo"), (sim.KeepsDuplicates, "server"),
    (sim.ReleasesEarly, "fifo"), (sim.ReleasesEarly, "server"),
])  # fmt: skip
def test_planted_bugs_are_found(bug, app):
    """One that releases early is harmless where the order of work is fixed: the redone messages are the same."""
    for seed in range(200):
        if sim.run(app, seed, sim.hostile(seed)._replace(limit=3000.0), bug).state != "over":
            return
    pytest.fail("no seed finds it")


def test_a_store_that_refuses_nobody_is_found(monkeypatch):
    def write(self, life, number, state):
        self.number, self.state = number, state

    monkeypatch.setattr(MemoryStore, "write", write)
    short = (sim.run("fifo", seed, sim.hostile(seed)._replace(limit=3000.0)).state for seed in range(200))
    assert any(state != "over" for state in short)


def test_a_fixed_order_needs_no_holding_back():
    assert complaints("batch", range(100), node=sim.ReleasesEarly) == {}


@pytest.mark.parametrize("app", sim.APPS)
@pytest.mark.parametrize("latency", [0.5, 40.0])
def test_overload_ends_with_few_frames_too_many(app, latency):
    """A link that takes 30 ticks a message, and a first wait of 6."""
    link = sim.Settings(bandwidth=1 / 30, latency=latency, limit=100_000.0)
    least = sim.run(app, 2, link._replace(retry=10_000.0))
    short = sim.run(app, 2, link._replace(retry=6.0))
    assert least.state == short.state == "over"
    assert short.messages < 3 * least.messages
    assert short.ticks < 2 * least.ticks
