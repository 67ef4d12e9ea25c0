"""Datasets, the user's own points from a file, and the ready-made circuits."""

import re
import subprocess
import sys

import numpy as np
import pytest
import sklearn.datasets
from hypothesis import given
from hypothesis import strategies as st

import circuitsim as cs


@pytest.mark.parametrize("name", ["guide", *cs.datasets.made])
def test_datasets_have_two_classes_and_repeat(name):
    make = cs.datasets.by_name[name]
    data = make()
    assert data.points.shape == (len(data), 2)
    assert data.targets == "sides"
    assert sorted(set(data.labels)) == [-1.0, 1.0]
    np.testing.assert_array_equal(data.points, make().points)
    if name != "guide":
        assert len(make(30)) == 30
        assert not np.array_equal(make(seed=1).points, data.points)
        with pytest.raises(cs.InputError, match="count is 1: give"):
            make(1)


@pytest.mark.parametrize(("name", "targets", "shape", "classes"), [
    ("iris", "classes", (150, 4), ("setosa", "versicolor", "virginica")),
    ("cancer", "sides", (569, 30), ("malignant", "benign")),
    ("diabetes", "numbers", (442, 10), None),
    ("digits", "classes", (1797, 64), tuple("0123456789")),
])  # fmt: skip
def test_datasets_of_scikit_learn_are_what_it_brings(name, targets, shape, classes):
    data = cs.datasets.by_name[name]()
    assert (data.name, data.targets, data.points.shape, data.classes) == (name, targets, shape, classes)
    assert len(data.features) == shape[1]
    loaders = {"cancer": "breast_cancer"}
    options = {"scaled": False} if name == "diabetes" else {}
    found = getattr(sklearn.datasets, f"load_{loaders.get(name, name)}")(**options)
    np.testing.assert_array_equal(data.points, found.data / (16 if name == "digits" else 1))
    if classes:
        assert [data.name_of(label) for label in data.labels] == [str(found.target_names[n]) for n in found.target]
    else:
        np.testing.assert_array_equal(data.labels, found.target)


def test_the_zen_is_what_python_prints():
    printed = subprocess.run([sys.executable, "-c", "import this"], capture_output=True, text=True, check=True).stdout
    data = cs.datasets.zen()
    assert "this" not in sys.modules  # it would print
    text = "".join(data.classes[int(number)] for number in [*data.points[:, 0], data.labels[-1]])
    assert text + "\n" == printed
    assert data.points[1:, 0].tolist() == data.labels[:-1].tolist()


@pytest.mark.parametrize(("arguments", "sentence"), [
    (("d", [[1.0], [2.0]], [1, -1], ["x", "y"]), "the points of dataset 'd' have shape (2, 1): give a row for each"),
    (("d", [1.0, 2.0], [1, -1], ["x"]), "the points of dataset 'd' have shape (2,): give a row for each"),
    (("d", [[1.0], [2.0]], [1], ["x"]), "dataset 'd' has 2 points and labels of shape (1,): give one label"),
    (("d", [[1.0], [2.0]], [0, 2], ["x"]), "dataset 'd' has a label 2, but its 2 classes are numbered 0 to 1, or -1"),
    (("d", [[1.0], [2.0]], [0, 3], ["x"], ("a", "b", "c")), "has a label 3, but its 3 classes are numbered 0 to 2; "),
    (("d", [["a"], [2.0]], [0, 1], ["x"]), "the points of dataset 'd' must be numbers"),
    (("d", [[1.0], [2.0]], ["cat", "dog"], ["x"]), "the labels of dataset 'd' must be numbers"),
])  # fmt: skip
def test_datasets_that_cannot_be(arguments, sentence):
    with pytest.raises(cs.InputError, match=re.escape(sentence)):
        cs.Dataset(*arguments)


def test_what_labels_are():
    of = {labels: cs.Dataset("d", [[0.0], [1.0]], labels, ["x"], ("no", "yes")) for labels in ((-1, 1), (0, 1), (1, 1))}
    assert [data.targets for data in of.values()] == ["sides", "classes", "sides"]
    assert [[data.name_of(label) for label in data.labels] for data in of.values()] == [
        ["no", "yes"], ["no", "yes"], ["yes", "yes"],
    ]  # fmt: skip
    assert cs.Dataset("d", [[0.0]], [2.5], ["x"], None).name_of(2.5) == "2.5"


def test_the_guides_points():
    data = cs.datasets.guide()
    assert data.points.tolist()[0] == [1.2, 0.7]
    assert data.labels.tolist() == [1, -1, 1, -1, -1, 1]


def test_without_scikit_learn_one_sentence(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn", None)
    with pytest.raises(cs.InputError, match="pip install scikit-learn, or take"):
        cs.datasets.moons()
    assert len(cs.datasets.spirals()) == 100


# -- tables -----------------------------------------------------------------------------------------------------


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "mine.csv"
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return cs.read_csv(path)


@pytest.mark.parametrize(("text", "features", "classes", "labels"), [
    ("1,2,1\n3,4,-1\n", ["x1", "x2"], ("-1", "1"), [1, -1]),
    ("a,b,label\n1,2,0\n3,4,1\n", ["a", "b"], ("0", "1"), [-1, 1]),
    ("label,a\nyes,1\nno,2\n", ["a"], ("no", "yes"), [1, -1]),
    ("a;b;kind\n1;2;cat\n\n3;4;dog\n", ["a", "b"], ("cat", "dog"), [-1, 1]),
    ("\ufeffa\tb\tc\ty\r\n1\t2\t3\t10\r\n3\t4\t5\t9\r\n", ["a", "b", "c"], ("9", "10"), [1, -1]),
    ("x,y,label\n1,2,1\n3,4,-1\n", ["x", "y"], ("-1", "1"), [1, -1]),  # y is where the point is, not what it is
    ("x,y,kind\n1,2,a\n3,4,b\n", ["x", "y"], ("a", "b"), [-1, 1]),
    ("Y,x1,x2\n0,1,2\n1,3,4\n", ["x1", "x2"], ("0", "1"), [-1, 1]),
    ("\n\na;b;label\n1;2;1\n3;4;-1\n", ["a", "b"], ("-1", "1"), [1, -1]),
    ('"w, cm";"h, cm, all";label\n1;2;1\n3;4;-1\n', ["w, cm", "h, cm, all"], ("-1", "1"), [1, -1]),
    ("1,1.0\n2,1\n3,2\n", ["x1"], ("1.0", "2"), [-1, -1, 1]),
])  # fmt: skip
def test_tables(tmp_path, text, features, classes, labels):
    data = read(tmp_path, text)
    assert (data.features, data.classes, data.labels.tolist()) == (features, classes, labels)
    assert data.points.shape == (len(labels), len(features))
    assert data.name == "mine.csv"


@pytest.mark.parametrize(("labels", "classes", "coded", "note"), [
    (["1", "-1"], ("-1", "1"), [1, -1], ""),
    (["0", "1"], ("0", "1"), [-1, 1], "Labels 0 and 1 are taken for -1 and +1."),
    (["dog", "cat"], ("cat", "dog"), [1, -1], "Labels cat and dog are taken for -1 and +1."),
    (["c", "a", "b", "a"], ("a", "b", "c"), [2, 0, 1, 0], "Labels a, b, c are numbered 0 to 2."),
    (["10", "9", "-1"], ("-1", "9", "10"), [2, 1, 0], "Labels -1, 9, 10 are numbered 0 to 2."),
    (["1.5", "2"], None, [1.5, 2], "The labels, 'label', are taken for numbers to predict."),
    ([str(n) for n in range(20)], tuple(map(str, range(20))), list(range(20)), None),
    ([str(n) for n in range(21)], None, list(range(21)), "The labels, 'label', are taken for numbers to predict."),
])  # fmt: skip
def test_how_labels_are_read(tmp_path, labels, classes, coded, note):
    data = read(tmp_path, "x,label\n" + "".join(f"{n},{label}\n" for n, label in enumerate(labels)))
    assert (data.classes, data.labels.tolist()) == (classes, coded)
    assert note is None or data.note == note


def test_labels_are_read_as_they_are_asked_for(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("x,y1,label\n1,2,1\n3,4,2\n", encoding="utf-8")
    assert cs.read_csv(path).labels.tolist() == [-1, 1]
    assert cs.read_csv(path, targets="numbers").labels.tolist() == [1, 2]
    path.write_text("x,label\n1,1.5\n3,0.5\n", encoding="utf-8")
    assert cs.read_csv(path, targets="classes").classes == ("0.5", "1.5")
    path.write_text("x,label\n1,cat\n3,dog\n", encoding="utf-8")
    with pytest.raises(cs.InputError, match=r"mine.csv, line 2, column 'label': 'cat' is no number"):
        cs.read_csv(path, targets="numbers")
    with pytest.raises(cs.InputError, match="targets='sides' cannot be"):
        cs.read_csv(path, targets="sides")


@given(points=st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3), min_size=2, max_size=9))
def test_what_is_written_is_read(tmp_path_factory, points):
    path = tmp_path_factory.mktemp("tables") / "mine.csv"
    path.write_text("\n".join(f"{a!r},{b!r},{c!r},{i % 2}" for i, (a, b, c) in enumerate(points)), encoding="utf-8")
    assert cs.read_csv(path).points.tolist() == [list(point) for point in points]


@pytest.mark.parametrize(("text", "sentence"), [
    ("", "mine.csv has no rows"),
    ("\n\n", "mine.csv has no rows"),
    ("a,b,label\n", "mine.csv has no rows below its heading"),
    ("a,b,label\n1,2,1\n3,-1\n", "mine.csv, line 3: there are 2 columns where 3 are due; 'label' is missing"),
    ("a,b,label\n1,2,1\n3,4,5,-1\n", "mine.csv, line 3: there are 4 columns where 3 are due"),
    ("a,b,label\n1,two,1\n3,4,-1\n", "mine.csv, line 2, column 'b': 'two' is no number"),
    ("1,2,1\n\n3,four,-1\n", "mine.csv, line 3, column 'x2': 'four' is no number"),
    ("1,,1\n3,4,-1\n", "mine.csv, line 1, column 'x2': the number is missing"),
    ("1,nan,1\n3,4,-1\n", "mine.csv, line 1, column 'x2': 'nan' is no finite number"),
    ("1,2,1\n3,inf,-1\n", "mine.csv, line 2, column 'x2': 'inf' is no finite number"),
    ("1,2,1\n3,4,1\n", "mine.csv, column 'label': all labels are '1'"),
    ("1,2,\n3,4,1\n", "mine.csv, line 1, column 'label': the label is missing"),
    ("1,2,nan\n3,4,1\n", "mine.csv, line 1, column 'label': the label is missing"),
    ("1\n2\n", "mine.csv, line 1: there is only one column"),
    ("a b label\n1 2 1\n", "mine.csv, line 2: there is only one column; .* parted by commas, semicolons or tabs"),
    ("a;label\n1,5;1\n2;-1\n", "mine.csv, line 2, column 'a': '1,5' is no number; write it with a point"),
    ('"1,2,1\n3,4,-1\n', "mine.csv, line 2: unexpected end of data; check the quotation marks"),
    (b"a,b,label\n1,\xff,1\n", "mine.csv': byte 12 is no UTF-8"),
])  # fmt: skip
def test_tables_that_cannot_be_read(tmp_path, text, sentence):
    with pytest.raises(cs.InputError, match=sentence.replace("(", r"\(")):
        read(tmp_path, text)


def test_no_such_table(tmp_path):
    with pytest.raises(cs.InputError, match=r"nothing.csv'.*No such file"):
        cs.read_csv(tmp_path / "nothing.csv")


# -- ready-made circuits ----------------------------------------------------------------------------------------


def values(circuit):
    return {name: circuit.graph.nodes[name]["value"] for name in circuit.names("parameter")}


@given(sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4), seed=st.integers(0, 99))
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_mlp_computes_what_matrices_do(activation, sizes, seed):
    circuit = cs.mlp(sizes, activation, seed=seed)
    point = np.random.default_rng(seed).normal(size=sizes[0])
    signal = point
    for layer, size in enumerate(sizes[1:], 1):
        rows = [f"n{layer}_{neuron}." for neuron in range(1, size + 1)]
        p = values(circuit)
        weights = np.array([[p[f"{row}w{i + 1}"] for i in range(len(signal))] for row in rows])
        signal = weights @ signal + np.array([p[f"{row}b"] for row in rows])
        if layer < len(sizes) - 1:
            signal = getattr(cs, activation)(signal)
    outputs = cs.Simulation(circuit).forward({f"x{i + 1}": float(x) for i, x in enumerate(point)})
    np.testing.assert_allclose(list(outputs.values()), signal, rtol=1e-12, atol=1e-12)


def test_a_neuron_shows_its_score_and_fires():
    run = cs.Simulation(cs.neuron(3, seed=1)).run(x1=1.0, x2=2.0, x3=-1.0, gradient={"f": 1.0})
    assert run.outputs["f"] == cs.sigmoid(run.outputs["score"])
    assert list(run.gradients) == ["x1", "x2", "x3", "w1", "w2", "w3", "b"]


def test_initialisations():
    uniform = np.array(list(values(cs.mlp([20, 30, 1], init="uniform")).values()))
    assert -0.5 <= uniform.min() < -0.45
    assert 0.45 < uniform.max() <= 0.5
    for init, spread in (("xavier", np.sqrt(2 / (50 + 40))), ("he", np.sqrt(2 / 50))):
        p = values(cs.mlp([50, 40], init=init, seed=3))
        weights = [value for name, value in p.items() if not name.endswith(".b")]
        assert np.std(weights) == pytest.approx(spread, rel=0.05)
        assert all(value == 0.0 for name, value in p.items() if name.endswith(".b"))
    assert not any(values(cs.linear(4, init="zero")).values())
    assert values(cs.linear(4, seed=1)) == values(cs.linear(4, seed=1)) != values(cs.linear(4, seed=2))


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: cs.mlp([2]), r"sizes=\[2\]"),
    (lambda: cs.mlp([2, 0, 1]), "size is 0: give"),
    (lambda: cs.mlp([2, 2.5]), "size is 2.5: give"),
    (lambda: cs.mlp([2, 1], "step"), "activation='step'"),
    (lambda: cs.mlp([2, 1], init="ones"), "init='ones'"),
    (lambda: cs.linear(0), "size is 0: give"),
])  # fmt: skip
def test_networks_that_cannot_be(make, sentence):
    with pytest.raises(cs.InputError, match=sentence):
        make()


def test_what_a_table_says_is_quoted_in_short(tmp_path):
    path = tmp_path / "my\npoints.csv"
    for text in (f"a,label\n{'x' * 5000},1\n", f"{'a' * 5000},label\n,1\n", f"a,label\n1,{'b' * 5000}\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(cs.InputError) as caught:
            cs.read_csv(path)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) <= 400


def test_labels_may_hold_line_breaks_in_quotes_and_separators_of_unicode(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text('x,label\n1,"two\nlines"\n2,a\u2028b\n3,c\x0cd\n', encoding="utf-8")
    data = cs.read_csv(path)
    assert data.classes == ("a\u2028b", "c\x0cd", "two\nlines")
    assert data.labels.tolist() == [2.0, 0.0, 1.0]
