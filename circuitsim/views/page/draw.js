// The page to draw on: what the circuit tells of a drawing, and what would make it more of a class.

const FORCE = -1;  // the loss is pulled down
const STEP = 2;  // levels that the strongest pixel moves when all respond
const EXACT = 128;  // an address keeps a pixel to this part of a level, in two letters
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

class Reader {
  constructor(reader, program) {
    Object.assign(this, reader);
    this.engine = new ArrayEngine(program);
    this.nodes = Object.fromEntries(this.circuit.nodes.map(({name}, node) => [name, node]));
    this.pixels = this.shape[0] * this.shape[1];
    this.images = bytes(this.images);
    this.labels = bytes(this.labels);
    this.engine.pull(new Map([[this.nodes.loss, number(FORCE)]]));
  }

  image(place) { return this.images.subarray(place * this.pixels, (place + 1) * this.pixels); }

  compute(levels, target) {
    const {engine, nodes} = this;
    engine.set(nodes.x, arrayOf([this.pixels], Array.from(levels, (level) => level / this.levels)));
    engine.set(nodes.target, number(target));
    this.again();
  }

  again() {
    this.engine.forward();
    this.engine.backward();
  }

  get scores() { return this.engine.value(this.nodes.scores).data; }
  get shares() { return logSoftmax(this.scores).map(Math.exp); }
  // By one level, as the page counts pixels.
  get gradients() { return this.engine.gradient(this.nodes.x).data.map((gradient) => gradient / this.levels); }
  // Of the scores, by which the circuit after them pulls.
  get pulls() {
    const {engine, nodes} = this, [wire] = engine.incoming[nodes.scores];
    return engine.gradient(engine.wires[wire][0]).data;
  }

  // What the class of each image in the test is taken for.
  readAll() {
    const {engine, nodes} = this, count = this.labels.length;
    engine.set(nodes.x, arrayOf([count, this.pixels], Array.from(this.images, (level) => level / this.levels)));
    engine.set(nodes.target, arrayOf([count], new Float64Array(count)));
    engine.forward();
    return rowsOf(engine.value(nodes.scores)).map(largest);
  }

  // The first layer: the node whose value it makes and its weights, if the image is multiplied with a matrix.
  layer() {
    const {engine} = this, {kinds, wires, outgoing, incoming} = engine;
    const source = (node, port) => wires[incoming[node][port]][0];
    for (const wire of outgoing[this.nodes.x]) {
      const [, first, port] = wires[wire];
      if (port || kinds[first] !== "g" || kinds[source(first, 1)] !== "p") continue;
      const weights = engine.value(source(first, 1));
      if (weights.shape.length !== 2 || weights.shape[0] !== this.pixels) continue;
      let last = first;
      for (;;) {  // biases and what bends come after, with as many numbers
        const [next] = outgoing[last].map((onward) => wires[onward][1]).filter((node) => kinds[node] === "g");
        if (next === undefined || outgoing[last].length > 1
          || String(engine.value(next).shape) !== String(engine.value(first).shape)) return {node: last, weights};
        last = next;
      }
    }
    return null;
  }
}

function number(value) { return arrayOf([], [value]); }

function largest(row) { return row.reduce((best, score, at) => score > row[best] ? at : best, 0); }

function a(name) { return (/^(8|11|18|[aeiou])/i.test(name) ? "an " : "a ") + name; }

function percent(share) {
  if (share < 0.0001 || share > 0.9999) return share < 0.5 ? "< 0.01\u00a0%" : "> 99.99\u00a0%";
  return show(100 * share, share > 0.9995 ? 4 : 3) + "\u00a0%";
}

// Pixels as a small picture, a byte each for ink.
function picture(ink, [rows, columns]) {
  const canvas = make("canvas", {width: columns, height: rows, "aria-hidden": "true"}), brush = canvas.getContext("2d");
  const image = brush.createImageData(columns, rows);
  ink.forEach((dark, pixel) => { image.data[4 * pixel + 3] = dark; });
  brush.putImageData(image, 0, 0);
  return canvas;
}

// Arrow keys go through the buttons in a box, of which one is a stop of the tab key.
function rove(box) {
  const stop = (chosen) => { for (const other of box.children) other.tabIndex = other === chosen ? 0 : -1; };
  box.addEventListener("focusin", (event) => stop(event.target));
  box.addEventListener("keydown", (event) => {
    const go = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key], all = [...box.children];
    const to = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : all.indexOf(event.target) + go;
    if (Number.isNaN(to)) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, to))].focus();
  });
  return stop;
}

class Drawing {
  constructor(reader) {
    this.reader = reader;
    this.reads = reader.readAll();
    this.wrong = this.reads.flatMap((read, place) => read === reader.labels[place] ? [] : [place]);
    this.target = 0;
    this.before = null;  // the probabilities before all pixels responded
    byId("about").textContent = reader.about;
    this.pad = new Pad(byId("pad"), reader.shape, reader.levels, {
      changed: (done) => this.change(done),
      at: (pixel) => this.say(pixel === null ? this.sees() : this.matters(pixel), pixel === null),
      moved: (pixel) => this.say(this.matters(pixel)),
    });
    this.makeBars();
    this.layer = reader.compute(reader.image(0), 0) ?? reader.layer();
    this.makeNeurons();
    this.circuit = new Circuit(reader, byId("circuit"));
    this.stop = rove(byId("examples"));
    this.list(this.wrong.length > 0);
    this.listen();
    this.open();
  }

  // -- what is made once -----------------------------------------------------------------------------------------

  makeBars() {
    const box = byId("bars");
    this.bars = this.reader.classes.map((name, at) => {
      const parts = {
        share: make("span", {class: "share v"}), score: make("span", {class: "score tiny soft"}),
        pull: make("span", {class: "pull g"}), fill: make("i", {class: "fill"}), was: make("i", {class: "was"}),
      };
      parts.row = make("button", {
        type: "button", role: "radio", "aria-checked": "false",
        onclick: () => this.want(at), onfocus: (event) => event.target.matches(":focus-visible") && this.want(at),
      }, make("b", {}, name), make("span", {class: "track"}, parts.fill, parts.was), parts.share, parts.score, parts.pull);
      return parts;
    });
    box.replaceChildren(...this.bars.map(({row}) => row));
    rove(box);
  }

  makeNeurons() {
    const {layer, reader} = this;
    byId("layer").hidden = !layer;
    if (!layer) return;
    const {weights} = layer, count = weights.shape[1];
    byId("layer-title").textContent = `${count} neurons, and how each weighs the pixels`;
    const most = weights.data.reduce((met, weight) => Math.max(met, Math.abs(weight)), 0);
    this.neurons = Array.from({length: count}, (_, at) => {
      const ink = Array.from({length: reader.pixels}, (_, pixel) => 128 + 127 * weights.data[pixel * count + at] / most);
      const parts = {fill: make("i", {class: "fill"}), pull: make("i", {class: "tip"})};
      parts.tile = make("button", {
        type: "button", tabindex: at ? -1 : 0, onfocus: () => this.say(this.neuron(at)),
        onpointerenter: () => this.say(this.neuron(at), false), onpointerleave: () => this.say(this.sees(), false),
      }, picture(ink, reader.shape), make("span", {class: "track"}, parts.fill), parts.pull);
      return parts;
    });
    byId("neurons").replaceChildren(...this.neurons.map(({tile}) => tile));
    rove(byId("neurons"));
  }

  // Show the examples that are read wrongly, or all.
  list(wrong) {
    const {reader, reads} = this;
    byId("wrong").textContent = `Read wrongly: ${this.wrong.length}`;
    byId("all").textContent = `All ${reader.labels.length} of the test`;
    byId("wrong").setAttribute("aria-pressed", wrong);
    byId("all").setAttribute("aria-pressed", !wrong);
    byId("wrong").hidden = !this.wrong.length;
    const places = wrong ? this.wrong : [...reader.labels.keys()];
    this.thumbs = new Map(places.map((place) => {
      const is = reader.classes[reader.labels[place]], read = reader.classes[reads[place]];
      const told = is === read ? is : `${is}, read ${read}`;
      return [place, make("button", {
        type: "button", tabindex: -1, "aria-label": is === read ? is : `${is}, read as ${read}`,
        onclick: () => {
          this.load(place);
          this.before = null;
          this.draw();
          this.writeHash();
        },
      }, picture(Array.from(reader.image(place), (level) => 255 * level / reader.levels), reader.shape),
      make("span", {class: "tiny"}, told))];
    }));
    byId("examples").replaceChildren(...this.thumbs.values());
    this.stop(byId("examples").firstChild);
    this.markExample();
  }

  // -- what people do --------------------------------------------------------------------------------------------

  listen() {
    const on = (id, action) => byId(id).addEventListener("click", action);
    const choose = (erasing) => {
      this.pad.erasing = erasing;
      byId("draw").setAttribute("aria-pressed", !erasing);
      byId("erase").setAttribute("aria-pressed", erasing);
    };
    on("draw", () => choose(false));
    on("erase", () => choose(true));
    on("clear", () => {
      choose(false);
      this.pad.load(new Float64Array(this.reader.pixels));
      this.change(true);
    });
    on("respond", () => this.respond());
    on("wrong", () => this.list(true));
    on("all", () => this.list(false));
    on("share", () => {
      this.writeHash();
      navigator.clipboard?.writeText(location.href).catch(() => {});
      toast("Link copied: it holds your drawing");
    });
    window.addEventListener("hashchange", () => location.hash !== this.written && this.open());
    followTheme(() => {});
  }

  want(target) {
    if (target === this.target) return;
    this.target = target;
    this.before = null;
    this.draw();
    this.writeHash();
  }

  // Load an example; what it is to be more of is what it is, or, if it is read right, what it comes next to.
  load(place) {
    const {reader} = this;
    this.example = place;
    this.pad.load(reader.image(place));
    this.target = reader.labels[place];
    if (this.reads[place] === this.target) {
      reader.compute(this.pad.levels, this.target);
      this.target = largest(reader.scores.map((score, at) => at === this.reads[place] ? -Infinity : score));
    }
  }

  // The drawing is another one; `done` when the hand is lifted.
  change(done) {
    this.example = null;
    this.before = null;
    this.draw(done);
    if (done) this.writeHash();
  }

  respond() {
    const {pad, reader} = this, {gradients} = reader;
    const most = gradients.reduce((met, gradient) => Math.max(met, Math.abs(gradient)), 0);
    if (!most) return this.say(["No pixel can help: every gradient is 0."]);
    const before = reader.shares;
    pad.load(pad.levels.map((level, pixel) => {
      const to = level + STEP * gradients[pixel] / most;
      return Math.round(Math.max(0, Math.min(reader.levels, to)) * EXACT) / EXACT;
    }));
    this.example = null;
    this.before = before;
    this.draw();
    this.writeHash();
  }

  // -- what is seen ----------------------------------------------------------------------------------------------

  draw(aloud = true) {
    this.reader.compute(this.pad.levels, this.target);
    this.show(aloud);
  }

  show(aloud = true) {
    const {reader, pad, target} = this, name = reader.classes[target];
    const {shares, scores, pulls} = reader, seen = largest(scores);
    pad.show(reader.gradients);
    byId("title").textContent = `What would make this more of ${a(name)}?`;
    this.bars.forEach((bar, at) => {
      bar.row.setAttribute("aria-checked", at === target);
      bar.row.tabIndex = at === target ? 0 : -1;
      bar.row.classList.toggle("seen", at === seen);
      bar.fill.style.width = 100 * shares[at] + "%";
      bar.was.hidden = !this.before;
      if (this.before) bar.was.style.left = 100 * this.before[at] + "%";
      bar.share.textContent = percent(shares[at]);
      bar.score.textContent = show(scores[at], 3);
      const pull = pulls[at];
      bar.pull.textContent = Math.abs(pull) < 0.0005 ? "0" : (pull > 0 ? "▲ " : "▽ ") + show(Math.abs(pull), 2);
    });
    this.showNeurons();
    this.circuit.show();
    this.markExample();
    this.say(this.sees(), aloud);
  }

  showNeurons() {
    if (!this.layer) return;
    const {engine} = this.reader, {node} = this.layer;
    const values = engine.value(node).data, gradients = engine.gradient(node).data;
    const most = (numbers) => numbers.reduce((met, one) => Math.max(met, Math.abs(one)), 1e-300);
    const [top, steep] = [most(values), most(gradients)];
    this.neurons.forEach(({tile, fill, pull}, at) => {
      fill.style.width = 100 * Math.abs(values[at]) / top + "%";
      const strength = Math.sqrt(Math.abs(gradients[at]) / steep);
      pull.textContent = gradients[at] > 0 ? "▲" : "▽";
      pull.style.fontSize = 4 + 8 * strength + "px";
      pull.hidden = strength < 0.15;
      tile.setAttribute("aria-label", `neuron ${at + 1}: ${show(values[at], 3)}, gradient ${show(gradients[at], 3)}`);
    });
  }

  markExample() {
    for (const [place, thumb] of this.thumbs) {
      if (place === this.example) thumb.setAttribute("aria-current", "true");
      else thumb.removeAttribute("aria-current");
    }
  }

  sees() {
    const {reader, target, example} = this, {classes, shares, scores} = reader;
    const seen = largest(scores), name = (at) => [classes[at], "b"];
    const parts = example == null ? [] : [`This is ${a(classes[reader.labels[example]])}. `];
    parts.push(this.pad.levels.some(Boolean) ? "The network sees " : "Nothing is drawn, and the network sees ",
      a(classes[seen]).slice(0, -classes[seen].length), name(seen), ` with `, [percent(shares[seen]), "v"]);
    if (this.before) {
      parts.push(". All pixels moved along their gradients: ", a(classes[target]), " went from ",
        [percent(this.before[target]), "v"], " to ", [percent(shares[target]), "v"], ".");
      return parts;
    }
    if (target !== seen) parts.push(", ", a(classes[target]), " with ", [percent(shares[target]), "v"]);
    parts.push(". ");
    const best = this.pad.best();
    if (best !== null) parts.push(`What matters most is ${this.where(best)}: `, ...this.helps(best));
    return parts;
  }

  where(pixel) {
    const columns = this.reader.shape[1];
    return `row ${Math.floor(pixel / columns) + 1}, column ${pixel % columns + 1}`;
  }

  helps(pixel) {
    const gradient = this.reader.gradients[pixel], name = this.reader.classes[this.target];
    if (!gradient) return ["no gradient reaches it."];
    return [`one level ${gradient > 0 ? "more" : "less"} ink makes ${a(name)} about `,
      [show(100 * Math.abs(gradient), 2) + "\u00a0%", "g"], " likelier."];
  }

  matters(pixel) {
    const words = this.where(pixel), level = this.pad.levels[pixel];
    return [words[0].toUpperCase() + words.slice(1), ` is ${show(level, 3)} of ${this.reader.levels} dark: `, ...this.helps(pixel)];
  }

  neuron(at) {
    const {engine} = this.reader, {node} = this.layer;
    const value = engine.value(node).data[at], gradient = engine.gradient(node).data[at];
    const pull = !gradient ? "." : [`, and is pulled ${gradient > 0 ? "up" : "down"} with `, [show(Math.abs(gradient), 3), "g"], "."];
    return [`Neuron ${at + 1} weighs the pixels and sends on `, [show(value, 3), "v"], ...(pull === "." ? ["."] : pull)];
  }

  // A part is text, or text and its look.
  say(parts, aloud = true) {
    const sentence = byId("sentence");
    sentence.setAttribute("aria-live", aloud ? "polite" : "off");
    sentence.replaceChildren(...parts.map((part) => typeof part === "string" ? part : make("span", {class: part[1]}, part[0])));
  }

  // -- the address: "#example=17", or "#x=" with two letters a pixel; "&more=3" is the class to be more of ----------

  open() {
    const {reader, pad} = this, found = new URLSearchParams(location.hash.slice(1));
    const whole = (name, below) => /^\d+$/.test(found.get(name) ?? "") && Number(found.get(name)) < below ? Number(found.get(name)) : null;
    const drawn = found.get("x") ?? "", example = whole("example", reader.labels.length), most = reader.levels * EXACT;
    const levels = Array.from({length: reader.pixels}, (_, at) =>
      LETTERS.indexOf(drawn[2 * at]) * 64 + LETTERS.indexOf(drawn[2 * at + 1]));
    if (drawn.length === 2 * reader.pixels && levels.every((level) => level >= 0 && level <= most)) {
      pad.load(levels.map((level) => level / EXACT));
      this.example = null;
    } else this.load(example ?? this.wrong[0] ?? 0);
    this.target = whole("more", reader.classes.length) ?? this.target;
    this.before = null;
    this.draw();
  }

  writeHash() {
    const letters = (level) => LETTERS[Math.round(level * EXACT) >> 6] + LETTERS[Math.round(level * EXACT) & 63];
    const found = new URLSearchParams(
      this.example == null ? {x: Array.from(this.pad.levels, letters).join("")} : {example: this.example});
    found.set("more", this.target);
    this.written = "#" + found;
    try {
      history.replaceState(null, "", this.written);
    } catch {
      /* a page in a frame has no address of its own */
    }
  }
}

// The circuit: its nodes, and beside each the array that it sends on and the gradient that comes back, as bars.
class Circuit {
  constructor(reader, svg) {
    this.reader = reader;
    const {nodes, size, strip} = reader.circuit, {engine} = reader;
    svg.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
    svg.setAttribute("width", size[0]);
    svg.setAttribute("height", size[1]);
    svg.setAttribute("aria-label", `${reader.name}: ` + nodes.filter(({kind}) => kind === "gate").map(({text}) => text).join(", "));
    const lines = engine.wires.filter(([source, target]) => nodes[source].place && nodes[target].kind !== "output")
      .map(([source, target]) => {
        const [x, y] = nodes[source].place, [toX, toY] = nodes[target].place;
        return makeSvg("path", {class: "wire", d: nodes[source].aside ? `M${x} ${y}L${toX} ${toY}` : `M${x} ${y}C${toX} ${y} ${x} ${toY} ${toX} ${toY}`});
      });
    this.strips = nodes.flatMap(({kind, aside, place}, node) => {
      if (!place || kind === "output") return [];
      const [x, y, width] = place, {shape} = engine.value(node), at = aside ? x - strip / 2 + 2 : x + width / 2 + 2;
      if (!aside && !shape.length) return [];
      const parts = {node, at, wide: strip - 4, value: makeSvg("path", {class: "values"}), gradient: makeSvg("path", {class: "gradients"})};
      parts.base = aside ? null : y;
      parts.told = makeSvg("text", {x: aside ? x : at + strip / 2 - 2, y: aside ? y + 20 : y - 24, class: "shape"}, shape.length ? shape.join("×") : "1");
      return [parts];
    });
    const bodies = nodes.filter(({place}) => place).map(({kind, text, place: [x, y, width]}) => {
      const group = makeSvg("g", {class: kind});
      if (kind !== "output") group.append(makeSvg("rect", {x: x - width / 2, y: y - 12, width, height: 24, rx: kind === "gate" ? 12 : 6}));
      group.append(makeSvg("text", {x, y}, text));
      return group;
    });
    svg.replaceChildren(...lines, ...this.strips.flatMap(({value, gradient, told}) => [value, gradient, told]), ...bodies);
  }

  show() {
    const {engine} = this.reader;
    for (const {node, at, base, wide, value, gradient} of this.strips) {
      if (base === null) continue;
      value.setAttribute("d", bars(engine.value(node), at, base - 2, wide, -14));
      gradient.setAttribute("d", bars(engine.gradient(node), at, base + 2, wide, 14));
    }
  }
}

// As many bars as fit, each as high as the largest number that it stands for.
function bars(array, left, base, wide, high) {
  if (!array) return "";
  const count = Math.min(array.data.length, 32), heights = new Float64Array(count);
  array.data.forEach((one, at) => {
    const bar = Math.floor(at * count / array.data.length);
    heights[bar] = Math.max(heights[bar], Math.abs(one));
  });
  const top = Math.max(...heights), step = wide / count, thick = Math.min(step * 0.75, 6);
  if (!top) return "";
  return Array.from(heights, (height, at) => height
    ? `M${(left + (at + 0.5) * step - thick / 2).toFixed(1)} ${base}h${thick.toFixed(1)}v${(high * height / top).toFixed(1)}h${(-thick).toFixed(1)}z` : "").join("");
}

const reader = new Reader(readData("reader"), readData("program"));
const drawing = new Drawing(reader);

// For tests and the curious; numbers are the circuit's own, arrays are lists.
const plain = ({shape, data}) => shape.length ? Array.from(data) : data[0];
const named = (read) => Object.fromEntries(reader.circuit.nodes.map(({name}, node) => [name, read(node)])
  .filter(([, array]) => array).map(([name, array]) => [name, plain(array)]));
window.circuitsim = {
  set(name, value) {
    const {nodes, engine} = reader, shape = name === "x" ? [reader.pixels] : engine.value(nodes[name]).shape;
    if (name === "x") drawing.pad.load(value.map((one) => one * reader.levels));
    if (name === "target") drawing.target = value;
    drawing.example = drawing.before = null;
    engine.set(nodes[name], arrayOf(shape, [value].flat(Infinity)));
    reader.again();
    drawing.show(false);
  },
  pull(name, value) {
    reader.engine.pull(new Map(reader.engine.pulls).set(reader.nodes[name], arrayOf(reader.engine.value(reader.nodes[name]).shape, [value].flat())));
    reader.again();
    drawing.show(false);
  },
  values: () => named((node) => reader.engine.value(node)),
  gradients: () => named((node) => reader.engine.gradient(node)),
  reads: () => Array.from(drawing.reads),
  accuracy: () => 1 - drawing.wrong.length / reader.labels.length,
};
