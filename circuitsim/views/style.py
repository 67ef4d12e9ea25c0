"""What everything that is drawn shares: the colours of the pages, and how numbers and names are written.

Green is a value and red is a gradient; nothing else is green or red. Classes have shapes and devices have names as
well as colours.
"""

import re

from circuitsim.gates.value import Value, show

__all__ = [
    "CLASSES",
    "DASHES",
    "DEVICES",
    "GRADIENT",
    "GRADIENT_SOFT",
    "HAIRLINE",
    "INK",
    "MINUS",
    "MINUS_SOFT",
    "PAPER",
    "PLUS",
    "PLUS_SOFT",
    "SOFT",
    "SURFACE",
    "VALUE",
    "VALUE_SOFT",
    "WIRE",
    "brief",
    "minus",
    "number",
    "plain",
]

# The light colours of page/look.css.
PAPER = "#fbfaf7"
SURFACE = "#ffffff"  # inside boxes
INK = "#1a1d21"
SOFT = "#565f69"
WIRE = "#858c95"
HAIRLINE = "#dddad2"
VALUE, VALUE_SOFT = "#00756a", "#c4e8df"  # what flows forward
GRADIENT, GRADIENT_SOFT = "#c62b1d", "#f3afa6"  # what flows back
PLUS, PLUS_SOFT = "#1f5fbf", "#dde9fa"  # the class +1, a disc, and the region of its scores
MINUS, MINUS_SOFT = "#f0b429", "#fbebc6"  # the class -1, a diamond with an outline of ink

# Of several classes, in turn: neither green nor red, and told apart by people who do not see all colours.
CLASSES = (
    PLUS, MINUS, "#7a2f86", "#4fb3e8", "#8c5a2b", "#d98cc8", INK, "#9aa3ad", "#a99be8", "#6f6a12",
)  # fmt: skip
DEVICES = ("#2b86c5", "#b07d00", "#6a2c70", "#5b6670")  # of devices and of lines in charts, in turn
DASHES = ("solid", "dashed", "dotted")  # of lines, when their colours begin anew

LONG = 12  # letters of an array's numbers, above which its shape is written


def number(value: Value) -> str:
    """Write a number as pictures show it: four digits and a true minus sign."""
    return minus(show(value, 4))


def brief(value: Value) -> str:
    """Write a number as `number` does, and an array by its shape if its numbers would take much room.

    Examples
    --------
    >>> import numpy as np
    >>> brief(-0.5), brief(np.array([1.0, -2.0])), brief(np.array([0.003183, 0.006337]))
    ('−0.5', '[1, −2]', 'array 2')
    """
    text = number(value)
    if isinstance(value, float) or len(text) <= LONG:
        return text
    return "array " + "×".join(map(str, value.shape))


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
