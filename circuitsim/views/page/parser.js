// Reads text such as "q = x + y; f = q * z" as a circuit, node for node as `circuitsim.parse` does, and nothing else:
// names, numbers, + - * / **, the sign -, brackets, and gates that the page can compute. No text is ever executed.

const MOST_NODES = 300; // of a circuit that is still laid out while somebody types
const DEEPEST = 200; // brackets within brackets, as in Python

const SIGNS = {"×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "²": "**2", "³": "**3"};
const BLANK = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const DIGITS = "[0-9](?:_?[0-9])*";
const TOKENS = {
  space: /[ \t\f]+|#[^\r\n]*/uy,
  joined: /\\(?:\r\n|\r|\n)/uy, // a line that goes on below
  newline: /\r\n|\r|\n/uy,
  number: new RegExp(
    `0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+`
    + `|(?:${DIGITS}\\.(?:${DIGITS})?|\\.${DIGITS}|${DIGITS})(?:[eE][-+]?${DIGITS})?[jJ]?`, "uy"),
  name: /[A-Za-z_\u{80}-\u{10ffff}][A-Za-z0-9_\u{80}-\u{10ffff}]*/uy,
  sign: /\*\*=|\/\/=|>>=|<<=|\.\.\.|\*\*|\/\/|:=|[=!<>+\-*/%&|^@]=|<<|>>|->|[-+*/%@&|^~<>()[\]{},:.;=]/uy,
  quote: /["']/uy,
};
const KEYWORDS = new Set((
  "False None True and as assert async await break class continue def del elif else except finally for from global if "
  + "import in is lambda nonlocal not or pass raise return try while with yield").split(" "));
// The keywords that can stand where an expression begins; any other begins a statement that is none.
const WITHIN = new Set("False None True await lambda not yield".split(" "));

const PLAIN = "use names, numbers, + - * / ** and gates";
const COMPARED = "comparisons have no gradient; max, min and relu choose between values";
const HINTS = {
  "^": "write ** for a power", "//": "write / to divide",
  ".": "attributes are not part of expressions", "[": "indexing is not part of expressions",
  ":=": "name a wire in a statement of its own, as in q = x + y; f = q * z",
  ...Object.fromEntries(["<", ">", "==", "!=", "<=", ">=", "in", "is", "not"].map((sign) => [sign, COMPARED])),
  ...Object.fromEntries(["@", "%", "<<", ">>", "&", "|"].map((sign) => [sign, "use + - * / **"])),
  ...Object.fromEntries(["if", "and", "or", "for", ","].map((word) => [word, PLAIN])),
};
const AUGMENTED = "+= -= *= /= //= %= @= &= |= ^= >>= <<= **=".split(" ");
const STATEMENTS = "write one, or statements such as q = x + y; f = q * z";
const TOO_DEEP = "the expression nests too deeply to be read: split it, or build the circuit in Python";
const OPERATORS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow"};
const COMPUTED = { // what operators make of numbers: a power of constants has to be finite
  add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b, div: (a, b) => a / b,
  pow: (a, b) => power(a, b), neg: (a) => -a,
};

// What a page knows of gates: `kinds` (name, ports, attributes, rule), the place in it of each name that can be called,
// gates by the signs that stand for them, why others cannot be used, and the names that nothing else may have.
class Gates {
  constructor({kinds, names, symbols, others, reserved}) {
    this.reserved = new Set(reserved);
    this.names = new Map(Object.entries(names).map(([name, at]) => [name, kinds[at]]));
    this.symbols = new Map(Object.entries(symbols));
    this.others = new Map(Object.entries(others));
  }

  get(name) {
    return this.names.get(name) ?? this.names.get(this.symbols.get(name));
  }

  other(name) {
    return this.others.get(name) ?? this.others.get(this.symbols.get(name));
  }
}

// Returns the circuit that a text describes; throws a Refusal that says what is wrong with it, and where.
function readExpression(text, gates) {
  return new Parser(text, gates).circuit();
}

class Parser {
  constructor(source, gates) {
    Object.assign(this, {source, gates, at: 0, open: 0, depth: 0, count: 0});
    this.translate();
    this.advance();
  }

  // -- letters and tokens --------------------------------------------------------------------------------------

  // The text with Python's signs, and for each of its letters where it comes from.
  translate() {
    const root = this.gates.symbols.get("√") ?? "√";
    const letters = [], origins = [];
    let start = 0;
    for (const line of this.source.split("\n")) {
      const begin = start + line.length - line.replace(new RegExp(`^${BLANK}+`, "u"), "").length;
      const end = start + line.replace(new RegExp(`${BLANK}+$`, "u"), "").length;
      if (start) {
        letters.push("\n");
        origins.push(start - 1);
      }
      for (let at = begin; at < end; at++) {
        const letter = this.source[at];
        const isRoot = letter === "√" && new RegExp(`^${BLANK}*\\(`, "u").test(this.source.slice(at + 1));
        for (const made of isRoot ? root : SIGNS[letter] ?? letter) {
          letters.push(made);
          origins.push(at);
        }
      }
      start += line.length + 1;
    }
    this.text = letters.join("");
    this.origins = [...origins, this.source.length];
  }

  // Goes to the next token: {kind, text, from, till}, with places in the source; the last is of the kind "end".
  advance() {
    this.before = this.token;
    for (;;) {
      if (this.at >= this.text.length) {
        this.token = {kind: "end", text: "", from: this.source.length, till: this.source.length};
        return;
      }
      const [kind, text] = this.match();
      const token = {kind, text, from: this.origins[this.at], till: this.origins[this.at + text.length - 1] + 1};
      this.at += text.length;
      if (kind === "joined" && this.at >= this.text.length) this.cannot("the last line ends with a \\", token);
      if (kind === "space" || kind === "joined" || (kind === "newline" && this.open)) continue;
      this.token = kind === "name" ? this.named(token) : kind === "number" ? this.numbered(token) : token;
      if (text === "(") this.open++;
      if (text === ")" && this.open) this.open--;
      return;
    }
  }

  match() {
    for (const [kind, pattern] of Object.entries(TOKENS)) {
      pattern.lastIndex = this.at;
      const found = pattern.exec(this.text);
      if (found) return [kind, found[0]];
    }
    const letter = String.fromCodePoint(this.text.codePointAt(this.at)), from = this.origins[this.at];
    return this.cannot(`${quoted(letter)} has no meaning here`, {from, till: from + letter.length});
  }

  named(token) {
    const wrong = [...token.text].findIndex((letter, at) => !(at ? /[\p{XIDC}]/u : /[\p{XIDS}_]/u).test(letter));
    if (wrong >= 0) this.cannot(`${quoted([...token.text][wrong])} is no letter of a name`, token);
    if (KEYWORDS.has(token.text)) return {...token, kind: "keyword"};
    return {...token, text: token.text.normalize("NFKC")};
  }

  numbered(token) {
    const {text} = token, digits = text.replaceAll("_", "");
    if (/^[\p{XIDC}]/u.test(this.text.slice(this.at))) {
      this.cannot("a number runs into a name: put a sign between them", {from: token.from, till: token.till + 1});
    }
    if (/^0[0-9]*$/.test(digits) && /[1-9]/.test(digits)) this.cannot("a whole number begins with 0", token);
    if (/j$/i.test(text)) this.refuse(PLAIN, token);
    const value = /^0[xbo]/i.test(digits) ? Number(BigInt(digits)) : Number(digits);
    if (!Number.isFinite(value)) {
      throw new Refusal("a number is too large for a float: the largest is about 1.8e308", token);
    }
    return {...token, value};
  }

  is(...texts) {
    return this.token.kind === "sign" && texts.includes(this.token.text);
  }

  part(from, till) {
    return quoted(this.source.slice(from, till));
  }

  // -- refusals ------------------------------------------------------------------------------------------------

  refuse(hint, {from, till}) {
    throw new Refusal(`${this.part(from, till)} is not allowed in an expression: ${hint}`, {from, till});
  }

  cannot(why, {from, till}) {
    throw new Refusal(`the expression cannot be read: ${why}`, {from, till});
  }

  // Refuses what stands where an expression should be over.
  stray() {
    const {token, before} = this;
    if (token.kind !== "name" && token.kind !== "number" && HINTS[token.text]) this.refuse(HINTS[token.text], token);
    if (token.kind === "end" || token.kind === "newline") this.cannot("a ) is missing at the end", token);
    if (token.text === ")") this.cannot("this ) closes nothing", token);
    if (token.text === "=") this.cannot("only a name can stand before =, as in q = x + y", token);
    return this.cannot(`a sign such as * is missing between ${this.part(before.from, before.till)} and `
      + this.part(token.from, token.till), {from: before.from, till: token.till});
  }

  // Refuses what stands where a name, a number or a bracket should be.
  missing() {
    const {token, before} = this;
    if (this.is("+", "~") || token.text === "not") this.refuse("the only sign allowed is -", token);
    if (token.text === "lambda") {
      this.refuse("functions cannot be defined here; define a gate in Python with @cs.gate", token);
    }
    if (token.kind === "quote" || token.kind === "keyword" || this.is("[", "{", "...")) this.refuse(PLAIN, token);
    const over = token.kind === "end" || token.kind === "newline";
    const place = !over ? `before ${this.part(token.from, token.till)}`
      : before ? `after ${this.part(before.from, before.till)}` : "here";
    return this.cannot(`a name, a number or a ( is missing ${place}`, token);
  }

  noExpression(from) {
    const till = this.source.slice(from).search(/[;\n]|$/) + from;
    throw new Refusal(`${this.part(from, till)} is no expression: ${STATEMENTS}`, {from, till});
  }

  // -- grammar: each function adds operations to `items` in the order in which they are done, and returns the last --

  statements() {
    const found = [];
    const skip = () => {
      while (this.token.kind === "newline") this.advance();
    };
    for (skip(); this.token.kind !== "end"; skip()) {
      found.push(this.statement());
      if (this.is(";")) this.advance();
      else if (this.token.kind !== "newline" && this.token.kind !== "end") this.stray();
    }
    if (!found.length) throw new Refusal("the expression is empty: write for example 'x * y + 1'");
    return found;
  }

  statement() {
    const {from, kind, text} = this.token;
    if (kind === "keyword" && !WITHIN.has(text)) this.noExpression(from);
    let items = [], target = null;
    this.sum(items);
    if (this.is("=") && items.length === 1 && items[0].kind === "name") {
      target = this.free(items[0]);
      this.advance();
      items = [];
      this.sum(items);
      if (this.is("=")) this.noExpression(from);
    }
    if (this.is(":", ...AUGMENTED)) this.noExpression(from);
    return {target, items, from, till: this.before.till};
  }

  sum(items) {
    return this.chain(items, ["+", "-"], () => this.chain(items, ["*", "/"], () => this.factor(items)));
  }

  chain(items, signs, operand) {
    let last = operand();
    while (this.is(...signs)) {
      const {text} = this.token;
      this.advance();
      const other = operand();
      last = this.add(items, OPERATORS[text], 2, last.from, other.till);
    }
    return last;
  }

  factor(items) {
    return this.deeper(() => {
      if (!this.is("-")) return this.power(items);
      const {from} = this.token;
      this.advance();
      const operand = this.factor(items);
      if (operand.kind !== "number" || operand.signed) return this.add(items, "neg", 1, from, operand.till);
      return Object.assign(operand, {value: -operand.value, signed: true, from}); // one constant, not a gate
    });
  }

  power(items) {
    const base = this.primary(items);
    if (!this.is("**")) return base;
    this.advance();
    const exponent = this.factor(items);
    return this.add(items, "pow", 2, base.from, exponent.till);
  }

  primary(items) {
    let last = this.atom(items);
    while (this.is("(")) {
      if (last.kind !== "name") this.refuse("only gates can be called, by their names", this.token);
      last = this.call(items, items.pop());
    }
    if (this.is(".", "[")) this.stray();
    return last;
  }

  atom(items) {
    const {kind, text, value, from, till} = this.token;
    if (kind === "name" || kind === "number") {
      this.advance();
      return this.push(items, {kind, name: text, value, from, till});
    }
    if (!this.is("(")) this.missing();
    return this.deeper(() => {
      this.advance();
      if (this.is(")")) this.refuse(PLAIN, {from, till: this.token.till});
      const inner = this.sum(items);
      this.close();
      return Object.assign(inner, {from, till: this.before.till});
    });
  }

  close() {
    if (!this.is(")")) this.stray();
    this.advance();
  }

  call(items, {name, from}) {
    const gate = this.gates.get(name);
    let count = 0;
    this.deeper(() => {
      this.advance();
      while (!this.is(")")) {
        if (this.is("*", "**")) this.refuse("give the arguments one by one, without names or stars", this.token);
        const argument = this.sum(items);
        if (this.is("=")) {
          const given = gate?.attributes.includes(argument.name);
          this.refuse(given ? `only Python can give ${name} its ${argument.name}, cs.${name}(...)`
            : "give the arguments one by one, without names or stars", {from: argument.from, till: this.token.till});
        }
        count++;
        if (this.is(",")) this.advance();
        else if (!this.is(")")) this.stray();
      }
      this.close();
    });
    const spot = {from, till: this.before.till};
    if (!gate) this.unknown(name, spot);
    if (count !== gate.ports.length && !(count > 2 && ["max", "min"].includes(gate.name))) {
      throw new Refusal(`${gate.name} takes ${gate.ports.length === 1 ? "1 input" : gate.ports.length + " inputs"}, `
        + `(${gate.ports.join(", ")}), but was given ${count}`, spot);
    }
    return this.push(items, {kind: "gate", gate, count, computes: null, ...spot});
  }

  unknown(name, spot) {
    const other = this.gates.other(name);
    if (other) this.refuse(`${name} ${other}`, spot);
    const near = nearest(name, [...this.gates.names.keys()]);
    throw new Refusal(`unknown gate ${quoted(name)}: ` + (near ? `did you mean ${quoted(near)}?`
      : `the gates are ${[...this.gates.names.keys()].sort().join(" ")}`), spot);
  }

  add(items, name, count, from, till) {
    return this.push(items, {kind: "gate", gate: this.gates.get(name), count, computes: COMPUTED[name], from, till});
  }

  push(items, item) {
    this.count += item.kind === "name" ? 0 : 1;
    if (this.count > MOST_NODES) {
      throw new Refusal(
        `the expression has more than ${MOST_NODES} gates and numbers, too many for this page: `
        + "run it with circuitsim flow");
    }
    items.push(item);
    return item;
  }

  deeper(read) {
    if (++this.depth > 5 * DEEPEST || this.open > DEEPEST) throw new Refusal(TOO_DEEP);
    const last = read();
    this.depth--;
    return last;
  }

  // -- from statements to a circuit ----------------------------------------------------------------------------

  free({name, from, till}) {
    if (!this.gates.reserved.has(name)) return name;
    throw new Refusal(`${quoted(name)} is a gate: call it, as in ${name}(x), or take another name`, {from, till});
  }

  circuit() {
    const statements = this.statements(), last = statements.at(-1);
    for (const {target, items, from, till} of statements.slice(0, -1)) {
      if (target === null) {
        throw new Refusal(`${this.part(from, till)} has no name, and the last statement is the output: name it, as in `
          + "q = x + y; f = q * z", {from, till});
      }
      if (items.length === 1 && items[0].kind === "name") {
        throw new Refusal(`${quoted(target + " = " + items[0].name)} makes no new wire: write its right side where you `
          + "need it", {from, till});
      }
    }
    const circuit = new Circuit(this.source.split("\n").map((line) => line.trim()).filter(Boolean).join("; "));
    const names = this.inputs(statements);
    const wires = new Map([...names].map(([name, spot]) => [name, circuit.input(name, spot)]));
    for (const {target, items} of statements.slice(0, -1)) {
      wires.set(target, this.wireUp(circuit, wires, items, target));
    }
    const shown = this.wireUp(circuit, wires, last.items, null);
    circuit.outputs.set(last.target ?? (wires.has("f") ? "output" : "f"), shown);
    return circuit;
  }

  // The names that are used and not defined, in order of appearance, each with its place.
  inputs(statements) {
    const targets = statements.map(({target}) => target);
    const found = new Map(), unused = new Map();
    statements.forEach(({target, items, from, till}, number) => {
      for (const item of items) {
        if (item.kind !== "name") continue;
        if (targets.includes(item.name, number)) {
          throw new Refusal(`${quoted(item.name)} is used before it is named: name it in an earlier statement, or take `
            + "two names", item);
        }
        unused.delete(item.name);
        if (!targets.includes(item.name) && !found.has(item.name)) found.set(this.free(item), item);
      }
      if (target === null) return;
      if (targets.indexOf(target) < number) {
        throw new Refusal(`${quoted(target)} is named twice: take two names`, {from, till});
      }
      unused.set(target, {from, till});
    });
    for (const [name, spot] of unused) {
      if (name === targets.at(-1)) continue;
      throw new Refusal(`${quoted(name)} is named and not used: the last statement is the output, use it there or `
        + "leave it out", spot);
    }
    return found;
  }

  // Adds a statement to the circuit and returns its wire, which gets the name if there is one.
  wireUp(circuit, wires, items, name) {
    const stack = []; // [wire, value]; a value where operators alone make it of numbers
    for (const item of items) {
      const called = item === items.at(-1) ? name : null;
      if (item.kind === "name") stack.push([wires.get(item.name), null]);
      else if (item.kind === "number") stack.push([circuit.constant(item.value, called, item), item.value]);
      else {
        const operands = stack.splice(stack.length - item.count);
        const numbers = operands.map(([, value]) => value), {gate} = item;
        const value = item.computes && !numbers.includes(null) ? item.computes(...numbers) : null;
        if (item.computes === COMPUTED.pow && value !== null && !Number.isFinite(value)) {
          this.refuse("this power of constants is too large for a float, or is not a real number", item);
        }
        const sources = operands.map(([wire]) => wire);
        while (sources.length > gate.ports.length) {
          sources.splice(0, 2, circuit.gate(gate, sources.slice(0, 2), null, item));
        }
        stack.push([circuit.gate(gate, sources, called, item), value]);
      }
    }
    return stack.pop()[0];
  }
}

function quoted(text) {
  const line = text.split(new RegExp(`${BLANK}+`, "u")).filter(Boolean).join(" ").replace(
    /[^ \P{Z}]|\p{C}/gu, (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`); // what cannot be seen is spelled
  return `'${line.length > 60 ? line.slice(0, 57) + "..." : line}'`;
}

// The known word that differs least from a word, if it is near enough to have been meant.
function nearest(word, known) {
  const distance = (one, other) => {
    let row = [...Array(other.length + 1).keys()];
    for (let i = 1; i <= one.length; i++) {
      const next = [i];
      for (let j = 1; j <= other.length; j++) {
        next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1)));
      }
      row = next;
    }
    return row.at(-1);
  };
  if (word.length > 30) return null;
  const found = known.map((name) => [distance(word.toLowerCase(), name), name]).sort(([a], [b]) => a - b)[0];
  return found && found[0] <= Math.max(1, word.length / 3) ? found[1] : null;
}
