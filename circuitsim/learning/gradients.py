"""Two ways to find a better place without backpropagation, and the check that holds it against one of them.

These are the first two strategies of the guide for a circuit of any size; the third, the analytic gradient, is
`Engine.backward`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from circuitsim import checks
from circuitsim.engine import Engine
from circuitsim.errors import InputError
from circuitsim.gates.differences import finite_difference, relative_error
from circuitsim.gates.value import Value, as_value, fit, shape_of, show
from circuitsim.habits import told

__all__ = ["GradientCheck", "check_gradients", "local_search", "numerical_gradient"]

SHOWN = 20  # rows of a gradient check that are printed


@told
def numerical_gradient(
    engine: Engine,
    inputs: Mapping[str, Any],
    *,
    step: float = 1e-5,
    method: Literal["central", "forward"] = "central",
) -> dict[str, Value]:
    """Estimate the gradient of the sum of all outputs by moving each input and parameter a little.

    What chooses, such as the number of a class, cannot be moved a little; where a gate refuses to, the gradient is 0.

    Parameters
    ----------
    engine : Engine
        What runs the circuit. Its parameters are moved and put back.
    inputs : mapping of str to number or array_like
        Where to take the gradient.
    step : float
        How far to move, times the larger of 1 and the element's magnitude.
    method : {"central", "forward"}
        Whether to move to both sides or to one.

    Returns
    -------
    dict of str to float or ndarray
        The gradient of every input and parameter, in the shape of its value.

    Examples
    --------
    >>> import circuitsim as cs
    >>> gradient = numerical_gradient(cs.Simulation(cs.parse("x * y")), {"x": -2, "y": 3})
    >>> {name: round(slope, 6) for name, slope in gradient.items()}
    {'x': 3.0, 'y': -2.0}
    """
    before = engine.parameters
    places = {**{name: as_value(value) for name, value in inputs.items()}, **before}

    def total(changed: dict[str, Value]) -> Value:
        moved = places | changed
        if before:
            engine.set_parameters({name: moved[name] for name in before})
        outputs = engine.forward({name: moved[name] for name in inputs})
        return float(sum(np.sum(value) for value in outputs.values()))

    def slope(name: str) -> Value:
        try:
            return finite_difference(lambda v: total({name: v[0]}), [places[name]], step, method)[0]
        except InputError:
            return fit(0.0, places[name])

    engine.forward(inputs)  # which refuses what cannot be, before anything is moved
    try:
        return {name: slope(name) for name in places}
    finally:
        engine.set_parameters(before)


@told
@dataclass(frozen=True)
class GradientCheck:
    """Analytic and numerical gradients side by side, the worst agreement first.

    Attributes
    ----------
    rows : list of (name, analytic, numerical, error)
        One row for each input and parameter; the error is relative to the larger of 1 and the gradients.
    """

    rows: list[tuple[str, Value, Value, float]]

    @property
    def worst(self) -> float:
        """The largest relative error."""
        return max((row[3] for row in self.rows), default=0.0)

    def __str__(self) -> str:
        cells = [("", "analytic", "numerical", "error")]
        for name, analytic, numerical, error in self.rows[:SHOWN]:
            cells.append((name, show(analytic, 8), show(numerical, 8), f"{error:.1e}"))
        columns = zip((12, 14, 14, 9), zip(*cells, strict=True), strict=True)
        first, *rest = [max(least, *map(len, column)) for least, column in columns]
        lines = [" ".join([name.ljust(first), *map(str.rjust, numbers, rest)]) for name, *numbers in cells]
        if len(self.rows) > SHOWN:
            lines.append(f"and {len(self.rows) - SHOWN} more, with errors no larger")
        return "\n".join(lines)


@told
def check_gradients(engine: Engine, inputs: Mapping[str, Any], *, step: float = 1e-5) -> GradientCheck:
    """Compare the gradients of one forward and backward pass with central differences.

    Examples
    --------
    >>> import circuitsim as cs
    >>> check_gradients(cs.Simulation(cs.parse("sigmoid(x * y)")), {"x": 1, "y": 2}).worst < 1e-8
    True
    """
    engine.forward(inputs)
    analytic = engine.backward()
    numerical = numerical_gradient(engine, inputs, step=step)
    rows = [(name, slope, numerical[name], relative_error(slope, numerical[name])) for name, slope in analytic.items()]
    return GradientCheck(sorted(rows, key=lambda row: -row[3]))


@told
def local_search(
    engine: Engine, inputs: Mapping[str, Any], *, reach: float = 0.01, tries: int = 100, seed: int = 0
) -> tuple[dict[str, Value], float]:
    """Move all inputs at random, and keep the move that raises the sum of the outputs most.

    Parameters
    ----------
    engine : Engine
        What runs the circuit.
    inputs : mapping of str to number or array_like
        Where to start.
    reach : float
        The largest move of any element, to either side.
    tries : int
        How many moves to try.
    seed : int
        Seeds the moves.

    Returns
    -------
    inputs : dict of str to float or ndarray
        The best place found, the start if no move was better.
    output : float
        The sum of the outputs there.
    """
    random = np.random.default_rng(checks.count(seed, "seed", least=0))
    best = {name: as_value(value) for name, value in inputs.items()}
    start, highest = best, _total(engine, best)
    for _ in range(tries):
        moved = {
            name: as_value(value + reach * random.uniform(-1, 1, shape_of(value))) for name, value in start.items()
        }
        height = _total(engine, moved)
        if height > highest:
            best, highest = moved, height
    return best, highest


def _total(engine: Engine, inputs: Mapping[str, Value]) -> float:
    return float(sum(np.sum(value) for value in engine.forward(inputs).values()))
