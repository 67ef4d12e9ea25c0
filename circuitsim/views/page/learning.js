// Trains a circuit: show an example, pull on the output with a force, let the parameters respond.

class Learning {
  // inputs: the nodes of the inputs; score: the output's node; parameters: their nodes, side by side in the engine;
  // springs: [{rule, strength, held}], held has 1 for each parameter that the spring is attached to.
  constructor(engine, {inputs, score, parameters, force, optimizer, settings, schedule, springs}) {
    Object.assign(this, {engine, force, optimizer, schedule, springs, parameters});
    this.settings = {...optimizer.settings, ...settings};
    this.inputs = inputs.map((node) => engine.place[node]);
    this.score = score;
    this.begin = parameters.length ? engine.place[parameters[0]] : 0;
    this.end = this.begin + parameters.length;
    this.values = engine.values.subarray(this.begin, this.end);
    this.felt = new Float64Array(parameters.length);
    this.states = optimizer.start.map((number) => new Float64Array(parameters.length).fill(number));
    this.count = 0;
    engine.pull(new Map([[score, 1]]));
  }

  // Return the score of a point.
  look(point) {
    const {engine, inputs} = this;
    for (let k = 0; k < inputs.length; k++) engine.values[inputs[k]] = point[k];
    engine.forward();
    return engine.value(this.score);
  }

  // Show one example, and move the parameters.
  step(point, target) {
    const {engine, felt, values, springs, settings, optimizer, count} = this;
    engine.pulls.set(this.score, this.force.pull(this.look(point), target));
    engine.backward();
    if (this.schedule) settings.step = this.schedule(count);
    felt.set(engine.gradients.subarray(this.begin, this.end));
    for (const {rule, strength, held} of springs) {
      for (let k = 0; k < felt.length; k++) if (held[k]) felt[k] += rule.pull(values[k], strength);
    }
    optimizer.respond(felt.length, values, felt, this.states, count, settings);
    const stride = optimizer.stride(count, settings);
    for (const {rule, strength, held} of springs) {
      if (!rule.shrink) continue;
      for (let k = 0; k < felt.length; k++) if (held[k]) values[k] = rule.shrink(values[k], stride, strength);
    }
    this.count++;
  }
}
