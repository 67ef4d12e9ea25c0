"""Checkpoints: what they hold, and that a damaged or forged one is refused in a sentence or changes nothing.

With the environment variable CIRCUITSIM_SLOW set, 10,000 of them are tried instead of some hundred.
"""

import io
import json
import math
import random
import tracemalloc
import zipfile

import numpy as np
import pytest

import circuitsim as cs
from circuitsim.errors import SaveError
from circuitsim.learning.checkpoint import Checkpoint
from tests.effort import SLOW
from tests.forging import (
    BYTES,
    ENTRIES,
    change_number,
    entries_of,
    forge_text,
    npy,
    npy_of,
    sign,
    swap,
    unpack,
    write_entries,
)
from tests.guide_loops import LABELS, POINTS
from tests.learners import OPTIMIZERS, svm, trainer

MANY = 10_000 if SLOW else 250
RULE = cs.Adam(0.01)
ODD = [
    "w1",
    "header",
    "best/w1",
    "state/0/w1",
    "parameter/0",
    "a/b",
    "ü ∑",
    "x.npy",
    "c:\\d",
    "\0",
    "\ud800",
    "l" * 999,
]


def odd_names(shape=()):
    """A circuit whose parameters are called in every way that an archive could mistake."""
    circuit = cs.Circuit("odd names")
    total = circuit.input("x") + circuit.input("y")
    for number, name in enumerate(ODD):
        total = total + circuit.parameter(name, np.full(shape, number / 7) if shape else number / 7)
    circuit.output("score", total)
    return circuit


def net(width=3, last=cs.tanh):
    circuit = cs.Circuit("net")
    x = circuit.input("x")
    w = circuit.parameter("w1", np.linspace(-1, 1, 2 * width).reshape(2, width))
    h = cs.tanh(cs.matmul(x, w) + circuit.parameter("b1", np.zeros(width)))
    out = cs.sum(h * circuit.parameter("w2", np.full(width, 0.3)), axis=-1) * 0.5
    circuit.output("score", last(out + circuit.parameter("b2", 0.1)))
    return circuit


def fitted(circuit=None, optimizer=RULE, **options):
    trained = trainer(lambda made: cs.Compiled(made, nonfinite="ignore"), circuit or net(), optimizer=optimizer)
    trained.fit(POINTS, LABELS, 12, every=5, **({"batch": 2, "order": "shuffled"} | options))
    return trained


def saved(tmp_path, trained, name="saved.npz"):
    trained.save(tmp_path / name)
    return tmp_path / name


# -- what they hold -------------------------------------------------------------------------------------------------


def test_parameters_stand_under_their_own_names(tmp_path):
    trained = fitted()
    with np.load(saved(tmp_path, trained)) as archive:
        for name, value in trained.engine.parameters.items():
            assert archive[name].tobytes() == np.asarray(value).tobytes()
        memory = trained.engine.memory["w1"]
        assert archive["state/1/w1"].tobytes() == memory.state[1].tobytes()
        assert archive["updates/now"].tolist() == [12] * 4
        assert archive["history/w1"].shape == (4, 2, 3)
        assert archive["curve/losses"].tolist() == trained.history.losses
        header = json.loads(archive["header"].item())
        assert json.loads(archive["circuit"].item())["name"] == "net"
    assert (header["format"], header["version"]) == ("circuitsim checkpoint", 3)


@pytest.mark.parametrize("shape", [(), (2,), (0,)])
def test_parameters_of_any_name_come_back(tmp_path, shape):
    made = trainer(cs.Compiled, odd_names(shape), optimizer=RULE) if shape else fitted(odd_names())
    path = saved(tmp_path, made)
    fresh = trainer(cs.Compiled, odd_names(shape), optimizer=RULE)
    fresh.load(path)
    assert saved(tmp_path, fresh, "again.npz").read_bytes() == path.read_bytes()
    for one, two in zip(made.engine.parameters.values(), fresh.engine.parameters.values(), strict=True):
        assert np.array_equal(one, two)
    with np.load(path) as archive:
        names = set(archive.files)
        assert np.array_equal(archive["ü ∑"], fresh.engine.parameters["ü ∑"])
        assert np.array_equal(archive["parameter/4"], fresh.engine.parameters["parameter/0"])
    assert {"w1", "a/b", "ü ∑"} | {f"parameter/{number}" for number in (1, 2, 3, 4, 7, 8, 9, 10, 11)} <= names


def test_numbers_that_are_none_come_back(tmp_path):
    circuit = cs.Circuit()
    circuit.output("f", circuit.parameter("w", [np.nan, -np.inf, -0.0, 5e-324]) * circuit.input("x"))
    trained = trainer(lambda made: cs.Compiled(made, nonfinite="ignore"), circuit)
    path = saved(tmp_path, trained)
    trained.engine.set_parameters({"w": np.ones(4)})
    trained.load(path)
    assert trained.engine.parameters["w"].tobytes() == np.array([np.nan, -np.inf, -0.0, 5e-324]).tobytes()


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)
def test_the_same_training_makes_the_same_bytes(tmp_path, optimizer):
    files = [saved(tmp_path, fitted(optimizer=optimizer), f"{n}.npz").read_bytes() for n in range(2)]
    assert files[0] == files[1]


def test_extras_are_kept_and_declared(tmp_path):
    trained = fitted()
    netlist = trained.engine.netlist
    extra = {"scale": np.array([1.5, -0.0]), "count": 3.0, "pairs": np.zeros((0, 7)), "none": None}
    path = tmp_path / "saved.npz"
    Checkpoint(trained.engine.memory, None, trained.history, None, 0, extra).save(path, netlist, RULE, "")
    due = {"scale": (2,), "count": (), "pairs": (None, 7), "none": (4,)}
    found = Checkpoint.load(path, netlist, RULE, "", due).extra
    assert found["none"] is None
    assert found["count"] == 3.0
    assert found["scale"].tobytes() == extra["scale"].tobytes()
    assert found["pairs"].shape == (0, 7)
    for wrong, words in [
        ({}, "it has 'count', which this training has not"),
        (due | {"more": ()}, "it has no 'more', which this training has"),
        (due | {"scale": (3,)}, r"'scale' has shape \(2,\) there, \(3,\) here"),
        (due | {"scale": ()}, r"'scale' has shape \(2,\) there, \(\) here"),
    ]:
        with pytest.raises(cs.LoadError, match=words):
            Checkpoint.load(path, netlist, RULE, "", wrong)


# -- those that will not do -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("circuit", "optimizer", "words"), [
    (net(50), RULE, r"the checkpoint's circuit has parameter 'w1' of shape \(2, 3\), this one \(2, 50\)"),
    (net(last=lambda x: cs.tanh(cs.tanh(x))), RULE, "the checkpoint's circuit has no gate 'tanh3'"),
    (net(last=cs.sigmoid), RULE, "the checkpoint's circuit has no gate 'sigmoid1'"),
    (svm(), RULE, "the checkpoint's circuit has no input 'y'"),
    (net(), cs.SGD(step=0.1), r"optimizer Adam\(step=0.01.*\) there, SGD\(step=0.1\) here; give the trainer the one"),
    (net(), cs.Adam(0.02), r"optimizer Adam\(step=0.01.*\) there, Adam\(step=0.02"),
])  # fmt: skip
def test_the_first_difference_is_told(tmp_path, engine, circuit, optimizer, words):
    path = saved(tmp_path, fitted())
    fresh = trainer(engine, circuit, optimizer=optimizer)
    before = saved(tmp_path, fresh, "before.npz").read_bytes()
    with pytest.raises(cs.LoadError, match=r"cannot load .*saved.npz': " + words):
        fresh.load(path)
    assert saved(tmp_path, fresh, "after.npz").read_bytes() == before


def test_values_of_constants_and_long_attributes_count(tmp_path):
    def make(factor, index):
        circuit = cs.Circuit()
        picked = cs.take(circuit.parameter("w", np.ones(6000)), indices=np.where(np.arange(5000) == 2500, index, 0))
        circuit.output("f", cs.sum(picked) * circuit.input("x") * factor)
        return trainer(cs.Compiled, circuit)

    path = saved(tmp_path, make(2.0, 1))
    make(2.0, 1).load(path)
    with pytest.raises(cs.LoadError, match=r"constant 'const1' is 2.0 in the checkpoint's circuit, -7.0 in this one"):
        make(-7.0, 1).load(path)
    with pytest.raises(cs.LoadError, match=r"'indices' of gate 'take1' has 1 at \[2500\] in the checkpoint's"):
        make(2.0, 3).load(path)


def test_what_could_not_be_loaded_is_not_saved(tmp_path):
    trained = trainer(cs.Compiled, net())
    trained.engine.set_parameters({"b1": np.zeros((1, 3))})
    with pytest.raises(SaveError, match=r"it would have 'b1' in shape \(1, 3\), in the circuit it is \(3,\)"):
        trained.save(tmp_path / "saved.npz")
    apply = cs.gates.Gate(lambda x, *, how: x, "apply")
    circuit = svm()
    circuit.output("more", circuit.gate(apply, circuit.parameter("w", 1.0), how=math.sin))
    with pytest.raises(SaveError, match=r"attribute 'how' of gate 'apply1' .* which no file can hold"):
        trainer(cs.Compiled, circuit).save(tmp_path / "saved.npz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("version", "words"), [
    (4, "is a checkpoint of version 4, this circuitsim reads version 3: update circuitsim"),
    (2, "is a checkpoint of version 2, this circuitsim reads version 3: train anew"),
    (None, "is a checkpoint of version None, this circuitsim reads version 3: train anew"),
    ([3] * 99, "is a checkpoint of version a list, this circuitsim reads version 3: train anew"),
    (True, "is a checkpoint of version True, this circuitsim reads version 3: train anew"),
])  # fmt: skip
def test_checkpoints_of_other_versions_are_refused(tmp_path, version, words):
    """The first two kept their header in the same way."""
    path = tmp_path / "saved.npz"
    header = {"format": "circuitsim checkpoint", "version": version, "circuit": "8b91c6eb26dd735c"}
    np.savez(path, header=np.array(json.dumps(header)), **{"now/0/value": 1.0})
    with pytest.raises(cs.LoadError, match=words):
        trainer(cs.Simulation, svm()).load(path)


def test_files_that_are_no_checkpoints(tmp_path):
    trained = trainer(cs.Simulation, svm())
    path = tmp_path / "saved.npz"
    trained.save(path)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(cs.LoadError, match=r"saved.npz': it is (cut off or damaged|no archive of arrays)"):
            trained.load(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(cs.LoadError, match=r"it is no checkpoint; give a file that Trainer.save wrote"):
        trained.load(path)
    for missing, words in [
        (tmp_path / "nothing.npz", "it cannot be read: No such file"), (tmp_path, "it is no file"),
        ("/dev/zero", "it is no file"), ("a\0b", "has a NUL in it"),
    ]:  # fmt: skip
        with pytest.raises(cs.LoadError, match=words):
            trained.load(missing)
    with pytest.raises(cs.LoadError, match="the path is 1"):
        trained.load(1)


def test_saving_leaves_nothing_half_written(engine, tmp_path, monkeypatch):
    path = tmp_path / "saved.npz"
    trained = trainer(engine, svm())
    trained.fit(POINTS, LABELS, 5)
    trained.save(path)
    before = path.read_bytes()
    monkeypatch.setattr(np.lib.format, "write_array", lambda file, *_, **__: (file.write(b"half"), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        trained.save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["saved.npz"]


# -- damaged and forged ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Some checkpoints, each with who can load it."""
    folder = tmp_path_factory.mktemp("checkpoints")
    made = [
        fitted(), fitted(optimizer=cs.SGD(0.1), order="random", validation=0.3), fitted(svm(), order=[0, 1, 2, 3] * 9),
        fitted(odd_names(), batch=2), trainer(cs.Compiled, svm(), optimizer=RULE),
    ]  # fmt: skip
    return folder, [(saved(folder, trained, f"{n}.npz"), trained) for n, trained in enumerate(made)]


@pytest.mark.filterwarnings("error")
def test_damaged_and_forged_checkpoints_are_refused_or_change_nothing(checkpoints):
    folder, made = checkpoints
    path, again = folder / "forged.npz", folder / "again.npz"
    fates = {}
    for seed in range(MANY):
        chance = random.Random(seed)
        original, trained = chance.choice(made)
        whole = original.read_bytes()
        deed = chance.choice(BYTES + ENTRIES * 2)
        signed = False
        if deed in BYTES:
            path.write_bytes(deed(whole, chance))
        else:
            forged = deed(entries_of(original), chance)
            signed = deed in (change_number, forge_text, swap) and chance.random() < 0.6
            write_entries(path, sign(forged) if signed else forged)
        try:
            trained.load(path)
        except cs.LoadError as error:
            told = str(error)
            fate = "refused"
        else:
            told, fate = "", "loaded"
        trained.save(again)
        assert "\n" not in told
        assert len(told) < 500, told
        if signed and fate == "loaded":  # then it is as good as another's checkpoint: it has the forger's numbers
            one, two = entries_of(path), entries_of(again)
            assert {**one, "header.npy": 0, "circuit.npy": 0, "checksum.npy": 0} == {
                **two, "header.npy": 0, "circuit.npy": 0, "checksum.npy": 0,
            }, (seed, deed)  # fmt: skip
            trained.load(original)
            trained.save(again)
        assert again.read_bytes() == whole, (seed, deed)
        fates[deed.__name__, signed, fate] = fates.get((deed.__name__, signed, fate), 0) + 1
    assert sum(count for (_, signed, fate), count in fates.items() if signed and fate == "loaded") > MANY / 100
    assert {deed for deed, _, fate in fates if fate == "refused"} == {deed.__name__ for deed in BYTES + ENTRIES}
    assert {deed for deed, signed, fate in fates if fate == "loaded" and not signed} <= {
        "flip", "flip_the_end", "lie_about_sizes", "cut", "swap", "rename", "change_number", "reshape", "forge_text",
        "retype",
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore::circuitsim.NonFiniteWarning")
def test_what_a_forger_signed_can_be_trained_or_is_refused(checkpoints):
    """No field is believed that could break a training later."""
    folder, made = checkpoints
    path = folder / "signed.npz"
    trained_on = 0
    for seed in range(MANY // 4):
        chance = random.Random(seed)
        original, _ = made[0]
        deed = chance.choice([forge_text, change_number])
        write_entries(path, sign(deed(entries_of(original), chance)))
        fresh = trainer(lambda circuit: cs.Compiled(circuit, nonfinite="ignore"), net(), optimizer=RULE)
        try:
            fresh.load(path)
            repr(fresh.history)
            fresh.fit(POINTS, LABELS, 3, batch=2, order="shuffled", every=1)
        except cs.CircuitSimError:
            continue
        trained_on += 1
    assert trained_on > MANY / 40


@pytest.mark.parametrize(("change", "words"), [
    (lambda h: h["evaluations"][-1].__setitem__(0, 13), "its evaluations are not in order"),
    (lambda h: h["evaluations"].reverse(), "its evaluations are not in order"),
    (lambda h: h["best"].update(number=5), "its best evaluation is none of them"),
    (lambda h: h["best"].update(iteration=13), "its best evaluation is none of them"),
    (lambda h: h["kept"].__setitem__(-1, 4), "it keeps parameters of evaluations that it has not"),
    (lambda h: h["sampler"].update(queue=[6]), "'sampler' in its header cannot be"),
    (lambda h: h["sampler"]["random"].update(bit_generator="MT19937"), "'sampler' in its header cannot be"),
    (lambda h: h.update(seed=True), "'seed' in its header cannot be True"),
    (lambda h: h.pop("ended"), "its header has or lacks a field 'ended'"),
    (lambda h: h["curves"].update(losses=[11, 1, 11]), r"entry 'curve/losses' is float64 of shape \(12,\), due is"),
    (lambda h: h["curves"].update(losses=[12, 1, 13]), "'curves' in its header cannot be"),
    (lambda h: h["curves"].update(losses=[12, 0, 12]), "'curves' in its header cannot be"),
    (lambda h: h.update(in_force=4), "the evaluation in force is none of them"),
    (lambda h: h.update(elapsed=-1.0), "'elapsed' in its header cannot be"),
    (lambda h: h.update(classes=[1]), "'classes' in its header cannot be"),
])  # fmt: skip
def test_a_signed_header_is_checked_field_by_field(checkpoints, change, words):
    folder, ((original, trained), *_) = checkpoints
    entries = entries_of(original)
    header = json.loads(unpack(entries["header.npy"]).item())
    change(header)
    write_entries(folder / "one.npz", sign(entries | {"header.npy": npy(np.array(json.dumps(header)))}))
    with pytest.raises(cs.LoadError, match=r"it is damaged: " + words):
        trained.load(folder / "one.npz")


@pytest.mark.parametrize(("name", "make", "words"), [
    ("updates/now", lambda array: array - 13, "a parameter has responded less than never"),
    ("curve/losses", lambda array: array / 0.0, "its curves are not finite"),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_signed_curves_are_checked(checkpoints, name, make, words):
    folder, ((original, trained), *_) = checkpoints
    entries = entries_of(original)
    forged = make(unpack(entries[f"{name}.npy"]))
    write_entries(folder / "one.npz", sign(entries | {f"{name}.npy": npy(forged)}))
    with pytest.raises(cs.LoadError, match=words):
        trained.load(folder / "one.npz")


def test_bombs_are_not_unpacked(tmp_path):
    trained = fitted()
    path = saved(tmp_path, trained)
    entries = entries_of(path)
    size = 2**26
    due = "<f8"

    def refused(forged, words, method=zipfile.ZIP_DEFLATED):
        write_entries(path, forged, method)
        tracemalloc.start()
        with pytest.raises(cs.LoadError, match=words):
            trained.load(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**24, (words, peak)

    zeros = npy_of(f"{{'descr': '{due}', 'fortran_order': False, 'shape': ({size // 8},), }}\n".encode(), bytes(size))
    refused(entries | {"w1.npy": zeros}, "entry 'w1' has 67108.* bytes, where 48 are due")
    refused(entries | {"more.npy": zeros}, "has or lacks an entry 'more'")
    refused(entries | {"header.npy": npy_of(b"", bytes(4 * 2**25 + 2**15))}, "entry 'header' has .* bytes")
    refused(entries | {f"n{n}.npy": b"" for n in range(30_000)}, "far more than .* entries take")
    refused(entries | {"w1.npy": entries["w1.npy"]}, "is packed in another way", zipfile.ZIP_BZIP2)
    header = json.loads(unpack(entries["header.npy"]).item())
    header["extra"]["means"] = [2**39]
    refused(sign(entries | {"header.npy": npy(np.array(json.dumps(header)))}), "would take .* bytes for its history")


def test_an_archive_written_by_numpy_is_read_as_well(tmp_path):
    """Also without compression: what counts is what stands in it."""
    trained = fitted()
    path = saved(tmp_path, trained)
    whole = path.read_bytes()
    with np.load(path) as archive:
        arrays = dict(archive)
    file = io.BytesIO()
    np.savez(file, **arrays)
    path.write_bytes(file.getvalue())
    trained.load(path)
    assert saved(tmp_path, trained).read_bytes() == whole
