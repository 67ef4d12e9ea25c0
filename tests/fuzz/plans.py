"""Random schedules, placements, costs and faults: a stream ends with the bits of the plain run in the plan's order."""

import pathlib
import random as chance
import time
from typing import Any

import numpy as np

import circuitsim as cs
from circuitsim.plan.schedules import SCHEDULES
from tests.pipelines import bits

__all__ = ["attempt"]

GATES = [lambda a, b: cs.tanh(b), lambda a, b: a * b, lambda a, b: a + b, lambda a, b: a - 0.5]
MOST_LETTERS, MOST_SECONDS = 400, 10.0


def attempt(random: chance.Random, folder: pathlib.Path) -> str | None:
    """Stream through a random plan, and once more one after the other."""
    circuit, names = network(random)
    gates = len(circuit.names("gate"))
    setting, batch, count = plan_of(random, gates)
    cluster, costs = cluster_of(random), costs_of(random)
    rule = random.choice([None, cs.SGD(0.01), cs.Adam(0.01), cs.Momentum(0.01)])
    given = [{name: random.choice([-1.5, 0.25, 2.0]) for name in names} for _ in range(count)]
    seed = random.randrange(5)
    again = f"{circuit.to_json()}\nPlan(**{setting}), {cluster!r}, {costs!r}, {rule!r}, seed {seed}\n{given}"
    begin = time.perf_counter()
    try:
        simulation = cs.Simulation(circuit, cs.Plan(**setting), cluster=cluster, costs=costs, seed=seed)
        if rule is not None:
            simulation.learn(rule)
        found = simulation.stream(given, gradient=-1.0)
        wrong = compare(circuit, found, given, batch or count, rule, setting) or figures(found, cluster)
        if wrong is not None:
            return f"{wrong}\n{again}"
    except cs.DeadlockError as error:
        return f"a plan that was taken deadlocks: {error}\n{again}"
    except cs.CircuitSimError as error:
        told = str(error)
        if "\n" in told or len(told) > MOST_LETTERS:
            return f"a sentence of {len(told)} letters: {told[:1000]!r}\n{again}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:1000]}\n{again}"
    if time.perf_counter() - begin > MOST_SECONDS:
        return f"it took {time.perf_counter() - begin:.1f} s\n{again}"
    return None


def network(random: chance.Random) -> tuple[cs.Circuit, list[str]]:
    """Return a random circuit, with parameters that several gates share, and the names of its inputs."""
    circuit = cs.Circuit("random")
    inputs = [circuit.input(f"x{number}") for number in range(random.randint(1, 2))]
    wires: list[Any] = [*inputs]
    wires += [
        circuit.parameter(f"w{number}", random.choice([0.5, -0.75, 1.25])) for number in range(random.randint(0, 3))
    ]
    for _ in range(random.randint(2, 10)):
        one, two = random.choice(wires), random.choice(wires[-3:])
        wires.append(random.choice(GATES)(one, two))
    circuit.output("f", wires[-1])
    if random.random() < 0.3:
        circuit.output("g", random.choice(wires))
    return circuit, [wire.name for wire in inputs]


def plan_of(random: chance.Random, gates: int) -> tuple[dict[str, Any], int | None, int]:
    """Return settings of a plan, how many examples make a batch, and how many examples there are."""
    stages = random.randint(1, min(gates, 4))
    setting: dict[str, Any] = {"stages": stages}
    batch = random.choice([None, 2, 4, 6])
    count = random.randint(1, 9) if batch is None else batch * random.randint(1, 3)
    if batch is not None:
        setting["microbatches"] = batch
    if random.random() < 0.3:
        setting["replicas"] = random.randint(1, 3)
    if random.random() < 0.5:
        setting["schedule"] = random.choice([*sorted(SCHEDULES), "fifo"])
    elif random.random() < 0.4:
        setting["update"] = "async"
        if random.random() < 0.3:
            setting["local_steps"] = random.randint(1, 3)
        if random.random() < 0.3:
            setting["versions"] = random.randint(1, 3)
    if "schedule" not in setting and random.random() < 0.4:
        setting["in_flight"] = random.randint(1, 5)
    return setting, batch, count


def ticks(random: chance.Random) -> Any:
    """Return a time, or several."""
    return random.choice(
        [0.0, 1.0, 0.3, 2.5, cs.exponential(1.0), cs.uniform(0.5, 1.5), cs.lognormal(1.0, 0.5), [1.0, 2.0]]
    )


def costs_of(random: chance.Random) -> cs.Costs | None:
    """Return costs."""
    if random.random() < 0.3:
        return None
    return cs.Costs(
        ticks(random),
        backward=random.choice([None, 1.5]),
        bytes=random.choice([None, 8.0, 100.0]),
        activations=random.choice([None, 10.0, [1.0, 2.0]]),
    )


def cluster_of(random: chance.Random) -> cs.Cluster | None:
    """Return a cluster, half of the time one in which something goes wrong."""
    if random.random() < 0.2:
        return None
    link: dict[str, Any] = {"latency": random.choice([0.0, 0.1, 0.5, 3.0])}
    if random.random() < 0.3:
        link |= {"bandwidth": random.choice([8.0, 100.0]), "serial": random.random() < 0.5}
    more: dict[str, Any] = {}
    if random.random() < 0.5:
        for fault in ("loss", "duplicate", "reorder"):
            if random.random() < 0.5:
                link[fault] = random.choice([0.05, 0.3])
        link["hold_up"] = 2.0
        if random.random() < 0.5:
            more = {"crash_every": random.choice([40.0, 300.0]), "downtime": random.choice([0.0, 4.0])}
    if random.random() < 0.2:
        more["slowdown"] = {0: 2.5}
    if random.random() < 0.1:
        more["slots"] = 2
    return cs.Cluster(link=cs.Link(**link), **more)


def compare(
    circuit: cs.Circuit, found: Any, given: list[Any], batch: int, rule: Any, setting: dict[str, Any]
) -> str | None:
    """Return what differs from a run without devices; where examples move parameters as they come, no more is known."""
    if setting.get("update") == "async" and rule is not None:
        return asynchronous(found, given, setting)
    plain = cs.Simulation(circuit, trace=False)
    if rule is not None:
        plain.learn(rule)
    outputs, inputs, last = [], [], {}
    for first in range(0, len(given), batch):
        gradients: list[dict[str, Any]] = []
        for example in given[first : first + batch]:
            outputs.append(plain.forward(example))
            gradients.append(plain.backward(-1.0))
            inputs.append({name: gradients[-1][name] for name in example})
        last = {name: gradients[0][name] for name in plain.parameters}
        for one in gradients[1:]:
            last = {name: total + one[name] for name, total in last.items()}
        if rule is not None and last:
            plain.update(last)
    for what, here, there in (
        ("outputs", found.outputs, outputs),
        ("input gradients", found.input_gradients, inputs),
        ("gradients", found.gradients, last),
        ("parameters", found.parameters, plain.parameters),
    ):
        if bits(here) != bits(there):
            return f"{what} differ from those without devices: {here} and {there}"
    return None


def asynchronous(found: Any, given: list[Any], setting: dict[str, Any]) -> str | None:
    """Return what is wrong with the updates that the trace tells of."""
    if setting.get("local_steps", 1) > 1:
        return None
    updates = found.timeline.updates
    for name in {update.parameter for update in updates}:
        own = [update for update in updates if update.parameter == name]
        if sorted(update.tag for update in own) != list(range(len(given))):
            return f"{name} moved for examples {[update.tag for update in own]}, there are {len(given)}"
        if [update.made for update in own] != list(range(1, len(own) + 1)):
            return f"{name} has versions {[update.made for update in own]}"
        if np.asarray(own[-1].value).tobytes() != np.asarray(found.parameters[name]).tobytes():
            return f"{name} ends as {found.parameters[name]}, its last update made {own[-1].value}"
    return None


def figures(found: Any, cluster: cs.Cluster | None) -> str | None:
    """Return what is wrong with the figures of a run."""
    report, path = found.report, found.critical_path
    slots = 1 if cluster is None else cluster.slots
    close = 1e-6 * max(1.0, report.makespan)
    if max(report.busy, default=0.0) > slots * report.makespan + close:
        return f"a device worked {max(report.busy)} ticks in a run of {report.makespan}"
    if abs(path.length - report.makespan) > close:
        return f"the critical path has {path.length} ticks, the run {report.makespan}"
    for device, (idle, busy) in enumerate(zip(report.idle, report.busy, strict=True)):
        if slots == 1 and abs(sum(idle.values()) + busy - report.makespan) > close:
            return f"device {device} was idle for {idle} and busy for {busy} of {report.makespan} ticks"
    return None
