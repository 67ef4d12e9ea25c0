"""Damaged and forged checkpoints: refused in a sentence and nothing changed, or training goes on from them."""

import warnings

import circuitsim as cs
from circuitsim.errors import CircuitSimError, NonFiniteWarning
from tests.forging import damage, no_such_file
from tests.fuzz import fault_of

POINTS = [[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]]
LABELS = [1, -1, 1, -1, -1, 1]
OPTIMIZERS = [cs.SGD(0.05), cs.Adam(0.01), cs.Momentum(0.05)]


def attempt(random, folder):
    """Damage a checkpoint, load it and go on."""
    number = random.randrange(len(OPTIMIZERS))
    trainer = _trainer(number)
    good, path = folder / f"good-{number}.npz", folder / "damaged.npz"
    if not good.exists():
        trainer.fit(POINTS, LABELS, 12, every=5, batch=2, order="shuffled", validation=0.3 * (number > 0))
        trainer.save(good)
        trainer = _trainer(number)
    if random.random() < 0.03:
        path = no_such_file(folder, random)
        done = f"read {path!r}"
    else:
        done = f"{damage(good, path, random)} of {good.name}"
    before = repr(trainer.engine.memory), trainer.history
    try:
        trainer.load(path)
    except CircuitSimError as error:
        if fault := fault_of(error):
            return f"{done}, load: {fault}"
        if (repr(trainer.engine.memory), trainer.history) != before:
            return f"{done}, load: it was refused and changed the trainer"
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonFiniteWarning)
        try:
            trainer.save(folder / "again.npz")
            trainer.fit(POINTS, LABELS, 3, batch=2)
            repr(trainer.history)
        except Exception as error:
            if fault := fault_of(error):
                return f"{done}, going on: {fault}"
    return None


def _trainer(number):
    circuit = cs.mlp([2, 3, 1], seed=1)
    engine = cs.Compiled(circuit, nonfinite="ignore")
    return cs.Trainer(engine, cs.forces.svm, OPTIMIZERS[number], [cs.L2(0.1)])
