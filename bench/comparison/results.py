"""Numbers of rounds made into summaries, ratios and answers about targets. Only arithmetic: nothing is run or read
here.

An entry is {"work", "contender", "round", "numbers"} or, if it failed, {"work", "contender", "round", "error"}."""

import dataclasses
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class Spread:
    """What several rounds gave for one number."""
    median: float
    least: float
    most: float
    rounds: int


def spread(values: Sequence[float]) -> Spread | None:
    return Spread(statistics.median(values), min(values), max(values), len(values)) if values else None


def by_round(entries: Iterable[Mapping], work: str, contender: str, key: str) -> dict[int, float]:
    return {
        entry["round"]: entry["numbers"][key]
        for entry in entries
        if entry["work"] == work and entry["contender"] == contender and key in entry.get("numbers", {})
    }


def summary(entries: Iterable[Mapping], work: str, contender: str, key: str) -> Spread | None:
    return spread(list(by_round(entries, work, contender, key).values()))


def ratio(above: Mapping[int, float], below: Mapping[int, float]) -> Spread | None:
    """Of each round by itself, because the machine's rounds differ more than the contenders within one."""
    return spread([above[turn] / below[turn] for turn in above if below.get(turn)])


def errors(entries: Iterable[Mapping], work: str, contender: str) -> list[str]:
    return [
        entry["error"]
        for entry in entries
        if entry["work"] == work and entry["contender"] == contender and "error" in entry
    ]


def slope(points: Mapping[float, float]) -> float | None:
    """The exponent of a power law through the points, by least squares of the logarithms; 0 is flat, 1 is
    proportional."""
    logs = [(math.log(x), math.log(y)) for x, y in points.items() if x > 0 and y > 0]
    if len(logs) < 2:
        return None
    mean_x, mean_y = (statistics.fmean(column) for column in zip(*logs))
    below = sum((x - mean_x) ** 2 for x, _ in logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / below if below else None


@dataclasses.dataclass(frozen=True)
class Number:
    work: str
    contender: str
    key: str


@dataclasses.dataclass(frozen=True)
class Target:
    """above, or above divided by below, is to be at least or at most the bound."""
    text: str
    above: Number
    least: float | None = None
    most: float | None = None
    below: Number | None = None
    unit: str = ""
    scale: float = 1


def seen(entries: Sequence[Mapping], target: Target) -> Spread | None:
    above = by_round(entries, target.above.work, target.above.contender, target.above.key)
    if target.below is None:
        return spread([value * target.scale for value in above.values()])
    return ratio(above, by_round(entries, target.below.work, target.below.contender, target.below.key))


def verdict(target: Target, found: Spread | None) -> str:
    """A target is met by the median; it is never left out because it was missed."""
    if found is None:
        return "not measured"
    enough = target.least is None or found.median >= target.least
    little = target.most is None or found.median <= target.most
    return "met" if enough and little else "missed"
