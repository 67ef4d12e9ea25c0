// The player: a clock over simulated time, and the controls that set it. Time and numbers alone decide what is seen.

class Player {
  // hooks, each optional, are what a page adds: drawn() after each drawing, told(step) words before a step's sentence,
  // write(found) and read(found) for more in the address, atEnd whether a page without an address opens at the end.
  constructor(hooks = {}) {
    this.hooks = hooks;
    this.flight = makeSvg("svg", {class: "flight", "aria-hidden": "true"});
    byId("stage").after(this.flight);
    this.camera = new Camera([byId("stage"), this.flight], byId("overview"));
    this.camera.moved = () => this.rule?.place(this.chosen, this.camera, this.stage);
    this.playing = false;
    this.listen();
  }

  // Shows a circuit. scene: as `views/scene.py` makes it; part(number): one of its windows; program: as Engine takes it,
  // if numbers can be changed here; group(number): what is in a group that opens, as {scene, part}.
  load(scene, part, program = null, group = null) {
    this.pause();
    this.live = program ? new Live(scene, program, part(0)) : null;
    Object.assign(this, {outer: {scene, part}, group, answer: null, inside: null});
    byId("notes").replaceChildren(...scene.notes.map((note) => make("p", {}, note)));
    for (const id of ["reset", "respond"]) byId(id).hidden = !this.live;
    this.look(scene, part);
  }

  // Shows a scene of the circuit: all of it, or what is in one group.
  look(scene, part) {
    Object.assign(this, {
      scene, readPart: part, part: -1, stories: new Map(), time: this.inside ? this.time : 0,
      step: -1, // the step that is told; -1 before the first
      chosen: null, asked: null, listed: false,
    });
    this.live?.look(scene);
    this.rule = new Rule(scene, byId("rule"), () => this.choose(null));
    this.why = new Why(scene, byId("why"), (node) => {
      this.asked = node;
      this.draw();
    });
    byId("title").replaceChildren(...scene.heading.map(([text, look]) => look ? make("span", {class: look}, text) : text));
    byId("about").textContent = scene.about;
    byId("leave").hidden = this.inside === null;
    this.stage = null;
    this.build();
    this.open(0);
  }

  // Draws the circuit from left to right, or, where that is far larger, from top to bottom.
  build() {
    const {scene} = this, room = this.camera.room();
    const scale = ([width, height]) => Math.min(1, room.width / width, room.height / height);
    const tall = Boolean(scene.tall) && room.width < 700 && scale(scene.tall.size) > 1.15 * scale(scene.size);
    if (this.stage?.tall === tall && this.stage.scene === scene) return;
    this.stage = new Stage(scene, byId("stage"), this.flight, {
      choose: (what) => this.choose(what),
      movable: (node) => this.live.movable.includes(node) || this.live.outputs.includes(node),
      value: (node) => this.live.value(node),
      pulled: (output) => this.live.pullAt(output),
      set: (node, value) => this.change(() => this.live.set(node, value), node),
      pull: (output, value) => this.change(() => this.live.pull(output, value)),
      type: (node, begin) => this.type(node, begin),
      settled: () => this.writeHash(),
    }, Boolean(this.live), tall);
    this.camera.view(this.stage.size, this.stage.places);
  }

  // Shows what is in a group; without one, all of the circuit again.
  enter(number = null) {
    const from = this.inside;
    this.inside = number;
    const inner = number === null ? null : this.group(number);
    const time = this.time, playing = this.playing;
    if (inner) this.look(inner.scene, () => inner.part);
    else this.look(this.outer.scene, this.outer.part);
    this.set(time);
    if (playing) this.play();
    if (!this.ready) return;
    this.writeHash();
    const group = this.scene.nodes.findIndex(({opens}) => opens !== undefined && opens === from);
    if (inner) byId("leave").focus({preventScroll: true});
    else if (group >= 0) this.stage.drawnNodes[group].group.focus({preventScroll: true});
  }

  // Shows what the address says, or, without one, the beginning or the end.
  start() {
    this.goToHash(true);
    if (this.time >= this.story.span[1]) this.seeOutputs();
    this.ready = true;
  }

  // Brings what came out into sight.
  seeOutputs() {
    if (this.camera.fitted) return;
    this.camera.follow(mean(this.stage.places.filter((_, node) => this.scene.nodes[node].kind === "output")));
  }

  // -- windows, and what they tell -----------------------------------------------------------------------------

  open(part) {
    part = Math.max(0, Math.min(this.scene.windows - 1, part));
    if (part === this.part) return;
    if (!this.stories.has(part)) {
      this.stories.set(part, new Story(this.scene, this.readPart(part)));
    }
    if (this.live) this.stories.get(part).rewrite(this.live);
    for (const other of this.stories.keys()) if (Math.abs(other - part) > 1) this.stories.delete(other);
    this.part = part;
    this.story = this.stories.get(part);
    const [start, end] = this.story.span;
    const range = byId("time");
    range.min = start;
    range.max = end > start ? end : start + 1;
    this.msPerTick = 700 / this.typical();
    this.chosen = this.chosen && !this.chosen.why ? this.chosen : null;
    byId("windows").hidden = this.scene.windows === 1;
    byId("window").textContent =
      `Window ${part + 1} of ${this.scene.windows}, ticks ${ticks(start)} to ${ticks(end)}`;
    byId("earlier").disabled = part === 0;
    byId("later").disabled = part === this.scene.windows - 1;
    this.drawBand();
    this.listed = false;
    if (byId("list").open) this.listSteps();
  }

  // How long a message or firing lasts, in the middle; it should take a good half second to watch.
  typical() {
    const lasting = this.story.records.map((r) => r.end - r.start).filter((d) => d > 0).sort((a, b) => a - b);
    return lasting[lasting.length >> 1] || 1;
  }

  // Where values and where gradients are under way, pale ahead and full behind.
  drawBand() {
    const [start, end] = this.story.span;
    const place = (time) => (100 * (Math.min(end, Math.max(start, time)) - start)) / (end - start || 1);
    const stretches = [];
    for (const record of this.story.records) {
      const kind = record.kind === VALUE || record.kind === FORWARD ? "value" : "gradient";
      const from = place(record.start), till = place(record.end), last = stretches.at(-1);
      const near = last && last.kind === kind && from <= last.till + 0.15; // what is nearer than two pixels is one
      if (near) last.till = Math.max(last.till, till);
      else stretches.push({kind, from, till});
    }
    const bars = () => stretches.map(({kind, from, till}) => {
      const bar = make("i", {class: kind});
      bar.style.left = from + "%";
      bar.style.width = till - from + "%";
      return bar;
    });
    this.done = make("i", {class: "done"});
    this.done.append(...bars());
    byId("band").replaceChildren(...bars(), this.done);
  }

  listSteps() {
    if (this.listed) return;
    this.listed = true;
    const most = 400;
    const items = this.story.steps.slice(0, most).map((step, number) => make("li", {}, make("button", {
      type: "button", class: "link", "data-step": number, onclick: () => {
        this.pause();
        this.goTo(number);
      },
    }, this.told(step))));
    const rest = this.story.steps.length - most;
    if (rest > 0) items.push(make("li", {}, `and ${rest} more steps in this window`));
    byId("steps").replaceChildren(...items);
  }

  told(step) {
    return this.whose(step) + this.story.sentence(step);
  }

  // What comes before a step's sentence, where there are several examples.
  whose(step) {
    return this.hooks.told?.(step) ?? (this.severalTags() ? this.example(step.tag) + ": " : "");
  }

  // What an example is called: as its tokens are numbered, and in which batch if there are several.
  example(tag) {
    const {batch, batches} = this.scene;
    if (!batches) return "Example " + tag;
    return `Microbatch ${tag % batch}` + (batches > 1 ? ` of batch ${Math.floor(tag / batch)}` : "");
  }

  severalTags() {
    return (this.story.many ??= new Set(this.story.records.map((r) => r.tag)).size > 1 || this.scene.windows > 1);
  }

  // -- numbers that are changed --------------------------------------------------------------------------------

  // Makes a change to the numbers, and shows what follows from it; `node` is what was changed, `answer` what is said.
  change(act, node = null, answer = null) {
    this.gliding = null;
    act();
    if (node !== null && this.why.ends.includes(node)) this.asked = node;
    this.story.rewrite(this.live);
    this.answer = answer;
    this.listed = false;
    if (byId("list").open) this.listSteps();
    this.draw();
  }

  // Lets a number be typed: the value of a node, or the pull at an output.
  type(node, begin = "") {
    const {name, kind} = this.scene.nodes[node], output = kind === "output";
    const what = output ? `pull at ${name}` : `value of ${name}`;
    const now = output ? this.live.pullAt(node) : this.live.value(node);
    const field = make("input", {type: "text", id: "typed", inputmode: "decimal", "aria-label": what});
    field.value = begin || String(now);
    const [x, y] = this.camera.place(...this.stage.places[node]), room = this.camera.room();
    field.style.left = Math.max(0, Math.min(room.width - 104, x - 52)) + "px";
    field.style.top = Math.max(0, y - 20) + "px";
    byId("board").append(field);
    field.focus();
    if (!begin) field.select();
    let over = false;
    const take = (use) => {
      if (over) return;
      over = true;
      const value = Number(field.value.replace("−", "-").replace(",", "."));
      field.remove();
      if (use && field.value.trim() !== "" && Number.isFinite(value)) {
        this.change(() => (output ? this.live.pull(node, value) : this.live.set(node, value)), node);
        this.writeHash();
      } else if (use) toast(`${short(field.value) || "nothing"} is no number: the ${short(what)} stays ${show(now)}`);
      const drawn = this.stage.drawnNodes[node];
      (output ? drawn.pull : drawn.group).focus();
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") take(true);
      if (event.key === "Escape") take(false);
    });
    field.addEventListener("blur", () => take(true));
  }

  // Everything moves a step along its gradient, before the eyes; then it is told.
  respond() {
    const {live} = this, before = live.outputs.map((node) => live.value(node));
    const go = live.respond(0.1);
    this.pause();
    this.time = this.story.span[1];
    this.step = this.story.steps.length - 1;
    this.glide(go, () => {
      const parts = live.outputs.flatMap((node, at) => [
        at ? ", " : "", [this.story.label(node), "name"], " went from ", [show(before[at]), "v"], " to ",
        [show(live.value(node)), "v"],
      ]);
      this.answer = ["Each number moved 0.1 × its gradient", ...(parts.length ? [": ", ...parts] : []), "."];
      this.draw();
      this.writeHash();
    });
  }

  // Calls go(way) while the way goes from 0 to 1, within 240 ms, unless something else is changed meanwhile.
  glide(go, done) {
    const start = performance.now();
    const frame = (now) => {
      const way = still.matches ? 1 : Math.min(1, Math.max(0, now - start) / 240);
      if (this.gliding !== frame) return;
      this.change(() => go(way < 1 ? 1 - (1 - way) ** 3 : 1), null, ["Each number moves 0.1 × its gradient."]);
      if (way === 1) return done();
      this.gliding = frame;
      requestAnimationFrame(frame);
    };
    this.gliding = frame;
    frame(start);
  }

  // What matters most, once all has been told.
  summary() {
    const {story, scene} = this;
    if (scene.batch || this.severalTags()) return null;
    const ends = [...scene.nodes.keys()].filter((index) => ["input", "parameter"].includes(scene.nodes[index].kind));
    const felt = ends.map((node) => [node, story.at(story.felt[node], Infinity)?.value]);
    if (!felt.length || felt.some(([, value]) => value !== undefined && typeof value !== "number")) return null;
    const outputs = [...scene.nodes.keys()].filter((index) => scene.nodes[index].kind === "output");
    const pulled = outputs.filter((node) => story.at(story.felt[node], Infinity));
    if (pulled.length !== 1) return null;
    const name = [story.label(pulled[0]), "name"], pull = story.at(story.felt[pulled[0]], Infinity).value;
    if (pull === 0) return ["Nobody pulls on ", name, ", so nothing flows back."];
    const [node, gradient] = felt.reduce((one, other) => size(other[1]) > size(one[1]) ? other : one);
    if (!size(gradient)) return ["Nothing can move ", name, " just now: every gradient is 0."];
    const slope = gradient / pull;
    return [
      [story.label(node), "name"], ends.length > 1 ? " matters most. " : " can move it. ", slope > 0 ? "Raise it by 0.01, and " : "Lower it by 0.01, and ",
      name, " rises by about ", [show(Math.abs(slope) / 100, 3), "v"], ".",
    ];
  }

  // -- the clock -----------------------------------------------------------------------------------------------

  // Sets the time; the step told is the last one begun, unless one is given.
  set(time, step = null) {
    const [start, end] = this.story.span;
    this.time = Math.min(end, Math.max(start, time));
    if (step === null) {
      step = -1;
      while (step + 1 < this.story.steps.length && this.story.steps[step + 1].from <= this.time) step++;
    }
    this.step = step;
    this.draw();
  }

  goTo(step) {
    this.answer = null;
    if (step < 0 && this.part > 0) {
      this.open(this.part - 1);
      step = this.story.steps.length - 1;
    } else if (step >= this.story.steps.length && this.part < this.scene.windows - 1) {
      this.open(this.part + 1);
      step = 0;
    }
    const steps = this.story.steps;
    if (step < 0 || !steps.length) this.set(this.story.span[0], -1);
    else if (step >= steps.length) this.set(this.story.span[1], steps.length);
    else this.set(steps[step].at, step);
    this.camera.following = true;
    this.camera.follow(this.stage.centre);
    this.writeHash();
  }

  // Goes to a time in whichever window holds it.
  seek(time) {
    this.pause();
    this.open(this.scene.spans.findLastIndex(([start]) => start <= time));
    this.set(time);
    this.writeHash();
  }

  play() {
    const atEnd = this.time >= this.story.span[1];
    if (atEnd && this.part === this.scene.windows - 1) {
      this.open(0);
      this.set(this.story.span[0]);
    }
    this.answer = null;
    this.playing = true;
    this.camera.following = true;
    this.hold = 0;
    this.before = performance.now();
    this.buttons();
    requestAnimationFrame((now) => this.tick(now));
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.buttons();
    this.draw();
    this.writeHash();
  }

  tick(now) {
    if (!this.playing) return;
    const passed = Math.min(100, now - this.before) * Number(byId("speed").value);
    this.before = now;
    if (this.hold > 0) this.hold -= passed;
    else if (still.matches) this.leap();
    else this.advance(passed / this.msPerTick);
    this.camera.follow(this.stage.centre, 0.12);
    if (this.playing) requestAnimationFrame((later) => this.tick(later));
  }

  // Where motion is reduced, play goes from step to step and holds still at each.
  leap() {
    this.hold = 850;
    const last = this.step >= this.story.steps.length - 1;
    if (last && this.part === this.scene.windows - 1) {
      this.set(this.story.span[1]);
      return this.pause();
    }
    if (last) this.open(this.part + 1);
    const next = last ? 0 : this.step + 1;
    this.set(this.story.steps[next]?.at ?? this.story.span[0], this.story.steps.length ? next : -1);
  }

  advance(by) {
    const {span, steps} = this.story;
    let time = this.time + by;
    // Look at the outputs for a moment before they are pulled, if nothing else goes on meanwhile.
    const turn = steps.find((step) => step.kind === "pull" && step.from > this.time && step.from <= time);
    if (turn && span[1] > span[0] && !this.scene.batch) {
      time = turn.from;
      this.hold = 900;
    }
    this.set(time);
    if (time < span[1]) return;
    if (this.part < this.scene.windows - 1) {
      this.open(this.part + 1);
      this.set(this.story.span[0]);
    } else {
      this.pause();
    }
  }

  // -- what is seen --------------------------------------------------------------------------------------------

  draw() {
    const {story, time} = this, [start, end] = story.span;
    const step = story.steps[Math.min(this.step, story.steps.length - 1)];
    const over = time >= end && this.step >= story.steps.length - 1 && this.part === this.scene.windows - 1;
    const begun = this.step >= 0 || this.part > 0 || time > start;
    this.stage.show(story, time, new Set(step && !over ? step.nodes : []), begun);
    this.rule.show(story, time, this.chosen);
    const of = this.chosen?.why ? this.chosen.node : null;
    const fresh = of === null ? null : story.at(story.felt[of], time);
    this.stage.highlight(this.chosen, fresh ? story.makers(of, fresh.tag) : null);
    this.rule.place(this.chosen, this.camera, this.stage);
    this.why.show(story, time, this.whom());
    this.say(step, over);
    const range = byId("time");
    range.value = time;
    this.done.style.clipPath = `inset(0 ${100 - (100 * (time - start)) / (end - start || 1)}% 0 0)`;
    const place = `tick ${ticks(time)} of ${ticks(end)}`;
    byId("clock").textContent = place;
    byId("clock").dataset.step = `${Math.min(this.step, story.steps.length - 1) + 1} of ${story.steps.length}`;
    mark(range, "aria-valuetext", `${place}${step ? ": " + this.told(step) : ""}`);
    this.hooks.drawn?.();
  }

  // Of which node the gradient is asked for: the one that was chosen last, or the one that matters most.
  whom() {
    const {story, scene, chosen} = this;
    if (this.asked !== null) return this.asked;
    if (["gate", "input", "parameter"].includes(scene.nodes[chosen?.node]?.kind)) return chosen.node;
    const ends = [...scene.nodes.keys()].filter((index) => ["input", "parameter"].includes(scene.nodes[index].kind));
    if (!ends.length) return null;
    const felt = (node) => size(story.at(story.felt[node], Infinity)?.value);
    return ends.reduce((one, other) => felt(other) > felt(one) ? other : one);
  }

  say(step, over) {
    const sentence = byId("sentence");
    const rich = this.answer ?? (over ? this.summary() : null);
    const told = rich ? JSON.stringify(rich) : step ? this.told(step) : "Press play, or step forward.";
    const alike = step && !rich
      ? this.story.steps.filter((other) => other !== step && other.from === step.from && other.kind === step.kind) : [];
    const more = alike.length
      ? " At the same time: " + listed(alike.map((other) => this.story.actor(other.nodes[0])), 5) + "." : "";
    if (sentence.dataset.told !== told + more) {
      sentence.dataset.told = told + more;
      const parts = rich ?? (step ? [this.whose(step), ...this.story.telling(step)] : [told]);
      sentence.replaceChildren(...parts.map((part) => typeof part === "string" ? part : make("span", {class: part[1]}, part[0])), ...(more ? [make("span", {class: "more"}, more)] : []));
    }
    if (!byId("list").open) return;
    for (const button of byId("steps").querySelectorAll("[aria-current]")) button.removeAttribute("aria-current");
    byId("steps").querySelector(`[data-step="${this.step}"]`)?.setAttribute("aria-current", "step");
  }

  buttons() {
    const play = byId("play");
    play.classList.toggle("playing", this.playing);
    play.setAttribute("aria-label", this.playing ? "Pause" : "Play");
    // A screen reader should not be talked over sixty times a second.
    byId("sentence").setAttribute("aria-live", this.playing ? "off" : "polite");
  }

  choose(what) {
    const {opens} = this.scene.nodes[what?.node] ?? {};
    if (opens !== undefined && !what.why) return this.enter(opens);
    const same = what && this.chosen && this.chosen.node === what.node && this.chosen.wire === what.wire
      && Boolean(this.chosen.why) === Boolean(what.why);
    this.chosen = !what || same ? null : what;
    if (this.chosen) this.asked = null;
    this.draw();
    if (this.ready) this.writeHash();
  }

  // -- what people do ------------------------------------------------------------------------------------------

  listen() {
    byId("board").addEventListener("focusin", (event) => {
      const {node, wire} = event.target.closest("[data-node], [data-wire]")?.dataset ?? {};
      if (node !== undefined) this.camera.reveal(this.stage.places[node]);
      if (wire !== undefined) this.camera.reveal([...pointAt(this.stage.paths[wire], 0.5, 0), 0, 0]);
    });
    const on = (id, action) => byId(id).addEventListener("click", action);
    on("play", () => (this.playing ? this.pause() : this.play()));
    on("back", () => this.stepBy(-1));
    on("forward", () => this.stepBy(1));
    on("earlier", () => this.jump(this.part - 1));
    on("later", () => this.jump(this.part + 1));
    on("smaller", () => this.camera.zoom(1 / 1.25));
    on("larger", () => this.camera.zoom(1.25));
    on("fit", () => this.camera.fit());
    on("respond", () => this.respond());
    on("leave", () => this.enter());
    on("reset", () => {
      this.change(() => this.live.reset());
      this.writeHash();
      toast("As it was at first");
    });
    on("share", () => {
      this.writeHash();
      navigator.clipboard?.writeText(location.href).catch(() => {});
      toast("Link copied: it holds your numbers");
    });
    document.querySelector(".skip").addEventListener("click", (event) => { // the address keeps the place
      event.preventDefault();
      byId("play").focus();
    });
    byId("list").addEventListener("toggle", () => byId("list").open && this.listSteps());
    byId("time").addEventListener("input", (event) => {
      this.pause();
      this.answer = null;
      this.set(Number(event.target.value));
      this.camera.following = true;
      this.camera.follow(this.stage.centre);
    });
    byId("time").addEventListener("change", () => this.writeHash());
    new ResizeObserver(() => {
      if (!this.story) return;
      this.build();
      if (this.camera.fitted) this.camera.fit();
      else this.camera.show();
      this.draw();
    }).observe(byId("board"));
    window.addEventListener("hashchange", () => {
      if (location.hash !== this.written) this.goToHash();
    });
    document.addEventListener("keydown", (event) => this.key(event));
    followTheme(() => this.stage && this.draw());
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.story
      || event.target.matches("select, textarea, input:not(#time)")) return;
    const pressed = event.target.matches("button, summary, [role=button]");
    const actions = {
      " ": () => (this.playing ? this.pause() : this.play()),
      ArrowLeft: () => this.stepBy(-1),
      ArrowRight: () => this.stepBy(1),
      "+": () => this.camera.zoom(1.25),
      "-": () => this.camera.zoom(1 / 1.25),
      0: () => this.camera.fit(),
      Home: () => this.jump(0),
      End: () => this.jump(this.scene.windows - 1, true),
      Escape: () => (this.chosen || this.inside === null ? this.choose(null) : this.enter()),
    };
    if (!(event.key in actions) || (event.key === " " && pressed) || event.defaultPrevented) return;
    event.preventDefault();
    actions[event.key]();
  }

  stepBy(count) {
    this.pause();
    // Halfway through a step, going back leads to its own beginning; from the end it leads to the last step.
    const step = this.story.steps[this.step];
    const within = count < 0 && step && this.time > step.at;
    this.goTo(this.step + (within ? 0 : count));
  }

  jump(part, toEnd = false) {
    this.pause();
    this.answer = null;
    this.open(part);
    this.camera.following = true;
    if (toEnd) this.set(this.story.span[1]);
    else this.set(this.story.span[0], -1);
    this.camera.follow(this.stage.centre);
    this.writeHash();
  }

  // "#step=7", or "#tick=3.25" between steps, "#end"; "&window=2" if there are several; "v.x=2" and "p.f=-1" are a value
  // that was set and a pull.
  goToHash(first = false, address = location.hash) {
    const found = new URLSearchParams(address.slice(1));
    const number = (name) => (/^\d+(\.\d+)?$/.test(found.get(name) ?? "") ? Number(found.get(name)) : null);
    this.pause();
    this.hooks.read?.(found);
    this.live?.read(found);
    const inside = number("in");
    if (this.group && inside !== this.inside && (inside === null || this.group(inside))) this.enter(inside);
    this.stories.clear();
    this.part = -1;
    this.open(Math.round(number("window") ?? 1) - 1);
    const gate = this.scene.nodes.findIndex((node) => node.kind === "gate" && node.name === found.get("gate"));
    this.chosen = gate >= 0 ? {node: gate} : null;
    const why = this.why.ends.find((node) => this.scene.nodes[node].name === found.get("why"));
    this.asked = why ?? null;
    const step = number("step"), time = number("tick");
    if (step === null && time === null) {
      const rest = first && (this.hooks.atEnd ?? true) && this.scene.windows === 1;
      this.set(rest ? this.story.span[1] : this.story.span[0], rest ? null : -1);
    } else if (step === null) this.set(time);
    else if (step < 1) this.set(this.story.span[0], -1);
    else this.goTo(Math.min(Math.round(step), this.story.steps.length) - 1);
  }

  writeHash() {
    const step = this.story.steps[this.step], found = new URLSearchParams();
    if (this.time >= this.story.span[1] && this.part === this.scene.windows - 1) found.set("tick", Number(this.time.toFixed(4)));
    else if (!step && this.time === this.story.span[0]) found.set("step", 0);
    else if (step?.at === this.time) found.set("step", this.step + 1);
    else found.set("tick", Number(this.time.toFixed(4)));
    if (this.scene.windows > 1) found.set("window", this.part + 1);
    if (this.chosen?.node !== undefined && this.scene.nodes[this.chosen.node].kind === "gate") {
      found.set("gate", this.scene.nodes[this.chosen.node].name);
    }
    if (this.inside !== null) found.set("in", this.inside);
    if (this.asked !== null) found.set("why", this.scene.nodes[this.asked].name);
    this.live?.write(found);
    this.hooks.write?.(found);
    this.written = "#" + found;
    try {
      history.replaceState(null, "", this.written);
    } catch {
      /* a page inside a notebook has no address of its own */
    }
  }
}
