// An engine seen through a folding: a group of nodes has the numbers of the one of them that other groups hear.

class Folded {
  // whole: an engine; scene: {whole: {nodes: the node that is heard of each group, wires: those that each one stands for}}
  constructor(whole, scene) {
    this.whole = whole;
    this.nodes = scene.whole.nodes;
    this.wires = scene.whole.wires;
    this.ports = scene.nodes.map((_, group) => scene.wires.filter(([, target]) => target === group).length);
    this.pulls = new Map();
  }

  value(group) { return this.whole.value(this.nodes[group]); }

  set(group, value) { this.whole.set(this.nodes[group], value); }

  gradient(group) { return this.whole.gradient(this.nodes[group]); }

  share(wire) {
    const found = this.wires[wire].map((one) => this.whole.share(one)).filter((share) => share !== undefined);
    return found.length ? found.reduce((a, b) => a + b) : undefined;
  }

  // A group multiplies by more than one slope.
  slopes(group) { return new Array(this.ports[group]).fill(null); }

  pull(pulls) {
    this.pulls = pulls;
    this.whole.pull(new Map([...pulls].map(([group, pull]) => [this.nodes[group], pull])));
  }

  forward() { this.whole.forward(); }

  backward() { this.whole.backward(); }
}
