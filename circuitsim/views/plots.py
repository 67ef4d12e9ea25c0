"""What a program has plotted with `matplotlib.pyplot`, as pictures."""

import io
import sys

from circuitsim.views.figures import lettering, write_figure

__all__ = ["take_plots"]


def take_plots() -> list[str]:
    """Return the figures that are open as the text of SVGs, and close them; none if nobody has plotted anything."""
    if "matplotlib.pyplot" not in sys.modules:
        return []
    import matplotlib.pyplot as plt

    made = []
    for number in plt.get_fignums():
        drawn = io.BytesIO()
        with lettering():
            write_figure(plt.figure(number), drawn, "svg")
        made.append(drawn.getvalue().decode())
    plt.close("all")
    return made
