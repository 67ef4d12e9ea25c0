"""What charts share: their letters, and files that are the same, byte for byte, each time they are written."""

from contextlib import AbstractContextManager
from pathlib import Path

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from circuitsim.files import writing

__all__ = ["FAINT", "INK", "PICTURES", "save_figure", "style"]

PICTURES = (".png", ".svg", ".pdf")
INK = "#24292f"
FAINT = "#6e7781"

# What would make two files of the same picture differ.
_UNDATED: dict[str, dict[str, None]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}


def style(size: float) -> AbstractContextManager[None]:
    """Return a context in which figures are drawn and saved, with letters of this size in points."""
    return rc_context(
        {"svg.hashsalt": "circuitsim", "font.family": "DejaVu Sans", "pdf.fonttype": 42, "font.size": size}
    )


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the form that the suffix asks for."""
    FigureCanvasAgg(figure)
    suffix = path.suffix.lower()
    with writing(path) as file:
        figure.savefig(file, format=suffix[1:], metadata=_UNDATED[suffix], dpi=100)
