"""What everything that is drawn shares: colours, and how numbers and names are written."""

import re

from circuitsim.gates.value import Value, show

__all__ = [
    "EDGE",
    "FAINT",
    "GRADIENT",
    "HAIRLINE",
    "INK",
    "LINES",
    "MINUS",
    "PAPER",
    "PLUS",
    "SOFT",
    "VALUE",
    "minus",
    "number",
    "plain",
]

PAPER = "#ffffff"
INK = "#24292f"
FAINT = "#6e7781"
EDGE = "#d0d7de"  # around axes
SOFT = "#565f69"
HAIRLINE = "#dddad2"
PLUS, MINUS = "#1f5fbf", "#f0b429"  # of two classes
VALUE = "#1a7f37"  # what flows forward
GRADIENT = "#c62828"  # what flows back
LINES = ("#2f6fb7", "#c2571a", "#2f8f3b", "#8a4fb0", "#b8860b", "#1b8a8f", "#b03060", "#5b6570")  # of charts, in turn


def number(value: Value) -> str:
    """Write a number as pictures show it: four digits and a true minus sign."""
    return minus(show(value, 4))


def minus(text: str) -> str:
    """Return a text with true minus signs in place of hyphens."""
    return text.replace("-", "−")


def plain(name: str) -> str:
    r"""Return a name without what cannot be drawn: signs of control and halves of letters, which no XML may hold.

    Examples
    --------
    >>> plain("a\x07b")
    'a�b'
    """
    return _NO_SIGN.sub("\ufffd", name)


_NO_SIGN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
