"""SIGKILL at random moments under load, again and again on the same store: what a client saw is in the journal, every run
ends once, and nothing stays RUNNING. ONCUE_CRASHES says how often (default: a few, as the gate has time for)."""

import http.client
import os
import random
import tempfile
import threading
import unittest

from harness import Provider, Server, Stream, main

CRASHES = int(os.environ.get("ONCUE_CRASHES", "8"))
SEED = int(os.environ.get("ONCUE_SEED", "1"))
RUNS = 12  # at the same time


class Load:
    """Runs that stream, restarted as they end, until the server dies. Keeps every frame that a client got."""

    def __init__(self, server, prefix, dice):
        self.server, self.prefix, self.dice = server, prefix, dice
        self.streams, self.guard = [], threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(i,)) for i in range(RUNS)]
        self.seen = threading.Semaphore(0)
        for thread in self.threads:
            thread.start()

    def work(self, number):
        for turn in range(1000):
            run = f"{self.prefix}-{number}-{turn}"
            agent = ("words", "endless")[number % 2]
            try:
                stream = self.server.run(agent, run_id=run, background="true", session_id=f"s-{number}")
                with self.guard:
                    self.streams.append((run, stream))
                while stream.next() is not None:
                    self.seen.release()
                    if agent == "endless" and len(stream.events) > 20 + number:
                        self.server.cancel(run, agent)
                        number += 1
            except (OSError, ValueError, AttributeError, http.client.HTTPException):
                return  # the server is gone, in the middle of whatever we did

    def join(self):
        for thread in self.threads:
            thread.join()


class Crash(unittest.TestCase):
    longMessage = True

    def test_nothing_published_is_missing(self):
        provider = Provider()
        self.addCleanup(provider.close)
        config = provider.model("words", "words;n=40;gap_ms=1") + provider.model("endless", "endless;gap_ms=2")
        folder = tempfile.mkdtemp(prefix="oncue-crash-")
        dice = random.Random(SEED)
        store = os.path.join(folder, "journal.db")
        checked = events = 0
        for crash in range(CRASHES):
            server = Server(config, store=store, folder=folder)
            load = Load(server, f"c{SEED}-{crash}", dice)
            for _ in range(dice.randrange(1, 1500)):
                load.seen.acquire(timeout=10)
            server.kill()
            load.join()
            with Server(config, store=store, folder=folder) as again:
                for run, stream in load.streams:
                    events += len(stream.events)
                    checked += self.check(again, run, stream, f"seed {SEED}, crash {crash}, run {run}")
                running = [r for r in again.get("/runs?limit=1000")[1] if r["status"] in ("RUNNING", "PENDING")]
                self.assertEqual(running, [])
        print(f"{CRASHES} crashes, {checked} runs, {events} events seen by clients", flush=True)

    def check(self, server, run, stream, where):
        status, stored = server.get(f"/runs/{run}")
        if status == 404:
            self.assertEqual(stream.events, [], f"{where}: seen, but not in the journal")
            stream.close()
            return 0
        with Stream(server, "GET", f"/runs/{run}/events") as replay:
            replay.rest()
        endings = [n for n in replay.names() if n in ("RunCompleted", "RunCancelled", "RunError")]
        self.assertIn(endings, (["RunCompleted"], ["RunError"], ["RunCancelled", "RunCompleted"]), where)
        numbers = [int(event[2]) for event in replay.events]
        self.assertEqual(numbers, list(range(len(numbers))), where)
        seen = [event[:2] for event in stream.events]
        self.assertEqual(seen, [event[:2] for event in replay.events[:len(seen)]], where)
        text = replay.text()
        ending = replay.data(endings[0])[0]
        if endings[0] != "RunError":
            self.assertEqual(ending["content"] if text or endings[0] == "RunCompleted" else "", text, where)
        self.assertIn(stored["status"], ("COMPLETED", "CANCELLED", "ERROR"), where)
        stream.close()
        return 1


if __name__ == "__main__":
    main()
