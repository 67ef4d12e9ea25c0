"""The flow from gate to gate as it is played and filmed: of which examples, and how their messages are told apart."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from circuitsim.errors import TraceError
from circuitsim.trace.expansion import expand
from circuitsim.trace.trace import Trace

__all__ = ["Flow"]


@dataclass(frozen=True)
class Flow:
    """The flow of a run.

    Attributes
    ----------
    trace : Trace
        Gates' firings and messages.
    batch : int
        Messages bear the number of their microbatch, the tag modulo this; 0 if they bear none, because never more than
        one example is under way.
    batches : int
        How many batches there are; 0 if the run had none.
    """

    trace: Trace
    batch: int
    batches: int

    @classmethod
    def of(cls, trace: Trace, tags: Collection[int] | None = None) -> "Flow":
        """Return the flow of a trace, of some of its examples if their tags are given.

        Raises
        ------
        TraceError
            If an example is not in the trace.
        """
        known = np.unique(trace.column("tag"))
        if tags is not None and (missing := sorted(set(tags) - set(known.tolist()))):
            raise TraceError(f"the trace has no example {missing[0]}: it has {known.min()} to {known.max()}")
        flow = trace.expanded if tags is None else expand(trace, tags)
        count = int(known.max(initial=0)) + 1
        batch = count if trace.layout is None else trace.layout.batch
        mingled = _mingles(flow)
        return cls(flow, batch * mingled, -(-count // batch) if mingled and trace.layout is not None else 0)


def _mingles(flow: Trace) -> bool:
    """Tell whether two examples are under way at the same time."""
    tags, numbers = np.unique(flow.column("tag"), return_inverse=True)
    starts, ends = np.full(len(tags), np.inf), np.full(len(tags), -np.inf)
    np.minimum.at(starts, numbers, flow.column("start"))
    np.maximum.at(ends, numbers, flow.column("end"))
    order = np.argsort(starts, kind="stable")
    return bool((np.maximum.accumulate(ends[order])[:-1] > starts[order][1:]).any())
