// Trains a circuit: show an example, pull on the output with a force, let the parameters respond.

class Learning {
  // inputs: the nodes of the inputs; score: the output's node; parameters: their nodes, side by side in the engine;
  // springs: [{rule, strength, held}], held has 1 for each parameter that the spring is attached to.
  constructor(engine, {inputs, score, parameters, force, optimizer, settings, schedule, springs}) {
    Object.assign(this, {engine, force, optimizer, schedule, springs, parameters, score});
    this.settings = {...optimizer.settings, ...settings};
    this.inputs = inputs.map((node) => engine.place[node]);
    engine.pull(new Map([[score, 1]]));
    const begin = parameters.length ? engine.place[parameters[0]] : 0, end = begin + parameters.length;
    this.values = engine.values.subarray(begin, end);
    this.gradients = engine.gradients.subarray(begin, end);
    this.felt = new Float64Array(parameters.length);
    this.states = optimizer.start.map((number) => new Float64Array(parameters.length).fill(number));
    this.count = 0;
  }

  // Return the score of a point.
  look(point) {
    const {engine, inputs} = this;
    for (let k = 0; k < inputs.length; k++) engine.values[inputs[k]] = point[k];
    engine.forward();
    return engine.value(this.score);
  }

  // Show one example, and move the parameters; returns the pull, or NaN, and moves nothing, if the score is no number.
  step(point, target) {
    const {engine, felt, values, springs, settings, optimizer, count} = this;
    const score = this.look(point);
    if (!Number.isFinite(score)) return NaN;
    const pull = this.force.pull(score, target);
    engine.pulls.set(this.score, pull);
    engine.backward();
    if (this.schedule) settings.step = this.schedule(count);
    felt.set(this.gradients);
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
    return pull;
  }

  // The energy in all springs.
  energy() {
    let total = 0;
    for (const {rule, strength, held} of this.springs) {
      this.values.forEach((value, k) => { if (held[k]) total += rule.cost(value, strength); });
    }
    return total;
  }

  // Everything that the next step depends on.
  keep() {
    return {count: this.count, values: this.values.slice(), states: this.states.map((state) => state.slice())};
  }

  restore({count, values, states}) {
    this.count = count;
    this.values.set(values);
    this.states.forEach((state, k) => state.set(states[k]));
  }
}
