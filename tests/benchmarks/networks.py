"""Steps of training: a convolutional network, an LSTM and skip-gram, against NumPy by hand and PyTorch, eager.

All do the same arithmetic in float64 on one thread, forward, backward and an update by plain gradient descent, and the
losses of the first steps are compared before anything is timed.
"""

import numpy as np

import circuitsim as cs
from tests.benchmarks.engines import left_out
from tests.benchmarks.table import Row, in_turn

STEP = 0.05
WORDS, WIDTH, PAIRS, NEGATIVES = 43, 32, 128, 5  # of skip-gram
LETTERS, HIDDEN, WINDOW = 45, 64, 25  # of the LSTM


def stepping(circuit, given):
    """Return a function that makes a step of training and returns the loss, and the parameters at the start."""
    engine = cs.Compiled(circuit, nonfinite="ignore")
    engine.learn(cs.SGD(STEP))

    def step():
        loss = engine.forward(given)["loss"]
        engine.backward({"loss": -1.0})
        engine.update()
        return loss

    return step, {name: np.array(value) for name, value in engine.parameters.items()}


def compare(*steps):
    """Hold the losses of a few steps against one another."""
    for _ in range(3):
        losses = [step() for step in steps]
        np.testing.assert_allclose(losses, losses[0], rtol=1e-10)


def with_loss(circuit):
    """Let a network with scores have a loss."""
    scores = cs.Wire(circuit, circuit.outputs["scores"])
    circuit.output("loss", cs.mean(cs.cross_entropy(scores, circuit.input("target"))))
    return circuit


# -- by hand ---------------------------------------------------------------------------------------------------


def columns(x):
    """Return what kernels of 3 by 3 see of images with a border of 1: a row for each place."""
    n, c, h, w = x.shape
    whole = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    seen = np.lib.stride_tricks.sliding_window_view(whole, (3, 3), axis=(2, 3))
    return seen.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, c * 9)


def convolve(x, kernels, bias):
    """Return the convolution, and what the kernels saw."""
    n, _, h, w = x.shape
    seen = columns(x)
    made = seen @ kernels.reshape(len(kernels), -1).T
    return made.reshape(n, h, w, -1).transpose(0, 3, 1, 2) + bias, seen


def convolve_back(gradient, seen, kernels, shape):
    """Return the gradients of kernels, bias and images."""
    n, c, h, w = shape
    rows = gradient.transpose(0, 2, 3, 1).reshape(-1, len(kernels))
    shares = (rows @ kernels.reshape(len(kernels), -1)).reshape(n, h, w, c, 3, 3)
    whole = np.zeros((n, c, h + 2, w + 2))
    for i in range(3):
        for j in range(3):
            whole[:, :, i : i + h, j : j + w] += shares[..., i, j].transpose(0, 3, 1, 2)
    return (rows.T @ seen).reshape(kernels.shape), rows.sum(axis=0).reshape(-1, 1, 1), whole[:, :, 1:-1, 1:-1]


def pool(x):
    """Return the largest of each 2 by 2, and which it was."""
    n, c, h, w = x.shape
    seen = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)
    chosen = seen.argmax(axis=-1)[..., None]
    return np.take_along_axis(seen, chosen, -1)[..., 0], chosen


def pool_back(gradient, chosen, shape):
    """Put the gradient where the largest was."""
    n, c, h, w = shape
    share = np.zeros((*gradient.shape, 4))
    np.put_along_axis(share, chosen, gradient[..., None], -1)
    return share.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(shape)


def convnet_by_hand(p, x, classes):
    """Return a function that makes a step of training in plain NumPy."""
    n = len(x)

    def step():
        z1, seen1 = convolve(x, p["conv1.w"], p["conv1.b"])
        h1, chosen1 = pool(np.maximum(z1, 0.0))
        z2, seen2 = convolve(h1, p["conv2.w"], p["conv2.b"])
        h2, chosen2 = pool(np.maximum(z2, 0.0))
        flat = h2.reshape(n, -1)
        scores = flat @ p["dense.w"] + p["dense.b"]
        shifted = scores - scores.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        slope = np.exp(logs)
        slope[np.arange(n), classes] -= 1.0
        slope /= n
        found = {"dense.w": flat.T @ slope, "dense.b": slope.sum(axis=0)}
        back = pool_back((slope @ p["dense.w"].T).reshape(h2.shape), chosen2, z2.shape) * (z2 > 0.0)
        found["conv2.w"], found["conv2.b"], back = convolve_back(back, seen2, p["conv2.w"], h1.shape)
        back = pool_back(back, chosen1, z1.shape) * (z1 > 0.0)
        found["conv1.w"], found["conv1.b"], _ = convolve_back(back, seen1, p["conv1.w"], x.shape)
        for name, gradient in found.items():
            p[name] = p[name] - STEP * gradient
        return -logs[np.arange(n), classes].mean()

    return step


# -- PyTorch ---------------------------------------------------------------------------------------------------


def eager(torch, start, loss):
    """Return a function that makes a step of training in PyTorch; `loss` takes a dict of parameters."""
    p = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
    optimizer = torch.optim.SGD(p.values(), lr=STEP)

    def step():
        optimizer.zero_grad()
        found = loss(p)
        found.backward()
        optimizer.step()
        return found.item()

    return step


def convnet_loss(torch, x, classes):
    """Return the loss of a network of two convolutions and a layer."""
    x, classes, f = torch.tensor(x), torch.tensor(classes), torch.nn.functional

    def loss(p):
        h = f.max_pool2d(torch.relu(f.conv2d(x, p["conv1.w"], padding=1) + p["conv1.b"]), 2)
        h = f.max_pool2d(torch.relu(f.conv2d(h, p["conv2.w"], padding=1) + p["conv2.b"]), 2)
        return f.cross_entropy(h.reshape(len(x), -1) @ p["dense.w"] + p["dense.b"], classes)

    return loss


def lstm_loss(torch, x, target):
    """Return the loss of an LSTM, step by step as `circuitsim.lstm` is."""
    x, target, f = torch.tensor(x), torch.tensor(target), torch.nn.functional

    def loss(p):
        h, c, scores = torch.zeros(1, HIDDEN).double(), torch.zeros(1, HIDDEN).double(), []
        for step in range(WINDOW):
            total = f.embedding(x[:, step], p["wx"]) + h @ p["wh"] + p["b"]
            i, forget, g, o = total.chunk(4, dim=1)
            c = torch.sigmoid(forget) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            scores.append(h @ p["wy"] + p["by"])
        return f.cross_entropy(torch.stack(scores, dim=1)[0], target[0])

    return loss


def skip_gram(words=WORDS, width=WIDTH):
    """Return skip-gram with negative sampling: a word's vector against those of what stands beside it, or does not."""
    random, circuit = np.random.default_rng(0), cs.Circuit("skip-gram")
    words_in, words_out = (
        circuit.parameter(name, random.normal(0.0, 0.1, (words, width))) for name in ("inside", "outside")
    )
    chosen = cs.reshape(cs.embedding(words_in, circuit.input("word")), shape=(-1, 1, width))
    beside = cs.embedding(words_out, circuit.input("others"))
    scores = cs.sum(chosen * beside, axis=-1)
    circuit.output("loss", cs.mean(cs.sum(cs.softplus(-(circuit.input("side") * scores)), axis=1)))
    return circuit


def skip_gram_loss(torch, given):
    """Return the loss of skip-gram."""
    word, others, f = torch.tensor(given["word"]), torch.tensor(given["others"]), torch.nn.functional
    side = torch.tensor(given["side"])

    def loss(p):
        scores = (f.embedding(word, p["inside"])[:, None, :] * f.embedding(others, p["outside"])).sum(dim=-1)
        return f.softplus(-(side * scores)).sum(dim=1).mean()

    return loss


# -- rows ------------------------------------------------------------------------------------------------------


def rows():
    """Return all rows of this file."""
    random = np.random.default_rng(1)
    images, classes = random.random((32, 1, 8, 8)), random.integers(0, 10, 32)
    letters = random.integers(0, LETTERS, (1, WINDOW + 1))
    text, following = letters[:, :-1], letters[:, 1:]
    pairs = {
        "word": random.integers(0, WORDS, PAIRS),
        "others": random.integers(0, WORDS, (PAIRS, 1 + NEGATIVES)),
        "side": np.where(np.arange(1 + NEGATIVES) == 0, 1.0, -1.0) * np.ones((PAIRS, 1)),
    }
    convnet, convnet_start = stepping(with_loss(cs.convnet([1, 8, 8], [8, 16], 10)), {"x": images, "target": classes})
    lstm, lstm_start = stepping(
        with_loss(cs.lstm([LETTERS, HIDDEN, LETTERS], WINDOW, tokens=True)), {"x": text, "target": following}
    )
    words, words_start = stepping(skip_gram(), pairs)

    by_hand = convnet_by_hand(convnet_start.copy(), images, classes)
    compare(convnet, by_hand)
    ours, theirs = in_turn((convnet, 30), (by_hand, 30), rounds=15)
    note = f"{ours * 1e3:.2f} ms against {theirs * 1e3:.2f} ms"
    found = [Row("Compiled ÷ NumPy by hand (im2col), convnet 1x8x8-8-16-10, batch 32", ours / theirs, 1.3, True, note)]
    try:
        import torch
    except ImportError:
        return found + left_out("torch")
    torch.set_num_threads(1)
    tasks = (
        ("convnet 1x8x8-8-16-10, batch 32", 1.4, *stepping(
            with_loss(cs.convnet([1, 8, 8], [8, 16], 10)), {"x": images, "target": classes}
        ), convnet_loss(torch, images, classes)),
        (f"lstm {LETTERS}-{HIDDEN}-{LETTERS}, {WINDOW} steps", 1.05, lstm, lstm_start,
         lstm_loss(torch, text, following)),
        (f"skip-gram, {WORDS} words, {PAIRS} pairs", 1.05, words, words_start, skip_gram_loss(torch, pairs)),
    )  # fmt: skip
    for what, goal, step, start, loss in tasks:
        other = eager(torch, start, loss)
        compare(step, other)
        ours, theirs = in_turn((step, 30), (other, 30), rounds=15)
        note = f"{ours * 1e3:.2f} ms against {theirs * 1e3:.2f} ms"
        found.append(Row(f"Compiled ÷ PyTorch, eager on one thread, {what}", ours / theirs, goal, True, note))
    return found
