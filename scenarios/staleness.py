"""Staleness: a pipeline that never waits learns from old weights, up to the age at which it no longer can.

With k examples under way, each gradient is k - 1 updates old when it arrives. On a loss of curvature c the parameter
still finds its place if step × c is below 2 sin(π / (2 (2k - 1))), and flees from it if not.

With --data a network learns points through the same pipeline: try --data moons --step 0.1 --updates 6400.
"""

import math
from functools import partial
from typing import Annotated, Any

import typer

import circuitsim as cs
from circuitsim.cli.race import BATCH, DataToo, race
from circuitsim.cli.scenarios import Json, Report, SavePicture, Seed, check_stream, counts, play, watched
from circuitsim.cli.training import open_data
from circuitsim.files import check_path
from circuitsim.views.forms import PICTURES

START = 1.0
LEAST, MOST = 1e-12, 1e6  # what the picture shows of the loss


def main(
    windows: Annotated[str, typer.Option(help="How many examples are under way, with commas between.")] = "1,2,4,8",
    stages: Annotated[int, typer.Option(help="How many devices the pipeline has.", min=1)] = 8,
    step: Annotated[float, typer.Option(help="The step size.")] = 0.3,
    curvature: Annotated[float, typer.Option(help="The curvature of the loss.")] = 1.0,
    updates: Annotated[int, typer.Option(help="How many updates.", min=1)] = 100,
    data: DataToo = None,
    seed: Seed = 0,
    save: SavePicture = None,
    as_json: Json = False,
) -> Report:
    """Run the scenario."""
    if save is not None:
        check_path(save, PICTURES)
    if not 0 < curvature < math.inf:
        raise cs.InputError(f"the curvature is {curvature!r}: give a finite number above 0")
    sizes = counts(windows, "windows")
    check_stream(stages, max(updates, *sizes))
    if data is not None:
        report = Report("staleness", seed, {})
        engines = {name(window): partial(pipeline, stages, window) for window in sizes}
        race(report, open_data(data, seed), engines, updates=updates, step=step, save=save)
        return report
    curves: dict[int, tuple[list[float], list[float]]] = {}
    found: dict[str, dict[str, Any]] = {}
    for _, window in watched("under way", {name(window): window for window in sizes}):
        run = stream(stages, window, step, curvature, updates)
        times = [update.time for update in run.timeline.updates]
        places = [float(update.value) for update in run.timeline.updates]
        losses = [0.5 * curvature * (place * place) for place in places]
        curves[window] = (times, losses)
        bound = 2 * math.sin(math.pi / (2 * (2 * window - 1))) / curvature
        found[str(window)] = {
            "staleness": max(run.timeline.staleness()),
            "ticks_per_update": times[-1] / updates,
            "largest_stable_step": bound,
            "just_below": settles(window, 0.97 * bound, curvature),
            "just_above": settles(window, 1.03 * bound, curvature),
            "loss": losses[-1],
            "diverges": max(losses[-(updates // 4) - 1 :]) > max(losses[: updates // 4 + 1]),
            "ticks_to_one_percent": time_below(0.01 * 0.5 * curvature * START**2, times, losses),
        }

    report = Report(
        "staleness",
        seed,
        {
            "iterations": updates,
            "outputs": {f"loss {window}": entry["loss"] for window, entry in found.items()},
            "parameters": {"step": step, "curvature": curvature},
            "windows": found,
        },
    )
    report.table(
        f"{stages} devices, curvature {curvature:g}, step {step:g}, {updates} updates",
        "window | updates old | ticks an update | stable below | 3 % below | 3 % above | this step | loss at the end "
        "| ticks to 1 %",
        [
            (
                window,
                str(entry["staleness"]),
                entry["ticks_per_update"],
                entry["largest_stable_step"],
                "settles" if entry["just_below"] else "diverges",
                "settles" if entry["just_above"] else "diverges",
                "diverges" if entry["diverges"] else "settles",
                f"{entry['loss']:.1e}",
                "never" if entry["ticks_to_one_percent"] is None else entry["ticks_to_one_percent"],
            )
            for window, entry in found.items()
        ],
    )
    report.note("More examples under way make updates more often, from older weights, and need a smaller step.")
    if save is not None:
        from circuitsim.views.line_charts import Panel, draw_lines

        by_update = {name(window): (list(range(1, updates + 1)), losses) for window, (_, losses) in curves.items()}
        by_time = {name(window): curve for window, curve in curves.items()}
        within: dict[str, Any] = {"logarithmic": True, "bottom": LEAST, "top": MOST}
        draw_lines(
            [
                Panel("the loss after so many updates", "updates", "loss", by_update, **within),
                Panel("the loss after so many ticks", "ticks", "loss", by_time, **within),
            ],
            save,
        )
    return report


def time_below(limit: float, times: list[float], losses: list[float]) -> float | None:
    """Return when the loss fell below a limit for good, None if it did not."""
    above = [place for place, loss in enumerate(losses) if not loss < limit]
    place = above[-1] + 1 if above else 0
    return times[place] if place < len(times) else None


def pipeline(stages: int, window: int, circuit: cs.Circuit) -> cs.Simulation:
    """Return a circuit on devices, with so many examples under way."""
    plan = cs.Plan(stages, in_flight=window, microbatches=BATCH, update="async")
    return cs.Simulation(circuit, plan, trace=False)


def line(stages: int, curvature: float) -> cs.Circuit:
    """Return a loss c w² / 2 whose parameter is in the first stage and whose square is in the last."""
    circuit = cs.Circuit("staleness")
    place = circuit.parameter("w", START) * circuit.input("one")
    for _ in range(stages - 2):
        place = place * 1.0
    circuit.output("loss", (0.5 * curvature) * cs.square(place))
    return circuit


def stream(stages: int, window: int, step: float, curvature: float, updates: int) -> cs.StreamRun:
    """Send examples through the pipeline, so many at a time; the parameter answers each gradient at once."""
    circuit = line(stages, curvature)
    plan = cs.Plan(min(stages, len(circuit.names("gate"))), in_flight=window, update="async")
    simulation = cs.Simulation(circuit, plan, trace="work", nonfinite="ignore")
    simulation.learn(cs.SGD(step))
    return simulation.stream([{"one": 1.0}] * updates, gradient=-1.0)


def settles(window: int, step: float, curvature: float) -> bool:
    """Tell whether the parameter comes to rest: one device that does as many things at a time as are under way."""
    plan, cluster = cs.Plan(in_flight=window, update="async"), cs.Cluster(slots=window)
    simulation = cs.Simulation(line(1, curvature), plan, cluster=cluster, trace="work", nonfinite="ignore")
    simulation.learn(cs.SGD(step))
    run = simulation.stream([{"one": 1.0}] * 600, gradient=-1.0)
    places = [abs(float(update.value)) for update in run.timeline.updates]
    return max(places[-50:]) < max(places[:50])


def name(window: int) -> str:
    """Return what a window is called in pictures."""
    return f"{window} under way"


if __name__ == "__main__":
    play(main)
