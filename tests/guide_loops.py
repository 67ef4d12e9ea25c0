"""The guide's training loops in plain Python, number by number: what circuits must agree with to the last bit.

Written anew from its text: the short form of the SVM, and the two-layer network with its backward pass by hand.
"""

POINTS = [[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]]
LABELS = [1, -1, 1, -1, -1, 1]


def pull_on(score, label):
    if label == 1 and score < 1:
        return 1.0
    if label == -1 and score > -1:
        return -1.0
    return 0.0


def svm(start, order, step, spring=1.0):
    """Return a, b, c after the examples in `order` were shown."""
    a, b, c = start
    for i in order:
        (x, y), label = POINTS[i], LABELS[i]
        pull = pull_on(a * x + b * y + c, label)
        a += step * (x * pull - spring * a)
        b += step * (y * pull - spring * b)
        c += step * (1 * pull)
    return a, b, c


def network(start, order, step, spring=1.0):
    """Return the parameters of the network with three hidden neurons, by name."""
    p = dict(start)
    for i in order:
        (x, y), label = POINTS[i], LABELS[i]
        hidden = {k: max(0, p[f"a{k}"] * x + p[f"b{k}"] * y + p[f"c{k}"]) for k in (1, 2, 3)}
        score = p["a4"] * hidden[1] + p["b4"] * hidden[2] + p["c4"] * hidden[3] + p["d4"]
        pull = pull_on(score, label)
        felt = {"a4": hidden[1] * pull, "b4": hidden[2] * pull, "c4": hidden[3] * pull, "d4": 1.0 * pull}
        for k, weight in zip((1, 2, 3), ("a4", "b4", "c4"), strict=True):
            back = 0 if hidden[k] == 0 else p[weight] * pull
            felt |= {f"a{k}": x * back, f"b{k}": y * back, f"c{k}": 1.0 * back}
        for name in ("a1", "a2", "a3", "b1", "b2", "b3", "a4", "b4", "c4"):
            felt[name] += -spring * p[name]
        for name in p:
            p[name] += step * felt[name]
    return p
