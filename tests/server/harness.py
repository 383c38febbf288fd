"""What the server's tests share: `oncue serve` as a child process, a model provider that misbehaves on demand beside it,
and a small HTTP and Server-Sent-Events client on plain sockets, which sees every byte. Standard library only. Nothing here
sleeps: a test waits for what it wants to see, and fails when that does not come."""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

PATIENCE_S = 30  # only ever waited for when a test fails

PROGRAM = os.environ["ONCUE_PROGRAM"]
PROVIDER = os.environ["ONCUE_PROVIDER"]


class Lines:
    """The lines of a stream as they come, for whoever waits for one of them."""

    def __init__(self, stream):
        self.seen = []
        self.over = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        for line in stream:
            with self.changed:
                self.seen.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.over = True
            self.changed.notify_all()

    def wait_for(self, matches, what, start=0):
        """The first line from `start` on of which `matches(line)` is true; its value."""
        with self.changed:
            position = start
            while True:
                while position < len(self.seen):
                    found = matches(self.seen[position])
                    position += 1
                    if found:
                        return found
                if self.over or not self.changed.wait(PATIENCE_S):
                    raise AssertionError(f"{what} did not come; seen:\n" + "\n".join(self.seen[-40:]))


class Provider:
    """The misbehaving model provider; its scenarios are in tests/support/provider.hpp."""

    def __init__(self):
        self.process = subprocess.Popen([PROVIDER, "--log"], stdout=subprocess.PIPE, text=True)
        self.lines = Lines(self.process.stdout)
        self.port = self.lines.wait_for(
            lambda line: line.startswith("listening on ") and int(line.rsplit(":", 1)[1]), "the provider's address")

    def model(self, name, scenario):
        return (f'[[models]]\nid = "{name}"\nprovider = "openai"\nname = "{name}-1"\n'
                f'base_url = "http://127.0.0.1:{self.port}/{scenario}/v1"\n\n'
                f'[[agents]]\nid = "{name}"\nname = "{name.title()}"\nmodel = "{name}"\n\n')

    def close(self):
        self.process.kill()
        self.process.wait()
        self.lines.thread.join()
        self.process.stdout.close()


class Server:
    """`oncue serve` on a free port. Used as a context manager it is gone at the end, however the test ended."""

    def __init__(self, config="", args=(), env=None, store=None, folder=None):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="oncue-test-"))
        self.store = store or str(self.folder / "journal.db")
        self.config = self.folder / "oncue.toml"
        self.config.write_text(config)
        self.args = list(args)
        of_sanitizers = {key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **of_sanitizers, **(env or {})}
        self.process = None
        try:
            self.start()
        except BaseException:
            self.kill()
            raise

    def start(self):
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--port", "0", "--config", str(self.config), "--store", self.store, "--log-format", "json",
             *self.args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env)
        self.out = Lines(self.process.stdout)
        self.log = Lines(self.process.stderr)
        self.url = self.wait_for_log("listening")["url"]
        self.host, self.port = urllib.parse.urlsplit(self.url).hostname, urllib.parse.urlsplit(self.url).port
        return self

    def wait_for_log(self, event, start=0, **fields):
        """The log's record of this event with these fields."""

        def matches(line):
            try:
                record = json.loads(line)
            except ValueError:
                return None
            fits = record.get("event") == event and all(record.get(key) == value for key, value in fields.items())
            return record if fits else None

        return self.log.wait_for(matches, f"the log's event {event} {fields}", start)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        for lines, stream in ((self.out, self.process.stdout), (self.log, self.process.stderr)):
            lines.thread.join()
            stream.close()
        return code

    def kill(self):
        return self.stop(signal.SIGKILL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    # -- requests ------------------------------------------------------------------

    def request(self, method, path, body=None, headers=None):
        """A whole answer: status, headers, body as text."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def get(self, path, **headers):
        status, _, body = self.request("GET", path, headers=headers)
        return status, json.loads(body) if body else None

    def post(self, path, form=None, **headers):
        """A form as agno's client sends it."""
        body = urllib.parse.urlencode(form or {})
        headers = {"content-type": "application/x-www-form-urlencoded", **headers}
        status, _, text = self.request("POST", path, body, headers)
        return status, json.loads(text) if text else None

    def send_json(self, method, path, value):
        status, _, text = self.request(method, path, json.dumps(value), {"content-type": "application/json"})
        return status, json.loads(text) if text else None

    def run(self, agent="words", message="hello", **fields):
        """Starts a run that streams."""
        form = {"message": message, **fields}
        return Stream(self, "POST", f"/agents/{agent}/runs", form)

    def cancel(self, run, agent="words", query="receipt=true"):
        return self.post(f"/agents/{agent}/runs/{run}/cancel" + ("?" + query if query else ""))


class Stream:
    """One stream of Server-Sent Events on a socket of its own, read as slowly as the test likes."""

    def __init__(self, server, method, path, form=None, headers=None, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect((server.host, server.port))
        body = urllib.parse.urlencode(form).encode() if form is not None else b""
        head = [f"{method} {path} HTTP/1.1", f"Host: {server.host}:{server.port}", f"Content-Length: {len(body)}"]
        if form is not None:
            head.append("Content-Type: application/x-www-form-urlencoded")
        head += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.socket.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        self.answer = http.client.HTTPResponse(self.socket, method=method)
        self.began = False
        self.events = []   # (name, data, id) of what was read so far
        self.comments = 0

    def begin(self):
        if not self.began:
            self.answer.begin()
            self.began = True
            self.status = self.answer.status
        return self

    def next(self):
        """The next event as (name, data), or None at the end of the stream."""
        self.begin()
        name, data, number = None, [], None
        while True:
            line = self.answer.readline()
            if not line:
                return None
            line = line.decode().rstrip("\r\n")
            if line.startswith(":"):
                self.comments += 1
            elif line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])
            elif line.startswith("id: "):
                number = line[4:]
            elif not line and (name or data):
                event = (name, json.loads("\n".join(data)), number)
                self.events.append(event)
                return event[:2]

    def until(self, name):
        """Reads up to the first event of this name; its data."""
        while (event := self.next()) is not None:
            if event[0] == name:
                return event[1]
        raise AssertionError(f"the stream ended without {name}: {[e[0] for e in self.events]}")

    def rest(self):
        """Reads to the end; all names in order."""
        while self.next() is not None:
            pass
        return self.names()

    def names(self):
        return [event[0] for event in self.events]

    def data(self, name):
        return [event[1] for event in self.events if event[0] == name]

    def text(self):
        return "".join(event["content"] for event in self.data("RunContent"))

    def close(self):
        self.answer.close()
        self.socket.close()

    def reset(self):
        """Leaves without a word: the server's next write meets a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class ServerTest(unittest.TestCase):
    """A server and a provider for all tests of a class. `scenarios`: the provider's, by the agent's name."""

    scenarios = {"words": "words;n=10;gap_ms=1"}
    config = ""
    args = ()
    env = None
    longMessage = True

    @classmethod
    def setUpClass(cls):
        cls.provider = Provider()
        cls.addClassCleanup(cls.provider.close)
        config = cls.config + "".join(cls.provider.model(name, path) for name, path in cls.scenarios.items())
        cls.server = Server(config, cls.args, cls.env)
        cls.addClassCleanup(cls.server.kill)


def main():
    unittest.main(verbosity=2)
