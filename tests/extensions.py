"""An engine that goes gate by gate, to be broken in tests: the one of docs/extend.md."""

import re
from pathlib import Path

from circuitsim import engine

TEXT = (Path(__file__).parent.parent / "docs" / "extend.md").read_text(encoding="utf-8")


def example(heading):
    """Return the example below a heading of docs/extend.md."""
    return re.search(rf"^## {heading}$.*?```python\n(.*?)```", TEXT, flags=re.MULTILINE | re.DOTALL)[1]


def plain_engine(**changes):
    """Return the engine of the document; each change replaces a text of its code, ``name=(old, new)``."""
    code = example("An engine").partition("\n\ncheck_engine(")[0]
    for old, new in changes.values():
        assert old in code
        code = code.replace(old, new)
    names = {}
    exec(code, names)
    del engine.engines["plain"]
    return names["Plain"]
