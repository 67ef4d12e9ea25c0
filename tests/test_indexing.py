"""Choosing elements: `wire[...]`, `take`, `embedding`, held against NumPy's indexing and autograd's."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import circuitsim as cs
from tests.both import ENGINES, again
from tests.effort import tried
from tests.test_random_circuits import assert_same_bits

shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@st.composite
def indices(draw):
    """Return a shape and any index that NumPy takes for it: numbers, slices, None, ..., lists, arrays and masks."""
    shape = draw(shapes)
    whole = draw(st.booleans())
    if whole and all(shape):
        chosen = draw(npst.integer_array_indices(shape)) if shape else ()
    elif whole:
        chosen = (draw(npst.arrays(bool, shape)),)
    else:
        chosen = draw(npst.basic_indices(shape, allow_newaxis=True))
    parts = list(chosen) if isinstance(chosen, tuple) else [chosen]
    for place, length in enumerate(shape):  # mixtures
        kind = draw(st.sampled_from(["as it is", "list", "mask"]))
        if place < len(parts) and isinstance(parts[place], slice) and not any(part is Ellipsis for part in parts):
            if kind == "list" and length and None not in parts:
                parts[place] = draw(st.lists(st.integers(-length, length - 1), min_size=1, max_size=4))
            elif kind == "mask" and None not in parts:
                parts[place] = draw(st.lists(st.booleans(), min_size=length, max_size=length).filter(len))
    return shape, parts[0] if len(parts) == 1 and not isinstance(parts[0], list) else tuple(parts)


@settings(
    max_examples=tried(200), suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]
)
@given(indices(), st.booleans())
def test_an_index_means_what_it_means_to_numpy(engine, drawn, declared):
    shape, chosen = drawn
    x = np.arange(1.0, 1.0 + np.prod(shape, dtype=int)).reshape(shape)
    try:
        expected = x[chosen]
    except IndexError:  # masks and lists that do not go together
        return
    pull = np.cos(np.arange(float(np.size(expected)))).reshape(np.shape(expected))
    circuit = cs.Circuit()
    circuit.output("f", circuit.input("x", **({"shape": shape} if declared and shape else {}))[chosen])
    assert circuit.shapes().get("slice1", np.shape(expected)) == np.shape(expected)
    outputs, gradients = again(engine(circuit), {"x": x}, pull if np.shape(pull) else float(pull))
    assert np.shape(outputs["f"]) == np.shape(expected)
    assert np.array_equal(outputs["f"], expected)
    slope = autograd.grad(lambda x: anp.sum(x[chosen] * pull))(x)
    np.testing.assert_allclose(gradients["x"], slope, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize(("chosen", "value", "gradient"), [
    ([0, 0, 1], [1, 1, 2], [2, 1, 0]), (np.array([2, 2, 2]), [3, 3, 3], [0, 0, 3]), ([-1, 2], [3, 3], [0, 0, 2]),
    ([True, False, True], [1, 3], [1, 0, 1]), ((..., [0, 0]), [1, 1], [2, 0, 0]), (None, [[1, 2, 3]], [1, 1, 1]),
])  # fmt: skip
def test_what_is_chosen_twice_feels_both(engine, chosen, value, gradient):
    circuit = cs.Circuit()
    circuit.output("f", circuit.input("x")[chosen])
    outputs, gradients = again(engine(circuit), {"x": [1.0, 2.0, 3.0]})
    assert outputs["f"].tolist() == value
    assert gradients["x"].tolist() == gradient


def test_a_list_chooses_rows_as_in_numpy(engine):
    circuit = cs.Circuit()
    x = circuit.input("x", shape=(2, 2))
    circuit.output("rows", x[[0, 1]])
    circuit.output("element", x[0, 1])
    circuit.output("part", cs.slice(x, slices=[0, [1, 2]]))  # a list of parts: pairs cut
    assert circuit.shapes() == {"x": (2, 2), "slice1": (2, 2), "slice2": (), "slice3": (1,)}
    outputs = engine(circuit).forward({"x": [[1, 2], [3, 4]]})
    assert outputs["rows"].tolist() == [[1, 2], [3, 4]]
    assert outputs["element"] == 2.0
    assert outputs["part"].tolist() == [2.0]


@pytest.mark.parametrize("chosen", [1.5, "a", [0.5], (0, 1.0), slice(0.5, None), np.array([1.0]), {}, [[0], [0, 1.5]]])
def test_what_is_no_index_is_refused_when_it_is_wired(chosen):
    x = cs.Circuit().input("x")
    with pytest.raises(cs.GateError, match=r"^slices of slice is .*: give numbers, slices, lists of whole numbers or"):
        x[chosen]


def test_an_index_that_is_a_wire_is_refused():
    circuit = cs.Circuit()
    x, y = circuit.inputs("x y")
    with pytest.raises(cs.GateError, match=r"known when the gate is wired"):
        x[y]
    with pytest.raises(cs.GateError, match=r"known when the gate is wired"):
        x[0, y:]


@pytest.mark.parametrize("chosen", [(..., 0), [0, 0], ([0, 1], None), np.array([True, False]), slice(None, None, -1)])
def test_an_index_is_kept_with_the_circuit_and_the_trace(chosen, tmp_path):
    circuit = cs.Circuit()
    circuit.output("f", circuit.input("x")[chosen])
    x = np.arange(4.0).reshape(2, 2)
    run = cs.Simulation(circuit).run(x=x)
    run.save(tmp_path / "x.trace")
    kept = cs.Trace.load(tmp_path / "x.trace").netlist.nodes[1]
    assert repr(kept.attributes) == repr(run.trace.netlist.nodes[1].attributes)
    assert_same_bits({"f": kept.gate(x, **kept.attributes)}, run.outputs)
    again_wired = cs.Circuit.from_json(circuit.to_json())
    assert_same_bits(cs.Compiled(again_wired).forward({"x": x}), run.outputs)


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    axis=st.integers(-3, 2),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_taken_slices_add_up_in_order(shape, axis, seed, data):
    """Bit for bit as one sum after the other, whatever is done for speed."""
    axis %= len(shape)
    chosen = data.draw(
        npst.arrays(np.int64, st.sampled_from([(), (3,), (2, 4)]), elements=st.integers(0, shape[axis] - 1))
    )
    chosen = chosen - shape[axis] * data.draw(st.sampled_from([0, 1]))
    x = np.zeros(shape)
    output = np.take(x, chosen, axis)
    gradient = np.random.default_rng(seed).normal(size=output.shape) * 10.0 ** np.arange(
        output.shape[-1] if output.ndim else 1
    )
    gradient = gradient.reshape(output.shape)
    share = np.zeros(shape)
    np.add.at(share, (slice(None),) * axis + (chosen,), gradient)
    found = cs.take.vjps[0](gradient, output, x, indices=chosen, axis=axis)
    assert found.tobytes() == share.tobytes()
    if axis == 0 and (chosen >= 0).all():
        assert cs.embedding.vjps[0](gradient, output, x, 1.0 * chosen).tobytes() == share.tobytes()


@pytest.mark.parametrize("wrong", [0.5, -1.0, 3.0, np.nan, np.inf, 1e300])
def test_a_row_that_is_none_is_refused(engine, wrong):
    circuit = cs.Circuit()
    circuit.output("f", cs.embedding(circuit.parameter("table", np.eye(3)), circuit.input("row")))
    runner = engine(circuit, nonfinite="ignore")
    for _ in range(3):
        assert runner.forward({"row": [2, 0]})["f"].tolist() == [[0, 0, 1], [1, 0, 0]]
    with pytest.raises(
        cs.InputError, match=r"embedding was given .* for one of 3 rows: give whole numbers from 0 to 2"
    ):
        runner.forward({"row": [0.0, wrong]})


def test_a_rule_of_stack_given_wires_wires_up():
    for engine in ENGINES:
        circuit = cs.Circuit()
        gradient, output, a, b = circuit.inputs("gradient output a b")
        circuit.output("share", cs.stack.for_inputs(2).vjps[1](gradient, output, a, b, axis=0))
        inputs = {"gradient": [1.5, 2.5], "output": [0, 0], "a": 0, "b": 0}
        assert engine(circuit).forward(inputs)["share"] == 2.5
