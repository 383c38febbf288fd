"""Runs the rounds: within each, every work by every contender, in an order that rotates from round to round, so that
nobody always runs first or behind the same neighbour. One that fails is written down as failed, and the rest goes
on."""

import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

from .contenders import Kit
from .processes import Failed
from .works import Bench, Work


def rotated(names: Sequence[str], turn: int) -> list[str]:
    at = turn % len(names) if names else 0
    return [*names[at:], *names[:at]]


def plan(works: Sequence[Work], contenders: Sequence[str], rounds: int,
         quick: bool = False) -> list[tuple[int, Work, str]]:
    """Every (round, work, contender), in the order in which they are run."""
    steps = []
    for turn in range(rounds):
        for work in works:
            able = [name for name in work.loads if name in contenders and turn < work.rounds_max(name)
                    and (work.is_quick(name) or not quick)]
            steps += [(turn + 1, work, name) for name in rotated(able, turn)]
    return steps


def headline(work: Work, numbers: dict) -> str:
    shown = [
        f"{column.heading} {numbers[column.key] * column.scale:.4g}" for column in work.columns if column.key in numbers
    ]
    return ", ".join(shown[:3])


def step(kit: Kit, quick: bool, turn: int, work: Work, name: str) -> dict:
    entry = {"work": work.name, "contender": name, "round": turn}
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="oncue-compare-", ignore_cleanup_errors=True) as folder:
        bench = Bench(kit, pathlib.Path(folder), quick)
        entry["asked"] = work.load(bench, name)
        try:
            numbers, entry["raw"] = work.do(bench, work, name)
            entry["numbers"] = {key: float(f"{value:.6g}") for key, value in numbers.items()}
        except Exception as error:  # whatever it is, the others go on
            entry["error"] = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
    return entry | {"took_s": round(time.monotonic() - begun, 2)}


def run(kit: Kit, steps: Sequence[tuple[int, Work, str]], quick: bool, say: Callable[[str], None]) -> list[dict]:
    entries = []
    begun = time.monotonic()
    for number, (turn, work, name) in enumerate(steps, 1):
        entry = step(kit, quick, turn, work, name)
        entries.append(entry)
        minutes, seconds = divmod(int(time.monotonic() - begun), 60)
        what = f"FAILED: {entry['error']}" if "error" in entry else headline(work, entry["numbers"])
        at = f"{minutes:02d}:{seconds:02d} {number}/{len(steps)} round {turn}"
        say(f"{at} {work.name} {name} ({entry['took_s']} s): {what}")
    return entries


def to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
