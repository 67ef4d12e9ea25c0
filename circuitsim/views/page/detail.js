// The closer look: everything that is known at a time about a gate, an end of the circuit, or a wire.

class Detail {
  constructor(scene, holder, choose) {
    this.scene = scene;
    this.holder = holder;
    this.choose = choose;
  }

  show(story, time, chosen) {
    const parts = !chosen
      ? this.nothing()
      : "wire" in chosen
        ? this.wire(story, time, chosen.wire)
        : this.node(story, time, chosen.node);
    this.holder.replaceChildren(...parts.filter(Boolean));
  }

  nothing() {
    return [
      make("h2", {}, "A closer look"),
      make(
        "p",
        { class: "about" },
        "Point at a gate or a wire, tap it, or reach it with the tabulator key: its inputs, its output and the chain " +
          "rule stand here with their numbers. Choose a red number to see the messages that made it.",
      ),
    ];
  }

  node(story, time, index) {
    const node = this.scene.nodes[index];
    const value = story.at(story.values[index], time);
    const gradient = story.at(story.felt[index], time);
    const kind =
      node.kind === "gate"
        ? (node.text === node.gate ? "" : node.text + " ") + node.name
        : node.kind + " " + story.label(index);
    return [
      make("h2", {}, kind),
      node.gate && this.scene.gates[node.gate] ? make("p", { class: "about" }, this.scene.gates[node.gate]) : null,
      ...(node.kind === "gate"
        ? this.arithmetic(story, time, index, value)
        : [line("value ", value ? show(value.value) : "not here yet", "v")]),
      ...this.gradient(story, time, index, gradient),
      ...(node.kind === "gate" ? this.chainRule(story, time, index, gradient) : []),
      ...this.wires(story, index),
      ...this.history(story.values[index], story.felt[index], time),
    ];
  }

  arithmetic(story, time, index, value) {
    const node = this.scene.nodes[index];
    const fired = story.records.findLast((r) => r.kind === FORWARD && r.where === index && r.start <= time);
    const rows = story.incoming[index].map((wire, port) => {
      const source = story.wires[wire][0];
      const now = fired
        ? story.inputs(index, fired.tag, fired.start)[port]
        : (story.at(story.carried[wire], time)?.value ?? null);
      return make(
        "tr",
        {},
        make("th", { scope: "row" }, node.ports[port]),
        make("td", {}, "from " + story.label(source)),
        make("td", { class: "v" }, now === null ? "not here yet" : show(now)),
      );
    });
    const parts = [make("h3", {}, "Inputs"), make("table", {}, make("tbody", {}, ...rows)), make("h3", {}, "Output")];
    if (!node.operator)
      return [...parts, value ? line("", show(value.value), "v") : make("p", {}, "not computed yet")]; // a group
    const inputs = value && story.inputs(index, value.tag, value.time);
    const names = story.incoming[index].map((wire) => story.label(story.wires[wire][0]));
    if (!value) parts.push(make("p", {}, story.formula(index, names) + ": not computed yet"));
    else if (inputs.includes(null)) parts.push(line(story.formula(index, names) + " = ", show(value.value), "v"));
    else
      parts.push(
        line(
          story.formula(index, names) +
            " = " +
            story.formula(
              index,
              inputs.map((input) => bracket(show(input))),
            ) +
            " = ",
          show(value.value),
          "v",
        ),
      );
    return parts;
  }

  gradient(story, time, index, gradient) {
    const node = this.scene.nodes[index];
    if (node.kind === "constant") return [];
    const parts = [make("h3", {}, node.kind === "output" ? "Pull" : "Gradient it feels")];
    if (!gradient) return [...parts, make("p", {}, "none yet")];
    if (node.kind === "output") return [...parts, line("", show(gradient.value), "g")];
    parts.push(line("", story.feels(index, gradient.tag, time), "g"));
    parts.push(
      make(
        "p",
        {},
        make(
          "button",
          { type: "button", class: "link", id: "why", onclick: () => this.choose({ node: index, why: true }, true) },
          `Why ${show(gradient.value)}? Show the messages that made it`,
        ),
      ),
    );
    return parts;
  }

  chainRule(story, time, index, gradient) {
    const node = this.scene.nodes[index];
    const sent = gradient ? story.shares(index, gradient.tag, Infinity) : [];
    if (!sent.length) return [];
    const rows = sent.map(({ wire, value, slope }) => {
      const [source, , port] = story.wires[wire];
      const way =
        slope === null
          ? `${node.operator ? "by the rule of " + node.gate : "by the gates inside"}: ${show(value)}`
          : `${show(gradient.value)} × ${bracket(show(slope))} = ${show(value)}`;
      return make(
        "tr",
        {},
        make("th", { scope: "row" }, "to " + story.label(source)),
        make("td", {}, slope === null ? "" : `∂${node.name}/∂${node.ports[port]} = ${show(slope)}`),
        make("td", { class: "g" }, way),
      );
    });
    return [
      make("h3", {}, node.operator ? "Chain rule: gradient × local derivative" : "Chain rule"),
      make("table", {}, make("tbody", {}, ...rows)),
    ];
  }

  wires(story, index) {
    const links = [...story.incoming[index], ...story.outgoing[index]].slice(0, 12).map((wire) => {
      const [source, target] = story.wires[wire];
      return make(
        "button",
        { type: "button", class: "link", onclick: () => this.choose({ wire }, true) },
        source === index ? "to " + story.label(target) : "from " + story.label(source),
      );
    });
    const spaced = links.flatMap((link, i) => (i ? [" · ", link] : [link]));
    return links.length ? [make("h3", {}, "Wires"), make("p", {}, ...spaced)] : [];
  }

  wire(story, time, wire) {
    const [source, target, port] = story.wires[wire];
    const gate = this.scene.nodes[target];
    const value = story.at(story.carried[wire], time) ?? story.at(story.values[source], time);
    const gradient = story.at(story.returned[wire], time);
    const under = story.records.filter(
      (r) => r.kind <= GRADIENT && r.where === wire && r.start <= time && time < r.end,
    );
    return [
      make("h2", {}, `wire ${story.label(source)} → ${gate.ports ? gate.name + "." + gate.ports[port] : gate.name}`),
      make(
        "p",
        {},
        "value ",
        make("span", { class: "v" }, value ? show(value.value) : "none yet"),
        ", gradient ",
        make("span", { class: "g" }, gradient ? show(gradient.value) : "none yet"),
      ),
      ...under.map((r) =>
        make(
          "p",
          { class: "about" },
          `${r.kind === VALUE ? "The value" : "The gradient"} ${show(r.value)} is on its way ` +
            `${r.kind === VALUE ? "forward" : "back"}, from tick ${ticks(r.start)} to ${ticks(r.end)}.`,
        ),
      ),
      ...this.history(story.carried[wire], story.returned[wire], time, "arrived"),
    ];
  }

  // The last messages up to a time, if there was more than one.
  history(values, gradients, time, word = "since") {
    const events = [
      ...values.map((event) => ({ ...event, what: "value", mark: "v" })),
      ...gradients.map((event) => ({ ...event, what: "gradient", mark: "g" })),
    ]
      .filter((event) => event.time <= time && event.time > -Infinity)
      .sort((a, b) => a.time - b.time);
    if (events.length < 2) return [];
    const rows = events
      .slice(-8)
      .reverse()
      .map((event) =>
        make(
          "tr",
          {},
          make("td", {}, `${word} tick ${ticks(event.time)}`),
          make("td", {}, "example " + event.tag),
          make("td", { class: event.mark }, event.what + " " + show(event.value)),
        ),
      );
    const left = events.length > 8 ? ` (the last 8 of ${events.length})` : "";
    return [make("h3", {}, "History" + left), make("table", {}, make("tbody", {}, ...rows))];
  }
}

function line(words, number, mark) {
  return make("p", {}, words, make("span", { class: mark }, number));
}
