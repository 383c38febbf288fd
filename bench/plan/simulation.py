"""A seeded discrete-event simulation of many nodes, to check the formulas of model.py where it can.

Owns: one scenario. Runs start at random nodes and end, some by a cancel that comes to a random node; subscribers come
to random nodes; links open when they are needed and close when idle; leases are renewed with jitter; journals commit in
groups.
Promises: the same inputs and seed give the same result. What it measures has the names of model.plan().
Never: uses a formula of model.py, reads a clock. It knows nothing of CPU, and its PostgreSQL is never full.
"""

import heapq
import itertools
import random
from collections import Counter, defaultdict
from typing import Any, Callable

from model import MB, Inputs

RAMP_S = 0.5  # between the first delta and the window in which they are counted
BYTES = {"pg_wal": "wal", "link": "link_bytes"}
PULLS_MAX = 2  # a subscriber's pulls on their way


class Journal:
    """One connection of a node: commits whatever waits, again and again."""

    def __init__(self, sim: "Simulation", gap_s: float) -> None:
        self.sim, self.gap_s, self.busy, self.waiting = sim, gap_s, False, []

    def add(self, rows: int, text_bytes: float, then: Callable[[], None]) -> None:
        self.waiting.append((rows, text_bytes, then))
        if not self.busy:
            self.begin()

    def begin(self) -> None:
        group, self.waiting, self.busy = self.waiting, [], True
        rows = sum(item[0] for item in group)
        self.sim.after(self.sim.commit_s() + rows * self.sim.i.row_us / 1e6, lambda: self.done(group, rows))

    def done(self, group: list[tuple[int, float, Callable[[], None]]], rows: int) -> None:
        self.sim.count.update(pg_tx=1, pg_rows=rows, wal=self.sim.wal_bytes(rows, sum(item[1] for item in group)))
        for _, _, then in group:
            then()
        self.sim.after(self.gap_s, self.rested) if self.gap_s else self.rested()

    def rested(self) -> None:
        self.busy = False
        if self.waiting:
            self.begin()


class Links:
    """Which pairs of nodes have a link: opened for its first user, closed when idle for a while."""

    def __init__(self, sim: "Simulation") -> None:
        self.sim, self.users, self.idle_since = sim, Counter(), {}
        self.degree, self.open, self.changed_s, self.open_seconds = Counter(), set(), 0.0, 0.0

    def account(self) -> None:
        self.open_seconds += len(self.open) * (self.sim.now_s - self.changed_s)
        self.changed_s = self.sim.now_s

    def acquire(self, a: int, b: int) -> None:
        pair = (min(a, b), max(a, b))
        self.users[pair] += 1
        if pair not in self.open:
            self.account()
            self.open.add(pair)
            self.degree.update(pair)

    def release(self, a: int, b: int) -> None:
        pair = (min(a, b), max(a, b))
        self.users[pair] -= 1
        if not self.users[pair]:
            idle_s = self.idle_since[pair] = self.sim.now_s
            self.sim.after(self.sim.i.linger_s, lambda: self.close_if_idle(pair, idle_s))

    def close_if_idle(self, pair: tuple[int, int], since_s: float) -> None:
        if not self.users[pair] and self.idle_since[pair] == since_s and pair in self.open:
            self.account()
            self.open.remove(pair)
            self.degree.subtract(pair)


class Subscription:
    """A subscriber at another node: a cursor and a few pulls."""

    def __init__(self, sim: "Simulation", node: int) -> None:
        self.sim, self.node, self.pulls, self.waiting_bytes = sim, node, PULLS_MAX, 0.0

    def publish(self, text_bytes: float) -> None:
        self.waiting_bytes += text_bytes
        if self.pulls and self.waiting_bytes:
            self.pulls -= 1
            self.sim.frame(self.waiting_bytes)
            self.waiting_bytes = 0.0
            self.sim.after(2 * self.sim.i.one_way_ms / 1e3, self.pulled)

    def pulled(self) -> None:
        self.sim.frame(0)
        self.pulls += 1
        self.publish(0)


class Run:
    """A run at its node, until it is stopped. Its deltas are simulated in the window only."""

    def __init__(self, sim: "Simulation", node: int) -> None:
        self.sim, self.node, self.alive, self.held, self.begun_s = sim, node, True, 0, sim.now_s
        i, rng = sim.i, sim.rng
        readers = int(i.subscribers_per_run) + (rng.random() < i.subscribers_per_run % 1)
        places = [rng.randrange(sim.nodes) for _ in range(readers) if rng.random() < i.roaming_part]
        self.remote = [Subscription(sim, place) for place in places if place != node]
        for reader in self.remote:
            sim.links.acquire(node, reader.node)
        sim.after(rng.expovariate(1 / i.run_s), self.end)

    def next_delta(self) -> None:
        self.sim.after(self.sim.rng.expovariate(self.sim.i.deltas_per_s), self.delta)

    def delta(self) -> None:
        if not self.alive:
            return
        self.held += 1
        if self.held == 1:
            if self.sim.i.append_window_ms:
                self.sim.after(self.sim.i.append_window_ms / 1e3, self.append)
            else:
                self.append()
        self.next_delta()

    def append(self) -> None:
        text_bytes, self.held = self.held * self.sim.i.delta_bytes, 0
        self.sim.bulk[self.node].add(1, text_bytes, lambda: [reader.publish(text_bytes) for reader in self.remote])

    def end(self) -> None:
        if self.sim.rng.random() < self.sim.i.cancelled_part:
            self.sim.cancel(self)
        else:
            self.stop(None, 0)

    def stop(self, case: str | None, asked_s: float) -> None:
        self.alive = False
        for reader in self.remote:
            self.sim.links.release(self.node, reader.node)
        self.sim.note(case, "stop", asked_s)
        text_bytes = (self.sim.now_s - self.begun_s) * self.sim.i.deltas_per_s * self.sim.i.delta_bytes
        self.sim.urgent[self.node].add(2, text_bytes, lambda: self.sim.note(case, "ending", asked_s))


class Simulation:
    def __init__(self, nodes: int, inputs: Inputs, seed: int) -> None:
        if inputs.shards != 1 or inputs.packed or inputs.logged_part != 1:
            raise ValueError("the simulation knows one primary and a row an append")
        self.nodes, self.i, self.rng = nodes, inputs, random.Random(seed)
        self.now_s, self.queue, self.order = 0.0, [], itertools.count()
        self.count: Counter[str] = Counter()
        self.latency_ms: dict[str, list[float]] = defaultdict(list)
        self.links = Links(self)
        self.runs: list[Run] = []
        self.bulk = [Journal(self, inputs.gap_ms / 1e3) for _ in range(nodes)]
        self.urgent = [Journal(self, 0) for _ in range(nodes)]
        self.pending: list[list[Callable[[], None]]] = [[] for _ in range(nodes)]
        self.deltas_flow = False

    def after(self, delay_s: float, what: Callable[[], Any]) -> None:
        heapq.heappush(self.queue, (self.now_s + delay_s, next(self.order), what))

    def commit_s(self) -> float:
        half_s = self.i.commit_ms / 2e3
        return half_s + self.rng.expovariate(1 / half_s)

    def wal_bytes(self, rows: int, text_bytes: float) -> float:
        return rows * self.i.wal_row_bytes + self.i.wal_tx_bytes + text_bytes

    def frame(self, text_bytes: float) -> None:
        self.count.update(frames=1, link_bytes=self.i.frame_bytes + text_bytes)

    def note(self, case: str | None, what: str, asked_s: float) -> None:
        if case:
            self.latency_ms[f"{case}_{what}_ms"].append((self.now_s - asked_s) * 1e3)

    def start_run(self) -> None:
        self.after(self.rng.expovariate(self.nodes * self.i.starts_per_s), self.start_run)
        run = self.place_run()
        self.urgent[run.node].add(2, 0, lambda: run.next_delta() if self.deltas_flow else None)

    def place_run(self) -> Run:
        run = Run(self, self.rng.randrange(self.nodes))
        self.runs.append(run)
        return run

    def cancel(self, run: Run) -> None:
        asked_s, hop_s = self.now_s, self.rng.expovariate(1e3 / self.i.hop_ms)
        roams = self.rng.random() < self.i.cancel_roaming_part
        node = self.rng.randrange(self.nodes) if roams else run.node
        if node == run.node:
            self.after(hop_s, lambda: run.stop("same_node", asked_s))
        else:
            self.after(hop_s, lambda: self.urgent[node].add(1, 0, lambda: self.hint(node, run, asked_s)))

    def hint(self, node: int, run: Run, asked_s: float) -> None:
        if self.rng.random() < self.i.hint_lost_part:
            self.pending[run.node].append(lambda: run.stop("link_lost", asked_s))
            return
        self.frame(0)
        self.links.acquire(node, run.node)
        self.links.release(node, run.node)
        self.after(self.i.one_way_ms / 1e3, lambda: run.stop("by_link", asked_s))

    def renew(self, node: int) -> None:
        self.after(self.i.lease_s * self.rng.uniform(0.9, 1.1), lambda: self.renew(node))
        cancels, self.pending[node] = self.pending[node], []
        self.count.update(renewals=1, pg_tx=1, pg_rows=1, wal=self.wal_bytes(1, 0))
        self.after(self.commit_s(), lambda: [stop() for stop in cancels])

    def heartbeat(self, node: int) -> None:
        self.after(self.i.heartbeat_s, lambda: self.heartbeat(node))
        beats = self.links.degree[node]
        self.count.update(heartbeats=beats, link_bytes=beats * self.i.frame_bytes)

    def let_deltas_flow(self) -> None:
        """Each run at a time of its own: windows of appends that all begin together would stay in step."""
        self.deltas_flow = True
        for run in self.runs:
            if run.alive:
                self.after(self.rng.uniform(0, self.i.append_window_ms / 1e3), run.next_delta)

    def advance(self, until_s: float) -> None:
        while self.queue[0][0] < until_s:
            self.now_s, _, what = heapq.heappop(self.queue)
            what()
        self.now_s = until_s

    def measure(self, calm_s: float, window_s: float) -> dict[str, float]:
        """Until idle links are as many as they will be; calm_s without deltas; then a window with them."""
        for _ in range(round(self.nodes * self.i.live_streams)):
            self.place_run()
        self.start_run()
        for node in range(self.nodes):
            self.after(self.rng.uniform(0, self.i.lease_s), lambda node=node: self.renew(node))
            self.after(self.rng.uniform(0, self.i.heartbeat_s), lambda node=node: self.heartbeat(node))
        self.advance(self.i.linger_s)
        self.links.account()
        begun, open_before = Counter(self.count), self.links.open_seconds
        self.advance(self.i.linger_s + calm_s)
        self.let_deltas_flow()
        self.advance(self.now_s + RAMP_S + 2 * self.i.append_window_ms / 1e3)
        window = Counter(self.count)
        self.advance(self.now_s + window_s)
        self.links.account()
        long_s, grown = self.now_s - self.i.linger_s, Counter(self.count)
        grown.subtract(window)
        result = {f"{name}_per_s": (self.count[name] - begun[name]) / long_s for name in ("renewals", "heartbeats")}
        result |= {f"{name}_per_s": grown[name] / window_s for name in ("pg_rows", "pg_tx", "frames")}
        result |= {f"{name}_mb_per_s": grown[what] / window_s / MB for name, what in BYTES.items()}
        return result | {"links_on_demand": (self.links.open_seconds - open_before) / long_s}
