"""Schedule tables in PyTorch's notation, right ones and spoilt ones: each is run, or refused in a sentence."""

import pathlib
import random as chance
import time

import circuitsim as cs
from circuitsim.plan.schedules import SCHEDULES
from tests.pipelines import chain, linked, stream

__all__ = ["attempt"]

MOST_LETTERS, MOST_SECONDS = 400, 10.0
NUMBERS = ["-1", "99", "1" * 5000, "0" * 300, "٣", "²", "1_0", "1e3", " 0", "+1", ""]
KINDS = ["F", "I", "W", "B", "f", "X", "SEND_F", "RECV_F", "SEND_B", "RECV_B", "UNSHARD", "REDUCE_GRAD", "FB", ""]


def attempt(random: chance.Random, folder: pathlib.Path) -> str | None:
    """Read a table from text or from a file, and run what is not refused."""
    name = random.choice(sorted(SCHEDULES))
    devices = random.randint(1, 5)
    whole = SCHEDULES[name](devices, devices * random.randint(1, 3))
    if random.random() < 0.3:
        whole = whole.with_transfers(early=random.random() < 0.5)
    rows = [[str(work) for work in row] for row in whole.rows]
    spoils = random.choice([0, 0, 1, 1, 1, 2, 4])
    for _ in range(spoils):
        spoil(random, rows)
    comma = random.choice([",", " ", ", ", ";", "\t"])
    text = random.choice(["\n", "\r\n"]).join(comma.join(row) for row in rows)
    again = f"{name} on {devices} devices, spoilt {spoils} times:\n{text[:2000]}"
    table: str | pathlib.Path = text
    if random.random() < 0.3:
        table = folder / "table.csv"
        table.write_bytes(text.encode(random.choice(["utf-8", "utf-8-sig", "utf-16", "latin-1"]), "replace"))
    begin = time.perf_counter()
    try:
        schedule = cs.Schedule.from_table(table, barrier=random.random() < 0.5)
        if schedule.stages <= 32 and schedule.microbatches <= 32:
            wrong = run(schedule, random.choice([0.0, 0.25]))
            if wrong is not None:
                return f"{wrong}\n{again}"
    except cs.CircuitSimError as error:
        told = str(error)
        if "\n" in told or len(told) > MOST_LETTERS:
            return f"a sentence of {len(told)} letters: {told[:1000]!r}\n{again}"
        if not spoils and not isinstance(table, pathlib.Path) and comma in (",", " ", ", "):
            return f"a right table is refused: {told}\n{again}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:1000]}\n{again}"
    if time.perf_counter() - begin > MOST_SECONDS:
        return f"it took {time.perf_counter() - begin:.1f} s\n{again}"
    return None


def spoil(random: chance.Random, rows: list[list[str]]) -> None:
    """Change something in a table."""
    row = random.choice(rows)
    place = random.randrange(len(row)) if row else 0
    other = random.choice(rows)
    what = random.randrange(9)
    if what == 0 or not row:
        row.insert(place, f"{number(random)}{random.choice(KINDS)}{number(random)}")
    elif what == 1:
        del row[place]
    elif what == 2:
        row[place], row[-1] = row[-1], row[place]
    elif what == 3:
        other.append(row.pop(place))
    elif what == 4:
        random.shuffle(row)
    elif what == 5:
        row[place] = row[place].replace(row[place][0], number(random), 1) if row[place] else "0"
    elif what == 6:
        row[place] = random.choice(["x", "F", "0F", "é"]) * random.choice([1, 7, 200_000])
    elif what == 7:
        rows.remove(row) if len(rows) > 1 else row.clear()
    else:
        row.insert(place, "")


def number(random: chance.Random) -> str:
    """Return what stands where a number should."""
    return str(random.randint(0, 5)) if random.random() < 0.6 else random.choice(NUMBERS)


def run(schedule: cs.Schedule, latency: float) -> str | None:
    """Run a schedule; return what is wrong with what came of it."""
    given, circuit = [{"x": 0.25 + tag} for tag in range(schedule.microbatches)], chain(schedule.stages)
    try:
        found = stream(circuit, given, cs.Plan(schedule.stages, schedule=schedule), linked(latency))
    except cs.DeadlockError as error:
        return None if schedule.blocking else f"a schedule that was taken deadlocks: {error}"
    plain = stream(circuit, given, cs.Plan(1, schedule="gpipe"))
    if [found.outputs, found.input_gradients, found.gradients] != [
        plain.outputs,
        plain.input_gradients,
        plain.gradients,
    ]:
        return "the numbers are not those of one device"
    report = found.report
    if max(report.busy) > report.makespan * (1 + 1e-9):
        return f"a device worked {max(report.busy)} ticks in a run of {report.makespan}"
    if abs(found.critical_path.length - report.makespan) > 1e-9 * report.makespan:
        return f"the critical path has {found.critical_path.length} ticks, the run {report.makespan}"
    return None
