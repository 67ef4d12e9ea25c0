"""What to ask people who wrote a name that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["nearest"]


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
    names = list(known)
    close = [name for name in names if name.lower() == word.lower()] or get_close_matches(word, names, 1)
    return f"did you mean {close[0]!r}? " if close else ""
