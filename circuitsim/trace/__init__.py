"""What happened in a run, as plain values: records, files of them, and what can be read from them."""

from circuitsim.trace.kinds import Kind, Layout, Record
from circuitsim.trace.timeline import Timeline
from circuitsim.trace.trace import Trace

__all__ = ["Kind", "Layout", "Record", "Timeline", "Trace"]
