"""A PostgreSQL of the test's own: made in a moment, thrown away at the end, and as badly treated as a test wants."""

import json
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

import guard
from harness import PATIENCE_S, Lines


def tool(name):
    """PostgreSQL's own programs are not in the path on Debian."""
    found = shutil.which(name)
    newest = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[4]))
    if newest:
        return str(newest[-1])
    if found:
        return found
    raise AssertionError(f"there is no {name} on this machine: install PostgreSQL")


def other_user():
    """PostgreSQL does not run as root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise AssertionError("as root this needs a user postgres or nobody")


def lowered():
    """What to put before a command so that it does not run as root."""
    if os.geteuid() != 0:
        return []
    user = other_user()
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


class Postgres:
    """On 127.0.0.1 and a free port, or in a network name space on an address of it. `entry`: what enters that name space."""

    def __init__(self, address="127.0.0.1", port=None, entry=()):
        self.address, self.port, self.entry = address, port or free_port(), list(entry)
        # In memory where that can be: what waits for a disk that others keep busy says nothing about oncue.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="oncue-pg-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
        guard.folder(self.folder)
        if os.geteuid() == 0:
            os.chown(self.folder, other_user().pw_uid, other_user().pw_gid)
        self.process = None
        self.lines = None
        self.turns = threading.RLock()  # one start or stop at a time
        made = subprocess.run([*lowered(), tool("initdb"), "-D", str(self.folder / "data"), "-A", "trust", "-U", "oncue", "-N",
                               "-E", "UTF8", "--locale=C"], capture_output=True, text=True, timeout=PATIENCE_S * 4)
        if made.returncode:
            raise AssertionError("initdb: " + made.stderr)
        with open(self.folder / "data" / "pg_hba.conf", "a") as rules:
            rules.write("host all all 0.0.0.0/0 trust\n")
        self.start()
        self.sql_text("CREATE DATABASE oncue", database="postgres")

    @property
    def url(self):
        return self.url_at(self.address, self.port)

    def url_at(self, host, port, database="oncue"):
        return f"postgresql://oncue@{host}:{port}/{database}"

    # -- what is done to it ------------------------------------------------------------

    def start(self):
        with self.turns:
            # Without fsync: what these tests end is processes, not power, and that it survives.
            self.process = subprocess.Popen(
                [*self.entry, *lowered(), tool("postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder),
                 "-p", str(self.port), "-c", f"listen_addresses={self.address}", "-c", "fsync=off", "-c", "max_connections=60",
                 "-c", "shared_buffers=32MB", "-c", "log_min_messages=log"],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
            guard.process(self.process.pid)
            self.lines = Lines(self.process.stderr)
            self.lines.wait_for(lambda line: "ready to accept connections" in line, "PostgreSQL")
            return self

    def stop(self, number=signal.SIGQUIT):
        """SIGQUIT: `pg_ctl stop -m immediate`, a crash. SIGINT: `-m fast`."""
        with self.turns:
            if self.process.poll() is None:
                self.thaw()
                self.process.send_signal(number)
                self.process.wait(PATIENCE_S)
            self.lines.thread.join()
            self.process.stderr.close()

    def crash_and_restart(self):
        """`pg_ctl restart -m immediate`: what was committed is there afterwards, every connection is gone."""
        with self.turns:
            self.stop(signal.SIGQUIT)
            self.start()

    def processes(self):
        """The postmaster and its children."""
        found = [self.process.pid]
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
                except OSError:
                    continue
                if int(parent) == self.process.pid:
                    found.append(int(entry.name))
        return found

    def _signal_all(self, number):
        for pid in self.processes():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def freeze(self):
        self._signal_all(signal.SIGSTOP)

    def thaw(self):
        self._signal_all(signal.SIGCONT)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- questions, by its unix socket: no fault of the network is in their way ---------

    def sql_text(self, statement, database="oncue"):
        answer = subprocess.run([tool("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder),
                                 "-p", str(self.port), "-U", "oncue", "-d", database, "-c", statement],
                                capture_output=True, text=True, timeout=PATIENCE_S,
                                env={**os.environ, "PGOPTIONS": "-csearch_path=oncue,public"})
        if answer.returncode:
            raise AssertionError(f"{statement}: {answer.stderr}")
        return answer.stdout.rstrip("\n")

    def rows(self, query):
        """The rows as dicts."""
        return json.loads(self.sql_text(f"SELECT coalesce(json_agg(t), '[]'::json) FROM ({query}) t"))


def free_port(host="127.0.0.1"):
    """A port that nobody has now, and that the kernel gives to nobody who connects (ip_local_port_range)."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind((host, port))
                return port
            except OSError:
                pass
