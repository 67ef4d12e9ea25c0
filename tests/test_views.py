"""Pictures and films: nothing overlaps, what is shown is what the trace says, and the bytes are the same twice."""

import re
import subprocess
import xml.etree.ElementTree as ElementTree
from itertools import combinations, pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

import circuitsim as cs
from circuitsim import views
from circuitsim.circuit.netlist import Netlist
from circuitsim.trace.kinds import Kind
from circuitsim.views import animation, forms, style, training_figure, video
from circuitsim.views.circuit_picture import BODY, PAGE, Sketch, Standing, letters_needed
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
    standing = Standing.end(trace)
    sketch = Sketch(trace.netlist, letters_needed(trace.netlist, [standing]))
    sketch.add(standing)
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
    paper, value, gradient = (tuple(bytes.fromhex(c[1:])) for c in (style.PAPER, style.VALUE, style.GRADIENT_SOFT))
    assert tuple(frames[0][0, 0]) == paper
    green = [np.all(frame == value, axis=2).sum() for frame in frames]
    red = [np.all(frame == gradient, axis=2).sum() for frame in frames]
    turn = durations.index(max(durations[:-1]))
    assert len(set(red[: turn - 1])) == 1  # no gradient before the pull, but in the legend
    assert red[-1] > max(red[0], red[turn])  # rivers remain
    assert green[-1] > green[0]
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
    assert last.standing == Standing.end(trace)
    assert last.standing.gradients == felt
    for moment in moments:
        for record in moment.moving:
            assert record.start <= moment.time < record.end
        for record in trace:
            if record.kind is Kind.FORWARD:
                assert (record.where in moment.standing.values) == (record.end <= moment.time)
            elif record.kind is Kind.VALUE:
                assert (record.where in moment.standing.carried) == (record.end <= moment.time)
            elif record.kind is Kind.GRADIENT:
                assert (moment.standing.returned.get(record.where) == record.value) == (record.end <= moment.time)


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
        assert picture.width <= 2700
        assert picture.height <= 5500  # inputs stand beside their users, so rows are low
    svg = views.svg(run.trace)
    assert float(ElementTree.fromstring(svg).get("width").removesuffix("pt")) <= 1300
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


def test_no_circuit_is_wider_than_a_page_in_pictures_and_films():
    circuit, inputs = recurrent(8)
    trace = cs.Simulation(circuit).run(inputs).trace
    moments = [moment.standing for moment in animation.moments_of(trace)]
    frames = animation.CircuitFrames(trace.netlist, letters_needed(trace.netlist, moments))
    assert frames.sketch.layout.width <= PAGE + 4.0
    for path, (points, along) in zip(frames.sketch.paths, frames.ways, strict=True):  # messages leap to the next row
        assert len(points) == len(along) == np.count_nonzero(~np.isnan(path[:, 0]))
        assert (np.diff(along) >= 0.0).all()
        steps = np.hypot(*np.diff(path, axis=0).T)
        assert along[-1] == pytest.approx(np.nansum(steps))


def test_numbers_of_a_film_are_put_together_as_they_are_written(run):
    from circuitsim.views.figures import lettering

    trace = run.trace
    last = list(animation.moments_of(trace))[-1]
    with lettering():
        frames = animation.CircuitFrames(trace.netlist, letters_needed(trace.netlist, [last.standing]))
        frames.begin(trace)
        frames.frame(last)
        together = np.asarray(frames.background).astype(int)
        frames.background = frames._ground(frames.current)
        for place, words in frames.written.items():
            frames._stamp(
                frames.background,
                frames._sprite((place, words), lambda p=place, w=words: frames.sketch.write(p, w)),
                0,
                0,
            )
    written = np.asarray(frames.background).astype(int)
    ground = np.asarray(frames._ground(frames.current)).astype(int)
    ink = np.abs(written - ground).sum()
    assert np.abs(together - written).sum() < 0.5 * ink  # a sign is at most half a pixel off
    assert abs(np.abs(together - ground).sum() - ink) < 0.05 * ink


def test_the_river_is_the_wider_the_larger_the_gradient_and_none_for_nothing():
    circuit = cs.Circuit()
    x, y, z = circuit.inputs("x y z")
    circuit.output("f", 4 * x + 2 * y + cs.relu(z))
    trace = cs.Simulation(circuit).run(x=1, y=1, z=-1).trace
    standing = Standing.end(trace)
    sketch = Sketch(trace.netlist, letters_needed(trace.netlist, [standing]))
    current = sketch.current(standing)
    rivers = {
        trace.netlist.nodes[trace.netlist.wires[wire].source].name: share for wire, share in current.rivers.items()
    }
    assert rivers["x"] == 1.0
    assert rivers["y"] == 0.5
    assert "z" not in rivers
    drawn = sketch.add_current(current)[0].get_linewidths()
    whole = BODY / 40 * 0.2 * 72
    assert sorted(drawn)[-1] == pytest.approx(20 * whole)
    assert sorted(drawn)[-2] == pytest.approx(11 * whole)
    arrows = {trace.netlist.nodes[index].name: share for index, share in current.arrows.items()}
    assert arrows == {"x": 1.0, "y": 0.5}
    assert list(current.pulls.values()) == [1.0]


def test_short_gates_are_circles_and_inputs_are_boxes(run):
    netlist = run.trace.netlist
    sketch = Sketch(netlist, letters_needed(netlist, [Standing.end(run.trace)]))
    for index, node in enumerate(netlist.nodes):
        corners = sketch.outline(index).get_path().vertices
        away = np.hypot(*(corners - [sketch.layout.boxes[index].x, sketch.layout.boxes[index].y]).T)
        if node.kind == "gate":
            middle = sketch.outline(index).get_path().interpolated(9).vertices
            assert sketch.bodies[index] == (BODY, BODY)
            assert away.min() == pytest.approx(BODY / 2)
            assert len(middle) > len(corners)
        else:
            assert away.max() > 1.1 * BODY / 2


def test_the_colours_are_those_of_the_pages():
    css = (Path(views.__file__).parent / "page" / "look.css").read_text(encoding="utf-8").partition("}")[0]
    names = {
        "paper": "PAPER", "surface": "SURFACE", "ink": "INK", "soft": "SOFT", "wire": "WIRE", "line": "HAIRLINE",
        "value": "VALUE", "value-soft": "VALUE_SOFT", "gradient": "GRADIENT", "gradient-soft": "GRADIENT_SOFT",
        "plus": "PLUS", "plus-soft": "PLUS_SOFT", "minus": "MINUS", "minus-soft": "MINUS_SOFT",
    }  # fmt: skip
    told = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", css))
    assert {name: told[name] for name in names} == {name: getattr(style, ours) for name, ours in names.items()}


def test_a_film_has_its_colours_exactly():
    palette = animation.palette(*training_figure.COLOURS)
    for colour in (style.PAPER, style.SURFACE, style.INK, style.VALUE, style.GRADIENT, style.GRADIENT_SOFT,
                   style.VALUE_SOFT, style.PLUS, style.MINUS, style.PLUS_SOFT, style.MINUS_SOFT):  # fmt: skip
        pixel = Image.new("RGB", (1, 1), colour)
        assert pixel.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB").getpixel((0, 0)) == tuple(
            bytes.fromhex(colour[1:])
        )
