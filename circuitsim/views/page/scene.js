// A circuit as the stage draws it: `views/scene.py` for one run of numbers, laid out here.

const UNIT = 18, SMALL_UNIT = 14; // pixels to a unit of the layout, and where there are many nodes
const LETTER = 8, SMALL_LETTER = 6.8; // pixels that a digit takes, on the safe side for the fonts of browsers
const SMALL = 6.6; // the same for the names below gates
const MARGIN = 2.4; // units around the circuit: numbers and arrows stand there
const PULL = 110; // pixels at the right for the pull at an output
const DENSE = 24; // nodes, above which everything is drawn smaller

// engine: one that has computed the netlist, because numbers need room
function drawScene(name, netlist, engine) {
  const {nodes, wires} = netlist;
  const letters = longest(netlist, engine);
  const titles = nodes.map(({kind, name, gate, value}) =>
    kind === "gate" ? gate.text : kind === "constant" ? show(value) : name);
  const dense = nodes.length > DENSE;
  const unit = dense ? SMALL_UNIT : UNIT, letter = dense ? SMALL_LETTER : LETTER;
  const bodies = nodes.map((node, index) => bodyOf(node, [...titles[index]].length, dense));
  const body = (index) => {
    const [width, height] = bodies[index], {kind, name} = nodes[index];
    const below = kind === "gate" ? [...name].length * SMALL - width : 0;
    return [(width + Math.max(0, below)) / unit, (height + (kind === "gate" ? 36 : 22)) / unit];
  };
  const stub = (index) => letters[index] ? (letters[index] * letter + 14) / unit : 0.5;
  const layout = layOut(netlist, body, stub);
  const x = (units) => toTenths((units + MARGIN) * unit);
  const y = (units) => toTenths((layout.height - units + MARGIN) * unit);

  const drawn = nodes.map((node, index) => {
    const box = layout.boxes[index], [width, height] = bodies[index], centre = x(box.x), {gate} = node;
    return {
      name: node.name, kind: node.kind, text: titles[index],
      ...(gate && {gate: gate.name, operator: gate.operator, ports: gate.ports, infix: gate.infix}),
      place: [centre, y(box.y), width, height, centre + width / 2, x(box.end)].map(toTenths),
    };
  });
  return {
    title: name,
    dense,
    size: [toWhole((layout.width + 2 * MARGIN) * unit) + PULL, toWhole((layout.height + 2 * MARGIN) * unit)],
    nodes: drawn,
    wires: wires.map(([source, target, port], wire) => {
      const points = [];
      for (const [px, py] of layout.paths[wire]) points.push(x(px), y(py));
      points[0] = drawn[source].place[4]; // bodies are narrower than the names below them
      points[points.length - 2] = drawn[target].place[0] - drawn[target].place[2] / 2;
      return [source, target, port, points];
    }),
    gates: Object.fromEntries(nodes.flatMap(({gate}) => gate ? [[gate.name, gate.about]] : [])),
    windows: 1,
  };
}

// The width and height of what is drawn for a node, in pixels.
function bodyOf({kind}, letters, dense) {
  const least = dense ? 26 : 40;
  if (kind === "gate") return [Math.max(least, letters * LETTER * 1.2 + 16), least];
  if (kind === "output") return [Math.max(dense ? 64 : 104, letters * LETTER + 24), dense ? 44 : 64];
  if (kind === "constant") return [Math.max(36, letters * LETTER * 1.1 + 20), dense ? 28 : 36];
  return [Math.max(dense ? 96 : 112, (letters + 8) * LETTER + 20), dense ? 28 : 40];
}

// For each node the length of the longest number that will stand at its wire.
function longest({nodes, wires, outgoing}, engine) {
  return nodes.map(({kind}, index) => {
    const silent = kind === "output" || kind === "constant" || (kind !== "gate" && !outgoing[index].length);
    if (silent) return 0;
    const numbers = [engine.value(index), ...outgoing[index].map((wire) => engine.share(wire))];
    if (kind === "gate") numbers.push(engine.gradient(index));
    const most = Math.max(...numbers.filter((number) => number !== undefined).map((number) => show(number).length));
    return kind !== "gate" && outgoing[index].length > 1 ? Math.max(most, 8) : most; // a sum may be longer than its parts
  });
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
