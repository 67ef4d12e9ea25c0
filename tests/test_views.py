"""Pictures and films: nothing overlaps, what is shown is what the trace says, and the bytes are the same twice."""

import subprocess
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

import circuitsim as cs
from circuitsim import views
from circuitsim.circuit.netlist import Netlist
from circuitsim.trace.kinds import Kind
from circuitsim.views import animation, forms, video
from circuitsim.views.circuit_picture import Sketch, letters_needed
from circuitsim.views.layout import lay_out
from circuitsim.views.wrapping import wrap
from tests.effort import tried
from tests.programs import Program, programs

NEURON = "sigmoid(a*x + b*y + c)"
AT = {"a": 1, "b": 2, "c": -3, "x": -1, "y": 3}


@pytest.fixture(scope="module")
def run():
    return cs.Simulation(cs.parse(NEURON)).run(AT)


@settings(max_examples=tried(60))
@given(programs(most_steps=20))
def test_no_wire_crosses_a_node_and_no_nodes_overlap(program: Program):
    netlist = Netlist(program.circuit())
    layout = lay_out(netlist, lambda index: (2.0, 3.6), lambda index: 4.0)
    cells = [(b.x - b.width / 2, b.end, b.y - b.height / 2, b.y + b.height / 2) for b in layout.boxes]
    for one, two in combinations(cells, 2):
        assert one[1] <= two[0] or two[1] <= one[0] or one[3] <= two[2] or two[3] <= one[2]
    for number, (source, target, _) in enumerate(netlist.wires):
        path = layout.paths[number]
        fine = np.array([np.interp(np.linspace(0, len(path) - 1, 300), range(len(path)), path[:, k]) for k in (0, 1)])
        for index, (left, right, low, high) in enumerate(cells):
            if index not in (source, target):
                inside = (fine[0] > left) & (fine[0] < right) & (fine[1] > low) & (fine[1] < high)
                assert not inside.any(), (number, index)
    assert min(cell[0] for cell in cells) >= 0
    assert max(cell[1] for cell in cells) <= layout.width + 1e-9
    assert min(cell[2] for cell in cells) >= -1e-9
    assert max(cell[3] for cell in cells) <= layout.height + 1e-9


@settings(max_examples=12)
@given(programs(most_steps=20))
def test_no_words_overlap(program: Program):
    """Numbers, names and symbols, as they are really drawn, keep clear of one another."""
    trace = cs.Simulation(program.circuit(), nonfinite="ignore").run(program.inputs, gradient=program.pulls).trace
    values, gradients = trace.values(), trace.gradients()
    sketch = Sketch(trace.netlist, letters_needed(trace.netlist, [values, gradients]))
    for index, node in enumerate(trace.netlist.nodes):
        if node.kind not in ("output", "constant"):
            for write, numbers in ((sketch.write_value, values), (sketch.write_gradient, gradients)):
                if index in numbers:
                    write(index, numbers[index])
    renderer = sketch.canvas.get_renderer()
    extents = [text.get_window_extent(renderer) for text in sketch.axes.texts if text.get_text()]
    for one, two in combinations(extents, 2):
        assert not one.overlaps(two)
    page = sketch.figure.bbox
    assert all(page.x0 <= e.x0 and e.x1 <= page.x1 and page.y0 <= e.y0 and e.y1 <= page.y1 for e in extents)


def test_crossings_are_reduced():
    circuit = cs.Circuit()
    a, b, c, d = circuit.inputs("a b c d")
    circuit.output("p", d * c)  # drawn in the order of wiring, these would cross
    circuit.output("q", a * b)
    netlist = Netlist(circuit)
    layout = lay_out(netlist, lambda index: (2.0, 2.0), lambda index: 1.0)
    place = {node.name: box.y for node, box in zip(netlist.nodes, layout.boxes, strict=True)}
    assert (place["a"] > place["c"]) == (place["q"] > place["p"])


def test_the_picture_shows_every_number(run, tmp_path):
    run.draw(tmp_path / "neuron.svg")
    root = ElementTree.parse(tmp_path / "neuron.svg").getroot()
    words = set(_comments(tmp_path / "neuron.svg"))
    assert root.tag.endswith("svg")
    assert {"0.8808", "−0.105", "0.315", "σ", "×", "+", "mul1", "−3", "f"} <= words


def _comments(path):
    """Matplotlib draws text as outlines and leaves the words in comments."""
    return [part.partition("-->")[0].strip() for part in path.read_text(encoding="utf-8").split("<!--")[1:]]


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".gif", ".mp4"])
def test_the_same_run_gives_the_same_bytes(tmp_path, suffix):
    pictures = []
    for turn in range(2):
        path = tmp_path / f"{turn}{suffix}"
        cs.Simulation(cs.parse("x * y")).run(x=2, y=3).save(path)
        pictures.append(path.read_bytes())
    assert pictures[0] == pictures[1]
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"0{suffix}", f"1{suffix}"]  # nothing left behind


def test_the_film_moves_and_ends_in_a_pause(run, tmp_path):
    run.animate(tmp_path / "neuron.gif")
    with Image.open(tmp_path / "neuron.gif") as film:
        assert film.info["loop"] == 0
        frames, durations = [], []
        for number in range(film.n_frames):
            film.seek(number)
            frames.append(np.asarray(film.convert("RGB")))
            durations.append(film.info["duration"])
    assert len(frames) > 100
    assert durations[-1] >= animation.HOLD_END
    assert max(durations[:-1]) >= animation.HOLD_TURN  # a look at the output before the pull
    assert (frames[0][0, 0] == 255).all()  # paper stays white
    green = [np.all(frame == (0x1A, 0x7F, 0x37), axis=2).sum() for frame in frames]
    red = [np.all(frame == (0xC6, 0x28, 0x28), axis=2).sum() for frame in frames]
    turn = durations.index(max(durations[:-1]))
    assert max(red[: turn - 1]) == 0  # no gradient before the pull
    assert max(red) > 0
    assert max(green) > 0
    assert all(a.shape == frames[0].shape for a in frames)


def test_the_film_is_the_same_as_video(tmp_path):
    run = cs.Simulation(cs.parse("x * y")).run(x=2, y=3)
    run.animate(tmp_path / "neuron.gif")
    run.animate(tmp_path / "neuron.mp4")
    with Image.open(tmp_path / "neuron.gif") as film:
        durations = []
        for number in range(film.n_frames):
            film.seek(number)
            durations.append(film.info["duration"])
        last = np.asarray(film.convert("RGB")).astype(int)
    height, width = (length + length % 2 for length in last.shape[:2])
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / "neuron.mp4", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True, check=True,
    )  # fmt: skip
    pictures = np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)
    assert len(pictures) * video.FRAME == pytest.approx(sum(durations), abs=video.FRAME)
    ended = pictures[-1][: last.shape[0], : last.shape[1]].astype(int)
    assert np.abs(ended - last).mean() < 4  # of 255: compressed, but the same picture
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["neuron.gif", "neuron.mp4"]


def test_video_without_ffmpeg_is_refused_before_any_work(run, tmp_path, monkeypatch):
    monkeypatch.setattr(forms, "find_spec", lambda name: None)
    for save in (run.animate, forms.check_save):
        with pytest.raises(
            cs.SaveError, match=r"\.mp4 needs imageio-ffmpeg; install it with pip install imageio-ffmpeg"
        ):
            save(tmp_path / "neuron.mp4")


def test_a_big_circuit_is_filmed_in_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(animation, "MOST_FRAMES", 10)
    run = cs.Simulation(cs.mlp([2, 40, 40, 1], "tanh")).run(x1=1, x2=2)
    run.animate(tmp_path / "big.gif")
    with Image.open(tmp_path / "big.gif") as film:
        assert film.width < 1500


def test_moments_show_what_the_trace_says(run):
    trace = run.trace
    moments = list(animation.moments_of(trace))
    last = moments[-1]
    felt = trace.gradients()
    assert {n: g for n, g in last.gradients.items() if n in felt} == last.gradients
    assert last.gradients == {n: g for n, g in felt.items() if trace.netlist.nodes[n].kind != "output"}
    for moment in moments:
        for record in moment.moving:
            assert record.start <= moment.time < record.end
        for record in trace:
            if record.kind is Kind.FORWARD:
                assert (record.where in moment.values) == (record.end <= moment.time)


def test_a_circuit_alone_can_be_drawn(tmp_path):
    views.draw(Netlist(cs.parse(NEURON)), tmp_path / "bare.svg")
    words = _comments(tmp_path / "bare.svg")
    assert "σ" in words
    assert "0.8808" not in words


def test_hostile_names_stay_text(tmp_path):
    circuit = cs.Circuit("$\\frac{<script>")
    x = circuit.input("<script>alert(1)</script>")
    y = circuit.input("$x_1$")
    circuit.output("&amp;", circuit.gate(cs.mul, x, y, name="]]>"))
    run = cs.Simulation(circuit).run({"<script>alert(1)</script>": 1, "$x_1$": 2})
    for suffix in ("svg", "png", "gif"):
        run.save(tmp_path / f"hostile.{suffix}")
    text = (tmp_path / "hostile.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    assert "<script" not in text.replace("<!-- <script>alert(1)</script> -->", "")


def test_arrays_are_shown_by_their_numbers_or_their_shape(tmp_path):
    run = cs.Simulation(cs.parse("x * y")).run(x=np.ones((20, 30)), y=[1.0])
    run.draw(tmp_path / "array.svg")
    assert "array 20×30" in _comments(tmp_path / "array.svg")


def test_a_run_without_inputs_can_be_filmed(tmp_path):
    cs.Simulation(cs.parse("2 * 3")).run().animate(tmp_path / "constant.gif")
    cs.Simulation(cs.parse("x * 3"), gate_delay=0, wire_latency=0).run(x=1).animate(tmp_path / "instant.gif")


@pytest.mark.parametrize(("path", "words"), [
    ("film.xyz", r"cannot save as '.*film\.xyz': the suffix must be one of \.gif \.mp4"),
    ("film", "the suffix must be one of"),
    ("missing/film.gif", "there is no folder '.*missing'; make it first"),
    ("folder.gif", "it is a folder"),
])  # fmt: skip
def test_paths_that_cannot_be_written(run, tmp_path, path, words):
    (tmp_path / "folder.gif").mkdir()
    with pytest.raises(OSError, match=words) as caught:
        run.save(tmp_path / path)
    assert isinstance(caught.value, cs.SaveError)


def test_a_failing_disk_loses_no_data(run, tmp_path, monkeypatch):
    path = tmp_path / "neuron.gif"
    path.write_bytes(b"precious")

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(cs.SaveError, match=r"cannot write '.*neuron\.gif': No space left on device"):
        run.save(path)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def recurrent(steps):
    """Return a recurrent network of scalar gates, and values for its inputs."""
    circuit = cs.Circuit("recurrent")
    w, u, b = circuit.parameters(w=0.5, u=0.3, b=0.1)
    state = circuit.input("h0")
    for step in range(steps):
        state = cs.tanh(w * state + u * circuit.input(f"x{step}") + b)
    circuit.output("f", state)
    return circuit, dict.fromkeys(circuit.names("input"), 0.1)


def test_a_long_circuit_is_drawn_in_rows_that_fit_on_a_page(tmp_path):
    circuit, inputs = recurrent(20)
    run = cs.Simulation(circuit).run(inputs)
    run.save(tmp_path / "long.png")
    with Image.open(tmp_path / "long.png") as picture:
        assert picture.width <= 4000
        assert picture.height <= 4000  # inputs stand beside their users, so rows are low
    svg = views.svg(run.trace)
    assert float(ElementTree.fromstring(svg).get("width").removesuffix("pt")) <= 2000
    for name in (*circuit.names("gate"), *inputs):
        assert f"<!-- {name} -->" in svg  # words are drawn as glyphs, and told in a comment


@settings(max_examples=12)
@given(programs(most_steps=20))
def test_rows_keep_everything_and_nothing_overlaps(program: Program):
    netlist = Netlist(program.circuit())
    layout = lay_out(netlist, lambda index: (2.0, 3.6), lambda index: 4.0)
    for most in (12.0, 25.0, 1e9):
        wrapped = wrap(layout, netlist, most, 2.0)
        boxes, whole = wrapped.layout.boxes, wrapped.layout
        cells = [(b.x - b.width / 2, b.end, b.y - b.height / 2, b.y + b.height / 2) for b in boxes]
        for one, two in combinations(cells, 2):
            assert one[1] <= two[0] or two[1] <= one[0] or one[3] <= two[2] or two[3] <= one[2]
        widest = max(right - left for left, right in layout.columns)
        climb = max(after[0] - before[1] for before, after in pairwise(layout.columns))
        assert max(cell[1] for cell in cells) <= whole.width <= max(most, widest + climb + 6.0) + 1e-9 or most == 1e9
        assert min(cell[2] for cell in cells) >= -1e-9
        assert max(cell[3] for cell in cells) <= whole.height + 1e-9
        began = {(one.node, one.x, one.y) for one in wrapped.going}
        for (source, target, _), path in zip(netlist.wires, whole.paths, strict=True):
            start, end = boxes[source], boxes[target]
            assert tuple(path[0]) == pytest.approx((start.x + start.width / 2, start.y))
            assert path[-1][0] == pytest.approx(end.x - end.width / 2)
            for place in np.flatnonzero(np.isnan(path[:, 0])):
                assert (source, *path[place + 1]) in began
                assert path[place - 1][1] == pytest.approx(path[place - 2][1])  # level where the row ends
        if most == 1e9:
            assert not began
            assert all(
                one[:, 0].tolist() == two[:, 0].tolist() for one, two in zip(whole.paths, layout.paths, strict=True)
            )
