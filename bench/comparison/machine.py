"""What a result has to say about where and with what it was made: the machine, the commit, every version."""

import datetime
import os
import pathlib
import platform
import re
import resource
import subprocess

from .contenders import HERE, Kit

ROOT = HERE.parent.parent
OPEN_FILES = 65536


def _line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=20)
    except OSError:
        return "unknown"
    return (done.stdout or done.stderr).strip().split("\n")[0]


def _grep(path: str, pattern: str) -> str:
    found = re.search(pattern, pathlib.Path(path).read_text(), re.MULTILINE)
    return found[1].strip() if found else "unknown"


def describe() -> dict:
    return {
        "cpu": _grep("/proc/cpuinfo", r"^model name\s*:(.*)"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": int(_grep("/proc/meminfo", r"^MemTotal:\s*(\d+)")) // 1024,
        "kernel": f"{platform.system()} {platform.release()}",
        "load_before": os.getloadavg()[0],
    }


def versions(kit: Kit) -> dict[str, str]:
    pinned = (HERE.parent / "peers" / "requirements.txt").read_text()
    shown = ("agno", "fastapi", "langchain-openai", "langgraph", "openai", "pydantic-ai-slim", "SQLAlchemy", "uvicorn",
             "uvloop")
    found = {
        name: version
        for name, version in re.findall(r"^([\w.-]+)==(\S+)$", pinned, re.MULTILINE)
        if name in shown
    }
    return {
        "oncue": _line(kit.oncue, "--version"),
        "commit": _line("git", "describe", "--always", "--dirty"),
        "compiler": _line(os.environ.get("CXX", "c++"), "--version"),
        "python": _line(kit.python, "--version"),
        "nginx": _line(kit.nginx, "-v").removeprefix("nginx version: "),
        "libcurl": _line("dpkg-query", "-W", "-f=${Version}", "libcurl4"),
        **found,
    }


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def open_files_allowed() -> int:
    """Asks for enough open files for thousands of streams; what is started here inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)
