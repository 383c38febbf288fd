"""Without any fault: a run can be started, watched and cancelled anywhere, and what one node knows all know."""

import threading

from cluster import SLOW, Cluster, ClusterTest, Reader, eventually, main
from evidence import check


class Everywhere(ClusterTest):
    @classmethod
    def setUpClass(cls):
        cls.made = Cluster(3, {"words": "words;n=20;gap_ms=5", "endless": "endless;gap_ms=5", "echo": "echo"}, lease="10s")
        cls.addClassCleanup(cls.made.close)
        cls.n1, cls.n2, cls.n3 = cls.made.nodes

    def test_every_node_lists_all_nodes(self):
        for node in self.made.nodes:
            lines = node.nodes()
            self.assertEqual(set(lines), {"n1", "n2", "n3"})
            self.assertEqual(self.made.linked(node), set(lines) - {node.name})
            self.assertEqual(lines[node.name]["link"]["state"], "none", "with itself")
            self.assertTrue(all(0 < line["lease_left_ms"] <= 10_000 for line in lines.values()), lines)

    def test_started_on_one_watched_on_another_cancelled_on_a_third(self):
        with self.n1.run("endless", run_id="abc", background="true") as first:
            first.until("RunContent")
            with self.n2.watch("abc") as second:
                second.until("RunContent")
                status, receipt = self.n3.cancel("abc", "endless", "receipt=true&reason=enough")
                self.assertEqual((status, receipt["outcome"], receipt["status"]), (200, "cancelled", "CANCELLED"), receipt)
                for stream in (first, second):
                    self.assertEqual(stream.rest()[-2:], ["RunCancelled", "RunCompleted"])
                    self.assertEqual(stream.data("RunCancelled")[0]["reason"], "enough")
                check(self, self.made, [("abc", first), ("abc", second)], [("abc", receipt)])
        for node in self.made.nodes:
            self.assertEqual(node.cancel("abc", "endless")[1]["outcome"], "cancelled", "and the same on a repeat")

    def test_agnos_resume_on_another_node(self):
        with self.n1.run("words", run_id="resumed", background="true") as first:
            first.until("RunContent")
            with Reader(self.n3, "POST", "/agents/words/runs/resumed/resume", {"last_event_index": 0}) as second:
                second.rest()
            first.rest()
        self.assertEqual([e[:2] for e in second.events if "event_index" in e[1]][-5:], [e[:2] for e in first.events[-5:]])

    def test_a_plain_stream_is_cancelled_when_its_client_leaves_and_others_hear_it(self):
        stream = self.n1.run("endless", run_id="left")
        stream.until("RunContent")
        with self.n2.watch("left") as watcher:
            watcher.until("RunContent")
            stream.reset()
            self.assertEqual(watcher.rest()[-2:], ["RunCancelled", "RunCompleted"])

    def test_one_key_at_three_nodes_at_the_same_time_is_one_run(self):
        form = {"message": "once", "stream": "false", "background": "true"}
        for turn in range(5):
            answers, gate = [], threading.Barrier(3)

            def send(node):
                gate.wait()
                answers.append(node.post("/agents/words/runs", form, **{"idempotency-key": f"key-{turn}"}))

            threads = [threading.Thread(target=send, args=(node,)) for node in self.made.nodes]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual({status for status, _ in answers} - {200, 202}, set(), answers)
            self.assertEqual(len({answer["run_id"] for _, answer in answers}), 1, answers)
        status, refused = self.n2.post("/agents/echo/runs", form, **{"idempotency-key": "key-0"})
        self.assertGreaterEqual(status, 400, refused)

    def test_an_id_is_used_once(self):
        gate, codes = threading.Barrier(3), []

        def send(node):
            gate.wait()
            codes.append(node.post("/agents/words/runs", {"message": "x", "run_id": "same", "stream": "false",
                                                          "background": "true"})[0])

        threads = [threading.Thread(target=send, args=(node,)) for node in self.made.nodes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(codes), [202, 409, 409])

    def test_a_session_goes_on_at_another_node(self):
        for turn, node in enumerate((self.n1, self.n2, self.n3)):
            with node.run("echo", f"turn {turn}", session_id="talk", background="true", run_id=f"talk-{turn}") as stream:
                self.assertEqual(stream.rest()[-1], "RunCompleted")
        self.assertIn("turn 0", stream.text(), "the third node's model was told what was said at the first")
        for node in self.made.nodes:
            runs = node.get("/sessions/talk/runs")[1]
            self.assertEqual([run["run_id"] for run in runs], ["talk-0", "talk-1", "talk-2"], node.name)

    def test_runs_of_one_session_take_turns_across_nodes(self):
        streams = [(f"turn-{i}", node.run("words", session_id="queue", background="true", run_id=f"turn-{i}"))
                   for i, node in enumerate(self.made.nodes * 2)]
        for _, stream in streams:
            self.assertEqual(stream.rest()[-1], "RunCompleted")
        check(self, self.made, streams)
        for _, stream in streams:
            stream.close()

    def test_a_cancel_that_comes_before_its_run_is_kept_for_it(self):
        self.assertEqual(self.n3.cancel("early", "words")[1]["outcome"], "intent_stored")
        with self.n1.run("words", run_id="early", background="true") as stream:
            self.assertEqual(stream.rest()[-2:], ["RunCancelled", "RunCompleted"])
        self.assertEqual(stream.text(), "")

    def test_a_run_in_the_background_is_seen_at_once_everywhere(self):
        status, pending = self.n1.post("/agents/endless/runs", {"message": "x", "stream": "false", "background": "true"})
        self.assertEqual(status, 202, pending)
        for node in self.made.nodes:
            self.assertIn(node.status(pending["run_id"]), ("PENDING", "RUNNING"))
            self.assertIn(pending["run_id"], [run["run_id"] for run in node.get("/runs")[1]])
        self.assertEqual(self.n2.cancel(pending["run_id"], "endless")[1]["outcome"], "cancelled")
        self.finish(self.made.nodes, pending["run_id"], 5 * SLOW, "CANCELLED")

    def test_a_node_that_is_asked_to_leave_ends_what_it_has_and_is_not_waited_for(self):
        with Cluster(2, {"words": "words;n=30;gap_ms=10"}, lease="10s") as pair:
            with pair[1].run("words", run_id="last", background="true") as stream:
                stream.until("RunContent")
                with pair[2].watch("last") as watcher:
                    self.assertEqual(pair[1].stop(), 0)
                    self.assertEqual(watcher.rest()[-1], "RunCompleted")
            eventually(lambda: "n1" not in self.made.linked(pair[2]), "end of the link")
            pair[1].start()
            pair.wait_for_links()


if __name__ == "__main__":
    main()
