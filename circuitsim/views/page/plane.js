// The plane of two features: what the circuit makes of every place in it, and the points, which can be moved.

const NEAR = 18; // pixels from a point that still mean it
const ROOM = 12; // most points that have their scores beside them
const CROWDED = 60; // points, above which they are drawn smaller

class Plane {
  // axes: the names of both features; classes: of labels below 0 and above; touch, if points can be changed:
  // {choose(k or null), add(x, y), move(k, x, y), settled(), remove(k)}
  constructor(holder, {axes, classes, touch}) {
    Object.assign(this, {holder, axes, classes, touch});
    this.canvas = make("canvas", {"aria-hidden": "true"});
    this.svg = makeSvg("svg", {role: "group", "aria-label": "The plane"});
    this.small = make("canvas");
    holder.prepend(this.canvas, this.svg);
    this.layers = Object.fromEntries(["axes", "points", "over"].map((name) => [name, makeSvg("g")]));
    this.svg.append(...Object.values(this.layers));
    this.drawn = [];
    this.focus = 0; // the point that the tabulator key leads to
    this.cost = 0.002; // milliseconds to score a place, about
    if (touch) this.listen();
  }

  // Choose what part of the plane is in sight: [x low, x high, y low, y high] and more, as the room is.
  view(bounds) {
    this.bounds = bounds;
    const {clientWidth: width, clientHeight: height} = this.holder;
    const [left, right, low, high] = bounds;
    let across = (right - left) / width, up = (high - low) / height; // units to a pixel
    if (Math.max(across, up) < 4 * Math.min(across, up)) across = up = Math.max(across, up);
    const [x, y] = [(left + right) / 2 - across * width / 2, (low + high) / 2 + up * height / 2];
    Object.assign(this, {width, height, across, up, left: x, top: y});
  }

  place([x, y]) { return [(x - this.left) / this.across, (this.top - y) / this.up]; }

  spot(px, py) { return [this.left + px * this.across, this.top - py * this.up]; }

  // state: {look(x, y), points: [{xy, label, apart, score}], shown: the point that is shown or null, asked: whether it
  // was clicked, pull: [dx, dy] along which it is pulled or null, budget: milliseconds for the picture}
  draw(state) {
    this.state = state;
    if (this.width !== this.holder.clientWidth || this.height !== this.holder.clientHeight) this.view(this.bounds);
    if (!(this.width > 0 && this.height > 0)) return;
    this.paint(state);
    this.drawAxes();
    this.drawPoints(state);
  }

  // -- what the circuit says everywhere ------------------------------------------------------------------------

  paint({look, budget}) {
    const {width, height} = this;
    const begun = performance.now();
    const steps = [3, 4, 6, 8, 12, 16, 24, 40];
    const step = steps.find((pixels) => this.cost * (width / pixels + 2) * (height / pixels + 2) < budget) ?? 60;
    const columns = Math.ceil(width / step) + 1, rows = Math.ceil(height / step) + 1;
    const heights = new Float64Array(columns * rows);
    for (let row = 0, at = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, at++) {
        heights[at] = look(...this.spot(column * step, row * step));
      }
    }
    this.cost = 0.7 * this.cost + 0.3 * (performance.now() - begun) / heights.length;
    const {canvas, small} = this, dense = Math.min(2, window.devicePixelRatio || 1);
    if (canvas.width !== Math.round(width * dense) || canvas.height !== Math.round(height * dense)) {
      canvas.width = Math.round(width * dense);
      canvas.height = Math.round(height * dense);
    }
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    this.tint(heights, columns, rows, step, rgb(colour("--plus-soft")), rgb(colour("--minus-soft")));
    const pen = canvas.getContext("2d");
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    pen.drawImage(small, 0, 0, width, height);
    const line = (level, wide, ink, dots) => {
      pen.beginPath();
      for (const [x0, y0, x1, y1] of contour(heights, columns, rows, level)) {
        pen.moveTo(x0 * step, y0 * step);
        pen.lineTo(dots ? x0 * step + 0.01 : x1 * step, dots ? y0 * step : y1 * step);
      }
      Object.assign(pen, {lineWidth: wide, strokeStyle: ink, lineCap: "round"});
      pen.stroke();
    };
    for (const level of [-1, 1]) line(level, 1.4, colour("--soft"), true);
    line(0, 2, colour("--ink"), false);
  }

  // Each pixel has the colour of its side; scores between the places that were asked for are a mean of them.
  tint(heights, columns, rows, step, plus, minus) {
    const wide = Math.ceil(this.width), high = Math.ceil(this.height);
    if (this.image?.width !== wide || this.image?.height !== high) {
      this.small.width = wide;
      this.small.height = high;
      this.image = new ImageData(wide, high);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    const {pixels} = this;
    for (let y = 0, at = 0; y < high; y++) {
      const row = Math.min(rows - 2, Math.floor(y / step)), down = y / step - row;
      for (let column = 0, x = 0; x < wide; column = Math.min(columns - 2, column + 1)) {
        const corner = row * columns + column;
        const left = heights[corner] + down * (heights[corner + columns] - heights[corner]);
        const right = heights[corner + 1] + down * (heights[corner + columns + 1] - heights[corner + 1]);
        const slope = (right - left) / step, end = column === columns - 2 ? wide : Math.min(wide, (column + 1) * step);
        for (let score = left; x < end; x++, score += slope) pixels[at++] = score > 0 ? plus : minus;
      }
    }
    this.small.getContext("2d").putImageData(this.image, 0, 0);
  }

  // -- axes and points -----------------------------------------------------------------------------------------

  drawAxes() {
    const {width, height, layers, axes} = this;
    const key = [width, height, this.left, this.top].join();
    if (key === this.axed) return;
    this.axed = key;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const marks = [];
    const text = (x, y, words, more) => marks.push(makeSvg("text", {x, y, class: "tick halo", ...more}, words));
    for (const value of ticked(this.left, this.left + width * this.across, width / 72)) {
      const [x] = this.place([value, 0]);
      if (x > 30 && x < width - 40) text(x, height - 8, show(value), {"text-anchor": "middle"});
    }
    for (const value of ticked(this.top - height * this.up, this.top, height / 64)) {
      const [, y] = this.place([0, value]);
      if (y > 44 && y < height - 28) text(8, y + 4, show(value), {});
    }
    text(width - 8, height - 8, axes[0], {class: "axis halo", "text-anchor": "end"});
    text(8, 20, axes[1], {class: "axis halo"});
    layers.axes.replaceChildren(...marks);
  }

  drawPoints(state) {
    const {layers, drawn, classes} = this, {points, shown} = state;
    while (drawn.length > points.length) drawn.pop().group.remove();
    while (drawn.length < points.length) drawn.push(this.makePoint(drawn.length));
    this.focus = Math.max(0, Math.min(this.focus, points.length - 1));
    points.forEach(({xy, label, apart, score}, k) => {
      const {group, shape, words} = drawn[k], [x, y] = this.place(xy);
      group.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
      mark(shape, "transform", points.length > CROWDED ? "scale(0.7)" : "");
      mark(shape, "d", label > 0 ? DISC : DIAMOND);
      mark(shape, "class", `shape ${label > 0 ? "plus" : "minus"}${apart ? " apart" : ""}`);
      mark(group, "tabindex", k === this.focus ? 0 : -1);
      const told = score > 0 ? "+" + show(score, 3) : show(score, 3);
      const right = score > 0 === label > 0;
      mark(group, "aria-label", `Point ${k + 1}, ${classes[label > 0 ? 1 : 0]}, at ${show(xy[0], 3)} and `
        + `${show(xy[1], 3)}, score ${told}, ${right ? "right" : "wrong"}${apart ? ", held back" : ""}`);
      mark(group, "aria-pressed", String(k === shown && Boolean(state.asked)));
      const beside = points.length <= ROOM || k === shown ? told : "";
      if (words.textContent !== beside) words.textContent = beside;
      const left = k === shown && state.pull && state.pull[0] > 0;
      mark(words, "x", (left ? -1 : 1) * (k === shown ? 20 : 13));
      mark(words, "text-anchor", left || x > this.width - 60 && k !== shown ? "end" : "start");
      if (!left && x > this.width - 60) mark(words, "x", k === shown ? -20 : -13), mark(words, "text-anchor", "end");
    });
    layers.over.replaceChildren(...this.ring(state), ...this.arrow(state));
  }

  makePoint(k) {
    const group = makeSvg("g", {class: "point", role: "button", "data-point": k});
    const shape = makeSvg("path", {class: "shape"});
    const words = makeSvg("text", {class: "score halo", y: 4});
    group.append(makeSvg("circle", {class: "focus", r: 18}), shape, words);
    this.layers.points.append(group);
    return {group, shape, words};
  }

  // The point that is shown lies above all others, in a ring.
  ring({points, shown}) {
    if (shown === null) return [];
    const [x, y] = this.place(points[shown].xy), {shape} = this.drawn[shown];
    const group = makeSvg("g", {transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`});
    group.append(makeSvg("circle", {class: "shown", r: 15}), shape.cloneNode());
    return [group];
  }

  // Where the pull would move the point that is shown.
  arrow({points, shown, pull}) {
    const long = pull ? Math.hypot(...pull) : 0;
    if (shown === null || !(long > 1e-9) || !Number.isFinite(long)) return [];
    const [x, y] = this.place(points[shown].xy), way = [pull[0] / this.across, -pull[1] / this.up];
    const size = Math.hypot(...way), [dx, dy] = [way[0] / size, way[1] / size];
    const reach = 17 + 24 + 24 * Math.min(1, long), [tx, ty] = [x + dx * reach, y + dy * reach];
    const wing = (turn) => {
      const angle = Math.atan2(dy, dx) + turn;
      return `M${tx} ${ty}l${-9 * Math.cos(angle)} ${-9 * Math.sin(angle)}`;
    };
    const shaft = `M${x + 17 * dx} ${y + 17 * dy}L${tx} ${ty}`;
    return [makeSvg("path", {class: "arrow", d: shaft + wing(0.5) + wing(-0.5)})];
  }

  // -- what people do ------------------------------------------------------------------------------------------

  // The point at a place on the picture, or null.
  at(px, py) {
    let best = null, least = NEAR;
    this.state.points.forEach(({xy}, k) => {
      const [x, y] = this.place(xy), away = Math.hypot(x - px, y - py);
      if (away < least) [best, least] = [k, away];
    });
    return best;
  }

  listen() {
    const {svg, touch} = this;
    svg.classList.add("touched");
    const local = (event) => {
      const box = svg.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    let held = null;
    svg.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      const from = local(event);
      held = {from, point: this.at(...from), moved: false};
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      const [px, py] = local(event);
      if (!held) return svg.classList.toggle("over", this.state && this.at(px, py) !== null);
      if (held.point === null || (!held.moved && Math.hypot(px - held.from[0], py - held.from[1]) < 4)) return;
      held.moved = true;
      const inside = [Math.max(0, Math.min(this.width, px)), Math.max(0, Math.min(this.height, py))];
      touch.move(held.point, ...this.spot(...inside).map(rounded3));
    });
    svg.addEventListener("pointerup", (event) => {
      const was = held;
      held = null;
      if (!was) return;
      if (was.moved) touch.settled();
      else if (was.point !== null) touch.choose(was.point);
      else touch.add(...this.spot(...local(event)).map(rounded3));
      this.focusOn(was.point ?? this.drawn.length - 1);
    });
    svg.addEventListener("pointercancel", () => { held = null; });
    svg.addEventListener("keydown", (event) => this.key(event));
  }

  focusOn(k) {
    this.focus = k;
    this.drawPoints(this.state);
    this.drawn[this.focus]?.group.focus({preventScroll: true});
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const {points} = this.state, k = this.focus;
    const unit = rounded3(Math.max(this.across * this.width, this.up * this.height) / (event.shiftKey ? 500 : 50));
    const by = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key];
    const go = {PageDown: 1, PageUp: -1}[event.key];
    if (by && points[k]) {
      this.touch.move(k, ...points[k].xy.map((number, axis) => rounded3(number + unit * by[axis])));
      this.touch.settled();
    } else if (go) {
      this.focusOn((k + go + points.length) % points.length);
    } else if (event.key === "Enter" || event.key === " ") this.touch.choose(k);
    else if (event.key === "Delete" || event.key === "Backspace") {
      this.touch.remove(k);
      this.focusOn(this.focus);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

const DISC = "M-7 0a7 7 0 1 0 14 0a7 7 0 1 0 -14 0z", DIAMOND = "M0 -8.5L8.5 0L0 8.5L-8.5 0z";

function rounded3(value) {
  return Number(value.toFixed(3)) + 0;
}

// A colour "#rrggbb" as a pixel has it.
function rgb(hex) {
  const number = parseInt(hex.slice(1), 16);
  return (255 << 24 | (number & 255) << 16 | (number & 0xff00) | number >> 16) >>> 0;
}

// Round numbers from low to high, about `many` of them.
function ticked(low, high, many) {
  const rough = (high - low) / Math.max(1, many), power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((times) => times * power >= rough) ?? 10);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high && found.length < 100; k++) {
    found.push(Number((k * step).toPrecision(6)));
  }
  return found;
}

// The pieces of the line where heights pass a level, cell by cell, in cells.
function contour(heights, columns, rows, level) {
  const pieces = [];
  for (let row = 0; row < rows - 1; row++) {
    for (let column = 0; column < columns - 1; column++) {
      const at = row * columns + column;
      const a = heights[at] - level, b = heights[at + 1] - level;
      const c = heights[at + columns + 1] - level, d = heights[at + columns] - level;
      const above = (a > 0) + (b > 0) + (c > 0) + (d > 0);
      if (above === 0 || above === 4) continue;
      const crossings = [];
      if (a > 0 !== b > 0) crossings.push(column + a / (a - b), row);
      if (b > 0 !== c > 0) crossings.push(column + 1, row + b / (b - c));
      if (c > 0 !== d > 0) crossings.push(column + d / (d - c), row + 1);
      if (d > 0 !== a > 0) crossings.push(column, row + a / (a - d));
      for (let k = 0; k + 3 < crossings.length; k += 4) pieces.push(crossings.slice(k, k + 4));
    }
  }
  return pieces;
}
