"""Clients that do not give up: what they ask for is written down with its answer, and a stream that breaks is read on at
another node, from behind the last event that came."""

import http.client
import json
import random
import threading
import urllib.parse

from cluster import Reader, pause
from promises import ENDINGS

LOST = (OSError, http.client.HTTPException, ValueError, AttributeError)
ANSWER_S = 5       # then a request counts as one without an answer
SILENCE_S = 3.5    # of a stream whose heartbeat is 1 s: then it is read elsewhere
FORM = {"content-type": "application/x-www-form-urlencoded"}


def ask(node, method, path, form=None, headers=None, timeout=ANSWER_S):
    """Status and answer, or (None, None)."""
    connection = http.client.HTTPConnection(node.host, node.port, timeout=timeout)
    try:
        body = urllib.parse.urlencode(form) if form is not None else None
        connection.request(method, path, body=body, headers={**(FORM if form is not None else {}), **(headers or {})})
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, json.loads(text) if text else None
    except LOST:
        return None, None
    finally:
        connection.close()


class Watcher:
    """Reads one run to its end, on a thread of its own, from whichever node has it to tell."""

    def __init__(self, history, nodes, run, name, dice, over, healed, first_node=None, opening=None):
        self.nodes, self.run, self.dice, self.over, self.healed = nodes, run, dice, over, healed
        self.reading = history.reading(run, name)
        self.history = history
        self.seen = threading.Condition()
        self.first_node, self.opening = first_node, opening
        self.suspected = 0
        self.is_unknown = False  # there is no such run, and no fault that could hide it
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self):
        node = self.first_node or self.dice.choice(self.nodes)
        while not self.reading.ended and not self.over.is_set() and not self.is_unknown:
            at, first = self.history.now(), self._next_index()
            try:
                became = self._read(node)
            except LOST as problem:
                became = f"{type(problem).__name__} {problem}"
            self.reading.connections.append((at, node.name, first, became))
            if not self.reading.ended:
                self.over.wait(0.03)
            node = self.dice.choice(self.nodes)
        with self.seen:
            self.seen.notify_all()

    def _next_index(self):
        return self.reading.events[-1][0] + 1 if self.reading.events else self.reading.first

    def _read(self, node):
        opening, self.opening = self.opening, None
        if opening:
            op, form, headers, path = opening
            stream = Reader(node, "POST", path, form, headers, timeout=SILENCE_S)
        else:
            headers = {"Last-Event-ID": str(self._next_index() - 1)} if self._next_index() > 0 else {}
            stream = Reader(node, "GET", f"/runs/{self.run}/events", headers=headers, timeout=SILENCE_S)
            op = None
        with stream:
            is_healed = self.healed.is_set()
            stream.begin()
            if stream.status == 204:
                self.reading.ended = True
                return "204: there is no more"
            if stream.status != 200:
                text = stream.answer.read().decode()
                if op:
                    self.history.end(op, stream.status, json.loads(text))
                self.is_unknown = stream.status == 404 and is_healed
                return f"{stream.status} {text[:120]}"
            if op:
                self.history.end(op, 200, {"run_id": self.run})
            while stream.next() is not None:
                index, name, text, _ = stream.raw[-1]
                if name in ("replay", "catch_up", "subscribed"):
                    continue
                if index is None:
                    index = stream.events[-1][1].get("event_index")
                if index is None:
                    return f"an event without an index: {name} {text[:200]}"
                with self.seen:
                    self.reading.events.append((index, name, text))
                    self.seen.notify_all()
            self.suspected += sum("owner_suspected" in words for _, words in stream.notes)
            names = [name for _, name, _ in self.reading.events[-2:]]
            if names and names[-1] in ENDINGS and names[-1] != "RunCancelled":
                self.reading.ended = True
                return "ended"
            return f"broke off after {len(stream.raw)} events"

    def wait_for(self, count, within_s):
        """Until so many events were seen, or all there are."""
        with self.seen:
            return self.seen.wait_for(lambda: len(self.reading.events) >= count or self.reading.ended or self.over.is_set(), within_s)


class Crowd:
    """Clients at work until they are told to stop: each does one thing after the other, on nodes chosen by its dice."""

    def __init__(self, history, nodes, seed, size, agents, sessions=2):
        self.history, self.nodes, self.seed, self.agents = history, nodes, seed, agents
        self.sessions = [f"session-{seed}-{i}" for i in range(sessions)]
        self.watchers, self.lock = [], threading.Lock()
        self.stopping = threading.Event()   # nothing new is begun
        self.healed = threading.Event()     # no fault is left: an answer is the truth
        self.over = threading.Event()       # readers give up
        self.threads = [threading.Thread(target=self._work, args=(i,), daemon=True) for i in range(size)]
        for thread in self.threads:
            thread.start()

    def _work(self, number):
        dice = random.Random(f"{self.seed} {number}")
        for turn in range(10_000):
            if self.stopping.is_set():
                return
            run = f"r{self.seed}-{number}-{turn}"
            deed = dice.choices((self.stream, self.in_the_background, self.by_key, self.in_a_session, self.cancel_early),
                                weights=(8, 5, 3, 4, 1))[0]
            deed(run, dice)
            self.stopping.wait(dice.uniform(0.01, 0.15))

    def watch(self, run, dice, **more):
        with self.lock:
            name = f"w{len(self.watchers)}"
            watcher = Watcher(self.history, self.nodes, run, name, random.Random(dice.random()), self.over, self.healed,
                              **more)
            self.watchers.append(watcher)
        return watcher

    @staticmethod
    def policy(dice):
        return {"on_node_loss": "restart"} if dice.random() < 0.2 else {}

    # -- what clients do ------------------------------------------------------------------

    def stream(self, run, dice, **fields):
        """Started on one node, watched on another, perhaps cancelled on a third."""
        node, agent = dice.choice(self.nodes), dice.choice(self.agents)
        form = {"message": "hello", "run_id": run, "stream": "true", "background": "true", **fields, **self.policy(dice)}
        op = self.history.begin("start", run, node.name, agent=agent, session=fields.get("session_id"))
        first = self.watch(run, dice, first_node=node, opening=(op, form, FORM, f"/agents/{agent}/runs"))
        first.wait_for(dice.randrange(1, 30), 2)
        if dice.random() < 0.6:
            self.watch(run, dice)
        self._perhaps_cancel(run, dice, 0.9 if agent == "endless" else 0.3)

    def in_the_background(self, run, dice, **fields):
        node, agent = dice.choice(self.nodes), dice.choice(self.agents)
        form = {"message": "hello", "run_id": run, "stream": "false", "background": "true", **fields, **self.policy(dice)}
        op = self.history.begin("start", run, node.name, agent=agent, session=fields.get("session_id"))
        status, answer = ask(node, "POST", f"/agents/{agent}/runs", form)
        if status is not None:
            self.history.end(op, status, answer)
        if status == 202 and dice.random() < 0.7:
            self.watch(run, dice).wait_for(dice.randrange(1, 20), 2)
        self._perhaps_cancel(run, dice, 0.9 if agent == "endless" else 0.3)

    def in_a_session(self, run, dice):
        (self.stream if dice.random() < 0.5 else self.in_the_background)(run, dice, session_id=dice.choice(self.sessions))

    def by_key(self, run, dice):
        """Two clients send the same request with the same key to two nodes; who gets no answer asks again."""
        agent, form = "words", {"message": f"by {run}", "stream": "false", "background": "true"}

        def send(dice):
            for _ in range(4):
                node = dice.choice(self.nodes)
                op = self.history.begin("start_by_key", "", node.name, key=run)
                status, answer = ask(node, "POST", f"/agents/{agent}/runs", form, {"idempotency-key": run})
                if status is not None:
                    self.history.end(op, status, answer)
                if status in (200, 202):
                    return
                self.stopping.wait(0.1)

        other = threading.Thread(target=send, args=(random.Random(dice.random()),))
        other.start()
        send(dice)
        other.join()

    def cancel_early(self, run, dice):
        """Cancelled before it is there."""
        if self.cancel(run, dice, tries=1) == "intent_stored":
            self.in_the_background(run, dice)

    def look(self, run, dice):
        node = dice.choice(self.nodes)
        op = self.history.begin("look", run, node.name)
        status, answer = ask(node, "GET", f"/runs/{run}")
        if status is not None:
            self.history.end(op, status, {"status": (answer or {}).get("status")})

    def _perhaps_cancel(self, run, dice, chance):
        if dice.random() < 0.3:
            self.look(run, dice)
        if dice.random() < chance:
            self.stopping.wait(dice.uniform(0, 0.3))
            self.cancel(run, dice)

    def cancel(self, run, dice, tries=4):
        """Asks until a node has an answer; its outcome."""
        for _ in range(tries):
            node = dice.choice(self.nodes)
            op = self.history.begin("cancel", run, node.name)
            status, answer = ask(node, "POST", f"/runs/{run}/cancel?receipt=true&reason=nemesis", {})
            if status is not None:
                self.history.end(op, status, answer)
                if (answer or {}).get("outcome") not in (None, "unknown"):
                    return answer["outcome"]
            self.stopping.wait(0.1)
        return None

    # -- the end --------------------------------------------------------------------------

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def join_watchers(self, until):
        """Waits for all readers to be told the end of their runs; those that were not."""
        for watcher in self.watchers:
            watcher.thread.join(max(0, until - self.history.now()))
        late = [w for w in self.watchers if w.thread.is_alive()]
        self.over.set()
        for watcher in self.watchers:
            watcher.thread.join()
        return late
