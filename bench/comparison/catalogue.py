"""The works of a comparison in their order, with what each contender is asked for. Only numbers stand here; how a work
is done stands in works.py. A standard run of five rounds takes some 25 minutes on two cores."""

from .works import Column, Work, cancel, read, saturate, stall, start, streams

KIB = 1 / 1024
MIB = 1 / 1024 / 1024
MS = 1 / 1000

CPU_A_DELTA = Column("cpu_us_per_delta", "CPU a delta, µs", ratio=True)
RESIDENT = Column("rss_bytes", "resident, MiB", MIB)
MEMORY_A_STREAM = Column("memory_bytes_per_stream", "memory a stream, KiB", KIB, ratio=True)


def each(names, standard: dict, **changes: dict) -> dict:
    """The same load for all, but for those that are named with a change. "quick" is the change in a quick run, or None
    for a contender that is left out of it."""
    return {name: standard | changes.get(name.replace("-", "_"), {}) for name in names}


def in_process() -> list[Work]:
    everybody = ("oncue", "agno", "langgraph", "pydantic-ai", "curl")
    run = {"scenario": "words;n=1", "runs": 5000, "in_flight": 20, "warm": 500, "alone": 1000,
           "quick": {"runs": 500, "alone": 50}}
    flood = {"scenario": "words;n=1000", "runs": 200, "in_flight": 20, "warm": 20, "quick": {"runs": 20}}
    paced = {"scenario": "words;n=300;gap_us=10000", "runs": 20, "in_flight": 20, "warm": 0,
             "quick": {"scenario": "words;n=50;gap_us=10000"}}
    session = {"scenario": "words;n=20", "runs": 40, "in_flight": 4, "warm": 4, "turns": 25, "quick": {"runs": 4}}
    slow_run = {"runs": 250, "warm": 20, "alone": 150, "quick": {"runs": 40, "alone": 20}}
    slow_flood = {"runs": 12, "warm": 3, "in_flight": 5, "quick": {"runs": 4, "warm": 1}}
    slow_session = {"runs": 4, "warm": 1, "quick": {"runs": 2, "warm": 0}}
    return [
        Work("run", "A run, start to completed",
             "The model says one word at once; CPU with 20 runs in flight, latency one at a time.", "oncue",
             (Column("cpu_us_per_run", "CPU a run, µs", ratio=True),
              Column("alone_p50_us", "alone p50, µs", ratio=True),
              Column("alone_p99_us", "p99, µs"),
              RESIDENT),
             each(everybody, run, agno=slow_run, langgraph=slow_run, pydantic_ai=slow_run), read),
        Work("flood", "A delta in a flood", "1,000 deltas a run, as fast as they go, each text looked at.", "oncue",
             (CPU_A_DELTA, RESIDENT),
             each(everybody, flood, agno=slow_flood, langgraph=slow_flood, pydantic_ai=slow_flood), read),
        Work("paced", "A delta by itself", "300 deltas a run, 10 ms apart, 20 runs in flight.", "oncue",
             (CPU_A_DELTA, RESIDENT), each(everybody, paced), read),
        Work("session", "A durable turn",
             "Sessions of 25 turns of 20 deltas, each turn in the store before the next; ten turns of history.", "oncue",
             (Column("cpu_us_per_run", "CPU a turn, µs", ratio=True),
              Column("turn_first_us", "turn 1 p50, ms", MS),
              Column("turn_last_us", "turn 25 p50, ms", MS),
              Column("turn_growth", "turn 25 by turn 1")),
             each(("oncue", "agno", "langgraph"), session, agno=slow_session, langgraph=slow_session), read),
    ]


def over_http() -> list[Work]:
    few = ("oncue-serve", "agno-os", "nginx")
    columns = (CPU_A_DELTA,
               Column("streams_per_core", "streams a core"),
               Column("delay_p50_us", "delay p50, ms", MS),
               Column("delay_p99_us", "p99, ms", MS),
               Column("first_event_p50_us", "first event p50, ms", MS),
               MEMORY_A_STREAM,
               Column("delivered", "delivered"))

    def at(count: int, per_s: float) -> dict:
        return {"scenario": f"words;n=0;gap_us={round(1e6 / per_s)}", "count": count, "per_s": per_s, "seconds": 4,
                "warm_s": 1, "quick": {"seconds": 1, "warm_s": 0}}

    fewer_when_quick = {"quick": {"count": 2000, "seconds": 1, "warm_s": 0}}
    opened_slowly = {"open_per_s": 100, "rounds_max": 3, "quick": {"count": 50, "seconds": 1, "warm_s": 0}}
    one_in_two_seconds = at(1000, 0.5) | opened_slowly | {"warm_s": 3, "quick": None}
    flat_out = {"count": 500, "from_per_s": 20000, "steps": 4, "seconds": 2, "warm_s": 0.5, "rounds_max": 3,
                "quick": {"count": 100, "steps": 1, "seconds": 1}}
    slow = {"count": 50, "from_per_s": 1000, "steps": 3, "quick": None}
    return [
        Work("streams-5", "5 streams", "Two deltas a second on each of 5 streams.", "oncue-serve", columns,
             each(few, at(5, 2), agno_os={"quick": None}), streams),
        Work("streams-100", "100 streams", "Two deltas a second on each of 100 streams.", "oncue-serve", columns,
             each(few, at(100, 2), agno_os={"open_per_s": 100}), streams),
        Work("busy-100", "100 busy streams", "Ten deltas a second on each of 100 streams: what agno can just do.",
             "oncue-serve", columns, each(few, at(100, 10), agno_os={"open_per_s": 100, "quick": None}), streams),
        Work("streams-1000", "1,000 streams",
             "Two deltas a second on each of 1,000 streams; agno is asked for one in two seconds.", "oncue-serve",
             columns, each(few, at(1000, 2), agno_os=one_in_two_seconds), streams),
        Work("streams-5000", "5,000 streams",
             "Two deltas a second on each of 5,000 streams. agno is not asked: its client opens 1,000 connections.",
             "oncue-serve", columns, each(("oncue-serve", "nginx"), at(5000, 2) | fewer_when_quick), streams),
        Work("memory", "Memory of a silent stream", "1,000 streams with a delta in ten seconds.", "oncue-serve",
             (MEMORY_A_STREAM, Column("pss_bytes", "in all, MiB", MIB)),
             each(few, at(1000, 0.1) | {"rounds_max": 3}, agno_os=opened_slowly), streams),
        Work("saturation", "As much as it can",
             "What is offered doubles until less than 95 % comes or p99 is above a second, 160,000 a second at most.",
             "oncue-serve",
             (Column("delivered_per_s", "deltas a second", ratio=True),
              Column("held_per_s", "load that was held"),
              Column("cpu_us_per_delta", "CPU a delta then, µs")),
             each(("oncue-serve", "oncue-serve-2", "agno-os", "agno-os-2", "nginx", "nginx-1"), flat_out,
                  agno_os=slow, agno_os_2=slow | {"rounds_max": 1}, nginx_1={"quick": None, "rounds_max": 1}), saturate),
    ]


def cancels() -> list[Work]:
    columns = (Column("to_ending_p50_us", "to the ending p50, ms", MS),
               Column("to_ending_p99_us", "p99, ms", MS, ratio=True),
               Column("to_ending_max_us", "max, ms", MS),
               Column("to_provider_closed_p50_us", "to the provider's close p50, ms", MS),
               Column("to_provider_closed_p99_us", "p99, ms", MS),
               Column("to_provider_closed_max_us", "max, ms", MS),
               Column("deltas_after_close", "deltas after the ending"),
               Column("unstopped", "provider not stopped"),
               Column("cancelled", "cancels"))
    # agno waits for the provider's next word, so it is waited for, and asked less often.
    few = {"count": 20, "in_flight": 20, "alive": 5, "timeout_s": 8, "rounds_max": 3}

    def phase(name: str, title: str, what: str, scenario: str, others=("agno-os", "nginx"), quick: dict = {},
              **more) -> Work:
        load = {"count": 200, "in_flight": 20, "alive": 100, "phase": name, "scenario": f"{scenario};times=1",
                "quick": {"count": 20, "alive": 10} | quick} | more
        fewer = few | {"quick": {"count": 5, "in_flight": 5, "alive": 0, "timeout_s": 3} | quick}
        return Work(f"cancel-{name}", title, what, "oncue-serve", columns,
                    each(("oncue-serve", *others), load, agno_os=fewer), cancel)

    return [
        phase("queued", "Cancel, queued", "All places are taken: the run has no provider yet.",
              "words;n=0;gap_us=1000000", others=()),
        phase("waiting", "Cancel, waiting", "The provider has the request and is silent for 5 s.",
              "words;n=20;first_ms=5000;gap_us=1000000", quick={"scenario": "words;n=20;first_ms=2000;times=1"}),
        phase("streaming", "Cancel, streaming",
              "A delta a second. Who has not closed the provider's connection 8 s after the ending counts as not having "
              "stopped it; agno was seen to close it when Python's garbage collector next ran, so sooner if it is busy.",
              "words;n=0;gap_us=1000000"),
        phase("before_completion", "Cancel, before the end", "All deltas are there, the provider takes 2 s to finish.",
              "words;n=5;gap_us=1000;last_ms=2000", deltas=5),
    ]


def others() -> list[Work]:
    three = ("oncue-serve", "agno-os", "nginx")
    stalled = {"flood": "words;n=0;gap_us=200000;bytes=8000", "live_scenario": "words;n=0;gap_us=100000", "count": 1000,
               "live": 50, "seconds": 4, "rounds_max": 3, "quick": {"count": 20, "live": 5, "seconds": 1}}
    few = {"count": 100, "live": 20, "quick": {"count": 5, "live": 2, "seconds": 1}}
    return [
        Work("stalled", "Readers that do not read",
             "40 kB a second that nobody reads, in each, beside live streams of ten deltas a second.", "oncue-serve",
             (Column("stalled", "stalled readers"),
              Column("memory_bytes_per_stalled", "memory each, KiB", KIB, ratio=True),
              Column("delay_before_p99_us", "the others' delay p99 before, ms", MS),
              Column("delay_p99_us", "meanwhile, ms", MS)),
             each(three, stalled, agno_os=few), stall),
        Work("start", "From its start to the first answer",
             "The process is spawned, its files in the page cache and its store there; a run of one delta.",
             "oncue-serve",
             (Column("listening_us", "listening, ms", MS),
              Column("first_event_us", "first event, ms", MS),
              Column("completed_us", "completed, ms", MS, ratio=True),
              Column("idle_pss_bytes", "idle memory, MiB", MIB, ratio=True)),
             each(three, {"scenario": "words;n=1"}), start),
    ]


def works() -> list[Work]:
    return [*in_process(), *over_http(), *cancels(), *others()]
