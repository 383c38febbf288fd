"""What a person gets wrong, and what a machine's clock does: each a clear message, and nothing is lost."""

import os
import pathlib
import re
import socket
import ssl
import unittest

from certificates import Authority
from cluster import SLOW, Cluster, ClusterTest, Node, Postgres, eventually, free_port, main, pause
from evidence import check

SCENARIOS = {"words": "words;n=40;gap_ms=10", "endless": "endless;gap_ms=10", "quick": "words;n=5;gap_ms=1"}
SECRET = "hunter2"


def begun(node):
    stream = node.run("endless", run_id="run", background="true")
    stream.until("RunContent")
    return stream


def said(node):
    return "\n".join(node.out.seen + node.log.seen)


class TheDatabase(ClusterTest):
    """A node that cannot have its database says which one and why, without the password, and does not hang."""

    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.close)
        cls.postgres.sql_text(f"CREATE ROLE locked LOGIN PASSWORD '{SECRET}'")
        rules = cls.postgres.folder / "data" / "pg_hba.conf"
        rules.write_text("host all locked 0.0.0.0/0 scram-sha-256\n" + rules.read_text())
        cls.postgres.sql_text("SELECT pg_reload_conf()")

    def node(self, url, **more):
        made = Node("n1", url, **more)
        self.addCleanup(made.close)
        return made.spawn()

    def refuses(self, url, *words, **more):
        """It ends by itself, soon, and says this on standard error."""
        node = self.node(url, **more)
        code = node.process.wait(30 * SLOW)
        node.log.thread.join()
        self.assertNotEqual(code, 0)
        for word in words:
            self.assertRegex(said(node), re.compile(word, re.I))
        self.assertNotIn(SECRET, said(node))
        self.assertNotIn("terminate called", said(node))
        return said(node)

    def test_no_url_at_all(self):
        self.refuses("postgresql://", "cannot be reached")

    def test_a_url_with_a_wrong_port(self):
        self.refuses(f"postgresql://oncue:{SECRET}@127.0.0.1:notaport/oncue", "--store")

    def test_another_databases_url(self):
        self.refuses(f"mysql://oncue:{SECRET}@127.0.0.1/oncue", "--store")

    def test_nobody_listens_there(self):
        self.refuses(f"postgresql://oncue:{SECRET}@127.0.0.1:{free_port()}/oncue", "refused|cannot be reached|connect")

    def test_a_host_that_does_not_exist(self):
        self.refuses(f"postgresql://oncue:{SECRET}@no-such-host.invalid/oncue", "no-such-host")

    def test_a_database_that_does_not_exist(self):
        self.refuses(self.postgres.url_at("127.0.0.1", self.postgres.port, "nothere"), "nothere")

    def test_a_wrong_password(self):
        self.refuses(f"postgresql://locked:wrong-{SECRET}@127.0.0.1:{self.postgres.port}/oncue", "password|authentication")

    def test_somebody_else_listens_there(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:
            self.refuses(f"postgresql://oncue@127.0.0.1:{mute.getsockname()[1]}/oncue", "127.0.0.1|time|connect")

    def test_a_schema_of_a_newer_version(self):
        self.postgres.sql_text("CREATE DATABASE newer", database="postgres")
        url = self.postgres.url_at("127.0.0.1", self.postgres.port, "newer")
        node = self.node(url)
        node.wait_for_log("listening")
        node.stop()
        self.postgres.sql_text("UPDATE oncue.schema_version SET version = 99", database="newer")
        self.refuses(url, "newer version of oncue", "99")
        self.assertEqual(self.postgres.sql_text("SELECT version FROM oncue.schema_version", database="newer"), "99")

    def test_three_that_start_together_on_an_empty_database(self):
        self.postgres.sql_text("CREATE DATABASE empty", database="postgres")
        url = self.postgres.url_at("127.0.0.1", self.postgres.port, "empty")
        nodes = [Node(f"n{i}", url) for i in range(1, 4)]
        for node in nodes:
            self.addCleanup(node.close)
            node.spawn()
        for node in nodes:
            node.wait_for_log("listening")
        self.assertEqual(self.postgres.sql_text("SELECT count(*) FROM oncue.nodes WHERE state = 'up'", database="empty"), "3")

    def test_a_setting_that_is_none(self):
        for key, value, word in (("lease", "10ms", "lease"), ("name", "a b", "name"), ("link_port", 70000, "link_port"),
                                 ("link_host", "0.0.0.0", "plain_links|certificate|ca_file"), ("ca_file", "/nothere/ca.pem", "ca_file|cert_file")):
            with self.subTest(key):
                self.refuses(self.postgres.url, word, cluster={key: value})


class Names(ClusterTest):
    def test_two_nodes_with_one_name(self):
        with Cluster(2, SCENARIOS, lease="2s") as pair:
            stream = pair[1].run("endless", run_id="safe", background="true")
            stream.until("RunContent")
            twin = Node("n1", pair.postgres.url, pair[1].text, "2s")
            self.addCleanup(twin.close)
            twin.spawn()
            self.assertNotEqual(twin.process.wait(30 * SLOW), 0)
            twin.log.thread.join()
            self.assertRegex(said(twin), r"n1.*")
            self.assertRegex(said(twin), r"(?i)name")
            for _ in range(50):
                stream.until("RunContent")
            self.assertEqual(pair[2].cancel("safe", "endless")[1]["outcome"], "cancelled")
            stream.rest()
            check(self, pair, [("safe", stream)])


class Certificates(ClusterTest):
    @classmethod
    def setUpClass(cls):
        cls.ours, cls.foreign = Authority(), Authority("somebody else")

    def pair(self, first, second):
        made = self.cluster(2, SCENARIOS, lease="10s", start=False)
        made[1].more.update(first)
        made[2].more.update(second)
        for node in made.nodes:
            node.start()
        return made

    def works_without_a_link(self, pair, word):
        """Both say why they are not linked, and everything else works."""
        problem = eventually(lambda: " ".join(str(line["link"]["problem"] or "") for node in pair.nodes for line in node.nodes().values()
                                              if line["link"]["state"] != "none").strip(), "a reason")
        eventually(lambda: re.search(word, problem_of(pair), re.I), f"a reason with {word}")
        self.assertEqual([pair.linked(node) for node in pair.nodes], [set(), set()])
        with begun(pair[1]) as stream, pair[2].watch("run") as watcher:
            watcher.until("RunContent")
            status, receipt = pair[2].cancel("run", "endless")
            self.assertIn(status, (200, 202))
            self.assertEqual(watcher.rest()[-2:], ["RunCancelled", "RunCompleted"])
            stream.rest()
            check(self, pair, [("run", stream), ("run", watcher)], [("run", receipt)])
        return problem

    def test_good_ones(self):
        pair = self.pair(self.ours.issue("n1"), self.ours.issue("n2"))
        pair.wait_for_links()
        with begun(pair[1]) as stream, pair[2].watch("run") as watcher:
            watcher.until("RunContent")
            pair[2].cancel("run", "endless")
            watcher.rest()
            stream.rest()
            check(self, pair, [("run", stream), ("run", watcher)])

    def test_one_that_is_over(self):
        with Cluster(1, SCENARIOS, start=False) as alone:
            alone[1].more.update(self.ours.issue("old", "20200102000000Z"))
            alone[1].spawn()
            self.assertNotEqual(alone[1].process.wait(30 * SLOW), 0)
            alone[1].log.thread.join()
            self.assertRegex(said(alone[1]), r"old\.pem.* expired on 2020-01-02")

    def test_one_of_somebody_else(self):
        pair = self.pair(self.ours.issue("n1"), self.foreign.issue("n2"))
        self.works_without_a_link(pair, "certificate|authority|verif|unknown ca|self.signed")

    def test_one_node_with_and_one_without(self):
        pair = self.pair(self.ours.issue("n1"), {})
        self.works_without_a_link(pair, ".")

    def test_a_stranger_gets_nothing(self):
        pair = self.pair(self.ours.issue("n1"), self.ours.issue("n2"))
        pair.wait_for_links()
        # Without TLS, with TLS and no certificate, with a foreign one: the connection ends, and the links stay.
        with socket.create_connection((pair[1].host, pair[1].link_port), timeout=30) as stranger:
            stranger.sendall(b"\x00" * 4096)
            self.assert_ended(stranger)
        for files in (None, self.foreign.issue("stranger")):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if files:
                context.load_cert_chain(files["cert_file"], files["key_file"])
            with socket.create_connection((pair[1].host, pair[1].link_port), timeout=30) as plain:
                try:
                    with context.wrap_socket(plain) as stranger:
                        stranger.sendall(b"\x00" * 4096)
                        self.assert_ended(stranger)
                except (ssl.SSLError, ConnectionError):
                    pass
        self.assertEqual(pair.linked(pair[2]), {"n1"})
        with pair[1].run("quick", run_id="fine", background="true") as stream:
            self.assertEqual(stream.rest()[-1], "RunCompleted")

    def assert_ended(self, one):
        try:
            while one.recv(1 << 16):
                pass
        except ConnectionError:
            pass


def problem_of(pair):
    return " ".join(str(line["link"]["problem"] or "") for node in pair.nodes for line in node.nodes().values())


def faketime():
    found = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return str(found[0]) if found else None


class Clocks(ClusterTest):
    def jumped(self, pair):
        """Runs on both, watched from the other, cancelled; nobody is taken for dead for several leases."""
        before = {name: line["incarnation"] for name, line in pair[1].nodes().items()}
        streams = []
        for i, (node, other) in enumerate(((pair[1], pair[2]), (pair[2], pair[1]))):
            stream = node.run("endless", run_id=f"jump-{i}", background="true")
            stream.until("RunContent")
            watcher = other.watch(f"jump-{i}")
            streams += [(f"jump-{i}", stream), (f"jump-{i}", watcher)]
        pause(4.5)
        for i, other in enumerate((pair[2], pair[1])):
            self.assertEqual(other.cancel(f"jump-{i}", "endless")[1]["outcome"], "cancelled")
        for _, stream in streams:
            self.assertEqual(stream.rest()[-2:], ["RunCancelled", "RunCompleted"])
        self.assertEqual({name: line["incarnation"] for name, line in pair[1].nodes().items()}, before)
        check(self, pair, streams)

    @unittest.skipIf(os.environ.get("ONCUE_SANITIZERS"), "a sanitizer wants to be loaded before faketime")
    @unittest.skipUnless(faketime(), "needs Debian's faketime")
    def test_a_node_whose_clock_is_wrong_or_jumps(self):
        # A process under faketime is slow: the lease is one that it can keep.
        # Never behind the true time: faketime then shows other clocks a time before the machine's start.
        for begins, jumps in (("+1h", None), ("+0", "+1h"), ("+2h", "+1h")):
            with self.subTest(begins=begins, jumps=jumps), Cluster(2, SCENARIOS, lease="3s", start=False) as pair:
                clock = pair[2].folder / "clock"
                clock.write_text(begins + "\n")
                pair[2].env.update(LD_PRELOAD=faketime(), FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_CACHE_DURATION="1",
                                   DONT_FAKE_MONOTONIC="1")
                pair.start()
                if jumps:
                    clock.write_text(jumps + "\n")
                self.jumped(pair)


if __name__ == "__main__":
    main()
