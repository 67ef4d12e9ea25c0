"""The command line: ``circuitsim flow | run | list | view | export``."""

import webbrowser
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import circuitsim
from circuitsim import views
from circuitsim.circuit.expression import parse
from circuitsim.cli import scenarios
from circuitsim.cli.console import Json, Save, kindly, print_json, print_table, print_tree
from circuitsim.cli.extensions import load_extensions
from circuitsim.errors import InputError
from circuitsim.gates.value import Value, show
from circuitsim.learning.gradients import check_gradients
from circuitsim.simulation import Run, Simulation
from circuitsim.trace import Trace
from circuitsim.views.forms import check_save

__all__ = ["main"]

AGREE = 1e-6  # how close analytic and numerical gradients must be for --check

app = typer.Typer(
    help="Run differentiable circuits as actors and watch values flow forward and gradients flow back.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line."""
    load_extensions()
    app(prog_name="circuitsim")


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
    expression: Annotated[str, typer.Argument(help="For example 'sigmoid(a*x + b*y + c)'.")],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE...", help="A number, or numbers with commas between them.")
    ] = None,
    save: Save = None,
    as_json: Json = False,
    explain: Annotated[str | None, typer.Option(help="Tell how this wire came by its gradient.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Hold the gradients against central differences.")] = False,
) -> None:
    """Run an expression forward, pull on its output, and show what every input feels."""
    with kindly():
        inputs = _read_values(values or [])
        if save is not None:
            check_save(save)
        simulation = Simulation(parse(expression))
        run = simulation.run(inputs)
        story = run.explain(explain) if explain is not None else ""
        verdict = check_gradients(Simulation(parse(expression), nonfinite="ignore"), inputs) if check else None
        if save is not None:
            run.save(save)
    if as_json:
        result = {"outputs": run.outputs, "gradients": run.gradients, "time": run.time, "messages": run.messages}
        if explain is not None:
            result["explanation"] = story
        if verdict is not None:
            result["check"] = {"worst": verdict.worst, "agree": verdict.worst <= AGREE}
        print_json(result)
    else:
        _print_run(run, inputs)
        if explain is not None:
            print(story)
            print_tree(run.paths(explain))
        if verdict is not None:
            print(verdict)
            print("The gradients agree." if verdict.worst <= AGREE else "The gradients differ: is there a kink here?")
        if save is not None:
            print(f"saved {save}")
    if verdict is not None and verdict.worst > AGREE:
        raise typer.Exit(1)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}
)
def run(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A name that 'circuitsim list' shows, or the path of a .py file.")],
) -> None:
    """Run a scenario; its own options follow its name, and NAME --help lists them."""
    with kindly():
        played = scenarios.load(scenarios.find(name))
    scenarios.play(played, context.args, f"circuitsim run {name}")


@app.command("list")
def list_scenarios() -> None:
    """List the scenarios."""
    rows = list(scenarios.summaries().items())
    print_table("Run one with: circuitsim run NAME", ["name", "what it shows"], rows, numbers=False)


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
    """Make a page from a saved trace: a run to play, or the timeline of the devices that examples streamed through."""
    page = save or file.with_suffix(".html")
    with kindly():
        views.view(Trace.load(file), page, flow)
    print(f"saved {page}")
    if show:
        webbrowser.open(page.resolve().as_uri())


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="A .trace file, as --save NAME.trace writes it.")],
    to: Annotated[Path, typer.Option(help="Where to; the suffix chooses the form, as for --save.")],
) -> None:
    """Show a saved trace in another form, or hand it to another viewer."""
    with kindly():
        check_save(to)
        Trace.load(file).export(to)
    print(f"saved {to}")


def _read_values(assignments: list[str]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if assignment.startswith("-"):
            raise InputError(f"there is no option {name!r}: circuitsim flow --help lists them")
        if not equals or not name:
            raise InputError(f"{assignment!r} is no value for an input: write NAME=VALUE, for example x=2")
        if name in values:
            raise InputError(f"input {name!r} is given twice: give it one value")
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError:
            raise InputError(
                f"the value of input {name!r} is no number: {text!r}; write for example {name}=2"
            ) from None
        values[name] = np.array(numbers) if len(numbers) > 1 else numbers[0]
    return values


def _print_run(run: Run, inputs: dict[str, Value]) -> None:
    rows = [[name, show(inputs[name]), show(gradient)] for name, gradient in run.gradients.items()]
    rows += [[name, show(value), "pulled with 1"] for name, value in run.outputs.items()]
    print_table(run.name, ["wire", "value", "gradient"], rows, f"{run.messages} messages in {run.time:g} ticks")
