"""Packed records in chunks of so many, so that a trace never holds much more memory than its records take.

One buffer that grows would be up to an eighth larger than what is in it, and would have to be copied now and then.
"""

from collections.abc import Iterator
from itertools import chain, repeat
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["CHUNK", "Chunks", "cut", "room"]

CHUNK = 4096  # records

#: All of them hold `CHUNK` records but the last, which grows.
Chunks: TypeAlias = list[bytes | bytearray]


def cut(records: npt.NDArray[np.void]) -> Chunks:
    """Return records in chunks."""
    return [records[at : at + CHUNK].tobytes() for at in range(0, len(records), CHUNK)]


def room(chunks: Chunks, size: int) -> Iterator[bytearray]:
    """Yield the chunk to which the next record, of so many bytes, is to be appended; without an end.

    To draw the next item takes less time than to ask whether a chunk is full.
    """
    return chain.from_iterable(_open(chunks, size))


def _open(chunks: Chunks, size: int) -> Iterator[Iterator[bytearray]]:
    """Yield each chunk as often as it has room."""
    while True:
        chunk = bytearray()
        if chunks and len(chunks[-1]) < CHUNK * size:
            chunk += chunks.pop()
        chunks.append(chunk)
        yield repeat(chunk, CHUNK - len(chunk) // size)
        chunks[-1] = bytes(chunk)  # which has no room for more
