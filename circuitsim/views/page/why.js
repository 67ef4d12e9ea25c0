// Why a gradient is what it is: the ways that lead back to it from the outputs, each a product of slopes.

const SHOWN = 3, SEARCHED = 2000, MOST_FACTORS = 6;

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
    const focused = this.holder.contains(document.activeElement) && document.activeElement !== this.holder;
    const choice = this.choice(story, node);
    this.holder.replaceChildren(make("div", {class: "head"}, heading, ...choice),
      ...(felt ? this.ways(story, felt.tag, node) : [make("p", {class: "small soft"}, "No gradient has arrived there yet.")]));
    if (focused) this.holder.querySelector("[aria-pressed=true], select")?.focus();
    mark(this.holder, "tabindex", this.holder.childElementCount > 3 ? "0" : "-1"); // it may have to be scrolled
  }

  // Of which input or parameter: a button each where they are few and short, else a list; made anew only for another one.
  choice(story, node) {
    if (this.ends.length < 2) return [];
    if (this.of === node) return this.chooser;
    this.of = node;
    const letters = this.ends.reduce((sum, end) => sum + story.label(end).length, 0);
    if (this.ends.length < 7 && letters < 12) {
      this.chooser = [make("div", {class: "tabs", role: "group", "aria-label": "Of which input"}, ...this.ends.map((end) => make("button", {
        type: "button", "aria-pressed": String(end === node), onclick: () => this.ask(end),
      }, story.label(end))))];
    } else {
      const all = this.ends.includes(node) ? this.ends : [node, ...this.ends];
      const options = all.map((end) => make("option", {value: end, selected: end === node}, story.label(end)));
      this.chooser = [make("select", {"aria-label": "Of which input", onchange: (event) => this.ask(Number(event.target.value))}, ...options)];
    }
    return this.chooser;
  }

  ways(story, tag, node) {
    const {paths, count} = this.paths(story, tag, node);
    if (!paths) return [make("p", {class: "small soft"}, "A rule on the way does not multiply by a number alone.")];
    const said = count === 0 ? "It is pulled itself." : count === 1 && paths[0]?.factors.length === 0 ? "It feels the pull itself."
      : count === 1 ? "One way leads back, and slopes multiply."
      : `${count.toLocaleString("en")} ways lead back; they add up.`;
    if (count && !paths.length) return [make("p", {class: "small soft"}, "Nothing comes back: each way has a factor of 0.")];
    const plain = (factors) => factors.length > MOST_FACTORS ? factors.filter(([slope]) => show(slope) !== "1") : factors;
    const left = paths.some(({factors}) => plain(factors).length < factors.length) ? " Slopes of 1 are left out." : "";
    const rows = paths.map(({pull, factors, product}) => make("div", {class: "path"},
      this.factor(show(pull), "pull", "g"),
      ...plain(factors).map(([slope, gate]) => this.factor("× " + bracket(show(slope)), story.label(gate))),
      make("span", {class: "factor"}, make("span", {}, "= ", make("span", {class: "g"}, show(product))), make("small", {}, "\u00a0"))));
    const rest = count - paths.length;
    return [make("p", {class: "small soft"}, said + left), ...rows,
      ...(rest > 0 ? [make("p", {class: "small soft"}, `and ${rest.toLocaleString("en")} more`)] : [])];
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

  // The ways from outputs back to a node: how many there are, and the few whose products are largest. `paths` is null
  // where a slope is unknown.
  paths(story, tag, node) {
    const known = new Map();
    let unknown = false;
    // The steps from a node towards the outputs, how many ways lead on, and the size of the largest product.
    const look = (at) => {
      if (known.has(at)) return known.get(at);
      const found = {steps: [], count: 0, most: 0};
      known.set(at, found);
      for (const wire of story.outgoing[at]) {
        if (!story.ofTag(story.returned[wire], tag)) continue;
        const [, target, port] = story.wires[wire], end = story.isOutput(target);
        const slope = end ? story.ofTag(story.felt[target], tag)?.value ?? 0
          : story.slopes.get(target + ":" + tag)?.[port] ?? this.ratio(story, tag, target, wire);
        if (typeof slope !== "number") {
          unknown = true;
          continue;
        }
        const rest = end ? {count: 1, most: 1} : look(target);
        found.steps.push({target, slope, end});
        found.count += rest.count;
        found.most = Math.max(found.most, Math.abs(slope) * rest.most);
      }
      return found;
    };
    const {count, most} = look(node);
    if (unknown || !most) return {paths: unknown ? null : [], count};
    // The largest first: what leads on is known, so hardly a step is made in vain.
    const paths = [], begun = [{at: node, factors: [], reach: 1, most: 1}];
    for (let step = 0; begun.length && paths.length < SHOWN && step < SEARCHED; step++) {
      const next = begun.reduce((best, one, place) => one.most >= begun[best].most ? place : best, 0);
      const [{at, factors, reach, pull}] = begun.splice(next, 1);
      if (pull !== undefined) {
        paths.push({pull, factors, product: factors.reduce((total, [slope]) => total * slope, pull)});
        continue;
      }
      for (const {target, slope, end} of look(at).steps) {
        const longer = reach * Math.abs(slope);
        begun.push(end ? {pull: slope, factors, most: longer}
          : {at: target, factors: [[slope, target], ...factors], reach: longer, most: longer * look(target).most});
      }
    }
    return {paths, count};
  }
}
