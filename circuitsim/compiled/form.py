"""What the compiled engine asks of the code that it makes for a circuit and one set of shapes."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from circuitsim.gates.value import Value

__all__ = ["MOST_FORMS", "MOST_ROOTS", "Form", "make_room"]

MOST_FORMS = 16  # sets of shapes to keep code for
MOST_ROOTS = 16  # sets of outputs at which a backward pass begins, to keep code for


class Form(Protocol):
    """Code for a circuit and one set of shapes; it keeps what it computed forward until it has gone backward."""

    def forward(self, values: Sequence[Any], watch: bool) -> tuple[list[Any], bool]:
        """Return the outputs, from values of inputs and parameters, and whether all was finite, if to be watched."""

    def knows(self, roots: frozenset[int]) -> bool:
        """Tell whether it can go backward from these outputs."""

    def learn(self, roots: frozenset[int], carries: list[bool], shapes: list[Any]) -> None:
        """Get ready to go backward from these outputs, if it does not know; see `Walk.backward` for the rest."""

    def backward(self, output_gradients: Mapping[int, Any], watch: bool) -> tuple[dict[str, Value], bool]:
        """Return the gradients of inputs and parameters, and whether all was finite, if to be watched.

        The gradients are read-only, and nothing writes to them later.
        """


def make_room(kept: dict[Any, Any], most: int) -> None:
    """Forget what came first, so that there is room for one more."""
    while len(kept) >= most:
        del kept[next(iter(kept))]
