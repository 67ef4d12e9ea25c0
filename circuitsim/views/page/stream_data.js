// One stream: its pieces of work, gaps and updates, what there is at a time, and how it is told.

const WORK = {F: "forward", B: "backward", I: "backward to the data", W: "backward to the weights"};
const isForward = (kind) => kind === "F";

class Stream {
  constructor(data) {
    Object.assign(this, data);
    const [start, end] = data.span;
    this.length = end - start;
    this.pieces = data.work.map(([device, kind, stage, tag, from, till]) => ({
      device, kind, stage, tag, start: from, end: till, microbatch: tag % data.batch,
    }));
    this.gaps = data.gaps.map(([device, from, till, reason, source]) => ({
      gap: true, device, start: from, end: till, reason, source,
    }));
    this.updates = data.updates.map(([device, time, moves]) => ({update: true, device, start: time, end: time, moves}));
    this.rows = this.devices.map(() => []);
    this.rests = this.devices.map(() => []);
    this.moves = this.devices.map(() => []);
    this.ofTag = new Map();
    this.names = new Map(); // a piece is called as schedules write it, 2B13; the second of that name 2B13.1
    const count = new Map();
    for (const piece of this.pieces) {
      this.rows[piece.device].push(piece);
      if (!this.ofTag.has(piece.tag)) this.ofTag.set(piece.tag, []);
      this.ofTag.get(piece.tag).push(piece);
      const name = `${piece.stage}${piece.kind}${piece.tag}`, again = count.get(name) ?? 0;
      count.set(name, again + 1);
      piece.name = again ? `${name}.${again}` : name;
      this.names.set(piece.name, piece);
    }
    for (const gap of this.gaps) this.rests[gap.device].push(gap);
    for (const update of this.updates) this.moves[update.device].push(update);
    this.shown = [...this.devices.keys()].filter((device) => this.rows[device].length || this.moves[device].length);
    if (!this.shown.length) this.shown = [...this.devices.keys()];
    this.homes = this.rows.map((row) => [...new Set(row.map((piece) => piece.stage))].sort(byNumber));
    this.kept = this.rows.map((row) => this.whatIsKept(row));
    const times = this.pieces.flatMap((piece) => [piece.start, piece.end]).concat(this.updates.map((one) => one.start));
    this.moments = distinct([start, end, ...times].sort(byNumber), 1e-9 * this.length);
    const lasting = this.pieces.map((piece) => piece.end - piece.start).filter((one) => one > 0).sort(byNumber);
    this.typical = lasting[lasting.length >> 1] || this.length || 1;
    this.shortest = Math.max(lasting[lasting.length >> 4] || 0, this.typical / 6); // but for a few
    this.digits = String(Math.max(0, ...this.pieces.map((piece) => piece.microbatch))).length;
    this.kinds = new Set(this.pieces.map((piece) => piece.kind));
    this.decimals = Math.max(0, Math.min(12, 3 - Math.floor(Math.log10(this.length || 1))));
    this.stacked = this.homes.some((stages) => stages.length > 1);
  }

  // From when to when a device keeps which example: from the end of F to the end of B, or of W.
  whatIsKept(row) {
    const open = new Map(), found = [];
    for (const piece of row) {
      const key = piece.stage + ":" + piece.tag;
      if (piece.kind === "F") {
        if (open.has(key)) continue;
        open.set(key, {tag: piece.tag, from: piece.end, till: Infinity});
        found.push(open.get(key));
      } else if (piece.kind !== "I" && open.has(key)) {
        open.get(key).till = piece.end;
        open.delete(key);
      }
    }
    return found.sort((one, other) => one.from - other.from);
  }

  // The examples that a device keeps at a time, in order.
  holds(device, time) {
    const tags = new Set();
    for (const {tag, from, till} of this.kept[device]) {
      if (from > time) break;
      if (till > time) tags.add(tag);
    }
    return [...tags].sort(byNumber);
  }

  // How many microbatches a device keeps at a time, as its steps say; a stage of two counts as half of one.
  keeps(device, time) {
    const steps = this.memory[device], at = place(steps, time, (step) => step[0]);
    return at < 0 ? 0 : steps[at][1];
  }

  // What a device works on at a time; null if it waits.
  at(device, time) {
    const row = this.rows[device], found = row[place(row, time, (piece) => piece.start)];
    return found && time < found.end ? found : null;
  }

  rest(device, time) {
    const row = this.rests[device], found = row[place(row, time, (gap) => gap.start)];
    return found && time < found.end ? found : null;
  }

  down(device, time) {
    return this.outages.some(([where, start, end]) => where === device && start <= time && time < end);
  }

  // What a device begins after a gap.
  after(gap) {
    return this.rows[gap.device].find((piece) => piece.start >= gap.end - 1e-9 * this.length);
  }

  // The piece one step to the left, right, up or down: on another device of the same example and kind, or the nearest.
  beside(thing, key) {
    const row = this.rows[thing.device], middle = (thing.start + thing.end) / 2;
    const at = row.indexOf(thing); // -1 for what is no piece of work
    if (key === "ArrowRight") return at < 0 ? row.find((one) => one.start >= thing.end) : row[at + 1];
    if (key === "ArrowLeft") return at < 0 ? row.findLast((one) => one.end <= thing.start) : row[at - 1];
    const working = this.shown.filter((device) => this.rows[device].length);
    const next = working[working.indexOf(thing.device) + (key === "ArrowDown" ? 1 : -1)];
    if (next === undefined) return undefined;
    const same = this.rows[next].filter((one) => one.tag === thing.tag && one.kind === thing.kind);
    const off = (one) => Math.abs((one.start + one.end) / 2 - middle);
    return (same.length ? same : this.rows[next]).reduce((best, one) => (off(one) < off(best) ? one : best));
  }

  // -- words -----------------------------------------------------------------------------------------------------

  microbatch(tag) {
    const batch = this.ofTag.size > this.batch ? ` of batch ${Math.floor(tag / this.batch)}` : "";
    return `microbatch ${tag % this.batch}${batch}`;
  }

  // A time, as exact as four digits of the whole length are.
  when(time) {
    if (Math.abs(time) >= 10_000) return Math.round(time).toLocaleString("en-US");
    return show(Number(time.toFixed(this.decimals)), 12);
  }

  stage({device, stage}) {
    return this.homes[device].length > 1 ? `, stage ${stage}` : "";
  }

  // Each of these is a list of texts, some with the look that they have: [text, "v"].
  tell(thing) {
    if (thing.gap) return this.tellGap(thing);
    return thing.update ? this.tellUpdate(thing) : this.tellPiece(thing);
  }

  tellPiece(piece) {
    const {kind, tag} = piece, {in: coming, out: going} = this.stages[piece.stage];
    const head = `${capital(this.devices[piece.device])}, ${WORK[kind]}, ${this.microbatch(tag)}${this.stage(piece)}.`;
    const span = ` From tick ${this.when(piece.start)} to ${this.when(piece.end)} it `;
    const before = this.whence(coming, tag), after = this.whence(going, tag), numbers = this.passed(piece);
    const words = (ends, device, other) => (
      listed(ends.map((one) => (one.device ? `${device} ${one.name}` : other(one.name))), 4) || "nothing");
    if (kind === "F") {
      const takes = words(before, "a value from", (name) => name);
      const sends = words(after, "a value to", (name) => `${name} out`);
      const told = `${span}takes ${takes} and sends ${sends}. It keeps what it needs for the way back.`;
      return {head, told: [told], numbers};
    }
    const devices = before.filter((one) => one.device).map((one) => one.name);
    const sends = devices.length ? ` and sends a gradient to ${listed(devices, 4)}` : "";
    const takes = "takes " + words(after, "a gradient from", (name) => "the pull at " + name) + sends;
    const work = kind === "W" ? "pulls its parameters" : takes;
    if (kind === "I") return {head, told: [`${span}${work}.`], numbers};
    const felt = this.tellFelt(piece), forgets = ` Then it forgets ${this.microbatch(tag)}.`;
    return {head, told: [span, work, felt.length ? "; " : "", ...felt, `.${forgets}`], numbers};
  }

  // What the parameters of a stage feel of an example.
  tellFelt({stage, tag}) {
    const felt = this.stages[stage].parameters.filter((name) => this.felt[name]?.[tag] !== undefined).slice(0, 4);
    return felt.flatMap((name, at) => [
      at ? ", " : "", [name, "name"], at ? " " : " feels ", [this.felt[name][tag], "g"],
    ]);
  }

  // Who is at the other ends of wires, each once: devices, inputs and outputs.
  whence(wires, tag) {
    const found = new Map();
    for (const [, stage, name] of wires) {
      const other = stage === null ? null : this.ofTag.get(tag).find((piece) => piece.stage === stage);
      const whose = stage === null ? name : other ? this.devices[other.device] : `stage ${stage}`;
      found.set((stage === null ? "=" : "") + whose, {device: stage !== null, name: whose});
    }
    return [...found.values()];
  }

  // The numbers that a piece of work took and those that it gave.
  passed({kind, stage, tag}) {
    const {in: coming, out: going} = this.stages[stage], back = isForward(kind) ? 0 : 1;
    const texts = (wires) => distinctTexts(wires.map(([wire, other, name]) => {
      const text = this.numbers[wire]?.[back][tag];
      return text === undefined ? null : other === null ? `${name} ${text}` : text;
    }));
    const before = texts(coming), after = texts(going), look = back ? "g" : "v";
    if (!before.length && !after.length || kind === "W") return [];
    const [took, gave] = back ? [after, before] : [before, after];
    const written = (list) => (list.length ? list.join("; ") : "");
    return [[written(took), look], ...(gave.length ? [" → ", [written(gave), look]] : [])];
  }

  tellGap(gap) {
    const {reason, source, start, end} = gap;
    const who = capital(this.devices[gap.device]), other = source === null ? null : this.devices[source];
    const next = this.after(gap), what = next ? this.microbatch(next.tag) : "";
    const head = `${who} waits from tick ${this.when(start)} to ${this.when(end)}.`;
    const tick = this.when(end), sends = other ? ` from ${other}, which sends it at tick` : ", which is made by tick";
    const from = other ? " from " + other : "";
    const told = {
      value: ` It needs the value of ${what}${sends} ${tick}.`,
      gradient: ` It needs the gradient of ${what}${sends} ${tick}.`,
      weights: ` It needs new weights${from}, which are made by tick ${tick}.`,
      transfer: ` What it needs is on its way${from} and arrives at tick ${tick}.`,
      crash: " It crashed, and is down.",
      admission: ` ${capital(what) || "The next example"} is let in when there is room for it.`,
      done: " Its work is done; others still work.",
      policy: " Nothing is missing: its schedule makes it wait.",
    }[reason];
    if (!next || reason !== "gradient" && reason !== "value") return {head, told: [told], numbers: []};
    const was = this.rows[gap.device].some((one) => one.tag === next.tag && one.end <= start);
    const way = ` Follow ${what} along the dotted line${was ? ": it has to come all the way back" : ""}.`;
    return {head, told: [told, way], numbers: []};
  }

  tellUpdate({device, start, moves}) {
    const old = Math.max(...moves.map((move) => move[4]));
    const head = `${capital(this.devices[device])}, tick ${this.when(start)}.`;
    const told = [" "];
    moves.slice(0, 3).forEach(([name, before, after], at) => {
      const from = before ? ` from ${before}` : "";
      told.push(at ? ", " : "", [name, "name"], `${at ? "" : " moves"}${from} to `, [after, "v"]);
    });
    if (moves.length > 3) told.push(` and ${moves.length - 3} more`);
    told.push(`, by the gradient of ${this.microbatch(moves[0][3])}.`);
    if (old) told.push(` The gradient is ${old} ${old === 1 ? "version" : "versions"} old.`);
    return {head, told, numbers: []};
  }

  // The present moment, in a sentence.
  tellTime(time, followed) {
    if (!this.pieces.length) return {head: "No device did any work.", told: [], numbers: []};
    if (time >= this.span[1]) return this.tellEnd();
    const here = this.ofTag.get(followed)?.find((piece) => piece.start <= time && time < piece.end);
    if (here) return this.tellPiece(here);
    const working = this.shown.filter((device) => this.rows[device].length);
    const busy = working.map((device) => this.at(device, time)).filter(Boolean);
    const idle = working.filter((device) => !this.at(device, time));
    const named = (isDown) => idle.filter((one) => this.down(one, time) === isDown).map((one) => this.devices[one]);
    const rest = named(false), down = named(true);
    const head = `Tick ${this.when(time)}.`, parts = [];
    if (working.length <= 4) {
      parts.push(...busy.map((piece) => (
        `${this.devices[piece.device]} works ${WORK[piece.kind]} on ${this.microbatch(piece.tag)}`)));
      if (rest.length) parts.push(`${listed(rest)} ${rest.length === 1 ? "waits" : "wait"}`);
    } else {
      const forward = busy.filter((piece) => isForward(piece.kind)).length;
      const ways = [[forward, "forward"], [busy.length - forward, "backward"]];
      const told = ways.filter(([count]) => count).map((way) => way.join(" ")).join(" and ");
      const wait = `${rest.length} ${rest.length === 1 ? "waits" : "wait"}`;
      if (busy.length) parts.push(`${busy.length} of ${working.length} devices work, ${told}`);
      if (rest.length) parts.push(busy.length || down.length ? wait : "all devices wait");
    }
    if (down.length) parts.push(`${listed(down)} ${down.length === 1 ? "is" : "are"} down`);
    return {head, told: [` ${capital(parts.join("; "))}.`], numbers: []};
  }

  // How it ended, and how the parameters moved then, if they did.
  tellEnd() {
    const head = `Done after ${this.when(this.length)} ${this.length === 1 ? "tick" : "ticks"}.`;
    const over = Math.max(...this.pieces.map((piece) => piece.end)) - 1e-9 * this.length;
    const moved = this.updates.filter((one) => one.start >= over).flatMap((one) => one.moves);
    if (!moved.length) return {head, told: [], numbers: []};
    const [name, before, after] = moved[0], from = before ? ` from ${before}` : "", alone = moved.length === 1;
    return {head, numbers: [], told: [
      " All gradients have arrived, and " + (alone ? "" : `${moved.length} parameters move, `), [name, "name"],
      `${alone ? " moves" : ""}${from} to `, [after, "v"], ".",
    ]};
  }
}

function byNumber(one, other) {
  return one - other;
}

// The last place in a list, sorted by `key`, that is not beyond a limit; -1 if all are.
function place(list, limit, key) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(list[middle]) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function distinct(sorted, close) {
  return sorted.filter((value, at) => at === 0 || value - sorted[at - 1] > close);
}

function distinctTexts(texts) {
  return [...new Set(texts.filter((text) => text !== null))].slice(0, 4);
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
