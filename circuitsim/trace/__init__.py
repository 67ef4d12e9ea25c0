"""What happened in a run, as plain values: records, files of them, and what can be read from them."""

from circuitsim.trace.records import Kind, Layout, Record, Trace
from circuitsim.trace.timeline import Timeline

__all__ = ["Kind", "Layout", "Record", "Timeline", "Trace"]
