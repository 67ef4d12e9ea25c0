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
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Literal, Protocol, TypeVar, overload

import numpy as np

from circuitsim import checks
from circuitsim.errors import GateError
from circuitsim.gates.attributes import check_attributes, key_of, own_attributes
from circuitsim.gates.code import Code
from circuitsim.gates.elementwise import check_elementwise
from circuitsim.gates.failure import explain_failure
from circuitsim.gates.shapes import elementwise as same_shape
from circuitsim.gates.value import Value, as_value, read, refused_to_write
from circuitsim.habits import told

Rule = TypeVar("Rule", bound=Callable[..., Any])
W_co = TypeVar("W_co", covariant=True)
W = TypeVar("W")

#: Every gate that was defined, by name and by alias; what an expression may call and a saved trace may mention.
registry: dict[str, "Gate"] = {}

#: The gate that a function of NumPy wires up when it is called with a wire.
numpy_gates: dict[Callable[..., Any], "Gate"] = {}


class Wired(Protocol[W_co]):
    """What a gate can be wired to: a wire of a circuit, of which gates know nothing else."""

    def wire_up(self, gate: "Gate", inputs: tuple[Any, ...], attributes: dict[str, Any]) -> W_co:
        """Add a gate to the circuit."""


class Gate:
    """One kind of gate: its function, its vector-Jacobian products, and facts such as being elementwise.

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
    elementwise, infix, aliases, numpy, flat, additive
        See `gate`.
    texts : dict of str to Code
        What it does as text, for ``"numbers"``, ``"arrays"`` and ``"matrices"``; see `code`.
    """

    @told
    def __init__(
        self,
        forward: Callable[..., Any],
        name: str,
        symbol: str | None = None,
        ports: tuple[str, ...] | None = None,
        *,
        elementwise: bool = False,
        infix: str | None = None,
        aliases: Iterable[str] = (),
        numpy: Callable[..., Any] | None = None,
        flat: Iterable[str] = (),
        additive: bool = False,
    ) -> None:
        self.name = checks.name(name, "the name of a gate", error=GateError)
        self.symbol = symbol or infix or self.name
        self.forward = forward
        parameters = inspect.signature(forward).parameters.values()
        if ports is None and any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
            raise GateError(f"gate {name!r} must name each of its ports: *args and **kwargs have no port")
        self.ports = ports or tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        self.attributes = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        self.required = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty)
        #: The attributes that need not be said: for them None is as good as nothing.
        self.unsaid = tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is None)
        if not self.ports:
            raise GateError(f"gate {name!r} has no ports: give its function at least one positional parameter")
        self.vjps: list[Callable[..., Any] | None] = [None] * len(self.ports)
        self.elementwise = checks.flag(elementwise, f"elementwise of gate {name!r}")
        self.shape_rule: Callable[..., Any] | None = same_shape if self.elementwise else None
        self.infix = infix
        self.aliases = _names(aliases, "aliases", self.name)
        self.numpy = numpy
        self.flat = _names(flat, "flat", self.name)
        self.additive = additive
        for port in self.flat:
            if port not in self.ports:
                raise GateError(f"gate {name!r} has no port {port!r} to be flat: its ports are {self._signature()}")
            self.vjps[self.ports.index(port)] = _no_gradient
        self.texts: dict[str, Code] = {}
        #: Whether it is one of this package, so that it gives floats and float64 arrays in the shapes it should.
        self.built_in = (forward.__module__ or "").startswith("circuitsim.gates.")
        self._checked: set[Any] = set()
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
        if checks.whole(port) is None or not 0 <= port < self.arity:
            raise GateError(f"gate {self.name!r} has no port {checks.shown(port)}: its ports are {self._signature()}")

        def register(rule: Rule) -> Rule:
            self.vjps[port] = rule
            return rule

        return register

    @property
    def for_arrays(self) -> bool:
        """Whether it works on whole arrays, not element by element."""
        return self.shape_rule not in (None, same_shape)

    def shape(self, rule: Rule) -> Rule:
        """Register the function below as the gate's shape rule."""
        self.shape_rule = rule
        return rule

    def code(
        self,
        forward: str | None,
        *shares: str | None,
        of: Literal["values", "numbers", "arrays", "matrices"] = "values",
    ) -> None:
        """Declare the gate's arithmetic as text, so that compiled code need not call its functions.

        Parameters
        ----------
        forward : str or None
            The output, as an expression over the ports and functions of NumPy; None if there is none.
        *shares : str or None
            What each port is sent, over ``gradient``, ``output`` and the ports.
        of : {"values", "numbers", "arrays", "matrices"}
            What it holds for: numbers and arrays, only one of them, or where all that meets has two axes. It must have
            the bits of the functions; `circuitsim.testing.check_gate` looks.

        Raises
        ------
        GateError
            If a text cannot be read or uses an unknown name, a port has none, or the gate has attributes.
        """
        if len(shares) != self.arity or self.attributes:
            raise GateError(
                f"gate {self.name!r} cannot have this code: give a text or None for each of its {self.arity} ports"
                f"{', and no attributes to the gate' if self.attributes else ''}"
            )
        for text in (forward, *shares):
            if text is not None and not isinstance(text, str):
                raise GateError(f"the code of gate {self.name!r} has {checks.shown(text)}: give texts or None")
        checks.choice(of, "of", ("values", "numbers", "arrays", "matrices"))
        made = Code(self.ports, forward, shares)
        self.texts |= dict.fromkeys(("numbers", "arrays") if of == "values" else (of,), made)

    def for_inputs(self, count: int) -> "Gate":
        """Return the gate for this number of inputs: itself, unless it is a family made by `many`."""
        return self

    def check_arguments(self, count: int, attributes: dict[str, Any]) -> None:
        """Raise `GateError` unless the gate takes `count` inputs and these attributes."""
        if count == len(self.ports) and not attributes and not self.required:
            return  # the usual case, and a circuit may have a million gates
        if count != self.arity:
            inputs = "1 input" if self.arity == 1 else f"{self.arity} inputs"
            named = f"; give by name {', '.join(f'{name}=...' for name in self.attributes)}" if self.attributes else ""
            raise GateError(f"{self.name} takes {inputs}, {self._signature()}, but was given {count}{named}")
        if unknown := sorted(set(attributes) - set(self.attributes)):
            known = ", ".join(self.attributes) or "none"
            raise GateError(f"{self.name} has no attribute {checks.shown(unknown[0])}; its attributes are: {known}")
        if missing := [name for name in self.required if name not in attributes]:
            raise GateError(f"{self.name} needs its attribute {missing[0]!r}: give it by name, {missing[0]}=...")
        if self.built_in:
            told = {name: value for name, value in attributes.items() if value is not None or name not in self.unsaid}
            check_attributes(self.name, told)

    def with_attributes(self, attributes: dict[str, Any] | None) -> tuple[Callable[..., Any], list[Callable[..., Any]]]:
        """Return forward and vjps with the attributes given; a missing vjp raises when it is called."""
        if self.elementwise and not self.built_in:
            self.check_elementwise(attributes)
        vjps: Any = self.vjps  # shared: a circuit may have a million gates of one kind
        if None in vjps:
            vjps = [rule or partial(self._no_vjp, port) for port, rule in enumerate(vjps)]
        if not attributes:
            return self.forward, vjps
        return partial(self.forward, **attributes), [partial(rule, **attributes) for rule in vjps]

    def check_elementwise(self, attributes: dict[str, Any] | None = None) -> None:
        """Raise `GateError` unless numbers and elements of arrays get the same bits; asked once for its first use."""
        asked = (key_of(attributes), tuple(self.vjps))
        if asked not in self._checked:
            check_elementwise(self, attributes or {})
            self._checked.add(asked)

    def _no_vjp(self, port: int, *_: Any, **__: Any) -> Any:
        raise missing_vjp(self, port)

    @overload
    def __call__(self, first: Wired[W], /, *more: Any, **attributes: Any) -> W: ...
    @overload
    def __call__(self, first: Any, second: Wired[W], /, *more: Any, **attributes: Any) -> W: ...
    @overload
    def __call__(self, first: Any, second: Any, third: Wired[W], /, *more: Any, **attributes: Any) -> W: ...
    @overload
    def __call__(self, *inputs: Any, **attributes: Any) -> Value: ...
    def __call__(self, *inputs: Any, **attributes: Any) -> Any:
        """Compute with numbers, or, when any input is a wire, add this gate to the wire's circuit."""
        for thing in inputs:
            wire_up = getattr(thing, "wire_up", None)
            if wire_up is not None:
                return wire_up(self, inputs, attributes)
            if thing.__class__ in (list, tuple) and any(hasattr(part, "wire_up") for part in thing):
                raise GateError(
                    f"{self.name} was given a list of wires: give them one by one, {self.name}(x, y), or make one "
                    "wire of them, cs.stack(x, y)"
                )
        self.check_arguments(len(inputs), attributes)
        if attributes:
            attributes = own_attributes(attributes)
        values = [as_value(thing) for thing in inputs]
        try:
            with np.errstate(all="ignore"):
                return read(self.forward(*values, **attributes))
        except Exception as error:
            if self.built_in or refused_to_write(error):
                explain_failure(None, self.for_inputs(len(values)), attributes, values, error)
            raise

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


def register(made: Gate) -> None:
    """Let expressions, NumPy's functions and saved traces find a gate."""
    for name in (made.name, *made.aliases):
        registry[name] = made
    if made.numpy is not None:
        numpy_gates[made.numpy] = made


def _names(given: Iterable[str], what: str, gate: str) -> tuple[str, ...]:
    if isinstance(given, str):
        raise GateError(f"{what} of gate {gate!r} is one text: give a list of names, {what}=[{given!r}]")
    return tuple(checks.name(name, f"one of {what} of gate {gate!r}", error=GateError) for name in given)


def _no_gradient(gradient: Any, output: Any, *inputs: Any, **attributes: Any) -> float:
    """Be the rule of a port that is flat."""
    return 0.0


@overload
def gate(function: Callable[..., Any], /) -> Gate: ...
@overload
def gate(
    *,
    symbol: str | None = None,
    name: str | None = None,
    elementwise: bool = False,
    infix: str | None = None,
    aliases: Iterable[str] = (),
    numpy: Callable[..., Any] | None = None,
    flat: Iterable[str] = (),
    additive: bool = False,
) -> Callable[[Callable[..., Any]], Gate]: ...
@told
def gate(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None, **facts: Any
) -> Gate | Callable[[Callable[..., Any]], Gate]:
    """Turn a function into a gate and register it under its name.

    Parameters
    ----------
    symbol : str, optional
        What pictures show inside the gate; the infix sign or the name, if not given.
    name : str, optional
        The name in the registry; the function's own, if not given.
    elementwise : bool
        Whether the function and the rules work element by element, with the same bits for a number and for an element
        of an array. The compiled engine then computes many such gates as one. It is checked at the first use: ``x**3``
        has other bits in arrays, ``x*x*x`` has not.
    infix : str, optional
        The sign that explanations write between the operands, or before the only one; without it, they write a call.
    aliases : iterable of str
        Other names that expressions may call it by.
    numpy : callable, optional
        The function of NumPy that wires it up when it is called with a wire: ``np.exp(x)``.
    flat : iterable of str
        The ports through which no gradient passes, because they choose and do not count: they need no vjp.
    additive : bool
        Whether it only adds its inputs up or subtracts them: a parameter that enters no other gate is a bias, which
        penalties leave alone.

    Notes
    -----
    The last gate defined under a name is the one that expressions call; circuits that were wired before keep
    the gate they were wired with.

    Examples
    --------
    >>> from circuitsim.gates import gate
    >>> @gate(symbol="2×", elementwise=True)
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
        made = Gate(function, name or function.__name__, **facts)
        register(made)
        return made

    return define if function is None else define(function)
