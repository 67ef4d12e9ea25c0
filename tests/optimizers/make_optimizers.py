"""Write traces of PyTorch's optimizers to traces.json, for the tests.

PyTorch is no dependency: run this in an environment of its own, with ``pip install torch==2.13.0``::

    python tests/optimizers/make_optimizers.py

The loss is sum(weight * (value - goal)² / 2) + 0.1 * sum(cos(3 * value)), whose curvature differs from element to
element and changes its sign, so that every part of a rule shows.
"""

import json
from pathlib import Path

STEPS = 50
START = [1.0, -2.0, 0.5, 3.0]
WEIGHT = [1.0, 10.0, 0.1, 3.0]
GOAL = [0.0, 1.0, -1.0, 2.0]
RULES = {
    "sgd": ("SGD", {"lr": 0.05}),
    "momentum": ("SGD", {"lr": 0.02, "momentum": 0.9}),
    "nesterov": ("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True}),
    "adagrad": ("Adagrad", {"lr": 0.3, "eps": 1e-8}),
    "rmsprop": ("RMSprop", {"lr": 0.05, "alpha": 0.9, "eps": 1e-6}),
    "adam": ("Adam", {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-6}),
    "adamw": ("AdamW", {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-6, "weight_decay": 0.2}),
    "amsgrad": ("Adam", {"lr": 0.1, "betas": (0.9, 0.9), "eps": 1e-6, "amsgrad": True}),
}


def trace(torch, name, settings):
    """Return the values after each step."""
    value = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    weight, goal = (torch.tensor(numbers, dtype=torch.float64) for numbers in (WEIGHT, GOAL))
    optimizer = getattr(torch.optim, name)([value], foreach=False, **settings)
    values = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = (weight * (value - goal) ** 2 / 2).sum() + 0.1 * torch.cos(3 * value).sum()
        loss.backward()
        optimizer.step()
        values.append(value.tolist())
    return values


def main():
    """Write all of them."""
    import torch  # here, because the tests look into all modules for examples

    found = {
        name: {"settings": settings, "values": trace(torch, rule, settings)} for name, (rule, settings) in RULES.items()
    }
    told = {"torch": torch.__version__, "start": START, "weight": WEIGHT, "goal": GOAL, "rules": found}
    path = Path(__file__).with_name("traces.json")
    path.write_text(json.dumps(told).replace('"rules"', '\n"rules"').replace("]], ", "]],\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
