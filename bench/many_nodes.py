"""What bench/cluster measures, from outside: clients on plain sockets, real nodes, a real PostgreSQL. It fails if what it wanted to
measure did not happen; a target that was missed is only said to be missed."""

import argparse
import datetime
import http.client
import json
import os
import pathlib
import platform
import selectors
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests" / "cluster"))

from cluster import Cluster, eventually, pause  # noqa: E402

SCENARIOS = {"endless": "endless;gap_ms=20", "fast": "endless;gap_ms=1", "outage": "words;n=600;gap_ms=20"}


def share(values, part):
    """The value below which that part of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def number(name, value, unit, at_most=None, at_least=None):
    out = {"name": name, "value": value, "unit": unit}
    if at_most is not None:
        out["at_most"] = at_most
    if at_least is not None:
        out["at_least"] = at_least
    return out


def spread(name, values_ms, p50=None, p99=None, most=None):
    return [number(f"{name} p50", share(values_ms, 0.5), "ms", p50), number(f"{name} p99", share(values_ms, 0.99), "ms", p99),
            number(f"{name} max", max(values_ms), "ms", most)]


def begin(node, run, agent="endless"):
    stream = node.run(agent, run_id=run, background="true")
    stream.until("RunContent")
    return stream


def watch(node, run):
    stream = node.watch(run)
    stream.until("RunContent")
    return stream


def cross_cancel(cluster, prefix, count):
    """Started on 1, watched on 2, cancelled on 3: until the watcher has its ending, and until the canceller has its answer."""
    connection = http.client.HTTPConnection(cluster[3].host, cluster[3].port, timeout=30)
    to_ending, to_answer = [], []
    for i in range(count):
        run = f"{prefix}-{i}"
        with begin(cluster[1], run) as first, watch(cluster[2], run) as watcher:
            for _ in range(3):
                watcher.until("RunContent")  # what had piled up is read: the next byte is of now
            at = time.perf_counter()
            connection.request("POST", f"/agents/endless/runs/{run}/cancel?receipt=true", body="")
            watcher.until("RunCancelled")
            to_ending.append((time.perf_counter() - at) * 1000)
            answer = connection.getresponse()
            receipt = json.loads(answer.read())
            to_answer.append((time.perf_counter() - at) * 1000)
            if receipt["outcome"] not in ("cancelled", "accepted"):
                raise AssertionError(receipt)
            first.rest()
    connection.close()
    return to_ending, to_answer


def cancel(quick):
    """a cancel across nodes, one at a time"""
    with Cluster(3, SCENARIOS, lease="10s") as cluster:
        cross_cancel(cluster, "warm", 10)
        to_ending, to_answer = cross_cancel(cluster, "run", 30 if quick else 500)
        return [*spread("cancel on 3 to RunCancelled at the watcher on 2", to_ending, 5, 25), *spread("  to the receipt", to_answer)]


def cancel_without_links(quick):
    """the same with no links at all: the owner hears of it when it renews its lease"""
    with Cluster(3, SCENARIOS, lease="10s", cluster={"link_host": ""}, start=False) as cluster:
        for node in cluster.nodes:
            node.start()
        to_ending, _ = cross_cancel(cluster, "run", 5 if quick else 40)
        return spread("cancel on 3 to RunCancelled at the watcher on 2", to_ending, None, None, 1100)


def death(quick, lease="1s", target_ms=2200, times=10):
    """kill -9 of the node that has the run, until a watcher on another node has its ending; lease 1 s"""
    with Cluster(3, SCENARIOS, lease=lease) as cluster:
        ended, suspected = [], []
        for i in range(1 if quick else times):
            run = f"run-{i}"
            first = begin(cluster[1], run)
            watcher = watch(cluster[2], run)
            for _ in range(5):
                watcher.until("RunContent")
            at = time.monotonic()
            cluster[1].process.kill()
            suspected.append((watcher.until_note("owner_suspected") - at) * 1000)
            watcher.until("RunError")
            ended.append((time.monotonic() - at) * 1000)
            first.close()
            cluster[1].kill()
            cluster[1].start()
            cluster.wait_for_links()
        return [*spread("kill -9 to the ending at the watcher", ended, None, None, target_ms),
                *spread("  to owner_suspected", suspected, None, None, 100)]


def death_long(quick):
    """the same with the usual lease of 10 s"""
    return death(quick, "10s", 11_000, 3)


class Counter:
    """Reads many streams with one thread and counts their events: no JSON, no objects."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.events = self.bytes = 0
        self.sockets = []

    def open(self, node, run, last=None):
        one = socket.create_connection((node.host, node.port), timeout=30)
        header = f"Last-Event-ID: {last}\r\n" if last is not None else ""
        one.sendall(f"GET /runs/{run}/events HTTP/1.1\r\nHost: {node.host}:{node.port}\r\n{header}\r\n".encode())
        one.setblocking(False)
        self.selector.register(one, selectors.EVENT_READ)
        self.sockets.append(one)

    def read(self, seconds):
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            for key, _ in self.selector.select(left):
                piece = key.fileobj.recv(1 << 20)
                self.bytes += len(piece)
                self.events += piece.count(b"\nevent: ")
                if not piece:
                    self.selector.unregister(key.fileobj)
        return self

    def close(self):
        for one in self.sockets:
            one.close()
        self.selector.close()


def cpu_s(node):
    times = pathlib.Path(f"/proc/{node.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def subscribe(quick):
    """live events of runs on 1, read on 2; provider, nodes, PostgreSQL and the reader share the machine"""
    found = []
    with Cluster(2, SCENARIOS, lease="10s") as cluster:
        for name, runs, readers in (("1 run, 100 readers", 1, 100), ("20 runs, 10 readers each", 20, 10), ("100 runs, 1 reader each", 100, 1)):
            names = [f"{readers}-{runs}-{i}" for i in range(runs)]
            streams = [begin(cluster[1], run, "fast") for run in names]
            for stream in streams:
                stream.close()  # a background run goes on without its client
            counter = Counter()
            for run in names:
                for _ in range(readers):
                    counter.open(cluster[2], run)
            counter.read(1)  # they catch up
            before, cpu, at = counter.events, [cpu_s(node) for node in cluster.nodes], time.perf_counter()
            counter.read(1 if quick else 5)
            took = time.perf_counter() - at
            rate = (counter.events - before) / took
            busy = [(cpu_s(node) - was) / took for node, was in zip(cluster.nodes, cpu)]
            counter.close()
            for run in names:
                cluster[2].cancel(run, "fast", "")
            found.append(number(f"{name}: events a second at the readers on 2", rate, "1/s"))
            found.append(number(f"  CPU of the owner / of the reader's node: {busy[0]:.2f} / {busy[1]:.2f} cores; the first", busy[0], "cores"))
            if not rate:
                raise AssertionError("nothing came")
        found[0]["at_least"] = 50_000
        # A log that is there already, and is read again from its beginning on another node.
        run = "long"
        begin(cluster[1], run, "fast").close()
        eventually(lambda: cluster[1].get(f"/runs/{run}")[0] == 200, "the long run")
        pause(2 if quick else 10)
        cluster[1].cancel(run, "fast")
        counter, at = Counter(), time.perf_counter()
        for _ in range(10):
            counter.open(cluster[2], run)
        while True:
            before = counter.events
            counter.read(0.3)
            if counter.events == before:
                break
        found.append(number("10 readers on 2 of an ended log: events a second", counter.events / (time.perf_counter() - at - 0.3), "1/s"))
        counter.close()
    return found


def outage(quick):
    """PostgreSQL away for 5 s while 100 runs stream; every one has to complete with its whole text"""
    with Cluster(3, SCENARIOS, lease="10s") as cluster:
        count = 10 if quick else 100
        streams = [begin(cluster.nodes[i % 3], f"run-{i}", "outage") for i in range(count)]
        cluster.postgres.stop()
        stopped = time.monotonic()
        pause(5)
        cluster.postgres.start()
        back = time.monotonic()
        endings = []
        for stream in streams:
            endings.append(stream.rest()[-1])
            stream.close()
        done = sum(name == "RunCompleted" for name in endings)
        if done != count:
            print(f"endings: {sorted(set(endings))}", file=sys.stderr)
        return [number("runs that were lost", count - done, "runs", 0),
                number("PostgreSQL was away", back - stopped, "s")]


BENCHMARKS = {"cluster_cancel": cancel, "cluster_cancel_without_links": cancel_without_links, "cluster_death": death,
              "cluster_death_10s": death_long, "cluster_subscribe": subscribe, "cluster_outage": outage}


def machine():
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    memory = next(int(line.split()[1]) // 1024 for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_mb": memory, "kernel": f"{platform.system()} {platform.release()}"}


def commit():
    said = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip() or "unknown"


def judged(one):
    if "at_most" in one and one["value"] > one["at_most"]:
        return f"ABOVE {one['at_most']:g}"
    if "at_least" in one and one["value"] < one["at_least"]:
        return f"BELOW {one['at_least']:g}"
    target = one.get("at_most", one.get("at_least"))
    return "" if target is None else f"(target {target:g})"


def main():
    parser = argparse.ArgumentParser(prog="bench/cluster")
    parser.add_argument("--quick", action="store_true", help="a moment each, to see that it works")
    parser.add_argument("--build", help="the folder of the build to measure")
    parser.add_argument("--out", help="where the result goes")
    parser.add_argument("parts", nargs="*", help="only those with this in their name")
    options = parser.parse_args()
    results, load = [], os.getloadavg()[0]
    for name, measure in BENCHMARKS.items():
        if options.parts and not any(part in name for part in options.parts):
            continue
        print(f"{name}: {measure.__doc__.splitlines()[0]}", file=sys.stderr, flush=True)
        numbers = measure(options.quick)
        for one in numbers:
            print(f"  {one['name']:<70} {one['value']:>12.4g} {one['unit']:<5} {judged(one)}", file=sys.stderr, flush=True)
        results.append({"benchmark": name, "about": measure.__doc__.splitlines()[0], "quick": options.quick, "repeat": 1,
                        "load_of_the_machine": load, "measurements": numbers})
    out = options.out
    if not out and not options.quick and not options.parts:
        out = ROOT / "bench" / "results" / f"cluster-{datetime.datetime.utcnow():%Y-%m-%dT%H%M}.json"
    if out:
        whole = {"date": f"{datetime.datetime.utcnow():%Y-%m-%dT%H:%M:%SZ}", "command": " ".join(["bench/cluster", *sys.argv[1:]]),
                 "commit": commit(), "machine": machine(), "benchmarks": results}
        pathlib.Path(out).write_text(json.dumps(whole, indent=1) + "\n")
        print(f"wrote {out}", file=sys.stderr)


if __name__ == "__main__":
    main()
