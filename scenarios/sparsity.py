"""Springs that let go of weights altogether: regression from few columns, or from few groups of columns.

A spring by Hooke's law pulls the less, the nearer a weight is to 0, so that none gets there. One of constant strength
does (the lasso, --penalty l1), and one on the length of a group brings its weights to 0 together (--penalty group).
Neither has a slope at 0, so they shrink the weights after each step. From some strength on nothing is left; it can be
read from the data. What other solvers find for the 442 patients with diabetes:

    penalty   strength   lowest cost     at 0                      nothing is left from
    l1        0.05       0.2970382835    age, s1, s2, s4           0.586450
    group     0.1        0.3502548519    age and sex, s1 to s3     0.519052
"""

from typing import Annotated, Literal

import numpy as np
import typer

import circuitsim as cs
from circuitsim.cli import practice, training
from circuitsim.cli.scenarios import Json, Report, Seed, counts, play

USUAL = {"l1": 0.05, "group": 0.1}
STEPS = 40  # strengths of a picture
Kind = Annotated[Literal["l1", "group"], typer.Option("--penalty", help="What is brought to 0: weights, or groups.")]
Strength = Annotated[
    float | None, typer.Option(help="The strength of the springs; 0.05 if not given, or 0.1 for groups.", min=0.0)
]
Groups = Annotated[str, typer.Option(metavar="N,N...", help="How many columns there are in each group, in turn.")]


def build(groups: list[list[int]]) -> cs.Circuit:
    """Return a circuit that adds up a score from each group of columns, which has weights of its own."""
    circuit = cs.Circuit("groups")
    x, total = circuit.input("x"), circuit.parameter("b", 0.0)
    for number, group in enumerate(groups):
        total = total + cs.take(x, indices=group, axis=1) @ circuit.parameter(f"w{number}", np.zeros(len(group)))
    circuit.output("score", total)
    return circuit


def main(
    kind: Kind = "l1",
    strength: Strength = None,
    groups: Groups = "2,2,3,3",
    data: practice.Data = "diabetes",
    iterations: practice.Iterations = 2000,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: practice.SavePicture = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    learned = practice.standardized(practice.read_numbers(data, ["diabetes"]))
    sizes, width = counts(groups, "sizes of groups"), len(learned.features)
    if sum(sizes) != width:
        raise cs.InputError(f"--groups {groups} has {sum(sizes)} columns in all, and {learned.name} has {width}")
    split = [part.tolist() for part in np.split(np.arange(width), np.cumsum(sizes)[:-1])]
    strength = USUAL[kind] if strength is None else strength
    names = [f"w{number}" for number in range(len(split))]
    penalty = {"l1": cs.L1, "group": cs.GroupL2}[kind]
    pulled = learned.points.T @ learned.labels / len(learned)
    lengths = [np.linalg.norm(pulled[part]) / len(part) ** 0.5 for part in split]
    most = float(np.max(np.abs(pulled)) if kind == "l1" else np.max(lengths))

    circuit = build(split)
    runner = training.make_engine(engine, circuit)

    def train(runner: cs.Engine, strength: float, iterations: int) -> tuple[cs.Trainer, np.ndarray]:
        trainer = cs.Trainer(runner, cs.forces.squared_error, cs.Nesterov(0.05), penalty(strength, on=names))
        trainer.fit(learned.points, learned.labels, iterations, batch="all", progress=False)
        return trainer, np.concatenate([np.ravel(runner.parameters[name]) for name in names])

    trainer, weights = train(runner, strength, iterations)
    zeros = np.flatnonzero(weights == 0.0).tolist()
    gone = [number for number, part in enumerate(split) if not np.any(weights[part])]

    report = Report("sparsity", seed, {})
    practice.tell(
        report, trainer, learned, engine, penalty=kind, strength=strength, largest=most, zeros=zeros, groups_gone=gone
    )
    group_of = [number for number, part in enumerate(split) for _ in part]
    report.table(
        f"weights under {kind} of {strength:g}",
        "weight of | group | weight",
        [
            (name, str(group_of[n]), f"{weights[n]:.8f}" if weights[n] else "0")
            for n, name in enumerate(learned.features)
        ],
    )
    told = f"{len(zeros)} of {width} weights are 0, and {len(gone)} of {len(split)} groups"
    report.note(f"{told}; from a strength of {most:.6f} on, all are.")
    if save is not None:
        from circuitsim.views.weight_paths import draw_leaving  # only who saves pays for matplotlib

        strengths = sorted([*np.geomspace(most / 100, most * 1.3, STEPS), most * (1 + 1e-9)])
        walker = cs.Compiled(circuit)
        paths: list[np.ndarray] = []
        for one in reversed(strengths):  # each begins where the stronger one has ended
            paths.insert(0, train(walker, float(one), 500)[1])
        draw_leaving(
            (strengths, np.array(paths)),
            learned.features,
            group_of if kind == "group" else list(range(width)),
            strength,
            save,
            f"{told} at {strength:g}",
            f"The stronger the springs, the fewer columns of {learned.name} are heeded: "
            + ("the weights of a group leave together, " if kind == "group" else "one weight leaves after the other, ")
            + f"and from {most:.4f} on none is left.",
        )
    return report


if __name__ == "__main__":
    play(main)
