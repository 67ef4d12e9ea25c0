"""What everything that is drawn shares: colours, and how numbers are written."""

from circuitsim.gates.value import Value, show

__all__ = ["EDGE", "FAINT", "GRADIENT", "INK", "LINES", "PAPER", "VALUE", "minus", "number"]

PAPER = "#ffffff"
INK = "#24292f"
FAINT = "#6e7781"
EDGE = "#d0d7de"  # around axes
VALUE = "#1a7f37"  # what flows forward
GRADIENT = "#c62828"  # what flows back
LINES = ("#2f6fb7", "#c2571a", "#2f8f3b", "#8a4fb0", "#b8860b", "#1b8a8f", "#b03060", "#5b6570")  # of charts, in turn


def number(value: Value) -> str:
    """Write a number as pictures show it: four digits and a true minus sign."""
    return minus(show(value, 4))


def minus(text: str) -> str:
    """Return a text with true minus signs in place of hyphens."""
    return text.replace("-", "−")
