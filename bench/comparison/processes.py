"""Processes of a comparison: servers with their log, load tools with their one line of JSON. What is started here is
stopped here, with all that it has started. Never leaves a process behind, and never reads a server's output but to
say why it failed."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

STARTS_IN_S = 30
STOPS_IN_S = 5


class Failed(Exception):
    """A contender or a tool did not do its work; the text says what it said."""


def clean_environment() -> dict[str, str]:
    """No key, no proxy, no telemetry: neither oncue nor a peer may talk to anybody but the provider."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "AGNO_TELEMETRY": "false", "AGNO_MONITOR": "false", "LANGSMITH_TRACING": "false",
        "LANGCHAIN_TRACING_V2": "false", "DO_NOT_TRACK": "1", "NO_COLOR": "1"
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tail(path: pathlib.Path, characters: int = 600) -> str:
    return path.read_text(errors="replace").strip()[-characters:] if path.exists() else ""


class Server:
    """A process in a group of its own that listens on a port of this machine."""

    def __init__(self, command: list[str], port: int, log: pathlib.Path, folder: pathlib.Path):
        self.port = port
        self.log = log
        self.begun_ns = time.monotonic_ns()
        with log.open("w") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder,
                                            env=clean_environment(), start_new_session=True)

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + STARTS_IN_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failed(f"the server ended with {self.process.returncode}: {tail(self.log)}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.01)
        raise Failed(f"the server did not listen within {STARTS_IN_S} s: {tail(self.log)}")

    def stop(self) -> None:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOPS_IN_S)
        self.process.wait()


@contextlib.contextmanager
def serving(command: list[str], port: int, folder: pathlib.Path, name: str, wait: bool = True) -> Iterator[Server]:
    server = Server(command, port, folder / f"{name}.log", folder)
    try:
        if wait:
            server.wait_until_it_listens()
        yield server
    finally:
        server.stop()


def run_tool(command: list[str], timeout_s: float) -> dict:
    """Runs a program that prints one JSON object; gives that object."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env=clean_environment(), start_new_session=True)
    name = pathlib.Path(command[0]).name if "python" not in command[0] else pathlib.Path(command[1]).name
    try:
        output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise Failed(f"{name} did not end within {timeout_s:.0f} s") from None
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    if process.returncode != 0:
        raise Failed(f"{name} ended with {process.returncode}: {errors.strip()[-600:]}")
    try:
        return json.loads(output.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise Failed(f"{name} said no JSON: {output.strip()[-300:]}") from None


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(") ", 1)[1].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def memory_bytes(pid: int) -> dict[str, int]:
    """Resident memory of a process and its descendants, and their share of what several have in common (PSS)."""
    sums = {"rss": 0, "pss": 0}
    for one in tree(pid):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                name, _, rest = line.partition(":")
                if name.lower() in sums:
                    sums[name.lower()] += int(rest.split()[0]) * 1024
    return sums
