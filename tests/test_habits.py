"""What users of PyTorch, JAX, SimPy and NumPy write from habit, having read no more than the README's first screen.

Each line runs, or raises an error of this package that says what to write here.
"""

import pickle

import numpy as np
import pytest

import circuitsim as cs
from circuitsim import habits

RUNS = None

PYTORCH = [
    ("x = cs.tensor([1.0, 2.0], requires_grad=True)", r"no 'tensor': inputs take numbers and arrays as they are"),
    ("model = cs.nn.Sequential(cs.nn.Linear(2, 3), cs.nn.ReLU())", r"no 'nn': cs\.mlp\(\[2, 3, 1\]\)"),
    ("class Net(cs.Module): pass", r"no 'Module': cs\.mlp"),
    ("model = cs.Linear(2, 3)", r"no 'Linear': cs\.mlp"),
    ("mlp = cs.mlp([2, 3, 1], 'ReLU')", "did you mean 'relu'"),
    ("mlp = cs.mlp(2, 3, 1)", r"write mlp\(sizes, activation=\.\.\.,"),
    ("out = circuit(np.ones(2))", r"a circuit cannot be called: .* cs\.Simulation\(circuit\)\.run\(x=1\)"),
    ("out = circuit.forward(np.ones(2))", r"no 'forward': an engine runs it"),
    ("criterion = cs.MSELoss()", r"no 'MSELoss': forces are losses"),
    ("optimizer = cs.SGD(mlp_parameters, lr=0.1)", r"SGD has no setting 'lr': write step=\.\.\. in SGD\(step"),
    ("optimizer = cs.optim.Adam(lr=0.1)", r"no 'optim': optimizers are cs\.SGD\(step=0\.01\)"),
    ("wire.backward()", r"no 'backward': a run has gradients, .*\.gradients\['x'\]"),
    ("wire.grad", r"no 'grad': a run has gradients"),
    ("wire.item()", r"no 'item': a run has values"),
    ("wire.detach()", "no 'detach': a circuit.constant"),
    ("wire.shape", r"no 'shape': .* circuit\.shapes\(\)"),
    ("wire.sum()", r"no 'sum': gates are functions, write cs\.sum\(x\)"),
    ("wire.relu()", r"write cs\.relu\(x\)"),
    ("wire.view(-1)", r"write cs\.reshape\(x, shape="),
    ("cs.relu(wire)", RUNS),
    ("cs.softmax(wire, dim=-1)", "softmax has no attribute 'dim'; its attributes are: axis"),
    ("cs.softmax(wire, -1)", r"but was given 2; give by name axis=\.\.\."),
    ("cs.sum(wire, dim=0, keepdim=True)", "no attribute 'dim'; its attributes are: axis, keepdims"),
    ("cs.cat([wire, wire], dim=0)", r"no 'cat': write cs\.concat\(x, y, axis=0\)"),
    ("cs.stack([wire, wire])", r"a list of wires: give them one by one, stack\(x, y\)"),
    ("cs.silu(wire)", r"no 'silu': define it with @cs\.gate"),
    ("with cs.no_grad(): pass", r"no 'no_grad': engine\.forward\(inputs\) computes no gradients"),
    ("cs.manual_seed(0)", r"no 'manual_seed': give a seed"),
    ("engine.zero_grad()", "no 'zero_grad': gradients do not accumulate"),
    ("engine.train()", r"no 'train': a trainer moves parameters"),
    ("engine.backward(retain_graph=True)", r"backward has no setting 'retain_graph': write backward\(gradient"),
    ("engine.backward(pull=1)", r"no setting 'pull': write gradient=\.\.\."),
    ("engine(x=1)", r"an engine cannot be called: write engine\.forward\(\{"),
    ("engine.state_dict()", r"write engine\.parameters"),
    ("cs.Trainer(circuit, cs.forces.svm, cs.SGD(0.1))", r"for an engine: give it one, Simulation\(circuit\)"),
    ("cs.Trainer(engine, loss=cs.forces.svm, optimizer=cs.SGD())", r"no setting 'loss': write force=\.\.\."),
    ("trainer.fit([[1, 2, 3]], [1], epochs=10)", r"no setting 'epochs': write iterations=\.\.\. in fit\(points"),
    ("trainer.fit([[1, 2, 3]], [1], batch_size=10)", r"no setting 'batch_size': write batch=\.\.\."),
]  # fmt: skip

JAX = [
    ("cs.grad(lambda x: x * x)(3.0)", r"no 'grad': wire up a circuit and run it"),
    ("cs.value_and_grad(lambda x: x * x)", r"no 'value_and_grad': wire up"),
    ("cs.jit(lambda x: x * x)", r"no 'jit': cs\.Compiled\(circuit\)"),
    ("cs.vmap(lambda x: x * x)", "no 'vmap': give arrays to the inputs"),
    ("jnp = cs.numpy", r"no 'numpy': write import numpy as np"),
    ("key = cs.random.PRNGKey(0)", "no 'random': give a seed"),
    ("np.exp(wire) + np.sin(wire) * 2", RUNS),
    ("np.where(wire > 0, wire, 0.0)", RUNS),
    ("np.dot(wire, wire)", r"write x @ y"),
    ("cs.softmax(wire, axis=-1)", RUNS),
    ("wire.at[0].set(1.0)", r"no 'at': write cs\.where"),
    ("wire.T @ wire", RUNS),
    ("mask = wire == 0.0", RUNS),
    ("if wire > 0: pass", "neither true nor false"),
    ("cs.stop_gradient(wire)", "no 'stop_gradient'"),
    ("cs.custom_vjp", r"define a gate with @cs\.gate"),
    ("cs.Adam(learning_rate=0.1)", r"no setting 'learning_rate': write step=\.\.\."),
    ("cs.float32", "all values are float64"),
    ("cs.relu(np.array([-1.0, 1.0]))", RUNS),
]  # fmt: skip

SIMPY = [
    ("env = cs.Environment()", r"no 'Environment': a simulation has its own clock"),
    ("simulation.env.process(None)", r"no 'env': .*simulation\.environment is SimPy's environment"),
    ("simulation.timeout(1)", r"no 'timeout': .*gate_delay"),
    ("simulation.run(until=10)", "has no input 'until': its inputs are x, y, z"),
    ("cs.Simulation(circuit, until=10)", r"no setting 'until': write Simulation\(circuit, plan="),
    ("cs.Simulation()", r"missing 1 required positional argument: 'circuit': write Simulation\(circuit"),
    ("cs.Simulation('x * y')", r"for a circuit: give it one, as cs\.parse"),
    ("cs.Simulation(circuit, latency=2)", r"no setting 'latency': write wire_latency=\.\.\."),
    ("simulation.now", r"no 'now': write run\.time"),
    ("simulation.step()", r"no 'step': a run goes on until all messages have arrived"),
    ("cs.Resource(simulation)", "no 'Resource'"),
    ("simulation.run({'x': 1}, y=2, z=3)", RUNS),
    ("simulation.run()", "needs a value for inputs x, y, z"),
    ("simulation.run([1, 2, 3])", "the inputs were given as .*: give a mapping"),
    ("simulation.run(1, 2, 3)", r"takes from 1 to 2 positional arguments but 4 were given: write run\("),
    ("run.time", RUNS),
    ("simulation.environment.now", RUNS),
]  # fmt: skip

RESULTS = [
    ("run.outputs['f']", RUNS),
    ("run.outputs.f", r"write \['f'\] instead of \.f"),
    ("run['f']", r"a run cannot be indexed: write run\.outputs\['f'\]"),
    ("run.f", r"a run has no 'f': it has animate, draw"),
    ("run.grad", r"no 'grad': write run\.gradients\['x'\]"),
    ("run.gradient('add1')", RUNS),
    ("run.gradients['add1']", r"no 'add1' here: it has x, y, z; ask run\.value\(name\) or run\.gradient\(name\)"),
    ("run.backward()", r"the run went back already, and has run\.gradients"),
    ("run.plot()", r"write run\.save\('run\.html'\)"),
    ("circuit.run(x=1)", r"no 'run': an engine runs it"),
    ("circuit['x']", r"a circuit cannot be indexed: keep the wires"),
    ("circuit.add(wire, wire)", r"no 'add': write circuit\.gate\(cs\.add, x, y\)"),
    ("circuit.output(wire)", r"write output\(name, wire\)"),
    ("circuit.parameter('q')", r"write parameter\(name, value\)"),
    ("circuit.conect", "no 'conect': did you mean 'connect'"),
    ("engine.run(x=1)", r"no 'run': write cs\.Simulation\(circuit\)\.run"),
    ("engine.forward(x=1, y=2, z=3)", r"forward has no setting 'x': write forward\(inputs\)"),
    ("cs.tanhh(wire)", "no 'tanhh': did you mean 'tanh'"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "words"), PYTORCH + JAX + SIMPY + RESULTS)
def test_what_is_written_from_habit_runs_or_is_corrected(line, words):
    circuit = cs.Circuit("two gates")
    wire, y, z = circuit.inputs("x y z")
    circuit.output("f", (wire + y) * z)
    simulation, learner = cs.Simulation(circuit), cs.Compiled(cs.linear(3))
    names = {
        "cs": cs, "np": np, "circuit": circuit, "wire": wire, "simulation": simulation,
        "engine": cs.Compiled(circuit), "run": simulation.run(x=-2, y=5, z=-4), "mlp_parameters": [],
        "trainer": cs.Trainer(learner, cs.forces.svm, cs.SGD(0.1)),
    }  # fmt: skip
    if words is RUNS:
        exec(line, names)
        return
    with pytest.raises(cs.CircuitSimError, match=words):
        exec(line, names)


def test_what_is_advised_is_there():
    """No name that exists is in the list of habits, and what sentences advise can be found."""
    circuit = cs.parse("x * y")
    run = cs.Simulation(circuit).run(x=1, y=2)
    things = {
        "circuitsim": cs, "wire": cs.Wire(circuit, "x"), "circuit": circuit, "engine": cs.Compiled(circuit), "run": run,
    }  # fmt: skip
    assert set(things) == set(habits.HABITS)
    for kind, names in habits.HABITS.items():
        for name, advice in names.items():
            assert advice
            if name.isidentifier() and not (kind == "engine" and name == "run"):
                assert not hasattr(things[kind], name), (kind, name)
            for word in advice.replace("(", " ").replace(",", " ").replace(")", " ").split():
                if word.startswith("cs."):
                    assert hasattr(cs, word.split(".")[1]), word


def test_advice_is_only_given_where_a_name_is_missing():
    assert not hasattr(cs, "jit")
    assert getattr(cs, "jit", None) is None
    with pytest.raises(AttributeError, match="__path_of_no_file__"):
        cs.__path_of_no_file__  # noqa: B018

    class Broken(cs.Compiled):
        @property
        def shown(self):
            return self.netlist.there_is_no_such

    with pytest.raises(AttributeError, match="there_is_no_such"):
        Broken(cs.parse("x")).shown  # noqa: B018


def test_an_error_within_a_call_is_no_wrong_call():
    def fails(gradient, output, x):
        raise TypeError("of its own")

    made = cs.gate(name="fails_backward")(lambda x: x * 2.0)
    made.vjp(0)(fails)
    circuit = cs.Circuit("fails")
    circuit.output("f", made(circuit.input("x")))
    engine = cs.Compiled(circuit)
    engine.forward({"x": 1.0})
    with pytest.raises(TypeError, match="of its own") as error:
        engine.backward()
    assert not isinstance(error.value, cs.CallError)


def test_results_by_name_are_dicts():
    run = cs.Simulation(cs.parse("x * y")).run(x=2, y=3)
    assert run.outputs == {"f": 6.0}
    assert repr(run.gradients) == "{'x': 3.0, 'y': 2.0}"
    assert run.outputs.get("g") is None
    again = pickle.loads(pickle.dumps(run.outputs))
    assert again == run.outputs
    with pytest.raises(LookupError, match="no 'g' here"):
        again["g"]


def test_optimizers_of_ones_own_are_corrected_too():
    class Mine(cs.SGD):
        def __init__(self, step=0.1, push=0.0):
            super().__init__(step)
            self.push = push

    with pytest.raises(cs.CallError, match=r"Mine has no setting 'lr': write step=\.\.\. in .*\(step=\.\.\., push="):
        Mine(lr=3)
    assert Mine(push=1.0).push == 1.0
