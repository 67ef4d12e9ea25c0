// The playground: a formula is read, laid out and computed while it is typed; its numbers can be dragged and pulled.

const PATIENCE = 500; // milliseconds without a key after which a fault in the formula is told
const READABLE = 0.5; // pixels on the screen for one of the drawing, below which words are too small

class Playground {
  constructor({gates, examples}) {
    this.gates = new Gates(gates);
    this.examples = examples;
    this.known = new Map(); // the last value of each name that was an input
    this.field = byId("expression");
    this.player = new Player({
      read: (found) => this.read(found),
      write: (found) => this.write(found),
      drawn: () => this.rewrite(),
    });
    byId("examples").append(...examples.map((example) =>
      make("button", {type: "button", onclick: () => this.choose(example)}, example.name)));
    this.listen();
    this.show(examples[1].expression);
    this.player.start();
    this.tour = new Tour(this.player, byId("tour"), byId("guide"));
  }

  // -- from a text to a picture --------------------------------------------------------------------------------

  // Shows the circuit that a text describes; throws a Refusal if it describes none, and leaves the picture as it is.
  show(text) {
    const circuit = readExpression(text, this.gates), netlist = circuit.netlist();
    const example = this.examples.find(({expression}) => expression === text);
    const of = (wanted) => [...netlist.nodes.keys()].filter((node) => netlist.nodes[node].kind === wanted);
    const inputs = of("input"), first = (node) => example?.values[netlist.nodes[node].name] ?? 1;
    const engine = new Engine(netlist.program());
    for (const node of inputs) engine.set(node, this.known.get(netlist.nodes[node].name) ?? first(node));
    engine.forward();
    engine.backward();
    const scene = this.scene(circuit, drawScene(circuit.name, netlist, engine));
    const carries = netlist.wires.map((_, wire) => engine.share(wire) !== undefined);
    const part = timeMessages(netlist, engine.outputs, carries);
    part.records.value = part.records.kind.map((kind, at) => { // what a reset leads back to
      const [source, target] = kind <= GRADIENT ? netlist.wires[part.records.where[at]] : [];
      return kind === VALUE ? inputs.includes(source) ? first(source) : netlist.nodes[source].value
        : kind === GRADIENT && netlist.nodes[target].kind === "output" ? 1 : 0;
    });
    const constants = of("constant").map((node) => {
      const {value, spot: {from, till}} = netlist.nodes[node];
      return {node, value, from, till};
    }).sort((one, other) => one.from - other.from);
    Object.assign(this, {text, source: text, inputs, constants});
    this.player.load({...scene, spans: [part.span]}, () => part, netlist.program());
    const {live} = this.player;
    this.player.change(() => {
      for (const node of inputs) live.put(node, engine.value(node));
      live.compute();
    });
    this.player.set(part.span[1]);
    this.frame();
    // For tests and the curious.
    window.circuitsim = {...live.handle(this.player), expression: (typed) => this.take(typed)};
    if (this.field.value !== text) this.field.value = text;
    this.tell(null);
    byId("shows").textContent = /[;=\n]/.test(text) ? "" : `${netlist.nodes.at(-1).name} =`;
    this.mark();
  }

  // All of what was typed is in sight, as long as it can be read at all.
  frame() {
    const {camera} = this.player;
    camera.fit();
    if (camera.scale >= READABLE) return;
    camera.open();
    this.player.seeOutputs();
  }

  mark() {
    [...byId("examples").children].forEach((button, at) => {
      button.setAttribute("aria-pressed", String(this.examples[at].expression === this.text));
    });
  }

  // Writes the numbers of now into the text, where constants were moved, and into the program.
  rewrite() {
    const {live} = this.player;
    if (!live) return;
    let text = "", at = 0;
    for (const {node, value, from, till} of this.constants) {
      const now = live.value(node);
      if (Object.is(now, value)) continue;
      text += this.source.slice(at, from) + (now < 0 || Object.is(now, -0) ? `(${written(now)})` : written(now));
      at = till;
    }
    text += this.source.slice(at);
    if (text !== this.text) {
      if (this.field.value === this.text) this.field.value = text;
      this.text = text;
      this.mark();
    }
    this.writeProgram();
  }

  // A scene with what a page tells beside it.
  scene(circuit, scene) {
    const gates = [...circuit.nodes.values()].flatMap(({gate}) => gate ? [gate] : []);
    const [output] = circuit.outputs.keys();
    return {
      ...scene, batch: 0, batches: 0,
      slopes: Object.fromEntries(gates.map(({name, slopes}) => [name, slopes])),
      heading: [["What would make ", ""], [output, "name"], [" larger?", ""]],
      about: "Type a formula, then drag its numbers or the pull at its end, and watch what flows back.",
      notes: [`A formula may use + − * / **, brackets and ${listed([...this.gates.names.keys()].sort(), Infinity)}; `
        + "a name for a part of it is given as in q = x + y; f = q * z."],
    };
  }

  // Shows a text as if it had been typed, numbers kept where names are the same.
  take(text) {
    this.remember();
    this.show(text);
    this.player.writeHash();
  }

  remember() {
    const {live} = this.player;
    for (const node of this.inputs) this.known.set(live.names[node], live.value(node));
  }

  choose({expression, values}) {
    if (this.tour.at >= 0) this.tour.end(); // it is of another circuit
    this.known = new Map(Object.entries(values));
    this.show(expression);
    this.player.writeHash();
  }

  // -- the field -----------------------------------------------------------------------------------------------

  listen() {
    this.field.addEventListener("focus", () => {
      if (this.tour.at < 0) return;
      this.tour.end();
      this.field.focus();
    });
    this.field.addEventListener("input", () => {
      try {
        this.take(this.field.value);
      } catch (refusal) {
        if (!(refusal instanceof Refusal)) throw refusal;
        this.tell(refusal);
      }
    });
    byId("as-python").addEventListener("click", () => this.open(byId("python").hidden));
    byId("shut").addEventListener("click", () => this.open(false));
    byId("python").addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.open(false);
    });
    byId("copy").addEventListener("click", () => {
      navigator.clipboard?.writeText(byId("program").textContent).catch(() => {});
      toast("Program copied");
    });
  }

  // Tells what is wrong with the text in the field: soon, but not while somebody types on.
  tell(refusal) {
    clearTimeout(this.telling);
    this.field.setAttribute("aria-invalid", String(Boolean(refusal)));
    if (!refusal) byId("fault").replaceChildren();
    else this.telling = setTimeout(() => this.explain(refusal), byId("fault").hasChildNodes() ? 0 : PATIENCE);
  }

  explain({message, from, till}) {
    const place = from === null ? [] : [make("button", {type: "button", class: "link", onclick: () => {
      this.field.focus();
      this.field.setSelectionRange(from, till);
    }}, `Letter ${[...this.field.value.slice(0, from)].length + 1}`), ": "];
    const sentence = place.length ? message : message[0].toUpperCase() + message.slice(1);
    const shown = make("code", {}, cut(this.text, 60));
    byId("fault").replaceChildren("⚠ ", ...place, sentence + ".",
      make("span", {class: "soft"}, " The circuit is still that of ", shown, "."));
  }

  // -- the address ---------------------------------------------------------------------------------------------

  read(found) {
    const text = found.get("f");
    if (text === null || text === this.source) return;
    this.known = new Map();
    for (const [key, value] of found) {
      const number = value.trim() === "" ? NaN : Number(value);
      if (key.startsWith("v.") && Number.isFinite(number)) this.known.set(key.slice(2), number);
    }
    try {
      this.show(text);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      this.field.value = text;
      this.tell(refusal);
    }
  }

  write(found) {
    const {live} = this.player;
    found.set("f", this.text);
    for (const {node} of this.constants) found.delete("v." + live.names[node]); // the text says it
    for (const node of this.inputs) found.set("v." + live.names[node], live.value(node));
  }

  // -- Python --------------------------------------------------------------------------------------------------

  open(wanted) {
    byId("python").hidden = !wanted;
    byId("as-python").setAttribute("aria-expanded", String(wanted));
    this.writeProgram();
    (wanted ? byId("program") : byId("as-python")).focus();
  }

  // The program that makes the same circuit and runs it with the same numbers.
  writeProgram() {
    if (byId("python").hidden) return;
    const {live} = this.player;
    const names = this.inputs.map((node) => live.names[node]), pull = live.pullAt(live.outputs[0]);
    const plain = names.every((name) =>
      /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && name !== "gradient" && !KEYWORDS.has(name));
    const given = this.inputs.map((node, at) =>
      (plain ? names[at] + "=" : JSON.stringify(names[at]) + ": ") + written(live.value(node))).join(", ");
    const values = [plain ? given : `{${given}}`, pull === 1 ? "" : `gradient=${written(pull)}`].filter(Boolean);
    const program = [
      "import circuitsim as cs", "", `circuit = cs.parse(${JSON.stringify(this.text)})`,
      `run = cs.Simulation(circuit).run(${values.join(", ")})`,
      "print(run.outputs, run.gradients)",
    ].join("\n");
    if (byId("program").textContent !== program) byId("program").textContent = program;
  }
}

// A number as formulas and Python read it, to the bit.
function written(number) {
  return Object.is(number, -0) ? "-0.0" : String(number);
}

new Playground(readData("playground"));
