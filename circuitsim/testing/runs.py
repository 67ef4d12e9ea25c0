"""Checks of what runs circuits: engines, and policies that choose what devices do next."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from circuitsim import gates
from circuitsim.circuit import Circuit
from circuitsim.circuit.networks import mlp
from circuitsim.compiled import Compiled
from circuitsim.engine import Engine
from circuitsim.errors import InputError
from circuitsim.gates.value import Value, add_up, show
from circuitsim.habits import told
from circuitsim.learning.optimizers import Adam
from circuitsim.learning.penalties import L2
from circuitsim.plan import Cluster, Link, Plan, Policy, exponential, uniform
from circuitsim.simulation import Simulation
from circuitsim.spelling import shown
from circuitsim.testing.arithmetic import same_bits

__all__ = ["check_engine", "check_policy"]

UPDATES = 4


class Case(NamedTuple):
    """A circuit, what it is given in one forward pass after the other, and the gradient that is put on its outputs."""

    circuit: Circuit
    inputs: list[dict[str, Any]]
    gradient: Any = 1.0


@told
def check_engine(make: Callable[[Circuit], Engine]) -> None:
    """Run a small set of circuits on an engine and on `Compiled`, and compare the bits.

    The circuits have numbers and arrays, fan-outs whose gradients add up to other bits in another order, constants,
    unused inputs, several outputs of which some are given no gradient, and parameters that an optimizer and a penalty
    move.

    Parameters
    ----------
    make : callable
        The engine's class, or a function that makes an engine for a circuit.

    Raises
    ------
    InputError
        If outputs, gradients or parameters differ, in name, order, shape or bits; the message tells the first
        difference. What the engine itself raises is passed on, with a note that says which circuit it ran.

    Examples
    --------
    >>> import circuitsim as cs
    >>> check_engine(cs.Simulation)
    """
    for case in _cases():
        engine, known = make(case.circuit), Compiled(case.circuit)
        if not isinstance(engine, Engine):
            raise InputError(f"{shown(make)} made {shown(engine)}: let it make an Engine")
        try:
            for inputs in case.inputs:
                _compare_pass(engine, known, inputs, case.gradient)
            if known.parameters:
                _compare_learning(engine, known, case)
        except InputError:
            raise
        except Exception as error:
            error.add_note(f"check_engine ran circuit {case.circuit.name!r} on {type(engine).__name__}")
            raise


def _compare_pass(engine: Engine, known: Engine, inputs: Mapping[str, Any], gradient: Any) -> None:
    _compare(engine, "the output", engine.forward(inputs), known.forward(inputs), "let gates fire as `Firing` does")
    _compare(
        engine,
        "the gradient of",
        engine.backward(gradient),
        known.backward(gradient),
        "add up gradients that meet in wiring order (add_up), and give 0 in the shape of the value where none comes",
    )


def _compare_learning(engine: Engine, known: Engine, case: Case) -> None:
    for one in (engine, known):
        one.learn(Adam(0.1), [L2(0.01)])
    for turn in range(UPDATES):
        for one in (engine, known):
            one.forward(case.inputs[turn % len(case.inputs)])
            one.backward(case.gradient)
            one.update()
        _compare(
            engine,
            f"after update {turn + 1}, the parameter",
            engine.parameters,
            known.parameters,
            "let parameters respond as `Engine.respond` does",
        )
    before = known.parameters
    for one in (engine, known):
        saved = one.memory
        one.set_parameters({name: np.multiply(value, 2.0) for name, value in before.items()})
        one.restore(saved)
    _compare(engine, "after restore, the parameter", engine.parameters, before, "let set_memory put memories back")


def _compare(engine: Engine, what: str, found: Mapping[str, Value], known: Mapping[str, Value], advice: str) -> None:
    where = f"engine {type(engine).__name__}, circuit {engine.netlist.name!r}: {what}"
    if list(found) != list(known):
        raise InputError(
            f"{where} {', '.join(found) or 'nothing'}; Compiled has, in this order, {', '.join(known) or 'nothing'}"
        )
    for name, value in known.items():
        if not same_bits(found[name], value):
            raise InputError(f"{where} {shown(name)} is {_told(found[name])}, Compiled has {_told(value)}: {advice}")
        if np.asarray(found[name]).flags.writeable and not isinstance(found[name], float):
            raise InputError(f"{where} {shown(name)} can be written to: hand out read-only arrays (own_value)")


def _told(value: Any) -> str:
    return repr(value) if isinstance(value, float) else show(value)


def _cases() -> Iterator[Case]:
    two = Circuit("two gates")
    x, y, z = two.inputs("x y z")
    two.output("f", (x + y) * z)
    yield Case(two, [{"x": -2.0, "y": 5.0, "z": -4.0}, {"x": [1.0, 2.0], "y": 0.5, "z": [[3.0], [-1.0]]}], 2.0)

    # 1e16 - 1e16 + 1 is 1 in this order and 0 in most others.
    fan = Circuit("fan-out")
    x = fan.input("x")
    large, less, one = x * 1e16, x * -1e16, x * 1.0
    fan.output("f", gates.tanh(one) * 0.0 + one + less + large)
    yield Case(fan, [{"x": 0.5}, {"x": np.linspace(-1.0, 1.0, 5)}])

    constants = Circuit("constants")
    x = constants.input("x")
    fixed = constants.constant([1.0, 2.0], name="fixed")
    constants.output("f", x * fixed + constants.constant(3.0))
    constants.output("g", gates.exp(fixed))
    yield Case(constants, [{"x": 2.0}, {"x": [0.1, 0.2]}])

    unused = Circuit("unused inputs")
    x, *_ = unused.inputs("x alone shown")
    chosen = unused.input("chosen")
    unused.output("f", gates.where(chosen > 0.0, x, x * x))
    unused.output("same", x)
    yield Case(unused, [{"x": 0.5, "alone": [1.0, 2.0], "shown": 3.0, "chosen": 1.0}])

    several = Circuit("several outputs")
    x, y = several.inputs("x y")
    product = x * y
    several.output("f", product)
    several.output("g", gates.sin(product))
    several.output("h", x)
    yield Case(several, [{"x": 0.5, "y": -1.5}, {"x": [1.0, 2.0, 3.0], "y": -1.5}], {"g": -2.0})
    yield Case(several, [{"x": 0.5, "y": -1.5}], {"h": 1.0, "f": 0.25})

    arrays = Circuit("arrays")
    x = arrays.input("x")
    weights = arrays.parameter("weights", np.linspace(-1.0, 1.0, 6).reshape(2, 3))
    bias = arrays.parameter("bias", [0.1, 0.2, 0.3])
    scores = gates.matmul(x, weights) + bias
    arrays.output("scores", gates.softmax(scores, axis=-1))
    arrays.output("mean", gates.mean(scores, axis=0))
    arrays.output("pairs", gates.stack(scores[0], scores[1], axis=1))
    yield Case(arrays, [{"x": np.linspace(0.0, 1.0, 8).reshape(4, 2)}, {"x": np.ones((2, 2))}], -0.5)

    line = Circuit("parameters")
    x, target = line.inputs("x target")
    slope, offset = line.parameters(slope=0.5, offset=-0.25)
    line.parameter("alone", 2.0)
    error = slope * x + offset - target
    line.output("loss", error * error)
    yield Case(line, [{"x": 0.1 * n, "target": 1.0 - 0.2 * n} for n in range(3)], -1.0)

    inputs: list[dict[str, Any]] = [{"x1": 0.5, "x2": -1.0}, {"x1": np.linspace(-1.0, 1.0, 7), "x2": 0.25}]
    yield Case(mlp([2, 4, 1], "tanh", seed=0), inputs, -1.0)


@told
def check_policy(policy: type[Policy]) -> None:
    """Let devices work in the order that a policy chooses, and compare the bits with those of one example at a time.

    It chooses with one slot and with two, and while devices crash and go on from what it saved.

    Parameters
    ----------
    policy : subclass of Policy
        The class, as a plan takes it.

    Raises
    ------
    InputError
        If it is no such class, a run takes another time when it is repeated, or gives other numbers.
    ScheduleError
        If it chooses what is not ready.
    DeadlockError
        If it waits though nothing more comes.

    Examples
    --------
    >>> import circuitsim as cs
    >>> check_policy(cs.extend.Policy)
    """
    if not isinstance(policy, type) or not issubclass(policy, Policy):
        raise InputError(f"{shown(policy)} is no policy: give a subclass of Policy, the class itself")
    circuit = mlp([2, 3, 3, 1], "tanh", seed=0)
    examples = [{"x1": 0.1 * number, "x2": 1.0 - 0.2 * number} for number in range(8)]
    alone = Compiled(circuit)
    outputs, gradients = [], []
    for example in examples:
        outputs.append(alone.forward(example))
        gradients.append(alone.backward(-1.0))
    summed = {name: add_up(one[name] for one in gradients) for name in alone.parameters}
    link = Link(uniform(0.1, 1.5))
    for cluster in (
        Cluster(link=link),
        Cluster(link=link, slots=2),
        Cluster(link=link, crash_every=40.0, downtime=exponential(4.0)),
    ):
        plan = Plan(3, schedule=policy, checkpoint_every=5.0)
        runs = [Simulation(circuit, plan, cluster=cluster, seed=1).stream(examples, gradient=-1.0) for _ in range(2)]
        if runs[0].time != runs[1].time:
            raise InputError(
                f"{policy.__name__} takes {runs[0].time:g} ticks and then {runs[1].time:g} for the same work: let it "
                "choose by what is ready alone"
            )
        if runs[0].outputs != outputs or runs[0].gradients != summed:
            raise InputError(f"{policy.__name__} changes numbers: let it choose only, and keep what it keeps in save")
