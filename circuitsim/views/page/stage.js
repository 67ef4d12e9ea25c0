// The picture: drawn once; a moment only changes numbers, marks, the width of rivers, and the tokens under way.

class Stage {
  // touch: {choose(what, hold), set(node, value), pull(node, value)}; live: whether numbers can be changed
  constructor(scene, svg, touch, live) {
    Object.assign(this, {scene, svg, touch, live});
    this.dense = scene.dense;
    this.widest = this.dense ? 12 : 18;
    svg.replaceChildren();
    svg.setAttribute("aria-label", "The circuit " + scene.title);
    const layers = ["rivers", "edges", "nodes", "tokens"].map(() => makeSvg("g"));
    [this.rivers, this.edges, this.bodies, this.tokens] = layers;
    this.leader = makeSvg("path", {id: "leader"});
    this.tokens.setAttribute("aria-hidden", "true");
    this.whole = makeSvg("g", {class: this.dense ? "dense" : ""});
    this.whole.append(this.rivers, this.edges, this.leader, this.bodies, this.tokens);
    svg.append(this.whole);
    this.paths = scene.wires.map(([, , , points]) => measured(points));
    this.drawnNodes = [];
    this.drawnWires = [];
    // In the order in which values pass, so that the tabulator key follows them.
    scene.nodes.forEach((node, index) => {
      this.bodies.append(this.drawNode(node, index));
      scene.wires.forEach(([source], wire) => { if (source === index) this.edges.append(this.drawWire(wire)); });
    });
  }

  drawWire(wire) {
    const [source, target, , points] = this.scene.wires[wire];
    let path = `M${points[0]} ${points[1]}`;
    for (let i = 2; i < points.length; i += 2) path += `L${points[i]} ${points[i + 1]}`;
    const river = makeSvg("path", {class: "river", d: path});
    const group = makeSvg("g", {class: "edge", tabindex: "0", role: "button", "data-wire": wire});
    group.append(makeSvg("path", {class: "wire", d: path}), makeSvg("path", {class: "grip", d: path}));
    this.rivers.append(river);
    this.listen(group, {wire});
    const label = `wire from ${this.name(source)} to ${this.name(target)}`;
    this.drawnWires[wire] = {group, river, marks: {}, kind: "edge", label};
    return group;
  }

  drawNode(node, index) {
    const [x, y, width, height, start] = node.place;
    const group = makeSvg("g", {
      class: "node " + node.kind, tabindex: "0", role: "button", "data-node": index, transform: `translate(${x} ${y})`,
    });
    const drawn = {group, marks: {}, value: null, gradient: null, kind: `node ${node.kind}`};
    const round = node.kind === "gate" ? Math.min(width, height) / 2 : 8;
    const box = (name, more, radius = round) => makeSvg("rect", {
      class: name, x: -width / 2 - more, y: -height / 2 - more, width: width + 2 * more, height: height + 2 * more,
      rx: radius + more,
    });
    group.append(box("glow", 6), box("ring", 3), box("body", 0));
    const text = (name, at, content = "") => {
      const made = makeSvg("text", {class: name, ...at}, content);
      group.append(made);
      return made;
    };
    if (node.kind === "gate") {
      text("title", {y: 0}, node.text);
      text("name halo", {y: height / 2 + 16}, this.dense ? node.name.split(".").at(-1) : node.name);
      drawn.value = text("value halo", {x: start - x + 6, y: -8});
      drawn.gradient = text("gradient halo", {x: start - x + 6, y: 20});
      drawn.label = `gate ${node.name}, ${node.gate}`;
    } else if (node.kind === "output") {
      group.classList.add("end");
      drawn.kind += " end";
      text("title", {y: this.dense ? -8 : -16}, node.text);
      drawn.value = text("value", {y: this.dense ? 12 : 18, "text-anchor": "middle"});
      this.drawPull(drawn, group, index, width);
      drawn.label = `output ${node.name}`;
    } else if (node.kind === "constant") {
      text("title", {}, node.text);
      drawn.label = `constant ${node.text}`;
    } else {
      group.classList.add("end");
      drawn.kind += " end";
      const tracked = this.live && !this.dense;
      const line = tracked ? -4 : 5;
      text("title start", {x: -width / 2 + 10, y: tracked ? -5 : 0}, node.text);
      drawn.value = text("value", {x: width / 2 - 10, y: line, "text-anchor": "end"});
      drawn.gradient = text("gradient halo", {x: width / 2 + 8, y: 18});
      if (tracked) {
        drawn.reach = width / 2 - 12;
        group.append(makeSvg("path", {class: "track", d: `M${-drawn.reach} ${height / 2 - 8}h${2 * drawn.reach}`}));
        drawn.knob = makeSvg("circle", {class: "knob", r: 5, cy: height / 2 - 8});
        group.append(drawn.knob);
      }
      drawn.arrow = makeSvg("path", {class: "arrow"});
      group.append(drawn.arrow);
      drawn.label = `${node.kind} ${node.name}`;
      if (this.live) this.makeDraggable(drawn, group, index, node.name);
    }
    this.listen(group, {node: index});
    drawn.gradient?.addEventListener("click", (event) => {
      event.stopPropagation();
      this.touch.choose({node: index, why: true}, true);
    });
    this.drawnNodes[index] = drawn;
    return group;
  }

  makeDraggable(drawn, group, index, name) {
    drawn.kind += " live";
    group.classList.add("live");
    mark(group, "role", "slider");
    let held = null;
    group.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      held = {x: event.clientX, value: this.touch.value(index), moved: false};
      group.setPointerCapture(event.pointerId);
    });
    group.addEventListener("pointermove", (event) => {
      if (!held) return;
      const by = event.clientX - held.x;
      if (!held.moved && Math.abs(by) < 3) return;
      held.moved = true;
      const step = event.shiftKey ? 0.001 : 0.05;
      this.touch.set(index, rounded2(held.value + Math.round(by / 2) * step));
    });
    const drop = (event) => {
      if (held?.moved) this.swallow = true;
      held = null;
      this.touch.settled();
    };
    group.addEventListener("pointerup", drop);
    group.addEventListener("pointercancel", drop);
    group.addEventListener("dblclick", () => this.touch.type(index));
    group.addEventListener("keydown", (event) => {
      const by = {ArrowUp: 0.1, ArrowRight: 0.1, ArrowDown: -0.1, ArrowLeft: -0.1, PageUp: 1, PageDown: -1}[event.key];
      if (/^[-.0-9]$/.test(event.key)) this.touch.type(index, event.key);
      else if (by) this.touch.set(index, rounded2(this.touch.value(index) + by));
      else return;
      event.preventDefault();
      event.stopPropagation();
      this.touch.settled();
    });
  }

  // The pull is an arrow beside the output; its head is the handle.
  drawPull(drawn, group, index, width) {
    const pull = makeSvg("g", {class: "pull", transform: `translate(${width / 2 + (this.dense ? 28 : 40)} 0)`});
    drawn.shaft = makeSvg("path", {class: "arrow"});
    drawn.head = makeSvg("path", {class: "head"});
    drawn.said = makeSvg("text", {class: "gradient halo", x: 22, y: 5});
    drawn.hint = makeSvg("text", {class: "name start halo", x: 22, y: 22}, this.live ? "drag to pull" : "");
    pull.append(drawn.shaft, drawn.head, drawn.said, drawn.hint);
    drawn.pull = pull;
    group.append(pull);
    if (!this.live) return;
    pull.append(makeSvg("rect", {x: -20, y: -90, width: 40, height: 180, fill: "transparent"}));
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
    pull.addEventListener("pointermove", (event) => held && put(held.value - (event.clientY - held.y) / 36));
    for (const name of ["pointerup", "pointercancel"]) {
      pull.addEventListener(name, () => {
        held = null;
        this.touch.settled();
      });
    }
    pull.addEventListener("click", (event) => event.stopPropagation());
    pull.addEventListener("keydown", (event) => {
      const by = {ArrowUp: 0.1, ArrowRight: 0.1, ArrowDown: -0.1, ArrowLeft: -0.1}[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      put(this.touch.pulled(index) + by);
      this.touch.settled();
    });
  }

  name(index) {
    const node = this.scene.nodes[index];
    return node.kind === "constant" ? node.text : node.name;
  }

  listen(group, what) {
    group.addEventListener("click", () => {
      if (this.swallow || this.svg.classList.contains("dragging")) this.swallow = false;
      else this.touch.choose(what, true);
    });
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      this.touch.choose(what, true);
    });
  }

  // Shows a story at a time; `told` are the nodes that the sentence speaks of.
  show(story, time, told) {
    const latest = story.at((story.starts ??= tagStarts(story)), time)?.value ?? -1;
    const ends = (story.ends ??= tagEnds(story));
    const over = (tag) => tag >= 0 && tag < latest && (ends.get(tag) ?? -Infinity) <= time;
    const firing = new Map(), tokens = [], moving = [];
    const blink = 0.02 * (story.span[1] - story.span[0]); // a gate that takes no time still lights up
    for (const record of story.records) {
      if (record.start > time) break;
      if (record.kind >= FORWARD) {
        if (time < record.end || (record.end === record.start && time < record.end + blink)) {
          firing.set(record.where, record.kind);
          if (this.scene.batch) tokens.push(this.worker(record));
        }
      } else if (time < record.end) moving.push(record);
    }
    const back = story.returned.map((history) => story.at(history, time)?.value);
    const largest = Math.max(1e-300, ...back.map((value) => size(value)));
    this.drawnWires.forEach((drawn, wire) => {
      const value = story.at(story.carried[wire], time), gradient = back[wire];
      const wide = size(gradient) ? 2 + this.widest * size(gradient) / largest : 0;
      mark(drawn.river, "stroke-width", wide.toFixed(1));
      dress(drawn, {on: Boolean(value)});
      mark(drawn.group, "aria-label", drawn.label + (value ? `, value ${show(value.value)}` : "")
        + (gradient !== undefined ? `, gradient ${show(gradient)}` : ""));
    });
    const feltMost = Math.max(1e-300, ...this.scene.nodes.map((node, index) =>
      node.kind === "input" || node.kind === "parameter" ? size(story.at(story.felt[index], time)?.value) : 0));
    this.drawnNodes.forEach((drawn, index) => {
      const value = story.at(story.values[index], time), gradient = story.at(story.felt[index], time);
      this.write(drawn, value, gradient, over);
      if (drawn.arrow) this.pointArrow(drawn, gradient?.value, feltMost);
      if (drawn.knob && value) drawn.knob.setAttribute("cx", drawn.reach * Math.max(-1, Math.min(1, value.value / 5)));
      if (drawn.pull) this.showPull(drawn, value, gradient);
      const kind = firing.get(index);
      dress(drawn, {
        told: told.has(index), firing: kind !== undefined, forward: kind === FORWARD, backward: kind === BACKWARD,
      });
    });
    const meets = (one) => moving.some((other) => other.where === one.where && other.kind !== one.kind);
    for (const record of moving) {
      const share = still.matches ? 0.5 : (time - record.start) / (record.end - record.start);
      tokens.push(this.token(record, share, meets(record)));
    }
    this.tokens.replaceChildren(...tokens.map((token) => token.group));
    const busy = [...told, ...firing.keys()].map((node) => this.scene.nodes[node].place);
    this.centre = busy.length ? mean(busy) : tokens.length ? mean(tokens.map((token) => token.place)) : null;
  }

  write(drawn, value, gradient, over) {
    const put = (text, event) => {
      if (!text) return;
      const words = event ? show(event.value) : "";
      if (text.textContent !== words) text.textContent = words;
      text.classList.toggle("old", Boolean(event) && over(event.tag));
    };
    put(drawn.value, value);
    put(drawn.gradient, gradient);
    const said = drawn.label + (value ? `, value ${show(value.value)}` : "")
      + (gradient ? `, gradient ${show(gradient.value)}` : "");
    mark(drawn.group, "aria-label", said);
    if (drawn.group.getAttribute("role") === "slider" && value) {
      mark(drawn.group, "aria-valuenow", String(value.value));
      mark(drawn.group, "aria-valuetext", show(value.value));
    }
  }

  // An arrow left of what feels a gradient: up or down, its length by the size.
  pointArrow(drawn, gradient, largest) {
    const long = size(gradient) ? 6 + 18 * size(gradient) / largest : 0;
    const way = gradient > 0 ? -1 : 1, [, , width] = this.scene.nodes[Number(drawn.group.dataset.node)].place;
    const x = -width / 2 - 16;
    mark(drawn.arrow, "d", long
      ? `M${x} ${(-way * long) / 2}v${way * long}m-5 ${-way * 5}l5 ${way * 5}l5 ${-way * 5}` : "");
  }

  showPull(drawn, value, gradient) {
    const pull = gradient?.value;
    const words = pull === undefined ? "" : "pull " + (pull > 0 ? "+" : "") + show(pull);
    if (drawn.said.textContent !== words) drawn.said.textContent = words;
    const tall = -36 * Math.max(-2, Math.min(2, typeof pull === "number" ? pull : 0));
    const way = tall < 0 ? -1 : 1;
    drawn.pull.setAttribute("visibility", pull === undefined ? "hidden" : "visible");
    mark(drawn.shaft, "d", Math.abs(tall) > 1 ? `M0 0V${tall}` : "M0 0");
    mark(drawn.head, "d", Math.abs(tall) > 1 ? `M-14 ${tall}H14L0 ${tall + way * 18}z` : "M-8 0a8 8 0 1 0 16 0a8 8 0 1 0 -16 0");
    mark(drawn.pull, "aria-valuenow", String(pull ?? 0));
    const long = drawn.value.textContent.length;
    drawn.value.setAttribute("class", `value ${this.dense ? "" : long > 9 ? "" : long > 7 ? "large" : "largest"}`);
  }

  // What tells the messages of several examples apart.
  number(record) {
    return this.scene.batch ? String(record.tag % this.scene.batch) : "";
  }

  // The number of the example that a gate works on, above it.
  worker(record) {
    const number = this.number(record), [x, y, , height] = this.scene.nodes[record.where].place;
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

  // Values point forward, gradients back: the shape says it, not the colour alone. Where a value meets a gradient, one
  // passes above and one below. The number of the example is at the tail.
  token(record, share, meets) {
    const forward = record.kind === VALUE;
    const text = show(record.value, 3), number = this.number(record);
    const tail = number ? number.length * 8 + 8 : 0;
    const half = text.length * 3.6 + 6 + tail / 2, nose = forward ? 8 : -8;
    const [x, along] = pointAt(this.paths[record.where], forward ? share : 1 - share, half + 8);
    const y = meets ? along + (forward ? -11 : 11) : along;
    const group = makeSvg("g", {
      class: "token " + (forward ? "value" : "gradient"), transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
    });
    const side = forward ? half : -half;
    group.append(
      makeSvg("path", {d: `M${-side} -10H${side}L${side + nose} 0L${side} 10H${-side}z`}),
      makeSvg("text", {x: nose / 4 + Math.sign(nose) * (tail / 2)}, text),
    );
    if (number) {
      const middle = -side + (Math.sign(nose) * tail) / 2;
      group.append(
        makeSvg("rect", {class: "number", x: middle - tail / 2, y: -10, width: tail, height: 20, rx: 2}),
        makeSvg("text", {class: "number", x: middle}, number),
      );
    }
    return {group, place: [x, y]};
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
function rounded2(value) {
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
  mark(drawn.group, "class", [drawn.kind, ...on].join(" "));
}

function mark(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

function mean(places) {
  const sum = places.reduce(([x, y], place) => [x + place[0], y + place[1]], [0, 0]);
  return [sum[0] / places.length, sum[1] / places.length];
}

// A path with the length up to each of its points.
function measured(points) {
  const lengths = [0];
  for (let i = 2; i < points.length; i += 2) {
    lengths.push(lengths.at(-1) + Math.hypot(points[i] - points[i - 2], points[i + 1] - points[i - 1]));
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
