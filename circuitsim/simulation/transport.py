"""How messages get from one device to another, and between devices and the host.

Inputs, outputs and the course of a run are with the host, which is no device: what passes between it and a device takes
no time. Where devices may crash or links lose messages, all of it goes through `Sites`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from circuitsim.errors import InputError
from circuitsim.gates.value import Value, size_of
from circuitsim.plan.deployment import Deployment
from circuitsim.plan.times import draw
from circuitsim.simulation.kernel import Channel, Road, Way, World
from circuitsim.simulation.links import Line
from circuitsim.simulation.machine import Machine
from circuitsim.simulation.sites import Sites
from circuitsim.trace.kinds import Kind

__all__ = ["HOST", "Transport"]

HOST = -1
DRAWS = 64  # of a random time, to know what it is on the average
CHECKPOINT = 10.0  # pieces of work from one saved state to the next, unless the plan says
HOPELESS = 50.0  # times that devices crash in a piece of work, of which e^-50 is ever finished
LIVES = 8.0  # and how often at least in the time from one crash to the next


class Transport:
    """Links, and what the host and the devices tell each other.

    Parameters
    ----------
    world : World
        The clock and the trace.
    deployment : Deployment
        Devices, links, and what work takes.
    machines : sequence of Machine
        The devices with what is on them.
    sizes : mapping of int to float
        The bytes of a message, by wire, where they are declared.
    random : numpy.random.Generator
        What random latencies are drawn from.
    fixed : bool
        Whether the order of work does not depend on time.
    seed : int
        Seeds what goes wrong.
    """

    def __init__(
        self,
        world: World,
        deployment: Deployment,
        machines: Sequence[Machine],
        sizes: Mapping[int, float],
        random: np.random.Generator,
        *,
        fixed: bool,
        seed: int,
    ) -> None:
        self.world = world
        self.deployment = deployment
        self.machines = machines
        self.random = random
        self._sizes = sizes
        self._lines: dict[tuple[int, int], Line] = {}
        self._delays: dict[tuple[int, int], float] = {}
        self.sites = self._make_sites(fixed, seed) if deployment.cluster.faulty else None

    @property
    def saves(self) -> bool:
        """Whether devices save their states."""
        return self.deployment.cluster.crashes

    def start(self) -> None:
        """Begin the run."""
        if self.sites is not None:
            self.sites.start()

    # -- ways ----------------------------------------------------------------------------------------------

    def way(self, source: int, target: int) -> Way:
        """Return what a message takes from one device to another; the host is one of them."""
        if source == target:
            return None
        if self.sites is not None:
            return self.sites.road(source, target)
        return None if HOST in (source, target) else self._line(source, target)

    def road(self, source: int, target: int, kind: Kind, detail: int) -> Road:
        """Return the way of what a parameter sends: its records say more than those of others."""
        apart, world = HOST not in (source, target), self.world
        if self.sites is not None and source != target:
            return self.sites.road(source, target, kind, detail, apart)
        line = self._line(source, target) if apart and source != target else None

        def road(channel: Channel, forward: bool, tag: int, payload: Value, version: int) -> float | None:
            if line is not None:
                return line.take(kind, channel.index, tag, payload, version, detail)
            if world.record is not None and apart:
                world.record(kind, channel.index, tag, world.now, world.now, payload, version, detail)
            channel.deliver(forward, tag, payload, version)
            return None

        return road

    def _line(self, source: int, target: int) -> Line:
        """Return the link between two devices."""
        if (source, target) not in self._lines:
            link = self.deployment.link(source, target)
            self._lines[source, target] = Line(self.world, link, self.random, self._size)
        return self._lines[source, target]

    def _size(self, wire: int, payload: Value) -> float:
        size = self._sizes.get(wire)
        return size_of(payload) if size is None else size

    # -- the host and the devices --------------------------------------------------------------------------

    def tell(self, device: int, function: Callable[..., None], *arguments: Any) -> None:
        """Let the host call something on a device."""
        if self.sites is None:
            function(*arguments)
        else:
            self.sites.tell(HOST, device, function, *arguments)

    def report(self, device: int, function: Callable[..., None]) -> Callable[..., None]:
        """Return what a device calls to tell the host something."""
        if self.sites is None or device == HOST:
            return function
        return partial(self.sites.tell, device, HOST, function)

    def worked(self, device: int) -> None:
        """Take note that a device has done a piece of work."""
        if self.sites is not None:
            self.sites.worked(device)

    def at_rest(self, then: Callable[[], None]) -> None:
        """Go on when no crash leads back over this point any more: all devices have saved their states."""
        if self.sites is None or not self.saves:
            then()
            return
        left = len(self.machines)

        def rested() -> None:
            nonlocal left
            left -= 1
            if not left:
                then()

        for device, machine in enumerate(self.machines):
            self.tell(device, machine.rest, partial(self.sites.save_and_tell, device, rested))

    # -- what goes wrong -----------------------------------------------------------------------------------

    def _make_sites(self, fixed: bool, seed: int) -> Sites:
        deployment, plan, cluster = self.deployment, self.deployment.plan, self.deployment.cluster
        if cluster.crash_every * HOPELESS < (work := self._work()):
            raise InputError(
                f"devices crash every {cluster.crash_every:g} ticks and a piece of work takes {work:g}: nothing would "
                f"ever be finished; give a crash_every of {work:g} ticks or more"
            )
        every = plan.checkpoint_every or CHECKPOINT * self._piece()
        if plan.checkpoint_every is None and cluster.crashes:  # a state should be saved in most lives of a device
            every = min(every, cluster.crash_every / LIVES)
        return Sites(
            self.world,
            {HOST: "the host", **dict(enumerate(deployment.devices))},
            HOST,
            dict(enumerate(self.machines)),
            cluster,
            deployment.link,
            self._size,
            retry=partial(self._retry, every if cluster.crashes else 0.0),
            tries=plan.tries,
            checkpoint_every=every,
            hold=not fixed,
            seed=seed,
        )

    def _piece(self) -> float:
        """Return about what a piece of work takes; 1 if it takes nothing."""
        return self._work() or 1.0

    def _work(self) -> float:
        """Return about what a piece of work takes."""
        random, ticks = np.random.default_rng(0), self.deployment.ticks
        drawn = [draw(part, random, "a time") for kind in "FB" for parts in ticks[kind] for part in parts]
        return sum(drawn) / len(drawn)

    def _retry(self, saving: float, source: int, target: int, size: float) -> float:
        """Return how long to wait for an acknowledgement: there and back on the link, and a saved state."""
        if self.deployment.plan.retry_after is not None:
            return self.deployment.plan.retry_after
        there, back = self.deployment.link(source, target), self.deployment.link(target, source)
        if (source, target) not in self._delays:
            random = np.random.default_rng(0)
            draws = [
                draw(link.latency, random, "a latency") + link.reorder * draw(link.hold_up, random, "a hold-up")
                for link in (there, back)
                for _ in range(DRAWS)
            ]
            self._delays[source, target] = sum(draws) / DRAWS
        return 1.5 * (self._delays[source, target] + size / there.bandwidth) + saving or self._piece()
