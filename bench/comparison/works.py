"""What is done, once for each contender in each round, and which numbers come out. A work names its unit, its
columns, and the contenders that can do it, each with the load that it can hold; a smaller load than oncue's stands in
the report."""

import contextlib
import dataclasses
import math
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping

from .contenders import ALL, Kit, Reader, Server, Site, options
from .processes import Failed, free_port, memory_bytes, run_tool, serving

Numbers = dict[str, float]
SHORT = "words;n=3"  # a scenario for warming up
IDLE_S = 1
DELTA_BYTES = 24  # bench_provider's, if a scenario says nothing else


@dataclasses.dataclass(frozen=True)
class Column:
    key: str
    heading: str
    scale: float = 1  # what is shown is the number times this
    ratio: bool = False  # to oncue's, the contender's by oncue's


@dataclasses.dataclass(frozen=True)
class Bench:
    """What a work needs to be done: programs, a folder of its own, and whether it has to be short."""
    kit: Kit
    folder: pathlib.Path
    quick: bool

    @contextlib.contextmanager
    def provider(self) -> Iterator[int]:
        port = free_port()
        with serving([self.kit.provider, "--port", str(port)], port, self.folder, "provider"):
            yield port

    @contextlib.contextmanager
    def server(self, contender: Server, scenarios: Mapping[str, str], running_runs_max: int | None = None,
               wait: bool = True) -> Iterator[tuple]:
        """A fresh server with a fresh provider behind it: (server, site)."""
        with self.provider() as provider_port:
            site = Site(self.folder, free_port(), provider_port, scenarios, running_runs_max)
            command = contender.prepare(self.kit, site)
            with serving(command, site.port, self.folder, contender.name, wait) as server:
                yield server, site

    def client(self, command: str, *arguments: object, timeout_s: float = 120) -> dict:
        return run_tool([self.kit.client, command, *map(str, arguments)], timeout_s)


@dataclasses.dataclass(frozen=True)
class Work:
    name: str
    title: str
    what: str  # one sentence for the report
    ours: str  # whom the others are divided by
    columns: tuple[Column, ...]
    loads: Mapping[str, Mapping]  # contender -> what it is asked for, in a standard run
    do: Callable[[Bench, "Work", str], tuple[Numbers, dict]]

    def load(self, bench: Bench, contender: str) -> dict:
        """What is asked for; a quick run asks for less."""
        load = dict(self.loads[contender])
        quick = load.pop("quick", None) or {}
        load.pop("rounds_max", None)
        return load | quick if bench.quick else load

    def is_quick(self, contender: str) -> bool:
        """False: it is left out of a quick run."""
        return self.loads[contender].get("quick", {}) is not None

    def rounds_max(self, contender: str) -> float:
        """A load that takes long is asked for in fewer rounds."""
        return self.loads[contender].get("rounds_max", math.inf)


def deltas_of(scenario: str) -> int:
    """The n of words;n=…"""
    return int(dict(part.partition("=")[::2] for part in scenario.split(";"))["n"])


# -- in the process ----------------------------------------------------------------


def read(bench: Bench, work: Work, name: str) -> tuple[Numbers, dict]:
    contender: Reader = ALL[name]
    load = work.load(bench, name)
    with bench.provider() as port:
        command = [*contender.command(bench.kit), "--base-url", f"http://127.0.0.1:{port}/{load['scenario']}/v1"]
        durable = options(store=bench.folder / f"{name}.db", turns=load["turns"]) if "turns" in load else []
        raw = run_tool([*command, *options(runs=load["runs"], warm=load["warm"]), "--in-flight", str(load["in_flight"]),
                        *durable], 120)
        alone = run_tool([*command, *options(runs=load["alone"], warm=20)], 120) if "alone" in load else None
    deltas = raw["runs"] * deltas_of(load["scenario"])
    if raw["text_bytes"] != deltas * DELTA_BYTES:
        raise Failed(f"{raw['text_bytes']} bytes of text came, not {deltas * DELTA_BYTES}")
    numbers = {
        "cpu_us_per_run": raw["cpu_us"] / raw["runs"],
        # Of the provider's deltas: a reader may merge what waits.
        "cpu_us_per_delta": raw["cpu_us"] / deltas,
        "latency_p50_us": raw["latency_us"]["p50"],
        "latency_p99_us": raw["latency_us"]["p99"],
        "runs_per_s": raw["runs"] / raw["wall_us"] * 1e6,
        "rss_bytes": raw["rss_kb"] * 1024,
    }
    if alone:
        numbers["alone_p50_us"] = alone["latency_us"]["p50"]
        numbers["alone_p99_us"] = alone["latency_us"]["p99"]
    turns = raw.get("turn_us") or {}
    if len(turns) == 2:
        first, last = (turns[key]["p50"] for key in sorted(turns, key=int))
        numbers |= {"turn_first_us": first, "turn_last_us": last, "turn_growth": last / first}
    return numbers, {"measured": raw, "alone": alone}


# -- over HTTP ------------------------------------------------------------------------


def streams(bench: Bench, work: Work, name: str) -> tuple[Numbers, dict]:
    load = work.load(bench, name)
    with bench.server(ALL[name], {"bench": load["scenario"], "short": SHORT}) as (server, site):
        warm_up(bench, ALL[name], site)
        raw = measure_streams(bench, ALL[name], server.pid, site, "bench", load)
    return stream_numbers(raw, load), raw


def warm_up(bench: Bench, contender: Server, site: Site) -> None:
    """A few short runs first: what a contender loads and allocates once is not a stream's."""
    bench.client("runs", *contender.reach(site, "short"), "--count", 40, "--in-flight", 10)


def measure_streams(bench: Bench, contender: Server, pid: int, site: Site, agent: str, load: Mapping) -> dict:
    return bench.client("streams", *contender.reach(site, agent), "--pid", pid, "--count", load["count"],
                        "--seconds", load["seconds"], "--warm-s", load.get("warm_s", 1), "--open-per-s",
                        load.get("open_per_s", 1000), "--timeout-s", load.get("timeout_s", 60))


def stream_numbers(raw: dict, load: Mapping) -> Numbers:
    offered = load["count"] * load["per_s"]
    numbers = {
        "opened": raw["opened"],
        "delivered": raw["deltas_per_s"] / offered,
        "deltas_per_s": raw["deltas_per_s"],
        "delay_p50_us": raw["delay_us"]["p50"],
        "delay_p99_us": raw["delay_us"]["p99"],
        "first_event_p50_us": raw["first_event_us"]["p50"],
        "memory_bytes_per_stream": raw["memory_per_stream"],
        "pss_bytes": raw["pss_after"],
        "cpu_share": raw["cpu_us"] / (raw["deltas"] / raw["deltas_per_s"]) / 1e6 if raw["deltas"] else 0,
    }
    if raw["deltas"] and raw["cpu_us"] > 0:
        numbers["cpu_us_per_delta"] = raw["cpu_us"] / raw["deltas"]
        numbers["streams_per_core"] = 1e6 / (numbers["cpu_us_per_delta"] * load["per_s"])
    return numbers


def saturate(bench: Bench, work: Work, name: str) -> tuple[Numbers, dict]:
    """Doubles what is offered until less than 95 % comes, or the slowest hundredth is later than a second."""
    load = work.load(bench, name)
    offers = [load["from_per_s"] * 2 ** step for step in range(load["steps"])]
    scenario = {f"at{offer}": f"words;n=0;gap_us={round(load['count'] / offer * 1e6)}" for offer in offers}
    held, delivered, steps = 0.0, 0.0, []
    with bench.server(ALL[name], scenario | {"short": SHORT}) as (server, site):
        warm_up(bench, ALL[name], site)
        for offer in offers:
            raw = measure_streams(bench, ALL[name], server.pid, site, f"at{offer}", load)
            steps.append({"offered_per_s": offer, **raw})
            delivered = max(delivered, raw["deltas_per_s"])
            if raw["deltas_per_s"] < 0.95 * offer or raw["delay_us"]["p99"] > 1e6:
                break
            held = offer
    return {
        "held_per_s": held, "delivered_per_s": delivered,
        "cpu_us_per_delta": steps[-1]["cpu_us"] / max(1, steps[-1]["deltas"])
    }, {"steps": steps}


def cancel(bench: Bench, work: Work, name: str) -> tuple[Numbers, dict]:
    load = work.load(bench, name)
    phase = load["phase"]
    # Half of those that are alive have a place, the others wait before the runs that are cancelled.
    running = max(1, load["alive"] // 2) if phase == "queued" else None
    with bench.server(ALL[name], {"bench": load["scenario"], "short": SHORT}, running) as (server, site):
        warm_up(bench, ALL[name], site)
        arguments = [
            "--count", load["count"], "--provider", f"http://127.0.0.1:{site.provider_port}", "--phase", phase,
            "--in-flight", load["in_flight"], "--alive", load["alive"], "--timeout-s",
            load.get("timeout_s", 30)
        ]
        if "deltas" in load:
            arguments += ["--deltas", load["deltas"]]
        raw = bench.client("cancel", *ALL[name].reach(site, "bench"), "--pid", server.pid, *arguments)
    numbers = {
        "cancelled": raw["cancelled"], "unstopped": raw["provider_still_open"] + raw["provider_finished"],
        "deltas_after_close": raw["deltas_after_close"]["sum"],
        "deltas_after_request": raw["deltas_after_request"]["sum"]
    }
    # A proxy's run has no ending: its client has closed, and that is all.
    for what in ("to_ending", "to_provider_closed") if ALL[name].dialect == "agentos" else ("to_provider_closed", ):
        for part in ("p50", "p99", "max"):
            if part in raw[f"{what}_us"]:  # none without a single value
                numbers[f"{what}_{part}_us"] = raw[f"{what}_us"][part]
    return numbers, raw


def stall(bench: Bench, work: Work, name: str) -> tuple[Numbers, dict]:
    load = work.load(bench, name)
    scenarios = {"flood": load["flood"], "live": load["live_scenario"], "short": SHORT}
    with bench.server(ALL[name], scenarios) as (server, site):
        warm_up(bench, ALL[name], site)
        raw = bench.client("stalled", *ALL[name].reach(site, "live"), *ALL[name].reach_flood(site, "flood"), "--pid",
                           server.pid, "--count", load["count"], "--seconds", load["seconds"], "--live", load["live"])
    return {
        "memory_bytes_per_stalled": raw["memory_per_stalled"], "delay_p50_us": raw["delay_us"]["p50"],
        "delay_p99_us": raw["delay_us"]["p99"], "delay_before_p99_us": raw["delay_before_us"]["p99"],
        "stalled": load["count"], "live": raw["live_at_end"]
    }, raw


def start(bench: Bench, work: Work, name: str) -> tuple[Numbers, dict]:
    """From its spawn to the end of its first run, then its memory a second later. It has been started there once
    before: its store exists, its files are in the page cache."""
    load = work.load(bench, name)
    for rehearsal in (True, False):
        with bench.server(ALL[name], {"bench": load["scenario"]}, wait=False) as (server, site):
            raw = bench.client("first", *ALL[name].reach(site, "bench"), "--since-ns", server.begun_ns, "--timeout-s",
                               60)
            if not rehearsal:
                time.sleep(IDLE_S)
                memory = memory_bytes(server.pid)
    return {
        "listening_us": raw["listening_us"], "first_event_us": raw["first_event_us"],
        "completed_us": raw["completed_us"], "idle_pss_bytes": memory["pss"], "idle_rss_bytes": memory["rss"]
    }, raw | memory
