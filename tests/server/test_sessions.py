"""Sessions: one run at a time each, what was said goes into the next run, and what was stopped stays out of it."""

import json

from harness import ServerTest, main


class OneRunAtATime(ServerTest):
    scenarios = {"words": "words;n=5;gap_ms=1", "endless": "endless;gap_ms=5", "echo": "echo"}

    def test_the_second_waits_for_its_turn(self):
        first = self.server.run("endless", run_id="first", session_id="busy")
        first.until("RunContent")
        second = self.server.run("words", run_id="second", session_id="busy")
        second.until("RunStarted")
        self.assertEqual(self.server.get("/runs/second")[1]["status"], "PENDING")
        self.server.cancel("first", "endless")
        self.assertEqual(second.rest()[-1], "RunCompleted")
        first.close(), second.close()

    def test_or_is_refused(self):
        with self.server.run("endless", run_id="holds", session_id="exclusive") as first:
            first.until("RunContent")
            status, body = self.server.post("/agents/words/runs", {
                "message": "hello", "session_id": "exclusive", "run_id": "refused", "on_busy_session": "reject"})
            self.assertEqual(status, 409)
            self.assertIn("exclusive", body["detail"])
            self.assertEqual(self.server.get("/runs/refused")[0], 404, "nothing half-happened")
            self.server.cancel("holds", "endless")

    def test_or_interrupts(self):
        with self.server.run("endless", run_id="talks", session_id="rude") as first:
            first.until("RunContent")
            with self.server.run("words", run_id="interrupts", session_id="rude", on_busy_session="interrupt") as second:
                self.assertEqual(second.rest()[-1], "RunCompleted")
            first.rest()
            self.assertEqual(first.data("RunCancelled")[0]["reason"], "interrupted by run interrupts")

    def test_a_bad_policy_is_named(self):
        status, body = self.server.post("/agents/words/runs", {"message": "hello", "on_busy_session": "maybe"})
        self.assertEqual(status, 422)
        self.assertEqual(body["detail"][0]["loc"], ["body", "on_busy_session"])


class History(ServerTest):
    scenarios = {"words": "words;n=3;gap_ms=0", "endless": "endless;gap_ms=5", "echo": "echo"}

    def asked(self, session):
        """The messages that the provider is given in this session now."""
        with self.server.run("echo", "what did I say?", session_id=session) as stream:
            stream.rest()
            return [(m["role"], m["content"]) for m in json.loads(stream.text())["messages"]]

    def test_what_was_said_goes_into_the_next_run(self):
        with self.server.run("words", "my name is Ada", session_id="talk") as stream:
            stream.rest()
            said = stream.text()
        self.assertEqual(self.asked("talk"), [("user", "my name is Ada"), ("assistant", said), ("user", "what did I say?")])

    def test_what_was_stopped_stays_out_of_it(self):
        with self.server.run("endless", "do not remember this", run_id="stopped", session_id="short") as stream:
            stream.until("RunContent")
            self.server.cancel("stopped", "endless")
            stream.rest()
        self.assertEqual(self.asked("short"), [("user", "what did I say?")])
        runs = self.server.get("/sessions/short/runs?type=agent")[1]
        self.assertEqual([run["status"] for run in runs], ["CANCELLED", "COMPLETED"], "but it is in the list")

    def test_another_session_knows_nothing_of_it(self):
        with self.server.run("words", "secret", session_id="one") as stream:
            stream.rest()
        self.assertEqual(self.asked("two"), [("user", "what did I say?")])


class SessionRoutes(ServerTest):
    def test_a_session_from_its_first_run_to_its_end(self):
        with self.server.run("words", "a long first message", session_id="s1", user_id="ada") as stream:
            stream.rest()
        status, page = self.server.get("/sessions?type=agent&component_id=words&user_id=ada")
        self.assertEqual(status, 200)
        self.assertEqual([s["session_id"] for s in page["data"]], ["s1"])
        self.assertEqual(page["data"][0]["session_name"], "a long first message")
        self.assertEqual(page["meta"]["total_count"], 1)
        detail = self.server.get("/sessions/s1?type=agent")[1]
        self.assertEqual(detail["agent_id"], "words")
        self.assertEqual([m["role"] for m in detail["chat_history"]], ["user", "assistant"])
        status, renamed = self.server.send_json("POST", "/sessions/s1/rename?type=agent", {"session_name": "renamed"})
        self.assertEqual((status, renamed["session_name"]), (200, "renamed"))
        status, patched = self.server.send_json("PATCH", "/sessions/s1?type=agent", {"metadata": {"k": 1}})
        self.assertEqual((status, patched["metadata"], patched["session_name"]), (200, {"k": 1}, "renamed"))
        runs = self.server.get("/sessions/s1/runs?type=agent")[1]
        one = self.server.get(f"/sessions/s1/runs/{runs[0]['run_id']}")[1]
        self.assertEqual(one.pop("events")[-1]["event"], "RunCompleted")
        self.assertEqual(one, runs[0])
        self.assertEqual(self.server.request("DELETE", "/sessions/s1")[0], 204)
        self.assertEqual(self.server.get("/sessions/s1?type=agent"),
                         (404, {"detail": "Agent Session with id 's1' not found"}))
        self.assertEqual(self.server.get("/sessions/s1/runs"), (404, {"detail": "Session with ID s1 not found"}))

    def test_a_session_can_be_made_before_its_first_run(self):
        status, made = self.server.send_json("POST", "/sessions?type=agent", {"session_id": "made", "agent_id": "words",
                                                                             "session_name": "Mine"})
        self.assertEqual((status, made["session_name"]), (201, "Mine"))
        self.assertEqual(self.server.send_json("POST", "/sessions?type=agent", {"session_id": "made"})[0], 409)
        with self.server.run("words", session_id="made") as stream:
            stream.rest()
        self.assertEqual(self.server.get("/sessions/made?type=agent")[1]["session_name"], "Mine")

    def test_many_are_listed_in_pages(self):
        for i in range(7):
            self.server.send_json("POST", "/sessions", {"session_id": f"page-{i}", "agent_id": "words", "user_id": "pages",
                                                        "session_name": f"n{i}"})
        path = "/sessions?type=agent&user_id=pages&limit=3&sort_by=session_name&sort_order=asc&page="
        pages = [self.server.get(path + str(n))[1] for n in (1, 2, 3, 4)]
        self.assertEqual([[s["session_name"] for s in p["data"]] for p in pages],
                         [["n0", "n1", "n2"], ["n3", "n4", "n5"], ["n6"], []])
        self.assertEqual(pages[0]["meta"]["total_pages"], 3)
        self.assertEqual(self.server.send_json("DELETE", "/sessions", {
            "session_ids": ["page-0", "page-1"], "session_types": ["agent", "agent"]})[0], 204)
        self.assertEqual(self.server.get(path + "1")[1]["meta"]["total_count"], 5)

    def test_bad_bodies_name_the_field(self):
        for path, body, loc in (("/sessions/s/rename", {}, ["body", "session_name"]),
                                ("/sessions/s/rename", {"session_name": 7}, ["body", "session_name"])):
            status, answer = self.server.send_json("POST", path, body)
            self.assertEqual(status, 422, answer)
            self.assertEqual(answer["detail"][0]["loc"], loc)
        self.assertEqual(self.server.request("POST", "/sessions/s/rename", "{", {"content-type": "application/json"})[0], 422)
        self.assertEqual(self.server.get("/sessions?limit=many")[0], 422)


if __name__ == "__main__":
    main()
