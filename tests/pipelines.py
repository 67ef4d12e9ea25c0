"""Chains of gates to run as pipelines, and an independent reckoning of when each piece of work can start."""

import numpy as np

import circuitsim as cs


def chain(stages):
    """Return a circuit with one gate and one parameter a stage."""
    circuit = cs.Circuit("chain")
    x = circuit.input("x")
    for s in range(stages):
        x = circuit.parameter(f"w{s}", 1.0 + s / 16) * x
    circuit.output("f", x)
    return circuit


def network(stages):
    """Return a circuit with a layer of two parameters a stage, and a loss in the last; with its placement."""
    circuit = cs.Circuit("network")
    x, y = circuit.inputs("x y")
    gates = {}
    for s in range(stages):
        x = cs.tanh(circuit.parameter(f"w{s}", 0.7 + s / 8) * x + circuit.parameter(f"b{s}", s / 16))
        gates[f"device {s}"] = [f"mul{s + 1}", f"add{s + 1}", f"tanh{s + 1}"]
    error = x - y
    circuit.output("loss", error * error)
    gates[f"device {stages - 1}"] += ["sub1", f"mul{stages + 1}"]
    return circuit, cs.place(circuit, gates)


def run(schedule, forward=1.0, backward=1.0, weight=1.0, latency=0.0, chunks=1):
    """Run one batch of a schedule on a chain and return the report."""
    costs = cs.Costs(forward / chunks, backward / chunks, weight / chunks)
    plan, given = cs.Plan(schedule.stages, schedule=schedule), [{"x": 1.0}] * schedule.microbatches
    return stream(chain(schedule.stages), given, plan, linked(latency), costs).report


def stream(circuit, given, plan=None, cluster=None, costs=None, *, gradient=1.0, rule=None, learn=None, **more):
    """Make a simulation, give it a rule if there is one, and return what came of a stream through it."""
    simulation = cs.Simulation(circuit, plan, cluster=cluster, costs=costs, **more)
    if rule is not None:
        simulation.learn(rule)
    return simulation.stream(given, gradient=gradient, learn=learn)


def linked(*link, **more):
    """Return a cluster with a link between any two devices."""
    return cs.Cluster(link=cs.Link(*link, **more))


def earliest(schedule, forward, backward, weight, latency):
    """Return the makespan: when the last piece of work is done."""
    return max(end for row in spans(schedule, forward, backward, weight, latency) for end in row[1:])


def spans(schedule, forward, backward, weight, latency):
    """Return each device's first start and last end, by following each row while what it needs is done."""
    time = {"F": forward, "I": backward, "W": weight, "B": backward + weight}
    last = schedule.stages - 1
    done, clock, place = {}, [0.0] * schedule.devices, [0] * schedule.devices
    begin = [None] * schedule.devices

    def needs(kind, stage, i):
        if kind == "F":
            return [("F", stage - 1, i)] if stage else []
        if kind == "W":
            return [("I", stage, i)]
        back = next((k for k in "BI" if (k, stage + 1, i) in done), "B")
        return [("F", stage, i)] + ([(back, stage + 1, i)] if stage < last else [])

    for _ in range(sum(map(len, schedule.rows))):
        for device, row in enumerate(schedule.rows):
            if place[device] < len(row):
                kind, stage, i = row[place[device]]
                before = needs(kind, stage, i)
                if all(work in done for work in before):
                    arrivals = [done[w] + (latency if schedule.homes[w[1]] != device else 0.0) for w in before]
                    start = max([clock[device], *arrivals])
                    begin[device] = start if begin[device] is None else begin[device]
                    clock[device] = start + time[kind]
                    done[kind, stage, i] = clock[device]
                    place[device] += 1
    return list(zip(begin, clock, strict=True))


def examples(count, seed=0, shape=()):
    random = np.random.default_rng(seed)
    return [{"x": random.uniform(-1, 1, shape), "y": random.uniform(-1, 1, shape)} for _ in range(count)]


def one_by_one(circuit, given, gradient):
    """Return outputs, input gradients and summed parameter gradients of a plain simulation."""
    simulation = cs.Simulation(circuit, trace=False)
    outputs, gradients = [], []
    for example in given:
        outputs.append(simulation.forward(example))
        gradients.append(simulation.backward(gradient))
    total = {name: gradients[0][name] for name in simulation.parameters}
    for gradient in gradients[1:]:
        total = {name: total[name] + gradient[name] for name in total}
    inputs = [{name: gradient[name] for name in circuit.names("input")} for gradient in gradients]
    return [outputs, inputs, total]


def numbers(run):
    """Return the bits of all numbers of a stream, as those of `one_by_one`."""
    return bits([run.outputs, run.input_gradients, run.gradients])


def bits(thing):
    if isinstance(thing, dict):
        return {name: bits(value) for name, value in thing.items()}
    if isinstance(thing, list):
        return [bits(value) for value in thing]
    return np.shape(thing), np.asarray(thing).tobytes()
