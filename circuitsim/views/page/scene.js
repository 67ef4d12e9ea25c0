// A circuit as the stage draws it: `views/scene.py` for one run of numbers, laid out here.

// engine: one that has computed the netlist, because numbers need room
function drawScene(name, netlist, engine) {
  const {nodes, wires} = netlist, dense = nodes.length > DENSE;
  const sketch = {
    netlist, dense,
    titles: nodes.map(({kind, name, gate, value}) =>
      cut(kind === "gate" ? gate.text : kind === "constant" ? show(value) : name, 20)),
    below: nodes.map(({name}) => cut(dense ? name.split(".").at(-1) : name, 20)),
    letters: longest(netlist, engine, dense ? 3 : 4),
  };
  const wide = placeWide(sketch), tall = dense ? null : placeTall(sketch);
  return {
    title: name,
    dense,
    size: wide.size,
    nodes: nodes.map(({name, kind, gate}, index) => ({
      name, kind, text: sketch.titles[index],
      ...(gate && {
        gate: gate.name, operator: gate.operator, ports: gate.ports, infix: gate.infix, below: sketch.below[index],
      }),
      ...(wide.pills.has(index) && {pill: true}),
      place: wide.places[index],
    })),
    wires: wires.map((wire, number) => [...wire, wide.points[number]]),
    gates: Object.fromEntries(nodes.flatMap(({gate}) => gate ? [[gate.name, gate.about]] : [])),
    windows: 1,
    ...(tall && {tall: {size: tall.size, places: tall.places, points: tall.points}}),
  };
}

// For each node the length of the longest number that will stand at its wire.
function longest({nodes, incoming, outgoing}, engine, digits) {
  return nodes.map(({kind}, index) => {
    if (kind === "constant" || (kind !== "gate" && kind !== "output" && !outgoing[index].length)) return 0;
    const numbers = [engine.value(index), ...outgoing[index].map((wire) => engine.share(wire))];
    if (kind === "gate") numbers.push(engine.gradient(index));
    if (kind === "output") numbers.push(engine.share(incoming[index][0]));
    const written = numbers.filter((number) => number !== undefined).map((number) => show(number, digits));
    const most = Math.max(...written.map((text) => text.length));
    const sums = kind !== "gate" && outgoing[index].length > 1;
    return sums ? Math.max(most, 8) : most; // a sum may be longer than its parts
  });
}
