"""Write what PyTorch's gates give and send back to numbers.json, for the tests.

PyTorch is no dependency: run this in an environment of its own, with ``pip install torch==2.13.0``::

    python tests/gates/make_gates.py

Inputs and pulls are made by `numbers`, here and in the tests. A batch norm is trained for a while, then asked in
evaluation; everything is in float64.
"""

import json
from math import prod
from pathlib import Path

# What each case is given: the shapes of its inputs, and its attributes as the gate here takes them.
CONVOLUTIONS = {
    "plain": ([(2, 3, 5, 6), (4, 3, 3, 2)], {}),
    "stride and border": ([(2, 3, 7, 6), (4, 3, 3, 3)], {"stride": (2, 1), "pad": (1, 2)}),
    "two groups": ([(2, 4, 5, 5), (6, 2, 3, 3)], {"pad": 1, "groups": 2}),
    "a kernel for each channel": ([(3, 4, 6, 5), (4, 1, 2, 3)], {"stride": 2, "groups": 4}),
    "two kernels for each channel": ([(1, 3, 4, 4), (6, 1, 3, 3)], {"pad": 1, "groups": 3}),
    "one place": ([(2, 3, 4, 4), (5, 3, 4, 4)], {}),
}
ATTENTIONS = {
    "all look at all": ([(2, 3, 4), (2, 5, 4), (2, 5, 3), ()], {}),
    "causal": ([(2, 2, 4, 3), (2, 2, 4, 3), (2, 2, 4, 2), ()], {"causal": True}),
    "causal, fewer keys": ([(4, 3), (2, 3), (2, 3), ()], {"causal": True}),
    "mask": ([(2, 3, 4), (2, 5, 4), (2, 5, 3), (3, 5)], {}),
    "one set of keys": ([(3, 2, 4), (5, 4), (5, 3), (3, 2, 5)], {}),
}
NORMS = {
    "rows": ([(4, 6), (6,)], {"epsilon": 1e-5}),
    "large epsilon": ([(2, 3, 4), (4,)], {"epsilon": 0.5}),
}
BATCHES, MOMENTUM = 6, 0.1


def numbers(shape, seed):
    """Return numbers without much order: multiples of 1/8 between -3 and 3."""
    flat = [((n + 3 * seed + 1) * (7 + 2 * seed) * 5 % 49 - 24) / 8 for n in range(prod(shape))]
    return nested(flat, shape)


def nested(flat, shape):
    """Return a list of numbers as lists within lists."""
    if not shape:
        return flat[0]
    part = len(flat) // shape[0]
    return [nested(flat[n * part : (n + 1) * part], shape[1:]) for n in range(shape[0])]


def mask(shape):
    """Return who may look at whom: about two of three, and one query at nothing."""
    if not shape:
        return 1.0
    flat = [float(n * 5 % 7 > 1 and n >= shape[-1]) for n in range(prod(shape))]
    return nested(flat, shape)


def answers(torch, function, given):
    """Return the output and the gradient of each input, for a pull that differs from element to element."""
    leaves = [torch.tensor(numbers, dtype=torch.float64, requires_grad=True) for numbers in given]
    output = function(*leaves)
    output.backward(torch.tensor(numbers(output.shape, 9), dtype=torch.float64))
    return {"output": output.tolist(), "gradients": [leaf.grad.tolist() for leaf in leaves]}


def convolution(torch, shapes, attributes):
    """Return the answers of a convolution."""
    told = {{"pad": "padding"}.get(name, name): value for name, value in attributes.items()}
    given = [numbers(shape, seed) for seed, shape in enumerate(shapes)]
    return answers(torch, lambda x, kernels: torch.nn.functional.conv2d(x, kernels, **told), given)


def attention(torch, shapes, attributes):
    """Return the answers of attention; the mask has no gradient."""
    *given, seen = *(numbers(shape, seed) for seed, shape in enumerate(shapes[:3])), mask(shapes[3])
    chosen = torch.tensor(seen, dtype=torch.float64) != 0 if shapes[3] else None

    def function(queries, keys, values):
        causal = attributes.get("causal", False)
        return torch.nn.functional.scaled_dot_product_attention(
            queries, keys, values, attn_mask=chosen, is_causal=causal
        )

    return answers(torch, function, given)


def rms_norm(torch, shapes, attributes):
    """Return the answers of a norm."""
    given = [numbers(shape, seed) for seed, shape in enumerate(shapes)]
    last = shapes[0][-1:]
    return answers(
        torch, lambda x, scale: torch.nn.functional.rms_norm(x, last, scale, eps=attributes["epsilon"]), given
    )


def batch_norm(torch):
    """Return running statistics after each of some batches, and the answer to one image then."""
    layer = torch.nn.BatchNorm2d(3, momentum=MOMENTUM, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(numbers((3,), 1)))
        layer.bias.copy_(torch.tensor(numbers((3,), 2)))
    means, variances = [], []
    for seed in range(BATCHES):
        layer(torch.tensor(numbers((4, 3, 2, 2), seed), dtype=torch.float64))
        means.append(layer.running_mean.tolist())
        variances.append(layer.running_var.tolist())
    layer.eval()
    image = torch.tensor(numbers((1, 3, 2, 2), 7), dtype=torch.float64)
    return {"means": means, "variances": variances, "image": layer(image).tolist()}


def main():
    """Write all of them."""
    import torch  # here, because the tests look into all modules for examples

    found = {
        "torch": torch.__version__,
        "conv2d": {name: convolution(torch, *case) for name, case in CONVOLUTIONS.items()},
        "scaled_dot_product_attention": {name: attention(torch, *case) for name, case in ATTENTIONS.items()},
        "rms_norm": {name: rms_norm(torch, *case) for name, case in NORMS.items()},
        "batch_norm": batch_norm(torch),
    }
    path = Path(__file__).with_name("numbers.json")
    path.write_text(json.dumps(found).replace('"output"', '\n"output"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
