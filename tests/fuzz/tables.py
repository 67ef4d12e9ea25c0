"""Tables of points: right ones of every dialect, whose numbers are known, and damaged ones."""

import math

import numpy as np

import circuitsim as cs
from tests.fuzz.agreement import bits, came_of

LABELS = ["label", "class", "target", "y", "Label", "CLASS"]
WORDS = ["cat", "dog", "bird", "yes", "no", "a,b", "x;y", 'sa"id', "two words", "ü", "−1", "class 1", "'", "#", "=1+1"]
WORDS += ["1e", "two\nlines", "a\u2028b", "a\x0cb", "x\x1cy\x85z", "A", "Ж", "猫"]
NASTY = ["\0", "\r", "\n", "\r\n", '"', '""', ",", ";", "\t", "nan", "inf", "-inf", "1e999", "", " ", "1_0", "0x1", "١"]
NASTY += [
    "x" * 200_000,
    "9" * 5000,
    "\ud7ff",
    "\u2028",
    "\x0b",
    "\x1c",
    "\x85",
    "\ufeff",
    "None",
    "True",
    "'1'",
    "1.2.3",
]
NASTY += ["1,5", "y" * 1000]


def attempt(random, folder):
    path = folder / random.choice(["points.csv", "t", "ü (1).csv", "{0}%s.csv", "a\nb.csv"])
    table = _Table(random)
    if random.random() < 0.5:
        path.write_bytes(table.content)
        data, wrong = came_of(lambda: cs.read_csv(path, table.targets))
        if wrong:
            return _told(table.content, wrong)
        return _told(table.content, table.differs(data))
    content = _damage(random, table.content)
    path.write_bytes(content)
    asked = random.choice([None, "classes", "numbers"])
    data, wrong = came_of(lambda: cs.read_csv(path, asked))
    if not wrong and not isinstance(data, Exception):
        wrong = _impossible(data)
        again, _ = came_of(lambda: cs.read_csv(path, asked))
        if bits([again.points, again.labels]) != bits([data.points, data.labels]):
            wrong = "it is read otherwise the second time"
    return _told(content, wrong)


def _told(content, wrong):
    return wrong and f"{wrong}\n{content[:8000]!r}"


class _Table:
    """A random table, its file, and what is to be read from it.

    Attributes
    ----------
    content : bytes
    points : list of list of float
    labels : list of float
    targets : None or str
        How `read_csv` is asked to take the labels.
    """

    def __init__(self, random):
        rows, columns = random.choice([2, 3, 10, 40]), random.randint(1, 6)
        self.random, self.delimiter = random, random.choice(",;\t")
        self.points = [[self._feature() for _ in range(columns)] for _ in range(rows)]
        texts, self.labels, self.classes = self._labels(rows)
        self.targets = random.choice([None, None, "numbers" if self.classes is None else None])
        heading = random.random() < 0.7
        place = random.randrange(columns + 1) if heading else columns
        names = [f"feature {n}" for n in range(columns)]
        self.names = names if heading else [f"x{n + 1}" for n in range(columns)]
        lines = [[self._written(number) for number in point] for point in self.points]
        for line, text in zip(lines, texts, strict=True):
            line.insert(place, self._cell(text))
        if heading:
            names = [self._cell(name) for name in names]
            names.insert(place, random.choice(LABELS))
            lines.insert(0, names)
        ending = random.choice(["\n", "\r\n", "\r"])
        text = (ending * random.choice([1, 1, 2])).join(self.delimiter.join(line) for line in lines)
        text += random.choice(["", ending, ending * 3, f"{ending}{self.delimiter * columns}{ending}"])
        self.content = text.encode(random.choice(["utf-8", "utf-8-sig"]))

    def _feature(self):
        random = self.random
        return random.choice(
            [random.uniform(-10, 10), float(random.randint(-5, 5)), 10 ** random.uniform(-300, 300), -0.0]
        )

    def _written(self, number):
        """Write a number so that it is read as the same."""
        forms = [repr(number), f"{number:.17g}", f"{number:+.17e}"]
        if number.is_integer() and abs(number) < 1e9 and number:
            forms.append(str(int(number)))
        return self._cell(self.random.choice(forms))

    def _cell(self, text):
        if self.random.random() < 0.15 or any(sign in text for sign in '",;\t\n'):
            return self.random.choice(["", " "]) + '"' + text.replace('"', '""') + '"'
        return self.random.choice(["", "", " "]) + text + self.random.choice(["", "", " "])

    def _labels(self, rows):
        """Return labels as texts, as they are to be read, and the names of classes, None for numbers."""
        random = self.random
        kind = random.choice(["words", "numbers", "classes"])
        if kind == "numbers":
            numbers = [random.uniform(-3, 3) for _ in range(rows)]
            return list(map(repr, numbers)), numbers, None
        if kind == "words":
            known = sorted(random.sample(WORDS, random.randint(2, min(rows, 5))))
        else:
            known = [str(number) for number in sorted(random.sample(range(-10, 30), random.randint(2, min(rows, 5))))]
        chosen = known + [random.choice(known) for _ in range(rows - len(known))]
        random.shuffle(chosen)
        code = {known[0]: -1.0, known[1]: 1.0} if len(known) == 2 else {name: float(n) for n, name in enumerate(known)}
        return chosen, [code[name] for name in chosen], tuple(known)

    def differs(self, data):
        if isinstance(data, Exception):
            return f"a right table is refused: {data}"
        if bits(data.points) != bits(np.array(self.points)) or bits(data.labels) != bits(np.array(self.labels)):
            return f"read as {data.points!r} and {data.labels!r}, not {self.points!r} and {self.labels!r}"
        if data.classes != self.classes or list(data.features) != self.names:
            return (
                f"the classes are {data.classes!r}, the columns {data.features!r}: not {self.classes!r}, {self.names!r}"
            )
        return None


def _impossible(data):
    """Return what no table that was read can be."""
    points, targets = np.asarray(data.points), np.asarray(data.labels)
    if points.ndim != 2 or targets.shape != (len(points),) or len(data.features) != points.shape[1]:
        return f"points are {points.shape}, targets {targets.shape}, columns {data.features!r}"
    if not np.isfinite(points).all() or not np.isfinite(targets).all():
        return "a number is not finite"
    if data.classes is not None and not 2 <= len(set(targets)) == len(data.classes):
        return f"there are classes {data.classes!r}, and labels {sorted(set(targets))}"
    return None


def _damage(random, content):
    kind = random.random()
    if kind < 0.05:
        return random.randbytes(random.choice([0, 1, 10, 1000]))
    if kind < 0.15:
        text = content.decode("utf-8-sig")
        return text.encode(random.choice(["utf-16", "utf-16-be", "utf-32", "latin-1", "utf-7", "cp1252"]), "replace")
    if kind < 0.5:
        text = content.decode()
        for _ in range(random.choice([1, 1, 2, 5])):
            at, to = sorted(random.randrange(len(text) + 1) for _ in range(2))
            text = (
                text[:at]
                + random.choice([random.choice(NASTY), "", text[at:to]])
                + text[random.choice([at, at + 1, to]) :]
            )
        return text.encode("utf-8", "surrogatepass")
    if kind < 0.75:  # whole cells
        lines = [line.split(b",") for line in content.split(b"\n")]
        for _ in range(random.choice([1, 2, 5])):
            line = random.choice(lines)
            if deed := random.randrange(4):
                line.insert(random.randrange(len(line) + 1), random.choice(NASTY).encode("utf-8", "surrogatepass"))
            if deed != 1 and line:
                del line[random.randrange(len(line))]
        return b"\n".join(b",".join(line) for line in lines)
    changed = bytearray(content)
    for _ in range(random.choice([1, 1, 3, 10])):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed[: math.ceil(len(changed) * random.choice([1, 1, random.random()]))])
