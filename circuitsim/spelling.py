"""How messages write what people gave: short, on one line, and with the known name that it is most like."""

import reprlib
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["listed", "nearest", "shown"]


class _Brief(reprlib.Repr):
    """Python's own short `repr`, which looks at no more of a thing than it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = self.maxdeque = 20
        self.maxstring = self.maxlong = self.maxother = 200

    def repr_int(self, x: int, level: int) -> str:
        if x.bit_length() > 10_000:  # Python refuses to write what has more than 4,300 digits
            return f"a whole number of about {round(x.bit_length() * 0.30103):,} digits"
        return repr(x)

    def repr_instance(self, x: object, level: int) -> str:
        try:
            return repr(x)
        except Exception:
            return f"an object of {type(x).__name__}, which cannot be written"


_brief = _Brief()


def shown(thing: object, most: int = 60) -> str:
    """Write any thing as Python does, on one line of at most so many letters, whatever it is.

    Examples
    --------
    >>> shown("x"), shown(1.5), shown([1, 2]), shown("a" * 100, 10)
    ("'x'", '1.5', '[1, 2]', "'aaaaaa...")
    """
    text = thing[: most + 1] if type(thing) is str else thing
    return _cut("".join(map(_printed, " ".join(_brief.repr(text)[: 8 * most].split()))), most)


def listed(names: Iterable[object], most: int = 120) -> str:
    """Write names for a message, with commas between them: as many as there is room for, or "none".

    Examples
    --------
    >>> listed("xyz"), listed([])
    ('x, y, z', 'none')
    >>> listed((f"w{i}" for i in range(1000)), 20)
    'w0, w1, w2, w3, w4 and 995 more'
    """
    told: list[str] = []
    room, left = most, 0
    for name in names:
        text = _cut("".join(map(_printed, str(name))), 40) if room > 0 else ""
        room -= len(text) + 2
        if room >= 0 or not told:
            told.append(text)
        else:
            left += 1
    return ", ".join(told) + (f" and {left:,} more" if left else "") if told else "none"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a question for a message: whether the known name that is most like the word was meant, if there is one.

    Examples
    --------
    >>> nearest("tanhh", ["sin", "tanh"])
    "did you mean 'tanh'? "
    >>> nearest("Tanh", ["sin", "tanh"])
    "did you mean 'tanh'? "
    >>> nearest("q", ["sin", "tanh"])
    ''
    """
    if len(word) > 100:  # no name is so long, and to look for one would take long
        return ""
    names = list(known)
    close = [name for name in names if name.lower() == word.lower()] or get_close_matches(word, names, 1)
    return f"did you mean {shown(close[0])}? " if close else ""


def _printed(letter: str) -> str:
    return letter if letter.isprintable() else ascii(letter)[1:-1]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."
