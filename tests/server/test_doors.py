"""Who may come in, and what a web page of somebody else's may not do."""

import socket

from harness import Server, ServerTest, main

DEMO = '[[models]]\nid = "demo"\nprovider = "scripted"\n'


def head(server, *lines, first="GET /agents HTTP/1.1"):
    """The status of a request with exactly these header lines."""
    with socket.create_connection((server.host, server.port), 10) as s:
        s.sendall("\r\n".join([first, *lines, "Connection: close", "", ""]).encode())
        answer = b""
        while data := s.recv(65536):
            answer += data
    return int(answer.split()[1]), answer.decode()


class WithoutAKey(ServerTest):
    scenarios = {}
    config = DEMO

    def test_only_loopbacks_names_are_answered(self):
        for host, expected in (("localhost", 200), (f"127.0.0.1:{self.server.port}", 200), ("[::1]:7777", 200),
                               ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("", 403)):
            self.assertEqual(head(self.server, f"Host: {host}")[0], expected, host)

    def test_a_foreign_page_can_neither_post_nor_read(self):
        for origin, expected in (("http://evil.example", 403), ("null", 403), ("http://localhost:3000", 200),
                                 (f"http://127.0.0.1:{self.server.port}", 200), ("https://os.agno.com", 200)):
            host = f"Host: 127.0.0.1:{self.server.port}"
            self.assertEqual(head(self.server, host, f"Origin: {origin}")[0], expected, origin)
        status, _, _ = self.server.request("POST", "/agents/story-writer-agent/runs", "message=hi",
                                           {"content-type": "application/x-www-form-urlencoded", "origin": "http://evil.example"})
        self.assertEqual(status, 403)
        self.assertEqual(head(self.server, "Host: localhost", "Sec-Fetch-Site: cross-site", first="POST /sessions HTTP/1.1")[0], 403)

    def test_an_allowed_page_is_told_so(self):
        status, headers, body = self.server.request("OPTIONS", "/agents/x/runs", headers={
            "origin": "http://localhost:3000", "access-control-request-method": "POST",
            "access-control-request-headers": "authorization"})
        self.assertEqual((status, body), (200, "OK"))
        self.assertEqual(headers["access-control-allow-origin"], "http://localhost:3000")
        self.assertEqual(headers["access-control-allow-headers"], "authorization")
        self.assertEqual(headers["access-control-allow-credentials"], "true")
        self.assertEqual(headers["access-control-max-age"], "600")
        self.assertIn("POST", headers["access-control-allow-methods"])
        self.assertEqual(headers["vary"].lower(), "origin")
        _, headers, _ = self.server.request("GET", "/agents", headers={"origin": "http://localhost:3000"})
        self.assertEqual(headers["access-control-allow-origin"], "http://localhost:3000")
        self.assertEqual(headers["access-control-expose-headers"], "*")
        self.assertNotIn("access-control-allow-origin", self.server.request("GET", "/agents")[1])

    def test_another_address_needs_a_key_or_a_word(self):
        with self.assertRaises(AssertionError) as refused:
            Server(DEMO, ["--host", "0.0.0.0"])
        self.assertIn("OS_SECURITY_KEY", str(refused.exception))
        with Server(DEMO, ["--host", "0.0.0.0", "--insecure"]) as server:
            self.assertEqual(server.get("/health")[0], 200)


class WithAKey(ServerTest):
    scenarios = {}
    config = DEMO
    env = {"OS_SECURITY_KEY": "correct-horse-battery-staple"}

    def test_the_key_is_needed(self):
        for headers, status, detail in (({}, 401, "Authorization header required"),
                                        ({"authorization": "Bearer wrong"}, 401, "Invalid authentication token"),
                                        ({"authorization": "Bearer correct-horse-battery-stapl"}, 401,
                                         "Invalid authentication token"),
                                        ({"authorization": "Bearer correct-horse-battery-staple"}, 200, None),
                                        ({"authorization": "correct-horse-battery-staple"}, 200, None)):
            got, body = self.server.get("/agents", **headers)
            self.assertEqual(got, status, headers)
            if detail:
                self.assertEqual(body, {"detail": detail})
        self.assertEqual(self.server.cancel("x", "story-writer-agent")[0], 401)

    def test_a_few_paths_are_open(self):
        for path in ("/", "/health", "/info", "/docs", "/openapi.json"):
            self.assertEqual(self.server.request("GET", path)[0], 200, path)
        self.assertEqual(self.server.get("/info")[1]["auth_mode"], "security_key")
        for path in ("/config", "/models", "/sessions", "/runs", "/prometheus", "/metrics"):
            self.assertEqual(self.server.request("GET", path)[0], 401, path)

    def test_the_key_is_in_no_log(self):
        self.server.get("/agents", authorization="Bearer correct-horse-battery-staple")
        self.server.get("/agents?token=correct-horse-battery-staple")
        self.assertFalse([line for line in self.server.log.seen + self.server.out.seen if "battery" in line])


class Secrets(ServerTest):
    args = ("--log-level", "debug")

    def test_logs_hold_neither_prompt_nor_text(self):
        with self.server.run("words", "my-secret-prompt", run_id="logged") as stream:
            stream.rest()
            said = " ".join(stream.text().split()[:2])  # one word might be in the name of some folder
        self.server.wait_for_log("run_ended", run="logged")
        for line in self.server.log.seen:
            self.assertNotIn("my-secret-prompt", line)
            self.assertNotIn(said, line)

    def test_a_trace_context_is_logged_and_passed_to_the_provider(self):
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        self.server.post("/agents/words/runs", {"message": "x", "stream": "false", "run_id": "traced"}, traceparent=trace)
        self.assertEqual(self.server.wait_for_log("run_accepted", run="traced")["traceparent"], trace)


if __name__ == "__main__":
    main()
