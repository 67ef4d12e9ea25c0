// The player: a clock over simulated time, and the controls that set it. Time alone decides what is seen.

class Player {
  constructor(scene, training) {
    this.scene = scene;
    this.part = -1;
    this.time = 0;
    this.step = -1; // the step that is told; -1 before the first
    this.playing = false;
    this.chosen = null;
    this.stories = new Map();
    const choose = (what, hold) => this.choose(what, hold);
    this.stage = new Stage(scene, byId("stage"), choose);
    this.detail = new Detail(scene, byId("detail"), choose);
    this.training = training ? new Training(training, byId("training"), (time) => this.seek(time)) : null;
    byId("title").textContent = scene.title;
    byId("about").textContent = scene.about;
    byId("notes").replaceChildren(...scene.notes.map((note) => make("p", {}, note)));
    this.listen();
    this.goToHash();
  }

  // -- windows -------------------------------------------------------------------------------------------------

  open(part) {
    part = Math.max(0, Math.min(this.scene.windows - 1, part));
    if (part === this.part) return;
    if (!this.stories.has(part)) this.stories.set(part, new Story(this.scene, readData("window-" + part)));
    for (const other of this.stories.keys()) if (Math.abs(other - part) > 1) this.stories.delete(other);
    this.part = part;
    this.story = this.stories.get(part);
    const [start, end] = this.story.span;
    const range = byId("time");
    range.min = start;
    range.max = end > start ? end : start + 1;
    this.msPerTick = 900 / this.typical();
    this.chosen = this.chosen && !this.chosen.why ? this.chosen : null;
    byId("windows").hidden = this.scene.windows === 1;
    byId("window").textContent =
      `Window ${part + 1} of ${this.scene.windows}, ticks ${ticks(start)} to ${ticks(end)}`;
    byId("earlier").disabled = part === 0;
    byId("later").disabled = part === this.scene.windows - 1;
    this.drawBand();
    this.listSteps();
  }

  // How long a message or firing lasts, in the middle; it should take a good half second to watch.
  typical() {
    const lasting = this.story.records
      .map((r) => r.end - r.start)
      .filter((d) => d > 0)
      .sort((a, b) => a - b);
    return lasting[lasting.length >> 1] || 1;
  }

  drawBand() {
    const [start, end] = this.story.span;
    const place = (time) => (100 * (time - start)) / (end - start || 1);
    const stretches = [];
    for (const record of this.story.records) {
      const kind = record.kind === VALUE || record.kind === FORWARD ? "value" : "gradient";
      const last = stretches.at(-1);
      if (last && last.kind === kind && record.start <= last.end) last.end = Math.max(last.end, record.end);
      else stretches.push({ kind, start: record.start, end: record.end });
    }
    byId("band").replaceChildren(
      ...stretches.slice(0, 600).map(({ kind, start: from, end: till }) => {
        const bar = make("span", { class: kind });
        bar.style.left = place(Math.max(from, start)) + "%";
        bar.style.width = place(Math.min(till, end)) - place(Math.max(from, start)) + "%";
        return bar;
      }),
    );
  }

  listSteps() {
    const most = 400;
    const items = this.story.steps.slice(0, most).map((step, number) =>
      make(
        "li",
        {},
        make(
          "button",
          {
            type: "button",
            class: "link",
            "data-step": number,
            onclick: () => {
              this.pause();
              this.goTo(number);
            },
          },
          this.told(step),
        ),
      ),
    );
    const rest = this.story.steps.length - most;
    if (rest > 0) items.push(make("li", {}, `and ${rest} more steps in this window`));
    byId("steps").replaceChildren(...items);
  }

  told(step) {
    const iteration = this.training?.iteration(step.tag);
    const example =
      iteration != null ? `Iteration ${iteration}: ` : this.severalTags() ? this.example(step.tag) + ": " : "";
    return example + this.story.sentence(step);
  }

  // What an example is called: as its tokens are numbered, and in which batch if there are several.
  example(tag) {
    const { batch, batches } = this.scene;
    if (!batches) return "Example " + tag;
    return `Microbatch ${tag % batch}` + (batches > 1 ? ` of batch ${Math.floor(tag / batch)}` : "");
  }

  severalTags() {
    return (this.story.many ??= new Set(this.story.records.map((r) => r.tag)).size > 1 || this.scene.windows > 1);
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
    if (step < 0 && this.part > 0) {
      this.open(this.part - 1);
      step = this.story.steps.length - 1;
    } else if (step >= this.story.steps.length && this.part < this.scene.windows - 1) {
      this.open(this.part + 1);
      step = 0;
    }
    const steps = this.story.steps;
    if (step < 0 || !steps.length) this.set(this.story.span[0], -1);
    else if (step >= steps.length) this.set(this.story.span[1], steps.length - 1);
    else this.set(steps[step].at, step);
    this.stage.following = true;
    this.stage.follow();
    this.writeHash();
  }

  // Goes to a time in whichever window holds it.
  seek(time) {
    this.pause();
    this.open(this.scene.spans.findLastIndex(([start]) => start <= time));
    this.set(time);
    this.stage.following = true;
    this.stage.follow();
    this.writeHash();
  }

  play() {
    const atEnd = this.time >= this.story.span[1];
    if (atEnd && this.part === this.scene.windows - 1) {
      this.open(0);
      this.set(this.story.span[0]);
    }
    this.playing = true;
    this.stage.following = true;
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
    else this.advance(passed / this.msPerTick);
    this.stage.follow(0.12);
    if (this.playing) requestAnimationFrame((later) => this.tick(later));
  }

  advance(by) {
    const { span, steps } = this.story;
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
    const { story, time } = this;
    const step = story.steps[this.step];
    this.stage.show(story, time, new Set(step ? step.nodes : []));
    this.detail.show(story, time, this.chosen);
    const fresh = this.chosen?.why ? story.at(story.felt[this.chosen.node], time) : null;
    this.stage.highlight(this.chosen, fresh ? story.makers(this.chosen.node, fresh.tag) : null);
    this.say(step);
    const range = byId("time");
    range.value = time;
    const place = `tick ${ticks(time)} of ${ticks(story.span[1])}`;
    byId("clock").textContent = `${place} · step ${this.step + 1} of ${story.steps.length}`;
    mark(range, "aria-valuetext", `${place}${step ? ": " + this.told(step) : ""}`);
    this.training?.follow(time);
  }

  say(step) {
    const phase = byId("phase"),
      sentence = byId("sentence");
    const forward = step && ["send", "forward", "arrive"].includes(step.kind);
    const words = !step
      ? "before the first step"
      : forward
        ? "▸ values flow forward"
        : step.kind === "pull"
          ? "◂ the pull"
          : "◂ gradients flow back";
    if (phase.textContent !== words) phase.textContent = words;
    phase.className = !step ? "" : forward ? "value" : "gradient";
    const told = step ? this.told(step) : "Press play, or step forward.";
    const alike = step
      ? this.story.steps.filter((other) => other !== step && other.from === step.from && other.kind === step.kind)
      : [];
    const more = alike.length
      ? "at the same time: " +
        listed(
          alike.map((other) => this.story.actor(other.nodes[0])),
          5,
        )
      : "";
    if (sentence.dataset.told !== told + more) {
      sentence.dataset.told = told + more;
      sentence.replaceChildren(told, ...(more ? [make("span", { class: "more" }, more)] : []));
    }
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

  choose(what, hold) {
    if (!hold && this.chosen?.held) return;
    const same =
      what &&
      this.chosen?.held &&
      this.chosen.node === what.node &&
      this.chosen.wire === what.wire &&
      Boolean(this.chosen.why) === Boolean(what.why);
    this.chosen = !what || same ? null : { ...what, held: hold };
    this.draw();
  }

  // -- what people do ------------------------------------------------------------------------------------------

  listen() {
    const on = (id, action) => byId(id).addEventListener("click", action);
    on("play", () => (this.playing ? this.pause() : this.play()));
    on("back", () => this.stepBy(-1));
    on("forward", () => this.stepBy(1));
    on("first", () => this.jump(0));
    on("last", () => this.jump(this.scene.windows - 1, true));
    on("earlier", () => this.jump(this.part - 1));
    on("later", () => this.jump(this.part + 1));
    on("smaller", () => this.stage.resize(1 / 1.25));
    on("larger", () => this.stage.resize(1.25));
    on("fit", () => {
      this.stage.resize();
      this.stage.following = true;
      this.stage.follow();
    });
    on("theme", () => this.changeTheme());
    byId("time").addEventListener("input", (event) => {
      this.pause();
      this.set(Number(event.target.value));
      this.stage.following = true;
      this.stage.follow();
    });
    byId("time").addEventListener("change", () => this.writeHash());
    byId("stage").addEventListener("pointerleave", () => {
      if (this.chosen && !this.chosen.held) this.choose(null, true);
    });
    window.addEventListener("resize", () => this.stage.resize());
    window.addEventListener("hashchange", () => {
      if (location.hash !== this.written && /\b(step|tick|window)=/.test(location.hash)) this.goToHash();
    });
    document.addEventListener("keydown", (event) => this.key(event));
    this.theme(window.matchMedia("(prefers-color-scheme: dark)").matches);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
    const pressed = event.target.matches("button, summary, [role=button]");
    const actions = {
      " ": () => (this.playing ? this.pause() : this.play()),
      ArrowLeft: () => this.stepBy(-1),
      ArrowRight: () => this.stepBy(1),
      Home: () => this.jump(0),
      End: () => this.jump(this.scene.windows - 1, true),
      Escape: () => this.choose(null, true),
    };
    if (!(event.key in actions) || (event.key === " " && pressed) || event.target.id === "iteration") return;
    event.preventDefault();
    actions[event.key]();
  }

  stepBy(count) {
    this.pause();
    // Halfway through a step, going back leads to its own beginning.
    const step = this.story.steps[this.step];
    const within = count < 0 && step && this.time > step.at;
    this.goTo(this.step + (within ? 0 : count));
  }

  jump(part, toEnd = false) {
    this.pause();
    this.open(part);
    this.stage.following = true;
    if (toEnd) this.set(this.story.span[1]);
    else this.set(this.story.span[0], -1);
    this.stage.follow();
    this.writeHash();
  }

  theme(dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    byId("theme").textContent = dark ? "Light" : "Dark";
  }

  changeTheme() {
    this.theme(document.documentElement.dataset.theme !== "dark");
    this.training?.draw();
  }

  // "#step=7", or "#tick=3.25" between steps; "&window=2" if there are several.
  goToHash() {
    const found = new URLSearchParams(location.hash.slice(1));
    const number = (name) => (/^\d+(\.\d+)?$/.test(found.get(name) ?? "") ? Number(found.get(name)) : null);
    const step = number("step"),
      time = number("tick");
    this.pause();
    this.open(Math.round(number("window") ?? 1) - 1);
    if (step === null) {
      this.set(time ?? this.story.span[0], time === null ? -1 : null);
      this.stage.following = true;
      this.stage.follow();
    } else if (step < 1) this.set(this.story.span[0], -1);
    else this.goTo(Math.min(Math.round(step), this.story.steps.length) - 1);
  }

  writeHash() {
    const step = this.story.steps[this.step];
    const where =
      !step && this.time === this.story.span[0]
        ? "step=0"
        : step?.at === this.time
          ? "step=" + (this.step + 1)
          : "tick=" + Number(this.time.toFixed(4));
    this.written = "#" + where + (this.scene.windows > 1 ? "&window=" + (this.part + 1) : "");
    try {
      history.replaceState(null, "", this.written);
    } catch {
      /* a page inside a notebook has no address of its own */
    }
  }
}

function byId(id) {
  return document.getElementById(id);
}

function readData(id) {
  const found = byId(id);
  return found ? JSON.parse(found.textContent) : null;
}

new Player(readData("scene"), readData("history"));
