"""What figures of matplotlib share: letters, and files that are the same, byte for byte, each time they are written."""

import io
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from circuitsim.files import writing
from circuitsim.views.style import INK, plain

__all__ = ["NAMES", "add_legend", "lettering", "save_figure", "write_figure"]

NAMES = ["STIXGeneral", "DejaVu Sans"]  # letters of names, in italics; both come with matplotlib

# What would make two files of the same picture differ.
_UNDATED: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}


def lettering(size: float = 10.0) -> AbstractContextManager[None]:
    """Return a context in which figures are drawn and saved, with letters of this size in points."""
    return rc_context({
        "svg.hashsalt": "circuitsim", "pdf.fonttype": 42, "font.family": "DejaVu Sans", "font.size": size,
        "text.color": INK,
    })  # fmt: skip


def add_legend(owner: Any, drawn: Mapping[str, Any], **where: Any) -> None:
    """Add a legend of what was drawn, by name, to axes or a figure; names are taken as they are."""
    made = owner.legend(list(drawn.values()), [""] * len(drawn), frameon=False, **where)
    for text, name in zip(made.get_texts(), drawn, strict=True):
        text.set_parse_math(False)
        text.set_text(plain(name))  # not as a label, which may not begin with an underscore


def save_figure(figure: Figure, path: Path, dpi: float | None = None) -> None:
    """Write a figure in the form that the suffix asks for, with its own dots to the inch if none are given."""
    drawn = io.BytesIO()  # matplotlib loses the system's reason where a file takes no more
    write_figure(figure, drawn, path.suffix[1:].lower(), dpi)
    with writing(path) as file:
        file.write(drawn.getbuffer())


def write_figure(figure: Figure, file: IO[bytes], form: str, dpi: float | None = None) -> None:
    """Write a figure to an open file, in the form ``"svg"``, ``"png"`` or ``"pdf"``."""
    if figure.get_layout_engine() is not None and form != "png":
        # Its last bits are not the same each time, and names in the file are made of them.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for axes in figure.axes:
            left, bottom, width, height = (round(part, 6) for part in axes.get_position().bounds)
            axes.set_position((left, bottom, width, height))
    figure.savefig(file, format=form, metadata=_UNDATED[form], dpi=dpi or figure.dpi)
