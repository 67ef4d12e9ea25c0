// The page of a training: what the player shows is an iteration of a course, and the course goes on in the browser.

const CHUNK = 12; // milliseconds of learning at a time

class TrainingPlayer extends Player {
  constructor(lesson) {
    super();
    this.lesson = lesson;
    this.learns = !lesson.why;
    this.clicked = null; // the point that was clicked
    this.goal = null; // the iteration that is being gone to, if it takes more than a moment
    this.picture = 0;
    this.plane = lesson.bounds ? new Plane(byId("plane"), {
      axes: lesson.columns.map((column) => lesson.features[column]), classes: lesson.classes,
      touch: this.learns ? {
        choose: (k) => this.ask(this.clicked === k ? null : k),
        add: (x, y) => this.add(x, y),
        move: (k, x, y) => this.move(k, x, y),
        remove: (k) => this.remove(k),
        settled: () => this.writeHash(),
      } : null,
    }) : null;
    byId("plane").hidden = !this.plane;
    this.curve = new Curve(byId("curve"), {go: (to, way) => this.go(to, way), settled: () => this.writeHash()});
    this.turns = new MessageChannel();
    this.turns.port1.onmessage = () => this.work();
    for (const circuit of lesson.circuits) {
      Object.assign(circuit.scene, {heading: [[lesson.heading]], about: this.about(), notes: this.notes()});
    }
    this.dress();
    if (this.learns) {
      this.setting = this.recordedSetting();
      this.makeSettings();
      this.begin();
    } else this.course = new Recorded(lesson);
    this.loadPicture(this.first());
    new ResizeObserver(() => this.story && this.drawRest()).observe(byId("plane"));
    this.goToHash(true);
    this.ready = true;
  }

  // There is no room to tell why; the rule at a gate tells its part.
  explained() {
    return {ends: [], show() {}};
  }

  about() {
    const {lesson} = this;
    if (!this.learns) {
      return `A recorded training: ${lesson.why}, so it cannot go on in this page. Press play, or drag along `
        + "the curve.";
    }
    const many = lesson.parameters.length;
    return `One point at a time pulls on the score, and ${many} parameters go where they are pulled. `
      + "Press play, click to add a point, or drag one.";
  }

  notes() {
    const {lesson} = this;
    const rest = lesson.features.length - 2;
    const others = rest === 1 ? "feature is held at its mean." : rest + " features are held at their mean.";
    const held = rest > 0 && lesson.bounds ? ["In the plane, the other " + others] : [];
    if (!this.learns) {
      const all = lesson.iterations.toLocaleString("en");
      return [...held, `Of ${all} iterations, those that were kept are shown, as they were recorded.`];
    }
    return [
      ...held,
      `Points are shown in the recorded order for ${lesson.order.length.toLocaleString("en")} iterations, then in a `
      + "random order of this page's own. Where points or data are changed, all of it is in that order.",
      "Page Up and Page Down go from point to point, arrow keys move one, Delete removes it.",
    ];
  }

  // -- settings ------------------------------------------------------------------------------------------------

  recordedSetting() {
    const {lesson} = this;
    return {
      data: lesson.data, force: lesson.force, optimizer: lesson.optimizer, step: lesson.step,
      springs: "recorded", seed: 0,
      points: this.pointsOf(lesson.data),
    };
  }

  // The points of a set as the page keeps them; `from` is a point's number in its set, until it is moved.
  pointsOf(name) {
    const {lesson} = this, own = name === lesson.data, set = own ? lesson : lesson.sets[name];
    return set.points.map((point, k) => ({
      at: own ? [...point] : this.placed(...point),
      label: set.labels[k], apart: own && lesson.apart.includes(k), from: k, moved: false,
    }));
  }

  get pristine() { // whether nothing but what was recorded decides the course
    const {setting} = this, recorded = this.recordedSetting();
    return !this.changedPoints
      && ["data", "force", "optimizer", "step", "springs"].every((name) => setting[name] === recorded[name]);
  }

  get changedPoints() {
    const {setting, lesson} = this, set = setting.data === lesson.data ? lesson : lesson.sets[setting.data];
    return setting.points.length !== set.points.length
      || setting.points.some(({from, moved}, k) => moved || from !== k);
  }

  springs() {
    const {lesson, setting} = this;
    if (setting.springs === "recorded") {
      return lesson.springs.map(({rule, strength, held}) => ({rule: SPRINGS[rule], strength, held}));
    }
    return setting.springs ? [{rule: SPRINGS.L2, strength: setting.springs, held: lesson.weights}] : [];
  }

  // Begin the training anew, as the settings are, and go to where we were.
  begin() {
    const {lesson, setting} = this, was = this.course?.count ?? 0;
    const engine = new Engine(lesson.program);
    const learning = new Learning(engine, {
      inputs: lesson.inputs, score: lesson.score, parameters: lesson.parameters, force: FORCES[setting.force],
      optimizer: OPTIMIZERS[setting.optimizer], settings: setting.step === null ? {} : {step: setting.step},
      schedule: setting.step === null ? SCHEDULE : null, springs: this.springs(),
    });
    const same = setting.data === lesson.data && setting.points.length === lesson.points.length
      && setting.points.every(({from}, k) => from === k);
    const {course} = this;
    this.course = new Course(learning, {
      points: setting.points, order: same ? lesson.order : null, seed: setting.seed,
      scale: lesson.means ? {means: lesson.means, spreads: lesson.spreads} : null,
      end: Math.max(lesson.iterations, course?.end ?? 0),
      marks: this.pristine ? lesson.evaluations.map(([iteration]) => iteration) : [lesson.iterations],
    });
    if (this.clicked !== null && this.clicked >= setting.points.length) this.clicked = null;
    this.course.run(was, performance.now() + 30);
    this.goal = this.course.count < was && this.course.broken === null ? was : null;
    this.work();
  }

  changed(act) {
    this.pause();
    act();
    this.begin();
    this.fillSettings();
    this.plane.view(this.boundsOf());
    this.present();
    this.set(this.story.span[1]);
    this.writeHash();
  }

  boundsOf() {
    const {lesson, setting} = this;
    if (!this.learns || setting.data === lesson.data) return lesson.bounds;
    const set = lesson.sets[setting.data].points;
    return [0, 1].flatMap((axis) => {
      const all = set.map((point) => point[axis]), low = Math.min(...all), high = Math.max(...all);
      return [low - 0.15 * (high - low), high + 0.15 * (high - low)];
    });
  }

  makeSettings() {
    const {lesson} = this;
    const choices = {
      data: [lesson.data, ...Object.keys(lesson.sets)].map((name) => [name, this.dataWords(name)]),
      force: Object.keys(FORCES).map((name) => [name, name]),
      optimizer: Object.keys(OPTIMIZERS).map((name) => [name, name]),
      step: [0.001, 0.01, 0.05, 0.2, 1].map((step) => [String(step), show(step)]),
      springs: [0, 0.001, 0.01, 0.1, 1].map((strength) => [String(strength), strength ? show(strength) : "none"]),
    };
    if (lesson.step === null) choices.step.unshift(["recorded", lesson.schedule]);
    else if (!choices.step.some(([value]) => Number(value) === lesson.step)) {
      choices.step.push([String(lesson.step), show(lesson.step)]);
    }
    const [spring] = lesson.springs, plain = lesson.springs.length === 1 && spring.rule === "L2"
      && spring.held.every((held, k) => held === lesson.weights[k]);
    const words = lesson.springs.map(({rule, strength}) => `${rule} ${show(strength)}`).join(", ") || "none";
    const recorded = plain ? spring.strength : lesson.springs.length ? null : 0;
    choices.springs = choices.springs.filter(([value]) => Number(value) !== recorded);
    choices.springs.push(["recorded", plain ? show(spring.strength) : words]);
    const order = ([, words]) => Number.isFinite(Number(words)) ? Number(words) : words === "none" ? -1 : Infinity;
    for (const name of ["step", "springs"]) choices[name].sort((a, b) => order(a) - order(b));
    for (const [name, options] of Object.entries(choices)) {
      byId(name).replaceChildren(...options.map(([value, words]) => make("option", {value}, words)));
      byId(name).addEventListener("change", (event) => this.settle(name, event.target.value));
    }
    byId("data").disabled = lesson.means !== null;
    this.fillSettings();
  }

  dataWords(name) {
    const {lesson} = this, count = (name === lesson.data ? lesson : lesson.sets[name]).points.length;
    return name === "guide" ? "the guide’s six points"
      : name in lesson.sets || name === lesson.data && /^[a-z]+$/.test(name)
      ? `${count} points of ${name}` : `${name}, ${count} points`;
  }

  settle(name, value) {
    this.changed(() => {
      if (name === "data") {
        Object.assign(this.setting, {data: value, points: this.pointsOf(value)});
        this.clicked = null;
      } else if (name === "step") this.setting.step = value === "recorded" ? null : Number(value);
      else if (name === "springs") this.setting.springs = value === "recorded" ? value : Number(value);
      else this.setting[name] = value;
    });
  }

  fillSettings() {
    const {setting} = this;
    for (const name of ["data", "force", "optimizer", "springs"]) byId(name).value = String(setting[name]);
    byId("step").value = setting.step === null ? "recorded" : String(setting.step);
  }

  // -- points --------------------------------------------------------------------------------------------------

  // The classes are the legend of the plane, and the choice of what a click adds.
  dress() {
    const {lesson} = this;
    byId("settings").hidden = byId("add").hidden = !this.learns;
    if (!this.plane) return;
    const shape = (label) => {
      const svg = makeSvg("svg", {width: 20, height: 20, viewBox: "-10 -10 20 20", "aria-hidden": "true"});
      svg.append(makeSvg("path", {class: `shape ${label > 0 ? "plus" : "minus"}`, d: label > 0 ? DISC : DIAMOND}));
      return svg;
    };
    this.adding = 1;
    const items = [1, -1].map((label) => {
      const words = make("span", {class: "words"}, lesson.classes[label > 0 ? 1 : 0].replace("-", "−"));
      if (!this.learns) return make("span", {class: "class"}, shape(label), words);
      return make("button", {
        type: "button", role: "radio", "aria-checked": String(label === 1), tabindex: label === 1 ? 0 : -1,
        "data-label": label,
        title: `A click adds a point of class ${lesson.classes[label > 0 ? 1 : 0]}`, onclick: () => this.take(label),
      }, shape(label), words);
    });
    if (!this.learns) byId("classes").removeAttribute("role"), byId("classes").removeAttribute("aria-label");
    byId("classes").replaceChildren(...items);
    byId("classes").addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      this.take(-this.adding);
      byId("classes").querySelector("[aria-checked=true]").focus();
    });
    byId("add").addEventListener("click", () => {
      this.add(...this.plane.spot(this.plane.width / 2, this.plane.height / 2).map(rounded3));
      this.plane.focusOn(this.plane.drawn.length - 1);
    });
    byId("remove").addEventListener("click", () => this.remove(this.clicked));
  }

  take(label) {
    this.adding = label;
    for (const button of byId("classes").querySelectorAll("button")) {
      const is = Number(button.dataset.label) === label;
      mark(button, "aria-checked", String(is));
      mark(button, "tabindex", is ? 0 : -1);
    }
  }

  add(x, y) {
    const {setting} = this;
    this.changed(() => {
      setting.points.push({at: this.placed(x, y), label: this.adding, apart: false, from: null, moved: false});
      this.clicked = setting.points.length - 1;
    });
    const many = this.course.count.toLocaleString("en");
    toast(`Point ${setting.points.length} is added, and ${many} iterations are learned anew`);
  }

  move(k, x, y) {
    const point = this.setting.points[k];
    this.pause();
    [x, y].forEach((value, axis) => { point.at[this.lesson.columns[axis]] = value; });
    point.moved = true;
    this.clicked = k;
    this.begin();
    this.present();
    this.drawRest();
  }

  remove(k) {
    const {points} = this.setting;
    const least = points[k]?.apart ? 0 : 1;
    if (k === null || points.filter(({apart}) => !apart).length <= least) return toast("One point has to stay");
    this.changed(() => {
      points.splice(k, 1);
      this.clicked = null;
    });
    toast("The point is removed");
  }

  // Show a point in the circuit, whatever the iteration shows.
  ask(k) {
    this.pause();
    this.clicked = k;
    this.present();
    this.set(this.story.span[1]);
    this.writeHash();
  }

  // -- where we are in the training ----------------------------------------------------------------------------

  // Which picture of the circuit a page opens with: neurons where there is little room.
  first() {
    const neurons = this.lesson.circuits.findIndex(({name}) => name === "neurons");
    const {clientWidth: width, clientHeight: height} = byId("board");
    return width < 500 || height < 240 ? Math.max(0, neurons) : 0;
  }

  loadPicture(number) {
    const {lesson} = this, circuit = lesson.circuits[number];
    this.picture = number;
    const part = () => circuit.part ?? lesson.parts[this.course.place];
    this.load(circuit.scene, part, this.learns ? lesson.program : null);
    const other = lesson.circuits[1 - number];
    byId("picture").hidden = lesson.circuits.length < 2;
    if (other) byId("picture").textContent = other.name === "neurons" ? "As neurons" : "As gates";
    if (this.plane) this.plane.view(this.boundsOf());
  }

  open(part) {
    super.open(part);
    this.msPerTick = 1000 / 6 / this.typical();
  }

  // Which point is shown, and how hard it pulls.
  get shown() { return this.clicked ?? (this.learns ? this.course.example() : this.course.shown); }

  // Put the numbers of the iteration, or of the point that was asked for, into the circuit.
  present() {
    const {course, lesson} = this;
    if (!this.learns) {
      this.stories.clear();
      this.part = -1;
      return this.open(0);
    }
    const {engine} = this.live, {label, at} = course.points[this.shown];
    course.scaledPoint(at).forEach((value, k) => engine.set(lesson.inputs[k], value));
    lesson.parameters.forEach((node, k) => engine.set(node, course.parameters[k]));
    engine.forward();
    const pull = course.force.pull(engine.value(lesson.score), label);
    this.pull = Number.isFinite(pull) ? pull : 0;
    engine.pull(new Map([[lesson.score, this.pull]]));
    this.live.compute();
    this.story.rewrite(this.live);
    this.presented = course.count;
    this.listed = false;
    this.answer = null;
    this.chosen = this.chosen?.why ? null : this.chosen;
    if (byId("list").open) this.listSteps();
  }

  // Go to an iteration; what takes longer than a moment is gone to while the page stays awake.
  go(to, way = 0) {
    this.pause();
    this.clicked = null;
    to = Math.max(0, Math.min(this.course.end, Math.round(to)));
    if (way && this.course.next) to = this.course.next(way) ?? to;
    this.goal = this.course.run(to, performance.now() + 20) ? null : to;
    this.present();
    this.set(this.story.span[1]);
    if (this.goal !== null) this.turns.port2.postMessage(0);
  }

  // Learn a little towards the goal, or on and on where it goes as fast as it can.
  work() {
    if (!this.learns) return;
    const {course} = this, fast = this.playing && this.rate === Infinity;
    if (fast) course.run(course.count + 1e9, performance.now() + CHUNK);
    else if (this.goal !== null) {
      if (course.run(this.goal, performance.now() + CHUNK) || course.broken !== null) this.goal = null;
      this.soon();
    } else if (!this.playing && course.reached < course.end && course.broken === null) {
      const here = course.count; // what lies ahead is computed when there is nothing else to do
      course.run(course.reached);
      course.run(course.end, performance.now() + CHUNK);
      course.run(here);
      this.soon();
    } else return;
    course.end = Math.max(course.end, course.count);
    this.turns.port2.postMessage(0);
  }

  // Draw what was computed meanwhile, once for a frame.
  soon() {
    this.due ??= requestAnimationFrame(() => {
      this.due = null;
      if (this.presented !== this.course.count) this.set(this.story.span[1]);
      else this.drawRest(true);
    });
  }

  get rate() { return Number(byId("speed").value); }

  play() {
    this.clicked = null;
    if (this.rate === 0) {
      if (this.time >= this.story.span[1]) this.iterate();
      this.present();
    }
    this.owed = 0;
    super.play();
    if (this.rate === Infinity) this.work();
  }

  // The next iteration, from its first message on.
  iterate() {
    const {course} = this;
    const more = course.next ? course.next(1) : course.count + 1;
    if (more === null) return this.pause();
    course.run(more);
    course.end = Math.max(course.end, course.count);
    if (course.broken !== null) this.pause();
    this.present();
    this.set(this.story.span[0], -1);
  }

  tick(now) {
    if (!this.playing) return;
    const {rate} = this;
    if (rate === 0) return super.tick(now);
    const passed = Math.min(100, now - this.before);
    this.before = now;
    this.owed += passed * rate / 1000;
    if (this.course.next) { // recorded: one place after the other
      if (this.owed >= 1) {
        this.owed = 0;
        const to = this.course.next(1);
        if (to === null) return this.pause();
        this.course.run(to);
      }
    } else if (rate < Infinity) {
      const {course} = this;
      course.run(course.count + Math.floor(this.owed), now + CHUNK + 20);
      course.end = Math.max(course.end, course.count);
      this.owed %= 1;
      if (course.broken !== null) this.pause();
    } else if (this.course.broken !== null) this.pause();
    if (now >= (this.rest ?? 0)) this.frame(now);
    requestAnimationFrame((later) => this.tick(later));
  }

  // Draw circuit and plane in turn, and leave most of the time to learning.
  frame(now) {
    const begun = performance.now();
    this.turn = !this.turn;
    if (this.turn && this.presented !== this.course.count) {
      this.quiet = true;
      this.set(this.story.span[1]);
      this.quiet = false;
    } else this.drawRest();
    this.rest = now + (this.rate === Infinity ? 80 : 0) + 5 * (performance.now() - begun);
  }

  advance(by) {
    const end = this.story.span[1];
    if (this.time >= end) this.iterate();
    else if (this.time + by >= end) {
      this.set(end);
      this.hold = 900;
    } else super.advance(by);
  }

  // Messages are stepped one by one, and lead on to the next iteration; at any other speed a step is an iteration.
  stepBy(count) {
    if (this.rate) return this.go(this.course.count + count, count), this.writeHash();
    const last = this.story.steps.length - 1;
    if (count > 0 && this.step >= last && this.time >= this.story.span[1]) {
      this.pause();
      this.clicked = null;
      this.iterate();
      this.goTo(0);
    } else if (count < 0 && this.step < 0 && this.course.count > 0) {
      this.go(this.course.count - 1, -1);
      this.writeHash();
    } else if (count > 0 && this.step >= last) {
      this.pause();
      this.set(this.story.span[1]);
      this.writeHash();
    } else super.stepBy(count);
  }

  jump(part, toEnd = false) {
    this.go(toEnd ? this.course.end : 0);
    this.writeHash();
  }

  // -- what is seen --------------------------------------------------------------------------------------------

  draw() {
    if (this.learns && this.presented !== this.course.count) this.present();
    super.draw();
    if (!this.quiet) this.drawRest();
  }

  // The plane and the curve.
  drawRest(curveOnly = false) {
    const {course, lesson} = this;
    if (!course || !this.story) return;
    const judged = course.judge(), many = course.learned.length;
    const right = judged.right === null ? "" : `, ${judged.right} of ${many} right`;
    const told = course.broken === null ? `cost ${show(judged.cost, 3)}${right}`
      : `diverged: the score is no number after ${course.broken} iterations`;
    this.curve.draw({
      now: course.count, end: course.end, cost: judged.cost, told,
      costs: course.reached < course.end && this.pristine ? [...course.curve, ...this.recordedAhead()] : course.curve,
      pulled: course.pulled ? {bin: course.bin, counts: course.pulled} : null, source: this.source(),
    });
    byId("remove").hidden = this.clicked === null;
    if (curveOnly || !this.plane) return;
    const full = this.time >= this.story.span[1], shown = this.shown;
    const plane = (x, y) => course.look(this.placed(x, y));
    this.plane.draw({
      look: course.field ?? plane, shown, asked: this.clicked !== null,
      points: course.points.map(({at, label, apart}, k) => ({
        xy: lesson.columns.map((column) => at[column]), label, apart, score: course.score(k),
      })),
      pull: full && shown !== null ? this.pullOnPoint() : null, budget: this.playing ? 6 : 30,
    });
  }

  // A place in the plane as an example: other features are held at their mean.
  placed(x, y) {
    const {lesson} = this;
    this.middle ??= lesson.features.map((_, column) =>
      lesson.points.reduce((sum, point) => sum + point[column], 0) / lesson.points.length);
    const at = [...this.middle];
    at[lesson.columns[0]] = x;
    at[lesson.columns[1]] = y;
    return at;
  }

  pullOnPoint() {
    if (!this.learns || !this.pull) return null;
    const {lesson} = this, {engine} = this.live;
    const felt = (column) => engine.gradient(lesson.inputs[column]) ?? 0;
    return lesson.columns.map((column) => felt(column) / (lesson.spreads?.[column] ?? 1));
  }

  recordedAhead() {
    return this.lesson.evaluations.filter(([iteration]) => iteration > this.course.reached);
  }

  // Where the curve comes from, and how what was computed here compares with what Python recorded.
  source() {
    const {course, lesson} = this;
    if (!this.learns) return "as Python recorded it";
    if (!this.pristine) return "recomputed in your browser, with your changes";
    const costs = new Map(course.kept.map(({count, cost}) => [count, cost]));
    const known = lesson.evaluations.filter(([iteration, cost]) => costs.has(iteration) && typeof cost === "number");
    const far = known.reduce((most, [iteration, cost]) =>
      Math.max(most, Math.abs(costs.get(iteration) - cost) / Math.max(1e-300, Math.abs(cost))), 0);
    return far > 1e-9 ? `recomputed in your browser; Python's cost differs by up to ${show(100 * far, 2)} %`
      : "recomputed in your browser, as Python recorded it";
  }

  whose() {
    return this.clicked === null
      ? `Iteration ${this.course.count.toLocaleString("en")}: ` : `Point ${this.clicked + 1}: `;
  }

  // The iteration in a sentence.
  summary() {
    const {course, lesson, setting} = this;
    const k = this.shown, number = course.count.toLocaleString("en");
    const start = this.clicked === null ? [[`Iteration ${number}. `, "strong"]] : [];
    const many = course.together ?? 1;
    if (many !== 1) {
      return [...start, many ? `${many} points are shown together, and the pull is the mean over them.`
        : "This is what was learned."];
    }
    const {label} = course.points[k], score = course.score(k), pull = this.learns ? this.pull : course.pull;
    const margin = this.learns ? course.force.margin : lesson.margin;
    const force = this.learns ? setting.force : lesson.force;
    const side = label > 0 ? 1 : -1;
    const due = margin !== null ? `${side > 0 ? "+" : "−"}${show(margin)} or ${side > 0 ? "more" : "less"}`
      : force === "squared_error" ? show(label) : `${side > 0 ? "above" : "below"} 0`;
    const said = [
      ...start, `Point ${k + 1}, ${lesson.classes[side > 0 ? 1 : 0].replace("-", "−")}, should score ${due} `,
      "and scores ",
      [show(score, 3), "v"],
    ];
    if (pull === null) return [...said, "."];
    if (!pull) {
      const springs = this.learns && this.springs().length && this.clicked === null;
      return [...said, `. That is right: no pull${springs ? ", only the springs act" : ""}.`];
    }
    said.push(`: the circuit ${this.clicked === null ? "is" : "would be"} pulled ${pull > 0 ? "up" : "down"} with `,
      [(pull > 0 ? "+" : "") + show(pull, 3), "g"]);
    if (!this.learns || this.clicked !== null) return [...said, "."];
    const step = course.learning.settings.step;
    const moves = setting.optimizer === "SGD" ? `each parameter moves ${show(step, 3)} × what it feels`
      : `each parameter moves by the rule of ${setting.optimizer}`;
    return [...said, `, and ${moves}${this.springs().length ? ", springs included" : ""}.`];
  }

  // -- what people do ------------------------------------------------------------------------------------------

  listen() {
    super.listen();
    byId("picture").addEventListener("click", () => {
      const {time} = this, end = time >= this.story.span[1];
      this.loadPicture(1 - this.picture);
      this.present();
      this.set(end ? this.story.span[1] : this.story.span[0]);
      this.writeHash();
    });
    byId("speed").addEventListener("change", () => {
      this.owed = 0;
      if (this.playing) this.before = performance.now();
      if (this.playing && this.rate === Infinity) this.work();
      this.writeHash();
    });
    byId("reset").addEventListener("click", (event) => {
      event.stopImmediatePropagation(); // in place of the player's own
      this.again();
    }, {capture: true});
    if (window.innerWidth <= 600 || window.innerHeight <= 500) byId("settings").open = false;
  }

  // Everything as it was recorded, at the first iteration.
  again() {
    this.pause();
    this.clicked = null;
    if (this.learns) {
      this.setting = this.recordedSetting();
      this.course = null;
      this.begin();
      this.fillSettings();
      this.plane.view(this.boundsOf());
    }
    this.go(0);
    this.writeHash();
    toast("As it was recorded, at the first iteration");
  }

  // -- the address ---------------------------------------------------------------------------------------------

  // "#i=11" is an iteration, "t" a time in it, "point" one that was clicked; "data", "force", "optimizer", "step",
  // "springs" and "seed" are settings; "moved=3:1.2,0.5", "added=1.2,0.5,1" and "dropped=4" are changes to the points.
  goToHash(first = false) {
    const found = new URLSearchParams(location.hash.slice(1)), {lesson} = this;
    const number = (name) => /^\d+(\.\d+)?$/.test(found.get(name) ?? "") ? Number(found.get(name)) : null;
    this.pause();
    this.clicked = null;
    const speed = [...byId("speed").options].find(({value}) => value === found.get("speed"));
    if (speed) byId("speed").value = speed.value;
    if (this.learns) {
      this.setting = this.recordedSetting();
      const {setting} = this, known = (name, table) => Object.hasOwn(table, found.get(name) ?? "");
      const data = found.get("data");
      if (known("data", lesson.sets)) Object.assign(setting, {data, points: this.pointsOf(data)});
      if (Object.keys(FORCES).includes(found.get("force"))) setting.force = found.get("force");
      if (Object.keys(OPTIMIZERS).includes(found.get("optimizer"))) setting.optimizer = found.get("optimizer");
      if (number("step")) setting.step = number("step");
      if (number("springs") !== null) setting.springs = number("springs");
      if (number("seed") !== null) setting.seed = Math.floor(number("seed"));
      this.readPoints(found);
      this.course = null;
      this.begin();
      this.settleChoices();
      const at = lesson.circuits.findIndex(({name}) => name === found.get("picture"));
      if (at >= 0 && at !== this.picture) this.loadPicture(at);
      this.plane.view(this.boundsOf());
      const point = number("point");
      if (point >= 1 && point <= setting.points.length) this.clicked = Math.floor(point) - 1;
    }
    const asked = this.clicked, i = number("i");
    const to = i === null ? this.opening() : Math.min(Math.floor(i), 1e7);
    this.course.end = Math.max(this.course.end, this.learns ? to : 0);
    this.go(to);
    this.clicked = asked;
    const gate = this.scene.nodes.findIndex((node) => node.kind === "gate" && node.name === found.get("gate"));
    this.chosen = gate >= 0 ? {node: gate} : null;
    this.present();
    this.set(number("t") ?? this.story.span[1]);
    if (!first) this.writeHash();
    this.work();
  }

  // Where a page without an address opens: where a point pulls, a little after the beginning.
  opening() {
    const {course, lesson} = this;
    if (!this.learns) return course.places[Math.min(course.places.length - 1, Math.ceil(course.places.length / 36))];
    let at = Math.ceil(lesson.iterations / 36);
    for (const last = at + 40; at < last; at++) {
      course.run(at);
      const k = course.example();
      if (course.force.pull(course.score(k), course.points[k].label)) return at;
    }
    return Math.ceil(lesson.iterations / 36);
  }

  readPoints(found) {
    const {setting, lesson} = this, {points} = setting;
    const numbers = (text) => text.split(",").map(Number);
    for (const entry of (found.get("moved") ?? "").split(";")) {
      const [k, place] = entry.split(":"), at = numbers(place ?? "");
      if (!/^\d+$/.test(k) || !points[k - 1] || at.length !== 2 || !at.every(Number.isFinite)) continue;
      lesson.columns.forEach((column, axis) => { points[k - 1].at[column] = at[axis]; });
      points[k - 1].moved = true;
    }
    const dropped = new Set(numbers(found.get("dropped") ?? "").map((k) => k - 1));
    setting.points = points.filter((_, k) => !dropped.has(k));
    if (!setting.points.some(({apart}) => !apart)) setting.points = points;
    for (const entry of (found.get("added") ?? "").split(";").slice(0, 1000)) {
      const [x, y, label] = numbers(entry);
      if (![x, y, label].every(Number.isFinite)) continue;
      setting.points.push({at: this.placed(x, y), label: label > 0 ? 1 : -1, apart: false, from: null, moved: false});
    }
  }

  // Numbers that came with the address may be none of the choices.
  settleChoices() {
    for (const name of ["step", "springs"]) {
      const value = String(this.setting[name] ?? "recorded"), holder = byId(name);
      if (![...holder.options].some((option) => option.value === value)) {
        holder.append(make("option", {value}, show(this.setting[name])));
      }
    }
    this.fillSettings();
  }

  writeHash() {
    if (!this.ready) return;
    const {course, lesson} = this, found = new URLSearchParams({i: this.goal ?? course.count});
    if (this.time < this.story.span[1]) found.set("t", Number(this.time.toFixed(3)));
    if (this.rate) found.set("speed", byId("speed").value);
    if (this.picture !== this.first()) found.set("picture", lesson.circuits[this.picture].name);
    if (this.chosen?.node !== undefined && this.scene.nodes[this.chosen.node].kind === "gate") {
      found.set("gate", this.scene.nodes[this.chosen.node].name);
    }
    if (this.learns) {
      const {setting} = this, recorded = this.recordedSetting();
      if (this.clicked !== null) found.set("point", this.clicked + 1);
      for (const name of ["data", "force", "optimizer", "step", "springs", "seed"]) {
        if (setting[name] !== recorded[name]) found.set(name, setting[name]);
      }
      const place = ({at}) => lesson.columns.map((column) => at[column]).join(",");
      const old = setting.points.filter(({from}) => from !== null), left = new Set(old.map(({from}) => from));
      const dropped = this.pointsOf(setting.data).map((_, k) => k).filter((k) => !left.has(k));
      const moved = old.filter((point) => point.moved), added = setting.points.filter(({from}) => from === null);
      if (moved.length) found.set("moved", moved.map((point) => `${point.from + 1}:${place(point)}`).join(";"));
      if (added.length) found.set("added", added.map((point) => `${place(point)},${point.label}`).join(";"));
      if (dropped.length) found.set("dropped", dropped.map((k) => k + 1).join(","));
    }
    this.written = "#" + String(found).replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%3B", ";");
    try {
      history.replaceState(null, "", this.written);
    } catch {
      /* a page inside a notebook has no address of its own */
    }
  }

  // For tests and the curious.
  handle() {
    const {lesson} = this;
    return {
      ...this.live.handle(this),
      train: (steps) => {
        const to = this.course.count + Math.max(0, Math.floor(steps));
        this.course.end = Math.max(this.course.end, to);
        this.pause();
        this.clicked = this.goal = null;
        this.course.run(to);
        this.present();
        this.set(this.story.span[1]);
        return this.course.count;
      },
      go: (iteration) => this.go(iteration),
      order: (many) => Array.from({length: many}, (_, at) => this.course.example(at)),
      parameters: () => Object.fromEntries(lesson.names.map((name, k) => [name, this.course.parameters[k]])),
      cost: () => this.course.judge().cost,
    };
  }
}

const player = new TrainingPlayer(readData("lesson"));
if (player.live) window.circuitsim = player.handle();
