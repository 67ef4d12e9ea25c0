// Places the nodes and wires of a circuit in pixels, from left to right and from top to bottom: `views/places.py`, line
// by line, to the same bits. A sketch is {netlist, titles, below, letters, dense}, as it is there.

const DENSE = 24; // nodes, above which everything is drawn smaller
const UNIT = 18, SMALL_UNIT = 14; // pixels to a unit of the layout, and where there are many nodes
const LETTER = 8, SMALL_LETTER = 6.8; // pixels that a digit takes, on the safe side for the fonts of browsers
const MARGIN = 2.4, ABOVE = 1.2; // units at the left of the circuit, and above and below, for arrows and numbers
const PULL = 124; // pixels at the right of the outputs, for the pull
const PILL = 34; // pixels from the centre of a gate up to that of its pill
const SHIFT = 10; // pixels from the centre of a gate up to that of gate and pill together
// Letters of double width, as they are in East Asian scripts.
const DOUBLE = new RegExp("[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\ua960-\\ua97f\\uac00-\\ud7a3\\uf900-\\ufaff"
  + "\\ufe30-\\ufe6f\\uff01-\\uff60\\u{1f300}-\\u{1faff}\\u{20000}-\\u{3fffd}]", "u");

// How many letters a text is wide; some count twice.
function widthOf(text) {
  return [...text].reduce((sum, letter) => sum + (DOUBLE.test(letter) ? 2 : 1), 0);
}

// A text cut to so many letters, with an ellipsis.
function cut(text, most) {
  if (widthOf(text) <= most) return text;
  let letters = [...text].slice(0, 2 * most);
  while (widthOf(letters.join("")) >= most) letters = letters.slice(0, -1);
  return letters.join("") + "…";
}

// From left to right. Returns {size, places, points, pills}; a place is [x, y, width, height, start, end].
function placeWide(sketch) {
  const {netlist, below, letters, dense} = sketch, {nodes, wires, outgoing} = netlist;
  const unit = dense ? SMALL_UNIT : UNIT, letter = dense ? SMALL_LETTER : LETTER;
  const pills = dense ? findPills(netlist) : new Map();
  const bodies = nodes.map((_, index) => pills.has(index) ? [52, 18] : bodyOf(sketch, index));
  const [reduced, kept] = without(netlist, pills);
  const crowned = new Set(pills.values());

  const body = (number) => {
    const index = kept[number], [width, height] = bodies[index];
    if (nodes[index].kind !== "gate") return [width / unit, (height + 22) / unit];
    return [Math.max(width, widthOf(below[index]) * 6.6) / unit, (height + (crowned.has(index) ? 48 : 36)) / unit];
  };
  const stub = (number) => {
    const count = letters[kept[number]];
    if (nodes[kept[number]].kind === "output") return PULL / unit;
    return count ? (Math.max(count, 6) * letter + 14) / unit : 0.5;
  };
  const layout = layOut(reduced, body, stub);
  const places = [];
  kept.forEach((index, number) => {
    const [width, height] = bodies[index], box = layout.boxes[number];
    const x = (box.x + MARGIN) * unit, y = (layout.height - box.y + ABOVE) * unit + (crowned.has(index) ? SHIFT : 0);
    places[index] = [x, y, width, height, x + width / 2, (box.end + MARGIN) * unit].map(toTenths);
  });
  for (const [index, gate] of pills) {
    const [width, height] = bodies[index], x = places[gate][0], y = places[gate][1] - PILL;
    places[index] = [x, y, width, height, x + width / 2, x + width / 2 + 50].map(toTenths);
  }
  const points = [];
  const carried = [...wires.keys()].filter((wire) => !pills.has(wires[wire][0]));
  carried.forEach((wire, number) => {
    const [source, target] = wires[wire];
    const found = knots(layout.paths[number]).map(([x, y]) =>
      [x * unit + MARGIN * unit, (layout.height + ABOVE) * unit - y * unit]);
    if (crowned.has(source)) for (const knot of found.slice(0, 2)) knot[1] += SHIFT;
    if (crowned.has(target)) for (const knot of found.slice(-2)) knot[1] += SHIFT;
    found[0][0] = places[source][4]; // bodies are narrower than the names below them
    found.at(-1)[0] = places[target][0] - places[target][2] / 2;
    points[wire] = found.flat().map(toTenths);
  });
  for (const [index, gate] of pills) {
    const [x, y] = places[gate];
    points[outgoing[index][0]] = [x, y - PILL + bodies[index][1] / 2, x, y - bodies[gate][1] / 2].map(toTenths);
  }
  const size = [(layout.width + MARGIN + 0.5) * unit, (layout.height + 2 * ABOVE) * unit].map(toWhole);
  return {size, places, points, pills};
}

// A small circuit from top to bottom: its values stand at the left of gates, gradients at the right.
function placeTall(sketch) {
  const {netlist: {nodes, wires}, netlist, below, letters} = sketch, unit = SMALL_UNIT, margin = 0.7 * unit;
  const bodies = nodes.map((_, index) => tallBody(sketch, index));
  const body = (index) => {
    const [width, height] = bodies[index], {kind} = nodes[index];
    const wide = Math.max(6, letters[index], widthOf(below[index]) * 0.8);
    const beside = kind === "gate" ? 2 * (wide * LETTER + 10) : kind === "output" ? 150 : 0;
    return [(height + 8) / unit, (width + beside) / unit];
  };
  const layout = layOut(netlist, body, () => 0.3);
  const places = bodies.map(([width, height], index) => {
    const box = layout.boxes[index];
    const x = (layout.height - box.y) * unit + margin, y = box.x * unit + 2 * unit;
    return [x, y, width, height, x + width / 2, x + width / 2 + 60].map(toTenths);
  });
  const points = wires.map(([source, target], wire) => {
    const found = knots(layout.paths[wire]).map(([x, y]) =>
      [layout.height * unit - y * unit + margin, x * unit + 2 * unit]);
    found[0][1] = places[source][1] + places[source][3] / 2;
    found.at(-1)[1] = places[target][1] - places[target][3] / 2;
    return found.flat().map(toTenths);
  });
  return {size: [layout.height * unit + 2 * margin, layout.width * unit + 3 * unit].map(toWhole), places, points};
}

// The ends of the level pieces of a path: between them it bends.
function knots(path) {
  const level = path.slice(1).map(([, y], at) => Math.abs(y - path[at][1]) < 1e-9);
  return path.filter((_, at) => at === 0 || at === path.length - 1 || level[at] !== level[at - 1]);
}

// The gates that wear a parameter or constant on their top, by its number.
function findPills({nodes, wires, incoming, outgoing}) {
  const found = new Map(), taken = new Set();
  nodes.forEach(({kind}, index) => {
    if ((kind !== "parameter" && kind !== "constant") || outgoing[index].length !== 1) return;
    const target = wires[outgoing[index][0]][1];
    if (nodes[target].kind !== "gate" || incoming[target].length < 2 || taken.has(target)) return;
    found.set(index, target);
    taken.add(target);
  });
  return found;
}

// A netlist that lacks some nodes, and of what remains the numbers that it had.
function without({nodes, wires, incoming}, dropped) {
  const kept = [...nodes.keys()].filter((index) => !dropped.has(index));
  const number = new Map(kept.map((index, place) => [index, place])), ports = new Map();
  for (const index of kept) {
    const entering = incoming[index].filter((wire) => !dropped.has(wires[wire][0]));
    entering.forEach((wire, place) => ports.set(wire, place));
  }
  const left = wires.flatMap(([source, target], wire) =>
    dropped.has(source) ? [] : [[number.get(source), number.get(target), ports.get(wire)]]);
  return [new Netlist(kept.map((index) => nodes[index]), left), kept];
}

// The width and height of what is drawn for a node, in pixels.
function bodyOf({netlist, titles, letters: numbers, dense}, index) {
  const {kind} = netlist.nodes[index], letters = widthOf(titles[index]);
  if (kind === "gate") {
    const least = dense ? 26 : 40;
    return [Math.max(least, letters > 1 ? letters * (dense ? 7.2 : 9.6) + 16 : least), least];
  }
  if (kind === "output") {
    const wide = Math.max(letters * (dense ? LETTER : 10), numbers[index] * LETTER) + 24;
    return [Math.max(dense ? 64 : 112, wide), dense ? 44 : 64];
  }
  if (kind === "constant") {
    return dense ? [Math.max(64, letters * 7 + 12), 28] : [Math.max(112, letters * LETTER + 20), 40];
  }
  return [Math.max(dense ? 88 : 112, (letters + 8) * (dense ? SMALL_LETTER : LETTER) + 20), dense ? 28 : 40];
}

function tallBody({netlist, titles, letters: numbers}, index) {
  const {kind} = netlist.nodes[index], letters = widthOf(titles[index]);
  if (kind === "gate") return [Math.max(40, letters > 1 ? letters * 9.6 + 16 : 40), 40];
  if (kind === "output") return [Math.max(112, letters * 10 + 24, numbers[index] * LETTER + 24), 56];
  return [Math.max(70, letters * 9 + 8), kind === "constant" ? 44 : 72];
}

// Rounded to tenths, and to whole numbers, as Python rounds: a tie goes to the even digit.
function toTenths(length) {
  const tenths = length * 10, near = Math.round(tenths);
  if (Math.abs(Math.abs(tenths - near) - 0.5) > 1e-6) return near / 10;
  const tie = Math.abs(length * 4) % 2 === 1; // of 0.25 and 0.75, which are in the middle to the last bit
  return tie ? 2 * Math.round(length * 5) / 10 : Number(length.toFixed(1));
}

function toWhole(length) {
  const down = Math.floor(length);
  return length - down === 0.5 ? down + down % 2 : Math.round(length);
}
