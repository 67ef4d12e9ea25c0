// A circuit that computes: what is set or pulled changes every number of the recorded story, at the same times.

class Live {
  // program: as the engine takes it; part: the one window of the trace
  constructor(scene, program, part) {
    this.scene = scene;
    this.part = part;
    this.engine = scene.whole ? new Folded(new Engine(program), scene) : new Engine(program);
    this.nodes = new Map(scene.nodes.map((node, index) => [node.kind + ":" + node.name, index]));
    this.movable = [...scene.nodes.keys()].filter((index) => ["input", "parameter"].includes(scene.nodes[index].kind));
    this.outputs = [...scene.nodes.keys()].filter((index) => scene.nodes[index].kind === "output");
    const {kind, where, value} = part.records;
    const pulls = new Map();
    kind.forEach((what, i) => {
      const [source, target] = what <= GRADIENT ? scene.wires[where[i]] : [where[i]];
      if (what === VALUE && this.movable.includes(source)) this.engine.set(source, value[i]);
      if (what === GRADIENT && this.outputs.includes(target)) pulls.set(target, value[i]);
    });
    for (const [node, held] of part.before.values) this.engine.set(node, held);
    this.pulled = pulls.size > 0;
    if (this.pulled) this.engine.pull(pulls);
    this.first = {values: this.movable.map((node) => this.engine.value(node)), pulls: new Map(pulls)};
    this.compute();
  }

  compute() {
    this.engine.forward();
    if (this.pulled) this.engine.backward();
  }

  set(node, value) {
    this.engine.set(node, value);
    this.compute();
  }

  pull(output, value) {
    this.engine.pull(new Map(this.engine.pulls).set(output, value));
    this.compute();
  }

  reset() {
    this.movable.forEach((node, at) => this.engine.set(node, this.first.values[at]));
    if (this.pulled) this.engine.pull(new Map(this.first.pulls));
    this.compute();
  }

  // Move what can be moved along its gradient; returns each output before and after.
  respond(step) {
    const before = this.outputs.map((node) => this.engine.value(node));
    const to = this.movable.map((node) => this.engine.value(node) + step * (this.engine.gradient(node) ?? 0));
    this.movable.forEach((node, at) => this.engine.set(node, to[at]));
    this.compute();
    return this.outputs.map((node, at) => [node, before[at], this.engine.value(node)]);
  }

  get changed() {
    const moved = this.movable.filter((node, at) => !Object.is(this.engine.value(node), this.first.values[at]));
    const pulled = this.outputs.filter((node) => this.engine.pulls.get(node) !== this.first.pulls.get(node));
    return {moved, pulled: this.pulled ? pulled : []};
  }

  // The window with the numbers of now.
  story() {
    const {engine, scene, part} = this, {kind, where, tag, end} = part.records;
    const share = (wire) => engine.share(wire) ?? 0;
    const value = kind.map((what, i) => what === FORWARD ? engine.value(where[i])
      : what === VALUE ? engine.value(scene.wires[where[i]][0])
      : what === GRADIENT ? share(where[i]) : engine.gradient(where[i]) ?? 0);
    const slopes = part.slopes.map(([node, of]) => [node, of, engine.slopes(node)]);
    const met = new Map(), sums = [];
    const order = [...kind.keys()].filter((i) => kind[i] === GRADIENT).sort((a, b) => end[a] - end[b]);
    for (const i of order) {
      const source = scene.wires[where[i]][0];
      const wires = met.get(source) ?? [];
      wires.push(where[i]);
      wires.sort((a, b) => a - b);
      met.set(source, wires);
      if (wires.length > 1) sums.push([source, end[i], tag[i], wires.map(share).reduce((a, b) => a + b)]);
    }
    const before = {...part.before, values: part.before.values.map(([node, , of]) => [node, engine.value(node), of])};
    return new Story(scene, {...part, before, slopes, sums, records: {...part.records, value}});
  }

  // What tests and the curious call: numbers by name.
  handle(player) {
    const of = (name) => this.nodes.get("input:" + name) ?? this.nodes.get("parameter:" + name);
    const told = (number) => Object.fromEntries(this.scene.nodes.map((node, at) => [node.name, number(at)]));
    return {
      set: (name, value) => player.change(() => this.set(of(name), value)),
      pull: (name, value) => player.change(() => this.pull(this.nodes.get("output:" + name), value)),
      values: () => told((node) => this.engine.value(node)),
      gradients: () => told((node) => this.engine.gradient(node)),
    };
  }
}
