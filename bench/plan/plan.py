#!/usr/bin/env python3
"""A plan on paper for 10, 100 and 1,000 nodes, and a simulation that checks it.

Owns: the scenarios and the tables. model.py is the arithmetic, simulation.py the check, docs/performance/many-nodes.md
the reading of it. Promises: the same arguments give the same output; Markdown, or JSON with --json.
Never: measures the machine. Many nodes are planned, not built.

The simulation chooses its own number of streams and parts of cancels; both sides of the comparison use them.

usage: plan.py [--nodes 10 100 1000] [--simulate 10 100] [--seed 1] [--set live_streams=500 ...] [--json]
"""

import argparse
import json
import sys
from dataclasses import asdict, fields, replace
from typing import Any

from model import NODES_MAX, Inputs, Limits, nodes_within, plan, uses
from simulation import Simulation

# The simulation has fewer streams, and enough cancels of every kind. The model is asked the same for the comparison.
SIMULATED = dict(cancelled_part=0.3, cancel_roaming_part=0.7, hint_lost_part=0.5)
STREAMS, STREAMS_PER_NODE_MIN = 5_000.0, 20.0
CALM_S, WINDOW_S, RUNS_MAX, DELTAS_MAX = 100.0, 2.0, 200_000, 600_000
CASES = {"same_node": "same node", "by_link": "another node, by link", "link_lost": "link lost, by the lease's renewal"}

WINDOW, GAP = dict(append_window_ms=500.0), dict(gap_ms=20.0)
POOLER = dict(connections_per_node=1)  # about as many as are in a transaction at the same time
AFFINITY = dict(roaming_part=0.01, cancel_roaming_part=0.02)
REMEDIES: dict[str, dict[str, Any]] = {
    "as assumed": {},
    "a run appends each 500 ms": WINDOW,
    "a node commits appends each 20 ms": GAP,
    "... as one row": dict(packed=True, **GAP),
    "4 primaries, by run id": dict(shards=4),
    "text only at the end": dict(logged_part=0.0),
    "a request goes to its run's node": AFFINITY,
    "a pooler of connections": POOLER,
    "500 ms, 20 ms, its run's node, a pooler": dict(**WINDOW, **GAP, **AFFINITY, **POOLER),
    "... and 4 primaries": dict(shards=4, **WINDOW, **GAP, **AFFINITY, **POOLER),
    "text only at the end, its run's node, a pooler": dict(logged_part=0.0, **AFFINITY, **POOLER),
}


def number(value: float) -> str:
    if value >= 100_000_000:
        return f"{value / 1e6:,.0f} M"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def bold(text: str, yes: bool) -> str:
    return f"**{text}**" if yes else text


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)] + rows
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def affordable(nodes: int, inputs: Inputs) -> tuple[Inputs, float, float]:
    """Fewer streams and a shorter time for many nodes, so that the simulation takes seconds."""
    streams = min(inputs.live_streams, max(STREAMS / nodes, STREAMS_PER_NODE_MIN))
    small = replace(inputs, live_streams=streams, **SIMULATED)
    calm_s = min(CALM_S, RUNS_MAX / (nodes * small.starts_per_s))
    window_s = min(WINDOW_S, DELTAS_MAX / (nodes * small.live_streams * small.deltas_per_s))
    return small, calm_s, window_s


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def compare(nodes: int, inputs: Inputs, seed: int) -> dict[str, Any]:
    """Model and simulation of the same scenario: what both know, and the cancels' percentiles."""
    small, calm_s, window_s = affordable(nodes, inputs)
    simulation = Simulation(nodes, small, seed)
    measured = simulation.measure(calm_s, window_s)
    cancels = {}
    for name, values in sorted(simulation.latency_ms.items()):
        measured[name] = sum(values) / len(values)
        cancels[name] = {"count": len(values), "p50": percentile(values, 0.5), "p99": percentile(values, 0.99)}
    modelled = plan(nodes, small)
    return {
        "streams_per_node": small.live_streams,
        "both": {name: {"model": modelled[name], "simulation": measured[name]} for name in sorted(measured)},
        "cancels_ms": cancels,
    }


def remedies(inputs: Inputs) -> dict[str, dict[str, int]]:
    """For each remedy and each limit: how many nodes fit."""
    changed = {what: replace(inputs, **change) for what, change in REMEDIES.items()}
    return {what: {name: nodes_within(name, each) for name in vars(Limits())} for what, each in changed.items()}


def result(args: argparse.Namespace) -> dict[str, Any]:
    inputs = replace(Inputs(), **dict(args.set))
    return {
        "inputs": asdict(inputs),
        "limits": asdict(Limits()),
        "plan": {nodes: plan(nodes, inputs) for nodes in args.nodes},
        "uses": {nodes: dict(uses(nodes, inputs)) for nodes in args.nodes},
        "nodes_within": remedies(inputs),
        "checked": {nodes: compare(nodes, inputs, args.seed) for nodes in args.simulate},
    }


def difference(model: float, simulation: float) -> str:
    return f"{100 * (simulation / model - 1):+.1f} %" if model else "-"


def markdown(all_of_it: dict[str, Any]) -> str:
    limits = all_of_it["limits"]
    sizes = [str(nodes) for nodes in all_of_it["plan"]]
    plans, shares = list(all_of_it["plan"].values()), list(all_of_it["uses"].values())
    parts = ["## What N nodes ask for", table(["nodes"] + sizes, [
        [name] + [number(each[name]) for each in plans] for name in (plans[0] if plans else [])])]
    parts += ["## How much of each limit is used (1: all of it)", table(["nodes"] + sizes + ["limit"], [
        [name] + [bold(number(each[name]), each[name] > 1) for each in shares] + [number(limit)]
        for name, limit in limits.items()])]
    parts += ["## The largest number of nodes within each limit", table(["remedy", "all of them"] + list(limits), [
        [what, number(min(fits.values()))] + [number(n) if n < NODES_MAX else "-" for n in fits.values()]
        for what, fits in all_of_it["nodes_within"].items()])]
    for nodes, check in all_of_it["checked"].items():
        parts += [f"## Model and simulation, {nodes} nodes, {number(check['streams_per_node'])} streams each", table(
            ["", "model", "simulation", "difference"],
            [[name, number(v["model"]), number(v["simulation"]), difference(v["model"], v["simulation"])]
             for name, v in check["both"].items()])]
        cancels = check["cancels_ms"]
        parts += [f"## A cancel, {nodes} nodes, ms", table(
            ["the cancel arrives at", "cancels", "stopped p50 / p99", "ending journalled p50 / p99"],
            [[words, number(cancels[f"{case}_stop_ms"]["count"])] + [
                f"{cancels[f'{case}_{what}_ms']['p50']:.1f} / {cancels[f'{case}_{what}_ms']['p99']:.1f}"
                for what in ("stop", "ending")] for case, words in CASES.items() if f"{case}_stop_ms" in cancels])]
    return "\n\n".join(parts)


def setting(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    known = {field.name: field.type for field in fields(Inputs)}
    if name not in known:
        raise argparse.ArgumentTypeError(f"{name!r} is no input; there are: {', '.join(known)}")
    try:
        return name, bool(int(value)) if known[name] is bool else known[name](value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{name}: expected a number, not {value!r}") from None


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A plan for many nodes, and a simulation that checks it.")
    parser.add_argument("--nodes", type=int, nargs="+", default=[10, 100, 1000], help="sizes of the plan")
    parser.add_argument("--simulate", type=int, nargs="*", default=[10, 100], help="sizes of the simulation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="INPUT=NUMBER")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    if any(nodes < 2 for nodes in args.nodes + args.simulate):
        parser.error("many nodes are two or more")
    return args


def main(argv: list[str]) -> None:
    args = arguments(argv)
    try:
        everything = result(args)
    except ValueError as error:
        sys.exit(f"plan.py: {error}")
    print(json.dumps(everything, indent=2) if args.json else markdown(everything))


if __name__ == "__main__":
    main(sys.argv[1:])
