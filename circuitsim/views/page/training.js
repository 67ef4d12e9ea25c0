// Training: a slider over the iterations that were kept, the plane with its boundary, and curves.

const DASHES = ["", "7 4", "2 3", "9 3 2 3", "5 2"];
const INKS = ["#2457a6", "#b3541e", "#6a3fa0", "#0f766e", "#a3195b", "#8f6200"];
const INKS_DARK = ["#8db8f5", "#f0a070", "#c3a3f2", "#5fd3c6", "#f593c0", "#e2b84d"];
const WIDE = 300,
  HIGH = 220,
  LEFT = 54,
  RIGHT = 8,
  TOP = 10,
  LOW = 26;

class Training {
  constructor(data, holder, seek) {
    this.data = data;
    this.seek = seek;
    this.index = data.iterations.length - 1;
    holder.hidden = false;
    this.slider = make("input", {
      type: "range",
      id: "iteration",
      min: 0,
      max: this.index,
      step: 1,
      value: this.index,
      "aria-label": "Iteration",
    });
    this.slider.addEventListener("input", () => this.choose(Number(this.slider.value), true));
    this.heading = make("p", { id: "iteration-told" });
    this.figures = make("div", { class: "row" });
    this.table = make("table", { id: "curves" });
    holder.append(make("h2", {}, "Training"), this.heading, this.slider, this.figures);
    this.draw();
  }

  choose(index, seeking) {
    if (index === this.index) return;
    this.index = index;
    this.slider.value = index;
    this.draw();
    const time = this.data.times?.[index];
    if (seeking && time !== null && time !== undefined) this.seek(time);
  }

  // The iteration that the player shows, if it is one that was kept.
  follow(time) {
    const times = this.data.times;
    if (!times) return;
    const index = times.findLastIndex((start) => start !== null && start <= time);
    if (index >= 0 && times[index] !== times[this.index]) this.choose(index, false);
  }

  // The iteration whose messages have a tag in the trace.
  iteration(tag) {
    const index = this.data.tags?.indexOf(tag) ?? -1;
    return index < 0 ? null : this.data.iterations[index];
  }

  draw() {
    const { iterations, cost, accuracy, parameters, points } = this.data;
    const told = [`Iteration ${iterations[this.index]} of ${iterations.at(-1)}`];
    if (cost) told.push("cost " + this.lastly(cost, show));
    if (accuracy) told.push("accuracy " + this.lastly(accuracy, percent));
    this.heading.textContent = told.join(", ");
    mark(this.slider, "aria-valuetext", told.join(", "));
    const drawn = Object.keys(parameters),
      count = this.data.parameter_count;
    const figures = [];
    if (points) figures.push(this.plane());
    if (cost) figures.push(this.curves("Cost", [["cost", cost]]));
    if (accuracy) figures.push(this.curves("Accuracy", [["accuracy", accuracy]], [0, 1], percent));
    if (drawn.length)
      figures.push(
        this.curves(
          drawn.length < count ? `The first ${drawn.length} of ${count} parameters` : "Parameters",
          drawn.map((name) => [name, parameters[name]]),
        ),
      );
    if (drawn.length) figures.at(-1).append(this.table);
    this.figures.replaceChildren(...figures);
    this.table.replaceChildren(
      make(
        "tbody",
        {},
        ...drawn.map((name, i) =>
          make(
            "tr",
            {},
            make("td", {}, sample(i)),
            make("th", { scope: "row" }, name),
            make("td", {}, show(parameters[name][this.index])),
          ),
        ),
      ),
    );
  }

  // What was last known of something that is not looked at in every iteration.
  lastly(values, words) {
    const index = values.findLastIndex((value, i) => i <= this.index && value !== null);
    if (index < 0) return "unknown";
    return words(values[index]) + (index < this.index ? ` (at ${this.data.iterations[index]})` : "");
  }

  curves(title, lines, range = null, words = show) {
    const { iterations } = this.data;
    const finite = lines.flatMap(([, values]) => values).filter((value) => typeof value === "number");
    let [low, high] = range ?? [Math.min(...finite), Math.max(...finite)];
    if (!(high > low)) [low, high] = [low - 1, low + 1];
    const x = (i) =>
      LEFT + ((iterations[i] - iterations[0]) / (iterations.at(-1) - iterations[0] || 1)) * (WIDE - LEFT - RIGHT);
    const y = (value) => HIGH - LOW - ((value - low) / (high - low)) * (HIGH - LOW - TOP);
    const now = lines.map(([name, values]) => `${name} ${this.lastly(values, words)}`).join(", ");
    const svg = makeSvg("svg", {
      viewBox: `0 0 ${WIDE} ${HIGH}`,
      role: "img",
      "aria-label": `${title} over the iterations; now ${now}`,
    });
    for (const value of [low, high]) {
      svg.append(
        makeSvg("line", { class: "axis", x1: LEFT, x2: WIDE - RIGHT, y1: y(value), y2: y(value) }),
        makeSvg("text", { x: LEFT - 5, y: y(value) + 4, class: "end" }, words(value)),
      );
    }
    svg.append(
      makeSvg("text", { x: LEFT, y: HIGH - 8, class: "start" }, String(iterations[0])),
      makeSvg("text", { x: WIDE - RIGHT, y: HIGH - 8, class: "end" }, "iteration " + iterations.at(-1)),
      makeSvg("line", { class: "now", x1: x(this.index), x2: x(this.index), y1: TOP, y2: HIGH - LOW }),
    );
    lines.forEach(([, values], number) => {
      let path = "",
        pen = "M";
      values.forEach((value, i) => {
        if (typeof value !== "number") {
          if (value !== null) pen = "M";
          return;
        }
        path += pen + x(i).toFixed(1) + " " + y(value).toFixed(1);
        pen = "L";
      });
      svg.append(
        makeSvg("path", {
          class: "curve",
          d: path || "M0 0",
          stroke: ink(number),
          "stroke-dasharray": DASHES[number % DASHES.length],
        }),
      );
      if (typeof values[this.index] === "number")
        svg.append(makeSvg("circle", { cx: x(this.index), cy: y(values[this.index]), r: 3.5, fill: ink(number) }));
    });
    return make("figure", {}, make("figcaption", {}, title), svg);
  }

  plane() {
    const { points, labels, scores, shown, grid, axes, classes, held } = this.data;
    const [x0, x1, y0, y1] = this.data.bounds;
    const wide = 320,
      high = 300,
      margin = 46,
      low = 26;
    const x = (value) => margin + ((value - x0) / (x1 - x0)) * (wide - margin - 6);
    const y = (value) => high - low - ((value - y0) / (y1 - y0)) * (high - low - 6);
    const wrong = points.map((_, i) => Boolean(scores) && scores[this.index][i] > 0 !== labels[i] > 0);
    const svg = makeSvg("svg", {
      viewBox: `0 0 ${wide} ${high}`,
      role: "img",
      "aria-label":
        `The plane: ${points.length} points, ${wrong.filter(Boolean).length} on the wrong side by their own scores`,
    });
    if (grid) {
      const heights = grid.scores[this.index];
      const dark = document.documentElement.dataset.theme === "dark";
      svg.append(
        makeSvg("image", {
          href: shaded(heights, grid, dark),
          x: x(x0),
          y: y(y1),
          width: x(x1) - x(x0),
          height: y(y0) - y(y1),
          preserveAspectRatio: "none",
        }),
      );
      const place = (column, row) => [
        x(x0 + ((x1 - x0) * column) / (grid.columns - 1)),
        y(y0 + ((y1 - y0) * row) / (grid.rows - 1)),
      ];
      svg.append(makeSvg("path", { class: "zero", d: contour(heights, grid, place) || "M0 0" }));
    }
    points.forEach(([px, py], i) => {
      const at = [x(px), y(py)];
      if (shown && shown[this.index] === i)
        svg.append(makeSvg("circle", { class: "shown", cx: at[0], cy: at[1], r: 12 }));
      svg.append(
        labels[i] > 0
          ? makeSvg("circle", { class: "plus", cx: at[0], cy: at[1], r: 5.5 })
          : makeSvg("rect", { class: "minus", x: at[0] - 5, y: at[1] - 5, width: 10, height: 10 }),
      );
      if (wrong[i]) svg.append(makeSvg("circle", { class: "wrong", cx: at[0], cy: at[1], r: 9 }));
    });
    svg.append(
      makeSvg("text", { x: x(x0), y: high - 8, class: "start" }, show(x0)),
      makeSvg("text", { x: x(x1), y: high - 8, class: "end" }, show(x1)),
      makeSvg("text", { x: (x(x0) + x(x1)) / 2, y: high - 8 }, axes[0]),
      makeSvg("text", { transform: `translate(${margin - 8} ${(y(y0) + y(y1)) / 2}) rotate(-90)` }, axes[1]),
      makeSvg("text", { x: margin - 4, y: y(y1) + 10, class: "end" }, show(y1)),
      makeSvg("text", { x: margin - 4, y: y(y0), class: "end" }, show(y0)),
    );
    const said =
      `Circles are ${classes[1]}, squares ${classes[0]}` +
      (scores ? ", a dashed ring marks the wrong side" : "") +
      (shown ? ", a full one the example shown" : "") +
      (grid ? "; the line is where the score is 0" : "") +
      (grid && held ? `, with ${held} other ${held === 1 ? "feature" : "features"} at the mean` : "") +
      (grid && held && scores ? "; rings go by each point's own score." : ".");
    return make("figure", {}, make("figcaption", {}, "The plane"), svg, make("p", { class: "key-to" }, said));
  }
}

function ink(number) {
  return (document.documentElement.dataset.theme === "dark" ? INKS_DARK : INKS)[number % INKS.length];
}

function sample(number) {
  const svg = makeSvg("svg", { viewBox: "0 0 34 10", class: "sample", "aria-hidden": "true" });
  svg.append(
    makeSvg("path", {
      class: "curve",
      d: "M1 5H33",
      stroke: ink(number),
      "stroke-width": 2.5,
      "stroke-dasharray": DASHES[number % DASHES.length],
    }),
  );
  return svg;
}

function percent(value) {
  return typeof value === "number" ? show(100 * value) + " %" : show(value);
}

// The scores as a small picture, stronger where the score is larger; the browser smooths it.
function shaded(heights, { columns, rows }, dark) {
  const canvas = make("canvas", { width: columns, height: rows });
  const image = new ImageData(columns, rows);
  const most = Math.max(...heights.map(Math.abs)) || 1;
  const [plus, minus] = dark
    ? [
        [255, 176, 102],
        [143, 176, 255],
      ]
    : [
        [236, 138, 45],
        [70, 120, 240],
      ];
  heights.forEach((height, i) => {
    const row = rows - 1 - Math.floor(i / columns),
      at = 4 * (row * columns + (i % columns));
    const colour = height > 0 ? plus : minus;
    image.data.set([...colour, 20 + 100 * Math.min(1, Math.abs(height) / most)], at);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas.toDataURL();
}

// The line where the score is 0, cell by cell (marching squares).
function contour(heights, { columns, rows }, place) {
  let path = "";
  for (let row = 0; row < rows - 1; row++) {
    for (let column = 0; column < columns - 1; column++) {
      const corners = [
        [column, row],
        [column + 1, row],
        [column + 1, row + 1],
        [column, row + 1],
      ];
      const score = corners.map(([c, r]) => heights[r * columns + c]);
      const crossings = [];
      for (let side = 0; side < 4; side++) {
        const a = score[side],
          b = score[(side + 1) % 4];
        if (a > 0 === b > 0) continue;
        const share = a / (a - b),
          [from, to] = [corners[side], corners[(side + 1) % 4]];
        crossings.push(place(from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])));
      }
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        const [from, to] = [crossings[i], crossings[i + 1]].map((end) => end.map((n) => n.toFixed(1)).join(" "));
        path += `M${from}L${to}`;
      }
    }
  }
  return path;
}
