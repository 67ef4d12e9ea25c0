"""What must hold of a trace that comes from a file, so that nothing that is asked of it later meets with nonsense.

Each function raises `ArchiveError` with what does not hold.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitsim.circuit.netlist import Netlist, Node
from circuitsim.files import ArchiveError
from circuitsim.trace.kinds import ARRAY, FATES, MESSAGES, PIECES, Kind, Layout

__all__ = ["check_layout", "check_nodes", "check_records"]


def check_nodes(nodes: Sequence[Node]) -> None:
    """Check that nodes are of kinds that there are, and have names of their own and the values of their kind."""
    names: dict[bool, set[str]] = {False: set(), True: set()}  # an output may be called like what it shows
    for number, node in enumerate(nodes):
        if not isinstance(node.name, str) or not node.name:
            raise _damaged(f"node {number} has no name")
        if node.kind not in ("input", "parameter", "constant", "gate", "output"):
            raise _damaged(f"node {number} is of no kind that there is")
        if (node.kind in ("parameter", "constant")) != (node.value is not None):
            raise _damaged(f"node {number} has or lacks a value")
        taken = names[node.kind == "output"]
        if node.name in taken:
            raise _damaged(f"node {number} has the name of another")
        taken.add(node.name)


def check_layout(layout: Layout | None, netlist: Netlist) -> None:
    """Check that stages hold the gates of a netlist, each once, and are on devices that there are."""
    if layout is None:
        return
    replicas = 1 if layout.replicas is None else layout.replicas
    if not all(type(count) is int and 1 <= count < 2**31 for count in (layout.batch, replicas)):
        raise _damaged("its batch or its replicas are no count")
    if not isinstance(layout.local, bool) or not isinstance(layout.values, bool):
        raise _damaged("its layout says neither yes nor no")
    if not all(isinstance(name, str) for name in layout.devices):
        raise _damaged("a device has no name")
    gates = [gate for stage in layout.stages for gate in stage]
    if not all(layout.stages) or not set(map(type, gates)) <= {str} or sorted(gates) != sorted(netlist.of_kind("gate")):
        raise _damaged("its stages are not the gates of its circuit")
    each = len(layout.devices) // replicas if layout.replicas is None else (len(layout.devices) - 1) // replicas
    if len(layout.devices) != replicas * each + (layout.replicas is not None) or not each:
        raise _damaged("its replicas have not the same devices")
    if len(layout.homes) != len(layout.stages) or not all(type(h) is int and 0 <= h < each for h in layout.homes):
        raise _damaged("a stage is on no device")
    for wire, size in layout.sizes.items():
        if type(wire) is not int or not 0 <= wire < len(netlist.wires):
            raise _damaged("it has the size of messages on no wire")
        if type(size) not in (int, float) or not 0 <= size < np.inf:
            raise _damaged(f"messages on wire {wire} have no size")


def check_records(
    columns: NDArray[np.void], shapes: Sequence[tuple[int, ...]], netlist: Netlist, layout: Layout | None
) -> None:
    """Check that every record is of a known kind, happened somewhere and at some time, and has its value.

    Parameters
    ----------
    columns : ndarray
        The records.
    shapes : sequence of tuple
        Those of the arrays among their values.
    netlist : Netlist
        The circuit.
    layout : Layout or None
        The stages and devices.
    """
    kinds, where, detail, value = columns["kind"] & ~ARRAY, columns["where"], columns["detail"], columns["value"]
    has_array = columns["kind"] & ARRAY != 0
    if kinds.min(initial=0) < 0 or kinds.max(initial=0) >= len(Kind):
        raise _damaged("a record is of no kind that there is")
    places = _places(netlist, layout)
    for kind in Kind:
        there = where[kinds == kind]
        if not len(there):
            continue
        if not places[kind].any():
            raise _damaged(f"a record of kind {kind.name} has no place in such a run")
        if there.min() < 0 or there.max() >= len(places[kind]) or not places[kind][there].all():
            raise _damaged(f"a record of kind {kind.name} happened nowhere")
    start, end = columns["start"], columns["end"]
    if not ((start >= 0.0).all() and (start <= end).all() and (end < np.inf).all()):
        raise _damaged("a record begins before tick 0, ends before it begins, or never")
    if min(columns[name].min(initial=0) for name in ("tag", "version", "detail")) < 0:
        raise _damaged("an example, a version or a detail is below 0")
    replicas = 1 if layout is None or layout.replicas is None else layout.replicas
    messages, pieces = np.isin(kinds, [*MESSAGES]), np.isin(kinds, [*PIECES])
    if (detail[messages] & 3 >= len(FATES)).any() or (detail[messages] >> 3 >= replicas).any():
        raise _damaged("a message met with no fate that there is")
    if (detail[pieces] >= replicas).any() or not np.isin(detail[kinds == Kind.READ], [*PIECES]).all():
        raise _damaged("a piece of work was done by nobody")
    waited = np.flatnonzero(kinds == Kind.WAITED)
    after = np.minimum(waited + 1, len(kinds) - 1)
    if not (messages[after] & (where[after] == where[waited]) & (after > waited)).all():
        raise _damaged("what waited is no message")
    if not np.array_equal(value[has_array], np.arange(len(shapes))) or not all(shapes):
        raise _damaged("a record has not its own array")
    sizes = pieces | (kinds == Kind.OUTAGE) | (kinds == Kind.WAITED)
    if layout is not None and not layout.values:
        sizes |= messages
    if has_array[sizes].any() or not (np.isfinite(value[sizes]) & (value[sizes] >= 0.0)).all():
        raise _damaged("a record says no number of bytes")
    _check_meetings(columns[kinds == Kind.GRADIENT], shapes, netlist)


def _places(netlist: Netlist, layout: Layout | None) -> dict[Kind, NDArray[np.bool_]]:
    """Return for each kind of record which of the things that its `where` counts it may tell of."""

    def nodes(*kinds: str) -> NDArray[np.bool_]:
        return np.array([node.kind in kinds for node in netlist.nodes], bool)

    wires = np.ones(len(netlist.wires), bool)
    sources = np.array([wire.source for wire in netlist.wires], np.int64)
    of_parameters = nodes("parameter")[sources] if len(sources) else wires
    none = np.zeros(0, bool)
    places = dict.fromkeys(Kind, none)
    places |= {Kind.VALUE: wires, Kind.GRADIENT: wires, Kind.FORWARD: nodes("gate")}
    places |= {Kind.BACKWARD: nodes("gate", "parameter"), Kind.UPDATE: nodes("parameter")}
    if layout is not None:
        places |= dict.fromkeys(PIECES, np.ones(len(layout.stages), bool))
        places |= {Kind.WAITED: wires, Kind.CHANGE: of_parameters, Kind.READ: of_parameters}
        places[Kind.OUTAGE] = np.ones(len(layout.devices), bool)
    return places


def _check_meetings(gradients: NDArray[np.void], shapes: Sequence[tuple[int, ...]], netlist: Netlist) -> None:
    """Check that gradients that meet at a node in an example have one shape, so that they can be added."""
    if not shapes:
        return
    numbers = {shape: number for number, shape in enumerate([(), *shapes])}
    of_arrays = np.array([numbers[shape] for shape in shapes])
    is_array = gradients["kind"] & ARRAY != 0
    found = np.zeros(len(gradients), np.int64)
    found[is_array] = of_arrays[gradients["value"][is_array].astype(np.int64)]
    sources = np.array([wire.source for wire in netlist.wires], np.int64)[gradients["where"]]
    keys = (sources << 32) + gradients["tag"]
    order = np.argsort(keys, kind="stable")
    keys, found = keys[order], found[order]
    if ((keys[1:] == keys[:-1]) & (found[1:] != found[:-1])).any():
        raise _damaged("gradients that meet have different shapes")


def _damaged(what: Any) -> ArchiveError:
    return ArchiveError(f"is damaged: {what}")
