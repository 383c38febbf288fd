"""What the Python peers share: the arguments, the runs with their warm-up, and the one line of JSON that says what
they cost. A peer hands in how a run is read: an asynchronous iterator of its texts. It promises that every peer is
measured in the same way, by the process's own CPU time and the monotonic clock. It never looks into a peer."""

import argparse
import asyncio
import importlib.metadata
import itertools
import json
import math
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import uvloop

# read(input, session) gives the texts of one run as they come; session is None without a store.
Read = Callable[[str, str | None], AsyncIterator[str]]


def parse_arguments(durable: bool) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Reads runs in this process and says what they cost.")
    parser.add_argument("--base-url", required=True, help="of the model: http://127.0.0.1:PORT/words;n=10/v1")
    parser.add_argument("--runs", type=int, required=True, help="how many; with --store: how many sessions")
    parser.add_argument("--in-flight", type=int, default=1)
    parser.add_argument("--warm", type=int, default=0, help="runs before the measured ones")
    if durable:
        parser.add_argument("--store", help="file of the durable store; each session's turns follow each other")
        parser.add_argument("--turns", type=int, default=25)
    arguments = parser.parse_args()
    arguments.store = getattr(arguments, "store", None)
    return arguments


def cpu_us() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1e6


def percentiles(values: list[float]) -> dict[str, float]:
    """By the nearest rank: the smallest value that so large a part of the values does not exceed."""
    ordered = sorted(values)
    at = lambda part: round(ordered[math.ceil(part * len(ordered)) - 1], 1) if ordered else 0.0
    return {"p50": at(0.5), "p99": at(0.99), "max": at(1)}


class Tally:
    """Counts what the runs gave, and how long each took."""

    def __init__(self, read: Read):
        self.read = read
        self.deltas = 0
        self.text_bytes = 0
        self.latency_us: list[float] = []
        self.turns_us: dict[int, list[float]] = {}

    async def run(self, session: str | None = None, turn: int = 0) -> None:
        begin = time.monotonic()
        deltas = 0
        async for text in self.read("go", session):
            deltas += 1
            self.text_bytes += len(text)
        if deltas == 0:
            raise RuntimeError("a run gave no text")
        self.deltas += deltas
        took_us = (time.monotonic() - begin) * 1e6
        self.latency_us.append(took_us)
        self.turns_us.setdefault(turn, []).append(took_us)

    async def session(self, name: str, turns: int) -> None:
        for turn in range(1, turns + 1):
            await self.run(name, turn)


async def in_flight(count: int, width: int, begin: Callable[[int], Awaitable[None]]) -> None:
    """Begins 0..count-1, at most `width` of them at the same time."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await begin(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(width, count)):
            group.create_task(worker())


async def measure(read: Read, arguments: argparse.Namespace) -> dict:
    names = itertools.count()

    def begin(tally: Tally) -> Callable[[int], Awaitable[None]]:
        if arguments.store:
            return lambda _: tally.session(f"session-{next(names)}", arguments.turns)
        return lambda _: tally.run()

    await in_flight(arguments.warm, arguments.in_flight, begin(Tally(read)))
    tally = Tally(read)
    wall, cpu = time.monotonic(), cpu_us()
    await in_flight(arguments.runs, arguments.in_flight, begin(tally))
    result = {
        "runs": len(tally.latency_us),
        "deltas": tally.deltas,
        "text_bytes": tally.text_bytes,
        "cpu_us": round(cpu_us() - cpu, 1),
        "wall_us": round((time.monotonic() - wall) * 1e6, 1),
        "latency_us": percentiles(tally.latency_us),
        "rss_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    if arguments.store:
        result["turn_us"] = {str(turn): percentiles(tally.turns_us[turn]) for turn in (1, arguments.turns)}
    return result


def main(contender: str, package: str, make: Callable[[argparse.Namespace], Read | Awaitable[Read]],
         durable: bool = True) -> None:
    arguments = parse_arguments(durable)

    async def all_of_it() -> dict:
        read = make(arguments)
        return await measure(await read if asyncio.iscoroutine(read) else read, arguments)

    try:
        result = uvloop.run(all_of_it())
    except BaseExceptionGroup as group:
        sys.exit(f"{contender}: {group.exceptions[0]!r}")
    print(json.dumps({"contender": contender, "version": importlib.metadata.version(package), **result}), flush=True)
    os._exit(0)  # what a library has left behind (threads, sessions) shall not hold us
