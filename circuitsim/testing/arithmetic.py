"""Checks of arithmetic: gates, optimizers and penalties are pure, and have the bits that engines rely on."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from circuitsim import checks
from circuitsim.circuit import Circuit
from circuitsim.compiled import Compiled
from circuitsim.engine import Engine
from circuitsim.errors import GateError, InputError
from circuitsim.gates.attributes import own_attributes
from circuitsim.gates.code import Expression
from circuitsim.gates.differences import finite_difference, relative_error
from circuitsim.gates.gate import Gate, missing_vjp
from circuitsim.gates.value import Value, as_value, fit, own_value, read, refused_to_write, shape_of, show
from circuitsim.habits import told
from circuitsim.rules import Memory, Rule, Spring, begin, respond
from circuitsim.simulation import Simulation
from circuitsim.spelling import shown

__all__ = ["check_gate", "check_rule", "same_bits"]


@told
def check_gate(
    gate: Gate, *inputs: Any, ports: Sequence[int] | None = None, tolerance: float = 1e-6, **attributes: Any
) -> float:
    """Hold each vjp of a gate against a central difference, and the gate's facts against its functions.

    Parameters
    ----------
    gate : Gate
        The gate to check, your own for instance; of a family, the one that takes so many inputs is checked.
    *inputs : number or array_like
        Where to check it; keep away from kinks, where no derivative exists.
    ports : sequence of int, optional
        The ports whose vjps are checked; all if not given. Leave out one that chooses with the inputs at hand, such as
        the class numbers of `cross_entropy`. Ports that are declared flat are expected to send 0.
    tolerance : float
        The largest relative error allowed.
    **attributes
        The gate's attributes.

    Returns
    -------
    float
        The largest relative error that was found.

    Raises
    ------
    GateError
        If a vjp is missing or differs from the numerical gradient by more than `tolerance`, if the shape rule foretells
        another shape, or if the gate does not do what it declares: to be elementwise, or what its code says.

    Examples
    --------
    >>> import circuitsim as cs
    >>> check_gate(cs.mul, -2.0, [3.0, 4.0]) < 1e-8
    True
    >>> check_gate(cs.stack, 1.0, 2.0, 3.0) < 1e-8
    True
    """
    gate = gate.for_inputs(len(inputs))
    gate.check_arguments(len(inputs), attributes)
    attributes = own_attributes(attributes)
    values = [own_value(value) for value in inputs]
    output = _output(gate, values, attributes)
    _check_shape(gate, values, output, attributes)
    if gate.elementwise:
        gate.check_elementwise(attributes)
    # A pull that differs from element to element shows a vjp that mixes them up.
    pull = as_value(1.0 + 0.5 * np.sin(np.arange(np.size(output))).reshape(np.shape(output)))
    worst = 0.0
    for port in range(gate.arity) if ports is None else [checks.count(port, "a port", least=0) for port in ports]:
        if port >= gate.arity:
            raise GateError(f"gate {shown(gate.name)} has no port {port}: its ports are {', '.join(gate.ports)}")
        vjp = gate.vjps[port]
        if vjp is None:
            raise missing_vjp(gate, port)
        analytic = _share(gate, port, vjp, pull, output, values, attributes)
        expected = fit(0.0, values[port])
        if gate.ports[port] not in gate.flat:
            expected = _slope(gate, port, pull, values, attributes)
        error = relative_error(analytic, expected)
        if error > tolerance:
            raise GateError(
                f"the vjp of port {port} ({gate.ports[port]}) of gate {shown(gate.name)} gives {analytic}, "
                f"a central difference gives {expected}: correct the rule under @{gate.name}.vjp({port})"
            )
        worst = np.maximum(worst, error)
    _check_code(gate, values, pull, output)
    return float(worst)


def _output(gate: Gate, values: list[Value], attributes: dict[str, Any]) -> Value:
    """Return what the gate makes, the same when it is asked again."""
    first, again = gate(*values, **attributes), gate(*values, **attributes)
    if not same_bits(first, again):
        raise GateError(
            f"gate {shown(gate.name)} makes {show(first)} and then {show(again)} of the same inputs: let it be pure"
        )
    return own_value(first)


def _check_shape(gate: Gate, values: list[Value], output: Value, attributes: dict[str, Any]) -> None:
    if gate.shape_rule is None:
        return
    try:
        foretold = gate.shape_rule(*map(shape_of, values), **attributes)
    except ValueError:
        return  # it may be stricter than the function
    if foretold is not None and tuple(foretold) != shape_of(output):
        raise GateError(
            f"the shape rule of gate {shown(gate.name)} says {tuple(foretold)}, its function gives {shape_of(output)}: "
            f"correct the rule under @{gate.name}.shape"
        )


def _slope(gate: Gate, port: int, pull: Value, values: list[Value], attributes: dict[str, Any]) -> Value:
    """Return the central difference for one port; the others stay as they are."""

    def pulled(moved: list[Value]) -> Value:
        return as_value(np.multiply(pull, gate(*values[:port], *moved, *values[port + 1 :], **attributes)))

    return finite_difference(pulled, [values[port]])[0]


def _share(
    gate: Gate,
    port: int,
    vjp: Callable[..., Any],
    pull: Value,
    output: Value,
    values: list[Value],
    attributes: dict[str, Any],
) -> Value:
    try:
        with np.errstate(all="ignore"):
            return fit(as_value(vjp(pull, output, *values, **attributes)), values[port])
    except ValueError as error:
        if not refused_to_write(error):
            raise
        raise GateError(
            f"the vjp of port {port} ({gate.ports[port]}) of gate {shown(gate.name)} writes in place to what it "
            f"is given: "
            "return a new array"
        ) from None


def _check_code(gate: Gate, values: list[Value], pull: Value, output: Value) -> None:
    """Compare the gate's code with its functions, here and, of a gate that takes any numbers, at odd ones."""
    for kind, code in gate.texts.items():
        cases = [(pull, output, values)] if _fits(kind, [output, *values]) else []
        if gate.elementwise and kind != "matrices":
            cases += _odd_cases(gate, kind)
        for gradient, made, given in cases:
            words = dict(zip(gate.ports, given, strict=True))
            texts: list[tuple[Expression | None, str, Any, dict[str, Any]]] = [
                (code.forward, "its function", made, words),
            ]
            for port, (text, vjp) in enumerate(zip(code.shares, gate.vjps, strict=True)):
                if text is not None and vjp is not None:
                    with np.errstate(all="ignore"):
                        share = read(vjp(gradient, made, *given))
                    texts.append(
                        (text, f"its vjp of port {port}", share, words | {"gradient": gradient, "output": made})
                    )
            for text, what, expected, known in texts:
                if text is not None and not same_bits(_computed(text, known), expected):
                    told = ", ".join(f"{name} = {show(value)}" for name, value in known.items())
                    raise GateError(
                        f"the code of gate {shown(gate.name)} for {kind} gives {show(_computed(text, known))}, "
                        f"{what} gives "
                        f"{show(expected)}, for {told}: correct the text under {gate.name}.code"
                    )


def _fits(kind: str, met: list[Value]) -> bool:
    if kind == "matrices":
        return all(len(shape_of(value)) == 2 for value in met)
    return any(map(shape_of, met)) == (kind == "arrays")


def _odd_cases(gate: Gate, kind: str) -> list[tuple[Value, Value, list[Value]]]:
    odd = [0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan]
    cases = []
    for place in range(len(odd) ** gate.arity):
        picked = [odd[place // len(odd) ** port % len(odd)] for port in range(gate.arity)]
        given = [own_value(number if kind == "numbers" else [number, 1.0]) for number in picked]
        gradient = own_value(0.75 if kind == "numbers" else [0.75, -1.25])
        with np.errstate(all="ignore"):
            cases.append((gradient, own_value(gate.forward(*given)), given))
    return cases


def _computed(text: Expression, words: dict[str, Any]) -> Value:
    with np.errstate(all="ignore"):
        names = {name: f"value{number}" for number, name in enumerate(words)}
        known = {names[name]: value for name, value in words.items()}
        return read(eval(text.template.format(**names), dict(text.functions), known))


def same_bits(one: Value, other: Value) -> bool:
    """Tell whether two values have the same shape and bits; any nan is as good as another."""
    a, b = np.asarray(one), np.asarray(other)
    if a.shape != b.shape:
        return False
    return bool((((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))).all())


# -- rules ---------------------------------------------------------------------------------------------------


@told
def check_rule(rule: Rule | Spring, *, updates: int = 5) -> None:
    """Check an optimizer or a penalty: that it is pure and elementwise, and has the same bits in every engine.

    Of a penalty with the attribute ``elementwise = False`` only the rest is asked.

    Parameters
    ----------
    rule : Rule or Spring
        An optimizer, with `start` and `respond`, or a penalty, with `pull`, `cost` and, if it likes, `shrink`.
    updates : int
        How often parameters respond.

    Raises
    ------
    InputError
        If it gives numbers and elements of arrays different bits, other results when it is asked again, another shape
        than that of the value, or writes to what it is given.

    Examples
    --------
    >>> import circuitsim as cs
    >>> check_rule(cs.Adam(0.1))
    >>> check_rule(cs.L2(0.5))
    """
    checks.count(updates, "updates")
    is_rule = callable(getattr(rule, "respond", None)) and callable(getattr(rule, "start", None))
    if isinstance(rule, type) or not (is_rule or callable(getattr(rule, "pull", None))):
        raise InputError(
            f"{shown(rule)} is no rule: give an optimizer with start and respond, or a penalty with pull and cost"
        )
    moved: Any = rule if is_rule else _Follow()
    springs: list[Any] = [] if is_rule else [rule]
    elementwise = is_rule or getattr(rule, "elementwise", True)
    random = np.random.default_rng(0)
    values = np.concatenate([random.normal(size=200) * 10.0 ** random.uniform(-3, 2, 200), [0.0, 1.0, -1.0]])
    with np.errstate(all="ignore"):
        whole = _begin(rule, moved, own_value(values))
        alone = [_begin(rule, moved, value) for value in values.tolist()]
        for _ in range(updates):
            gradient = random.normal(size=values.shape) * 10.0 ** random.uniform(-3, 2, values.shape)
            gradient[::7] = 0.0
            again = _respond(rule, moved, springs, whole, own_value(gradient))
            whole = _respond(rule, moved, springs, whole, own_value(gradient))
            _compare(
                rule, again, whole, "the first time and when it is asked again: keep the state in what start returns"
            )
            if not elementwise:
                continue
            alone = [
                _respond(rule, moved, springs, memory, slope)
                for memory, slope in zip(alone, gradient.tolist(), strict=True)
            ]
            parts = [[memory.value, *memory.state] for memory in alone]
            stacked = [own_value(list(column)) for column in zip(*parts, strict=True)]
            _compare(
                rule,
                Memory(stacked[0], tuple(stacked[1:])),
                whole,
                "to a number and to an element of an array: let it work element by element, with np.where for a "
                "choice and x*x*x for x**3",
            )
    _check_engines(rule, moved, springs, updates)


class _Follow:
    """The rule that a penalty is checked under: go by a tenth of the pull."""

    def start(self, value: Value) -> tuple[Value, ...]:
        return ()

    def respond(
        self, value: Value, gradient: Value, state: tuple[Value, ...], count: int
    ) -> tuple[Value, tuple[Value, ...]]:
        return value + 0.1 * gradient, state

    def stride(self, count: int) -> float:
        return 0.1


def _begin(rule: Any, moved: Any, value: Value) -> Memory:
    return _checked(rule, value, lambda: begin(moved, value))


def _respond(rule: Any, moved: Any, springs: Sequence[Spring], memory: Memory, gradient: Value) -> Memory:
    return _checked(rule, memory.value, lambda: respond(moved, springs, memory, gradient))


def _checked(rule: Any, value: Value, work: Callable[[], Memory]) -> Memory:
    """Return what the work gives, in the shapes that it must have."""
    kind = "an array" if shape_of(value) else "a number"
    try:
        memory = work()
    except InputError:
        raise
    except (ValueError, TypeError, ArithmeticError) as error:
        raise InputError(
            f"{shown(rule)} fails on {kind} ({error}): let it work element by element, with np.where"
        ) from None
    for part in (memory.value, *memory.state):
        if shape_of(part) != shape_of(value):
            raise InputError(
                f"{shown(rule)} gives shape {shape_of(part)} to a parameter of shape {shape_of(value)}: keep the shape"
            )
    return memory


def _compare(rule: Any, one: Memory, other: Memory, when: str) -> None:
    for mine, theirs in zip((one.value, *one.state), (other.value, *other.state), strict=True):
        if not same_bits(mine, theirs):
            raise InputError(f"{shown(rule)} gives different bits {when}")


def _check_engines(rule: Any, moved: Any, springs: Sequence[Spring], updates: int) -> None:
    """Train a circuit of numbers and arrays in both engines."""
    found = []
    for make in (Simulation, Compiled):
        engine: Engine = make(_circuit(), nonfinite="ignore")
        engine.learn(moved, springs)
        for turn in range(updates):
            engine.forward({"x": 0.5 + 0.25 * turn})
            engine.backward(-1.0)
            engine.update()
        found.append(engine.memory)
    for name, memory in found[0].items():
        if not same_bits(memory.value, found[1][name].value):
            raise InputError(
                f"{shown(rule)} gives parameters other bits in Simulation and in Compiled: let it be elementwise"
            )


def _circuit() -> Circuit:
    circuit = Circuit("parameters")
    x = circuit.input("x")
    total = x * x
    for number in range(5):
        total = total + x * circuit.parameter(f"w{number}", 0.3 * number - 0.5) * total
    weights = circuit.parameter("weights", np.linspace(-1.0, 1.0, 6).reshape(2, 3))
    circuit.output("f", total * weights)
    return circuit
