"""Workers and a parameter server: updates from many workers at once act like momentum.

Each of M workers asks the server for the weight, takes a random, memoryless time for the gradient of w²/2, and sends it
to the server, which answers at once. The mean over many seeds follows Mitliagkas et al. 2016, "Asynchrony begets
momentum": E[w(t+1) - w(t)] = (1 - 1/M) E[w(t) - w(t-1)] - (step/M) E[w(t)], after a first step of -step × w(0).

With --data the workers teach a network points: try --data moons --step 0.1 --updates 6400.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice, product
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

import circuitsim as cs
from circuitsim import checks
from circuitsim.cli.race import BATCH, DataToo, race
from circuitsim.cli.scenarios import Json, Report, SavePicture, Seed, check_stream, counts, play
from circuitsim.cli.training import open_data
from circuitsim.files import check_path
from circuitsim.progress import progress_bar
from circuitsim.views.forms import PICTURES

START = 1.0
WORKER = 20_000  # about how many bytes one takes


def main(
    workers: Annotated[str, typer.Option(help="How many workers, with commas between.")] = "1,2,4,8",
    step: Annotated[float, typer.Option(help="The step size.")] = 0.2,
    updates: Annotated[int, typer.Option(help="How many updates.", min=3)] = 30,
    seeds: Annotated[int, typer.Option(help="How many runs the means are taken over.", min=2)] = 100,
    latency: Annotated[float, typer.Option(help="Ticks between a worker and the server.")] = 0.0,
    straggler: Annotated[float, typer.Option(help="How much slower the first worker is than the others.")] = 1.0,
    local_steps: Annotated[int, typer.Option(help="Steps that a worker takes between messages.", min=1)] = 1,
    data: DataToo = None,
    seed: Seed = 0,
    save: SavePicture = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    if save is not None:
        check_path(save, PICTURES)
    sizes = counts(workers, "workers")
    checks.fits(WORKER * max(sizes), f"a server with {checks.shown(max(sizes))} workers")
    check_stream(1, max(seeds, (updates + max(sizes)) * local_steps))
    setting: dict[str, Any] = {"latency": latency, "straggler": straggler, "local_steps": local_steps}
    if data is not None:
        report = Report("workers", seed, {})
        engines = {name(count): partial(with_server, count, seed, **setting, batch=BATCH) for count in sizes}
        race(report, open_data(data, seed), engines, updates=updates, step=step, save=save)
        return report
    theory_holds = latency == 0 and straggler == 1 and local_steps == 1
    found: dict[str, dict[str, Any]] = {}
    one = partial(serve, step=step, updates=updates, **setting)
    runs = run_all(sizes, range(seed * seeds, (seed + 1) * seeds), one)
    for count in sizes:
        paths, ticks, staleness = [], [], []
        for run in islice(runs, seeds):
            made = run.timeline.updates[:updates]  # the last few come when workers have run out of examples
            paths.append([START, *(float(update.value) for update in made)])
            ticks.append(made[-1].time)
            staleness += [update.staleness for update in made[count:]]
        path = np.array(paths)
        mean, theory = path.mean(axis=0), expected(count, step, path.shape[1] - 1)
        found[str(count)] = {
            "momentum": 1 - 1 / count,
            "staleness": float(np.mean(staleness)) if staleness else 0.0,
            "ticks": float(np.mean(ticks)),
            "mean": mean.tolist(),
            "theory": theory.tolist(),
            "sampling_error": (path.std(axis=0, ddof=1) / np.sqrt(seeds)).tolist(),
            "largest_deviation": deviation(path, count, step) if theory_holds else None,
        }

    report = Report(
        "workers",
        seed,
        {
            "iterations": updates,
            "outputs": {f"w of {count}": entry["mean"][-1] for count, entry in found.items()},
            "parameters": {"step": step},
            "workers": found,
        },
    )
    some = max(1, updates // 3)
    report.table(
        f"step {step:g}, means over {seeds} seeds",
        f"workers | momentum | age | ticks | w({some}) | theory | w({updates}) | theory | off by",
        [
            (
                count,
                entry["momentum"],
                f"{entry['staleness']:.2f}",
                f"{entry['ticks']:.1f}",
                f"{entry['mean'][min(some, len(entry['mean']) - 1)]:.4f}",
                f"{entry['theory'][min(some, len(entry['mean']) - 1)]:.4f}",
                f"{entry['mean'][-1]:.4f}",
                f"{entry['theory'][-1]:.4f}",
                "" if entry["largest_deviation"] is None else f"{entry['largest_deviation']:.1f} se",
            )
            for count, entry in found.items()
        ],
    )
    report.note(
        "Age: how many updates old gradients are. Off by: the largest deviation of a step from the recursion, in\n"
        "standard errors of its mean."
        if theory_holds
        else "The theory is of workers that are alike, memoryless and next to the server, and send each gradient."
    )
    if save is not None:
        from circuitsim.views.line_charts import Panel, draw_lines

        def curves(what: str) -> dict[str, tuple[list[int], list[float]]]:
            return {
                name(count): (list(range(len(found[str(count)][what]))), found[str(count)][what]) for count in sizes
            }

        title = f"w after so many updates: theory (lines), mean of {seeds} runs (dots)"
        draw_lines([Panel(title, "updates", "w", curves("theory"), curves("mean"))], save)
    return report


def run_all(sizes: list[int], seeds: range, one: Callable[[int, int], cs.StreamRun]) -> Iterator[cs.StreamRun]:
    """Yield the runs of all seeds for one number of workers after the other; a bar shows how far they are."""
    with progress_bar("runs", len(sizes) * len(seeds)) as done:
        for number, (count, run_seed) in enumerate(product(sizes, seeds)):
            done(number, f"{count} workers")
            yield one(count, run_seed)


def with_server(
    count: int, seed: int, circuit: cs.Circuit, latency: float, straggler: float, local_steps: int, batch: int | None
) -> cs.Simulation:
    """Return a circuit with so many workers and a server that keeps the parameters."""
    return cs.Simulation(
        circuit,
        cs.Plan(replicas=count, microbatches=batch, update="async", local_steps=local_steps),
        cluster=cs.Cluster(link=cs.Link(latency), slowdown={0: straggler}),
        costs=cs.Costs(0.0, cs.exponential(1.0), 0.0),
        seed=seed,
        trace="work",
    )


def serve(count: int, seed: int, step: float, updates: int, local_steps: int, **setting: Any) -> cs.StreamRun:
    """Let so many workers send gradients of w²/2 to a server that keeps the weight."""
    circuit = cs.Circuit("workers")
    circuit.output("loss", 0.5 * cs.square(circuit.parameter("w", START) * circuit.input("one")))
    simulation = with_server(count, seed, circuit, local_steps=local_steps, batch=None, **setting)
    simulation.learn(cs.SGD(step))
    return simulation.stream([{"one": 1.0}] * ((updates + count) * local_steps), gradient=-1.0)


def expected(count: int, step: float, updates: int) -> npt.NDArray[np.float64]:
    """Return the mean path that the theory foretells."""
    path = [START, START - step * START]
    for _ in range(updates - 1):
        path.append(path[-1] + (1 - 1 / count) * (path[-1] - path[-2]) - step / count * path[-1])
    return np.array(path)


def deviation(path: npt.NDArray[np.float64], count: int, step: float) -> float:
    """Return by how many standard errors the steps of the paths, on the mean, are off the recursion at most."""
    steps = np.diff(path, axis=1)
    off = steps[:, 1:] - (1 - 1 / count) * steps[:, :-1] + step / count * path[:, 1:-1]
    error = off.std(axis=0, ddof=1) / np.sqrt(len(path))
    mean = np.abs(off.mean(axis=0))
    return float(np.max(np.where(mean < 1e-12, 0.0, mean / np.maximum(error, 1e-300))))


def name(count: int) -> str:
    """Return what so many workers are called in tables and pictures."""
    return f"{count} worker{'s' * (count != 1)}"


if __name__ == "__main__":
    play(main)
