// A circuit that computes: what is set or pulled changes every number of the recorded story, at the same times.
//
// The engine knows the whole circuit. A scene may show it folded, or one group of it: `whole` says then of which nodes
// and wires of the circuit each of its own is made, and without it they are the same.

class Live {
  // program: as the engine takes it; part: the one window of the trace
  constructor(scene, program, part) {
    this.engine = new Engine(program);
    this.kinds = program.kinds;
    this.names = program.names ?? scene.nodes.map(({name}) => name);
    this.look(scene);
    const {kind, where, value} = part.records;
    const pulls = new Map();
    kind.forEach((what, i) => {
      const [source, target] = what <= GRADIENT ? scene.wires[where[i]] : [where[i]];
      if (what === VALUE && this.movable.includes(source)) this.put(source, value[i]);
      if (what === GRADIENT && scene.nodes[target].kind === "output") pulls.set(this.of(target), value[i]);
    });
    for (const [node, held] of part.before.values) if (this.movable.includes(node)) this.put(node, held);
    this.pulled = pulls.size > 0;
    if (this.pulled) this.engine.pull(pulls);
    this.ends = [...this.kinds.keys()].filter((node) => "ipc".includes(this.kinds[node]));
    this.first = {values: this.ends.map((node) => this.engine.value(node)), pulls: new Map(pulls)};
    this.compute();
  }

  // Speaks from now on of a scene's nodes and wires.
  look(scene) {
    this.scene = scene;
    this.parts = scene.whole ?? {nodes: scene.nodes.map((_, node) => [node]), wires: scene.wires.map((_, wire) => [wire])};
    const all = [...scene.nodes.keys()];
    const lone = (node) => this.parts.nodes[node].length === 1;
    this.movable = all.filter((node) => lone(node) && "ipc".includes(this.kinds[this.of(node)]));
    this.outputs = all.filter((node) => lone(node) && this.kinds[this.of(node)] === "o");
  }

  of(node) {
    return this.parts.nodes[node][0];
  }

  // -- numbers of now, by the scene's nodes and wires ----------------------------------------------------------

  value(node) {
    return together(this.parts.nodes[node].map((one) => this.engine.value(one)));
  }

  // Undefined where none arrives.
  gradient(node) {
    const parts = this.parts.nodes[node], of = (one) => this.engine.gradient(one);
    return parts.length === 1 ? of(parts[0]) : together(parts.map((one) => of(one) ?? 0));
  }

  // What came back along a wire; a wire that is several brings the sums by their sources.
  share(wire) {
    const {engine} = this, sums = new Map();
    for (const one of this.parts.wires[wire]) {
      const source = engine.wires[one][0], share = engine.share(one) ?? 0;
      sums.set(source, sums.has(source) ? sums.get(source) + share : share);
    }
    return together([...sums.values()]);
  }

  slopes(node) {
    return this.engine.slopes(this.of(node));
  }

  // -- what is changed -----------------------------------------------------------------------------------------

  put(node, value) {
    this.engine.set(this.of(node), value);
  }

  compute() {
    this.engine.forward();
    if (this.pulled) this.engine.backward();
  }

  set(node, value) {
    this.put(node, value);
    this.compute();
  }

  pull(output, value) {
    this.engine.pull(new Map(this.engine.pulls).set(this.of(output), value));
    this.compute();
  }

  pullAt(output) {
    return this.engine.pulls.get(this.of(output)) ?? 0;
  }

  reset() {
    this.ends.forEach((node, at) => this.engine.set(node, this.first.values[at]));
    if (this.pulled) this.engine.pull(new Map(this.first.pulls));
    this.compute();
  }

  // Every input and parameter of the circuit, some way (0 to 1) between where it stands and where its gradient leads
  // in one step; returns what goes there.
  respond(step) {
    const {engine} = this, ends = this.ends.filter((node) => this.kinds[node] !== "c");
    const from = ends.map((node) => engine.value(node));
    const to = ends.map((node, at) => from[at] + step * (engine.gradient(node) ?? 0));
    return (way) => {
      ends.forEach((node, at) => engine.set(node, way === 1 ? to[at] : from[at] + way * (to[at] - from[at])));
      this.compute();
    };
  }

  // The number of a node of the whole circuit, by its name and the letters of its possible kinds; -1 if there is none.
  find(name, kinds) {
    return this.names.findIndex((one, node) => one === name && kinds.includes(this.kinds[node]));
  }

  // An address holds what differs from the run: "v." and a name is a value that was set, "p." and a name a pull.
  write(found) {
    const {engine, first, names} = this;
    this.ends.forEach((node, at) => {
      if (!Object.is(engine.value(node), first.values[at])) found.set("v." + names[node], engine.value(node));
    });
    for (const [node, pull] of engine.pulls) if (pull !== first.pulls.get(node)) found.set("p." + names[node], pull);
  }

  read(found) {
    this.reset();
    for (const [key, text] of found) {
      const value = Number(text), name = key.slice(2);
      if (text.trim() === "" || !Number.isFinite(value)) continue;
      const node = this.find(name, "ipc"), output = this.find(name, "o");
      if (key.startsWith("v.") && node >= 0) this.engine.set(node, value);
      if (key.startsWith("p.") && this.engine.pulls.has(output)) this.engine.pulls.set(output, value);
    }
    this.compute();
  }

  // What tests and the curious call: numbers by name.
  handle(player) {
    const {engine, names} = this;
    const find = (name, kinds) => {
      const node = this.find(name, kinds);
      if (node < 0) throw new RangeError(`nothing here is called ${name} and can be set so`);
      return node;
    };
    const told = (number) => Object.fromEntries(names.map((name, node) => [name, number(node)]));
    return {
      set: (name, value) => player.change(() => {
        engine.set(find(name, "ipc"), Number(value));
        this.compute();
      }),
      pull: (name, value) => player.change(() => {
        engine.pull(new Map(engine.pulls).set(find(name, "o"), Number(value)));
        this.compute();
      }),
      values: () => told((node) => engine.value(node)),
      gradients: () => told((node) => engine.gradient(node)),
    };
  }
}

// Several numbers on one wire, as they are written.
function together(numbers) {
  if (numbers.length === 1) return numbers[0];
  if (!numbers.length) return 0;
  return numbers.length <= 6 ? "[" + numbers.map((number) => show(number)).join(", ") + "]" : "array " + numbers.length;
}
