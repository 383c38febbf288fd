"""A run's log can be read from any index, by anybody who has its id: live, ended, after a restart; and stopped from there."""

from harness import Provider, Server, ServerTest, Stream, main


def indices(stream):
    return [event[1]["event_index"] for event in stream.events if "event_index" in event[1]]


class Resume(ServerTest):
    scenarios = {"words": "words;n=20;gap_ms=1", "endless": "endless;gap_ms=5"}

    def resume(self, run, agent="words", **form):
        return Stream(self.server, "POST", f"/agents/{agent}/runs/{run}/resume", form)

    def test_events_of_a_background_stream_are_numbered(self):
        with self.server.run("words", run_id="numbered", background="true") as stream:
            stream.rest()
            self.assertEqual(indices(stream), list(range(len(stream.events))))

    def test_a_finished_run_is_replayed_from_any_index(self):
        with self.server.run("words", run_id="finished", background="true") as live:
            live.rest()
        for last in (None, 0, 5, len(live.events) - 2):
            form = {} if last is None else {"last_event_index": last}
            first = 0 if last is None else last + 1
            with self.resume("finished", **form) as again:
                again.rest()
                replay = again.events[0]
                self.assertEqual(replay[0], "replay")
                self.assertEqual(replay[1]["status"], "COMPLETED")
                self.assertEqual(replay[1]["total_events"], len(live.events) - first)
                self.assertEqual([e[:2] for e in again.events[1:]], [e[:2] for e in live.events[first:]])

    def test_a_live_run_catches_up_and_goes_on(self):
        stream = self.server.run("endless", run_id="live", background="true")
        for _ in range(5):
            stream.until("RunContent")
        stream.close()
        del stream.events[-2:]  # as if they had been lost on the way
        seen = indices(stream)
        with self.resume("live", "endless", last_event_index=seen[-1]) as again:
            catch_up = again.until("catch_up")
            self.assertEqual(catch_up["status"], "running")
            again.until("subscribed")
            again.until("RunContent")
            status, receipt = self.server.cancel("live", "endless")
            self.assertEqual((status, receipt["outcome"]), (200, "cancelled"))
            again.rest()
            self.assertEqual(seen + indices(again), list(range(len(seen) + len(indices(again)))), "no gap, no duplicate")
            text = stream.text() + again.text()
            self.assertEqual(again.data("RunCancelled")[0]["content"], text)

    def test_an_unknown_run_is_an_error_event(self):
        with self.resume("nope") as stream:
            self.assertEqual(stream.rest(), ["error"])
            self.assertEqual(stream.events[0][1], {"event": "error", "error": "Run nope not found in buffer or database"})

    def test_a_bad_index_is_refused(self):
        status, body = self.server.post("/agents/words/runs/finished/resume", {"last_event_index": "many"})
        self.assertEqual(status, 422)
        self.assertEqual(body["detail"][0]["loc"], ["body", "last_event_index"])

    def test_an_event_source_reads_and_reconnects(self):
        with self.server.run("words", run_id="browser") as stream:
            stream.rest()
        with Stream(self.server, "GET", "/agents/words/runs/browser/events", headers={"Accept": "text/event-stream"}) as source:
            source.rest()
            numbers = [int(event[2]) for event in source.events]
            self.assertEqual(numbers, list(range(len(numbers))))
            self.assertEqual(source.names(), stream.names())
        with Stream(self.server, "GET", "/runs/browser/events", headers={"Last-Event-ID": "7"}) as source:
            source.rest()
            self.assertEqual(int(source.events[0][2]), 8)
        last = {"Last-Event-ID": str(numbers[-1])}
        status, _, _ = self.server.request("GET", "/runs/browser/events", headers=last)
        self.assertEqual(status, 204, "an EventSource that has everything is told not to come back")
        self.assertEqual(self.server.get("/runs/nope/events"), (404, {"detail": "Run not found"}))


class Restart(ServerTest):
    scenarios = {"words": "words;n=20;gap_ms=1", "endless": "endless;gap_ms=5"}

    @classmethod
    def setUpClass(cls):
        cls.provider = Provider()
        cls.addClassCleanup(cls.provider.close)

    def setUp(self):
        config = "".join(self.provider.model(name, path) for name, path in self.scenarios.items())
        self.server = Server(config)
        self.addCleanup(lambda: self.server.kill())

    def restart(self):
        self.server = Server(self.server.config.read_text(), store=self.server.store, folder=self.server.folder)

    def test_a_finished_run_is_there_after_a_restart(self):
        with self.server.run("words", run_id="kept", background="true") as live:
            live.rest()
        self.assertEqual(self.server.stop(), 0)
        self.restart()
        with Stream(self.server, "POST", "/agents/words/runs/kept/resume", {"last_event_index": 3}) as again:
            again.rest()
            self.assertEqual([e[:2] for e in again.events[1:]], [e[:2] for e in live.events[4:]])

    def test_no_run_stays_running_after_a_crash(self):
        stream = self.server.run("endless", run_id="orphan", background="true")
        for _ in range(5):
            stream.until("RunContent")
        self.server.kill()
        stream.rest()
        seen = stream.events
        self.restart()
        run = self.server.get("/runs/orphan")[1]
        self.assertEqual(run["status"], "ERROR")
        with Stream(self.server, "GET", "/runs/orphan/events") as again:
            again.rest()
            self.assertEqual([e[1]["content"] for e in again.events[:len(seen)] if e[0] == "RunContent"],
                             [e[1]["content"] for e in seen if e[0] == "RunContent"], "what was seen is in the journal")
            self.assertEqual(again.names()[-1], "RunError")
            self.assertTrue(again.text().startswith(stream.text()))
            self.assertEqual(again.data("RunError")[0]["partial_content"], again.text())
        self.assertEqual(self.server.cancel("orphan", "endless")[1]["outcome"], "already_ended")


if __name__ == "__main__":
    main()
