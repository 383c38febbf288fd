"""The arithmetic of many nodes: what N nodes ask of one PostgreSQL, of their links and of themselves.

Owns: the assumptions (Inputs), what is taken as each resource's limit (Limits), and the formulas.
Promises: pure functions; all rates are per second in a steady state; every assumption is a named field.
Never: measures anything, reads a clock, rolls a die. Many nodes are planned, not built: docs/performance/many-nodes.md.
"""

import math
from dataclasses import dataclass
from typing import Iterator

KIB, MB = 1024, 1e6
NODES_MAX = 100_000  # where the search for a limit ends
# Measured: CPU of the server a delta over HTTP, journal on SQLite included, on a busy virtual machine of 2 cores.
CPU_LOCAL_DELTA_US = 48.0


@dataclass(frozen=True)
class Inputs:
    """A node's load and what things cost. (m) measured, (g) guessed; the sources are in the document."""

    live_streams: float = 1000.0  # (g) runs alive on a node
    deltas_per_s: float = 20.0  # (g) of a run; the gaps are random
    delta_bytes: float = 24.0  # (g) text of a delta
    run_s: float = 30.0  # (g) mean life of a run
    append_window_ms: float = 0.0  # a run collects deltas this long before it appends; 0: each delta is a row
    logged_part: float = 1.0  # part of the deltas' rows that go to PostgreSQL; 0: only starts and endings do
    packed: bool = False  # one row a group commit instead of one an append
    subscribers_per_run: float = 1.2  # (g)
    roaming_part: float = 0.25  # (g) part of the subscribers that come to a random node
    cancelled_part: float = 0.1  # (g) part of the runs that end by a cancel
    cancel_roaming_part: float = 1.0  # (g) part of the cancels that come to a random node
    hint_lost_part: float = 0.0  # part of the hints to another node that are lost
    gap_ms: float = 0.0  # the appends' writer rests this long between two transactions
    commit_ms: float = 2.0  # (g) a transaction without rows: half of it fixed, half exponential
    row_us: float = 25.0  # (m) what a row adds to it; also PostgreSQL's CPU a row
    tx_cpu_us: float = 60.0  # (m) PostgreSQL's CPU a transaction
    wal_row_bytes: float = 250.0  # (g) WAL a row beyond its text: heap, index, a share of full pages
    wal_tx_bytes: float = 100.0  # (g)
    connections_per_node: int = 4  # (g) appends; starts, endings and cancels; leases; reads
    shards: int = 1  # primaries; a run's id says which
    lease_s: float = 1.0  # renewal period, +- 10 %
    heartbeat_s: float = 1.0
    linger_s: float = 30.0  # (g) an idle link is closed after this
    hop_ms: float = 0.3  # (g) from the client's request to the actor that acts on it, mean
    one_way_ms: float = 0.4  # (m: 0.3 ms both ways on loopback; g: a network) a frame to another node
    frame_bytes: float = 200.0  # (g) a frame beyond its text, TLS included
    frame_cpu_us: float = 20.0  # (m) at each end, with mutual TLS
    subscriber_cpu_us: float = 15.0  # (g) a delta to one more subscriber over HTTP
    unacked_kib: float = 256.0  # the protocol's bound a link
    stream_kib: float = 85.0  # (m) resident memory a live stream

    def __post_init__(self) -> None:
        positive = "live_streams deltas_per_s run_s commit_ms connections_per_node shards lease_s heartbeat_s hop_ms"
        for name, value in vars(self).items():
            if not 0 <= value < math.inf or (value == 0 and name in positive.split()):
                raise ValueError(f"{name}: expected a number {'above' if value == 0 else 'from'} 0, not {value:g}")
            if name.endswith("_part") and value > 1:
                raise ValueError(f"{name}: expected a part, 0 to 1, not {value:g}")

    @property
    def starts_per_s(self) -> float:
        return self.live_streams / self.run_s

    @property
    def deltas_per_row(self) -> float:
        """The window begins with a delta; random gaps bring that many more while it is open."""
        return 1 + self.deltas_per_s * self.append_window_ms / 1e3


@dataclass(frozen=True)
class Limits:
    """What one would not plan beyond. All but the frames are guesses; a limit a field of plan()'s result."""

    pg_rows_per_s: float = 600_000.0  # 40,000 a core were measured; 32 cores at half of that
    pg_tx_per_s: float = 50_000.0
    pg_wal_mb_per_s: float = 300.0
    pg_connections: float = 500.0
    pg_rows_read_per_s: float = 2e6
    links_per_node: float = 500.0
    frames_per_s_per_node: float = 45_000.0  # (m) 40,000 to 55,000 with mutual TLS, through CAF's one broker
    link_mb_per_s_per_node: float = 600.0  # half of 10 Gbit/s
    unacked_mib_per_node: float = 256.0


@dataclass(frozen=True)
class Commits:
    """One writer that commits whatever waits, at once, again and again: no timer."""

    per_s: float
    items: float  # a transaction
    commit_s: float  # mean
    wait_s: float  # mean, of an item before its transaction begins


def group_commits(items_per_s: float, rows_per_item: float, i: Inputs, gap_ms: float = 0) -> Commits:
    """Items come at random. A transaction takes what came since the last one began, or the first after an idle time."""
    base_s, row_s, gap_s = i.commit_ms / 1e3, i.row_us / 1e6, gap_ms / 1e3
    if items_per_s <= 0:
        return Commits(0, 0, base_s, 0)
    if items_per_s * rows_per_item * row_s >= 1:
        raise ValueError(f"{items_per_s:,.0f} appends a second are more than a node's one connection takes")
    items = 1.0  # a fixed point: a longer group makes a longer commit, which makes a longer group
    for _ in range(10_000):
        commit_s = base_s + row_s * rows_per_item * items
        idle = math.exp(-items_per_s * (commit_s - base_s / 2 + gap_s)) / (1 + items_per_s * base_s / 2)
        before, items = items, items_per_s * (commit_s + gap_s) + idle
        if abs(items - before) < 1e-9 * items:
            break
    per_s = items_per_s / items
    square = (commit_s + gap_s) ** 2 + (base_s / 2) ** 2
    return Commits(per_s, items, commit_s, per_s * square / 2)


def cancel_means_ms(urgent: Commits, i: Inputs) -> dict[str, float]:
    """From the client's request: to the closed socket of the provider, and to the ending that is in the journal."""
    commit_ms = (urgent.wait_s + urgent.commit_s) * 1e3
    until_renewal_ms = i.lease_s * 1e3 / 2 * (1 + 0.01 / 3) + i.commit_ms
    flag_ms = i.hop_ms + commit_ms
    stops = {"same_node": i.hop_ms, "by_link": flag_ms + i.one_way_ms, "link_lost": flag_ms + until_renewal_ms}
    means = {f"{case}_stop_ms": stop for case, stop in stops.items()}
    return means | {f"{case}_ending_ms": stop + commit_ms for case, stop in stops.items()}


def plan(nodes: int, i: Inputs = Inputs()) -> dict[str, float]:
    """pg_*: of one primary. *_per_node: of one node, frames at both of their ends. The rest: of all nodes."""
    elsewhere = (nodes - 1) / nodes
    appends = i.live_streams * i.deltas_per_s / i.deltas_per_row * i.logged_part
    flags = i.starts_per_s * i.cancelled_part * i.cancel_roaming_part * elsewhere
    bulk = group_commits(appends / i.shards, 0 if i.packed else 1, i, i.gap_ms)
    urgent_rows = 4 * i.starts_per_s + flags  # a start and an ending are two rows, a cancel's flag is one
    urgent_items = 2 * i.starts_per_s + flags
    urgent = group_commits(urgent_items / i.shards, urgent_rows / urgent_items, i)
    bulk_rows = bulk.per_s if i.packed else appends / i.shards
    renewals = nodes / i.lease_s
    rows = nodes * (bulk_rows + urgent_rows / i.shards) + renewals
    tx = nodes * (bulk.per_s + urgent.per_s) + renewals
    text = nodes * i.live_streams * i.deltas_per_s * i.delta_bytes * (1 + i.logged_part) / i.shards  # 1: the ending's
    wal = rows * i.wal_row_bytes + tx * i.wal_tx_bytes + text

    remote = i.live_streams * i.subscribers_per_run * i.roaming_part * elsewhere  # subscriptions a node
    hints = flags * (1 - i.hint_lost_part)
    published = i.deltas_per_s / i.deltas_per_row  # a run's batches; each is answered by the next pull
    used = (remote / i.run_s * (i.run_s + i.linger_s) + hints * i.linger_s) * 2 / max(nodes - 1, 1)
    links = nodes * (nodes - 1) / 2 * -math.expm1(-used)
    heartbeats = 2 * links / i.heartbeat_s
    frames = nodes * (2 * remote * published + hints)
    link_bytes = (frames + heartbeats) * i.frame_bytes + nodes * remote * i.deltas_per_s * i.delta_bytes
    ends = 2 * (frames + heartbeats) / nodes
    deltas = i.live_streams * i.deltas_per_s
    more = (i.subscribers_per_run - 1) * deltas * i.subscriber_cpu_us / 1e6
    return {
        "pg_rows_per_s": rows,
        "pg_tx_per_s": tx,
        "pg_wal_mb_per_s": wal / MB,
        "pg_connections": nodes * i.connections_per_node,
        "pg_cores": (rows * i.row_us + tx * i.tx_cpu_us) / 1e6,
        # Each node, with each renewal, looks for nodes whose lease is over and for runs of its own that nobody holds.
        "pg_rows_read_per_s": nodes * (nodes + i.live_streams / i.shards) / i.lease_s,
        "rows_per_group": bulk.items,
        "group_commit_ms": bulk.commit_s * 1e3,
        "renewals_per_s": renewals,
        "links_full_mesh": nodes * (nodes - 1) / 2,
        "links_on_demand": links,
        "links_per_node": 2 * links / nodes,
        "heartbeats_per_s": heartbeats,
        "frames_per_s": frames,
        "link_mb_per_s": link_bytes / MB,
        "frames_per_s_per_node": ends,
        "link_mb_per_s_per_node": 2 * link_bytes / nodes / MB,
        "unacked_mib_per_node": 2 * links / nodes * i.unacked_kib / KIB,
        "link_cores_per_node": ends * i.frame_cpu_us / 1e6,
        "cores_per_node": deltas * CPU_LOCAL_DELTA_US / 1e6 + more + ends * i.frame_cpu_us / 1e6,
        "memory_mib_per_node": i.live_streams * i.stream_kib / KIB,
    } | cancel_means_ms(urgent, i)


def uses(nodes: int, i: Inputs, limits: Limits = Limits()) -> Iterator[tuple[str, float]]:
    """How much of each limit is used: above 1 it is broken."""
    result = plan(nodes, i)
    for name, limit in vars(limits).items():
        yield name, result[name] / limit


def nodes_within(name: str, i: Inputs, limits: Limits = Limits()) -> int:
    """The largest number of nodes that keeps one limit. Uses grow with the number of nodes."""
    fits, broken = 0, NODES_MAX + 1
    while broken - fits > 1:
        middle = (fits + broken) // 2
        fits, broken = (middle, broken) if dict(uses(middle, i, limits))[name] <= 1 else (fits, middle)
    return fits
