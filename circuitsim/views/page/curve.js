// The cost curve, which is the slider over the iterations: grey ahead, ink behind, a mark where an iteration pulled.

class Curve {
  // go(iteration, way) is called for what is asked for, with way 1 or -1 for the next or the last one;
  // settled() when it is let go of.
  constructor(holder, {go, settled}) {
    Object.assign(this, {holder, go, settled});
    this.svg = makeSvg("svg", {"aria-hidden": "true"});
    holder.append(this.svg);
    for (const [name, value] of Object.entries({
      role: "slider", tabindex: "0", "aria-label": "Iteration", "aria-valuemin": "0",
    })) holder.setAttribute(name, value);
    this.ahead = makeSvg("path", {class: "ahead"});
    this.behind = makeSvg("path", {class: "behind"});
    this.marks = makeSvg("g");
    this.scale = makeSvg("g");
    this.line = makeSvg("path", {class: "now"});
    this.knob = makeSvg("circle", {class: "knob", r: 8});
    this.words = makeSvg("text", {class: "words halo"});
    this.legend = makeSvg("text", {class: "tick", "text-anchor": "end", y: 14});
    this.legend.append(makeSvg("tspan", {class: "mark"}, "▍"), makeSvg("tspan", {}, "an iteration whose point pulled"));
    this.source = makeSvg("text", {class: "tick", "text-anchor": "end", y: 30});
    const {source, ahead, behind, marks, scale, legend, line, knob, words} = this;
    this.svg.append(source, ahead, behind, marks, scale, legend, line, knob, words);
    this.listen();
  }

  // state: {now, end, costs: [[iteration, cost]], cost: of now, told: words for now, pulled: {bin, counts} or null,
  // source: where it comes from}
  draw(state) {
    this.state = state;
    const {now, end, costs, cost, told, pulled} = state;
    const width = this.holder.clientWidth, height = this.holder.clientHeight;
    if (!(width > 0 && height > 0)) return;
    const base = height - 20, place = (iteration) => 10 + (width - 20) * iteration / Math.max(1, end);
    const finite = costs.map(([, one]) => one).filter(Number.isFinite);
    const top = 1.08 * (finite.reduce((a, b) => Math.max(a, b), Number.isFinite(cost) ? cost : 0) || 1);
    const level = (one) => base - 12 - (base - 20) * Math.min(1, one / top);
    const path = (some) => some.map(([at, one], k) =>
      `${k ? "L" : "M"}${place(at).toFixed(1)} ${level(one).toFixed(1)}`).join("");
    const known = costs.filter(([, one]) => Number.isFinite(one));
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const here = Number.isFinite(cost) ? [[now, cost]] : [];
    mark(this.ahead, "d", path([...here, ...known.filter(([at]) => at > now)]));
    mark(this.behind, "d", path([...known.filter(([at]) => at < now), ...here]));
    this.drawScale(width, height, end, place);
    if (pulled) this.drawMarks(pulled, end, base, place);
    this.legend.setAttribute("x", width - 16);
    this.legend.setAttribute("visibility", pulled && width > 600 ? "visible" : "hidden");
    this.source.setAttribute("x", width - 16);
    this.source.textContent = width > 600 && height > 90 ? state.source : "";
    const x = place(now), y = here.length ? level(cost) : base - 12, right = x > width - (width > 600 ? 420 : 220);
    mark(this.line, "d", `M${x.toFixed(1)} 4V${base}`);
    mark(this.knob, "cx", x.toFixed(1));
    mark(this.knob, "cy", y.toFixed(1));
    this.words.textContent = told;
    mark(this.words, "x", right ? x - 14 : x + 14);
    mark(this.words, "y", Math.max(15, y - 10));
    mark(this.words, "text-anchor", right ? "end" : "start");
    for (const [name, value] of Object.entries({
      "aria-valuemax": end, "aria-valuenow": now, "aria-valuetext": `iteration ${now}, ${told}`,
    })) mark(this.holder, name, value);
  }

  drawScale(width, height, end, place) {
    const key = [width, height, end].join();
    if (key === this.scaled) return;
    this.scaled = key;
    const ticks = ticked(0, end, width / 140).filter((at) => at === 0 || at === end || place(at) < place(end) - 60);
    if (ticks.at(-1) !== end) ticks.push(end);
    this.scale.replaceChildren(...ticks.map((at) => makeSvg("text", {
      class: "tick", y: height - 4, x: at === 0 ? 0 : at === end ? width : place(at),
      "text-anchor": at === 0 ? "start" : at === end ? "end" : "middle",
    }, at === 0 ? "iteration 0" : at.toLocaleString("en"))));
  }

  // A mark for each stretch that has a pull, the stronger, the more there are.
  drawMarks({bin, counts}, end, base, place) {
    const wide = Math.max(1, place(bin) - place(0) - 1), paths = ["", "", "", ""];
    const many = Math.min(counts.length, Math.ceil(end / bin));
    for (let k = 0; k < many; k++) {
      const strong = Math.ceil(4 * Math.min(1, counts[k] / bin));
      if (strong) paths[strong - 1] += `M${place(k * bin + bin / 2).toFixed(1)} ${base - 8}v8`;
    }
    const drawn = paths.map((d, k) =>
      makeSvg("path", {class: "mark", d, "stroke-width": wide, opacity: 0.4 + 0.15 * k}));
    this.marks.replaceChildren(...drawn.filter((_, k) => paths[k]));
  }

  listen() {
    const {holder} = this;
    let held = false;
    const seek = (event) => {
      const box = holder.getBoundingClientRect();
      this.go(Math.round((event.clientX - box.left - 10) / (box.width - 20) * this.state.end));
    };
    holder.addEventListener("pointerdown", (event) => {
      held = true;
      holder.setPointerCapture(event.pointerId);
      seek(event);
    });
    holder.addEventListener("pointermove", (event) => held && seek(event));
    for (const name of ["pointerup", "pointercancel"]) {
      holder.addEventListener(name, () => {
        held = false;
        this.settled();
      });
    }
    holder.addEventListener("keydown", (event) => {
      const {now, end} = this.state, far = Math.max(10, Math.round(end / 40));
      const to = {
        ArrowRight: now + 1, ArrowUp: now + 1, ArrowLeft: now - 1, ArrowDown: now - 1, PageUp: now + far,
        PageDown: now - far, Home: 0, End: end,
      }[event.key];
      if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      this.go(to, event.key.startsWith("Arrow") ? to - now : 0);
      this.settled();
    });
  }
}
