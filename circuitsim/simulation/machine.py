"""A machine: a device with the stages, the copies of parameters and the parameters that are on it."""

from collections.abc import Callable, Sequence
from typing import Any

from circuitsim.plan.schedule import Work
from circuitsim.simulation.device import Agenda, Device
from circuitsim.simulation.parameter import Home, LocalParameter
from circuitsim.simulation.stage import Resident, StageActor

__all__ = ["Machine"]


class Machine:
    """What is on a device: what a checkpoint holds, and what a crash takes back to it.

    Parameters
    ----------
    device : Device
        What decides when the stages work.
    stages : dict of int to StageActor
        The stages, by number.
    """

    __slots__ = ("at_rest", "device", "home", "locals", "residents", "stages")

    def __init__(self, device: Device, stages: dict[int, StageActor]) -> None:
        self.device = device
        self.stages = stages
        self.residents: dict[int, Resident] = {}  # copies of parameters, by node
        self.home: Home | None = None  # the parameters that live here
        self.locals: list[LocalParameter] = []  # a worker's own copies of parameters
        self.at_rest: Callable[[], None] | None = None  # called once the batch's work is done
        device.on_idle = self.check_rest

    def start(self, rows: Sequence[Sequence[Work]], first: int, step: int, version: int) -> None:
        """Begin a batch.

        Parameters
        ----------
        rows : sequence of sequence of Work
            What each lane does, in order; none if there is no schedule.
        first, step : int
            The tag of the device's first example, and the steps from there to the tags of the others.
        version : int
            The version of the parameters that forward passes wait for.
        """
        for lane, row in zip(self.device.lanes, rows, strict=False):
            assert isinstance(lane, Agenda)
            lane.start(row, first, step)
        for resident in self.residents.values():
            resident.expect(version)

    def rest(self, then: Callable[[], None]) -> None:
        """Call a function once the work of the batch is done: after a crash some is done again."""
        self.at_rest = then
        self.check_rest()

    def check_rest(self) -> None:
        """Tell whoever waits for it that the work of the batch is done, if it is."""
        device = self.device
        if self.at_rest is None or device.running:
            return
        if all(not isinstance(lane, Agenda) or lane.awaited is None for lane in device.lanes):
            then, self.at_rest = self.at_rest, None
            then()

    # -- crashes and checkpoints ---------------------------------------------------------------------------

    def stop(self) -> None:
        """Lose what is being done."""
        self.device.stop()

    def go(self) -> None:
        """Go on after a crash."""
        self.device.down = False
        self.check_rest()
        self.device.go()

    def save(self) -> Any:
        """Return the state: examples under way, parameters, and the place in the order of work."""
        return (
            self.device.save(),
            [resident.save() for resident in self.residents.values()],
            [stage.save() for stage in self.stages.values()],
            None if self.home is None else self.home.save(),
            [local.save() for local in self.locals],
            self.at_rest,
        )

    def restore(self, saved: Any) -> None:
        """Go back to a state."""
        device, residents, stages, home, locals_, self.at_rest = saved
        self.device.restore(device)
        for resident, state in zip(self.residents.values(), residents, strict=True):
            resident.restore(state)
        for stage, state in zip(self.stages.values(), stages, strict=True):
            stage.restore(state)
        for local, state in zip(self.locals, locals_, strict=True):
            local.restore(state)
        if self.home is not None:
            self.home.restore(home)

    def saved(self) -> None:
        """Take note that the state is saved."""
        if self.home is not None:
            self.home.saved()
