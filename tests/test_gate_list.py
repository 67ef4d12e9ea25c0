"""docs/gates.md has every gate; `python -m tests.test_gate_list` writes its tables anew."""

import inspect
from pathlib import Path

from circuitsim.gates import registry
from circuitsim.gates.gate import numpy_gates
from circuitsim.gates.numpy_calls import _name

PAGE = Path(__file__).parents[1] / "docs" / "gates.md"
BEGIN, END = "<!-- drawn from tests/test_gate_list.py -->\n", "<!-- end of the list -->"
KINDS = {
    "scalar": "Arithmetic and comparisons, element by element",
    "functions": "Functions of one input",
    "error_function": "The error function",
    "activations": "Activations",
    "tensor": "Reductions, and moving, joining and choosing elements",
    "indexing": "Choosing by index, and tables",
    "network": "Networks",
    "attention": "Attention",
    "margins": "Margin losses",
    "images": "Images",
}


def drawing():
    gates = list(dict.fromkeys(gate for gate in registry.values() if gate.built_in))
    text = ""
    for module, title in KINDS.items():
        text += f"\n## {title}\n\n| gate | what it does | NumPy |\n|---|---|---|\n"
        for gate in gates:
            if gate.__module__ == f"circuitsim.gates.{module}":
                alias = ", ".join(f"`{_name(function)}`" for function, one in numpy_gates.items() if one is gate)
                first = inspect.getdoc(gate).partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")
                other = f" Also called {', '.join(gate.aliases)}." if gate.aliases else ""
                text += f"| `{gate.name}({signature(gate)})` | {first}{other} | {alias} |\n"
    return text + "\n"


def signature(gate):
    parameters = inspect.signature(gate.forward).parameters.values()
    said = [f"*{p.name}" if p.kind is p.VAR_POSITIONAL else p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
    if gate.attributes:
        said += [] if any(name.startswith("*") for name in said) else ["*"]
        named = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        said += [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in named]
    return ", ".join(said)


def test_every_gate_is_listed():
    assert {gate.__module__.rpartition(".")[2] for gate in registry.values() if gate.built_in} == set(KINDS)
    listed = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert listed == drawing(), "python -m tests.test_gate_list"


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + drawing() + END + rest.partition(END)[2], encoding="utf-8")
