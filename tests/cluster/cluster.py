"""What the cluster's tests share: nodes that are real processes, with a PostgreSQL of the test's own behind them and relays
or name spaces between them. Standard library only. See README.md."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "server"))

import guard  # noqa: E402
from harness import PATIENCE_S, PROGRAM, PROVIDER, Lines, Provider, Server, Stream, main  # noqa: E402,F401
from postgres import Postgres, free_port  # noqa: E402
from relay import Relay  # noqa: E402

# Sanitizers make everything some three times slower. Bounds come from a promise, times this where the machine is at work.
SLOW = 3 if os.environ.get("ONCUE_SANITIZERS") else 1
ENDED = ("COMPLETED", "CANCELLED", "ERROR")


def pause(seconds):
    """How long a fault lasts, or between two looks at something. Never instead of waiting for what can be waited for."""
    threading.Event().wait(seconds)


def eventually(look, what, within_s=PATIENCE_S, every_s=0.01):
    """Looks until there is something true to see; that. Says what was not seen."""
    end = time.monotonic() + within_s
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"within {within_s:g} s there was no {what}; last seen: {seen!r}")
        pause(every_s)


class Node(Server):
    """One node. Its ports stay the same when it starts again. `place`: the name space it lives in."""

    def __init__(self, name, store_url, config="", lease="1s", args=(), env=None, place=None, link_relay=False, cluster=None,
                 server=None, entry=()):
        self.name, self.lease, self.place, self.entry = name, lease, place, list(entry)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"oncue-{name}-"))
        guard.folder(self.folder)
        self.store = store_url
        self.host = place.address if place else "127.0.0.1"
        self.port = free_port()
        self.link_port = free_port()
        self.links = Relay((self.host, self.link_port)) if link_relay else None
        self.more = dict(cluster or {})
        self.server = {"heartbeat": "1s", "drain_grace": "3s", **(server or {})}
        self.text = config
        self.config = self.folder / "oncue.toml"
        self.args = list(args)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **(env or {})}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.env.setdefault(name, os.environ[name])
        self.process = None
        self.is_frozen = False
        self.begun_at_log = 0

    def write_config(self):
        cluster = {"name": self.name, "lease": self.lease, "link_host": self.host, "link_port": self.link_port,
                   "advertised_url": f"http://{self.host}:{self.port}", **self.more}
        if self.links:
            cluster.setdefault("link_advertised", f"{self.links.host}:{self.links.port}")
        if self.place:
            cluster.setdefault("plain_links", True)
        tables = "".join(f"[{name}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in table.items() if value is not None) + "\n"
                         for name, table in (("server", self.server), ("cluster", cluster)))
        self.config.write_text(tables + self.text)

    def spawn(self):
        """Starts the process; does not wait until it listens."""
        self.write_config()
        self.process = subprocess.Popen(
            [*(self.place.enter if self.place else []), *self.entry, PROGRAM, "serve", "--host", self.host,
             "--port", str(self.port), "--config", str(self.config), "--store", self.store, "--log-format", "json",
             *(["--insecure"] if self.place else []), *self.args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env)
        guard.process(self.process.pid)
        self.out = Lines(self.process.stdout)
        self.log = Lines(self.process.stderr)
        self.is_frozen = False
        return self

    def start(self):
        self.spawn()
        self.url = self.wait_for_log("listening")["url"]
        return self

    def freeze(self):
        self.is_frozen = True
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.is_frozen = False
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        code = super().stop(number)
        if "ONCUE_LOGS" in os.environ:  # a folder, for whoever wants to read what the nodes said
            with open(pathlib.Path(os.environ["ONCUE_LOGS"]) / f"{self.name}.log", "a") as log:
                log.write("\n".join([f"-- {self.process.pid} ended with {code}", *self.log.seen, ""]))
        return code

    def is_up(self):
        return self.process is not None and self.process.poll() is None and not self.is_frozen

    def close(self):
        if self.process is not None:
            self.kill()
            self.process = None
        if self.links:
            self.links.close()

    def watch(self, run, last=None, agent=None):
        """Reads a run's events, from behind `last` on."""
        path = f"/agents/{agent}/runs/{run}/events" if agent else f"/runs/{run}/events"
        return Reader(self, "GET", path, headers={"Last-Event-ID": str(last)} if last is not None else {})

    def run(self, agent="words", message="hello", **fields):
        return Reader(self, "POST", f"/agents/{agent}/runs", {"message": message, **fields})

    def status(self, run):
        """A run's status; None if this node knows none of it, and what it answered if it could not say."""
        code, answer = self.get(f"/runs/{run}")
        return answer["status"] if code == 200 else None if code == 404 else f"{code} {answer}"

    def nodes(self):
        """What it says of the cluster, by name, the newest of each."""
        code, answer = self.get("/nodes")
        if code != 200:
            raise AssertionError(f"/nodes: {code} {answer}")
        return {line["name"]: line for line in sorted(answer["nodes"], key=lambda line: line["incarnation"])}


class Reader(Stream):
    """A stream that keeps what Stream forgets: the comments' words and times, each event's bytes and its time."""

    def __init__(self, *words, timeout=PATIENCE_S, **named):
        self.notes = []  # (time, words)
        self.raw = []    # (id, name, bytes of the data, time)
        super().__init__(*words, **named)
        self.socket.settimeout(timeout)

    def next(self):
        self.begin()
        name, data, number = None, [], None
        while True:
            line = self.answer.readline()
            if not line.endswith(b"\n"):
                return None  # the end, or half a line before it
            line = line.decode().rstrip("\r\n")
            if line.startswith(":"):
                self.comments += 1
                self.notes.append((time.monotonic(), line[1:].strip()))
                self.noted(self.notes[-1][1])
            elif line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])
            elif line.startswith("id: "):
                number = int(line[4:])
            elif not line and (name or data):
                self.raw.append((number, name, "\n".join(data), time.monotonic()))
                self.events.append((name, json.loads("\n".join(data)), number))
                return self.events[-1][:2]

    def noted(self, words):
        """For whoever wants to act on a comment."""

    def until_note(self, words):
        """Reads on until a comment says this; when that was."""

        class Found(Exception):
            pass

        def noted(seen):
            if words in seen:
                raise Found

        for at, seen in self.notes:
            if words in seen:
                return at
        self.noted = noted
        try:
            while self.next() is not None:
                pass
        except Found:
            return self.notes[-1][0]
        finally:
            del self.noted
        raise AssertionError(f"the stream ended without the note {words}: {self.names()[-3:]}, notes {self.notes[-3:]}")


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else '"' + str(value) + '"'


class Cluster:
    """N nodes on one database. `relays`: one before the database for each node, one before each node's links."""

    def __init__(self, count=3, scenarios=None, lease="1s", config="", relays=False, wires=None, start=True, **of_nodes):
        self.nodes, self.providers, self.databases = [], [], []  # databases: relays to it, by node
        self.wires = wires
        self.postgres = None
        try:
            database = wires.place("db", 100) if wires else None
            self.postgres = (Postgres(database.address, 5432, database.enter) if wires else Postgres())
            self.database_place = database
            self.provider = None if wires else self._provider()
            for number in range(1, count + 1):
                self._add(f"n{number}", number, scenarios or {"words": "words;n=10;gap_ms=1"}, lease, config, relays, of_nodes)
            if start:
                self.start()
        except BaseException:
            self.close()
            raise

    def _provider(self):
        self.providers.append(Provider())
        guard.process(self.providers[-1].process.pid)
        return self.providers[-1]

    def _add(self, name, number, scenarios, lease, config, relays, of_nodes):
        place = self.wires.place(name, number) if self.wires else None
        provider = PlacedProvider(place) if place else self.provider
        if place:
            self.providers.append(provider)
        url = self.postgres.url
        if relays:
            self.databases.append(Relay((self.postgres.address, self.postgres.port)))
            url = self.postgres.url_at(self.databases[-1].host, self.databases[-1].port)
        models = "".join(provider.model(agent, path) for agent, path in scenarios.items())
        self.nodes.append(Node(name, url, config + models, lease, place=place, link_relay=relays, **of_nodes))

    def start(self):
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            node.url = node.wait_for_log("listening")["url"]
        self.wait_for_links()
        return self

    def wait_for_links(self, among=None, within_s=PATIENCE_S):
        """Every node sees every other one, linked."""
        names = {node.name for node in among or self.nodes}
        for node in among or self.nodes:
            eventually(lambda: self.linked(node) >= names - {node.name}, f"links of {node.name} to {sorted(names)}",
                       within_s, 0.05)

    @staticmethod
    def linked(node):
        return {name for name, line in node.nodes().items() if line["state"] == "up" and line["link"]["state"] == "up"}

    def __getitem__(self, number):
        """Node 1, 2, …"""
        return self.nodes[number - 1]

    def close(self):
        for node in self.nodes:
            node.close()
        for one in self.databases:
            one.close()
        if self.postgres:
            self.postgres.close()
        for provider in self.providers:
            provider.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class PlacedProvider(Provider):
    """A provider in a node's name space."""

    def __init__(self, place):
        self.process = subprocess.Popen([*place.enter, PROVIDER, "--log"], stdout=subprocess.PIPE, text=True)
        guard.process(self.process.pid)
        self.lines = Lines(self.process.stdout)
        self.port = self.lines.wait_for(
            lambda line: line.startswith("listening on ") and int(line.rsplit(":", 1)[1]), "the provider's address")


class ClusterTest(unittest.TestCase):
    longMessage = True
    maxDiff = 2000

    def cluster(self, *words, **named):
        made = Cluster(*words, **named)
        self.addCleanup(made.close)
        return made

    def finish(self, nodes, run, within_s=PATIENCE_S, status=ENDED):
        """Every one of these nodes says that the run has ended so; which way."""
        wanted = (status,) if isinstance(status, str) else status
        for node in nodes:
            found = eventually(lambda: (s := node.status(run)) in ENDED and s, f"ending of {run} at {node.name}", within_s, 0.05)
            self.assertIn(found, wanted, f"{run} at {node.name}")
        return found
