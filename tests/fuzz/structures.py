"""Forged circuits in JSON: refused in a sentence, or a circuit that both engines run alike."""

import copy
import json

import numpy as np

import circuitsim as cs
from tests.forging import THINGS, forge
from tests.fuzz.agreement import bits, came_of, run_both
from tests.fuzz.circuits import Wiring

VALUES = [0.0, 1.0, -2.5, 1e308, np.zeros(3), np.ones((2, 3)), np.zeros((0, 2)), np.ones((1, 3, 4, 4))]
TEXTS = [
    "1e999",
    "-0.0",
    "NaN",
    "Infinity",
    "9" * 5000,
    '"\\ud800"',
    "[" * 500,
    "{}",
    "null",
    '"x"',
    "1e-400",
    "\0",
    "﻿",
]
TEXTS += [
    '{"a":1,"a":2}',
    '{"float":"inf"}',
    '{"slice":[null,null,0]}',
    '{"array":[1.0],"shape":[1],"dtype":"float64"}',
]

NUMBERS = [
    2,
    3,
    -2,
    7,
    10**6,
    10**9,
    2**31,
    2**53,
    2**63,
    -(2**63) - 1,
    0.0,
    0.5,
    -0.5,
    1e300,
    {"tuple": [0, 1]},
    [0, 0],
]
NUMBERS += [
    {"float": "inf"},
    {"tuple": [1, 1]},
    {"slice": [None, None, -1]},
    {"slice": [0, 10**30, None]},
    False,
    "same",
]


def attempt(random, folder):
    circuit = Wiring(random).circuit if random.random() < 0.6 else _wide(random)
    text = circuit.to_json()
    if random.random() < 0.7:
        structure = json.loads(text)
        for _ in range(random.choice([1, 1, 1, 2, 4])):
            _forge(random, structure)
        forged = json.dumps(structure)
    else:
        forged = _damage(random, text)
    wrong = _read(random, forged)
    return wrong and f"{wrong}\n{forged[:8000]!r}"


def _wide(random):
    """Return a circuit of gates with attributes, which a forger changes."""
    c = cs.Circuit("wide")
    x = c.input("x", (None, 4))
    w = c.parameter("w", np.linspace(-1.0, 1.0, 12).reshape(4, 3))
    h = cs.layer_norm(cs.tanh(x @ w), 1.0, 0.0)
    parts = [cs.sum(h, axis=1), cs.mean(h, axis=-1), h[:, 0], cs.take(h, indices=[0, 2], axis=1)[:, 1]]
    parts += [cs.reshape(h, shape=(-1, 3))[:, 1], cs.transpose(h, axes=(1, 0))[2], h[:, 2]]
    parts += [cs.reduce_max(h, axis=1), cs.var(h, axis=1, keepdims=True)[:, 0], cs.logsumexp(h, axis=1)]
    chosen = random.sample(parts, random.randint(1, 4))
    total = chosen[0]
    for part in chosen[1:]:
        total = total + part
    if random.random() < 0.3:
        total = cs.dropout(total, c.input("draw"), rate=0.5, seed=1)
    if random.random() < 0.3:
        total = cs.stack(total, total, axis=0)
    if random.random() < 0.3:
        total = cs.concat(total, total, axis=0)
    if random.random() < 0.2:
        total = cs.one_hot(c.input("labels"), classes=3) + cs.sum(total)
    if random.random() < 0.2:
        image = c.input("image", (1, 1, 4, 4))
        total = cs.sum(total) + cs.max_pool2d(
            cs.conv2d(image, c.parameter("k", np.ones((2, 1, 3, 3))), pad=1), kernel=2
        )
    c.output("f", total)
    return c


def _forge(random, structure):
    """Change one place of a structure, often one where most changes are not refused at once."""
    nodes = structure["nodes"] if isinstance(structure.get("nodes"), list) else []
    inner = [node for node in nodes if isinstance(node, dict) and node.keys() & {"attributes", "value", "shape"}]
    if not inner or random.random() < 0.3:
        if structure:
            forge(structure, random)
        return
    node = random.choice(inner)
    key = random.choice(sorted(node.keys() & {"attributes", "value", "shape"}))
    if random.random() < 0.2 or not isinstance(node[key], dict | list) or not node[key]:
        node[key] = copy.deepcopy(random.choice(THINGS + NUMBERS))
    elif isinstance(node[key], dict) and key == "attributes" and random.random() < 0.5:
        node[key][random.choice(sorted(node[key]))] = copy.deepcopy(random.choice(THINGS + NUMBERS))
    else:
        forge(node[key], random)


def _damage(random, text):
    for _ in range(random.choice([1, 1, 2, 6])):
        at, to = sorted(random.randrange(len(text) + 1) for _ in range(2))
        text = (
            text[:at] + random.choice(["", random.choice(TEXTS), text[at:to]]) + text[random.choice([at, at + 1, to]) :]
        )
    return text


def _read(random, forged):
    circuit, wrong = came_of(lambda: cs.Circuit.from_json(forged))
    if wrong or isinstance(circuit, Exception):
        return wrong
    again = cs.Circuit.from_json(circuit.to_json())
    inputs = {}
    for name in circuit.names("input"):
        shape = circuit.graph.nodes[name].get("shape")
        inputs[name] = random.choice(VALUES)
        if shape is not None and np.prod([2 if n is None else n for n in shape], dtype=float) < 1e4:
            inputs[name] = np.full([2 if n is None else n for n in shape], 0.5)
    result, wrong = run_both(circuit, inputs)
    if wrong or isinstance(result, Exception):
        return wrong
    other, _ = run_both(again, inputs)
    return None if bits(result) == bits(other) else f"after a round trip: {other!r}, before {result!r}"
