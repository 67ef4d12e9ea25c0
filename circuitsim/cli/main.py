"""The command line: ``circuitsim flow | run | list | view | export | play | site``."""

import math
import sys
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import circuitsim
from circuitsim import views
from circuitsim.checks import shown
from circuitsim.circuit.expression import parse
from circuitsim.cli import scenarios
from circuitsim.cli.console import Json, Save, print_json, print_table, print_tree, say, tell, told_saved
from circuitsim.cli.given_values import read_value
from circuitsim.cli.process import serve
from circuitsim.compiled import Compiled
from circuitsim.errors import InputError
from circuitsim.gates.value import Value, as_value, show
from circuitsim.learning.gradients import GradientCheck, check_gradients
from circuitsim.simulation import Run, Simulation
from circuitsim.trace import Trace
from circuitsim.trace.explanation import formula
from circuitsim.trace.words import label
from circuitsim.views.forms import check_save

__all__ = ["main"]

AGREE = 1e-6  # how close analytic and numerical gradients must be
CHEAP = 2000  # numbers that are moved, times nodes: up to here a check takes a few hundredths of a second

app = typer.Typer(
    help="Run differentiable circuits as actors and watch values flow forward and gradients flow back.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help texts keep their brackets
)


def main() -> None:
    """Run the command line."""
    serve(app, sys.argv[1:] or ["--help"], "circuitsim")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"circuitsim {circuitsim.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


# Unknown options are let through as arguments, because an expression may begin with a minus sign.
@app.command(context_settings={"ignore_unknown_options": True})
def flow(
    expression: Annotated[
        str, typer.Argument(help="For example 'sigmoid(a*x + b*y + c)', or with names, 'q = x + y; f = q * z'.")
    ],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE...",
            help="A number such as 2, 1e3, 1/3 or pi/2, or several, 1,2,3. Names that are given no value here are "
            "refused, pi and e too: write pi=pi.",
        ),
    ] = None,
    save: Save = None,
    as_json: Json = False,
    explain: Annotated[str | None, typer.Option(help="Tell how this wire came by its gradient.")] = None,
    gradient: Annotated[str, typer.Option(metavar="VALUE", help="The gradient to put on the output.")] = "1",
    step: Annotated[
        float | None, typer.Option(help="Move the inputs by so much along their gradients, and run once more.")
    ] = None,
    check: Annotated[
        bool | None,
        typer.Option(
            "--check/--no-check",
            help="Hold the gradients against central differences, and show both; if not given, small circuits are "
            "checked, and one line says how it went.",
        ),
    ] = None,
) -> None:
    """Run an expression forward and backward.

    A gradient is put on its output, and the value and the gradient of every wire are shown.
    """
    inputs = _read_values(values or [])
    given = read_value(gradient, "--gradient")
    if step is not None and not math.isfinite(step):
        raise InputError(f"--step is {step!r}: give a finite number, such as 0.01")
    if save is not None:
        check_save(save)
    circuit = parse(expression)
    simulation = Simulation(circuit)
    run = simulation.run(inputs, gradient=given)
    moved = None
    if step is not None:
        moved = simulation.run(
            {name: as_value(value + step * run.gradients[name]) for name, value in inputs.items()}, gradient=given
        )
    story = run.explain(explain) if explain is not None else ""
    cheap = sum(map(np.size, inputs.values())) * len(simulation.netlist.nodes) <= CHEAP
    verdict = None
    if check or (check is None and cheap and run.gradients):
        engine = Compiled(circuit, nonfinite="ignore")
        verdict = check_gradients(engine, inputs)
        if verdict.worst > AGREE:  # at a kink smaller steps are no better; where the slope changes fast they are
            closer = check_gradients(engine, inputs, step=1e-7)
            verdict = closer if closer.worst <= AGREE else verdict
    if not check and verdict is not None and not math.isfinite(verdict.worst):
        verdict = None  # beside an infinity there is nothing to compare
    if save is not None:
        run.save(save)
    if as_json:
        print_json(_results(run, moved, story, verdict))
    else:
        _print_run(run, given, moved, f"after a step of {step:g}" if step is not None else "")
        for assignment in values or []:
            name, _, text = assignment.partition("=")
            if "," in text and "[" not in text:
                say(f"{assignment} is read as {np.size(inputs[name])} numbers, {show(inputs[name])}.")
        if explain is not None:
            say(story)
            print_tree(run.paths(explain))
        if verdict is not None:
            if check:
                say(str(verdict))
            say(_verdict(verdict))
    if save is not None:
        told_saved(save, as_json)
    if check and verdict is not None and not verdict.worst <= AGREE:
        raise typer.Exit(1)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}
)
def run(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A name that 'circuitsim list' shows, or the path of a .py file.")],
) -> None:
    """Run a scenario.

    Its own options follow its name, and NAME --help lists them.
    """
    played = scenarios.load(scenarios.find(name))
    scenarios.play(played, context.args, f"circuitsim run {name}")


@app.command("list")
def list_scenarios() -> None:
    """List the scenarios."""
    rows = list(scenarios.summaries().items())
    print_table("Run one with: circuitsim run NAME", ["name", "what it shows"], rows, words=2)


@app.command()
def view(
    file: Annotated[Path, typer.Argument(help="A .trace file, as --save NAME.trace writes it.")],
    save: Annotated[
        Path | None, typer.Option(help="Where to write the page; beside the file with the suffix .html, if not given.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    flow: Annotated[
        bool, typer.Option("--flow", help="Of a stream on devices, play the flow in the circuit, not their timeline.")
    ] = False,
) -> None:
    """Make a page from a saved trace.

    It is a run to play, or the timeline of the devices that examples streamed through.
    """
    trace = Trace.load(file)
    page = save or file.with_suffix(".html")
    views.view(trace, page, flow)
    told_saved(page, as_json=False)
    if show:
        webbrowser.open(page.resolve().as_uri())


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="A .trace file, as --save NAME.trace writes it.")],
    to: Annotated[Path, typer.Option(help="Where to; the suffix chooses the form, as for --save.")],
) -> None:
    """Write a saved trace in another form."""
    check_save(to)
    Trace.load(file).export(to)
    told_saved(to, as_json=False)


@app.command()
def play(
    save: Annotated[Path, typer.Option(help="Where to write the page.")] = Path("play.html"),
    show: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:
    """Write a page to type expressions in, and open it.

    It lays them out, computes them and pulls on them in the browser; it needs no Python and no network.
    """
    views.play(save)
    told_saved(save, as_json=False)
    if show:
        webbrowser.open(save.resolve().as_uri())


@app.command()
def site(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A new or an empty folder, or one that this command has filled before."),
    ],
) -> None:
    """Make a site to publish: the playground, every scenario, the notebooks, the documentation, and an index.

    Files that it has written there before are replaced, others are left alone.
    """
    from circuitsim.cli.site import make_site  # only who makes a site pays for it

    for sentence in make_site(folder):
        tell(sentence)
    told_saved(folder / "index.html", as_json=False)


def _read_values(assignments: list[str]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if assignment.startswith("-"):
            raise InputError(f"there is no option {shown(name)}: circuitsim flow --help lists them")
        if not equals or not name:
            raise InputError(f"{shown(assignment)} is no value for an input: write NAME=VALUE, for example x=2")
        if name in values:
            raise InputError(f"input {shown(name)} is given twice: give it one value")
        values[name] = read_value(text, f"input {shown(name)}")
    return values


def _verdict(verdict: GradientCheck) -> str:
    """Say how a check went."""
    if verdict.worst <= AGREE:
        return "The gradients agree with central differences."
    name = verdict.rows[0][0]
    found = show(verdict.rows[0][2])
    return f"Central differences give {name} another gradient, {found}: is there a kink or a steep bend here?"


def _print_run(run: Run, given: Value, moved: Run | None, heading: str) -> None:
    """Print every wire with its two numbers, and what its value is after a step, if one was made."""
    trace = run.trace
    assert trace is not None
    netlist, values, gradients = trace.netlist, trace.values(), trace.gradients()
    later = moved.trace.values() if moved is not None and moved.trace is not None else None
    rows = []
    for index, node in enumerate(netlist.nodes):
        if node.kind == "constant":
            continue
        what = formula(netlist, index) if node.kind == "gate" else node.kind
        if node.kind == "output":
            what = f"output, {label(netlist, netlist.wires[netlist.incoming[index][0]].source)}"
        numbers = [values[index], gradients.get(index, 0.0)] + ([later[index]] if later is not None else [])
        rows.append([node.name, what, *map(show, numbers)])
    columns = ["wire", "what", "value", "gradient"] + ([heading] if heading else [])
    note = f"{run.messages} messages in {run.time:g} ticks"
    note += "" if np.array_equal(given, 1.0) else f", with the gradient {show(given)} put on the output"
    print_table(run.name, columns, rows, note, words=2)


def _results(run: Run, moved: Run | None, story: str, verdict: GradientCheck | None) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    trace = run.trace
    assert trace is not None
    values, gradients = trace.values(), trace.gradients()
    results: dict[str, Any] = {
        "outputs": run.outputs,
        "gradients": run.gradients,
        "wires": {
            name: {"value": values[index], "gradient": gradients.get(index, 0.0)}
            for name, index in trace.netlist.of_kind("gate").items()
        },
        "time": run.time,
        "messages": run.messages,
    }
    if moved is not None and moved.trace is not None:
        after, inputs = moved.trace.values(), trace.netlist.of_kind("input")
        results["after_step"] = {
            "inputs": {name: after[index] for name, index in inputs.items()},
            "outputs": moved.outputs,
        }
    if story:
        results["explanation"] = story
    if verdict is not None:
        results["check"] = {"worst": verdict.worst, "agree": verdict.worst <= AGREE}
    return results
