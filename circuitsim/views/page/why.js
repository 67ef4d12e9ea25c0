// Why a gradient is what it is: the ways that lead back to it from the outputs, each a product of slopes.

const SHOWN = 3, KEPT = 200, SEARCHED = 2000, MOST_FACTORS = 6;

class Why {
  constructor(scene, holder, ask) {
    Object.assign(this, {scene, holder, ask});
    this.told = "";
    this.ends = [...scene.nodes.keys()].filter((index) => ["input", "parameter"].includes(scene.nodes[index].kind));
  }

  show(story, time, node) {
    const felt = node === null ? null : story.at(story.felt[node], time);
    const told = [node, felt?.tag, felt?.value, story.version].join();
    if (told === this.told && story === this.story) return;
    Object.assign(this, {told, story});
    if (node === null) return this.holder.replaceChildren();
    const heading = make("h2", {}, "Why does ", make("span", {class: "name"}, short(story.label(node), 16)), " feel ",
      ...(felt ? [make("span", {class: "g"}, show(felt.value)), "?"] : ["a gradient?"]));
    const focused = this.holder.contains(document.activeElement);
    const choice = this.choice(story, node);
    this.holder.replaceChildren(make("div", {class: "head"}, heading, ...choice),
      ...(felt ? this.ways(story, felt.tag, node) : [make("p", {class: "small soft"}, "No gradient has arrived there yet.")]));
    if (focused) this.holder.querySelector("[aria-pressed=true], select")?.focus();
    mark(this.holder, "tabindex", this.holder.scrollHeight > this.holder.clientHeight + 1 ? "0" : "-1");
  }

  // Of which input or parameter: a button each where they are few and short, else a list.
  choice(story, node) {
    if (this.ends.length < 2) return [];
    const letters = this.ends.reduce((sum, end) => sum + story.label(end).length, 0);
    if (this.ends.length < 7 && letters < 12) {
      return [make("div", {class: "tabs", role: "group", "aria-label": "Of which input"}, ...this.ends.map((end) => make("button", {
        type: "button", "aria-pressed": String(end === node), onclick: () => this.ask(end),
      }, story.label(end))))];
    }
    const options = this.ends.map((end) => make("option", {value: end, selected: end === node}, story.label(end)));
    const other = this.ends.includes(node) ? [] : [make("option", {value: node, selected: true}, story.label(node))];
    return [make("select", {"aria-label": "Of which input", onchange: (event) => this.ask(Number(event.target.value))}, ...other, ...options)];
  }

  ways(story, tag, node) {
    const {paths, more} = this.paths(story, tag, node);
    if (!paths) return [make("p", {class: "small soft"}, "A rule on the way does not multiply by a number alone.")];
    const count = paths.length + more, very = more >= SEARCHED - KEPT;
    const said = count === 0 ? "It is pulled itself." : count === 1 ? "One way leads back, and slopes multiply."
      : `${very ? "Very many" : count} ways lead back; they add up.`;
    const shown = [...paths].sort((a, b) => size(b.product) - size(a.product)).slice(0, SHOWN);
    const plain = (factors) => factors.length > MOST_FACTORS ? factors.filter(([slope]) => show(slope) !== "1") : factors;
    const left = shown.some(({factors}) => plain(factors).length < factors.length) ? " Slopes of 1 are left out." : "";
    const rows = shown.map(({pull, factors, product}) => make("div", {class: "path"},
      this.factor(show(pull), "pull", "g"),
      ...plain(factors).map(([slope, gate]) => this.factor("× " + bracket(show(slope)), story.label(gate))),
      make("span", {class: "factor"}, make("span", {}, "= ", make("span", {class: "g"}, show(product))), make("small", {}, "\u00a0"))));
    const rest = count - shown.length;
    return [make("p", {class: "small soft"}, said + left), ...rows,
      ...(rest > 0 ? [make("p", {class: "small soft"}, `and ${very ? "very many" : rest} more`)] : [])];
  }

  factor(number, below, look = "") {
    return make("span", {class: "factor"}, make("span", {class: look}, number), make("small", {}, below));
  }

  // What a group of gates multiplies by, if it passes one number on for one that it feels.
  ratio(story, tag, group, wire) {
    if (story.nodes[group].operator) return null;
    const felt = story.ofTag(story.felt[group], tag)?.value, share = story.ofTag(story.returned[wire], tag)?.value;
    return typeof felt !== "number" || typeof share !== "number" ? null : felt ? share / felt : 0;
  }

  // Every way from an output back to a node; `paths` is null where a slope is unknown.
  paths(story, tag, node) {
    const paths = [];
    let more = 0, unknown = false;
    const go = (at, factors) => {
      if (paths.length + more >= SEARCHED) return;
      for (const wire of story.outgoing[at]) {
        if (!story.ofTag(story.returned[wire], tag)) continue;
        const [, target, port] = story.wires[wire];
        if (story.isOutput(target)) {
          const pull = story.ofTag(story.felt[target], tag)?.value ?? 0;
          const product = factors.reduce((total, [slope]) => total * slope, pull);
          if (paths.length < KEPT) paths.push({pull, factors, product});
          else more++;
          continue;
        }
        const slope = story.slopes.get(target + ":" + tag)?.[port] ?? this.ratio(story, tag, target, wire);
        if (slope === null || slope === undefined) unknown = true;
        else go(target, [[slope, target], ...factors]);
      }
    };
    go(node, []);
    return {paths: unknown ? null : paths, more};
  }
}
