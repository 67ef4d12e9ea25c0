"""Tells how a parameter came to its value in a stream: which examples' gradients moved it, and how old they were."""

from typing import NamedTuple

import numpy as np

from circuitsim.gates.value import Value, add_up, show
from circuitsim.trace.kinds import ARRAY, Kind, Record
from circuitsim.trace.trace import Trace
from circuitsim.trace.words import bracket, label

__all__ = ["Move", "has_story", "moves_of", "tell"]

MOST_UPDATES = 20  # that are told of, from the last one back


class Move(NamedTuple):
    """An update and what it came of."""

    update: Record
    gradients: list[Record]  # of examples, in their order
    change: Record | None  # that a replica sent, where replicas move parameters of their own


def has_story(trace: Trace, node: int) -> bool:
    """Tell whether a node is a parameter of which the trace says how a stream of examples moved it, or did not."""
    if trace.netlist.nodes[node].kind != "parameter":
        return False
    kinds = {trace[number].kind for number in _concerning(trace, node)}
    return Kind.UPDATE in kinds or (trace.layout is not None and bool(kinds))


def tell(trace: Trace, node: int) -> str:
    """Return one line for each value that a parameter took, the last one first."""
    name = label(trace.netlist, node)
    moves, left = moves_of(trace, node)
    lines = []
    if left:
        lines.append(f"{name} has not moved since by {_sum(left)}.")
    known = {version: move.update.value for version, move in moves.items()}
    first = trace.held.get(node, trace.netlist.nodes[node].value)
    if first is not None:
        known[0] = first
    for version in sorted(moves, reverse=True)[:MOST_UPDATES]:
        update, gradients, change = moves[version]
        before = f"; before, {show(known[version - 1])} (version {version - 1})" if version - 1 in known else ""
        lines.append(
            f"{name} = {show(update.value)} after update {version} at tick {update.start:g}: "
            f"{_cause(trace, gradients, change)}{before}."
        )
    if (untold := len(moves) - MOST_UPDATES) > 0:
        lines.append(f"{untold:,} earlier updates are not told.")
    if 0 in known:
        lines.append(f"{name} = {show(known[0])} at the beginning (version 0).")
    return "\n".join(lines)


def _concerning(trace: Trace, node: int) -> list[int]:
    """Return the numbers of the records of a parameter's gradients, changes and updates, in their order."""
    kinds, where = trace.column("kind") & ~ARRAY, trace.column("where")
    own = np.isin(kinds, [Kind.BACKWARD, Kind.UPDATE]) & (where == node)
    changes = (kinds == Kind.CHANGE) & np.isin(where, list(trace.netlist.outgoing[node]))
    found: list[int] = np.flatnonzero(own | changes).tolist()
    return found


def moves_of(trace: Trace, node: int) -> tuple[dict[int, Move], list[Record]]:
    """Return the updates by version, and the gradients that came after the last one."""
    replicas = trace.replicas
    waiting: dict[int, Record] = {}  # gradients by example: what was lost in a crash and came again counts once
    changes: dict[int, tuple[Record, list[Record]]] = {}  # each with what it came of
    moves: dict[int, Move] = {}
    for number in _concerning(trace, node):
        record = trace[number]
        if record.kind is Kind.BACKWARD:
            waiting[record.tag] = record
        elif record.kind is Kind.CHANGE:
            if record.fate == "arrived":
                mine = [tag for tag in sorted(waiting) if replicas.get(tag) == replicas.get(record.tag)]
                _, before = changes.get(record.tag, (record, []))  # if the server had crashed with it
                changes[record.tag] = record, before + [waiting.pop(tag) for tag in mine]
        else:
            mine = [tag for tag in sorted(waiting) if tag <= record.tag]
            change, gradients = changes.pop(record.tag, None) or (None, [waiting.pop(tag) for tag in mine])
            moves[record.version] = Move(record, gradients, change)
    return moves, [waiting[tag] for tag in sorted(waiting)]


def _cause(trace: Trace, gradients: list[Record], change: Record | None) -> str:
    if change is None:
        return _sum(gradients) if gradients else "no gradient came"
    parts = ", ".join(_part(record) for record in gradients) or "none that the trace holds"
    return (
        f"change {show(change.value)} of replica {trace.replicas.get(change.tag, 0)}, which moved by gradients {parts}"
    )


def _sum(gradients: list[Record]) -> str:
    """Write out the sum of the gradients of examples."""
    if len(gradients) == 1:
        return f"gradient {show(gradients[0].value)} {_origin(gradients[0])}"
    value: Value = add_up(record.value for record in gradients)
    return f"gradient {show(value)} = {' + '.join(_part(record) for record in gradients)}"


def _part(record: Record) -> str:
    return f"{bracket(show(record.value))} {_origin(record)}"


def _origin(record: Record) -> str:
    return f"(example {record.tag}, from version {record.version})"
