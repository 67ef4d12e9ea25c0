"""Builders of networks: what they wire up, what PyTorch's networks lose on the way, and what is refused."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.learning.optimizers import Adam
from tests.both import ENGINES, again
from tests.networks import make_networks as make
from tests.test_random_circuits import assert_same_bits

LOSSES = json.loads(Path(make.__file__).with_name("losses.json").read_text(encoding="utf-8"))


def with_loss(circuit):
    scores = cs.Wire(circuit, circuit.outputs["scores"])
    circuit.output("loss", cs.mean(cs.cross_entropy(scores, circuit.input("target"))))
    return circuit


# -- images ----------------------------------------------------------------------------------------------------


def convnet_parameters():
    start = make.convnet_start()
    start |= {name: start[name].reshape(-1, 1, 1) for name in ("conv1.b", "conv2.b")}
    return start | {"dense.w": start["dense.w"].T}


def test_a_convnet_loses_what_pytorch_loses():
    engines = [engine(with_loss(cs.convnet([1, 8, 8], [8, 16], 10))) for engine in ENGINES]
    for engine in engines:
        engine.set_parameters(convnet_parameters())
        engine.learn(cs.SGD(make.IMAGE_STEP))
    for step in range(make.IMAGE_STEPS):
        images, classes = make.digits(step)
        found = []
        for engine in engines:
            outputs = engine.forward({"x": images, "target": classes})
            found.append((outputs, engine.backward({"loss": -1.0})))
            engine.update()
        assert found[0][0]["loss"] == pytest.approx(LOSSES["convnet"][step], rel=0, abs=1e-12)
        if step % 20 == 0:
            assert_same_bits(*(gradients for _, gradients in found))
    assert_same_bits(*(engine.parameters for engine in engines))


def test_a_convnet_has_the_parameters_that_it_says():
    circuit = cs.convnet([1, 8, 8], [8, 16], 10, seed=3)
    parameters = cs.Compiled(circuit).parameters
    assert sum(np.size(value) for value in parameters.values()) == 1898
    assert {name: np.shape(value) for name, value in parameters.items()} == {
        "conv1.w": (8, 1, 3, 3), "conv1.b": (8, 1, 1), "conv2.w": (16, 8, 3, 3), "conv2.b": (16, 1, 1),
        "dense.w": (64, 10), "dense.b": (10,),
    }  # fmt: skip
    assert np.std(parameters["conv2.w"]) == pytest.approx(np.sqrt(2 / 72), rel=0.1)
    assert circuit.shapes()["conv2.max_pool2d1"] == (None, 16, 2, 2)
    odd = cs.convnet([3, 9, 6], [4], 2, "tanh", kernel=4, pool=1, init="xavier")
    assert cs.Compiled(odd).forward({"x": np.ones((5, 3, 9, 6))})["scores"].shape == (5, 2)


# -- text ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "gates"), [("rnn", 1), ("lstm", 4)])
def test_a_recurrent_network_loses_what_pytorch_loses(kind, gates):
    text = make.zen()
    characters = int(text.max()) + 1
    circuit = with_loss(
        getattr(cs, kind)([characters, make.HIDDEN, characters], make.WINDOW, tokens=True, carried=True)
    )
    engines = [engine(circuit) for engine in ENGINES]
    for engine in engines:
        engine.set_parameters(make.recurrent_start(characters, gates))
        engine.learn(Adam(make.TEXT_STEP))
    names = [name for name in engines[0].inputs if name.endswith("0")]
    state = begin = {name: np.zeros((1, make.HIDDEN)) for name in names}
    for step, (read, wanted, anew) in enumerate(make.windows(text)):
        given = {"x": read[None], "target": wanted[None], **(begin if anew else state)}
        outputs = engines[1].forward(given)
        gradients = engines[1].backward({"loss": -1.0})
        assert outputs["loss"] == pytest.approx(LOSSES[kind][step], rel=0, abs=1e-11)
        if step < 2:
            assert_same_bits(engines[0].forward(given), outputs)
            assert_same_bits(engines[0].backward({"loss": -1.0}), gradients)
            engines[0].update()
        engines[1].update()
        state = {name: outputs[f"{name[0]}{make.WINDOW}"] for name in names}


def test_both_directions_are_two_networks_and_a_sum():
    """Each half is an `rnn` of its own; the second reads backward."""
    x = np.random.default_rng(1).normal(size=(3, 5, 2))
    for cell in ("rnn", "lstm"):
        whole = cs.Compiled(cs.bidirectional([2, 4, 3], 5, cell, init="uniform", seed=1))
        halves = []
        for way, order in (("f", slice(None)), ("b", slice(None, None, -1))):
            half = cs.Compiled(getattr(cs, cell)([2, 4, 3], 5))
            half.set_parameters({name: whole.parameters[f"{way}.{name}"] for name in ("wx", "wh", "b")})
            half.set_parameters({"wy": whole.parameters[f"w{way}"], "by": np.zeros(3)})
            halves.append(half.forward({"x": x[:, order]})["scores"][:, order])
        found = whole.forward({"x": x})["scores"]
        np.testing.assert_allclose(found, sum(halves) + whole.parameters["by"], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("engine", ENGINES)
def test_networks_that_take_batches_are_shown_single_examples(engine):
    """Each is a batch of one, and a state is carried from one to the next."""
    text = make.zen()[: 5 * 4 + 1]
    circuit = cs.rnn([45, 6, 45], 5, tokens=True, carried=True, seed=1)
    carry = {"h0": ("h5", np.zeros((1, 6)))}
    trainer = cs.Trainer(engine(circuit), cs.forces.softmax, cs.SGD(0.1), carry=carry)
    read, wanted = text[:-1].reshape(4, 5), text[1:].reshape(4, 5)
    history = trainer.fit({"x": read}, wanted, 6, order="in order")
    other = cs.Compiled(circuit)
    other.learn(cs.SGD(0.1))
    state, losses = np.zeros((1, 6)), []
    for number in range(6):
        outputs = other.forward({"x": read[[number % 4]], "h0": state})
        losses.append(float(np.sum(cs.cross_entropy(outputs["scores"], wanted[[number % 4]]))))
        other.backward({"scores": cs.forces.softmax.pull(outputs["scores"], wanted[[number % 4]])})
        other.update()
        state = outputs["h5"]
    assert list(history.losses) == losses
    assert_same_bits(trainer.engine.parameters, other.parameters)
    images, classes = make.digits(0)
    convnet = cs.Trainer(engine(cs.convnet([1, 8, 8], [2], 10)), cs.forces.softmax, cs.SGD(0.1))
    assert convnet.fit({"x": images}, classes, 20, seed=0).iterations == 20


def test_two_hundred_steps():
    circuit = cs.rnn([3, 5, 2], 200, init="uniform")
    x = np.random.default_rng(0).normal(size=(2, 200, 3))
    (one, mine), (other, theirs) = (again(engine(circuit), {"x": x}) for engine in ENGINES)
    assert_same_bits(one, other)
    assert_same_bits(mine, theirs)
    assert one["scores"].shape == (2, 200, 2)


# -- chains ----------------------------------------------------------------------------------------------------


def every_way(scores, transitions):
    """Return all ways to label the places, and their scores."""
    ways = list(itertools.product(range(scores.shape[1]), repeat=len(scores)))
    places = range(len(scores))
    found = [
        sum(scores[place, way[place]] for place in places)
        + sum(transitions[way[place], way[place + 1]] for place in places[:-1])
        for way in ways
    ]
    return np.array(ways), np.array(found)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("places", "labels"), [(6, 4), (1, 3), (4, 1)])
def test_a_chain_sums_over_all_ways_and_finds_the_best(engine, places, labels):
    random = np.random.default_rng(places)
    scores, transitions = random.normal(size=(places, labels)), random.normal(size=(labels, labels))
    ways, found = every_way(scores, transitions)
    shares = np.exp(found - np.logaddexp.reduce(found))
    indicators = np.array([np.eye(labels)[way] for way in ways])
    for kind, total, marginals in (
        ("log-sum", np.logaddexp.reduce(found), np.tensordot(shares, indicators, 1)),
        ("max-sum", found.max(), indicators[found.argmax()]),
    ):
        runner = engine(cs.chain(places, labels, kind))
        runner.set_parameters({"transitions": transitions})
        for _ in range(2):
            assert runner.forward({"scores": scores})["total"] == pytest.approx(total, abs=1e-12)
            gradients = runner.backward()
        np.testing.assert_allclose(gradients["scores"], marginals, rtol=0, atol=1e-12)
        steps = [sum(np.outer(way[i], way[i + 1]) for i in range(places - 1)) for way in indicators]
        expected = np.tensordot(shares, steps, 1) if kind == "log-sum" else steps[found.argmax()]
        np.testing.assert_allclose(gradients["transitions"], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["log-sum", "max-sum"])
def test_a_chain_with_a_target_has_a_loss(kind):
    random = np.random.default_rng(1)
    circuit = cs.chain(4, 3, kind, features=5, target=True, margin=0.5, init="uniform", seed=1)
    runner = cs.Compiled(circuit)
    x, target = random.normal(size=(2, 4, 5)), np.array([[0, 1, 2, 1], [2, 2, 0, 0]])
    outputs, values = runner.forward({"x": x, "target": target}), runner.parameters
    assert list(outputs) == ["loss", "path", "total"]
    for row, labels in enumerate(target):
        scores = x[row] @ values["w"] + values["b"]
        ways, found = every_way(scores, values["transitions"])
        path = found[np.all(ways == labels, axis=1)][0]
        found = found + 0.5 * np.sum(ways != labels, axis=1)
        total = np.logaddexp.reduce(found) if kind == "log-sum" else found.max()
        assert outputs["path"][row] == pytest.approx(path, abs=1e-12)
        assert outputs["loss"][row] == pytest.approx(total - path, abs=1e-12)


# -- attention -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("causal", [False, True])
def test_a_block_is_made_of_what_its_gates_say(causal):
    """The heads are those of `scaled_dot_product_attention`, and the rest is NumPy."""
    circuit = cs.attention(7, 5, width=6, heads=2, hidden=8, causal=causal, seed=2)
    x = np.random.default_rng(0).integers(0, 7, (3, 5))
    engine = cs.Compiled(circuit)
    found, p = engine.forward({"x": x})["scores"], engine.parameters

    def normed(signal, scale):
        return scale * signal / np.sqrt(np.mean(signal * signal, axis=-1, keepdims=True) + 1e-5)

    signal = p["embed.table"][x] + p["embed.positions"]
    seen = normed(signal, p["attend.scale"])
    apart = [(seen @ p[f"attend.{name}"]).reshape(3, 5, 2, 3).transpose(0, 2, 1, 3) for name in ("wq", "wk", "wv")]
    heads = cs.scaled_dot_product_attention(*apart, 1.0, causal=causal)
    signal = signal + heads.transpose(0, 2, 1, 3).reshape(3, 5, 6) @ p["attend.wo"]
    hidden = np.maximum(normed(signal, p["feed.scale"]) @ p["feed.w1"] + p["feed.b1"], 0.0)
    signal = signal + hidden @ p["feed.w2"] + p["feed.b2"]
    expected = normed(signal, p["read.scale"]) @ p["read.w"] + p["read.b"]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    weights = engine.value("attend.weights")
    assert weights.shape == (3, 2, 5, 5)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, rtol=1e-12)
    assert (np.triu(weights, 1) == 0.0).all() == causal


def test_without_positions_places_are_alike():
    engine = cs.Compiled(cs.attention(4, 3, width=4, heads=1, positions=False))
    one, other = (engine.forward({"x": [tokens]})["scores"][0] for tokens in ([0, 1, 2], [2, 0, 1]))
    np.testing.assert_allclose(one, other[[1, 2, 0]], rtol=1e-12)


# -- what cannot be --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make_one", "words"), [
    (lambda: cs.convnet([8, 8], [8], 10), r"image=\[8, 8\] cannot be: give numbers, as in"),
    (lambda: cs.convnet([1, 8, 8], 8, 10), "channels=8 cannot be: give numbers, as in"),
    (lambda: cs.convnet([1, 8, 8], [8, 0], 10), "a number of channels is 0: give"),
    (lambda: cs.convnet([1, 8, 8], [8], 10, kernel=9),
     "kernel=9 is larger than the images of 8 by 8 that reach layer 1"),
    (lambda: cs.convnet([1, 8, 8], [8, 8, 8], 10), "kernel=3 is larger than the images of 2 by 2 that reach layer 3"),
    (lambda: cs.convnet([1, 2, 2], [2, 2], 2, kernel=1),
     "pool=2 is larger than the images of 1 by 1 that reach layer 2"),
    (lambda: cs.convnet([1, 8, 8], [8], 10, "step"), "activation='step' is no gate of one input"),
    (lambda: cs.rnn([45, 64], 25), r"sizes=\[45, 64\] make no recurrent network: give inputs, hidden and outputs, rnn"),
    (lambda: cs.lstm([45, 64, 0], 25), "size is 0: give"), (lambda: cs.rnn([4, 6, 4], 0), "steps is 0: give"),
    (lambda: cs.rnn([4, 6, 4], 2, init="big"), "init='big' is unknown"),
    (lambda: cs.rnn([4, 6, 4], 2, tokens=3), "tokens is 3: give True or False"),
    (lambda: cs.bidirectional([4, 6, 4], 2, "gru"), "cell='gru' is unknown"),
    (lambda: cs.chain(0, 3), "places is 0: give"), (lambda: cs.chain(3, 0), "labels is 0: give"),
    (lambda: cs.chain(3, 2, "sum"), "kind='sum' is unknown"),
    (lambda: cs.chain(3, 2, margin=1.0),
     "margin=1.0 is given to wrong labels, and none are told: give target=True too"),
    (lambda: cs.chain(3, 2, features=0), "features is 0: give"),
    (lambda: cs.attention(10, 8, width=30), "heads=4 do not divide width=30: give a number that does"),
    (lambda: cs.attention(0, 8), "tokens is 0: give"), (lambda: cs.attention(10, 8, causal=2), "causal is 2"),
])  # fmt: skip
def test_networks_that_cannot_be(make_one, words):
    with pytest.raises(cs.InputError, match=words):
        make_one()


@pytest.mark.parametrize("size", [10**9, 10**12])
@pytest.mark.parametrize("make_one", [
    lambda n: cs.convnet([1, 8, 8], [n], 2), lambda n: cs.convnet([n, 8, 8], [2], 2), lambda n: cs.rnn([2, 2, 2], n),
    lambda n: cs.lstm([2, n, 2], 3), lambda n: cs.chain(n, 2), lambda n: cs.chain(2, n), lambda n: cs.attention(n, 3),
    lambda n: cs.attention(3, n), lambda n: cs.bidirectional([2, 2, 2], n),
])  # fmt: skip
def test_networks_that_no_memory_holds_are_refused_at_once(make_one, size):
    with pytest.raises(cs.TooLargeError, match=r"network of|chain of|block of"):
        make_one(size)


def test_a_sequence_shorter_than_the_window_is_told():
    with pytest.raises(cs.ShapeError, match=r"'x' .*shape \(1, 24\).*\(\?, 25\)"):
        cs.Compiled(cs.rnn([4, 6, 4], 25, tokens=True)).forward({"x": np.zeros((1, 24))})
