// A training as it was recorded: some of its iterations, with what was kept of them.
class Recorded {
  constructor(lesson) {
    Object.assign(this, {lesson, places: lesson.places, place: 0, end: lesson.iterations, broken: null});
    this.points = lesson.points.map((at, k) => ({at, label: lesson.labels[k], apart: lesson.apart.includes(k)}));
    this.learned = [...this.points.keys()].filter((k) => !this.points[k].apart);
    this.curve = lesson.evaluations.map(([iteration, cost]) => [iteration, cost]);
    this.reached = this.end;
  }

  get count() { return this.places[this.place]; }

  // How many points are shown together; the number of a lone one.
  get together() { return this.lesson.shown[this.place].length; }

  get shown() { return this.together === 1 ? this.lesson.shown[this.place][0] : null; }

  get pull() { return this.lesson.pulls[this.place]; }

  // The nearest place that was kept.
  run(to) {
    const away = (k) => Math.abs(this.places[k] - to);
    this.place = [...this.places.keys()].reduce((best, k) => away(k) < away(best) ? k : best, 0);
    return true;
  }

  // The next place that was kept, or null.
  next(way) {
    const at = Math.max(0, Math.min(this.places.length - 1, this.place + way));
    return at === this.place ? null : this.places[at];
  }

  score(k) { return this.lesson.scores?.[this.place][k] ?? NaN; }

  // What was known of the cost last.
  judge() {
    const known = this.lesson.evaluations.filter(([iteration]) => iteration <= this.count).at(-1);
    return {cost: known?.[1] ?? NaN, right: known?.[2] ?? null};
  }

  // The scores over the plane, between those that were kept.
  get field() {
    const {heights, grid, bounds: [left, right, low, high]} = this.lesson, own = heights[this.place];
    const {columns, rows} = grid;
    return (x, y) => {
      const across = Math.max(0, Math.min(columns - 1.001, (x - left) / (right - left) * (columns - 1)));
      const up = Math.max(0, Math.min(rows - 1.001, (y - low) / (high - low) * (rows - 1)));
      const column = Math.floor(across), row = Math.floor(up), at = row * columns + column;
      const [u, v] = [across - column, up - row];
      const below = (1 - u) * own[at] + u * own[at + 1];
      return (1 - v) * below + v * ((1 - u) * own[at + columns] + u * own[at + columns + 1]);
    };
  }
}
