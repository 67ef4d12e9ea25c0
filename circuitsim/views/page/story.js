// What one window of a trace says: what stands where at any time, and the steps in which it is told.

const VALUE = 0,
  GRADIENT = 1,
  FORWARD = 2,
  BACKWARD = 3;

class Story {
  constructor(scene, part) {
    this.nodes = scene.nodes;
    this.wires = scene.wires;
    this.incoming = scene.nodes.map(() => []);
    this.outgoing = scene.nodes.map(() => []);
    scene.wires.forEach(([source, target, port], wire) => {
      this.incoming[target][port] = wire;
      this.outgoing[source].push(wire);
    });
    this.span = part.span;
    const columns = part.records;
    this.records = columns.kind.map((kind, i) => ({
      kind,
      where: columns.where[i],
      tag: columns.tag[i],
      start: columns.start[i],
      end: columns.end[i],
      value: columns.value[i],
    }));
    this.slopes = new Map(part.slopes.map(([node, tag, slopes]) => [node + ":" + tag, slopes]));
    this.remember(part);
    this.steps = this.tell();
    this.version = 0; // grows when numbers change
  }

  // Each history is a list of {time, value, tag}, in order of time.
  remember({ before, sums }) {
    const lists = (count, standing = []) => {
      const all = Array.from({ length: count }, () => []);
      for (const [where, value, tag] of standing) all[where].push({ time: -Infinity, value, tag });
      return all;
    };
    this.values = lists(this.nodes.length, before.values);
    this.felt = lists(this.nodes.length, before.felt);
    this.carried = lists(this.wires.length); // values by wire, when they arrive
    this.returned = lists(this.wires.length, before.wires); // gradients by wire, when they arrive
    for (const { kind, where, tag, start, end, value } of this.records) {
      if (kind === FORWARD) this.values[where].push({ time: end, value, tag });
      if (kind === VALUE) {
        const [source, target] = this.wires[where];
        this.carried[where].push({ time: end, value, tag });
        if (!this.isGate(source)) this.values[source].push({ time: start, value, tag });
        if (this.isOutput(target)) this.values[target].push({ time: end, value, tag });
      }
      if (kind === GRADIENT) {
        const [source, target] = this.wires[where];
        this.returned[where].push({ time: end, value, tag });
        this.felt[source].push({ time: end, value, tag });
        if (this.isOutput(target)) this.felt[target].push({ time: start, value, tag });
      }
    }
    const met = new Map(sums.map(([node, time, tag, total]) => [[node, time, tag].join(), total]));
    for (const all of [this.values, this.felt, this.carried, this.returned]) {
      for (const history of all) history.sort((a, b) => a.time - b.time);
    }
    this.felt.forEach((history, node) => {
      for (const event of history) event.value = met.get([node, event.time, event.tag].join()) ?? event.value;
    });
    this.values = this.values.map(once);
    this.felt = this.felt.map(once);
  }

  // Puts the numbers of now in place of the recorded ones: they come at the same times. `now` says the value and the
  // gradient of a node, the gradient that came back along a wire, and the slopes of a gate.
  rewrite(now) {
    const { wires } = this;
    const put = (history, value) => {
      for (const event of history) event.value = value;
    };
    for (const record of this.records) {
      const { kind, where } = record;
      record.value =
        kind === FORWARD
          ? now.value(where)
          : kind === VALUE
            ? now.value(wires[where][0])
            : kind === GRADIENT
              ? now.share(where)
              : now.gradient(where);
    }
    this.values.forEach((history, node) => put(history, now.value(node)));
    this.carried.forEach((history, wire) => put(history, now.value(wires[wire][0])));
    this.returned.forEach((history, wire) => put(history, now.share(wire)));
    this.felt.forEach((history, node) => {
      if (this.isOutput(node)) put(history, now.share(this.incoming[node][0]));
      else for (const event of history) event.value = this.met(node, event.time);
    });
    for (const key of this.slopes.keys()) this.slopes.set(key, now.slopes(parseInt(key)));
    this.version++;
  }

  // What had come back to a node at a time, added up in wiring order.
  met(node, time) {
    const shares = this.outgoing[node].flatMap((wire) => this.at(this.returned[wire], time) ?? []);
    return shares.length ? shares.map((share) => share.value).reduce((a, b) => a + b) : 0;
  }

  isGate(node) {
    return this.nodes[node].kind === "gate";
  }
  isOutput(node) {
    return this.nodes[node].kind === "output";
  }

  // What a constant is called is its number; anything else has a name.
  label(node) {
    const { kind, name, text } = this.nodes[node];
    const value = kind === "constant" ? this.values[node][0]?.value : null;
    return kind === "constant" ? (typeof value === "number" ? show(value) : text) : short(name);
  }

  actor(node) {
    const { text, name } = this.nodes[node];
    return name.startsWith(text.replace("…", "")) ? short(name) : text + " (" + short(name) + ")";
  }

  // What stood in a history at a time; null if nothing did.
  at(history, time) {
    let low = 0,
      high = history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (history[middle].time <= time) low = middle + 1;
      else high = middle;
    }
    return low ? history[low - 1] : null;
  }

  // What belongs to a tag in a history, the last of it up to a time.
  ofTag(history, tag, time = Infinity) {
    return history.findLast((event) => event.tag === tag && event.time <= time) ?? null;
  }

  // What a gate found on its ports when it fired for a tag; an element is null where this window does not say.
  inputs(node, tag, time) {
    return this.incoming[node].map((wire) => {
      const own = this.ofTag(this.carried[wire], tag, time);
      if (own) return own.value;
      const source = this.wires[wire][0];
      const kind = this.nodes[source].kind;
      if (kind === "constant") return this.values[source][0]?.value ?? this.nodes[source].text;
      const last = this.at(this.carried[wire], time) ?? this.at(this.values[source], time);
      return last && (kind === "parameter" || last.tag === tag) ? last.value : null;
    });
  }

  // What a firing backward sent to each port: {wire, value, slope}; the slope is null if no factor says it all.
  shares(node, tag, time = Infinity) {
    const slopes = this.slopes.get(node + ":" + tag);
    const shares = [];
    this.incoming[node].forEach((wire, port) => {
      const sent = this.ofTag(this.returned[wire], tag, time);
      if (sent) shares.push({ wire, value: sent.value, slope: slopes ? slopes[port] : null });
    });
    return shares;
  }

  // The gradients that met at a node for a tag, in wiring order.
  parts(node, tag, time = Infinity) {
    return this.outgoing[node].map((wire) => this.ofTag(this.returned[wire], tag, time)).filter(Boolean);
  }

  formula(node, operands) {
    const { operator, infix } = this.nodes[node];
    if (!infix) return operator + "(" + operands.join(", ") + ")";
    return operands.length > 1 ? operands.join(" " + operator + " ") : operator + operands[0];
  }

  product(felt, slope, share) {
    if (slope === null) return [gradient(show(share))];
    return [gradient(show(felt)), " × " + bracket(show(slope)) + " = ", gradient(show(share))];
  }

  feels(node, tag, time = Infinity) {
    const total = this.ofTag(this.felt[node], tag, time);
    const parts = this.parts(node, tag, time);
    if (!total) return "what has arrived";
    if (parts.length < 2) return show(total.value);
    return (
      listed(
        parts.map((part) => bracket(show(part.value))),
        12,
      )
        .replaceAll(", ", " + ")
        .replace(" and ", " + ") +
      " = " +
      show(total.value)
    );
  }

  // The messages that made a gradient: the wires on which gradients of this tag led to the node, and their gates.
  makers(node, tag) {
    const wires = new Set(),
      nodes = new Set([node]),
      queue = [node];
    while (queue.length) {
      for (const wire of this.outgoing[queue.pop()]) {
        if (!this.ofTag(this.returned[wire], tag)) continue;
        wires.add(wire);
        const target = this.wires[wire][1];
        if (!nodes.has(target)) {
          nodes.add(target);
          queue.push(target);
        }
      }
    }
    return { wires, nodes };
  }

  // The steps: sendings, firings, pulls and arrivals, each with the time it begins and the time that shows it best.
  tell() {
    const steps = [];
    const groups = new Map();
    const together = (kind, time, tag, from, till) => {
      const key = kind + ":" + time + ":" + tag;
      if (!groups.has(key)) {
        groups.set(key, { kind, from, at: from + 0.45 * (till - from), tag, nodes: [] });
        steps.push(groups.get(key));
      }
      return groups.get(key);
    };
    const due = new Map(); // (node, tag) -> when its last gradient arrives
    for (const { kind, where, tag, start, end } of this.records) {
      if (kind === FORWARD || kind === BACKWARD) {
        steps.push({
          kind: kind === FORWARD ? "forward" : "backward",
          from: start,
          at: (start + end) / 2,
          end,
          tag,
          nodes: [where],
        });
        continue;
      }
      const [source, target] = this.wires[where];
      if (kind === VALUE && !this.isGate(source)) {
        const step = together("send", start, tag, start, end);
        if (!step.nodes.includes(source)) step.nodes.push(source);
      }
      if (kind === VALUE && this.isOutput(target) && !this.felt[target].some((event) => event.tag === tag)) {
        together("arrive", end, tag, end, end).nodes.push(target);
      }
      if (kind === GRADIENT && this.isOutput(target)) together("pull", start, tag, start, end).nodes.push(target);
      if (kind === GRADIENT && !this.isGate(source)) {
        due.set(source + ":" + tag, { source, tag, end: Math.max(end, due.get(source + ":" + tag)?.end ?? end) });
      }
    }
    for (const { source, tag, end } of due.values()) together("feel", end, tag, end, end).nodes.push(source);
    const order = ["send", "arrive", "feel", "pull", "forward", "backward"];
    steps.sort((a, b) => a.from - b.from || order.indexOf(a.kind) - order.indexOf(b.kind));
    // Who steps forward must not go back in time.
    for (let i = steps.length - 2; i >= 0; i--) steps[i].at = Math.min(steps[i].at, steps[i + 1].at);
    return steps;
  }

  // One plain sentence about a step.
  sentence(step) {
    return this.telling(step)
      .map((part) => (typeof part === "string" ? part : part[0]))
      .join("");
  }

  // The same in parts: plain text, or [text, look].
  telling(step) {
    const { kind, tag, nodes, end } = step;
    const node = nodes[0];
    const name = (index) => [this.label(index), "name"];
    if (kind === "send") {
      const sent = nodes.map((source) => {
        const given = value(show(this.ofTag(this.values[source], tag).value));
        return this.nodes[source].kind === "constant" ? [given] : [name(source), " = ", given];
      });
      return [...several(sent), (sent.length === 1 ? " is" : " are") + " sent into the circuit."];
    }
    if (kind === "forward") {
      const inputs = this.inputs(node, tag, step.from);
      const result = this.ofTag(this.values[node], tag);
      const sent = result ? value(counted(result.value)) : "its result";
      if (!this.nodes[node].operator) {
        return [`${this.actor(node)} works from tick ${ticks(step.from)} to ${ticks(end)} and sends `, sent, "."];
      }
      if (inputs.includes(null)) return [this.actor(node) + " fires and sends ", sent, "."];
      const given = inputs.map((number, port) => {
        const source = this.wires[this.incoming[node][port]][0];
        const told = value(show(number));
        return this.nodes[source].kind === "constant" ? [told] : [name(source), " = ", told];
      });
      const worked = this.formula(
        node,
        inputs.map((number) => bracket(show(number))),
      );
      return [this.actor(node) + " has ", ...several(given), ", so it sends " + worked + " = ", sent, "."];
    }
    if (kind === "backward") {
      // A gate fires when all has arrived; a group begins to work before.
      const heard = this.nodes[node].operator ? step.from : end;
      const total = this.ofTag(this.felt[node], tag, heard);
      const passed = this.shares(node, tag).map(({ wire, value: share, slope }) => [
        ...this.product(total.value, slope, share),
        " back to ",
        name(this.wires[wire][0]),
      ]);
      const on = passed.length ? [", so it passes ", ...several(passed)] : [];
      return [this.actor(node) + " feels ", gradient(this.feels(node, tag, heard)), ...on, "."];
    }
    if (kind === "arrive" || kind === "pull") {
      const told = nodes.map((output) => {
        const came = this.ofTag(this.values[output], tag) ?? this.at(this.values[output], step.from);
        const arrived = [name(output), ...(came ? [" is ", value(show(came.value))] : [])];
        const pull = this.ofTag(this.felt[output], tag);
        return kind === "pull" ? [...arrived, " and is pulled with ", gradient(show(pull.value))] : arrived;
      });
      return [...several(told), "."];
    }
    const felt = nodes.map((source) => [name(source), " feels ", gradient(this.feels(source, tag, step.from))]);
    return [...several(felt), "."];
  }
}

// Text that is a value, or a gradient.
function value(text) {
  return [text, "v"];
}

function gradient(text) {
  return [text, "g"];
}

// Several lists of parts as one: "a, b and c", or "a, b and 7 more".
function several(lists, most = 6) {
  const all = lists.length > most ? [...lists.slice(0, most - 1), [`${lists.length - most + 1} more`]] : lists;
  return all.flatMap((parts, at) => [...(at ? [at === all.length - 1 ? " and " : ", "] : []), ...parts]);
}

// A long name, cut.
function short(name, most = 40) {
  const letters = [...name];
  return letters.length > most ? letters.slice(0, most - 1).join("") + "…" : name;
}

// An array that is not written out is so many numbers.
function counted(result) {
  const found = typeof result === "string" && /^array ([\d×]+)$/.exec(result);
  return found ? found[1] + " numbers" : show(result);
}

// What several wires say at the same time of the same example is one event.
function once(history) {
  return history.filter((event, i) => event.time !== history[i + 1]?.time || event.tag !== history[i + 1].tag);
}
