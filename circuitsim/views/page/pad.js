// The drawing field: pixels that are drawn on with a brush or set by keys, and over them what would help.

const FINE = 4;  // a brush covers FINE × FINE points of a pixel: it is as dark as many of them are covered
const BRUSH = 2.8;  // the radius of a brush, in points
const CELL = 40;

class Pad {
  // hooks: changed(), the levels are others; at(pixel), a pixel is pointed at or left (null); moved(pixel), by keys
  constructor(svg, [rows, columns], levels, hooks) {
    Object.assign(this, {svg, rows, columns, most: levels, hooks, erasing: false, cursor: 0});
    this.levels = new Float64Array(rows * columns);
    svg.setAttribute("viewBox", `0 0 ${columns * CELL} ${rows * CELL}`);
    const cell = (pixel) => ({x: (pixel % columns) * CELL, y: Math.floor(pixel / columns) * CELL});
    const pixels = [...this.levels.keys()];
    this.cells = pixels.map((pixel) => makeSvg("rect", {...cell(pixel), width: CELL, height: CELL, class: "cell"}));
    const lines = Array.from({length: rows + 1}, (_, row) => `M0 ${row * CELL}h${columns * CELL}`)
      .concat(Array.from({length: columns + 1}, (_, column) => `M${column * CELL} 0v${rows * CELL}`));
    this.arrows = pixels.map(() => makeSvg("path", {}));
    this.ring = makeSvg("rect", {width: CELL - 4, height: CELL - 4, rx: 4, class: "ring"});
    this.frame = makeSvg("g", {class: "best"});
    for (const inset of [1, 3]) this.frame.append(makeSvg("rect", {x: inset, y: inset, width: CELL - 2 * inset, height: CELL - 2 * inset}));
    svg.replaceChildren(...this.cells, makeSvg("path", {d: lines.join(""), class: "grid"}), ...this.arrows, this.frame, this.ring);
    this.listen();
    this.begin();
  }

  // Brushes go on from here: what they cover is added to what now stands.
  begin() {
    this.base = this.levels.slice();
    this.covered = new Uint8Array(this.levels.length * FINE * FINE);
  }

  load(levels) {
    this.levels = Float64Array.from(levels);
    this.begin();
  }

  // -- brushes ---------------------------------------------------------------------------------------------------

  listen() {
    const {svg} = this;
    svg.addEventListener("pointerdown", (event) => {
      if (event.button > 0 && event.pointerType === "mouse") return;
      try {
        svg.setPointerCapture(event.pointerId);
      } catch {
        /* a pointer that is gone already */
      }
      this.drawing = event.pointerId;
      this.last = null;
      if (this.erasing !== this.erased) this.begin();
      this.erased = this.erasing;
      this.draw(event);
    });
    svg.addEventListener("pointermove", (event) => {
      if (this.drawing !== event.pointerId) return this.hooks.at(this.pixelAt(event));
      for (const one of event.getCoalescedEvents?.() ?? []) this.stroke(this.point(one));
      this.draw(event);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      svg.addEventListener(name, () => { this.drawing = null; this.hooks.changed(true); });
    }
    svg.addEventListener("pointerleave", () => this.drawing == null && this.hooks.at(null));
    svg.addEventListener("keydown", (event) => this.key(event));
    svg.addEventListener("focus", () => this.show());
  }

  draw(event) {
    this.stroke(this.point(event));
    this.hooks.changed(false);
  }

  // Where an event is, in points of the brush.
  point(event) {
    const room = this.svg.getBoundingClientRect();
    return [
      ((event.clientX - room.left) / room.width) * this.columns * FINE,
      ((event.clientY - room.top) / room.height) * this.rows * FINE,
    ];
  }

  pixelAt(event) {
    const [x, y] = this.point(event).map((along) => Math.floor(along / FINE));
    return x >= 0 && y >= 0 && x < this.columns && y < this.rows ? y * this.columns + x : null;
  }

  // Cover what is nearer than the brush's radius to the way from the last point to this one.
  stroke(to) {
    const from = this.last ?? to;
    this.last = to;
    const wide = this.columns * FINE, high = this.rows * FINE;
    const along = [to[0] - from[0], to[1] - from[1]], long = along[0] ** 2 + along[1] ** 2;
    const range = (one, other, most) => [
      Math.max(0, Math.floor(Math.min(one, other) - BRUSH)), Math.min(most - 1, Math.ceil(Math.max(one, other) + BRUSH))];
    const [left, right] = range(from[0], to[0], wide), [top, bottom] = range(from[1], to[1], high);
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const off = [x + 0.5 - from[0], y + 0.5 - from[1]];
        const share = long ? Math.max(0, Math.min(1, (off[0] * along[0] + off[1] * along[1]) / long)) : 0;
        if (Math.hypot(off[0] - share * along[0], off[1] - share * along[1]) > BRUSH) continue;
        const pixel = Math.floor(y / FINE) * this.columns + Math.floor(x / FINE);
        this.covered[pixel * FINE * FINE + (y % FINE) * FINE + (x % FINE)] = 1;
      }
    }
    for (let pixel = 0; pixel < this.levels.length; pixel++) {
      const covered = this.covered.subarray(pixel * FINE * FINE, (pixel + 1) * FINE * FINE).reduce((a, b) => a + b, 0);
      const level = (covered / (FINE * FINE)) * this.most;
      this.levels[pixel] = this.erasing ? Math.min(this.base[pixel], this.most - level) : Math.max(this.base[pixel], level);
    }
  }

  // -- keys ------------------------------------------------------------------------------------------------------

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const {columns, rows, most} = this, row = Math.floor(this.cursor / columns), column = this.cursor % columns;
    const go = (toRow, toColumn) => {
      this.cursor = Math.max(0, Math.min(rows - 1, toRow)) * columns + Math.max(0, Math.min(columns - 1, toColumn));
    };
    const put = (level) => {
      this.levels[this.cursor] = Math.max(0, Math.min(most, level));
      this.begin();
      this.hooks.changed(true);
    };
    const level = this.levels[this.cursor];
    const actions = {
      ArrowUp: () => go(row - 1, column), ArrowDown: () => go(row + 1, column),
      ArrowLeft: () => go(row, column - 1), ArrowRight: () => go(row, column + 1),
      Home: () => go(row, 0), End: () => go(row, columns - 1),
      " ": () => put(level > 0 ? 0 : most), Delete: () => put(0),
      "+": () => put(level + most / 4), "=": () => put(level + most / 4), "-": () => put(level - most / 4),
      PageUp: () => put(level + 1), PageDown: () => put(level - 1),
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
    this.show();
    this.hooks.moved(this.cursor);
  }

  // -- what is seen ----------------------------------------------------------------------------------------------

  // Whether a pixel can go where its gradient leads.
  able(pixel) { return this.gradients[pixel] > 0 ? this.levels[pixel] < this.most : this.levels[pixel] > 0; }

  // The pixel that matters most, of those that can move; null if none does.
  best() {
    const sizes = this.gradients.map((gradient, pixel) => this.able(pixel) ? Math.abs(gradient) : 0);
    const best = sizes.indexOf(Math.max(...sizes));
    return sizes[best] ? best : null;
  }

  // gradients: of the pixels; an arrow's area tells how large one is beside the largest.
  show(gradients = this.gradients) {
    this.gradients = gradients;
    const {levels, most, columns} = this;
    const largest = gradients.reduce((met, gradient) => Math.max(met, Math.abs(gradient)), 0);
    levels.forEach((level, pixel) => {
      this.cells[pixel].setAttribute("fill-opacity", (level / most).toFixed(3));
      const gradient = gradients[pixel], arrow = this.arrows[pixel];
      const reach = largest ? Math.sqrt(Math.abs(gradient) / largest) * CELL * 0.32 : 0;
      const stuck = !this.able(pixel);
      const x = (pixel % columns + 0.5) * CELL, y = (Math.floor(pixel / columns) + 0.5) * CELL;
      arrow.setAttribute("class", stuck ? "stuck" : gradient > 0 ? "raise" : "lower");
      arrow.setAttribute("d", reach < 2.5 ? "" : stuck ? `M${x - reach * 0.8} ${y}h${reach * 1.6}` : triangle(x, y, reach, gradient > 0));
    });
    const best = this.best(), corner = best === null ? null : [best % columns, Math.floor(best / columns)];
    this.frame.setAttribute("transform", corner ? `translate(${corner.map((side) => side * CELL)})` : "scale(0)");
    this.ring.setAttribute("x", (this.cursor % columns) * CELL + 2);
    this.ring.setAttribute("y", Math.floor(this.cursor / columns) * CELL + 2);
  }
}

// A triangle about a point that stands on its base, or on its tip.
function triangle(x, y, reach, up) {
  const [wide, high] = [reach * 0.95, up ? -reach : reach];
  return `M${x} ${y + high}L${x + wide} ${y - high * 0.8}H${x - wide}z`;
}
