"""What agno gets wrong is right here, and what its tests promise is kept: see README.md beside this file."""

import time

from harness import ServerTest, Stream, main


class AgnosPromises(ServerTest):
    scenarios = {"words": "words;n=10;gap_ms=1", "endless": "endless;gap_ms=5", "slow": "slow_first_token;ms=30000;n=3",
                 "broken": "status;code=400"}

    def test_a_stored_cancelled_run_has_its_events(self):
        with self.server.run("endless", run_id="stored") as stream:
            stream.until("RunContent")
            self.server.cancel("stored", "endless")
            stream.rest()
        session = stream.data("RunCancelled")[0]["session_id"]
        run = self.server.get(f"/agents/endless/runs/stored?session_id={session}")[1]
        self.assertEqual([e["event"] for e in run["events"]][-2:], ["RunCancelled", "RunCompleted"])
        self.assertEqual(run["content"], stream.text())
        self.assertEqual([m["role"] for m in run["messages"]], ["user", "assistant"])

    def test_a_run_that_does_not_stream_can_be_cancelled(self):
        self.server.cancel("early", "words")
        status, run = self.server.post("/agents/words/runs", {"message": "x", "stream": "false", "run_id": "early"})
        self.assertEqual((status, run["status"]), (200, "CANCELLED"))
        self.assertEqual(self.server.get("/runs/early")[1]["status"], "CANCELLED")

    def test_a_background_run_is_visible_at_once(self):
        status, pending = self.server.post("/agents/slow/runs", {"message": "x", "stream": "false", "background": "true"})
        self.assertEqual((status, pending["status"]), (202, "PENDING"))
        run = self.server.get(f"/agents/slow/runs/{pending['run_id']}?session_id={pending['session_id']}")[1]
        self.assertIn(run["status"], ("PENDING", "RUNNING"))
        listed = self.server.get(f"/agents/slow/runs?session_id={pending['session_id']}")[1]
        self.assertEqual([r["run_id"] for r in listed], [pending["run_id"]])
        self.assertEqual(self.server.cancel(pending["run_id"], "slow")[1]["outcome"], "cancelled")

    def test_a_plain_run_is_visible_while_it_runs(self):
        with self.server.run("endless", run_id="visible") as stream:
            stream.until("RunContent")
            self.assertEqual(self.server.get("/runs/visible")[1]["status"], "RUNNING")
            self.assertIn("visible", [r["run_id"] for r in self.server.get("/runs")[1]])
            self.server.cancel("visible", "endless")

    def test_an_error_is_an_error_and_keeps_the_providers_words(self):
        with self.server.run("broken", run_id="broken-1") as stream:
            stream.rest()
        self.assertEqual(stream.names()[-1], "RunError")
        self.assertEqual(stream.data("RunError")[0]["provider_status"], 400)
        self.assertEqual(self.server.get("/runs/broken-1")[1]["status"], "ERROR")

    def test_the_order_of_events_is_agnos(self):
        with self.server.run("words") as stream:
            names = stream.rest()
        squeezed = [name for i, name in enumerate(names) if i == 0 or names[i - 1] != name]
        self.assertEqual(squeezed, ["RunStarted", "ModelRequestStarted", "RunContent", "ModelRequestCompleted",
                                    "RunContentCompleted", "RunCompleted"])
        self.assertEqual(stream.data("RunCompleted")[0]["content"], stream.text())

    def test_without_stream_events_only_the_text_and_the_end_come(self):
        with self.server.run("words", stream_events="false") as stream:
            self.assertEqual(sorted(set(stream.rest())), ["RunCompleted", "RunContent"])

    def test_a_frame_is_agnos_to_the_byte(self):
        with self.server.run("words", run_id="bytes", session_id="s-bytes") as stream:
            stream.begin()
            self.assertEqual(stream.answer.getheader("content-type"), "text/event-stream; charset=utf-8")
            frame = b"".join(stream.answer.readline() for _ in range(3)).decode()
            now = int(time.time())
            expected = [
                'event: RunStarted\ndata: {"created_at":%d,"event":"RunStarted","agent_id":"words","agent_name":"Words",'
                '"run_id":"bytes","session_id":"s-bytes","nested_depth":0,"model":"words-1","model_provider":"openai"}\n\n'
                % at for at in range(now - 5, now + 2)]
            self.assertIn(frame, expected)
            stream.rest()


class Heartbeats(ServerTest):
    scenarios = {"silent": "silence"}
    config = '[server]\nheartbeat = "1s"\n'

    def test_a_silent_stream_has_a_heartbeat(self):
        with self.server.run("silent", run_id="quiet") as stream:
            stream.until("ModelRequestStarted")
            lines = [stream.answer.readline() for _ in range(4)]
            self.assertEqual(lines, [b": heartbeat\n", b"\n"] * 2)
            self.server.cancel("quiet", "silent")


class Retention(ServerTest):
    scenarios = {"words": "words;n=10;gap_ms=1"}
    config = '[store]\ncompact_after = "1ms"\nretention = "1ms"\n'

    def test_a_cursor_below_retention_is_told(self):
        with self.server.run("words", run_id="old") as stream:
            stream.rest()
        # The upkeep comes in small steps: until it has been there, everything can be read.
        while True:
            with Stream(self.server, "GET", "/runs/old/events?from=0") as source:
                if source.begin().status == 410:
                    break
                self.assertEqual(source.rest()[-1], "RunCompleted")
        self.assertEqual(self.server.get("/runs/old")[1]["content"], stream.text(), "the ending is kept")
        last = len(stream.events) - 1
        with Stream(self.server, "GET", f"/runs/old/events?from={last}") as source:
            self.assertEqual(source.rest(), ["RunCompleted"])


if __name__ == "__main__":
    main()
