// Why a gradient is what it is: the ways that lead back to it from the outputs, each a product of slopes.

const SHOWN = 3, SEARCHED = 2000;

class Why {
  constructor(scene, holder, ask) {
    Object.assign(this, {scene, holder, ask});
    this.told = "";
    this.ends = [...scene.nodes.keys()].filter((index) => ["input", "parameter"].includes(scene.nodes[index].kind));
  }

  show(story, time, node) {
    const felt = node === null ? null : story.at(story.felt[node], time);
    const told = felt ? [node, felt.tag, felt.value, ...story.slopes.values()].join() : "" + node;
    if (told === this.told) return;
    this.told = told;
    if (node === null) return this.holder.replaceChildren();
    const name = make("span", {class: "name"}, story.label(node));
    const tabs = this.ends.length > 1 && this.ends.length < 8 ? this.ends.map((end) => make("button", {
      type: "button", "aria-pressed": String(end === node), onclick: () => this.ask(end),
    }, story.label(end))) : [];
    const heading = make("h2", {}, "Why does ", name, " feel ",
      ...(felt ? [make("span", {class: "g"}, show(felt.value))] : ["a gradient"]), "?");
    const parts = [heading, ...(tabs.length ? [make("div", {class: "tabs", role: "group", "aria-label": "Of which input"}, ...tabs)] : [])];
    const focused = tabs.findIndex((tab, at) => document.activeElement?.textContent === tab.textContent
      && this.holder.contains(document.activeElement) && this.ends[at] === node);
    if (!felt) parts.push(make("p", {class: "small soft"}, "No gradient has arrived there yet."));
    else parts.push(...this.ways(story, felt.tag, node));
    this.holder.replaceChildren(...parts);
    if (focused >= 0) tabs[focused].focus();
  }

  ways(story, tag, node) {
    const {paths, more} = this.paths(story, tag, node);
    if (!paths) return [make("p", {class: "small soft"}, "A rule on the way does not multiply by a number alone.")];
    const count = paths.length + more;
    const said = count === 0 ? "It is pulled itself." : count === 1 ? "One way leads back, and slopes multiply."
      : `${more >= SEARCHED ? "Very many" : count} ways lead back; they add up.`;
    const shown = [...paths].sort((a, b) => size(b.product) - size(a.product)).slice(0, SHOWN);
    const rows = shown.map(({pull, factors, product}) => make("div", {class: "path"},
      this.factor(show(pull), "pull", "g"),
      ...factors.map(([slope, gate]) => this.factor("× " + bracket(show(slope)), story.label(gate))),
      make("span", {class: "factor"}, make("span", {}, "= ", make("span", {class: "g"}, show(product))), make("small", {}, "\u00a0"))));
    const rest = count - shown.length;
    return [make("p", {class: "small soft"}, said), ...rows,
      ...(rest > 0 ? [make("p", {class: "small soft"}, `and ${more >= SEARCHED ? "very many" : rest} more`)] : [])];
  }

  factor(number, below, look = "") {
    return make("span", {class: "factor"}, make("span", {class: look}, number), make("small", {}, below));
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
          if (paths.length < 200) paths.push({pull, factors, product});
          else more++;
          continue;
        }
        const slope = story.slopes.get(target + ":" + tag)?.[port];
        if (slope === null || slope === undefined) unknown = true;
        else go(target, [[slope, target], ...factors]);
      }
    };
    go(node, []);
    return {paths: unknown ? null : paths, more};
  }
}
