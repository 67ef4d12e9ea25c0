"""A wire of a circuit: Python's operators and NumPy's functions wire up gates, and what needs a value is refused.

Only the language asks for gates by name here: a sign stands for one gate, and NumPy's functions find theirs by the
gates' own facts (`circuitsim.gates.numpy_calls`).
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Protocol, TypeVar

import numpy as np

from circuitsim import gates
from circuitsim.errors import GateError, WireError
from circuitsim.gates.gate import Gate
from circuitsim.gates.numpy_calls import gate_call, ufunc_call
from circuitsim.habits import advises
from circuitsim.spelling import shown

__all__ = ["Wire", "by_name", "name_of"]


Value = TypeVar("Value")


class Wiring(Protocol):
    """What a wire asks of its circuit."""

    name: str

    def gate(self, gate: Gate, *inputs: Any, **attributes: Any) -> "Wire":
        """Add a gate and return the wire that it drives."""


@advises("wire", functions=gates.registry)
class Wire:
    """A symbolic value in a circuit; operators, gates and NumPy's functions on it add gates to the circuit.

    ``x == y`` and the other comparisons are gates, as they are elementwise in NumPy, PyTorch and JAX. Wires can be keys
    of a dict and members of a set all the same, by what they are; ask ``x is y`` whether two are one.

    Attributes
    ----------
    circuit : Circuit
        Where it belongs.
    name : str
        The name of the node that drives it.

    Examples
    --------
    >>> import circuitsim as cs
    >>> x, y = cs.Circuit("c").inputs("x y")
    >>> x + y, np.exp(x), x == y
    (<wire 'add1' of 'c'>, <wire 'exp1' of 'c'>, <wire 'equal1' of 'c'>)
    """

    __slots__ = ("circuit", "name")

    def __init__(self, circuit: Wiring, name: str) -> None:
        if not hasattr(circuit, "gate") or not isinstance(name, str):
            raise WireError(
                f"a wire was given {shown(circuit)} and {shown(name)}: give it a circuit, and the name of a node in it"
            )
        self.circuit = circuit
        self.name = name

    def wire_up(self, gate: Gate, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> "Wire":
        """Add a gate to this wire's circuit; `Gate.__call__` asks for it."""
        return self.circuit.gate(gate, *inputs, **attributes)

    # -- Python's operators --------------------------------------------------------------------------------

    def __add__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.add, self, other)

    def __radd__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.add, other, self)

    def __sub__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.sub, self, other)

    def __rsub__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.sub, other, self)

    def __mul__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.mul, self, other)

    def __rmul__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.mul, other, self)

    def __truediv__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.div, self, other)

    def __rtruediv__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.div, other, self)

    def __pow__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.pow, self, other)

    def __rpow__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.pow, other, self)

    def __neg__(self) -> "Wire":
        return self.circuit.gate(gates.neg, self)

    def __pos__(self) -> "Wire":
        return self

    def __abs__(self) -> "Wire":
        return self.circuit.gate(gates.abs, self)

    def __matmul__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.matmul, self, other)

    def __rmatmul__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.matmul, other, self)

    def __gt__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.greater, self, other)

    def __lt__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.less, self, other)

    def __ge__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.greater_equal, self, other)

    def __le__(self, other: Any) -> "Wire":
        return self.circuit.gate(gates.less_equal, self, other)

    # `==` is a gate because `>` is one, and because who comes from PyTorch or JAX writes `mask = x == y`. The price is
    # that `x in [a, b]` asks each for its truth, and is refused; dicts and sets compare by identity first, and the hash
    # makes that enough.

    def __eq__(self, other: Any) -> "Wire":  # type: ignore[override]
        return self.circuit.gate(gates.equal, self, self._comparable(other))

    def __ne__(self, other: Any) -> "Wire":  # type: ignore[override]
        return self.circuit.gate(gates.not_equal, self, self._comparable(other))

    __hash__ = object.__hash__

    def __getitem__(self, slices: Any) -> "Wire":
        return self.circuit.gate(gates.slice, self, slices=slices if isinstance(slices, tuple) else (slices,))

    @property
    def T(self) -> "Wire":  # noqa: N802  (NumPy's name)
        """The wire with its axes in the opposite order."""
        return self.circuit.gate(gates.transpose, self)

    # -- NumPy's functions ---------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> "Wire":
        gate, entering = ufunc_call(ufunc, method, inputs, options)
        return self.circuit.gate(gate, *map(_present, entering))

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: object,
        inputs: tuple[Any, ...],
        options: Mapping[str, Any],
    ) -> "Wire":
        gate, entering, attributes = gate_call(function, inputs, options)
        return self.circuit.gate(gate, *map(_present, entering), **attributes)

    # -- what needs a value --------------------------------------------------------------------------------

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse("no array", "put wires side by side with cs.stack(x, y), and read values from a run")

    def __bool__(self) -> NoReturn:
        self._refuse(
            "neither true nor false",
            "choose between wires with where, max or min; to ask whether two wires are one, write x is y",
        )

    def __float__(self) -> NoReturn:
        self._refuse(
            "no number", "write np.exp(x) or cs.exp(x) where you wrote math.exp(x), and read values from a run"
        )

    __int__ = __index__ = __complex__ = __float__

    def __len__(self) -> NoReturn:
        self._refuse("of no known length", "ask circuit.shapes(), or the value that a run returns")

    def __iter__(self) -> NoReturn:
        self._refuse("not iterable", "take its elements one by one, x[0] and x[1]")

    def __contains__(self, thing: object) -> NoReturn:
        self._refuse("not iterable", "ask the value that a run returns what it contains")

    def _refuse(self, what: str, instead: str) -> NoReturn:
        raise WireError(
            f"wire {shown(self.name)} of circuit {shown(self.circuit.name)} is {what} before a value flows: {instead}"
        ) from None

    def _comparable(self, other: Any) -> Any:
        if other is None:
            raise WireError(
                f"wire {shown(self.name)} was compared with None: write `x is None`, a gate compares numbers"
            )
        return other

    def __repr__(self) -> str:
        return f"<wire {self.name!r} of {self.circuit.name!r}>"


def name_of(thing: Any, circuit: str | None = None) -> Any:
    """Return the name of a wire, of the circuit of this name if one is given; whatever is no wire is a name already.

    Raises
    ------
    WireError
        If the wire is of another circuit.
    """
    if not isinstance(thing, Wire):
        return thing
    if circuit is not None and thing.circuit.name != circuit:
        raise WireError(f"wire {thing.name!r} is of circuit {thing.circuit.name!r}: give one of circuit {circuit!r}")
    return thing.name


def by_name(things: Mapping[Any, Value], circuit: str | None = None) -> dict[Any, Value]:
    """Return a mapping with the names of wires where its keys are wires; pairs of wires are pairs of names."""
    return {
        tuple(name_of(end, circuit) for end in key) if isinstance(key, tuple) else name_of(key, circuit): thing
        for key, thing in things.items()
    }


def _present(thing: Any) -> Any:
    """Return what enters a gate; None, which would leave a port open, is no number to NumPy."""
    if thing is None:
        raise GateError("a function of NumPy was given None beside a wire: give it a number or a wire")
    return thing
