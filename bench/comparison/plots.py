"""Plots of a result as SVG: few marks, text as text, the same bytes for the same numbers. Needs matplotlib, which is
among the peers' requirements."""

import pathlib
from collections.abc import Mapping, Sequence

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  behind the choice of what draws

from .contenders import ALL
from .results import summary

plt.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "oncue", "font.size": 10, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.3, "axes.axisbelow": True
})
OURS, LIMIT, PEER = "#1b7f5c", "#8a8a8a", "#c8643c"


def color(name: str) -> str:
    return OURS if name.startswith("oncue") else LIMIT if name.startswith(("curl", "nginx")) else PEER


def save(figure, path: pathlib.Path) -> str:
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)
    return path.name


def bars(axes, entries: Sequence[Mapping], work: str, key: str, names: Sequence[str], title: str,
         scale: float = 1) -> None:
    found = [(name, spread) for name in names if (spread := summary(entries, work, name, key))]
    for at, (name, spread) in enumerate(reversed(found)):
        middle = spread.median * scale
        reach = [[middle - spread.least * scale], [spread.most * scale - middle]]
        axes.barh(at, middle, color=color(name), xerr=reach, ecolor="#333333", capsize=2)
        axes.annotate(f" {middle:,.3g}" if middle < 1000 else f" {middle:,.0f}", (spread.most * scale, at), va="center",
                      fontsize=9)
    axes.set_yticks(range(len(found)), [ALL[name].label for name, _ in reversed(found)])
    axes.set_title(title, fontsize=10, loc="left")
    if found:
        axes.set_xscale("log")
        axes.margins(x=0.25)
    axes.grid(axis="y", visible=False)


def in_process(entries: Sequence[Mapping], folder: pathlib.Path) -> str:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.6), layout="constrained")
    names = ("oncue", "agno", "langgraph", "pydantic-ai", "curl")
    bars(left, entries, "run", "cpu_us_per_run", names, "CPU a run, µs (less is better)")
    bars(right, entries, "paced", "cpu_us_per_delta", names, "CPU a delta, 5 ms apart, µs")
    return save(figure, folder / "in-process.svg")


def served(entries: Sequence[Mapping], folder: pathlib.Path) -> str:
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
    for name in ("agno-os", "oncue-serve", "nginx"):
        found = {
            count: summary(entries, f"streams-{count}", name, "cpu_us_per_delta")
            for count in (5, 100, 1000, 5000)
        }
        points = [(count, one.median) for count, one in found.items() if one]
        if points:
            left.plot(*zip(*points), marker="o", color=color(name), label=ALL[name].label)
    left.set_xscale("log")
    left.set_yscale("log")
    left.set_xlabel("streams")
    left.set_title("CPU a delta over HTTP, µs (less is better)", fontsize=10, loc="left")
    if left.lines:
        left.legend(frameon=False)
    bars(right, entries, "memory", "memory_bytes_per_stream", ("oncue-serve", "agno-os", "nginx"),
         "Memory a silent stream, KiB", 1 / 1024)
    return save(figure, folder / "over-http.svg")


def cancels(entries: Sequence[Mapping], folder: pathlib.Path) -> str:
    phases = ("queued", "waiting", "streaming", "before_completion")
    figure, axes = plt.subplots(figsize=(9, 2.8), layout="constrained")
    for shift, name in ((-0.2, "oncue-serve"), (0.2, "agno-os")):
        for at, phase in enumerate(phases):
            if spread := summary(entries, f"cancel-{phase}", name, "to_ending_p99_us"):
                axes.bar(at + shift, spread.median / 1000, 0.38, color=color(name))
                axes.annotate(f"{spread.median / 1000:,.3g}", (at + shift, spread.median / 1000), ha="center",
                              va="bottom", fontsize=9)
    axes.axhline(10, color="#333333", linestyle="--", linewidth=1)
    axes.annotate("target 10 ms", (len(phases) - 0.5, 10), ha="right", va="bottom", fontsize=9)
    axes.set_xlim(-0.5, len(phases) - 0.5)
    axes.set_yscale("log")
    axes.margins(y=0.2)
    axes.set_xticks(range(len(phases)), [phase.replace("_", " ") for phase in phases])
    axes.legend(
        handles=[
            plt.Rectangle((0, 0), 1, 1, color=color(name), label=ALL[name].label) for name in ("oncue-serve", "agno-os")
        ], frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_title("From the cancel to the run's ending, p99, ms (less is better)", fontsize=10, loc="left")
    return save(figure, folder / "cancel.svg")


def draw(entries: Sequence[Mapping], folder: pathlib.Path) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    done = {entry["work"] for entry in entries if "numbers" in entry}
    drawn = []
    if done & {"run", "paced"}:
        drawn.append(in_process(entries, folder))
    if done & {"streams-5", "streams-100", "streams-1000", "streams-5000", "memory"}:
        drawn.append(served(entries, folder))
    if any(name.startswith("cancel-") for name in done):
        drawn.append(cancels(entries, folder))
    return drawn
