"""A batch as microbatches: cut along the first axis, and put together again."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TypeAlias

import numpy as np

from circuitsim.errors import InputError
from circuitsim.gates.value import Value, frozen, shape_of
from circuitsim.spelling import shown

__all__ = ["Cuts", "cut", "join", "sections"]

#: Where each microbatch begins and ends along the first axis; None if the batch is not cut.
Cuts: TypeAlias = Sequence[tuple[int, int]] | None


def sections(inputs: Mapping[str, Value], count: int) -> Cuts:
    """Return how a batch is cut into so many microbatches, the first ones longer by one if need be.

    A batch with fewer examples has a microbatch for each.

    Raises
    ------
    InputError
        If inputs have different numbers of examples.
    """
    lengths = {name: len(value) for name, value in inputs.items() if not isinstance(value, float)}
    if count == 1 or not lengths:
        return None
    length = next(iter(lengths.values()))
    for name, other in lengths.items():
        if other != length:
            first = next(iter(lengths))
            raise InputError(
                f"a batch cannot be cut into microbatches: input {shown(first)} has {length} examples, "
                f"{shown(name)} has {other}"
            )
    count = max(1, min(count, length))
    sizes = [length // count + (number < length % count) for number in range(count)]
    return list(pairwise([0, *accumulate(sizes)]))


def cut(values: Mapping[str, Value], cuts: Cuts) -> list[dict[str, Value]]:
    """Return the values of each microbatch; numbers are the same for all."""
    if cuts is None:
        return [dict(values)]
    return [
        {name: value if isinstance(value, float) else value[start:end] for name, value in values.items()}
        for start, end in cuts
    ]


def join(parts: Sequence[Mapping[str, Value]], cuts: Cuts, what: str) -> dict[str, Value]:
    """Return what microbatches have made as if it were made of the whole batch.

    Raises
    ------
    InputError
        If something has no axis of examples, or other axes of different lengths.
    """
    if cuts is None:
        return dict(parts[0])
    for name in parts[0]:
        for part, (start, end) in zip(parts, cuts, strict=True):
            if shape_of(part[name])[:1] != (end - start,):
                raise InputError(
                    f"{what} {shown(name)} has shape {shape_of(part[name])} in a microbatch of {end - start} "
                    f"examples: let "
                    "it have a row for each example, or use stream"
                )
        if len(shapes := {shape_of(part[name])[1:] for part in parts}) > 1:
            raise InputError(
                f"{what} {shown(name)} has rows of different shapes in the microbatches, "
                f"{' and '.join(map(str, shapes))}: "
                "let them be alike, or use stream"
            )
    return {name: frozen(np.concatenate([part[name] for part in parts])) for name in parts[0]}
