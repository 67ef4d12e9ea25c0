"""Words from the company they keep: skip-gram with negative sampling learns a vector for each, and analogies add up.

The text is made by a small grammar: each sentence has one of eight pairs of nouns, such as king and queen, the two
words of its topic, and two words that go with he or with she; 43 words in all. A circuit looks up a vector for a word
and one for its neighbour. Their product is pulled up if the two met, and down for five words that were drawn at random.

No vectors can do better than the logarithm of how much more often two words met than were drawn; what that costs is the
lowest cost. Whether queen - king + man is nearest to woman, and so on for all pairs of pairs, makes 56 analogies.
--data FILE.txt learns a text of your own, a sentence a line.
"""

from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

import circuitsim as cs
from circuitsim import files
from circuitsim.cli import practice, training
from circuitsim.cli.scenarios import Json, Report, Seed, play
from circuitsim.learning.skip_grams import lowest_cost, skip_grams

NOUNS = "king queen,prince princess,man woman,boy girl,father mother,son daughter,actor actress,waiter waitress"
TOPICS = "crown throne,heir palace,work town,school toy,home care,young grow,stage film,table menu"
COMPANY = "he his him himself sir,she her hers herself lady"
DRAWN = 5  # words for each pair of neighbours
PAIRS, MEET, GO = ([part.split() for part in text.split(",")] for text in (NOUNS, TOPICS, COMPANY))
SENTENCES, BATCH = 600, 512
Text = Annotated[str | None, typer.Option("--data", metavar="FILE.txt", help="A text to learn, a sentence a line.")]
Numbers = Annotated[int, typer.Option(help="How many numbers a vector has.", min=1, max=1000)]


def write(random: np.random.Generator) -> list[list[str]]:
    """Return sentences of the grammar."""
    found = []
    for pair, side in random.integers([[len(PAIRS), 2]] * SENTENCES):
        found.append(["the", PAIRS[pair][side], *MEET[pair], *random.choice(GO[side], 2, replace=False)])
    return found


def analogies(vectors: NDArray[np.float64], names: list[str]) -> int:
    """Return how many analogies between the pairs are right."""
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = np.array([[names.index(word) for word in pair] for pair in PAIRS])
    right = 0
    for one in pairs:
        for other in pairs[pairs[:, 0] != one[0]]:
            near = vectors @ (vectors[one[1]] - vectors[one[0]] + vectors[other[0]])
            near[[*one, other[0]]] = -np.inf
            right += int(np.argmax(near) == other[1])
    return right


def main(
    data: Text = None,
    numbers: Numbers = 16,
    iterations: practice.Iterations = 1500,
    engine: training.EngineName = "compiled",
    seed: Seed = 0,
    save: practice.SavePicture = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    random = np.random.default_rng(seed)
    lines = [] if data is None else files.read_text(data, "a text").splitlines()
    sentences = write(random) if data is None else [line.lower().split() for line in lines]
    pairs, names = skip_grams(sentences, drawn=DRAWN, seed=seed)
    circuit = cs.Circuit("skip-gram")
    word, context = circuit.inputs("word context")
    one, other = (
        circuit.parameter(what, random.normal(0, 0.1, (len(names), numbers))) for what in ("words", "contexts")
    )
    circuit.output("score", cs.sum(cs.embedding(one, word) * cs.embedding(other, context), axis=-1))
    trainer = cs.Trainer(training.make_engine(engine, circuit), cs.forces.logistic, cs.Adam(0.02))
    history = trainer.fit(
        pairs.points, pairs.labels, iterations, batch=BATCH, order="shuffled", seed=seed, every=max(1, iterations // 20)
    )
    costs = [(one.iteration, (1 + DRAWN) * one.cost) for one in history.evaluations]
    lowest = (1 + DRAWN) * lowest_cost(pairs)
    vectors = np.asarray(trainer.engine.parameters["words"])
    right = analogies(vectors, names) if data is None else None
    of = len(PAIRS) * (len(PAIRS) - 1)

    report = Report("word2vec", seed, {})
    practice.results(report, trainer, pairs, engine, words=len(names), lowest=lowest, analogies=right)
    report.results |= {"objective": costs[-1][1]}
    report.table(
        f"vectors of {numbers} numbers for {len(names)} words, from {len(sentences)} sentences",
        f"batches of {BATCH} | cost of a pair that met, and {DRAWN} drawn",
        [*((str(n), f"{cost:.4f}") for n, cost in costs[:: max(1, len(costs) // 10)]), ("lowest", f"{lowest:.4f}")],
    )
    if right is not None:
        report.note(f"{right} of {of} analogies are right, such as queen - king + man = woman.")
    if save is not None:
        from circuitsim.views.word_map import draw_words  # only who saves pays for matplotlib

        shown = [word for pair in PAIRS for word in pair] if right is not None else names[:40]
        draw_words(
            vectors[[names.index(word) for word in shown]],
            shown,
            [(n, n + 1) for n in range(0, len(shown), 2)] if right is not None else [],
            (costs, lowest),
            save,
            f"{right} of {of} analogies are right" if right is not None else f"{len(names)} words by their company",
            f"Vectors learned from {len(sentences)} sentences. Across: the mean way from he to she; up: where pairs "
            "differ most. Where arrows are alike, the same difference has the same vector."
            if right is not None
            else f"Vectors learned from {len(sentences)} sentences, in the two directions in which they differ most.",
        )
    return report


if __name__ == "__main__":
    play(main)
