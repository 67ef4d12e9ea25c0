"""Pictures of timelines: pieces of work have their numbers at every width, and devices their memory."""

from itertools import combinations

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from circuitsim.trace.timeline import Outage, Piece, Timeline
from circuitsim.views import style, timeline_picture
from circuitsim.views.figures import lettering


def timeline(microbatches, devices=2, kinds="FB", ticks=1.0, outages=()):
    """Each device does all work of each kind, one microbatch after another."""
    work = []
    for device in range(devices):
        time = float(device)
        for kind in kinds:
            for number in range(microbatches):
                work.append(Piece(device, kind, device, number, time, time + ticks, 0))
                time += ticks
    names = tuple(f"device {device}" for device in range(devices))
    return Timeline(names, microbatches, work, outages=list(outages))


def drawn(made):
    """Return the figure, the words on bars with their places in pixels, and the words of the legend."""
    with lettering(9.0):
        figure = timeline_picture._figure({"made": made})
        panel, renderer = figure.axes[0], FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
        numbers = [text for text in panel.texts if text.get_text().replace("\n", "").isdigit()]
        places = [(text.get_text(), text.get_window_extent(renderer)) for text in numbers]
        legend = [text.get_text() for text in figure.legends[0].get_texts()]
    return panel, places, legend


@pytest.mark.parametrize(("microbatches", "stacked"), [(4, False), (60, True), (70, True)])
def test_every_piece_has_its_number_and_none_stands_in_another(microbatches, stacked):
    made = timeline(microbatches)
    panel, places, legend = drawn(made)
    assert sorted(words.replace("\n", "") for words, _ in places) == sorted(str(piece.tag) for piece in made.work)
    assert any("\n" in words for words, _ in places) == stacked
    assert legend == ["forward (F)", "backward (B)"]
    for (words, place), piece in zip(places, made.work, strict=True):
        left, right = (panel.transData.transform((time, 0.0))[0] for time in (piece.start, piece.end))
        assert left - 1 <= place.x0 <= place.x1 <= right + 1, words
    assert not any(one.overlaps(two) for (_, one), (_, two) in combinations(places, 2))


@pytest.mark.parametrize("kinds", ["FB", "FIW"])
def test_where_bars_are_too_narrow_some_numbers_are_written_and_the_legend_says_which(kinds):
    made = timeline(200, kinds=kinds)
    panel, places, legend = drawn(made)
    (told,) = (words for words in legend if "number" in words)
    every = int(told.split()[1].removesuffix("th").removesuffix("nd"))
    assert told == f"every {every}th number: forward above, backward below"
    for device in range(2):
        wanted = [str(number) for number in range(0, 200, every)] * 2
        row = panel.get_yticks()[device]
        words = [text for text in panel.texts if abs(text.get_position()[1] - row) < 0.3]
        assert sorted(text.get_text() for text in words) == sorted(wanted)
        upper = [text.get_text() for text in words if text.get_position()[1] < row]  # down is up here
        assert upper == wanted[: len(wanted) // 2]  # all forward work
    assert not any(one.overlaps(two) for (_, one), (_, two) in combinations(places, 2))


def test_memory_of_each_device_is_told_below_its_row():
    panel, _, _ = drawn(timeline(5, devices=20))
    told = [text.get_text() for text in panel.texts if text.get_text().startswith("at most")]
    assert told == ["at most 5"] * 20
    assert "microbatches kept\nfor backward" in [text.get_text() for text in panel.texts]


def test_green_is_forward_red_is_backward_and_stripes_are_of_the_weights():
    made = timeline(3, kinds="FIW", outages=[Outage(0, 1.0, 2.0)])
    panel, _, legend = drawn(made)
    assert legend == ["forward (F)", "to the data (I)", "to the weights (W)", "down"]
    colours = {bar.get_hatch(): timeline_picture.to_hex(bar.get_facecolor()[0]) for bar in panel.collections[:3]}
    assert colours == {None: style.GRADIENT_SOFT, "////": style.GRADIENT_SOFT}
    assert timeline_picture.to_hex(panel.collections[0].get_facecolor()[0]) == style.VALUE_SOFT
    assert timeline_picture.COLOURS["F"][0] == style.VALUE_SOFT
    devices = [timeline_picture.to_hex(bar.get_facecolor()) for bar in panel.patches]
    assert devices == list(style.DEVICES[:2])
