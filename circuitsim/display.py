"""The one door to the views: what `circuit.draw`, `run.save` and their like ask for.

Views import all that they draw, so what is drawn must not import them. Here they are imported when they are asked for,
so only who draws pays for matplotlib.
"""

from collections.abc import Collection, Mapping
from os import PathLike
from typing import Any

__all__ = [
    "animate",
    "curves_svg",
    "draw",
    "embed",
    "panels_svg",
    "player",
    "points_svg",
    "save",
    "svg",
    "to_perfetto",
    "to_vcd",
]


def animate(trace: Any, path: str | PathLike[str], tags: Collection[int] | None = None) -> None:
    """Film a trace; see `views.animate`."""
    from circuitsim import views

    views.animate(trace, path, tags)


def curves_svg(title: str, cost: Mapping[str, Any], share: Mapping[str, Any], share_name: str) -> str:
    """Return the curves of a training as the text of an SVG; see `views.learning_charts`."""
    from circuitsim.views import learning_charts

    return learning_charts.curves_svg(title, cost, share, share_name)


def panels_svg(title: str, panels: Mapping[str, Mapping[str, Any]]) -> str:
    """Return curves in panels side by side as the text of an SVG; see `views.learning_charts`."""
    from circuitsim.views import learning_charts

    return learning_charts.panels_svg(title, panels)


def draw(source: Any, path: str | PathLike[str]) -> None:
    """Draw a circuit or a trace; see `views.draw`."""
    from circuitsim import views

    views.draw(source, path)


def embed(trace: Any) -> str | None:
    """Return HTML that plays a trace in a notebook; see `views.embed`."""
    from circuitsim import views

    return views.embed(trace)


def player(trace: Any, path: str | PathLike[str], tags: Collection[int] | None = None) -> None:
    """Write a page that plays a trace; see `views.player`."""
    from circuitsim import views

    views.player(trace, path, tags=tags)


def points_svg(title: str, groups: Mapping[str, Any], across: str, up: str) -> str:
    """Return points in a plane as the text of an SVG; see `views.learning_charts`."""
    from circuitsim.views import learning_charts

    return learning_charts.points_svg(title, groups, across, up)


def save(trace: Any, path: str | PathLike[str]) -> None:
    """Write a trace in the form that the suffix asks for; see `views.save`."""
    from circuitsim import views

    views.save(trace, path)


def svg(source: Any) -> str:
    """Return a picture of a circuit or a trace as the text of an SVG; see `views.svg`."""
    from circuitsim import views

    return views.svg(source)


def to_perfetto(trace: Any, path: str | PathLike[str]) -> None:
    """Write a trace as Chrome trace JSON; see `views.perfetto`."""
    from circuitsim.views import perfetto

    perfetto.to_perfetto(trace, path)


def to_vcd(trace: Any, path: str | PathLike[str]) -> None:
    """Write a trace as a value change dump; see `views.vcd`."""
    from circuitsim.views import vcd

    vcd.to_vcd(trace, path)
