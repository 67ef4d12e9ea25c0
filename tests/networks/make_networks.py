"""Write the losses of networks that PyTorch trains to losses.json, for the tests.

PyTorch is no dependency: run this in an environment of its own, with ``pip install torch==2.13.0 scikit-learn``::

    python tests/networks/make_networks.py

The networks begin with the parameters that `convnet_start` and `recurrent_start` draw, here and in the tests, and are
shown the same examples in the same order. Everything is in float64.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np

IMAGES, IMAGE_STEPS, IMAGE_STEP = 32, 60, 0.1  # a batch, the number of updates, and how far one goes
HIDDEN, WINDOW, TEXT_STEPS, TEXT_STEP = 64, 25, 100, 0.003


@cache
def all_digits():
    """Return what scikit-learn has."""
    from sklearn.datasets import load_digits

    return load_digits()


def digits(number):
    """Return the images of a batch and their classes."""
    found = all_digits()
    chosen = (number * IMAGES + np.arange(IMAGES)) % len(found.target)
    return found.images[chosen][:, None] / 16.0, found.target[chosen]


def convnet_start():
    """Return the parameters of a network of two convolutions and a layer, as PyTorch has them."""
    random = np.random.default_rng(0)
    shapes = {"conv1.w": (8, 1, 3, 3), "conv1.b": (8,), "conv2.w": (16, 8, 3, 3), "conv2.b": (16,)}
    shapes |= {"dense.w": (10, 64), "dense.b": (10,)}
    return {name: random.normal(0.0, np.prod(shape[1:]) ** -0.5, shape) for name, shape in shapes.items()}


def zen():
    """Return the numbers of the characters of the Zen of Python."""
    import codecs
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        import this
    text = codecs.decode(this.s, "rot13")
    characters = sorted(set(text))
    return np.array([characters.index(character) for character in text])


def windows(text):
    """Yield what is read and what comes next, a window after another, and whether it begins anew."""
    place = 0
    for step in range(TEXT_STEPS):
        again = step == 0 or place + WINDOW + 1 > len(text)
        place = 0 if again else place
        yield text[place : place + WINDOW], text[place + 1 : place + WINDOW + 1], again
        place += WINDOW


def recurrent_start(characters, gates):
    """Return the parameters of a recurrent network, as they stand here: rows are what goes in."""
    random = np.random.default_rng(1)
    shapes = {"wx": (characters, gates * HIDDEN), "wh": (HIDDEN, gates * HIDDEN), "b": (gates * HIDDEN,)}
    shapes |= {"wy": (HIDDEN, characters), "by": (characters,)}
    return {name: random.normal(0.0, 0.1, shape) for name, shape in shapes.items()}


def convnet_losses(torch):
    """Return the losses of a convolutional network on digits."""
    net = torch.nn
    conv1, conv2, dense = net.Conv2d(1, 8, 3, padding=1), net.Conv2d(8, 16, 3, padding=1), net.Linear(64, 10)
    layers = {"conv1": conv1, "conv2": conv2, "dense": dense}
    model = net.Sequential(
        conv1, net.ReLU(), net.MaxPool2d(2), conv2, net.ReLU(), net.MaxPool2d(2), net.Flatten(), dense
    ).double()
    with torch.no_grad():
        for name, value in convnet_start().items():
            layer, _, kind = name.partition(".")
            (layers[layer].weight if kind == "w" else layers[layer].bias).copy_(torch.tensor(value))
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=IMAGE_STEP), []
    for step in range(IMAGE_STEPS):
        images, classes = digits(step)
        loss = net.functional.cross_entropy(model(torch.tensor(images)), torch.tensor(classes))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def recurrent_losses(torch, kind, gates):
    """Return the losses of a network that reads a text, window by window, and goes on from the state it was in."""
    text = zen()
    characters = int(text.max()) + 1
    cell = getattr(torch.nn, kind)(characters, HIDDEN, batch_first=True).double()
    dense = torch.nn.Linear(HIDDEN, characters).double()
    start = {name: torch.tensor(value) for name, value in recurrent_start(characters, gates).items()}
    with torch.no_grad():
        cell.weight_ih_l0.copy_(start["wx"].T)
        cell.weight_hh_l0.copy_(start["wh"].T)
        cell.bias_ih_l0.copy_(start["b"])
        cell.bias_hh_l0.zero_().requires_grad_(False)  # one bias is enough
        dense.weight.copy_(start["wy"].T)
        dense.bias.copy_(start["by"])
    learned = [*(p for p in cell.parameters() if p is not cell.bias_hh_l0), *dense.parameters()]
    optimizer, losses, state = torch.optim.Adam(learned, lr=TEXT_STEP, foreach=False), [], None
    for read, wanted, again in windows(text):
        rows = torch.nn.functional.one_hot(torch.tensor(read), characters).double()[None]
        found, state = cell(rows, None if again else state)
        state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        loss = torch.nn.functional.cross_entropy(dense(found)[0], torch.tensor(wanted))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main():
    """Write all of them."""
    import torch  # here, because the tests look into all modules for examples

    found = {
        "torch": torch.__version__,
        "convnet": convnet_losses(torch),
        "rnn": recurrent_losses(torch, "RNN", 1),
        "lstm": recurrent_losses(torch, "LSTM", 4),
    }
    path = Path(__file__).with_name("losses.json")
    path.write_text(json.dumps(found).replace(', "', ',\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
