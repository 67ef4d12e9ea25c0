// The page of streams: one clock, one choice and one followed microbatch for the circuit above and the timeline below.

const SPEED = 1.2; // typical pieces of work a second

class StreamPage {
  constructor(streams) {
    this.streams = streams;
    this.playing = false;
    this.devices = new Devices(byId("circuit"), {
      ask: (device) => this.choose(this.stream.at(device, this.time) ?? this.stream.rest(device, this.time)),
      follow: (tag) => this.follow(tag),
    });
    this.chart = new Chart({
      choose: (thing) => this.choose(thing),
      seek: (time) => this.seek(time),
      moved: () => this.draw(),
    });
    const select = byId("stream");
    select.hidden = streams.length < 2;
    select.append(...streams.map(({title}, number) => make("option", {value: number}, title)));
    this.listen();
    this.goToHash();
  }

  // -- which stream, which time, what is chosen ----------------------------------------------------------------

  open(number) {
    if (number === this.number) return;
    this.number = number;
    const data = this.streams[number];
    this.stream = data instanceof Stream ? data : (this.streams[number] = new Stream(data));
    this.time = this.stream.span[0];
    this.chosen = this.followed = null;
    byId("stream").value = number;
    byId("title").textContent = this.stream.question;
    byId("about").textContent = this.stream.about;
    const pictures = document.querySelectorAll("#pictures figure");
    pictures.forEach((picture, at) => picture.toggleAttribute("hidden", at !== number));
    this.drawLegend();
    this.fillTables();
    byId("chart").parentElement.classList.toggle("high", this.stream.shown.length > 6);
    this.devices.load(this.stream);
    this.chart.load(this.stream);
  }

  // Another stream, at the same part of its time, with the same microbatch.
  change(number) {
    this.pause();
    const {time, followed, stream: {span, length}} = this;
    this.open(number);
    this.time = this.stream.span[0] + (length ? (time - span[0]) / length : 0) * this.stream.length;
    this.followed = this.stream.ofTag.has(followed) ? followed : null;
    this.chart.follow(this.time);
    this.draw();
    this.writeHash();
  }

  seek(time) {
    this.pause();
    this.chosen = null;
    this.time = time;
    this.draw();
    this.writeHash();
  }

  // Lights a thing up in both places; its microbatch, or the one that a gap waits for, is followed.
  choose(thing) {
    this.pause();
    this.chosen = thing ?? null;
    if (thing) {
      this.followed = thing.gap ? this.stream.after(thing)?.tag ?? null : thing.update ? thing.moves[0][3] : thing.tag;
      this.time = (thing.start + thing.end) / 2;
      this.chart.reveal(thing);
    }
    this.draw();
    this.writeHash();
  }

  follow(tag) {
    this.chosen = null;
    this.followed = this.followed === tag ? null : tag;
    this.draw();
    this.writeHash();
  }

  letGo() {
    this.chosen = this.followed = null;
    this.draw();
    this.writeHash();
  }

  // From moment to moment: to the middle of the time in which nothing begins or ends.
  step(by) {
    const {moments} = this.stream, at = place(moments, this.time, (moment) => moment);
    const next = Math.max(0, Math.min(moments.length - 1, at + by));
    const [from, till] = [moments[next], moments[next + 1] ?? moments[next]];
    this.seek(by < 0 && at + by < 0 ? moments[0] : (from + till) / 2);
    this.chart.follow(this.time);
  }

  // -- the clock -----------------------------------------------------------------------------------------------

  play() {
    if (this.time >= this.stream.span[1]) this.time = this.stream.span[0];
    this.playing = true;
    this.chosen = null;
    this.buttons();
    this.before = performance.now();
    requestAnimationFrame((now) => this.tick(now));
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.buttons();
    this.writeHash();
  }

  tick(now) {
    if (!this.playing) return;
    const passed = (now - this.before) / 1000, end = this.stream.span[1];
    const speed = Number(byId("speed").value) * SPEED;
    if (still() && passed * speed < 1) { // it holds still for a moment on each piece
      requestAnimationFrame((later) => this.tick(later));
      return;
    }
    this.before = now;
    this.time = Math.min(end, this.time + (still() ? 1 : Math.min(0.1, passed) * speed) * this.stream.typical);
    this.chart.follow(this.time);
    if (this.time >= end) this.pause();
    this.draw();
    if (this.playing) requestAnimationFrame((later) => this.tick(later));
  }

  // -- what is seen ------------------------------------------------------------------------------------------------

  draw() {
    const {stream, time, chosen, followed} = this, state = {time, chosen, followed};
    this.devices.show(state);
    this.chart.show(state);
    this.say(chosen ? stream.tell(chosen) : stream.tellTime(time, followed));
    const clock = `tick ${stream.when(time)} of ${stream.when(stream.span[1])}`;
    byId("clock").textContent = clock;
    const slider = byId("time"), [start, end] = stream.span;
    for (const [name, value] of [["valuemin", start], ["valuemax", end], ["valuenow", time], ["valuetext", clock]]) {
      slider.setAttribute(`aria-${name}`, value);
    }
  }

  say({head, told, numbers}) {
    const key = JSON.stringify([head, told, numbers]);
    if (key === this.said) return;
    this.said = key;
    const styled = (part) => (typeof part === "string" ? part : make("span", {class: part[1]}, part[0]));
    const rich = (parts) => parts.map(styled);
    const lines = [make("b", {}, head), ...rich(told)];
    if (numbers.length) lines.push(make("span", {class: "passed"}, ...rich(numbers)));
    byId("sentence").setAttribute("aria-live", this.playing ? "off" : "polite");
    byId("sentence").replaceChildren(...lines);
  }

  buttons() {
    byId("play").classList.toggle("playing", this.playing);
    byId("play").setAttribute("aria-label", this.playing ? "Pause" : "Play");
  }

  drawLegend() {
    const {stream} = this;
    const key = (look, text) => make("span", {}, make("i", {class: look, "aria-hidden": "true"}), text);
    const names = {F: "forward", B: "backward", I: "backward, to the data", W: "backward, to the weights"};
    const keys = [..."FBIW"].filter((kind) => stream.kinds.has(kind)).map((kind) => key(kind, names[kind]));
    if (stream.stacked) keys.push(key("second", "later stage"));
    const old = stream.updates.some((update) => update.moves.some((move) => move[4]));
    const aged = old ? "; 2 old: by a gradient 2 versions old" : "";
    if (stream.updates.length) keys.push(key("moves", `parameters move${aged}`));
    if (stream.outages.length) keys.push(key("down", "down"));
    keys.push(key("memory", "microbatches kept"));
    byId("legend").replaceChildren(...keys, make("b", {id: "unread", hidden: true}, "zoom in for all numbers"));
  }

  fillTables() {
    const {stream, streams} = this;
    const cell = (content, at) => (at ? make("td", {}, content) : make("th", {scope: "row"}, content));
    const row = (cells) => make("tr", {}, ...cells.map(cell));
    byId("figures").querySelector("tbody").replaceChildren(...stream.figures.map(row));
    byId("others").hidden = streams.length < 2;
    byId("others").querySelector("tbody").replaceChildren(...streams.map(({title, totals}, number) => (
      row([make("button", {type: "button", class: "link", onclick: () => this.change(number)}, title), ...totals]))));
    byId("bottleneck").textContent = `${capital(stream.bottleneck)}.`;
    const options = stream.shown.map((device) => make("option", {value: device}, stream.devices[device]));
    byId("device").replaceChildren(...options);
    this.listPieces();
  }

  // The pieces of one device: as many as people read.
  listPieces() {
    const body = byId("list").querySelector("tbody"), most = 1000;
    if (!byId("list").open) return body.replaceChildren();
    const {stream} = this, row = stream.rows[Number(byId("device").value)] ?? [];
    const rows = row.slice(0, most).map((piece) => {
      const link = make("button", {type: "button", class: "link", onclick: () => this.choose(piece)}, WORK[piece.kind]);
      const numbers = stream.passed(piece).map((part) => (typeof part === "string" ? part : part[0])).join("");
      const cells = [ticks(piece.start), ticks(piece.end), link, String(piece.microbatch), numbers];
      return make("tr", {}, ...cells.map((cell) => make("td", {}, cell)));
    });
    if (row.length > most) rows.push(make("tr", {}, make("td", {colspan: 5}, `and ${row.length - most} more`)));
    return body.replaceChildren(...rows);
  }

  // -- what people do ----------------------------------------------------------------------------------------------

  listen() {
    const on = (id, act) => byId(id).addEventListener("click", act);
    on("play", () => (this.playing ? this.pause() : this.play()));
    on("back", () => this.step(-1));
    on("forward", () => this.step(1));
    on("smaller", () => this.chart.zoomBy(0.7));
    on("larger", () => this.chart.zoomBy(1.4));
    on("fit", () => this.chart.fit());
    on("share", () => {
      this.writeHash();
      navigator.clipboard?.writeText(location.href).catch(() => {});
      toast("Link copied: it holds this moment");
    });
    byId("stream").addEventListener("change", (event) => this.change(Number(event.target.value)));
    byId("device").addEventListener("change", () => this.listPieces());
    byId("list").addEventListener("toggle", () => this.listPieces());
    document.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("hashchange", () => {
      if (location.hash !== this.written) this.goToHash();
    });
    new ResizeObserver(() => this.resize()).observe(byId("timeline"));
    new ResizeObserver(() => this.resize()).observe(byId("devices"));
    followTheme(() => this.stream && this.resize());
  }

  resize() {
    if (!this.stream) return;
    this.devices.resize();
    this.chart.resize();
    this.draw();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input")) return;
    const pressed = event.target.matches("button, summary"), slider = event.target === byId("time");
    const [start, end] = this.stream.span;
    const arrow = (by) => () => {
      const onPieces = this.chosen || event.target === byId("roll");
      if (onPieces && !slider) this.move(event.key);
      else this.step(by);
    };
    const actions = {
      " ": () => (this.playing ? this.pause() : this.play()),
      ArrowLeft: arrow(-1), ArrowRight: arrow(1), ArrowUp: arrow(slider ? 1 : 0), ArrowDown: arrow(slider ? -1 : 0),
      PageUp: () => this.step(10), PageDown: () => this.step(-10),
      Home: () => this.go(start), End: () => this.go(end),
      Enter: () => this.move("Enter"),
      Escape: () => this.letGo(),
      "+": () => this.chart.zoomBy(1.4), "=": () => this.chart.zoomBy(1.4),
      "-": () => this.chart.zoomBy(0.7), 0: () => this.chart.fit(),
    };
    const act = actions[event.key], vertical = event.key === "ArrowUp" || event.key === "ArrowDown";
    if (!act || event.key.startsWith("Page") && !slider) return;
    if (pressed && (event.key === " " || event.key === "Enter")) return;
    if (vertical && !slider && !this.chosen && event.target !== byId("roll")) return; // the page scrolls
    event.preventDefault();
    act();
  }

  go(time) {
    this.seek(time);
    this.chart.follow(time);
  }

  // From piece to piece; the first is what is worked on now.
  move(key) {
    const {stream, time} = this;
    const now = stream.shown.map((device) => stream.at(device, time)).find(Boolean);
    const near = now ?? stream.pieces.find((piece) => piece.start >= time) ?? stream.pieces.at(-1);
    const next = this.chosen ? stream.beside(this.chosen, key) : near;
    if (next) this.choose(next);
  }

  // -- the address -------------------------------------------------------------------------------------------------

  // "#stream=2&t=7&piece=2B13", or "gap=0@4", a device and when its gap begins, or "follow=13".
  goToHash() {
    const found = new URLSearchParams(location.hash.slice(1));
    const number = (name) => (/^-?\d+(\.\d+)?(e-?\d+)?$/.test(found.get(name) ?? "") ? Number(found.get(name)) : null);
    this.pause();
    this.open(Math.max(0, Math.min(this.streams.length - 1, Math.round(number("stream") ?? 1) - 1)));
    const {stream} = this, [start, end] = stream.span;
    const [device, since] = (found.get("gap") ?? "").split("@").map(Number), close = 1e-4 * stream.length;
    const gap = stream.gaps.find((one) => one.device === device && Math.abs(one.start - since) < close);
    const first = location.hash.length < 2 ? this.longestGap() : null;
    const thing = stream.names.get(found.get("piece") ?? "") ?? gap ?? first;
    if (thing) this.choose(thing);
    else {
      this.chosen = null;
      this.followed = null;
    }
    const tag = number("follow"), time = number("t");
    if (stream.ofTag.has(tag)) this.followed = tag;
    if (time !== null) this.time = Math.max(start, Math.min(end, time));
    else if (!thing) this.time = start;
    this.chart.follow(this.time);
    this.draw();
  }

  // What answers the page's question at first: the longest wait that something can be said of and that can be seen as
  // a whole, of the first device if it has one.
  longestGap() {
    const {stream, chart} = this, most = 0.6 * (chart.width - chart.left - chart.right) / chart.scale;
    const told = stream.gaps.filter(({reason, start, end}) => (
      ["value", "gradient", "transfer"].includes(reason) && end - start <= most));
    const first = told.filter(({device}) => device === stream.shown[0]), among = first.length ? first : told;
    return among.reduce((one, other) => (one && one.end - one.start >= other.end - other.start ? one : other), null);
  }

  writeHash() {
    const found = new URLSearchParams(), {chosen, followed} = this;
    if (this.streams.length > 1) found.set("stream", this.number + 1);
    found.set("t", Number(this.time.toPrecision(8)));
    if (chosen?.gap) found.set("gap", `${chosen.device}@${Number(chosen.start.toPrecision(8))}`);
    else if (chosen?.name) found.set("piece", chosen.name);
    else if (followed !== null) found.set("follow", followed);
    this.written = "#" + String(found).replace("%40", "@");
    clearTimeout(this.writing); // a browser takes only so many addresses a second
    this.writing = setTimeout(() => {
      try {
        history.replaceState(null, "", this.written);
      } catch {
        /* a page inside a notebook has no address of its own */
      }
    }, 60);
  }
}

const page = new StreamPage(readData("streams"));

// For tests and the curious.
window.circuitsim = {page};
