// The circuit by its devices: a band for each, the gates of its stages where there is room, and what it does and keeps.

const NARROW = 600; // pixels, below which bands stand below each other
const BAND = {least: 140, cell: 112, gap: 8, wire: 44, edge: 14, head: 40, foot: 40, rail: 24, small: 32};

class Devices {
  // hooks: ask(device) when a band is clicked, follow(tag) when a microbatch is.
  constructor(svg, hooks) {
    Object.assign(this, {svg, hooks});
    svg.addEventListener("click", (event) => {
      const chip = event.target.closest("[data-tag]"), band = event.target.closest("[data-device]");
      if (chip) hooks.follow(Number(chip.dataset.tag));
      else if (band) hooks.ask(Number(band.dataset.device));
    });
  }

  load(stream) {
    this.stream = stream;
    this.flights = stream.transfers.map(([what, source, target, tag, start, end, fate, from, to]) => (
      {what, source, target, tag, start, end, fate, stages: [from, to]})).sort((one, other) => one.start - other.start);
    this.longest = Math.max(0, ...this.flights.map(({start, end}) => end - start));
    this.resize();
  }

  // Lays the bands out in the room there is: side by side with their gates, side by side, or in rows.
  resize() {
    const {stream, svg} = this;
    const {clientWidth: width, clientHeight: height} = svg.parentElement;
    if (!width) return;
    const count = stream.devices.length, gap = this.flights.length ? BAND.wire : BAND.gap;
    const across = count * (BAND.least + gap) - gap <= width && width >= NARROW && height >= BAND.small;
    this.bands = [];
    this.links = makeSvg("g", {"aria-hidden": "true"});
    this.tokens = makeSvg("g", {"aria-hidden": "true"});
    svg.replaceChildren(this.links);
    const total = across ? this.layAcross(width, height, gap) : this.layRows(width, height);
    svg.append(this.tokens);
    svg.setAttribute("class", stream.dense ? "dense" : "");
    svg.setAttribute("viewBox", `0 0 ${width} ${total}`);
    svg.setAttribute("height", total);
  }

  layAcross(width, height, gap) {
    const {stream} = this, count = stream.devices.length;
    const needs = stream.devices.map((_, device) => this.needs(device));
    const room = width - (count - 1) * gap, inner = height - BAND.head - BAND.foot;
    let fits = needs.map((need) => need.drawn && need.height <= inner);
    const least = () => needs.map((need, device) => (fits[device] ? Math.max(BAND.least, need.least) : BAND.least));
    if (sum(least()) > room) fits = fits.map(() => false);
    // Each has what it needs at least, and a share of the rest by what it would like.
    const wish = needs.map((need, device) => (fits[device] ? need.width : BAND.least)), rest = room - sum(least());
    let x = 0;
    stream.devices.forEach((_, device) => {
      const wide = least()[device] + rest * wish[device] / sum(wish);
      this.band(device, {x, y: 0, width: wide, height, gates: fits[device], tall: height >= 84});
      x += wide + gap;
    });
    this.link(gap);
    return height;
  }

  layRows(width, height) {
    const {stream} = this, count = stream.devices.length;
    const fit = width < NARROW ? (count > 6 ? 2 : 1) : Math.floor((width + BAND.gap) / (BAND.cell + BAND.gap));
    const most = Math.max(1, Math.min(count, fit));
    let columns = most; // as many as there is room for, and if it can be done the same in each row
    while (columns > 1 && count % columns) columns--;
    if (columns < most / 2) columns = Math.ceil(count / Math.ceil(count / most));
    const rows = Math.ceil(count / columns), wide = (width - (columns - 1) * BAND.gap) / columns;
    const high = Math.max(BAND.small, Math.min(rows > 1 ? 140 : 200, (height - (rows - 1) * 6) / rows));
    stream.devices.forEach((_, device) => this.band(device, {
      x: (device % columns) * (wide + BAND.gap), y: Math.floor(device / columns) * (high + 6),
      width: wide, height: high, gates: false, tall: high >= 48,
    }));
    return Math.max(1, rows * (high + 6) - 6);
  }

  // What room the gates of a device need: its stages stand below each other.
  needs(device) {
    const circuits = this.stream.homes[device].map((stage) => this.stream.stages[stage].circuit);
    const tall = (circuit) => {
      const [top, bottom] = extent(circuit, circuit.least[1]);
      return bottom - top + BAND.rail;
    };
    const widths = circuits.map((circuit) => circuit?.size[0] ?? 0);
    return {
      drawn: circuits.length > 0 && circuits.every(Boolean),
      width: Math.max(0, ...widths),
      least: 2 * BAND.edge + Math.max(0, ...circuits.map((one) => (one ? one.size[0] * one.least[0] : 0))),
      height: circuits.length * Math.max(0, ...circuits.map((circuit) => (circuit ? tall(circuit) : 0))),
    };
  }

  // A band: its name, what its device does, and what it keeps where it is `tall`; with the gates if they fit.
  band(device, {gates, tall, ...place}) {
    const {stream} = this, full = stream.devices[device];
    const x = place.x + 1, y = place.y + 1, width = place.width - 2, height = place.height - 2; // a line goes around it
    const high = height >= 84, short = width < 210, two = short && high; // then the state has a line of its own
    const group = makeSvg("g", {class: `band d${device % 8}`, "data-device": device});
    group.append(makeSvg("title", {}, full), makeSvg("rect", {class: "tint", x, y, width, height, rx: 10}));
    group.append(high
      ? makeSvg("rect", {class: "bar", x: x + 12, y, width: width - 24, height: 4, rx: 2})
      : makeSvg("rect", {class: "bar", x, y: y + 6, width: 4, height: height - 12, rx: 2}));
    const line = y + (high ? 27 : tall ? 17 : height / 2 + 5);
    const name = makeSvg("text", {class: "title", x: x + 14, y: line}, full);
    const state = makeSvg("text", two ? {x: x + 14, y: line + 18} : {x: x + width - 12, y: line});
    state.style.textAnchor = two ? "start" : "end";
    const keeps = makeSvg("g", {transform: `translate(${x + 14} ${y + height - (high ? 22 : 15)})`});
    group.append(name, state, keeps);
    this.svg.append(group);
    shorten(name, full, width - (two ? 24 : short ? 76 : 122));
    const band = {device, x, y, width, height, tall, short, group, state, keeps, lanes: new Map(), seen: ""};
    if (gates) this.drawGates(band);
    else if (height >= (two ? 136 : 120)) this.fold(band, two ? 18 : 0);
    this.bands.push(band);
  }

  // The gates of each stage, in lanes.
  drawGates(band) {
    const {stream} = this, stages = stream.homes[band.device];
    const inner = band.height - BAND.head - BAND.foot, each = inner / stages.length;
    stages.forEach((stage, number) => {
      const {circuit} = stream.stages[stage], [wide, high] = circuit.size;
      const stretch = Math.min(1.5, (band.width - 2 * BAND.edge) / wide), flip = this.runsLeft(stage);
      const lift = Math.max(circuit.least[1], Math.min(1, (each - BAND.rail) / high));
      const [upper, lower] = extent(circuit, lift);
      const left = band.x + (band.width - wide * stretch) / 2;
      const top = band.y + BAND.head + number * each + Math.max(0, (each - (lower - upper) - BAND.rail) / 2) - upper;
      const at = (x) => left + (flip ? wide - x : x) * stretch, level = (y) => top + y * lift;
      const sides = flip ? {entry: band.x + band.width, exit: band.x} : {entry: band.x, exit: band.x + band.width};
      const group = makeSvg("g", {class: "stage"});
      const edges = circuit.nodes.map(([x, , width]) => [at(x) - width / 2, at(x) + width / 2]);
      for (const [source, target, points] of circuit.wires) {
        const path = [], way = flip ? -1 : 1; // from body to body, which keep their size when the picture shrinks
        const from = source === null ? at(points[0]) : edges[source][flip ? 0 : 1];
        const till = target === null ? at(points.at(-2)) : edges[target][flip ? 1 : 0];
        for (let k = 0; k < points.length; k += 2) {
          const x = way * Math.max(way * from, Math.min(way * till, way * at(points[k])));
          path.push([k === 0 ? from : k === points.length - 2 ? till : x, level(points[k + 1])]);
        }
        group.append(makeSvg("path", {class: "wire", d: "M" + path.map((one) => one.map(tidy).join(" ")).join("L")}));
      }
      for (const side of ["entry", "exit"]) { // to the edge of the band
        if (!circuit[side]) continue;
        const [x, y] = circuit[side], edge = sides[side];
        group.append(makeSvg("path", {class: "wire", d: `M${tidy(at(x))} ${tidy(level(y))}H${tidy(edge)}`}));
      }
      for (const [gate, right, down, width, height, kind, text, name] of circuit.hung) {
        const [x, y] = circuit.nodes[gate], middle = at(x) + right;
        const ends = [[middle, level(y) + down], [at(x), level(y)]].map((end) => end.map(tidy));
        group.append(makeSvg("path", {class: "wire", d: `M${ends.join("L")}`}));
        group.append(this.body(middle, level(y) + down, width, height, kind, text, name));
      }
      const gates = []; // what shines, by the step in which gates fire
      circuit.nodes.forEach(([x, y, width, height, kind, text, name, step], index) => {
        const body = this.body(at(x), level(y), width, height, kind, text, name);
        if (step >= 0) {
          const glow = this.glow(edges[index][0], level(y) - height / 2, width, height);
          body.prepend(glow);
          (gates[step] ??= []).push(glow);
        }
        group.append(body);
      });
      const rail = top + lower + 14;
      band.group.append(group);
      band.lanes.set(stage, {
        gates, flip, from: band.x + 26, till: band.x + band.width - 26,
        y: Math.min(rail, band.y + BAND.head + (number + 1) * each - 10),
        entry: [sides.entry, level(circuit.entry?.[1] ?? high / 2)],
        exit: [sides.exit, level(circuit.exit?.[1] ?? high / 2)],
      });
    });
  }

  body(x, y, width, height, kind, text, name) {
    const group = makeSvg("g", {class: `node ${kind}`});
    const round = kind === "gate" ? 15 : kind === "parameter" ? 11 : 5;
    const [left, top] = [x - width / 2, y - height / 2].map(tidy);
    group.append(makeSvg("rect", {class: "body", x: left, y: top, width, height, rx: round}));
    group.append(makeSvg("text", {x: tidy(x), y: tidy(y + 4.5)}, text), makeSvg("title", {}, name));
    return group;
  }

  // What shines around a body while it works.
  glow(x, y, width, height, round = 21) {
    const [wide, high] = [width + 12, height + 12];
    return makeSvg("rect", {class: "glow", x: tidy(x - 6), y: tidy(y - 6), width: wide, height: high, rx: round});
  }

  // Boxes with the names of the stages, where their gates have no room.
  fold(band, lower) {
    const {stream} = this, stages = stream.homes[band.device];
    const room = band.height - BAND.head - BAND.foot - BAND.rail + 8 - lower, count = Math.max(1, stages.length);
    const each = Math.min(48, room / count), high = Math.min(36, each - 6);
    const middle = band.x + band.width / 2, top = band.y + BAND.head + lower + (room - each * count) / 2;
    if (!stages.length) { // a server
      const names = new Set(stream.moves[band.device].flatMap((one) => one.moves.map((move) => move[0])));
      const told = names.size ? `keeps ${listed([...names], 3)}` : "", text = makeSvg("text", {class: "soft"}, told);
      text.setAttribute("x", middle);
      text.setAttribute("y", top + each / 2);
      band.group.append(text);
      shorten(text, told, band.width - 20);
    }
    if (each < 26) return;
    stages.forEach((stage, number) => {
      const {gates} = stream.stages[stage], y = top + (number + 0.5) * each, flip = this.runsLeft(stage);
      const text = stages.length > 1 ? `stage ${stage}` : `${gates} ${gates === 1 ? "gate" : "gates"}`;
      const wide = Math.min(band.width - 28, text.length * 8 + 28);
      const body = this.body(middle, y, wide, high, "stage", text, `stage ${stage}: ${gates} gates`);
      const glow = this.glow(middle - wide / 2, y - high / 2, wide, high, 10);
      body.prepend(glow);
      band.group.append(body);
      band.lanes.set(stage, {
        gates: [[glow]], y: y + each / 2 + 6, from: band.x + 26, till: band.x + band.width - 26,
        flip, entry: [middle + (flip ? wide : -wide) / 2, y], exit: [middle + (flip ? -wide : wide) / 2, y],
      });
    });
  }

  // Whether values run through a stage from right to left: they come from the right neighbour, or go to the left.
  runsLeft(stage) {
    const {stages, homes} = this.stream, home = (other) => homes.findIndex((list) => list.includes(other));
    const others = (wires) => wires.map(([, other]) => other).filter((other) => other !== null).map(home);
    const here = home(stage), before = others(stages[stage].in), after = others(stages[stage].out);
    if (before.includes(here - 1) || after.includes(here + 1)) return false;
    return before.includes(here + 1) || after.includes(here - 1);
  }

  // Wires from stage to stage, where their ends face each other.
  link(gap) {
    const {stream, bands} = this;
    stream.stages.forEach(({out}, stage) => new Set(out.map(([, other]) => other)).forEach((other) => {
      for (const band of bands) {
        const from = band.lanes.get(stage);
        for (const next of [bands[band.device - 1], band, bands[band.device + 1]]) {
          const to = next?.lanes.get(other), away = next ? next.device - band.device : 0;
          if (!from || !to) continue;
          if (away ? from.flip !== away < 0 || to.flip !== away < 0 : from.flip === to.flip) continue;
          const [[x, y], [tox, toy]] = [from.exit, to.entry], bend = away * gap / 2;
          this.links.append(makeSvg("path", {
            class: "wire", d: `M${[x, y].map(tidy)}C${[x + bend, y, tox - bend, toy, tox, toy].map(tidy)}`,
          }));
        }
      }
    }));
  }

  // -- what is seen ------------------------------------------------------------------------------------------------

  // state: {time, chosen, followed}
  show({time, chosen, followed}) {
    const {stream} = this, tokens = [];
    for (const band of this.bands ?? []) {
      const {device} = band, piece = stream.at(device, time), holds = stream.holds(device, time);
      const state = piece ? doing(piece, band.short) : this.resting(device, time);
      const here = chosen?.device === device;
      const lane = piece && band.lanes.get(piece.stage);
      const part = piece ? (still() ? 0.5 : (time - piece.start) / (piece.end - piece.start)) : 0;
      const step = lane ? stepAt(isForward(piece.kind) ? part : 1 - part, lane.gates.length) : -1;
      const seen = [state, holds, here, followed, step, piece?.stage].join("|");
      if (seen !== band.seen) {
        band.seen = seen;
        band.state.textContent = state;
        band.state.setAttribute("class", `state ${piece ? (isForward(piece.kind) ? "v" : "g") : ""}`);
        band.group.classList.toggle("chosen", here);
        if (band.tall) this.keep(band, holds, followed);
        for (const [stage, one] of band.lanes) {
          one.gates.forEach((glows, at) => glows.forEach((glow) => glow.setAttribute("class",
            `glow ${stage === piece?.stage && at === step ? (isForward(piece.kind) ? "forward" : "backward") : ""}`)));
        }
      }
      if (piece) tokens.push(this.place(band, lane, piece, part));
    }
    const first = place(this.flights, time - this.longest, (one) => one.start) + 1;
    for (let k = Math.max(0, first - 1); k < this.flights.length && this.flights[k].start <= time; k++) {
      if (this.flights[k].end > time) tokens.push(this.fly(this.flights[k], time));
    }
    this.drawTokens(tokens);
  }

  // What a device is called that does nothing.
  resting(device, time) {
    const {stream} = this;
    if (stream.down(device, time)) return "down";
    if (!stream.rows[device].length) return device === stream.server ? "server" : "no work";
    return time >= stream.span[1] ? "done" : "waits";
  }

  place(band, lane, piece, part) {
    const forward = isForward(piece.kind), way = forward ? part : 1 - part;
    const text = String(piece.microbatch);
    if (lane) {
      const along = lane.flip ? 1 - way : way;
      return {x: lane.from + along * (lane.till - lane.from), y: lane.y, text, forward, right: forward !== lane.flip};
    }
    const crowded = band.height < 84;
    const from = band.x + (crowded ? 120 : 26), till = band.x + band.width - (crowded ? 136 : 26);
    if (till - from < 24 || !band.tall || (!crowded && band.height < 110)) return null;
    return {x: from + way * (till - from), y: band.y + (crowded ? 12 : band.height / 2), text, forward};
  }

  // A message on its way from device to device; a lost one ends half way.
  fly({what, source, target, tag, start, end, fate, stages}, time) {
    const [from, to] = [this.bands[source], this.bands[target]], part = still() ? 0.5 : (time - start) / (end - start);
    const forward = what === "value" || what === "weights";
    const across = from.y === to.y, right = from.x < to.x;
    const lanes = [from, to].map((band) => stages.map((stage) => band.lanes.get(stage)).find(Boolean));
    const y = (band) => lanes[band === from ? 0 : 1]?.exit[1] ?? band.y + band.height * 0.5;
    const x = (band, leaves) => (across ? (leaves === right ? band.x + band.width : band.x) : band.x + band.width / 2);
    const lost = fate === "lost", way = lost ? Math.min(part, 0.5) : part;
    return {
      x: x(from, true) + way * (x(to, false) - x(from, true)), y: y(from) + way * (y(to) - y(from)), forward,
      text: lost && part > 0.5 ? "×" : {weights: `v${tag}`, change: "Δ"}[what] ?? String(tag % this.stream.batch),
      hollow: what === "weights" || what === "change",
    };
  }

  drawTokens(tokens) {
    const shown = tokens.filter(Boolean), {children} = this.tokens;
    while (children.length < shown.length) {
      const group = makeSvg("g");
      group.append(makeSvg("path"), makeSvg("text"));
      this.tokens.append(group);
    }
    while (children.length > shown.length) this.tokens.lastChild.remove();
    shown.forEach(({x, y, text, forward, right = forward, hollow}, at) => {
      const group = children[at], half = (text.length * 7 + 17) / 2, side = right ? 1 : -1; // it points where it goes
      const seen = `${text}${forward}${right}${hollow}`;
      if (group.dataset.seen !== seen) {
        group.dataset.seen = seen;
        group.setAttribute("class", `token ${forward ? "" : "back"} ${hollow ? "hollow" : ""}`);
        const [back, neck, tip] = [-side * half, side * (half - 7), side * half];
        group.firstChild.setAttribute("d", `M${back} -9H${neck}L${tip} 0L${neck} 9H${back}Z`);
        group.lastChild.textContent = text;
        group.lastChild.setAttribute("x", -side * 2.5);
        group.lastChild.setAttribute("y", 4.2);
      }
      group.setAttribute("transform", `translate(${tidy(x)} ${tidy(y)})`);
    });
  }

  // The microbatches that a device keeps, those in a row as one where there is no room for each.
  keep(band, tags, followed) {
    const {batch} = this.stream, room = band.width - 76, parts = [];
    const width = (text) => text.length * 7 + 12;
    let chips = tags.map((tag) => ({text: String(tag % batch), tags: [tag]}));
    if (sum(chips.map(({text}) => width(text) + 4)) > room) {
      chips = [];
      for (const tag of tags) {
        const last = chips.at(-1);
        if (last && last.tags.at(-1) === tag - 1) last.tags.push(tag);
        else chips.push({tags: [tag]});
      }
      for (const chip of chips) {
        const [first, final] = [chip.tags[0] % batch, chip.tags.at(-1) % batch];
        chip.text = chip.tags.length > 1 ? `${first}–${final}` : String(first);
      }
      if (sum(chips.map(({text}) => width(text) + 4)) > room) chips = [{text: `${tags.length} of them`, tags}];
    }
    parts.push(makeSvg("text", {class: "soft left", x: 0, y: 4}, chips.length ? "keeps" : "keeps nothing"));
    let x = 42;
    for (const {text, tags: held} of chips) {
      const look = `kept ${held.includes(followed) ? "same" : ""}`;
      const chip = makeSvg("g", {class: look, "data-tag": held[0], transform: `translate(${x} 0)`});
      chip.append(makeSvg("rect", {x: 0, y: -11, width: width(text), height: 22, rx: 4}));
      chip.append(makeSvg("text", {x: width(text) / 2, y: 4}, text));
      parts.push(chip);
      x += width(text) + 4;
    }
    band.keeps.replaceChildren(...parts);
  }
}

// From where to where the picture of a stage reaches when its rows are brought nearer.
function extent(circuit, lift) {
  const top = Math.min(...circuit.nodes.map(([, y, , height]) => y * lift - height / 2),
    ...circuit.hung.map(([gate, , down, , height]) => circuit.nodes[gate][1] * lift + down - height / 2));
  return [top, Math.max(...circuit.nodes.map(([, y, , height]) => y * lift + height / 2))];
}

// Which of so many steps a part of the way is in.
function stepAt(part, steps) {
  return Math.min(steps - 1, Math.floor(part * steps));
}

// What a device does, in two words or in two signs.
function doing({kind, microbatch}, short) {
  if (short) return isForward(kind) ? `${microbatch} ▸` : `◂ ${microbatch}`;
  return `${isForward(kind) ? "forward" : kind === "W" ? "weights" : "backward"}, ${microbatch}`;
}

// Whether somebody asked for no motion: tokens then stand in the middle of their way.
function still() {
  return (still.asked ??= window.matchMedia("(prefers-reduced-motion: reduce)")).matches;
}

function sum(numbers) {
  return numbers.reduce((total, one) => total + one, 0);
}

function tidy(length) {
  return Math.round(length * 10) / 10;
}

// Cuts a text off where it would be wider than its room.
function shorten(element, text, room) {
  let end = text.length;
  while (end > 1 && element.getComputedTextLength() > room) {
    end = Math.min(end - 1, Math.floor(end * room / element.getComputedTextLength()));
    element.textContent = `${text.slice(0, Math.max(1, end))}…`;
  }
}
