"""What the kernel relies on of SimPy besides its public names.

If one of these tests fails after an update of SimPy, look at `circuitsim/simulation/kernel.py`, whose docstring lists
what `World` and its events rely on: mend it there, for nothing else in circuitsim touches SimPy's private names, and
raise the version in `pyproject.toml`.
"""

import ast
import math
from pathlib import Path

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st
from simpy.core import EmptySchedule

import circuitsim
from circuitsim.simulation.kernel import ActorProcess, World

ROOM = Path(circuitsim.__file__).parent / "simulation"


def clocked(environment, waits, log):
    """Let processes wait, interrupt each other, and meet at resources: a program that knows nothing of its clock."""
    store = simpy.Store(environment)
    held = simpy.Resource(environment, capacity=2)

    def worker(number, times):
        for turn, time in enumerate(times):
            with held.request() as request:
                yield request
                log.append((environment.now, number, turn))
                yield environment.timeout(time)
            yield store.put((number, turn))
        return number

    def sleeper():
        try:
            yield environment.timeout(1000)
        except simpy.Interrupt as interrupt:
            log.append((environment.now, "woken", interrupt.cause))

    def waker(process):
        yield environment.timeout(3)
        process.interrupt("early")
        log.append((environment.now, (yield store.get())))

    workers = [environment.process(worker(number, times)) for number, times in enumerate(waits)]
    environment.process(waker(environment.process(sleeper())))
    done = environment.all_of(workers)
    log.append((environment.run(until=done) and None, environment.now))
    environment.run(until=environment.now + 50)
    log.append((environment.now, environment.peek()))


@given(st.lists(st.lists(st.sampled_from([0, 0.5, 1, 1, 2, 7.25]), min_size=1, max_size=5), min_size=1, max_size=5))
def test_programs_of_simpy_run_alike_in_both_worlds(waits):
    """Ticks, order within a tick, interrupts, conditions and `run(until=...)` are SimPy's own."""
    logs = []
    for environment in (simpy.Environment(), World()):
        log = []
        clocked(environment, waits, log)
        logs.append(log)
    assert logs[0] == logs[1]


def test_an_event_needs_no_more_than_three_attributes_and_may_happen_again():
    class Again:
        _ok = True
        _value = "token"
        callbacks = ()

    world, met = World(), []

    def live(event):
        while True:
            value = yield event
            met.append((world.now, value))
            event.callbacks = []

    event = Again()
    event.callbacks = []
    world.process(live(event))
    world.run()
    for tick in (1.0, 4.0):
        world.open(tick)
        world.bucket.append(event)
        world.run()
    assert met == [(1.0, "token"), (4.0, "token")]


def test_the_process_of_an_actor_starts_when_it_is_made_and_is_one_like_all_others():
    world, met = World(), []

    def live():
        met.append("made")
        yield world.timeout(1)
        try:
            yield world.event()
        except simpy.Interrupt as interrupt:
            met.append((world.now, interrupt.cause))
        return "over"

    process = ActorProcess(world, live())
    assert met == ["made"]
    assert world.active_process is None
    assert process.is_alive
    assert process.target.triggered

    def waker():
        yield world.timeout(3)
        process.interrupt("early")
        met.append((yield process))

    world.process(waker())
    world.run()
    assert met == ["made", (3.0, "early"), "over"]
    assert not process.is_alive


def test_the_clock_may_be_set_back_when_nothing_is_left():
    world = World()
    world.timeout(5)
    world.run()
    assert world.now == 5
    assert world.peek() == math.inf
    with pytest.raises(EmptySchedule):
        world.step()
    world.begin(None)
    assert world.now == 0
    log = []
    world.timeout(2, "again").callbacks.append(lambda event: log.append((world.now, event.value)))
    world.timeout(0).callbacks.append(lambda event: log.append((world.now, None)))
    world.run()
    assert log == [(0, None), (2, "again")]


def test_what_a_process_raises_comes_out_as_it_is():
    class OddError(Exception):
        def __init__(self, one, two):
            super().__init__(one + two)

    world = World()

    def failing():
        yield world.timeout(1)
        raise OddError("a", "b")  # SimPy would make a copy of it, which this error does not allow

    world.process(failing())
    with pytest.raises(OddError, match="ab"):
        world.run()


def test_private_names_of_simpy_are_used_in_the_kernel_alone():
    """Events of circuitsim's own have `_ok` and `_value`; nothing else reaches behind SimPy's public names."""
    private = {"_ok", "_value", "_defused", "_generator", "_resume"}
    private |= {name for name in dir(simpy.Environment()) if name.startswith("_") and not name.startswith("__")}
    used = {}
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in private:
                used.setdefault(node.attr, set()).add(path.name)
    assert used == {
        "_ok": {"kernel.py"},
        "_value": {"kernel.py", "actors.py"},  # a gate's token is its event's value
        "_generator": {"kernel.py"},
        "_resume": {"kernel.py"},
    }
