// A circuit as it is built, node by node, and its netlist: numbered as the library numbers it.

class Refusal extends Error {
  // from, till: where in the text; none if the fault is in no one place.
  constructor(message, {from = null, till = null} = {}) {
    super(message);
    Object.assign(this, {from, till});
  }
}

class Circuit {
  constructor(name) {
    this.name = name;
    this.nodes = new Map(); // by name, in the order in which they were added; a spot is a place in the text
    this.outputs = new Map(); // the node that each shows
    this.numbers = new Map(); // the last that was given to each stem of a name
  }

  input(name, spot) {
    return this.place(name, {kind: "input"}, spot);
  }

  constant(value, name, spot) {
    return this.place(name ?? this.freeName("const"), {kind: "constant", value}, spot);
  }

  // gate: what the page knows of gates of this kind; sources: names of nodes, by port
  gate(gate, sources, name, spot) {
    return this.place(name ?? this.freeName(gate.name), {kind: "gate", gate, sources}, spot);
  }

  place(name, node, spot) {
    if (this.nodes.has(name)) {
      const taken = withArticle(this.nodes.get(name).kind);
      throw new Refusal(`there is ${taken} called ${quoted(name)} already: choose another name`, spot);
    }
    this.nodes.set(name, {name, sources: [], value: 0, spot, ...node});
    return name;
  }

  freeName(stem) {
    let number = (this.numbers.get(stem) ?? 0) + 1;
    while (this.nodes.has(stem + number)) number++;
    this.numbers.set(stem, number);
    return stem + number;
  }

  // Nodes in topological order, each as soon as all that it takes is there, then outputs; wires grouped by source, in
  // wiring order with the outputs first.
  netlist() {
    const leaving = new Map([...this.nodes.keys()].map((name) => [name, []]));
    for (const {name, sources} of this.nodes.values()) {
      sources.forEach((source, port) => leaving.get(source).push([name, port]));
    }
    const unseen = new Map([...this.nodes.values()].map(({name, sources}) => [name, sources.length]));
    const order = [...this.nodes.keys()].filter((name) => !unseen.get(name));
    for (const name of order) { // it grows on the way
      for (const [target] of leaving.get(name)) {
        unseen.set(target, unseen.get(target) - 1);
        if (!unseen.get(target)) order.push(target);
      }
    }
    const place = new Map(order.map((name, at) => [name, at]));
    const outputs = [...this.outputs.keys()];
    const wires = order.flatMap((name, source) => [
      ...outputs.flatMap((output, at) => this.outputs.get(output) === name ? [[source, order.length + at, 0]] : []),
      ...leaving.get(name).map(([target, port]) => [source, place.get(target), port]),
    ]);
    const nodes = [
      ...order.map((name) => this.nodes.get(name)),
      ...outputs.map((name) => ({name, kind: "output", value: 0})),
    ];
    return new Netlist(nodes, wires);
  }
}

class Netlist {
  // nodes: name, kind, gate (of gates) and value (of constants and parameters); wires: source, target, port
  constructor(nodes, wires) {
    Object.assign(this, {nodes, wires});
    this.incoming = nodes.map(() => []);
    this.outgoing = nodes.map(() => []);
    wires.forEach(([source, target, port], wire) => {
      this.incoming[target][port] = wire;
      this.outgoing[source].push(wire);
    });
  }

  // As Engine takes it.
  program() {
    return {
      kinds: this.nodes.map(({kind}) => kind[0]),
      rules: this.nodes.map(({gate}) => gate ? gate.rule : -1),
      wires: this.wires,
      values: this.nodes.map(({value}) => value),
    };
  }
}

function withArticle(kind) {
  return ("aeiou".includes(kind[0]) ? "an " : "a ") + kind;
}
