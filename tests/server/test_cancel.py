"""Cancel over HTTP: at once in every phase, honest in its answer, one ending, and the partial text to the character."""

import threading

from harness import ServerTest, Stream, main


def started(stream):
    return stream.until("RunStarted")["run_id"]


class CancelInEveryPhase(ServerTest):
    scenarios = {
        "words": "words;n=10;gap_ms=1",
        "endless": "endless;gap_ms=5",
        "mute": "slow_accept",
        "silent": "silence",
        "stuck": "silence_after;k=3",
        "retrying": "rate_limit_then_ok;k=9;after_s=60",
    }

    def check_cancelled(self, agent, wait_for, phase, text_is):
        with self.server.run(agent, run_id=f"phase-{agent}") as stream:
            run = started(stream)
            wait_for(stream)
            status, receipt = self.server.cancel(run, agent, "receipt=true&reason=enough")
            self.assertEqual(status, 200, receipt)
            self.assertEqual(receipt["outcome"], "cancelled")
            self.assertEqual(receipt["status"], "CANCELLED")
            self.assertEqual(receipt["phase_at_cancel"], phase)
            self.assertTrue(receipt["upstream_closed"])
            self.assertTrue(receipt["durable"])
            names = stream.rest()
            self.assertEqual(names[-2:], ["RunCancelled", "RunCompleted"])
            self.assertEqual(names.count("RunCancelled"), 1)
            self.assertEqual(names.count("RunCompleted"), 1)
            cancelled = stream.data("RunCancelled")[0]
            self.assertEqual(cancelled["reason"], "enough")
            self.assertEqual(stream.data("RunCompleted")[0]["content"], cancelled["content"])
            if stream.text():
                self.assertEqual(cancelled["content"], stream.text(), "the partial text is what the client got")
            self.assertTrue(text_is(stream.text()), stream.text())
            # Stored as it was told, and the same on a repeat.
            _, run_output = self.server.get(f"/agents/{agent}/runs/{run}?session_id={cancelled['session_id']}")
            self.assertEqual(run_output["status"], "CANCELLED")
            self.assertEqual(self.server.cancel(run, agent)[1]["outcome"], "cancelled")

    def test_before_the_provider_answers(self):
        self.check_cancelled("mute", lambda s: s.until("ModelRequestStarted"), "connecting", lambda t: t == "")

    def test_while_the_first_token_is_awaited(self):
        def provider_answered(stream):
            run = stream.events[0][1]["run_id"]
            while self.server.get(f"/runs/{run}")[1].get("phase", "waiting") != "waiting":
                pass
            self.provider.lines.wait_for(lambda line: "silence" in line, "the request at the provider")

        with self.server.run("silent") as stream:
            run = started(stream)
            provider_answered(stream)
            status, receipt = self.server.cancel(run, "silent")
            self.assertEqual((status, receipt["outcome"]), (200, "cancelled"))
            self.assertIn(receipt["phase_at_cancel"], ("connecting", "waiting"))
            self.assertEqual(stream.rest()[-2:], ["RunCancelled", "RunCompleted"])

    def test_in_mid_stream(self):
        self.check_cancelled("endless", lambda s: [s.until("RunContent") for _ in range(5)], "streaming", lambda t: t != "")

    def test_between_two_tokens_of_a_stuck_provider(self):
        self.check_cancelled("stuck", lambda s: [s.until("RunContent") for _ in range(1)], "streaming", lambda t: t != "")

    def test_in_a_retry_back_off(self):
        self.check_cancelled("retrying", lambda s: s.until("ModelRequestRetrying"), "backing_off", lambda t: t == "")

    def test_the_provider_sees_its_socket_close(self):
        with self.server.run("endless", run_id="closes-the-socket") as stream:
            stream.until("RunContent")
            before = len(self.provider.lines.seen)
            self.server.cancel("closes-the-socket", "endless")
            self.provider.lines.wait_for(lambda line: "closed by the client" in line or "client closed" in line,
                                         "the close at the provider", before)

    def test_before_the_run_starts(self):
        status, receipt = self.server.cancel("from-the-future", "words")
        self.assertEqual((status, receipt["outcome"]), (202, "intent_stored"))
        before = len(self.provider.lines.seen)
        with self.server.run("words", run_id="from-the-future") as stream:
            self.assertEqual(stream.rest(), ["RunStarted", "RunCancelled", "RunCompleted"])
        self.assertEqual(self.provider.lines.seen[before:], [], "the provider was never called")
        with self.server.run("words", run_id="from-the-future") as again:
            self.assertEqual(again.begin().status, 409, "an id is used once")

    def test_after_the_end(self):
        with self.server.run("words", run_id="too-late") as stream:
            self.assertEqual(stream.rest()[-1], "RunCompleted")
        status, receipt = self.server.cancel("too-late", "words")
        self.assertEqual((status, receipt["outcome"], receipt["status"]), (409, "already_ended", "COMPLETED"))
        self.assertEqual(self.server.get("/runs/too-late")[1]["status"], "COMPLETED", "never overwritten")

    def test_ten_at_the_same_time_get_the_same_answer(self):
        with self.server.run("endless", run_id="many-cancels") as stream:
            stream.until("RunContent")
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(self.server.cancel("many-cancels", "endless")))
                       for _ in range(10)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual({(status, reply["outcome"], reply["event_index"]) for status, reply in answers}.__len__(), 1)
            names = stream.rest()
            self.assertEqual(names.count("RunCancelled"), 1)

    def test_the_plain_answer_is_agnos(self):
        """agno answers {} to any id, also of a run that is over or unknown, and 404 to an unknown agent."""
        path = "/agents/words/runs/123/cancel"
        status, headers, body = self.server.request("POST", path)
        self.assertEqual((status, body), (200, "{}"))
        self.assertEqual(headers["content-type"], "application/json")
        self.assertEqual(self.server.post("/agents/nobody/runs/123/cancel"), (404, {"detail": "Agent not found"}))
        self.assertEqual(self.server.get(path)[0], 405)

    def test_usage_is_kept_when_the_model_had_counted(self):
        with self.server.run("words", run_id="counted") as stream:
            stream.rest()
            self.assertGreater(stream.data("RunCompleted")[0]["metrics"]["output_tokens"], 0)


class PlainStreams(ServerTest):
    scenarios = {"endless": "endless;gap_ms=5", "words": "words;n=10;gap_ms=1"}

    def wait_for_status(self, run, wanted):
        with Stream(self.server, "GET", f"/runs/{run}/events") as stream:
            names = stream.rest()
        self.assertEqual(self.server.get(f"/runs/{run}")[1]["status"], wanted)
        return names

    def test_a_client_that_leaves_cancels_its_plain_run(self):
        for leave in (Stream.close, Stream.reset):
            stream = self.server.run("endless", run_id=f"left-{leave.__name__}")
            stream.until("RunContent")
            leave(stream)
            self.assertIn("RunCancelled", self.wait_for_status(f"left-{leave.__name__}", "CANCELLED"))

    def test_unless_it_asked_that_the_run_goes_on(self):
        stream = self.server.run("endless", run_id="goes-on", on_disconnect="continue")
        stream.until("RunContent")
        stream.close()
        self.server.wait_for_log("client_gone", run="goes-on")
        self.assertEqual(self.server.get("/runs/goes-on")[1]["status"], "RUNNING")
        self.server.cancel("goes-on", "endless")

    def test_a_background_stream_lives_on_unless_it_asked_not_to(self):
        stream = self.server.run("endless", run_id="background", background="true")
        stream.until("RunContent")
        stream.close()
        self.server.wait_for_log("client_gone", run="background")
        self.assertEqual(self.server.get("/runs/background")[1]["status"], "RUNNING")
        self.server.cancel("background", "endless")

        stream = self.server.run("endless", run_id="not-alone", background="true", on_disconnect="cancel")
        stream.until("RunContent")
        stream.close()
        self.wait_for_status("not-alone", "CANCELLED")

    def test_leaving_after_the_end_changes_nothing(self):
        stream = self.server.run("words", run_id="polite")
        stream.until("RunCompleted")
        stream.reset()
        self.assertEqual(self.server.get("/runs/polite")[1]["status"], "COMPLETED")


if __name__ == "__main__":
    main()
