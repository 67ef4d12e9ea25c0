"""What the kinds share: both engines on one circuit, and where they differ."""

import numpy as np

import circuitsim as cs
from circuitsim.errors import CircuitSimError
from tests.fuzz import fault_of

ENGINES = (cs.Simulation, cs.Compiled)
PASSES = 3  # the compiled engine writes code in the second one, and goes by it in the third


def bits(thing):
    """Return numbers, in dicts and lists too, as what equals only what has the same bits; one nan is like another."""
    if isinstance(thing, dict):
        return {name: bits(value) for name, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [bits(value) for value in thing]
    array = np.asarray(thing, dtype=np.float64)
    return array.shape, np.where(np.isnan(array), np.nan, array).tobytes()


def came_of(work):
    """Return what work returns, or the error that it raised if it is one of ours; and what is wrong with that error."""
    try:
        return work(), None
    except CircuitSimError as error:
        return error, fault_of(error)


def differ(one, other):
    """Tell whether two results differ: numbers in a bit, errors in their kind."""
    if isinstance(one, Exception) or isinstance(other, Exception):
        return type(one) is not type(other)
    return bits(one) != bits(other)


def run_both(circuit, inputs, gradient=1.0, nonfinite="ignore", **settings):
    """Run a circuit some times on both engines.

    Returns
    -------
    result : (dict, dict) or CircuitSimError
        The outputs and gradients, or what was raised.
    wrong : str or None
        Where the engines, or the passes, differ, or what is wrong with an error.
    """
    results = []
    for engine in ENGINES:
        made, wrong = came_of(
            lambda engine=engine: engine(circuit, nonfinite=nonfinite, **(settings if engine is cs.Simulation else {}))
        )
        if wrong:
            return made, wrong
        for _ in range(PASSES):
            if isinstance(made, Exception):
                results.append(made)
                continue
            result, wrong = came_of(lambda made=made: (made.forward(inputs), made.backward(gradient)))
            if wrong:
                return result, wrong
            results.append(result)
    first, *others = results
    for number, other in enumerate(others, 1):
        if differ(first, other):
            engine = ENGINES[number // PASSES].__name__
            told = f"{engine}, pass {number % PASSES + 1}: {other!r}, but Simulation, pass 1: {first!r}"
            return first, f"{told}\ninputs {inputs!r}, gradient {gradient!r}"
    return first, None
