"""Random optimizers and penalties, with settings that they take."""

import circuitsim as cs


def random_step(random):
    """Return a step size, or a schedule of them."""
    step = 10 ** random.uniform(-4, -1)
    return random.choice(
        [
            step,
            step,
            cs.decay.LinearDecay(step, step / 10, random.randint(1, 20)),
            cs.decay.ExponentialDecay(step, random.uniform(0.5, 1.0)),
            cs.decay.CosineDecay(step, step / 10, random.randint(1, 20)),
        ]
    )


def random_rule(random):
    """Return an optimizer."""
    step = random_step(random)
    share = random.choice([0.0, 0.5, 0.9, 0.999])
    return random.choice(
        [
            lambda: cs.SGD(step),
            lambda: cs.Momentum(step, share),
            lambda: cs.Nesterov(step, share),
            lambda: cs.AdaGrad(step),
            lambda: cs.RMSProp(step, share),
            lambda: cs.Adam(step, share, 0.999),
            lambda: cs.AdamW(step, share),
            lambda: cs.AMSGrad(step, beta2=share),
        ]
    )()


def random_penalties(random, parameters):
    """Return some penalties on all or some of the parameters."""
    on = random.choice([None, random.sample(parameters, random.randint(1, len(parameters)))])
    strength = 10 ** random.uniform(-4, 0)
    return random.sample([cs.L2(strength, on), cs.L1(strength, on), cs.GroupL2(strength, on)], random.randint(0, 2))
