// Timelines: a chart for each stream, a row for each device, all over the same stretch of time.

const KINDS = {
  F: ["forward", "#9ec5f4", "#5a94d8"], B: ["backward", "#f4b183", "#dd8a4f"],
  I: ["gradient to the data", "#f6cf6b", "#dba92f"], W: ["gradient to the weights", "#9bd3a0", "#5faf67"],
};
const ROW = 24, NAMES = 110, AXIS = 22, BAR = 20, MEMORY = 70;
const byId = (id) => document.getElementById(id);

class Chart {
  constructor(data, board, titled) {
    this.data = data;
    this.board = board;
    this.rows = data.devices.map(() => []);
    data.work.forEach((piece, index) => this.rows[piece[0]].push(index));
    this.rows.forEach((row) => row.sort((a, b) => data.work[a][4] - data.work[b][4]));
    this.shown = this.rows.map((row, device) => [device, row]).filter(([, row]) => row.length);
    this.most = data.memory.flat().reduce((most, [, kept]) => Math.max(most, kept), 1);
    const told = data.facts.map((fact) => fact.join(" ")).join(", ");
    this.canvas = make("canvas", { role: "img", tabindex: 0, "aria-label": `${data.title}: ${told}` });
    this.element = make("section", { class: "timeline" },
      ...(titled ? [make("h2", {}, data.title)] : []), // one alone has the title of the page
      make("dl", {}, ...data.facts.map(([name, value]) => (
        make("div", {}, make("dt", {}, name), make("dd", {}, value))))),
      this.canvas);
    this.canvas.addEventListener("pointermove", (event) => board.point(this, this.at(event)));
    this.canvas.addEventListener("pointerleave", () => board.point(this, null));
    this.canvas.addEventListener("click", (event) => board.follow(this.at(event)));
    this.canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // a wheel alone scrolls the page
      event.preventDefault();
      board.zoom(Math.exp(event.deltaY / 300), this.time(event.offsetX));
    }, { passive: false });
  }

  get width() { return this.canvas.clientWidth; }
  x(time) { return NAMES + (time - this.board.from) / (this.board.to - this.board.from) * (this.width - NAMES - 12); }
  time(x) { return this.board.from + (x - NAMES) / (this.width - NAMES - 12) * (this.board.to - this.board.from); }

  // The piece of work under the pointer.
  at(event) {
    const row = this.shown[Math.floor(event.offsetY / ROW)], time = this.time(event.offsetX);
    if (!row || event.offsetX < NAMES) return null;
    const index = row[1].findLast((index) => this.data.work[index][4] <= time);
    return index !== undefined && time <= this.data.work[index][5] ? this.data.work[index] : null;
  }

  draw() {
    const height = this.shown.length * ROW + AXIS + MEMORY + 14, scale = window.devicePixelRatio || 1;
    this.canvas.style.height = `${height}px`;
    this.canvas.width = this.width * scale;
    this.canvas.height = height * scale;
    const pen = this.canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const [ink, soft, line] = ["--ink", "--soft", "--line"].map((name) => style.getPropertyValue(name));
    pen.scale(scale, scale);
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    const { from, to, chosen } = this.board;
    const bottom = this.shown.length * ROW;
    this.grid(pen, line, soft, bottom, height);
    this.shown.forEach(([device, row], place) => {
      const y = place * ROW + (ROW - BAR) / 2;
      pen.fillStyle = ink;
      pen.textAlign = "right";
      pen.fillText(this.data.devices[device], NAMES - 10, y + BAR / 2, NAMES - 14);
      pen.textAlign = "center";
      const first = row.reduce((least, index) => Math.min(least, this.data.work[index][2]), Infinity);
      let drawn = 0;
      for (const index of row) {
        const [, kind, stage, microbatch, start, end] = this.data.work[index];
        if (end < from || start > to) continue;
        const left = Math.max(NAMES, this.x(start)), right = Math.min(this.width - 12, this.x(end));
        if (right - drawn < 0.5 && chosen !== microbatch) continue; // too small to be seen beside the last
        drawn = right;
        pen.globalAlpha = chosen === null ? (microbatch % 2 ? 0.78 : 1) : chosen === microbatch ? 1 : 0.14;
        pen.fillStyle = KINDS[kind][stage === first ? 1 : 2];
        pen.fillRect(left, y, Math.max(0.5, right - left - (right - left > 3 ? 0.8 : 0)), BAR);
        if (right - left > 7 * String(microbatch).length + 3) {
          pen.fillStyle = "#1d2329";
          pen.fillText(microbatch, (left + right) / 2, y + BAR / 2 + 0.5);
        }
      }
      pen.globalAlpha = 1;
    });
    for (const [device, start, end] of this.data.outages) {
      const place = this.shown.findIndex(([shown]) => shown === device);
      if (place < 0 || end < from || start > to) continue;
      const left = Math.max(NAMES, this.x(start)), right = Math.min(this.width - 12, this.x(end));
      pen.strokeStyle = pen.fillStyle = style.getPropertyValue("--gradient");
      pen.strokeRect(left, place * ROW + 2.5, right - left, BAR - 1);
      if (right - left > 40) pen.fillText("down", (left + right) / 2, place * ROW + ROW / 2);
    }
    this.memory(pen, soft, bottom + AXIS + 14);
  }

  grid(pen, line, soft, bottom, height) {
    const { from, to } = this.board, rough = (to - from) / 10, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
    pen.textAlign = "center";
    for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) {
      pen.strokeStyle = line;
      pen.beginPath();
      pen.moveTo(this.x(tick), 0);
      pen.lineTo(this.x(tick), height);
      pen.stroke();
      pen.fillStyle = soft;
      pen.fillText(ticks(tick), this.x(tick), bottom + AXIS / 2);
    }
  }

  // How many microbatches the devices keep: a line each.
  memory(pen, soft, top) {
    const y = (kept) => top + MEMORY - 10 - kept / this.most * (MEMORY - 16);
    pen.save();
    pen.textAlign = "right";
    pen.fillStyle = soft;
    pen.fillText("microbatches", NAMES - 10, top + 14);
    pen.fillText(`kept, to ${show(this.most)}`, NAMES - 10, top + 30);
    pen.beginPath();
    pen.rect(NAMES, top - 4, this.width - NAMES - 12, MEMORY + 4);
    pen.clip();
    this.shown.forEach(([device], place) => {
      pen.strokeStyle = `hsl(${place * 360 / this.shown.length} 55% 52%)`;
      pen.lineWidth = 1.4;
      pen.beginPath();
      pen.moveTo(this.x(0), y(0));
      let before = 0;
      for (const [time, kept] of this.data.memory[device]) {
        pen.lineTo(this.x(time), y(before));
        pen.lineTo(this.x(time), y(kept));
        before = kept;
      }
      pen.stroke();
    });
    pen.restore();
  }

  tell([device, kind, stage, microbatch, start, end]) {
    return `${this.data.devices[device]} does ${kind}${microbatch}: ${KINDS[kind][0]}, stage ${stage}, `
      + `microbatch ${microbatch}, from ${ticks(start)} to ${ticks(end)}.`;
  }
}

class Board {
  constructor(data) {
    this.end = Math.max(...data.map((one) => one.end));
    this.start = Math.min(...data.map((one) => one.start));
    this.chosen = null;
    this.charts = data.map((one) => new Chart(one, this, data.length > 1));
    byId("charts").append(...this.charts.map((chart) => chart.element));
    const kinds = new Set(data.flatMap((one) => one.work.map((piece) => piece[1])));
    byId("keys").append(...Object.entries(KINDS).filter(([kind]) => kinds.has(kind)).map(([kind, [name, colour]]) => {
      const key = make("span", { class: "swatch", "aria-hidden": "true" });
      key.style.backgroundColor = colour;
      return make("span", {}, key, `${kind}, ${name}`);
    }));
    if (data.some((one) => one.outages.length)) {
      const key = make("span", { class: "swatch outage", "aria-hidden": "true" });
      byId("keys").append(make("span", {}, key, "down after a crash"));
    }
    this.all();
    this.say(null);
    window.addEventListener("resize", () => this.draw());
    document.addEventListener("keydown", (event) => this.key(event));
    for (const [id, act] of Object.entries({
      "onto-earlier": () => this.move(-0.25), "onto-later": () => this.move(0.25),
      smaller: () => this.zoom(2), larger: () => this.zoom(0.5),
      fit: () => this.all(), theme: () => this.theme(document.documentElement.dataset.theme !== "dark"),
    })) byId(id).addEventListener("click", act);
    this.theme(window.matchMedia("(prefers-color-scheme: dark)").matches);
  }

  key(event) {
    const acts = {
      ArrowLeft: () => this.move(-0.25), ArrowRight: () => this.move(0.25), "+": () => this.zoom(0.5),
      "-": () => this.zoom(2), 0: () => this.all(), Escape: () => this.follow(null),
    };
    if (!acts[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    acts[event.key]();
  }

  all() { this.see(this.start, this.end); }
  move(part) { const by = part * (this.to - this.from); this.see(this.from + by, this.to + by); }
  zoom(factor, about = (this.from + this.to) / 2) {
    this.see(about - (about - this.from) * factor, about + (this.to - about) * factor);
  }

  see(from, to) {
    const whole = this.end - this.start || 1, wide = Math.min(Math.max(to - from, whole / 1e4), whole);
    this.from = Math.min(Math.max(from, this.start), this.end - wide);
    this.to = this.from + wide;
    this.draw();
  }

  point(chart, piece) { this.say(piece && chart.tell(piece)); }
  follow(piece) {
    this.chosen = piece === null || piece[3] === this.chosen ? null : piece[3];
    this.draw();
    this.say(null);
  }

  say(sentence) {
    const following = this.chosen === null ? "" : `Microbatch ${this.chosen} is followed.`;
    byId("told").textContent = sentence || following || "Point at a piece of work.";
  }

  theme(dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    byId("theme").textContent = dark ? "Light" : "Dark";
    this.draw();
  }

  draw() { for (const chart of this.charts) chart.draw(); }
}

const timelines = JSON.parse(byId("timelines").textContent);
byId("title").textContent = document.title;
new Board(timelines);
