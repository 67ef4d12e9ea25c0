// Places the nodes of a netlist in layers and routes its wires: `views/layout.py`, line by line, to the same bits.
//
// A cell is what stands in a layer: a node's number, or "node:layer" for a waypoint of its wires.

const LINE = 1; // height of a line of text; lengths are in units of it, x to the right and y upward
const GAP = 0.55; // free space between neighbours in a layer
const CHANNEL = 2.6; // free space between layers, where wires bend
const SWEEPS = 12;
const FAR = 6; // what stands so many layers away from its first user goes there

// Returns boxes (of nodes: x, y, width, height, start, end), paths (of wires: points) and the width and height of all.
// body(node) is the width and height of a body; stub(node) the length of the straight piece behind it.
function layOut(netlist, body, stub) {
  const {level, layers, chains} = inLayers(netlist);
  const links = linked(netlist, level, layers, chains);
  untangle(layers, links);
  const heights = new Map(layers.flat().map((cell) => [cell, heightOf(cell, body)]));
  const ys = spread(layers, links, heights);
  return route(netlist, level, layers, chains, ys, heights, body, stub);
}

function inLayers({nodes, wires, incoming, outgoing}) {
  const level = nodes.map(() => 0);
  nodes.forEach((_, node) => { // topological order
    level[node] = Math.max(0, ...incoming[node].map((wire) => level[wires[wire][0]] + 1));
  });
  const moves = (node, targets) => {
    const feeding = new Set(incoming[node].map((wire) => wires[wire][0]));
    const gates = [...feeding].filter((at) => nodes[at].kind === "gate");
    return Math.min(...targets) - level[node] > FAR && gates.length <= 1;
  };
  for (let node = nodes.length - 1; node >= 0; node--) {
    const targets = outgoing[node].map((wire) => level[wires[wire][1]]);
    const {kind, name} = nodes[node], scoped = kind === "input" && name.includes(".");
    if (targets.length && (kind === "constant" || kind === "parameter" || scoped || moves(node, targets))) {
      level[node] = Math.min(...targets) - 1; // beside its first user, not at the far left
    }
  }
  const layers = Array.from({length: Math.max(0, ...level) + 1}, () => []);
  const chains = nodes.map((_, node) => {
    const chain = new Map([[level[node], node]]);
    const last = Math.max(0, ...outgoing[node].map((wire) => level[wires[wire][1]]));
    // One trunk for all wires of a node: they carry the same value.
    for (let skipped = level[node] + 1; skipped < last; skipped++) chain.set(skipped, `${node}:${skipped}`);
    for (const [layer, cell] of chain) layers[layer].push(cell);
    return chain;
  });
  return {level, layers, chains};
}

// For each gap between layers its links: left cell, right cell, and the height of the port.
function linked({wires, incoming}, level, layers, chains) {
  const links = layers.map(() => new Map());
  const add = (layer, left, right, offset) => links[layer].set([left, right, offset].join(), [left, right, offset]);
  for (const [source, target, port] of wires) {
    const entered = level[target];
    add(entered - 1, chains[source].get(entered - 1), target, portOffset(port, incoming[target].length));
    for (let layer = level[source]; layer < entered - 1; layer++) {
      add(layer, chains[source].get(layer), chains[source].get(layer + 1), 0);
    }
  }
  return links.slice(0, -1).map((gap) => [...gap.values()]);
}

function portOffset(port, ports) {
  return ports === 1 ? 0 : (0.5 - port / (ports - 1)) * 0.7 * LINE;
}

// Reorders each layer in place, top to bottom, so that few links cross.
function untangle(layers, links) {
  let best = layers.map((layer) => [...layer]), fewest = crossings(layers, links);
  for (let sweep = 0; sweep < SWEEPS && fewest; sweep++) {
    const forward = sweep % 2 === 0, count = layers.length;
    for (let k = 1; k < count; k++) {
      const number = forward ? k : count - 1 - k, gap = links[forward ? number - 1 : number];
      sortByBarycenter(layers[number], layers[forward ? number - 1 : number + 1], gap, forward);
    }
    swapNeighbours(layers, links);
    const found = crossings(layers, links);
    if (found < fewest) [best, fewest] = [layers.map((layer) => [...layer]), found];
  }
  layers.forEach((layer, number) => layer.splice(0, layer.length, ...best[number]));
}

function sortByBarycenter(layer, fixed, gap, forward) {
  const place = new Map(fixed.map((cell, number) => [cell, number]));
  const found = new Map(layer.map((cell) => [cell, []]));
  for (const [left, right, offset] of gap) {
    if (forward) found.get(right).push(place.get(left));
    else found.get(left).push(place.get(right) - offset); // an upper port draws upward
  }
  const key = new Map(layer.map((cell, number) => {
    const drawn = found.get(cell);
    return [cell, drawn.length ? total(drawn) / drawn.length : number];
  }));
  layer.sort((one, other) => key.get(one) - key.get(other));
}

// Swaps neighbours in a layer as long as that removes crossings.
function swapNeighbours(layers, links) {
  layers.forEach((layer, number) => {
    const around = new Map(layer.map((cell) => [cell, [[], []]]));
    if (number) {
      const place = new Map(layers[number - 1].map((cell, n) => [cell, n]));
      for (const [left, right, offset] of links[number - 1]) around.get(right)[0].push(place.get(left) - offset * 0.01);
    }
    if (number < layers.length - 1) {
      const place = new Map(layers[number + 1].map((cell, n) => [cell, n]));
      for (const [left, right, offset] of links[number]) around.get(left)[1].push(place.get(right) - offset);
    }
    // How many crossings it saves to put b before a.
    const saved = (a, b) => {
      let sum = 0;
      for (const side of [0, 1]) for (const p of a[side]) for (const q of b[side]) sum += (p > q) - (p < q);
      return sum;
    };
    for (let turn = 0; turn < layer.length; turn++) {
      let swapped = false;
      for (let first = 0; first < layer.length - 1; first++) {
        if (saved(around.get(layer[first]), around.get(layer[first + 1])) > 0) {
          [layer[first], layer[first + 1]] = [layer[first + 1], layer[first]];
          swapped = true;
        }
      }
      if (!swapped) break;
    }
  });
}

function crossings(layers, links) {
  let found = 0;
  links.forEach((gap, number) => {
    const left = new Map(layers[number].map((cell, n) => [cell, n]));
    const right = new Map(layers[number + 1].map((cell, n) => [cell, n]));
    const sorted = [...gap].sort((one, other) => left.get(one[0]) - left.get(other[0]));
    const starts = sorted.map(([cell]) => left.get(cell));
    const ends = sorted.map(([, cell, offset]) => right.get(cell) - offset);
    for (let a = 0; a < gap.length; a++) {
      for (let b = a + 1; b < gap.length; b++) if (starts[a] < starts[b] && ends[a] > ends[b]) found++;
    }
  });
  return found;
}

// A node needs room for its value above and its gradient and name below; a waypoint for a bare wire.
function heightOf(cell, body) {
  return typeof cell === "number" ? Math.max(body(cell)[1], 2.4 * LINE) : 0.8 * LINE;
}

// The y of every cell: in order, far enough apart, and as near to its neighbours as that allows.
function spread(layers, links, heights) {
  const ys = new Map();
  for (const layer of layers) {
    let down = 0;
    for (const cell of layer) {
      ys.set(cell, -(down + heights.get(cell) / 2));
      down += heights.get(cell) + GAP;
    }
    const middle = (ys.get(layer[0]) + ys.get(layer.at(-1))) / 2;
    for (const cell of layer) ys.set(cell, ys.get(cell) - middle);
  }
  const near = new Map([...ys.keys()].map((cell) => [cell, []])); // what links draw it to: before it, then after it
  for (const [left, right, offset] of links.flat()) near.get(right).push([left, -offset]);
  for (const [left, right, offset] of links.flat()) near.get(left).push([right, offset]);
  const drawn = (cell) => {
    const found = near.get(cell);
    let sum = 0;
    for (const [other, offset] of found) sum += ys.get(other) + offset;
    return found.length ? sum / found.length : ys.get(cell);
  };
  const depths = layers.map((layer) => {
    const depth = [0];
    for (let place = 1; place < layer.length; place++) {
      depth.push(depth[place - 1] + (heights.get(layer[place - 1]) + heights.get(layer[place])) / 2 + GAP);
    }
    return depth;
  });
  const weigh = (cell) => typeof cell === "number" ? 1 : 3; // long wires like to be straight
  const weights = layers.map((layer) => layer.map(weigh));
  for (let sweep = 0; sweep < 2 * SWEEPS; sweep++) {
    for (let k = 0; k < layers.length; k++) {
      const number = sweep % 2 ? layers.length - 1 - k : k, layer = layers[number], depth = depths[number];
      const fitted = isotonic(layer.map((cell, place) => -drawn(cell) - depth[place]), weights[number]);
      layer.forEach((cell, place) => ys.set(cell, -(fitted[place] + depth[place])));
    }
  }
  return ys;
}

// The non-decreasing sequence nearest to `wish` by weighted least squares (pool adjacent violators).
function isotonic(wish, weight) {
  const means = [], heavy = [], ends = [];
  let last = -1;
  wish.forEach((value, place) => {
    last++;
    [means[last], heavy[last], ends[last]] = [value, weight[place], place + 1];
    while (last > 0 && means[last - 1] > means[last]) {
      const both = heavy[last - 1] + heavy[last];
      means[last - 1] = (means[last - 1] * heavy[last - 1] + means[last] * heavy[last]) / both;
      heavy[last - 1] = both;
      ends[last - 1] = ends[last];
      last--;
    }
  });
  let pool = 0;
  return wish.map((_, place) => means[place < ends[pool] ? pool : ++pool]);
}

function route({nodes, wires, incoming}, level, layers, chains, ys, heights, body, stub) {
  let low = Infinity, high = -Infinity;
  for (const [cell, y] of ys) {
    low = Math.min(low, y - heights.get(cell) / 2);
    high = Math.max(high, y + heights.get(cell) / 2);
  }
  const climbs = layers.map(() => 0); // wires that climb far need a wider channel to stay gentle
  for (const [source, target] of wires) {
    const gap = level[target] - 1;
    climbs[gap] = Math.max(climbs[gap], Math.abs(ys.get(chains[source].get(gap)) - ys.get(target)));
  }
  const left = [], right = [], boxes = [];
  let x = 0;
  layers.forEach((layer, number) => {
    const here = layer.filter((cell) => typeof cell === "number");
    const widest = Math.max(0, ...here.map((node) => body(node)[0]));
    const end = x + widest + Math.max(0, ...here.map(stub));
    for (const node of here) {
      const [width, height] = body(node);
      boxes[node] = {x: x + widest / 2, y: ys.get(node) - low, width, height, start: x + widest, end};
    }
    left.push(x);
    right.push(end);
    x = end;
    x += CHANNEL + 0.12 * climbs[number];
  });
  const paths = wires.map(([source, target, port]) => {
    const box = boxes[source], goal = boxes[target];
    const points = [[box.x + box.width / 2, box.y], [right[level[source]], box.y]];
    for (let passed = level[source] + 1; passed < level[target]; passed++) {
      const y = ys.get(chains[source].get(passed)) - low;
      points.push(...bend(points.at(-1), [left[passed], y]), [right[passed], y]);
    }
    const y = goal.y + portOffset(port, incoming[target].length);
    points.push(...bend(points.at(-1), [left[level[target]], y]), [goal.x - goal.width / 2, y]);
    return points;
  });
  return {boxes, paths, width: Math.max(...right), height: high - low};
}

// Points on a smooth S from start to end, level at both ends; the start itself is left out.
function bend([fromX, fromY], [toX, toY], steps = 14) {
  return Array.from({length: steps}, (_, number) => {
    const t = number + 1 === steps ? 1 : (number + 1) * (1 / steps), rise = t * t * (3 - 2 * t);
    return [fromX + t * (toX - fromX), fromY + rise * (toY - fromY)];
  });
}

// The sum from left to right.
function total(numbers) {
  return numbers.reduce((sum, number) => sum + number);
}
