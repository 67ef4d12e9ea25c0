"""Damaged and forged trace files: refused in a sentence, or they can be explained and shown in other forms."""

import numpy as np

import circuitsim as cs
from circuitsim.errors import CircuitSimError
from circuitsim.trace.explanation import explain
from tests.forging import damage, no_such_file
from tests.fuzz import fault_of
from tests.pipelines import network, stream

FORMS = (".json", ".vcd", ".html", ".trace")


def attempt(random, folder):
    """Damage a trace and look at what is left of it."""
    path = folder / "damaged.trace"
    if random.random() < 0.03:
        path = no_such_file(folder, random)
        done = f"read {path!r}"
    else:
        good = random.choice(_good(folder))
        done = f"{damage(good, path, random)} of {good.name}"
    try:
        trace = cs.Trace.load(path)
    except CircuitSimError as error:
        fault = fault_of(error)
        return fault and f"{done}, load: {fault}"
    name = random.choice([node.name for node in trace.netlist.nodes])
    looks = {"explain": lambda: explain(trace, name), "values": trace.values, "gradients": trace.gradients,
             "records": trace.to_records, "timeline": lambda: trace.timeline}  # fmt: skip
    looks |= {form: lambda form=form: trace.export(folder / f"shown{form}") for form in FORMS}
    if trace.layout is not None:
        looks["flow"] = lambda: trace.expanded.export(folder / "flow.html")
    for what, look in looks.items():
        try:
            look()
        except Exception as error:
            if fault := fault_of(error):
                return f"{done}, {what}: {fault}"
    return None


def _good(folder):
    """Return good files, which are written once: of numbers, of arrays, with attributes, and of streams."""
    found = sorted(folder.glob("good-*.trace"))
    if found:
        return found
    arrays = cs.Circuit("arrays")
    x, w = arrays.input("x"), arrays.parameter("w", np.linspace(-1.0, 1.0, 6).reshape(2, 3))
    arrays.output("loss", cs.sum(cs.tanh(cs.matmul(x, w)), axis=-1) * 2.0 + cs.mean(w * w))
    runs = [
        cs.Simulation(cs.parse("sigmoid(a*x + b*y + c)")).run(a=1, b=2, c=-3, x=-1, y=3),
        cs.Simulation(arrays).run(x=[[1.0, 2.0], [3.0, -1.0]], gradient=np.ones(2)),
    ]
    circuit, placement = network(3)
    given = [{"x": 0.1 * number, "y": 0.0} for number in range(4)]
    hostile = cs.Cluster(link=cs.Link(cs.uniform(0.1, 1.5), loss=0.2, reorder=0.3), crash_every=40.0)
    for plan, cluster, more in [
        (cs.Plan(placement, schedule="1f1b", microbatches=2), None, {"trace": "all"}),
        (cs.Plan(placement, schedule="zb-h1", microbatches=2), None, {}),
        (cs.Plan(placement, update="async", replicas=2, local_steps=2), None, {"trace": "all"}),
        (cs.Plan(placement, schedule="1f1b", microbatches=2, checkpoint_every=5.0), hostile, {"trace": "all"}),
    ]:
        runs.append(stream(circuit, given, plan, cluster, rule=cs.SGD(0.05), **more))
    for number, run in enumerate(runs):
        run.trace.save(folder / f"good-{number}.trace")
    return sorted(folder.glob("good-*.trace"))
