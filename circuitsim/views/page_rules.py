"""What a page needs to train a circuit in the browser: forces, optimizers, springs and step schedules as JavaScript.

They are read as symbols, like gates, so each is written once, in Python. Their settings become inputs: a page may
change a step size or a strength.
"""

import copy
from collections.abc import Collection
from typing import Any

import numpy as np

from circuitsim.checks import real
from circuitsim.gates.symbols import Graph, SymbolError, check_reading, read_symbols
from circuitsim.learning.forces import Force
from circuitsim.learning.optimizers import Optimizer
from circuitsim.learning.penalties import Penalty
from circuitsim.views.javascript import arrow, statements

__all__ = ["force_script", "optimizer_script", "penalty_script", "schedule_script"]

COUNTS = (0, 1, 2, 10, 399, 100_000)  # numbers of updates that readings are held against


def force_script(force: Force) -> str:
    """Return a force as ``{pull: (score, target) => ..., loss: (score, target) => ..., margin}``.

    Raises
    ------
    SymbolError
        If it cannot be read, as those of several classes cannot.
    """
    texts = []
    for function in (force.pull, force.loss):
        graph = read_symbols(function, ["score", "target"])
        check_reading(function, graph)
        texts.append(arrow(graph))
    margin = "null" if force.margin is None else repr(force.margin)
    return f"{{ pull: {texts[0]}, loss: {texts[1]}, margin: {margin} }}"


def optimizer_script(optimizer: Optimizer) -> str:
    """Return an optimizer as ``{settings, start, respond}``.

    ``respond(end, values, gradients, states, count, settings)`` moves as many values; `states` has an array for each
    number of `start`. Pages should be small, so its arguments have short names. A step that follows a schedule is given
    as the setting `step` each time.

    Raises
    ------
    SymbolError
        If it cannot be read.
    """
    settings = _settings(optimizer)
    start = [float(part) for part in optimizer.start(0.0)]
    states = [f"state{place}" for place in range(len(start))]

    settled = _settled(optimizer, settings, "respond")

    def respond(value: Any, gradient: Any, *more: Any) -> tuple[Any, ...]:
        moved, state = settled(value, gradient, more[: len(states)], *more[len(states) :])
        return (moved, *state)

    graph = read_symbols(respond, ["value", "gradient", *states, "count", *settings])
    _check_respond(respond, graph, start, list(settings.values()))
    names = [f"s{place}" for place in range(len(start))]
    fixed = ["n", *(f"own.{name}" for name in settings)]
    before, lines, moved = statements(graph, ["v", "g", *names, *fixed], fixed)
    given = ", ".join(["v = V[k]", "g = G[k]", *(f"{s} = S[{p}][k]" for p, s in enumerate(names))])
    into = ["V[k]", *(f"S[{place}][k]" for place in range(len(start)))]
    body = " ".join([*lines, *(f"{cell} = {text};" for cell, text in zip(into, moved, strict=True))])
    told = ", ".join(f"{name}: {value!r}" for name, value in settings.items())
    stride = read_symbols(_settled(optimizer, settings, "stride"), ["count", *settings])
    _, _, (length,) = statements(stride, fixed)
    return (
        f"{{ settings: {{ {told} }}, start: {start!r}, stride: (n, own) => {length},\n"
        f"respond: (end, V, G, S, n, own) => "
        f"{{ {' '.join(before)} for (let k = 0; k < end; k++) {{ const {given}; {body} }} }} }}"
    )


def _settled(optimizer: Optimizer, settings: Collection[str], method: str) -> Any:
    """Return a method of an optimizer as a function of its arguments and of the settings."""

    def call(*given: Any) -> Any:
        rule = copy.copy(optimizer)
        vars(rule).update(zip(settings, given[-len(settings) :], strict=True))
        return getattr(rule, method)(*given[: -len(settings)])

    return call


def _settings(thing: Any) -> dict[str, float]:
    """Return the numbers among the settings of an optimizer; a schedule counts as its first step."""
    settings = {}
    for name, value in vars(thing).items():
        if callable(value):
            value = value(0)
        number = real(value)
        if number is not None:
            settings[name] = number
    return settings


def _check_respond(respond: Any, graph: Graph, start: list[float], settings: list[float]) -> None:
    """Hold a reading against calls with states as they come."""
    random = np.random.default_rng(0)
    rows = [
        [*random.normal(size=2), *np.abs(random.normal(size=len(start))), float(count), *settings]
        for count in COUNTS
        for _ in range(100)
    ]
    check_reading(respond, graph, np.array(rows))


def schedule_script(step: Any) -> str:
    """Return a step schedule as an arrow function of the number of the update.

    Raises
    ------
    SymbolError
        If it cannot be read.
    """
    graph = read_symbols(step, ["count"])
    check_reading(step, graph, np.array([[float(count)] for count in (*COUNTS, *range(500))]))
    return arrow(graph)


def penalty_script(penalty: Penalty) -> str:
    """Return a spring as ``{pull, cost, shrink}``: functions of value and strength, and of value, step and strength.

    `shrink` is null where there is none.

    Raises
    ------
    SymbolError
        If it cannot be read, as those that hold groups cannot.
    """
    if not getattr(penalty, "elementwise", True):
        raise SymbolError("it looks at more than one number at a time")

    def held(method: str) -> Any:
        def call(*given: Any) -> Any:
            spring = copy.copy(penalty)
            vars(spring)["strength"] = given[-1]
            return getattr(spring, method)(*given[:-1])

        return call

    texts = {"shrink": "null"}
    for method, inputs in (("pull", ["value"]), ("cost", ["value"]), ("shrink", ["value", "step"])):
        if hasattr(penalty, method):
            graph = read_symbols(held(method), [*inputs, "strength"])
            check_reading(held(method), graph)
            texts[method] = arrow(graph)
    return f"{{ pull: {texts['pull']}, cost: {texts['cost']}, shrink: {texts['shrink']} }}"
