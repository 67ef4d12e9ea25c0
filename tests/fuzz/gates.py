"""Random gates with random shapes, attributes and values: the same bits everywhere, true slopes, kind refusals.

Each attempt wires one gate of the package and holds it against what does not share its code: both engines in two
passes against each other and against the gate called by itself; the function of NumPy that it declares; a number
against an element of an array, if it is elementwise; central differences, where all is smooth. Some attempts give what
no gate takes: that must be refused in one sentence.
"""

import pathlib
import warnings
from random import Random
from typing import Any

import numpy as np

import circuitsim as cs
from circuitsim.errors import CircuitSimError
from circuitsim.gates.gate import Gate, numpy_gates, registry
from circuitsim.gates.value import as_value
from circuitsim.testing.arithmetic import same_bits

GATES = sorted({gate.name: gate for gate in registry.values() if gate.built_in}.items())
ODD = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, np.inf, -np.inf, np.nan, 5e-324, 1e-308, 1e308, -1e308, 1e-5, 36.7, -745.2]
NONSENSE = [None, "a", 1.5, -1, 0, 10**30, True, [], (1, 2, 3), [0.5], [[1], [1, 2]], np.nan, {}, object(), 1j, b"x"]
LABELLED = {"cross_entropy", "weston_watkins", "crammer_singer"}
Run = tuple[Any, Any, dict[str, Any]]


def attempt(random: Random, folder: pathlib.Path) -> str | None:
    """Make one trial; return None if all is well, or what went wrong."""
    numbers = np.random.default_rng(random.getrandbits(64))
    name, family = random.choice(GATES)
    gate = family.for_inputs(random.randint(1, 4))
    smooth = random.random() < 0.5
    inputs, attributes = _sensible(gate, random, numbers, smooth)
    wrong = random.random() < 0.3
    if wrong:
        inputs, attributes = _spoilt(gate, inputs, attributes, random, numbers)
    told = f"{name}({', '.join(map(repr, inputs))}, {attributes})"
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            fault = _try(gate, inputs, attributes, smooth and not wrong)
        if warned:
            fault = f"{warned[0].category.__name__}: {warned[0].message}"
    except CircuitSimError as error:
        fault = None
        if "\n" in str(error) or len(str(error)) > 400:
            fault = f"told in more than a sentence: {error}"
        elif not wrong and not _may_refuse(gate, inputs):
            fault = f"refused: {error}"
    except Exception as error:  # everything else is a fault
        fault = f"{type(error).__name__}: {error}"
    return fault and f"{fault}\n{told}"


# -- what to give --------------------------------------------------------------------------------------------


def _shape(random: Random, least: int = 0, most: int = 3) -> tuple[int, ...]:
    return tuple(
        random.choice([1, 2, 3, 4, 5, 0] if random.random() < 0.1 else [1, 2, 3, 4])
        for _ in range(random.randint(least, most))
    )


def _values(shape: tuple[int, ...], numbers: Any, smooth: bool, low: float = -3.0, high: float = 3.0) -> Any:
    values = numbers.uniform(low, high, shape)
    if not smooth:
        odd = numbers.random(shape) < 0.4
        values = np.where(odd, numbers.choice(ODD, shape), np.round(values * 2) / 2)  # ties
    return values if shape else float(values)


def _broadcastable(shape: tuple[int, ...], random: Random) -> tuple[int, ...]:
    return tuple(1 if random.random() < 0.3 else length for length in shape)[
        random.randint(0, len(shape)) if random.random() < 0.3 else 0 :
    ]


def _sensible(gate: Gate, random: Random, numbers: Any, smooth: bool) -> tuple[list[Any], dict[str, Any]]:
    """Return inputs and attributes that the gate takes."""
    shape = _shape(random, 0 if not gate.for_arrays else 1)
    name, given = gate.name, {}
    axis = random.randrange(-len(shape), len(shape)) if shape else 0
    some = lambda shape: _values(shape, numbers, smooth)  # noqa: E731
    if name in ("arccos", "arcsin"):
        return [_values(shape, numbers, smooth, -0.9, 0.9)], {}
    if name in ("log", "sqrt", "reciprocal", "log1p"):
        return [_values(shape, numbers, smooth, 0.3, 3.0)], {}
    if name in ("pow", "div"):
        return [
            _values(shape, numbers, smooth, 0.3, 3.0),
            _values(_broadcastable(shape, random), numbers, smooth, 0.3, 3.0),
        ], {}
    if name == "matmul":
        n, k, m = (random.randint(1, 4) for _ in "nkm")
        left, right = random.choice(
            [
                ((n, k), (k, m)),
                ((k,), (k, m)),
                ((n, k), (k,)),
                ((k,), (k,)),
                ((2, n, k), (k, m)),
                ((2, n, k), (1, k, m)),
            ]
        )
        return [some(left), some(right)], {}
    if name in ("conv2d", "max_pool2d", "avg_pool2d"):
        x = some((random.randint(1, 2), random.randint(1, 2), random.randint(3, 6), random.randint(3, 6)))
        step = random.choice([1, 2, (1, 2), (2, 1), (3, 1)])
        if name == "conv2d":
            groups = random.choice([1, x.shape[1]])
            counts = random.randint(1, 3) * groups, x.shape[1] // groups
            kernels = some((*counts, random.randint(1, 3), random.randint(1, 3)))
            pad = random.choice([0, 1, (1, 0), ((0, 1), (2, 0))])
            return [x, kernels], {"stride": step, "pad": pad, "groups": groups}
        return [x], {"kernel": random.choice([1, 2, 3, (1, 2), (3, 2)]), "stride": random.choice([None, step])}
    if name in ("batch_norm", "layer_norm"):
        return [some(shape), some(shape[-1:]), some(shape[-1:])], {"axis": axis}
    if name == "rms_norm":
        return [some(shape), some(shape[-1:])], {"axis": axis}
    if name == "batch_norm_inference":
        small = [_values(shape[-1:], numbers, smooth) for _ in range(3)]
        return [some(shape), *small, _values(shape[-1:], numbers, smooth, 0.3, 3.0)], {}
    if name == "scaled_dot_product_attention":
        one, two, three, four = (random.randint(1, 4) for _ in "qkfv")
        mask = random.choice([1.0, 1.0 * (numbers.random((one, two)) < 0.7)])
        return [some((one, three)), some((two, three)), some((two, four)), mask], {"causal": random.random() < 0.5}
    if name in LABELLED:
        return [some(shape), as_value(numbers.integers(0, max(shape[-1], 1), shape[:-1]))], {}
    if name in ("embedding", "one_hot"):
        rows = random.randint(1, 5)
        chosen = 1.0 * numbers.integers(0, rows, _shape(random, 0, 2))
        return ([some((rows, *shape[1:])), chosen], {}) if name == "embedding" else ([chosen], {"classes": rows})
    if name == "dropout":
        return [some(shape), float(random.randint(-1, 3))], {
            "rate": random.choice([0.0, 0.3, 0.9]),
            "seed": random.randint(0, 3),
        }
    if name == "concat":
        lengths = [list(shape) for _ in gate.ports]
        for length in lengths:
            length[axis] = random.randint(1, 3)
        return [some(tuple(length)) for length in lengths], {"axis": axis}
    if name == "stack":
        shape = random.choice([shape, ()])
        return [some(shape) for _ in gate.ports], {"axis": random.randint(-len(shape) - 1, len(shape))}
    if name == "take":
        return [some(shape)], {
            "axis": axis,
            "indices": numbers.integers(-shape[axis], shape[axis], _shape(random, 0, 2)) if shape[axis] else [],
        }
    if name == "take_pairs":
        shape = tuple(max(length, 1) for length in (*shape, 2))
        count = random.randint(1, 5)
        return [some(shape)], {
            "rows": numbers.integers(0, shape[0], count),
            "cols": numbers.integers(0, shape[1], count).tolist(),
        }
    if name == "slice":
        kinds = [slice(None, None, -1), slice(0, 2), slice(1, None), None, 0, -1, [0, 0], np.array([-1])]
        parts = tuple(random.choice(kinds) for _ in shape)
        return [some(shape)], {"slices": random.choice([parts, (..., *parts), parts[0]])}
    if name == "reshape":
        return [some(shape)], {"shape": random.choice([-1, shape[::-1], (1, *shape), (*shape, 1)])}
    if name == "transpose":
        return [some(shape)], {"axes": random.choice([None, random.sample(range(len(shape)), len(shape))])}
    if name == "broadcast_to":
        return [some(_broadcastable(shape, random))], {"shape": shape}
    if name == "pad":
        return [some(shape)], {
            "widths": random.choice([0, 2, (1, 0), [(0, 1)] * len(shape)]),
            "value": random.choice([0.0, -np.inf, 1.5]),
        }
    if name == "where":
        return [1.0 * (numbers.random(shape) > 0.5), some(_broadcastable(shape, random)), some(shape)], {}
    if "axis" in gate.attributes:
        given["axis"] = (
            axis if "keepdims" not in gate.attributes else random.choice([None, axis, tuple(range(len(shape)))])
        )
    if "keepdims" in gate.attributes:
        given["keepdims"] = random.random() < 0.5
    if "ddof" in gate.attributes:
        given["ddof"] = random.choice([0, 0, 1])
    given |= {key: random.choice([0.01, 0.5, 2.0, -1.0]) for key in ("alpha", "slope") if key in gate.attributes}
    if "approximate" in gate.attributes:
        given["approximate"] = random.choice(["none", "tanh"])
    return [some(shape if not place else _broadcastable(shape, random)) for place in range(gate.arity)], given


def _spoilt(
    gate: Gate, inputs: list[Any], attributes: dict[str, Any], random: Random, numbers: Any
) -> tuple[list[Any], dict[str, Any]]:
    inputs, attributes = list(inputs), dict(attributes)
    if attributes and random.random() < 0.6:
        attributes[random.choice(list(gate.attributes))] = random.choice(NONSENSE)
    else:
        place = random.randrange(len(inputs))
        inputs[place] = _values(_shape(random, 0, 5), numbers, False)
    return inputs, attributes


def _may_refuse(gate: Gate, inputs: list[Any]) -> bool:
    """Tell whether what looks sensible may still be too little: nothing has no mean, no maximum and no class."""
    empty = any(np.size(value) == 0 for value in inputs)
    return empty or gate.name in ("var", "std", "slice", "max_pool2d", "avg_pool2d", "conv2d")


# -- what must hold ------------------------------------------------------------------------------------------


def _try(gate: Gate, inputs: list[Any], attributes: dict[str, Any], smooth: bool) -> str | None:
    circuit = cs.Circuit()
    entering = dict(zip(gate.ports, inputs, strict=True))
    refused = None
    try:
        output = gate(*inputs, **attributes)
    except CircuitSimError as error:
        refused, output = error, None
    circuit.output("f", circuit.gate(gate, *circuit.inputs(list(gate.ports)), **attributes))
    found = [_run(make(circuit, nonfinite="ignore"), entering, output) for make in (cs.Simulation, cs.Compiled)]
    if refused is not None:
        raise refused
    pull, value, gradients = found[0]
    if not _same(*found):
        return f"the engines differ: {found}"
    if not same_bits(value, output):
        return f"an engine gives {value}, the gate by itself {output}"
    return (
        _against_numpy(gate, inputs, attributes, output)
        or _by_elements(gate, inputs, attributes, output)
        or (_against_differences(gate, inputs, attributes, pull, gradients) if smooth else None)
    )


def _run(engine: Any, entering: dict[str, Any], output: Any) -> Run:
    """Run forward and backward until compiled code is used; return what was pulled, the output and the gradients."""
    pull = as_value(np.cos(np.arange(np.size(output))).reshape(np.shape(output))) if output is not None else 1.0
    seen: list[Run] = []
    for _ in range(3):
        outputs = engine.forward(entering)
        seen.append((pull, outputs["f"], engine.backward(pull)))
    if not all(_same(seen[0], once) for once in seen):
        raise AssertionError(f"passes of one engine differ: {seen}")
    return seen[0]


def _same(one: Run, other: Run) -> bool:
    return same_bits(one[1], other[1]) and all(same_bits(one[2][port], other[2][port]) for port in one[2])


def _against_numpy(gate: Gate, inputs: list[Any], attributes: dict[str, Any], output: Any) -> str | None:
    function = next((function for function, one in numpy_gates.items() if one.name == gate.name), None)
    if function is None or gate.name in ("stack", "concat", "clip", "reduce_max", "reduce_min"):
        return None  # whose arguments are others
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = [np.asarray(inputs[0]) != 0.0, *inputs[1:]] if gate.name == "where" else inputs
        axis = {key: tuple(told) for key, told in attributes.items() if key == "axis" and isinstance(told, list)}
        expected = function(*first, **(attributes | axis))
    if not np.array_equal(np.asarray(expected, dtype=float), output, equal_nan=True):
        return f"NumPy gives {expected}, the gate {output}"
    return None


def _by_elements(gate: Gate, inputs: list[Any], attributes: dict[str, Any], output: Any) -> str | None:
    if not gate.elementwise or not np.shape(output):
        return None
    spread = np.broadcast_arrays(*inputs) if len(inputs) > 1 else [np.asarray(inputs[0])]
    alone = [gate(*map(float, row), **attributes) for row in zip(*(column.ravel() for column in spread), strict=True)]
    if not same_bits(np.reshape(alone, np.shape(output)), output):
        return f"numbers give {alone}, elements of an array {output}"
    return None


def _against_differences(
    gate: Gate, inputs: list[Any], attributes: dict[str, Any], pull: Any, gradients: dict[str, Any]
) -> str | None:
    if not all(np.isfinite(value).all() for value in (*inputs, gate(*inputs, **attributes), *gradients.values())):
        return None
    for port, name in enumerate(gate.ports):
        if name in gate.flat or (gate.name == "cross_entropy" and port == 1):
            continue  # they choose and do not count
        slopes = []
        for step in (1e-5, 5e-6):

            def moved(value: list[Any], port: int = port) -> Any:
                return np.multiply(pull, gate(*inputs[:port], *value, *inputs[port + 1 :], **attributes))

            slopes.append(np.asarray(cs.gates.finite_difference(moved, [inputs[port]], step)[0]))
        sure = np.abs(slopes[0] - slopes[1]) <= 1e-6 * np.maximum(1.0, np.abs(slopes[0]))  # no kink is near
        error = np.abs(slopes[1] - gradients[name]) / np.maximum(1.0, np.abs(slopes[1]))
        if np.any(sure & (error > 1e-4)):
            return f"port {name}: the gradient is {gradients[name]}, central differences give {slopes[1]}"
    return None
