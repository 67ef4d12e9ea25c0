"""Datasets: the guide's six points, toy sets in the plane, and small real ones that scikit-learn brings.

Moons, circles, gaussians, iris, diabetes, cancer and digits need scikit-learn (``pip install scikit-learn``).
"""

import ast
import codecs
from collections.abc import Callable
from dataclasses import dataclass
from importlib.abc import InspectLoader
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from circuitsim import checks, display
from circuitsim.errors import InputError
from circuitsim.habits import told
from circuitsim.spelling import shown

__all__ = [
    "Dataset",
    "by_name",
    "cancer",
    "circles",
    "diabetes",
    "digits",
    "gaussians",
    "guide",
    "iris",
    "made",
    "moons",
    "spirals",
    "zen",
]

MOST_SEED = 2**32 - 1  # that scikit-learn takes
#: About how many bytes a point takes while a dataset is made.
BYTES = 100

#: What the labels of a dataset are: -1 and +1, the numbers of classes, or real numbers to predict.
Targets = Literal["sides", "classes", "numbers"]


@told
@dataclass(frozen=True)
class Dataset:
    """Points with labels.

    Attributes
    ----------
    name : str
        What it is called.
    points : ndarray, shape (examples, features)
        One row is an example.
    labels : ndarray, shape (examples,)
        -1 or +1; or the number of a class, counted from 0; or any number that is to be predicted.
    features : list of str
        The names of the columns.
    classes : tuple of str or None
        The names of the classes; of two, what -1 and +1 are called. None if the labels are numbers to predict.
    note : str
        What whoever uses it should know, in a sentence: how labels were read.

    Raises
    ------
    InputError
        If these do not fit each other.

    Examples
    --------
    >>> guide()
    <dataset 'guide': 6 points of 2 features, 2 classes>
    >>> Dataset("two", [[0.5], [1.5]], [-1, 1], ["x"]).targets
    'sides'
    >>> Dataset("three", [[0.5], [1.5], [2.5]], [0, 1, 2], ["x"], ("low", "middle", "high")).targets
    'classes'
    >>> Dataset("line", [[0.5], [1.5]], [2.5, 3.5], ["x"], None).targets
    'numbers'
    """

    name: str
    points: NDArray[np.float64]
    labels: NDArray[np.float64]
    features: list[str]
    classes: tuple[str, ...] | None = ("-1", "+1")
    note: str = ""

    def __post_init__(self) -> None:
        for what in ("points", "labels"):
            try:
                array = np.asarray(getattr(self, what), dtype=np.float64)
            except (TypeError, ValueError):
                raise InputError(f"the {what} of dataset {shown(self.name)} must be numbers") from None
            object.__setattr__(self, what, array)
        shape = self.points.shape
        if len(shape) != 2 or shape[1] != len(self.features):
            raise InputError(
                f"the points of dataset {shown(self.name)} have shape {shape}: give a row for each example, with "
                f"{len(self.features)} columns, one for each name in features"
            )
        if self.labels.shape != shape[:1]:
            raise InputError(
                f"dataset {shown(self.name)} has {shape[0]} points and labels of shape {self.labels.shape}: "
                f"give one label "
                "for each point"
            )
        if self.classes is None or self._has_sides():
            return
        odd = self.labels[~np.isin(self.labels, np.arange(len(self.classes)))]
        if len(odd):
            known = f"0 to {len(self.classes) - 1}" + (", or -1 and +1" if len(self.classes) == 2 else "")
            raise InputError(
                f"dataset {shown(self.name)} has a label {odd[0]:g}, but its {len(self.classes)} classes are numbered "
                f"{known}; give classes=None if labels are numbers to predict"
            )

    @property
    def targets(self) -> Targets:
        """What the labels are: ``"sides"`` (-1 and +1), ``"classes"`` (0, 1, 2 and so on) or ``"numbers"``."""
        if self.classes is None:
            return "numbers"
        return "sides" if self._has_sides() else "classes"

    def name_of(self, label: float) -> str:
        """Return the name of the class that a label stands for, or the number that it is."""
        if self.classes is None:
            return f"{label:g}"
        return self.classes[int(label > 0) if self._has_sides() else int(label)]

    def _has_sides(self) -> bool:
        return self.classes is not None and len(self.classes) == 2 and bool((np.abs(self.labels) == 1).all())

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        what = "numbers to predict" if self.classes is None else f"{len(self.classes)} classes"
        columns = f"{len(self.features)} feature" + "s" * (len(self.features) != 1)
        return f"<dataset {self.name!r}: {len(self)} points of {columns}, {what}>"

    def _repr_svg_(self) -> str | None:
        """Show classes in the plane of two features, or numbers over one feature, in a notebook."""
        if self.classes is not None and len(self.features) == 2:
            of = {label: self.points[self.labels == label] for label in np.unique(self.labels).tolist()}
            groups = {self.name_of(label): (some[:, 0], some[:, 1]) for label, some in of.items()}
            across, up = self.features
        elif self.classes is None and len(self.features) == 1:
            groups, (across,), up = {"": (self.points[:, 0], self.labels)}, self.features, "target"
        else:
            return None
        return display.points_svg(f"{self.name}: {len(self)} points", groups, across, up)


@told
def guide() -> Dataset:
    """Return the six points that the guide's SVM learns; a line can part them."""
    points = [[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]]
    return _plane("guide", np.array(points), np.array([1, -1, 1, -1, -1, 1]))


@told
def moons(count: int = 100, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Return two half moons that reach into each other."""
    count, noise, seed = _checked(count, noise, seed, MOST_SEED)
    points, classes = _sklearn().make_moons(count, noise=noise, random_state=seed)
    return _plane("moons", points, classes * 2 - 1)


@told
def circles(count: int = 100, noise: float = 0.05, seed: int = 0) -> Dataset:
    """Return a small ring inside a larger one."""
    count, noise, seed = _checked(count, noise, seed, MOST_SEED)
    points, classes = _sklearn().make_circles(count, noise=noise, factor=0.5, random_state=seed)
    return _plane("circles", points, classes * 2 - 1)


@told
def gaussians(count: int = 100, noise: float = 0.5, seed: int = 0) -> Dataset:
    """Return two round clouds, around (-1, -1) and (1, 1), with `noise` as their standard deviation."""
    count, noise, seed = _checked(count, noise, seed, MOST_SEED)
    centers = np.array([[-1.0, -1.0], [1.0, 1.0]])
    points, classes = _sklearn().make_blobs(count, centers=centers, cluster_std=noise, random_state=seed)
    return _plane("gaussians", points, classes * 2 - 1)


@told
def iris() -> Dataset:
    """Return 150 irises of three species, with the lengths and widths of two kinds of leaves (Fisher 1936)."""
    found = _sklearn().load_iris()
    return Dataset("iris", found.data, found.target, list(found.feature_names), tuple(map(str, found.target_names)))


@told
def cancer() -> Dataset:
    """Return 569 tumours, benign (+1) or malignant (-1), with 30 measures of their cells' nuclei.

    They are the Wisconsin diagnostic set (Street, Wolberg and Mangasarian 1993).
    """
    found = _sklearn().load_breast_cancer()
    names = tuple(map(str, found.target_names))
    return Dataset("cancer", found.data, found.target * 2.0 - 1.0, list(map(str, found.feature_names)), names)


@told
def diabetes() -> Dataset:
    """Return 442 patients with ten measures each, and how far their diabetes went in a year (Efron et al. 2004)."""
    found = _sklearn().load_diabetes(scaled=False)
    return Dataset("diabetes", found.data, found.target, list(found.feature_names), None)


@told
def digits() -> Dataset:
    """Return 1,797 handwritten digits of 8×8 points between 0 and 1, one a row, and which digit each is.

    They are the test set of the UCI Optical Recognition of Handwritten Digits (Alpaydin and Kaynak 1998), as
    scikit-learn brings it.
    """
    points, labels = _sklearn().load_digits(return_X_y=True)
    pixels = [f"pixel {row},{column}" for row in range(8) for column in range(8)]
    return Dataset("digits", points / 16.0, labels, pixels, tuple("0123456789"))


@told
def zen() -> Dataset:
    """Return the characters of the Zen of Python by their numbers, each with the number of the one after it.

    ``classes`` are the characters in the order of their code points. The text comes from Python itself, which prints
    it for ``import this``.

    Examples
    --------
    >>> data = zen()
    >>> len(data), len(data.classes)
    (855, 45)
    >>> "".join(data.classes[int(number)] for number in data.points[:17, 0])
    'The Zen of Python'
    """
    spec = find_spec("this")
    source = spec.loader.get_source("this") if spec and isinstance(spec.loader, InspectLoader) else None
    if source is None:
        raise InputError("this Python comes without the source of its module 'this', where the Zen is: use another")
    # The module holds the text in rot13, as the first thing that it names, and prints it when it is imported.
    named = next(line.value for line in ast.parse(source).body if isinstance(line, ast.Assign))
    text = codecs.decode(ast.literal_eval(named), "rot13")
    characters = sorted(set(text))
    numbers = np.array([characters.index(character) for character in text], dtype=np.float64)
    return Dataset("zen", numbers[:-1, None], numbers[1:], ["character"], tuple(characters))


@told
def spirals(count: int = 100, noise: float = 0.05, seed: int = 0) -> Dataset:
    """Return two spirals wound around each other for one and a half turns."""
    count, noise, seed = _checked(count, noise, seed)
    random = np.random.default_rng(seed)
    labels = np.where(np.arange(count) % 2, 1.0, -1.0)
    turn = 3 * np.pi * np.sqrt(random.uniform(0.03, 1.0, count))
    radius = labels * turn / (3 * np.pi)
    points = np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])
    return _plane("spirals", points + random.normal(0, noise, points.shape), labels)


#: Those that are made, in the plane: they take a count, noise and a seed, but for the guide's.
made: dict[str, Callable[..., Dataset]] = {
    "moons": moons,
    "circles": circles,
    "spirals": spirals,
    "gaussians": gaussians,
}
#: All of them.
by_name: dict[str, Callable[..., Dataset]] = {
    "guide": guide,
    **made,
    "iris": iris,
    "cancer": cancer,
    "diabetes": diabetes,
    "digits": digits,
    "zen": zen,
}


def _plane(name: str, points: NDArray[np.float64], labels: NDArray[Any]) -> Dataset:
    return Dataset(name, np.asarray(points, dtype=np.float64), labels.astype(np.float64), ["x", "y"])


def _checked(count: int, noise: float, seed: int, most: int | None = None) -> tuple[int, float, int]:
    """Return how many points, how much noise and which seed, if they can be; the seed is `most` at most."""
    count = checks.count(count, "count", least=2)
    checks.fits(BYTES * count, f"a dataset of {checks.shown(count)} points")
    seed = checks.count(seed, "seed", least=0)
    if most is not None and seed > most:
        raise InputError(f"seed is {checks.shown(seed)}: scikit-learn, which makes this set, takes 0 to {most}")
    return count, checks.number(noise, "noise"), seed


def _sklearn() -> Any:
    try:
        from sklearn import datasets
    except ImportError:
        raise InputError(
            "this dataset comes from scikit-learn, which is not installed: pip install scikit-learn, or take guide or "
            "spirals"
        ) from None
    return datasets
