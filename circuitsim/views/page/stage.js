// The picture: wires and gates are drawn once; a moment only changes numbers, marks, and the tokens under way.

const BELOW = 430; // pixels of the window that the title, the sentence and the controls take

class Stage {
  constructor(scene, holder, choose) {
    this.scene = scene;
    this.holder = holder;
    this.choose = choose; // called with {node} or {wire} and whether to hold on to it
    const [width, height] = scene.size;
    this.svg = makeSvg("svg", {
      viewBox: `0 0 ${width} ${height}`,
      role: "group",
      "aria-label": "circuit " + scene.title,
    });
    this.svg.classList.toggle("dense", scene.wires.length > 150);
    this.tokens = makeSvg("g", { "aria-hidden": "true" });
    this.paths = scene.wires.map(([, , , points]) => measured(points));
    this.drawnNodes = [];
    this.drawnWires = [];
    const wires = makeSvg("g"),
      nodes = makeSvg("g");
    // In the order in which values pass, so that the tabulator key follows them.
    scene.nodes.forEach((node, index) => {
      nodes.append(this.drawNode(node, index));
      scene.wires.forEach(([source], wire) => {
        if (source === index) wires.append(this.drawWire(wire));
      });
    });
    this.svg.append(wires, nodes, this.tokens);
    holder.append(this.svg);
    this.following = true;
    for (const event of ["wheel", "pointerdown"]) {
      holder.addEventListener(
        event,
        () => {
          this.following = false;
        },
        { passive: true },
      );
    }
    this.resize();
  }

  drawWire(wire) {
    const [source, target, , points] = this.scene.wires[wire];
    const group = makeSvg("g", { class: "edge", tabindex: "0", role: "button", "data-wire": wire });
    let path = "M" + points[0] + " " + points[1];
    for (let i = 2; i < points.length; i += 2) path += "L" + points[i] + " " + points[i + 1];
    const [x, y] = points.slice(-2);
    group.append(
      makeSvg("path", { class: "wire", d: path }),
      makeSvg("path", { class: "head", d: `M${x} ${y}l-8 -4.5v9z` }),
      makeSvg("path", { class: "grip", d: path }),
    );
    this.listen(group, { wire });
    this.drawnWires[wire] = {
      group,
      marks: {},
      kind: "edge",
      label: `wire from ${this.name(source)} to ${this.name(target)}`,
    };
    return group;
  }

  drawNode(node, index) {
    const [x, y, width, height, start, end] = node.place;
    const group = makeSvg("g", { class: "node " + node.kind, tabindex: "0", role: "button", "data-node": index });
    const tall = Math.max(height, 44);
    const round = node.kind === "gate" ? Math.min(height, width) / 2 : 6;
    group.append(
      makeSvg("rect", {
        class: "area",
        x: x - width / 2,
        y: y - tall / 2,
        width: Math.max(width, end - x),
        height: tall,
      }),
      makeSvg("rect", { class: "body", x: x - width / 2, y: y - height / 2, width, height, rx: round }),
      makeSvg("text", { class: "title", x, y }, node.text),
    );
    if (node.gate) group.append(makeSvg("text", { class: "name", x, y: y + height / 2 + 10 }, node.name));
    const middle = (start + end) / 2;
    const value = makeSvg("text", { class: "value", x: middle, y: y - 12 });
    const gradient = makeSvg("text", { class: "gradient", x: middle, y: y + 12 });
    if (node.kind !== "constant" && node.kind !== "output") group.append(value, gradient);
    this.listen(group, { node: index });
    gradient.addEventListener("click", (event) => {
      event.stopPropagation();
      this.choose({ node: index, why: true }, true);
    });
    const label = node.kind === "gate" ? `gate ${node.name}, ${node.gate}` : `${node.kind} ${this.name(index)}`;
    this.drawnNodes[index] = { group, value, gradient, marks: {}, kind: "node " + node.kind, label };
    return group;
  }

  name(index) {
    const node = this.scene.nodes[index];
    return node.kind === "constant" ? node.text : node.name;
  }

  listen(group, what) {
    group.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") this.choose(what, false);
    });
    group.addEventListener("focus", () => {
      if (group.matches(":focus-visible")) this.choose(what, false);
    });
    group.addEventListener("click", () => this.choose(what, true));
    group.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        event.stopPropagation();
        this.choose(what, true);
      }
    });
  }

  // Shows a story at a time; `told` are the nodes that the sentence speaks of.
  show(story, time, told) {
    const latest = story.at((story.starts ??= tagStarts(story)), time)?.value ?? -1;
    const ends = (story.ends ??= tagEnds(story));
    const over = (tag) => tag >= 0 && tag < latest && (ends.get(tag) ?? -Infinity) <= time;
    this.drawnNodes.forEach((drawn, index) => {
      const value = story.at(story.values[index], time),
        gradient = story.at(story.felt[index], time);
      write(drawn.value, value, over);
      write(drawn.gradient, gradient, over);
      const said =
        drawn.label +
        (value ? `, value ${show(value.value)}` : "") +
        (gradient ? `, gradient ${show(gradient.value)}` : "");
      mark(drawn.group, "aria-label", said);
    });
    const firing = new Set(),
      live = new Map();
    const tokens = [],
      moving = [];
    const blink = 0.02 * (story.span[1] - story.span[0]); // a gate that takes no time still lights up
    for (const record of story.records) {
      if (record.start > time) break;
      if (record.kind >= FORWARD) {
        if (time < record.end || (record.end === record.start && time < record.end + blink)) {
          firing.add(record.where);
          if (this.scene.batch) tokens.push(this.worker(record));
        }
      } else if (time < record.end) {
        live.set(record.where, record.kind);
        moving.push(record);
      }
    }
    const meets = (one) => moving.some((other) => other.where === one.where && other.kind !== one.kind);
    for (const record of moving) {
      tokens.push(this.token(record, (time - record.start) / (record.end - record.start), meets(record)));
    }
    this.drawnNodes.forEach((drawn, index) => dress(drawn, { told: told.has(index), firing: firing.has(index) }));
    this.drawnWires.forEach((drawn, wire) => {
      const kind = live.get(wire),
        { group, label } = drawn;
      dress(drawn, { live: live.has(wire), value: kind === VALUE, gradient: kind === GRADIENT });
      const value = story.at(story.values[story.wires[wire][0]], time),
        gradient = story.at(story.returned[wire], time);
      mark(
        group,
        "aria-label",
        label +
          (value ? `, value ${show(value.value)}` : "") +
          (gradient ? `, gradient ${show(gradient.value)}` : ""),
      );
    });
    this.tokens.replaceChildren(...tokens.map((token) => token.group));
    const busy = [...told, ...firing].map((node) => this.scene.nodes[node].place);
    this.centre = busy.length ? mean(busy) : tokens.length ? mean(tokens.map((token) => token.place)) : null;
  }

  // What tells the messages of several examples apart.
  number(record) {
    return this.scene.batch ? String(record.tag % this.scene.batch) : "";
  }

  // The number of the example that a gate works on, above it.
  worker(record) {
    const number = this.number(record),
      [x, y, , height] = this.scene.nodes[record.where].place;
    const half = number.length * 4 + 5;
    const group = makeSvg("g", {
      class: "token " + (record.kind === FORWARD ? "value" : "gradient"),
      transform: `translate(${x} ${y - height / 2 - 6})`,
    });
    group.append(
      makeSvg("rect", { class: "number", x: -half, y: -9, width: 2 * half, height: 18, rx: 6 }),
      makeSvg("text", { class: "number", y: 1 }, number),
    );
    return { group, place: [x, y] };
  }

  // Values point forward, gradients back: the shape says it, not the colour alone. Tokens pass between the numbers that
  // stand above and below a wire, or, where a value meets a gradient, over them. The number of the example is at the
  // tail.
  token(record, share, meets) {
    const forward = record.kind === VALUE;
    const text = show(record.value),
      number = this.number(record);
    const tail = number ? number.length * 8 + 8 : 0;
    const half = text.length * 4 + 7 + tail / 2,
      nose = forward ? 8 : -8;
    const [x, along] = pointAt(this.paths[record.where], forward ? share : 1 - share, half + 8);
    const y = meets ? along + (forward ? -11 : 11) : along;
    const group = makeSvg("g", {
      class: "token " + (forward ? "value" : "gradient"),
      transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
    });
    const side = forward ? half : -half;
    group.append(
      makeSvg("path", { d: `M${-side} -10H${side}L${side + nose} 0L${side} 10H${-side}z` }),
      makeSvg("text", { x: nose / 4 + Math.sign(nose) * (tail / 2), y: 1 }, text),
    );
    if (number) {
      const middle = -side + (Math.sign(nose) * tail) / 2;
      group.append(
        makeSvg("rect", { class: "number", x: middle - tail / 2, y: -10, width: tail, height: 20, rx: 2 }),
        makeSvg("text", { class: "number", x: middle, y: 1 }, number),
      );
    }
    return { group, place: [x, y] };
  }

  // Marks what is chosen, and the messages that made a gradient.
  highlight(chosen, makers) {
    const put = (drawn, is, made) => {
      dress(drawn, { chosen: is, made: Boolean(made) });
      mark(drawn.group, "aria-pressed", String(is && chosen.held));
    };
    this.drawnNodes.forEach((drawn, index) => put(drawn, chosen?.node === index, makers?.nodes.has(index)));
    this.drawnWires.forEach((drawn, wire) => put(drawn, chosen?.wire === wire, makers?.wires.has(wire)));
    this.svg.classList.toggle("tracing", Boolean(makers));
  }

  // Without a factor, the circuit fits in as far as its words stay readable, with the controls below it in sight.
  resize(factor = null) {
    const [width, height] = this.scene.size,
      room = Math.max(0.38 * window.innerHeight, Math.min(0.6 * window.innerHeight, window.innerHeight - BELOW));
    const fit = Math.min((this.holder.clientWidth - 2) / width, room / height);
    this.scale = factor ? Math.min(3, Math.max(0.2, this.scale * factor)) : Math.min(1.4, Math.max(0.76, fit));
    this.svg.setAttribute("width", Math.floor(width * this.scale));
    this.svg.setAttribute("height", Math.floor(height * this.scale));
  }

  // Keeps what happens in sight, unless somebody has taken hold of the stage.
  follow(share = 1) {
    if (!this.following || !this.centre) return;
    const [x, y] = this.centre,
      holder = this.holder;
    holder.scrollLeft += share * (x * this.scale - holder.clientWidth / 2 - holder.scrollLeft);
    holder.scrollTop += share * (y * this.scale - holder.clientHeight / 2 - holder.scrollTop);
  }
}

// When each example began: what was left by an earlier one that is over is drawn faint.
function tagStarts(story) {
  const starts = [];
  for (const { tag, start } of story.records) {
    if (!starts.length || tag > starts.at(-1).value) starts.push({ time: start, value: tag });
  }
  return starts;
}

// When each example was over.
function tagEnds(story) {
  const ends = new Map();
  for (const { tag, end } of story.records) ends.set(tag, Math.max(end, ends.get(tag) ?? end));
  return ends;
}

function write(text, event, over) {
  const words = event ? show(event.value) : "";
  if (text.textContent !== words) text.textContent = words;
  text.classList.toggle("old", Boolean(event) && over(event.tag));
}

// Puts marks on something drawn, always in the same order: what is shown depends on the moment, not on the way there.
function dress(drawn, marks) {
  Object.assign(drawn.marks, marks);
  const on = ["told", "firing", "live", "value", "gradient", "chosen", "made"].filter((name) => drawn.marks[name]);
  mark(drawn.group, "class", [drawn.kind, ...on].join(" "));
}

function mark(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
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
  return { points, lengths };
}

// The point so far along a path; it keeps away from both ends, where gates stand.
function pointAt({ points, lengths }, share, away) {
  const length = lengths.at(-1),
    free = Math.min(away, length / 2);
  const goal = free + share * (length - 2 * free);
  let i = 1;
  while (i < lengths.length - 1 && lengths[i] < goal) i++;
  const part = (goal - lengths[i - 1]) / (lengths[i] - lengths[i - 1] || 1);
  return [0, 1].map((k) => points[2 * i - 2 + k] + part * (points[2 * i + k] - points[2 * i - 2 + k]));
}
