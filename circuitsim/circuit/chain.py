"""A chain: places in a row, each with a label, where neighbours fit more or less well. A linear-chain random field.

It goes through all ways to label the places together. In the semiring of log-sum and plus it adds up their weights, in
that of max and plus it finds the best one; the circuit is the same but for one gate at each place.
"""

from typing import Any, Literal

import numpy as np

from circuitsim import checks, gates
from circuitsim.circuit.circuit import Circuit
from circuitsim.circuit.networks import Init, initialiser
from circuitsim.circuit.wire import Wire
from circuitsim.errors import InputError
from circuitsim.habits import told
from circuitsim.spelling import shown

__all__ = ["chain"]

PLACE_BYTES = 20_000  # about what a place takes in a circuit


@told
def chain(
    places: int,
    labels: int,
    kind: Literal["log-sum", "max-sum"] = "log-sum",
    *,
    features: int | None = None,
    target: bool = False,
    margin: float = 0.0,
    init: Init = "zero",
    seed: int = 0,
) -> Circuit:
    """Return a circuit that sums over, or finds the best of, all ways to label a row of places.

    A way to label them has the score of each label at its place and of each transition from a label to the next. The
    output ``total`` is, of the scores of all ways, the logarithm of the sum of exponentials, or the largest. So the
    gradient of ``total`` with respect to the scores of the places is, in the log-sum chain, the probability of each
    label at each place, the marginals; and in the max-sum chain 1 along the best path and 0 elsewhere.

    Its input ``scores`` has shape (places, labels), or (batch, places, labels). The parameter ``transitions`` has for
    each label, a row, the score of each next one. The gates of the third place stand in the scope ``t3``.

    Parameters
    ----------
    places : int
        How long the chain is.
    labels : int
        How many labels there are.
    kind : {"log-sum", "max-sum"}
        Whether to add up or to find the best. At a tie the first label is the best.
    features : int, optional
        If given, the input is ``x`` with so many numbers for each place, and the scores are ``x @ w + b``.
    target : bool
        Whether there is an input ``target`` with the labels that are right, of shape (places,) or (batch, places), and
        outputs ``path``, their score, and ``loss``, which is ``total`` less ``path``: of the log-sum chain it is minus
        the logarithm of the probability of the right labels.
    margin : float
        What each wrong label is given in advance, so that the right ones have to win by it; needs a target.
    init : {"zero", "uniform", "xavier", "he"}
        How the parameters begin; see `mlp`.
    seed : int
        Seeds them.

    Raises
    ------
    InputError
        If a number or a name cannot be, or there is a margin without a target.

    Examples
    --------
    >>> import numpy as np
    >>> import circuitsim as cs
    >>> scores = np.array([[1.0, 0.0], [0.0, 3.0], [2.0, 0.0]])
    >>> for kind in ("log-sum", "max-sum"):
    ...     run = cs.Simulation(cs.chain(3, 2, kind)).run(scores=scores)
    ...     print(round(run.outputs["total"], 3), run.gradients["scores"].round(2).tolist())
    6.489 [[0.73, 0.27], [0.05, 0.95], [0.88, 0.12]]
    6.0 [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    places, labels = checks.count(places, "places"), checks.count(labels, "labels")
    checks.choice(kind, "kind", ("log-sum", "max-sum"))
    margin, target = checks.number(margin, "margin"), checks.flag(target, "target")
    if margin and not target:
        raise InputError(f"margin={shown(margin)} is given to wrong labels, and none are told: give target=True too")
    checks.fits(PLACE_BYTES * places, f"a chain of {shown(places)} places")
    checks.fits(100 * labels * (labels + (features or 0)), f"a chain of {shown(labels)} labels")
    draw = initialiser(init, seed)
    circuit = Circuit(f"{kind} chain of {places}, {labels} labels")
    if features is None:
        scores = circuit.input("scores")
    else:
        drawn = draw(checks.count(features, "features"), labels)
        scores = circuit.input("x") @ circuit.parameter("w", drawn[:-1]) + circuit.parameter("b", drawn[-1])
    transitions = circuit.parameter("transitions", draw(labels, labels)[:-1])
    right = gates.one_hot(circuit.input("target"), classes=labels) if target else None
    given = scores + margin * (1.0 - right) if right is not None and margin else scores
    total = _total(circuit, given, transitions, places, gates.logsumexp if kind == "log-sum" else gates.reduce_max)
    if right is not None:
        path = np.sum(scores * right, axis=(-2, -1))
        if places > 1:
            steps = (right[..., :-1, :] @ transitions) * right[..., 1:, :]
            path = path + np.sum(steps, axis=(-2, -1))
        circuit.output("loss", total - path)
        circuit.output("path", path)
    circuit.output("total", total)
    return circuit


def _total(circuit: Circuit, scores: Wire, transitions: Wire, places: int, gather: Any) -> Wire:
    """Return what is gathered over all ways to label the places."""
    before: Any = None
    for place in range(places):
        with circuit.scope(f"t{place + 1}"):
            here = scores[..., place, :]
            if before is not None:
                here = gather(before[..., None] + transitions, axis=-2) + here
            before = here
    total: Wire = gather(before, axis=-1)
    return total
