"""A process that outlives the test by a moment: whatever way the test ended, SIGKILL included, no process, no name space and no
folder of it stays. It is told on its standard input what there is, and cleans up when that closes. As a program it is the
guard; as a module it is the test's side of it."""

import atexit
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading

_process = None
_lock = threading.Lock()


def _say(line):
    global _process
    with _lock:
        if _process is None:
            atexit.register(_finish)
            # A session of its own: a Ctrl-C at the terminal is for the test.
            _process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, text=True, start_new_session=True)
        _process.stdin.write(line + "\n")
        _process.stdin.flush()


def _finish():
    _process.stdin.close()
    _process.wait()


def began(pid):
    """When a process began, in ticks since boot: with its number it is that process and no later one."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None


def process(pid):
    _say(f"process {pid} {began(pid)}")


def namespace(name):
    _say(f"namespace {name}")


def device(name):
    _say(f"device {name}")


def folder(path):
    _say(f"folder {path}")


def _clean_up(things):
    for what, *names in reversed(things):
        if what == "process" and began(names[0]) == names[1] != "None":
            for number in (signal.SIGKILL, signal.SIGCONT):
                try:
                    os.kill(int(names[0]), number)
                except ProcessLookupError:
                    pass
        elif what == "namespace":
            subprocess.run(["ip", "netns", "del", names[0]], stderr=subprocess.DEVNULL)
        elif what == "device":
            subprocess.run(["ip", "link", "del", names[0]], stderr=subprocess.DEVNULL)
        elif what == "folder":
            shutil.rmtree(names[0], ignore_errors=True)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _clean_up([line.split() for line in sys.stdin if line.strip()])
