// The picture: drawn once; a moment only changes numbers, marks, the width of rivers, and the tokens under way.

const CROWD = 150; // wires, above which they are drawn thin
const MANY = 80; // tokens under way, above which they carry no numbers

class Stage {
  // svg: for the circuit; flight: for the messages under way, a layer of its own, so that only they are painted anew;
  // touch: {choose(what), movable(node), value(node), pulled(node), set(node, value), pull(node, value),
  //         type(node, begin), settled()}; live: whether numbers can be changed; tall: from top to bottom
  constructor(scene, svg, flight, touch, live, tall = false) {
    Object.assign(this, {scene, svg, touch, live, tall});
    this.dense = scene.dense;
    this.digits = this.dense ? 3 : 4;
    this.widest = this.dense || tall ? 12 : 18;
    this.size = tall ? scene.tall.size : scene.size;
    this.places = tall ? scene.tall.places : scene.nodes.map((node) => node.place);
    this.points = tall ? scene.tall.points : scene.wires.map((wire) => wire[3]);
    this.paths = this.points.map((points) => measured(points, tall));
    svg.replaceChildren();
    flight.replaceChildren();
    svg.setAttribute("aria-label", "The circuit " + scene.title);
    const layers = ["rivers", "edges", "nodes", "tokens"].map(() => makeSvg("g"));
    [this.rivers, this.edges, this.bodies, this.tokens] = layers;
    this.leader = makeSvg("path", {id: "leader"});
    const crowded = scene.wires.length > CROWD ? " crowded" : "";
    this.whole = makeSvg("g", {class: (this.dense ? "dense" : tall ? "tall" : "") + crowded});
    this.whole.append(this.rivers, this.edges, this.leader, this.bodies);
    svg.append(this.whole);
    flight.append(this.tokens);
    this.flying = new Map(); // the tokens on the stage, by their records
    this.drawnNodes = [];
    this.drawnWires = [];
    // In the order in which values pass, so that the tabulator key follows them.
    const leaving = scene.nodes.map(() => []);
    scene.wires.forEach(([source], wire) => leaving[source].push(wire));
    scene.nodes.forEach((node, index) => {
      this.bodies.append(this.drawNode(node, index));
      if (this.drawnNodes[index].pull) this.bodies.append(this.drawnNodes[index].pull);
      for (const wire of leaving[index]) this.bodies.append(this.drawWire(wire));
    });
  }

  drawWire(wire) {
    const [source, target] = this.scene.wires[wire];
    const path = drawnPath(this.points[wire], this.tall);
    const river = makeSvg("path", {class: "river", d: path});
    const line = makeSvg("g", {class: "line"});
    line.append(makeSvg("path", {class: "wire", d: path}));
    const group = makeSvg("g", {class: "edge", tabindex: "0", role: "button", "data-wire": wire});
    group.append(makeSvg("path", {class: "grip", d: path}));
    this.rivers.append(river);
    this.edges.append(line);
    this.listen(group, {wire});
    const label = `wire from ${this.name(source)} to ${this.name(target)}`;
    this.drawnWires[wire] = {group, line, river, marks: {}, kind: "edge", label};
    return group;
  }

  drawNode(node, index) {
    const [x, y, width, height, start] = this.places[index];
    const group = makeSvg("g", {tabindex: "0", role: "button", "data-node": index, transform: `translate(${x} ${y})`});
    const drawn = {group, marks: {}, value: null, gradient: null, kind: `node ${node.kind}`, width};
    const round = node.kind === "gate" ? Math.min(width, height) / 2 : node.pill ? height / 2 : 8;
    const box = (name, more) => makeSvg("rect", {
      class: name, x: -width / 2 - more, y: -height / 2 - more, width: width + 2 * more, height: height + 2 * more,
      rx: round + more,
    });
    group.append(box("glow", 6), box("ring", 3), box("body", 0));
    if (this.tall) group.append(box("hold", 5)); // fingers are wide
    const text = (name, at, content = "") => {
      const made = makeSvg("text", {class: name, ...at}, content);
      group.append(made);
      return made;
    };
    if (node.kind === "gate") this.drawGate(drawn, node, text, start - x, height);
    else if (node.kind === "output") {
      drawn.kind += " end";
      const small = this.dense || this.tall;
      text("title", {y: this.dense ? -8 : small ? -14 : -16}, node.text);
      drawn.value = text("value", {y: this.dense ? 12 : small ? 17 : 18, "text-anchor": "middle"});
      drawn.pull = this.drawPull(drawn, index, x + width / 2 + (this.dense ? 28 : 40), y);
      drawn.label = `output ${node.name}`;
    } else this.drawEnd(drawn, node, index, text, group, width, height);
    group.setAttribute("class", drawn.kind);
    group.setAttribute("aria-label", drawn.label);
    this.listen(group, {node: index});
    drawn.gradient?.addEventListener("click", (event) => {
      event.stopPropagation();
      this.touch.choose({node: index, why: true});
    });
    this.drawnNodes[index] = drawn;
    return group;
  }

  // Values stand above the wire and gradients below it, or, from top to bottom, at the left and at the right.
  drawGate(drawn, node, text, start, height) {
    const {tall} = this, beside = drawn.width / 2 + 6, below = node.below ?? node.name;
    text("title", {y: 0}, node.text);
    if (tall) text("name halo", {x: -beside, y: -2, class: "name finish halo"}, below);
    else text("name halo", {y: height / 2 + (this.dense ? 13 : 17)}, below);
    const reach = this.dense ? [-8, 17] : [-12, 24];
    drawn.value = text("value halo", tall ? {x: -beside, y: 15, "text-anchor": "end"} : {x: start + 6, y: reach[0]});
    drawn.gradient = text("gradient halo", tall ? {x: beside, y: 5} : {x: start + 6, y: reach[1]});
    drawn.label = `gate ${node.name}, ${node.gate}`;
    if (node.opens !== undefined) {
      drawn.kind += " group";
      drawn.label = `group ${node.name}, ${node.below}, opens`;
    }
  }

  // An input, a parameter or a constant: a box with its number, and a track with a knob where there is room.
  drawEnd(drawn, node, index, text, group, width, height) {
    const {tall, dense} = this, live = this.live && this.touch.movable(index);
    const numbered = node.kind !== "constant" || live;
    const track = numbered && live && !dense && !tall;
    if (node.kind !== "constant") drawn.kind += " end";
    if (node.pill) drawn.kind += " pill";
    drawn.label = `${node.kind} ${node.name}`;
    if (!numbered) {
      text("title", {}, node.text);
      return;
    }
    const named = node.kind !== "constant";
    if (tall) {
      if (named) text("title", {y: -20}, node.text);
      drawn.value = text("value", {y: named ? 6 : track ? 0 : 5, "text-anchor": "middle"});
      if (named) drawn.gradient = text("gradient", {y: 27, "text-anchor": "middle"});
    } else if (node.pill || !named) {
      drawn.value = text("value", {y: track ? 1 : node.pill ? 4 : 5, "text-anchor": "middle"});
      if (named) drawn.gradient = text("gradient halo", {x: width / 2 + 4, y: 0});
    } else {
      text("title start", {x: -width / 2 + 10, y: track ? -5 : 0}, node.text);
      drawn.value = text("value", {x: width / 2 - 10, y: track ? 1 : 5, "text-anchor": "end"});
      drawn.gradient = text("gradient halo", {x: width / 2 + 8, y: dense ? 17 : 24});
    }
    if (track) {
      drawn.reach = width / 2 - 12;
      group.append(makeSvg("path", {class: "track", d: `M${-drawn.reach} ${height / 2 - 8}h${2 * drawn.reach}`}));
      drawn.knob = makeSvg("circle", {class: "knob", r: 5, cy: height / 2 - 8});
      group.append(drawn.knob);
    }
    if (named && !node.pill) {
      drawn.arrow = makeSvg("path", {class: "arrow"});
      group.append(drawn.arrow);
    }
    if (live) this.makeDraggable(drawn, group, index);
  }

  makeDraggable(drawn, group, index) {
    drawn.kind += " live";
    mark(group, "role", "slider");
    mark(group, "aria-valuemin", -5);
    mark(group, "aria-valuemax", 5);
    let held = null;
    group.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      held = {x: event.clientX, value: this.touch.value(index), moved: false};
    });
    group.addEventListener("pointermove", (event) => {
      if (!held) return;
      const by = event.clientX - held.x;
      if (!held.moved && Math.abs(by) < 3) return;
      if (!held.moved) group.setPointerCapture(event.pointerId); // not before: a click goes to what is under it
      held.moved = true;
      const step = event.shiftKey ? 0.001 : 0.05;
      this.touch.set(index, neat(held.value + Math.round(by / 2) * step));
    });
    const drop = () => {
      if (held?.moved) {
        this.swallow = true; // the click that follows
        setTimeout(() => { this.swallow = false; });
      }
      held = null;
      this.touch.settled();
    };
    group.addEventListener("pointerup", drop);
    group.addEventListener("pointercancel", drop);
    group.addEventListener("dblclick", () => this.touch.type(index));
    this.listenKeys(group, (by) => this.touch.set(index, neat(this.touch.value(index) + by)),
      (begin) => this.touch.type(index, begin));
  }

  // Arrow keys move by 0.1, page keys by 1; a digit begins a number.
  listenKeys(group, move, type) {
    group.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const by = {ArrowUp: 0.1, ArrowRight: 0.1, ArrowDown: -0.1, ArrowLeft: -0.1, PageUp: 1, PageDown: -1}[event.key];
      if (/^[-.0-9]$/.test(event.key)) type(event.key);
      else if (by) move(by);
      else return;
      event.preventDefault();
      event.stopPropagation();
      this.touch.settled();
    });
  }

  // The pull is an arrow beside the output; its head is the handle.
  drawPull(drawn, index, x, y) {
    const live = this.live && this.touch.movable(index);
    const pull = makeSvg("g", {class: "pull", transform: `translate(${x} ${y})`});
    this.unit = this.dense || this.tall ? 24 : 36; // pixels for a pull of 1
    drawn.shaft = makeSvg("path", {class: "arrow"});
    drawn.head = makeSvg("path", {class: "head"});
    drawn.hold = makeSvg("rect", {class: "hold", x: -22, width: 44});
    const beside = this.tall ? {"text-anchor": "middle", x: 0} : {x: 22, y: 5};
    drawn.said = makeSvg("text", {class: "gradient halo", ...beside});
    const hint = live && !this.dense && !this.tall ? "drag to pull" : "";
    pull.append(drawn.shaft, drawn.head, drawn.said, makeSvg("text", {class: "name start halo", x: 22, y: 22}, hint));
    if (!live) return pull;
    pull.append(makeSvg("rect", {class: "ring", x: -24, y: -26, width: 48, height: 52, rx: 8}), drawn.hold);
    for (const [name, value] of Object.entries({
      class: "pull live", tabindex: "0", role: "slider", "aria-label": `pull at ${this.name(index)}`,
      "aria-valuemin": -2, "aria-valuemax": 2,
    })) mark(pull, name, value);
    const put = (value) => this.touch.pull(index, Math.max(-2, Math.min(2, Math.round(value * 20) / 20)));
    let held = null;
    pull.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      held = {y: event.clientY, value: this.touch.pulled(index)};
      pull.setPointerCapture(event.pointerId);
    });
    pull.addEventListener("pointermove", (event) => held && put(held.value - (event.clientY - held.y) / this.unit));
    for (const name of ["pointerup", "pointercancel"]) {
      pull.addEventListener(name, () => {
        held = null;
        this.touch.settled();
      });
    }
    pull.addEventListener("dblclick", () => this.touch.type(index));
    this.listenKeys(pull, (by) => put(this.touch.pulled(index) + by), (begin) => this.touch.type(index, begin));
    return pull;
  }

  name(index) {
    const node = this.scene.nodes[index];
    return node.kind === "constant" ? node.text : node.name;
  }

  listen(group, what) {
    group.addEventListener("click", () => {
      if (this.swallow || this.svg.classList.contains("dragging")) this.swallow = false;
      else this.touch.choose(what);
    });
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      this.touch.choose(what);
    });
  }

  // Shows a story at a time; `told` are the nodes that the sentence speaks of; before the run has begun nothing moves.
  show(story, time, told, begun = true) {
    const latest = story.at((story.starts ??= tagStarts(story)), time)?.value ?? -1;
    const ends = (story.ends ??= tagEnds(story));
    const over = (event) => Boolean(event) && event.tag >= 0 && event.tag < latest && (ends.get(event.tag) ?? -Infinity) <= time;
    const firing = new Map(), moving = [], working = [];
    const blink = 0.02 * (story.span[1] - story.span[0]); // a gate that takes no time still lights up
    for (const record of begun ? story.records : []) {
      if (record.start > time) break;
      if (record.kind >= FORWARD) {
        if (time < record.end || (record.end === record.start && time < record.end + blink)) {
          firing.set(record.where, record.kind);
          if (this.scene.batch) working.push(record);
        }
      } else if (time < record.end) moving.push(record);
    }
    // Where numbers were changed, names follow later: nobody hears them all while something is dragged.
    const dragged = this.story === story && this.version !== story.version, renewed = dragged || this.story !== story;
    this.version = story.version;
    this.story = story;
    if (dragged) {
      clearTimeout(this.naming);
      this.naming = setTimeout(() => [...this.drawnWires, ...this.drawnNodes].forEach(name), 200);
    }
    const back = story.returned.map((history) => story.at(history, time));
    const largest = back.reduce((most, event) => Math.max(most, size(event?.value)), 1e-300);
    this.drawnWires.forEach((drawn, wire) => {
      const value = story.at(story.carried[wire], time), gradient = back[wire];
      const share = size(gradient?.value);
      const wide = share ? (2 + this.widest * share / largest).toFixed(1) : "0";
      if (wide !== drawn.wide) drawn.river.setAttribute("stroke-width", drawn.wide = wide);
      dress(drawn, {on: Boolean(value)});
      if (!renewed && drawn.came === value && drawn.went === gradient) return;
      Object.assign(drawn, {came: value, went: gradient});
      if (!dragged) name(drawn);
    });
    let feltMost = 1e-300;
    const felt = story.felt.map((history) => story.at(history, time));
    this.scene.nodes.forEach(({kind}, index) => {
      if (kind === "input" || kind === "parameter") feltMost = Math.max(feltMost, size(felt[index]?.value));
    });
    this.drawnNodes.forEach((drawn, index) => {
      const value = story.at(story.values[index], time), gradient = felt[index];
      const faint = [over(value), over(gradient)];
      if (drawn.arrow) this.pointArrow(drawn, gradient?.value, feltMost);
      const kind = firing.get(index);
      dress(drawn, {
        told: told.has(index), firing: kind !== undefined, forward: kind === FORWARD, backward: kind === BACKWARD,
      });
      if (!renewed && drawn.came === value && drawn.went === gradient && drawn.faint === faint.join()) return;
      Object.assign(drawn, {came: value, went: gradient, faint: faint.join()});
      this.write(drawn, value, gradient, faint);
      if (!dragged) name(drawn);
    });
    this.fly(moving, working, time, renewed);
    const busy = [...told, ...firing.keys()].map((node) => this.places[node]);
    const centre = [...this.flying.values()].map((token) => token.place);
    this.centre = busy.length ? mean(busy) : centre.length ? mean(centre) : null;
  }

  // Tokens stay the same while they fly.
  fly(moving, working, time, renewed) {
    const bare = moving.length > MANY;
    if (renewed || this.bare !== bare) {
      this.flying.clear();
      this.tokens.replaceChildren();
    }
    this.bare = bare;
    const now = [...moving, ...working];
    if (now.length !== this.flying.size || now.some((record) => !this.flying.has(record))) {
      const make = (record) => record.kind >= FORWARD ? this.worker(record) : this.token(record, bare);
      this.flying = new Map(now.map((record) => [record, this.flying.get(record) ?? make(record)]));
      this.tokens.replaceChildren(...[...this.flying.values()].map((token) => token.group));
    }
    const values = new Set(moving.filter(({kind}) => kind === VALUE).map(({where}) => where));
    const both = new Set(moving.filter(({kind, where}) => kind === GRADIENT && values.has(where)).map(({where}) => where));
    for (const record of moving) {
      const share = still.matches ? 0.5 : (time - record.start) / (record.end - record.start);
      this.move(this.flying.get(record), record, share, both.has(record.where));
    }
  }

  write(drawn, value, gradient, [oldValue, oldGradient]) {
    const put = (text, event, old) => {
      if (!text) return;
      const words = event ? show(event.value, this.digits) : "";
      if (text.words !== words) text.textContent = text.words = words;
      if (text.old !== old) text.classList.toggle("old", text.old = old);
    };
    if (drawn.knob && value) mark(drawn.knob, "cx", drawn.reach * Math.max(-1, Math.min(1, value.value / 5)));
    put(drawn.value, value, oldValue);
    put(drawn.gradient, gradient, oldGradient);
    if (drawn.pull) this.showPull(drawn, gradient);
    if (drawn.group.getAttribute("role") === "slider" && value) {
      mark(drawn.group, "aria-valuenow", String(value.value));
      mark(drawn.group, "aria-valuetext", show(value.value));
    }
  }

  // An arrow at what feels a gradient: up or down, its length by the size.
  pointArrow(drawn, gradient, largest) {
    const long = size(gradient) ? 6 + (this.tall ? 8 : 18) * size(gradient) / largest : 0;
    const way = gradient > 0 ? -1 : 1;
    const [x, y] = this.tall ? [0, -48] : [-drawn.width / 2 - 16, 0];
    mark(drawn.arrow, "d", long
      ? `M${x} ${(y - way * long / 2).toFixed(1)}v${(way * long).toFixed(1)}m-5 ${-way * 5}l5 ${way * 5}l5 ${-way * 5}` : "");
  }

  showPull(drawn, gradient) {
    const pull = gradient?.value, {unit} = this;
    const words = pull === undefined ? "" : "pull " + (pull > 0 ? "+" : "") + show(pull, 3);
    if (drawn.said.textContent !== words) drawn.said.textContent = words;
    const tall = -unit * Math.max(-2, Math.min(2, typeof pull === "number" ? pull : 0));
    const way = tall < 0 ? -1 : 1, far = Math.abs(tall) > 1;
    if (this.tall) mark(drawn.said, "y", way < 0 ? 20 : -10);
    drawn.pull.setAttribute("visibility", pull === undefined ? "hidden" : "visible");
    mark(drawn.shaft, "d", far ? `M0 0V${tall}` : "M0 0");
    mark(drawn.head, "d", far ? `M-14 ${tall}H14L0 ${tall + way * 18}z` : "M-8 0a8 8 0 1 0 16 0a8 8 0 1 0 -16 0");
    const [top, bottom] = [Math.min(0, tall + way * 18) - 14, Math.max(0, tall + way * 18) + 14];
    mark(drawn.hold, "y", top);
    mark(drawn.hold, "height", bottom - top);
    if (drawn.pull.hasAttribute("role")) mark(drawn.pull, "aria-valuenow", String(pull ?? 0));
    const long = drawn.value.textContent.length;
    drawn.value.setAttribute("class", `value ${this.dense ? "" : long > 9 ? "" : long > 7 || this.tall ? "large" : "largest"}`);
  }

  // What tells the messages of several examples apart.
  number(record) {
    return this.scene.batch ? String(record.tag % this.scene.batch) : "";
  }

  // The number of the example that a gate works on, above it.
  worker(record) {
    const number = this.number(record), [x, y, , height] = this.places[record.where];
    const half = number.length * 4 + 5;
    const group = makeSvg("g", {
      class: "token " + (record.kind === FORWARD ? "value" : "gradient"),
      transform: `translate(${x} ${y - height / 2 - 6})`,
    });
    group.append(
      makeSvg("rect", {class: "number", x: -half, y: -9, width: 2 * half, height: 18, rx: 6}),
      makeSvg("text", {class: "number"}, number),
    );
    return {group, place: [x, y]};
  }

  // Values point forward, gradients back: the shape says it, not the colour alone. The number of the example is at the
  // tail. Where very many are under way, they are bare points.
  token(record, bare) {
    const forward = record.kind === VALUE;
    const text = bare ? "" : show(record.value, 3), number = this.number(record);
    const tail = number ? number.length * 8 + 8 : 0;
    const half = bare ? 4 : text.length * 3.6 + 6 + tail / 2, nose = forward ? 8 : -8, high = bare ? 5 : 10;
    const group = makeSvg("g", {class: "token " + (forward ? "value" : "gradient")});
    const side = forward ? half : -half;
    // From top to bottom the pill lies level, and its point is below or above.
    const point = this.tall ? `M${-half} -10H${half}V10H${-half}z` + (forward ? "M-7 10L0 17L7 10z" : "M-7 -10L0 -17L7 -10z")
      : `M${-side} ${-high}H${side}L${side + nose} 0L${side} ${high}H${-side}z`;
    group.append(makeSvg("path", {d: point}));
    const shift = this.tall ? 0 : nose / 4;
    if (!bare) group.append(makeSvg("text", {x: shift + Math.sign(nose) * (tail / 2)}, text));
    if (number) {
      const middle = -side + (Math.sign(nose) * tail) / 2;
      group.append(
        makeSvg("rect", {class: "number", x: middle - tail / 2, y: -10, width: tail, height: 20, rx: 2}),
        makeSvg("text", {class: "number", x: middle}, number),
      );
    }
    return {group, half: this.tall ? 10 : half, place: [0, 0]};
  }

  // Where a value meets a gradient, one passes above and one below, or one at each side.
  move(token, record, share, meets) {
    const forward = record.kind === VALUE, aside = !meets ? 0 : (forward ? -1 : 1) * (this.tall ? token.half + 16 : 11);
    const [x, y] = pointAt(this.paths[record.where], forward ? share : 1 - share, token.half + 8);
    token.place = this.tall ? [x + aside, y] : [x, y + aside];
    token.group.setAttribute("transform", `translate(${token.place[0].toFixed(1)} ${token.place[1].toFixed(1)})`);
  }

  // Marks what is chosen, and the messages that made a gradient.
  highlight(chosen, makers) {
    const put = (drawn, is, made) => {
      dress(drawn, {chosen: is, made: Boolean(made)});
      if (drawn.group.getAttribute("role") === "button") mark(drawn.group, "aria-pressed", String(is));
    };
    this.drawnNodes.forEach((drawn, index) => put(drawn, chosen?.node === index, makers?.nodes.has(index)));
    this.drawnWires.forEach((drawn, wire) => put(drawn, chosen?.wire === wire, makers?.wires.has(wire)));
    this.svg.classList.toggle("tracing", Boolean(makers));
  }
}

const still = window.matchMedia("(prefers-reduced-motion: reduce)");

// How large a number is, for what is drawn; arrays and infinities have no size here.
function size(value) {
  return typeof value === "number" && Number.isFinite(value) ? Math.abs(value) : 0;
}

// A dragged number without the noise of binary fractions.
function neat(value) {
  return Number(value.toFixed(6));
}

// When each example began: what was left by an earlier one that is over is drawn faint.
function tagStarts(story) {
  const starts = [];
  for (const {tag, start} of story.records) {
    if (!starts.length || tag > starts.at(-1).value) starts.push({time: start, value: tag});
  }
  return starts;
}

// When each example was over.
function tagEnds(story) {
  const ends = new Map();
  for (const {tag, end} of story.records) ends.set(tag, Math.max(end, ends.get(tag) ?? end));
  return ends;
}

// Puts marks on something drawn, always in the same order: what is shown depends on the moment, not on the way there.
function dress(drawn, marks) {
  Object.assign(drawn.marks, marks);
  const on = ["on", "told", "firing", "forward", "backward", "chosen", "made"].filter((name) => drawn.marks[name]);
  const dressed = [drawn.kind, ...on].join(" ");
  if (dressed === drawn.dressed) return;
  drawn.dressed = dressed;
  drawn.group.setAttribute("class", dressed);
  drawn.line?.setAttribute("class", ["line", ...on].join(" "));
}

// Says what is drawn and its numbers to who hears the page.
function name({group, label, came, went}) {
  mark(group, "aria-label", label + (came ? `, value ${show(came.value)}` : "") + (went ? `, gradient ${show(went.value)}` : ""));
}

function mark(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

function mean(places) {
  const sum = places.reduce(([x, y], place) => [x + place[0], y + place[1]], [0, 0]);
  return [sum[0] / places.length, sum[1] / places.length];
}

// From each point of a wire to the next: a straight line if they are level or plumb, else an S.
function bends(points, tall) {
  const pieces = [];
  for (let i = 2; i < points.length; i += 2) {
    const [x, y, u, v] = points.slice(i - 2, i + 2);
    const straight = Math.abs(u - x) < 0.05 || Math.abs(v - y) < 0.05;
    pieces.push([x, y, ...(tall ? [x, y + 0.45 * (v - y), u, v - 0.45 * (v - y)] : [x + 0.45 * (u - x), y, u - 0.45 * (u - x), v]), u, v, straight]);
  }
  return pieces;
}

function drawnPath(points, tall) {
  return `M${points[0]} ${points[1]}` + bends(points, tall).map(([, , a, b, c, d, u, v, straight]) =>
    straight ? `L${u} ${v}` : `C${[a, b, c, d, u, v].map((number) => Number(number.toFixed(1))).join(" ")}`).join("");
}

// A path as many short lines, with the length up to each of their ends.
function measured(knots, tall) {
  const points = knots.slice(0, 2), lengths = [0];
  const go = (x, y) => {
    lengths.push(lengths.at(-1) + Math.hypot(x - points.at(-2), y - points.at(-1)));
    points.push(x, y);
  };
  for (const [x, y, a, b, c, d, u, v, straight] of bends(knots, tall)) {
    for (let k = 1; k < 12 && !straight; k++) {
      const t = k / 12, s = 1 - t;
      const at = (p, q, r, e) => s * s * s * p + 3 * s * s * t * q + 3 * s * t * t * r + t * t * t * e;
      go(at(x, a, c, u), at(y, b, d, v));
    }
    go(u, v);
  }
  return {points, lengths};
}

// The point so far along a path; it keeps away from both ends, where gates stand.
function pointAt({points, lengths}, share, away) {
  const length = lengths.at(-1), free = Math.min(away, length / 2);
  const goal = free + share * (length - 2 * free);
  let i = 1;
  while (i < lengths.length - 1 && lengths[i] < goal) i++;
  const part = (goal - lengths[i - 1]) / (lengths[i] - lengths[i - 1] || 1);
  return [0, 1].map((k) => points[2 * i - 2 + k] + part * (points[2 * i + k] - points[2 * i - 2 + k]));
}
