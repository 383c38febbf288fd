"""Every single fault of a process or of the database, once: first that it is really there, then what was promised for it."""

import time

from cluster import SLOW, Cluster, ClusterTest, eventually, main, pause
from evidence import check

SCENARIOS = {"words": "words;n=80;gap_ms=25", "endless": "endless;gap_ms=10", "other": "endless;gap_ms=11", "quick": "words;n=5;gap_ms=1",
             "quiet": "silence"}
LEASE_S = 1.0
# A lease, a renewal's tick until somebody looks, and the ending's way to the reader; slow machines are slow.
TAKEN_OVER_S = (LEASE_S + 1.2) * SLOW


def begin(node, run, agent="endless", count=3, **fields):
    """A run in the background, with its first words read."""
    stream = node.run(agent, run_id=run, background="true", **fields)
    for _ in range(count):
        stream.until("RunContent")
    return stream


def begin_watch(node, run, count=3):
    stream = node.watch(run)
    for _ in range(count):
        stream.until("RunContent")
    return stream


class FaultTest(ClusterTest):
    lease, nodes = "1s", 3

    @classmethod
    def setUpClass(cls):
        cls.made = Cluster(cls.nodes, SCENARIOS, lease=cls.lease, relays=True)
        cls.addClassCleanup(cls.made.close)
        cls.n1, cls.n2 = cls.made.nodes[:2]
        cls.n3 = cls.made.nodes[-1]

    def setUp(self):
        """As it was, whatever the test before has left."""
        for relay in [*self.made.databases, *(node.links for node in self.made.nodes)]:
            relay.heal()
        self.made.postgres.thaw()
        for node in self.made.nodes:
            node.thaw()
            if node.process.poll() is not None:
                node.kill()
                eventually(lambda: self.try_to_start(node), f"start of {node.name}", every_s=0.25)
        self.made.wait_for_links()
        for node in self.made.nodes:
            eventually(lambda: node.status("nobody") is None, f"answer of {node.name}", every_s=0.1)

    def try_to_start(self, node):
        try:
            return node.start()
        except AssertionError:
            if node.process.poll() is None:
                raise
            node.kill()
            return None

    def provider_connection(self, scenario):
        """The newest connection at the provider that asked for this scenario."""
        line = [line for line in self.made.provider.lines.seen if f"/{scenario}/" in line][-1]
        return line.split()[0]

    def wait_for_provider(self, connection, words="client closed"):
        self.made.provider.lines.wait_for(lambda line: line.startswith(connection + " ") and words in line, f"{connection} {words}")


class OfANode(FaultTest):
    def test_killed(self):
        first = begin(self.n1, "killed")
        watcher = begin_watch(self.n2, "killed")
        before = self.n2.nodes()["n1"]["incarnation"]
        at = time.monotonic()
        self.n1.process.kill()
        watcher.until_note("owner_suspected")
        suspected = time.monotonic() - at
        error = watcher.until("RunError")
        took = time.monotonic() - at
        self.assertEqual(error["error_type"], "node_lost", error)
        self.assertLess(took, TAKEN_OVER_S)
        self.assertLess(suspected, took, "the note came before the ending")
        self.assertEqual(watcher.rest()[-1], "RunError")
        first.rest()
        self.n1.kill()
        self.n1.start()
        eventually(lambda: self.n2.nodes()["n1"]["incarnation"] > before, "a new incarnation of n1")
        check(self, self.made, [("killed", first), ("killed", watcher)])
        print(f"killed: suspected after {suspected * 1000:.0f} ms, ended after {took:.2f} s", flush=True)

    def test_killed_with_an_accepted_cancel(self):
        first, watcher = begin(self.n1, "condemned"), begin_watch(self.n2, "condemned")
        self.n1.freeze()
        status, receipt = self.n3.cancel("condemned", "endless", "receipt=true&wait_ms=100")
        self.assertEqual((status, receipt["outcome"]), (202, "accepted"), receipt)
        self.n1.kill()
        self.assertEqual(watcher.rest()[-2:], ["RunCancelled", "RunCompleted"])
        self.n1.start()
        check(self, self.made, [("condemned", watcher), ("condemned", first)], [("condemned", receipt)])

    def test_killed_before_anything_was_said_a_run_that_may_begins_anew_elsewhere(self):
        asked = lambda: [line for line in self.made.provider.lines.seen if "/silence/" in line]
        before = len(asked())
        first = self.n1.run("quiet", run_id="anew", background="true", on_node_loss="restart")
        first.until("RunStarted")
        watcher = begin_watch(self.n2, "anew", count=0)
        eventually(lambda: len(asked()) == before + 1, "the model asked by n1")
        talkative = begin(self.n1, "said", on_node_loss="restart")
        self.n1.process.kill()
        eventually(lambda: len(asked()) == before + 2, "the model asked again, by another node")
        self.assertEqual(self.n3.status("anew"), "RUNNING")
        eventually(lambda: self.n3.status("said") == "ERROR", "what has spoken is not begun anew")
        status, receipt = self.n3.cancel("anew", "quiet", "receipt=true&wait_ms=5000")
        self.assertEqual((status, receipt["outcome"]), (200, "cancelled"), receipt)
        self.assertEqual(watcher.rest()[-2:], ["RunCancelled", "RunCompleted"])
        first.rest()
        talkative.rest()
        self.n1.kill()
        self.n1.start()
        check(self, self.made, [("anew", first), ("anew", watcher), ("said", talkative)], [("anew", receipt)])

    def test_frozen_beyond_its_lease(self):
        first, watcher = begin(self.n1, "frozen", "other"), begin_watch(self.n2, "frozen")
        before = self.n2.nodes()["n1"]["incarnation"]
        connection = self.provider_connection(SCENARIOS["other"])
        self.n1.freeze()
        at = time.monotonic()
        self.assertEqual(watcher.until("RunError")["event"], "RunError")
        self.assertLess(time.monotonic() - at, TAKEN_OVER_S)
        watcher.rest()
        self.assertEqual(self.n3.status("frozen"), "ERROR")
        self.n1.thaw()
        # It wakes up, finds its lease over, says nothing of its own, and is there again.
        self.wait_for_provider(connection)
        first.rest()
        # Until then its own list is the one that it had, and a start is refused.
        eventually(lambda: self.n1.nodes()["n1"]["incarnation"] > before, "n1 with a new lease")
        with self.n1.run("quick", run_id="frozen-again", background="true") as again:
            self.assertEqual(again.rest()[-1], "RunCompleted")
        check(self, self.made, [("frozen", first), ("frozen", watcher)])

    def test_cut_from_the_database_beyond_its_lease_it_stops_by_itself(self):
        first, watcher = begin(self.n1, "fenced", "other"), begin_watch(self.n2, "fenced")
        connection = self.provider_connection(SCENARIOS["other"])
        self.made.databases[0].hold()
        at = time.monotonic()
        self.wait_for_provider(connection)
        stopped = time.monotonic() - at
        self.assertEqual(watcher.until("RunError")["event"], "RunError")
        ended = time.monotonic() - at
        self.assertLess(stopped, LEASE_S * SLOW, "its side effects end before its lease does")
        self.assertLess(ended, TAKEN_OVER_S)
        self.made.databases[0].heal()
        watcher.rest()
        first.rest()
        eventually(lambda: self.n1.post("/agents/quick/runs", {"message": "x", "stream": "false", "background": "true"})[0] == 202,
                   "a run taken by n1 again", every_s=0.1)
        check(self, self.made, [("fenced", first), ("fenced", watcher)])
        print(f"cut from the database: stopped after {stopped:.2f} s, ended for others after {ended:.2f} s", flush=True)

    def test_two_die_at_once_and_the_third_ends_their_runs(self):
        streams = [begin(self.n1, "pair-1"), begin(self.n2, "pair-2")]
        watchers = [begin_watch(self.n3, "pair-1"), begin_watch(self.n3, "pair-2")]
        self.n1.kill()
        self.n2.kill()
        at = time.monotonic()
        for watcher in watchers:
            self.assertEqual(watcher.rest()[-1], "RunError")
        self.assertLess(time.monotonic() - at, TAKEN_OVER_S)
        for stream in streams:
            stream.rest()


class OfTheDatabase(FaultTest):
    """With a lease that is longer than the fault: no run is lost."""

    lease = "10s"

    def outlived(self, name, fault, heal=lambda: None, lasts_s=2.0):
        """Two runs go through the fault: one with an end of its own, one that is cancelled elsewhere afterwards."""
        words = self.n1.run("words", run_id=f"{name}-words", background="true")
        words.until("RunContent")
        endless = begin(self.n2, f"{name}-endless")
        watcher = begin_watch(self.n3, f"{name}-words", 1)
        fault()
        pause(lasts_s)
        heal()
        self.assertEqual(words.rest()[-1], "RunCompleted")
        self.assertEqual(watcher.rest()[-1], "RunCompleted")
        self.assertEqual(words.text(), watcher.text())
        cancel = lambda: (r := self.n1.cancel(f"{name}-endless", "endless"))[0] in (200, 202) and r[1]
        receipt = eventually(cancel, "accepted cancel", every_s=0.1)
        self.assertEqual(endless.rest()[-2:], ["RunCancelled", "RunCompleted"])
        check(self, self.made, [(f"{name}-words", words), (f"{name}-words", watcher), (f"{name}-endless", endless)],
              [(f"{name}-endless", receipt)])

    def test_it_crashes_and_restarts(self):
        self.outlived("crash", self.made.postgres.crash_and_restart, lasts_s=0.5)

    def test_it_is_away_for_five_seconds(self):
        refused = []

        def away():
            self.made.postgres.stop()
            began = time.monotonic()
            status, answer = self.n1.post("/agents/quick/runs", {"message": "x", "run_id": "while-away", "stream": "false",
                                                                 "background": "true"})
            refused.append((status, answer, time.monotonic() - began))

        self.outlived("away", away, self.made.postgres.start, 5.0)
        self.assertEqual(refused[0][0], 503, refused)
        self.assertLess(refused[0][2], 5 * SLOW, "and it was said soon")

    def test_it_is_frozen(self):
        self.outlived("pg-frozen", self.made.postgres.freeze, self.made.postgres.thaw, 3.0)

    def all_relays(self, deed):
        return lambda: [deed(relay) for relay in self.made.databases]

    def test_nobody_hears_it_for_a_while(self):
        before = sum(relay.bytes["out"] for relay in self.made.databases)
        self.outlived("silent", self.all_relays(lambda r: r.hold()), self.all_relays(lambda r: r.heal()))
        self.assertGreater(sum(relay.bytes["out"] for relay in self.made.databases), before, "the relays were in use")

    def test_its_answers_are_lost(self):
        self.outlived("mute", self.all_relays(lambda r: (r.hold("out"))), self.all_relays(lambda r: (r.reset(), r.heal())), 1.0)

    def test_it_refuses(self):
        self.outlived("refused", self.all_relays(lambda r: r.refuse()), self.all_relays(lambda r: r.heal()))

    def test_connections_break_in_the_middle_of_a_frame(self):
        def cut(relay):
            self.assertGreater(relay.connections(), 0)
            relay.cut_mid_frame()

        self.outlived("cut", self.all_relays(cut), lasts_s=0.5)

    def test_connections_are_half_closed(self):
        self.outlived("half", self.all_relays(lambda r: r.half_close()), lasts_s=0.5)

    def test_it_speaks_a_byte_at_a_time(self):
        self.outlived("bytes", self.all_relays(lambda r: r.mode("dribble")), self.all_relays(lambda r: r.heal()))

    def test_it_is_slow(self):
        self.outlived("slow", self.all_relays(lambda r: r.mode("delay")), self.all_relays(lambda r: r.heal()))

    def test_a_frozen_node_that_is_back_in_time_loses_nothing(self):
        self.outlived("nap", self.n1.freeze, self.n1.thaw, 2.0)

    def test_a_cancel_stops_the_run_also_without_the_database(self):
        first = begin(self.n1, "stopped", "other")
        connection = self.provider_connection(SCENARIOS["other"])
        self.made.postgres.stop()
        try:
            status, answer = self.n1.cancel("stopped", "other", "receipt=true&wait_ms=500")
            self.wait_for_provider(connection)
        finally:
            self.made.postgres.start()
        self.assertIn(status, (200, 202, 503), answer)
        if status != 503:
            self.assertFalse(answer.get("durable", True) and answer["outcome"] == "cancelled", "it was not durable, and said so")
        self.assertEqual(first.rest()[-2:], ["RunCancelled", "RunCompleted"])
        check(self, self.made, [("stopped", first)], [("stopped", answer)] if status != 503 else [])


class OfTheLinks(FaultTest):
    """Links are for speed: without them everything is as before, but for the time it takes."""

    def without_links(self, name, fault, cancel_s):
        first = begin(self.n1, name)
        watcher = begin_watch(self.n2, name)
        fault()
        # The watcher goes on, by the journal.
        for _ in range(20):
            watcher.until("RunContent")
        began = time.monotonic()
        status, receipt = self.n3.cancel(name, "endless")
        self.assertIn(status, (200, 202), receipt)
        self.assertEqual(watcher.rest()[-2:], ["RunCancelled", "RunCompleted"])
        took = time.monotonic() - began
        self.assertLess(took, cancel_s * SLOW)
        first.rest()
        check(self, self.made, [(name, first), (name, watcher)], [(name, receipt)])
        print(f"{name}: cancelled after {took * 1000:.0f} ms", flush=True)
        return watcher

    def all_links(self, deed):
        return lambda: [deed(node.links) for node in self.made.nodes]

    def test_silent(self):
        def held():
            self.all_links(lambda r: r.hold())()
            self.assertGreater(sum(node.links.connections() for node in self.made.nodes), 0)

        # A cancel waits for the link's answer before it goes by the lease's renewal.
        self.without_links("link-silent", held, 3.5)
        eventually(lambda: not self.made.linked(self.n2), "links of n2 that are down", every_s=0.05)

    def test_refused(self):
        def refused():
            self.all_links(lambda r: r.refuse())()
            for node in self.made.nodes:
                eventually(lambda: not self.made.linked(node), f"loss of {node.name}'s links", every_s=0.02)

        watcher = self.without_links("link-refused", refused, 1.5)
        self.assertTrue(any("owner_suspected" in words for _, words in watcher.notes), watcher.notes)

    def test_deaf(self):
        self.without_links("link-deaf", self.all_links(lambda r: r.hold("in")), 3.5)

    def test_cut_in_the_middle_of_a_frame(self):
        self.without_links("link-cut", self.all_links(lambda r: r.cut_mid_frame()), 3.5)
        self.made.wait_for_links()

    def test_a_byte_at_a_time(self):
        self.without_links("link-bytes", self.all_links(lambda r: r.mode("dribble")), 3.5)

    def test_they_come_back(self):
        self.all_links(lambda r: r.refuse())()
        for node in self.made.nodes:
            eventually(lambda: not self.made.linked(node), f"loss of {node.name}'s links", every_s=0.02)
        self.all_links(lambda r: r.heal())()
        self.made.wait_for_links()


if __name__ == "__main__":
    main()
