"""The works of a comparison in their order, with what each contender is asked for. Only numbers stand here; how a work is
done stands in works.py. The loads are such that a standard run of five rounds takes about twenty minutes on two cores."""

import math

from .works import Column, Work, cancel, read, saturate, stall, start, streams

IN_PROCESS = ("oncue", "agno", "langgraph", "pydantic-ai", "curl")
KIB = 1 / 1024
MIB = 1 / 1024 / 1024
MS = 1 / 1000


def each(names, standard: dict, **changes: dict) -> dict:
    """The same load for all, but for those that are named with a change."""
    return {name: standard | changes.get(name.replace("-", "_"), {}) for name in names}


def _slow(runs: int, **more) -> dict:
    return {"runs": runs, "warm": min(runs, 20), **more}


RUN_COLUMNS = (Column("cpu_us_per_run", "CPU a run, µs", ratio=True), Column("alone_p50_us", "alone p50, µs", ratio=True),
               Column("alone_p99_us", "p99, µs"), Column("rss_bytes", "resident, MiB", MIB))
DELTA_COLUMNS = (Column("cpu_us_per_delta", "CPU a delta, µs", ratio=True), Column("rss_bytes", "resident, MiB", MIB))
STREAM_COLUMNS = (
    Column("cpu_us_per_delta", "CPU a delta, µs", ratio=True), Column("streams_per_core", "streams a core"),
    Column("delay_p50_us", "delay p50, ms", MS), Column("delay_p99_us", "p99, ms", MS),
    Column("first_event_p50_us", "first event p50, ms", MS), Column("memory_bytes_per_stream", "memory a stream, KiB", KIB,
                                                                    ratio=True), Column("delivered", "delivered", 1))
CANCEL_COLUMNS = (
    Column("to_ending_p50_us", "to the ending p50, ms", MS), Column("to_ending_p99_us", "p99, ms", MS, ratio=True),
    Column("to_ending_max_us", "max, ms", MS), Column("to_provider_closed_p99_us", "provider closed p99, ms", MS),
    Column("deltas_after_close", "deltas after the ending"), Column("still_open", "left open"),
    Column("cancelled", "cancels"))


def in_process() -> list[Work]:
    one = {"scenario": "words;n=1", "runs": 5000, "in_flight": 20, "warm": 500, "alone": 1000, "quick": {"runs": 500, "alone": 50}}
    python = _slow(400, alone=150, quick={"runs": 40, "alone": 20})
    flood = {"scenario": "words;n=1000", "runs": 200, "in_flight": 20, "warm": 20, "quick": {"runs": 20}}
    python_flood = _slow(20, warm=5, in_flight=5, quick={"runs": 4, "warm": 1})
    paced = {"scenario": "words;n=500;gap_us=10000", "runs": 20, "in_flight": 20, "warm": 0,
             "quick": {"scenario": "words;n=50;gap_us=10000"}}
    durable = {"scenario": "words;n=20", "runs": 40, "in_flight": 4, "warm": 4, "turns": 25, "quick": {"runs": 4}}
    python_durable = {"runs": 4, "warm": 1, "quick": {"runs": 2, "warm": 0}}
    return [
        Work("run", "A run, start to completed", "The model says one word at once; CPU with 20 runs in flight, latency one at a time.",
             "oncue", RUN_COLUMNS, each(IN_PROCESS, one, agno=python, langgraph=python, pydantic_ai=python), read),
        Work("flood", "A delta in a flood", "1,000 deltas a run, as fast as they go, each text looked at.", "oncue", DELTA_COLUMNS,
             each(IN_PROCESS, flood, agno=python_flood, langgraph=python_flood, pydantic_ai=python_flood), read),
        Work("paced", "A delta by itself", "500 deltas a run, 10 ms apart, 20 runs in flight.", "oncue", DELTA_COLUMNS,
             each(IN_PROCESS, paced), read),
        Work("session", "A durable turn", "Sessions of 25 turns of 20 deltas, each turn in the store before the next.", "oncue",
             (Column("cpu_us_per_run", "CPU a turn, µs", ratio=True), Column("turn_first_us", "turn 1 p50, ms", MS),
              Column("turn_last_us", "turn 25 p50, ms", MS), Column("turn_growth", "turn 25 by turn 1")),
             each(("oncue", "agno", "langgraph"), durable, agno=python_durable, langgraph=python_durable), read),
    ]


def over_http() -> list[Work]:
    def at(count: int, per_s: float, names, rounds_max: float = math.inf, **changes) -> dict:
        standard = {"scenario": f"words;n=0;gap_us={round(1e6 / per_s)}", "count": count, "per_s": per_s, "seconds": 4,
                    "warm_s": 1, "rounds_max": rounds_max, "quick": {"seconds": 1, "warm_s": 0}}
        return each(names, standard, **changes)

    few = ("oncue-serve", "agno-os", "nginx")
    limits = ("oncue-serve", "nginx")
    slower = {"scenario": "words;n=0;gap_us=2000000", "per_s": 0.5, "open_per_s": 100, "warm_s": 3, "rounds_max": 3}
    slow_server = {"count": 50, "from_per_s": 1000, "steps": 3, "quick": {"steps": 1, "seconds": 1}}
    silent = {"open_per_s": 100, "quick": {"count": 50, "seconds": 2, "warm_s": 0}}
    return [
        Work("streams-5", "5 streams", "Two deltas a second on each of 5 streams.", "oncue-serve", STREAM_COLUMNS,
             at(5, 2, few), streams),
        Work("streams-100", "100 streams", "Two deltas a second on each of 100 streams.", "oncue-serve", STREAM_COLUMNS,
             at(100, 2, few, agno_os={"open_per_s": 100}), streams),
        Work("streams-1000", "1,000 streams", "Two deltas a second on each of 1,000 streams; agno one in two seconds.", "oncue-serve",
             STREAM_COLUMNS, at(1000, 2, few, agno_os=slower | {"quick": {"count": 50, "seconds": 2, "warm_s": 0}}), streams),
        Work("streams-5000", "5,000 streams", "Two deltas a second on each of 5,000 streams; agno's client opens 1,000 at most.",
             "oncue-serve", STREAM_COLUMNS, at(5000, 2, limits), streams),
        Work("memory", "Memory of a silent stream", "1,000 streams with a delta in ten seconds.", "oncue-serve",
             (Column("memory_bytes_per_stream", "memory a stream, KiB", KIB, ratio=True), Column("pss_bytes", "in all, MiB", MIB)),
             at(1000, 0.1, few, rounds_max=3, agno_os=silent), streams),
        Work("saturation", "As much as it can", "What is offered doubles until less than 95 % comes or p99 is above a second.",
             "oncue-serve", (Column("delivered_per_s", "deltas a second", ratio=True), Column("held_per_s", "load that was held"),
                             Column("cpu_us_per_delta", "CPU a delta then, µs")),
             each(("oncue-serve", "oncue-serve-2", "agno-os", "agno-os-2", "nginx", "nginx-1"),
                  {"count": 500, "from_per_s": 20000, "steps": 4, "seconds": 2, "warm_s": 0.5, "rounds_max": 3,
                   "quick": {"count": 100, "steps": 1, "seconds": 1}},
                  agno_os=slow_server, agno_os_2=slow_server), saturate),
    ]


def cancels() -> list[Work]:
    second = "words;n=0;gap_us=1000000"
    mine = {"count": 200, "in_flight": 20, "alive": 100, "quick": {"count": 20, "alive": 10}}
    theirs = {"count": 20, "in_flight": 20, "alive": 5, "quick": {"count": 5, "in_flight": 5, "alive": 0}}
    phases = {
        "queued": ("Cancel, queued", "All places are taken: the run has no provider yet.", {"scenario": second}, ()),
        "waiting": ("Cancel, waiting", "The provider has the request and is silent for 5 s.",
                    {"scenario": "words;n=20;first_ms=5000;gap_us=1000000"}, ("agno-os", "nginx")),
        "streaming": ("Cancel, streaming", "A delta a second.", {"scenario": second}, ("agno-os", "nginx")),
        "before_completion": ("Cancel, before the end", "All deltas are there, the provider takes 2 s to finish.",
                              {"scenario": "words;n=5;gap_us=1000;last_ms=2000", "deltas": 5}, ("agno-os", "nginx")),
    }
    return [Work(f"cancel-{phase}", title, what, "oncue-serve", CANCEL_COLUMNS,
                 each(("oncue-serve", *others), mine | load | {"phase": phase}, agno_os=theirs), cancel)
            for phase, (title, what, load, others) in phases.items()]


def others() -> list[Work]:
    stalled = {"flood": "words;n=2000;bytes=512", "live_scenario": "words;n=0;gap_us=100000", "count": 1000, "live": 50,
               "seconds": 4, "rounds_max": 3, "quick": {"count": 20, "live": 5, "seconds": 1}}
    return [
        Work("stalled", "Readers that do not read", "A flood that nobody reads, beside 50 live streams of ten deltas a second.",
             "oncue-serve", (Column("stalled", "stalled readers"),
                             Column("memory_bytes_per_stalled", "memory each, KiB", KIB, ratio=True),
                             Column("delay_p50_us", "the others' delay p50, ms", MS), Column("delay_p99_us", "p99, ms", MS)),
             each(("oncue-serve", "agno-os", "nginx"), stalled,
                  agno_os={"count": 20, "live": 10, "quick": {"count": 5, "live": 2, "seconds": 1}}), stall),
        Work("start", "From its start to the first answer", "The process is spawned, its files in the page cache and its store there; a run of one delta.",
             "oncue-serve", (Column("listening_us", "listening, ms", MS), Column("first_event_us", "first event, ms", MS),
                             Column("completed_us", "completed, ms", MS, ratio=True),
                             Column("idle_pss_bytes", "idle memory, MiB", MIB, ratio=True)),
             each(("oncue-serve", "agno-os", "nginx"), {"scenario": "words;n=1"}), start),
    ]


def works() -> list[Work]:
    return [*in_process(), *over_http(), *cancels(), *others()]
