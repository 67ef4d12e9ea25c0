// Computes a circuit of numbers, forward and backward, with the library's bits wherever the operations have them.
//
// RULES comes before this script: for each kind of gate its number of inputs, a function that fires gates of this kind
// and one that shares their gradients out, printed from the rules in Python.
//
// Nodes are numbered anew: level by level, gates of one kind side by side, so that such a run is one loop.

class Engine {
  // program: {kinds: "i", "p", "c", "g" or "o" for each node, rules: place in RULES of each gate, -1 of other nodes,
  //           wires: [source, target, port], grouped by source in wiring order, values: of parameters and constants,
  //           others 0}; nodes stand in topological order, as in the library's netlist.
  constructor({kinds, rules, wires, values}) {
    this.kinds = kinds;
    this.wires = wires;
    const nodes = [...kinds.keys()];
    const level = new Int32Array(kinds.length);
    for (const [source, target] of wires) level[target] = Math.max(level[target], level[source] + 1);
    const rank = (node) => "cipgo".indexOf(kinds[node]);  // so that parameters, too, stand side by side
    this.order = [...nodes].sort((one, other) => rank(one) - rank(other)
      || (kinds[one] === "g" && (level[one] - level[other] || rules[one] - rules[other])) || one - other);
    this.place = new Int32Array(kinds.length);
    this.order.forEach((node, place) => { this.place[node] = place; });

    const incoming = kinds.map(() => []);
    wires.forEach(([source, target, port], number) => { incoming[target][port] = number; });
    this.entry = new Int32Array(wires.length);  // where each wire stands in source
    const source = [];
    this.runs = [];  // [rule, first gate, end, where its wires begin in source]
    for (const node of this.order) {
      const at = this.place[node], last = this.runs[this.runs.length - 1];
      const before = this.order[at - 1];
      if (kinds[node] === "g") {
        if (last && rules[before] === rules[node] && level[before] === level[node]) last[2] = at + 1;
        else this.runs.push([rules[node], at, at + 1, source.length]);
      }
      for (const wire of incoming[node]) {
        this.entry[wire] = source.length;
        source.push(this.place[wires[wire][0]]);
      }
    }
    this.source = Int32Array.from(source);
    this.values = Float64Array.from(this.order, (node) => values[node]);
    this.outputs = nodes.filter((node) => kinds[node] === "o");
    this.pull(new Map(this.outputs.map((node) => [node, 1])));
  }

  value(node) { return this.values[this.place[node]]; }

  set(node, value) { this.values[this.place[node]] = value; }

  // The gradient at a node; undefined where none arrives.
  gradient(node) { return this.feels[node] ? this.gradients[this.place[node]] : undefined; }

  // The gradient that came back along a wire; undefined where none does.
  share(wire) { return this.carries[wire] ? this.gradients[this.sent[this.entry[wire]]] : undefined; }

  // Choose the outputs at which the backward pass begins, by node, and how hard each is pulled.
  pull(pulls) {
    this.pulls = pulls;
    const roots = [...pulls.keys()].join();
    if (roots !== this.roots) this.prepare(roots);
  }

  // Find which wires carry a gradient, and where it is kept: with the node it goes to if nothing else goes there.
  prepare(roots) {
    this.roots = roots;
    const {kinds, wires, entry, place, order, source} = this;
    const leads = kinds.map((_, node) => this.pulls.has(node));
    for (let number = wires.length - 1; number >= 0; number--) {
      const [from, to] = wires[number];
      if (leads[to]) leads[from] = true;
    }
    const learns = kinds.map((kind) => kind === "i" || kind === "p");
    for (const [from, to] of wires) if (learns[from]) learns[to] = true;
    this.carries = wires.map(([from, to]) => learns[from] && leads[to]);
    const arriving = kinds.map(() => []);  // the wires by which gradients arrive, in wiring order
    wires.forEach(([from], number) => { if (this.carries[number]) arriving[from].push(number); });
    this.feels = kinds.map((_, node) => arriving[node].length > 0 || this.pulls.has(node));

    let size = kinds.length;
    this.sent = new Int32Array(source.length).fill(-1);
    for (const wired of arriving) {
      for (const wire of wired) this.sent[entry[wire]] = wired.length > 1 ? size++ : place[wires[wire][0]];
    }
    this.sent = this.sent.map((cell) => cell < 0 ? size : cell);  // the last cell is for what nobody looks at
    this.gradients = new Float64Array(size + 1);

    const meeting = (at) => arriving[order[at]].length > 1;
    const ends = (at) => arriving[order[at]].map((wire) => this.sent[entry[wire]]);
    this.back = [];  // what to do from the end to the start: add up what meets at a node, or share out a run of gates
    for (const [rule, from, to, first] of this.runs) {
      const sums = [], parts = [];
      for (let at = from; at < to; at++) {
        if (!this.feels[order[at]]) continue;
        if (meeting(at)) sums.push([at, ends(at)]);
        const last = parts[parts.length - 1];
        if (last && last.end === at) last.end++;
        else parts.push({rule, from: at, end: at + 1, first: first + (at - from) * RULES[rule].inputs, sums: []});
      }
      if (parts.length) parts[0].sums = sums;
      this.back.unshift(...parts);
    }
    this.rest = [...kinds.keys()].map((node) => place[node])
      .filter((at) => kinds[order[at]] !== "g" && kinds[order[at]] !== "o" && meeting(at)).map((at) => [at, ends(at)]);
    this.straight = wires.map((_, number) => number).filter(
      (number) => this.carries[number] && kinds[wires[number][1]] === "o");
  }

  // Compute every gate; inputs, parameters and constants stand in values.
  forward() {
    const {values, source} = this;
    for (const [rule, from, end, first] of this.runs) RULES[rule].fire(from, end, first, values, source);
    for (const output of this.outputs) values[this.place[output]] = this.values[this.source[this.at(output)]];
  }

  at(output) { return this.source.length - this.outputs.length + this.outputs.indexOf(output); }

  backward() {
    const {values, gradients, source, sent, place} = this;
    for (const [output, pull] of this.pulls) gradients[place[output]] = pull;
    for (const wire of this.straight) gradients[sent[this.entry[wire]]] = gradients[place[this.wires[wire][1]]];
    for (const {rule, from, end, first, sums} of this.back) {
      this.meet(sums);
      RULES[rule].share(from, end, first, values, source, gradients, sent);
    }
    this.meet(this.rest);
  }

  // Add up what arrives at nodes, in wiring order.
  meet(sums) {
    const {gradients} = this;
    for (const [at, cells] of sums) {
      let total = gradients[cells[0]];
      for (let k = 1; k < cells.length; k++) total += gradients[cells[k]];
      gradients[at] = total;
    }
  }
}

// The slopes of a gate, by port: what each would be sent for a gradient of 1.
Engine.prototype.slopes = function (node) {
  const at = this.place[node], run = this.runs.find(([, from, end]) => from <= at && at < end);
  const {inputs, share} = RULES[run[0]], first = run[3] + (at - run[1]) * inputs;
  this.scratch ??= new Float64Array(this.kinds.length + 8);
  this.aside ??= Int32Array.from(this.source, (_, entry) => this.kinds.length + entry % 8);
  this.scratch[at] = 1;
  share(at, at + 1, first, this.values, this.source, this.scratch, this.aside);
  return Array.from({length: inputs}, (_, port) => this.scratch[this.kinds.length + (first + port) % 8]);
};
