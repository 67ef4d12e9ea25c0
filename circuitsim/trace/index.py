"""An index of a trace: which of its records are of a kind and of an example, found without walking through all."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Index"]


class Index:
    """The numbers of records, sorted by kind and tag.

    Parameters
    ----------
    kinds, tags : ndarray of int
        Those of all records.

    Attributes
    ----------
    last : int
        The highest tag.
    """

    def __init__(self, kinds: npt.NDArray[Any], tags: npt.NDArray[Any]) -> None:
        self.last = int(tags.max(initial=-1))
        keys = (kinds.astype(np.int64) << 32) + tags
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def find(self, kind: int, tag: int | None = None) -> npt.NDArray[np.int64]:
        """Return the numbers of the records of a kind, of one example if its tag is given, in their order."""
        low = (kind << 32) + (-(1 << 31) if tag is None else tag)
        high = low + (1 << 32 if tag is None else 1)
        first, last = np.searchsorted(self._keys, (low, high))
        found = self._order[first:last]
        return np.sort(found) if tag is None else found
