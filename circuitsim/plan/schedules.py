"""Orders of work by name: those of the literature, and `auto`, which searches for another one.

Each is a function of the number of devices and of microbatches in a batch; `SCHEDULES` has those by name that need
nothing else. `auto` takes times that differ from device to device, and keeps to a limit on memory.
"""

from circuitsim.plan.literature import SCHEDULES, gpipe, interleaved, one_f_one_b, zb_h1, zb_h2, zb_v
from circuitsim.plan.search import auto

__all__ = ["SCHEDULES", "auto", "gpipe", "interleaved", "one_f_one_b", "zb_h1", "zb_h2", "zb_v"]
