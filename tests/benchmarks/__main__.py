"""All that is timed, in one table: ``python -m tests.benchmarks [--json FILE] [--gates N] [PART...]``."""

import argparse
import json
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks import engines, learning, memory, networks, pipeline, simulation, views
from tests.benchmarks.table import Row


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", help="which parts to time; all of them, if none is named")
    parser.add_argument("--json", type=Path, help="write the table to this file too")
    parser.add_argument("--gates", type=int, default=simulation.MANY, help="how many gates the largest circuit has")
    chosen = parser.parse_args()
    parts = {
        "simulation": simulation.rows,
        "million": lambda: simulation.million(chosen.gates),
        "engines": lambda: engines.rows(chosen.gates),
        "pipeline": pipeline.rows,
        "learning": learning.rows,
        "networks": networks.rows,
        "memory": memory.rows,
        "views": lambda: [Row(*row, at_most=False) for row in views.rows()],
    }
    if unknown := set(chosen.parts) - set(parts):
        parser.error(f"there is no part {unknown.pop()!r}: the parts are {', '.join(parts)}")
    found = []
    console = Console(highlight=False)
    for name in chosen.parts or parts:
        with console.status(f"timing {name}"):
            found += parts[name]()
    table = Table("what", "ratio", "goal", "note")
    for row in found:
        sign = "≤" if row.at_most else "≥"
        table.add_row(
            row.what, f"{row.ratio:.2f}", f"{sign} {row.goal:g}", row.note, style="" if row.reached else "red"
        )
    console.print(table)
    if chosen.json:
        machine = {"python": platform.python_version(), "machine": platform.machine()}
        rows = [{**row._asdict(), "reached": row.reached} for row in found]
        chosen.json.write_text(
            json.dumps({**machine, "rows": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
