"""A result as Markdown: the targets, then a table a work. A number is the median of the rounds, with the smallest and
the largest behind it; a ratio is taken within each round first. Nothing is left out because it looks bad."""

import pathlib
from collections.abc import Mapping, Sequence

from .contenders import ALL
from .results import Spread, by_round, errors, ratio, seen, slope, summary, verdict
from .targets import TARGETS
from .works import Column, Work


def digits(value: float) -> str:
    """Three digits that mean something, and no exponents."""
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.2g}"


def shown(found: Spread | None, scale: float = 1, unit: str = "") -> str:
    if found is None:
        return "–"
    middle = digits(found.median * scale) + unit
    if found.rounds == 1 or found.least == found.most:
        return middle
    return f"{middle} [{digits(found.least * scale)} – {digits(found.most * scale)}]"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *rest = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rest)]


def targets(entries: Sequence[Mapping]) -> list[str]:
    rows = [["", "target", "seen", ""]]
    for target in TARGETS:
        found = seen(entries, target)
        bound = f"≥ {digits(target.least)}" if target.least is not None else f"≤ {digits(target.most)}"
        said = verdict(target, found)
        rows.append([target.text, bound + target.unit, shown(found, unit=target.unit),
                     said if said == "met" else f"**{said}**"])
    return table(rows)


def cells(entries: Sequence[Mapping], work: Work, name: str, column: Column) -> list[str]:
    found = [shown(summary(entries, work.name, name, column.key), column.scale)]
    if column.ratio:
        others = by_round(entries, work.name, name, column.key)
        ours = by_round(entries, work.name, work.ours, column.key)
        found.append("1" if name == work.ours else shown(ratio(others, ours)))
    return found


def work_table(entries: Sequence[Mapping], work: Work, names: Sequence[str]) -> list[str]:
    head = ["contender"]
    for column in work.columns:
        head += [column.heading, "× oncue's"] if column.ratio else [column.heading]
    rows, notes = [head], []
    for name in names:
        failed = errors(entries, work.name, name)
        rows.append([ALL[name].label, *(cell for column in work.columns for cell in cells(entries, work, name, column))])
        if failed:
            said = failed[0].splitlines()[-1][-300:]
            notes.append(f"{ALL[name].label} failed in {len(failed)} of its rounds: `{said}`")
    return [*table(rows), *(line for note in notes for line in ("", note))]


def asked(entries: Sequence[Mapping], work: Work, names: Sequence[str]) -> str:
    """Who was asked for what, where it was not the same for all."""
    of_work = [entry for entry in entries if entry["work"] == work.name]
    loads = {name: next((entry["asked"] for entry in of_work if entry["contender"] == name), {}) for name in names}
    keys = sorted({key for load in loads.values() for key in load})
    unlike = [key for key in keys if len({str(load.get(key)) for load in loads.values()}) > 1]
    if not unlike:
        return ""
    parts = [f"{ALL[name].label}: " + ", ".join(f"{key} {load[key]}" for key in unlike if key in load)
             for name, load in loads.items() if any(key in load for key in unlike)]
    return "Asked for: " + "; ".join(parts) + "."


GROWING = (("cpu_us_per_delta", "CPU a delta, µs", 1), ("memory_bytes_per_stream", "memory a stream, KiB", 1 / 1024),
           ("delay_p99_us", "delay p99, ms", 1e-3), ("first_event_p50_us", "first event p50, ms", 1e-3))


def growth(entries: Sequence[Mapping]) -> list[str]:
    """How the figures of a stream grow with the streams: works streams-N at two deltas a second."""
    counts = (5, 100, 1000, 5000)
    lines = []
    for key, heading, scale in GROWING:
        rows = [[heading, *(f"{count:,} streams" for count in counts), "exponent from 100"]]
        for name in ("oncue-serve", "agno-os", "nginx"):
            found = {count: summary(entries, f"streams-{count}", name, key) for count in counts}
            if any(found.values()):
                power = slope({count: one.median for count, one in found.items() if one and count >= 100})
                rows.append([ALL[name].label, *(shown(one, scale) for one in found.values()),
                             "–" if power is None else f"{power:+.2f}"])
        lines += [*table(rows), ""] if len(rows) > 1 else []
    return ["## As the streams grow", "", "Two deltas a second on each stream (agno at 1,000: one in two seconds). An exponent of 0 is a figure that does not "
            "grow.", "", *lines] if lines else []


def markdown(result: Mapping, works: Sequence[Work], plots: Sequence[str] = ()) -> str:
    entries, machine = result["entries"], result["machine"]
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_mb'] // 1024} GiB, {machine['kernel']}"
    lines = ["# oncue beside its peers and beside the limits", "",
             f"Made by `{result['command']}` on {result['date']}, commit {result['versions']['commit']}: {where}. "
             "Provider, contender and load share these cores. A number is the median of the rounds, [smallest – "
             "largest] behind it; ratios are taken within a round.", "", "## Targets", "", *targets(entries), ""]
    for plot in plots:
        lines += [f"![{pathlib.Path(plot).stem.replace('-', ' ')}]({plot})", ""]
    for work in works:
        names = [name for name in work.loads if any(e["work"] == work.name and e["contender"] == name for e in entries)]
        if names:
            load = asked(entries, work, names)
            lines += [f"## {work.title}", "", work.what, "", *work_table(entries, work, names), ""]
            lines += [load, ""] if load else []
    present = {entry["contender"] for entry in entries}
    lines += [
        *growth(entries), "## How each was run", "",
        *(f"- **{one.label}**: {one.how}." for one in ALL.values() if one.name in present), "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in result["versions"].items()) + ".", "",
        "No key is set, no telemetry is sent: `AGNO_TELEMETRY=false`, `telemetry=False`, `LANGSMITH_TRACING=false`."
    ]
    return "\n".join(lines) + "\n"
