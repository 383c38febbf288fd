"""What the comparison is to show. A target that is missed is said to be missed."""

from .results import Number, Target


def _least(text: str, factor: float, work: str, key: str, above: str = "agno-os", below: str = "oncue-serve") -> Target:
    return Target(text, Number(work, above, key), least=factor, below=Number(work, below, key), unit="×")


def _most(text: str, factor: float, work: str, key: str, above: str = "oncue-serve", below: str = "agno-os") -> Target:
    return Target(text, Number(work, above, key), most=factor, below=Number(work, below, key), unit="×")


def _cancel(phase: str, name: str, has_provider: bool = True) -> list[Target]:

    def number(key: str) -> Number:
        return Number(f"cancel-{phase}", "oncue-serve", key)

    found = [
        Target(f"a cancel, {name}: to the ending, p99", number("to_ending_p99_us"), most=10, unit=" ms", scale=1e-3)
    ]
    if has_provider:
        found.append(
            Target("… to the provider's closed connection, p99", number("to_provider_closed_p99_us"), most=10,
                   unit=" ms", scale=1e-3))
    return [*found, Target("… deltas that the provider made after the ending", number("deltas_after_close"), most=0)]


TARGETS = [
    _least("CPU a run: agno's by oncue's", 40, "run", "cpu_us_per_run", "agno", "oncue"),
    _least("CPU a delta over HTTP, 100 busy streams: agno's by oncue's", 10, "busy-100", "cpu_us_per_delta"),
    _least("… 100 streams of two deltas a second: agno's by oncue's", 10, "streams-100", "cpu_us_per_delta"),
    _most("CPU a delta over HTTP, 100 busy streams: oncue's by nginx's", 4, "busy-100", "cpu_us_per_delta",
          below="nginx"),
    _most("… 100 streams of two deltas a second: oncue's by nginx's", 4, "streams-100", "cpu_us_per_delta",
          below="nginx"),
    _most("CPU a delta over HTTP, 1,000 streams: oncue's by nginx's", 4, "streams-1000", "cpu_us_per_delta",
          below="nginx"),
    _least("streams for the same CPU, at 100 busy ones: oncue's by agno's", 10, "busy-100", "streams_per_core", "oncue-serve",
           "agno-os"),
    _most("memory a stream, 1,000 silent ones: oncue's by agno's", 1 / 3, "memory", "memory_bytes_per_stream"),
    *_cancel("queued", "queued", has_provider=False),
    *_cancel("waiting", "waiting for the first token"),
    *_cancel("streaming", "streaming"),
    *_cancel("before_completion", "before its end"),
    _least("from its start to the end of the first run: agno's by oncue's", 50, "start", "completed_us"),
    _most("idle memory: oncue's by agno's", 1 / 5, "start", "idle_pss_bytes"),
    Target("CPU a delta at 5,000 streams by that at 100", Number("streams-5000", "oncue-serve", "cpu_us_per_delta"),
           most=1.2, below=Number("streams-100", "oncue-serve", "cpu_us_per_delta"), unit="×"),
    _least("deltas a second, two event loops by one", 1.6, "saturation", "delivered_per_s", "oncue-serve-2",
           "oncue-serve"),
]
