"""Times what people look at: the player page against matplotlib's, film frames against clearing and redrawing.

Each function returns rows ``(what, ratio, goal)``; a ratio should be at least its goal. Run it by itself with
``python -m tests.benchmarks.views``.
"""

import io
import tempfile
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.animation import FuncAnimation
from matplotlib.backends.backend_agg import FigureCanvasAgg
from rich.console import Console
from rich.table import Table

import circuitsim as cs
from circuitsim.trace.trace import Trace
from circuitsim.views.animation import CircuitFrames, Moment, moments_of
from circuitsim.views.circuit_picture import Room, Sketch, letters_needed
from circuitsim.views.player_page import page
from tests.benchmarks.table import in_turn

Row = tuple[str, float, float]


def neuron() -> Trace:
    """Return the trace of the guide's neuron."""
    run = cs.Simulation(cs.parse("sigmoid(a*x + b*y + c)")).run(a=1, b=2, c=-3, x=-1, y=3)
    assert run.trace is not None
    return run.trace


def the_page(rounds: int = 3) -> list[Row]:
    """Time and size of the player page against ``FuncAnimation.to_jshtml`` with the frames of the film."""
    trace = neuron()
    moments = list(moments_of(trace))
    sizes: dict[str, int] = {}

    def jshtml() -> None:
        sketch = Sketch(trace.netlist, _letters(trace, moments), header=3.4, footer=2.6)
        texts: list[Any] = []

        def update(moment: Moment) -> list[Any]:
            for text in texts:
                text.remove()
            texts[:] = _write(sketch, moment)
            return texts

        with matplotlib.rc_context({"animation.embed_limit": 1000.0}):
            animation = FuncAnimation(sketch.figure, update, frames=moments, init_func=list, interval=60)
            sizes["jshtml"] = len(animation.to_jshtml())

    def player() -> None:
        sizes["page"] = len(page(trace).encode())

    slow, fast = in_turn((jshtml, 1), (player, 20), rounds=rounds)
    return [
        ("player page of the neuron, against to_jshtml: speed", slow / fast, 50.0),
        ("player page of the neuron, against to_jshtml: smallness", sizes["jshtml"] / sizes["page"], 10.0),
    ]


def growth(rounds: int = 5) -> list[Row]:
    """Messages a second put on a page with ten times as many messages, and their size."""
    simulation = cs.Simulation(cs.mlp([2, 3, 1], "tanh"))
    runs = [simulation.run(x1=0.1 * number, x2=1.0).trace for number in range(100)]
    few, many = Trace.join(runs[:10]), Trace.join(runs)
    once, ten_times = in_turn((lambda: page(few), 5), (lambda: page(many), 1), rounds=rounds)
    bare = len(page(Trace(few.netlist, few.held)).encode())  # style, scripts and places
    small, large = len(page(few).encode()) - bare, len(page(many).encode()) - bare
    return [
        ("page with 10 times the messages: messages a second", 10 * once / ten_times, 0.7),
        ("page with 10 times the messages: messages a byte", 10 * small / large, 0.8),
    ]


def film_frames(rounds: int = 3) -> list[Row]:
    """Frames a second of the film against clearing the figure and drawing it anew for each frame."""
    trace = neuron()
    moments = list(moments_of(trace))[::2]
    letters = _letters(trace, moments)

    def painted() -> None:
        frames = CircuitFrames(trace.netlist, letters)
        frames.begin(trace)
        for moment in moments:
            frames.frame(moment)

    sketch = Sketch(trace.netlist, letters, header=3.4, footer=2.6)

    def redrawn() -> None:
        for moment in moments:
            sketch.axes.clear()
            sketch.axes.set_axis_off()
            sketch.axes.set_xlim(-2, sketch.layout.width + 2)
            sketch.axes.set_ylim(-4, sketch.layout.height + 5)
            for index in range(len(trace.netlist.nodes)):
                sketch._draw_body(index)
            _write(sketch, moment)
            canvas = sketch.canvas
            assert isinstance(canvas, FigureCanvasAgg)
            canvas.draw()
            io.BytesIO(bytes(canvas.buffer_rgba()))  # the film takes its pixels too

    slow, fast = in_turn((redrawn, 1), (painted, 1), rounds=rounds)
    return [("frames of the film, against clearing and redrawing", slow / fast, 5.0)]


def trace_files(rounds: int = 3) -> list[Row]:
    """Bytes of a saved trace against JSON of the same records."""
    simulation = cs.Simulation(cs.mlp([2, 3, 1], "tanh"))
    trace = Trace.join([simulation.run(x1=0.1 * number, x2=1.0).trace for number in range(100)])
    with tempfile.TemporaryDirectory() as folder:
        archive, text = Path(folder) / "t.trace", Path(folder) / "t.json"
        trace.save(archive)
        trace.to_perfetto(text)
        return [("trace file, against Perfetto JSON: smallness", text.stat().st_size / archive.stat().st_size, 10.0)]


def _letters(trace: Trace, moments: list[Moment]) -> Room:
    return letters_needed(trace.netlist, (moment.standing for moment in moments))


def _write(sketch: Sketch, moment: Moment) -> list[Any]:
    flows = sketch.add_current(sketch.current(moment.standing))
    return flows + [sketch.write(place, words) for place, words in sketch.words(moment.standing).items()]


def rows() -> list[Row]:
    """Return all rows."""
    return [*the_page(), *growth(), *film_frames(), *trace_files()]


if __name__ == "__main__":
    table = Table("what", "ratio", "goal, at least")
    for what, ratio, goal in rows():
        table.add_row(what, f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}", f"{goal:g}")
    Console().print(table)
