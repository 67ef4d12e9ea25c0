"""Gates for arrays: rules against central differences, shapes as foretold, mistakes told before anything runs."""

import pickle
import warnings

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import circuitsim as cs
from circuitsim.gates import registry
from circuitsim.gates.value import as_value
from circuitsim.testing import check_gate
from tests.both import again
from tests.effort import tried

lengths = st.integers(1, 4)
shapes = st.lists(lengths, min_size=1, max_size=3).map(tuple)
batches = st.lists(lengths, max_size=2).map(tuple)


def numbers(shape, seed, apart=False):
    """Return random numbers; `apart` keeps them from ties, so that no kink is near."""
    random = np.random.default_rng(seed)
    if apart:
        return random.permutation(np.linspace(-2, 2, int(np.prod(shape)))).reshape(shape)
    return random.uniform(-2, 2, shape)


@st.composite
def reductions(draw):
    shape = draw(shapes)
    axes = draw(st.one_of(st.none(), st.integers(-len(shape), len(shape) - 1), st.permutations(range(len(shape)))))
    if isinstance(axes, list):
        axes = axes[: draw(st.integers(1, len(axes)))]
    return [numbers(shape, 0, apart=True)], {"axis": axes, "keepdims": draw(st.booleans())}


@st.composite
def along_an_axis(draw):
    shape = draw(shapes)
    return [numbers(shape, 0)], {"axis": draw(st.integers(-len(shape), len(shape) - 1))}


@st.composite
def products(draw):
    n, k, m = draw(st.tuples(lengths, lengths, lengths))
    batch = draw(batches)
    left = draw(st.sampled_from([(k,), (n, k), (*batch, n, k), (*batch[:1], 1, n, k)]))
    right = draw(st.sampled_from([(k,), (k, m), (*batch, k, m)]))
    try:
        np.broadcast_shapes(left[:-2], right[:-2])
    except ValueError:
        right = right[-2:]
    return [numbers(left, 0), numbers(right, 1)], {}


@st.composite
def reshapes(draw):
    shape = draw(shapes)
    return [numbers(shape, 0)], {
        "shape": draw(st.sampled_from([(-1,), shape[::-1], (1, *shape), (*shape[:-1], -1, 1)]))
    }


@st.composite
def transposes(draw):
    shape = draw(shapes)
    return [numbers(shape, 0)], {"axes": draw(st.one_of(st.none(), st.permutations(range(len(shape)))))}


@st.composite
def spreads(draw):
    inputs, attributes = draw(reductions())
    return inputs, attributes | {
        "ddof": draw(st.integers(0, cs.gates.tensor.count_along(*inputs, attributes["axis"]) - 1))
    }


@st.composite
def deviations(draw):
    inputs, attributes = draw(
        spreads().filter(lambda drawn: cs.gates.tensor.count_along(*drawn[0], drawn[1]["axis"]) > 1)
    )
    return inputs, attributes


@st.composite
def spread_out(draw):
    shape = draw(shapes)
    short = tuple(1 if draw(st.booleans()) else length for length in shape)[draw(st.integers(0, len(shape))) :]
    return [as_value(numbers(short, 0))], {"shape": shape}


@st.composite
def borders(draw):
    shape = draw(shapes)
    width = st.integers(0, 3)
    pairs = st.tuples(width, width)
    widths = draw(st.one_of(width, pairs, st.tuples(*[pairs] * len(shape))))
    return [numbers(shape, 0)], {"widths": widths, "value": draw(st.sampled_from([0.0, -1.5]))}


@st.composite
def slices(draw):
    shape = draw(shapes)
    parts = [draw(st.sampled_from([0, -1, None, [0, length], [1, None], slice(None, None, -1)])) for length in shape]
    return [numbers(shape, 0)], {"slices": parts[: draw(st.integers(1, len(parts)))]}


@st.composite
def takes(draw):
    shape = draw(shapes)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    chosen = draw(st.lists(st.integers(0, shape[axis] - 1), min_size=1, max_size=5))
    return [numbers(shape, 0)], {"indices": chosen, "axis": axis}


@st.composite
def pairs(draw):
    rows, cols = draw(lengths), draw(lengths)
    chosen = draw(st.lists(st.tuples(st.integers(0, rows - 1), st.integers(0, cols - 1)), min_size=1, max_size=6))
    return [numbers((rows, cols), 0)], {"rows": [r for r, _ in chosen], "cols": [c for _, c in chosen]}


@st.composite
def concats(draw):
    shape = draw(shapes)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    parts = []
    for seed in range(draw(st.integers(1, 4))):
        lengthened = list(shape)
        lengthened[axis] = draw(lengths)
        parts.append(numbers(lengthened, seed))
    return parts, {"axis": axis}


@st.composite
def stacks(draw):
    shape = draw(batches)
    parts = [as_value(numbers(shape, seed)) for seed in range(draw(st.integers(1, 4)))]
    return parts, {"axis": draw(st.integers(-len(shape) - 1, len(shape)))}


@st.composite
def choices(draw):
    shape = draw(shapes)
    return [1.0 * (numbers(shape, 0) > 0), numbers(shape[-1:], 1), numbers(shape, 2)], {}


@st.composite
def clips(draw):
    shape = draw(shapes)
    return [numbers(shape, 0), -1.0, numbers(shape[-1:], 2) / 4 + 1.0], {}


@st.composite
def entropies(draw):
    shape = draw(shapes)
    labels = np.random.default_rng(1).integers(0, shape[-1], shape[:-1])
    wanted = np.exp(numbers(shape, 2))
    target = draw(st.sampled_from([labels, wanted / wanted.sum(axis=-1, keepdims=True)]))
    return [numbers(shape, 0), as_value(target)], {}


@st.composite
def hinges(draw):
    shape = draw(shapes)
    labels = np.random.default_rng(1).integers(0, shape[-1], shape[:-1])
    return [numbers(shape, 0, apart=True) / 3.0, as_value(labels)], {}


@st.composite
def norms(draw):
    axis = draw(st.sampled_from([0, -1, (0, 1), (0, 2, 3)]))
    shape = (3, 2, 4, 2) if axis == (0, 2, 3) else (3, 5)
    kept = {0: shape[1:], -1: shape[-1:], (0, 1): (1, 1), (0, 2, 3): (2, 1, 1)}[axis]
    return [numbers(shape, 0), numbers(kept, 1), numbers(kept, 2)], {"axis": axis}


@st.composite
def images(draw):
    shape = draw(st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(3, 6), st.integers(3, 6)))
    return numbers(shape, 0, apart=True)


@st.composite
def convolutions(draw):
    x, groups = draw(images()), draw(st.integers(1, 2))
    x = np.tile(x, (1, groups, 1, 1))
    counts = draw(st.integers(1, 3)) * groups, x.shape[1] // groups
    kernels = numbers((*counts, draw(st.integers(1, 3)), draw(st.integers(1, 3))), 1)
    step, width = st.integers(1, 2), st.integers(0, 2)
    pad = draw(st.one_of(width, st.tuples(width, width), st.tuples(st.tuples(width, width), st.tuples(width, width))))
    return [x, kernels], {"stride": draw(st.one_of(step, st.tuples(step, step))), "pad": pad, "groups": groups}


@st.composite
def scaled(draw):
    inputs, attributes = draw(norms())
    return inputs[:2], attributes


@st.composite
def fixed_norms(draw):
    shape = draw(shapes)
    mean, scale, shift = (numbers(shape[-1:], seed) for seed in (1, 2, 3))
    return [numbers(shape, 0), scale, shift, mean, 0.5 + np.square(numbers(shape[-1:], 4))], {"epsilon": 0.1}


@st.composite
def attentions(draw):
    batch, (one, two, three, four) = draw(st.sampled_from([(), (2,), (2, 3)])), [draw(lengths) for _ in range(4)]
    mask = draw(st.sampled_from([1.0, 1.0 * (numbers((one, two), 4) > -1), 1.0 * (numbers((*batch, 1, two), 4) > 0)]))
    shapes = (*batch, one, three), (two, three), (*batch, two, four)
    return [*(numbers(shape, seed) for seed, shape in enumerate(shapes)), mask], {"causal": draw(st.booleans())}


@st.composite
def pools(draw):
    size = st.integers(1, 3)
    return [draw(images())], {
        "kernel": draw(st.one_of(size, st.tuples(size, size))),
        "stride": draw(st.one_of(st.none(), size, st.tuples(size, size))),
    }


@st.composite
def dropouts(draw):
    return [numbers(draw(shapes), 0), draw(st.sampled_from([-1.0, 0.0, 5.0]))], {"rate": 0.3, "seed": 1}


@st.composite
def lookups(draw):
    rows = draw(lengths)
    wanted = draw(st.lists(st.integers(0, rows - 1), min_size=1, max_size=5))
    return [numbers((rows, 3), 0), np.array(wanted, float)], {}


CASES = {
    "avg_pool2d": pools(), "batch_norm": norms(), "batch_norm_inference": fixed_norms(),
    "broadcast_to": spread_out(),
    "clip": clips(), "concat": concats(), "conv2d": convolutions(),
    "crammer_singer": hinges(), "cross_entropy": entropies(), "dropout": dropouts(),
    "embedding": lookups(), "layer_norm": norms(), "log_softmax": along_an_axis(),
    "logsumexp": reductions(), "matmul": products(), "max_pool2d": pools(),
    "mean": reductions(), "pad": borders(),
    "one_hot": st.just(([np.array([2.0, 0.0])], {"classes": 3})), "reduce_max": reductions(),
    "reduce_min": reductions(), "reshape": reshapes(), "slice": slices(), "softmax": along_an_axis(),
    "stack": stacks(), "std": deviations(), "sum": reductions(), "take": takes(),
    "rms_norm": scaled(), "scaled_dot_product_attention": attentions(), "take_pairs": pairs(),
    "transpose": transposes(),
    "var": spreads(), "weston_watkins": hinges(), "where": choices(),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=tried(40))
@given(data=st.data())
def test_rules_agree_with_central_differences_and_shapes_are_foretold(name, data):
    inputs, attributes = data.draw(CASES[name])
    gate = registry[name].for_inputs(len(inputs))
    output = gate(*inputs, **attributes)
    foretold = gate.shape_rule(*map(np.shape, inputs), **attributes)
    assert foretold in (None, np.shape(output))
    flat = {gate.ports.index(port) for port in gate.flat}  # they choose and do not count: no difference is taken there
    if name == "cross_entropy" and np.ndim(inputs[1]) < np.ndim(inputs[0]):
        flat = {1}
    pull = np.random.default_rng(3).uniform(-1, 1, np.shape(output))
    for port in set(range(len(inputs))) - flat:
        share = gate.vjps[port](as_value(pull), output, *inputs, **attributes)
        slopes = cs.gates.finite_difference(
            lambda v, port=port: as_value(pull * gate(*inputs[:port], v[0], *inputs[port + 1 :], **attributes)),
            [inputs[port]],
        )
        np.testing.assert_allclose(cs.gates.value.fit(as_value(share), inputs[port]), slopes[0], rtol=1e-5, atol=1e-6)


def softmax(x):
    powers = anp.exp(x - anp.max(x, axis=-1, keepdims=True))
    return powers / anp.sum(powers, axis=-1, keepdims=True)


@settings(max_examples=tried(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 5), st.integers(1, 5), st.integers(2, 5), st.integers(0, 1000))
def test_a_layer_agrees_with_autograd(engine, batch, features, classes, seed):
    x, weights, bias = (
        numbers((batch, features), seed),
        numbers((features, classes), seed + 1),
        numbers(classes, seed + 2),
    )
    labels = np.random.default_rng(seed).integers(0, classes, batch)

    circuit = cs.Circuit()
    wire = circuit.input("x", shape=(None, features))
    w, b = circuit.parameters(w=weights, b=bias)
    circuit.output("loss", cs.mean(cs.cross_entropy(wire @ w + b, circuit.input("labels"))))
    runner = engine(circuit)
    for _ in range(2):
        outputs, gradients = runner.forward({"x": x, "labels": labels}), runner.backward()

    def loss(x, w, b):
        return -anp.mean(anp.log(softmax(anp.dot(x, w) + b))[anp.arange(batch), labels])

    np.testing.assert_allclose(outputs["loss"], loss(x, weights, bias), rtol=1e-10)
    for name, slope in zip("xwb", autograd.grad(loss, (0, 1, 2))(x, weights, bias), strict=True):
        np.testing.assert_allclose(gradients[name], slope, rtol=1e-8, atol=1e-12)


def test_cross_entropy_takes_classes_and_one_hot_rows_alike():
    scores, labels = numbers((4, 3), 0), np.array([0.0, 2.0, 1.0, 2.0])
    rows = cs.one_hot(labels, classes=3)
    assert cs.cross_entropy(scores, labels).tolist() == cs.cross_entropy(scores, rows).tolist()
    assert cs.cross_entropy([1000.0, -1000.0], 1.0) == 2000.0


def test_dropout_drops_its_share_and_draws_anew():
    x = np.ones((100, 100))
    dropped = cs.dropout(x, 0, rate=0.2, seed=1)
    assert np.mean(dropped == 0) == pytest.approx(0.2, abs=0.02)
    assert set(np.unique(dropped)) == {0.0, 1.25}
    assert (cs.dropout(x, 0, rate=0.2, seed=1) == dropped).all()
    assert (cs.dropout(x, 1, rate=0.2, seed=1) != dropped).any()
    assert (cs.dropout(x, -1, rate=0.2) == x).all()


def test_gates_of_many_inputs_know_their_number(engine):
    circuit = cs.Circuit()
    wires = circuit.inputs("a b c")
    circuit.output("f", cs.sum(cs.stack(*wires) * [1.0, 2.0, 3.0]))
    assert circuit.graph.nodes["stack1"]["gate"].arity == 3
    runner = engine(pickle.loads(pickle.dumps(circuit)))
    assert runner.forward({"a": 1, "b": 1, "c": 1}) == {"f": 6.0}
    assert runner.backward() == {"a": 1.0, "b": 2.0, "c": 3.0}
    with pytest.raises(cs.GateError, match="concat was given no inputs"):
        cs.concat()


def test_wires_are_sliced_and_multiplied_as_arrays_are(engine):
    circuit = cs.Circuit()
    x = circuit.input("x")
    circuit.output("f", (x @ [[1.0], [2.0]])[0:1, 0])
    runner = engine(circuit)
    assert runner.forward({"x": np.eye(2)})["f"].tolist() == [1.0]
    assert runner.backward()["x"].tolist() == [[1.0, 2.0], [0.0, 0.0]]
    with pytest.raises(cs.WireError, match=r"wire 'x' .* is not iterable before a value flows: take its elements"):
        list(x)


def image(wire, channels):
    return wire.circuit.constant(np.ones((1, channels, 4, 4)))


@pytest.mark.parametrize(("make", "words"), [
    (lambda x, w: cs.matmul(x, cs.transpose(w)), r"'matmul1' \(matmul\) of circuit 'wrong' cannot take shapes "
     r"\(\?, 3\) and \(4, 3\): the first has rows of 3, the second has columns of 4"),
    (lambda x, w: x + w, r"'add1' \(add\) .* \(\?, 3\) and \(3, 4\): they do not broadcast"),
    (lambda x, w: cs.reshape(w, shape=(5, -1)), r"'reshape1' .* \(3, 4\): 12 numbers do not fill the shape \(5, -1\)"),
    (lambda x, w: cs.sum(w, axis=2), r"'sum1' \(sum\) .* shapes \(3, 4\): there is no axis 2"),
    (lambda x, w: cs.concat(x, w, axis=0), r"'concat1' .* \(\?, 3\) and \(3, 4\): they differ along axis 1"),
    (lambda x, w: cs.stack(w, cs.transpose(w)), r"'stack1' .* \(3, 4\) and \(4, 3\): they differ"),
    (lambda x, w: cs.conv2d(x, w), r"'conv2d1' .* give images of \(batch, channels, height, width\)"),
    (lambda x, w: cs.conv2d(image(x, 3), np.ones((4, 1, 2, 2)), groups=2),
     r"'conv2d1' .* groups=2 does not divide the 3 channels of the images: give a number that does"),
    (lambda x, w: cs.conv2d(image(x, 2), np.ones((3, 1, 2, 2)), groups=2),
     r"'conv2d1' .* groups=2 does not divide the 3 kernels: give a number that does"),
    (lambda x, w: cs.conv2d(image(x, 4), np.ones((2, 4, 2, 2)), groups=2),
     r"'conv2d1' .* the images have 4 channels, the kernels take 4 for each of 2 groups"),
    (lambda x, w: cs.conv2d(image(x, 1), np.ones((1, 1, 5, 5))), "a kernel of 5 does not fit into 4"),
    (lambda x, w: cs.rms_norm(x, np.ones((2, 2, 3))), "the scale has more axes than what it scales"),
    (lambda x, w: cs.scaled_dot_product_attention(x, x, x, np.ones((2, 2, 3, 3))),
     r"the mask of shape \(2, 2, 3, 3\) does not broadcast to queries and keys, \(\?, \?\): give one number for each"),
    (lambda x, w: cs.scaled_dot_product_attention(w, w, w, np.ones((3, 4))),
     r"the mask of shape \(3, 4\) does not broadcast to queries and keys, \(3, 3\)"),
    (lambda x, w: cs.scaled_dot_product_attention(x, w, w, 1.0), "queries have 3 features and keys 4: make them equal"),
    (lambda x, w: cs.scaled_dot_product_attention(w, w, np.ones((2, 4)), 1.0),
     "there are 3 keys and 2 values: give one value for each key"),
    (lambda x, w: cs.scaled_dot_product_attention(w[0], w, w, 1.0),
     r"give queries and keys of \(..., count, features\)"),
    (lambda x, w: cs.transpose(w, axes=(0, 0)), r"'transpose1' .* \(0, 0\) names an axis twice"),
    (lambda x, w: w[5], r"'slice1' .* \(3, 4\): index 5 is out of bounds"),
    (lambda x, w: cs.cross_entropy(w, [0.0, 1.0]), r"'cross_entropy1' .* \(3, 4\) and \(2,\): they do not broadcast"),
])  # fmt: skip
def test_shapes_that_cannot_meet_are_told_before_anything_runs(make, words):
    circuit = cs.Circuit("wrong")
    x = circuit.input("x", shape=(None, 3))
    circuit.output("f", make(x, circuit.parameter("w", np.ones((3, 4)))))
    with pytest.raises(cs.ShapeError, match=words):
        circuit.validate()


def test_an_attribute_that_is_missing_is_named():
    with pytest.raises(cs.GateError, match="reshape needs its attribute 'shape': give it by name, shape="):
        cs.reshape(cs.Circuit().input("x"))


def test_wrong_shapes_at_run_time_name_the_gate(engine):
    circuit = cs.Circuit()
    circuit.output("f", circuit.input("x") @ circuit.parameter("w", np.ones((3, 4))))
    runner = engine(circuit)
    for _ in range(2):
        with pytest.raises(cs.ShapeError, match=r"gate 'matmul1' \(matmul\) cannot take shapes \(2, 2\) and \(3, 4\)"):
            runner.forward({"x": np.ones((2, 2))})
        assert runner.forward({"x": np.ones((2, 3))})["f"].shape == (2, 4)


def test_an_input_of_another_shape_than_declared(engine):
    circuit = cs.Circuit("rows")
    circuit.output("f", circuit.input("x", shape=(None, 2)) * 2)
    runner = engine(circuit)
    assert runner.forward({"x": [[1, 2]]})["f"].tolist() == [[2.0, 4.0]]
    with pytest.raises(cs.ShapeError, match=r"input 'x' of circuit 'rows' has shape \(2,\), declared was \(\?, 2\)"):
        runner.forward({"x": [1, 2]})


def test_shapes_are_known_as_far_as_they_can_be():
    circuit = cs.Circuit()
    x = circuit.input("x", shape=(None, 3))
    hidden = cs.tanh(x @ circuit.parameter("w", np.ones((3, 4))))
    circuit.output("f", cs.sum(hidden, axis=0) + circuit.input("y"))
    assert circuit.shapes() == {
        "x": (None, 3), "w": (3, 4), "matmul1": (None, 4), "tanh1": (None, 4), "sum1": (4,),
    }  # fmt: skip


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_dense_is_mlp_in_matrices(engine, activation):
    """The same seed draws the same parameters, so scores and gradients agree, for an example or a batch."""
    sizes = [3, 4, 2]
    whole = engine(cs.dense(sizes, activation, init="uniform", seed=5))
    scalar = engine(cs.mlp(sizes, activation, init="uniform", seed=5))
    points = np.random.default_rng(1).normal(size=(6, 3))
    scores, gradients = whole.forward({"x": points})["scores"], whole.backward(1.0)
    apart = scalar.forward({f"x{i + 1}": points[:, i] for i in range(3)})
    felt = scalar.backward(1.0)
    np.testing.assert_allclose(scores, np.column_stack([apart["score1"], apart["score2"]]), rtol=1e-12)
    np.testing.assert_allclose(gradients["w1"][2, 3], felt["n1_4.w3"], rtol=1e-12)
    np.testing.assert_allclose(gradients["b2"], [felt["n2_1.b"], felt["n2_2.b"]], rtol=1e-12)
    np.testing.assert_allclose(whole.forward({"x": points[0]})["scores"], scores[0], rtol=1e-12)


@pytest.mark.parametrize(("make", "words"), [
    (lambda: cs.dense([3]), r"sizes=\[3\] make no network"),
    (lambda: cs.dense([3, 0]), "size is 0: give"),
    (lambda: cs.dense([3, 2], "step"), r"activation='step' is no gate of one input: .* relu, "),
    (lambda: cs.dense([3, 2], init="big"), "init='big' is unknown"),
])  # fmt: skip
def test_networks_that_cannot_be(make, words):
    with pytest.raises(cs.InputError, match=words):
        make()


def test_a_norm_has_the_shape_of_all_that_meets_in_it():
    circuit = cs.Circuit()
    circuit.output("f", cs.layer_norm(circuit.input("x", shape=(1, 2)), np.ones((3, 1)), 0.0))
    shape = cs.Simulation(circuit).forward({"x": [[1.0, 2.0]]})["f"].shape
    assert circuit.shapes()["layer_norm1"] == shape == (3, 2)


@pytest.mark.parametrize(
    ("gate", "shapes"),
    [
        (cs.cross_entropy, [(1, 3), (5, 3)]),
        (cs.batch_norm, [(3,), (3,), (2, 3)]),
        (cs.batch_norm, [(1, 2), (4, 1), (2,)]),
        (cs.layer_norm, [(1, 2), (4, 1), (2,)]),
        (cs.rms_norm, [(1, 2), (4, 1)]),
    ],
)
def test_what_is_spread_out_feels_the_sum(gate, shapes):
    random = np.random.default_rng(0)
    check_gate(gate, *(random.uniform(0.1, 0.9, shape) for shape in shapes))


@pytest.mark.parametrize(("scores", "target"), [((1,), (3,)), ((2, 3), (2, 1)), ((3,), (2, 3)), ((2, 3), (3,))])
def test_a_target_has_as_many_classes_as_the_scores(scores, target):
    for shapes in ([None, None], [scores, target]):
        circuit = cs.Circuit()
        x, y = (circuit.input(name, shape=shape) for name, shape in zip("xy", shapes, strict=True))
        circuit.output("f", cs.cross_entropy(x, y))
        with pytest.raises(cs.ShapeError, match=r"give one class number for each row|they do not broadcast"):
            cs.Simulation(circuit).forward({"x": np.ones(scores), "y": np.ones(target)})


@pytest.mark.parametrize(
    ("wire_up", "shape"),
    [
        (lambda x: cs.reduce_max(x, axis=-1), (0, 3)),
        (lambda x: cs.reduce_min(x, axis=(1, 2)), (0, 3, 2)),
        (lambda x: cs.max_pool2d(x), (0, 2, 4, 4)),
        (lambda x: cs.avg_pool2d(x), (0, 2, 4, 4)),
        (lambda x: cs.softmax(x), (0, 3)),
        (lambda x: cs.logsumexp(x, axis=1), (0, 3)),
        (lambda x: cs.cross_entropy(x, np.zeros(0)), (0, 3)),
        (lambda x: cs.conv2d(x, np.ones((1, 2, 3, 3))), (0, 2, 4, 4)),
        (lambda x: cs.conv2d(x, np.ones((4, 1, 3, 3)), groups=2), (0, 2, 4, 4)),
        (lambda x: cs.layer_norm(x, 1.0, 0.0), (0, 3)),
        (lambda x: cs.rms_norm(x, 1.0), (0, 3)),
        (lambda x: cs.scaled_dot_product_attention(x, x, x, 1.0, causal=True), (0, 2, 3)),
    ],
)
def test_an_empty_batch_goes_through_and_back(wire_up, shape):
    circuit = cs.Circuit()
    circuit.output("f", wire_up(circuit.input("x")))
    for engine in (cs.Simulation(circuit), cs.Compiled(circuit)):
        for _ in range(3):
            assert engine.forward({"x": np.zeros(shape)})["f"].shape[0] == 0
            assert engine.backward()["x"].shape == shape


ODD = [0.0, -0.0, 1.0, -1.0, 2.0, np.inf, -np.inf, np.nan]


def test_clip_is_that_of_numpy(engine):
    """With bounds that cross, at ties and at nan; at a tie of 0 and -0 NumPy itself has two answers."""
    x, low, high = (np.ravel(part) for part in np.meshgrid(ODD, ODD, ODD))
    circuit = cs.Circuit()
    circuit.output("f", cs.clip(*circuit.inputs("x low high")))
    inputs = {"x": x, "low": low, "high": high}
    outputs, gradients = again(engine(circuit, nonfinite="ignore"), inputs)
    np.testing.assert_array_equal(outputs["f"], np.clip(x, low, high))
    known = ~np.isnan(x) & ~np.isnan(low) & ~np.isnan(high)
    to_high = (high < x) | (high < low)
    to_low = (x < low) & ~to_high
    for name, chosen in (("x", ~to_high & ~to_low), ("low", to_low), ("high", to_high)):
        assert gradients[name][known].tolist() == (1.0 * chosen[known]).tolist(), name
    alone = [cs.clip(*map(float, row)) for row in zip(x, low, high, strict=True)]
    assert np.array(alone).tobytes() == outputs["f"].tobytes()


@pytest.mark.parametrize("x", [[[-np.inf] * 3, [0.0, -np.inf, 1.0]], [[-np.inf, -np.inf, 2.0], [-np.inf] * 3]])
def test_rows_that_are_masked_altogether_are_told_nothing(engine, x):
    """As in the attention of PyTorch and ONNX: no share of anything, and no nan in either direction."""
    masked = [all(np.isneginf(row)) for row in x]
    for gate, blank in ((cs.softmax, 0.0), (cs.log_softmax, -np.inf), (cs.logsumexp, -np.inf)):
        circuit = cs.Circuit()
        circuit.output("f", gate(circuit.input("x"), axis=-1))
        outputs, gradients = again(engine(circuit, nonfinite="ignore"), {"x": x})
        for row, is_masked in enumerate(masked):
            value = np.ravel(outputs["f"][row])
            assert not np.isnan(value).any()
            assert not np.isnan(gradients["x"][row]).any()
            assert (value == blank).all() == is_masked
            if is_masked and gate is not cs.log_softmax:
                assert gradients["x"][row].tolist() == [0.0] * 3


def test_attention_goes_through_rows_that_are_masked_altogether(engine):
    mask = np.array([[-np.inf, -np.inf], [0.0, -np.inf]])
    circuit = cs.Circuit()
    q, k, v = circuit.inputs("q k v")
    circuit.output("f", cs.softmax(q @ k.T + circuit.constant(mask)) @ v)
    inputs = {name: numbers((2, 2), seed) for seed, name in enumerate("qkv")}
    outputs, gradients = again(engine(circuit, nonfinite="ignore"), inputs)
    assert outputs["f"].tolist() == [[0.0, 0.0], inputs["v"][0].tolist()]
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())
    assert gradients["v"].tolist() == [[1.0, 1.0], [0.0, 0.0]]


def test_a_masked_class_costs_nothing_unless_it_is_wanted():
    rule = cs.cross_entropy.vjps[0]
    assert cs.cross_entropy([0.0, -np.inf], 0.0) == 0.0
    assert cs.cross_entropy([0.0, -np.inf], 1.0) == np.inf
    assert cs.cross_entropy([-np.inf, -np.inf], 1.0) == np.inf
    for scores, label, slope in (([0.0, -np.inf], 0.0, [0.0, 0.0]), ([-np.inf, -np.inf], 1.0, [0.0, -1.0])):
        assert rule(1.0, cs.cross_entropy(scores, label), np.array(scores), label).tolist() == slope


@pytest.mark.parametrize("shape", [(2, 3, 7, 6), (1, 1, 5, 9)])
@pytest.mark.parametrize(("size", "stride", "pad"), [
    ((3, 2), 1, 0), ((1, 3), (1, 2), 0), ((2, 2), (3, 1), (1, 0)), ((3, 3), (2, 2), ((0, 1), (2, 0))), ((2, 3), 2, 2),
])  # fmt: skip
def test_a_convolution_is_a_sum_at_each_place(engine, shape, size, stride, pad):
    x, kernels = numbers(shape, 0), numbers((2, shape[1], *size), 1)
    circuit = cs.Circuit()
    circuit.output("f", cs.conv2d(circuit.input("x"), circuit.parameter("k", kernels), stride=stride, pad=pad))
    found = engine(circuit).forward({"x": x})["f"]
    (down, right) = (stride, stride) if isinstance(stride, int) else stride
    sides = (pad, pad) if isinstance(pad, int) else pad
    sides = [(side, side) if isinstance(side, int) else side for side in sides]
    whole = np.pad(x, ((0, 0), (0, 0), *sides))
    for (n, out, row, column), value in np.ndenumerate(found):
        seen = whole[n, :, row * down : row * down + size[0], column * right : column * right + size[1]]
        assert value == pytest.approx(np.sum(seen * kernels[out]), rel=1e-12, abs=1e-12)
    rows, columns = ((whole.shape[2 + k] - size[k]) // (down, right)[k] + 1 for k in (0, 1))
    assert found.shape == (shape[0], 2, rows, columns)


@pytest.mark.parametrize(("kernel", "stride"), [((3, 2), (2, 1)), ((1, 4), None), (2, (1, 3)), ((2, 3), 1)])
def test_a_pool_looks_through_its_window_at_each_place(engine, kernel, stride):
    x = numbers((2, 2, 6, 7), 0, apart=True)
    (height, width), (down, right) = (
        (told, told) if isinstance(told, int) else told for told in (kernel, stride or kernel)
    )
    circuit = cs.Circuit()
    wire = circuit.input("x")
    circuit.output("max", cs.max_pool2d(wire, kernel=kernel, stride=stride))
    circuit.output("mean", cs.avg_pool2d(wire, kernel=kernel, stride=stride))
    found = engine(circuit).forward({"x": x})
    for (n, channel, row, column), value in np.ndenumerate(found["max"]):
        seen = x[n, channel, row * down : row * down + height, column * right : column * right + width]
        assert seen.shape == (height, width)
        assert value == seen.max()
        assert found["mean"][n, channel, row, column] == pytest.approx(seen.mean(), abs=1e-15)
    assert found["max"].shape[2:] == ((6 - height) // down + 1, (7 - width) // right + 1)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_pool_sends_the_gradient_to_the_first_of_equal_ones(engine, stride):
    x = np.array([[[[1.0, 1.0, 0.0, np.inf], [1.0, 1.0, 2.0, np.inf], [-np.inf] * 4, [-np.inf, -np.inf, 0.0, -0.0]]]])
    circuit = cs.Circuit()
    circuit.output("f", cs.max_pool2d(circuit.input("x"), kernel=2, stride=stride))
    runner = engine(circuit, nonfinite="ignore")
    for _ in range(2):
        output = runner.forward({"x": x})["f"]
        pull = 1.0 + np.arange(output.size).reshape(output.shape)
        found = runner.backward(pull)["x"]
    expected = np.zeros(x.shape)
    for (_, _, row, column), top in np.ndenumerate(output):
        seen = x[0, 0, row * stride : row * stride + 2, column * stride : column * stride + 2]
        assert top == seen.max()
        i, j = np.unravel_index(seen.argmax(), seen.shape)
        expected[0, 0, row * stride + i, column * stride + j] += pull[0, 0, row, column]
    assert found.tolist() == expected.tolist()


def test_functions_of_numpy_reach_the_new_gates(engine):
    circuit, x = cs.Circuit(), numbers((3, 4), 0)
    wire = circuit.input("x")
    circuit.output("std", np.std(wire, axis=1, ddof=1))
    circuit.output("var", np.var(wire, ddof=2, keepdims=True))
    circuit.output("spread", np.broadcast_to(wire, (2, 3, 4)))
    circuit.output("same", np.positive(wire))
    found = engine(circuit).forward({"x": x})
    assert found["std"].tolist() == np.std(x, axis=1, ddof=1).tolist()
    assert found["var"].tolist() == np.var(x, ddof=2, keepdims=True).tolist()
    assert found["spread"].tolist() == np.broadcast_to(x, (2, 3, 4)).tolist()
    assert found["same"].tolist() == x.tolist()
    with pytest.raises(cs.GateError, match=r"np.pad takes no wires, .*: write cs.pad\(x, widths=1\)"):
        np.pad(wire, 1)


def test_a_border_is_that_of_numpy(engine):
    circuit, x = cs.Circuit(), numbers((2, 3), 0)
    wire = circuit.input("x")
    for number, widths in enumerate((1, (0, 2), ((1, 0), (2, 3)))):
        circuit.output(f"f{number}", cs.pad(wire, widths=widths, value=-np.inf))
        assert (
            engine(circuit, nonfinite="ignore").forward({"x": x})[f"f{number}"].tobytes()
            == np.pad(x, widths, constant_values=-np.inf).tobytes()
        )


def test_where_nothing_varies_no_gradient_passes(engine):
    circuit = cs.Circuit()
    circuit.output("f", cs.std(circuit.input("x"), axis=1, ddof=1))
    runner = engine(circuit)
    outputs, gradients = again(runner, {"x": [[2.0, 2.0, 2.0], [0.0, 3.0, 6.0]]})
    assert outputs["f"].tolist() == [0.0, 3.0]
    assert gradients["x"].tolist() == [[0.0] * 3, [-0.5, 0.0, 0.5]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's, of the same
        with pytest.raises(cs.ShapeError, match=r"'std1' \(std\) cannot take shapes \(4, 1\): 1 numbers are too few"):
            runner.forward({"x": np.ones((4, 1))})


@pytest.mark.parametrize("slices", [[[]], [[0, 1, 2, 3]], ([0, 10**30],), [[0, [1]]]])
def test_an_index_that_numpy_does_not_take_is_refused_in_a_sentence(engine, slices):
    for shape in ((2, 3), None):  # when the gate is wired, and when it first runs
        circuit = cs.Circuit()
        with pytest.raises(cs.ShapeError, match="slice"):
            circuit.output("f", cs.slice(circuit.input("x", shape), slices=slices))
            engine(circuit).forward({"x": np.ones((2, 3))})


def test_logsumexp_of_nothing_is_minus_infinity():
    """As SciPy has it: log(0 + 0), row by row, and no NaN in other rows."""
    rows = np.array([[-np.inf, -np.inf], [0.0, -np.inf], [1e4, 1e4]])
    found = cs.logsumexp(rows, axis=1)
    np.testing.assert_allclose(found, [-np.inf, 0.0, 1e4 + np.log(2.0)], rtol=1e-15)
    assert cs.logsumexp([-np.inf, -np.inf]) == -np.inf
