"""Trainings with random settings: both engines alike, stopped and resumed as never stopped, and damaged settings."""

import math

import numpy as np

import circuitsim as cs
from tests.fuzz.agreement import ENGINES, bits, came_of, differ
from tests.fuzz.rules import random_penalties, random_rule

SIDES = [cs.forces.svm, cs.forces.squared_hinge, cs.forces.logistic]
CLASSES = [cs.forces.softmax, cs.forces.weston_watkins, cs.forces.crammer_singer]
NONSENSE = [
    None,
    True,
    -1,
    0,
    1,
    2.5,
    10**30,
    math.nan,
    math.inf,
    -math.inf,
    1e308,
    1e-320,
    "",
    "x",
    "all",
    "balanced",
]
NONSENSE += [
    "\ud800",
    "w" * 60,
    b"x",
    [],
    [[]],
    [1],
    [[1], [1, 2]],
    ["a", 1],
    {},
    {"x": 1},
    {1: 2},
    (),
    set(),
    object(),
]
NONSENSE += [lambda: 1, lambda *_: "x", int, np.array(1 + 2j), np.array(["a"]), np.array([None]), np.zeros((0, 2))]
NONSENSE += [np.full((6, 2), np.nan), np.ma.masked_array([1.0, 2.0], [0, 1]), range(3), 1j, ..., NotImplemented, cs.SGD]
NONSENSE += [cs.SGD(0.1), cs.L2(0.1), cs.forces.svm, cs.forces.softmax, cs.LBFGS(), cs.decay.LinearDecay(0.1, 0.01, 3)]


class Setting:
    """What a training is made of: a circuit, the settings of a trainer, those of `fit`, and examples."""

    def __init__(self, random):
        count = random.randint(2, 12)
        columns = random.randint(1, 3)
        self.points = np.array([[random.uniform(-2, 2) for _ in range(columns)] for _ in range(count)])
        kind = random.choice(["sides", "classes", "numbers"])
        if kind == "classes":
            classes = random.randint(2, 4)
            names = random.choice([range(classes), ["a", "b", "cc", "ü"][:classes]])
            self.labels = [names[n % classes] for n in range(count)]
            random.shuffle(self.labels)
            self.force = random.choice(CLASSES)
            self.circuit = cs.dense([columns, random.randint(1, 4), classes], seed=1)
        else:
            sides = random.choice([(-1, 1), (-1.0, 1.0), ("no", "yes")])
            self.labels = (
                [random.choice(sides) for _ in range(count - 2)] + list(sides)
                if kind == "sides"
                else [random.uniform(-3, 3) for _ in range(count)]
            )
            self.force = random.choice(SIDES) if kind == "sides" else cs.forces.squared_error
            activation = random.choice(["tanh", "relu", "sigmoid"])
            self.circuit = random.choice(
                [
                    lambda: cs.linear(columns),
                    lambda: cs.mlp([columns, random.randint(1, 4), 1], activation=activation, seed=random.randrange(9)),
                    lambda: cs.dense([columns, 3, 1], activation=activation, seed=random.randrange(9)),
                ]
            )()
        parameters = self.circuit.names("parameter")
        descends = random.random() < 0.15
        self.optimizer = cs.LBFGS(random.choice([1, 10])) if descends else random_rule(random)
        penalties = random_penalties(random, parameters)
        self.trainer = {
            "penalty": [one for one in penalties if not descends or isinstance(one, cs.L2)],  # others have a kink
            "standardize": random.random() < 0.3,
            "clip": None if descends else random.choice([None, None, 0.1, 10.0]),
            "weights": random.choice([None, "balanced"]) if kind != "numbers" else None,
        }
        self.fit = {
            "batch": "all" if descends else random.choice([1, 1, 2, 5, count + 3, "all"]),
            "order": random.choice(["random", "shuffled", "in order"]),
            "validation": random.choice([0.0, 0.0, 0.3]),
            "every": random.choice([None, 1, 7]),
        }
        self.seed = random.choice([None, 0, 12345])

    def made(self, engine, **trainer):
        made = engine(self.circuit, nonfinite="ignore")
        return cs.Trainer(made, self.force, self.optimizer, **{**self.trainer, **trainer})

    def __repr__(self):
        return (
            f"{self.force!r}, {self.optimizer!r}, {self.trainer!r}, fit {self.fit!r}, seed {self.seed!r}, "
            f"points {self.points.tolist()!r}, labels {self.labels!r}\n{self.circuit.to_json()}"
        )


def attempt(random, folder):
    setting = Setting(random)
    trial = _damaged if random.random() < 0.4 else _right
    wrong = trial(random, folder, setting)
    return wrong and f"{wrong}\n{setting!r}"


def _state(trainer):
    """Return all numbers that a trainer holds."""
    history = trainer.history
    memory = [list(entry) for entry in trainer.engine.memory.values()]
    evaluations = [(one.iteration, one.cost, one.accuracy or 0.0) for one in history.evaluations]
    return [memory, list(history.losses), evaluations, trainer.shown]


def _right(random, folder, setting):
    first, more = random.randint(0, 12), random.randint(1, 12)
    rest = {**setting.fit, "points": setting.points, "labels": setting.labels}
    states, whole = [], []
    for engine in ENGINES:
        stopped, resumed, through = (setting.made(engine) for _ in range(3))

        def two_halves(stopped=stopped, resumed=resumed):
            stopped.fit(iterations=first, seed=setting.seed, **rest)
            stopped.save(folder / "half.npz")
            resumed.load(folder / "half.npz")
            for trainer in (stopped, resumed):
                trainer.fit(iterations=more, **rest)
            return [_state(stopped), _state(resumed)]

        def one_whole(through=through):
            through.fit(iterations=first + more, seed=setting.seed, **rest)
            return _state(through)

        for results, work in ((states, two_halves), (whole, one_whole)):
            result, wrong = came_of(work)
            if wrong:
                return wrong
            results.append(result)
    if differ(*states) or differ(*whole):
        return f"the engines differ: {states!r}\n{whole!r}"
    halves, all_at_once = states[0], whole[0]
    if isinstance(halves, Exception) or isinstance(all_at_once, Exception):
        return None if type(halves) is type(all_at_once) else f"in halves {halves!r}, at once {all_at_once!r}"
    if bits(halves[0]) != bits(halves[1]):
        return f"stopped and resumed: {halves[1]!r}, never stopped: {halves[0]!r}"
    if bits(halves[0][:2]) != bits(all_at_once[:2]):
        return f"in two calls: {halves[0][:2]!r}, in one: {all_at_once[:2]!r}"
    return None


def _damaged(random, folder, setting):
    """Put nonsense in one place of a training that is right, and hold the engines against each other."""
    place = random.choice(
        ["force", "optimizer", *setting.trainer, *setting.fit, "points", "labels", "iterations", "seed"]
    )
    place = random.choice([place, place, "patience", "callbacks", "output", "carry"])
    thing = random.choice(NONSENSE)
    given = {"points": setting.points, "labels": setting.labels, "iterations": 3, "seed": setting.seed, **setting.fit}
    results = []

    def train(engine):
        parts = {"force": setting.force, "optimizer": setting.optimizer, **setting.trainer}
        if place in parts or place in ("output", "carry"):
            parts[place] = thing
        trainer = cs.Trainer(engine(setting.circuit, nonfinite="ignore"), **parts)
        trainer.fit(**{**given, place: thing} if place in (*given, "patience", "callbacks") else given)
        return [list(entry) for entry in trainer.engine.memory.values()]

    for engine in ENGINES:
        result, wrong = came_of(lambda engine=engine: train(engine))
        if wrong:
            return f"{place}={thing!r:.200}: {wrong}"
        results.append(result)
    if differ(*results):
        return f"{place}={thing!r:.200}: the engines differ, {results!r}"
    return None
