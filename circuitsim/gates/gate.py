"""A gate is a piece of arithmetic: a forward function and one vector-Jacobian product (vjp) per port.

A gate knows nothing of circuits, actors, time or training. Define one of your own like this::

    @cs.gate(symbol="softplus")
    def softplus(x):
        return np.logaddexp(0.0, x)

    @softplus.vjp(0)
    def _(gradient, output, x):
        return gradient * cs.sigmoid(x)

Positional parameters are the ports. Keyword-only parameters are attributes, fixed when the gate is
wired, and are passed to the vjps as well.

Functions and rules return new arrays: what they are given is read-only, and so is from then on what they return.

A gate can be called: with numbers it computes, with wires it adds itself to their circuit. Write a vjp
with gates and operators, and the same rule serves both.
"""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, overload

import numpy as np

from circuitsim.errors import GateError
from circuitsim.gates.shapes import elementwise
from circuitsim.gates.value import as_value, read, refused_to_write

Rule = TypeVar("Rule", bound=Callable[..., Any])

#: Every gate that was defined, by name; what an expression may call and a saved trace may mention.
registry: dict[str, "Gate"] = {}


class Gate:
    """The arithmetic of one kind of gate.

    Attributes
    ----------
    name : str
        The key in the registry, and the stem of the names its gates get in a circuit (``mul1``).
    symbol : str
        What pictures show inside the gate.
    ports : tuple of str
        The names of the inputs, in order.
    forward : callable
        ``forward(*inputs, **attributes)`` computes the output; floats in, a float out, arrays likewise. It must not
        write to its inputs. In a circuit an array that it returns is made read-only, and it can write there no more.
    vjps : list of callable or None
        ``vjps[port](gradient, output, *inputs, **attributes)`` is the gradient sent back through that port.
    shape_rule : callable or None
        ``shape_rule(*shapes, **attributes)`` tells the output's shape from those of the inputs, or raises
        `ValueError`; see `circuitsim.gates.shapes`.
    """

    def __init__(
        self, forward: Callable[..., Any], name: str, symbol: str, ports: tuple[str, ...] | None = None
    ) -> None:
        self.name = name
        self.symbol = symbol
        self.forward = forward
        parameters = inspect.signature(forward).parameters.values()
        if ports is None and any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
            raise GateError(f"gate {name!r} must name each of its ports: *args and **kwargs have no port")
        self.ports = ports or tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        self.attributes = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        self.required = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty)
        if not self.ports:
            raise GateError(f"gate {name!r} has no ports: give its function at least one positional parameter")
        self.vjps: list[Callable[..., Any] | None] = [None] * len(self.ports)
        self.shape_rule: Callable[..., Any] | None = None
        self.__module__ = forward.__module__
        self.__qualname__ = forward.__qualname__
        self.__doc__ = forward.__doc__

    @property
    def arity(self) -> int:
        """The number of ports."""
        return len(self.ports)

    def vjp(self, port: int) -> Callable[[Rule], Rule]:
        """Register the function below as the vector-Jacobian product of one port.

        Parameters
        ----------
        port : int
            Which input the rule sends a gradient to, counted from 0.

        Raises
        ------
        GateError
            If the gate has no such port.
        """
        if not 0 <= port < self.arity:
            raise GateError(f"gate {self.name!r} has no port {port}: its ports are {self._signature()}")

        def register(rule: Rule) -> Rule:
            self.vjps[port] = rule
            return rule

        return register

    @property
    def for_arrays(self) -> bool:
        """Whether it is one of those that work on whole arrays and not element by element."""
        return self.shape_rule not in (None, elementwise)

    def shape(self, rule: Rule) -> Rule:
        """Register the function below as the gate's shape rule."""
        self.shape_rule = rule
        return rule

    def for_inputs(self, count: int) -> "Gate":
        """Return the gate that takes so many inputs: itself, unless it is one of `many`."""
        return self

    def check_arguments(self, count: int, attributes: dict[str, Any]) -> None:
        """Raise `GateError` unless the gate takes `count` inputs and these attributes."""
        if count == len(self.ports) and not attributes and not self.required:
            return  # the usual case, and a circuit may have a million gates
        if count != self.arity:
            inputs = "1 input" if self.arity == 1 else f"{self.arity} inputs"
            raise GateError(f"{self.name} takes {inputs}, {self._signature()}, but was given {count}")
        if unknown := sorted(set(attributes) - set(self.attributes)):
            known = ", ".join(self.attributes) or "none"
            raise GateError(f"{self.name} has no attribute {unknown[0]!r}; its attributes are: {known}")
        if missing := [name for name in self.required if name not in attributes]:
            raise GateError(f"{self.name} needs its attribute {missing[0]!r}: give it by name, {missing[0]}=...")

    def bind(self, attributes: dict[str, Any] | None) -> tuple[Callable[..., Any], list[Callable[..., Any]]]:
        """Return forward and vjps with the attributes given; a missing vjp raises when it is called."""
        vjps: Any = self.vjps  # shared: a circuit may have a million gates of one kind
        if None in vjps:
            vjps = [rule or partial(self._no_vjp, port) for port, rule in enumerate(vjps)]
        if not attributes:
            return self.forward, vjps
        return partial(self.forward, **attributes), [partial(rule, **attributes) for rule in vjps]

    def _no_vjp(self, port: int, *_: Any, **__: Any) -> Any:
        raise missing_vjp(self, port)

    def __call__(self, *inputs: Any, **attributes: Any) -> Any:
        """Compute with numbers, or, when any input is a wire, add this gate to the wire's circuit."""
        for thing in inputs:
            wire_up = getattr(thing, "wire_up", None)
            if wire_up is not None:
                return wire_up(self, inputs, attributes)
        self.check_arguments(len(inputs), attributes)
        try:
            with np.errstate(all="ignore"):
                return read(self.forward(*map(as_value, inputs), **attributes))
        except ValueError as error:
            if not refused_to_write(error):
                raise
            raise GateError(f"{self.name} writes to an input in place: return a new array") from None

    def __repr__(self) -> str:
        return f"<gate {self.name}{self._signature()}>"

    def __reduce__(self) -> str:
        return self.__qualname__  # pickled by reference, as functions are

    def _signature(self) -> str:
        return f"({', '.join(self.ports)})"


def missing_vjp(gate: Gate, port: int) -> GateError:
    """Return the error that tells which rule a gate lacks."""
    return GateError(
        f"gate {gate.name!r} has no vjp for port {port} ({gate.ports[port]}): write one under @{gate.name}.vjp({port})"
    )


@overload
def gate(function: Callable[..., Any], /) -> Gate: ...
@overload
def gate(*, symbol: str | None = None, name: str | None = None) -> Callable[[Callable[..., Any]], Gate]: ...
def gate(
    function: Callable[..., Any] | None = None, /, *, symbol: str | None = None, name: str | None = None
) -> Gate | Callable[[Callable[..., Any]], Gate]:
    """Turn a function into a gate and register it under its name.

    Parameters
    ----------
    symbol : str, optional
        What pictures show inside the gate; the name, if not given.
    name : str, optional
        The name in the registry; the function's own, if not given.

    Notes
    -----
    The last gate defined under a name is the one that expressions call; circuits that were wired before keep
    the gate they were wired with.

    Examples
    --------
    >>> from circuitsim.gates import gate
    >>> @gate(symbol="2×")
    ... def double(x):
    ...     return 2.0 * x
    >>> @double.vjp(0)
    ... def _(gradient, output, x):
    ...     return 2.0 * gradient
    >>> double(4)
    8.0
    >>> del registry["double"]
    """

    def define(function: Callable[..., Any]) -> Gate:
        made = Gate(function, name or function.__name__, symbol or name or function.__name__)
        registry[made.name] = made
        return made

    return define if function is None else define(function)
