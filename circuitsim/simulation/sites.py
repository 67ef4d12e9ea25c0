"""Devices that may crash and links that lose and repeat messages: the protocol, driven by the simulated clock.

Each device has a `Site` with a `protocol.Node`, and so has the host, from which inputs come and to which outputs go.
The host never crashes, and nothing is lost between it and a device. A site saves the state of its device some time
after something has changed there; when the device crashes it goes back to the newest saved state, and its node tells
the others to send again what was lost. What the nodes guarantee, and how, is told in `circuitsim.protocol.node`.

Where the order of work does not depend on time (rows of a schedule, one piece at a time, a move of the parameters after
each batch) a device sends at once and does again after a crash what it had done, to the same messages. Everywhere else
a message is held back until the state that contains its cause is saved.
"""

import math
from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

import numpy as np
from simpy import Event

from circuitsim.errors import DeadlockError
from circuitsim.gates.value import Value
from circuitsim.plan.cluster import Cluster, Link
from circuitsim.plan.times import draw
from circuitsim.protocol import Action, Deliver, Fail, Frame, Key, MemoryStore, Node, Send, Timer
from circuitsim.simulation.kernel import Channel, Road, World
from circuitsim.simulation.links import Line
from circuitsim.simulation.machine import Machine
from circuitsim.trace.kinds import FATES, Kind

__all__ = ["Retry", "Sites"]

ARRIVED, LOST, DROPPED = range(len(FATES))
# How often each device may crash, and how often it may send as many retries as a silent link is given, without anything
# finished: a run that does worse makes no progress.
MOST_CRASHES, MOST_RETRIES = 500, 50


class Call(NamedTuple):
    """A message that asks for a call: what host and devices tell each other besides values and gradients."""

    function: Callable[..., None]
    arguments: tuple[Any, ...]


class Parcel(NamedTuple):
    """A value or gradient on a channel, as the body of a message."""

    channel: Channel
    forward: bool
    tag: int
    payload: Value
    version: int
    kind: Kind
    detail: int
    noted: bool
    ready: float


#: The first wait for an acknowledgement, from the source and target of a message and its bytes.
Retry = Callable[[int, int, float], float]


class Sites:
    """All sites of a run.

    Parameters
    ----------
    world : World
        The clock.
    names : mapping of int to str
        What the devices and the host are called, by number.
    host : int
        The number of the host.
    machines : mapping of int to Machine
        What is on each device.
    cluster : Cluster
        How often devices crash and for how long they are down.
    link : callable
        Returns the link from one device to another.
    size : callable
        Returns the bytes of a message, given its wire and what it carries.
    retry : Retry
        The first wait for an acknowledgement.
    tries : int
        How often a message is sent before a silent peer is given up.
    checkpoint_every : float
        The ticks from a change to the state that is saved with it, and with all that has changed until then.
    hold : bool
        Whether messages are held back until the state that contains their cause is saved.
    seed : int
        Seeds what goes wrong.
    """

    def __init__(
        self,
        world: World,
        names: Mapping[int, str],
        host: int,
        machines: Mapping[int, Machine],
        cluster: Cluster,
        link: Callable[[int, int], Link],
        size: Callable[[int, Value], float],
        *,
        retry: Retry,
        tries: int,
        checkpoint_every: float,
        hold: bool,
        seed: int,
    ) -> None:
        self.world = world
        self.names = names
        self.host = host
        self.cluster = cluster
        self.link = link
        self.size = size
        self.retry = retry
        self.tries = tries
        self.checkpoint_every = checkpoint_every
        self.hold = hold
        self.random = np.random.default_rng([seed, 1])
        self.crashes = 0  # since something was finished
        self.retries = 0  # likewise
        self._lines: dict[tuple[int, int], Line] = {}
        self.sites = {number: Site(self, number, machines.get(number)) for number in names}

    def start(self) -> None:
        """Begin: all states are saved once, and devices begin to crash."""
        for site in self.sites.values():
            site.begin()
        if self.cluster.crashes:
            for site in self.sites.values():
                if site.machine is not None:
                    self.world.process(site.crash())

    def road(self, source: int, target: int, kind: Kind | None = None, detail: int = 0, noted: bool = True) -> Road:
        """Return the way of messages from one device to another; the host is one of them.

        Parameters
        ----------
        source, target : int
            The devices.
        kind, detail : Kind and int, optional
            What their records say; if no kind is given, it is that of their direction.
        noted : bool
            Whether they are recorded.
        """
        site, world = self.sites[source], self.world

        def road(channel: Channel, forward: bool, tag: int, payload: Value, version: int) -> None:
            told = kind if kind is not None else Kind.VALUE if forward else Kind.GRADIENT
            site.post(target, Parcel(channel, forward, tag, payload, version, told, detail, noted, world.now))

        return road

    def tell(self, source: int, target: int, function: Callable[..., None], *arguments: Any) -> None:
        """Let one device ask another for a call."""
        self.sites[source].post(target, Call(function, arguments))

    def save_and_tell(self, device: int, function: Callable[..., None]) -> None:
        """Save the state of a device as soon as its node has nothing to do, and tell the host."""
        self.sites[device].save_and_tell(self.host, Call(function, ()))

    def line(self, source: int, target: int) -> Line:
        """Return the link from one device to another."""
        if (source, target) not in self._lines:
            self._lines[source, target] = Line(self.world, self.link(source, target), self.random, self.size)
        return self._lines[source, target]

    def worked(self, device: int) -> None:
        """Take note that a piece of work is done."""
        self.sites[device].changed(finished=True)

    def progress(self) -> None:
        """Take note that something was finished, for good."""
        self.crashes = self.retries = 0

    def stuck(self, how: str) -> DeadlockError:
        """Return the error that says that nothing is finished any more."""
        return DeadlockError(f"the stream makes no progress, at tick {self.world.now:g}: {how}")


class Site:
    """A device in all its lives, or the host.

    Parameters
    ----------
    sites : Sites
        All of them.
    number : int
        Its number.
    machine : Machine or None
        What is on the device; None for the host.
    """

    node: Node
    up: bool
    saving: bool  # whether the state will be saved
    finished: bool  # whether work was done since the state was saved

    def __init__(self, sites: Sites, number: int, machine: Machine | None) -> None:
        self.sites = sites
        self.world = sites.world
        self.number = number
        self.machine = machine
        self.store = MemoryStore()
        self.sent = dict.fromkeys(sites.names, 0)  # the first number not sent yet to each peer

    def begin(self) -> None:
        """Begin a life, with the newest saved state if there is one."""
        sites = self.sites
        life, snapshot = self.store.begin()
        saves = self.machine is not None and sites.cluster.crashes
        self.up, self.saving, self.finished = True, False, False
        self.node = Node(
            sites.names[self.number],
            {number: name for number, name in sites.names.items() if number != self.number},
            self._wait,
            life=life,
            snapshot=snapshot,
            saves=saves,
            hold=saves and sites.hold,
            tries=sites.tries,
        )
        self.do(self.node.start())
        if saves and snapshot is None:
            self.save()

    def _wait(self, peer: Key, body: Any) -> float:
        """Return the first wait for an acknowledgement; nothing is lost on the way to and from the host."""
        sites = self.sites
        if sites.host in (peer, self.number):
            return math.inf
        return sites.retry(self.number, peer, self._size(body))  # type: ignore[arg-type]

    def _size(self, body: Any) -> float:
        return self.sites.size(body.channel.index, body.payload) if isinstance(body, Parcel) else 0.0

    def post(self, peer: int, body: Any) -> None:
        """Send a message."""
        self.do(self.node.post(peer, body))
        self.changed()

    def do(self, actions: list[Action]) -> None:
        """Carry out what the node asks for."""
        todo = deque(actions)
        while todo:
            action = todo.popleft()
            if isinstance(action, Send):
                if self._send(action.peer, action.frame):  # type: ignore[arg-type]
                    todo.extend(self.node.left(action.peer))
            elif isinstance(action, Timer):
                if math.isfinite(action.delay):
                    self._later(action.delay, self.node.timer, action.key)
            elif isinstance(action, Deliver):
                self._deliver(action.body)
            else:
                assert isinstance(action, Fail)
                raise DeadlockError(f"{action.sentence}, at tick {self.world.now:g}")

    def _later(self, delay: float, ask: Callable[[Any], list[Action]], argument: Any) -> None:
        """Ask the node something after some ticks, if it still lives then."""
        node = self.node

        def asked(_: Event) -> None:
            if self.up and self.node is node:
                self.do(ask(argument))

        self.world.timeout(delay).callbacks.append(asked)

    # -- frames --------------------------------------------------------------------------------------------

    def _send(self, peer: int, frame: Frame) -> bool:
        """Put a frame on its way; tell whether it has left already."""
        sites, now = self.sites, self.world.now
        if sites.host in (peer, self.number):
            self._arrive(peer, frame, now, now)
            return True
        if frame.number is not None:
            if frame.number >= self.sent[peer]:
                self.sent[peer] = frame.number + 1
            elif not sites.sites[peer].up:  # it comes back: a crash is no dead link
                self.node.peers[peer].silent = 0
            else:
                sites.retries += 1
                if sites.retries > MOST_RETRIES * sites.tries * len(sites.sites):
                    raise sites.stuck(f"messages were sent again {sites.retries:,} times and nothing was finished")
        line = sites.line(self.number, peer)
        link, random = line.link, sites.random
        size = self._size(frame.body)
        left = now
        for _ in range(1 + (random.random() < link.duplicate if link.duplicate else 0)):
            start, end = line.carry(size)
            left = start + size / link.bandwidth
            if link.loss and random.random() < link.loss:
                self._note(peer, frame, start, end, LOST)
            else:
                self._arrive(peer, frame, start, end)
        if left > now:
            self._later(left - now, self.node.left, peer)
        return left <= now

    def _arrive(self, peer: int, frame: Frame, start: float, end: float) -> None:
        site, key = self.sites.sites[peer], self.number

        def arrived(_: Event) -> None:
            dropped = not site.up or site.node.drops(key, frame)
            self._note(peer, frame, start, end, DROPPED if dropped else ARRIVED)
            if site.up:
                site.do(site.node.receive(key, frame))
                site.changed()

        self.world.timeout(end - self.world.now).callbacks.append(arrived)

    def _note(self, peer: int, frame: Frame, start: float, end: float, fate: int) -> None:
        """Record what became of a frame that carries a value or a gradient."""
        parcel, trace = frame.body, self.world.trace
        if trace is None or not isinstance(parcel, Parcel) or not parcel.noted:
            return
        everything = self.world.record is not None
        if not everything and self.sites.host in (self.number, peer):
            return
        if start > parcel.ready and fate == ARRIVED:
            trace.record(Kind.WAITED, parcel.channel.index, parcel.tag, parcel.ready, start, 0.0, parcel.version)
        value = parcel.payload if everything else float(self._size(parcel))
        trace.record(
            parcel.kind, parcel.channel.index, parcel.tag, start, end, value, parcel.version, parcel.detail + fate
        )

    def _deliver(self, body: Any) -> None:
        if isinstance(body, Call):
            body.function(*body.arguments)
        else:
            body.channel.deliver(body.forward, body.tag, body.payload, body.version)
        if self.machine is None:
            self.sites.progress()

    # -- states and crashes --------------------------------------------------------------------------------

    def changed(self, finished: bool = False) -> None:
        """Take note that there may be something to save; it is saved some time from now."""
        self.finished |= finished
        if self.node.saves and not self.saving and (finished or self.node.unsaved):
            self.saving = True
            self._later(self.sites.checkpoint_every, self._save_changes, None)

    def _save_changes(self, _: Any) -> list[Action]:
        self.saving = False
        if self.finished or self.node.unsaved:
            self.save()
        return []

    def save(self) -> None:
        """Save the state of the device; not while actions are being carried out."""
        assert self.machine is not None
        if self.finished:  # it will not be done again
            self.finished = False
            self.sites.progress()
        snapshot = self.node.save(self.machine.save())
        self.store.write(self.node.life, snapshot.number, snapshot)
        self.machine.saved()
        self.do(self.node.saved(snapshot.number))

    def save_and_tell(self, peer: int, body: Any) -> None:
        """Save the state as soon as the node has nothing to do, and send a message that it is saved."""

        def now(_: Any) -> list[Action]:
            actions = self.node.post(peer, body)
            if not self.node.saves:
                return actions
            self.do(actions)
            self.save()
            return []

        self._later(0.0, now, None)

    def crash(self) -> Generator[Event, Any, None]:
        """Crash again and again."""
        sites, world = self.sites, self.world
        assert self.machine is not None
        while True:
            yield world.timeout(float(sites.random.exponential(sites.cluster.crash_every)))
            start = world.now
            self.up = False
            self.machine.stop()
            self.machine.restore(self.store.state.app)
            sites.crashes += 1
            if sites.crashes > MOST_CRASHES * len(sites.sites):
                raise sites.stuck(f"devices crashed {sites.crashes:,} times and nothing was finished")
            yield world.timeout(draw(sites.cluster.downtime, sites.random, "the downtime"))
            if world.trace is not None:
                world.trace.record(Kind.OUTAGE, self.number, 0, start, world.now, 0.0)
            self.begin()
            self.machine.go()
