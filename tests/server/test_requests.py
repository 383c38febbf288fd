"""Bad, large, slow and unusual requests: a clear answer, nothing half done, and the others are served."""

import json
import socket

from harness import Server, ServerTest, main

DEMO = '[[models]]\nid = "demo"\nprovider = "scripted"\n[models.scripted]\nfirst_token_delay = "0ms"\ntoken_delay = "0ms"\ntokens = 5\n'
AGENT = "story-writer-agent"


def raw(server, data, shut=True):
    with socket.create_connection((server.host, server.port), 30) as s:
        s.sendall(data)
        answer = b""
        while chunk := s.recv(65536):
            answer += chunk
        return answer.decode(errors="replace")


class Starting(ServerTest):
    scenarios = {}
    config = DEMO

    def start(self, form, **headers):
        return self.server.post(f"/agents/{AGENT}/runs", form, **headers)

    def test_the_answer_without_a_stream(self):
        status, run = self.start({"message": "hello", "stream": "false", "session_id": "s", "user_id": "u"})
        self.assertEqual((status, run["status"], run["session_id"], run["user_id"]), (200, "COMPLETED", "s", "u"))
        self.assertEqual([m["role"] for m in run["messages"]], ["user", "assistant"])
        self.assertEqual(run["input"], {"input_content": "hello"})
        stored = self.server.get(f"/agents/{AGENT}/runs/{run['run_id']}?session_id=s")[1]
        self.assertEqual(stored["content"], run["content"])

    def test_in_the_background_without_a_stream(self):
        status, reply = self.start({"message": "hello", "stream": "false", "background": "true"})
        self.assertEqual((status, reply["status"]), (202, "PENDING"))
        self.assertEqual(sorted(reply), ["run_id", "session_id", "status"])

    def test_a_form_in_parts_is_the_same(self):
        boundary = "----WebKitFormBoundaryx"
        parts = "".join(f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'
                        for k, v in (("message", "hällo"), ("stream", "false"), ("session_id", "")))
        status, _, body = self.server.request("POST", f"/agents/{AGENT}/runs", (parts + f"--{boundary}--\r\n").encode(),
                                              {"content-type": f"multipart/form-data; boundary={boundary}"})
        self.assertEqual(status, 200, body)
        self.assertEqual(json.loads(body)["input"], {"input_content": "hällo"})

    def test_what_is_wrong_is_named(self):
        missing = {"detail": [{"type": "missing", "loc": ["body", "message"], "msg": "Field required", "input": None}]}
        self.assertEqual(self.start({}), (422, missing))
        status, _, body = self.server.request("POST", f"/agents/{AGENT}/runs", '{"message":"hi"}',
                                              {"content-type": "application/json"})
        self.assertEqual((status, json.loads(body)), (422, missing), "agno takes forms, and says so in this way")
        for form, field in (({"message": "x", "stream": "maybe"}, "stream"), ({"message": "x", "run_id": "no spaces"}, "run_id"),
                            ({"message": "  "}, "message"), ({"message": "x", "session_id": "s" * 200}, "session_id")):
            status, body = self.start(form)
            self.assertEqual(status, 422, (form, body))
            self.assertEqual(body["detail"][0]["loc"], ["body", field])
        self.assertEqual(self.server.post("/agents/nobody/runs", {"message": "x"}), (404, {"detail": "Agent not found"}))
        self.assertEqual(self.start({"message": "x" * (9 << 20)})[0], 413)

    def test_a_repeated_key_is_the_same_run(self):
        key = {"idempotency-key": "k-1"}
        form = {"message": "once", "stream": "false"}
        first = self.start(form, **key)[1]
        again = self.start(form, **key)[1]
        self.assertEqual(again["run_id"], first["run_id"])
        self.assertEqual(self.start({"message": "other", "stream": "false"}, **key)[0], 422)
        other = self.start(form, **{"idempotency-key": "k-2"})[1]
        self.assertNotEqual(other["run_id"], first["run_id"])

    def test_what_becomes_of_a_run_when_its_node_is_lost_is_one_of_two_words(self):
        self.assertEqual(self.start({"message": "x", "stream": "false", "on_node_loss": "restart"})[0], 200)
        status, body = self.start({"message": "x", "on_node_loss": "maybe"})
        self.assertEqual((status, body["detail"][0]["loc"]), (422, ["body", "on_node_loss"]))

    def test_unknown_paths_and_methods(self):
        self.assertEqual(self.server.get("/nowhere"), (404, {"detail": "Not Found"}))
        status, headers, body = self.server.request("DELETE", "/agents")
        self.assertEqual((status, json.loads(body)), (405, {"detail": "Method Not Allowed"}))
        self.assertIn("GET", headers["allow"])
        self.assertEqual(self.server.get("/agents/")[0], 200, "a trailing slash is passed over")
        self.assertEqual(self.server.get("/teams"), (200, []))
        self.assertEqual(self.server.get("/workflows"), (200, []))
        self.assertEqual(self.server.post("/teams/t/runs", {"message": "x"}), (404, {"detail": "Team not found"}))
        self.assertEqual(self.server.get("/memories")[0], 501)
        status, headers, body = self.server.request("HEAD", "/health")
        self.assertEqual((status, body), (200, ""))

    def test_every_document_is_there(self):
        for path in ("/", "/health", "/info", "/config", "/models", "/agents", f"/agents/{AGENT}", "/metrics", "/sessions",
                     "/runs", "/nodes", "/openapi.json"):
            self.assertEqual(self.server.get(path)[0], 200, path)
        self.assertEqual(self.server.get("/config")[1]["agents"][0]["id"], AGENT)
        nodes = self.server.get("/nodes")[1]
        self.assertEqual((nodes["self"], nodes["problem"], len(nodes["nodes"])), (0, None, 1))
        self.assertEqual((nodes["nodes"][0]["incarnation"], nodes["nodes"][0]["state"]), (0, "up"))
        self.assertNotIn("cluster", self.server.get("/info")[1])
        status, headers, text = self.server.request("GET", "/prometheus")
        self.assertTrue(headers["content-type"].startswith("text/plain"))
        self.assertIn("oncue_runs_started_total", text)
        self.assertIn("<html", self.server.request("GET", "/docs")[2].lower())

    def test_malformed_heads_get_an_answer(self):
        for data, status in ((b"NONSENSE\r\n\r\n", 400), (b"GET / HTTP/9.9\r\n\r\n", 400),
                             (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", 431),
                             (b"GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400),
                             (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400)):
            self.assertEqual(raw(self.server, data).split(" ")[1], str(status), data[:60])
        self.assertEqual(self.server.get("/health")[0], 200)


class Admission(ServerTest):
    scenarios = {"endless": "endless;gap_ms=5"}
    config = "[limits]\nlive_runs = 3\nrunning_runs = 1\nqueued_runs = 1\n"

    def test_a_full_node_says_when_to_come_again(self):
        first = self.server.run("endless", run_id="a")
        first.until("RunContent")
        second = self.server.run("endless", run_id="b")
        second.until("RunStarted")
        status, headers, body = self.server.request("POST", "/agents/endless/runs", "message=x",
                                                    {"content-type": "application/x-www-form-urlencoded"})
        self.assertEqual(status, 429, body)
        self.assertGreaterEqual(int(headers["retry-after"]), 1)
        for name in ("b", "a"):
            self.assertEqual(self.server.cancel(name, "endless")[1]["outcome"], "cancelled")
        self.assertEqual(second.rest()[-1], "RunCompleted")
        first.close(), second.close()


class Draining(ServerTest):
    scenarios = {"endless": "endless;gap_ms=5"}
    config = '[server]\ndrain_grace = "0ms"\n'

    def test_sigterm_cancels_what_does_not_end_and_exits_0(self):
        stream = self.server.run("endless", run_id="cut-short", background="true")
        stream.until("RunContent")
        self.assertEqual(self.server.stop(), 0)
        self.assertEqual(stream.rest()[-2:], ["RunCancelled", "RunCompleted"], "every client hears the end")
        self.assertEqual(stream.data("RunCancelled")[0]["reason"], "the node is shutting down")
        with Server(self.server.config.read_text(), store=self.server.store, folder=self.server.folder) as again:
            self.assertEqual(again.get("/runs/cut-short")[1]["status"], "CANCELLED")


class StoreErrors(ServerTest):
    scenarios = {}
    config = DEMO

    def test_a_second_server_on_the_same_store_is_refused(self):
        with self.assertRaises(AssertionError) as refused:
            Server(DEMO, store=self.server.store)
        self.assertIn(self.server.store, str(refused.exception))

    def test_what_is_not_a_database_is_named(self):
        path = self.server.folder / "not-a-database"
        path.write_text("hello " * 1000)
        with self.assertRaises(AssertionError) as refused:
            Server(DEMO, store=str(path))
        self.assertIn("not-a-database", str(refused.exception))
        self.assertEqual(path.read_text(), "hello " * 1000)


if __name__ == "__main__":
    main()
