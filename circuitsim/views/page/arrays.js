// Computes a circuit of arrays, forward and backward, from the same tables as Engine.
//
// An array is {shape, data}, its numbers row by row; a number is an array of the shape []. RULES comes before this
// script: of gates that work element by element a function of numbers, `fire`, and one of the gradient, the output and
// the inputs, `share`, which gives what each input is sent; of the others their name in BY_HAND.

class ArrayEngine {
  constructor({kinds, rules, wires, values}) {
    this.kinds = kinds;
    this.wires = wires;
    this.rules = rules.map((rule) => rule < 0 ? null : BY_HAND[RULES[rule].byHand] ?? elementwise(RULES[rule]));
    this.values = values.map((value) => typeof value === "number" ? arrayOf([], [value]) : unpack(value));
    this.incoming = kinds.map(() => []);  // wires by port
    this.outgoing = kinds.map(() => []);  // in wiring order, in which gradients are summed
    wires.forEach(([source, target, port], number) => {
      this.incoming[target][port] = number;
      this.outgoing[source].push(number);
    });
    this.pulls = new Map();  // the gradient at each output that is pulled, by node
    this.gradients = [];
    this.shares = [];
  }

  value(node) { return this.values[node]; }

  set(node, value) { this.values[node] = value; }

  // The gradient at a node; undefined where none arrives.
  gradient(node) { return this.gradients[node]; }

  // The gradient that came back along a wire; undefined where none does.
  share(wire) { return this.shares[wire]; }

  pull(pulls) { this.pulls = pulls; }

  inputs(node) { return this.incoming[node].map((wire) => this.values[this.wires[wire][0]]); }

  forward() {
    this.kinds.forEach((kind, node) => {
      if (kind === "g") this.values[node] = this.rules[node].value(...this.inputs(node));
      else if (kind === "o") [this.values[node]] = this.inputs(node);
    });
  }

  backward() {
    this.gradients = this.kinds.map(() => undefined);
    this.shares = this.wires.map(() => undefined);
    for (let node = this.kinds.length - 1; node >= 0; node--) {
      const arrived = this.outgoing[node].map((wire) => this.shares[wire]).filter(Boolean);
      const gradient = this.pulls.get(node) ?? (arrived.length ? arrived.reduce(sum) : undefined);
      this.gradients[node] = gradient;
      if (gradient === undefined) continue;
      if (this.kinds[node] === "o") this.shares[this.incoming[node][0]] = gradient;
      if (this.kinds[node] !== "g") continue;
      const shares = this.rules[node].shares(gradient, this.values[node], ...this.inputs(node));
      shares.forEach((share, port) => { this.shares[this.incoming[node][port]] = share; });
    }
  }
}

function arrayOf(shape, data) {
  return {shape, data: data instanceof Float64Array ? data : Float64Array.from(data)};
}

function unpack({shape, data}) {
  return arrayOf(shape, new Float64Array(bytes(data).buffer));  // little endian, as all machines with browsers are
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function sum(one, other) {
  return arrayOf(one.shape, one.data.map((number, at) => number + other.data[at]));
}

// -- gates that work element by element ------------------------------------------------------------------------

function elementwise({inputs, fire, share}) {
  return {
    value(...given) {
      const [shape, places] = broadcast(given);
      const data = new Float64Array(length(shape));
      for (let k = 0; k < data.length; k++) data[k] = fire(...given.map((array, port) => array.data[places[port][k]]));
      return {shape, data};
    },
    shares(gradient, output, ...given) {
      const places = broadcast(given)[1];
      const made = given.map(({shape, data}) => arrayOf(shape, new Float64Array(data.length)));
      for (let k = 0; k < output.data.length; k++) {
        const numbers = given.map((array, port) => array.data[places[port][k]]);
        const shares = share(gradient.data[k], output.data[k], ...numbers);
        for (let port = 0; port < inputs; port++) made[port].data[places[port][k]] += inputs > 1 ? shares[port] : shares;
      }
      return made;
    },
  };
}

function length(shape) {
  return shape.reduce((product, side) => product * side, 1);
}

// The shape in which arrays meet by NumPy's rules, and for each of them where its elements stand, once they are spread.
function broadcast(arrays) {
  const axes = Math.max(...arrays.map(({shape}) => shape.length));
  const sides = arrays.map(({shape}) => [...Array(axes - shape.length).fill(1), ...shape]);
  const shape = Array.from({length: axes}, (_, axis) => sides.map((side) => side[axis]).find((side) => side !== 1) ?? 1);
  const places = sides.map((side) => {
    const found = new Int32Array(length(shape));
    for (let k = 0; k < found.length; k++) {
      let rest = k, step = 1;
      for (let axis = axes - 1; axis >= 0; axis--) {
        if (side[axis] > 1) found[k] += (rest % shape[axis]) * step;
        rest = Math.floor(rest / shape[axis]);
        step *= side[axis];
      }
    }
    return found;
  });
  return [shape, places];
}

// -- gates for whole arrays, along their last axis -------------------------------------------------------------

const BY_HAND = {
  matmul: {
    value(a, b) {
      const [rows, inner, columns] = sizes(a, b), data = new Float64Array(rows * columns);
      for (let i = 0; i < rows; i++) {
        for (let k = 0; k < inner; k++) {
          const factor = a.data[i * inner + k];
          for (let j = 0; j < columns; j++) data[i * columns + j] += factor * b.data[k * columns + j];
        }
      }
      return {shape: [...a.shape.slice(0, -1), ...b.shape.slice(1)], data};
    },
    shares(gradient, output, a, b) {
      const [rows, inner, columns] = sizes(a, b), g = gradient.data;
      const toA = new Float64Array(a.data.length), toB = new Float64Array(b.data.length);
      for (let i = 0; i < rows; i++) {
        for (let k = 0; k < inner; k++) {
          const factor = a.data[i * inner + k];
          let total = 0;
          for (let j = 0; j < columns; j++) {
            total += g[i * columns + j] * b.data[k * columns + j];
            toB[k * columns + j] += factor * g[i * columns + j];
          }
          toA[i * inner + k] = total;
        }
      }
      return [arrayOf(a.shape, toA), arrayOf(b.shape, toB)];
    },
  },

  softmax: {
    value: (x) => arrayOf(x.shape, byRow(x, (row) => logSoftmax(row).map(Math.exp))),
    shares(gradient, output) {
      const gradients = rowsOf(gradient);
      return [arrayOf(output.shape, byRow(output, (row, at) => {
        const total = row.reduce((met, p, k) => met + gradients[at][k] * p, 0);
        return row.map((p, k) => p * (gradients[at][k] - total));
      }))];
    },
  },

  log_softmax: {
    value: (x) => arrayOf(x.shape, byRow(x, logSoftmax)),
    shares(gradient, output) {
      const gradients = rowsOf(gradient);
      return [arrayOf(output.shape, byRow(output, (row, at) => {
        const total = gradients[at].reduce((one, other) => one + other, 0);
        return row.map((log, k) => gradients[at][k] - Math.exp(log) * total);
      }))];
    },
  },

  // The target is the number of the right class for each row of scores, or as many probabilities.
  cross_entropy: {
    value(scores, target) {
      const wanted = probabilities(target, scores);
      const losses = byRow(scores, (row, at) => [logSoftmax(row).reduce(
        (loss, log, k) => wanted[at][k] === 0 ? loss : loss - wanted[at][k] * log, 0)]);
      return arrayOf(scores.shape.slice(0, -1), losses);
    },
    shares(gradient, output, scores, target) {
      const wanted = probabilities(target, scores), g = gradient.data;
      const numbers = target.shape.length < scores.shape.length;
      return [
        arrayOf(scores.shape, byRow(scores, (row, at) => {
          const total = wanted[at].reduce((one, other) => one + other, 0);
          return logSoftmax(row).map((log, k) => g[at] * (Math.exp(log) * total - wanted[at][k]));
        })),
        numbers ? arrayOf(target.shape, new Float64Array(target.data.length))
          : arrayOf(target.shape, byRow(scores, (row, at) => logSoftmax(row).map((log) => -g[at] * log))),
      ];
    },
  },
};

// How many rows and columns two factors have, a vector taken for one row or for one column.
function sizes(a, b) {
  const inner = a.shape.at(-1);
  return [a.data.length / inner, inner, b.data.length / inner];
}

function rowsOf({shape, data}) {
  const width = shape.at(-1);
  return Array.from({length: data.length / width}, (_, row) => data.subarray(row * width, (row + 1) * width));
}

function byRow(array, change) {
  return rowsOf(array).flatMap((row, at) => [...change(row, at)]);
}

function logSoftmax(row) {
  const most = row.reduce((one, other) => Math.max(one, other), -Infinity), top = most === -Infinity ? 0 : most;
  const total = row.reduce((met, score) => met + Math.exp(score - top), 0);
  return row.map((score) => score - top - Math.log(total || 1));
}

function probabilities(target, scores) {
  if (target.shape.length === scores.shape.length) return rowsOf(target);
  return rowsOf(scores).map((row, at) => row.map((_, k) => Number(target.data[at] === k)));
}
