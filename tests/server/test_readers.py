"""Clients that do not read, read slowly, or trickle their request: they hold back nobody and grow nothing."""

import os
import socket

from harness import ServerTest, Stream, main

READERS = 1000


def resident_kib(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


class StalledReaders(ServerTest):
    scenarios = {"flood": "endless;gap_ms=1", "words": "words;n=10;gap_ms=1"}

    def test_a_thousand_of_them(self):
        live = self.server.run("flood", run_id="watched", background="true")
        live.until("RunContent")
        before = resident_kib(self.server.process)
        stalled = [Stream(self.server, "GET", "/runs/watched/events", receive_buffer=4096) for _ in range(READERS)]
        # Others are served meanwhile, and the run goes on; its events outgrow what any socket holds.
        for _ in range(2000):
            live.until("RunContent")
        with self.server.run("words") as other:
            self.assertEqual(other.rest()[-1], "RunCompleted")
        grown = (resident_kib(self.server.process) - before) / READERS
        if not os.environ.get("ONCUE_SANITIZERS"):  # they keep what was freed
            self.assertLess(grown, 128, "KiB a stalled reader")
        status, receipt = self.server.cancel("watched", "flood")
        self.assertEqual((status, receipt["outcome"]), (200, "cancelled"))
        live.rest()
        # Whoever begins to read again has missed nothing.
        for late in stalled[::100]:
            late.rest()
            self.assertEqual([int(e[2]) for e in late.events], list(range(len(late.events))))
            self.assertEqual(late.names(), live.names())
        for stream in stalled:
            stream.close()
        live.close()


class SlowRequests(ServerTest):
    scenarios = {"words": "words;n=10;gap_ms=1"}

    def test_a_head_that_never_ends_keeps_nobody_waiting(self):
        trickles = []
        for _ in range(200):
            s = socket.create_connection((self.server.host, self.server.port), 30)
            s.sendall(b"GET /health HTTP/1.1\r\nHost: local")
            trickles.append(s)
        self.assertEqual(self.server.get("/health")[0], 200)
        self.assertIn(b"408", trickles[0].recv(4096), "and it is told that it was too slow")
        for s in trickles:
            s.close()


if __name__ == "__main__":
    main()
