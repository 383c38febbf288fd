"""Nodes on machines of their own, as far as name spaces are: the network between them is cut, one way and both ways, refuses,
and is slow. Each cut is first seen to be one."""

import time
import unittest

import wires
from cluster import SLOW, Cluster, ClusterTest, eventually, main
from evidence import check

SCENARIOS = {"words": "words;n=80;gap_ms=25", "endless": "endless;gap_ms=10", "quick": "words;n=5;gap_ms=1"}
LEASE_S = 1.0
TAKEN_OVER_S = (LEASE_S + 1.2) * SLOW
NO_WIRES = wires.why_not()


@unittest.skipIf(NO_WIRES, NO_WIRES)
class WiresTest(ClusterTest):
    lease = "1s"

    @classmethod
    def setUpClass(cls):
        cls.net = wires.Wires()
        cls.addClassCleanup(cls.net.close)
        cls.made = Cluster(3, SCENARIOS, lease=cls.lease, wires=cls.net)
        cls.addClassCleanup(cls.made.close)
        cls.n1, cls.n2, cls.n3 = cls.made.nodes
        cls.database = cls.made.database_place

    def setUp(self):
        for place in self.net.places:
            place.heal()
        self.made.wait_for_links()
        for node in self.made.nodes:
            eventually(lambda: node.post("/agents/quick/runs", {"message": "x", "stream": "false", "background": "true"})[0] == 202,
                       f"a run at {node.name}", every_s=0.1)

    def reaches_database(self, node):
        return node.place.can_reach(self.made.postgres.address, self.made.postgres.port)

    def reaches_links(self, node, other):
        return node.place.can_reach(other.host, other.link_port)

    def begin(self, node, run, agent="endless"):
        stream = node.run(agent, run_id=run, background="true")
        for _ in range(3):
            stream.until("RunContent")
        return stream

    def watch(self, node, run):
        stream = node.watch(run)
        stream.until("RunContent")
        return stream


class WithAShortLease(WiresTest):
    def cut_from_the_database(self, name, cut):
        first, watcher = self.begin(self.n1, name), self.watch(self.n2, name)
        self.assertTrue(self.reaches_database(self.n1))
        cut(self.n1.place)
        at = time.monotonic()
        self.assertEqual(watcher.until("RunError")["event"], "RunError")
        ended = time.monotonic() - at
        provider = self.made.providers[0].lines
        provider.wait_for(lambda line: "client closed" in line, "the end of the call at the provider")
        stopped = time.monotonic() - at
        self.assertFalse(self.reaches_database(self.n1), "it is cut off")
        self.assertTrue(self.reaches_database(self.n2), "and the others are not")
        self.assertLess(ended, TAKEN_OVER_S)
        self.assertLess(stopped, TAKEN_OVER_S)
        status, answer = self.n1.post("/agents/quick/runs", {"message": "x", "stream": "false", "background": "true"})
        self.assertEqual(status, 503, answer)
        with self.n2.run("quick", run_id=f"{name}-meanwhile", background="true") as other:
            self.assertEqual(other.rest()[-1], "RunCompleted", "the others go on")
        self.n1.place.heal()
        watcher.rest()
        first.rest()
        eventually(lambda: self.n1.status(name) == "ERROR", "n1's view of it", every_s=0.1)
        self.made.wait_for_links()
        check(self, self.made, [(name, first), (name, watcher)])

    def test_cut_from_the_database(self):
        self.cut_from_the_database("no-database", lambda place: place.cut(self.database))

    def test_the_database_is_not_heard(self):
        self.cut_from_the_database("deaf", lambda place: place.drop_from(self.database))

    def test_the_database_does_not_hear(self):
        self.cut_from_the_database("mute", lambda place: place.drop_to(self.database))

    def test_the_database_is_refused(self):
        self.cut_from_the_database("refused", lambda place: place.refuse(self.database))

    def test_cut_from_everybody(self):
        """Its clients still reach it: they are told nothing that is not journalled."""
        first, watcher = self.begin(self.n1, "alone"), self.watch(self.n2, "alone")
        for other in (self.database, self.n2.place, self.n3.place):
            self.n1.place.cut(other)
        at = time.monotonic()
        self.assertEqual(watcher.until("RunError")["event"], "RunError")
        self.assertLess(time.monotonic() - at, TAKEN_OVER_S)
        self.assertFalse(self.reaches_links(self.n1, self.n2))
        self.n1.place.heal()
        watcher.rest()
        first.rest()
        self.made.wait_for_links()
        check(self, self.made, [("alone", first), ("alone", watcher)])


class WithALongLease(WiresTest):
    lease = "10s"

    def nodes_cut(self, name, cut):
        first, watcher = self.begin(self.n1, name), self.watch(self.n2, name)
        self.assertTrue(self.reaches_links(self.n2, self.n1))
        cut()
        self.assertFalse(self.reaches_links(self.n2, self.n1), "it is cut off")
        for _ in range(30):
            watcher.until("RunContent")
        began = time.monotonic()
        status, receipt = self.n2.cancel(name, "endless")
        self.assertIn(status, (200, 202), receipt)
        self.assertEqual(first.rest()[-2:], ["RunCancelled", "RunCompleted"])
        self.assertEqual(watcher.rest()[-2:], ["RunCancelled", "RunCompleted"])
        # The link's own time-out, then a renewal.
        self.assertLess(time.monotonic() - began, 3.5 * SLOW)
        eventually(lambda: "n1" not in self.made.linked(self.n2), "end of the link", every_s=0.05)
        self.assertIn("n3", self.made.linked(self.n2), "the third is linked with both")
        self.assertIn("n3", self.made.linked(self.n1))
        check(self, self.made, [(name, first), (name, watcher)], [(name, receipt)])

    def test_two_nodes_cut_from_each_other(self):
        self.nodes_cut("apart", lambda: self.n1.place.cut(self.n2.place))

    def test_one_does_not_hear_the_other(self):
        self.nodes_cut("one-way", lambda: self.n2.place.drop_from(self.n1.place))

    def test_the_other_does_not_hear_the_one(self):
        self.nodes_cut("other-way", lambda: self.n1.place.drop_from(self.n2.place))

    def test_a_short_cut_from_the_database_loses_nothing(self):
        words, watcher = self.begin(self.n1, "short", "words"), self.watch(self.n2, "short")
        self.n1.place.cut(self.database)
        self.assertFalse(self.reaches_database(self.n1))  # which takes a second
        self.assertFalse(self.reaches_database(self.n1))
        self.n1.place.heal()
        self.assertEqual(words.rest()[-1], "RunCompleted")
        self.assertEqual(watcher.rest()[-1], "RunCompleted")
        check(self, self.made, [("short", words), ("short", watcher)])

    def test_a_slow_wire(self):
        """1 Mbit/s for everything that leaves the node: its stream, its links, its journal."""
        self.n1.place.slow()
        words, watcher = self.begin(self.n1, "narrow", "words"), self.watch(self.n2, "narrow")
        with self.n3.run("quick", run_id="wide", background="true") as other:
            began = time.monotonic()
            self.assertEqual(other.rest()[-1], "RunCompleted")
            self.assertLess(time.monotonic() - began, 5 * SLOW, "others do not feel it")
        self.assertEqual(watcher.rest()[-1], "RunCompleted")
        self.assertEqual(words.rest()[-1], "RunCompleted")
        self.n1.place.heal()
        check(self, self.made, [("narrow", words), ("narrow", watcher)])


if __name__ == "__main__":
    main()
