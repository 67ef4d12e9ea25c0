// When every message of a run is under way: what a simulation would record of it, without its numbers.
//
// As in the library, a gate takes one tick to fire, forward and again backward, a message one tick on its wire; what
// happens in a tick happens in the order in which it was set off.

// pulled: the outputs at which the backward pass begins; carries: for each wire whether a gradient comes back along it.
// Returns a window as Story and Live take it, with its records in order of time.
function timeMessages({nodes, wires, incoming, outgoing}, pulled, carries) {
  const records = [];
  let next = [], tick = 0;
  const note = (kind, where, start, end) => records.push({kind, where, start, end});
  const count = (list) => list.filter((wire) => carries[wire]).length;
  const missing = nodes.map((_, node) => incoming[node].length); // values that have yet to come
  const awaited = nodes.map((_, node) => count(outgoing[node])); // gradients that have yet to come
  let outputs = nodes.filter(({kind}) => kind === "output").length;

  const send = (wire) => {
    note(VALUE, wire, tick, tick + 1);
    next.push(() => arrive(wires[wire][1]));
  };
  const sendBack = (wire) => {
    note(GRADIENT, wire, tick, tick + 1);
    next.push(() => comeBack(wires[wire][0]));
  };
  const arrive = (node) => {
    if (--missing[node]) return;
    if (nodes[node].kind !== "output") next.push(() => fire(node));
    else if (!--outputs) pulled.forEach((output) => incoming[output].filter((wire) => carries[wire]).forEach(sendBack));
  };
  const comeBack = (node) => {
    if (!--awaited[node] && nodes[node].kind === "gate") next.push(() => fireBack(node));
  };
  const fire = (node) => {
    note(FORWARD, node, tick - 1, tick);
    outgoing[node].forEach(send);
  };
  const fireBack = (node) => {
    note(BACKWARD, node, tick - 1, tick);
    incoming[node].filter((wire) => carries[wire]).forEach(sendBack);
  };

  // What stays at a gate from run to run comes first, then inputs, then gates' inputs that are all such.
  const fixed = (node) => nodes[node].kind === "constant" || nodes[node].kind === "parameter";
  const stays = (wire) => {
    const target = wires[wire][1];
    return nodes[target].kind === "gate" && !incoming[target].every((one) => fixed(wires[one][0]));
  };
  const ends = (wanted) => [...nodes.keys()].filter(wanted).flatMap((node) => outgoing[node]);
  ends(fixed).filter(stays).forEach(send);
  ends((node) => nodes[node].kind === "input").forEach(send);
  ends(fixed).filter((wire) => !stays(wire)).forEach(send);
  while (next.length) {
    const now = next;
    next = [];
    tick++;
    for (const happen of now) happen();
  }

  records.sort((one, other) => one.start - other.start);
  const column = (name) => records.map((record) => record[name]), none = records.map(() => 0);
  const fired = records.filter(({kind}) => kind === BACKWARD).map(({where}) => where).sort((one, other) => one - other);
  return {
    span: [0, Math.max(0, ...column("end"))],
    before: {values: [], felt: [], wires: []},
    records: {
      kind: column("kind"), where: column("where"), tag: none, start: column("start"), end: column("end"), value: none,
    },
    slopes: fired.map((node) => [node, 0, []]),
    sums: [],
  };
}
