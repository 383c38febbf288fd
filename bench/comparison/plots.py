"""Plots of a result as SVG: few marks, text as text, the same bytes for the same numbers. Needs matplotlib, which is
among the peers' requirements."""

import pathlib
from collections.abc import Mapping, Sequence

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  behind the choice of what draws
from matplotlib.patches import Patch  # noqa: E402
from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: E402

from .contenders import ALL  # noqa: E402
from .results import summary  # noqa: E402

plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "oncue", "font.size": 10, "axes.spines.top": False,
                     "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3, "axes.axisbelow": True,
                     "axes.titlesize": 10, "axes.titlelocation": "left"})
OURS, LIMIT, PEER = "#1b7f5c", "#8a8a8a", "#c8643c"
STREAMS = (5, 100, 1000, 5000)
PHASES = ("queued", "waiting", "streaming", "before_completion")


def color(name: str) -> str:
    return OURS if name.startswith("oncue") else LIMIT if name.startswith(("curl", "nginx")) else PEER


def plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def plain_log(axis) -> None:
    """Numbers in place of powers of ten."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def save(figure, path: pathlib.Path) -> str:
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)
    return path.name


def bars(axes, entries: Sequence[Mapping], work: str, key: str, names: Sequence[str], title: str,
         scale: float = 1) -> None:
    found = [(name, spread) for name in reversed(names) if (spread := summary(entries, work, name, key))]
    for at, (name, spread) in enumerate(found):
        middle, least, most = spread.median * scale, spread.least * scale, spread.most * scale
        axes.barh(at, middle, color=color(name), xerr=[[middle - least], [most - middle]], ecolor="#333333")
        axes.annotate(f" {plain(middle)}", (most, at), va="center", fontsize=9)
    axes.set_yticks(range(len(found)), [ALL[name].label for name, _ in found])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.margins(x=0.18)
    axes.set_title(title)
    axes.grid(axis="y", visible=False)


def in_process(entries: Sequence[Mapping], folder: pathlib.Path) -> str:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.6), layout="constrained")
    names = ("oncue", "agno", "langgraph", "pydantic-ai", "curl")
    bars(left, entries, "run", "cpu_us_per_run", names, "CPU a run, µs (less is better)")
    bars(right, entries, "paced", "cpu_us_per_delta", names, "CPU a delta that comes by itself, µs")
    return save(figure, folder / "in-process.svg")


def over_http(entries: Sequence[Mapping], folder: pathlib.Path) -> str:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
    for name in ("agno-os", "oncue-serve", "nginx"):
        found = {count: summary(entries, f"streams-{count}", name, "cpu_us_per_delta") for count in STREAMS}
        points = [(count, one.median) for count, one in found.items() if one]
        if points:
            left.plot(*zip(*points), marker="o", color=color(name))
            left.annotate(ALL[name].label, points[0], xytext=(8, 6), textcoords="offset points", fontsize=9)
    left.set_xscale("log")
    left.set_yscale("log")
    left.set_xticks(STREAMS)
    left.margins(y=0.2)
    plain_log(left.xaxis)
    plain_log(left.yaxis)
    left.set_xlabel("streams")
    left.set_title("CPU a delta over HTTP, µs (less is better)")
    bars(right, entries, "memory", "memory_bytes_per_stream", ("oncue-serve", "agno-os", "nginx"),
         "Memory a silent stream, KiB", 1 / 1024)
    return save(figure, folder / "over-http.svg")


def cancel(entries: Sequence[Mapping], folder: pathlib.Path) -> str:
    figure, axes = plt.subplots(figsize=(9, 2.8), layout="constrained")
    contenders = ((-0.2, "oncue-serve"), (0.2, "agno-os"))
    for shift, name in contenders:
        for at, phase in enumerate(PHASES):
            if spread := summary(entries, f"cancel-{phase}", name, "to_ending_p99_us"):
                seen_ms = spread.median / 1000
                axes.bar(at + shift, seen_ms, 0.38, color=color(name))
                axes.annotate(plain(seen_ms), (at + shift, seen_ms), ha="center", va="bottom", fontsize=9)
    axes.axhline(10, color="#333333", linestyle="--", linewidth=1)
    axes.annotate("target: 10", (-0.48, 10), ha="left", va="bottom", fontsize=9)
    axes.set_xlim(-0.5, len(PHASES) - 0.5)
    axes.set_yscale("log")
    axes.margins(y=0.2)
    plain_log(axes.yaxis)
    axes.set_xticks(range(len(PHASES)), [phase.replace("_", " ") for phase in PHASES])
    axes.grid(axis="x", visible=False)
    axes.legend(handles=[Patch(color=color(name), label=ALL[name].label) for _, name in contenders], frameon=False,
                loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_title("From the cancel to the run's ending, p99, ms (less is better)")
    return save(figure, folder / "cancel.svg")


def draw(entries: Sequence[Mapping], folder: pathlib.Path) -> list[str]:
    """What there are numbers for; gives the files' names."""
    folder.mkdir(parents=True, exist_ok=True)
    done = {entry["work"] for entry in entries if "numbers" in entry}
    wanted = [(in_process, {"run", "paced"}), (over_http, {f"streams-{count}" for count in STREAMS} | {"memory"}),
              (cancel, {f"cancel-{phase}" for phase in PHASES})]
    return [plot(entries, folder) for plot, works in wanted if done & works]
