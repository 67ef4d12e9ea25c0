// The course of a training: any iteration can be gone to, for it is computed anew from the nearest one that was kept.

const BINS = 1024;

class Course {
  // learning: at its start; points: [{at, label, apart}], those apart are never shown; order: of the examples of the
  // first iterations, and then a seeded order of its own; scale: {means, spreads} or null; marks: iterations to be
  // judged at.
  constructor(learning, {points, order, seed, scale, end, marks}) {
    Object.assign(this, {learning, points, order, seed, scale, end, marks: new Set(marks)});
    this.scaled = points.map(({at}) => this.scaledPoint(at));
    this.learned = [...points.keys()].filter((k) => !points[k].apart);
    this.kept = [];  // {count, values, states, cost, right}, ascending
    this.reached = 0;
    this.bin = 1;  // how many iterations a bin is for
    this.pulled = new Uint32Array(BINS);
    this.broken = null;  // the iteration at which the score was no number
    this.spacing = Math.max(1, Math.ceil(points.length * end / 20000));
    this.keep();
  }

  scaledPoint(at) {
    return this.scale ? at.map((x, k) => (x - this.scale.means[k]) / this.scale.spreads[k]) : at;
  }

  get count() { return this.learning.count; }

  get force() { return this.learning.force; }

  // The number of the example that an iteration shows.
  example(iteration = this.count) {
    if (this.order && iteration < this.order.length) return this.order[iteration];
    return this.learned[drawn(this.seed, iteration, this.learned.length)];
  }

  look(at) { return this.learning.look(this.scaledPoint(at)); }

  score(k) { return this.learning.look(this.scaled[k]); }

  judge() {
    let loss = 0, right = 0;
    for (const k of this.learned) {
      const score = this.score(k), {label} = this.points[k];
      loss += this.force.loss(score, label);
      right += score > 0 === label > 0;
    }
    return {cost: loss / this.learned.length + this.learning.energy(), right};
  }

  // Keep where we are, if it is further than before, and not too near to what was kept last.
  keep() {
    const {count, kept} = this, last = kept.at(-1);
    const due = !last || count - last.count >= Math.max(this.spacing, count >> 8) || this.marks.has(count);
    if (due && (!last || count > last.count)) kept.push({...this.learning.keep(), ...this.judge()});
  }

  // The last kept iteration up to one.
  before(iteration) {
    let low = 0, high = this.kept.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.kept[middle].count <= iteration) low = middle + 1;
      else high = middle;
    }
    return this.kept[low - 1];
  }

  // Go to an iteration, as far as the time allows; returns whether it was reached.
  run(to, deadline = Infinity) {
    const {learning} = this;
    if (this.broken !== null) to = Math.min(to, this.broken);
    const near = this.before(to);
    if (to < this.count || near.count > this.count) learning.restore(near);
    for (let done = 1; learning.count < to; done++) {
      const k = this.example(), pull = learning.step(this.scaled[k], this.points[k].label);
      if (pull !== pull) {
        this.broken = learning.count;
        return true;
      }
      if (learning.count > this.reached) {
        this.note(this.reached, pull);
        this.reached = learning.count;
        this.keep();
      }
      if (done % 16 === 0 && performance.now() > deadline) return learning.count === to;
    }
    return true;
  }

  // Count an iteration that pulled; when all bins are in use, each becomes twice as wide.
  note(iteration, pull) {
    if (iteration / this.bin >= BINS) {
      this.pulled = this.pulled.map((_, at) => 2 * at < BINS ? this.pulled[2 * at] + this.pulled[2 * at + 1] : 0);
      this.bin *= 2;
    }
    if (pull) this.pulled[Math.floor(iteration / this.bin)]++;
  }

  // What the curve shows: [iteration, cost], and the bins of iterations that pulled.
  get curve() { return this.kept.map(({count, cost}) => [count, cost]); }

  get parameters() { return this.learning.values; }
}

// A number below `count` for each place in a sequence, the same one each time.
function drawn(seed, place, count) {
  let mixed = (Math.imul(seed + 1, 0x85ebca6b) + Math.imul(place + 1, 0x9e3779b9)) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return Math.floor(((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32 * count);
}
