"""The faults are real: each mode of the relay, seen from both ends of a connection; the same for PostgreSQL's."""

import socket
import threading
import time
import unittest

from cluster import PATIENCE_S, Postgres, Relay, eventually

MOMENT_S = 0.3  # nothing comes for so long: then nothing gets through


class Ends(unittest.TestCase):
    """A client and a server with the relay between them."""

    longMessage = True

    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.relay = Relay(self.listener.getsockname())
        self.addCleanup(self.relay.close)
        self.client = self.connect()
        self.server, _ = self.listener.accept()
        self.server.settimeout(PATIENCE_S)
        self.addCleanup(self.server.close)
        self.passes(self.client, self.server)
        self.passes(self.server, self.client)

    def connect(self):
        client = socket.create_connection((self.relay.host, self.relay.port), timeout=PATIENCE_S)
        self.addCleanup(client.close)
        return client

    def passes(self, one, other, what=b"hello"):
        one.sendall(what)
        got = b""
        while len(got) < len(what):
            got += other.recv(1 << 16)
        self.assertEqual(got, what)

    def silent(self, one):
        one.settimeout(MOMENT_S)
        with self.assertRaises(TimeoutError):
            one.recv(1)
        one.settimeout(PATIENCE_S)

    def ended(self, one):
        """The connection is over here; whether by a reset."""
        try:
            while one.recv(1 << 16):
                pass
            return False
        except ConnectionResetError:
            return True

    def test_a_black_hole_swallows_nothing(self):
        self.relay.hold()
        self.client.sendall(b"later")
        self.silent(self.server)
        self.server.sendall(b"too")
        self.silent(self.client)
        self.relay.heal()
        self.assertEqual(self.server.recv(5), b"later")
        self.assertEqual(self.client.recv(3), b"too")

    def test_one_way_goes_on_while_the_other_is_held(self):
        self.relay.hold("in")
        self.passes(self.server, self.client)
        self.client.sendall(b"later")
        self.silent(self.server)

    def test_refused(self):
        self.relay.refuse()
        self.assertTrue(self.ended(self.client))
        self.assertTrue(self.ended(self.server))
        try:
            self.assertTrue(self.ended(self.connect()))
        except ConnectionResetError:
            pass
        self.relay.heal()
        client = self.connect()
        server, _ = self.listener.accept()
        self.passes(client, server)
        server.close()

    def test_cut_in_the_middle_of_a_frame(self):
        self.relay.cut_mid_frame()
        self.client.sendall(b"0123456789")
        got = b""
        with self.assertRaises(ConnectionResetError):
            while piece := self.server.recv(100):
                got += piece
        self.assertLess(len(got), 10)
        self.assertTrue(self.ended(self.client))
        self.passes(self.connect(), self.listener.accept()[0])

    def test_half_closed(self):
        self.relay.half_close()
        self.assertEqual(self.server.recv(1), b"")
        self.passes(self.server, self.client)

    def test_a_byte_at_a_time(self):
        self.relay.mode("dribble")
        self.client.sendall(b"x" * 500)
        pieces = []
        while sum(pieces) < 500:
            pieces.append(len(self.server.recv(500)))
        self.assertGreater(len(pieces), 20, "in many pieces")

    def test_delayed(self):
        self.relay.delay_s = 0.2
        self.relay.mode("delay")
        began = time.monotonic()
        self.passes(self.client, self.server)
        self.assertGreaterEqual(time.monotonic() - began, 0.2)

    def test_an_end_is_passed_on(self):
        self.client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.server.recv(1), b"")
        self.passes(self.server, self.client)
        self.server.close()
        self.assertEqual(self.client.recv(1), b"")
        eventually(lambda: self.relay.connections() == 0, "end of the relay's connection")


class Databases(unittest.TestCase):
    """What is done to PostgreSQL is really done to it."""

    longMessage = True

    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.close)
        cls.postgres.sql_text("CREATE TABLE kept(n int)")

    def test_a_crash_keeps_what_was_committed(self):
        before = self.postgres.rows("SELECT pg_postmaster_start_time()::text AS at")[0]["at"]
        self.postgres.sql_text("INSERT INTO kept VALUES (1)")
        self.postgres.crash_and_restart()
        self.assertEqual(self.postgres.rows("SELECT n FROM kept"), [{"n": 1}])
        self.assertNotEqual(self.postgres.rows("SELECT pg_postmaster_start_time()::text AS at")[0]["at"], before)
        self.assertTrue(any("was interrupted" in line or "not properly shut down" in line for line in self.postgres.lines.seen),
                        "it crashed, and recovered")

    def test_a_frozen_one_answers_nobody(self):
        self.postgres.freeze()
        self.addCleanup(self.postgres.thaw)
        answered = threading.Event()
        asking = threading.Thread(target=lambda: (self.postgres.sql_text("SELECT 1"), answered.set()))
        asking.start()
        self.assertFalse(answered.wait(MOMENT_S))
        self.postgres.thaw()
        asking.join(PATIENCE_S)
        self.assertTrue(answered.is_set())

    def test_one_that_is_away_refuses(self):
        self.postgres.stop()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection((self.postgres.address, self.postgres.port), timeout=PATIENCE_S)
        self.postgres.start()
        self.assertEqual(self.postgres.sql_text("SELECT 1"), "1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
