// A tour in five sentences, told of the circuit on the page with its own numbers; it leaves the page as it was.

class Tour {
  // button: what starts it; guide: where its steps are shown meanwhile, in place of the player's buttons
  constructor(player, button, guide) {
    Object.assign(this, {player, button, guide, at: -1});
    button.addEventListener("click", () => (this.at < 0 ? this.start() : this.end()));
    document.addEventListener("keydown", (event) => this.key(event), true);
  }

  start() {
    const {player} = this;
    player.pause();
    player.writeHash();
    this.kept = {address: player.written, answer: player.answer, step: player.step, time: player.time};
    this.stops = this.plan();
    this.guide.replaceChildren(
      ...this.stops.map((_, at) => make("button", {type: "button", "aria-label": `Sentence ${at + 1} of ${this.stops.length}`,
        onclick: () => this.go(at)}, String(at + 1))),
      make("button", {type: "button", class: "main", onclick: () => this.go(this.at + 1)}, "Next"),
      make("button", {type: "button", onclick: () => this.end()}, "End"));
    this.show(true);
    this.go(0);
    this.guide.querySelector(".main").focus();
  }

  show(on) {
    this.guide.hidden = !on;
    byId("buttons").hidden = on;
    this.button.setAttribute("aria-pressed", String(on));
  }

  go(at) {
    if (at >= this.stops.length) return this.end();
    this.at = Math.max(0, at);
    this.restore();
    [...this.guide.children].forEach((button, place) => {
      if (place < this.stops.length) mark(button, "aria-current", place === this.at ? "step" : "false");
    });
    this.guide.querySelector(".main").textContent = this.at === this.stops.length - 1 ? "Done" : "Next";
    this.stops[this.at]();
  }

  end() {
    this.at = -1;
    this.restore();
    this.player.answer = this.kept.answer;
    this.player.draw();
    this.show(false);
    this.button.focus();
  }

  restore() {
    const {player, kept} = this;
    player.gliding = null;
    player.goToHash(false, kept.address);
    player.set(kept.time, kept.step);
    player.writeHash();
  }

  key(event) {
    if (this.at < 0 || event.target.matches("select, input, textarea")) return;
    const act = {Escape: () => this.end(), ArrowRight: () => this.go(this.at + 1), ArrowLeft: () => this.go(this.at - 1)}[event.key];
    if (!act || event.target.closest("[role=slider]")) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  // Shows a moment, with something chosen, and says a sentence.
  tell(time, node, parts) {
    const {player} = this;
    player.set(time);
    player.chosen = node === null ? null : {node};
    player.answer = parts;
    player.draw();
  }

  // -- what this circuit has to tell ---------------------------------------------------------------------------

  plan() {
    return [...this.rules(), ...this.fans(), ...this.pulls(), ...this.steps()];
  }

  // The rule of a gate beside what matters most, and what it does to a gradient.
  rules() {
    const {story} = this.player, node = this.player.whom();
    const wires = node === null ? [] : story.outgoing[node];
    const wire = wires.find((one) => story.returned[one].length && story.nodes[story.wires[one][1]].operator);
    if (wire === undefined) return [];
    const [, gate, port] = story.wires[wire], fired = story.values[gate].at(-1), felt = story.felt[gate].at(-1);
    const share = story.returned[wire].at(-1), slope = story.slopes.get(gate + ":" + share.tag)?.[port];
    const name = [story.label(gate), "name"];
    const given = story.inputs(gate, fired?.tag, fired?.time).map((value, at) => {
      const source = story.wires[story.incoming[gate][at]][0];
      return story.nodes[source].kind === "constant" ? show(value) : `${story.label(source)} = ${show(value)}`;
    });
    const stops = [() => this.tell(fired.time, gate, [
      name, " knows only its own rule: of ", listed(given), " it makes ", [show(fired.value), "v"],
      ", and of the other gates it knows nothing.",
    ])];
    if (typeof slope === "number") {
      stops.push(() => this.tell(share.time, gate, [
        name, " feels ", [show(felt.value), "g"], ", multiplies it by its slope ", show(slope), ", and passes ",
        [show(share.value), "g"], " back to ", [story.label(node), "name"], ": along a way, slopes multiply.",
      ]));
    }
    return stops;
  }

  fans() {
    const {story} = this.player;
    const node = story.nodes.findIndex((_, at) => story.felt[at].length && story.parts(at, story.felt[at].at(-1).tag).length > 1);
    if (node < 0) return [];
    const felt = story.felt[node].at(-1), count = story.parts(node, felt.tag).length;
    const words = ["two", "three", "four", "five", "six"][count - 2] ?? String(count);
    return [() => this.tell(felt.time, node, [
      [story.label(node), "name"], ` goes ${words} ways, so ${words} gradients come back, and they add up: `,
      story.feels(node, felt.tag), ".",
    ])];
  }

  pulls() {
    const {player} = this, {live, story} = player, output = live?.outputs[0];
    const pull = output === undefined || !live.pulled ? 0 : live.pullAt(output);
    if (!pull) return [];
    return [() => {
      player.change(() => live.pull(output, -pull));
      this.tell(story.span[1], null, [
        "Pull ", [story.label(output), "name"], " with ", [show(-pull), "g"], " instead of ", [show(pull), "g"],
        ", and what it sends back changes its sign.",
      ]);
    }];
  }

  steps() {
    const {player} = this, {live, story} = player, output = live?.outputs[0];
    if (output === undefined || !live.pulled || !live.pullAt(output)) return [];
    return [() => {
      const before = live.value(output);
      player.set(story.span[1]);
      player.glide(live.respond(0.1), () => this.tell(story.span[1], null, [
        "To learn is to go that way: each number moves 0.1 × its gradient, and ", [story.label(output), "name"], " goes from ",
        [show(before), "v"], " to ", [show(live.value(output)), "v"], ".",
      ]));
    }];
  }
}
