// The timeline: a row for each device with its pieces of work, and below them what it keeps. It is drawn once for each
// stretch of time that is shown; what changes with the clock lies on a canvas of its own above it.

const TOP = 24, AXIS = 18; // pixels: above the rows, and for the ticks below them
const LEAST = 8.4; // pixels to a piece, for its number to be read
const LINE = 11.5; // from digit to digit below it
const COLOURS = ["paper", "ink", "soft", "wire", "line", "value", "value-soft", "gradient", "gradient-soft", "on"];

class Chart {
  // hooks: choose(thing) when something is clicked, seek(time) while the time is dragged, moved() when another stretch
  // of time is shown.
  constructor(hooks) {
    this.hooks = hooks;
    this.box = byId("timeline");
    this.roll = byId("roll");
    this.still = byId("chart");
    this.quick = byId("moment");
    this.handle = byId("time");
    this.stem = make("div", {id: "stem"});
    this.still.before(this.stem);
    this.scale = this.fitScale = 1;
    this.listen();
  }

  load(stream) {
    this.stream = stream;
    this.opened = false;
    this.resize();
  }

  get start() { return this.stream.span[0]; }
  x(time) { return this.left + (time - this.start) * this.scale - this.roll.scrollLeft; }
  time(x) { return this.start + (x - this.left + this.roll.scrollLeft) / this.scale; }
  y(row) { return TOP + row * this.row - this.roll.scrollTop; }

  // -- sizes -------------------------------------------------------------------------------------------------------

  resize() {
    const {stream, box} = this;
    if (!stream) return;
    this.width = box.clientWidth;
    this.small = this.width < NARROW;
    const style = getComputedStyle(document.documentElement);
    this.colour = Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.tints = [...Array(8).keys()].map((device) => style.getPropertyValue(`--device-${device}`).trim());
    this.font = getComputedStyle(document.body).fontFamily;
    const pen = this.still.getContext("2d"), peak = show(Math.max(0, ...stream.peaks), 3);
    pen.font = `600 14px ${this.font}`;
    this.left = this.small ? Math.max(40, 18 + pen.measureText(`${peak}/${peak}`).width) : 96;
    this.right = this.small ? 10 : Math.max(108, 10 + pen.measureText(`${peak} of at most ${peak}`).width);
    const room = this.width - this.left - this.right;
    this.fitScale = Math.max(1, room) / (stream.length || 1);
    if (!this.opened) this.scale = Math.min(LEAST / stream.shortest, 60 * this.fitScale); // that numbers can be read
    this.scale = Math.max(this.opened && this.whole ? 0 : this.scale, this.fitScale);
    this.opened = true;
    this.layRows();
    this.drawStill();
  }

  // Rows are as high as the room allows, and as their numbers need.
  layRows() {
    const {stream, box} = this, rows = stream.shown.length;
    const stacked = stream.shortest * this.scale < 7 * stream.digits + 4;
    const least = Math.max(24, stacked ? LINE * stream.digits + 4 : 0);
    this.foot = byId("legend").offsetHeight + 2;
    this.height = box.clientHeight - this.foot;
    const room = (this.height - TOP - AXIS) / rows;
    this.row = Math.max(least + 13, Math.min(72, room));
    this.piece = Math.max(least, Math.min(44, this.row - 24));
    this.memory = Math.min(16, this.row - this.piece - 5);
    const {roll} = this, across = this.scale > this.fitScale * 1.0001;
    const edges = {left: this.left, right: this.right, top: TOP, bottom: this.foot};
    for (const [side, length] of Object.entries(edges)) roll.style[side] = `${length}px`;
    byId("room").style.width = across ? `${stream.length * this.scale}px` : "100%";
    byId("room").style.height = `${rows * this.row + AXIS}px`;
    this.bar = roll.offsetHeight - roll.clientHeight; // of a scrollbar
    this.bottom = Math.min(this.height - AXIS - this.bar, TOP + rows * this.row - roll.scrollTop);
    this.whole = !across;
    byId("fit").disabled = this.whole;
    byId("smaller").disabled = this.whole;
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.still, this.quick]) {
      const [wide, high] = [Math.round(this.width * ratio), Math.round((this.height + this.foot) * ratio)];
      if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, {width: wide, height: high});
    }
    this.ratio = ratio;
  }

  // Shows so many pixels to a tick, with one time at one place.
  zoom(scale, time, x) {
    const most = Math.min(240 / this.stream.shortest, 4e6 / (this.stream.length || 1));
    this.scale = Math.max(this.fitScale, Math.min(scale, Math.max(most, this.fitScale)));
    if (this.scale < this.fitScale * 1.02) this.scale = this.fitScale;
    this.layRows();
    this.roll.scrollLeft = (time - this.start) * this.scale - (x - this.left);
    this.keepInSight();
    this.drawStill();
    this.hooks.moved();
  }

  // Zooms about what is chosen, or the time, or the middle.
  zoomBy(factor) {
    const {chosen, time} = this.state ?? {};
    const anchor = chosen ? (chosen.start + chosen.end) / 2 : time ?? this.time(this.width / 2);
    const x = this.x(anchor), inside = x >= this.left && x <= this.width - this.right;
    const at = inside ? x : this.left + (this.width - this.left - this.right) / 2;
    this.zoom(this.scale * factor, inside || chosen ? anchor : this.time(at), at);
  }

  fit() {
    this.zoom(this.fitScale, this.start, this.left);
  }

  // What is chosen stays in sight while somebody zooms about another place.
  keepInSight() {
    const {chosen} = this.state ?? {};
    if (chosen) this.reveal(chosen);
  }

  // Scrolls as little as it takes to see a piece.
  reveal({start, end, device}) {
    const {roll} = this, margin = 0.1 * (this.width - this.left - this.right);
    const [left, right] = [this.x(start), this.x(end)];
    if (left < this.left + margin || right > this.width - this.right - margin) {
      const wide = Math.min(right - left, this.width - this.left - this.right - 2 * margin);
      if (left < this.left + margin) roll.scrollLeft += left - this.left - margin;
      else roll.scrollLeft += left + wide - (this.width - this.right - margin);
    }
    const row = this.stream.shown.indexOf(device), y = this.y(row);
    if (y < TOP) roll.scrollTop += y - TOP;
    else roll.scrollTop += Math.max(0, y + this.row - (this.height - AXIS - this.bar));
  }

  // Turns the page when the time leaves it.
  follow(time) {
    const x = this.x(time), room = this.width - this.left - this.right;
    if (this.whole || (x >= this.left && x <= this.left + 0.9 * room)) return;
    this.roll.scrollLeft = (time - this.start) * this.scale - 0.1 * room;
  }

  // -- what stands -------------------------------------------------------------------------------------------------

  pen(canvas) {
    const pen = canvas.getContext("2d");
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.height + this.foot);
    pen.font = `12px ${this.font}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    return pen;
  }

  drawStill() {
    if (!this.width) return;
    const {stream, colour, left, width, right} = this, pen = this.pen(this.still);
    this.bottom = Math.min(this.height - AXIS - this.bar, TOP + stream.shown.length * this.row - this.roll.scrollTop);
    this.grid(pen);
    pen.save();
    pen.beginPath();
    pen.rect(left - 4, TOP, width - left - right + 8, this.bottom - TOP);
    pen.clip();
    this.hidden = false;
    this.stripes = stripes(pen, colour["gradient-soft"], colour.paper);
    this.eachRow((device, y) => {
      this.drawMemory(pen, device, y);
      this.drawGaps(pen, device, y);
      this.drawPieces(pen, device, y);
      this.drawMoves(pen, device, y);
    });
    this.drawOutages(pen);
    pen.restore();
    this.drawNames(pen);
    byId("legend").style.top = `${this.bottom + AXIS + 1 + this.bar}px`;
    byId("unread").hidden = !this.hidden;
    if (this.state) this.show(this.state);
  }

  // The rows in sight, with the height at which their pieces begin.
  eachRow(act) {
    this.stream.shown.forEach((device, row) => {
      const y = this.y(row);
      if (y < this.bottom && y + this.row > TOP) act(device, y, row);
    });
  }

  // The things of a row that are in sight.
  inSight(row) {
    const from = this.time(this.left), till = this.time(this.width - this.right);
    let first = place(row, from, (one) => one.start);
    while (first > 0 && row[first - 1].end > from) first--;
    return row.slice(Math.max(0, first), place(row, till, (one) => one.start) + 1);
  }

  grid(pen) {
    const {colour, left, width, right} = this, room = width - left - right;
    const from = this.time(left), till = Math.min(this.time(width - right), this.stream.span[1]);
    const rough = Math.max(1e-300, (till - from) / Math.max(2, room / 90)), power = 10 ** Math.floor(Math.log10(rough));
    const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
    const first = Math.ceil(from / step - 1e-9);
    pen.fillStyle = colour.soft;
    pen.strokeStyle = colour.line;
    pen.lineWidth = 1;
    for (let count = first; count * step <= till + 1e-9 * step; count++) {
      const x = Math.round(this.x(count * step)) + 0.5;
      pen.beginPath();
      pen.moveTo(x, TOP);
      pen.lineTo(x, this.bottom);
      pen.stroke();
      const text = `${count === first ? "tick " : ""}${show(Number((count * step).toPrecision(10)), 7)}`;
      pen.textAlign = x < left + 20 && this.small ? "left" : "center";
      pen.fillText(text, Math.max(x, this.small ? 0 : 20), this.bottom + AXIS / 2 + 1);
    }
    pen.textAlign = "center";
  }

  drawMemory(pen, device, y) {
    const {stream, colour} = this, steps = stream.memory[device], peak = stream.peaks[device];
    if (!peak) return;
    const base = Math.round(y + this.piece + 2 + this.memory) + 0.5;
    const from = this.time(this.left) - 1 / this.scale, till = this.time(this.width - this.right);
    const high = (kept) => base - Math.round((this.memory - 2) * kept / peak);
    let at = Math.max(0, place(steps, from, (step) => step[0]));
    pen.beginPath();
    pen.moveTo(this.x(Math.max(from, this.start)), base);
    let last = steps.length && steps[at][0] <= from ? steps[at][1] : 0;
    pen.lineTo(this.x(Math.max(from, this.start)), high(last));
    for (; at < steps.length && steps[at][0] <= till; at++) {
      const x = Math.round(this.x(steps[at][0])) + 0.5;
      pen.lineTo(x, high(last));
      pen.lineTo(x, high(steps[at][1]));
      last = steps[at][1];
    }
    const end = this.x(Math.min(till, stream.span[1]));
    pen.lineTo(end, high(last));
    pen.lineTo(end, base);
    pen.closePath();
    pen.fillStyle = colour.line;
    pen.fill();
    pen.lineWidth = 1;
    pen.strokeStyle = colour.wire;
    pen.stroke();
  }

  drawGaps(pen, device, y) {
    pen.fillStyle = this.colour.soft;
    pen.strokeStyle = this.colour.paper; // around the words, for the line of the time goes through them
    pen.lineWidth = 4;
    pen.lineJoin = "round";
    for (const gap of this.inSight(this.stream.rests[device])) {
      const left = Math.max(this.left, this.x(gap.start)), right = Math.min(this.width - this.right, this.x(gap.end));
      if (right - left < 40 || gap.reason === "crash") continue;
      const text = gap.reason === "done" ? "done" : `waits ${this.stream.when(gap.end - gap.start)}`;
      if (pen.measureText(text).width + 8 > right - left) continue;
      for (const write of ["strokeText", "fillText"]) pen[write](text, (left + right) / 2, y + this.piece / 2 + 0.5);
    }
  }

  drawPieces(pen, device, y) {
    const {stream, piece: high} = this, first = stream.homes[device][0];
    let drawn = -Infinity;
    for (const piece of this.inSight(stream.rows[device])) {
      const left = this.x(piece.start), right = this.x(piece.end);
      if (right - drawn < 0.5) continue; // too small to be seen beside the last
      drawn = right;
      this.drawBar(pen, piece, left, y, right - left, high, piece.stage !== first);
      this.number(pen, piece, left, right, y, this.colour.ink);
    }
  }

  // One piece: values have a line above, gradients one below, so that they differ without their colours too.
  drawBar(pen, {kind}, left, y, width, high, second) {
    const {colour} = this, forward = isForward(kind), gap = width > 4 ? 1.5 : 0;
    const wide = Math.max(0.5, width - gap), look = forward ? "value" : "gradient";
    pen.fillStyle = width < 1.5 ? colour[look] : kind === "W" ? this.stripes : colour[`${look}-soft`];
    const round = wide > 8 ? 3 : 0;
    pen.beginPath();
    pen.roundRect(left + gap / 2, y, wide, high, round);
    pen.fill();
    if (second) {
      pen.globalAlpha = 0.25;
      pen.fillStyle = colour[look];
      pen.fill();
      pen.globalAlpha = 1;
    }
    if (width < 3) return;
    pen.fillStyle = colour[look];
    pen.fillRect(left + gap / 2 + round / 2, forward ? y : y + high - 2, wide - round, 2);
  }

  number(pen, {microbatch}, left, right, y, ink) {
    // What is in sight of it.
    const [from, till] = [Math.max(left, this.left), Math.min(right, this.width - this.right)];
    const x = till > from && till - from < right - left && right - left > 60 ? (from + till) / 2 : (left + right) / 2;
    const text = String(microbatch), width = right - left, middle = y + this.piece / 2 + 0.5;
    pen.fillStyle = ink;
    pen.font = `600 12px ${this.font}`;
    if (width >= 7 * text.length + 2.5) pen.fillText(text, x, middle);
    else if (width >= LEAST - 0.1 && text.length * LINE <= this.piece + 2) {
      const first = middle - (text.length - 1) * LINE / 2;
      for (let k = 0; k < text.length; k++) pen.fillText(text[k], x, first + k * LINE);
    } else this.hidden = true;
    pen.font = `12px ${this.font}`;
  }

  // Where parameters move: a point on the line of the memory, and how old the gradient was, where it was not fresh.
  drawMoves(pen, device, y) {
    const {colour} = this, level = y + this.piece + 2 + this.memory;
    let drawn = -Infinity, written = -Infinity;
    for (const update of this.inSight(this.stream.moves[device])) {
      const x = this.x(update.start), old = Math.max(...update.moves.map((move) => move[4]));
      if (x - drawn < 3) continue;
      drawn = x;
      pen.fillStyle = colour.ink;
      pen.beginPath();
      pen.moveTo(x, level - 6);
      pen.lineTo(x + 4, level - 1);
      pen.lineTo(x, level + 4);
      pen.lineTo(x - 4, level - 1);
      pen.fill();
      const text = `${old} old`, room = 7 * text.length;
      if (!old || x - 8 - room < written) continue;
      written = x;
      pen.textAlign = "right";
      pen.fillText(text, x - 7, level - this.memory / 2 + 1);
      pen.textAlign = "center";
    }
  }

  drawOutages(pen) {
    const {stream, colour} = this;
    for (const [device, start, end] of stream.outages) {
      const row = stream.shown.indexOf(device), y = this.y(row), left = this.x(start), wide = this.x(end) - left;
      if (row < 0 || left > this.width || left + wide < 0) continue;
      pen.fillStyle = stripes(pen, colour.soft, colour.paper, 1.5);
      pen.strokeStyle = colour.ink;
      pen.lineWidth = 1.5;
      pen.fillRect(left, y + 1, wide, this.piece - 2);
      pen.strokeRect(left + 0.75, y + 1, Math.max(1, wide - 1.5), this.piece - 2);
      if (wide < 44) continue;
      pen.fillStyle = colour.paper;
      pen.fillRect(left + wide / 2 - 20, y + this.piece / 2 - 8, 40, 16);
      pen.fillStyle = colour.ink;
      pen.fillText("down", left + wide / 2, y + this.piece / 2 + 0.5);
    }
  }

  drawNames(pen) {
    const {stream, colour, small} = this;
    pen.save();
    pen.beginPath();
    pen.rect(0, TOP, this.width, this.bottom - TOP);
    pen.clip();
    pen.textAlign = "left";
    this.eachRow((device, y) => {
      pen.fillStyle = this.tints[device % 8];
      pen.beginPath();
      pen.roundRect(0, y, 4, this.piece, 2);
      pen.fill();
      pen.fillStyle = colour.ink;
      pen.font = `14px ${this.font}`;
      const name = small ? String(device) : stream.devices[device];
      pen.fillText(fitting(pen, name, this.left - 16), 12, y + this.piece / 2 + 0.5);
      pen.font = `12px ${this.font}`;
    });
    pen.restore();
    if (!small) {
      pen.textAlign = "right";
      pen.fillStyle = colour.soft;
      pen.fillText("microbatches kept", this.width, TOP / 2 - 2);
    }
    pen.textAlign = "center";
  }

  // -- what changes with the clock ---------------------------------------------------------------------------------

  // state: {time, chosen, followed}
  show(state) {
    this.state = state;
    if (!this.width) return;
    const {stream, colour, left, width, right} = this, {time, chosen, followed} = state;
    const pen = this.pen(this.quick), x = this.x(time);
    pen.save();
    pen.beginPath();
    pen.rect(left - 2, TOP - 2, width - left - right + 4, this.bottom - TOP + 4);
    pen.clip();
    this.eachRow((device, y) => {
      const piece = stream.at(device, time);
      if (!piece) return;
      const from = this.x(piece.start), till = this.x(piece.end);
      pen.fillStyle = colour[isForward(piece.kind) ? "value" : "gradient"];
      pen.beginPath();
      pen.roundRect(from + 0.75, y, Math.max(1, till - from - 1.5), this.piece, 3);
      pen.fill();
      this.number(pen, piece, from, till, y, colour.on);
    });
    pen.strokeStyle = colour.ink;
    const way = followed === null ? [] : stream.ofTag.get(followed) ?? [];
    this.drawWay(pen, way);
    if (chosen) this.drawChosen(pen, chosen);
    pen.restore();
    this.drawKept(pen, time);
    const inside = x >= left - 1 && x <= width - right + 1, at = Math.max(left, Math.min(x, width - right));
    this.stem.hidden = !inside;
    this.stem.style.transform = `translateX(${x - 1}px)`;
    this.stem.style.height = `${this.bottom - TOP + 8}px`;
    this.handle.style.transform = `translateX(${at - 12}px)`;
    this.handle.classList.toggle("away", !inside);
  }

  // The pieces of one microbatch, and the dotted line that leads from each to the next.
  drawWay(pen, way) {
    const rowOf = (device) => this.y(this.stream.shown.indexOf(device)) + this.piece / 2;
    pen.lineWidth = 1.5;
    pen.setLineDash([2, 3]);
    pen.beginPath();
    way.forEach((piece, at) => {
      const before = way[at - 1];
      if (!before || before.device === piece.device && piece.start - before.end < 1e-9) return;
      const [from, to] = [rowOf(before.device), rowOf(piece.device)], half = this.piece / 2;
      const down = to >= from ? 1 : -1, same = from === to; // within a row it goes below the pieces
      pen.moveTo(this.x(before.end), from + down * half + (same ? 2 : 0));
      pen.lineTo(this.x(piece.start), same ? to + half + 2 : to - down * half);
    });
    pen.stroke();
    pen.setLineDash([]);
    pen.lineWidth = 2;
    for (const {start, end, device} of way) {
      const from = this.x(start), till = this.x(end);
      if (till < this.left || from > this.width - this.right) continue;
      pen.beginPath();
      pen.roundRect(from + 1, rowOf(device) - this.piece / 2 + 1, Math.max(1, till - from - 2), this.piece - 2, 3);
      pen.stroke();
    }
  }

  drawChosen(pen, {start, end, device, gap, update}) {
    const y = this.y(this.stream.shown.indexOf(device)), from = this.x(start), till = this.x(end);
    pen.lineWidth = gap ? 1.5 : 3;
    if (gap) pen.setLineDash([3, 3]);
    pen.beginPath();
    if (update) pen.arc(from, y + this.piece + 1 + this.memory, 8, 0, 2 * Math.PI);
    else pen.roundRect(from + 1, y + 1, Math.max(1, till - from - 2), this.piece - 2, 3);
    pen.stroke();
    pen.setLineDash([]);
  }

  drawKept(pen, time) {
    const {stream, colour} = this;
    pen.save();
    pen.beginPath();
    pen.rect(0, TOP, this.width, this.bottom - TOP);
    pen.clip();
    this.eachRow((device, y) => {
      const peak = stream.peaks[device];
      if (!peak) return;
      const now = show(stream.keeps(device, time), 3);
      if (this.small) {
        pen.textAlign = "left";
        pen.fillStyle = colour.soft;
        pen.fillText(`${now}/${show(peak, 3)}`, 12, y + this.piece + this.memory / 2 + 3);
        return;
      }
      const rest = ` of at most ${show(peak, 3)}`;
      pen.textAlign = "right";
      pen.fillStyle = colour.soft;
      pen.font = `14px ${this.font}`;
      pen.fillText(rest, this.width, y + this.piece / 2 + 0.5);
      const wide = pen.measureText(rest).width;
      pen.fillStyle = colour.ink;
      pen.font = `600 14px ${this.font}`;
      pen.fillText(now, this.width - wide, y + this.piece / 2 + 0.5);
      pen.font = `12px ${this.font}`;
    });
    pen.restore();
  }

  // -- the pointer -------------------------------------------------------------------------------------------------

  // What is under a place: a piece of work, a move of parameters, or a gap.
  under(x, y) {
    const {stream} = this, row = Math.floor((y - TOP + this.roll.scrollTop) / this.row), device = stream.shown[row];
    if (device === undefined || x < this.left || x > this.width - this.right) return null;
    const time = this.time(x), near = 6 / this.scale, off = (one) => Math.abs(one.start - time);
    if (y - this.y(row) > this.piece + 1) {
      const moved = stream.moves[device].filter((one) => off(one) <= near);
      if (moved.length) return moved.reduce((best, one) => (off(one) < off(best) ? one : best));
    }
    const beside = (one) => one.start - near / 3 <= time && time <= one.end + near / 3; // what is a pixel wide
    return stream.at(device, time) ?? this.inSight(stream.rows[device]).find(beside) ?? stream.rest(device, time);
  }

  local(event) {
    const box = this.box.getBoundingClientRect();
    return [event.clientX - box.left - this.box.clientLeft, event.clientY - box.top - this.box.clientTop];
  }

  // Whether an event is on one of the scrollbars.
  onBar(event) {
    const box = this.roll.getBoundingClientRect();
    return event.clientY > box.top + this.roll.clientHeight || event.clientX > box.left + this.roll.clientWidth;
  }

  seek(x) {
    const [start, end] = this.stream.span;
    this.hooks.seek(Math.min(end, Math.max(start, this.time(x))));
  }

  listen() {
    const {roll, handle} = this;
    let dragged = false, held = null;
    const drag = (event) => {
      if (held === null) return;
      const [x] = this.local(event);
      if (!dragged && Math.abs(x - held) < 4) return;
      dragged = true;
      this.seek(x);
    };
    const drop = () => {
      held = null;
    };
    for (const element of [roll, handle]) {
      element.addEventListener("pointerdown", (event) => {
        dragged = false;
        // A finger pans the rows; the handle is dragged by anything.
        if (event.button || element === roll && (event.pointerType === "touch" || this.onBar(event))) return;
        held = this.local(event)[0];
        if (element === handle) element.setPointerCapture(event.pointerId);
      });
      element.addEventListener("pointermove", (event) => {
        drag(event);
        if (dragged && held !== null) element.setPointerCapture(event.pointerId);
      });
      for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, drop);
    }
    roll.addEventListener("click", (event) => {
      if (dragged) return;
      const [x, y] = this.local(event), found = y > this.bottom ? null : this.under(x, y);
      if (found) this.hooks.choose(found);
      else this.seek(x);
    });
    roll.addEventListener("scroll", () => this.drawStill());
    roll.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // a wheel alone scrolls
      event.preventDefault();
      const [x] = this.local(event);
      this.zoom(this.scale * Math.exp(-event.deltaY * 0.005), this.time(x), x);
    }, {passive: false});
    let span = 0;
    const fingers = ({touches: [one, other]}) => [
      Math.abs(one.clientX - other.clientX), (this.local(one)[0] + this.local(other)[0]) / 2,
    ];
    roll.addEventListener("touchstart", (event) => {
      if (event.touches.length === 2) [span] = fingers(event);
    }, {passive: true});
    roll.addEventListener("touchmove", (event) => {
      if (event.touches.length !== 2 || span < 8) return;
      event.preventDefault();
      const [now, x] = fingers(event);
      this.zoom(this.scale * now / span, this.time(x), x);
      span = Math.max(8, now);
    }, {passive: false});
  }
}

// Stripes of two colours, from the lower left to the upper right.
function stripes(pen, colour, paper, line = 3) {
  const tile = document.createElement("canvas"), size = 6;
  tile.width = tile.height = size;
  const brush = tile.getContext("2d");
  brush.fillStyle = paper;
  brush.fillRect(0, 0, size, size);
  brush.strokeStyle = colour;
  brush.lineWidth = line;
  for (const shift of [-size, 0, size]) {
    brush.beginPath();
    brush.moveTo(shift - 1, size + 1);
    brush.lineTo(shift + size + 1, -1);
    brush.stroke();
  }
  return pen.createPattern(tile, "repeat");
}

// A text cut off where it would be wider than its room.
function fitting(pen, text, room) {
  if (pen.measureText(text).width <= room) return text;
  let end = text.length;
  while (end > 1 && pen.measureText(`${text.slice(0, end)}…`).width > room) end--;
  return `${text.slice(0, end)}…`;
}
